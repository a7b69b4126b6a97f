"""Answers to one session: refusals in the words of the protocol, labels and batches."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import TYPE_CHECKING

from securechat.chat.refusals import Reason, Refusal
from securechat.irc.errors import Answer
from securechat.irc.numerics import Numeric, NumericReply
from securechat.irc.standard_replies import Code, fail
from securechat.irc.tags import escape
from securechat.server.lines import with_tag

if TYPE_CHECKING:
    from securechat.server.session import Session

__all__ = ["Batch", "Lines", "Rendered", "Reply", "labelled", "refusal", "with_label"]

Lines = Iterable[bytes]
"""Whole lines, each with its CR LF and nothing else."""

Reply = bytes | Iterator[bytes]
"""One line, or an answer that is rendered while it is sent."""


class Batch(Iterator[bytes]):
    """An answer that is one batch (IRCv3 batch), from its BATCH to its BATCH. For sessions that have enabled ``batch``.

    ``kind``: the type, with its parameters behind it. ``lines``: what is in it, each rendered when it is sent; another
    `Batch` may be among them, by ``yield from``. ``tag``: a tag for its beginning; where a batch is all that answers a
    line with a label, that is the label, and else it stands inside the batch that has it (Labeled Responses, "Tags").
    """

    __slots__ = ("_lines", "tag")

    def __init__(self, session: Session, kind: str, lines: Iterable[bytes]) -> None:
        self.tag = b""
        self._lines = self._render(session, kind, lines)

    def __next__(self) -> bytes:
        return next(self._lines)

    def _render(self, session: Session, kind: str, lines: Iterable[bytes]) -> Iterator[bytes]:
        reference = session.next_batch()
        start = session.line(f"BATCH +{reference} {kind}")
        yield with_tag(start, self.tag) if self.tag else start
        inside = _inside(reference)
        for line in lines:
            yield inside(line)
        yield session.line(f"BATCH -{reference}")


class Rendered(Batch):
    """A batch that is there in its lines, all but the first with the tag `batch`, or the last."""

    __slots__ = ()

    def __init__(self, lines: Iterable[bytes]) -> None:
        self.tag = b""
        self._lines = self._from_the_first(lines)

    def _from_the_first(self, lines: Iterable[bytes]) -> Iterator[bytes]:
        first, *rest = lines
        yield with_tag(first, self.tag) if self.tag else first
        yield from rest


def _inside(reference: str) -> Callable[[bytes], bytes]:
    """Gives lines the tag of a batch. One that has such a tag is in another batch, which is in this one by its ends."""
    tag = f"batch={reference}".encode()
    return lambda line: line if line.startswith(b"@batch=") else with_tag(line, tag)


_NUMERICS: dict[Reason, Numeric] = {
    Reason.NO_SUCH_NICK: Numeric.ERR_NOSUCHNICK,
    Reason.NO_SUCH_CHANNEL: Numeric.ERR_NOSUCHCHANNEL,
    Reason.BAD_CHANNEL_NAME: Numeric.ERR_BADCHANMASK,
    Reason.NOT_ON_CHANNEL: Numeric.ERR_NOTONCHANNEL,
    Reason.NOT_IN_CHANNEL: Numeric.ERR_USERNOTINCHANNEL,
    Reason.ALREADY_ON_CHANNEL: Numeric.ERR_USERONCHANNEL,
    Reason.CANNOT_SEND: Numeric.ERR_CANNOTSENDTOCHAN,
    Reason.NO_CTCP: Numeric.ERR_CANNOTSENDTOCHAN,
    Reason.BANNED_FROM_CHANNEL: Numeric.ERR_BANNEDFROMCHAN,
    Reason.INVITE_ONLY: Numeric.ERR_INVITEONLYCHAN,
    Reason.ACCOUNT_NEEDED: Numeric.ERR_NEEDREGGEDNICK,
    Reason.ACCOUNT_NEEDED_TO_SEND: Numeric.ERR_CANNOTSENDTOUSER,
    Reason.BAD_KEY: Numeric.ERR_BADCHANNELKEY,
    Reason.CHANNEL_FULL: Numeric.ERR_CHANNELISFULL,
    Reason.UNKNOWN_MODE: Numeric.ERR_UNKNOWNMODE,
    Reason.BAD_MODE_PARAMETER: Numeric.ERR_INVALIDMODEPARAM,
    Reason.LIST_FULL: Numeric.ERR_BANLISTFULL,
    Reason.NO_PRIVILEGES: Numeric.ERR_NOPRIVILEGES,
    Reason.BANNED_FROM_SERVER: Numeric.ERR_YOUREBANNEDCREEP,
    Reason.TOO_MANY_SILENCED: Numeric.ERR_SILELISTFULL,
    Reason.TOO_MANY_CHANNELS: Numeric.ERR_TOOMANYCHANNELS,
    Reason.NOT_OPERATOR: Numeric.ERR_CHANOPRIVSNEEDED,
    Reason.NICK_IN_USE: Numeric.ERR_NICKNAMEINUSE,
    Reason.NICK_BELONGS_TO_ACCOUNT: Numeric.ERR_NICKNAMEINUSE,
    Reason.NICK_IS_ACCOUNT_NAME: Numeric.ERR_ERRONEUSNICKNAME,
    Reason.BAD_NICK: Numeric.ERR_ERRONEUSNICKNAME,
}


_CODES: dict[Reason, Code] = {
    Reason.BAD_REALNAME: Code.INVALID_REALNAME,
    Reason.BAD_MASK: Code.INVALID_MASK,
    Reason.CHANNEL_NAME_IN_USE: Code.CHANNEL_NAME_IN_USE,
    Reason.CANNOT_RENAME: Code.CANNOT_RENAME,
    Reason.NOT_OWNER: Code.NOT_OWNER,
    Reason.TOO_MANY_OWNED: Code.TOO_MANY_CHANNELS,
    Reason.NO_SUCH_ACCOUNT: Code.ACCOUNT_UNKNOWN,
    Reason.NO_SUCH_BAN: Code.NO_SUCH_BAN,
    Reason.METADATA_TARGET: Code.INVALID_TARGET,
    Reason.METADATA_KEY: Code.INVALID_KEY,
    Reason.METADATA_VALUE: Code.INVALID_VALUE,
    Reason.METADATA_PERMISSION: Code.KEY_NO_PERMISSION,
    Reason.METADATA_FULL: Code.LIMIT_REACHED,
    Reason.NO_ACCOUNT: Code.ACCOUNT_REQUIRED,
    Reason.BAD_SETTING: Code.INVALID_PARAMS,
    Reason.UNKNOWN_MESSAGE: Code.UNKNOWN_MSGID,
    Reason.REDACT_FORBIDDEN: Code.REDACT_FORBIDDEN,
    Reason.REDACT_EXPIRED: Code.REDACT_WINDOW_EXPIRED,
}
"""Where there is no numeric."""


def refusal(refused: Refusal, command: str) -> Answer:
    """What a session is told whose ``command`` was refused."""
    reason, context = refused.reason, refused.context
    if command == "AUTHENTICATE":
        return NumericReply(Numeric.ERR_SASLFAIL)  # which ends the exchange; clients look for no other
    numeric = _NUMERICS.get(reason)
    if numeric is not None:
        return NumericReply(numeric, *context[: numeric.words + numeric.places])
    code = _CODES.get(reason)
    if code is not None:
        return fail(code, command, *context)
    match reason:
        case Reason.NOT_STORED:
            return fail(
                Code.TEMPORARILY_UNAVAILABLE,
                command,
                description=f"Nothing was done, because {context[0]}; try again later",
            )
        case Reason.REDACT_TARGET:
            sentence = f"You cannot delete messages from {context[0]}"
            return fail(Code.INVALID_TARGET, command, context[0], description=sentence)
        case Reason.BAD_BAN:
            return fail(Code.INVALID_BAN, command, context[0], description=context[1])
        case Reason.TOO_MANY_HELD:
            return fail(
                Code.TEMPORARILY_UNAVAILABLE,
                command,
                *context,
                description="They are not here, and no more messages are kept for them until they come",
            )
        case Reason.TOO_MANY_SESSIONS:
            return fail(Code.TEMPORARILY_UNAVAILABLE, description="You are connected too many times already")
        case Reason.NO_SUCH_SESSION:
            return fail(Code.NEED_REGISTRATION, command)
        case Reason.ACCOUNT_REQUIRED:
            return fail(Code.ACCOUNT_REQUIRED_TO_CONNECT)
        case Reason.ACCOUNT_CHANGED | Reason.ACCOUNT_DISABLED:
            return fail(
                Code.ACCOUNT_REQUIRED_TO_CONNECT,
                description="Your account was changed while you logged in; log in anew",
            )
    return fail(Code.INTERNAL_ERROR, command)


def labelled(session: Session, replies: list[Reply], label: str | None) -> Iterable[Reply]:
    """The answers to one line of a client, as labeled-response wants them.

    None is an ``ACK``, one carries the label itself, several come as a batch that carries it: as the `Batch` that they
    are, or in one for the purpose. ``label`` is ``None`` where the client gave none, or may not.
    """
    if label is None:
        return replies
    tag = b"label=" + escape(label).encode()
    if len(replies) == 1 and isinstance(replies[0], Batch):
        replies[0].tag = tag
        return replies
    if all(type(reply) is bytes for reply in replies):
        return with_label(session, iter(replies), tag)  # type: ignore[arg-type]
    lines = chain.from_iterable((reply,) if isinstance(reply, bytes) else reply for reply in replies)
    return [with_label(session, lines, tag)]


def with_label(session: Session, lines: Iterator[bytes], tag: bytes) -> Iterator[bytes]:
    """These lines as one answer with a label, which ``tag`` is."""
    first = next(lines, None)
    if first is None:
        yield with_tag(session.line("ACK"), tag)
        return
    second = next(lines, None)
    if second is None:
        yield with_tag(first, tag)
        return
    batch = Batch(session, "labeled-response", chain((first, second), lines))
    batch.tag = tag
    yield from batch
