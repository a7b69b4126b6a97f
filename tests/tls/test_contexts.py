"""Contexts: what they accept of files and of each other, and the sentence for each mistake."""

import ssl
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from securechat.pki import Authority, Purpose
from securechat.pki.certificate import MALFORMED
from securechat.tls import contexts
from securechat.tls.contexts import client_context, server_context
from securechat.tls.errors import CertificateFileError
from tests.pki.handshake import Pair
from tests.pki.places import reachable_directory, without_privileges

NOW = datetime.now(UTC)
SERVERS = Authority.create(Purpose.SERVERS, now=NOW - timedelta(days=30))
CLIENTS = Authority.create(Purpose.CLIENTS, now=NOW)
SERVER = SERVERS.issue_server(["localhost"], now=NOW)
ALICE = CLIENTS.issue_client("alice", now=NOW)
CERTIFICATE = SERVER.certificate.public_bytes(Encoding.PEM)
KEY = SERVER.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


@pytest.fixture
def server_pem(tmp_path: Path) -> Path:
    path = tmp_path / "server.pem"
    path.write_bytes(SERVER.pem())
    return path


@pytest.fixture
def ca_pem(tmp_path: Path) -> Path:
    path = tmp_path / "ca.pem"
    path.write_bytes(SERVERS.certificate.public_bytes(Encoding.PEM))
    return path


def test_the_two_meet_over_tls_1_3(server_pem: Path, ca_pem: Path) -> None:
    pair = Pair(server_context(server_pem), client_context(ca_pem))
    pair.shake()
    pair.exchange()
    assert pair.client.version() == "TLSv1.3"
    assert pair.client.compression() is None
    # num_tickets = 0: after the handshake and an answer there was nothing to keep.
    assert pair.client.session is not None
    assert not pair.client.session.has_ticket


def test_no_older_version_on_either_side(server_pem: Path, ca_pem: Path) -> None:
    old_client = client_context(ca_pem)
    old_client.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    old_client.maximum_version = ssl.TLSVersion.TLSv1_2
    with pytest.raises(ssl.SSLError, match="PROTOCOL"):
        Pair(server_context(server_pem), old_client).shake()
    old_server = server_context(server_pem)
    old_server.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    old_server.maximum_version = ssl.TLSVersion.TLSv1_2
    with pytest.raises(ssl.SSLError, match="PROTOCOL"):
        Pair(old_server, client_context(ca_pem)).shake()


