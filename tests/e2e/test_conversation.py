"""People talk: who sees what, and in which order."""

import threading
from collections.abc import Iterator

import pytest

from tests.e2e.servers import PEOPLE, Server
from tests.e2e.wires import Chatter, crowd, nick_of, texts


def test_three_talk(server: Server) -> None:
    with crowd(server, ["alice", "bob", "carol"], "#lobby") as (alice, bob, carol):
        echo = alice.say("#lobby", "hello, you two")
        assert nick_of(echo) == "alice"
        for listener in (bob, carol):
            heard = listener.expect("PRIVMSG", "#lobby", "hello, you two")
            assert (heard.source, heard.tags) == (echo.source, echo.tags)
        assert echo.tags["account"] == "alice"

        bob.say("#lobby", "good morning ☀")
        for listener in (alice, carol):
            assert nick_of(listener.expect("PRIVMSG", "#lobby", "good morning ☀")) == "bob"


def test_joins_and_leaves_are_announced(server: Server) -> None:
    with Chatter(server, "alice", join="#door") as alice:
        with Chatter(server, "bob", join="#door") as bob:
            joined = alice.expect("JOIN", "#door", "bob", "bob")  # extended-join: the account, the real name
            assert nick_of(joined) == "bob"
            bob.send("PART #door :tea")
            assert nick_of(alice.expect("PART", "#door", "tea")) == "bob"
            bob.join("#door")
            alice.expect("JOIN", "#door")
            bob.quit()
            assert nick_of(alice.expect("QUIT", "Quit: bye")) == "bob"
        with Chatter(server, "carol", join="#door") as carol:
            alice.expect("JOIN", "#door")
            carol.sock.close()  # without a word
        assert nick_of(alice.expect("QUIT")) == "carol"
        alice.send("NAMES #door")
        assert alice.expect("353").params[-1] == "@alice"


def test_all_see_one_order_while_ten_talk_at_once(server: Server) -> None:
    each = 40
    heard: dict[str, list[str]] = {}

    def talk(chatter: Chatter) -> None:
        chatter.send(*(f"PRIVMSG #babel :{chatter.nick} {number}" for number in range(each)))
        said: list[str] = []
        while len(said) < each * len(PEOPLE):
            said += texts([chatter.message()])
        heard[chatter.nick] = said

    with crowd(server, PEOPLE, "#babel") as people:
        threads = [threading.Thread(target=talk, args=(chatter,)) for chatter in people]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        late = [texts(chatter.sync()) for chatter in people]
    assert late == [[]] * len(people)
    assert heard.keys() == set(PEOPLE)
    order = heard["alice"]
    assert all(said == order for said in heard.values())
    for nick in PEOPLE:
        assert [text for text in order if text.startswith(f"{nick} ")] == [f"{nick} {n}" for n in range(each)]


def test_a_msgid_sorts_in_the_order_of_the_log(server: Server) -> None:
    with crowd(server, ["alice", "bob"], "#ids") as (alice, bob):
        ids = [(alice, bob)[number % 2].say("#ids", str(number)).tags["msgid"] for number in range(20)]
    assert ids == sorted(ids)
    assert len(set(ids)) == len(ids)


def test_what_is_said_to_one_is_for_that_one(server: Server) -> None:
    with crowd(server, ["alice", "bob", "carol"], "#lobby") as (alice, bob, carol):
        alice.say("bob", "between us")
        assert nick_of(bob.expect("PRIVMSG", "bob", "between us")) == "alice"
        assert carol.sync() == []


def test_only_members_hear_and_speak(server: Server) -> None:
    with Chatter(server, "alice", join="#inside") as alice, Chatter(server, "bob") as bob:
        alice.sync()  # they may meet in channels in which they were before
        bob.send("PRIVMSG #inside :let me in")
        bob.expect("404", "bob", "#inside")
        bob.send("PRIVMSG #nowhere :hello?")
        bob.expect("403", "bob", "#nowhere")
        assert alice.sync() == []


def test_one_write_is_answered_in_its_order(server: Server) -> None:
    with Chatter(server, "alice", join="#pipe") as alice, Chatter(server, "bob", capabilities=["echo-message"]) as bob:
        bob.send(
            "JOIN #pipe",
            "PRIVMSG #pipe :one",
            "NAMES #pipe",
            "PING two",
            "WHOIS alice",
            "PRIVMSG #pipe :three",
            "NOSUCH",
            "TOPIC #pipe",
            "PRIVMSG",
            "PING four",
            "PART #pipe",
            "PRIVMSG #pipe :five",
            "PING six",
        )
        bob.next_is("JOIN", "#pipe")
        bob.next_is("353")
        bob.next_is("366")
        bob.next_is("PRIVMSG", "#pipe", "one")
        bob.next_is("353")
        bob.next_is("366")
        bob.next_is("PONG", "securechat.local", "two")
        bob.next_is("311", "bob", "alice")
        bob.expect("318")
        bob.next_is("PRIVMSG", "#pipe", "three")
        bob.next_is("421", "bob", "NOSUCH")
        bob.next_is("331", "bob", "#pipe")
        bob.next_is("411")
        bob.next_is("PONG", "securechat.local", "four")
        bob.next_is("PART", "#pipe")
        bob.next_is("404", "bob", "#pipe")
        bob.next_is("PONG", "securechat.local", "six")
        assert texts(alice.sync()) == ["one", "three"]


def test_a_label_comes_back_with_the_answer(server: Server) -> None:
    with crowd(server, ["alice", "bob"], "#labels") as (alice, bob):
        alice.send("@label=a1 PRIVMSG #labels :mine", "@label=a2 NAMES #labels", "@label=a3 PONG x")
        echo = alice.next_is("PRIVMSG", "#labels", "mine")
        assert echo.tags["label"] == "a1"
        batch = alice.next_is("BATCH")
        assert batch.tags["label"] == "a2"
        assert alice.next_is("353").tags["batch"] == batch.params[0].removeprefix("+")
        alice.next_is("366")
        alice.next_is("BATCH", batch.params[0].replace("+", "-"))
        assert alice.next_is("ACK").tags["label"] == "a3"
        assert "label" not in bob.expect("PRIVMSG", "#labels", "mine").tags


@pytest.fixture
def channel_maker(server: Server) -> Iterator[Chatter]:
    with Chatter(server, "heidi", join="#garden") as heidi:
        yield heidi


def test_who_makes_a_channel_is_its_operator(server: Server, channel_maker: Chatter) -> None:
    with Chatter(server, "bob", join="#garden") as bob:
        bob.send("TOPIC #garden :weeds")
        bob.expect("482", "bob", "#garden")
        channel_maker.send("TOPIC #garden :roses")
        assert nick_of(bob.expect("TOPIC", "#garden", "roses")) == "heidi"
        bob.send("LIST #garden")
        assert bob.expect("322", "bob", "#garden").params[2:] == ["2", "roses"]


def test_nobody_is_operator_of_the_lobby(server: Server) -> None:
    with Chatter(server, "frank", join="#lobby") as frank:
        frank.send("NAMES #lobby")
        assert "@" not in frank.expect("353").params[-1]
        frank.send("TOPIC #lobby :mine")
        frank.expect("482", "frank", "#lobby")
