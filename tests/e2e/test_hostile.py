"""Peers who don't speak TLS, or say what nobody should: it costs them, and nobody else, and the log has no errors."""

import contextlib
import random
import socket
import ssl
import struct
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from securechat.server.commands import registry
from tests.e2e.servers import LIMIT, Place, Server, running
from tests.e2e.wires import Chatter, Ended, Wire, dial, texts, trusting


@pytest.fixture(scope="module")
def bystander(server: Server) -> Iterator[Chatter]:
    """Somebody who is there all the time, and should notice nothing."""
    with Chatter(server, "bob", join="#quiet") as bob:
        yield bob


@pytest.fixture(autouse=True)
def unharmed(server: Server, bystander: Chatter) -> Iterator[None]:
    yield
    assert bystander.sync() == []
    assert server.errors() == []


# -- TLS --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "data",
    [b"NICK alice\r\nUSER a 0 * :a\r\n", b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", b"SSH-2.0-x\r\n", bytes(5000)],
    ids=["irc", "http", "ssh", "zeros"],
)
def test_something_that_is_not_tls(server: Server, data: bytes) -> None:
    with dial(server) as sock:
        sock.sendall(data)
        answer = b"".join(iter(lambda: received(sock), b""))
        assert b"securechat" not in answer
    server.logged("handshake failed", why="the client does not speak TLS")


def received(sock: socket.socket) -> bytes:
    try:
        return sock.recv(65536)
    except ConnectionError:
        return b""


def test_random_bytes_instead_of_tls(server: Server) -> None:
    luck = random.Random(1)
    for size in (1, 5, 6, 100, 20_000):
        with dial(server) as sock, contextlib.suppress(OSError):  # a socket that was reset can't be shut down
            sock.sendall(luck.randbytes(size))
            sock.shutdown(socket.SHUT_WR)
            while received(sock):
                pass


def test_tls_1_2(server: Server) -> None:
    context = trusting(server)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with dial(server) as sock, pytest.raises(ssl.SSLError, match=r"(?i)protocol.version"):
        context.wrap_socket(sock, server_hostname="localhost")
    server.logged("handshake failed", why="the client does not speak TLS 1.3")


def test_who_connects_and_says_nothing_holds_nobody_up(server: Server) -> None:
    with contextlib.ExitStack() as stack:
        idle = [stack.enter_context(dial(server)) for _ in range(50)]
        idle[0].sendall(b"\x16\x03\x01")
        with Chatter(server, "alice", join="#lobby") as alice:
            alice.say("#lobby", "I am through")


def test_a_record_that_is_broken_in_the_middle(server: Server) -> None:
    alice = Chatter(server, "alice", join="#lobby")
    with Chatter(server, "carol", join="#lobby") as carol:
        with socket.socket(fileno=alice.sock.detach()) as raw:
            raw.settimeout(LIMIT)
            raw.sendall(b"\x17\x03\x03\x00\x20" + bytes(32))
            while received(raw):
                pass
        carol.expect("QUIT")


def test_somebody_vanishes(server: Server) -> None:
    """With a reset, in the middle of a line."""
    with Chatter(server, "carol", join="#lobby") as carol, Chatter(server, "alice", join="#lobby") as alice:
        alice.send_bytes(b"PRIVMSG #lobby :unfin")
        alice.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        alice.sock.close()
        carol.expect("QUIT")
        assert "unfin" not in "".join(carol.lines)


