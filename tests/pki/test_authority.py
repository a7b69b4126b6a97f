"""Authorities and what they issue, judged by OpenSSL, by Python's TLS, and by RFC 5280."""

import ipaddress
import ssl
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from securechat.pki import (
    AUTHORITY_DAYS,
    Authority,
    AuthorityMissingError,
    BrokenFilesError,
    CertificateInfo,
    InvalidRequestError,
    Purpose,
    StorageError,
)
from tests.pki.handshake import Pair, raw_client, raw_server
from tests.pki.places import reachable_directory, without_privileges

NOW = datetime.now(UTC)
SERVERS = Authority.create(Purpose.SERVERS, now=NOW)
CLIENTS = Authority.create(Purpose.CLIENTS, now=NOW)


def verify(directory: Path, authority: Authority, certificate: x509.Certificate, purpose: str) -> str:
    (directory / "authority").write_bytes(authority.certificate.public_bytes(Encoding.PEM))
    (directory / "leaf").write_bytes(certificate.public_bytes(Encoding.PEM))
    command = ["openssl", "verify", "-x509_strict", "-purpose", purpose, "-CAfile", "authority", "leaf"]
    return subprocess.run(
        command, cwd=directory, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    ).stdout


def test_openssl_accepts_each_for_its_purpose_and_for_no_other(tmp_path: Path) -> None:
    server = SERVERS.issue_server(["localhost"], now=NOW).certificate
    client = CLIENTS.issue_client("alice", now=NOW).certificate
    assert verify(tmp_path, SERVERS, server, "sslserver") == "leaf: OK\n"
    assert verify(tmp_path, CLIENTS, client, "sslclient") == "leaf: OK\n"
    assert "unsuitable certificate purpose" in verify(tmp_path, SERVERS, server, "sslclient")
    assert "unsuitable certificate purpose" in verify(tmp_path, CLIENTS, client, "sslserver")
    assert "verification failed" in verify(tmp_path, CLIENTS, server, "sslserver")
    assert "verification failed" in verify(tmp_path, SERVERS, client, "sslclient")


def test_a_stolen_client_authority_makes_no_server_even_for_those_who_trust_it(tmp_path: Path) -> None:
    thief = Authority(Purpose.SERVERS, CLIENTS.certificate, CLIENTS.key)
    forged = thief.issue_server(["localhost"], now=NOW)
    assert "unsuitable certificate purpose" in verify(tmp_path, CLIENTS, forged.certificate, "sslserver")
    with pytest.raises(ssl.SSLCertVerificationError):
        Pair(raw_server(forged, tmp_path), raw_client(CLIENTS)).shake()


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "::1", "xn--bcher-kva.example", "bücher.example"])
def test_a_strict_client_and_a_server_that_wants_certificates_meet(tmp_path: Path, host: str) -> None:
    names = ["localhost", "127.0.0.1", "::1", "bücher.example"]
    server = raw_server(SERVERS.issue_server(names, now=NOW), tmp_path)
    server.verify_mode = ssl.CERT_REQUIRED
    server.verify_flags |= ssl.VERIFY_X509_STRICT
    server.load_verify_locations(cadata=CLIENTS.certificate.public_bytes(Encoding.DER))
    client = raw_client(SERVERS)
    (tmp_path / "alice.pem").write_bytes(CLIENTS.issue_client("alice", now=NOW).pem())
    client.load_cert_chain(tmp_path / "alice.pem")
    pair = Pair(server, client, host)
    pair.shake()
    pair.exchange()
    shown = pair.server.getpeercert(binary_form=True)
    assert shown is not None
    assert CertificateInfo.of(x509.load_der_x509_certificate(shown)).account == "alice"


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.from_regex(r"([a-z][a-z0-9]{0,9}\.){0,3}[a-z]{2,9}", fullmatch=True)
        | st.ip_addresses().filter(lambda a: not (a.is_multicast or a.is_unspecified)).map(str),
        min_size=1,
        max_size=6,
    )
)
def test_hosts_are_in_the_certificate_each_once_in_their_order(hosts: list[str]) -> None:
    issued = SERVERS.issue_server(hosts + hosts, now=NOW)
    assert CertificateInfo.of(issued.certificate).hosts == tuple(dict.fromkeys(hosts))


