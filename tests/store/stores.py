"""Whole stores, as files: what is in them, and how they get damaged."""

import contextlib
import sqlite3
from pathlib import Path
from typing import Any

from tests.store.shop import Shop, hello, lasting, log, look

ROOT = Path(__file__).parents[2]


def files(directory: Path) -> set[str]:
    return {path.name for path in directory.iterdir()}


def contents(path: Path) -> dict[str, list[tuple[Any, ...]]]:
    """All rows of all tables."""
    with contextlib.closing(sqlite3.connect(path)) as connection:
        names = [name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
        rows = {name: connection.execute(f"SELECT * FROM {name}").fetchall() for name in names}  # noqa: S608 - ours
        return {name: sorted(found, key=repr) for name, found in rows.items()}


def talk(shop: Shop, number: int) -> None:
    """Enough for a file of several megabytes."""
    for _ in range(number):
        shop.do(*(hello(1, f"{n} {'x' * 400}") for n in range(1000)))


def found_in(path: Path) -> tuple[dict[str, object], list[Any]]:
    with look(path) as (chat, _, connection):
        return lasting(chat), log(connection)


def damage(path: Path) -> None:
    """As a bad disk does: in the middle, where nobody looks who only opens it."""
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        (root,) = connection.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'held'").fetchone()
        (size,) = connection.execute("PRAGMA page_size").fetchone()
    with path.open("r+b") as file:
        file.seek((root - 1) * size)
        file.write(b"\xaa" * size)
