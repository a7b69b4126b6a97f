"""Who came, left, or is called otherwise."""

from __future__ import annotations

from dataclasses import dataclass

from securechat.chat.events.channels import ChannelView
from securechat.irc.modes import ModeChange

__all__ = [
    "AccountChanged",
    "Arrived",
    "AwayChanged",
    "HostChanged",
    "Left",
    "NickChanged",
    "RealnameChanged",
    "SessionsEnded",
    "Silenced",
    "UserModesChanged",
]


@dataclass(slots=True)
class Arrived:
    """A session is on the chat. Only who monitors them sees it: people show up where they join."""

    stamp: int
    session: int
    nick: str
    source: str
    account: str | None
    account_id: int | None
    channels: tuple[ChannelView, ...]
    """Where the user is already, with another session."""
    held_up_to: int
    """The stamp of the last message that is kept for the account, or 0."""
    modes: str = ""
    """The letters of the user's modes."""
    first: bool = True
    """Whether the user was not on the chat before."""
    realname: str = ""
    """The user's: of a connection that joins others, it may have said another."""
    away: str | None = None
    """Why nobody is at any of the user's connections."""


@dataclass(slots=True)
class Left:
    """The last session of a user has gone."""

    stamp: int
    source: str
    account: str | None
    account_id: int | None
    reason: str
    channels: tuple[str, ...]
    audience: tuple[int, ...]
    bot: bool = False
    realname: str = ""


@dataclass(slots=True)
class NickChanged:
    stamp: int
    source: str
    """Before the change."""
    account: str | None
    account_id: int | None
    nick: str
    audience: tuple[int, ...]
    own: tuple[int, ...]
    """The sessions of the one who is renamed, which are in the audience too."""
    bot: bool = False
    new_source: str = ""
    """After the change."""
    realname: str = ""


@dataclass(slots=True)
class AwayChanged:
    """A session is away or back. ``seen``: so all of the user's are, or no longer are, and others are told."""

    stamp: int
    session: int
    source: str
    account: str | None
    account_id: int | None
    away: str | None
    """Of the session."""
    text: str | None
    """Of the user."""
    seen: bool
    audience: tuple[int, ...]
    bot: bool = False
    asked: bool = False
    """The session has said AWAY, and is answered."""


@dataclass(slots=True)
class RealnameChanged:
    stamp: int
    source: str
    account: str | None
    account_id: int | None
    realname: str
    audience: tuple[int, ...]
    """Those who share a channel, and the user's own sessions."""
    own: tuple[int, ...]
    bot: bool = False


@dataclass(slots=True)
class AccountChanged:
    """Somebody who is on the chat has logged in (IRCv3 account-notify)."""

    stamp: int
    session: int
    source: str
    account: str | None
    account_id: int | None
    audience: tuple[int, ...]
    own: tuple[int, ...]
    bot: bool = False
    before: str | None = None
    """The account that they had."""


@dataclass(slots=True)
class HostChanged:
    """IRCv3 chghost."""

    stamp: int
    source: str
    """Before the change."""
    account: str | None
    account_id: int | None
    username: str
    host: str
    audience: tuple[int, ...]
    own: tuple[int, ...]
    bot: bool = False
    realname: str = ""
    places: tuple[tuple[str, str, tuple[int, ...]], ...] = ()
    """(name, member's modes, sessions of all members) of the user's channels."""
    away: str | None = None


@dataclass(slots=True)
class UserModesChanged:
    """``changes`` is empty where nothing that was asked for could be done, or was to do."""

    stamp: int
    nick: str
    source: str
    changes: tuple[ModeChange, ...]
    audience: tuple[int, ...]
    """The user's own sessions."""
    modes: str = ""
    """The letters of all that they have now."""


@dataclass(slots=True)
class Silenced:
    stamp: int
    source: str
    account_id: int | None
    adding: bool
    mask: str
    audience: tuple[int, ...]
    """The user's own sessions."""


@dataclass(slots=True)
class SessionsEnded:
    """These connections are to be closed; what they were on the chat has ended already, if it had to."""

    stamp: int
    sessions: tuple[int, ...]
    reason: str
