"""What becomes of what was asked: labels, batches, PING; and what every message of the server does to what is known."""

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from securechat.client import events
from securechat.client.capabilities import WANTED, Capabilities
from securechat.client.conversation import MAX_BATCHES, Conversation
from securechat.client.errors import ConnectionLostError
from securechat.client.events import Acknowledged, Event, Kind, MessageReceived, Refused
from securechat.client.handlers import HANDLERS
from securechat.client.requests import UNANSWERED
from securechat.client.state import State
from securechat.irc.lines import MAX_BODY
from securechat.irc.message import Message

ME = ":alice!a@host"


def _conversation(*enabled: str) -> Conversation:
    capabilities = Capabilities()
    capabilities.handle(["*", "ACK", " ".join(enabled)])
    return Conversation(State("alice", "chat.example"), capabilities)


@pytest.fixture
def modern() -> Conversation:
    """With a server that has all that the client understands."""
    return _conversation(*WANTED)


@pytest.fixture
def old() -> Conversation:
    """With a server that has nothing of it."""
    return _conversation()


def _sent(conversation: Conversation) -> list[str]:
    lines = [message.serialise() for message in conversation.outgoing]
    conversation.outgoing.clear()
    return lines


def _hear(conversation: Conversation, *lines: str) -> list[Event]:
    return [event for line in lines for event in conversation.receive(Message.parse(line))]


# -- by label ---------------------------------------------------------------------------------------------------------


def test_the_echo_acknowledges(modern: Conversation) -> None:
    first, second = modern.request("PRIVMSG", "#c", "one"), modern.request("PRIVMSG", "#c", "two")
    assert _sent(modern) == ["@label=1 PRIVMSG #c :one", "@label=2 PRIVMSG #c :two"]
    said, acknowledged = _hear(modern, f"@label=1;msgid=m1;time=2026-01-02T03:04:05.678Z {ME} PRIVMSG #c :one")
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
    assert _hear(modern, "@label=1 :s ACK") == [Acknowledged(request, empty=True)]


def test_an_answer_in_a_batch_acknowledges_at_its_end(modern: Conversation) -> None:
    request = modern.request("PRIVMSG", "bob", "hello")
    said, away = _hear(
        modern,
        "@label=1 :s BATCH +x labeled-response",
        f"@batch=x {ME} PRIVMSG bob :hello",
        "@batch=x :s 301 alice bob :will read it later",
    )
    assert isinstance(said, MessageReceived)
    assert (said.private, said.batch, said.request) == (True, "labeled-response", request)
    assert away == events.Away("bob", "will read it later", batch="labeled-response")
    assert not request.settled
    assert _hear(modern, ":s BATCH -x") == [Acknowledged(request)]


def test_a_batch_in_the_answer_does_not_end_it(modern: Conversation) -> None:
    request = modern.request("CHATHISTORY", "LATEST", "#c", "*", "10")
    (said,) = _hear(
        modern,
        "@label=1 :s BATCH +out labeled-response",
        "@batch=out :s BATCH +in chathistory #c",
        "@batch=in :bob!b@h PRIVMSG #c :long ago",
        ":s BATCH -in",
    )
    assert said.batch == "chathistory"
    assert not request.settled
    assert _hear(modern, ":s BATCH -out") == [Acknowledged(request)]


def test_a_labelled_error_refuses(modern: Conversation) -> None:
    request = modern.request("PRIVMSG", "#c", "hello")
    assert _hear(modern, "@label=1 :s 404 alice #c :Cannot send") == [Refused(request, "404", "#c", "Cannot send")]
    assert request.settled
    assert not request.done


def test_an_error_in_a_batch_refuses_at_its_end(modern: Conversation) -> None:
    request = modern.request("JOIN", "#c")
    lines = [
        "@label=1 :s BATCH +x labeled-response",
        "@batch=x FAIL JOIN NO :first",
        "@batch=x :s 473 alice #c :second",
    ]
    assert _hear(modern, *lines) == []
    assert _hear(modern, ":s BATCH -x") == [Refused(request, "NO", "JOIN", "first")]


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
    assert _hear(modern, line) == [Refused(None, code, about, text)]


