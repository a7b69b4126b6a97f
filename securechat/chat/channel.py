"""Channels and memberships."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from securechat.chat.model import User
from securechat.chat.modes import DEFAULT_FLAGS, MEMBER_MODES, Rank
from securechat.irc.extban import BanMask

__all__ = ["Channel", "Invitation", "ListEntry", "MemberView", "Membership", "Topic"]


@dataclass(frozen=True, slots=True)
class Topic:
    text: str
    by: str
    """``nick!user@host`` of who set it."""
    at: int
    """The stamp of the change."""


@dataclass(frozen=True, slots=True)
class MemberView:
    """A member of a channel as NAMES shows it."""

    prefix: str
    nick: str
    source: str
    invisible: bool = False


@dataclass(frozen=True, slots=True)
class Invitation:
    by_operator: bool
    """Whether somebody has invited who might let in whom they like."""
    at: int
    """The stamp of the last one."""


@dataclass(frozen=True, slots=True)
class ListEntry:
    """One mask of a list (``b``, ``e``, ``I``)."""

    mask: BanMask
    text: str
    """As it is written."""
    by: str
    """``nick!user@host`` of who set it."""
    at: int
    """The stamp of the change; in the list ``I`` that of a later one which took a key or a ban away, for until then it
    may have let nobody in."""


@dataclass(frozen=True, slots=True)
class Membership:
    """One user in one channel; ``modes`` are the letters of the member's modes, the highest first."""

    modes: str = ""

    @classmethod
    def of(cls, letters: Iterable[str]) -> Membership:
        """The membership with these modes, in whatever order. What is none is left out."""
        return _MEMBERSHIPS["".join(letter for letter in MEMBER_MODES if letter in letters)]

    @property
    def prefix(self) -> str:
        """The prefixes of the member's modes, the highest first (ISUPPORT ``PREFIX``)."""
        return "".join(MEMBER_MODES[letter].prefix for letter in self.modes)

    @property
    def rank(self) -> Rank:
        return MEMBER_MODES[self.modes[0]].rank if self.modes else Rank.MEMBER

    @property
    def operator(self) -> bool:
        return "o" in self.modes


_MEMBERSHIPS = {
    modes: Membership(modes)
    for modes in ("", "o", "h", "v", "oh", "ov", "hv", "ohv")
}  # fmt: skip

_MODES_FROM = {rank: {modes for modes, m in _MEMBERSHIPS.items() if m.rank >= rank} for rank in Rank}


