"""What somebody wants. Requests hold all that the answer depends on, except the state and the stamp.

``session`` is the number of the connection that asks. Requests without one come from the operator or the server.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from securechat.chat.model import Role, Rules

__all__ = [
    "AddAccount",
    "Arrive",
    "ChangeNick",
    "Collect",
    "Depart",
    "EnableAccount",
    "Join",
    "Part",
    "Rehash",
    "RemoveAccount",
    "Request",
    "Say",
    "SetPassword",
    "SetTopic",
    "Speech",
    "Start",
]

Speech = Literal["PRIVMSG", "NOTICE", "TAGMSG"]


@dataclass(slots=True)
class Start:
    """This server started: whoever was on the chat before is not any more, and these are the rules from now on."""

    rules: Rules


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


@dataclass(slots=True)
class Depart:
    """A connection has ended. Never refused."""

    session: int
    reason: str


@dataclass(slots=True)
class Join:
    session: int
    channel: str


@dataclass(slots=True)
class Part:
    session: int
    channel: str
    reason: str = ""


@dataclass(slots=True)
class Say:
    """A message to a channel or a nick."""

    session: int
    kind: Speech
    target: str
    text: str
    tags: str = ""
    """The client-only tags (IRCv3 message-tags), escaped as they came: ``+a=b;+c``."""


@dataclass(slots=True)
class SetTopic:
    session: int
    channel: str
    text: str


@dataclass(slots=True)
class ChangeNick:
    session: int
    nick: str


@dataclass(slots=True)
class Collect:
    """This connection has received the messages that were kept for its account, up to and with this stamp."""

    session: int
    up_to: int


@dataclass(slots=True)
class AddAccount:
    name: str
    credential: str = field(repr=False)
    role: Role = Role.MEMBER


@dataclass(slots=True)
class SetPassword:
    name: str
    credential: str = field(repr=False)
    keep: int | None = None
    """The session that may stay: its owner made the change."""


@dataclass(slots=True)
class Rehash:
    """The password that was just verified, hashed with the parameters of today."""

    account_id: int
    credential_set: int
    """Of the credential that was verified."""
    credential: str = field(repr=False)


@dataclass(slots=True)
class EnableAccount:
    name: str
    enabled: bool


@dataclass(slots=True)
class RemoveAccount:
    name: str


Request = (
    Start
    | Arrive
    | Depart
    | Join
    | Part
    | Say
    | SetTopic
    | ChangeNick
    | Collect
    | AddAccount
    | SetPassword
    | Rehash
    | EnableAccount
    | RemoveAccount
)
