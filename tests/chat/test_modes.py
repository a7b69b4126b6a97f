"""The modes and lists of channels: what each does to those who come in, and who may change them."""

import pytest

from securechat.chat.channel import Membership
from securechat.chat.events import ModesChanged
from securechat.chat.model import Rules
from securechat.chat.modes import MEMBER_MODES, Rank, chanmodes, prefix
from securechat.chat.refusals import Reason, Refusal
from securechat.chat.requests import Join, Part, SetModes
from securechat.irc.modes import ModeChange
from tests.chat.room import GUESTS, Room

OP, HALF, VOICED, PLAIN, OUTSIDE = 1, 2, 3, 4, 5
"""The sessions of the room below."""

NO_KEY = "A key is a word without a comma, and not too long"


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


def test_what_the_protocol_is_told_of_modes() -> None:
    assert (chanmodes(), prefix()) == ("beI,k,l,CMRimnst", "(ohv)@%+")


def test_a_new_channel_is_for_its_members_and_its_topic_for_operators(room: Room) -> None:
    assert room.modes("#tea") == "+nt"
    assert room.nicks("#tea") == {"olga": "@", "hugo": "%", "vera": "+", "paul": ""}


@pytest.mark.parametrize("letter", "CMRimnst")
def test_a_flag_is_set_and_unset(room: Room, letter: str) -> None:
    for sign in "-+-":
        was = letter in room.chat.channels["#tea"].flags
        changed = room.mode(OP, "#TEA", sign + letter)
        assert changed.channel == "#tea"
        assert _made(changed) == ([(sign + letter, None)] if was is (sign == "-") else [])
        assert changed.flags == room.chat.channels["#tea"].flags
        assert (letter in changed.flags) is (sign == "+")
        assert sorted(changed.audience) == [OP, HALF, VOICED, PLAIN]


def test_what_is_so_already_is_no_change(room: Room) -> None:
    room.mode(OP, "#tea", "+klb", "key", "5", "eve")
    changed = room.mode(OP, "#tea", "+ntklbo-mi", "key", "5", "EVE!*@*", "olga")
    assert (changed.changes, changed.problems, changed.added, changed.removed) == ((), (), (), ())


@pytest.mark.parametrize(
    ("session", "problem"),
    [
        (OP, None),
        (HALF, None),
        (VOICED, Reason.NOT_OPERATOR),
        (PLAIN, Reason.NOT_OPERATOR),
        (OUTSIDE, Reason.NOT_OPERATOR),
    ],
)
@pytest.mark.parametrize(
    "params", [["+i"], ["+k", "key"], ["+l", "5"], ["+b", "eve"], ["+e", "eve"], ["-t"], ["+v", "paul"]]
)
def test_half_operators_and_above_change_modes(
    room: Room, session: int, problem: Reason | None, params: list[str]
) -> None:
    changed = room.mode(session, "#tea", *params)
    assert changed.problems == ((Refusal(problem, ("#tea",)),) if problem else ())
    assert bool(changed.changes) is (problem is None)


@pytest.mark.parametrize("letter", "oh")
def test_only_operators_make_operators(room: Room, letter: str) -> None:
    for session in (HALF, VOICED, PLAIN, OUTSIDE):
        changed = room.mode(session, "#tea", "+" + letter, "paul")
        assert changed.problems == (Refusal(Reason.NOT_OPERATOR, ("#tea",)),)
    assert _made(room.mode(OP, "#tea", "+" + letter, "PAUL")) == [("+" + letter, "paul")]
    assert room.nicks("#tea")["paul"] == MEMBER_MODES[letter].prefix


def test_a_half_operator_takes_no_mode_from_an_operator_but_a_voice(room: Room) -> None:
    room.mode(OP, "#tea", "+v", "olga")
    changed = room.mode(HALF, "#tea", "-ov", "olga", "olga")
    assert changed.problems == (Refusal(Reason.NOT_OPERATOR, ("#tea",)),)
    assert _made(changed) == [("-v", "olga")]


def test_everybody_may_give_back_what_they_have(room: Room) -> None:
    assert _made(room.mode(HALF, "#tea", "-h", "hugo")) == [("-h", "hugo")]
    assert _made(room.mode(VOICED, "#tea", "-v", "vera")) == [("-v", "vera")]
    assert room.mode(HALF, "#tea", "+h", "hugo").problems == (Refusal(Reason.NOT_OPERATOR, ("#tea",)),)
    assert room.nicks("#tea") == {"olga": "@", "hugo": "", "vera": "", "paul": ""}


