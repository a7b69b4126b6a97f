r"""Message tags: the part of a line that begins with `@` (IRCv3 Message Tags).

A tag's value is escaped on the wire, `;` as `\:`, space as `\s`, `\` as `\\`, CR as `\r`, LF as `\n`; in our hands
it never is. A tag without a value and one with an empty value are the same: here `""`, and written without `=`.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType

from securechat.irc.words import UnsendableError, check_line

NO_TAGS: Mapping[str, str] = MappingProxyType({})
"""The tags of a message that has none; shared by all of them, and nobody can add to it."""

_ESCAPES = str.maketrans({";": r"\:", " ": r"\s", "\\": r"\\", "\r": r"\r", "\n": r"\n"})
_UNESCAPED = {":": ";", "s": " ", "\\": "\\", "r": "\r", "n": "\n"}
_ESCAPE = re.compile(r"\\(.?)")


def escape(value: str) -> str:
    """The value as it stands on the wire."""
    return value.translate(_ESCAPES)


def unescape(value: str) -> str:
    r"""The value behind an escaped one. An unknown escape loses its backslash (`\b` is `b`), so does one at the end."""
    return _ESCAPE.sub(lambda found: _UNESCAPED.get(found[1], found[1]), value)


def parse_tags(section: str) -> dict[str, str]:
    """The tags in what stands between `@` and the first space: key to unescaped value.

    Never fails: keys are opaque ("MUST NOT perform any validation that would reject the message"), the last of several
    tags with one key counts, and a tag without a key is no tag.
    """
    tags = {}
    for tag in section.split(";"):
        key, _, value = tag.partition("=")
        if key:
            tags[key] = unescape(value) if "\\" in value else value
    return tags


def format_tags(tags: Mapping[str, str]) -> str:
    """The inverse of `parse_tags`, without `@` and the space behind; raise `UnsendableError` for a key with no form."""
    parts = []
    for key, value in tags.items():
        if not key or " " in key or ";" in key or "=" in key:
            raise UnsendableError("a tag's key can't be empty or hold a space, ';' or '='")
        parts.append(f"{key}={escape(value)}" if value else key)
    return check_line(";".join(parts))


PASSING = frozenset(("+typing", "+draft/typing"))
"""Client-only tags that say what somebody is doing just now, and nothing that is worth keeping."""


def passing(client_tags: str) -> bool:
    """Whether client-only tags, as `client_only` writes them, have nothing to say later: none do, or only `PASSING`."""
    return all(tag.partition("=")[0] in PASSING for tag in client_tags.split(";") if tag)


def client_only(tags: Mapping[str, str], denied: tuple[str, ...] = ()) -> str:
    """The client-only tags (`+...`) as they are relayed: `""`, or like `+typing=active;+draft/react=x`, without `@`.

    Servers attach these to what they relay and drop all others that a client sent ("Client-only tags"). Written
    anew from the unescaped values, which gives one form for each and is never longer than what the client sent. A `+`
    with no name behind it is no tag ("Format"), and strict readers would choke on it.

    `denied`: the items of CLIENTTAGDENY, by which some are left out ("RPL_ISUPPORT Tokens"): names without their `+`,
    or `*` for all, and behind it `-name` for one that is relayed all the same. Names are compared as they are.
    """
    for key in tags:
        if key[0] == "+":
            break
    else:  # as of most messages
        return ""
    relayed = {key: value for key, value in tags.items() if key[0] == "+" and key != "+"}
    if denied[:1] == ("*",):
        relayed = {key: value for key, value in relayed.items() if f"-{key[1:]}" in denied}
    elif denied:
        relayed = {key: value for key, value in relayed.items() if key[1:] not in denied}
    return format_tags(relayed)
