"""What was said before: reading it, finding it, taking it back; and what the server is to keep for one."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from securechat.client.capabilities import SEARCH
from securechat.client.commands.command import Arguments, Command, Misused, Screen, UsageError, current
from securechat.client.history import attributes, iso
from securechat.client.safe import safe_name, safe_text

_LINES: Final = 30
"""Messages that are shown at once if nobody says how many."""
_MOST: Final = 1000

_VALUES: Final = {"replay": {"off": "0", "on": "default"}}
"""Words for what the server has numbers for."""


def _history(screen: Screen, arguments: Arguments) -> None:
    words = arguments.words
    count = _LINES
    if words and words[-1].isascii() and words[-1].isdigit():
        count = max(1, min(int(words.pop()[:5]), _MOST))
    if len(words) > 1:
        raise Misused
    name = words[0] if words else current(screen)
    if not screen.client.has_history:
        raise UsageError("this server does not show what was said before")
    screen.chat.older(name, count)


def _search(screen: Screen, arguments: Arguments) -> None:
    wanted: dict[str, str] = {}
    text = []
    for word in arguments.words:
        name, colon, value = word.partition(":")
        if not (colon and value and name in _ATTRIBUTES):
            text.append(word)
        elif name in wanted:
            raise UsageError(f"{name}: can be there only once")
        else:
            wanted[name] = _ATTRIBUTES[name](value)
    if not text and not wanted:
        raise Misused
    if not screen.client.has(SEARCH):
        raise UsageError("this server has no search")
    screen.client.request("SEARCH", attributes({"text": " ".join(text), **wanted, "limit": str(_LINES)}))


def _moment(value: str) -> str:
    """A day, or a day and a time, of the clock here, as SEARCH takes it. Raises `UsageError`."""
    midnight = datetime.now().astimezone().replace(hour=0, minute=0, second=0, microsecond=0)
    if value in ("today", "yesterday"):
        return iso(midnight - timedelta(days=value == "yesterday"))
    try:
        moment = datetime.fromisoformat(value)
        if 1970 <= moment.year < 9999:
            return iso(moment.astimezone())
    except (ValueError, OverflowError, OSError):
        pass
    raise UsageError(f"{safe_text(value)} is no day: it is like 2026-03-31, today or yesterday, or 2026-03-31T18:30")


_ATTRIBUTES: Final[dict[str, Callable[[str], str]]] = {"in": str, "from": str, "before": _moment, "after": _moment}
"""What a search can be narrowed by, as soju's extension calls it."""


def _redact(screen: Screen, arguments: Arguments) -> None:
    """Take back one's own last message, or the last with some words in it; or somebody else's, in this channel."""
    if not screen.client.has("draft/message-redaction"):
        raise UsageError("on this server nothing can be taken back")
    what, _, reason = f" {arguments.text} ".partition(" -- ")
    words = what.split()
    nick = words.pop(0).removeprefix("from:") if words and words[0].startswith("from:") else None
    if nick == "":
        raise Misused
    where = None if nick is None else current(screen)
    known = screen.chat.timeline.search(nick=nick, conversation=where, words=" ".join(words))
    if known is None:
        whose = "you have" if nick is None else f"{safe_name(nick)} has"
        raise UsageError(f"{whose} said nothing like that as far as this screen has shown it: /history shows more")
    screen.client.request("REDACT", known.target, known.msgid, *([reason.strip()] if reason.strip() else []))


def _settings(screen: Screen, arguments: Arguments) -> None:
    words = arguments.words
    if len(words) > 2:
        raise Misused
    if len(words) == 2:
        words[1] = _VALUES.get(words[0], {}).get(words[1], words[1])
    screen.client.request("SETTINGS", *words)


COMMANDS = (
    Command("history", "[where] [number]", "what was said before what you see", _history),
    Command("search", "words", "find what was said (in: from: after: before:)", _search),
    Command("redact", "[words] [-- why]", "take back what you said last, or with these words", _redact),
    Command("settings", "[name] [value]", "what the server does for you while you are away", _settings),
)
