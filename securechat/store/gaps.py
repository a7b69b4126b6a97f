"""What ``PRAGMA secure_delete`` leaves behind, found and overwritten.

With it SQLite overwrites with zeros what is deleted, and every page that becomes free. But when it moves rows from one
page to its neighbours, since a page is too full or too empty, their bytes stay where they were, in the *gap*: the
unused bytes between the pointers to a page's rows and the rows. If a row is deleted later, such a copy of it is not.

So the leaf pages around a row are looked at in the file itself, whose format is public and fixed (SQLite, "Database
File Format", 1.6 "B-tree Pages"). Nothing is ever written there but by SQLite: a page with something in its gap gets a
row that is as long as all its unused bytes together, for which SQLite has to clear or use every one of them; and that
row is deleted again in the same transaction.
"""

from __future__ import annotations

import os
import sqlite3
import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

__all__ = ["Range", "Statements", "find", "root_of", "statements"]

Range = tuple[int, int]
"""Of stamps: the first and the last."""

Statements = list[tuple[str, Sequence[tuple[Any, ...]]]]
"""Each with all its parameters, to be run in this order, in one transaction."""

_LEAF: Final = 0x0D
_INTERIOR: Final = 0x05

_UNCOUNTED: Final = 8
"""Bytes at the beginning of a gap in which there may be something without harm: two numbers of two bytes that a row
leaves when it is deleted, which ours do, too, and the pointers to it and the one before."""

_ENOUGH: Final = 26
"""Bytes that the shortest row needs, with its pointer."""

_INSERT: Final = "INSERT INTO log VALUES (?, 0, NULL, NULL, '', '', NULL, zeroblob(?), '', 0, NULL)"
_HEADER: Final = 11
"""Bytes of the header of such a record, but for the type of the blob; none of the other columns needs more."""

_DELETE: Final = "DELETE FROM log WHERE stamp = ?"
_AGAIN: Final = "INSERT INTO log VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"


@dataclass(frozen=True, slots=True)
class _File:
    descriptor: int
    page_size: int
    usable: int
    """Bytes of a page that SQLite uses."""

    def page(self, number: int) -> bytes:
        return os.pread(self.descriptor, self.page_size, (number - 1) * self.page_size)

    def local(self, payload: int) -> int:
        """How many bytes of a row of this size are in its page ("Cell Payload Overflow Pages"), with what points to
        the rest."""
        most = self.usable - 35
        if payload <= most:
            return payload
        least = (self.usable - 12) * 32 // 255 - 23
        size = least + (payload - least) % (self.usable - 4)
        return (size if size <= most else least) + 4


@dataclass(frozen=True, slots=True)
class _Leaf:
    """``after``: the key behind which its rows begin. ``free``: its unused bytes, wherever in it. ``rows``: of each its
    key and its size in the page."""

    after: int
    free: int
    rows: list[tuple[int, int]]


def root_of(connection: sqlite3.Connection) -> int:
    """The number of the page at which the log begins. It never changes. Raises ``sqlite3.Error``."""
    (root,) = connection.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'log'").fetchone()
    return int(root)


def find(path: Path, root: int, ranges: Iterable[Range]) -> list[Range]:
    """Of each page with rows in these ranges that has something in its gap: its first and its last row.

    Only what is in the file itself is seen, not the WAL. Any thread may call it at any time: what is read while it is
    written is taken for something. Raises :class:`OSError`.
    """
    found = []
    with _opened(path) as file:
        for low, high in ranges:
            try:
                for after, page in _leaves(file, root, low, high):
                    if _gap(page):
                        rows = _leaf(file, after, page).rows
                        found += [(rows[0][0], rows[-1][0])] if rows else []
            except (struct.error, IndexError, ValueError):
                found.append((low, high))
    return found


def statements(path: Path, connection: sqlite3.Connection, root: int, range: Range) -> Statements:
    """What clears the gaps of the pages with rows in this range. To be called, and done, while nobody else writes, and
    when the WAL is empty. Raises ``sqlite3.Error`` and :class:`OSError`.
    """
    made: Statements = []
    with _opened(path) as file:
        try:
            for after, page in _leaves(file, root, *range):
                if _gap(page):
                    made += _clear(file, connection, _leaf(file, after, page))
        except (struct.error, IndexError, ValueError) as error:
            raise sqlite3.DatabaseError("a page can't be understood") from error
    return made


