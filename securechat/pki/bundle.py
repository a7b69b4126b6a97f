"""A certificate as it lies in files: with its chain, its key, and the authority beside it.

Two forms are known: securechat's own, all in one file (``server.pem``, ``clients/alice.pem``), and what certbot leaves,
``fullchain.pem`` with ``privkey.pem`` beside it, whatever these are links to, RSA or EC.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

from securechat.pki.authority import Purpose
from securechat.pki.certificate import CertificateInfo, parse_certificates
from securechat.pki.errors import BrokenFilesError, InvalidRequestError
from securechat.pki.files import is_there, read_if_there
from securechat.pki.issuing import is_signed_by, purpose_of, server_path
from securechat.pki.keys import parse_private_key

_KEY_MARK: Final = b"PRIVATE KEY-----"
_CERTBOT: Final = ("fullchain", "cert")  # fullchain.pem, and fullchain3.pem in the archive


@dataclass(frozen=True, slots=True)
class Bundle:
    """What one certificate file holds, and where its key is."""

    path: Path
    certificates: tuple[x509.Certificate, ...]
    """The one that the file is about, then its chain; at least one."""
    info: CertificateInfo
    """Of the first."""
    key_path: Path | None
    """Where its private key is; None if there is none that we know of."""
    key_data: bytes = field(repr=False, default=b"")

    @property
    def is_authority(self) -> bool:
        """Whether the file is about an authority."""
        return self.info.is_authority

    @property
    def purpose(self) -> Purpose:
        """Whose certificate it is, or whom the authority signs."""
        return purpose_of(self.certificates[0])

    def key(self) -> PrivateKeyTypes | None:
        """The private key; None if there is none. Raises `BrokenFilesError` if it can't be used."""
        return None if self.key_path is None else parse_private_key(self.key_data, self.key_path)

    def root(self) -> x509.Certificate | None:
        """The authority that signed itself at the end of the chain in the file, if the chain is whole."""
        current = self.certificates[0]
        if is_signed_by(current, current):
            return current
        for issuer in self.certificates[1:]:
            if not is_signed_by(current, issuer):
                return None
            current = issuer
            if is_signed_by(current, current):
                return current
        return None


def read_bundle(path: Path, key_path: Path | None = None) -> Bundle:
    """Read a certificate file; its key is in ``key_path``, else in the same file, else where others leave it.

    Raises:
        BrokenFilesError: it is not there, or holds no certificate that can be read; or ``key_path`` is not there.
        StorageError: a file is there and can't be read.
    """
    data = read_if_there(path)
    if data is None:
        raise BrokenFilesError(f"{path} does not exist")
    certificates = parse_certificates(data, path)
    info = CertificateInfo.of(certificates[0])
    key_data = data
    if key_path is not None:
        given = read_if_there(key_path)
        if given is None:
            raise BrokenFilesError(f"{key_path} does not exist")
        key_data = given
    elif _KEY_MARK in data:
        key_path = path
    else:
        key_path = next((beside for beside in _keys_beside(path) if is_there(beside)), None)
        key_data = (key_path and read_if_there(key_path)) or b""
    return Bundle(path, tuple(certificates), info, key_path, key_data)


def bundle_path(place: Path) -> Path:
    """The server's certificate in a directory: securechat's, else what certbot leaves; a file is what it is.

    Raises:
        InvalidRequestError: there is none.
    """
    if not place.is_dir():
        return place
    for path in (server_path(place), place / "fullchain.pem", place / "cert.pem"):
        if is_there(path):
            return path
    raise InvalidRequestError(f"there is no certificate of a server in {place}")


def authority_beside(path: Path, purpose: Purpose) -> Path | None:
    """The authority's certificate in the directory of a certificate file, or the one above; None if there is none."""
    for directory in (path.parent, path.parent.parent) if path.parent.name == "clients" else (path.parent,):
        found = purpose.certificate_path(directory)
        if is_there(found):
            return found
    return None


def _keys_beside(path: Path) -> list[Path]:
    names = [path.with_suffix(".key")]
    for stem in _CERTBOT:
        if path.stem.startswith(stem):
            names.append(path.with_name(f"privkey{path.stem.removeprefix(stem)}{path.suffix}"))
    return names
