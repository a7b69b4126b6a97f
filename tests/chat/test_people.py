"""What people say of themselves: that they are away, their real name, their modes, and whom they silence."""

import pytest

from securechat.chat.events import Arrived, AwayChanged, Event, RealnameChanged, Said, Silenced, UserModesChanged
from securechat.chat.model import Role, Rules
from securechat.chat.modes import USER_MODES
from securechat.chat.refusals import Reason
from securechat.chat.requests import (
    Depart,
    RemoveAccount,
    Request,
    Say,
    SetAway,
    SetPassword,
    SetRealname,
    SetUserModes,
    Silence,
    Start,
)
from securechat.irc.modes import ModeChange
from tests.chat.room import GUESTS, Room, heard


def _away(events: list[Event]) -> AwayChanged:
    (event,) = (event for event in events if isinstance(event, AwayChanged))
    return event


# -- away --


def test_those_who_share_a_channel_see_that_somebody_is_away() -> None:
    room = Room()
    ann = room.account("ann")
    session = room.enter(ann, "#tea", "#lobby")
    bob = room.member("bob", "#tea", "#lobby")
    room.member("cat")
    changed = room.one(SetAway(session, "lunch"), AwayChanged)
    assert changed == AwayChanged(
        room.stamp, session, "ann!~ann@host", "ann", ann.id, "lunch", "lunch", True, (bob,), asked=True
    )
    assert room.chat.users["ann"].away == "lunch"
    back = room.one(SetAway(session, None), AwayChanged)
    assert (back.away, back.text, back.seen) == (None, None, True)


def test_an_empty_reason_is_none() -> None:
    room = Room()
    ann = room.member("ann")
    room.do(SetAway(ann, "lunch"))
    assert room.one(SetAway(ann, ""), AwayChanged).text is None


def test_the_same_again_is_not_seen_by_others() -> None:
    room = Room()
    ann = room.member("ann")
    assert not room.one(SetAway(ann, None), AwayChanged).seen
    room.do(SetAway(ann, "lunch"))
    assert not room.one(SetAway(ann, "lunch"), AwayChanged).seen
    assert room.one(SetAway(ann, "dinner"), AwayChanged).seen


@pytest.mark.parametrize(("given", "kept"), [("12345", "12345"), ("123456", "12345"), ("1234é", "1234")])
def test_a_reason_is_cut(given: str, kept: str) -> None:
    room = Room(Rules(away_length=5))
    ann = room.account("ann")
    session = room.enter(ann)
    assert room.one(SetAway(session, given), AwayChanged).away == kept
    login = room.login(ann)
    login.away = given
    room.do(login)
    assert room.chat.users["ann"].sessions == {session: kept, login.session: kept}


def test_a_user_is_away_when_all_connections_are() -> None:
    room = Room()
    ann = room.account("ann")
    first, second = room.enter(ann, "#tea"), room.enter(ann)
    bob = room.member("bob", "#tea")
    one = room.one(SetAway(first, "lunch"), AwayChanged)
    assert (one.away, one.text, one.seen) == ("lunch", None, False)
    both = room.one(SetAway(second, "dinner"), AwayChanged)
    assert (both.away, both.text, both.seen) == ("dinner", "dinner", True)
    back = room.one(SetAway(first, None), AwayChanged)
    assert (back.away, back.text, back.seen, back.audience) == (None, None, True, (bob,))


def test_a_connection_for_which_nobody_is_there_says_nothing_where_another_does() -> None:
    """IRCv3 pre-away: ``*`` is of clients that connect by themselves."""
    room = Room()
    ann = room.account("ann")
    session = room.enter(ann)
    room.do(SetAway(session, "lunch"))
    login = room.login(ann)
    login.away = "*"
    assert [type(event) for event in room.do(login)] == [Arrived]
    assert room.chat.users["ann"].away == "lunch"
    room.leave(session)
    assert room.chat.users["ann"].away == "*"


