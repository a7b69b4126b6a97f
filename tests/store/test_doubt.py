"""A commit of which it is not known for a while whether it is in the file."""

import contextlib
import sqlite3
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from securechat.chat.events import Left
from securechat.chat.requests import (
    AddAccount,
    Depart,
    Request,
    Say,
)
from securechat.store.rows import write_down
from tests.store.disk import BROKEN
from tests.store.kinds import (
    ANN,
    LATE,
    LEAVER,
    REASONS,
    STORED,
    Kind,
    refused,
    steps_of,
)
from tests.store.shop import Shop, lasting, log, look


def test_a_commit_that_only_seems_to_fail_is_a_commit(new_shop: Callable[[], Shop], kind: Kind) -> None:
    twin = new_shop()
    last = len(steps_of(twin, kind(twin))) - 1
    shop = new_shop()
    requests = kind(shop)
    shop.disk.fail(last, done_first=True)
    shop.do(*requests)
    assert not shop.errors
    shop.check()
    shop.do(AddAccount("last", "hash"))
    shop.check()


def test_what_is_acknowledged_after_an_error_is_in_the_file_itself(
    new_shop: Callable[[], Shop], tmp_path: Path
) -> None:
    """Linux says once that fsync() has failed, and never again: what stands in the WAL may be in memory only."""
    shop = new_shop()
    copy = tmp_path / "copy.db"
    with contextlib.closing(sqlite3.connect(shop.path)) as other:
        # As long as this is open SQLite itself does not copy the WAL when we close the file.
        other.execute("SELECT * FROM log").fetchall()
        shop.disk.fail(2, done_first=True)
        shop.do(Say(ANN, "PRIVMSG", "#tea", "hello"))
        assert shop.disk.steps[2] == "COMMIT"
        # In another process: to close the file in this one would drop SQLite's locks on it.
        subprocess.run(["cp", shop.path, copy], check=True)
    with look(copy) as (_, last, _):
        assert last == shop.shown[-1].stamp


def test_what_was_taken_out_is_not_in_the_file_itself(new_shop: Callable[[], Shop], tmp_path: Path) -> None:
    """As above: an error when it was taken out may mean that only the memory knows of it."""
    shop = new_shop()
    copy = tmp_path / "copy.db"
    with contextlib.closing(sqlite3.connect(shop.path)) as other:
        other.execute("SELECT * FROM log").fetchall()
        doubtful(shop, [Say(ANN, "PRIVMSG", "#tea", "hello")], 2)
        shop.disk.mend()
        shop.disk.watch()
        shop.do(Say(ANN, "TAGMSG", "#tea", ""))
        commit = shop.disk.steps.index("COMMIT")

        doubtful(shop, [Say(ANN, "PRIVMSG", "#tea", "hello")], 2)
        shop.disk.fail(commit, done_first=True)
        shop.do(Say(ANN, "TAGMSG", "#tea", ""))
        assert shop.disk.steps[commit:] == ["COMMIT"]
        shop.do(Say(ANN, "TAGMSG", "#tea", ""))
        assert not shop.database.in_doubt
        subprocess.run(["cp", shop.path, copy], check=True)
    with look(copy) as (chat, _, connection):
        assert log(connection) == write_down(shop.shown)[0]
        assert lasting(chat) == lasting(shop.chat)


@pytest.mark.parametrize("reader", [False, True])
def test_what_can_not_be_put_there_is_refused(new_shop: Callable[[], Shop], reader: bool) -> None:
    shop = new_shop()
    message = Say(ANN, "PRIVMSG", "#tea", "hello")
    with contextlib.closing(sqlite3.connect(shop.path, isolation_level=None)) as other:
        if reader:  # who keeps the WAL from being copied
            other.execute("BEGIN")
            other.execute("SELECT * FROM log").fetchone()
            shop.disk.fail(2, done_first=True)
        else:
            shop.disk.fail(2, done_first=True)
            shop.do(message)
            checkpoint = next(number for number, step in enumerate(shop.disk.steps) if "checkpoint" in step)
            shop.disk.fail(2, 1, "SQLITE_FULL", done_first=True)
            shop.disk.also_fail(checkpoint)
        refused(shop, [message], REASONS["SQLITE_FULL" if not reader else "SQLITE_IOERR_WRITE"])
        shop.disk.mend()
        if reader:
            refused(shop, [message], REASONS["SQLITE_IOERR_WRITE"])
    shop.do(message)
    shop.check()


def doubtful(shop: Shop, requests: list[Request], commit: int) -> None:
    """The disk fails when these have been committed: they are refused, and are in the file all the same."""
    shop.disk.fail(commit, BROKEN, "SQLITE_FULL", done_first=True)
    refused(shop, requests, REASONS["SQLITE_FULL"])
    assert shop.database.in_doubt
    with look(shop.path) as (_, last, _):
        assert last > shop.shown[-1].stamp


def test_doubt(new_shop: Callable[[], Shop], kind: Kind) -> None:
    """It has been committed and nobody knows: it is refused, and taken out as soon as the file opens again."""
    twin = new_shop()
    commit = len(steps_of(twin, kind(twin))) - 1
    shop = new_shop()
    requests = kind(shop)
    doubtful(shop, requests, commit)

    # While it lasts: what is to be stored is refused, what is not goes on, and who comes and goes is owed.
    refused(shop, requests, REASONS["SQLITE_FULL"])
    shop.do(Say(ANN, "TAGMSG", "#tea", ""))
    assert not shop.errors
    shop.do(shop.login(LATE, "bob", "tablet"))
    assert shop.errors.pop()[0] == "not stored"
    shop.do(Depart(LEAVER, "gone"))
    left = shop.shown[-1]
    assert isinstance(left, Left)
    assert shop.errors.pop()[0] == "not stored"
    refused(shop, requests, REASONS["SQLITE_FULL"])

    shop.disk.mend()
    shop.do(*requests)
    assert not shop.database.in_doubt
    shop.check()
    stamps = [event.stamp for event in shop.shown]
    assert stamps == sorted(set(stamps))
    shop.database.close()
    shop.check()
    with Shop(shop.path) as again:
        again.open("zoe")
        assert again.shown[0].stamp > stamps[-1]


@pytest.mark.parametrize(
    "kind",
    [
        "all at once",
        "an account is removed",
        "messages are taken back",
    ],
)
def test_taking_out_fails_too(new_shop: Callable[[], Shop], kind: str) -> None:
    """Before a step is done, or, at every other one, behind it."""
    twin = new_shop()
    commit = len(steps_of(twin, STORED[kind](twin))) - 1
    tag = Say(ANN, "TAGMSG", "#tea", "")

    def in_doubt() -> Shop:
        shop = new_shop()
        doubtful(shop, STORED[kind](shop), commit)
        shop.disk.mend()
        shop.disk.watch()
        return shop

    shop = in_doubt()
    shop.do(tag)
    shop.check()
    steps = shop.disk.steps.copy()
    assert steps[-1] == "COMMIT"
    for number in range(len(steps)):
        shop = in_doubt()
        requests = STORED[kind](shop)
        shop.disk.fail(number, done_first=number % 2 == 1)
        refused(shop, requests, REASONS["SQLITE_FULL"])
        shop.do(tag)
        shop.check()
        shop.do(*requests)
        shop.check()
