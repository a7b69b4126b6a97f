"""What a disk may hold after a power cut, by the trace of what was done to its files.

The rules, as far as file systems differ the hardest that are allowed:

- What was written to a file is durable when an fsync() or fdatasync() of that file that began later has returned.
- After a sync that failed, what was to be durable by it is taken for written by the system and will not be by another
  sync, but for pages of the cache that are written to again; whether it got there nobody knows.
- That a name was made, changed or removed is durable when one of its *directory* has.
- Of everything else nothing has reached the disk (`pessimistic`), or any part of it (`by_chance`): sectors of 512 bytes
  in whatever order, each whole, and as it was after any of the writes that touched it; of truncations, and of names in
  one directory, the first few, for these go through the journal of the file system.

A sector is never torn: SQLite relies on that as well (its "powersafe overwrite").
"""

import posixpath
import random
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from tests.crash.traces import Kind, Record

SECTOR = 512
PAGE = 4096

Image = dict[str, bytes]
"""Files by their names below the directory. Directories are only where there are files."""


class _File:
    def __init__(self, data: bytes = b"", directory: bool = False) -> None:
        self.directory = directory
        self.durable = bytearray(data)
        self.live = bytearray(data)
        self.pending: list[tuple[int, Record]] = []  # writes and truncations that are not durable, and their numbers
        self.forgotten: list[tuple[int, Record]] = []  # of earlier ones, those whose sync has failed

    def take(self, begun: int) -> list[tuple[int, Record]]:
        """What was pending when a sync began; it is not any longer."""
        taken = [one for one in self.pending if one[0] < begun]
        self.pending = [one for one in self.pending if one[0] >= begun]
        return taken


class Disk:
    """`initial`: what is on it, durably. `lies`: whether syncs of the file with this name are only pretended."""

    def __init__(self, initial: Mapping[str, bytes], lies: Callable[[str], bool] = lambda _: False) -> None:
        self._lies = lies
        self._live: dict[str, _File] = {name: _File(data) for name, data in initial.items()}
        self._durable = dict(self._live)
        self._renaming: dict[str, list[tuple[int, Callable[[dict[str, _File]], None]]]] = {}
        self._files: dict[int, tuple[str, _File]] = {}  # by inode
        self._begun: dict[int, int] = {}  # syncs, by their numbers: how many records came before
        self._number = 0

    def apply(self, record: Record) -> None:
        self._number += 1
        match record.kind:
            case Kind.OPEN:
                self._open(record)
            case Kind.WRITE | Kind.TRUNCATE:
                _, file = self._files[record.file]
                file.pending.append((self._number, record))
                _change(file.live, record)
            case Kind.SYNC_BEGIN:
                self._begun[record.offset] = self._number
            case Kind.SYNC_END:
                name, file = self._files[record.file]
                if not self._lies(name):
                    self._sync(name, file, self._begun[record.offset])
            case Kind.SYNC_FAILED:
                _, file = self._files[record.file]
                file.forgotten += file.take(self._begun[record.offset])
            case Kind.UNLINK:
                (name,) = record.names
                self._name(name, lambda names: names.pop(name, None))
            case Kind.RENAME:
                old, new = record.names
                assert posixpath.dirname(old) == posixpath.dirname(new), "a rename between directories"
                self._name(old, lambda names: _rename(names, old, new))
            case Kind.MKDIR:
                pass  # what has no file in it is as good as not there
            case Kind.UNKNOWN:
                raise AssertionError(f"the files were changed by {record.names}, which is not traced")

    def _open(self, record: Record) -> None:
        name = record.names[0] if record.names else ""
        if record.offset:
            made = _File()
            self._name(name, lambda names: names.__setitem__(name, made))
        elif name not in self._live:
            self._files[record.file] = (name, _File(directory=True))
            return
        self._files[record.file] = (name, self._live[name])

    def _name(self, name: str, change: Callable[[dict[str, _File]], object]) -> None:
        change(self._live)
        self._renaming.setdefault(posixpath.dirname(name), []).append((self._number, lambda names: _do(change, names)))

    def _sync(self, name: str, file: _File, begun: int) -> None:
        if file.directory:
            changes = self._renaming.get(name, [])
            for number, change in changes:
                if number < begun:
                    change(self._durable)
            self._renaming[name] = [(number, change) for number, change in changes if number >= begun]
            return
        synced = file.take(begun)
        pages = {page for _, record in synced for page in _pages(record)}
        forgotten, file.forgotten = file.forgotten, []
        for number, record in forgotten:
            pieces = [Record(record.kind, record.file, at, (), data, 0) for at, data in _cut(record, PAGE)]
            for piece in pieces if record.kind is Kind.WRITE else [record]:
                again = record.kind is Kind.TRUNCATE or piece.offset // PAGE in pages
                (synced if again else file.forgotten).append((number, piece))
        for _, record in sorted(synced, key=lambda one: one[0]):
            _change(file.durable, record)

    def live(self) -> Image:
        """What processes see."""
        return {name: bytes(file.live) for name, file in self._live.items()}

    def pessimistic(self) -> Image:
        """Only what is durable."""
        return {name: bytes(file.durable) for name, file in self._durable.items()}

    def by_chance(self, chance: random.Random) -> Image:
        """What is durable, and some of the rest. How much is a matter of chance as well."""
        names = dict(self._durable)
        for changes in self._renaming.values():
            for _, change in changes[: chance.randint(0, len(changes))]:
                change(names)
        likely = chance.choice((0.1, 0.5, 0.9, 0.99))
        return {name: _partly(file, chance, likely) for name, file in names.items()}


