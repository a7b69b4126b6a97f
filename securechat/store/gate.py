"""The way to the hashes of passwords: a number of threads at a time, and all others in line, each origin in turn.

After a restart thousands may wait for their turn. Each of them knows how many are before it, and waits in its own way
(`Waiter`): a session goes on looking after its connection, and who has gone leaves the line. From one origin (an
address, for example) the first to come is the first served; of several origins each gets one turn before any gets its
next, so whoever has a thousand waiting holds up others for one turn, and himself for a thousand (start-time fair
queueing, Goyal, Vin and Cheng 1996, with turns of one length). Whoever comes back as soon as they were served is behind
those who have waited meanwhile.
"""

from __future__ import annotations

import threading
from bisect import bisect_left, insort
from collections.abc import Iterator
from contextlib import contextmanager
from operator import attrgetter
from typing import Final, Protocol

__all__ = ["Gate", "HasherClosed", "Waiter"]


class HasherClosed(Exception):  # noqa: N818  (it is what happened, and nobody's mistake)
    """`Gate.close` was called: no more passwords are looked at."""


class Waiter(Protocol):
    """How somebody waits in line. An object is for one wait at a time."""

    def wake(self) -> None:
        """Called by another thread: end the present `wait`, or else the next."""

    def wait(self, before: int) -> None:
        """Wait until `wake` is called; to return earlier does no harm. What it raises ends the waiting.

        ``before``: how many are before it in the line. Now and then it grows, when somebody comes from elsewhere.
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


_PLACE = attrgetter("place")

_LONGEST_ROUND: Final = 1000
"""Turns, after which another round begins, even if there is always somebody who has not been there."""


class _Ticket:
    """A place in the line."""

    __slots__ = ("called", "origin", "place", "waiter")

    def __init__(self, place: tuple[int, int], origin: str, waiter: Waiter) -> None:
        self.place = place  # in which round it is served, and as which of all that ever came
        self.origin = origin
        self.waiter = waiter
        self.called = False  # it may go through, and counts as if it were inside


class _Origin:
    """Where tickets in the line come from."""

    __slots__ = ("last", "waiting")

    def __init__(self) -> None:
        self.waiting = 0
        self.last = -1  # the round of the one that came last


class Gate:
    """Lets ``at_once`` threads through at a time, each origin in turn, until it is closed."""

    def __init__(self, at_once: int) -> None:
        if at_once < 1:
            raise ValueError("a gate lets at least one through")
        # Guards all fields. No other lock is taken inside it, and nobody is woken.
        self._lock = threading.Lock()
        self._free = at_once  # while somebody is in the line there is nothing free
        self._line: list[_Ticket] = []  # by place
        self._origins: dict[str, _Origin] = {}  # of those in the line
        self._round = 0  # the one that is being served
        self._served: set[str] = set()  # the origins that had their turn in it
        self._number = 0
        self._closed = False

    @contextmanager
    def turn(self, waiter: Waiter | None = None, origin: str = "") -> Iterator[None]:
        """A turn, as a context; it is waited for at its beginning.

        ``origin``: on whose account it goes, by any name.

        Raises:
            HasherClosed: `close` was called, before or while it waited. Who is inside by then may finish.
        """
        self._enter(waiter if waiter is not None else _Patient(), origin)
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

    def _enter(self, waiter: Waiter, origin: str) -> None:
        with self._lock:
            self._check()
            if self._free:
                self._free -= 1
                return
            ticket = self._queue(waiter, origin)
            before = self._before(ticket)
        try:
            while True:
                waiter.wait(before)
                with self._lock:
                    self._check()
                    if ticket.called:
                        return
                    before = self._before(ticket)
        except BaseException:
            self._give_up(ticket)
            raise

    def _check(self) -> None:
        if self._closed:
            raise HasherClosed("the server is going down, so passwords are not looked at any more")

    def _queue(self, waiter: Waiter, origin: str) -> _Ticket:
        known = self._origins.setdefault(origin, _Origin())
        known.waiting += 1
        known.last = max(self._round + (origin in self._served), known.last + 1)
        ticket = _Ticket((known.last, self._number), origin, waiter)
        self._number += 1
        insort(self._line, ticket, key=_PLACE)
        return ticket

    def _before(self, ticket: _Ticket) -> int:
        return bisect_left(self._line, ticket.place, key=_PLACE)

    def _take_out(self, position: int) -> _Ticket:
        ticket = self._line.pop(position)
        known = self._origins[ticket.origin]
        known.waiting -= 1
        if not known.waiting:  # so it has had its turns, or gives them away
            del self._origins[ticket.origin]
        return ticket

    def _give_up(self, ticket: _Ticket) -> None:
        with self._lock:
            if not ticket.called:
                self._take_out(self._before(ticket))
                known = self._origins.get(ticket.origin)
                if known is not None and known.last == ticket.place[0]:
                    known.last -= 1  # the next one to come need not stand behind nobody
                return
        self._leave()

    def _leave(self) -> None:
        with self._lock:
            if not self._line:
                self._free += 1
                self._served.clear()
                return
            ticket = self._take_out(0)
            self._serve(ticket)
            ticket.called = True
        ticket.waiter.wake()

    def _serve(self, ticket: _Ticket) -> None:
        """Note whose turn it is."""
        number = ticket.place[0]
        if number > self._round or len(self._served) >= _LONGEST_ROUND:
            self._round = max(number, self._round + 1)
            self._served.clear()
        self._served.add(ticket.origin)
