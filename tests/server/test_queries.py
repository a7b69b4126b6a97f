"""MODE, MOTD, LUSERS and what 005 promises (Modern IRC, "Server Queries")."""

from pathlib import Path

import pytest

from securechat.irc import isupport
from tests.server.wire import NAME, House, Opener, commands, one, running


@pytest.mark.parametrize(
    ("line", "expected"),
    [
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
        "ACCOUNTEXTBAN": "a,account",
        "AWAYLEN": "200",
        "BOT": "B",
        "CASEMAPPING": "ascii",
        "CHANLIMIT": "#:100",
        "CHANMODES": "beI,k,l,CMRimnst",
        "CHANNELLEN": "64",
        "CHANTYPES": "#",
        "CHATHISTORY": "200",
        "ELIST": "CMNTU",
        "EXCEPTS": "e",
        "EXTBAN": "~,am",
        "HOSTLEN": "64",
        "INVEX": "I",
        "KEYLEN": "32",
        "KICKLEN": "200",
        "LINELEN": "512",
        "MAXLIST": "beI:100",
        "MODES": "6",
        "MONITOR": "100",
        "MSGREFTYPES": "msgid,timestamp",
        "NAMELEN": "150",
        "NETWORK": "ExampleNet",
        "NICKLEN": "32",
        "PREFIX": "(ohv)@%+",
        "SAFELIST": "",
        "SILENCE": "64",
        "STATUSMSG": "@%+",
        "TARGMAX": "JOIN:,KICK:4,LIST:,NAMES:,NOTICE:4,PART:,PRIVMSG:4,TAGMSG:4,WHOIS:1,WHOWAS:1",
        "TOPICLEN": "307",
        "USERLEN": "20",
        "UTF8ONLY": "",
        "WHOX": "",
    }
    assert commands(client.ask("JOIN #" + "é" * 31 + "x")) == ["JOIN", "353", "366"]  # 64 bytes
    assert commands(client.ask("JOIN #" + "é" * 32)) == ["476"]  # 65
    assert commands(client.ask("NICK " + "n" * 32)) == ["NICK"]
    assert commands(client.ask("NICK " + "n" * 33)) == ["432"]
    assert commands(client.ask("PRIVMSG a,b,c,d :x")) == ["401"] * 4
    assert commands(client.ask("PRIVMSG a,b,c,d,e :x")) == ["407"]
    assert len(one(client.ask("WHOIS " + "n" * 32), "311").params[3]) <= 64
    assert commands(client.ask(*(f"JOIN #limit{number}" for number in range(100)))).count("JOIN") == 99
    assert commands(client.ask("JOIN #limit100")) == ["405"]
