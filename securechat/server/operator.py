"""What the operator can do with accounts and bans: the same requests, whether the server runs or not."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from securechat.chat.machine import Applied, Chat
from securechat.chat.model import Role
from securechat.chat.refusals import Reason
from securechat.chat.requests import AddAccount, AddBan, EnableAccount, RemoveAccount, RemoveBan, Request, SetPassword
from securechat.chat.stamps import iso_time
from securechat.chat.views import bans
from securechat.irc.names import valid_nick
from securechat.server.assembly import build_hub
from securechat.server.bans import NO_REASON, end_after, in_force, kind_of
from securechat.server.config import Config
from securechat.server.control import AccountLine, BanLine, OperatorError, OperatorFailed
from securechat.server.hub import Hub
from securechat.server.log import EventLog
from securechat.store.database import StoreUnusable
from securechat.store.datadir import DataDir
from securechat.store.passwords import PasswordRefusedError

__all__ = ["HubOperator", "open_operator"]

_LONGEST_REASON: Final = 300
"""Bytes: with it the line that tells of a ban has room for all else that stands in it."""


class HubOperator:
    """The operator's commands on the hub of a server, running or not."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    def add_account(self, name: str, password: str, *, admin: bool) -> None:
        if not valid_nick(name):
            raise OperatorError(
                f"{name!r} can't be the name of an account: at most 32 ASCII letters, digits and -_[]\\^{{}}|`, "
                "with neither a digit nor a hyphen in front"
            )
        self._do(name, AddAccount(name, self._hash(password), Role.ADMIN if admin else Role.MEMBER))
        self._hub.log.info("account added", account=name, admin=admin)

    def list_accounts(self) -> list[AccountLine]:
        def ask(chat: Chat) -> list[AccountLine]:
            return [
                AccountLine(
                    account.name,
                    account.role.value,
                    account.enabled,
                    iso_time(account.created),
                    account.id in chat.users_by_account,
                )
                for account in sorted(chat.accounts.values(), key=lambda account: account.name.casefold())
            ]

        _, answer = self._hub.journal.ask((), ask)
        return answer  # type: ignore[return-value]

    def set_password(self, name: str, password: str) -> None:
        self._do(name, SetPassword(name, self._hash(password)))
        self._hub.log.info("password set", account=name)

    def set_enabled(self, name: str, enabled: bool) -> None:
        self._do(name, EnableAccount(name, enabled))
        self._hub.log.info("account enabled" if enabled else "account disabled", account=name)

    def remove_account(self, name: str) -> None:
        self._do(name, RemoveAccount(name))
        self._hub.log.info("account removed", account=name)

    def add_ban(self, whom: str, reason: str, seconds: int | None) -> None:
        """``whom`` as with UBAN; without a reason they are told that there is none; ``None`` seconds: for good."""
        if not reason.isprintable():  # it goes into lines, and to terminals
            raise OperatorError("The reason has characters that can't be shown")
        if len(reason.encode()) > _LONGEST_REASON:
            raise OperatorError(f"The reason is too long: it can have {_LONGEST_REASON} bytes at most")
        self._do(whom, AddBan(None, kind_of(whom), whom, reason or NO_REASON, end_after(seconds)))
        self._hub.log.info("ban added", target=whom)

    def list_bans(self) -> list[BanLine]:
        _, answer = self._hub.journal.ask((), bans)
        return [
            BanLine(
                ban.mask,
                ban.kind.value,
                ban.by,
                iso_time(ban.at),
                iso_time(ban.until) if ban.until is not None else None,
                ban.reason,
            )
            for ban in sorted(in_force(answer), key=lambda ban: ban.at)  # type: ignore[arg-type]
        ]

    def remove_ban(self, whom: str) -> None:
        self._do(whom, RemoveBan(None, kind_of(whom), whom))
        self._hub.log.info("ban lifted", target=whom)

    def _hash(self, password: str) -> str:
        least = self._hub.config.limits.min_password_length
        if len(password) < least:
            raise OperatorError(f"The password is too short: it needs at least {least} characters")
        try:
            return self._hub.hasher.hash(password)
        except PasswordRefusedError as error:
            raise OperatorError(str(error)) from None

    def _do(self, name: str, request: Request) -> None:
        (outcome,), _ = self._hub.journal.ask([request])
        if isinstance(outcome, Applied):
            return
        match outcome.reason:
            case Reason.ACCOUNT_EXISTS:
                raise OperatorError(f"There is an account {name} already")
            case Reason.NO_SUCH_ACCOUNT:
                raise OperatorError(f"There is no account {name}")
            case Reason.BAD_BAN:
                why = outcome.context[1]
                raise OperatorError(f"{name!r} can't be banned: {why[0].lower()}{why[1:]}")
            case Reason.NO_SUCH_BAN:
                raise OperatorError(f"There is no ban of {name!r}: `securechat ban list` shows those that there are")
            case Reason.NOT_STORED:
                raise OperatorFailed(f"Nothing was changed, because {outcome.context[0]}")
        raise OperatorFailed("Nothing was changed: the server made a mistake, which its log tells of")


@contextmanager
def open_operator(data: DataDir, config: Config) -> Iterator[HubOperator]:
    """The operator's commands without a server, on the store itself. The data directory must be locked.

    Raises :class:`OperatorFailed` where the store can't be opened.
    """
    try:
        hub = build_hub(config, data, EventLog())
    except StoreUnusable as error:
        raise OperatorFailed(str(error)) from error
    try:
        yield HubOperator(hub)
    finally:
        hub.hasher.close()
        hub.database.close()
