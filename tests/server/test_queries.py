"""WHO, WHOIS, MODE, MOTD, LUSERS and what 005 promises (Modern IRC, "Server Queries", "User-Based Queries")."""

from pathlib import Path

import pytest

from securechat.irc import isupport
from tests.server.wire import NAME, House, Opener, commands, one, params, running


def host(opened: Opener) -> str:
    """What guests from here have as their host."""
    client = opened()
    return str(one(client.ask(f"WHOIS {client.nick}"), "311").params[3])


def test_who_is_in_a_channel(opened: Opener) -> None:
    first, second = opened.pair("#Who")
    outsider, where = opened(), host(opened)
    answers = outsider.ask("WHO #wHO")
    assert commands(answers) == ["352", "352", "315"]
    assert [answer.params for answer in answers] == [
        [outsider.nick, "#Who", first.nick, where, NAME, first.nick, "H@", f"0 {first.nick} the tester"],
        [outsider.nick, "#Who", second.nick, where, NAME, second.nick, "H", f"0 {second.nick} the tester"],
        [outsider.nick, "#wHO", "End of WHO list"],
    ]


def test_who_of_a_nick_and_of_masks(opened: Opener) -> None:
    client = opened("Zaphod", join="#zz")
    other = opened()
    expected = [other.nick, "*", "Zaphod", host(opened), NAME, "Zaphod", "H", "0 Zaphod the tester"]
    for mask in ("zaphod", "ZAPHOD", "zap*", "*hod", "?aph*d", "Zaphod the te*"):
        answers = other.ask(f"WHO :{mask}")
        assert params(answers, "352") == [expected], mask
        assert answers[-1].params[1] == (mask if " " not in mask else "*")
    for mask in ("nobody", "#nowhere", "zap?", "x*"):
        assert other.asked(f"WHO {mask}") == [f"315 {other.nick} {mask} :End of WHO list"]
    for everybody in ("WHO *", "WHO"):
        assert {client.nick, other.nick} <= {line[5] for line in params(other.ask(everybody), "352")}


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
    assert user == ["Marvin", "Marvin", host(opened), "*", "Marvin the tester"]
    assert channels[1].split() == ["@#m1", "#m2"]
    assert server[1] == NAME
    assert int(idle[1]) >= 0
    assert int(idle[2]) > 1_700_000_000
    assert end == ["mARVIN", "End of /WHOIS list"]  # exactly as it was asked for


def test_whois_of_an_administrator(opened: Opener) -> None:
    boss = opened(account="boss")
    answers = opened().ask("WHOIS boss")
    assert commands(answers) == ["311", "312", "313", "330", "671", "317", "318"]
    assert one(answers, "330").params[1:3] == ["boss", "boss"]
    assert one(boss.ask("WHO boss"), "352").params[6] == "H*"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("WHOIS", ["431 {} :No nickname given"]),
        ("WHOIS :", ["431 {} :No nickname given"]),
        ("WHOIS NoBody", ["401 {} NoBody :No such nick/channel", "318 {} NoBody :End of /WHOIS list"]),
        ("WHOIS #chan", ["401 {} #chan :No such nick/channel", "318 {} #chan :End of /WHOIS list"]),
        ("WHOIS no,body", ["401 {} no :No such nick/channel", "318 {} no,body :End of /WHOIS list"]),
        ("WHOIS n*", ["401 {} n* :No such nick/channel", "318 {} n* :End of /WHOIS list"]),
        ("WHOIS far.example nobody", ["402 {} far.example :No such server", "318 {} nobody :End of /WHOIS list"]),
        (f"WHOIS {NAME} nobody", ["401 {} nobody :No such nick/channel", "318 {} nobody :End of /WHOIS list"]),
        ("MOTD far.example", ["402 {} far.example :No such server"]),
        ("MOTD", ["422 {} :MOTD File is missing"]),
        (f"MOTD {NAME}", ["422 {} :MOTD File is missing"]),
        ("MODE", ["461 {} MODE :Not enough parameters"]),
        ("MODE nobody", ["401 {} nobody :No such nick/channel"]),
        ("MODE nobody +i", ["401 {} nobody :No such nick/channel"]),
        ("MODE #nowhere", ["403 {} #nowhere :No such channel"]),
        ("MODE #nowhere +n", ["403 {} #nowhere :No such channel"]),
        ("MODE #LOBBY +n", ["482 {} #lobby :You're not channel operator"]),
        ("MODE #LOBBY +b", ["368 {} #lobby :End of channel ban list"]),
        ("MODE #LOBBY b", ["368 {} #lobby :End of channel ban list"]),
        ("MODE #LOBBY +b a!*@*", ["482 {} #lobby :You're not channel operator"]),
    ],
)
def test_short_answers(opened: Opener, line: str, expected: list[str]) -> None:
    client = opened()
    assert client.asked(line) == [answer.format(client.nick) for answer in expected]


