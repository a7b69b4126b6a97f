"""From when on somebody may read what was said in a channel."""

import pytest

from securechat.chat.channel import Channel
from securechat.chat.refusals import Reason
from securechat.chat.requests import (
    Depart,
    Invite,
    Join,
    Kick,
    LogIn,
    Part,
    RemoveAccount,
    RenameChannel,
    SetOwner,
    Start,
)
from tests.chat.room import GUESTS, Room

ANN = 1


@pytest.fixture
def room() -> Room:
    """Ann, whose #tea is; Bob and Cat have accounts and are not there."""
    room = Room(GUESTS)
    room.member("ann", "#tea")
    room.account("bob")
    room.account("cat")
    return room


def _tea(room: Room) -> Channel:
    return room.chat.channels["#tea"]


def _mode(room: Room, *params: str) -> int:
    """Ann changes the modes: the stamp of that."""
    room.mode(ANN, "#tea", *params)
    return room.stamp


def _come(room: Room, name: str) -> int:
    return room.enter(room.chat.accounts[name])


def _reads_from(room: Room, session: int) -> int | None:
    return _tea(room).reads_from(room.chat.sessions[session])


def test_of_an_open_channel_members_read_everything(room: Room) -> None:
    channel = _tea(room)
    assert channel.open_since == channel.created
    bob, guest = _come(room, "bob"), room.enter("guest", "#tea")
    assert _reads_from(room, bob) is None, "who is not in it reads nothing"
    room.do(Join(bob, "#tea"))
    for session in (ANN, bob, guest):
        assert _reads_from(room, session) == channel.created
    room.do(Part(bob, "#tea"))
    assert _reads_from(room, bob) is None


@pytest.mark.parametrize(("close", "open_"), [(["+i"], ["-i"]), (["+k", "key"], ["-k", "key"]), (["+s"], ["-s"])])
def test_of_a_closed_one_who_comes_in_reads_from_then_on(room: Room, close: list[str], open_: list[str]) -> None:
    _mode(room, *close)
    assert _tea(room).open_since is None
    assert _reads_from(room, ANN) == _tea(room).created
    bob = _come(room, "bob")
    if close == ["+i"]:
        room.mode(ANN, "#tea", "+h", "bob")
        room.do(Invite(ANN, "bob", "#tea"))
        invited = room.stamp
    room.do(Join(bob, "#tea", "key"))
    assert _reads_from(room, bob) == (invited if close == ["+i"] else room.stamp)
    before = _reads_from(room, bob)
    opened = _mode(room, *open_)
    assert _tea(room).open_since == opened
    assert before is not None
    assert before < opened
    assert _reads_from(room, bob) == before, "what was said before is no secret from who was there then"
    cat = _come(room, "cat")
    room.do(Join(cat, "#tea"))
    assert _reads_from(room, cat) == opened, "but from others, even when it is open again"


def test_it_is_open_when_nothing_keeps_it_closed_any_more(room: Room) -> None:
    _mode(room, "+iks", "key")
    for params in (["-i"], ["-s"], ["+l", "5"], ["+m"], ["+b", "x"]):
        _mode(room, *params)
        assert _tea(room).open_since is None
    opened = _mode(room, "-k+t", "key")
    assert _tea(room).open_since == opened
    _mode(room, "+R")
    _mode(room, "+s-s")
    _mode(room, "-m")
    assert _tea(room).open_since == opened, "it was never closed"
    _mode(room, "+s")
    assert _mode(room, "-s") == _tea(room).open_since


def test_who_was_there_before_it_was_closed_reads_what_they_could_read_then(room: Room) -> None:
    bob = _come(room, "bob")
    room.do(Join(bob, "#tea"))
    room.do(Part(bob, "#tea"))
    _mode(room, "+k", "key")
    assert _reads_from(room, bob) is None
    room.do(Join(bob, "#tea", "key"))
    assert _reads_from(room, bob) == _tea(room).created


def test_who_is_expected_by_the_list_might_have_come_since_then(room: Room) -> None:
    bob = _come(room, "bob")
    _mode(room, "+i")
    listed = _mode(room, "+I", "bob")
    _mode(room, "+I", "b*!*@*")
    room.do(Join(bob, "#tea"))
    assert _reads_from(room, bob) == listed


@pytest.mark.parametrize(
    ("keep_out", "let_in", "reason"),
    [
        (["+k", "sesame"], ["-k", "sesame"], Reason.BAD_KEY),
        (["+b", "bob"], ["-b", "bob"], Reason.BANNED_FROM_CHANNEL),
        (["+b", "*!*@*"], ["+e", "bob"], Reason.BANNED_FROM_CHANNEL),
    ],
)
def test_who_is_expected_and_kept_out_all_the_same_reads_from_when_that_ends(
    room: Room, keep_out: list[str], let_in: list[str], reason: Reason
) -> None:
    _mode(room, "+i")
    _mode(room, *keep_out)
    _mode(room, "+I", "b*!*@*")
    bob = _come(room, "bob")
    room.refused(Join(bob, "#tea"), reason, "#tea")
    lifted = _mode(room, *let_in)
    _mode(room, "+b", "nobody")
    room.do(Join(bob, "#tea"))
    assert _reads_from(room, bob) == lifted


