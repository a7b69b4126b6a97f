"""Requests by chance, over so few names, channels and sessions that they meet.

Those of somebody who is on the chat have the session :data:`SOMEBODY`, and in a channel of theirs that has the name
:data:`HERE`; whoever makes them says with :func:`made` which these are.
"""

from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any, TypeVar

from hypothesis import strategies as st

from securechat.chat.model import BanKind, Role, Rules
from securechat.chat.modes import ALL_KINDS, CHANNEL_MODES, MEMBER_MODES, USER_MODES
from securechat.chat.requests import (
    AddAccount,
    AddBan,
    AddCertificate,
    Arrive,
    BecomeOperator,
    ChangeNick,
    ClearMetadata,
    Collect,
    Depart,
    EnableAccount,
    ForgetIds,
    Invite,
    Join,
    Kick,
    Kill,
    LogIn,
    MakeInviteCode,
    MarkRead,
    Original,
    Part,
    Redact,
    Registrant,
    Rehash,
    RemoveAccount,
    RemoveBan,
    RemoveCertificate,
    RenameChannel,
    Request,
    RevokeInviteCode,
    Say,
    SetAlwaysOn,
    SetAway,
    SetMetadata,
    SetModes,
    SetOwner,
    SetPassword,
    SetRealname,
    SetReplay,
    SetTopic,
    SetUserModes,
    Silence,
    Speech,
    Wallops,
)
from securechat.chat.stamps import EPOCH_MS
from securechat.irc.modes import ModeChange, ModeKind

R = TypeVar("R", bound=Request)

SOMEBODY = 0
HERE = "here"

_SOMEBODY_THERE = "there"

_somebody = st.just(SOMEBODY)
_there = st.integers(0, 7).map(lambda which: f"{_SOMEBODY_THERE}{which}")
_here = st.just(HERE)

names = st.sampled_from(["ann", "bob", "eve"])
nicks = st.sampled_from(["ann", "BOB", "eve", "Eve", "guest", "Guest", "other"])
channels = st.sampled_from(["#lobby", "#tea", "#Tea", "#fun", "#hall"])
texts = st.sampled_from(["hello", "", "é" * 20, "\U0001f600" * 64, "\U0001f600" * 120, "x" * 500, "\x01VERSION\x01"])
masks = st.sampled_from(["ann", "g*", "*!*@h", "~a:bob", "~a:*", "~m:eve", "~m:~a:e*", "*!~guest@*", "a b", ""])
kinds: st.SearchStrategy[Speech] = st.sampled_from(["PRIVMSG", "NOTICE", "TAGMSG"])
rules = st.builds(
    Rules,
    guests=st.sampled_from([True, True, False]),
    lobby=st.sampled_from(["#lobby", "#Hall"]),
    channels_per_user=st.sampled_from([100, 2]),
    channels_founded=st.sampled_from([1000, 2]),
    topic_length=st.sampled_from([390, 10]),
    away_length=st.sampled_from([200, 10]),
    kick_length=st.just(10),
    realname_length=st.just(30),
    key_length=st.just(5),
    list_entries=st.sampled_from([100, 3]),
    silenced=st.sampled_from([64, 2]),
    metadata_keys=st.sampled_from([30, 1]),
    metadata_value_length=st.just(10),
    redact_seconds=st.sampled_from([86_400, 1]),
    read_markers=st.sampled_from([1000, 1]),
    devices=st.sampled_from([32, 1]),
    replay_most=st.just(10),
    certificates=st.sampled_from([16, 1]),
    invite_codes=st.sampled_from([1000, 2]),
)
digests = st.sampled_from([letter * 64 for letter in "abcd"])
_code_ids = digests.map(lambda digest: digest[:12]) | st.just("nonsense")
_ends = st.sampled_from([1, 1_001_000, 2**62])
devices = st.sampled_from(["", "", "phone", "tablet", "desk"])
client_ids = st.sampled_from(["", "", "a", "b"])
times = st.sampled_from([0, EPOCH_MS, EPOCH_MS + 1, EPOCH_MS + 10**12])


def _change(letter: str) -> st.SearchStrategy[ModeChange]:
    """Any change of one mode that makes sense, and a few that do not."""
    parameters: dict[ModeKind, st.SearchStrategy[str | None]] = {
        ModeKind.MEMBER: nicks | _there | st.just(""),
        ModeKind.LIST: masks,
        ModeKind.KEYED: st.sampled_from(["key", "other", "too long", "a,b", None]),
        ModeKind.LIMITED: st.sampled_from(["1", "2", "50", "0", "many", None]),
        ModeKind.FLAG: st.none(),
    }
    return st.builds(ModeChange, st.booleans(), st.just(letter), parameters[ALL_KINDS[letter]])


