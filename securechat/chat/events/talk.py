"""What was said."""

from __future__ import annotations

from dataclasses import dataclass

from securechat.chat.requests.talk import Speech

__all__ = ["Collected", "Said"]


@dataclass(slots=True)
class Said:
    """A message. The most frequent event by far."""

    stamp: int
    kind: Speech
    source: str
    account: str | None
    account_id: int | None
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
    """The account of the one it is for."""
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


@dataclass(slots=True)
class Collected:
    stamp: int
    account_id: int
    up_to: int
