"""A disk that fails when it is told to, under SQLite itself."""

import sqlite3
from pathlib import Path
from typing import Any

CONNECT = "connect"

BROKEN = 10**6
"""So many steps fail as a disk makes that is gone until it is mended."""


class Disk:
    """Makes the connections of a :class:`Database`, and counts what is asked of them: each statement is a step, and so
    is each opening of the file.

    ``steps`` has what was asked since the last :meth:`watch`; ``connections`` all that were opened. While it is
    ``read_only`` they are opened as SQLite opens a file that can't be written.
    """

    def __init__(self, timeout: float = 0.05) -> None:
        self.steps: list[str] = []
        self.connections: list[sqlite3.Connection] = []
        self.read_only = False
        self._timeout = timeout
        self._failing: list[range] = []
        self._error = ""
        self._done_first = -1
        self._armed = False

    def watch(self) -> None:
        self.steps.clear()

    def fail(self, first: int, count: int = 1, error: str = "SQLITE_IOERR_WRITE", *, done_first: bool = False) -> None:
        """Fail ``count`` steps from the one with the number ``first`` on, counted from now, with this error.

        With ``done_first`` the first of them is carried out, and then reported as failed.
        """
        self.watch()
        self._armed = False
        self._failing = [range(first, first + count)]
        self._error = error
        self._done_first = first if done_first else -1

    def fail_commit(self, count: int, *, done_first: bool) -> None:
        """As :meth:`fail`, from the next COMMIT on."""
        self.fail(BROKEN, count, done_first=done_first)
        self._armed = True

    def also_fail(self, number: int) -> None:
        self._failing.append(range(number, number + 1))

    def mend(self) -> None:
        self._armed = False
        self._failing.clear()

    def connect(self, path: Path) -> sqlite3.Connection:
        failed = self.step(CONNECT)
        if failed is not None:
            raise failed
        connection = sqlite3.connect(
            f"{path.absolute().as_uri()}?mode={'ro' if self.read_only else 'rw'}",
            uri=True,
            isolation_level=None,
            check_same_thread=False,
            timeout=self._timeout,
            factory=_Connection,
        )
        connection.disk = self
        self.connections.append(connection)
        return connection

    def step(self, what: str) -> sqlite3.Error | None:
        """Raises the error before the step, or returns the one to be raised after it."""
        number = len(self.steps)
        if self._armed and what == "COMMIT":
            self._armed = False
            (failing,) = self._failing
            self._failing = [range(number, number + len(failing))]
            self._done_first = number if self._done_first >= 0 else -1
        self.steps.append(what)
        if not any(number in steps for steps in self._failing):
            return None
        error = failure(self._error)
        if number == self._done_first:
            return error
        raise error


def failure(name: str) -> sqlite3.Error:
    """An error as SQLite raises it."""
    error = sqlite3.OperationalError(f"told to fail with {name}")
    error.sqlite_errorname = name
    error.sqlite_errorcode = getattr(sqlite3, name)
    return error


class _Connection(sqlite3.Connection):
    disk: Disk

    def execute(self, sql: str, parameters: Any = (), /) -> sqlite3.Cursor:
        failed = self.disk.step(sql)
        return _unless(failed, super().execute(sql, parameters))

    def executemany(self, sql: str, parameters: Any, /) -> sqlite3.Cursor:
        failed = self.disk.step(sql)
        return _unless(failed, super().executemany(sql, parameters))


def _unless(failed: sqlite3.Error | None, cursor: sqlite3.Cursor) -> sqlite3.Cursor:
    if failed is not None:
        cursor.close()  # SQLite's own errors leave none behind
        raise failed
    return cursor
