"""Answers about what was said before, and about what people have chosen to see of it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import TYPE_CHECKING

from securechat.chat.model import Settings
from securechat.chat.stamps import EPOCH_MS, STEP_BITS, iso_time
from securechat.irc.standard_replies import Code, StandardReply, note
from securechat.server.config import Config
from securechat.server.history_lines import echo_lines
from securechat.server.lines import MULTILINE, with_tag
from securechat.server.replies import Batch, with_label

if TYPE_CHECKING:
    from securechat.server.session import Session

__all__ = ["SaidBefore", "marker", "setting"]


class SaidBefore(Batch):
    """The echo of a message that the client has sent again: as it was said the first time.

    It is read when it is sent, and only then it is known of how many lines it is. One message has the label itself;
    so has the batch of one with several lines (IRCv3 Multiline, "Labeled response with echo-message").
    """

    __slots__ = ()

    def __init__(self, session: Session, original: int) -> None:
        self.tag = b""
        self._lines = self._read(session, original)

    def _read(self, session: Session, original: int) -> Iterator[bytes]:
        lines = _echo(session, original)
        if not self.tag:
            yield from lines
        elif len(lines) > 1 and session.flavour & MULTILINE:
            yield with_tag(lines[0], self.tag)
            yield from lines[1:]
        else:
            yield from with_label(session, iter(lines), self.tag)


def _echo(session: Session, original: int) -> list[bytes]:
    if not session.echo:
        return []
    try:
        record = session.hub.history.record(original)
    except sqlite3.Error as error:
        session.hub.on_error("a message could not be read", error)
        return []
    if record is None:  # it was kept for less than a day
        return []
    return echo_lines(record, session.flavour)


def marker(session: Session, target: str, ms: int | None) -> bytes:
    """Up to when a conversation has been read (IRCv3 read-marker); ``None``: nobody knows."""
    when = f"timestamp={iso_time(ms - EPOCH_MS << STEP_BITS)}" if ms is not None else "*"
    return session.line(f"MARKREAD {target} {when}")


def setting(name: str, settings: Settings, config: Config) -> StandardReply:
    """One of somebody's settings, as a value and in words."""
    if name == "always-on":
        value = "on" if settings.always_on else "off"
        words = "You stay in your channels" if settings.always_on else "You leave your channels"
        return note(Code.SETTING, "SETTINGS", name, value, description=f"{words} while no device is connected")
    lines = config.history.replay if settings.replay is None else settings.replay
    value = "default" if settings.replay is None else str(settings.replay)
    text = f"You are shown up to {lines} messages of a channel that you have missed"
    if not lines:
        text = "You are not shown what you have missed"
    return note(Code.SETTING, "SETTINGS", name, value, description=text)
