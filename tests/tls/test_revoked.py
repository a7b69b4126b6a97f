"""A client that has its authority's list of revoked certificates does not speak with a server that is on it."""

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from securechat.client.errors import exit_status
from securechat.pki import Authority, Purpose
from securechat.pki.revocation import RevocationList
from securechat.tls.contexts import client_context
from securechat.tls.errors import (
    CertificateFileError,
    CertificateRevoked,
    ServerUnverified,
    TLSError,
    UnknownAuthority,
    explain_handshake,
)
from tests.pki.handshake import Pair, raw_server

NOW = datetime.now(UTC)
SERVERS = Authority.create(Purpose.SERVERS, now=NOW - timedelta(days=30))
OTHERS = Authority.create(Purpose.SERVERS, now=NOW)
HOST = "chat.example"
STOLEN = SERVERS.issue_server([HOST], now=NOW)
GOOD = SERVERS.issue_server([HOST], now=NOW)
LIST = RevocationList.make(SERVERS, now=NOW, serials=[STOLEN.certificate.serial_number])


@pytest.fixture
def ca(tmp_path: Path) -> Path:
    """The authority to trust."""
    SERVERS.save(tmp_path)
    return tmp_path / "ca.pem"


def _failure(server: ssl.SSLContext, client: ssl.SSLContext) -> TLSError:
    error, _ = Pair(server, client, HOST).attempt()
    assert error is not None
    return explain_handshake(error, HOST)


@pytest.mark.parametrize("form", [LIST.pem(), LIST.der()])
def test_a_revoked_server(ca: Path, tmp_path: Path, form: bytes) -> None:
    client = client_context(ca, crl=form)
    error = _failure(raw_server(STOLEN, tmp_path), client)
    assert type(error) is CertificateRevoked
    assert "was revoked by its authority" in str(error)
    assert exit_status(error) == 6


def test_others_by_the_same_authority_are_good(ca: Path, tmp_path: Path) -> None:
    Pair(raw_server(GOOD, tmp_path), client_context(ca, crl=LIST.pem()), HOST).shake()
    Pair(raw_server(STOLEN, tmp_path), client_context(ca), HOST).shake()  # without a list nobody knows


def test_a_list_does_not_make_anybody_trusted(ca: Path, tmp_path: Path) -> None:
    other = raw_server(OTHERS.issue_server([HOST], now=NOW), tmp_path)
    assert type(_failure(other, client_context(ca, crl=LIST.pem()))) is UnknownAuthority


def test_a_server_about_which_the_list_says_nothing(ca: Path, tmp_path: Path) -> None:
    both = tmp_path / "both.pem"
    both.write_bytes(ca.read_bytes() + OTHERS.certificate.public_bytes(Encoding.PEM))
    other = raw_server(OTHERS.issue_server([HOST], now=NOW), tmp_path)
    Pair(other, client_context(both), HOST).shake()
    error = _failure(other, client_context(both, crl=LIST.pem()))
    assert isinstance(error, ServerUnverified)
    assert "revoked" in str(error)


@pytest.mark.parametrize(
    ("crl", "words"),
    [
        (RevocationList.make(OTHERS, now=NOW).pem(), "by none of the authorities"),
        (LIST.der()[:-1] + bytes([LIST.der()[-1] ^ 1]), "by none of the authorities"),
        (b"", "damaged"),
        (b"-----BEGIN X509 CRL-----\nxxxx\n-----END X509 CRL-----\n", "damaged"),
        (GOOD.certificate.public_bytes(Encoding.DER), "damaged"),
    ],
)
def test_what_is_no_list_of_this_authority(ca: Path, crl: bytes, words: str) -> None:
    with pytest.raises(CertificateFileError, match=words):
        client_context(ca, crl=crl)
