"""Three devices of one account, through the end of the server and its next start, however it ended."""

import re
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from securechat.irc.message import Message
from tests.e2e.servers import MakePlace, Server, running
from tests.e2e.wires import Chatter, nick_of

DEVICES = ("phone", "tablet", "desk")
NOBODY = "No device is connected"


def device(server: Server, name: str, account: str = "alice", **options: object) -> Chatter:
    """One that has been shown what it missed, and has said so."""
    chatter = Chatter(server, account, device=name, **options)  # type: ignore[arg-type]
    for line in chatter.welcome:
        if line.startswith("PING "):
            chatter.send(f"PONG {line.partition(' ')[2]}")
    chatter.sync()
    return chatter


@pytest.fixture
def three(server: Server) -> Iterator[list[Chatter]]:
    """Three devices of alice, who is in #ours and nowhere else."""
    with ExitStack() as stack:
        found = [stack.enter_context(device(server, name)) for name in DEVICES]
        found[0].send("JOIN 0", "JOIN #ours")
        for chatter in (*found, *found):
            chatter.sync()
        yield found


def lines(chatter: Chatter) -> list[str]:
    """What has come: who, what and with which parameters."""
    return [" ".join([nick_of(message), message.command, *message.params]) for message in chatter.sync()]


def missed(chatter: Chatter, target: str = "#ours") -> list[str]:
    """The texts that one was shown behind its welcome, which must be in order and in a batch."""
    messages = [Message.parse(line) for line in chatter.welcome]
    said = [message for message in messages if message.command == "PRIVMSG" and message.params[0] == target]
    ids = [message.tags["msgid"] for message in said]
    assert ids == sorted(set(ids))
    assert all("batch" in message.tags for message in said)
    return [message.params[1] for message in said]


def test_all_see_all(server: Server, three: list[Chatter]) -> None:
    """One nick; what one of them sends the others see, once, and their own copy is the echo."""
    phone, tablet, desk = three
    with Chatter(server, "bob", join="#ours") as bob:
        for chatter in three:
            chatter.sync()
        phone.send("PRIVMSG #ours :from the phone", "NOTICE bob :for you alone")
        expected = ["alice PRIVMSG #ours from the phone", "alice NOTICE bob for you alone"]
        assert [lines(chatter) for chatter in (phone, tablet, desk, bob)] == [expected] * 4
        bob.send("PRIVMSG alice :to all of you", "PRIVMSG #ours :and here")
        bob.sync()
        expected = ["bob PRIVMSG alice to all of you", "bob PRIVMSG #ours and here"]
        assert [lines(chatter) for chatter in three] == [expected] * 3
        bob.send("NAMES #ours")
        assert sorted(bob.expect("353").params[3].split()) == ["@alice", "bob"]


def test_joins_and_parts_apply_to_all(server: Server, three: list[Chatter]) -> None:
    phone, tablet, desk = three
    with Chatter(server, "bob", join="#ours") as bob:
        for chatter in three:
            chatter.sync()
        tablet.send("PART #ours :enough")
        tablet.sync()
        assert [lines(chatter) for chatter in (phone, desk, bob)] == [["alice PART #ours enough"]] * 3
        desk.send("JOIN #ours")
        desk.sync()
        for chatter in (phone, tablet):
            assert lines(chatter)[0].startswith("alice JOIN #ours")
        assert lines(bob)[0].startswith("alice JOIN #ours")


def test_away_when_all_are_and_gone_when_the_last_is(server: Server, three: list[Chatter]) -> None:
    with Chatter(server, "bob", capabilities=["away-notify"], join="#ours") as bob:
        for chatter in three[:2]:
            chatter.send("AWAY :not here")
            chatter.sync()
        assert lines(bob) == []
        three[2].send("AWAY :nowhere")
        three[2].sync()
        assert lines(bob) == ["alice AWAY nowhere"]
        three[0].send("AWAY")
        three[0].sync()
        assert lines(bob) == ["alice AWAY"]
        three[1].quit()
        three[2].quit()
        assert lines(bob) == []
        three[0].quit()
        assert lines(bob) == ["alice QUIT Quit: bye"]


