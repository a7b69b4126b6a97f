"""What a page of history costs in a long log, and how long a server takes to start with it.

    python benchmarks/history.py                          # a million messages
    python benchmarks/history.py --messages 10000000      # what the goals are about: some minutes, 3 GB
    python benchmarks/history.py --keep DIRECTORY         # build there, or use what an earlier run has built

The log is made anew, with the same seed each time, in a temporary directory: half of it in one busy channel, a quarter
in a hundred others, an occasional message in a rare one, a tenth events (joins, parts, modes, quits), the rest private.
The messages of the last day have ids from their clients, which a start reads.
Then pages of 100 are read as CHATHISTORY reads them, each on a connection of its own, at random places: `shallow` is
among the newest thousand messages, `deep` anywhere. Printed are medians, and the slowest, in milliseconds; `lines` is
what it takes to render the page for a client with all capabilities.
"""

from __future__ import annotations

import argparse
import random
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from statistics import median
from types import SimpleNamespace
from typing import Any

from securechat.chat.client_ids import LIFETIME
from securechat.chat.model import Role
from securechat.chat.stamps import STEP_BITS
from securechat.chat.views_history import ChannelPast, Past, Pasts, PrivatePast
from securechat.server.history_lines import render_row
from securechat.server.lines import flavour_of
from securechat.store.database import Database
from securechat.store.history import LAST, History, Record, Shown
from securechat.store.rows import INSERT_LOG, Kind, Row

PAGE = 100
GOAL_MS = 5.0
START_GOAL_S = 2.0

ACCOUNTS = 1_000
CHANNELS = 100
PARTNERS = 300
FIRST = 1_000 << STEP_BITS
STEP = 100 << STEP_BITS
"""Ten messages a second."""

BUSY, RARE, MIDDLING = 1, 2, 10
RARELY = 20_000
"""Every so many messages one is in the rare channel."""

WORDS = [
    "the",
    "server",
    "keeps",
    "every",
    "message",
    "that",
    "it",
    "has",
    "acknowledged",
    "and",
    "shows",
    "them",
    "again",
]
ALL = frozenset(("message-tags", "server-time", "account-tag", "batch", "draft/multiline", "draft/message-redaction"))
EVERYTHING = Shown(events=True, redactions=True, renames=True)


def account_id(number: int) -> int:
    return 1_000 + number


def rows(messages: int) -> Iterator[tuple[Row, list[int]]]:
    """Rows of the log, each with the channels in which it is seen where these are several."""
    chance = random.Random(1)
    for number in range(messages):
        stamp = FIRST + number * STEP + chance.randrange(1 << STEP_BITS)
        text = " ".join(chance.choices(WORDS, k=chance.randrange(3, 16)))
        who, draw = account_id(chance.randrange(ACCOUNTS)), chance.random()
        kind, several = Kind.PRIVMSG, []
        channel: int | None = BUSY
        other: int | None = None
        if number % RARELY == 0:
            channel = RARE
        elif draw < 0.25:
            channel = MIDDLING + chance.randrange(CHANNELS)
        elif draw < 0.35:
            kind = chance.choice((Kind.JOIN, Kind.PART, Kind.MODE, Kind.QUIT))
            channel = chance.choice((BUSY, MIDDLING))
            if kind is Kind.MODE:
                text = "+v someone"
            elif kind is Kind.QUIT:
                channel, several = None, [BUSY, MIDDLING + chance.randrange(CHANNELS)]
        elif draw < 0.45:
            channel, other = None, account_id(chance.randrange(ACCOUNTS))
        elif draw < 0.5:  # of the one whose conversations are measured
            pair = [account_id(0), account_id(1 + chance.randrange(PARTNERS))]
            chance.shuffle(pair)
            channel, (who, other) = None, pair
        target = f"user{other}" if other is not None else f"#channel{channel}"
        yield (
            (stamp, int(kind), channel, who, f"user{who}!user@user/user{who}", target, other, text, "", False),
            several,
        )


