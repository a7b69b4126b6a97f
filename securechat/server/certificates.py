"""Certificates that people register as their own (CERT ADD): which ones may be, and the end of their use.

What OpenSSL has to say of one, and whether it would stand in the way of others, is known to
`securechat.server.anchors`; what is judged here is whose it may be.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from cryptography import x509

from securechat.chat.model import Account
from securechat.irc.names import casefold
from securechat.irc.pieces import MAX_THING
from securechat.irc.split import fit
from securechat.pki.certificate import spki_fingerprint
from securechat.server.identity import UnreadableCertificateError

if TYPE_CHECKING:
    from securechat.pki import CertificateInfo
    from securechat.server.authorities import Authorities
    from securechat.server.hub import Hub
    from securechat.server.session import Session

__all__ = ["REMOVED", "Candidate", "CertificateRefusedError", "end_logins_with", "judge"]

REMOVED: Final = "The certificate with which you logged in was removed"
"""Why a session ends."""

_LONGEST_NAME: Final = 100  # bytes
_UNREADABLE: Final = "It is not a certificate that can be read"


class CertificateRefusedError(Exception):
    """It can't be registered. ``str()`` is a sentence for who wants that, without the full stop."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A certificate that may be registered."""

    fingerprint: str
    """SHA-256: 64 lower-case hexadecimal digits."""
    name: str
    """Its common name, fit for a screen and not long; empty if it has none."""
    expires: int
    """Seconds since 1970."""


def judge(hub: Hub, der: bytes, account: Account) -> Candidate:
    """Look at a certificate (DER) with which ``account`` wants to log in.

    Raises:
        CertificateRefusedError: it could log nobody in, or not this one, or it is or could stand for one of our own
            authorities.
    """
    if len(der) > MAX_THING:
        raise CertificateRefusedError(f"It is too long: a certificate can have {MAX_THING:,} bytes")
    identities = hub.identities
    try:
        peer = identities.judge(der)
    except UnreadableCertificateError:
        raise CertificateRefusedError(_UNREADABLE) from None
    if peer.info.serial <= 0:  # RFC 5280 section 4.1.2.2; what is kept is to be readable for years
        raise CertificateRefusedError(_UNREADABLE)
    if _is_of_ours(peer.info, identities.authorities):
        raise CertificateRefusedError("It is that of an authority of this server")
    why = hub.reloader.why_unfit(der)
    if why:
        raise CertificateRefusedError(why)
    why = identities.unusable(peer)
    if why:
        raise CertificateRefusedError(why[0].upper() + why[1:])
    # Whoever has a copy of it, for a certificate is no secret, would have its owner log in to the wrong account.
    if identities.signed(peer) and peer.info.account != casefold(account.name):
        raise CertificateRefusedError("It was made out to somebody else")
    return Candidate(peer.fingerprint, _shown(peer.info.name), int(peer.info.not_after.timestamp()))


def end_logins_with(hub: Hub, fingerprint: str, but: Session | None = None) -> int:
    """End the sessions which logged in with a certificate, all ``but`` one; how many there were.

    Call it when the certificate is gone from the chat. A login that is under way notes its certificate before it looks
    whose that is: so it is found here, or finds nothing there.
    """
    ended = [session for session in hub.all_sessions() if session.proved == fingerprint and session is not but]
    for session in ended:
        session.end(REMOVED)
    return len(ended)


def _is_of_ours(info: CertificateInfo, authorities: Authorities) -> bool:
    """Whether it has the key of an authority of ours; who can show such a one has the authority itself."""
    keys = {
        spki_fingerprint(x509.load_der_x509_certificate(authority).public_key()) for authority in authorities.servers
    }
    if authorities.clients is not None:
        keys.add(spki_fingerprint(authorities.clients.public_key()))
    return info.spki_fingerprint in keys


def _shown(name: str) -> str:
    shown = "".join(character if character.isprintable() else "?" for character in name)
    return fit(" ".join(shown.split()), _LONGEST_NAME)
