"""The control socket: requests and answers, who can connect, and what becomes of it when either end misbehaves."""

import io
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from securechat.server import control
from securechat.server.control import (
    AccountLine,
    ControlClient,
    ControlServer,
    NoServer,
    OperatorError,
    OperatorFailed,
)
from securechat.server.log import Format, Level, start
from tests.pki.places import reachable_directory, without_privileges
from tests.server.controls import connected, line_from, serving
from tests.server.operators import MemoryOperator

PASSWORD = "correct horse"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "control.sock"


def test_all_that_can_be_asked(path: Path) -> None:
    operator = MemoryOperator()
    with serving(path, operator) as client:
        assert client.list_accounts() == []
        client.add_account("alice", PASSWORD, admin=False)
        client.add_account("bob", "пароль 👩‍🚀\n\0", admin=True)
        assert operator.passwords == {"alice": PASSWORD, "bob": "пароль 👩‍🚀\n\0"}
        client.set_password("alice", PASSWORD * 2)
        assert operator.passwords["alice"] == PASSWORD * 2
        client.set_enabled("alice", False)
        assert client.list_accounts() == [
            AccountLine("alice", "member", False, "2026-11-22T13:00:00.000Z", False),
            AccountLine("bob", "admin", True, "2026-11-22T13:00:00.000Z", False),
        ]
        client.set_enabled("alice", True)
        client.remove_account("bob")
        assert [(line.name, line.enabled) for line in client.list_accounts()] == [("alice", True)]


def test_what_the_operator_did_wrong_comes_back_as_a_sentence(path: Path) -> None:
    with serving(path, MemoryOperator()) as client:
        client.add_account("alice", PASSWORD, admin=False)
        with pytest.raises(OperatorError, match=r"^there is an account alice already$"):
            client.add_account("alice", PASSWORD, admin=False)
        with pytest.raises(OperatorError, match=r"^there is no account carol$"):
            client.remove_account("carol")
        with pytest.raises(OperatorError, match="too short"):
            client.set_password("alice", "x")
        with pytest.raises(OperatorError, match="no password is that long"):
            client.set_password("alice", "x" * 100_000)


class Failing(MemoryOperator):
    def set_enabled(self, name: str, enabled: bool) -> None:
        raise OperatorFailed("the disk is full")

    def set_password(self, name: str, password: str) -> None:
        raise ValueError(f"{password} is odd")


def test_what_the_server_could_not_do(path: Path) -> None:
    log = io.StringIO()
    server = ControlServer(path, Failing(), start(Level.DEBUG, Format.JSON, log))
    server.start()
    try:
        client = ControlClient(path)
        with pytest.raises(OperatorFailed, match=r"^the disk is full$"):
            client.set_enabled("alice", True)
        with pytest.raises(OperatorFailed, match="the server made a mistake") as caught:
            client.set_password("alice", PASSWORD)
        assert client.list_accounts() == []  # and it goes on
    finally:
        server.stop()
    assert PASSWORD not in str(caught.value)
    assert "ValueError" in log.getvalue()
    assert PASSWORD not in log.getvalue()


def test_only_its_owner_can_connect() -> None:
    with reachable_directory() as directory:
        path = directory / "control.sock"
        before = os.umask(0)
        try:
            with serving(path, MemoryOperator()) as client:
                assert path.stat().st_mode & 0o777 == 0o600
                assert client.list_accounts() == []
                if os.geteuid() == 0:
                    with without_privileges(), pytest.raises(OperatorFailed, match="Permission denied") as caught:
                        client.list_accounts()
                    assert not isinstance(caught.value, NoServer)
        finally:
            os.umask(before)


def test_without_a_server(path: Path) -> None:
    client = ControlClient(path)
    with pytest.raises(NoServer, match="no server listens"):
        client.list_accounts()
    with pytest.raises(NoServer):
        ControlClient(path.parent / "missing" / "control.sock").list_accounts()
    with serving(path, MemoryOperator()):
        pass
    assert not path.exists()
    with pytest.raises(NoServer):
        client.list_accounts()


