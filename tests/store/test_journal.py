"""One order for all: what the journal does with entries, one after the other and from many threads at once."""

import contextlib
import itertools
import sqlite3
import threading
from pathlib import Path
from typing import cast

import pytest

from securechat.chat.events import Said
from securechat.chat.machine import Applied, Chat
from securechat.chat.refusals import Reason, Refusal
from securechat.chat.requests import AddAccount, Join, Request
from securechat.chat.views import channel_names, snapshot
from securechat.store import journal as journal_module
from securechat.store import rows
from securechat.store.clock import Stamps
from securechat.store.database import Database
from securechat.store.journal import BATCH, BATCHES, Entry, Journal
from tests.chat.interruption import interrupted
from tests.store.shop import ANN, BOB, Client, Table, applied, hello, log, tag

SECONDS = 60
"""Nothing here takes so long, unless a wake-up was lost."""


def anns_channels(chat: Chat) -> list[str]:
    return channel_names(chat, ANN)


# -- what becomes of an entry ------------------------------------------------------------------------------------------


def test_each_request_has_its_outcome_and_the_question_comes_after_them(table: Table) -> None:
    client = Client()
    entries = [
        Entry(client, [Join(ANN, "#a"), Join(ANN, "no channel"), Join(ANN, "#b")], anns_channels),
        Entry(client, (), anns_channels),
        Entry(client, [Join(ANN, "#c")]),
    ]
    table.batch(*entries)
    first, second, third = entries
    assert [type(outcome) for outcome in first.outcomes] == [Applied, Refusal, Applied]
    assert first.answer == second.answer == ["#tea", "#a", "#b"]
    assert [type(outcome) for outcome in third.outcomes] == [Applied]
    assert third.answer is None
    assert table.delivered == entries
    assert not client.woken.is_set()
    assert not table.errors
    table.check()


def test_without_entries_nothing_happens(table: Table) -> None:
    table.disk.watch()
    table.journal.run()
    assert (table.delivered, table.disk.steps) == ([], [])


def test_what_others_see_is_in_the_file_before(table: Table) -> None:
    seen: list[bool] = []

    def look(batch: list[Entry]) -> None:
        with contextlib.closing(sqlite3.connect(table.path)) as other:
            stored = {row[0] for row in log(other)}
        events = (event for entry in batch for outcome in applied(entry) for event in outcome.events)
        seen.extend(event.stamp in stored for event in events if getattr(event, "audience", ()))

    table.on_deliver = look
    for number in range(10):
        table.do(*(hello(session, str(number)) for session in (ANN, BOB)), Join(ANN, f"#c{number % 2}"))
    assert seen == [True] * 22
    assert not table.errors


def test_a_rule_that_fails_refuses_its_request_alone(table: Table) -> None:
    before = snapshot(table.chat)
    broken = cast(Request, object())
    entries = [Entry(Client(), [hello(ANN, "one"), broken, hello(ANN, "two")]), Entry(Client(), [hello(BOB, "three")])]
    table.batch(*entries)
    assert entries[0].outcomes[1] == Refusal(Reason.INTERNAL)
    assert [event.text for event in table.shown[-3:] if isinstance(event, Said)] == ["one", "two", "three"]
    assert [what for what, _ in table.errors] == ["a rule failed"]
    assert snapshot(table.chat) == before
    table.check()


def test_a_question_that_fails_has_no_answer_and_harms_no_other(table: Table) -> None:
    def fail(chat: Chat) -> object:
        raise ArithmeticError

    entries = [
        Entry(Client(), [hello(ANN, "one")], fail),
        Entry(Client(), (), lambda chat: len(chat.sessions)),
    ]
    table.batch(*entries)
    assert [entry.answer for entry in entries] == [None, 2]
    assert applied(entries[0])
    assert [(what, type(error)) for what, error in table.errors] == [("a question failed", ArithmeticError)]


