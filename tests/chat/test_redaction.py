"""Taking messages back: whose, where, for how long, and what others learn of it."""

from dataclasses import replace

import pytest

from securechat.chat import redaction
from securechat.chat.events import Redacted, Said
from securechat.chat.model import Rules
from securechat.chat.redaction import unknown
from securechat.chat.refusals import Reason, Refusal
from securechat.chat.requests import (
    ChangeNick,
    Invite,
    Join,
    Kick,
    Original,
    Part,
    Redact,
    RenameChannel,
    Say,
    SetRules,
    Silence,
)
from securechat.chat.stamps import msgid
from tests.chat.room import GUESTS, Room
from tests.chat.story_keeping import original

ANN, BOB, GUEST, OUTSIDE = 1, 2, 3, 4


@pytest.fixture
def room() -> Room:
    """#tea is Ann's; Bob and a guest are in it, and another guest is not."""
    room = Room(GUESTS)
    room.member("ann", "#tea")
    room.member("bob", "#tea")
    room.enter("guest", "#tea")
    room.enter("other")
    return room


def _say(room: Room, session: int, target: str, text: str = "hello") -> Original:
    return original(room.one(Say(session, "PRIVMSG", target, text), Said))


def _unknown(room: Room, session: int, target: str, message: Original) -> None:
    """It is as if there were no such message."""
    called = msgid(message.stamp)
    room.refused(Redact(session, target, message), Reason.UNKNOWN_MESSAGE, target, called)
    assert unknown(room.chat, session, target, called) == Refusal(Reason.UNKNOWN_MESSAGE, (target, called))


# -- in channels -------------------------------------------------------------------------------------------------------


def test_who_said_it_takes_it_back(room: Room) -> None:
    message = _say(room, GUEST, "#tea")
    event = room.one(Redact(GUEST, "#TEA", message, "a slip"), Redacted)
    guest = room.chat.sessions[GUEST]
    assert event == Redacted(
        room.stamp,
        message.stamp,
        room.chat.channels["#tea"].id,
        "guest!~guest@host",
        None,
        guest.id,
        "#tea",
        None,
        "a slip",
        (ANN, BOB, GUEST),
    )


def test_operators_take_back_what_anybody_has_said(room: Room) -> None:
    theirs, mine = _say(room, BOB, "#tea"), _say(room, ANN, "#tea")
    room.mode(ANN, "#tea", "+h", "guest")
    room.refused(Redact(GUEST, "#tea", theirs), Reason.REDACT_FORBIDDEN, "#tea", msgid(theirs.stamp))
    room.one(Redact(ANN, "#tea", theirs), Redacted)
    room.mode(ANN, "#tea", "+o", "bob")
    room.one(Redact(BOB, "#tea", mine), Redacted)


def test_only_once(room: Room) -> None:
    """The second had looked into the log before the first was done."""
    message = _say(room, BOB, "#tea")
    room.do(Redact(BOB, "#tea", message))
    _unknown(room, BOB, "#tea", message)
    _unknown(room, ANN, "#tea", message)


def test_those_taken_back_last_are_known(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redaction, "_REMEMBERED", 2)
    messages = [_say(room, BOB, "#tea") for _ in range(3)]
    for message in messages:
        room.do(Redact(BOB, "#tea", message))
    assert room.chat.taken_back == (messages[1].stamp, messages[2].stamp)


def test_for_a_while_and_operators_at_any_time(room: Room) -> None:
    room.do(SetRules(Rules(redact_seconds=10)))
    first, second, private = _say(room, BOB, "#tea"), _say(room, BOB, "#tea"), _say(room, BOB, "ann")
    room.wait(9_999)
    room.do(Redact(BOB, "#tea", first))
    room.wait(1)
    room.refused(Redact(BOB, "#tea", second), Reason.REDACT_EXPIRED, "#tea", msgid(second.stamp), "10")
    room.refused(Redact(BOB, "ann", private), Reason.REDACT_EXPIRED, "ann", msgid(private.stamp), "10")
    room.do(Redact(ANN, "#tea", second))


