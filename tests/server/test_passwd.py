"""PASSWD: a new password for one's own account."""

import logging
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from securechat.chat.events import Event
from securechat.chat.model import Account
from securechat.chat.requests import SetPassword
from securechat.irc.message import Message
from securechat.irc.pieces import pieces
from securechat.irc.sasl import chunks
from securechat.server.config import Limits
from securechat.server.hashing import MAX_DELAY
from securechat.store.database import Database, NotStored
from securechat.store.passwords import Hasher, Parameters
from securechat.store.rows import is_stored
from tests.server.wire import NAME, PASSWORD, Client, House, Opener, commands, plain, running

CHEAP = Parameters(memory=8, passes=1)
HASHER = Hasher(CHEAP)
NEW = "a-whole-new-horse"
OLD = "the-horse-of-before"


@pytest.fixture(autouse=True)
def as_it_was(house: House) -> Iterator[None]:
    """Hashes that cost nothing; and alice has a password that can be written without Base64."""
    house.hub.hasher = Hasher(CHEAP)
    house.do(SetPassword("alice", HASHER.hash(OLD)))
    yield
    house.do(SetPassword("alice", HASHER.hash(OLD)))


@pytest.fixture
def alice(opened: Opener) -> Client:
    return logged_in(opened.stranger())


def logged_in(client: Client, password: str = OLD, *caps: str) -> Client:
    client.send("CAP LS 302", f"CAP REQ :{' '.join(('sasl', *caps))}", "NICK alice", "USER u 0 * :r")
    client.send("AUTHENTICATE PLAIN", f"AUTHENTICATE {plain('alice', password)}", "CAP END")
    client.expect("001")
    client.sync()
    return client


def lets_in(opened: Opener, password: str) -> bool:
    client = opened.stranger()
    client.ask("CAP REQ :sasl")
    response = chunks(f"\0alice\0{password}".encode())
    return "903" in commands(client.ask("AUTHENTICATE PLAIN", *(f"AUTHENTICATE {chunk}" for chunk in response)))


def told(messages: Sequence[Message]) -> list[str]:
    """The verb and code of the one standard reply that there is, which tells nothing of passwords."""
    (message,) = messages
    verb, command, code, description = [message.command, *message.params]
    assert (message.source, command) == (NAME, "PASSWD")
    assert "horse" not in description
    return [verb, code]


def in_pieces(old: str, new: str) -> list[str]:
    return [f"PASSWD {piece}" for piece in pieces(f"{old}\0{new}".encode())]


def account(house: House) -> Account:
    return house.hub.chat.accounts["alice"]


def test_the_password_is_changed(opened: Opener, alice: Client) -> None:
    """Who has changed it stays; all others of the account have to log in again, also who is about to arrive."""
    phone, early = logged_in(opened.stranger()), opened.stranger()
    early.ask("CAP REQ :sasl", "AUTHENTICATE PLAIN", f"AUTHENTICATE {plain('alice', OLD)}")
    assert told(alice.ask(f"PASSWD {OLD} {NEW}")) == ["NOTE", "CHANGED"]
    assert phone.to_end()[-1].params == ["Closing link: The password was changed"]
    early.send("NICK alice", "USER u 0 * :r", "CAP END")
    assert commands(early.to_end())[-1] == "ERROR"
    assert not lets_in(opened, OLD)
    assert lets_in(opened, NEW)
    assert told(alice.ask(f"passwd {NEW} :{OLD}")) == ["NOTE", "CHANGED"]
    assert lets_in(opened, OLD)


def test_the_answer_has_the_label(opened: Opener) -> None:
    client = logged_in(opened.stranger(), OLD, "labeled-response", "batch")
    (answer,) = client.ask(f"@label=it PASSWD {OLD} {NEW}")
    assert answer.tags == {"label": "it"}
    *acks, answer = client.ask(*(f"@label={n} {line}" for n, line in enumerate(in_pieces(NEW, "x" * 800))))
    assert commands(acks) == ["ACK"] * 2
    assert (told([answer]), answer.tags) == (["NOTE", "CHANGED"], {"label": "2"})


@pytest.mark.parametrize("password", ["with spaces in it", ":a colon first", "pässwörter", " " + "é" * 500, "x" * 1024])
def test_passwords_that_are_no_words(opened: Opener, alice: Client, password: str) -> None:
    assert told(alice.ask(*in_pieces(OLD, password))) == ["NOTE", "CHANGED"]
    assert lets_in(opened, password)
    assert told(alice.ask(*in_pieces(password + "x", NEW))) == ["FAIL", "INVALID_CREDENTIALS"]
    assert told(alice.ask(*in_pieces(password, NEW))) == ["NOTE", "CHANGED"]


