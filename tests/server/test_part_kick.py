"""PART and KICK (Modern IRC, "PART message" and "KICK message")."""

from pathlib import Path

import pytest

from securechat.server.config import Limits
from tests.server.wire import Opener, commands, one, params, running, shown


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("PART", "461 {} PART :Not enough parameters"),
        ("PART :", "461 {} PART :Not enough parameters"),
        ("PART ,,", "461 {} PART :Not enough parameters"),
        ("PART #nowhere", "403 {} #nowhere :No such channel"),
        ("PART foo :x", "403 {} foo :No such channel"),
        ("PART :#a b", "403 {} * :No such channel"),
        ("PART #LOBBY", "442 {} #lobby :You're not on that channel"),
        ("KICK", "461 {} KICK :Not enough parameters"),
        ("KICK #lobby", "461 {} KICK :Not enough parameters"),
        ("KICK #lobby :", "461 {} KICK :Not enough parameters"),
        ("KICK : nick", "461 {} KICK :Not enough parameters"),
        ("KICK , nick", "461 {} KICK :Not enough parameters"),
        ("KICK #nowhere nobody", "403 {} #nowhere :No such channel"),
        ("KICK foo nobody :x", "403 {} foo :No such channel"),
        ("KICK #LOBBY nobody", "442 {} #lobby :You're not on that channel"),
        ("KICK #LOBBY {}", "442 {} #lobby :You're not on that channel"),
    ],
)
def test_one_answer(opened: Opener, line: str, answer: str) -> None:
    client = opened()
    assert client.asked(line.replace("{}", client.nick)) == [answer.format(client.nick)]


def test_several_parts_in_one_line(opened: Opener) -> None:
    first, second = opened.pair("#p1")
    second.join("#p2")
    parts = second.ask("PART #p1,#nowhere,#p2,#lobby,#P1 :so long")
    assert [shown(message) for message in parts] == [
        f"{second.nick} PART #p1 :so long",
        f"403 {second.nick} #nowhere :No such channel",
        f"{second.nick} PART #p2 :so long",
        f"442 {second.nick} #lobby :You're not on that channel",
        f"442 {second.nick} #p1 :You're not on that channel",
    ]
    assert [shown(message) for message in first.sync()] == [f"{second.nick} PART #p1 :so long"]


def test_as_many_as_a_line_holds(opened: Opener) -> None:
    client = opened()
    answers = client.ask("PART " + ",".join(f"#{number}" for number in range(100)))
    assert len(params(answers, "403")) == 100


@pytest.mark.parametrize(("line", "rest"), [("PART #PART", []), ("PART #part :", []), ("PART #part x", ["x"])])
def test_the_reason_of_a_part(opened: Opener, line: str, rest: list[str]) -> None:
    first, second = opened.pair("#part")
    assert second.ask(line)[0].params == ["#part", *rest]
    assert first.sync()[0].params == ["#part", *rest]
    assert second.asked(line) == [f"442 {second.nick} #part :You're not on that channel"]


def test_a_long_reason_is_cut(opened: Opener) -> None:
    first, second = opened.pair("#part")
    second.ask("PART #part :" + "x" * 490)  # the client sees to it that no line is too long
    (seen,) = first.sync()
    assert set(seen.params[1]) == {"x"}


def test_who_is_gone_from_the_chat_is_gone_from_the_channel(opened: Opener) -> None:
    first, second = opened.pair("#gone")
    second.join("#gone2")
    first.join("#gone2")
    second.sync()
    second.send("QUIT :bye")
    second.to_end()
    assert [shown(message) for message in first.sync()] == [f"{second.nick} QUIT :Quit: bye"]  # once for both channels
    assert one(first.ask("NAMES #gone"), "353").params[3] == f"@{first.nick}"


# -- KICK -------------------------------------------------------------------------------------------------------------


def test_everybody_sees_a_kick(opened: Opener) -> None:
    op, victim = opened.pair("#Kick")
    witness = opened(join="#kick")
    victim.sync()
    op.sync()
    (seen,) = op.ask(f"KICK #kick {victim.nick.upper()} :because I can")
    assert seen.params == ["#Kick", victim.nick, "because I can"]
    assert (seen.source or "").startswith(f"{op.nick}!{op.nick}@")
    for other in (victim, witness):
        assert [message.serialise() for message in other.sync()] == [seen.serialise()]
    assert one(op.ask("NAMES #kick"), "353").params[3] == f"@{op.nick} {witness.nick}"
    assert victim.asked("PRIVMSG #kick :hey") == [f"404 {victim.nick} #Kick :Cannot send to channel"]
    assert victim.asked("PART #kick") == [f"442 {victim.nick} #Kick :You're not on that channel"]
    assert commands(victim.ask("JOIN #kick")) == ["JOIN", "353", "366"]  # a kick is no ban


