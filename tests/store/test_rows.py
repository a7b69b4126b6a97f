"""What is written down of each event, and that it is enough to go on with."""

import contextlib
import sqlite3
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from securechat.chat.channel import ListEntry
from securechat.chat.events import (
    AccountAdded,
    AccountChanged,
    AccountEnabled,
    AccountRemoved,
    Arrived,
    AwayChanged,
    Banned,
    ChannelMade,
    ChannelRenamed,
    ChannelView,
    Collected,
    Event,
    HostChanged,
    Invited,
    Joined,
    Kicked,
    Killed,
    Left,
    MetadataChanged,
    ModesChanged,
    NickChanged,
    OwnerChanged,
    Parted,
    PasswordSet,
    RealnameChanged,
    Rehashed,
    RulesSet,
    Said,
    SessionsEnded,
    Silenced,
    Started,
    TopicChanged,
    Unbanned,
    UserModesChanged,
    WallopsSaid,
)
from securechat.chat.machine import Applied, Chat
from securechat.chat.model import Account, BanKind, Role, Rules, ServerBan
from securechat.chat.requests import Speech
from securechat.irc.extban import BanMask
from securechat.irc.modes import ModeChange
from securechat.store import rows
from securechat.store.database import Database
from securechat.store.rows import Kind, Row, is_stored, write_down
from securechat.store.schema import SCHEMA, Change
from securechat.store.tables import load, rewrite_tables
from tests.chat.story import story
from tests.store.shop import held, lasting, log, look, still_held, tables, tables_of

ANN = Account(5, "Ann", Role.ADMIN, True, 5, "her hash", 7)
VIEW = ChannelView("#Tea", None, ())


WHO = ("Ann!~a@h", "Ann", 5)
BAN = ServerBan(BanKind.ACCOUNT, "Spam", "go away", "Ann", 9, 30)


def said(kind: Speech = "PRIVMSG", *, waits: bool = False, unheard: bool = False) -> Said:
    return Said(9, kind, "Ann!~a@h", "Ann", 5, "Bob", "hello", "+a=b", (2,), 1, None, 6, (1,), waits, unheard=unheard)


def entry(mask: str) -> ListEntry:
    return ListEntry(BanMask.parse(mask), mask, "Ann!~a@h", 9)


def modes_changed(*words: str, lasting: bool = True, access: tuple[tuple[int, str], ...] = ()) -> ModesChanged:
    """Of words such as ``+b mask``; afterwards the channel has the modes ``mt``, a key and a limit."""
    changes = tuple(ModeChange(word[0] == "+", word[1], word[3:] or None) for word in words)
    lists = [change for change in changes if change.letter in "beI"]
    return ModesChanged(
        9, 4, "#Tea", *WHO, changes, (), (1,), lasting, "mt", "sesame", 30,
        tuple((c.letter, entry(c.parameter or "")) for c in lists if c.adding),
        tuple((c.letter, c.parameter or "") for c in lists if not c.adding),
        access,
    )  # fmt: skip


MODES_KEPT: Change = (
    "UPDATE channels SET flags = ?, join_key = ?, member_limit = ? WHERE id = ?",
    ("mt", "sesame", 30, 4),
)
INSERT_CHANNEL = "INSERT INTO channels VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
SET_ACCESS = "INSERT INTO channel_access VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET modes = excluded.modes"
SET_METADATA = "INSERT INTO metadata VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET value = excluded.value"


def channel_deleted(id: int) -> list[Change]:
    return [
        ("DELETE FROM channels WHERE id = ?", (id,)),
        ("DELETE FROM channel_lists WHERE channel = ?", (id,)),
        ("DELETE FROM channel_access WHERE channel = ?", (id,)),
        ("DELETE FROM metadata WHERE owner = ?", (id,)),
    ]


