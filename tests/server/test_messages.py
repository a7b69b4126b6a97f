"""PRIVMSG, NOTICE and TAGMSG (Modern IRC, "Sending Messages"; IRCv3 echo-message, message-tags, message-ids)."""

import pytest

from securechat.irc.tags import escape
from tests.server.wire import NAME, Client, Opener, commands, shown

EVERYTHING = ("echo-message", "message-tags", "server-time", "account-tag")


def heard(client: Client) -> list[str]:
    """What has come, each message written anew."""
    return [shown(message) for message in client.sync()]


@pytest.mark.parametrize("kind", ["PRIVMSG", "NOTICE"])
def test_to_a_channel(opened: Opener, kind: str) -> None:
    first, second = opened.pair("#Talk")
    outsider = opened()
    assert second.asked(f"{kind} #tALK :hello there") == []
    (seen,) = first.sync()
    assert (seen.command, seen.params) == (kind, ["#Talk", "hello there"])  # the name as it was created
    assert (seen.source or "").startswith(f"{second.nick}!{second.nick}@")
    assert outsider.sync() == []


@pytest.mark.parametrize("kind", ["PRIVMSG", "NOTICE"])
def test_to_a_nick(opened: Opener, kind: str) -> None:
    first, second, third = opened(), opened("Second"), opened()
    assert first.asked(f"{kind} sECOND :psst") == []
    assert heard(second) == [f"{first.nick} {kind} Second :psst"]
    assert heard(third) == []


@pytest.mark.parametrize(
    ("sent", "text"),
    [
        ("hello", "hello"),
        (":hello", "hello"),
        (":hello  there ", "hello  there "),
        ("::-)", ":-)"),
        (":é ✓ 😀", "é ✓ 😀"),
        (":\x01ACTION waves\x01", "\x01ACTION waves\x01"),
        ("hello ignored", "hello"),
        (": ", " "),
        (":\x02bold\x02 \x0304red", "\x02bold\x02 \x0304red"),
    ],
)
def test_a_text_arrives_as_it_was_sent(opened: Opener, sent: str, text: str) -> None:
    first, second = opened.pair("#text")
    second.ask(f"PRIVMSG  #text   {sent}")
    assert heard(first) == [f"{second.nick} PRIVMSG #text :{text}"]
    second.ask(f"PRIVMSG {first.nick} {sent}")
    assert heard(first) == [f"{second.nick} PRIVMSG {first.nick} :{text}"]


@pytest.mark.parametrize(
    ("sent", "answer"),
    [
        ("PRIVMSG", "411 {} :No recipient given (PRIVMSG)"),
        ("PRIVMSG :", "411 {} :No recipient given (PRIVMSG)"),
        ("PRIVMSG , :x", "411 {} :No recipient given (PRIVMSG)"),
        ("PRIVMSG alice", "412 {} :No text to send"),
        ("PRIVMSG alice :", "412 {} :No text to send"),
        ("PRIVMSG nobody :x", "401 {} nobody :No such nick/channel"),
        ("PRIVMSG $* :x", "401 {} $* :No such nick/channel"),
        ("PRIVMSG #nowhere :x", "403 {} #nowhere :No such channel"),
        ("PRIVMSG #LOBBY :x", "404 {} #lobby :Cannot send to channel"),
        ("PRIVMSG a,b,c,d,e :x", "407 {} e :Too many targets"),
    ],
)
def test_what_can_not_be_delivered(opened: Opener, sent: str, answer: str) -> None:
    client = opened(None, "message-tags", "echo-message")
    assert client.asked(sent) == [answer.format(client.nick)]
    assert client.asked(sent.replace("PRIVMSG", "NOTICE", 1)) == []  # a NOTICE is never answered
    if "412" not in answer:
        assert client.asked(sent.replace("PRIVMSG", "TAGMSG", 1)) == [
            answer.format(client.nick).replace("PRIVMSG", "TAGMSG")
        ]


