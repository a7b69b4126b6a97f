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
from securechat.chat.refusals import Refusal
from securechat.chat.server_bans import covers
from securechat.irc.names import casefold
from securechat.irc.numerics import Numeric
from securechat.irc.standard_replies import Code, warn
from securechat.irc.tags import escape
from securechat.server import answers
from securechat.server.fallbacks import reentry, renamed
from securechat.server.lines import (
    CHGHOST,
    EXTENDED_MONITOR,
    INVITE_NOTIFY,
    SAID,
    TAGS,
    Visible,
    render,
    said,
    with_tag,
)
from securechat.server.monitors import Monitors
from securechat.server.replies import Reply, labelled, refusal
from securechat.server.session import Session, SessionEntry
from securechat.store.journal import Entry

__all__ = ["Delivery"]

MAX_VIEWS = 1000
"""Channels that other sessions of the same user have entered, and of which a session has not taken the names yet."""


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
        self, sessions: dict[int, Session], monitors: Monitors, on_error: Callable[[str, BaseException], None]
    ) -> None:
        self._sessions = sessions
        self._monitors = monitors
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
                if type(event) is Said and event.channel_id is not None and not event.alone:
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
        self._tell_monitors(event)

    def _note(self, event: Event) -> None:
        """What the sessions themselves, and nobody else, have to know."""
        match event:
            case Arrived():
                for session in self._there((event.session,)):
                    session.arrived(event)
            case NickChanged():
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
        """Show a channel to one who has come into it."""
        shown = answers.channel(session, view)
        if session is origin:
            replies.append(shown)
        elif session.link.answers < MAX_VIEWS:
            self._queue(session, shown)
        else:
            session.end("Too far behind")

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
        """A message that is not in a run: to a nick, or one of several targets of a line."""
        to_channel = event.channel_id is not None
        for session in self._there(event.audience):
            if not (to_channel and session is origin):
                self._queue(session, said(event, session.flavour))
        for session in self._there(event.copies):
            if session is not origin:
                self._queue(session, said(event, session.flavour))
        if origin is None:
            return
        if origin.echo:
            line = said(event, origin.flavour)
            if line:
                replies.append(line)
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

    # -- MONITOR ------------------------------------------------------------------------------------------------------

    def _monitoring(self, source: str, without: Collection[int]) -> list[int]:
        """The sessions that monitor somebody and are to hear more of them than coming and going (extended-monitor)."""
        watchers = self._monitors.watching(source.partition("!")[0])
        seen = set(without) if watchers else ()
        return [s.number for s in self._there(watchers) if s.number not in seen and s.flavour & EXTENDED_MONITOR]

    def _tell_monitors(self, event: Event) -> None:
        """Tell those who monitor somebody that they are on the chat, or no more."""
        match event:
            case Arrived() if event.first:
                self._tell(event.nick, Numeric.RPL_MONONLINE, event.source)
            case Left():
                nick = event.source.partition("!")[0]
                self._tell(nick, Numeric.RPL_MONOFFLINE, nick)
            case NickChanged():
                nick, _, rest = event.source.partition("!")
                if casefold(nick) != casefold(event.nick):
                    self._tell(nick, Numeric.RPL_MONOFFLINE, nick)
                    self._tell(event.nick, Numeric.RPL_MONONLINE, f"{event.nick}!{rest}")
            case _:
                pass

    def _tell(self, nick: str, code: Numeric, text: str) -> None:
        for session in self._there(self._monitors.watching(nick)):
            self._queue(session, session.numeric(code, text))

    def _queue(self, session: Session, reply: Reply) -> None:
        if reply:
            session.link.queue(reply)
            self._touched[session] = None
