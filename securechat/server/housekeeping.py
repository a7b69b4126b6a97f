"""What the server does by itself, once a minute: it takes out of its files what is to be there no more.

One thread, beside the chat. It works in steps of a few milliseconds, and what writes to the database, within a step, is
done in the journal's turn: nobody waits longer for their message than for a few others'. Whatever goes wrong is told in
the log, and tried again a minute later; while the disk is full nothing is done.
"""

from __future__ import annotations

import contextlib
import sqlite3
import threading
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from securechat.chat.client_ids import LIFETIME
from securechat.chat.refusals import Refusal
from securechat.chat.requests import ForgetIds
from securechat.chat.stamps import stamp_at
from securechat.store.database import NotStored
from securechat.store.datadir import DataDir
from securechat.store.erasure import Erasure
from securechat.store.retention import Retention
from securechat.store.search_index import Indexed, read_only
from securechat.store.turns import in_turn

if TYPE_CHECKING:
    from securechat.server.hub import Hub

__all__ = ["Housekeeping"]

SECONDS: Final = 60.0
"""Between two rounds."""

SOON_SECONDS: Final = 1.0
"""The same where somebody reads what is to be overwritten."""

IDS_SECONDS: Final = 3600.0
"""Between two times that ids of messages are forgotten."""

IDS_AT_ONCE: Final = 500
"""So many of them are deleted in one turn."""

KEEP_SECONDS: Final = 20.0
"""For so long what is too old is deleted, before it is looked whether there is something to erase."""

TOLD_SECONDS: Final = 600.0
"""Between two times that the log tells of the same fault."""

_MANY_IDS: Final = "SELECT stamp FROM client_ids WHERE stamp < ? ORDER BY stamp LIMIT 1 OFFSET ?"
_OLDEST_IDS: Final = (
    "DELETE FROM client_ids WHERE stamp IN (SELECT stamp FROM client_ids WHERE stamp < ? ORDER BY stamp LIMIT ?)"
)


class Housekeeping:
    """The thread. ``start`` and ``stop`` once each; any thread may call :meth:`round_now`."""

    def __init__(self, hub: Hub, data: DataDir) -> None:
        self._hub = hub
        self._path = data.database
        self._erasure = Erasure(data.database, hub.database, hub.journal, self._erase, hub.log.info)
        self._retention = Retention(
            data.database, hub.database, hub.journal, lambda: hub.config.retention.policy(), self._forget
        )
        self._index_dirty = False  # whether messages were taken out of the index that are in its file still
        self._ids_at = float("-inf")
        self._told: dict[str, float] = {}
        self._stopping = False
        self._awake = threading.Event()
        # Guards _wanted and _done: how often somebody has asked for a round, and which of these are done. A leaf:
        # nothing is taken inside it.
        self._rounds = threading.Condition()
        self._wanted = 0
        self._done = 0
        self._thread = threading.Thread(target=self._run, name="housekeeping", daemon=True)

    def start(self) -> None:
        """Begin with a first round: a server that was killed may have left something."""
        self._thread.start()

    def stop(self, seconds: float) -> None:
        """End the thread, after the step that it is at. Before the journal is stopped, which it would wait for."""
        self._stopping = True
        self._awake.set()
        if self._thread.is_alive():
            self._thread.join(seconds)

    def round_now(self, seconds: float) -> bool:
        """Have a whole round made, and wait for its end; false if that takes longer, or not all could be done."""
        with self._rounds:
            self._wanted += 1
            ticket = self._wanted
            self._awake.set()
            return self._rounds.wait_for(lambda: self._done >= ticket or self._stopping, seconds) and (
                self._done >= ticket
            )

    # -- the thread ---------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        with self._hub.cores.anywhere():
            while not self._stopping:
                with self._rounds:
                    ticket = self._wanted
                done, seconds = self._round()
                if done:
                    with self._rounds:
                        self._done = ticket
                        self._rounds.notify_all()
                self._awake.wait(seconds)
                self._awake.clear()
        with self._rounds:
            self._rounds.notify_all()

    def _round(self) -> tuple[bool, float]:
        """Everything once. Whether all of it was done, and seconds until the next round."""
        done, seconds = True, SECONDS
        for work in (self._erasure.run, self._forget_ids, self._keep, self._clean_index):
            try:
                if self._stopping or not work():
                    done, seconds = False, SOON_SECONDS
                continue
            except NotStored:  # the log tells of that anyway
                pass
            except (sqlite3.Error, OSError) as error:
                self._tell("housekeeping failed", error)
            except Exception as error:  # a defect of ours: the chat goes on, and so does the thread
                self._tell("housekeeping has a fault", error)
            done = False
        return done, seconds

    def _tell(self, event: str, error: Exception) -> None:
        """Each kind of fault once in a while: it comes again with every round."""
        now, kind = time.monotonic(), f"{event} {type(error).__name__} {error}"
        if now - self._told.get(kind, float("-inf")) >= TOLD_SECONDS:
            self._told = {known: at for known, at in self._told.items() if now - at < TOLD_SECONDS} | {kind: now}
            self._hub.log.fault(event, error)

    # -- the search index ---------------------------------------------------------------------------------------------

    def _erase(self, rows: Sequence[Indexed]) -> bool:
        searching = self._hub.searching
        return searching is None or searching.index.erase(rows)

    def _forget(self, rows: Sequence[Indexed]) -> None:
        if self._hub.searching is not None:
            self._hub.searching.index.take_out(rows)
            self._index_dirty = True

    def _clean_index(self) -> bool:
        searching = self._hub.searching
        if searching is not None and self._index_dirty:
            self._index_dirty = not searching.index.clean()
        return not self._index_dirty

    # -- what gets old ------------------------------------------------------------------------------------------------

    def _keep(self) -> bool:
        until = time.monotonic() + KEEP_SECONDS
        while not self._stopping and self._retention.step():
            if time.monotonic() > until:
                return False
        return True

    def _forget_ids(self) -> bool:
        """In the table a few at a time, for a long time may have left many; then the rest, and in the chat."""
        now = time.monotonic()
        if now - self._ids_at < IDS_SECONDS:
            return True
        hub = self._hub
        before = stamp_at(time.time_ns() // 1_000_000) - LIFETIME
        while not self._stopping and self._many_ids(before):
            in_turn(hub.journal, lambda: hub.database.tidy([(_OLDEST_IDS, [(before, IDS_AT_ONCE)])]))
        (outcome,), _ = hub.journal.ask([ForgetIds(before)])
        if isinstance(outcome, Refusal):
            raise NotStored(*outcome.context)
        self._ids_at = now
        return True

    def _many_ids(self, before: int) -> bool:
        with contextlib.closing(read_only(self._path)) as connection:
            return connection.execute(_MANY_IDS, (before, IDS_AT_ONCE)).fetchone() is not None
