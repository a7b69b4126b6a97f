"""What each message of the server means: one small function for each, in one table (Modern IRC, "Messages").

A function brings the state up to date and gives the event to tell, or None. It is called only for messages that have at
least as many parameters as the table says, so a server that leaves some out is ignored.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, TypedDict

from securechat.client.capabilities import SEARCH
from securechat.client.events import (
    AccountChanged,
    Away,
    AwayChanged,
    ChannelRenamed,
    Conversed,
    Event,
    IgnoredChanged,
    Invited,
    Joined,
    Kicked,
    Kind,
    MarkerMoved,
    MessageReceived,
    ModesChanged,
    Names,
    NickChanged,
    Parted,
    Quit,
    RealnameChanged,
    Redacted,
    ServerSaid,
    TopicChanged,
    Wallops,
)
from securechat.client.requests import Request
from securechat.client.state import State
from securechat.irc.message import Message
from securechat.irc.names import split_source

CTCP: Final = "\x01"
_ACTION: Final = "\x01ACTION "

_LISTS: Final = {
    "314": "369",
    "322": "323",
    "336": "337",
    "346": "347",
    "348": "349",
    "352": "315",
    "354": "315",
    "367": "368",
    "NOTE CERT CERTIFICATE": "NOTE CERT END_OF_CERTIFICATES",
    "NOTE INVITATION INVITED": "NOTE INVITATION END_OF_INVITATIONS",
}
"""The numerics, or notes with their first words, of which an answer can have many, and what ends it."""
_ENDS: Final = frozenset(_LISTS.values())


HISTORY: Final = frozenset(("chathistory", "draft/chathistory-targets", SEARCH, "search"))
"""The types of batches with what was said some time."""


class _Stamp(TypedDict):
    time: datetime | None
    batch: str | None


@dataclass(frozen=True, slots=True)
class Arrival:
    """A message that has come, with what is known around it."""

    message: Message
    state: State
    request: Request | None
    """What it is the answer to."""
    batch: str | None
    """The type of the batch that it is in."""

    @property
    def params(self) -> list[str]:
        return self.message.params

    @property
    def nick(self) -> str:
        """Whom it is from: a nick, or a server's name."""
        return split_source(self.message.source or "")[0] or self.state.server

    @property
    def own(self) -> bool:
        """Whether it is from oneself."""
        return self.state.is_me(self.nick)

    @property
    def past(self) -> bool:
        """Whether it is history, and tells nothing of how things are now."""
        return self.batch in HISTORY

    @property
    def stamp(self) -> _Stamp:
        """What every event has."""
        return {"time": parse_time(self.message.tags.get("time", "")), "batch": self.batch}

    @property
    def ignored(self) -> bool:
        """Whether it is from somebody whom one ignores."""
        source = self.message.source or ""
        return not self.own and self.state.ignored.hides(source, self.message.tags.get("account"))

    def param(self, index: int) -> str:
        """A parameter, or "" if there are not so many."""
        return self.params[index] if index < len(self.params) else ""


def parse_time(text: str) -> datetime | None:
    """A time as IRCv3 server-time has it, `2026-01-31T12:00:00.000Z`; None for anything else."""
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return None
    return time.astimezone(UTC) if time.tzinfo and 1 < time.year < 9999 else None


def action(text: str) -> str:
    """The form of `/me text` on the wire (modern.ircdocs.horse/ctcp)."""
    return f"{_ACTION}{text}{CTCP}"


def _said(arrival: Arrival) -> Event:
    message, text, kind = arrival.message, arrival.params[1], Kind.MESSAGE
    if message.command == "NOTICE":
        source = split_source(message.source or "")
        if not source[1] and not source[2] and not arrival.own:
            return ServerSaid(arrival.nick, "NOTICE", (text,), **arrival.stamp)
        kind = Kind.NOTICE
    elif text.startswith(_ACTION):
        kind, text = Kind.ACTION, text.removeprefix(_ACTION).removesuffix(CTCP)
    elif text.startswith(CTCP):
        kind, text = Kind.CTCP, text.removeprefix(CTCP).removesuffix(CTCP)
    account = message.tags.get("account")
    if arrival.own and message.source and not arrival.past:
        arrival.state.learn_source(message.source)
    if account is not None and not arrival.past:
        arrival.state.logged_in(arrival.nick, account)
    return MessageReceived(
        arrival.nick,
        arrival.params[0],
        text,
        kind,
        own=arrival.own,
        private=not arrival.state.is_channel(arrival.params[0]),
        request=arrival.request if arrival.own and not arrival.past else None,
        msgid=message.tags.get("msgid"),
        account=account,
        ignored=arrival.ignored,
        **arrival.stamp,
    )


