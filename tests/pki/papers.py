"""Certificates that nobody's authority would make: for anybody, from anybody, with anything in them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from securechat.pki import Authority, account_uri

NOW = datetime.now(UTC).replace(microsecond=0)
DAY = timedelta(days=1)

CLIENT = ExtendedKeyUsageOID.CLIENT_AUTH
SERVER = ExtendedKeyUsageOID.SERVER_AUTH


@dataclass(frozen=True)
class Paper:
    """A certificate with its private key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(Encoding.DER)

    @property
    def fingerprint(self) -> str:
        return self.certificate.fingerprint(hashes.SHA256()).hex()

    def save(self, path: Path, *chain: Paper | Authority) -> Path:
        """Key, certificate and chain, as clients take them."""
        pem = self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        for one in (self, *chain):
            pem += one.certificate.public_bytes(Encoding.PEM)
        path.touch(0o600)
        path.write_bytes(pem)
        return path


def name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def paper(
    common: str = "irssi",
    *,
    by: Paper | Authority | None = None,
    issuer: x509.Name | None = None,
    accounts: Iterable[str] = (),
    uris: Iterable[str] = (),
    usage: x509.ObjectIdentifier | None = None,
    ca: bool | None = None,
    serial: int | None = None,
    begin: datetime = NOW - DAY,
    end: datetime = NOW + DAY,
    bent: bool = False,
) -> Paper:
    """Signed by itself, or ``by`` another. What is not said is not in it. ``issuer``: the name of who signed it, where
    that is a lie. ``bent``: an extension in it can't be read."""
    key = ec.generate_private_key(ec.SECP256R1())
    issuer = issuer or (by.certificate.subject if by is not None else name(common))
    builder = (
        x509.CertificateBuilder()
        .subject_name(name(common))
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(serial or x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(end)
    )
    named = [x509.UniformResourceIdentifier(uri) for uri in (*map(account_uri, accounts), *uris)]
    if named:
        builder = builder.add_extension(x509.SubjectAlternativeName(named), critical=False)
    if usage is not None:
        builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
    if ca is not None:
        builder = builder.add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
    if bent:
        builder = builder.add_extension(
            x509.UnrecognizedExtension(x509.AuthorityInformationAccess.oid, b"x"), critical=False
        )
    return Paper(builder.sign(by.key if by is not None else key, hashes.SHA256()), key)
