"""A message that a client sends again is known by the id that it has given it."""

import pytest

from securechat.chat import client_ids
from securechat.chat.client_ids import LIFETIME
from securechat.chat.events import IdsForgotten, Said, SaidBefore
from securechat.chat.machine import MAX_EVENTS, MAX_IDS, Chat
from securechat.chat.refusals import Reason
from securechat.chat.requests import (
    ForgetIds,
    LogIn,
    RemoveAccount,
    Say,
    Silence,
    Start,
)
from tests.chat.failing import fail_everywhere
from tests.chat.room import GUESTS, Room

ANN, BOB, GUEST = 1, 2, 3
DAY = 24 * 3600 * 1000


@pytest.fixture
def room() -> Room:
    room = Room(GUESTS)
    room.member("ann", "#tea")
    room.member("bob", "#tea")
    room.enter("guest", "#tea")
    return room


def _say(session: int, name: str, target: str = "#tea") -> Say:
    return Say(session, "PRIVMSG", target, "hello", client_id=name)


def _again(room: Room, request: Say) -> int:
    """It has been said before; when that was."""
    event = room.one(request, SaidBefore)
    assert event == SaidBefore(room.stamp, request.session, event.original)
    return event.original


@pytest.mark.parametrize("target", ["#tea", "@#tea", "bob", "ann"])
def test_it_is_said_once(room: Room, target: str) -> None:
    """On whatever connection, whatever else is said meanwhile."""
    said = room.one(_say(ANN, "a", target), Said)
    assert said.client_id == "a"
    room.one(_say(ANN, "b", target), Said)
    second = room.enter(room.chat.accounts["ann"])
    for session in (ANN, second):
        assert _again(room, _say(session, "a", target)) == said.stamp
    room.leave(ANN, second)
    assert _again(room, _say(room.enter(room.chat.accounts["ann"]), "a", target)) == said.stamp


def test_an_id_is_of_a_message_whatever_it_says_and_to_whom(room: Room) -> None:
    said = room.one(_say(ANN, "a"), Said)
    assert _again(room, Say(ANN, "NOTICE", "bob", "something else", client_id="a")) == said.stamp


def test_everybody_has_ids_of_their_own(room: Room) -> None:
    for session in (ANN, BOB, GUEST, room.enter("another", "#tea")):
        room.one(_say(session, "a"), Said)


def test_what_was_refused_was_not_said(room: Room) -> None:
    room.refused(_say(ANN, "a", "#none"), Reason.NO_SUCH_CHANNEL, "#none")
    room.one(_say(ANN, "a"), Said)


def test_what_was_taken_back_by_a_failure_neither(room: Room) -> None:
    answer = room.chat.apply(room.stamp + 100, _say(ANN, "a"))
    answer.undo()  # type: ignore[union-attr]
    room.stamp += 100
    room.one(_say(ANN, "a"), Said)


def test_what_is_not_stored_is_never_said_before(room: Room) -> None:
    """There would be nothing to show the client."""
    room.do(Silence(BOB, True, "ann"))
    for _ in range(2):
        room.one(_say(ANN, "a", "bob"), Said)
        for target in ("#tea", "guest"):
            room.one(Say(ANN, "TAGMSG", target, "", client_id="b"), Said)
    room.one(_say(ANN, "b"), Said)
    room.one(Say(ANN, "TAGMSG", "#tea", "", client_id="b"), Said)


def test_it_holds_for_a_day(room: Room) -> None:
    said = room.one(_say(ANN, "a"), Said)
    other = room.one(_say(ANN, "b"), Said)
    room.stamp = said.stamp + LIFETIME - 2 * MAX_EVENTS
    assert _again(room, _say(ANN, "a")) == said.stamp
    anew = room.one(_say(ANN, "a"), Said)
    assert anew.stamp == said.stamp + LIFETIME
    assert _again(room, _say(ANN, "a")) == anew.stamp
    assert list(room.chat.client_ids[room.chat.accounts["ann"].id].items()) == [("b", other.stamp), ("a", anew.stamp)]


def test_what_is_older_is_forgotten(room: Room) -> None:
    room.do(_say(ANN, "a"))
    room.do(_say(BOB, "a"))
    room.wait(DAY)
    at = room.one(_say(ANN, "b"), Said).stamp
    assert room.one(ForgetIds(at), IdsForgotten).before == at
    assert room.chat.client_ids == {room.chat.accounts["ann"].id: {"b": at}}
    assert room.one(ForgetIds(2**62), IdsForgotten).before == room.stamp, "what is said later it does not concern"
    assert not room.chat.client_ids


def test_so_many_are_remembered(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    """And wherever the rule fails that forgets one of them, it is not forgotten."""
    monkeypatch.setattr(client_ids, "MAX_IDS", 2)
    for name in ("a", "b", "c", "c", "a"):
        room.do(_say(ANN, name))
    assert list(room.chat.client_ids[room.chat.accounts["ann"].id]) == ["c", "a"]
    room.wait(DAY)
    room.do(_say(ANN, "c"))
    assert list(room.chat.client_ids[room.chat.accounts["ann"].id]) == ["a", "c"]
    fail_everywhere(room.log)


def test_there_is_an_end_to_them() -> None:
    chat = Chat(client_ids=[(at, 5, f"m{at}") for at in range(1, MAX_IDS + 4)])
    assert len(chat.client_ids[5]) == MAX_IDS
    assert next(iter(chat.client_ids[5])) == "m4"


def test_said_anew_it_is_the_youngest_also_when_it_is_read() -> None:
    chat = Chat(client_ids=[(1, 5, "a"), (2, 5, "b"), (3, 5, "a")])
    assert list(chat.client_ids[5].items()) == [("b", 2), ("a", 3)]


def test_a_guests_go_with_the_guest(room: Room) -> None:
    room.do(_say(GUEST, "a"))
    room.leave(GUEST)
    assert not room.chat.client_ids
    room.one(_say(room.enter("guest", "#tea"), "a"), Said)


def test_and_with_a_login(room: Room) -> None:
    room.do(_say(GUEST, "a"))
    cat = room.account("cat")
    room.do(LogIn(GUEST, cat.id, cat.credential_set, "host"))
    assert not room.chat.client_ids
    room.one(_say(GUEST, "a"), Said)


def test_an_accounts_stay_over_a_start_and_go_with_the_account(room: Room) -> None:
    said = room.one(_say(ANN, "a"), Said)
    room.do(_say(GUEST, "a"))
    room.do(Start(GUESTS))
    assert room.chat.client_ids == {room.chat.accounts["ann"].id: {"a": said.stamp}}
    assert _again(room, _say(room.enter(room.chat.accounts["ann"]), "a")) == said.stamp
    room.do(RemoveAccount("ann"))
    assert not room.chat.client_ids