_member_changes = st.sampled_from([*MEMBER_MODES]).flatmap(_change)
_list_changes = st.sampled_from("beI").flatmap(_change)
_flag_changes = st.sampled_from([*(letter for letter in CHANNEL_MODES if letter not in "beI")]).flatmap(_change)
_unknown = st.just(ModeChange(True, "Z"))
changes = st.lists(_member_changes | _list_changes | _flag_changes | _unknown, min_size=1, max_size=4).map(tuple)
_user_changes = st.lists(
    st.builds(ModeChange, st.booleans(), st.sampled_from([*USER_MODES, "Z"])), min_size=1, max_size=3
).map(tuple)
_keys = st.sampled_from(["url", "color", "Bad Key"])
_values = st.sampled_from(["red", "blue", "far too long", None])
_networks = st.sampled_from(["192.0.2.0/24", "192.0.2.9", "::ffff:192.0.2.0/120", "2001:db8::/32", "0.0.0.0/0", "h"])
addresses = st.sampled_from(["192.0.2.1", "::ffff:192.0.2.1", "2001:db8::1", "203.0.113.5", "", "h"])
_until = st.sampled_from([None, 1, 1_001_000, 2**62])

in_own_channel: st.SearchStrategy[Request] = st.one_of(
    *(3 * [st.builds(SetModes, _somebody, _here, changes)]),
    st.builds(Kick, _somebody, _here, nicks | _there, texts),
    st.builds(Invite, _somebody, nicks | _there, _here),
    st.builds(SetTopic, _somebody, _here, texts),
    st.builds(Part, _somebody, _here, texts),
    st.builds(RenameChannel, _somebody, _here, channels, texts),
    st.builds(SetOwner, _somebody, _here, names | st.none()),
    st.builds(Say, _somebody, kinds, _here, texts, client_id=client_ids),
    st.builds(MarkRead, _somebody, _here, times),
    st.builds(Say, _somebody, kinds, st.sampled_from(["@", "%", "+"]).map(lambda prefix: prefix + HERE), texts),
    st.builds(SetMetadata, _somebody, _here, _keys, _values),
    st.builds(ClearMetadata, _somebody, _here),
)
"""What somebody does in a channel in which they are."""

of_oneself: st.SearchStrategy[Request] = st.one_of(
    st.builds(ChangeNick, _somebody, nicks),
    st.builds(SetAway, _somebody, texts | st.sampled_from([None, "*"])),
    st.builds(SetRealname, _somebody, texts),
    st.builds(SetUserModes, _somebody, _user_changes),
    st.builds(Silence, _somebody, st.booleans(), masks),
    st.builds(SetMetadata, _somebody, st.just("*"), _keys, _values),
    st.builds(ClearMetadata, _somebody, st.just("*")),
    st.builds(SetReplay, _somebody, st.sampled_from([None, 0, 10, 11, -1])),
    st.builds(SetAlwaysOn, _somebody, st.sampled_from([True, True, False])),
    st.builds(MarkRead, _somebody, nicks | channels, times),
    st.builds(AddCertificate, _somebody, digests, st.just(b"der"), st.just("a laptop"), st.just(2**31)),
    st.builds(RemoveCertificate, _somebody, st.just(""), digests),
)
"""What somebody says of themselves, and keeps for themselves."""

of_operators: st.SearchStrategy[Request] = st.one_of(
    st.builds(BecomeOperator, _somebody, st.just("night shift")),
    st.builds(Kill, _somebody, nicks | _there, texts),
    st.builds(Wallops, _somebody, texts),
    st.builds(AddBan, _somebody, st.just(BanKind.ACCOUNT), nicks, texts, _until),
    st.builds(AddBan, _somebody | st.none(), st.just(BanKind.NETWORK), _networks, texts, _until),
    st.builds(RemoveBan, _somebody | st.none(), st.just(BanKind.NETWORK), _networks),
    st.builds(RemoveBan, _somebody | st.none(), st.just(BanKind.ACCOUNT), nicks),
    st.builds(SetMetadata, _somebody, nicks | _there, _keys, _values),
    st.builds(SetOwner, _somebody, channels, names | st.none()),
    st.builds(
        MakeInviteCode,
        _somebody | st.none(),
        digests,
        nicks | st.just(""),
        st.booleans(),
        st.integers(0, 3),
        _ends,
        st.booleans(),
    ),
    st.builds(RevokeInviteCode, _somebody | st.none(), _code_ids),
)
"""What an operator of the server does."""

