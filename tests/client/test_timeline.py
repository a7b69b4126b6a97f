"""Each message once and in order, whatever comes live, is missed, or comes both ways."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from securechat.client import timeline as timelines
from securechat.client.events import Event, Joined, Kind, MessageReceived, MissedMore, Redacted
from securechat.client.history import Point
from securechat.client.timeline import Timeline, conversation_of, partner_of

BEGIN = datetime(2026, 3, 1, tzinfo=UTC)


def said(number: int, text: str = "", *, target: str = "#c", source: str = "bob", own: bool = False) -> MessageReceived:
    return MessageReceived(
        source,
        target,
        text or str(number),
        Kind.MESSAGE,
        own=own,
        private=not target.lstrip("@").startswith("#"),
        msgid=f"m{number}",
        time=BEGIN + timedelta(seconds=number),
    )


def taken_back(number: int, target: str = "#c") -> Redacted:
    return Redacted("eve", target, f"m{number}", "", own=False, private=False)


def texts(events: list[Event]) -> list[str]:
    return [event.text for event in events if isinstance(event, MessageReceived)]


def test_what_comes_live_is_told_once() -> None:
    timeline = Timeline()
    assert texts(timeline.arrived(said(1))) == ["1"]
    assert timeline.arrived(said(1)) == []
    assert timeline.last("#C") == timeline.first("#c") == Point("m1", BEGIN + timedelta(seconds=1))
    assert timeline.last("#d") is None
    nameless = MessageReceived("bob", "#c", "x", Kind.MESSAGE, own=False, private=False)
    assert [texts(timeline.arrived(nameless)) for _ in range(2)] == [["x"], ["x"]]
    assert timeline.latest == BEGIN + timedelta(seconds=1)


def test_what_is_held_comes_behind_what_was_missed() -> None:
    timeline = Timeline()
    timeline.arrived(said(1))
    timeline.hold()
    joined = Joined("carol", "#c", own=False)
    assert timeline.arrived(joined) == [joined]
    assert timeline.arrived(said(3, "3, live")) == timeline.arrived(said(4)) == []
    assert timeline.arrived(said(9, target="#d")) == []
    assert texts(timeline.caught_up("#C", [said(1), said(2), said(3)])) == ["2", "3, live", "4"]
    assert texts(timeline.arrived(said(5))) == ["5"]  # of that conversation nothing is held any more
    assert texts(timeline.live()) == ["9"]
    assert timeline.last("#c") == Point("m5", BEGIN + timedelta(seconds=5))


def test_one_conversation_may_be_held_alone() -> None:
    timeline = Timeline()
    timeline.hold_one("#C")
    assert timeline.arrived(said(2)) == []
    assert texts(timeline.arrived(said(3, target="#d"))) == ["3"]
    assert texts(timeline.caught_up("#c", [said(1)])) == ["1", "2"]
    assert texts(timeline.arrived(said(4))) == ["4"]


def test_what_is_held_when_the_connection_breaks_comes_again() -> None:
    timeline = Timeline()
    timeline.hold()
    assert timeline.arrived(said(1)) == []
    timeline.hold()
    assert texts(timeline.caught_up("#c", [said(1)])) == ["1"]


@given(
    st.integers(1, 30),
    st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30), st.integers(0, 30)), max_size=5),
)
def test_each_is_told_once_and_in_order(before: int, losses: list[tuple[int, int, int]]) -> None:
    """A log, and connections: what each sees live, what is missed between them, what comes while one asks."""
    timeline, told, count = Timeline(), [], 0
    for _ in range(before):
        count += 1
        told += timeline.arrived(said(count))
    for missed, early, late in losses:
        timeline.hold()
        last = timeline.last("#c")
        assert last is not None
        count += missed
        for _ in range(early):  # these are in the answer, too
            count += 1
            told += timeline.arrived(said(count))
        answer = [said(number) for number in range(int((last.msgid or "")[1:]) + 1, count + 1)]
        for _ in range(late):
            count += 1
            told += timeline.arrived(said(count))
        told += timeline.caught_up("#c", answer)
        told += timeline.live()
    assert texts(told) == [str(number) for number in range(1, count + 1)]


def test_conversations() -> None:
    for event, partner in (
        (said(1, target="@#C"), "#C"),
        (said(1, target="alice"), "bob"),
        (said(1, target="Bob", source="alice", own=True), "Bob"),
    ):
        assert partner_of(event) == partner
        assert conversation_of(event) == partner.lower()


def test_what_was_taken_back() -> None:
    timeline = Timeline()
    timeline.arrived(said(1))
    timeline.arrived(said(2, target="#d"))
    (told,) = timeline.arrived(taken_back(1))
    assert isinstance(told, Redacted)
    assert (told.author, told.said) == ("bob", BEGIN + timedelta(seconds=1))
    assert timeline.arrived(taken_back(2)) == []  # said elsewhere: "clients MUST ignore it"
    (unknown,) = timeline.arrived(taken_back(3))
    assert isinstance(unknown, Redacted)
    assert unknown.author == ""
    assert timeline.search(nick="bob", conversation=None, words="1") is None
    assert timeline.search(nick="bob", conversation=None, words="2") is not None


def test_finding_what_was_said() -> None:
    timeline = Timeline()
    timeline.arrived(said(5, "the last of mine", source="alice", own=True))
    timeline.arrived(said(3, "Of MINE", source="alice", own=True, target="bob"))
    timeline.arrived(said(7, "bob's"))

    def found(nick: str | None, conversation: str | None, words: str) -> str | None:
        known = timeline.search(nick=nick, conversation=conversation, words=words)
        return known.text if known else None

    assert found(None, None, "") == found(None, None, "mine") == "the last of mine"
    assert found(None, None, "of Mine") == "the last of mine"
    assert found(None, "BOB", "mine") == "Of MINE"
    assert found("Bob", "#c", "") == "bob's"
    assert found("Bob", "#d", "") is found("carol", None, "") is None
    timeline.older("#c", [said(1, "older", source="alice", own=True)])
    assert found(None, None, "") == "the last of mine"
    assert found(None, None, "older") == "older"
    assert timeline.first("#c") == Point("m1", BEGIN + timedelta(seconds=1))


def test_a_gap_begins_anew() -> None:
    timeline = Timeline()
    timeline.arrived(said(1))
    timeline.hold()
    timeline.caught_up("#c", [MissedMore("#c"), said(8), said(9)])
    assert timeline.first("#c") == Point("m8", BEGIN + timedelta(seconds=8))
    assert timeline.shown() == {"#c": BEGIN + timedelta(seconds=9)}


def test_memory_is_bounded() -> None:
    timeline = Timeline()
    timeline.hold()
    for number in range(timelines.MOST_HELD):
        assert timeline.arrived(said(number)) == []
    assert texts(timeline.arrived(said(timelines.MOST_HELD))) == [str(timelines.MOST_HELD)]
    assert len(timeline.live()) == timelines.MOST_HELD
    for number in range(timelines.MOST_CONVERSATIONS + 10):
        timeline.arrived(said(100_000 + number, target=f"#{number}"))
    assert len(timeline.shown()) == timelines.MOST_CONVERSATIONS
    assert timeline.last("#0") is None
    assert len(timeline._known) == timelines.MOST_KNOWN
