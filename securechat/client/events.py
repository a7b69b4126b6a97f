"""What happens on a connection, one type for each thing: what the client tells whoever uses it.

Text and names in here are as the network sent them. Before they are printed they have to go through `safe`.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from securechat.client.requests import Request
from securechat.irc.modes import ModeChange


class Kind(Enum):
    """What somebody said, and how."""

    MESSAGE = "message"
    NOTICE = "notice"
    """Not to be answered by programs (Modern IRC, "NOTICE message")."""
    ACTION = "action"
    """`/me`: CTCP ACTION."""
    CTCP = "ctcp"
    """Any other request of a client to a client, which this one does not answer: it would tell about its user."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """The base of all."""

    time: datetime | None = None
    """When it happened by the server's clock, aware, if the server says so (IRCv3 server-time)."""
    batch: str | None = None
    """The type of the batch that it came in, the inner one of several (IRCv3 Batch)."""


@dataclass(frozen=True, slots=True)
class MessageReceived(Event):
    """Somebody said something. Oneself too: once the server has acknowledged it.

    What was said in several lines (IRCv3 Multiline) is one message; in `text`, LF stands between its lines.
    """

    source: str
    target: str
    text: str
    kind: Kind
    own: bool
    """Whether oneself has said it: here, or on another device of the same account."""
    private: bool
    """Whether it is for one person, and not for a channel."""
    request: Request | None = None
    """What was asked for here that this is the echo of."""
    msgid: str | None = None
    account: str | None = None
    """Whom the server knows the sender as (IRCv3 account-tag)."""
    ignored: bool = False
    """Whether it is from somebody whom one ignores."""
    taken_back: "Redacted | None" = None
    """In history: by whom it was taken back; then `text` says nothing any more."""


@dataclass(frozen=True, slots=True)
class Redacted(Event):
    """Somebody has taken back a message, theirs or another's (IRCv3 message-redaction).

    `author` and `said`: whose it was and from when, if this client has seen it. `private`: whether it was for one
    person. `own`: whether oneself has taken it back.
    """

    by: str
    target: str
    msgid: str
    reason: str
    own: bool
    private: bool
    author: str = ""
    said: datetime | None = None


@dataclass(frozen=True, slots=True)
class Joined(Event):
    """Somebody has come into a channel."""

    nick: str
    channel: str
    own: bool
    account: str | None = None


@dataclass(frozen=True, slots=True)
class Parted(Event):
    """Somebody has left a channel."""

    nick: str
    channel: str
    reason: str
    own: bool


@dataclass(frozen=True, slots=True)
class Kicked(Event):
    """Somebody was put out of a channel."""

    nick: str
    channel: str
    by: str
    reason: str
    own: bool


@dataclass(frozen=True, slots=True)
class Quit(Event):
    """Somebody has left the chat. `channels`: those shared with them."""

    nick: str
    reason: str
    channels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NickChanged(Event):
    """Somebody has another name."""

    old: str
    new: str
    own: bool


@dataclass(frozen=True, slots=True)
class TopicChanged(Event):
    """A channel's topic was set (`by` whom), or told to one who asked or came (`by` None). Empty: there is none."""

    channel: str
    topic: str
    by: str | None


@dataclass(frozen=True, slots=True)
class ModesChanged(Event):
    """The modes of a channel or of oneself were changed.

    `modes`: as the server says it. `changes`: the same, one by one; empty if there are modes in it that the server has
    not announced.
    """

    target: str
    modes: str
    by: str
    changes: tuple[ModeChange, ...] = ()
    personal: bool = False
    """Whether the target is a person."""


@dataclass(frozen=True, slots=True)
class Invited(Event):
    """Somebody was invited into a channel, usually oneself."""

    nick: str
    channel: str
    by: str
    ignored: bool = False
    """Whether it is from somebody whom one ignores."""


@dataclass(frozen=True, slots=True)
class ChannelRenamed(Event):
    """A channel in which one is has another name (IRCv3 channel-rename)."""

    old: str
    new: str
    by: str
    reason: str


@dataclass(frozen=True, slots=True)
class Names(Event):
    """Who is in a channel: the whole answer to NAMES. Names have their prefixes, like `@alice`."""

    channel: str
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Away(Event):
    """Somebody to whom one wrote is not there; our server keeps the message for them, and says so in `text`."""

    nick: str
    text: str


