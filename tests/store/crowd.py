"""Threads that do the same at once, and what became of each."""

import threading
from collections.abc import Callable


class Crowd:
    """So many threads begin their work at once, as soon as this is made."""

    def __init__(self, size: int, work: Callable[[], object]) -> None:
        self.outcomes: list[object] = []
        self._ready = threading.Barrier(size + 1)
        self._threads = [threading.Thread(target=self._run, args=(work,), daemon=True) for _ in range(size)]
        for thread in self._threads:
            thread.start()
        self._ready.wait(30)

    def _run(self, work: Callable[[], object]) -> None:
        self._ready.wait(30)
        try:
            self.outcomes.append(work())
        except Exception as error:
            self.outcomes.append(type(error))

    def join(self) -> list[object]:
        """What each returned, or the class of what it raised."""
        for thread in self._threads:
            thread.join(30)
            assert not thread.is_alive()
        return self.outcomes
