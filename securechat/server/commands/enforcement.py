"""What operators of the server do to others: KILL, WALLOPS, UBAN (Modern IRC, "Operator Messages")."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

from securechat.chat.model import BanKind, ServerBan
from securechat.chat.requests import AddBan, Kill, RemoveBan, Wallops
from securechat.chat.stamps import stamp_at
from securechat.chat.views import bans
from securechat.irc.message import Message
from securechat.irc.names import casefold
from securechat.irc.numerics import Numeric
from securechat.irc.standard_replies import Code, fail, note
from securechat.server import answers
from securechat.server.commands.command import Command

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from securechat.server.session import Session

_DURATION = re.compile(r"(?:(\d{1,4})w)?(?:(\d{1,4})d)?(?:(\d{1,5})h)?(?:(\d{1,6})m)?(?:(\d{1,7})s)?")
_SECONDS = (604_800, 86_400, 3_600, 60, 1)
_MOST = 100 * 365 * 86_400


def duration(text: str) -> int | None:
    """The seconds that ``1w2d3h4m5s``, or some of it, stands for; ``None``: it is nothing of the kind.

    At most a hundred years: not much later the stamps end, in which the ends of bans are kept.
    """
    found = _DURATION.fullmatch(text)
    if found is None or not text:
        return None
    return min(sum(int(number or 0) * seconds for number, seconds in zip(found.groups(), _SECONDS, strict=True)), _MOST)


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
    """``ADD``, ``DEL`` or ``LIST``. An account has no dot and no colon in its name, an address has."""
    what, *words = message.params
    match what.upper(), words:
        case "LIST", _:
            session.submit(message, (), bans, lambda found: _shown(session, found))
        case "ADD", [target, *rest]:
            seconds = duration(rest[0]) if rest else None
            reason = " ".join(rest if seconds is None else rest[1:]) or "No reason was given"
            until = stamp_at(int((time.time() + seconds) * 1000)) if seconds is not None else None
            _note(session, "UBAN ADD", target)
            session.submit(message, (AddBan(session.number, _kind(target), target, reason, until),))
        case "DEL", [target]:
            _note(session, "UBAN DEL", target)
            session.submit(message, (RemoveBan(session.number, _kind(target), target),))
        case "ADD" | "DEL", _:
            session.answer_in_turn(message, session.numeric(Numeric.ERR_NEEDMOREPARAMS, "UBAN"))
        case _:
            session.answer_in_turn(message, session.answer(fail(Code.INVALID_PARAMS, "UBAN", what)))


def _kind(target: str) -> BanKind:
    return BanKind.NETWORK if "." in target or ":" in target or "/" in target else BanKind.ACCOUNT


def _note(session: Session, command: str, target: str) -> None:
    session.hub.log.info("operator command", session=session.number, nick=session.nick, command=command, target=target)


def _shown(session: Session, found: Iterable[ServerBan]) -> Iterator[bytes]:
    """Those that are over keep nobody out, and are not shown."""
    now, number = stamp_at(int(time.time() * 1000)), 0
    for ban in found:
        if ban.until is not None and ban.until <= now:
            continue
        number += 1
        yield session.answer(answers.ban(ban))
    yield session.answer(note(Code.END_OF_BANS, "UBAN", str(number), description="End of the list of bans"))


COMMANDS = (
    Command("KILL", kill, "<nick> <reason>", "Ends somebody's connections.", 2, operator=True, pipelined=True),
    Command("WALLOPS", wallops, "<text>", "Says something to all operators, and to who has the mode w.", 1,
            operator=True, pipelined=True),
    Command("UBAN", uban, "ADD <whom> [<duration>] [<reason>] | DEL <whom> | LIST",
            "Keeps an account, an address or a network (192.0.2.0/24) off the server, for good or for 1w2d3h4m5s.", 1,
            operator=True, large=True),
)  # fmt: skip
