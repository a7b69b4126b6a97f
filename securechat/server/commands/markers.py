"""MARKREAD: up to where somebody has read a conversation (IRCv3 draft/read-marker)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from securechat.chat.refusals import Reason, Refusal
from securechat.chat.requests import MarkRead
from securechat.chat.views_history import Marker, marker_of
from securechat.irc.errors import Answer
from securechat.irc.message import Message
from securechat.irc.moments import parse_moment
from securechat.irc.names import valid_nick
from securechat.irc.standard_replies import Code, fail
from securechat.server import answers_history
from securechat.server.commands.command import Command
from securechat.server.replies import refusal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from securechat.server.session import Session


def markread(session: Session, message: Message) -> None:
    """``MARKREAD <target>`` asks, ``MARKREAD <target> timestamp=...`` tells; either is answered with what is kept.

    For everybody: the capability is about what comes without having been asked for ("MAY be negotiated, and affects
    which messages are sent by the server").
    """
    params = message.params
    if not params or not params[0]:
        _refuse(session, message, fail(Code.NEED_MORE_PARAMS, "MARKREAD"))
        return
    target = params[0]
    if target[:1] != "#" and not valid_nick(target):
        _refuse(session, message, _invalid(target))
        return
    if len(params) == 1:
        _ask(session, message, target)
        return
    name, _, value = params[1].partition("=")
    ms = parse_moment(value) if name == "timestamp" else None
    if ms is None:
        _refuse(session, message, _invalid(target, params[1]))
        return
    request = MarkRead(session.number, target, max(ms, 0))
    session.submit(message, (request,), explain=lambda refused: _explained(refused, target))


def _ask(session: Session, message: Message, target: str) -> None:
    def render(found: Marker | None) -> Iterator[bytes]:
        if found is None:
            yield session.answer(_invalid(target))
        else:
            yield answers_history.marker(session, found.name, found.ms)

    session.submit(message, (), lambda chat: marker_of(chat, session.number, target), render)


def _invalid(*context: str) -> Answer:
    return fail(Code.INVALID_PARAMS, "MARKREAD", *context, description="Invalid parameters")


def _explained(refused: Refusal, target: str) -> Answer:
    """A channel that is not there, or that nobody may know of, is no target. That nothing can be stored has a code of
    its own here ("Errors and Warnings"); other refusals are as they always are."""
    if refused.reason is Reason.NO_SUCH_CHANNEL:
        return _invalid(*refused.context)
    if refused.reason is Reason.NOT_STORED:
        why = f"The read timestamp could not be set, because {refused.context[0]}"
        return fail(Code.INTERNAL_ERROR, "MARKREAD", target, description=why)
    return refusal(refused, "MARKREAD")


def _refuse(session: Session, message: Message, answer: Answer) -> None:
    session.answer_in_turn(message, session.answer(answer))


COMMANDS = (
    Command("MARKREAD", markread, "<target> [timestamp=<time>]", "Tells or sets up to when you have read (IRCv3).",
            pipelined=True),
)  # fmt: skip
