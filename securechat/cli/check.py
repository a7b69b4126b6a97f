"""`securechat check`: whether a chat's store is whole, while its server runs or not."""

from __future__ import annotations

import contextlib
from typing import Annotated

import typer

from securechat.cli.endings import FAILED
from securechat.cli.keeping import Percentage, data_directory, endings
from securechat.cli.place import ConfigFile, Data
from securechat.store import check as checks

__all__ = ["check"]


def check(
    compact: Annotated[
        bool,
        typer.Option(
            "--compact", help="Then write the database anew, without what is free in it. The server must not run."
        ),
    ] = False,
    data: Data = None,
    config: ConfigFile = None,
) -> None:
    """Look whether a chat's store is whole, while its server runs or not. Changes nothing.

    Exit status: 0 it is; 1 something is wrong, or it can't be read; 2 there is none.
    """
    with endings():
        directory = data_directory(data, config)
        progress = Percentage("looking at")
        wrong = 0
        with contextlib.ExitStack() as last:
            last.callback(progress.end)
            for found in checks.check(directory, progress.tell):
                progress.end()
                typer.echo(f"{found.what}: {found.there or 'not to be read'}")
                for sentence in found.wrong:
                    typer.echo(f"  WRONG: {sentence if sentence.isprintable() else ascii(sentence)}")
                wrong += bool(found.wrong)
        typer.echo("everything is as it should be" if not wrong else "something is wrong")
        if wrong:
            raise typer.Exit(FAILED)
        if compact:
            with directory.lock():
                before, after = map(checks.in_words, checks.compact(directory))
            typer.echo(f"the database had {before} and has {after}")
