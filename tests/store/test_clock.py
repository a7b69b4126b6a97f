"""Stamps rise, whatever the clock does."""

import itertools
import time

from hypothesis import given
from hypothesis import strategies as st

from securechat.chat.machine import MAX_EVENTS
from securechat.chat.stamps import STEP_BITS, milliseconds, msgid, stamp_at
from securechat.store.clock import Stamps

SECOND = 1_000_000_000
NOW = 1_800_000_000 * SECOND

clocks = st.lists(
    st.one_of(
        st.integers(0, 4_000_000_000 * SECOND),  # 1970 to 2096: so before the epoch of the stamps, too
        st.integers(NOW, NOW + 5_000_000),  # some within the same milliseconds
    ),
    min_size=1,
    max_size=50,
)


@given(clocks, st.integers(0, stamp_at(1_900_000_000_000)))
def test_each_stamp_is_above_the_last_with_room_for_the_events_of_a_request(readings: list[int], last: int) -> None:
    clock = iter(readings)
    stamps = Stamps(last, lambda: next(clock))
    before = last
    for _ in readings:
        stamp = stamps.next()
        assert before + MAX_EVENTS <= stamp < 2**63
        assert msgid(stamp) > msgid(before)
        before = stamp


@given(clocks)
def test_a_stamp_has_the_time_or_where_the_clock_went_back_that_of_the_last(readings: list[int]) -> None:
    clock = iter(readings)
    stamps = Stamps(0, lambda: next(clock))
    latest = milliseconds(0)
    for reading in readings:
        latest = max(latest, reading // 1_000_000)
        assert milliseconds(stamps.next()) == latest


def test_a_clock_that_stands_still_runs_out_of_a_millisecond_only_after_many_thousand() -> None:
    stamps = Stamps(0, lambda: NOW)
    given = [stamps.next() for _ in range(20_000)]
    assert {milliseconds(stamp) for stamp in given} == {NOW // 1_000_000}
    assert given[-1] - given[0] < 1 << STEP_BITS


def test_the_steps_tell_nothing() -> None:
    """How far apart two stamps are does not tell how many were given out in between."""
    stamps = Stamps(0, lambda: NOW)
    given = [stamps.next() for _ in range(1000)]
    assert len({after - before for before, after in itertools.pairwise(given)}) > 32
    assert len({Stamps(0, lambda: NOW).next() for _ in range(100)}) > 50


def test_it_takes_the_clock_of_the_computer() -> None:
    before = time.time_ns() // 1_000_000
    stamp = Stamps(0).next()
    assert before <= milliseconds(stamp) <= time.time_ns() // 1_000_000
