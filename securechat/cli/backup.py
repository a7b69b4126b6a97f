"""`securechat backup`: a copy of a chat's store in one file, while its server runs or not."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Annotated

import typer

from securechat.chat.stamps import iso_time
from securechat.cli.keeping import Percentage, data_directory, endings
from securechat.cli.place import ConfigFile, Data
from securechat.store.backup import Contents, back_up
from securechat.store.found import counted

__all__ = ["backup", "described"]


def backup(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The file to be made.", show_default=False)],
    force: Annotated[bool, typer.Option("--force", help="Replace a file of that name.")] = False,
    data: Data = None,
    config: ConfigFile = None,
) -> None:
    """Copy a chat's store to a file, while its server runs or not.

    The copy has everything: what was said, the accounts with the hashes of their passwords, and the key by which guests
    are told apart. Nobody else can read it; keep it so.
    """
    with endings():
        directory = data_directory(data, config)
        percentage = Percentage("copied")
        with contextlib.ExitStack() as last:
            last.callback(percentage.end)
            contents = back_up(directory.database, file, force=force, progress=percentage)
    typer.echo(f"made {file}: {described(contents)}")


def described(contents: Contents) -> str:
    """``3 accounts, 2 channels, to 2026-11-22T14:03:23.123Z``."""
    parts = [counted(contents.accounts, "account"), counted(contents.channels, "channel")]
    return ", ".join([*parts, f"to {iso_time(contents.last)}" if contents.last else "nothing said yet"])
