"""What goes out to sessions: where delivery queues something on a link. Used inside the journal's turn."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from securechat.server.replies import Reply
    from securechat.server.session import Session

__all__ = ["Outgoing"]

MAX_UNASKED = 1000
"""Answers that a session has not asked for and not taken yet: of channels that other sessions of the same user have
entered, and what is said of those whom it monitors."""


class Outgoing:
    """``sessions``: all that are on the chat, by number. ``touched``: whose links are to be flushed."""

    __slots__ = ("sessions", "touched")

    def __init__(self, sessions: dict[int, Session]) -> None:
        self.sessions = sessions
        self.touched: dict[Session, None] = {}

    def there(self, numbers: Iterable[int]) -> Iterator[Session]:
        """The sessions with these numbers, of those that are still there."""
        for number in numbers:
            session = self.sessions.get(number)
            if session is not None:
                yield session

    def queue(self, session: Session, reply: Reply) -> None:
        if reply:
            session.link.queue(reply)
            self.touched[session] = None

    def queue_answer(self, session: Session, answer: Iterator[bytes]) -> None:
        """Queue what is made while it is sent, and was not asked for: so the session may take none of it."""
        if session.link.answers < MAX_UNASKED:
            self.queue(session, answer)
        else:
            session.end("Too far behind")

    def flush(self) -> None:
        """Write what was queued, as far as the clients take it."""
        touched, self.touched = self.touched, {}
        for session in touched:
            session.link.flush()
