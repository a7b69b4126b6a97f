"""Moments as IRCv3 server-time writes them: ``2026-11-22T14:03:23.123Z``."""

import re

__all__ = ["parse_moment"]

_MOMENT = re.compile(r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?Z", re.ASCII)

_DAYS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def parse_moment(text: str) -> int | None:
    """Milliseconds since 1970, UTC; ``None`` for what is no moment.

    Three decimals by the book; some programs write more of them, or none. A leap second is the one that follows.
    """
    found = _MOMENT.fullmatch(text)
    if found is None:
        return None
    year, month, day, hour, minute, second = map(int, found.groups()[:6])
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    if not (1 <= month <= 12 and 1 <= day <= _DAYS[month - 1] - (month == 2 and not leap)):
        return None
    if hour > 23 or minute > 59 or second > 60:
        return None
    seconds = ((_days(year, month, day) * 24 + hour) * 60 + minute) * 60 + second
    return seconds * 1000 + int((found[7] or "").ljust(3, "0")[:3])


def _days(year: int, month: int, day: int) -> int:
    """Days since 1970-01-01 in the Gregorian calendar. Years begin in March here, so a leap day is a year's last."""
    year -= month < 3
    month = (month + 9) % 12
    return year * 365 + year // 4 - year // 100 + year // 400 + (153 * month + 2) // 5 + day - 1 - 719_468
