"""What is written down of each event, and that it is enough to go on with."""

import contextlib
import sqlite3
from collections.abc import Iterator
from dataclasses import fields, replace
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from securechat.chat.events import (
    AccountChanged,
    AwayChanged,
    Event,
    HostChanged,
    Invited,
    Left,
    MarkerMoved,
    MetadataChanged,
    ModesChanged,
    RealnameChanged,
    Said,
    SettingsChanged,
    Silenced,
    UserModesChanged,
    WallopsSaid,
)
from securechat.chat.model import Rules
from securechat.chat.requests import Speech
from securechat.store import rows
from securechat.store.database import Database
from securechat.store.rows import Kind, Row, is_stored, write_down
from securechat.store.schema import SCHEMA, Change
from tests.chat.story import story
from tests.store.examples import EXAMPLES, said
from tests.store.shop import (
    called,
    called_of,
    held,
    lasting,
    log,
    log_of,
    look,
    seen_in_several,
    seen_in_several_of,
    still_held,
    tables,
    tables_of,
)


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    with contextlib.closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        connection.executescript(SCHEMA)
        yield connection


@pytest.mark.parametrize(("event", "row", "changes"), EXAMPLES, ids=lambda value: type(value).__name__)
def test_what_is_written_down(
    connection: sqlite3.Connection, event: Event, row: Row | None, changes: list[Change]
) -> None:
    assert write_down([event]) == ([row] if row is not None else [], [], changes)
    assert is_stored(event) == (row is not None or changes != [])
    if row is not None:
        connection.execute(rows.INSERT_LOG, row)
        assert log(connection) == [row]
    for statement, parameters in changes:
        connection.execute(statement, parameters)


def test_there_is_an_example_of_every_event() -> None:
    assert {type(event) for event, _, _ in EXAMPLES} == set(get_args(Event))


PASSING = (
    AccountChanged, AwayChanged, HostChanged, Invited, MarkerMoved, MetadataChanged, RealnameChanged, SettingsChanged,
    Silenced, UserModesChanged, WallopsSaid,
)  # fmt: skip
"""What people see of each other and nobody looks up later: at most what it leaves behind is kept."""


def test_what_people_see_in_channels_and_say_to_each_other_is_stored() -> None:
    """All that has an audience, but for what passes, what changes nothing, and what somebody does not want to hear."""
    for event, row, _ in EXAMPLES:
        if "audience" in {field.name for field in fields(event)} and not isinstance(event, PASSING):
            nothing = (
                event in (said("TAGMSG", text="", tags="+typing=active"), said(unheard=True))
                or (type(event) is ModesChanged and not event.changes)
                or (type(event) is Left and not event.channels)
            )
            assert (row is None) is nothing


def test_what_clients_call_their_messages_is_written_down_for_accounts() -> None:
    """A guest is never again who they were; and what is not stored is not said before."""
    one = replace(said(), client_id="x")
    events = [
        replace(one, stamp=1),
        replace(one, stamp=2, channel_id=4),
        replace(one, stamp=3, account=None, account_id=7),
        replace(one, stamp=4, kind="TAGMSG"),
        replace(one, stamp=5, unheard=True),
        said(),
    ]
    assert write_down(events)[1] == [(1, 5, "x"), (2, 5, "x")]


def test_the_numbers_of_the_kinds_stay() -> None:
    """They are in people's files."""
    assert {kind.name: kind.value for kind in Kind} == {
        "TAGMSG": 0, "PRIVMSG": 1, "NOTICE": 2, "JOIN": 3, "PART": 4, "QUIT": 5, "NICK": 6, "TOPIC": 7,
        "KICK": 8, "MODE": 9, "RENAME": 10, "REDACT": 11,
        "STARTED": 32, "ACCOUNT_ADDED": 33, "PASSWORD_SET": 34, "ACCOUNT_ENABLED": 35, "ACCOUNT_DISABLED": 36,
        "ACCOUNT_REMOVED": 37, "OWNER_CHANGED": 38, "KILLED": 39, "BANNED": 40, "UNBANNED": 41,
        "CERTIFICATE_ADDED": 42, "CERTIFICATE_REMOVED": 43,
        "INVITE_MADE": 44, "INVITE_REVOKED": 45, "INVITE_USED": 46,
    }  # fmt: skip


def test_events_of_one_batch_stay_in_order() -> None:
    events = [event for event, _, _ in EXAMPLES]
    log, _, changes = write_down(events)
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
        assert tables(connection) == tables_of(told.chat)
        assert log(connection) == log_of(told.events)
        assert seen_in_several(connection) == seen_in_several_of(told.events)
        assert called(connection) == called_of(told.events)
        assert held(connection) == still_held(told.events)
        assert last == max(event.stamp for event in told.events if is_stored(event))


words = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0") | st.sampled_from("\r\n"))


@given(
    st.sampled_from(["PRIVMSG", "NOTICE"]),
    words,
    words,
    st.sampled_from([(None, 7), ("Ann", 5)]),
    st.sampled_from([("#tea", 4, None), ("@#tea", 4, None), ("bob", None, 6), ("guest", None, 8)]),
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
