"""Which certificates there are: all that were recorded, and those in the directory's own files; and revoking them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from pathlib import Path

from cryptography import x509

from securechat.pki.authority import Authority, Purpose
from securechat.pki.certificate import CertificateInfo, parse_certificates
from securechat.pki.errors import BrokenFilesError, InvalidRequestError, PKIError
from securechat.pki.files import list_directory, read_if_there
from securechat.pki.holding import hold
from securechat.pki.issued import read_index, record, serial_text
from securechat.pki.issuing import is_signed_by, purpose_of, server_path
from securechat.pki.names import fold_account
from securechat.pki.revocation import RevocationList, revocation_path

LEAST_DIGITS = 8
"""How much of a serial number has to be given, so that chance does not find another certificate's."""


class State(Enum):
    """Whether a certificate is good."""

    VALID = "valid"
    EARLY = "not yet valid"
    EXPIRED = "expired"
    REVOKED = "revoked"
    VOID = "void"
    """Its authority was replaced."""


@dataclass(frozen=True, slots=True)
class Known:
    """A certificate that an authority in a directory has signed, now or before it was replaced."""

    certificate: x509.Certificate
    info: CertificateInfo
    purpose: Purpose
    path: Path | None
    """The file in the directory that has it with its key; None if it was replaced there, or is elsewhere."""
    revoked: datetime | None
    state: State

    @property
    def serial(self) -> str:
        """Its serial number as people read and type it."""
        return serial_text(self.info.serial)


@dataclass(frozen=True, slots=True)
class Register:
    """What `read_register` found."""

    known: tuple[Known, ...]
    """Servers first, then users; the earliest first."""
    broken: tuple[str, ...]
    """For each file that can't be read, a sentence."""

    def of_server(self) -> list[Known]:
        """All server certificates."""
        return [known for known in self.known if known.purpose is Purpose.SERVERS]

    def of_account(self, name: str) -> list[Known]:
        """All certificates of a user; none too if that is not an account name."""
        try:
            folded = fold_account(name)
        except InvalidRequestError:
            return []
        return [known for known in self.known if known.purpose is Purpose.CLIENTS and known.info.account == folded]

    def of_serial(self, text: str) -> list[Known]:
        """The certificates whose serial numbers begin like that: `LEAST_DIGITS` or more; colons, case and leading zeros
        do not count."""
        digits = text.replace(":", "").lower().lstrip("0")
        if len(digits) < LEAST_DIGITS:
            return []
        return [known for known in self.known if known.serial.startswith(digits)]


def read_register(directory: Path, *, now: datetime) -> Register:
    """All certificates that are known in ``directory``, as they are at ``now`` (aware). Needs no key.

    Raises:
        BrokenFilesError: an authority or its list of revoked certificates is not what it should be.
        StorageError: something is there and can't be read.
    """
    authorities = {purpose: _authority(directory, purpose) for purpose in Purpose}
    lists = {
        purpose: authority and RevocationList.load(revocation_path(purpose.certificate_path(directory)), authority)
        for purpose, authority in authorities.items()
    }
    index = read_index(directory)
    files, broken = _own_files(directory)
    paths = {certificate: path for path, certificate in files}
    recorded = set(index.certificates)
    known = []
    for certificate in dict.fromkeys([*index.certificates, *paths]):
        try:
            info, purpose = CertificateInfo.of(certificate), purpose_of(certificate)
        except BrokenFilesError as error:
            broken.append(f"{serial_text(certificate.serial_number)}: {error}")
            continue
        authority, revocations = authorities[purpose], lists[purpose]
        if authority is None or not is_signed_by(certificate, authority):
            if certificate not in recorded:
                continue  # a public authority's: nothing of ours
            since, state = None, State.VOID
        else:
            since = revocations.revoked(info.serial) if revocations else None
            state = _state(info, since, now)
        known.append(Known(certificate, info, purpose, paths.get(certificate), since, state))
    known.sort(key=lambda one: (one.purpose is Purpose.CLIENTS, one.info.not_before, one.info.not_after))
    return Register(tuple(known), (*index.broken, *broken))


