"""How many messages a second the store takes, when so many are queued that a commit carries many of them.

The journal of a server without a network gets messages as fast as it takes them; each is applied, committed with
``fsync`` (``--durability full``) and handed to a delivery that has nobody to deliver to. What a commit costs alone is
printed too: it is what a single message waits for.

    python benchmarks/store.py
    python benchmarks/store.py --directory /srv --messages 200000 --ids
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from securechat.chat.machine import Applied, Chat
from securechat.chat.model import Account, Rules
from securechat.chat.requests import AddAccount, Arrive, Join, Say, Start
from securechat.store.clock import Stamps
from securechat.store.database import Database, Durability
from securechat.store.journal import Entry, Journal, Waiting

_SENDERS = 50
_TEXT = "a message of some forty bytes, as people write"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--messages", type=int, default=50_000, metavar="N", help="for each run (default: %(default)s)")
    parser.add_argument("--queued", type=int, default=1000, metavar="N", help="at a time (default: %(default)s)")
    parser.add_argument("--runs", type=int, default=5, metavar="R", help="(default: %(default)s)")
    parser.add_argument("--durability", choices=("full", "normal"), default="full")
    parser.add_argument("--ids", action="store_true", help="each message has an id, by which it would be known again")
    parser.add_argument("--directory", type=Path, help="where the store is made, on the disk that is to be measured")
    return parser


class _Store:
    """A journal over a store in a directory, and accounts in one channel."""

    def __init__(self, path: Path, durability: Durability) -> None:
        self.database = Database(path, durability)
        chat, last = self.database.load()
        self.journal = Journal(chat, self.database, Stamps(last), lambda _: None, _fail)
        self.journal.ask([Start(Rules())])
        for number in range(1, _SENDERS + 1):
            ((added,), _) = self.journal.ask([AddAccount(f"m{number}", "no password has this hash")])
            assert isinstance(added, Applied)
            account = _account(chat, f"m{number}")
            self.journal.ask([Arrive(number, account.name, "u", "h", "r", account.id, account.credential_set)])
            self.journal.ask([Join(number, "#bench")])
        self._said = 0

    def say(self, count: int, *, ids: bool) -> float:
        """So many messages, queued together; the seconds until all are committed."""
        waiting = Waiting()
        entries = [Entry(waiting, (self._message(ids=ids),)) for _ in range(count)]
        begun = time.perf_counter()
        for entry in entries:
            self.journal.put(entry)
        while not entries[-1].outcomes:
            self.journal.run()
        seconds = time.perf_counter() - begun
        assert all(isinstance(entry.outcomes[0], Applied) for entry in entries)
        return seconds

    def _message(self, *, ids: bool) -> Say:
        self._said += 1
        session = self._said % _SENDERS + 1
        return Say(session, "PRIVMSG", "#bench", _TEXT, client_id=f"{self._said:022}" if ids else "")


def _account(chat: Chat, name: str) -> Account:
    account = chat.account_named(name)
    assert account is not None
    return account


def _fail(what: str, error: BaseException) -> None:
    raise RuntimeError(what) from error


def main(words: Sequence[str] | None = None) -> int:
    """Measure, print, and return the exit status."""
    arguments = _parser().parse_args(words)
    with tempfile.TemporaryDirectory(prefix="store-", dir=arguments.directory) as name:
        store = _Store(Path(name) / "securechat.db", arguments.durability)
        singles = statistics.median(store.say(1, ids=arguments.ids) for _ in range(200))
        rates, cpu = [], []
        for _ in range(arguments.runs):
            before = time.process_time()
            seconds = sum(
                store.say(arguments.queued, ids=arguments.ids) for _ in range(arguments.messages // arguments.queued)
            )
            said = arguments.messages // arguments.queued * arguments.queued
            rates.append(said / seconds)
            cpu.append((time.process_time() - before) / said * 1e6)
        store.database.close()
    print(f"durability {arguments.durability}, {arguments.queued} queued at a time, {arguments.runs} runs, medians")
    print(f"messages a second  {statistics.median(rates):10,.0f}   (least {min(rates):,.0f})")
    print(f"CPU us a message   {statistics.median(cpu):10.1f}")
    print(f"one alone, ms      {singles * 1e3:10.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
