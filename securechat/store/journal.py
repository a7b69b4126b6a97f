"""The journal: one order for all requests, committed in batches, run by the threads that feed it.

There is no thread of the journal's own. Whoever puts something into the queue tries to take the *turn*; who has it
takes all that is queued, applies it to the chat, commits what that changed in one transaction, hands the outcome to
delivery, and looks again. The others go back to their clients at once. So a single message is handled by one thread
without any hand-over, and under load the batches grow, and with them what one commit, and one write to each client,
carries.

Two things keep it fair. After a few batches the turn passes on: whoever heads the queue is woken to take it, and one
client's thread is not kept by the others' requests. And the server reads no further from a session that has many
requests unanswered.

When a commit fails the chat is put back to what it was, in reverse, and the requests of the batch are refused, except
those that change nothing that is stored. Departures can't be refused, for the connection is gone: they are applied and
seen, and written down as soon as that works again; and arrivals need not be, up to a number.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Protocol

from securechat.chat.events import Arrived, Event, Left, Returned
from securechat.chat.machine import Applied, Chat
from securechat.chat.refusals import Reason, Refusal
from securechat.chat.requests import Arrive, Depart, Request
from securechat.store.clock import Stamps
from securechat.store.database import Database, NotStored
from securechat.store.rows import is_stored

__all__ = ["Entry", "Journal", "Submitter", "Waiting"]

BATCH = 1024
"""Requests taken at a time, and what the entry of the last one has beyond that."""
BATCHES = 8
"""After so many the turn passes on..."""
MAX_OWED = 1000
"""So many events may wait to be written down, before nobody comes onto the chat any more while the store fails."""
TURN_SECONDS = 0.1
"""...or after so long, where batches are large."""


class Submitter(Protocol):
    """Who waits for an entry: a session, or a thread of the operator's."""

    def wake(self) -> None:
        """Called by another thread: go and call :meth:`Journal.run`."""


class Entry:
    """What one line of a client asks for: requests, or a question that is not logged but keeps its place.

    After the commit ``outcomes`` has what became of each request, and ``answer`` what the question returned.
    """

    __slots__ = ("answer", "outcomes", "question", "requests", "submitter", "weight")

    def __init__(
        self,
        submitter: Submitter,
        requests: Sequence[Request] = (),
        question: Callable[[Chat], object] | None = None,
    ) -> None:
        self.submitter = submitter
        self.requests = requests
        self.weight = len(requests) or 1
        self.question = question
        self.outcomes: list[Applied | Refusal] = []
        self.answer: object = None


