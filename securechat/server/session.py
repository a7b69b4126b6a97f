"""One connection of a client, and the thread that reads it.

The thread waits for its client, reads lines, and has them carried out in the order in which they came. Commands are of
two kinds. Those that change what people see, or ask about it, become entries of the journal: as many as the client
likes to send, up to a bound, without waiting. All others are answered at once; so before one of them the thread waits
until its entries are answered, and that is all there is to the order.

What happens to a session from other threads is little: the journal's runner queues lines on its link, counts what is
answered, and may end it.
"""

from __future__ import annotations

import ssl
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from securechat.chat.events import Arrived
from securechat.chat.machine import Chat
from securechat.chat.model import Account
from securechat.chat.refusals import Reason, Refusal
from securechat.chat.requests import Depart, Request
from securechat.irc.caps import Negotiation
from securechat.irc.errors import Answer, MalformedMessageError, ProtocolError
from securechat.irc.lines import LineBuffer
from securechat.irc.message import Message
from securechat.irc.numerics import Numeric, numeric
from securechat.irc.standard_replies import Code, fail
from securechat.server.authentication import Authentication
from securechat.server.commands.command import carry_out
from securechat.server.handshakes import why_it_failed
from securechat.server.lines import METADATA, fitted, flavour_of
from securechat.server.registration import Registration
from securechat.server.reload import keep_up
from securechat.server.replies import Reply, labelled
from securechat.server.subscriptions import Subscriptions
from securechat.store.journal import Entry, Waiting
from securechat.tls.link import Link, LinkBroken

if TYPE_CHECKING:
    from securechat.server.commands.batches import ClientBatch
    from securechat.server.hub import Hub

__all__ = ["Session", "SessionEntry"]

Answered = TypeVar("Answered")

MAX_PENDING = 64
"""Requests that a session may have unanswered before it is read no further."""

MAX_ANSWERS = 64
"""Answers of several lines that a session may have been given and not taken before it is read no further."""

EMPTY_READ = 1 / 4
"""Tokens of the throttle for a read that brings no line: parts of one, or what TLS or nobody needs."""

MAX_BAD_LINES = 64
"""Lines that are none (too long, not UTF-8), of those that came with one read, with which a client may stay."""

MAX_LINE_BYTES = 512
"""So much of a line costs one token of the throttle; one with long tags, which all others get, costs more."""

RESUME_PENDING = 32
"""It is read on when no more than these are left."""

