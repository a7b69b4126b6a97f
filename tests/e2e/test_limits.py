"""Limits of time and number: silence, slow logins, failed ones, too many connections, too many lines."""

import ssl
import time
from collections.abc import Iterator

import pytest

from tests.e2e.servers import LIMIT, PASSWORD, MakePlace, Place, Server, running
from tests.e2e.wires import Chatter, Wire, crowd, dial, login_lines, nick_of


def sorry(wire: Wire) -> str:
    """The reason with which the server ends the connection."""
    last = wire.to_end()[-1]
    assert last.command == "ERROR"
    return last.params[0].removeprefix("Closing link: ")


# -- time -------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def impatient(make_place: MakePlace) -> Iterator[Server]:
    """A server with little time, but enough for who does not lose any."""
    config = "handshake_timeout = 1\nregistration_timeout = 1\nping_interval = 0.1\nping_timeout = 1\n"
    with running(make_place(), config=f"[limits]\nthrottle = false\n{config}") as one:
        yield one


def test_who_does_not_answer_a_ping_is_gone(impatient: Server) -> None:
    with Chatter(impatient, "alice", join="#lobby") as alice, Chatter(impatient, "bob", join="#lobby") as bob:
        alice.expect("JOIN", "#lobby", "bob")
        alice.send("PONG x")  # whatever it was asked so far
        while (message := alice.message()).command == "PING":
            alice.send(f"PONG :{message.params[0]}")
        assert (message.command, nick_of(message)) == ("QUIT", "bob")
        assert message.params == ["Ping timeout: 1.1 seconds"]
        assert sorry(bob) == "Ping timeout: 1.1 seconds"


def test_who_takes_too_long_for_the_login_or_the_handshake(impatient: Server) -> None:
    with dial(impatient) as idle, Wire(impatient) as mute, Wire(impatient) as chatty:
        mute.send("CAP LS 302", "NICK alice")
        for _ in range(5):
            chatty.send("PING still-here")
            chatty.expect("PONG")
        assert sorry(mute) == "Registration timed out"
        assert sorry(chatty) == "Registration timed out"
        assert idle.recv(100) == b""
        impatient.logged("handshake failed", why="the client did not finish in time")


# -- throttling -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def careful(make_place: MakePlace) -> Iterator[Server]:
    """A server that slows down who is too fast."""
    config = "[limits]\nthrottle = true\nlines_per_second = 40\nlines_burst = 20\n"
    with running(make_place(), config=config) as one:
        yield one


def test_failed_logins_wait(careful: Server) -> None:
    """From the fourth on, and the right password too; another account does not."""
    wrong = login_lines("alice", "incorrect horse")
    with Wire(careful) as wire:
        wire.send("CAP LS 302")
        for _ in range(2):
            wire.send(*wrong)
            wire.expect("904")
        before = time.monotonic()
        wire.send(*wrong)
        wire.expect("904")
        wire.send(*login_lines("alice", PASSWORD))
        with Chatter(careful, "bob"):
            pass
        wire.expect("903")
        assert time.monotonic() - before >= 1.0


def test_lines_are_slowed_down_and_none_is_lost(careful: Server) -> None:
    with Chatter(careful, "carol", join="#lobby") as carol:
        before = time.monotonic()
        carol.send(*(f"PRIVMSG #lobby :{number}" for number in range(60)))
        for number in range(60):
            carol.expect("PRIVMSG", "#lobby", str(number))
        assert time.monotonic() - before >= (60 - 20) / 40  # what was left of the burst, and then the rate


def test_a_pause_that_is_over_before_the_server_looks(place: Place) -> None:
    """It takes less time than a commit, and all the same nothing waits longer."""
    config = "[limits]\nthrottle = true\nlines_per_second = 5000\nlines_burst = 1\n"
    with running(place, config=config) as server, Chatter(server, "alice", join="#lobby") as alice:
        alice.send(*(f"PRIVMSG #lobby :{number}" for number in range(300)))
        alice.expect("PRIVMSG", "#lobby", "299")


# -- numbers ----------------------------------------------------------------------------------------------------------


def comes_in(server: Server, nick: str) -> bool:
    """Whether the server takes the connection."""
    try:
        with Chatter(server, nick):
            return True
    except (ConnectionError, ssl.SSLError):
        return False


def test_too_many_connections(place: Place) -> None:
    with (
        running(place, config="[limits]\nthrottle = false\nmax_connections = 3\n") as server,
        Chatter(server, "alice"),
        Chatter(server, "bob"),
    ):
        with dial(server), dial(server) as fourth:
            assert fourth.recv(100) == b""
            server.logged("connection refused", why="too many connections")
        deadline = time.monotonic() + LIMIT
        while not comes_in(server, "carol"):  # the end of the third takes a moment
            assert time.monotonic() < deadline


def test_too_many_connections_from_one_address(place: Place) -> None:
    config = "[limits]\nmax_connections_per_address = 3\n"
    with running(place, config=config) as server, crowd(server, ["alice", "bob", "carol"], "#lobby"):
        with dial(server) as fourth:
            assert fourth.recv(100) == b""
        refused = server.logged("connection refused")
        assert refused["address"] == "127.0.0.1"
        assert "Too many connections from your address" in refused["why"]
