"""The way to the hashes of passwords: a number of threads at a time, and all others in line, first come, first served.

After a restart thousands may wait for their turn. Each of them knows how many are before it, and waits in its own way
(`Waiter`): a session goes on looking after its connection, and who has gone leaves the line.
"""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from operator import attrgetter
from typing import Protocol

__all__ = ["Gate", "HasherClosed", "Waiter"]


class HasherClosed(Exception):  # noqa: N818  (it is what happened, and nobody's mistake)
    """`Gate.close` was called: no more passwords are looked at."""


class Waiter(Protocol):
    """How somebody waits in line. An object is for one wait at a time."""

    def wake(self) -> None:
        """Called by another thread: end the present `wait`, or else the next."""

    def wait(self, before: int) -> None:
        """Wait until `wake` is called; to return earlier does no harm. What it raises ends the waiting.

        ``before``: how many are before it in the line.
        """


class _Patient:
    """Waits, and does nothing else."""

    def __init__(self) -> None:
        self._woken = threading.Event()

    def wake(self) -> None:
        self._woken.set()

    def wait(self, before: int) -> None:
        del before
        self._woken.wait()
        self._woken.clear()


class _Ticket:
    """A place in the line."""

    __slots__ = ("called", "number", "waiter")

    def __init__(self, number: int, waiter: Waiter) -> None:
        self.number = number
        self.waiter = waiter
        self.called = False  # it may go through, and counts as if it were inside


class Gate:
    """Lets ``at_once`` threads through at a time, in the order in which they came, until it is closed."""

    def __init__(self, at_once: int) -> None:
        if at_once < 1:
            raise ValueError("a gate lets at least one through")
        # Guards all fields. No other lock is taken inside it, and nobody is woken.
        self._lock = threading.Lock()
        self._free = at_once  # while somebody is in the line there is nothing free
        self._line: deque[_Ticket] = deque()
        self._number = 0
        self._closed = False

    @contextmanager
    def turn(self, waiter: Waiter | None = None) -> Iterator[None]:
        """A turn, as a context; it is waited for at its beginning.

        Raises:
            HasherClosed: `close` was called, before or while it waited. Who is inside by then may finish.
        """
        self._enter(waiter if waiter is not None else _Patient())
        try:
            yield
        finally:
            self._leave()

    def close(self) -> None:
        """Let nobody in any more, and send home those who wait. May be called more than once, from any thread."""
        with self._lock:
            self._closed = True
            line = list(self._line)
        for ticket in line:
            ticket.waiter.wake()

    def waiting(self) -> int:
        """How many are in the line."""
        return len(self._line)

    def _enter(self, waiter: Waiter) -> None:
        with self._lock:
            self._check()
            if self._free:
                self._free -= 1
                return
            ticket = _Ticket(self._number, waiter)
            self._number += 1
            self._line.append(ticket)
            before = len(self._line) - 1
        try:
            while True:
                waiter.wait(before)
                with self._lock:
                    self._check()
                    if ticket.called:
                        return
                    before = bisect_left(self._line, ticket.number, key=attrgetter("number"))
        except BaseException:
            self._give_up(ticket)
            raise

    def _check(self) -> None:
        if self._closed:
            raise HasherClosed("the server is going down, so passwords are not looked at any more")

    def _give_up(self, ticket: _Ticket) -> None:
        with self._lock:
            if not ticket.called:
                self._line.remove(ticket)
                return
        self._leave()

    def _leave(self) -> None:
        with self._lock:
            if not self._line:
                self._free += 1
                return
            ticket = self._line.popleft()
            ticket.called = True
        ticket.waiter.wake()
