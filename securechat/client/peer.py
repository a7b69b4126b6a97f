"""With whom one speaks: what the server's certificate says, and who vouches for it."""

import hashlib
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature

from securechat.client.safe import safe_name, safe_text
from securechat.pki import CertificateInfo, PKIError
from securechat.pki.certificate import MALFORMED
from securechat.tls.link import Link

_NOT_ITS_ISSUER = (*MALFORMED, InvalidSignature)


@dataclass(frozen=True, slots=True)
class Peer:
    """The other end of one connection, which TLS has verified. All texts are fit for printing.

    What can't be known is empty: `authority` and `authority_fingerprint` where the certificate was not signed by a
    trusted authority itself but by one in between, as public authorities do; `issuer` is that one then.
    """

    host: str
    """The name that was asked for, and that the certificate has."""
    port: int
    names: tuple[str, ...]
    """The host names and addresses in the certificate."""
    fingerprint: str
    """SHA-256 of the certificate (DER), 64 lower-case hexadecimal digits."""
    issuer: str
    """Who has signed it: the common name."""
    authority: str
    """The trusted authority that has signed it: the common name."""
    authority_fingerprint: str
    """SHA-256 of that authority's public key (SubjectPublicKeyInfo), in the same form: what an invitation has."""
    ends: datetime | None
    """Aware: until when the certificate is valid."""
    tls: str
    """The version of TLS, as in `TLSv1.3`."""
    cipher: str
    """The cipher suite, as in `TLS_AES_256_GCM_SHA384`."""

    def days_left(self, now: datetime | None = None) -> int | None:
        """Whole days until the certificate ends, from `now` (aware; the clock's if None); None: it is not known."""
        return None if self.ends is None else (self.ends - (now or datetime.now(UTC))).days

    @classmethod
    def of(cls, host: str, port: int, link: Link, context: ssl.SSLContext) -> "Peer":
        """The server at the other end of `link`, after its handshake with `context`."""
        der = link.peer_certificate() or b""
        tls, _, cipher = link.cipher().partition(", ")
        certificate, info = _read(der)
        authority = _authority(certificate, context) if certificate is not None else None
        return cls(
            host=safe_text(host),
            port=port,
            names=tuple(map(safe_name, info.hosts)) if info else (),
            fingerprint=hashlib.sha256(der).hexdigest(),
            issuer=safe_text(info.issuer) if info else "",
            authority=safe_text(authority.name) if authority else "",
            authority_fingerprint=authority.spki_fingerprint if authority else "",
            ends=info.not_after if info else None,
            tls=tls,
            cipher=cipher,
        )


def _read(der: bytes) -> tuple[x509.Certificate | None, CertificateInfo | None]:
    """A certificate, and what it says; None for what OpenSSL took and `cryptography` does not."""
    try:
        certificate = x509.load_der_x509_certificate(der)
        return certificate, CertificateInfo.of(certificate)
    except (*MALFORMED, PKIError):
        return None, None


def _authority(certificate: x509.Certificate, context: ssl.SSLContext) -> CertificateInfo | None:
    """The one among the trusted authorities that has signed a certificate."""
    for der in context.get_ca_certs(binary_form=True):
        authority, info = _read(der)
        if authority is None:
            continue
        try:
            certificate.verify_directly_issued_by(authority)
        except _NOT_ITS_ISSUER:
            continue
        return info
    return None
