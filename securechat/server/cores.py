"""On which cores the threads run, and how long one of them at a time.

Python runs one thread at a time, and threads that hand work to each other pay for it when the GIL travels between
cores. So the server keeps itself on one core, if it may, and only what runs without the GIL (password hashes, TLS
handshakes) goes to the others, where it takes nothing from the chat.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

__all__ = ["Cores", "share_out"]

_INTERVAL = 0.005
"""Python's own: so many seconds a thread is let run that others wait for."""
_THREADS = 200
"""For so many threads it will do."""
_LONGEST = 0.1


def share_out(threads: int) -> float:
    """For how long one thread of so many is to run, in seconds: ever longer from 400 on, and 0.1 at most.

    Who waits for the GIL looks every 5 ms whether it may have it. Where two thousand connections break at the same
    moment that is two thousand threads that do nothing but look: they took a whole core, and it was a minute before
    anybody could come back (benchmarks/logins.py).
    """
    return min(_INTERVAL * max(threads // _THREADS, 1), _LONGEST)


class Cores:
    """``one``: keep to one core. Where the system has no such choice (macOS), or refuses it, nothing is done."""

    def __init__(self, *, one: bool) -> None:
        self._all: set[int] = set()
        self._one: set[int] = set()
        self._interval = _INTERVAL
        if one and hasattr(os, "sched_setaffinity"):
            allowed = os.sched_getaffinity(0)
            if len(allowed) > 1:
                self._all = allowed
                self._one = {max(allowed)}

    def crowd(self, threads: int) -> None:
        """There are so many threads now (`share_out`). Any thread may call it."""
        interval = share_out(threads)
        if interval != self._interval:  # else whoever has chosen another had a reason
            self._interval = interval
            sys.setswitchinterval(interval)

    def settle(self) -> None:
        """Keep the calling thread, and those that it starts, on the one core."""
        self._go(self._one)

    @contextmanager
    def anywhere(self) -> Iterator[None]:
        """Let the calling thread run on any core meanwhile."""
        self._go(self._all)
        try:
            yield
        finally:
            self._go(self._one)

    def _go(self, cores: set[int]) -> None:
        if cores:
            with suppress(OSError):  # the operator, or a container, has changed what is allowed
                os.sched_setaffinity(0, cores)
