"""A commit that fails leaves the chat as it was: every statement of every kind of transaction fails, in one way each.

All that can be in a transaction is in one of them, whose statements fail in every way.

The faults are those of a disk under SQLite itself; the tests then look into the file anew.
"""

import itertools
from collections.abc import Callable

import pytest

from securechat.chat.events import Arrived, DevicesSeen, Left, Returned, Said, SaidBefore
from securechat.chat.machine import Applied
from securechat.chat.refusals import Reason, Refusal
from securechat.chat.requests import (
    Arrive,
    Collect,
    Depart,
    Join,
    Request,
    Say,
)
from securechat.chat.views import channel_names
from securechat.store import journal
from securechat.store.journal import Entry
from tests.store.disk import BROKEN
from tests.store.kinds import (
    ANN,
    BOB,
    CHAINED,
    EVE,
    GUEST,
    LATE,
    LEAVER,
    PHONE,
    REASONS,
    STORED,
    collect,
    refused,
    steps_of,
)
from tests.store.shop import Client, Shop

IN_TURN = [(name, error) for name, error in zip(STORED, itertools.cycle(REASONS), strict=False)]
IN_ALL_WAYS = [("all at once", error) for error in REASONS if ("all at once", error) not in IN_TURN]


@pytest.mark.parametrize(("name", "error"), IN_TURN + IN_ALL_WAYS)
def test_each_statement_fails(new_shop: Callable[[], Shop], name: str, error: str) -> None:
    kind, twin = STORED[name], new_shop()
    for number in range(len(steps_of(twin, kind(twin)))):
        shop = new_shop()
        requests = kind(shop)
        shop.disk.fail(number, error=error)
        refused(shop, requests, REASONS[error])
        shop.check()
        shop.do(*requests)
        shop.check()


@pytest.mark.parametrize("chain", CHAINED)
def test_each_statement_of_requests_that_depend_on_others_fails(new_shop: Callable[[], Shop], chain: str) -> None:
    """What is done again after that may be accepted, where without those before it is not to be stored."""
    requests = CHAINED[chain]
    for number in range(len(steps_of(new_shop(), requests))):
        shop = new_shop()
        shop.disk.fail(number)
        shop.ask(*requests)
        assert [what for what, _ in shop.errors] == ["not stored"]
        shop.check()
    shop = new_shop()
    for request in requests:  # each in a transaction of its own
        shop.do(request)
        shop.check()


def test_the_commit_fails_and_what_comes_next_too(new_shop: Callable[[], Shop]) -> None:
    """Whatever fails when the file is opened again to look: here the transaction is not in it."""
    kind = STORED["all at once"]
    twin = new_shop()
    commit = len(steps_of(twin, kind(twin))) - 1
    shop = new_shop()
    shop.disk.fail(commit)
    refused(shop, kind(shop), REASONS["SQLITE_IOERR_WRITE"])
    for number in range(commit + 1, len(shop.disk.steps)):
        shop = new_shop()
        requests = kind(shop)
        shop.disk.fail(commit, number + 1 - commit)
        refused(shop, requests, REASONS["SQLITE_IOERR_WRITE"])
        shop.disk.mend()
        shop.do(*requests)
        shop.check()


def test_a_batch_of_all_kinds(new_shop: Callable[[], Shop]) -> None:
    """What needs no file is done, departures too; the rest is refused, and questions are answered as that leaves it."""
    why = Refusal(Reason.NOT_STORED, (REASONS["SQLITE_FULL"],))

    def entries(shop: Shop) -> list[Entry]:
        asked: list[list[Request]] = [
            [Say(ANN, "PRIVMSG", "#tea", "hello")],
            [Join(ANN, "#new"), Say(ANN, "TAGMSG", "#new", ""), Say(ANN, "TAGMSG", "#tea", "")],
            [
                Say(BOB, "PRIVMSG", "dan", "three"),
                Say(BOB, "PRIVMSG", "dan", "four"),
                shop.login(LATE, "ann"),
                Join(LATE, "#new"),
            ],
            [Depart(LEAVER, "gone")],
            [Say(LEAVER, "PRIVMSG", "#tea", "hello")],
            [*collect(shop), Depart(LATE, "gone"), Depart(LATE, "gone again")],
            [],
        ]
        return [
            Entry(Client(), requests, lambda chat: (channel_names(chat, ANN), sorted(chat.sessions), chat.held.copy()))
            for requests in asked
        ]

    twin = new_shop()
    done = entries(twin)
    twin.disk.watch()
    twin.batch(*done)
    twin.check()
    assert [type(outcome) for entry in done for outcome in entry.outcomes].count(Refusal) == 1
    for number in range(len(twin.disk.steps)):
        shop = new_shop()
        batch = entries(shop)
        held = shop.chat.held.copy()
        shop.disk.fail(number, error="SQLITE_FULL")
        shop.batch(*batch)
        assert [[type(o) is Applied or o for o in entry.outcomes] for entry in batch] == [
            [why],
            [why, Refusal(Reason.NO_SUCH_CHANNEL, ("#new",)), True],
            [why, why, True, why],
            [True],
            [Refusal(Reason.NO_SUCH_SESSION)],
            [why, True, True],
            [],
        ]
        before = [ANN, BOB, EVE, GUEST, LEAVER, PHONE]
        with_late = [ANN, BOB, EVE, GUEST, LEAVER, LATE, PHONE]
        without_leaver = [ANN, BOB, EVE, GUEST, LATE, PHONE]
        last = [ANN, BOB, EVE, GUEST, PHONE]
        sessions = [before, before, with_late, without_leaver, without_leaver, last, last]
        assert [entry.answer for entry in batch] == [(["#tea"], there, held) for there in sessions]
        assert [type(event) for event in shop.owed] == [Arrived, Left, DevicesSeen]
        assert [event.source for event in shop.owed if isinstance(event, Left)] == ["leaver!~g@host"]
        shop.check()
        shop.do(Say(ANN, "TAGMSG", "#tea", ""))
        shop.check()


