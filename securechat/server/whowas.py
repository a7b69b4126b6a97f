"""Who was on the chat, or went by another name, since the server started (Modern IRC, "WHOWAS message")."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from securechat.chat.events import Left, NickChanged
from securechat.irc.names import casefold, split_source

__all__ = ["MOST", "WasHere", "WhoWas"]

MOST = 2000
"""So many are remembered, of all names together; the oldest are forgotten first."""


@dataclass(frozen=True, slots=True)
class WasHere:
    """Somebody who does not wear this nick any more. ``at``: the stamp of the moment when they gave it up."""

    nick: str
    username: str
    host: str
    realname: str
    account: str | None
    at: int


class WhoWas:
    """Used inside the journal's turn alone: delivery fills it, and takes the answers out of it."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._order: deque[str] = deque()
        """The casefolded nick of each entry, the oldest first."""
        self._entries: dict[str, deque[WasHere]] = {}
        """By casefolded nick, the oldest first."""

    def note(self, event: Left | NickChanged) -> None:
        """Somebody has gone, or is called otherwise."""
        nick, username, host = split_source(event.source)
        key = casefold(nick)
        if isinstance(event, NickChanged) and casefold(event.nick) == key:
            return
        entry = WasHere(nick, username, host, event.realname, event.account, event.stamp)
        self._entries.setdefault(key, deque()).append(entry)
        self._order.append(key)
        if len(self._order) > self._most:
            oldest = self._order.popleft()
            entries = self._entries[oldest]
            entries.popleft()
            if not entries:
                del self._entries[oldest]

    def of(self, nick: str, most: int | None = None) -> list[WasHere]:
        """Those who wore a nick, the latest first: all that are known, or ``most`` of them."""
        return list(reversed(self._entries.get(casefold(nick), ())))[:most]
