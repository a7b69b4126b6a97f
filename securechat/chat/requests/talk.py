"""What people say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["Collect", "Say", "Speech"]

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


@dataclass(slots=True)
class Collect:
    """This connection has received the messages that were kept for its account, up to and with this stamp."""

    session: int
    up_to: int