def test_only_who_is_there(room: Room) -> None:
    message = _say(room, GUEST, "#tea")
    room.do(Part(GUEST, "#tea"))
    for session in (GUEST, OUTSIDE):
        room.refused(Redact(session, "#tea", message), Reason.REDACT_TARGET, "#tea")
        assert unknown(room.chat, session, "#tea", "x") == Refusal(Reason.REDACT_TARGET, ("#tea",))
    room.refused(Redact(BOB, "#none", message), Reason.REDACT_TARGET, "#none")
    room.refused(Redact(99, "#tea", message), Reason.NO_SUCH_SESSION)
    assert unknown(room.chat, 99, "#tea", "x") == Refusal(Reason.NO_SUCH_SESSION)


def test_only_there_where_it_was_said(room: Room) -> None:
    message = _say(room, BOB, "#tea")
    room.do(Join(BOB, "#fun"))
    _unknown(room, BOB, "#fun", message)
    _unknown(room, BOB, "ann", message)
    room.refused(Redact(BOB, "nobody", message), Reason.REDACT_TARGET, "nobody")
    room.do(RenameChannel(ANN, "#tea", "#milk"))
    assert room.one(Redact(BOB, "#milk", message), Redacted).target == "#milk", "however that is called now"


def test_not_what_they_may_not_read(room: Room) -> None:
    """An operator, too, who came later into a channel that is not open to all."""
    message = _say(room, ANN, "#tea")
    room.mode(ANN, "#tea", "+i")
    room.do(Invite(ANN, "other", "#tea"))
    room.do(Join(OUTSIDE, "#tea"))
    room.mode(ANN, "#tea", "+o", "other")
    _unknown(room, OUTSIDE, "#tea", message)
    room.do(Redact(OUTSIDE, "#tea", _say(room, ANN, "#tea")))


def test_of_what_was_said_to_operators_others_learn_nothing(room: Room) -> None:
    message = _say(room, ANN, "@#tea")
    for name in ("#tea", "@#tea"):
        _unknown(room, BOB, name, message)
    room.mode(ANN, "#tea", "+h", "bob")
    _unknown(room, BOB, "#tea", message)
    event = room.one(Redact(ANN, "#tea", message), Redacted)
    assert (event.target, event.audience, event.copies) == ("@#tea", (ANN,), ())


def test_who_has_said_it_to_them_can_take_it_back(room: Room) -> None:
    message = _say(room, BOB, "%#tea")
    event = room.one(Redact(BOB, "%#tea", message), Redacted)
    assert (event.target, event.audience, event.copies) == ("%#tea", (ANN,), (BOB,))


def test_who_may_not_speak_gives_no_reasons(room: Room) -> None:
    """A reason is words too; the message goes all the same."""
    first, second, third = (_say(room, GUEST, "#tea") for _ in range(3))
    for message, params in ((first, ["+m"]), (second, ["-m+M"]), (third, ["-M+b", "~m:guest"])):
        room.mode(ANN, "#tea", *params)
        assert room.one(Redact(GUEST, "#tea", message, "buy this"), Redacted).reason == ""
    room.mode(ANN, "#tea", "+v", "guest")
    message = _say(room, GUEST, "#tea")
    assert room.one(Redact(GUEST, "#tea", message, "a slip"), Redacted).reason == "a slip"


def test_a_reason_is_no_longer_than_others(room: Room) -> None:
    room.do(SetRules(Rules(kick_length=5)))
    assert room.one(Redact(BOB, "#tea", _say(room, BOB, "#tea"), "1234é"), Redacted).reason == "1234"


