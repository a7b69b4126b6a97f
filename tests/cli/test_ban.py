"""`securechat ban`, as a process: without a server, beside one, and when something is wrong."""

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from securechat.chat.model import BanKind
from securechat.chat.requests import AddBan
from securechat.server.assembly import build_hub
from securechat.server.config import Config
from securechat.server.control import ControlServer
from securechat.server.log import EventLog
from securechat.server.operator import open_operator
from securechat.store.datadir import DataDir
from tests.cli.commands import securechat
from tests.server.operators import MemoryOperator


class Bans:
    """The command, on one data directory."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.data = DataDir(home / "data")

    def run(self, *arguments: str) -> CompletedProcess[str]:
        return securechat(self.home, "ban", *arguments, "--data", self.data.path)

    def listed(self) -> list[dict[str, object]]:
        done = self.run("list", "--json")
        assert done.returncode == 0, done.stderr
        bans: list[dict[str, object]] = json.loads(done.stdout)
        return bans

    def store(self, *requests: AddBan) -> None:
        """What operators on the chat have done."""
        with self.data.lock():
            hub = build_hub(Config(), self.data, EventLog())
            hub.journal.ask(requests)
            hub.hasher.close()
            hub.database.close()


@contextmanager
def no_server(data: DataDir) -> Iterator[None]:
    yield


@contextmanager
def server(data: DataDir) -> Iterator[None]:
    """What the command needs of a server: the lock, the store, and the operator at the control socket."""
    with data.lock(), open_operator(data, Config()) as operator:
        control = ControlServer(data.control_socket, operator)
        control.start()
        try:
            yield
        finally:
            control.stop()


Beside = Callable[[DataDir], AbstractContextManager[object]]


@pytest.fixture
def bans(tmp_path: Path) -> Bans:
    return Bans(tmp_path)


def refused(done: CompletedProcess[str], status: int, sentence: str) -> None:
    """This on stderr, and nothing on stdout."""
    assert (done.returncode, done.stdout, done.stderr) == (status, "", f"securechat: {sentence}\n")


@pytest.mark.parametrize("beside", [no_server, server])
def test_the_life_of_a_ban(bans: Bans, beside: Beside) -> None:
    with beside(bans.data):
        assert (added := bans.run("add", "mallory")).returncode == 0, added.stderr
        assert added.stdout == "banned mallory\n"
        assert bans.run("add", "192.0.2.7/24", "--for", "1d12h", "--reason", "спам, and more").returncode == 0
        assert bans.run("add", "2001:DB8::1").returncode == 0
        listed = bans.listed()
        assert [(ban["whom"], ban["kind"], ban["by"], ban["reason"]) for ban in listed] == [
            ("mallory", "account", "the operator", "No reason was given"),
            ("192.0.2.0/24", "network", "the operator", "спам, and more"),
            ("2001:db8::1/128", "network", "the operator", "No reason was given"),
        ]
        assert [ban["until"] is None for ban in listed] == [True, False, True]
        assert str(listed[0]["created"]) < str(listed[1]["until"])

        assert bans.run("add", "MALLORY", "--reason", "again").returncode == 0  # in the place of the first
        assert [(ban["whom"], ban["reason"]) for ban in bans.listed()][-1] == ("MALLORY", "again")
        assert bans.run("remove", "mallory").stdout == "lifted the ban of mallory\n"
        assert bans.run("remove", "192.0.2.0/24").returncode == 0
        assert bans.run("remove", "2001:db8:0::1").returncode == 0
        assert bans.listed() == []


@pytest.mark.parametrize("beside", [no_server, server])
@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["add", "0.0.0.0/0"], "'0.0.0.0/0' can't be banned: this is everybody"),
        (["add", "300.1.1.1"], "'300.1.1.1' can't be banned: this is neither an address nor a network"),
        (["add", "a\nb"], "'a\\nb' can't be banned: this can't be an account"),
        (["add", ""], "'' can't be banned: this can't be an account"),
        (["add", "eve", "--reason", "a\r\nQUIT"], "The reason has characters that can't be shown"),
        (["add", "eve", "--reason", "é" * 151], "The reason is too long: it can have 300 bytes at most"),
        (["add", "eve", "--for", "soon"], "'soon' is no time: say it like 1w2d3h4m5s, or some of that"),
        (["add", "eve", "--for", ""], "'' is no time: say it like 1w2d3h4m5s, or some of that"),
        (["remove", "eve"], "There is no ban of 'eve': `securechat ban list` shows those that there are"),
        (["remove", "192.0.2.1"], "There is no ban of '192.0.2.1': `securechat ban list` shows those that there are"),
    ],
)  # fmt: skip
def test_what_can_not_be_done(bans: Bans, beside: Beside, arguments: list[str], sentence: str) -> None:
    with beside(bans.data):
        refused(bans.run(*arguments), 2, sentence)
        assert bans.listed() == []


def test_a_time_goes_to_the_server_in_seconds(bans: Bans) -> None:
    operator = MemoryOperator()
    with bans.data.lock():
        control = ControlServer(bans.data.control_socket, operator)
        control.start()
        try:
            assert bans.run("add", "eve", "--for", "1w2d3h4m5s").returncode == 0
            assert bans.run("add", "mallory").returncode == 0
        finally:
            control.stop()
    assert operator.seconds == {"eve": 788_645, "mallory": None}


def test_a_ban_lasts_a_hundred_years_at_most(bans: Bans) -> None:
    with bans.data.lock(), open_operator(bans.data, Config()) as operator:
        operator.add_ban("eve", "", 10**400)
        (ban,) = operator.list_bans()
        assert ban.until is not None
        assert int(ban.until[:4]) - int(ban.created[:4]) in (99, 100)
        assert ban.reason == "No reason was given"


def test_the_list_is_a_table(bans: Bans) -> None:
    bans.store(
        AddBan(None, BanKind.ACCOUNT, "eve", "\x1b[2J is \u202e no reason", None),
        AddBan(None, BanKind.ACCOUNT, "dave", "it was long ago", 1),
    )
    assert bans.run("add", "192.0.2.0/24", "--reason", "too much noise").returncode == 0
    done = bans.run("list")
    assert done.stderr == ""
    heading, eve, network = done.stdout.splitlines()  # and nothing of dave's, which is over
    assert heading.split() == ["WHOM", "KIND", "BY", "CREATED", "UNTIL", "REASON"]
    assert eve.startswith("eve           account  the operator  20")
    assert eve.endswith("Z  for good  '\\x1b[2J is \\u202e no reason'")
    assert network.startswith("192.0.2.0/24  network  the operator  20")
    assert network.endswith("Z  for good  too much noise")


def test_a_list_of_nobody(bans: Bans) -> None:
    done = bans.run("list")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "securechat: there are no bans\n")


def test_a_server_that_does_not_listen(bans: Bans) -> None:
    with bans.data.lock():
        done = bans.run("remove", "eve")
    assert (done.returncode, done.stdout) == (1, "")
    assert "in use" in done.stderr


def test_a_data_directory_that_is_a_file(bans: Bans) -> None:
    bans.data.path.write_text("mine")
    done = bans.run("list")
    assert (done.returncode, done.stdout) == (2, "")
    assert "not a directory" in done.stderr