def test_nothing_is_left_of_those_who_have_gone(server: Server, bystander: Chatter) -> None:
    """No descriptor and no thread, however they went."""
    process, database = Path(f"/proc/{server.process.pid}"), server.place.data.database

    def held() -> list[int]:
        # SQLite keeps the database's descriptors when connections are closed, and takes them for the next ones.
        descriptors = 0
        for descriptor in (process / "fd").iterdir():
            with contextlib.suppress(FileNotFoundError):  # closed meanwhile
                descriptors += descriptor.readlink() != database
        return [descriptors, len(list((process / "task").iterdir()))]

    bystander.sync()
    before = held()
    for _ in range(10):
        with dial(server) as sock:
            sock.sendall(b"GET / HTTP/1.0\r\n\r\n")
        with dial(server):
            pass
        with Wire(server):
            pass
        with Chatter(server, "mallory", password=None, join="#lobby") as rude:
            rude.sock.close()
        with Chatter(server, "alice", join="#lobby"):
            pass
    deadline = time.monotonic() + LIMIT
    while any(now > then for now, then in zip(held(), before, strict=True)):
        assert time.monotonic() < deadline, f"{before} descriptors and threads have become {held()}"
        bystander.sync()


# -- lines ------------------------------------------------------------------------------------------------------------

NONSENSE = [
    b"\0",
    b"\xff\xfe",
    b"PRIVMSG #lobby :\xff\xfe",
    b":",
    b": :",
    b"@",
    b"@ ",
    b"@a",
    b"@=;=;; :x PING",
    b"@" + b"a;" * 10_000 + b" PING x",
    b"@" + b"a;" * 2_000 + b" PING x",
    b"@label=" + b"x" * 4000 + b" PING x",
    b"@label= PING x",
    b"@label=x",
    b"@label=x \xff",
    b"@a=" + b"\\" * 3000 + b" PING x",
    b"@+" + b"b" * 3000 + b" TAGMSG #lobby",
    b"x" * 100_000,
    b"PING " + b"x" * 100_000,
    b"PING :" + b"x" * 504,
    b"PING" + b" a" * 250,
    b"PING",
    b"001 x :y",
    b"\x01\x02\x03",
    "ΩΩΩ x".encode(),
    b"NICK " + b"x" * 500,
    b"NICK :",
    b"NICK \x00",
    b"USER",
    b"USER : : : :",
    b"PASS",
    b"PASS :",
    b"CAP",
    b"CAP REQ",
    b"CAP REQ :",
    b"CAP REQ :" + b"sasl " * 90,
    b"CAP REQ :" + b"x" * 490,
    b"CAP LS 99999999999999999999999",
    "CAP LS ²".encode(),
    b"CAP NONSENSE",
    b"CAP LIST",
    b"AUTHENTICATE",
    b"AUTHENTICATE *",
    b"AUTHENTICATE PLAIN",
    b"AUTHENTICATE !!!!",
    b"AUTHENTICATE PLAIN",
    b"AUTHENTICATE " + b"A" * 400,
    b"AUTHENTICATE +",
    b"AUTHENTICATE PLAIN",
    b"AUTHENTICATE AP8A/wA=",
    b"AUTHENTICATE GSSAPI",
    b"JOIN",
    b"JOIN :",
    b"JOIN #" + b"x" * 400,
    b"JOIN " + b"#," * 200,
    b"JOIN 0",
    b"JOIN #\x07bell,,,#\xc2\xa0",
    b"PART #lobby,#nowhere,x",
    b"TOPIC",
    b"TOPIC #lobby :" + "é".encode() * 200,
    b"NAMES",
    b"NAMES " + b"#," * 200,
    b"LIST >1,<3,*",
    b"WHO",
    b"WHO " + b"*?" * 200,
    b"WHOIS",
    b"WHOIS ,,,,,",
    b"WHOIS x y z",
    b"MODE",
    b"MODE #lobby +" + b"b" * 400,
    "MODE #lobby +☃-☃".encode(),
    b"MODE bob +o",
    b"PRIVMSG",
    b"PRIVMSG :",
    b"PRIVMSG #lobby",
    b"PRIVMSG #lobby :",
    b"PRIVMSG " + b"," * 400 + b" :x",
    b"PRIVMSG a,b,c,d,e,f :x",
    b"PRIVMSG #lobby :" + b"x" * 494,
    b"NOTICE",
    b"NOTICE nobody-at-all :x",
    b"TAGMSG",
    b"TAGMSG nobody-at-all",
    b"PONG",
    b"PONG :kept-0",
    b"LUSERS x y",
    b"MOTD nowhere",
    b"ERROR :x",
    b"BATCH +x labeled-response",
    b"FAIL * X :y",
    b"\r\r\n\n\r",
]


