"""Questions about people: WHO, WHOIS."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from securechat.chat.machine import Chat
from securechat.chat.views import Whois, who, whois
from securechat.irc.message import Message
from securechat.irc.names import casefold
from securechat.irc.numerics import Numeric
from securechat.server import answers
from securechat.server.commands.command import Command

if TYPE_CHECKING:
    from collections.abc import Iterator

    from securechat.server.session import Session


def who_(session: Session, message: Message) -> None:
    mask = message.params[0] if message.params else "*"
    session.submit(
        message,
        (),
        lambda chat: who(chat, session.number, mask),
        lambda people: answers.who(session, mask, people),
    )


def whois_(session: Session, message: Message) -> None:
    """``WHOIS <nick>`` or ``WHOIS <server or nick> <nick>``: there is one server. Of several nicks the first counts."""
    *server, asked = message.params[:2] or [""]
    nick = asked.partition(",")[0]
    if not nick:
        session.answer_in_turn(message, session.numeric(Numeric.ERR_NONICKNAMEGIVEN))
        return

    def ask(chat: Chat) -> tuple[bool, Whois | None]:
        names = {casefold(name) for name in server} - {casefold(session.hub.name)}
        return names <= chat.users.keys(), whois(chat, session.number, nick)

    def render(found: tuple[bool, Whois | None]) -> Iterator[bytes]:
        here, person = found
        if not here:
            yield session.numeric(Numeric.ERR_NOSUCHSERVER, server[0])
        elif person is None:
            yield session.numeric(Numeric.ERR_NOSUCHNICK, nick)
        else:
            yield from answers.whois(session, person, int(time.time()))
        yield session.numeric(Numeric.RPL_ENDOFWHOIS, asked)

    session.submit(message, (), ask, render)


COMMANDS = (
    Command("WHO", who_, "[<mask>]", "Shows who is here, or in a channel.", large=True),
    Command("WHOIS", whois_, "[<server>] <nick>", "Shows who somebody is.", pipelined=True),
)
