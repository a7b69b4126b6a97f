"""What the value of a configuration key can be: functions that check what came from TOML or the command line.

A `Key` says which of them reads it. Each returns the value in our types, or raises `WrongValueError`, whose text
continues "... must be" and never quotes the value.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

from securechat.irc.names import casefold, valid_channel

C = TypeVar("C", bound=str)

SERVER_NAME: Final = r"(?=.{1,63}\Z)(?!-)[a-z0-9-]{1,63}(?<!-)(\.(?!-)[a-z0-9-]{1,63}(?<!-))+"
"""Labels of RFC 1123 section 2.1, at least two: a server's name has a dot, a nick can't have one."""

# What is left of an IRC line of 512 bytes behind the longest server name, nick and numeric, rounded down.
_MOTD_LINE: Final = 390
_MOTD_LINES: Final = 200
# PASS and its argument are one IRC line, too.
_PASS: Final = 400

# A client-only tag's key without its + (IRCv3 message-tags). All of them stand in one token of ISUPPORT.
_TAG: Final = re.compile(r"([A-Za-z0-9][A-Za-z0-9.-]*/)?[A-Za-z0-9][A-Za-z0-9-]*")
_MOST_TAGS: Final = 300


MAX_DAYS: Final = 36_500
MAX_MEGABYTES: Final = 1_000_000


class WrongValueError(Exception):
    """What the value must be."""


@dataclass(frozen=True, slots=True)
class Key:
    """What the table says about one key: how its value is read, what it is for, and an example where no default is."""

    read: Callable[[object], object]
    help: str
    example: str = ""
    secret: bool = False


def flag(value: object) -> bool:
    """`true` or `false`."""
    if not isinstance(value, bool):
        raise WrongValueError("true or false")
    return value


def _digits(value: int) -> str:
    """As TOML may have it, but for those that everybody reads without: a port, days."""
    return f"{value:_}" if value > 65_535 else str(value)


def whole(low: int, high: int) -> Callable[[object], int]:
    """A whole number in a range, both ends included."""

    def read(value: object) -> int:
        # For Python True is a number, too.
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise WrongValueError(f"a whole number from {_digits(low)} to {_digits(high)}")
        return value

    return read


_KEPT: Final = {"days": whole(0, MAX_DAYS), "megabytes": whole(0, MAX_MEGABYTES)}


def number(low: float, high: float, unit: str) -> Callable[[object], float]:
    """A number in a range, both ends included; `nan` is in none."""

    def read(value: object) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            raise WrongValueError(f"a number from {low:_} to {high:_} {unit}".rstrip())
        return float(value)

    return read


def text(pattern: str, what: str) -> Callable[[object], str]:
    """A string that matches a pattern as a whole."""

    def read(value: object) -> str:
        if not isinstance(value, str) or not re.fullmatch(pattern, value):
            raise WrongValueError(what)
        return value

    return read


def choice(*choices: C) -> Callable[[object], C]:
    """One of some strings."""

    def read(value: object) -> C:
        for known in choices:
            if value == known:
                return known
        raise WrongValueError(" or ".join(f'"{known}"' for known in choices))

    return read


def secret(value: object) -> str:
    """A password that can be sent in one IRC line."""
    if not isinstance(value, str) or not 1 <= len(value.encode(errors="replace")) <= _PASS or not value.isprintable():
        raise WrongValueError(f"a string of 1 to {_PASS} bytes without control characters")
    return value


def lines(value: object) -> tuple[str, ...]:
    """A string as its lines, each short enough for an IRC line."""
    if isinstance(value, str) and "\0" not in value:
        found = tuple(value.splitlines())
        if len(found) <= _MOTD_LINES and all(len(line.encode(errors="replace")) <= _MOTD_LINE for line in found):
            return found
    raise WrongValueError(f"a string of at most {_MOTD_LINES} lines of {_MOTD_LINE} bytes each")


def line(value: object) -> str:
    """A string that fits into an IRC line."""
    if isinstance(value, str) and 1 <= len(value.encode(errors="replace")) <= _MOTD_LINE and value.isprintable():
        return value
    raise WrongValueError(f"a string of 1 to {_MOTD_LINE} bytes without control characters")


def password_hash(value: object) -> str:
    """The hash of a password, as the store has them."""
    # Here, since with a server that runs `securechat user` reads a configuration and hashes nothing.
    from securechat.store.passwords import BrokenHashError, check_hash

    if isinstance(value, str):
        try:
            check_hash(value)
        except BrokenHashError:
            pass  # ours is raised outside, where it is not chained to that one
        else:
            return value
    raise WrongValueError("a hash as `securechat user hash` prints it")


def client_tags(value: object) -> tuple[str, ...]:
    """An array of client-only tags without their ``+``, as CLIENTTAGDENY has them (IRCv3 message-tags): a ``*`` only in
    front, and exceptions, with a ``-``, only behind that."""
    if isinstance(value, list) and all(isinstance(name, str) for name in value):
        everything = value[:1] == ["*"]
        names = [name.removeprefix("-") if everything else name for name in value[everything:]]
        if all(_TAG.fullmatch(name) for name in names) and len(",".join(value)) <= _MOST_TAGS:
            return tuple(dict.fromkeys(value))
    raise WrongValueError(
        f'an array of tags like "typing" or "draft/react", or of "*" and then exceptions like "-typing", of together '
        f"{_MOST_TAGS} characters"
    )


def kept_channels(value: object) -> Mapping[str, Mapping[str, int]]:
    """Tables of what is kept of channels, by their names, which come out casefolded: each has ``days``, ``megabytes``,
    or both."""
    found: dict[str, Mapping[str, int]] = {}
    for name, table in value.items() if isinstance(value, dict) else ():
        if not valid_channel(name) or casefold(name) in found or not isinstance(table, dict) or not table:
            break
        try:
            found[casefold(name)] = {key: _KEPT[key](amount) for key, amount in table.items()}
        except (KeyError, WrongValueError):
            break
    else:
        if isinstance(value, dict):
            return found
    raise WrongValueError(
        'tables by the names of channels, each once, like {"#tea" = {days = 30, megabytes = 100}}, with whole numbers '
        f"up to {MAX_DAYS:_} and {MAX_MEGABYTES:_}"
    )


def hosts(value: object) -> tuple[str, ...]:
    """An array of names or addresses, each once."""
    if (
        isinstance(value, list)
        and value
        and all(isinstance(host, str) and re.fullmatch(r"[!-~]{1,255}", host) for host in value)
    ):
        return tuple(dict.fromkeys(value))
    raise WrongValueError('an array of host names or addresses, like ["localhost"]')


def reachable(value: object) -> str:
    """A name or address under which one machine is reached by others."""
    # Here, since that is half of a certificate authority, and few configurations say it.
    from securechat.pki.errors import InvalidRequestError
    from securechat.pki.names import parse_host

    try:
        return str(parse_host(value if isinstance(value, str) else ""))
    except InvalidRequestError:
        raise WrongValueError("a host name or an address, without a port") from None


def path(value: object) -> Path:
    """A path, in which `~` is expanded."""
    if isinstance(value, str | Path) and str(value) and "\0" not in str(value):
        try:
            return Path(value).expanduser()
        except RuntimeError:
            pass  # a home directory of nobody
    raise WrongValueError("a path")
