"""Copies of a store in one file."""

import contextlib
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from securechat.chat.events import Said
from securechat.chat.requests import Original, Redact
from securechat.store.backup import back_up, look_into
from securechat.store.datadir import DataDir
from securechat.store.schema import VERSION
from securechat.store.snapshot import DamagedError, WrongStoreError
from tests.store.kinds import open_shop
from tests.store.shop import Shop, hello, lasting, log
from tests.store.stores import ROOT, contents, damage, files, found_in, talk


def test_a_copy_has_everything(shop: Shop, data: DataDir, file: Path) -> None:
    made = back_up(data.database, file)
    assert (made.version, made.accounts, made.channels) == (VERSION, 4, 3)
    assert look_into(file) == made
    assert contents(file) == contents(data.database)
    assert file.stat().st_mode & 0o7777 == 0o600
    assert files(file.parent) == {"backup.db", "data"}
    assert found_in(file) == (lasting(shop.chat), log(shop.disk.connections[0]))


@pytest.mark.parametrize("umask", [0o000, 0o077])
def test_it_is_one_private_file_from_the_beginning(shop: Shop, data: DataDir, file: Path, umask: int) -> None:
    seen: list[tuple[set[str], int]] = []
    part = file.with_name("backup.db.part")
    before = os.umask(umask)
    try:
        back_up(
            data.database,
            file,
            progress=lambda *_: seen.append((files(file.parent), part.stat().st_mode & 0o7777)),
        )
    finally:
        os.umask(before)
    assert seen
    assert all(names == {"data", "backup.db.part"} and mode == 0o600 for names, mode in seen)
    assert file.read_bytes()[18:20] == b"\x01\x01", "it is in WAL mode"


def test_what_is_written_meanwhile_does_not_make_it_begin_anew(shop: Shop, data: DataDir, file: Path) -> None:
    """Something is committed after every step; the copy has the store as it was at the first."""
    talk(shop, 8)
    before, steps = log(shop.disk.connections[0]), []

    def progress(done: int, all_: int) -> None:
        steps.append((done, all_))
        shop.do(hello(1, "and more"))

    back_up(data.database, file, progress=progress)
    pages = steps[-1][1]
    assert steps == [(min(512 * (number + 1), pages), pages) for number in range(len(steps))]
    assert len(steps) > 1
    assert found_in(file)[1] == before
    assert len(log(shop.disk.connections[0])) == len(before) + len(steps)


def test_a_store_without_a_server(shop: Shop, data: DataDir, file: Path) -> None:
    shop.database.close()
    back_up(data.database, file)
    assert contents(file) == contents(data.database)


def test_a_store_whose_server_was_killed(data: DataDir, file: Path) -> None:
    """All is in its WAL."""
    script = (
        "import os, sys; from pathlib import Path; from tests.store.kinds import open_shop\n"
        "shop = open_shop(Path(sys.argv[1])); os.kill(os.getpid(), 9)"
    )
    killed = subprocess.run([sys.executable, "-c", script, str(data.database)], cwd=ROOT, check=False, timeout=60)
    assert killed.returncode == -signal.SIGKILL
    assert "securechat.db-wal" in files(data.path)
    back_up(data.database, file)
    assert contents(file) == contents(data.database)
    assert contents(file)["log"]


def test_a_store_of_an_older_version(data: DataDir, file: Path) -> None:
    """For who wants one before a new program comes."""
    shutil.copyfile(ROOT / "tests" / "data" / "schema-1.db", data.database)
    assert back_up(data.database, file).version == 1
    assert contents(file) == contents(data.database)


def test_what_was_taken_back_is_not_in_it(shop: Shop, data: DataDir, file: Path) -> None:
    """Not even in what SQLite leaves of rows that it moved, as those before a long one."""
    secret = "hunter-two" * 10
    shop.do(hello(1, secret))
    (said,) = [event for event in shop.shown if isinstance(event, Said) and event.text == secret]
    talk(shop, 1)
    original = Original(said.stamp, said.account_id, said.channel_id, said.target, said.target_id)
    shop.do(Redact(1, "#tea", original, ""))
    assert secret.encode() in data.database.read_bytes() + data.database.with_name("securechat.db-wal").read_bytes()
    back_up(data.database, file)
    assert b"hunter-two" not in file.read_bytes()
    found = contents(file)
    assert found.pop("erased") == []
    original_rows = contents(data.database)
    assert len(original_rows.pop("erased")) == 1
    assert found == original_rows


