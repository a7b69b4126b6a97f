"""Where a chat is kept, for the operator's commands on it: `securechat user`, `invite` and `ban`.

A server that runs is asked over its control socket. Without one the command takes the data directory's lock, as a
server would, and does the same to the store itself.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Final, TypeVar

import typer

from securechat.cli.endings import FAILED, MISTAKE, complain, stop
from securechat.server import log
from securechat.server.config import Config, ConfigError, load, with_options
from securechat.server.control import ControlClient, NoServer, Operator, OperatorError, OperatorFailed
from securechat.store.datadir import DataDir, DataDirError, DataDirInUse, UnusableDataDirError

__all__ = ["ConfigFile", "Data", "MistakeError", "Place", "endings"]

T = TypeVar("T")

_PATIENCE: Final = 3.0  # seconds that a server may take to start or to stop
_PAUSE: Final = 0.05  # seconds between two looks

Data = Annotated[
    Path | None,
    typer.Option(
        "--data",
        metavar="DIR",
        help="The server's data directory [default: the configuration's, else the user's own].",
        show_default=False,
    ),
]
ConfigFile = Annotated[
    Path | None,
    typer.Option("--config", metavar="FILE", help="The server's configuration, if it has one.", show_default=False),
]


class MistakeError(Exception):
    """Something was typed wrongly; ``str()`` says what, without the full stop."""


@contextmanager
def endings() -> Iterator[None]:
    """Every exception that is somebody's, and not ours, as its sentence and its status."""
    try:
        yield
    except (MistakeError, ConfigError, OperatorError, UnusableDataDirError) as error:
        stop(error, MISTAKE)
    except (OperatorFailed, DataDirError) as error:
        stop(error, FAILED)


class Place:
    """The data directory that is meant, and the way to who can change what is in it.

    Made before a password is asked for, so that nobody types one for nothing. Raises `ConfigError`.
    """

    def __init__(self, data: Path | None, config: Path | None) -> None:
        self._config: Config = with_options(load(config), data=data)
        self._data = DataDir(self._config.store.data)
        for warning in self._config.warnings:
            complain(warning)

    def glance(self, what: Callable[[Operator], T]) -> T | None:
        """What a server that runs says to it; None where none does: then nothing is opened, made or waited for."""
        try:
            return what(ControlClient(self._data.control_socket))
        except NoServer:
            return None

    def ask(self, what: Callable[[Operator], T]) -> T:
        """Have the server do it, or do it in its place. `NoServer` means that nothing was done yet."""
        deadline: float | None = None
        while True:
            try:
                return what(ControlClient(self._data.control_socket))
            except NoServer:
                pass
            # Here, since with a server that runs the half of it need not be loaded; and before the lock, for which
            # others may wait.
            from securechat.server.operator import open_operator

            log.start(log.Level.WARNING)
            try:
                with self._data.lock(), open_operator(self._data, self._config) as operator:
                    return what(operator)
            except DataDirInUse:
                # By a server that starts and does not listen yet, or stops and does no more; or by another of these
                # commands. All of that is over in a moment.
                deadline = deadline or time.monotonic() + _PATIENCE  # from the first time on: to load it all takes time
                if time.monotonic() > deadline:
                    raise
                time.sleep(_PAUSE)
