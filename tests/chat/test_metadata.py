"""What users and channels say of themselves: who may change it, who is told, and what there may be."""

import pytest

from securechat.chat.events import MetadataChanged
from securechat.chat.metadata import MAX_KEY, valid_key, valid_value
from securechat.chat.model import Role, Rules
from securechat.chat.refusals import Reason
from securechat.chat.requests import ClearMetadata, Depart, LogIn, SetMetadata
from tests.chat.room import GUESTS, Room


@pytest.mark.parametrize("key", ["a", "display-name", "im.xmpp", "vendor.example/x_1", "k" * MAX_KEY])
def test_keys(key: str) -> None:
    assert valid_key(key)


@pytest.mark.parametrize("key", ["", "A", "a b", "$a", "a:b", "ä", "a\n", "k" * (MAX_KEY + 1)])
def test_what_is_no_key(key: str) -> None:
    assert not valid_key(key)


def test_values_are_one_line_of_text_of_so_many_bytes() -> None:
    for value in ("x", "a b ", "\U0001f468\u200d\U0001f469", "ä" * 5):
        assert valid_value(value, 11)
    for value in ("", "ä" * 6, *(f"a{mark}b" for mark in "\0\t\n\r\x1b\x7f\x85\x9b\u2028\u2029")):
        assert not valid_value(value, 11)


def test_users_set_their_own_and_all_who_see_them_are_told() -> None:
    room = Room(GUESTS)
    ann = room.account("ann")
    first, second = room.enter(ann, "#tea"), room.enter(ann)
    peer, stranger = room.enter("guest", "#tea"), room.enter("stranger")
    event = room.one(SetMetadata(first, "*", "url", "x"), MetadataChanged)
    assert (event.target, event.owner_id, event.changes) == ("ann", ann.id, (("url", "x"),))
    assert set(event.audience) == {second, peer}
    for request in (SetMetadata(first, "ANN", "url", "x"), SetMetadata(first, "*", "none", None)):
        event = room.one(request, MetadataChanged)
        assert (event.changes, event.audience) == ((), ()), "nothing is other now"
    room.refused(SetMetadata(stranger, "ann", "url", "y"), Reason.METADATA_PERMISSION, "ann", "url")
    room.refused(ClearMetadata(stranger, "ann"), Reason.METADATA_PERMISSION, "ann", "*")
    boss = room.enter(room.account("boss", Role.ADMIN))
    event = room.one(ClearMetadata(boss, "ann"), MetadataChanged)
    assert event.changes == (("url", None),)
    assert set(event.audience) == {first, second, peer}


def test_operators_of_a_channel_set_what_is_said_of_it() -> None:
    room = Room(GUESTS)
    owner, member, guest = room.member("ann", "#tea"), room.member("bob", "#tea"), room.enter("guest", "#fun")
    lasting = room.one(SetMetadata(owner, "#TEA", "url", "x"), MetadataChanged)
    assert (lasting.target, lasting.owner_id, lasting.audience) == ("#tea", room.chat.channels["#tea"].id, (member,))
    assert room.one(SetMetadata(guest, "#fun", "url", "x"), MetadataChanged).owner_id is None
    room.refused(SetMetadata(member, "#tea", "url", "y"), Reason.METADATA_PERMISSION, "#tea", "url")
    room.refused(SetMetadata(guest, "#tea", "$", "y"), Reason.METADATA_KEY, "$")
    room.mode(owner, "#tea", "+s")
    for request in (SetMetadata(guest, "#tea", "url", "y"), ClearMetadata(guest, "#tea")):
        room.refused(request, Reason.METADATA_TARGET, "#tea")


def test_what_there_may_be() -> None:
    room = Room(Rules(guests=True, metadata_keys=2, metadata_value_length=3))
    guest = room.enter("guest")
    room.do(SetMetadata(guest, "*", "a", "1"))
    room.do(SetMetadata(guest, "*", "b", "2"))
    room.refused(SetMetadata(guest, "*", "c", "3"), Reason.METADATA_FULL, "guest", "2")
    room.refused(SetMetadata(guest, "*", "a", "four"), Reason.METADATA_VALUE, "a")
    room.do(SetMetadata(guest, "*", "a", "abc"))
    room.do(SetMetadata(guest, "*", "c", None))
    room.do(SetMetadata(guest, "*", "b", None))
    room.do(SetMetadata(guest, "*", "c", "3"))


def test_an_accounts_lasts_and_a_guests_goes_with_them() -> None:
    room = Room(GUESTS)
    ann = room.account("ann")
    session, guest = room.enter(ann), room.enter("guest")
    for one in (session, guest):
        room.do(SetMetadata(one, "*", "url", "x"))
        room.do(Depart(one, ""))
    assert room.chat.metadata == {ann.id: {"url": "x"}}
    room.enter(ann)
    room.enter("guest")
    assert room.chat.users["ann"].metadata == {"url": "x"}
    assert room.chat.users["guest"].metadata == {}


def test_who_becomes_another_says_what_that_one_says() -> None:
    room = Room(GUESTS)
    ann = room.account("ann")
    before = room.enter(ann)
    for key, value in (("same", "1"), ("other", "2"), ("new", "3")):
        room.do(SetMetadata(before, "*", key, value))
    room.leave(before)
    guest, peer = room.enter("guest", "#tea"), room.enter("peer", "#tea")
    for key, value in (("same", "1"), ("other", "x"), ("old", "y")):
        room.do(SetMetadata(guest, "*", key, value))
    events = room.do(LogIn(guest, ann.id, ann.credential_set, "host"))
    (event,) = [event for event in events if isinstance(event, MetadataChanged)]
    assert event.changes == (("old", None), ("other", "2"), ("new", "3"))
    assert (event.owner_id, set(event.audience)) == (None, {guest, peer})
    assert room.chat.metadata[ann.id] == {"same": "1", "other": "2", "new": "3"}