@pytest.mark.parametrize("line", [":s 422 alice :no motd", ":s 301 alice bob :away", "WARN PRIVMSG SLOW :soon"])
def test_what_is_none(modern: Conversation, line: str) -> None:
    request = modern.request("PRIVMSG", "#c", "hello")
    assert _hear(modern, f"@label=1 {line}")[-1] == Acknowledged(request)


def test_a_request_without_any_answer_is_refused_when_a_later_ping_is_answered(modern: Conversation) -> None:
    request = modern.request("PRIVMSG", "#c", "hello")
    modern.ping()
    later = modern.request("PRIVMSG", "#c", "later")
    (refused,) = _hear(modern, ":s PONG s :ping-1")
    assert refused == Refused(request, "", "#c", UNANSWERED)
    assert not later.settled
    assert _hear(modern, "@label=1 :s ACK", ":s PONG s :ping-1", ":s PONG s :other", ":s PONG") == []


def test_a_label_that_is_not_ours_settles_nothing(modern: Conversation) -> None:
    request = modern.request("PRIVMSG", "#c", "hello")
    _hear(modern, "@label=7 :s ACK", ":s BATCH -nothing", "@label=9 :s BATCH +y labeled-response", ":s BATCH -y")
    assert not request.settled


def test_what_another_device_said_is_ones_own_and_no_answer(modern: Conversation) -> None:
    (said,) = _hear(modern, f"{ME} PRIVMSG #c :from the phone")
    assert isinstance(said, MessageReceived)
    assert (said.own, said.request) == (True, None)


def test_batches_without_end_end_the_connection(modern: Conversation) -> None:
    _hear(modern, *(f":s BATCH +{number} netsplit" for number in range(MAX_BATCHES)))
    with pytest.raises(ConnectionLostError):
        _hear(modern, ":s BATCH +more netsplit")


def test_a_batch_without_a_name_catches_nothing(modern: Conversation) -> None:
    request = modern.request("PRIVMSG", "#c", "hello")
    _hear(modern, "@label=1 :s BATCH +", ":bob!b@h PRIVMSG #c :x", ":s BATCH -")
    assert not request.settled


# -- by PING ----------------------------------------------------------------------------------------------------------


def test_the_pong_acknowledges_and_one_says_it_oneself(old: Conversation) -> None:
    request = old.request("PRIVMSG", "#c", "hello")
    assert _sent(old) == ["PRIVMSG #c :hello", "PING :ping-1"]
    said, acknowledged = _hear(old, ":s PONG s :ping-1")
    assert said == MessageReceived("alice", "#c", "hello", Kind.MESSAGE, own=True, private=False, request=request)
    assert acknowledged == Acknowledged(request)


def test_with_echo_message_one_does_not_say_it_twice() -> None:
    conversation = _conversation("echo-message")
    request = conversation.request("PRIVMSG", "#c", "hello")
    said, acknowledged = _hear(conversation, f"{ME} PRIVMSG #c :hello", ":s PONG s :ping-1")
    assert isinstance(said, MessageReceived)
    assert acknowledged == Acknowledged(request)


def test_an_error_before_the_pong_refuses_the_oldest(old: Conversation) -> None:
    first, second = old.request("PRIVMSG", "#C", "one"), old.request("PRIVMSG", "#c", "two")
    assert _hear(old, ":s 404 alice #c :no") == []
    (refused,) = _hear(old, ":s PONG s :ping-1")
    assert refused == Refused(first, "404", "#c", "no")
    assert _hear(old, ":s PONG s :ping-2")[-1] == Acknowledged(second)


@pytest.mark.parametrize(
    "line", ["FAIL PRIVMSG X ctx :no", "FAIL * X :no", ":s 461 alice PRIVMSG :no", ":s 417 alice :no"]
)
def test_errors_that_name_no_target(old: Conversation, line: str) -> None:
    request = old.request("PRIVMSG", "#c", "hello")
    _hear(old, line, ":s PONG s :ping-1")
    assert request.settled
    assert not request.done


