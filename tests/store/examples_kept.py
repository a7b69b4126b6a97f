"""Events that tell what is kept of who came, and of messages afterwards; each with its row and changes of tables."""

from securechat.chat.events import (
    Arrived,
    ChannelView,
    DeviceSeen,
    DevicesSeen,
    Event,
    IdsForgotten,
    MarkerMoved,
    Place,
    Redacted,
    Returned,
    SaidBefore,
    SettingsChanged,
)
from securechat.chat.model import Settings
from securechat.store.rows import Row
from securechat.store.schema import Change

WHO = ("Ann!~a@h", "Ann", 5)
VIEW = ChannelView("#Tea", None, ())

DEVICE_HERE = "INSERT INTO devices VALUES (?, ?, ?, 1) ON CONFLICT DO UPDATE SET here = 1"
SET_DEVICE = (
    "INSERT INTO devices VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET seen = excluded.seen, here = excluded.here"
)
SET_MARKER = "INSERT INTO read_markers VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET at = excluded.at"
IN_CHANNEL = "INSERT INTO log_channels VALUES (?, ?)"
FORGET_MEMBER = "UPDATE channel_members SET resident = 0 WHERE channel = ? AND account = ?"
TAKEN_BACK: list[Change] = [
    ("INSERT OR IGNORE INTO erased SELECT stamp, text, tags FROM log WHERE stamp = ? AND redacted IS NULL", (8,)),
    ("UPDATE log SET text = '', tags = '', redacted = ? WHERE stamp = ? AND redacted IS NULL", (9, 8)),
]

KEPT: list[tuple[Event, Row | None, list[Change]]] = [
    (Arrived(9, 1, "guest", "guest!~g@h", None, None, (VIEW,), 8), None, []),
    (
        Arrived(9, 1, "Ann", "Ann!~a@h", "Ann", 5, (VIEW,), 8, devices=("phone", "")),
        None,
        [(DEVICE_HERE, (5, "phone", 9)), (DEVICE_HERE, (5, "", 9))],
    ),
    (
        Returned(9, "Ann", *WHO, "Ann's name", (Place(4, "#Tea", "o", (2,)), Place(3, "#milk", "", ())), True),
        (9, 3, None, 5, "Ann!~a@h", "#Tea,#milk", None, "Ann's name", "", True),
        [(IN_CHANNEL, (4, 9)), (IN_CHANNEL, (3, 9))],
    ),
    (
        Returned(9, "Ann", *WHO, "Ann's name", (), forgotten=(4, 3)),
        None,
        [(FORGET_MEMBER, (4, 5)), (FORGET_MEMBER, (3, 5))],
    ),
    (
        DevicesSeen(9, (DeviceSeen(5, "phone", 8), DeviceSeen(5, "", 7, True), DeviceSeen(5, "old", None))),
        None,
        [
            (SET_DEVICE, (5, "phone", 8, False)),
            (SET_DEVICE, (5, "", 7, True)),
            ("DELETE FROM devices WHERE account = ? AND name = ?", (5, "old")),
        ],
    ),
    (
        SettingsChanged(9, 5, "replay", Settings(7, True, "~a", "h", "Ann's name"), (1,)),
        None,
        [("INSERT OR REPLACE INTO account_settings VALUES (?, ?, ?, ?, ?, ?)", (5, 7, True, "~a", "h", "Ann's name"))],
    ),
    (
        SettingsChanged(9, 5, "always-on", Settings(), (1,)),
        None,
        [("DELETE FROM account_settings WHERE account = ?", (5,))],
    ),
    (
        MarkerMoved(9, 1, 5, "#Tea", "#4", 1000, True, (1,), ("bob", "eve")),
        None,
        [
            (SET_MARKER, (5, "#4", 1000)),
            ("DELETE FROM read_markers WHERE account = ? AND target = ?", (5, "bob")),
            ("DELETE FROM read_markers WHERE account = ? AND target = ?", (5, "eve")),
        ],
    ),
    (MarkerMoved(9, 1, 5, "#Tea", "#4", 1000, False, (1,)), None, []),
    (MarkerMoved(9, 1, None, "#Tea", "#4", 1000, True, (1,)), None, []),
    (
        Redacted(9, 8, 4, *WHO, "@#Tea", None, "a slip", (1,)),
        (9, 11, 4, 5, "Ann!~a@h", "@#Tea", None, "0000000000008 a slip", "", False),
        TAKEN_BACK,
    ),
    (
        Redacted(9, 8, None, *WHO, "Bob", 6, "", (2,), (1,), True),
        (9, 11, None, 5, "Ann!~a@h", "Bob", 6, "0000000000008 ", "", True),
        TAKEN_BACK,
    ),
    (SaidBefore(9, 1, 8), None, []),
    (IdsForgotten(9, 8), None, [("DELETE FROM client_ids WHERE stamp < ?", (8,))]),
]
