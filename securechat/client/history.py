"""Questions for history, and the pages that answer them (IRCv3 chathistory, soju's search).

`Point` is a place in a conversation, by msgid or by time, as CHATHISTORY wants it; `Gathering` puts a page together;
`attributes` makes the one parameter of SEARCH.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

from securechat.client.events import Conversed, Event, MessageReceived, Redacted
from securechat.irc.tags import format_tags

MAX_ENTRIES: Final = 2000
"""Entries of a page that are kept; no question asks for so many."""

USUAL_LIMIT: Final = 100
"""Messages to ask for at once where the server names no maximum."""


@dataclass(frozen=True, slots=True)
class Point:
    """A message, or a moment: at least one of the two is known."""

    msgid: str | None = None
    time: datetime | None = None

    def reference(self, types: str) -> str:
        """As CHATHISTORY takes it, of the types that the server has (005, MSGREFTYPES)."""
        if self.msgid is not None and ("msgid" in types.split(",") or self.time is None):
            return f"msgid={self.msgid}"
        return f"timestamp={iso(self.time)}" if self.time is not None else "*"


class Gathering:
    """A page that is not whole yet."""

    def __init__(self) -> None:
        self._entries: list[Event] = []
        self._messages: dict[str, int] = {}  # by msgid: where in the list

    def add(self, event: Event) -> bool:
        """Whether this event belongs to the page; then it is in it, unless there is no room."""
        if not isinstance(event, MessageReceived | Redacted | Conversed):
            return False
        if isinstance(event, Redacted) and (index := self._messages.get(event.msgid)) is not None:
            message = self._entries[index]
            if isinstance(message, MessageReceived) and message.taken_back is None:
                self._entries[index] = replace(message, taken_back=event)
        elif len(self._entries) < MAX_ENTRIES:
            if isinstance(event, MessageReceived) and event.msgid:
                self._messages[event.msgid] = len(self._entries)
            self._entries.append(event)
        return True

    def entries(self) -> tuple[Event, ...]:
        return tuple(self._entries)


def iso(time: datetime) -> str:
    """A time as IRCv3 server-time has it."""
    return time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def attributes(wanted: Mapping[str, str]) -> str:
    """What SEARCH is to look for: name to value, as the one parameter that it takes."""
    return format_tags({name: value for name, value in wanted.items() if value})
