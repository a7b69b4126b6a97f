r"""The tokens of 005, RPL_ISUPPORT, by which a server says what it supports (Modern IRC, "Feature Advertisement").

`NAME`, `NAME=value`, or `-NAME` to take one back. In a value, space, `=` and backslash are written `\x20`, `\x3D`,
`\x5C`.
"""

import re
from collections.abc import Iterable, Mapping

from securechat.irc.split import pack_words
from securechat.irc.words import UnsendableError, check_line

MAX_TOKENS = 13
"""In one line: 15 parameters less the client's name and the sentence."""

_SENTENCE = " :are supported by this server"
_NAME = re.compile(r"(?:draft/)?[A-Z0-9./]{1,20}")
_ESCAPES = str.maketrans({" ": r"\x20", "=": r"\x3D", "\\": r"\x5C"})
_ESCAPE = re.compile(r"\\x(20|3D|5C)", re.IGNORECASE)


def token(name: str, value: str | None = "") -> str:
    """One token as it is sent; a value of None takes it back.

    Raises `UnsendableError` for a name that is not 1 to 20 of `A-Z`, `0-9`, `.` and `/`, behind `draft/` or not.
    """
    if not _NAME.fullmatch(name):
        raise UnsendableError("the name of a token is 1 to 20 upper-case letters, digits, '.' and '/'")
    if value is None:
        return f"-{name}"
    return check_line(f"{name}={value.translate(_ESCAPES)}") if value else name


def changes(before: Mapping[str, str], after: Mapping[str, str]) -> dict[str, str | None]:
    """The tokens that bring a client from `before` to `after`, each name to value: the new ones, and None for those
    that are there no more."""
    gone = dict.fromkeys(name for name in before if name not in after)
    return {**gone, **{name: value for name, value in after.items() if before.get(name) != value}}


def token_lines(tokens: Mapping[str, str | None], room: int) -> list[list[str]]:
    """The tokens, in their order, as the values of one RPL_ISUPPORT after another.

    `tokens`: name to value, `""` where there is none, None for one that is taken back. `room`: bytes for what follows
    the client's name and its space.
    """
    return pack_words((token(*item) for item in tokens.items()), room - len(_SENTENCE), most=MAX_TOKENS)


def update(known: dict[str, str], tokens: Iterable[str]) -> None:
    """Bring what a client knows of its server (name to value, `""` for none) up to date with the tokens of one line.

    `tokens`: the parameters of 005 without the client's name and the sentence. Never fails: it is the server's to say.
    """
    for word in tokens:
        name, _, value = word.partition("=")
        if name.startswith("-"):
            known.pop(name[1:], None)
        elif name:
            known[name] = _ESCAPE.sub(lambda found: chr(int(found[1], 16)), value)