@pytest.mark.parametrize("old", ["wrong-horse", OLD.upper(), OLD + "x", NEW, "x"])
def test_the_old_one_is_asked_for(opened: Opener, alice: Client, old: str) -> None:
    assert told(alice.ask(f"PASSWD {old} {NEW}")) == ["FAIL", "INVALID_CREDENTIALS"]
    assert told(alice.ask(*in_pieces("", NEW))) == ["FAIL", "INVALID_CREDENTIALS"]
    assert lets_in(opened, OLD)
    assert not lets_in(opened, NEW)


@pytest.mark.parametrize(
    ("new", "code"),
    [
        ("short", "WEAK_PASSWORD"),
        ("", "WEAK_PASSWORD"),
        ("ALICE123!", "WEAK_PASSWORD"),
        ("Password2026!", "WEAK_PASSWORD"),
        ("horses\x07and\x1bhorses", "UNACCEPTABLE_PASSWORD"),
    ],
)
def test_the_new_one_must_be_good(opened: Opener, alice: Client, new: str, code: str) -> None:
    """Which is said whether the old one is right or not."""
    for old in (OLD, "wrong-horse"):
        assert told(alice.ask(f"PASSWD {old} :{new}")) == ["FAIL", code]
        assert told(alice.ask(*in_pieces(old, new))) == ["FAIL", code]
    assert lets_in(opened, OLD)


def test_what_is_not_two_passwords(opened: Opener, alice: Client) -> None:
    assert commands(alice.ask("PASSWD")) == ["461"]
    odd = [pieces(data)[0] for data in (b"", b"no separator", b"\xff\0" + NEW.encode(), OLD.encode() + b"\0\xff" * 9)]
    for given in (f"{OLD} {NEW} and more", "!", f":{OLD} {NEW}", "A" * 401, *odd):
        assert told(alice.ask(f"PASSWD {given}")) == ["FAIL", "INVALID_PARAMS"]
    too_long = in_pieces("x" * 1024, "x" * 1025)
    *none, answer = alice.ask(*too_long)
    assert (none, told([answer])) == ([], ["FAIL", "INVALID_PARAMS"])
    assert lets_in(opened, OLD)


@pytest.mark.parametrize("between", ["CERT LIST", f"CERT ADD {'A' * 400}", f"PASSWD {OLD} short"])
def test_another_series_ends_what_is_half_there(alice: Client, between: str) -> None:
    first, *others = in_pieces(OLD, "x" * 700)
    alice.ask(first, between)
    assert told(alice.ask(*others)) == ["FAIL", "INVALID_PARAMS"]


def test_only_accounts_have_one(opened: Opener) -> None:
    stranger, guest = opened.stranger(), opened()
    assert commands(stranger.ask(f"PASSWD {OLD} {NEW}")) == ["451"]
    assert told(guest.ask(f"PASSWD {OLD} {NEW}")) == ["FAIL", "ACCOUNT_REQUIRED"]


def test_nobody_sees_who_comes_for_that_alone(opened: Opener, house: House) -> None:
    """Logging in is enough; and who then arrives all the same does so with the new password."""
    watcher, errand = opened("watcher"), opened.stranger()
    watcher.ask("MONITOR + alice")
    errand.ask("CAP REQ :sasl", "AUTHENTICATE PLAIN", f"AUTHENTICATE {plain('alice', OLD)}")
    assert told(errand.ask(f"PASSWD wrong-horse {NEW}")) == ["FAIL", "INVALID_CREDENTIALS"]
    assert told(errand.ask(f"PASSWD {OLD} {NEW}")) == ["NOTE", "CHANGED"]
    assert told(errand.ask(f"PASSWD {NEW} {OLD}")) == ["NOTE", "CHANGED"]
    assert watcher.ask() == []
    errand.send("NICK alice", "USER u 0 * :r", "CAP END")
    errand.expect("001")


def test_a_login_that_is_out_of_date_changes_nothing(opened: Opener, house: House) -> None:
    late = opened.stranger()
    late.ask("CAP REQ :sasl", "AUTHENTICATE PLAIN", f"AUTHENTICATE {plain('alice', OLD)}")
    house.do(SetPassword("alice", HASHER.hash("of the operator's own")))
    assert told(late.ask(f"PASSWD {OLD} {NEW}")) == ["FAIL", "INVALID_CREDENTIALS"]


