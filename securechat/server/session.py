"""One connection of a client: what the rest of the server knows of it, and does with it.

Commands are of two kinds. Those that change what people see, or ask about it, become entries of the journal: as many as
the client likes to send, up to a bound, without waiting. All others are answered at once; so before one of them the
session's thread (`securechat.server.reader`) waits until its entries are answered. That is all there is to the order.

What happens to a session from other threads is little: the journal's runner queues lines on its link, counts what is
answered, and may end it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from securechat.chat.events import Arrived
from securechat.chat.machine import Applied, Chat
from securechat.chat.model import Account
from securechat.chat.refusals import Reason, Refusal
from securechat.chat.requests import Collect, Request
from securechat.irc.caps import Negotiation
from securechat.irc.errors import Answer, ProtocolError
from securechat.irc.message import Message
from securechat.irc.numerics import Numeric, numeric
from securechat.irc.standard_replies import Code, fail
from securechat.server.authentication import Authentication
from securechat.server.identity import PeerCertificate
from securechat.server.lines import METADATA, answered, fitted, flavour_of
from securechat.server.registration import Registration
from securechat.server.replies import Reply, labelled
from securechat.server.subscriptions import Subscriptions
from securechat.store.journal import Entry, Waiting
from securechat.tls.link import Link

if TYPE_CHECKING:
    from securechat.server.commands.batches import ClientBatch
    from securechat.server.commands.series import Series
    from securechat.server.hub import Hub

__all__ = ["Session", "SessionEntry"]

Answered = TypeVar("Answered")

MAX_PINGS = 8
"""Of the server's, that a client has not answered and may answer yet."""


class SessionEntry(Entry):
    """An entry of the journal for one line of a client.

    ``render`` makes the answer of what the question returned, when it is sent. ``explain``: what a refusal is in the
    words of this command, where those of `securechat.server.replies.refusal` are others.
    """

    __slots__ = ("command", "explain", "label", "render", "session")

    def __init__(
        self,
        session: Session,
        command: str,
        label: str | None,
        requests: Sequence[Request],
        question: Callable[[Chat], object] | None = None,
        render: Callable[[Any], Iterable[bytes]] | None = None,
        explain: Callable[[Refusal], Answer] | None = None,
    ) -> None:
        self.submitter = self.session = session
        self.command = command
        self.label = label
        self.requests = requests
        self.weight = len(requests) or 1
        self.question = question
        self.render = render
        self.explain = explain
        self.outcomes = []
        self.answer = None


