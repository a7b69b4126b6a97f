"""Where others reach the server, and by what they know it: what stands in the link of an invitation besides the code.

A server that runs knows on which addresses it listens and which certificate it shows. Without one there is what the
configuration says, and what `scripts/gen_certs.py` has left in ``certs/``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from ipaddress import ip_address
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import Encoding

from securechat.irc.links import plain_host
from securechat.pki.certificate import MALFORMED, CertificateInfo, parse_certificates, spki_fingerprint
from securechat.pki.errors import PKIError
from securechat.pki.files import read_if_there
from securechat.pki.names import parse_host
from securechat.server.authorities import read_authorities
from securechat.server.config import Config
from securechat.tls.errors import CertificateFileError

__all__ = ["Listening", "UnknownWhereaboutsError", "Wanted", "Whereabouts", "named_authority", "whereabouts"]

Listening = Sequence[tuple[str, int]]
"""Addresses and ports on which the server listens; empty while none runs."""

_USUAL_CERT: Final = Path("certs/server.pem")
_LOCAL_NAMES: Final = ("localhost", "localhost.localdomain")


class UnknownWhereaboutsError(Exception):
    """Something of it can't be told; ``str()`` says what, and by which option one says it, without the full stop."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What whoever makes a link says about it themselves; ``None`` is what they leave to us.

    ``authority``: the certificate (DER) of the authority that has signed the server's.
    """

    host: str | None = None
    port: int | None = None
    authority: bytes | None = None


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """``fingerprint``: SHA-256 of the authority's public key, 64 lower-case hexadecimal digits; ``None``: the system's
    authorities decide. ``warnings``: sentences, without full stops, about why such a link may not work."""

    host: str
    port: int
    fingerprint: str | None
    warnings: tuple[str, ...]


def whereabouts(config: Config, listening: Listening, wanted: Wanted) -> Whereabouts:
    """Put it together.

    Raises:
        UnknownWhereaboutsError: something can't be told, or what was said can't be.
    """
    try:
        cert = config.tls.cert
        if cert is None and not listening and _USUAL_CERT.exists():
            cert = _USUAL_CERT
        chain = _certificates(cert) if cert is not None else []
        info = CertificateInfo.of(chain[0]) if chain else None
        host = _host(config, listening, wanted, info)
        port = _port(config, listening, wanted)
        fingerprint = _fingerprint(config, cert, chain, wanted)
    except (PKIError, CertificateFileError) as error:
        raise UnknownWhereaboutsError(str(error)) from error
    return Whereabouts(host, port, fingerprint, tuple(_warnings(host, info)))


def _host(config: Config, listening: Listening, wanted: Wanted, info: CertificateInfo | None) -> str:
    if wanted.host is not None:
        return str(parse_host(wanted.host))
    if config.invitations.host is not None:
        return config.invitations.host
    if listening and all(_is_local(address) for address, _ in listening):
        return _LOCAL_NAMES[0]  # whatever the certificate is for, nobody is there under another name
    if info is None:
        raise UnknownWhereaboutsError(
            "it can't be told under which name others reach the server: say --host NAME, or host under [invitations] "
            "in the configuration"
        )
    return _best_host(info.hosts)


def _best_host(hosts: Iterable[str]) -> str:
    """The one by which others may find the server: a name of the DNS, else an address, else the machine's bare name."""
    found = [host for host in hosts if plain_host(host) == host and not _is_local(host)]
    names = [host for host in found if not _is_address(host)]
    full = [name for name in names if "." in name]
    return next(iter([*full, *(host for host in found if _is_address(host)), *names]), _LOCAL_NAMES[0])


def _port(config: Config, listening: Listening, wanted: Wanted) -> int:
    listens = listening[0][1] if listening else config.listen.port
    port = wanted.port or config.invitations.port or listens
    if not port:
        raise UnknownWhereaboutsError("it can't be told on which port the server will listen: say --port NUMBER")
    if not 1 <= port <= 65_535:
        raise UnknownWhereaboutsError("a port is a number from 1 to 65535")
    return port


def _fingerprint(config: Config, cert: Path | None, chain: list[x509.Certificate], wanted: Wanted) -> str | None:
    """Of the authority that was named, or of that which the server gives to those who come for the first time."""
    if wanted.authority is not None:
        authority = _authority(wanted.authority)
        if chain and not any(_has_signed(authority, certificate) for certificate in chain):
            raise UnknownWhereaboutsError("the authority named with --ca has not signed the server's certificate")
        return spki_fingerprint(authority.public_key())
    if cert is not None:
        known = read_authorities(replace(config.tls, cert=cert)).servers_fingerprint
        if known is None and _has_signed(chain[0], chain[0]):
            raise UnknownWhereaboutsError(
                "the server's certificate has signed itself, and no authority vouches for it: `securechat certs init` "
                "makes one, and a certificate with it"
            )
        return known
    ca = config.tls.ca or _USUAL_CERT.with_name("ca.pem")
    if config.tls.ca is None and not ca.exists():
        raise UnknownWhereaboutsError(
            "it can't be told which authority has signed the server's certificate: name its ca.pem with --ca FILE, or "
            "cert under [tls] in the configuration"
        )
    return spki_fingerprint(_certificates(ca)[0].public_key())


def _certificates(path: Path) -> list[x509.Certificate]:
    data = read_if_there(path)
    if data is None:
        raise UnknownWhereaboutsError(f"{path} does not exist")
    return parse_certificates(data, path)


def _authority(der: bytes) -> x509.Certificate:
    try:
        return x509.load_der_x509_certificate(der)
    except MALFORMED:
        raise UnknownWhereaboutsError("what was named with --ca is no certificate that can be read") from None


def _has_signed(authority: x509.Certificate, certificate: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(authority)
    except (*MALFORMED, InvalidSignature):
        return False
    return True


def _warnings(host: str, info: CertificateInfo | None) -> Iterable[str]:
    if _is_local(host):
        yield (
            f"the link leads to {host}, so it works on this machine only: for others say by which host they reach the "
            "server, and have it listen there"
        )
    if info is not None and not any(_covers(certified, host) for certified in info.hosts):
        yield (
            f"the server's certificate is not for {host}, so nobody will believe that it is the right server: make one "
            "that is, or say another host"
        )


def _covers(certified: str, host: str) -> bool:
    """Whether a name in a certificate is for this host; its first label may be ``*`` (RFC 9525 section 6.3)."""
    if certified.startswith("*."):
        return certified[2:].lower() == host.partition(".")[2] and not _is_address(host)
    return (plain_host(certified) or certified) == host


def _is_local(host: str) -> bool:
    """Whether it leads nowhere but to the machine that one is at."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host in _LOCAL_NAMES or host.endswith(".localhost")


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def named_authority(path: Path) -> bytes:
    """The first certificate in a file that was named with ``--ca``, as DER.

    Raises:
        UnknownWhereaboutsError: there is none, or it can't be read.
    """
    try:
        return _certificates(path)[0].public_bytes(Encoding.DER)
    except PKIError as error:
        raise UnknownWhereaboutsError(str(error)) from error
