"""WHOIS (Modern IRC, "WHOIS message"; IRCv3 bot-mode)."""

import pytest

from tests.server.wire import NAME, Client, Opener, commands, one, params


def host(client: Client) -> str:
    """What others see as a client's host."""
    return str(one(client.ask(f"WHOIS {client.nick}"), "311").params[3])


def test_whois(opened: Opener) -> None:
    client = opened("Marvin", join="#m1")
    other = opened(join="#m2")
    client.join("#m2")
    other.sync()
    answers = other.ask("WHOIS mARVIN")
    assert commands(answers) == ["311", "319", "312", "671", "317", "318"]
    assert all(answer.params[0] == other.nick for answer in answers)
    assert all(answer.params[1] == "Marvin" for answer in answers[:-1])
    user, channels, server, _, idle, end = (answer.params[1:] for answer in answers)
    assert user == ["Marvin", "Marvin", host(client), "*", "Marvin the tester"]
    assert channels[1].split() == ["@#m1", "#m2"]
    assert server[1:] == [NAME, "ExampleNet"]
    assert int(idle[1]) >= 0
    assert int(idle[2]) > 1_700_000_000
    assert end == ["mARVIN", "End of /WHOIS list"]  # exactly as it was asked for


def test_everything_that_there_is(opened: Opener) -> None:
    boss, other = opened(account="boss", join="#boss"), opened()
    boss.ask("MODE boss +Bi", "AWAY :in a meeting")
    answers = other.ask("WHOIS boss")
    assert commands(answers) == ["311", "312", "301", "313", "330", "335", "671", "317", "318"]
    assert one(answers, "301").params[1:] == ["boss", "in a meeting"]
    assert one(answers, "330").params[1:] == ["boss", "boss", "is logged in as"]
    assert one(answers, "335").params[1:] == ["boss", "is a bot"]
    answers = boss.ask("WHOIS boss")
    assert commands(answers) == ["311", "319", "312", "301", "313", "330", "335", "338", "379", "671", "317", "318"]
    assert one(answers, "338").params[1:3] == ["boss", "127.0.0.1"]
    assert one(answers, "379").params[1:] == ["boss", "is using modes +Bio"]
    boss.ask("AWAY", "MODE boss -Bio")
    assert commands(other.ask("WHOIS boss")) == ["311", "319", "312", "330", "671", "317", "318"]
    assert one(boss.ask("WHOIS boss"), "379").params[2] == "is using modes +"


def test_what_is_only_for_oneself_and_operators(opened: Opener) -> None:
    client, other, boss = opened(), opened(), opened(account="boss")
    private = {"338", "379"}
    assert private & set(commands(other.ask(f"WHOIS {client.nick}"))) == set()
    for asker in (client, boss):
        assert private <= set(commands(asker.ask(f"WHOIS {client.nick}")))
    answers = boss.ask(f"WHOIS {client.nick}")
    assert one(answers, "338").params[1:] == [client.nick, "127.0.0.1", "Is actually using host"]
    boss.ask("MODE boss -o")
    assert private & set(commands(boss.ask(f"WHOIS {client.nick}"))) == set()


def channels(asker: Client, nick: str) -> set[str]:
    return {word for line in params(asker.ask(f"WHOIS {nick}"), "319") for word in line[2].split()}


def test_secret_channels_are_for_their_members(opened: Opener) -> None:
    client, member, other = opened("secretive", join="#open,#hidden"), opened(join="#hidden"), opened()
    client.ask("MODE #hidden +s")
    assert channels(client, "secretive") == channels(member, "secretive") == {"@#open", "@#hidden"}
    assert channels(other, "secretive") == {"@#open"}
    assert channels(opened(account="boss"), "secretive") == {"@#open"}
    client.ask("MODE secretive +i")
    assert channels(member, "secretive") == {"@#hidden"}
    assert channels(other, "secretive") == set()
    assert channels(client, "secretive") == {"@#open", "@#hidden"}


