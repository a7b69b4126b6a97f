"""A bot from PyPI, as its owner runs it: it logs in, does what it is asked in a channel, and comes again."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.clients.bot import Bot, bot
from tests.clients.library import Person, person
from tests.clients.restart import another
from tests.e2e.servers import Server

pytestmark = pytest.mark.clients

DEN = "#den"
COME = "Join to #den on securechat synced"
"""What the bot logs when it is in the channel and has been told all that it asked about it."""


@pytest.fixture
def alice(server: Server, tmp_path: Path) -> Iterator[Person]:
    """Whose channel it is."""
    with person(server, "alice", tmp_path) as one:
        one.expect("endofmotd")
        one.join(DEN, {"@alice"})
        yield one


@pytest.fixture
def judy(server: Server, alice: Person, tmp_path: Path) -> Iterator[Bot]:
    """The bot; it is in the channel."""
    with bot(server, "judy", tmp_path / "judy", channel=DEN) as one:
        alice.expect("join", from_judy)
        one.log.expect(COME)
        yield one


def from_judy(event: Any) -> bool:
    return bool(event.source.nick == "judy")


def test_logs_in_and_finds_nothing_strange(server: Server, tmp_path: Path) -> None:
    with bot(server, "judy", tmp_path / "judy", channel=DEN) as judy:
        judy.log.expect("Connecting to ")  # what comes before is about files that it does not have yet
        server.logged("login", account="judy")
        lines = [judy.log.next()]
        while COME not in lines[-1]:
            lines.append(judy.log.next())
        assert any("SASL authentication successful" in line for line in lines)
        assert all(line.startswith("INFO ") for line in lines), lines
        assert judy.stop() == 0
        assert all(line.startswith("INFO ") for line in judy.log.rest())
    server.logged("disconnected", nick="judy")


def test_answers_a_command(alice: Person, judy: Bot) -> None:
    alice.connection.privmsg(DEN, "!ping")
    alice.said("judy", "pong")
    alice.connection.privmsg("judy", "ping")
    alice.said("judy", "pong", "privnotice")


def test_is_known_as_a_bot(alice: Person, judy: Bot) -> None:
    assert "335" in alice.whois("judy")  # RPL_WHOISBOT: the library has no name for it


def test_comes_again_when_it_was_kicked(alice: Person, judy: Bot) -> None:
    alice.connection.kick(DEN, "judy", "genug 🐻")
    judy.log.expect("Kicked from #den @ securechat by alice!")
    alice.expect("join", from_judy)
    alice.connection.privmsg(DEN, "!ping")
    alice.said("judy", "pong")


def test_stays_away_when_it_was_banned(alice: Person, judy: Bot) -> None:
    alice.connection.mode(DEN, "+b judy!*@*")
    alice.connection.kick(DEN, "judy")
    judy.log.expect("Cannot join channel (+b)")
    alice.connection.names([DEN])
    assert alice.names(DEN) == {"@alice"}


def test_comes_again_when_the_server_does(server: Server, alice: Person, judy: Bot) -> None:
    assert server.stop() == 0
    alice.expect("disconnect")
    with another(server) as again:
        judy.log.expect(COME)
        again.logged("login", account="judy")
        alice.connection.reconnect()
        alice.expect("endofmotd")
        alice.join(DEN, {"@alice", "judy"})
        alice.connection.privmsg(DEN, "!ping")
        alice.said("judy", "pong")


def test_refuses_a_server_of_another_authority(server: Server, tmp_path: Path, other_ca: Path) -> None:
    with bot(server, "judy", tmp_path / "judy", ca=other_ca) as judy:
        judy.log.expect("certificate verify failed")
    assert server.stop() == 0
    assert not [event for event in server.events if event["event"] == "login"]


def test_is_told_that_its_password_is_wrong(server: Server, tmp_path: Path) -> None:
    with bot(server, "judy", tmp_path / "judy", password="wrong horse") as judy:
        judy.log.expect("SASL authentication failed")
        server.logged("login failed", account="judy")
