"""What the chat consists of: accounts, users, channels and memberships.

A :class:`User` is somebody who is on the chat, whatever the number of their connections; a session is one connection,
known here by its number alone. An :class:`Account` is who somebody is, whether they are on the chat or not.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

__all__ = ["Account", "Channel", "MemberView", "Membership", "Role", "Rules", "Topic", "User"]


class Role(Enum):
    MEMBER = "member"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class Rules:
    """The operator's choices that the chat's decisions depend on; they come with the :class:`Start` request."""

    guests: bool = False
    lobby: str = "#lobby"
    channels_per_user: int = 100
    sessions_per_user: int = 32
    held_per_account: int = 1000
    """Private messages that may wait for an account; of these guests may leave a tenth."""
    topic_length: int = 307
    """Bytes; so much fits into any line that says a topic, whoever set it wherever."""
    channel_length: int = 64


@dataclass(frozen=True, slots=True)
class Account:
    """Never changed, only replaced: so other threads may read one without a lock."""

    id: int
    """Never used again for another account."""
    name: str
    role: Role
    enabled: bool
    created: int
    """The stamp of its making."""
    credential: str = field(repr=False)
    """The password's hash in PHC form."""
    credential_set: int = 0
    """The stamp of the last change of the password: who logged in with an older one did not log in."""


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


class User:
    """Somebody who is on the chat."""

    __slots__ = (
        "_audience",
        "account",
        "account_id",
        "channels",
        "host",
        "key",
        "last_spoke",
        "nick",
        "realname",
        "sessions",
        "since",
        "source",
        "username",
    )

    def __init__(
        self, *, nick: str, key: str, username: str, host: str, realname: str, account: Account | None, since: int
    ) -> None:
        self.nick = nick
        self.key = key  # the nick, casefolded
        self.username = username
        self.host = host
        self.realname = realname
        self.account = account.name if account else None
        self.account_id = account.id if account else None
        self.since = since
        self.last_spoke = since
        self.source = f"{nick}!{username}@{host}"
        self.sessions: dict[int, None] = {}  # in the order in which they came
        self.channels: dict[str, Channel] = {}
        self._audience: tuple[int, ...] | None = None

    @property
    def audience(self) -> tuple[int, ...]:
        """The user's sessions."""
        if self._audience is None:
            self._audience = tuple(self.sessions)
        return self._audience

    def attach(self, session: int) -> None:
        self.sessions[session] = None
        self.forget_audiences()

    def detach(self, session: int) -> None:
        """Without the session already: nothing changes."""
        self.sessions.pop(session, None)
        self.forget_audiences()

    def forget_audiences(self) -> None:
        self._audience = None
        for channel in self.channels.values():
            channel.forget_audience()

    def rename(self, nick: str, key: str) -> None:
        self.nick = nick
        self.key = key
        self.source = f"{nick}!{self.username}@{self.host}"
        for channel in self.channels.values():
            channel.forget_roll()


@dataclass(frozen=True, slots=True)
class Membership:
    """One user in one channel."""

    operator: bool = False

    @property
    def prefix(self) -> str:
        """The prefixes of the member's modes, the highest first (ISUPPORT ``PREFIX``)."""
        return "@" if self.operator else ""


class Channel:
    """A channel. One that an account made stays, with its topic, when the last member has gone."""

    __slots__ = ("_audience", "_roll", "created", "founder", "id", "key", "members", "name", "topic")

    def __init__(self, *, id: int, name: str, key: str, created: int, founder: int | None) -> None:
        self.id = id
        self.name = name
        self.key = key  # the name, casefolded
        self.created = created
        self.founder = founder
        """The id of the account to which it belongs; 0 for the server's own; ``None`` where a guest made it."""
        self.topic: Topic | None = None
        self.members: dict[User, Membership] = {}
        self._audience: tuple[int, ...] | None = None
        self._roll: tuple[MemberView, ...] | None = None

    @property
    def lasting(self) -> bool:
        """Whether it is kept when nobody is in it."""
        return self.founder is not None

    @property
    def audience(self) -> tuple[int, ...]:
        """The sessions of all members.

        The same tuple object until somebody comes or goes: delivery tells by identity that two messages go to the
        same sessions, and a message costs no copy.
        """
        if self._audience is None:
            self._audience = tuple(session for member in self.members for session in member.sessions)
        return self._audience

    @property
    def roll(self) -> tuple[MemberView, ...]:
        """The members as NAMES shows them. The same tuple object until one comes, goes or is renamed: an answer that
        waits for a client which does not read holds no copy of its own."""
        if self._roll is None:
            self._roll = tuple(MemberView(m.prefix, user.nick, user.source) for user, m in self.members.items())
        return self._roll

    def forget_audience(self) -> None:
        self._audience = None

    def forget_roll(self) -> None:
        self._roll = None

    def admit(self, user: User, membership: Membership) -> None:
        self.members[user] = membership
        user.channels[self.key] = self
        self._audience = self._roll = None

    def dismiss(self, user: User) -> None:
        """Of somebody who is not a member: nothing changes."""
        self.members.pop(user, None)
        user.channels.pop(self.key, None)
        self._audience = self._roll = None
