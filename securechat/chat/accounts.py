"""Rules for accounts: making, changing and ending them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from securechat.chat.events import (
    AccountAdded,
    AccountEnabled,
    AccountRemoved,
    PasswordSet,
    Rehashed,
    SessionsEnded,
)
from securechat.chat.login import become
from securechat.chat.machine import Applied, Chat, rule
from securechat.chat.model import Account, User
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
    has the account from then on, if they are on the chat.
    """
    if not valid_nick(request.name):
        raise Refused(Reason.BAD_ACCOUNT_NAME, request.name)
    if chat.account_named(request.name) is not None:
        raise Refused(Reason.ACCOUNT_EXISTS, request.name)
    account = Account(stamp, request.name, request.role, True, stamp, request.credential, stamp)
    wearer, by = chat.users.get(casefold(request.name)), request.by
    if by is not None:
        _check_registrant(chat, stamp, account, wearer, by)
    chat.replace_account(account, None, applied)
    applied.events.append(AccountAdded(stamp, account))
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


@rule(SetPassword)
def set_password(chat: Chat, stamp: int, request: SetPassword, applied: Applied) -> None:
    """Ends the account's sessions, except the one that made the change."""
    account = _existing(chat, request.name)
    changed = replace(account, credential=request.credential, credential_set=stamp)
    chat.replace_account(changed, account, applied)
    applied.events.append(PasswordSet(stamp, account.id, account.name, request.credential))
    end_sessions(chat, stamp, account, "The password was changed", applied, keep=request.keep)


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
        end_sessions(chat, stamp, account, "The account was disabled", applied, sent_away=True)


@rule(RemoveAccount)
def remove_account(chat: Chat, stamp: int, request: RemoveAccount, applied: Applied) -> None:
    """Its channels go with it; one in which somebody is stays until it is empty, as a guest's does."""
    account = _existing(chat, request.name)
    end_sessions(chat, stamp, account, "The account was removed", applied, sent_away=True)
    orphans = [channel for channel in chat.channels.values() if channel.founder == account.id]
    for channel in orphans:
        give(chat, channel, None, applied)
        end_if_empty(chat, channel, applied)
    _forget(chat, account.id, applied)
    hold(chat, account.id, 0, 0, applied)
    chat.replace_account(None, account, applied)
    applied.events.append(AccountRemoved(stamp, account.id, account.name, tuple(channel.id for channel in orphans)))


def _forget(chat: Chat, account_id: int, applied: Applied) -> None:
    """What it has silenced, said of itself, chosen and read, and what it was in channels."""
    for channel in list(chat.remembered.get(account_id, {}).values()):
        forget(chat, channel, account_id, applied)
    for kept in (
        chat.silenced, chat.metadata, chat.settings, chat.devices, chat.left_behind, chat.markers, chat.client_ids
    ):  # fmt: skip
        if account_id in kept:
            _drop(kept, account_id, applied)
    for channel in chat.channels.values():
        for rights in (channel.access, channel.readers):
            if account_id in rights:
                _drop(rights, account_id, applied)


def _drop(kept: Any, account_id: int, applied: Applied) -> None:
    was = kept[account_id]
    applied.on_undo(lambda: kept.__setitem__(account_id, was))
    del kept[account_id]


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
