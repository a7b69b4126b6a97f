"""NAMES, with multi-prefix and userhost-in-names (Modern IRC, "NAMES message"; no-implicit-names is in test_join)."""

import pytest

from tests.server.wire import Opener, commands, one, params


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("NAMES #NoWhere", "366 {} #NoWhere :End of /NAMES list"),
        ("NAMES foo", "366 {} foo :End of /NAMES list"),
        ("NAMES", "366 {} * :End of /NAMES list"),
        ("NAMES :", "366 {} * :End of /NAMES list"),
        ("NAMES :#a b", "366 {} * :End of /NAMES list"),
        ("NAMES #nowhere irc.example.org", "366 {} #nowhere :End of /NAMES list"),
    ],
)
def test_one_answer(opened: Opener, line: str, answer: str) -> None:
    client = opened()
    assert client.asked(line) == [answer.format(client.nick)]


def test_who_made_it_alone(opened: Opener) -> None:
    client = opened(join="#alone")
    assert client.asked("NAMES #ALONE") == [
        f"353 {client.nick} = #alone :@{client.nick}",
        f"366 {client.nick} #alone :End of /NAMES list",
    ]


def test_several(opened: Opener) -> None:
    first, second = opened.pair("#Names")
    outsider = opened()
    answers = outsider.ask("NAMES #names,#nowhere,#NAMES")
    assert commands(answers) == ["353", "366", "366", "353", "366"]
    assert answers[0].params == [outsider.nick, "=", "#Names", f"@{first.nick} {second.nick}"]
    assert params(answers, "366")[0][1] == "#Names"
    assert params(answers, "366")[1][1] == "#nowhere"


def test_several_lines(opened: Opener) -> None:
    people = [opened(f"{'long' * 7}{number:04}", join="#crowd") for number in range(20)]
    people[0].sync()
    answers = people[0].ask("NAMES #crowd")
    lines = params(answers, "353")
    assert len(lines) > 1
    assert commands(answers) == ["353"] * len(lines) + ["366"]
    names = " ".join(line[3] for line in lines).split()
    assert [name.lstrip("@") for name in names] == [person.nick for person in people]


def test_the_invisible_are_seen_by_members_only(opened: Opener) -> None:
    first, second = opened.pair("#hide")
    second.ask(f"MODE {second.nick} +i")
    outsider = opened()
    assert one(outsider.ask("NAMES #hide"), "353").params[3] == f"@{first.nick}"
    assert one(first.ask("NAMES #hide"), "353").params[3] == f"@{first.nick} {second.nick}"
    first.ask(f"MODE {first.nick} +i")
    assert commands(outsider.ask("NAMES #hide")) == ["366"]
    assert one(outsider.ask("JOIN #hide"), "353").params[3] == f"@{first.nick} {second.nick} {outsider.nick}"


def test_a_secret_channel_has_another_symbol_and_shows_nothing_outside(opened: Opener) -> None:
    first, second = opened.pair("#shh")
    first.ask("MODE #shh +s")
    second.sync()
    assert one(second.ask("NAMES #shh"), "353").params[:3] == [second.nick, "@", "#shh"]
    outsider = opened()
    assert outsider.asked("NAMES #Shh") == [f"366 {outsider.nick} #Shh :End of /NAMES list"]


def test_prefixes_and_hosts(opened: Opener) -> None:
    op = opened(join="#prefix")
    both = opened(None, "multi-prefix", "userhost-in-names", join="#prefix")
    multi = opened(None, "multi-prefix", join="#prefix")
    hosts = opened(None, "userhost-in-names", join="#prefix")
    members = (op, both, multi, hosts)
    op.ask(f"MODE #prefix +vhov {op.nick} {both.nick} {both.nick} {both.nick}", f"MODE #prefix +v {multi.nick}")
    for client in members:
        client.sync()
    whois = one(op.ask(f"WHOIS {op.nick}"), "311").params
    full = [f"{client.nick}!{client.nick}@{whois[3]}" for client in members]
    nicks = [client.nick for client in members]
    highest, all_ = ("@", "@", "+", ""), ("@+", "@%+", "+", "")
    for client, prefixes, names in (
        (op, highest, nicks),
        (both, all_, full),
        (multi, all_, nicks),
        (hosts, highest, full),
    ):
        expected = " ".join(prefix + name for prefix, name in zip(prefixes, names, strict=True))
        assert one(client.ask("NAMES #prefix"), "353").params[3] == expected
    assert one(multi.ask(f"WHOIS {both.nick}"), "319").params[2] == "@%+#prefix"
    assert one(op.ask(f"WHOIS {both.nick}"), "319").params[2] == "@#prefix"