def test_coming_and_going_can_mean_that_somebody_is_there_again_or_no_more() -> None:
    room = Room()
    ann = room.account("ann")
    first = room.enter(ann, "#tea")
    bob = room.member("bob", "#tea")
    room.do(SetAway(first, "lunch"))
    login = room.login(ann)
    came = _away(room.do(login))
    assert (came.text, came.seen, came.audience) == (None, True, (bob,))
    went = _away(room.do(Depart(login.session, "")))
    assert (went.text, went.seen, went.audience) == ("lunch", True, (bob,))


def test_ended_connections_leave_somebody_away() -> None:
    room = Room()
    ann = room.account("ann")
    first = room.enter(ann, "#tea")
    for _ in range(3):
        room.enter(ann)
    room.do(SetAway(first, "lunch"))
    ended = _away(room.do(SetPassword("ann", "another", keep=first)))
    assert (ended.session, ended.text, ended.seen) == (first, "lunch", True)


def test_who_arrives_away_is_so_from_the_beginning() -> None:
    room = Room()
    login = room.login(room.account("ann"))
    login.away = "not here"
    assert room.one(login, Arrived).away == "not here"
    assert room.chat.users["ann"].away == "not here"


# -- real names --


def test_a_new_real_name_is_seen_by_those_who_share_a_channel() -> None:
    room = Room()
    ann = room.account("ann")
    first, second = room.enter(ann, "#tea"), room.enter(ann)
    bob = room.member("bob", "#tea")
    changed = room.one(SetRealname(second, "Anna B"), RealnameChanged)
    assert (changed.realname, changed.own, sorted(changed.audience)) == (
        "Anna B",
        (first, second),
        [first, second, bob],
    )
    assert room.chat.users["ann"].realname == "Anna B"


def test_what_is_no_real_name() -> None:
    room = Room(Rules(realname_length=6))
    ann = room.member("ann")
    for name in ("", "1234567", "ééé1"):
        room.refused(SetRealname(ann, name), Reason.BAD_REALNAME)
    room.do(SetRealname(ann, "ééé"))


# -- modes --


@pytest.mark.parametrize("letter", [mode.letter for mode in USER_MODES.values() if mode.settable])
def test_users_set_their_modes(letter: str) -> None:
    room = Room()
    ann = room.account("ann")
    first, second = room.enter(ann), room.enter(ann)
    room.member("bob", "#lobby")
    changed = room.user_mode(first, "+" + letter)
    assert changed == UserModesChanged(
        room.stamp, "ann", "ann!~ann@host", (ModeChange(True, letter),), (first, second), letter, "ann"
    )
    assert room.user_mode(second, "+" + letter).changes == ()
    assert room.user_mode(second, "-" + letter).modes == ""


def test_nobody_makes_themselves_an_operator_but_everybody_can_cease_to_be_one() -> None:
    room = Room()
    ann, boss = room.member("ann"), room.enter(room.account("boss", Role.ADMIN))
    assert room.user_mode(ann, "+oi").changes == (ModeChange(True, "i"),)
    assert room.chat.users["boss"].operator
    assert room.user_mode(boss, "-oi").changes == (ModeChange(False, "o"),)
    assert room.user_mode(boss, "+o").changes == ()
    assert not room.chat.users["boss"].operator


def test_what_is_no_user_mode_does_not_keep_others_from_being_set() -> None:
    room = Room()
    ann = room.member("ann")
    changed = room.user_mode(ann, "+Zwxi")
    assert (changed.changes, changed.modes) == ((ModeChange(True, "w"), ModeChange(True, "i")), "iw")


def test_there_and_back_again_is_no_change() -> None:
    room = Room()
    ann = room.member("ann")
    changes = (ModeChange(True, "i"), ModeChange(True, "w"), ModeChange(False, "i"))
    assert room.one(SetUserModes(ann, changes), UserModesChanged).changes == (ModeChange(True, "w"),)
    changes = (ModeChange(False, "w"), ModeChange(True, "w"), ModeChange(False, "w"))
    assert room.one(SetUserModes(ann, changes), UserModesChanged).changes == (ModeChange(False, "w"),)


