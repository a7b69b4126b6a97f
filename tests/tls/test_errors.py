"""What a user is told when no connection comes about: each from a handshake that really fails in that way."""

import errno
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from securechat.pki import AUTHORITY_DAYS, Authority, Issued, Purpose
from securechat.tls.contexts import client_context, server_context
from securechat.tls.errors import (
    CertificateExpired,
    CertificateFileError,
    CertificateRevoked,
    ClientCertificateRefused,
    HandshakeFailed,
    ServerUnverified,
    TLSError,
    UnknownAuthority,
    WrongHostName,
    explain_handshake,
)
from tests.pki.handshake import Pair, raw_server

NOW = datetime.now(UTC)
SERVERS = Authority.create(Purpose.SERVERS, now=NOW - timedelta(days=30))
CLIENTS = Authority.create(Purpose.CLIENTS, now=NOW)
HOST = "chat.example"
GOOD = SERVERS.issue_server([HOST, "127.0.0.1"], now=NOW)


@pytest.fixture
def client(tmp_path: Path) -> ssl.SSLContext:
    SERVERS.save(tmp_path)
    return client_context(tmp_path / "ca.pem")


def told(error: TLSError, kind: type[TLSError], *words: str) -> None:
    assert type(error) is kind
    sentence = str(error)
    for word in words:
        assert word in sentence
    assert "\n" not in sentence
    assert "_ssl.c" not in sentence


def failure(server: ssl.SSLContext, client: ssl.SSLContext, host: str = HOST) -> TLSError:
    """What the client is told of a handshake that must fail, or of its first read."""
    pair = Pair(server, client, host)
    error, server_error = pair.attempt()
    if error is None:
        assert server_error is not None
        with pytest.raises(ssl.SSLError) as caught:
            pair.client.read()
        error = caught.value
    return explain_handshake(error, host)


def test_an_unknown_authority(client: ssl.SSLContext, tmp_path: Path) -> None:
    other = Authority.create(Purpose.SERVERS, now=NOW)
    error = failure(raw_server(other.issue_server([HOST], now=NOW), tmp_path), client)
    told(error, UnknownAuthority, HOST, "trusted", "ca.pem", "--ca")


def test_an_unknown_authority_that_the_server_does_not_send(client: ssl.SSLContext, tmp_path: Path) -> None:
    issued = Authority.create(Purpose.SERVERS, now=NOW).issue_server([HOST], now=NOW)
    alone = tmp_path / "alone.pem"
    alone.write_bytes(issued.pem().rsplit(b"-----BEGIN CERTIFICATE-----", 1)[0])
    told(failure(server_context(alone), client), UnknownAuthority, HOST)


def test_a_certificate_signed_by_itself(client: ssl.SSLContext, tmp_path: Path) -> None:
    lone = Authority.create(Purpose.SERVERS, now=NOW)
    issued = Issued(lone.certificate, lone.certificate, lone.key)
    told(failure(raw_server(issued, tmp_path), client), UnknownAuthority, HOST)


@pytest.mark.parametrize("host", ["other.example", "127.0.0.2", "::1"])
def test_another_host_name_or_address(client: ssl.SSLContext, tmp_path: Path, host: str) -> None:
    told(failure(raw_server(GOOD, tmp_path), client, host), WrongHostName, f"not for {host}")


def test_a_certificate_that_has_expired(client: ssl.SSLContext, tmp_path: Path) -> None:
    expired = SERVERS.issue_server([HOST], now=NOW - timedelta(days=1, seconds=1), days=1)
    told(failure(raw_server(expired, tmp_path), client), CertificateExpired, HOST, "expired", "renew")


def test_a_certificate_that_is_not_valid_yet(client: ssl.SSLContext, tmp_path: Path) -> None:
    early = SERVERS.issue_server([HOST], now=NOW + timedelta(days=1))
    told(failure(raw_server(early, tmp_path), client), CertificateExpired, HOST, "not valid yet", "clock")


def test_an_authority_that_has_expired(tmp_path: Path) -> None:
    old = Authority.create(Purpose.SERVERS, now=NOW - timedelta(days=AUTHORITY_DAYS + 1))
    context = client_context(None)
    context.load_verify_locations(cadata=old.certificate.public_bytes(Encoding.DER))
    server = raw_server(old.issue_server([HOST], now=NOW - timedelta(days=400)), tmp_path)
    told(failure(server, context), CertificateExpired, "or its authority's")


def test_a_certificate_that_is_none_for_servers(tmp_path: Path) -> None:
    CLIENTS.save(tmp_path)
    context = client_context(tmp_path / "client-ca.pem")
    told(failure(raw_server(CLIENTS.issue_client("a", now=NOW), tmp_path), context), ServerUnverified, HOST, "purpose")


def test_a_server_without_tls_1_3(client: ssl.SSLContext, tmp_path: Path) -> None:
    server = raw_server(GOOD, tmp_path)
    server.maximum_version = ssl.TLSVersion.TLSv1_2
    told(failure(server, client), HandshakeFailed, HOST, "does not speak TLS 1.3")


