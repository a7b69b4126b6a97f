"""Shows what became of requests to everyone who sees it. Runs inside the journal's turn, which makes the order.

Most of what a busy server does is to send one channel's messages to the same many sessions. So messages that follow
each other and go to the same sessions are gathered into a *run*: their lines are rendered and joined once for each
flavour, and each session gets one piece of bytes for the whole run. The senders, whose own lines differ (they carry a
label, or are missing where echo-message was not asked for), get a piece of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from securechat.chat.events import (
    Arrived,
    Event,
    Joined,
    Left,
    NickChanged,
    Parted,
    Said,
    SessionsEnded,
    TopicChanged,
)
from securechat.chat.machine import Applied
from securechat.chat.refusals import Refusal
from securechat.irc.numerics import Numeric
from securechat.irc.standard_replies import Code, warn
from securechat.irc.tags import escape
from securechat.server import answers
from securechat.server.lines import EXTENDED_JOIN, Visible, render, said, with_tag
from securechat.server.replies import Reply, labelled, refusal
from securechat.server.session import Session, SessionEntry
from securechat.store.journal import Entry

__all__ = ["Delivery"]

MAX_VIEWS = 1000
"""Channels that other sessions of the same user have entered, and of which a session has not taken the names yet."""

_SAID_FLAVOURS = ~EXTENDED_JOIN


class _Run:
    """Messages that go to the same sessions, one after the other."""

    __slots__ = ("audience", "events", "own")

    def __init__(self, audience: tuple[int, ...]) -> None:
        self.audience = audience
        self.events: list[Said] = []
        self.own: dict[int, dict[int, bytes]] = {}
        """For sessions that see some of these lines otherwise: by the line's index, what they get in its place."""


