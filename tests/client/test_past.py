"""What was said before: reading it, finding it, taking it back, at a terminal and by the commands alone."""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from securechat.client.commands import obey
from securechat.client.history import iso
from securechat.irc.tags import parse_tags
from tests.client.archive import Archive
from tests.client.clients import steady
from tests.client.offers import PLAIN
from tests.client.screens import Screen, at_screen
from tests.client.support import LIMIT, Peer, Recorder

BOB = "bob!bob@client.example"


@pytest.fixture
def peer(certs: Path) -> Iterator[Archive]:
    with Archive(certs / "server.pem") as archive:
        yield archive


@pytest.fixture
def screen(peer: Archive, ca: Path) -> Iterator[Screen]:
    """That of alice in #c, which has shown two lines of bob and two of hers."""
    for source, target, text in (
        (BOB, "#c", "hello alice"),
        ("alice!a@h", "#c", "Hello bob"),
        ("alice!a@h", "bob", "psst"),
        (BOB, "#c", "bye alice"),
    ):
        peer.put(source, target, text)
    with steady(peer, ca, Recorder(), "#c", history=10) as chat:
        chat.wait_until_here()
        while not peer.received.empty():  # all that has to do with the start
            peer.received.get()
        yield Screen(chat)


@pytest.mark.parametrize(
    ("typed", "sent"),
    [
        ("/history", ["CHATHISTORY", "BEFORE", "#c", "msgid=m1", "10"]),
        ("/history 3", ["CHATHISTORY", "BEFORE", "#c", "msgid=m1", "3"]),
        ("/history #d 5", ["CHATHISTORY", "LATEST", "#d", "*", "5"]),
        ("/history carol", ["CHATHISTORY", "LATEST", "carol", "*", "10"]),
        ("/redact", ["REDACT", "bob", "m3"]),
        ("/redact hello", ["REDACT", "#c", "m2"]),
        ("/redact HELLO BOB -- not to you -- sorry", ["REDACT", "#c", "m2", "not to you -- sorry"]),
        ("/redact -- not to you", ["REDACT", "bob", "m3", "not to you"]),
        ("/redact from:BOB", ["REDACT", "#c", "m4"]),
        ("/redact from:bob hello -- no greetings here", ["REDACT", "#c", "m1", "no greetings here"]),
        ("/settings", ["SETTINGS"]),
        ("/settings replay", ["SETTINGS", "replay"]),
        ("/settings replay off", ["SETTINGS", "replay", "0"]),
        ("/settings replay 50", ["SETTINGS", "replay", "50"]),
        ("/settings always-on on", ["SETTINGS", "always-on", "on"]),
    ],
)
def test_what_is_sent(peer: Archive, screen: Screen, typed: str, sent: list[str]) -> None:
    obey(screen, typed)
    message = peer.wait_for(sent[0])
    assert [message.command, *message.params] == sent
    assert screen.shown == []


@pytest.mark.parametrize(
    ("typed", "wanted"),
    [
        ("/search hello", {"text": "hello"}),
        ("/search a; b\\ c", {"text": "a; b\\ c"}),
        ("/search tea in:#c with from:bob milk", {"text": "tea with milk", "in": "#c", "from": "bob"}),
        ("/search from:bob", {"from": "bob"}),
        ("/search http://example.org/ time:", {"text": "http://example.org/ time:"}),
        ("/search x after:2026-03-31", {"text": "x", "after": iso(datetime(2026, 3, 31).astimezone())}),
        ("/search x before:2026-03-31T18:30", {"text": "x", "before": iso(datetime(2026, 3, 31, 18, 30).astimezone())}),
    ],
)
def test_what_is_looked_for(peer: Archive, screen: Screen, typed: str, wanted: dict[str, str]) -> None:
    obey(screen, typed)
    assert parse_tags(peer.wait_for("SEARCH").params[0]) == wanted | {"limit": "30"}


def test_days_by_name(peer: Archive, screen: Screen) -> None:
    obey(screen, "/search x after:yesterday before:today")
    found = parse_tags(peer.wait_for("SEARCH").params[0])
    after, before = (datetime.fromisoformat(found[name]).astimezone() for name in ("after", "before"))
    assert (before.hour, before.minute) == (0, 0)
    assert before - after == timedelta(days=1)


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("/history a b 3", "! it is /history [where] [number]"),
        ("/search", "! it is /search words"),
        ("/search from:a from:b", "! from: can be there only once"),
        ("/search x after:tomorrow", "! tomorrow is no day: "),
        ("/search x before:2026-02-30", "! 2026-02-30 is no day: "),
        ("/search x before:99999", "! 99999 is no day: "),
        ("/redact from:", "! it is /redact [words] [-- why]"),
        ("/redact nonsense", "! you have said nothing like that as far as this screen has shown it"),
        ("/redact from:carol", "! carol has said nothing like that"),
        ("/settings a b c", "! it is /settings [name] [value]"),
    ],
)
def test_what_makes_no_sense(screen: Screen, typed: str, shown: str) -> None:
    obey(screen, typed)
    assert [line[: len(shown)] for line in screen.shown] == [shown]


def test_a_server_that_keeps_nothing(certs: Path, ca: Path) -> None:
    with Peer(certs / "server.pem", PLAIN) as plain, steady(plain, ca, Recorder(), "#c") as chat:
        chat.wait_until_here()
        screen = Screen(chat)
        for typed in ("/history", "/search x", "/redact"):
            obey(screen, typed)
        assert screen.shown == [
            "! this server does not show what was said before",
            "! this server has no search",
            "! on this server nothing can be taken back",
        ]


