"""Stamps from the computer's clock that rise whatever the clock does."""

from __future__ import annotations

import random
import time
from collections.abc import Callable

from securechat.chat.machine import MAX_EVENTS
from securechat.chat.stamps import stamp_at

__all__ = ["Stamps"]


class Stamps:
    """Hands out stamps (see :mod:`securechat.chat.stamps`), each at least ``MAX_EVENTS`` above the last.

    ``last`` is the greatest stamp in the log. Used by one thread at a time: whoever has the journal's turn.
    """

    def __init__(self, last: int, now_ns: Callable[[], int] = time.time_ns) -> None:
        self._last = last
        self._now_ns = now_ns

    def next(self) -> int:
        now = stamp_at(self._now_ns() // 1_000_000)
        # The random step hides how much was said in between; it is no secret that anything depends on.
        step = random.getrandbits(6)
        stamp = self._last + MAX_EVENTS + step
        if now > stamp:
            stamp = now + random.getrandbits(12)
        self._last = stamp
        return stamp
