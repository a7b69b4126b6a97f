"""Messages of several lines (IRCv3 draft/multiline, client-batch)."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from securechat.irc.message import Message
from securechat.server.config import Limits
from tests.server.batches import EXAMPLE, MULTILINE, batch, taken_apart
from tests.server.wire import NAME, Client, House, Opener, commands, running, shown

LABELS = ("labeled-response", "batch")
TAGGED = ("message-tags", "server-time", "account-tag")
MAX_BYTES, MAX_LINES = 1000, 6


@pytest.fixture(scope="module")
def house(certs: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    limits = Limits(throttle=False, multiline_max_bytes=MAX_BYTES, multiline_max_lines=MAX_LINES)
    with running(certs, tmp_path_factory.mktemp("house"), limits=limits) as one:
        yield one


def heard(client: Client) -> list[str]:
    return [shown(message) for message in client.sync()]


# -- what is seen -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["PRIVMSG", "NOTICE"])
def test_who_knows_of_several_lines_gets_a_batch(opened: Opener, kind: str) -> None:
    channel = f"#batch{kind}"
    other = opened(None, *MULTILINE, *TAGGED, join=channel)
    plain = opened(None, *MULTILINE, join=channel)
    sender = opened(None, *MULTILINE, *TAGGED, account="alice", join=channel)
    other.sync()
    plain.sync()
    lines = batch(channel, *EXAMPLE, kind=kind, tags="+draft/reply=abc;x=y")
    assert sender.ask(*lines) == []
    seen = other.sync()
    opening, texts = taken_apart(seen)
    assert texts == list(EXAMPLE)
    assert seen[1].command == kind
    assert opening.params[2] == channel
    assert opening.source is not None
    assert opening.source.startswith("alice!alice@")
    assert opening.tags.keys() == {"time", "msgid", "account", "+draft/reply"}
    assert opening.tags["+draft/reply"] == "abc"
    opening, texts = taken_apart(plain.sync())
    assert texts == list(EXAMPLE)
    assert opening.tags == {}


def test_others_get_its_lines(opened: Opener) -> None:
    everything, timed, plain = opened(None, *TAGGED), opened(None, "server-time"), opened()
    half = opened(None, "draft/multiline", "message-tags")  # which does nothing without batch
    sender = opened(None, *MULTILINE, *TAGGED, account="alice", join="#lines")
    for client in (everything, timed, plain, half):
        client.join("#lines")
    for client in (everything, timed, plain, half):
        client.sync()
    sender.ask(*batch("#lines", "", *EXAMPLE, tags="+draft/reply=abc"))
    expected = [f"alice PRIVMSG #lines :{text}" for text in ("hello", "how is ", "everyone?")]
    assert heard(plain) == expected
    seen = everything.sync()
    assert [shown(message) for message in seen] == expected
    assert seen[0].tags.keys() == {"time", "account", "msgid", "+draft/reply"}
    assert seen[1].tags == seen[2].tags == {key: seen[0].tags[key] for key in ("time", "account")}
    assert [message.tags.keys() for message in timed.sync()] == [{"time"}] * 3
    assert [message.tags.keys() for message in half.sync()] == [{"msgid", "+draft/reply"}, set(), set()]


def test_all_get_the_same_id(opened: Opener) -> None:
    batched, plain = opened(None, *MULTILINE, "message-tags"), opened(None, "message-tags")
    sender = opened(None, *MULTILINE, "message-tags", "echo-message", join="#id")
    for client in (batched, plain):
        client.join("#id")
    for client in (batched, sender):
        client.sync()
    echo = sender.ask(*batch("#id", "a", "b"))
    assert echo == batched.sync()
    assert plain.sync()[0].tags == echo[0].tags
    later = sender.ask(*batch("#id", "a", "b"))
    assert later[0].tags["msgid"] > echo[0].tags["msgid"]
    assert later[0].params[0] != echo[0].params[0]


def test_a_program_says_so_on_all_lines(opened: Opener) -> None:
    plain, batched = opened(None, "message-tags"), opened(None, *MULTILINE, "message-tags")
    sender = opened(None, *MULTILINE)
    sender.ask(f"MODE {sender.nick} +B")
    for client in (plain, batched):
        sender.ask(*batch(client.nick, "a", "b"))
    assert [message.tags.keys() for message in plain.sync()] == [{"msgid", "bot"}, {"bot"}]
    assert taken_apart(batched.sync())[0].tags.keys() == {"msgid", "bot"}


def test_all_devices_see_it(opened: Opener) -> None:
    first = opened(None, *MULTILINE, "echo-message", account="carol")
    second = opened(None, *MULTILINE, account="carol")
    third = opened(account="carol")
    reader = opened()
    (opening, texts) = taken_apart(first.ask(*batch(reader.nick, *EXAMPLE)))
    assert opening.params[2] == reader.nick
    assert texts == taken_apart(second.sync())[1] == list(EXAMPLE)
    assert len(heard(third)) == len(heard(reader)) == 3


def test_to_oneself(opened: Opener) -> None:
    client = opened(None, *MULTILINE, *LABELS, "echo-message", "message-tags")
    messages = client.ask(*batch(client.nick, "a", "+b", tags="label=l"))
    delivered, echo = taken_apart(messages[:4])[0], taken_apart(messages[4:])[0]
    assert "label" not in delivered.tags
    assert echo.tags == {**delivered.tags, "label": "l"}


def test_to_some_of_a_channel(opened: Opener) -> None:
    operator, voiceless = opened.pair("#some", *MULTILINE)
    sender = opened(None, *MULTILINE, "echo-message", join="#some")
    for client in (operator, voiceless):
        client.sync()
    opening, texts = taken_apart(sender.ask(*batch("@#SOME", "a", "b")))
    assert (opening.params[2], texts) == ("@#some", ["a", "b"])
    assert heard(operator) == [f"{sender.nick} PRIVMSG @#some :a", f"{sender.nick} PRIVMSG @#some :b"]
    assert voiceless.sync() == []


def test_it_keeps_its_place(opened: Opener) -> None:
    reader = opened(join="#place")
    sender = opened(None, *MULTILINE, "echo-message", join="#place")
    reader.sync()
    echo = sender.ask("PRIVMSG #place :1", *batch("#place", "2", "3"), "PRIVMSG #place :4", *batch("#place", "5", "6"))
    assert [message.params[1] for message in reader.sync()] == ["1", "2", "3", "4", "5", "6"]
    in_batch = ["BATCH", "PRIVMSG", "PRIVMSG", "BATCH"]
    assert commands(echo) == ["PRIVMSG", *in_batch, "PRIVMSG", *in_batch]


@pytest.mark.parametrize("texts", [("alone",), ("+alone",)])
def test_a_single_line_is_a_message_like_others(opened: Opener, texts: tuple[str, ...]) -> None:
    reader = opened(None, *MULTILINE, "message-tags", join="#single")
    sender = opened(None, *MULTILINE, *LABELS, "message-tags", "echo-message", join="#single")
    reader.sync()
    (echo,) = sender.ask(*batch("#single", *texts, tags="label=x;+a=b"))
    (seen,) = reader.sync()
    assert shown(seen) == shown(echo) == f"{sender.nick} PRIVMSG #single :alone"
    assert echo.tags == {**seen.tags, "label": "x"}
    assert seen.tags["+a"] == "b"


def test_what_does_not_fit_into_one_line_comes_in_two(opened: Opener) -> None:
    batched, plain = opened(None, *MULTILINE, join="#fit"), opened(join="#fit")
    sender = opened(None, *MULTILINE, "echo-message", "standard-replies", join="#fit")
    for client in (batched, plain):
        client.sync()
    words = "word " * 93
    sent = ("short", words, "+x")
    _, texts = taken_apart(sender.ask(*batch("#fit", *sent)))
    assert len(texts) == 4
    assert texts[0] == "short"
    assert texts[1] + texts[2].removeprefix("+") == words
    assert texts[2].startswith("+word")
    assert texts == taken_apart(batched.sync())[1]
    assert [message.params[1] for message in plain.sync()] == [text.removeprefix("+") for text in texts]


def test_one_that_is_kept(opened: Opener) -> None:
    sender = opened(None, *MULTILINE, *LABELS, "echo-message")
    outer, *echo, told, end = sender.ask(*batch("dave", *EXAMPLE, tags="label=kept"))
    assert (outer.params[1], outer.tags) == ("labeled-response", {"label": "kept"})
    assert end.params == ["-" + outer.params[0][1:]]
    assert told.command == "301"
    inside = {"batch": outer.params[0][1:]}
    assert echo[0].tags == echo[-1].tags == told.tags == inside
    for message in (echo[0], echo[-1]):
        message.tags = {}
    assert taken_apart(echo)[1] == list(EXAMPLE)
    sender.ask("PRIVMSG dave :and more")

    def come(*caps: str) -> list[Message]:
        dave = opened.stranger()
        dave.send("CAP LS 302", "NICK dave", "USER d 0 * :d", f"CAP REQ :sasl {' '.join(caps)}")
        dave.send("AUTHENTICATE PLAIN", "AUTHENTICATE ZGF2ZQBkYXZlAGNvcnJlY3QgaG9yc2U=", "CAP END")
        dave.expect("422")
        messages = []
        while (message := dave.message()).command != "PING":
            messages.append(message)
        if "message-tags" not in caps:
            dave.ask(f"PONG {message.params[-1]}")  # so that it is kept no more
        dave.send("QUIT")
        dave.to_end()
        return messages

    outer, *batched, last, end = come(*MULTILINE, "message-tags", "server-time")
    reference = outer.params[0][1:]
    assert (outer.params[1:], end.params) == (["chathistory", sender.nick], ["-" + reference])
    assert last.params[1] == "and more"
    for message in (batched[0], batched[-1], last):
        assert message.tags["batch"] == reference
        message.tags = {}
    assert taken_apart(batched)[1] == list(EXAMPLE)
    assert [shown(message) for message in come("server-time")] == [
        f"{sender.nick} PRIVMSG dave :{text}" for text in ("hello", "how is ", "everyone?", "and more")
    ]


# -- labels -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("echo", [False, True])
def test_the_label_stands_on_the_opening_and_is_answered_once(opened: Opener, echo: bool) -> None:
    sender = opened(None, *MULTILINE, *LABELS, *(["echo-message"] if echo else []), join="#label")
    start, *rest = batch("#label", "a", "b", tags="label=whole")
    assert sender.ask(start) == []
    messages = sender.ask(*rest)
    if echo:
        opening, _ = taken_apart(messages)
        assert opening.tags == {"label": "whole"}
    else:
        (ack,) = messages
        assert (ack.command, ack.tags, ack.source) == ("ACK", {"label": "whole"}, NAME)


def test_labels_where_none_should_be_are_answered_all_the_same(opened: Opener) -> None:
    sender = opened(None, *MULTILINE, *LABELS, "echo-message", join="#label")
    lines = ["BATCH +1 draft/multiline #label", "@batch=1;label=a PRIVMSG #label :x", "@batch=1 PRIVMSG #label :y"]
    (ack,) = sender.ask(*lines)
    assert (ack.command, ack.tags) == ("ACK", {"label": "a"})
    assert sender.ask("@label=end BATCH -1")[0].tags == {"label": "end"}
    first, *others = sender.ask("@label=b " + lines[0], lines[2], lines[2], "@label=end BATCH -1")
    assert (first.command, first.tags) == ("ACK", {"label": "end"})
    assert taken_apart(others)[0].tags == {"label": "b"}
    failing = sender.ask("@label=c " + lines[0], "@batch=1 JOIN #x", "@batch=1;label=d PRIVMSG #label :x", "BATCH -1")
    assert [(message.command, message.tags["label"]) for message in failing] == [("FAIL", "c"), ("ACK", "d")]


def test_a_refusal_is_the_answer_to_the_whole(opened: Opener) -> None:
    sender = opened(None, *MULTILINE, *LABELS)
    (refused,) = sender.ask(*batch("#nowhere", "a", "b", tags="label=r"))
    assert (refused.command, refused.tags) == ("403", {"label": "r"})
    assert commands(sender.ask(*batch("nobody", "a", "b"))) == ["401"]
    assert sender.ask(*batch("nobody", "a", "b", kind="NOTICE")) == []
    (refused,) = sender.ask(*batch("nobody", "a", "b", kind="NOTICE", tags="label=n"))
    assert (refused.command, refused.tags) == ("401", {"label": "n"})


# -- who may ----------------------------------------------------------------------------------------------------------


def test_the_capability_says_the_limits(opened: Opener) -> None:
    client = opened.stranger()
    offers = [message.params[-1] for message in client.ask("CAP LS 302") if message.command == "CAP"]
    assert f"draft/multiline=max-bytes={MAX_BYTES},max-lines={MAX_LINES}" in " ".join(offers).split()


def test_without_the_capability_there_are_no_batches(opened: Opener) -> None:
    client = opened(None, "batch", "message-tags", "echo-message", join="#cap")
    assert commands(client.ask("BATCH +1 draft/multiline #cap")) == ["421"]
    (said,) = client.ask("@batch=1;+a=b PRIVMSG #cap :x")  # a tag like any other, which is dropped
    assert said.tags.keys() == {"msgid", "+a"}


def test_in_either_order_but_with_batch(opened: Opener) -> None:
    client = opened(None, "draft/multiline", "echo-message", join="#cap")
    assert (
        client.asked("BATCH +1 draft/multiline #cap", "BATCH -1") == [f"421 {client.nick} BATCH :Unknown command"] * 2
    )
    client.ask("CAP REQ batch")
    assert taken_apart(client.ask(*batch("#cap", "a", "b")))[1] == ["a", "b"]


def test_before_registration(opened: Opener) -> None:
    client = opened.stranger()
    client.ask("CAP LS 302", "CAP REQ :draft/multiline batch")
    assert commands(client.ask(*batch("#cap", "a"))) == ["451"] * 3


def test_client_tags_need_message_tags(opened: Opener) -> None:
    client = opened(None, *MULTILINE, join="#cap")
    reader = opened(None, "message-tags", join="#cap")
    client.ask(*batch("#cap", "a", "b", tags="+a=b"))
    assert reader.sync()[0].tags.keys() == {"msgid"}


def test_a_message_of_programs_hides_in_no_line(opened: Opener) -> None:
    owner = opened(join="#ctcp")
    owner.ask("MODE #ctcp +C")
    sender = opened(None, *MULTILINE, "echo-message", join="#ctcp")
    (told,) = sender.ask(*batch("#ctcp", "look", "\x01VERSION\x01"))
    assert told.command == "404"
    _, texts = taken_apart(sender.ask(*batch("#ctcp", "look", "\x01ACTION waves\x01")))
    assert texts == ["look", "\x01ACTION waves\x01"]
