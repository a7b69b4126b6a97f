"""Which line answers which (IRCv3 labeled-response, batch)."""

import re
from collections.abc import Iterator

import pytest

from securechat.irc.message import Message
from securechat.server.commands import Command, registry
from securechat.server.lines import with_tag
from securechat.server.replies import Batch
from securechat.server.session import Session
from tests.server.wire import NAME, Client, Opener, commands, shown

LABELS = ("labeled-response", "batch")


def answer(client: Client, line: str, label: str = "x1") -> list[Message]:
    """The answer to a line with a label, without what labels add, which is checked: there is exactly one answer."""
    messages = client.ask(f"@label={label} {line}")
    assert messages, "a line with a label is answered"
    first = messages[0]
    assert first.tags.get("label") == label
    if first.command != "BATCH":
        assert len(messages) == 1
        return messages
    assert first.source == messages[-1].source == NAME
    reference, kind = first.params
    assert kind == "labeled-response"
    assert re.fullmatch(r"\+[A-Za-z0-9-]+", reference)
    assert messages[-1].command == "BATCH"
    assert messages[-1].params == ["-" + reference[1:]]
    assert messages[-1].tags == {}
    inside = messages[1:-1]
    assert len(inside) > 1
    assert all(message.tags["batch"] == reference[1:] and "label" not in message.tags for message in inside)
    return inside


@pytest.fixture
def client(opened: Opener) -> Client:
    return opened(None, *LABELS)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("PING abc", f"PONG {NAME} :abc"),
        ("PONG abc", "ACK"),
        ("CAP END", "ACK"),
        ("CAP LIST", "CAP {} LIST :batch cap-notify labeled-response"),
        ("CAP FOO", "410 {} FOO :Invalid CAP command"),
        ("CAP REQ :foo", "CAP {} NAK :foo"),
        ("FOO", "421 {} FOO :Unknown command"),
        ("USER a b c d", "462 {} :You may not reregister"),
        ("JOIN", "461 {} JOIN :Not enough parameters"),
        ("JOIN nowhere", "403 {} nowhere :No such channel"),
        ("JOIN 0", "ACK"),
        ("PART #nowhere", "403 {} #nowhere :No such channel"),
        ("TOPIC #nowhere", "403 {} #nowhere :No such channel"),
        ("NAMES #nowhere", "366 {} #nowhere :End of /NAMES list"),
        ("MODE #nowhere", "403 {} #nowhere :No such channel"),
        ("MODE nobody", "401 {} nobody :No such nick/channel"),
        ("WHO nobody", "315 {} nobody :End of WHO list"),
        ("WHOIS", "431 {} :No nickname given"),
        ("PRIVMSG", "411 {} :No recipient given (PRIVMSG)"),
        ("PRIVMSG nobody :x", "401 {} nobody :No such nick/channel"),
        ("PRIVMSG #nowhere :x", "403 {} #nowhere :No such channel"),
        ("TAGMSG alice", "421 {} TAGMSG :Unknown command"),
        ("NICK 9", "432 {} 9 :Erroneus nickname"),
        ("MOTD", "422 {} :MOTD File is missing"),
        ("AUTHENTICATE PLAIN", "904 {} :SASL authentication failed"),
    ],
)
def test_one_line_carries_the_label_itself(client: Client, line: str, expected: str) -> None:
    assert [shown(message) for message in answer(client, line)] == [expected.format(client.nick)]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("JOIN #lab1", ["JOIN", "353", "366"]),
        ("JOIN #lab1,#lab2,bad", ["JOIN", "353", "366"] * 2 + ["403"]),
        ("LUSERS", ["251", "252", "253", "254", "255", "265", "266"]),
        ("LIST", ["321", "323"]),
        ("WHOIS nobody", ["401", "318"]),
        ("WHOIS nowhere.example nobody", ["402", "318"]),
        ("NAMES #no,#where", ["366", "366"]),
        ("PART #no,#where", ["403", "403"]),
        ("PRIVMSG #no,where :x", ["403", "401"]),
    ],
)
def test_several_lines_come_as_a_batch(client: Client, line: str, expected: list[str]) -> None:
    assert commands(answer(client, line)) == expected


def test_answers_about_oneself(client: Client) -> None:
    client.join("#me")
    assert commands(answer(client, f"WHOIS {client.nick}")) == ["311", "319", "312", "338", "379", "671", "317", "318"]
    assert commands(answer(client, "WHO #me")) == ["352", "315"]
    assert commands(answer(client, "MODE #me")) == ["324", "329"]
    assert commands(answer(client, "TOPIC #me :hello")) == ["TOPIC"]
    assert commands(answer(client, "TOPIC #me")) == ["332", "333"]
    assert commands(answer(client, "JOIN #me")) == ["ACK"]
    assert commands(answer(client, "PART #me :bye")) == ["PART"]
    assert commands(answer(client, "NICK labelled")) == ["NICK"]
    assert commands(answer(client, "NICK labelled")) == ["ACK"]