@pytest.mark.parametrize("killed", [False, True])
def test_the_next_login_is_in_the_channels_again(make_place: MakePlace, killed: bool) -> None:
    """And is shown what its device has missed, before a server's end and after it."""
    place = make_place()
    with running(place) as server, ExitStack() as stack:
        phone, tablet = (stack.enter_context(device(server, name, join="#ours")) for name in DEVICES[:2])
        tablet.send("JOIN #left", "PART #left")
        tablet.sync()
        phone.quit()
        with device(server, "home", "bob", join="#ours") as bob:
            bob.say("#ours", "one")
            tablet.expect("PRIVMSG")
            tablet.quit()
            bob.say("#ours", "two")
        if killed:
            server.kill()
        else:
            assert server.stop() == 0
    with running(place) as server, device(server, "home", "bob") as bob:
        bob.say("#ours", "three")
        for name, expected in (("phone", ["one", "two", "three"]), ("tablet", ["two", "three"])):
            with device(server, name) as chatter:
                assert missed(chatter) == expected
                assert [line for line in chatter.welcome if re.search(r" JOIN #\w+ alice ", line)] == [
                    line for line in chatter.welcome if " JOIN #ours alice " in line
                ]
                assert chatter.sync() == []
        with device(server, "phone") as phone:
            assert missed(phone) == []


@pytest.mark.parametrize("killed", [False, True])
def test_who_is_always_on(make_place: MakePlace, killed: bool) -> None:
    """They are in their channels with no device, also after a restart, and nobody sees them leave or come."""
    place = make_place()
    with running(place) as server, ExitStack() as stack:
        bob = stack.enter_context(device(server, "home", "bob", join="#ours"))
        three = [stack.enter_context(device(server, name, join="#ours")) for name in DEVICES]
        three[0].send("SETTINGS always-on on")
        assert three[0].next_is("NOTE").params[1:4] == ["SETTING", "always-on", "on"]
        bob.sync()
        for chatter in three:
            chatter.quit()
        assert lines(bob) == []
        bob.send("PRIVMSG alice :while you were away")
        assert bob.expect("301").params[1] == "alice"
        if killed:
            server.kill()
            bob.until_cut_off()
            bob.sock.close()
        else:
            assert server.stop() == 0
    with running(place) as server, device(server, "home", "bob", capabilities=["away-notify", "echo-message"]) as bob:
        bob.send("NAMES #ours", "WHOIS alice")
        assert sorted(bob.expect("353").params[3].split()) == ["@bob", "alice"]
        assert bob.expect("301").params[2] == NOBODY
        bob.sync()
        bob.say("#ours", "again")
        with device(server, "phone") as phone, device(server, "desk") as desk:
            assert missed(phone) == missed(desk) == ["again"]
            assert missed(phone, "alice") == missed(desk, "alice") == ["while you were away"]
            assert lines(bob) == ["alice AWAY"]
        assert lines(bob) == [f"alice AWAY {NOBODY}"]


def test_what_they_saw_before_the_server_stopped_in_order(make_place: MakePlace) -> None:
    """They are not shown it again; and nobody is seen to leave because the server stops."""
    place = make_place()
    with (
        running(place) as server,
        device(server, "phone", join="#ours") as phone,
        device(server, "home", "bob", join="#ours") as bob,
    ):
        bob.say("#ours", "seen")
        phone.expect("PRIVMSG", "#ours", "seen")
        assert server.stop() == 0
        bob.until_cut_off()
        assert not [line for line in bob.lines if " QUIT " in line]
    with running(place) as server, device(server, "home", "bob") as bob:
        bob.say("#ours", "not seen")
        with device(server, "phone") as phone:
            assert missed(phone) == ["not seen"]
