"""The library `irc` from PyPI, as a program uses it that knows nothing of us, against a server in its own process."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.clients.conftest import MOTD
from tests.clients.library import NotConnectedError, Person, person
from tests.clients.programs import SERVER_NAME
from tests.clients.restart import another
from tests.e2e.servers import Server

pytestmark = pytest.mark.clients

LEFT_OPEN = "ignore:unclosed <ssl.SSLSocket:ResourceWarning"
"""The library does not close a socket that could not connect; Python does, and says so."""


@pytest.fixture
def alice(server: Server, tmp_path: Path) -> Iterator[Person]:
    """She is on the chat, and in no channel."""
    with person(server, "alice", tmp_path) as one:
        one.expect("endofmotd")
        yield one


@pytest.fixture
def bob(server: Server, tmp_path: Path) -> Iterator[Person]:
    """He is on the chat, and in no channel."""
    with person(server, "bob", tmp_path) as one:
        one.expect("endofmotd")
        yield one


@pytest.fixture
def den(alice: Person, bob: Person) -> str:
    """A channel of alice's, with bob in it."""
    alice.join("#den", {"@alice"})
    bob.join("#den", {"@alice", "bob"})
    alice.expect("join", from_bob)
    return "#den"


def from_bob(event: Any) -> bool:
    return bool(event.source.nick == "bob")


def test_comes_over_verified_tls_with_its_account(server: Server, tmp_path: Path) -> None:
    with person(server, "alice", tmp_path) as alice:
        assert alice.connection.socket.version() == "TLSv1.3"
        alice.expect("saslsuccess")
        assert alice.expect("welcome").source == SERVER_NAME
        assert [MOTD in row[0] for row in alice.answer("motd", "endofmotd")] == [True]
        assert alice.connection.get_nickname() == "alice"
        assert alice.connection.get_server_name() == SERVER_NAME
        features = alice.connection.features
        assert features.casemapping == "ascii"
        assert features.chantypes == "#"
        assert {"@": "o", "+": "v"}.items() <= features.prefix.items()
    server.logged("login", account="alice")
    server.logged("disconnected", nick="alice")


@pytest.mark.filterwarnings(LEFT_OPEN)
def test_refuses_a_server_of_another_authority(server: Server, tmp_path: Path, other_ca: Path) -> None:
    with (
        pytest.raises(NotConnectedError, match="CERTIFICATE_VERIFY_FAILED"),
        person(server, "alice", tmp_path, ca=other_ca),
    ):
        pass
    assert server.stop() == 0
    assert not [event for event in server.events if event["event"] == "login"]


def test_is_told_that_its_password_is_wrong(server: Server, tmp_path: Path) -> None:
    with person(server, "alice", tmp_path, password="wrong horse") as alice:
        alice.expect("login_failed")
        alice.expect("disconnect")
    server.logged("login failed", account="alice")


def test_two_programs_talk(alice: Person, bob: Person, den: str) -> None:
    alice.connection.privmsg(den, "Grüß dich 🦊")
    bob.said("alice", "Grüß dich 🦊")
    bob.connection.action(den, "winkt 👋")
    alice.said("bob", "winkt 👋", "action")
    alice.connection.notice(den, ": : und das auch")
    bob.said("alice", ": : und das auch", "pubnotice")
    bob.connection.privmsg("alice", "unter uns")
    alice.said("bob", "unter uns", "privmsg")
    bob.connection.part(den)
    alice.expect("part", from_bob)
    bob.connection.privmsg(den, "noch da?")
    assert bob.expect("cannotsendtochan").arguments[0] == den


def test_the_modes_of_a_channel(alice: Person, bob: Person, den: str) -> None:
    alice.connection.mode(den, "+m")
    bob.expect("mode", lambda event: event.arguments == ["+m"])
    bob.connection.privmsg(den, "darf ich?")
    bob.expect("cannotsendtochan")
    alice.connection.mode(den, "+v bob")
    bob.expect("mode", lambda event: event.arguments == ["+v", "bob"])
    bob.connection.privmsg(den, "jetzt darf ich")
    alice.said("bob", "jetzt darf ich")
    alice.connection.mode(den, "-m+kl geheim 5")
    bob.expect("mode", lambda event: event.arguments == ["-m+kl", "geheim", "5"])
    alice.connection.mode(den, "")
    modes, *parameters = alice.expect("channelmodeis").arguments[1:]
    assert {"k", "l", "n", "t"} <= set(modes)
    assert set(parameters) == {"geheim", "5"}
    bob.connection.mode(den, "+o bob")
    bob.expect("chanoprivsneeded")
    bob.connection.part(den)
    bob.connection.join(den)
    bob.expect("badchannelkey")
    bob.connection.join(den, "geheim")
    bob.expect("join", from_bob)


