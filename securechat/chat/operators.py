"""Rules for what the server's operators do, and for the operator's choices."""

from __future__ import annotations

from dataclasses import replace

from securechat.chat.accounts import end_sessions
from securechat.chat.events import Banned, Killed, Left, RulesSet, SessionsEnded, Unbanned, WallopsSaid
from securechat.chat.machine import Applied, Chat, put, rule
from securechat.chat.model import BanKind, ServerBan, User
from securechat.chat.people import set_letters
from securechat.chat.presence import leave, remove
from securechat.chat.refusals import Reason, Refused
from securechat.chat.requests import AddBan, BecomeOperator, Kill, RemoveBan, SetRules, Wallops
from securechat.chat.server_bans import network_of
from securechat.irc.modes import ModeChange
from securechat.irc.names import casefold, valid_nick

MAX_BANS = 10_000

MAX_EXPIRED = 8
"""Bans removed with a new one, when their time is over."""


def operator_of(chat: Chat, session: int) -> User:
    """Who the session belongs to. Raises :class:`Refused` if they are no operator of the server."""
    user = chat.user_of(session)
    if not user.operator:
        raise Refused(Reason.NO_PRIVILEGES)
    return user


@rule(SetRules)
def set_rules(chat: Chat, stamp: int, request: SetRules, applied: Applied) -> None:
    """From now on: nobody is sent away by them. The lobby, and whether guests may come, are as at the start."""
    was = chat.rules
    new = replace(request.rules, lobby=was.lobby, guests=was.guests)
    applied.on_undo(lambda: setattr(chat, "rules", was))
    chat.rules = new
    applied.events.append(RulesSet(stamp, new))


@rule(BecomeOperator)
def become_operator(chat: Chat, stamp: int, request: BecomeOperator, applied: Applied) -> None:
    user = chat.user_of(request.session)
    if user.operator:
        return
    set_letters(stamp, user, {*user.modes, "o"}, (ModeChange(True, "o"),), applied)


@rule(Kill)
def kill(chat: Chat, stamp: int, request: Kill, applied: Applied) -> None:
    operator = operator_of(chat, request.session)
    user = chat.users.get(casefold(request.nick))
    if user is None:
        raise Refused(Reason.NO_SUCH_NICK, request.nick)
    source, nick = operator.source, user.nick
    reason = f"Killed ({operator.nick} ({request.reason}))"
    ended = tuple(user.sessions)
    applied.events.append(
        Killed(stamp, source, operator.account_id, nick, request.reason, operator.account, operator.bot, ended)
    )
    for session in ended:
        leave(chat, stamp, session, reason, applied, one_of=True, sent_away=True)
    if ended:
        left = next((event for event in applied.events if isinstance(event, Left)), None)
        applied.events.append(SessionsEnded(stamp, ended, reason, left))
    else:  # who is always on
        remove(chat, stamp, user, reason, applied)


@rule(Wallops)
def wallops(chat: Chat, stamp: int, request: Wallops, applied: Applied) -> None:
    operator = operator_of(chat, request.session)
    audience = tuple(
        session for user in chat.users.values() if "w" in user.modes or user.operator for session in user.sessions
    )
    applied.events.append(
        WallopsSaid(stamp, operator.source, operator.account, operator.account_id, request.text, audience, operator.bot)
    )


@rule(AddBan)
def add_ban(chat: Chat, stamp: int, request: AddBan, applied: Applied) -> None:
    """Nobody bans themselves, nor the network of everybody: that would be a slip of the finger."""
    by = operator_of(chat, request.session).nick if request.session is not None else "the operator"
    mask = _ban_mask(chat, request.kind, request.mask)
    own = request.session is not None and chat.user_of(request.session).account
    if own and request.kind is BanKind.ACCOUNT and casefold(own) == casefold(mask):
        raise Refused(Reason.BAD_BAN, mask, "This is your own account")
    key = request.kind, casefold(mask)
    was = chat.bans.get(key)
    _remove_expired(chat, stamp, applied)
    if was is None and len(chat.bans) >= MAX_BANS:
        raise Refused(Reason.BAD_BAN, mask, "There are too many bans")
    ban = ServerBan(request.kind, mask, request.reason, by, stamp, request.until)
    put(chat.bans, _key(ban), None, applied)  # what is replaced comes last, as in the store
    put(chat.bans, _key(ban), ban, applied)
    applied.events.append(Banned(stamp, ban, request.session))
    account = chat.account_named(mask) if request.kind is BanKind.ACCOUNT else None
    if account is not None:
        end_sessions(chat, stamp, account, f"You are banned: {ban.reason}", applied, sent_away=True)


def _remove_expired(chat: Chat, stamp: int, applied: Applied) -> None:
    """A few of the bans whose time is over; so they don't become ever more."""
    expired = (ban for ban in chat.bans.values() if ban.until is not None and ban.until <= stamp)
    for ban in sorted(expired, key=lambda ban: ban.at)[:MAX_EXPIRED]:  # what has been undone may stand elsewhere
        put(chat.bans, _key(ban), None, applied)
        applied.events.append(Unbanned(stamp, ban, "its end", None))


def _ban_mask(chat: Chat, kind: BanKind, text: str) -> str:
    """As it is kept. Raises :class:`Refused` for what can't be one."""
    if kind is BanKind.ACCOUNT:
        account = chat.account_named(text)
        if account is None and not valid_nick(text):
            raise Refused(Reason.BAD_BAN, text, "This can't be an account")
        return account.name if account else text
    network = network_of(text)
    if network is None:
        raise Refused(Reason.BAD_BAN, text, "This is neither an address nor a network")
    if network.prefixlen == 0:
        raise Refused(Reason.BAD_BAN, text, "This is everybody")
    return str(network)


@rule(RemoveBan)
def remove_ban(chat: Chat, stamp: int, request: RemoveBan, applied: Applied) -> None:
    by = operator_of(chat, request.session).nick if request.session is not None else "the operator"
    mask = request.mask
    if request.kind is BanKind.NETWORK and (network := network_of(mask)) is not None:
        mask = str(network)
    was = chat.bans.get((request.kind, casefold(mask)))
    if was is None:
        raise Refused(Reason.NO_SUCH_BAN, request.mask)
    put(chat.bans, _key(was), None, applied)
    applied.events.append(Unbanned(stamp, was, by, request.session))


def _key(ban: ServerBan) -> tuple[BanKind, str]:
    return ban.kind, casefold(ban.mask)
