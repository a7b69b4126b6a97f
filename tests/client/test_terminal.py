"""`securechat connect` at a terminal: a real one, as far as the process can tell."""

import re
import signal
import time
from base64 import b64decode
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prompt_toolkit.utils import get_cwidth

from securechat.client.rows import wrap
from securechat.irc.message import Message
from tests.client.clients import connected
from tests.client.screens import ESCAPES, at_screen
from tests.client.support import LIMIT, OLD, PASSWORD, Peer, Recorder, Session


@pytest.fixture
def peer(certs: Path) -> Iterator[Peer]:
    with Peer(certs / "server.pem") as peer:
        yield peer


def test_two_people_talk(peer: Peer, ca: Path) -> None:
    with at_screen(peer, ca) as screen, connected(peer, ca, Recorder(), "bob") as bob:
        screen.wait_for(f"verified by {ca}")
        screen.wait_for("it is test.example, you are alice")
        screen.wait_for("* in #lobby: alice")
        screen.wait_for("#lobby>")
        bob.join("#lobby")
        screen.wait_for("* bob joined #lobby")
        bob.say("#lobby", "hello \x1b[2Jalice")
        screen.wait_for("<bob> hello ␛[2Jalice")
        screen.type("hello bob\r")
        screen.wait_for("<alice> hello bob")
        assert re.search(r"^(.*\n)*.*\d\d:\d\d <alice> hello bob\n", screen.text)
        assert peer.said == ["hello \x1b[2Jalice", "hello bob"]
        screen.type("exit\r")
        assert screen.end() == 0
        assert peer.wait_for("QUIT").params in ([], [""])
        assert not re.search(r"\x1b\[[1-9][0-9;]*m", screen.raw)  # NO_COLOR


def test_what_arrives_does_not_wreck_what_is_typed(peer: Peer, ca: Path) -> None:
    with at_screen(peer, ca) as screen:
        screen.wait_for("#lobby>")
        screen.type("half a sen")
        screen.wait_for("half a sen")
        session = peer.came.get(timeout=LIMIT)
        for number in range(20):
            session.send(f":bob!b@h PRIVMSG #lobby :interruption {number}")
        screen.wait_for("interruption 19\n")
        screen.wait_for("#lobby> half a sen")
        screen.type("tence\r")
        screen.wait_for("<alice> half a sentence")
        assert peer.said == ["half a sentence"]


def test_every_command(peer: Peer, ca: Path) -> None:
    with at_screen(peer, ca) as screen, connected(peer, ca, Recorder(), "bob") as bob:
        screen.wait_for("#lobby>")
        bob.join("#other")
        bob.settle()
        for typed, shown in [
            ("/help", "/quit [reason]"),
            ("/join #other", "* in #other: bob, alice"),
            ("to the other", "<alice> to the other"),
            ("/join #lobby", "* in #lobby: alice"),
            ("/me waves", "* <alice> waves"),
            ("/msg bob psst, bob", "(to bob) <alice> psst, bob"),
            ("/msg nobody psst", "! nobody is not here; not said: psst"),
            ("/msg bob", "! it is /msg nick text"),
            ("/names #other", "* in #other: bob, alice"),
            ("/topic", "* #lobby has no topic"),
            ("/topic tea at five", "* alice set the topic of #lobby: tea at five"),
            ("/topic #other", "* #other has no topic"),
            ("//quit is no command", "<alice> /quit is no command"),
            ("/nonsense \x1b", "! there is no command /nonsense"),
            ("/join lobby", "! the name of a channel begins with #: /join #lobby"),
            ("/part #other done", "* alice left #other (done)"),
            ("/part", "* alice left #lobby"),
            ("text", "! you are in no channel: /join #channel first"),
            ("/me waves", "! you are in no channel"),
            ("/JOIN #new", "* in #new: alice"),
        ]:
            screen.type(typed + "\r")
            screen.wait_for(shown)
        screen.type("/quit so long\r")
        assert screen.end() == 0
        assert peer.wait_for("QUIT").params == ["so long"]
        assert peer.said == ["to the other", "\x01ACTION waves\x01", "psst, bob", "/quit is no command"]


def test_a_paste_of_several_lines_is_text(peer: Peer, ca: Path) -> None:
    with at_screen(peer, ca) as screen:
        screen.wait_for("#lobby>")
        screen.type("\x1b[200~one\n/quit\n\nexit\x1b[201~")
        screen.wait_for("exit")
        screen.type("\r")
        screen.wait_for("<alice> one | /quit |  | exit\n")
        assert re.search(r"\d\d:\d\d <alice> one\r\n {6}\| /quit\r\n {6}\| \r\n {6}\| exit\r\n", screen.raw)
        assert peer.said == ["one\n/quit\n\nexit"]