def test_several_targets(opened: Opener) -> None:
    first, second = opened.pair("#multi")
    sender = opened(None, *EVERYTHING, join="#multi")
    for client in (first, second):
        client.sync()
    echoes = sender.ask(f"PRIVMSG #multi,{second.nick},nobody,{first.nick} :hello")
    assert [shown(message) for message in echoes] == [
        f"{sender.nick} PRIVMSG #multi :hello",
        f"{sender.nick} PRIVMSG {second.nick} :hello",
        f"401 {sender.nick} nobody :No such nick/channel",
        f"{sender.nick} PRIVMSG {first.nick} :hello",
    ]
    ids = [echo.tags["msgid"] for echo in echoes if echo.command == "PRIVMSG"]
    assert len(set(ids)) == 3
    assert heard(first) == [f"{sender.nick} PRIVMSG #multi :hello", f"{sender.nick} PRIVMSG {first.nick} :hello"]
    assert heard(second) == [f"{sender.nick} PRIVMSG #multi :hello", f"{sender.nick} PRIVMSG {second.nick} :hello"]


def test_a_target_that_is_named_twice_is_one(opened: Opener) -> None:
    first, second = opened.pair("#twice")
    other = first.nick
    assert second.asked(f"PRIVMSG {other},#TWICE,{other.upper()},#twice,,{other},#nowhere,#NOWHERE :x") == [
        f"403 {second.nick} #nowhere :No such channel"
    ]
    assert heard(first) == [f"{second.nick} PRIVMSG {other} :x", f"{second.nick} PRIVMSG #twice :x"]


@pytest.mark.parametrize("kind", ["PRIVMSG", "NOTICE", "TAGMSG"])
@pytest.mark.parametrize("private", [False, True])
def test_the_echo_is_what_others_get(opened: Opener, kind: str, private: bool) -> None:
    channel = f"#echo{kind}{private}"
    first = opened(None, *EVERYTHING, account="alice", join=channel)
    second = opened(None, *EVERYTHING, join=channel)
    first.sync()
    target, text = (second.nick if private else channel), "" if kind == "TAGMSG" else " :hello"
    start = len(first.lines)
    (echo,) = first.ask(f"@+a=b {kind} {target}{text}")
    (seen,) = second.sync()
    assert first.lines[start] == second.lines[-2]
    assert echo == seen
    assert seen.params == ([target] if kind == "TAGMSG" else [target, "hello"])
    assert set(seen.tags) == {"time", "account", "msgid", "+a"}
    assert second.lines[-2].startswith("@time=")  # the server's tags come before the client's
    assert second.lines[-2].split()[0].endswith(";+a=b")


def test_without_echo_there_is_none(opened: Opener) -> None:
    first, second = opened.pair("#noecho", "message-tags", "server-time")
    assert second.ask("PRIVMSG #noecho :a", f"NOTICE {first.nick} :b", "@+a TAGMSG #noecho") == []
    assert commands(first.sync()) == ["PRIVMSG", "NOTICE"]


def test_to_oneself(opened: Opener) -> None:
    quiet = opened()
    assert quiet.asked(f"PRIVMSG {quiet.nick} :note") == [f"{quiet.nick} PRIVMSG {quiet.nick} :note"]
    echoing = opened(None, *EVERYTHING)
    delivered, echo = echoing.ask(f"PRIVMSG {echoing.nick} :note")
    assert delivered == echo
    assert shown(echo) == f"{echoing.nick} PRIVMSG {echoing.nick} :note"


def test_client_tags_go_to_those_who_can_read_them(opened: Opener) -> None:
    tagged = opened(None, "message-tags", join="#ct")
    plain = opened(join="#ct")
    timed = opened(None, "server-time", join="#ct")
    sender = opened(None, "message-tags", join="#ct")
    for client in (tagged, plain, timed):
        client.sync()
    sender.ask("@+a=1;b=2;+c;+d/e=x;+f=;+a=3 PRIVMSG #ct :x", "@+typing=active TAGMSG #ct", "TAGMSG #ct")
    message, typing, bare = tagged.sync()
    assert {key: value for key, value in message.tags.items() if key != "msgid"} == {
        "+a": "3", "+c": "", "+d/e": "x", "+f": "",
    }  # fmt: skip
    assert typing.tags["+typing"] == "active"
    assert typing.params == bare.params == ["#ct"]
    assert set(bare.tags) == {"msgid"}
    assert [shown(seen) for seen in plain.sync()] == [f"{sender.nick} PRIVMSG #ct :x"]
    assert [set(seen.tags) for seen in timed.sync()] == [{"time"}]


