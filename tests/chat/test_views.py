"""Answers to questions, and what the snapshot sees."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from securechat.chat.events import ChannelView, MemberView
from securechat.chat.machine import Chat
from securechat.chat.model import Channel, Membership, Role, Topic
from securechat.chat.requests import ChangeNick, Part, Say, SetTopic
from securechat.chat.views import (
    ChannelLine,
    ChannelModes,
    Person,
    Population,
    Whois,
    channel_modes,
    channel_view,
    list_channels,
    population,
    snapshot,
    topic_of,
    who,
    whois,
)
from tests.chat.room import GUESTS, Room

ANN = Person("ann", "~ann", "host", "ann's name", "ann", True)
BOB = Person("bob", "~bob", "host", "bob's name", "bob", False)
GUEST = Person("Guest", "~guest", "host", "a guest", None, False)


@pytest.fixture
def room() -> Room:
    """Ann, an admin, with sessions 1 and 2 in ``#lobby`` and ``#Tea``; Bob, 3, in ``#lobby``; a guest, 4, in none."""
    room = Room(GUESTS)
    ann = room.account("ann", Role.ADMIN)
    room.enter(ann, "#lobby", "#Tea")
    room.enter(ann)
    room.member("bob", "#lobby")
    room.enter("Guest")
    room.do(SetTopic(1, "#tea", "Earl Grey"))
    return room


def test_a_channel(room: Room) -> None:
    topic = Topic("Earl Grey", "ann!~ann@host", room.stamp)
    assert channel_view(room.chat, "#TEA") == ChannelView("#Tea", topic, (MemberView("@", "ann", "ann!~ann@host"),))
    assert channel_view(room.chat, "#none") is None


def test_a_topic_and_whether_one_is_in_the_channel(room: Room) -> None:
    topic = Topic("Earl Grey", "ann!~ann@host", room.stamp)
    tea = ChannelView("#Tea", topic, ())
    assert topic_of(room.chat, 2, "#TEA") == (tea, True)
    assert topic_of(room.chat, 3, "#tea") == (tea, False)
    assert topic_of(room.chat, 99, "#tea") == (tea, False)
    assert topic_of(room.chat, 1, "#none") == (None, False)


def test_who_of_a_channel(room: Room) -> None:
    ann, bob = replace(ANN, channel="#lobby"), replace(BOB, channel="#lobby")
    assert who(room.chat, "#LOBBY") == [ann, bob]
    assert who(room.chat, "#tea") == [replace(ANN, channel="#Tea", prefix="@")]
    assert who(room.chat, "#none") == who(room.chat, "#*") == []


@pytest.mark.parametrize(
    ("mask", "people"),
    [
        ("ANN", [ANN]),
        ("nobody", []),
        ("*", [ANN, BOB, GUEST]),
        ("b?b", [BOB]),
        ("~GUE*", [GUEST]),
        ("*'s name", [ANN, BOB]),
        ("*x*", []),
        ("~ann", []),
    ],
)
def test_who_of_a_mask(room: Room, mask: str, people: list[Person]) -> None:
    assert who(room.chat, mask) == people


def test_whois(room: Room) -> None:
    user = room.chat.users["ann"]
    room.do(Say(2, "PRIVMSG", "#lobby", "hello"))
    spoke = room.stamp
    assert whois(room.chat, "ANN") == Whois(ANN, (("", "#lobby"), ("@", "#Tea")), user.since, spoke, 2)
    guest = room.chat.users["guest"]
    assert whois(room.chat, "guest") == Whois(GUEST, (), guest.since, guest.since, 1)
    assert whois(room.chat, "nobody") is None


def test_whois_of_an_account_under_another_nick(room: Room) -> None:
    room.do(ChangeNick(1, "anne"))
    answer = whois(room.chat, "anne")
    assert answer is not None
    assert answer.person == replace(ANN, nick="anne")
    assert whois(room.chat, "ann") is None


