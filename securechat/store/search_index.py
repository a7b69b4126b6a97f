"""The search index: a file of its own beside the database, filled behind the log, that may be lost at any time.

The file has no text: of each message it has the *terms* (`securechat.store.search_text`), and with them its *places*,
words by which FTS5 itself finds what somebody may read: ``c<channel>``, or ``p<who>`` ``p<to whom>`` of a private
message, and ``n<nick>`` of its sender. The rows are the log's stamps.

It is cut into *parts* of about `PART` messages, each an FTS5 table. A search goes from part to part, and ends where
it has enough; a part of which all messages were taken out goes as a whole; and to take one message out of the files,
so that no byte of it is left, one part is written anew and not all of them: deleting from FTS5 alone leaves the words
where they were until the index is optimised.

How far the index has come is written in the same transaction as the rows: a crash leaves it right. A file of another
format, or a damaged one, is thrown away and made anew: the log has everything.
"""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Final, NamedTuple

from securechat.irc.names import casefold, split_source
from securechat.store.search_text import FORMAT, terms

__all__ = [
    "CHUNK",
    "PART",
    "Indexed",
    "ReadLog",
    "SearchIndex",
    "channel_place",
    "conversation_places",
    "is_damage",
    "nick_place",
    "own_place",
    "read_log",
    "read_only",
    "throw_away",
]

PART: Final = 200_000
"""Messages of a part: a fifth of a second to write anew, and a few milliseconds to search for what isn't there."""

CHUNK: Final = 1000
"""Rows of the log that are indexed in one transaction."""

BUSY_SECONDS: Final = 5.0

_FORMAT: Final = f"1/{FORMAT}"

_SCHEMA: Final = """
CREATE TABLE state (one INTEGER PRIMARY KEY CHECK (one = 1), format TEXT NOT NULL, indexed INTEGER NOT NULL);
CREATE TABLE parts (
    id       INTEGER PRIMARY KEY,
    first    INTEGER NOT NULL,  -- the stamps between which its messages are
    last     INTEGER NOT NULL,
    messages INTEGER NOT NULL,
    dirty    INTEGER NOT NULL   -- whether there is something of messages in it that were taken out
);
"""

# columnsize: what only serves to rank by length takes 15 bytes a message.
_PART_SCHEMA: Final = (
    "CREATE VIRTUAL TABLE part_{} USING fts5(text, place, content = '', columnsize = 0, tokenize = 'ascii')"
)

# One statement for many rows: each statement gives up the GIL and has to wait for it again, behind the whole chat.
_INSERT: Final = """
INSERT INTO part_{}(rowid, text, place)
SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]'), json_extract(value, '$[2]') FROM json_each(?)
"""
_DELETE: Final = """
INSERT INTO part_{0}(part_{0}, rowid, text, place)
SELECT 'delete', json_extract(value, '$[0]'), json_extract(value, '$[1]'), json_extract(value, '$[2]')
FROM json_each(?)
"""
_OPTIMIZE: Final = "INSERT INTO part_{0}(part_{0}) VALUES ('optimize')"
_IS_THERE: Final = "SELECT 1 FROM part_{0} WHERE part_{0} MATCH ? AND rowid = ?"
_READ: Final = """
SELECT json_group_array(json_array(
    stamp, CASE WHEN kind IN (1, 2) AND redacted IS NULL THEN text END, channel, source, account, target_account))
FROM (SELECT * FROM log WHERE stamp > ? ORDER BY stamp LIMIT ?)
"""


class Indexed(NamedTuple):
    """A row of the log as the index knows it. ``text``: ``None`` of what is not searched for."""

    stamp: int
    text: str | None
    channel: int | None
    source: str
    account: int | None
    target_account: int | None


ReadLog = Callable[[int, int], Sequence[Indexed]]
"""Rows of the log after a stamp, in order, so many at most; of any kind. None: there are no more."""


def read_log(connection: sqlite3.Connection, after: int, most: int) -> list[Indexed]:
    """What `ReadLog` is to give, from the server's database. Raises ``sqlite3.Error``.

    It comes as one value, for the reason for which it is written by one statement.
    """
    (found,) = connection.execute(_READ, (after, most)).fetchone()
    return [Indexed(*row) for row in json.loads(found)]


def read_only(path: Path) -> sqlite3.Connection:
    """A connection that only reads. Raises ``sqlite3.Error``."""
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None, timeout=BUSY_SECONDS)


def is_damage(error: sqlite3.Error) -> bool:
    """Whether an error says that the file is no index, or no longer one."""
    code = getattr(error, "sqlite_errorcode", None)
    return code is not None and code & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_FORMAT)


# -- places -----------------------------------------------------------------------------------------------------------


def channel_place(channel: int) -> str:
    """Where what was said in a channel is found."""
    return f"c{channel:x}"


