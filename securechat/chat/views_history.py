"""Whose past is meant, and how much of it the one who asks may read: copied inside the turn of the journal.

What was said is read from the store, later, by another thread. So each of these has the stamp up to which the one who
asks had seen everything when their turn came: what is behind it comes to them by itself.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from securechat.chat.channel import Channel
from securechat.chat.machine import Chat
from securechat.chat.model import User
from securechat.chat.modes import MEMBER_MODES
from securechat.chat.redaction import marker
from securechat.chat.refusals import Refused
from securechat.irc.names import casefold, valid_nick

__all__ = [
    "ChannelPast",
    "Marker",
    "Past",
    "Pasts",
    "PrivatePast",
    "all_pasts",
    "bound",
    "marker_of",
    "markers_of",
    "names_of",
    "past_of",
]


@dataclass(frozen=True, slots=True)
class ChannelPast:
    """A channel, for somebody who is in it. ``party``: their `User.id`; ``last``: the stamp up to which they may read;
    ``since``: and from which on. ``prefixes``: what a target may begin with, of what was said to some of the members:
    what is for those of a rank is for who has it now, and for who said it."""

    name: str
    party: int
    last: int
    channel_id: int
    since: int
    prefixes: str


@dataclass(frozen=True, slots=True)
class PrivatePast:
    """What somebody has exchanged with another one, whose `User.id` is in ``others``. Nobody is in it: with those who
    had this name and no account, and have gone; who they were the store may know."""

    name: str
    party: int
    last: int
    others: tuple[int, ...] = ()


Past = ChannelPast | PrivatePast


@dataclass(frozen=True, slots=True)
class Pasts:
    """All that somebody may read: their channels; and what they have exchanged with whomever, which the store knows."""

    party: int
    last: int
    channels: tuple[ChannelPast, ...]


@dataclass(frozen=True, slots=True)
class Marker:
    """Up to when a conversation has been read, in milliseconds since 1970; ``None``: nobody knows."""

    name: str
    ms: int | None


def bound(chat: Chat) -> int:
    """The stamp of the last event so far."""
    return chat.stamp


def past_of(chat: Chat, session: int, target: str) -> Past | None:
    """``target``: a channel in which the one who asks is; or the nick of somebody, who wears it now, or whose account
    has that name, or who has gone. ``None``: there is no such past, and nobody learns why."""
    user = chat.sessions.get(session)
    if user is None:
        return None
    key = casefold(target)
    if target[:1] == "#":
        channel = chat.channels.get(key)
        return _of_channel(chat, user, channel) if channel is not None else None
    other = chat.users.get(key)
    if other is not None:
        return PrivatePast(other.nick, user.id, bound(chat), (other.id,))
    account = chat.accounts.get(key)
    if account is not None:
        return PrivatePast(account.name, user.id, bound(chat), (account.id,))
    return PrivatePast(target, user.id, bound(chat)) if valid_nick(target) else None


def all_pasts(chat: Chat, session: int) -> Pasts | None:
    user = chat.sessions.get(session)
    if user is None:
        return None
    channels = (_of_channel(chat, user, channel) for channel in user.channels.values())
    return Pasts(user.id, bound(chat), tuple(past for past in channels if past is not None))


def _of_channel(chat: Chat, user: User, channel: Channel) -> ChannelPast | None:
    since, rank = channel.reads_from(user), channel.rank_of(user)
    if since is None or rank is None:
        return None
    prefixes = "#" + "".join(mode.prefix for mode in MEMBER_MODES.values() if mode.rank <= rank)
    return ChannelPast(channel.name, user.id, bound(chat), channel.id, since, prefixes)


def names_of(chat: Chat, others: Iterable[tuple[int, str]]) -> list[str | None]:
    """By which name `past_of` finds what was exchanged with these: their `User.id`, and the nick that they had last.

    ``None``: by none, for somebody else has that nick now.
    """
    names: list[str | None] = []
    for id, nick in others:
        account, user = chat.accounts_by_id.get(id), chat.users_by_account.get(id) or chat.users.get(casefold(nick))
        if user is not None and user.id == id:
            names.append(user.nick)
        elif account is not None:
            names.append(account.name)
        else:
            names.append(nick if user is None and casefold(nick) not in chat.accounts else None)
    return names


def marker_of(chat: Chat, session: int, target: str) -> Marker | None:
    """Up to when the one who asks has read a channel, or what was exchanged with a nick. ``None``: there is no such
    channel for them."""
    user = chat.sessions.get(session)
    if user is None:
        return None
    try:
        name, key = marker(chat, user, target)
    except Refused:
        return None
    return Marker(name, user.markers.get(key))


def markers_of(chat: Chat, session: int) -> dict[str, int | None]:
    """By name: up to when the one who asks has read the channels in which they are."""
    user = chat.sessions.get(session)
    names = [channel.name for channel in user.channels.values()] if user is not None else []
    found = (marker_of(chat, session, name) for name in names)
    return {one.name: one.ms for one in found if one is not None}
