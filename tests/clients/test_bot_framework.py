"""A bot from PyPI, as its owner runs it: it logs in, does what it is asked in a channel, and comes again."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clients.bot import Bot, bot
from tests.clients.library import Person, person
from tests.clients.restart import another
from tests.e2e.servers import Server

pytestmark = pytest.mark.clients

COME = "Join to #lobby on securechat synced"


@pytest.fixture
def judy(server: Server, tmp_path: Path) -> Iterator[Bot]:
    """The bot; it is in #lobby, and has asked what it wants to know about it."""
    with bot(server, "judy", tmp_path / "judy") as one:
        one.log.expect(COME)
        yield one


@pytest.fixture
def alice(server: Server, judy: Bot, tmp_path: Path) -> Iterator[Person]:
    """She came after the bot."""
    with person(server, "alice", tmp_path) as one:
        one.expect("endofmotd")
        one.join("#lobby", {"judy", "alice"})
        yield one


def test_logs_in_and_finds_nothing_strange(server: Server, tmp_path: Path) -> None:
    with bot(server, "judy", tmp_path / "judy") as judy:
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
    alice.connection.privmsg("#lobby", "!ping")
    alice.said("judy", "pong")
    alice.connection.privmsg("judy", "ping")
    alice.said("judy", "pong", "privnotice")


def test_is_known_as_a_bot(alice: Person, judy: Bot) -> None:
    alice.connection.whois(["judy"])
    assert "335" in {event.type for event in alice.until("endofwhois")}  # RPL_WHOISBOT: the library has no name for it


def test_comes_again_when_it_was_kicked(alice: Person, judy: Bot) -> None:
    alice.join("#den", {"@alice"})
    alice.connection.invite("judy", "#den")  # Limnoria goes only where its owner sends it
    judy.log.expect("#den")


def test_comes_again_when_the_server_does(server: Server, judy: Bot, tmp_path: Path) -> None:
    assert server.stop() == 0
    with another(server) as again:
        judy.log.expect(COME)
        again.logged("login", account="judy")
        with person(again, "alice", tmp_path) as alice:
            alice.expect("endofmotd")
            alice.join("#lobby", {"judy", "alice"})
            alice.connection.privmsg("#lobby", "!ping")
            alice.said("judy", "pong")
