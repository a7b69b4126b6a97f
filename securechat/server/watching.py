"""Notices by itself that the certificates' files have changed, and has them read again.

One thread. Every few seconds it looks at the files (not into them), and when they are other ones than those that were
read, and have been the same for two looks, they are read: whoever renews a certificate writes several files, one after
the other, and they fit together only in the end. What does not fit then, is damaged or half written changes nothing; it
is told in the log once, and tried again with every look.

The same thread tells every day what is about to expire (`securechat.server.expiry`).
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from securechat.server.authorities import Looks, Places
from securechat.server.expiry import DAILY
from securechat.server.reload import Reloader, ReloadRefusedError

if TYPE_CHECKING:
    from securechat.server.hub import Hub

__all__ = ["SECONDS", "Watching"]

SECONDS: Final = 2.0
"""Between two looks."""


class Watching:
    """The thread. ``start`` and ``stop`` once each. ``seconds``: between two looks."""

    def __init__(
        self,
        hub: Hub,
        reloader: Reloader,
        seconds: float = SECONDS,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._hub = hub
        self._reloader = reloader
        self._seconds = seconds
        self._clock = clock
        self._last: Looks = {}
        self._told: tuple[Looks, str] | None = None
        self._warned = clock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watching", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self, seconds: float) -> None:
        """End the thread; returns when it has ended, or after so many seconds."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(seconds)

    def _run(self) -> None:
        while not self._stop.wait(self._seconds):
            try:
                self.look()
            except Exception as error:  # a defect of ours: the next look may be better
                self._hub.on_error("watching has a fault", error)

    def look(self) -> None:
        """Look once. Only for the thread, and for tests that have not started it."""
        now = self._clock()
        if now - self._warned >= DAILY:
            self._warned = now
            self._reloader.warn(now)
        places = Places.of(self._hub.config.tls)
        if places is None:
            return
        looks = places.look()
        settled, self._last = looks == self._last, looks
        if not settled or looks == self._reloader.looks:
            return
        try:
            self._reloader.reload_certificates()
        except ReloadRefusedError as refused:
            told = (looks, str(refused))
            if told != self._told:
                self._told = told
                self._hub.log.warning("certificates refused", why=str(refused))
        else:
            self._told = None
