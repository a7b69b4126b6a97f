"""What is kept, and what goes: by age, by size, in small steps."""

import contextlib
import sqlite3
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from securechat.chat.requests import (
    ChangeNick,
    Depart,
    Join,
    Kick,
    Say,
    SetTopic,
)
from securechat.store.database import Database, NotStored
from securechat.store.retention import ROWS, SIZE
from securechat.store.retention_policy import Keep, Policy
from securechat.store.rows import Kind
from tests.store.disk import Disk
from tests.store.keeper import Keeper
from tests.store.kinds import BOB
from tests.store.shop import ANN, hello

MakeKeeper = Callable[..., Keeper]


@pytest.fixture
def make(path: Path) -> Iterator[MakeKeeper]:
    """A keeper of a chat in which Ann and Bob are in #tea and #Coffee."""
    with contextlib.ExitStack() as stack:

        def make(policy: Policy, disk: Disk | None = None) -> Keeper:
            keeper = stack.enter_context(Keeper(path, policy, disk))
            keeper.open("ann", "bob", "dan")
            keeper.do(*(keeper.login(session, name) for session, name in ((ANN, "ann"), (BOB, "bob"))))
            keeper.do(*(Join(session, name) for name in ("#tea", "#Coffee") for session in (ANN, BOB)))
            return keeper

        yield make


def large(target: str, name: str) -> Say:
    """A message of 100 kB, which begins with its name."""
    return Say(ANN, "PRIVMSG", target, "\n".join([name, *["x" * 399] * 250]), "", True)


def say(keeper: Keeper, *targets: str) -> None:
    """Something to each of these, which says to whom and on which day."""
    keeper.do(*(Say(ANN, "PRIVMSG", target, f"{target} {keeper.day:g}") for target in targets))


def test_without_a_policy_nothing_is_looked_at(make: MakeKeeper) -> None:
    keeper = make(Policy())
    keeper.retention._path = Path("/nowhere")
    assert not keeper.retention.step()


def test_by_age(make: MakeKeeper) -> None:
    keeper = make(Policy(Keep(days=10), 0, {"#coffee": Keep(days=3), "#archive": Keep()}))
    keeper.do(Join(ANN, "#Archive"))
    for keeper.day in (0, 5, 9, 11):
        say(keeper, "#tea", "#coffee", "#archive", "bob")
    before = keeper.rows("log")
    keeper.day = 11.5
    keeper.keep()
    assert keeper.texts() == [
        *("#archive 0", "bob 0", "#tea 5", "#archive 5", "bob 5"),
        *("#tea 9", "#coffee 9", "#archive 9", "bob 9"),
        *("#tea 11", "#coffee 11", "#archive 11", "bob 11"),
    ]
    assert set(keeper.rows("log")) < set(before), "what is left is as it was"
    assert {row.text for row in keeper.forgotten} == {"#tea 0", "#coffee 0", "#coffee 5"}
    assert keeper.keep() == 2, "then there is only a look at the channels"
    keeper.check_tables()


def test_what_happened_goes_as_what_was_said_does(make: MakeKeeper) -> None:
    keeper = make(Policy(Keep(days=10), 0, {"#coffee": Keep()}))
    keeper.do(SetTopic(ANN, "#tea", "cups"), Kick(ANN, "#tea", "bob", ""), SetTopic(ANN, "#coffee", "mugs"))
    keeper.day = 12
    say(keeper, "#tea")
    keeper.keep()
    assert keeper.kinds() == [Kind.JOIN, Kind.JOIN, Kind.TOPIC, Kind.PRIVMSG]
    keeper.check_tables()


def test_the_record_goes_with_the_default_age(make: MakeKeeper) -> None:
    keeper = make(Policy(Keep(), 0, {"#tea": Keep(days=1), "#coffee": Keep(days=1)}))
    keeper.day = 12
    say(keeper, "dan")
    keeper.keep()
    assert keeper.kinds() == [Kind.STARTED, *[Kind.ACCOUNT_ADDED] * 3, Kind.PRIVMSG]
    keeper.policy = Policy(Keep(days=13))
    keeper.keep()
    assert Kind.STARTED in keeper.kinds()
    keeper.policy = Policy(Keep(days=11))
    keeper.keep()
    assert keeper.kinds() == [Kind.PRIVMSG]
    assert len(keeper.rows("accounts")) == 3


