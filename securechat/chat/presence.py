"""Rules for coming and going: who is on the chat, under which nick, with which sessions."""

from __future__ import annotations

from operator import itemgetter

from securechat.chat.channel import Channel
from securechat.chat.devices import all_gone, devices_here, missed_since, note_left
from securechat.chat.events import Arrived, AwayChanged, Left, NickChanged, SessionsEnded, Started, view
from securechat.chat.machine import Applied, Chat, rule
from securechat.chat.model import Account, Role, User, away_of
from securechat.chat.refusals import Reason, Refused
from securechat.chat.requests import Arrive, ChangeNick, Depart, Start
from securechat.chat.residence import come_back, stays
from securechat.chat.server_bans import ban_of, check_not_banned
from securechat.chat.tenancy import dismiss, make_channel, withdraw_invitation
from securechat.irc.names import casefold, valid_nick
from securechat.irc.split import fit


@rule(Start)
def start(chat: Chat, stamp: int, request: Start, applied: Applied) -> None:
    """Whoever was on the chat is not any more, and nobody is there to be told; but those who are always on are again.

    What becomes of all this follows from what is stored, so it is the same whether the chat was read from there or not.
    """
    was = chat.rules
    applied.on_undo(lambda: setattr(chat, "rules", was))
    chat.rules = request.rules
    ended = tuple(chat.sessions)
    all_gone(chat, stamp, request.seen, applied)
    for user in list(chat.users.values()):
        _detach_all(chat, user, applied)
        remove(chat, stamp, user, "", applied, seen=False)
    if ended:
        applied.events.append(SessionsEnded(stamp, ended, "The server was restarted"))
    started = Started(stamp, request.rules)
    applied.events.append(started)
    key = casefold(request.rules.lobby)
    if key not in chat.channels:
        make_channel(chat, stamp, request.rules.lobby, 0, applied)
    for id, settings in sorted(chat.settings.items(), key=itemgetter(0)):
        account = chat.accounts_by_id[id]
        if settings.always_on and account.enabled and ban_of(chat, stamp, account.name, "") is None:
            user = _user(chat, stamp, account, account.name, settings.username, settings.host, settings.realname)
            user.away = away_of(user.sessions)
            enter(chat, user, applied)
            returned = come_back(chat, stamp, user, applied)
            if returned is not None:
                started.forgotten += tuple((id, channel_id) for channel_id in returned.forgotten)


def _detach_all(chat: Chat, user: User, applied: Applied) -> None:
    sessions, devices, catching_up = user.sessions, user.devices, user.catching_up

    def restore() -> None:
        user.sessions, user.devices, user.catching_up = sessions, devices, catching_up
        chat.sessions.update(dict.fromkeys(sessions, user))
        user.forget_audiences()

    applied.on_undo(restore)
    for session in sessions:
        del chat.sessions[session]
    user.sessions, user.devices, user.catching_up = {}, {}, set()
    user.forget_audiences()


@rule(Arrive)
def arrive(chat: Chat, stamp: int, request: Arrive, applied: Applied) -> None:
    if request.session in chat.sessions:
        raise Refused(Reason.NO_SUCH_SESSION)
    account = _verified(chat, request)
    check_not_banned(chat, stamp, account, request.address)
    user = chat.users_by_account.get(account.id) if account else None
    if user is not None and len(user.sessions) >= chat.rules.sessions_per_user:
        raise Refused(Reason.TOO_MANY_SESSIONS, user.nick)
    missed = missed_since(chat, user, account, request)
    first = user is None
    if user is None:
        nick = _nick_for(chat, account, request.nick)
        user = _user(chat, stamp, account, nick, request.username, request.host, request.realname)
        enter(chat, user, applied)
    session = request.session
    away = user.away

    def go() -> None:
        chat.sessions.pop(session, None)
        user.detach(session)
        user.away = away

    applied.on_undo(go)
    chat.sessions[session] = user
    catching_up = missed is not None and not request.asks
    user.attach(session, away_text(chat, request.away), request.device, catching_up=catching_up)
    user.away = away_of(user.sessions)
    returned = come_back(chat, stamp, user, applied) if first and account is not None else None
    applied.events.append(
        Arrived(
            stamp,
            session,
            user.nick,
            user.source,
            user.account,
            user.account_id,
            tuple(view(channel) for channel in user.channels.values()),
            chat.held.get(account.id, 0) if account else 0,
            user.modes,
            first,
            user.realname,
            user.away,
            devices_here(chat, stamp, account, request.device, applied) if account and not catching_up else (),
            missed,
            replay_of(chat, account),
        )
    )
    if returned is not None:
        applied.events.append(returned)
    if not first and user.away != away:
        tell_away(chat, stamp, session, user, applied)


