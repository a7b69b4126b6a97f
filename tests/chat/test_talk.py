"""Messages: who may say what to whom, who hears it, and what is kept for those who are not there."""

import pytest

from securechat.chat.events import Arrived, Collected, Said
from securechat.chat.model import Rules
from securechat.chat.refusals import Reason
from securechat.chat.requests import ChangeNick, Collect, EnableAccount, Join, Part, RemoveAccount, Say, Speech
from tests.chat.room import GUESTS, Room

EVERY_KIND: tuple[Speech, ...] = ("PRIVMSG", "NOTICE", "TAGMSG")


@pytest.mark.parametrize("kind", EVERY_KIND)
def test_all_members_of_a_channel_hear_a_message(kind: Speech) -> None:
    room = Room()
    ann = room.account("ann")
    first, second = room.enter(ann, "#Tea"), room.enter(ann)
    bob = room.member("bob", "#tea")
    room.member("cat", "#lobby")
    said = room.one(Say(second, kind, "#TEA", "hello", "+a=b;+c"), Said)
    assert said == Said(
        stamp=room.stamp,
        kind=kind,
        source="ann!~ann@host",
        account="ann",
        account_id=ann.id,
        target="#Tea",
        text="hello",
        tags="+a=b;+c",
        audience=(first, second, bob),
        origin=second,
        channel_id=room.chat.channels["#tea"].id,
    )
    assert room.chat.users["ann"].last_spoke == room.stamp


def test_a_guest_speaks_without_an_account() -> None:
    room = Room(GUESTS)
    guest = room.enter("guest", "#lobby")
    said = room.one(Say(guest, "PRIVMSG", "#lobby", "boo"), Said)
    assert (said.source, said.account) == ("guest!~guest@host", None)
    assert said.account_id == room.chat.users["guest"].since, "there is no account of that id, nor will there be"


def test_messages_share_one_audience_until_somebody_comes_or_goes() -> None:
    """Delivery takes the same tuple for the same sessions."""
    room = Room()
    ann, bob = room.account("ann"), room.account("bob")
    session = room.enter(ann, "#lobby")
    hello = Say(session, "PRIVMSG", "#lobby", "hello")
    before = room.one(hello, Said).audience
    assert room.one(hello, Said).audience is before
    other = room.enter(bob, "#lobby")
    assert room.one(hello, Said).audience == (session, other)
    more = room.enter(bob)
    assert room.one(hello, Said).audience == (session, other, more)
    room.leave(other)
    assert room.one(hello, Said).audience == (session, more)
    room.do(Part(more, "#lobby"))
    assert room.one(hello, Said).audience == (session,)


def test_only_members_speak_in_a_channel() -> None:
    room = Room()
    ann = room.member("ann")
    room.member("bob", "#Tea")
    room.refused(Say(ann, "PRIVMSG", "#tea", "hello"), Reason.CANNOT_SEND, "#Tea")
    room.refused(Say(ann, "PRIVMSG", "#none", "hello"), Reason.NO_SUCH_CHANNEL, "#none")
    assert room.chat.users["ann"].last_spoke == room.chat.users["ann"].since


@pytest.mark.parametrize("kind", EVERY_KIND)
def test_a_message_to_a_nick_goes_to_all_sessions_of_both(kind: Speech) -> None:
    room = Room()
    ann, bob = room.account("ann"), room.account("Bob")
    first, second = room.enter(ann), room.enter(ann)
    third, fourth = room.enter(bob), room.enter(bob)
    said = room.one(Say(first, kind, "bOB", "psst", "+x"), Said)
    assert said == Said(
        stamp=room.stamp,
        kind=kind,
        source="ann!~ann@host",
        account="ann",
        account_id=ann.id,
        target="Bob",
        text="psst",
        tags="+x",
        audience=(third, fourth),
        origin=first,
        target_id=bob.id,
        copies=(first, second),
    )
    assert room.chat.held == {}


