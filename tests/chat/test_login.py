"""Logging in when one is on the chat already: to an account, or to another."""

import pytest

from securechat.chat.events import AccountChanged, DevicesSeen, Event, HostChanged, NickChanged, UserModesChanged
from securechat.chat.model import Account, BanKind, Role, Rules
from securechat.chat.refusals import Reason
from securechat.chat.requests import (
    AddBan,
    BecomeOperator,
    ChangeNick,
    EnableAccount,
    Invite,
    Join,
    LogIn,
    SetMetadata,
    SetPassword,
    Silence,
)
from tests.chat.room import GUESTS, Room, heard


def _log_in(session: int, account: Account, host: str = "host") -> LogIn:
    return LogIn(session, account.id, account.credential_set, host)


def _kinds(events: list[Event]) -> list[type]:
    return [type(event) for event in events]


def test_a_guest_becomes_somebody() -> None:
    room = Room(GUESTS)
    ann = room.account("ann")
    guest, bob = room.enter("guest", "#tea"), room.member("bob", "#tea")
    changed = room.one(_log_in(guest, ann), AccountChanged)
    assert (changed.source, changed.account, changed.account_id) == ("guest!~guest@host", "ann", ann.id)
    assert (sorted(changed.audience), changed.own) == ([guest, bob], (guest,))
    user = room.chat.sessions[guest]
    assert room.chat.users_by_account[ann.id] is user
    assert (user.nick, user.account) == ("guest", "ann")
    room.do(ChangeNick(guest, "ann"))


def test_the_host_changes_with_the_account() -> None:
    room = Room(GUESTS)
    ann = room.account("ann")
    guest, bob = room.enter("guest", "#tea"), room.member("bob", "#tea")
    account, host = room.do(_log_in(guest, ann, "user/ann"))
    assert isinstance(account, AccountChanged)
    assert isinstance(host, HostChanged)
    assert (account.source, host.source) == ("guest!~guest@host", "guest!~guest@host"), "both as it was"
    assert (host.username, host.host, sorted(host.audience)) == ("~guest", "user/ann", [guest, bob])
    assert room.chat.sessions[guest].source == "guest!~guest@user/ann"
    assert room.chat.channels["#tea"].roll[0].source == "guest!~guest@user/ann"


def test_an_administrator_is_an_operator_and_who_was_one_is_no_more() -> None:
    room = Room(GUESTS)
    boss, ann = room.account("boss", Role.ADMIN), room.account("ann")
    guest = room.enter("guest")
    room.user_mode(guest, "+iw")
    account, modes = room.do(_log_in(guest, boss))
    assert isinstance(account, AccountChanged)
    assert isinstance(modes, UserModesChanged)
    assert (modes.modes, modes.changes[0].adding) == ("iow", True)
    account, modes = heard(room.do(_log_in(guest, ann)))
    assert isinstance(modes, UserModesChanged)
    assert (modes.modes, modes.changes[0].adding) == ("iw", False)
    room.do(BecomeOperator(guest, "night shift"))
    assert _kinds(room.do(_log_in(guest, boss))) == [DevicesSeen, AccountChanged]


def test_to_the_account_that_one_has_nothing_changes() -> None:
    room = Room()
    ann = room.account("ann")
    first = room.enter(ann)
    room.enter(ann)
    assert room.do(_log_in(first, ann, "another")) == []


def test_without_guests_the_nick_becomes_the_accounts_name() -> None:
    room = Room()
    bob = room.account("bob")
    ann = room.member("ann", "#lobby")
    assert _kinds(room.do(_log_in(ann, bob))) == [DevicesSeen, AccountChanged, NickChanged]
    assert room.chat.sessions[ann].source == "bob!~ann@host"
    room.enter(room.chat.accounts["ann"])


