"""Requests for certificates: what an authority takes from one, and what it never does."""

import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from hypothesis import given, settings
from hypothesis import strategies as st

from securechat.pki import (
    Authority,
    BrokenFilesError,
    CertificateInfo,
    InvalidRequestError,
    Purpose,
    key_pem,
    make_request,
    new_key,
    parse_request,
)
from securechat.pki.certificate import spki_fingerprint
from securechat.pki.keys import PrivateKey, describe_key
from securechat.pki.requests import MAX_REQUEST

NOW = datetime.now(UTC)
CLIENTS = Authority.create(Purpose.CLIENTS, now=NOW)
SERVERS = Authority.create(Purpose.SERVERS, now=NOW)
GOOD_KEYS: dict[str, Callable[[], PrivateKey]] = {
    "P-256": new_key,
    "P-384": lambda: ec.generate_private_key(ec.SECP384R1()),
    "Ed25519": ed25519.Ed25519PrivateKey.generate,
    "RSA 2048": lambda: rsa.generate_private_key(65537, 2048),
}


def der(request: x509.CertificateSigningRequest) -> bytes:
    return request.public_bytes(Encoding.DER)


@pytest.mark.parametrize("kind", GOOD_KEYS)
def test_a_key_of_each_kind_is_certified_and_openssl_agrees(tmp_path: Path, kind: str) -> None:
    key = GOOD_KEYS[kind]()
    assert describe_key(key.public_key()) == kind
    certificate = CLIENTS.sign_request(parse_request(der(make_request(key, "Alice"))), "Alice", now=NOW, days=30)
    info = CertificateInfo.of(certificate)
    assert (info.name, info.account, info.hosts, info.is_authority) == ("Alice", "alice", (), False)
    assert info.spki_fingerprint == spki_fingerprint(key.public_key())
    assert info.not_after == NOW.replace(microsecond=0) + timedelta(days=30)
    (tmp_path / "ca").write_bytes(CLIENTS.certificate.public_bytes(Encoding.PEM))
    (tmp_path / "leaf").write_bytes(certificate.public_bytes(Encoding.PEM))
    command = ["openssl", "verify", "-x509_strict", "-purpose", "sslclient", "-CAfile", "ca", "leaf"]
    assert subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False).stdout == "leaf: OK\n"


def test_a_request_that_openssl_made_will_do(tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(key_pem(new_key()))
    command = ["openssl", "req", "-new", "-key", "key", "-subj", "/CN=whoever", "-outform", "DER"]
    made = subprocess.run(command, cwd=tmp_path, capture_output=True, check=True).stdout
    certificate = CLIENTS.sign_request(parse_request(made), "alice", now=NOW)
    assert CertificateInfo.of(certificate).account == "alice"


def test_only_the_key_is_taken_from_a_request() -> None:
    """It may ask to be an authority, a server, or somebody else: nothing of that comes into the certificate."""
    key = new_key()
    greedy = (
        x509.CertificateSigningRequestBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "root")]))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=True)
        .add_extension(
            x509.SubjectAlternativeName(
                [x509.DNSName("localhost"), x509.UniformResourceIdentifier("securechat:account:root")]
            ),
            critical=True,
        )
        .add_extension(x509.NameConstraints([x509.DNSName("example")], None), critical=True)
        .sign(key, hashes.SHA256())
    )
    honest = CLIENTS.issue_client("alice", now=NOW).certificate
    certificate = CLIENTS.sign_request(parse_request(der(greedy)), "alice", now=NOW)
    assert certificate.subject == honest.subject
    assert certificate.not_valid_after_utc == honest.not_valid_after_utc
    theirs, ours = (
        [(one.critical, one.value) for one in each.extensions if not isinstance(one.value, x509.SubjectKeyIdentifier)]
        for each in (certificate, honest)
    )
    assert theirs == ours


