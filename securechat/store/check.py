"""Looks whether a store is whole: the files, the database's pages, what its rows say, and the search index.

It reads only, all of the database as it was at one moment, and works beside a server that runs. Two things need that
none does, and are left out else: the inside of the search index, and whether it has all that it should.
"""

from __future__ import annotations

import contextlib
import sqlite3
import stat
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from securechat.chat.stamps import iso_time, msgid, stamp_at
from securechat.store.check_rules import FUNCTIONS, LOG_RULES, TABLE_RULES, Rule
from securechat.store.check_search import check_search
from securechat.store.datadir import DataDir
from securechat.store.found import Found, counted
from securechat.store.schema import SCHEMA
from securechat.store.snapshot import (
    check_whole,
    database_errors,
    open_file,
    reading,
    require_this_version,
)
from securechat.store.tables import load

__all__ = ["Telling", "check", "compact", "in_words"]

Telling = Callable[[str, int, int], object]
"""Told what is looked at, how much of it was, and how much there is (0: nobody knows)."""

_SHOWN: Final = 3
_STEPS: Final = 1000
_DAY_MS: Final = 86_400_000


def check(data: DataDir, tell: Telling = lambda *_: None, now_ms: Callable[[], int] | None = None) -> Iterator[Found]:
    """Look at everything, one after the other; at nothing more where pages of the database are damaged.

    Raises :class:`~securechat.store.snapshot.StoreError` where there is no store that could be looked at.
    """
    now = now_ms() if now_ms is not None else time.time_ns() // 1_000_000
    with reading(data.database) as connection:
        require_this_version(connection, data.database)
        yield _files(data)
        pages = _pages(connection, tell)
        yield pages
        if pages.wrong:  # what else would be found is only what follows from it
            return
        connection.set_progress_handler(lambda: 0, _STEPS)
        for name, function in FUNCTIONS.items():
            connection.create_function(name, -1, function, deterministic=True)
        yield _schema(connection)
        yield _log(connection, tell, now)
        yield _tables(connection, tell)
        yield _chat(connection)
    if data.search.exists():
        tell("search index", 0, 0)
        yield check_search(data)


# -- files ------------------------------------------------------------------------------------------------------------


def _files(data: DataDir) -> Found:
    found, number = Found("files"), 0
    if stat.S_IMODE(data.path.stat().st_mode) & 0o027:
        found.wrong.append(f"others may look into the directory {data.path}: chmod 700 it")
    for path in sorted(data.path.iterdir()):
        try:
            mode = path.lstat().st_mode
        except FileNotFoundError:  # a server has stopped
            continue
        number += 1
        if stat.S_ISREG(mode) and mode & 0o077:
            found.wrong.append(f"others may read or write {path}: chmod 600 it")
    found.there = f"{number} in {data.path}"
    return found


# -- the database -----------------------------------------------------------------------------------------------------


def _pages(connection: sqlite3.Connection, tell: Telling) -> Found:
    (pages,), (size,), (free,) = (
        connection.execute(f"PRAGMA {name}").fetchone() for name in ("page_count", "page_size", "freelist_count")
    )
    there = f"{in_words(pages * size)}, of which {in_words(free * size)} are free for what comes"
    tell(f"pages ({in_words(pages * size)})", 0, 0)
    return Found("pages", there, check_whole(connection))


def _schema(connection: sqlite3.Connection) -> Found:
    found = Found("tables")
    with contextlib.closing(sqlite3.connect(":memory:")) as new:
        new.executescript(SCHEMA)
        expected, present = _columns(new), _columns(connection)
    found.there = f"{len(present)}"
    for name in sorted(expected.keys() | present.keys()):
        if name not in present:
            found.wrong.append(f"there is no {name}")
        elif name not in expected:
            found.wrong.append(f"{name} is none of ours")
        elif present[name] != expected[name]:
            found.wrong.append(f"{name} does not have the columns that it should")
    return found