class Journal:
    """Orders, applies, commits and delivers.

    ``deliver`` is called with each batch after its commit, by whoever has the turn: it must not block.
    ``on_error`` is told of exceptions in rules and questions, which refuse one request and harm nothing else, of those
    in ``deliver``, and of batches that could not be stored.
    """

    def __init__(
        self,
        chat: Chat,
        database: Database,
        stamps: Stamps,
        deliver: Callable[[list[Entry]], None],
        on_error: Callable[[str, BaseException], None],
    ) -> None:
        self._chat = chat
        self._database = database
        self._stamps = stamps
        self._deliver = deliver
        self._on_error = on_error
        self._queue: deque[Entry] = deque()
        self._owed: list[Event] = []  # departures that were seen and could not be written yet
        self.delivered = 0
        """What has a stamp up to this has been handed to delivery, all of it. Any thread may read it."""
        # The turn. Guards the chat, the database's connection, the stamps and _owed. It is the first lock to be taken;
        # links' locks may be taken inside it. Nobody waits for it: who does not get it leaves the work to its holder.
        self._turn = threading.Lock()

    def put(self, entry: Entry) -> None:
        """Queue an entry; its place in the order is fixed now. :meth:`run` must follow."""
        self._queue.append(entry)

    def run(self) -> None:
        """Do what is queued, unless another thread is at it."""
        queue = self._queue
        if not queue or not self._turn.acquire(blocking=False):
            return
        try:
            self._run_turn()
        finally:
            self._turn.release()
            # What is left was put by threads that found the turn taken, the last of them perhaps only just. Whoever is
            # woken finds it free, or in the hands of somebody who will look here again.
            with contextlib.suppress(IndexError):
                queue[0].submitter.wake()

    def stop(self, timeout: float) -> None:
        """Wait for the end of the present turn, so long at most; there is none after it."""
        self._turn.acquire(timeout=timeout)

    def _run_turn(self) -> None:
        """A few batches, until the queue is empty or it is somebody else's turn."""
        until = time.monotonic() + TURN_SECONDS
        for _ in range(BATCHES):
            batch = self._take()
            if not batch:
                return
            self._process(batch)
            if time.monotonic() > until:
                return

    def ask(
        self,
        requests: Sequence[Request] = (),
        question: Callable[[Chat], object] | None = None,
        waiting: Waiting | None = None,
    ) -> tuple[list[Applied | Refusal], object]:
        """Put an entry, and wait until it is done. For threads that do not read a client, or no longer do.

        Who has other entries in the queue passes on the wake-ups for those to ``waiting``.
        """
        waiting = waiting or Waiting()
        entry = Entry(waiting, requests, question)
        self.put(entry)
        self.run()
        while not waiting.done:
            waiting.woken.wait()
            waiting.woken.clear()
            self.run()
        return entry.outcomes, entry.answer

    def _take(self) -> list[Entry]:
        queue = self._queue
        batch: list[Entry] = []
        weight = 0
        while queue and weight < BATCH:
            entry = queue.popleft()
            weight += entry.weight
            batch.append(entry)
        return batch

    def _process(self, batch: list[Entry]) -> None:
        if self._database.in_doubt:
            self._database.settle(self._chat)
        events = self._owed.copy()
        for entry in batch:
            for request in entry.requests:
                outcome = self._apply(request)
                entry.outcomes.append(outcome)
                if type(outcome) is Applied:
                    events.extend(outcome.events)
            if entry.question is not None:
                self._answer(entry)
        try:
            self._database.write(events)
        except NotStored as error:
            self._on_error("not stored", error)
            self._take_back(batch, str(error))
        except Exception as error:  # a defect of ours: what can't be written down is as good as not stored
            self._on_error("writing down failed", error)
            self._take_back(batch, "the server made a mistake")
        else:
            self._owed.clear()
        try:
            self._deliver(batch)
        except Exception as error:  # those who wait are to be told all the same
            self._on_error("delivery failed", error)
        self.delivered = self._chat.stamp
        for entry in batch:
            if type(entry.submitter) is Waiting:
                entry.submitter.finish()

    def _apply(self, request: Request) -> Applied | Refusal:
        try:
            return self._chat.apply(self._stamps.next(), request)
        except Exception as error:  # a defect of ours: it costs this request, and nobody else anything
            self._on_error("a rule failed", error)
            return Refusal(Reason.INTERNAL)

    def _answer(self, entry: Entry) -> None:
        assert entry.question is not None
        try:
            entry.answer = entry.question(self._chat)
        except Exception as error:
            self._on_error("a question failed", error)
            entry.answer = None

    def _take_back(self, batch: list[Entry], why: str) -> None:
        """The batch is not in the file: undo it, and do again what needs no file, in the same order."""
        for entry in reversed(batch):
            for outcome in reversed(entry.outcomes):
                if type(outcome) is Applied:
                    outcome.undo()
        for entry in batch:
            entry.outcomes.clear()
            for request in entry.requests:
                outcome = self._apply(request)
                if type(outcome) is Applied:
                    stored = [event for event in outcome.events if is_stored(event)]
                    if type(request) is Arrive and len(self._owed) < MAX_OWED:
                        self._owed.extend(_bare(event) for event in stored)
                    elif type(request) is Depart:
                        # Without their audiences: while the disk is broken, everybody may go one after the other.
                        self._owed.extend(
                            replace(event, audience=()) if type(event) is Left else event for event in stored
                        )
                    elif stored:
                        outcome.undo()
                        outcome = Refusal(Reason.NOT_STORED, (why,))
                entry.outcomes.append(outcome)
            if entry.question is not None:
                self._answer(entry)


def _bare(event: Event) -> Event:
    """An event of an arrival with nothing but what is to be written down: many may wait for that."""
    if type(event) is Arrived:
        return replace(event, channels=())
    if type(event) is Returned:
        return replace(event, places=tuple(replace(place, audience=()) for place in event.places))
    return event


class Waiting:
    """A thread that waits in :meth:`Journal.ask`."""

    def __init__(self) -> None:
        self.woken = threading.Event()
        self.done = False

    def wake(self) -> None:
        self.woken.set()

    def finish(self) -> None:
        self.done = True
        self.woken.set()
