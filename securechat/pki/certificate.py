"""What a certificate says, in plain values: for a list on a screen, for pinning, for a warning before it expires."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes, PublicKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID

from securechat.pki.errors import BrokenFilesError
from securechat.pki.files import read_if_there
from securechat.pki.names import account_of_uri

MALFORMED: Final = (
    ValueError,
    TypeError,
    UnsupportedAlgorithm,
    x509.DuplicateExtension,
    x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
)
"""What `cryptography` raises, at the latest when one looks closely, for a certificate that is not well-formed."""


@dataclass(frozen=True, slots=True)
class CertificateInfo:
    """One certificate. Nothing here is checked against an authority: that is the handshake's work.

    A certificate that a peer sent may hold any text in its names; show them with care.
    """

    name: str
    """The common name of the subject; empty if it has none."""
    issuer: str
    """The common name of the issuer; empty if it has none."""
    hosts: tuple[str, ...]
    """DNS names and IP addresses that it is valid for, in its own order (RFC 5280 section 4.2.1.6)."""
    account: str | None
    """The folded name of the one account that it is for, None if it names none or several."""
    is_authority: bool
    """Whether it may sign others (basicConstraints CA)."""
    serial: int
    not_before: datetime
    """Aware, UTC; valid from this second on."""
    not_after: datetime
    """Aware, UTC; valid up to and including this second."""
    fingerprint: str
    """SHA-256 of the certificate (DER): 64 lower-case hexadecimal digits, what IRC calls certfp."""
    spki_fingerprint: str
    """SHA-256 of its public key (SubjectPublicKeyInfo, DER), in the same form; stays when a key is certified again."""

    @classmethod
    def of(cls, certificate: x509.Certificate) -> "CertificateInfo":
        """Take a certificate apart.

        Raises:
            BrokenFilesError: an extension or a name in it is malformed.
        """
        try:
            names = _subject_alternative_names(certificate)
            accounts = [account_of_uri(uri) for uri in names.get_values_for_type(x509.UniformResourceIdentifier)]
            found = [account for account in accounts if account is not None]
            return cls(
                name=_common_name(certificate.subject),
                issuer=_common_name(certificate.issuer),
                hosts=tuple(str(name.value) for name in names if isinstance(name, x509.DNSName | x509.IPAddress)),
                account=found[0] if len(found) == 1 else None,
                is_authority=_is_authority(certificate),
                serial=certificate.serial_number,
                not_before=certificate.not_valid_before_utc,
                not_after=certificate.not_valid_after_utc,
                fingerprint=certificate.fingerprint(hashes.SHA256()).hex(),
                spki_fingerprint=spki_fingerprint(certificate.public_key()),
            )
        except MALFORMED as error:
            raise BrokenFilesError(f"a malformed certificate: {error}") from error

    @classmethod
    def read(cls, path: Path) -> "CertificateInfo":
        """The first certificate in a PEM file: the one that the file is about, where a chain follows it.

        Raises:
            BrokenFilesError: there is no such file, or no certificate in it.
            StorageError: it can't be read.
        """
        data = read_if_there(path)
        if data is None:
            raise BrokenFilesError(f"{path} does not exist")
        return cls.of(parse_certificates(data, path)[0])

    def is_valid(self, now: datetime) -> bool:
        """Whether ``now`` (aware) lies within its time."""
        return self.not_before <= now <= self.not_after

    def days_left(self, now: datetime) -> int:
        """Whole days from ``now`` (aware) to its end: 0 on the last day, negative when it has expired."""
        return (self.not_after - now).days


def parse_certificates(data: bytes, source: Path) -> list[x509.Certificate]:
    """All certificates in PEM text, at least one; other PEM objects, such as keys, are passed over.

    Raises:
        BrokenFilesError: none, or one that can't be read; ``source`` is named in the sentence.
    """
    if b"-----BEGIN CERTIFICATE-----" not in data:
        raise BrokenFilesError(f"{source} holds no certificate in PEM form")
    try:
        return x509.load_pem_x509_certificates(data)
    except MALFORMED as error:
        raise BrokenFilesError(f"{source} holds a certificate that can't be read") from error


def spki_fingerprint(key: CertificatePublicKeyTypes | PublicKeyTypes) -> str:
    """SHA-256 of a public key as SubjectPublicKeyInfo (RFC 5280 section 4.1.2.7), 64 lower-case hexadecimal digits."""
    digest = hashes.Hash(hashes.SHA256())
    digest.update(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))
    return digest.finalize().hex()


def _common_name(name: x509.Name) -> str:
    attributes = name.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(attributes[0].value) if attributes else ""


def _subject_alternative_names(certificate: x509.Certificate) -> x509.SubjectAlternativeName:
    try:
        return certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return x509.SubjectAlternativeName([])


def _is_authority(certificate: x509.Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return False
