"""What becomes of what was asked: labels, batches, PING."""

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from securechat.client import events
from securechat.client.capabilities import WANTED
from securechat.client.conversation import MAX_BATCHES, Conversation
from securechat.client.errors import ConnectionLostError
from securechat.client.events import Acknowledged, Event, Kind, MessageReceived, Refused
from securechat.client.handlers import HANDLERS
from securechat.client.requests import UNANSWERED
from securechat.irc.lines import MAX_BODY
from securechat.irc.message import Message
from tests.client.conversations import ME, conversation_with, hear, sent


@pytest.fixture
def modern() -> Conversation:
    """With a server that has all that the client understands."""
    return conversation_with(*WANTED)


@pytest.fixture
def old() -> Conversation:
    """With a server that has nothing of it."""
    return conversation_with()


# -- by label ---------------------------------------------------------------------------------------------------------


def test_the_echo_acknowledges(modern: Conversation) -> None:
    first, second = modern.request("PRIVMSG", "#c", "one"), modern.request("PRIVMSG", "#c", "two")
    assert sent(modern) == ["@label=1 PRIVMSG #c :one", "@label=2 PRIVMSG #c :two"]
    said, acknowledged = hear(modern, f"@label=1;msgid=m1;time=2026-01-02T03:04:05.678Z {ME} PRIVMSG #c :one")
    assert said == MessageReceived(
        "alice",
        "#c",
        "one",
        Kind.MESSAGE,
        own=True,
        private=False,
        request=first,
        msgid="m1",
        time=datetime(2026, 1, 2, 3, 4, 5, 678000, UTC),
    )
    assert acknowledged == Acknowledged(first)
    assert first.done
    assert not second.settled
    assert len(modern.outstanding) == 1


def test_an_empty_answer_acknowledges(modern: Conversation) -> None:
    request = modern.request("JOIN", "#c")
    assert hear(modern, "@label=1 :s ACK") == [Acknowledged(request, empty=True)]


def test_an_answer_in_a_batch_acknowledges_at_its_end(modern: Conversation) -> None:
    request = modern.request("PRIVMSG", "bob", "hello")
    said, away = hear(
        modern,
        "@label=1 :s BATCH +x labeled-response",
        f"@batch=x {ME} PRIVMSG bob :hello",
        "@batch=x :s 301 alice bob :will read it later",
    )
    assert isinstance(said, MessageReceived)
    assert (said.private, said.batch, said.request) == (True, "labeled-response", request)
    assert away == events.Away("bob", "will read it later", batch="labeled-response")
    assert not request.settled
    assert hear(modern, ":s BATCH -x") == [Acknowledged(request)]


def test_a_batch_in_the_answer_does_not_end_it(modern: Conversation) -> None:
    request = modern.request("CHATHISTORY", "LATEST", "#c", "*", "10")
    (said,) = hear(
        modern,
        "@label=1 :s BATCH +out labeled-response",
        "@batch=out :s BATCH +in chathistory #c",
        "@batch=in :bob!b@h PRIVMSG #c :long ago",
        ":s BATCH -in",
    )
    assert isinstance(said, events.Page)
    assert [entry.batch for entry in said.entries] == ["chathistory"]
    assert not request.settled
    assert hear(modern, ":s BATCH -out") == [Acknowledged(request)]


def test_a_labelled_error_refuses(modern: Conversation) -> None:
    request = modern.request("PRIVMSG", "#c", "hello")
    assert hear(modern, "@label=1 :s 404 alice #c :Cannot send") == [Refused(request, "404", "#c", "Cannot send")]
    assert request.settled
    assert not request.done


def test_an_error_in_a_batch_refuses_at_its_end(modern: Conversation) -> None:
    request = modern.request("JOIN", "#c")
    lines = [
        "@label=1 :s BATCH +x labeled-response",
        "@batch=x FAIL JOIN NO :first",
        "@batch=x :s 473 alice #c :second",
    ]
    assert hear(modern, *lines) == []
    assert hear(modern, ":s BATCH -x") == [Refused(request, "NO", "JOIN", "first")]


@pytest.mark.parametrize(
    ("line", "code", "about", "text"),
    [
        ("FAIL PRIVMSG STORE_FAILED #c :disk full", "STORE_FAILED", "#c", "disk full"),
        ("FAIL PRIVMSG STORE_FAILED :disk full", "STORE_FAILED", "PRIVMSG", "disk full"),
        ("FAIL", "", "", ""),
        (":s 599 alice x :unknown, but an error by its number", "599", "x", "unknown, but an error by its number"),
        (":s 723 alice kill :no", "723", "kill", "no"),
        (":s 417 alice :too long", "417", "", "too long"),
        (":s 404", "404", "", ""),
    ],
)
def test_what_is_an_error(modern: Conversation, line: str, code: str, about: str, text: str) -> None:
    assert hear(modern, line) == [Refused(None, code, about, text)]


