"""Looks whether the search index is whole, and has what the log has."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from typing import Final

from securechat.store.datadir import DataDir, DataDirError
from securechat.store.found import Found, counted
from securechat.store.snapshot import StoreError, check_whole, database_errors, open_file, reading

__all__ = ["check_search"]

_SHOULD_HAVE: Final = (
    "SELECT count(*) FILTER (WHERE redacted IS NULL), count(*) FILTER (WHERE redacted IS NOT NULL "
    "AND stamp IN (SELECT stamp FROM erased)) FROM log WHERE kind IN (1, 2) AND stamp <= ?"
)
"""Messages that must be in it, and those that were taken back and may not have been taken out yet."""


def check_search(data: DataDir) -> Found:
    """Its pages and its list of parts; while no server runs what is inside of these, too, and how many messages it has.

    Nothing is raised: what can't be read is among what is wrong.
    """
    found = Found("search index")
    try:
        with database_errors(data.search, "read"), contextlib.closing(open_file(data.search, "ro")) as index:
            index.execute("BEGIN")
            found.wrong += check_whole(index)
            if not found.wrong:
                found.wrong += _parts(index)
            number, messages = index.execute("SELECT count(*), coalesce(sum(messages), 0) FROM parts").fetchone()
            found.there = f"{counted(messages, 'message')} in {counted(number, 'part')}"
        if not found.wrong:
            found.wrong += _alone(data, found)
    except StoreError as error:
        found.wrong.append(str(error))
    if found.wrong:
        found.wrong.append(f"nothing else needs it: stop the server, remove {data.search}, and start it again")
    return found


def _parts(index: sqlite3.Connection) -> Iterator[str]:
    tables = {name for (name,) in index.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    before = 0
    for id, first, last, messages in index.execute("SELECT id, first, last, messages FROM parts ORDER BY id"):
        if f"part_{id}" not in tables:
            yield f"part {id} is not there"
        if not before < first <= last or messages < 0:
            yield f"part {id} is not in its place"
        before = last
    if index.execute("SELECT count(*) FROM state").fetchone() != (1,):
        yield "it does not say how far it has come"


def _alone(data: DataDir, found: Found) -> Iterator[str]:
    """What can only be done, and is only true, while nobody writes."""
    try:
        with data.lock():
            yield from _inside(data)
    except DataDirError:
        found.there += "; what is inside can only be looked at while no server runs"


def _inside(data: DataDir) -> Iterator[str]:
    with database_errors(data.search, "read"), contextlib.closing(open_file(data.search, "rw")) as index:
        for (id,) in index.execute("SELECT id FROM parts ORDER BY id").fetchall():
            try:  # it changes nothing, though it looks so (FTS5, "The 'integrity-check' Command")
                index.execute(f"INSERT INTO part_{id}(part_{id}) VALUES ('integrity-check')")  # noqa: S608
            except sqlite3.DatabaseError as error:
                if not getattr(error, "sqlite_errorname", "").startswith("SQLITE_CORRUPT"):
                    raise
                yield f"part {id} is damaged"
        (indexed,) = index.execute("SELECT indexed FROM state").fetchone()
        (has,) = index.execute("SELECT coalesce(sum(messages), 0) FROM parts").fetchone()
    with reading(data.database) as connection:
        (last,) = connection.execute("SELECT coalesce(max(stamp), 0) FROM log").fetchone()
        should, may = connection.execute(_SHOULD_HAVE, (indexed,)).fetchone()
    if indexed > last:
        yield "it has come further than the log: it is another store's"
    elif not should <= has <= should + may:
        yield f"it has {has} messages, and should have {should}"
