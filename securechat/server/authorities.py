"""What lies beside the server's certificate: who signed it, and who signs those of clients.

===================  ===================================================================================
``ca.pem``           the authority of servers; clients that come for the first time ask for it
``ca-history.pem``   how the authorities before it vouch for it (`securechat.pki.succession`)
``ca.crl``           what it has revoked
``client-ca.pem``    the authority of clients
``client-ca.crl``    what it has revoked
``client-ca.key``    its private key; where it is there, the server can sign certificates for clients
===================  ===================================================================================

Each may be missing. ``[tls] ca``, ``client_ca`` and ``client_ca_key`` name others than those beside the certificate;
these have to be there.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import Encoding

from securechat.pki import (
    Authority,
    BrokenFilesError,
    PKIError,
    Purpose,
    RevocationList,
    StorageError,
    history_path,
    load_history,
    revocation_path,
)
from securechat.pki.certificate import MALFORMED, parse_certificates, spki_fingerprint
from securechat.pki.files import others_can_open, read_if_there
from securechat.pki.keys import parse_own_key
from securechat.pki.succession import MAX_STEPS
from securechat.server.config_sections import TLSConfig
from securechat.tls.errors import CertificateFileError

__all__ = ["Authorities", "Looks", "Places", "read_authorities"]

Looks = Mapping[Path, tuple[int, ...] | None]
"""What the system says of files: something else when one has changed; ``None`` where there is none."""

_MAX_CHAIN: Final = 10
"""Certificates between the server's and its authority; nobody has as many."""


@dataclass(frozen=True, slots=True)
class Places:
    """Where all of the files are that TLS needs, whether they are there or not."""

    cert: Path
    key: Path
    """The same where the certificate's file has the key, too."""
    ca: Path
    client_ca: Path
    client_ca_key: Path

    @classmethod
    def of(cls, tls: TLSConfig) -> Places | None:
        """Those that a configuration names, or else those beside its certificate; ``None`` if it has none."""
        if tls.cert is None:
            return None
        client_ca = tls.client_ca or tls.cert.with_name("client-ca.pem")
        return cls(
            tls.cert,
            tls.key or tls.cert,
            tls.ca or tls.cert.with_name("ca.pem"),
            client_ca,
            tls.client_ca_key or client_ca.with_suffix(".key"),
        )

    def files(self) -> tuple[Path, ...]:
        """All of them, each once."""
        lists = [revocation_path(self.ca), revocation_path(self.client_ca)]
        named = [self.cert, self.key, self.ca, history_path(self.ca), self.client_ca, self.client_ca_key, *lists]
        return tuple(dict.fromkeys(named))

    def look(self) -> Looks:
        """What the system says of each file now. Links are followed: to renew a certificate often means to have a link
        lead elsewhere."""
        return {path: _look(path) for path in self.files()}


@dataclass(frozen=True, slots=True)
class Authorities:
    """As they were read from their files. None of it changes: what is read later is another one."""

    servers: tuple[bytes, ...] = ()
    """DER: the present authority of servers, then the certificates of its succession. Empty where none of our own
    signed the server's certificate."""
    servers_revoked: bytes | None = None
    """DER: its list of revoked certificates."""
    servers_fingerprint: str | None = None
    """SHA-256 of its public key (SPKI), 64 lower-case hexadecimal digits."""
    clients: x509.Certificate | None = None
    """The authority of clients."""
    clients_file: Path | None = None
    """Where it was read; its list is beside it."""
    clients_revoked: RevocationList | None = None
    signer: Authority | None = field(default=None, repr=False)
    """The same with its private key, where the server has that."""
    signed: Path | None = None
    """The directory in which what it signs is recorded: that of its key, or where that would be."""
    ends: tuple[tuple[Path, datetime], ...] = ()
    """Until when the certificates are valid, each with its file (aware, UTC): the server's own, and the authorities."""
    notes: tuple[str, ...] = ()
    """Sentences for the operator, without the full stop."""

    @property
    def clients_key(self) -> tuple[x509.Name, str] | None:
        """Name and key of the authority of clients: with another certificate for the same two it is the same one."""
        return (self.clients.subject, spki_fingerprint(self.clients.public_key())) if self.clients is not None else None


def read_authorities(tls: TLSConfig) -> Authorities:
    """Read everything but what the server's own TLS context is made of.

    Raises:
        CertificateFileError: a file that is named is not there, or one that is there can't be used.
    """
    places = Places.of(tls)
    if places is None:
        return Authorities()
    try:
        return _read(tls, places)
    except PKIError as error:
        raise CertificateFileError(str(error)) from error


