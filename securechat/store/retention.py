"""Takes out of the store what is older, or more, than the operator wants to keep.

What goes, and when:

- of a channel, what was said and what happened in it (`Kind` below 32), the oldest first: by its age, or while there is
  more of it than its size allows;
- rows that are seen in several channels (who quits, comes back, has another nick): from each channel as its other rows
  go, and out of the log with the last of them; those that no channel has, with the default age;
- private messages, by an age of their own; those that wait for somebody, too;
- rows for the record (accounts, bans, starts): with the default age, and never for their size.

The newest row of the log always stays, for the stamps go on from there; and so does what was taken back until the
search index has done with it (the table ``erased``).

All is done in small steps by one thread, that of the server's housekeeping. It looks on connections of its own, which
it opens for a moment; only the deletion, of at most `ROWS` rows, is done in the journal's turn. Sizes are counted once
after a start, and then with each new row; they are in memory only. What SQLite has freed it uses again; the file does
not shrink.
"""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from pathlib import Path
from typing import Any, Final, NamedTuple

from securechat.chat.modes import MEMBER_MODES
from securechat.chat.stamps import stamp_at
from securechat.store.database import Database
from securechat.store.journal import Journal
from securechat.store.retention_policy import DAY_MS, Keep, Policy
from securechat.store.rows import Kind
from securechat.store.search_index import Indexed, read_only
from securechat.store.turns import in_turn

__all__ = ["ROWS", "SIZE", "Retention"]

ROWS: Final = 200
"""Deleted in one turn: a few milliseconds."""

_LOOKED_THROUGH: Final = 5000
"""Rows that are counted, or looked at, in one step."""

_CHANNELS: Final = 100
"""Channels that are looked at in one step."""

SIZE: Final = "(60 + length(CAST(text AS BLOB)) + length(CAST(tags AS BLOB)) + length(source) + length(target))"
"""Of a row, in bytes: what it says, and about what SQLite needs for it, with its place in the indexes."""

_ALL_CHANNELS: Final = """
WITH RECURSIVE
  said(id) AS (SELECT min(channel) FROM log INDEXED BY log_speech WHERE channel IS NOT NULL AND kind < 3 UNION ALL
    SELECT (SELECT channel FROM log INDEXED BY log_speech WHERE channel > said.id AND kind < 3 ORDER BY channel LIMIT 1)
    FROM said WHERE id IS NOT NULL),
  happened(id) AS (SELECT min(channel) FROM log INDEXED BY log_events
      WHERE channel IS NOT NULL AND kind > 2 AND kind < 32 UNION ALL
    SELECT (SELECT channel FROM log INDEXED BY log_events
      WHERE channel > happened.id AND kind > 2 AND kind < 32 ORDER BY channel LIMIT 1)
    FROM happened WHERE id IS NOT NULL),
  several(id) AS (SELECT min(channel) FROM log_channels UNION ALL
    SELECT (SELECT channel FROM log_channels WHERE channel > several.id ORDER BY channel LIMIT 1)
    FROM several WHERE id IS NOT NULL)
SELECT id FROM said WHERE id IS NOT NULL UNION SELECT id FROM happened WHERE id IS NOT NULL
UNION SELECT id FROM several WHERE id IS NOT NULL
"""
"""From one to the next by the indexes, without looking at what is between."""

_SEVERAL: Final = """
WITH RECURSIVE several(id) AS (SELECT min(channel) FROM log_channels UNION ALL
  SELECT (SELECT channel FROM log_channels WHERE channel > several.id ORDER BY channel LIMIT 1)
  FROM several WHERE id IS NOT NULL)
SELECT stamp, count(*) FROM several CROSS JOIN log_channels
ON log_channels.channel = several.id AND stamp BETWEEN ? AND ? GROUP BY stamp
"""
"""In how many channels rows between two stamps are seen; by its only index, which begins with the channel."""