class Channel:
    """A channel. One that an account made stays when the last member has gone, with its topic, modes and lists."""

    __slots__ = (
        "_audience",
        "_roll",
        "_verdicts",
        "_views",
        "access",
        "created",
        "flags",
        "founder",
        "id",
        "invited",
        "join_key",
        "key",
        "limit",
        "lists",
        "members",
        "metadata",
        "name",
        "open_since",
        "readers",
        "residents",
        "restricted",
        "topic",
    )

    def __init__(self, *, id: int, name: str, key: str, created: int, founder: int | None) -> None:
        self.id = id
        self.name = name
        self.key = key  # the name, casefolded
        self.created = created
        self.founder = founder
        """The id of the account to which it belongs; 0 for the server's own; ``None`` where a guest made it."""
        self.topic: Topic | None = None
        self.flags = DEFAULT_FLAGS
        """The letters of its modes without a parameter, sorted."""
        self.join_key: str | None = None
        """The mode ``k``."""
        self.limit: int | None = None
        """The mode ``l``."""
        self.lists: dict[str, dict[str, ListEntry]] = {"b": {}, "e": {}, "I": {}}
        """By letter: the entries by their casefolded masks, in the order in which they were set."""
        self.access: dict[int, str] = {}
        """By account id: the modes that its user gets on coming in."""
        self.invited: dict[User, Invitation] = {}
        """Who may come in once."""
        self.metadata: dict[str, str] = {}
        self.open_since: int | None = created
        """The stamp since which anybody may come in and learn of it (neither ``i`` nor ``k`` nor ``s``); ``None``: not
        now. What was said since then is no secret from who comes in."""
        self.readers: dict[int, int] = {}
        """By `User.id`: the stamp from which on somebody may read what was said, whatever the modes."""
        self.residents: dict[int, None] = {}
        """By account id: who is in it, or was when their last session ended, and is again when they come."""
        self.members: dict[User, Membership] = {}
        self.restricted = False
        """Whether there is anything that may keep a member from speaking."""
        self._audience: tuple[int, ...] | None = None
        self._roll: tuple[MemberView, ...] | None = None
        self._views: dict[User, MemberView] = {}
        """What the roll is made of: so who comes in costs one of these, and not as many as there are members."""
        self._verdicts: dict[User, bool] = {}

    @property
    def lasting(self) -> bool:
        """Whether it is kept when nobody is in it."""
        return self.founder is not None

    @property
    def secret(self) -> bool:
        return "s" in self.flags

    @property
    def audience(self) -> tuple[int, ...]:
        """The sessions of all members.

        The same tuple object until somebody comes or goes: delivery tells by identity that two messages go to the
        same sessions, and a message costs no copy.
        """
        if self._audience is None:
            self._audience = tuple(session for member in self.members for session in member.sessions)
        return self._audience

    def audience_from(self, rank: Rank) -> tuple[int, ...]:
        """The sessions of the members of this rank and above (ISUPPORT ``STATUSMSG``)."""
        if rank is Rank.MEMBER:
            return self.audience
        fit = _MODES_FROM[rank]
        return tuple(s for member, m in self.members.items() if m.modes in fit for s in member.sessions)

    @property
    def roll(self) -> tuple[MemberView, ...]:
        """The members as NAMES shows them. The same tuple object until one comes, goes or is renamed: an answer that
        waits for a client which does not read holds no copy of its own."""
        if self._roll is None:
            views = self._views
            self._roll = tuple([views.get(user) or self._view(user) for user in self.members])
        return self._roll

    def _view(self, user: User) -> MemberView:
        prefix = self.members[user].prefix
        view = self._views[user] = MemberView(prefix, user.nick, user.source, "i" in user.modes)
        return view

    def forget_audience(self) -> None:
        self._audience = None

    def forget_view(self, user: User) -> None:
        """Of somebody who is shown otherwise now, or not at all."""
        self._views.pop(user, None)
        self._roll = None

    def forget_verdicts(self) -> None:
        self._verdicts = {}

    def admit(self, user: User, membership: Membership) -> None:
        if self._audience is not None:  # made longer, not made anew: many may come, one after the other
            self._audience = None if user in self.members else self._audience + user.audience
        self.members[user] = membership
        user.channels[self.key] = self
        self.forget_view(user)
        self._verdicts.pop(user, None)

    def promote(self, user: User, membership: Membership) -> None:
        """Of a member: be this from now on."""
        self.members[user] = membership
        self.forget_view(user)

    def dismiss(self, user: User) -> None:
        """Of somebody who is not a member: nothing changes."""
        self._audience = None  # before all else: should that fail, nobody is added to it who is in it
        self.members.pop(user, None)
        user.channels.pop(self.key, None)
        self.forget_view(user)
        self._verdicts.pop(user, None)

    def rank_of(self, user: User) -> Rank | None:
        """``None``: not a member."""
        membership = self.members.get(user)
        return membership.rank if membership else None

    def owned_by(self, user: User) -> bool:
        """Whether the channel is the user's account's own."""
        return bool(self.founder) and self.founder == user.account_id

    def visible_to(self, user: User | None) -> bool:
        """Whether somebody who asks may learn that it is there."""
        return not self.secret or user in self.members or (user is not None and self.owned_by(user))

    # -- history ------------------------------------------------------------------------------------------------------

    @property
    def closed(self) -> bool:
        """Whether not everybody may come in, or learn of it."""
        return self.join_key is not None or "i" in self.flags or "s" in self.flags

    def reads_from(self, user: User) -> int | None:
        """The stamp from which on a user may read what was said; ``None`` for who is not a member."""
        if user not in self.members:
            return None
        right = self.readers.get(user.id)
        if self.open_since is None:
            return right
        return self.open_since if right is None else min(right, self.open_since)

    # -- modes and lists ----------------------------------------------------------------------------------------------

    def set_modes(self, flags: str, join_key: str | None, limit: int | None) -> None:
        """Have these, and nothing else."""
        self.flags, self.join_key, self.limit = flags, join_key, limit
        self.changed()

    def changed(self) -> None:
        """Flags or lists are others now: what was found out about them is forgotten."""
        self.restricted = bool(self.lists["b"]) or any(flag in self.flags for flag in "mMC")
        self._verdicts = {}

    def in_list(self, letter: str, user: User) -> bool:
        """Whether a list has a mask, other than of a mute, that matches."""
        return any(
            not entry.mask.mute and entry.mask.matches(user.source, user.account)
            for entry in self.lists[letter].values()
        )

    def is_banned(self, user: User) -> bool:
        """Whether a ban, and no exception, matches: so they can't come in."""
        return self.in_list("b", user) and not self.in_list("e", user)

    def is_muted(self, user: User) -> bool:
        """Whether a ban or a mute, and no exception, matches: so they can't speak without a voice.

        Found out once, until lists or the user's name change: long lists are not gone through for every message.
        """
        verdict = self._verdicts.get(user)
        if verdict is None:
            bans, exceptions = self.lists["b"].values(), self.lists["e"].values()
            verdict = any(entry.mask.matches(user.source, user.account) for entry in bans) and not any(
                entry.mask.matches(user.source, user.account) for entry in exceptions
            )
            if user in self.members:
                self._verdicts[user] = verdict
        return verdict

    def mode_words(self, *, with_key: bool) -> tuple[str, ...]:
        """The modes as MODE shows them; the key itself only to members."""
        letters, parameters = self.flags, []
        if self.join_key is not None:
            letters += "k"
            parameters.append(self.join_key if with_key else "*")
        if self.limit is not None:
            letters += "l"
            parameters.append(str(self.limit))
        return ("+" + letters, *parameters)
