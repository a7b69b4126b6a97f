"""Rules for messages: who may say what to whom, and who hears it."""

from __future__ import annotations

from securechat.chat.events import Collected, Said
from securechat.chat.machine import Applied, Chat, rule
from securechat.chat.model import User
from securechat.chat.refusals import Reason, Refused
from securechat.chat.requests import Collect, Say
from securechat.irc.names import casefold
from securechat.irc.split import fit

_ROOM = 512 - len(":   :\r\n")
"""Bytes of a line that source, command, target and text share (Modern IRC, "Message Format")."""


def _fit(source: str, kind: str, target: str, text: str) -> str:
    """As much of a text as fits into the line that others get, which names the sender and so has less room.

    A line of 512 bytes is what a client may send, so it can't be refused for that; servers everywhere cut it. Clients
    that know their own name (ours does) send what is too long in several. What is stored and echoed is what was cut.
    """
    return fit(text, _ROOM - len(f"{source}{kind}{target}".encode()))


@rule(Say)
def say(chat: Chat, stamp: int, request: Say, applied: Applied) -> None:
    user = chat.sessions.get(request.session)
    if user is None:
        raise Refused(Reason.NO_SUCH_SESSION)
    target = request.target
    if target[:1] != "#":
        _say_to_nick(chat, stamp, user, request, applied)
        return
    channel = chat.channels.get(casefold(target))
    if channel is None:
        raise Refused(Reason.NO_SUCH_CHANNEL, target)
    if user not in channel.members:
        raise Refused(Reason.CANNOT_SEND, channel.name)
    text = request.text
    if len(text) > 64:
        text = _fit(user.source, request.kind, channel.name, text)
    user.last_spoke = stamp
    applied.events.append(
        Said(
            stamp,
            request.kind,
            user.source,
            user.account,
            user.account_id,
            channel.name,
            text,
            request.tags,
            channel.audience,
            request.session,
            channel.id,
            cut=text is not request.text,
        )
    )


def hold(chat: Chat, account_id: int, last: int, number: int, applied: Applied) -> None:
    """So many messages wait for an account now, the last of them with this stamp."""

    def put(last: int, number: int) -> None:
        if number:
            chat.held[account_id] = last
            chat.held_numbers[account_id] = number
        else:
            chat.held.pop(account_id, None)
            chat.held_numbers.pop(account_id, None)

    before = chat.held.get(account_id, 0), chat.held_numbers.get(account_id, 0)
    applied.on_undo(lambda: put(*before))
    put(last, number)


def _say_to_nick(chat: Chat, stamp: int, user: User, request: Say, applied: Applied) -> None:
    """To whoever wears the nick; else to the account of that name, kept for it when it is not there."""
    key = casefold(request.target)
    target = chat.users.get(key)
    account = chat.accounts.get(key)
    if target is None and account is not None:
        target = chat.users_by_account.get(account.id)
    if target is None and account is None:
        raise Refused(Reason.NO_SUCH_NICK, request.target)
    name = target.nick if target else account.name if account else request.target
    text = _fit(user.source, request.kind, name, request.text)
    held = target is None and request.kind != "TAGMSG"  # which is never stored
    if held and account is not None:
        number = chat.held_numbers.get(account.id, 0)
        if number >= chat.rules.held_per_account // (10 if user.account_id is None else 1):
            raise Refused(Reason.TOO_MANY_HELD, name)
        hold(chat, account.id, stamp, number + 1, applied)
    user.last_spoke = stamp
    applied.events.append(
        Said(
            stamp,
            request.kind,
            user.source,
            user.account,
            user.account_id,
            name,
            text,
            request.tags,
            target.audience if target else (),
            request.session,
            None,
            target.account_id if target else account.id if account else None,
            () if target is user else user.audience,
            held,
            text is not request.text,
        )
    )


@rule(Collect)
def collect(chat: Chat, stamp: int, request: Collect, applied: Applied) -> None:
    user = chat.user_of(request.session)
    id = user.account_id
    last = chat.held.get(id) if id is not None else None
    if id is None or last is None:
        return
    if request.up_to >= last:
        hold(chat, id, 0, 0, applied)
    applied.events.append(Collected(stamp, id, request.up_to))
