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

from securechat.chat.events import (
    AccountAdded,
    AccountEnabled,
    AccountRemoved,
    Arrived,
    ChannelMade,
    ChannelView,
    Collected,
    Event,
    Joined,
    Left,
    NickChanged,
    Parted,
    PasswordSet,
    Rehashed,
    Said,
    SessionsEnded,
    Started,
    TopicChanged,
)
from securechat.chat.model import Account, Role, Rules
from securechat.chat.requests import Speech
from securechat.store import rows
from securechat.store.database import Database
from securechat.store.rows import Change, Kind, Row, is_stored, write_down
from securechat.store.schema import SCHEMA
from tests.chat.story import story
from tests.store.shop import held, lasting, log, look, still_held

ANN = Account(5, "Ann", Role.ADMIN, True, 5, "her hash", 7)
VIEW = ChannelView("#Tea", None, ())


def said(kind: Speech = "PRIVMSG", *, waits: bool = False) -> Said:
    return Said(9, kind, "Ann!~a@h", "Ann", 5, "Bob", "hello", "+a=b", (2,), 1, None, 6, (1,), waits)


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
    (said("TAGMSG"), None, []),
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
        [("INSERT INTO channels VALUES (?, ?, ?, ?, NULL, NULL, NULL)", (4, "#Tea", "#tea", 5))],
    ),
    (
        ChannelMade(9, 4, "#Tea", 0),
        None,
        [("INSERT INTO channels VALUES (?, ?, ?, ?, NULL, NULL, NULL)", (4, "#Tea", "#tea", 0))],
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
            ("DELETE FROM channels WHERE id = ?", (3,)),
            ("DELETE FROM channels WHERE id = ?", (4,)),
        ],
    ),
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


def test_whoever_sees_something_of_somebody_else_sees_what_is_stored() -> None:
    """All that has an audience, but for TAGMSG and the leave of somebody whom nobody saw."""
    for event, row, _ in EXAMPLES:
        if "audience" in {field.name for field in fields(event)} and event not in (said("TAGMSG"),):
            assert row is not None or getattr(event, "audience") == ()  # noqa: B009


def test_the_numbers_of_the_kinds_stay() -> None:
    """They are in people's files."""
    assert {kind.name: kind.value for kind in Kind} == {
        "PRIVMSG": 1, "NOTICE": 2, "JOIN": 3, "PART": 4, "QUIT": 5, "NICK": 6, "TOPIC": 7,
        "STARTED": 32, "ACCOUNT_ADDED": 33, "PASSWORD_SET": 34, "ACCOUNT_ENABLED": 35, "ACCOUNT_DISABLED": 36,
        "ACCOUNT_REMOVED": 37,
    }  # fmt: skip


def test_events_of_one_batch_stay_in_order() -> None:
    events = [event for event, _, _ in EXAMPLES]
    log, changes = write_down(events)
    assert log == [row for _, row, _ in EXAMPLES if row is not None]
    assert changes == [change for _, _, changes in EXAMPLES for change in changes]


@pytest.mark.parametrize("at_once", [1, 1000])
def test_a_story_is_read_back(tmp_path: Path, at_once: int) -> None:
    """Every kind of event, in transactions of one, and all in a single one."""
    told = story()
    database = Database(tmp_path / "db", "normal")
    for first in range(0, len(told.events), at_once):
        database.write(told.events[first : first + at_once])
    database.close()
    with look(tmp_path / "db") as (chat, last, connection):
        assert lasting(chat) == lasting(told.chat)
        assert chat.rules == Rules(), "which come with the start"
        assert not chat.users
        assert log(connection) == write_down(told.events)[0]
        assert held(connection) == still_held(told.events)
        assert last == max(event.stamp for event in told.events if is_stored(event))


def test_the_tables_are_written_anew_from_a_chat(connection: sqlite3.Connection) -> None:
    chat = story().chat
    chat.held.clear()  # which are not known from the chat alone
    for _ in range(2):
        for statement, parameters in rows.rewrite_tables(chat):
            connection.execute(statement, parameters)
        assert lasting(rows.load(connection)) == lasting(chat)


words = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))


@given(
    st.sampled_from(["PRIVMSG", "NOTICE"]),
    words,
    words,
    st.sampled_from([(None, None), ("Ann", 5)]),
    st.sampled_from([("#tea", 4, None), ("bob", None, 6), ("guest", None, None)]),
)
def test_a_message_is_read_back(
    kind: Speech, text: str, tags: str, by: tuple[str | None, int | None], to: tuple[str, int | None, int | None]
) -> None:
    target, channel_id, target_id = to
    event = Said(9, kind, "nick!~u@h", *by, target, text, tags, (), 0, channel_id, target_id)
    with contextlib.closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        connection.executescript(SCHEMA)
        connection.executemany(rows.INSERT_LOG, write_down([event])[0])
        (row,) = log(connection)
    assert rows.said(row, by[0]) == event