def test_an_answer_that_is_a_batch_carries_the_label_itself(opened: Opener) -> None:
    """Labeled Responses: "an existing type applicable to the entire response"."""
    client = opened(None, "draft/extended-isupport", *LABELS)
    opening, *inside, closing = client.ask("@label=a ISUPPORT")
    assert opening.tags == {"label": "a"}
    assert opening.params[1] == "draft/isupport"
    assert commands(inside) == ["005"] * len(inside)
    assert closing.params == ["-" + opening.params[0][1:]]
    plain = opened(None, *LABELS)
    assert set(commands(answer(plain, "ISUPPORT"))) == {"005"}


def _nested(session: Session, message: Message) -> None:
    """Answer with a line and a batch that has a batch in it."""
    inner = Batch(session, "example.org/inner arg", [session.line("TWO"), with_tag(session.line("THREE"), b"a=b")])

    def lines() -> Iterator[bytes]:
        yield session.line("ONE")
        yield from inner
        yield session.line("FOUR")

    outer = Batch(session, "example.org/outer", lines())
    session.reply(message, [outer] if message.params else [session.line("ZERO"), outer])


def test_batches_in_batches(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each line but those at the ends of the outermost one is in one batch, and each batch has an end."""
    monkeypatch.setitem(registry, "NESTED", Command("NESTED", _nested, "", ""))

    def shape(line: str) -> list[tuple[str, dict[str, str]]]:
        messages = client.ask(line)
        names: dict[str, str] = {}
        for message in messages:
            if message.command == "BATCH" and message.params[0][0] == "+":
                names[message.params[0][1:]] = message.params[1].rpartition("/")[2]
        found = []
        for message in messages:
            tags = dict(message.tags)
            if "batch" in tags:
                tags["batch"] = names[tags["batch"]]
            word = message.command
            if word == "BATCH":
                word = message.params[0][0] + names[message.params[0][1:]]
            found.append((word, tags))
        return found

    outer = [
        ("ONE", {"batch": "outer"}),
        ("+inner", {"batch": "outer"}),
        ("TWO", {"batch": "inner"}),
        ("THREE", {"batch": "inner", "a": "b"}),
        ("-inner", {"batch": "outer"}),
        ("FOUR", {"batch": "outer"}),
    ]
    assert shape("NESTED x") == [("+outer", {}), *outer, ("-outer", {})]
    assert shape("@label=l NESTED x") == [("+outer", {"label": "l"}), *outer, ("-outer", {})]
    assert shape("@label=l NESTED") == [
        ("+labeled-response", {"label": "l"}),
        ("ZERO", {"batch": "labeled-response"}),
        ("+outer", {"batch": "labeled-response"}),
        *outer,
        ("-outer", {"batch": "labeled-response"}),
        ("-labeled-response", {}),
    ]


def test_references_of_batches_differ(client: Client) -> None:
    opening = [client.ask(f"@label=a{number} LUSERS")[0].params[0] for number in range(5)]
    assert len(set(opening)) == 5


@pytest.mark.parametrize("kind", ["PRIVMSG", "NOTICE", "TAGMSG"])
@pytest.mark.parametrize("echo", [False, True])
@pytest.mark.parametrize("private", [False, True])
def test_messages(opened: Opener, kind: str, echo: bool, private: bool) -> None:
    channel = f"#lm{kind}{echo}{private}"
    first = opened(None, "message-tags", *LABELS, join=channel)
    second = opened(None, "message-tags", *LABELS, *(["echo-message"] if echo else []), join=channel)
    first.sync()
    target, text = (first.nick if private else channel), "" if kind == "TAGMSG" else " :hello"
    (message,) = answer(second, f"{kind} {target}{text}")
    (seen,) = first.sync()
    assert "label" not in seen.tags
    if echo:
        assert (message.command, message.params) == (kind, seen.params)
        assert message.tags == {**seen.tags, "label": "x1"}
        assert second.lines[-2].startswith("@label=x1;")
    else:
        assert (message.command, message.params, message.source) == ("ACK", [], NAME)


def test_to_oneself_only_the_echo_has_the_label(opened: Opener) -> None:
    echoing = opened(None, "echo-message", *LABELS)
    delivered, echo = echoing.ask(f"@label=abc PRIVMSG {echoing.nick} :note")
    assert delivered.tags == {}
    assert echo.tags == {"label": "abc"}
    assert shown(delivered) == shown(echo) == f"{echoing.nick} PRIVMSG {echoing.nick} :note"
    with_tags = opened(None, "message-tags", "server-time", "echo-message", *LABELS)
    for line in (f"PRIVMSG {with_tags.nick} :x", f"NOTICE {with_tags.nick} :x", f"@+a=b TAGMSG {with_tags.nick}"):
        labelled = f"@label=abc;{line[1:]}" if line.startswith("@") else f"@label=abc {line}"
        delivered, echo = with_tags.ask(labelled)
        assert echo.tags == {"label": "abc", **delivered.tags}
        assert "msgid" in delivered.tags
    quiet = opened(None, *LABELS)
    delivered, ack = quiet.ask(f"@label=abc PRIVMSG {quiet.nick} :note")
    assert (delivered.command, delivered.tags) == ("PRIVMSG", {})
    assert (ack.command, ack.tags) == ("ACK", {"label": "abc"})


def test_several_targets_are_one_answer(opened: Opener) -> None:
    channel = "#lseveral"
    other = opened(join=channel)
    echoing = opened(None, "echo-message", *LABELS, join=channel)
    other.sync()
    line = f"PRIVMSG {channel},{other.nick},nobody :x"
    assert commands(answer(echoing, line)) == ["PRIVMSG", "PRIVMSG", "401"]
    assert commands(other.sync()) == ["PRIVMSG", "PRIVMSG"]
    quiet = opened(None, *LABELS, join=channel)
    assert commands(answer(quiet, f"PRIVMSG {channel},{other.nick} :x")) == ["ACK"]
    assert commands(answer(quiet, line)) == ["401"]


def test_a_message_that_is_kept(opened: Opener) -> None:
    assert commands(answer(opened(None, *LABELS), "PRIVMSG carol :later")) == ["301"]
    assert commands(answer(opened(None, "echo-message", *LABELS), "PRIVMSG carol :later")) == ["PRIVMSG", "301"]


def test_answers_come_in_the_order_of_the_questions(client: Client) -> None:
    client.join("#order")
    client.send(*(f"@label=n{number} {line}" for number, line in enumerate(["PRIVMSG #order :x", "PONG"] * 50)))
    client.send("@label=last PING x")
    labels: list[str] = []
    while not labels or labels[-1] != "last":
        labels.append(client.message().tags["label"])
    assert labels == [*(f"n{number}" for number in range(100)), "last"]


@pytest.mark.parametrize("caps", [(), ("batch",), ("labeled-response",), ("message-tags",)])
def test_without_both_capabilities_labels_mean_nothing(opened: Opener, caps: tuple[str, ...]) -> None:
    client = opened(None, *caps)
    messages = client.ask("@label=abc PING x", "@label=abc PONG", "@label=abc FOO", "@label=abc WHOIS nobody")
    assert commands(messages) == ["PONG", "421", "401", "318"]
    assert all(message.tags == {} for message in messages)


def test_in_either_order_and_until_switched_off(opened: Opener) -> None:
    client = opened(None, "labeled-response")
    assert commands(client.ask("@label=abc CAP REQ :batch", "@label=abc PONG")) == ["CAP", "ACK"]
    switched_off, pong = client.ask("@label=a CAP REQ :-batch", "@label=b PING x")
    assert (switched_off.command, switched_off.tags) == ("CAP", {"label": "a"})
    assert (pong.command, pong.tags) == ("PONG", {})


@pytest.mark.parametrize(
    ("tag", "value"),
    [
        ("label=" + "a" * 64, "a" * 64),
        ("label=" + "é" * 32, "é" * 32),
        ("label=a\\sb\\:c\\\\", "a b;c\\"),
        ("label=+x=y", "+x=y"),
        ("label=first;label=last", "last"),
        ("other;label=x;+y=z", "x"),
    ],
)
def test_a_label_is_opaque(client: Client, tag: str, value: str) -> None:
    (ack,) = client.ask(f"@{tag} PONG")
    assert (ack.command, ack.tags) == ("ACK", {"label": value})


@pytest.mark.parametrize("tag", ["label", "label=", "Label=x", "+label=x", "label=" + "a" * 65, "label=" + "é" * 33])
def test_what_is_no_label(client: Client, tag: str) -> None:
    (pong,) = client.ask(f"@{tag} PONG", f"@{tag} PING x")
    assert (pong.command, pong.tags) == ("PONG", {})
    (refused,) = client.ask(f"@{tag} PRIVMSG")
    assert refused.tags == {}


def test_lines_that_are_none_have_their_label_too(client: Client) -> None:
    client.send_bytes(b"@label=utf8 PRIVMSG #a :\xff\r\n")
    client.send("@label=long PRIVMSG #a :" + "x" * 600, "@label=nothing ")
    messages = client.sync()
    assert [(message.command, message.tags) for message in messages] == [
        ("FAIL", {"label": "utf8"}),
        ("417", {"label": "long"}),
        ("421", {"label": "nothing"}),
    ]
    client.send(f"@label={'a' * 65} PRIVMSG #a :" + "x" * 600, "@label= PRIVMSG #a :" + "x" * 600)
    assert [message.tags for message in client.sync()] == [{}, {}]


def test_quit(client: Client) -> None:
    client.send("@label=bye QUIT :x")
    ack, error = client.to_end()
    assert (ack.command, ack.tags) == ("ACK", {"label": "bye"})
    assert error.command == "ERROR"


def test_labels_during_registration(opened: Opener) -> None:
    client = opened.stranger()
    client.ask("CAP REQ :labeled-response batch")
    assert commands(answer(client, "NICK during")) == ["ACK"]
    assert commands(answer(client, "JOIN #a")) == ["451"]
    assert commands(answer(client, "USER u 0 * :r")) == ["ACK"]
    messages = client.ask("@label=end CAP END")
    assert (messages[0].command, messages[0].tags) == ("ACK", {"label": "end"})
    assert commands(messages)[1] == "001"
