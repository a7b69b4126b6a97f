"""Letting people in: links with a code that makes an account. For administrators; the server says so to others."""

import re
from collections.abc import Callable
from typing import Final

from securechat.client.commands.command import Arguments, Command, Misused, Screen, UsageError
from securechat.client.safe import safe_text
from securechat.irc.links import plain_host
from securechat.irc.names import valid_nick

_NUMBER: Final = re.compile(r"[1-9][0-9]{0,5}", re.ASCII)
_DURATION: Final = re.compile(r"(?:[0-9]{1,6}[wdhms]){1,5}", re.ASCII)


def _invitation(screen: Screen, arguments: Arguments) -> None:
    words = arguments.words
    match words:
        case ["list"]:
            screen.client.request("INVITATION", "LIST")
        case ["revoke", id_]:
            screen.client.request("INVITATION", "REVOKE", id_)
        case ["revoke" | "list", *_]:
            raise Misused
        case _:
            screen.client.request("INVITATION", "NEW", *_wanted(words))


def _wanted(words: list[str]) -> list[str]:
    """What an invitation is to be, as INVITATION NEW takes it. Raises `UsageError` and `Misused`."""
    wanted: dict[str, str] = {}
    rest = iter(words)
    for word in rest:
        value = next(rest, "") if word in _VALUES else ""
        if word in wanted or (word != "admin" and word not in _VALUES):
            raise UsageError(
                f"{safe_text(word)} can't stand there: what can is for NAME, uses 5, expires 7d, admin, host NAME and "
                "port N, one or several"
            )
        if word in _VALUES:
            suits, what = _VALUES[word]
            if not suits(value):
                raise UsageError(f"behind {word} there has to be {what}, not {safe_text(value) or 'nothing'}")
        wanted[word] = f"{word}={value}" if value else word
    return list(wanted.values())


_VALUES: Final[dict[str, tuple[Callable[[str], object], str]]] = {
    "for": (valid_nick, "the name of an account"),
    "uses": (_NUMBER.fullmatch, "a number, as in: uses 5"),
    "expires": (_DURATION.fullmatch, "a time, as in: expires 24h, or 7d"),
    "host": (plain_host, "the name or address by which others reach the server"),
    "port": (_NUMBER.fullmatch, "the number of the port by which others reach it"),
}
"""What can be said of an invitation with a value behind it: what suits, and what that is."""


COMMANDS = (
    Command(
        "invitation",
        "[words]",
        "a link for newcomers (see /help invitation)",
        _invitation,
        (
            ("", "a link for one newcomer, of any name"),
            ("for name", "only for an account of that name"),
            ("uses 5 expires 7d", "for so many people, for so long (h, d, w)"),
            ("admin", "who comes in with it is an administrator"),
            ("host name port 6697", "where others reach the server"),
            ("list", "which there are"),
            ("revoke id", "one lets nobody in any more"),
        ),
    ),
)