def test_but_not_past_a_key(room: Room) -> None:
    bob = _come(room, "bob")
    _mode(room, "+ikI", "key", "bob")
    room.do(Join(bob, "#tea", "key"))
    assert _reads_from(room, bob) == room.stamp


def test_an_invitation_of_an_operator_is_a_right_of_anybody_else_none(room: Room) -> None:
    cat = _come(room, "cat")
    room.do(Join(cat, "#tea"))
    _mode(room, "+k", "key")
    bob = _come(room, "bob")
    room.do(Invite(cat, "bob", "#tea"))
    room.do(Join(bob, "#tea", "key"))
    assert _reads_from(room, bob) == room.stamp
    room.do(Kick(ANN, "#tea", "bob"))
    guest = room.enter("guest")
    room.do(Invite(ANN, "guest", "#tea"))
    invited = room.stamp
    room.do(Join(guest, "#tea"))
    assert _reads_from(room, guest) == invited


def test_a_guests_right_ends_with_being_there(room: Room) -> None:
    guest = room.enter("guest", "#tea")
    _mode(room, "+k", "key")
    right = _reads_from(room, guest)
    assert right == _tea(room).created
    room.do(Part(guest, "#tea"))
    room.do(Join(guest, "#tea", "key"))
    assert _reads_from(room, guest) == room.stamp
    room.leave(guest)
    other = room.enter("guest")
    room.do(Join(other, "#tea", "key"))
    assert _reads_from(room, other) == room.stamp, "who comes later with the same nick is somebody else"


def test_a_guest_who_logs_in_keeps_the_right_and_the_account_has_it(room: Room) -> None:
    guest = room.enter("guest", "#tea")
    _mode(room, "+k", "key")
    bob = room.chat.accounts["bob"]
    room.do(LogIn(guest, bob.id, bob.credential_set, "host"))
    assert _reads_from(room, guest) == _tea(room).created
    room.leave(guest)
    assert _reads_from(room, _come(room, "bob")) == _tea(room).created


def test_an_account_that_could_read_more_still_can(room: Room) -> None:
    bob = room.chat.accounts["bob"]
    room.do(Depart(room.enter(bob, "#tea"), ""))
    _mode(room, "+k", "key")
    guest = room.enter("guest")
    room.do(Join(guest, "#tea", "key"))
    room.do(LogIn(guest, bob.id, bob.credential_set, "host"))
    assert _reads_from(room, guest) == _tea(room).created


def test_who_becomes_somebody_else_takes_along_what_they_have_seen(room: Room) -> None:
    """Both accounts are theirs, or were told of it by who was there."""
    cat = room.chat.accounts["cat"]
    bob = _come(room, "bob")
    room.do(Join(bob, "#tea"))
    _mode(room, "+s")
    room.do(LogIn(bob, cat.id, cat.credential_set, "host"))
    assert _reads_from(room, bob) == _tea(room).created


def test_a_new_owner_reads_as_a_member_does(room: Room) -> None:
    boss = room.enter(room.account("boss"))
    room.user_mode(boss, "+i")
    _mode(room, "+s")
    bob = _come(room, "bob")
    room.do(Join(bob, "#tea"))
    joined = room.stamp
    room.do(SetOwner(ANN, "#tea", "bob"))
    assert _reads_from(room, bob) == joined


def test_another_name_changes_nothing(room: Room) -> None:
    _mode(room, "+s")
    bob = _come(room, "bob")
    room.do(Join(bob, "#tea"))
    joined = room.stamp
    channel = _tea(room)
    room.do(RenameChannel(ANN, "#tea", "#milk"))
    assert channel.reads_from(room.chat.sessions[bob]) == joined
    assert channel.reads_from(room.chat.sessions[ANN]) == channel.created


def test_after_a_start_who_comes_back_reads_what_they_could_read(room: Room) -> None:
    _mode(room, "+s")
    bob = _come(room, "bob")
    room.do(Join(bob, "#tea"))
    joined = room.stamp
    room.do(Start(GUESTS))
    assert _reads_from(room, _come(room, "bob")) == joined


def test_a_channel_made_anew_is_another_one(room: Room) -> None:
    guest = room.enter("guest", "#fun")
    old = room.chat.channels["#fun"]
    room.do(Part(guest, "#fun"))
    room.do(Join(guest, "#fun"))
    new = room.chat.channels["#fun"]
    assert new.id != old.id
    assert new.reads_from(room.chat.sessions[guest]) == new.created == room.stamp


def test_of_a_removed_account_no_right_is_left(room: Room) -> None:
    room.leave(room.enter(room.chat.accounts["bob"], "#tea"))
    room.do(RemoveAccount("bob"))
    room.account("bob")
    _mode(room, "+k", "key")
    bob = _come(room, "bob")
    room.do(Join(bob, "#tea", "key"))
    assert _reads_from(room, bob) == room.stamp
