"""What `backup`, `restore`, `export` and `check` share: where the store is, how they end, and how far they are."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

from securechat.cli import place
from securechat.cli.endings import FAILED, MISTAKE, complain, stop
from securechat.server.config import load, with_options
from securechat.store.datadir import DataDir
from securechat.store.snapshot import StoreError, WrongStoreError

__all__ = ["Percentage", "data_directory", "endings", "give_up_output"]


def data_directory(data: Path | None, config: Path | None) -> DataDir:
    """The one that is meant. Raises `ConfigError`."""
    found = with_options(load(config), data=data)
    for warning in found.warnings:
        complain(warning)
    return DataDir(found.store.data)


@contextlib.contextmanager
def endings() -> Iterator[None]:
    """Every exception that is somebody's, and not ours, as its sentence and its status; SIGTERM ends as Ctrl-C does.

    So whatever is half done is cleared away.
    """
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with place.endings():
            yield
    except WrongStoreError as error:
        stop(error, MISTAKE)
    except StoreError as error:
        stop(error, FAILED)
    finally:
        signal.signal(signal.SIGTERM, before)


def give_up_output() -> None:
    """Standard output can't be written: what is still buffered must not be tried again when the process ends."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


class Percentage:
    """How far something is, on one line of the terminal, if standard error is one."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._shown = ""
        self._terminal = sys.stderr is not None and sys.stderr.isatty()

    def __call__(self, done: int, all_: int) -> None:
        self._show(f"{self._what}: {100 * done // all_ if all_ else 100} %")

    def tell(self, what: str, done: int, all_: int) -> None:
        """The same of something that has a name, and perhaps no end that is known."""
        self._show(f"{self._what} {what}" + (f": {100 * done // all_} %" if all_ else ""))

    def end(self) -> None:
        """Take the line away."""
        self._show("")

    def _show(self, text: str) -> None:
        if self._terminal and text != self._shown:
            print(f"\r{text.ljust(len(self._shown))}\r{text}", end="", file=sys.stderr, flush=True)
            self._shown = text
