"""The SQLite file: opened, written in one transaction a batch, and looked at again when a commit has failed.

WAL mode with ``synchronous=FULL``: a commit has returned from ``fsync()``, so it survives a power cut. ``NORMAL``
leaves the ``fsync()`` to the checkpoint: a power cut may take back the last commits, a crash of the server does not.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

from securechat.chat.events import Event, Said
from securechat.chat.machine import Chat
from securechat.store import rows
from securechat.store.schema import SCHEMA, VERSION

__all__ = ["Database", "Durability", "NotStored", "StoreUnusable"]

Durability = Literal["full", "normal"]
Connector = Callable[[Path], sqlite3.Connection]


class StoreUnusable(Exception):  # noqa: N818 - it says what is the matter
    """The file can't be opened as a store; the text says why."""


class NotStored(Exception):  # noqa: N818
    """What was to be written is not in the file, and will not be."""


def _connect(path: Path) -> sqlite3.Connection:
    # Used by several threads, one at a time: whoever has the journal's turn.
    return sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=5.0)


class Database:
    """The store's file. All methods but :meth:`held_messages` are for one thread at a time.

    Raises :class:`StoreUnusable` when the file can't be opened, or is of a newer schema than this program's.
    """

    def __init__(self, path: Path, durability: Durability = "full", connect: Connector = _connect) -> None:
        self._path = path
        self._durability = durability
        self._connect = connect
        self._connection: sqlite3.Connection | None = None
        self._doubtful: tuple[int, int] | None = None  # first and last stamp of a batch whose commit is not known
        try:
            _create_private(path)
            self._connection = self._open()
            self._migrate(self._connection)
        except (sqlite3.Error, OSError) as error:
            self.close()
            raise StoreUnusable(f"The database {path} can't be opened: {error}") from error

    def _open(self) -> sqlite3.Connection:
        connection = self._connect(self._path)
        try:
            connection.execute("PRAGMA journal_mode = WAL").fetchone()
            connection.execute(f"PRAGMA synchronous = {self._durability.upper()}")
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
            connection.executescript(f"BEGIN IMMEDIATE; {SCHEMA} PRAGMA user_version = {VERSION}; COMMIT;")

    def load(self) -> tuple[Chat, int]:
        """The chat as it was left, and the greatest stamp that was given out."""
        connection = self._connection
        assert connection is not None
        return rows.load(connection), self._last_committed(connection)

    def write(self, events: Sequence[Event]) -> None:
        """Commit what these events change, in one transaction; return when it is on disk.

        Raises :class:`NotStored` when nothing of it is in the file.
        """
        log, changes = rows.write_down(events)
        if not log and not changes:
            return
        if self._doubtful is not None:
            raise NotStored(_FAILED)
        last = log[-1][0] if log else events[-1].stamp
        begun = False
        try:
            if self._connection is None:
                self._connection = self._open()
            connection = self._connection
            connection.execute("BEGIN IMMEDIATE")
            begun = True
            if log:
                connection.executemany(rows.INSERT_LOG, log)
            for statement, parameters in changes:
                connection.execute(statement, parameters)
            if not log:  # else the log itself tells, and one page less is written
                connection.execute("UPDATE committed SET stamp = ?", (last,))
            connection.execute("COMMIT")
        except Exception as error:  # SQLite's, or a value that can't be bound: nothing may be half-written
            if not (begun and self._is_there(events[0].stamp, last)):
                raise NotStored(_reason(error)) from error

    def _is_there(self, first: int, last: int) -> bool:
        """After an error: whether the transaction that ended with ``last`` has been committed all the same.

        SQLite can't always say. A COMMIT that reports an I/O error may have put its frames into the WAL; so the file is
        opened anew, which recovers the WAL as a start after a crash would.
        """
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(sqlite3.Error):
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
            with contextlib.suppress(sqlite3.Error):
                connection.close()
        try:
            self._connection = self._open()
            return self._last_committed(self._connection) == last
        except sqlite3.Error:
            # It is refused, as what is not known to be stored must be. Should it turn out to be in the file, it is
            # taken out before anything else is written.
            self._doubtful = (first, last)
            return False

    def _last_committed(self, connection: sqlite3.Connection) -> int:
        """The greatest stamp in the file: of a row of the log, or of a transaction that wrote none."""
        (stamp,) = connection.execute(
            "SELECT max(stamp, (SELECT coalesce(max(stamp), 0) FROM log)) FROM committed"
        ).fetchone()
        return int(stamp)

    @property
    def in_doubt(self) -> bool:
        """Whether it is unknown if the last batch is in the file. Nothing is written until :meth:`settle` knows."""
        return self._doubtful is not None

    def settle(self, chat: Chat) -> None:
        """Take out of the file what was refused without knowing whether it had been stored, if the file opens again.

        ``chat`` is the state without it; the tables are made to say what it says.
        """
        if self._doubtful is None:
            return
        first, last = self._doubtful
        try:
            if self._connection is None:
                self._connection = self._open()
            connection = self._connection
            if self._last_committed(connection) == last:
                connection.execute("BEGIN IMMEDIATE")
                connection.execute("DELETE FROM log WHERE stamp BETWEEN ? AND ?", (first, last))
                connection.execute("DELETE FROM held WHERE stamp BETWEEN ? AND ?", (first, last))
                for statement, parameters in rows.rewrite_tables(chat):
                    connection.execute(statement, parameters)
                connection.execute("UPDATE committed SET stamp = 0")
                connection.execute("COMMIT")
            self._doubtful = None
        except sqlite3.Error:
            self.close()

    def held_messages(self, account_id: int, up_to: int) -> list[Said]:
        """The messages that wait for an account, in order. On a connection of its own: any thread may call it.

        Raises ``sqlite3.Error``.
        """
        connection = sqlite3.connect(f"{self._path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None)
        with contextlib.closing(connection):
            found = connection.execute(
                "SELECT log.* FROM held JOIN log USING (stamp) WHERE held.account = ? AND held.stamp <= ? "
                "ORDER BY held.stamp",
                (account_id, up_to),
            )
            return [rows.said(row) for row in found]

    def close(self) -> None:
        if self._connection is not None:
            with contextlib.suppress(sqlite3.Error):
                self._connection.close()
            self._connection = None


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