def test_a_guest_is_not_who_had_the_nick_before(room: Room) -> None:
    message, private = _say(room, GUEST, "#tea"), _say(room, GUEST, "ann")
    room.leave(GUEST)
    again = room.enter("guest", "#tea")
    room.refused(Redact(again, "#tea", message), Reason.REDACT_FORBIDDEN, "#tea", msgid(message.stamp))
    _unknown(room, again, "ann", private)


def test_of_guests_before_they_had_ids_only_operators_take_it_back(room: Room) -> None:
    message = replace(_say(room, GUEST, "#tea"), author=None)
    room.refused(Redact(GUEST, "#tea", message), Reason.REDACT_FORBIDDEN, "#tea", msgid(message.stamp))
    room.do(Redact(ANN, "#tea", message))


# -- between two -------------------------------------------------------------------------------------------------------


def test_both_hear_of_it(room: Room) -> None:
    second = room.enter(room.chat.accounts["ann"])
    message = _say(room, BOB, "ann")
    event = room.one(Redact(BOB, "ANN", message, "a slip"), Redacted)
    assert (event.target, event.channel_id, event.target_id) == ("ann", None, room.chat.accounts["ann"].id)
    assert (event.audience, event.copies, event.reason) == ((ANN, second), (BOB,), "a slip")


def test_only_the_author_takes_it_back_and_nobody_else_learns_of_it(room: Room) -> None:
    message = _say(room, BOB, "ann")
    room.refused(Redact(ANN, "bob", message), Reason.REDACT_FORBIDDEN, "bob", msgid(message.stamp))
    for target in ("ann", "bob", "guest"):
        _unknown(room, GUEST, target, message)
    _unknown(room, BOB, "guest", message)
    _unknown(room, ANN, "guest", message)


def test_what_one_has_said_to_oneself(room: Room) -> None:
    message = _say(room, BOB, "bob")
    event = room.one(Redact(BOB, "bob", message), Redacted)
    assert (event.audience, event.copies) == ((BOB,), ())


def test_under_whatever_nick_they_are_known(room: Room) -> None:
    messages = [_say(room, BOB, "ann") for _ in range(3)]
    room.do(ChangeNick(ANN, "anne"))
    for message, name in zip(messages, ("ann", "anne", "ANN"), strict=True):
        event = room.one(Redact(BOB, name, message), Redacted)
        assert (event.target, event.audience) == ("anne", (ANN,))


def test_who_wears_the_nick_now_hears_nothing_of_it(room: Room) -> None:
    message = _say(room, BOB, "guest")
    room.do(ChangeNick(GUEST, "ghost"))
    room.do(ChangeNick(OUTSIDE, "guest"))
    event = room.one(Redact(BOB, "guest", message), Redacted)
    assert (event.target, event.audience, event.copies) == ("guest", (), (BOB,))
    message = _say(room, BOB, "ghost")
    assert room.one(Redact(BOB, "ghost", message), Redacted).audience == (GUEST,)


def test_who_is_not_there(room: Room) -> None:
    room.leave(ANN)
    message = _say(room, BOB, "ann")
    event = room.one(Redact(BOB, "ann", message), Redacted)
    assert (event.target, event.audience, event.copies) == ("ann", (), (BOB,))


def test_who_is_silenced_gives_no_reasons(room: Room) -> None:
    message = _say(room, GUEST, "ann")
    room.do(Silence(ANN, True, "guest"))
    event = room.one(Redact(GUEST, "ann", message, "buy this"), Redacted)
    assert (event.reason, event.audience) == ("", (ANN,))


def test_who_was_thrown_out_takes_back_what_they_said_when_they_are_in_again(room: Room) -> None:
    message = _say(room, BOB, "#tea")
    room.do(Kick(ANN, "#tea", "bob"))
    room.refused(Redact(BOB, "#tea", message), Reason.REDACT_TARGET, "#tea")
    room.do(Join(BOB, "#tea"))
    room.do(Redact(BOB, "#tea", message))