def test_a_paste_is_said_line_by_line_where_the_server_knows_nothing_else(certs: Path, ca: Path) -> None:
    with Peer(certs / "server.pem", OLD) as old, at_screen(old, ca) as screen:
        screen.wait_for("#lobby>")
        screen.type("\x1b[200~one\n/quit\n\nexit\x1b[201~\r")
        screen.wait_for("<alice> exit")
        assert old.said == ["one", "/quit", "exit"]


@pytest.mark.parametrize("keys", ["half\x03", "\x04", " exit \r"])
def test_ways_to_leave(peer: Peer, ca: Path, keys: str) -> None:
    with at_screen(peer, ca) as screen:
        screen.wait_for("#lobby>")
        screen.type(keys)
        assert screen.end() == 0
        assert peer.wait_for("QUIT")
        assert peer.said == []
        assert "Traceback" not in screen.text


def test_an_interrupt_from_elsewhere_is_a_way_to_leave_too(peer: Peer, ca: Path) -> None:
    with at_screen(peer, ca) as screen:
        screen.wait_for("#lobby>")
        screen.process.send_signal(signal.SIGINT)
        assert screen.end() == 0
        assert peer.wait_for("QUIT")


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_who_is_told_to_end_before_the_password_is_typed(
    peer: Peer, ca: Path, number: signal.Signals, status: int
) -> None:
    with at_screen(peer, ca, ask=True) as screen:
        screen.wait_for("Password for alice: ")
        screen.process.send_signal(number)
        assert screen.end() == status
        assert screen.echoes()
        assert "Traceback" not in screen.text


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 0), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
@pytest.mark.parametrize("hidden", [False, True])
def test_who_is_told_to_end_gives_the_terminal_back(
    peer: Peer, ca: Path, number: signal.Signals, status: int, hidden: bool
) -> None:
    with at_screen(peer, ca) as screen:
        screen.wait_for("#lobby>")
        if hidden:
            screen.type("/passwd\r")
            screen.wait_for("password until now:")
        assert not screen.echoes()
        screen.process.send_signal(number)
        assert screen.end() == status
        assert screen.echoes()
        assert "Traceback" not in screen.text


def test_the_password_is_asked_for_and_not_shown(peer: Peer, ca: Path) -> None:
    with at_screen(peer, ca, ask=True) as screen:
        screen.wait_for("Password for alice: ")
        screen.type(PASSWORD + "\n")
        screen.wait_for("#lobby>")
        assert PASSWORD not in screen.raw
        screen.type("\x04")
        assert screen.end() == 0


@pytest.mark.parametrize(("keys", "status"), [("\x03", 130), ("\x04", 2), ("\n", 2)])
def test_who_gives_no_password_does_not_connect(peer: Peer, ca: Path, keys: str, status: int) -> None:
    with at_screen(peer, ca, ask=True) as screen:
        screen.wait_for("Password for alice: ")
        screen.type(keys)
        assert screen.end() == status
        assert peer.received.empty()  # it was looked whether the server is the right one, and no more
        assert "Traceback" not in screen.text


@pytest.mark.parametrize("polite", [True, False])
def test_a_lost_connection_ends_it_if_that_is_wanted(peer: Peer, ca: Path, polite: bool) -> None:
    with at_screen(peer, ca, "--no-reconnect") as screen:
        screen.wait_for("#lobby>")
        screen.type("half a sen")
        screen.wait_for("half a sen")
        session = peer.came.get(timeout=LIMIT)
        session.send(":bob!b@h PRIVMSG #lobby :last words")
        if polite:
            session.send("ERROR :Going down")
            session.quit()
        else:
            session.drop()
        assert screen.end() == 11
        assert (
            "securechat: the " + ("server ended the connection: Going down" if polite else "connection to")
            in screen.text
        )
        if polite:
            assert "<bob> last words" in screen.text


def test_a_terminal_that_can_do_nothing_hides_passwords_too(peer: Peer, ca: Path) -> None:
    with at_screen(peer, ca, term="dumb") as screen:
        screen.wait_for("in #lobby: alice")  # the prompt may be that of a moment before
        screen.type("/passwd\r")
        for question in ("Your password until now:", "Your new password:", "The same again:"):
            screen.wait_for(question)
            screen.type("hidden words\r")
        assert b64decode(peer.wait_for("PASSWD").params[0]) == b"hidden words\0hidden words"
        screen.type("exit\r")
        assert screen.end() == 0
        assert "hidden" not in screen.raw


def test_nothing_of_a_password_is_shown_while_others_talk(peer: Peer, ca: Path) -> None:
    """Lines that come are printed above the prompt; the terminal must not show meanwhile what is typed."""
    with at_screen(peer, ca) as screen:
        screen.wait_for("* in #lobby: alice")
        screen.type("/passwd\r")
        screen.wait_for("Your password until now:")
        session = peer.came.get(timeout=LIMIT)
        for number in range(100):
            session.send(f":bob!b@h PRIVMSG #lobby :line {number}.")
            until = time.monotonic() + LIMIT
            while f"line {number}." not in screen.raw:
                assert not screen.echoes()
                assert time.monotonic() < until, screen.text


