"""The file itself: how it is opened, who may read it, what is refused, and what a killed process leaves."""

import contextlib
import os
import signal
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from securechat.chat.events import Said
from securechat.chat.model import Rules
from securechat.chat.requests import Arrive, Collect, Depart, RemoveAccount, Say, Start
from securechat.chat.views import snapshot
from securechat.store.database import BUSY_SECONDS, Database, Durability, NotStored, StoreUnusable
from securechat.store.schema import VERSION
from tests.store.disk import Disk
from tests.store.shop import ANN, BOB, Shop, Table, hello, log, look, tag

GUEST = 3
ROOT = Path(__file__).parents[2]


def modes(path: Path) -> dict[str, int]:
    return {file.name.removeprefix(path.name): file.stat().st_mode & 0o7777 for file in path.parent.iterdir()}


# -- what a connection is ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("durability", "synchronous"), [("full", 2), ("normal", 1)])
def test_a_commit_is_as_durable_as_it_is_said_to_be(path: Path, durability: Durability, synchronous: int) -> None:
    """Also on the connections that are opened when one has failed."""
    disk = Disk()
    database = Database(path, durability, disk.connect)
    events = [Said(stamp, "PRIVMSG", "a!b@c", None, None, "#tea", "hello", "", (), 1, 5) for stamp in (1, 2, 3)]
    disk.fail(0)
    with pytest.raises(NotStored):
        database.write(events[:1])
    database.write(events[:1])
    disk.fail(2, done_first=True)
    database.write(events[1:2])
    database.write(events[2:])
    assert len(disk.connections) == 3
    with pytest.raises(sqlite3.ProgrammingError):  # the others are closed
        disk.connections[-2].execute("SELECT 1")
    assert disk.connections[-1].execute("PRAGMA synchronous").fetchone() == (synchronous,)
    assert disk.connections[-1].execute("PRAGMA journal_mode").fetchone() == ("wal",)
    database.close()
    database = Database(path, durability, disk.connect)
    assert disk.connections[-1].execute("PRAGMA synchronous").fetchone() == (synchronous,)
    database.close()


