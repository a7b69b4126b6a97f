"""The servers that one has joined: where they are, who one is there, and by which authority one knows each.

::

    SERVERS/                 platformdirs' data directory of the user, `securechat/servers`; 0700, as all below it
        NAME/
            server.json      `SavedServer`
            ca.pem           the one authority that this server is verified by; none where the system's decide
            ca.crl           the certificates that it has revoked, as far as they are known
            client.pem       one's own certificate with its key, if there is one

Files are 0600, and appear whole or not at all; a new server does so with all its files. What is read may be damaged, or
prepared by somebody: it is read up to a limit, judged, and refused with a sentence that says what to do. Passwords are
never in here (`keyrings`).
"""

import json
import os
import re
import secrets
import shlex
import shutil
import stat
from contextlib import suppress
from dataclasses import asdict, dataclass
from errno import EEXIST, ENOTEMPTY
from pathlib import Path
from typing import Any, Final

import platformdirs
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from securechat.client.errors import MistakeError, SaveError
from securechat.irc.links import plain_host
from securechat.irc.names import casefold, valid_nick
from securechat.pki import PKIError
from securechat.pki.certificate import MALFORMED, spki_fingerprint
from securechat.pki.files import make_directory, others_can_open, write_private

SYSTEM: Final = "system"
"""The `trust` of a server that the authorities of the system vouch for."""
MAX_DEVICE: Final = 32

_VERSION: Final = 1
_LONGEST: Final = 65_536  # bytes of a file that are looked at; the largest by far is a list of revoked certificates
_LONGEST_LIST: Final = 1_048_576
_MOST: Final = 1000  # servers of one user
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}", re.ASCII)
_FINGERPRINT: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)
_DEVICE: Final = re.compile(rf"[A-Za-z0-9_.-]{{0,{MAX_DEVICE}}}", re.ASCII)


def valid_name(name: str) -> bool:
    """Whether a server can be saved under this name, which is that of a directory as well."""
    return _NAME.fullmatch(name) is not None


def valid_device(name: str) -> bool:
    """Whether a device can have this name; the empty one is none."""
    return _DEVICE.fullmatch(name) is not None


def parse_fingerprint(text: str) -> str | None:
    """A fingerprint as people write it, with colons, spaces or capitals: 64 lower-case digits; None if it is none."""
    digits = re.sub(r"[:\s]", "", text[:1000]).lower()
    return digits if _FINGERPRINT.fullmatch(digits) else None


@dataclass(frozen=True, slots=True)
class SavedServer:
    """One of them. Raises `ValueError`, which says what is wrong, for what can't be one."""

    name: str
    """What it is called on this machine."""
    host: str
    """In the form of `irc.links.plain_host`."""
    port: int
    user: str
    """The account."""
    trust: str
    """The fingerprint of its authority's public key (`pki.spki_fingerprint`), or `SYSTEM`."""
    certificate: bool = False
    """Whether one logs in with `client.pem`."""
    device: str = ""
    """What this device is called there; empty for nothing."""
    keyring: bool = False
    """Whether the password is in the system's keyring, because the user asked for it."""

    def __post_init__(self) -> None:
        for good, what in (
            (valid_name(self.name), "its name"),
            (plain_host(self.host) == self.host, "its host"),
            (1 <= self.port <= 65_535, "its port"),
            (valid_nick(self.user), "its user"),
            (self.trust == SYSTEM or _FINGERPRINT.fullmatch(self.trust) is not None, "its trust"),
            (valid_device(self.device), "its device"),
        ):
            if not good:
                raise ValueError(f"{what} can't be that")

    def is_same(self, host: str, port: int, user: str) -> bool:
        """Whether this is that account on that server."""
        return (self.host, self.port, casefold(self.user)) == (host, port, casefold(user))

    @property
    def where(self) -> str:
        """For people: who, on which server."""
        return f"{self.user} on {self.host} port {self.port}"

    @property
    def again(self) -> str:
        """What to type so as to come to it where it is not saved: with its fingerprint, that saves it."""
        words = ["securechat", "connect", "--host", self.host, "--port", str(self.port), "--user", self.user]
        return shlex.join(words if self.trust == SYSTEM else [*words, "--fingerprint", self.trust])


