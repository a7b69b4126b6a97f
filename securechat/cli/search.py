"""`securechat search`: what was said anywhere, for the operator, whether the server runs or not."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import time
from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated, Final

import typer

from securechat.chat.stamps import iso_time, msgid
from securechat.cli.endings import FAILED, complain, stop
from securechat.cli.keeping import Percentage, data_directory, endings
from securechat.cli.place import ConfigFile, Data, MistakeError
from securechat.client.safe import safe_name, safe_text
from securechat.irc.multiline import logical
from securechat.irc.names import casefold, split_source
from securechat.store.datadir import DataDir
from securechat.store.history import Record
from securechat.store.rows import Kind
from securechat.store.search_find import TooLongError, find, messages
from securechat.store.search_index import SearchIndex, read_log, read_only
from securechat.store.search_text import Query, QueryError, parse_query
from securechat.store.snapshot import StoreFailedError, database_errors, reading, require_this_version

__all__ = ["search"]

SECONDS: Final = 60.0
"""So long a search may take here."""

_AT_ONCE: Final = 100
_PATIENCE: Final = 2.0  # seconds that the index of a server that runs may be behind
_PAUSE: Final = 0.1
_NONE_FOUND: Final = 1
_ACTION: Final = "\x01ACTION "


class Format(StrEnum):
    """How what was found is printed."""

    TEXT = "text"
    JSONL = "jsonl"


def search(
    query: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="QUERY...",
            help="Words, all of which a message must have. The last one, and one with a * behind it, may be the "
            "beginning of a word; '\"several words\"' stand together; what has -word, behind --, is left out.",
            show_default=False,
        ),
    ] = None,
    place: Annotated[
        str | None,
        typer.Option("--in", metavar="NAME", help="Only what was said to this channel or nick.", show_default=False),
    ] = None,
    nick: Annotated[
        str | None,
        typer.Option("--from", metavar="NICK", help="Only what was said with this nick.", show_default=False),
    ] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, metavar="N", help="The newest so many.")] = 100,
    format_: Annotated[
        Format, typer.Option("--format", help="Lines to read, or an object of JSON on each.")
    ] = Format.TEXT,
    rebuild: Annotated[
        bool, typer.Option("--rebuild", help="Make the search index anew first. The server must not run.")
    ] = False,
    data: Data = None,
    config: ConfigFile = None,
) -> None:
    """Find what was said, in channels and between people, whether the server runs or not.

    It reads the index that a server fills; --rebuild makes it anew. The oldest stands first.

    Exit status: 0 if something was found, or nothing looked for with --rebuild; 1 if nothing was found, or the index
    or the store can't be read, which is told on stderr; 2 if something was typed wrongly.
    """
    with endings():
        directory = data_directory(data, config)
        wanted = _query(query or [])
        if wanted is None and nick is None and not rebuild:
            raise MistakeError("what is to be looked for? Say a word, or --from NICK")
        if rebuild:
            _rebuild(directory)
            if wanted is None and nick is None:
                return
        found = _search(directory, wanted, place, nick, limit)
        for message in found:
            typer.echo(_as_json(message) if format_ is Format.JSONL else _as_text(message))
    if not found:
        raise typer.Exit(_NONE_FOUND)


def _query(words: list[str]) -> Query | None:
    if not words:
        return None
    try:
        return parse_query(" ".join(words))
    except QueryError as error:
        raise MistakeError(f"that can't be searched for: {error}") from None


# -- searching --------------------------------------------------------------------------------------------------------


def _search(directory: DataDir, query: Query | None, place: str | None, nick: str | None, limit: int) -> list[Record]:
    file = directory.search
    if not file.exists():
        stop(f"there is no search index: {file} does not exist. A server makes it, or --rebuild", FAILED)
    _wait_for_the_index(directory)
    found: list[Record] = []
    with reading(directory.database) as log, database_errors(file, "search"):
        require_this_version(log, directory.database)
        try:
            with contextlib.closing(find(file, query, None, nick=nick, seconds=SECONDS)) as stamps:
                for message in _in_the_log(log, stamps):
                    if place is None or casefold(message.target.lstrip("@%+")) == casefold(place):
                        found.append(message)
                        if len(found) == limit:
                            break
        except TooLongError:
            complain(f"that takes too long: there may be more than these, before {_oldest(found)}")
    return found[::-1]


def _in_the_log(log: sqlite3.Connection, stamps: Iterator[int]) -> Iterator[Record]:
    """The messages in the order of their stamps; what is no longer in the log is left out."""
    some: list[int] = []
    while True:
        stamp = next(stamps, None)
        if stamp is not None:
            some.append(stamp)
        if stamp is None or len(some) == _AT_ONCE:
            there = messages(log, some)
            yield from (there[one] for one in some if one in there)
            some.clear()
        if stamp is None:
            return


def _oldest(found: list[Record]) -> str:
    return iso_time(found[-1].stamp) if found else "now"


def _wait_for_the_index(directory: DataDir) -> None:
    """The index of a server that runs is a moment behind; whether one does, nobody knows."""
    until = time.monotonic() + _PATIENCE
    while (behind := _behind(directory)) and time.monotonic() < until:
        time.sleep(_PAUSE)
    if behind:
        complain("the newest messages are not in the index yet: the server indexes them when it runs, or --rebuild")


def _behind(directory: DataDir) -> bool:
    with (
        reading(directory.database) as log,
        database_errors(directory.search, "read"),
        contextlib.closing(read_only(directory.search)) as index,
    ):
        (indexed,) = index.execute("SELECT indexed FROM state").fetchone()
        return bool(
            log.execute("SELECT EXISTS (SELECT 1 FROM log WHERE stamp > ? AND kind < 3)", (indexed,)).fetchone()[0]
        )


def _rebuild(directory: DataDir) -> None:
    """Raises `DataDirInUse` where a server runs, which does it by itself."""
    with directory.lock(), reading(directory.database) as log:
        require_this_version(log, directory.database)
        (all_,) = log.execute("SELECT count(*) FROM log").fetchone()
        index = SearchIndex(directory.search)
        percentage = Percentage("indexed")
        done = 0
        try:
            with database_errors(directory.search, "write"):
                index.rebuild()
                while rows := index.catch_up(lambda after, most: read_log(log, after, most)):
                    done += rows
                    percentage(done, all_)
        except OSError as error:
            raise StoreFailedError(f"can't write {directory.search}: {error.strerror}") from error
        finally:
            percentage.end()
            index.close()


# -- printing ---------------------------------------------------------------------------------------------------------


def _as_text(message: Record) -> str:
    """``2026-11-22T14:03:23.123Z #lobby <alice> hello``; further lines of a message stand behind a bar."""
    nick = safe_name(split_source(message.source)[0])
    first, *others = logical(message.text).split("\n")
    if first.startswith(_ACTION):
        first, who = first.removeprefix(_ACTION).removesuffix("\x01"), f"* {nick}"
    else:
        who = f"-{nick}-" if message.kind == Kind.NOTICE else f"<{nick}>"
    head = f"{iso_time(message.stamp)} {safe_name(message.target)}"
    bar = " " * len(head)
    return "\n".join([f"{head} {who} {safe_text(first)}", *(f"{bar} | {safe_text(line)}" for line in others)])


def _as_json(message: Record) -> str:
    return json.dumps(
        {
            "time": iso_time(message.stamp),
            "msgid": msgid(message.stamp),
            "kind": Kind(message.kind).name,
            "target": message.target,
            "source": message.source,
            "account": message.account,
            "text": logical(message.text),
        }
    )
