"""How far one has read, and when to tell the server (IRCv3 read-marker).

What stands on the screen is read when somebody sits in front of it, and the only sign of that is that keys are
pressed. So whatever was shown counts as read at the next key, and whatever is shown for a while after one. The server
is told of it every few seconds at most.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

EVERY: Final = 5.0
"""Seconds between two times that the server is told."""
ATTENTION: Final = 120.0
"""Seconds for which somebody who has pressed a key is still there."""


class Reading:
    """What one has read. Times are of the monotonic clock, but for those of messages."""

    def __init__(self) -> None:
        self._pressed: float | None = None
        self._told: float | None = None
        self._marks: dict[str, datetime] = {}

    def present(self, now: float) -> None:
        """A key was pressed."""
        self._pressed = now

    def wait(self, now: float) -> float | None:
        """After how many seconds the server may be told; None while nobody is there."""
        if self._pressed is None or now > self._pressed + ATTENTION:
            return None
        return 0.0 if self._told is None else max(self._told + EVERY - now, 0.0)

    def news(self, shown: Mapping[str, datetime], now: float) -> list[tuple[str, datetime]]:
        """What to tell: conversations, and up to when they are read. `shown`: the times of their newest messages."""
        new = [(name, time) for name, time in shown.items() if name not in self._marks or self._marks[name] < time]
        self._marks = dict(shown)
        if new:
            self._told = now
        return new
