"""Rules for channels: joining, parting, kicks, invitations, topics."""

from __future__ import annotations

from securechat.chat.channel import Channel, Invitation, Membership, Topic
from securechat.chat.events import Invited, Joined, Kicked, Parted, TopicChanged, view
from securechat.chat.machine import Applied, Chat, rule
from securechat.chat.model import User
from securechat.chat.modes import Rank
from securechat.chat.refusals import Reason, Refused
from securechat.chat.requests import Invite, Join, Kick, Part, SetTopic
from securechat.chat.residence import forget, lasting_modes, let_read, settle
from securechat.chat.tenancy import dismiss, make_channel, withdraw_invitation
from securechat.irc.names import casefold, valid_channel

MAX_INVITATIONS = 100
"""That one user can have at a time."""


def existing(chat: Chat, user: User, name: str) -> Channel:
    """The channel, if it is there and not secret from ``user``: who asks must not learn which of the two it is."""
    channel = chat.channels.get(casefold(name))
    if channel is None or not channel.visible_to(user):
        raise Refused(Reason.NO_SUCH_CHANNEL, name)
    return channel


def joined(chat: Chat, user: User, name: str) -> tuple[Channel, Membership]:
    channel = existing(chat, user, name)
    membership = channel.members.get(user)
    if membership is None:
        raise Refused(Reason.NOT_ON_CHANNEL, channel.name)
    return channel, membership


def require(channel: Channel, membership: Membership, rank: Rank) -> None:
    """Raises :class:`Refused` for who has less than this rank."""
    if membership.rank < rank:
        raise Refused(Reason.NOT_OPERATOR, channel.name)


def _cut(text: str, length: int) -> str:
    """At most ``length`` bytes of UTF-8 (ISUPPORT ``TOPICLEN`` and its like)."""
    return text.encode()[:length].decode(errors="ignore")


@rule(Join)
def join(chat: Chat, stamp: int, request: Join, applied: Applied) -> None:
    """Who makes a channel is its operator, and with an account its owner, who is its operator whenever they come."""
    user = chat.user_of(request.session)
    if not valid_channel(request.channel, chat.rules.channel_length):
        # What is no name of a channel at all is not there, as for everything else that asks for one.
        bad = request.channel.startswith("#")
        raise Refused(Reason.BAD_CHANNEL_NAME if bad else Reason.NO_SUCH_CHANNEL, request.channel)
    channel = chat.channels.get(casefold(request.channel))
    if channel is not None and user in channel.members:
        return
    if len(user.channels) >= chat.rules.channels_per_user:
        raise Refused(Reason.TOO_MANY_CHANNELS, request.channel)
    lasting = ""
    if channel is None:
        if user.account_id is not None and chat.founded.get(user.account_id, 0) >= chat.rules.channels_founded:
            raise Refused(Reason.TOO_MANY_CHANNELS, request.channel)
        channel = make_channel(chat, stamp, request.channel, user.account_id, applied)
        membership = Membership.of("o")
    else:
        lasting = lasting_modes(chat, channel, user)
        _check_may_enter(channel, user, request.key, lasting)
        membership = Membership.of(lasting)
    let_read(channel, user, _right_since(channel, user, stamp), applied)
    withdraw_invitation(channel, user, applied)
    entered = channel
    applied.on_undo(lambda: entered.dismiss(user))
    channel.admit(user, membership)
    if user.account_id is not None:
        settle(chat, channel, user.account_id, applied)
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
            user.bot,
            user.away,
            membership.modes if lasting else "",
            user.nick,
            channel.readers[user.id] if channel.lasting and user.account_id is not None else None,
            user.account_id in channel.residents,
        )
    )


def _right_since(channel: Channel, user: User, now: int) -> int:
    """The stamp since which somebody who comes in might have been there: from then on they may read what was said."""
    if channel.open_since is not None:
        return channel.open_since
    rights = [now]
    invitation = channel.invited.get(user)
    if invitation is not None and invitation.by_operator:
        rights.append(invitation.at)
    if channel.join_key is None:
        rights += [entry.at for entry in channel.lists["I"].values() if entry.mask.matches(user.source, user.account)]
    return min(rights)


def _check_may_enter(channel: Channel, user: User, key: str, lasting: str) -> None:
    """What keeps people out. Not the owner, and not whom an operator of the channel has invited.

    Of those who are operators and half-operators whenever they come (``lasting``) only bans keep somebody out: else a
    restart of the server would leave a channel with a key, or for those invited, to its owner alone.
    """
    invitation = channel.invited.get(user)
    if channel.owned_by(user) or (invitation is not None and invitation.by_operator):
        return
    if channel.is_banned(user):
        raise Refused(Reason.BANNED_FROM_CHANNEL, channel.name)
    if Membership.of(lasting).rank >= Rank.HALF_OPERATOR:
        return
    expected = invitation is not None or channel.in_list("I", user)
    if "i" in channel.flags and not expected:
        raise Refused(Reason.INVITE_ONLY, channel.name)
    if "R" in channel.flags and user.account_id is None and not expected:
        raise Refused(Reason.ACCOUNT_NEEDED, channel.name)
    if channel.join_key is not None and channel.join_key != key:
        raise Refused(Reason.BAD_KEY, channel.name)
    if channel.limit is not None and len(channel.members) >= channel.limit:
        raise Refused(Reason.CHANNEL_FULL, channel.name)