def test_list(room: Room) -> None:
    lobby, tea = ChannelLine("#lobby", 2, ""), ChannelLine("#Tea", 1, "Earl Grey")
    assert list_channels(room.chat, None) == [lobby, tea]
    assert list_channels(room.chat, ["#TEA", "#none"]) == [tea]
    assert list_channels(room.chat, []) == []
    room.do(Part(1, "#tea"))
    assert list_channels(room.chat, None) == [lobby]
    assert list_channels(room.chat, ["#tea"]) == [ChannelLine("#Tea", 0, "Earl Grey")]


def test_modes(room: Room) -> None:
    created = room.chat.channels["#tea"].created
    assert channel_modes(room.chat, 2, "#TEA") == ChannelModes("#Tea", created, True, True)
    assert channel_modes(room.chat, 3, "#tea") == ChannelModes("#Tea", created, False, False)
    assert channel_modes(room.chat, 99, "#tea") == ChannelModes("#Tea", created, False, False)
    assert channel_modes(room.chat, 1, "#none") is None
    lobby = channel_modes(room.chat, 1, "#lobby")
    assert lobby is not None
    assert (lobby.member, lobby.operator) == (True, False)


def test_population(room: Room) -> None:
    assert population(room.chat) == Population(users=3, admins=1, channels=2, sessions=4)
    room.do(Part(1, "#tea"))
    assert population(room.chat) == Population(users=3, admins=1, channels=1, sessions=4)
    room.leave(1, 2, 3, 4)
    assert population(room.chat) == Population(0, 0, 0, 0)


def test_answers_do_not_change_with_the_chat(room: Room) -> None:
    view, person, everybody = channel_view(room.chat, "#lobby"), whois(room.chat, "ann"), who(room.chat, "*")
    copies = repr((view, person, everybody))
    room.do(ChangeNick(1, "anne"))
    room.leave(1, 2, 3, 4)
    assert repr((view, person, everybody)) == copies


def test_two_empty_chats_are_equal() -> None:
    assert snapshot(Chat()) == snapshot(Chat())


def _make_channel(chat: Chat) -> None:
    chat.channels["#x"] = Channel(id=1, name="#x", key="#x", created=1, founder=0)


@pytest.mark.parametrize(
    "change",
    [
        lambda chat: setattr(chat, "rules", replace(chat.rules, topic_length=1)),
        lambda chat: chat.held.__setitem__(1, 1),
        lambda chat: chat.accounts.__delitem__("bob"),
        lambda chat: chat.accounts_by_id.popitem(),
        lambda chat: chat.accounts.__setitem__("bob", replace(chat.accounts["bob"], credential="changed")),
        lambda chat: chat.sessions.__delitem__(2),
        lambda chat: chat.users.__delitem__("guest"),
        lambda chat: chat.users["bob"].rename("Bob", "bob"),
        lambda chat: chat.users["ann"].attach(9),
        lambda chat: chat.users["ann"].sessions.__setitem__(9, None),
        lambda chat: setattr(chat.users["ann"], "_audience", ()),
        lambda chat: setattr(chat.users["ann"], "account", "bob"),
        lambda chat: chat.users_by_account.popitem(),
        _make_channel,
        lambda chat: setattr(chat.channels["#tea"], "topic", None),
        lambda chat: setattr(chat.channels["#tea"], "founder", None),
        lambda chat: setattr(chat.channels["#tea"], "created", 5),
        lambda chat: setattr(chat.channels["#tea"], "_audience", ()),
        lambda chat: chat.channels["#tea"].dismiss(chat.users["ann"]),
        lambda chat: chat.channels["#tea"].admit(chat.users["bob"], Membership()),
        lambda chat: chat.channels["#tea"].members.__setitem__(chat.users["ann"], Membership(operator=False)),
    ],
)
def test_the_snapshot_sees_every_change(room: Room, change: Callable[[Chat], object]) -> None:
    before = snapshot(room.chat)
    change(room.chat)
    assert snapshot(room.chat) != before


def test_the_snapshot_does_not_change_with_the_chat(room: Room) -> None:
    before = snapshot(room.chat)
    text = repr(before)
    room.do(SetTopic(1, "#tea", "Assam"))
    room.leave(1, 2, 3, 4)
    assert repr(before) == text
    assert snapshot(room.chat) != before
