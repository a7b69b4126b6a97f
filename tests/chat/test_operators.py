"""What the server's operators do: kills, WALLOPS, bans, and the rules."""

import pytest

from securechat.chat.events import (
    Arrived,
    Banned,
    DevicesSeen,
    Killed,
    Left,
    RulesSet,
    SessionsEnded,
    Unbanned,
    UserModesChanged,
    WallopsSaid,
)
from securechat.chat.model import BanKind, Role, Rules, ServerBan
from securechat.chat.operators import MAX_BANS
from securechat.chat.refusals import Reason
from securechat.chat.requests import (
    AddBan,
    BecomeOperator,
    Join,
    Kill,
    RemoveBan,
    Request,
    SetRules,
    SetTopic,
    Start,
    Wallops,
)
from tests.chat.room import GUESTS, Room, heard

BOSS, ANN, GUEST = 1, 2, 3
"""The sessions of the room below."""


@pytest.fixture
def room() -> Room:
    """The administrator Boss, Ann and a guest, all in ``#lobby``."""
    room = Room(GUESTS)
    room.enter(room.account("boss", Role.ADMIN), "#lobby")
    room.member("ann", "#lobby")
    room.enter("guest", "#lobby")
    return room


# -- who is one --


def test_an_administrator_is_an_operator_by_login(room: Room) -> None:
    assert room.one(room.login(room.chat.accounts["boss"]), Arrived).modes == "o"
    assert room.one(room.login(room.chat.accounts["ann"]), Arrived).modes == ""


def test_others_become_operators_by_a_password(room: Room) -> None:
    room.user_mode(GUEST, "+w")
    changed = room.one(BecomeOperator(GUEST, "night shift"), UserModesChanged)
    assert (changed.modes, changed.audience) == ("ow", (GUEST,))
    assert room.do(BecomeOperator(GUEST, "night shift")) == []
    room.refused(BecomeOperator(99, "night shift"), Reason.NO_SUCH_SESSION)


@pytest.mark.parametrize(
    "request_",
    [
        Kill(ANN, "guest", "x"),
        Wallops(ANN, "hello"),
        AddBan(ANN, BanKind.ACCOUNT, "boss", "x"),
        RemoveBan(ANN, BanKind.ACCOUNT, "boss"),
    ],
)
def test_what_only_operators_do(room: Room, request_: Request) -> None:
    room.refused(request_, Reason.NO_PRIVILEGES)
    room.user_mode(BOSS, "-o")
    request_.session = BOSS  # type: ignore[union-attr]
    room.refused(request_, Reason.NO_PRIVILEGES)


def test_an_operator_has_no_powers_in_others_channels(room: Room) -> None:
    room.do(Join(ANN, "#tea"))
    room.do(Join(BOSS, "#tea"))
    room.refused(SetTopic(BOSS, "#tea", "mine"), Reason.NOT_OPERATOR, "#tea")


# -- KILL --


def test_a_kill_ends_all_connections_and_is_seen_as_a_leave(room: Room) -> None:
    second = room.enter(room.chat.accounts["ann"])
    killed, left, ended = heard(room.do(Kill(BOSS, "ANN", "spam")))
    assert killed == Killed(
        room.stamp, "boss!~boss@host", room.chat.accounts["boss"].id, "ann", "spam", "boss", False, (ANN, second)
    )
    assert isinstance(left, Left)
    assert (left.source, left.reason, sorted(left.audience)) == (
        "ann!~ann@host",
        "Killed (boss (spam))",
        [BOSS, GUEST],
    )
    assert isinstance(ended, SessionsEnded)
    assert (ended.sessions, ended.reason, ended.left) == ((ANN, second), "Killed (boss (spam))", left)
    room.enter(room.chat.accounts["ann"])


def test_as_many_connections_as_there_can_be_end_in_few_events(room: Room) -> None:
    ann = room.chat.accounts["ann"]
    for _ in range(room.chat.rules.sessions_per_user - 1):
        room.enter(ann)
    assert [type(event) for event in room.do(Kill(BOSS, "ann", ""))] == [Killed, DevicesSeen, Left, SessionsEnded]


def test_one_can_kill_oneself_and_not_nobody(room: Room) -> None:
    room.refused(Kill(BOSS, "nobody", "x"), Reason.NO_SUCH_NICK, "nobody")
    room.do(Kill(BOSS, "boss", "good night"))
    assert "boss" not in room.chat.users


# -- WALLOPS --


