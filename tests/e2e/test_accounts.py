"""Accounts on the chat: several sessions of one, messages for who is away, guests, and whose nick is whose."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.cli.commands import securechat
from tests.e2e.servers import MakePlace, Place, Server, running
from tests.e2e.wires import Chatter, Wire, crowd, nick_of, parsed


@pytest.fixture(scope="module")
def closed(make_place: MakePlace) -> Iterator[Server]:
    """A server without guests."""
    with running(make_place()) as one:
        yield one


# -- several sessions -------------------------------------------------------------------------------------------------


def test_two_sessions_are_one_user(closed: Server) -> None:
    with Chatter(closed, "bob", join="#lobby") as bob, Chatter(closed, "alice", join="#lobby") as desk:
        bob.expect("JOIN", "#lobby", "alice")
        with Chatter(closed, "alice") as phone:
            assert phone.nick == "alice"
            assert bob.sync() == []  # nobody new has come
            assert any(" JOIN #lobby " in line for line in phone.lines), "it is not told where it is"

            echo = phone.say("#lobby", "from the phone")
            for other in (desk, bob):
                heard = other.expect("PRIVMSG", "#lobby", "from the phone")
                assert (nick_of(heard), heard.tags["msgid"]) == ("alice", echo.tags["msgid"])

            phone.send("PRIVMSG bob :psst")
            copy = desk.expect("PRIVMSG", "bob", "psst")
            assert nick_of(copy) == "alice"
            bob.expect("PRIVMSG", "bob", "psst")
            bob.send("PRIVMSG alice :what?")
            for device in (desk, phone):
                assert nick_of(device.expect("PRIVMSG", "alice", "what?")) == "bob"

            phone.join("#attic")
            assert nick_of(desk.expect("JOIN", "#attic")) == "alice"
            desk.expect("366", "alice", "#attic")
        assert bob.expect("PRIVMSG", "alice", "what?")  # its own echo
        assert bob.sync() == []  # one session has gone, alice has not
        desk.quit()
        assert nick_of(bob.expect("QUIT")) == "alice"
        assert bob.sync() == []


def test_the_nick_is_the_accounts_name(closed: Server) -> None:
    with Chatter(closed, "Alice") as alice:
        assert alice.nick == "alice"
        alice.send("NICK queen")
        alice.expect("432", "alice", "queen")


def test_without_an_account_nobody_comes_in(closed: Server) -> None:
    with Wire(closed) as wire:
        wire.send("NICK visitor", "USER v 0 * :v", "JOIN #lobby")
        wire.expect("FAIL", "*", "ACCOUNT_REQUIRED_TO_CONNECT")
        messages = wire.to_end()
        assert messages[-1].command == "ERROR"
        assert "JOIN" not in [message.command for message in messages]


def test_before_registration_nothing_is_answered_but_that(closed: Server) -> None:
    with Wire(closed) as wire:
        wire.send("JOIN #lobby", "PRIVMSG alice :let me in", "WHO *", "LIST", "NAMES #lobby")
        for _ in range(5):
            wire.next_is("451")


# -- messages for who is away -----------------------------------------------------------------------------------------


def kept(chatter: Chatter) -> list[str]:
    """What was shown of private messages so far."""
    return [text for target, text in heard(chatter) if target == chatter.nick]


def heard(chatter: Chatter) -> list[tuple[str, str]]:
    """Target and text of all that was said."""
    return [(said.params[0], said.params[1]) for said in parsed(chatter.lines) if said.command == "PRIVMSG"]


def acknowledge(chatter: Chatter) -> None:
    """Answer the PING behind what was kept, as every client does."""
    (ping,) = [message for message in parsed(chatter.lines) if message.command == "PING"]
    chatter.send(f"PONG :{ping.params[0]}")
    chatter.sync()


def test_a_message_for_who_is_away(place: Place) -> None:
    """It is kept, also over the end of the server, and shown until it is acknowledged; then no more."""
    with running(place) as server, Chatter(server, "alice") as alice:
        alice.send("PRIVMSG bob :one", "PRIVMSG bob :two", "PRIVMSG nobody :three")
        alice.next_is("PRIVMSG", "bob", "one")  # the echo: it is stored
        assert "kept" in alice.next_is("301", "alice", "bob").params[-1]
        alice.next_is("PRIVMSG", "bob", "two")
        alice.next_is("301", "alice", "bob")
        alice.next_is("401", "alice", "nobody")
        server.kill()
        alice.until_cut_off()

    with running(place) as server:
        bob = Chatter(server, "bob")
        assert kept(bob) == ["one", "two"]
        assert all(nick_of(said) == "alice" for said in parsed(bob.lines) if said.command == "PRIVMSG")
        bob.sock.close()  # before it could say that it has got them
        server.logged("disconnected", nick="bob")

        with Chatter(server, "bob") as bob:
            assert kept(bob) == ["one", "two"]
            acknowledge(bob)
            with Chatter(server, "alice") as alice:
                alice.say("bob", "now you are there")
            bob.expect("PRIVMSG", "bob", "now you are there")
        with Chatter(server, "bob") as bob:
            assert kept(bob) == []


def test_a_wrong_pong_takes_nothing(closed: Server) -> None:
    with Chatter(closed, "alice") as alice:
        alice.send("NOTICE grace :a notice", "PRIVMSG grace :a message")
        alice.sync()
    with Chatter(closed, "grace") as grace:
        grace.send("PONG :kept-ffffffffffffffff", "PONG :kept-0", "PONG x", "PONG")
        grace.sync()
    with Chatter(closed, "grace") as grace:
        assert kept(grace) == ["a message"]
        acknowledge(grace)


def test_what_comes_while_old_messages_are_shown_is_not_lost(closed: Server) -> None:
    """The PONG takes what was shown before its PING, and nothing that was kept later."""
    with Chatter(closed, "alice") as alice:
        alice.send("PRIVMSG heidi :early")
        alice.expect("301")
        first = Chatter(closed, "heidi")
        first.sock.close()
        closed.logged("disconnected", nick="heidi")
        alice.send("PRIVMSG heidi :late")
        alice.expect("301")
        with Chatter(closed, "heidi") as heidi:
            assert kept(heidi) == ["early", "late"]
            acknowledge(heidi)
        with Chatter(closed, "heidi") as heidi:
            assert kept(heidi) == []


# -- guests -----------------------------------------------------------------------------------------------------------


def test_guests(server: Server) -> None:
    with (
        Chatter(server, "visitor", password=None, join="#lobby") as visitor,
        crowd(server, ["bob"], "#lobby") as (bob,),
    ):
        visitor.say("#lobby", "hello")
        heard = bob.expect("PRIVMSG", "#lobby", "hello")
        assert nick_of(heard) == "visitor"
        assert "account" not in heard.tags
        assert "127.0.0.1" not in (heard.source or "")
        visitor.send("NICK guest7")
        assert nick_of(bob.expect("NICK", "guest7")) == "visitor"


@pytest.mark.parametrize("nick", ["alice", "ALICE"])
def test_the_nick_of_an_account_is_its_owners(server: Server, nick: str) -> None:
    """Whether the owner is there or not."""
    with Wire(server) as thief:
        thief.send(f"NICK {nick}", "USER t 0 * :t")
        thief.expect("433", "*", nick)
        thief.send("NICK nobodys")
        thief.expect("001", "nobodys")
        thief.send(f"NICK {nick}")
        thief.expect("433", "nobodys", nick)
        thief.send("JOIN #lobby", "WHOIS nobodys")
        assert "330" not in [message.command for message in thief.sync()]


def test_a_nick_that_somebody_has(server: Server) -> None:
    with Chatter(server, "visitor", password=None), Wire(server) as other:
        other.send("NICK Visitor", "USER t 0 * :t")
        other.expect("433", "*", "Visitor")


def test_a_guest_makes_way_for_a_new_account(place: Place) -> None:
    with running(place, "--guests") as server, Chatter(server, "peggy", password=None) as guest:
        added = ("user", "add", "peggy", "--password-stdin", "--data", place.data.path)
        assert securechat(place.home, *added, stdin="my own horse\n").returncode == 0
        moved = guest.expect("NICK")
        assert nick_of(moved) == "peggy"
        with Chatter(server, "peggy", password="my own horse") as peggy:
            assert peggy.nick == "peggy"


# -- hashes -----------------------------------------------------------------------------------------------------------


def test_a_hash_of_other_parameters_is_renewed_at_login(make_place: MakePlace) -> None:
    """Those of the test accounts are far too cheap. Nobody is logged out for it, and the password stays."""
    place = make_place()

    def credential() -> str:
        with closing(sqlite3.connect(place.data.database)) as database:
            found: str = database.execute("SELECT credential FROM accounts WHERE name = 'alice'").fetchone()[0]
            return found

    assert "$m=8,t=1,p=1$" in credential()
    with running(place) as server:
        with Chatter(server, "alice") as alice:
            server.logged("password hashed anew", account="alice")
            assert "$m=19456,t=2,p=1$" in credential()
            renewed = credential()
            with Chatter(server, "alice"):
                assert alice.sync() == []
        assert credential() == renewed
        assert len([event for event in server.events if event["event"] == "password hashed anew"]) == 1
