"""The tables of channels that last: the channels themselves, their lists, and what accounts are in them."""

from __future__ import annotations

import sqlite3

from securechat.chat.channel import Channel, ListEntry, Topic
from securechat.chat.events import (
    AccountChanged,
    ChannelMade,
    ChannelRecord,
    ChannelRenamed,
    Joined,
    Kicked,
    ModesChanged,
    OwnerChanged,
    Parted,
    Returned,
    Started,
    TopicChanged,
    record,
)
from securechat.irc.extban import BanMask
from securechat.irc.names import casefold
from securechat.store.schema import Change

__all__ = [
    "DELETE_ALL",
    "account_changed",
    "channel_made",
    "channel_renamed",
    "delete",
    "insert",
    "joined",
    "load_channels",
    "member_gone",
    "modes_kept",
    "owner_changed",
    "returned",
    "started",
    "topic_kept",
]

_INSERT = "INSERT INTO channels VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_INSERT_ENTRY = "INSERT INTO channel_lists VALUES (?, ?, ?, ?, ?)"
_DELETE_ENTRY = "DELETE FROM channel_lists WHERE channel = ? AND mode = ? AND mask = ?"
_SET_ACCESS = "INSERT INTO channel_access VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET modes = excluded.modes"
_SET_MEMBER = (
    "INSERT INTO channel_members VALUES (?, ?, ?, ?) "
    "ON CONFLICT DO UPDATE SET reads_from = excluded.reads_from, resident = excluded.resident"
)
_FORGET_MEMBER = "UPDATE channel_members SET resident = 0 WHERE channel = ? AND account = ?"
_SET_METADATA = "INSERT INTO metadata VALUES (?, ?, ?)"

DELETE_ALL: list[Change] = [
    ("DELETE FROM channels", ()),
    ("DELETE FROM channel_lists", ()),
    ("DELETE FROM channel_access", ()),
    ("DELETE FROM channel_members", ()),
]
"""Without the channels' metadata, which stand in one table with those of accounts."""


def channel_made(e: ChannelMade) -> list[Change]:
    if e.founder is None:  # it goes with its last member
        return []
    id = e.channel_id
    return insert(Channel(id=id, name=e.name, key=casefold(e.name), created=id, founder=e.founder))


def insert(channel: Channel) -> list[Change]:
    """All of a channel that lasts, where nothing of it is in the tables."""
    assert channel.founder is not None
    return [
        *_insert(channel.id, channel.name, channel.founder, record(channel)),
        *((_SET_ACCESS, (channel.id, account_id, modes)) for account_id, modes in channel.access.items()),
    ]


def _insert(id: int, name: str, founder: int, record: ChannelRecord) -> list[Change]:
    topic = record.topic
    values = (
        id,
        name,
        casefold(name),
        founder,
        topic.text if topic else None,
        topic.by if topic else None,
        topic.at if topic else None,
        record.flags,
        record.join_key,
        record.limit,
        record.open_since,
    )
    return [
        (_INSERT, values),
        *(_insert_entry(id, letter, entry) for letter, entry in record.lists),
        *((_SET_METADATA, (id, key, value)) for key, value in record.metadata),
        *((_SET_MEMBER, (id, *reader)) for reader in record.readers),
    ]


def _insert_entry(channel_id: int, letter: str, entry: ListEntry) -> Change:
    return (_INSERT_ENTRY, (channel_id, letter, entry.text, entry.by, entry.at))


def delete(channel_id: int) -> list[Change]:
    """All of a channel, if anything of it is there."""
    return [
        ("DELETE FROM channels WHERE id = ?", (channel_id,)),
        ("DELETE FROM channel_lists WHERE channel = ?", (channel_id,)),
        ("DELETE FROM channel_access WHERE channel = ?", (channel_id,)),
        ("DELETE FROM channel_members WHERE channel = ?", (channel_id,)),
        ("DELETE FROM metadata WHERE owner = ?", (channel_id,)),
    ]


