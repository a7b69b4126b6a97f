"""Up to where each device of an account has seen what was said."""

import pytest

from securechat.chat.events import Arrived, DeviceSeen, DevicesSeen
from securechat.chat.machine import Chat
from securechat.chat.model import Account, Role, Rules
from securechat.chat.requests import Collect, Depart, Join, LogIn, RemoveAccount, SetRules, Start
from tests.chat.room import GUESTS, Room


@pytest.fixture
def room() -> Room:
    room = Room(GUESTS)
    room.account("ann")
    return room


def _come(room: Room, device: str = "", *, seen: int = 0, asks: bool = False) -> Arrived:
    """Ann, with a device."""
    login = room.login(room.chat.accounts["ann"], device=device, seen=seen)
    login.asks = asks
    arrived = room.do(login)[0]
    assert isinstance(arrived, Arrived)
    return arrived


def _go(room: Room, session: int, seen: int = 0) -> int:
    """It goes, and was shown all that it had missed. The stamp of that, or up to which it has seen what was said."""
    if session in room.chat.sessions[session].catching_up:
        room.do(Collect(session, room.stamp))
    room.do(Depart(session, "gone", seen))
    return seen or room.stamp


def _devices(room: Room) -> dict[str, int]:
    return room.chat.devices[room.chat.accounts["ann"].id]


# -- what it has missed ------------------------------------------------------------------------------------------------


def test_who_comes_for_the_first_time_has_missed_nothing(room: Room) -> None:
    assert _come(room).missed_since is None


def test_a_device_without_a_name_has_missed_what_the_account_has(room: Room) -> None:
    gone = _go(room, _come(room).session)
    assert _come(room).missed_since == gone


def test_one_with_a_name_has_missed_what_was_said_since_it_was_there_last(room: Room) -> None:
    phone = _go(room, _come(room, "phone").session)
    tablet = _go(room, _come(room, "tablet").session)
    assert phone < tablet
    assert _come(room, "phone").missed_since == phone
    assert _come(room, "tablet").missed_since == tablet


def test_a_name_that_is_new_has_missed_what_the_account_has(room: Room) -> None:
    _go(room, _come(room, "phone").session)
    gone = _go(room, _come(room, "tablet").session)
    assert _come(room, "desk").missed_since == gone


def test_while_another_device_is_there_only_a_known_one_has_missed_anything(room: Room) -> None:
    phone = _go(room, _come(room, "phone").session)
    _come(room, "tablet")
    assert _come(room).missed_since is None
    assert _come(room, "desk").missed_since is None
    assert _come(room, "phone").missed_since == phone


def test_a_second_connection_of_a_device_has_missed_what_the_first_may_not_have_seen(room: Room) -> None:
    """The first hangs perhaps, and has to be taken for dead; the server knows what has been received there."""
    gone = _go(room, _come(room, "phone").session)
    first = _come(room, "phone").session
    received = room.stamp
    room.do(Collect(first, received))
    later = received + 5
    assert _come(room, "phone", seen=later).missed_since == later
    assert _come(room, "phone", seen=gone - 5).missed_since == received, "what is known already stays so"


def test_who_goes_without_a_word_has_seen_as_much_as_was_received(room: Room) -> None:
    session = _come(room, "phone").session
    seen = room.stamp + 1
    room.member("bob", "#tea")
    _go(room, session, seen)
    assert _devices(room) == {"phone": seen, "": seen}
    assert _come(room, "phone").missed_since == seen


def test_nothing_is_seen_less_than_it_was(room: Room) -> None:
    gone = _go(room, _come(room, "phone").session)
    _go(room, _come(room, "phone").session, gone - 100)
    assert _devices(room)["phone"] > gone, "it had been shown what it had missed"
    known = _devices(room)["phone"]
    room.do(Depart(_come(room, "phone").session, "gone", gone - 100))
    assert _devices(room)["phone"] == known


def test_the_account_was_there_as_long_as_any_device(room: Room) -> None:
    phone, tablet = _come(room, "phone").session, _come(room, "tablet").session
    (event,) = room.do(Depart(phone, "gone"))
    ann = room.chat.accounts["ann"].id
    assert event == DevicesSeen(
        room.stamp, (DeviceSeen(ann, "", room.stamp, here=True), DeviceSeen(ann, "phone", room.stamp, here=False))
    )
    gone = _go(room, tablet)
    assert _devices(room)[""] == gone


def test_two_connections_of_a_device_are_one(room: Room) -> None:
    first, second = _come(room, "phone").session, _come(room, "phone", asks=True).session
    (event,) = room.do(Depart(first, "gone"))
    assert isinstance(event, DevicesSeen)
    assert all(device.here for device in event.devices)
    gone = _go(room, second)
    assert _come(room, "phone").missed_since == gone


# -- what it is being shown --------------------------------------------------------------------------------------------


def test_a_device_is_there_when_it_has_what_it_had_missed(room: Room) -> None:
    """Should the server end before that without a word, it is shown it again."""
    _go(room, _come(room, "phone").session)
    arrived = _come(room, "phone")
    assert arrived.missed_since is not None
    assert arrived.devices == ()
    (event,) = room.do(Collect(arrived.session, room.stamp))
    assert isinstance(event, DevicesSeen)
    assert {(device.name, device.here) for device in event.devices} == {("phone", True), ("", True)}
    assert room.do(Collect(arrived.session, room.stamp)) == []


