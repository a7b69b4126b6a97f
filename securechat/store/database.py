"""The SQLite file: opened, written in one transaction a batch, and looked at again when a commit has failed.

WAL mode with ``synchronous=FULL``: a commit has returned from ``fsync()``, so it survives a power cut. ``NORMAL``
leaves the ``fsync()`` to the checkpoint: a power cut may take back the last commits, a crash of the server does not.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from securechat.chat.events import Event, Said
from securechat.chat.machine import Chat
from securechat.chat.requests import Original
from securechat.store import migrations, rows, tables
from securechat.store.schema import VERSION

__all__ = ["Database", "Durability", "NotStored", "StoreUnusable"]

Durability = Literal["full", "normal"]
Connector = Callable[[Path], sqlite3.Connection]


class StoreUnusable(Exception):  # noqa: N818 - it says what is the matter
    """The file can't be opened as a store; the text says why."""


class NotStored(Exception):  # noqa: N818
    """What was to be written is not in the file, and will not be."""


WAL_PAGES = 256
"""After so many pages the WAL is copied into the file and begun anew. Where it only overwrites itself a commit costs a
third less than where it grows, for its size needn't be written; SQLite's own choice, 1000, gets there much later."""

BUSY_SECONDS = 0.5
"""How long to wait for a lock. Nobody else writes the file, and readers lock nobody out; but should an operator's tool
lock it, the whole chat stands still for so long, again and again."""


def _connect(path: Path) -> sqlite3.Connection:
    # Used by several threads, one at a time: whoever has the journal's turn. A file that has gone is not made anew.
    return sqlite3.connect(
        _uri(path, "rw"), uri=True, isolation_level=None, check_same_thread=False, timeout=BUSY_SECONDS
    )


def _uri(path: Path, mode: Literal["ro", "rw"]) -> str:
    return f"{path.absolute().as_uri()}?mode={mode}"


@dataclass(slots=True)
class _Batch:
    """What tells whether a transaction is in the file, and how to take it out."""

    first: int
    """Its first stamp..."""
    last: int
    """...and its last, which is the greatest in the file if it is there."""
    taken: list[tuple[int, int]]
    """The rows of ``held`` that it deleted."""
    why: str = ""
    """It was refused, in words."""
    taking_out: bool = False
    """Whether a transaction that takes it out may be in the file."""