def replay_of(chat: Chat, account: Account | None) -> int:
    """How many messages of a channel somebody is shown of what they missed."""
    settings = chat.settings.get(account.id) if account else None
    return chat.rules.replay if settings is None or settings.replay is None else settings.replay


def _user(chat: Chat, stamp: int, account: Account | None, nick: str, username: str, host: str, realname: str) -> User:
    """Somebody who comes; what lasts of an account is theirs."""
    user = User(
        nick=nick,
        key=casefold(nick),
        username=username,
        host=host,
        realname=realname,
        account=account,
        since=stamp,
    )
    if account is not None:
        user.silenced = chat.silenced.get(account.id, user.silenced)
        user.metadata = chat.metadata.get(account.id, user.metadata)
        user.markers = chat.markers.get(account.id, user.markers)
        user.modes = "o" if account.role is Role.ADMIN else ""
    return user


def away_text(chat: Chat, text: str | None) -> str | None:
    """Why somebody is away, as it is kept; no text is none."""
    return fit(text, chat.rules.away_length) if text else None


def tell_away(chat: Chat, stamp: int, session: int, user: User, applied: Applied) -> None:
    """Tell others that somebody is at their connections again, or no more: one has come, gone or said so."""
    applied.events.append(
        AwayChanged(
            stamp,
            session,
            user.source,
            user.account,
            user.account_id,
            user.sessions.get(session),
            user.away,
            True,
            chat.peers(user, own=False),
            user.bot,
        )
    )


def _verified(chat: Chat, request: Arrive) -> Account | None:
    """The account that the connection has logged in to: it may have been changed between the check and now."""
    if request.account_id is None:
        if not chat.rules.guests:
            raise Refused(Reason.ACCOUNT_REQUIRED)
        return None
    account = chat.accounts_by_id.get(request.account_id)
    if account is None or account.credential_set != request.credential_set:
        raise Refused(Reason.ACCOUNT_CHANGED)
    if not account.enabled:
        raise Refused(Reason.ACCOUNT_DISABLED, account.name)
    return account


def _nick_for(chat: Chat, account: Account | None, wish: str) -> str:
    """An account wears its name; where guests are allowed anybody may wish for another that is nobody's."""
    if account is not None:
        if not chat.rules.guests or not valid_nick(wish) or casefold(wish) == casefold(account.name):
            return account.name
        taken = casefold(wish) in chat.users or casefold(wish) in chat.accounts
        return account.name if taken else wish
    _check_free(chat, wish, None)
    return wish


def _check_free(chat: Chat, nick: str, wearer: User | None) -> None:
    if not valid_nick(nick):
        raise Refused(Reason.BAD_NICK, nick)
    key = casefold(nick)
    other = chat.users.get(key)
    if other is not None and other is not wearer:
        raise Refused(Reason.NICK_IN_USE, nick)
    owner = chat.accounts.get(key)
    if owner is not None and (wearer is None or wearer.account_id != owner.id):
        raise Refused(Reason.NICK_BELONGS_TO_ACCOUNT, nick)


def enter(chat: Chat, user: User, applied: Applied) -> None:
    """Put a user onto the chat."""

    def go() -> None:
        chat.users.pop(user.key, None)
        if user.account_id is not None:
            chat.users_by_account.pop(user.account_id, None)

    applied.on_undo(go)
    chat.users[user.key] = user
    if user.account_id is not None:
        chat.users_by_account[user.account_id] = user


@rule(Depart)
def depart(chat: Chat, stamp: int, request: Depart, applied: Applied) -> None:
    """Of a session that is not on the chat (any more): nothing happens."""
    if request.session in chat.sessions:
        leave(chat, stamp, request.session, request.reason, applied, up_to=request.seen, silent=request.silent)


