"""A log that is written row by row, and what a page of it has to be, worked out without indexes."""

import contextlib
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from securechat.chat.stamps import msgid
from securechat.chat.views_history import ChannelPast, Past, PrivatePast
from securechat.store.database import Database
from securechat.store.history import LAST, History, Record, Shown
from securechat.store.rows import INSERT_LOG, Kind

ME, ANN, BOB, GUEST = 10, 11, 12, 500
"""Ids; the last of somebody without an account."""
NAMES = {ME: "me", ANN: "ann", BOB: "bob", GUEST: "guest"}
TEA, RARE = 3, 4
CHANNELS = {TEA: "#tea", RARE: "#rare"}

EVENTS = Shown(events=True, redactions=True, renames=True)
PLAIN = Shown()


def tea(*, since: int = 0, last: int = LAST, prefixes: str = "#", channel: int = TEA) -> ChannelPast:
    """What the reader may see of a channel."""
    return ChannelPast(CHANNELS[channel], ME, last, channel, since, prefixes)


def with_(*others: int, last: int = LAST) -> PrivatePast:
    return PrivatePast("ann", ME, last, others)


def gone(name: str, last: int = LAST) -> PrivatePast:
    """What there is with those who had a nick, and are not here."""
    return PrivatePast(name, ME, last)


@dataclass
class Log:
    """``records``: all rows, in order; ``several``: by stamp, in which channels those are seen that have none."""

    path: Path
    records: list[Record] = field(default_factory=list)
    several: dict[int, tuple[int, ...]] = field(default_factory=dict)

    def add(
        self,
        stamp: int,
        kind: Kind = Kind.PRIVMSG,
        channel: int | None = TEA,
        who: int | None = ANN,
        *,
        to: int | None = None,
        prefix: str = "",
        text: str = "",
        nick: str | None = None,
        seen_in: tuple[int, ...] = (),
    ) -> None:
        """``nick``: of whoever it is that is not the reader, where they have another one."""
        mine = who == ME
        name = NAMES.get(who, "somebody") if who is not None else "somebody"
        source = f"{nick if nick and not mine else name}!u@h"
        target = prefix + CHANNELS[channel] if channel is not None else ""
        if to is not None:
            channel, target = None, nick if nick and mine else NAMES.get(to, "somebody")
        if seen_in:
            channel, self.several[stamp] = None, seen_in
        account = NAMES[who] if who in (ME, ANN, BOB) else None
        self.records.append(
            Record(stamp, kind, channel, who, source, target, to, text or f"text {stamp}", "", False, None, account)
        )

    def take_back(self, stamp: int, original: int, who: int = ANN) -> None:
        record = next(record for record in self.records if record.stamp == original)
        prefix = record.target[: record.target.find("#")] if "#" in record.target else ""
        self.add(
            stamp,
            Kind.REDACT,
            record.channel_id,
            who,
            to=record.target_id,
            prefix=prefix,
            text=f"{msgid(original)} why",
        )
        record.redacted, record.text = stamp, ""

    def save(self) -> History:
        Database(self.path, "normal").close()
        with contextlib.closing(sqlite3.connect(self.path)) as connection, connection:
            for id in (ME, ANN, BOB):
                connection.execute(
                    "INSERT INTO accounts VALUES (?, ?, ?, 'member', 1, 0, '', 0, '')", (id, NAMES[id], NAMES[id])
                )
            for r in self.records:
                row = (
                    r.stamp,
                    r.kind,
                    r.channel_id,
                    r.account_id,
                    r.source,
                    r.target,
                    r.target_id,
                    r.text,
                    r.tags,
                    r.bot,
                )
                connection.execute(INSERT_LOG, row)
                connection.execute("UPDATE log SET redacted = ? WHERE stamp = ?", (r.redacted, r.stamp))
                for channel in self.several.get(r.stamp, ()):
                    connection.execute("INSERT INTO log_channels VALUES (?, ?)", (channel, r.stamp))
        return History(self.path)

    def expected(self, past: Past, first: int, last: int, most: int, shown: Shown, *, newest: bool) -> list[Record]:
        """The page, by looking at every row."""
        found = [r for r in self.records if first <= r.stamp <= min(last, past.last) and self._is_in(r, past, shown)]
        page: list[Record] = []
        counted = 0
        for record in reversed(found) if newest else found:
            stamps = {other.stamp for other in page}
            originals = {other.redacted for other in page}
            counted += record.redacted not in stamps and record.stamp not in originals
            if counted > most:
                break
            page.append(record)
        behind = {record.redacted for record in page}
        return sorted((r for r in page if r.stamp not in behind), key=lambda record: record.stamp)

    def _is_in(self, record: Record, past: Past, shown: Shown) -> bool:
        if record.redacted is not None and not shown.redactions:
            return False
        speech = record.kind in (Kind.PRIVMSG, Kind.NOTICE)
        if isinstance(past, PrivatePast):
            parties = (record.account_id, record.target_id)
            return speech and any(parties in ((ME, other), (other, ME)) for other in past.others)
        if record.stamp < past.since:
            return False
        if not speech and (
            not shown.events
            or record.kind >= 32
            or (record.kind == Kind.RENAME and not shown.renames)
            or (record.kind == Kind.REDACT and not shown.redactions)
        ):
            return False
        if record.stamp in self.several:
            return past.channel_id in self.several[record.stamp]
        return record.channel_id == past.channel_id and (
            record.target[0] in past.prefixes or record.account_id == past.party
        )


class Watched(History):
    """Keeps the statements that it has asked, and counts what SQLite does for them."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.statements: list[str] = []
        self.steps = 0

    @contextlib.contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        def count() -> None:
            self.steps += 1

        with super()._reading() as connection:
            connection.set_trace_callback(self.statements.append)
            connection.set_progress_handler(count, 1)
            yield connection
            connection.set_trace_callback(None)

    def plans(self) -> list[str]:
        """How SQLite goes about it, a line for each step."""
        with super()._reading() as connection:
            return [
                detail
                for statement in self.statements
                for *_, detail in connection.execute(f"EXPLAIN QUERY PLAN {statement}")
            ]
