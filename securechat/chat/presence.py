"""Rules for coming and going: who is on the chat, under which nick, with which sessions."""

from __future__ import annotations

from securechat.chat.channel import Channel
from securechat.chat.events import Arrived, AwayChanged, ChannelMade, Left, NickChanged, SessionsEnded, Started, view
from securechat.chat.machine import Applied, Chat, rule
from securechat.chat.model import Account, Role, User, away_of
from securechat.chat.refusals import Reason, Refused
from securechat.chat.requests import Arrive, ChangeNick, Depart, Start
from securechat.chat.server_bans import check_not_banned
from securechat.irc.names import casefold, valid_nick
from securechat.irc.split import fit


@rule(Start)
def start(chat: Chat, stamp: int, request: Start, applied: Applied) -> None:
    """Whoever was on the chat is not any more; nobody is there to be told."""
    was = chat.rules
    applied.on_undo(lambda: setattr(chat, "rules", was))
    chat.rules = request.rules
    ended = tuple(chat.sessions)
    for session in ended:
        leave(chat, stamp, session, "The server was restarted", applied, seen=False)
    if ended:
        applied.events.append(SessionsEnded(stamp, ended, "The server was restarted"))
    applied.events.append(Started(stamp, request.rules))
    key = casefold(request.rules.lobby)
    if key not in chat.channels:
        make_channel(chat, stamp, request.rules.lobby, 0, applied)


def make_channel(chat: Chat, stamp: int, name: str, founder: int | None, applied: Applied) -> Channel:
    key = casefold(name)
    channel = Channel(id=stamp, name=name, key=key, created=stamp, founder=founder)
    applied.on_undo(lambda: chat.channels.pop(key, None))
    chat.channels[key] = channel
    if founder:
        count_founded(chat, founder, chat.founded.get(founder, 0) + 1, applied)
    applied.events.append(ChannelMade(stamp, channel.id, name, founder))
    return channel


def count_founded(chat: Chat, account_id: int, number: int, applied: Applied) -> None:
    """So many channels belong to the account now."""

    def count(number: int) -> None:
        if number:
            chat.founded[account_id] = number
        else:
            chat.founded.pop(account_id, None)

    before = chat.founded.get(account_id, 0)
    applied.on_undo(lambda: count(before))
    count(number)


def give(chat: Chat, channel: Channel, owner: Account | None, applied: Applied) -> None:
    """The channel belongs to the account now, or to nobody: then nothing that lasts is left in it."""
    before, access = channel.founder, channel.access
    if before:
        count_founded(chat, before, chat.founded.get(before, 0) - 1, applied)
    if owner is not None:
        count_founded(chat, owner.id, chat.founded.get(owner.id, 0) + 1, applied)

    def restore() -> None:
        channel.founder, channel.access = before, access

    applied.on_undo(restore)
    channel.founder = owner.id if owner else None
    if owner is None:
        channel.access = {}


@rule(Arrive)
def arrive(chat: Chat, stamp: int, request: Arrive, applied: Applied) -> None:
    if request.session in chat.sessions:
        raise Refused(Reason.NO_SUCH_SESSION)
    account = _verified(chat, request)
    check_not_banned(chat, stamp, account, request.address)
    user = chat.users_by_account.get(account.id) if account else None
    if user is not None and len(user.sessions) >= chat.rules.sessions_per_user:
        raise Refused(Reason.TOO_MANY_SESSIONS, user.nick)
    first = user is None
    if user is None:
        nick = _nick_for(chat, account, request.nick)
        user = User(
            nick=nick,
            key=casefold(nick),
            username=request.username,
            host=request.host,
            realname=request.realname,
            account=account,
            since=stamp,
        )
        if account is not None:
            _take_over(chat, user, account)
        _enter(chat, user, applied)
    session = request.session
    away = user.away

    def go() -> None:
        chat.sessions.pop(session, None)
        user.detach(session)
        user.away = away

    applied.on_undo(go)
    chat.sessions[session] = user
    user.attach(session, away_text(chat, request.away))
    user.away = away_of(user.sessions)
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
        )
    )
    if not first and user.away != away:
        tell_away(chat, stamp, session, user, applied)


def _take_over(chat: Chat, user: User, account: Account) -> None:
    """What lasts of an account is its user's."""
    user.silenced = chat.silenced.get(account.id, user.silenced)
    user.metadata = chat.metadata.get(account.id, user.metadata)
    user.modes = "o" if account.role is Role.ADMIN else ""


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


def _enter(chat: Chat, user: User, applied: Applied) -> None:
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
        leave(chat, stamp, request.session, request.reason, applied)


def leave(
    chat: Chat, stamp: int, session: int, reason: str, applied: Applied, *, seen: bool = True, one_of: bool = False
) -> None:
    """A session goes, and with the last one its user. ``one_of`` several: what they leave behind is told once."""
    user = chat.sessions[session]

    before, away = dict(user.sessions), user.away

    def come_back() -> None:
        chat.sessions[session] = user
        user.sessions = before
        user.away = away
        user.forget_audiences()

    applied.on_undo(come_back)
    del chat.sessions[session]
    user.detach(session)
    if user.sessions:
        user.away = away_of(user.sessions)
        if seen and not one_of and user.away != away:
            tell_away(chat, stamp, session, user, applied)
        return
    for channel in user.invitations.copy().values():
        withdraw_invitation(channel, user, applied)
    channels = list(user.channels.values())
    for channel in channels:
        dismiss(chat, channel, user, applied)

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
            )
        )


def dismiss(chat: Chat, channel: Channel, user: User, applied: Applied) -> None:
    """Take a member out; a channel that belongs to nobody goes with its last member."""
    membership = channel.members[user]

    def admit() -> None:
        chat.channels[channel.key] = channel
        channel.admit(user, membership)

    applied.on_undo(admit)
    channel.dismiss(user)
    end_if_empty(chat, channel, applied)


def end_if_empty(chat: Chat, channel: Channel, applied: Applied) -> None:
    """A channel that belongs to nobody goes with its last member, and the invitations to it."""
    if channel.members or channel.lasting:
        return
    applied.on_undo(lambda: chat.channels.__setitem__(channel.key, channel))
    chat.channels.pop(channel.key, None)
    for invited in list(channel.invited):
        withdraw_invitation(channel, invited, applied)


def withdraw_invitation(channel: Channel, user: User, applied: Applied) -> None:
    """Of somebody who is not invited: nothing changes."""
    invitation = channel.invited.get(user)
    if invitation is None:
        return

    def invite() -> None:
        channel.invited[user] = invitation
        user.invitations[channel.key] = channel

    applied.on_undo(invite)
    channel.invited.pop(user, None)
    user.invitations.pop(channel.key, None)


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
        )
    )
