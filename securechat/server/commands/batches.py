"""BATCH: what a client sends in several lines and means as one (IRCv3 client-batch, draft/multiline).

Between ``BATCH +ref`` and ``BATCH -ref`` a client may send nothing but the lines of that batch. All that it does
otherwise ends the batch with one FAIL; what still comes of it is ignored, silently, and what was not part of it is
carried out. PING, PONG and QUIT, which programs send by themselves, harm nothing.

The label of the whole stands on its beginning, and the one answer is the echo, or what went wrong. Tags on the lines
inside mean nothing; but whatever has a label is answered, so such a line gets an ACK.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from securechat.chat.requests import Say
from securechat.irc.errors import Answer, MultilineError, MultilineInvalidError
from securechat.irc.message import Message
from securechat.irc.multiline import BATCH_TYPE, CONCAT_TAG, MultilineBatch, valid_reference
from securechat.irc.numerics import Numeric, NumericReply
from securechat.irc.standard_replies import Code, fail
from securechat.server.commands.command import Command
from securechat.server.commands.messages import CLIENT_ID, client_id_of, client_tags

if TYPE_CHECKING:
    from securechat.chat.requests import Speech
    from securechat.server.session import Session

__all__ = ["COMMANDS", "ClientBatch"]

_HARMLESS = frozenset(("PING", "PONG", "QUIT"))


class ClientBatch:
    """The batch that a session has open; or one that came to nothing, of which lines may still come.

    Holds the opening line and a `MultilineBatch`, which is bounded; of one that came to nothing the opening alone.
    """

    __slots__ = ("_client_id", "_deadline", "_lines", "_opening", "_tags")

    def __init__(
        self, opening: Message, lines: MultilineBatch | None, tags: str, deadline: float, client_id: str = ""
    ) -> None:
        self._opening = opening
        self._client_id = client_id
        self._lines = lines
        self._tags = tags
        self._deadline = deadline

    @property
    def reference(self) -> str:
        return self._opening.params[0][1:]

    def takes(self, session: Session, message: Message) -> bool:
        """Whether a line was part of this batch, or its end, and so has been dealt with."""
        inside = "batch" in message.tags
        lines = self._lines
        if not inside and message.command == "BATCH" and message.params[:1] == ["-" + self.reference]:
            session.batch = None
            if lines is None:
                _acknowledge(session, message)
            else:
                self._finish(session, message, lines)
            return True
        if lines is None:
            if inside:
                _acknowledge(session, message)
            return inside
        if not inside:
            if message.command not in _HARMLESS:
                self.give_up(session)
                session.ask(lambda _: None)  # wait for that: this line may be answered at once
            return False
        try:
            _add(lines, message)
        except MultilineError as error:
            self._fail(session, *error.answers)
        _acknowledge(session, message)
        return True

    def check_time(self, session: Session, now: float) -> float:
        """End the batch if it has been open for too long. Seconds until that, or infinity."""
        if self._lines is None:
            return float("inf")
        left = self._deadline - now
        if left <= 0:
            self._fail(session, fail(Code.TIMEOUT, "BATCH", self.reference))
        return max(left, 0.0)

    def give_up(self, session: Session) -> None:
        """The client has sent something that is not part of it."""
        if self._lines is not None:
            self._fail(session, *MultilineInvalidError().answers)

    def _fail(self, session: Session, *answers: Answer) -> None:
        self._lines = None
        self._tags = ""
        session.answer_in_turn(self._opening, *map(session.answer, answers))

    def _finish(self, session: Session, end: Message, lines: MultilineBatch) -> None:
        whole = self._opening
        if session.label_of(whole) is None:
            whole = end
        else:
            _acknowledge(session, end)
        try:
            text = lines.finish()
        except MultilineError as error:
            session.answer_in_turn(whole, *map(session.answer, error.answers))
            return
        kind: Speech = "NOTICE" if lines.kind == "NOTICE" else "PRIVMSG"
        request = Say(session.number, kind, lines.target, text, self._tags, multiline=True, client_id=self._client_id)
        session.submit(Message(kind, [lines.target], tags=whole.tags), (request,))


def batch(session: Session, message: Message) -> None:
    """One that begins; or the end of one that is not open."""
    params = message.params
    sign, reference = params[0][:1], params[0][1:]
    limits = session.hub.config.limits
    answer: Answer | None = None
    target = ""
    if sign not in ("+", "-") or not valid_reference(reference):
        answer = fail(Code.INVALID_REFTAG, "BATCH", (reference if sign in ("+", "-") else "") or params[0])
    elif sign == "-" or "batch" in message.tags:
        answer = fail(Code.MULTILINE_INVALID, "BATCH")
    elif len(params) < 2:
        answer = NumericReply(Numeric.ERR_NEEDMOREPARAMS, "BATCH")
    elif params[1] != BATCH_TYPE:
        answer = fail(Code.UNKNOWN_TYPE, "BATCH", reference, params[1])
    else:
        target = params[2] if len(params) > 2 else ""
        if not target or "," in target:
            answer = fail(Code.MULTILINE_INVALID, "BATCH", description="A multiline batch has one target")
    if answer is not None:
        session.answer_in_turn(message, session.answer(answer))
        if sign == "+":
            session.batch = ClientBatch(message, None, "", 0)
        return
    lines = MultilineBatch(reference, target, limits.multiline_max_bytes, limits.multiline_max_lines)
    deadline = time.monotonic() + limits.multiline_timeout
    client_id = client_id_of(session, message)
    if client_id is None:
        session.answer_in_turn(message, session.answer(fail(Code.INVALID_PARAMS, "BATCH", CLIENT_ID)))
        session.batch = ClientBatch(message, None, "", 0)
        return
    session.batch = ClientBatch(message, lines, client_tags(session, message), deadline, client_id)


def _add(lines: MultilineBatch, message: Message) -> None:
    """A line of a batch. Raises a `MultilineError`, also where it is no message at all."""
    if message.command not in ("PRIVMSG", "NOTICE") or len(message.params) < 2:
        raise MultilineInvalidError
    target, text = message.params[:2]
    lines.add(message.command, target, text, CONCAT_TAG in message.tags, message.tags)


def _acknowledge(session: Session, message: Message) -> None:
    """A line that is answered with its batch, and not by itself; but all that has a label is."""
    if session.label_of(message) is not None:
        session.answer_in_turn(message)


COMMANDS = (
    Command("BATCH", batch, "+<reference> draft/multiline <target> | -<reference>",
            "Begins or ends a message of several lines (IRCv3).", 1, pipelined=True, capability=BATCH_TYPE),
)  # fmt: skip
