"""Rules for accounts: making, changing and ending them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from securechat.chat.events import (
    AccountAdded,
    AccountEnabled,
    AccountRemoved,
    InviteCodeRevoked,
    InviteCodeUsed,
    PasswordSet,
    Rehashed,
    SessionsEnded,
)
from securechat.chat.invite_codes import admin_codes_by, reset_code_of, usable_code, use_up
from securechat.chat.login import become
from securechat.chat.machine import Applied, Chat, put, rule
from securechat.chat.model import Account, InviteCode, Role, User
from securechat.chat.presence import leave, move_aside, remove, tell_away
from securechat.chat.refusals import Reason, Refused
from securechat.chat.requests import AddAccount, EnableAccount, Registrant, Rehash, RemoveAccount, SetPassword
from securechat.chat.residence import forget
from securechat.chat.server_bans import check_not_banned
from securechat.chat.talk import hold
from securechat.chat.tenancy import end_if_empty, give
from securechat.irc.names import casefold, valid_nick


def _existing(chat: Chat, name: str) -> Account:
    account = chat.account_named(name)
    if account is None:
        raise Refused(Reason.NO_SUCH_ACCOUNT, name)
    return account


@rule(AddAccount)
def add_account(chat: Chat, stamp: int, request: AddAccount, applied: Applied) -> None:
    """A guest who wears the name gets another: from now on it is its owner's.

    Only the operator takes a name from somebody like that. Who makes an account for themselves finds it in use; and
    has the account from then on, if they are on the chat. An invite code is used up in the same moment: of two who have
    the last use of one, one gets an account.
    """
    code = usable_code(chat, stamp, request.code) if request.code else None
    if code is not None and code.account_id:
        raise Refused(Reason.BAD_INVITE_CODE, "kind", code.name)
    if code is not None and code.name and casefold(code.name) != casefold(request.name):
        raise Refused(Reason.BAD_INVITE_CODE, "name", code.name)
    if not valid_nick(request.name):
        raise Refused(Reason.BAD_ACCOUNT_NAME, request.name)
    if chat.account_named(request.name) is not None:
        raise Refused(Reason.ACCOUNT_EXISTS, request.name)
    role = request.role if code is None else Role.ADMIN if code.admin else Role.MEMBER
    account = Account(stamp, request.name, role, True, stamp, request.credential, stamp, request.scram)
    wearer, by = chat.users.get(casefold(request.name)), request.by
    if by is not None:
        _check_registrant(chat, stamp, account, wearer, by)
    chat.replace_account(account, None, applied)
    applied.events.append(AccountAdded(stamp, account))
    if code is not None:
        _use(chat, stamp, code, account, applied)
    if by is not None and by.session in chat.sessions:
        become(chat, stamp, by.session, account, by.host, applied)
    elif wearer is not None:
        move_aside(chat, stamp, wearer, applied)


def _check_registrant(chat: Chat, stamp: int, account: Account, wearer: User | None, by: Registrant) -> None:
    check_not_banned(chat, stamp, account, by.address)
    user = chat.sessions.get(by.session)
    if user is not None and user.account is not None:
        raise Refused(Reason.ACCOUNT_IN_USE, user.account)
    if wearer is not user and wearer is not None:
        raise Refused(Reason.NICK_IN_USE, account.name)


def _use(chat: Chat, stamp: int, code: InviteCode, account: Account, applied: Applied) -> None:
    applied.events.append(InviteCodeUsed(stamp, use_up(chat, code, applied), account.id, account.name))


@rule(SetPassword)
def set_password(chat: Chat, stamp: int, request: SetPassword, applied: Applied) -> None:
    """Ends the account's sessions, except the one that made the change. A code that resets it is of no use any more."""
    account = _existing(chat, request.name)
    code = usable_code(chat, stamp, request.code) if request.code else None
    if code is not None and code.account_id != account.id:
        raise Refused(Reason.BAD_INVITE_CODE, "name" if code.account_id else "kind", code.name)
    if request.verified:
        _check_unchanged(account, request.verified)
    changed = replace(account, credential=request.credential, credential_set=stamp, scram=request.scram)
    chat.replace_account(changed, account, applied)
    applied.events.append(PasswordSet(stamp, account.id, account.name, request.credential, request.scram))
    waiting = reset_code_of(chat, account)
    if code is not None:
        _use(chat, stamp, code, account, applied)
    elif waiting is not None and waiting.left:
        put(chat.invite_codes, waiting.digest, None, applied)
        applied.events.append(InviteCodeRevoked(stamp, waiting, account.name))
    end_sessions(chat, stamp, account, "The password was changed", applied, keep=request.keep)