_OLDEST: Final = """
SELECT stamp, 0 FROM log INDEXED BY log_speech WHERE channel = :channel AND kind < 3 AND stamp < :before
UNION ALL
SELECT stamp, 0 FROM log INDEXED BY log_events WHERE channel = :channel AND kind > 2 AND kind < 32 AND stamp < :before
UNION ALL
SELECT stamp, 1 FROM log_channels WHERE channel = :channel AND stamp < :before
ORDER BY stamp LIMIT :most
"""
"""Of a channel; with 1 what is seen in several."""

_ROW: Final = f"SELECT stamp, kind, channel, source, account, target_account, text, redacted, {SIZE} FROM log"  # noqa: S608 - ours

_LATEST_NAME: Final = (
    "SELECT target FROM log WHERE channel = ? AND channel IS NOT NULL AND kind < 3 ORDER BY stamp DESC LIMIT 1",
    "SELECT target FROM log WHERE channel = ? AND channel IS NOT NULL AND kind > 2 AND kind < 32 "
    "ORDER BY stamp DESC LIMIT 1",
)

_COUNT: Final = (
    f"SELECT channel, sum{SIZE} FROM log "  # noqa: S608 - ours
    "WHERE stamp > ? AND stamp <= ? AND channel IS NOT NULL AND kind < 32 GROUP BY channel"
)
_STRETCH: Final = "SELECT max(stamp) FROM (SELECT stamp FROM log WHERE stamp > ? AND stamp < ? ORDER BY stamp LIMIT ?)"

_PRIVATE: Final = "channel IS NULL AND kind IN (0, 1, 2, 11)"
_RECORD: Final = "kind > 31"
_OF_SEVERAL: Final = "channel IS NULL AND kind IN (3, 5, 6)"

_PREFIXES: Final = "".join(mode.prefix for mode in MEMBER_MODES.values())

_DELETE: Final = "DELETE FROM log WHERE stamp = ?"
_DELETE_ID: Final = "DELETE FROM client_ids WHERE stamp = ?"
_DELETE_HELD: Final = "DELETE FROM held WHERE account = ? AND stamp = ?"
_DELETE_ENTRY: Final = "DELETE FROM log_channels WHERE channel = ? AND stamp = ?"


class _Row(NamedTuple):
    stamp: int
    kind: int
    channel: int | None
    source: str
    account: int | None
    target_account: int | None
    text: str
    redacted: int | None
    size: int


@dataclass(slots=True)
class _Chunk:
    """What goes in one turn: rows of the log, and places of rows in channels."""

    rows: list[_Row] = field(default_factory=list)
    entries: list[tuple[int, int]] = field(default_factory=list)

    def statements(self) -> list[tuple[str, list[tuple[Any, ...]]]]:
        stamps: list[tuple[Any, ...]] = [(row.stamp,) for row in self.rows]
        private: list[tuple[Any, ...]] = [
            (row.target_account, row.stamp) for row in self.rows if row.target_account and row.channel is None
        ]
        return [(_DELETE, stamps), (_DELETE_ID, stamps), (_DELETE_HELD, private), (_DELETE_ENTRY, [*self.entries])]

    def words(self) -> list[Indexed]:
        """What a search finds of it."""
        return [
            Indexed(row.stamp, row.text, row.channel, row.source, row.account, row.target_account)
            for row in self.rows
            if row.kind in (Kind.PRIVMSG, Kind.NOTICE) and row.redacted is None
        ]


