"""Clients at their worst, where a test has to see or to hold something inside the server."""

import socket
import struct
import threading
from pathlib import Path

import pytest

from securechat.irc.message import Message
from securechat.server import replay
from securechat.server.config import Limits
from securechat.server.reader import MAX_PENDING, Reader
from securechat.server.session import Session
from securechat.server.throttle import TokenBucket
from securechat.store.journal import BATCH, Entry, Journal
from tests.server.wire import LIMIT, Client, House, Opener, commands, plain, running


def reset(client: Client) -> None:
    """End its connection as a crash of its machine does."""
    with socket.socket(fileno=client._sock.detach()) as raw:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def test_who_hangs_up_while_a_login_waits_is_gone_at_once(
    certs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its thread does not look at the dead connection again and again until the time is over."""
    pausing, paused = threading.Event(), threading.Event()
    outcomes: list[bool] = []
    pause = Session.pause

    def watched(session: Session, seconds: float) -> bool:
        pausing.set()
        outcomes.append(pause(session, seconds))
        paused.set()
        return outcomes[-1]

    monkeypatch.setattr(Session, "pause", watched)
    with running(certs, tmp_path, limits=Limits(throttle=True)) as house:
        client = house.enter(Client(house))
        client.send("CAP REQ :sasl")
        for _ in range(4):
            client.send("AUTHENTICATE PLAIN", f"AUTHENTICATE {plain('alice', 'wrong horse')}")
        assert pausing.wait(LIMIT)
        reset(client)
        assert paused.wait(LIMIT)
    assert outcomes == [False]


def test_the_turn_is_not_lost_with_a_session_that_goes(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its line heads the queue when the turn passes on, its connection is gone, and somebody waits behind it."""
    puts, leaving = threading.Semaphore(0), threading.Event()
    put, leave = Journal.put, Reader._leave

    def counted(journal: Journal, entry: Entry) -> None:
        put(journal, entry)
        puts.release()

    def watched(reader: Reader, reason: str) -> None:
        leaving.set()
        leave(reader, reason)

    waiting = house.enter(Client(house)).register()
    going = house.enter(Client(house))
    held, release = threading.Event(), threading.Event()

    def hold(_: object) -> None:
        held.set()
        assert release.wait(LIMIT)
        threading.Event().wait(0.11)  # longer than a turn may be: it passes on behind this

    holder = threading.Thread(target=house.ask, args=(hold,))
    monkeypatch.setattr(Journal, "put", counted)
    monkeypatch.setattr(Reader, "_leave", watched)
    holder.start()
    try:
        assert held.wait(LIMIT)
        going.send("PRIVMSG x :y")  # it is not registered, and its refusal has its place in the order
        waiting_line = "PRIVMSG nobody-at-all :z"
        assert puts.acquire(timeout=LIMIT)
        assert puts.acquire(timeout=LIMIT)
        reset(going)
        assert leaving.wait(LIMIT)
        waiting.send(waiting_line)
        assert puts.acquire(timeout=LIMIT)
    finally:
        release.set()
        holder.join(LIMIT)
    waiting.expect("401", waiting.nick, "nobody-at-all")
    house.everybody_out()


def test_a_line_counts_for_what_it_asks(certs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many channels the lines name, a session has not much more in the journal than it may."""
    most = 0
    put = Journal.put

    def measured(journal: Journal, entry: Entry) -> None:
        nonlocal most
        put(journal, entry)
        most = max(most, sum(max(len(one.requests), 1) for one in journal._queue))

    channels = ",".join(f"#{number}" for number in range(100))
    with running(certs, tmp_path) as house:
        monkeypatch.setattr(Journal, "put", measured)
        client = house.enter(Client(house)).register()
        client.send(*[f"JOIN {channels}", f"PART {channels}"] * 10)
        client.sync()
    assert most < MAX_PENDING + 100


def test_a_batch_is_bounded_by_its_requests() -> None:
    class Nobody:
        def wake(self) -> None: ...

    entry = Entry(Nobody(), [None] * 100)  # type: ignore[list-item]
    journal = Journal(None, None, None, lambda batch: None, lambda what, error: None)  # type: ignore[arg-type]
    for _ in range(100):
        journal.put(entry)
    assert len(journal._take()) == BATCH // 100 + 1


@pytest.mark.parametrize("line", ["NAMES #lobby", "WHO #lobby", "LIST"])
def test_much_is_asked_only_when_the_last_answer_was_taken(
    house: House, opened: Opener, monkeypatch: pytest.MonkeyPatch, line: str
) -> None:
    """Each answer may hold a copy of what was asked for: a client that reads none gets no second."""
    client = opened()
    taken = iter([False] * 3)
    events: list[str] = []
    put = Journal.put

    def watched(journal: Journal, entry: Entry) -> None:
        events.append("put")
        put(journal, entry)

    def not_yet(reader: Reader) -> bool:
        """As if the socket were full for a while."""
        reader._session.link.wake()
        events.append("looked")
        return next(taken, True)

    monkeypatch.setattr(Journal, "put", watched)
    monkeypatch.setattr(Reader, "_has_taken_answers", not_yet)
    client.send(line)
    client.sync()
    assert events == ["looked"] * 4 + ["put"]


@pytest.mark.parametrize("line", ["JOIN #a,#b,#c,#d", "PRIVMSG #a,#b,#c,#d :x"])
def test_a_line_costs_as_many_tokens_as_it_has_targets(
    certs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str
) -> None:
    charged: list[float] = []
    charge = TokenBucket.charge

    def watched(bucket: TokenBucket, now: float, tokens: float) -> float:
        charged.append(tokens)
        return charge(bucket, now, tokens)

    with running(certs, tmp_path, limits=Limits(throttle=True)) as house:
        client = house.enter(Client(house)).register()
        monkeypatch.setattr(TokenBucket, "charge", watched)
        client.send(line)
        client.sync()
    assert 3 in charged


def test_more_is_kept_than_is_read_at_once(house: House, opened: Opener) -> None:
    """All of it is shown, in order, with one PING behind it."""
    number = 2 * replay.PAGE + 1
    sender = opened(account="carol")
    sender.send(*(f"PRIVMSG dave :{count}" for count in range(number)))
    assert len([m for m in sender.sync() if m.command == "301"]) == number
    dave = opened.stranger()
    dave.send("CAP REQ :sasl", "AUTHENTICATE PLAIN", f"AUTHENTICATE {plain('dave')}")
    dave.send("NICK dave", "USER dave 0 * :dave", "CAP END")
    ping = dave.expect("PING")
    said = [m for m in map(Message.parse, dave.lines) if m.command == "PRIVMSG"]
    assert [m.params[1] for m in said] == [str(count) for count in range(number)]
    dave.send(f"PONG :{ping.params[0]}")
    assert dave.sync() == []


def test_only_so_much_is_kept(certs: Path, tmp_path: Path) -> None:
    """Of which guests can't take all."""
    with running(certs, tmp_path, limits=Limits(throttle=False, held_per_account=20)) as house:
        guest, carol = house.enter(Client(house)).register(), house.enter(Client(house)).register(account="carol")
        for sender, kept in ((guest, 2), (carol, 18)):
            answered = commands(sender.ask(*["PRIVMSG dave :are you there?"] * (kept + 1)))
            assert answered == ["301"] * kept + ["FAIL"]
        house.everybody_out()


def test_who_sends_what_is_no_line_is_sent_away(opened: Opener) -> None:
    """A few mistakes are answered; a flood of them would take a thousand times the memory that it was."""
    patient, flood = opened.pair("#calm")
    patient.send_bytes(b"\xff\n" * 40)
    assert commands(patient.sync()) == ["FAIL"] * 40
    flood.send_bytes(b"\xff\n" * 4000)
    assert "Too much that is not IRC" in flood.to_end()[-1].params[0]
    assert patient.sync()[-1].command == "QUIT"


def test_an_account_has_only_so_many_connections(certs: Path, tmp_path: Path) -> None:
    with running(certs, tmp_path, limits=Limits(throttle=False, sessions_per_user=2)) as house:
        for _ in range(2):
            house.enter(Client(house)).register(account="alice")
        third = house.enter(Client(house))
        third.send("CAP REQ :sasl", "AUTHENTICATE PLAIN", f"AUTHENTICATE {plain('alice')}")
        third.send("NICK alice", "USER a 0 * :A", "CAP END")
        assert third.to_end()[-1].params == ["Closing link: Too many connections of your account"]
        house.everybody_out()