GOODBYE_SECONDS = 2.0
"""How long a session that ends may take to write what is queued and to close its TLS connection."""


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
        "_answered",
        "_arriving",
        "_batches",
        "_bucket",
        "_collecting",
        "_ending",
        "_head",
        "_inbox",
        "_isupport",
        "_last_heard",
        "_lines",
        "_pinged",
        "_resume_at",
        "_shaking_hands",
        "_submitted",
        "_throttled_until",
        "_waiting",
        "account",
        "address",
        "arrival",
        "authentication",
        "batch",
        "caps",
        "echo",
        "flavour",
        "hub",
        "labels",
        "link",
        "nick",
        "number",
        "operator",
        "realname",
        "registered",
        "registration",
        "subscriptions",
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
        self.batch: ClientBatch | None = None  # that the client has opened
        self.operator = False  # of the network: what the registry keeps for operators is open to it
        self.registration: Registration = Registration(self)
        self.authentication: Authentication = Authentication(self)
        # What delivery asks of a session's capabilities; see note_capabilities().
        self.flavour = 0
        self.echo = False
        self.labels = False
        self.subscriptions = Subscriptions()
        self._lines = LineBuffer()
        self._inbox: deque[str | ProtocolError] = deque()  # lines as they came: parsed, they need much more memory
        self._head: Message | ProtocolError | None = None  # the first one, parsed
        # Two counters and no lock: the first is changed by the session's thread alone, the second by the runner alone.
        self._submitted = 0
        self._answered = 0
        self._resume_at: int | None = None  # wake the thread when so many are answered
        self._arriving = False
        self._collecting: tuple[str, int] | None = None
        self._ending: str | None = None
        self._shaking_hands = True
        self._waiting: Waiting | None = None  # set while the thread waits for its last entry
        self._batches = 0
        self._bucket = hub.line_bucket()
        self._isupport = hub.isupport  # the dictionary of which the client has been told
        self._throttled_until = 0.0
        self._last_heard = time.monotonic()
        self._pinged = False

    # -- called by any thread -----------------------------------------------------------------------------------------

    def wake(self) -> None:
        """The journal's turn is free, or an answer has come: look again."""
        waiting = self._waiting
        if waiting is not None:
            waiting.wake()
        self.link.wake()

    def end(self, reason: str) -> None:
        """Close the connection, and say why; the first reason stays."""
        if self._ending is None:
            self._ending = reason
        if self._shaking_hands:  # and so it can't be told; a client may take hours over this
            self.link.fail(reason)
        self.link.wake()

    # -- called by the journal's runner, inside its turn --------------------------------------------------------------

    def settle(self, weight: int) -> None:
        """Entries of so much weight together are answered."""
        self._answered += weight
        resume_at = self._resume_at
        if resume_at is not None and self._answered >= resume_at:
            self.link.wake()

    def arrived(self, event: Arrived) -> None:
        self.nick = event.nick
        self.arrival = event
        self.operator = "o" in event.modes
        self.registered = True
        self.registration.metadata.forget()
        self.hub.most_users = max(self.hub.most_users, len(self.hub.chat.users))

    def refused(self, refusal: Refusal) -> None:
        """A request was refused; some refusals leave nothing to stay for."""
        if not self._arriving:
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
        return fitted(f":{self.hub.name} {text}")  # it may repeat something long of the client's

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
        self._submitted += entry.weight
        if entry.weight > 1:
            self.charge(entry.weight - 1)
        self.hub.journal.put(entry)

    def answer_in_turn(self, message: Message, *lines: bytes) -> None:
        """Answer a line that may be pipelined without asking the chat: behind what is pending."""
        self.submit(message, (), None, lambda _: lines)

    def charge(self, lines: float) -> None:
        """Count a line as so many more: it costs more than others."""
        if self._bucket is not None:
            self._bucket.charge(time.monotonic(), lines)

    def pause(self, seconds: float) -> bool:
        """Wait, for so long; false if the session is to end before."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            if self._ending is not None or self.link.wait(left, read=False):
                return False
        return True

    def ask(self, question: Callable[[Chat], Answered]) -> Answered:
        """Ask the chat, behind all that is pending, and wait for the answer."""
        self._waiting = Waiting()
        try:
            _, answer = self.hub.journal.ask((), question, self._waiting)
        finally:
            self._waiting = None
        return answer  # type: ignore[return-value]

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
        self._arriving = True
        entry = SessionEntry(self, message.command, None, requests, question, render)
        self._submitted += entry.weight
        self.hub.sessions[self.number] = self
        self.hub.journal.put(entry)

    def collecting(self, up_to: int) -> str:
        """Kept messages have been rendered up to this stamp; the token that the PONG must have."""
        token = f"kept-{up_to:x}"
        self._collecting = (token, up_to)
        return token

    def collected(self, token: str) -> int | None:
        """The stamp up to which kept messages have arrived, if that is what a PONG says."""
        if self._collecting is None or self._collecting[0] != token:
            return None
        up_to = self._collecting[1]
        self._collecting = None
        return up_to

    def run(self) -> None:
        """The life of the session: its thread's target."""
        hub = self.hub
        try:
            with hub.cores.anywhere():
                self.link.handshake(hub.config.limits.handshake_timeout)
        except (LinkBroken, ssl.SSLError, OSError) as error:
            hub.log.info("handshake failed", session=self.number, address=self.address, why=why_it_failed(error))
            self.link.close()
            hub.forget(self)
            return
        self._shaking_hands = False
        hub.log.debug("connected", session=self.number, address=self.address, tls=self.link.cipher())
        reason = "The connection ended"
        try:
            reason = self._serve()
        except LinkBroken as broken:
            reason = str(broken)
        except Exception as error:  # a defect of ours costs this session, and tells whoever reads the log
            hub.on_error("a session failed", error)
            reason = "The server made a mistake"
            self._ending = self._ending or reason
        finally:
            self._leave(reason)
            self.link.close(GOODBYE_SECONDS)
            hub.forget(self)

    def _serve(self) -> str:
        """Until the client or the server wants to end it; why."""
        link = self.link
        journal = self.hub.journal
        while True:
            if self.hub.isupport is not self._isupport:
                known, self._isupport = self._isupport, self.hub.isupport
                self._bucket = self.hub.line_bucket()
                keep_up(self, known)
            ready = self._process_inbox()
            if self._ending is not None:
                return self._ending
            now = time.monotonic()
            timeout = self._check_time(now)
            # Lines that have come and must wait, since there are so many, are in time.
            if self.batch is not None and not self._inbox and self._head is None:
                timeout = min(timeout, self.batch.check_time(self, now))
            if self._throttled_until:
                left = self._throttled_until - now
                if left > 0 or not ready:  # it may be over by now, and then nobody would wake us
                    ready = False
                    timeout = min(timeout, max(left, 0.0))
                if left <= 0:
                    self._throttled_until = 0.0
            # Look once more: what we wait for may have come while we were busy.
            readable = link.wait(0 if not ready and self._can_go_on() else timeout, read=ready)
            if readable:
                data = link.receive()
                if data is None:
                    return "Connection closed" if link.truncated else "Client closed the connection"
                # From one that is not to be read there is something only when it is gone. What it had sent would take
                # memory, and nobody waits for the answers.
                if data and ready:
                    self._last_heard = time.monotonic()
                    self._pinged = False
                    self._receive(data)
                if self._bucket is not None and not self._inbox:
                    now = time.monotonic()
                    self._throttled_until = now + self._bucket.charge(now, EMPTY_READ)
            journal.run()  # the turn may have been passed to us

    def _receive(self, data: bytes) -> None:
        """Put what has come behind what is to be done."""
        items = self._lines.feed(data)
        if len(items) > MAX_BAD_LINES and sum(type(item) is not str for item in items) > MAX_BAD_LINES:
            self.end("Too much that is not IRC")  # each takes far more memory than the bytes that it was
            return
        self._inbox.extend(items)

    def _process_inbox(self) -> bool:
        """Carry out the lines that have come. Returns whether more may be read."""
        inbox = self._inbox
        commands = self.hub.commands
        bucket = self._bucket
        self._resume_at = None
        while (inbox or self._head is not None) and self._ending is None:
            if self.link.answers >= MAX_ANSWERS:
                self.hub.journal.run()
                self.link.flush(owner=True)
                if self.link.answers >= MAX_ANSWERS:
                    return False
            if self._arriving or self._submitted - self._answered >= MAX_PENDING:
                if not self._drain(self._submitted if self._arriving else self._submitted - RESUME_PENDING):
                    return False
                self._arriving = False
            message = self._head
            if message is None:
                item = inbox.popleft()
                if bucket is not None and type(item) is str and len(item) > MAX_LINE_BYTES:
                    bucket.charge(time.monotonic(), len(item) // MAX_LINE_BYTES)
                message = self._head = _parse(item)
            command = commands.get(message.command) if type(message) is Message else None
            if (command is None or not command.pipelined) and not self._drain(self._submitted):
                return False
            if command is not None and command.large and not self._has_taken_answers():
                self.hub.journal.run()  # what was asked before has nothing to wait for
                return False
            if bucket is not None:
                now = time.monotonic()
                wait = bucket.take(now)
                if wait > 0:
                    self._throttled_until = now + wait
                    self.hub.journal.run()
                    return False
            self._head = None
            if type(message) is Message:
                carry_out(self, command, message)
            else:
                self._reject(message)  # type: ignore[arg-type]
        self.hub.journal.run()
        if self._arriving and self._answered == self._submitted:
            self._arriving = False
        if self._submitted - self._answered >= MAX_PENDING:
            self._resume_at = self._submitted - RESUME_PENDING
            return False
        return True

    def _drain(self, until: int) -> bool:
        """Have the journal run until so many entries are answered; false when another thread is at it.

        Then the runner will wake us.
        """
        if self._answered >= until:
            return True
        self.hub.journal.run()
        if self._answered >= until:
            return True
        self._resume_at = until  # from now on the runner wakes us; what it answered just before, we see ourselves
        if self._answered < until:
            return False
        self._resume_at = None
        return True

    def _has_taken_answers(self) -> bool:
        """Whether the client has taken all long answers; what it has not, it is given now as far as it takes it."""
        self.link.flush(owner=True)
        return not self.link.answers

    def _can_go_on(self) -> bool:
        return self._resume_at is not None and self._answered >= self._resume_at

    def _reject(self, error: ProtocolError) -> None:
        """A line that is none; it is answered in its place."""
        self.reply(error, [self.answer(answer) for answer in error.answers])
        if self.batch is not None:
            self.batch.give_up(self)  # it may have been a line of it

    def _check_time(self, now: float) -> float:
        """Seconds until the clock wants something of this session; it may want its end."""
        limits = self.hub.config.limits
        if not self.registered:
            left = self.registration.deadline - now
            if left <= 0:
                self.end("Registration timed out")
            return max(left, 0.0)
        silent = now - self._last_heard
        if not self._pinged:
            if silent < limits.ping_interval:
                return limits.ping_interval - silent
            self._pinged = True
            self.link.queue(self.raw(f"PING :{self.hub.name}"))
        left = limits.ping_interval + limits.ping_timeout - silent
        if left <= 0:
            self.end(f"Ping timeout: {limits.ping_interval + limits.ping_timeout:g} seconds")
        return max(left, 0.0)

    def _leave(self, reason: str) -> None:
        """Leave the chat, and say why."""
        hub = self.hub
        self._waiting = Waiting()
        # When the server stops nobody is there to be told, and the next start knows that all have gone. But what is
        # still in the queue must be done: the turn may be passed to this thread, and when it has ended nobody takes it.
        departs = self.number in hub.sessions and not hub.stopping
        if departs or self._answered < self._submitted:
            requests = [Depart(self.number, reason)] if departs else []
            hub.journal.ask(requests, lambda _: hub.monitors.clear(self.number), self._waiting)
        hub.sessions.pop(self.number, None)
        why = "Quit" if reason.startswith("Quit: ") else reason  # the rest of that is what somebody wrote
        hub.log.info("disconnected", session=self.number, address=self.address, nick=self.nick, why=why)
        if self._ending is not None:
            self.link.queue(self.raw(f"ERROR :Closing link: {reason}"))


def _parse(item: str | ProtocolError) -> Message | ProtocolError:
    if isinstance(item, ProtocolError):
        return item
    try:
        return Message.parse(item)
    except MalformedMessageError as error:
        return error
