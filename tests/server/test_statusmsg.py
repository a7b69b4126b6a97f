"""Messages to some of a channel (STATUSMSG), and what else becomes of messages: who is told what, and once."""

from collections.abc import Iterator

import pytest

from tests.server.wire import Client, House, Opener, commands, one, shown

LABELS = ("labeled-response", "batch")
KINDS = ("PRIVMSG", "NOTICE", "TAGMSG")


def heard(client: Client) -> list[str]:
    return [shown(message) for message in client.sync()]


def body(kind: str) -> str:
    return "" if kind == "TAGMSG" else " :x"


class Ranks:
    """A channel with one member of each rank, and one who is outside."""

    def __init__(self, opened: Opener, channel: str, *caps: str) -> None:
        self.operator = opened(None, "message-tags", *caps, join=channel)
        self.half, self.voiced, self.plain = (opened(None, "message-tags", *caps, join=channel) for _ in range(3))
        self.operator.ask(f"MODE {channel} +hv {self.half.nick} {self.voiced.nick}")
        self.outside = opened(None, "message-tags", *caps)
        self.sync()

    def all(self) -> Iterator[Client]:
        yield from (self.operator, self.half, self.voiced, self.plain, self.outside)

    def sync(self) -> None:
        for client in self.all():
            client.sync()

    def who_heard(self, kind: str, target: str) -> str:
        """The first letters of those who have heard one such message."""
        names = {"o": self.operator, "h": self.half, "v": self.voiced, "p": self.plain, "x": self.outside}
        found = ""
        for letter, client in names.items():
            messages = client.sync()
            assert all(message.command == kind and message.params[0] == target for message in messages)
            assert len(messages) <= 1
            found += letter * len(messages)
        return found


@pytest.mark.parametrize("kind", KINDS)
def test_who_hears_what_is_for_some(opened: Opener, kind: str) -> None:
    channel = f"#St{kind}"
    ranks = Ranks(opened, channel)
    for prefix, ears in (("@", "o"), ("%", "oh"), ("+", "ohv"), ("", "ohvp")):
        for sender, letter in ((ranks.operator, "o"), (ranks.half, "h"), (ranks.voiced, "v"), (ranks.plain, "p")):
            assert sender.ask(f"{kind} {prefix}{channel.lower()}{body(kind)}") == []
            assert ranks.who_heard(kind, prefix + channel) == ears.replace(letter, "")


@pytest.mark.parametrize(("prefixes", "least"), [("@%", "%"), ("%@", "%"), ("@+%", "+"), ("@@", "@")])
def test_several_prefixes_are_the_least_of_them(opened: Opener, prefixes: str, least: str) -> None:
    """Modern IRC, "PRIVMSG message": "PRIVMSG @%#bunny" is "functionally identical" to "PRIVMSG %#bunny"."""
    ranks = Ranks(opened, "#several", "echo-message")
    (echo,) = ranks.plain.ask(f"PRIVMSG {prefixes}#several :x")
    assert echo.params[0] == f"{least}#several"
    assert ranks.who_heard("PRIVMSG", f"{least}#several") == {"@": "o", "%": "oh", "+": "ohv"}[least]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("prefix", ["@", "+", "%"])
def test_the_sender_gets_it_back_whoever_hears_it(opened: Opener, kind: str, prefix: str) -> None:
    channel = f"#se{kind}"
    opened(join=channel)
    sender = opened(None, "message-tags", "echo-message", *LABELS, account="carol", join=channel)
    device = opened(None, "message-tags", account="carol")
    (echo,) = sender.ask(f"@label=l;+a=b {kind} {prefix}{channel.upper()}{body(kind)}")
    (seen,) = device.sync()
    assert echo.tags == {**seen.tags, "label": "l"}
    assert seen.params[0] == prefix + channel
    assert seen.tags.keys() == {"msgid", "+a"}
    quiet = opened(None, "message-tags", *LABELS, join=channel)
    assert commands(quiet.ask(f"{kind} {prefix}{channel}{body(kind)}")) == []
    assert commands(quiet.ask(f"@label=l {kind} {prefix}{channel}{body(kind)}")) == ["ACK"]


