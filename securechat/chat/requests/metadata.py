"""IRCv3 metadata: keys and values of users and channels."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["ClearMetadata", "SetMetadata"]


@dataclass(slots=True)
class SetMetadata:
    """``target``: ``*`` for oneself, a nick or a channel. ``value``: ``None`` removes the key."""

    session: int
    target: str
    key: str
    value: str | None


@dataclass(slots=True)
class ClearMetadata:
    session: int
    target: str