@pytest.mark.parametrize("line", [":s 422 alice :no motd", ":s 301 alice bob :away", "WARN PRIVMSG SLOW :soon"])
def test_what_is_none(modern: Conversation, line: str) -> None:
    request = modern.request("PRIVMSG", "#c", "hello")
    assert hear(modern, f"@label=1 {line}")[-1] == Acknowledged(request)


def test_a_request_without_any_answer_is_refused_when_a_later_ping_is_answered(modern: Conversation) -> None:
    request = modern.request("PRIVMSG", "#c", "hello")
    modern.ping()
    later = modern.request("PRIVMSG", "#c", "later")
    (refused,) = hear(modern, ":s PONG s :ping-1")
    assert refused == Refused(request, "", "#c", UNANSWERED)
    assert not later.settled
    assert hear(modern, "@label=1 :s ACK", ":s PONG s :ping-1", ":s PONG s :other", ":s PONG") == []


def test_a_label_that_is_not_ours_settles_nothing(modern: Conversation) -> None:
    request = modern.request("PRIVMSG", "#c", "hello")
    hear(modern, "@label=7 :s ACK", ":s BATCH -nothing", "@label=9 :s BATCH +y labeled-response", ":s BATCH -y")
    assert not request.settled


def test_what_another_device_said_is_ones_own_and_no_answer(modern: Conversation) -> None:
    (said,) = hear(modern, f"{ME} PRIVMSG #c :from the phone")
    assert isinstance(said, MessageReceived)
    assert (said.own, said.request) == (True, None)


def test_batches_without_end_end_the_connection(modern: Conversation) -> None:
    hear(modern, *(f":s BATCH +{number} netsplit" for number in range(MAX_BATCHES)))
    with pytest.raises(ConnectionLostError):
        hear(modern, ":s BATCH +more netsplit")


def test_a_batch_without_a_name_catches_nothing(modern: Conversation) -> None:
    request = modern.request("PRIVMSG", "#c", "hello")
    hear(modern, "@label=1 :s BATCH +", ":bob!b@h PRIVMSG #c :x", ":s BATCH -")
    assert not request.settled


# -- by PING ----------------------------------------------------------------------------------------------------------


def test_the_pong_acknowledges_and_one_says_it_oneself(old: Conversation) -> None:
    request = old.request("PRIVMSG", "#c", "hello")
    assert sent(old) == ["PRIVMSG #c :hello", "PING :ping-1"]
    said, acknowledged = hear(old, ":s PONG s :ping-1")
    assert said == MessageReceived("alice", "#c", "hello", Kind.MESSAGE, own=True, private=False, request=request)
    assert acknowledged == Acknowledged(request)


def test_with_echo_message_one_does_not_say_it_twice() -> None:
    conversation = conversation_with("echo-message")
    request = conversation.request("PRIVMSG", "#c", "hello")
    said, acknowledged = hear(conversation, f"{ME} PRIVMSG #c :hello", ":s PONG s :ping-1")
    assert isinstance(said, MessageReceived)
    assert acknowledged == Acknowledged(request)


def test_an_error_before_the_pong_refuses_the_oldest(old: Conversation) -> None:
    first, second = old.request("PRIVMSG", "#C", "one"), old.request("PRIVMSG", "#c", "two")
    assert hear(old, ":s 404 alice #c :no") == []
    (refused,) = hear(old, ":s PONG s :ping-1")
    assert refused == Refused(first, "404", "#c", "no")
    assert hear(old, ":s PONG s :ping-2")[-1] == Acknowledged(second)


@pytest.mark.parametrize(
    "line", ["FAIL PRIVMSG X ctx :no", "FAIL * X :no", ":s 461 alice PRIVMSG :no", ":s 417 alice :no"]
)
def test_errors_that_name_no_target(old: Conversation, line: str) -> None:
    request = old.request("PRIVMSG", "#c", "hello")
    hear(old, line, ":s PONG s :ping-1")
    assert request.settled
    assert not request.done


@pytest.mark.parametrize("line", ["FAIL JOIN X :no", ":s 404 alice #other :no", ":s 401 alice bob :no"])
def test_errors_about_something_else(old: Conversation, line: str) -> None:
    request = old.request("PRIVMSG", "#c", "hello")
    (refused,) = hear(old, line)
    assert isinstance(refused, Refused)
    assert refused.request is None
    hear(old, ":s PONG s :ping-1")
    assert request.done


