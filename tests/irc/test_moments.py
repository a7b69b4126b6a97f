"""Moments as server-time writes them."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from securechat.chat.stamps import EPOCH_MS, iso_time, stamp_at
from securechat.irc.moments import parse_moment


@given(st.datetimes(timezones=st.just(UTC)))
def test_a_moment_is_read_as_others_write_it(moment: datetime) -> None:
    text = moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    expected = (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)
    assert parse_moment(text) == expected


@given(st.integers(EPOCH_MS, EPOCH_MS + 10**13))
def test_and_as_we_write_it(ms: int) -> None:
    assert parse_moment(iso_time(stamp_at(ms))) == ms


@pytest.mark.parametrize(
    ("text", "ms"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-01T00:00:00.1Z", 100),
        ("1970-01-01T00:00:00.123999999Z", 123),
        ("2012-06-30T23:59:60.419Z", 1_341_100_800_419),
        ("2000-02-29T00:00:00.000Z", 951_782_400_000),
    ],
)
def test_other_forms(text: str, ms: int) -> None:
    assert parse_moment(text) == ms


@pytest.mark.parametrize(
    "text",
    [
        "", "*", "2026-01-01", "2026-01-01T00:00:00.000", "2026-01-01T00:00:00.000+00:00", "2026-01-01 00:00:00.000Z",
        "2026-13-01T00:00:00.000Z", "2026-00-01T00:00:00.000Z", "2026-01-32T00:00:00.000Z", "2026-01-00T00:00:00.000Z",
        "2026-02-29T00:00:00.000Z", "1900-02-29T00:00:00.000Z", "2026-04-31T00:00:00.000Z", "2026-01-01T24:00:00.000Z",
        "2026-01-01T00:60:00.000Z", "2026-01-01T00:00:61.000Z", "2026-01-01T00:00:00.Z", "2026-01-01T00:00:00.000z",
        "٢٠٢٦-01-01T00:00:00.000Z", "2026-01-01T00:00:00.0000000000Z", "02026-01-01T00:00:00.000Z", "2026-1-1T0:0:0Z",
        "2026-01-01T00:00:00.000Z\n",
    ],
)  # fmt: skip
def test_what_is_none(text: str) -> None:
    assert parse_moment(text) is None
