"""Answers to questions, copied out of the state so that they can be rendered later, by another thread."""

from __future__ import annotations

from dataclasses import dataclass

from securechat.chat.events import ChannelView, view
from securechat.chat.machine import Chat
from securechat.chat.model import Channel, Role, Topic, User
from securechat.irc.names import Mask, casefold

__all__ = [
    "ChannelLine",
    "ChannelModes",
    "Person",
    "Population",
    "Whois",
    "channel_modes",
    "channel_names",
    "channel_view",
    "list_channels",
    "population",
    "snapshot",
    "topic_of",
    "who",
    "whois",
]


@dataclass(frozen=True, slots=True)
class Person:
    """A user as WHO shows it; ``channel`` and ``prefix`` where the question was for a channel."""

    nick: str
    username: str
    host: str
    realname: str
    account: str | None
    admin: bool
    channel: str | None = None
    prefix: str = ""


@dataclass(frozen=True, slots=True)
class Whois:
    person: Person
    channels: tuple[tuple[str, str], ...]
    """(prefix, name) of the channels."""
    since: int
    last_spoke: int
    sessions: int


@dataclass(frozen=True, slots=True)
class ChannelLine:
    """A channel as LIST shows it."""

    name: str
    members: int
    topic: str


@dataclass(frozen=True, slots=True)
class ChannelModes:
    name: str
    created: int
    member: bool
    operator: bool


@dataclass(frozen=True, slots=True)
class Population:
    """How many there are, for LUSERS."""

    users: int
    admins: int
    channels: int
    sessions: int


def _person(chat: Chat, user: User, channel: Channel | None = None) -> Person:
    account = chat.accounts_by_id.get(user.account_id) if user.account_id is not None else None
    return Person(
        user.nick,
        user.username,
        user.host,
        user.realname,
        user.account,
        account is not None and account.role is Role.ADMIN,
        channel.name if channel else None,
        channel.members[user].prefix if channel else "",
    )


def channel_view(chat: Chat, name: str) -> ChannelView | None:
    channel = chat.channels.get(casefold(name))
    return view(channel) if channel else None


def topic_of(chat: Chat, session: int, name: str) -> tuple[ChannelView | None, bool]:
    """The channel, without its members, and whether the one who asks is in it."""
    channel = chat.channels.get(casefold(name))
    if channel is None:
        return None, False
    topic: Topic | None = channel.topic
    return ChannelView(channel.name, topic, ()), chat.sessions.get(session) in channel.members


def who(chat: Chat, mask: str) -> list[Person]:
    """The members of a channel; or the one with this nick; or all whose nick, user name or real name matches."""
    if mask.startswith("#"):
        channel = chat.channels.get(casefold(mask))
        return [_person(chat, user, channel) for user in channel.members] if channel else []
    user = chat.users.get(casefold(mask))
    if user is not None:
        return [_person(chat, user)]
    if "*" not in mask and "?" not in mask:
        return []
    pattern = Mask(mask)
    return [
        _person(chat, user)
        for user in chat.users.values()
        if pattern.match(user.nick) or pattern.match(user.username) or pattern.match(user.realname)
    ]


def whois(chat: Chat, nick: str) -> Whois | None:
    user = chat.users.get(casefold(nick))
    if user is None:
        return None
    return Whois(
        _person(chat, user),
        tuple((channel.members[user].prefix, channel.name) for channel in user.channels.values()),
        user.since,
        user.last_spoke,
        len(user.sessions),
    )


def list_channels(chat: Chat, names: list[str] | None) -> list[ChannelLine]:
    """All channels that somebody is in, or those that are named."""
    if names is None:
        chosen = [channel for channel in chat.channels.values() if channel.members]
    else:
        chosen = [channel for name in names if (channel := chat.channels.get(casefold(name))) is not None]
    return [
        ChannelLine(channel.name, len(channel.members), channel.topic.text if channel.topic else "")
        for channel in chosen
    ]


def channel_modes(chat: Chat, session: int, name: str) -> ChannelModes | None:
    channel = chat.channels.get(casefold(name))
    if channel is None:
        return None
    user = chat.sessions.get(session)
    membership = channel.members.get(user) if user else None
    return ChannelModes(
        channel.name, channel.created, membership is not None, membership is not None and membership.operator
    )


def channel_names(chat: Chat, session: int) -> list[str]:
    """The channels in which the one who asks is."""
    user = chat.sessions.get(session)
    return [channel.name for channel in user.channels.values()] if user else []


def population(chat: Chat) -> Population:
    admins = sum(1 for id in chat.users_by_account if chat.accounts_by_id[id].role is Role.ADMIN)
    channels = sum(1 for channel in chat.channels.values() if channel.members)
    return Population(len(chat.users), admins, channels, len(chat.sessions))


def snapshot(chat: Chat) -> dict[str, object]:
    """All of the state in plain values, for comparing two chats. Without when somebody last spoke: no rule asks."""
    return {
        "rules": chat.rules,
        "accounts": dict(chat.accounts),
        "accounts_by_id": dict(chat.accounts_by_id),
        "held": dict(chat.held),
        "held_numbers": dict(chat.held_numbers),
        "founded": dict(chat.founded),
        "sessions": {session: user.key for session, user in chat.sessions.items()},
        "users": {
            key: (
                user.source,
                user.account,
                user.account_id,
                user.realname,
                set(user.sessions),
                set(user.audience),
                set(user.channels),
                user.since,
            )
            for key, user in chat.users.items()
        },
        "users_by_account": {id: user.key for id, user in chat.users_by_account.items()},
        "channels": {
            key: (
                channel.id,
                channel.name,
                channel.created,
                channel.founder,
                channel.topic,
                {user.key: membership.operator for user, membership in channel.members.items()},
                set(channel.audience),
            )
            for key, channel in chat.channels.items()
        },
    }
