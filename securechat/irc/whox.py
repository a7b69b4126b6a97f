"""WHOX: the fields that somebody wants to see of those whom WHO finds (IRCv3 WHOX).

`WHO <mask> %<fields>[,<token>]` is answered with one RPL_WHOSPCRPL for each, with these fields and no others, in the
order of the specification whatever the order in which they were asked for.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

ORDER = "tcuihsnfdlaor"
"""The fields in the order in which they are sent: token, channel, username, IP address, host, server, nick, flags,
hops, idle seconds, account, op level, real name."""

NO_VALUE: Mapping[str, str] = {"t": "0", "c": "*", "i": "255.255.255.255", "a": "0", "o": "n/a"}
"""What stands for a field that is not told, or that there is not ("MUST be used"; for a token that is none, `0`)."""

_TOKEN = re.compile(r"[0-9]{1,3}")


@dataclass(frozen=True, slots=True)
class WhoxFields:
    """What was asked for: letters of `ORDER`, in its order, and the client's token if it is 1 to 3 digits."""

    letters: str
    token: str | None


def parse_whox(text: str) -> WhoxFields | None:
    """The fields in what follows the mask of a WHO; None if none are asked for, which makes it a plain WHO.

    Unknown letters are left out, and so are flags before the `%`, which belong to extensions of other servers. A token
    that is not 1 to 3 digits is none.
    """
    _, percent, rest = text.partition("%")
    asked, _, token = rest.partition(",")
    letters = "".join(letter for letter in ORDER if letter in asked)
    if not percent or not letters:
        return None
    return WhoxFields(letters, token if _TOKEN.fullmatch(token) else None)


def whox_words(fields: WhoxFields, values: Mapping[str, str]) -> list[str]:
    """The values of one RPL_WHOSPCRPL. The token comes from `fields`.

    `values`: letter to value, for all letters that are asked for; those in `NO_VALUE` may be missing. Raises `KeyError`
    for any other.
    """
    known = {**NO_VALUE, **values}
    if fields.token is not None:
        known["t"] = fields.token
    return [known[letter] for letter in fields.letters]
