"""Answers to questions about people, copied out of the state: WHO, WHOIS, MONITOR, SILENCE, USERHOST, ISON."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from securechat.chat.channel import Channel
from securechat.chat.machine import Chat
from securechat.chat.model import User
from securechat.chat.views import seen_channel
from securechat.irc.names import casefold

__all__ = [
    "Candidate",
    "Person",
    "Presence",
    "Whois",
    "candidates",
    "is_here",
    "members",
    "person",
    "present",
    "silenced",
    "sources",
    "visible",
    "whois",
]


class Person(NamedTuple):
    """A user as WHO shows them. A plain tuple, for a channel may have thousands of members.

    ``channel``: the one that the question was for, else one in which they and who asks both are; ``prefix``: theirs in
    it. ``sessions``: their connections. ``last_spoke``: a stamp.
    """

    nick: str
    username: str
    host: str
    realname: str
    account: str | None
    operator: bool
    bot: bool
    away: str | None
    last_spoke: int
    sessions: tuple[int, ...]
    channel: str | None = None
    prefix: str = ""


class Candidate(NamedTuple):
    """Somebody whom a mask may match; ``texts`` is what it is compared with."""

    key: str
    texts: tuple[str, str, str, str, str]
    """Nick, user name, host, real name, and ``nick!user@host``."""
    operator: bool
    invisible: bool


@dataclass(frozen=True, slots=True)
class Whois:
    person: Person
    channels: tuple[tuple[str, str], ...]
    """(prefix, name) of those channels that the one who asks may know of."""
    since: int
    modes: str | None
    """The letters of the user's modes, for themselves and operators, who may know their addresses as well."""


@dataclass(frozen=True, slots=True)
class Presence:
    """Somebody who is on the chat; ``nick`` as they write it themselves."""

    nick: str
    username: str
    host: str
    operator: bool
    away: bool


def _person(user: User, channel: Channel | None) -> Person:
    return Person(
        user.nick,
        user.username,
        user.host,
        user.realname,
        user.account,
        user.operator,
        user.bot,
        user.away,
        user.last_spoke,
        user.audience,
        channel.name if channel else None,
        channel.members[user].prefix if channel else "",
    )


def _shared(asker: User | None, user: User) -> Channel | None:
    """A channel in which both are."""
    if asker is None:
        return None
    fewer, other = sorted((asker, user), key=lambda one: len(one.channels))
    return next((channel for channel in fewer.channels.values() if other in channel.members), None)


def members(chat: Chat, session: int, name: str) -> list[Person]:
    """Of a channel; who is not in it does not see the invisible, and nobody of a secret one."""
    channel = seen_channel(chat, session, name)
    if channel is None:
        return []
    inside = chat.sessions.get(session) in channel.members
    return [_person(user, channel) for user in channel.members if inside or "i" not in user.modes]


def person(chat: Chat, session: int, nick: str) -> list[Person]:
    """Who wears a nick: one, or nobody. Who knows it finds the invisible too."""
    user = chat.users.get(casefold(nick))
    return [_person(user, _shared(chat.sessions.get(session), user))] if user else []


def candidates(chat: Chat) -> list[Candidate]:
    """Everybody, to be compared with a mask outside the turn; :func:`visible` says who of them may be shown."""
    return [
        Candidate(
            key, (user.nick, user.username, user.host, user.realname, user.source), "o" in user.modes, "i" in user.modes
        )
        for key, user in chat.users.items()
    ]  # fmt: skip


def visible(chat: Chat, session: int, keys: Iterable[str]) -> list[Person]:
    """Who of these (casefolded nicks) is here and may be seen: all but the invisible with whom no channel is shared."""
    asker = chat.sessions.get(session)
    found = []
    for key in keys:
        user = chat.users.get(key)
        if user is not None:
            channel = _shared(asker, user)
            if channel is not None or user is asker or "i" not in user.modes:
                found.append(_person(user, channel))
    return found


def whois(chat: Chat, session: int, nick: str) -> Whois | None:
    """``None``: nobody wears this nick. Channels of the invisible are shown as if they were secret."""
    user = chat.users.get(casefold(nick))
    if user is None:
        return None
    asker = chat.sessions.get(session)
    hidden = "i" in user.modes and asker is not user
    intimate = asker is user or (asker is not None and asker.operator)
    return Whois(
        _person(user, None),
        tuple(
            (channel.members[user].prefix, channel.name)
            for channel in user.channels.values()
            if asker in channel.members or not (hidden or channel.secret)
        ),
        user.since,
        user.modes if intimate else None,
    )


def sources(chat: Chat, nicks: Iterable[str]) -> list[tuple[str, str | None]]:
    """(nick, source of who wears it) for each; ``None``: nobody."""
    return [(nick, user.source if (user := chat.users.get(casefold(nick))) else None) for nick in nicks]


def silenced(chat: Chat, session: int) -> list[str]:
    """The masks of those from whom the one who asks takes no private messages."""
    user = chat.sessions.get(session)
    return list(user.silenced) if user else []


def present(chat: Chat, nicks: Iterable[str]) -> list[Presence]:
    """Those of ``nicks`` who are here, each once, in the order in which they were named."""
    keys = dict.fromkeys(map(casefold, nicks))
    return [
        Presence(user.nick, user.username, user.host, user.operator, user.away is not None)
        for key in keys
        if (user := chat.users.get(key)) is not None
    ]


def is_here(chat: Chat, nick: str) -> bool:
    """Whether somebody wears this nick."""
    return casefold(nick) in chat.users
