"""Rules for messages: who may say what to whom, and who hears it."""

from __future__ import annotations

from securechat.chat.channel import Channel
from securechat.chat.client_ids import remember_id, said_before
from securechat.chat.devices import caught_up
from securechat.chat.events import Collected, Said, SaidBefore
from securechat.chat.machine import Applied, Chat, rule
from securechat.chat.model import Account, User
from securechat.chat.modes import MEMBER_MODES, Rank
from securechat.chat.refusals import Reason, Refused
from securechat.chat.requests import Collect, Say
from securechat.irc.multiline import has_pieces, joined, pieces
from securechat.irc.names import casefold
from securechat.irc.split import fit, split_text

_ROOM = 512 - len(":   :\r\n")
"""Bytes of a line that source, command, target and text share (Modern IRC, "Message Format")."""


_STATUS = {mode.prefix: mode.rank for mode in MEMBER_MODES.values()}
"""What stands before a channel's name to speak to some of its members (ISUPPORT ``STATUSMSG``)."""


def _for_some(target: str) -> tuple[str, str]:
    """What is for some of a channel's members: the prefix from which on they hear it, and the channel.

    Of several prefixes it is the least: ``@%#a`` is ``%#a`` (Modern IRC, "PRIVMSG message"). Empty for anything else.
    """
    name = target.lstrip("".join(_STATUS))
    prefixes = target[: len(target) - len(name)]
    return (min(prefixes, key=_STATUS.__getitem__), name) if prefixes and name[:1] == "#" else ("", "")


def _fit(source: str, kind: str, target: str, text: str) -> str:
    """As much of a text as fits into the line that others get, which names the sender and so has less room.

    A line of 512 bytes is what a client may send, so it can't be refused for that; servers everywhere cut it. Clients
    that know their own name (ours does) send what is too long in several. What is stored and echoed is what was cut.
    """
    return fit(text, _ROOM - len(f"{source}{kind}{target}".encode()))


def _fit_pieces(source: str, kind: str, target: str, text: str) -> str:
    """A text of several lines whose pieces each fit into the line that others get.

    A piece that does not is sent on in two: who knows of several lines puts them together again (the second has the
    concat tag), so nothing is lost, and nobody need be told that it was cut.
    """
    room = _ROOM - len(f"{source}{kind}{target}".encode())
    if all(len(piece) * 4 <= room or len(piece.encode()) <= room for piece, _ in pieces(text)):
        return text
    return joined(
        (part, concat or bool(at))
        for piece, concat in pieces(text)
        for at, part in enumerate(split_text(piece, room) or ("",))
    )


@rule(Say)
def say(chat: Chat, stamp: int, request: Say, applied: Applied) -> None:
    user = chat.sessions.get(request.session)
    if user is None:
        raise Refused(Reason.NO_SUCH_SESSION)
    if request.client_id and request.kind != "TAGMSG":
        original = said_before(chat, stamp, user, request.client_id)
        if original is not None:
            applied.events.append(SaidBefore(stamp, request.session, original))
            return
    target = request.target
    status = ""
    least: Rank | None = None
    if target[:1] != "#":
        status, target = _for_some(target)
        if not status:
            _say_to_nick(chat, stamp, user, request, applied)
            return
        least = _STATUS[status]
    channel = chat.channels.get(casefold(target))
    if channel is None:
        raise Refused(Reason.NO_SUCH_CHANNEL, request.target)
    member = user in channel.members
    if not member or channel.restricted:
        _check_may_speak(channel, user, request)
    name = status + channel.name
    text = request.text
    cut = multiline = False
    if request.multiline:
        text = _fit_pieces(user.source, request.kind, name, text)
        multiline = has_pieces(text)
    elif len(text) > 64:
        text = _fit(user.source, request.kind, name, text)
        cut = text is not request.text
    user.last_spoke = stamp
    said = Said(
        stamp,
        request.kind,
        user.source,
        user.account,
        user.id,
        name,
        text,
        request.tags,
        channel.audience,
        request.session,
        channel.id,
    )
    if request.client_id:
        said.client_id = request.client_id
        if request.kind != "TAGMSG":
            remember_id(chat, user, request.client_id, stamp, applied)
    applied.events.append(said)
    if user.modes:
        said.bot = user.bot
    if cut or status or multiline or not member:  # which most are not, and those pay for nothing of this
        if least is not None:
            said.audience = channel.audience_from(least)
        if request.session not in said.audience:
            said.copies = user.audience
        said.cut = cut
        said.multiline = multiline
        said.alone = True


