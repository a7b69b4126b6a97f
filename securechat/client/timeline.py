"""What was said as one sees it: each message once, in order, whether it came live or out of history.

A message is known by its msgid. While one asks for what was missed, what comes live in the same conversation is *held*
back: it is newer than the answer, or in the answer as well. `caught_up` puts the two together.

A conversation is a channel, or a person with whom one speaks alone; its key is the name, casefolded.
"""

import threading
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from securechat.client.events import Event, MessageReceived, MissedMore, Redacted
from securechat.client.handlers import HISTORY
from securechat.client.history import Point
from securechat.irc.names import casefold

MOST_KNOWN: Final = 5000
"""Messages of which one knows that they were shown. What is older is behind the last one that one has, anyway."""
MOST_CONVERSATIONS: Final = 1000
"""Conversations of which one knows what came last."""
MOST_HELD: Final = 5000
"""Messages that wait; beyond it they are shown as they come."""

_EXCERPT: Final = 200  # characters of a message that are kept, for finding it by its words

_PREFIXES: Final = "~&@%+"


@dataclass(frozen=True, slots=True)
class Known:
    """A message that was shown. `text`: the beginning of it."""

    msgid: str
    conversation: str
    target: str
    """What it was sent to, as a command about it needs it."""
    nick: str
    own: bool
    time: datetime | None
    text: str
    gone: bool
    """Whether it was taken back."""


def conversation_of(event: MessageReceived | Redacted) -> str:
    """The key of the conversation that an event belongs to."""
    return casefold(partner_of(event))


def partner_of(event: MessageReceived | Redacted) -> str:
    """The channel, or the person with whom one speaks alone."""
    if not event.private:
        return event.target.lstrip(_PREFIXES)
    source = event.source if isinstance(event, MessageReceived) else event.by
    return event.target if event.own else source


def _newer(one: Known | None, other: Known) -> bool:
    """Whether `one` was said after the other; what came later counts as later where a time is missing."""
    return one is not None and one.time is not None and other.time is not None and one.time > other.time


