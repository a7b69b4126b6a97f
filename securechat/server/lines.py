"""Events as lines of IRC, rendered once for each *flavour* and shared by all sessions that have it.

A flavour is the set of capabilities of a session that change how an event looks, as bits in a number.
"""

from __future__ import annotations

from collections.abc import Collection

from securechat.chat.events import Joined, Left, NickChanged, Parted, Said, TopicChanged
from securechat.chat.stamps import iso_time, msgid
from securechat.irc.lines import MAX_BODY
from securechat.irc.split import fit
from securechat.irc.tags import escape

__all__ = ["ACCOUNT", "EXTENDED_JOIN", "TAGS", "TIME", "Visible", "fitted", "flavour_of", "render", "said", "with_tag"]

TAGS = 1
TIME = 2
ACCOUNT = 4
EXTENDED_JOIN = 8

_CAPABILITIES = {
    "message-tags": TAGS,
    "server-time": TIME,
    "account-tag": ACCOUNT,
    "extended-join": EXTENDED_JOIN,
}

Visible = Joined | Parted | Left | NickChanged | TopicChanged


def flavour_of(enabled: Collection[str]) -> int:
    """The flavour of a session that has these capabilities."""
    return sum(bit for name, bit in _CAPABILITIES.items() if name in enabled)


def _tags(flavour: int, stamp: int, account: str | None, client_tags: str = "") -> str:
    """The tags' section with the space behind it, or nothing. The server's come before the client's (Message Tags)."""
    tags = []
    if flavour & TIME:
        tags.append("time=" + iso_time(stamp))
    if flavour & ACCOUNT and account is not None:
        tags.append("account=" + escape(account))
    if flavour & TAGS:
        tags.append("msgid=" + msgid(stamp))
        if client_tags:
            tags.append(client_tags)
    return f"@{';'.join(tags)} " if tags else ""


def said(event: Said, flavour: int) -> bytes:
    """A message; nothing where the session can't understand it (TAGMSG without message-tags)."""
    tags = _tags(flavour, event.stamp, event.account, event.tags) if flavour & 7 else ""
    if event.kind == "TAGMSG":
        return f"{tags}:{event.source} TAGMSG {event.target}\r\n".encode() if flavour & TAGS else b""
    return f"{tags}:{event.source} {event.kind} {event.target} :{event.text}\r\n".encode()


def render(event: Visible, flavour: int) -> bytes:
    """Anything else that a session sees. The reason of a leave is cut where it does not fit behind its source."""
    tags = _tags(flavour, event.stamp, event.account)
    return tags.encode() + fitted(f":{event.source} {_body(event, flavour)}")


def fitted(line: str) -> bytes:
    """A line without tags, cut where it is too long for one, with its CR LF."""
    if len(line) > 120 and len(line.encode()) > MAX_BODY:
        line = fit(line, MAX_BODY)
    return f"{line}\r\n".encode()


def _body(event: Visible, flavour: int) -> str:
    match event:
        case Joined():
            if flavour & EXTENDED_JOIN:
                return f"JOIN {event.channel} {event.account or '*'} :{event.realname}"
            return f"JOIN {event.channel}"
        case Parted():
            return f"PART {event.channel} :{event.reason}" if event.reason else f"PART {event.channel}"
        case Left():
            return f"QUIT :{event.reason}"
        case NickChanged():
            return f"NICK {event.nick}"
        case TopicChanged():
            return f"TOPIC {event.channel} :{event.text}"


def with_tag(line: bytes, tag: bytes) -> bytes:
    """The same line with one more tag in front."""
    return b"@" + tag + (b";" + line[1:] if line.startswith(b"@") else b" " + line)
