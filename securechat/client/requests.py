"""What was asked of the server and is not answered yet.

Two ways to know what became of a request:

- *By label*, where the server has labeled-response (IRCv3): the answer carries the label of the request. It is one
  message, or one batch; an empty answer is `ACK`.
- *By PING*, on any other server: a PING follows each request. Servers answer in order, so what they had to say to the
  request has come before the PONG, and an error that comes before it belongs to the oldest request that is open.

`Outstanding` knows nothing of messages; `Conversation` tells it what came.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from securechat.client.events import Page

UNANSWERED = "the server did not say what became of it"


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why not. `code`: the numeric, or the code of a FAIL, or empty; `about`: what it names, or empty."""

    code: str
    about: str
    text: str


@dataclass(eq=False, slots=True)
class Request:
    """Something that was asked of the server: a message to deliver, a channel to join.

    Belongs to the connection, which sets `settled` and `refusal`; read them after waiting for it.
    """

    label: str
    command: str
    params: tuple[str, ...] = field(repr=False)
    labelled: bool
    """Whether it was sent with its label, so that the answer carries it."""
    quiet: bool = False
    """Whether nobody is told of the answer, who does not look here."""
    page: Page | None = field(default=None, repr=False)
    """The answer to a question for history."""
    things: tuple[bytes, ...] = field(default=(), repr=False)
    """What is no text in the answer: certificates (see `arriving`)."""
    settled: bool = False
    refusal: Refusal | None = None
    """Set, when it is `settled`, if it was not done; before that, if an error seems to be the answer."""

    @property
    def target(self) -> str:
        """The channel or nick that it is about, or empty."""
        return self.params[0] if self.params else ""

    @property
    def done(self) -> bool:
        """Whether the server has said that it is done."""
        return self.settled and self.refusal is None


class Outstanding:
    """The requests of one connection that are open, in the order in which they were sent.

    Not safe for two threads at once.
    """

    def __init__(self) -> None:
        self._counter = 0
        self._pings = 0
        self._open: dict[str, tuple[int, Request]] = {}  # by label, oldest first; the number says when it was sent
        self._marks: dict[str, int] = {}  # by the PING's token: how many requests had been sent before it

    def __len__(self) -> int:
        return len(self._open)

    def add(self, command: str, *params: str, labelled: bool, quiet: bool = False) -> Request:
        """A new request with a label of its own, sent now."""
        self._counter += 1
        request = Request(f"{self._counter:x}", command, params, labelled, quiet)
        self._open[request.label] = self._counter, request
        return request

    def mark(self) -> str:
        """The token for a PING that is sent now: its PONG comes after the answers to all that is open."""
        self._pings += 1
        token = f"ping-{self._pings:x}"
        self._marks[token] = self._counter
        return token

    def find(self, label: str | None) -> Request | None:
        """The open request with this label."""
        found = self._open.get(label) if label else None
        return found[1] if found else None

    def oldest(self, suits: Callable[[Request], bool]) -> Request | None:
        """The oldest open request, if it `suits`."""
        for _, request in self._open.values():
            return request if suits(request) else None
        return None

    def settle(self, request: Request) -> None:
        """The server has answered it: with what stands in its `refusal`, or well."""
        del self._open[request.label]
        request.settled = True

    def answered(self, token: str) -> list[Request]:
        """The requests that were sent before the PING with this token and are still open, oldest first."""
        last = self._marks.pop(token, None)
        if last is None:
            return []
        # PONGs come in the order of their PINGs: what was marked before will not be asked for any more.
        self._marks = {other: count for other, count in self._marks.items() if count >= last}
        found = []
        for count, request in self._open.values():
            if count > last:
                break
            found.append(request)
        return found
