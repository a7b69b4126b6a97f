"""Copies that SQLite leaves of rows which it has moved: they are found, and overwritten, and nothing else is."""

import contextlib
import random
import sqlite3
from collections.abc import Sequence
from pathlib import Path

import pytest

from securechat.store import gaps
from securechat.store.erasure import Erasure
from securechat.store.schema import SCHEMA, VERSION
from tests.store.shop import Shop


def crowded(path: Path, seed: int) -> tuple[sqlite3.Connection, dict[str, int], set[str]]:
    """A log in which rows were moved: by rows that got longer, and by those that went. The words of the rest, and of
    those that are gone."""
    chance = random.Random(seed)
    connection = sqlite3.connect(path, isolation_level=None)
    connection.executescript("PRAGMA journal_mode = WAL; PRAGMA secure_delete = ON; PRAGMA synchronous = OFF;" + SCHEMA)
    words: dict[str, int] = {}
    connection.execute("BEGIN")
    for number in range(1, 1500):
        stamp = number << 30 | chance.getrandbits(20)
        text = "hi"
        if chance.random() < 0.6:
            text = f"q{seed:03}x{number:06}z"
            words[text] = stamp
            text += " lorem" * chance.choice([0, 0, 1, 10, 100, 1000])
        connection.execute(
            "INSERT INTO log VALUES (?, 1, 7, 8, 'ann!~ann@user/ann', '#tea', NULL, ?, '', 0, NULL)", (stamp, text)
        )
    connection.execute("COMMIT")
    stamps = [stamp for (stamp,) in connection.execute("SELECT stamp FROM log")]
    gone = {*stamps[: len(stamps) // 5], *chance.sample(stamps, len(stamps) // 5)}
    for stamp in chance.sample(stamps, len(stamps) // 5):
        connection.execute("UPDATE log SET text = '', redacted = ? WHERE stamp = ?", (1 << 61, stamp))
        gone.add(stamp)
    for stamp in gone:
        if chance.random() < 0.8:
            connection.execute("DELETE FROM log WHERE stamp = ?", (stamp,))
    lost = {word for word, stamp in words.items() if stamp in gone}
    return connection, {word: stamp for word, stamp in words.items() if word not in lost}, lost


def take_back(connection: sqlite3.Connection, stamps: Sequence[int]) -> None:
    for stamp in stamps:
        connection.execute("UPDATE log SET text = '', tags = '', redacted = ? WHERE stamp = ?", (1 << 61, stamp))


def clear(connection: sqlite3.Connection, path: Path, ranges: Sequence[gaps.Range]) -> int:
    """How many pages had something in their gaps."""
    root = gaps.root_of(connection)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    dirty = gaps.find(path, root, ranges)
    for one in dirty:
        connection.execute("BEGIN")
        for statement, parameters in gaps.statements(path, connection, root, one):
            connection.executemany(statement, parameters)
        connection.execute("COMMIT")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return len(dirty)


def left(path: Path, words: Sequence[str]) -> list[str]:
    data = path.read_bytes()
    return [word for word in words if word.encode() in data]


def test_rows_that_were_moved_leave_copies(tmp_path: Path) -> None:
    """What `securechat.store.gaps` is for: should SQLite begin to clear them itself, it can go."""
    copies = 0
    for seed in range(5):
        connection, words, _ = crowded(tmp_path / f"{seed}.db", seed)
        with contextlib.closing(connection):
            take_back(connection, list(words.values()))
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            copies += len(left(tmp_path / f"{seed}.db", list(words)))
    assert copies


@pytest.mark.parametrize("seed", range(5))
def test_copies_of_rows_are_overwritten_and_nothing_else(tmp_path: Path, seed: int) -> None:
    path = tmp_path / "log.db"
    connection, words, _ = crowded(path, seed)
    with contextlib.closing(connection):
        taken = dict(random.Random(seed).sample(sorted(words.items()), len(words) // 2))
        take_back(connection, list(taken.values()))
        before = connection.execute("SELECT * FROM log").fetchall()
        assert clear(connection, path, [(0, (1 << 63) - 1)])
        assert left(path, list(taken)) == []
        assert connection.execute("SELECT * FROM log").fetchall() == before
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        # To delete the row that filled a page may move others once more; but what was taken back is not among them.
        again = [clear(connection, path, [(0, (1 << 63) - 1)]) for _ in range(3)]
        assert again[-1] == 0, "what is clean is left alone"


def test_only_what_is_near_is_looked_at(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    connection, words, _ = crowded(path, 1)
    with contextlib.closing(connection):
        stamp = list(words.values())[len(words) // 2]
        near = clear(connection, path, [(stamp, stamp)])
        assert near <= 1
        assert clear(connection, path, [(0, (1 << 63) - 1)]) > 10


@pytest.mark.parametrize("seed", [2, 4])
def test_a_store_in_which_rows_were_moved(path: Path, seed: int) -> None:
    """All of it together: a few messages at a time, and only what is near them is looked at. Without that these two
    would keep something."""
    connection, words, _ = crowded(path, seed)
    connection.execute(f"PRAGMA user_version = {VERSION}")
    connection.close()
    with Shop(path) as shop:
        for stamps in batched(list(words.values()), 50):
            values = [(stamp,) for stamp in stamps]
            shop.database.tidy(
                [
                    ("INSERT INTO erased SELECT stamp, text, tags FROM log WHERE stamp = ?", values),
                    ("UPDATE log SET text = '', tags = '', redacted = 1 << 61 WHERE stamp = ?", values),
                ]
            )
            assert Erasure(path, shop.database, shop.journal).run()
        assert left(path, list(words)) == []


def batched(values: list[int], size: int) -> list[list[int]]:
    return [values[at : at + size] for at in range(0, len(values), size)]