# What may make no sense.
_sessions = st.integers(1, 9)
any_nick = nicks | st.sampled_from(["", "9", "a b", "x" * 33, "#tea"])
any_channel = channels | st.sampled_from(["", "#", "tea", "#a,b", "#" + "x" * 70])
_ids = st.sampled_from([None, 0, 5])
_stamps = _ids.map(lambda number: number or 0)
_originals = st.builds(Original, st.integers(1, 2**62), _ids, _ids, any_channel | any_nick, _ids)
_registrants = st.builds(Registrant, _sessions, addresses, st.just("h"))
anything: st.SearchStrategy[Request] = st.one_of(
    st.builds(
        Arrive,
        _sessions,
        any_nick,
        st.just("~u"),
        st.just("h"),
        st.just("r"),
        _ids,
        _stamps,
        addresses,
        texts | st.none(),
        devices,
        st.sampled_from([0, 1, 2**62]),
    ),
    st.builds(Depart, _sessions, texts, st.sampled_from([0, 1, 2**62])),
    st.builds(LogIn, _sessions, _stamps, _stamps, st.just("h")),
    st.builds(Join, _sessions, any_channel, st.sampled_from(["", "key"])),
    st.builds(Part, _sessions, any_channel),
    st.builds(Kick, _sessions, any_channel, any_nick),
    st.builds(Invite, _sessions, any_nick, any_channel),
    st.builds(SetTopic, _sessions, any_channel, texts),
    st.builds(SetModes, _sessions, any_channel, changes),
    st.builds(RenameChannel, _sessions, any_channel, any_channel),
    st.builds(SetOwner, _sessions, any_channel, any_nick),
    st.builds(ChangeNick, _sessions, any_nick),
    st.builds(Say, _sessions, kinds, any_channel | any_nick, texts),
    st.builds(
        Say, _sessions, kinds, any_nick, st.sampled_from(["one\ntwo", "x" * 600 + "\ry"]), multiline=st.just(True)
    ),
    st.builds(SetMetadata, _sessions, any_channel | any_nick, _keys, _values),
    st.builds(ClearMetadata, _sessions, any_channel | any_nick),
    st.builds(Collect, _sessions, st.integers(0, 2**63)),
    st.builds(Redact, _sessions, any_channel | any_nick, _originals, texts),
    st.builds(MarkRead, _sessions, any_channel | any_nick, st.integers(0, 2**62)),
    st.builds(ForgetIds, st.sampled_from([0, 2**62])),
    st.builds(SetReplay, _sessions, st.none() | st.integers()),
    st.builds(SetAlwaysOn, _sessions, st.booleans()),
    st.builds(
        AddAccount,
        any_nick,
        st.just("hash"),
        st.sampled_from(Role),
        st.none() | _registrants,
        st.sampled_from(["", "scram"]),
        st.just("") | digests,
    ),
    st.builds(
        SetPassword,
        any_nick,
        st.just("hash"),
        st.none() | _sessions,
        st.sampled_from(["", "scram"]),
        st.just("") | digests,
        _stamps,
    ),
    st.builds(RemoveCertificate, st.none(), any_nick, digests),
    st.builds(Rehash, _stamps, _stamps, st.just("hash")),
    st.builds(EnableAccount, any_nick, st.booleans()),
    st.builds(RemoveAccount, any_nick),
)


def made(request: R, session: int, channel: str = "", there: Sequence[str] = ("nobody",)) -> R:
    """The request of this session, in this channel where it is in one of theirs, about some of those who are there."""

    def filled(value: Any) -> Any:
        if isinstance(value, ModeChange):
            return replace(value, parameter=filled(value.parameter))
        if isinstance(value, tuple):
            return tuple(map(filled, value))
        if not isinstance(value, str):
            return value
        if value.startswith(_SOMEBODY_THERE):
            return there[int(value.removeprefix(_SOMEBODY_THERE)) % len(there)]
        return channel.join(value.split(HERE)) if value.endswith(HERE) else value

    found = {field.name: filled(getattr(request, field.name)) for field in fields(request)}
    if found.get("session") == SOMEBODY:
        found["session"] = session
    return replace(request, **found)
