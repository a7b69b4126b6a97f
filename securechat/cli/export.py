"""`securechat export`: what was said, as a log to read or as JSON, while the server runs or not."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from enum import Enum
from pathlib import Path
from typing import Annotated, BinaryIO, Final

import typer

from securechat.chat.stamps import milliseconds, stamp_at
from securechat.cli.endings import FAILED, MISTAKE, stop
from securechat.cli.export_text import lines
from securechat.cli.keeping import data_directory, endings, give_up_output
from securechat.cli.place import ConfigFile, Data, MistakeError
from securechat.store.export import END, NoSuchChannelError, Row, Selection, as_json, find_channel, read

__all__ = ["export"]

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Form(Enum):
    JSONL = "jsonl"
    TEXT = "text"


def export(
    channel: Annotated[
        str | None, typer.Argument(metavar="CHANNEL", help="The channel, by its present name.", show_default=False)
    ] = None,
    form: Annotated[
        Form, typer.Option("--format", help="A log to read, or an object of JSON on each line.")
    ] = Form.TEXT,
    output: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Where to write it [default: standard output].", show_default=False),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a file of that name.")] = False,
    since: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="From then on: 2026-11-22 or 2026-11-22T14:03, in UTC.", show_default=False),
    ] = None,
    until: Annotated[str | None, typer.Option(metavar="TIME", help="Before then.", show_default=False)] = None,
    everything: Annotated[bool, typer.Option("--all", help="All channels, also those that are no more.")] = False,
    private: Annotated[bool, typer.Option("--private", help="Private messages, of everybody.")] = False,
    data: Data = None,
    config: ConfigFile = None,
) -> None:
    """Show what was said in a channel and what happened there, from the oldest to the newest."""
    with endings():
        if (channel is not None) == (everything or private):
            raise MistakeError("what? Name a channel, or say --all or --private, or both of these")
        first, last = _stamp(since, "--since", 0), _stamp(until, "--until", END) - 1
        if last < first:
            raise MistakeError("there is nothing between them: --until is not after --since")
        directory = data_directory(data, config)
        try:
            id = find_channel(directory.database, channel)[0] if channel is not None else None
        except NoSuchChannelError as error:
            stop(error, MISTAKE)
        wanted = Selection(id, everything, private, first, last)
        with _opened(output, force) as file:
            for row in read(directory.database, wanted):
                file.write(_RENDERED[form](row, everything))


def _text(row: Row, several: bool) -> bytes:
    return "".join(f"{line}\n" for line in lines(row, several=several)).encode(errors="replace")


def _json(row: Row, _: bool) -> bytes:
    return f"{as_json(row)}\n".encode()


_RENDERED: Final[dict[Form, Callable[[Row, bool], bytes]]] = {Form.TEXT: _text, Form.JSONL: _json}


def _stamp(time: str | None, option: str, otherwise: int) -> int:
    """The first stamp at a time."""
    if time is None:
        return otherwise
    try:
        then = datetime.fromisoformat(time)
        passed = (then if then.tzinfo is not None else then.replace(tzinfo=UTC)) - _EPOCH
    except (ValueError, OverflowError):
        raise MistakeError(f"{time!r} is no time for {option}: say it like 2026-11-22 or 2026-11-22T14:03") from None
    return stamp_at(min(passed // _MILLISECOND, milliseconds(END)))


_MILLISECOND: Final = datetime(1970, 1, 1, 0, 0, 0, 1000, tzinfo=UTC) - _EPOCH


@contextlib.contextmanager
def _opened(output: Path | None, force: bool) -> Iterator[BinaryIO]:
    """Standard output, or a private file that has its name only when all of it is there."""
    if output is None:
        if sys.stdout is None:
            raise MistakeError("there is no standard output: use --output")
        try:
            yield sys.stdout.buffer
            sys.stdout.buffer.flush()
        except OSError as error:
            give_up_output()
            if isinstance(error, BrokenPipeError):  # who read it has enough
                raise typer.Exit(0) from None
            stop(f"can't write to standard output: {error.strerror}", FAILED)
        return
    part = output.with_name(f"{output.name}.part")
    try:
        if output.exists() and not (force and output.is_file()):
            raise MistakeError(f"{output} is there already" + (": --force replaces it" if output.is_file() else ""))
        part.unlink(missing_ok=True)
        with os.fdopen(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        part.replace(output)
    except OSError as error:
        stop(f"can't write {output}: {error.strerror}", FAILED)
    finally:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
