"""What users say of themselves: AWAY, SETNAME; and SILENCE, whom they do not want to hear."""

from __future__ import annotations

from typing import TYPE_CHECKING

from securechat.chat.requests import SetAway, SetRealname, Silence
from securechat.chat.views_people import silenced
from securechat.irc.message import Message
from securechat.irc.names import casefold
from securechat.irc.numerics import Numeric
from securechat.server import answers_people
from securechat.server.commands.command import Command

if TYPE_CHECKING:
    from securechat.server.session import Session


def away(session: Session, message: Message) -> None:
    """Without a text: back again. Before registration it is for the moment of the arrival (IRCv3 pre-away)."""
    text = (message.params[0] if message.params else "") or None
    if session.registered:
        session.submit(message, (SetAway(session.number, text),))
        return
    session.registration.away = text
    session.reply(message, [session.numeric(Numeric.RPL_UNAWAY if text is None else Numeric.RPL_NOWAWAY)])


def setname(session: Session, message: Message) -> None:
    session.submit(message, (SetRealname(session.number, message.params[0]),))


def silence(session: Session, message: Message) -> None:
    """``SILENCE [+|-]<mask>{,[+|-]<mask>}``; ``+`` may be left out. Nothing, or one's own nick: shows the list."""
    words = [word for word in message.params[0].split(",") if word] if message.params else []
    if not words or [casefold(word) for word in words] == [casefold(session.nick)]:
        session.submit(
            message,
            (),
            lambda chat: silenced(chat, session.number),
            lambda masks: answers_people.silenced(session, masks),
        )
        return
    session.submit(message, [Silence(session.number, word[0] != "-", _mask(word)) for word in words])


def _mask(word: str) -> str:
    return word[1:] if word[0] in "+-" else word


COMMANDS = (
    Command("AWAY", away, "[<text>]", "Says that you are away, and why; without a text, that you are back.",
            pipelined=True, early="draft/pre-away"),
    Command("SETNAME", setname, "<real name>", "Changes your real name (IRCv3).", 1, pipelined=True),
    Command("SILENCE", silence, "[+<mask> or -<mask>{,...}]",
            "Has you hear no more private messages of whom the mask matches, or with - again; alone shows the masks.",
            pipelined=True),
)  # fmt: skip
