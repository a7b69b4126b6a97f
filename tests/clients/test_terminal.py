"""`securechat connect` at a real terminal, that of tmux, with a real server: what a person sees who uses it."""

import re
from pathlib import Path

import pytest

from securechat.client.commands import COMMANDS
from securechat.client.errors import ConnectionLostError, exit_status
from tests.clients.programs import Irssi
from tests.clients.restart import another
from tests.clients.terminals import said, terminal
from tests.clients.tmux import Pane, Tmux
from tests.e2e.connects import connected
from tests.e2e.servers import PASSWORD, Server

pytestmark = pytest.mark.clients

_COLOUR = re.compile(rb"\x1b\[(?:[\d;:]*[;:])?(?:3[0-8]|4[0-8]|9\d|10\d)(?:[;:][\d;:]*)?m")
"""A change of colour (ECMA-48, SGR), alone or with other changes."""


@pytest.fixture
def carol(server: Server, tmux: Tmux, tmp_path: Path) -> Pane:
    """Her terminal; she is in #lobby."""
    return terminal(tmux, server, "carol", tmp_path / "carol")


def test_two_people_at_two_terminals(carol: Pane, server: Server, tmux: Tmux, tmp_path: Path) -> None:
    bob = terminal(tmux, server, "bob", tmp_path / "bob")
    said(carol, "* bob joined #lobby")
    bob.expect(r"\* in #lobby: (?:bob, carol|carol, bob)$")
    carol.enter("Grüß dich 🦊")
    said(carol, "<carol> Grüß dich 🦊")
    said(bob, "<carol> Grüß dich 🦊")
    bob.enter("dich auch 🎈")
    said(carol, "<bob> dich auch 🎈")
    bob.enter("/quit muss weg")
    assert bob.ended() == 0
    said(carol, "* bob quit (muss weg)")


def test_what_is_typed_stays_while_others_talk(carol: Pane, server: Server) -> None:
    carol.type("halb getippt 🦊")
    carol.expect(r"^#lobby> halb getippt 🦊$")
    with connected(server, "alice") as alice:
        alice.say(*(f"dazwischen {number}" for number in range(10)))
        said(carol, "<alice> dazwischen 9")
        carol.expect(r"^#lobby> halb getippt 🦊$")
        carol.type(" und dann ganz")
        carol.press("Enter")
        alice.out.expect("<carol> halb getippt 🦊 und dann ganz")
    said(carol, "<carol> halb getippt 🦊 und dann ganz")
    carol.expect(r"^#lobby>$")
    assert carol.screen().count("halb") == 1


def test_what_is_typed_ahead_is_not_left_on_the_screen(carol: Pane) -> None:
    lines = [f"Zeile {number}" for number in range(20)]
    for line in lines:
        carol.type(f"{line}\r")
    said(carol, "<carol> Zeile 19")
    carol.expect(r"^#lobby>$")
    rows = [row for row in carol.screen().splitlines() if "Zeile" in row]
    assert [row[6:] for row in rows] == [f"<carol> {line}" for line in lines]


def test_help_and_mistakes(server: Server, tmux: Tmux, tmp_path: Path) -> None:
    carol = terminal(tmux, server, "carol", tmp_path / "carol", rows=len(COMMANDS) + 20)
    carol.enter("/help")
    for command in COMMANDS.values():
        carol.expect(rf"^  {re.escape(command.usage)} +{re.escape(command.about)}$")
    carol.expect(r"^  exit +leave, like Ctrl-C and Ctrl-D$")
    carol.enter("/tanzen")
    carol.expect(r"^! there is no command /tanzen: /help shows all; //text says /text$")
    carol.enter("//tanzen")
    said(carol, "<carol> /tanzen")
    carol.enter("/topic mein Thema")
    carol.expect(r"^\d\d:\d\d ! .*operator")


