"""A long session in each IRC client: all that its user does with a channel of his own, and with the people in it.

The others are programs (tests.clients.library), which see what arrives. In the end the client is looked through for
anything that it did not understand.
"""

from pathlib import Path

import pytest

from tests.clients.library import Person, guest, person
from tests.clients.programs import SERVER_NAME, STATUS, IrcClient
from tests.clients.restart import another
from tests.clients.tmux import Tmux
from tests.e2e.servers import Server

pytestmark = pytest.mark.clients

DEN = "#den"
KEY = "geheim"
ROWS = 1000
"""More than in the other tests: nothing of all this may scroll away."""


def test_a_long_session(kind: type[IrcClient], server: Server, tmux: Tmux, tmp_path: Path) -> None:
    bob = kind(tmux, server, "bob", tmp_path / "bob", rows=ROWS)
    bob.look_at("#lobby")
    with person(server, "carol", tmp_path) as carol:
        carol.expect("endofmotd")
        bob.say(f"/join {DEN}")
        bob.look_at(DEN)
        carol.join(DEN, {"@bob", "carol"})
        bob.settle(DEN)
        moderates(bob, carol)
        locks(bob, carol)
        bans(bob, carol)
        invites(bob, carol)
        sets_the_topic(bob, carol)
        goes_away(bob, carol)
        asks(bob, carol, server, tmp_path)
        watches(bob, server, tmp_path)
        assert f":{SERVER_NAME} 730 bob :erin!erin@" in bob.review()

        assert server.stop() == 0
        carol.expect("disconnect")
        with another(server) as again:
            again.logged("login", account="bob")
            carol.connection.reconnect()
            carol.expect("endofmotd")
            finds_all_again(bob, carol)
            bob.review(known=bob.words.ended)
            bob.leave("genug für heute")
            carol.expect("quit", lambda event: event.source.nick == "bob")


def test_sees_a_guest_log_in(kind: type[IrcClient], open_server: Server, tmux: Tmux, tmp_path: Path) -> None:
    """IRCv3 account-notify."""
    with guest(open_server, "gast", tmp_path) as carol:
        bob = kind(tmux, open_server, "bob", tmp_path / "bob")
        bob.look_at("#lobby")
        carol.expect("endofmotd")
        carol.connection.join("#lobby")
        carol.expect("endofnames")
        carol.log_in("carol")
        bob.sees("account_changed", nick="gast", account="carol")
        bob.review()


def test_what_a_client_does_not_know_is_found(bob: IrcClient) -> None:
    """The tests above would notice: of draft/channel-rename neither client has heard."""
    bob.say(f"/join {DEN}")
    bob.look_at(DEN)
    bob.say("/quote CAP REQ draft/channel-rename")
    bob.say(f"/quote RENAME {DEN} #nest :umgezogen")
    with pytest.raises(AssertionError, match=r"RENAME.*#den #nest :umgezogen"):
        bob.review()


def moderates(bob: IrcClient, carol: Person) -> None:
    bob.say(f"/mode {DEN} +m")
    bob.sees("mode", channel=DEN, modes="+m", nick="bob")
    carol.expect("mode", lambda event: event.arguments == ["+m"])
    carol.connection.privmsg(DEN, "darf ich?")
    carol.expect("cannotsendtochan")
    bob.say("/voice carol")
    carol.expect("mode", lambda event: event.arguments == ["+v", "carol"])
    carol.connection.privmsg(DEN, "jetzt darf ich 🎈")
    bob.sees("said", nick="carol", text="jetzt darf ich 🎈")
    assert bob.names(DEN, 2) == {"@bob", "+carol"}
    bob.say("/devoice carol")
    bob.sees("mode", channel=DEN, modes="-v carol", nick="bob")
    bob.say(f"/mode {DEN} -m")
    bob.sees("mode", channel=DEN, modes="-m", nick="bob")


def locks(bob: IrcClient, carol: Person) -> None:
    """Whoever is outside sees nothing, and comes in with the key, while there is room."""
    bob.say(f"/mode {DEN} +skl {KEY} 1")
    bob.sees("mode", channel=DEN, modes=f"+skl {KEY} 1", nick="bob")
    carol.connection.part(DEN)
    bob.sees("parted", nick="carol", channel=DEN)
    carol.connection.list()
    assert DEN not in [row[0] for row in carol.answer("list", "listend")]
    carol.connection.join(DEN)
    carol.expect("badchannelkey")
    carol.connection.join(DEN, KEY)
    carol.expect("channelisfull")
    bob.say(f"/mode {DEN} -l")
    bob.sees("mode", channel=DEN, modes="-l", nick="bob")
    comes_back(carol)
    bob.say(f"/mode {DEN}")
    bob.sees("modes", channel=DEN, modes=f"nstk {KEY}")


