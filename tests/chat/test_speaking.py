"""Who may speak where, and who hears it: modes, bans and voices, prefixes before names, silence, bots."""

import pytest

from securechat.chat.events import Said
from securechat.chat.model import Rules
from securechat.chat.refusals import Reason
from securechat.chat.requests import ChangeNick, Depart, Join, LogIn, Part, Say, Silence, Speech
from tests.chat.room import GUESTS, Room

OP, HALF, VOICED, PLAIN, GUEST, OUTSIDE = 1, 2, 3, 4, 5, 6
"""The sessions of the room below."""

INSIDE = (OP, HALF, VOICED, PLAIN, GUEST)


@pytest.fixture
def room() -> Room:
    """``#tea`` with its owner Olga, the half-operator Hugo, Vera with a voice, Paul and a guest; Otto is not in it."""
    room = Room(GUESTS)
    room.member("olga", "#Tea")
    for name in ("hugo", "vera", "paul"):
        room.member(name, "#tea")
    room.enter("guest", "#tea")
    room.member("otto")
    room.mode(OP, "#tea", "+hv", "hugo", "vera")
    return room


def _speakers(room: Room, *sessions: int) -> set[int]:
    """Those of the sessions that may say something in the channel; the others are told that they may not."""
    may = set()
    for session in sessions:
        answer = room.chat.apply(room.stamp + 16, Say(session, "PRIVMSG", "#tea", "hello"))
        room.stamp += 16
        reason = getattr(answer, "reason", None)
        if reason is None:
            may.add(session)
        else:
            room.refused(Say(session, "PRIVMSG", "#tea", "hello"), Reason.CANNOT_SEND, "#Tea")
    return may


@pytest.mark.parametrize(
    ("params", "may"),
    [
        (["+n"], {OP, HALF, VOICED, PLAIN, GUEST}),
        (["-n"], {OP, HALF, VOICED, PLAIN, GUEST, OUTSIDE}),
        (["+m"], {OP, HALF, VOICED}),
        (["+m-n"], {OP, HALF, VOICED}),
        (["+M"], {OP, HALF, VOICED, PLAIN}),
        (["+M-n"], {OP, HALF, VOICED, PLAIN, OUTSIDE}),
        (["+iRklC", "key", "1"], {OP, HALF, VOICED, PLAIN, GUEST}),
        (["+b", "*"], {OP, HALF, VOICED}),
        (["+b", "paul"], {OP, HALF, VOICED, GUEST}),
        (["+b", "~a:p*"], {OP, HALF, VOICED, GUEST}),
        (["+b", "~a:*"], {OP, HALF, VOICED, GUEST}),
        (["+b", "~m:guest"], {OP, HALF, VOICED, PLAIN}),
        (["+b", "~m:~a:paul"], {OP, HALF, VOICED, GUEST}),
        (["+be", "*", "~a:paul"], {OP, HALF, VOICED, PLAIN}),
        (["+be", "*", "~m:~a:paul"], {OP, HALF, VOICED, PLAIN}),
        (["+be", "~m:*", "*!~guest@*"], {OP, HALF, VOICED, GUEST}),
        (["-n+b", "otto"], {OP, HALF, VOICED, PLAIN, GUEST}),
        (["-n+b", "~m:otto"], {OP, HALF, VOICED, PLAIN, GUEST}),
        (["-n+bb", "nobody", "somebody"], {OP, HALF, VOICED, PLAIN, GUEST, OUTSIDE}),
    ],
    ids=repr,
)
def test_who_may_speak(room: Room, params: list[str], may: set[int]) -> None:
    room.mode(OP, "#tea", *params)
    assert _speakers(room, *INSIDE, OUTSIDE) == may


def test_an_operator_of_the_server_who_is_no_member_speaks_no_more_than_others(room: Room) -> None:
    room.chat.sessions[OUTSIDE].modes = "o"
    assert _speakers(room, OUTSIDE) == set()


def test_a_ban_is_found_out_anew_when_something_changes(room: Room) -> None:
    room.mode(OP, "#tea", "+b", "nobody")
    assert _speakers(room, PLAIN) == {PLAIN}
    room.mode(OP, "#tea", "+b", "paul")
    assert _speakers(room, PLAIN) == set()
    room.do(ChangeNick(PLAIN, "saul"))
    assert _speakers(room, PLAIN) == {PLAIN}
    room.do(ChangeNick(PLAIN, "paul"))
    assert _speakers(room, PLAIN) == set()
    room.mode(OP, "#tea", "+e", "~a:paul")
    assert _speakers(room, PLAIN) == {PLAIN}
    room.mode(OP, "#tea", "-e", "~a:paul")
    assert _speakers(room, PLAIN) == set()
    room.mode(OP, "#tea", "+v", "paul")
    assert _speakers(room, PLAIN) == {PLAIN}
    room.mode(OP, "#tea", "-v-b", "paul", "paul")
    assert _speakers(room, PLAIN) == {PLAIN}
    room.mode(OP, "#tea", "+b", "~a:sue")
    assert _speakers(room, GUEST) == {GUEST}
    sue = room.account("sue")
    room.do(LogIn(GUEST, sue.id, sue.credential_set, "host"))
    assert _speakers(room, GUEST) == set()


@pytest.mark.parametrize("kind", ["PRIVMSG", "NOTICE", "TAGMSG"])
def test_every_kind_of_message_is_speech(room: Room, kind: Speech) -> None:
    room.mode(OP, "#tea", "+m")
    room.refused(Say(PLAIN, kind, "#tea", ""), Reason.CANNOT_SEND, "#Tea")
    room.refused(Say(OUTSIDE, kind, "#tea", ""), Reason.CANNOT_SEND, "#Tea")