def test_who_was_sent_away_meanwhile_does_not_undo_it(
    alice: Client, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The operator gives the account another password while the thief of a session has the old one looked at."""
    theirs = HASHER.hash("of the operator's own")
    hash_in_turn = Hasher.hash_in_turn
    done = threading.Event()

    def late(hasher: Hasher, password: str) -> str:
        if not done.is_set():
            house.do(SetPassword("alice", theirs))
            done.set()
        return hash_in_turn(hasher, password)

    monkeypatch.setattr(Hasher, "hash_in_turn", late)
    alice.send(f"PASSWD {OLD} {NEW}")
    assert "CHANGED" not in str([message.params for message in alice.to_end()])
    assert done.is_set()
    assert account(house).credential == theirs


def test_guesses_are_slowed_down(certs: Path, tmp_path: Path) -> None:
    """As those of who logs in: in the end they are not looked at."""
    with running(certs, tmp_path, limits=Limits(throttle=True)) as house:
        house.hub.hasher = Hasher(CHEAP)
        house.do(SetPassword("alice", HASHER.hash(OLD)))
        opened = Opener(house)
        client = logged_in(opened.stranger())
        for number in range(3):
            assert told(client.ask(f"PASSWD wrong-{number} {NEW}")) == ["FAIL", "INVALID_CREDENTIALS"]
        now = time.monotonic()
        with house.hub.logins.attempt("alice", "127.0.0.1", now) as attempt:
            assert attempt.wait > 0, "they count for logins as well"
        while attempt.wait <= MAX_DELAY:  # as if more were tried, each as early as may be
            now += attempt.wait
            with house.hub.logins.attempt("alice", "127.0.0.1", now) as attempt:
                pass
        assert told(client.ask(f"PASSWD {OLD} {NEW}")) == ["FAIL", "TEMPORARILY_UNAVAILABLE"]
        assert HASHER.verify(OLD, account(house).credential)


def test_while_nothing_can_be_stored(
    opened: Opener, alice: Client, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = Database.write

    def full(database: Database, events: Sequence[Event]) -> None:
        if any(map(is_stored, events)):
            raise NotStored("the disk is full")
        write(database, events)

    monkeypatch.setattr(house.hub, "_not_stored_told", float("inf"))  # it is no defect of ours
    monkeypatch.setattr(Database, "write", full)
    assert told(alice.ask(f"PASSWD {OLD} {NEW}")) == ["FAIL", "TEMPORARILY_UNAVAILABLE"]
    monkeypatch.undo()
    assert told(alice.ask(f"PASSWD {OLD} {NEW}")) == ["NOTE", "CHANGED"]


def test_a_broken_hash_is_the_operators_business(alice: Client, house: House) -> None:
    whole = account(house)
    broken = replace(whole, credential="broken")
    house.ask(lambda chat: chat.accounts.__setitem__("alice", broken))
    assert told(alice.ask(f"PASSWD {OLD} {NEW}")) == ["FAIL", "INVALID_CREDENTIALS"]
    assert len(house.faults) == 1
    assert house.faults.pop().startswith("an account's hash is broken")
    house.ask(lambda chat: chat.accounts.__setitem__("alice", whole))


def test_the_verifier_is_that_of_the_new_password(alice: Client, house: House) -> None:
    house.hub.scram.enabled = True
    try:
        assert told(alice.ask(f"PASSWD {OLD} {NEW}")) == ["NOTE", "CHANGED"]
        assert account(house).scram.startswith("SCRAM-SHA-256$")
    finally:
        house.hub.scram.enabled = False
    assert told(alice.ask(f"PASSWD {NEW} {OLD}")) == ["NOTE", "CHANGED"]
    assert account(house).scram == ""


class _Log(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(f"{record.levelname} {record.getMessage()} {getattr(record, 'fields', '')}")


def test_no_password_is_kept_or_told(certs: Path, tmp_path: Path) -> None:
    secrets = ["never-to-be-seen-again", "nor-is-this-one-ever", "a-third-that-is-wrong"]
    log = _Log()
    with running(certs, tmp_path) as house:
        house.hub.log._logger.addHandler(log)
        house.hub.hasher = Hasher(CHEAP)
        house.do(SetPassword("alice", HASHER.hash(OLD)))
        client = logged_in(Opener(house).stranger())
        first, second, third = secrets
        client.ask(f"PASSWD {OLD} {first}", f"PASSWD {first} {second} {third}", *in_pieces(first, second))
        client.ask(f"PASSWD {third} {first}", f"PASSWD {second} {second}x", f"PASSWD {first}")
        shown = client.lines
    written = b"".join(file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())
    assert sum("password changed" in line for line in log.lines) == 3
    assert any("login failed" in line and "'alice'" in line for line in log.lines)
    for secret in secrets:
        assert secret.encode() not in written
        assert secret not in "".join(log.lines)
        assert secret not in "".join(shown)
    assert PASSWORD not in "".join(log.lines)
