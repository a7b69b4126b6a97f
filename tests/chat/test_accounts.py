"""Accounts: making, changing and ending them, and what that means for those who are on the chat."""

import pytest

from securechat.chat.events import (
    AccountAdded,
    AccountChanged,
    AccountEnabled,
    AccountRemoved,
    DevicesSeen,
    Event,
    HostChanged,
    Left,
    PasswordSet,
    SessionsEnded,
)
from securechat.chat.model import Account, BanKind, Role
from securechat.chat.refusals import Reason
from securechat.chat.requests import (
    AddAccount,
    AddBan,
    EnableAccount,
    Join,
    MakeInviteCode,
    Registrant,
    RemoveAccount,
    Request,
    SetPassword,
)
from tests.chat.room import GUESTS, Room

SECRET = "$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA"


def test_an_account_is_made() -> None:
    room = Room()
    added = room.one(AddAccount("Ann", SECRET, Role.ADMIN), AccountAdded)
    stamp = room.stamp
    account = Account(stamp, "Ann", Role.ADMIN, True, stamp, SECRET, stamp)
    assert added == AccountAdded(stamp, account)
    assert room.chat.accounts == {"ann": account}
    assert room.chat.accounts_by_id == {stamp: account}
    assert room.chat.account_named("ANN") == account
    assert room.chat.account_named("bob") is None


def test_a_name_is_given_once() -> None:
    room = Room()
    room.account("ann")
    room.refused(AddAccount("Ann", SECRET), Reason.ACCOUNT_EXISTS, "Ann")


@pytest.mark.parametrize("name", ["", "9lives", "-dash", "a b", "#ann", "an!n", "änn", "a" * 33])
def test_a_name_must_be_a_nick(name: str) -> None:
    Room().refused(AddAccount(name, SECRET), Reason.BAD_ACCOUNT_NAME, name)


def test_ids_are_never_used_again() -> None:
    room = Room()
    seen = set()
    for _ in range(3):
        seen.add(room.account("ann").id)
        room.do(RemoveAccount("ann"))
    assert len(seen) == 3


@pytest.mark.parametrize(
    "request_",
    [SetPassword("ann", SECRET), EnableAccount("ann", True), EnableAccount("ann", False), RemoveAccount("ann")],
)
def test_what_is_not_there_is_not_changed(request_: Request) -> None:
    room = Room(GUESTS)
    room.enter("ann")
    room.refused(request_, Reason.NO_SUCH_ACCOUNT, "ann")


def test_names_of_accounts_are_one_whatever_their_case() -> None:
    room = Room()
    ann = room.account("Ann")
    assert room.one(SetPassword("ANN", SECRET), PasswordSet).name == "Ann"
    assert room.one(EnableAccount("ann", False), AccountEnabled).name == "Ann"
    assert room.one(RemoveAccount("aNN"), AccountRemoved).account_id == ann.id


def test_an_account_that_is_not_there_gets_a_password() -> None:
    room = Room()
    ann = room.account("ann")
    assert room.one(SetPassword("ann", SECRET), PasswordSet) == PasswordSet(room.stamp, ann.id, "ann", SECRET)
    changed = room.chat.accounts["ann"]
    assert (changed.credential, changed.credential_set, changed.id) == (SECRET, room.stamp, ann.id)
    assert room.chat.accounts_by_id[ann.id] is changed
    assert ann.credential != SECRET, "records are replaced, never changed"


def _ended(events: list[Event]) -> SessionsEnded:
    event = next(event for event in events if isinstance(event, SessionsEnded))
    assert [type(e) for e in events].count(SessionsEnded) == 1
    return event


