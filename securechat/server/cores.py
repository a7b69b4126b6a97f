"""On which cores the threads run.

Python runs one thread at a time, and threads that hand work to each other pay for it when the GIL travels between
cores. So the server keeps itself on one core, if it may, and only what runs without the GIL (password hashes, TLS
handshakes) goes to the others, where it takes nothing from the chat.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress

__all__ = ["Cores"]


class Cores:
    """``one``: keep to one core. Where the system has no such choice (macOS), or refuses it, nothing is done."""

    def __init__(self, *, one: bool) -> None:
        self._all: set[int] = set()
        self._one: set[int] = set()
        if one and hasattr(os, "sched_setaffinity"):
            allowed = os.sched_getaffinity(0)
            if len(allowed) > 1:
                self._all = allowed
                self._one = {max(allowed)}

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