def test_a_request_keeps_its_way_when_capabilities_come(old: Conversation) -> None:
    request = old.request("PRIVMSG", "#c", "hello")
    hear(old, f":s CAP alice NEW :{' '.join(WANTED)}", f":s CAP alice ACK :{' '.join(WANTED)}", ":s PONG s :ping-1")
    assert request.done
    sent(old)
    old.request("PRIVMSG", "#c", "labelled now")
    assert sent(old) == ["@label=2 PRIVMSG #c :labelled now"]


# -- laws -------------------------------------------------------------------------------------------------------------

_ANSWERS = st.sampled_from(["echo", "ack", "error", "batch", "bad batch", "nothing"])


@given(st.lists(_ANSWERS, max_size=12))
def test_every_request_is_settled_once_and_rightly(answers: list[str]) -> None:
    conversation = conversation_with(*WANTED)
    requests = [conversation.request("PRIVMSG", "#c", str(number)) for number in range(len(answers))]
    told: list[Event] = []
    for request, answer in zip(requests, answers, strict=True):
        label = request.label
        told += hear(
            conversation,
            *{
                "echo": [f"@label={label} {ME} PRIVMSG #c :x"],
                "ack": [f"@label={label} ACK"],
                "error": [f"@label={label} :s 404 alice #c :no"],
                "batch": [f"@label={label} BATCH +b labeled-response", f"@batch=b {ME} PRIVMSG #c :x", "BATCH -b"],
                "bad batch": [f"@label={label} BATCH +b labeled-response", "@batch=b FAIL PRIVMSG X :no", "BATCH -b"],
                "nothing": [],
            }[answer],
        )
    conversation.ping()
    told += hear(conversation, "PONG s :ping-1")
    settled = [event.request for event in told if isinstance(event, Acknowledged | Refused)]
    assert sorted(settled, key=id) == sorted(requests, key=id)
    assert [request.done for request in requests] == [answer in ("echo", "ack", "batch") for answer in answers]
    assert len(conversation.outstanding) == 0


_WORDS = st.sampled_from(
    [
        "alice",
        "bob",
        "#c",
        "+b",
        "-b",
        "b",
        "1",
        "",
        "*",
        "@alice",
        "text",
        "ping-1",
        "\x01ACTION x",
        "draft/multiline",
        "+ob",
        "-v+o",
        "#d",
        "CASEMAPPING=ascii",
        "PREFIX=(q)~",
        "+*!*@*",
    ]
)
_COMMANDS = st.sampled_from(
    [*HANDLERS, "BATCH", "CAP", "PING", "PONG", "ERROR", "FAIL", "ACK", "TAGMSG", "401", "404", "WHAT"]
)
_TAGS = st.dictionaries(st.sampled_from(["label", "batch", "time", "account"]), _WORDS, max_size=3)
_MESSAGES = st.builds(
    Message, _COMMANDS, st.lists(_WORDS, max_size=5), st.sampled_from([None, "alice", "bob!b@h", "s"]), _TAGS
)


@settings(max_examples=300)
@given(st.lists(_MESSAGES, max_size=20), st.booleans())
def test_whatever_a_server_says_is_survived(messages: list[Message], with_labels: bool) -> None:
    conversation = conversation_with(*(WANTED if with_labels else ()))
    for number, message in enumerate(messages):
        conversation.request("PRIVMSG", "#c", str(number))
        conversation.receive(message)
        b"".join(answer.encode() for answer in conversation.outgoing if answer.command != "PONG")
        state = conversation.state
        assert state.people.keys() == {nick for channel in state.channels.values() for nick in channel.members}


@given(st.text(min_size=1), st.booleans(), st.sampled_from([None, "alice!user@" + "h" * 63, "alice!u@" + "h" * 480]))
def test_pieces_are_the_whole_text_and_fit(text: str, act: bool, source: str | None) -> None:
    conversation = conversation_with()
    if source:
        conversation.state.learn_source(source)
    text = text.encode(errors="replace").decode().translate({0: " ", 10: " ", 13: " "})
    pieces = conversation.pieces("#lobby", text, act=act)
    assert (
        "".join(
            params[1].removeprefix("\x01ACTION ").removesuffix("\x01") if act else params[1] for _, *params in pieces
        )
        == text
    )
    if source is None or len(source) < 100:
        relayed = [Message(command, params, source=source or "alice!u@h") for command, *params in pieces]
        assert all(len(message.encode()) <= MAX_BODY + 2 for message in relayed)


def test_a_long_text_fills_its_lines(modern: Conversation) -> None:
    hear(modern, f"{ME} JOIN #c")
    pieces = modern.pieces("#c", "x" * 1000)
    lengths = [len(Message(command, params, source=ME[1:]).encode()) for command, *params in pieces]
    assert lengths[:2] == [512, 512]
    assert len(lengths) == 3
