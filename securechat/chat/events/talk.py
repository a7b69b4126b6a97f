"""What was said."""

from __future__ import annotations

from dataclasses import dataclass

from securechat.chat.requests.talk import Speech

__all__ = ["Collected", "IdsForgotten", "MarkerMoved", "Redacted", "Said", "SaidBefore"]


@dataclass(slots=True)
class Said:
    """A message. The most frequent event by far."""

    stamp: int
    kind: Speech
    source: str
    account: str | None
    account_id: int | None
    """`User.id` of who said it."""
    target: str
    """The channel's or the nick's name as it is written; to some members of a channel, with their prefix before it."""
    text: str
    tags: str
    audience: tuple[int, ...]
    """To a channel: the sessions of all members, the sender's own among them. Else those of whom it is for."""
    origin: int
    """The session that said it."""
    channel_id: int | None = None
    target_id: int | None = None
    """`User.id` of the one it is for."""
    copies: tuple[int, ...] = ()
    """The sender's sessions, where they are not in the audience."""
    held: bool = False
    """Nobody is there for whom it is; it is kept until they come, or that is what the sender is told: `unheard`."""
    cut: bool = False
    """It was longer, and did not fit into the line that others get."""
    bot: bool = False
    """Its sender is a program (IRCv3 bot-mode)."""
    away: str | None = None
    """Why the one it is for is not at any of their connections."""
    multiline: bool = False
    """The text has several pieces (:mod:`securechat.irc.multiline`)."""
    unheard: bool = False
    """The one it is for has silenced the sender, who does not learn it. Nothing of it is kept."""
    alone: bool = False
    """It is shown by itself: something about it is not as with most messages to a channel."""
    client_id: str = ""
    """What its client calls it."""


@dataclass(slots=True)
class SaidBefore:
    """A message that has been said before, by its id. Nothing is said again; the client is shown the first one."""

    stamp: int
    session: int
    original: int
    """The stamp of the message as it was said."""


@dataclass(slots=True)
class Redacted:
    """A message was taken back (IRCv3 message-redaction)."""

    stamp: int
    original: int
    """The stamp of the message."""
    channel_id: int | None
    source: str
    account: str | None
    account_id: int | None
    """`User.id` of who takes it back."""
    target: str
    target_id: int | None
    """`User.id` of whom the message is for."""
    reason: str
    audience: tuple[int, ...]
    """As of a message."""
    copies: tuple[int, ...] = ()
    """The sessions of who takes it back, where they are not in the audience."""
    bot: bool = False


@dataclass(slots=True)
class MarkerMoved:
    """Somebody has read a conversation up to a time (IRCv3 read-marker), or had read more already: not ``changed``."""

    stamp: int
    session: int
    account_id: int | None
    """``None``: of a guest nothing is kept."""
    target: str
    key: str
    """By which the conversation is known."""
    ms: int
    changed: bool
    audience: tuple[int, ...]
    """The user's own sessions."""
    dropped: tuple[str, ...] = ()
    """The keys of the oldest ones, for which there is no more room."""


@dataclass(slots=True)
class IdsForgotten:
    """The ids that clients gave to messages before this stamp are kept no more."""

    stamp: int
    before: int


@dataclass(slots=True)
class Collected:
    stamp: int
    account_id: int
    up_to: int