def test_the_prompt_goes_where_one_is(peer: Peer, ca: Path) -> None:
    with at_screen(peer, ca, "--channel", "#one", "--channel", "#two") as screen:
        screen.wait_for("* in #two: alice")
        screen.wait_for("#one>")
        session = peer.came.get(timeout=LIMIT)
        session.send(":bob!b@h RENAME #one #1 :shorter")
        screen.wait_for("* bob renamed #one to #1 (shorter)")
        screen.wait_for("#1>")
        session.send(":bob!b@h KICK #1 alice :out")
        screen.wait_for("* alice was put out of #1 by bob (out)")
        screen.wait_for("#two>")
        session.send(":bob!b@h KICK #two alice")
        screen.wait_for("* alice was put out of #two by bob")
        screen.wait_for("(no channel)>")


def test_those_who_are_ignored_are_not_seen(peer: Peer, ca: Path) -> None:
    with at_screen(peer, ca) as screen:
        screen.wait_for("#lobby>")
        session = peer.came.get(timeout=LIMIT)
        screen.type("/ignore bob\r")
        screen.wait_for("* you ignore bob, until you leave")
        session.send(
            ":bob!b@h PRIVMSG #lobby :unheard",
            ":bob!b@h INVITE alice #unheard",
            ":bob!b@h NOTICE alice :unheard",
            ":carol!c@h PRIVMSG #lobby :heard",
        )
        screen.wait_for("<carol> heard")
        assert "unheard" not in screen.text


def test_a_message_of_several_lines_can_look_like_nothing_else(peer: Peer, ca: Path) -> None:
    lines = ["one", "12:34 <carol> two", "* carol quit " * 9, "", "x" * 90]
    batch = [f"@batch=x :bob!b@h PRIVMSG #lobby :{line}" for line in lines]
    for columns in (80, 15):
        with at_screen(peer, ca, columns=columns) as screen:
            screen.wait_for("#lobby>")
            session = peer.came.get(timeout=LIMIT)
            session.send(":bob!b@h BATCH +x draft/multiline #lobby", *batch, "BATCH -x", ":s NOTICE #lobby :end")
            screen.wait_for("-s- end")
            rows = screen.raw.partition("<bob> one")[2].partition("-s- end")[0].split("\r\n")
            shown = [ESCAPES.sub("", row) for row in rows[1:-1]]
            name = r"\d\d:\d\d <bob> " if columns == 15 else r" {6}\| "
            assert len(shown) >= len(lines) - 1
            assert all(re.match(name, row) for row in shown), shown


def test_a_channel_that_cannot_be_joined_is_told(peer: Peer, ca: Path) -> None:
    def refuse(session: Session, message: Message) -> list[str] | None:
        return [f":test.example 473 {session.nick} #closed :Invite only"] if message.params[0] == "#closed" else None

    peer.rules["JOIN"] = refuse
    with at_screen(peer, ca, "--channel", "#closed", "--channel", "#open", "--channel", "#third") as screen:
        screen.wait_for("! #closed is by invitation only")
        screen.wait_for("* in #third: alice")
        screen.type("hello\r")
        screen.wait_for("<alice> hello")
        screen.wait_for("#open>")
        screen.type("\x04")
        assert screen.end() == 0


# -- rows -------------------------------------------------------------------------------------------------------------


def test_rows_break_at_spaces_and_are_indented() -> None:
    line = "12:34 <alice> " + "word " * 10
    assert wrap(line, 40) == ["12:34 <alice> word word word word word", "      word word word word word "]
    assert wrap("short", 40) == ["short"]
    assert wrap("x" * 50, 21) == ["x" * 20, "      " + "x" * 14, "      " + "x" * 14, "      " + "x" * 2]
    assert wrap("x" * 50, 10) == ["x" * 50]


def test_a_word_that_fits_into_a_row_is_not_cut() -> None:
    fingerprint = "0123abcd" * 8
    assert wrap(f"* the certificate of alice is {fingerprint}", 80) == [
        "* the certificate of alice is",
        f"      {fingerprint}",
    ]
    assert wrap(f"* x {fingerprint}", 40) == [
        "* x " + fingerprint[:35],
        "      " + fingerprint[35:],
    ], "into no row, so none is almost empty"


@given(st.text(st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp"))), st.integers(20, 100))
def test_no_row_is_too_long_or_begins_where_a_message_does(line: str, columns: int) -> None:
    first, *rest = wrap(line, columns)
    assert all(get_cwidth(row) < columns for row in [first, *rest])
    assert all(row.startswith("      ") and not row[6:].startswith(" ") for row in rest)
    assert "".join([first, *rest]).replace(" ", "") == line.replace(" ", "")
