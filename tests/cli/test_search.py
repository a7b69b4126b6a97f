"""`securechat search`, as a process: beside a server and without one, and when something is wrong."""

import json
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from securechat.chat.machine import Applied
from securechat.chat.requests import AddAccount, Arrive, Join, Say, Start
from securechat.server.assembly import build_hub
from securechat.server.config import Config
from securechat.server.hub import Hub
from securechat.server.log import EventLog
from securechat.server.rules import rules_of
from securechat.store.datadir import DataDir
from tests.cli.commands import securechat

SAID = (
    ("#lobby", "the quick brown fox"),
    ("#lobby", "Ёлка 東京都"),
    ("#tea", "a quick cup of tea"),
    ("bob", "quick, in private"),
    ("#tea", "\x1b[31m quick\x1b[0m \u202eand hostile"),
    ("#tea", "\x01ACTION is quick\x01"),
)


def say_all(hub: Hub, messages: tuple[tuple[str, str], ...]) -> None:
    for target, text in messages:
        (outcome,), _ = hub.journal.ask([Say(1, "PRIVMSG", target, text, "")])
        assert isinstance(outcome, Applied)


@pytest.fixture
def data(tmp_path: Path) -> DataDir:
    """A store in which alice has said things; there is no index yet."""
    data = DataDir(tmp_path / "data")
    with data.lock():
        hub = build_hub(Config(), data, EventLog())
        hub.journal.ask([Start(rules_of(Config())), AddAccount("alice", "x"), AddAccount("bob", "x")])
        account = hub.chat.accounts["alice"]
        arrive = Arrive(session=1, nick="alice", username="alice", host="h", realname="r", account_id=account.id,
                        credential_set=account.credential_set)  # fmt: skip
        outcomes, _ = hub.journal.ask([arrive, Join(1, "#lobby"), Join(1, "#tea")])
        assert all(isinstance(outcome, Applied) for outcome in outcomes), outcomes
        say_all(hub, SAID)
        hub.hasher.close()
        hub.database.close()
    return data


@pytest.fixture
def run(tmp_path: Path, data: DataDir) -> Callable[..., CompletedProcess[str]]:
    return lambda *arguments: securechat(tmp_path, "search", "--data", data.path, *arguments)


def test_without_an_index_it_says_what_to_do(run: Callable[..., CompletedProcess[str]]) -> None:
    done = run("quick")
    assert (done.returncode, done.stdout) == (1, "")
    assert "--rebuild" in done.stderr


def test_it_finds_what_was_said_anywhere(run: Callable[..., CompletedProcess[str]]) -> None:
    assert run("--rebuild").returncode == 0
    done = run("quick")
    assert (done.returncode, done.stderr) == (0, "")
    lines = [line.partition(" ")[2] for line in done.stdout.splitlines()]
    assert lines[:3] == [
        "#lobby <alice> the quick brown fox", "#tea <alice> a quick cup of tea", "bob <alice> quick, in private",
    ]  # fmt: skip
    assert lines[4] == "#tea * alice is quick"
    assert "\x1b" not in done.stdout
    assert "\u202e" not in done.stdout
    assert run("елка").stdout.endswith("#lobby <alice> Ёлка 東京都\n")
    assert run("京都").returncode == 0


def test_what_is_asked_for_narrows_it(run: Callable[..., CompletedProcess[str]]) -> None:
    assert run("--rebuild").returncode == 0
    assert len(run("quick", "--in", "#TEA").stdout.splitlines()) == 3
    assert "is quick" in run("quick", "--limit", "1").stdout
    assert len(run("--from", "ALICE").stdout.splitlines()) == len(SAID)
    assert run("--from", "bob").returncode == 1
    assert run("quick", "brown").stdout.count("\n") == 1
    assert run('"brown quick"').returncode == 1
    assert run("--", "quick", "-tea", "-hostile", "-private").stdout.count("\n") == 2


def test_nothing_found_is_a_status_of_its_own(run: Callable[..., CompletedProcess[str]]) -> None:
    assert run("--rebuild").returncode == 0
    done = run("absent")
    assert (done.returncode, done.stdout, done.stderr) == (1, "", "")


def test_as_json(run: Callable[..., CompletedProcess[str]]) -> None:
    done = run("--rebuild", "--format", "jsonl", "hostile")
    assert done.returncode == 0
    (message,) = map(json.loads, done.stdout.splitlines())
    assert message["text"] == SAID[4][1]
    assert (message["kind"], message["target"], message["account"]) == ("PRIVMSG", "#tea", "alice")
    assert message["source"].startswith("alice!alice@")
    assert message["time"].endswith("Z")


@pytest.mark.parametrize("arguments", [(), ("...",), ("--", "-word"), ("--limit", "0", "word")])
def test_what_is_typed_wrongly(run: Callable[..., CompletedProcess[str]], arguments: tuple[str, ...]) -> None:
    done = run(*arguments)
    assert done.returncode == 2
    assert done.stderr


def test_beside_a_server_it_finds_what_was_said_a_moment_ago(
    run: Callable[..., CompletedProcess[str]], data: DataDir
) -> None:
    with data.lock():
        hub = build_hub(Config(), data, EventLog())
        searching = hub.searching
        assert searching is not None
        searching.start()
        try:
            done = run("quick")
            assert len(done.stdout.splitlines()) == 5
            refused = run("--rebuild")
            assert refused.returncode == 1
            assert "in use" in refused.stderr
        finally:
            searching.stop(10)
            hub.hasher.close()
            hub.database.close()


def test_what_is_not_in_the_index_yet_is_told(run: Callable[..., CompletedProcess[str]], data: DataDir) -> None:
    assert run("--rebuild").returncode == 0
    with data.lock():
        hub = build_hub(Config(), data, EventLog())
        account = hub.chat.accounts["alice"]
        arrive = Arrive(session=1, nick="alice", username="alice", host="h", realname="r", account_id=account.id,
                        credential_set=account.credential_set)  # fmt: skip
        hub.journal.ask([Start(rules_of(Config())), arrive, Join(1, "#lobby")])
        say_all(hub, (("#lobby", "something new"),))
        hub.hasher.close()
        hub.database.close()
    done = run("new")
    assert (done.returncode, done.stdout) == (1, "")
    assert "not in the index yet" in done.stderr
    assert run("--rebuild", "new").returncode == 0


def test_an_index_that_is_none(run: Callable[..., CompletedProcess[str]], data: DataDir) -> None:
    data.search.write_bytes(b"nonsense" * 100)
    done = run("quick")
    assert done.returncode in (1, 2)
    assert str(data.search) in done.stderr
    assert run("--rebuild", "quick").returncode == 0
