"""What a session is to know of metadata that others have set before, copied inside the journal's turn.

Whether it asks for that ("METADATA SYNC"), or comes to see somebody ("Automatic synchronization"): it gets the values
of the keys that it has subscribed to.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from securechat.chat.machine import Chat
from securechat.chat.views import seen_channel
from securechat.chat.views_metadata import Described, all_described, described, members_described
from securechat.server.lines import METADATA

if TYPE_CHECKING:
    from securechat.server.session import Session

__all__ = [
    "ALL",
    "MAX_AT_ONCE",
    "AtArrival",
    "Sync",
    "at_arrival",
    "aware",
    "of_all",
    "of_channel",
    "of_monitored",
    "of_user",
]

ALL: Final = "*ALL"
"""The target that stands for everybody of whom a session is told changes."""

MAX_AT_ONCE: Final = 100
"""Users and channels of which a session is told without having asked; where there are more it is told to ask."""


MAX_WAITING: Final = 16
"""Answers that a session has not taken yet, with which it is told no more of these unasked: they hold copies."""


@dataclass(frozen=True, slots=True)
class Sync:
    """``keys``: the only ones that are to be shown. ``later``: it is too much to be shown unasked."""

    target: str
    keys: tuple[str, ...]
    owners: Sequence[Described] = ()
    later: bool = False


@dataclass(frozen=True, slots=True)
class AtArrival:
    """What one is told who comes onto the chat: all of one's own, and the channels in which one is already."""

    own: Described
    channels: dict[str, Sync]


def aware(session: Session) -> bool:
    """Whether it is to be told of metadata: it has the capability, and ``batch``, on which that depends."""
    return bool(session.flavour & METADATA)


def of_user(session: Session, chat: Chat, nick: str, *, asked: bool = False) -> Sync | None:
    """``None``: there is nobody of that name."""
    found = described(chat, session.number, nick)
    return _sync(session, found.name, [found], asked=asked) if found else None


def of_monitored(session: Session, chat: Chat, nicks: Iterable[str]) -> list[Sync]:
    """What follows RPL_MONONLINE, for those of these nicks who are there; nothing for who does not know of metadata."""
    if not aware(session):
        return []
    return [found for nick in nicks if (found := of_user(session, chat, nick)) is not None]


def of_channel(session: Session, chat: Chat, name: str, *, asked: bool = False) -> Sync | None:
    """A channel and its members; ``None``: there is none that the session may see."""
    channel = seen_channel(chat, session.number, name)
    if channel is None:
        return None
    if not session.subscriptions.keys:  # most have none, and nothing is to be copied for them
        return Sync(channel.name, ())
    if not asked and len(channel.members) >= MAX_AT_ONCE:
        return Sync(channel.name, session.subscriptions.now(), later=True)
    return _sync(session, channel.name, members_described(chat, session.number, name) or (), asked=asked)


def of_all(session: Session, chat: Chat, keys: tuple[str, ...] | None = None, *, asked: bool = False) -> Sync:
    """Everybody, and all channels, that the session is told of; ``keys``: only these."""
    found = all_described(chat, session.number, session.hub.monitors.watched(session.number))
    return _sync(session, ALL, found, keys, asked=asked)


def at_arrival(session: Session, chat: Chat) -> AtArrival | None:
    """``None``: the session has not come in, or does not know of metadata."""
    user = chat.sessions.get(session.number)
    own = described(chat, session.number, "*")
    if user is None or own is None or not aware(session):
        return None
    found = {channel.name: of_channel(session, chat, channel.name) for channel in user.channels.values()}
    return AtArrival(own, {name: sync for name, sync in found.items() if sync})


def _sync(
    session: Session,
    target: str,
    owners: Sequence[Described],
    keys: tuple[str, ...] | None = None,
    *,
    asked: bool,
) -> Sync:
    keys = session.subscriptions.now() if keys is None else keys
    if not keys:
        return Sync(target, ())
    if not asked and (len(owners) > MAX_AT_ONCE or session.link.answers >= MAX_WAITING):
        return Sync(target, keys, later=True)
    return Sync(target, keys, [owner for owner in owners if owner.values])
