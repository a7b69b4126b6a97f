"""Up to when conversations have been read (IRCv3 read-marker)."""

import pytest

from securechat.chat.events import MarkerMoved
from securechat.chat.model import Rules
from securechat.chat.refusals import Reason
from securechat.chat.requests import (
    LogIn,
    MarkRead,
    RemoveAccount,
    RenameChannel,
    SetRules,
    Start,
)
from securechat.chat.stamps import EPOCH_MS, milliseconds
from tests.chat.room import GUESTS, Room

ANN, SECOND, GUEST = 1, 2, 3


@pytest.fixture
def room() -> Room:
    """Ann with two devices, and a guest; an hour after the beginning of time."""
    room = Room(GUESTS)
    room.wait(3_600_000)
    room.enter(room.account("ann"), "#Tea")
    room.enter(room.chat.accounts["ann"])
    room.enter("guest", "#fun")
    return room


def _read(room: Room, session: int, target: str, ms: int) -> MarkerMoved:
    return room.one(MarkRead(session, target, EPOCH_MS + ms), MarkerMoved)


def test_all_devices_are_told(room: Room) -> None:
    moved = _read(room, ANN, "#TEA", 1000)
    ann, channel = room.chat.accounts["ann"].id, room.chat.channels["#tea"]
    assert moved == MarkerMoved(room.stamp, ANN, ann, "#Tea", f"#{channel.id:x}", EPOCH_MS + 1000, True, (ANN, SECOND))
    assert room.chat.sessions[SECOND].markers == room.chat.markers[ann] == {moved.key: EPOCH_MS + 1000}


def test_it_only_moves_forwards(room: Room) -> None:
    _read(room, ANN, "#tea", 1000)
    for ms in (1000, 999, 0, -(10**15)):
        moved = _read(room, SECOND, "#tea", ms)
        assert (moved.ms, moved.changed) == (EPOCH_MS + 1000, False)
    moved = _read(room, SECOND, "#tea", 1001)
    assert (moved.ms, moved.changed) == (EPOCH_MS + 1001, True)


def test_and_not_into_the_future(room: Room) -> None:
    assert _read(room, ANN, "#tea", 10**15).ms == milliseconds(room.stamp)


def test_nobody_else_hears_of_it(room: Room) -> None:
    assert _read(room, GUEST, "#tea", 1000).audience == (GUEST,)
    assert not room.chat.markers


def test_conversations_with_nicks_have_them(room: Room) -> None:
    assert _read(room, ANN, "Guest", 1000).key == "guest"
    assert not _read(room, ANN, "GUEST", 1000).changed
    moved = _read(room, ANN, "somebody", 5)
    assert (moved.target, moved.changed) == ("somebody", True), "who need not be there"


def test_a_channel_is_not_its_name(room: Room) -> None:
    """Whoever calls another one so later has not read it."""
    moved = _read(room, ANN, "#tea", 1000)
    room.do(RenameChannel(ANN, "#tea", "#milk"))
    again = _read(room, ANN, "#milk", 0)
    assert (again.target, again.key, again.ms) == ("#milk", moved.key, moved.ms)
    room.refused(MarkRead(ANN, "#tea", 0), Reason.NO_SUCH_CHANNEL, "#tea")
    room.do(RenameChannel(GUEST, "#fun", "#tea"))
    assert _read(room, ANN, "#tea", 1).changed


def test_of_what_is_not_there_none_is_kept(room: Room) -> None:
    room.refused(MarkRead(ANN, "#none", 0), Reason.NO_SUCH_CHANNEL, "#none")
    for name in ("", "no nick", "x" * 33, "@#tea"):
        room.refused(MarkRead(ANN, name, 0), Reason.NO_SUCH_NICK, name)
    room.refused(MarkRead(99, "#tea", 0), Reason.NO_SUCH_SESSION)


def test_of_more_than_there_can_be_the_oldest_go(room: Room) -> None:
    for session in (ANN, GUEST):
        room.do(SetRules(Rules(guests=True)))
        for ms, name in enumerate(("d", "c", "b", "a")):
            _read(room, session, name, 1000 + ms // 2)
        room.do(SetRules(Rules(guests=True, read_markers=2)))
        moved = _read(room, session, "late", 0)
        assert moved.dropped == ("c", "d", "a"), "of those of the same time, in the order of the alphabet"
        assert room.chat.sessions[session].markers == {"b": EPOCH_MS + 1001, "late": EPOCH_MS}


def test_they_are_the_accounts(room: Room) -> None:
    _read(room, ANN, "bob", 1000)
    room.do(Start(GUESTS))
    session = room.enter(room.chat.accounts["ann"])
    assert room.chat.sessions[session].markers == {"bob": EPOCH_MS + 1000}
    bob = room.account("bob")
    room.do(LogIn(session, bob.id, bob.credential_set, "host"))
    assert room.chat.sessions[session].markers == {}
    _read(room, session, "eve", 5)
    room.do(RemoveAccount("bob"))
    assert room.chat.markers.keys() == {room.chat.accounts["ann"].id}


def test_what_a_guest_has_read_is_not_the_accounts(room: Room) -> None:
    _read(room, GUEST, "ann", 1000)
    bob = room.account("bob")
    room.do(LogIn(GUEST, bob.id, bob.credential_set, "host"))
    assert not room.chat.markers
    assert room.chat.sessions[GUEST].markers == {}
