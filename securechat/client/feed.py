"""Lines from a descriptor, read ahead by a thread of their own, so that whoever waits for them can be called away.

A thread that sits in ``read()`` can't be told that the connection has gone; the one that waits for a queue can.
"""

import os
import queue
import select
import threading
from collections.abc import Iterator
from typing import Final

from securechat.client.errors import InputOutputError

LONGEST: Final = 65536
"""Bytes of a line that are kept; what there is of a longer one is handed out, cut between two characters."""

_AHEAD: Final = 4  # pieces of at most LONGEST bytes that may be read before they are wanted


class Feed:
    """The lines of `descriptor`, from its first byte to its end; None stands for an input that has none."""

    def __init__(self, descriptor: int | None) -> None:
        self._descriptor = descriptor
        self._read: queue.SimpleQueue[bytes | Exception | None] = queue.SimpleQueue()  # None: somebody called
        self._room = threading.Semaphore(_AHEAD)
        self.finished = False
        """Whether all of the input was handed out, to its end."""

    def start(self) -> None:
        """Begin to read. The thread ends with the input, or with the program."""
        if self._descriptor is None:
            self._read.put(b"")
        else:
            threading.Thread(target=self._fill, args=(self._descriptor,), name="input", daemon=True).start()

    def interrupt(self) -> None:
        """Make `lines()` end, now or as soon as it has handed out what is read. For any thread."""
        self._read.put(None)

    def lines(self) -> Iterator[tuple[int, bytes, bool]]:
        r"""Each line: its number, from 1, what it holds, without LF or CR LF, and True.

        A line of more than `LONGEST` bytes comes in several, all but the last with False. The last line of the input
        may have no end.

        Ends at the end of the input, or after `interrupt()`. Raises `InputOutputError` when the input can't be read.
        """
        number = 1
        partial = b""
        while data := self._take():
            *whole, partial = (partial + data).split(b"\n")
            for line in whole:
                yield number, line.removesuffix(b"\r"), True
                number += 1
            if len(partial) >= LONGEST:
                cut = _character_start(partial)
                yield number, partial[:cut], False
                partial = partial[cut:]
        self.finished = data is not None
        if self.finished and partial:
            yield number, partial.removesuffix(b"\r"), True

    def _take(self) -> bytes | None:
        data = self._read.get()
        if isinstance(data, Exception):
            raise InputOutputError(f"standard input can't be read ({data})") from data
        if data:
            self._room.release()
        return data

    def _fill(self, descriptor: int) -> None:
        data: bytes | Exception = b"-"
        while data and not isinstance(data, Exception):
            self._room.acquire()
            try:
                # Not by way of sys.stdin: its lock, held here while we wait, stops an interpreter that wants to end.
                data = os.read(descriptor, LONGEST)
            except BlockingIOError:  # some programs hand on a pipe that does not block
                select.select([descriptor], [], [])
                self._room.release()
                continue
            except OSError as error:
                data = error
            self._read.put(data)


def _character_start(data: bytes) -> int:
    """Where to cut `data` so that no character is torn: at its end, or before one that may not be whole."""
    if data.endswith(b"\r"):  # perhaps of CR LF
        return len(data) - 1
    for back in range(1, 4):
        byte = data[-back]
        if byte & 0xC0 != 0x80:  # the first of a character that has as many bytes as it has leading ones
            size = 4 if byte >= 0xF0 else 3 if byte >= 0xE0 else 2 if byte >= 0xC0 else 1
            return len(data) - back if size > back else len(data)
    return len(data)