def test_a_message_to_a_guest() -> None:
    room = Room(GUESTS)
    ann, guest = room.member("ann"), room.enter("Guest")
    said = room.one(Say(ann, "PRIVMSG", "guest", "psst"), Said)
    assert (said.target, said.target_id, said.audience, said.copies) == (
        "Guest",
        room.chat.users["guest"].since,
        (guest,),
        (ann,),
    )


def test_a_message_to_oneself_comes_once() -> None:
    room = Room()
    ann = room.account("ann")
    first, second = room.enter(ann), room.enter(ann)
    said = room.one(Say(first, "PRIVMSG", "ann", "milk"), Said)
    assert (said.audience, said.copies) == ((first, second), ())


def test_an_account_is_reached_by_its_name_under_any_nick() -> None:
    room = Room(GUESTS)
    bob = room.member("bob")
    room.do(ChangeNick(bob, "rob"))
    ann = room.member("ann")
    for target in ("bob", "rob"):
        said = room.one(Say(ann, "PRIVMSG", target, "psst"), Said)
        assert (said.target, said.target_id, said.audience) == ("rob", room.chat.accounts["bob"].id, (bob,))


@pytest.mark.parametrize("target", ["nobody", "", "&local", "@", "@%", "~#lobby", "@~#lobby", "a b"])
def test_nobody_hears_what_is_said_to_nobody(target: str) -> None:
    room = Room()
    ann = room.member("ann", "#lobby")
    room.refused(Say(ann, "PRIVMSG", target, "hello"), Reason.NO_SUCH_NICK, target)


def test_a_guest_who_has_gone_is_nobody() -> None:
    room = Room(GUESTS)
    ann, guest = room.member("ann"), room.enter("guest")
    room.leave(guest)
    room.refused(Say(ann, "PRIVMSG", "guest", "hello"), Reason.NO_SUCH_NICK, "guest")


def test_what_is_said_to_an_account_that_is_not_there_is_held() -> None:
    room = Room()
    ann, bob = room.member("ann"), room.account("Bob")
    said = room.one(Say(ann, "PRIVMSG", "bob", "later"), Said)
    assert said.held
    assert (said.target, said.target_id, said.audience, said.copies) == ("Bob", bob.id, (), (ann,))
    assert room.chat.held == {bob.id: said.stamp}
    last = room.one(Say(ann, "NOTICE", "bob", "still"), Said)
    assert last.held
    assert room.chat.held == {bob.id: last.stamp}


def test_typing_is_not_held() -> None:
    room = Room()
    ann = room.member("ann")
    room.account("bob")
    said = room.one(Say(ann, "TAGMSG", "bob", "", "+typing=active"), Said)
    assert (said.held, said.audience, said.copies) == (False, (), (ann,))
    assert room.chat.held == {}


def test_what_programs_ask_each_other_is_not_held() -> None:
    """It would be answered when it is shown, days later; an ACTION is what people write."""
    room = Room()
    ann = room.member("ann")
    bob = room.account("bob")
    for text in ("\x01VERSION\x01", "\x01PING 1\x01", "\x01DCC SEND x 1 2 3"):
        assert not room.one(Say(ann, "PRIVMSG", "bob", text), Said).held
    assert not room.one(Say(ann, "NOTICE", "bob", "\x01VERSION some\x01"), Said).held
    assert not room.one(Say(ann, "PRIVMSG", "bob", "hello\n\x01VERSION\x01", multiline=True), Said).held
    assert room.chat.held == {}
    said = room.one(Say(ann, "PRIVMSG", "bob", "\x01ACTION waves\x01"), Said)
    assert said.held
    assert room.chat.held == {bob.id: said.stamp}


def test_a_disabled_account_finds_its_messages_when_it_is_let_in_again() -> None:
    room = Room()
    ann, bob = room.member("ann"), room.account("bob")
    room.do(EnableAccount("bob", False))
    said = room.one(Say(ann, "PRIVMSG", "bob", "poor you"), Said)
    assert said.held
    room.do(EnableAccount("bob", True))
    assert room.one(room.login(bob), Arrived).held_up_to == said.stamp


