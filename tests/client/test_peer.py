"""With whom one speaks, as far as it can be known."""

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from securechat.client.connection import Client
from securechat.client.dial import dial
from securechat.client.peer import Peer as Other
from securechat.client.peer import _read
from securechat.pki import CertificateInfo, make_development_certs
from securechat.tls.contexts import client_context, server_context
from tests.client.clients import connected
from tests.client.support import LIMIT, Peer, Recorder


@pytest.fixture
def server(certs: Path) -> Iterator[Peer]:
    """A server."""
    with Peer(certs / "server.pem") as server:
        yield server


def test_the_server_and_its_authority(certs: Path, ca: Path, server: Peer) -> None:
    leaf, authority = CertificateInfo.read(certs / "server.pem"), CertificateInfo.read(ca)
    with connected(server, ca, Recorder()) as client:
        peer = client.peer
        der = x509.load_pem_x509_certificate((certs / "server.pem").read_bytes()).public_bytes(Encoding.DER)
        assert peer == Other(
            host="localhost",
            port=server.port,
            names=leaf.hosts,
            fingerprint=hashlib.sha256(der).hexdigest(),
            issuer=authority.name,
            authority=authority.name,
            authority_fingerprint=authority.spki_fingerprint,
            ends=leaf.not_after,
            tls="TLSv1.3",
            cipher=peer.cipher,
        )
        assert peer.cipher.startswith("TLS_")
        assert client.cipher == f"TLSv1.3, {peer.cipher}"


def test_how_long_it_is_good() -> None:
    now = datetime.now(UTC)
    peer = Other("localhost", 1, (), "", "", "", "", now + timedelta(days=3, hours=1), "", "")
    assert peer.days_left(now) == 3
    assert peer.days_left(now + timedelta(days=3)) == 0
    assert peer.days_left(now + timedelta(days=5)) == -2
    assert peer.days_left() in (2, 3)
    assert Other("localhost", 1, (), "", "", "", "", None, "", "").days_left() is None


def test_it_is_known_as_soon_as_the_handshake_is_over(ca: Path, server: Peer) -> None:
    """Who is not let in may want to know by whom."""
    client = Client(Recorder())
    with pytest.raises(RuntimeError):
        _ = client.peer
    with pytest.raises(Exception, match="did not let nobody in"):
        client.connect("localhost", server.port, client_context(ca), nick="nobody", password="x")
    assert client.peer.host == "localhost"


def test_an_authority_that_is_not_among_the_trusted_ones_itself(ca: Path, server: Peer, tmp_path: Path) -> None:
    """As when one in between has signed the server: who that is, is known, and no more."""
    make_development_certs(tmp_path, machine="localhost")
    link = dial("localhost", server.port, client_context(ca), LIMIT)
    try:
        peer = Other.of("localhost", server.port, link, client_context(tmp_path / "ca.pem"))
    finally:
        link.close()
    assert peer.issuer == CertificateInfo.read(ca).name
    assert (peer.authority, peer.authority_fingerprint) == ("", "")


def test_names_that_would_drive_a_terminal(tmp_path: Path) -> None:
    """An authority may be called whatever it likes; what is shown is one line."""
    now = datetime.now(UTC)
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Good\x1b[2J authority")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = tmp_path / "odd.pem"
    pem.write_bytes(
        certificate.public_bytes(Encoding.PEM) + key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    )
    context = client_context(None)
    context.load_verify_locations(pem)
    with Peer(server_context(pem)) as server:
        link = dial("localhost", server.port, context, LIMIT)
        try:
            peer = Other.of("localhost", server.port, link, context)
        finally:
            link.close()
    assert peer.issuer == peer.authority == "Good␛[2J authority"


def test_a_certificate_that_only_openssl_can_read(ca: Path) -> None:
    assert _read(b"nonsense") == (None, None)
    der = x509.load_pem_x509_certificate(ca.read_bytes()).public_bytes(Encoding.DER)
    third, second = b"\xa0\x03\x02\x01\x02", b"\xa0\x03\x02\x01\x01"  # versions of X.509 (RFC 5280 section 4.1.2.1)
    assert _read(der)[1] is not None
    assert _read(der.replace(third, second, 1)) == (None, None)
