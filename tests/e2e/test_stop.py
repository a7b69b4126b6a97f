"""The end of a server that is asked to stop: everybody is told, nothing that is queued is lost, the status is 0."""

import contextlib
import signal
import socket
import threading

import pytest

from tests.e2e.connects import connected
from tests.e2e.servers import LIMIT, PEOPLE, UNHURRIED, Place, running
from tests.e2e.stored import logged_texts
from tests.e2e.talkers import Talker, check
from tests.e2e.wires import Chatter, Wire, crowd, dial, parsed, texts

GOODBYE = "Closing link: The server is stopping"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_clients_are_told(place: Place, number: int) -> None:
    with running(place) as server, crowd(server, ["alice", "bob"], "#lobby") as (alice, bob), Wire(server) as nobody:
        alice.say("#lobby", "the last word")
        server.process.send_signal(number)
        for wire in (alice, bob, nobody):
            *_, last = wire.to_end()
            assert (last.command, last.params) == ("ERROR", [GOODBYE])
            wire.sock.close()
        assert server.wait() == 0
        assert server.events[-1]["event"] == "stopped"
        assert texts(parsed(bob.lines)) == ["the last word"]
    assert logged_texts(place) == ["the last word"]
    assert not place.data.control_socket.exists()


def test_what_is_queued_is_written_first(place: Place) -> None:
    """More than the system takes for somebody who does not read; they read when the server has been told to stop."""
    number, size = 10_000, 450
    with (
        running(place, config=f"{UNHURRIED}outbox = {16 * 1024 * 1024}\n") as server,
        Chatter(server, "bob", join="#lobby", receive_buffer=4096) as bob,
        Chatter(server, "alice", join="#lobby", capabilities=[]) as alice,
    ):
        alice.send(*(f"PRIVMSG #lobby :{n} {'x' * size}" for n in range(number)))
        alice.sync()
        server.process.send_signal(signal.SIGTERM)
        bob.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024 * 1024)
        *messages, last = bob.to_end()
        bob.sock.close()
        assert [text.partition(" ")[0] for text in texts(messages)] == [str(n) for n in range(number)]
        assert last.params == [GOODBYE]
        alice.to_end()
        alice.sock.close()
        assert server.wait() == 0


def test_while_people_talk(place: Place) -> None:
    """What was acknowledged is there; nothing goes wrong behind the scenes (`running` looks into the log)."""
    enough = threading.Semaphore(0)
    with running(place) as server, contextlib.ExitStack() as stack:
        talkers = [Talker(chatter, enough) for chatter in stack.enter_context(crowd(server, PEOPLE[:6], "#lobby"))]
        for _ in range(300):
            assert enough.acquire(timeout=LIMIT)
        server.process.send_signal(signal.SIGTERM)
        for talker in talkers:
            talker.thread.join()
            assert talker.chatter.lines[-1] == f"ERROR :{GOODBYE}"
            talker.chatter.sock.close()
        assert server.wait() == 0
        check(talkers, logged_texts(place))


def test_who_is_in_the_middle_of_a_handshake_does_not_hold_it_up(place: Place) -> None:
    config = "[limits]\nhandshake_timeout = 3600\nregistration_timeout = 3600\n"
    with running(place, config=config) as server, dial(server) as idle:
        idle.sendall(b"\x16")
        with Chatter(server, "alice"):  # who came later, and has been served
            pass
        assert server.stop() == 0
        assert "clients did not end in time" not in [event["event"] for event in server.events]
        assert idle.recv(1) == b""


def test_connect_says_what_the_server_said(place: Place) -> None:
    with running(place) as server, connected(server, "alice", "--no-reconnect") as alice:
        assert server.stop() == 0
        assert alice.process.wait(LIMIT) == 11
        assert "The server is stopping" in alice.err.rest()[-1]
