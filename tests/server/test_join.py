"""JOIN: what it shows, to whom, and what keeps people out (Modern IRC, "JOIN message"; extended-join)."""

from pathlib import Path

import pytest

from securechat.server.config import Limits
from tests.server.wire import NAME, Opener, commands, one, params, running, shown


def test_a_join_shows_the_channel(opened: Opener) -> None:
    first = opened()
    join, names, end = first.ask("JOIN #New")
    assert (join.command, join.params) == ("JOIN", ["#New"])
    assert (join.source or "").startswith(f"{first.nick}!{first.nick}@")
    assert [names.command, *names.params] == ["353", first.nick, "=", "#New", f"@{first.nick}"]
    assert [end.command, *end.params] == ["366", first.nick, "#New", "End of /NAMES list"]
    first.ask("TOPIC #New :about it")
    second = opened()
    answers = second.ask("JOIN #nEW")
    assert commands(answers) == ["JOIN", "332", "333", "353", "366"]
    assert {
        message.params[0 if message.command == "JOIN" else 1] for message in answers if message.command != "353"
    } == {"#New"}
    assert one(answers, "332").params == [second.nick, "#New", "about it"]
    assert one(answers, "333").params[:3] == [second.nick, "#New", first.nick]
    assert one(answers, "333").params[3].isdecimal()
    assert one(answers, "353").params[3] == f"@{first.nick} {second.nick}"
    assert [shown(message) for message in first.sync()] == [f"{second.nick} JOIN :#New"]


def test_who_is_in_already_is_told_nothing(opened: Opener) -> None:
    first, second = opened.pair("#twice")
    assert second.ask("JOIN #twice", "JOIN #TWICE wrongkey") == []
    first.ask("MODE #twice +ikb key *!*@*")
    second.sync()
    assert second.ask("JOIN #twice") == []
    assert first.sync() == []


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("JOIN", "461 {} JOIN :Not enough parameters"),
        ("JOIN :", "461 {} JOIN :Not enough parameters"),
        ("JOIN ,", "461 {} JOIN :Not enough parameters"),
        ("JOIN foo", "403 {} foo :No such channel"),
        ("JOIN &local", "403 {} &local :No such channel"),
        ("JOIN @#status", "403 {} @#status :No such channel"),
        ("JOIN #", "476 {} # :Bad Channel Mask"),
        ("JOIN 00", "403 {} 00 :No such channel"),
        ("JOIN :#with space", "476 {} * :Bad Channel Mask"),
        ("JOIN ::#colon", "403 {} * :No such channel"),
        ("JOIN #bell\x07", "476 {} #bell\x07 :Bad Channel Mask"),
        ("JOIN #" + "x" * 64, "476 {} #" + "x" * 64 + " :Bad Channel Mask"),
        ("JOIN #zero\u200bwidth", "476 {} #zero\u200bwidth :Bad Channel Mask"),
    ],
)
def test_what_is_no_channel(opened: Opener, line: str, answer: str) -> None:
    client = opened()
    assert client.asked(line) == [answer.format(client.nick)]


@pytest.mark.parametrize("name", ["##", "#c++", "#" + "x" * 63, "#é✓", "#a#b", "#0", "#A:b", "#{|}", "#*", "#?!@"])
def test_names_of_channels(opened: Opener, name: str) -> None:
    client = opened()
    assert commands(client.ask(f"JOIN {name}")) == ["JOIN", "353", "366"]
    assert client.ask(f"PART {name}")[0].params == [name]


def test_case_is_folded_in_ascii_alone(opened: Opener) -> None:
    client = opened()
    for name in ("#É", "#é", "#[x]", "#{x}", "#~", "#^"):
        assert commands(client.ask(f"JOIN {name}")) == ["JOIN", "353", "366"]


def test_several_channels_in_one_line(opened: Opener) -> None:
    first, second = opened(join="#s1"), opened()
    answers = second.ask("JOIN #s1,bad,#s2,#S1,#s2 key1,key2")
    assert commands(answers) == ["JOIN", "353", "366", "403", "JOIN", "353", "366"]
    assert params(answers, "JOIN") == [["#s1"], ["#s2"]]
    assert [shown(message) for message in first.sync()] == [f"{second.nick} JOIN :#s1"]