def _redact(arrival: Arrival) -> Event:
    target, msgid = arrival.params[:2]
    private = not arrival.state.is_channel(target)
    return Redacted(arrival.nick, target, msgid, arrival.param(2), arrival.own, private, **arrival.stamp)


def _marker(arrival: Arrival) -> Event:
    at = parse_time(arrival.params[1].removeprefix("timestamp="))
    arrival.state.read_up_to(arrival.params[0], at)
    return MarkerMoved(arrival.params[0], at, **arrival.stamp)


def _conversed(arrival: Arrival) -> Event | None:
    subcommand, name, last = arrival.params[:3]
    if subcommand.upper() != "TARGETS":
        return None
    return Conversed(name, parse_time(last.removeprefix("timestamp=")), **arrival.stamp)


def _join(arrival: Arrival) -> Event:
    channel = arrival.params[0]
    account = _account(arrival.param(1))  # with extended-join
    arrival.state.joined(channel, arrival.message.source or arrival.nick, account)
    if arrival.own and arrival.message.source:
        arrival.state.learn_source(arrival.message.source)
    return Joined(arrival.nick, channel, arrival.own, account, **arrival.stamp)


def _part(arrival: Arrival) -> Event:
    own = arrival.own
    arrival.state.parted(arrival.params[0], arrival.nick)
    return Parted(arrival.nick, arrival.params[0], arrival.param(1), own, **arrival.stamp)


def _kick(arrival: Arrival) -> Event:
    channel, nick = arrival.params[:2]
    arrival.state.parted(channel, nick)
    own = arrival.state.is_me(nick)
    return Kicked(nick, channel, arrival.nick, arrival.param(2), own, **arrival.stamp)


def _quit(arrival: Arrival) -> Event:
    return Quit(arrival.nick, arrival.param(0), arrival.state.quit(arrival.nick), **arrival.stamp)


def _nick(arrival: Arrival) -> Event:
    own = arrival.own
    arrival.state.nick_changed(arrival.nick, arrival.params[0])
    return NickChanged(arrival.nick, arrival.params[0], own, **arrival.stamp)


def _topic(arrival: Arrival) -> Event:
    return _topic_event(arrival, arrival.params[0], arrival.params[1], arrival.nick)


def _topic_told(arrival: Arrival) -> Event:
    return _topic_event(arrival, arrival.params[1], arrival.params[2], None)


def _no_topic(arrival: Arrival) -> Event:
    return _topic_event(arrival, arrival.params[1], "", None)


def _topic_event(arrival: Arrival, channel: str, topic: str, by: str | None) -> Event:
    if known := arrival.state.channels.get(arrival.state.fold(channel)):
        known.topic = topic
    return TopicChanged(channel, topic, by, **arrival.stamp)


def _mode(arrival: Arrival) -> Event:
    target, *modes = arrival.params
    changes = arrival.state.mode_changes(target, modes)
    personal = not arrival.state.is_channel(target)
    if not personal:
        arrival.state.modes_changed(target, changes)
    return ModesChanged(target, " ".join(modes), arrival.nick, changes, personal, **arrival.stamp)


def _invite(arrival: Arrival) -> Event:
    nick, channel = arrival.params[:2]
    return Invited(nick, channel, arrival.nick, arrival.ignored, **arrival.stamp)


def _rename(arrival: Arrival) -> Event:
    old, new = arrival.params[:2]
    arrival.state.channel_renamed(old, new)
    return ChannelRenamed(old, new, arrival.nick, arrival.param(2), **arrival.stamp)


def _away_changed(arrival: Arrival) -> Event | None:
    if arrival.own:  # 305 and 306 tell
        return None
    return AwayChanged(arrival.nick, arrival.param(0) or None, **arrival.stamp)


def _realname(arrival: Arrival) -> Event:
    return RealnameChanged(arrival.nick, arrival.params[0], **arrival.stamp)


def _account_changed(arrival: Arrival) -> Event:
    account = _account(arrival.params[0])
    arrival.state.logged_in(arrival.nick, account)
    return AccountChanged(arrival.nick, account, **arrival.stamp)


