"""What is said of users and channels (IRCv3 metadata), copied out of the state.

Nothing is copied but references: a dictionary of metadata is never changed, only replaced.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from securechat.chat.channel import Channel
from securechat.chat.machine import Chat
from securechat.chat.metadata import find_target
from securechat.chat.model import User
from securechat.chat.refusals import Refused
from securechat.irc.names import casefold

__all__ = ["Described", "all_described", "described", "members_described"]


@dataclass(frozen=True, slots=True)
class Described:
    """Somebody or a channel, with the values by their keys."""

    name: str
    values: Mapping[str, str]


def described(chat: Chat, session: int, target: str) -> Described | None:
    """A nick's, a channel's, or with ``*`` one's own; ``None`` where there is nothing that the one who asks may see."""
    user = chat.sessions.get(session)
    if user is None:
        return None
    try:
        return _of(find_target(chat, user, target))
    except Refused:
        return None


def members_described(chat: Chat, session: int, name: str) -> list[Described] | None:
    """A channel and all its members, whether anything is said of them or not.

    ``None``: there is no such channel that the one who asks may see. Who is not in it does not see the invisible.
    """
    user = chat.sessions.get(session)
    channel = chat.channels.get(casefold(name))
    if user is None or channel is None or not channel.visible_to(user):
        return None
    inside = user in channel.members
    return [_of(channel), *(_of(member) for member in channel.members if inside or "i" not in member.modes)]


def all_described(chat: Chat, session: int, monitored: Iterable[str]) -> list[Described]:
    """All of whom the one who asks is told changes: the channels, their members, the monitored, and they themselves."""
    user = chat.sessions.get(session)
    if user is None:
        return []
    channels = list(user.channels.values())
    users = dict.fromkeys([user, *(member for channel in channels for member in channel.members)])
    for nick in monitored:
        watched = chat.users.get(casefold(nick))
        if watched is not None:
            users[watched] = None
    return [*map(_of, channels), *map(_of, users)]


def _of(target: User | Channel) -> Described:
    return Described(target.name if isinstance(target, Channel) else target.nick, target.metadata)
