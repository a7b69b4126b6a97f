"""`kill -9` at any moment, again and again, under load: nothing acknowledged is missing, nobody saw what is not there,
everybody saw the same order, and nothing is there twice."""

import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from securechat.chat.stamps import STEP_BITS
from tests.crash.records import stored
from tests.crash.rounds import Rounds, process, rounds
from tests.crash.traces import Tracer, operations
from tests.e2e.servers import PASSWORD, Place, Server
from tests.e2e.wires import Chatter, Wire, login_lines, parsed, texts


def test_under_load(place: Place, chance: random.Random) -> None:
    people = Rounds(place, chance)
    stages = [0, 3, 7, *(chance.randint(8, 400) for _ in range(rounds(10) - 3))]
    chance.shuffle(stages)
    for number in stages:
        people.one(number)
        if chance.random() < 0.3:
            people.killed_at_start()
        people.check()
    log = people.last()
    assert len(log) > sum(stages)
    assert any(visit.again for account in people.accounts for visit in account.visits), "nothing was sent again"


def test_while_it_starts(place: Place, chance: random.Random, shim: Path, tmp_path: Path) -> None:
    """At any operation on its files, after a kill under load: there is a WAL to be read, and people are to be ended."""
    people = Rounds(place, chance)
    people.one(100)
    people.tracer = Tracer(shim, place.data.path, tmp_path / "trace")
    people.killed_at_start()
    number = operations(people.tracer.records())
    assert number > 5
    for at in sorted(chance.sample(range(1, number + 1), min(number, rounds(6))), reverse=True):
        before = stored(place.data.database)
        people.one(0, at=at)
        after = people.check()
        assert after[: len(before)] == before
    people.tracer = None
    people.last()


def test_while_somebody_is_shown_what_they_missed(place: Place) -> None:
    """They came, and the server was killed before they had it. So it is shown to them when they come again."""
    with started(place) as server:
        with Chatter(server, "bob", join="#lobby") as bob:
            bob.sync()
        with Chatter(server, "alice", join="#lobby") as alice:
            alice.say("#lobby", "missed")
        assert server.stop() == 0
    an_hour_passes(place.data.database)
    with started(place) as server:
        wire = Wire(server)
        wire.send("CAP LS 302", "NICK bob", "USER bob 0 * :bob", *login_lines("bob", PASSWORD), "CAP END")
        wire.expect("001")
        server.kill()
        wire.sock.close()
    with started(place) as server:
        with Chatter(server, "bob", join="#lobby") as bob:
            assert texts(parsed(bob.lines)) == ["missed"]
        assert server.stop() == 0


@contextmanager
def started(place: Place) -> Iterator[Server]:
    with process(place) as server:
        server.port = server.logged("listening")["port"]
        yield server


def an_hour_passes(database: Path) -> None:
    """While no server runs: whatever happened was an hour earlier."""
    with closing(sqlite3.connect(database)) as connection:
        for column in (
            "log.stamp",
            "log_channels.stamp",
            "devices.seen",
            "channel_members.reads_from",
            "channels.open_since",
        ):
            table, _, name = column.partition(".")
            connection.execute(f"UPDATE {table} SET {name} = {name} - ?", (3_600_000 << STEP_BITS,))  # noqa: S608
        connection.commit()