def test_what_is_seen_in_several_goes_with_the_last(make: MakeKeeper) -> None:
    keeper = make(Policy(Keep(days=10), 0, {"#coffee": Keep(days=20)}))
    keeper.do(Depart(BOB, "good night"))
    assert len(keeper.rows("log_channels")) == 2
    keeper.day = 12
    say(keeper, "#tea")
    keeper.keep()
    assert Kind.QUIT in keeper.kinds()
    assert len(keeper.rows("log_channels")) == 1
    keeper.day = 23
    say(keeper, "#tea")
    keeper.keep()
    assert keeper.kinds() == [Kind.PRIVMSG]
    assert keeper.rows("log_channels") == []


def test_what_no_channel_has_goes_with_the_default_age(make: MakeKeeper) -> None:
    """A nick that was changed by somebody who is in no channel; and what older versions wrote."""
    keeper = make(Policy(Keep(), 0, {"#tea": Keep(days=1)}))
    (_,) = keeper.ask(keeper.guest(9, "guest"))
    keeper.do(ChangeNick(9, "ghost"), hello(ANN))
    keeper.day = 12
    keeper.do(Say(ANN, "PRIVMSG", "#coffee", "now"))
    keeper.keep()
    assert Kind.NICK in keeper.kinds()
    keeper.policy = Policy(Keep(days=10))
    keeper.keep()
    assert keeper.kinds() == [Kind.PRIVMSG]


def test_private_messages_have_an_age_of_their_own(make: MakeKeeper) -> None:
    """Also those that wait; what the chat knows of them is too much then, and it is only a number."""
    keeper = make(Policy(private_days=10))
    for keeper.day in (0, 5, 11):
        say(keeper, "bob", "dan", "#tea")
    dan = keeper.chat.accounts["dan"].id
    keeper.keep()
    assert keeper.texts() == ["#tea 0", "bob 5", "dan 5", "#tea 5", "bob 11", "dan 11", "#tea 11"]
    assert len(keeper.rows("held")) == 2
    waiting = keeper.database.held_messages(dan, keeper.chat.held[dan])
    assert [message.text for message in waiting] == ["dan 5", "dan 11"]
    keeper.policy = Policy(private_days=2)  # an earlier look does not hide them
    keeper.keep()
    assert keeper.texts() == ["#tea 0", "#tea 5", "bob 11", "dan 11", "#tea 11"]


def test_by_size(make: MakeKeeper) -> None:
    keeper = make(Policy(Keep(), 0, {"#tea": Keep(megabytes=1)}))
    tea = keeper.chat.channels["#tea"].id
    for number in range(30):
        keeper.do(large("#tea", f"t{number}"), large("#coffee", f"c{number}"))
    for newest in (29, 30):
        keeper.keep()
        names = [text.split()[0] for text in keeper.texts()]
        assert [name for name in names if name[0] == "c"] == [f"c{number}" for number in range(30)]
        assert [name for name in names if name[0] == "t"] == [f"t{number}" for number in range(newest - 8, newest + 1)]
        in_tea = f"SELECT sum{SIZE}, max{SIZE} FROM log WHERE channel = ?"  # noqa: S608 - ours
        size, largest = keeper.reader.execute(in_tea, (tea,)).fetchone()
        assert size <= 1_000_000 < size + largest
        assert keeper.retention._sizes[tea] == size
        keeper.do(large("#tea", f"t{newest + 1}"))


def test_a_size_is_counted_anew_after_a_start(path: Path, make: MakeKeeper) -> None:
    policy = Policy(Keep(megabytes=1))
    keeper = make(policy)
    keeper.do(*(large("#tea", str(number)) for number in range(9)))
    assert keeper.keep() > 1
    assert len(keeper.texts()) == 9
    with Keeper(path, policy) as again:
        again.open()
        again.do(again.login(ANN, "ann"), large("#tea", "9"), large("#tea", "10"))
        again.keep()
        assert [text.split()[0] for text in again.texts()] == [str(number) for number in range(2, 11)]