class SavedServers:
    """All of one user. `path`: the directory; nothing is made before something is saved.

    What reads raises `MistakeError` where something is damaged, or others could have changed it; what writes raises
    `SaveError`.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.path = path or platformdirs.user_data_path("securechat", appauthor=False).absolute() / "servers"

    # -- reading ------------------------------------------------------------------------------------------------------

    def names(self) -> list[str]:
        """The names of all, in alphabetical order. What is in the directory besides is passed over."""
        try:
            with os.scandir(self.path) as entries:
                found = [entry.name for entry in entries if valid_name(entry.name)]
        except FileNotFoundError:
            return []
        except OSError as error:
            raise MistakeError(f"the saved servers in {self.path} can't be read ({error.strerror})") from error
        if len(found) > _MOST:
            raise MistakeError(f"there are more than {_MOST} saved servers in {self.path}")
        return sorted(found)

    def only(self) -> SavedServer:
        """The one that there is. Raises `MistakeError` where there is none, or more than one."""
        match self.names():
            case []:
                raise MistakeError("no server is saved here yet: `securechat join` takes an invitation")
            case [name]:
                return self.load(name)
            case names:
                raise MistakeError(f"several servers are saved, so name one: {', '.join(names)}")

    def load(self, name: str) -> SavedServer:
        """The one of that name, with its authority looked at."""
        if not valid_name(name) or not os.path.lexists(self.path / name):
            raise MistakeError(f"there is no saved server of that name: {self._known()}")
        for directory in (self.path, self.path / name):
            self._require_private(directory, name)
        data = self._read(name, "server.json", _LONGEST)
        if data is None:
            raise self.damaged(name, "server.json is missing")
        try:
            server = _parsed(name, data)
        except (ValueError, RecursionError) as error:
            raise self.damaged(name, f"server.json: {error}") from None
        self.authority(server)
        return server

    def all(self) -> list[SavedServer]:
        """All of them, by name."""
        return [self.load(name) for name in self.names()]

    def authority(self, server: SavedServer) -> x509.Certificate | None:
        """The authority that it is verified by; None where the system's decide."""
        if server.trust == SYSTEM:
            return None
        data = self._read(server.name, "ca.pem", _LONGEST)
        try:
            authorities = x509.load_pem_x509_certificates(data or b"")
            fingerprints = [spki_fingerprint(authority.public_key()) for authority in authorities]
        except MALFORMED:
            raise self.damaged(server.name, "ca.pem is no certificate") from None
        # A second one in the file would be trusted as well.
        if fingerprints != [server.trust]:
            raise self.damaged(server.name, "ca.pem is not the authority that server.json names")
        return authorities[0]

    def revoked(self, server: SavedServer) -> bytes | None:
        """What its authority has revoked, as it was kept; None where nothing is."""
        return self._read(server.name, "ca.crl", _LONGEST_LIST)

    def certificate_file(self, server: SavedServer) -> Path | None:
        """One's own certificate for it, if there is one."""
        return self.path / server.name / "client.pem" if server.certificate else None

    def find(self, host: str | None, port: int | None, user: str | None) -> list[SavedServer]:
        """Those that fit what is known, where None is anything.

        On a server that was named by its host, one whose `user` is another fits where none fits better: its authority
        is that of the server, whoever one is there.
        """
        named = plain_host(host) if host is not None else None
        fitting = [
            server
            for server in self.all()
            if (host is None or server.host == named) and (port is None or server.port == port)
        ]
        if user is None:
            return fitting
        exact = [server for server in fitting if casefold(server.user) == casefold(user)]
        return exact or (fitting[:1] if host is not None and len({server.port for server in fitting}) == 1 else [])

    def damaged(self, name: str, why: str) -> MistakeError:
        """That a file of this server is not what it should be."""
        return MistakeError(
            f"the saved server {name} is damaged ({why}): `securechat servers remove {name}`, and join or connect anew"
        )

    # -- writing ------------------------------------------------------------------------------------------------------

    def name_for(self, host: str, port: int, user: str, wanted: str | None = None) -> str:
        """The name to save a server under: `wanted`, else that of the same server, else the host, with -2 if taken.

        Raises `MistakeError` where `wanted` can't be a name, or is that of another server.
        """
        taken = set(self.names())
        if wanted is not None:
            wanted = wanted.lower()
            if not valid_name(wanted):
                raise MistakeError("that can't be the name of a saved server: it has up to 64 of a-z, 0-9 and -_.")
            if wanted in taken and not self.load(wanted).is_same(host, port, user):
                raise MistakeError(f"{wanted} is saved already, as {self.load(wanted).where}: choose another name")
            return wanted
        for name in sorted(taken):
            with suppress(MistakeError):  # a damaged one is not the same
                if self.load(name).is_same(host, port, user):
                    return name
        base = re.sub(r"[^a-z0-9._-]", "-", host.lower()).strip("-._")[:56] or SYSTEM
        return next(name for number in range(1, _MOST + 2) if (name := _numbered(base, number)) not in taken)

    def put(self, server: SavedServer, authority: x509.Certificate | None, certificate: bytes | None = None) -> None:
        """Save a server, in the place of what has its name.

        `authority` belongs to its `trust`. `certificate`: one's own, as PEM with its key, where `server.certificate`;
        None leaves that which is there.
        """
        if (None if authority is None else spki_fingerprint(authority.public_key())) != (
            None if server.trust == SYSTEM else server.trust
        ):
            raise ValueError("the authority is not the one that is trusted")
        files = {"server.json": _formatted(server)}
        if authority is not None:
            files["ca.pem"] = authority.public_bytes(Encoding.PEM)
        if server.certificate:
            files["client.pem"] = certificate or self._read(server.name, "client.pem", _LONGEST) or b""
        place = self.path / server.name
        try:
            make_directory(self.path.parent, 0o700)  # the server's data directory, which others may not look into
            make_directory(self.path, 0o700)
            fresh = self.path / f".{server.name}.{secrets.token_hex(8)}.tmp"
            fresh.mkdir(0o700)
            try:
                for name, data in files.items():
                    write_private(fresh / name, data)
                self._put_in_place(fresh, place)
            finally:
                shutil.rmtree(fresh, ignore_errors=True)
        except (OSError, PKIError) as error:
            raise SaveError(f"the server can't be saved in {place} ({_reason(error)})") from error

    def change(self, server: SavedServer) -> None:
        """Write down what has changed of a server, but for its authority."""
        self._write(server, "server.json", _formatted(server))

    def keep_revoked(self, server: SavedServer, revoked: bytes) -> None:
        """Keep what its authority has revoked, as PEM, which the caller has verified."""
        self._write(server, "ca.crl", revoked)

    def keep_certificate(self, server: SavedServer, certificate: bytes) -> None:
        """Keep one's own certificate, as PEM with its key."""
        self._write(server, "client.pem", certificate)

    def remove(self, name: str) -> None:
        """Forget a server, damaged or not. Raises `MistakeError` where there is none of that name."""
        place = self.path / name
        if not valid_name(name) or not os.path.lexists(place):
            raise MistakeError(f"there is no saved server of that name: {self._known()}")
        try:
            if place.is_symlink() or not place.is_dir():
                place.unlink()
            else:
                shutil.rmtree(place)
        except OSError as error:
            raise SaveError(f"{place} can't be removed ({error.strerror})") from error

    # -- inside -------------------------------------------------------------------------------------------------------

    def _put_in_place(self, fresh: Path, place: Path) -> None:
        """Rename a directory to where it belongs. One that is there goes."""
        try:
            fresh.rename(place)
            return
        except OSError as error:
            if error.errno not in (EEXIST, ENOTEMPTY) and not place.is_dir():
                raise
        old = fresh.with_suffix(".old")
        place.rename(old)
        try:
            fresh.rename(place)
        except OSError:
            old.rename(place)
            raise
        shutil.rmtree(old, ignore_errors=True)

    def _write(self, server: SavedServer, file: str, data: bytes) -> None:
        try:
            write_private(self.path / server.name / file, data)
        except PKIError as error:
            raise SaveError(str(error)) from error

    def _read(self, name: str, file: str, limit: int) -> bytes | None:
        """A file of a server, None if there is none. Nothing in it can make this wait or take much memory."""
        try:
            # A pipe would make open() wait for its writer.
            flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
            descriptor = os.open(self.path / name / file, flags)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self.damaged(name, f"{file}: {error.strerror}") from None
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise self.damaged(name, f"{file} is no file")
            with os.fdopen(descriptor, "rb", closefd=False) as opened:
                data = opened.read(limit + 1)
        finally:
            os.close(descriptor)
        if len(data) > limit:
            raise self.damaged(name, f"{file} is too large")
        return data

    def _require_private(self, directory: Path, name: str) -> None:
        """Whoever can write here could put another authority in the place of the right one."""
        try:
            if not stat.S_ISDIR(directory.lstat().st_mode):
                raise self.damaged(name, f"{directory} is no directory")
            open_to_others = others_can_open(directory)
        except (OSError, PKIError) as error:
            raise MistakeError(f"{directory} can't be looked at ({_reason(error)})") from error
        if open_to_others:
            raise MistakeError(
                f"others on this machine can open {directory}, where it says which servers you trust: chmod 700 it, "
                "after a look at what is in it"
            )

    def _known(self) -> str:
        match self.names():
            case []:
                return "none is saved yet"
            case [name]:
                return f"the only one is {name}"
            case names:
                return f"there are {', '.join(names)}"


def _numbered(base: str, number: int) -> str:
    return base if number == 1 else f"{base}-{number}"


def _formatted(server: SavedServer) -> bytes:
    fields = {name: value for name, value in asdict(server).items() if name != "name"}
    return f"{json.dumps({'version': _VERSION} | fields, indent=2)}\n".encode()


def _parsed(name: str, data: bytes) -> SavedServer:
    """What a server.json says. Raises `ValueError` and `RecursionError` for what it can't."""
    fields: Any = json.loads(data)
    if not isinstance(fields, dict):
        raise ValueError("it is no object")
    if fields.pop("version", None) != _VERSION:
        raise ValueError("another version of securechat has written it")
    kinds = {key: kind for key, kind in SavedServer.__annotations__.items() if key != "name"}
    if fields.keys() != kinds.keys() or any(type(fields[key]) is not kind for key, kind in kinds.items()):
        raise ValueError("there is something missing in it, too much, or of another kind")
    return SavedServer(name, **fields)


def _reason(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
