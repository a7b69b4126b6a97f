"""Who came, left, or is called otherwise."""

from __future__ import annotations

from dataclasses import dataclass

from securechat.chat.events.channels import ChannelView
from securechat.chat.model import Settings
from securechat.irc.modes import ModeChange

__all__ = [
    "AccountChanged",
    "Arrived",
    "AwayChanged",
    "DeviceSeen",
    "DevicesSeen",
    "HostChanged",
    "Left",
    "NickChanged",
    "Place",
    "RealnameChanged",
    "Returned",
    "SessionsEnded",
    "SettingsChanged",
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
    devices: tuple[str, ...] = ()
    """The names under which it is known that the account is there; the empty one is for any of its devices."""
    missed_since: int | None = None
    """The stamp after which its device has seen nothing; ``None``: it has missed nothing, or was never there."""
    replay: int = 0
    """So many messages of a channel it is to be shown of that."""


@dataclass(frozen=True, slots=True)
class Place:
    """One of the channels into which somebody comes back."""

    channel_id: int
    name: str
    modes: str
    """The member's modes that others are to be told of."""
    audience: tuple[int, ...]
    """The sessions of the other members."""


@dataclass(slots=True)
class Returned:
    """An account is in the channels again in which it was when its last session ended. Its own session is told of them
    by :class:`Arrived`."""

    stamp: int
    nick: str
    source: str
    account: str | None
    account_id: int | None
    realname: str
    places: tuple[Place, ...]
    bot: bool = False
    away: str | None = None
    forgotten: tuple[int, ...] = ()
    """The ids of channels that last, into which it may not come any more."""


@dataclass(frozen=True, slots=True)
class DeviceSeen:
    """Up to which stamp a device has seen what was said, and whether it is there. ``seen`` is ``None``: forget it."""

    account_id: int
    name: str
    seen: int | None
    here: bool = False


@dataclass(slots=True)
class DevicesSeen:
    stamp: int
    devices: tuple[DeviceSeen, ...]


@dataclass(slots=True)
class SettingsChanged:
    """What the owner of an account has chosen; ``name`` is of what they changed."""

    stamp: int
    account_id: int
    name: str
    settings: Settings
    audience: tuple[int, ...]
    """The user's own sessions."""


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
    channel_ids: tuple[int, ...] = ()


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
    channel_ids: tuple[int, ...] = ()
    """Of the channels in which they are."""


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
    places: tuple[tuple[int, int, bool], ...] = ()
    """(channel id, the stamp from which on it may read what was said, whether it is in it whenever it comes) of the
    channels that last in which they are."""


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
    account: str | None = None


@dataclass(slots=True)
class Silenced:
    stamp: int
    source: str
    account_id: int | None
    adding: bool
    mask: str
    audience: tuple[int, ...]
    """The user's own sessions."""
    account: str | None = None
    bot: bool = False


@dataclass(slots=True)
class SessionsEnded:
    """These connections are to be closed; what they were on the chat has ended already, if it had to."""

    stamp: int
    sessions: tuple[int, ...]
    reason: str
    left: Left | None = None
    """What they are shown before that, as others were: who is killed sees the QUIT (Modern IRC, "KILL message")."""