def build(path: Path, messages: int) -> None:
    """A database with so many messages. The indexes are made at the end, which is quicker."""
    Database(path).close()
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA synchronous = OFF")
    indexes = connection.execute(
        "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql LIKE '%log%'"
    ).fetchall()
    for name, _ in indexes:
        connection.execute(f"DROP INDEX {name}")
    connection.execute("BEGIN")
    connection.executemany(
        "INSERT INTO accounts VALUES (?, ?, ?, ?, 1, ?, '', 0, '')",
        ((id, f"user{id}", f"user{id}", Role.MEMBER.value, id) for id in map(account_id, range(ACCOUNTS))),
    )
    connection.executemany(
        "INSERT INTO channels (id, name, key, founder, open_since) VALUES (?, ?, ?, 0, 0)",
        ((id, f"#channel{id}", f"#channel{id}") for id in (BUSY, RARE, *range(MIDDLING, MIDDLING + CHANNELS))),
    )
    made = rows(messages)
    while some := list(islice(made, 50_000)):
        connection.executemany(INSERT_LOG, (row for row, _ in some))
        connection.executemany(
            "INSERT INTO log_channels VALUES (?, ?)", ((id, row[0]) for row, several in some for id in several)
        )
    for _, sql in indexes:
        connection.execute(sql)
    connection.execute(  # the messages of the last day are known by the ids that clients gave them
        "INSERT INTO client_ids SELECT stamp, account, printf('%032x', stamp) FROM log WHERE kind < 3 AND stamp > ?",
        (FIRST + messages * STEP - LIFETIME,),
    )
    connection.execute("COMMIT")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()


def pasts() -> dict[str, Past]:
    me = account_id(0)
    return {
        "busy": ChannelPast("#channel1", me, LAST, BUSY, 0, "#@%+"),
        "rare": ChannelPast("#channel2", me, LAST, RARE, 0, "#"),
        "private": PrivatePast("user1001", me, LAST, (account_id(1),)),
    }


Reading = Callable[[History, Past, int, int, Shown], list[Record]]

READINGS: dict[str, Reading] = {
    "LATEST": lambda history, past, _, __, shown: history.page(past, 0, LAST, PAGE, shown, newest=True),
    "BEFORE": lambda history, past, at, _, shown: history.page(past, 0, at, PAGE, shown, newest=True),
    "AFTER": lambda history, past, at, _, shown: history.page(past, at, LAST, PAGE, shown),
    "AROUND": lambda history, past, at, _, shown: history.around(past, at, PAGE, shown),
    "BETWEEN": lambda history, past, at, to, shown: history.page(past, at, to, PAGE, shown),
}


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """How many milliseconds it takes, and what it gives."""
    begin = time.perf_counter()
    found = work()
    return (time.perf_counter() - begin) * 1000, found


def measure(history: History, messages: int, times: int) -> float:
    """Print the table. Gives the slowest median of a page."""
    chance = random.Random(2)
    session: Any = SimpleNamespace(flavour=flavour_of(ALL))
    end = FIRST + messages * STEP
    slowest = 0.0
    print(f"{'':9}{'where':9}{'':9}{'events':8}{'records':>8}{'median':>9}{'slowest':>9}{'lines':>9}")
    for name, past in pasts().items():
        for shown in (Shown(redactions=True), EVERYTHING):
            for subcommand, reading in READINGS.items():
                for depth in ("shallow", "deep") if subcommand != "LATEST" else ("",):
                    reads, renders, records = [], [], 0
                    for _ in range(times):
                        back = chance.randrange(1000 if depth == "shallow" else messages)
                        at = end - back * STEP
                        took, page = timed(lambda: reading(history, past, at, at + 5000 * STEP, shown))  # noqa: B023
                        reads.append(took)
                        took, _ = timed(lambda: [render_row(session, record, past.name) for record in page])  # noqa: B023
                        renders.append(took)
                        records = max(records, len(page))
                    slowest = max(slowest, median(reads))
                    print(
                        f"{subcommand:9}{name:9}{depth:9}{'yes' if shown.events else 'no':8}{records:8}"
                        f"{median(reads):9.2f}{max(reads):9.2f}{median(renders):9.2f}"
                    )
    everything = Pasts(account_id(0), LAST, tuple(past for past in pasts().values() if isinstance(past, ChannelPast)))
    reads = [timed(lambda: history.ends(everything))[0] for _ in range(times)]
    print(f"{'TARGETS':9}{f'{PARTNERS} people and 2 channels':34}{median(reads):9.2f}{max(reads):9.2f}")
    return slowest


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--messages", type=int, default=1_000_000, help="in the log (1,000,000)")
    parser.add_argument("--times", type=int, default=30, help="that each page is read (30)")
    parser.add_argument("--keep", type=Path, help="a directory in which the log stays")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        path = (options.keep or Path(temporary)) / f"history-{options.messages}.db"
        if not path.exists():
            took, _ = timed(lambda: build(path, options.messages))
            print(f"built in {took / 1000:.0f} s")
        print(f"{options.messages:,} messages, {path.stat().st_size / (1 << 20):,.0f} MiB")
        took, database = timed(lambda: Database(path))
        load, _ = timed(database.load)
        database.close()
        start = (took + load) / 1000
        print(f"start: opened and loaded in {start:.2f} s (goal: {START_GOAL_S:g} s)\n")
        slowest = measure(History(path), options.messages, options.times)
    print(f"\nslowest median of a page: {slowest:.2f} ms (goal: {GOAL_MS:g} ms)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