class Delivery:
    """``sessions``: all that are on the chat, by number. ``on_error`` is told of exceptions, which are our defects."""

    def __init__(self, sessions: dict[int, Session], on_error: Callable[[str, BaseException], None]) -> None:
        self._sessions = sessions
        self._on_error = on_error
        self._run: _Run | None = None
        self._touched: dict[Session, None] = {}  # whose links are to be flushed

    def deliver(self, batch: list[Entry]) -> None:
        """Queue for everyone what they are to see of this batch, then write it."""
        answered: dict[Session, int] = {}
        for entry in batch:
            try:
                if type(entry) is SessionEntry:
                    answered[entry.session] = answered.get(entry.session, 0) + entry.weight
                    self._deliver(entry)
                else:
                    self._show_all(entry, None, [])
            except Exception as error:
                self._on_error("delivery failed", error)
        try:
            self._close_run(last=True)
        finally:  # nobody is to wait for ever for an answer that could not be made
            touched, self._touched = self._touched, {}
            for session in touched:
                session.link.flush()
            for session, weight in answered.items():
                session.settle(weight)

    def _deliver(self, entry: SessionEntry) -> None:
        session = entry.session
        outcomes = entry.outcomes
        if len(outcomes) == 1 and entry.question is None:
            outcome = outcomes[0]
            if type(outcome) is Applied and len(outcome.events) == 1:
                event = outcome.events[0]
                if type(event) is Said and event.channel_id is not None and not event.cut:
                    self._add_to_run(event, session, entry.label)
                    return
        replies: list[Reply] = []
        self._show_all(entry, session, replies)
        if entry.render is not None:
            replies.append(iter(entry.render(entry.answer)))
        for reply in labelled(session, replies, entry.label):
            self._queue(session, reply)

    # -- runs ---------------------------------------------------------------------------------------------------------

    def _add_to_run(self, event: Said, session: Session, label: str | None) -> None:
        run = self._run
        if run is None or run.audience is not event.audience:
            self._close_run()
            run = self._run = _Run(event.audience)
        if label is not None or not session.echo:
            if label is not None:
                line = said(event, session.flavour) if session.echo else session.line("ACK")
                own = with_tag(line, b"label=" + escape(label).encode()) if line else b""
            else:
                own = b""
            run.own.setdefault(session.number, {})[len(run.events)] = own
        run.events.append(event)

    def _close_run(self, *, last: bool = False) -> None:
        """Queue what the run has for each session; or send it, if it is the ``last`` of the batch and the only one."""
        run = self._run
        if run is None:
            return
        self._run = None
        rendered: dict[int, list[bytes]] = {}
        joined: dict[int, bytes] = {}
        own = run.own
        sessions = self._sessions
        touched = self._touched
        at_once = last and not touched  # what most batches are: one run and nothing else
        for number in run.audience:
            session = sessions.get(number)
            if session is None:
                continue
            flavour = session.flavour & _SAID_FLAVOURS
            data = joined.get(flavour)
            if data is None:
                rendered[flavour] = [said(event, flavour) for event in run.events]
                data = joined[flavour] = b"".join(rendered[flavour])
            if number in own:
                lines = rendered[flavour].copy()
                for index, line in own[number].items():
                    lines[index] = line
                data = b"".join(lines)
            if data:
                if at_once:
                    session.link.send(data)
                else:
                    session.link.queue(data)
                    touched[session] = None

    # -- everything else ----------------------------------------------------------------------------------------------

    def _show_all(self, entry: Entry, origin: Session | None, replies: list[Reply]) -> None:
        """Show the events of an entry; what is for ``origin`` in answer to it goes to ``replies``."""
        self._close_run()
        for outcome in entry.outcomes:
            if isinstance(outcome, Refusal):
                if isinstance(entry, SessionEntry):
                    self._refuse(entry, outcome, replies)
            else:
                for event in outcome.events:
                    self._show(event, origin, replies)

    def _refuse(self, entry: SessionEntry, refused: Refusal, replies: list[Reply]) -> None:
        session = entry.session
        if entry.command == "NOTICE" and entry.label is None:
            # Modern IRC: a NOTICE is never answered, not even with an error. With a label it has to be answered
            # (labeled-response), and an ACK would say that it was said.
            return
        session.refused(refused)
        replies.append(session.answer(refusal(refused, entry.command)))

    def _show(self, event: Event, origin: Session | None, replies: list[Reply]) -> None:
        match event:
            case Said():
                self._show_said(event, origin, replies)
            case Joined():
                self._show_joined(event, origin, replies)
            case Parted() | NickChanged() | TopicChanged() | Left():
                if isinstance(event, NickChanged):
                    for number in event.own:
                        if (session := self._sessions.get(number)) is not None:
                            session.nick = event.nick
                self._show_line(event, event.audience, origin, replies)
            case Arrived():
                if origin is not None:
                    origin.arrived(event)
            case SessionsEnded():
                for number in event.sessions:
                    if (session := self._sessions.get(number)) is not None:
                        session.end(event.reason)
            case _:
                pass  # accounts and the like: nobody sees those

    def _show_line(self, event: Visible, audience: Iterable[int], origin: Session | None, replies: list[Reply]) -> None:
        rendered: dict[int, bytes] = {}
        for number in audience:
            session = self._sessions.get(number)
            if session is None:
                continue
            flavour = session.flavour
            line = rendered.get(flavour)
            if line is None:
                line = rendered[flavour] = render(event, flavour)
            if session is origin:
                replies.append(line)
            else:
                self._queue(session, line)

    def _show_joined(self, event: Joined, origin: Session | None, replies: list[Reply]) -> None:
        self._show_line(event, event.audience, origin, replies)
        for number in event.joiners:
            session = self._sessions.get(number)
            if session is None:
                continue
            view = answers.channel(session, event.view)
            if session is origin:
                replies.append(view)
            elif session.link.answers < MAX_VIEWS:
                self._queue(session, view)
            else:
                session.end("Too far behind")

    def _show_said(self, event: Said, origin: Session | None, replies: list[Reply]) -> None:
        """A message that is not in a run: to a nick, or one of several targets of a line."""
        to_channel = event.channel_id is not None
        for number in event.audience:
            session = self._sessions.get(number)
            if session is not None and not (to_channel and session is origin):
                self._queue(session, said(event, session.flavour))
        for number in event.copies:
            session = self._sessions.get(number)
            if session is not None and session is not origin:
                self._queue(session, said(event, session.flavour))
        if origin is None:
            return
        if origin.echo:
            line = said(event, origin.flavour)
            if line:
                replies.append(line)
        if event.cut and event.kind == "PRIVMSG" and "standard-replies" in origin.caps.enabled:
            replies.append(origin.answer(warn(Code.MESSAGE_CUT, event.kind, event.target)))
        if event.held and event.kind == "PRIVMSG":
            replies.append(origin.numeric(Numeric.RPL_AWAY, event.target, answers.HELD))

    def _queue(self, session: Session, reply: Reply) -> None:
        if reply:
            session.link.queue(reply)
            self._touched[session] = None
