"""Invitations in wrong hands: used again, played back, guessed, and taken by many at once."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from securechat.irc.links import JoinLink
from tests.cli.commands import securechat
from tests.e2e.attackers import tap
from tests.e2e.servers import LIMIT, MakePlace, Place, Server, running
from tests.e2e.wires import Chatter, Ended, Wire, trusting

NEW = "xyzzy a new horse"


@pytest.fixture(scope="module")
def server(make_place: MakePlace) -> Iterator[Server]:
    with running(make_place()) as one:
        yield one


def invite(place: Place, *arguments: str) -> JoinLink:
    made = securechat(place.home, "invite", *arguments, "--data", place.data.path)
    assert made.returncode == 0, made.stderr
    return JoinLink.parse(made.stdout.strip())


def accounts(place: Place) -> list[str]:
    listed = securechat(place.home, "user", "list", "--data", place.data.path)
    assert listed.returncode == 0, listed.stderr
    return listed.stdout.split()


def check(server: Server, code: str, home: str = "127.0.0.1") -> str:
    """What the server says of a code to somebody at this address."""
    with (
        socket.create_connection(("127.0.0.1", server.port), LIMIT, source_address=(home, 0)) as sock,
        trusting(server).wrap_socket(sock, server_hostname="localhost") as wrapped,
        wrapped.makefile("rw", newline="\r\n") as lines,
    ):
        lines.write(f"INVITATION CHECK {code}\r\n")
        lines.flush()
        return next(line.split()[3] for line in lines if " INVITATION " in line)


def join(home: Path, link: JoinLink, user: str) -> tuple[int, str]:
    home.mkdir(exist_ok=True)
    done = securechat(home, "join", "-", "--user", user, stdin=link.format(), more={"SECURECHAT_PASSWORD": NEW})
    return done.returncode, done.stderr


def test_a_link_that_is_used_again(server: Server, tmp_path: Path) -> None:
    link = invite(server.place)
    assert join(tmp_path / "first", link, "first")[0] == 0
    status, said = join(tmp_path / "second", link, "second")
    assert status == 14
    assert "was used already" in said
    assert "second" not in accounts(server.place)
    assert not list((tmp_path / "second").rglob("*.json"))


def test_a_recording_that_is_played_back(server: Server, tmp_path: Path) -> None:
    """Byte for byte what somebody's client has sent: to a server with new keys of its own it is noise."""
    with tap(server.port) as network:
        link = invite(server.place, "--port", str(network.port), "--uses", "2")
        assert join(tmp_path / "home", link, "played")[0] == 0
        recordings = [bytes(sent) for sent in network.sent]
    assert len(recordings) == 3  # the first contact, a look at the code, the chat
    for recording in recordings:
        with socket.create_connection(("127.0.0.1", server.port), LIMIT) as sock:
            sock.sendall(recording)
            answer = b""
            while data := sock.recv(65536):
                answer += data
        assert answer.startswith(b"\x16\x03\x03")  # it greets, and that is all
        assert len(answer) < 4000
    server.logged("handshake failed")
    with Wire(server) as wire:
        wire.send("CAP LS 302", f"PASS invite:{link.code}", "NICK again", f"REGISTER * * :{NEW}")
        wire.expect("REGISTER", "SUCCESS", "again")  # one use was left, and is


def test_who_guesses(make_place: MakePlace) -> None:
    """From many connections at once, in both of the ways in which a code can be tried; others don't notice."""
    place = make_place()
    config = "[server]\npassword = 'open sesame'\n[limits]\nmax_connections_per_address = 100\n"
    with running(place, config=config) as server:
        link = invite(place)
        with ExitStack() as stack:
            wires = [stack.enter_context(Wire(server)) for _ in range(20)]
            for _ in range(3):  # as many as everybody has
                wires[0].send(f"INVITATION CHECK {'x' * 22}")
                wires[0].expect("FAIL", "INVITATION", "INVALID_CODE")
            for number, wire in enumerate(wires[1:]):
                checks = [f"INVITATION CHECK {number:021d}{more}" for more in range(9)]
                registers = [f"PASS invite:{number:022d}", f"NICK g{number}", f"REGISTER * * :{NEW}"]
                wire.send("CAP LS 302", *(checks if number % 2 else registers))
            assert check(server, link.code, "127.0.0.2") == "VALID"  # who lives elsewhere does not wait for them
            looked_at = [event for event in server.events if event.get("why") == "wrong"]
            assert 3 <= len(looked_at) < 10  # in a minute there would be nine
            for wire in wires:
                wire.sock.close()
        assert not [name for name in accounts(place) if name.startswith("g") and name != "grace"]


def race(server: Server, code: str, names: list[str], won: Callable[[], None]) -> dict[str, str]:
    """All of them take the code at the same moment: what the server says to each; ``?`` where it says nothing more.
    ``won()`` is called as soon as somebody has it."""
    ready = threading.Barrier(len(names))
    heard: dict[str, str] = {}

    def take(name: str) -> None:
        wire = Wire(server)
        with wire.sock:
            wire.send("CAP LS 302", f"PASS invite:{code}", f"NICK {name}")
            wire.sync()
            ready.wait(LIMIT)
            try:
                wire.send(f"REGISTER * * :{NEW}")
                while (message := wire.message()).command not in ("REGISTER", "FAIL"):
                    pass
            except (Ended, OSError):
                heard[name] = "?"
                return
            heard[name] = message.params[0] if message.command == "REGISTER" else message.params[1]
            if heard[name] == "SUCCESS":
                won()

    threads = [threading.Thread(target=take, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LIMIT)
    return heard


def test_of_many_at_once_one_wins(server: Server) -> None:
    code, names = invite(server.place).code, [f"racer{number}" for number in range(12)]
    heard = race(server, code, names, lambda: None)
    assert sorted(heard.values()) == ["SUCCESS"] + ["USED_CODE"] * 11
    (winner,) = [name for name, word in heard.items() if word == "SUCCESS"]
    assert [name for name in accounts(server.place) if name in names] == [winner]


def test_of_many_at_once_one_wins_though_the_server_is_killed(place: Place) -> None:
    """With the first answer; whoever has not had theirs by then has nothing."""
    with running(place) as server:
        code, names = invite(place).code, [f"racer{number}" for number in range(6)]
        heard = race(server, code, names, server.kill)
    (winner,) = [name for name, word in heard.items() if word == "SUCCESS"]
    with running(place) as server:
        assert check(server, code) == "USED_CODE"
        assert [name for name in accounts(place) if name in names] == [winner]
        with Chatter(server, winner, password=NEW):
            pass
