"""Stamps: the place in the log, the time and the message id, in one number."""

import itertools
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from securechat.chat.stamps import (
    EPOCH_MS,
    STEP_BITS,
    iso_time,
    milliseconds,
    msgid,
    parse_msgid,
    seconds,
    stamp_at,
)
from tests.chat.interruption import interrupted

EPOCH = datetime(2020, 1, 1, tzinfo=UTC)
LAST = 2**63 - 1

stamps = st.integers(0, LAST)
times = st.integers(EPOCH_MS, EPOCH_MS + (LAST >> STEP_BITS))
"""Milliseconds since 1970 that stamps can hold."""


def test_the_epoch() -> None:
    assert datetime.fromtimestamp(EPOCH_MS / 1000, UTC) == EPOCH
    assert stamp_at(EPOCH_MS) == 0
    assert stamp_at(0) == 0
    assert milliseconds(0) == EPOCH_MS


def test_examples() -> None:
    assert msgid(0) == "0000000000000"
    assert msgid(LAST) == "7zzzzzzzzzzzz"
    stamp = stamp_at(EPOCH_MS + 1234) + 5
    assert (milliseconds(stamp), seconds(stamp)) == (EPOCH_MS + 1234, EPOCH_MS // 1000 + 1)
    assert iso_time(stamp) == "2020-01-01T00:00:01.234Z"
    assert iso_time(stamp_at(EPOCH_MS + 7)) == "2020-01-01T00:00:00.007Z"


@given(stamps)
def test_a_msgid_is_a_stamp(stamp: int) -> None:
    text = msgid(stamp)
    assert len(text) == 13
    assert text.isascii()
    assert text.isalnum()
    assert text == text.lower()
    assert parse_msgid(text) == stamp


near = stamps.flatmap(lambda stamp: st.tuples(st.just(stamp), st.integers(0, LAST) | st.integers(stamp, stamp + 2**11)))


@given(near)
def test_msgids_sort_as_stamps_do(pair: tuple[int, int]) -> None:
    first, second = pair[0], min(pair[1], LAST)
    assert (msgid(first) < msgid(second)) == (first < second)
    assert (msgid(first) == msgid(second)) == (first == second)


@pytest.mark.parametrize("place", range(12))
def test_digits_sort_as_their_values_do(place: int) -> None:
    texts = [msgid(value << 5 * place) for value in range(32)]
    assert texts == sorted(texts)


@given(st.text("0123456789abcdefghjkmnpqrstvwxyz", min_size=13, max_size=13) | st.text(max_size=14))
def test_each_stamp_has_one_msgid(text: str) -> None:
    """So a text is either the msgid of its stamp or none."""
    stamp = parse_msgid(text)
    if stamp is not None:
        assert 0 <= stamp <= LAST
        assert msgid(stamp) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0",
        "000000000000",
        "00000000000000",
        "8000000000000",  # 2**63
        "zzzzzzzzzzzzz",
        "000000000000A",
        "000000000000i",
        "000000000000l",
        "000000000000o",
        "000000000000u",
        "00000000000 0",
        "-000000000001",
        "+000000000001",
        "00000_0000001",
        "٠" * 13,  # digits, but not these
    ],
)
def test_what_is_no_msgid(text: str) -> None:
    assert parse_msgid(text) is None


@given(times)
def test_a_stamp_holds_its_time(unix_ms: int) -> None:
    first = stamp_at(unix_ms)
    last = stamp_at(unix_ms + 1) - 1
    assert last - first + 1 == 1 << STEP_BITS
    for stamp in (first, last):
        assert milliseconds(stamp) == unix_ms
        assert seconds(stamp) == unix_ms // 1000
    assert milliseconds(last + 1) == unix_ms + 1


@given(st.integers(0, EPOCH_MS))
def test_a_time_before_the_epoch_is_the_epoch(unix_ms: int) -> None:
    assert stamp_at(unix_ms) == 0


def _written(stamp: int) -> str:
    moment = EPOCH + timedelta(milliseconds=stamp >> STEP_BITS)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


@given(st.lists(st.tuples(stamps, st.integers(0, 2500)), min_size=1))
def test_the_time_tag_is_what_datetime_says(steps: list[tuple[int, int]]) -> None:
    """Also of several stamps in and about the same second: the last one is remembered."""
    for stamp, later in steps:
        for each in (stamp, min(stamp + (later << STEP_BITS), LAST), stamp):
            assert iso_time(each) == _written(each)


def _written_with_another_in_between(place: int) -> bool:
    first, second = stamp_at(EPOCH_MS + 1_999), stamp_at(EPOCH_MS + 86_402_001)
    iso_time(stamp_at(EPOCH_MS))  # so that the second is a new one
    texts: list[str] = []
    reached = interrupted(
        lambda: texts.append(iso_time(first)),
        place,
        lambda: texts.append(iso_time(second)),
        lambda code: code is iso_time.__code__,
    )
    assert texts == [_written(second)] * reached + [_written(first)]
    assert iso_time(first) == _written(first)
    assert iso_time(second) == _written(second)
    return reached


def test_another_thread_may_write_a_time_at_any_moment() -> None:
    """What is remembered of the last second belongs together, whoever writes another one in between."""
    places = itertools.takewhile(_written_with_another_in_between, itertools.count())
    assert sum(1 for _ in places) > 20, "it was interrupted"
