"""A file with the tables of an older version gets those of today, in one transaction, and a copy is kept beside it."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from pathlib import Path

from securechat.store.files import sync
from securechat.store.schema import MIGRATIONS, SCHEMA, VERSION

__all__ = ["create", "migrate"]


def create(connection: sqlite3.Connection) -> None:
    """The tables in an empty file. Raises ``sqlite3.Error``; then the caller closes the connection, as below."""
    connection.executescript(f"BEGIN IMMEDIATE; {SCHEMA} PRAGMA user_version = {VERSION}; COMMIT;")


def migrate(connection: sqlite3.Connection, path: Path, version: int) -> None:
    """Make ``path``, which is of this version, one of :data:`VERSION`.

    All of it is done, or nothing. The copy is named after the version, ``securechat.db.schema-1.bak``, and replaces one
    of the same name: where a migration failed, the older program may have gone on with the file.

    Raises ``sqlite3.Error`` and :class:`OSError`.
    """
    _back_up(connection, path, path.with_name(f"{path.name}.schema-{version}.bak"))
    steps = "".join(MIGRATIONS[older] for older in range(version, VERSION))
    connection.executescript(f"BEGIN IMMEDIATE; {steps} PRAGMA user_version = {VERSION}; COMMIT;")


def _back_up(connection: sqlite3.Connection, path: Path, backup: Path) -> None:
    """There under its name when it is whole and on disk, and not before."""
    part = backup.with_name(backup.name + ".part")
    part.unlink(missing_ok=True)
    try:
        # Empty and private: SQLite would make it with what the umask leaves.
        with os.fdopen(os.open(part, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)) as file:
            connection.execute("VACUUM INTO ?", (str(part),))
            os.fsync(file.fileno())
        part.replace(backup)
    except BaseException:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
        raise
    sync(path.parent)