class Timeline:
    """All conversations of one user, for any thread. `lock`: held by whoever tells something, so that all is in order.

    What comes live and what comes out of history are told by two threads.
    """

    def __init__(self) -> None:
        self._known: OrderedDict[str, Known] = OrderedDict()
        self._last: OrderedDict[str, Point] = OrderedDict()
        self._first: OrderedDict[str, Point] = OrderedDict()
        self._held: dict[str, list[MessageReceived | Redacted]] = {}
        self._holding = False  # all conversations but those that are caught up
        self._caught_up: set[str] = set()
        self._opened: set[str] = set()  # those that are held, one by one
        self.lock = threading.RLock()
        self.latest: datetime | None = None
        """The time of the newest thing that has come live, by the server's clock."""

    # -- what comes live ----------------------------------------------------------------------------------------------

    def hold(self) -> None:
        """From now on keep back what comes live, until each conversation is `caught_up`, or all is `live`."""
        with self.lock:
            self._held.clear()
            self._caught_up.clear()
            self._opened.clear()
            self._holding = True

    def hold_one(self, name: str) -> None:
        """The same for one conversation, which has begun."""
        with self.lock:
            self._opened.add(casefold(name))

    def arrived(self, event: Event) -> list[Event]:
        """Something has come live: what is to be told now, perhaps nothing."""
        with self.lock:
            if event.time is not None and event.batch not in HISTORY:
                self.latest = max(self.latest or event.time, event.time)
            if not isinstance(event, MessageReceived | Redacted):
                return [event]
            key = conversation_of(event)
            holds = key in self._opened or (self._holding and key not in self._caught_up)
            if holds and sum(map(len, self._held.values())) < MOST_HELD:
                self._held.setdefault(key, []).append(event)
                return []
            return self._tell([event], key)

    def live(self) -> list[Event]:
        """Keep nothing back any more: what was kept."""
        with self.lock:
            self._holding = False
            self._opened.clear()
            held, self._held = self._held, {}
            return [told for key, events in held.items() for told in self._tell(events, key)]

    # -- what comes out of history ------------------------------------------------------------------------------------

    def caught_up(self, name: str, missed: Iterable[Event]) -> list[Event]:
        """What was missed in a conversation has come, in order: what is to be told, with what was held behind it."""
        key = casefold(name)
        with self.lock:
            held = self._held.pop(key, [])
            self._caught_up.add(key)
            self._opened.discard(key)
            by_id = {event.msgid: event for event in held if isinstance(event, MessageReceived) and event.msgid}
            # What is in both is told as it came live: that knows of which request it is the echo.
            whole = [
                by_id.get(event.msgid or "", event) if isinstance(event, MessageReceived) else event for event in missed
            ]
            return self._tell([*whole, *held], key)

    def older(self, name: str, messages: Iterable[Event]) -> None:
        """What was said before all that is shown of a conversation is shown now, too."""
        key = casefold(name)
        said = [event for event in messages if isinstance(event, MessageReceived)]
        with self.lock:
            for event in reversed(said):
                if event.msgid and event.msgid not in self._known:
                    self._remember(event, key)
                    self._known.move_to_end(event.msgid, last=False)
            if said:
                self._note(self._first, key, said[0])

    # -- what one knows -----------------------------------------------------------------------------------------------

    def last(self, name: str) -> Point | None:
        """The newest message that one has of a conversation."""
        with self.lock:
            return self._last.get(casefold(name))

    def first(self, name: str) -> Point | None:
        """The oldest one behind which nothing is left out."""
        with self.lock:
            return self._first.get(casefold(name))

    def shown(self) -> dict[str, datetime]:
        """When the newest message of each conversation was said: by key."""
        with self.lock:
            return {key: point.time for key, point in self._last.items() if point.time is not None}

    def search(self, *, nick: str | None, conversation: str | None, words: str) -> Known | None:
        """The newest message of somebody (None: one's own), there (None: anywhere), with these words in it."""
        best: Known | None = None
        with self.lock:
            for known in self._known.values():
                whose = known.own if nick is None else casefold(known.nick) == casefold(nick)
                where = conversation is None or known.conversation == casefold(conversation)
                fits = whose and where and not known.gone and words.casefold() in known.text.casefold()
                if fits and not _newer(best, known):
                    best = known
        return best

    # -- inside -------------------------------------------------------------------------------------------------------

    def _tell(self, events: Iterable[Event], key: str) -> list[Event]:
        told: list[Event] = []
        for event in events:
            if isinstance(event, MessageReceived):
                if event.msgid and event.msgid in self._known:
                    continue
                self._remember(event, key)
                self._note(self._last, key, event)
                if key not in self._first:
                    self._note(self._first, key, event)
                told.append(event)
            elif isinstance(event, Redacted):
                told += self._redacted(event, key)
            else:
                if isinstance(event, MissedMore):
                    self._first.pop(key, None)  # what follows is the first of what is whole
                told.append(event)
        return told

    def _redacted(self, event: Redacted, key: str) -> list[Event]:
        """Whose message it was. What is in another conversation than its target is not believed (the specification)."""
        known = self._known.get(event.msgid)
        if known is None:
            return [event]
        if known.conversation != key:
            return []
        self._known[event.msgid] = replace(known, gone=True)
        return [replace(event, author=known.nick, said=known.time)]

    def _remember(self, event: MessageReceived, key: str) -> None:
        if not event.msgid:
            return
        self._known[event.msgid] = Known(
            event.msgid,
            key,
            partner_of(event),
            event.source,
            event.own,
            event.time,
            event.text[:_EXCERPT],
            event.taken_back is not None,
        )
        if len(self._known) > MOST_KNOWN:
            self._known.popitem(last=False)

    def _note(self, where: OrderedDict[str, Point], key: str, event: MessageReceived) -> None:
        if event.msgid is None and event.time is None:
            return
        where[key] = Point(event.msgid, event.time)
        where.move_to_end(key)
        if len(where) > MOST_CONVERSATIONS:
            where.popitem(last=False)
