"""Events as lines of IRC, rendered once for each *flavour* and shared by all sessions that have it.

A flavour is the set of capabilities of a session that change how an event looks, as bits in a number.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from securechat.chat.events import (
    AccountChanged,
    AwayChanged,
    HostChanged,
    Invited,
    Joined,
    Kicked,
    Killed,
    Left,
    ModesChanged,
    NickChanged,
    Parted,
    RealnameChanged,
    Redacted,
    Said,
    Silenced,
    TopicChanged,
    UserModesChanged,
    WallopsSaid,
)
from securechat.chat.stamps import iso_time, msgid
from securechat.irc.lines import MAX_BODY
from securechat.irc.modes import ModeChange, mode_lines
from securechat.irc.multiline import BATCH_TYPE, CONCAT_TAG, pieces
from securechat.irc.split import fit
from securechat.irc.tags import escape

__all__ = [
    "ACCOUNT",
    "ACCOUNT_NOTIFY",
    "AWAY_NOTIFY",
    "CHGHOST",
    "EXTENDED_JOIN",
    "EXTENDED_MONITOR",
    "INVITE_NOTIFY",
    "MARKERS",
    "METADATA",
    "MULTILINE",
    "REDACTION",
    "RENAME",
    "SAID",
    "SETNAME",
    "TAGS",
    "TIME",
    "Visible",
    "answered",
    "fitted",
    "flavour_of",
    "render",
    "said",
    "said_in_lines",
    "tags_of",
    "with_tag",
]

TAGS = 1
TIME = 2
ACCOUNT = 4
EXTENDED_JOIN = 8
AWAY_NOTIFY = 16
ACCOUNT_NOTIFY = 32
CHGHOST = 64
SETNAME = 128
INVITE_NOTIFY = 256
RENAME = 512
MULTILINE = 1024
EXTENDED_MONITOR = 2048
METADATA = 4096
REDACTION = 8192
MARKERS = 16384

SAID = TAGS | TIME | ACCOUNT
"""What changes how a message looks that is in one line; of one with several lines it is `MULTILINE`, too."""

_CAPABILITIES = {
    "message-tags": TAGS,
    "server-time": TIME,
    "account-tag": ACCOUNT,
    "extended-join": EXTENDED_JOIN,
    "away-notify": AWAY_NOTIFY,
    "account-notify": ACCOUNT_NOTIFY,
    "chghost": CHGHOST,
    "setname": SETNAME,
    "invite-notify": INVITE_NOTIFY,
    "draft/channel-rename": RENAME,
    "draft/multiline": MULTILINE,
    "extended-monitor": EXTENDED_MONITOR,
    "draft/metadata-3": METADATA,
    "draft/message-redaction": REDACTION,
    "draft/read-marker": MARKERS,
}

Visible = (
    Joined
    | Parted
    | Kicked
    | Left
    | NickChanged
    | TopicChanged
    | ModesChanged
    | Invited
    | AwayChanged
    | RealnameChanged
    | AccountChanged
    | HostChanged
    | UserModesChanged
    | WallopsSaid
    | Silenced
    | Redacted
    | Killed
)

NEEDED: dict[type, int] = {
    AwayChanged: AWAY_NOTIFY,
    RealnameChanged: SETNAME,
    AccountChanged: ACCOUNT_NOTIFY,
    HostChanged: CHGHOST,
    Redacted: REDACTION,
}
"""Events that only those see who have asked for them."""


def flavour_of(enabled: Collection[str]) -> int:
    """The flavour of a session that has these capabilities."""
    flavour = sum(bit for name, bit in _CAPABILITIES.items() if name in enabled)
    if "batch" not in enabled:  # what needs it is not in force without it
        flavour &= ~(MULTILINE | METADATA)
    if "message-tags" not in enabled:
        flavour &= ~REDACTION
    return flavour


def tags_of(
    flavour: int, stamp: int, account: str | None, client_tags: str = "", *, bot: bool = False, first: bool = True
) -> str:
    """The tags' section with the space behind it, or nothing. The server's come before the client's (Message Tags).

    A client with ``message-tags`` gets all of them, one without those that it has asked for. ``first``: whether this
    is the first line of a message, which has its id; no two lines have the same.
    """
    tags = []
    if flavour & TIME:
        tags.append("time=" + iso_time(stamp))
    if flavour & ACCOUNT and account is not None:
        tags.append("account=" + escape(account))
    if flavour & TAGS:
        if first:
            tags.append("msgid=" + msgid(stamp))
        if bot:
            tags.append("bot")
        if client_tags:
            tags.append(client_tags)
    return f"@{';'.join(tags)} " if tags else ""


def said(event: Said, flavour: int) -> bytes:
    """A message; nothing where the session can't understand it (TAGMSG without message-tags)."""
    if event.multiline:
        return b"".join(said_in_lines(event, flavour))
    tags = tags_of(flavour, event.stamp, event.account, event.tags, bot=event.bot) if flavour & SAID else ""
    if event.kind == "TAGMSG":
        return f"{tags}:{event.source} TAGMSG {event.target}\r\n".encode() if flavour & TAGS else b""
    return f"{tags}:{event.source} {event.kind} {event.target} :{event.text}\r\n".encode()


