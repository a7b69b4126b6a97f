"""Rules for whose a channel is, and how it is called."""

from __future__ import annotations

from securechat.chat.channel import Channel
from securechat.chat.channels import existing, joined, require
from securechat.chat.events import ChannelRenamed, OwnerChanged, record, view
from securechat.chat.machine import Applied, Chat, rule
from securechat.chat.model import Account, User
from securechat.chat.modes import Rank
from securechat.chat.refusals import Reason, Refused
from securechat.chat.requests import RenameChannel, SetOwner
from securechat.chat.tenancy import end_if_empty, give
from securechat.irc.names import casefold, valid_channel


@rule(RenameChannel)
def rename_channel(chat: Chat, stamp: int, request: RenameChannel, applied: Applied) -> None:
    """The owner renames it, and where it has none, its operators; everything about it stays."""
    user = chat.user_of(request.session)
    channel, membership = joined(chat, user, request.channel)
    require(channel, membership, Rank.OPERATOR)
    old, key = channel.name, casefold(request.name)
    if channel.founder is not None and not channel.owned_by(user):
        raise Refused(Reason.CANNOT_RENAME, old, request.name)
    if not valid_channel(request.name, chat.rules.channel_length) or request.name == old:
        raise Refused(Reason.CANNOT_RENAME, old, request.name)
    if key != channel.key and key in chat.channels:
        raise Refused(Reason.CHANNEL_NAME_IN_USE, old, request.name)

    def call(name: str) -> None:
        for index in (channel.members, channel.invited):
            for person in index:
                person.channels.pop(channel.key, None)
                person.invitations.pop(channel.key, None)
        if chat.channels.get(channel.key) is channel:
            del chat.channels[channel.key]
        channel.name, channel.key = name, casefold(name)
        chat.channels[channel.key] = channel
        for person in channel.members:
            person.channels[channel.key] = channel
        for person in channel.invited:
            person.invitations[channel.key] = channel

    applied.on_undo(lambda: call(old))
    call(request.name)
    applied.events.append(
        ChannelRenamed(
            stamp,
            channel.id,
            old,
            channel.name,
            user.source,
            user.account,
            user.account_id,
            request.reason,
            channel.audience,
            view(channel),
            channel.lasting,
            tuple((member.source, member.account, member.realname, member.audience) for member in channel.members),
            user.bot,
        )
    )


@rule(SetOwner)
def set_owner(chat: Chat, stamp: int, request: SetOwner, applied: Applied) -> None:
    """By the owner, or an operator of the server; a channel that nobody owns is its operators' to give.

    It is given to who takes part in it; an operator of the server may give it to anybody. One that is given up lasts as
    long as somebody is in it. The server's own stays the server's.
    """
    user = chat.user_of(request.session)
    channel = chat.channels.get(casefold(request.channel)) if user.operator else None
    channel = channel or existing(chat, user, request.channel)
    _check_may_give(channel, user)
    owner = chat.account_named(request.account) if request.account is not None else None
    if request.account is not None and owner is None:
        raise Refused(Reason.NO_SUCH_ACCOUNT, request.account)
    if (
        owner is not None
        and owner.id != channel.founder
        and chat.founded.get(owner.id, 0) >= chat.rules.channels_founded
    ):
        raise Refused(Reason.TOO_MANY_OWNED, owner.name)
    if owner is not None and not (user.operator or _takes_part(chat, channel, owner)):
        raise Refused(Reason.NOT_IN_CHANNEL, owner.name, channel.name)
    told = dict.fromkeys(user.audience)
    for id in (channel.founder, owner.id if owner else None):
        other = chat.users_by_account.get(id) if id is not None else None
        if other is not None:
            told.update(dict.fromkeys(other.audience))
    was_lasting = channel.lasting
    give(chat, channel, owner, applied)
    if was_lasting and not channel.lasting:
        end_if_empty(chat, channel, applied)
    applied.events.append(
        OwnerChanged(
            stamp,
            channel.id,
            channel.name,
            user.source,
            user.account_id,
            owner.name if owner else None,
            owner.id if owner else None,
            tuple(told),
            record(channel) if channel.lasting and not was_lasting else None,
        )
    )


def _takes_part(chat: Chat, channel: Channel, account: Account) -> bool:
    """Whether an account is in a channel, or is something there: nobody has strangers' channels put on them."""
    user = chat.users_by_account.get(account.id)
    return account.id == channel.founder or account.id in channel.access or user in channel.members


def _check_may_give(channel: Channel, user: User) -> None:
    if channel.founder == 0:
        raise Refused(Reason.NOT_OWNER, channel.name)
    if channel.owned_by(user) or user.operator:
        return
    rank = channel.rank_of(user)
    if channel.founder is None and rank is not None and rank >= Rank.OPERATOR:
        return
    raise Refused(Reason.NOT_OWNER, channel.name)