def test_a_channel_that_does_not_last_has_the_name_by_which_it_was_called(make: MakeKeeper) -> None:
    keeper = make(Policy(Keep(), 0, {"#fun": Keep(days=1)}))
    keeper.ask(keeper.guest(9, "guest"))
    keeper.do(Join(9, "#Fun"), Say(9, "PRIVMSG", "@#fun", "boo"), Depart(9, ""))
    keeper.day = 3
    say(keeper, "#tea")
    keeper.keep()
    assert keeper.texts() == ["#tea 3"]
    assert Kind.QUIT not in keeper.kinds()


def test_the_newest_row_stays(make: MakeKeeper, path: Path) -> None:
    """Else the stamps of a server whose clock was set back would begin again."""
    keeper = make(Policy(Keep(days=1), 1))
    say(keeper, "#tea", "bob")
    (last,) = keeper.reader.execute("SELECT max(stamp) FROM log").fetchone()
    keeper.day = 100
    keeper.keep()
    assert keeper.texts() == ["bob 0"]
    with contextlib.closing(Database(path)) as database:
        assert database.load()[1] >= last


def test_what_was_taken_back_waits_for_the_search_index(make: MakeKeeper) -> None:
    keeper = make(Policy(Keep(days=1), 1))
    say(keeper, "#tea", "bob", "#tea", "bob")
    taken = [stamp for (stamp,) in keeper.reader.execute("SELECT stamp FROM log WHERE kind < 3 ORDER BY stamp")][:2]
    for stamp in taken:
        keeper.reader.execute("INSERT INTO erased VALUES (?, 'secret', '')", (stamp,))
        keeper.reader.execute("UPDATE log SET text = '', redacted = 1 WHERE stamp = ?", (stamp,))
    keeper.day = 9
    say(keeper, "#coffee")
    keeper.keep()
    assert len(keeper.texts()) == 5
    keeper.reader.execute("DELETE FROM erased")
    keeper.keep()
    assert keeper.texts() == ["#coffee 9"]
    assert {row.stamp for row in keeper.forgotten}.isdisjoint(taken)


def test_in_small_steps(make: MakeKeeper) -> None:
    """A deletion of no more than so many rows in each, and nothing is open between them."""
    keeper = make(Policy(Keep(days=1), 1))
    for _ in range(5):
        keeper.do(*(hello(ANN, str(number)) for number in range(ROWS)))
    keeper.do(*(Say(BOB, "NOTICE", "ann", str(number)) for number in range(ROWS)))
    keeper.day = 5
    say(keeper, "#coffee")
    left = [len(keeper.texts())]
    while keeper.retention.step():
        left.append(len(keeper.texts()))
        keeper.reader.execute("PRAGMA busy_timeout = 1")
        assert keeper.reader.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0
    assert left[-1] == 1
    assert max(before - after for before, after in pairwise(left)) <= ROWS
    assert len({*left}) > 6


def test_while_the_disk_fails_it_is_tried_again(make: MakeKeeper) -> None:
    disk = Disk()
    keeper = make(Policy(Keep(days=1)), disk)
    say(keeper, "#tea")
    keeper.day = 5
    disk.fail(0, 10**6)
    for _ in range(3):
        with pytest.raises(NotStored):
            keeper.keep()
    disk.mend()
    say(keeper, "#coffee")
    keeper.keep()
    assert keeper.texts() == ["#coffee 5"]
    assert not keeper.errors


def test_the_store_that_can_not_be_read_is_told_of(make: MakeKeeper) -> None:
    keeper = make(Policy(Keep(days=1)))
    path, keeper.retention._path = keeper.retention._path, Path("/nowhere/at/all.db")
    for _ in range(2):
        with pytest.raises(sqlite3.OperationalError):
            keeper.retention.step()
    keeper.retention._path = path
    keeper.keep()
