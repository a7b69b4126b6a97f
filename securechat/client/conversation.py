"""The chat after registration, without its connection: messages in, events and answers out.

`Conversation` has three parts: the `State`, which `handlers` brings up to date; the `Outstanding` requests, for which
every message may be an answer; and the batches that are open (IRCv3 Batch), which tell what a message belongs to.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from securechat.client.capabilities import CLIENT_ID, Capabilities
from securechat.client.errors import ConnectionLostError
from securechat.client.events import Acknowledged, Event, Page, Refused
from securechat.client.handlers import HANDLERS, HISTORY, TOLD_AGAIN, Arrival, action, server_said
from securechat.client.history import Gathering
from securechat.client.multiline import Gathered, composed
from securechat.client.refusals import refusal_in
from securechat.client.requests import UNANSWERED, Outstanding, Refusal, Request
from securechat.client.state import State
from securechat.irc.lines import MAX_BODY
from securechat.irc.message import Message
from securechat.irc.multiline import BATCH_TYPE
from securechat.irc.split import split_text

MAX_BATCHES: Final = 100
"""Batches that a server may have open at once."""

_SAID: Final = ("PRIVMSG", "NOTICE")
_ASKING: Final = ("CHATHISTORY", "SEARCH")  # what is answered with a page of history
_LEAST_ROOM: Final = 64  # bytes of text in a message, however long a server makes one's source


@dataclass(slots=True)
class _Batch:
    type: str
    request: Request | None  # what it is the answer to, or a part of the answer
    outermost: bool  # whether the answer ends with it
    around: str | None  # the type of the batch that it is in
    lines: Gathered | None  # of a message of several lines
    page: Gathering | None  # of which it is all, or a part


class Conversation:
    """What goes on between this client and its server. Not safe for two threads at once.

    `outgoing`: what is to be sent, in order; whoever drives the conversation takes it from there.
    """

    def __init__(self, state: State, capabilities: Capabilities) -> None:
        self.state = state
        self.capabilities = capabilities
        self.outstanding = Outstanding()
        self.outgoing: list[Message] = []
        self.last_words: str | None = None
        """The text of the server's ERROR, with which it announces that it will hang up."""
        self._batches: dict[str, _Batch] = {}
        self._batches_sent = 0

    # -- what one says ------------------------------------------------------------------------------------------------

    def request(self, command: str, *params: str, client_id: str = "", quiet: bool = False) -> Request:
        """Ask something of the server; the request will be settled when the server has answered.

        `client_id`: the id of one's own that a message has. `quiet`: the answer is told to nobody.
        """
        request = self.outstanding.add(command, *params, labelled=self.capabilities.labels, quiet=quiet)
        self.outgoing.append(Message(command, list(params), tags=self._tags(request, client_id)))
        if not request.labelled:
            self.ping()
        return request

    def _tags(self, request: Request, client_id: str) -> dict[str, str]:
        tags = {"label": request.label} if request.labelled else {}
        return tags | ({CLIENT_ID: client_id} if client_id and CLIENT_ID in self.capabilities.enabled else {})

    def ping(self) -> None:
        """Ask for a sign of life, which also settles all that was asked before and is still open when it comes."""
        self.outgoing.append(Message("PING", [self.outstanding.mark()]))

    def enable(self, capabilities: Iterable[str]) -> None:
        """Ask for capabilities that were left for later."""
        self.outgoing += self.capabilities.ask(capabilities)

    def pieces(self, target: str, text: str, *, act: bool = False, notice: bool = False) -> list[tuple[str, ...]]:
        """The commands, as `request()` takes them, that say `text`: as many as it takes to keep each within a line.

        The line that counts is the longest one, with which the server tells it to others.
        """
        command = "NOTICE" if notice else "PRIVMSG"
        parts = split_text(text, self._room(command, target, action("") if act else ""))
        return [(command, target, action(part) if act else part) for part in parts]

    def say_lines(self, target: str, lines: Sequence[str], client_id: str = "") -> Request | None:
        """Say several lines as one message; None, and nothing is said, where the server does not take that."""
        messages = self.whole(target, lines)
        if messages is None:
            return None
        self._batches_sent += 1
        request = self.outstanding.add("PRIVMSG", target, "\n".join(lines), labelled=self.capabilities.labels)
        messages[0].tags = self._tags(request, client_id)
        self.outgoing += messages
        if not request.labelled:
            self.ping()
        return request

    def whole(self, target: str, lines: Sequence[str]) -> list[Message] | None:
        """The batch that says these lines; None where the server does not take that."""
        if not {"batch", BATCH_TYPE} <= self.capabilities.enabled:
            return None
        value = self.capabilities.offered.get(BATCH_TYPE, "")
        return composed(f"m{self._batches_sent + 1}", target, lines, self._room("PRIVMSG", target), value)

    def _room(self, command: str, target: str, around: str = "") -> int:
        """Bytes of text in a message, as others get it."""
        head = f": {command} {target} :{around}"
        return max(MAX_BODY - len(head.encode()) - self.state.source_length(), _LEAST_ROOM)

    # -- what the server says -----------------------------------------------------------------------------------------

    def receive(self, message: Message) -> list[Event]:
        """Take one message of the server. Raises `ConnectionLostError` for a server that opens batches without end."""
        batch = self._batches.get(message.tags.get("batch", ""))
        label = message.tags.get("label")
        request = self.outstanding.find(label) or (batch.request if batch else None)
        if request is not None and request.settled:
            request = None
        match message.command:
            case "BATCH":
                return self._batch(message, batch, request)
            case "PING":
                self.outgoing.append(Message("PONG", message.params[:1]))
                return []
            case "ERROR":
                self.last_words = message.params[-1] if message.params else ""
                return []
        if batch is not None and batch.lines is not None and message.command in _SAID:
            return self._said_in_lines(batch.lines.add(message), batch)
        arrival = Arrival(message, self.state, request, batch.type if batch else None)
        events = self._gathered(self._events(arrival), batch)
        if request is not None and batch is None:
            events += self._settle(request, empty=message.command == "ACK")
        return events

    def _events(self, arrival: Arrival) -> list[Event]:
        message = arrival.message
        if refusal := refusal_in(message):
            return self._refused(arrival, refusal)
        match message.command:
            case "ACK" | "TAGMSG":
                return []
            case "PONG":
                return self._answered(message)
            case "CAP":
                self.outgoing += self.capabilities.handle(message.params)
                return []
        if arrival.past and message.command not in TOLD_AGAIN:
            return []
        least, handler = HANDLERS.get(message.command, (0, server_said))
        if len(message.params) < least:
            return []
        event = handler(arrival)
        return [event] if event else []

    def _refused(self, arrival: Arrival, refusal: Refusal) -> list[Event]:
        request = arrival.request
        if request is None and not self.capabilities.labels:
            request = self.outstanding.oldest(lambda oldest: self._suits(oldest, arrival.message, refusal))
        if request is None:
            return [Refused(None, refusal.code, refusal.about, refusal.text, **arrival.stamp)]
        request.refusal = request.refusal or refusal
        return []  # told when the request is settled

    def _suits(self, request: Request, error: Message, refusal: Refusal) -> bool:
        """Whether an error without a label may be the answer: it names the target, the command, or nothing."""
        if error.command == "FAIL":
            return error.params[:1] in ([request.command], ["*"], ["BATCH"])
        about = self.state.fold(refusal.about)
        return about in ("", "*", self.state.fold(request.target), self.state.fold(request.command))

    def _batch(self, message: Message, parent: _Batch | None, request: Request | None) -> list[Event]:
        reference = message.params[0] if message.params else ""
        if reference.startswith("-"):
            ended = self._batches.pop(reference[1:], None)
            return self._batch_ended(ended) if ended else []
        if reference.startswith("+") and len(reference) > 1:
            if len(self._batches) >= MAX_BATCHES:
                raise ConnectionLostError(f"the server has opened {MAX_BATCHES} batches and ended none")
            type_ = message.params[1] if len(message.params) > 1 else ""
            if type_ in HISTORY and request is None and not self.capabilities.labels:
                request = self.outstanding.oldest(lambda oldest: oldest.command in _ASKING)
            lines = Gathered(message) if type_ == BATCH_TYPE else None
            around = parent.type if parent else None
            page = parent.page if parent else None
            if page is None and type_ in HISTORY and request is not None and request.command in _ASKING:
                page = Gathering()
            self._batches[reference[1:]] = _Batch(type_, request, parent is None, around, lines, page)
        return []

    def _batch_ended(self, batch: _Batch) -> list[Event]:
        events = self._said_in_lines(batch.lines.end(), batch) if batch.lines else []
        request = batch.request
        if request is None or request.settled:
            return events
        if batch.page is not None and batch.type in HISTORY:
            request.page = Page(request, batch.page.entries())
            events += [] if request.quiet else [request.page]
        if batch.outermost and request.labelled:
            events += self._settle(request)
        return events

    def _said_in_lines(self, whole: Message | None, batch: _Batch) -> list[Event]:
        """What a batch of several lines has said, if it is something."""
        if whole is None:
            return []
        request = None if batch.request is None or batch.request.settled else batch.request
        return self._gathered(self._events(Arrival(whole, self.state, request, batch.around)), batch)

    def _gathered(self, events: list[Event], batch: _Batch | None) -> list[Event]:
        """What is left to be told of these: not that which is a part of a page."""
        if batch is None or batch.page is None:
            return events
        return [event for event in events if not batch.page.add(event)]

    def _answered(self, message: Message) -> list[Event]:
        """A PONG: whatever was asked before its PING has had its answer."""
        events: list[Event] = []
        for request in self.outstanding.answered(message.params[-1] if message.params else ""):
            if request.labelled and request.refusal is None:
                request.refusal = Refusal("", request.target, UNANSWERED)
            events += self._settle(request)
        return events

    def _settle(self, request: Request, *, empty: bool = False) -> list[Event]:
        """`empty`: whether the server has nothing to say but that it is done."""
        if request.settled:  # its own answer was the PONG that settled all
            return []
        self.outstanding.settle(request)
        if request.quiet:
            return []
        if refusal := request.refusal:
            return [Refused(request, refusal.code, refusal.about, refusal.text)]
        events: list[Event] = []
        if request.command in _SAID and "echo-message" not in self.capabilities.enabled:
            # The server does not say it back to us, so we say it ourselves: for a screen it is the same.
            echo = Message(request.command, list(request.params), source=self.state.source or f"{self.state.nick}!")
            arrival = Arrival(echo, self.state, request, None)
            events += self._events(arrival)
        return [*events, Acknowledged(request, empty)]