def answered(client: ssl.SSLContext, *data: bytes, end: bool = False) -> TLSError:
    """What the client is told when this comes back to its first message."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    link = client.wrap_bio(incoming, outgoing, server_hostname=HOST)
    with pytest.raises(ssl.SSLWantReadError):
        link.do_handshake()
    for piece in data:
        incoming.write(piece)
    if end:
        incoming.write_eof()
    with pytest.raises(ssl.SSLError) as caught:
        link.do_handshake()
    return explain_handshake(caught.value, HOST)


@pytest.mark.parametrize(
    "banner",
    [
        b"ERROR :Closing link\r\n",
        b":irc.example NOTICE * :*** Looking up your hostname\r\n",
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"+OK\r\n",
        bytes(20),
        b"\x16\x03\x03" + b"x" * 20,
    ],
)
def test_something_that_is_not_tls(client: ssl.SSLContext, banner: bytes) -> None:
    told(answered(client, banner), HandshakeFailed, HOST, "does not speak TLS", "port")


@pytest.mark.parametrize("data", [b"", b"\x16", b"ERR"])
def test_a_server_that_hangs_up(client: ssl.SSLContext, data: bytes) -> None:
    told(answered(client, data, end=True), HandshakeFailed, HOST, "hung up")


def alert(number: int) -> bytes:
    """A fatal alert (RFC 8446 section 6) as a server sends it in the clear."""
    return bytes([21, 3, 3, 0, 2, 2, number])


@pytest.mark.parametrize(
    ("number", "kind", "words"),
    [
        (42, ClientCertificateRefused, "damaged"),
        (43, ClientCertificateRefused, "not a certificate for clients"),
        (44, ClientCertificateRefused, "revoked"),
        (45, ClientCertificateRefused, "expired"),
        (46, ClientCertificateRefused, "no reason"),
        (48, ClientCertificateRefused, "authority"),
        (49, ClientCertificateRefused, "may not come in"),
        (116, ClientCertificateRefused, "wants a client certificate"),
        (70, HandshakeFailed, "does not speak TLS 1.3"),
        (86, HandshakeFailed, "does not speak TLS 1.3"),
        (40, HandshakeFailed, "HANDSHAKE_FAILURE"),
        (80, HandshakeFailed, "INTERNAL_ERROR"),
        (120, HandshakeFailed, "failed"),
        (255, HandshakeFailed, "failed"),
    ],
)
def test_alerts(client: ssl.SSLContext, number: int, kind: type[TLSError], words: str) -> None:
    told(answered(client, alert(number)), kind, HOST, words)


def wanting_clients(directory: Path, authority: Authority) -> ssl.SSLContext:
    server = raw_server(GOOD, directory)
    server.verify_mode = ssl.CERT_REQUIRED
    server.load_verify_locations(cadata=authority.certificate.public_bytes(Encoding.DER))
    return server


def test_a_server_that_wants_a_client_certificate(client: ssl.SSLContext, tmp_path: Path) -> None:
    error = failure(wanting_clients(tmp_path, CLIENTS), client)
    told(error, ClientCertificateRefused, "the server wants a client certificate", HOST, "--cert")


def test_a_client_certificate_by_an_authority_that_the_server_does_not_know(tmp_path: Path) -> None:
    SERVERS.save(tmp_path)
    CLIENTS.issue_client("alice", now=NOW).save(tmp_path / "alice.pem")
    context = client_context(tmp_path / "ca.pem", tmp_path / "alice.pem")
    error = failure(wanting_clients(tmp_path, Authority.create(Purpose.CLIENTS, now=NOW)), context)
    told(error, ClientCertificateRefused, HOST, "does not know the authority")


def test_a_client_certificate_that_has_expired(tmp_path: Path) -> None:
    SERVERS.save(tmp_path)
    then = NOW - timedelta(days=20)
    authority = Authority.create(Purpose.CLIENTS, now=then)
    authority.issue_client("alice", now=then, days=10).save(tmp_path / "alice.pem")
    context = client_context(tmp_path / "ca.pem")
    context.load_cert_chain(tmp_path / "alice.pem")  # past our own check, as if it expired a moment ago
    told(failure(wanting_clients(tmp_path, authority), context), ClientCertificateRefused, "it has expired")


def test_errors_of_the_socket() -> None:
    told(explain_handshake(ConnectionResetError(errno.ECONNRESET, "x"), HOST), HandshakeFailed, HOST, "hung up")
    told(explain_handshake(BrokenPipeError(errno.EPIPE, "x"), HOST), HandshakeFailed, HOST, "hung up")
    told(explain_handshake(TimeoutError("timed out"), HOST), HandshakeFailed, HOST, "in time")
    told(explain_handshake(OSError(errno.EHOSTUNREACH, "No route to host"), HOST), HandshakeFailed, "No route to host")
    told(explain_handshake(OSError("odd"), HOST), HandshakeFailed, "odd")


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (2, UnknownAuthority),
        (7, UnknownAuthority),
        (9, CertificateExpired),
        (10, CertificateExpired),
        (18, UnknownAuthority),
        (19, UnknownAuthority),
        (20, UnknownAuthority),
        (21, UnknownAuthority),
        (3, ServerUnverified),
        (12, ServerUnverified),
        (23, CertificateRevoked),
        (26, ServerUnverified),
        (27, UnknownAuthority),
        (62, WrongHostName),
        (64, WrongHostName),
    ],
)
def test_every_code_of_openssl(code: int, kind: type[TLSError]) -> None:
    error = ssl.SSLCertVerificationError(1, "certificate verify failed")
    error.verify_code, error.verify_message = code, "certificate revoked"
    words = "revoked" if kind in (ServerUnverified, CertificateRevoked) else ""
    told(explain_handshake(error, HOST), kind, HOST, words)


def test_errors_that_openssl_did_not_make() -> None:
    told(explain_handshake(ssl.SSLCertVerificationError("odd"), HOST), ServerUnverified, HOST)
    told(explain_handshake(ssl.SSLError("odd"), HOST), HandshakeFailed, HOST)


def test_the_family() -> None:
    assert issubclass(CertificateFileError, TLSError)
    for kind in (UnknownAuthority, WrongHostName, CertificateExpired):
        assert issubclass(kind, ServerUnverified)
    assert issubclass(ClientCertificateRefused, HandshakeFailed)
    assert not issubclass(HandshakeFailed, ServerUnverified)
