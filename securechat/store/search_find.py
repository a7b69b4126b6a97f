"""Finding messages in the search index, on a connection of one's own, from part to part until there are enough."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import time
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from securechat.store.history import Record
from securechat.store.rows import COLUMNS
from securechat.store.search_index import nick_place, read_only
from securechat.store.search_text import Query

__all__ = ["LAST", "Place", "TooLongError", "find", "messages"]

LAST: Final = (1 << 63) - 1
"""The greatest stamp that there can be."""

_AT_ONCE: Final = 100
"""Stamps taken from SQLite at a time."""

_STEPS: Final = 10_000
"""Instructions of SQLite between two looks at the clock."""


_PARTS: Final = "SELECT id, last FROM parts WHERE last >= ? AND first <= ? ORDER BY id {}"
_FIND: Final = "SELECT rowid FROM part_{0} WHERE part_{0} MATCH ? AND rowid BETWEEN ? AND ? ORDER BY rowid {1}"
_MESSAGES: Final = (
    f"SELECT {COLUMNS}, log.redacted, accounts.name FROM log LEFT JOIN accounts ON accounts.id = log.account "  # noqa: S608 - ours
    "WHERE stamp IN (SELECT value FROM json_each(?)) AND kind < 3 AND redacted IS NULL"
)


class TooLongError(Exception):
    """The search has taken as long as it may. What was found until then is right, and there may be more."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where somebody may read. ``words``: as `securechat.store.search_index` makes them; ``since``: from which stamp
    on, as a hint: parts that are older as a whole are left out, and the caller looks at each message."""

    words: str
    since: int = 0


def find(
    path: Path,
    query: Query | None,
    places: Sequence[Place] | None,
    *,
    nick: str | None = None,
    first: int = 0,
    last: int = LAST,
    oldest_first: bool = False,
    seconds: float = 2.0,
) -> Generator[int, None, None]:
    """The stamps of messages, from the newest to the oldest or the other way round, between ``first`` and ``last``.

    ``query``: what their texts must have. ``places``: in one of which they are; ``None``: everywhere. ``nick``: with
    which they were sent. One of the three must be given. To be closed if it isn't read to the end.

    Raises :class:`TooLongError`; ``sqlite3.Error`` where the index can't be read.
    """
    until = time.monotonic() + seconds
    with contextlib.closing(read_only(path)) as connection:
        connection.set_progress_handler(lambda: time.monotonic() > until, _STEPS)
        try:
            connection.execute("BEGIN")  # so that no part goes while we are at it
            order = "ASC" if oldest_first else "DESC"
            for part, part_last in connection.execute(_PARTS.format(order), (first, last)).fetchall():
                wanted = _expression(query, places, nick, part_last)
                if wanted is None:
                    continue
                found = connection.execute(_FIND.format(part, order), (wanted, first, last))
                while stamps := found.fetchmany(_AT_ONCE):
                    for (stamp,) in stamps:
                        yield stamp
                    if time.monotonic() > until:
                        raise TooLongError
                if time.monotonic() > until:
                    raise TooLongError
        except sqlite3.OperationalError as error:
            if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_INTERRUPT:
                raise TooLongError from None
            raise


def _expression(query: Query | None, places: Sequence[Place] | None, nick: str | None, last: int) -> str | None:
    """What to ask of a part that ends with ``last``; ``None``: nothing in it can be read."""
    wanted = []
    if query is not None:
        wanted.append(f"(text : ({' AND '.join(query.wanted)}))")
    if places is not None:
        open_ = [f'"{place.words}"' for place in places if place.since <= last]
        if not open_:
            return None
        wanted.append(f"(place : ({' OR '.join(open_)}))")
    if nick is not None:
        wanted.append(f'(place : "{nick_place(nick)}")')
    expression = f"({' AND '.join(wanted)})"
    if query is not None and query.unwanted:
        expression += f" NOT (text : ({' OR '.join(query.unwanted)}))"
    return expression


def messages(log: sqlite3.Connection, stamps: Sequence[int]) -> dict[int, Record]:
    """By stamp: those of these messages that are in the log, and were not taken back. Raises ``sqlite3.Error``."""
    return {row[0]: Record(*row) for row in log.execute(_MESSAGES, (json.dumps(stamps),))}
