"""Exactly what a policy says is left, of any rows."""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from securechat.chat.stamps import stamp_at
from securechat.store.retention_policy import Keep, Policy
from securechat.store.rows import Kind
from tests.store.keeper import Keeper, at


@dataclass(frozen=True)
class Row:
    kind: Kind
    age: int
    channel: int | None = None
    several: frozenset[int] = frozenset()
    """The channels in which it is seen, if it can be seen in more than one."""


CHANNELS = {1: "#one", 2: "#two", 3: "#three"}
SEEN = (Kind.PRIVMSG, Kind.NOTICE, Kind.JOIN, Kind.MODE, Kind.REDACT)
AGE = st.integers(0, 9)
ROW = st.one_of(
    st.builds(Row, st.sampled_from(SEEN), AGE, st.integers(1, 4)),
    st.builds(
        Row,
        st.sampled_from([Kind.QUIT, Kind.NICK, Kind.JOIN]),
        AGE,
        st.none(),
        st.frozensets(st.integers(1, 4)),
    ),
    st.builds(Row, st.sampled_from([Kind.PRIVMSG, Kind.REDACT, Kind.STARTED, Kind.BANNED]), AGE),
)
DAYS = st.integers(0, 9)
POLICY = st.builds(
    lambda default, private, channels: Policy(
        Keep(default), private, {CHANNELS[id]: Keep(days) for id, days in channels.items()}
    ),
    DAYS,
    DAYS,
    st.dictionaries(st.sampled_from(sorted(CHANNELS)), DAYS),
)


def write(connection: sqlite3.Connection, rows: Sequence[Row]) -> dict[int, Row]:
    """By their stamps."""
    written = {}
    for number, row in enumerate(sorted(rows, key=lambda row: -row.age)):
        stamp = stamp_at(at(10 - row.age)) + number
        person = 99 if row.kind in (Kind.PRIVMSG, Kind.REDACT) and row.channel is None else None
        connection.execute(
            "INSERT INTO log VALUES (?, ?, ?, 9, 'a!b@c', ?, ?, 'hello', '', 0, NULL)",
            (stamp, row.kind, row.channel, f"#{row.channel}", person),
        )
        connection.executemany("INSERT INTO log_channels VALUES (?, ?)", [(id, stamp) for id in row.several])
        written[stamp] = row
    return written


def kept(policy: Policy, rows: dict[int, Row]) -> dict[int, Row]:
    """What is to be left of these."""
    newest, left = max(rows, default=0), {}
    for stamp, row in rows.items():

        def stays(days: int, stamp: int = stamp, row: Row = row) -> bool:
            return stamp == newest or not days or row.age < days

        several = frozenset(id for id in row.several if stays(policy.of(CHANNELS.get(id, "#4")).days))
        if row.channel is not None:
            is_kept = stays(policy.of(CHANNELS.get(row.channel, "#4")).days)
        elif row.several:
            is_kept = bool(several)
        else:
            is_kept = stays(policy.private_days if row.kind in (Kind.PRIVMSG, Kind.REDACT) else policy.default.days)
        if is_kept:
            left[stamp] = replace(row, several=several)
    return left


@settings(max_examples=60, deadline=None)
@given(st.lists(ROW, max_size=40), st.lists(POLICY, min_size=1, max_size=3))
def test_exactly_what_the_policy_says_is_left(
    tmp_path_factory: pytest.TempPathFactory, rows: list[Row], policies: list[Policy]
) -> None:
    """Of one policy after the other."""
    with Keeper(tmp_path_factory.mktemp("law") / "securechat.db", policies[0]) as keeper:
        keeper.reader.executemany(
            "INSERT INTO channels (id, name, key, founder) VALUES (?, ?, ?, 0)",
            [(id, name, name) for id, name in CHANNELS.items()],
        )
        left = write(keeper.reader, rows)
        keeper.day = 10 + 1 / 24  # an hour later than whatever was so many days ago
        for keeper.policy in policies:
            keeper.keep()
            left = kept(keeper.policy, left)
            assert {row[0] for row in keeper.rows("log")} == left.keys()
            assert set(keeper.rows("log_channels")) == {(id, stamp) for stamp in left for id in left[stamp].several}
