"""What the server says of itself and in answer to questions, as lines: numerics in words, and all else as it is.

A numeric that this client knows becomes a sentence behind `* `, as everything that is not said by somebody; or nothing,
where it only ends a list or repeats what was told. Others are shown with the name of the server in front, in dashes.
"""

import re
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final

from securechat.client import identity_words
from securechat.client.events import ServerSaid
from securechat.client.mode_words import channel_modes, personal_modes, whom
from securechat.client.safe import safe_name, safe_text

_SENTENCES: Final = {
    "221": "your modes: {0}{personal}",
    "276": "{0} {text}",
    "305": "you are back",
    "306": "you are marked as away",
    "311": "{0} is {1}@{2}: {text}",
    "313": "{0} is an operator of the server",
    "320": "{0} {text}",
    "330": "{0} is logged in as {1}",
    "335": "{0} is a bot",
    "336": "you are invited to {0}",
    "338": "{0} connects from {1}",
    "341": "{0} is invited to {1}",
    "378": "{0} {text}",
    "381": "you are an operator of the server now",
    "382": "the server reads its configuration again",
    "391": "the time of {0}: {text}",
    "396": "your host is {0} now",
    "671": "{0} has a secure connection",
    "730": "online: {text}",
    "731": "not online: {text}",
    "732": "you watch {text}",
    "900": "you are logged in as {1}",
    "901": "you are logged out",
}
"""By numeric. `{0}` is its first parameter behind one's own nick, `{text}` the last; `{personal}` tells of modes."""

_EMPTY: Final = {
    "315": "nobody is found",
    "323": "no channel is found",
    "337": "nobody has invited you",
    "347": "nobody may come into {0} uninvited, but those who are invited",
    "349": "nobody is excepted from the bans of {0}",
    "368": "nobody is banned in {0}",
}
"""The ends of lists: what to say if there was nothing in them."""

_WORDY: Final = frozenset(("265", "266", "704", "705", "706", "NOTE", "WARN"))

_SILENT: Final = frozenset(("318", "321", "365", "369", "374", "733"))


def line(event: ServerSaid) -> str | None:
    """The line for what the server has said, safe to be printed; None for what is not worth one."""
    if event.code in _SILENT or (event.code in _EMPTY and event.count):
        return None
    try:
        if tell := _TELLERS.get(event.code):
            told = tell(event)
        else:
            form = _SENTENCES.get(event.code) or _EMPTY.get(event.code)
            told = form.format(*map(safe_name, event.params), **_fields(event)) if form else None
    except (IndexError, ValueError, OverflowError, OSError):  # it is not as the specifications have it
        told = None
    if told is None:
        return f"-{safe_name(event.source)}- {safe_text(_free_text(event))}"
    return f"* {told}" if told else None


def link(event: ServerSaid) -> str | None:
    """The link at the end of such a line, which is to be copied; it is safe to be printed too."""
    return identity_words.link(event)


def _fields(event: ServerSaid) -> dict[str, str]:
    """What sentences have names for: `text` is the last parameter, `personal` what the modes in the first one mean."""
    params = event.params
    modes = personal_modes(params[0]) if params else ""
    return {"text": safe_text(params[-1]) if params else "", "personal": f" ({modes})" if modes else ""}


def _free_text(event: ServerSaid) -> str:
    """What is for people to read: the whole of a line, or its end alone where that says all."""
    if event.code in _WORDY:
        return event.params[-1] if event.params else ""
    return event.text


def _entered(words: Sequence[str]) -> str:
    """By whom and when something was put on a list, as far as it is told."""
    by = f", by {safe_name(words[0].partition('!')[0])}" if words else ""
    return f"{by} on {_moment(words[1])}" if len(words) > 1 else by


def _moment(seconds: str) -> str:
    """Seconds since 1970 as a local date and time. Raises `ValueError` and the like for what is none."""
    return f"{datetime.fromtimestamp(int(seconds)).astimezone():%Y-%m-%d %H:%M}"


