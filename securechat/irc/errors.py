"""What a peer can do wrong on the level of the protocol, and the answer that each mistake gets.

::

    ProtocolError
    ├── LineTooLongError             417   the part behind the tags is over 512 bytes
    ├── TagsTooLongError             417   the tags are over their own limit
    ├── NullByteError                400   NUL in a line
    ├── InvalidUTF8Error             FAIL <command> INVALID_UTF8
    ├── MalformedMessageError        421   no command where one must be
    ├── NotEnoughParametersError     461
    ├── InvalidCapCommandError       410
    ├── MultilineError               a batch that is no message
    │   ├── MultilineInvalidError        FAIL BATCH MULTILINE_INVALID
    │   ├── MultilineTargetError         FAIL BATCH MULTILINE_INVALID_TARGET
    │   ├── MultilineTooLongError        FAIL BATCH MULTILINE_MAX_BYTES
    │   └── MultilineTooManyLinesError   FAIL BATCH MULTILINE_MAX_LINES
    ├── PieceError                   something in Base64 that does not come as it should
    │   ├── MalformedPieceError          FAIL * INVALID_PARAMS
    │   └── PiecesTooLongError           FAIL * LIMIT_REACHED
    └── SaslError
        ├── SaslFailedError          904   credentials or the exchange itself are wrong
        ├── UnknownMechanismError    908, then 904
        ├── SaslTooLongError         905
        ├── SaslAbortedError         906   the client's own wish
        └── SaslAlreadyError         907

    UnsendableError (in `words`)     our own mistake, a ValueError: something that has no form in the protocol

An error holds its answers as data; `answer.render(nick)` gives the line to put behind the server's name. Its own
message and repr say what went wrong without quoting the peer, so they can be logged.
"""

from collections.abc import Iterable, Mapping

from securechat.irc.numerics import Numeric, NumericReply
from securechat.irc.split import fit
from securechat.irc.standard_replies import Code, StandardReply, fail
from securechat.irc.tags import NO_TAGS

Answer = NumericReply | StandardReply


class ProtocolError(Exception):
    """A mistake of the peer.

    `answers`: what to tell it, in order. `tags`: those of the message that was wrong, as far as they could be read, so
    that the answer can carry its `label`.
    """

    def __init__(self, summary: str, *answers: Answer, tags: Mapping[str, str] = NO_TAGS) -> None:
        super().__init__(summary)
        self.answers = answers
        self.tags = tags


class LineTooLongError(ProtocolError):
    """What stands behind the tags is longer than 512 bytes with its CR LF (Modern IRC, "Message Format")."""

    def __init__(self, tags: Mapping[str, str] = NO_TAGS) -> None:
        super().__init__("line too long", NumericReply(Numeric.ERR_INPUTTOOLONG), tags=tags)


class TagsTooLongError(ProtocolError):
    """The tags are longer than allowed; they are never truncated (Message Tags, "Size limit")."""

    def __init__(self) -> None:
        super().__init__("tags too long", NumericReply(Numeric.ERR_INPUTTOOLONG))


class NullByteError(ProtocolError):
    """A NUL, which no part of a message can hold."""

    def __init__(self, tags: Mapping[str, str] = NO_TAGS) -> None:
        answer = NumericReply(Numeric.ERR_UNKNOWNERROR, "*", "A message can't hold a NUL byte")
        super().__init__("NUL in a line", answer, tags=tags)


class InvalidUTF8Error(ProtocolError):
    """Bytes that are not UTF-8 (IRCv3 UTF8ONLY). `command`: the command of that line, or `*` if it can't be told."""

    def __init__(self, command: str = "*", tags: Mapping[str, str] = NO_TAGS) -> None:
        super().__init__("invalid UTF-8", fail(Code.INVALID_UTF8, command), tags=tags)
        self.command = command


class MalformedMessageError(ProtocolError):
    """No command, or something that can't be one in its place. `command`: that something, or `*`."""

    def __init__(self, command: str, tags: Mapping[str, str] = NO_TAGS) -> None:
        super().__init__("no command", NumericReply(Numeric.ERR_UNKNOWNCOMMAND, command), tags=tags)
        self.command = command


