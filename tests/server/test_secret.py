"""A secret channel (+s) answers those who are not in it as one that does not exist, whatever they ask or try.

JOIN apart, which lets them in, and the new name of a RENAME, which can't be taken twice.
"""

import pytest

from securechat.irc.message import Message
from tests.server.wire import Client, Opener, commands, one, params

CAPS = ("message-tags", "labeled-response", "batch", "standard-replies")

LINES = [
    "TOPIC {}",
    "TOPIC {} :x",
    "TOPIC {} :",
    "MODE {}",
    "MODE {} b",
    "MODE {} +beI",
    "MODE {} +Z",
    "MODE {} +m",
    "MODE {} +o me",
    "MODE {} -o+k member key",
    "MODE {} +l",
    "MODE {} +b a!*@*",
    "NAMES {}",
    "NAMES {},{}",
    "WHO {}",
    "WHO {} o",
    "WHO {} %tcnf,1",
    "WHO {}*",
    "WHOIS {}",
    "WHOIS member",
    "WHO member",
    "WHOWAS {}",
    "LIST {}",
    "LIST {}*",
    "LIST",
    "LIST >0",
    "LIST C<10",
    "LIST T<10",
    "INVITE me {}",
    "INVITE member {}",
    "INVITE nobody {}",
    "INVITE",
    "KICK {} member",
    "KICK {} nobody :x",
    "KICK {},{} member,me",
    "PART {}",
    "PART {},{} :x",
    "PRIVMSG {} :x",
    "PRIVMSG @{} :x",
    "PRIVMSG +{} :\x01VERSION\x01",
    "PRIVMSG {},member,{} :x",
    "NOTICE {} :x",
    "@label=n NOTICE {} :x",
    "@label=n NOTICE @{} :x",
    "@+typing=active TAGMSG {}",
    "@label=t;+x TAGMSG @{}",
    "RENAME {} #other",
    "RENAME {} {}",
    "OWNER {}",
    "OWNER {} *",
    "OWNER {} alice",
    "OWNER {} nobody",
    "METADATA {} GET key",
    "METADATA {} LIST",
    "METADATA {} SET key :value",
    "METADATA {} SYNC",
    "METADATA {} CLEAR",
]
"""All with a channel's name where the braces are."""

# What a channel is like besides: nothing of it may make a difference.
KINDS = ["+s", "+s-n", "+sm-nt", "+sikl key 1", "+sb-n *!*@*", "+sMCR-n"]


def answers(client: Client, line: str, channel: str) -> list[str]:
    """What comes, without what differs from one line to the next anyhow; the channel as `{}`, however it is written."""
    name = channel[1:].swapcase()  # as it is written, and not as it is
    messages = client.ask(line.replace("{}", f"#{name}"))
    shown = []
    for message in messages:
        tags = {key: "" if key in ("batch", "msgid") else value for key, value in message.tags.items()}
        if message.command == "BATCH":
            message.params[0] = message.params[0][0]
        if message.command == "317":  # how long somebody has said nothing
            message.params[2] = "0"
        line = Message(message.command, message.params, message.source, tags).serialise()
        shown.append(line.replace(f"#{name}", "{}"))
    return shown


def assert_unseen(client: Client, line: str, channel: str) -> None:
    """Whether the channel is there makes no difference, and its name, as those in it write it, is nowhere."""
    seen = answers(client, line, channel)
    assert seen == answers(client, line, "#Nobody"), line
    assert not any(channel in one for one in seen), seen


@pytest.fixture
def outsider(opened: Opener) -> Client:
    return opened("me", *CAPS)


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_as_if_it_were_not_there(opened: Opener, outsider: Client, kind: str) -> None:
    member = opened("member", join="#Secret")
    member.ask("TOPIC #secret :hidden", f"MODE #secret {kind}", "MODE #secret +b troll")
    before = member.asked("MODE #secret", "TOPIC #secret", "NAMES #secret", "OWNER #secret", "MODE #secret b")
    for line in LINES:
        assert_unseen(outsider, line, "#Secret")
        heard = [message for message in member.sync() if message.params[:1] != ["member"]]
        assert heard == [], line
    assert member.asked("MODE #secret", "TOPIC #secret", "NAMES #secret", "OWNER #secret", "MODE #secret b") == before


def test_these_lines_do_find_a_channel_that_is_not_secret(opened: Opener, outsider: Client) -> None:
    member = opened("member", join="#Open")
    unseen = {
        "WHO {} o",
        "WHO {}*",
        "WHOIS {}",
        "WHOWAS {}",
        "INVITE nobody {}",
        "NOTICE {} :x",
        "INVITE",
        "WHO member",
    }
    for line in LINES:
        member.ask("TOPIC #open :seen")
        found = answers(outsider, line, "#Open")
        differs = found != answers(outsider, line, "#Nobody") if "{}" in line else any("#Open" in one for one in found)
        assert differs or line in unseen or line.startswith("METADATA"), line


def test_one_where_nobody_is(opened: Opener, outsider: Client) -> None:
    owner = opened("member", account="alice", join="#Empty")
    owner.ask("MODE #empty +s", "PART #empty")
    for line in LINES:
        assert_unseen(outsider, line, "#Empty")


def test_one_from_which_somebody_was_thrown_out_and_to_which_they_are_invited(opened: Opener, outsider: Client) -> None:
    op = opened("member", join="#Thrown")
    outsider.join("#thrown")
    op.ask("MODE #thrown +s", "KICK #thrown me")
    outsider.sync()
    for line in LINES:
        assert_unseen(outsider, line, "#Thrown")
    op.ask("INVITE me #thrown")
    assert params(outsider.sync(), "INVITE") == [["me", "#Thrown"]]
    for line in LINES:
        if line != "INVITE":  # which is theirs to see
            assert_unseen(outsider, line, "#Thrown")
    assert commands(outsider.ask("JOIN #thrown")) == ["JOIN", "353", "366"]


def test_who_is_in_it_sees_it(opened: Opener) -> None:
    op, member = opened.pair("#In")
    op.ask("MODE #in +s")
    member.sync()
    assert commands(member.ask("TOPIC #in", "MODE #in", "NAMES #in")) == ["331", "324", "329", "353", "366"]
    assert params(member.ask("LIST"), "322") == [[member.nick, "#In", "2", ""]]
    assert one(member.ask(f"WHOIS {op.nick}"), "319").params[2] == "@#In"
    assert commands(member.ask("WHO #in")) == ["352", "352", "315"]
