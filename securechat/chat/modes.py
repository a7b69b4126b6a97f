"""The modes there are, as data: of channels, of their members, and of users (Modern IRC, "Modes").

What stands here is all that the parser, ISUPPORT, the help, the documents and the rules know of a mode, except what
the rules do with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum

from securechat.irc.modes import ModeKind

__all__ = [
    "ALL_KINDS",
    "CHANGES_MODES",
    "CHANNEL_MODES",
    "DEFAULT_FLAGS",
    "LISTS",
    "MEMBER_MODES",
    "USER_MODES",
    "ChannelMode",
    "MemberMode",
    "Rank",
    "UserMode",
    "chanmodes",
    "prefix",
]


class Rank(IntEnum):
    """What somebody is in a channel; a greater one may all that a smaller one may."""

    MEMBER = 0
    VOICED = 1
    HALF_OPERATOR = 2
    OPERATOR = 3


@dataclass(frozen=True, slots=True)
class ChannelMode:
    letter: str
    kind: ModeKind
    about: str


@dataclass(frozen=True, slots=True)
class MemberMode:
    """A mode of a member, with the prefix that shows it. ``needs``: who may give and take it."""

    letter: str
    prefix: str
    rank: Rank
    needs: Rank
    about: str


@dataclass(frozen=True, slots=True)
class UserMode:
    """``settable``: whether users may give it to themselves; everybody may take off what they have."""

    letter: str
    settable: bool
    about: str


CHANGES_MODES = Rank.HALF_OPERATOR
"""Who may change the modes of a channel and its lists."""

CHANNEL_MODES: Mapping[str, ChannelMode] = {
    mode.letter: mode
    for mode in (
        ChannelMode("b", ModeKind.LIST, "bans: whom it matches can't come in or speak (~m: mutes only)"),
        ChannelMode("e", ModeKind.LIST, "exceptions from the bans"),
        ChannelMode("I", ModeKind.LIST, "who may come in without an invitation (i) or an account (R)"),
        ChannelMode("k", ModeKind.KEYED, "a key, without which nobody comes in"),
        ChannelMode("l", ModeKind.LIMITED, "how many members there may be"),
        ChannelMode("C", ModeKind.FLAG, "no CTCP, except actions"),
        ChannelMode("M", ModeKind.FLAG, "only those with an account or a voice speak"),
        ChannelMode("R", ModeKind.FLAG, "only those with an account come in"),
        ChannelMode("i", ModeKind.FLAG, "only those who are invited come in"),
        ChannelMode("m", ModeKind.FLAG, "moderated: only those with a voice speak"),
        ChannelMode("n", ModeKind.FLAG, "only members speak"),
        ChannelMode("s", ModeKind.FLAG, "secret: only members learn that it is there"),
        ChannelMode("t", ModeKind.FLAG, "only operators and half-operators set the topic"),
    )
}  # fmt: skip

MEMBER_MODES: Mapping[str, MemberMode] = {
    mode.letter: mode
    for mode in (
        MemberMode("o", "@", Rank.OPERATOR, Rank.OPERATOR, "operator"),
        MemberMode("h", "%", Rank.HALF_OPERATOR, Rank.OPERATOR, "half-operator: all but operators' modes and kicks"),
        MemberMode("v", "+", Rank.VOICED, Rank.HALF_OPERATOR, "voice: speaks where others may not"),
    )
}
"""The highest first, as ISUPPORT ``PREFIX`` has them. Who owns a channel is no mode: it is kept with the account."""

USER_MODES: Mapping[str, UserMode] = {
    mode.letter: mode
    for mode in (
        UserMode("B", True, "bot (IRCv3 bot-mode)"),
        UserMode("R", True, "takes private messages only from those with an account"),
        UserMode("i", True, "invisible: not in WHO for those who share no channel with you"),
        UserMode("o", False, "operator of the server"),
        UserMode("w", True, "gets WALLOPS"),
    )
}

DEFAULT_FLAGS = "nt"
"""Of a new channel."""

LISTS = "".join(mode.letter for mode in CHANNEL_MODES.values() if mode.kind is ModeKind.LIST)

ALL_KINDS: Mapping[str, ModeKind] = {
    **{mode.letter: mode.kind for mode in CHANNEL_MODES.values()},
    **dict.fromkeys(MEMBER_MODES, ModeKind.MEMBER),
}
"""Everything that MODE can change in a channel, by letter."""


def chanmodes() -> str:
    """The value of ISUPPORT ``CHANMODES``: the letters of each of the four types."""
    types = (ModeKind.LIST, ModeKind.KEYED, ModeKind.LIMITED, ModeKind.FLAG)
    return ",".join("".join(m.letter for m in CHANNEL_MODES.values() if m.kind is kind) for kind in types)


def prefix() -> str:
    """The value of ISUPPORT ``PREFIX``."""
    modes = MEMBER_MODES.values()
    return f"({''.join(m.letter for m in modes)}){''.join(m.prefix for m in modes)}"
