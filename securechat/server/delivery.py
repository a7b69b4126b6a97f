"""Shows what became of requests to everyone who sees it. Runs inside the journal's turn, which makes the order.

Most of what a busy server does is to send one channel's messages to the same many sessions. So messages that follow
each other and go to the same sessions are gathered into a *run*: their lines are rendered and joined once for each
flavour, and each session gets one piece of bytes for the whole run. The senders, whose own lines differ (they carry a
label, or are missing where echo-message was not asked for), get a piece of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator

from securechat.chat.events import (
    AccountChanged,
    Arrived,
    AwayChanged,
    Banned,
    ChannelRenamed,
    ChannelView,
    Event,
    HostChanged,
    Invited,
    Joined,
    Kicked,
    Left,
    MetadataChanged,
    ModesChanged,
    NickChanged,
    OwnerChanged,
    Parted,
    RealnameChanged,
    Said,
    SessionsEnded,
    Silenced,
    TopicChanged,
    Unbanned,
    UserModesChanged,
    WallopsSaid,
)
from securechat.chat.machine import Applied
from securechat.chat.model import BanKind
from securechat.chat.refusals import Reason, Refusal
from securechat.chat.requests import Request, SetMetadata
from securechat.chat.server_bans import covers
from securechat.irc.names import casefold
from securechat.irc.numerics import Numeric
from securechat.irc.standard_replies import Code, warn
from securechat.irc.tags import escape
from securechat.server import answers, answers_metadata, metadata_sync
from securechat.server.fallbacks import reentry, renamed
from securechat.server.lines import (
    CHGHOST,
    EXTENDED_MONITOR,
    INVITE_NOTIFY,
    MULTILINE,
    SAID,
    TAGS,
    Visible,
    render,
    said,
    said_in_lines,
    with_tag,
)
from securechat.server.metadata_sync import Sync
from securechat.server.monitors import Monitors
from securechat.server.replies import Rendered, Reply, labelled, refusal
from securechat.server.session import Session, SessionEntry
from securechat.server.whowas import WhoWas
from securechat.store.journal import Entry

__all__ = ["Delivery"]

MAX_UNASKED = 1000
"""Answers that a session has not asked for and not taken yet: of channels that other sessions of the same user have
entered, and what is said of those whom it monitors."""


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
        on_error: Callable[[str, BaseException], None],
    ) -> None:
        self._sessions = sessions
        self._monitors = monitors
        self._whowas = whowas
        self._on_error = on_error
        self._run: _Run | None = None
        self._after: list[Reply] = []  # what a session is to see behind the answer that is being made for it
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
                if type(event) is Said and event.channel_id is not None and not event.alone:
                    self._add_to_run(event, session, entry.label)
                    return
        replies: list[Reply] = []
        self._after = []
        self._show_all(entry, session, replies)
        if entry.render is not None:
            replies.append(iter(entry.render(entry.answer)))
        for reply in (*labelled(session, replies, entry.label), *self._after):
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
                    self._show(event, origin, replies)
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

    def _show(self, event: Event, origin: Session | None, replies: list[Reply]) -> None:
        self._note(event)
        match event:
            case Said():
                self._show_said(event, origin, replies)
            case Joined():
                self._show_joined(event, origin, replies)
            case ModesChanged():
                self._show_line(event, event.audience, origin, replies)
                if origin is not None:
                    replies.extend(origin.answer(refusal(problem, "MODE")) for problem in event.problems)
            case Invited():
                self._show_invited(event, origin, replies)
            case AwayChanged():
                self._show_away(event, origin, replies)
            case HostChanged():
                self._show_host(event, origin, replies)
            case ChannelRenamed():
                self._show_renamed(event, origin, replies)
            case MetadataChanged():
                self._show_metadata(event)
            case RealnameChanged() | AccountChanged():
                self._show_line(event, event.audience, origin, replies)
                self._show_line(event, self._monitoring(event.source, event.audience), origin, replies)
            case (
                Parted() | Kicked() | NickChanged() | TopicChanged() | Left() | UserModesChanged() | WallopsSaid()
                | Silenced()
            ):  # fmt: skip
                self._show_line(event, event.audience, origin, replies)
            case OwnerChanged():
                self._show_owner(event, origin, replies)
            case Banned() | Unbanned():
                self._show_ban(event, origin, replies)
            case SessionsEnded():
                for session in self._there(event.sessions):
                    session.end(event.reason)
            case _:
                pass  # accounts and the like: nobody sees those
        self._tell_monitors(event, origin)

    def _note(self, event: Event) -> None:
        """What is remembered of it: by the sessions themselves, and of those who are here no more."""
        match event:
            case Arrived():
                for session in self._there((event.session,)):
                    session.arrived(event)
            case Left():
                self._whowas.note(event)
            case NickChanged():
                self._whowas.note(event)
                for session in self._there(event.own):
                    session.nick = event.nick
            case UserModesChanged():
                for session in self._there(event.audience):
                    session.operator = "o" in event.modes
            case _:
                pass

    def _there(self, numbers: Iterable[int]) -> Iterator[Session]:
        """The sessions with these numbers, of those that are still there."""
        for number in numbers:
            session = self._sessions.get(number)
            if session is not None:
                yield session

    def _show_line(self, event: Visible, audience: Iterable[int], origin: Session | None, replies: list[Reply]) -> None:
        rendered: dict[int, bytes] = {}
        for session in self._there(audience):
            flavour = session.flavour
            line = rendered.get(flavour)
            if line is None:
                line = rendered[flavour] = render(event, flavour)
            if session is origin:
                replies.extend(line.splitlines(keepends=True))
            else:
                self._queue(session, line)

    def _show_joined(self, event: Joined, origin: Session | None, replies: list[Reply]) -> None:
        self._show_line(event, event.audience, origin, replies)
        self._show_what_follows(event)
        for session in self._there(event.joiners):
            self._show_view(session, event.view, origin, replies)

    def _show_what_follows(self, event: Joined) -> None:
        """What others are to know of somebody who comes in: that they are away, and what they are in the channel."""
        if event.away is None and not event.modes:
            return
        others = [number for number in event.audience if number not in event.joiners]
        if event.away is not None:
            text = event.away
            away = AwayChanged(event.stamp, 0, event.source, event.account, event.account_id, text, text, True, ())
            for session in self._there(others):
                self._queue(session, render(away, session.flavour & ~TAGS))  # the JOIN has the msgid of this stamp
        if event.modes:
            for session in self._there(others):
                names = " ".join([event.nick] * len(event.modes))
                self._queue(session, session.line(f"MODE {event.channel} +{event.modes} {names}"))

    def _show_view(self, session: Session, view: ChannelView, origin: Session | None, replies: list[Reply]) -> None:
        """Show a channel to one who has come into it, and what is said of it and its members."""
        shown = [answers.channel(session, view)]
        if metadata_sync.aware(session):
            found = metadata_sync.of_channel(session, session.hub.chat, view.name)
            shown.append(answers_metadata.sync(session, found or Sync(view.name, ())))
        for answer in shown:
            if session is origin:
                replies.append(answer)
            else:
                self._queue_answer(session, answer)

    def _show_invited(self, event: Invited, origin: Session | None, replies: list[Reply]) -> None:
        self._show_line(event, event.audience, None, replies)
        notified = [s.number for s in self._there(event.watchers) if s.flavour & INVITE_NOTIFY]
        self._show_line(event, notified, None, replies)
        if origin is not None:
            replies.append(origin.numeric(Numeric.RPL_INVITING, event.nick, event.channel))
            if event.away is not None:
                replies.append(origin.numeric(Numeric.RPL_AWAY, event.nick, event.away))

    def _show_away(self, event: AwayChanged, origin: Session | None, replies: list[Reply]) -> None:
        if event.seen:
            self._show_line(event, event.audience, None, replies)
            self._show_line(event, self._monitoring(event.source, event.audience), None, replies)
        if origin is not None and event.asked:
            replies.append(origin.numeric(Numeric.RPL_UNAWAY if event.away is None else Numeric.RPL_NOWAWAY))

    def _show_host(self, event: HostChanged, origin: Session | None, replies: list[Reply]) -> None:
        """Who does not know CHGHOST sees somebody quit and come in again (IRCv3 chghost, "Fallback")."""
        self._show_line(event, event.audience, origin, replies)
        self._show_line(event, self._monitoring(event.source, event.audience), None, replies)
        for session in self._there(event.audience):
            if session.flavour & CHGHOST:
                continue
            if session.number not in event.own:
                for line in reentry(event, session.number, session.flavour, session.line):
                    self._queue(session, line)
            elif session is origin:
                replies.append(session.numeric(Numeric.RPL_VISIBLEHOST, event.host))
            else:
                self._queue(session, session.numeric(Numeric.RPL_VISIBLEHOST, event.host))

    def _show_renamed(self, event: ChannelRenamed, origin: Session | None, replies: list[Reply]) -> None:
        """Who does not know RENAME sees themselves leave and come in (IRCv3 channel-rename, "Fallback")."""
        for source, account, realname, sessions in event.members:
            for session in self._there(sessions):
                lines = renamed(event, source, account, realname, session.flavour)
                if session is origin:
                    replies.extend(lines)
                else:
                    for line in lines:
                        self._queue(session, line)
                if len(lines) > 1:
                    self._show_view(session, event.view, origin, replies)

    def _show_said(self, event: Said, origin: Session | None, replies: list[Reply]) -> None:
        """A message that is not in a run: to a nick, of several lines, or one of several targets of a line."""
        to_channel = event.channel_id is not None
        rendered: dict[int, bytes] = {}
        for number in (*event.audience, *event.copies):
            session = self._sessions.get(number)
            # To a nick, the sender's own session is in the audience only where they write to themselves.
            if session is None or (session is origin and (to_channel or number in event.copies)):
                continue
            flavour = session.flavour & (SAID | MULTILINE)
            line = rendered.get(flavour)
            if line is None:
                line = rendered[flavour] = said(event, flavour)
            self._queue(session, line)
        if origin is None:
            return
        if origin.echo:
            replies.extend(_echo(event, origin.flavour))
        if event.cut and event.kind == "PRIVMSG" and "standard-replies" in origin.caps.enabled:
            replies.append(origin.answer(warn(Code.MESSAGE_CUT, event.kind, event.target)))
        if event.kind == "PRIVMSG" and (event.held or event.away is not None):
            away = answers.HELD if event.held else event.away or ""
            replies.append(origin.numeric(Numeric.RPL_AWAY, event.target, away))

    def _show_owner(self, event: OwnerChanged, origin: Session | None, replies: list[Reply]) -> None:
        told = answers.owner(event.channel, event.owner)
        for session in self._there(event.audience):
            if session is origin:
                replies.append(session.answer(told))
            else:
                self._queue(session, session.answer(told))

    def _show_ban(self, event: Banned | Unbanned, origin: Session | None, replies: list[Reply]) -> None:
        """Tell the operator; who comes from a network that is banned now is sent away."""
        if origin is not None:
            replies.append(origin.answer(answers.ban(event.ban, lifted=isinstance(event, Unbanned))))
        if isinstance(event, Banned) and event.ban.kind is BanKind.NETWORK:
            for session in list(self._sessions.values()):
                if covers(event.ban, session.address):
                    session.end(f"You are banned: {event.ban.reason}")

    def _show_metadata(self, event: MetadataChanged) -> None:
        """Tell those who have subscribed to the keys, and see whom it is about. Who made the change is answered."""
        told = dict.fromkeys(event.audience)
        if event.changes and not event.target.startswith("#"):
            told.update(dict.fromkeys(self._monitors.watching(event.target)))
        told.pop(event.session, None)
        notices = answers_metadata.notices(event)
        for session in self._there(told):
            if metadata_sync.aware(session):
                for line in answers_metadata.told(session, notices):
                    self._queue(session, line)

    # -- MONITOR ------------------------------------------------------------------------------------------------------

    def _monitoring(self, source: str, without: Collection[int]) -> list[int]:
        """The sessions that monitor somebody and are to hear more of them than coming and going (extended-monitor).

        Not their own: what those are to hear of themselves they hear anyway.
        """
        nick = source.partition("!")[0]
        watchers = self._monitors.watching(nick)
        seen = set(without) if watchers else ()
        return [
            s.number
            for s in self._there(watchers)
            if s.flavour & EXTENDED_MONITOR and s.number not in seen and s.nick != nick
        ]

    def _tell_monitors(self, event: Event, origin: Session | None) -> None:
        """Tell those who monitor somebody that they are on the chat, or no more."""
        match event:
            case Arrived() if event.first:
                self._tell(event.nick, Numeric.RPL_MONONLINE, event.source, origin)
                if event.away is not None:
                    self._show_line(_away(event), self._monitoring(event.source, ()), None, [])
            case Left():
                nick = event.source.partition("!")[0]
                self._tell(nick, Numeric.RPL_MONOFFLINE, nick, origin)
            case NickChanged():
                nick = event.source.partition("!")[0]
                if casefold(nick) != casefold(event.nick):
                    self._tell(nick, Numeric.RPL_MONOFFLINE, nick, origin)
                    self._tell(event.nick, Numeric.RPL_MONONLINE, event.new_source, origin)
            case _:
                pass

    def _tell(self, nick: str, code: Numeric, text: str, origin: Session | None) -> None:
        for session in self._there(self._monitors.watching(nick)):
            line = session.numeric(code, text)
            found = None
            if code is Numeric.RPL_MONONLINE and metadata_sync.aware(session):
                found = metadata_sync.of_user(session, session.hub.chat, nick) or Sync(nick, ())
            if session is origin:  # who watches their own old or new nick hears of it when they have it
                self._after.append(line)
                if found is not None:
                    self._after.append(answers_metadata.sync(session, found))
            else:
                self._queue(session, line)
                if found is not None:
                    self._queue_answer(session, answers_metadata.sync(session, found))

    def _queue(self, session: Session, reply: Reply) -> None:
        if reply:
            session.link.queue(reply)
            self._touched[session] = None

    def _queue_answer(self, session: Session, answer: Iterator[bytes]) -> None:
        """Queue what is made while it is sent, and was not asked for: so the session may take none of it."""
        if session.link.answers < MAX_UNASKED:
            self._queue(session, answer)
        else:
            session.end("Too far behind")


def _away(event: Arrived) -> AwayChanged:
    """That somebody who comes is away, as if they said it now."""
    text, bot = event.away, "B" in event.modes
    return AwayChanged(event.stamp, 0, event.source, event.account, event.account_id, text, text, True, (), bot)


def _echo(event: Said, flavour: int) -> list[Reply]:
    """A message as it comes back to who sent it; nothing where they could not understand it."""
    if event.multiline:
        lines = said_in_lines(event, flavour)
        return [Rendered(lines)] if flavour & MULTILINE else [*lines]
    line = said(event, flavour)
    return [line] if line else []