def _duration(seconds: int) -> str:
    for size, unit in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= size:
            return _counted(seconds // size, unit)
    return _counted(seconds, "second")


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _idle(event: ServerSaid) -> str:
    nick, idle, since = event.params[:3] if len(event.params) > 3 else (*event.params[:2], "")
    here = f", here since {_moment(since)}" if since else ""
    return f"{safe_name(nick)} has said nothing for {_duration(int(idle))}{here}"


def _using_modes(event: ServerSaid) -> str:
    """The modes of somebody; nothing where there are none."""
    nick, text = event.params[0], event.params[-1]
    return "" if text.endswith(" +") else f"{safe_name(nick)} {safe_text(text)}"


def _was(event: ServerSaid) -> str:
    nick, user, host = map(safe_name, event.params[:3])
    return f"{nick} was {user}@{host}: {safe_text(event.params[-1])}"


def _server(event: ServerSaid) -> str:
    """The server of somebody; of one who has gone, the time. In a chat of one server the first says nothing."""
    nick, server, info = event.params[0], event.params[1], event.params[-1]
    if event.answers == "WHOWAS":
        return f"{safe_name(nick)} left at {safe_text(info)} UTC"
    if server == event.source:
        return ""
    return f"{safe_name(nick)} is on {safe_name(server)} ({safe_text(info)})"


def _channels(event: ServerSaid) -> str:
    channels = ", ".join(map(safe_name, event.params[1].split()))
    return f"{safe_name(event.params[0])} is in {channels}" if channels else ""


def _listed(event: ServerSaid) -> str:
    name, users, topic = safe_name(event.params[0]), int(event.params[1]), safe_text(event.params[2])
    people = "1 person" if users == 1 else f"{users} people"
    return f"{name}, {people}: {topic}" if topic else f"{name}, {people}"


def _modes(event: ServerSaid) -> str:
    channel, modes = event.params[0], event.params[1:]
    words = channel_modes(modes[0]) if modes else ""
    told = f"the modes of {safe_name(channel)}: {safe_text(' '.join(modes)).strip()}"
    return f"{told} ({words})" if words else told


def _banned(event: ServerSaid) -> str:
    channel, mask, *entry = event.params
    how = "muted" if mask.startswith("~m:") else "banned"
    return f"{whom(mask)} is {how} in {safe_name(channel)}{_entered(entry)}"


def _excepted(event: ServerSaid) -> str:
    channel, mask, *entry = event.params
    return f"{whom(mask)} is excepted from the bans of {safe_name(channel)}{_entered(entry)}"


def _let_in(event: ServerSaid) -> str:
    channel, mask, *entry = event.params
    return f"{whom(mask)} may come into {safe_name(channel)} uninvited{_entered(entry)}"


def _found(event: ServerSaid) -> str:
    """A line of WHO (Modern IRC, "RPL_WHOREPLY")."""
    channel, user, host, _, nick, flags = map(safe_name, event.params[:6])
    realname = safe_text(event.params[6].partition(" ")[2])
    told = f"{''.join(_PREFIX.findall(flags))}{nick} ({user}@{host}): {realname}"
    told += f", in {channel}" if event.params[0] != "*" else ""
    told += ", away" if flags.startswith("G") else ""
    return told + (", operator of the server" if "*" in flags else "")


_PREFIX: Final = re.compile("[~&@%+]")


def _note(event: ServerSaid) -> str | None:
    """Whose a channel is, what one has chosen, and so on, of our server; other notes are shown as they are."""
    match event.params:
        case (command, _, *_) if command in identity_words.COMMANDS:
            return identity_words.note(event)
        case (_, "CHANNEL_OWNER", channel, "*", _):
            return f"{safe_name(channel)} belongs to nobody"
        case (_, "CHANNEL_OWNER", channel, account, _):
            return f"{safe_name(channel)} belongs to {safe_name(account)}"
        case (_, "SETTING", name, value, sentence):
            return f"{safe_name(name)} is {safe_name(value)}: {safe_text(sentence)}"
        case ("UBAN", "BANNED", kind, whom, by, _, until, reason):
            end = "" if until == "*" else f" until {identity_words.moment(until)}"
            why = f"by {_who_banned(by)}: {safe_text(reason)}"
            return f"the {safe_name(kind)} {safe_name(whom)} is kept off the server{end}, {why}"
        case ("UBAN", "UNBANNED", kind, whom, *_):
            return f"the {safe_name(kind)} {safe_name(whom)} is not kept off the server any more"
        case ("UBAN", "END_OF_BANS", number, _):
            return "nobody is kept off the server" if number == "0" else ""
    return None


def _who_banned(by: str) -> str:
    return "the operator" if by == "*" else safe_name(by)


_TELLERS: Final[dict[str, Callable[[ServerSaid], str | None]]] = {
    "312": _server,
    "314": _was,
    "317": _idle,
    "319": _channels,
    "322": _listed,
    "324": _modes,
    "346": _let_in,
    "348": _excepted,
    "352": _found,
    "367": _banned,
    "379": _using_modes,
    "CERT": identity_words.supplied,
    "NOTE": _note,
}
"""What takes more than a sentence. Empty: nothing is to be told; None: it is shown as it is."""