def revoke(directory: Path, certificates: Sequence[x509.Certificate], *, now: datetime) -> list[Path]:
    """Put certificates on the lists of the authorities that signed them; return the lists that changed.

    Those that are revoked already stay as they are.

    Raises:
        InvalidRequestError: no authority in ``directory`` signed one of them; or we may not write there.
        BrokenFilesError: as `Authority.load` and `RevocationList.load`.
        StorageError: the system refused.
    """
    with hold(directory):
        wanted: dict[Purpose, list[x509.Certificate]] = {}
        for certificate in certificates:
            purpose = purpose_of(certificate)
            authority = _authority(directory, purpose)
            if authority is None or not is_signed_by(certificate, authority):
                raise InvalidRequestError(
                    f"the certificate {serial_text(certificate.serial_number)} was not signed by an authority in "
                    f"{directory}, so only the one that did can revoke it"
                )
            wanted.setdefault(purpose, []).append(certificate)
        lists = [_extended(directory, purpose, those, now) for purpose, those in wanted.items()]
        for certificate in certificates:
            record(directory, certificate)
        changed = [both for both in lists if both is not None]
        for path, revocations in changed:
            revocations.save(path)
        return [path for path, _ in changed]


def revoke_with(signer: Authority, certificate_path: Path, serial: int, *, known: int, now: datetime) -> RevocationList:
    """Put a certificate that ``signer`` has signed on the list beside ``certificate_path``, the authority's own file.

    For who has the authority at hand. ``known``: the number of the newest list that they have seen, 0 for none.
    Returns the list as it lies there now; it has not changed if the certificate was on it.

    Raises:
        InvalidRequestError: we may not write there.
        BrokenFilesError: another authority lies there now, or ``signer`` is not valid at ``now`` (aware); the list is
            gone, or an older one, or as `RevocationList.load`.
        StorageError: the system refused.
    """
    with hold(certificate_path.parent):
        there = parse_certificates(read_if_there(certificate_path) or b"", certificate_path)[0]
        if (there.subject, there.public_key()) != (signer.certificate.subject, signer.certificate.public_key()):
            raise BrokenFilesError(f"{certificate_path} is another authority than the one that signed the certificate")
        path = revocation_path(certificate_path)
        before = RevocationList.load(path, signer.certificate)
        if (before.number if before else 0) < known:
            raise BrokenFilesError(f"{path} is gone, or older than it was: put back the one before")
        if before and before.revoked(serial):
            return before
        after = _with_serials(signer, before, [serial], now)
        after.save(path)
        return after


def _extended(
    directory: Path, purpose: Purpose, certificates: Sequence[x509.Certificate], now: datetime
) -> tuple[Path, RevocationList] | None:
    """The list of an authority with these on it, and its file; None if they were on it before."""
    signer = Authority.load(directory, purpose, now=now)
    path = revocation_path(purpose.certificate_path(directory))
    before = RevocationList.load(path, signer.certificate)
    serials = [one.serial_number for one in certificates if not (before and before.revoked(one.serial_number))]
    return (path, _with_serials(signer, before, serials, now)) if serials else None


def _with_serials(
    signer: Authority, before: RevocationList | None, serials: Sequence[int], now: datetime
) -> RevocationList:
    return before.extend(signer, serials, now=now) if before else RevocationList.make(signer, serials=serials, now=now)


def _authority(directory: Path, purpose: Purpose) -> x509.Certificate | None:
    path = purpose.certificate_path(directory)
    data = read_if_there(path)
    return None if data is None else parse_certificates(data, path)[0]


def _own_files(directory: Path) -> tuple[list[tuple[Path, x509.Certificate]], list[str]]:
    clients = [path for path in list_directory(directory / "clients") if path.suffix == ".pem"]
    found, broken = [], []
    for path in [server_path(directory), *clients]:
        try:
            data = read_if_there(path)
            if data is not None:
                found.append((path, parse_certificates(data, path)[0]))
        except PKIError as error:
            broken.append(str(error))
    return found, broken


def _state(info: CertificateInfo, revoked: datetime | None, now: datetime) -> State:
    if revoked is not None:
        return State.REVOKED
    if now < info.not_before:
        return State.EARLY
    return State.VALID if now <= info.not_after else State.EXPIRED