def test_a_request_signed_with_another_key_is_refused() -> None:
    """Else one could have the key of somebody else certified under one's own name."""
    first, second = der(make_request(new_key(), "alice")), der(make_request(new_key(), "alice"))
    spki = x509.load_der_x509_csr(first).public_key()
    assert isinstance(spki, ec.EllipticCurvePublicKey)
    point = spki.public_numbers()
    theirs = x509.load_der_x509_csr(second).public_key()
    assert isinstance(theirs, ec.EllipticCurvePublicKey)
    other = theirs.public_numbers()
    swapped = first.replace(
        point.x.to_bytes(32, "big") + point.y.to_bytes(32, "big"),
        other.x.to_bytes(32, "big") + other.y.to_bytes(32, "big"),
    )
    assert swapped != first
    with pytest.raises(InvalidRequestError, match="not signed with its own key"):
        CLIENTS.sign_request(parse_request(swapped), "alice", now=NOW)


@pytest.mark.parametrize(
    ("key", "kind"),
    [
        (rsa.generate_private_key(65537, 1024), "RSA 1024"),  # noqa: S505
        (rsa.generate_private_key(3, 2048), "RSA 2048"),
        (ec.generate_private_key(ec.SECP521R1()), "secp521r1"),
        (ec.generate_private_key(ec.SECP256K1()), "secp256k1"),
        (dsa.generate_private_key(2048), "DSA"),
    ],
)
def test_keys_of_other_kinds_are_refused(
    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | dsa.DSAPrivateKey, kind: str
) -> None:
    request = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).sign(key, hashes.SHA256())
    with pytest.raises(InvalidRequestError, match=f"a key of the kind {kind} can't be used"):
        CLIENTS.sign_request(parse_request(der(request)), "alice", now=NOW)


def test_an_ed448_key_is_refused() -> None:
    key = ed448.Ed448PrivateKey.generate()
    request = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).sign(key, None)
    with pytest.raises(InvalidRequestError, match="Ed448"):
        CLIENTS.sign_request(request, "alice", now=NOW)


def test_what_the_authority_decides() -> None:
    request = make_request(new_key(), "alice")
    for account in ("", "1up", "../ca"):
        with pytest.raises(InvalidRequestError, match="not an account name"):
            CLIENTS.sign_request(request, account, now=NOW)
        with pytest.raises(InvalidRequestError, match="not an account name"):
            make_request(new_key(), account)
    with pytest.raises(InvalidRequestError, match="1 to 3650 days"):
        CLIENTS.sign_request(request, "alice", now=NOW, days=0)
    with pytest.raises(BrokenFilesError, match="expired on"):
        CLIENTS.sign_request(request, "alice", now=NOW + timedelta(days=4000))
    with pytest.raises(ValueError, match="signs servers"):
        SERVERS.sign_request(request, "alice", now=NOW)


def test_what_is_no_request() -> None:
    pem = make_request(new_key(), "alice").public_bytes(Encoding.PEM)
    certificate = CLIENTS.certificate.public_bytes(Encoding.DER)
    for data in (b"", b"hello", b"\x30\x80" * 50, pem, certificate):
        with pytest.raises(InvalidRequestError, match="not a certificate request"):
            parse_request(data)
    with pytest.raises(InvalidRequestError, match="too long"):
        parse_request(bytes(MAX_REQUEST + 1))


REQUEST = der(make_request(new_key(), "alice"))


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.integers(0, len(REQUEST) - 1), st.integers(0, 255)), min_size=1, max_size=3))
def test_a_damaged_request_is_refused_with_a_sentence_or_is_still_the_same_key(changes: list[tuple[int, int]]) -> None:
    damaged = bytearray(REQUEST)
    for place, value in changes:
        damaged[place] = value
    try:
        certificate = CLIENTS.sign_request(parse_request(bytes(damaged)), "alice", now=NOW)
    except InvalidRequestError as error:
        assert str(error)  # noqa: PT017  (what else it may raise is the subject)
    else:
        assert spki_fingerprint(certificate.public_key()) == spki_fingerprint(parse_request(REQUEST).public_key())