def test_departures_are_owed_for_as_long_as_it_takes(new_shop: Callable[[], Shop]) -> None:
    shop = new_shop()
    shop.disk.fail(0, BROKEN, "SQLITE_READONLY")
    for session in (LEAVER, GUEST, PHONE, BOB):
        shop.do(Depart(session, "gone"))
    assert [what for what, _ in shop.errors] == ["not stored"] * 4
    assert [type(event) for event in shop.owed] == [Left, Left, DevicesSeen, DevicesSeen, Left]
    assert shop.owed == shop.shown[-5:]
    assert [event.source for event in shop.owed if isinstance(event, Left)] == [
        "leaver!~g@host", "guest!~g@host", "bob!~bob@host",
    ]  # fmt: skip
    shop.check()
    shop.disk.mend()
    shop.do(Say(ANN, "TAGMSG", "#tea", ""))
    shop.check()


def test_arrivals_are_owed_too_but_not_for_as_long(
    new_shop: Callable[[], Shop], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who has an account comes in, and is in their channels again; guests always do, for nothing is kept of them."""
    monkeypatch.setattr(journal, "MAX_OWED", 6)
    shop = new_shop()
    shop.disk.fail(0, BROKEN, "SQLITE_FULL")
    shop.do(Depart(PHONE, "gone"), Depart(BOB, "gone"))
    shop.do(shop.login(LATE, "bob", "phone"))
    assert [type(event) for event in shop.owed] == [DevicesSeen, DevicesSeen, Left, Returned]
    shop.do(Say(LATE, "TAGMSG", "#tea", ""))
    shop.do(shop.login(PHONE, "ann", "desk"), shop.login(BOB, "dan"))
    shop.errors.clear()
    assert len(shop.owed) == 6
    refused(shop, [shop.login(99, "eve", "desk")], REASONS["SQLITE_FULL"])
    shop.do(Arrive(99, "late", "~g", "host", "a guest"))
    shop.do(Depart(LATE, "gone"))
    shop.errors.clear()
    shop.check()
    shop.disk.mend()
    shop.do(shop.login(LATE, "eve", "desk"))
    assert not shop.owed
    shop.check()


def test_what_was_said_before_is_known_while_the_disk_fails(new_shop: Callable[[], Shop]) -> None:
    """Nothing is to be stored for that. What could not be stored was not said."""
    shop = new_shop()
    shop.disk.fail(0, BROKEN, "SQLITE_FULL")
    again, new = Say(ANN, "PRIVMSG", "#tea", "once", client_id="a"), Say(ANN, "PRIVMSG", "#tea", "x", client_id="new")
    shop.do(again)
    assert isinstance(shop.shown[-1], SaidBefore)
    shop.errors.clear()
    refused(shop, [new, new], REASONS["SQLITE_FULL"])
    shop.disk.mend()
    shop.do(new, new)
    assert [type(event) for event in shop.shown[-2:]] == [Said, SaidBefore]
    shop.check()


def test_a_value_that_sqlite_can_not_take_is_an_error_like_any_other(new_shop: Callable[[], Shop]) -> None:
    shop = new_shop()
    refused(shop, [Collect(EVE, 2**63)], REASONS["SQLITE_IOERR_WRITE"])
    shop.check()
