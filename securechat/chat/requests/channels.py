"""What happens to channels and in them, messages apart."""

from __future__ import annotations

from dataclasses import dataclass

from securechat.irc.modes import ModeChange

__all__ = ["Invite", "Join", "Kick", "Part", "RenameChannel", "SetModes", "SetOwner", "SetTopic"]


@dataclass(slots=True)
class Join:
    session: int
    channel: str
    key: str = ""


@dataclass(slots=True)
class Part:
    session: int
    channel: str
    reason: str = ""


@dataclass(slots=True)
class Kick:
    session: int
    channel: str
    nick: str
    reason: str = ""


@dataclass(slots=True)
class Invite:
    session: int
    nick: str
    channel: str


@dataclass(slots=True)
class SetTopic:
    session: int
    channel: str
    text: str


@dataclass(slots=True)
class SetModes:
    """Each change is judged by itself: some may be made and others not."""

    session: int
    channel: str
    changes: tuple[ModeChange, ...]


@dataclass(slots=True)
class RenameChannel:
    """IRCv3 channel-rename."""

    session: int
    channel: str
    name: str
    reason: str = ""


@dataclass(slots=True)
class SetOwner:
    """Hand a channel over to another account, or (``None``) give it up."""

    session: int
    channel: str
    account: str | None