# -- at a terminal ----------------------------------------------------------------------------------------------------


def test_a_terminal_shows_the_past(peer: Archive, ca: Path) -> None:
    for number in range(20):
        peer.put(BOB, "#lobby", f"line {number} \x1b[2J")
    peer.put("alice!a@h", "bob", "psst")
    peer.markers["#lobby"] = "timestamp=" + peer.stored[17].time
    with at_screen(peer, ca, "--history", "5") as screen:
        screen.wait_for("<bob> line 15 ␛[2J")
        screen.wait_for("-- new in #lobby since you were last here")
        screen.wait_for("<bob> line 18")
        screen.wait_for("<bob> line 19")
        screen.wait_for("(to bob) <alice> psst")
        screen.type("/history 2\r")
        screen.wait_for("-- 2 older messages in #lobby:\n")
        screen.wait_for("#lobby <bob> line 13")
        screen.wait_for("#lobby <bob> line 14")
        screen.type("/search line 7\r")
        screen.wait_for("-- 1 message found:\n")
        screen.wait_for("#lobby <bob> line 7")
        screen.type("/search nothing like it\r")
        screen.wait_for("-- nothing was found")
        screen.type("/history #empty\r")
        screen.wait_for("-- there is nothing older in #empty")
        screen.type("/history carol\r")
        screen.wait_for("-- there is nothing older between you and carol")
        screen.type("oops\r")
        screen.wait_for("<alice> oops")
        screen.type("/redact -- not here\r")
        screen.wait_for("* alice took back a message from ")
        screen.wait_for(": not here\n")
        screen.type("/history 1\r")
        screen.wait_for("line 12")
        screen.type("exit\r")
        assert screen.end() == 0
        assert screen.text.count("line 15") == 1
        assert "-- " + datetime.now().astimezone().strftime("%A") not in screen.text.partition("line 15")[0]


def test_what_was_taken_back_is_not_shown(peer: Archive, ca: Path) -> None:
    peer.put(BOB, "#lobby", "one")
    peer.put(BOB, "#lobby", "two")
    with at_screen(peer, ca) as screen:
        screen.wait_for("<bob> two")
        session = peer.came.get(timeout=LIMIT)
        session.send(":eve!e@h REDACT #lobby m2 :off topic")
        screen.wait_for("* eve took back a message of bob from ")
        screen.wait_for(": off topic")
    peer.stored[1] = peer.stored[1].__class__(2, BOB, "PRIVMSG", "#lobby", "", "eve!e@h")
    with at_screen(peer, ca) as screen:
        screen.wait_for("<bob> one")
        screen.wait_for("* eve took back this message of bob: gone")
        assert "two" not in screen.text


def test_how_far_one_has_read_is_told_when_a_key_is_pressed(peer: Archive, ca: Path) -> None:
    peer.put(BOB, "#lobby", "one")
    with at_screen(peer, ca) as screen:
        screen.wait_for("<bob> one")
        screen.wait_for("#lobby>")
        assert peer.markers == {}
        keys = 0
        while not peer.markers:  # the line stands there a moment before it counts as read; then the next key tells
            assert keys < 200
            screen.type("x")
            screen.wait_for("x")
            keys += 1
        message = peer.wait_for("MARKREAD")
        while len(message.params) < 2:  # a question
            message = peer.wait_for("MARKREAD")
        assert message.params == ["#lobby", "timestamp=" + peer.stored[0].time]
        screen.type("\x7f" * keys + "more\r")
        screen.wait_for("<alice> more")
        screen.type("exit\r")
        assert screen.end() == 0
        assert peer.wait_for("MARKREAD").params == ["#lobby", "timestamp=" + peer.stored[1].time]


def test_a_terminal_that_comes_back(peer: Archive, ca: Path) -> None:
    with at_screen(peer, ca, "--channel", "#lobby", "--channel", "#tea") as screen:
        screen.wait_for("* in #tea: alice")
        screen.wait_for("#lobby>")
        screen.type("here\r")
        screen.wait_for("<alice> here")  # so all that there is to do at the start is done
        screen.type("half a sen")
        screen.wait_for("half a sen")
        peer.rules["JOIN"] = lambda session, message: (
            [f":s 474 {session.nick} #lobby :Banned"] if message.params[0] == "#lobby" else None
        )
        peer.drop_all()
        screen.wait_for("-- the connection to localhost was lost (it was cut off); connecting again")
        screen.wait_for("! you are banned from #lobby")
        screen.wait_for("-- connected again")
        screen.wait_for("#tea> half a sen")
        screen.type("tence\r")
        screen.wait_for("<alice> half a sentence")
        assert screen.text.count("* alice joined #tea") == 1
        assert re.search(r"\(not connected\)> half a sen", screen.text)
        screen.type("exit\r")
        assert screen.end() == 0
    assert peer.said == ["here", "half a sentence"]


def test_what_is_lost_when_one_leaves_is_told(peer: Archive, ca: Path) -> None:
    with at_screen(peer, ca) as screen:
        screen.wait_for("#lobby>")
        peer.rules["CAP"] = lambda session, _: session.drop()
        peer.drop_all()
        screen.wait_for("(not connected)>")
        screen.type("not heard\r")
        screen.wait_for("-- kept until you are connected again: not heard")
        screen.type("/names\r")
        screen.wait_for("! there is no connection at the moment")
        screen.type("exit\r")
        screen.wait_for("securechat: not acknowledged, and perhaps not said: not heard")
        assert screen.end() == 0
