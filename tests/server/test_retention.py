"""What is too much, or too old, goes while the server runs, and as the configuration says that is in force."""

import contextlib
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from securechat.server.config import RetentionConfig
from securechat.server.reload import Loaded
from tests.server.wire import LIMIT, House, Opener, running

LINE = "x" * 380


@pytest.fixture
def house(certs: Path, tmp_path: Path) -> Iterator[House]:
    """A server for each test: they change it."""
    with running(certs, tmp_path) as one:
        yield one


def keep(house: House, **keys: int | Mapping[str, Mapping[str, int]]) -> None:
    """Have the server read this in its configuration, and do as it says."""
    assert isinstance(house.loaded, Loaded)
    retention = RetentionConfig(**keys)  # type: ignore[arg-type]
    house.loaded = replace(house.loaded, config=replace(house.loaded.config, retention=retention))
    house.hub.reloader.reload("a test")
    assert house.housekeeping.round_now(LIMIT)


def texts(home: Path, channel: str) -> list[str]:
    """What the store has of a channel, without what only makes it long."""
    with contextlib.closing(sqlite3.connect(home / "data" / "securechat.db")) as connection:
        rows = connection.execute("SELECT text FROM log WHERE kind = 1 AND target = ? ORDER BY stamp", (channel,))
        return [text.split()[0] for (text,) in rows]


def test_by_size(house: House, opened: Opener, tmp_path: Path) -> None:
    client = opened("alice", account="alice", join="#keep,#trim")
    said = [f"word{number}" for number in range(3000)]
    for channel in ("#keep", "#trim"):
        client.ask(*(f"PRIVMSG {channel} :{word} {LINE}" for word in said))
    keep(house)
    assert texts(tmp_path, "#trim") == said

    keep(house, channels={"#trim": {"megabytes": 1}})
    assert texts(tmp_path, "#keep") == said
    left = texts(tmp_path, "#trim")
    assert left == said[-len(left) :]
    assert 1900 < len(left) < 2300  # of 380 bytes, and some 80 for what else there is

    client.ask(f"PRIVMSG #trim :one more {LINE}")
    keep(house, megabytes=1)
    assert texts(tmp_path, "#trim")[-1] == "one"
    assert len(texts(tmp_path, "#keep")) < 2300

    searching = house.hub.searching
    assert searching is not None
    assert house.housekeeping.round_now(LIMIT)
    stored = len(texts(tmp_path, "#trim")) + len(texts(tmp_path, "#keep"))
    assert searching.index.messages() <= stored, "what has gone is not found any more"
