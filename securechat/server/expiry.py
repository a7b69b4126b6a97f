"""Telling in the log that a certificate of the server's own is about to expire, from 30 days before.

It is told when the server starts, when certificates were read again, and once a day.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from securechat.server.log import EventLog

__all__ = ["DAILY", "WARN_DAYS", "warn"]

WARN_DAYS: Final = 30
"""So many days before its end a certificate is told of for the first time."""

DAILY: Final = timedelta(days=1)
"""Between two times that the same is told."""


def warn(ends: Iterable[tuple[Path, datetime]], now: datetime, log: EventLog) -> None:
    """Tell of each certificate that ends soon, or has ended. ``ends``: as `Authorities.ends`. ``now``: aware.

    ``days`` are whole ones: 0 on the last day, negative when it has expired.
    """
    for path, end in ends:
        days = (end - now).days
        if days < WARN_DAYS:
            log.warning("certificate expires", file=str(path), days=days)