def test_topic_kick_ban_and_invitation(alice: Person, bob: Person, den: str) -> None:
    alice.connection.topic(den, "Füchse 🦊")
    assert bob.expect("topic").arguments == ["Füchse 🦊"]
    bob.connection.topic(den)
    assert bob.expect("currenttopic").arguments == [den, "Füchse 🦊"]
    assert bob.expect("topicinfo").arguments[:1] == [den]
    alice.connection.mode(den, "+b bob!*@*")
    alice.connection.kick(den, "bob", "genug 🐻")
    assert bob.expect("kick").arguments == ["bob", "genug 🐻"]
    bob.connection.join(den)
    bob.expect("bannedfromchan")
    alice.connection.mode(den, "b")
    ((channel, mask, *_),) = alice.answer("banlist", "endofbanlist")
    assert (channel, mask) == (den, "bob!*@*")
    alice.connection.mode(den, "-b+i bob!*@*")
    alice.expect("mode", lambda event: event.arguments[0] == "-b+i")
    bob.connection.join(den)
    bob.expect("inviteonlychan")
    alice.connection.invite("bob", den)
    alice.expect("inviting")
    assert bob.expect("invite").arguments == [den]
    bob.join(den, {"@alice", "bob"})


def test_asks(alice: Person, bob: Person, den: str) -> None:
    bob.connection.names([den])
    assert bob.names(den) == {"@alice", "bob"}
    bob.connection.who(den)
    assert {row[4] for row in bob.answer("whoreply", "endofwho")} == {"alice", "bob"}
    answer = bob.whois("alice")
    assert answer["whoisuser"][0] == "alice"
    assert answer["whoisaccount"][:2] == ["alice", "alice"]
    assert answer["whoischannels"] == ["alice", f"@{den}"]
    bob.connection.list()
    rows = bob.answer("list", "listend")
    assert {row[0]: row[1] for row in rows} == {den: "2"}  # a channel that nobody is in is not shown
    bob.connection.ison(["alice", "niemand"])
    assert bob.expect("ison").arguments == ["alice"]
    alice.connection.send_raw("AWAY :beim Essen 🍲")
    alice.expect("nowaway")
    bob.connection.privmsg("alice", "da?")
    assert bob.expect("away").arguments == ["alice", "beim Essen 🍲"]
    alice.close()
    assert bob.expect("quit").source.nick == "alice"
    bob.connection.whowas("alice")
    assert bob.answer("whowasuser", "endofwhowas")[0][0] == "alice"
    bob.connection.privmsg("niemand", "da?")
    bob.expect("nosuchnick")


def test_what_it_sends_to_no_avail(alice: Person) -> None:
    """Commands that this server does not have, or that need more than they are given."""
    for command, kind in (
        ("SQUIT x :y", "unknowncommand"),
        ("JOIN", "needmoreparams"),
        ("KICK #den", "needmoreparams"),
        ("PRIVMSG", "norecipient"),
        ("PRIVMSG bob", "notexttosend"),
        ("NICK", "nonicknamegiven"),
        ("JOIN den", "nosuchchannel"),
        ("TOPIC #nirgends", "nosuchchannel"),
        ("USER a 0 * :b", "alreadyregistered"),
    ):
        alice.connection.send_raw(command)
        alice.expect(kind)


def test_the_nick_of_an_account_is_its_name(alice: Person, bob: Person) -> None:
    alice.connection.nick("anna")
    alice.expect("erroneusnickname")
    assert alice.connection.get_nickname() == "alice"


def test_a_nick_that_is_in_use(open_server: Server, tmp_path: Path) -> None:
    """Where guests are let in one may choose a nick, but not that of another account."""
    with person(open_server, "alice", tmp_path) as alice:
        alice.expect("welcome")
        alice.connection.nick("bob")
        assert alice.expect("nicknameinuse").arguments[0] == "bob"
        alice.connection.nick("anna")
        assert alice.expect("nick").target == "anna"
        assert alice.connection.get_nickname() == "anna"


@pytest.mark.filterwarnings(LEFT_OPEN)
def test_comes_again_when_the_server_does(server: Server, alice: Person, bob: Person, den: str) -> None:
    assert server.stop() == 0
    for one in (alice, bob):
        one.expect("error")
        one.expect("disconnect")
    with pytest.raises(NotConnectedError):
        alice.connection.reconnect()
    with another(server) as again:
        for one in (alice, bob):
            one.connection.reconnect()
            one.expect("welcome")
        again.logged("login", account="alice")
        # Whose channel it is has outlived the server, and who was in it.
        assert alice.names(den) == {"@alice"}
        assert bob.names(den) == {"@alice", "bob"}
        bob.connection.privmsg(den, "da sind wir wieder")
        alice.said("bob", "da sind wir wieder")