def _columns(connection: sqlite3.Connection) -> dict[str, list[tuple[object, ...]]]:
    """The columns of tables and indexes that have names of ours."""
    names = connection.execute(
        "SELECT type, name FROM sqlite_schema WHERE type IN ('table', 'index') AND name NOT LIKE 'sqlite_%'"
    ).fetchall()
    return {
        name: [
            row[1:] if kind == "table" else row[2:]
            for row in connection.execute(f"PRAGMA {'table' if kind == 'table' else 'index'}_xinfo({name})")
        ]
        for kind, name in names
    }


def _log(connection: sqlite3.Connection, tell: Telling, now_ms: int) -> Found:
    found = Found("log")
    number, first, last = connection.execute("SELECT count(*), min(stamp), max(stamp) FROM log").fetchone()
    found.there = counted(number, "row") + (f", from {iso_time(first)} to {iso_time(last)}" if number else "")
    if number and first < 1:
        found.wrong.append("a row is older than any server of ours")
    if number and last > stamp_at(now_ms + _DAY_MS):
        found.wrong.append(f"the newest row is from the future, {iso_time(last)}: was the clock wrong?")
    found.wrong += _unreadable(connection, tell, number)
    if not found.wrong:
        found.wrong += _broken(connection, LOG_RULES, "a row ", lambda: tell("rules of the log", 0, 0))
    return found


def _unreadable(connection: sqlite3.Connection, tell: Telling, number: int) -> Iterator[str]:
    """Read every row as the server does, which SQLite can't make texts of if they are no UTF-8."""
    stamp = 0
    try:
        rows = connection.execute("SELECT stamp, source, target, text, tags FROM log ORDER BY stamp")
        for done, row in enumerate(rows):
            stamp = row[0]
            if done % 10_000 == 0:
                tell("log", done, number)
    except sqlite3.OperationalError as error:
        if getattr(error, "sqlite_errorname", None) is not None:
            raise
        yield f"the row after {msgid(stamp)} can't be read: {error}"


def _tables(connection: sqlite3.Connection, tell: Telling) -> Found:
    accounts, channels = connection.execute(
        "SELECT (SELECT count(*) FROM accounts), (SELECT count(*) FROM channels)"
    ).fetchone()
    wrong = _broken(connection, TABLE_RULES, "", lambda: tell("rules of the tables", 0, 0))
    return Found("rows of the tables", f"{counted(accounts, 'account')}, {counted(channels, 'channel')}", list(wrong))


def _broken(
    connection: sqlite3.Connection, rules: Iterable[Rule], before: str, tell: Callable[[], object]
) -> Iterator[str]:
    for sentence, query in rules:
        tell()
        some, number = [], 0
        for (value,) in connection.execute(query):
            number += 1
            if number <= _SHOWN:
                some.append(str(value) if str(value).isprintable() else ascii(value))
        if number:
            more = f" and {number - _SHOWN} more" if number > _SHOWN else ""
            yield f"{before}{sentence}: {', '.join(some)}{more}"


def _chat(connection: sqlite3.Connection) -> Found:
    try:
        load(connection)
    except sqlite3.Error:
        raise
    except Exception as error:  # whatever it is: the rows are wrong
        return Found("chat", wrong=[f"it can't be made of the tables: {error}"])
    return Found("chat", "it can be made of the tables")


def compact(data: DataDir) -> tuple[int, int]:
    """Write the database anew without the pages that are free, and give those back to the system. The caller holds the
    directory's lock, and there must be room for a second one. Returns how many bytes it had, and has.

    Raises :class:`~securechat.store.snapshot.StoreError`.
    """
    with reading(data.database) as connection:
        require_this_version(connection, data.database)
    before = data.database.stat().st_size
    with database_errors(data.database, "write"), contextlib.closing(open_file(data.database, "rw")) as connection:
        connection.execute("VACUUM")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return before, data.database.stat().st_size


def in_words(size: int) -> str:
    """Bytes as ``43 kB`` or ``3.1 MB``."""
    return f"{size / 1_000_000:.1f} MB" if size >= 1_000_000 else f"{size // 1000} kB"
