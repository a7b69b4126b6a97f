"""How a command ends when it can't do what it was asked: one sentence on stderr, and a status."""

from __future__ import annotations

import sys
from typing import Final, NoReturn

import typer

__all__ = ["FAILED", "FAULT", "INTERRUPTED", "MISTAKE", "complain", "stop"]

FAILED: Final = 1
"""The world refused: the disk is full, the port is in use, the server went away."""
MISTAKE: Final = 2
"""Something was typed or configured wrongly."""
FAULT: Final = 70
"""A mistake of securechat's own (EX_SOFTWARE of sysexits.h)."""
INTERRUPTED: Final = 130
"""Ctrl-C: 128 and the number of SIGINT, as shells have it."""


def complain(sentence: object) -> None:
    """Say something on stderr that is not what was asked for."""
    if sys.stderr is not None:  # else print() would say it on stdout
        print(f"securechat: {sentence}", file=sys.stderr)


def stop(sentence: object, status: int) -> NoReturn:
    """Say it and end the command with that status."""
    complain(sentence)
    raise typer.Exit(status)
