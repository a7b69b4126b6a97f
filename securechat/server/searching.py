"""The search index while the server runs: a thread that fills it behind the journal, and the searches themselves.

The journal only raises a flag when it has committed something. At most a few times a second the thread sees it, reads
what is new in the log on a connection of its own, and indexes it: nearly all of that in SQLite, without the GIL, on
whatever core is free. A search first waits, not for long, until what was committed before it is in the index.
"""

from __future__ import annotations

import contextlib
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from securechat.chat.views_history import ChannelPast, Past, Pasts
from securechat.server.cores import Cores
from securechat.store.history import Record
from securechat.store.search_find import LAST, Place, TooLongError, find, messages
from securechat.store.search_index import (
    SearchIndex,
    channel_place,
    conversation_places,
    is_damage,
    own_place,
    read_log,
    read_only,
    throw_away,
)
from securechat.store.search_text import Query

__all__ = ["Searching", "TooLongError", "discard"]

PAUSE_SECONDS: Final = 0.5
"""Between two times that the thread looks for what is new, where nobody waits for it."""

REST: Final = 9
"""For each second of work it rests so many, where nobody waits for it: under full load the chat goes first, and what is
new is found a little later."""

FAILED_SECONDS: Final = 10.0
"""The same after the disk has failed."""

SEARCH_SECONDS: Final = 2.0
"""For so long a search may look."""

SETTLE_SECONDS: Final = 1.0
"""And wait before, until what is new can be found."""

AT_ONCE: Final = 2
"""Searches that look at the same time; more wait. They take no time from Python, but cores from everybody. Of one user
there is one at a time, or the connections of one account would leave nobody a place."""

_ROWS: Final = 100
"""Messages that are read from the log at a time."""


