"""Revocation lists (RFC 5280 section 5): which certificates of an authority are not to be believed any more.

The list of an authority lies beside its certificate, in the file of the same stem that ends in ``.crl``. It is whole
and of one authority only. Its number grows with each change, so that of two lists the newer one is known. How fresh a
list is, it does not say: its next update is the authority's own end, since there is nobody here who would sign a new
one every week.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

from securechat.pki.authority import BACKDATED, Authority
from securechat.pki.certificate import MALFORMED
from securechat.pki.errors import BrokenFilesError, InvalidRequestError
from securechat.pki.files import read_if_there, write_public
from securechat.pki.keys import check_public_key


def revocation_path(authority: Path) -> Path:
    """Where the list of the authority with that certificate file is kept: ``ca.crl`` beside ``ca.pem``."""
    return authority.with_suffix(".crl")


@dataclass(frozen=True, slots=True)
class RevocationList:
    """A list whose signature was checked. Made by `make`, `extend`, `load` and `parse` only."""

    crl: x509.CertificateRevocationList = field(repr=False)
    entries: Mapping[int, datetime] = field(repr=False)
    """Serial number of each revoked certificate: since when it is (aware, UTC)."""
    number: int
    """Grows with each list of the same authority (RFC 5280 section 5.2.3)."""

    @classmethod
    def make(cls, authority: Authority, *, now: datetime, serials: Iterable[int] = ()) -> "RevocationList":
        """The first list of an authority, empty unless ``serials`` are given. Errors as `extend`."""
        return _sign(authority, dict.fromkeys(serials, now.replace(microsecond=0)), 1, now)

    @classmethod
    def load(cls, path: Path, authority: x509.Certificate) -> "RevocationList | None":
        """The list in a file, checked against the authority's certificate; None if there is no such file.

        Raises:
            BrokenFilesError: as `parse`.
            StorageError: it is there and can't be read.
        """
        data = read_if_there(path)
        return None if data is None else cls.parse(data, authority, str(path))

    @classmethod
    def parse(cls, data: bytes, authority: x509.Certificate, source: str) -> "RevocationList":
        """Read a list, in DER or PEM, from wherever it comes; ``source`` is named in the sentence of an error.

        Raises:
            BrokenFilesError: it is not a list that can be read, not signed by that authority, or has in it what changes
                the meaning of a list (a critical extension, RFC 5280 section 5.2): for a part of the certificates only,
                or for those of others.
        """
        unreadable = f"{source} holds no list of revoked certificates that can be read"
        try:
            is_pem = b"-----BEGIN X509 CRL-----" in data
            crl = x509.load_pem_x509_crl(data) if is_pem else x509.load_der_x509_crl(data)
            key = check_public_key(authority.public_key())
            if crl.issuer != authority.subject or not crl.is_signature_valid(key):
                raise BrokenFilesError(f"{source} is not signed by the authority whose list it should be")
            entries: dict[int, datetime] = {}
            for entry in crl:
                _refuse_critical(entry.extensions, source)
                entries.setdefault(entry.serial_number, entry.revocation_date_utc)
            _refuse_critical(crl.extensions, source)
            number = crl.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number
        except (*MALFORMED, InvalidRequestError, x509.ExtensionNotFound) as error:
            raise BrokenFilesError(unreadable) from error
        return cls(crl, entries, number)

    def extend(self, authority: Authority, serials: Iterable[int], *, now: datetime) -> "RevocationList":
        """A new list, with these certificates as well. Those that are on it already keep their date.

        Raises:
            BrokenFilesError: the authority is not valid at ``now`` (aware).
        """
        added = dict.fromkeys(serials, now.replace(microsecond=0))
        return _sign(authority, {**added, **self.entries}, self.number + 1, now)

    def revoked(self, serial: int) -> datetime | None:
        """Since when the certificate of that serial number is revoked (aware, UTC), or None."""
        return self.entries.get(serial)

    def der(self) -> bytes:
        """The list as it goes over the wire."""
        return self.crl.public_bytes(Encoding.DER)

    def pem(self) -> bytes:
        """The list as it stands in a file."""
        return self.crl.public_bytes(Encoding.PEM)

    def save(self, path: Path) -> None:
        """Write `pem` to a file that all may read; errors as `securechat.pki.files.write_public`."""
        write_public(path, self.pem())


def _sign(authority: Authority, entries: Mapping[int, datetime], number: int, now: datetime) -> RevocationList:
    authority.check_time(now)
    certificate = authority.certificate
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(certificate.subject)
        .last_update(max(now.replace(microsecond=0) - BACKDATED, certificate.not_valid_before_utc))
        .next_update(certificate.not_valid_after_utc)
        .add_extension(x509.CRLNumber(number), critical=False)
        .add_extension(authority.key_identifier(), critical=False)
    )
    for serial, since in sorted(entries.items()):
        entry = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(since)
        builder = builder.add_revoked_certificate(entry.build())
    return RevocationList(builder.sign(authority.key, hashes.SHA256()), dict(entries), number)


def _refuse_critical(extensions: x509.Extensions, source: str) -> None:
    for extension in extensions:
        if extension.critical:
            raise BrokenFilesError(f"{source} is a list of revoked certificates of a kind that is not understood")