def _account(word: str) -> str | None:
    """The account that a parameter names; `*` is none."""
    return None if word in ("", "*") else word


def _host_changed(arrival: Arrival) -> None:
    arrival.state.host_changed(arrival.nick, *arrival.params[:2])


def _wallops(arrival: Arrival) -> Event:
    return Wallops(arrival.nick, arrival.params[0], **arrival.stamp)


def _silence(arrival: Arrival) -> Event | None:
    """The server's list of whom one ignores has changed, here or on another device."""
    sign, mask = arrival.params[0][:1], arrival.params[0][1:]
    if not arrival.own or sign not in ("+", "-") or not mask:
        return None
    if sign == "+":
        arrival.state.ignored.add(mask)
    else:
        arrival.state.ignored.remove(mask)
    return IgnoredChanged(mask, sign == "+", **arrival.stamp)


def _silenced(arrival: Arrival) -> None:
    arrival.state.ignored.add(arrival.params[-1])


def _names(arrival: Arrival) -> None:
    arrival.state.listed(arrival.params[2], arrival.params[3].split())


def _names_end(arrival: Arrival) -> Event:
    return Names(arrival.params[1], arrival.state.list_ended(arrival.params[1]), **arrival.stamp)


def _away(arrival: Arrival) -> Event:
    return Away(arrival.params[1], arrival.params[2], **arrival.stamp)


def _support(arrival: Arrival) -> None:
    arrival.state.support(arrival.params[1:-1])


def _certificate(arrival: Arrival) -> Event | None:
    """A piece of a certificate, or the end of them all: who asked for them finds them at the request."""
    kind, last = arrival.params[:2]
    if kind != "END":
        arrival.state.arriving.add(kind, last)
        return None
    things, request = arrival.state.arriving.end(last), arrival.request
    if request is not None:
        request.things = things
        if request.quiet:
            return None
    return ServerSaid(arrival.nick, "CERT", (last,), "CERT", len(things), **arrival.stamp)


def _nothing(_: Arrival) -> None:
    """It says nothing that was not said before."""


def server_said(arrival: Arrival) -> Event:
    """What has no entry in the table: shown as it is. The first parameter of a numeric is one's own nick."""
    code = arrival.message.command
    params = arrival.params[1:] if code.isdigit() else arrival.params
    counts, count = arrival.state.counts, 0
    kind = " ".join([code, *params[:2]]) if code == "NOTE" else code
    if end := _LISTS.get(kind):
        counts[end] = counts.get(end, 0) + 1
    elif kind in _ENDS:
        count = counts.pop(kind, 0)
    asked = arrival.request.command if arrival.request else ""
    return ServerSaid(arrival.nick, code, tuple(params), asked, count, **arrival.stamp)


Handler = Callable[[Arrival], Event | None]

HANDLERS: Final[dict[str, tuple[int, Handler]]] = {
    "ACCOUNT": (1, _account_changed),
    "AWAY": (0, _away_changed),
    "CERT": (2, _certificate),
    "CHATHISTORY": (3, _conversed),
    "CHGHOST": (2, _host_changed),
    "INVITE": (2, _invite),
    "JOIN": (1, _join),
    "KICK": (2, _kick),
    "MARKREAD": (2, _marker),
    "MODE": (2, _mode),
    "NICK": (1, _nick),
    "NOTICE": (2, _said),
    "PART": (1, _part),
    "PRIVMSG": (2, _said),
    "QUIT": (0, _quit),
    "REDACT": (2, _redact),
    "RENAME": (2, _rename),
    "SETNAME": (1, _realname),
    "SILENCE": (1, _silence),
    "TOPIC": (2, _topic),
    "WALLOPS": (1, _wallops),
    "005": (2, _support),
    "271": (2, _silenced),
    "272": (0, _nothing),
    "301": (3, _away),
    "331": (2, _no_topic),
    "332": (3, _topic_told),
    "353": (4, _names),
    "366": (2, _names_end),
}
"""By command: the least number of parameters, and the function. TAGMSG and other unknown ones: see `Conversation`."""

TOLD_AGAIN: Final = frozenset(("PRIVMSG", "NOTICE", "REDACT", "CHATHISTORY"))
"""What counts in a batch of history: whatever else is in there changed something long ago, and must not do so now."""