def own_place(party: int) -> str:
    """Where the private messages of somebody are found, those from them and those to them."""
    return f"p{party:x}"


def conversation_places(party: int, other: int) -> tuple[str, str]:
    """Where the private messages between two are found: those of the first, and those of the second."""
    return f"p{party:x} p{other:x}", f"p{other:x} p{party:x}"


def nick_place(nick: str) -> str:
    """Where the messages that were sent with a nick are found."""
    return "n" + casefold(nick).encode(errors="replace").hex()


@lru_cache(4096)
def _sender_place(source: str) -> str:
    return nick_place(split_source(source)[0])


def _places(row: Indexed) -> str:
    nick = _sender_place(row.source)
    if row.channel is not None:
        return f"{channel_place(row.channel)} {nick}"
    parties = (own_place(party) for party in (row.account, row.target_account) if party is not None)
    return " ".join([*parties, nick])


def _entry(row: Indexed) -> tuple[int, str, str]:
    assert row.text is not None
    return row.stamp, terms(row.text), _places(row)


# -- the file ---------------------------------------------------------------------------------------------------------


class SearchIndex:
    """The file, opened to be written. Any thread may call any method; one at a time does something.

    All methods raise ``sqlite3.Error``, or ``OSError``, where the disk refuses; then nothing has changed, and the next
    call opens the file anew. A damaged file is made anew, empty, before the error is raised.
    """

    def __init__(self, path: Path, part: int = PART) -> None:
        """Nothing is opened before the first call of a method. ``part``: as `PART`."""
        self._path = path
        self._part = part
        self._connection: sqlite3.Connection | None = None
        # Held while the file is written, which another thread waits for; nothing else is taken inside it.
        self._lock = threading.Lock()

    @property
    def path(self) -> Path:
        return self._path

    @contextlib.contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            try:
                if self._connection is None:
                    self._connection = self._open()
                yield self._connection
            except (sqlite3.Error, OSError) as error:
                self._close()
                if isinstance(error, sqlite3.Error) and is_damage(error):
                    throw_away(self._path)
                raise

    def _open(self) -> sqlite3.Connection:
        for _ in range(2):
            with contextlib.suppress(FileExistsError):  # SQLite would make it with what the umask leaves
                os.close(os.open(self._path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
            connection = sqlite3.connect(
                self._path, isolation_level=None, check_same_thread=False, timeout=BUSY_SECONDS
            )
            try:
                if _is_ready(connection):
                    return connection
            except sqlite3.Error as error:
                if not is_damage(error):
                    connection.close()
                    raise
            connection.close()
            throw_away(self._path)
        raise sqlite3.OperationalError("a file that was made a moment ago is none of ours")

    def _close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(sqlite3.Error):
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
            with contextlib.suppress(sqlite3.Error):
                connection.close()

    def close(self) -> None:
        with self._lock:
            self._close()

    def rebuild(self) -> None:
        """Throw everything away: what follows is an empty index, which `catch_up` fills from the beginning."""
        with self._lock:
            self._close()
            throw_away(self._path)
            self._connection = self._open()

    def rebuild_if_gone(self) -> None:
        """The same, if somebody has removed the file: what is written then goes where nobody finds it."""
        with self._lock:
            if self._path.exists():
                return
            self._close()
            throw_away(self._path)  # what may be left beside it
            self._connection = self._open()

    @property
    def indexed(self) -> int:
        """The stamp up to which the log has been indexed."""
        with self._writing() as connection:
            return _indexed(connection)

    # -- filling ------------------------------------------------------------------------------------------------------

    def catch_up(self, read: ReadLog, most: int = CHUNK) -> int:
        """Index the next rows of the log, so many at most, in one transaction. Returns how many there were to read: 0
        when the index has come to the end.

        They are read inside, so what is taken out of the log before :meth:`take_out` is called can't come in after it.
        """
        with self._writing() as connection:
            rows = read(_indexed(connection), most)
            if not rows:
                return 0
            entries = [_entry(row) for row in rows if row.text is not None]
            with _transaction(connection):
                if entries:
                    self._add(connection, entries)
                connection.execute("UPDATE state SET indexed = ?", (rows[-1].stamp,))
            return len(rows)

    def _add(self, connection: sqlite3.Connection, entries: Sequence[tuple[int, str, str]]) -> None:
        last = connection.execute("SELECT id, messages FROM parts ORDER BY id DESC LIMIT 1").fetchone()
        if last is None or last[1] >= self._part:
            if last is not None:  # nothing is added to it any more: so it is made small, and quick to search
                connection.execute(_OPTIMIZE.format(last[0]))
            last = (last[0] + 1 if last else 1, 0)
            connection.execute(_PART_SCHEMA.format(last[0]))
            connection.execute("INSERT INTO parts VALUES (?, ?, ?, 0, 0)", (last[0], entries[0][0], entries[0][0]))
        connection.execute(_INSERT.format(last[0]), (json.dumps(entries, ensure_ascii=False),))
        connection.execute(
            "UPDATE parts SET last = ?, messages = messages + ? WHERE id = ?", (entries[-1][0], len(entries), last[0])
        )

    # -- taking out ---------------------------------------------------------------------------------------------------

    def take_out(self, rows: Iterable[Indexed]) -> None:
        """Have these messages found no more. Their words are in the files until :meth:`clean` is called.

        The rows must be as they were when they were indexed, with their texts. What is not in the index is ignored.
        """
        with self._writing() as connection, _transaction(connection):
            by_part: dict[int, dict[int, tuple[int, str, str]]] = {}
            for row in rows:
                part = connection.execute(
                    "SELECT id FROM parts WHERE ? BETWEEN first AND last", (row.stamp,)
                ).fetchone()
                if part is None:
                    continue
                entry = _entry(row)
                if _is_there(connection, part[0], entry):
                    by_part.setdefault(part[0], {})[row.stamp] = entry
            for part_id, entries in by_part.items():
                values = json.dumps(list(entries.values()), ensure_ascii=False)
                connection.execute(_DELETE.format(part_id), (values,))
                connection.execute(
                    "UPDATE parts SET messages = messages - ?, dirty = 1 WHERE id = ?", (len(entries), part_id)
                )

    def clean(self) -> bool:
        """Write those parts anew from which something was taken out, and empty the WAL.

        True: nothing of what was taken out is in any file. False: somebody reads; call it again later.
        """
        with self._writing() as connection:
            last = connection.execute("SELECT max(id) FROM parts").fetchone()[0]
            for part, messages in connection.execute("SELECT id, messages FROM parts WHERE dirty").fetchall():
                with _transaction(connection):
                    if messages == 0 and part != last:
                        _drop(connection, part)
                    else:
                        connection.execute(_OPTIMIZE.format(part))
                        _write_anew(connection, part)
                        connection.execute("UPDATE parts SET dirty = 0 WHERE id = ?", (part,))
            busy, _, _ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            return not busy

    def erase(self, rows: Iterable[Indexed]) -> bool:
        """:meth:`take_out`, and :meth:`clean`."""
        self.take_out(rows)
        return self.clean()

    def messages(self) -> int:
        """How many are in it."""
        with self._writing() as connection:
            return int(connection.execute("SELECT coalesce(sum(messages), 0) FROM parts").fetchone()[0])


def throw_away(path: Path) -> None:
    """Remove an index that nobody writes, if it is there. Raises ``OSError``."""
    for end in ("-wal", "-shm", ""):
        path.with_name(path.name + end).unlink(missing_ok=True)


@contextlib.contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Committed at the end. After an exception the connection is closed, which takes it back."""
    connection.execute("BEGIN IMMEDIATE")
    yield
    connection.execute("COMMIT")


def _is_ready(connection: sqlite3.Connection) -> bool:
    """Whether the file is an index of this format; an empty one is made to be one."""
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA secure_delete = ON")
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if not tables:
        with _transaction(connection):
            for statement in _SCHEMA.split(";"):
                connection.execute(statement)
            connection.execute("INSERT INTO state VALUES (1, ?, 0)", (_FORMAT,))
        return True
    if not {"state", "parts"} <= tables:
        return False
    return bool(connection.execute("SELECT * FROM state").fetchone()[1] == _FORMAT)


def _indexed(connection: sqlite3.Connection) -> int:
    return int(connection.execute("SELECT indexed FROM state").fetchone()[0])


def _is_there(connection: sqlite3.Connection, part: int, entry: tuple[int, str, str]) -> bool:
    stamp, _, places = entry
    return connection.execute(_IS_THERE.format(part), (f'place : "{places}"', stamp)).fetchone() is not None


def _write_anew(connection: sqlite3.Connection, part: int) -> None:
    """Put all of a part into pages of its own, and give back the old ones, which clears them.

    Where SQLite has moved rows from one page to another their bytes stay in the first, whatever is deleted later; also
    with ``secure_delete`` (see `securechat.store.gaps`). FTS5's own tables are copied as they are.
    """
    connection.execute(_PART_SCHEMA.format(0))
    for table in ("data", "idx", "config"):
        connection.execute(f"DELETE FROM part_0_{table}")  # noqa: S608 - our own names
        connection.execute(f"INSERT INTO part_0_{table} SELECT * FROM part_{part}_{table}")  # noqa: S608 - the same
    connection.execute(f"DROP TABLE part_{part}")
    connection.execute(f"ALTER TABLE part_0 RENAME TO part_{part}")


def _drop(connection: sqlite3.Connection, part: int) -> None:
    connection.execute(f"DROP TABLE part_{part}")
    connection.execute("DELETE FROM parts WHERE id = ?", (part,))