def test_all_prefixes(opened: Opener) -> None:
    client, other = opened("prefixed", join="#prefixed"), opened(None, "multi-prefix")
    client.ask("MODE #prefixed +v prefixed")
    assert channels(opened(), "prefixed") == {"@#prefixed"}
    assert channels(other, "prefixed") == {"@+#prefixed"}


def test_many_channels_take_several_lines(opened: Opener) -> None:
    client = opened("everywhere")
    names = [f"#everywhere-{number}-{'x' * 40}" for number in range(20)]
    client.send(f"JOIN {','.join(names[:7])}", f"JOIN {','.join(names[7:14])}", f"JOIN {','.join(names[14:])}")
    answers = opened().ask("WHOIS everywhere")
    assert commands(answers).count("319") == 3
    assert [word for line in params(answers, "319") for word in line[2].split()] == [f"@{name}" for name in names]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("WHOIS", ["431 {} :No nickname given"]),
        ("WHOIS :", ["431 {} :No nickname given"]),
        ("WHOIS ,x", ["431 {} :No nickname given"]),
        ("WHOIS NoBody", ["401 {} NoBody :No such nick/channel", "318 {} NoBody :End of /WHOIS list"]),
        ("WHOIS #chan", ["401 {} #chan :No such nick/channel", "318 {} #chan :End of /WHOIS list"]),
        ("WHOIS no,body", ["401 {} no :No such nick/channel", "318 {} no,body :End of /WHOIS list"]),
        ("WHOIS n*", ["401 {} n* :No such nick/channel", "318 {} n* :End of /WHOIS list"]),
        ("WHOIS Bob", ["401 {} Bob :No such nick/channel", "318 {} Bob :End of /WHOIS list"]),  # an account
        ("WHOIS far.example nobody", ["402 {} far.example :No such server", "318 {} nobody :End of /WHOIS list"]),
        (f"WHOIS {NAME} nobody", ["401 {} nobody :No such nick/channel", "318 {} nobody :End of /WHOIS list"]),
        ("WHOIS NoBody nobody", ["401 {} nobody :No such nick/channel", "318 {} nobody :End of /WHOIS list"]),
    ],
)
def test_errors(opened: Opener, line: str, expected: list[str]) -> None:
    client = opened()
    assert client.asked(line) == [answer.format(client.nick) for answer in expected]


def test_by_way_of_a_server_or_a_nick(opened: Opener) -> None:
    client, other = opened(), opened()
    for way in (NAME, NAME.upper(), client.nick, other.nick):
        assert one(client.ask(f"WHOIS {way} {other.nick}"), "311").params[1] == other.nick
    answers = client.ask(f"WHOIS {other.nick},{client.nick}")
    assert one(answers, "311").params[1] == other.nick
    assert answers[-1].params[1] == f"{other.nick},{client.nick}"


def test_an_account_under_another_nick(opened: Opener) -> None:
    opened("daves-bot", account="dave")
    answers = opened().ask("WHOIS daves-bot")
    assert one(answers, "311").params[1] == "daves-bot"
    assert one(answers, "330").params[1:3] == ["daves-bot", "dave"]
    assert commands(opened().ask("WHOIS dave")) == ["401", "318"]


def test_a_label(opened: Opener) -> None:
    client = opened(None, "labeled-response", "batch")
    for nick in (client.nick, "nobody"):
        start, *inside, end = client.ask(f"@label=who WHOIS {nick}")
        assert (start.command, start.tags["label"], start.params[1]) == ("BATCH", "who", "labeled-response")
        assert {answer.tags["batch"] for answer in inside} == {start.params[0][1:]}
        assert (end.command, end.params) == ("BATCH", [f"-{start.params[0][1:]}"])
    assert [(m.command, m.tags["label"]) for m in client.ask("@label=x WHOIS")] == [("431", "x")]
