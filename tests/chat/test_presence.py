"""Coming and going: who is on the chat, under which nick, with which sessions."""

import pytest

from securechat.chat.channel import Channel
from securechat.chat.events import (
    AccountAdded,
    Arrived,
    ChannelMade,
    DevicesSeen,
    Left,
    MemberView,
    NickChanged,
    SessionsEnded,
    Started,
)
from securechat.chat.machine import MAX_EVENTS, Chat
from securechat.chat.model import Rules
from securechat.chat.refusals import Reason
from securechat.chat.requests import (
    AddAccount,
    ChangeNick,
    Collect,
    Depart,
    EnableAccount,
    Join,
    Part,
    RemoveAccount,
    Say,
    SetPassword,
    SetTopic,
    Start,
)
from tests.chat.room import FIRST_STAMP, GUESTS, Room, heard


def test_the_first_start_makes_the_lobby() -> None:
    room = Room()
    stamp = FIRST_STAMP + MAX_EVENTS
    assert room.events == [Started(stamp, Rules()), ChannelMade(stamp + 1, stamp, "#lobby", 0)]
    assert room.chat.channels["#lobby"].founder == 0


def test_the_lobby_can_have_another_name() -> None:
    room = Room(Rules(lobby="#Hall"))
    assert [channel.name for channel in room.chat.channels.values()] == ["#Hall"]


def test_a_lobby_that_is_there_is_not_made_again() -> None:
    room = Room()
    room.chat.channels["#lobby"] = Channel(id=7, name="#Lobby", key="#lobby", created=7, founder=0)
    room.one(Start(Rules(lobby="#LOBBY")), Started)
    assert room.chat.channels["#lobby"].id == 7


def test_a_start_ends_who_was_there_before() -> None:
    room = Room(GUESTS)
    ann = room.member("ann", "#tea")
    guest = room.enter("guest", "#lobby", "#fun")
    seen, ended, started = room.do(Start(Rules(topic_length=5)))
    assert isinstance(seen, DevicesSeen)
    assert isinstance(ended, SessionsEnded)
    assert ended.sessions == (ann, guest)
    assert started == Started(ended.stamp + 1, Rules(topic_length=5))
    assert room.chat.rules.topic_length == 5
    assert not room.chat.users
    assert room.chat.channels.keys() == {"#lobby", "#tea"}
    room.refused(Join(ann, "#lobby"), Reason.NO_SUCH_SESSION)


def test_a_guests_channel_does_not_keep_the_lobby_from_its_owner() -> None:
    room = Room(GUESTS)
    room.enter("guest", "#Hall")
    ended, started, made = room.do(Start(Rules(guests=True, lobby="#hall")))
    assert (type(ended), type(started)) == (SessionsEnded, Started)
    assert isinstance(made, ChannelMade)
    assert made.founder == 0
    assert room.nicks("#hall") == {}


def test_an_account_wears_its_name_whatever_it_wishes() -> None:
    room = Room()
    ann = room.account("Ann")
    arrived = room.one(room.login(ann, "somebody"), Arrived)
    assert arrived == Arrived(
        room.stamp, 1, "Ann", "Ann!~Ann@host", "Ann", ann.id, (), 0, realname="Ann's name", devices=("",), replay=100
    )
    assert room.chat.users["ann"].since == room.stamp


def test_nobody_sees_who_arrives() -> None:
    room = Room()
    room.member("ann", "#lobby")
    (arrived,) = room.do(room.login(room.account("bob")))
    assert not hasattr(arrived, "audience")


def test_without_an_account_nobody_comes_in() -> None:
    room = Room()
    room.refused(room.visit("guest"), Reason.ACCOUNT_REQUIRED)


def test_the_account_must_be_there_still() -> None:
    room = Room()
    ann = room.account("ann")
    login = room.login(ann)
    room.do(RemoveAccount("ann"))
    room.refused(login, Reason.ACCOUNT_CHANGED)
    room.account("ann")
    room.refused(login, Reason.ACCOUNT_CHANGED)


def test_the_password_must_be_the_one_that_was_checked() -> None:
    room = Room()
    ann = room.account("ann")
    login = room.login(ann)
    room.do(SetPassword("ann", "another hash"))
    room.refused(login, Reason.ACCOUNT_CHANGED)
    room.enter(room.chat.accounts["ann"])


def test_a_disabled_account_stays_out() -> None:
    room = Room()
    ann = room.account("ann")
    room.do(EnableAccount("ann", False))
    room.refused(room.login(ann), Reason.ACCOUNT_DISABLED, "ann")
    room.do(EnableAccount("ann", True))
    room.enter(ann)


def test_a_session_arrives_once() -> None:
    room = Room()
    login = room.login(room.account("ann"))
    room.do(login)
    room.refused(login, Reason.NO_SUCH_SESSION)


