"""Clients that take nothing, or send more than can be dealt with: memory stays bounded, and the others go on."""

import contextlib
import select
import sqlite3
import ssl
from collections.abc import Iterator

import pytest

from tests.e2e.servers import LIMIT, UNHURRIED, MakePlace, Place, Server, running
from tests.e2e.wires import Chatter, crowd, texts

MIB = 1024 * 1024
OUTBOX = 64 * 1024


@pytest.fixture(scope="module")
def server(make_place: MakePlace) -> Iterator[Server]:
    """One that lets little wait for each client."""
    with running(make_place(), "--guests", config=f"{UNHURRIED}outbox = {OUTBOX}\n") as one:
        yield one


def push(wire: Chatter, data: bytes, most: int, patience: float) -> int:
    """Send this again and again until the server takes no more for so many seconds, or has taken all; how many bytes.

    Too little patience can only hide a defect, and never make one up.
    """
    wire.sock.setblocking(False)
    sent = 0
    while sent < most:
        try:
            sent += wire.sock.send(data)
        except ssl.SSLWantWriteError:
            if not select.select([], [wire.sock], [], patience)[1]:
                break
    wire.sock.settimeout(LIMIT)
    return sent


def test_who_never_reads_is_ended_and_the_others_go_on(server: Server) -> None:
    """Ten megabytes for each of five who read nothing."""
    deaf_nicks = ("erin", "frank", "grace", "heidi", "ivan")
    size, number = 450, 22_000
    with crowd(server, ["alice", "bob"], "#lobby") as (alice, bob), contextlib.ExitStack() as stack:
        for nick in deaf_nicks:
            chatter = stack.enter_context(Chatter(server, nick, join="#lobby", receive_buffer=4096))
            stack.callback(chatter.sock.close)
        alice.sync()
        bob.sync()
        before = server.memory()
        heard: list[str] = []
        for start in range(0, number, 100):
            alice.send(*(f"PRIVMSG #lobby :{n} {'x' * size}" for n in range(start, start + 100)))
            alice.sync()
            heard += texts(bob.sync())
        assert server.memory() < before + 16 * MIB
        assert [text.partition(" ")[0] for text in heard] == [str(n) for n in range(number)]
        for nick in deaf_nicks:
            assert server.logged("disconnected", nick=nick)["why"] == "outbox full"
        alice.send("NAMES #lobby")
        assert set(alice.expect("353").params[-1].split()) == {"alice", "bob"}


@pytest.mark.parametrize(
    "questions",
    [["NAMES #crowd", "WHO #crowd", "WHOIS asker", "LIST", "LUSERS"], ["MOTD"], ["PING x"], ["NOSUCHCOMMAND"]],
    ids=lambda questions: questions[0],
)
def test_who_asks_and_never_listens(server: Server, questions: list[str]) -> None:
    """Either it is read no further, or it is ended."""
    with crowd(server, ["alice", "bob"], "#crowd") as (alice, bob):
        asker = Chatter(server, f"asker{len(questions[0])}", password=None, receive_buffer=4096)
        before = server.memory()
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            push(asker, "".join(f"{question}\r\n" for question in questions * 500).encode(), 24 * MIB, 1.0)
        assert server.memory() < before + 16 * MIB
        alice.say("#crowd", "as if nothing were")
        bob.expect("PRIVMSG", "#crowd", "as if nothing were")
        asker.sock.close()
        server.logged("disconnected", nick=asker.nick)


def test_many_questions_at_once_are_all_answered(server: Server) -> None:
    """More than may be unanswered at a time, in one write."""
    with Chatter(server, "alice", join="#many") as alice:
        alice.send(*["NAMES #many", "PRIVMSG #many :x", "WHO #many"] * 1000)
        commands = [message.command for message in alice.sync()]
        assert commands == ["353", "366", "PRIVMSG", "352", "315"] * 1000


def test_who_sends_faster_than_the_disk_is_not_read(place: Place) -> None:
    """While nothing can be committed the sender is held back, by TCP."""
    with running(place) as server, crowd(server, ["alice", "bob"], "#lobby") as (alice, bob):
        server.expects_errors = True  # on a slow machine the commit is given up
        before = server.memory()
        with contextlib.closing(sqlite3.connect(place.data.database, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            alice.send("PRIVMSG #lobby :first")
            sent = push(bob, f"PRIVMSG #lobby :{'x' * 400}\r\n".encode(), 32 * MIB, 0.3)
            assert sent < 32 * MIB
            assert server.memory() < before + 8 * MIB
            other.execute("ROLLBACK")
        bob.sock.close()
        assert alice.message().command in ("PRIVMSG", "FAIL")
