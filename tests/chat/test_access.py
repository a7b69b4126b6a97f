"""What lasts of modes: what accounts are in channels whenever they come, owners and administrators among them."""

import pytest

from securechat.chat.channel import Channel
from securechat.chat.channel_modes import MAX_ACCESS
from securechat.chat.events import Joined, ModesChanged
from securechat.chat.machine import Chat
from securechat.chat.model import Role
from securechat.chat.refusals import Reason, Refusal
from securechat.chat.requests import Invite, Join, Part, RemoveAccount, SetModes, SetOwner, Start
from securechat.irc.modes import ModeChange
from tests.chat.room import GUESTS, Room

OP, HALF, VOICED, PLAIN, OUTSIDE = 1, 2, 3, 4, 5
"""The sessions of the room below."""


@pytest.fixture
def room() -> Room:
    """``#tea`` with its owner Olga, the half-operator Hugo, Vera who has a voice, and Paul; Otto is not in it."""
    room = Room(GUESTS)
    room.member("olga", "#tea")
    for name in ("hugo", "vera", "paul"):
        room.member(name, "#tea")
    room.member("otto")
    room.mode(OP, "#tea", "+hv", "hugo", "vera")
    return room


def _made(event: ModesChanged) -> list[tuple[str, str | None]]:
    return [(("+" if c.adding else "-") + c.letter, c.parameter) for c in event.changes]


def test_an_account_is_again_what_it_was_made(room: Room) -> None:
    hugo, vera = room.chat.accounts["hugo"], room.chat.accounts["vera"]
    assert room.chat.channels["#tea"].access == {hugo.id: "h", vera.id: "v"}
    room.do(Part(HALF, "#tea"))
    joined = room.one(Join(HALF, "#tea"), Joined)
    assert (joined.modes, joined.nick) == ("h", "hugo"), "others are told"
    room.leave(VOICED)
    room.enter(vera)
    assert room.nicks("#tea") == {"olga": "@", "paul": "", "hugo": "%", "vera": "+"}


@pytest.mark.parametrize(("modes", "gets_in"), [("o", True), ("h", True), ("hv", True), ("v", False)])
@pytest.mark.parametrize(
    ("params", "reason"),
    [(["+i"], Reason.INVITE_ONLY), (["+k", "key"], Reason.BAD_KEY), (["+l", "1"], Reason.CHANNEL_FULL)],
)
def test_operators_come_back_whatever_keeps_others_out(
    room: Room, modes: str, gets_in: bool, params: list[str], reason: Reason
) -> None:
    room.mode(OP, "#tea", "+" + modes, *("paul" for _ in modes))
    room.do(Part(PLAIN, "#tea"))
    room.mode(OP, "#tea", *params)
    if gets_in:
        assert room.one(Join(PLAIN, "#tea"), Joined).modes == modes
    else:
        room.refused(Join(PLAIN, "#tea"), reason, "#tea")
    room.mode(OP, "#tea", "+b-b", "paul", "nobody")
    if gets_in:
        room.do(Part(PLAIN, "#tea"))
    room.refused(Join(PLAIN, "#tea"), Reason.BANNED_FROM_CHANNEL, "#tea")


def test_what_is_taken_does_not_come_back(room: Room) -> None:
    changed = room.mode(OP, "#tea", "-h+v", "hugo", "hugo")
    hugo = room.chat.accounts["hugo"].id
    assert changed.access == ((hugo, "v"),)
    room.do(Part(HALF, "#tea"))
    assert room.one(Join(HALF, "#tea"), Joined).modes == "v"
    assert room.mode(OP, "#tea", "-v", "hugo").access == ((hugo, ""),)
    room.do(Part(HALF, "#tea"))
    assert room.one(Join(HALF, "#tea"), Joined).modes == ""


def test_a_kick_takes_nothing(room: Room) -> None:
    room.mode(OP, "#tea", "+o", "paul")
    room.do(Part(PLAIN, "#tea"))
    assert room.one(Join(PLAIN, "#tea"), Joined).modes == "o"


def test_of_guests_nothing_lasts(room: Room) -> None:
    guest = room.enter("guest", "#tea")
    assert room.mode(OP, "#tea", "+o", "guest").access == ()
    room.do(Part(guest, "#tea"))
    room.do(Join(guest, "#tea"))
    assert room.nicks("#tea")["guest"] == ""


def test_in_a_channel_of_nobody_nothing_lasts() -> None:
    room = Room(GUESTS)
    guest = room.enter("guest", "#fun")
    ann = room.member("ann", "#fun")
    assert room.mode(guest, "#fun", "+o", "ann").access == ()
    room.do(Part(ann, "#fun"))
    room.do(Join(ann, "#fun"))
    assert room.nicks("#fun") == {"guest": "@", "ann": ""}


def test_who_is_an_operator_already_is_made_so_for_good_when_the_channel_has_an_owner() -> None:
    room = Room(GUESTS)
    guest = room.enter("guest", "#fun")
    ann = room.account("ann")
    session = room.enter(ann, "#fun")
    room.mode(guest, "#fun", "+o", "ann")
    room.enter(room.account("bob"), "#fun")
    room.do(SetOwner(session, "#fun", "bob"))
    changed = room.mode(guest, "#fun", "+o", "ann")
    assert (changed.changes, changed.access) == ((), ((ann.id, "o"),))


def test_it_ends_with_the_account(room: Room) -> None:
    room.do(RemoveAccount("hugo"))
    assert list(room.chat.channels["#tea"].access) == [room.chat.accounts["vera"].id]
    room.do(RemoveAccount("olga"))
    assert room.chat.channels["#tea"].access == {}
    assert room.nicks("#tea")["vera"] == "+", "until they go"


