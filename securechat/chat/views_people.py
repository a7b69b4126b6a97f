"""Who of some people is here, for short questions: USERHOST, ISON, and a nick in the place of a server."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from securechat.chat.machine import Chat
from securechat.irc.names import casefold

__all__ = ["Presence", "is_here", "present"]


@dataclass(frozen=True, slots=True)
class Presence:
    """Somebody who is on the chat; ``nick`` as they write it themselves."""

    nick: str
    username: str
    host: str
    operator: bool
    away: bool


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
