"""Each IRC client beside `securechat connect`: it comes, talks, asks, and leaves, and finds nothing strange."""

from pathlib import Path

import pytest

from securechat.server.answers import HELD
from tests.clients.conftest import MOTD
from tests.clients.programs import STATUS, IrcClient
from tests.clients.terminals import said, terminal
from tests.clients.tmux import Tmux
from tests.e2e.connects import connected
from tests.e2e.servers import Server

pytestmark = pytest.mark.clients


def test_comes_over_verified_tls_with_its_account(bob: IrcClient, server: Server) -> None:
    bob.look_at(STATUS)
    bob.sees("verified")
    bob.sees("logged_in", nick="bob")
    bob.pane.expect("SASL authentication (?:succeeded|successful)")
    bob.pane.expect(MOTD)
    server.logged("login", account="bob")
    bob.look_at("#lobby")
    bob.sees("joined", nick="bob", channel="#lobby")
    bob.review()
    bob.leave("")
    server.logged("disconnected", nick="bob")


def test_talks_with_a_pipe(bob: IrcClient, server: Server) -> None:
    with connected(server, "alice") as alice:
        alice.out.expect("* alice joined")
        alice.say("Grüße aus der Röhre 🐟", "/part ist hier nur ein Text", ": : : und das auch")
        bob.sees("said", nick="alice", text="Grüße aus der Röhre 🐟")
        bob.sees("said", nick="alice", text="/part ist hier nur ein Text")
        bob.sees("said", nick="alice", text=": : : und das auch")
        bob.say("schöne Grüße zurück 🦊")
        assert alice.out.next() == "<bob> schöne Grüße zurück 🦊"
        bob.say("/me winkt 👋")
        assert alice.out.next() == "* <bob> winkt 👋"
        assert alice.leave() == 0
        bob.sees("quit", nick="alice", reason="Quit: ")
    bob.review()


def test_asks_who_is_there(bob: IrcClient, server: Server) -> None:
    with connected(server, "alice"), connected(server, "carol"):
        bob.sees("joined", nick="carol", channel="#lobby")
        assert bob.names("#lobby", 3) == {"alice", "bob", "carol"}
        bob.say("/whois alice")
        bob.look_at(STATUS)
        bob.sees("account", nick="alice")
        bob.sees("secure", nick="alice")
        bob.pane.expect(r"End of /?WHOIS")
    bob.review()


def test_makes_a_channel_and_sets_its_topic(bob: IrcClient, server: Server) -> None:
    bob.say("/join #den")
    bob.look_at("#den")
    bob.sees("joined", nick="bob", channel="#den")
    assert bob.names("#den", 1) == {"@bob"}
    with connected(server, "alice", "--channel", "#den") as alice:
        alice.out.expect("* alice joined")
        bob.say("/topic Füchse 🦊 und Bären")
        assert alice.out.next() == "* bob set the topic of #den: Füchse 🦊 und Bären"
        bob.sees("topic_set", nick="bob", channel="#den", text="Füchse 🦊 und Bären")
        bob.say("/topic")
        bob.sees("topic", channel="#den", text="Füchse 🦊 und Bären")
    bob.review()


def test_is_told_that_the_lobby_is_not_his(bob: IrcClient) -> None:
    bob.say("/topic mein Thema")
    bob.sees("not_operator", channel="#lobby")


def test_talks_with_one_person_alone(bob: IrcClient, server: Server, tmux: Tmux, tmp_path: Path) -> None:
    carol = terminal(tmux, server, "carol", tmp_path / "carol")
    bob.private("carol")
    bob.say("nur für dich: ä ö ü 🤫")
    said(carol, "(private) <bob> nur für dich: ä ö ü 🤫")
    carol.enter("/msg bob und das für dich: ß 🤐")
    said(carol, "(to bob) <carol> und das für dich: ß 🤐")
    bob.sees("said", nick="carol", text="und das für dich: ß 🤐")
    carol.enter("/me schweigt nicht")
    bob.look_at("#lobby")
    bob.sees("action", nick="carol", text="schweigt nicht")
    assert "für dich" not in bob.pane.screen()
    bob.review()


def test_sees_what_its_user_says_elsewhere(bob: IrcClient, server: Server, tmux: Tmux, tmp_path: Path) -> None:
    carol = terminal(tmux, server, "carol", tmp_path / "carol")
    elsewhere = terminal(tmux, server, "bob", tmp_path / "elsewhere")
    elsewhere.enter("von unterwegs 🚲")
    bob.sees("said", nick="bob", text="von unterwegs 🚲")
    elsewhere.enter("/msg carol unter uns 🤫")
    said(carol, "(private) <bob> unter uns 🤫")
    bob.look_at("carol")
    bob.sees("said", nick="bob", text="unter uns 🤫")
    bob.say("ja, unter uns")
    said(elsewhere, "(to carol) <bob> ja, unter uns")
    elsewhere.enter("/join #den")
    bob.look_at("#den")
    bob.sees("joined", nick="bob", channel="#den")
    elsewhere.enter("exit")
    assert elsewhere.ended() == 0
    server.logged("disconnected", nick="bob")
    assert bob.names("#den", 1) == {"@bob"}
    bob.look_at("carol")
    bob.say("noch da")
    said(carol, "(private) <bob> noch da")
    assert "quit" not in carol.screen()
    bob.review()


def test_leaves_a_word_for_those_who_are_away(bob: IrcClient, server: Server) -> None:
    bob.private("dave")
    bob.say("lies das später 📬")
    bob.sees("away", nick="dave", text=HELD)
    with connected(server, "dave") as dave:
        assert dave.out.next() == "(private) <bob> lies das später 📬"
    bob.review()


def test_finds_what_was_said_while_away(kind: type[IrcClient], server: Server, tmux: Tmux, tmp_path: Path) -> None:
    carol = terminal(tmux, server, "carol", tmp_path / "carol")
    carol.enter("/msg bob du warst nicht da 📬")
    said(carol, f"* bob is not there: {HELD}")
    bob = kind(tmux, server, "bob", tmp_path / "bob")
    bob.look_at("carol")
    bob.sees("said", nick="carol", text="du warst nicht da 📬")
    bob.look_at("#lobby")
    bob.review()


def test_goes_with_a_word(bob: IrcClient, server: Server) -> None:
    with connected(server, "alice") as alice:
        alice.out.expect("* alice joined")
        bob.say("/part #lobby bin gleich zurück ö")
        assert alice.out.next() == "* bob left #lobby (bin gleich zurück ö)"
        bob.say("/join #lobby")
        assert alice.out.next() == "* bob joined #lobby"
        bob.leave("bis bald 👋")
        assert alice.out.next() == "* bob quit (bis bald 👋)"
    server.logged("disconnected", nick="bob")


def test_refuses_a_server_of_another_authority(
    kind: type[IrcClient], server: Server, tmux: Tmux, tmp_path: Path, other_ca: Path
) -> None:
    bob = kind(tmux, server, "bob", tmp_path / "bob", other_ca)
    if bob.name == "WeeChat":
        bob.look_at(STATUS)
    bob.sees("refused_authority")
    bob.leave("")
    assert server.stop() == 0
    assert not [event for event in server.events if event["event"] == "login"]


def test_is_told_that_its_password_is_wrong(kind: type[IrcClient], server: Server, tmux: Tmux, tmp_path: Path) -> None:
    bob = kind(tmux, server, "bob", tmp_path / "bob", password="wrong horse")
    if bob.name == "WeeChat":
        bob.look_at(STATUS)
    bob.sees("refused_password")
    server.logged("login failed", account="bob")
    bob.leave("")