class _opened:  # noqa: N801 - used like a function
    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> _File:
        self._descriptor = os.open(self._path, os.O_RDONLY)
        header = os.pread(self._descriptor, 100, 0)
        if len(header) < 100:
            os.close(self._descriptor)
            raise OSError("the database has no header")
        (size,) = struct.unpack_from(">H", header, 16)
        size = 65536 if size == 1 else size
        return _File(self._descriptor, size, size - header[20])

    def __exit__(self, *_: object) -> None:
        os.close(self._descriptor)


def _leaves(file: _File, number: int, low: int, high: int, after: int = -1) -> Iterator[tuple[int, bytes]]:
    """The pages in which rows from ``low`` to ``high`` are, in order; each with the key behind which it begins."""
    page = file.page(number)
    if page[0] == _LEAF:
        yield after, page
        return
    if page[0] != _INTERIOR:
        raise ValueError("no page of a table")
    for place in _pointers(page, 12):
        key, _ = _varint(page, place + 4)
        if key >= low and after < high:
            (child,) = struct.unpack_from(">I", page, place)
            yield from _leaves(file, child, low, high, after)
        after = key
    if after < high:
        (child,) = struct.unpack_from(">I", page, 8)
        yield from _leaves(file, child, low, high, after)


def _pointers(page: bytes, start: int) -> tuple[int, ...]:
    (number,) = struct.unpack_from(">H", page, 3)
    return struct.unpack_from(f">{number}H", page, start)


def _gap(page: bytes) -> bytes:
    """What is in a leaf's gap besides zeros."""
    number, rows = struct.unpack_from(">HH", page, 3)
    return page[8 + 2 * number + _UNCOUNTED : rows or 65536].strip(b"\0")


def _leaf(file: _File, after: int, page: bytes) -> _Leaf:
    block, number, rows, fragments = struct.unpack_from(">HHHB", page, 1)
    free = (rows or 65536) - (8 + 2 * number) + fragments
    seen = 0
    while block > seen:  # they rise; in a page that is being written they may not
        seen = block
        block, size = struct.unpack_from(">HH", page, block)
        free += size
    found = []
    for place in _pointers(page, 8):
        payload, behind = _varint(page, place)
        key, begin = _varint(page, behind)
        found.append((key, begin - place + file.local(payload)))
    return _Leaf(after, free, found)


def _clear(file: _File, connection: sqlite3.Connection, leaf: _Leaf) -> Statements:
    """Rows that need all unused bytes of a page, put in and taken out again."""
    free, spare = leaf.free, None
    if free < _ENOUGH:  # not even the shortest row fits: one that is there makes room meanwhile
        key, size = min((row for row in leaf.rows if row[1] >= _ENOUGH), key=lambda row: row[1], default=(0, 0))
        spare = connection.execute("SELECT * FROM log WHERE stamp = ?", (key,)).fetchone() if size else None
        if spare is None:
            return []
        free += size + 2
    keys = _unused_keys(leaf)
    if keys is None:
        return []
    made: Statements = [(_DELETE, [spare[:1]])] if spare else []
    used = []
    for key in keys:
        blob, size = _blob(key, min(free - 2, file.usable // 2 if free > file.usable - 100 else free))
        made.append((_INSERT, [(key, blob)]))
        used.append((key,))
        free -= size + 2
        if free < _ENOUGH:
            break
    made.append((_DELETE, used))
    if spare:
        made.append((_AGAIN, [spare]))
    return made


def _unused_keys(leaf: _Leaf) -> tuple[int, int] | None:
    """Two that no row has, and that belong to this page."""
    before = leaf.after
    for key, _ in leaf.rows:
        if key - before > 2:
            return key - 1, key - 2
        before = key
    return None


def _blob(key: int, room: int) -> tuple[int, int]:
    """The length of a blob with which a row with this key has at most ``room`` bytes in its page; and how many."""
    for blob in range(room, -1, -1):
        payload = _HEADER + _length(2 * blob + 12) + blob
        size = _length(payload) + _length(key) + payload
        if size <= room:
            return blob, size
    raise ValueError("no row is so short")


def _varint(data: bytes, place: int) -> tuple[int, int]:
    """A number, and where what follows it begins."""
    value = 0
    for at in range(place, place + 8):
        value = value << 7 | data[at] & 127
        if data[at] < 128:
            return value, at + 1
    return value << 8 | data[place + 8], place + 9


def _length(value: int) -> int:
    """Bytes that a number needs as such."""
    return min(max((value.bit_length() + 6) // 7, 1), 9)
