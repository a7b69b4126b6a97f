"""What was said, and what else happened, read out of the log page by page.

Each question has a connection of its own, which only reads, and is asked by whatever thread wants to know; the
journal's turn is not needed. A page costs what is on it, however long the log is: channel and stamp, or the two parties
and the stamp, are in an index each (`securechat.store.schema`), so SQLite begins where the page begins, and reading
stops where it is full. What comes from several indexes (what was said, what happened, what is seen in several
channels; what the one has said, and the other) is merged by stamp while it is read.

Nothing that is asked for in here knows who may read it: that is in the `Past`, which was made in the journal's turn.
"""

from __future__ import annotations

import contextlib
import heapq
import itertools
import sqlite3
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from securechat.chat.stamps import parse_msgid
from securechat.chat.views_history import ChannelPast, Past, Pasts, PrivatePast
from securechat.irc.names import casefold, split_source
from securechat.store.database import BUSY_SECONDS
from securechat.store.rows import COLUMNS, Kind

__all__ = ["LAST", "History", "Partner", "Record", "Shown", "took_too_long"]

LAST: Final = (1 << 63) - 1
"""The greatest stamp that there can be."""

SECONDS: Final = 2.0
"""After so long a question is given up: nobody is to find one that keeps the server busy."""

MOST_CHARACTERS: Final = 1 << 20
"""Of what was said, on one page: so much waits in memory for a client that asks and does not read."""

NAMESAKES: Final = 50
"""Of those who had one nick, one after the other, and have gone, so many are asked for together: the last ones."""

_STEPS: Final = 20_000
"""Instructions of SQLite between two looks at the clock."""


@dataclass(slots=True)
class Record:
    """A row of the log; ``account`` is the name that the account has now. See `securechat.store.rows.Kind`."""

    stamp: int
    kind: int
    channel_id: int | None
    account_id: int | None
    source: str
    target: str
    target_id: int | None
    text: str
    tags: str
    bot: bool
    redacted: int | None
    """The stamp of the row that took this message back."""
    account: str | None
    redaction: Record | None = None
    """That row, where it is to be shown behind the message."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What is wanted besides messages. ``events``: what else happened. ``redactions``: messages that were taken back,
    with who did that; they are left out otherwise. ``renames``: new names of the channel, among the events. ``tags``:
    messages without a text (TAGMSG)."""

    events: bool = False
    redactions: bool = False
    renames: bool = False
    tags: bool = False


MESSAGES: Final = Shown()


@dataclass(frozen=True, slots=True)
class Partner:
    """Somebody with whom private messages were exchanged: their `User.id`, and the stamp of the last one."""

    id: int
    last: int