@pytest.mark.parametrize(
    "value", ["", "raw+:=,escaped; \\", "\\", "a\\b", "two words", "é✓😀", "a=b=c", ":x", "\r\n"]
)  # fmt: skip
def test_values_of_tags_survive(opened: Opener, value: str) -> None:
    first = opened(None, "message-tags", join="#esc")
    second = opened(None, "message-tags", join="#esc")
    first.sync()
    second.ask(f"@+x={escape(value)};+y=z PRIVMSG #esc :hello")
    (seen,) = first.sync()
    assert seen.tags["+x"] == value
    assert seen.tags["+y"] == "z"


@pytest.mark.parametrize(("raw", "value"), [("test\\", "test"), ("\\b", "b"), ("a\\sb\\:c\\\\", "a b;c\\")])
def test_odd_escapes(opened: Opener, raw: str, value: str) -> None:
    client = opened(None, "message-tags", "echo-message")
    assert client.ask(f"@+x={raw} TAGMSG {client.nick}")[0].tags["+x"] == value


def test_tagmsg_is_not_for_those_without_tags(opened: Opener) -> None:
    client = opened(join="#lobby")
    assert client.asked("TAGMSG #lobby") == [f"421 {client.nick} TAGMSG :Unknown command"]
    assert client.asked("@+a=b TAGMSG alice") == [f"421 {client.nick} TAGMSG :Unknown command"]


def test_ids_rise_and_are_never_used_twice(opened: Opener) -> None:
    client = opened(None, "message-tags", "echo-message", join="#ids")
    echoes = client.ask(*["PRIVMSG #ids :again"] * 50, *[f"NOTICE {client.nick} :again"] * 5)
    ids = list(dict.fromkeys(echo.tags["msgid"] for echo in echoes))
    assert len(ids) == 55
    assert ids == sorted(ids)
    assert all(id_.isalnum() for id_ in ids)


def test_to_an_account_that_is_not_there(opened: Opener) -> None:
    """Kept for it, which the sender is told, and shown when it comes, once."""
    sender = opened(None, "echo-message")
    echo, away = sender.ask("PRIVMSG DAVE :are you there?")
    assert shown(echo) == f"{sender.nick} PRIVMSG dave :are you there?"
    assert (away.command, away.params[:2]) == ("301", [sender.nick, "dave"])
    assert commands(sender.ask("NOTICE dave :a notice")) == ["NOTICE"]
    dave = opened.stranger()
    dave.register(account="dave")
    kept = [line for line in dave.lines if line.startswith(f":{sender.nick}!")]
    assert [line.partition(" ")[2] for line in kept] == ["PRIVMSG dave :are you there?", "NOTICE dave :a notice"]
    ping = next(line for line in dave.lines if line.startswith("PING "))
    dave.ask("PONG" + ping.removeprefix("PING"))
    dave.send("QUIT")
    dave.to_end()
    again = opened(account="dave")
    assert not [line for line in again.lines if "are you there?" in line]


def test_what_does_not_fit_into_the_line_of_others_is_cut(opened: Opener) -> None:
    first, second = opened.pair("#fit", "echo-message standard-replies")
    own = len(f":{second.nick}!{second.nick}@{'x' * 16} PRIVMSG #fit :\r\n")
    (echo,) = second.ask("PRIVMSG #fit :" + "x" * (512 - own))
    assert len(second.lines[-2]) == 510
    again, warning = second.ask("PRIVMSG #fit :" + "x" * (513 - own))
    assert again == echo
    assert warning.params[:3] == ["PRIVMSG", "MESSAGE_CUT", "#fit"]
    assert first.sync() == [echo, echo]
    (quiet,) = second.ask("NOTICE #fit :" + "x" * 400)  # which is never answered
    assert quiet.command == "NOTICE"


def test_who_has_left_hears_and_says_nothing(opened: Opener) -> None:
    first, second = opened.pair("#left")
    second.ask("PART #left")
    assert second.asked("PRIVMSG #left :x") == [f"404 {second.nick} #left :Cannot send to channel"]
    first.sync()
    first.ask("PRIVMSG #left :y")
    assert second.sync() == []


def test_every_line_of_the_server_says_whom_it_is_from(opened: Opener) -> None:
    client = opened(None, "echo-message", "batch", "labeled-response", account="alice")
    client.ask("JOIN #src", "TOPIC #src :x", "PRIVMSG #src :x", "@label=a WHOIS alice", "@label=b PONG", "LIST", "FOO")
    for line in client.lines:
        body = line.partition(" ")[2] if line.startswith("@") else line
        assert body.startswith((f":{NAME} ", ":alice!alice@", "AUTHENTICATE ")), line