@pytest.mark.parametrize("line", ["FAIL JOIN X :no", ":s 404 alice #other :no", ":s 401 alice bob :no"])
def test_errors_about_something_else(old: Conversation, line: str) -> None:
    request = old.request("PRIVMSG", "#c", "hello")
    (refused,) = _hear(old, line)
    assert isinstance(refused, Refused)
    assert refused.request is None
    _hear(old, ":s PONG s :ping-1")
    assert request.done


def test_a_request_keeps_its_way_when_capabilities_come(old: Conversation) -> None:
    request = old.request("PRIVMSG", "#c", "hello")
    _hear(old, f":s CAP alice NEW :{' '.join(WANTED)}", f":s CAP alice ACK :{' '.join(WANTED)}", ":s PONG s :ping-1")
    assert request.done
    _sent(old)
    old.request("PRIVMSG", "#c", "labelled now")
    assert _sent(old) == ["@label=2 PRIVMSG #c :labelled now"]


# -- laws -------------------------------------------------------------------------------------------------------------

_ANSWERS = st.sampled_from(["echo", "ack", "error", "batch", "bad batch", "nothing"])


@given(st.lists(_ANSWERS, max_size=12))
def test_every_request_is_settled_once_and_rightly(answers: list[str]) -> None:
    conversation = _conversation(*WANTED)
    requests = [conversation.request("PRIVMSG", "#c", str(number)) for number in range(len(answers))]
    told: list[Event] = []
    for request, answer in zip(requests, answers, strict=True):
        label = request.label
        told += _hear(
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
    told += _hear(conversation, "PONG s :ping-1")
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
    conversation = _conversation(*(WANTED if with_labels else ()))
    for number, message in enumerate(messages):
        conversation.request("PRIVMSG", "#c", str(number))
        conversation.receive(message)
        b"".join(answer.encode() for answer in conversation.outgoing if answer.command != "PONG")
        state = conversation.state
        assert state.people.keys() == {nick for channel in state.channels.values() for nick in channel.members}


@given(st.text(min_size=1), st.booleans(), st.sampled_from([None, "alice!user@" + "h" * 63, "alice!u@" + "h" * 480]))
def test_pieces_are_the_whole_text_and_fit(text: str, act: bool, source: str | None) -> None:
    conversation = _conversation()
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
    _hear(modern, f"{ME} JOIN #c")
    pieces = modern.pieces("#c", "x" * 1000)
    lengths = [len(Message(command, params, source=ME[1:]).encode()) for command, *params in pieces]
    assert lengths[:2] == [512, 512]
    assert len(lengths) == 3


# -- what is known ----------------------------------------------------------------------------------------------------


def _members(conversation: Conversation, channel: str) -> list[str]:
    """With their prefixes, in the order of their names."""
    state = conversation.state
    members = state.channels[channel].members
    return [members[nick] + state.people[nick].nick for nick in sorted(members)]


def test_channels_and_their_members(modern: Conversation) -> None:
    joined, names = _hear(
        modern,
        f"{ME} JOIN #c * :Alice",
        ":s 353 alice = #c :@alice!a@host +bob!b@h",
        ":s 353 alice = #c :@+carol!c@h",
        ":s 366 alice #c :End",
    )
    assert joined == events.Joined("alice", "#c", own=True)
    assert names == events.Names("#c", ("@alice", "+bob", "@+carol"))
    assert modern.state.source == "alice!a@host"
    assert _members(modern, "#c") == ["@alice", "+bob", "@+carol"]
    assert _hear(modern, ":dave!d@h JOIN #C dave :Dave", ":Bob!b@h PART #c :bye") == [
        events.Joined("dave", "#C", own=False, account="dave"),
        events.Parted("Bob", "#c", "bye", own=False),
    ]
    assert _members(modern, "#c") == ["@alice", "@+carol", "dave"]
    assert _hear(modern, ":carol!c@h NICK caro", ":s KICK #c dave :out", ":caro!c@h QUIT :gone") == [
        events.NickChanged("carol", "caro", own=False),
        events.Kicked("dave", "#c", "s", "out", own=False),
        events.Quit("caro", "gone", ("#c",)),
    ]
    assert _members(modern, "#c") == ["@alice"]
    assert _hear(modern, f"{ME} PART #c") == [events.Parted("alice", "#c", "", own=True)]
    assert (modern.state.channels, modern.state.people) == ({}, {})


def test_one_is_put_out(modern: Conversation) -> None:
    _hear(modern, f"{ME} JOIN #c")
    (kicked,) = _hear(modern, ":bob!b@h KICK #c ALICE :out")
    assert kicked == events.Kicked("ALICE", "#c", "bob", "out", own=True)
    assert modern.state.channels == {}


def test_ones_own_nick_and_source_follow(modern: Conversation) -> None:
    _hear(modern, f"{ME} JOIN #c")
    (changed,) = _hear(modern, f"{ME} NICK :Alicia")
    assert changed == events.NickChanged("alice", "Alicia", own=True)
    assert modern.state.nick == "Alicia"
    assert modern.state.source == "Alicia!a@host"
    assert _members(modern, "#c") == ["Alicia"]


def test_topics(modern: Conversation) -> None:
    _hear(modern, f"{ME} JOIN #c")
    assert _hear(modern, ":s 332 alice #c :tea", ":bob!b@h TOPIC #c :coffee", ":s 331 alice #c :none") == [
        events.TopicChanged("#c", "tea", None),
        events.TopicChanged("#c", "coffee", "bob"),
        events.TopicChanged("#c", "", None),
    ]
    _hear(modern, ":s 332 alice #c :water")
    assert modern.state.channels["#c"].topic == "water"


@pytest.mark.parametrize(("mapping", "same"), [("ascii", False), ("rfc1459", True), (None, True)])
def test_the_server_says_when_two_names_are_one(modern: Conversation, mapping: str | None, same: bool) -> None:
    if mapping:
        _hear(modern, f":s 005 alice CASEMAPPING={mapping} NETWORK=My\\x20Net :are supported")
        assert modern.state.features["NETWORK"] == "My Net"
    assert (modern.state.fold("[A]") == modern.state.fold("{a}")) is same


def test_kinds_of_messages(modern: Conversation) -> None:
    lines = [
        (":bob!b@h PRIVMSG alice :\x01ACTION waves\x01", Kind.ACTION, "waves", True),
        (":bob!b@h PRIVMSG #c :\x01ACTION waves", Kind.ACTION, "waves", False),
        (":bob!b@h PRIVMSG #c :\x01VERSION\x01", Kind.CTCP, "VERSION", False),
        (":bob!b@h NOTICE @#c :psst", Kind.NOTICE, "psst", False),
        ("@account=bob :bob!b@h PRIVMSG #c :hi", Kind.MESSAGE, "hi", False),
    ]
    for line, kind, text, private in lines:
        (said,) = _hear(modern, line)
        assert isinstance(said, MessageReceived)
        assert (said.kind, said.text, said.private) == (kind, text, private)
        assert said.account == ("bob" if line.startswith("@") else None)


def test_what_the_server_says(modern: Conversation) -> None:
    assert _hear(modern, ":s NOTICE alice :hello", ":s 372 alice :- motd", "WALLOPS :x", "NOTE A B :c") == [
        events.ServerSaid("s", "NOTICE", ("hello",)),
        events.ServerSaid("s", "372", ("- motd",)),
        events.Wallops("chat.example", "x"),
        events.ServerSaid("chat.example", "NOTE", ("A", "B", "c")),
    ]
    assert _hear(modern, "PING :token", "PING a b", "@+typing=active :bob!b@h TAGMSG #c", "ERROR :bye") == []
    assert [message.params for message in modern.outgoing] == [["token"], ["a"]]
    assert modern.last_words == "bye"


@pytest.mark.parametrize(
    "time", ["", "yesterday", "2026-13-01T00:00:00Z", "2026-01-01T00:00:00", "0001-01-01T00:00:00Z"]
)
def test_times_that_are_none(modern: Conversation, time: str) -> None:
    (said,) = _hear(modern, f"@time={time} :bob!b@h PRIVMSG #c :x")
    assert said.time is None
