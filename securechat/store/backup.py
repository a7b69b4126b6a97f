"""A copy of a store in one file, made while the server writes; and a store made of such a copy again.

A copy is made by SQLite's backup API from inside one read transaction. Without that it would begin anew whenever
something is written; with it, it has the store as it was when it began. It has no WAL, is private (0600), on disk and
looked through before it gets its name, and what was taken back (the table ``erased``) is not in it.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import stat
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from securechat.store.datadir import DataDir
from securechat.store.files import sync
from securechat.store.schema import VERSION
from securechat.store.snapshot import (
    DamagedError,
    StoreFailedError,
    WrongStoreError,
    check_whole,
    database_errors,
    look_for_file,
    newer,
    open_file,
    reading,
    schema_version,
    system_errors,
)
from securechat.store.tables import load

__all__ = ["Contents", "Progress", "Restored", "back_up", "look_into", "restore"]

Progress = Callable[[int, int], object]
"""Called with how many pages are copied, and how many there are."""

_PAGES: Final = 512  # at a time: 2 MiB, a few milliseconds

_BESIDE: Final = ("-wal", "-shm", "-journal")
"""What SQLite may have beside a file."""


@dataclass(frozen=True, slots=True)
class Contents:
    """What there is in a store."""

    version: int
    accounts: int
    channels: int
    last: int
    """The stamp of the newest row of its log, 0 if there is none."""


def back_up(database: Path, target: Path, *, force: bool = False, progress: Progress = lambda *_: None) -> Contents:
    """Copy the store ``database`` to the file ``target``, whole or not at all.

    ``force``: what has that name is replaced. There may be files ``target``.part meanwhile, and after a ``kill -9``;
    else never.

    Raises:
        WrongStoreError: ``database`` is no store, or ``target`` can't be its copy or is there already.
        StoreFailedError: the system refused, or the store is damaged.
    """
    _check_target(database, target, force)
    part = target.with_name(f"{target.name}.part")
    with _temporary(part):
        contents = _copy(database, part, progress)
        _check_target(database, target, force)  # a while has passed
        with system_errors(target, "write"):
            part.replace(target)
            sync(target.absolute().parent)
    return contents


def _check_target(database: Path, target: Path, force: bool) -> None:
    with system_errors(target, "write"):
        try:
            mode = target.lstat().st_mode
        except FileNotFoundError:
            if not target.absolute().parent.is_dir():
                raise WrongStoreError(f"there is no directory {target.absolute().parent}") from None
            mode = None
        except NotADirectoryError:
            raise WrongStoreError(f"{target.parent} is not a directory") from None
        if _is_of_the_store(database, target):
            raise WrongStoreError(f"{target} belongs to the store itself: give the copy another name")
        if mode is None:
            return
        if not stat.S_ISREG(mode):
            raise WrongStoreError(f"{target} is there and is not a file")
        if not force:
            raise WrongStoreError(f"{target} is there already: --force replaces it")


def _is_of_the_store(database: Path, target: Path) -> bool:
    place, own = DataDir(database.parent), target.parent.resolve() / target.name
    if own.parent != place.path.resolve():
        return False
    kept = {place.lock_file.name, place.control_socket.name, place.crl_numbers.name}
    return own.name in kept or any(
        own.name == f"{name}{end}" for name in (database.name, place.search.name) for end in ("", *_BESIDE)
    )


@contextlib.contextmanager
def _temporary(part: Path) -> Iterator[None]:
    """A file of this name, and what SQLite puts beside it, is not there before, nor afterwards."""
    with system_errors(part, "replace"):
        _remove(part)
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            _remove(part)


def _remove(database: Path) -> None:
    database.unlink(missing_ok=True)
    _remove_beside(database)


def _remove_beside(database: Path) -> None:
    for end in _BESIDE:
        database.with_name(database.name + end).unlink(missing_ok=True)


def _copy(source: Path, part: Path, progress: Progress) -> Contents:
    """Make ``part`` a store with all that is in ``source``: private, without a WAL, looked through, and on disk."""
    with system_errors(part, "write"):
        # Empty and private: SQLite would make it with what the umask leaves.
        os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    with (
        reading(source) as connection,
        database_errors(source, "copy"),
        contextlib.closing(open_file(part, "rw")) as copy,
    ):
        # Nobody else looks at it, and nobody misses it if this fails.
        copy.execute("PRAGMA synchronous = OFF")
        copy.execute("PRAGMA journal_mode = OFF")
        connection.backup(copy, pages=_PAGES, progress=lambda _, left, all_: progress(all_ - left, all_))
    with database_errors(source, "copy"), contextlib.closing(open_file(part, "rw")) as copy:
        copy.execute("PRAGMA locking_mode = EXCLUSIVE")
        copy.execute("PRAGMA journal_mode = DELETE")
        found = check_whole(copy)
        if found:
            raise DamagedError(f"{source} is damaged: {found[0]}")
        _erase(copy)
        contents = _contents(copy)
    with system_errors(part, "write"):
        sync(part)
    return contents


def _erase(copy: sqlite3.Connection) -> None:
    """What was taken back, and waits for the server to take it out of its files, is not to be in this one.

    SQLite leaves copies of rows in unused parts of pages (`securechat.store.gaps`); in a file that is written anew
    there are none. It is seldom needed: what waits has gone within minutes.
    """
    is_there = copy.execute("SELECT count(*) FROM sqlite_schema WHERE name = 'erased'").fetchone()[0]
    if is_there and copy.execute("DELETE FROM erased").rowcount:
        copy.execute("VACUUM")


def _contents(connection: sqlite3.Connection) -> Contents:
    accounts, channels, last = connection.execute(
        "SELECT (SELECT count(*) FROM accounts), (SELECT count(*) FROM channels), "
        "(SELECT coalesce(max(stamp), 0) FROM log)"
    ).fetchone()
    return Contents(schema_version(connection), accounts, channels, last)


def look_into(file: Path) -> Contents:
    """What there is in a store, or in a copy of one, without reading all of it.

    Raises:
        WrongStoreError: it is no store, or of a newer version than this program.
        StoreFailedError: the system refused, or it is damaged so that this much can't be read.
    """
    with reading(file) as connection:
        contents = _contents(connection)
    if contents.version > VERSION:
        raise WrongStoreError(newer(file, contents.version))
    return contents


@dataclass(frozen=True, slots=True)
class Restored:
    """``before``: where the store that was there is kept, if one was there."""

    contents: Contents
    before: Path | None


def restore(data: DataDir, file: Path, progress: Progress = lambda *_: None) -> Restored:
    """Put the store in ``file`` in the place of that in ``data``, whose lock the caller holds.

    What was there is kept beside, as ``securechat.db.before-restore-20261122T140323Z``. Whenever the process ends, or
    the power, in the middle of it, there is the old store or the new one, whole. (With one exception: of an old store
    that is damaged the part in its WAL may be only beside.)

    Raises:
        WrongStoreError: ``file`` is no store, or of a newer version than this program, or the present store itself.
        StoreFailedError: the system refused, or ``file`` is damaged. The old store is as it was.
    """
    look_for_file(file)
    with system_errors(file, "read"):
        if data.database.exists() and file.samefile(data.database):
            raise WrongStoreError(f"{file} is the store that is in use")
    look_into(file)  # before minutes are spent on a copy
    part = data.path / f"{data.database.name}.restore.part"
    with _temporary(part):
        contents = _copy(file, part, progress)
        _refuse_unreadable(part, file, contents.version)
        before = _keep_present(data)
        with system_errors(data.database, "replace"):
            _remove_search(data)
            part.replace(data.database)
            sync(data.path)
    return Restored(contents, before)


def _refuse_unreadable(part: Path, file: Path, version: int) -> None:
    """What can be read is not yet a chat; older versions are looked at when a server brings them forward."""
    if version != VERSION:
        return
    try:
        with database_errors(file, "read"), contextlib.closing(open_file(part, "ro")) as connection:
            load(connection)
    except ValueError as error:
        raise DamagedError(f"{file} is damaged: {error}") from error


def _keep_present(data: DataDir) -> Path | None:
    """Give the present store a second name, and leave nothing beside the first that belongs to it."""
    database = data.database
    if not database.exists():
        with system_errors(database, "replace"):
            _remove_beside(database)
        return None
    now = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    before = _free_name(database.with_name(f"{database.name}.before-restore-{now}"))
    damaged = not _fold_wal(database)
    with system_errors(before, "write"):
        before.hardlink_to(database)
        if damaged:
            # SQLite can't put its WAL into it. It is kept under the name that belongs to the other, and must be gone
            # before another database is there: it would be taken for that one's.
            wal = database.with_name(f"{database.name}-wal")
            if wal.exists():
                wal.replace(before.with_name(f"{before.name}-wal"))
        _remove_beside(database)
        sync(data.path)
    return before


def _fold_wal(database: Path) -> bool:
    """Put what is in the WAL into the file, and the WAL away. False: the file is too damaged for that."""
    try:
        with reading(database):  # no more than that: whoever opens a damaged file to write takes its WAL away
            pass
        with database_errors(database, "put the WAL into"), contextlib.closing(open_file(database, "rw")) as connection:
            connection.execute("PRAGMA synchronous = FULL")
            (mode,) = connection.execute("PRAGMA journal_mode = DELETE").fetchone()
    except (WrongStoreError, DamagedError):
        return False
    if mode != "delete":
        raise StoreFailedError(f"another program reads {database}: wait until it has done so")
    return True


def _free_name(path: Path) -> Path:
    """This, or with a number behind it where that is taken: two in one second."""
    name, number = path, 1
    while name.exists():
        number += 1
        name = path.with_name(f"{path.name}-{number}")
    return name


def _remove_search(data: DataDir) -> None:
    """The index of another store's messages; the server makes a new one."""
    _remove(data.search)
