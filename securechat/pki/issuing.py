"""What is done in a directory of certificates, one at a time: issue and renew. `dev` has the layout of the directory.

Every certificate is recorded (`issued`) after its file was written, and a file that is there is taken into account by
whoever lists them (`register`): so none gets lost between the two.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.x509.oid import ExtendedKeyUsageOID

from securechat.pki.authority import DEFAULT_DAYS, Authority, Issued, Purpose
from securechat.pki.certificate import MALFORMED, CertificateInfo, parse_certificates, spki_fingerprint
from securechat.pki.errors import BrokenFilesError, InvalidRequestError, PKIError
from securechat.pki.files import is_there, make_directory, read_if_there
from securechat.pki.holding import hold
from securechat.pki.issued import issued_path, record
from securechat.pki.keys import parse_own_key
from securechat.pki.names import account_file_name
from securechat.pki.revocation import RevocationList, revocation_path


class Outcome(Enum):
    """What became of a file."""

    MADE = "made"
    REPLACED = "replaced"
    KEPT = "kept"


@dataclass(frozen=True, slots=True)
class CertificateFile:
    """One PEM file, what became of it, and its first certificate."""

    path: Path
    outcome: Outcome
    info: CertificateInfo


@dataclass(frozen=True, slots=True)
class Renewed:
    """What `renew` did."""

    file: CertificateFile
    before: CertificateInfo
    """The certificate that was in the file, and is still good until its end."""
    other_authority: bool
    """Whether that one was signed by an authority that is not here any more."""
    revoked: bool
    """Whether that one is revoked."""


def server_path(directory: Path) -> Path:
    """Where the server's key, certificate and chain are kept."""
    return directory / "server.pem"


def client_path(directory: Path, account: str) -> Path:
    """Where those of a user are kept; raises `InvalidRequestError` if that is not an account name."""
    return directory / "clients" / account_file_name(account)


def issue_server(
    directory: Path, hosts: Sequence[str], *, now: datetime, days: int = DEFAULT_DAYS, path: Path | None = None
) -> CertificateFile:
    """A new key and certificate for a server under exactly these hosts, in ``path`` (default: `server_path`).

    Raises:
        PKIError: as `Authority.load`, `Authority.issue_server` and `save_issued`.
    """
    with hold(directory):
        issued = Authority.load(directory, Purpose.SERVERS, now=now).issue_server(hosts, now=now, days=days)
        return save_issued(directory, issued, path or server_path(directory))


def issue_client(
    directory: Path, account: str, *, now: datetime, days: int = DEFAULT_DAYS, path: Path | None = None
) -> CertificateFile:
    """A new key and certificate for a user, in ``path`` (default: `client_path`). Errors as `issue_server`."""
    usual = client_path(directory, account)
    with hold(directory):
        issued = Authority.load(directory, Purpose.CLIENTS, now=now).issue_client(account, now=now, days=days)
        if path is None:
            make_directory(usual.parent, 0o700)  # who has an account is nobody else's business
        return save_issued(directory, issued, path or usual)


def renew(directory: Path, path: Path, *, now: datetime, days: int = DEFAULT_DAYS, keep_key: bool = False) -> Renewed:
    """Put a new certificate, for the same names, in the place of the one in ``path``; with a new key unless told.

    What leads to the file by a link stays, and the file that it leads to is replaced.

    Raises:
        BrokenFilesError: the file is not there, or not what securechat made; or as `Authority.load`.
        InvalidRequestError: the certificate was not issued here; its key should be kept although it was revoked; or as
            `save_issued`.
        StorageError: the system refused.
    """
    with hold(directory):
        path = path.resolve() if path.is_symlink() else path
        data = read_if_there(path)
        if data is None:
            raise BrokenFilesError(f"{path} does not exist")
        before = parse_certificates(data, path)[0]
        info, purpose = CertificateInfo.of(before), purpose_of(before)
        authority = Authority.load(directory, purpose, now=now)
        signed_here = is_signed_by(before, authority.certificate)
        if not signed_here and not _is_recorded(directory, before):
            raise InvalidRequestError(f"the certificate in {path} was not issued by the authority in {directory}")
        revocations = RevocationList.load(revocation_path(purpose.certificate_path(directory)), authority.certificate)
        revoked = bool(revocations and revocations.revoked(before.serial_number))
        key = None
        if keep_key:
            if revoked:
                raise InvalidRequestError(f"the certificate in {path} was revoked, so its key should not be kept")
            key = parse_own_key(data, path)
            if spki_fingerprint(key.public_key()) != info.spki_fingerprint:
                raise BrokenFilesError(f"the private key in {path} is not that of its certificate")
        if purpose is Purpose.SERVERS:
            issued = authority.issue_server(info.hosts, now=now, days=days, key=key)
        else:
            issued = authority.issue_client(_account(info, path), now=now, days=days, key=key)
        return Renewed(save_issued(directory, issued, path), info, not signed_here, revoked)


def save_issued(directory: Path, issued: Issued, path: Path) -> CertificateFile:
    """Write a certificate with its key to ``path``, and record it in ``directory``, with the one that it replaces.

    Raises:
        InvalidRequestError: we may not write there.
        StorageError: the system refused.
    """
    outcome = outcome_of(path)
    before = _certificate_in(path) if outcome is Outcome.REPLACED else None
    if before and is_signed_by(before, issued.authority) and not _is_recorded(directory, before):
        record(directory, before)  # from a time when nothing was recorded
    issued.save(path)
    record(directory, issued.certificate)
    return CertificateFile(path, outcome, CertificateInfo.of(issued.certificate))


def outcome_of(path: Path) -> Outcome:
    """What writing ``path`` means now."""
    return Outcome.REPLACED if is_there(path) else Outcome.MADE


def purpose_of(certificate: x509.Certificate) -> Purpose:
    """Whose certificate it is, by its extended key usage; one that is good for both, or says nothing, is a server's.

    Raises:
        BrokenFilesError: it is malformed.
    """
    try:
        usages = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return Purpose.SERVERS
    except MALFORMED as error:
        raise BrokenFilesError(f"a malformed certificate: {error}") from error
    only_clients = ExtendedKeyUsageOID.CLIENT_AUTH in usages and ExtendedKeyUsageOID.SERVER_AUTH not in usages
    return Purpose.CLIENTS if only_clients else Purpose.SERVERS


def is_signed_by(certificate: x509.Certificate, authority: x509.Certificate) -> bool:
    """Whether the authority in that certificate signed it itself."""
    try:
        certificate.verify_directly_issued_by(authority)
    except (*MALFORMED, InvalidSignature):
        return False
    return True


def _account(info: CertificateInfo, path: Path) -> str:
    """The account, in the spelling of the common name."""
    if info.account is None:
        raise BrokenFilesError(f"the certificate in {path} names no account")
    return info.name if info.name.lower() == info.account else info.account


def _certificate_in(path: Path) -> x509.Certificate | None:
    try:
        return parse_certificates(read_if_there(path) or b"", path)[0]
    except PKIError:
        return None


def _is_recorded(directory: Path, certificate: x509.Certificate) -> bool:
    return _certificate_in(issued_path(directory, certificate.serial_number)) == certificate