def leave(
    chat: Chat,
    stamp: int,
    session: int,
    reason: str,
    applied: Applied,
    *,
    one_of: bool = False,
    up_to: int = 0,
    sent_away: bool = False,
    silent: bool = False,
) -> None:
    """A session goes, and with the last one its user, unless they are always on. ``one_of`` several: what they leave
    behind is told once. ``up_to``: the stamp up to which it has seen what was said, 0 for all. ``sent_away``: nobody
    is to stay. ``silent``: nobody is told."""
    user = chat.sessions[session]
    device = user.devices.get(session, "")
    before, devices, catching_up, away = dict(user.sessions), dict(user.devices), set(user.catching_up), user.away

    def restore() -> None:
        chat.sessions[session] = user
        user.sessions, user.devices, user.catching_up = before, devices, catching_up
        user.away = away
        user.forget_audiences()

    applied.on_undo(restore)
    del chat.sessions[session]
    user.detach(session)
    if user.account_id is not None:
        note_left(chat, stamp, user, device, up_to or stamp, applied)
    if user.sessions or (not sent_away and stays(chat, user)):
        user.away = away_of(user.sessions)
        if not user.sessions:
            _lose_rights(chat, user, applied)
        if not one_of and not silent and user.away != away:
            tell_away(chat, stamp, session, user, applied)
        return
    remove(chat, stamp, user, reason, applied, seen=not silent)


def _lose_rights(chat: Chat, user: User, applied: Applied) -> None:
    """Whoever has said OPER went with the last connection: what is left is what the account is by itself."""
    account = chat.accounts_by_id.get(user.account_id) if user.account_id is not None else None
    if user.operator and (account is None or account.role is not Role.ADMIN):
        was = user.modes
        applied.on_undo(lambda: setattr(user, "modes", was))
        user.modes = was.replace("o", "")


def remove(chat: Chat, stamp: int, user: User, reason: str, applied: Applied, *, seen: bool = True) -> None:
    """A user without sessions goes."""
    for channel in user.invitations.copy().values():
        withdraw_invitation(channel, user, applied)
    channels = list(user.channels.values())
    for channel in channels:
        dismiss(chat, channel, user, applied)
    if user.account_id is None and user.id in chat.client_ids:
        ids = chat.client_ids[user.id]
        applied.on_undo(lambda: chat.client_ids.__setitem__(user.id, ids))
        del chat.client_ids[user.id]

    def enter_again() -> None:
        chat.users[user.key] = user
        if user.account_id is not None:
            chat.users_by_account[user.account_id] = user

    applied.on_undo(enter_again)
    del chat.users[user.key]
    if user.account_id is not None:
        del chat.users_by_account[user.account_id]
    if seen:
        applied.events.append(
            Left(
                stamp,
                user.source,
                user.account,
                user.account_id,
                reason,
                tuple(channel.name for channel in channels),
                _everyone_in(channels),
                user.bot,
                user.realname,
                tuple(channel.id for channel in channels),
            )
        )


def _everyone_in(channels: list[Channel]) -> tuple[int, ...]:
    if len(channels) == 1:
        return channels[0].audience
    return tuple({session: None for channel in channels for session in channel.audience})


@rule(ChangeNick)
def change_nick(chat: Chat, stamp: int, request: ChangeNick, applied: Applied) -> None:
    user = chat.user_of(request.session)
    if request.nick == user.nick:
        return
    if not valid_nick(request.nick):
        raise Refused(Reason.BAD_NICK, request.nick)
    if not chat.rules.guests:
        raise Refused(Reason.NICK_IS_ACCOUNT_NAME, request.nick)
    _check_free(chat, request.nick, user)
    rename(chat, stamp, user, request.nick, applied)


def move_aside(chat: Chat, stamp: int, user: User, applied: Applied) -> None:
    """Somebody wears a nick that is another account's from now on: give them their own, or a guest's."""
    if user.account is not None:
        rename(chat, stamp, user, user.account, applied)
        return
    number = stamp % 1_000_000
    while (nick := f"guest{number}") in chat.users or nick in chat.accounts:
        number += 1
    rename(chat, stamp, user, nick, applied)


def rename(chat: Chat, stamp: int, user: User, nick: str, applied: Applied) -> None:
    source, was = user.source, user.nick

    account = chat.accounts_by_id.get(user.account_id) if user.account_id is not None else None

    def wear(nick: str) -> None:
        chat.users.pop(user.key, None)
        user.become(nick=nick, key=casefold(nick), host=user.host, account=account)
        chat.users[user.key] = user

    applied.on_undo(lambda: wear(was))
    wear(nick)
    applied.events.append(
        NickChanged(
            stamp,
            source,
            user.account,
            user.account_id,
            nick,
            chat.peers(user, own=True),
            user.audience,
            user.bot,
            user.source,
            user.realname,
            tuple(channel.id for channel in user.channels.values()),
        )
    )
