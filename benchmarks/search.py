"""How big the search index gets, what it costs to fill, and how long a search takes.

Messages are made up: words of Zipf's distribution, in twenty channels, by two hundred people, as rows that the index
would read from the log. Then it is searched as somebody does who is in half of the channels, with the page of 100
that they would be shown.

    python benchmarks/search.py
    python benchmarks/search.py --messages 10_000_000 --directory /srv      # a quarter of an hour, and 1.5 GB
"""

from __future__ import annotations

import argparse
import bisect
import itertools
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from securechat.chat.stamps import STEP_BITS
from securechat.store.search_find import Place, find
from securechat.store.search_index import CHUNK, Indexed, SearchIndex, channel_place, read_only
from securechat.store.search_text import parse_query

_WORDS = 50_000
_CHANNELS = 20
_PEOPLE = 200
_PAGE = 100
_RUNS = 5
_START = 1 << 58


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--messages", type=int, default=400_000, metavar="N", help="(default: %(default)s)")
    parser.add_argument("--directory", type=Path, help="where the index is made")
    return parser


class _Log:
    """Rows without end, the same in each run."""

    def __init__(self, messages: int) -> None:
        chance = random.Random(5)
        letters = "abcdefghijklmnopqrstuvwxyz"
        self.words = ["".join(chance.choices(letters, k=chance.randint(2, 9))) for _ in range(_WORDS)]
        totals = list(itertools.accumulate(1 / (rank + 3) for rank in range(_WORDS)))
        self._chance = chance
        self._texts = [
            " ".join(
                self.words[bisect.bisect(totals, chance.random() * totals[-1])] for _ in range(chance.randint(1, 17))
            )
            for _ in range(100_000)
        ]
        self.size = statistics.fmean(map(len, self._texts))
        self.channels = [_START + chance.getrandbits(50) for _ in range(_CHANNELS)]
        self._left = messages
        self._stamp = _START
        self.some: Indexed | None = None

    def read(self, after: int, most: int) -> Sequence[Indexed]:
        """What the index asks for; it is made here, and that is not measured."""
        del after
        chance, rows = self._chance, []
        for _ in range(min(most, self._left)):
            self._stamp += chance.randint(1, 2000 << STEP_BITS)
            # Two halves, so that no text comes twice as it is.
            first, second = chance.choice(self._texts), chance.choice(self._texts)
            text = f"{first[: len(first) // 2]} {second[len(second) // 2 :]}"
            nick = f"nick{chance.randrange(_PEOPLE)}"
            rows.append(Indexed(self._stamp, text, chance.choice(self.channels), f"{nick}!{nick}@user/{nick}", 1, None))
        self._left -= len(rows)
        if rows and self.some is None:
            self.some = rows[0]
        return rows


def _fill(index: SearchIndex, log: _Log) -> tuple[float, float]:
    """Seconds of CPU and of the clock, without the making of the messages."""
    made_cpu = made = 0.0

    def read(after: int, most: int) -> Sequence[Indexed]:
        nonlocal made_cpu, made
        cpu, clock = time.process_time(), time.perf_counter()
        rows = log.read(after, most)
        made_cpu += time.process_time() - cpu
        made += time.perf_counter() - clock
        return rows

    cpu, clock = time.process_time(), time.perf_counter()
    while index.catch_up(read, CHUNK):
        pass
    return time.process_time() - cpu - made_cpu, time.perf_counter() - clock - made


def _ask(index: SearchIndex, places: list[Place] | None, text: str | None, nick: str | None) -> tuple[int, float]:
    """How many of a page there are, and the median of the milliseconds that it takes."""
    query = parse_query(text) if text is not None else None
    times = []
    for _ in range(_RUNS):
        start = time.perf_counter()
        with closing(find(index.path, query, places, nick=nick, seconds=600)) as found:
            number = len(list(itertools.islice(found, _PAGE)))
        times.append((time.perf_counter() - start) * 1000)
    return number, statistics.median(times)


def _measure(directory: Path, messages: int) -> None:
    index = SearchIndex(directory / "search.db")
    log = _Log(messages)
    cpu, clock = _fill(index, log)
    index.clean()  # the WAL is in the file now
    size = index.path.stat().st_size
    with closing(read_only(index.path)) as connection:
        (parts,) = connection.execute("SELECT count(*) FROM parts").fetchone()
    print(f"{messages:,} messages of {log.size:.0f} bytes in {parts} parts: {size / 1e6:,.0f} MB")
    print(f"  a million messages: {size / messages:,.0f} MB")
    print(f"  a message: {cpu / messages * 1e6:.1f} us of CPU, {clock / messages * 1e6:.1f} us of time")
    half = [Place(channel_place(id)) for id in log.channels[: _CHANNELS // 2]]
    one = half[:1]
    common, often, rare = f'"{log.words[0]}"', f'"{log.words[300]}"', f'"{log.words[-1]}"'
    print(f"{'a page of ' + str(_PAGE):<44}found       ms")
    for what, places, text, nick in (
        ("the most common word", half, common, None),
        ("a common word, in one channel", one, often, None),
        ("two common words", half, f'{common} "{log.words[3]}"', None),
        ("a phrase of them", half, f'"{log.words[0]} {log.words[3]}"', None),
        ("a rare word", half, rare, None),
        ("a word that nobody has said", half, '"unheardofword"', None),
        ("words that begin with a letter", half, f"{log.words[0][0]}*", None),
        ("words that begin with three", half, f"{log.words[-1][:3]}*", None),
        ("what somebody has said in a channel", one, None, "nick7"),
        ("everything, in one channel", one, None, None),
        ("a rare word, everywhere (the operator)", None, rare, None),
    ):
        number, milliseconds = _ask(index, places, text, nick)
        print(f"{what:<44}{number:>5}{milliseconds:>9.1f}")
    assert log.some is not None
    start = time.perf_counter()
    index.erase([log.some])
    print(f"taking one message out of all files: {(time.perf_counter() - start) * 1000:.0f} ms")
    index.close()


def main() -> int:
    """Measure, and print."""
    options = _parser().parse_args()
    with tempfile.TemporaryDirectory(dir=options.directory) as directory:
        _measure(Path(directory), options.messages)
    return 0


if __name__ == "__main__":
    sys.exit(main())
