"""Rules for messages afterwards: taking them back, and up to where they have been read."""

from __future__ import annotations

from dataclasses import replace
from heapq import nsmallest

from securechat.chat.channel import Channel
from securechat.chat.channels import existing
from securechat.chat.events import MarkerMoved, Redacted
from securechat.chat.machine import Applied, Chat, rule
from securechat.chat.model import User
from securechat.chat.modes import MEMBER_MODES, Rank
from securechat.chat.refusals import Reason, Refusal, Refused
from securechat.chat.requests import MarkRead, Redact
from securechat.chat.stamps import milliseconds, msgid
from securechat.chat.talk import is_mute
from securechat.irc.names import casefold, valid_nick
from securechat.irc.split import fit

__all__ = ["marker", "unknown"]

_RANKS = {mode.prefix: mode.rank for mode in MEMBER_MODES.values()}

_REMEMBERED = 256
"""Messages that were taken back last. Who wants to take back one of them had looked into the log before that."""


@rule(Redact)
def redact(chat: Chat, stamp: int, request: Redact, applied: Applied) -> None:
    """Who said it takes it back for a while; the operators of a channel any message in it, at any time.

    Of a message that somebody can't have seen they don't learn that it is there.
    """
    user = chat.user_of(request.session)
    channel = _place(chat, user, request.target)
    if request.original.stamp in chat.taken_back:
        raise _unknown(chat, channel, request.target, msgid(request.original.stamp))
    if channel is not None:
        event = _redact_in_channel(chat, stamp, user, channel, request)
    else:
        event = _redact_private(chat, stamp, user, request)
    before = chat.taken_back
    applied.on_undo(lambda: setattr(chat, "taken_back", before))
    chat.taken_back = (*before[1 - _REMEMBERED :], request.original.stamp)
    applied.events.append(event)


def unknown(chat: Chat, session: int, target: str, called: str) -> Refusal:
    """What is said to who wants to take back a message that is not there; it is the same as for one that is not theirs
    to see. ``called``: the msgid as the client wrote it.
    """
    user = chat.sessions.get(session)
    if user is None:
        return Refusal(Reason.NO_SUCH_SESSION)
    try:
        return _unknown(chat, _place(chat, user, target), target, called).refusal
    except Refused as refused:
        return refused.refusal


def _place(chat: Chat, user: User, target: str) -> Channel | None:
    """The channel in which the message is to be; ``None``: a nick is meant. Raises :class:`Refused` for who is not in
    the channel: whether there is one they don't learn."""
    name = target.lstrip("".join(_RANKS))
    if name[:1] != "#":
        return None
    channel = chat.channels.get(casefold(name))
    if channel is None or user not in channel.members:
        raise Refused(Reason.REDACT_TARGET, target)
    return channel


def _unknown(chat: Chat, channel: Channel | None, target: str, called: str) -> Refused:
    if channel is None and _id_of(chat, target) is None:
        return Refused(Reason.REDACT_TARGET, target)
    return Refused(Reason.UNKNOWN_MESSAGE, target, called)


def _id_of(chat: Chat, name: str) -> int | None:
    """The `User.id` of who is called that, here or not."""
    user, account = chat.users.get(casefold(name)), chat.account_named(name)
    return user.id if user is not None else account.id if account is not None else None


def _redact_private(chat: Chat, stamp: int, user: User, request: Redact) -> Redacted:
    original, target = request.original, request.target
    own = original.author == user.id
    other = original.target_id if own else original.author
    called = {casefold(original.target)} if own else {user.key}
    if (
        original.channel_id is not None
        or user.id not in (original.author, original.target_id)
        or (casefold(target) not in called and (other is None or _id_of(chat, target) != other))
    ):
        raise _unknown(chat, None, target, msgid(original.stamp))
    if not own:
        raise Refused(Reason.REDACT_FORBIDDEN, target, msgid(original.stamp))
    _check_in_time(chat, stamp, request)
    receiver = _user_with_id(chat, original.target_id, target, original.target)
    name = receiver.nick if receiver else original.target
    if receiver is user:
        return _redacted(chat, stamp, user, request, name, user.audience, ())
    if receiver is not None and receiver.silences(user.source, user.account):
        request = replace(request, reason="")  # which would be a message
    return _redacted(chat, stamp, user, request, name, receiver.audience if receiver else (), user.audience)


