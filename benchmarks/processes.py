"""Processes beside the measured one, each with a pipe to it."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import TypeVar

P = TypeVar("P")


@contextmanager
def workers(work: Callable[[P, Connection], None], plans: Sequence[P]) -> Iterator[list[Connection]]:
    """Our ends of the pipes of processes that do ``work(plan, pipe)``, one for each plan. In the end they are ended."""
    context = multiprocessing.get_context("spawn")
    controls, processes = [], []
    try:
        for plan in plans:
            ours, theirs = context.Pipe()
            process = context.Process(target=work, args=(plan, theirs), daemon=True)
            process.start()
            theirs.close()
            controls.append(ours)
            processes.append(process)
        yield controls
    finally:
        for control in controls:
            control.close()
        for process in processes:
            process.terminate()
            process.join()
