"""Answers to questions, and what the snapshot sees. What the secret channels hide is in test_secrecy."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from securechat.chat.channel import Channel, Membership, Topic
from securechat.chat.events import ChannelView, MemberView
from securechat.chat.machine import Chat
from securechat.chat.model import BanKind, Role
from securechat.chat.modes import Rank
from securechat.chat.requests import AddBan, ChangeNick, Invite, Part, SetMetadata, SetTopic, Silence
from securechat.chat.views import (
    ChannelLine,
    ChannelModes,
    Population,
    channel_modes,
    channel_names,
    channel_view,
    list_channels,
    population,
    snapshot,
    topic_of,
)
from securechat.chat.views_people import candidates, members, whois
from tests.chat.room import GUESTS, Room


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
    assert channel_view(room.chat, 4, "#TEA") == ChannelView("#Tea", topic, (MemberView("@", "ann", "ann!~ann@host"),))
    assert channel_view(room.chat, 4, "#none") is None


def test_who_is_not_in_a_channel_does_not_see_the_invisible_in_it(room: Room) -> None:
    room.user_mode(1, "+i")
    for session, nicks in ((1, ["ann", "bob"]), (3, ["ann", "bob"]), (4, ["bob"]), (99, ["bob"])):
        seen = channel_view(room.chat, session, "#lobby")
        assert seen is not None
        assert [member.nick for member in seen.members] == nicks


def test_a_topic_and_whether_one_is_in_the_channel(room: Room) -> None:
    topic = Topic("Earl Grey", "ann!~ann@host", room.stamp)
    tea = ChannelView("#Tea", topic, ())
    assert topic_of(room.chat, 2, "#TEA") == (tea, True)
    assert topic_of(room.chat, 3, "#tea") == (tea, False)
    assert topic_of(room.chat, 99, "#tea") == (tea, False)
    assert topic_of(room.chat, 1, "#none") == (None, False)


def test_list(room: Room) -> None:
    created = {name: room.chat.channels[name].created for name in ("#lobby", "#tea")}
    lobby = ChannelLine("#lobby", 2, "", created["#lobby"], None)
    tea = ChannelLine("#Tea", 1, "Earl Grey", created["#tea"], room.stamp)
    assert list_channels(room.chat, 4, None) == [lobby, tea]
    assert list_channels(room.chat, 4, ["#TEA", "#none"]) == [tea]
    assert list_channels(room.chat, 4, []) == []
    room.do(Part(1, "#tea"))
    assert list_channels(room.chat, 4, None) == [lobby]
    assert list_channels(room.chat, 4, ["#tea"]) == [replace(tea, members=0)]


def test_modes(room: Room) -> None:
    created = room.chat.channels["#tea"].created
    assert channel_modes(room.chat, 2, "#TEA") == ChannelModes("#Tea", created, ("+nt",), Rank.OPERATOR, {})
    assert channel_modes(room.chat, 3, "#tea") == ChannelModes("#Tea", created, ("+nt",), None, {})
    assert channel_modes(room.chat, 99, "#tea") == ChannelModes("#Tea", created, ("+nt",), None, {})
    assert channel_modes(room.chat, 1, "#none") is None
    lobby = channel_modes(room.chat, 3, "#lobby")
    assert lobby is not None
    assert lobby.rank is Rank.MEMBER


def test_only_members_see_the_key(room: Room) -> None:
    room.mode(1, "#tea", "+lk", "10", "secret")
    for session, words in ((2, ("+ntkl", "secret", "10")), (3, ("+ntkl", "*", "10")), (99, ("+ntkl", "*", "10"))):
        seen = channel_modes(room.chat, session, "#tea")
        assert seen is not None
        assert seen.words == words


def test_lists_that_are_asked_for(room: Room) -> None:
    room.mode(1, "#tea", "+bbe", "eve", "~a:eve", "*!*@host")
    seen = channel_modes(room.chat, 3, "#tea", ["b", "I"])
    assert seen is not None
    assert {letter: [entry.text for entry in entries] for letter, entries in seen.lists.items()} == {
        "b": ["eve!*@*", "~a:eve"],
        "I": [],
    }


def test_ones_own_channels(room: Room) -> None:
    assert channel_names(room.chat, 2) == ["#lobby", "#Tea"]
    assert channel_names(room.chat, 4) == channel_names(room.chat, 99) == []


def test_population(room: Room) -> None:
    assert population(room.chat) == Population(users=3, invisible=0, operators=1, channels=2, sessions=4)
    room.user_mode(3, "+i")
    room.do(Part(1, "#tea"))
    assert population(room.chat) == Population(users=2, invisible=1, operators=1, channels=1, sessions=4)
    room.leave(1, 2, 3, 4)
    assert population(room.chat) == Population(0, 0, 0, 0, 0)


def test_answers_do_not_change_with_the_chat(room: Room) -> None:
    room.mode(1, "#lobby", "+b", "eve")
    answers = (
        channel_view(room.chat, 1, "#lobby"),
        whois(room.chat, 1, "ann"),
        members(room.chat, 1, "#lobby"),
        candidates(room.chat),
        channel_modes(room.chat, 1, "#lobby", ["b"]),
    )
    copies = repr(answers)
    room.mode(1, "#lobby", "-b+i", "eve")
    room.do(ChangeNick(1, "anne"))
    room.leave(1, 2, 3, 4)
    assert repr(answers) == copies


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
        lambda chat: chat.users["bob"].become(nick="Bob", key="bob", host="host", account=chat.accounts["bob"]),
        lambda chat: chat.users["bob"].become(nick="bob", key="bob", host="h", account=chat.accounts["bob"]),
        lambda chat: setattr(chat.users["bob"], "realname", "Robert"),
        lambda chat: setattr(chat.users["bob"], "modes", "i"),
        lambda chat: setattr(chat.users["bob"], "away", "out"),
        lambda chat: chat.users["bob"].sessions.__setitem__(3, "out"),
        lambda chat: chat.users["bob"].silenced.clear(),
        lambda chat: chat.users["bob"].metadata.clear(),
        lambda chat: chat.users["guest"].invitations.clear(),
        lambda chat: chat.silenced.clear(),
        lambda chat: chat.metadata.clear(),
        lambda chat: chat.bans.clear(),
        lambda chat: chat.founded.clear(),
        lambda chat: chat.held_numbers.__setitem__(1, 1),
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
        lambda chat: chat.channels["#tea"].members.__setitem__(chat.users["ann"], Membership()),
        lambda chat: chat.channels["#tea"].set_modes("n", None, None),
        lambda chat: chat.channels["#tea"].set_modes("nt", "key", None),
        lambda chat: chat.channels["#tea"].set_modes("nt", None, 5),
        lambda chat: chat.channels["#tea"].lists["b"].clear(),
        lambda chat: chat.channels["#tea"].access.clear(),
        lambda chat: chat.channels["#tea"].invited.clear(),
        lambda chat: chat.channels["#tea"].metadata.clear(),
        lambda chat: setattr(chat.channels["#tea"], "restricted", False),
    ],
)
def test_the_snapshot_sees_every_change(room: Room, change: Callable[[Chat], object]) -> None:
    room.do(Silence(3, True, "eve"))
    room.do(SetMetadata(3, "*", "color", "red"))
    room.do(SetMetadata(1, "#tea", "color", "black"))
    room.do(Invite(1, "guest", "#tea"))
    room.mode(1, "#tea", "+bo", "eve", "ann")
    room.do(AddBan(None, BanKind.NETWORK, "192.0.2.0/24", "spam"))
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
