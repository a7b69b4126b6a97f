"""Files of older versions: each is made today's without a loss, at once or not at all, and a copy of it is kept.

``tests/data/schema-1.db`` was written by the program of that version: four accounts, of which Carl's is disabled and a
fifth was removed; the channels #lobby, #Tea and #bob's, and two that are gone; three messages that wait. The others
were made by ``tests/data/make.py``, which says what is in them.
"""

import contextlib
import hashlib
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from securechat.chat.channel import Topic
from securechat.chat.model import Role
from securechat.chat.requests import Join, SetOwner
from securechat.store import database as store
from securechat.store.database import Database, StoreUnusable
from securechat.store.passwords import Hasher
from securechat.store.rows import Kind
from securechat.store.schema import MIGRATIONS, SCHEMA, VERSION
from tests.store.disk import Disk
from tests.store.kinds import modes
from tests.store.shop import Shop, lasting, log, look, tables, tables_of

ROOT = Path(__file__).parents[2]
OLD = ROOT / "tests" / "data" / "schema-1.db"
OLD_TABLES = ("log", "accounts", "channels", "held", "committed")


def released(number: int) -> Path:
    """The file of a version."""
    return OLD.with_name(f"schema-{number}.db")


@pytest.fixture(params=range(1, VERSION + 1), ids=lambda number: f"schema-{number}")
def file(request: pytest.FixtureRequest, path: Path) -> int:
    """The number of a version, of which a file is there under the name of the store's."""
    number: int = request.param
    shutil.copyfile(released(number), path)
    path.chmod(0o600)
    return number


@pytest.fixture
def old(path: Path) -> Path:
    shutil.copyfile(OLD, path)
    path.chmod(0o600)
    return path


@contextlib.contextmanager
def raw(path: Path) -> Iterator[sqlite3.Connection]:
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        yield connection


def contents(path: Path) -> dict[str, list[tuple[Any, ...]]]:
    """What the tables of version 1 hold, in its columns."""
    with raw(path) as connection:
        found = {name: connection.execute(f"SELECT * FROM {name} ORDER BY 1, 2").fetchall() for name in OLD_TABLES}  # noqa: S608 - ours
    found["accounts"] = [row[:8] for row in found["accounts"]]
    found["channels"] = [row[:7] for row in found["channels"]]
    found["log"] = [row[:9] for row in found["log"]]
    return found


def version(path: Path) -> int:
    with raw(path) as connection:
        return int(connection.execute("PRAGMA user_version").fetchone()[0])


def backup(path: Path) -> Path:
    return path.with_name(f"{path.name}.schema-1.bak")


def files(path: Path) -> set[str]:
    return {file.name.removeprefix(path.name) for file in path.parent.iterdir()}


