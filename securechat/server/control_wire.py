"""What is said on the control socket: JSON objects, each on a line of ASCII, one request a connection.

::

    server   {"securechat": 1}
    client   {"do": "add", "name": "alice", "password": "...", "admin": false}
    server   {"ok": true}
       or    {"ok": false, "fault": "operator", "error": "there is an account alice already"}

The server's first line has the version of the protocol. ``fault`` says whose it is: the ``operator``'s, who can ask for
something else, or the ``server``'s; or that the server is ``stopping`` and has not looked at the request.
"""

from __future__ import annotations

import json
import os
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

__all__ = ["GREETING", "MAX_ANSWER", "MAX_REQUEST", "LineReader", "NonsenseError", "address_of", "decode", "encode"]

GREETING: Final[dict[str, object]] = {"securechat": 1}
MAX_REQUEST: Final = 64 * 1024
"""Bytes: a name and a password, or a ban and its reason, with much room."""
MAX_ANSWER: Final = 64 * 1024 * 1024
"""Bytes: a list of some 500,000 accounts."""

# sun_path of unix(7) without its NUL. Outside Linux it is shorter.
_LONGEST_ADDRESS: Final = 107 if sys.platform == "linux" else 103


class NonsenseError(Exception):
    """The other end said something that is not of this protocol. The message never quotes it: it may be a password."""


def encode(content: dict[str, object]) -> bytes:
    """One line."""
    return json.dumps(content).encode("ascii") + b"\n"


def decode(line: bytes) -> dict[str, object]:
    """The object on a line, else `NonsenseError`."""
    try:
        content = json.loads(line)
    except (ValueError, RecursionError):
        content = None  # that exception has the line in it, so ours is raised outside, where it is not chained to it
    if not isinstance(content, dict):
        raise NonsenseError("a line is no JSON object")
    return content


def text(content: dict[str, object], name: str) -> str:
    """A string under that name, else `NonsenseError`."""
    value = content.get(name)
    if not isinstance(value, str):
        raise NonsenseError(f"{name!r} is missing, or no string")
    return value


def text_or_none(content: dict[str, object], name: str) -> str | None:
    """A string or ``None`` under that name, else `NonsenseError`. It can't be left out."""
    return None if content.get(name, "") is None else text(content, name)


def number(content: dict[str, object], name: str) -> int:
    """A whole number, not below 0, under that name, else `NonsenseError`."""
    value = content.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise NonsenseError(f"{name!r} is missing, or no whole number from 0")
    return value


def number_or_none(content: dict[str, object], name: str) -> int | None:
    """A whole number, not below 0, or ``None`` under that name, else `NonsenseError`. It can't be left out."""
    return None if content.get(name, "") is None else number(content, name)


def flag(content: dict[str, object], name: str) -> bool:
    """True or False under that name, else `NonsenseError`."""
    value = content.get(name)
    if not isinstance(value, bool):
        raise NonsenseError(f"{name!r} is missing, or neither true nor false")
    return value


def texts(content: dict[str, object], name: str) -> list[str]:
    """An array of strings under that name, else `NonsenseError`."""
    value = content.get(name)
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise NonsenseError(f"{name!r} is missing, or no array of strings")
    return value


def object_(content: dict[str, object], name: str) -> dict[str, object]:
    """An object under that name, else `NonsenseError`."""
    value = content.get(name)
    if not isinstance(value, dict):
        raise NonsenseError(f"{name!r} is missing, or no object")
    return value


def objects(content: dict[str, object], name: str) -> list[dict[str, object]]:
    """An array of objects under that name, else `NonsenseError`."""
    value = content.get(name)
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise NonsenseError(f"{name!r} is missing, or no array of objects")
    return value


class LineReader:
    """The client's end: objects from a blocking socket, each with a bound on its length and on the time."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._received = bytearray()

    def read(self, limit: int, seconds: float) -> dict[str, object]:
        """The next object.

        Raises:
            NonsenseError: it is none, or longer than ``limit`` bytes.
            ConnectionError: the connection has ended before it.
            TimeoutError: it did not come in time.
        """
        deadline = time.monotonic() + seconds
        searched = 0
        while (end := self._received.find(b"\n", searched)) < 0:
            searched = len(self._received)
            if searched > limit:
                raise NonsenseError("a line is too long")
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError("it takes too long")
            self._sock.settimeout(left)
            data = self._sock.recv(64 * 1024)
            if not data:
                raise ConnectionResetError("it closed the connection")
            self._received += data
        line = bytes(self._received[:end])
        del self._received[: end + 1]
        return decode(line)


@contextmanager
def address_of(path: Path) -> Iterator[str]:
    """A form of ``path`` that fits into the address of a Unix socket, which is short; valid inside the ``with``.

    Linux has a short name for every directory that a process has open.

    Raises:
        OSError: the path is too long for this system, or its directory can't be opened.
    """
    if len(os.fsencode(path)) <= _LONGEST_ADDRESS:
        yield str(path)
        return
    if sys.platform != "linux":
        raise OSError(f"the path of a socket has at most {_LONGEST_ADDRESS} bytes here: choose a shorter directory")
    directory = os.open(path.parent, os.O_PATH | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{directory}/{path.name}"
    finally:
        os.close(directory)


def reason(error: OSError) -> str:
    """What the system says, without numbers and file names."""
    return error.strerror or str(error)