def _check_may_speak(channel: Channel, user: User, request: Say) -> None:
    """Raises :class:`Refused` for who may not say this there: the modes ``n``, ``m``, ``M``, ``C`` and ``b``."""
    membership = channel.members.get(user)
    if membership is None:
        if not channel.visible_to(user):
            raise Refused(Reason.NO_SUCH_CHANNEL, request.target)
        if "n" in channel.flags:
            raise Refused(Reason.CANNOT_SEND, channel.name)
    flags = channel.flags
    if "C" in flags and for_programs(request.text):
        raise Refused(Reason.NO_CTCP, channel.name)
    if is_mute(channel, user):
        raise Refused(Reason.CANNOT_SEND, channel.name)


def is_mute(channel: Channel, user: User) -> bool:
    """Whether the modes ``m``, ``M`` and ``b`` keep somebody in a channel from speaking."""
    if (channel.rank_of(user) or Rank.MEMBER) >= Rank.VOICED:
        return False
    return "m" in channel.flags or ("M" in channel.flags and user.account_id is None) or channel.is_muted(user)


def for_programs(text: str) -> bool:
    """Whether a message is one of programs to programs: all CTCP but ACTION, which is what people write.

    Of several lines none may be: some get each as a message of its own.
    """
    if "\x01" not in text:
        return False
    lines = (piece for piece, _ in pieces(text))
    return any(line[:1] == "\x01" and line[1:].split(" ")[0].rstrip("\x01").upper() != "ACTION" for line in lines)


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
    if target is not None and "R" in target.modes and user.account_id is None:
        raise Refused(Reason.ACCOUNT_NEEDED_TO_SEND, name)
    whole = request.text
    text = (_fit_pieces if request.multiline else _fit)(user.source, request.kind, name, whole)
    unheard = target is not user and _is_silenced(chat, user, target, account)
    absent = target is None or not target.sessions
    # A TAGMSG is not shown unasked; and to what programs ask each other now, programs would answer whenever it is.
    held = absent and request.kind != "TAGMSG" and not for_programs(whole)
    if target is not None and account is None and target.account_id is not None:  # under another nick
        account = chat.accounts_by_id.get(target.account_id)
    if held and account is not None:
        number = chat.held_numbers.get(account.id, 0)
        if number >= chat.rules.held_per_account // (10 if user.account_id is None else 1):
            raise Refused(Reason.TOO_MANY_HELD, name)  # to who is silenced as to others: they don't learn it
        if not unheard:
            hold(chat, account.id, stamp, number + 1, applied)
    user.last_spoke = stamp
    applied.events.append(
        Said(
            stamp,
            request.kind,
            user.source,
            user.account,
            user.id,
            name,
            text,
            request.tags,
            target.audience if target and not unheard else (),
            request.session,
            None,
            target.id if target else account.id if account else None,
            () if target is user else user.audience,
            held,
            text is not whole and not request.multiline,
            user.bot,
            target.away if target is not None and target is not user else None,
            request.multiline and has_pieces(text),
            unheard,
            client_id=request.client_id,
        )
    )
    if request.client_id and request.kind != "TAGMSG" and not unheard:  # which are not stored
        remember_id(chat, user, request.client_id, stamp, applied)


def _is_silenced(chat: Chat, user: User, target: User | None, account: Account | None) -> bool:
    """Whether the one whom a private message is for takes none from its sender."""
    if target is not None:
        return bool(target.silenced) and target.silences(user.source, user.account)
    masks = chat.silenced.get(account.id, {}) if account else {}
    return any(mask.matches(user.source, user.account) for mask in masks.values())


@rule(Collect)
def collect(chat: Chat, stamp: int, request: Collect, applied: Applied) -> None:
    user = chat.user_of(request.session)
    caught_up(chat, stamp, user, request.session, request.up_to, applied)
    id = user.account_id
    last = chat.held.get(id) if id is not None else None
    if id is None or last is None:
        return
    if request.up_to >= last:
        hold(chat, id, 0, 0, applied)
    applied.events.append(Collected(stamp, id, request.up_to))
