"""The server's log: events with fields, one on a line, readable text or JSON, on stderr.

    14:03:22 info  login account=alice address=127.0.0.1
    {"time": "2026-11-22T13:03:22.250Z", "level": "info", "event": "login", "account": "alice", "address": "127.0.0.1"}

Text has the local time of day, for people who watch; JSON has UTC (RFC 3339). Much of what is logged comes from peers:
no value can start a line of its own, look like another field, or drive a terminal. And what is secret is not logged:
a field whose name says that it holds a password or what somebody wrote is refused as our own mistake, and of an
exception only its type and its place are shown, never its message, which may quote either.
"""

from __future__ import annotations

import json
import logging
import re
import sys
import time
import traceback
from enum import StrEnum
from pathlib import PurePath
from typing import Any, Final, TextIO

__all__ = ["EventLog", "Field", "Format", "Level", "start"]

Field = str | int | float | bool | None
"""What a field can hold."""

_LOGGER: Final = "securechat"
_LONGEST: Final = 500  # characters of one value; a peer's line can have thousands

# Words that a field's name can't have between its underscores.
_NEVER: Final = frozenset(
    {"password", "passwords", "passwd", "secret", "secrets", "text", "token", "credential", "phc", "code", "link"}
)
# Names that the line itself has.
_TAKEN: Final = frozenset({"time", "level", "event"})

_PLAIN: Final = re.compile(r"[^\s\"'=\\]+")
_ESCAPES: Final = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


class Level(StrEnum):
    """From which level on events are written (``--log-level``)."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class Format(StrEnum):
    """How they are written (``--log-format``)."""

    TEXT = "text"
    JSON = "json"


class EventLog:
    """Where the server tells what happens: ``log.info("login", account=name, address=host)``.

    An event is a short name in lower case; all that varies is in the fields. Any thread may use it. An event below the
    level costs one look into a dictionary. A field with a forbidden name is a ``ValueError`` whenever it would be
    written: whoever adds it sees it at once, and the secret never gets out.
    """

    def __init__(self, logger: logging.Logger | None = None) -> None:
        self._logger = logger if logger is not None else logging.getLogger(_LOGGER)

    def debug(self, event: str, /, **fields: Field) -> None:
        self._write(logging.DEBUG, event, fields)

    def info(self, event: str, /, **fields: Field) -> None:
        self._write(logging.INFO, event, fields)

    def warning(self, event: str, /, **fields: Field) -> None:
        self._write(logging.WARNING, event, fields)

    def error(self, event: str, /, **fields: Field) -> None:
        self._write(logging.ERROR, event, fields)

    def fault(self, event: str, error: BaseException, /, **fields: Field) -> None:
        """An exception that nobody expected, as an error with the fields ``error`` (its type) and ``trace`` (where)."""
        self._write(logging.ERROR, event, {**fields, "error": _types(error), "trace": _places(error)})

    def _write(self, level: int, event: str, fields: dict[str, Field]) -> None:
        if self._logger.isEnabledFor(level):
            for name in fields:
                _check(name)
            self._logger.log(level, event, extra={"fields": fields})


def start(level: Level = Level.INFO, format: Format = Format.TEXT, stream: TextIO | None = None) -> EventLog:
    """Write the log from now on, to ``stream`` or else to stderr, and return it. Again: with the new choices only."""
    logger = logging.getLogger(_LOGGER)
    handler = logging.StreamHandler(stream if stream is not None else sys.stderr)
    handler.setFormatter(_JSON() if format is Format.JSON else _Text())
    logger.handlers[:] = [handler]
    logger.propagate = False
    logger.setLevel(level.upper())
    return EventLog(logger)


class _Text(logging.Formatter):
    """``14:03:22 info  login account=alice``."""

    def format(self, record: logging.LogRecord) -> str:
        clock = time.strftime("%H:%M:%S", time.localtime(record.created))
        fields = "".join(f" {name}={_quoted(value)}" for name, value in _fields(record).items())
        return f"{clock} {_level(record):5} {_escaped(record.getMessage())}{fields}"


class _JSON(logging.Formatter):
    """One object on a line, in ASCII."""

    def format(self, record: logging.LogRecord) -> str:
        clock = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        line: dict[str, object] = {"time": f"{clock}.{int(record.msecs):03}Z", "level": _level(record)}
        line["event"] = record.getMessage()
        for name, value in _fields(record).items():
            line[name] = _cut(value) if isinstance(value, str) else value
        return json.dumps(line)


def _fields(record: logging.LogRecord) -> dict[str, Any]:
    fields: dict[str, Any] = getattr(record, "fields", {})
    return fields


def _level(record: logging.LogRecord) -> str:
    return "warn" if record.levelno == logging.WARNING else record.levelname.lower()


def _check(name: str) -> None:
    if name in _TAKEN or not _NEVER.isdisjoint(name.split("_")):
        raise ValueError(f"a log can't have a field {name!r}")


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def _quoted(value: Field) -> str:
    """A value in a text line: bare where nothing in it could be misread, else in quotes with escapes."""
    if not isinstance(value, str):
        return "none" if value is None else str(value).lower()
    escaped = _escaped(_cut(value))
    return escaped if _PLAIN.fullmatch(escaped) else f'"{escaped}"'


def _escaped(text: str) -> str:
    """Text in which everything is visible: what `str.isprintable` does not know (controls, directions, separators,
    lone surrogates) is shown as ``\\uXXXX``, and so are quotes and backslashes escaped."""
    if text.isprintable() and '"' not in text and "\\" not in text:
        return text
    return "".join(_ESCAPES.get(c) or (c if c.isprintable() else _code(c)) for c in text)


def _code(character: str) -> str:
    number = ord(character)
    return f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"


def _types(error: BaseException) -> str:
    """``KeyError``, or ``StoreError from OSError``: the exception and those which led to it."""
    chain: list[str] = []
    link: BaseException | None = error
    while link is not None and len(chain) < 5:
        chain.append(type(link).__name__)
        link = link.__cause__ or (None if link.__suppress_context__ else link.__context__)
    return " from ".join(chain)


def _places(error: BaseException) -> str:
    """``server/session.py:40 run > irc/lines.py:12 feed``: the innermost ten, from the outside inwards."""
    frames = traceback.extract_tb(error.__traceback__)[-10:]
    return " > ".join(
        f"{'/'.join(PurePath(frame.filename).parts[-2:])}:{frame.lineno} {frame.name}" for frame in frames
    )
