"""Who is on the chat, and what is known of them."""

from __future__ import annotations

from dataclasses import dataclass

from securechat.irc.modes import ModeChange

__all__ = [
    "Arrive",
    "ChangeNick",
    "Depart",
    "LogIn",
    "SetAlwaysOn",
    "SetAway",
    "SetRealname",
    "SetReplay",
    "SetUserModes",
    "Silence",
]


@dataclass(slots=True)
class Arrive:
    """A connection has registered. With an account it joins its user if that is on the chat already."""

    session: int
    nick: str
    username: str
    host: str
    realname: str
    account_id: int | None = None
    credential_set: int = 0
    """Of the credential that was verified: it may have been changed since."""
    address: str = ""
    """Where it comes from, as an IP address in text; the server's bans ask for it, and nothing else."""
    away: str | None = None
    """It said AWAY before (IRCv3 pre-away)."""
    device: str = ""
    """The casefolded name of the device, from the login ``alice@phone``."""
    seen: int = 0
    """Up to which stamp another connection of the same device, which is still there, has surely seen what was said."""
    asks: bool = False
    """Its client asks for what it has missed, and so is shown nothing of that."""


@dataclass(slots=True)
class Depart:
    """A connection has ended. Never refused."""

    session: int
    reason: str
    seen: int = 0
    """Up to which stamp it has surely seen what was said; 0: all of it."""
    silent: bool = False
    """The server stops: everybody goes, and nobody is told."""


@dataclass(slots=True)
class LogIn:
    """A connection that is on the chat has logged in, to another account or for the first time (SASL 3.2)."""

    session: int
    account_id: int
    credential_set: int
    host: str
    """What others see as its host from now on."""


@dataclass(slots=True)
class ChangeNick:
    session: int
    nick: str


@dataclass(slots=True)
class SetAway:
    """This connection's user is away from it, or (``None``) back. ``*`` is for no reason in particular."""

    session: int
    text: str | None


@dataclass(slots=True)
class SetReplay:
    """So many messages of a channel are to be shown of what was missed; 0 for none, ``None`` for what is usual."""

    session: int
    lines: int | None


@dataclass(slots=True)
class SetAlwaysOn:
    """The account is to stay in its channels while no device is connected, or no more."""

    session: int
    on: bool


@dataclass(slots=True)
class SetRealname:
    session: int
    realname: str


@dataclass(slots=True)
class SetUserModes:
    session: int
    changes: tuple[ModeChange, ...]


@dataclass(slots=True)
class Silence:
    """Take no private messages from whom the mask matches (SILENCE), or do so again."""

    session: int
    adding: bool
    mask: str
