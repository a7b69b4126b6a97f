"""Shows an event to those who see it: everything but the messages that go to a channel one after the other.

Runs inside the journal's turn, as delivery does, which it is a part of.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from securechat.chat.events import (
    AccountChanged,
    AccountEnabled,
    AccountRemoved,
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
    Killed,
    Left,
    MarkerMoved,
    MetadataChanged,
    ModesChanged,
    NickChanged,
    OwnerChanged,
    Parted,
    PasswordSet,
    RealnameChanged,
    Redacted,
    Returned,
    Said,
    SaidBefore,
    SessionsEnded,
    SettingsChanged,
    Silenced,
    TopicChanged,
    Unbanned,
    UserModesChanged,
    WallopsSaid,
)
from securechat.chat.model import BanKind
from securechat.chat.server_bans import covers
from securechat.chat.views_history import marker_of
from securechat.irc.names import casefold
from securechat.irc.numerics import Numeric
from securechat.irc.standard_replies import Code, warn
from securechat.server import answers, answers_history, answers_metadata, metadata_sync
from securechat.server.fallbacks import reentry, renamed
from securechat.server.lines import (
    CHGHOST,
    EXTENDED_MONITOR,
    INVITE_NOTIFY,
    MARKERS,
    MULTILINE,
    SAID,
    Visible,
    render,
    said,
    said_in_lines,
)
from securechat.server.login_cache import LoginCache
from securechat.server.metadata_sync import Sync
from securechat.server.monitors import Monitors
from securechat.server.outgoing import Outgoing
from securechat.server.replies import Rendered, Reply, refusal
from securechat.server.session import Session
from securechat.server.whowas import WhoWas

__all__ = ["Display"]


class Display:
    """``after``: what a session is to see behind the answer that is being made for it; whoever makes it takes it."""

    def __init__(self, outgoing: Outgoing, monitors: Monitors, whowas: WhoWas, login_cache: LoginCache) -> None:
        self._outgoing = outgoing
        self._login_cache = login_cache
        self._monitors = monitors
        self._whowas = whowas
        self.after: list[Reply] = []

    def show(self, event: Event, origin: Session | None, replies: list[Reply]) -> None:
        """Show it to everybody; what is for ``origin``, in answer to what it asked for, goes to ``replies``."""
        self._note(event)
        match event:
            case Said():
                self._show_said(event, origin, replies)
            case Joined():
                self._show_joined(event, origin, replies)
            case Returned():
                self._show_returned(event)
            case SaidBefore():
                if origin is not None:
                    replies.append(answers_history.SaidBefore(origin, event.original))
            case Redacted():
                self._show_line(event, (*event.audience, *event.copies), origin, replies)
            case MarkerMoved():
                self._show_marker(event, origin, replies)
            case SettingsChanged():
                self._show_setting(event, origin, replies)
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
            case Killed():  # whoever it is, also the operator: it is no answer
                self._show_line(event, event.sessions, None, replies)
            case OwnerChanged():
                self._show_owner(event, origin, replies)
            case Banned() | Unbanned():
                self._show_ban(event, origin, replies)
            case SessionsEnded():
                if event.left is not None:
                    self._show_line(event.left, event.sessions, None, replies)
                for session in self._outgoing.there(event.sessions):
                    session.end(event.reason)
            case AccountEnabled() | AccountRemoved() | PasswordSet():
                self._login_cache.forget(event.account_id)
            case _:
                pass  # what else becomes of accounts, and the like: nobody sees those
        self._tell_monitors(event, origin)

    def _note(self, event: Event) -> None:
        """What is remembered of it: by the sessions themselves, and of those who are here no more."""
        match event:
            case Arrived():
                for session in self._outgoing.there((event.session,)):
                    session.arrived(event)
            case Left():
                self._whowas.note(event)
            case NickChanged():
                self._whowas.note(event)
                for session in self._outgoing.there(event.own):
                    session.nick = event.nick
            case UserModesChanged():
                for session in self._outgoing.there(event.audience):
                    session.operator = "o" in event.modes
            case _:
                pass

    def _show_line(self, event: Visible, audience: Iterable[int], origin: Session | None, replies: list[Reply]) -> None:
        rendered: dict[int, bytes] = {}
        for session in self._outgoing.there(audience):
            flavour = session.flavour
            line = rendered.get(flavour)
            if line is None:
                line = rendered[flavour] = render(event, flavour)
            if session is origin:
                replies.extend(line.splitlines(keepends=True))
            else:
                self._outgoing.queue(session, line)

    def _show_joined(self, event: Joined, origin: Session | None, replies: list[Reply]) -> None:
        self._show_line(event, event.audience, origin, replies)
        self._show_what_follows(event)
        for session in self._outgoing.there(event.joiners):
            self._show_view(session, event.view, origin, replies)

    def _show_returned(self, event: Returned) -> None:
        """To the other members; who comes back is told of the channels with the welcome."""
        for place in event.places:
            joined = Joined(
                event.stamp,
                place.channel_id,
                place.name,
                event.source,
                event.account,
                event.account_id,
                event.realname,
                place.audience,
                (),
                ChannelView(place.name, None, ()),
                event.bot,
                event.away,
                place.modes,
                event.nick,
            )
            self._show_line(joined, joined.audience, None, [])
            self._show_what_follows(joined)

    def _show_marker(self, event: MarkerMoved, origin: Session | None, replies: list[Reply]) -> None:
        """To all the user's clients that know of markers; one that has said nothing new to who said it."""
        for session in self._outgoing.there(event.audience):
            if session is origin:
                replies.append(answers_history.marker(session, event.target, event.ms))
            elif event.changed and session.flavour & MARKERS:
                self._outgoing.queue(session, answers_history.marker(session, event.target, event.ms))

    def _show_setting(self, event: SettingsChanged, origin: Session | None, replies: list[Reply]) -> None:
        if origin is not None:
            replies.append(origin.answer(answers_history.setting(event.name, event.settings, origin.hub.config)))

    def _show_what_follows(self, event: Joined) -> None:
        """What others are to know of somebody who comes in: that they are away, and what they are in the channel."""
        if event.away is None and not event.modes:
            return
        others = [number for number in event.audience if number not in event.joiners]
        if event.away is not None:
            for session in self._outgoing.there(others):  # the JOIN has the msgid of this stamp
                self._outgoing.queue(session, render(_away(event), session.flavour, first=False))
        if event.modes:
            for session in self._outgoing.there(others):
                names = " ".join([event.nick] * len(event.modes))
                self._outgoing.queue(session, session.line(f"MODE {event.channel} +{event.modes} {names}"))

    def _show_view(self, session: Session, view: ChannelView, origin: Session | None, replies: list[Reply]) -> None:
        """Show a channel to one who has come into it, and what is said of it and its members."""
        shown: list[Reply] = [answers.channel(session, view)]
        if session.flavour & MARKERS:
            known = marker_of(session.hub.chat, session.number, view.name)
            shown.insert(0, answers_history.marker(session, view.name, known.ms if known else None))
        if metadata_sync.aware(session):
            found = metadata_sync.of_channel(session, session.hub.chat, view.name)
            shown.append(answers_metadata.sync(session, found or Sync(view.name, ())))
        for answer in shown:
            if session is origin:
                replies.append(answer)
            elif isinstance(answer, bytes):
                self._outgoing.queue(session, answer)
            else:
                self._outgoing.queue_answer(session, answer)

    def _show_invited(self, event: Invited, origin: Session | None, replies: list[Reply]) -> None:
        self._show_line(event, event.audience, None, replies)
        notified = [s.number for s in self._outgoing.there(event.watchers) if s.flavour & INVITE_NOTIFY]
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
        for session in self._outgoing.there(event.audience):
            if session.flavour & CHGHOST:
                continue
            if session.number not in event.own:
                for line in reentry(event, session.number, session.flavour, session.line):
                    self._outgoing.queue(session, line)
            elif session is origin:
                replies.append(session.numeric(Numeric.RPL_VISIBLEHOST, event.host))
            else:
                self._outgoing.queue(session, session.numeric(Numeric.RPL_VISIBLEHOST, event.host))

    def _show_renamed(self, event: ChannelRenamed, origin: Session | None, replies: list[Reply]) -> None:
        """Who does not know RENAME sees themselves leave and come in (IRCv3 channel-rename, "Fallback")."""
        for source, account, realname, sessions in event.members:
            for session in self._outgoing.there(sessions):
                lines = renamed(event, source, account, realname, session.flavour)
                if session is origin:
                    replies.extend(lines)
                else:
                    for line in lines:
                        self._outgoing.queue(session, line)
                if len(lines) > 1:
                    self._show_view(session, event.view, origin, replies)

    def _show_said(self, event: Said, origin: Session | None, replies: list[Reply]) -> None:
        """A message that is not in a run: to a nick, of several lines, or one of several targets of a line."""
        to_channel = event.channel_id is not None
        rendered: dict[int, bytes] = {}
        for number in (*event.audience, *event.copies):
            session = self._outgoing.sessions.get(number)
            # To a nick, the sender's own session is in the audience only where they write to themselves.
            if session is None or (session is origin and (to_channel or number in event.copies)):
                continue
            flavour = session.flavour & (SAID | MULTILINE)
            line = rendered.get(flavour)
            if line is None:
                line = rendered[flavour] = said(event, flavour)
            self._outgoing.queue(session, line)
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
        for session in self._outgoing.there(event.audience):
            if session is origin:
                replies.append(session.answer(told))
            else:
                self._outgoing.queue(session, session.answer(told))

    def _show_ban(self, event: Banned | Unbanned, origin: Session | None, replies: list[Reply]) -> None:
        """Tell the operator; who comes from a network that is banned now is sent away."""
        if origin is not None and event.session is not None:
            replies.append(origin.answer(answers.ban(event.ban, lifted=isinstance(event, Unbanned))))
        if isinstance(event, Banned) and event.ban.kind is BanKind.NETWORK:
            for session in list(self._outgoing.sessions.values()):
                if covers(event.ban, session.address):
                    session.end(f"You are banned: {event.ban.reason}")

    def _show_metadata(self, event: MetadataChanged) -> None:
        """Tell those who have subscribed to the keys, and see whom it is about. Who made the change is answered."""
        told = dict.fromkeys(event.audience)
        if event.changes and not event.target.startswith("#"):
            told.update(dict.fromkeys(self._monitors.watching(event.target)))
        told.pop(event.session, None)
        notices = answers_metadata.notices(event)
        for session in self._outgoing.there(told):
            if metadata_sync.aware(session):
                for line in answers_metadata.told(session, notices):
                    self._outgoing.queue(session, line)

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
            for s in self._outgoing.there(watchers)
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
        for session in self._outgoing.there(self._monitors.watching(nick)):
            line = session.numeric(code, text)
            found = None
            if code is Numeric.RPL_MONONLINE and metadata_sync.aware(session):
                found = metadata_sync.of_user(session, session.hub.chat, nick) or Sync(nick, ())
            if session is origin:  # who watches their own old or new nick hears of it when they have it
                self.after.append(line)
                if found is not None:
                    self.after.append(answers_metadata.sync(session, found))
            else:
                self._outgoing.queue(session, line)
                if found is not None:
                    self._outgoing.queue_answer(session, answers_metadata.sync(session, found))


def _away(event: Arrived | Joined) -> AwayChanged:
    """That somebody who comes is away, as if they said it now."""
    text, bot = event.away, "B" in event.modes if isinstance(event, Arrived) else event.bot
    return AwayChanged(event.stamp, 0, event.source, event.account, event.account_id, text, text, True, (), bot)


def _echo(event: Said, flavour: int) -> list[Reply]:
    """A message as it comes back to who sent it; nothing where they could not understand it."""
    if event.multiline:
        lines = said_in_lines(event, flavour)
        return [Rendered(lines)] if flavour & MULTILINE else [*lines]
    line = said(event, flavour)
    return [line] if line else []
