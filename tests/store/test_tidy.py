"""Changes of the store that the chat knows nothing of: all of them or nothing, whatever fails."""

from pathlib import Path
from typing import Any

import pytest

from securechat.store.database import NotStored
from tests.store.disk import Disk
from tests.store.shop import Table, hello, log

CHANGES: list[tuple[str, list[tuple[Any, ...]]]] = [
    ("DELETE FROM held WHERE stamp = ?", [(1,), (2,)]),
    ("DELETE FROM held WHERE stamp = ?", [(3,)]),
    ("INSERT INTO held VALUES (?, ?)", [(9, 9)]),
]
BEFORE, AFTER = {(1, 1), (1, 2), (1, 3), (1, 4)}, {(1, 4), (9, 9)}


@pytest.fixture
def disk() -> Disk:
    return Disk()


def held(table: Table) -> set[tuple[int, int]]:
    return set(table.disk.connections[-1].execute("SELECT * FROM held"))


def doubtful(table: Table) -> bool:
    return table.database.in_doubt


def prepare(table: Table) -> None:
    table.database.tidy([("DELETE FROM held", [()]), ("INSERT INTO held VALUES (?, ?)", sorted(BEFORE))])


def test_all_of_them(path: Path, disk: Disk) -> None:
    with Table(path, disk) as table:
        prepare(table)
        assert held(table) == BEFORE
        disk.watch()
        table.database.tidy(CHANGES)
        assert (disk.steps[0], disk.steps[-1], disk.steps.count("COMMIT")) == ("BEGIN IMMEDIATE", "COMMIT", 1)
        assert held(table) == AFTER


def test_each_step_fails(path: Path, disk: Disk) -> None:
    """Nothing is changed, and the next time works; so does the chat."""
    with Table(path, disk) as table:
        prepare(table)
        disk.watch()
        table.database.tidy(CHANGES)
        steps = len(disk.steps)
        for number in range(steps):
            prepare(table)
            disk.fail(number)
            with pytest.raises(NotStored, match="the server's disk has failed"):
                table.database.tidy(CHANGES)
            disk.mend()
            table.do(hello(1, str(number)))
            assert held(table) == BEFORE
            table.database.tidy(CHANGES)
            assert held(table) == AFTER
        assert not table.errors


def test_a_commit_of_which_nobody_knows(path: Path, disk: Disk) -> None:
    """It was made, and said that it failed: the WAL is emptied before anything is put behind it."""
    with Table(path, disk) as table:
        prepare(table)
        before = log(disk.connections[-1])
        disk.fail_commit(1, done_first=True)
        with pytest.raises(NotStored):
            table.database.tidy(CHANGES)
        assert doubtful(table)
        with pytest.raises(NotStored):
            table.database.tidy(CHANGES)
        disk.mend()
        disk.watch()
        table.do(hello(1))
        checkpoint, begin = (disk.steps.index(step) for step in ("PRAGMA wal_checkpoint(TRUNCATE)", "BEGIN IMMEDIATE"))
        assert checkpoint < begin
        assert not doubtful(table)
        assert held(table) == AFTER
        assert len(log(disk.connections[-1])) == len(before) + 1
        table.database.tidy(CHANGES[:2])
