"""What became of accounts."""

from __future__ import annotations

from dataclasses import dataclass, field

from securechat.chat.model import Account

__all__ = ["AccountAdded", "AccountEnabled", "AccountRemoved", "PasswordSet", "Rehashed"]


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
