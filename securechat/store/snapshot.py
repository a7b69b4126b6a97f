"""A store's file, read as it is at one moment and without changing it: whether a server runs on it or not.

::

    StoreError
    ├── WrongStoreError    no store is there, it is none of ours, or of another version: the operator's to put right
    └── StoreFailedError   the system refused (the cause is its ``__cause__``)
        └── DamagedError   what is there is a store, and not whole

``str()`` of each is a sentence without the full stop.
"""

from __future__ import annotations

import contextlib
import sqlite3
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Literal

from securechat.store.schema import VERSION

__all__ = [
    "DamagedError",
    "StoreError",
    "StoreFailedError",
    "WrongStoreError",
    "check_whole",
    "database_errors",
    "look_for_file",
    "newer",
    "open_file",
    "reading",
    "require_this_version",
    "schema_version",
    "system_errors",
]

_BUSY_SECONDS: Final = 5.0
_STEPS: Final = 10_000
"""So many of SQLite's own instructions (about a millisecond) until a Ctrl-C is noticed."""


class StoreError(Exception):
    """The base of all that is raised here on purpose."""


class WrongStoreError(StoreError):
    """It is not what it is taken for."""


class StoreFailedError(StoreError):
    """It can't be read or written."""


class DamagedError(StoreFailedError):
    """It is not whole."""


@contextlib.contextmanager
def reading(path: Path) -> Iterator[sqlite3.Connection]:
    """The store as it is now, of whatever version; what is written meanwhile is not seen.

    SQLite keeps for a reader all that is written while it reads in the WAL, which grows by that: whoever needs minutes
    should need only that one look.

    Raises:
        WrongStoreError: there is no file, or it is not a store.
        StoreFailedError: it can't be read, or is damaged; inside the context, too.
    """
    look_for_file(path)
    with database_errors(path, "read"), contextlib.closing(_read_only(path)) as connection:
        if not {"log", "accounts", "channels"} <= _tables(connection) or schema_version(connection) < 1:
            raise WrongStoreError(f"{path} is a database, but not one of securechat's")
        yield connection


def schema_version(connection: sqlite3.Connection) -> int:
    """The version of the store's tables (see :mod:`securechat.store.schema`)."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def require_this_version(connection: sqlite3.Connection, path: Path) -> None:
    """Raises :class:`WrongStoreError` for a store whose tables are not those that this program knows."""
    version = schema_version(connection)
    if version > VERSION:
        raise WrongStoreError(newer(path, version))
    if version < VERSION:
        raise WrongStoreError(
            f"{path} is of schema {version}, and this program's is {VERSION}: start its server once, which makes a "
            "copy and brings it forward"
        )


def newer(path: Path, version: int) -> str:
    """The sentence about a store of a version that this program does not know."""
    return f"{path} is of schema {version}, and this program knows {VERSION}: use the newer securechat that wrote it"


def check_whole(connection: sqlite3.Connection) -> list[str]:
    """What SQLite finds wrong with the file (``PRAGMA integrity_check``), at most 100 findings; all is read for it."""
    found: list[str] = []
    try:
        found.extend(str(line) for (line,) in connection.execute("PRAGMA integrity_check"))
    except sqlite3.DatabaseError as error:  # so damaged that it can't be looked at further
        if not _name(error).startswith("SQLITE_CORRUPT"):
            raise
        found.append("a page is not what it should be")
    return [] if found == ["ok"] else found


def look_for_file(path: Path) -> None:
    """Raises :class:`StoreError` where there is no file, or something else of that name."""
    with system_errors(path, "read"):
        try:
            mode = path.stat().st_mode
        except (FileNotFoundError, NotADirectoryError):
            raise WrongStoreError(f"there is no store: {path} does not exist") from None
        if not stat.S_ISREG(mode):
            raise WrongStoreError(f"{path} is not a file")


def open_file(path: Path, mode: Literal["ro", "rw"], *, immutable: bool = False) -> sqlite3.Connection:
    """A connection on which a Ctrl-C is noticed while SQLite works. Raises ``sqlite3.Error``."""
    uri = f"{path.absolute().as_uri()}?mode={mode}{'&immutable=1' if immutable else ''}"
    connection = sqlite3.connect(uri, uri=True, isolation_level=None, timeout=_BUSY_SECONDS)
    # A signal's handler runs as soon as Python does; the exception that it raises makes SQLite give up, and
    # `database_errors` makes of that a KeyboardInterrupt again.
    connection.set_progress_handler(lambda: 0, _STEPS)
    return connection


def _read_only(path: Path) -> sqlite3.Connection:
    """A connection in a read transaction."""
    connection = open_file(path, "ro")
    try:
        _begin(connection)
    except sqlite3.Error as error:
        connection.close()
        if not _name(error).startswith("SQLITE_CANTOPEN") or path.with_name(f"{path.name}-wal").exists():
            raise
        # A file in WAL mode with none, in a directory in which none can be made: nobody writes it.
        connection = open_file(path, "ro", immutable=True)
        try:
            _begin(connection)
        except BaseException:
            connection.close()
            raise
    return connection


def _begin(connection: sqlite3.Connection) -> None:
    connection.execute("BEGIN")
    connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()  # the first look, not BEGIN, is the moment


def _tables(connection: sqlite3.Connection) -> set[str]:
    return {name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}


@contextlib.contextmanager
def database_errors(path: Path, verb: str) -> Iterator[None]:
    """What SQLite raises about this file, which we wanted to ``verb``, as a :class:`StoreError`."""
    try:
        yield
    except sqlite3.Error as error:
        name = _name(error)
        if name == "SQLITE_INTERRUPT":
            raise KeyboardInterrupt from None
        if name == "SQLITE_NOTADB":
            raise WrongStoreError(f"{path} is not a store: it is no SQLite database") from error
        why = next((words for start, words in _REASONS.items() if name.startswith(start)), str(error))
        kind = DamagedError if name.startswith("SQLITE_CORRUPT") else StoreFailedError
        raise kind(f"can't {verb} {path}: {why}") from error


@contextlib.contextmanager
def system_errors(path: Path, verb: str) -> Iterator[None]:
    """The same of what the system raises."""
    try:
        yield
    except OSError as error:
        raise StoreFailedError(f"can't {verb} {path}: {error.strerror}") from error


def _name(error: sqlite3.Error) -> str:
    return getattr(error, "sqlite_errorname", "") or ""


_REASONS: Final = {
    "SQLITE_FULL": "the disk is full",
    "SQLITE_READONLY": "it can't be written",
    "SQLITE_BUSY": "another program has locked it",
    "SQLITE_LOCKED": "another program has locked it",
    "SQLITE_CORRUPT": "it is damaged",
    "SQLITE_CANTOPEN": "the system does not let us open it",
    "SQLITE_PERM": "the system does not let us open it",
    "SQLITE_IOERR": "the disk has failed, or is full",
}
"""By the beginning of SQLite's name of an error."""
