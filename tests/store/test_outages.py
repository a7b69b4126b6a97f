"""A disk that is full, read-only, locked or gone for a while: the chat goes on when it ends, without a restart."""

import contextlib
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from securechat.chat.events import DevicesSeen, Left, Said
from securechat.chat.refusals import Reason, Refusal
from securechat.chat.requests import Depart
from securechat.chat.views import snapshot
from securechat.store.database import Database, NotStored
from tests.store.shop import ANN, BOB, Table, hello, log, look, tag


def refused(table: Table, why: str) -> None:
    before = snapshot(table.chat)
    (entry,) = table.ask(hello(ANN))
    assert entry.outcomes == [Refusal(Reason.NOT_STORED, (why,))]
    assert snapshot(table.chat) == before
    assert table.errors.pop()[0] == "not stored"


def test_a_lock(table: Table, path: Path) -> None:
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        for _ in range(2):
            refused(table, "the server's database is locked")
            table.do(tag())
        table.do(Depart(BOB, "gone"))
        assert [type(event) for event in table.owed] == [DevicesSeen, Left]
        other.execute("COMMIT")
        table.do(hello(ANN))
        assert not table.owed
        table.check()


def test_a_reader_is_not_in_the_way(table: Table, path: Path) -> None:
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN")
        before = log(other)
        table.do(hello(ANN))
        assert log(other) == before
        other.execute("COMMIT")
        assert len(log(other)) == len(before) + 1
        table.check()


def test_a_file_that_is_read_only_for_a_while(table: Table) -> None:
    """SQLite opens such a file all the same, and a connection that was opened so is never of any other use."""
    table.disk.read_only = True
    table.disk.fail(0)
    refused(table, "the server's disk has failed")
    table.disk.mend()
    for _ in range(2):
        refused(table, "the server's disk is read-only")
        table.do(tag())
    table.disk.read_only = False
    table.do(hello(ANN))
    table.check()


def test_a_file_that_is_gone_is_not_made_anew(path: Path) -> None:
    event = Said(1, "PRIVMSG", "a!b@c", None, None, "#tea", "hello", "", (), 1, 5)
    database = Database(path)
    with contextlib.closing(database):
        database.close()  # as after an error
        away = path.rename(path.with_name("away.db"))
        with pytest.raises(NotStored, match="the server's disk has failed"):
            database.write([event])
        assert [file.name for file in path.parent.iterdir()] == ["away.db"]
        away.rename(path)
        database.write([event])
    with look(path) as (_, last, _):
        assert last == 1


def test_a_transaction_does_not_outlive_its_connection(table: Table) -> None:
    """As it would while something still refers to a cursor: SQLite puts off the end of the connection until then."""
    cursor = table.disk.connections[-1].execute("SELECT * FROM log")
    next(cursor)
    table.disk.fail(2)
    refused(table, "the server's disk has failed")
    table.do(hello(ANN))
    table.check()
    del cursor


FULL = [sys.executable, "-m", "tests.store.full_disk"]
ROOT = Path(__file__).parents[2]


def run(command: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)


def test_a_disk_that_takes_no_more(tmp_path: Path) -> None:
    """Here the system lets no file grow any further."""
    done = run([*FULL, "limit", str(tmp_path)])
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "the server's disk has failed\n", "for SQLite it is not full"


def test_a_full_disk(tmp_path: Path) -> None:
    """One that is small: a file system in memory, which the system may let us have in a name space of our own."""
    script = 'mount -t tmpfs -o size=512k tmpfs "$0" && exec "$@"'
    inside = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script, str(tmp_path)]
    if shutil.which("unshare") is None or run([*inside, "true"]).returncode:
        pytest.skip("nothing can be mounted here")
    done = run([*inside, *FULL, "full", str(tmp_path)])
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "the server's disk is full\n"