class NotEnoughParametersError(ProtocolError):
    """Fewer parameters than `command` needs (Modern IRC, "Client Messages")."""

    def __init__(self, command: str) -> None:
        super().__init__(f"{command}: not enough parameters", NumericReply(Numeric.ERR_NEEDMOREPARAMS, command))


class InvalidCapCommandError(ProtocolError):
    """A subcommand that no client sends, or one without what it needs (Capability Negotiation, "The CAP command")."""

    def __init__(self, subcommand: str) -> None:
        super().__init__("invalid CAP command", NumericReply(Numeric.ERR_INVALIDCAPCMD, subcommand))


class MultilineError(ProtocolError):
    """A batch of lines that is no message (IRCv3 Multiline, "Errors"). What still comes of it is ignored."""


class MultilineInvalidError(MultilineError):
    """What no other of these says. `description` is what the client is told, if there is more to tell than that."""

    def __init__(self, description: str | None = None) -> None:
        super().__init__("multiline: invalid", fail(Code.MULTILINE_INVALID, "BATCH", description=description))


class MultilineTargetError(MultilineError):
    """A line that is for somebody else than its batch. Of long targets the beginning is repeated."""

    def __init__(self, target: str, provided: str) -> None:
        shown = fit(target, 100), fit(provided, 100)  # so that both fit into a line
        super().__init__("multiline: another target", fail(Code.MULTILINE_INVALID_TARGET, "BATCH", *shown))


class MultilineTooLongError(MultilineError):
    """More bytes than `limit`, the `max-bytes` of the capability."""

    def __init__(self, limit: int) -> None:
        super().__init__("multiline: too long", fail(Code.MULTILINE_MAX_BYTES, "BATCH", str(limit)))


class MultilineTooManyLinesError(MultilineError):
    """More lines than `limit`, the `max-lines` of the capability."""

    def __init__(self, limit: int) -> None:
        super().__init__("multiline: too many lines", fail(Code.MULTILINE_MAX_LINES, "BATCH", str(limit)))


class PieceError(ProtocolError):
    """Pieces of Base64 (`pieces`) that make nothing. Its message is for the peer too; whoever catches it knows which
    command it was, and can say more."""


class MalformedPieceError(PieceError):
    """Not 1 to 400 characters, or no Base64."""

    def __init__(self) -> None:
        summary = "That is no Base64 in pieces of 400 characters, the last one shorter"
        super().__init__(summary, fail(Code.INVALID_PARAMS, description=summary))


class PiecesTooLongError(PieceError):
    """More than `limit` bytes, all pieces together."""

    def __init__(self, limit: int) -> None:
        summary = f"That is too long: it can have {limit:,} bytes at most"
        super().__init__(summary, fail(Code.LIMIT_REACHED, description=summary))


class SaslError(ProtocolError):
    """An exchange that ended without a login (IRCv3 SASL 3.1, "Numerics used by this extension")."""


class SaslFailedError(SaslError):
    """Wrong credentials, or something that is not the exchange that the mechanism wants. `why` is for our log only."""

    def __init__(self, why: str = "authentication failed") -> None:
        super().__init__(why, NumericReply(Numeric.ERR_SASLFAIL))


class UnknownMechanismError(SaslError):
    """A mechanism that is not offered; `offered` are those that are."""

    def __init__(self, offered: Iterable[str]) -> None:
        names = NumericReply(Numeric.RPL_SASLMECHS, ",".join(offered))
        super().__init__("unknown mechanism", names, NumericReply(Numeric.ERR_SASLFAIL))


class SaslTooLongError(SaslError):
    """A parameter of AUTHENTICATE over 400 bytes, or a response over the limit for all its parts."""

    def __init__(self) -> None:
        super().__init__("SASL message too long", NumericReply(Numeric.ERR_SASLTOOLONG))


class SaslAbortedError(SaslError):
    """The client sent `AUTHENTICATE *`, or finished its registration in the middle of an exchange."""

    def __init__(self) -> None:
        super().__init__("aborted", NumericReply(Numeric.ERR_SASLABORTED))


class SaslAlreadyError(SaslError):
    """AUTHENTICATE after it has succeeded."""

    def __init__(self) -> None:
        super().__init__("already authenticated", NumericReply(Numeric.ERR_SASLALREADY))
