"""`securechat backup`, `restore` and `check`, as processes: what they say, and how they end."""

import shutil
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from securechat.store.datadir import DataDir
from tests.cli.commands import at_terminal, environment, securechat

FILES = Path(__file__).parents[1] / "data"
THERE = "5 accounts, 3 channels, to 2026-11-01T13:20:00.000Z"


class Home:
    """A data directory, and a place for backups beside it."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.data = DataDir(home / "data")
        self.file = home / "backup.db"

    def run(self, *arguments: str | Path) -> CompletedProcess[str]:
        return securechat(self.home, *arguments, "--data", self.data.path)

    def topics(self, path: Path | None = None) -> set[str]:
        with closing(sqlite3.connect(path or self.data.database)) as connection:
            return {topic for (topic,) in connection.execute("SELECT topic FROM channels WHERE topic IS NOT NULL")}

    def change(self, topic: str) -> None:
        with closing(sqlite3.connect(self.data.database, isolation_level=None)) as connection:
            connection.execute("UPDATE channels SET topic = ?", (topic,))


@pytest.fixture
def home(tmp_path: Path) -> Home:
    place = Home(tmp_path)
    place.data.prepare()
    shutil.copyfile(FILES / "schema-5.db", place.data.database)
    place.data.database.chmod(0o600)
    return place


def refused(done: CompletedProcess[str], status: int, sentence: str) -> None:
    assert (done.returncode, done.stdout) == (status, "")
    assert sentence in done.stderr
    assert done.stderr.count("\n") == 1


def test_there_and_back(home: Home) -> None:
    before = home.topics()
    done = home.run("backup", home.file)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"made {home.file}: {THERE}\n", "")
    assert home.file.stat().st_mode & 0o777 == 0o600

    home.change("other")
    done = home.run("restore", home.file, "--yes")
    assert (done.returncode, done.stdout) == (0, f"restored {home.data.database}: {THERE}\n")
    (kept,) = home.data.path.glob("*.before-restore-*")
    assert done.stderr == f"securechat: what was there is kept as {kept}; remove it when you are content\n"
    assert (home.topics(), home.topics(kept)) == (before, {"other"})
    assert home.run("check").returncode == 0


def test_the_configuration_says_where(home: Home) -> None:
    config = home.home / "chat.toml"
    config.write_text('[store]\ndata = "data"\n')
    for arguments in (["backup", home.file], ["check"], ["restore", home.file, "--yes"]):
        done = securechat(home.home, *arguments, "--config", config)
        assert done.returncode == 0, done.stderr


def test_how_far_it_is_is_shown_at_a_terminal(home: Home) -> None:
    with at_terminal(home.home, "backup", home.file, "--data", home.data.path) as terminal:
        terminal.expect("copied: 100 %")
        terminal.expect(f"made {home.file}")
        assert terminal.end() == 0


def test_a_restore_asks_at_a_terminal(home: Home) -> None:
    assert home.run("backup", home.file).returncode == 0
    home.change("other")
    for answer, status in (("n", 1), ("", 1), ("y", 0)):
        with at_terminal(home.home, "restore", home.file, "--data", home.data.path) as terminal:
            terminal.expect(f"There is now: {THERE}.")
            terminal.expect(f"In {home.file}: {THERE}.")
            terminal.expect("Put this in its place? [y/N] ")
            assert home.topics() == {"other"}
            terminal.type(f"{answer}\n")
            terminal.expect("nothing was restored" if status else "restored ")
            assert terminal.end() == status
    assert home.topics() != {"other"}


def test_without_a_terminal_it_wants_to_be_told(home: Home) -> None:
    assert home.run("backup", home.file).returncode == 0
    refused(home.run("restore", home.file), 2, "there is no terminal to ask on whether you are sure: say --yes")


def test_a_store_that_is_in_use_is_not_replaced(home: Home) -> None:
    with home.data.lock():
        done = home.run("backup", home.file)
        assert done.returncode == 0, done.stderr
        refused(home.run("restore", home.file, "--yes"), 1, "is in use by process")
        refused(home.run("restore", home.file, "--yes"), 1, ": stop its server first")
        done = home.run("check", "--compact")
        assert done.returncode == 1
        assert "is in use by process" in done.stderr
        assert home.run("check").returncode == 0
    assert not list(home.data.path.glob("*before-restore*"))


def test_into_a_directory_that_is_not_there(home: Home) -> None:
    assert home.run("backup", home.file).returncode == 0
    new = home.home / "elsewhere" / "data"
    done = securechat(home.home, "restore", home.file, "--yes", "--data", new)
    assert (done.returncode, done.stderr) == (0, "")
    assert home.topics(new / "securechat.db") == home.topics()
    assert new.stat().st_mode & 0o777 == 0o700


def test_what_can_not_be_done(home: Home) -> None:
    text, newer = home.home / "text", home.home / "newer.db"
    text.write_text("nothing of ours " * 100)
    shutil.copyfile(FILES / "schema-5.db", newer)
    with closing(sqlite3.connect(newer, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
        connection.execute("PRAGMA user_version = 99")
    refusals: list[tuple[list[str | Path], int, str]] = [
        (["backup", text], 2, "is there already: --force replaces it"),
        (["backup", home.data.database, "--force"], 2, "belongs to the store itself"),
        (["backup", home.home / "no" / "where"], 2, "there is no directory"),
        (["backup", home.file, "--config", "/nowhere.toml"], 2, "can't read the configuration file"),
        (["restore", text, "--yes"], 2, "is not a store: it is no SQLite database"),
        (["restore", newer, "--yes"], 2, "is of schema 99, and this program knows 5"),
        (["restore", home.home / "nothing", "--yes"], 2, "does not exist"),
        (["restore", home.home, "--yes"], 2, "is not a file"),
    ]
    for arguments, status, sentence in refusals:
        refused(home.run(*arguments), status, sentence)
    home.data.database.unlink()
    for command in (("backup", home.file), ("check",)):
        refused(home.run(*command), 2, "there is no store: ")
    home.data.path.chmod(0o755)
    refused(home.run("restore", newer, "--yes"), 2, "is of schema 99")


def test_the_store_is_on_a_disk_that_fails(home: Home) -> None:
    """Or is damaged: a sentence, and no traceback."""
    with home.data.database.open("r+b") as file:
        file.seek(100)
        file.write(b"\xaa" * 900)
    for command in (("backup", home.file), ("check",), ("export", "--all")):
        refused(home.run(*command), 1, "it is damaged")
    assert home.run("backup", home.file).returncode == 1
    assert not home.file.exists()


def test_what_is_wrong_is_told(home: Home) -> None:
    with closing(sqlite3.connect(home.data.database, isolation_level=None)) as connection:
        connection.execute("UPDATE channels SET founder = 5 WHERE key = '#tee'")
    done = home.run("check", "--compact")
    assert (done.returncode, done.stderr) == (1, "")
    shown = done.stdout.splitlines()
    assert "rows of the tables: 5 accounts, 3 channels" in shown
    assert "  WRONG: a channel that belongs to nobody who is there: #Tee" in shown
    assert shown[-1] == "something is wrong"


def test_all_is_well(home: Home) -> None:
    done = home.run("check")
    assert (done.returncode, done.stderr) == (0, "")
    assert "log: 70 rows, from 2026-11-01T12:00:00.000Z to 2026-11-01T13:20:00.000Z" in done.stdout.splitlines()
    assert done.stdout.endswith("\neverything is as it should be\n")
    done = home.run("check", "--compact")
    assert done.returncode == 0
    assert done.stdout.splitlines()[-1].startswith("the database had ")


STOPPED = """
import os, signal, sys
from securechat import cli
import securechat.cli.backup as command

def stop(*_):
    os.kill(os.getpid(), signal.{signal})

real = command.back_up
command.back_up = lambda *arguments, progress, **more: real(*arguments, progress=stop, **more)
sys.argv = ["securechat", "backup", *sys.argv[1:]]
cli.main()
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_who_stops_it_finds_nothing_half_done(home: Home, number: signal.Signals) -> None:
    done = subprocess.run(
        [sys.executable, "-c", STOPPED.format(signal=number.name), str(home.file), "--data", str(home.data.path)],
        capture_output=True, text=True, env=environment(home.home), timeout=60, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")
    assert {path.name for path in home.home.iterdir()} == {"data"}
