"""RENAME, with its fallback (IRCv3 channel-rename)."""

import pytest

from tests.server.wire import Opener, commands, one, params, shown

CAP = "draft/channel-rename"


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("RENAME", "461 {} RENAME :Not enough parameters"),
        ("RENAME #mine", "461 {} RENAME :Not enough parameters"),
        ("RENAME #nowhere #new", "403 {} #nowhere :No such channel"),
        ("RENAME #nowhere bad", "403 {} #nowhere :No such channel"),
        ("RENAME #LOBBY #new", "442 {} #lobby :You're not on that channel"),
        (
            "RENAME #mine new",
            "FAIL RENAME CANNOT_RENAME #mine new :Only its owner can, to a new name that can be one",
        ),
        (
            "RENAME #mine &new",
            "FAIL RENAME CANNOT_RENAME #mine &new :Only its owner can, to a new name that can be one",
        ),
        (
            "RENAME #mine :#a b",
            "FAIL RENAME CANNOT_RENAME #mine * :Only its owner can, to a new name that can be one",
        ),
        (
            "RENAME #mine :",
            "FAIL RENAME CANNOT_RENAME #mine * :Only its owner can, to a new name that can be one",
        ),
        (
            "RENAME #mine #a,#b",
            "FAIL RENAME CANNOT_RENAME #mine #a,#b :Only its owner can, to a new name that can be one",
        ),
        (
            "RENAME #MINE #mine",
            "FAIL RENAME CANNOT_RENAME #mine #mine :Only its owner can, to a new name that can be one",
        ),
        (
            "RENAME #mine #LOBBY",
            "FAIL RENAME CHANNEL_NAME_IN_USE #mine #LOBBY :There is a channel with that name already",
        ),
    ],
)
@pytest.mark.parametrize("caps", [(), (CAP,)])
def test_what_fails(opened: Opener, line: str, answer: str, caps: tuple[str, ...]) -> None:
    client = opened(None, *caps, join="#mine")
    assert client.asked(line) == [answer.format(client.nick)]
    assert one(client.ask("NAMES #mine"), "353").params[2] == "#mine"


def test_everybody_is_told_in_their_way(opened: Opener) -> None:
    op = opened(None, CAP, join="#Old")
    op.ask("TOPIC #old :a topic", "MODE #old +mk key")
    knowing = opened(None, CAP, "no-implicit-names")
    plain, extended = opened(), opened("ext", "extended-join", account="dave")
    for client in (knowing, plain, extended):
        client.ask("JOIN #old key")
    for client in (op, knowing, plain):
        client.sync()
    (rename,) = op.ask("RENAME #OLD #New :Typo fix")
    assert [rename.command, *rename.params] == ["RENAME", "#Old", "#New", "Typo fix"]
    assert (rename.source or "").startswith(f"{op.nick}!{op.nick}@")
    assert [message.serialise() for message in knowing.sync()] == [rename.serialise()]
    names = f"@{op.nick} {knowing.nick} {plain.nick} ext"
    for client, join in ((plain, ["#New"]), (extended, ["#New", "dave", "ext the tester"])):
        answers = client.sync()
        assert commands(answers) == ["PART", "JOIN", "332", "333", "353", "366"]
        part, joined = answers[:2]
        assert (part.source or "").partition("!")[0] == (joined.source or "").partition("!")[0] == client.nick
        assert part.params == ["#Old", "Typo fix"]
        assert joined.params == join
        assert one(answers, "332").params == [client.nick, "#New", "a topic"]
        assert one(answers, "353").params == [client.nick, "=", "#New", names]
    assert one(plain.ask("MODE #new"), "324").params == [plain.nick, "#New", "+mntk", "key"]
    assert plain.asked("MODE #old") == [f"403 {plain.nick} #old :No such channel"]
    assert commands(op.ask("PRIVMSG #new :hello")) == []
    assert one(plain.sync(), "PRIVMSG").params == ["#New", "hello"]


def test_without_a_reason(opened: Opener) -> None:
    op, member = opened.pair("#r1", CAP)
    answers = op.ask("RENAME #r1 #r2")
    assert commands(answers) == ["PART", "JOIN", "353", "366"]
    assert answers[0].params == ["#r1"]
    (rename,) = member.sync()
    assert rename.params == ["#r1", "#r2", ""]
    assert " RENAME #r1 #r2 :" in member.lines[-2]


