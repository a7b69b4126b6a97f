"""What people say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["Collect", "ForgetIds", "MarkRead", "Original", "Redact", "Say", "Speech"]

Speech = Literal["PRIVMSG", "NOTICE", "TAGMSG"]


@dataclass(slots=True)
class Say:
    """A message to a channel, to those in it from a prefix upwards (``@#channel``), or to a nick."""

    session: int
    kind: Speech
    target: str
    text: str
    tags: str = ""
    """The client-only tags (IRCv3 message-tags), escaped as they came: ``+a=b;+c``."""
    multiline: bool = False
    """The text has several pieces (:mod:`securechat.irc.multiline`)."""
    client_id: str = ""
    """What the client calls the message: said again, it is known by this, and not said twice."""


@dataclass(slots=True)
class Collect:
    """This connection has received all that it was shown of what it had missed, up to and with this stamp: the messages
    that were kept for its account, too."""

    session: int
    up_to: int


@dataclass(frozen=True, slots=True)
class Original:
    """What the log says of a message. It never changes, so whoever asks may have read it before."""

    stamp: int
    author: int | None
    """`User.id` of who said it; ``None``: a guest, before these had ids."""
    channel_id: int | None
    target: str
    """As it was written, with the prefix of those in a channel for whom it was."""
    target_id: int | None
    """`User.id` of whom a private message is for."""


@dataclass(slots=True)
class Redact:
    """Take back a message (IRCv3 message-redaction). ``target``: the channel or nick, as the client wrote it."""

    session: int
    target: str
    original: Original
    reason: str = ""


@dataclass(slots=True)
class MarkRead:
    """The conversation has been read up to this time (IRCv3 read-marker): milliseconds since 1970."""

    session: int
    target: str
    ms: int


@dataclass(slots=True)
class ForgetIds:
    """From the server's housekeeping: ids that clients gave to messages before this stamp are needed no more."""

    before: int