def test_a_new_password_that_nobody_sees(carol: Pane, server: Server, tmux: Tmux, tmp_path: Path) -> None:
    carol.enter("/passwd")
    for question, answer in (("Your password until now", PASSWORD), ("Your new password", "neues Wort 🦊 lang"),
                             ("The same again", "neues Wort 🦊 lang")):  # fmt: skip
        carol.expect(f"^{question}:$")
        carol.enter(answer)
    said(carol, "* your password is changed: your other devices have to log in again, with the new one")
    carol.press("Up")
    carol.expect("^#lobby> /passwd$")
    carol.press("Up")  # there is nothing before it
    carol.expect("^#lobby> /passwd$")
    carol.press("C-u")
    carol.enter("/passwd")
    carol.expect("^Your password until now:$")
    carol.press("C-c")
    carol.expect("^-- never mind, then: nothing was changed$")
    carol.enter("exit")
    assert carol.ended() == 0
    assert b"Wort" not in carol.raw
    assert PASSWORD.encode() not in carol.raw


def test_channels(carol: Pane) -> None:
    carol.enter("/join #den")
    carol.expect(r"^#den>$")
    carol.enter("/topic Bären 🐻")
    said(carol, "* carol set the topic of #den: Bären 🐻")
    carol.enter("/topic")
    said(carol, "* the topic of #den is: Bären 🐻")
    carol.enter("/names")
    said(carol, "* in #den: @carol")
    carol.enter("/part #den genug")
    said(carol, "* carol left #den (genug)")
    carol.expect(r"^#lobby>$")


def test_running_a_channel_beside_irssi(carol: Pane, server: Server, tmux: Tmux, tmp_path: Path) -> None:
    """Everything that operators do, seen by those who do it, those to whom it is done, and those who look on."""
    bob = terminal(tmux, server, "bob", tmp_path / "bob")
    carol.enter("/join #den")
    carol.expect(r"^#den>$")
    dave = Irssi(tmux, server, "dave", tmp_path / "dave")
    dave.look_at("#lobby")
    dave.say("/join #den")
    bob.enter("/join #den")
    dave.look_at("#den")
    said(carol, "* dave joined #den")
    said(carol, "* bob joined #den")

    carol.enter("/op dave")
    for pane in (carol, bob):
        said(pane, "* carol made dave an operator in #den")
    dave.say("/mode +m")
    said(bob, "* dave set +m (only those with a voice speak) in #den")
    bob.enter("darf ich?")
    bob.expect(r"^\d\d:\d\d ! .*not said: darf ich\?$")
    carol.enter("/voice bob")
    said(bob, "* carol gave bob a voice in #den")
    bob.enter("danke 🦊")
    dave.sees("said", nick="+bob", text="danke 🦊")
    carol.enter("/mode -m+kl Sesam 5")
    said(bob, "* carol set -m (all members speak), set the key Sesam, set a limit of 5 people in #den")

    dave.say("/mode +b bob")
    said(bob, "* dave banned bob in #den")
    carol.enter("/bans")
    carol.expect(r"^\d\d:\d\d \* bob is banned in #den, by dave on \d{4}-\d\d-\d\d \d\d:\d\d$")
    dave.say("/kick bob genug")
    said(carol, "* bob was put out of #den by dave (genug)")
    said(bob, "* bob was put out of #den by dave (genug)")
    bob.expect(r"^#lobby>$")
    bob.enter("/join #den Sesam")
    bob.expect(r"^\d\d:\d\d ! you are banned from #den$")
    carol.enter("/unban bob")
    said(carol, "* carol lifted the ban on bob in #den")
    carol.enter("/bans")
    said(carol, "* nobody is banned in #den")
    carol.enter("/mode +i")
    said(carol, "* carol set +i (people come in by invitation only) in #den")
    carol.enter("/invite bob")
    said(carol, "* bob is invited to #den")
    said(bob, "* carol invited bob to #den")
    bob.enter("/join #den Sesam")
    bob.expect(r"^#den>$")

    dave.say("/away beim Essen")
    said(carol, "* dave is away (beim Essen)")
    carol.enter("/whois dave")
    carol.expect(r"^\d\d:\d\d \* dave is \S+@user/dave: ")
    said(carol, "* dave is not there: beim Essen")
    dave.say("/away")
    said(bob, "* dave is back")
    bob.enter("/setname Robert 🎈")
    said(carol, "* bob has the real name Robert 🎈 now")

    bob.paste("eins\n\n  zwei\n12:34 <dave> drei")
    bob.press("Enter")
    carol.expect(r"^\d\d:\d\d <bob> eins\n      \|\n      \|   zwei\n      \| 12:34 <dave> drei$")
    dave.sees("said", nick="+bob", text="  zwei")
    carol.enter("/ignore bob")
    carol.expect(r"^\d\d:\d\d \* you ignore (?:the account )?bob$")
    bob.enter("hört mich jemand?")
    dave.sees("said", nick="+bob", text="hört mich jemand?")
    dave.say("ja")
    said(carol, "<dave> ja")
    assert "jemand" not in carol.screen()
    carol.enter("/unignore bob")
    carol.expect(r"^\d\d:\d\d \* you no longer ignore (?:the account )?bob$")

    carol.enter("/rename #den #höhle")
    said(bob, "* carol renamed #den to #höhle")
    bob.expect(r"^#höhle>$")
    dave.look_at("#höhle")
    bob.enter("und nun hier")
    dave.sees("said", nick="+bob", text="und nun hier")
    carol.enter("/owner #höhle bob")
    said(bob, "* #höhle belongs to bob")
    bob.enter("/kick carol meins")
    said(bob, "! only operators of #höhle may do that")
    bob.enter("/op bob")
    said(carol, "* bob made bob an operator in #höhle")
    bob.enter("/kick carol meins")
    said(carol, "* carol was put out of #höhle by bob (meins)")
    carol.expect(r"^#lobby>$")
    bob.enter("/list *höhle*")
    said(bob, "* #höhle, 2 people")


