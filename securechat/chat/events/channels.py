"""What happened to channels and in them, messages apart."""

from __future__ import annotations

from dataclasses import dataclass

from securechat.chat.channel import Channel, ListEntry, MemberView, Topic
from securechat.chat.refusals import Refusal
from securechat.irc.modes import ModeChange

__all__ = [
    "ChannelMade",
    "ChannelRecord",
    "ChannelRenamed",
    "ChannelView",
    "Invited",
    "Joined",
    "Kicked",
    "MemberView",
    "ModesChanged",
    "OwnerChanged",
    "Parted",
    "TopicChanged",
    "record",
    "view",
]


@dataclass(frozen=True, slots=True)
class ChannelView:
    """A channel at one moment: what somebody who comes in is told."""

    name: str
    topic: Topic | None
    members: tuple[MemberView, ...]
    secret: bool = False


@dataclass(frozen=True, slots=True)
class ChannelRecord:
    """All that is kept of a channel, besides its id, name and owner."""

    topic: Topic | None
    flags: str
    join_key: str | None
    limit: int | None
    lists: tuple[tuple[str, ListEntry], ...]
    """(letter, entry), in the order in which they were set."""
    metadata: tuple[tuple[str, str], ...]
    open_since: int | None = None
    readers: tuple[tuple[int, int, bool], ...] = ()
    """(account id, the stamp from which on it may read, whether it is in the channel whenever it comes)."""


@dataclass(slots=True)
class ChannelMade:
    stamp: int
    channel_id: int
    name: str
    founder: int | None


@dataclass(slots=True)
class Joined:
    stamp: int
    channel_id: int
    channel: str
    source: str
    account: str | None
    account_id: int | None
    realname: str
    audience: tuple[int, ...]
    joiners: tuple[int, ...]
    """The sessions of the one who came in: they are told of the channel."""
    view: ChannelView
    bot: bool = False
    away: str | None = None
    modes: str = ""
    """The member's modes that others are to be told of: those that an account has had before."""
    nick: str = ""
    reads_from: int | None = None
    """Of an account, in a channel that lasts: the stamp from which on it may read what was said..."""
    resident: bool = False
    """...and whether it is in it from now on whenever it comes."""


@dataclass(slots=True)
class Parted:
    stamp: int
    channel_id: int
    channel: str
    source: str
    account: str | None
    account_id: int | None
    reason: str
    audience: tuple[int, ...]
    """Before the leave: who goes sees it too."""
    bot: bool = False
    member_id: int | None = None
    """The account of who goes, where the channel lasts: it is not in it any more."""


@dataclass(slots=True)
class Kicked:
    stamp: int
    channel_id: int
    channel: str
    source: str
    account: str | None
    account_id: int | None
    nick: str
    """Who was thrown out."""
    reason: str
    audience: tuple[int, ...]
    """Before the leave: who goes sees it too."""
    bot: bool = False
    member_id: int | None = None
    """The account of who was thrown out, where the channel lasts."""


@dataclass(slots=True)
class Invited:
    stamp: int
    channel: str
    source: str
    account: str | None
    account_id: int | None
    nick: str
    audience: tuple[int, ...]
    """The sessions of the one who is invited."""
    watchers: tuple[int, ...]
    """The sessions of the members who could have invited too, without the one that did (IRCv3 invite-notify)."""
    away: str | None = None
    """Of the one who is invited."""
    bot: bool = False
    unheard: bool = False
    """The one who is invited has silenced the other."""


@dataclass(slots=True)
class TopicChanged:
    stamp: int
    channel_id: int
    channel: str
    source: str
    account: str | None
    account_id: int | None
    text: str
    audience: tuple[int, ...]
    lasting: bool
    bot: bool = False


@dataclass(slots=True)
class ModesChanged:
    """``changes`` are those that were made; ``problems`` are why others were not, which only who asked is told."""

    stamp: int
    channel_id: int
    channel: str
    source: str
    account: str | None
    account_id: int | None
    changes: tuple[ModeChange, ...]
    problems: tuple[Refusal, ...]
    audience: tuple[int, ...]
    lasting: bool
    flags: str
    """The channel's after the changes, as are the next two."""
    join_key: str | None
    limit: int | None
    added: tuple[tuple[str, ListEntry], ...] = ()
    """(letter, entry) of what is new in the lists when all changes are made..."""
    removed: tuple[tuple[str, str], ...] = ()
    """...and (letter, mask) of what was there before. What was set anew is among both."""
    access: tuple[tuple[int, str], ...] = ()
    """(account id, modes) of those whose lasting modes are others now; ``""``: none."""
    bot: bool = False
    open_since: int | None = None
    """The channel's, after the changes."""


@dataclass(slots=True)
class ChannelRenamed:
    stamp: int
    channel_id: int
    old: str
    channel: str
    """The new name."""
    source: str
    account: str | None
    account_id: int | None
    reason: str
    audience: tuple[int, ...]
    view: ChannelView
    lasting: bool
    members: tuple[tuple[str, str | None, str, tuple[int, ...]], ...] = ()
    """(source, account, real name, sessions) of all members, for those clients which are told by PART and JOIN."""
    bot: bool = False


@dataclass(slots=True)
class OwnerChanged:
    stamp: int
    channel_id: int
    channel: str
    source: str
    account_id: int | None
    """Of the one who made the change."""
    owner: str | None
    """The account's name."""
    owner_id: int | None
    audience: tuple[int, ...]
    """The sessions of the old owner, the new one, and who made the change."""
    record: ChannelRecord | None = None
    """Of a channel that lasts from now on, and did not before: nothing of it has been written down yet."""


def view(channel: Channel) -> ChannelView:
    """What NAMES and TOPIC say of a channel, as it is now."""
    return ChannelView(channel.name, channel.topic, channel.roll, channel.secret)


def record(channel: Channel) -> ChannelRecord:
    """What is to be written down of a channel, as it is now; nothing of guests is."""
    guests = {member.id for member in channel.members if member.account_id is None}
    return ChannelRecord(
        channel.topic,
        channel.flags,
        channel.join_key,
        channel.limit,
        tuple((letter, entry) for letter, entries in channel.lists.items() for entry in entries.values()),
        tuple(channel.metadata.items()),
        channel.open_since,
        tuple((id, at, id in channel.residents) for id, at in channel.readers.items() if id not in guests),
    )
