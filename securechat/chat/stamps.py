"""The stamp of a request: its place in the log, its time and its message id, in one number.

A stamp is a positive integer below 2**63: milliseconds since 2020-01-01 UTC in the upper bits, and 21 bits below that
tell apart what falls into the same millisecond. Whoever hands out stamps (the journal) sees to it that they rise. So
the number is the primary key of the log, sorts in log order, and holds the time; no index is needed to find a msgid.

The lower bits begin at random and rise by random steps, so a msgid does not tell how much is said elsewhere.
"""

from __future__ import annotations

import time

__all__ = ["EPOCH_MS", "STEP_BITS", "iso_time", "milliseconds", "msgid", "parse_msgid", "seconds", "stamp_at"]

EPOCH_MS = 1_577_836_800_000
"""2020-01-01T00:00:00Z in milliseconds since 1970."""

STEP_BITS = 21
"""How many bits tell apart the stamps of one millisecond."""

# Crockford's base 32 in lower case: its characters sort in ASCII as the numbers do, and none is taken for another.
_DIGITS = "0123456789abcdefghjkmnpqrstvwxyz"
_VALUES = {digit: value for value, digit in enumerate(_DIGITS)}
_PAIRS = [a + b for a in _DIGITS for b in _DIGITS]
_LENGTH = 13  # 13 * 5 = 65 bits


def stamp_at(unix_ms: int) -> int:
    """The first stamp of a millisecond (since 1970, UTC)."""
    return max(unix_ms - EPOCH_MS, 0) << STEP_BITS


def milliseconds(stamp: int) -> int:
    """When it was: milliseconds since 1970, UTC."""
    return (stamp >> STEP_BITS) + EPOCH_MS


def seconds(stamp: int) -> int:
    """When it was: whole seconds since 1970, UTC."""
    return milliseconds(stamp) // 1000


def msgid(stamp: int) -> str:
    """The message id (IRCv3 message-ids): 13 characters that sort as the stamps do."""
    pairs = _PAIRS
    return (
        _DIGITS[stamp >> 60]
        + pairs[stamp >> 50 & 1023]
        + pairs[stamp >> 40 & 1023]
        + pairs[stamp >> 30 & 1023]
        + pairs[stamp >> 20 & 1023]
        + pairs[stamp >> 10 & 1023]
        + pairs[stamp & 1023]
    )


def parse_msgid(text: str) -> int | None:
    """The stamp of a msgid, or ``None`` where it can't be one of ours."""
    if len(text) != _LENGTH:
        return None
    stamp = 0
    for character in text:
        value = _VALUES.get(character)
        if value is None:
            return None
        stamp = stamp << 5 | value
    return stamp if stamp < 1 << 63 else None


_second = (-1, "")


def iso_time(stamp: int) -> str:
    """When it was, as the ``time`` tag has it (IRCv3 server-time): ``2026-11-22T14:03:23.123Z``."""
    global _second  # the last second that was written out; replaced as a whole, so two threads can't mix it
    whole, rest = divmod((stamp >> STEP_BITS) + EPOCH_MS, 1000)
    known, text = _second
    if whole != known:
        text = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(whole))
        _second = (whole, text)
    return f"{text}.{rest:03d}Z"