def _read(tls: TLSConfig, places: Places) -> Authorities:
    own = parse_certificates(_named(places.cert), places.cert)
    ends = [(places.cert, own[0].not_valid_after_utc)]
    notes: list[str] = []
    with suppress(OSError):  # it was read a moment ago; who has taken it away since will hear of it
        if places.key.stat().st_mode & 0o007:
            notes.append(f"others can read {places.key}, which holds the private key: chmod 600 it")

    server_authority, found_in = _certificate(places.ca, must_be_there=tls.ca is not None), places.ca
    if server_authority is not None and not _leads_to(own, server_authority):
        sentence = f"{places.ca} is not the authority that signed {places.cert}"
        if tls.ca is not None:
            raise BrokenFilesError(sentence)
        notes.append(f"{sentence}: clients are not given it")
        server_authority = None
    if server_authority is None and len(own) > 1 and _leads_to(own[:-1], own[-1]) and own[-1].issuer == own[-1].subject:
        server_authority, found_in = own[-1], places.cert  # it stands at the end of the server's own file
    servers: tuple[bytes, ...] = ()
    servers_revoked: RevocationList | None = None
    if server_authority is not None:
        steps = load_history(history_path(places.ca))[-MAX_STEPS:] if found_in == places.ca else []
        servers = tuple(certificate.public_bytes(Encoding.DER) for certificate in (server_authority, *steps))
        if found_in == places.ca:
            servers_revoked = RevocationList.load(revocation_path(places.ca), server_authority)
        ends.append((found_in, server_authority.not_valid_after_utc))

    clients = _certificate(places.client_ca, must_be_there=tls.client_ca is not None)
    clients_revoked: RevocationList | None = None
    signer: Authority | None = None
    if clients is not None:
        clients_revoked = RevocationList.load(revocation_path(places.client_ca), clients)
        signer = _signer(clients, places, notes, must_be_there=tls.client_ca_key is not None)
        ends.append((places.client_ca, clients.not_valid_after_utc))
    return Authorities(
        servers=servers,
        servers_revoked=servers_revoked.der() if servers_revoked is not None else None,
        servers_fingerprint=spki_fingerprint(server_authority.public_key()) if server_authority is not None else None,
        clients=clients,
        clients_file=places.client_ca if clients is not None else None,
        clients_revoked=clients_revoked,
        signer=signer,
        signed=places.client_ca_key.parent if clients is not None else None,
        ends=tuple(ends),
        notes=tuple(notes),
    )


def _look(path: Path) -> tuple[int, ...] | None:
    try:
        status = path.stat()
    except OSError:  # what is wrong will be told by who reads it
        return None
    return (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


def _named(path: Path) -> bytes:
    data = read_if_there(path)
    if data is None:
        raise BrokenFilesError(f"{path} does not exist")
    return data


def _certificate(path: Path, *, must_be_there: bool) -> x509.Certificate | None:
    """The authority in a file; ``None`` if there is no such file, and none is needed."""
    data = _named(path) if must_be_there else read_if_there(path)
    if data is None:
        return None
    certificate = parse_certificates(data, path)[0]
    try:
        extensions = certificate.extensions
        if extensions.get_extension_for_class(x509.BasicConstraints).value.ca:
            return certificate
    except (*MALFORMED, x509.ExtensionNotFound):
        pass  # it is none either way
    raise BrokenFilesError(f"{path} is not the certificate of an authority")


def _leads_to(chain: list[x509.Certificate], authority: x509.Certificate) -> bool:
    """Whether the first certificate of a chain was signed by ``authority``, or by one that was and is in the chain."""
    certificate, *others = chain
    for _ in range(_MAX_CHAIN):
        if _is_signed_by(certificate, authority):
            return True
        issuer = next((other for other in others if _is_signed_by(certificate, other)), None)
        if issuer is None:
            return False
        others.remove(issuer)
        certificate = issuer
    return False


def _is_signed_by(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (*MALFORMED, InvalidSignature):
        return False
    return True


def _signer(
    certificate: x509.Certificate, places: Places, notes: list[str], *, must_be_there: bool
) -> Authority | None:
    """The authority of clients with its key; ``None`` if there is none that we may read, and none is needed."""
    path = places.client_ca_key
    try:
        data = _named(path) if must_be_there else read_if_there(path)
    except StorageError as error:
        if must_be_there or not isinstance(error.__cause__, PermissionError):
            raise
        notes.append(f"{path} can't be read by this user, so the server signs no certificates for clients")
        return None
    if data is None:
        return None
    key = parse_own_key(data, path)
    if spki_fingerprint(key.public_key()) != spki_fingerprint(certificate.public_key()):
        raise BrokenFilesError(f"{path} is not the private key of {places.client_ca}")
    try:
        certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier)
    except x509.ExtensionNotFound as error:
        raise BrokenFilesError(
            f"{places.client_ca} is not the certificate of an authority made by securechat"
        ) from error
    if others_can_open(path):
        notes.append(f"others can read {path}, with which one can be anybody here: chmod 600 it")
    return Authority(Purpose.CLIENTS, certificate, key)
