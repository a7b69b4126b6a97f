"""Accounts, by the operator's hand or their owner's."""

from __future__ import annotations

from dataclasses import dataclass, field

from securechat.chat.model import Role

__all__ = ["AddAccount", "EnableAccount", "Registrant", "Rehash", "RemoveAccount", "SetPassword"]


@dataclass(slots=True)
class Registrant:
    """The session of somebody who makes an account for themselves; it need not be on the chat yet."""

    session: int
    address: str
    """Where it comes from: who is banned makes no accounts."""
    host: str
    """What others see as its host once it has the account."""


@dataclass(slots=True)
class AddAccount:
    name: str
    credential: str = field(repr=False)
    role: Role = Role.MEMBER
    by: Registrant | None = None
    """``None``: the operator makes it."""


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
