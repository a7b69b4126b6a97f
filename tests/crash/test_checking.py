"""The checker finds what is wrong: each rule is broken once, in what is right otherwise."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.crash.checking import complaints, missed, none, unfinished
from tests.crash.records import Account, Line, Row, Seen, Visit, up_to

LOG = [
    Row("01", "JOIN", "bob", ("#tea", "")),
    Row("02", "PRIVMSG", "ann", ("#tea", "a1")),
    Row("03", "PRIVMSG", "bob", ("#tea", "b1")),
    Row("04", "NOTICE", "ann", ("bob", "a2")),
    Row("05", "PRIVMSG", "ann", ("#tea", "a3")),
    Row("06", "PRIVMSG", "ann", ("#jam", "a3")),
    Row("07", "PRIVMSG", "ann", ("#tea", "a4")),
]


def seen(row: Row, *, live: bool = True) -> Seen:
    return Seen(row.msgid, row.command, row.nick, row.words, live)


def accounts() -> tuple[Account, Account]:
    """Ann, who has sent one thing again, and Bob, who came twice and was shown something the second time."""
    ann = Account("ann", [Visit(), Visit()])
    ann.visits[0].sent = [Line((row.words,)) for row in (LOG[1], LOG[3])]
    ann.visits[0].sent += [Line((LOG[4].words, LOG[5].words)), Line((LOG[6].words,)), Line((("#tea", "lost"),))]
    ann.visits[0].seen = [seen(row) for row in LOG[:6]]
    ann.visits[1].seen = [seen(LOG[1], live=False), seen(LOG[2], live=False), seen(LOG[6])]
    ann.visits[1].again = {LOG[6].words}
    ann.acknowledged = {row.words: seen(row) for row in (*LOG[3:7], LOG[1])}
    ann.named = {LOG[6].words}
    ann.refused = {("bob", "refused")}
    bob = Account("bob", [Visit(), Visit()])
    bob.visits[0].sent = [Line((LOG[2].words,))]
    bob.visits[0].seen = [seen(row) for row in LOG[:3]]
    bob.visits[1].seen = [seen(LOG[4], live=False), seen(LOG[3], live=False), seen(LOG[6])]
    return ann, bob


def test_what_is_right() -> None:
    none(complaints(accounts(), LOG))
    none(unfinished(accounts(), LOG))


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda log: log.pop(1), "was acknowledged"),
        (lambda log: log.pop(1), "was seen"),
        (lambda log: log.pop(0), "was seen"),
        (lambda log: log.pop(2), "was seen"),
        (lambda log: log.pop(5), "only a part"),
        (lambda log: log.pop(), "was acknowledged"),
        (lambda log: log.append(replace(LOG[1], msgid="08")), "is there 2 times"),
        (lambda log: log.append(Row("08", "PRIVMSG", "bob", ("#tea", "b9"))), "nobody sent"),
        (lambda log: log.append(Row("08", "PRIVMSG", "bob", ("#tea", "lost"))), "nobody sent"),
        (lambda log: log.append(Row("08", "PRIVMSG", "ann", ("bob", "refused"))), "was refused"),
        (lambda log: log.insert(1, log.pop()), "the log is not in order"),
        (lambda log: log.__setitem__(6, replace(LOG[6], msgid="09")), "was acknowledged as 07 and is there as 09"),
        (lambda log: log.__setitem__(2, replace(LOG[2], nick="eve")), "is there as"),
        (lambda log: log.__setitem__(2, replace(LOG[2], command="NOTICE")), "is there as"),
        (lambda log: log.__setitem__(2, replace(LOG[2], words=("#jam", "b1"))), "is there as"),
    ],
)
def test_a_log_that_is_wrong(change: Callable[[list[Row]], object], complaint: str) -> None:
    log = LOG.copy()
    change(log)
    found = complaints(accounts(), log)
    assert any(complaint in one for one in found), found


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda ann, bob: ann.visits[0].seen.insert(1, ann.visits[0].seen.pop(2)), "came after"),
        (lambda ann, bob: ann.visits[0].seen.pop(2), "was not seen"),
        (lambda ann, bob: ann.visits[0].seen.append(ann.visits[0].seen[-1]), "came 2 times"),
        (lambda ann, bob: ann.visits[1].seen.insert(0, ann.visits[1].seen.pop(1)), "#tea: "),
        (lambda ann, bob: bob.visits[1].seen.append(seen(LOG[4])), "came after"),
        (lambda ann, bob: bob.visits[0].sent.clear(), "nobody sent"),
        (lambda ann, bob: ann.visits[0].sent.reverse(), "was sent after"),
        (
            lambda ann, bob: ann.visits[0].sent.insert(1, Line((("#tea", "?"),))),
            "is not there, and what was sent after",
        ),
        (lambda ann, bob: ann.acknowledged.update({("#tea", "lost"): seen(LOG[6])}), "was acknowledged"),
    ],
)
def test_people_who_know_otherwise(change: Callable[[Account, Account], object], complaint: str) -> None:
    ann, bob = accounts()
    change(ann, bob)
    found = complaints((ann, bob), LOG)
    assert any(complaint in one for one in found), found


def test_what_may_be_refused_leaves_no_gap() -> None:
    ann, bob = accounts()
    ann.visits[0].sent.insert(1, Line((("bob", "?"),), certain=False))
    none(complaints((ann, bob), LOG))


def test_what_was_never_answered() -> None:
    ann, bob = accounts()
    ann.named.add(("#tea", "lost"))
    assert len(unfinished((ann, bob), LOG)) == 1
    ann.refused.add(("#tea", "lost"))
    none(unfinished((ann, bob), LOG))


def test_what_was_known_before() -> None:
    """The messages at 03 and later came when the trace was longer."""
    ann, bob = accounts()
    for account in (ann, bob):
        for visit in account.visits:
            visit.seen = [replace(one, position=int(one.msgid)) for one in visit.seen]
        account.acknowledged = {w: replace(one, position=int(one.msgid)) for w, one in account.acknowledged.items()}
    none(complaints(up_to((ann, bob), 2), LOG[:2]))
    assert complaints(up_to((ann, bob), 3), LOG[:2])


def test_what_was_missed() -> None:
    """Bob joined after 01; 02 and 03 came live, 04 and 05 later. What he said himself he need not be shown."""
    _, bob = accounts()
    none(missed(bob, ["#tea"], LOG))
    assert len(missed(bob, ["#tea", "#jam"], LOG)) == 1
    bob.visits[1].seen.pop(0)
    assert len(missed(bob, ["#tea"], LOG)) == 1
