"""Certificates that our authority of clients has signed for an account: which they are, and taking one back.

What it has signed lies beside it, where it was written down (`securechat.pki.issued`); whom each logs in, and whether
it still does, says `Identities.holder`. Taking one back does what ``securechat certs revoke`` does.
"""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from cryptography import x509

from securechat.chat.model import Account, Certificate
from securechat.irc.names import casefold
from securechat.pki import AuthorityMissingError, BrokenFilesError, CertificateInfo, StorageError
from securechat.pki.certificate import MALFORMED
from securechat.pki.issued import read_recorded, recorded
from securechat.pki.issuing import is_signed_by
from securechat.pki.register import revoke_with
from securechat.server.authorities import Authorities
from securechat.server.identity import UnreadableCertificateError, is_for_clients

if TYPE_CHECKING:
    from securechat.server.hub import Hub
    from securechat.server.session import Session

__all__ = ["IssuedCertificates", "issued_as", "issued_to", "revoke"]


class IssuedCertificates:
    """What the authority of clients has signed, as far as it was written down. Any thread may use it."""

    def __init__(self) -> None:
        # Guards the rest. Held while the directory is read, of which each file is read once; nothing is taken inside.
        self._lock: Final = threading.Lock()
        self._place: object = None
        self._known: dict[str, CertificateInfo | None] = {}  # by the file's name; None: it logs nobody in

    def of(self, name: str, authorities: Authorities) -> tuple[list[CertificateInfo], StorageError | None]:
        """Those that name an account (casefolded), the earliest first, good or not; and why there may be more of them:
        some can't be read."""
        with self._lock:
            unread = self._read(authorities)
            found = [info for info in self._known.values() if info is not None and info.account == name]
        return sorted(found, key=lambda info: (info.not_before, info.serial)), unread

    def _read(self, authorities: Authorities) -> StorageError | None:
        """Read what is new. What can't be read is read again the next time, and is only in the way of itself."""
        place = (authorities.signed, authorities.clients_key)
        if place != self._place:
            self._place, self._known = place, {}
        try:
            paths = {path.name: path for path in _recorded(authorities)}
        except StorageError as error:
            return error
        self._known = {name: info for name, info in self._known.items() if name in paths}  # some were taken away
        unread = None
        for name in paths.keys() - self._known.keys():
            try:
                self._known[name] = _info(paths[name], authorities)
            except BrokenFilesError:
                continue  # it is damaged, of which `securechat certs list` tells
            except StorageError as error:
                unread = error
        return unread


def issued_to(hub: Hub, account: Account) -> tuple[list[CertificateInfo], StorageError | None]:
    """What logs an account in because our authority has signed it, the earliest first; and why there may be more of
    them: some can't be read. Nobody has registered these."""
    found, unread = hub.issued.of(casefold(account.name), hub.identities.authorities)
    registered = hub.chat.certificates
    return [info for info in found if info.fingerprint not in registered and _logs_in(hub, info, account)], unread


def issued_as(hub: Hub, entry: Certificate, account: Account) -> CertificateInfo | None:
    """What a certificate of an account says which it has registered, if our authority has signed it, so that it would
    log the account in even if it were not registered; else ``None``."""
    try:
        peer = hub.identities.judge(entry.der)
    except UnreadableCertificateError:
        return None
    return peer.info if hub.identities.signed(peer) and _logs_in(hub, peer.info, account) else None


def revoke(hub: Hub, info: CertificateInfo, but: Session | None = None) -> None:
    """Take back what our authority has signed. Sessions that show it are ended, all ``but`` one.

    Raises:
        AuthorityMissingError: the server has not the key for it.
        PKIError: it could not be written down; nothing has changed.
    """
    identities = hub.identities
    authorities = identities.authorities
    signer, place, known = authorities.signer, authorities.clients_file, authorities.clients_revoked
    if signer is None or place is None:
        raise AuthorityMissingError("the server has no key to revoke certificates with")
    listed = revoke_with(
        signer, place, info.serial, known=known.number if known is not None else 0, now=datetime.now(UTC)
    )
    hub.reloader.take_list(listed, authorities, but)


def _logs_in(hub: Hub, info: CertificateInfo, account: Account) -> bool:
    holder = hub.identities.holder(info, hub.chat)
    return holder is not None and holder.id == account.id


def _recorded(authorities: Authorities) -> list[Path]:
    if authorities.signed is None:
        return []
    try:
        return recorded(authorities.signed)
    except StorageError as error:
        if authorities.signer is None and isinstance(error.__cause__, PermissionError):
            return []  # somebody else signs, and what they have signed is not for the server to see
        raise


def _info(path: Path, authorities: Authorities) -> CertificateInfo | None:
    """What a certificate says; ``None`` if the authority of today has not signed it for a client.

    Raises as `read_recorded`.
    """
    certificate: x509.Certificate = read_recorded(path)
    try:
        ours = authorities.clients is not None and is_signed_by(certificate, authorities.clients)
        return CertificateInfo.of(certificate) if ours and is_for_clients(certificate) else None
    except (BrokenFilesError, *MALFORMED):
        return None