def test_who_asks_for_it_is_there_at_once(room: Room) -> None:
    _go(room, _come(room, "phone").session)
    arrived = _come(room, "phone", asks=True)
    assert arrived.missed_since is not None
    assert arrived.devices == ("phone", "")


# -- how many ----------------------------------------------------------------------------------------------------------


def test_of_more_than_there_can_be_the_one_that_was_gone_longest_is_forgotten(room: Room) -> None:
    room.do(SetRules(Rules(guests=True, devices=2)))
    for name in ("phone", "tablet", "phone", "desk"):
        _go(room, _come(room, name).session)
    assert _devices(room).keys() == {"phone", "desk", ""}
    known = _devices(room)[""]
    assert _come(room, "tablet").missed_since == known, "as one that is new"


def test_those_that_are_there_are_not(room: Room) -> None:
    room.do(SetRules(Rules(guests=True, devices=1)))
    sessions = [_come(room, name).session for name in ("a", "b", "c")]
    _go(room, sessions[1])
    assert _devices(room).keys() == {"a", "c", ""}
    _go(room, sessions[0])
    assert _devices(room).keys() == {"c", ""}
    _go(room, sessions[2])
    assert _devices(room).keys() == {"c", ""}


def test_stricter_rules_are_met_at_the_next_leave(room: Room) -> None:
    for name in ("a", "b", "c", "d"):
        _go(room, _come(room, name).session)
    room.do(SetRules(Rules(guests=True, devices=1)))
    _go(room, _come(room, "b").session)
    assert _devices(room).keys() == {"b", ""}


# -- who else ----------------------------------------------------------------------------------------------------------


def test_guests_have_none(room: Room) -> None:
    login = room.visit("guest")
    login.device = "phone"
    room.do(login)
    room.leave(login.session)
    assert not room.chat.devices


def test_logging_in_is_coming_and_going_too(room: Room) -> None:
    bob = room.account("bob")
    session = _come(room, "phone").session
    room.do(LogIn(session, bob.id, bob.credential_set, "host"))
    gone = room.stamp
    assert _devices(room) == {"phone": gone, "": gone}
    assert room.chat.devices[bob.id].keys() == {""}
    assert not room.chat.sessions[session].devices, "whose the device is nobody has said"
    assert _come(room, "phone").missed_since == gone


def test_of_a_removed_account_nothing_is_known(room: Room) -> None:
    _go(room, _come(room, "phone").session)
    _come(room, "tablet")
    room.do(RemoveAccount("ann"))
    assert not room.chat.devices


# -- the end of the server ---------------------------------------------------------------------------------------------


def _crashed(**devices: tuple[int, bool]) -> Chat:
    """As it is read after the server has ended: up to where each device had seen, and whether it was there."""
    ann = Account(5, "ann", Role.MEMBER, True, 5, "hash")
    rows = [(5, name.strip("_"), seen, there) for name, (seen, there) in devices.items()]
    return Chat(accounts=[ann], devices=rows)


def test_after_a_crash_those_that_were_there_have_seen_what_is_certain() -> None:
    room = Room(GUESTS)
    room.chat = _crashed(phone=(100, False), tablet=(200, True), _=(200, True))
    events = room.do(Start(GUESTS, seen=5000))
    assert events[0] == DevicesSeen(room.stamp, (DeviceSeen(5, "", 5000), DeviceSeen(5, "tablet", 5000)))
    assert room.chat.devices[5] == {"phone": 100, "tablet": 5000, "": 5000}
    assert not room.chat.left_behind
    assert _come(room, "tablet").missed_since == 5000


def test_what_they_had_seen_before_they_have_seen() -> None:
    room = Room(GUESTS)
    room.chat = _crashed(tablet=(6000, True), _=(6000, True))
    room.do(Start(GUESTS, seen=5000))
    assert room.chat.devices[5] == {"tablet": 6000, "": 6000}


def test_a_start_is_an_end_for_those_who_are_there(room: Room) -> None:
    """The same as if the server had ended without a word before it."""
    tablet = _come(room, "tablet").session
    seen = room.stamp + 1
    room.member("bob")
    events = room.do(Start(GUESTS, seen=seen))
    assert isinstance(events[0], DevicesSeen)
    assert tablet not in room.chat.sessions
    assert _devices(room) == {"tablet": seen, "": seen}


def test_when_the_server_stops_nobody_is_told(room: Room) -> None:
    """And what each device has seen is noted all the same."""
    anna, bert = room.account("anna"), room.account("bert")
    login = room.login(anna)
    login.device = "phone"
    room.do(login)
    room.do(Join(login.session, "#tea"))
    room.enter(bert, "#tea")
    (event,) = room.do(Depart(login.session, "stopping", room.stamp, silent=True))
    assert isinstance(event, DevicesSeen)
    assert {(device.name, device.here) for device in event.devices} == {("phone", False), ("", False)}
    assert set(room.chat.users) == {"bert"}
