"""Whose a channel is, who may give it away, and how it is called."""

import pytest

from securechat.chat.events import ChannelRecord, ChannelRenamed, ChannelView, Joined, MemberView, OwnerChanged
from securechat.chat.model import Role, Rules
from securechat.chat.refusals import Reason
from securechat.chat.requests import (
    BecomeOperator,
    Invite,
    Join,
    Kick,
    Part,
    RemoveAccount,
    RenameChannel,
    SetMetadata,
    SetModes,
    SetOwner,
    SetTopic,
)
from securechat.irc.modes import ModeChange
from tests.chat.room import GUESTS, Room


@pytest.fixture
def room() -> Room:
    """``#tea`` with its owner Ann, 1, and Bob, 2."""
    room = Room(GUESTS)
    room.member("ann", "#tea")
    room.member("bob", "#tea")
    return room


def _owner(room: Room, channel: str) -> str | None:
    founder = room.chat.channels[channel].founder
    return room.chat.accounts_by_id[founder].name if founder else None


def test_an_owner_hands_a_channel_over(room: Room) -> None:
    ann, bob = room.chat.accounts["ann"], room.chat.accounts["bob"]
    changed = room.one(SetOwner(1, "#TEA", "BOB"), OwnerChanged)
    channel = room.chat.channels["#tea"]
    assert changed == OwnerChanged(
        room.stamp, channel.id, "#tea", "ann!~ann@host", ann.id, "bob", bob.id, changed.audience
    )
    assert sorted(changed.audience) == [1, 2]
    assert room.chat.founded == {bob.id: 1}
    room.do(Part(1, "#tea"))
    assert room.one(Join(1, "#tea"), Joined).modes == ""
    room.do(Part(2, "#tea"))
    assert room.one(Join(2, "#tea"), Joined).modes == "o"


def test_a_new_owner_who_is_in_it_makes_themselves_operator(room: Room) -> None:
    room.do(SetOwner(1, "#tea", "bob"))
    assert room.nicks("#tea") == {"ann": "@", "bob": ""}
    room.mode(2, "#tea", "+o", "bob")
    room.do(Kick(2, "#tea", "ann"))
    assert room.nicks("#tea") == {"bob": "@"}


def test_the_new_owner_need_not_be_there_but_take_part(room: Room) -> None:
    """Nobody has strangers' channels put on them."""
    room.account("dan")
    room.refused(SetOwner(1, "#tea", "dan"), Reason.NOT_IN_CHANNEL, "dan", "#tea")
    cat = room.member("cat", "#tea")
    room.mode(1, "#tea", "+v", "cat")
    room.do(Part(cat, "#tea"))
    assert room.one(SetOwner(1, "#tea", "cat"), OwnerChanged).audience == (1, cat)
    assert _owner(room, "#tea") == "cat"


def test_only_the_owner_gives_a_channel_away(room: Room) -> None:
    room.mode(1, "#tea", "+o", "bob")
    room.refused(SetOwner(2, "#tea", "bob"), Reason.NOT_OWNER, "#tea")
    room.refused(SetOwner(2, "#tea", None), Reason.NOT_OWNER, "#tea")
    room.refused(SetOwner(1, "#none", "bob"), Reason.NO_SUCH_CHANNEL, "#none")
    room.refused(SetOwner(1, "#tea", "nobody"), Reason.NO_SUCH_ACCOUNT, "nobody")


def test_the_owner_need_not_be_in_it_nor_be_its_operator(room: Room) -> None:
    room.do(Part(1, "#tea"))
    room.do(SetOwner(1, "#tea", "bob"))
    assert _owner(room, "#tea") == "bob"


def test_operators_of_the_server_give_away_any_but_the_servers(room: Room) -> None:
    boss = room.enter(room.account("boss", Role.ADMIN))
    room.mode(1, "#tea", "+s")
    room.do(SetOwner(boss, "#tea", "bob"))
    assert _owner(room, "#tea") == "bob"
    room.refused(SetOwner(boss, "#lobby", "boss"), Reason.NOT_OWNER, "#lobby")
    guest = room.enter("guest")
    room.refused(SetOwner(guest, "#tea", "bob"), Reason.NO_SUCH_CHANNEL, "#tea")
    room.do(BecomeOperator(guest, "night shift"))
    room.do(SetOwner(guest, "#tea", "ann"))
    assert _owner(room, "#tea") == "ann"


