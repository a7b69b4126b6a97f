"""Rows of an export as lines of a log that people read. Times are in UTC.

::

    2026-11-22 14:03:23 <alice> hello                      alice said it
    2026-11-22 14:03:24 <alice> one                        a message of two lines
                                two
    2026-11-22 14:03:25 * <alice> waves                    she said it of herself, with /me
    2026-11-22 14:03:26 -alice- text                       a notice
    2026-11-22 14:03:27 (to @#tea) <alice> text            to the operators of a channel; and so private messages
    2026-11-22 14:03:28 * bob joined                       and so on, for all that is not said

With more than one channel its name stands behind the time. Nothing that people write begins a line, moves a cursor or
looks like a line of another kind: what they said has their name in brackets or dashes in front of it, and what follows
in further lines does not begin at the left edge.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from securechat.chat.stamps import iso_time
from securechat.client.safe import safe_name, safe_text
from securechat.irc.names import split_source
from securechat.irc.tags import parse_tags
from securechat.store.export import Row
from securechat.store.rows import Kind

__all__ = ["lines"]

_ACTION: Final = "\x01ACTION "
_CTCP: Final = "\x01"


def lines(row: Row, *, several: bool) -> list[str]:
    """The lines of a row, safe to be printed. ``several``: there is more than one channel."""
    time = iso_time(row.stamp)
    first, *others = _body(row)
    place = f"{safe_name(row.channel or row.target)} " if several and _in_channel(row) else ""
    return [f"{time[:10]} {time[11:19]} {place}{first}", *(" " * 20 + line for line in others)]


def _in_channel(row: Row) -> bool:
    """Whether it is known in which one it was."""
    return not row.private and row.kind is not Kind.NICK


def _body(row: Row) -> list[str]:
    nick = safe_name(split_source(row.source)[0])
    if row.kind in (Kind.PRIVMSG, Kind.NOTICE):
        return _said(row, nick)
    return [f"* {nick} {_DEEDS[row.kind](row)}{_where(row)}"]


def _said(row: Row, nick: str) -> list[str]:
    to = f"(to {safe_name(row.target)}) " if row.private or not row.target.startswith("#") else ""
    if row.redacted is not None:
        return [f"{to}* what {nick} said was taken back"]
    text = row.text
    if text.startswith(_ACTION):
        name, text = f"* <{nick}>", text.removeprefix(_ACTION).removesuffix(_CTCP)
    elif text.startswith(_CTCP):
        name, text = f"-{nick}- CTCP", text.strip(_CTCP)
    else:
        name = f"-{nick}-" if row.kind is Kind.NOTICE else f"<{nick}>"
    first, *others = map(safe_text, text.split("\n"))
    margin = " " * (len(name) + 1)
    return [f"{to}{name} {first}", *(margin + line for line in others)]


def _reason(row: Row) -> str:
    return f" ({safe_text(row.text)})" if row.text else ""


def _where(row: Row) -> str:
    return f", to {safe_name(row.target)}" if row.private else ""


def _topic(row: Row) -> str:
    return f"set the topic: {safe_text(row.text)}" if row.text else "took away the topic"


def _redacted(row: Row) -> str:
    return f"took back the message {safe_name(row.about or '')}{_reason(row)}"


def _quit(row: Row) -> str:
    # What people say has this in front of it; it stays, for it tells their words from the server's.
    return "quit" if row.text.strip() == "Quit:" else f"quit{_reason(row)}"


def _tagged(row: Row) -> str:
    if row.redacted is not None:
        return "sent tags that were taken back"
    tags = (f"{key}={value}" if value else key for key, value in parse_tags(row.tags).items())
    return f"sent {safe_text(' '.join(tags))}"


_DEEDS: Final[dict[Kind, Callable[[Row], str]]] = {
    Kind.TAGMSG: _tagged,
    Kind.JOIN: lambda _: "joined",
    Kind.PART: lambda row: f"left{_reason(row)}",
    Kind.QUIT: _quit,
    Kind.NICK: lambda row: f"is now {safe_name(row.target)}",
    Kind.TOPIC: _topic,
    Kind.KICK: lambda row: f"put out {safe_name(row.about or '')}{_reason(row)}",
    Kind.MODE: lambda row: f"set modes: {safe_text(row.text)}",
    Kind.RENAME: lambda row: f"renamed the channel to {safe_name(row.about or '')}{_reason(row)}",
    Kind.REDACT: _redacted,
}
