"""What the operator can do with accounts, bans and invitations: the same requests, whether the server runs or not."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Final, TypeVar

from securechat.chat.invite_codes import state_of
from securechat.chat.machine import Applied, Chat
from securechat.chat.model import Certificate, Role
from securechat.chat.refusals import Reason
from securechat.chat.requests import (
    AddAccount,
    AddBan,
    EnableAccount,
    MakeInviteCode,
    RemoveAccount,
    RemoveBan,
    RemoveCertificate,
    Request,
    RevokeInviteCode,
    SetPassword,
)
from securechat.chat.stamps import iso_time
from securechat.chat.views import bans
from securechat.irc.names import valid_nick
from securechat.server.assembly import build_hub
from securechat.server.bans import NO_REASON, end_after, in_force, kind_of
from securechat.server.certificates import end_logins_with
from securechat.server.config import Config
from securechat.server.control import OperatorError, OperatorFailed
from securechat.server.control_lines import AccountLine, BanLine, CertificateLine, Invitation, InvitationLine, Wish
from securechat.server.hub import Hub
from securechat.server.invitations import (
    MAX_SECONDS,
    MAX_USES,
    MIN_SECONDS,
    end_in,
    link_to,
    log_made,
    log_revoked,
    new_code,
    now,
    purpose_of,
)
from securechat.server.log import EventLog
from securechat.server.password_rules import objection_to
from securechat.server.whereabouts import UnknownWhereaboutsError, Wanted, whereabouts
from securechat.store.database import StoreUnusable
from securechat.store.datadir import DataDir
from securechat.store.passwords import HasherClosed, PasswordRefusedError

__all__ = ["HubOperator", "open_operator"]

Answered = TypeVar("Answered")

_MISTAKE: Final = "Nothing was changed: the server made a mistake, which its log tells of"
_FINGERPRINT: Final = re.compile(r"[0-9a-f]{8,64}", re.ASCII)
_LONGEST_REASON: Final = 300
"""Bytes: with it the line that tells of a ban has room for all else that stands in it."""


class HubOperator:
    """The operator's commands on the hub of a server, running or not."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    def add_account(self, name: str, password: str, *, admin: bool) -> None:
        _check_name(name)
        credential, scram = self._credentials(name, password)
        self._do(name, AddAccount(name, credential, Role.ADMIN if admin else Role.MEMBER, scram=scram))
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
        credential, scram = self._credentials(name, password)
        self._do(name, SetPassword(name, credential, scram=scram))
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

    # -- invitations --------------------------------------------------------------------------------------------------

    def invite(self, wish: Wish) -> Invitation:
        _check(wish)
        wanted = Wanted(wish.host, wish.port, _authority(wish))
        try:
            where = whereabouts(self._hub.config, self._hub.listening, wanted)
        except UnknownWhereaboutsError as error:
            raise OperatorError(f"No link can be made: {error}") from error
        code, digest = new_code()
        request = MakeInviteCode(
            None, digest, wish.name, wish.admin, wish.uses, end_in(self._hub, wish.seconds), wish.reset
        )
        made = self._do(wish.name, request, lambda chat: chat.invite_codes.get(digest))
        if made is None:
            raise OperatorFailed(_MISTAKE)
        log_made(self._hub, made)
        until = iso_time(made.until)
        return Invitation(link_to(where, code), made.id, made.name, made.admin, made.uses, until, list(where.warnings))

    def list_invitations(self) -> list[InvitationLine]:
        moment = now(self._hub)
        return [
            InvitationLine(
                code.id,
                state_of(code, moment) or "open",
                purpose_of(code),
                code.name or None,
                code.left,
                code.uses,
                code.by,
                iso_time(code.made),
                iso_time(code.until),
            )
            for code in sorted(self._ask(lambda chat: list(chat.invite_codes.values())), key=lambda code: code.made)
        ]

    def revoke_invitation(self, id: str) -> None:
        self._do(id, RevokeInviteCode(None, id), lambda _: None)
        log_revoked(self._hub, id.lower(), "the operator")

    # -- certificates -------------------------------------------------------------------------------------------------

    def list_certificates(self, name: str) -> list[CertificateLine]:
        return [
            CertificateLine(
                entry.fingerprint,
                entry.name,
                iso_time(entry.added),
                datetime.fromtimestamp(entry.expires, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            )
            for entry in self._certificates(name)
        ]

    def remove_certificate(self, name: str, fingerprint: str) -> str:
        """Its sessions end. ``fingerprint``: the first digits will do, at least 8 of them; colons do not count."""
        wanted = fingerprint.replace(":", "").lower()
        if not _FINGERPRINT.fullmatch(wanted):
            raise OperatorError("A fingerprint has 64 hexadecimal digits, of which the first 8 or more will do")
        found = [entry for entry in self._certificates(name) if entry.fingerprint.startswith(wanted)]
        if not found:
            raise OperatorError(f"{name} has no certificate with this fingerprint")
        if len(found) > 1:
            raise OperatorError(f"{name} has {len(found)} certificates whose fingerprints begin so: give more digits")
        whole = found[0].fingerprint
        self._do(name, RemoveCertificate(None, name, whole), lambda _: None)
        end_logins_with(self._hub, whole)
        self._hub.log.info("certificate removed", account=name, fingerprint=whole)
        return whole

    def _certificates(self, name: str) -> list[Certificate]:
        def ask(chat: Chat) -> list[Certificate] | None:
            account = chat.account_named(name)
            if account is None:
                return None
            return [entry for entry in chat.certificates.values() if entry.account_id == account.id]

        found = self._ask(ask)
        if found is None:
            raise OperatorError(f"There is no account {name}")
        return sorted(found, key=lambda entry: entry.added)

    # -- all of them --------------------------------------------------------------------------------------------------

    def _credentials(self, name: str, password: str) -> tuple[str, str]:
        """The hash of a new password, and its verifier."""
        objection = objection_to(password, name, self._hub.config.limits.min_password_length)
        if objection is not None:
            raise OperatorError(objection.sentence)
        try:
            return self._hub.hasher.hash(password), self._hub.verifier(password)
        except PasswordRefusedError as error:
            raise OperatorError(str(error)) from None
        except HasherClosed:
            raise OperatorFailed("Nothing was changed, because the server is stopping") from None

    def _ask(self, question: Callable[[Chat], Answered]) -> Answered:
        _, answer = self._hub.journal.ask((), question)
        return answer  # type: ignore[return-value]

    def _do(
        self, name: str, request: Request, question: Callable[[Chat], Answered | None] = lambda _: None
    ) -> Answered | None:
        """Have it done; ``question`` is asked behind it."""
        (outcome,), answer = self._hub.journal.ask([request], question)
        if isinstance(outcome, Applied):
            return answer  # type: ignore[return-value]
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
            case Reason.TOO_MANY_INVITE_CODES:
                raise OperatorError("There are as many invitations as there may be: revoke some of them")
            case Reason.NO_SUCH_INVITE_CODE:
                raise OperatorError(
                    f"There is no invitation {name!r}: `securechat invite list` shows those that there are"
                )
            case Reason.NO_SUCH_CERTIFICATE:
                raise OperatorError(f"{name} does not have this certificate any more")
            case Reason.NOT_STORED:
                raise OperatorFailed(f"Nothing was changed, because {outcome.context[0]}")
        raise OperatorFailed(_MISTAKE)


def _check_name(name: str) -> None:
    if not valid_nick(name):
        raise OperatorError(
            f"{name!r} can't be the name of an account: at most 32 ASCII letters, digits and -_[]\\^{{}}|`, "
            "with neither a digit nor a hyphen in front"
        )


def _check(wish: Wish) -> None:
    if wish.name or wish.reset:
        _check_name(wish.name)
    if not 1 <= wish.uses <= MAX_USES:
        raise OperatorError(f"An invitation has 1 to {MAX_USES} uses")
    if wish.name and wish.uses > 1:
        raise OperatorError("An invitation for one name has one use")
    if not MIN_SECONDS <= wish.seconds <= MAX_SECONDS:
        raise OperatorError(
            f"An invitation is good for a minute at least, and for {MAX_SECONDS // 86_400} days at most"
        )


def _authority(wish: Wish) -> bytes | None:
    if wish.authority is None:
        return None
    try:
        return base64.b64decode(wish.authority, validate=True)
    except ValueError:
        raise OperatorError("The authority is no certificate") from None


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