# Each event with its row and its changes of tables.
EXAMPLES: list[tuple[Event, Row | None, list[Change]]] = [
    (said(), (9, 1, None, 5, "Ann!~a@h", "Bob", 6, "hello", "+a=b"), []),
    (said("NOTICE"), (9, 2, None, 5, "Ann!~a@h", "Bob", 6, "hello", "+a=b"), []),
    (
        said(waits=True),
        (9, 1, None, 5, "Ann!~a@h", "Bob", 6, "hello", "+a=b"),
        [("INSERT INTO held VALUES (?, ?)", (6, 9))],
    ),
    (
        Said(9, "PRIVMSG", "guest!~g@h", None, None, "#Tea", "hello", "", (2,), 1, 4),
        (9, 1, 4, None, "guest!~g@h", "#Tea", None, "hello", ""),
        [],
    ),
    (
        Said(9, "NOTICE", "guest!~g@h", None, None, "@#Tea", "one\ntwo\rthree", "", (2,), 1, 4, multiline=True),
        (9, 2, 4, None, "guest!~g@h", "@#Tea", None, "one\ntwo\rthree", ""),
        [],
    ),
    (said("TAGMSG"), None, []),
    (said(unheard=True), None, []),
    (
        Joined(9, 4, "#Tea", "Ann!~a@h", "Ann", 5, "Ann's name", (1,), (1,), VIEW),
        (9, 3, 4, 5, "Ann!~a@h", "#Tea", None, "Ann's name", ""),
        [],
    ),
    (Parted(9, 4, "#Tea", "Ann!~a@h", "Ann", 5, "bye", (1,)), (9, 4, 4, 5, "Ann!~a@h", "#Tea", None, "bye", ""), []),
    (
        Left(9, "Ann!~a@h", "Ann", 5, "gone", ("#Tea", "#milk"), (1,)),
        (9, 5, None, 5, "Ann!~a@h", "#Tea,#milk", None, "gone", ""),
        [],
    ),
    (Left(9, "Ann!~a@h", "Ann", 5, "gone", (), ()), None, []),
    (NickChanged(9, "Ann!~a@h", "Ann", 5, "anne", (1,), (1,)), (9, 6, None, 5, "Ann!~a@h", "anne", None, "", ""), []),
    (
        TopicChanged(9, 4, "#Tea", "Ann!~a@h", "Ann", 5, "cups", (1,), True),
        (9, 7, 4, 5, "Ann!~a@h", "#Tea", None, "cups", ""),
        [("UPDATE channels SET topic = ?, topic_by = ?, topic_at = ? WHERE id = ?", ("cups", "Ann!~a@h", 9, 4))],
    ),
    (
        TopicChanged(9, 4, "#Tea", "Ann!~a@h", "Ann", 5, "", (1,), True),
        (9, 7, 4, 5, "Ann!~a@h", "#Tea", None, "", ""),
        [("UPDATE channels SET topic = ?, topic_by = ?, topic_at = ? WHERE id = ?", (None, None, None, 4))],
    ),
    (
        TopicChanged(9, 4, "#Tea", "guest!~g@h", None, None, "cups", (1,), False),
        (9, 7, 4, None, "guest!~g@h", "#Tea", None, "cups", ""),
        [],
    ),
    (
        ChannelMade(9, 4, "#Tea", 5),
        None,
        [(INSERT_CHANNEL, (4, "#Tea", "#tea", 5, None, None, None, "nt", None, None))],
    ),
    (
        ChannelMade(9, 4, "#Tea", 0),
        None,
        [(INSERT_CHANNEL, (4, "#Tea", "#tea", 0, None, None, None, "nt", None, None))],
    ),
    (ChannelMade(9, 4, "#Tea", None), None, []),
    (Started(9, Rules()), (9, 32, None, None, "", "", None, "", ""), []),
    (Collected(9, 5, 8), None, [("DELETE FROM held WHERE account = ? AND stamp <= ?", (5, 8))]),
    (
        AccountAdded(9, ANN),
        (9, 33, None, 5, "", "Ann", None, "admin", ""),
        [("INSERT INTO accounts VALUES (?, ?, ?, ?, ?, ?, ?, ?)", (5, "Ann", "ann", "admin", True, 5, "her hash", 7))],
    ),
    (
        PasswordSet(9, 5, "Ann", "new hash"),
        (9, 34, None, 5, "", "Ann", None, "", ""),
        [("UPDATE accounts SET credential = ?, credential_set = ? WHERE id = ?", ("new hash", 9, 5))],
    ),
    (
        Rehashed(9, 5, "new hash"),
        None,
        [("UPDATE accounts SET credential = ? WHERE id = ?", ("new hash", 5))],
    ),
    (
        AccountEnabled(9, 5, "Ann", True),
        (9, 35, None, 5, "", "Ann", None, "", ""),
        [("UPDATE accounts SET enabled = ? WHERE id = ?", (True, 5))],
    ),
    (
        AccountEnabled(9, 5, "Ann", False),
        (9, 36, None, 5, "", "Ann", None, "", ""),
        [("UPDATE accounts SET enabled = ? WHERE id = ?", (False, 5))],
    ),
    (
        AccountRemoved(9, 5, "Ann", (3, 4)),
        (9, 37, None, 5, "", "Ann", None, "", ""),
        [
            ("DELETE FROM accounts WHERE id = ?", (5,)),
            ("DELETE FROM held WHERE account = ? AND stamp <= ?", (5, 9)),
            ("DELETE FROM silenced WHERE account = ?", (5,)),
            ("DELETE FROM metadata WHERE owner = ?", (5,)),
            ("DELETE FROM channel_access WHERE account = ?", (5,)),
            *channel_deleted(3),
            *channel_deleted(4),
        ],
    ),
    (
        Kicked(9, 4, "#Tea", *WHO, "Bob", "away with you", (1,)),
        (9, 8, 4, 5, "Ann!~a@h", "#Tea", None, "Bob away with you", ""),
        [],
    ),
    (
        modes_changed("+m", "-n", "+k sesame", "+l 30", "-o bob", "+v bob"),
        (9, 9, 4, 5, "Ann!~a@h", "#Tea", None, "+m-n+kl-o+v sesame 30 bob bob", ""),
        [MODES_KEPT],
    ),
    (
        modes_changed("-b a!*@*", "+b b!*@*", "-b b!*@*", "+e b!*@*", "+b b!*@*"),
        (9, 9, 4, 5, "Ann!~a@h", "#Tea", None, "-b+b-b+eb a!*@* b!*@* b!*@* b!*@* b!*@*", ""),
        [
            MODES_KEPT,
            ("DELETE FROM channel_lists WHERE channel = ? AND mode = ? AND mask = ?", (4, "b", "a!*@*")),
            ("INSERT INTO channel_lists VALUES (?, ?, ?, ?, ?)", (4, "b", "b!*@*", "Ann!~a@h", 9)),
            ("DELETE FROM channel_lists WHERE channel = ? AND mode = ? AND mask = ?", (4, "b", "b!*@*")),
            ("INSERT INTO channel_lists VALUES (?, ?, ?, ?, ?)", (4, "e", "b!*@*", "Ann!~a@h", 9)),
            ("INSERT INTO channel_lists VALUES (?, ?, ?, ?, ?)", (4, "b", "b!*@*", "Ann!~a@h", 9)),
        ],
    ),
    (
        modes_changed(access=((6, "ov"), (7, ""))),
        None,
        [
            MODES_KEPT,
            (SET_ACCESS, (4, 6, "ov")),
            ("DELETE FROM channel_access WHERE channel = ? AND account = ?", (4, 7)),
        ],
    ),
    (
        modes_changed("+m", "+b a!*@*", lasting=False),
        (9, 9, 4, 5, "Ann!~a@h", "#Tea", None, "+mb a!*@*", ""),
        [],
    ),
    (modes_changed(), None, []),
    (
        ChannelRenamed(9, 4, "#Tea", "#Tee", *WHO, "German now", (1,), VIEW, True),
        (9, 10, 4, 5, "Ann!~a@h", "#Tea", None, "#Tee German now", ""),
        [("UPDATE channels SET name = ?, key = ? WHERE id = ?", ("#Tee", "#tee", 4))],
    ),
    (
        ChannelRenamed(9, 4, "#Tea", "#Tee", "guest!~g@h", None, None, "", (1,), VIEW, False),
        (9, 10, 4, None, "guest!~g@h", "#Tea", None, "#Tee ", ""),
        [],
    ),
    (
        OwnerChanged(9, 4, "#Tea", "Ann!~a@h", 5, None, None, (1,)),
        (9, 38, 4, 5, "Ann!~a@h", "#Tea", None, "", ""),
        channel_deleted(4),
    ),
    (
        OwnerChanged(9, 4, "#Tea", "Ann!~a@h", 5, "Bob", 6, (1,)),
        (9, 38, 4, 5, "Ann!~a@h", "#Tea", 6, "Bob", ""),
        channel_deleted(4),
    ),
    (
        MetadataChanged(9, 1, "Ann", 5, (("url", "here"), ("note", None)), (1,)),
        None,
        [
            (SET_METADATA, (5, "url", "here")),
            ("DELETE FROM metadata WHERE owner = ? AND key = ?", (5, "note")),
        ],
    ),
    (MetadataChanged(9, 1, "Ann", 5, (), (1,)), None, []),
    (MetadataChanged(9, 1, "guest", None, (("url", "here"),), (1,)), None, []),
    (
        Silenced(9, "Ann!~a@h", 5, True, "*!*@Spam", (1,)),
        None,
        [("INSERT INTO silenced VALUES (?, ?)", (5, "*!*@Spam"))],
    ),
    (
        Silenced(9, "Ann!~a@h", 5, False, "*!*@Spam", (1,)),
        None,
        [("DELETE FROM silenced WHERE account = ? AND mask = ?", (5, "*!*@Spam"))],
    ),
    (Silenced(9, "guest!~g@h", None, True, "*!*@Spam", (1,)), None, []),
    (
        Killed(9, "Ann!~a@h", 5, "Bob", "enough"),
        (9, 39, None, 5, "Ann!~a@h", "Bob", None, "enough", ""),
        [],
    ),
    (
        Banned(9, BAN, 1),
        (9, 40, None, None, "Ann", "Spam", None, "account go away", ""),
        [
            (
                "INSERT OR REPLACE INTO server_bans VALUES (?, ?, ?, ?, ?, ?, ?)",
                ("account", "spam", "Spam", "go away", "Ann", 9, 30),
            )
        ],
    ),
    (
        Unbanned(9, BAN, "the operator", None),
        (9, 41, None, None, "the operator", "Spam", None, "account", ""),
        [("DELETE FROM server_bans WHERE kind = ? AND key = ?", ("account", "spam"))],
    ),
    (RulesSet(9, Rules()), None, []),
    (AwayChanged(9, 1, *WHO, "tea", "tea", True, (2,)), None, []),
    (RealnameChanged(9, *WHO, "Anne", (1,), (1,)), None, []),
    (AccountChanged(9, 1, *WHO, (1,), (1,)), None, []),
    (HostChanged(9, *WHO, "~a", "other", (1,), (1,)), None, []),
    (UserModesChanged(9, "Ann", "Ann!~a@h", (ModeChange(True, "w"),), (1,), "w"), None, []),
    (Invited(9, "#Tea", *WHO, "Bob", (2,), ()), None, []),
    (WallopsSaid(9, *WHO, "listen", (1,)), None, []),
    (Arrived(9, 1, "Ann", "Ann!~a@h", "Ann", 5, (VIEW,), 8), None, []),
    (SessionsEnded(9, (1,), "gone"), None, []),
]


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    with contextlib.closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        connection.executescript(SCHEMA)
        yield connection