def test_what_stands_in_an_authority() -> None:
    for authority, usage in ((SERVERS, "serverAuth"), (CLIENTS, "clientAuth")):
        certificate = authority.certificate
        extensions = certificate.extensions
        constraints = extensions.get_extension_for_class(x509.BasicConstraints)
        assert (constraints.critical, constraints.value.ca, constraints.value.path_length) == (True, True, 0)
        key_usage = extensions.get_extension_for_class(x509.KeyUsage)
        assert key_usage.critical
        assert used(key_usage.value) == {"key_cert_sign", "crl_sign"}
        assert [oid._name for oid in extensions.get_extension_for_class(x509.ExtendedKeyUsage).value] == [usage]
        own_id = extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
        assert extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier == own_id
        assert certificate.not_valid_after_utc - NOW.replace(microsecond=0) == timedelta(days=AUTHORITY_DAYS)
        assert certificate.subject == certificate.issuer
    assert SERVERS.certificate.subject != Authority.create(Purpose.SERVERS, now=NOW).certificate.subject


def test_what_stands_in_what_they_issue() -> None:
    server = SERVERS.issue_server(["chat.example", "127.0.0.1"], now=NOW, days=30)
    client = CLIENTS.issue_client("Bot|2", now=NOW, days=30)
    for issued, authority in ((server, SERVERS), (client, CLIENTS)):
        certificate = issued.certificate
        extensions = certificate.extensions
        constraints = extensions.get_extension_for_class(x509.BasicConstraints)
        assert (constraints.critical, constraints.value.ca) == (True, False)
        key_usage = extensions.get_extension_for_class(x509.KeyUsage)
        assert key_usage.critical
        assert used(key_usage.value) == {"digital_signature"}
        authority_id = authority.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
        assert extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier == authority_id
        assert extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest != authority_id
        assert isinstance(issued.key.curve, ec.SECP256R1)
        assert certificate.signature_hash_algorithm is not None
        assert certificate.signature_hash_algorithm.name == "sha256"
        assert timedelta(minutes=1) < NOW - certificate.not_valid_before_utc < timedelta(hours=1)
        assert certificate.not_valid_after_utc == NOW.replace(microsecond=0) + timedelta(days=30)
    names = client.certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert [name.value for name in names] == ["securechat:account:bot%7C2"]
    assert CertificateInfo.of(client.certificate).name == "Bot|2"
    names = server.certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert [name.value for name in names] == ["chat.example", ipaddress.ip_address("127.0.0.1")]


def used(usage: x509.KeyUsage) -> set[str]:
    every = ["digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement"]
    return {name for name in [*every, "key_cert_sign", "crl_sign"] if getattr(usage, name)}


def test_serial_numbers_are_random_and_fit_rfc_5280() -> None:
    serials = {SERVERS.issue_server(["a"], now=NOW).certificate.serial_number for _ in range(20)}
    assert len(serials) == 20
    assert all(0 < serial < 2**159 for serial in serials)
    assert max(serials) > 2**100


def test_nothing_outlives_or_predates_its_authority() -> None:
    old = Authority.create(Purpose.SERVERS, now=NOW - timedelta(days=AUTHORITY_DAYS - 10))
    assert old.issue_server(["a"], now=NOW, days=365).certificate.not_valid_after_utc == (
        old.certificate.not_valid_after_utc
    )
    new = SERVERS.issue_server(["a"], now=NOW - timedelta(minutes=3)).certificate
    assert new.not_valid_before_utc == SERVERS.certificate.not_valid_before_utc