SERVE = """
import sys
from pathlib import Path
from securechat.server.control import ControlServer
from tests.server.operators import MemoryOperator
ControlServer(Path(sys.argv[1]), MemoryOperator()).start()
print("ready", flush=True)
"""


def test_after_a_server_that_was_killed(path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", SERVE, str(path)], stdout=subprocess.PIPE, cwd=Path(__file__).parents[2]
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        assert ControlClient(path).list_accounts() == []
        process.kill()
        process.wait()
    assert path.is_socket()
    with pytest.raises(NoServer):
        ControlClient(path).list_accounts()
    with serving(path, MemoryOperator()) as client:
        assert client.list_accounts() == []


def test_what_is_no_socket_is_left_alone(path: Path) -> None:
    path.write_text("mine")
    with pytest.raises(OperatorFailed, match="can't make the control socket"):
        ControlServer(path, MemoryOperator()).start()
    assert path.read_text() == "mine"
    with pytest.raises(OperatorFailed):
        ControlClient(path).list_accounts()


def test_a_directory_that_is_not_there(path: Path) -> None:
    with pytest.raises(OperatorFailed, match="No such file"):
        ControlServer(path / "deeper" / "control.sock", MemoryOperator()).start()


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no short name for a long path")
@pytest.mark.parametrize("length", [107, 108, 1000])
def test_a_path_that_is_longer_than_the_address_of_a_socket(tmp_path: Path, length: int) -> None:
    directory = tmp_path
    while (left := length - len(str(directory)) - len("/control.sock")) > 201:
        directory /= "x" * 200
    directory /= "y" * (left - 1)
    directory.mkdir(parents=True)
    path = directory / "control.sock"
    assert len(str(path)) == length
    descriptors = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(2):
        with serving(path, MemoryOperator()) as client:
            client.add_account("alice", PASSWORD, admin=False)
            assert path.is_socket()
            assert path.stat().st_mode & 0o777 == 0o600
        assert not path.exists()
        with pytest.raises(NoServer):
            client.list_accounts()
    assert len(list(Path("/proc/self/fd").iterdir())) == descriptors


def test_stopping_what_was_never_started_and_stopping_twice(path: Path) -> None:
    server = ControlServer(path, MemoryOperator())
    server.stop()
    server.start()
    server.stop()
    server.stop()
    assert not path.exists()


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        (b"\n", "no JSON object"),
        (b"hello\n", "no JSON object"),
        (b"[]\n", "no JSON object"),
        (b"\xff\xfe\n", "no JSON object"),
        (b"[" * 50_000 + b"\n", "no JSON object"),
        (b"9" * 10_000 + b"\n", "no JSON object"),
        (b"{}\n", "asks for nothing"),
        (b'{"do": "fly"}\n', "asks for nothing"),
        (b'{"do": ["add"]}\n', "asks for nothing"),
        (b'{"do": "add", "name": "alice", "admin": true}\n', "'password' is missing"),
        (b'{"do": "add", "name": 1, "password": "x", "admin": true}\n', "'name' is missing, or no string"),
        (b'{"do": "add", "name": "a", "password": "x", "admin": 1}\n', "'admin' is missing, or neither"),
        (b'{"do": "enable", "name": "a"}\n', "'enabled' is missing"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_requests_that_make_no_sense(path: Path, said: bytes, answer: str) -> None:
    with serving(path, MemoryOperator()) as client:
        with connected(path) as sock:
            sock.sendall(said)
            reply = line_from(sock)
            assert isinstance(reply, dict)
            assert reply["ok"] is False
            assert reply["fault"] == "server"
            assert answer in reply["error"]
            assert line_from(sock) is None
        assert client.list_accounts() == []


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=200) | st.recursive(st.none() | st.text(max_size=5), lambda inner: st.dictionaries(
    st.sampled_from(["do", "name", "password", "admin", "enabled", "whom", "reason", "seconds"]),
    inner | st.sampled_from(["add", "list", "remove", "bans", "ban", "unban", "invite", "revoke"]) | st.integers(),
)).map(lambda value: json.dumps(value).encode()))  # fmt: skip
def test_whatever_is_asked(tmp_path: Path, said: bytes) -> None:
    path = tmp_path / "any.sock"
    with serving(path, MemoryOperator()) as client:
        with connected(path) as sock:
            sock.sendall(said.replace(b"\n", b" ") + b"\n")
            reply = line_from(sock)
            assert isinstance(reply, dict)
            assert isinstance(reply["ok"], bool)
        client.add_account("somebody", PASSWORD, admin=False)