@pytest.mark.parametrize(("event", "row", "changes"), EXAMPLES, ids=lambda value: type(value).__name__)
def test_what_is_written_down(
    connection: sqlite3.Connection, event: Event, row: Row | None, changes: list[Change]
) -> None:
    assert write_down([event]) == ([row] if row is not None else [], changes)
    assert is_stored(event) == (row is not None or changes != [])
    if row is not None:
        connection.execute(rows.INSERT_LOG, row)
        assert log(connection) == [row]
    for statement, parameters in changes:
        connection.execute(statement, parameters)


def test_there_is_an_example_of_every_event() -> None:
    assert {type(event) for event, _, _ in EXAMPLES} == set(get_args(Event))


PASSING = (
    AccountChanged, AwayChanged, HostChanged, Invited, MetadataChanged, RealnameChanged, Silenced, UserModesChanged,
    WallopsSaid,
)  # fmt: skip
"""What people see of each other and nobody looks up later: at most what it leaves behind is kept."""


def test_what_people_see_in_channels_and_say_to_each_other_is_stored() -> None:
    """All that has an audience, but for what passes, what changes nothing, and what somebody does not want to hear."""
    for event, row, _ in EXAMPLES:
        if "audience" in {field.name for field in fields(event)} and not isinstance(event, PASSING):
            nothing = (
                event in (said("TAGMSG"), said(unheard=True))
                or (type(event) is ModesChanged and not event.changes)
                or (type(event) is Left and not event.channels)
            )
            assert (row is None) is nothing