def test_what_is_said_of_a_bot_says_so() -> None:
    room = Room()
    ann = room.member("ann", "#tea")
    assert not room.one(Say(ann, "PRIVMSG", "#tea", "hello"), Said).bot
    room.user_mode(ann, "+B")
    requests: list[Request] = [
        Say(ann, "PRIVMSG", "#tea", "beep"),
        SetAway(ann, "x"),
        SetRealname(ann, "x"),
        Depart(ann, ""),
    ]
    for request in requests:
        (event,) = heard(room.do(request))
        assert getattr(event, "bot", None) is True


def test_modes_end_with_the_user() -> None:
    room = Room()
    ann = room.account("ann")
    session = room.enter(ann)
    room.user_mode(session, "+iw")
    room.leave(session)
    assert room.one(room.login(ann), Arrived).modes == ""


# -- silence --


def test_whom_one_silences_is_not_heard_and_does_not_learn_it() -> None:
    room = Room(GUESTS)
    ann, guest = room.member("ann", "#tea"), room.enter("guest", "#tea")
    silenced = room.one(Silence(ann, True, "GUEST"), Silenced)
    account = room.chat.accounts["ann"]
    assert silenced == Silenced(room.stamp, "ann!~ann@host", account.id, True, "GUEST!*@*", (ann,), "ann")
    said = room.one(Say(guest, "PRIVMSG", "ann", "psst"), Said)
    assert (said.audience, said.copies, said.unheard) == ((), (guest,), True)
    heard = room.one(Say(guest, "PRIVMSG", "#tea", "hello"), Said)
    assert ann in heard.audience, "in a channel everybody is heard"
    assert room.one(Silence(ann, False, "guest"), Silenced).mask == "GUEST!*@*", "as it was written"
    assert room.one(Say(guest, "PRIVMSG", "ann", "psst"), Said).audience == (ann,)


@pytest.mark.parametrize("mask", ["bob", "*!*@host", "~a:b*"])
def test_an_account_silences_while_it_is_away_too(mask: str) -> None:
    room = Room()
    ann, bob = room.account("ann"), room.member("bob")
    session = room.enter(ann)
    room.do(Silence(session, True, mask))
    room.leave(session)
    said = room.one(Say(bob, "PRIVMSG", "ann", "psst"), Said)
    assert said.unheard
    assert room.chat.held == {}
    room.do(Start(Rules()))
    assert list(room.chat.sessions[room.enter(ann)].silenced) == list(room.chat.silenced[ann.id])


def test_one_hears_oneself_whomever_one_silences() -> None:
    room = Room()
    ann = room.member("ann")
    room.do(Silence(ann, True, "*"))
    said = room.one(Say(ann, "PRIVMSG", "ann", "milk"), Said)
    assert (said.audience, said.unheard) == ((ann,), False)


def test_what_is_silenced_already_and_what_is_not() -> None:
    room = Room()
    ann = room.member("ann")
    room.do(Silence(ann, True, "Bob"))
    assert room.do(Silence(ann, True, "bOB!*@*")) == []
    assert room.do(Silence(ann, False, "eve")) == []
    room.do(Silence(ann, False, "BOB"))
    assert room.chat.silenced == {}


@pytest.mark.parametrize("mask", ["", "a b", "~m:bob", "~mute:bob", "~x:bob", "x" * 250])
def test_what_can_not_be_silenced(mask: str) -> None:
    room = Room()
    room.refused(Silence(room.member("ann"), True, mask), Reason.BAD_MASK, mask)


def test_one_silences_only_so_many() -> None:
    room = Room(Rules(silenced=2))
    ann = room.member("ann")
    for mask in ("one", "two"):
        room.do(Silence(ann, True, mask))
    room.refused(Silence(ann, True, "three"), Reason.TOO_MANY_SILENCED, "three!*@*")
    assert room.do(Silence(ann, True, "TWO")) == []
    room.do(Silence(ann, False, "one"))
    room.do(Silence(ann, True, "three"))


def test_what_an_account_silenced_goes_with_it() -> None:
    room = Room()
    room.do(Silence(room.member("ann"), True, "bob"))
    room.do(RemoveAccount("ann"))
    assert room.chat.silenced == {}
