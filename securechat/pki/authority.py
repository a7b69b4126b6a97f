"""A certificate authority: made once, kept in two files, signing servers or clients but never both.

Two authorities, because the key that signs clients is in daily use (every new user) and the one that signs servers
is not: whoever steals the first can come in as a user, but can't make a false server. Each authority's own
certificate says in its extended key usage what it signs, so that this holds even for somebody who trusts both.

The certificates follow RFC 5280 to the letter that OpenSSL's ``-x509_strict`` and Python's ``VERIFY_X509_STRICT``
want. Keys are P-256, which every client in use can verify; signatures are ECDSA with SHA-256.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from securechat.pki.certificate import MALFORMED, parse_certificates, spki_fingerprint
from securechat.pki.errors import AuthorityMissingError, BrokenFilesError, InvalidRequestError
from securechat.pki.files import others_can_open, read_if_there, write_private, write_public
from securechat.pki.keys import PublicKey, key_pem, new_key, parse_own_key
from securechat.pki.names import account_uri, parse_host
from securechat.pki.requests import requested_key

AUTHORITY_DAYS: Final = 3650
"""How long an authority lives, and so the most that a certificate can."""
DEFAULT_DAYS: Final = 365
"""How long a server or client certificate lives unless told otherwise."""
BACKDATED: Final = timedelta(minutes=5)
"""How much earlier than now it all begins, for machines whose clock is a little behind ours."""


class Purpose(Enum):
    """What an authority signs. The value is the stem of its file names."""

    SERVERS = "ca"
    CLIENTS = "client-ca"

    def certificate_path(self, directory: Path) -> Path:
        """Where its certificate is kept: public, for everyone who has to trust it."""
        return directory / f"{self.value}.pem"

    def key_path(self, directory: Path) -> Path:
        """Where its private key is kept, mode 0600."""
        return directory / f"{self.value}.key"

    @property
    def usage(self) -> x509.ObjectIdentifier:
        """The extended key usage (RFC 5280 section 4.2.1.12) of all its certificates."""
        return ExtendedKeyUsageOID.SERVER_AUTH if self is Purpose.SERVERS else ExtendedKeyUsageOID.CLIENT_AUTH


@dataclass(frozen=True, slots=True)
class Issued:
    """A new certificate with its private key and the authority that signed it."""

    certificate: x509.Certificate
    authority: x509.Certificate
    key: ec.EllipticCurvePrivateKey = field(repr=False)

    def pem(self) -> bytes:
        """Key (PKCS #8, not encrypted), certificate, chain: the one file that ``--cert`` takes. A secret."""
        chain = self.certificate.public_bytes(Encoding.PEM) + self.authority.public_bytes(Encoding.PEM)
        return key_pem(self.key) + chain

    def save(self, path: Path) -> None:
        """Write `pem` to a file of mode 0600; errors as `securechat.pki.files.write_private`."""
        write_private(path, self.pem())


@dataclass(frozen=True, slots=True)
class Authority:
    """A certificate authority whose key we hold."""

    purpose: Purpose
    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey = field(repr=False)

    @classmethod
    def create(cls, purpose: Purpose, *, now: datetime) -> "Authority":
        """Make a new one, in memory, valid for `AUTHORITY_DAYS` from ``now`` (aware)."""
        now = now.replace(microsecond=0)
        key = new_key()
        public = key.public_key()
        # A name of its own: two authorities of one name make verifiers try the wrong key, and people guess.
        title = "server" if purpose is Purpose.SERVERS else "client"
        name = _name(f"securechat {title} authority {spki_fingerprint(public)[:8]}")
        own_id = x509.SubjectKeyIdentifier.from_public_key(public)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - BACKDATED)
            .not_valid_after(now + timedelta(days=AUTHORITY_DAYS))
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(key_usage(authority=True), critical=True)
            .add_extension(x509.ExtendedKeyUsage([purpose.usage]), critical=False)
            .add_extension(own_id, critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(own_id), critical=False)
            .sign(key, hashes.SHA256())
        )
        return cls(purpose, certificate, key)

    @classmethod
    def load(cls, directory: Path, purpose: Purpose, *, now: datetime) -> "Authority":
        """Read it from its two files in ``directory`` and check that it can be used at ``now`` (aware).

        Raises:
            AuthorityMissingError: neither file is there.
            BrokenFilesError: half of it is missing, or it is not what it should be; the sentence says what.
            StorageError: a file is there and can't be read.
        """
        certificate_path, key_path = purpose.certificate_path(directory), purpose.key_path(directory)
        certificate_data, key_data = read_if_there(certificate_path), read_if_there(key_path)
        if certificate_data is None and key_data is None:
            raise AuthorityMissingError(f"there is no {certificate_path.name} in {directory}")
        if certificate_data is None:
            raise BrokenFilesError(f"{key_path} is there, but its certificate {certificate_path} is not")
        if key_data is None:
            raise BrokenFilesError(f"{certificate_path} is there, but its private key {key_path} is not")
        if others_can_open(key_path):
            raise BrokenFilesError(f"{key_path} is a private key that others can read or change: it takes chmod 600")
        certificate = parse_certificates(certificate_data, certificate_path)[0]
        _check_authority(certificate, purpose, certificate_path)
        key = parse_own_key(key_data, key_path)
        if spki_fingerprint(certificate.public_key()) != spki_fingerprint(key.public_key()):
            raise BrokenFilesError(f"{key_path} is not the private key of {certificate_path}")
        loaded = cls(purpose, certificate, key)
        loaded.check_time(now, str(certificate_path))
        return loaded

    def save(self, directory: Path) -> None:
        """Write both files, in the place of those that are there.

        The key goes first: what a crash between the two leaves behind, `load` names, and no certificate is ever
        trusted whose key was lost. Errors as `securechat.pki.files.write_private`.
        """
        write_private(self.purpose.key_path(directory), key_pem(self.key))
        write_public(self.purpose.certificate_path(directory), self.certificate.public_bytes(Encoding.PEM))

    def issue_server(
        self,
        hosts: Sequence[str],
        *,
        now: datetime,
        days: int = DEFAULT_DAYS,
        key: ec.EllipticCurvePrivateKey | None = None,
    ) -> Issued:
        """Certify a key for a server under all of ``hosts``: DNS names and IP addresses, each counted once.

        Valid from a little before ``now`` (aware) for ``days``, but never longer than this authority. The key is a new
        one, unless that of an earlier certificate is given.

        Raises:
            InvalidRequestError: a host or the days are not acceptable.
            BrokenFilesError: this authority is not valid at ``now``.
        """
        if self.purpose is not Purpose.SERVERS:
            raise ValueError("this authority signs clients")
        unique = dict.fromkeys(parse_host(host) for host in hosts)
        if not unique:
            raise InvalidRequestError("a server certificate needs at least one host")
        names = [x509.DNSName(host) if isinstance(host, str) else x509.IPAddress(host) for host in unique]
        # Clients look at the alternative names only (RFC 9525 section 2); a host may be too long for a common name.
        return self._issue("securechat server", x509.SubjectAlternativeName(names), now, days, key)

    def issue_client(
        self,
        account: str,
        *,
        now: datetime,
        days: int = DEFAULT_DAYS,
        key: ec.EllipticCurvePrivateKey | None = None,
    ) -> Issued:
        """Certify a key for a user: the account as common name, and its URI (`account_uri`) as alternative name.

        The URI is what a server should read: it is folded, so that alice and Alice have the same. Valid, and with which
        key, as for servers.

        Raises:
            InvalidRequestError: the account's name or the days are not acceptable.
            BrokenFilesError: this authority is not valid at ``now``.
        """
        return self._issue(account, self._account_names(account), now, days, key)

    def sign_request(
        self, request: x509.CertificateSigningRequest, account: str, *, now: datetime, days: int = DEFAULT_DAYS
    ) -> x509.Certificate:
        """Certify the key of a request for a user, exactly as `issue_client` would.

        Only the public key is taken from the request: not the names, nor the extensions, that it asks for.

        Raises:
            InvalidRequestError: its signature or the kind of its key is not acceptable, or the account's name, or the
                days.
            BrokenFilesError: this authority is not valid at ``now``.
        """
        names = self._account_names(account)
        return self._certify(requested_key(request), account, names, now, days)

    def check_time(self, now: datetime, title: str = "the authority's certificate") -> None:
        """Raise `BrokenFilesError` unless it is valid at ``now`` (aware).

        Called before each signature: a server that runs for years may hold an authority past its end.
        """
        if now < self.certificate.not_valid_before_utc:
            raise BrokenFilesError(f"{title} is valid from {_date(self.certificate.not_valid_before_utc)} on only")
        if now > self.certificate.not_valid_after_utc:
            raise BrokenFilesError(f"{title} expired on {_date(self.certificate.not_valid_after_utc)}")

    def key_identifier(self) -> x509.AuthorityKeyIdentifier:
        """What stands in everything that it signs: which key it was (RFC 5280 section 4.2.1.1)."""
        own_id = self.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
        return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(own_id)

    def _account_names(self, account: str) -> x509.SubjectAlternativeName:
        if self.purpose is not Purpose.CLIENTS:
            raise ValueError("this authority signs servers")
        return x509.SubjectAlternativeName([x509.UniformResourceIdentifier(account_uri(account))])

    def _issue(
        self,
        name: str,
        names: x509.SubjectAlternativeName,
        now: datetime,
        days: int,
        key: ec.EllipticCurvePrivateKey | None,
    ) -> Issued:
        key = key or new_key()
        return Issued(self._certify(key.public_key(), name, names, now, days), self.certificate, key)

    def _certify(
        self, key: PublicKey, name: str, names: x509.SubjectAlternativeName, now: datetime, days: int
    ) -> x509.Certificate:
        check_days(days)
        now = now.replace(microsecond=0)
        self.check_time(now)
        return (
            x509.CertificateBuilder()
            .subject_name(_name(name))
            .issuer_name(self.certificate.subject)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(max(now - BACKDATED, self.certificate.not_valid_before_utc))
            .not_valid_after(min(now + timedelta(days=days), self.certificate.not_valid_after_utc))
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(key_usage(authority=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([self.purpose.usage]), critical=False)
            .add_extension(names, critical=False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
            .add_extension(self.key_identifier(), critical=False)
            .sign(self.key, hashes.SHA256())
        )


def check_days(days: int) -> None:
    """Raise `InvalidRequestError` unless a certificate can be valid for that many days."""
    if not 1 <= days <= AUTHORITY_DAYS:
        raise InvalidRequestError(f"a certificate is valid for 1 to {AUTHORITY_DAYS} days, not {days}")


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def key_usage(*, authority: bool) -> x509.KeyUsage:
    """An authority signs certificates and revocation lists; all others sign handshakes (RFC 5280 section 4.2.1.3)."""
    return x509.KeyUsage(
        digital_signature=not authority,
        key_cert_sign=authority,
        crl_sign=authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _date(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"


def _check_authority(certificate: x509.Certificate, purpose: Purpose, path: Path) -> None:
    """Whether what it signs would be accepted: better an error now than certificates that nobody trusts."""
    try:
        extensions = certificate.extensions
        constraints = extensions.get_extension_for_class(x509.BasicConstraints).value
        signs = extensions.get_extension_for_class(x509.KeyUsage).value.key_cert_sign
        usage = extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
        extensions.get_extension_for_class(x509.SubjectKeyIdentifier)
        certificate.verify_directly_issued_by(certificate)
    except (*MALFORMED, x509.ExtensionNotFound, InvalidSignature) as error:
        raise BrokenFilesError(f"{path} is not the certificate of an authority made by securechat") from error
    if not (constraints.ca and signs):
        raise BrokenFilesError(f"{path} is not the certificate of an authority")
    if purpose.usage not in usage:
        raise BrokenFilesError(f"{path} is an authority for something else than {purpose.name.lower()}")