def _do(change: Callable[[dict[str, _File]], object], names: dict[str, _File]) -> None:
    change(names)


def _rename(names: dict[str, _File], old: str, new: str) -> None:
    if old in names:
        names[new] = names.pop(old)


def _change(data: bytearray, record: Record) -> None:
    end = record.offset + (len(record.data) if record.kind is Kind.WRITE else 0)
    if record.kind is Kind.TRUNCATE:
        del data[end:]
    if len(data) < end:
        data.extend(bytes(end - len(data)))
    if record.kind is Kind.WRITE:
        data[record.offset : end] = record.data


def _partly(file: _File, chance: random.Random, likely: float) -> bytes:
    """The file with some of what is pending: sectors at any of their ages, the first few of the truncations."""
    data = bytearray(file.durable)
    pending = sorted([*file.forgotten, *file.pending], key=lambda one: one[0])
    truncations = [number for number, record in pending if record.kind is Kind.TRUNCATE]
    truncations = truncations[: chance.randint(0, len(truncations))]
    ages: dict[int, int] = {}  # by sector: the number of the last write that it has seen
    for sector, numbers in _touched(pending).items():
        if chance.random() < likely:
            ages[sector] = chance.choice((numbers[-1], chance.choice(numbers)))
    for number, record in pending:
        if record.kind is Kind.TRUNCATE:
            if number in truncations:
                _change(data, record)
            continue
        for start, piece in _cut(record, SECTOR):
            if number <= ages.get(start // SECTOR, 0):
                end = start + len(piece)
                if len(data) < end:
                    data.extend(bytes(end - len(data)))
                data[start:end] = piece
    return bytes(data)


def _touched(pending: Iterable[tuple[int, Record]]) -> dict[int, list[int]]:
    """By sector: the numbers of the writes that touched it."""
    touched: dict[int, list[int]] = {}
    for number, record in pending:
        if record.kind is Kind.WRITE:
            for start, _ in _cut(record, SECTOR):
                touched.setdefault(start // SECTOR, []).append(number)
    return touched


def _pages(record: Record) -> Iterable[int]:
    if record.kind is Kind.WRITE:
        return range(record.offset // PAGE, (record.offset + len(record.data) - 1) // PAGE + 1)
    return ()


def _cut(record: Record, size: int) -> Iterable[tuple[int, bytes]]:
    """What was written, cut where sectors or pages end: where each piece begins in the file, and the piece."""
    start, data = record.offset, record.data
    while data:
        length = size - start % size
        yield start, data[:length]
        start, data = start + length, data[length:]


def read(directory: Path) -> Image:
    """The files that are there, but for what SQLite maps into memory and makes anew, and sockets."""
    return {
        str(path.relative_to(directory)): path.read_bytes()
        for path in directory.rglob("*")
        if path.is_file() and not path.name.endswith("-shm")
    }


def unlike(some: Image, other: Image) -> list[str]:
    """The files that are not the same.

    Between a process that was killed and its trace that may be one: it had done something and not yet written it down.
    """
    return [name for name in {*some, *other} if some.get(name) != other.get(name)]


def write(image: Image, directory: Path) -> None:
    """Make the directory, which may not be there yet, hold this and nothing else."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    for path in sorted(directory.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    for name, data in image.items():
        path = directory / name
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.touch(0o600)
        path.write_bytes(data)
