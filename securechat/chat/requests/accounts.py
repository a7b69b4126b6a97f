"""Accounts, by the operator's hand or their owner's."""

from __future__ import annotations

from dataclasses import dataclass, field

from securechat.chat.model import Role

__all__ = [
    "AddAccount",
    "AddCertificate",
    "EnableAccount",
    "MakeInviteCode",
    "Registrant",
    "Rehash",
    "RemoveAccount",
    "RemoveCertificate",
    "RevokeInviteCode",
    "SetPassword",
]


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
    scram: str = field(default="", repr=False)
    code: str = ""
    """The digest of the invite code that is used up by it; then its role is the code's."""


@dataclass(slots=True)
class SetPassword:
    name: str
    credential: str = field(repr=False)
    keep: int | None = None
    """The session that may stay: its owner made the change."""
    scram: str = field(default="", repr=False)
    """Empty: there is none any more."""
    code: str = ""
    """The digest of the code that resets it."""
    verified: int = 0
    """Its owner makes the change, and this is `Account.credential_set` of the password that they have shown."""


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


@dataclass(slots=True)
class AddCertificate:
    """The account of a session is to be logged in with this certificate, too."""

    session: int
    fingerprint: str
    der: bytes = field(repr=False)
    name: str
    expires: int
    """Seconds since 1970."""


@dataclass(slots=True)
class RemoveCertificate:
    """It is that no more."""

    session: int | None
    """``None``: the operator does it."""
    account: str
    """The name of the account, where the operator does it."""
    fingerprint: str


@dataclass(slots=True)
class MakeInviteCode:
    """Somebody may make an account, or (``reset``) set the password of the one of that name anew."""

    session: int | None
    """``None``: the operator does it."""
    digest: str
    name: str
    """Of the account; empty: any that there is not yet."""
    admin: bool
    uses: int
    until: int
    """The stamp of its end."""
    reset: bool = False


@dataclass(slots=True)
class RevokeInviteCode:
    session: int | None
    """``None``: the operator does it."""
    id: str