def test_a_member_can_be_several_things_and_the_highest_is_shown_first(room: Room) -> None:
    room.mode(OP, "#tea", "+vho", "paul", "paul", "paul")
    assert room.nicks("#tea")["paul"] == "@%+"
    room.mode(OP, "#tea", "-o", "paul")
    assert room.nicks("#tea")["paul"] == "%+"
    assert Membership.of("vo").rank is Rank.OPERATOR
    assert Membership.of("").rank is Rank.MEMBER


def test_each_change_is_judged_by_itself(room: Room) -> None:
    changed = room.mode(OP, "#tea", "+vvolki", "nobody", "otto", "PAUL", "0", "a,b")
    assert _made(changed) == [("+o", "paul"), ("+i", None)]
    assert changed.problems == (
        Refusal(Reason.NO_SUCH_NICK, ("nobody",)),
        Refusal(Reason.NOT_IN_CHANNEL, ("otto", "#tea")),
        Refusal(Reason.BAD_MODE_PARAMETER, ("#tea", "l", "0", "A limit is a number from 1 to 999999")),
        Refusal(Reason.BAD_MODE_PARAMETER, ("#tea", "k", "a,b", NO_KEY)),
    )


def test_the_same_problem_is_told_once(room: Room) -> None:
    assert len(room.mode(PLAIN, "#tea", "+imstb", "eve").problems) == 1


def test_a_letter_that_is_no_mode(room: Room) -> None:
    changed = room.one(SetModes(OP, "#tea", (ModeChange(True, "Z"),)), ModesChanged)
    assert changed.problems == (Refusal(Reason.UNKNOWN_MODE, ("Z",)),)


def test_modes_of_a_channel_that_is_not_there(room: Room) -> None:
    room.refused(SetModes(OP, "#none", ()), Reason.NO_SUCH_CHANNEL, "#none")


@pytest.mark.parametrize("key", ["", "a b", "a,b", ":a", "x" * 33, "é" * 17, "a\x07b", "a\u200bb"])
def test_what_can_be_no_key(room: Room, key: str) -> None:
    change = SetModes(OP, "#tea", (ModeChange(True, "k", key),))
    problem = Refusal(Reason.BAD_MODE_PARAMETER, ("#tea", "k", key or "*", NO_KEY))
    assert room.one(change, ModesChanged).problems == (problem,)
    assert room.modes("#tea") == "+nt"


@pytest.mark.parametrize("limit", ["0", "-1", "1000000", "9" * 5000, "x", "", "²", "٣", "1.5"])
def test_what_can_be_no_limit(room: Room, limit: str) -> None:
    change = SetModes(OP, "#tea", (ModeChange(True, "l", limit),))
    (problem,) = room.one(change, ModesChanged).problems
    assert problem.reason is Reason.BAD_MODE_PARAMETER
    assert room.modes("#tea") == "+nt"


def test_a_key_keeps_out_who_does_not_know_it(room: Room) -> None:
    assert _made(room.mode(OP, "#tea", "+k", "key")) == [("+k", "key")]
    for wrong in ("", "KEY", "key "):
        room.refused(Join(OUTSIDE, "#tea", wrong), Reason.BAD_KEY, "#tea")
    room.do(Join(OUTSIDE, "#tea", "key"))
    assert _made(room.mode(OP, "#tea", "+k", "other")) == [("+k", "other")]
    assert _made(room.mode(OP, "#tea", "-k")) == [("-k", "other")], "whoever reads the line takes a parameter for it"
    assert room.chat.channels["#tea"].join_key is None


def test_a_limit_keeps_out_one_more(room: Room) -> None:
    assert _made(room.mode(OP, "#tea", "+l", "004")) == [("+l", "4")]
    room.refused(Join(OUTSIDE, "#tea"), Reason.CHANNEL_FULL, "#tea")
    room.do(Part(PLAIN, "#tea"))
    room.do(Join(OUTSIDE, "#tea"))
    room.mode(OP, "#tea", "-l")
    room.do(Join(PLAIN, "#tea"))


def test_only_those_invited_come_in(room: Room) -> None:
    room.mode(OP, "#tea", "+i")
    room.refused(Join(OUTSIDE, "#tea"), Reason.INVITE_ONLY, "#tea")
    room.mode(OP, "#tea", "+I", "~a:OTTO")
    room.do(Join(OUTSIDE, "#tea"))


