"""File descriptors: a connection needs two, and the system may allow fewer than the configuration."""

from __future__ import annotations

import contextlib
import resource

__all__ = ["make_room"]


def make_room(connections: int) -> None:
    """Raise this process's own limit so that it has two descriptors for each connection, and some for itself.

    As far as the system lets it: who comes when there are none left is told by the log.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 2 * connections + 64
    if soft != resource.RLIM_INFINITY and soft < wanted:
        limit = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
