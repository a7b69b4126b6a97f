"""Whose a client's certificate is.

OpenSSL has seen in the handshake that the client holds the key of the certificate that it shows, and that somebody we
know of signed it. More it can't say: among those it knows are the certificates that people registered as their own, and
such a one may be an authority which signs whatever its owner likes (``openssl req -x509`` makes no others). So a chain
that verifies proves nothing about a name, and the question is answered here, from the certificate alone:

1. It is registered: then it belongs to the account that registered it.
2. Our own authority of clients signed it, itself and not through another, and it names one account by its URI
   (`securechat.pki.account_uri`): then it belongs to the account of that name, unless it is older than the last removal
   of an account of that name, for then it was made for somebody else.
3. Else it is nobody's.

And whatever it is, it must be within its time, be for clients, and not have been revoked by our authority.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

from securechat.chat.machine import Chat
from securechat.chat.model import Account
from securechat.chat.stamps import seconds
from securechat.irc.names import casefold
from securechat.pki import (
    DEFAULT_DAYS,
    AuthorityMissingError,
    CertificateInfo,
    InvalidRequestError,
    PKIError,
    StorageError,
    record,
)
from securechat.pki.authority import BACKDATED
from securechat.pki.certificate import MALFORMED
from securechat.pki.requests import parse_request
from securechat.server.authorities import Authorities
from securechat.server.config import ClientCert

__all__ = ["REVOKED", "Identities", "PeerCertificate", "UnreadableCertificateError", "is_for_clients"]

REVOKED: Final = "Your certificate was revoked"
"""Why a session ends that shows such a one."""


class UnreadableCertificateError(Exception):
    """The peer's certificate passed OpenSSL, but is malformed; only somebody who meant to can make such a one."""


@dataclass(frozen=True, slots=True)
class PeerCertificate:
    """A certificate whose key the client at the other end holds. Whose it is says `Identities.account_of`."""

    fingerprint: str
    """SHA-256 of the certificate: 64 lower-case hexadecimal digits."""
    der: bytes = field(repr=False)
    info: CertificateInfo
    """What it says. Its names were chosen by whoever made it."""