def test_an_authority_signs_nothing_out_of_its_time() -> None:
    end = SERVERS.certificate.not_valid_after_utc
    assert SERVERS.issue_server(["a"], now=end).certificate.not_valid_after_utc == end
    for now in (end + timedelta(seconds=1), NOW - timedelta(days=1)):
        with pytest.raises(BrokenFilesError, match=r"the authority's certificate (expired on|is valid from) "):
            SERVERS.issue_server(["a"], now=now)


@pytest.mark.parametrize("days", [0, -1, AUTHORITY_DAYS + 1, 10**12])
def test_days_that_can_not_be(days: int) -> None:
    with pytest.raises(InvalidRequestError, match="1 to 3650 days"):
        SERVERS.issue_server(["localhost"], now=NOW, days=days)


def test_names_are_checked_here_too() -> None:
    for hosts in ([], ["a b"], ["localhost", "*"]):
        with pytest.raises(InvalidRequestError):
            SERVERS.issue_server(hosts, now=NOW)
    with pytest.raises(InvalidRequestError):
        CLIENTS.issue_client("../server", now=NOW)


def test_an_authority_issues_one_kind_only() -> None:
    with pytest.raises(ValueError, match="signs servers"):
        SERVERS.issue_client("alice", now=NOW)
    with pytest.raises(ValueError, match="signs clients"):
        CLIENTS.issue_server(["localhost"], now=NOW)


def test_an_issued_file_holds_key_certificate_and_chain(tmp_path: Path) -> None:
    issued = SERVERS.issue_server(["localhost"], now=NOW)
    path = tmp_path / "server.pem"
    issued.save(path)
    data = path.read_bytes()
    assert x509.load_pem_x509_certificates(data) == [issued.certificate, SERVERS.certificate]
    key = load_pem_private_key(data, None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    assert key.private_numbers() == issued.key.private_numbers()


def test_keys_are_in_no_repr() -> None:
    issued = SERVERS.issue_server(["localhost"], now=NOW)
    for thing in (SERVERS, issued):
        assert "key" not in repr(thing).lower()


@pytest.mark.parametrize("authority", [SERVERS, CLIENTS])
def test_an_authority_comes_back_from_its_files(tmp_path: Path, authority: Authority) -> None:
    authority.save(tmp_path)
    loaded = Authority.load(tmp_path, authority.purpose, now=NOW)
    assert loaded.certificate == authority.certificate
    assert loaded.key.private_numbers() == authority.key.private_numbers()
    stem = authority.purpose.value
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"{stem}.key", f"{stem}.pem"]


def test_no_authority_at_all(tmp_path: Path) -> None:
    SERVERS.save(tmp_path)
    with pytest.raises(AuthorityMissingError, match=r"there is no client-ca\.pem"):
        Authority.load(tmp_path, Purpose.CLIENTS, now=NOW)


def key_pem(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


BREAKAGES: dict[str, tuple[Callable[[Path, Path], object], str]] = {
    "no certificate": (lambda pem, key: pem.unlink(), "ca.key is there, but its certificate .*ca.pem is not"),
    "no key": (lambda pem, key: key.unlink(), "ca.pem is there, but its private key .*ca.key is not"),
    "empty certificate": (lambda pem, key: pem.write_bytes(b""), "ca.pem holds no certificate"),
    "cut certificate": (
        lambda pem, key: pem.write_bytes(pem.read_bytes()[:200]),
        "ca.pem holds a certificate that can't",
    ),
    "empty key": (lambda pem, key: key.write_bytes(b""), "ca.key holds no private key"),
    "cut key": (lambda pem, key: key.write_bytes(key.read_bytes()[:100]), "ca.key holds no private key"),
    "another's key": (
        lambda pem, key: key.write_bytes(key_pem(CLIENTS.key)),
        "ca.key is not the private key of .*ca.pem",
    ),
    "RSA key": (lambda pem, key: key.write_bytes(key_pem(rsa.generate_private_key(65537, 2048))), "not a P-256 key"),
    "other curve": (
        lambda pem, key: key.write_bytes(key_pem(ec.generate_private_key(ec.SECP384R1()))),
        "not a P-256 key",
    ),
    "encrypted key": (
        lambda pem, key: key.write_bytes(
            SERVERS.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"x"))
        ),
        "ca.key is encrypted",
    ),
    "open key": (lambda pem, key: key.chmod(0o640), "ca.key is a private key that others can"),
    "the other authority": (
        lambda pem, key: (
            pem.write_bytes(CLIENTS.certificate.public_bytes(Encoding.PEM)),
            key.write_bytes(key_pem(CLIENTS.key)),
        ),
        "something else than servers",
    ),
    "no authority": (
        lambda pem, key: pem.write_bytes(SERVERS.issue_server(["a"], now=NOW).certificate.public_bytes(Encoding.PEM)),
        "not the certificate of an authority",
    ),
}


