"""A descriptor with which any thread ends the wait of another.

A thread that waits in ``poll()`` for its socket does not notice that a variable has changed; it notices a descriptor
that becomes readable. Linux has ``eventfd`` for this (one descriptor); elsewhere a pair of connected sockets does it,
which works with Windows' ``select()`` too.
"""

from __future__ import annotations

import contextlib
import os
import select
import socket
import sys
import threading
from collections.abc import Iterable

__all__ = ["READABLE", "WRITABLE", "Waker", "hung_up", "wait_for"]

READABLE = 1
WRITABLE = 2


class Waker:
    """Set by any thread, waited for and cleared by one."""

    def __init__(self) -> None:
        self._event_fd = -1
        self._reader: socket.socket | None = None
        self._writer: socket.socket | None = None
        if sys.platform == "linux":
            self._event_fd = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        else:
            self._reader, self._writer = socket.socketpair()
            self._reader.setblocking(False)
            self._writer.setblocking(False)
        # Guards the descriptor's life: a number that was closed may be another connection's a moment later, and a
        # late set() would write into that. No other lock is taken inside it.
        self._lock = threading.Lock()
        self._set = False
        self._closed = False

    def fileno(self) -> int:
        return self._event_fd if self._reader is None else self._reader.fileno()

    def set(self) -> None:
        """End the owner's wait, the present one or else the next. Harmless after :meth:`close`."""
        if self._set:  # a wake-up is under way already: the owner clears the flag before it looks at anything
            return
        with self._lock:
            if self._closed or self._set:
                return
            self._set = True
            if self._writer is None:
                os.eventfd_write(self._event_fd, 1)  # type: ignore[attr-defined,unused-ignore]
            else:
                with contextlib.suppress(BlockingIOError):
                    self._writer.send(b"\0")

    def clear(self) -> None:
        """Called by the owner after its wait and before it looks at what it was woken for."""
        with self._lock:
            if self._closed or not self._set:
                return
            if self._reader is None:
                os.eventfd_read(self._event_fd)  # type: ignore[attr-defined,unused-ignore]
            else:
                with contextlib.suppress(BlockingIOError):
                    self._reader.recv(64)
            self._set = False

    def close(self) -> None:
        with self._lock:
            if self._closed:
                return
            self._closed = True
            if self._reader is None or self._writer is None:
                os.close(self._event_fd)
            else:
                self._reader.close()
                self._writer.close()


class _Poll:
    """Two descriptors, waited for with ``poll()``: no limit on their numbers, unlike ``select()``."""

    def __init__(self, descriptor: int, waker: Waker) -> None:
        self._descriptor = descriptor
        self._poll = select.poll()
        self._poll.register(waker.fileno(), select.POLLIN)
        self._mask = -1

    def wait(self, events: int, timeout: float | None) -> int:
        if events != self._mask:
            mask = (select.POLLIN if events & READABLE else 0) | (select.POLLOUT if events & WRITABLE else 0)
            self._poll.register(self._descriptor, mask)
            self._mask = events
        ready = 0
        for descriptor, event in self._poll.poll(None if timeout is None else max(0, int(timeout * 1000 + 0.999))):
            if descriptor == self._descriptor:
                # POLLHUP and POLLERR come unasked; the next read says what happened.
                ready |= READABLE if event & ~select.POLLOUT else 0
                ready |= WRITABLE if event & select.POLLOUT else 0
        return ready


class _Select:
    """The same with ``select()``, where there is no ``poll()`` (Windows)."""

    def __init__(self, descriptor: int, waker: Waker) -> None:
        self._descriptor = descriptor
        self._waker = waker.fileno()

    def wait(self, events: int, timeout: float | None) -> int:
        fd = self._descriptor
        reads: Iterable[int] = [fd, self._waker] if events & READABLE else [self._waker]
        patience = None if timeout is None else max(0.0, timeout)
        readable, writable, _ = select.select(reads, [fd] if events & WRITABLE else [], [], patience)
        return (READABLE if fd in readable else 0) | (WRITABLE if writable else 0)


def hung_up(descriptor: int) -> bool:
    """Whether the peer of a TCP socket sends no more, though there may be something to read before that end.

    Only Linux tells; elsewhere it is never so.
    """
    if not hasattr(select, "POLLRDHUP"):
        return False
    poll = select.poll()
    poll.register(descriptor, select.POLLRDHUP)
    return bool(poll.poll(0))


def wait_for(descriptor: int, waker: Waker) -> _Poll | _Select:
    """What one thread waits with: ``wait(events, timeout)`` ends when the descriptor is ready or the waker is set.

    ``events`` and the result are sums of :data:`READABLE` and :data:`WRITABLE`; the timeout is in seconds, ``None`` for
    ever. A connection that has failed counts as readable.
    """
    return _Poll(descriptor, waker) if hasattr(select, "poll") else _Select(descriptor, waker)
