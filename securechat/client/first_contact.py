"""The first connection to a server of which one has nothing but a fingerprint, or not even that: it is not verified.

A private authority is known by the SHA-256 of its public key, which fits into a link; its certificate, which TLS needs
to verify a server, does not. So it is taken from the server itself: on a connection that verifies nothing, says nothing
but `CERT AUTHORITY`, shows no certificate of one's own, and ends. Whoever answers may send what they like: it counts
only if its key has the fingerprint that came by a way that one trusts, or if an authority that one trusted before has
signed it (`pki.succession`). Then everything else goes over another connection, which is verified against exactly that.

This is the one place of the client that makes a context which does not verify; its test holds that.
"""

import ssl
from datetime import datetime
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature

from securechat.client.arriving import Arriving
from securechat.client.asking import ask
from securechat.client.dial import open_link
from securechat.client.safe import safe_text
from securechat.irc.message import Message
from securechat.pki import CertificateInfo, PKIError
from securechat.pki.certificate import MALFORMED
from securechat.tls.errors import UnknownAuthority
from securechat.tls.link import Link

PATIENCE: Final = 15.0
"""Seconds for reaching the server and the handshake, and again for its answer."""

_GOODBYE: Final = 1.0  # seconds for the end of TLS
_QUESTION: Final = Message("CERT", ["AUTHORITY"])
_KIND: Final = "AUTHORITY"
_NO_ANSWER: Final = frozenset(("ERROR", "FAIL", "421", "451"))  # says that there will be none, or that it knows no CERT


def unverified_context() -> ssl.SSLContext:
    """A context that accepts every server: whoever it is may read and change what goes over the connection."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.maximum_version = ssl.TLSVersion.MAXIMUM_SUPPORTED
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def offered_authorities(host: str, port: int, timeout: float = PATIENCE) -> list[x509.Certificate]:
    """What whoever answers gives as the authority of the server, first, and as its successions. Nothing is proved.

    `timeout`: seconds, as `PATIENCE`.

    Raises:
        ServerNotThereError, TLSError: there is nobody, or no TLS 1.3 connection.
        UnknownAuthority: it gives none, or something else than certificates.
    """
    link = open_link(host, port, unverified_context(), timeout)
    try:
        ders = _answer(link, host, timeout)
    finally:
        link.close(_GOODBYE)
    try:
        return [x509.load_der_x509_certificate(der) for der in ders]
    except MALFORMED:
        raise UnknownAuthority(f"what {safe_text(host)} gives as the certificate of its authority is none") from None


def authority_with(
    fingerprint: str, host: str, port: int, now: datetime, timeout: float = PATIENCE
) -> x509.Certificate:
    """The authority of this server, where its public key has this fingerprint (`pki.spki_fingerprint`).

    The server is not verified by that: it has to show that the authority has signed it, for which one now has a
    certificate. `now` is aware.

    Raises as `offered_authorities`, and `UnknownAuthority` where it gives another one.
    """
    for certificate in offered_authorities(host, port, timeout):
        info = described(certificate)
        if info is None or info.spki_fingerprint != fingerprint or not signs_itself(certificate):
            continue  # anybody can write a certificate around a key of others, but not sign it with that
        if not info.is_valid(now):
            raise UnknownAuthority(
                f"the authority of {safe_text(host)} is the right one, but not valid now: check the clock of this "
                "machine, then ask who runs the server"
            )
        return certificate
    raise not_the_server(host, port)


def not_the_server(host: str, port: int) -> UnknownAuthority:
    """That whoever answers is not the server which a fingerprint is from."""
    return UnknownAuthority(
        f"the server at {safe_text(host)} port {port} is not the one that the link or fingerprint is from: somebody "
        "may be in between, or its authority was replaced; nothing was sent to it; ask who gave it to you, by another "
        "way than this"
    )


def described(certificate: x509.Certificate) -> CertificateInfo | None:
    """What a certificate of the answer says; None where it can't be taken apart."""
    try:
        return CertificateInfo.of(certificate)
    except PKIError:
        return None


def signs_itself(certificate: x509.Certificate) -> bool:
    """Whether a certificate is signed with its own key, as those of authorities are."""
    try:
        certificate.verify_directly_issued_by(certificate)
    except (InvalidSignature, *MALFORMED):
        return False
    return True


def _answer(link: Link, host: str, timeout: float) -> tuple[bytes, ...]:
    """What stands in the answer, at least one thing. Raises `UnknownAuthority` where that does not come."""
    arriving = Arriving()
    for message in ask(link, _QUESTION, timeout):
        if message.command in _NO_ANSWER:
            break
        if message.command != "CERT" or len(message.params) < 2:
            continue  # what servers say to everyone
        kind, last = message.params[:2]
        if kind != "END":
            arriving.add(kind, last)
        elif last == _KIND:
            if things := arriving.end(_KIND):
                return things
            break
    raise _gives_none(host)


def _gives_none(host: str) -> UnknownAuthority:
    return UnknownAuthority(
        f"{safe_text(host)} does not say which authority it is signed by: get its ca.pem from whoever runs it, and "
        "name it with --ca"
    )