def test_only_the_case(opened: Opener) -> None:
    """ "This fallback SHOULD NOT be used if the rename only changes the case"."""
    op, member = opened.pair("#case", CAP)
    assert op.ask("RENAME #case #CASE") == []
    assert params(member.sync(), "RENAME") == [["#case", "#CASE", ""]]
    assert one(op.ask("NAMES #case"), "353").params[2] == "#CASE"


def test_who_may_not(opened: Opener) -> None:
    op, member = opened.pair("#guests")
    assert member.asked("RENAME #guests #other") == [f"482 {member.nick} #guests :You're not channel operator"]
    op.ask(f"MODE #guests +h {member.nick}")
    member.sync()
    assert commands(member.ask("RENAME #guests #other")) == ["482"]
    owner = opened(account="alice", join="#alices")
    operator = opened(join="#alices")
    owner.ask(f"MODE #alices +o {operator.nick}")
    operator.sync()
    assert operator.asked("RENAME #alices #other") == [
        "FAIL RENAME CANNOT_RENAME #alices #other :Only its owner can, to a new name that can be one"
    ]
    boss = opened(account="boss", join="#lobby")
    assert boss.asked("RENAME #lobby #hall") == [
        "FAIL RENAME CANNOT_RENAME #lobby #hall :Only its owner can, to a new name that can be one"
    ]


def test_what_belongs_to_a_channel_stays(opened: Opener) -> None:
    owner = opened(account="alice", join="#before")
    bob, guest = opened(account="Bob", join="#before"), opened()
    owner.ask("MODE #before +io Bob", "MODE #before +beI troll *!*@x friend", f"INVITE {guest.nick} #before")
    guest.sync()
    owner.ask("RENAME #before #after")
    assert params(guest.ask("INVITE"), "336") == [[guest.nick, "#after"]]
    assert commands(guest.ask("JOIN #after")) == ["JOIN", "353", "366"]
    assert commands(owner.ask("MODE #after beI")) == ["JOIN", "367", "368", "348", "349", "346", "347"]
    owner.ask("MODE #after -i")
    for client in (bob, owner):
        client.ask("PART #after")
        assert "@" + client.nick in one(client.ask("JOIN #after"), "353").params[3].split()
    assert [shown(m) for m in owner.ask("OWNER #after")] == [
        "NOTE OWNER CHANNEL_OWNER #after alice :#after belongs to the account alice"
    ]
    again = opened(account="alice")
    assert any(" JOIN #after" in line for line in again.lines)
    old = opened()
    assert one(old.ask("JOIN #before"), "353").params[3] == f"@{old.nick}"  # the old name is anybody's


def test_each_device_is_told_in_its_way(opened: Opener) -> None:
    owner = opened(None, CAP, account="carol", join="#devs")
    plain = opened(account="carol")
    assert commands(plain.ask("RENAME #devs #devs2")) == ["PART", "JOIN", "353", "366"]
    assert [shown(message) for message in owner.sync()] == ["carol RENAME #devs #devs2 :"]
    late = opened(account="carol")
    assert [line.split()[1:3] for line in late.lines if " JOIN " in line] == [["JOIN", "#devs2"]]
    owner.ask("OWNER #devs2 *")


def test_back_again(opened: Opener) -> None:
    op, member = opened.pair("#ping")
    op.ask("RENAME #ping #pong", "RENAME #pong #ping :back")
    assert params(member.sync(), "JOIN") == [["#pong"], ["#ping"]]
    assert op.asked("RENAME #pong #x") == [f"403 {op.nick} #pong :No such channel"]


def test_longest_names_and_reason(opened: Opener) -> None:
    old, new = "#" + "o" * 63, "#" + "n" * 63
    op = opened("o" * 32, CAP, account="alice", join=old)
    (rename,) = op.ask(f"RENAME {old} {new} :{'x' * 330}")
    assert rename.params[:2] == [old, new]
    assert set(rename.params[2]) == {"x"}
    op.ask(f"RENAME {new} {old}")
    assert op.asked(f"RENAME {old} {new}n") == [
        f"FAIL RENAME CANNOT_RENAME {old} {new}n :Only its owner can, to a new name that can be one"
    ]
