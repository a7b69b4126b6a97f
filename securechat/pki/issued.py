"""The index of what our authorities have signed: a public copy of each certificate, in ``issued/`` beside them.

Without it nobody could say which certificates there are, and none whose file is elsewhere, or was replaced, could be
revoked. The directory is open to its owner only: who has an account is nobody else's business.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from securechat.pki.certificate import parse_certificates
from securechat.pki.errors import BrokenFilesError, StorageError
from securechat.pki.files import list_directory, make_directory, read_if_there, write_public

_DIRECTORY: Final = "issued"
_FILE: Final = re.compile(r"[0-9a-f]{1,42}\.pem")


def serial_text(serial: int) -> str:
    """A serial number as it is shown and typed: lower-case hexadecimal digits."""
    return f"{serial:x}"


def issued_path(directory: Path, serial: int) -> Path:
    """Where in the directory of an authority the copy of the certificate with that serial number lies."""
    return directory / _DIRECTORY / f"{serial_text(serial)}.pem"


def record(directory: Path, certificate: x509.Certificate) -> None:
    """Keep a copy of a certificate that the authority in ``directory`` has signed. Harmless if there is one already.

    Raises:
        InvalidRequestError: we may not write there.
        StorageError: the system refused.
    """
    path = issued_path(directory, certificate.serial_number)
    make_directory(path.parent, 0o700)
    write_public(path, certificate.public_bytes(Encoding.PEM))


def recorded(directory: Path) -> list[Path]:
    """The copies that were kept in ``directory``, by name. What is in one never changes.

    Raises:
        StorageError: the index is there and can't be read.
    """
    return [path for path in list_directory(directory / _DIRECTORY) if _FILE.fullmatch(path.name)]


def read_recorded(path: Path) -> x509.Certificate:
    """The certificate in one of those.

    Raises:
        BrokenFilesError: it is damaged, or gone.
        StorageError: it can't be read.
    """
    return parse_certificates(read_if_there(path) or b"", path)[0]


@dataclass(frozen=True, slots=True)
class Index:
    """What `read_index` found."""

    certificates: tuple[x509.Certificate, ...]
    """The earliest first."""
    broken: tuple[str, ...]
    """For each file that can't be read or is no certificate, a sentence that says so."""


def read_index(directory: Path) -> Index:
    """All certificates that were recorded in ``directory``. A damaged copy hides none of the others.

    Raises:
        StorageError: the index is there and can't be read.
    """
    found, broken = [], []
    for path in recorded(directory):
        try:
            found.append(read_recorded(path))
        except (BrokenFilesError, StorageError) as error:
            broken.append(str(error))
    found.sort(key=lambda certificate: (certificate.not_valid_before_utc, certificate.serial_number))
    return Index(tuple(found), tuple(broken))
