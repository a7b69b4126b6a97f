"""What the machine promises to rules, and for them."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from securechat.chat.events import Collected
from securechat.chat.machine import Applied, Chat, rule
from securechat.chat.presence import leave
from securechat.chat.refusals import Reason, Refusal, Refused
from securechat.chat.tenancy import make_channel
from securechat.chat.views import snapshot
from tests.chat.room import GUESTS, Room


@dataclass
class _Try:
    """A request for which the rule is what the test says."""

    rule: Callable[[Chat, int, Applied], None]


@rule(_Try)
def _try(chat: Chat, stamp: int, request: _Try, applied: Applied) -> None:
    request.rule(chat, stamp, applied)


def _apply(chat: Chat, rule: Callable[[Chat, int, Applied], None]) -> Applied | Refusal:
    return chat.apply(5_000_000, _Try(rule))  # type: ignore[arg-type]


def _change_much(chat: Chat, stamp: int, applied: Applied) -> None:
    for session in tuple(chat.sessions):
        leave(chat, stamp, session, "", applied)
    make_channel(chat, stamp, "#new", None, applied)
    account = chat.accounts["ann"]
    chat.replace_account(None, account, applied)


@pytest.fixture
def room() -> Room:
    room = Room(GUESTS)
    room.member("ann", "#tea")
    room.enter("guest", "#fun", "#tea")
    return room


def test_a_rule_may_refuse_late(room: Room) -> None:
    def refuse(chat: Chat, stamp: int, applied: Applied) -> None:
        _change_much(chat, stamp, applied)
        assert not chat.sessions
        raise Refused(Reason.NOT_STORED, "a", "b")

    before = snapshot(room.chat)
    assert _apply(room.chat, refuse) == Refusal(Reason.NOT_STORED, ("a", "b"))
    assert snapshot(room.chat) == before


@pytest.mark.parametrize("error", [ZeroDivisionError, KeyboardInterrupt])
def test_a_rule_may_fail_late(room: Room, error: type[BaseException]) -> None:
    def fail(chat: Chat, stamp: int, applied: Applied) -> None:
        _change_much(chat, stamp, applied)
        raise error

    before = snapshot(room.chat)
    with pytest.raises(error):
        _apply(room.chat, fail)
    assert snapshot(room.chat) == before


def test_what_is_no_request_changes_nothing(room: Room) -> None:
    before = snapshot(room.chat)
    with pytest.raises(KeyError):
        room.chat.apply(5_000_000, "JOIN #tea")  # type: ignore[arg-type]
    assert snapshot(room.chat) == before


def test_steps_are_taken_back_in_reverse_and_once(room: Room) -> None:
    steps: list[int] = []

    def act(chat: Chat, stamp: int, applied: Applied) -> None:
        for number in range(3):
            applied.on_undo(lambda number=number: steps.append(number))  # type: ignore[misc]

    applied = _apply(room.chat, act)
    assert isinstance(applied, Applied)
    assert steps == []
    applied.undo()
    applied.undo()
    assert steps == [2, 1, 0]


def test_each_event_has_a_place_of_its_own(room: Room) -> None:
    def act(chat: Chat, stamp: int, applied: Applied) -> None:
        applied.events.extend(Collected(stamp, 1, number) for number in range(4))

    applied = _apply(room.chat, act)
    assert isinstance(applied, Applied)
    assert applied.events == [Collected(5_000_000 + number, 1, number) for number in range(4)]
    assert room.chat.stamp == 5_000_003, "all that has been said so far has this one or a smaller"
    applied.undo()
    assert applied.events == []


def test_what_a_request_makes_has_its_stamp_as_id() -> None:
    """Stamps are never used again, so ids are not."""
    room = Room()
    lobby, ann = room.stamp, room.account("ann")
    assert ann.id == room.stamp
    room.enter(ann, "#tea")
    assert [channel.id for channel in room.chat.channels.values()] == [lobby, room.stamp]