def test_a_new_password_ends_the_sessions() -> None:
    room = Room()
    ann = room.account("ann")
    first, second = room.enter(ann, "#lobby"), room.enter(ann)
    bob = room.member("bob", "#lobby")
    events = room.do(SetPassword("ann", SECRET))
    assert [type(event) for event in events] == [PasswordSet, DevicesSeen, Left, SessionsEnded]
    left = events[2]
    assert isinstance(left, Left)
    assert (left.source, left.reason, left.audience) == ("ann!~ann@host", "The password was changed", (bob,))
    assert _ended(events).sessions == (first, second)
    assert _ended(events).reason == "The password was changed"
    assert room.chat.users.keys() == {"bob"}
    room.refused(Join(first, "#lobby"), Reason.NO_SUCH_SESSION)


def test_the_session_that_changed_the_password_stays() -> None:
    room = Room()
    ann = room.account("ann")
    first, second, third = room.enter(ann, "#lobby"), room.enter(ann), room.enter(ann)
    events = room.do(SetPassword("ann", SECRET, keep=second))
    assert [type(event) for event in events] == [PasswordSet, DevicesSeen, SessionsEnded]
    assert _ended(events).sessions == (first, third)
    assert tuple(room.chat.users["ann"].sessions) == (second,)
    assert room.chat.channels["#lobby"].audience == (second,)
    room.one(SetPassword("ann", SECRET, keep=second), PasswordSet)


def test_no_other_accounts_session_is_kept() -> None:
    room = Room()
    ann, bob = room.member("ann", "#lobby"), room.member("bob", "#lobby")
    events = room.do(SetPassword("ann", SECRET, keep=bob))
    assert _ended(events).sessions == (ann,)
    assert room.chat.sessions.keys() == {bob}


def test_who_was_sent_away_does_not_change_the_password() -> None:
    """A thief's PASSWD is being hashed while the operator sets another password, or disables the account."""
    room = Room()
    ann = room.member("ann", "#lobby")
    shown = room.chat.accounts["ann"].credential_set
    room.do(SetPassword("ann", "of the operator's"))
    room.refused(SetPassword("ann", SECRET, keep=ann, verified=shown), Reason.ACCOUNT_CHANGED)
    shown = room.chat.accounts["ann"].credential_set
    room.do(EnableAccount("ann", False))
    room.refused(SetPassword("ann", SECRET, verified=shown), Reason.ACCOUNT_DISABLED, "ann")
    room.do(EnableAccount("ann", True))
    room.do(SetPassword("ann", SECRET, verified=shown))


def test_disabling_ends_the_sessions() -> None:
    room = Room()
    ann = room.account("ann")
    first, second = room.enter(ann, "#lobby"), room.enter(ann)
    events = room.do(EnableAccount("ann", False))
    assert [type(event) for event in events] == [AccountEnabled, DevicesSeen, Left, SessionsEnded]
    assert events[0] == AccountEnabled(room.stamp, ann.id, "ann", False)
    assert _ended(events).sessions == (first, second)
    assert _ended(events).reason == "The account was disabled"
    assert not room.chat.accounts["ann"].enabled
    assert not room.chat.accounts_by_id[ann.id].enabled


@pytest.mark.parametrize("end", [EnableAccount("Ann", False), RemoveAccount("ann")], ids=["disabled", "removed"])
def test_nobody_comes_back_as_an_administrator_by_a_code_of_their_own(end: Request) -> None:
    """What they made besides stays: others have been given it."""
    room = Room()
    ann, bob = room.enter(room.account("ann", Role.ADMIN)), room.enter(room.account("bob", Role.ADMIN))
    until = room.stamp * 2
    for by, digest, admin, uses in (
        (ann, "1" * 64, True, 2), (ann, "2" * 64, True, 1), (ann, "3" * 64, False, 1), (bob, "4" * 64, True, 1)
    ):  # fmt: skip
        room.do(MakeInviteCode(by, digest, "", admin, uses, until))
    room.do(AddAccount("early", SECRET, code="2" * 64))
    room.do(end)
    assert sorted(room.chat.invite_codes) == ["2" * 64, "3" * 64, "4" * 64]
    room.refused(AddAccount("ann2", SECRET, code="1" * 64), Reason.BAD_INVITE_CODE, "unknown", "")


