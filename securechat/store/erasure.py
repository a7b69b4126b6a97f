"""Takes the texts of messages that were taken back out of all files.

When a message is taken back its row in the log loses its text at once, and the text is put into the table ``erased``:
that is the queue of what is to be done here, and after a crash the next server goes on with it.

1. The search index takes the words out. (It does not have the text itself, so it must be told.)
2. The text goes from ``erased``. What is left of it then are copies that SQLite made: in the WAL, which is emptied, and
   in the gaps of pages (`securechat.store.gaps`), which are overwritten.
3. The files beside the database that have its messages, too, lose the text: those that a newer program or a restore
   has kept. They can be used as before.
4. The message goes from ``erased``, and the WAL is emptied once more.

All is done by one thread, that of the server's housekeeping. Only what writes to the database is done in the journal's
turn, a little at a time.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final, TypeVar

from securechat.store import gaps
from securechat.store.database import BUSY_SECONDS, Database, NotStored
from securechat.store.journal import Journal
from securechat.store.search_index import Indexed, read_only
from securechat.store.turns import in_turn

__all__ = ["Erasure"]

Result = TypeVar("Result")

AT_ONCE: Final = 500
"""Messages that go the way together."""

_IN_A_TURN: Final = 50
"""Texts that are deleted in one turn."""

_PAGES: Final = 8
"""Pages whose gaps are overwritten in one turn."""

_NEIGHBOURS: Final = 150
"""Rows on both sides of one in which a copy of it may be. SQLite moves rows between a page and the next two; a page of
4,096 bytes has some 40 rows or less."""

_SMALL: Final = 1000
"""Rows of ``erased`` that are written anew, so that its pages have nothing of those that went."""

_WITH_TEXT: Final = "SELECT stamp FROM erased WHERE text != '' OR tags != '' LIMIT ?"
_TEXTS: Final = (
    "SELECT erased.stamp, erased.text, channel, source, account, target_account FROM json_each(?) "
    "JOIN erased ON erased.stamp = value LEFT JOIN log ON log.stamp = value WHERE log.kind IS NOT 0"
)
"""But of a TAGMSG, which has no words."""

_WITHOUT_TEXT: Final = "SELECT stamp FROM erased WHERE text = '' AND tags = '' LIMIT ?"
_OTHERS: Final = "SELECT * FROM erased WHERE stamp NOT IN (SELECT value FROM json_each(?)) LIMIT ?"
_BLANK: Final = "UPDATE erased SET text = '', tags = '' WHERE stamp = ?"
_FIRST: Final = "SELECT min(stamp) FROM (SELECT stamp FROM log WHERE stamp <= ? ORDER BY stamp DESC LIMIT ?)"
_LAST: Final = "SELECT max(stamp) FROM (SELECT stamp FROM log WHERE stamp >= ? ORDER BY stamp LIMIT ?)"


class Erasure:
    """``path``: the file of ``database``. ``erase``: has the search index take messages out of its files; false where
    it has to be called again, later. ``tell``: the server's log, called with an event and its fields.
    """

    def __init__(
        self,
        path: Path,
        database: Database,
        journal: Journal,
        erase: Callable[[Sequence[Indexed]], bool] = lambda _: True,
        tell: Callable[..., object] = lambda *_, **__: None,
    ) -> None:
        self._path = path
        self._database = database
        self._journal = journal
        self._erase = erase
        self._tell = tell
        self._erased = 0  # messages that nobody has been told of yet
        self._wal_clean = False  # after a crash there may be something of what has gone from the queue

    def run(self) -> bool:
        """Do all that is to be done. False: somebody reads what is to be overwritten; call it again soon.

        Raises ``sqlite3.Error`` or :class:`OSError` where a file can't be read or written, :class:`NotStored` where
        that is the database, or what ``erase`` raises; the next call goes on.
        """
        while stamps := self._in_turn(lambda: self._stamps(_WITH_TEXT)):
            if not self._erase(self._texts(stamps)):
                return False
            for first in range(0, len(stamps), _IN_A_TURN):
                self._write([(_BLANK, [(stamp,) for stamp in stamps[first : first + _IN_A_TURN]])])
        while stamps := self._in_turn(lambda: self._stamps(_WITHOUT_TEXT)):
            if not self._empty_wal() or not self._overwrite_gaps(stamps):
                return False
            for copy in _copies(self._path):
                self._erase_in_copy(copy, stamps)
            self._in_turn(lambda: self._forget(stamps))
            self._wal_clean = False
            self._erased += len(stamps)
        self._wal_clean = self._wal_clean or self._empty_wal()
        if self._wal_clean and self._erased:
            self._tell("messages erased", number=self._erased)
            self._erased = 0
        return self._wal_clean

    # -- in the turn --------------------------------------------------------------------------------------------------

    def _in_turn(self, work: Callable[[], Result]) -> Result:
        return in_turn(self._journal, work)

    def _write(self, statements: gaps.Statements) -> None:
        self._in_turn(lambda: self._database.tidy(statements))

    def _empty_wal(self) -> bool:
        return self._in_turn(self._database.empty_wal)

    @contextlib.contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        """Not while a batch may be in the file that was refused: its messages may not have been taken back."""
        if self._database.in_doubt:
            raise NotStored("the server's disk has failed")
        with contextlib.closing(read_only(self._path)) as connection:
            yield connection

    def _stamps(self, query: str) -> list[int]:
        with self._reading() as connection:
            return [stamp for (stamp,) in connection.execute(query, (AT_ONCE,))]

    def _forget(self, stamps: Sequence[int]) -> None:
        """Take them out of the queue. If it is short all of it is deleted, which clears its pages, and the rest put
        back."""
        with self._reading() as connection:
            others = connection.execute(_OTHERS, (str(list(stamps)), _SMALL + 1)).fetchall()
        if len(others) > _SMALL:
            self._database.tidy([("DELETE FROM erased WHERE stamp = ?", [(stamp,) for stamp in stamps])])
        else:
            self._database.tidy([("DELETE FROM erased", [()]), ("INSERT INTO erased VALUES (?, ?, ?)", others)])

    def _texts(self, stamps: Sequence[int]) -> list[Indexed]:
        with contextlib.closing(read_only(self._path)) as connection:
            return [
                Indexed(stamp, text, channel, source or "", account, target_account)
                for stamp, text, channel, source, account, target_account in connection.execute(_TEXTS, (str(stamps),))
            ]

    # -- copies of rows -----------------------------------------------------------------------------------------------

    def _overwrite_gaps(self, stamps: Sequence[int]) -> bool:
        """In the pages around these rows. The WAL has just been emptied: all that there is of them is in the file."""
        with contextlib.closing(read_only(self._path)) as connection:
            root = gaps.root_of(connection)
            ranges = _around(connection, stamps)
        for _ in range(2):  # to overwrite one may move the rows of the next
            found = gaps.find(self._path, root, ranges)
            for first in range(0, len(found), _PAGES):
                some = found[first : first + _PAGES]
                if not self._in_turn(lambda: self._clear(root, some)):  # noqa: B023 - it waits for that
                    return False
        return True

    def _clear(self, root: int, pages: Sequence[gaps.Range]) -> bool:
        if not self._database.empty_wal():
            return False
        with contextlib.closing(read_only(self._path)) as connection:
            made = [gaps.statements(self._path, connection, root, page) for page in pages]
        self._database.tidy(statement for statements in made for statement in statements)
        return True

    # -- copies of the file -------------------------------------------------------------------------------------------

    def _erase_in_copy(self, copy: Path, stamps: Sequence[int]) -> None:
        uri = f"{copy.as_uri()}?mode=rw"
        with contextlib.closing(
            sqlite3.connect(uri, uri=True, isolation_level=None, timeout=BUSY_SECONDS)
        ) as connection:
            connection.execute("PRAGMA secure_delete = ON")
            tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
            connection.execute("BEGIN IMMEDIATE")
            # The row only gets shorter, so no other is moved.
            number = connection.execute(
                "UPDATE log SET text = '', tags = '' "
                "WHERE stamp IN (SELECT value FROM json_each(?)) AND kind < 3 AND (text != '' OR tags != '')",
                (str(stamps),),
            ).rowcount
            if "erased" in tables:  # in older ones nothing was ever taken out of the log, and no row moved
                connection.execute("DELETE FROM erased")
            connection.execute("COMMIT")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            if number and "erased" in tables:
                root = gaps.root_of(connection)
                for one in gaps.find(copy, root, _around(connection, stamps)):
                    connection.execute("BEGIN IMMEDIATE")
                    for statement, parameters in gaps.statements(copy, connection, root, one):
                        connection.executemany(statement, parameters)
                    connection.execute("COMMIT")
                    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        if number:
            self._tell("messages erased in a copy", file=copy.name, number=number)


def _around(connection: sqlite3.Connection, stamps: Sequence[int]) -> list[gaps.Range]:
    """The ranges of rows that are near these, each row once."""
    ranges: list[gaps.Range] = []
    for stamp in sorted(stamps):
        low = connection.execute(_FIRST, (stamp, _NEIGHBOURS)).fetchone()[0] or stamp
        high = connection.execute(_LAST, (stamp, _NEIGHBOURS)).fetchone()[0] or stamp
        if ranges and low <= ranges[-1][1]:
            ranges[-1] = (ranges[-1][0], high)
        else:
            ranges.append((low, high))
    return ranges


def _copies(path: Path) -> list[Path]:
    """What migrations and restores have left: whole stores under another name."""
    return sorted(
        file for pattern in ("schema-*.bak", "before-restore-*") for file in path.parent.glob(f"{path.name}.{pattern}")
        if file.is_file() and not file.name.endswith(("-wal", "-shm", "-journal"))
    )  # fmt: skip