@pytest.mark.parametrize("line", ["KICK #default {}", "KICK #default {} :"])
def test_the_usual_comment_is_the_nick_of_who_kicks(opened: Opener, line: str) -> None:
    op, victim = opened.pair("#default")
    assert op.ask(line.format(victim.nick))[0].params == ["#default", victim.nick, op.nick]
    assert victim.sync()[0].params[2] == op.nick


def test_who_may_not_kick(opened: Opener) -> None:
    op, member = opened.pair("#nokick")
    outside = opened()
    assert (
        member.asked(f"KICK #nokick {op.nick}", "KICK #NoKick nobody", f"KICK #nokick {member.nick}")
        == [f"482 {member.nick} #nokick :You're not channel operator"] * 3
    )
    assert outside.asked(f"KICK #nokick {op.nick}") == [f"442 {outside.nick} #nokick :You're not on that channel"]
    assert op.asked("KICK #nokick nobody", f"KICK #nokick {outside.nick.upper()}", "KICK #nokick :a b") == [
        f"401 {op.nick} nobody :No such nick/channel",
        f"441 {op.nick} {outside.nick} #nokick :They aren't on that channel",
        f"401 {op.nick} * :No such nick/channel",
    ]
    op.ask(f"MODE #nokick +v {member.nick}")
    assert commands(member.ask(f"KICK #nokick {op.nick}")) == ["MODE", "482"]


def test_half_operators_kick_those_who_are_no_operators(opened: Opener) -> None:
    op, half = opened.pair("#half")
    victim = opened(join="#half")
    op.ask(f"MODE #half +hh {half.nick} {victim.nick}")
    half.sync()
    assert half.asked(f"KICK #half {op.nick}") == [f"482 {half.nick} #half :You're not channel operator"]
    assert commands(half.ask(f"KICK #half {victim.nick}")) == ["KICK"]
    assert op.ask(f"KICK #half {half.nick}")[0].command == "KICK"


def test_several_at_once(opened: Opener) -> None:
    op, one_ = opened.pair("#many")
    two, three = opened(join="#many"), opened(join="#many")
    op.sync()
    answers = op.ask(f"KICK #many {one_.nick},nobody,{two.nick},{one_.nick} :all of you")
    assert [shown(message) for message in answers] == [
        f"{op.nick} KICK #many {one_.nick} :all of you",
        f"401 {op.nick} nobody :No such nick/channel",
        f"{op.nick} KICK #many {two.nick} :all of you",
    ]
    assert params(three.sync(), "KICK") == [["#many", nick, "all of you"] for nick in (one_.nick, two.nick)]
    assert commands(one_.sync())[-1] == "KICK"


def test_as_many_nicks_as_channels(opened: Opener) -> None:
    op, victim = opened.pair("#c1")
    op.join("#c2", "#c3")
    victim.join("#c2")
    op.sync()
    nick = victim.nick
    answers = op.asked(f"KICK #c1,#c2,#c3 {nick},{nick},{nick} :out")
    assert answers == [
        f"{op.nick} KICK #c1 {nick} :out",
        f"{op.nick} KICK #c2 {nick} :out",
        f"441 {op.nick} {nick} #c3 :They aren't on that channel",
    ]


def test_the_last_one_may_kick_themselves(opened: Opener) -> None:
    op = opened(join="#self")
    assert op.ask(f"KICK #self {op.nick}")[0].params == ["#self", op.nick, op.nick]
    assert op.asked("TOPIC #self") == [f"403 {op.nick} #self :No such channel"]


def test_a_kick_reaches_all_devices(opened: Opener) -> None:
    op = opened(join="#devices")
    phone, laptop = opened(account="dave", join="#devices"), opened(account="dave")
    op.ask("KICK #devices dave")
    assert commands(phone.sync()) == commands(laptop.sync()) == ["KICK"]


def test_limits(certs: Path, tmp_path: Path) -> None:
    with running(certs, tmp_path, limits=Limits(throttle=False, kick_length=10, targets=2)) as house:
        open_ = Opener(house)
        op, victim = open_.pair("#short")
        answers = op.asked("ISUPPORT")
        assert any(" KICKLEN=10 " in line for line in answers)
        assert any("KICK:2," in line for line in answers)
        assert op.asked(f"KICK #short nobody,noone,{victim.nick}") == [f"407 {op.nick} {victim.nick} :Too many targets"]
        assert op.ask(f"KICK #short {victim.nick} :éééééééé")[0].params[2] == "ééééé"
        assert one(victim.sync(), "KICK").params[2] == "ééééé"


def test_the_longest_kick_fits_into_a_line(opened: Opener) -> None:
    channel = "#" + "c" * 63
    op = opened("o" * 32, account="alice", join=channel)
    victim = opened("v" * 32, join=channel)
    op.sync()
    op.ask(f"KICK {channel} {victim.nick} :{'x' * 280}")
    assert one(victim.sync(), "KICK").params == [channel, victim.nick, "x" * 200]