@pytest.mark.parametrize(
    "text", ["\x01VERSION\x01", "\x01PING 1\x01", "\x01", "\x01ACTIONS x\x01", "\x01DCC SEND x\x01"]
)
@pytest.mark.parametrize("session", INSIDE)
def test_without_ctcp_there_are_only_actions(room: Room, text: str, session: int) -> None:
    room.mode(OP, "#tea", "+C")
    room.refused(Say(session, "PRIVMSG", "#tea", text), Reason.NO_CTCP, "#Tea")
    for other in ("\x01ACTION waves\x01", "\x01action waves\x01", "hello \x01VERSION\x01", "hello"):
        room.do(Say(session, "PRIVMSG", "#tea", other))
    room.mode(OP, "#tea", "-C")
    room.do(Say(session, "PRIVMSG", "#tea", text))


def test_what_is_said_from_outside_comes_back_to_who_said_it(room: Room) -> None:
    room.mode(OP, "#tea", "-n")
    second = room.enter(room.chat.accounts["otto"])
    said = room.one(Say(OUTSIDE, "PRIVMSG", "#tea", "hello"), Said)
    assert sorted(said.audience) == list(INSIDE)
    assert (said.copies, said.alone) == ((OUTSIDE, second), True)


# -- prefixes before names (STATUSMSG) --


@pytest.mark.parametrize(("prefix", "hear"), [("@", {OP}), ("%", {OP, HALF}), ("+", {OP, HALF, VOICED})])
@pytest.mark.parametrize("sender", INSIDE)
def test_a_prefix_before_the_name_is_for_those_from_there_upwards(
    room: Room, prefix: str, hear: set[int], sender: int
) -> None:
    said = room.one(Say(sender, "PRIVMSG", prefix + "#TEA", "psst"), Said)
    assert (said.target, set(said.audience), said.alone) == (prefix + "#Tea", hear, True)
    assert said.copies == (() if sender in hear else (sender,))
    assert said.channel_id == room.chat.channels["#tea"].id


def test_who_may_not_speak_may_not_with_a_prefix(room: Room) -> None:
    room.mode(OP, "#tea", "+m")
    room.refused(Say(PLAIN, "PRIVMSG", "@#tea", "psst"), Reason.CANNOT_SEND, "#Tea")
    room.refused(Say(OUTSIDE, "PRIVMSG", "@#tea", "psst"), Reason.CANNOT_SEND, "#Tea")
    room.refused(Say(OP, "PRIVMSG", "@#none", "psst"), Reason.NO_SUCH_CHANNEL, "@#none")


def test_what_is_said_from_outside_to_operators(room: Room) -> None:
    room.mode(OP, "#tea", "-n")
    said = room.one(Say(OUTSIDE, "PRIVMSG", "@#tea", "help"), Said)
    assert (said.audience, said.copies) == ((OP,), (OUTSIDE,))


def test_to_operators_where_there_are_none(room: Room) -> None:
    room.do(Part(OP, "#tea"))
    said = room.one(Say(PLAIN, "PRIVMSG", "@#tea", "help"), Said)
    assert (said.audience, said.copies) == ((), (PLAIN,))


def test_a_text_is_cut_for_the_prefix_too(room: Room) -> None:
    with_prefix = room.one(Say(OP, "PRIVMSG", "@#tea", "x" * 500), Said)
    without = room.one(Say(OP, "PRIVMSG", "#tea", "x" * 500), Said)
    assert (with_prefix.cut, len(with_prefix.text)) == (True, len(without.text) - 1)


# -- private messages --


def test_some_take_private_messages_only_from_those_with_an_account(room: Room) -> None:
    room.user_mode(OUTSIDE, "+R")
    room.refused(Say(GUEST, "PRIVMSG", "OTTO", "hello"), Reason.ACCOUNT_NEEDED_TO_SEND, "otto")
    assert room.one(Say(PLAIN, "PRIVMSG", "otto", "hello"), Said).audience == (OUTSIDE,)
    room.do(Join(OUTSIDE, "#tea"))
    assert OUTSIDE in room.one(Say(GUEST, "PRIVMSG", "#tea", "hello"), Said).audience


@pytest.mark.parametrize("kind", ["PRIVMSG", "NOTICE", "TAGMSG"])
def test_silence_is_for_every_kind_of_message(room: Room, kind: Speech) -> None:
    room.do(Silence(OUTSIDE, True, "~a:paul"))
    said = room.one(Say(PLAIN, kind, "otto", "hello"), Said)
    assert (said.audience, said.copies, said.unheard) == ((), (PLAIN,), True)
    assert not room.one(Say(GUEST, kind, "otto", "hello"), Said).unheard


def test_a_guest_silences_as_long_as_they_are_there(room: Room) -> None:
    room.do(Silence(GUEST, True, "paul"))
    assert room.one(Say(PLAIN, "PRIVMSG", "guest", "hello"), Said).unheard
    room.leave(GUEST)
    room.enter("guest")
    assert not room.one(Say(PLAIN, "PRIVMSG", "guest", "hello"), Said).unheard
    assert room.chat.silenced == {}


def test_a_full_mailbox_does_not_tell_who_is_silenced() -> None:
    room = Room(Rules(held_per_account=1))
    bob, session = room.account("bob"), room.enter(room.account("ann"))
    away = room.enter(bob)
    room.do(Silence(away, True, "ann"))
    room.do(Depart(away, ""))
    assert room.one(Say(session, "PRIVMSG", "bob", "not kept"), Said).unheard
    other = room.enter(room.account("eve"))
    room.do(Say(other, "PRIVMSG", "bob", "kept"))
    for sender in (session, other):
        room.refused(Say(sender, "PRIVMSG", "bob", "too many"), Reason.TOO_MANY_HELD, "bob")
