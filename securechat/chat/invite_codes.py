"""Invite codes: with one somebody makes an account, or sets the password of theirs anew. The rules are in `inviting`.

Only digests are known here. A code that is used up or has expired is remembered for a while, so that whoever comes with
it can be told why it does not open any more.
"""

from __future__ import annotations

from dataclasses import replace

from securechat.chat.machine import Applied, Chat, put
from securechat.chat.model import Account, InviteCode
from securechat.chat.refusals import Reason, Refused

__all__ = ["admin_codes_by", "reset_code_of", "state_of", "usable_code", "use_up"]


def state_of(code: InviteCode | None, stamp: int) -> str:
    """Why a code does not open anything at that stamp: ``unknown``, ``expired`` or ``used``; empty: it does."""
    if code is None:
        return "unknown"
    if not code.left:
        return "used"
    return "expired" if code.until <= stamp else ""


def usable_code(chat: Chat, stamp: int, digest: str) -> InviteCode:
    """The code of that digest. Raises :class:`Refused` if it is not good any more, or none."""
    code = chat.invite_codes.get(digest)
    why = state_of(code, stamp)
    if code is None or why:
        raise Refused(Reason.BAD_INVITE_CODE, why, code.name if code else "")
    return code


def reset_code_of(chat: Chat, account: Account) -> InviteCode | None:
    """The one with which the password of the account can, or could, be set anew: there is one at a time."""
    return next((code for code in chat.invite_codes.values() if code.account_id == account.id), None)


def admin_codes_by(chat: Chat, account: Account) -> list[InviteCode]:
    """Those that the account has made, that are not used up, and that make administrators; the oldest first."""
    made = [code for code in chat.invite_codes.values() if code.admin and code.left and code.by == account.name]
    return sorted(made, key=lambda code: code.made)


def use_up(chat: Chat, code: InviteCode, applied: Applied) -> InviteCode:
    """The code as it is when it was used once more."""
    used = replace(code, left=code.left - 1)
    put(chat.invite_codes, code.digest, used, applied)
    return used
