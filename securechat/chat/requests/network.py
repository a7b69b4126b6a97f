"""The server itself, and what its operators do."""

from __future__ import annotations

from dataclasses import dataclass

from securechat.chat.model import BanKind, Rules

__all__ = ["AddBan", "BecomeOperator", "Kill", "RemoveBan", "SetRules", "Start", "Wallops"]


@dataclass(slots=True)
class Start:
    """This server started: whoever was on the chat before is not any more, and these are the rules from now on."""

    rules: Rules
    seen: int = 0
    """Up to which stamp the clients of a server that ended without a word have surely seen what was said."""


@dataclass(slots=True)
class SetRules:
    """The configuration was read again: these are the rules from now on. The lobby stays what it is."""

    rules: Rules


@dataclass(slots=True)
class BecomeOperator:
    """OPER: the password was right."""

    session: int
    name: str
    """By which the configuration knows the operator."""


@dataclass(slots=True)
class Kill:
    """End all connections of a user."""

    session: int
    nick: str
    reason: str


@dataclass(slots=True)
class Wallops:
    """Say something to all operators, and to those who asked for it."""

    session: int
    text: str


@dataclass(slots=True)
class AddBan:
    """Keep somebody off the server, and end their connections. Replaces a ban of the same."""

    session: int | None
    """Of the operator; ``None``: from the control socket."""
    kind: BanKind
    mask: str
    """An account's name, or an IP address, or a network as ``address/length``."""
    reason: str
    until: int | None = None
    """The stamp of its end; ``None``: for good."""


@dataclass(slots=True)
class RemoveBan:
    session: int | None
    kind: BanKind
    mask: str
