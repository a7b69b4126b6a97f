"""Rules for what users say of themselves: that they are away, their real name, their modes, whom they silence."""

from __future__ import annotations

from securechat.chat.events import AwayChanged, RealnameChanged, Silenced, UserModesChanged
from securechat.chat.machine import Applied, Chat, rule
from securechat.chat.model import User, away_of
from securechat.chat.modes import USER_MODES
from securechat.chat.presence import away_text
from securechat.chat.refusals import Reason, Refused
from securechat.chat.requests import SetAway, SetRealname, SetUserModes, Silence
from securechat.irc.extban import BanMask, complete_mask
from securechat.irc.modes import ModeChange
from securechat.irc.names import casefold


@rule(SetAway)
def set_away(chat: Chat, stamp: int, request: SetAway, applied: Applied) -> None:
    """A user is away when nobody is at any of their connections."""
    user = chat.user_of(request.session)
    text = away_text(chat, request.text)
    before, was = user.sessions[request.session], user.away

    def restore() -> None:
        user.sessions[request.session] = before
        user.away = was

    applied.on_undo(restore)
    user.sessions[request.session] = text
    user.away = away_of(user.sessions)
    applied.events.append(
        AwayChanged(
            stamp,
            request.session,
            user.source,
            user.account,
            user.account_id,
            text,
            user.away,
            user.away != was,
            chat.peers(user, own=False),
            user.bot,
            asked=True,
        )
    )


@rule(SetRealname)
def set_realname(chat: Chat, stamp: int, request: SetRealname, applied: Applied) -> None:
    """IRCv3 setname."""
    user = chat.user_of(request.session)
    realname = request.realname
    if not realname or len(realname.encode()) > chat.rules.realname_length:
        raise Refused(Reason.BAD_REALNAME)
    was = user.realname
    applied.on_undo(lambda: setattr(user, "realname", was))
    user.realname = realname
    applied.events.append(
        RealnameChanged(
            stamp,
            user.source,
            user.account,
            user.account_id,
            realname,
            chat.peers(user, own=True),
            user.audience,
            user.bot,
        )
    )


@rule(SetUserModes)
def set_user_modes(chat: Chat, stamp: int, request: SetUserModes, applied: Applied) -> None:
    """All that can be are changed; who asked is told of the others, too."""
    user = chat.user_of(request.session)
    letters = set(user.modes)
    made: dict[str, ModeChange] = {}
    for change in request.changes:
        mode = USER_MODES.get(change.letter)
        if mode is None or (change.adding and not mode.settable) or (change.letter in letters) is change.adding:
            continue
        letters ^= {change.letter}
        if made.pop(change.letter, None) is None:  # there and back again is no change
            made[change.letter] = ModeChange(change.adding, change.letter)
    set_letters(stamp, user, letters, tuple(made.values()), applied)


def set_letters(stamp: int, user: User, letters: set[str], changes: tuple[ModeChange, ...], applied: Applied) -> None:
    """Have these modes and no others; ``changes`` are what that changes."""
    was = user.modes

    def put(modes: str) -> None:
        user.modes = modes
        for channel in user.channels.values():
            channel.forget_view(user)

    applied.on_undo(lambda: put(was))
    put("".join(sorted(letters)))
    applied.events.append(
        UserModesChanged(stamp, user.nick, user.source, changes, user.audience, user.modes, user.account)
    )


@rule(Silence)
def silence(chat: Chat, stamp: int, request: Silence, applied: Applied) -> None:
    """Of an account it lasts."""
    user = chat.user_of(request.session)
    mask = complete_mask(request.mask)
    if mask is None or mask.startswith("~m:"):
        raise Refused(Reason.BAD_MASK, request.mask)
    known = {casefold(text): text for text in user.silenced}.get(casefold(mask))
    if request.adding is (known is not None):
        return
    if request.adding and len(user.silenced) >= chat.rules.silenced:
        raise Refused(Reason.TOO_MANY_SILENCED, mask)
    mask = known or mask
    before, after = user.silenced, dict(user.silenced)
    if request.adding:
        after[mask] = BanMask.parse(mask)
    else:
        del after[mask]

    def put(masks: dict[str, BanMask]) -> None:
        user.silenced = masks
        if user.account_id is None:
            return
        if masks:
            chat.silenced[user.account_id] = masks
        else:
            chat.silenced.pop(user.account_id, None)

    applied.on_undo(lambda: put(before))
    put(after)
    own, account = user.audience, user.account
    applied.events.append(Silenced(stamp, user.source, user.account_id, request.adding, mask, own, account, user.bot))