def test_whois_by_way_of_a_server_or_a_nick(opened: Opener) -> None:
    client, other = opened(), opened()
    for way in (NAME, NAME.upper(), client.nick, other.nick):
        assert one(client.ask(f"WHOIS {way} {other.nick}"), "311").params[1] == other.nick
    end = client.ask(f"WHOIS {other.nick},{client.nick}")[-1]
    assert end.params[1] == f"{other.nick},{client.nick}"


def test_modes_of_users(opened: Opener) -> None:
    client, other = opened(), opened()
    assert client.asked(f"MODE {client.nick.upper()}") == [f"221 {client.nick} :+"]
    assert client.asked(f"MODE {client.nick} +x") == [f"501 {client.nick} :Unknown MODE flag"]
    assert client.asked(f"MODE {client.nick} +o") == [f"221 {client.nick} :+"]  # one can't make oneself an operator
    for line in (f"MODE {other.nick}", f"MODE {other.nick} +i"):
        assert client.asked(line) == [f"502 {client.nick} :Cant change mode for other users"]
    boss = opened.stranger()
    boss.register(account="boss")
    assert any(" 221 boss +o" in line for line in boss.lines)  # at registration
    assert boss.asked("MODE boss") == ["221 boss :+o"]


def test_modes_of_channels(opened: Opener) -> None:
    first, second = opened.pair("#Modes")
    for client in (first, second, opened()):
        modes, created = client.ask("MODE #mODES")
        assert [modes.command, *modes.params] == ["324", client.nick, "#Modes", "+nt"]
        assert [created.command, *created.params[:2]] == ["329", client.nick, "#Modes"]
        assert created.params[2].isdecimal()
    assert second.asked("MODE #modes -t") == [f"482 {second.nick} #Modes :You're not channel operator"]
    assert first.asked("MODE #modes +x") == [f"472 {first.nick} x :is unknown mode char to me"]
    assert commands(first.ask(f"MODE #modes -t+o {second.nick}")) == ["400", "400"]
    assert commands(first.ask("MODE #modes")) == ["324", "329"]


def test_lusers(certs: Path, tmp_path: Path) -> None:
    """On a server of its own: one that is about to be forgotten still counts among the unknown."""
    with running(certs, tmp_path) as house:
        opened = Opener(house)
        people = [opened("one"), opened("two"), opened(account="boss")]
        opened.stranger().ask("PING x")
        people[0].join("#lu1", "#lu2")
        answers = people[0].ask("LUSERS")
        assert [[answer.command, *answer.params] for answer in answers] == [
            ["251", "one", "There are 3 users and 0 invisible on 1 servers"],
            ["252", "one", "1", "operator(s) online"],
            ["253", "one", "1", "unknown connection(s)"],
            ["254", "one", "2", "channels formed"],
            ["255", "one", "I have 3 clients and 0 servers"],
            ["265", "one", "3", "3", "Current local users 3, max 3"],
            ["266", "one", "3", "3", "Current global users 3, max 3"],
        ]
        people[1].send("QUIT")
        people[1].to_end()
        assert one(people[0].ask("LUSERS"), "265").params[1:3] == ["2", "3"]  # the maximum stays


def test_what_005_promises(opened: Opener, house: House) -> None:
    """Each token says what the server does; the limits are tried out here or where their command is tested."""
    client = opened.stranger()
    client.send("NICK tokens", "USER u 0 * :r")
    lines = [message.params for message in client.sync() if message.command == "005"]
    tokens: dict[str, str] = {}
    for line in lines:
        assert line[-1] == "are supported by this server"
        assert len(line) <= 15
        isupport.update(tokens, line[1:-1])
    assert tokens == {
        "CASEMAPPING": "ascii",
        "CHANLIMIT": "#:100",
        "CHANMODES": ",,,nt",
        "CHANNELLEN": "64",
        "CHANTYPES": "#",
        "HOSTLEN": "64",
        "LINELEN": "512",
        "MODES": "1",
        "NETWORK": "ExampleNet",
        "NICKLEN": "32",
        "PREFIX": "(o)@",
        "TARGMAX": "JOIN:,LIST:,NAMES:,NOTICE:4,PART:,PRIVMSG:4,TAGMSG:4,WHOIS:1",
        "TOPICLEN": "307",
        "USERLEN": "20",
        "UTF8ONLY": "",
    }
    assert commands(client.ask("JOIN #" + "é" * 31 + "x")) == ["JOIN", "353", "366"]  # 64 bytes
    assert commands(client.ask("JOIN #" + "é" * 32)) == ["476"]  # 65
    assert commands(client.ask("NICK " + "n" * 32)) == ["NICK"]
    assert commands(client.ask("NICK " + "n" * 33)) == ["432"]
    assert commands(client.ask("PRIVMSG a,b,c,d :x")) == ["401"] * 4
    assert commands(client.ask("PRIVMSG a,b,c,d,e :x")) == ["407"]
    assert len(host(opened)) <= 64
    assert commands(client.ask(*(f"JOIN #limit{number}" for number in range(100)))).count("JOIN") == 99
    assert commands(client.ask("JOIN #limit100")) == ["405"]
