"""What became of requests. An event is stored, then shown to the sessions in its ``audience``.

Each has the stamp of its request, and holds all that is needed to write it down and to render it: what the state says
when it is delivered may be of a later day.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from securechat.chat.model import Account, Channel, MemberView, Rules, Topic
from securechat.chat.requests import Speech

__all__ = [
    "AccountAdded",
    "AccountEnabled",
    "AccountRemoved",
    "Arrived",
    "ChannelMade",
    "ChannelView",
    "Collected",
    "Event",
    "Joined",
    "Left",
    "MemberView",
    "NickChanged",
    "Parted",
    "PasswordSet",
    "Rehashed",
    "Said",
    "SessionsEnded",
    "Started",
    "TopicChanged",
]


@dataclass(frozen=True, slots=True)
class ChannelView:
    """A channel at one moment: what somebody who comes in is told."""

    name: str
    topic: Topic | None
    members: tuple[MemberView, ...]


@dataclass(slots=True)
class Said:
    """A message. The most frequent event by far."""

    stamp: int
    kind: Speech
    source: str
    account: str | None
    account_id: int | None
    target: str
    """The channel's or the nick's name as it is written."""
    text: str
    tags: str
    audience: tuple[int, ...]
    """To a channel: the sessions of all members, the sender's own among them. Else those of whom it is for."""
    origin: int
    """The session that said it."""
    channel_id: int | None = None
    target_id: int | None = None
    """The account of the one it is for."""
    copies: tuple[int, ...] = ()
    """The sender's sessions, for a message that is not to a channel."""
    held: bool = False
    """Nobody is there for whom it is; it is kept until they come."""
    cut: bool = False
    """It was longer, and did not fit into the line that others get."""


@dataclass(slots=True)
class Started:
    stamp: int
    rules: Rules


@dataclass(slots=True)
class Arrived:
    """A session is on the chat. Nobody sees it: people show up where they join."""

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


@dataclass(slots=True)
class ChannelMade:
    stamp: int
    channel_id: int
    name: str
    founder: int | None


@dataclass(slots=True)
class Joined:
    stamp: int
    channel_id: int
    channel: str
    source: str
    account: str | None
    account_id: int | None
    realname: str
    audience: tuple[int, ...]
    joiners: tuple[int, ...]
    """The sessions of the one who came in: they are told of the channel."""
    view: ChannelView


@dataclass(slots=True)
class Parted:
    stamp: int
    channel_id: int
    channel: str
    source: str
    account: str | None
    account_id: int | None
    reason: str
    audience: tuple[int, ...]
    """Before the leave: who goes sees it too."""


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


@dataclass(slots=True)
class TopicChanged:
    stamp: int
    channel_id: int
    channel: str
    source: str
    account: str | None
    account_id: int | None
    text: str
    audience: tuple[int, ...]
    lasting: bool


@dataclass(slots=True)
class Collected:
    stamp: int
    account_id: int
    up_to: int


@dataclass(slots=True)
class AccountAdded:
    stamp: int
    account: Account


@dataclass(slots=True)
class PasswordSet:
    stamp: int
    account_id: int
    name: str
    credential: str = field(repr=False)


@dataclass(slots=True)
class Rehashed:
    stamp: int
    account_id: int
    credential: str = field(repr=False)


@dataclass(slots=True)
class AccountEnabled:
    stamp: int
    account_id: int
    name: str
    enabled: bool


@dataclass(slots=True)
class AccountRemoved:
    stamp: int
    account_id: int
    name: str
    orphans: tuple[int, ...]
    """The ids of the channels that belonged to the account and go with it, unless somebody is in them."""


@dataclass(slots=True)
class SessionsEnded:
    """These connections are to be closed; what they were on the chat has ended already, if it had to."""

    stamp: int
    sessions: tuple[int, ...]
    reason: str


Event = (
    Said
    | Started
    | Arrived
    | ChannelMade
    | Joined
    | Parted
    | Left
    | NickChanged
    | TopicChanged
    | Collected
    | AccountAdded
    | PasswordSet
    | Rehashed
    | AccountEnabled
    | AccountRemoved
    | SessionsEnded
)


def view(channel: Channel) -> ChannelView:
    """What NAMES and TOPIC say of a channel, as it is now."""
    return ChannelView(channel.name, channel.topic, channel.roll)