def test_held_messages_wait_until_they_are_collected() -> None:
    room = Room()
    ann, bob = room.member("ann"), room.account("bob")
    room.do(Say(ann, "PRIVMSG", "bob", "one"))
    first = room.stamp
    room.do(Say(ann, "PRIVMSG", "bob", "two"))
    second = room.stamp
    arrived = room.one(room.login(bob), Arrived)
    assert arrived.held_up_to == second
    assert room.one(Collect(arrived.session, first), Collected) == Collected(room.stamp, bob.id, first)
    assert room.chat.held == {bob.id: second}
    room.leave(arrived.session)
    again = room.one(room.login(bob), Arrived)
    assert again.held_up_to == second
    assert room.one(Collect(again.session, second), Collected).up_to == second
    assert room.chat.held == {}
    assert room.do(Collect(again.session, second)) == []
    assert room.one(room.login(bob), Arrived).held_up_to == 0


def test_what_came_in_between_is_not_collected() -> None:
    room = Room()
    ann, bob = room.member("ann"), room.account("bob")
    room.do(Say(ann, "PRIVMSG", "bob", "one"))
    arrived = room.one(room.login(bob), Arrived)
    room.leave(arrived.session)
    said = room.one(Say(ann, "PRIVMSG", "bob", "two"), Said)
    session = room.enter(bob)
    room.do(Collect(session, arrived.held_up_to))
    assert room.chat.held == {bob.id: said.stamp}


def test_one_collects_only_the_own() -> None:
    room = Room(GUESTS)
    ann, guest = room.member("ann"), room.enter("guest")
    bob = room.account("bob")
    room.do(Say(ann, "PRIVMSG", "bob", "later"))
    stamp = room.stamp
    assert room.do(Collect(ann, stamp)) == []
    assert room.do(Collect(guest, stamp)) == []
    assert room.chat.held == {bob.id: stamp}


def test_nothing_is_held_for_an_account_that_was_removed() -> None:
    room = Room()
    ann, bob = room.member("ann"), room.account("bob")
    room.do(Say(ann, "PRIVMSG", "bob", "later"))
    room.do(RemoveAccount("bob"))
    assert room.chat.held == {}
    another = room.account("bob")
    assert another.id != bob.id
    assert room.one(room.login(another), Arrived).held_up_to == 0


def _longest(said: Say, source: str, target: str, unit: str) -> Say:
    """With as much text of ``unit`` as goes into a line of 512 bytes."""
    room = 512 - len(f":{source} {said.kind} {target} :\r\n".encode())
    count, rest = divmod(room, len(unit.encode()))
    return Say(said.session, said.kind, said.target, unit * count + "x" * rest)


@pytest.mark.parametrize("unit", ["a", "é", "€", "\U0001f600"])
@pytest.mark.parametrize("kind", ["PRIVMSG", "NOTICE"])
def test_what_does_not_fit_into_one_line_is_cut(unit: str, kind: Speech) -> None:
    room = Room(Rules(guests=True))
    name = "#" + "ü" * 31
    ann = room.member("ann", name)
    bob = room.member("bob")
    room.do(ChangeNick(bob, "bob_the_builder_of_long_names"))
    room.account("cat")
    for target, shown in ((name, name), ("bob", "bob_the_builder_of_long_names"), ("cat", "cat"), ("ann", "ann")):
        fits = _longest(Say(ann, kind, target, ""), "ann!~ann@host", shown, unit)
        said = room.one(fits, Said)
        assert (said.text, said.cut) == (fits.text, False)
        said = room.one(Say(ann, kind, target, fits.text + "x" + unit), Said)
        assert (said.text, said.cut) == (fits.text, True)


def test_a_line_is_counted_in_bytes_from_its_beginning() -> None:
    room = Room()
    login = room.login(room.account("ann"))
    login.username, login.host = "~" + "é" * 8, "2001:db8::" + "f" * 30
    room.do(login)
    room.do(Join(login.session, "#lobby"))
    source = room.chat.users["ann"].source
    fits = _longest(Say(login.session, "PRIVMSG", "#lobby", ""), source, "#lobby", "e")
    room.one(fits, Said)
    assert room.one(Say(login.session, "PRIVMSG", "#lobby", fits.text + "e"), Said).text == fits.text
