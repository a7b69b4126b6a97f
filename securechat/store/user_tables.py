"""The tables of what accounts have chosen and seen: settings, devices, read markers, ids of messages."""

from __future__ import annotations

import sqlite3

from securechat.chat.client_ids import LIFETIME
from securechat.chat.devices import here
from securechat.chat.events import (
    AccountChanged,
    Arrived,
    DeviceSeen,
    DevicesSeen,
    IdsForgotten,
    MarkerMoved,
    SettingsChanged,
)
from securechat.chat.machine import Chat
from securechat.chat.model import Settings
from securechat.store.schema import Change

__all__ = [
    "DELETE_ALL",
    "account_changed",
    "arrived",
    "delete",
    "devices_seen",
    "ids_forgotten",
    "insert",
    "load_client_ids",
    "load_settings",
    "marker_moved",
    "settings_changed",
]

MAX_CLIENT_IDS = 500_000
"""That a start reads: those of a day, on all but the busiest servers."""

_SET_DEVICE = (
    "INSERT INTO devices VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET seen = excluded.seen, here = excluded.here"
)
_DEVICE_HERE = "INSERT INTO devices VALUES (?, ?, ?, 1) ON CONFLICT DO UPDATE SET here = 1"
_KEEP_ID = "INSERT OR IGNORE INTO client_ids VALUES (?, ?, ?)"
_SET_MARKER = "INSERT INTO read_markers VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET at = excluded.at"
_FORGET_MARKER = "DELETE FROM read_markers WHERE account = ? AND target = ?"
_SET_SETTINGS = "INSERT OR REPLACE INTO account_settings VALUES (?, ?, ?, ?, ?, ?)"

DELETE_ALL: list[Change] = [
    ("DELETE FROM devices", ()),
    ("DELETE FROM read_markers", ()),
    ("DELETE FROM account_settings", ()),
]
"""Without the ids of messages: of those that are there nothing changes."""


def arrived(e: Arrived) -> list[Change]:
    return [(_DEVICE_HERE, (e.account_id, name, e.stamp)) for name in e.devices]


def account_changed(e: AccountChanged) -> list[Change]:
    return [(_DEVICE_HERE, (e.account_id, "", e.stamp))] if e.account_id is not None else []


def devices_seen(e: DevicesSeen) -> list[Change]:
    return [_device(device) for device in e.devices]


def _device(device: DeviceSeen) -> Change:
    if device.seen is None:
        return ("DELETE FROM devices WHERE account = ? AND name = ?", (device.account_id, device.name))
    return (_SET_DEVICE, (device.account_id, device.name, device.seen, device.here))


def settings_changed(e: SettingsChanged) -> list[Change]:
    return [_settings(e.account_id, e.settings)]


def _settings(account_id: int, settings: Settings) -> Change:
    if settings == Settings():
        return ("DELETE FROM account_settings WHERE account = ?", (account_id,))
    values = settings.replay, settings.always_on, settings.username, settings.host, settings.realname
    return (_SET_SETTINGS, (account_id, *values))


def marker_moved(e: MarkerMoved) -> list[Change]:
    if e.account_id is None or not e.changed:
        return []
    changes: list[Change] = [(_SET_MARKER, (e.account_id, e.key, e.ms))]
    changes += [(_FORGET_MARKER, (e.account_id, key)) for key in e.dropped]
    return changes


def ids_forgotten(e: IdsForgotten) -> list[Change]:
    return [("DELETE FROM client_ids WHERE stamp < ?", (e.before,))]


def delete(account_id: int) -> list[Change]:
    """All of an account, if there is any."""
    return [
        (f"DELETE FROM {table} WHERE account = ?", (account_id,))  # noqa: S608 - our own names
        for table in ("devices", "read_markers", "account_settings", "client_ids", "channel_members")
    ]


def insert(chat: Chat) -> list[Change]:
    """All of all accounts, where nothing of them is in the tables."""
    there = here(chat)
    return [
        *(
            (_SET_DEVICE, (account_id, name, seen, name in there.get(account_id, ())))
            for account_id, devices in chat.devices.items()
            for name, seen in devices.items()
        ),
        *((_SET_MARKER, (id, *marker)) for id, markers in chat.markers.items() for marker in markers.items()),
        *(_settings(account_id, settings) for account_id, settings in chat.settings.items()),
        *(
            (_KEEP_ID, (at, account_id, client_id))
            for account_id, ids in chat.client_ids.items()
            if account_id in chat.accounts_by_id
            for client_id, at in ids.items()
        ),
    ]


def load_settings(connection: sqlite3.Connection) -> list[tuple[int, Settings]]:
    return [
        (account_id, Settings(replay, bool(always_on), username, host, realname))
        for account_id, replay, always_on, username, host, realname in connection.execute(
            "SELECT * FROM account_settings"
        )
    ]


def load_client_ids(connection: sqlite3.Connection) -> list[tuple[int, int, str]]:
    """Those of a day before the last message, in order."""
    return connection.execute(
        "SELECT * FROM (SELECT * FROM client_ids WHERE stamp > (SELECT max(stamp) FROM client_ids) - ? "
        "ORDER BY stamp DESC LIMIT ?) ORDER BY stamp",
        (LIFETIME, MAX_CLIENT_IDS),
    ).fetchall()