class Session:
    """``number`` is how the chat knows it; ``address`` where it comes from."""

    # With slots an attribute costs half; this is in the way of every line.
    __slots__ = (
        "_batches",
        "_pings",
        "account",
        "address",
        "answered",
        "arrival",
        "arriving",
        "authentication",
        "barred",
        "batch",
        "bucket",
        "caps",
        "certificate",
        "client_ids",
        "device",
        "echo",
        "ending",
        "flavour",
        "hub",
        "kept_waiting",
        "labels",
        "link",
        "nick",
        "number",
        "operator",
        "proved",
        "realname",
        "registered",
        "registration",
        "resume_at",
        "seen",
        "series",
        "shaking_hands",
        "submitted",
        "subscriptions",
        "waiting",
    )

    def __init__(self, hub: Hub, number: int, link: Link, address: str) -> None:
        self.hub = hub
        self.number = number
        self.link = link
        self.address = address
        self.caps = Negotiation(hub.offers)
        self.nick = "*"
        self.realname = ""
        self.registered = False
        self.arrival: Arrived | None = None
        self.account: Account | None = None  # who it has logged in as
        self.device = ""  # what the login called it with which it arrived
        self.certificate: PeerCertificate | None = None  # that it showed in its handshake; whose is another question
        self.proved: str | None = None  # the fingerprint of the one with which it has logged in (SASL EXTERNAL)
        # Up to which stamp its client has surely seen what was said. Changed by the session's thread and, on its
        # arrival, the runner.
        self.seen = 0
        self.batch: ClientBatch | None = None  # that the client has opened
        self.series: Series | None = None  # what it is sending in pieces
        self.operator = False  # of the network: what the registry keeps for operators is open to it
        self.registration: Registration = Registration(self)
        self.authentication: Authentication = Authentication(self)
        # What delivery asks of a session's capabilities; see note_capabilities().
        self.flavour = 0
        self.echo = False
        self.labels = False
        self.client_ids = False
        self.subscriptions = Subscriptions()
        # Entries of the journal. Two counters and no lock: the first is changed by the session's thread alone, the
        # second by the runner alone.
        self.submitted = 0
        self.answered = 0
        self.resume_at: int | None = None  # wake the thread when so many are answered
        self.arriving = False
        self._pings: dict[str, tuple[int, int | None]] = {}  # by token, of those that were not answered: see ping()
        self.ending: str | None = None
        self.barred = ""  # why it may ask for nothing but what everybody may know; empty: it is not
        self.shaking_hands = True
        self.kept_waiting = False  # the thread was busy with what the server needs: a silence meanwhile is none
        self.waiting: Waiting | None = None  # set while the thread waits for its last entry
        self._batches = 0
        self.bucket = hub.line_bucket()

    # -- called by any thread -----------------------------------------------------------------------------------------

    def wake(self) -> None:
        """The journal's turn is free, or an answer has come: look again."""
        waiting = self.waiting
        if waiting is not None:
            waiting.wake()
        self.link.wake()

    def end(self, reason: str) -> None:
        """Close the connection, and say why; the first reason stays."""
        if self.ending is None:
            self.ending = reason
        if self.shaking_hands:  # and so it can't be told; a client may take hours over this
            self.link.fail(reason)
        self.link.wake()

    # -- called by the journal's runner, inside its turn --------------------------------------------------------------

    def settle(self, weight: int) -> None:
        """Entries of so much weight together are answered."""
        self.answered += weight
        resume_at = self.resume_at
        if resume_at is not None and self.answered >= resume_at:
            self.link.wake()

    def arrived(self, event: Arrived) -> None:
        self.nick = event.nick
        self.arrival = event
        asks = self.asks_for_history
        self.seen = event.stamp if asks or event.missed_since is None else event.missed_since
        if asks and event.held_up_to:
            self.collect(event.held_up_to)
        self.operator = "o" in event.modes
        self.registered = True
        self.registration.metadata.forget()
        self.hub.most_users = max(self.hub.most_users, len(self.hub.chat.users))

    def refused(self, refusal: Refusal) -> None:
        """A request was refused; some refusals leave nothing to stay for."""
        if not self.arriving:
            return
        if refusal.reason in (Reason.NICK_IN_USE, Reason.NICK_BELONGS_TO_ACCOUNT, Reason.BAD_NICK):
            self.registration.nick_refused()
        elif refusal.reason is Reason.TOO_MANY_SESSIONS:
            self.end("Too many connections of your account")
        elif refusal.reason is Reason.BANNED_FROM_SERVER:
            self.end(f"You are banned: {refusal.context[0]}")
        elif refusal.reason in (
            Reason.ACCOUNT_REQUIRED,
            Reason.ACCOUNT_CHANGED,
            Reason.ACCOUNT_DISABLED,
            Reason.INTERNAL,
        ):
            if refusal.reason is not Reason.INTERNAL:  # by its newer name; `refusal` has that of the registry
                self.link.queue(self.answer(fail(Code.ACCOUNT_REQUIRED)))
            self.end("You need an account here: log in with SASL")

    # -- lines for this session ---------------------------------------------------------------------------------------

    def raw(self, text: str) -> bytes:
        return fitted(text)

    def line(self, text: str) -> bytes:
        """A line from the server."""
        return answered(f":{self.hub.name} {text}")

    def numeric(self, code: Numeric, *values: str) -> bytes:
        return self.line(numeric(code, self.nick, *values))

    def answer(self, answer: Answer) -> bytes:
        return self.line(answer.render(self.nick))

    def next_batch(self) -> str:
        """A reference for a batch. Called by whoever renders; two at once would only be two of the same connection's
        answers in one moment, and the session's own thread renders those one after the other."""
        self._batches += 1
        return f"{self.number:x}-{self._batches:x}"

    def reply(self, message: Message | ProtocolError, replies: Sequence[Reply]) -> None:
        """Answer at once. Only while nothing is pending: the registry sees to that."""
        for reply in labelled(self, list(replies), self.label_of(message)):
            self.link.queue(reply)

    def label_of(self, message: Message | ProtocolError) -> str | None:
        """The line's label, if there is one and the session may use it."""
        if not message.tags or not self.labels:
            return None
        label = message.tags.get("label")
        return label if label and len(label.encode()) <= 64 else None

    # -- called by the session's own thread ---------------------------------------------------------------------------

    def note_capabilities(self) -> None:
        """The capabilities have changed."""
        self.flavour = flavour_of(self.caps.enabled)
        self.echo = "echo-message" in self.caps.enabled
        self.labels = self.caps.has("labeled-response")
        self.client_ids = self.caps.has("securechat/client-id")
        if not self.flavour & METADATA:
            self.subscriptions.clear()

    def submit(
        self,
        message: Message,
        requests: Sequence[Request],
        question: Callable[[Chat], Answered] | None = None,
        render: Callable[[Answered], Iterable[bytes]] | None = None,
        explain: Callable[[Refusal], Answer] | None = None,
    ) -> None:
        """Put what a line asks for into the journal; see `SessionEntry`."""
        entry = SessionEntry(self, message.command, self.label_of(message), requests, question, render, explain)
        self.submitted += entry.weight
        if entry.weight > 1:
            self.charge(entry.weight - 1)
        self.hub.journal.put(entry)

    def answer_in_turn(self, message: Message, *lines: bytes) -> None:
        """Answer a line that may be pipelined without asking the chat: behind what is pending."""
        self.submit(message, (), None, lambda _: lines)

    def charge(self, lines: float) -> None:
        """Count a line as so many more: it costs more than others."""
        if self.bucket is not None:
            self.bucket.charge(time.monotonic(), lines)

    def pause(self, seconds: float) -> bool:
        """Wait, for so long; false if the session is to end before."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            if self.ending is not None or self.link.wait(left, read=False):
                return False
        return True

    def ask(self, question: Callable[[Chat], Answered]) -> Answered:
        """Ask the chat, behind all that is pending, and wait for the answer."""
        _, answer = self._await((), question)
        return answer

    def do(self, request: Request, question: Callable[[Chat], Answered]) -> tuple[Applied | Refusal, Answered]:
        """Have something done, behind all that is pending, and wait for what becomes of it. The client is told nothing:
        that is the caller's, who has the answer to a question that is asked behind it as well."""
        (outcome,), answer = self._await((request,), question)
        return outcome, answer

    def _await(
        self, requests: Sequence[Request], question: Callable[[Chat], Answered]
    ) -> tuple[list[Applied | Refusal], Answered]:
        self.waiting = Waiting()
        try:
            return self.hub.journal.ask(requests, question, self.waiting)  # type: ignore[return-value]
        finally:
            self.waiting = None

    def submit_arrival(
        self,
        message: Message,
        requests: Sequence[Request],
        question: Callable[[Chat], Answered],
        render: Callable[[Answered], Iterable[bytes]],
    ) -> None:
        """As :meth:`submit`; nothing else of the client is looked at before it is answered.

        ``requests``: its `Arrive`, and what is to be done when it is there.
        """
        self.arriving = True
        entry = SessionEntry(self, message.command, None, requests, question, render)
        self.submitted += entry.weight
        self.hub.sessions[self.number] = self
        self.hub.journal.put(entry)

    @property
    def asks_for_history(self) -> bool:
        """Whether its client asks for what it has missed, and so is shown nothing of that."""
        return "draft/chathistory" in self.caps.enabled

    def collect(self, up_to: int) -> None:
        """Have the journal note that it has what it was shown of what it had missed. Any thread may call it; the
        session's own then runs the journal.

        It is no answer to a line, so it does not count as one, and a refusal is told nobody.
        """
        self.hub.journal.put(Entry(self, (Collect(self.number, up_to),)))
        self.link.wake()

    def ping(self, token: str, seen: int, kept: int | None = None) -> bytes:
        """A PING behind all that has been said up to ``seen``; ``kept``: and what was kept for the account up to this.

        While one with the same token is not answered, the next answer is taken for its.
        """
        self._pings.setdefault(token, (seen, kept))
        if len(self._pings) > MAX_PINGS:
            del self._pings[next(iter(self._pings))]
        return self.raw(f"PING :{token}")

    def ponged(self, token: str) -> int | None:
        """What was sent before that PING has arrived. Gives the stamp up to which that are messages which were kept."""
        seen, kept = self._pings.pop(token, (0, None))
        self.seen = max(self.seen, seen)
        return kept
