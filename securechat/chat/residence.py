"""In which channels an account is whenever it comes, and who stays on the chat while no device is connected."""

from __future__ import annotations

from dataclasses import replace

from securechat.chat.channel import Channel, Membership
from securechat.chat.events import Place, Returned, SettingsChanged
from securechat.chat.machine import Applied, Chat, rule
from securechat.chat.model import Account, Role, Settings, User
from securechat.chat.refusals import Reason, Refused
from securechat.chat.requests import SetAlwaysOn, SetReplay

__all__ = ["come_back", "end_residences", "forget", "lasting_modes", "let_read", "settle", "stays"]


def settle(chat: Chat, channel: Channel, account_id: int, applied: Applied) -> None:
    """The account is in the channel from now on, whenever it comes.

    Of more than one can be in that is true only until it goes: who logs in has those of before besides.
    """
    if account_id in channel.residents or len(chat.remembered.get(account_id, ())) >= chat.rules.channels_per_user:
        return
    applied.on_undo(lambda: _forget(chat, channel, account_id))
    _settle(chat, channel, account_id)


def _settle(chat: Chat, channel: Channel, account_id: int) -> None:
    channel.residents[account_id] = None
    chat.remembered.setdefault(account_id, {})[channel.id] = channel


def forget(chat: Chat, channel: Channel, account_id: int | None, applied: Applied) -> None:
    """It is not. Of an account that is not in it anyway, or of a guest: nothing changes."""
    if account_id is None or account_id not in channel.residents:
        return
    applied.on_undo(lambda: _settle(chat, channel, account_id))
    _forget(chat, channel, account_id)


def _forget(chat: Chat, channel: Channel, account_id: int) -> None:
    channel.residents.pop(account_id, None)
    remembered = chat.remembered.get(account_id)
    if remembered is not None:
        remembered.pop(channel.id, None)
        if not remembered:
            del chat.remembered[account_id]


def end_residences(chat: Chat, channel: Channel, applied: Applied) -> None:
    """The channel is no more."""
    for account_id in list(channel.residents):
        forget(chat, channel, account_id, applied)


def let_read(channel: Channel, user: User, since: int, applied: Applied) -> None:
    """Somebody has the right to be there since this stamp, or before."""
    before = channel.readers.get(user.id)
    if before is not None and before <= since:
        return
    id = user.id

    def restore() -> None:
        if before is None:
            channel.readers.pop(id, None)
        else:
            channel.readers[id] = before

    applied.on_undo(restore)
    channel.readers[id] = since


def lasting_modes(chat: Chat, channel: Channel, user: User) -> str:
    """What an account is in a channel whenever it comes: its owner, or what it was made there.

    The server's own channels have the administrators of the server for operators.
    """
    if user.account_id is None:
        return ""
    modes = channel.access.get(user.account_id, "")
    account = chat.accounts_by_id.get(user.account_id)
    server_own = channel.founder == 0 and account is not None and account.role is Role.ADMIN
    return modes + "o" if channel.owned_by(user) or server_own else modes


def come_back(chat: Chat, stamp: int, user: User, applied: Applied) -> Returned | None:
    """Somebody who has an account, and is not in any channel yet, is in those again in which they were.

    Not where they are banned meanwhile: that is forgotten. What else keeps people out does not keep out who was in.
    """
    account_id = user.account_id
    places: list[Place] = []
    forgotten: list[int] = []
    remembered = chat.remembered.get(account_id, {}) if account_id is not None else {}
    for _, channel in sorted(remembered.items()):
        if channel.is_banned(user) and not channel.owned_by(user):
            forget(chat, channel, account_id, applied)
            if channel.lasting:
                forgotten.append(channel.id)
            continue
        others, modes = channel.audience, Membership.of(lasting_modes(chat, channel, user))
        _admit(channel, user, modes, applied)
        places.append(Place(channel.id, channel.name, modes.modes, others))
    if not places and not forgotten:
        return None
    return Returned(
        stamp,
        user.nick,
        user.source,
        user.account,
        user.account_id,
        user.realname,
        tuple(places),
        user.bot,
        user.away,
        tuple(forgotten),
    )


def _admit(channel: Channel, user: User, membership: Membership, applied: Applied) -> None:
    applied.on_undo(lambda: channel.dismiss(user))
    channel.admit(user, membership)


# -- settings ---------------------------------------------------------------------------------------------------------


def stays(chat: Chat, user: User) -> bool:
    """Whether a user is on the chat while no device is connected."""
    settings = chat.settings.get(user.account_id) if user.account_id is not None else None
    return settings is not None and settings.always_on


@rule(SetReplay)
def set_replay(chat: Chat, stamp: int, request: SetReplay, applied: Applied) -> None:
    user, account = _with_account(chat, request.session)
    if request.lines is not None and not 0 <= request.lines <= chat.rules.replay_most:
        raise Refused(Reason.BAD_SETTING, "replay", str(request.lines))
    _put(chat, stamp, user, account, "replay", replace(_settings(chat, account), replay=request.lines), applied)


@rule(SetAlwaysOn)
def set_always_on(chat: Chat, stamp: int, request: SetAlwaysOn, applied: Applied) -> None:
    """Who stays is seen as they are seen now."""
    user, account = _with_account(chat, request.session)
    settings = _settings(chat, account)
    if request.on:
        settings = replace(settings, always_on=True, username=user.username, host=user.host, realname=user.realname)
    else:
        settings = replace(settings, always_on=False, username="", host="", realname="")
    _put(chat, stamp, user, account, "always-on", settings, applied)


def _with_account(chat: Chat, session: int) -> tuple[User, Account]:
    user = chat.user_of(session)
    account = chat.accounts_by_id.get(user.account_id) if user.account_id is not None else None
    if account is None:
        raise Refused(Reason.NO_ACCOUNT)
    return user, account


def _settings(chat: Chat, account: Account) -> Settings:
    return chat.settings.get(account.id) or Settings()


def _put(chat: Chat, stamp: int, user: User, account: Account, name: str, settings: Settings, applied: Applied) -> None:
    before = chat.settings.get(account.id)

    def put(settings: Settings | None) -> None:
        if settings is None or settings == Settings():
            chat.settings.pop(account.id, None)
        else:
            chat.settings[account.id] = settings

    applied.on_undo(lambda: put(before))
    put(settings)
    applied.events.append(SettingsChanged(stamp, account.id, name, settings, user.audience))
