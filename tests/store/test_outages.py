"""A disk that is full, read-only, locked or gone for a while: the chat goes on when it ends, without a restart."""

import contextlib
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from securechat.chat.events import Said
from securechat.chat.refusals import Reason, Refusal
from securechat.chat.requests import Depart, Join, Say
from securechat.chat.views import snapshot
from securechat.store.database import Database, NotStored
from tests.store.disk import Disk
from tests.store.shop import Shop, log, look

ANN, BOB, GUEST = 1, 2, 3


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "securechat.db"


@pytest.fixture
def shop(path: Path) -> Iterator[Shop]:
    with Shop(path) as shop:
        shop.open("ann", "bob", "eve")
        shop.do(shop.login(ANN, "ann"), shop.login(BOB, "bob"), Join(ANN, "#tea"), Join(BOB, "#tea"))
        yield shop


def hello(number: int = 0) -> Say:
    return Say(ANN, "PRIVMSG", "#tea", f"hello {number}")


def refused(shop: Shop, why: str) -> None:
    before = snapshot(shop.chat)
    (entry,) = shop.ask(hello())
    assert entry.outcomes == [Refusal(Reason.NOT_STORED, (why,))]
    assert snapshot(shop.chat) == before
    assert shop.errors.pop()[0] == "not stored"


def test_a_lock(shop: Shop, path: Path) -> None:
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        for _ in range(2):
            refused(shop, "the server's database is locked")
            shop.do(Say(ANN, "TAGMSG", "#tea", ""))
        shop.do(Depart(BOB, "gone"))
        assert len(shop.owed) == 1
        other.execute("COMMIT")
        shop.do(hello())
        assert not shop.owed
        shop.check()


def test_a_reader_is_not_in_the_way(shop: Shop, path: Path) -> None:
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN")
        before = log(other)
        shop.do(hello())
        assert log(other) == before
        other.execute("COMMIT")
        assert len(log(other)) == len(before) + 1
        shop.check()


def test_a_file_that_is_read_only_for_a_while(path: Path) -> None:
    """SQLite opens such a file all the same, and never tries to write to it again."""
    mode = "rw"

    def connect(path: Path) -> sqlite3.Connection:
        return sqlite3.connect(f"{path.as_uri()}?mode={mode}", uri=True, isolation_level=None)

    disk = Disk()
    disk.connect = connect  # type: ignore[method-assign]
    with Shop(path, disk) as shop:
        shop.open("ann")
        shop.do(shop.login(ANN, "ann"), Join(ANN, "#tea"))
        shop.database.close()
        mode = "ro"
        for _ in range(2):
            refused(shop, "the server's disk is read-only")
            shop.do(Say(ANN, "TAGMSG", "#tea", ""))
        mode = "rw"
        shop.do(hello())
        shop.check()


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


def test_a_transaction_does_not_outlive_its_connection(shop: Shop) -> None:
    """As it would while something still refers to a cursor: SQLite puts off the end of the connection until then."""
    cursor = shop.disk.connections[-1].execute("SELECT * FROM log")
    next(cursor)
    shop.disk.fail(2)
    refused(shop, "the server's disk has failed")
    shop.do(hello())
    shop.check()
    del cursor


FULL = [sys.executable, "-m", "tests.store.full_disk"]


def test_a_disk_that_takes_no_more(tmp_path: Path) -> None:
    """Here the system lets no file grow any further."""
    done = subprocess.run([*FULL, "limit", tmp_path], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "the server's disk has failed\n", "for SQLite it is not full"


def test_a_full_disk(tmp_path: Path) -> None:
    """One that is small: a file system in memory, which the system may let us have in a name space of our own."""
    mount = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c"]
    script = 'mount -t tmpfs -o size=512k tmpfs "$0" && exec "$@"'
    try:
        if subprocess.run([*mount, script, tmp_path, "true"], capture_output=True, timeout=60, check=False).returncode:
            pytest.skip("nothing can be mounted here")
    except FileNotFoundError:
        pytest.skip("there is no unshare here")
    command = [*mount, script, str(tmp_path), *FULL, "full", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "the server's disk is full\n"
