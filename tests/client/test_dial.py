"""Who answers, and whether it is the one: nothing is said to a server that is not verified."""

import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from securechat.client.connection import Client
from securechat.client.dial import dial
from securechat.client.errors import ConnectionLostError, ServerNotThereError
from securechat.irc.message import Message
from securechat.pki import Authority, Purpose, make_development_certs
from securechat.tls.contexts import client_context, server_context
from securechat.tls.errors import (
    CertificateExpired,
    ClientCertificateRefused,
    HandshakeFailed,
    UnknownAuthority,
    WrongHostName,
)
from tests.client.support import LIMIT, PASSWORD, Peer, Recorder, Session


def _connect(port: int, ca: Path, host: str = "localhost", cert: Path | None = None) -> None:
    client = Client(Recorder())
    client.connect(host, port, client_context(ca, cert), nick="alice", password=PASSWORD, timeout=LIMIT)
    client.leave()


@contextlib.contextmanager
def _answering(answer: bytes | None) -> Iterator[tuple[int, list[bytes]]]:
    """A port where something else answers: these bytes, or nothing and the end. Gives what it was told, too."""
    told: list[bytes] = []

    def serve() -> None:
        sock, _ = listener.accept()
        with sock:
            told.append(sock.recv(4096))
            if answer is not None:
                sock.sendall(answer)
                sock.shutdown(socket.SHUT_WR)
                while sock.recv(4096):
                    pass

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        yield listener.getsockname()[1], told
        thread.join(LIMIT)


def test_the_right_server(certs: Path, ca: Path) -> None:
    with Peer(certs / "server.pem") as peer:
        _connect(peer.port, ca)
        _connect(peer.port, ca, "127.0.0.1")
        assert peer.accounts
        assert {peer.wait_for("AUTHENTICATE").params[0]} == {"PLAIN"}


def test_another_name(certs: Path, ca: Path, tmp_path: Path) -> None:
    authority = Authority.load(certs, Purpose.SERVERS, now=datetime.now(UTC))
    authority.issue_server(["chat.example"], now=datetime.now(UTC)).save(tmp_path / "server.pem")
    with Peer(tmp_path / "server.pem") as peer:
        with pytest.raises(WrongHostName, match="not for localhost"):
            _connect(peer.port, ca)
        assert peer.received.empty()


def test_another_authority(certs: Path, tmp_path: Path) -> None:
    make_development_certs(tmp_path, machine="localhost")
    with Peer(certs / "server.pem") as peer:
        with pytest.raises(UnknownAuthority, match="--ca"):
            _connect(peer.port, tmp_path / "ca.pem")
        assert peer.received.empty()


def test_a_certificate_that_has_expired(tmp_path: Path) -> None:
    then = datetime.now(UTC) - timedelta(days=2)
    make_development_certs(tmp_path, machine="localhost", days=1, now=then)
    with Peer(server_context(tmp_path / "server.pem", now=then)) as peer:
        with pytest.raises(CertificateExpired, match="has expired"):
            _connect(peer.port, tmp_path / "ca.pem")
        assert peer.received.empty()


def test_a_context_that_verifies_nothing_is_refused() -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    with pytest.raises(ValueError, match="does not verify"):
        dial("localhost", 1, context, LIMIT)
    context.verify_mode = ssl.CERT_NONE
    with pytest.raises(ValueError, match="does not verify"):
        dial("localhost", 1, context, LIMIT)


def test_nothing_listens(ca: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(ServerNotThereError, match=f"nothing listens on localhost port {port}"):
        _connect(port, ca)


@pytest.mark.parametrize("host", ["", ".localhost", "a..b", "x" * 300, "a\0b", "no such host", "\x1b[2J"])
def test_what_is_no_host(ca: Path, host: str) -> None:
    with pytest.raises(ServerNotThereError) as caught:
        _connect(1, ca, host)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "does not speak TLS"),
        (b":irc.example NOTICE * :plain text here\r\n", "does not speak TLS"),
        (b"", "hung up before"),
        (None, "hung up before"),
    ],
)
def test_something_else_answers(ca: Path, answer: bytes | None, words: str) -> None:
    with _answering(answer) as (port, told):
        with pytest.raises(HandshakeFailed, match=words):
            _connect(port, ca)
        assert PASSWORD.encode() not in told[0]
        assert b"NICK" not in told[0]


def test_only_old_tls(certs: Path, ca: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certs / "server.pem")
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with Peer(context) as peer, pytest.raises(HandshakeFailed, match=r"TLS 1\.3"):
        _connect(peer.port, ca)


@pytest.mark.parametrize(("accepted", "shown"), [(True, True), (False, True), (False, False)])
def test_a_server_that_wants_a_client_certificate(certs: Path, ca: Path, accepted: bool, shown: bool) -> None:
    context = server_context(certs / "server.pem")
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(certs / ("client-ca.pem" if accepted else "ca.pem"))
    with Peer(context) as peer:
        cert = certs / "clients" / "alice.pem" if shown else None
        if accepted:
            _connect(peer.port, ca, cert=cert)
        else:
            words = "refused the client certificate" if shown else "wants a client certificate: name yours"
            with pytest.raises(ClientCertificateRefused, match=words):
                _connect(peer.port, ca, cert=cert)


def test_a_server_that_hangs_up_at_once(certs: Path, ca: Path) -> None:
    def drop(session: Session, _: Message) -> list[str]:
        session.drop()
        return []

    with Peer(certs / "server.pem") as peer:
        peer.rules["AUTHENTICATE"] = drop
        with pytest.raises(ConnectionLostError):
            _connect(peer.port, ca)
