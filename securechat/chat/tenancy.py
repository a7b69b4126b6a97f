"""How a channel begins, whose it is, and how its members, and it itself, go."""

from __future__ import annotations

from securechat.chat.channel import Channel
from securechat.chat.events import ChannelMade
from securechat.chat.machine import Applied, Chat
from securechat.chat.model import Account, User
from securechat.chat.residence import end_residences
from securechat.irc.names import casefold

__all__ = ["dismiss", "end_if_empty", "give", "make_channel", "withdraw_invitation"]


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


def dismiss(chat: Chat, channel: Channel, user: User, applied: Applied) -> None:
    """Take a member out; a channel that belongs to nobody goes with its last member."""
    membership, reads_from = channel.members[user], channel.readers.get(user.id)

    def admit() -> None:
        chat.channels[channel.key] = channel
        channel.admit(user, membership)
        if reads_from is not None:
            channel.readers[user.id] = reads_from

    applied.on_undo(admit)
    channel.dismiss(user)
    if user.account_id is None:
        channel.readers.pop(user.id, None)
    end_if_empty(chat, channel, applied)


def end_if_empty(chat: Chat, channel: Channel, applied: Applied) -> None:
    """A channel that belongs to nobody goes with its last member, and the invitations to it."""
    if channel.members or channel.lasting:
        return
    applied.on_undo(lambda: chat.channels.__setitem__(channel.key, channel))
    chat.channels.pop(channel.key, None)
    end_residences(chat, channel, applied)
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