def test_an_account_is_given_only_so_many_channels() -> None:
    room = Room(Rules(channels_founded=1))
    ann = room.member("ann", "#tea")
    room.member("bob", "#coffee")
    room.refused(SetOwner(ann, "#tea", "bob"), Reason.TOO_MANY_OWNED, "bob")
    room.do(SetOwner(ann, "#tea", "ann"))  # whose it is already


def test_what_is_given_up_lasts_as_long_as_somebody_is_in_it(room: Room) -> None:
    room.mode(1, "#tea", "+v", "bob")
    changed = room.one(SetOwner(1, "#tea", None), OwnerChanged)
    assert (changed.owner, changed.owner_id, changed.record) == (None, None, None)
    channel = room.chat.channels["#tea"]
    assert (channel.lasting, channel.access, room.chat.founded) == (False, {}, {})
    room.do(Part(1, "#tea"))
    assert room.one(Join(1, "#tea"), Joined).modes == "", "it is nobody's now"
    room.do(Part(1, "#tea"))
    room.do(Part(2, "#tea"))
    assert "#tea" not in room.chat.channels


def test_what_is_given_up_when_nobody_is_in_it_goes_at_once(room: Room) -> None:
    guest = room.enter("guest")
    room.do(Invite(1, "guest", "#tea"))
    room.do(Part(1, "#tea"))
    room.do(Part(2, "#tea"))
    room.one(SetOwner(1, "#tea", None), OwnerChanged)
    assert "#tea" not in room.chat.channels
    assert room.chat.sessions[guest].invitations == {}


def test_operators_of_a_channel_that_nobody_owns_give_it_to_an_account() -> None:
    room = Room(GUESTS)
    guest = room.enter("guest", "#fun")
    ann = room.member("ann", "#fun")
    room.refused(SetOwner(ann, "#fun", "ann"), Reason.NOT_OWNER, "#fun")
    room.do(SetTopic(guest, "#fun", "boo"))
    room.do(SetMetadata(guest, "#fun", "url", "x"))
    room.mode(guest, "#fun", "+kl-tbe", "key", "9", "eve", "bob")
    room.mode(guest, "#fun", "+be", "eve", "bob")
    changed = room.one(SetOwner(guest, "#fun", "ann"), OwnerChanged)
    channel = room.chat.channels["#fun"]
    assert changed.record == ChannelRecord(
        channel.topic,
        "n",
        "key",
        9,
        (("b", channel.lists["b"]["eve!*@*"]), ("e", channel.lists["e"]["bob!*@*"])),
        (("url", "x"),),
        None,
        ((room.chat.accounts["ann"].id, channel.created, True),),
    ), "nothing of it has been written down before"
    assert channel.lasting
    room.refused(SetOwner(guest, "#fun", None), Reason.NOT_OWNER, "#fun")


def test_a_removed_owners_channel_is_nobodys(room: Room) -> None:
    room.mode(1, "#tea", "+o", "bob")
    room.do(RemoveAccount("ann"))
    channel = room.chat.channels["#tea"]
    assert (channel.founder, channel.access) == (None, {})
    room.do(SetOwner(2, "#tea", "bob"))
    assert _owner(room, "#tea") == "bob"


def test_a_removed_owners_empty_channel_goes_with_the_invitations_to_it(room: Room) -> None:
    room.do(Part(2, "#tea"))
    room.do(Invite(1, "bob", "#tea"))
    room.do(RemoveAccount("ann"))
    assert "#tea" not in room.chat.channels
    assert room.chat.sessions[2].invitations == {}


# -- names --


