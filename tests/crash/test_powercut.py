"""The power is cut: whatever was not synced is gone, or there in part. `--durability full` loses nothing acknowledged;
with `normal` the last messages may be gone, and all before them are there."""

import os
import random
import sqlite3
import subprocess
import sys
from contextlib import closing
from itertools import islice
from pathlib import Path

import pytest

from securechat.store.database import Database
from securechat.store.schema import VERSION
from tests.crash.checking import complaints, none
from tests.crash.cuts import cuts, replayed, sample
from tests.crash.disk_model import Image, read, unlike, write
from tests.crash.records import stored, up_to
from tests.crash.rounds import Rounds, rounds
from tests.crash.traces import Kind, Tracer, operations
from tests.e2e.servers import Place

MOMENTS = 40
"""So many are looked at in a trace."""

DATA = Path(__file__).parents[1] / "data"


def traced(place: Place, shim: Path, name: str) -> tuple[Tracer, Image]:
    """A tracer of a place's data, and what is there now."""
    return Tracer(shim, place.data.path, place.home / name), read(place.data.path)


@pytest.mark.parametrize("durability", ["full", "normal"])
def test_at_many_moments_under_load(
    place: Place, shim: Path, chance: random.Random, scratch: Path, durability: str
) -> None:
    tracer, initial = traced(place, shim, "trace")
    people = Rounds(place, chance, "--durability", durability, tracer=tracer)
    people.one(chance.randint(1500, 2500))
    final = people.check()
    records = tracer.records()
    assert len(unlike(replayed(tracer, initial).live(), read(place.data.path))) <= 1, "the shim has not seen everything"
    database = {record.file for record in records if record.names == ("securechat.db",)}
    synced = [record for record in records if record.kind is Kind.SYNC_END and record.file in database]
    assert synced, "the WAL was never copied into the file"

    lost = 0
    for cut in cuts(tracer, initial, sample(records, MOMENTS, chance), chance):
        log = cut.log(scratch / "disk")
        assert log == final[: len(log)], "the last messages may be gone, and none before them"
        found = complaints(up_to(people.accounts, cut.position), log)
        if durability == "full":
            none(found)
        lost += len(found)
    if durability == "normal":
        assert lost, "these tests find no loss where there is one"
        return

    # On a disk that lies about the syncs of the WAL the same is lost, until it is copied; so this can be found.
    # (Each second cut: with what comes by chance besides, no file is whole on such a disk.)
    late = {len(records) - 1} | {index - 1 for index, record in enumerate(records) if record in synced}
    found = []
    for cut in islice(cuts(tracer, initial, late, chance, lies=lambda name: name.endswith("-wal")), 0, None, 2):
        found += complaints(up_to(people.accounts, cut.position), cut.log(scratch / "disk"))
    assert any("was acknowledged" in complaint for complaint in found)
    assert any("was seen" in complaint for complaint in found)


def test_again_and_again(place: Place, shim: Path, chance: random.Random) -> None:
    """The server is started on what is left, and the power is cut again: under load, while it starts, at once."""
    people = Rounds(place, chance)
    for number in range(rounds(6)):
        people.tracer, initial = traced(place, shim, f"trace-{number}")
        people.one(300, at=chance.choice((chance.randint(1, 60), chance.randint(60, 800))))
        disk = replayed(people.tracer, initial)
        assert len(unlike(disk.live(), read(place.data.path))) <= 1
        write(disk.by_chance(chance) if chance.random() < 0.5 else disk.pessimistic(), place.data.path)
        people.check()
    people.tracer = None
    people.last()


OPEN = """
import sys
from pathlib import Path
from securechat.store.database import Database
Database(Path(sys.argv[1])).close()
"""


@pytest.mark.parametrize("schema", [None, *sorted(path.name for path in DATA.glob("schema-*.db"))])
def test_while_the_store_is_made_or_brought_forward(
    shim: Path, chance: random.Random, tmp_path: Path, scratch: Path, schema: str | None
) -> None:
    """At any moment of it. The next start finds what was there before."""
    directory, image = tmp_path / "data", {}
    if schema is not None:
        image = {"securechat.db": (DATA / schema).read_bytes()}
    write(image, directory)
    old = version_of(directory / "securechat.db")
    before = stored(directory / "securechat.db") if schema else []
    tracer = Tracer(shim, directory, tmp_path / "trace")
    subprocess.run(
        [sys.executable, "-c", OPEN, directory / "securechat.db"],
        env={**os.environ, **tracer.environment()},
        timeout=60,
        check=True,
    )
    records = tracer.records()
    assert operations(records) > 10
    for cut in cuts(tracer, image, sample(records, 2 * MOMENTS, chance), chance):
        write(cut.image, scratch / "disk")
        database = scratch / "disk" / "securechat.db"
        copies = [scratch / "disk" / name for name in cut.image if name.endswith(".bak")]
        version = version_of(database)
        with closing(Database(database)) as opened:
            opened.load()
        for path in (database, *copies):
            assert stored(path) == before, f"after record {cut.number} {cut.how}"
        assert version in (old, VERSION)
        assert copies or version == old or schema is None, f"after record {cut.number} {cut.how}: no copy was kept"


def version_of(database: Path) -> int:
    """The schema of a file; 0 if it is not there."""
    if not database.exists():
        return 0
    with closing(sqlite3.connect(database)) as connection:
        return int(connection.execute("PRAGMA user_version").fetchone()[0])