def test_a_request_without_an_end(path: Path) -> None:
    operator = MemoryOperator()
    with serving(path, operator) as client:
        with connected(path) as sock:
            sock.sendall(b'{"do": "add", "name": "alice", "password": "correct horse", "admin": false}')
            sock.shutdown(socket.SHUT_WR)
            assert line_from(sock) is None
        assert client.list_accounts() == []


def test_a_request_that_is_too_long(path: Path) -> None:
    with serving(path, MemoryOperator()) as client:
        with connected(path) as sock, pytest.raises(ConnectionError):
            sock.sendall(b"x" * 10_000_000)
        assert client.list_accounts() == []


def test_a_client_that_says_nothing_keeps_the_others_only_for_a_while(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(control, "REQUEST_SECONDS", 0.1)
    with serving(path, MemoryOperator()) as client, connected(path) as silent:
        assert client.list_accounts() == []
        assert line_from(silent) is None


class Long(MemoryOperator):
    """Has more accounts than a socket's buffers can hold."""

    def list_accounts(self) -> list[AccountLine]:
        return [AccountLine(f"user{number}", "member", True, "x" * 100, False) for number in range(20_000)]


def test_a_long_answer(path: Path) -> None:
    with serving(path, Long()) as client:
        assert client.list_accounts() == Long().list_accounts()


def test_a_client_that_does_not_take_its_answer(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control, "REQUEST_SECONDS", 0.1)
    with serving(path, Long()) as client, connected(path) as deaf:
        deaf.sendall(b'{"do": "list"}\n')
        client.add_account("alice", PASSWORD, admin=False)


def test_many_clients_at_once(path: Path) -> None:
    operator = MemoryOperator()
    with serving(path, operator) as client:
        threads = [
            threading.Thread(target=client.add_account, args=(f"user{number}", PASSWORD), kwargs={"admin": False})
            for number in range(30)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
    assert len(operator.accounts) == 30


class Slow(MemoryOperator):
    """Takes until it is told to go on."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = threading.Event()
        self.go_on = threading.Event()

    def remove_account(self, name: str) -> None:
        self.asked.set()
        assert self.go_on.wait(30)


def in_thread(call: Callable[[], object]) -> tuple[threading.Thread, list[object]]:
    outcome: list[object] = []

    def run() -> None:
        try:
            outcome.append(call())
        except Exception as error:
            outcome.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    return thread, outcome


def test_a_stop_lets_the_operator_finish_and_answer_and_serves_nobody_else(path: Path) -> None:
    operator = Slow()
    server = ControlServer(path, operator)
    operator.go_on = server._stopping
    server.start()
    asking, outcome = in_thread(lambda: ControlClient(path).remove_account("alice"))
    assert operator.asked.wait(30)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as queued:
        queued.settimeout(30)
        queued.connect(str(path))
        server.stop()
        asking.join(30)
        assert outcome == [None]
        try:
            greeting = line_from(queued)
        except ConnectionError:
            greeting = None
        assert greeting is None  # which ControlClient takes for NoServer
    assert not path.exists()


def test_a_stop_tells_who_has_not_asked_yet(path: Path) -> None:
    server = ControlServer(path, MemoryOperator())
    server.start()
    with connected(path) as sock:
        server.stop()
        assert line_from(sock) == {"ok": False, "fault": "stopping"}
        assert line_from(sock) is None


def test_a_server_that_does_not_answer(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control, "ANSWER_SECONDS", 0.1)
    operator = Slow()
    with serving(path, operator) as client:
        with pytest.raises(OperatorFailed, match="see with `securechat user list`"):
            client.remove_account("alice")
        operator.go_on.set()
