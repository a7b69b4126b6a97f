"""What is read out of certificates, compared with what OpenSSL reads out of them."""

import hashlib
import subprocess
from base64 import encodebytes
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given, settings
from hypothesis import strategies as st

from securechat.pki import Authority, BrokenFilesError, CertificateInfo, Purpose, StorageError
from securechat.pki.certificate import parse_certificates

NOW = datetime.now(UTC)
SERVERS = Authority.create(Purpose.SERVERS, now=NOW)
CLIENTS = Authority.create(Purpose.CLIENTS, now=NOW)


def test_all_of_a_servers_certificate(tmp_path: Path) -> None:
    issued = SERVERS.issue_server(["chat.example", "::1"], now=NOW, days=10)
    path = tmp_path / "server.pem"
    issued.save(path)
    info = CertificateInfo.read(path)
    assert info.name == "securechat server"
    assert info.issuer == CertificateInfo.of(SERVERS.certificate).name
    assert info.hosts == ("chat.example", "::1")
    assert info.account is None
    assert not info.is_authority
    assert info.serial == issued.certificate.serial_number
    assert info.not_after == NOW.replace(microsecond=0) + timedelta(days=10)


def test_fingerprints_are_those_that_openssl_computes(tmp_path: Path) -> None:
    path = tmp_path / "ca.pem"
    SERVERS.save(tmp_path)
    info = CertificateInfo.read(path)
    assert info.is_authority
    told = subprocess.run(
        ["openssl", "x509", "-in", path, "-noout", "-fingerprint", "-sha256"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert info.fingerprint == told.stdout.strip().partition("=")[2].replace(":", "").lower()
    public = subprocess.run(["openssl", "x509", "-in", path, "-noout", "-pubkey"], capture_output=True, check=True)
    der = subprocess.run(
        ["openssl", "pkey", "-pubin", "-outform", "DER"], input=public.stdout, capture_output=True, check=True
    )
    assert info.spki_fingerprint == hashlib.sha256(der.stdout).hexdigest()


def test_days_left_and_validity() -> None:
    info = CertificateInfo.of(SERVERS.issue_server(["a"], now=NOW, days=10).certificate)
    assert info.days_left(info.not_after - timedelta(days=3)) == 3
    assert info.days_left(info.not_after - timedelta(hours=1)) == 0
    assert info.days_left(info.not_after + timedelta(hours=1)) == -1
    assert info.is_valid(info.not_before)
    assert info.is_valid(info.not_after)
    assert not info.is_valid(info.not_before - timedelta(seconds=1))
    assert not info.is_valid(info.not_after + timedelta(seconds=1))


def made_by_others(*names: x509.GeneralName) -> CertificateInfo:
    key = ec.generate_private_key(ec.SECP256R1())
    builder = (
        x509.CertificateBuilder(x509.Name([]), x509.Name([]), key.public_key(), x509.random_serial_number())
        .not_valid_before(NOW)
        .not_valid_after(NOW + timedelta(days=1))
    )
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=True)
    return CertificateInfo.of(builder.sign(key, hashes.SHA256()))


def test_a_certificate_without_names_has_none() -> None:
    info = made_by_others()
    assert (info.name, info.issuer, info.hosts, info.account, info.is_authority) == ("", "", (), None, False)


def test_an_account_is_only_what_one_uri_says() -> None:
    alice = x509.UniformResourceIdentifier("securechat:account:alice")
    bob = x509.UniformResourceIdentifier("securechat:account:bob")
    other = x509.UniformResourceIdentifier("https://example.org/bob")
    assert made_by_others(alice, other, x509.DNSName("bob")).account == "alice"
    assert made_by_others(alice, bob).account is None
    assert made_by_others(other).account is None
    assert (
        made_by_others(x509.RFC822Name("alice@example.org"), x509.DNSName("securechat:account:alice")).account is None
    )


def test_files_without_a_certificate(tmp_path: Path) -> None:
    path = tmp_path / "x.pem"
    with pytest.raises(BrokenFilesError, match=r"x\.pem does not exist"):
        CertificateInfo.read(path)
    path.write_text("hello")
    with pytest.raises(BrokenFilesError, match=r"x\.pem holds no certificate in PEM form"):
        CertificateInfo.read(path)
    path.write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    with pytest.raises(BrokenFilesError, match=r"x\.pem holds a certificate that can't be read"):
        CertificateInfo.read(path)
    with pytest.raises(StorageError, match="can't read"):
        CertificateInfo.read(tmp_path)


def test_a_name_of_a_forbidden_type_is_refused() -> None:
    """One bit of a name changed: cryptography says TypeError to it, and only when the name is looked at."""
    der = CLIENTS.issue_client("alice", now=NOW).certificate.public_bytes(Encoding.DER)
    malformed = der.replace(b"\x0c\x05alice", b"\x03\x05\0lice")
    assert malformed != der
    with pytest.raises(BrokenFilesError, match="a malformed certificate"):
        CertificateInfo.of(x509.load_der_x509_certificate(malformed))


DER = CLIENTS.issue_client("alice", now=NOW).certificate.public_bytes(Encoding.DER)


# cryptography reads serial numbers below 1, which RFC 5280 forbids, but announces that it will stop to.
@pytest.mark.filterwarnings("ignore:Parsed a serial number:cryptography.utils.CryptographyDeprecationWarning")
@settings(max_examples=300)
@given(st.lists(st.tuples(st.integers(0, len(DER) - 1), st.integers(0, 255)), min_size=1, max_size=3))
def test_a_damaged_certificate_is_read_or_refused(changes: list[tuple[int, int]]) -> None:
    damaged = bytearray(DER)
    for place, value in changes:
        damaged[place] = value
    pem = b"-----BEGIN CERTIFICATE-----\n" + encodebytes(bytes(damaged)) + b"-----END CERTIFICATE-----\n"
    try:
        CertificateInfo.of(parse_certificates(pem, Path("peer"))[0])
    except BrokenFilesError as error:
        assert str(error)  # noqa: PT017  (what else it may raise is the subject)
