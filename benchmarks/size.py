"""How big the files of a store get: for a million messages, and for a million of what else comes into the log.

Rows are written as the server writes them, of made-up people in twenty channels. Texts are words of Zipf's
distribution; what a message takes besides its text is mostly the name of its sender, ``nick!user@host``. The search
index is filled, too, and what a backup and a look through the store take is timed.

    python benchmarks/size.py
    python benchmarks/size.py --messages 1_000_000 --directory /srv
"""

from __future__ import annotations

import argparse
import bisect
import itertools
import random
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

from securechat.chat.events import Event, Left, Said
from securechat.chat.stamps import stamp_at
from securechat.store.backup import back_up
from securechat.store.check import check
from securechat.store.database import Database
from securechat.store.datadir import DataDir
from securechat.store.search_index import CHUNK, SearchIndex, read_log, read_only

_START_MS = 1_793_534_400_000
_BATCH = 500
_CHANNELS = 20
_PEOPLE = 200
_WORDS = 50_000

Make = Callable[[random.Random, int, str], Event]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "--messages", type=int, default=200_000, metavar="N", help="of each kind (default: %(default)s)"
    )
    parser.add_argument("--directory", type=Path, help="where the stores are made")
    return parser


class _Texts:
    """Texts of so many bytes on average, the same in each run."""

    def __init__(self, size: int) -> None:
        chance = random.Random(5)
        letters = "abcdefghijklmnopqrstuvwxyz"
        self._words = ["".join(chance.choices(letters, k=chance.randint(2, 10))) for _ in range(_WORDS)]
        self._weights = list(itertools.accumulate(1 / rank for rank in range(1, _WORDS + 1)))
        self._chance = chance
        self._size = size

    def next(self) -> str:
        size = self._chance.randint(self._size // 2, self._size * 3 // 2)
        words: list[str] = []
        while size > 0:
            place = bisect.bisect(self._weights, self._chance.random() * self._weights[-1])
            words.append(self._words[min(place, _WORDS - 1)])
            size -= len(words[-1]) + 1
        return " ".join(words)


def _source(person: int) -> str:
    return f"person{person:03}!~person{person:03}@users.securechat"


def _channel(chance: random.Random, stamp: int, text: str) -> Event:
    person, channel = chance.randrange(_PEOPLE), chance.randrange(_CHANNELS)
    name = f"person{person:03}"
    return Said(
        *(stamp, "PRIVMSG", _source(person), name, _id(person), f"#channel{channel:02}", text, "", (), 0),
        channel_id=_id(1000 + channel),
    )


def _with_id(chance: random.Random, stamp: int, text: str) -> Event:
    said = _channel(chance, stamp, text)
    assert isinstance(said, Said)
    said.client_id = f"{chance.getrandbits(96):024x}"
    return said


def _private(chance: random.Random, stamp: int, text: str) -> Event:
    person, other = chance.randrange(_PEOPLE), chance.randrange(_PEOPLE)
    return Said(
        *(stamp, "PRIVMSG", _source(person), f"person{person:03}", _id(person), f"person{other:03}", text, "", (), 0),
        target_id=_id(other),
    )


def _left(chance: random.Random, stamp: int, _: str) -> Event:
    """Somebody who was in three channels."""
    person = chance.randrange(_PEOPLE)
    places = chance.sample(range(_CHANNELS), 3)
    return Left(
        stamp=stamp,
        source=_source(person),
        account=f"person{person:03}",
        account_id=_id(person),
        channels=tuple(f"#channel{place:02}" for place in places),
        channel_ids=tuple(_id(1000 + place) for place in places),
        reason="Quit: good night",
        audience=(),
    )


def _id(number: int) -> int:
    """An id is a stamp."""
    return stamp_at(_START_MS - 1_000_000 + number)


_KINDS: Sequence[tuple[str, int, Make]] = (
    ("to channels, texts of 25 bytes", 25, _channel),
    ("to channels, texts of 60 bytes", 60, _channel),
    ("to channels, texts of 200 bytes", 200, _channel),
    ("to channels, 60 bytes, with ids of clients", 60, _with_id),
    ("private, texts of 60 bytes", 60, _private),
    ("who quits, seen in three channels", 25, _left),
)


def _fill(data: DataDir, messages: int, size: int, make: Make) -> None:
    texts, chance = _Texts(size), random.Random(7)
    with closing(Database(data.database, "normal")) as database:
        stamp, ms = 0, _START_MS
        for first in range(0, messages, _BATCH):
            events = []
            for _ in range(min(_BATCH, messages - first)):
                ms += chance.randrange(2000)
                stamp = max(stamp + 70, stamp_at(ms) + chance.getrandbits(12))
                events.append(make(chance, stamp, texts.next()))
            database.write(events)


def _index(data: DataDir) -> float:
    start = time.perf_counter()
    with closing(read_only(data.database)) as log, closing(SearchIndex(data.search)) as index:
        while index.catch_up(lambda after, most: read_log(log, after, most), CHUNK):
            pass
        index.clean()
    return time.perf_counter() - start


def _measure(directory: Path, messages: int, size: int, make: Make) -> str:
    data = DataDir(directory)
    with data.lock():
        _fill(data, messages, size, make)
        _index(data)
    database, search = (path.stat().st_size / messages for path in (data.database, data.search))
    start = time.perf_counter()
    back_up(data.database, directory / "backup.db")
    copied = time.perf_counter()
    wrong = [sentence for found in check(data) for sentence in found.wrong if "not there" not in sentence]
    assert not wrong, wrong
    checked = time.perf_counter()
    million = 1_000_000 / messages
    return (
        f"{database:7.0f} MB {search:7.0f} MB {(copied - start) * million:7.1f} s {(checked - copied) * million:7.1f} s"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table."""
    options = _parser().parse_args(arguments)
    print(f"{'for a million':44}  database     search    backup     check")
    for name, size, make in _KINDS:
        with tempfile.TemporaryDirectory(dir=options.directory) as directory:
            print(f"{name:44}", _measure(Path(directory) / "data", options.messages, size, make), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
