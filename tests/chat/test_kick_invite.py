"""Sending people out of channels, and asking them in."""

import pytest

from securechat.chat.channels import MAX_INVITATIONS
from securechat.chat.events import Invited, Joined, Kicked
from securechat.chat.model import Rules
from securechat.chat.refusals import Reason
from securechat.chat.requests import ChangeNick, Invite, Join, Kick, Part, RenameChannel, SetAway, SetOwner, Silence
from tests.chat.room import GUESTS, Room

OP, HALF, PLAIN, OUTSIDE = 1, 2, 3, 4
"""The sessions of the room below."""


@pytest.fixture
def room() -> Room:
    """``#tea`` with its owner Olga, the half-operator Hugo, and Paul; Otto is not in it."""
    room = Room(GUESTS)
    room.member("olga", "#Tea")
    room.member("hugo", "#tea")
    room.member("paul", "#tea")
    room.member("otto")
    room.mode(OP, "#tea", "+h", "hugo")
    return room


def test_a_kick_is_seen_by_all_and_by_who_goes(room: Room) -> None:
    olga = room.chat.accounts["olga"]
    channel = room.chat.channels["#tea"]
    kicked = room.one(Kick(OP, "#TEA", "PAUL", "too loud"), Kicked)
    assert kicked == Kicked(
        room.stamp,
        channel.id,
        "#Tea",
        "olga!~olga@host",
        "olga",
        olga.id,
        "paul",
        "too loud",
        kicked.audience,
        member_id=room.chat.accounts["paul"].id,
    )
    assert sorted(kicked.audience) == [OP, HALF, PLAIN]
    assert room.nicks("#tea") == {"olga": "@", "hugo": "%"}
    room.do(Join(PLAIN, "#tea"))


def test_all_connections_of_a_user_go(room: Room) -> None:
    second = room.enter(room.chat.accounts["paul"])
    assert sorted(room.one(Kick(OP, "#tea", "paul"), Kicked).audience) == [OP, HALF, PLAIN, second]
    assert second not in room.chat.channels["#tea"].audience


def test_half_operators_kick_those_below_operators(room: Room) -> None:
    room.refused(Kick(HALF, "#tea", "olga"), Reason.NOT_OPERATOR, "#Tea")
    room.do(Kick(HALF, "#tea", "paul"))
    room.do(Kick(HALF, "#tea", "hugo"))
    assert room.nicks("#tea") == {"olga": "@"}


def test_operators_kick_anybody_even_the_owner_who_comes_back(room: Room) -> None:
    room.mode(OP, "#tea", "+o", "paul")
    room.do(Kick(PLAIN, "#tea", "olga"))
    room.mode(PLAIN, "#tea", "+b", "olga")
    assert room.one(Join(OP, "#tea"), Joined).modes == "o"


def test_others_kick_nobody(room: Room) -> None:
    for nick in ("olga", "hugo", "paul", "nobody"):
        room.refused(Kick(PLAIN, "#tea", nick), Reason.NOT_OPERATOR, "#Tea")
        room.refused(Kick(OUTSIDE, "#tea", nick), Reason.NOT_ON_CHANNEL, "#Tea")
        room.refused(Kick(OP, "#none", nick), Reason.NO_SUCH_CHANNEL, "#none")


def test_who_is_not_there_is_not_kicked(room: Room) -> None:
    room.refused(Kick(OP, "#tea", "nobody"), Reason.NO_SUCH_NICK, "nobody")
    room.refused(Kick(OP, "#tea", "otto"), Reason.NOT_IN_CHANNEL, "otto", "#Tea")


@pytest.mark.parametrize(("given", "reason"), [("", "ann"), ("ab", "ab"), ("12345", "12345"), ("1234é", "1234")])
def test_the_reason_is_cut_and_without_one_it_is_the_nick(given: str, reason: str) -> None:
    room = Room(Rules(kick_length=5))
    ann = room.member("ann", "#tea")
    room.member("bob", "#tea")
    assert room.one(Kick(ann, "#tea", "bob", given), Kicked).reason == reason


def test_a_channel_of_nobody_goes_with_who_is_kicked_last() -> None:
    room = Room(GUESTS)
    guest, other = room.enter("guest", "#fun"), room.enter("other")
    room.do(Invite(guest, "other", "#fun"))
    room.do(Kick(guest, "#fun", "guest"))
    assert "#fun" not in room.chat.channels
    assert room.chat.sessions[other].invitations == {}


# -- invitations --


def test_who_is_invited_hears_it_and_so_do_those_who_could_have_invited(room: Room) -> None:
    paul = room.chat.accounts["paul"]
    second = room.enter(paul)
    invited = room.one(Invite(PLAIN, "OTTO", "#TEA"), Invited)
    assert invited == Invited(
        room.stamp, "#Tea", "paul!~paul@host", "paul", paul.id, "otto", (OUTSIDE,), invited.watchers
    )
    assert sorted(invited.watchers) == [OP, HALF, second], "all members, and one's own other connections"
    room.mode(OP, "#tea", "+i")
    assert sorted(room.one(Invite(HALF, "otto", "#tea"), Invited).watchers) == [OP]