def test_only_those_with_an_account_come_in(room: Room) -> None:
    room.mode(OP, "#tea", "+R")
    guest = room.enter("guest")
    room.do(Join(OUTSIDE, "#tea"))
    room.refused(Join(guest, "#tea"), Reason.ACCOUNT_NEEDED, "#tea")
    room.mode(OP, "#tea", "+I", "g?est")
    room.do(Join(guest, "#tea"))


@pytest.mark.parametrize("mask", ["otto", "OT?O", "*!~otto@*", "*!*@host", "~a:otto", "~account:O*", "*@HOST"])
def test_a_ban_keeps_out_whom_it_matches(room: Room, mask: str) -> None:
    room.mode(OP, "#tea", "+b", mask)
    room.refused(Join(OUTSIDE, "#tea"), Reason.BANNED_FROM_CHANNEL, "#tea")
    room.mode(OP, "#tea", "+e", "~a:otto")
    room.do(Join(OUTSIDE, "#tea"))


@pytest.mark.parametrize("mask", ["paul", "~a:ott", "~m:otto", "~mute:~account:otto", "*!otto@*"])
def test_a_ban_keeps_out_nobody_else(room: Room, mask: str) -> None:
    room.mode(OP, "#tea", "+b", mask)
    room.do(Join(OUTSIDE, "#tea"))


def test_an_exception_from_a_mute_does_not_let_in_who_is_banned(room: Room) -> None:
    room.mode(OP, "#tea", "+be", "otto", "~m:otto")
    room.refused(Join(OUTSIDE, "#tea"), Reason.BANNED_FROM_CHANNEL, "#tea")


def test_an_entry_of_the_invitation_list_does_not_lift_a_ban_or_a_key(room: Room) -> None:
    room.mode(OP, "#tea", "+Ibk", "otto", "otto", "key")
    room.refused(Join(OUTSIDE, "#tea", "key"), Reason.BANNED_FROM_CHANNEL, "#tea")
    room.mode(OP, "#tea", "-b", "otto")
    room.refused(Join(OUTSIDE, "#tea"), Reason.BAD_KEY, "#tea")


def test_entries_of_lists_say_who_set_them_and_when(room: Room) -> None:
    changed = room.mode(HALF, "#tea", "+b", "eve")
    ((letter, entry),) = changed.added
    assert (letter, entry.text, entry.by, entry.at) == ("b", "eve!*@*", "hugo!~hugo@host", room.stamp)
    assert _made(changed) == [("+b", "eve!*@*")]
    removed = room.mode(OP, "#tea", "-b", "EVE!*@*")
    assert removed.removed == (("b", "eve!*@*"),)
    assert _made(removed) == [("-b", "eve!*@*")], "as it was written"


def test_what_is_written_down_is_what_the_lists_are_in_the_end(room: Room) -> None:
    both = room.mode(OP, "#tea", "+b-b", "eve", "eve")
    assert _made(both) == [("+b", "eve!*@*"), ("-b", "eve!*@*")]
    assert (both.added, both.removed) == ((), ())
    room.mode(OP, "#tea", "+b", "eve")
    anew = room.mode(HALF, "#tea", "-b+b", "eve", "EVE")
    assert anew.removed == (("b", "eve!*@*"),)
    assert [(letter, entry.text) for letter, entry in anew.added] == [("b", "EVE!*@*")]


@pytest.mark.parametrize("mask", ["a b", "~z:x", "~a:", "x" * 300, "a\x07"])
def test_what_is_no_mask(room: Room, mask: str) -> None:
    change = SetModes(OP, "#tea", (ModeChange(True, "b", mask),))
    assert room.one(change, ModesChanged).problems == (
        Refusal(Reason.BAD_MODE_PARAMETER, ("#tea", "b", mask, "This is no mask")),
    )


def test_the_lists_of_a_channel_have_so_many_entries_and_no_more() -> None:
    room = Room(Rules(list_entries=3))
    ann = room.member("ann", "#tea")
    room.mode(ann, "#tea", "+beI", "one", "two", "three")
    changed = room.mode(ann, "#tea", "+b-e+b", "four", "two", "five")
    assert changed.problems == (Refusal(Reason.LIST_FULL, ("#tea", "four!*@*")),)
    assert [entry.text for entry in room.chat.channels["#tea"].lists["b"].values()] == ["one!*@*", "five!*@*"]