def test_a_system_that_allows_less_is_not_asked(server_pem: Path, tmp_path: Path) -> None:
    config = tmp_path / "openssl.cnf"
    config.write_text("openssl_conf=a\n[a]\nssl_conf=b\n[b]\nsystem_default=c\n[c]\nMaxProtocol=TLSv1.2\n")
    code = (
        "import pathlib, ssl, sys; from securechat.tls.contexts import server_context\n"
        "print(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).maximum_version.name)\n"
        "print(server_context(pathlib.Path(sys.argv[1])).maximum_version.name)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, server_pem],
        env={"OPENSSL_CONF": str(config)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "TLSv1_2\nMAXIMUM_SUPPORTED\n"


def test_an_end_without_close_notify_is_seen(server_pem: Path, ca_pem: Path) -> None:
    for side in ("client", "server"):
        pair = Pair(server_context(server_pem), client_context(ca_pem))
        pair.shake()
        pair.exchange()
        pair.to_client.write_eof()
        pair.to_server.write_eof()
        with pytest.raises(ssl.SSLEOFError):
            getattr(pair, side).read()


def test_session_secrets_go_to_no_file(
    server_pem: Path, ca_pem: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "secrets"))
    Pair(server_context(server_pem), client_context(ca_pem)).shake()
    assert not (tmp_path / "secrets").exists()


def test_what_a_client_insists_on(ca_pem: Path) -> None:
    for context in (client_context(ca_pem), client_context(None)):
        assert context.check_hostname
        assert context.verify_mode is ssl.CERT_REQUIRED
        assert not context.hostname_checks_common_name
        assert context.minimum_version is ssl.TLSVersion.TLSv1_3
        assert context.options & ssl.OP_NO_COMPRESSION
    assert client_context(ca_pem).verify_flags & ssl.VERIFY_X509_STRICT
    assert len(client_context(ca_pem).get_ca_certs()) == 1


def test_without_a_file_the_systems_authorities_are_trusted(
    server_pem: Path, ca_pem: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        Pair(server_context(server_pem), client_context(None)).shake()
    monkeypatch.setenv("SSL_CERT_FILE", str(ca_pem))  # which OpenSSL takes for the system's
    Pair(server_context(server_pem), client_context(None)).shake()


def test_an_authority_that_is_not_strictly_right_is_refused(tmp_path: Path) -> None:
    """Without keyUsage and key identifiers, which Python before 3.13 put up with."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "loose")])
    loose = (
        x509.CertificateBuilder(name, name, key.public_key(), 1, NOW - timedelta(days=1), NOW + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=False)
        .sign(key, hashes.SHA256())
    )
    leaf_key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "x")])
    leaf = (
        x509.CertificateBuilder(
            name, subject, leaf_key.public_key(), 2, NOW - timedelta(days=1), NOW + timedelta(days=1)
        )
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    ca, server = tmp_path / "ca.pem", tmp_path / "server.pem"
    ca.write_bytes(loose.public_bytes(Encoding.PEM))
    server.write_bytes(
        leaf_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) + leaf.public_bytes(Encoding.PEM)
    )
    with pytest.raises(ssl.SSLCertVerificationError):
        Pair(server_context(server), client_context(ca)).shake()
    lenient = client_context(ca)
    lenient.verify_flags &= ~ssl.VERIFY_X509_STRICT
    Pair(server_context(server), lenient).shake()


@pytest.mark.parametrize("key_first", [True, False])
def test_key_and_certificate_in_one_file_in_any_order(tmp_path: Path, ca_pem: Path, key_first: bool) -> None:
    path = tmp_path / "both.pem"
    path.write_bytes(KEY + CERTIFICATE if key_first else CERTIFICATE + KEY)
    Pair(server_context(path), client_context(ca_pem)).shake()


def test_a_key_in_a_file_of_its_own_and_in_its_older_form(tmp_path: Path, ca_pem: Path) -> None:
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    certificate.write_bytes(CERTIFICATE)
    parameters = subprocess.run(
        ["openssl", "ecparam", "-name", "prime256v1"], capture_output=True, check=True
    ).stdout  # what OpenSSL writes before such a key
    key.write_bytes(
        parameters + SERVER.key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    )
    Pair(server_context(certificate, key), client_context(ca_pem)).shake()


def encrypted(form: PrivateFormat) -> bytes:
    return SERVER.key.private_bytes(Encoding.PEM, form, BestAvailableEncryption(b"tulip"))


WITHOUT_KEY = r"server\.pem holds no private key, and no other file was named for it"
DAMAGED = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
BAD_SERVER_FILES: dict[str, tuple[bytes, str]] = {
    "empty": (b"", r"server\.pem is empty: `securechat certs init` makes one"),
    "blank": (b" \n", r"server\.pem is empty"),
    "not PEM": (b"\x30\x82\x01", r"server\.pem holds no certificate in PEM form"),
    "key only": (KEY, r"server\.pem holds no certificate in PEM form"),
    "damaged": (KEY + DAMAGED.encode(), r"server\.pem holds a certificate that is damaged"),
    "cut": (KEY + CERTIFICATE[:300], r"server\.pem holds a certificate that is damaged"),
    "no key": (CERTIFICATE, WITHOUT_KEY),
    "damaged key": (CERTIFICATE + KEY[:80] + b"AAAA" + KEY[84:], r"the private key in .*server\.pem is damaged"),
    "another's key": (
        CERTIFICATE + ALICE.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
        r"the private key in .*server\.pem does not belong to the \(first\) certificate in .*server\.pem",
    ),
    "chain before certificate": (
        KEY + SERVERS.certificate.public_bytes(Encoding.PEM) + CERTIFICATE,
        r"does not belong to the \(first\) certificate",
    ),
    "encrypted": (CERTIFICATE + encrypted(PrivateFormat.PKCS8), r"the private key in .*server\.pem is encrypted"),
    "encrypted, older form": (CERTIFICATE + encrypted(PrivateFormat.TraditionalOpenSSL), r"is encrypted"),
    "a client's": (ALICE.pem(), r"server\.pem is not a certificate for servers"),
    "expired": (
        SERVERS.issue_server(["a"], now=NOW - timedelta(minutes=1441), days=1).pem(),
        r"server\.pem expired on \d{4}-\d\d-\d\d \d\d:\d\d UTC: `securechat certs renew server` makes another",
    ),
    "not yet valid": (
        SERVERS.issue_server(["a"], now=NOW + timedelta(days=1)).pem(),
        r"server\.pem is not valid before .* UTC: check this machine's clock",
    ),
}


@pytest.mark.parametrize("case", BAD_SERVER_FILES)
def test_a_server_file_that_can_not_be_used(server_pem: Path, case: str) -> None:
    data, sentence = BAD_SERVER_FILES[case]
    server_pem.write_bytes(data)
    tell(lambda: server_context(server_pem), sentence)


def tell(call: Callable[[], object], sentence: str) -> None:
    with pytest.raises(CertificateFileError, match=sentence) as caught:
        call()
    told = str(caught.value)
    assert "\n" not in told
    assert "_ssl.c" not in told


def test_files_that_are_not_there(tmp_path: Path, server_pem: Path, ca_pem: Path) -> None:
    missing = tmp_path / "missing.pem"
    tell(lambda: server_context(missing), r"missing\.pem does not exist: `securechat certs init` makes one")
    tell(lambda: server_context(server_pem, missing), r"missing\.pem does not exist: name the file of the")
    tell(lambda: client_context(missing), r"missing\.pem does not exist: get the server's ca\.pem")
    tell(lambda: client_context(ca_pem, missing), r"missing\.pem does not exist: get one from whoever runs")
    tell(lambda: server_context(tmp_path), r"can't be read: Is a directory")


def test_a_key_file_without_a_key_or_with_anothers(tmp_path: Path, server_pem: Path, ca_pem: Path) -> None:
    tell(lambda: server_context(server_pem, ca_pem), r"ca\.pem holds no private key$")
    other = tmp_path / "other.key"
    other.write_bytes(ALICE.pem())
    tell(
        lambda: server_context(server_pem, other),
        r"other\.key does not belong to the .* in .*server\.pem: give the two",
    )


def test_files_that_we_may_not_read(ca_pem: Path) -> None:
    with reachable_directory() as directory:
        path = directory / "server.pem"
        path.write_bytes(SERVER.pem())
        server_context(path)
        client_context(path)
        path.chmod(0)
        with without_privileges():
            tell(lambda: server_context(path), r"server\.pem can't be read by this user")
            tell(lambda: client_context(path), r"server\.pem can't be read by this user")


def test_a_certificate_that_openssl_will_not_use(tmp_path: Path) -> None:
    """One that is signed with SHA-1, which no security level that TLS 1.3 is spoken at allows."""
    commands = [
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.pem -subj /CN=a",
        "openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout key -out request -subj /CN=b",
        "openssl x509 -req -sha1 -in request -CA ca.pem -CAkey ca.key -set_serial 2 -out cert",
    ]
    for command in commands:
        subprocess.run(command.split(), cwd=tmp_path, capture_output=True, check=True)
    tell(lambda: server_context(tmp_path / "cert", tmp_path / "key"), r"cert can't be used for TLS 1\.3 \([A-Z_]+\)")


def test_an_authority_file_that_can_not_be_used(ca_pem: Path) -> None:
    for data, sentence in [
        (b"", r"ca\.pem is empty: get the server's ca\.pem"),
        (b"hello", r"ca\.pem holds no certificate in PEM form: get"),
        (DAMAGED.encode(), r"ca\.pem holds a certificate that is damaged"),
        (ca_pem.read_bytes() + DAMAGED.encode(), r"ca\.pem holds a certificate that is damaged"),
    ]:
        ca_pem.write_bytes(data)
        tell(lambda: client_context(ca_pem), sentence)


def test_authorities_out_of_their_time(ca_pem: Path) -> None:
    end = SERVERS.certificate.not_valid_after_utc
    tell(lambda: client_context(ca_pem, now=end + timedelta(seconds=1)), rf"ca\.pem expired on {end:%Y-%m-%d} ")
    tell(lambda: client_context(ca_pem, now=NOW - timedelta(days=31)), r"ca\.pem is not valid before")
    client_context(ca_pem, now=end)
    # One that is good is enough.
    later = Authority.create(Purpose.SERVERS, now=NOW + timedelta(days=1000)).certificate
    ca_pem.write_bytes(ca_pem.read_bytes() + later.public_bytes(Encoding.PEM))
    client_context(ca_pem, now=end + timedelta(seconds=1))
    client_context(ca_pem, now=NOW)


def test_comments_in_any_language_do_no_harm(server_pem: Path, ca_pem: Path) -> None:
    ca_pem.write_bytes("# Zertifizierungsstelle für uns\n".encode() + ca_pem.read_bytes())
    Pair(server_context(server_pem), client_context(ca_pem)).shake()


def test_a_client_certificate_is_shown_to_a_server_that_asks(tmp_path: Path, server_pem: Path, ca_pem: Path) -> None:
    alice = tmp_path / "alice.pem"
    alice.write_bytes(ALICE.pem())
    server = server_context(server_pem)
    server.verify_mode = ssl.CERT_REQUIRED
    server.load_verify_locations(cadata=CLIENTS.certificate.public_bytes(Encoding.DER))
    pair = Pair(server, client_context(ca_pem, alice))
    pair.shake()
    pair.exchange()
    assert pair.server.getpeercert(binary_form=True) == ALICE.certificate.public_bytes(Encoding.DER)


def test_a_servers_certificate_is_none_for_a_client(server_pem: Path, ca_pem: Path) -> None:
    tell(lambda: client_context(ca_pem, server_pem), r"server\.pem is not a certificate for clients: get one from")


def test_an_encrypted_key_is_never_asked_for_on_the_terminal(server_pem: Path) -> None:
    """Even when it is put there between our look and OpenSSL's."""
    code = (
        "import pathlib, ssl, sys; from securechat.tls.contexts import server_context\n"
        "path, other = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])\n"
        "load = ssl.SSLContext.load_cert_chain\n"
        "def replace_and_load(self, *arguments, **words):\n"
        "    path.write_bytes(other.read_bytes())\n"
        "    return load(self, *arguments, **words)\n"
        "ssl.SSLContext.load_cert_chain = replace_and_load\n"
        "try: server_context(path)\n"
        "except Exception as error: print(type(error).__name__)\n"
    )
    other = server_pem.with_name("other.pem")
    other.write_bytes(CERTIFICATE + encrypted(PrivateFormat.PKCS8))
    done = subprocess.run(
        [sys.executable, "-c", code, server_pem, other],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=True,
        start_new_session=True,
    )
    assert (done.stdout, done.stderr) == ("CertificateFileError\n", "")


def test_what_is_malformed_is_so_in_both_packages() -> None:
    """Neither may import the other, and one that had forgotten an exception of cryptography's ended with it."""
    assert set(contexts._MALFORMED) == set(MALFORMED)
