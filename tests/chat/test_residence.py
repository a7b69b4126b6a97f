"""In which channels an account is whenever it comes, and who stays while no device is connected."""

import pytest

from securechat.chat.events import AccountChanged, Arrived, AwayChanged, Joined, Left, Place, Returned, Said, Started
from securechat.chat.model import NOBODY_THERE, BanKind, Role, Rules
from securechat.chat.refusals import Reason
from securechat.chat.requests import (
    AddBan,
    BecomeOperator,
    ChangeNick,
    Collect,
    Depart,
    EnableAccount,
    Join,
    Kick,
    Kill,
    LogIn,
    Part,
    RemoveAccount,
    RemoveBan,
    RenameChannel,
    Say,
    SetAlwaysOn,
    SetAway,
    SetOwner,
    SetPassword,
    SetReplay,
    Start,
)
from tests.chat.room import GUESTS, Room, heard


def _back(room: Room, name: str) -> tuple[int, list[str]]:
    """The session of an account that comes again, and where it is then."""
    session = room.enter(room.chat.accounts[name])
    return session, sorted(room.chat.sessions[session].channels)


# -- channels ----------------------------------------------------------------------------------------------------------


def test_an_account_is_in_its_channels_again() -> None:
    """Whatever keeps others out of them meanwhile; others see it come in."""
    room = Room()
    ann, bob = room.account("ann"), room.member("bob", "#tea", "#fun")
    session = room.enter(ann, "#tea", "#fun", "#hers", "#lobby")
    room.mode(bob, "#tea", "+v", "ann")
    room.leave(session)
    room.mode(bob, "#tea", "+ikls", "key", "1")
    arrived, returned = room.do(room.login(ann))
    assert isinstance(arrived, Arrived)
    assert isinstance(returned, Returned)
    channels = room.chat.channels
    assert sorted(view.name for view in arrived.channels) == ["#fun", "#hers", "#lobby", "#tea"]
    assert sorted(returned.places, key=lambda place: place.name) == [
        Place(channels["#fun"].id, "#fun", "", (bob,)),
        Place(channels["#hers"].id, "#hers", "o", ()),
        Place(channels["#lobby"].id, "#lobby", "", ()),
        Place(channels["#tea"].id, "#tea", "v", (bob,)),
    ]
    assert (returned.source, returned.account_id, returned.forgotten) == ("ann!~ann@host", ann.id, ())
    assert room.nicks("#tea") == {"bob": "@", "ann": "+"}


def test_who_has_left_or_was_thrown_out_is_not() -> None:
    room = Room()
    bob = room.member("bob", "#tea", "#fun", "#pub")
    ann = room.member("ann", "#tea", "#fun", "#pub")
    room.do(Part(ann, "#tea"))
    room.do(Kick(bob, "#fun", "ann"))
    room.leave(ann)
    session, channels = _back(room, "ann")
    assert channels == ["#pub"]
    room.do(Join(session, "#fun"))
    room.leave(session)
    assert _back(room, "ann")[1] == ["#fun", "#pub"]


@pytest.mark.parametrize("lifted", [False, True])
def test_who_is_banned_meanwhile_is_forgotten(lifted: bool) -> None:
    """For good: when the ban is lifted nobody is brought in who may have given it up."""
    room = Room()
    bob = room.member("bob", "#tea")
    ann = room.member("ann", "#tea", "#lobby")
    room.mode(bob, "#tea", "+b", "ann")
    room.leave(ann)
    arrived, returned = room.do(room.login(room.chat.accounts["ann"]))
    assert isinstance(arrived, Arrived)
    assert isinstance(returned, Returned)
    assert returned.forgotten == (room.chat.channels["#tea"].id,)
    assert [view.name for view in arrived.channels] == ["#lobby"]
    if lifted:
        room.mode(bob, "#tea", "-b", "ann")
    room.leave(arrived.session)
    assert _back(room, "ann")[1] == ["#lobby"]


def test_an_owner_is_never_kept_out_of_the_channel() -> None:
    room = Room()
    ann, bob = room.member("ann", "#tea"), room.member("bob", "#tea")
    room.mode(ann, "#tea", "+o", "bob")
    room.leave(ann)
    room.mode(bob, "#tea", "+b", "ann")
    assert _back(room, "ann")[1] == ["#tea"]