@pytest.mark.parametrize("way", ["exit", "/quit", "C-c", "C-d"])
def test_leaves_the_terminal_as_it_was(carol: Pane, way: str) -> None:
    if way.startswith("C-"):
        carol.press(way)
    else:
        carol.enter(way)
    assert carol.ended() == 0
    # Now `cat` reads: a terminal in its usual state shows what is typed, and hands it on line by line.
    carol.enter("noch da?")
    carol.wait(lambda screen: screen.splitlines()[-2:] == ["noch da?"] * 2, "echo, and the line from cat")


def test_follows_the_size_of_the_terminal(carol: Pane, server: Server) -> None:
    long = "ein langer Satz, der auf einem schmalen Bildschirm in mehreren Zeilen stehen muss, und zwar eingerückt"
    with connected(server, "alice") as alice:
        carol.type("was ich gerade tippe")
        carol.expect("tippe$")
        carol.resize(40, 30)
        alice.say(long)
        carol.expect(r"^\d\d:\d\d <alice> ein langer Satz, der auf$")
        carol.expect(r"^      \S.* und zwar$|^      \S.*eingerückt$")
        carol.expect(r"^#lobby> was ich gerade tippe$")
        carol.resize(140, 30)
        alice.say(f"{long}!")
        said(carol, f"<alice> {long}!")
        carol.type(" 🦊")
        carol.expect(r"^#lobby> was ich gerade tippe 🦊$")
        carol.press("Enter")
        said(carol, "<carol> was ich gerade tippe 🦊")
    rows = carol.screen().splitlines()
    assert all(len(row) < 40 for row in rows[rows.index(next(row for row in rows if "ein langer" in row)) :][:3])


