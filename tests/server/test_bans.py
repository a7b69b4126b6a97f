"""The lists of a channel: bans, exceptions from them, and who needs no invitation (Modern IRC, "Ban Channel Mode")."""

from pathlib import Path

import pytest

from securechat.server.config import Limits
from tests.server.wire import Client, Opener, commands, one, params, running

LISTS = [("b", "367", "368"), ("e", "348", "349"), ("I", "346", "347")]


def source(client: Client) -> str:
    """The client's `nick!user@host`."""
    _, nick, username, host, *_ = one(client.ask(f"WHOIS {client.nick}"), "311").params
    return f"{nick}!{username}@{host}"


@pytest.mark.parametrize(("letter", "line", "end"), LISTS)
def test_a_list_says_who_and_when(opened: Opener, letter: str, line: str, end: str) -> None:
    op, member = opened.pair("#Lists")
    assert commands(op.ask(f"MODE #lists +{letter}")) == [end]
    assert op.ask(f"MODE #lists +{letter} one")[0].params == ["#Lists", "+" + letter, "one!*@*"]
    op.ask(f"MODE #lists +{letter} *!*@two.example")
    member.sync()
    outside = opened()
    for client in (op, member, outside):
        for asked in (f"+{letter}", f"-{letter}", letter, f"+{letter} :", letter * 3):
            answers = client.ask(f"MODE #LISTS {asked}")
            assert commands(answers) == [line, line, end]
            first, second, last = answers
            assert first.params[:4] == [client.nick, "#Lists", "one!*@*", source(op)]
            assert second.params[2] == "*!*@two.example"
            assert abs(int(first.params[4]) - int(one(op.ask("MODE #lists"), "329").params[2])) < 60
            assert last.params[:2] == [client.nick, "#Lists"]
    assert op.ask(f"MODE #lists -{letter} ONE!*@*")[0].params == ["#Lists", "-" + letter, "one!*@*"]
    assert [message.params[2] for message in op.ask(f"MODE #lists {letter}")[:-1]] == ["*!*@two.example"]


def test_several_lists_at_once(opened: Opener) -> None:
    op = opened(join="#three")
    op.ask("MODE #three +beI b e i")
    assert commands(op.ask("MODE #three +beI")) == ["367", "368", "348", "349", "346", "347"]
    assert commands(op.ask("MODE #three I")) == ["346", "347"]


@pytest.mark.parametrize(
    ("mask", "whole"),
    [
        ("nick", "nick!*@*"),
        ("nick!user", "nick!user@*"),
        ("user@host", "*!user@host"),
        ("nick!user@host", "nick!user@host"),
        ("*.example.org", "*!*@*.example.org"),
        ("192.0.2.*", "*!*@192.0.2.*"),
        ("2001:db8::*", "*!*@2001:db8::*"),
        ("@host", "*!*@host"),
        ("!user@", "*!user@*"),
        ("*", "*!*@*"),
        ("***!**@*", "*!*@*"),
        ("[x]\\^{|}`_-", "[x]\\^{|}`_-!*@*"),
    ],
)
def test_masks_are_completed(opened: Opener, mask: str, whole: str) -> None:
    op = opened(join="#whole")
    assert op.ask(f"MODE #whole +b {mask}")[0].params == ["#whole", "+b", whole]
    assert op.ask(f"MODE #whole +b {whole}", f"MODE #whole +b {mask.upper()}") == []
    assert op.ask(f"MODE #whole -b {mask}")[0].params == ["#whole", "-b", whole]
    assert op.ask(f"MODE #whole -b {mask}") == []


def test_a_ban_keeps_people_out_and_quiet(opened: Opener) -> None:
    op, member = opened.pair("#ban")
    guest = opened()
    op.ask(f"MODE #ban +bb {guest.nick.upper()} {member.nick[:-1]}?")
    member.sync()
    assert guest.asked("JOIN #ban") == [f"474 {guest.nick} #ban :Cannot join channel (+b)"]
    assert member.asked("PRIVMSG #ban :hey") == [f"404 {member.nick} #ban :Cannot send to channel"]
    assert member.asked("NOTICE #ban :hey") == []
    assert op.sync() == []
    op.ask(f"MODE #ban +v {member.nick}")
    member.sync()
    assert member.ask("PRIVMSG #ban :hey") == []  # a voice speaks
    assert commands(op.ask(f"MODE #ban -v {member.nick}")) == ["PRIVMSG", "MODE"]
    member.sync()
    assert commands(member.ask("PRIVMSG #ban :hey")) == ["404"]
    op.ask(f"MODE #ban -bb {guest.nick} {member.nick[:-1]}?")
    member.sync()
    assert member.ask("PRIVMSG #ban :hey") == []
    assert commands(guest.ask("JOIN #ban")) == ["JOIN", "353", "366"]