class Identities:
    """Who is whom by certificates, as the configuration and the authorities' files say. Never changed, only replaced.

    Any thread may use it: of the chat it takes single look-ups.
    """

    def __init__(
        self,
        mode: ClientCert,
        authorities: Authorities | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.mode: Final = mode
        """Whether clients are asked for a certificate: ``[tls] client_cert``."""
        self.authorities: Final = authorities or Authorities()
        self._clock = clock

    def judge(self, der: bytes) -> PeerCertificate:
        """Take a certificate apart.

        Raises:
            UnreadableCertificateError: it is malformed.
        """
        try:
            info = CertificateInfo.of(x509.load_der_x509_certificate(der))
        except (*MALFORMED, PKIError) as error:
            raise UnreadableCertificateError from error
        return PeerCertificate(info.fingerprint, der, info)

    def account_of(self, peer: PeerCertificate, chat: Chat) -> tuple[Account | None, str]:
        """Whose it is, or ``None`` and why it is nobody's: words for the log, which quote nothing of it."""
        certificate, why = self._usable(peer)
        if why:
            return None, why
        registered = chat.certificates.get(peer.fingerprint)
        if registered is not None:
            account = chat.accounts_by_id.get(registered.account_id)
            return (account, "") if account is not None else (None, "its account was removed")
        name, why = self._issued_to(peer, certificate, chat)
        if name is None:
            return None, why
        account = chat.accounts.get(name)
        return (account, "") if account is not None else (None, "there is no account of the name in it")

    def keeps_out(self, peer: PeerCertificate | None, name: str, chat: Chat) -> str:
        """Why nobody may log in to the account ``name`` over a connection that shows this certificate; empty: they may.

        Only where certificates are required. ``name`` may be that of an account which is about to be made: a
        certificate of our authority can name it before. Words for the log.
        """
        if self.mode != "required":
            return ""
        if peer is None:
            return "without a certificate"
        account, why = self.account_of(peer, chat)
        if account is not None:
            return "" if casefold(account.name) == casefold(name) else "with the certificate of another account"
        if casefold(name) not in chat.accounts:
            certificate, unusable = self._usable(peer)
            issued_to, _ = self._issued_to(peer, certificate, chat)
            if not unusable and issued_to == casefold(name):
                return ""
        return f"with a certificate that is nobody's: {why}"

    def closes(self, peer: PeerCertificate | None) -> str:
        """Why a connection that shows this certificate, or none, is ended at once; empty: it is not.

        A sentence for its user.
        """
        if peer is not None and self.is_revoked(peer):
            return REVOKED
        if self.mode != "required":
            return ""
        if peer is None:
            return (
                "This server wants a client certificate, and yours shows none: get one from whoever runs it, and have "
                "your client show it (securechat connect --cert FILE)"
            )
        now = self._clock()
        if now > peer.info.not_after:
            return f"Your certificate expired on {peer.info.not_after:%Y-%m-%d %H:%M} UTC: get a new one"
        if now < peer.info.not_before:
            return f"Your certificate is not valid before {peer.info.not_before:%Y-%m-%d %H:%M} UTC"
        return ""

    def is_revoked(self, peer: PeerCertificate) -> bool:
        """Whether our authority of clients signed it and has taken that back."""
        listed = self.authorities.clients_revoked
        # Serial numbers are the issuer's own: another may have given the same one.
        return (
            listed is not None
            and listed.revoked(peer.info.serial) is not None
            and self._is_ours(x509.load_der_x509_certificate(peer.der))
        )

    def unusable(self, peer: PeerCertificate) -> str:
        """Why a certificate logs nobody in, whoever's it is; empty: it may. Words for the log."""
        return self._usable(peer)[1]

    def signed(self, peer: PeerCertificate) -> bool:
        """Whether our authority of clients signed it, to whomever."""
        return self._is_ours(x509.load_der_x509_certificate(peer.der))

    def holder(self, info: CertificateInfo, chat: Chat) -> Account | None:
        """Whom a certificate logs in that our authority has signed for clients, as long as nobody has registered it;
        ``None`` too if it is out of its time or revoked. That the authority has signed it, the caller knows."""
        listed = self.authorities.clients_revoked
        if not info.is_valid(self._clock()) or (listed is not None and listed.revoked(info.serial) is not None):
            return None
        name, _ = self._made_out_to(info, chat)
        return chat.accounts.get(name) if name is not None else None

    # -- signing ------------------------------------------------------------------------------------------------------

    @property
    def can_sign(self) -> bool:
        """Whether the server has the key to sign certificates for clients."""
        return self.authorities.signer is not None

    def sign(self, csr: bytes, account: Account, days: int = DEFAULT_DAYS) -> list[bytes]:
        """Make out a certificate for a request (PKCS #10, DER): it, and the authority that signed it, in DER.

        Raises:
            InvalidRequestError: the request is no good.
            PKIError: the authority can't sign, or it could not be written down that it has.
        """
        signer = self.authorities.signer
        if signer is None:
            raise AuthorityMissingError("the server has no key to sign certificates with")
        # Certificates begin a little before they are made; this one never before its account, for then it would be
        # taken for one of an account of the same name that was removed before.
        now = max(self._clock(), datetime.fromtimestamp(seconds(account.created), UTC) + BACKDATED)
        certificate = signer.sign_request(parse_request(csr), account.name, now=now, days=days)
        if self.authorities.signed is not None:
            try:
                record(self.authorities.signed, certificate)  # one that nobody knows of could not be revoked
            except InvalidRequestError as error:  # the request is not to blame
                raise StorageError(str(error)) from error
        return [certificate.public_bytes(Encoding.DER), signer.certificate.public_bytes(Encoding.DER)]

    # -- inside -------------------------------------------------------------------------------------------------------

    def _usable(self, peer: PeerCertificate) -> tuple[x509.Certificate, str]:
        """The certificate, and what is against it, whoever's it is."""
        certificate = x509.load_der_x509_certificate(peer.der)
        now = self._clock()
        if now > peer.info.not_after:
            return certificate, "it has expired"
        if now < peer.info.not_before:
            return certificate, "it is not valid yet"
        if not is_for_clients(certificate):
            return certificate, "it is not for clients"
        if self.is_revoked(peer):
            return certificate, "it was revoked"
        return certificate, ""

    def _issued_to(self, peer: PeerCertificate, certificate: x509.Certificate, chat: Chat) -> tuple[str | None, str]:
        """The casefolded name of the account to which our authority made it out, or ``None`` and why to none."""
        if not self._is_ours(certificate):
            return None, "it is neither registered nor signed by the authority of clients"
        return self._made_out_to(peer.info, chat)

    def _made_out_to(self, info: CertificateInfo, chat: Chat) -> tuple[str | None, str]:
        """As `_issued_to`, for one that the authority is known to have signed."""
        authority = self.authorities.clients
        if authority is None or not authority.not_valid_before_utc <= self._clock() <= authority.not_valid_after_utc:
            return None, "the authority that signed it has expired"
        if info.account is None or info.is_authority:
            return None, "it names no account, or several"
        removed = chat.retired.get(info.account)
        if removed is not None and info.not_before.timestamp() < seconds(removed):
            return None, "it was made before an account of that name was removed"
        return info.account, ""

    def _is_ours(self, certificate: x509.Certificate) -> bool:
        """Whether our authority of clients signed it, with nothing between them."""
        authority = self.authorities.clients
        if authority is None:
            return False
        try:
            certificate.verify_directly_issued_by(authority)
        except (*MALFORMED, InvalidSignature):
            return False
        return True


def is_for_clients(certificate: x509.Certificate) -> bool:
    """Whether a client may show it in TLS (RFC 5280 sections 4.2.1.3 and 4.2.1.12); one that does not say may.

    Raises one of `MALFORMED`.
    """
    extensions = certificate.extensions
    try:
        usage = extensions.get_extension_for_class(x509.KeyUsage).value
        if not (usage.digital_signature or usage.key_agreement):
            return False
    except x509.ExtensionNotFound:
        pass
    try:
        usages = extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return True
    return ExtendedKeyUsageOID.CLIENT_AUTH in usages or ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE in usages