def test_who_was_made_something_is_that_again_and_who_was_not_is_not() -> None:
    room = Room(GUESTS)
    guest = room.enter("guest", "#fun")
    boss, ann = room.member("boss", "#tea", "#fun"), room.member("ann", "#tea", "#fun")
    room.mode(boss, "#tea", "+h", "ann")
    room.mode(guest, "#fun", "+o", "ann")
    room.leave(ann)
    _back(room, "ann")
    assert room.nicks("#tea")["ann"] == "%"
    assert room.nicks("#fun")["ann"] == "", "that of a channel that does not last ends with the leave"


def test_channels_are_remembered_when_they_are_called_otherwise_or_belong_to_others() -> None:
    room = Room(GUESTS)
    guest = room.enter("guest", "#fun")
    bob = room.member("bob", "#tea", "#fun")
    ann = room.member("ann", "#tea", "#fun")
    room.leave(ann)
    room.do(RenameChannel(bob, "#tea", "#milk"))
    room.do(SetOwner(bob, "#milk", None))
    room.do(SetOwner(guest, "#fun", "bob"))
    session, channels = _back(room, "ann")
    assert channels == ["#fun", "#milk"]
    room.leave(session)
    room.do(Start(GUESTS))
    assert _back(room, "ann")[1] == ["#fun"], "the other one was nobody's, so it went with its members"


def test_a_channel_that_goes_is_forgotten() -> None:
    room = Room(GUESTS)
    guest = room.enter("guest", "#fun", "#pub")
    ann, bob = room.member("ann", "#fun", "#bobs"), room.member("bob", "#bobs")
    room.do(SetOwner(ann, "#bobs", "bob"))
    assert room.chat.remembered[room.chat.accounts["ann"].id]
    room.leave(ann, guest, bob)
    room.do(RemoveAccount("bob"))
    assert not room.chat.remembered
    again = room.enter("guest", "#fun")
    assert _back(room, "ann")[1] == []
    assert room.nicks("#fun") == {"guest": "@"}
    assert again in room.chat.sessions


def test_a_removed_account_is_forgotten_everywhere() -> None:
    room = Room()
    room.member("bob", "#tea")
    room.leave(room.member("ann", "#tea"))
    room.do(RemoveAccount("ann"))
    channel = room.chat.channels["#tea"]
    assert channel.residents == {room.chat.accounts["bob"].id: None}
    assert channel.readers.keys() == {room.chat.accounts["bob"].id}
    room.account("ann")
    assert _back(room, "ann")[1] == []


def test_of_guests_nothing_is_remembered() -> None:
    room = Room(GUESTS)
    room.member("bob", "#tea")
    room.leave(room.enter("guest", "#tea"))
    assert room.chat.sessions[room.enter("guest")].channels == {}


def test_a_guest_who_logs_in_is_where_they_are_and_next_time_also_where_the_account_was() -> None:
    room = Room(GUESTS)
    room.member("bob", "#tea", "#fun")
    ann = room.account("ann")
    room.leave(room.enter(ann, "#tea"))
    guest = room.enter("guest", "#fun")
    changed = heard(room.do(LogIn(guest, ann.id, ann.credential_set, "host")))[0]
    assert isinstance(changed, AccountChanged)
    fun = room.chat.channels["#fun"]
    assert changed.places == ((fun.id, fun.created, True),)
    assert room.chat.sessions[guest].channels.keys() == {"#fun"}
    room.leave(guest)
    assert _back(room, "ann")[1] == ["#fun", "#tea"]


def test_nobody_is_in_ever_more_channels_by_logging_in() -> None:
    rules = Rules(guests=True, channels_per_user=2)
    room = Room(rules)
    room.member("bob", "#a", "#b")
    room.member("cat", "#c", "#d")
    ann = room.account("ann")
    room.leave(room.enter(ann, "#a", "#b"))
    guest = room.enter("guest", "#c")
    room.do(LogIn(guest, ann.id, ann.credential_set, "host"))
    assert not room.one(Join(guest, "#d"), Joined).resident
    room.leave(guest)
    assert _back(room, "ann")[1] == ["#a", "#b"]


# -- always on ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def room() -> Room:
    """Ann, who is always on, Bob, and the boss; they are in #tea. Ann's session is the first, theirs the next."""
    room = Room(GUESTS)
    room.member("ann", "#tea")
    room.member("bob", "#tea")
    room.enter(room.account("boss", Role.ADMIN), "#tea")
    room.do(SetAlwaysOn(1, True))
    return room