@dataclass(frozen=True, slots=True)
class AwayChanged(Event):
    """Somebody with whom one shares a channel is away now, and says why, or is back (`text` None)."""

    nick: str
    text: str | None


@dataclass(frozen=True, slots=True)
class RealnameChanged(Event):
    """Somebody with whom one shares a channel, or oneself, has another real name (IRCv3 setname)."""

    nick: str
    realname: str


@dataclass(frozen=True, slots=True)
class AccountChanged(Event):
    """Somebody with whom one shares a channel has logged in to an account, or out of it (`account` None)."""

    nick: str
    account: str | None


@dataclass(frozen=True, slots=True)
class Wallops(Event):
    """An operator of the server says something to all who want to hear such."""

    source: str
    text: str


@dataclass(frozen=True, slots=True)
class IgnoredChanged(Event):
    """From now on one does not hear those whom `mask` matches, or hears them again."""

    mask: str
    adding: bool


@dataclass(frozen=True, slots=True)
class MarkerMoved(Event):
    """Up to when one has read what is said in `target` (IRCv3 read-marker); None: nobody knows."""

    target: str
    at: datetime | None


@dataclass(frozen=True, slots=True)
class Conversed(Event):
    """One of those with whom one has spoken, or a channel, and when that was last (CHATHISTORY TARGETS)."""

    name: str
    last: datetime | None


@dataclass(frozen=True, slots=True)
class Page(Event):
    """The answer to a question for history, `request`: all of it, in order.

    `entries`: `MessageReceived` and `Redacted`, or `Conversed`. What was taken back has that in `taken_back`.
    """

    request: Request
    entries: tuple[Event, ...] = ()


@dataclass(frozen=True, slots=True)
class Acknowledged(Event):
    """The server has done what was asked. A message that is acknowledged by our own server is on its disk."""

    request: Request
    empty: bool = False
    """Whether it has said so and nothing else."""


@dataclass(frozen=True, slots=True)
class Refused(Event):
    """The server has not done what was asked; `request` is None where it can't be told what that was.

    `code`: the numeric, or the code of a FAIL. `about`: the nick, channel or command that it is about, or empty.
    """

    request: Request | None
    code: str
    about: str
    text: str


@dataclass(frozen=True, slots=True)
class ServerSaid(Event):
    """Anything else: the message of the day, a server's notice, the answer to a question, WARN and NOTE.

    `code`: the numeric or the command. `params`: what follows it, without one's own nick. `answers`: the command to
    which it is an answer, or empty where that is not known. `count`: where it ends a list, the number of its entries.
    """

    source: str
    code: str
    params: tuple[str, ...]
    answers: str = ""
    count: int = 0

    @property
    def text(self) -> str:
        """All of it in one line."""
        return " ".join(self.params)


@dataclass(frozen=True, slots=True)
class LoginWaiting(Event):
    """The server has so many logins to look at before one's own. Told while one connects, whenever it has changed."""

    before: int


@dataclass(frozen=True, slots=True)
class Broken(Event):
    """The connection is not there, and is made again. `delay`: seconds to the next try.

    `again`: whether this was a try that failed, and not the loss itself.
    """

    error: BaseException
    delay: float
    again: bool


@dataclass(frozen=True, slots=True)
class Resumed(Event):
    """The connection is there again, and all that was missed has been told."""


@dataclass(frozen=True, slots=True)
class MissedMore(Event):
    """More was said in `target` than is told: before what follows, at least one message is left out."""

    target: str


@dataclass(frozen=True, slots=True)
class NoHistory(Event):
    """What was said in `target` can't be told, with the server's words."""

    target: str
    text: str


@dataclass(frozen=True, slots=True)
class NewSince(Event):
    """What follows in `target` is new since one has last been here."""

    target: str


@dataclass(frozen=True, slots=True)
class Unsaid(Event):
    """Something that one has typed, and of which nobody knows whether it was said; it is not said again."""

    target: str
    text: str


@dataclass(frozen=True, slots=True)
class Disconnected(Event):
    """The last event: the connection has ended. `error` says why, and is None where one left by oneself."""

    error: BaseException | None
