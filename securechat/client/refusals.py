"""What a server's error says: FAIL and the numerics, as sentences.

Most servers' own words are good enough and are shown as they are. Some are no sentence without what they are about
(`bob #tea :is already on channel`), or tell little; those have better ones here.
"""

import contextlib
from typing import Final

from securechat.client import identity_words
from securechat.client.requests import Refusal
from securechat.irc.message import Message
from securechat.irc.numerics import Numeric

_ERRORS: Final = frozenset(numeric for numeric in Numeric if numeric.name.startswith("ERR_")) - {Numeric.ERR_NOMOTD}

_SENTENCES: Final = {
    "401": "{1} is not here",
    "403": "there is no channel {1}",
    "406": "there was nobody called {1}",
    "421": "this server does not know {1}",
    "432": "{1} can't be your nick here",
    "433": "the nick {1} belongs to somebody else",
    "441": "{1} is not in {2}",
    "442": "you are not in {1}",
    "443": "{1} is in {2} already",
    "470": "{1} is called {2} now",
    "471": "{1} is full",
    "472": "there is no mode {1}",
    "473": "{1} is by invitation only",
    "474": "you are banned from {1}",
    "475": "{1} has a key, and that was not it: /join {1} key",
    "481": "only operators of the server may do that",
    "482": "only operators of {1} may do that",
}
"""By numeric; the numbers stand for its parameters, of which 0 is one's own nick. The last of them is never used."""


def refusal_in(message: Message) -> Refusal | None:
    """What a message says if it is an error."""
    command, params = message.command, message.params
    if command == "FAIL":
        if params[:2] == ["CHATHISTORY", "INVALID_TARGET"] and len(params) > 4:
            return Refusal(params[1], params[3], f"there is nothing of {params[3]} that you may read")
        return _failed([*params, "", ""], params[2:-1], params[-1] if params else "")
    if not is_numeric(command) or not _is_error(int(command)):
        return None
    text = params[-1] if params else ""
    if sentence := _SENTENCES.get(command):
        with contextlib.suppress(IndexError):  # the server leaves some out
            text = sentence.format(*params[:-1])
    return Refusal(command, params[1] if len(params) > 2 else "", text)


def _failed(words: list[str], context: list[str], text: str) -> Refusal:
    """A FAIL. Without a context it is about the command, which need not be told of those that have words here."""
    command, code = words[:2]
    if command in identity_words.COMMANDS:
        about = context[0] if context else ""
        if better := identity_words.REFUSALS.get((command, code)):
            return Refusal(code, "", better.format(about))
        return Refusal(code, about, text)
    return Refusal(code, context[0] if context else command, text)


def is_numeric(command: str) -> bool:
    """Whether a command is a number of three digits."""
    return len(command) == 3 and command.isdigit()


def _is_error(code: int) -> bool:
    return code in _ERRORS or (400 <= code < 600 and code != Numeric.ERR_NOMOTD)
