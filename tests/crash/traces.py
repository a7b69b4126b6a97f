"""The power-cut shim: compiled, loaded into a process, and its trace read."""

import os
import shutil
import struct
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

import pytest

SOURCE = Path(__file__).with_name("powercut.c")

_HEADER = struct.Struct("<IIQQII")
_MAGIC = 0x43575031


class Kind(IntEnum):
    """What a record says; the numbers are those of powercut.c."""

    OPEN = 1
    WRITE = 2
    TRUNCATE = 3
    SYNC_BEGIN = 4
    SYNC_END = 5
    SYNC_FAILED = 6
    UNLINK = 7
    RENAME = 8
    MKDIR = 9
    UNKNOWN = 10


@dataclass(frozen=True, slots=True)
class Record:
    """One operation. `end`: how long the trace is with it; so a trace of that length has it."""

    kind: Kind
    file: int
    """The inode."""
    offset: int
    """Where it was written; the new size; of OPEN whether it was made; of a sync its number."""
    names: tuple[str, ...]
    data: bytes
    end: int


def records(trace: bytes) -> Iterator[Record]:
    """All that is whole; the process may have been killed while it wrote the last one."""
    start = 0
    while start + _HEADER.size <= len(trace):
        magic, kind, file, offset, names, length = _HEADER.unpack_from(trace, start)
        assert magic == _MAGIC, "the trace is damaged"
        middle = start + _HEADER.size + names
        end = middle + length
        if end > len(trace):
            return
        words = trace[middle - names : middle].decode().split("\0") if names else []
        yield Record(Kind(kind), file, offset, tuple(words), trace[middle:end], end)
        start = end


def compiled(directory: Path) -> Path:
    """The shim as a library. Where there is no C compiler the test is skipped; one that fails is a failure."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("there is no C compiler (cc), and the shim that cuts the power is written in C")
    library = directory / "powercut.so"
    command = [compiler, "-O1", "-Wall", "-shared", "-fPIC", "-o", str(library), str(SOURCE), "-ldl", "-lpthread"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return library


@dataclass(frozen=True)
class Tracer:
    """What has a process write down what it does to the files of a directory."""

    library: Path
    directory: Path
    trace: Path

    def environment(self, at: int | None = None) -> dict[str, str]:
        """`at`: the number of the operation, from 1 on, instead of which the process kills itself."""
        more = {} if at is None else {"POWERCUT_AT": str(at)}
        return {
            "LD_PRELOAD": str(self.library),
            "POWERCUT_DIRECTORY": os.path.realpath(self.directory),
            "POWERCUT_TRACE": str(self.trace),
            "POWERCUT_FAULT": str(self._fault),
            **more,
        }

    @property
    def _fault(self) -> Path:
        return self.trace.with_name(f"{self.trace.name}.fault")

    @contextmanager
    def failing(self, error: int, what: str) -> Iterator[None]:
        """Meanwhile all that writes (w), opens a file for that (o) or syncs (s) fails with this error number."""
        part = self._fault.with_name("part")
        part.write_text(f"{error} {what}")
        part.replace(self._fault)
        try:
            yield
        finally:
            self._fault.unlink()

    def position(self) -> int:
        """How long the trace is by now: what has happened so far is in the records that end here or before."""
        try:
            return self.trace.stat().st_size
        except FileNotFoundError:
            return 0

    def records(self) -> list[Record]:
        return list(records(self.trace.read_bytes())) if self.trace.exists() else []


def operations(of: list[Record]) -> int:
    """So many operations at least: of openings, those to read don't count for `Tracer.environment`."""
    return sum(record.kind is not Kind.OPEN for record in of)