class Retention:
    """Keeps the store as its policy says. Used by one thread."""

    def __init__(
        self,
        path: Path,
        database: Database,
        journal: Journal,
        policy: Callable[[], Policy],
        forget: Callable[[Sequence[Indexed]], object] = lambda _: None,
        now_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        """``path``: the file of ``database``. ``policy``: asked for whenever a pass begins, so it may change.

        ``forget``: has the search index find these messages no more (`SearchIndex.take_out`). It is called before they
        are deleted, so that a crash leaves nothing behind, and after, for the index may have come to them in between.
        """
        self._path = path
        self._database = database
        self._journal = journal
        self._policy = policy
        self._forget = forget
        self._now_ns = now_ns
        self._pass: Iterator[None] | None = None
        self._sizes: Counter[int] = Counter()  # bytes, by channel
        self._counted = 0  # up to which stamp
        # Up to which stamp private messages, and rows for the record, have been looked at, and were deleted.
        self._private = self._record = 0

    def step(self) -> bool:
        """Do a little: some milliseconds, or one deletion. Whether there is more to do now; if not, a minute later.

        Raises ``sqlite3.Error`` where the store can't be read, :class:`~securechat.store.database.NotStored` where it
        can't be written, and what ``forget`` raises; the next call begins anew.
        """
        if self._pass is None:
            self._pass = self._whole_pass(self._policy())
        try:
            next(self._pass)
        except StopIteration:
            self._pass = None
            return False
        except BaseException:
            self._pass = None
            raise
        return True

    def _whole_pass(self, policy: Policy) -> Iterator[None]:
        """Each step of it ends with a ``yield``, and no connection is open then."""
        if policy.endless:
            return
        if any(keep.megabytes for keep in policy.all_):
            yield from self._count()
        yield from self._look_at_channels(policy)
        if policy.private_days:
            yield from self._sweep_private(policy.private_days)
        if policy.default.days:
            yield from self._sweep_record(policy.default.days)

    @contextlib.contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        with contextlib.closing(read_only(self._path)) as connection:
            connection.execute("BEGIN")
            yield connection

    # -- channels -----------------------------------------------------------------------------------------------------

    def _count(self) -> Iterator[None]:
        """Add the rows that have come since the last time to the sizes of their channels."""
        while True:
            with self._reading() as connection:
                end = _stretch_end(connection, self._counted, _newest(connection) + 1)
                if end is None:
                    return
                self._sizes.update(dict(connection.execute(_COUNT, (self._counted, end))))
                self._counted = end
            yield

    def _look_at_channels(self, policy: Policy) -> Iterator[None]:
        with self._reading() as connection:
            channels = [id for (id,) in connection.execute(_ALL_CHANNELS)]
            names: dict[int, str] = dict(connection.execute("SELECT id, name FROM channels"))
        for first in range(0, len(channels), _CHANNELS):
            some = channels[first : first + _CHANNELS]
            with self._reading() as connection:
                kept = {id: policy.of(names.get(id) or _latest_name(connection, id)) for id in some}
                due = [id for id, keep in kept.items() if self._next(connection, id, keep)]
            yield
            for id in due:
                yield from self._trim(id, kept[id])

    def _trim(self, channel: int, keep: Keep) -> Iterator[None]:
        while True:
            with self._reading() as connection:
                chunk = self._next(connection, channel, keep)
            if chunk is None:
                return
            self._delete(chunk)
            yield

    def _next(self, connection: sqlite3.Connection, channel: int, keep: Keep) -> _Chunk | None:
        """What goes next of a channel, if anything has to."""
        chunk = None
        if keep.days:
            chunk = self._oldest(connection, channel, self._before(connection, keep.days))
        excess = self._sizes[channel] - keep.megabytes * 1_000_000
        if chunk is None and keep.megabytes and excess > 0:
            chunk = self._oldest(connection, channel, _newest(connection), excess)
        return chunk

    def _oldest(
        self, connection: sqlite3.Connection, channel: int, before: int, size: int | None = None
    ) -> _Chunk | None:
        """The oldest of a channel; only so many bytes of it, if they are given."""
        values = {"channel": channel, "before": before, "most": ROWS}
        waiting = _waiting(connection)
        found = list(takewhile(lambda one: one[0] not in waiting, connection.execute(_OLDEST, values).fetchall()))
        if not found:
            return None
        several = dict(connection.execute(_SEVERAL, (found[0][0], found[-1][0])))
        chunk = _Chunk()
        for stamp, is_entry in found:
            if is_entry:
                chunk.entries.append((channel, stamp))
            if not is_entry or several[stamp] == 1:
                # Where an entry is left of a row that is gone, there is none.
                rows = [_Row(*row) for row in connection.execute(f"{_ROW} WHERE stamp = ?", (stamp,))]
                chunk.rows += rows
                if size is not None and not is_entry:
                    size -= sum(row.size for row in rows)
                    if size <= 0:
                        break
        return chunk

    # -- what no channel has ------------------------------------------------------------------------------------------

    def _sweep_private(self, days: int) -> Iterator[None]:
        while True:
            with self._reading() as connection:
                end, rows = self._look_through(connection, self._private, days, _PRIVATE)
            if end <= self._private:
                return
            self._delete(_Chunk(rows))
            self._private = end
            yield

    def _sweep_record(self, days: int) -> Iterator[None]:
        """Rows for the record, and those that may be seen in several channels and are in none."""
        while True:
            with self._reading() as connection:
                end, rows = self._look_through(connection, self._record, days, f"({_RECORD} OR {_OF_SEVERAL})")
                several = dict(connection.execute(_SEVERAL, (self._record, end)))
            if end <= self._record:
                return
            self._delete(_Chunk([row for row in rows if row.stamp not in several]))
            self._record = end
            yield

    def _look_through(
        self, connection: sqlite3.Connection, after: int, days: int, condition: str
    ) -> tuple[int, list[_Row]]:
        """The next rows that are old enough and of this kind, and up to where there are no others."""
        end = _stretch_end(connection, after, self._before(connection, days))
        if end is None:
            return after, []
        waiting = _waiting(connection)
        if waiting:
            end = min(end, min(waiting) - 1)
        found = connection.execute(
            f"{_ROW} WHERE stamp > ? AND stamp <= ? AND {condition} ORDER BY stamp LIMIT ?", (after, end, ROWS)
        ).fetchall()
        return (found[-1][0] if len(found) == ROWS else end), [_Row(*row) for row in found]

    # -- deleting -----------------------------------------------------------------------------------------------------

    def _delete(self, chunk: _Chunk) -> None:
        if not chunk.rows and not chunk.entries:
            return
        words, statements = chunk.words(), chunk.statements()
        if words:
            self._forget(words)
        in_turn(self._journal, lambda: self._database.tidy(statements))
        if words:
            self._forget(words)
        for row in chunk.rows:
            if row.channel is not None and row.stamp <= self._counted and row.kind < Kind.STARTED:
                self._sizes[row.channel] -= row.size

    def _before(self, connection: sqlite3.Connection, days: int) -> int:
        """The first stamp that is young enough, or the newest row's."""
        return min(stamp_at(self._now_ns() // 1_000_000 - days * DAY_MS), _newest(connection))


def _newest(connection: sqlite3.Connection) -> int:
    return int(connection.execute("SELECT coalesce(max(stamp), 0) FROM log").fetchone()[0])


def _stretch_end(connection: sqlite3.Connection, after: int, before: int) -> int | None:
    """The stamp of the last of the next rows; ``None``: there are none."""
    end: int | None = connection.execute(_STRETCH, (after, before, _LOOKED_THROUGH)).fetchone()[0]
    return end


def _waiting(connection: sqlite3.Connection) -> set[int]:
    """What was taken back and is still in the search index."""
    return {stamp for (stamp,) in connection.execute("SELECT stamp FROM erased")}


def _latest_name(connection: sqlite3.Connection, channel: int) -> str:
    """The name of a channel that does not last, as it was written last; without the prefix of a message to some."""
    for query in _LATEST_NAME:
        found = connection.execute(query, (channel,)).fetchone()
        if found:
            return str(found[0]).lstrip(_PREFIXES)
    return ""