def test_what_cannot_be_written_down_is_refused(table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    """A defect of ours: the batch is undone, whoever waits is told, and the next one is as always."""

    def broken(_: object) -> object:
        raise ZeroDivisionError

    entry = Entry(Client(), [Join(ANN, "#a")], anns_channels)
    with monkeypatch.context() as patch:
        patch.setattr(rows, "write_down", broken)
        table.batch(entry)
    assert entry.outcomes == [Refusal(Reason.NOT_STORED, ("the server made a mistake",))]
    assert entry.answer == ["#tea"]
    assert table.delivered == [entry]
    assert [what for what, _ in table.errors] == ["writing down failed"]
    table.errors.clear()
    table.batch(again := Entry(Client(), [Join(ANN, "#a")]))
    assert [type(outcome) for outcome in again.outcomes] == [Applied]
    table.check()


def test_a_delivery_that_fails_keeps_nobody_waiting(table: Table) -> None:
    def fail(batch: list[Entry]) -> None:
        raise ArithmeticError

    table.on_deliver = fail
    (outcome,), _ = table.journal.ask([hello(ANN, "one")])
    assert isinstance(outcome, Applied)
    assert [(what, type(error)) for what, error in table.errors] == [("delivery failed", ArithmeticError)]
    table.check()


# -- the turn ----------------------------------------------------------------------------------------------------------


def test_no_thread_is_kept_for_ever(table: Table) -> None:
    """Somebody always has one more: after some batches it is their turn."""
    head, behind, mine = Client(), Client(), Client()
    batches = []

    def put_more(batch: list[Entry]) -> None:
        batches.append(batch)
        for client in (head, behind):
            table.journal.put(Entry(client, [tag(BOB)]))

    table.on_deliver = put_more
    table.journal.put(Entry(mine, [tag(ANN)]))
    for turns in range(1, 4):
        head.woken.clear()
        table.journal.run()
        assert len(batches) == turns * BATCHES
        assert head.woken.is_set()
        assert not behind.woken.is_set()
        assert not mine.woken.is_set()


def test_nor_for_as_many_batches_where_they_are_large(table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal_module, "TURN_SECONDS", -1)
    client, after = Client(), Client()
    for _ in range(BATCH):
        table.journal.put(Entry(client, [tag()]))
    table.journal.put(Entry(after, [tag()]))
    table.journal.run()
    assert len(table.delivered) == BATCH
    assert not client.woken.is_set()
    assert after.woken.is_set()
    table.journal.run()
    assert len(table.delivered) == BATCH + 1


def test_who_finds_the_turn_taken_goes_on_at_once(table: Table) -> None:
    inside, leave = threading.Event(), threading.Event()

    def stay(batch: list[Entry]) -> None:
        inside.set()
        assert leave.wait(SECONDS)

    table.on_deliver = stay
    runner = threading.Thread(target=table.do, args=(tag(),))
    runner.start()
    try:
        assert inside.wait(SECONDS)
        client = Client()
        entry = Entry(client, [tag(BOB)])
        table.batch(entry)
        assert entry.outcomes == []
    finally:
        leave.set()
        runner.join(SECONDS)
    assert applied(entry), "who had the turn has looked again"
    assert not client.woken.is_set()


def test_after_a_stop_there_is_no_turn_any_more(table: Table) -> None:
    """One that has begun is waited for."""
    inside, leave = threading.Event(), threading.Event()

    def stay(batch: list[Entry]) -> None:
        inside.set()
        assert leave.wait(SECONDS)

    table.on_deliver = stay
    first, second = Entry(Client(), [hello(ANN)]), Entry(Client(), [hello(BOB)])
    runner = threading.Thread(target=table.batch, args=(first,))
    runner.start()
    assert inside.wait(SECONDS)
    stopper = threading.Thread(target=table.journal.stop, args=(SECONDS,))
    stopper.start()
    leave.set()
    for thread in (runner, stopper):
        thread.join(SECONDS)
        assert not thread.is_alive()
    table.batch(second)
    assert table.delivered == [first]
    table.check()


def _in_the_journal(code: object) -> bool:
    return getattr(code, "co_filename", "") == journal_module.__file__


def test_no_wake_up_is_lost_wherever_somebody_puts_an_entry(table: Table) -> None:
    """At each instruction of a run another session puts one and finds the turn taken, or takes it."""
    for place in itertools.count():
        client, other = Client(), Client()
        entry, late = Entry(client, [tag()]), Entry(other, [tag(BOB)])

        def come(late: Entry = late) -> None:
            table.batch(late)

        table.journal.put(entry)
        if not interrupted(table.journal.run, place, come, _in_the_journal):
            break
        assert applied(entry)
        if not late.outcomes:
            assert other.woken.is_set()
            table.journal.run()
            assert applied(late)
        assert len(table.delivered) == 2
        table.delivered.clear()
    assert place > 200


def test_nor_where_two_do_and_the_turn_has_to_pass(table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal_module, "BATCHES", 1)
    monkeypatch.setattr(journal_module, "BATCH", 1)
    for place in itertools.count():
        clients = {Client(): [tag()] * 2 for _ in range(3)}
        first, *others = ([Entry(client, [request]) for request in requests] for client, requests in clients.items())

        def come(others: list[list[Entry]] = others) -> None:
            for entries in others:
                table.batch(*entries)

        for entry in first:
            table.journal.put(entry)
        if not interrupted(table.journal.run, place, come, _in_the_journal):
            break
        while woken := [client for client in clients if client.woken.is_set()]:
            for client in woken:
                client.woken.clear()
                table.journal.run()
        assert len(table.delivered) == 6
        assert all(applied(entry) for entry in table.delivered)
        for entries in (first, *others):
            assert [entry for entry in table.delivered if entry in entries] == entries
        table.delivered.clear()
    assert place > 100


# -- a restart ---------------------------------------------------------------------------------------------------------


def test_stamps_rise_over_a_restart_even_if_the_clock_goes_back(tmp_path: Path) -> None:
    with Table(tmp_path / "db") as before:
        before.do(hello(ANN, "later"))
        last = before.shown[-1].stamp
    database = Database(tmp_path / "db")
    chat, greatest = database.load()
    assert greatest == last
    journal = Journal(chat, database, Stamps(greatest, lambda: 0), lambda _: None, lambda what, error: None)
    account = chat.accounts["ann"]
    (outcome,), _ = journal.ask([Join(ANN, "#tea")])
    assert outcome == Refusal(Reason.NO_SUCH_SESSION)
    (outcome,), _ = journal.ask([AddAccount("new", "hash")])
    assert isinstance(outcome, Applied)
    assert outcome.events[0].stamp > last > account.id
    database.close()