class History:
    """The log in the database file at ``path``. All methods are for any thread, and raise ``sqlite3.Error``."""

    def __init__(self, path: Path) -> None:
        self._uri = f"{path.absolute().as_uri()}?mode=ro"

    def page(
        self, past: Past, first: int, last: int, most: int, shown: Shown = MESSAGES, *, newest: bool = False
    ) -> list[Record]:
        """The first ``most`` records from stamp ``first`` to ``last``, or the ``newest``; in order either way."""
        if most <= 0:
            return []
        with self._reading() as connection:
            return _page(connection, past, first, last, most, shown, newest=newest)

    def around(self, past: Past, middle: int, most: int, shown: Shown = MESSAGES) -> list[Record]:
        """At most ``most`` records around a stamp, half of them before it where there are so many."""
        if most <= 0:
            return []
        with self._reading() as connection:
            before = _page(connection, past, 0, middle - 1, most, shown, newest=True)
            after = _page(connection, past, middle, LAST, most, shown, newest=False)
        wanted = max(most // 2, most - len(after))
        before = before[max(len(before) - wanted, 0) :]
        return before + after[: most - len(before)]

    def ends(self, pasts: Pasts, shown: Shown = MESSAGES) -> tuple[dict[ChannelPast, int], list[Partner]]:
        """The stamps of the last messages in somebody's channels, where there are any; and all with whom they have
        exchanged messages."""
        speech = Shown(redactions=shown.redactions)
        with self._reading() as connection:
            pages = {past: _page(connection, past, 0, LAST, 1, speech, newest=True) for past in pasts.channels}
            partners = _partners(connection, pasts.party, pasts.last, shown)
        return {past: page[0].stamp for past, page in pages.items() if page}, partners

    def nicks(self, party: int, partners: Iterable[Partner]) -> list[str]:
        """The nicks that these had in their last messages with ``party``."""
        with self._reading() as connection:
            return [_nick(connection, party, partner) for partner in partners]

    def with_those_gone(self, past: PrivatePast) -> PrivatePast | None:
        """The past with the last of those who have gone, and had its name; ``None``: there was nobody."""
        with self._reading() as connection:
            return _with_namesakes(connection, past)

    def newest(self, past: Past, first: int, most: int, counted: int) -> tuple[int | None, int]:
        """Where the newest ``most`` messages since stamp ``first`` begin, ``None``: there are none; and how many there
        are before these, as far as ``counted``."""
        with self._reading() as connection:
            return _newest(connection, past, first, most, counted)

    def record(self, stamp: int) -> Record | None:
        """One row, and the one that took it back."""
        with self._reading() as connection:
            return _record(connection, stamp)

    @contextlib.contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        """A connection to what was committed by now, for a while."""
        connection = sqlite3.connect(self._uri, uri=True, isolation_level=None, timeout=BUSY_SECONDS)
        with contextlib.closing(connection):
            until = time.monotonic() + SECONDS
            connection.set_progress_handler(lambda: time.monotonic() > until, _STEPS)
            connection.execute("BEGIN")  # all that is asked of it is as it was at one moment
            yield connection


def took_too_long(error: sqlite3.Error) -> bool:
    """Whether that is all that was wrong."""
    return getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_INTERRUPT


# -- pages ------------------------------------------------------------------------------------------------------------

_SELECT: Final = f"SELECT {COLUMNS}, log.redacted, accounts.name FROM"
_NAMED: Final = "LEFT JOIN accounts ON accounts.id = log.account WHERE"

_SPEECH: Final = f"{_SELECT} log INDEXED BY log_speech {_NAMED} log.channel = :channel AND log.kind < 3"
_EVENTS: Final = (
    f"{_SELECT} log INDEXED BY log_events {_NAMED} log.channel = :channel AND log.kind > 2 AND log.kind < 32"
)
_SEVERAL: Final = (
    f"{_SELECT} log_channels CROSS JOIN log ON log.stamp = log_channels.stamp {_NAMED} log_channels.channel = :channel"
)
_PRIVATE: Final = (
    f"{_SELECT} log INDEXED BY log_sent {_NAMED} "
    "log.account = :account AND log.target_account = :target AND log.kind < 3"
)
_HEARD: Final = " AND (instr(:prefixes, substr(log.target, 1, 1)) OR log.account = :party)"
_KEPT: Final = " AND log.redacted IS NULL"
_NO_TAGS: Final = f" AND log.kind <> {Kind.TAGMSG:d}"
_NO_RENAMES: Final = f" AND log.kind <> {Kind.RENAME:d}"
_NO_REDACTIONS: Final = f" AND log.kind <> {Kind.REDACT:d}"

_Parameters = dict[str, int | str]


def _page(
    connection: sqlite3.Connection, past: Past, first: int, last: int, most: int, shown: Shown, *, newest: bool
) -> list[Record]:
    if isinstance(past, ChannelPast):
        first = max(first, past.since)
    last = min(last, past.last)
    if first > last:
        return []
    order = "DESC" if newest else "ASC"
    records = (
        _records(connection, f"{query} AND {stamp} BETWEEN :first AND :last ORDER BY {stamp} {order}", parameters)
        for query, stamp, parameters in _sources(past, shown, {"first": first, "last": last})
    )
    merged = heapq.merge(*records, key=lambda record: record.stamp, reverse=newest)
    page = _taken(merged, most)
    if newest:
        page.reverse()
    return _with_redactions(connection, page)


def _sources(past: Past, shown: Shown, bounds: _Parameters) -> Iterator[tuple[str, str, _Parameters]]:
    """The queries for what a page is made of, without their limits and order; each is answered in order by an index."""
    kept = ("" if shown.redactions else _KEPT) + ("" if shown.tags else _NO_TAGS)
    if isinstance(past, PrivatePast):
        pairs = {pair: None for other in past.others for pair in ((past.party, other), (other, past.party))}
        for account, target in pairs:
            yield _PRIVATE + kept, "log.stamp", {**bounds, "account": account, "target": target}
        return
    parameters = {**bounds, "channel": past.channel_id, "prefixes": past.prefixes, "party": past.party}
    yield _SPEECH + kept + _HEARD, "log.stamp", parameters
    if shown.events:
        without = ("" if shown.renames else _NO_RENAMES) + ("" if shown.redactions else _NO_REDACTIONS)
        yield _EVENTS + without + _HEARD, "log.stamp", parameters
        yield _SEVERAL, "log_channels.stamp", parameters


def _records(connection: sqlite3.Connection, query: str, parameters: _Parameters) -> Iterator[Record]:
    """Read one by one: as many as are asked for."""
    return (Record(*row) for row in connection.execute(query, parameters))


def _taken(records: Iterator[Record], most: int) -> list[Record]:
    """So many of them, or fewer where they are very long. Who took a message back is not counted where the message is
    there as well."""
    page: list[Record] = []
    there: set[int] = set()
    counted = characters = 0
    for record in records:
        original = taken_back(record)
        there.add(record.stamp)
        counted += record.redacted not in there and original not in there
        characters += len(record.text) + len(record.tags)
        if counted > most or (characters > MOST_CHARACTERS and page):
            break
        page.append(record)
        if len(page) >= 2 * most:
            break
    return page


def taken_back(record: Record) -> int | None:
    """Of a row that says that a message was taken back: the message's stamp."""
    return parse_msgid(record.text.partition(" ")[0]) if record.kind == Kind.REDACT else None


def _with_redactions(connection: sqlite3.Connection, page: list[Record]) -> list[Record]:
    """The page, with messages that were taken back and who did it together; of one of which nobody knows that any more
    there is nothing to show."""
    if all(record.redacted is None for record in page):
        return page
    known = {record.stamp: record for record in page}
    behind = {record.redacted for record in page}
    shown: list[Record] = []
    for record in page:
        if record.redacted is not None:
            record.redaction = known.get(record.redacted) or _record(connection, record.redacted)
            if record.redaction is None:
                continue
        if record.stamp not in behind:
            shown.append(record)
    return shown


def _newest(connection: sqlite3.Connection, past: Past, first: int, most: int, counted: int) -> tuple[int | None, int]:
    if isinstance(past, ChannelPast):
        first = max(first, past.since)
    bounds: _Parameters = {"first": first, "last": past.last, "most": most + counted}
    found = (
        connection.execute(
            f"SELECT stamp FROM ({query} AND {stamp} BETWEEN :first AND :last ORDER BY {stamp} DESC LIMIT :most)",  # noqa: S608
            parameters,
        )
        for query, stamp, parameters in _sources(past, MESSAGES, bounds)
    )
    stamps = [stamp for (stamp,) in itertools.islice(heapq.merge(*found, reverse=True), most + counted)]
    return (stamps[:most][-1] if stamps else None), max(len(stamps) - most, 0)


_RECORD: Final = f"{_SELECT} log {_NAMED} log.stamp = ?"


def _record(connection: sqlite3.Connection, stamp: int) -> Record | None:
    row = connection.execute(_RECORD, (stamp,)).fetchone()
    if row is None:
        return None
    record = Record(*row)
    if record.redacted is not None:
        record.redaction = _record(connection, record.redacted)
    return record


# -- partners ---------------------------------------------------------------------------------------------------------

_MET: Final = """
WITH RECURSIVE met(id) AS (
  SELECT min({theirs}) FROM log INDEXED BY {index} WHERE {mine} = :party AND {theirs} IS NOT NULL AND kind < 3
  UNION ALL
  SELECT (SELECT min({theirs}) FROM log INDEXED BY {index} WHERE {mine} = :party AND {theirs} > met.id AND kind < 3)
  FROM met WHERE met.id IS NOT NULL
)
SELECT id, last FROM (
  SELECT id, (
    SELECT max(stamp) FROM log INDEXED BY {index}
    WHERE {mine} = :party AND {theirs} = met.id AND kind < 3 AND stamp <= :last{kept}
  ) AS last FROM met WHERE id IS NOT NULL
) WHERE last IS NOT NULL
"""
"""From one partner to the next, and to the last message of each: a look into the index for either, and no more."""

_SENT: Final = {"mine": "account", "theirs": "target_account", "index": "log_sent"}
_RECEIVED: Final = {"mine": "target_account", "theirs": "account", "index": "log_received"}


def _partners(connection: sqlite3.Connection, party: int, last: int, shown: Shown) -> list[Partner]:
    kept = ("" if shown.redactions else _KEPT) + _NO_TAGS
    found: dict[int, int] = {}
    for side in (_SENT, _RECEIVED):
        query = _MET.format(**side, kept=kept)
        for id, stamp in connection.execute(query, {"party": party, "last": last}):
            found[id] = max(stamp, found.get(id, 0))
    return [Partner(id, stamp) for id, stamp in found.items()]


_IS_ACCOUNT: Final = "SELECT 1 FROM accounts WHERE id = ?"


def _nick(connection: sqlite3.Connection, party: int, partner: Partner) -> str:
    account, source, target = connection.execute(
        "SELECT account, source, target FROM log WHERE stamp = ?", (partner.last,)
    ).fetchone()
    return target if account == party else split_source(source)[0]


def _with_namesakes(connection: sqlite3.Connection, past: PrivatePast) -> PrivatePast | None:
    key = casefold(past.name)
    found: list[tuple[int, int, str]] = []
    for partner in _partners(connection, past.party, past.last, Shown(redactions=True)):
        nick = _nick(connection, past.party, partner)
        if casefold(nick) == key and not connection.execute(_IS_ACCOUNT, (partner.id,)).fetchone():
            found.append((partner.last, partner.id, nick))
    found.sort()
    if not found:
        return None
    return replace(past, name=found[-1][2], others=tuple(id for _, id, _ in found[-NAMESAKES:]))