def test_the_numbers_of_the_kinds_stay() -> None:
    """They are in people's files."""
    assert {kind.name: kind.value for kind in Kind} == {
        "PRIVMSG": 1, "NOTICE": 2, "JOIN": 3, "PART": 4, "QUIT": 5, "NICK": 6, "TOPIC": 7,
        "KICK": 8, "MODE": 9, "RENAME": 10,
        "STARTED": 32, "ACCOUNT_ADDED": 33, "PASSWORD_SET": 34, "ACCOUNT_ENABLED": 35, "ACCOUNT_DISABLED": 36,
        "ACCOUNT_REMOVED": 37, "OWNER_CHANGED": 38, "KILLED": 39, "BANNED": 40, "UNBANNED": 41,
    }  # fmt: skip


def test_events_of_one_batch_stay_in_order() -> None:
    events = [event for event, _, _ in EXAMPLES]
    log, changes = write_down(events)
    assert log == [row for _, row, _ in EXAMPLES if row is not None]
    assert changes == [change for _, _, changes in EXAMPLES for change in changes]


@pytest.mark.parametrize("at_once", [1, 1000])
def test_a_story_is_read_back(tmp_path: Path, at_once: int) -> None:
    """Every kind of event, in transactions of one request, and all in a single one."""
    told = story()
    database = Database(tmp_path / "db", "normal")
    chat, events = Chat(), list[Event]()
    for number, (stamp, request) in enumerate(told.log, 1):
        outcome = chat.apply(stamp, request)
        if isinstance(outcome, Applied):
            events += outcome.events
        if number % at_once == 0 or number == len(told.log):
            database.write(events, chat)
            events = []
    database.close()
    with look(tmp_path / "db") as (chat, last, connection):
        assert lasting(chat) == lasting(told.chat)
        assert chat.rules == Rules(), "which come with the start"
        assert not chat.users
        assert tables(connection) == tables_of(told.chat)
        assert log(connection) == write_down(told.events)[0]
        assert held(connection) == still_held(told.events)
        assert last == max(event.stamp for event in told.events if is_stored(event))


