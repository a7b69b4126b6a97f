"""The rules for making and revoking invite codes (see `invite_codes`)."""

from __future__ import annotations

from typing import Final

from securechat.chat.events import InviteCodeMade, InviteCodeRevoked
from securechat.chat.invite_codes import state_of
from securechat.chat.machine import Applied, Chat, put, rule
from securechat.chat.model import Account, InviteCode, Role
from securechat.chat.operators import operator_of
from securechat.chat.refusals import Reason, Refused
from securechat.chat.requests import MakeInviteCode, RevokeInviteCode
from securechat.chat.stamps import STEP_BITS
from securechat.irc.names import casefold, valid_nick

__all__ = ["MAX_USES"]

MAX_USES: Final = 1000
"""Of one code."""

REMEMBERED: Final = 30 * 86_400_000 << STEP_BITS
"""Thirty days, in stamps: so long after its end a code is remembered."""

MAX_FORGOTTEN: Final = 8
"""Codes that go with a new one."""


@rule(MakeInviteCode)
def make_invite_code(chat: Chat, stamp: int, request: MakeInviteCode, applied: Applied) -> None:
    """Operators of the server may; administrators are made by administrators only, and by the operator.

    One that is for a name has one use. One that resets a password takes the place of the one before.
    """
    by, account_id = _maker(chat, request)
    account = chat.account_named(request.name) if request.name else None
    if request.reset and account is None:
        raise Refused(Reason.NO_SUCH_ACCOUNT, request.name)
    if not request.reset and account is not None:
        raise Refused(Reason.ACCOUNT_EXISTS, account.name)
    if request.name and not valid_nick(request.name):
        raise Refused(Reason.BAD_ACCOUNT_NAME, request.name)
    forgotten = _forget(chat, stamp, account if request.reset else None, applied)
    if len(chat.invite_codes) >= chat.rules.invite_codes:
        raise Refused(Reason.TOO_MANY_INVITE_CODES)
    uses = 1 if request.name else min(max(request.uses, 1), MAX_USES)
    code = InviteCode(
        request.digest,
        account.name if account else request.name,
        request.admin and not request.reset,
        uses,
        uses,
        stamp,
        request.until,
        by,
        account.id if account else 0,
    )
    put(chat.invite_codes, code.digest, code, applied)
    applied.events.append(InviteCodeMade(stamp, code, account_id, forgotten))


def _maker(chat: Chat, request: MakeInviteCode) -> tuple[str, int | None]:
    """Who makes it, and their account. Raises :class:`Refused` for who may not."""
    if request.session is None:
        return "the operator", None
    user = operator_of(chat, request.session)
    account = chat.accounts_by_id.get(user.account_id) if user.account_id is not None else None
    # A password of somebody else's is as good as being them, whoever they are.
    if (request.admin or request.reset) and (account is None or account.role is not Role.ADMIN):
        raise Refused(Reason.NO_PRIVILEGES)
    return user.account or user.nick, user.account_id


def _forget(chat: Chat, stamp: int, account: Account | None, applied: Applied) -> tuple[str, ...]:
    """The digests of codes that go: the one before that resets this account, and some that are long of no use.

    Where there is no room left they need not be so for long.
    """
    full = len(chat.invite_codes) >= chat.rules.invite_codes
    gone = [code for code in chat.invite_codes.values() if account is not None and code.account_id == account.id]
    dead = [
        code
        for code in chat.invite_codes.values()
        if code not in gone and state_of(code, stamp) and (full or code.until + REMEMBERED <= stamp)
    ]
    gone += sorted(dead, key=lambda code: code.made)[:MAX_FORGOTTEN]
    for code in gone:
        put(chat.invite_codes, code.digest, None, applied)
    return tuple(code.digest for code in gone)


@rule(RevokeInviteCode)
def revoke_invite_code(chat: Chat, stamp: int, request: RevokeInviteCode, applied: Applied) -> None:
    """It is as if there had never been one."""
    by = operator_of(chat, request.session).nick if request.session is not None else "the operator"
    wanted = casefold(request.id)
    code = next((code for code in chat.invite_codes.values() if code.id == wanted), None)
    if code is None:
        raise Refused(Reason.NO_SUCH_INVITE_CODE, request.id)
    put(chat.invite_codes, code.digest, None, applied)
    applied.events.append(InviteCodeRevoked(stamp, code, by))
