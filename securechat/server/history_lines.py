"""Rows of the log as lines, as they were when they were news. For who looks back, whatever has made them do so.

    render_row(session, record, target) -> list[bytes]

``record``: a row out of `securechat.store.history.History`; ``target``: what the channel is called now, or anything
for what was said in private. A row that the session can't understand gives no line.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from securechat.chat.events import (
    ChannelView,
    Joined,
    Kicked,
    Left,
    ModesChanged,
    NickChanged,
    Parted,
    Redacted,
    Said,
    TopicChanged,
)
from securechat.chat.modes import ALL_KINDS, MEMBER_MODES
from securechat.chat.requests import Speech
from securechat.irc.modes import ModeChange, ModeKind, parse_modes
from securechat.irc.multiline import has_pieces, joined, pieces
from securechat.irc.split import split_text
from securechat.server.lines import REDACTION, RENAME, Visible, fitted, render, said, said_in_lines, tags_of, with_tag
from securechat.store.history import Record, taken_back
from securechat.store.rows import Kind

if TYPE_CHECKING:
    from securechat.server.session import Session

__all__ = ["CONTEXT_TAG", "TAKEN_BACK", "echo_lines", "render_row"]

TAKEN_BACK = "[taken back]"
"""What stands in the place of a text that was taken back."""

CONTEXT_TAG = b"draft/chathistory-context"

_ROOM = 512 - len(":   :\r\n")
"""Bytes of a line that source, command, target and text share (Modern IRC, "Message Format")."""

_PREFIXES = "".join(mode.prefix for mode in MEMBER_MODES.values())


def render_row(session: Session, record: Record, target: str) -> list[bytes]:
    """The lines of a row, each with its CR LF. A message that was taken back has a text that says so, and who took it
    back behind it (IRCv3 message-redaction, "Chat history"); for who does not know of such it has no line."""
    flavour = session.flavour
    if record.kind in _SPEECH:
        return _message(record, target, flavour)
    if record.kind == Kind.RENAME:
        return _renamed(record, flavour)
    make = _EVENTS.get(record.kind)
    if make is None:
        return []
    return render(make(record, _called(record, target)), flavour).splitlines(keepends=True)


def _called(record: Record, target: str) -> str:
    """What the target of a row is called now: a channel may have another name; who has written whom stays."""
    if record.target_id is not None:
        return record.target
    prefix = record.target[:1]
    return prefix + target if prefix and prefix in _PREFIXES else target


_SPEECH: dict[int, Speech] = {Kind.PRIVMSG: "PRIVMSG", Kind.NOTICE: "NOTICE", Kind.TAGMSG: "TAGMSG"}


# -- messages ---------------------------------------------------------------------------------------------------------


def _message(record: Record, target: str, flavour: int) -> list[bytes]:
    if record.redacted is None:
        return _said_lines(record, _called(record, target), flavour)
    if record.redaction is None or not flavour & REDACTION:
        return []
    redaction = _redacted(record.redaction, _called(record.redaction, target))
    lines = _said_lines(record, _called(record, target), flavour)
    return [*lines, with_tag(render(redaction, flavour), CONTEXT_TAG)]


def echo_lines(record: Record, flavour: int) -> list[bytes]:
    """A message as it was echoed to who said it; whoever may have taken it back since."""
    return _said_lines(record, record.target, flavour)


def _said_lines(record: Record, target: str, flavour: int) -> list[bytes]:
    event = _said(record, target)
    return said_in_lines(event, flavour) if event.multiline else [said(event, flavour)]


def _said(record: Record, target: str) -> Said:
    kind = _SPEECH[record.kind]
    text = record.text if record.redacted is None else TAKEN_BACK
    if len(target) > len(record.target):  # what was cut for the old name may be too long for the new one
        text = _fitting(text, _ROOM - len(f"{record.source}{kind}{target}".encode()))
    return Said(
        record.stamp,
        kind,
        record.source,
        record.account,
        record.account_id,
        target,
        text,
        record.tags,
        (),
        0,
        record.channel_id,
        record.target_id,
        bot=bool(record.bot),
        multiline=has_pieces(text),
    )


def _fitting(text: str, room: int) -> str:
    """A text none of whose pieces is too long for a line; nothing of it is lost."""
    return joined(
        (part, concat or bool(at))
        for piece, concat in pieces(text)
        for at, part in enumerate(split_text(piece, room) or ("",))
    )


# -- events -----------------------------------------------------------------------------------------------------------


def _joined(record: Record, channel: str) -> Joined:
    return Joined(
        record.stamp,
        record.channel_id or 0,
        channel,
        record.source,
        record.account,
        record.account_id,
        record.text,
        (),
        (),
        ChannelView(channel, None, ()),
        bool(record.bot),
    )


def _parted(record: Record, channel: str) -> Parted:
    return Parted(*_beginning(record, channel), record.text, (), bool(record.bot))


def _topic(record: Record, channel: str) -> TopicChanged:
    return TopicChanged(*_beginning(record, channel), record.text, (), True, bool(record.bot))


def _kicked(record: Record, channel: str) -> Kicked:
    nick, _, reason = record.text.partition(" ")
    return Kicked(*_beginning(record, channel), nick, reason, (), bool(record.bot))


def _modes(record: Record, channel: str) -> ModesChanged:
    """Without the channel's keys: they are for who is let in, and history is for who comes later."""
    words = record.text.split(" ")
    changes = tuple(map(_masked, parse_modes(ALL_KINDS, words, len(words)).changes))
    return ModesChanged(*_beginning(record, channel), changes, (), (), True, "", None, None, bot=bool(record.bot))


def _masked(change: ModeChange) -> ModeChange:
    return replace(change, parameter="*") if ALL_KINDS[change.letter] is ModeKind.KEYED else change


def _left(record: Record, channel: str) -> Left:
    del channel
    head = record.stamp, record.source, record.account, record.account_id
    return Left(*head, record.text, (), (), bool(record.bot))


def _nick(record: Record, channel: str) -> NickChanged:
    del channel
    head = record.stamp, record.source, record.account, record.account_id
    return NickChanged(*head, record.target, (), (), bool(record.bot))


def _redacted(record: Record, target: str) -> Redacted:
    _, _, reason = record.text.partition(" ")
    return Redacted(
        record.stamp,
        taken_back(record) or 0,
        record.channel_id,
        record.source,
        record.account,
        record.account_id,
        target,
        record.target_id,
        reason,
        (),
        (),
        bool(record.bot),
    )


def _beginning(record: Record, channel: str) -> tuple[int, int, str, str, str | None, int | None]:
    """What most events of a channel begin with."""
    return record.stamp, record.channel_id or 0, channel, record.source, record.account, record.account_id


_EVENTS: dict[int, Callable[[Record, str], Visible]] = {
    Kind.JOIN: _joined,
    Kind.PART: _parted,
    Kind.QUIT: _left,
    Kind.NICK: _nick,
    Kind.TOPIC: _topic,
    Kind.KICK: _kicked,
    Kind.MODE: _modes,
    Kind.REDACT: _redacted,
}


def _renamed(record: Record, flavour: int) -> list[bytes]:
    """The names of then. Others than those who know RENAME would see themselves leave and come in."""
    if not flavour & RENAME:
        return []
    new, _, reason = record.text.partition(" ")
    tags = tags_of(flavour, record.stamp, record.account, bot=bool(record.bot)).encode()
    return [tags + fitted(f":{record.source} RENAME {record.target} {new} :{reason}")]