def test_an_owner_renames_a_channel(room: Room) -> None:
    ann, channel = room.chat.accounts["ann"], room.chat.channels["#tea"]
    room.do(SetTopic(1, "#tea", "Earl Grey"))
    renamed = room.one(RenameChannel(1, "#TEA", "#Coffee", "we had enough"), ChannelRenamed)
    members = (MemberView("@", "ann", "ann!~ann@host"), MemberView("", "bob", "bob!~bob@host"))
    assert renamed == ChannelRenamed(
        room.stamp,
        channel.id,
        "#tea",
        "#Coffee",
        "ann!~ann@host",
        "ann",
        ann.id,
        "we had enough",
        renamed.audience,
        ChannelView("#Coffee", channel.topic, members),
        True,
        (("ann!~ann@host", "ann", "ann's name", (1,)), ("bob!~bob@host", "bob", "bob's name", (2,))),
    )
    assert sorted(renamed.audience) == [1, 2]
    assert "#tea" not in room.chat.channels
    assert room.chat.channels["#coffee"] is channel
    room.do(Join(1, "#tea"))
    assert room.chat.channels["#tea"].id != channel.id


def test_the_case_of_a_name_can_be_changed(room: Room) -> None:
    room.do(RenameChannel(1, "#tea", "#TEA"))
    assert room.chat.channels["#tea"].name == "#TEA"
    room.refused(RenameChannel(1, "#tea", "#TEA"), Reason.CANNOT_RENAME, "#TEA", "#TEA")


def test_who_may_not_rename(room: Room) -> None:
    cat = room.member("cat")
    room.refused(RenameChannel(cat, "#tea", "#c"), Reason.NOT_ON_CHANNEL, "#tea")
    room.refused(RenameChannel(2, "#tea", "#c"), Reason.NOT_OPERATOR, "#tea")
    room.refused(RenameChannel(2, "#none", "#c"), Reason.NO_SUCH_CHANNEL, "#none")
    room.mode(1, "#tea", "+o", "bob")
    room.refused(RenameChannel(2, "#tea", "#c"), Reason.CANNOT_RENAME, "#tea", "#c")
    boss = room.enter(room.account("boss", Role.ADMIN), "#lobby", "#tea")
    room.refused(RenameChannel(boss, "#lobby", "#c"), Reason.CANNOT_RENAME, "#lobby", "#c")
    room.refused(RenameChannel(boss, "#tea", "#c"), Reason.NOT_OPERATOR, "#tea")


def test_what_a_channel_can_not_be_called(room: Room) -> None:
    room.enter("guest", "#fun")
    for name in ("coffee", "#", "#a b", "#" + "x" * 64, "&local"):
        room.refused(RenameChannel(1, "#tea", name), Reason.CANNOT_RENAME, "#tea", name)
    room.refused(RenameChannel(1, "#tea", "#LOBBY"), Reason.CHANNEL_NAME_IN_USE, "#tea", "#LOBBY")
    room.refused(RenameChannel(1, "#tea", "#fun"), Reason.CHANNEL_NAME_IN_USE, "#tea", "#fun")


def test_operators_rename_a_channel_that_nobody_owns() -> None:
    room = Room(GUESTS)
    guest = room.enter("guest", "#fun")
    renamed = room.one(RenameChannel(guest, "#fun", "#boring"), ChannelRenamed)
    assert (renamed.channel, renamed.lasting) == ("#boring", False)
    assert room.nicks("#boring") == {"guest": "@"}


def test_an_owner_outside_sees_their_own_secret_channel(room: Room) -> None:
    ann, bob = room.chat.accounts["ann"], room.chat.accounts["bob"]
    owner = room.chat.users_by_account[ann.id].audience[0]
    room.do(SetModes(owner, "#tea", (ModeChange(True, "s"),)))
    room.do(Part(owner, "#tea"))
    room.do(SetOwner(owner, "#tea", "bob"))
    assert room.chat.channels["#tea"].founder == bob.id
    room.refused(SetOwner(owner, "#tea", "ann"), Reason.NO_SUCH_CHANNEL, "#tea")
