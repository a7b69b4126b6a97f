"""What became of accounts."""

from __future__ import annotations

from dataclasses import dataclass, field

from securechat.chat.model import Account, Certificate, InviteCode

__all__ = [
    "AccountAdded",
    "AccountEnabled",
    "AccountRemoved",
    "CertificateAdded",
    "CertificateRemoved",
    "InviteCodeMade",
    "InviteCodeRevoked",
    "InviteCodeUsed",
    "PasswordSet",
    "Rehashed",
]


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
    scram: str = field(default="", repr=False)


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
class CertificateAdded:
    stamp: int
    name: str
    """Of the account."""
    certificate: Certificate


@dataclass(slots=True)
class CertificateRemoved:
    stamp: int
    account_id: int
    name: str
    fingerprint: str


@dataclass(slots=True)
class InviteCodeMade:
    stamp: int
    code: InviteCode
    account_id: int | None
    """Of who made it, if that has one."""
    forgotten: tuple[str, ...]
    """The digests of those that are of no use any more, and go."""


@dataclass(slots=True)
class InviteCodeRevoked:
    stamp: int
    code: InviteCode
    by: str


@dataclass(slots=True)
class InviteCodeUsed:
    stamp: int
    code: InviteCode
    """As it is from now on."""
    account_id: int
    name: str
    """Of the account that was made with it, or got a new password."""