class Database:
    """The store's file. All methods but :meth:`held_messages` are for one thread at a time.

    Raises :class:`StoreUnusable` when the file can't be opened, or is of a newer schema than this program's.
    """

    def __init__(self, path: Path, durability: Durability = "full", connect: Connector = _connect) -> None:
        self._path = path
        self._durability = durability
        self._connect = connect
        self._connection: sqlite3.Connection | None = None
        self._keeper: sqlite3.Connection | None = None
        self._doubtful: _Batch | None = None  # it was refused, and may be in the file all the same
        try:
            _create_private(path)
            self._connection = self._open()
            self._migrate(self._connection)
            self._keeper = _keeper(path)
        except (sqlite3.Error, OSError) as error:
            self.close()
            raise StoreUnusable(f"The database {path} can't be opened: {error}") from error

    def _open(self) -> sqlite3.Connection:
        connection = self._connect(self._path)
        try:
            (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
            if mode != "wal":  # which SQLite does not call an error
                raise sqlite3.OperationalError(f"write-ahead logging is not possible there, only {mode}")
            connection.execute(f"PRAGMA synchronous = {self._durability.upper()}")
            connection.execute(f"PRAGMA wal_autocheckpoint = {WAL_PAGES}")
            connection.execute("PRAGMA secure_delete = ON")  # what is taken back is not left in unused pages
        except BaseException:
            connection.close()
            raise
        return connection

    def _migrate(self, connection: sqlite3.Connection) -> None:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version > VERSION:
            connection.close()
            raise StoreUnusable(
                f"The database {self._path} is of schema {version}, and this program knows {VERSION}: "
                "use the newer securechat that wrote it"
            )
        if version == 0:
            migrations.create(connection)
        elif version < VERSION:
            migrations.migrate(connection, self._path, version)

    def load(self) -> tuple[Chat, int]:
        """The chat as it was left, and the greatest stamp in the file. To be called before anything is written.

        Raises :class:`StoreUnusable` where the file is damaged.
        """
        connection = self._connection
        assert connection is not None
        try:
            return tables.load(connection), self._last_committed(connection)
        except (sqlite3.Error, ValueError) as error:
            raise StoreUnusable(f"The database {self._path} can't be read: {error}") from error

    def host_key(self) -> bytes:
        """16 secret bytes, drawn the first time that they are asked for. To be called before anything is written.

        Raises :class:`StoreUnusable`.
        """
        connection = self._connection
        assert connection is not None
        try:
            found = connection.execute("SELECT key FROM host_key").fetchone()
            key = bytes(found[0]) if found else secrets.token_bytes(16)
            if not found:
                connection.execute("INSERT INTO host_key VALUES (1, ?)", (key,))
        except sqlite3.Error as error:
            raise StoreUnusable(f"The database {self._path} can't be used: {error}") from error
        return key

    def write(self, events: Sequence[Event]) -> None:
        """Commit what these events change, in one transaction; return when it is on disk.

        Raises :class:`NotStored` when nothing of it is in the file.
        """
        log, client_ids, changes = rows.write_down(events)
        if not log and not changes:
            return
        if self._doubtful is not None:
            raise NotStored(self._doubtful.why)
        batch = _Batch(events[0].stamp, log[-1][0] if log else events[-1].stamp, [])
        committing = False
        try:
            if self._connection is None:
                self._connection = self._open()
            connection = self._connection
            connection.execute("BEGIN IMMEDIATE")
            if log:
                connection.executemany(rows.INSERT_LOG, log)
            if client_ids:
                connection.executemany(rows.INSERT_CLIENT_ID, client_ids)
            for statement, parameters in changes:
                if statement is tables.TAKE_HELD:
                    batch.taken.extend(connection.execute(tables.HELD, parameters))
                connection.execute(statement, parameters)
            if not log:  # else the log itself tells, and one page less is written
                connection.execute("UPDATE committed SET stamp = ?", (batch.last,))
            committing = True
            connection.execute("COMMIT")
        except Exception as error:  # SQLite's, or a value that can't be bound: nothing may be half-written
            batch.why = _reason(error)
            # Opened anew the next time: one that was opened while the file was read-only, say, stays so for ever.
            self._drop()
            if committing and self._is_stored(batch):
                return
            raise NotStored(batch.why) from error

    def tidy(self, statements: Iterable[tuple[str, Sequence[tuple[Any, ...]]]]) -> None:
        """Commit changes that the chat knows nothing of, and that may be made twice: each statement, with each of its
        parameters, all in one transaction.

        Raises :class:`NotStored` when nothing of it is in the file, or nobody knows: then it is to be made again.
        """
        if self._doubtful is not None:
            raise NotStored(self._doubtful.why)
        committing = False
        try:
            if self._connection is None:
                self._connection = self._open()
            connection = self._connection
            connection.execute("BEGIN IMMEDIATE")
            for statement, parameters in statements:
                connection.executemany(statement, parameters)
            committing = True
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            why = _reason(error)
            self._drop()
            if committing:
                # It may be in the WAL and never be synced, with what is written behind it. So the WAL is emptied first.
                self._doubtful = _Batch(0, -1, [], why, taking_out=True)
            raise NotStored(why) from error

    def _is_stored(self, batch: _Batch) -> bool:
        """After an error in COMMIT: whether the transaction is in the file, and will stay there."""
        try:
            if self._is_there(batch):
                return True
        except sqlite3.Error:
            # It is refused, as what is not known to be stored must be. Should it turn out to be in the file, it is
            # taken out before anything else is written.
            self._doubtful = batch
        return False

    def _is_there(self, batch: _Batch) -> bool:
        """Whether the transaction has been committed; what has been is on disk then. Raises ``sqlite3.Error``.

        SQLite can't always say. A COMMIT that reports an I/O error may have put its frames into the WAL; so the file is
        opened anew. Unless something has it open (see :func:`_keeper`), that recovers the WAL as a start after a crash
        would.

        What it finds in the WAL was perhaps never synced. The system says so once; a second fsync() of the same bytes
        succeeds whether they are on the disk or not (Linux), and a power cut would take with them all that is written
        behind them. So it is copied into the database file, that is synced, and the WAL begins again.
        """
        if self._connection is None:
            self._connection = self._open()
        there = self._last_committed(self._connection) == batch.last
        if there or batch.taking_out:
            busy, _, _ = self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            if busy:
                raise sqlite3.OperationalError("somebody reads the WAL")
        return there

    def _last_committed(self, connection: sqlite3.Connection) -> int:
        """The greatest stamp in the file: of a row of the log, or of a transaction that wrote none."""
        (stamp,) = connection.execute(
            "SELECT max(stamp, (SELECT coalesce(max(stamp), 0) FROM log)) FROM committed"
        ).fetchone()
        return int(stamp)

    @property
    def in_doubt(self) -> bool:
        """Whether a batch that was refused may be in the file. Nothing is written until :meth:`settle` has looked."""
        return self._doubtful is not None

    def settle(self, chat: Chat) -> None:
        """Take out of the file what was refused without knowing whether it had been stored, if the file opens again.

        ``chat`` is the state without it; the tables are made to say what it says.
        """
        if self._doubtful is None:
            return
        batch = self._doubtful
        try:
            if self._is_there(batch):
                self._take_out(batch, chat)
            self._doubtful = None
        except sqlite3.Error:
            self._drop()

    def _take_out(self, batch: _Batch, chat: Chat) -> None:
        connection = self._connection
        assert connection is not None
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany("INSERT INTO held VALUES (?, ?)", batch.taken)
        connection.execute("DELETE FROM held WHERE stamp BETWEEN ? AND ?", (batch.first, batch.last))
        window = (batch.first, batch.last)
        connection.execute(
            "UPDATE log SET redacted = NULL, "
            "(text, tags) = (SELECT text, tags FROM erased WHERE erased.stamp = log.stamp) "
            "WHERE stamp IN (SELECT stamp FROM erased) AND redacted BETWEEN ? AND ?",
            window,
        )
        connection.execute("DELETE FROM erased WHERE stamp IN (SELECT stamp FROM log WHERE redacted IS NULL)")
        for table in ("log", "log_channels", "client_ids"):
            connection.execute(f"DELETE FROM {table} WHERE stamp BETWEEN ? AND ?", window)  # noqa: S608 - our own names
        for statement, parameters in tables.rewrite_tables(chat):
            connection.execute(statement, parameters)
        connection.execute("UPDATE committed SET stamp = 0")
        batch.taking_out = True
        connection.execute("COMMIT")

    def held_messages(self, account_id: int, up_to: int, *, after: int = 0, most: int = -1) -> list[Said]:
        """The messages that wait for an account, in order. On a connection of its own: any thread may call it.

        Raises ``sqlite3.Error``.
        """
        connection = sqlite3.connect(_uri(self._path, "ro"), uri=True, isolation_level=None, timeout=BUSY_SECONDS)
        with contextlib.closing(connection):
            found = connection.execute(
                f"SELECT {rows.COLUMNS}, accounts.name FROM held JOIN log USING (stamp) "  # noqa: S608
                "LEFT JOIN accounts ON accounts.id = log.account "
                "WHERE held.account = ? AND held.stamp > ? AND held.stamp <= ? AND log.redacted IS NULL "
                "ORDER BY held.stamp LIMIT ?",
                (account_id, after, up_to, most),
            )
            return [rows.said(row, account) for *row, account in found]

    def original(self, stamp: int) -> Original | None:
        """What there is of a message, unless it was taken back. On a connection of its own: any thread may call it.

        Raises ``sqlite3.Error``.
        """
        connection = sqlite3.connect(_uri(self._path, "ro"), uri=True, isolation_level=None, timeout=BUSY_SECONDS)
        with contextlib.closing(connection):
            found = connection.execute(
                "SELECT stamp, account, channel, target, target_account FROM log "
                "WHERE stamp = ? AND kind < 3 AND redacted IS NULL",
                (stamp,),
            ).fetchone()
            return Original(*found) if found else None

    def empty_wal(self) -> bool:
        """Copy what is in the WAL into the file, and empty it. False: somebody reads it, and is not waited for.

        Raises :class:`NotStored` where the disk refuses; then all is where it was.
        """
        if self._doubtful is not None:
            raise NotStored(self._doubtful.why)
        try:
            if self._connection is None:
                self._connection = self._open()
            self._connection.execute("PRAGMA busy_timeout = 0")
            busy, _, _ = self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            self._connection.execute(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000:.0f}")
        except sqlite3.Error as error:
            self._drop()
            raise NotStored(_reason(error)) from error
        return not busy

    def close(self) -> None:
        keeper, self._keeper = self._keeper, None
        if keeper is not None:  # first: who closes the file last copies the WAL into it, and this one can't
            keeper.close()
        self._drop()

    def _drop(self) -> None:
        """Close the connection; it is opened anew when it is needed."""
        connection, self._connection = self._connection, None
        if connection is None:
            return
        # First, for as long as anything still refers to one of its cursors, SQLite only seems to close a connection.
        with contextlib.suppress(sqlite3.Error):
            if connection.in_transaction:
                connection.execute("ROLLBACK")
        with contextlib.suppress(sqlite3.Error):
            connection.close()


def _keeper(path: Path) -> sqlite3.Connection:
    """A connection that does nothing but be there. Raises ``sqlite3.Error``.

    While a file is open somewhere, its WAL and the index of that in memory stay. So, first, it can be read while the
    disk is full, when neither could be made anew. And, second, a COMMIT that failed is seen by nobody: its frames may
    stand in the WAL, and who opens a file that nobody has open looks there for what is whole; but they never came into
    the index, and the next transaction is written over them.
    """
    connection = sqlite3.connect(_uri(path, "ro"), uri=True, isolation_level=None, check_same_thread=False)
    try:
        connection.execute("SELECT 1 FROM sqlite_schema").fetchall()  # the WAL is opened at the first reading
    except BaseException:
        connection.close()
        raise
    return connection


_FAILED = "the server's disk has failed"


def _create_private(path: Path) -> None:
    """SQLite would make the file with what the umask leaves; the WAL gets the file's mode."""
    with contextlib.suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))


def _reason(error: Exception) -> str:
    """In words, for those whose request is refused, and without anything of the file system."""
    name = getattr(error, "sqlite_errorname", "") or ""
    if name.startswith("SQLITE_FULL"):
        return "the server's disk is full"
    if name.startswith("SQLITE_READONLY"):
        return "the server's disk is read-only"
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return "the server's database is locked"
    return _FAILED