def said_in_lines(event: Said, flavour: int) -> list[bytes]:
    """A message of several lines, in the pieces in which it was sent (IRCv3 Multiline).

    Who knows of such gets a batch, whose tags stand at its beginning. Others get its lines, without those that are
    blank: the tags of the sender and the id stand on the first ("Fallback"), the rest on all, so that each line has
    its time. The batch's reference is the id: no other of the batches that somebody gets is called that.
    """
    parts = pieces(event.text)
    tags = tags_of(flavour, event.stamp, event.account, event.tags, bot=event.bot)
    head = f":{event.source} {event.kind} {event.target} :"
    if not flavour & MULTILINE:
        others = tags_of(flavour, event.stamp, event.account, bot=event.bot, first=False)
        lines = [head + piece for piece, _ in parts if piece]
        return [f"{others if at else tags}{line}\r\n".encode() for at, line in enumerate(lines)]
    reference = msgid(event.stamp)
    inside = f"@batch={reference} {head}", f"@batch={reference};{CONCAT_TAG} {head}"
    return [
        f"{tags}:{event.source} BATCH +{reference} {BATCH_TYPE} {event.target}\r\n".encode(),
        *(f"{inside[concat]}{piece}\r\n".encode() for piece, concat in parts),
        f":{event.source} BATCH -{reference}\r\n".encode(),
    ]


def render(event: Visible, flavour: int, *, first: bool = True) -> bytes:
    """Anything else that a session sees, in as many lines as it needs; nothing for whom it is not.

    The reason of a leave is cut where it does not fit behind its source. ``first``: see `tags_of`.
    """
    needed = NEEDED.get(type(event), 0)
    if needed & ~flavour:
        return b""
    # Who tells of a new account has the old one still (IRCv3 account-tag, the example).
    account = event.before if isinstance(event, AccountChanged) else getattr(event, "account", None)
    bot = "B" in event.modes if isinstance(event, UserModesChanged) else getattr(event, "bot", False)
    if isinstance(event, ModesChanged | UserModesChanged):
        return _modes(event, flavour, account, bot=bot)
    tags = tags_of(flavour, event.stamp, account, bot=bot, first=first)
    return tags.encode() + fitted(f":{event.source} {_body(event, flavour)}")


def _modes(event: ModesChanged | UserModesChanged, flavour: int, account: str | None, *, bot: bool) -> bytes:
    target = event.channel if isinstance(event, ModesChanged) else event.nick
    head = f":{event.source} MODE {target} "
    lines = []
    tags = tags_of(flavour, event.stamp, account, bot=bot)
    for words in mode_words(head, event.changes):
        lines.append(f"{tags}{head}{' '.join(words)}\r\n".encode())
        tags = tags_of(flavour, event.stamp, account, bot=bot, first=False)  # two lines can't have one msgid
    return b"".join(lines)


def mode_words(head: str, changes: Sequence[ModeChange]) -> list[list[str]]:
    """The words of the lines that say these changes behind ``head``."""
    return mode_lines(changes, MAX_BODY - len(head.encode()))


def fitted(line: str) -> bytes:
    """A line without tags, cut where it is too long for one, with its CR LF."""
    if len(line) > 120 and len(line.encode()) > MAX_BODY:
        line = fit(line, MAX_BODY)
    return f"{line}\r\n".encode()


def answered(line: str) -> bytes:
    """As `fitted`, for a line that answers. Where it is too long for a word of the client's that it repeats, that is
    cut: what stands behind it says what was wrong with it.
    """
    if len(line) > 120 and (excess := len(line.encode()) - MAX_BODY) > 0:
        source, _, rest = line.partition(" ")
        head, colon, sentence = rest.partition(" :")
        words = head.split(" ")
        longest = max(range(len(words)), key=lambda at: len(words[at].encode()))
        size = len(words[longest].encode())
        if size > max(excess, len(sentence.encode())):
            words[longest] = fit(words[longest], size - excess)
            line = f"{source} {' '.join(words)}{colon}{sentence}"
    return fitted(line)


def _body(event: Visible, flavour: int) -> str:
    match event:
        case Joined():
            return join_body(event.channel, event.account, event.realname, flavour)
        case Parted():
            return f"PART {event.channel} :{event.reason}" if event.reason else f"PART {event.channel}"
        case Kicked():
            return f"KICK {event.channel} {event.nick} :{event.reason}"
        case Left():
            return f"QUIT :{event.reason}"
        case NickChanged():
            return f"NICK {event.nick}"
        case TopicChanged():
            return f"TOPIC {event.channel} :{event.text}"
        case Invited():
            return f"INVITE {event.nick} {event.channel}"
        case AwayChanged():
            return f"AWAY :{event.text}" if event.text else "AWAY"
        case RealnameChanged():
            return f"SETNAME :{event.realname}"
        case AccountChanged():
            return f"ACCOUNT {event.account or '*'}"
        case HostChanged():
            return f"CHGHOST {event.username} {event.host}"
        case WallopsSaid():
            return f"WALLOPS :{event.text}"
        case Redacted():
            words = f"REDACT {event.target} {msgid(event.original)}"
            return f"{words} :{event.reason}" if event.reason else words
        case Killed():
            return f"KILL {event.nick} :{event.reason}"
        case Silenced():
            return f"SILENCE {'+' if event.adding else '-'}{event.mask}"
        case _:
            raise TypeError(type(event).__name__)


def join_body(channel: str, account: str | None, realname: str, flavour: int) -> str:
    """A JOIN without its source."""
    if flavour & EXTENDED_JOIN:
        return f"JOIN {channel} {account or '*'} :{realname}"
    return f"JOIN {channel}"


def with_tag(line: bytes, tag: bytes) -> bytes:
    """The same line with one more tag in front."""
    return b"@" + tag + (b";" + line[1:] if line.startswith(b"@") else b" " + line)