def test_has_no_colours_where_none_are_wanted(server: Server, tmux: Tmux, tmp_path: Path) -> None:
    carol = terminal(tmux, server, "carol", tmp_path / "carol", environment={"NO_COLOR": "1"})
    with connected(server, "alice") as alice:
        alice.say("bunt?")
        said(carol, "<alice> bunt?")
        carol.enter("/me malt")
        said(carol, "* <carol> malt")
        carol.enter("/foo")
        carol.expect("^! there is no command")
    carol.enter("exit")
    assert carol.ended() == 0
    assert b"bunt?" in carol.raw
    assert not _COLOUR.search(carol.raw)


def test_goes_on_when_the_server_comes_again(carol: Pane, server: Server) -> None:
    """What is typed meanwhile is kept, what is in the middle of being typed stays, and each line is there once."""
    carol.enter("vorher 🦊")
    said(carol, "<carol> vorher 🦊")
    server.kill()
    carol.expect(r"^-- the connection to localhost was lost \(.*\); connecting again$")
    carol.expect(r"^#lobby \(not connected\)>$")
    carol.enter("für später 🎈")
    carol.expect("^-- kept until you are connected again: für später 🎈$")
    carol.enter("/names")
    carol.expect("^! there is no connection at the moment")
    carol.type("mitten im Wort")
    carol.expect(r"^#lobby \(not connected\)> mitten im Wort$")
    with another(server) as again, connected(again, "alice") as alice:
        carol.expect("^-- connected again$")
        said(carol, "<carol> für später 🎈")
        carol.expect("^#lobby> mitten im Wort$")
        carol.type(" und Schluss")
        carol.press("Enter")
        said(carol, "<carol> mitten im Wort und Schluss")
        alice.say("nachher")
        said(carol, "<alice> nachher")
        carol.enter("/search später")
        carol.expect(r"^-- 1 message found:\n   \d\d:\d\d #lobby <carol> für später 🎈$")
        carol.enter("/redact später -- doch nicht")
        carol.expect(r"^\d\d:\d\d \* carol took back a message from \d\d:\d\d: doch nicht$")
    rows = carol.screen().splitlines()
    for line in ("<carol> vorher 🦊", "<carol> mitten im Wort und Schluss", "<alice> nachher"):
        assert [row[6:] for row in rows].count(line) == 1


def test_shows_what_was_said_before(server: Server, tmux: Tmux, tmp_path: Path) -> None:
    with connected(server, "alice") as alice:
        alice.say(*(f"Zeile {number}" for number in range(40)))
        first = terminal(tmux, server, "carol", tmp_path / "first", "--history", "5")
        said(first, "<alice> Zeile 39")
        assert "Zeile 34" not in first.screen()
        first.enter("/history 3")
        first.expect(
            r"^-- 3 older messages in #lobby:\n"
            r"   \d\d:\d\d #lobby <alice> Zeile 32\n.*Zeile 33\n.*Zeile 34$"
        )
        first.enter("gelesen")
        said(first, "<carol> gelesen")
        first.enter("exit")
        assert first.ended() == 0
        alice.out.expect("* carol quit")
        alice.say("und das ist neu")
        second = terminal(tmux, server, "carol", tmp_path / "second", "--history", "5")
        second.expect(r"<carol> gelesen\n-- new in #lobby since you were last here\n\d\d:\d\d <alice> und das ist neu$")
        second.enter("/settings always-on on")
        second.expect(r"^\d\d:\d\d \* always-on is on: ")


def test_says_so_when_the_server_is_gone(server: Server, tmux: Tmux, tmp_path: Path) -> None:
    carol = terminal(tmux, server, "carol", tmp_path / "carol", "--no-reconnect")
    carol.type("mitten im Wort")
    carol.expect("mitten im Wort$")
    server.kill()
    assert carol.ended() == exit_status(ConnectionLostError(""))
    carol.expect(r"^securechat: ")
    carol.enter("noch da?")
    carol.wait(lambda screen: screen.splitlines()[-2:] == ["noch da?"] * 2, "echo, and the line from cat")