def bans(bob: IrcClient, carol: Person) -> None:
    mask = bob.ban_mask.format(user="carol", host="user/carol")
    bob.say("/ban carol")
    bob.sees("mode", channel=DEN, modes=f"+b {mask}", nick="bob")
    bob.say(f"/mode {DEN} b")
    bob.sees("banned", channel=DEN, mask=mask, by="bob")
    bob.say("/kick carol genug 🐻")
    assert carol.expect("kick").arguments == ["carol", "genug 🐻"]
    bob.sees("kicked", nick="carol", channel=DEN, by="bob", reason="genug 🐻")
    carol.connection.join(DEN, KEY)
    carol.expect("bannedfromchan")
    bob.say(f"/unban {mask}")
    bob.sees("mode", channel=DEN, modes=f"-b {mask}", nick="bob")
    comes_back(carol)


def invites(bob: IrcClient, carol: Person) -> None:
    bob.say(f"/mode {DEN} +i-k {KEY}")
    bob.sees("mode", channel=DEN, modes=f"+i-k {KEY}", nick="bob")
    carol.connection.part(DEN)
    carol.connection.join(DEN)
    carol.expect("inviteonlychan")
    bob.say("/invite carol")
    assert carol.expect("invite").arguments == [DEN]
    comes_back(carol)
    carol.join("#nest", {"@carol"})
    carol.connection.invite("bob", "#nest")
    bob.look_at(STATUS)
    bob.sees("inviting", nick="carol", channel=DEN, by="bob")
    bob.sees("invited", nick="carol", channel="#nest")
    bob.look_at(DEN)
    bob.say(f"/mode {DEN} -i-s")
    bob.sees("mode", channel=DEN, modes="-is", nick="bob")


def sets_the_topic(bob: IrcClient, carol: Person) -> None:
    bob.say("/topic Füchse 🦊 und Bären")
    assert carol.expect("topic").arguments == ["Füchse 🦊 und Bären"]
    bob.sees("topic_set", nick="bob", channel=DEN, text="Füchse 🦊 und Bären")
    bob.say("/topic")
    bob.sees("topic", channel=DEN, text="Füchse 🦊 und Bären")


def goes_away(bob: IrcClient, carol: Person) -> None:
    bob.say("/away beim Essen 🍲")
    bob.look_at(STATUS)
    bob.pane.expect("You have been marked as being away")
    assert carol.whois("bob")["away"] == ["bob", "beim Essen 🍲"]
    bob.say("/away")
    bob.pane.expect("You are no longer marked as being away")
    assert "away" not in carol.whois("bob")
    bob.say("/quote SETNAME :Bob der Zweite")
    bob.answered("named")
    assert carol.whois("bob")["whoisuser"][-1] == "Bob der Zweite"


def asks(bob: IrcClient, carol: Person, server: Server, place: Path) -> None:
    carol.connection.send_raw("AWAY :auch beim Essen")
    carol.connection.send_raw("SETNAME :Carol")
    carol.expect("nowaway")
    bob.say("/whois carol")
    bob.sees("account", nick="carol")
    bob.sees("secure", nick="carol")
    bob.pane.expect(r"auch beim Essen$")
    with person(server, "frank", place) as frank:
        frank.expect("endofmotd")
    server.logged("disconnected", nick="frank")
    bob.say("/whowas frank")
    bob.sees("was", nick="frank")
    bob.say(bob.list_all)
    bob.sees("listed", channel=DEN, count="2", topic="Füchse 🦊 und Bären")
    bob.say("/who #den")
    bob.pane.expect(r"End of /?WHO list")


def watches(bob: IrcClient, server: Server, place: Path) -> None:
    bob.say(f"{bob.watch} dave")
    bob.say("/quote MONITOR + erin")
    bob.answered("watching")
    with person(server, "dave", place) as dave, person(server, "erin", place) as erin:
        dave.expect("endofmotd")
        erin.expect("endofmotd")
        bob.sees("came", nick="dave")
    bob.sees("went", nick="dave")
    bob.say("/quote MONITOR L")
    bob.pane.expect(r"End of MONITOR list$")


def finds_all_again(bob: IrcClient, carol: Person) -> None:
    """After the server has: the channel, whose it is, its topic, and both in it without a word of theirs."""
    assert carol.expect("currenttopic").arguments == [DEN, "Füchse 🦊 und Bären"]
    if carol.names(DEN) == {"carol"}:
        carol.expect("join", lambda event: event.source.nick == "bob")
    carol.connection.names([DEN])
    assert carol.names(DEN) == {"@bob", "carol"}
    carol.connection.privmsg(DEN, "da sind wir wieder 🎈")
    bob.look_at(DEN)
    bob.sees("said", nick="carol", text="da sind wir wieder 🎈")
    bob.say("ja, alle 🦊")
    carol.said("bob", "ja, alle 🦊")


def comes_back(carol: Person) -> None:
    carol.connection.join(DEN, KEY)
    carol.expect("endofnames")