def test_a_second_session_joins_its_user() -> None:
    room = Room()
    ann = room.account("ann")
    first = room.enter(ann, "#lobby", "#tea")
    room.do(SetTopic(first, "#tea", "Earl Grey"))
    topic = room.chat.channels["#tea"].topic
    bob = room.member("bob", "#lobby")
    arrived = room.one(room.login(ann), Arrived)
    second = arrived.session
    lobby, tea = arrived.channels
    assert (lobby.name, lobby.topic) == ("#lobby", None)
    assert lobby.members == (MemberView("", "ann", "ann!~ann@host"), MemberView("", "bob", "bob!~bob@host"))
    assert (tea.name, tea.topic) == ("#tea", topic)
    assert tea.members == (MemberView("@", "ann", "ann!~ann@host"),)
    assert len(room.chat.users) == 2
    assert set(room.chat.channels["#lobby"].audience) == {first, second, bob}


def test_the_leave_is_announced_when_the_last_session_goes() -> None:
    room = Room()
    ann = room.account("ann")
    first, second = room.enter(ann, "#lobby"), room.enter(ann)
    bob = room.member("bob", "#lobby")
    assert heard(room.do(Depart(first, "gone"))) == []
    assert set(room.chat.channels["#lobby"].audience) == {second, bob}
    left = room.one(Depart(second, "gone too"), Left)
    assert left == Left(
        room.stamp + 1,
        "ann!~ann@host",
        "ann",
        ann.id,
        "gone too",
        ("#lobby",),
        (bob,),
        realname="ann's name",
        channel_ids=(room.chat.channels["#lobby"].id,),
    )
    assert room.nicks("#lobby") == {"bob": ""}


def test_a_leave_is_seen_once_by_each_who_shares_a_channel() -> None:
    room = Room()
    ann = room.member("ann", "#lobby", "#tea", "#fun")
    bob = room.member("bob", "#lobby", "#tea")
    cat = room.member("cat", "#tea")
    room.member("dan", "#elsewhere")
    left = room.one(Depart(ann, ""), Left)
    assert left.channels == ("#lobby", "#tea", "#fun")
    assert sorted(left.audience) == [bob, cat]


def test_of_who_is_in_no_channel_nobody_sees_the_leave() -> None:
    room = Room()
    room.member("bob", "#lobby")
    left = room.one(Depart(room.member("ann"), ""), Left)
    assert (left.channels, left.audience) == ((), ())


def test_a_departure_is_never_refused() -> None:
    room = Room()
    assert room.do(Depart(99, "never came")) == []


def test_a_session_that_has_gone_can_do_nothing() -> None:
    room = Room()
    ann = room.member("ann", "#lobby")
    room.leave(ann)
    for request in (
        Join(ann, "#lobby"),
        Part(ann, "#lobby"),
        Say(ann, "PRIVMSG", "#lobby", "hello?"),
        SetTopic(ann, "#lobby", "me"),
        ChangeNick(ann, "bob"),
        Collect(ann, 1),
    ):
        room.refused(request, Reason.NO_SUCH_SESSION)
    assert room.do(Depart(ann, "again")) == []


def test_guests_come_where_they_are_allowed() -> None:
    room = Room(GUESTS)
    arrived = room.one(room.visit("Guest"), Arrived)
    assert arrived == Arrived(
        room.stamp, 1, "Guest", "Guest!~guest@host", None, None, (), 0, realname="a guest", replay=100
    )


def test_what_a_guest_may_be_called() -> None:
    room = Room(GUESTS)
    room.account("Ann")
    room.enter("Bob")
    room.refused(room.visit("9lives"), Reason.BAD_NICK, "9lives")
    room.refused(room.visit(""), Reason.BAD_NICK, "")
    room.refused(room.visit("bOB"), Reason.NICK_IN_USE, "bOB")
    room.refused(room.visit("ANN"), Reason.NICK_BELONGS_TO_ACCOUNT, "ANN")


def test_two_sessions_of_guests_are_two_users() -> None:
    room = Room(GUESTS)
    room.enter("bob")
    room.enter("bobby")
    assert room.chat.users.keys() == {"bob", "bobby"}


@pytest.mark.parametrize(
    ("wish", "nick"),
    [
        ("other", "other"),
        ("ANN", "ann"),
        ("bob", "ann"),
        ("Taken", "ann"),
        ("not valid", "ann"),
        ("", "ann"),
    ],
)
def test_among_guests_an_account_gets_the_nick_it_wishes_for_if_that_is_nobodys(wish: str, nick: str) -> None:
    room = Room(GUESTS)
    ann = room.account("ann")
    room.account("bob")
    room.enter("taken")
    login = room.login(ann)
    login.nick = wish
    assert room.one(login, Arrived).nick == nick


def test_without_guests_a_nick_is_the_accounts_name() -> None:
    room = Room()
    ann = room.member("ann")
    room.refused(ChangeNick(ann, "anne"), Reason.NICK_IS_ACCOUNT_NAME, "anne")
    room.refused(ChangeNick(ann, "ANN"), Reason.NICK_IS_ACCOUNT_NAME, "ANN")
    room.refused(ChangeNick(ann, "no nick"), Reason.BAD_NICK, "no nick")
    assert room.do(ChangeNick(ann, "ann")) == []


