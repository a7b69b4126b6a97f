"""OWNER: whose a channel is, handing it over, giving it up."""

from pathlib import Path

import pytest

from securechat.server.config import Limits
from tests.server.wire import Client, Opener, commands, one, running


@pytest.fixture
def alice(opened: Opener) -> Client:
    return opened(account="alice", join="#own")


def told(channel: str, account: str | None) -> str:
    """What an OWNER line is answered with."""
    whose = f"the account {account}" if account else "nobody"
    return f"NOTE OWNER CHANNEL_OWNER {channel} {account or '*'} :{channel} belongs to {whose}"


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("OWNER", "461 {} OWNER :Not enough parameters"),
        ("OWNER #nowhere", "403 {} #nowhere :No such channel"),
        ("OWNER foo", "403 {} foo :No such channel"),
        ("OWNER #nowhere bob", "403 {} #nowhere :No such channel"),
        ("OWNER #nowhere *", "403 {} #nowhere :No such channel"),
        ("OWNER #LOBBY", told("#lobby", None)),
        ("OWNER #LOBBY bob", "FAIL OWNER NOT_OWNER #lobby :The channel is not yours"),
        ("OWNER #lobby *", "FAIL OWNER NOT_OWNER #lobby :The channel is not yours"),
    ],
)
def test_one_answer(opened: Opener, line: str, answer: str) -> None:
    client = opened()
    assert client.asked(line) == [answer.format(client.nick)]


def test_whose_it_is(opened: Opener, alice: Client) -> None:
    assert alice.asked("OWNER #OWN") == opened().asked("OWNER #own") == [told("#own", "alice")]
    guest = opened(join="#guests")
    assert guest.asked("OWNER #guests") == [told("#guests", None)]


def test_the_owner_hands_over(opened: Opener, alice: Client) -> None:
    bob = opened("bobby", account="Bob", join="#own")
    guest = opened(join="#own")
    for client in (alice, bob):
        client.sync()
    assert alice.asked("OWNER #own nobody", "OWNER #own :a b") == [
        "FAIL OWNER ACCOUNT_UNKNOWN nobody :There is no such account",
        "FAIL OWNER ACCOUNT_UNKNOWN * :There is no such account",
    ]
    assert alice.asked("OWNER #OWN bob") == [told("#own", "Bob")]
    assert bob.asked("MODE #own +o bobby") == [told("#own", "Bob"), "bobby MODE #own +o :bobby"]
    assert commands(guest.sync()) == ["MODE"]
    assert commands(alice.ask("OWNER #own alice")) == ["MODE", "FAIL"]
    alice.ask("PART #own")
    assert "alice" in one(alice.ask("JOIN #own"), "353").params[3].split()  # is not an operator any more
    bob.ask("PART #own")
    assert "@bobby" in one(bob.ask("JOIN #own"), "353").params[3].split()
    bob.ask("OWNER #own alice")


def test_the_owner_takes_the_mode_again(opened: Opener, alice: Client) -> None:
    other = opened(join="#own")
    alice.sync()
    alice.ask(f"MODE #own +o {other.nick}")
    other.sync()
    other.ask("MODE #own -o alice")
    alice.sync()
    assert commands(alice.ask("MODE #own +m", "KICK #own nobody")) == ["482", "482"]
    assert alice.asked("MODE #own +o alice", f"MODE #own -o {other.nick}") == [
        "alice MODE #own +o :alice",
        f"alice MODE #own -o :{other.nick}",
    ]
    assert commands(other.ask(f"MODE #own +o {other.nick}")) == ["MODE", "MODE", "482"]
    other.ask("MODE #own -v alice")
    alice.ask("MODE #own -o alice", "PART #own")
    assert "@alice" in one(alice.ask("JOIN #own"), "353").params[3].split()


def test_the_owner_gives_it_up(opened: Opener, alice: Client) -> None:
    guest = opened(join="#own")
    alice.sync()
    assert alice.asked("OWNER #own *") == [told("#own", None)]
    assert alice.asked("OWNER #own") == [told("#own", None)]
    alice.ask("PART #own")
    assert "alice" in one(alice.ask("JOIN #own"), "353").params[3].split()
    alice.ask("PART #own")
    guest.ask("PART #own")
    assert one(guest.ask("JOIN #own"), "353").params[3] == f"@{guest.nick}"  # it went with the last


def test_one_where_nobody_is_ends_when_it_is_given_up(opened: Opener, alice: Client) -> None:
    alice.ask("TOPIC #own :gone with it", "PART #own")
    assert alice.asked("OWNER #own *") == [told("#own", None)]
    assert alice.asked("OWNER #own") == ["403 alice #own :No such channel"]
    guest = opened()
    assert commands(guest.ask("JOIN #own")) == ["JOIN", "353", "366"]


def test_operators_give_away_what_nobody_owns(opened: Opener) -> None:
    op, member = opened.pair("#free")
    refused = "FAIL OWNER NOT_OWNER #free :The channel is not yours"
    assert member.asked("OWNER #free carol") == opened().asked("OWNER #free carol") == [refused]
    op.ask("TOPIC #free :kept", "MODE #free +mb troll")
    assert op.asked("OWNER #free carol") == [f"441 {op.nick} carol #free :They aren't on that channel"]
    carol = opened(account="carol", join="#free")
    op.sync()
    assert op.asked("OWNER #free carol") == [told("#free", "carol")]
    assert op.asked("OWNER #free *") == [refused]
    for client in (op, member, carol):
        client.ask("PART #free")
    answers = carol.ask("JOIN #free")
    assert one(answers, "332").params[2] == "kept"
    assert one(answers, "353").params[3] == "@carol"
    assert one(carol.ask("MODE #free"), "324").params[2] == "+mnt"
    assert commands(carol.ask("MODE #free b")) == ["367", "368"]


def test_operators_of_the_server_may(opened: Opener, alice: Client) -> None:
    alice.ask("MODE #own +s")
    boss, member = opened(account="boss"), opened(account="dave")
    assert member.asked("OWNER #own", "OWNER #own dave") == ["403 dave #own :No such channel"] * 2
    assert boss.asked("OWNER #own") == [told("#own", "alice")]
    assert boss.asked("OWNER #own dave") == [told("#own", "dave")]
    assert alice.asked("OWNER #own") == [told("#own", "dave"), told("#own", "dave")]
    assert member.asked("PING x")[0] == told("#own", "dave")
    boss.ask("OWNER #own alice")
    assert boss.asked("OWNER #lobby boss") == ["FAIL OWNER NOT_OWNER #lobby :The channel is not yours"]


def test_nobody_is_given_more_than_they_may_make(certs: Path, tmp_path: Path) -> None:
    with running(certs, tmp_path, limits=Limits(throttle=False, channels_founded=1)) as house:
        opened = Opener(house)
        opened(account="carol", join="#hers")
        owner = opened(account="alice", join="#own")
        assert owner.ask("OWNER #own carol")[0].params[1:3] == ["TOO_MANY_CHANNELS", "carol"]
        assert owner.asked("OWNER #own alice", "OWNER #own") == [told("#own", "alice")] * 2
