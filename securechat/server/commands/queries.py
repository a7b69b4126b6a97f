"""Questions about people and channels: WHO, WHOIS, MODE."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from securechat.chat.machine import Chat
from securechat.chat.views import ChannelModes, Whois, channel_modes, who, whois
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
        lambda chat: who(chat, mask),
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
        return names <= chat.users.keys(), whois(chat, nick)

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


def mode(session: Session, message: Message) -> None:
    """Shows modes; none can be set."""
    target, changes = message.params[0], message.params[1] if len(message.params) > 1 else ""
    letters = set(changes) - set("+-")

    def user_mode(found: Whois | None) -> Iterator[bytes]:
        if found is None:
            yield session.numeric(Numeric.ERR_NOSUCHNICK, target)
        elif casefold(target) != casefold(session.nick):
            yield session.numeric(Numeric.ERR_USERSDONTMATCH)
        elif letters - {*answers.USER_MODES, "i"}:  # irssi asks for +i when it comes: no error, just what one has
            yield session.numeric(Numeric.ERR_UMODEUNKNOWNFLAG)
        else:
            yield answers.user_modes(session, admin=found.person.admin)

    def channel_mode(found: ChannelModes | None) -> Iterator[bytes]:
        if found is None or not letters:
            yield from answers.modes(session, target, found)
        elif letters == {"b"} and len(message.params) == 2:  # most clients ask as soon as they are in
            yield session.numeric(Numeric.RPL_ENDOFBANLIST, found.name)
        elif not found.operator:
            yield session.numeric(Numeric.ERR_CHANOPRIVSNEEDED, found.name)
        else:
            for letter in sorted(letters):
                if letter in answers.CHANNEL_MODES + answers.MEMBER_MODES:
                    yield session.numeric(Numeric.ERR_UNKNOWNERROR, "MODE", letter, "This mode stays as it is")
                else:
                    yield session.numeric(Numeric.ERR_UNKNOWNMODE, letter)

    if target.startswith("#"):
        session.submit(message, (), lambda chat: channel_modes(chat, session.number, target), channel_mode)
    else:
        session.submit(message, (), lambda chat: whois(chat, target), user_mode)


COMMANDS = (
    Command("WHO", who_, "[<mask>]", "Shows who is here, or in a channel.", large=True),
    Command("WHOIS", whois_, "[<server>] <nick>", "Shows who somebody is.", pipelined=True),
    Command("MODE", mode, "<target> [<modes>]", "Shows the modes of a channel or of yourself.", 1, pipelined=True),
)