def test_a_lock_is_not_waited_for_as_long_as_sqlite_likes_to(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who waits holds the journal's turn."""
    connections: list[sqlite3.Connection] = []
    real = sqlite3.connect

    def connect(*args: Any, **options: Any) -> sqlite3.Connection:
        connections.append(real(*args, **options))
        return connections[-1]

    monkeypatch.setattr(sqlite3, "connect", connect)
    database = Database(path)
    with contextlib.closing(database):
        assert connections[0].execute("PRAGMA busy_timeout").fetchone() == (BUSY_SECONDS * 1000,)
    assert BUSY_SECONDS <= 1


def test_what_is_not_to_be_stored_does_not_touch_the_file(table: Table) -> None:
    table.disk.watch()
    table.do(tag(), Arrive(GUEST, "guest", "~g", "h", "r"), Depart(GUEST, "gone"))
    assert table.disk.steps == []


@pytest.mark.parametrize("umask", [0o000, 0o022])
def test_nobody_else_can_read_it(path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        with Shop(path) as shop:
            shop.open("ann")
            assert modes(path) == {"": 0o600, "-wal": 0o600, "-shm": 0o600}
        assert modes(path) == {"": 0o600}
        with Shop(path) as shop:
            shop.open("bob")
            shop.database.held_messages(1, 1)
            assert modes(path) == {"": 0o600, "-wal": 0o600, "-shm": 0o600}
    finally:
        os.umask(before)


# -- what can't be opened ----------------------------------------------------------------------------------------------


def test_a_newer_schema_is_refused(path: Path) -> None:
    Database(path).close()
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute(f"PRAGMA user_version = {VERSION + 1}")
    with pytest.raises(StoreUnusable, match=f"schema {VERSION + 1}, and this program knows {VERSION}: use the newer"):
        Database(path)
    assert modes(path) == {"": 0o600}, "no connection is left open"


def test_a_file_that_is_not_a_database(path: Path) -> None:
    path.write_text("Dear diary, " * 1000)
    with pytest.raises(StoreUnusable, match=r"securechat\.db can't be opened: file is not a database"):
        Database(path)
    assert path.read_text() == "Dear diary, " * 1000


def test_a_directory_in_its_place(path: Path) -> None:
    path.mkdir()
    with pytest.raises(StoreUnusable, match="can't be opened: unable to open database file"):
        Database(path)


def test_nowhere_to_put_it(path: Path) -> None:
    with pytest.raises(StoreUnusable, match=r"can't be opened: .*No such file or directory"):
        Database(path / "none" / "securechat.db")


def test_a_file_system_without_shared_memory(path: Path) -> None:
    """Without it SQLite can't have a WAL, and goes on without it and without a word."""
    Database(path).close()
    before = path.read_bytes()

    def connect(path: Path) -> sqlite3.Connection:
        return sqlite3.connect(f"{path.as_uri()}?vfs=unix-none", uri=True, isolation_level=None)

    with pytest.raises(StoreUnusable, match=r"can't be opened"):
        Database(path, connect=connect)
    assert path.read_bytes() == before
    new = path.with_name("new.db")
    with pytest.raises(StoreUnusable, match=r"write-ahead logging is not possible there, only delete"):
        Database(new, connect=connect)


def test_a_damaged_file(table: Table, path: Path) -> None:
    table.do(*(hello(ANN, str(number)) for number in range(500)))
    table.database.close()
    with contextlib.closing(sqlite3.connect(path)) as other:  # all that is there, and nothing of what names the tables
        roots = [root for (root,) in other.execute("SELECT rootpage FROM sqlite_schema WHERE rootpage > 0")]
    pages = bytearray(path.read_bytes())
    for start in (4096 * (root - 1) for root in roots):
        pages[start : start + 100] = b"\xff" * 100
    path.write_bytes(pages)
    database = Database(path)
    with contextlib.closing(database), pytest.raises(StoreUnusable, match="can't be read: database disk image"):
        database.load()


def test_a_role_that_does_not_exist(table: Table, path: Path) -> None:
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("UPDATE accounts SET role = 'king'")
    with pytest.raises(StoreUnusable, match="can't be read: 'king' is not a valid Role"):
        table.database.load()


def test_one_whose_making_failed_is_made_the_next_time(path: Path) -> None:
    """Nothing is there, or all."""
    disk = Disk()
    Database(path, connect=disk.connect).close()
    for number in range(len(disk.steps)):
        path.unlink()
        disk.fail(number)
        with pytest.raises(StoreUnusable, match="told to fail"):
            Database(path, connect=disk.connect)
        disk.mend()
        database = Database(path, connect=disk.connect)
        assert snapshot(database.load()[0])["accounts"] == {}
        database.close()


# -- what a killed process leaves --------------------------------------------------------------------------------------

TALK = """
import os, sys, threading
from pathlib import Path
from securechat.chat.requests import Join, Say
from tests.store.shop import ANN, BOB, Shop, Table, hello, log, look, tag

shop = Shop(Path(sys.argv[1]))
shop.open("ann")
shop.do(shop.login(1, "ann"), Join(1, "#tea"))

def talk(who):
    number = 0
    while True:
        (outcome,), _ = shop.journal.ask([Say(1, "PRIVMSG", "#tea", f"{who} {number}")])
        os.write(1, f"{outcome.events[0].stamp} {who} {number}\\n".encode())
        number += 1

for who in range(4):
    threading.Thread(target=talk, args=(who,)).start()
"""


def test_what_was_acknowledged_survives_a_kill(path: Path) -> None:
    command = [sys.executable, "-c", TALK, str(path)]
    for _ in range(3):
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            acknowledged = [process.stdout.readline() for _ in range(100)]
            process.send_signal(signal.SIGKILL)
            # A line that was cut off is not an acknowledgement.
            acknowledged += [line for line in process.stdout if line.endswith("\n")]
        with look(path) as (_, last, connection):
            said = [(row[0], row[7]) for row in log(connection) if row[1] == 1]
        for who in range(4):
            numbers = [int(text.split()[1]) for _, text in said if text.split()[0] == str(who)]
            assert numbers == list(range(len(numbers))), "nobody's message is missing, or twice, or in another place"
        found = {f"{stamp} {text}\n" for stamp, text in said}
        assert found >= set(acknowledged)
        assert last == said[-1][0]
        path.unlink()


# -- messages that wait ------------------------------------------------------------------------------------------------


def test_messages_that_wait_are_read_in_order_and_up_to_a_stamp(table: Table) -> None:
    table.do(Start(Rules(guests=True)))
    table.do(
        Arrive(ANN, "anne", "~a", "h", "r", *credentials(table, "ann")), table.login(BOB, "bob"),
        Arrive(GUEST, "guest", "~g", "h", "r"),
    )  # fmt: skip
    table.do(*(Say(session, "PRIVMSG", "EVE", f"from {session}", "+a=b") for session in (ANN, GUEST, BOB)))
    table.do(Say(BOB, "NOTICE", "eve", "the last"), Say(BOB, "PRIVMSG", "ann", "not for eve"))
    eve, *rest = (event for event in table.shown if isinstance(event, Said))
    stamps = [event.stamp for event in (eve, *rest)]
    id = table.chat.accounts["eve"].id
    messages = table.database.held_messages(id, table.chat.held[id])
    assert [(m.stamp, m.kind, m.source, m.account, m.target, m.text, m.tags) for m in messages] == [
        (stamps[0], "PRIVMSG", "anne!~a@h", "ann", "eve", "from 1", "+a=b"),  # who is not known by that nick
        (stamps[1], "PRIVMSG", "guest!~g@h", None, "eve", "from 3", "+a=b"),
        (stamps[2], "PRIVMSG", "bob!~bob@host", "bob", "eve", "from 2", "+a=b"),
        (stamps[3], "NOTICE", "bob!~bob@host", "bob", "eve", "the last", ""),
    ]
    assert [m.stamp for m in table.database.held_messages(id, stamps[1])] == stamps[:2]
    assert [m.stamp for m in table.database.held_messages(id, stamps[3], after=stamps[0], most=2)] == stamps[1:3]
    table.do(RemoveAccount("bob"))
    assert [m.account for m in table.database.held_messages(id, stamps[3])] == ["ann", None, None, None]
    table.do(table.login(9, "eve"), Collect(9, stamps[1]))
    assert [m.stamp for m in table.database.held_messages(id, stamps[3])] == stamps[2:4]
    assert table.database.held_messages(id + 1, stamps[3]) == []


def credentials(table: Table, name: str) -> tuple[int, int]:
    account = table.chat.accounts[name]
    return account.id, account.credential_set


def test_any_thread_may_read_them(table: Table) -> None:
    """While another writes; and while nobody has the file open."""
    id = table.chat.accounts["eve"].id
    found: list[list[str]] = []
    stop = threading.Event()

    def read() -> None:
        while not stop.is_set():
            found.append([message.text for message in table.database.held_messages(id, 2**63 - 1)])

    reader = threading.Thread(target=read)
    reader.start()
    try:
        for number in range(100):
            table.do(Say(ANN, "PRIVMSG", "eve", str(number)))
    finally:
        stop.set()
        reader.join(60)
    table.database.close()
    read_all = [str(number) for number in range(100)]
    assert [message.text for message in table.database.held_messages(id, 2**63 - 1)] == read_all
    assert all(texts == read_all[: len(texts)] for texts in found)


def test_where_they_can_not_be_read_the_error_says_so(table: Table, path: Path) -> None:
    table.database.close()
    path.unlink()
    with pytest.raises(sqlite3.OperationalError):
        table.database.held_messages(1, 1)
    assert not path.exists()


def test_the_key_of_hosts_stays(path: Path) -> None:
    with contextlib.closing(Database(path)) as database:
        key = database.host_key()
        assert len(key) == 16
        assert database.host_key() == key
    with contextlib.closing(Database(path)) as again:
        assert again.host_key() == key
    path.unlink()
    with contextlib.closing(Database(path)) as another:
        assert another.host_key() != key


def test_without_its_table_there_is_none(path: Path) -> None:
    with contextlib.closing(Database(path)) as database:
        with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("DROP TABLE host_key")
        with pytest.raises(StoreUnusable, match="can't be used: no such table"):
            database.host_key()
