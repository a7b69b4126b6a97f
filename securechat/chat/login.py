"""The rule for logging in when one is on the chat already (SASL 3.2)."""

from __future__ import annotations

from securechat.chat.channel import Channel
from securechat.chat.devices import devices_here, note_left
from securechat.chat.events import AccountChanged, HostChanged, UserModesChanged
from securechat.chat.machine import Applied, Chat, rule
from securechat.chat.metadata import tell_difference
from securechat.chat.model import Account, Role, User
from securechat.chat.presence import rename
from securechat.chat.refusals import Reason, Refused
from securechat.chat.requests import LogIn
from securechat.chat.residence import let_read, settle, stays
from securechat.chat.server_bans import check_not_banned
from securechat.irc.extban import BanMask
from securechat.irc.modes import ModeChange


@rule(LogIn)
def log_in(chat: Chat, stamp: int, request: LogIn, applied: Applied) -> None:
    """To the account that they have: nothing changes. Else the whole user is somebody else's from now on.

    That can't be where the user has other connections, or is always on, or where the account is on the chat already:
    two users would have to become one, or one two. They connect anew.
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
    if account.id in chat.users_by_account or len(user.sessions) > 1 or stays(chat, user):
        raise Refused(Reason.ACCOUNT_IN_USE, account.name)
    become(chat, stamp, request.session, account, request.host, applied)


_Own = tuple[str, str, dict[str, BanMask], dict[str, str], dict[str, int], dict[int, str], set[int]]
"""Host, modes, whom they silence, metadata, read markers, devices, who is catching up."""


def become(chat: Chat, stamp: int, session: int, account: Account, new_host: str, applied: Applied) -> None:
    """The user of a session, which is their only one, has another account from now on."""
    user = chat.sessions[session]
    source, host, modes, metadata, before = user.source, user.host, user.modes, user.metadata, user.account
    if user.account_id is not None:
        note_left(chat, stamp, user, "", stamp, applied, gone=True)
    places = _change_account(chat, user, account, new_host, applied)
    devices_here(chat, stamp + len(applied.events), account, "", applied)  # the stamp of the event
    peers, own = chat.peers(user, own=True), user.audience
    applied.events.append(
        AccountChanged(stamp, session, source, user.account, user.account_id, peers, own, user.bot, before, places)
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
        applied.events.append(UserModesChanged(stamp, user.nick, user.source, (change,), own, user.modes, user.account))
    tell_difference(chat, stamp, user, metadata, applied)
    owner = chat.account_named(user.nick)
    others = owner is not None and owner.id != account.id
    if others or (user.nick != account.name and not chat.rules.guests):
        rename(chat, stamp, user, account.name, applied)


def _change_account(
    chat: Chat, user: User, account: Account, host: str, applied: Applied
) -> tuple[tuple[int, int, bool], ...]:
    """Gives what is to be written down of the channels that last in which the account is now."""
    was = chat.accounts_by_id.get(user.account_id) if user.account_id is not None else None
    before = user.host, user.modes, user.silenced, user.metadata, user.markers, user.devices, user.catching_up
    modes = user.modes.replace("o", "")
    if account.role is Role.ADMIN:
        modes = "".join(sorted({*modes, "o"}))
    after: _Own = (
        host,
        modes,
        chat.silenced.get(account.id, {}),
        chat.metadata.get(account.id, {}),
        chat.markers.get(account.id, {}),
        {},
        set(),
    )

    def become(new: Account | None, state: _Own) -> None:
        for known in (was, account):
            if known is not None and chat.users_by_account.get(known.id) is user:
                del chat.users_by_account[known.id]
        host, user.modes, user.silenced, user.metadata, user.markers, user.devices, user.catching_up = state
        user.become(nick=user.nick, key=user.key, host=host, account=new)
        if new is not None:
            chat.users_by_account[new.id] = user

    id = user.id
    applied.on_undo(lambda: become(was, before))
    become(account, after)
    for channel in user.channels.values():
        let_read(channel, user, channel.readers[id], applied)
        settle(chat, channel, account.id, applied)
        if was is None:
            _end_right(channel, id, applied)
    if was is None and id in chat.client_ids:
        ids = chat.client_ids[id]
        applied.on_undo(lambda: chat.client_ids.__setitem__(id, ids))
        del chat.client_ids[id]
    return tuple(
        (channel.id, channel.readers[account.id], account.id in channel.residents)
        for channel in user.channels.values()
        if channel.lasting
    )


def _end_right(channel: Channel, id: int, applied: Applied) -> None:
    """Of a guest, who is none any more."""
    right = channel.readers[id]
    applied.on_undo(lambda: channel.readers.__setitem__(id, right))
    del channel.readers[id]
