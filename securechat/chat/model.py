"""What the chat consists of, channels apart: accounts, users, and the operator's choices.

A :class:`User` is somebody who is on the chat, whatever the number of their connections; a session is one connection,
known here by its number alone. An :class:`Account` is who somebody is, whether they are on the chat or not.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

from securechat.irc.extban import BanMask

if TYPE_CHECKING:
    from securechat.chat.channel import Channel

__all__ = [
    "NOBODY_THERE",
    "Account",
    "BanKind",
    "Certificate",
    "InviteCode",
    "Role",
    "Rules",
    "ServerBan",
    "Settings",
    "User",
    "away_of",
]

NOBODY_THERE = "No device is connected"
"""Why somebody is away who stays on the chat without a connection."""


class Role(Enum):
    MEMBER = "member"
    ADMIN = "admin"


class BanKind(Enum):
    """What a ban of the server goes by."""

    ACCOUNT = "account"
    NETWORK = "network"


@dataclass(frozen=True, slots=True)
class Rules:
    """The operator's choices that the chat's decisions depend on; they come with the :class:`Start` request."""

    guests: bool = False
    lobby: str = "#lobby"
    channels_per_user: int = 100
    channels_founded: int = 1000
    """Which one account can own: they last."""
    sessions_per_user: int = 32
    held_per_account: int = 1000
    """Private messages that may wait for an account; of these guests may leave a tenth."""
    topic_length: int = 307
    """Bytes; so much fits into any line that says a topic, whoever set it wherever."""
    channel_length: int = 64
    away_length: int = 200
    kick_length: int = 200
    realname_length: int = 150
    key_length: int = 32
    list_entries: int = 100
    """Bans, exceptions and invitations of one channel together."""
    silenced: int = 64
    """Masks from which one user takes no private messages."""
    metadata_keys: int = 30
    metadata_value_length: int = 300
    """Bytes."""
    redact_seconds: int = 86_400
    """For so long the author of a message can take it back."""
    read_markers: int = 1000
    """Conversations of which one user can say up to where they have read."""
    devices: int = 32
    """Devices with a name that one account can have; one more takes the place of the one that was not there longest."""
    replay: int = 100
    """Messages of a channel that somebody is shown who missed more, unless they want another number."""
    replay_most: int = 1000
    """Which they can want."""
    certificates: int = 16
    """That one account can have registered."""
    invite_codes: int = 1000
    """That are remembered at a time, of which some may be used up or expired."""


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
    scram: str = field(default="", repr=False)
    """What SCRAM-SHA-256 needs beside the hash (RFC 5803's form); empty where there is none."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """A client certificate that is registered as an account's own."""

    fingerprint: str
    """SHA-256 of the certificate: 64 lower-case hexadecimal digits."""
    account_id: int
    der: bytes = field(repr=False)
    name: str
    """Its common name, fit for a screen."""
    added: int
    """The stamp of its registration."""
    expires: int
    """Seconds since 1970."""


@dataclass(frozen=True, slots=True)
class InviteCode:
    """A code with which somebody makes an account, or sets the password of one anew. The code itself nobody keeps."""

    digest: str
    """SHA-256 of the code: 64 lower-case hexadecimal digits."""
    name: str
    """Of the account that it is for; empty: whichever the guest chooses."""
    admin: bool
    """Whether who uses it becomes an administrator."""
    uses: int
    left: int
    """Of the uses."""
    made: int
    """The stamp of its making."""
    until: int
    """The stamp of its end."""
    by: str
    """Who made it."""
    account_id: int = 0
    """Of the account whose password it resets; 0: it makes a new one."""

    @property
    def id(self) -> str:
        """By what people name it: it tells nothing about the code."""
        return self.digest[:12]


@dataclass(frozen=True, slots=True)
class Settings:
    """What the owner of an account has chosen. The last three are of the connection that chose to be always on."""

    replay: int | None = None
    """Messages of a channel that they are shown of what they missed; ``None``: as many as everybody."""
    always_on: bool = False
    """Whether they stay in their channels while no device is connected."""
    username: str = ""
    host: str = ""
    realname: str = ""


@dataclass(frozen=True, slots=True)
class ServerBan:
    """Somebody who is kept off the server."""

    kind: BanKind
    mask: str
    reason: str
    by: str
    """The account or the name of the operator who set it."""
    at: int
    """The stamp of its making."""
    until: int | None = None
    """The stamp of its end."""


class User:
    """Somebody who is on the chat."""

    __slots__ = (
        "_audience",
        "account",
        "account_id",
        "away",
        "catching_up",
        "channels",
        "devices",
        "host",
        "id",
        "invitations",
        "key",
        "last_spoke",
        "markers",
        "metadata",
        "modes",
        "nick",
        "realname",
        "sessions",
        "silenced",
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
        self.id = account.id if account else since
        """Whose messages these are: the account's id, or of a guest the stamp of the arrival. It is never somebody
        else's later."""
        self.since = since
        self.last_spoke = since
        self.source = f"{nick}!{username}@{host}"
        self.sessions: dict[int, str | None] = {}
        """In the order in which they came, each with why nobody is at it, or ``None``."""
        self.away: str | None = None
        """Why nobody is at any of the sessions; see :func:`away_of`."""
        self.devices: dict[int, str] = {}
        """By session: the name of its device, where it has given one."""
        self.catching_up: set[int] = set()
        """The sessions that are being shown what they have missed, and have not said yet that they have it."""
        self.modes = ""
        """The letters of the user's modes, sorted."""
        self.channels: dict[str, Channel] = {}
        self.invitations: dict[str, Channel] = {}
        """Channels to which the user was invited since they are on the chat, and into which they have not come yet."""
        self.silenced: dict[str, BanMask] = {}
        """By mask: whose private messages they don't take. An account's own dictionary, where there is one."""
        self.metadata: dict[str, str] = {}
        """By key. An account's own dictionary, where there is one."""
        self.markers: dict[str, int] = {}
        """By conversation (`securechat.chat.redaction.marker`): up to when it has been read, in milliseconds since
        1970. An account's own dictionary, where there is one."""
        self._audience: tuple[int, ...] | None = None

    @property
    def audience(self) -> tuple[int, ...]:
        """The user's sessions."""
        if self._audience is None:
            self._audience = tuple(self.sessions)
        return self._audience

    @property
    def bot(self) -> bool:
        """Whether they say that they are a program (IRCv3 bot-mode)."""
        return "B" in self.modes

    @property
    def operator(self) -> bool:
        """Whether they are an operator of the server."""
        return "o" in self.modes

    def attach(self, session: int, away: str | None = None, device: str = "", *, catching_up: bool = False) -> None:
        self.sessions[session] = away
        if catching_up:
            self.catching_up.add(session)
        if device:
            self.devices[session] = device
        self.forget_audiences()

    def detach(self, session: int) -> None:
        """Without the session already: nothing changes."""
        self.sessions.pop(session, None)
        self.devices.pop(session, None)
        self.catching_up.discard(session)
        self.forget_audiences()

    def forget_audiences(self) -> None:
        self._audience = None
        for channel in self.channels.values():
            channel.forget_audience()

    def become(self, *, nick: str, key: str, host: str, account: Account | None) -> None:
        """Be called otherwise."""
        self.nick, self.key, self.host = nick, key, host
        self.account = account.name if account else None
        self.account_id = account.id if account else None
        self.id = account.id if account else self.since
        self.source = f"{nick}!{self.username}@{host}"
        for channel in self.channels.values():
            channel.forget_view(self)
            channel.forget_verdicts()

    def silences(self, source: str, account: str | None) -> bool:
        """Whether private messages from there are not taken."""
        return any(mask.matches(source, account) for mask in self.silenced.values())


def away_of(sessions: dict[int, str | None]) -> str | None:
    """The away message of a user with these sessions: ``None`` while somebody is at one of them. Without any it is
    :data:`NOBODY_THERE`.

    A connection that says ``*`` stands for nobody (IRCv3 pre-away), so another one's words are preferred.
    """
    away: str | None = None if sessions else NOBODY_THERE
    for text in sessions.values():
        if text is None:
            return None
        if away is None or text != "*":
            away = text
    return away
