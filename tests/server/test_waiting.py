"""Waiting for a hash: what clients are told, that it costs them nothing, and that who goes leaves the line."""

import os
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from securechat.irc.message import Message
from securechat.server import hashing
from securechat.server.config import Limits, OperatorConfig
from securechat.server.control import ControlClient, OperatorFailed
from securechat.store import gate
from securechat.store.datadir import DataDir
from tests.server.logins import Hashes
from tests.server.wire import LIMIT, NAME, Client, House, Opener, commands, plain, running


class Line:
    """The line in front of the hashes of a server: who gets in waits until it is opened."""

    def __init__(self, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
        self.house = house
        self._arrived = threading.Semaphore(0)
        self._turns = ExitStack()
        wait = hashing._Line.wait
        known = set[hashing._Line]()

        def told(line: hashing._Line, before: int) -> None:
            if line not in known:  # its ticket is in the line by now
                known.add(line)
                self._arrived.release()
            wait(line, before)

        monkeypatch.setattr(hashing._Line, "wait", told)

    @contextmanager
    def closed(self) -> Iterator[None]:
        """Nobody gets through."""
        with ExitStack() as turns:
            for _ in range(os.cpu_count() or 1):
                turns.enter_context(self.house.hub.hasher.turn())
            yield

    def expect(self, number: int) -> None:
        """Wait until so many more stand in it."""
        for _ in range(number):
            assert self._arrived.acquire(timeout=LIMIT)


@pytest.fixture
def house(certs: Path, tmp_path: Path) -> Iterator[House]:
    """A server on which nobody may take long over anything."""
    limits = Limits(throttle=False, registration_timeout=2.0, ping_interval=0.5, ping_timeout=0.5)
    operators = {"helen": OperatorConfig("$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHRzb21lc2FsdA$" + "A" * 42 + "E")}
    with running(certs, tmp_path, limits=limits, operators=operators, registration=True) as one:
        yield one


@pytest.fixture
def line(house: House, monkeypatch: pytest.MonkeyPatch) -> Line:
    """Its line; it is told every moment."""
    monkeypatch.setattr(hashing, "WAITING_SECONDS", 0.05)
    return Line(house, monkeypatch)


def waiter(opened: Opener, name: str, *caps: str, address: str = "127.0.0.1") -> Client:
    """A client that logs in, and comes if that is right."""
    client = opened.house.enter(Client(opened.house, address=address))
    client.send("CAP LS 302", f"CAP REQ :sasl {' '.join(caps)}", f"NICK {name}", "USER u 0 * :r")
    client.send("AUTHENTICATE PLAIN", f"AUTHENTICATE {plain(name)}", "CAP END")
    return client


def waiting(client: Client) -> Message:
    return client.expect("NOTE", "AUTHENTICATE", "WAITING")


def test_clients_are_told(opened: Opener, line: Line) -> None:
    with line.closed():
        clients = []
        for name in ("alice", "Bob", "carol"):
            clients.append(waiter(opened, name, "standard-replies"))
            line.expect(1)
        for number, client in enumerate(clients):
            told = waiting(client)
            assert told.source == NAME
            assert told.params[2] == str(number)
            assert told.params[3] == "Passwords are looked at one after the other; so many come before yours"
    for client in clients:
        client.expect("903")
        client.expect("001")


def test_addresses_take_turns(opened: Opener, line: Line) -> None:
    """Many that guess from elsewhere hold up one who comes home for one password, and not for all of theirs."""
    with line.closed():
        guessers = []
        for _ in range(4):
            guessers.append(waiter(opened, "alice", "standard-replies", address="127.0.0.2"))
            line.expect(1)
        bob = waiter(opened, "Bob", "standard-replies")
        line.expect(1)
        assert waiting(bob).params[2] == "1"
    for client in (*guessers, bob):
        client.expect("001")


def test_who_knows_no_standard_replies_is_told_nothing(opened: Opener, line: Line) -> None:
    with line.closed():
        silent, talkative = waiter(opened, "alice"), waiter(opened, "Bob", "standard-replies")
        line.expect(2)
        for _ in range(3):
            waiting(talkative)
    silent.expect("001")
    assert not any(" NOTE " in text for text in silent.lines)


def test_it_counts_for_no_deadline(opened: Opener, line: Line) -> None:
    """Neither for that of the registration, nor for the silence of who is on the chat."""
    there = opened("carol", "standard-replies", "sasl", account="carol")
    with line.closed():
        client = waiter(opened, "alice", "standard-replies")
        there.send("AUTHENTICATE PLAIN", f"AUTHENTICATE {plain('dave')}")
        line.expect(2)
        for _ in range(50):  # 2.5 seconds
            waiting(client)
            waiting(there)
    client.expect("001")
    there.expect("903")
    assert there.sync() is not None


def test_other_hashes_wait_in_the_same_line(opened: Opener, line: Line) -> None:
    """Of OPER, and of new passwords."""
    oper, new = opened(None, "standard-replies"), opened(None, "standard-replies", "draft/account-registration")
    with line.closed():
        oper.send("OPER helen :no")
        line.expect(1)
        new.send("REGISTER * * :a good new password")
        line.expect(1)
        assert oper.expect("NOTE", "OPER", "WAITING").params[2] == "0"
        assert new.expect("NOTE", "REGISTER", "WAITING").params[2] == "1"
    oper.expect("464")
    new.expect("REGISTER", "SUCCESS")


def gone(house: House, client: Client) -> None:
    """End a connection without a word, and wait until the server has ended its session."""
    threads = set(house.hub.threads())
    client._sock.close()
    for thread in threads:
        thread.join(LIMIT)
        if not thread.is_alive():
            return
    raise AssertionError("no session has ended")


def test_who_goes_leaves_the_line(house: House, opened: Opener, line: Line) -> None:
    with line.closed():
        client = waiter(opened, "alice")
        line.expect(1)
        gone(house, client)
        assert house.hub.hasher.waiting() == 0
        last = waiter(opened, "Bob", "standard-replies")
        assert waiting(last).params[2] == "0"
    last.expect("001")


def test_nothing_is_hashed_for_who_has_gone(
    house: House, opened: Opener, line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also if it is seen only when its turn has come."""
    monkeypatch.setattr(hashing, "WAITING_SECONDS", 60.0)
    hashes = Hashes(house, monkeypatch)
    with line.closed():
        client = waiter(opened, "alice")
        line.expect(1)
        session = next(iter(house.hub.all_sessions()))
        threads = house.hub.threads()
        client._sock.close()
        while session in house.hub.all_sessions() and not session.link.hung_up():
            pass  # where its thread has seen it before, the link is closed, and tells nothing any more
    for thread in threads:
        thread.join(LIMIT)
        assert not thread.is_alive()
    assert hashes.number == 0
    assert waiter(opened, "alice").expect("001").params[0] == "alice"
    assert hashes.number == 1


def test_who_is_sent_away_leaves_the_line(house: House, opened: Opener, line: Line) -> None:
    with line.closed():
        client = waiter(opened, "alice")
        line.expect(1)
        next(iter(house.hub.all_sessions())).end("for a test")
        assert client.to_end()[-1].params == ["Closing link: for a test"]
        assert house.hub.hasher.waiting() == 0


def test_a_stop_sends_all_home(certs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with ExitStack() as stack:
        house = stack.enter_context(running(certs, tmp_path))
        line = Line(house, monkeypatch)
        stack.enter_context(line.closed())
        opened = Opener(house)
        clients = [waiter(opened, "alice") for _ in range(5)]
        line.expect(5)
        house.hub.hasher.close()
        for client in clients:
            assert client.to_end()[-1].params == ["Closing link: The server is stopping"]


def test_a_stop_does_not_wait_for_the_operators_turn(
    certs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who sets a password from the command line stands in the line as well."""
    said = []
    in_line = threading.Event()
    wait = gate._Patient.wait

    def told(patient: gate._Patient, before: int) -> None:
        in_line.set()
        wait(patient, before)

    monkeypatch.setattr(gate._Patient, "wait", told)

    def ask(client: ControlClient) -> None:
        try:
            client.set_password("alice", "a whole new horse")
        except OperatorFailed as failed:
            said.append(str(failed))

    with running(certs, tmp_path) as house, Line(house, monkeypatch).closed():
        operator = threading.Thread(target=ask, args=(ControlClient(DataDir(tmp_path / "data").control_socket),))
        operator.start()
        assert in_line.wait(LIMIT)
        stopping = threading.Thread(target=house.server.stop)
        stopping.start()
        operator.join(LIMIT)
        house.hub.hasher.close()  # so that the test ends in any case
        stopping.join(LIMIT)
        assert said == ["Nothing was changed, because the server is stopping"]
        monkeypatch.setattr(house.server, "stop", lambda: None)


def test_many_that_come_back_to_a_new_server(certs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """More accounts from one address, all at once, than guessers may try at a time; and nobody is taken for one."""
    number = 130
    limits = Limits(max_connections_per_address=number)
    with running(certs, tmp_path, limits=limits) as house:
        line = Line(house, monkeypatch)
        opened = Opener(house)
        names = [f"user{index}" for index in range(number)]
        for name in names:
            house.add_account(name)
        with line.closed():
            clients = [waiter(opened, name) for name in names]
            line.expect(number)
            assert house.hub.hasher.waiting() == number
        for name, client in zip(names, clients, strict=True):
            assert client.expect("001").params[0] == name
            assert "904" not in commands(map(Message.parse, client.lines))
