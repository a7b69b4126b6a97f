"""The thread of one connection: it reads its client, and has the lines carried out in the order in which they came.

It waits until there is something to read, to write or to do. Commands that become entries of the journal are put there
as they come, up to a bound; before any other it waits until all entries are answered.
"""

from __future__ import annotations

import ssl
import time
from collections import deque
from typing import TYPE_CHECKING

from securechat.chat.requests import Depart
from securechat.irc.errors import MalformedMessageError, ProtocolError
from securechat.irc.lines import LineBuffer
from securechat.irc.message import Message
from securechat.server.commands.certificates import is_for_everybody
from securechat.server.commands.command import carry_out
from securechat.server.handshakes import note_certificate, refuse, why_it_failed
from securechat.server.reload import keep_up
from securechat.store.journal import Waiting
from securechat.tls.link import LinkBroken

if TYPE_CHECKING:
    from securechat.server.session import Session

__all__ = ["Reader"]

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

HTTP_HEADER = "HOST:"
"""Stands in every request of HTTP/1.1, before its body. What that says would be a page's, in the name of whoever looks
at it with a browser, and under the certificate that the browser shows."""

GOODBYE_SECONDS = 2.0
"""How long a session that ends may take to write what is queued and to close its TLS connection."""


class Reader:
    """Reads one session's client, from the TLS handshake to the end."""

    # With slots an attribute costs half; this is in the way of every line.
    __slots__ = (
        "_head",
        "_inbox",
        "_isupport",
        "_last_heard",
        "_left_in_order",
        "_lines",
        "_pinged",
        "_pinged_at",
        "_session",
        "_throttled_until",
    )

    def __init__(self, session: Session) -> None:
        self._session = session
        self._lines = LineBuffer()
        self._inbox: deque[str | ProtocolError] = deque()  # lines as they came: parsed, they need much more memory
        self._head: Message | ProtocolError | None = None  # the first one, parsed
        self._isupport = session.hub.isupport  # the dictionary of which the client has been told
        self._throttled_until = 0.0
        self._last_heard = self._pinged_at = time.monotonic()
        self._pinged = False
        self._left_in_order = False  # the client has closed its side

    def run(self) -> None:
        """The life of the session: its thread's target."""
        session = self._session
        hub = session.hub
        try:
            with hub.cores.anywhere():
                session.link.handshake(hub.config.limits.handshake_timeout)
        except (LinkBroken, ssl.SSLError, OSError) as error:
            hub.log.info("handshake failed", session=session.number, address=session.address, why=why_it_failed(error))
            session.link.close()
            hub.forget(session)
            return
        session.shaking_hands = False
        note_certificate(session)
        hub.log.debug("connected", session=session.number, address=session.address, tls=session.link.cipher())
        reason = "The connection ended"
        try:
            reason = self._serve()
        except LinkBroken as broken:
            reason = str(broken)
        except Exception as error:  # a defect of ours costs this session, and tells whoever reads the log
            hub.on_error("a session failed", error)
            reason = "The server made a mistake"
            session.ending = session.ending or reason
        finally:
            self._leave(reason)
            session.link.close(GOODBYE_SECONDS)
            hub.forget(session)

    def _serve(self) -> str:
        """Until the client or the server wants to end it; why."""
        session = self._session
        link = session.link
        journal = session.hub.journal
        while True:
            if session.hub.isupport is not self._isupport:
                known, self._isupport = self._isupport, session.hub.isupport
                session.bucket = session.hub.line_bucket()
                self._throttled_until = 0.0  # which the old rate wanted
                keep_up(session, known)
            ready = self._process_inbox()
            if session.kept_waiting:
                session.kept_waiting = False
                self._last_heard = time.monotonic()
            if session.ending is not None:
                return session.ending
            now = time.monotonic()
            timeout = self._check_time(now, ready)
            # Lines that have come and must wait, since there are so many, are in time.
            if session.batch is not None and not self._inbox and self._head is None:
                timeout = min(timeout, session.batch.check_time(session, now))
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
                    self._left_in_order = not link.truncated
                    return "Connection closed" if link.truncated else "Client closed the connection"
                # From one that is not to be read there is something only when it is gone. What it had sent would take
                # memory, and nobody waits for the answers.
                if data and ready:
                    self._last_heard = time.monotonic()
                    self._pinged = False
                    self._receive(data)
                del data  # or an idle client's password would be held until it sends something else
                if session.bucket is not None and not self._inbox:
                    now = time.monotonic()
                    self._throttled_until = now + session.bucket.charge(now, EMPTY_READ)
            journal.run()  # the turn may have been passed to us

    def _receive(self, data: bytes) -> None:
        """Put what has come behind what is to be done."""
        session = self._session
        items = self._lines.feed(data)
        if len(items) > MAX_BAD_LINES and sum(type(item) is not str for item in items) > MAX_BAD_LINES:
            session.end("Too much that is not IRC")  # each takes far more memory than the bytes that it was
            return
        self._inbox.extend(items)

    def _process_inbox(self) -> bool:
        """Carry out the lines that have come. Returns whether more may be read."""
        session = self._session
        inbox = self._inbox
        commands = session.hub.commands
        bucket = session.bucket
        session.resume_at = None
        while (inbox or self._head is not None) and session.ending is None:
            if session.link.answers >= MAX_ANSWERS:
                session.hub.journal.run()
                session.link.flush(owner=True)
                if session.link.answers >= MAX_ANSWERS:
                    return False
            if session.arriving or session.submitted - session.answered >= MAX_PENDING:
                if not self._drain(session.submitted if session.arriving else session.submitted - RESUME_PENDING):
                    return False
                session.arriving = False
            message = self._head
            if message is None:
                item = inbox.popleft()
                if bucket is not None and type(item) is str and len(item) > MAX_LINE_BYTES:
                    bucket.charge(time.monotonic(), len(item) // MAX_LINE_BYTES)
                message = self._head = _parse(item)
            command = commands.get(message.command) if type(message) is Message else None
            if (command is None or not command.pipelined) and not self._drain(session.submitted):
                return False
            if command is not None and command.large and not self._has_taken_answers():
                session.hub.journal.run()  # what was asked before has nothing to wait for
                return False
            if bucket is not None:
                now = time.monotonic()
                wait = bucket.take(now)
                if wait > 0:
                    self._throttled_until = now + wait
                    session.hub.journal.run()
                    return False
            self._head = None
            if session.barred and not is_for_everybody(message):
                refuse(session, session.barred)
            elif type(message) is Message:
                carry_out(session, command, message)
            else:
                self._reject(message)  # type: ignore[arg-type]
        session.hub.journal.run()
        if session.arriving and session.answered == session.submitted:
            session.arriving = False
        if session.submitted - session.answered >= MAX_PENDING:
            session.resume_at = session.submitted - RESUME_PENDING
            return False
        return True

    def _drain(self, until: int) -> bool:
        """Have the journal run until so many entries are answered; false when another thread is at it.

        Then the runner will wake us.
        """
        session = self._session
        if session.answered >= until:
            return True
        session.hub.journal.run()
        if session.answered >= until:
            return True
        session.resume_at = until  # from now on the runner wakes us; what it answered just before, we see ourselves
        if session.answered < until:
            return False
        session.resume_at = None
        return True

    def _has_taken_answers(self) -> bool:
        """Whether the client has taken all long answers; what it has not, it is given now as far as it takes it."""
        session = self._session
        session.link.flush(owner=True)
        return not session.link.answers

    def _can_go_on(self) -> bool:
        session = self._session
        return session.resume_at is not None and session.answered >= session.resume_at

    def _reject(self, error: ProtocolError) -> None:
        """A line that is none; it is answered in its place."""
        session = self._session
        if isinstance(error, MalformedMessageError) and error.command.upper() == HTTP_HEADER and not session.registered:
            session.end("This is no web server")
            return
        session.reply(error, [session.answer(answer) for answer in error.answers])
        if session.batch is not None:
            session.batch.give_up(session)  # it may have been a line of it

    def _check_time(self, now: float, ready: bool) -> float:
        """Seconds until the clock wants something of this session; it may want its end. ``ready``: for more lines."""
        session = self._session
        limits = session.hub.config.limits
        if not session.registered:
            left = session.registration.deadline - now
            if left <= 0 and session.arriving:
                return limits.registration_timeout  # it has said all that it had to, and waits for the chat
            # What is there by now may have come in time, and we are late: where thousands come at once, for example.
            if left <= 0 and not (ready and left > -limits.registration_timeout and session.link.wait(0)):
                session.end("Registration timed out")
            return max(left, 0.0)
        if not self._pinged:
            # One that has a device is asked while it speaks, too: its answer says up to where it has seen what was
            # said to it, and nothing else does.
            since = self._last_heard if session.account is None else self._pinged_at
            if now - since < limits.ping_interval:
                return limits.ping_interval - (now - since)
            self._pinged = True
            self._pinged_at = now
            session.link.queue(session.ping(session.hub.name, session.hub.journal.delivered))
        left = limits.ping_interval + limits.ping_timeout - (now - self._last_heard)
        if left <= 0:
            session.end(f"Ping timeout: {limits.ping_interval + limits.ping_timeout:g} seconds")
        return max(left, 0.0)

    def _leave(self, reason: str) -> None:
        """Leave the chat, and say why."""
        session = self._session
        hub = session.hub
        session.waiting = Waiting()
        # When the server stops nobody is there to be told. But up to where the client has seen what was said is noted;
        # and what is still in the queue must be done: the turn may be passed to this thread, and when it has ended
        # nobody takes it.
        departs = session.number in hub.sessions
        if departs and hub.stopping:
            # The turn in which it was sent something may not have ended, and only then is that known as delivered.
            hub.journal.ask(waiting=session.waiting)
            session.waiting = Waiting()
        if departs or session.answered < session.submitted:
            requests = [Depart(session.number, reason, self._seen(), hub.stopping)] if departs else []
            hub.journal.ask(requests, lambda _: hub.monitors.clear(session.number), session.waiting)
        hub.sessions.pop(session.number, None)
        why = "Quit" if reason.startswith("Quit: ") else reason  # the rest of that is what somebody wrote
        # Who never was on the chat may have typed anything where the nick goes.
        nick = session.nick if session.registered else "*"
        hub.log.info("disconnected", session=session.number, address=session.address, nick=nick, why=why)
        if session.ending is not None:
            session.link.queue(session.raw(f"ERROR :Closing link: {reason}"))

    def _seen(self) -> int:
        """Up to which stamp the client has seen what was said; 0: all of it, with what is said until it has gone."""
        session = self._session
        delivered = session.hub.journal.delivered
        quits = session.ending is not None and session.ending.startswith("Quit: ")
        in_order = quits or self._left_in_order or session.hub.stopping
        if not in_order or not session.link.drained():
            return max(session.seen, 1)
        return 0 if quits else delivered


def _parse(item: str | ProtocolError) -> Message | ProtocolError:
    if isinstance(item, ProtocolError):
        return item
    try:
        return Message.parse(item)
    except MalformedMessageError as error:
        return error
