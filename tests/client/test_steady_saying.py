"""A chat whose connections break: what one says is said, once and in order."""

import threading
from pathlib import Path

import pytest

from securechat.client.errors import ConnectionLostError
from securechat.client.events import (
    Broken,
    MessageReceived,
    Unsaid,
)
from securechat.client.steady import Steady
from securechat.irc.message import Message
from securechat.irc.words import UnsendableError
from tests.client.archive import ALL, Archive
from tests.client.clients import steady
from tests.client.offers import PLAIN
from tests.client.support import LIMIT, OLD, Peer, Session
from tests.client.told import Told


def test_an_echo_that_is_lost(archive: Archive, chat: Steady, told: Told) -> None:
    """The message is stored, and the connection breaks before its echo: it is said once, shown once, acknowledged."""
    archive.break_after = {"two"}
    sayings = [saying for text in ("one", "two", "three") for saying in chat.say("#lobby", text)]
    chat.settle(LIMIT)
    told.resumed()
    told.wait_for("one", "two", "three")
    assert archive.said == ["one", "two", "three"]
    assert all(saying.settled and saying.refusal is None for saying in sayings)
    own = [event for event in told.events if isinstance(event, MessageReceived)]
    assert [event.request for event in own] == [saying.last for saying in sayings]


def test_a_message_that_never_arrived(archive: Archive, chat: Steady, told: Told) -> None:
    def vanish(session: Session, message: Message) -> list[str]:
        del archive.rules["PRIVMSG"]
        session.drop()
        return []

    archive.rules["PRIVMSG"] = vanish
    for text in ("one", "two"):
        chat.say("#lobby", text)
    chat.say("#lobby", "beep", notice=True)
    chat.say("#lobby", "waves", act=True)
    chat.settle(LIMIT)
    told.wait_for("one", "two", "beep", "waves")
    assert archive.said == ["one", "two", "beep", "\x01ACTION waves\x01"]


def test_a_message_of_several_lines_is_said_once(archive: Archive, chat: Steady, told: Told) -> None:
    archive.break_after = {"one\ntwo"}
    (saying,) = chat.say_lines("#lobby", ["one", "two"])
    chat.settle(LIMIT)
    told.resumed()
    told.wait_for("one\ntwo")
    assert archive.said == ["one\ntwo"]
    assert saying.refusal is None


def test_what_is_said_meanwhile_waits_and_keeps_its_order(archive: Archive, chat: Steady, told: Told) -> None:
    archive.accounts["alice"], password = "another", archive.accounts["alice"]
    come = threading.Event()

    def wait(session: Session, message: Message) -> None:
        assert come.wait(LIMIT)
        archive.accounts["alice"] = password

    archive.break_after = {"1"}
    archive.rules["AUTHENTICATE"] = wait
    chat.say("#lobby", "1")
    told.wait(lambda: told.count(Broken) == 1)
    assert not chat.here
    for number in range(2, 9):
        chat.say("#lobby", str(number))
    assert chat.unsaid() == [str(number) for number in range(1, 9)]
    with pytest.raises(ConnectionLostError):
        chat.older("#lobby", 5)
    come.set()
    chat.settle(LIMIT)
    told.wait_for(*map(str, range(1, 9)))
    assert archive.said == list(map(str, range(1, 9)))


def test_what_cannot_be_sent_does_not_wait(chat: Steady) -> None:
    with pytest.raises(UnsendableError):
        chat.say("#a b", "x")
    with pytest.raises(UnsendableError):
        chat.say_lines("#a b", ["x", "y"])
    assert chat.unsaid() == []


def test_a_message_that_always_ends_the_connection_is_given_up(
    archive: Archive, chat: Steady, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("securechat.client.retrying.SHORTEST", 0.0)

    def break_it(session: Session, message: Message) -> list[str] | None:
        if message.params[1] != "poison":
            return None
        session.drop()
        return []

    archive.rules["PRIVMSG"] = break_it
    (poison,) = chat.say("#lobby", "poison")
    chat.say("#lobby", "and on")
    chat.settle(LIMIT)
    told.wait_for("and on")
    assert poison.refusal is not None
    assert [event.text for event in told.events if isinstance(event, Unsaid)] == ["poison"]


@pytest.mark.parametrize("stored", [True, False])
def test_without_ids_nothing_is_said_twice(certs: Path, ca: Path, told: Told, stored: bool) -> None:
    """The server has no `securechat/client-id`: what it has stored is found by its text; what it has not is told."""
    offers = {name: value for name, value in ALL.items() if name != "securechat/client-id"}

    archive = Archive(certs / "server.pem", offers)

    def vanish(session: Session, message: Message) -> list[str]:
        del archive.rules["PRIVMSG"]
        if stored:
            archive.put("alice!alice@client.example", *message.params)
        session.drop()
        return []

    with archive, steady(archive, ca, told, "#lobby") as chat:
        chat.wait_until_here()
        archive.rules["PRIVMSG"] = vanish
        (saying,) = chat.say("#lobby", "one")
        told.wait(lambda: told.count(Broken) == 1)
        chat.say("#lobby", "two")
        chat.settle(LIMIT)
        told.resumed()
        assert (saying.refusal is None) == stored
        assert [event.text for event in told.events if isinstance(event, Unsaid)] == ([] if stored else ["one"])
        told.wait_for(*(["one", "two"] if stored else ["two"]))
        assert archive.said == ["two"]


@pytest.mark.parametrize("offers", [PLAIN, OLD], ids=["plain", "old"])
def test_a_server_that_keeps_nothing(certs: Path, ca: Path, told: Told, offers: dict[str, str]) -> None:
    with Peer(certs / "server.pem", offers) as archive, steady(archive, ca, told, "#lobby") as chat:
        chat.wait_until_here()
        chat.say("#lobby", "one")
        chat.settle(LIMIT)
        archive.came.get(timeout=LIMIT).drop()
        told.resumed()
        chat.say("#lobby", "two")
        chat.settle(LIMIT)
        told.wait_for("one", "two")
