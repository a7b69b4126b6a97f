"""How events are written down: rows of the log, and changes of the tables that hold what lasts."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable
from enum import IntEnum
from typing import Any

from securechat.chat.events import (
    AccountAdded,
    AccountEnabled,
    AccountRemoved,
    ChannelMade,
    Collected,
    Event,
    Joined,
    Left,
    NickChanged,
    Parted,
    PasswordSet,
    Rehashed,
    Said,
    Started,
    TopicChanged,
)
from securechat.chat.machine import Chat
from securechat.chat.model import Account, Channel, Role, Topic
from securechat.irc.names import casefold

__all__ = [
    "HELD",
    "INSERT_LOG",
    "TAKE_HELD",
    "Change",
    "Kind",
    "Row",
    "is_stored",
    "load",
    "rewrite_tables",
    "said",
    "write_down",
]

Row = tuple[int, int, int | None, int | None, str, str, int | None, str, str]
Change = tuple[str, tuple[Any, ...]]
"""An SQL statement and its parameters."""

INSERT_LOG = "INSERT INTO log VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
TAKE_HELD = "DELETE FROM held WHERE account = ? AND stamp <= ?"
HELD = "SELECT account, stamp FROM held WHERE account = ? AND stamp <= ?"
"""The rows that ``TAKE_HELD`` deletes: nothing else tells which they were, should it have to be taken back."""


class Kind(IntEnum):
    """What a row of the log says. The numbers are in people's files: they are never given another meaning."""

    PRIVMSG = 1
    NOTICE = 2
    JOIN = 3
    PART = 4
    QUIT = 5
    NICK = 6
    TOPIC = 7
    STARTED = 32
    ACCOUNT_ADDED = 33
    PASSWORD_SET = 34
    ACCOUNT_ENABLED = 35
    ACCOUNT_DISABLED = 36
    ACCOUNT_REMOVED = 37


_SPEECH = {"PRIVMSG": int(Kind.PRIVMSG), "NOTICE": int(Kind.NOTICE)}


def is_stored(event: Event) -> bool:
    """Whether anything of an event is kept."""
    if type(event) is Said:
        return event.kind in _SPEECH
    if type(event) is Left:
        return bool(event.channels)  # nobody saw the others
    if type(event) is ChannelMade:
        return event.founder is not None  # one without goes with its last member
    return type(event) in _ROWS or type(event) in _CHANGES


def write_down(events: Iterable[Event]) -> tuple[list[Row], list[Change]]:
    """The rows and the changes of tables that are to be committed for these events."""
    rows: list[Row] = []
    changes: list[Change] = []
    for event in events:
        if type(event) is Said:
            kind = _SPEECH.get(event.kind)
            if kind is None:  # TAGMSG is ordered, never stored
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
        if not is_stored(event):
            continue
        row = _ROWS.get(type(event))
        if row is not None:
            rows.append(row(event))
        change = _CHANGES.get(type(event))
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


def _about_account(kind: Kind) -> Callable[[Any], Row]:
    return lambda e: (e.stamp, kind, None, e.account_id, "", e.name, None, "", "")


_ROWS: dict[type, Callable[[Any], Row]] = {
    Joined: _joined,
    Parted: _parted,
    Left: _left,
    NickChanged: _nick_changed,
    TopicChanged: _topic_changed,
    Started: lambda e: (e.stamp, Kind.STARTED, None, None, "", "", None, "", ""),
    AccountAdded: lambda e: (
        e.stamp, Kind.ACCOUNT_ADDED, None, e.account.id, "", e.account.name, None, e.account.role.value, "",
    ),
    PasswordSet: _about_account(Kind.PASSWORD_SET),
    AccountEnabled: lambda e: _about_account(Kind.ACCOUNT_ENABLED if e.enabled else Kind.ACCOUNT_DISABLED)(e),
    AccountRemoved: _about_account(Kind.ACCOUNT_REMOVED),
}  # fmt: skip


def _insert_account(account: Account) -> Change:
    return (
        "INSERT INTO accounts VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            account.id,
            account.name,
            casefold(account.name),
            account.role.value,
            account.enabled,
            account.created,
            account.credential,
            account.credential_set,
        ),
    )


def _insert_channel(channel: Channel) -> Change:
    topic = channel.topic
    return (
        "INSERT INTO channels VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            channel.id,
            channel.name,
            channel.key,
            channel.founder,
            topic.text if topic else None,
            topic.by if topic else None,
            topic.at if topic else None,
        ),
    )


def _channel_made(e: ChannelMade) -> list[Change]:
    return [
        (
            "INSERT INTO channels VALUES (?, ?, ?, ?, NULL, NULL, NULL)",
            (e.channel_id, e.name, casefold(e.name), e.founder),
        )
    ]


def _topic_kept(e: TopicChanged) -> list[Change]:
    if not e.lasting:
        return []
    values = (e.text, e.source, e.stamp) if e.text else (None, None, None)
    return [("UPDATE channels SET topic = ?, topic_by = ?, topic_at = ? WHERE id = ?", (*values, e.channel_id))]


def _account_removed(e: AccountRemoved) -> list[Change]:
    return [
        ("DELETE FROM accounts WHERE id = ?", (e.account_id,)),
        (TAKE_HELD, (e.account_id, e.stamp)),
        *(("DELETE FROM channels WHERE id = ?", (id,)) for id in e.orphans),
    ]


_CHANGES: dict[type, Callable[[Any], list[Change]]] = {
    ChannelMade: _channel_made,
    TopicChanged: _topic_kept,
    Collected: lambda e: [(TAKE_HELD, (e.account_id, e.up_to))],
    AccountAdded: lambda e: [_insert_account(e.account)],
    PasswordSet: lambda e: [
        ("UPDATE accounts SET credential = ?, credential_set = ? WHERE id = ?", (e.credential, e.stamp, e.account_id))
    ],
    Rehashed: lambda e: [("UPDATE accounts SET credential = ? WHERE id = ?", (e.credential, e.account_id))],
    AccountEnabled: lambda e: [("UPDATE accounts SET enabled = ? WHERE id = ?", (e.enabled, e.account_id))],
    AccountRemoved: _account_removed,
}


def rewrite_tables(chat: Chat) -> list[Change]:
    """Statements after which the tables of accounts and channels say what the chat says."""
    return [
        ("DELETE FROM accounts", ()),
        *(_insert_account(account) for account in chat.accounts.values()),
        ("DELETE FROM channels", ()),
        *(_insert_channel(channel) for channel in chat.channels.values() if channel.lasting),
    ]


def load(connection: sqlite3.Connection) -> Chat:
    """The chat as it was when the last server stopped; nobody is on it."""
    accounts = [
        Account(id, name, Role(role), bool(enabled), created, credential, credential_set)
        for id, name, _, role, enabled, created, credential, credential_set in connection.execute(
            "SELECT * FROM accounts"
        )
    ]
    channels = []
    for id, name, key, founder, topic, by, at in connection.execute("SELECT * FROM channels"):
        channel = Channel(id=id, name=name, key=key, created=id, founder=founder)
        channel.topic = Topic(topic, by, at) if topic else None
        channels.append(channel)
    held = connection.execute("SELECT account, max(stamp), count(*) FROM held GROUP BY account").fetchall()
    return Chat(accounts=accounts, channels=channels, held=held)


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
    )
