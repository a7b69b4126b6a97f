"""`securechat user`, as a process: without a server, beside one, at a terminal, and when something is wrong."""

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from securechat.server.control import ControlServer
from securechat.store.datadir import DataDir
from tests.cli.commands import at_terminal, securechat
from tests.server.operators import MemoryOperator

PASSWORD = "correct horse"

SERVE = """
import sys, threading
from pathlib import Path
from securechat.server.control import ControlServer
from securechat.store.datadir import DataDir
from tests.server.operators import MemoryOperator
data = DataDir(Path(sys.argv[1]))
with data.lock():
    ControlServer(data.control_socket, MemoryOperator()).start()
    print("ready", flush=True)
    threading.Event().wait()
"""


class Accounts:
    """The command, on one data directory."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.data = DataDir(home / "data")

    def run(self, *arguments: str | Path, stdin: str | bytes = b"") -> CompletedProcess[str]:
        return securechat(self.home, "user", *arguments, "--data", self.data.path, stdin=stdin)

    def add(self, name: str, *options: str, password: str = PASSWORD) -> CompletedProcess[str]:
        return self.run("add", name, "--password-stdin", *options, stdin=password + "\n")

    def listed(self) -> dict[str, dict[str, object]]:
        done = self.run("list", "--json")
        assert done.returncode == 0
        return {account.pop("name"): account for account in json.loads(done.stdout)}


@contextmanager
def no_server(data: DataDir) -> Iterator[None]:
    yield


@contextmanager
def server(data: DataDir) -> Iterator[MemoryOperator]:
    """What the command needs of a server: the lock, and somebody at the control socket."""
    with data.lock():
        operator = MemoryOperator()
        control = ControlServer(data.control_socket, operator)
        control.start()
        try:
            yield operator
        finally:
            control.stop()


Beside = Callable[[DataDir], AbstractContextManager[object]]


@pytest.fixture
def accounts(tmp_path: Path) -> Accounts:
    return Accounts(tmp_path)


def refused(done: CompletedProcess[str], status: int, *words: str) -> None:
    """One sentence on stderr, with these words in it, and nothing on stdout."""
    assert done.returncode == status, done.stderr
    assert done.stdout == ""
    assert done.stderr.startswith("securechat: ")
    assert done.stderr.count("\n") == 1
    for word in words:
        assert word in done.stderr


@pytest.mark.parametrize("beside", [no_server, server])
def test_the_life_of_an_account(accounts: Accounts, beside: Beside) -> None:
    with beside(accounts.data):
        assert (added := accounts.add("alice")).returncode == 0, added.stderr
        assert added.stdout == "added alice\n"
        assert accounts.add("Bob|2", "--admin").returncode == 0
        listed = accounts.listed()
        assert [(name, line["role"], line["enabled"], line["online"]) for name, line in listed.items()] == [
            ("alice", "member", True, False),
            ("Bob|2", "admin", True, False),
        ]
        assert str(listed["alice"]["created"]).startswith("20")

        assert accounts.run("disable", "alice").stdout == "disabled alice\n"
        assert not accounts.listed()["alice"]["enabled"]
        assert accounts.run("enable", "alice").stdout == "enabled alice\n"
        assert accounts.listed()["alice"]["enabled"]
        changed = accounts.run("passwd", "alice", "--password-stdin", stdin="another password\n")
        assert changed.stdout == "changed the password of alice\n"
        assert accounts.run("remove", "alice").stdout == "removed alice\n"
        assert [*accounts.listed()] == ["Bob|2"]


@pytest.mark.parametrize("beside", [no_server, server])
def test_what_can_not_be_done(accounts: Accounts, beside: Beside) -> None:
    with beside(accounts.data):
        assert accounts.add("alice").returncode == 0
        refused(accounts.add("alice"), 2, "alice", "already")
        refused(accounts.add("bob", password="short"), 2, "too short", "8")
        refused(accounts.run("disable", "carol"), 2, "carol")
        refused(accounts.run("remove", "carol"), 2, "carol")
        refused(accounts.run("passwd", "carol", "--password-stdin", stdin=PASSWORD), 2, "carol")
        assert [*accounts.listed()] == ["alice"]


def test_the_list_is_a_table(accounts: Accounts) -> None:
    with server(accounts.data) as operator:
        operator.add_account("alice", PASSWORD, admin=True)
        operator.add_account("a_long_name_of_an_account", PASSWORD, admin=False)
        operator.set_enabled("alice", False)
        done = accounts.run("list")
    assert done.stderr == ""
    assert [line.split() for line in done.stdout.splitlines()] == [
        ["NAME", "ROLE", "STATE", "ONLINE", "CREATED"],
        ["alice", "admin", "disabled", "no", "2026-11-22T13:00:00.000Z"],
        ["a_long_name_of_an_account", "member", "enabled", "no", "2026-11-22T13:00:00.000Z"],
    ]
    assert (
        len(
            {line.index(word) for line, word in zip(done.stdout.splitlines(), ["ROLE", "admin", "member"], strict=True)}
        )
        == 1
    )


def test_a_list_of_nobody(accounts: Accounts) -> None:
    with server(accounts.data):
        done = accounts.run("list")
        assert (done.returncode, done.stdout) == (0, "")
        assert "no accounts yet" in done.stderr
        assert accounts.listed() == {}


@pytest.mark.parametrize("name", ["9lives", "", "x" * 33, "a\nb"])
def test_names_that_can_be_none(accounts: Accounts, name: str) -> None:
    refused(accounts.add(name), 2, "can't be the name of an account")
    assert not accounts.data.path.exists()


@pytest.mark.parametrize(
    ("said", "words"),
    [(b"", "empty"), (b"\n", "empty"), (b"\r\nsecond\n", "empty"), (b"caf\xe9 caf\xe9\n", "not UTF-8")],
)
def test_first_lines_that_are_no_password(accounts: Accounts, said: bytes, words: str) -> None:
    with server(accounts.data) as operator:
        refused(accounts.run("add", "alice", "--password-stdin", stdin=said), 2, words)
        assert operator.accounts == {}


@pytest.mark.parametrize(
    ("said", "password"),
    [
        (b"correct horse\nignored\n", "correct horse"),
        (b"correct horse\r\n", "correct horse"),
        (b" correct horse ", " correct horse "),
        ("пароль 👩‍🚀".encode(), "пароль 👩‍🚀"),
    ],
)
def test_the_first_line_is_the_password(accounts: Accounts, said: bytes, password: str) -> None:
    with server(accounts.data) as operator:
        assert accounts.run("add", "alice", "--password-stdin", stdin=said).returncode == 0
        assert operator.passwords == {"alice": password}


def test_without_a_terminal_nobody_is_asked(accounts: Accounts) -> None:
    refused(accounts.run("add", "alice", stdin=PASSWORD), 2, "--password-stdin")


def test_the_terminal_asks_twice_and_shows_nothing(accounts: Accounts) -> None:
    with server(accounts.data) as operator:
        with at_terminal(accounts.home, "user", "add", "alice", "--data", accounts.data.path) as terminal:
            terminal.expect("New password for alice: ")
            terminal.type(PASSWORD + "\n")
            terminal.expect("again: ")
            terminal.type(PASSWORD + "\n")
            assert terminal.end() == 0
        assert "added alice" in terminal.screen
        assert "horse" not in terminal.screen
        assert operator.passwords == {"alice": PASSWORD}


def test_two_passwords_that_are_not_the_same(accounts: Accounts) -> None:
    with server(accounts.data) as operator:
        operator.add_account("alice", PASSWORD, admin=False)
        with at_terminal(accounts.home, "user", "passwd", "alice", "--data", accounts.data.path) as terminal:
            terminal.expect("alice: ")
            terminal.type("another password\n")
            terminal.expect("again: ")
            terminal.type("another passwort\n")
            assert terminal.end() == 2
        assert "not the same" in terminal.screen
        assert "another" not in terminal.screen
        assert operator.passwords == {"alice": PASSWORD}


@pytest.mark.parametrize(
    ("command", "name", "sentence"),
    [("add", "Alice", "there is an account Alice already"), ("passwd", "bob", "there is no account bob")],
)
def test_nobody_thinks_of_a_password_for_nothing(accounts: Accounts, command: str, name: str, sentence: str) -> None:
    with server(accounts.data) as operator:
        operator.add_account("alice", PASSWORD, admin=False)
        with at_terminal(accounts.home, "user", command, name, "--data", accounts.data.path) as terminal:
            assert terminal.end() == 2
        assert sentence in terminal.screen
        assert "New password" not in terminal.screen


@pytest.mark.parametrize(("key", "status"), [("\x03", 130), ("\x04", 2)], ids=["ctrl-c", "ctrl-d"])
def test_somebody_would_rather_not(accounts: Accounts, key: str, status: int) -> None:
    with at_terminal(accounts.home, "user", "add", "alice", "--data", accounts.data.path) as terminal:
        terminal.expect("alice: ")
        terminal.type(key)
        assert terminal.end() == status
    assert "Traceback" not in terminal.screen
    assert not accounts.data.path.exists()  # and nobody waited for them


@pytest.mark.parametrize(("answer", "status"), [("y\n", 0), ("YES\n", 0), ("n\n", 1), ("\n", 1), ("\x04", 1)])
def test_the_terminal_asks_before_it_removes(accounts: Accounts, answer: str, status: int) -> None:
    with server(accounts.data) as operator:
        operator.add_account("alice", PASSWORD, admin=False)
        with at_terminal(accounts.home, "user", "remove", "alice", "--data", accounts.data.path) as terminal:
            terminal.expect("Remove alice for good? [y/N] ")
            terminal.type(answer)
            assert terminal.end() == status
        assert ("nothing was removed" in terminal.screen) is bool(status)
        assert [*operator.accounts] == (["alice"] if status else [])


def test_it_does_not_ask_who_is_sure(accounts: Accounts) -> None:
    with server(accounts.data) as operator:
        operator.add_account("alice", PASSWORD, admin=False)
        with at_terminal(accounts.home, "user", "remove", "alice", "--yes", "--data", accounts.data.path) as terminal:
            assert terminal.end() == 0
        assert "[y/N]" not in terminal.screen
        assert operator.accounts == {}


def test_a_server_that_does_not_listen(accounts: Accounts) -> None:
    with accounts.data.lock():
        refused(accounts.add("alice"), 1, "in use", str(os.getpid()))


@contextmanager
def visited(accounts: Accounts) -> Iterator[list[CompletedProcess[str]]]:
    """Run `user add alice`, and let it find a server that goes away as soon as it is spoken to. Then comes the body.

    The list has the finished command at the end.
    """
    finished: list[CompletedProcess[str]] = []
    asking = threading.Thread(target=lambda: finished.append(accounts.add("alice")))
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(str(accounts.data.control_socket))
        listener.listen()
        listener.settimeout(60)
        asking.start()
        listener.accept()[0].close()
    try:
        yield finished
    finally:
        asking.join(60)


def test_a_server_that_starts_while_the_command_looks(accounts: Accounts) -> None:
    operator = MemoryOperator()
    control = ControlServer(accounts.data.control_socket, operator)
    with accounts.data.lock():
        with visited(accounts) as finished:
            control.start()
        control.stop()
    assert finished[0].returncode == 0, finished[0].stderr
    assert [*operator.accounts] == ["alice"]


def test_a_server_that_stops_while_the_command_looks(accounts: Accounts) -> None:
    with ExitStack() as lock:
        lock.enter_context(accounts.data.lock())
        with visited(accounts) as finished:
            lock.close()
    assert finished[0].returncode == 0, finished[0].stderr
    assert [*accounts.listed()] == ["alice"]


def test_a_server_that_was_killed(accounts: Accounts) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", SERVE, str(accounts.data.path)], stdout=subprocess.PIPE, cwd=Path(__file__).parents[2]
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        assert accounts.add("alice").returncode == 0
        assert [*accounts.listed()] == ["alice"]
        process.kill()
        process.wait()
    assert accounts.data.control_socket.is_socket()
    assert accounts.listed() == {}  # the killed one had it in memory only
    assert accounts.add("bob").returncode == 0


def test_the_data_directory_of_the_configuration(accounts: Accounts) -> None:
    config = accounts.home / "chat.toml"
    config.write_text("[store]\ndata = 'data'\n")
    with server(accounts.data) as operator:
        done = securechat(
            accounts.home, "user", "add", "alice", "--password-stdin", "--config", "chat.toml", stdin=PASSWORD
        )
        assert done.returncode == 0, done.stderr
        assert [*operator.accounts] == ["alice"]


def test_a_configuration_that_is_wrong(accounts: Accounts) -> None:
    config = accounts.home / "chat.toml"
    config.write_text("[limits]\nmin_password_lenght = 3\n")
    done = accounts.run("list", "--config", config)
    refused(done, 2, "min_password_lenght", "did you mean min_password_length?")


def test_the_least_length_of_a_password_is_the_configurations(accounts: Accounts) -> None:
    config = accounts.home / "chat.toml"
    config.write_text("[limits]\nmin_password_length = 20\n")
    refused(accounts.add("alice", "--config", str(config)), 2, "too short", "20")
    config.write_text("[limits]\nmin_password_length = 3\n")
    assert accounts.add("alice", "--config", str(config), password="abc").returncode == 0


def test_a_data_directory_that_is_a_file(accounts: Accounts) -> None:
    accounts.data.path.write_text("mine")
    refused(accounts.run("list"), 2, "not a directory")


def test_by_default_it_is_the_users_own(accounts: Accounts) -> None:
    done = securechat(accounts.home, "user", "add", "alice", "--password-stdin", stdin=PASSWORD)
    assert done.returncode == 0, done.stderr
    (database,) = accounts.home.rglob("securechat.db")
    assert database.parent.stat().st_mode & 0o777 == 0o700
    assert database.stat().st_mode & 0o077 == 0
    assert PASSWORD.encode() not in database.read_bytes()


def test_two_commands_at_once_take_turns(accounts: Accounts) -> None:
    threads = [threading.Thread(target=accounts.add, args=(f"user{number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(accounts.listed()) == ["user0", "user1", "user2", "user3"]


def test_a_password_is_not_taken_from_the_command_line(accounts: Accounts) -> None:
    """Where everybody on the machine could read it."""
    assert accounts.run("add", "alice", "--password", PASSWORD).returncode == 2