def test_wallops_go_to_operators_and_to_who_asked_for_them(room: Room) -> None:
    second = room.enter(room.chat.accounts["boss"])
    room.user_mode(ANN, "+w")
    said = room.one(Wallops(BOSS, "hello"), WallopsSaid)
    assert sorted(said.audience) == [BOSS, ANN, second]
    assert (said.source, said.text) == ("boss!~boss@host", "hello")


# -- bans --


def test_a_ban_of_an_account_ends_its_connections(room: Room) -> None:
    banned, left, ended = heard(room.do(AddBan(BOSS, BanKind.ACCOUNT, "ANN", "spam")))
    ban = ServerBan(BanKind.ACCOUNT, "ann", "spam", "boss", room.stamp, None)
    assert banned == Banned(room.stamp, ban, BOSS)
    assert isinstance(left, Left)
    assert isinstance(ended, SessionsEnded)
    assert (ended.sessions, ended.reason) == ((ANN,), "You are banned: spam")
    room.refused(room.login(room.chat.accounts["ann"]), Reason.BANNED_FROM_SERVER, "spam")
    removed = room.one(RemoveBan(BOSS, BanKind.ACCOUNT, "Ann"), Unbanned)
    assert removed == Unbanned(room.stamp, ban, "boss", BOSS)
    room.enter(room.chat.accounts["ann"])


def test_a_name_can_be_banned_before_there_is_an_account(room: Room) -> None:
    room.do(AddBan(None, BanKind.ACCOUNT, "Spammer", "spam"))
    room.refused(room.login(room.account("spammer")), Reason.BANNED_FROM_SERVER, "spam")


def test_the_operator_at_the_machine_bans_too(room: Room) -> None:
    banned = room.do(AddBan(None, BanKind.ACCOUNT, "boss", "spam"))[0]
    assert isinstance(banned, Banned)
    assert (banned.ban.by, banned.session) == ("the operator", None)
    assert "boss" not in room.chat.users
    assert room.one(RemoveBan(None, BanKind.ACCOUNT, "boss"), Unbanned).by == "the operator"


def test_nobody_bans_themselves(room: Room) -> None:
    room.refused(AddBan(BOSS, BanKind.ACCOUNT, "BOSS", "x"), Reason.BAD_BAN, "boss", "This is your own account")


def test_a_ban_replaces_one_of_the_same(room: Room) -> None:
    room.do(AddBan(BOSS, BanKind.NETWORK, "192.0.2.0/24", "first"))
    room.do(AddBan(BOSS, BanKind.NETWORK, "192.0.2.99/24", "second"))
    assert [ban.reason for ban in room.chat.bans.values()] == ["second"]


@pytest.mark.parametrize("kind", BanKind)
def test_what_is_not_banned_is_not_unbanned(room: Room, kind: BanKind) -> None:
    room.do(AddBan(BOSS, BanKind.NETWORK, "192.0.2.0/24", "x"))
    for mask in ("nobody", "192.0.2.1", "192.0.2.0/25", ""):
        room.refused(RemoveBan(BOSS, kind, mask), Reason.NO_SUCH_BAN, mask)


def test_there_are_only_so_many_bans(room: Room) -> None:
    ban = ServerBan(BanKind.ACCOUNT, "x", "", "", 1)
    for number in range(MAX_BANS):
        room.chat.bans[BanKind.ACCOUNT, f"x{number}"] = ban
    request = AddBan(None, BanKind.ACCOUNT, "y", "x")
    room.stamp += 16
    refusal = room.chat.apply(room.stamp, request)
    assert getattr(refusal, "reason", None) is Reason.BAD_BAN
    request.mask = "x1"
    assert room.chat.bans[BanKind.ACCOUNT, "x1"] is ban
    assert getattr(room.chat.apply(room.stamp, request), "events", None), "one that is there can be changed"


# -- rules --


def test_new_rules_hold_from_now_on_and_send_nobody_away(room: Room) -> None:
    room.do(Join(ANN, "#tea"))
    event = room.one(SetRules(Rules(guests=False, lobby="#other", channels_per_user=1, topic_length=3)), RulesSet)
    assert event.rules == Rules(guests=True, lobby="#lobby", channels_per_user=1, topic_length=3)
    assert room.chat.rules == event.rules
    assert room.chat.users.keys() == {"boss", "ann", "guest"}
    room.refused(Join(ANN, "#more"), Reason.TOO_MANY_CHANNELS, "#more")
    room.do(Start(Rules(lobby="#other")))
    assert room.chat.rules == Rules(lobby="#other")