ANN, BOB, BOSS = 1, 2, 3


def test_who_is_always_on_stays_and_is_away(room: Room) -> None:
    (away,) = heard(room.do(Depart(ANN, "gone")))
    assert isinstance(away, AwayChanged)
    assert (away.source, away.text, sorted(away.audience)) == ("ann!~ann@host", NOBODY_THERE, [BOB, BOSS])
    assert room.nicks("#tea") == {"ann": "@", "bob": "", "boss": ""}
    said = room.one(Say(BOB, "PRIVMSG", "#tea", "ann?"), Said)
    assert sorted(said.audience) == [BOB, BOSS]
    arrived, back = room.do(room.login(room.chat.accounts["ann"]))
    assert isinstance(arrived, Arrived)
    assert isinstance(back, AwayChanged)
    assert not arrived.first
    assert [view.name for view in arrived.channels] == ["#tea"]
    assert back.text is None


def test_who_was_away_before_is_away_for_another_reason(room: Room) -> None:
    room.do(SetAway(ANN, "tea time"))
    (away,) = heard(room.do(Depart(ANN, "gone")))
    assert isinstance(away, AwayChanged)
    assert away.text == NOBODY_THERE


def test_messages_to_who_is_always_on_wait_for_a_device(room: Room) -> None:
    room.do(Depart(ANN, "gone"))
    said = room.one(Say(BOB, "PRIVMSG", "ann", "psst"), Said)
    assert (said.held, said.away, said.audience, said.target_id) == (
        True, NOBODY_THERE, (), room.chat.accounts["ann"].id,
    )  # fmt: skip
    arrived = room.do(room.login(room.chat.accounts["ann"]))[0]
    assert isinstance(arrived, Arrived)
    assert arrived.held_up_to == said.stamp
    room.do(Collect(arrived.session, said.stamp))
    assert not room.chat.held


def test_they_wait_for_who_wears_another_nick_too(room: Room) -> None:
    room.do(ChangeNick(ANN, "anne"))
    room.do(Depart(ANN, "gone"))
    for nick in ("anne", "ann"):
        said = room.one(Say(BOB, "PRIVMSG", nick, "psst"), Said)
        assert said.held
        assert room.chat.held[room.chat.accounts["ann"].id] == said.stamp


def test_who_is_not_always_on_any_more_goes_with_the_last_device(room: Room) -> None:
    room.do(Depart(ANN, "gone"))
    session = room.enter(room.chat.accounts["ann"])
    room.do(SetAlwaysOn(session, False))
    assert not room.chat.settings
    room.one(Depart(session, "gone"), Left)
    assert "ann" not in room.chat.users
    assert _back(room, "ann")[1] == ["#tea"]


def test_after_a_start_they_are_there_as_they_were_when_they_chose_it(room: Room) -> None:
    room.do(ChangeNick(ANN, "anne"))
    room.user_mode(ANN, "+i")
    events = room.do(Start(GUESTS))
    assert not [event for event in events if isinstance(event, Returned)], "nobody is there to see it"
    (user,) = room.chat.users.values()
    assert (user.source, user.realname, user.modes) == ("ann!~ann@host", "ann's name", "")
    assert (user.sessions, user.away) == ({}, NOBODY_THERE)
    assert room.nicks("#tea") == {"ann": "@"}
    assert not room.chat.sessions


def test_an_administrator_is_an_operator_whenever(room: Room) -> None:
    room.do(SetAlwaysOn(BOSS, True))
    room.do(Start(GUESTS))
    assert room.chat.users["boss"].operator


def _operators(room: Room) -> set[str]:
    return {user.nick for user in room.chat.users.values() if user.operator}


def test_who_has_said_oper_is_an_operator_while_a_device_is_connected(room: Room) -> None:
    """It was said by a connection: who has the account's password later has not said it."""
    room.do(BecomeOperator(ANN, "night shift"))
    second = room.enter(room.chat.accounts["ann"])
    room.leave(second)
    room.do(SetAlwaysOn(BOSS, True))
    assert _operators(room) == {"ann", "boss"}
    room.leave(ANN, BOSS)
    assert _operators(room) == {"boss"}