def test_each_channel_has_its_key(opened: Opener) -> None:
    owner = opened(join="#k1,#k2,#k3")
    owner.ask("MODE #k1 +k one", "MODE #k2 +k two", "MODE #k3 +k three")
    refused = "475 {} {} :Cannot join channel (+k)"
    for line, bad, good in (
        ("JOIN #k1", ["#k1"], []),
        ("JOIN #k1 two", ["#k1"], []),
        ("JOIN #k1 One", ["#k1"], []),
        ("JOIN #k1,#k2,#k3 one", ["#k2", "#k3"], ["#k1"]),
        ("JOIN #k1,#k2,#k3 ,two", ["#k1", "#k3"], ["#k2"]),
        ("JOIN #k1,#k2,#k3 one,two,three,four", [], ["#k1", "#k2", "#k3"]),
        ("JOIN #free,#K3 key,three", [], ["#free", "#k3"]),
    ):
        client = opened()
        answers = client.ask(line)
        assert params(answers, "JOIN") == [[name] for name in good], line
        assert [shown(m) for m in answers if m.command == "475"] == [refused.format(client.nick, n) for n in bad], line
        assert len(answers) == 3 * len(good) + len(bad)


def test_what_fails_does_not_keep_from_the_rest(opened: Opener) -> None:
    owner = opened(join="#f1,#f2,#f3,#f4")
    owner.ask("MODE #f1 +i", "MODE #f2 +l 1", "MODE #f3 +b *!*@*", "MODE #f4 +R")
    client = opened()
    assert commands(client.ask("JOIN #f1,#f2,#f3,#f4,#f5")) == ["473", "471", "474", "477", "JOIN", "353", "366"]
    assert client.asked("JOIN #F1", "JOIN #F2", "JOIN #F3", "JOIN #F4") == [
        f"473 {client.nick} #f1 :Cannot join channel (+i)",
        f"471 {client.nick} #f2 :Cannot join channel (+l)",
        f"474 {client.nick} #f3 :Cannot join channel (+b)",
        f"477 {client.nick} #f4 :Cannot join channel (+R)",
    ]


def test_join_0_leaves_all(opened: Opener) -> None:
    first, second = opened.pair("#z1")
    second.join("#z2", "#0")
    parts = second.ask("JOIN 0")
    assert sorted(params(parts, "PART")) == [["#0"], ["#z1"], ["#z2"]]
    assert {(message.source or "").partition("!")[0] for message in parts} == {second.nick}
    assert commands(first.sync()) == ["PART"]
    assert second.ask("JOIN 0") == []


def test_too_many_channels(certs: Path, tmp_path: Path) -> None:
    with running(certs, tmp_path, limits=Limits(throttle=False, channels_per_user=2, channels_founded=2)) as house:
        open_ = Opener(house)
        client = open_("me")
        answers = client.ask("JOIN #a,#b,#c")
        assert params(answers, "405") == [["me", "#c", "You have joined too many channels"]]
        assert client.ask("JOIN #A") == []
        client.ask("PART #a")
        assert commands(client.ask("JOIN #c")) == ["JOIN", "353", "366"]
        # An account's channels last, so it can make only so many, wherever it is.
        owner = open_(account="alice")
        owner.ask("JOIN #mine,#mine2", "PART #mine,#mine2")
        assert owner.asked("JOIN #mine3") == ["405 alice #mine3 :You have joined too many channels"]
        assert commands(owner.ask("JOIN #b")) == ["JOIN", "353", "366"]


def test_who_made_it_is_its_operator(opened: Opener) -> None:
    first, second = opened.pair("#op")
    first.ask("PART #op")
    second.ask("PART #op")
    assert one(second.ask("JOIN #op"), "353").params[3] == f"@{second.nick}"  # it was gone, and is made anew
    assert one(second.ask("JOIN #LOBBY"), "353").params[3] == second.nick  # which is the server's own


def test_a_channel_of_an_account_is_nobodys_to_take(opened: Opener) -> None:
    owner = opened(account="alice", join="#owned")
    owner.ask("TOPIC #owned :stays", "PART #owned")
    guest = opened()
    answers = guest.ask("JOIN #owned")
    assert one(answers, "353").params[3] == guest.nick
    assert one(answers, "332").params[2] == "stays"
    back = owner.ask("JOIN #owned")
    assert one(back, "353").params[3] == f"{guest.nick} @alice"
    join, mode = guest.sync()
    assert (join.command, join.params) == ("JOIN", ["#owned"])
    assert (mode.source, mode.command, mode.params) == (NAME, "MODE", ["#owned", "+o", "alice"])