def test_enabling_ends_none() -> None:
    room = Room()
    session = room.member("ann")
    assert room.one(EnableAccount("ann", True), AccountEnabled).enabled
    assert session in room.chat.sessions
    room.do(EnableAccount("ann", False))
    assert room.one(EnableAccount("ann", True), AccountEnabled).enabled
    assert session not in room.chat.sessions


def test_removing_ends_the_sessions_and_gives_the_name_free() -> None:
    room = Room(GUESTS)
    ann = room.account("Ann")
    session = room.enter(ann, "#lobby", "#tea")
    tea = room.chat.channels["#tea"].id
    events = room.do(RemoveAccount("ann"))
    assert [type(event) for event in events] == [DevicesSeen, Left, SessionsEnded, AccountRemoved]
    assert _ended(events).sessions == (session,)
    assert _ended(events).reason == "The account was removed"
    assert events[3] == AccountRemoved(room.stamp + 3, ann.id, "Ann", (tea,))
    assert room.chat.accounts == {}
    assert room.chat.accounts_by_id == {}
    assert room.chat.channels.keys() == {"#lobby"}
    room.enter("ann")


def test_removing_ends_the_account_under_any_nick() -> None:
    room = Room(GUESTS)
    ann = room.account("ann")
    room.do(room.login(ann, "anne"))
    assert room.chat.users.keys() == {"anne"}
    room.do(RemoveAccount("ann"))
    assert not room.chat.users


def test_who_makes_an_account_has_it() -> None:
    """And keeps the nick, which is the account's name or another."""
    room = Room(GUESTS)
    other = room.enter("other", "#tea")
    for nick, name in (("ann", "Ann"), ("guest", "bob")):
        session = room.enter(nick, "#tea")
        events = room.do(AddAccount(name, SECRET, by=Registrant(session, "192.0.2.1", "the host")))
        assert [type(event) for event in events] == [AccountAdded, AccountChanged, HostChanged]
        account = room.chat.accounts[name.lower()]
        assert (account.role, account.credential) == (Role.MEMBER, SECRET)
        user = room.chat.users[nick]
        assert (user.nick, user.account_id, user.host) == (nick, account.id, "the host")
        assert room.chat.users_by_account[account.id] is user
        again = AddAccount("more", SECRET, by=Registrant(session, "192.0.2.1", "the host"))
        room.refused(again, Reason.ACCOUNT_IN_USE, name)
    assert other in room.chat.sessions


def test_an_account_is_made_by_who_is_not_there_yet() -> None:
    room = Room()
    room.one(AddAccount("ann", SECRET, by=Registrant(99, "192.0.2.1", "host")), AccountAdded)
    assert room.enter(room.chat.accounts["ann"])


def test_nobody_makes_an_account_of_another_guests_nick() -> None:
    room = Room(GUESTS)
    room.enter("wearer")
    thief = room.enter("thief")
    for session in (thief, 99):
        request = AddAccount("Wearer", SECRET, by=Registrant(session, "192.0.2.1", "host"))
        room.refused(request, Reason.NICK_IN_USE, "Wearer")


def test_who_is_banned_makes_no_account() -> None:
    room = Room(GUESTS)
    boss = room.enter(room.account("boss", Role.ADMIN))
    room.do(AddBan(boss, BanKind.NETWORK, "192.0.2.0/24", "spam", None))
    room.do(AddBan(boss, BanKind.ACCOUNT, "ann", "again", None))
    for name, address, why in (("eve", "192.0.2.1", "spam"), ("ann", "198.51.100.1", "again")):
        request = AddAccount(name, SECRET, by=Registrant(99, address, "host"))
        room.refused(request, Reason.BANNED_FROM_SERVER, why)
    room.account("ann")  # which is the operator's own affair


def test_no_secret_is_shown() -> None:
    room = Room()
    requests: list[Request] = [AddAccount("ann", SECRET), SetPassword("ann", SECRET)]
    events = [event for request in requests for event in room.do(request)]
    for thing in (*requests, *events, room.chat.accounts["ann"]):
        assert "argon2id" not in repr(thing)
