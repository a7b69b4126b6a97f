"""Answers to one session: refusals in the words of the protocol, labels and batches."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
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

__all__ = ["Lines", "Reply", "labelled", "refusal"]

Lines = Iterable[bytes]
"""Whole lines, each with its CR LF and nothing else."""

Reply = bytes | Iterator[bytes]
"""One line, or an answer that is rendered while it is sent."""

_NUMERICS: dict[Reason, Numeric] = {
    Reason.NO_SUCH_NICK: Numeric.ERR_NOSUCHNICK,
    Reason.NO_SUCH_CHANNEL: Numeric.ERR_NOSUCHCHANNEL,
    Reason.BAD_CHANNEL_NAME: Numeric.ERR_BADCHANMASK,
    Reason.NOT_ON_CHANNEL: Numeric.ERR_NOTONCHANNEL,
    Reason.CANNOT_SEND: Numeric.ERR_CANNOTSENDTOCHAN,
    Reason.TOO_MANY_CHANNELS: Numeric.ERR_TOOMANYCHANNELS,
    Reason.NOT_OPERATOR: Numeric.ERR_CHANOPRIVSNEEDED,
    Reason.NICK_IN_USE: Numeric.ERR_NICKNAMEINUSE,
    Reason.NICK_BELONGS_TO_ACCOUNT: Numeric.ERR_NICKNAMEINUSE,
    Reason.NICK_IS_ACCOUNT_NAME: Numeric.ERR_ERRONEUSNICKNAME,
    Reason.BAD_NICK: Numeric.ERR_ERRONEUSNICKNAME,
}


def refusal(refused: Refusal, command: str) -> Answer:
    """What a session is told whose ``command`` was refused."""
    reason, context = refused.reason, refused.context
    numeric = _NUMERICS.get(reason)
    if numeric is not None:
        return NumericReply(numeric, *context[: numeric.words])
    match reason:
        case Reason.NOT_STORED:
            return fail(
                Code.TEMPORARILY_UNAVAILABLE,
                command,
                description=f"Nothing was done, because {context[0]}; try again later",
            )
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

    None is an ``ACK``, one carries the label itself, several come as a batch that carries it. ``label`` is ``None``
    where the client gave none, or may not.
    """
    if label is None:
        return replies
    tag = b"label=" + escape(label).encode()
    if all(type(reply) is bytes for reply in replies):
        return _labelled(session, iter(replies), tag)  # type: ignore[arg-type]
    lines = chain.from_iterable((reply,) if isinstance(reply, bytes) else reply for reply in replies)
    return [_labelled(session, lines, tag)]


def _labelled(session: Session, lines: Iterator[bytes], tag: bytes) -> Iterator[bytes]:
    first = next(lines, None)
    if first is None:
        yield with_tag(session.line("ACK"), tag)
        return
    second = next(lines, None)
    if second is None:
        yield with_tag(first, tag)
        return
    reference = session.next_batch()
    yield with_tag(session.line(f"BATCH +{reference} labeled-response"), tag)
    inside = f"batch={reference}".encode()
    for line in chain((first, second), lines):
        yield with_tag(line, inside)
    yield session.line(f"BATCH -{reference}")
