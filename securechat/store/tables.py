"""What events change in the tables that hold what lasts, and the chat read out of them again."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Any

from securechat.chat.events import (
    AccountAdded,
    AccountChanged,
    AccountEnabled,
    AccountRemoved,
    Arrived,
    Banned,
    CertificateAdded,
    CertificateRemoved,
    ChannelMade,
    ChannelRenamed,
    Collected,
    DevicesSeen,
    IdsForgotten,
    InviteCodeMade,
    InviteCodeRevoked,
    InviteCodeUsed,
    Joined,
    Kicked,
    MarkerMoved,
    MetadataChanged,
    ModesChanged,
    OwnerChanged,
    Parted,
    PasswordSet,
    Redacted,
    Rehashed,
    Returned,
    SettingsChanged,
    Silenced,
    Started,
    TopicChanged,
    Unbanned,
)
from securechat.chat.machine import Chat
from securechat.chat.model import BanKind, ServerBan
from securechat.irc.names import casefold
from securechat.store import account_tables, channel_tables, user_tables
from securechat.store.schema import Change

__all__ = ["CHANGES", "HELD", "TAKE_HELD", "load", "rewrite_tables"]

TAKE_HELD = "DELETE FROM held WHERE account = ? AND stamp <= ?"
HELD = "SELECT account, stamp FROM held WHERE account = ? AND stamp <= ?"
"""The rows that ``TAKE_HELD`` deletes: nothing else tells which they were, should it have to be taken back."""

_SILENCE = "INSERT INTO silenced VALUES (?, ?)"
# What is set again keeps its place.
_SET_METADATA = "INSERT INTO metadata VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET value = excluded.value"
# What is replaced does not.
_BAN = "INSERT OR REPLACE INTO server_bans VALUES (?, ?, ?, ?, ?, ?, ?)"


def _account_removed(e: AccountRemoved) -> list[Change]:
    return [
        *account_tables.account_removed(e),
        (TAKE_HELD, (e.account_id, e.stamp)),
        ("DELETE FROM silenced WHERE account = ?", (e.account_id,)),
        ("DELETE FROM metadata WHERE owner = ?", (e.account_id,)),
        ("DELETE FROM channel_access WHERE account = ?", (e.account_id,)),
        *user_tables.delete(e.account_id),
        *(change for id in e.orphans for change in channel_tables.delete(id)),
    ]


def _silenced(e: Silenced) -> list[Change]:
    if e.account_id is None:
        return []
    if e.adding:
        return [(_SILENCE, (e.account_id, e.mask))]
    return [("DELETE FROM silenced WHERE account = ? AND mask = ?", (e.account_id, e.mask))]


def _metadata_kept(e: MetadataChanged) -> list[Change]:
    if e.owner_id is None:
        return []
    return [
        (_SET_METADATA, (e.owner_id, key, value))
        if value is not None
        else ("DELETE FROM metadata WHERE owner = ? AND key = ?", (e.owner_id, key))
        for key, value in e.changes
    ]


def _ban(ban: ServerBan) -> Change:
    return (_BAN, (ban.kind.value, casefold(ban.mask), ban.mask, ban.reason, ban.by, ban.at, ban.until))


def _account_changed(e: AccountChanged) -> list[Change]:
    return [*user_tables.account_changed(e), *channel_tables.account_changed(e)]


def _redacted(e: Redacted) -> list[Change]:
    """The text waits where the search index finds it, until it has taken it out (`securechat.store.erasure`)."""
    return [
        (
            "INSERT OR IGNORE INTO erased SELECT stamp, text, tags FROM log WHERE stamp = ? AND redacted IS NULL",
            (e.original,),
        ),
        (
            "UPDATE log SET text = '', tags = '', redacted = ? WHERE stamp = ? AND redacted IS NULL",
            (e.stamp, e.original),
        ),
    ]


CHANGES: dict[type, Callable[[Any], list[Change]]] = {
    Joined: channel_tables.joined,
    Parted: channel_tables.member_gone,
    Kicked: channel_tables.member_gone,
    Returned: channel_tables.returned,
    Started: channel_tables.started,
    AccountChanged: _account_changed,
    Arrived: user_tables.arrived,
    DevicesSeen: user_tables.devices_seen,
    SettingsChanged: user_tables.settings_changed,
    MarkerMoved: user_tables.marker_moved,
    IdsForgotten: user_tables.ids_forgotten,
    Redacted: _redacted,
    ChannelMade: channel_tables.channel_made,
    TopicChanged: channel_tables.topic_kept,
    ModesChanged: channel_tables.modes_kept,
    ChannelRenamed: channel_tables.channel_renamed,
    OwnerChanged: channel_tables.owner_changed,
    MetadataChanged: _metadata_kept,
    Silenced: _silenced,
    Banned: lambda e: [_ban(e.ban)],
    Unbanned: lambda e: [
        ("DELETE FROM server_bans WHERE kind = ? AND key = ?", (e.ban.kind.value, casefold(e.ban.mask)))
    ],
    Collected: lambda e: [(TAKE_HELD, (e.account_id, e.up_to))],
    AccountAdded: account_tables.account_added,
    PasswordSet: account_tables.password_set,
    Rehashed: account_tables.rehashed,
    AccountEnabled: account_tables.account_enabled,
    CertificateAdded: account_tables.certificate_added,
    CertificateRemoved: account_tables.certificate_removed,
    InviteCodeMade: account_tables.code_made,
    InviteCodeRevoked: account_tables.code_revoked,
    InviteCodeUsed: account_tables.code_used,
    AccountRemoved: _account_removed,
}


def rewrite_tables(chat: Chat) -> list[Change]:
    """Statements after which all tables say what the chat says, but for the messages that wait."""
    return [
        *account_tables.DELETE_ALL,
        ("DELETE FROM silenced", ()),
        ("DELETE FROM metadata", ()),
        ("DELETE FROM server_bans", ()),
        *channel_tables.DELETE_ALL,
        *user_tables.DELETE_ALL,
        *account_tables.insert(chat),
        *((_SILENCE, (id, mask)) for id, masks in chat.silenced.items() for mask in masks),
        *((_SET_METADATA, (id, *pair)) for id, metadata in chat.metadata.items() for pair in metadata.items()),
        *(_ban(ban) for ban in chat.bans.values()),
        *user_tables.insert(chat),
        *(
            change
            for channel in chat.channels.values()
            if channel.lasting
            for change in channel_tables.insert(channel)
        ),
    ]  # fmt: skip


def load(connection: sqlite3.Connection) -> Chat:
    """The chat as it was when the last server stopped; nobody is on it.

    Raises ``ValueError`` for what can't have been written by a program of ours.
    """
    bans = [
        ServerBan(BanKind(kind), mask, reason, by, at, until)
        for kind, _, mask, reason, by, at, until in connection.execute("SELECT * FROM server_bans ORDER BY rowid")
    ]
    return Chat(
        accounts=account_tables.load_accounts(connection),
        channels=channel_tables.load_channels(connection),
        held=connection.execute("SELECT account, max(stamp), count(*) FROM held GROUP BY account").fetchall(),
        silenced=connection.execute("SELECT * FROM silenced ORDER BY rowid").fetchall(),
        metadata=connection.execute(
            "SELECT owner, metadata.key, value FROM metadata JOIN accounts ON id = owner ORDER BY metadata.rowid"
        ).fetchall(),
        bans=bans,
        settings=user_tables.load_settings(connection),
        devices=connection.execute("SELECT * FROM devices").fetchall(),
        markers=connection.execute("SELECT * FROM read_markers").fetchall(),
        remembered=connection.execute(
            "SELECT account, channel FROM channel_members JOIN channels ON id = channel WHERE resident"
        ).fetchall(),
        client_ids=user_tables.load_client_ids(connection),
        certificates=account_tables.load_certificates(connection),
        invite_codes=account_tables.load_invite_codes(connection),
        retired=connection.execute("SELECT * FROM retired_names").fetchall(),
    )
