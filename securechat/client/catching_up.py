"""What was said while one was away, and the last lines of a conversation, asked of the server (IRCv3 chathistory).

Pages are asked for from the newest backwards, until there is nothing left between them and the last message that one
has, or until it is more than anybody wants to see at once.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from securechat.client.connection import Client
from securechat.client.events import Conversed, Event, MessageReceived, Page
from securechat.client.history import USUAL_LIMIT, Point, iso

MOST_PEOPLE: Final = 50
"""People with whom one has spoken alone, and whose messages are asked for."""

_LONG_AGO: Final = timedelta(days=30)  # what people said alone before that, and was not read since, is not brought up
_AHEAD: Final = timedelta(days=1)  # for clocks that differ
_INSTANT: Final = timedelta(milliseconds=1)  # the grain of times; what was said within it may come again, and is known


class HistoryRefused(Exception):  # noqa: N818 - it says what happened
    """The server gives no history; the text is its sentence."""


class CatchUp:
    """Questions for what was said, on one connection. `most`: messages of one conversation that are wanted at once."""

    def __init__(self, client: Client, most: int) -> None:
        self._client = client
        self._most = most
        limit = client.features("CHATHISTORY")
        self._limit = (int(limit) if limit.isascii() and limit.isdigit() and len(limit) < 10 else 0) or USUAL_LIMIT
        self._types = client.features("MSGREFTYPES")

    def missed(self, name: str, since: Point) -> tuple[list[Event], bool]:
        """What was said behind `since`, in order; and whether that is all of it. Raises `HistoryRefused`."""
        try:
            return self._between(name, since, self._most)
        except HistoryRefused:
            if since.msgid is None or since.time is None:
                raise
            # The message may be gone: too old, or erased with its channel. Its moment is still known.
            return self._between(name, Point(None, since.time - _INSTANT), self._most)

    def latest(self, name: str, count: int, since: datetime | None = None) -> list[Event]:
        """The last messages after `since` (None: whenever), at most `count`, in order. Raises `HistoryRefused`."""
        return self._between(name, Point(None, since), count)[0]

    def more_unread(self, name: str, since: datetime, found: Sequence[Event]) -> bool:
        """Whether there is something after `since` besides these, the last of it. Raises `HistoryRefused`."""
        first = _first(found)
        if first is None:
            return False
        bounds = first.reference(self._types), Point(None, since).reference(self._types)
        return any(isinstance(entry, MessageReceived) for entry in self._ask("BETWEEN", name, *bounds, "1").entries)

    def before(self, name: str, point: Point | None, count: int) -> tuple[str, ...]:
        """The question for older messages, as `Client.request` takes it: at most `count`, and what the server gives."""
        number = str(max(1, min(count, self._limit)))
        if point is None:
            return ("CHATHISTORY", "LATEST", name, "*", number)
        return ("CHATHISTORY", "BEFORE", name, point.reference(self._types), number)

    def people(self, since: datetime | None) -> list[Conversed]:
        """With whom one has spoken alone after `since` (None: lately), the last first. Raises `HistoryRefused`."""
        now = datetime.now(UTC)
        begin = since - _INSTANT if since is not None else now - _LONG_AGO
        bounds = (f"timestamp={iso(max(now, begin) + _AHEAD)}", f"timestamp={iso(begin)}")
        page = self._ask("TARGETS", *bounds, str(min(MOST_PEOPLE, self._limit)))
        found = [entry for entry in page.entries if isinstance(entry, Conversed)]
        return [entry for entry in found if not self._client.is_channel(entry.name)]

    def _between(self, name: str, since: Point, most: int) -> tuple[list[Event], bool]:
        lower = since.reference(self._types)
        found: list[Event] = []
        while True:
            number = str(min(self._limit, most) or 1)
            first = _first(found)
            if first is None:
                page = self._ask("LATEST", name, lower, number)
            elif lower == "*":
                page = self._ask("BEFORE", name, first.reference(self._types), number)
            else:
                page = self._ask("BETWEEN", name, first.reference(self._types), lower, number)
            entries = [entry for entry in page.entries if not isinstance(entry, Conversed)]
            messages = sum(isinstance(entry, MessageReceived) for entry in entries)
            if most <= 0:  # there is no room for more, and only the question whether there is more
                return found, not messages
            found = [*entries, *found]
            most -= messages
            if not messages or _first(found) in (None, first):
                return found, True

    def _ask(self, subcommand: str, *params: str) -> Page:
        request = self._client.ask("CHATHISTORY", subcommand, *params)
        if request.refusal is not None:
            raise HistoryRefused(request.refusal.text)
        return request.page or Page(request)


def _first(entries: Sequence[Event]) -> Point | None:
    """The oldest message of these that can be named."""
    for entry in entries:
        if isinstance(entry, MessageReceived) and (entry.msgid or entry.time):
            return Point(entry.msgid, entry.time)
    return None