def _redact_in_channel(chat: Chat, stamp: int, user: User, channel: Channel, request: Redact) -> Redacted:
    original, name = request.original, request.target
    rank, reads_from = channel.members[user].rank, channel.reads_from(user)
    needed = _RANKS.get(original.target[:1], Rank.MEMBER)
    author = original.author == user.id
    hidden = reads_from is None or original.stamp < reads_from or (rank < needed and not author)
    if channel.id != original.channel_id or hidden:
        raise Refused(Reason.UNKNOWN_MESSAGE, name, msgid(original.stamp))
    if rank < Rank.OPERATOR:
        if not author:
            raise Refused(Reason.REDACT_FORBIDDEN, name, msgid(original.stamp))
        _check_in_time(chat, stamp, request)
    if is_mute(channel, user):
        request = replace(request, reason="")  # which would be a message
    audience = channel.audience if needed is Rank.MEMBER else channel.audience_from(needed)
    copies = tuple(session for session in user.audience if session not in audience)
    prefix = original.target[:1] if needed is not Rank.MEMBER else ""
    return _redacted(chat, stamp, user, request, prefix + channel.name, audience, copies)


def _check_in_time(chat: Chat, stamp: int, request: Redact) -> None:
    original, window = request.original.stamp, chat.rules.redact_seconds
    if milliseconds(stamp) - milliseconds(original) >= window * 1000:
        raise Refused(Reason.REDACT_EXPIRED, request.target, msgid(original), str(window))


def _user_with_id(chat: Chat, id: int | None, *names: str) -> User | None:
    """Somebody, if they are here; a guest only if that is one of their names."""
    if id is None:
        return None
    found = [chat.users_by_account.get(id), *(chat.users.get(casefold(name)) for name in names)]
    return next((user for user in found if user is not None and user.id == id), None)


def _redacted(
    chat: Chat, stamp: int, user: User, request: Redact, target: str, audience: tuple[int, ...], copies: tuple[int, ...]
) -> Redacted:
    original = request.original
    return Redacted(
        stamp,
        original.stamp,
        original.channel_id,
        user.source,
        user.account,
        user.id,
        target,
        original.target_id,
        fit(request.reason, chat.rules.kick_length),
        audience,
        copies,
        user.bot,
    )


@rule(MarkRead)
def mark_read(chat: Chat, stamp: int, request: MarkRead, applied: Applied) -> None:
    """A marker only moves forwards, and not into the future."""
    user = chat.user_of(request.session)
    name, key = marker(chat, user, request.target)
    known, ms = user.markers.get(key), min(request.ms, milliseconds(stamp))
    if known is not None and ms <= known:
        applied.events.append(
            MarkerMoved(stamp, request.session, user.account_id, name, key, known, False, user.audience)
        )
        return
    before, after = user.markers, {**user.markers, key: ms}
    excess = len(after) - chat.rules.read_markers
    oldest = nsmallest(excess, ((at, other) for other, at in after.items() if other != key)) if excess > 0 else []
    dropped = tuple(other for _, other in oldest)
    for other in dropped:
        del after[other]

    def put(markers: dict[str, int]) -> None:
        user.markers = markers
        if user.account_id is None:
            return
        if markers:
            chat.markers[user.account_id] = markers
        else:
            chat.markers.pop(user.account_id, None)

    applied.on_undo(lambda: put(before))
    put(after)
    applied.events.append(
        MarkerMoved(stamp, request.session, user.account_id, name, key, ms, True, user.audience, dropped)
    )


def marker(chat: Chat, user: User, target: str) -> tuple[str, str]:
    """How a conversation is called, and the key of its marker. A channel keeps it under another name.

    Raises :class:`Refused` for a channel that is not there, and for what can't be a nick.
    """
    if target[:1] != "#":
        if not valid_nick(target):
            raise Refused(Reason.NO_SUCH_NICK, target)
        return target, casefold(target)
    channel: Channel = existing(chat, user, target)
    return channel.name, f"#{channel.id:x}"
