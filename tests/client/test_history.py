"""Questions for history as they are sent, and pages as they are put together."""

from datetime import UTC, datetime

import pytest

from securechat.client import history
from securechat.client.capabilities import WANTED
from securechat.client.conversation import Conversation
from securechat.client.events import Acknowledged, Conversed, MarkerMoved, MessageReceived, Page, Redacted, Refused
from securechat.client.history import Point, attributes, iso
from securechat.irc.tags import parse_tags
from tests.client.conversations import ME, conversation_with, hear, sent

NOON = datetime(2026, 3, 1, 12, 0, 0, 5000, UTC)


@pytest.fixture
def modern() -> Conversation:
    return conversation_with(*WANTED)


def test_points() -> None:
    assert iso(NOON) == "2026-03-01T12:00:00.005Z"
    both = Point("m1", NOON)
    assert both.reference("msgid,timestamp") == both.reference("timestamp,msgid") == "msgid=m1"
    assert both.reference("timestamp") == "timestamp=2026-03-01T12:00:00.005Z"
    assert Point("m1").reference("timestamp") == "msgid=m1"  # it is all that there is
    assert Point(None, NOON).reference("msgid") == "timestamp=2026-03-01T12:00:00.005Z"
    assert Point().reference("msgid") == "*"


def test_what_a_search_asks_for() -> None:
    wanted = {"text": "a; b\\", "in": "#c", "from": ""}
    assert parse_tags(attributes(wanted)) == {"text": "a; b\\", "in": "#c"}


def test_a_page(modern: Conversation) -> None:
    request = modern.request("CHATHISTORY", "LATEST", "#c", "*", "10")
    assert sent(modern) == ["@label=1 CHATHISTORY LATEST #c * 10"]
    page, acknowledged = hear(
        modern,
        "@label=1 :s BATCH +p chathistory #c",
        f"@batch=p;msgid=m1;account=alice {ME} PRIVMSG #c :one",
        "@batch=p;msgid=m2 :bob!b@h PRIVMSG #c :",
        "@batch=p :eve!e@h REDACT #c m2 :no good",
        "@batch=p :eve!e@h REDACT #c m0",
        "@batch=p :bob!b@h JOIN #c",
        "@batch=p :bob!b@h NICK rob",
        "@batch=p :s BATCH +lines draft/multiline #c",
        "@batch=lines :bob!b@h PRIVMSG #c :two",
        "@batch=lines :bob!b@h PRIVMSG #c :lines",
        ":s BATCH -lines",
        ":carol!c@h PRIVMSG #c :live",
        ":s BATCH -p",
    )[1:]
    assert isinstance(page, Page)
    assert page is request.page
    assert acknowledged == Acknowledged(request)
    one, gone, alone, lines = page.entries
    assert isinstance(one, MessageReceived)
    assert (one.text, one.own, one.request) == ("one", True, None)
    assert isinstance(gone, MessageReceived)
    assert gone.taken_back is not None
    assert (gone.taken_back.by, gone.taken_back.reason) == ("eve", "no good")
    assert isinstance(alone, Redacted)
    assert isinstance(lines, MessageReceived)
    assert lines.text == "two\nlines"
    assert modern.state.channels == {}  # what was is not what is
    assert modern.state.people == {}
    assert modern.state.source is None


def test_a_quiet_question_is_told_to_nobody(modern: Conversation) -> None:
    answered = modern.request("CHATHISTORY", "TARGETS", "x", "y", "5", quiet=True)
    refused = modern.request("CHATHISTORY", "LATEST", "#d", "*", "5", quiet=True)
    told = hear(
        modern,
        "@label=1 :s BATCH +p draft/chathistory-targets",
        "@batch=p :s CHATHISTORY TARGETS bob 2026-03-01T12:00:00.005Z",
        "@batch=p :s CHATHISTORY TARGETS #c timestamp=2026-03-01T12:00:00.005Z",
        "@batch=p :s CHATHISTORY TARGETS carol nonsense",
        "@batch=p :s CHATHISTORY NONSENSE x y",
        ":s BATCH -p",
        "@label=2 FAIL CHATHISTORY INVALID_TARGET LATEST #d :Messages could not be retrieved",
    )
    assert told == []
    assert answered.page is not None
    found = [(entry.name, entry.last) for entry in answered.page.entries if isinstance(entry, Conversed)]
    assert found == [("bob", NOON), ("#c", NOON), ("carol", None)]
    assert refused.settled
    assert refused.refusal is not None
    assert (refused.refusal.code, refused.refusal.about) == ("INVALID_TARGET", "#d")


def test_a_page_of_a_server_without_labels() -> None:
    old = conversation_with("batch", "draft/chathistory", "message-tags", "server-time")
    request = old.request("CHATHISTORY", "LATEST", "#c", "*", "10")
    assert sent(old) == ["CHATHISTORY LATEST #c * 10", "PING :ping-1"]
    (page,) = hear(old, ":s BATCH +p chathistory #c", "@batch=p :bob!b@h PRIVMSG #c :one", ":s BATCH -p")
    assert isinstance(page, Page)
    assert not request.settled
    assert hear(old, ":s PONG s ping-1") == [Acknowledged(request)]


def test_history_that_nobody_has_asked_for_is_told_as_it_comes(modern: Conversation) -> None:
    told = hear(
        modern,
        ":s BATCH +p chathistory #c",
        "@batch=p;msgid=m1 :bob!b@h PRIVMSG #c :one",
        "@batch=p :bob!b@h JOIN #c",
        ":s BATCH -p",
    )
    assert [type(event) for event in told] == [MessageReceived]


def test_a_page_has_an_end(modern: Conversation) -> None:
    request = modern.request("CHATHISTORY", "LATEST", "#c", "*", "10")
    lines = [f"@batch=p;msgid={number} :bob!b@h PRIVMSG #c :x" for number in range(history.MAX_ENTRIES + 5)]
    hear(modern, "@label=1 :s BATCH +p chathistory #c", *lines, ":s BATCH -p")
    assert request.page is not None
    assert len(request.page.entries) == history.MAX_ENTRIES


def test_how_far_one_has_read(modern: Conversation) -> None:
    assert hear(modern, ":s MARKREAD #C timestamp=2026-03-01T12:00:00.005Z") == [MarkerMoved("#C", NOON)]
    assert modern.state.markers == {"#c": NOON}
    hear(modern, ":s MARKREAD bob timestamp=2026-03-01T12:00:00.005Z", ":s MARKREAD #c *", ":s MARKREAD #d nonsense")
    assert modern.state.markers == {"bob": NOON}


def test_taking_back(modern: Conversation) -> None:
    request = modern.request("REDACT", "#c", "m1", "why")
    (redacted, done) = hear(modern, f"@label=1 {ME} REDACT #c m1 :why")
    assert redacted == Redacted("alice", "#c", "m1", "why", own=True, private=False)
    assert done == Acknowledged(request)
    request = modern.request("REDACT", "bob", "m2")
    fail = "@label=2 FAIL REDACT REDACT_WINDOW_EXPIRED bob m2 3600 :You can no longer take this message back"
    (refused,) = hear(modern, fail)
    assert isinstance(refused, Refused)
    assert refused.text == "You can no longer take this message back"


def test_messages_carry_their_id_only_where_the_server_knows_it() -> None:
    for capabilities, tags in ((("securechat/client-id",), "@securechat/client-id=x "), ((), "")):
        conversation = conversation_with(*capabilities)
        conversation.request("PRIVMSG", "#c", "one", client_id="x")
        assert sent(conversation)[0] == f"{tags}PRIVMSG #c one".replace("#c one", "#c :one")
