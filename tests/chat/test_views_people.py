"""Answers to questions about people: WHO, WHOIS, MONITOR, SILENCE, USERHOST, ISON."""

import pytest

from securechat.chat.model import Role
from securechat.chat.requests import ChangeNick, Say, SetAway, Silence
from securechat.chat.views_people import (
    Candidate,
    Person,
    Presence,
    candidates,
    is_here,
    members,
    person,
    present,
    silenced,
    sources,
    visible,
    whois,
)
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
    return room


def _person(room: Room, nick: str, channel: str | None = None, prefix: str = "") -> Person:
    """Somebody of whom nothing special is known."""
    user = room.chat.users[nick]
    name = "guest" if user.account is None else nick
    return Person(
        nick=user.nick,
        username=f"~{name}",
        host="host",
        realname="a guest" if user.account is None else f"{nick}'s name",
        account=user.account,
        operator=nick == "ann",
        bot=False,
        away=None,
        last_spoke=user.since,
        sessions=tuple(user.sessions),
        channel=channel,
        prefix=prefix,
    )


def test_the_members_of_a_channel(room: Room) -> None:
    assert members(room.chat, 4, "#LOBBY") == [_person(room, "ann", "#lobby", "@"), _person(room, "bob", "#lobby")]
    assert members(room.chat, 3, "#tea") == [_person(room, "ann", "#Tea", "@")]
    assert members(room.chat, 3, "#none") == members(room.chat, 3, "") == []


def test_who_is_not_in_a_channel_does_not_see_the_invisible_in_it(room: Room) -> None:
    room.user_mode(1, "+i")
    for session, nicks in ((2, ["ann", "bob"]), (3, ["ann", "bob"]), (4, ["bob"]), (99, ["bob"])):
        assert [one.nick for one in members(room.chat, session, "#lobby")] == nicks


def test_who_knows_a_nick_finds_whom_it_is(room: Room) -> None:
    room.user_mode(1, "+i")
    assert person(room.chat, 4, "ANN") == [_person(room, "ann")]
    assert person(room.chat, 3, "ann") == [_person(room, "ann", "#lobby", "@")], "where both are"
    assert person(room.chat, 3, "nobody") == person(room.chat, 3, "#lobby") == []


def test_everybody_is_compared_with_a_mask(room: Room) -> None:
    room.user_mode(4, "+i")
    ann, bob, guest = candidates(room.chat)
    assert ann == Candidate(
        "ann", ("ann", "~ann", "host", "ann's name", "ann!~ann@host"), operator=True, invisible=False
    )
    assert (bob.key, bob.operator, bob.invisible) == ("bob", False, False)
    assert (guest.key, guest.texts[0], guest.invisible) == ("guest", "Guest", True)


def test_a_mask_does_not_find_the_invisible_with_whom_one_is_nowhere(room: Room) -> None:
    room.user_mode(1, "+i")
    room.user_mode(4, "+i")
    found = {
        session: [one.nick for one in visible(room.chat, session, ["ann", "bob", "guest", "gone"])]
        for session in (1, 3, 4, 99)
    }
    assert found == {1: ["ann", "bob"], 3: ["ann", "bob"], 4: ["bob", "Guest"], 99: ["bob"]}


def test_whois(room: Room) -> None:
    user = room.chat.users["ann"]
    room.do(Say(2, "PRIVMSG", "#lobby", "hello"))
    answer = whois(room.chat, 3, "ANN")
    assert answer is not None
    assert answer.person == _person(room, "ann")._replace(last_spoke=room.stamp)
    assert answer.channels == (("@", "#lobby"), ("@", "#Tea"))
    assert answer.since == user.since
    assert whois(room.chat, 4, "nobody") is None


def test_only_the_user_and_operators_see_the_modes(room: Room) -> None:
    room.user_mode(3, "+w")
    for session, modes in ((1, "w"), (3, "w"), (4, None), (99, None)):
        answer = whois(room.chat, session, "bob")
        assert answer is not None
        assert answer.modes == modes


def test_whois_of_the_invisible_shows_the_channels_in_which_one_is_too(room: Room) -> None:
    room.user_mode(1, "+i")
    for session, names in ((1, {"#lobby", "#Tea"}), (3, {"#lobby"}), (4, set()), (99, set())):
        answer = whois(room.chat, session, "ann")
        assert answer is not None
        assert {name for _, name in answer.channels} == names


def test_an_account_under_another_nick(room: Room) -> None:
    room.do(ChangeNick(1, "anne"))
    (found,) = person(room.chat, 3, "anne")
    assert (found.nick, found.account) == ("anne", "ann")
    assert whois(room.chat, 3, "ann") is None


def test_what_people_say_of_themselves_is_seen(room: Room) -> None:
    room.do(SetAway(3, "out"))
    room.user_mode(3, "+B")
    (found,) = person(room.chat, 4, "bob")
    assert (found.away, found.bot) == ("out", True)


def test_who_of_some_is_here(room: Room) -> None:
    room.do(SetAway(3, "out"))
    assert present(room.chat, ["GUEST", "nobody", "bob", "guest", "ann"]) == [
        Presence("Guest", "~guest", "host", operator=False, away=False),
        Presence("bob", "~bob", "host", operator=False, away=True),
        Presence("ann", "~ann", "host", operator=True, away=False),
    ]
    assert is_here(room.chat, "ANN")
    assert not is_here(room.chat, "#lobby")
    assert sources(room.chat, ["BOB", "nobody"]) == [("BOB", "bob!~bob@host"), ("nobody", None)]


def test_whom_one_silences(room: Room) -> None:
    room.do(Silence(3, True, "eve"))
    assert silenced(room.chat, 3) == ["eve!*@*"]
    assert silenced(room.chat, 1) == silenced(room.chat, 99) == []
