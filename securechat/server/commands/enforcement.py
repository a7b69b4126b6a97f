"""What operators of the server do to others: KILL, WALLOPS, UBAN (Modern IRC, "Operator Messages")."""

from __future__ import annotations

from typing import TYPE_CHECKING

from securechat.chat.requests import AddBan, Kill, RemoveBan, Wallops
from securechat.chat.views import bans
from securechat.irc.message import Message
from securechat.irc.names import casefold
from securechat.irc.numerics import Numeric
from securechat.irc.standard_replies import Code, fail, note
from securechat.server import answers
from securechat.server.bans import NO_REASON, duration, end_after, in_force, kind_of
from securechat.server.commands.command import Command

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from securechat.chat.model import ServerBan
    from securechat.server.session import Session


def kill(session: Session, message: Message) -> None:
    nick, reason = message.params[:2]
    if casefold(nick) == casefold(session.hub.name):
        session.answer_in_turn(message, session.numeric(Numeric.ERR_CANTKILLSERVER))
        return
    _note(session, "KILL", nick)
    session.submit(message, (Kill(session.number, nick, reason),))


def wallops(session: Session, message: Message) -> None:
    if not message.params[0]:
        session.answer_in_turn(message, session.numeric(Numeric.ERR_NEEDMOREPARAMS, "WALLOPS"))
        return
    session.submit(message, (Wallops(session.number, message.params[0]),))


def uban(session: Session, message: Message) -> None:
    """``ADD``, ``DEL`` or ``LIST``. `securechat ban` is the same from the command line."""
    what, *words = message.params
    match what.upper(), words:
        case "LIST", _:
            session.submit(message, (), bans, lambda found: _shown(session, found))
        case "ADD", [target, *rest]:
            seconds = duration(rest[0]) if rest else None
            reason = " ".join(rest if seconds is None else rest[1:]) or NO_REASON
            _note(session, "UBAN ADD", target)
            session.submit(message, (AddBan(session.number, kind_of(target), target, reason, end_after(seconds)),))
        case "DEL", [target]:
            _note(session, "UBAN DEL", target)
            session.submit(message, (RemoveBan(session.number, kind_of(target), target),))
        case "ADD" | "DEL", _:
            session.answer_in_turn(message, session.numeric(Numeric.ERR_NEEDMOREPARAMS, "UBAN"))
        case _:
            session.answer_in_turn(message, session.answer(fail(Code.INVALID_PARAMS, "UBAN", what)))


def _note(session: Session, command: str, target: str) -> None:
    session.hub.log.info("operator command", session=session.number, nick=session.nick, command=command, target=target)


def _shown(session: Session, found: Iterable[ServerBan]) -> Iterator[bytes]:
    shown = in_force(found)
    for ban in shown:
        yield session.answer(answers.ban(ban))
    yield session.answer(note(Code.END_OF_BANS, "UBAN", str(len(shown)), description="End of the list of bans"))


COMMANDS = (
    Command("KILL", kill, "<nick> <reason>", "Ends somebody's connections.", 2, operator=True, pipelined=True),
    Command("WALLOPS", wallops, "<text>", "Says something to all operators, and to who has the mode w.", 1,
            operator=True, pipelined=True),
    Command("UBAN", uban, "ADD <whom> [<duration>] [<reason>] | DEL <whom> | LIST",
            "Keeps an account, an address or a network (192.0.2.0/24) off the server, for good or for 1w2d3h4m5s.", 1,
            operator=True, large=True),
)  # fmt: skip