def columns(connection: sqlite3.Connection) -> dict[str, Any]:
    """All that the names of tables, their columns and their indices say."""
    names = [name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
    return {
        name: (
            connection.execute(f"PRAGMA table_xinfo({name})").fetchall(),
            [
                (index[2:], connection.execute(f"PRAGMA index_xinfo({index[1]})").fetchall())
                for index in connection.execute(f"PRAGMA index_list({name})")
            ],
        )
        for name in names
    }


def test_there_is_a_way_from_every_version() -> None:
    assert sorted(MIGRATIONS) == list(range(1, VERSION))


def test_there_is_a_file_of_every_version() -> None:
    files = sorted(OLD.parent.glob("schema-*.db"))
    assert [(file.name, version(file)) for file in files] == [
        (f"schema-{number}.db", number) for number in range(1, VERSION + 1)
    ]
    assert all(file.stat().st_size <= 100_000 for file in files)
    assert not list(OLD.parent.glob("*-wal"))


def test_a_file_that_was_migrated_has_the_tables_of_a_new_one(file: int, path: Path) -> None:
    Database(path).close()
    with raw(path) as migrated, contextlib.closing(sqlite3.connect(":memory:")) as new:
        new.executescript(SCHEMA)
        assert columns(migrated) == columns(new)


def all_rows(path: Path, like: Path) -> dict[str, list[tuple[Any, ...]]]:
    """What the tables of one file hold, in the tables and the columns that another one has."""
    found = {}
    with raw(path) as connection, raw(like) as other:
        for (name,) in other.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall():
            names = ", ".join(f'"{column[1]}"' for column in other.execute(f"PRAGMA table_info({name})"))
            found[name] = sorted(connection.execute(f"SELECT {names} FROM {name}").fetchall(), key=repr)  # noqa: S608
    return found


def test_no_row_is_lost_or_changed(file: int, path: Path) -> None:
    Database(path).close()
    assert version(path) == VERSION
    assert all_rows(path, like=released(file)) == all_rows(released(file), like=released(file))
    with raw(path) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


@pytest.mark.parametrize("number", range(2, VERSION + 1))
def test_what_the_chat_knows_of_it(path: Path, number: int) -> None:
    """Of the files that have more of everything than the first one."""
    shutil.copyfile(released(number), path)
    with look(path) as (chat, last, connection):
        assert last == log(connection)[-1][0]
        assert {name: (account.role, account.enabled) for name, account in chat.accounts.items()} == {
            "ann": (Role.ADMIN, True),
            "bob": (Role.MEMBER, True),
            "carl": (Role.MEMBER, False),
            "dan": (Role.MEMBER, True),
            "eve": (Role.MEMBER, True),
        }
        ann, bob, eve = (chat.accounts[name] for name in ("ann", "bob", "eve"))
        assert Hasher().verify("bob's new password", bob.credential)
        assert {channel.name: channel.founder for channel in chat.channels.values()} == {
            "#lobby": 0,
            "#Tee": bob.id,
            "#eve": eve.id,
        }
        tea, eves = chat.channels["#tee"], chat.channels["#eve"]
        assert isinstance(tea.topic, Topic)
        assert tea.topic.text == "cups, saucers and café au lait"
        assert (tea.join_key, tea.limit, sorted(tea.lists["b"]), list(tea.lists["e"])) == (
            *("sesame", 30),
            *(["*!*@ham", "*!*@spam"], ["ham!*@*"]),
        )
        assert tea.access == {eve.id: "v", bob.id: "o"}
        assert tea.metadata == {"url": "urn:tea"}
        assert set(eves.flags) == set("ntis")
        lobby = chat.channels["#lobby"]
        assert (tea.open_since, eves.open_since) == (None, None)
        assert lobby.open_since in (lobby.id, lobby.id + 1)  # it is made at the first start, and by it
        assert {id: list(masks) for id, masks in chat.silenced.items()} == {ann.id: ["*!*@spam"], eve.id: ["*!*@ham"]}
        assert chat.metadata == {ann.id: {"url": "https://example.org"}}
        assert sorted(ban.mask for ban in chat.bans.values()) == ["192.0.2.0/24", "Spam"]
        assert chat.held_numbers == {chat.accounts["dan"].id: 2}
        # Whoever a channel belongs to may read all of it.
        assert bob.id in tea.readers
        assert eves.readers[eve.id] <= eves.id


def test_what_came_with_schema_4(path: Path) -> None:
    shutil.copyfile(released(4), path)
    with look(path) as (chat, _, connection):
        ann, bob, eve = (chat.accounts[name].id for name in ("ann", "bob", "eve"))
        assert {id: (settings.replay, settings.always_on) for id, settings in chat.settings.items()} == {
            ann: (None, True),
            bob: (50, False),
        }
        assert set(chat.devices[bob]) == {"", "phone"}
        assert len(chat.markers[bob]) == 2
        assert eve in {id for id, channels in chat.remembered.items() if channels}
        taken = connection.execute("SELECT text, tags FROM log WHERE redacted IS NOT NULL").fetchall()
        assert taken == [("", ""), ("", "")]
        assert [id for (id,) in connection.execute("SELECT id FROM client_ids")] == ["my-id-1", "my-id-2"]
        (several,) = connection.execute("SELECT count(*) FROM log_channels").fetchone()
        assert several > 2


def test_what_came_with_schema_5(path: Path) -> None:
    shutil.copyfile(released(5), path)
    with look(path) as (chat, _, _):
        ann, bob, dan = (chat.accounts[name] for name in ("ann", "bob", "dan"))
        assert {entry.der: entry.account_id for entry in chat.certificates.values()} == {
            b"ann's certificate": ann.id,
            b"bob's certificate": bob.id,
        }
        assert all(digest == hashlib.sha256(entry.der).hexdigest() for digest, entry in chat.certificates.items())
        codes = {code.digest: code for code in chat.invite_codes.values()}
        first, second, third = (codes.pop(hashlib.sha256(code).hexdigest()) for code in (b"first", b"second", b"third"))
        assert not codes
        assert (first.left, first.uses, first.by, first.admin) == (4, 5, "ann", False)
        assert (second.left, second.name, second.admin) == (0, "Fay", True)
        assert third.account_id == chat.accounts["carl"].id
        assert dan.scram.startswith("SCRAM-SHA-256$4096:")
        assert bob.scram == ""
        assert set(chat.retired) == {"gone", "fay", "gil"}


@pytest.mark.parametrize("number", range(1, 5))
def test_names_that_were_removed_before_are_retired(path: Path, number: int) -> None:
    """Certificates did not log in then; but one that was made then must not do so for somebody else now."""
    shutil.copyfile(released(number), path)
    with look(path) as (chat, _, connection):
        removed = [row[:6] for row in log(connection) if row[1] == Kind.ACCOUNT_REMOVED]
        assert chat.retired == {row[5].lower(): row[0] for row in removed}
        assert removed


def test_everything_is_found(old: Path) -> None:
    """Twice: the second time nothing is left to be done."""
    before = contents(OLD)
    for _ in range(2):
        with look(old) as (chat, last, connection):
            assert version(old) == VERSION
            assert contents(old) == before
            accounts = {account.name: (account.role, account.enabled) for account in chat.accounts.values()}
            assert accounts == {
                "Ann": (Role.ADMIN, True),
                "bob": (Role.MEMBER, True),
                "Carl": (Role.MEMBER, False),
                "eve": (Role.MEMBER, True),
            }
            assert Hasher().verify("bob's new password", chat.accounts["bob"].credential)
            ann, bob = chat.accounts["ann"], chat.accounts["bob"]
            channels = {channel.name: channel.founder for channel in chat.channels.values()}
            assert channels == {"#lobby": 0, "#Tea": ann.id, "#bob's": bob.id}
            tea = chat.channels["#tea"]
            assert isinstance(tea.topic, Topic)
            assert (tea.topic.text, tea.topic.by) == ("cups, saucers and café au lait", "Ann!~ann@host.example")
            assert (tea.flags, tea.join_key, tea.limit, tea.restricted) == ("nt", None, None, False)
            assert tea.lists == {"b": {}, "e": {}, "I": {}}
            assert (tea.access, tea.metadata, chat.silenced, chat.metadata, chat.bans) == ({}, {}, {}, {}, {})
            assert [row[:9] for row in log(connection)] == before["log"]
            assert last == before["log"][-1][0]
            eve, carl = chat.accounts["eve"].id, chat.accounts["carl"].id
            assert chat.held_numbers == {eve: 2, carl: 1}
        with contextlib.closing(Database(old)) as database:
            assert [message.text for message in database.held_messages(eve, last)] == ["one", "two"]


def test_the_chat_goes_on_with_it(old: Path) -> None:
    with Shop(old) as shop:
        shop.open("zoe")
        shop.do(shop.login(1, "ann"), Join(1, "#tea"), modes(1, "#tea", "+b *!*@spam"), SetOwner(1, "#tea", "zoe"))
        expected = lasting(shop.chat)
        assert tables(shop.disk.connections[0]) == tables_of(shop.chat)
    assert found_in(old) == expected


def found_in(path: Path) -> dict[str, object]:
    with look(path) as (chat, _, _):
        return lasting(chat)


# -- the copy ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("umask", [0o000, 0o022])
def test_a_copy_is_kept_and_private(old: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        Database(old).close()
    finally:
        os.umask(before)
    assert files(old) == {"", ".schema-1.bak"}
    assert backup(old).stat().st_mode & 0o7777 == 0o600
    assert version(backup(old)) == 1
    assert contents(backup(old)) == contents(OLD)


def test_a_new_file_has_no_copy_and_neither_has_one_of_today(path: Path) -> None:
    for _ in range(2):
        Database(path).close()
        assert files(path) == {""}


def test_what_is_in_the_wal_is_in_the_copy(old: Path) -> None:
    """The old program was killed, so nobody has put its WAL into the file."""
    script = (
        "import os, sqlite3, sys; c = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
        "for s in ('PRAGMA journal_mode = WAL', \"UPDATE channels SET topic = 'new'\"): c.execute(s)\n"
        "os.kill(os.getpid(), 9)"
    )
    killed = subprocess.run([sys.executable, "-c", script, str(old)], check=False, timeout=60)
    assert killed.returncode == -signal.SIGKILL
    assert "-wal" in files(old)
    Database(old).close()
    assert {row[4] for row in contents(backup(old))["channels"]} == {"new"}
    assert {row[4] for row in contents(old)["channels"]} == {"new"}


def test_an_older_copy_is_replaced_and_half_of_one_too(old: Path) -> None:
    backup(old).write_text("an older one")
    part = backup(old).with_name(backup(old).name + ".part")
    part.write_text("half of one")
    Database(old).close()
    assert contents(backup(old)) == contents(OLD)
    assert not part.exists()


def test_without_a_copy_nothing_is_changed(old: Path) -> None:
    backup(old).mkdir()
    with pytest.raises(StoreUnusable, match="can't be opened"):
        Database(old)
    assert version(old) == 1
    assert files(old) == {"", ".schema-1.bak"}, "no connection is left open, and no half copy"
    backup(old).rmdir()
    Database(old).close()
    assert version(old) == VERSION


# -- what fails in the middle ------------------------------------------------------------------------------------------


def is_of_version_1(path: Path) -> None:
    assert version(path) == 1
    assert contents(path) == contents(OLD)
    with raw(path) as connection, raw(OLD) as other:
        assert columns(connection) == columns(other)


def test_each_statement_fails(old: Path) -> None:
    disk = Disk()
    Database(old, connect=disk.connect).close()
    steps = len(disk.steps)
    assert any(step.startswith("VACUUM") for step in disk.steps)
    for number in range(steps):
        shutil.copyfile(OLD, old)
        disk.fail(number)
        with pytest.raises(StoreUnusable, match="told to fail"):
            Database(old, connect=disk.connect)
        assert files(old) <= {"", ".schema-1.bak"}
        is_of_version_1(old)
    disk.mend()
    Database(old, connect=disk.connect).close()
    assert version(old) == VERSION


def test_it_is_interrupted_anywhere(old: Path) -> None:
    """Every so many instructions of SQLite's own, until it is through."""
    left = 0

    def connect(path: Path) -> sqlite3.Connection:
        connection = store._connect(path)

        def interrupt() -> int:
            nonlocal left
            left -= 1
            return int(left <= 0)

        connection.set_progress_handler(interrupt, 10)
        return connection

    through = interruptions = 0
    while not through:
        left = interruptions + 1
        try:
            Database(old, connect=connect).close()
            through = 1
        except StoreUnusable as error:
            assert "interrupted" in str(error)  # noqa: PT017
            is_of_version_1(old)
            interruptions += 1
    assert interruptions > 20
    assert version(old) == VERSION


KILLED = """
import os, signal, sqlite3, sys
from pathlib import Path
from securechat.store import database

def trace(statement):
    if statement.strip().startswith(sys.argv[2]):
        os.kill(os.getpid(), signal.SIGKILL)

def connect(path):
    connection = real(path)
    connection.set_trace_callback(trace)
    return connection

real = database._connect
database.Database(Path(sys.argv[1]), connect=connect)
"""


@pytest.mark.parametrize("statement", ["VACUUM", "BEGIN", "CREATE TABLE metadata", "PRAGMA user_version = ", "COMMIT"])
def test_the_process_is_killed(old: Path, statement: str) -> None:
    killed = subprocess.run([sys.executable, "-c", KILLED, str(old), statement], cwd=ROOT, check=False, timeout=60)
    assert killed.returncode == -signal.SIGKILL
    is_of_version_1(old)
    Database(old).close()
    assert version(old) == VERSION
    assert contents(old) == contents(OLD)
    assert files(old) == {"", ".schema-1.bak"}
