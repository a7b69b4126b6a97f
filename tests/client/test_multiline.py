"""Messages of several lines: how they are sent, and what is made of those that come."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from securechat.client.capabilities import WANTED
from securechat.client.conversation import Conversation
from securechat.client.events import Acknowledged, Away, Event, Kind, MessageReceived, Refused
from securechat.client.multiline import MAX_TEXT, composed, limits
from securechat.irc.message import Message
from tests.client.conversations import ME, conversation_with, hear, sent

VALUE = "max-bytes=4096,max-lines=10"


@pytest.fixture
def modern() -> Conversation:
    return conversation_with(*WANTED, offered=f"draft/multiline={VALUE}")


def _said(events: list[Event]) -> list[str]:
    return [event.text for event in events if isinstance(event, MessageReceived)]


# -- what is sent -----------------------------------------------------------------------------------------------------


def test_lines_are_one_request_and_the_echo_acknowledges_it(modern: Conversation) -> None:
    request = modern.say_lines("#c", ["one", "", " two"])
    assert sent(modern) == [
        "@label=1 BATCH +m1 draft/multiline #c",
        "@batch=m1 PRIVMSG #c :one",
        "@batch=m1 PRIVMSG #c :",
        "@batch=m1 PRIVMSG #c : two",
        "BATCH -m1",
    ]
    assert (
        hear(
            modern,
            f"@label=1;msgid=x {ME} BATCH +a draft/multiline #c",
            f"@batch=a {ME} PRIVMSG #c :one",
            f"@batch=a {ME} PRIVMSG #c :",
            f"@batch=a {ME} PRIVMSG #c : two",
        )
        == []
    )
    said, acknowledged = hear(modern, f"{ME} BATCH -a")
    assert said == MessageReceived(
        "alice", "#c", "one\n\n two", Kind.MESSAGE, own=True, private=False, request=request, msgid="x"
    )
    assert request is not None
    assert acknowledged == Acknowledged(request)


def test_the_echo_may_be_a_part_of_the_answer(modern: Conversation) -> None:
    request = modern.say_lines("bob", ["one", "two"])
    said, away, acknowledged = hear(
        modern,
        "@label=1 :s BATCH +out labeled-response",
        f"@batch=out {ME} BATCH +in draft/multiline bob",
        f"@batch=in {ME} PRIVMSG bob :one",
        f"@batch=in {ME} PRIVMSG bob :two",
        f"{ME} BATCH -in",
        "@batch=out :s 301 alice bob :lunch",
        ":s BATCH -out",
    )
    assert isinstance(said, MessageReceived)
    assert (said.text, said.request, said.batch) == ("one\ntwo", request, "labeled-response")
    assert isinstance(away, Away)
    assert isinstance(acknowledged, Acknowledged)


def test_a_refusal(modern: Conversation) -> None:
    request = modern.say_lines("#c", ["one", "two"])
    assert hear(modern, "@label=1 :s 404 alice #c :No") == [Refused(request, "404", "#c", "No")]


def test_without_labels_a_ping_follows() -> None:
    old = conversation_with("batch", "draft/multiline", offered=f"draft/multiline={VALUE}")
    request = old.say_lines("#c", ["one", "two"])
    assert sent(old)[-2:] == ["BATCH -m1", "PING :ping-1"]
    said, acknowledged = hear(old, ":s PONG s :ping-1")
    assert isinstance(said, MessageReceived)
    assert said.text == "one\ntwo"
    assert acknowledged == Acknowledged(request) if request else False
    refused = old.say_lines("#c", ["one", "two"])
    hear(old, ":s FAIL BATCH MULTILINE_MAX_BYTES 10 :too long")
    assert hear(old, ":s PONG s :ping-2") == [Refused(refused, "MULTILINE_MAX_BYTES", "10", "too long")]


@pytest.mark.parametrize(
    ("enabled", "offered", "lines"),
    [
        (["batch"], VALUE, ["one", "two"]),
        (["draft/multiline"], VALUE, ["one", "two"]),
        (["batch", "draft/multiline"], "max-bytes=6", ["one", "two"]),
        (["batch", "draft/multiline"], "max-lines=9", ["one", "two"]),
        (["batch", "draft/multiline"], "max-bytes=99,max-lines=1", ["one", "two"]),
        (["batch", "draft/multiline"], VALUE, ["", ""]),
    ],
)
def test_what_the_server_does_not_take_is_not_sent(enabled: list[str], offered: str, lines: list[str]) -> None:
    conversation = conversation_with(*enabled, offered=f"draft/multiline={offered}")
    assert conversation.say_lines("#c", lines) is None
    assert sent(conversation) == []
    assert len(conversation.outstanding) == 0


@pytest.mark.parametrize(
    ("value", "most"),
    [(VALUE, (4096, 10)), ("max-bytes=7", (7, MAX_TEXT)), ("", (0, MAX_TEXT)), ("max-bytes=²,x", (0, MAX_TEXT))],
)
def test_limits(value: str, most: tuple[int, int]) -> None:
    assert limits(value) == most


# -- what comes -------------------------------------------------------------------------------------------------------

_LINES = st.lists(st.text(st.characters(exclude_categories=("Cc", "Cs")), max_size=60), min_size=1, max_size=9)


@given(_LINES.filter(lambda lines: any(lines)), st.integers(8, 40))
def test_what_is_sent_comes_back_as_it_was(lines: list[str], room: int) -> None:
    messages = composed("r", "#c", lines, room, "max-bytes=100000")
    assert messages is not None
    assert all(len(message.params[-1].encode()) <= room for message in messages[1:-1])
    conversation = conversation_with(*WANTED)
    events = [
        event
        for message in messages
        for event in conversation.receive(Message(message.command, message.params, "bob!b@h", message.tags))
    ]
    assert _said(events) == ["\n".join(lines)]


def test_the_tags_of_the_whole_stand_at_its_beginning(modern: Conversation) -> None:
    (said,) = hear(
        modern,
        "@account=rob;msgid=x;time=2026-01-02T03:04:05.678Z :bob!b@h BATCH +a draft/multiline #c",
        "@batch=a;msgid=y :eve!b@h NOTICE #other :one",
        "@batch=a :eve!b@h NOTICE #other :two",
        ":bob!b@h BATCH -a",
    )
    assert isinstance(said, MessageReceived)
    assert (said.source, said.target, said.kind) == ("bob", "#c", Kind.NOTICE)
    assert (said.msgid, said.account) == ("x", "rob")
    assert said.time is not None


def test_batches_may_be_interleaved_empty_and_without_a_target(modern: Conversation) -> None:
    assert _said(
        hear(
            modern,
            ":bob!b@h BATCH +a draft/multiline #c",
            ":eve!b@h BATCH +b draft/multiline #c",
            "@batch=b :eve!b@h PRIVMSG #c :of eve",
            "@batch=a :bob!b@h PRIVMSG #c :of bob",
            "@batch=b;draft/multiline-concat :eve!b@h PRIVMSG #c :!",
            ":dan!b@h PRIVMSG #c :between",
            "BATCH -b",
            "BATCH -a",
            ":eve!b@h BATCH +c draft/multiline #c",
            "BATCH -c",
            "BATCH -c",
        )
    ) == ["between", "of eve!", "of bob"]


def test_a_message_without_end_comes_in_parts(modern: Conversation) -> None:
    line = "x" * 400
    events = hear(modern, ":bob!b@h BATCH +a draft/multiline #c", *[f"@batch=a :bob!b@h PRIVMSG #c :{line}"] * 500)
    whole = _said(events)
    assert len(whole) == 500 * 401 // MAX_TEXT
    assert all(len(text) <= MAX_TEXT for text in whole)
    rest = _said(hear(modern, "BATCH -a"))
    assert "\n".join(whole + rest) == "\n".join([line] * 500)


def test_empty_pieces_without_end_are_bounded_too(modern: Conversation) -> None:
    hear(modern, ":bob!b@h BATCH +a draft/multiline #c")
    piece = Message.parse("@batch=a;draft/multiline-concat :bob!b@h PRIVMSG #c :")
    assert sum(len(modern.receive(piece)) for _ in range(MAX_TEXT + 2)) == 1
