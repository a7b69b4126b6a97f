"""The server itself, and what its operators did."""

from __future__ import annotations

from dataclasses import dataclass

from securechat.chat.model import Rules, ServerBan

__all__ = ["Banned", "Killed", "RulesSet", "Started", "Unbanned", "WallopsSaid"]


@dataclass(slots=True)
class Started:
    stamp: int
    rules: Rules
    forgotten: tuple[tuple[int, int], ...] = ()
    """(account id, channel id) of those who are always on, and may not come into a channel that lasts any more."""


@dataclass(slots=True)
class RulesSet:
    stamp: int
    rules: Rules


@dataclass(slots=True)
class WallopsSaid:
    """Ordered, never stored."""

    stamp: int
    source: str
    account: str | None
    account_id: int | None
    text: str
    audience: tuple[int, ...]
    bot: bool = False


@dataclass(slots=True)
class Killed:
    """An operator has ended somebody's connections. What others see is that they left."""

    stamp: int
    source: str
    account_id: int | None
    nick: str
    reason: str
    account: str | None = None
    bot: bool = False
    sessions: tuple[int, ...] = ()
    """The connections that end."""


@dataclass(slots=True)
class Banned:
    stamp: int
    ban: ServerBan
    session: int | None
    """Of the operator who is told."""


@dataclass(slots=True)
class Unbanned:
    stamp: int
    ban: ServerBan
    by: str
    session: int | None
