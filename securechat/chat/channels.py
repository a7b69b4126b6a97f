"""Rules for channels: joining, parting, topics."""

from __future__ import annotations

from securechat.chat.events import Joined, Parted, TopicChanged, view
from securechat.chat.machine import Applied, Chat, rule
from securechat.chat.model import Channel, Membership, Topic, User
from securechat.chat.presence import dismiss, make_channel
from securechat.chat.refusals import Reason, Refused
from securechat.chat.requests import Join, Part, SetTopic
from securechat.irc.names import casefold, valid_channel


def existing(chat: Chat, name: str) -> Channel:
    channel = chat.channels.get(casefold(name))
    if channel is None:
        raise Refused(Reason.NO_SUCH_CHANNEL, name)
    return channel


def joined(chat: Chat, user: User, name: str) -> tuple[Channel, Membership]:
    channel = existing(chat, name)
    membership = channel.members.get(user)
    if membership is None:
        raise Refused(Reason.NOT_ON_CHANNEL, channel.name)
    return channel, membership


@rule(Join)
def join(chat: Chat, stamp: int, request: Join, applied: Applied) -> None:
    """Who makes a channel is its operator, and with an account its owner, who is its operator whenever they come."""
    user = chat.user_of(request.session)
    if not valid_channel(request.channel, chat.rules.channel_length):
        raise Refused(Reason.BAD_CHANNEL_NAME, request.channel)
    channel = chat.channels.get(casefold(request.channel))
    if channel is not None and user in channel.members:
        return
    if len(user.channels) >= chat.rules.channels_per_user:
        raise Refused(Reason.TOO_MANY_CHANNELS, request.channel)
    if channel is None:
        if user.account_id is not None and chat.founded.get(user.account_id, 0) >= chat.rules.channels_per_user:
            raise Refused(Reason.TOO_MANY_CHANNELS, request.channel)
        channel = make_channel(chat, stamp, request.channel, user.account_id, applied)
        membership = Membership(operator=True)
    else:
        membership = Membership(operator=user.account_id is not None and channel.founder == user.account_id)
    entered = channel
    applied.on_undo(lambda: entered.dismiss(user))
    channel.admit(user, membership)
    applied.events.append(
        Joined(
            stamp,
            channel.id,
            channel.name,
            user.source,
            user.account,
            user.account_id,
            user.realname,
            channel.audience,
            user.audience,
            view(channel),
        )
    )


@rule(Part)
def part(chat: Chat, stamp: int, request: Part, applied: Applied) -> None:
    user = chat.user_of(request.session)
    channel, _ = joined(chat, user, request.channel)
    audience = channel.audience
    dismiss(chat, channel, user, applied)
    applied.events.append(
        Parted(stamp, channel.id, channel.name, user.source, user.account, user.account_id, request.reason, audience)
    )


@rule(SetTopic)
def set_topic(chat: Chat, stamp: int, request: SetTopic, applied: Applied) -> None:
    """Channels have +t: the topic is the operators'."""
    user = chat.user_of(request.session)
    channel, membership = joined(chat, user, request.channel)
    if not membership.operator:
        raise Refused(Reason.NOT_OPERATOR, channel.name)
    text = _cut(request.text, chat.rules.topic_length)
    was = channel.topic
    applied.on_undo(lambda: setattr(channel, "topic", was))
    channel.topic = Topic(text, user.source, stamp) if text else None
    applied.events.append(
        TopicChanged(
            stamp,
            channel.id,
            channel.name,
            user.source,
            user.account,
            user.account_id,
            text,
            channel.audience,
            channel.lasting,
        )
    )


def _cut(text: str, length: int) -> str:
    """At most ``length`` bytes of UTF-8 (ISUPPORT ``TOPICLEN``)."""
    return text.encode()[:length].decode(errors="ignore")