def test_a_new_nick_is_seen_by_all_who_share_a_channel_and_by_oneself() -> None:
    room = Room(GUESTS)
    ann = room.account("ann")
    first, second = room.enter(ann, "#lobby", "#tea"), room.enter(ann)
    guest = room.enter("guest", "#lobby", "#tea")
    room.enter("other", "#elsewhere")
    changed = room.one(ChangeNick(first, "Anne"), NickChanged)
    assert (changed.source, changed.account, changed.account_id) == ("ann!~ann@host", "ann", ann.id)
    assert (changed.nick, changed.own) == ("Anne", (first, second))
    assert sorted(changed.audience) == [first, second, guest]
    assert room.chat.users["anne"].source == "Anne!~ann@host"
    assert room.nicks("#tea") == {"Anne": "@", "guest": ""}


def test_who_is_alone_sees_the_own_new_nick() -> None:
    room = Room(GUESTS)
    guest = room.enter("guest")
    changed = room.one(ChangeNick(guest, "ghost"), NickChanged)
    assert changed == NickChanged(
        room.stamp,
        "guest!~guest@host",
        None,
        None,
        "ghost",
        (guest,),
        (guest,),
        new_source="ghost!~guest@host",
        realname="a guest",
    )


def test_what_one_may_change_the_nick_to() -> None:
    room = Room(GUESTS)
    ann, bob = room.enter(room.account("ann")), room.enter("bob")
    room.account("cat")
    room.refused(ChangeNick(bob, "b.b"), Reason.BAD_NICK, "b.b")
    room.refused(ChangeNick(bob, "Ann"), Reason.NICK_IN_USE, "Ann")
    room.refused(ChangeNick(bob, "CAT"), Reason.NICK_BELONGS_TO_ACCOUNT, "CAT")
    room.one(ChangeNick(bob, "BOB"), NickChanged)
    room.one(ChangeNick(ann, "anne"), NickChanged)
    room.refused(ChangeNick(bob, "ann"), Reason.NICK_BELONGS_TO_ACCOUNT, "ann")
    room.one(ChangeNick(ann, "ANN"), NickChanged)
    assert room.chat.users.keys() == {"ann", "bob"}


def test_the_nick_that_one_had_is_free_again() -> None:
    room = Room(GUESTS)
    first = room.enter("bob")
    room.do(ChangeNick(first, "rob"))
    second = room.enter("bob")
    room.leave(first, second)
    assert not room.chat.users


def test_a_guest_who_wears_the_name_of_a_new_account_moves_aside() -> None:
    room = Room(GUESTS)
    bob = room.enter("Bob", "#lobby")
    other = room.enter("other", "#lobby")
    added, moved = room.do(AddAccount("bob", "hash"))
    assert isinstance(added, AccountAdded)
    assert isinstance(moved, NickChanged)
    assert (moved.source, moved.account, moved.own) == ("Bob!~guest@host", None, (bob,))
    assert moved.nick == f"guest{room.stamp % 1_000_000}"
    assert sorted(moved.audience) == [bob, other]
    room.refused(ChangeNick(bob, "bob"), Reason.NICK_BELONGS_TO_ACCOUNT, "bob")
    room.enter(added.account)
    assert room.chat.users["bob"].account == "bob"


def test_who_moves_aside_takes_nobodys_nick() -> None:
    room = Room(GUESTS)
    room.enter("bob")
    number = (room.stamp + 3 * MAX_EVENTS) % 1_000_000
    room.enter(f"Guest{number}")
    room.account(f"GUEST{number + 1}")
    _, moved = room.do(AddAccount("bob", "hash"))
    assert isinstance(moved, NickChanged)
    assert moved.nick == f"guest{number + 2}"


def test_an_account_that_wears_the_name_of_a_new_one_gets_its_own_back() -> None:
    room = Room(GUESTS)
    ann = room.enter(room.account("Ann"), "#lobby")
    room.do(ChangeNick(ann, "bob"))
    _, moved = room.do(AddAccount("Bob", "hash"))
    assert isinstance(moved, NickChanged)
    assert (moved.source, moved.account, moved.nick) == ("bob!~Ann@host", "Ann", "Ann")


def test_a_chat_goes_on_from_what_was_stored() -> None:
    room = Room()
    ann = room.account("ann")
    lobby = Channel(id=4, name="#lobby", key="#lobby", created=4, founder=0)
    channel = Channel(id=5, name="#Tea", key="#tea", created=5, founder=ann.id)
    room.chat = Chat(accounts=[ann], channels=[lobby, channel], held=[(ann.id, 6, 1)])
    room.one(Start(Rules()), Started)
    arrived = room.one(room.login(ann), Arrived)
    assert arrived.held_up_to == 6
    room.do(Join(arrived.session, "#TEA"))
    assert room.nicks("#tea") == {"ann": "@"}
    assert room.chat.channels["#tea"] is channel