def _check_unchanged(account: Account, credential_set: int) -> None:
    """Whose password was set anew, or who was sent away, while the old one was looked at, does not undo that."""
    if account.credential_set != credential_set:
        raise Refused(Reason.ACCOUNT_CHANGED)
    if not account.enabled:
        raise Refused(Reason.ACCOUNT_DISABLED, account.name)


@rule(Rehash)
def rehash(chat: Chat, stamp: int, request: Rehash, applied: Applied) -> None:
    """The same password under another hash: nobody's session ends. Too late if the password was changed meanwhile."""
    account = chat.accounts_by_id.get(request.account_id)
    if account is None or account.credential_set != request.credential_set:
        raise Refused(Reason.ACCOUNT_CHANGED)
    chat.replace_account(replace(account, credential=request.credential), account, applied)
    applied.events.append(Rehashed(stamp, account.id, request.credential))


@rule(EnableAccount)
def enable_account(chat: Chat, stamp: int, request: EnableAccount, applied: Applied) -> None:
    account = _existing(chat, request.name)
    chat.replace_account(replace(account, enabled=request.enabled), account, applied)
    applied.events.append(AccountEnabled(stamp, account.id, account.name, request.enabled))
    if not request.enabled:
        _take_back(chat, account, applied)
        end_sessions(chat, stamp, account, "The account was disabled", applied, sent_away=True)


@rule(RemoveAccount)
def remove_account(chat: Chat, stamp: int, request: RemoveAccount, applied: Applied) -> None:
    """Its channels go with it; one in which somebody is stays until it is empty, as a guest's does.

    So do its certificates; and those that were made out to its name before are nobody's from now on, also when somebody
    else gets the name.
    """
    account = _existing(chat, request.name)
    end_sessions(chat, stamp, account, "The account was removed", applied, sent_away=True)
    orphans = [channel for channel in chat.channels.values() if channel.founder == account.id]
    for channel in orphans:
        give(chat, channel, None, applied)
        end_if_empty(chat, channel, applied)
    _forget(chat, account.id, applied)
    hold(chat, account.id, 0, 0, applied)
    _take_back(chat, account, applied)
    _retire(chat, stamp + len(applied.events), account, applied)  # the stamp of the event
    chat.replace_account(None, account, applied)
    applied.events.append(AccountRemoved(stamp, account.id, account.name, tuple(channel.id for channel in orphans)))


def _forget(chat: Chat, account_id: int, applied: Applied) -> None:
    """What it has silenced, said of itself, chosen and read, and what it was in channels."""
    for channel in list(chat.remembered.get(account_id, {}).values()):
        forget(chat, channel, account_id, applied)
    everywhere: list[dict[int, Any]] = [
        chat.silenced, chat.metadata, chat.settings, chat.devices, chat.left_behind, chat.markers, chat.client_ids
    ]  # fmt: skip
    for channel in chat.channels.values():
        everywhere += [channel.access, channel.readers]
    for kept in everywhere:
        if account_id in kept:
            put(kept, account_id, None, applied)


def _retire(chat: Chat, stamp: int, account: Account, applied: Applied) -> None:
    """Whatever could still be used in its name."""
    for certificate in [entry for entry in chat.certificates.values() if entry.account_id == account.id]:
        put(chat.certificates, certificate.fingerprint, None, applied)
    reset = reset_code_of(chat, account)
    if reset is not None:
        put(chat.invite_codes, reset.digest, None, applied)
    put(chat.retired, casefold(account.name), stamp, applied)


def _take_back(chat: Chat, account: Account, applied: Applied) -> None:
    """Who is sent away does not come back as an administrator, under another name, by a code of their own.

    There is no event of it but the one of the account: they may have made any number of codes.
    """
    for code in admin_codes_by(chat, account):
        put(chat.invite_codes, code.digest, None, applied)


def end_sessions(
    chat: Chat,
    stamp: int,
    account: Account,
    reason: str,
    applied: Applied,
    keep: int | None = None,
    *,
    sent_away: bool = False,
) -> None:
    """``sent_away``: nor does its user stay on the chat without any, as who is always on does."""
    user = chat.users_by_account.get(account.id)
    if user is None:
        return
    ended = tuple(session for session in user.sessions if session != keep)
    away = user.away
    for session in ended:
        leave(chat, stamp, session, reason, applied, one_of=True, sent_away=sent_away)
    if sent_away and not ended:
        remove(chat, stamp, user, reason, applied)
    elif user.key in chat.users and user.away != away:
        tell_away(chat, stamp, user.audience[0] if user.sessions else 0, user, applied)
    if ended:
        applied.events.append(SessionsEnded(stamp, ended, reason))
