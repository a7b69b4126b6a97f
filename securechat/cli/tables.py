"""Lists that commands show: as a table for people, or as JSON for scripts."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Annotated, Any, TypeVar

import typer

from securechat.cli.endings import complain

__all__ = ["AsJSON", "show", "table"]

L = TypeVar("L")

AsJSON = Annotated[bool, typer.Option("--json", help="As JSON, for scripts.")]


def show(
    lines: Sequence[L], rows: Callable[[Sequence[L]], Sequence[Sequence[str]]], nothing: str, as_json: bool
) -> None:
    """Print these records (dataclasses): as JSON, or in a table of ``rows``, the first of which is the heading; where
    there are none, the sentence ``nothing`` on stderr."""
    if as_json:
        records: list[Any] = list(lines)
        typer.echo(json.dumps([asdict(line) for line in records], indent=2))
    elif lines:
        typer.echo(table(rows(lines)))
    else:
        complain(nothing)


def table(rows: Sequence[Sequence[str]]) -> str:
    """Lines with columns as wide as they need; the first row is the heading."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )
