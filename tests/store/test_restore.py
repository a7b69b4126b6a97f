"""A copy in the place of a store: one or the other is there, whole, whatever happens."""

import contextlib
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from securechat.store.backup import back_up, look_into, restore
from securechat.store.database import Database
from securechat.store.datadir import DataDir
from securechat.store.schema import VERSION
from securechat.store.snapshot import DamagedError, StoreFailedError, WrongStoreError
from tests.store.shop import Shop, hello
from tests.store.stores import ROOT, contents, damage, files


@pytest.fixture
def copy(shop: Shop, data: DataDir, file: Path) -> Path:
    """A backup; and then the store has gone on, and its server has stopped."""
    back_up(data.database, file)
    shop.do(hello(1, "what came after"))
    shop.database.close()
    return file


def before_restore(data: DataDir) -> list[Path]:
    return sorted(path for path in data.path.iterdir() if ".before-restore-" in path.name)


def test_what_was_there_is_kept(copy: Path, data: DataDir) -> None:
    old, new = contents(data.database), contents(copy)
    for name in ("search.db", "search.db-wal", "search.db-shm"):
        (data.path / name).write_text("the words of the old one")
    with data.lock():
        done = restore(data, copy)
    assert done.contents == look_into(copy)
    assert [done.before] == before_restore(data)
    assert done.before is not None
    assert time.strftime("%Y%m%d", time.gmtime())[:4] in done.before.name
    assert files(data.path) == {"securechat.db", done.before.name, "lock"}
    assert contents(data.database) == new != old
    assert contents(done.before) == old
    assert {path.stat().st_mode & 0o777 for path in (data.database, done.before)} == {0o600}


def test_there_and_back(copy: Path, data: DataDir) -> None:
    """A server goes on with each."""
    with data.lock():
        old = contents(data.database)
        done = restore(data, copy)
        assert done.before is not None
        with Shop(data.database) as shop:
            shop.open()
            shop.do(shop.login(1, "ann"), shop.login(2, "bob"))
        again = restore(data, done.before)
        assert contents(data.database) == old
        assert len(before_restore(data)) == 2
        assert again.before != done.before


def test_into_an_empty_directory(copy: Path, tmp_path: Path) -> None:
    data = DataDir(tmp_path / "new")
    with data.lock():
        assert restore(data, copy).before is None
    assert files(data.path) == {"securechat.db", "lock"}
    assert contents(data.database) == contents(copy)


def test_what_lies_beside_without_a_database_is_not_taken_for_its_own(copy: Path, shop: Shop, tmp_path: Path) -> None:
    data = DataDir(tmp_path / "new")
    with data.lock():
        data.database.with_name("securechat.db-wal").write_bytes(b"\x37\x7f\x06\x82" * 1000)
        restore(data, copy)
    assert files(data.path) == {"securechat.db", "lock"}


def test_the_wal_of_a_killed_server_is_in_what_is_kept(copy: Path, data: DataDir) -> None:
    script = (
        "import os, sqlite3, sys; c = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
        "for s in ('PRAGMA journal_mode = WAL', \"UPDATE channels SET topic = 'new'\"): c.execute(s)\n"
        "os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", script, str(data.database)], check=False, timeout=60)
    assert "securechat.db-wal" in files(data.path)
    with data.lock():
        done = restore(data, copy)
    assert done.before is not None
    assert files(data.path) == {"securechat.db", done.before.name, "lock"}
    assert {row[4] for row in contents(done.before)["channels"]} == {"new"}
    assert {row[4] for row in contents(data.database)["channels"]} != {"new"}


def test_a_damaged_store_can_be_replaced(copy: Path, data: DataDir) -> None:
    """It is kept as it is, with its WAL."""
    garbage = b"no database at all " * 1000
    data.database.write_bytes(garbage)
    data.database.with_name("securechat.db-wal").write_bytes(b"nor this")
    with data.lock():
        done = restore(data, copy)
    assert done.before is not None
    assert done.before.read_bytes() == garbage
    assert done.before.with_name(f"{done.before.name}-wal").read_bytes() == b"nor this"
    assert contents(data.database) == contents(copy)


