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
    ChannelRenamed,
    Event,
    Joined,
    Kicked,
    Killed,
    Left,
    ModesChanged,
    NickChanged,
    OwnerChanged,
    Parted,
    PasswordSet,
    Said,
    Started,
    TopicChanged,
    Unbanned,
)
from securechat.irc.modes import ModeChange
from securechat.irc.multiline import has_pieces
from securechat.store.schema import Change
from securechat.store.tables import CHANGES

__all__ = ["INSERT_LOG", "Kind", "Row", "is_stored", "said", "write_down"]

Row = tuple[int, int, int | None, int | None, str, str, int | None, str, str]

INSERT_LOG = "INSERT INTO log VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"


class Kind(IntEnum):
    """What a row of the log says. The numbers are in people's files: they are never given another meaning.

    Those below 32 are what people see, and ``text`` is what stands behind the target in the line that shows it: of a
    kick "nick reason", of a renaming "#new reason", of modes all words, as many as there are.
    """

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


_SPEECH = {"PRIVMSG": int(Kind.PRIVMSG), "NOTICE": int(Kind.NOTICE)}


def is_stored(event: Event) -> bool:
    """Whether anything of an event is kept."""
    if type(event) is Said:
        return event.kind in _SPEECH and not event.unheard
    if _has_row(event):
        return True
    change = CHANGES.get(type(event))
    return change is not None and bool(change(event))


def _has_row(event: Event) -> bool:
    """Of all but messages: whether there is anything that somebody sees, or that is for the record."""
    if type(event) is Left:
        return bool(event.channels)  # nobody saw the others
    if type(event) is ModesChanged:
        return bool(event.changes)
    return type(event) in _ROWS


def write_down(events: Iterable[Event]) -> tuple[list[Row], list[Change]]:
    """The rows and the changes of tables that are to be committed for these events."""
    rows: list[Row] = []
    changes: list[Change] = []
    for event in events:
        if type(event) is Said:
            kind = _SPEECH.get(event.kind)
            if kind is None or event.unheard:  # TAGMSG is ordered, never stored
                continue
            rows.append(
                (
                    event.stamp,
                    kind,
                    event.channel_id,
                    event.account_id,
                    event.source,
                    event.target,
                    event.target_id,
                    event.text,
                    event.tags,
                )
            )
            if event.held:
                changes.append(("INSERT INTO held VALUES (?, ?)", (event.target_id, event.stamp)))
            continue
        if _has_row(event):
            rows.append(_ROWS[type(event)](event))
        change = CHANGES.get(type(event))
        if change is not None:
            changes.extend(change(event))
    return rows, changes


def _joined(e: Joined) -> Row:
    return (e.stamp, Kind.JOIN, e.channel_id, e.account_id, e.source, e.channel, None, e.realname, "")


def _parted(e: Parted) -> Row:
    return (e.stamp, Kind.PART, e.channel_id, e.account_id, e.source, e.channel, None, e.reason, "")


def _left(e: Left) -> Row:
    return (e.stamp, Kind.QUIT, None, e.account_id, e.source, ",".join(e.channels), None, e.reason, "")


def _nick_changed(e: NickChanged) -> Row:
    return (e.stamp, Kind.NICK, None, e.account_id, e.source, e.nick, None, "", "")


def _topic_changed(e: TopicChanged) -> Row:
    return (e.stamp, Kind.TOPIC, e.channel_id, e.account_id, e.source, e.channel, None, e.text, "")


def _kicked(e: Kicked) -> Row:
    return (e.stamp, Kind.KICK, e.channel_id, e.account_id, e.source, e.channel, None, f"{e.nick} {e.reason}", "")


def _modes_changed(e: ModesChanged) -> Row:
    return (e.stamp, Kind.MODE, e.channel_id, e.account_id, e.source, e.channel, None, _mode_words(e.changes), "")


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
    return (e.stamp, Kind.RENAME, e.channel_id, e.account_id, e.source, e.old, None, f"{e.channel} {e.reason}", "")


def _owner_changed(e: OwnerChanged) -> Row:
    return (e.stamp, Kind.OWNER_CHANGED, e.channel_id, e.account_id, e.source, e.channel, e.owner_id, e.owner or "", "")


def _banned(e: Banned) -> Row:
    text = f"{e.ban.kind.value} {e.ban.reason}"
    return (e.stamp, Kind.BANNED, None, None, e.ban.by, e.ban.mask, None, text, "")


def _about_account(kind: Kind) -> Callable[[Any], Row]:
    return lambda e: (e.stamp, kind, None, e.account_id, "", e.name, None, "", "")


_ROWS: dict[type, Callable[[Any], Row]] = {
    Joined: _joined,
    Parted: _parted,
    Left: _left,
    NickChanged: _nick_changed,
    TopicChanged: _topic_changed,
    Kicked: _kicked,
    ModesChanged: _modes_changed,
    ChannelRenamed: _channel_renamed,
    OwnerChanged: _owner_changed,
    Killed: lambda e: (e.stamp, Kind.KILLED, None, e.account_id, e.source, e.nick, None, e.reason, ""),
    Banned: _banned,
    Unbanned: lambda e: (e.stamp, Kind.UNBANNED, None, None, e.by, e.ban.mask, None, e.ban.kind.value, ""),
    Started: lambda e: (e.stamp, Kind.STARTED, None, None, "", "", None, "", ""),
    AccountAdded: lambda e: (
        e.stamp, Kind.ACCOUNT_ADDED, None, e.account.id, "", e.account.name, None, e.account.role.value, "",
    ),
    PasswordSet: _about_account(Kind.PASSWORD_SET),
    AccountEnabled: lambda e: _about_account(Kind.ACCOUNT_ENABLED if e.enabled else Kind.ACCOUNT_DISABLED)(e),
    AccountRemoved: _about_account(Kind.ACCOUNT_REMOVED),
}  # fmt: skip


def said(row: Row, account: str | None) -> Said:
    """A message out of its row, and the name of its sender's account: the nick need not be that."""
    stamp, kind, channel, account_id, source, target, target_account, text, tags = row
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
        multiline=has_pieces(text),
    )