def test_only_so_many_are_something_for_good(room: Room) -> None:
    """Or a channel would grow with every account that there is."""
    channel = room.chat.channels["#tea"]
    room.chat.channels["#tea"].access.update(dict.fromkeys(range(-MAX_ACCESS, -2), "v"))
    paul, vera = room.chat.accounts["paul"], room.chat.accounts["vera"]
    assert len(channel.access) == MAX_ACCESS
    chat = room.chat
    for request, changes, access in (
        (ModeChange(True, "v", "paul"), 1, ()),
        (ModeChange(True, "h", "vera"), 1, ((vera.id, "hv"),)),
        (ModeChange(False, "v", "vera"), 1, ((vera.id, "h"),)),
        (ModeChange(False, "h", "vera"), 1, ((vera.id, ""),)),
        (ModeChange(True, "o", "paul"), 1, ((paul.id, "o"),)),
    ):
        room.stamp += 16
        applied = chat.apply(room.stamp, SetModes(OP, "#tea", (request,)))
        assert not isinstance(applied, Refusal)
        (event,) = applied.events
        assert isinstance(event, ModesChanged)
        assert (len(event.changes), event.access) == (changes, access)


# -- owners and administrators --


@pytest.mark.parametrize(
    "params",
    [["+i"], ["+k", "key"], ["+l", "1"], ["+b", "olga"], ["+b", "~a:olga"], ["+b", "*"], ["+iklb", "k", "1", "*"]],
)
def test_an_owner_always_gets_in_and_is_operator(room: Room, params: list[str]) -> None:
    room.mode(OP, "#tea", *params)
    room.do(Part(OP, "#tea"))
    joined = room.one(Join(OP, "#tea"), Joined)
    assert joined.modes == "o"
    assert room.nicks("#tea")["olga"] == "@"


def test_an_owner_can_be_made_less_and_make_themselves_more(room: Room) -> None:
    room.mode(OP, "#tea", "+o", "paul")
    room.mode(PLAIN, "#tea", "-o", "olga")
    assert room.nicks("#tea")["olga"] == ""
    assert room.mode(OP, "#tea", "-o", "paul").problems == (Refusal(Reason.NOT_OPERATOR, ("#tea",)),)
    assert _made(room.mode(OP, "#tea", "+o-o", "olga", "paul")) == [("+o", "olga"), ("-o", "paul")]


def test_an_owner_who_is_not_there_changes_nothing(room: Room) -> None:
    room.do(Part(OP, "#tea"))
    changed = room.mode(OP, "#tea", "+oi", "olga")
    assert changed.problems == (
        Refusal(Reason.NOT_IN_CHANNEL, ("olga", "#tea")),
        Refusal(Reason.NOT_OPERATOR, ("#tea",)),
    )


def test_administrators_are_operators_of_the_servers_channels_and_of_no_others(room: Room) -> None:
    boss = room.enter(room.account("boss", Role.ADMIN), "#lobby", "#tea")
    assert (room.nicks("#lobby"), room.nicks("#tea")["boss"]) == ({"boss": "@"}, "")
    room.do(Join(PLAIN, "#lobby"))
    room.mode(boss, "#lobby", "+v", "paul")
    assert room.mode(boss, "#tea", "+i").problems == (Refusal(Reason.NOT_OPERATOR, ("#tea",)),)
    room.mode(OP, "#tea", "+b", "boss")
    room.do(Part(boss, "#tea"))
    room.refused(Join(boss, "#tea"), Reason.BANNED_FROM_CHANNEL, "#tea")


def test_modes_outlast_the_members_and_a_restart(room: Room) -> None:
    room.mode(OP, "#tea", "-t+islkb", "9", "key", "eve")
    before = room.modes("#tea")
    room.do(Start(GUESTS))
    assert room.nicks("#tea") == {}
    assert room.modes("#tea") == before == "+inskl key 9"
    assert list(room.chat.channels["#tea"].lists["b"]) == ["eve!*@*"]


def test_invitations_do_not_outlast_a_restart(room: Room) -> None:
    room.do(Invite(OP, "otto", "#tea"))
    room.do(Start(GUESTS))
    assert room.chat.channels["#tea"].invited == {}


def test_a_channel_that_was_read_back_knows_what_restricts_it() -> None:
    channel = Channel(id=5, name="#tea", key="#tea", created=5, founder=0)
    channel.set_modes("mn", "key", 3)
    assert channel.restricted
    chat = Chat(channels=[channel])
    assert chat.channels["#tea"].mode_words(with_key=False) == ("+mnkl", "*", "3")


def test_what_somebody_who_is_not_there_would_be_can_be_taken_from_them() -> None:
    """Or they would be it again as soon as they come, past an invitation that they need."""
    room = Room(GUESTS)
    ann = room.member("ann", "#tea")
    bob = room.member("bob", "#tea")
    room.mode(ann, "#tea", "+ov", "bob", "bob")
    room.do(Part(bob, "#tea"))
    account = room.chat.accounts["bob"].id
    changed = room.mode(ann, "#tea", "-o", "BOB")
    assert (changed.changes, changed.access) == ((ModeChange(False, "o", "bob"),), ((account, "v"),))
    room.leave(bob)
    assert room.mode(ann, "#tea", "-v", "bob").changes == (ModeChange(False, "v", "bob"),)
    assert account not in room.chat.channels["#tea"].access
    assert room.mode(ann, "#tea", "-v", "bob").problems == (Refusal(Reason.NO_SUCH_NICK, ("bob",)),)
