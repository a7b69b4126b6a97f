"""The power cut at many moments of one trace, and what is found on the disk then."""

import random
from collections.abc import Callable, Container, Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.crash.disk_model import Disk, Image, write
from tests.crash.records import Row, stored_in
from tests.crash.traces import Kind, Record, Tracer


@dataclass(frozen=True)
class Cut:
    """A disk after a power cut when the trace was as long as `position`."""

    position: int
    number: int
    """Of the record that was the last."""
    how: str
    image: Image

    def log(self, directory: Path, database: str = "securechat.db") -> list[Row]:
        """The log that a start would find. The image is written into the directory."""
        write(self.image, directory)
        try:
            return stored_in(directory / database)
        except Exception as error:
            error.add_note(f"the power was cut after record {self.number}, {self.how}")
            raise


def sample(of: list[Record], number: int, chance: random.Random) -> set[int]:
    """Indices of so many records, half of them close to a sync: there the interesting moments are; and the last one."""
    near = [i + d for i, one in enumerate(of) if one.kind in (Kind.SYNC_BEGIN, Kind.SYNC_END) for d in (-1, 0, 1)]
    near = [index for index in near if 0 <= index < len(of)]
    return {len(of) - 1, *chance.choices(near, k=number // 2), *chance.choices(range(len(of)), k=number - number // 2)}


def cuts(
    tracer: Tracer,
    initial: Image,
    at: Container[int],
    chance: random.Random,
    *,
    lies: Callable[[str], bool] = lambda _: False,
) -> Iterator[Cut]:
    """Cuts after the records with these indices: each time with nothing but what is durable, and by chance."""
    disk = Disk(initial, lies)
    for index, record in enumerate(tracer.records()):
        disk.apply(record)
        if index in at:
            yield Cut(record.end, index, "and nothing but what was synced is there", disk.pessimistic())
            seed = chance.getrandbits(32)
            yield Cut(record.end, index, f"and more is there by chance {seed}", disk.by_chance(random.Random(seed)))


def replayed(tracer: Tracer, initial: Image) -> Disk:
    """The disk when the trace ends."""
    disk = Disk(initial)
    for record in tracer.records():
        disk.apply(record)
    return disk
