"""Which list of revoked certificates was the newest of each authority of clients: remembered over restarts, by number.

With an older list what was revoked since would be good again; with none, all of it. So neither is taken, while the
server runs or when it starts. The numbers (RFC 5280 section 5.2.3) stand in a small file in the data directory, a line
for each authority: SHA-256 of its public key, a space, the number. An operator who means it removes that file.
"""

from __future__ import annotations

import re
import threading
from pathlib import Path
from typing import Final

from securechat.pki import RevocationList
from securechat.pki.files import write_private
from securechat.server.authorities import Authorities
from securechat.tls.errors import CertificateFileError

__all__ = ["CrlNumbers"]

_MOST: Final = 100
"""Authorities that are remembered: nobody has as many. The one that was in force longest ago goes."""
_HIGHEST: Final = 2**160 - 1  # they have up to 20 octets
_LINE: Final = re.compile(r"([0-9a-f]{64}) ([0-9]{1,49})")
_LONGEST: Final = _MOST * (64 + 1 + 49 + 1)  # bytes


class CrlNumbers:
    """What is remembered. Any thread may use it.

    Raises `CertificateFileError` if the file ``path`` is there and can't be read, or was changed by others than us.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        # Guards `_numbers`. No other lock is taken inside it, and nothing is written.
        self._lock = threading.Lock()
        # Held by the one who writes; `_lock` is taken inside it. Nobody takes it who has a lock that others wait for.
        self._writing = threading.Lock()
        self._written = self._read()
        self._numbers = dict(self._written)  # the one that was in force last is the last

    def require(self, authorities: Authorities) -> None:
        """At a start: raise `CertificateFileError` where it would make good what was revoked, with the way out."""
        if (lost := self.lost(authorities)) is not None:
            raise CertificateFileError(f"{lost}; or, if what it revoked is to be good again, remove {self._path}")

    def lost(self, authorities: Authorities) -> str | None:
        """What was revoked and would be good again with these; a sentence without the full stop, or ``None``.

        A list that is gone, or an older one in its place, is a mistake, or what is there while it is being replaced.
        """
        key = _key(authorities)
        if key is None:
            return None
        with self._lock:
            known = self._numbers.get(key)
        if known is None:
            return None
        if authorities.clients_revoked is None:
            return "the list of what the authority of clients has revoked is gone: put it back"
        if _number(authorities.clients_revoked) < known:
            return "the list of what the authority of clients has revoked is older than the one before: put that back"
        return None

    def note(self, authorities: Authorities) -> None:
        """These are in force now. In memory: `keep` writes it down."""
        key, listed = _key(authorities), authorities.clients_revoked
        if key is None or listed is None:
            return
        with self._lock:
            before = self._numbers.pop(key, 0)
            self._numbers[key] = max(before, _number(listed))
            while len(self._numbers) > _MOST:
                del self._numbers[next(iter(self._numbers))]

    def keep(self) -> None:
        """Write down what is not on disk yet. Waits for the disk: not for those who hold a lock that others wait for.

        Raises `PKIError` if it can't be written; what was there before still is.
        """
        with self._writing:
            with self._lock:
                numbers = dict(self._numbers)
            if numbers != self._written:
                write_private(self._path, "".join(f"{key} {number}\n" for key, number in numbers.items()).encode())
                self._written = numbers

    def _read(self) -> dict[str, int]:
        try:
            with self._path.open("rb") as file:
                data = file.read(_LONGEST + 1)
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise CertificateFileError(f"can't read {self._path}: {error.strerror}") from error
        lines = [_LINE.fullmatch(line) for line in data.decode("ascii", "replace").splitlines()]
        found = [line for line in lines if line is not None]
        if len(data) > _LONGEST or len(found) < len(lines):
            raise CertificateFileError(
                f"{self._path}, which says how new the last list of revoked certificates was, is damaged: make sure "
                "that client-ca.crl is the newest one that there is, then remove that file"
            )
        return {line[1]: int(line[2]) for line in found}


def _key(authorities: Authorities) -> str | None:
    """SHA-256 of the public key of the authority of clients."""
    return authorities.clients_key[1] if authorities.clients_key is not None else None


def _number(listed: RevocationList) -> int:
    return min(max(listed.number, 0), _HIGHEST)
