"""The rule for logging in when one is on the chat already (SASL 3.2)."""

from __future__ import annotations

from securechat.chat.events import AccountChanged, HostChanged, UserModesChanged
from securechat.chat.machine import Applied, Chat, rule
from securechat.chat.metadata import tell_difference
from securechat.chat.model import Account, Role, User
from securechat.chat.presence import rename
from securechat.chat.refusals import Reason, Refused
from securechat.chat.requests import LogIn
from securechat.chat.server_bans import check_not_banned
from securechat.irc.extban import BanMask
from securechat.irc.modes import ModeChange


@rule(LogIn)
def log_in(chat: Chat, stamp: int, request: LogIn, applied: Applied) -> None:
    """To the account that they have: nothing changes. Else the whole user is somebody else's from now on.

    That can't be where the user has other connections, or where the account is on the chat already: two users would
    have to become one, or one two. They connect anew.
    """
    user = chat.user_of(request.session)
    account = chat.accounts_by_id.get(request.account_id)
    if account is None or account.credential_set != request.credential_set:
        raise Refused(Reason.ACCOUNT_CHANGED)
    if not account.enabled:
        raise Refused(Reason.ACCOUNT_DISABLED, account.name)
    check_not_banned(chat, stamp, account, "")
    if user.account_id == account.id:
        return
    if account.id in chat.users_by_account or len(user.sessions) > 1:
        raise Refused(Reason.ACCOUNT_IN_USE, account.name)
    become(chat, stamp, request.session, account, request.host, applied)


def become(chat: Chat, stamp: int, session: int, account: Account, new_host: str, applied: Applied) -> None:
    """The user of a session, which is their only one, has another account from now on."""
    user = chat.sessions[session]
    source, host, modes, metadata, before = user.source, user.host, user.modes, user.metadata, user.account
    _change_account(chat, user, account, new_host, applied)
    peers, own = chat.peers(user, own=True), user.audience
    applied.events.append(
        AccountChanged(stamp, session, source, user.account, user.account_id, peers, own, user.bot, before)
    )
    if host != user.host:
        applied.events.append(
            HostChanged(
                stamp,
                source,
                user.account,
                user.account_id,
                user.username,
                user.host,
                peers,
                own,
                user.bot,
                user.realname,
                tuple((c.name, c.members[user].modes, c.audience) for c in user.channels.values()),
                user.away,
            )
        )
    if modes != user.modes:
        change = ModeChange("o" in user.modes, "o")
        applied.events.append(UserModesChanged(stamp, user.nick, user.source, (change,), own, user.modes))
    tell_difference(chat, stamp, user, metadata, applied)
    owner = chat.account_named(user.nick)
    others = owner is not None and owner.id != account.id
    if others or (user.nick != account.name and not chat.rules.guests):
        rename(chat, stamp, user, account.name, applied)


def _change_account(chat: Chat, user: User, account: Account, host: str, applied: Applied) -> None:
    was = chat.accounts_by_id.get(user.account_id) if user.account_id is not None else None
    before = user.host, user.modes, user.silenced, user.metadata
    modes = user.modes.replace("o", "")
    if account.role is Role.ADMIN:
        modes = "".join(sorted({*modes, "o"}))
    after = (
        host,
        modes,
        chat.silenced.get(account.id, {}),
        chat.metadata.get(account.id, {}),
    )

    def become(new: Account | None, state: tuple[str, str, dict[str, BanMask], dict[str, str]]) -> None:
        for known in (was, account):
            if known is not None and chat.users_by_account.get(known.id) is user:
                del chat.users_by_account[known.id]
        host, user.modes, user.silenced, user.metadata = state
        user.become(nick=user.nick, key=user.key, host=host, account=new)
        if new is not None:
            chat.users_by_account[new.id] = user

    applied.on_undo(lambda: become(was, before))
    become(account, after)