@pytest.mark.parametrize("registered", [False, True], ids=["before registration", "after"])
def test_nonsense_is_answered_and_nothing_else(server: Server, registered: bool) -> None:
    """All of it on one connection, and after each line the server still answers."""
    with Chatter(server, "mallory", password=None, join="#lobby") if registered else Wire(server) as wire:
        for line in NONSENSE:
            wire.send_bytes(line + b"\r\n")
            wire.sync()


words = st.sampled_from(sorted(registry)).map(str.encode) | st.binary(max_size=20)
targets = st.sampled_from([b"#lobby", b"#quiet", b"bob", b"alice", b"mallory", b"0", b"*", b"", b"#" + b"x" * 70])
parameters = targets | st.binary(max_size=30) | st.text(max_size=30).map(str.encode)
tags = st.just(b"") | st.binary(max_size=30).map(lambda data: b"@" + data + b" ") | st.just(b"@label=x ")
lines = st.builds(lambda t, w, p: t + b" ".join([w, *p]), tags, words, st.lists(parameters, max_size=5))


def harmless(line: bytes) -> bool:
    """Whether the bystander can't notice: it is said to nobody, and in no channel of theirs."""
    return b"bob" not in line.lower() and b"#quiet" not in line.lower()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(registered=st.booleans(), said=st.lists(lines.filter(harmless) | st.binary(max_size=200), max_size=12))
def test_whatever_is_said(server: Server, registered: bool, said: list[bytes]) -> None:
    """Each line is answered or ends the connection."""
    with Chatter(server, "mallory", password=None) if registered else Wire(server) as wire:
        try:
            wire.send_bytes(b"\r\n".join([*said, b""]))
            wire.sync()
        except (Ended, ConnectionError):
            wire.sock.close()


def test_a_line_in_pieces(server: Server) -> None:
    """Wherever it is cut."""
    with Chatter(server, "alice", join="#lobby") as alice, Chatter(server, "carol", join="#lobby") as carol:
        for byte in "PRIVMSG #lobby :piece by piece ☃\r".encode():
            alice.send_bytes(bytes([byte]))
        alice.send_bytes(b"\nPRIVMSG #lobby :wh")
        alice.expect("PRIVMSG", "#lobby", "piece by piece ☃")
        carol.sync()
        alice.send_bytes(b"ole\r\n")
        alice.expect("PRIVMSG", "#lobby", "whole")
        assert texts(carol.sync())[-1] == "whole"


def test_a_line_that_never_ends(server: Server) -> None:
    """It is told once, takes no memory, and what follows its end counts again."""
    with Chatter(server, "alice", join="#lobby") as alice:
        before = server.memory()
        for _ in range(64):
            alice.send_bytes(b"x" * 65536)
        alice.send_bytes(b"\r\n")
        assert [message.command for message in alice.sync()] == ["417"]
        assert server.memory() < before + 4 * 1024 * 1024


# -- descriptors ------------------------------------------------------------------------------------------------------


def test_who_could_not_be_taken_does_not_count(place: Place) -> None:
    """A connection for which there is no second descriptor is closed, and its address has as many left as before."""
    with running(place, config="[limits]\nmax_connections_per_address = 2\n") as server:
        server.expects_errors = True
        with server.no_descriptors_but(1):
            for _ in range(2):
                with dial(server) as sock:
                    assert received(sock) == b""
        server.logged("a connection could not be taken")
        with dial(server) as sock:
            assert received(sock) == b""
        refused = server.logged("connection refused")
        assert refused["why"] == "Too many new connections from your address, wait a minute"  # and not: at a time