@rule(Part)
def part(chat: Chat, stamp: int, request: Part, applied: Applied) -> None:
    user = chat.user_of(request.session)
    channel, _ = joined(chat, user, request.channel)
    audience = channel.audience
    forget(chat, channel, user.account_id, applied)
    dismiss(chat, channel, user, applied)
    applied.events.append(
        Parted(
            stamp,
            channel.id,
            channel.name,
            user.source,
            user.account,
            user.account_id,
            request.reason,
            audience,
            user.bot,
            user.account_id if channel.lasting else None,
        )
    )


@rule(Kick)
def kick(chat: Chat, stamp: int, request: Kick, applied: Applied) -> None:
    """Operators kick anybody, half-operators those below operators."""
    user = chat.user_of(request.session)
    channel, membership = joined(chat, user, request.channel)
    require(channel, membership, Rank.HALF_OPERATOR)
    target = chat.users.get(casefold(request.nick))
    if target is None:
        raise Refused(Reason.NO_SUCH_NICK, request.nick)
    theirs = channel.members.get(target)
    if theirs is None:
        raise Refused(Reason.NOT_IN_CHANNEL, target.nick, channel.name)
    require(channel, membership, theirs.rank)
    audience = channel.audience
    forget(chat, channel, target.account_id, applied)
    dismiss(chat, channel, target, applied)
    reason = _cut(request.reason, chat.rules.kick_length) or user.nick
    applied.events.append(
        Kicked(
            stamp,
            channel.id,
            channel.name,
            user.source,
            user.account,
            user.account_id,
            target.nick,
            reason,
            audience,
            user.bot,
            target.account_id if channel.lasting else None,
        )
    )


@rule(Invite)
def invite(chat: Chat, stamp: int, request: Invite, applied: Applied) -> None:
    """Members invite; into a channel that is only for those invited (``i``), its operators and half-operators."""
    user = chat.user_of(request.session)
    target = chat.users.get(casefold(request.nick))
    if target is None:
        raise Refused(Reason.NO_SUCH_NICK, request.nick)
    channel, membership = joined(chat, user, request.channel)
    may = membership.rank >= Rank.HALF_OPERATOR
    if "i" in channel.flags and not may:
        raise Refused(Reason.NOT_OPERATOR, channel.name)
    if target in channel.members:
        raise Refused(Reason.ALREADY_ON_CHANNEL, target.nick, channel.name)
    unheard = target.silences(user.source, user.account)
    if not unheard:
        _expect(channel, target, may, stamp, applied)
    needed = Rank.HALF_OPERATOR if "i" in channel.flags else Rank.MEMBER
    others = (s for s in channel.audience_from(needed) if s != request.session)
    applied.events.append(
        Invited(
            stamp,
            channel.name,
            user.source,
            user.account,
            user.account_id,
            target.nick,
            () if unheard else target.audience,
            tuple(others),
            target.away,
            user.bot,
            unheard,
        )
    )


def _expect(channel: Channel, user: User, by_operator: bool, stamp: int, applied: Applied) -> None:
    """They may come in. Who has too many invitations loses the oldest: else others could fill them up for good."""
    known = channel.invited.get(user)
    if known is not None:
        applied.on_undo(lambda: channel.invited.__setitem__(user, known))
        channel.invited[user] = Invitation(by_operator or known.by_operator, stamp)
        return
    if len(user.invitations) >= MAX_INVITATIONS:
        oldest = min(user.invitations.values(), key=lambda other: other.invited[user].at)
        withdraw_invitation(oldest, user, applied)
    applied.on_undo(lambda: user.invitations.pop(channel.key, None))
    applied.on_undo(lambda: channel.invited.pop(user, None))
    channel.invited[user] = Invitation(by_operator, stamp)
    user.invitations[channel.key] = channel


@rule(SetTopic)
def set_topic(chat: Chat, stamp: int, request: SetTopic, applied: Applied) -> None:
    """With the mode ``t`` the topic is the operators' and half-operators'."""
    user = chat.user_of(request.session)
    channel, membership = joined(chat, user, request.channel)
    if "t" in channel.flags:
        require(channel, membership, Rank.HALF_OPERATOR)
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
            user.bot,
        )
    )