def test_what_has_that_name_is_replaced_only_by_force(shop: Shop, data: DataDir, file: Path) -> None:
    file.write_text("mine")
    with pytest.raises(WrongStoreError, match="is there already: --force replaces it"):
        back_up(data.database, file)
    assert file.read_text() == "mine"
    back_up(data.database, file, force=True)
    assert contents(file) == contents(data.database)


def test_what_gets_that_name_meanwhile(shop: Shop, data: DataDir, file: Path) -> None:
    with pytest.raises(WrongStoreError, match="is there already"):
        back_up(data.database, file, progress=lambda *_: file.write_text("mine"))
    assert file.read_text() == "mine"
    assert files(file.parent) == {"backup.db", "data"}


def test_what_a_killed_one_has_left_is_no_hindrance(shop: Shop, data: DataDir, file: Path) -> None:
    for end in ("", "-journal", "-wal", "-shm"):
        file.with_name(f"backup.db.part{end}").write_text("half of one")
    back_up(data.database, file)
    assert files(file.parent) == {"backup.db", "data"}
    assert contents(file) == contents(data.database)


@pytest.mark.parametrize("force", [False, True])
def test_where_no_copy_may_be_put(shop: Shop, data: DataDir, tmp_path: Path, force: bool) -> None:
    (tmp_path / "directory").mkdir()
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to(tmp_path / "file")
    (tmp_path / "elsewhere").symlink_to(data.path)
    before = contents(data.database)
    for target, sentence in (
        (data.database, "belongs to the store itself: give the copy another name"),
        (tmp_path / "elsewhere" / "securechat.db", "belongs to the store itself"),
        (data.path / "securechat.db-wal", "belongs to the store itself"),
        (data.path / "search.db", "belongs to the store itself"),
        (data.lock_file, "belongs to the store itself"),
        (data.crl_numbers, "belongs to the store itself"),
        (tmp_path / "directory", "is there and is not a file"),
        (tmp_path / "link", "is there and is not a file"),
        (tmp_path / "nowhere" / "backup.db", "there is no directory"),
        (tmp_path / "file" / "backup.db", "is not a directory"),
    ):
        with pytest.raises(WrongStoreError, match=sentence):
            back_up(data.database, target, force=force)
    assert contents(data.database) == before
    assert files(tmp_path) == {"directory", "file", "link", "elsewhere", "data"}


def test_what_is_no_store(tmp_path: Path, file: Path) -> None:
    text, empty, other, directory = (tmp_path / name for name in ("text", "empty", "other.db", "directory"))
    text.write_text("no store at all " * 1000)
    empty.touch()
    directory.mkdir()
    with contextlib.closing(sqlite3.connect(other)) as connection:
        connection.execute("CREATE TABLE log (a)")
    for path, sentence in (
        (tmp_path / "nothing", "does not exist"),
        (text / "securechat.db", "does not exist"),
        (directory, "is not a file"),
        (text, "is no SQLite database"),
        (empty, "is a database, but not one of securechat's"),
        (other, "is a database, but not one of securechat's"),
    ):
        with pytest.raises(WrongStoreError, match=sentence):
            back_up(path, file)
        with pytest.raises(WrongStoreError, match=sentence):
            look_into(path)
    assert files(tmp_path) == {"text", "empty", "other.db", "directory"}


def test_it_is_interrupted(shop: Shop, data: DataDir, file: Path) -> None:
    talk(shop, 4)

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        back_up(data.database, file, progress=interrupt)
    assert files(file.parent) == {"data"}


def test_the_disk_is_full(data: DataDir, file: Path) -> None:
    with open_shop(data.database) as shop:
        talk(shop, 4)
    script = (
        "import resource, signal, sys; from pathlib import Path; from securechat.store.backup import back_up\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, 500_000))\n"
        "try: back_up(*map(Path, sys.argv[1:]))\n"
        "except Exception as error: print(type(error).__name__, error)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(data.database), str(file)],
        cwd=ROOT, capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    assert done.stdout.startswith("StoreFailedError can't copy ")
    assert "disk" in done.stdout
    assert files(file.parent) == {"data"}


def test_a_damaged_store_gives_no_copy(shop: Shop, data: DataDir, file: Path) -> None:
    shop.database.close()
    damage(data.database)
    with pytest.raises(DamagedError, match="is damaged"):
        back_up(data.database, file)
    assert files(file.parent) == {"data"}
