"""Who monitors whom (IRCv3 Monitor): kept for as long as the connection, like its capabilities."""

from __future__ import annotations

from collections.abc import Collection

from securechat.irc.names import casefold

__all__ = ["Monitors"]


class Monitors:
    """The nicks that each session watches, whether anybody wears them or not.

    Used inside the journal's turn alone, by questions and by delivery: so nobody comes or goes between the answer to
    MONITOR and what follows it. A question may be asked twice, where a batch could not be stored; nothing in here
    minds that.
    """

    def __init__(self) -> None:
        self._sessions: dict[str, dict[int, None]] = {}
        """By casefolded nick: who watches it."""
        self._nicks: dict[int, dict[str, str]] = {}
        """By session: what it watches, casefolded, and as it was written."""

    def watching(self, nick: str) -> Collection[int]:
        """The sessions that watch a nick."""
        return self._sessions.get(casefold(nick), ())

    def watched(self, session: int) -> Collection[str]:
        """The nicks that a session watches, as it wrote them."""
        return self._nicks.get(session, {}).values()

    def add(self, session: int, nick: str, most: int) -> bool:
        """Whether the session watches it now: not if it watches ``most`` others already."""
        nicks = self._nicks.setdefault(session, {})
        key = casefold(nick)
        if key not in nicks:
            if len(nicks) >= most:
                return False
            nicks[key] = nick
            self._sessions.setdefault(key, {})[session] = None
        return True

    def remove(self, session: int, nick: str) -> None:
        """Of one that is not watched: nothing happens."""
        key = casefold(nick)
        if self._nicks.get(session, {}).pop(key, None) is not None:
            watchers = self._sessions[key]
            del watchers[session]
            if not watchers:
                del self._sessions[key]

    def clear(self, session: int) -> None:
        """The session watches nobody; it may have gone."""
        for nick in list(self.watched(session)):
            self.remove(session, nick)
        self._nicks.pop(session, None)
