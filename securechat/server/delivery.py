"""Shows what became of requests to everyone who sees it. Runs inside the journal's turn, which makes the order.

Most of what a busy server does is to send one channel's messages to the same many sessions. So messages that follow
each other and go to the same sessions are gathered into a *run*: their lines are rendered and joined once for each
flavour, and each session gets one piece of bytes for the whole run. The senders, whose own lines differ (they carry a
label, or are missing where echo-message was not asked for), get a piece of their own.
"""

from __future__ import annotations

from collections.abc import Callable

from securechat.chat.events import (
    Said,
)
from securechat.chat.machine import Applied
from securechat.chat.refusals import Reason, Refusal
from securechat.chat.requests import Request, SetMetadata
from securechat.irc.tags import escape
from securechat.server import answers_metadata
from securechat.server.display import Display
from securechat.server.lines import (
    SAID,
    said,
    with_tag,
)
from securechat.server.login_cache import LoginCache
from securechat.server.monitors import Monitors
from securechat.server.outgoing import Outgoing
from securechat.server.replies import Reply, labelled, refusal
from securechat.server.session import Session, SessionEntry
from securechat.server.whowas import WhoWas
from securechat.store.journal import Entry

__all__ = ["Delivery"]


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

    def __init__(
        self,
        sessions: dict[int, Session],
        monitors: Monitors,
        whowas: WhoWas,
        login_cache: LoginCache,
        on_error: Callable[[str, BaseException], None],
    ) -> None:
        self._outgoing = Outgoing(sessions)
        self._display = Display(self._outgoing, monitors, whowas, login_cache)
        self._on_error = on_error
        self._run: _Run | None = None

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
            self._outgoing.flush()
            for session, weight in answered.items():
                session.settle(weight)

    def _deliver(self, entry: SessionEntry) -> None:
        session = entry.session
        outcomes = entry.outcomes
        if len(outcomes) == 1 and entry.question is None:
            outcome = outcomes[0]
            if type(outcome) is Applied and len(outcome.events) == 1:
                event = outcome.events[0]
                if type(event) is Said and event.channel_id is not None and not event.alone:
                    self._add_to_run(event, session, entry.label)
                    return
        replies: list[Reply] = []
        after = self._display.after = []
        self._show_all(entry, session, replies)
        if entry.render is not None:
            replies.append(iter(entry.render(entry.answer)))
        for reply in (*labelled(session, replies, entry.label), *after):
            self._outgoing.queue(session, reply)

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
        sessions = self._outgoing.sessions
        touched = self._outgoing.touched
        at_once = last and not touched  # what most batches are: one run and nothing else
        origins = {event.origin for event in run.events} if at_once else ()
        echoes: list[tuple[Session, bytes]] = []
        for number in run.audience:
            session = sessions.get(number)
            if session is None:
                continue
            flavour = session.flavour & SAID
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
                if not at_once:
                    session.link.queue(data)
                    touched[session] = None
                elif number in origins:
                    echoes.append((session, data))
                else:
                    session.link.send(data)
        for session, data in echoes:  # who has the echo can rely on it that the others have the message
            session.link.send(data)

    # -- everything else ----------------------------------------------------------------------------------------------

    def _show_all(self, entry: Entry, origin: Session | None, replies: list[Reply]) -> None:
        """Show the events of an entry; what is for ``origin`` in answer to it goes to ``replies``."""
        self._close_run()
        for request, outcome in zip(entry.requests, entry.outcomes, strict=True):
            if isinstance(outcome, Refusal):
                if isinstance(entry, SessionEntry):
                    self._refuse(entry, request, outcome, replies)
            else:
                for event in outcome.events:
                    self._display.show(event, origin, replies)
                if isinstance(entry, SessionEntry) and entry.command == "METADATA":
                    # What was set before the arrival, and comes with it, was answered then.
                    replies.append(answers_metadata.changed(entry.session, request, outcome.events))

    def _refuse(self, entry: SessionEntry, request: Request, refused: Refusal, replies: list[Reply]) -> None:
        session = entry.session
        if entry.command == "NOTICE" and entry.label is None:
            # Modern IRC: a NOTICE is never answered, not even with an error. With a label it has to be answered
            # (labeled-response), and an ACK would say that it was said.
            return
        command = entry.command
        if isinstance(request, SetMetadata) and command != "METADATA":  # it was set before the arrival
            if refused.reason is Reason.NO_SUCH_SESSION:  # which was refused as well
                return
            command = "METADATA"
        else:
            session.refused(refused)
        answer = entry.explain(refused) if entry.explain is not None else refusal(refused, command)
        replies.append(session.answer(answer))
