"""How events are written down as rows of the log, and messages are read out of them again."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import IntEnum
from typing import Any

from securechat.chat.events import (
    AccountAdded,
    AccountEnabled,
    AccountRemoved,
    Banned,
    CertificateAdded,
    CertificateRemoved,
    ChannelRenamed,
    Event,
    InviteCodeMade,
    InviteCodeRevoked,
    InviteCodeUsed,
    Joined,
    Kicked,
    Killed,
    Left,
    ModesChanged,
    NickChanged,
    OwnerChanged,
    Parted,
    PasswordSet,
    Redacted,
    Returned,
    Said,
    Started,
    TopicChanged,
    Unbanned,
)
from securechat.chat.stamps import msgid
from securechat.irc.modes import ModeChange
from securechat.irc.multiline import has_pieces
from securechat.irc.tags import passing
from securechat.store.schema import Change
from securechat.store.tables import CHANGES

__all__ = ["COLUMNS", "INSERT_CLIENT_ID", "INSERT_LOG", "Kind", "Row", "is_stored", "said", "write_down"]

Row = tuple[int, int, int | None, int | None, str, str, int | None, str, str, bool]

COLUMNS = ", ".join(
    f"log.{name}"
    for name in ("stamp", "kind", "channel", "account", "source", "target", "target_account", "text", "tags", "bot")
)
"""What a row of the log is read by, in the order of :data:`Row`."""

INSERT_LOG = "INSERT INTO log VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, NULL)"
INSERT_CLIENT_ID = "INSERT INTO client_ids VALUES (?, ?, ?)"
_IN_CHANNEL = "INSERT INTO log_channels VALUES (?, ?)"


class Kind(IntEnum):
    """What a row of the log says. The numbers are in people's files: they are never given another meaning.

    Those below 3 are messages; a TAGMSG has no text. Those below 32 are what people see, and ``text`` is what stands
    behind the target in the line that shows it: of a kick "nick reason", of a renaming "#new reason", of modes all
    words, as many as there are, of a message taken back "msgid reason". Who quits, comes back (a JOIN) or has another
    nick is seen in the channels of `log_channels`.
    """

    TAGMSG = 0
    PRIVMSG = 1
    NOTICE = 2
    JOIN = 3
    PART = 4
    QUIT = 5
    NICK = 6
    TOPIC = 7
    KICK = 8
    MODE = 9
    RENAME = 10
    REDACT = 11
    STARTED = 32
    ACCOUNT_ADDED = 33
    PASSWORD_SET = 34
    ACCOUNT_ENABLED = 35
    ACCOUNT_DISABLED = 36
    ACCOUNT_REMOVED = 37
    OWNER_CHANGED = 38
    KILLED = 39
    BANNED = 40
    UNBANNED = 41
    CERTIFICATE_ADDED = 42
    CERTIFICATE_REMOVED = 43
    INVITE_MADE = 44
    INVITE_REVOKED = 45
    INVITE_USED = 46


_SPEECH = {"PRIVMSG": int(Kind.PRIVMSG), "NOTICE": int(Kind.NOTICE), "TAGMSG": int(Kind.TAGMSG)}


def _passes(event: Said) -> bool:
    """Whether a message leaves nothing behind: nobody heard it, or it says no more than that somebody is typing."""
    return event.unheard or (event.kind == "TAGMSG" and passing(event.tags))


def is_stored(event: Event) -> bool:
    """Whether anything of an event is kept."""
    if type(event) is Said:
        return not _passes(event)
    if _has_row(event):
        return True
    change = CHANGES.get(type(event))
    return change is not None and bool(change(event))


def _has_row(event: Event) -> bool:
    """Of all but messages: whether there is anything that somebody sees, or that is for the record."""
    if type(event) is Left:
        return bool(event.channels)  # nobody saw the others
    if type(event) is Returned:
        return bool(event.places)
    if type(event) is ModesChanged:
        return bool(event.changes)
    return type(event) in _ROWS


def write_down(events: Iterable[Event]) -> tuple[list[Row], list[tuple[int, int, str]], list[Change]]:
    """The rows of the log, those of ``client_ids``, and the changes of tables that are to be committed for these."""
    rows: list[Row] = []
    client_ids: list[tuple[int, int, str]] = []
    changes: list[Change] = []
    for event in events:
        if type(event) is Said:
            if _passes(event):
                continue
            rows.append(
                (
                    event.stamp,
                    _SPEECH[event.kind],
                    event.channel_id,
                    event.account_id,
                    event.source,
                    event.target,
                    event.target_id,
                    event.text,
                    event.tags,
                    event.bot,
                )
            )
            known = event.account is not None  # a guest's ids are of no use to who comes later
            if event.client_id and known and event.kind != "TAGMSG":
                client_ids.append((event.stamp, event.account_id, event.client_id))  # type: ignore[arg-type]
            if event.held:
                changes.append(("INSERT INTO held VALUES (?, ?)", (event.target_id, event.stamp)))
            continue
        if _has_row(event):
            rows.append(_ROWS[type(event)](event))
            if type(event) in _IN_SEVERAL:
                changes.extend((_IN_CHANNEL, (id, event.stamp)) for id in _IN_SEVERAL[type(event)](event))
        change = CHANGES.get(type(event))
        if change is not None:
            changes.extend(change(event))
    return rows, client_ids, changes


def _joined(e: Joined) -> Row:
    return (e.stamp, Kind.JOIN, e.channel_id, e.account_id, e.source, e.channel, None, e.realname, "", e.bot)


def _returned(e: Returned) -> Row:
    names = ",".join(place.name for place in e.places)
    return (e.stamp, Kind.JOIN, None, e.account_id, e.source, names, None, e.realname, "", e.bot)


def _redacted(e: Redacted) -> Row:
    text = f"{msgid(e.original)} {e.reason}"
    return (e.stamp, Kind.REDACT, e.channel_id, e.account_id, e.source, e.target, e.target_id, text, "", e.bot)


def _parted(e: Parted) -> Row:
    return (e.stamp, Kind.PART, e.channel_id, e.account_id, e.source, e.channel, None, e.reason, "", e.bot)


def _left(e: Left) -> Row:
    return (e.stamp, Kind.QUIT, None, e.account_id, e.source, ",".join(e.channels), None, e.reason, "", e.bot)


def _nick_changed(e: NickChanged) -> Row:
    return (e.stamp, Kind.NICK, None, e.account_id, e.source, e.nick, None, "", "", e.bot)


def _topic_changed(e: TopicChanged) -> Row:
    return (e.stamp, Kind.TOPIC, e.channel_id, e.account_id, e.source, e.channel, None, e.text, "", e.bot)


def _kicked(e: Kicked) -> Row:
    text = f"{e.nick} {e.reason}"
    return (e.stamp, Kind.KICK, e.channel_id, e.account_id, e.source, e.channel, None, text, "", e.bot)


def _modes_changed(e: ModesChanged) -> Row:
    words = _mode_words(e.changes)
    return (e.stamp, Kind.MODE, e.channel_id, e.account_id, e.source, e.channel, None, words, "", e.bot)


def _mode_words(changes: Iterable[ModeChange]) -> str:
    """``+o-v alice bob``: who shows it splits it into lines."""
    letters, parameters, sign = "", [], ""
    for change in changes:
        wanted = "+" if change.adding else "-"
        letters += change.letter if wanted == sign else wanted + change.letter
        sign = wanted
        if change.parameter is not None:
            parameters.append(change.parameter)
    return " ".join((letters, *parameters))


def _channel_renamed(e: ChannelRenamed) -> Row:
    text = f"{e.channel} {e.reason}"
    return (e.stamp, Kind.RENAME, e.channel_id, e.account_id, e.source, e.old, None, text, "", e.bot)


def _owner_changed(e: OwnerChanged) -> Row:
    owner = e.owner or ""
    return (e.stamp, Kind.OWNER_CHANGED, e.channel_id, e.account_id, e.source, e.channel, e.owner_id, owner, "", False)


def _banned(e: Banned) -> Row:
    text = f"{e.ban.kind.value} {e.ban.reason}"
    return (e.stamp, Kind.BANNED, None, None, e.ban.by, e.ban.mask, None, text, "", False)


def _about_account(kind: Kind) -> Callable[[Any], Row]:
    return lambda e: (e.stamp, kind, None, e.account_id, "", e.name, None, "", "", False)


def _certificate(stamp: int, kind: Kind, account_id: int, name: str, fingerprint: str) -> Row:
    return (stamp, kind, None, account_id, "", name, None, fingerprint, "", False)


_ROWS: dict[type, Callable[[Any], Row]] = {
    Joined: _joined,
    Parted: _parted,
    Left: _left,
    NickChanged: _nick_changed,
    TopicChanged: _topic_changed,
    Kicked: _kicked,
    ModesChanged: _modes_changed,
    ChannelRenamed: _channel_renamed,
    Redacted: _redacted,
    Returned: _returned,
    OwnerChanged: _owner_changed,
    Killed: lambda e: (e.stamp, Kind.KILLED, None, e.account_id, e.source, e.nick, None, e.reason, "", e.bot),
    Banned: _banned,
    Unbanned: lambda e: (e.stamp, Kind.UNBANNED, None, None, e.by, e.ban.mask, None, e.ban.kind.value, "", False),
    Started: lambda e: (e.stamp, Kind.STARTED, None, None, "", "", None, "", "", False),
    AccountAdded: lambda e: (
        e.stamp, Kind.ACCOUNT_ADDED, None, e.account.id, "", e.account.name, None, e.account.role.value, "", False,
    ),
    PasswordSet: _about_account(Kind.PASSWORD_SET),
    AccountEnabled: lambda e: _about_account(Kind.ACCOUNT_ENABLED if e.enabled else Kind.ACCOUNT_DISABLED)(e),
    AccountRemoved: _about_account(Kind.ACCOUNT_REMOVED),
    CertificateAdded: lambda e: _certificate(
        e.stamp, Kind.CERTIFICATE_ADDED, e.certificate.account_id, e.name, e.certificate.fingerprint
    ),
    CertificateRemoved: lambda e: _certificate(
        e.stamp, Kind.CERTIFICATE_REMOVED, e.account_id, e.name, e.fingerprint
    ),
    InviteCodeMade: lambda e: (
        e.stamp, Kind.INVITE_MADE, None, e.account_id, e.code.by, e.code.name, None, e.code.id, "", False,
    ),
    InviteCodeRevoked: lambda e: (
        e.stamp, Kind.INVITE_REVOKED, None, None, e.by, e.code.name, None, e.code.id, "", False,
    ),
    InviteCodeUsed: lambda e: (
        e.stamp, Kind.INVITE_USED, None, e.account_id, "", e.name, None, e.code.id, "", False,
    ),
}  # fmt: skip


_IN_SEVERAL: dict[type, Callable[[Any], Iterable[int]]] = {
    Left: lambda e: e.channel_ids,
    NickChanged: lambda e: e.channel_ids,
    Returned: lambda e: (place.channel_id for place in e.places),
}
"""The channels in which something is seen that happens in several."""


def said(row: Row, account: str | None) -> Said:
    """A message out of its row, and the name of its sender's account: the nick need not be that."""
    stamp, kind, channel, account_id, source, target, target_account, text, tags, bot = row
    return Said(
        stamp,
        "PRIVMSG" if kind == Kind.PRIVMSG else "NOTICE",
        source,
        account,
        account_id,
        target,
        text,
        tags,
        (),
        0,
        channel,
        target_account,
        bot=bool(bot),
        multiline=has_pieces(text),
    )
