"""What the registry says of a command, and how one is carried out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from securechat.irc.errors import ProtocolError
from securechat.irc.message import Message
from securechat.irc.numerics import Numeric

if TYPE_CHECKING:
    from securechat.server.session import Session

__all__ = ["Command", "When", "carry_out"]

Handler = Callable[["Session", Message], None]


class When(Enum):
    """When a client may use a command; see also `Command.early`."""

    ALWAYS = "at any time"
    BEFORE = "before registration"
    AFTER = "once registered"


@dataclass(frozen=True, slots=True)
class Command:
    """``parameters``: as the help writes them. ``least``: how many are needed, else 461.

    ``early``: a capability with which what is ``When.AFTER`` may be used before registration as well.
    ``operator``: only for operators of the network, others get 481. ``capability``: without it there is no such
    command, 421.
    ``pipelined``: it does no more than put an entry into the journal, so it need not wait for those before it.
    ``large``: its answer holds a copy of much of the chat, so there is one at a time for a session, and a client that
    does not read has no second. It waits until all answers have been taken, which what changes how they look wants too.
    """

    name: str
    handler: Handler
    parameters: str
    help: str
    least: int = 0
    when: When = When.AFTER
    pipelined: bool = False
    large: bool = False
    early: str | None = None
    operator: bool = False
    capability: str | None = None


def carry_out(session: Session, command: Command | None, message: Message) -> None:
    """Check what the registry says, and call the handler."""
    if session.batch is not None and session.batch.takes(session, message):
        return
    if command is None:
        if session.registered:
            session.reply(message, [session.numeric(Numeric.ERR_UNKNOWNCOMMAND, message.command)])
        else:
            session.reply(message, [session.numeric(Numeric.ERR_NOTREGISTERED)])
        return
    enabled = session.caps.enabled
    if session.registered:
        if command.when is When.BEFORE:
            _refuse(session, message, session.numeric(Numeric.ERR_ALREADYREGISTERED))
            return
    elif command.when is When.AFTER and command.early not in enabled:
        _refuse(session, message, session.numeric(Numeric.ERR_NOTREGISTERED))
        return
    if command.capability is not None and not session.caps.has(command.capability):
        _refuse(session, message, session.numeric(Numeric.ERR_UNKNOWNCOMMAND, command.name))
        return
    if command.operator and not session.operator:
        _refuse(session, message, session.numeric(Numeric.ERR_NOPRIVILEGES))
        return
    if len(message.params) < command.least:
        _refuse(session, message, session.numeric(Numeric.ERR_NEEDMOREPARAMS, command.name))
        return
    try:
        command.handler(session, message)
    except ProtocolError as error:
        session.reply(message, [session.answer(answer) for answer in error.answers])


def _refuse(session: Session, message: Message, line: bytes) -> None:
    """Answer a command that may be pipelined: behind what is pending."""
    session.answer_in_turn(message, line)