def test_the_tables_are_written_anew_from_a_chat(connection: sqlite3.Connection) -> None:
    chat = story().chat
    chat.held.clear()  # which are not known from the chat alone
    for _ in range(2):
        for statement, parameters in rewrite_tables(chat):
            connection.execute(statement, parameters)
        assert lasting(load(connection)) == lasting(chat)


words = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0") | st.sampled_from("\r\n"))


@given(
    st.sampled_from(["PRIVMSG", "NOTICE"]),
    words,
    words,
    st.sampled_from([(None, None), ("Ann", 5)]),
    st.sampled_from([("#tea", 4, None), ("@#tea", 4, None), ("bob", None, 6), ("guest", None, None)]),
)
def test_a_message_is_read_back(
    kind: Speech, text: str, tags: str, by: tuple[str | None, int | None], to: tuple[str, int | None, int | None]
) -> None:
    target, channel_id, target_id = to
    several = "\n" in text or "\r" in text
    event = Said(9, kind, "nick!~u@h", *by, target, text, tags, (), 0, channel_id, target_id, multiline=several)
    with contextlib.closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        connection.executescript(SCHEMA)
        connection.executemany(rows.INSERT_LOG, write_down([event])[0])
        (row,) = log(connection)
    assert rows.said(row, by[0]) == event
