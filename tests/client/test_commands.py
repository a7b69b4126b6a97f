"""What can be typed: each command becomes the line that it should, and what makes no sense is told."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from securechat.client.commands import COMMANDS, obey
from securechat.client.events import Acknowledged, Refused
from tests.client.clients import steady
from tests.client.screens import Screen
from tests.client.support import LIMIT, OLD, Peer, Recorder, Session


@pytest.fixture
def peer(certs: Path) -> Iterator[Peer]:
    with Peer(certs / "server.pem") as peer:
        yield peer


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
def screen(peer: Peer, ca: Path, recorder: Recorder) -> Iterator[Screen]:
    with steady(peer, ca, recorder) as chat:
        chat.wait_until_here()
        chat.client.settle()
        peer.wait_for("PING")  # and with it all that has to do with the registration
        peer.wait_for("PING")
        yield Screen(chat)


def _session(peer: Peer) -> Session:
    return peer.came.get(timeout=LIMIT)


def _hear(screen: Screen, session: Session, *lines: str) -> None:
    """The server says this, and the client has heard it."""
    session.send(*lines)
    screen.client.request("PING", "heard")  # for `settle` waits for nothing if nothing is asked
    screen.client.settle()


@pytest.mark.parametrize(
    ("typed", "sent"),
    [
        ("/join #den", ["JOIN", "#den"]),
        ("/join #den sesame", ["JOIN", "#den", "sesame"]),
        ("/part", ["PART", "#c"]),
        ("/part #den so  long ", ["PART", "#den", "so  long"]),
        ("/names", ["NAMES", "#c"]),
        ("/topic", ["TOPIC", "#c"]),
        ("/topic #den  tea", ["TOPIC", "#den", "tea"]),
        ("/list", ["LIST"]),
        ("/list *tea*", ["LIST", "*tea*"]),
        ("/invite bob", ["INVITE", "bob", "#c"]),
        ("/invite bob #den", ["INVITE", "bob", "#den"]),
        ("/owner #den", ["OWNER", "#den"]),
        ("/owner #den bob", ["OWNER", "#den", "bob"]),
        ("/rename #den #tea", ["RENAME", "#den", "#tea"]),
        ("/msg bob hello  you", ["PRIVMSG", "bob", "hello  you"]),
        ("/me waves", ["PRIVMSG", "#c", "\x01ACTION waves\x01"]),
        ("/notice bob beep", ["NOTICE", "bob", "beep"]),
        ("/whois bob", ["WHOIS", "bob"]),
        ("/who", ["WHO", "#c"]),
        ("/who b*", ["WHO", "b*"]),
        ("/away", ["AWAY"]),
        ("/away gone fishing", ["AWAY", "gone fishing"]),
        ("/nick al", ["NICK", "al"]),
        ("/setname Alice A.", ["SETNAME", "Alice A."]),
        ("/kick bob", ["KICK", "#c", "bob"]),
        ("/KICK bob too loud", ["KICK", "#c", "bob", "too loud"]),
        ("/ban bob", ["MODE", "#c", "+b", "bob!*@*"]),
        ("/ban *!*@192.0.2.1", ["MODE", "#c", "+b", "*!*@192.0.2.1"]),
        ("/unban bob", ["MODE", "#c", "-b", "bob!*@*"]),
        ("/bans", ["MODE", "#c", "b"]),
        ("/op bob", ["MODE", "#c", "+o", "bob"]),
        ("/deop bob", ["MODE", "#c", "-o", "bob"]),
        ("/voice bob", ["MODE", "#c", "+v", "bob"]),
        ("/devoice bob", ["MODE", "#c", "-v", "bob"]),
        ("/mode", ["MODE", "#c"]),
        ("/mode +kl key 5", ["MODE", "#c", "+kl", "key", "5"]),
        ("/mode #den -m", ["MODE", "#den", "-m"]),
        ("/mode alice +i", ["MODE", "alice", "+i"]),
        ("/quote whowas bob 3", ["WHOWAS", "bob", "3"]),
        ("/quote @a=b :eve PRIVMSG #c :hi \x01 there", ["PRIVMSG", "#c", "hi \ufffd there"]),
    ],
)
def test_what_is_sent(peer: Peer, screen: Screen, typed: str, sent: list[str]) -> None:
    obey(screen, typed)
    message = peer.wait_for(sent[0])
    assert [message.command, *message.params] == sent
    assert screen.shown == []


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        (f"/{name} {words}", f"! it is {COMMANDS[name].usage}")
        for name, words in [
            ("join", ""),
            ("join", "#a b c"),
            ("names", "#a b"),
            ("list", "a b"),
            ("invite", ""),
            ("owner", ""),
            ("owner", "#a b c"),
            ("rename", "#a"),
            ("msg", "bob"),
            ("msg", "bob,carol hi"),
            ("me", ""),
            ("notice", "bob"),
            ("whois", ""),
            ("whois", ":bob"),
            ("who", "a b"),
            ("nick", ""),
            ("setname", ""),
            ("ignore", "a b"),
            ("unignore", ""),
            ("kick", ""),
            ("ban", ""),
            ("unban", "a b"),
            ("bans", "bob"),
            ("op", ""),
            ("quote", ""),
            ("quote", "ümlaut"),
        ]
    ]
    + [
        ("/invite bob den", "! the name of a channel begins with #: /invite bob #den"),
        ("/owner den", "! the name of a channel begins with #: /owner #den"),
        ("/rename #a b", "! the name of a channel begins with #: /rename #a #b"),
        ("/mode +b :x y", "! a parameter before the last can't be empty, hold a space or begin with ':'"),
        ("/unignore bob", "! you do not ignore bob: /ignore shows whom you do"),
        ("/ignore", "* you ignore nobody"),
    ],
)
def test_what_is_told(screen: Screen, typed: str, shown: str) -> None:
    obey(screen, typed)
    assert screen.shown == [shown]
    assert screen.client.unanswered() == 0


@pytest.mark.parametrize("typed", ["/kick bob", "/ban bob", "/mode", "/who", "/invite bob", "one\ntwo", "text"])
def test_without_a_channel(screen: Screen, typed: str) -> None:
    screen.current = None
    obey(screen, typed)
    assert screen.shown == ["! you are in no channel: /join #channel first"]


@pytest.mark.parametrize(("typed", "reason"), [("/quit so long", "so long"), ("/quote QUIT :so long", "so long"),
                                               ("/quote quit", ""), (" exit ", "")])  # fmt: skip
def test_ways_to_leave(screen: Screen, typed: str, reason: str) -> None:
    obey(screen, typed)
    assert screen.leaving == reason


def test_what_is_sent_by_hand_is_answered(screen: Screen, recorder: Recorder) -> None:
    for line in ("/quote PING :token", "/quote CAP LIST"):
        obey(screen, line)
        assert recorder.wait_for(Acknowledged)
    obey(screen, "/quote DANCE")
    assert recorder.wait_for(Refused).text == "this server does not know DANCE"


def test_masks_of_those_whose_account_is_known(peer: Peer, screen: Screen) -> None:
    session = _session(peer)
    screen.client.join("#c")
    screen.client.settle()
    _hear(screen, session, ":s 005 alice EXTBAN=~,am ACCOUNTEXTBAN=a,account :are supported", ":bob!b@h JOIN #c rob :B")
    obey(screen, "/ban bob")
    assert peer.wait_for("MODE").params == ["#c", "+b", "~a:rob"]
    obey(screen, "/unban bob")
    assert peer.wait_for("MODE").params == ["#c", "-bbb", "~a:rob", "bob!*@*", "~a:bob"]
    assert screen.client.members("#C") == {"alice": "", "bob": ""}
    assert screen.client.members("#none") == {}


def test_whom_one_ignores_is_kept_by_the_server(peer: Peer, screen: Screen) -> None:
    session = _session(peer)

    def silence(session: Session, message: object) -> list[str]:
        return [f":alice!a@h SILENCE {peer_sent.pop(0)}"]

    peer_sent = ["+bob!*@*", "-bob!*@*"]
    peer.rules["SILENCE"] = silence
    _hear(screen, session, ":s 005 alice SILENCE=100 :are supported")
    obey(screen, "/ignore bob")
    assert peer.wait_for("SILENCE").params == ["+bob!*@*"]
    screen.client.settle()
    obey(screen, "/ignore")
    assert screen.shown == ["* you ignore bob"]
    obey(screen, "/unignore BOB")
    assert peer.wait_for("SILENCE").params == ["-BOB!*@*"]
    screen.client.settle()
    assert screen.client.ignored() == []


def test_or_here_alone(certs: Path, ca: Path) -> None:
    with Peer(certs / "server.pem", OLD) as old, steady(old, ca, Recorder()) as chat:
        screen = Screen(chat)
        chat.wait_until_here()
        obey(screen, "/ignore bob")
        obey(screen, "/ignore")
        obey(screen, "/unignore bob")
        obey(screen, "/ignore")
        assert screen.shown == [
            "* you ignore bob, until you leave",
            "* you ignore bob",
            "* you no longer ignore bob",
            "* you ignore nobody",
        ]
        assert chat.client.unanswered() == 0


def test_every_command_has_its_help(screen: Screen) -> None:
    obey(screen, "/help")
    assert all(any(command.usage in line and command.about in line for line in screen.shown)
               for command in COMMANDS.values())  # fmt: skip
    assert all(len(line) < 80 for line in screen.shown)
