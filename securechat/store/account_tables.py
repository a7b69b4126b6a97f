"""The tables of accounts: who they are, their certificates, and the codes with which they are made."""

from __future__ import annotations

import sqlite3

from securechat.chat.events import (
    AccountAdded,
    AccountEnabled,
    AccountRemoved,
    CertificateAdded,
    CertificateRemoved,
    InviteCodeMade,
    InviteCodeRevoked,
    InviteCodeUsed,
    PasswordSet,
    Rehashed,
)
from securechat.chat.machine import Chat
from securechat.chat.model import Account, Certificate, InviteCode, Role
from securechat.irc.names import casefold
from securechat.store.schema import Change

__all__ = [
    "DELETE_ALL",
    "account_added",
    "account_enabled",
    "account_removed",
    "certificate_added",
    "certificate_removed",
    "code_made",
    "code_revoked",
    "code_used",
    "insert",
    "load_accounts",
    "load_certificates",
    "load_invite_codes",
    "password_set",
    "rehashed",
]

DELETE_ALL: list[Change] = [
    (f"DELETE FROM {table}", ())  # noqa: S608 - ours
    for table in ("accounts", "certificates", "invite_codes", "retired_names")
]

_FORGET_CODE = "DELETE FROM invite_codes WHERE digest = ?"


def _insert_account(account: Account) -> Change:
    return (
        "INSERT INTO accounts VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            account.id,
            account.name,
            casefold(account.name),
            account.role.value,
            account.enabled,
            account.created,
            account.credential,
            account.credential_set,
            account.scram,
        ),
    )


def _insert_certificate(entry: Certificate) -> Change:
    return (
        "INSERT INTO certificates VALUES (?, ?, ?, ?, ?, ?)",
        (entry.fingerprint, entry.account_id, entry.der, entry.name, entry.added, entry.expires),
    )


def _insert_code(code: InviteCode) -> Change:
    return (
        "INSERT OR REPLACE INTO invite_codes VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            code.digest,
            code.name,
            code.admin,
            code.uses,
            code.left,
            code.made,
            code.until,
            code.by,
            code.account_id,
        ),
    )


def _retire(name: str, stamp: int) -> Change:
    return ("INSERT OR REPLACE INTO retired_names VALUES (?, ?)", (name, stamp))


def account_added(e: AccountAdded) -> list[Change]:
    return [_insert_account(e.account)]


def password_set(e: PasswordSet) -> list[Change]:
    return [
        (
            "UPDATE accounts SET credential = ?, credential_set = ?, scram = ? WHERE id = ?",
            (e.credential, e.stamp, e.scram, e.account_id),
        )
    ]


def rehashed(e: Rehashed) -> list[Change]:
    return [("UPDATE accounts SET credential = ? WHERE id = ?", (e.credential, e.account_id))]


def account_enabled(e: AccountEnabled) -> list[Change]:
    enabled = ("UPDATE accounts SET enabled = ? WHERE id = ?", (e.enabled, e.account_id))
    return [enabled] if e.enabled else [enabled, _take_back(e.name)]


def _take_back(maker: str) -> Change:
    """The codes by which somebody who is sent away could come back as an administrator."""
    return ("DELETE FROM invite_codes WHERE made_by = ? AND admin AND left > 0", (maker,))


def account_removed(e: AccountRemoved) -> list[Change]:
    return [
        ("DELETE FROM accounts WHERE id = ?", (e.account_id,)),
        ("DELETE FROM certificates WHERE account = ?", (e.account_id,)),
        ("DELETE FROM invite_codes WHERE account = ?", (e.account_id,)),
        _take_back(e.name),
        _retire(casefold(e.name), e.stamp),
    ]


def certificate_added(e: CertificateAdded) -> list[Change]:
    return [_insert_certificate(e.certificate)]


def certificate_removed(e: CertificateRemoved) -> list[Change]:
    return [("DELETE FROM certificates WHERE fingerprint = ?", (e.fingerprint,))]


def code_made(e: InviteCodeMade) -> list[Change]:
    return [*((_FORGET_CODE, (digest,)) for digest in e.forgotten), _insert_code(e.code)]


def code_revoked(e: InviteCodeRevoked) -> list[Change]:
    return [(_FORGET_CODE, (e.code.digest,))]


def code_used(e: InviteCodeUsed) -> list[Change]:
    return [_insert_code(e.code)]


def insert(chat: Chat) -> list[Change]:
    """Statements that fill the empty tables."""
    return [
        *(_insert_account(account) for account in chat.accounts.values()),
        *(_insert_certificate(entry) for entry in chat.certificates.values()),
        *(_insert_code(code) for code in chat.invite_codes.values()),
        *(_retire(name, stamp) for name, stamp in chat.retired.items()),
    ]


def load_accounts(connection: sqlite3.Connection) -> list[Account]:
    """Raises ``ValueError`` for a role that there is not."""
    return [
        Account(id, name, Role(role), bool(enabled), created, credential, credential_set, scram)
        for id, name, _, role, enabled, created, credential, credential_set, scram in connection.execute(
            "SELECT * FROM accounts"
        )
    ]


def load_certificates(connection: sqlite3.Connection) -> list[Certificate]:
    return [Certificate(*row) for row in connection.execute("SELECT * FROM certificates")]


def load_invite_codes(connection: sqlite3.Connection) -> list[InviteCode]:
    return [
        InviteCode(digest, name, bool(admin), *others)
        for digest, name, admin, *others in connection.execute("SELECT * FROM invite_codes")
    ]
