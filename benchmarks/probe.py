"""A new client that registers once a second while the server is loaded: is it still let in?"""

from __future__ import annotations

import threading
import time
from pathlib import Path

from case import BenchmarkError
from client import Client, tls_context

_INTERVAL_S = 1.0


class Prober(threading.Thread):
    """Connects, registers and leaves, once a second, until it is told to stop.

    `times` are in seconds, from the start of the TCP connection to the numeric 001; `error` is why a client was
    not let in.
    """

    def __init__(self, address: tuple[str, int], ca: Path) -> None:
        super().__init__(name="prober", daemon=True)
        self._address = address
        self._context = tls_context(ca)
        self._stopped = threading.Event()
        self.times: list[float] = []
        self.error: BenchmarkError | None = None

    def run(self) -> None:
        """The thread's work; use `start` and `stop`."""
        pause = 0.0
        while not self._stopped.wait(pause):
            start = time.monotonic()
            try:
                client = Client(f"p{len(self.times):04d}", self._address, self._context)
                client.introduce()
                client.await_welcome()
                self.times.append(time.monotonic() - start)
                client.send(b"QUIT\r\n")
            except BenchmarkError as error:
                self.error = error
                return
            client.close()
            pause = max(0.0, start + _INTERVAL_S - time.monotonic())

    def stop(self) -> list[float]:
        """Let no more clients come; give how long each took.

        Raises:
            BenchmarkError: one was not let in.
        """
        self._stopped.set()
        self.join()
        if self.error is not None:
            raise self.error
        return self.times