def topic_kept(e: TopicChanged) -> list[Change]:
    if not e.lasting:
        return []
    values = (e.text, e.source, e.stamp) if e.text else (None, None, None)
    return [("UPDATE channels SET topic = ?, topic_by = ?, topic_at = ? WHERE id = ?", (*values, e.channel_id))]


def channel_renamed(e: ChannelRenamed) -> list[Change]:
    if not e.lasting:
        return []
    return [("UPDATE channels SET name = ?, key = ? WHERE id = ?", (e.channel, casefold(e.channel), e.channel_id))]


def owner_changed(e: OwnerChanged) -> list[Change]:
    if e.owner_id is None:
        return delete(e.channel_id)
    if e.record is not None:
        return _insert(e.channel_id, e.channel, e.owner_id, e.record)
    return [("UPDATE channels SET founder = ? WHERE id = ?", (e.owner_id, e.channel_id))]


def modes_kept(e: ModesChanged) -> list[Change]:
    if not e.lasting or not (e.changes or e.access):
        return []
    id = e.channel_id
    return [
        (
            "UPDATE channels SET flags = ?, join_key = ?, member_limit = ?, open_since = ? WHERE id = ?",
            (e.flags, e.join_key, e.limit, e.open_since, id),
        ),
        # First: a mask that was taken out and put in again, differently written perhaps, is among both.
        *((_DELETE_ENTRY, (id, letter, mask)) for letter, mask in e.removed),
        *(_insert_entry(id, letter, entry) for letter, entry in e.added),
        *(
            (_SET_ACCESS, (id, account_id, modes))
            if modes
            else ("DELETE FROM channel_access WHERE channel = ? AND account = ?", (id, account_id))
            for account_id, modes in e.access
        ),
    ]


def joined(e: Joined) -> list[Change]:
    if e.reads_from is None:
        return []
    return [(_SET_MEMBER, (e.channel_id, e.account_id, e.reads_from, e.resident))]


def member_gone(e: Parted | Kicked) -> list[Change]:
    return [(_FORGET_MEMBER, (e.channel_id, e.member_id))] if e.member_id is not None else []


def returned(e: Returned) -> list[Change]:
    return [(_FORGET_MEMBER, (id, e.account_id)) for id in e.forgotten]


def account_changed(e: AccountChanged) -> list[Change]:
    return [(_SET_MEMBER, (id, e.account_id, at, resident)) for id, at, resident in e.places]


def started(e: Started) -> list[Change]:
    return [(_FORGET_MEMBER, (channel_id, account_id)) for account_id, channel_id in e.forgotten]


def load_channels(connection: sqlite3.Connection) -> list[Channel]:
    """Raises ``ValueError`` for what can't have been written by a program of ours."""
    channels: dict[int, Channel] = {}
    for id, name, key, founder, topic, by, at, *modes in connection.execute("SELECT * FROM channels"):
        channel = channels[id] = Channel(id=id, name=name, key=key, created=id, founder=founder)
        channel.topic = Topic(topic, by, at) if topic else None
        channel.flags, channel.join_key, channel.limit, channel.open_since = modes
    for id, letter, mask, by, at in connection.execute(
        "SELECT channel_lists.* FROM channel_lists JOIN channels ON id = channel ORDER BY channel_lists.rowid"
    ):
        if letter not in channels[id].lists:
            raise ValueError(f"{letter!r} is not a list of a channel")
        channels[id].lists[letter][casefold(mask)] = ListEntry(BanMask.parse(mask), mask, by, at)
    for id, account_id, letters in connection.execute(
        "SELECT channel_access.* FROM channel_access JOIN channels ON id = channel ORDER BY channel_access.rowid"
    ):
        channels[id].access[account_id] = letters
    for id, account_id, reads_from in connection.execute(
        "SELECT channel, account, reads_from FROM channel_members JOIN channels ON id = channel"
    ):
        channels[id].readers[account_id] = reads_from
    for id, key, value in connection.execute(
        "SELECT owner, metadata.key, value FROM metadata JOIN channels ON id = owner ORDER BY metadata.rowid"
    ):
        channels[id].metadata[key] = value
    for channel in channels.values():
        channel.changed()
    return list(channels.values())
