"""What Linux says about the server's process: processor time, memory, and where its data lies.

Source: proc(5).
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

_TICK_S = 1 / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Memory:
    """Resident memory of a process in bytes: now, and the most that it ever had."""

    resident: int
    peak: int


def cpu_seconds(pid: int) -> float:
    """User and system time of a process so far, all its threads together, in steps of a clock tick (mostly 10 ms)."""
    # The program's name stands in brackets and may have blanks and brackets itself; utime and stime are fields 14, 15.
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * _TICK_S


def memory(pid: int) -> Memory:
    """Resident memory of a process."""
    values = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return Memory(_kibibytes(values["VmRSS"]), _kibibytes(values["VmHWM"]))


def _kibibytes(value: str) -> int:
    number, unit = value.split()
    assert unit == "kB"
    return int(number) * 1024


def file_system(path: Path) -> str:
    """The type of the file system that holds `path`, for example "ext4" or "tmpfs"."""
    kinds = {}
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        mount, _, described = line.partition(" - ")
        kinds[Path(mount.split()[4].replace("\\040", " "))] = described.split()[0]
    path = path.resolve()
    return next((kinds[place] for place in (path, *path.parents) if place in kinds), "unknown")
