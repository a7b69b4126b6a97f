"""Answers to questions, copied out of the state so that they can be rendered later, by another thread."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from securechat.chat.channel import Channel, ListEntry
from securechat.chat.events import ChannelView, view
from securechat.chat.machine import Chat
from securechat.chat.model import ServerBan
from securechat.chat.modes import Rank
from securechat.irc.names import casefold

__all__ = [
    "ChannelLine",
    "ChannelModes",
    "Population",
    "channel_modes",
    "channel_names",
    "channel_view",
    "invitations",
    "list_channels",
    "owner_of",
    "population",
    "seen_channel",
    "snapshot",
    "topic_of",
    "user_modes",
]


@dataclass(frozen=True, slots=True)
class ChannelLine:
    """A channel as LIST shows it."""

    name: str
    members: int
    topic: str
    created: int
    """The stamp of its making."""
    topic_at: int | None
    """The stamp of the topic's last change."""


@dataclass(frozen=True, slots=True)
class ChannelModes:
    """``words``: the modes with their parameters; ``lists``: the entries of those that were asked for, by letter."""

    name: str
    created: int
    words: tuple[str, ...]
    rank: Rank | None
    """Of who asks; ``None``: not a member."""
    lists: dict[str, tuple[ListEntry, ...]]


@dataclass(frozen=True, slots=True)
class Population:
    """How many there are, for LUSERS."""

    users: int
    """Without the invisible."""
    invisible: int
    operators: int
    channels: int
    """Without the secret ones."""
    sessions: int


def seen_channel(chat: Chat, session: int, name: str) -> Channel | None:
    """The channel, unless it is hidden from the one who asks. Only to be used inside the turn."""
    channel = chat.channels.get(casefold(name))
    return channel if channel is not None and channel.visible_to(chat.sessions.get(session)) else None


def channel_view(chat: Chat, session: int, name: str) -> ChannelView | None:
    """The channel as the one who asks may see it: who is not in it does not see the invisible."""
    channel = seen_channel(chat, session, name)
    if channel is None:
        return None
    seen = view(channel)
    if chat.sessions.get(session) in channel.members:
        return seen
    return replace(seen, members=tuple(member for member in seen.members if not member.invisible))


def topic_of(chat: Chat, session: int, name: str) -> tuple[ChannelView | None, bool]:
    """The channel, without its members, and whether the one who asks is in it."""
    channel = seen_channel(chat, session, name)
    if channel is None:
        return None, False
    return ChannelView(channel.name, channel.topic, ()), chat.sessions.get(session) in channel.members


def list_channels(chat: Chat, session: int, names: list[str] | None) -> list[ChannelLine]:
    """All channels that somebody is in, or those that are named."""
    asker = chat.sessions.get(session)
    if names is None:
        chosen = [channel for channel in chat.channels.values() if channel.members]
    else:
        keys = dict.fromkeys(map(casefold, names))
        chosen = [channel for key in keys if (channel := chat.channels.get(key)) is not None]
    return [
        ChannelLine(
            channel.name,
            len(channel.members),
            channel.topic.text if channel.topic else "",
            channel.created,
            channel.topic.at if channel.topic else None,
        )
        for channel in chosen
        if channel.visible_to(asker)
    ]


def channel_modes(chat: Chat, session: int, name: str, lists: Sequence[str] = ()) -> ChannelModes | None:
    channel = seen_channel(chat, session, name)
    if channel is None:
        return None
    user = chat.sessions.get(session)
    rank = channel.rank_of(user) if user else None
    return ChannelModes(
        channel.name,
        channel.created,
        channel.mode_words(with_key=rank is not None),
        rank,
        {letter: tuple(channel.lists[letter].values()) for letter in lists},
    )


def channel_names(chat: Chat, session: int) -> list[str]:
    """The channels in which the one who asks is."""
    user = chat.sessions.get(session)
    return [channel.name for channel in user.channels.values()] if user else []


def invitations(chat: Chat, session: int) -> list[str]:
    """The channels to which the one who asks is invited."""
    user = chat.sessions.get(session)
    return [channel.name for channel in user.invitations.values()] if user else []


def owner_of(chat: Chat, session: int, name: str) -> tuple[str, str | None] | None:
    """The channel's name, and the name of the account that it belongs to, if it belongs to any.

    Operators of the server, who may change that, see it of hidden channels too.
    """
    user = chat.sessions.get(session)
    channel = chat.channels.get(casefold(name)) if user and user.operator else seen_channel(chat, session, name)
    if channel is None:
        return None
    owner = chat.accounts_by_id.get(channel.founder) if channel.founder else None
    return channel.name, owner.name if owner else None


def user_modes(chat: Chat, nick: str) -> str | None:
    """The letters of somebody's modes; ``None``: there is nobody of that name."""
    user = chat.users.get(casefold(nick))
    return user.modes if user else None


def bans(chat: Chat) -> list[ServerBan]:
    """The bans of the server."""
    return list(chat.bans.values())


def population(chat: Chat) -> Population:
    invisible = sum("i" in user.modes for user in chat.users.values())
    operators = sum(user.operator for user in chat.users.values())
    channels = sum(1 for channel in chat.channels.values() if channel.members and not channel.secret)
    return Population(len(chat.users) - invisible, invisible, operators, channels, len(chat.sessions))


def snapshot(chat: Chat) -> dict[str, object]:
    """All of the state in plain values, for comparing two chats. What has an order that is seen has it here.

    Without when somebody last spoke: no rule asks.
    """
    return {
        "rules": chat.rules,
        "accounts": dict(chat.accounts),
        "accounts_by_id": dict(chat.accounts_by_id),
        "held": dict(chat.held),
        "held_numbers": dict(chat.held_numbers),
        "founded": dict(chat.founded),
        "silenced": {id: list(masks) for id, masks in chat.silenced.items()},
        "metadata": {id: dict(metadata) for id, metadata in chat.metadata.items()},
        "bans": dict(chat.bans),
        "settings": dict(chat.settings),
        "devices": {id: dict(devices) for id, devices in chat.devices.items()},
        "left_behind": {id: set(names) for id, names in chat.left_behind.items()},
        "markers": {id: dict(markers) for id, markers in chat.markers.items()},
        "remembered": {id: set(channels) for id, channels in chat.remembered.items()},
        "client_ids": {party: list(ids.items()) for party, ids in chat.client_ids.items()},
        "certificates": dict(chat.certificates),
        "invite_codes": dict(chat.invite_codes),
        "retired": dict(chat.retired),
        "taken_back": chat.taken_back,
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
                set(user.invitations),
                user.since,
                user.away,
                user.modes,
                list(user.sessions.items()),
                list(user.silenced),
                list(user.metadata.items()),
                user.id,
                dict(user.devices),
                set(user.catching_up),
                dict(user.markers),
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
                channel.flags,
                channel.join_key,
                channel.limit,
                {letter: list(entries.items()) for letter, entries in channel.lists.items()},
                dict(channel.access),
                {user.key: invitation for user, invitation in channel.invited.items()},
                list(channel.metadata.items()),
                channel.restricted,
                {user.key: membership.modes for user, membership in channel.members.items()},
                set(channel.audience),
                channel.open_since,
                dict(channel.readers),
                set(channel.residents),
            )
            for key, channel in chat.channels.items()
        },
    }
