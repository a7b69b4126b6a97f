"""`securechat restore`: a backup in the place of a chat's store."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path
from typing import Annotated

import typer

from securechat.cli.backup import described
from securechat.cli.endings import FAILED, complain, stop
from securechat.cli.keeping import Percentage, data_directory, endings
from securechat.cli.place import ConfigFile, Data, MistakeError
from securechat.store.backup import look_into
from securechat.store.backup import restore as put_back
from securechat.store.datadir import DataDir, DataDirInUse
from securechat.store.snapshot import StoreError

__all__ = ["restore"]


def restore(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="What `securechat backup` has made.", show_default=False)
    ],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask whether you are sure.")] = False,
    data: Data = None,
    config: ConfigFile = None,
) -> None:
    """Put a backup in the place of a chat's store. The server must not run.

    The store that was there is kept beside it. At a terminal it asks first.
    """
    with endings():
        directory = data_directory(data, config)
        contents = look_into(file)
        terminal = sys.stdin is not None and sys.stdin.isatty()
        if not yes and not terminal:
            raise MistakeError("there is no terminal to ask on whether you are sure: say --yes")
        try:
            with directory.lock():
                if not yes and not _sure(directory, file, described(contents)):
                    stop("nothing was restored", FAILED)
                percentage = Percentage("copied")
                with contextlib.ExitStack() as last:
                    last.callback(percentage.end)
                    restored = put_back(directory, file, percentage)
        except DataDirInUse as error:
            stop(f"{error}: stop its server first", FAILED)
    typer.echo(f"restored {directory.database}: {described(restored.contents)}")
    if restored.before is not None:
        complain(f"what was there is kept as {restored.before}; remove it when you are content")


def _sure(directory: DataDir, file: Path, new: str) -> bool:
    old = "nothing"
    if directory.database.exists():
        try:
            old = described(look_into(directory.database))
        except StoreError as error:  # which may be why
            old = str(error)
    print(
        f"There is now: {old}.\nIn {file}: {new}.\nPut this in its place? [y/N] ", end="", file=sys.stderr, flush=True
    )
    return sys.stdin.readline().strip().lower() in ("y", "yes")
