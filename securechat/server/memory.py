"""How the process gives memory back."""

from __future__ import annotations

import ctypes
from contextlib import suppress
from typing import Final

__all__ = ["give_back"]

_M_MMAP_THRESHOLD: Final = -3  # of glibc's <malloc.h>
_LARGE: Final = 1024 * 1024  # bytes


def give_back() -> None:
    """Have large blocks returned to the system as soon as they are freed.

    A password hash takes 19 MiB for a moment. Once glibc has seen such a block freed it takes the next ones from its
    arenas, of which there are eight for each core, one or another for each thread, and these keep them: after some
    forty logins the process held 370 MB instead of 55 on two cores. Other C libraries have no such choice to make.
    """
    with suppress(OSError, AttributeError, TypeError):  # no mallopt(), or (Windows) no handle of the process itself
        ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, _LARGE)