def test_an_older_version_is_brought_forward_by_the_server(data: DataDir, file: Path) -> None:
    shutil.copyfile(ROOT / "tests" / "data" / "schema-1.db", file)
    with data.lock():
        restore(data, file)
        assert look_into(data.database).version == 1
        Database(data.database).close()
    assert look_into(data.database).version == VERSION


def test_what_is_refused_changes_nothing(copy: Path, data: DataDir, tmp_path: Path) -> None:
    newer, damaged, wrong, text = (tmp_path / name for name in ("newer.db", "damaged.db", "wrong.db", "text"))
    for path in (newer, damaged, wrong):
        shutil.copyfile(copy, path)
    damage(damaged)
    with contextlib.closing(sqlite3.connect(newer)) as connection:
        connection.execute(f"PRAGMA user_version = {VERSION + 1}")
    with contextlib.closing(sqlite3.connect(wrong, isolation_level=None)) as connection:
        connection.execute("UPDATE accounts SET role = 'emperor'")
    text.write_text("nothing")
    old, names = contents(data.database), files(data.path)
    with data.lock():
        for path, kind, sentence in (
            (newer, WrongStoreError, f"is of schema {VERSION + 1}, and this program knows {VERSION}"),
            (damaged, DamagedError, "damaged.db.* is damaged"),
            (wrong, DamagedError, "wrong.db is damaged: 'emperor'"),
            (text, WrongStoreError, "text is not a store"),
            (tmp_path / "nothing", WrongStoreError, "nothing does not exist"),
            (data.database, WrongStoreError, "is the store that is in use"),
        ):
            with pytest.raises(kind, match=sentence):
                restore(data, path)
            assert files(data.path) == names | {"lock"}
    assert contents(data.database) == old


def test_somebody_reads_the_old_one(copy: Path, data: DataDir, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("securechat.store.snapshot._BUSY_SECONDS", 0.01)
    old = contents(data.database)
    with data.lock(), contextlib.closing(sqlite3.connect(data.database, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM log").fetchone()
        with pytest.raises(StoreFailedError):
            restore(data, copy)
        assert before_restore(data) == []
    assert contents(data.database) == old


KILLED = """
import os, signal, sys
from pathlib import Path
from securechat.store.backup import restore
from securechat.store.datadir import DataDir

left = int(sys.argv[3])

def look(event, arguments):
    global left
    if event in ("os.remove", "os.rename", "os.link", "os.open", "open", "sqlite3.connect", "sqlite3.connect/handle"):
        left -= 1
        if left <= 0:
            os.kill(os.getpid(), signal.SIGKILL)

data = DataDir(Path(sys.argv[1]))
with data.lock():
    sys.addaudithook(look)
    restore(data, Path(sys.argv[2]))
"""


def test_it_is_killed_anywhere(copy: Path, data: DataDir, tmp_path: Path) -> None:
    """Before each thing that it does to files, one after the other: there is the old store or the new one."""
    old, new = contents(data.database), contents(copy)
    found, step = [], 0
    while True:
        step += 1
        place = DataDir(tmp_path / f"place{step}")
        shutil.copytree(data.path, place.path)
        done = subprocess.run(
            [sys.executable, "-c", KILLED, str(place.path), str(copy), str(step)], cwd=ROOT, check=False, timeout=60
        )
        if done.returncode == 0:
            break
        assert done.returncode == -signal.SIGKILL
        now = contents(place.database)
        assert now in (old, new)
        found.append(now == new)
        if found[-1]:
            assert [contents(path) for path in before_restore(place)] == [old]
        with place.lock():  # and what it has left is no hindrance
            restore(place, copy)
        assert contents(place.database) == new
        assert not [name for name in files(place.path) if "part" in name]
    assert step > 10
    assert found == sorted(found), "once the new one is there it stays"
    assert (found[0], found[-1]) == (False, True)


def test_a_file_that_was_copied_with_its_wal(shop: Shop, data: DataDir, file: Path, tmp_path: Path) -> None:
    """By who has no better way, of a server that was killed."""
    for end in ("", "-wal"):
        shutil.copyfile(f"{data.database}{end}", f"{file}{end}")
    expected = contents(data.database)
    new = DataDir(tmp_path / "new")
    with new.lock():
        restore(new, file)
    assert contents(new.database) == expected
    assert expected["log"]