@pytest.mark.parametrize(
    ("target", "answer"),
    [
        ("@", "401 {} @ :No such nick/channel"),
        ("+", "401 {} + :No such nick/channel"),
        ("@nobody", "401 {} @nobody :No such nick/channel"),
        ("~#wrong", "401 {} ~#wrong :No such nick/channel"),
        ("&#wrong", "401 {} &#wrong :No such nick/channel"),
        ("!#wrong", "401 {} !#wrong :No such nick/channel"),
        ("@~#wrong", "401 {} @~#wrong :No such nick/channel"),
        ("@+nobody", "401 {} @+nobody :No such nick/channel"),
        ("@+#wrong", "404 {} #wrong :Cannot send to channel"),
        ("@+#nowhere", "403 {} @+#nowhere :No such channel"),
        ("@#", "403 {} @# :No such channel"),
        ("@#nowhere", "403 {} @#nowhere :No such channel"),
        ("#nowhere", "403 {} #nowhere :No such channel"),
        ("@#wrong", "404 {} #wrong :Cannot send to channel"),
        ("#WRONG", "404 {} #wrong :Cannot send to channel"),
        ("@#secret", "403 {} @#secret :No such channel"),
        ("#secret", "403 {} #secret :No such channel"),
    ],
)
@pytest.mark.parametrize("kind", KINDS)
def test_what_can_not_be_said(opened: Opener, kind: str, target: str, answer: str) -> None:
    owner = opened(join="#wrong,#secret")
    owner.ask("MODE #secret +s")
    sender = opened(None, "message-tags", "echo-message", *LABELS)
    expected = [] if kind == "NOTICE" else [answer.format(sender.nick)]
    assert sender.asked(f"{kind} {target}{body(kind)}") == expected
    (told,) = sender.ask(f"@label=l {kind} {target}{body(kind)}")
    assert (shown(told), told.tags) == (answer.format(sender.nick), {"label": "l"})
    assert owner.sync() == []


@pytest.mark.parametrize("kind", KINDS)
def test_what_keeps_people_from_speaking_counts_for_some_as_for_all(opened: Opener, kind: str) -> None:
    channel = f"#mo{kind}"
    ranks = Ranks(opened, channel)
    ranks.operator.ask(f"MODE {channel} +m")
    ranks.sync()
    expected = [] if kind == "NOTICE" else ["404"]
    for target in (channel, f"@{channel}", f"+{channel}"):
        assert commands(ranks.plain.ask(f"{kind} {target}{body(kind)}")) == expected
        assert ranks.voiced.ask(f"{kind} {target}{body(kind)}") == []
        assert "o" in ranks.who_heard(kind, target)
    ranks.operator.ask(f"MODE {channel} -nm")
    ranks.sync()
    assert ranks.outside.ask(f"{kind} @{channel}{body(kind)}") == []
    assert ranks.who_heard(kind, f"@{channel}") == "o"


def test_several_targets_of_all_kinds(opened: Opener) -> None:
    ranks = Ranks(opened, "#mix")
    sender = opened(None, "message-tags", "echo-message", *LABELS, join="#mix")
    ranks.sync()
    opening, *inside, closing = sender.ask(f"@label=l;+a=b PRIVMSG #mix,@#mix,{ranks.outside.nick},@#nowhere :x")
    assert opening.tags == {"label": "l"}
    assert closing.command == "BATCH"
    assert [shown(message) for message in inside] == [
        f"{sender.nick} PRIVMSG #mix :x",
        f"{sender.nick} PRIVMSG @#mix :x",
        f"{sender.nick} PRIVMSG {ranks.outside.nick} :x",
        f"403 {sender.nick} @#nowhere :No such channel",
    ]
    assert heard(ranks.operator) == [f"{sender.nick} PRIVMSG #mix :x", f"{sender.nick} PRIVMSG @#mix :x"]
    assert heard(ranks.plain) == [f"{sender.nick} PRIVMSG #mix :x"]
    assert heard(ranks.outside) == [f"{sender.nick} PRIVMSG {ranks.outside.nick} :x"]
    assert sender.asked("PRIVMSG @#mix,+#mix,%#mix,#mix,@#MIX :x")[-1].startswith(f"{sender.nick} PRIVMSG #mix")
    assert sender.asked("PRIVMSG @#mix,+#mix,%#mix,#mix,x :x") == [f"407 {sender.nick} x :Too many targets"]


# -- CTCP -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["PRIVMSG", "NOTICE"])
@pytest.mark.parametrize(
    ("text", "passes"),
    [
        ("\x01ACTION waves\x01", True),
        ("\x01action waves\x01", True),
        ("\x01ACTION waves", True),
        ("\x01ACTION\x01", True),
        ("look \x01VERSION\x01", True),
        ("\x01VERSION\x01", False),
        ("\x01VERSION", False),
        ("\x01ACTIONS x\x01", False),
        ("\x01DCC SEND a 1 2 3\x01", False),
        ("\x01\x01", False),
    ],
)
def test_a_channel_without_messages_of_programs(opened: Opener, kind: str, text: str, passes: bool) -> None:
    operator, sender = opened.pair("#ctcp", "echo-message", *LABELS)
    operator.ask("MODE #ctcp +C")
    sender.sync()
    for target in ("#ctcp", "@#ctcp"):
        (told,) = sender.ask(f"@label=l {kind} {target} :{text}")
        assert told.command == (kind if passes else "404")
        assert [message.params[1] for message in operator.sync()] == [text] * passes


# -- who is told ------------------------------------------------------------------------------------------------------