def test_the_one_who_invites_learns_that_the_other_is_away(room: Room) -> None:
    room.do(SetAway(OUTSIDE, "asleep"))
    assert room.one(Invite(OP, "otto", "#tea"), Invited).away == "asleep"


def test_who_may_not_invite(room: Room) -> None:
    room.refused(Invite(OUTSIDE, "paul", "#tea"), Reason.NOT_ON_CHANNEL, "#Tea")
    room.refused(Invite(OP, "otto", "#none"), Reason.NO_SUCH_CHANNEL, "#none")
    room.refused(Invite(OP, "nobody", "#tea"), Reason.NO_SUCH_NICK, "nobody")
    room.refused(Invite(OP, "paul", "#tea"), Reason.ALREADY_ON_CHANNEL, "paul", "#Tea")
    room.mode(OP, "#tea", "+i")
    room.refused(Invite(PLAIN, "otto", "#tea"), Reason.NOT_OPERATOR, "#Tea")


def test_an_invitation_of_an_operator_lets_in_past_everything_and_once(room: Room) -> None:
    room.mode(OP, "#tea", "+iklb", "key", "1", "otto")
    room.do(Invite(HALF, "otto", "#tea"))
    room.do(Join(OUTSIDE, "#tea"))
    room.do(Part(OUTSIDE, "#tea"))
    room.refused(Join(OUTSIDE, "#tea"), Reason.BANNED_FROM_CHANNEL, "#Tea")


def test_an_invitation_of_a_member_lets_in_where_one_has_to_be_invited_and_no_more(room: Room) -> None:
    room.do(Invite(PLAIN, "otto", "#tea"))
    room.mode(OP, "#tea", "+ik", "key")
    room.refused(Join(OUTSIDE, "#tea"), Reason.BAD_KEY, "#Tea")
    room.do(Join(OUTSIDE, "#tea", "key"))
    room.do(Part(OUTSIDE, "#tea"))
    room.refused(Join(OUTSIDE, "#tea", "key"), Reason.INVITE_ONLY, "#Tea")


def test_a_members_invitation_does_not_weaken_an_operators(room: Room) -> None:
    room.do(Invite(OP, "otto", "#tea"))
    room.do(Invite(PLAIN, "otto", "#tea"))
    room.mode(OP, "#tea", "+b", "otto")
    room.do(Join(OUTSIDE, "#tea"))


def test_an_invitation_is_for_the_channel_whatever_it_is_called_and_for_the_user(room: Room) -> None:
    room.mode(OP, "#tea", "+i")
    room.do(Invite(OP, "otto", "#tea"))
    room.do(RenameChannel(OP, "#tea", "#coffee"))
    room.do(ChangeNick(OUTSIDE, "otho"))
    room.do(Join(OUTSIDE, "#coffee"))


def test_an_invitation_ends_when_the_user_goes(room: Room) -> None:
    room.mode(OP, "#tea", "+i")
    room.do(Invite(OP, "otto", "#tea"))
    room.leave(OUTSIDE)
    assert room.chat.channels["#tea"].invited == {}
    room.refused(Join(room.enter(room.chat.accounts["otto"]), "#tea"), Reason.INVITE_ONLY, "#Tea")


def test_whom_one_silences_invites_one_in_vain_and_does_not_learn_it(room: Room) -> None:
    room.do(Silence(OUTSIDE, True, "olga"))
    room.mode(OP, "#tea", "+i")
    invited = room.one(Invite(OP, "otto", "#tea"), Invited)
    assert (invited.audience, invited.unheard) == ((), True)
    room.refused(Join(OUTSIDE, "#tea"), Reason.INVITE_ONLY, "#Tea")


def test_who_has_too_many_invitations_loses_the_oldest() -> None:
    room = Room(GUESTS)
    eve = room.enter("eve")
    host = room.enter("host0")
    for number in range(MAX_INVITATIONS + 1):
        if number % 50 == 0:
            host = room.enter(f"host{number + 1}")
        room.do(Join(host, f"#c{number}"))
        room.do(Invite(host, "eve", f"#c{number}"))
        if number == 0:
            first = host
        if number == 1:
            room.do(Invite(first, "eve", "#c0"))  # once more: so the next is the oldest
    held = room.chat.sessions[eve].invitations
    assert len(held) == MAX_INVITATIONS
    assert "#c1" not in held
    assert {"#c0", "#c2", f"#c{MAX_INVITATIONS}"} <= held.keys()


def test_who_is_invited_to_what_is_given_up_is_no_longer(room: Room) -> None:
    room.do(Invite(OP, "otto", "#tea"))
    for session in (HALF, PLAIN, OP):
        room.do(Part(session, "#tea"))
    assert list(room.chat.sessions[OUTSIDE].invitations) == ["#tea"]
    room.do(SetOwner(OP, "#tea", None))
    assert room.chat.sessions[OUTSIDE].invitations == {}