def test_a_ban_goes_with_the_host_and_the_new_nick(opened: Opener) -> None:
    op, member = opened.pair("#host")
    host = source(member).partition("@")[2]
    op.ask(f"MODE #host +b *!*@{host}")
    member.sync()
    assert commands(member.ask("PRIVMSG #host :hey")) == ["404"]
    op.ask(f"MODE #host -b+b *!*@{host} renamed")
    member.sync()
    assert member.ask("PRIVMSG #host :hey") == []
    assert commands(member.ask("NICK renamed", "PRIVMSG #host :hey")) == ["NICK", "404"]
    assert commands(member.ask("NICK renamed2", "PRIVMSG #host :hey")) == ["NICK"]


def test_an_exception(opened: Opener) -> None:
    op, member = opened.pair("#exc")
    guest, other = opened(), opened()
    op.ask(f"MODE #exc +bee *!*@* {guest.nick} {member.nick}")
    member.sync()
    assert member.ask("PRIVMSG #exc :hey") == []
    assert commands(other.ask("JOIN #exc")) == ["474"]
    assert commands(guest.ask("JOIN #exc")) == ["JOIN", "353", "366"]
    op.ask(f"MODE #exc -e {member.nick}!*@*")
    member.sync()
    assert commands(member.ask("PRIVMSG #exc :hey")) == ["404"]


def test_who_needs_no_invitation(opened: Opener) -> None:
    op, guest, other = opened(join="#invex"), opened(), opened()
    op.ask(f"MODE #invex +iI {guest.nick}")
    assert commands(other.ask("JOIN #invex")) == ["473"]
    assert commands(guest.ask("JOIN #invex")) == ["JOIN", "353", "366"]
    guest.ask("PART #invex")
    op.ask("MODE #invex +k key")
    assert commands(guest.ask("JOIN #invex")) == ["475"]  # it is for +i alone
    op.ask(f"MODE #invex -k+b key {guest.nick}")
    assert commands(guest.ask("JOIN #invex")) == ["474"]
    op.ask(f"MODE #invex -bI {guest.nick} {guest.nick}")
    assert commands(guest.ask("JOIN #invex")) == ["473"]


def test_the_owner_always_comes_in(opened: Opener) -> None:
    owner = opened(account="alice", join="#mine")
    opened(join="#mine")
    owner.ask("MODE #mine +bikl *!*@* key 1", "PART #mine")
    assert commands(owner.ask("JOIN #mine")) == ["JOIN", "353", "366"]


def test_lists_are_full_at_some_time(certs: Path, tmp_path: Path) -> None:
    with running(certs, tmp_path, limits=Limits(throttle=False, list_entries=3)) as house:
        op, member = Opener(house).pair("#full")
        assert any(" MAXLIST=beI:3 " in line for line in op.asked("ISUPPORT"))
        answers = op.ask("MODE #full +beIb one two three four")
        assert answers[0].params == ["#full", "+beI", "one!*@*", "two!*@*", "three!*@*"]
        assert params(answers, "478") == [[op.nick, "#full", "four!*@*", "Channel list is full"]]
        assert params(member.sync(), "MODE") == [answers[0].params]
        assert op.ask("MODE #full +b ONE") == []  # what is there already needs no room
        assert commands(op.ask("MODE #full +e five")) == ["478"]
        assert op.ask("MODE #full -b+e one five")[0].params == ["#full", "-b+e", "one!*@*", "five!*@*"]


def test_the_longest_entries_fit_into_their_lines(opened: Opener) -> None:
    channel = "#" + "c" * 63
    op = opened("o" * 32, account="alice", join=channel)
    masks = [f"{letter * 194}!*@*" for letter in "ab"]
    assert params(op.ask(f"MODE {channel} +bb {masks[0]} {masks[1]}"), "MODE") == [
        [channel, "+b", masks[0]],
        [channel, "+b", masks[1]],
    ]
    assert [message.params[2] for message in op.ask(f"MODE {channel} b")[:-1]] == masks
    op.ask(f"MODE {channel} -bb {masks[0]} {masks[1]}")