def test_whoever_is_away_says_so_once(opened: Opener) -> None:
    away = opened(None, "message-tags", join="#away")
    sender = opened(None, "message-tags", "echo-message", *LABELS, join="#away")
    away.ask("AWAY :having tea")
    away.sync()
    sender.sync()
    for line in (f"PRIVMSG {away.nick} :x", f"PRIVMSG {away.nick} :\x01VERSION\x01"):
        echo, told = sender.ask(line)
        assert echo.command == "PRIVMSG"
        assert told.params == [sender.nick, away.nick, "having tea"]
        opening, echo, told, _ = sender.ask(f"@label=l {line}")
        assert (opening.tags, told.command) == ({"label": "l"}, "301")
    for line in (f"NOTICE {away.nick} :x", f"@+typing=active TAGMSG {away.nick}", "PRIVMSG #away :x"):
        assert "301" not in commands(sender.ask(line))
    assert "301" not in commands(away.sync())
    assert commands(away.ask(f"PRIVMSG {away.nick} :x")) == ["PRIVMSG"]
    quiet = opened(None, *LABELS)
    (told,) = quiet.ask(f"@label=l PRIVMSG {away.nick} :x")
    assert (told.command, told.tags) == ("301", {"label": "l"})
    assert commands(sender.ask(f"PRIVMSG {away.nick},#away,{away.nick.upper()} :x")) == ["PRIVMSG", "301", "PRIVMSG"]


@pytest.mark.parametrize("kind", KINDS)
def test_who_is_silenced_does_not_learn_it(opened: Opener, kind: str) -> None:
    caps = ("message-tags", "echo-message", *LABELS)
    sender = opened(None, *caps, account="carol")
    device = opened(None, "message-tags", account="carol")
    away, here = opened(None, "message-tags"), opened(None, "message-tags", account="alice")
    for client in (away, here):
        client.ask("SILENCE +carol!*@*")
    away.ask("AWAY :gone")
    for client in (away, here, sender, device):
        client.sync()
    for target in (here.nick, away.nick):
        answer = sender.ask(f"{kind} {target}{body(kind)}")
        assert commands(answer) == ([kind, "301"] if kind == "PRIVMSG" and target == away.nick else [kind])
        assert commands(device.sync()) == [kind]
    assert here.sync() == []
    assert away.sync() == []
    here.send("QUIT")
    here.to_end()
    # An account that is not here is written to as well, as far as the sender can see.
    assert commands(sender.ask(f"{kind} alice{body(kind)}")) == ([kind, "301"] if kind == "PRIVMSG" else [kind])
    again = opened(None, "message-tags", account="alice")
    assert not [message for message in map(str, again.lines) if f" {kind} " in message and "carol!" in message]


def test_silence_is_for_private_messages(opened: Opener) -> None:
    reader, sender = opened(join="#silence"), opened(join="#silence")
    reader.ask(f"SILENCE +{sender.nick}!*@*")
    reader.sync()
    sender.ask("PRIVMSG #silence :x", "PRIVMSG @#silence :y", f"PRIVMSG {reader.nick} :z")
    assert [message.params[1] for message in reader.sync()] == ["x", "y"]


@pytest.mark.parametrize("kind", KINDS)
def test_who_wants_nothing_of_strangers(opened: Opener, kind: str) -> None:
    reader = opened(None, "message-tags", account="alice")
    reader.ask("MODE alice +R")
    stranger, friend = opened(None, "message-tags", *LABELS), opened(None, "message-tags", account="Bob")
    answer = stranger.ask(f"@label=l {kind} alice{body(kind)}")
    assert one(answer, "531").params[:2] == [stranger.nick, "alice"]
    assert commands(stranger.ask(f"{kind} alice{body(kind)}")) == ([] if kind == "NOTICE" else ["531"])
    assert reader.sync() == []
    friend.ask(f"{kind} alice{body(kind)}")
    assert commands(reader.sync()) == [kind]


@pytest.mark.parametrize("kind", KINDS)
def test_to_oneself_on_all_devices(house: House, opened: Opener, kind: str) -> None:
    first = opened(None, "message-tags", "echo-message", *LABELS, account="dave")
    second = opened(None, "message-tags", account="dave")
    delivered, echo = first.ask(f"@label=l {kind} DAVE{body(kind)}")
    (seen,) = second.sync()
    assert echo.tags == {**delivered.tags, "label": "l"}
    assert seen == delivered


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("PRIVMSG", "411 {} :No recipient given (PRIVMSG)"),
        ("TAGMSG", "411 {} :No recipient given (TAGMSG)"),
        ("TAGMSG :", "411 {} :No recipient given (TAGMSG)"),
        ("PRIVMSG @#lobby", "412 {} :No text to send"),
        ("PRIVMSG @#lobby :", "412 {} :No text to send"),
        ("NOTICE", None),
        ("NOTICE x", None),
        ("NOTICE a,b,c,d,e :x", None),
        ("TAGMSG a,b,c,d,e", "407 {} e :Too many targets"),
    ],
)
def test_lines_with_something_missing(opened: Opener, line: str, answer: str | None) -> None:
    sender = opened(None, "message-tags", "echo-message", *LABELS)
    assert sender.asked(line) == ([answer.format(sender.nick)] if answer else [])
    (told,) = sender.ask(f"@label=l {line}")
    assert told.tags == {"label": "l"}
    assert told.command in ("407", "411", "412")
