"""The client's end of the control socket, against servers that are not ours."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from securechat.server import control_wire as wire
from securechat.server.control import ControlClient, NoServer, OperatorFailed, Wish


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "control.sock"


@contextmanager
def liar(path: Path, *lines: bytes) -> Iterator[ControlClient]:
    """Something that listens there and says such lines: the first at once, each of the others after a request."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(str(path))
        listener.listen(1)
        listener.settimeout(30)

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.settimeout(30)
                connection.sendall(lines[0])
                for line in lines[1:]:
                    connection.recv(65536)
                    connection.sendall(line)

        thread = threading.Thread(target=serve)
        thread.start()
        yield ControlClient(path)
        thread.join(30)
        assert not thread.is_alive()


HELLO = b'{"securechat": 1}\n'


@pytest.mark.parametrize(
    ("lines", "error", "words"),
    [
        ([b""], NoServer, "has stopped"),
        ([b'{"securechat": 2}\n'], OperatorFailed, "another version"),
        ([b"HTTP/1.1 400 Bad Request\r\n"], OperatorFailed, "makes no sense"),
        ([HELLO, b""], OperatorFailed, "see with `securechat user list`"),
        ([HELLO, b'{"ok": tr'], OperatorFailed, "see with `securechat user list`"),
        ([HELLO, b"{}\n"], OperatorFailed, "makes no sense"),
        ([HELLO, b'{"ok": false, "fault": "server"}\n'], OperatorFailed, "makes no sense"),
        ([HELLO, b'{"ok": false, "fault": "stopping"}\n'], NoServer, "is stopping"),
        ([HELLO, b'{"ok": true}\n'], OperatorFailed, "makes no sense: 'accounts'"),
        ([HELLO, b'{"ok": true, "accounts": [1]}\n'], OperatorFailed, "makes no sense"),
        ([HELLO, b'{"ok": true, "accounts": [{"name": "a"}]}\n'], OperatorFailed, "makes no sense"),
    ],
)
def test_servers_that_are_not_ours(path: Path, lines: list[bytes], error: type[Exception], words: str) -> None:
    with liar(path, *lines) as client, pytest.raises(OperatorFailed) as caught:
        client.list_accounts()
    assert type(caught.value) is error
    assert words in str(caught.value)


BAN: dict[str, object] = {"whom": "a", "kind": "account", "by": "b", "created": "c", "until": None, "reason": "d"}


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({}, "makes no sense: 'bans'"),
        ({"bans": [{**BAN, "more": 1}]}, "a ban has other fields"),
        ({"bans": [{**BAN, "until": 1}]}, "makes no sense: 'until'"),
        ({"bans": [{**BAN, "reason": None}]}, "makes no sense: 'reason'"),
        (None, "see with `securechat ban list`"),
    ],
)
def test_bans_that_are_none(path: Path, answer: dict[str, object] | None, words: str) -> None:
    line = wire.encode({"ok": True, **answer}) if answer is not None else b""
    with liar(path, HELLO, line) as client, pytest.raises(OperatorFailed) as caught:
        client.list_bans()
    assert words in str(caught.value)


INVITATION: dict[str, object] = {
    "id": "a", "state": "open", "kind": "account", "name": None, "left": 1, "uses": 1, "by": "b", "created": "c",
    "until": "d",
}  # fmt: skip


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({}, "makes no sense: 'invitations'"),
        ({"invitations": [{**INVITATION, "more": 1}]}, "an invitation has other fields"),
        ({"invitations": [{**INVITATION, "left": None}]}, "makes no sense: 'left'"),
        ({"invitations": [{**INVITATION, "uses": True}]}, "makes no sense: 'uses'"),
        ({"invitations": [{**INVITATION, "by": None}]}, "makes no sense: 'by'"),
        (None, "see with `securechat invite list`"),
    ],
)
def test_invitations_that_are_none(path: Path, answer: dict[str, object] | None, words: str) -> None:
    line = wire.encode({"ok": True, **answer}) if answer is not None else b""
    with liar(path, HELLO, line) as client, pytest.raises(OperatorFailed) as caught:
        client.list_invitations()
    assert words in str(caught.value)


MADE: dict[str, object] = {
    "link": "securechat://x", "id": "a", "name": "", "admin": False, "uses": 1, "until": "d", "warnings": [],
}  # fmt: skip


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({}, "makes no sense: 'invitation'"),
        ({"invitation": []}, "makes no sense: 'invitation'"),
        ({"invitation": {**MADE, "warnings": "no"}}, "makes no sense: 'warnings'"),
        ({"invitation": {**MADE, "warnings": [1]}}, "makes no sense: 'warnings'"),
        ({"invitation": {**MADE, "link": 1}}, "makes no sense: 'link'"),
        ({"ok": False, "fault": "server", "error": "the server does not understand"}, "does not understand"),
    ],
)
def test_an_invitation_that_is_none(path: Path, answer: dict[str, object], words: str) -> None:
    with liar(path, HELLO, wire.encode({"ok": True, **answer})) as client, pytest.raises(OperatorFailed) as caught:
        client.invite(Wish())
    assert words in str(caught.value)
    assert "securechat://x" not in str(caught.value)


def test_certificates_that_are_none(path: Path) -> None:
    with liar(path, HELLO, b'{"ok": true, "certificates": [{}]}\n') as client, pytest.raises(OperatorFailed) as caught:
        client.list_certificates("alice")
    assert "a certificate has other fields" in str(caught.value)
    path.unlink()
    with liar(path, HELLO, b'{"ok": true}\n') as client, pytest.raises(OperatorFailed, match="'fingerprint'"):
        client.remove_certificate("alice", "ab")


def test_a_server_that_talks_too_much(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "MAX_ANSWER", 1000)
    with liar(path, HELLO, b"x" * 70_000) as client, pytest.raises(OperatorFailed, match="too long"):
        client.list_accounts()
