"""What waits for a peer: lines, and answers that are made while they are sent. Counted, so that it has an end.

Not safe for two threads: the link's lock guards it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

__all__ = ["AnswerFailed", "Backlog", "Item"]

Item = bytes | Iterator[bytes]
"""Bytes to be sent, or an answer: an iterator of bytes."""

_PIECE = 65536  # bytes encrypted at a time: four full TLS records


class AnswerFailed(Exception):  # noqa: N818 - it says what happened
    """An answer raised an exception, which is the ``__cause__``."""


class Backlog:
    """Items in the order in which they are to be sent.

    ``size``: the bytes of all that are bytes; ``answers``: how many are not.
    """

    __slots__ = ("_items", "answers", "size")

    def __init__(self) -> None:
        self._items: deque[Item] = deque()
        self.size = 0
        self.answers = 0

    def __bool__(self) -> bool:
        return bool(self._items)

    def take_over(self, outbox: deque[Item]) -> None:
        """Move everything from ``outbox``, to which other threads may append meanwhile, to the end of this."""
        items = self._items
        while outbox:
            item = outbox.popleft()
            items.append(item)
            if isinstance(item, bytes):
                self.size += len(item)
            else:
                self.answers += 1

    def next_piece(self, *, answers: bool) -> bytes:
        """About :data:`_PIECE` bytes from the head; ``b""`` at an answer, unless ``answers`` may be taken from.

        Raises :class:`AnswerFailed`.
        """
        items = self._items
        if len(items) == 1 and isinstance(items[0], bytes):
            self.size = 0
            return items.popleft()  # type: ignore[return-value]
        pieces: list[bytes] = []
        size = 0
        while items and size < _PIECE:
            item = items[0]
            if isinstance(item, bytes):
                items.popleft()
                self.size -= len(item)
            else:
                if not answers:
                    break
                try:
                    made = next(item, None)
                except Exception as error:  # whatever it is, it is not for the threads that only wanted to send
                    raise AnswerFailed from error
                if made is None:
                    items.popleft()
                    self.answers -= 1
                    continue
                item = made
            pieces.append(item)
            size += len(item)
        return b"".join(pieces)

    def drop(self, *, answers: bool) -> None:
        """Forget everything; answers only if one says so, for they may have a ``finally`` that is their owner's."""
        kept = [] if answers else [item for item in self._items if not isinstance(item, bytes)]
        self._items.clear()
        self._items.extend(kept)
        self.size = 0
        self.answers = len(kept)
