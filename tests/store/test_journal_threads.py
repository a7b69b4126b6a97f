"""The journal, run by many threads at once, as the server's sessions do."""

import sys
import threading
from collections.abc import Iterator

import pytest

from securechat.chat.machine import Applied
from securechat.chat.refusals import Refusal
from securechat.chat.requests import Depart, Request
from securechat.store import journal as journal_module
from securechat.store.journal import BATCH, Entry, Waiting
from tests.store.shop import ANN, BOB, Table, hello, tag

SECONDS = 60
"""Nothing here takes so long, unless a wake-up was lost."""


@pytest.fixture
def hasty() -> Iterator[None]:
    """Threads take turns as often as they can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


class Session:
    """A session as the server has them: its thread puts what was read, goes on when it is woken, and never waits for a
    turn. ``settle`` is what delivery calls.
    """

    def __init__(self, table: Table, requests: list[Request], window: int) -> None:
        self.table = table
        self.entries = [Entry(self, [request]) for request in requests]
        self.window = window
        self.answered = 0
        self._woken = threading.Event()
        self.thread = threading.Thread(target=self._run)

    def wake(self) -> None:
        self._woken.set()

    def settle(self) -> None:
        self.answered += 1
        if self.answered == len(self.entries) or self.answered % self.window == 0:
            self._woken.set()

    def _run(self) -> None:
        journal = self.table.journal
        submitted = 0
        while self.answered < len(self.entries):
            while submitted < min(len(self.entries), self.answered + self.window):
                journal.put(self.entries[submitted])
                submitted += 1
            journal.run()
            if self.answered < submitted:
                if not self._woken.wait(SECONDS):
                    return
                self._woken.clear()


@pytest.mark.parametrize("batch", [BATCH, 3])
@pytest.mark.usefixtures("hasty")
def test_many_sessions_at_once(table: Table, monkeypatch: pytest.MonkeyPatch, batch: int) -> None:
    monkeypatch.setattr(journal_module, "BATCH", batch)
    each = 150
    sessions = [
        Session(table, [hello(ANN + number % 2, f"{number} {count}") for count in range(each)], window=1 + 4 * number)
        for number in range(8)
    ]

    def settle(batch: list[Entry]) -> None:
        for entry in batch:
            if isinstance(entry.submitter, Session):
                entry.submitter.settle()

    table.on_deliver = settle
    for session in sessions:
        session.thread.start()
    for session in sessions:
        session.thread.join(SECONDS)
        assert not session.thread.is_alive()
        assert session.answered == each
    assert len(table.delivered) == each * len(sessions), "nothing is left behind, and nothing is done twice"
    for session in sessions:
        assert [entry for entry in table.delivered if entry.submitter is session] == session.entries
    table.check()  # the order of the log is that of the delivery
    assert not table.errors


@pytest.mark.usefixtures("hasty")
def test_many_threads_ask(table: Table) -> None:
    answers: dict[int, list[bool]] = {}

    def ask(number: int) -> None:
        answers[number] = []
        for count in range(60):
            (said, tagged), answer = table.journal.ask(
                [hello(ANN, f"{number} {count}"), tag(BOB)], lambda chat: chat.users["ann"].last_spoke
            )
            assert isinstance(said, Applied)
            assert isinstance(tagged, Applied)
            answers[number].append(answer == said.events[0].stamp)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(SECONDS)
        assert not thread.is_alive()
    assert answers == {number: [True] * 60 for number in range(6)}
    assert not table.errors
    table.check()


def test_who_asks_with_entries_before_it_passes_on_the_wake_ups_for_those(
    table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a session that leaves: the turn comes to what it sent before, while it waits for the answer to the last."""
    monkeypatch.setattr(journal_module, "BATCHES", 1)
    monkeypatch.setattr(journal_module, "BATCH", 2)
    inside, leave = threading.Event(), threading.Event()
    waiting = Waiting()

    class Leaving:
        def wake(self) -> None:
            waiting.wake()

    def stay(batch: list[Entry]) -> None:
        if not inside.is_set():
            inside.set()
            assert leave.wait(SECONDS)

    table.on_deliver = stay
    runner = threading.Thread(target=table.do, args=(tag(ANN),))
    runner.start()
    assert inside.wait(SECONDS)
    entries = [Entry(Leaving(), [hello(BOB, str(number))]) for number in range(9)]
    table.batch(*entries)
    answers: list[tuple[list[Applied | Refusal], object]] = []

    def depart() -> None:
        answers.append(table.journal.ask([Depart(BOB, "gone")], lambda chat: len(chat.sessions), waiting))

    asker = threading.Thread(target=depart)
    asker.start()
    leave.set()
    for thread in (runner, asker):
        thread.join(SECONDS)
        assert not thread.is_alive()
    (((outcome,), count),) = answers
    assert isinstance(outcome, Applied)
    assert count == 1
    assert table.delivered[1:-1] == entries
    table.check()