@pytest.mark.parametrize("breakage", BREAKAGES)
def test_broken_files_are_told_in_a_sentence(tmp_path: Path, breakage: str) -> None:
    damage, sentence = BREAKAGES[breakage]
    SERVERS.save(tmp_path)
    damage(tmp_path / "ca.pem", tmp_path / "ca.key")
    with pytest.raises(BrokenFilesError, match=sentence) as caught:
        Authority.load(tmp_path, Purpose.SERVERS, now=NOW)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("signs", "by_itself"), [(False, True), (True, False), (True, True)])
def test_only_an_authority_that_signed_itself_will_do(tmp_path: Path, signs: bool, by_itself: bool) -> None:
    """Else nobody could trust it by its file alone, or what it signs."""
    SERVERS.save(tmp_path)
    name = SERVERS.certificate.subject
    builder = x509.CertificateBuilder(
        name, name, SERVERS.key.public_key(), 7, NOW - timedelta(days=1), NOW + timedelta(days=1)
    )
    for extension in SERVERS.certificate.extensions:
        value = extension.value
        if isinstance(value, x509.BasicConstraints):
            value = x509.BasicConstraints(ca=signs, path_length=None)
        builder = builder.add_extension(value, critical=extension.critical)
    certificate = builder.sign(SERVERS.key if by_itself else CLIENTS.key, hashes.SHA256())
    (tmp_path / "ca.pem").write_bytes(certificate.public_bytes(Encoding.PEM))
    if signs and by_itself:
        assert Authority.load(tmp_path, Purpose.SERVERS, now=NOW).certificate == certificate
    else:
        with pytest.raises(BrokenFilesError, match="not the certificate of an authority"):
            Authority.load(tmp_path, Purpose.SERVERS, now=NOW)


def test_an_authority_out_of_its_time(tmp_path: Path) -> None:
    SERVERS.save(tmp_path)
    end = SERVERS.certificate.not_valid_after_utc
    assert Authority.load(tmp_path, Purpose.SERVERS, now=end)
    with pytest.raises(BrokenFilesError, match=rf"ca.pem expired on {end:%Y-%m-%d} "):
        Authority.load(tmp_path, Purpose.SERVERS, now=end + timedelta(seconds=1))
    with pytest.raises(BrokenFilesError, match=r"ca.pem is valid from .* on only"):
        Authority.load(tmp_path, Purpose.SERVERS, now=NOW - timedelta(days=1))


def test_a_key_that_we_may_not_read() -> None:
    with reachable_directory() as directory:
        SERVERS.save(directory)
        Authority.load(directory, Purpose.SERVERS, now=NOW)
        (directory / "ca.key").chmod(0)
        with without_privileges(), pytest.raises(StorageError, match=r"can't read .*ca.key: Permission denied"):
            Authority.load(directory, Purpose.SERVERS, now=NOW)


def test_a_directory_in_the_place_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").mkdir()
    with pytest.raises(StorageError, match=r"can't read .*ca.pem: Is a directory"):
        Authority.load(tmp_path, Purpose.SERVERS, now=NOW)
