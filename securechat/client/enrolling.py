"""A client certificate from the server's own authority (`CERT ENROLL`, ours), for a key that never leaves this machine.

The key is made here, and what is sent is a request that it has signed (PKCS #10, RFC 2986). What comes back is looked
at before it is believed: it has to be for this key and this account, good for logging in, and signed by the authority
that comes with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

from securechat.client.connection import Client
from securechat.client.errors import NotAcknowledgedError
from securechat.client.requests import Request
from securechat.client.safe import safe_text
from securechat.irc.pieces import pieces
from securechat.pki import CertificateInfo, Issued, PKIError, fold_account, make_request, new_key
from securechat.pki.certificate import MALFORMED, spki_fingerprint

_UNUSABLE: Final = (*MALFORMED, InvalidSignature, x509.ExtensionNotFound, PKIError)


class EnrolmentError(NotAcknowledgedError):
    """There is no certificate: the server gives none, or gave something else. ``str()`` is fit for printing."""


def enrol(client: Client, account: str, *, now: datetime | None = None) -> Issued:
    """Make a key, and have the server certify it for the account that `client` is logged in to. Waits for the answer.

    `now`: aware; the clock's time if None.

    Raises:
        EnrolmentError: the server refused, or what it sent is not that certificate.
        InvalidRequestError: `account` can't be the name of an account.
        ConnectionLostError: the connection has ended.
    """
    key = new_key()
    request = in_pieces(
        client, "CERT", "ENROLL", thing=make_request(key, account).public_bytes(Encoding.DER), quiet=True
    )
    client.wait(lambda: request.settled)
    if refusal := request.refusal:
        raise EnrolmentError(safe_text(refusal.text) or "the server gives no certificate, and does not say why")
    return certified(key, account, request.things, now or datetime.now(UTC))


def in_pieces(client: Client, *words: str, thing: bytes, quiet: bool = False) -> Request:
    """Send something that is no text behind a command, in as many lines as it takes; the request is the last of them.

    Raises `ConnectionLostError`.
    """
    *first, last = pieces(thing)
    with client.together():  # for another CERT in between would end the series
        for piece in first:
            client.request(*words, piece, quiet=True)
        return client.request(*words, last, quiet=quiet)


def certified(key: ec.EllipticCurvePrivateKey, account: str, things: Sequence[bytes], now: datetime) -> Issued:
    """The certificate in a server's answer (DER: the certificate, its authority), if it is what was asked for.

    Raises `EnrolmentError`.
    """
    try:
        certificate, authority = map(x509.load_der_x509_certificate, things)
        info, issuer = CertificateInfo.of(certificate), CertificateInfo.of(authority)
        wrong = _wrong(info, issuer, spki_fingerprint(key.public_key()), account, now)
        usages = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
        if ExtendedKeyUsageOID.CLIENT_AUTH not in usages:
            wrong = wrong or "it is not for logging in"
        certificate.verify_directly_issued_by(authority)
    except _UNUSABLE as error:
        wrong = "it is not well-formed, or not signed by the authority that came with it"
        raise EnrolmentError(_sentence(wrong)) from error
    if wrong:
        raise EnrolmentError(_sentence(wrong))
    return Issued(certificate, authority, key)


def _wrong(info: CertificateInfo, issuer: CertificateInfo, key: str, account: str, now: datetime) -> str:
    """What is wrong with a certificate, or nothing."""
    if info.spki_fingerprint != key:
        return "it is for another key"
    if info.account != fold_account(account):
        return f"it is for another account than {account}"
    if info.is_authority or not issuer.is_authority:
        return "it is not that of a person, signed by an authority"
    if not (info.is_valid(now) and issuer.is_valid(now)):
        return "it is not valid at this time: check this machine's clock"
    return ""


def _sentence(wrong: str) -> str:
    return f"the server sent a certificate that is no use: {wrong}"
