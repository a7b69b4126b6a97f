"""FAIL, WARN and NOTE, and the one list of their codes (IRCv3 Standard Replies).

    FAIL <command> <code> [<context>...] :<description>

A code is for programs, the description for people. Numerics that exist for a case are used in its place ("SHOULD NOT
replace standardised error numerics").
"""

from dataclasses import dataclass
from enum import StrEnum

from securechat.irc.words import check_line, word


class Code(StrEnum):
    """The codes in use, each with its usual description. Names are those of the IRCv3 registry where it has one."""

    description: str

    def __new__(cls, code: str, description: str) -> "Code":
        """The code, which is its own value, with its description at hand."""
        member = str.__new__(cls, code)
        member._value_ = code
        member.description = description
        return member

    ACCOUNT_REQUIRED_TO_CONNECT = "ACCOUNT_REQUIRED_TO_CONNECT", "You need an account to connect to this network"
    INTERNAL_ERROR = "INTERNAL_ERROR", "The server made a mistake; nothing was changed"
    INVALID_UTF8 = "INVALID_UTF8", "Message rejected, your software must use UTF-8 on this network"
    MESSAGE_CUT = "MESSAGE_CUT", "The message was too long for one line; others got only its beginning"
    NEED_REGISTRATION = "NEED_REGISTRATION", "You must finish connecting before you can do that"
    TEMPORARILY_UNAVAILABLE = "TEMPORARILY_UNAVAILABLE", "That does not work at the moment; try again later"


@dataclass(frozen=True, slots=True)
class StandardReply:
    """One such reply: `verb` is FAIL, WARN or NOTE; `context` are words for whoever looks for the cause."""

    verb: str
    command: str
    code: Code
    context: tuple[str, ...]
    description: str

    def render(self, client: str = "*") -> str:
        """The line without source and CR LF. `client` is not used: it is there so that all answers render alike."""
        del client
        words = " ".join(map(word, (self.verb, self.command, self.code.value, *self.context)))
        return check_line(f"{words} :{self.description}")


def fail(code: Code, command: str = "*", *context: str, description: str | None = None) -> StandardReply:
    """FAIL: the command did not do what it should. `command` is `*` when there was none, or none that could be read."""
    return StandardReply("FAIL", command, code, context, description or code.description)


def warn(code: Code, command: str = "*", *context: str, description: str | None = None) -> StandardReply:
    """WARN: it was done, and there is something to know about it."""
    return StandardReply("WARN", command, code, context, description or code.description)


def note(code: Code, command: str = "*", *context: str, description: str | None = None) -> StandardReply:
    """NOTE: only to say something."""
    return StandardReply("NOTE", command, code, context, description or code.description)
