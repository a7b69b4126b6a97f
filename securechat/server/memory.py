"""How the process gives memory back."""

from __future__ import annotations

import ctypes
from contextlib import suppress
from typing import Final

__all__ = ["give_back"]

_M_TRIM_THRESHOLD: Final = -1  # of glibc's <malloc.h>
_M_MMAP_THRESHOLD: Final = -3
_M_ARENA_MAX: Final = -8
_LARGE: Final = 1024 * 1024  # bytes
_KEPT: Final = 4 * 1024 * 1024  # bytes
_ARENAS: Final = 4


def give_back() -> None:
    """Have large blocks returned to the system as soon as they are freed, and the rest kept for the next batch.

    A password hash takes 19 MiB for a moment. Once glibc has seen such a block freed it takes the next ones from its
    arenas, of which there are eight for each core, one or another for each thread, and these keep them: after some
    forty logins the process held 370 MB instead of 55 on two cores. Other C libraries have no such choice to make.

    To say so to glibc fixes another limit as well, at 128 KiB: what is free beyond that at the end of an arena is
    returned at once. A batch of many messages takes more, and would have the system find the same pages anew each
    time, which cost a tenth of a delivery. So an arena may keep some MiB, and there are few: Python runs one thread at
    a time, so more would not make it faster.
    """
    with suppress(OSError, AttributeError, TypeError):  # no mallopt(), or (Windows) no handle of the process itself
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(_M_MMAP_THRESHOLD, _LARGE)
        mallopt(_M_TRIM_THRESHOLD, _KEPT)
        mallopt(_M_ARENA_MAX, _ARENAS)