def test_administrators_are_operators_in_the_lobby(opened: Opener) -> None:
    watcher = opened(join="#lobby")
    boss = opened(account="boss")
    assert one(boss.ask("JOIN #lobby"), "353").params[3] == f"{watcher.nick} @boss"
    assert [shown(message) for message in watcher.sync()] == ["boss JOIN :#lobby", "MODE #lobby +o :boss"]
    assert commands(boss.ask("MODE #lobby +m", "MODE #lobby -m")) == ["MODE", "MODE"]
    alice = opened(account="alice")
    assert "@alice" not in one(alice.ask("JOIN #lobby"), "353").params[3].split()


def test_an_account_is_again_what_it_was_made(opened: Opener) -> None:
    owner = opened(account="alice", join="#again")
    bob, guest = opened(account="Bob", join="#again"), opened(join="#again")
    for member in (bob, guest):
        owner.ask(f"MODE #again +ov {member.nick} {member.nick}")
        member.ask("PART #again")
    owner.sync()
    assert one(bob.ask("JOIN #again"), "353").params[3] == "@alice @Bob"
    assert one(guest.ask("JOIN #again"), "353").params[3].split()[-1] == guest.nick
    assert [shown(message) for message in owner.sync()] == [
        "Bob JOIN :#again",
        "MODE #again +ov Bob :Bob",
        f"{guest.nick} JOIN :#again",
    ]
    owner.ask("MODE #again -o Bob", "KICK #again Bob")
    assert one(bob.ask("JOIN #again"), "353").params[3].split()[-1] == "+Bob"
    assert [shown(message) for message in owner.sync()] == ["Bob JOIN :#again", "MODE #again +v :Bob"]


def test_two_devices_are_one_member(opened: Opener) -> None:
    watcher = opened(join="#dev")
    phone = opened(account="carol", join="#dev")
    assert commands(watcher.sync()) == ["JOIN"]
    laptop = opened.stranger()
    laptop.register(account="carol")
    start = next(number for number, line in enumerate(laptop.lines) if " JOIN #dev" in line)
    assert laptop.lines[start].startswith(":carol!carol@user/carol JOIN #dev")
    assert watcher.sync() == []
    laptop.ask("JOIN #dev2")
    assert commands(phone.sync()) == ["JOIN", "353", "366"]
    phone.ask("PRIVMSG #dev :from the phone")
    assert [shown(message) for message in laptop.sync()] == ["carol PRIVMSG #dev :from the phone"]
    phone.send("QUIT")
    phone.to_end()
    assert commands(watcher.sync()) == ["PRIVMSG"]
    laptop.send("QUIT")
    laptop.to_end()
    assert commands(watcher.sync()) == ["QUIT"]


def test_extended_join(opened: Opener) -> None:
    plain = opened(join="#ext")
    extended = opened(None, "extended-join", join="#ext")
    plain.sync()
    opened(account="dave", join="#ext")
    guest = opened(join="#ext")
    assert params(extended.sync(), "JOIN") == [
        ["#ext", "dave", "dave the tester"],
        ["#ext", "*", f"{guest.nick} the tester"],
    ]
    assert params(plain.sync(), "JOIN") == [["#ext"], ["#ext"]]


def test_no_implicit_names(opened: Opener) -> None:
    """ "servers MUST NOT send an implicit NAMES reply", also where another device has joined."""
    first = opened(join="#nin")
    first.ask("TOPIC #nin :a topic")
    silent = opened(None, "no-implicit-names", account="carol")
    assert commands(silent.ask("JOIN #nin")) == ["JOIN", "332", "333"]
    assert commands(silent.ask("NAMES #nin")) == ["353", "366"]
    phone = opened(account="carol")
    assert any(" 366 " in line for line in phone.lines)
    phone.ask("JOIN #nin2")
    assert commands(silent.sync()) == ["JOIN"]
    again = opened(None, "no-implicit-names", account="carol")
    assert [line.split()[1] for line in again.lines if "#nin" in line] == ["JOIN", "332", "333", "JOIN"]
    by_its_old_name = opened(None, "draft/no-implicit-names")
    assert commands(by_its_old_name.ask("JOIN #nin")) == ["JOIN", "332", "333"]