class Searching:
    """``index``: for who takes messages out of it, from any thread. ``on_error``: told of what no client caused."""

    def __init__(
        self,
        database: Path,
        file: Path,
        last: int,
        cores: Callable[[], Cores],
        on_error: Callable[[str, BaseException], None],
    ) -> None:
        """``last``: the last stamp in the database. An index that knows more is another one's."""
        self.index = SearchIndex(file)
        self._database = database
        self._last = last
        self._cores = cores
        self._on_error = on_error
        self._thread = threading.Thread(target=self._run, name="search", daemon=True)
        self._stopping = False
        self._dirty = True
        self._awake = threading.Event()
        self._hurry = threading.Event()
        # Guards _wanted and _done: how often somebody has asked for all that is committed, and up to which of these
        # it has been done. A leaf: nothing is taken inside it.
        self._settled = threading.Condition()
        self._wanted = 0
        self._done = 0
        # Guards _looking: the users (`User.id`) for whom somebody looks. A leaf: nothing is taken inside it.
        self._places = threading.Condition()
        self._looking: set[int] = set()

    def start(self) -> None:
        """Begin to index."""
        try:
            if self.index.indexed > self._last:
                self.index.rebuild()
        except (sqlite3.Error, OSError) as error:
            self._on_error("the search index can't be opened", error)
        self._awake.set()
        self._thread.start()

    def stop(self, seconds: float) -> None:
        """End the thread. What is not in the index yet is indexed after the next start."""
        self._stopping = True
        self._awake.set()
        self._hurry.set()
        if self._thread.is_alive():
            self._thread.join(seconds)
        self.index.close()

    def committed(self) -> None:
        """Something may have been committed. Called in the journal's turn, with every batch."""
        if not self._dirty:
            self._dirty = True
            self._awake.set()

    def settle(self, seconds: float = SETTLE_SECONDS) -> bool:
        """Wait until all that has been committed is in the index; false if that takes longer."""
        with self._settled:
            self._wanted += 1
            ticket = self._wanted
            self._awake.set()
            self._hurry.set()
            return self._settled.wait_for(lambda: self._done >= ticket or self._stopping, seconds)

    # -- the thread ---------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        with self._cores().anywhere():
            while True:
                self._awake.wait()
                self._awake.clear()
                self._hurry.clear()
                if self._stopping:
                    return
                with self._settled:
                    ticket = self._wanted
                self._dirty = False  # before the log is read: what is committed from now on raises the flag again
                if self._catch_up():
                    with self._settled:
                        self._done = ticket
                        self._settled.notify_all()
                    self._hurry.wait(PAUSE_SECONDS)
                else:
                    self._awake.set()
                    self._hurry.wait(FAILED_SECONDS)

    def _catch_up(self) -> bool:
        """Index all that is in the log; false if that could not be done."""
        try:
            with contextlib.closing(read_only(self._database)) as log:
                begun = time.thread_time()
                while self.index.catch_up(lambda after, most: read_log(log, after, most)):
                    if not self._hurry.is_set():
                        self._hurry.wait((time.thread_time() - begun) * REST)
                    if self._stopping:
                        return False
                    begun = time.thread_time()
        except (sqlite3.Error, OSError) as error:
            self._on_error("the search index can't be filled", error)
            return False
        except Exception as error:  # a defect of ours: the chat goes on, and so does the thread
            self._on_error("the search index failed", error)
            return False
        return True

    # -- searches -----------------------------------------------------------------------------------------------------

    def search(
        self,
        readable: Past | Pasts,
        query: Query | None,
        *,
        nick: str | None,
        after: int | None,
        before: int | None,
        most: int,
    ) -> list[Record]:
        """Messages that somebody may read, in order. With ``after``, a stamp, the first ones from there on that fit;
        else the last ones, up to ``before``.

        Called by the thread of a session. Raises :class:`TooLongError` where none was found in time, ``sqlite3.Error``
        where index or log can't be read.
        """
        self.settle()
        try:
            with self._place(readable.party), self._cores().anywhere():
                return self._search(readable, query, nick, after, before, most)
        except sqlite3.Error as error:
            self._repair(error)
            raise

    def _repair(self, error: sqlite3.Error) -> None:
        """Make the index anew where it is damaged, or gone."""
        try:
            if is_damage(error):
                self.index.rebuild()
            else:
                self.index.rebuild_if_gone()
        except (sqlite3.Error, OSError) as another:
            self._on_error("the search index can't be made anew", another)
        self._awake.set()

    @contextlib.contextmanager
    def _place(self, party: int) -> Iterator[None]:
        """One of the places of those who look. Raises :class:`TooLongError` where none gets free in time."""
        looking = self._looking
        with self._places:
            if not self._places.wait_for(lambda: len(looking) < AT_ONCE and party not in looking, SEARCH_SECONDS):
                raise TooLongError
            looking.add(party)
        try:
            yield
        finally:
            with self._places:
                looking.discard(party)
                self._places.notify_all()

    def _search(
        self,
        readable: Past | Pasts,
        query: Query | None,
        nick: str | None,
        after: int | None,
        before: int | None,
        most: int,
    ) -> list[Record]:
        until = time.monotonic() + SEARCH_SECONDS
        found: list[Record] = []
        stamps: list[int] = []
        places = _places(readable)
        # Before it nothing may be read, and how long it takes must not tell whether there is something.
        first = min((place.since for place in places), default=0)
        last = readable.last if before is None else min(before, readable.last)
        with (
            contextlib.closing(read_only(self._database)) as log,
            contextlib.closing(
                find(
                    self.index.path,
                    query,
                    places,
                    nick=nick,
                    first=max(first, min(after or 0, LAST)),
                    last=last,
                    oldest_first=after is not None,
                    seconds=SEARCH_SECONDS,
                )
            ) as candidates,
        ):

            def look() -> None:
                """The index may know what is gone, or not for the one who asks: the log decides."""
                there = messages(log, stamps)
                found.extend(one for stamp in stamps if (one := there.get(stamp)) and _may_read(readable, one))
                stamps.clear()

            try:
                while len(found) < most:
                    stamp = next(candidates, None)
                    if stamp is not None:
                        stamps.append(stamp)
                    if stamp is None or len(stamps) >= min(_ROWS, most - len(found)):
                        look()
                    if stamp is None:
                        break
                    if time.monotonic() > until:
                        raise TooLongError
            except TooLongError:
                look()
                if not found:
                    raise
        return sorted(found, key=lambda one: one.stamp)


def discard(file: Path, on_error: Callable[[str, BaseException], None]) -> None:
    """There is to be no index: what an earlier server has left of one goes, for nobody would take anything out."""
    try:
        throw_away(file)
    except OSError as error:
        on_error("the search index can't be removed", error)


def _places(readable: Past | Pasts) -> list[Place]:
    """Where to look. More may be found there than may be read: see `_may_read`."""
    if isinstance(readable, ChannelPast):
        return [Place(channel_place(readable.channel_id), readable.since)]
    if isinstance(readable, Pasts):
        return [*(place for past in readable.channels for place in _places(past)), Place(own_place(readable.party))]
    return [Place(words) for other in readable.others for words in conversation_places(readable.party, other)]


def _may_read(readable: Past | Pasts, record: Record) -> bool:
    """Whether a message is among those that are meant, and may be read by the one who asks."""
    if isinstance(readable, Pasts):
        if record.channel_id is None:
            return readable.party in (record.account_id, record.target_id)
        return any(_may_read(past, record) for past in readable.channels)
    if isinstance(readable, ChannelPast):
        return (
            record.channel_id == readable.channel_id
            and readable.since <= record.stamp <= readable.last
            and (record.target[:1] in readable.prefixes or record.account_id == readable.party)
        )
    if record.channel_id is not None:
        return False
    parties = record.account_id, record.target_id
    return any(parties in ((readable.party, other), (other, readable.party)) for other in readable.others)
