"""A store that is kept as a policy says, on days that tests make up."""

import sqlite3
from itertools import count
from pathlib import Path
from typing import Any

from securechat.chat.requests import (
    Arrive,
)
from securechat.chat.stamps import EPOCH_MS
from securechat.store.retention import Retention
from securechat.store.retention_policy import DAY_MS, Policy
from securechat.store.rows import Kind
from securechat.store.search_index import Indexed
from tests.store.disk import Disk
from tests.store.shop import Shop

FIRST_DAY = 2000
"""The day, since 2020, on which everything here begins."""


def at(day: float) -> int:
    """In milliseconds since 1970."""
    return EPOCH_MS + int((FIRST_DAY + day) * DAY_MS)


class Keeper(Shop):
    """A shop whose clock is set by the tests, and what keeps it as its policy says.

    ``forgotten``: what the search index was told to forget. ``policy`` may be changed.
    """

    def __init__(self, path: Path, policy: Policy, disk: Disk | None = None) -> None:
        super().__init__(path, disk)
        self.day = 0.0
        self.stamps._now_ns = lambda: at(self.day) * 1_000_000
        self.policy = policy
        self.forgotten: list[Indexed] = []
        self.reader = sqlite3.connect(path, isolation_level=None)
        self.retention = Retention(
            path,
            self.database,
            self.journal,
            lambda: self.policy,
            self.forgotten.extend,
            lambda: at(self.day) * 1_000_000,
        )

    def __exit__(self, *error: Any) -> None:
        self.reader.close()
        super().__exit__(*error)

    def keep(self) -> int:
        """Until there is nothing more to do. In how many steps."""
        return next(number for number in count(1) if not self.retention.step())

    def guest(self, session: int, nick: str) -> Arrive:
        return Arrive(session, nick, "~g", "host", "a guest")

    def check_tables(self) -> None:
        """No table says anything of rows that are gone."""
        for table in ("log_channels", "held", "client_ids", "erased"):
            stray = f"SELECT count(*) FROM {table} WHERE stamp NOT IN (SELECT stamp FROM log)"  # noqa: S608 - ours
            assert self.reader.execute(stray).fetchone() == (0,)

    def texts(self) -> list[str]:
        return [text for (text,) in self.reader.execute("SELECT text FROM log WHERE kind < 3 ORDER BY stamp")]

    def kinds(self) -> list[Kind]:
        return [Kind(kind) for (kind,) in self.reader.execute("SELECT kind FROM log ORDER BY stamp")]

    def rows(self, table: str) -> list[tuple[Any, ...]]:
        return sorted(self.reader.execute(f"SELECT * FROM {table}").fetchall())  # noqa: S608 - ours
