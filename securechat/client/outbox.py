"""What one has said and the server has not acknowledged: kept until it is, over as many connections as that takes.

Each message has an id of its own. A server that knows the capability `securechat/client-id` stores a message once,
however often it is sent with the same id; so what was under way when a connection broke is sent again on the next one.
Of any other server nobody knows whether it has such a message: it is not sent again (see `resuming`).
"""

import base64
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from securechat.client.errors import TooManyWaitError
from securechat.client.requests import Refusal, Request

MOST: Final = 1000
"""Messages that may wait for the server."""

MOST_LOSSES: Final = 10
"""Connections that a message may outlive: perhaps it is the message that ends them."""


@dataclass(eq=False, slots=True)
class Saying:
    """A message that one has said. Belongs to the outbox; read `settled` and `refusal` after waiting for it."""

    params: tuple[str, ...] = field(repr=False)
    """The command and its parameters: what to say is the last."""
    lines: tuple[str, ...] = field(default=(), repr=False)
    """The lines of a message that has several."""
    id: str = field(default_factory=lambda: base64.urlsafe_b64encode(secrets.token_bytes(16)).decode().rstrip("="))
    request: Request | None = None
    """That with which it is under way now."""
    last: Request | None = None
    """That with which it was sent last."""
    losses: int = 0
    """How many connections have broken while it was the next to be answered."""
    settled: bool = False
    refusal: Refusal | None = None

    @property
    def target(self) -> str:
        return self.params[1]

    @property
    def text(self) -> str:
        """What was to be said, as it stands in the message."""
        return self.params[-1]

    @property
    def uncertain(self) -> bool:
        """Whether it was under way when a connection broke, and is not now."""
        return self.last is not None and self.request is None and not self.settled


class Outbox:
    """The messages that are not settled, in the order in which they were said. Not safe for two threads at once."""

    def __init__(self) -> None:
        self._open: dict[str, Saying] = {}  # by id, in order
        self._under_way: dict[Request, Saying] = {}

    def __len__(self) -> int:
        return len(self._open)

    def add(self, saying: Saying) -> None:
        """One more. Raises `TooManyWaitError`."""
        if len(self._open) >= MOST:
            raise TooManyWaitError(f"{MOST:,} messages wait for the server already, so this one is not said")
        self._open[saying.id] = saying

    def unsent(self) -> list[Saying]:
        """Those that are not under way, oldest first."""
        return [saying for saying in self._open.values() if saying.request is None]

    def open(self) -> list[Saying]:
        """All of them, oldest first."""
        return list(self._open.values())

    def sent(self, saying: Saying, request: Request) -> None:
        """It is under way."""
        saying.request = saying.last = request
        self._under_way[request] = saying

    def answered(self, request: Request) -> Saying | None:
        """The message with this request, which the server has settled; None if it is none of ours."""
        saying = self._under_way.get(request)
        if saying is not None:
            self.settle(saying, request.refusal)
        return saying

    def settle(self, saying: Saying, refusal: Refusal | None = None) -> None:
        """It is known what became of it."""
        saying.settled, saying.refusal = True, refusal
        self._open.pop(saying.id, None)
        if saying.request is not None:
            self._under_way.pop(saying.request, None)

    def lost(self) -> None:
        """The connection is gone: nothing is under way any more."""
        for saying in list(self._under_way.values())[:1]:
            saying.losses += 1
        for saying in self._under_way.values():
            saying.request = None
        self._under_way.clear()

    def find_uncertain(self, suits: Callable[[Saying], bool]) -> Saying | None:
        """The oldest that nobody knows of whether it was said, and that `suits`."""
        return next((saying for saying in self._open.values() if saying.uncertain and suits(saying)), None)