def test_nobody_keeps_the_name_of_the_account_that_they_leave() -> None:
    room = Room(GUESTS)
    bob = room.account("bob")
    ann = room.member("ann")
    assert _kinds(room.do(_log_in(ann, bob))) == [DevicesSeen, AccountChanged, NickChanged]
    assert room.chat.sessions[ann].nick == "bob"


def test_what_lasts_of_an_account_is_its_users_from_now_on() -> None:
    room = Room(GUESTS)
    ann = room.account("ann")
    session = room.enter(ann)
    room.do(Silence(session, True, "eve"))
    room.do(SetMetadata(session, "*", "color", "red"))
    room.leave(session)
    guest = room.enter("guest")
    room.do(Silence(guest, True, "cat"))
    room.do(SetMetadata(guest, "*", "url", "x"))
    room.do(_log_in(guest, ann))
    user = room.chat.sessions[guest]
    assert (list(user.silenced), user.metadata) == (["eve!*@*"], {"color": "red"})


def test_bans_by_account_are_looked_at_anew() -> None:
    room = Room(GUESTS)
    ann = room.account("ann")
    owner, guest = room.member("bob", "#tea"), room.enter("guest", "#tea")
    channel, user = room.chat.channels["#tea"], room.chat.sessions[guest]
    room.mode(owner, "#tea", "+b", "~a:ann")
    assert not channel.is_muted(user)
    room.do(_log_in(guest, ann))
    assert channel.is_muted(user)


def test_channels_and_invitations_stay_and_what_the_account_owns_is_theirs() -> None:
    room = Room(GUESTS)
    ann = room.account("ann")
    room.leave(room.enter(ann, "#den"))
    owner, guest = room.member("bob", "#tea"), room.enter("guest", "#fun", "#den")
    room.do(Invite(owner, "guest", "#tea"))
    room.mode(owner, "#tea", "+i")
    room.do(_log_in(guest, ann))
    assert set(room.chat.sessions[guest].channels) == {"#fun", "#den"}
    room.do(Join(guest, "#tea"))
    assert room.nicks("#den") == {"guest": ""}
    room.mode(guest, "#den", "+o", "guest")
    assert room.nicks("#den") == {"guest": "@"}


def test_when_one_can_not_log_in() -> None:
    room = Room(GUESTS)
    ann, bob = room.account("ann"), room.account("bob")
    first, second = room.enter(ann), room.enter(ann)
    guest = room.enter("guest")
    room.refused(_log_in(guest, ann), Reason.ACCOUNT_IN_USE, "ann")
    room.refused(_log_in(second, bob), Reason.ACCOUNT_IN_USE, "bob")
    room.leave(first)
    room.refused(LogIn(guest, bob.id, bob.credential_set + 1, "h"), Reason.ACCOUNT_CHANGED)
    room.refused(LogIn(guest, 5, 0, "h"), Reason.ACCOUNT_CHANGED)
    room.refused(_log_in(99, bob), Reason.NO_SUCH_SESSION)
    room.do(SetPassword("bob", "another"))
    room.refused(_log_in(guest, bob), Reason.ACCOUNT_CHANGED)
    bob = room.chat.accounts["bob"]
    room.do(EnableAccount("bob", False))
    room.refused(_log_in(guest, bob), Reason.ACCOUNT_DISABLED, "bob")
    room.do(EnableAccount("bob", True))
    room.do(AddBan(None, BanKind.ACCOUNT, "bob", "spam"))
    room.refused(_log_in(guest, bob), Reason.BANNED_FROM_SERVER, "spam")


@pytest.mark.parametrize("rules", [Rules(), GUESTS])
def test_everything_at_once(rules: Rules) -> None:
    room = Room(rules)
    boss = room.account("boss", Role.ADMIN)
    ann = room.member("ann", "#tea")
    events = room.do(_log_in(ann, boss, "user/boss"))
    assert _kinds(events) == [DevicesSeen, AccountChanged, HostChanged, UserModesChanged, NickChanged]
    assert room.chat.sessions[ann].source == "boss!~ann@user/boss"