def test_who_is_banned_from_a_channel_is_not_in_it_after_a_start(room: Room) -> None:
    room.do(SetOwner(ANN, "#tea", "bob"))
    room.mode(BOB, "#tea", "+ob", "bob", "ann")
    started = next(event for event in room.do(Start(GUESTS)) if isinstance(event, Started))
    ann, tea = room.chat.accounts["ann"], room.chat.channels["#tea"]
    assert started.forgotten == ((ann.id, tea.id),)
    assert not room.chat.users["ann"].channels
    assert ann.id not in tea.residents


def test_a_disabled_or_banned_account_is_not_on_the_chat(room: Room) -> None:
    room.do(Depart(ANN, "gone"))
    left = next(event for event in room.do(EnableAccount("ann", False)) if isinstance(event, Left))
    assert (left.reason, sorted(left.audience)) == ("The account was disabled", [BOB, BOSS])
    room.do(Start(GUESTS))
    assert not room.chat.users
    room.do(EnableAccount("ann", True))
    assert not room.chat.users, "until they come, or the server starts"
    room.do(Start(GUESTS))
    assert room.chat.users.keys() == {"ann"}
    banned = room.do(AddBan(None, BanKind.ACCOUNT, "ann", "spam"))
    assert [event.reason for event in banned if isinstance(event, Left)] == ["You are banned: spam"]
    room.do(Start(GUESTS))
    assert not room.chat.users
    room.do(RemoveBan(None, BanKind.ACCOUNT, "ann"))
    room.do(Start(GUESTS))
    assert room.nicks("#tea") == {"ann": "@"}


@pytest.mark.parametrize("there", [False, True])
def test_who_is_killed_goes_though_always_on(room: Room, there: bool) -> None:
    if not there:
        room.do(Depart(ANN, "gone"))
    events = room.do(Kill(BOSS, "ann", "spam"))
    assert [event.reason for event in events if isinstance(event, Left)] == ["Killed (boss (spam))"]
    assert "ann" not in room.chat.users
    assert _back(room, "ann")[1] == ["#tea"]


def test_a_new_password_sends_nobody_away_who_is_always_on(room: Room) -> None:
    events = heard(room.do(SetPassword("ann", "another")))
    assert not [event for event in events if isinstance(event, Left)]
    (away,) = (event for event in events if isinstance(event, AwayChanged))
    assert away.text == NOBODY_THERE
    assert room.chat.users["ann"].sessions == {}


def test_a_removed_account_goes(room: Room) -> None:
    room.do(Depart(ANN, "gone"))
    events = room.do(RemoveAccount("ann"))
    assert [event.reason for event in events if isinstance(event, Left)] == ["The account was removed"]
    assert not room.chat.settings
    room.do(Start(GUESTS))
    assert not room.chat.users


def test_nobody_else_becomes_or_leaves_an_account_that_is_always_on(room: Room) -> None:
    ann, bob = room.chat.accounts["ann"], room.chat.accounts["bob"]
    room.leave(BOB)
    room.refused(LogIn(ANN, bob.id, bob.credential_set, "h"), Reason.ACCOUNT_IN_USE, "bob")
    room.leave(ANN)
    room.refused(LogIn(room.enter("guest"), ann.id, ann.credential_set, "h"), Reason.ACCOUNT_IN_USE, "ann")


def test_so_many_connections_are_those_that_there_are(room: Room) -> None:
    room.do(Depart(ANN, "gone"))
    for _ in range(room.chat.rules.sessions_per_user):
        room.enter(room.chat.accounts["ann"])
    room.refused(room.login(room.chat.accounts["ann"]), Reason.TOO_MANY_SESSIONS, "ann")


def test_what_is_to_be_shown_is_chosen_within_bounds(room: Room) -> None:
    room.refused(SetReplay(ANN, -1), Reason.BAD_SETTING, "replay", "-1")
    room.refused(SetReplay(ANN, 1001), Reason.BAD_SETTING, "replay", "1001")
    for lines, shown in ((0, 0), (1000, 1000), (None, 100)):
        room.do(SetReplay(ANN, lines))
        arrived = room.do(room.login(room.chat.accounts["ann"]))[0]
        assert isinstance(arrived, Arrived)
        assert arrived.replay == shown
        room.leave(arrived.session)


def test_guests_choose_nothing(room: Room) -> None:
    guest = room.enter("guest")
    room.refused(SetReplay(guest, 5), Reason.NO_ACCOUNT)
    room.refused(SetAlwaysOn(guest, True), Reason.NO_ACCOUNT)
