"""Questions about people and channels: WHO, WHOIS, MODE."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

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
    """``WHOIS <nick>`` or ``WHOIS <server or nick> <nick>``: there is one server."""
    nick = message.params[-1 if len(message.params) == 1 else 1] if message.params else ""
    if not nick:
        session.answer_in_turn(message, session.numeric(Numeric.ERR_NONICKNAMEGIVEN))
        return
    nick = nick.partition(",")[0]
    session.submit(
        message,
        (),
        lambda chat: whois(chat, nick),
        lambda found: answers.whois(session, nick, found, int(time.time())),
    )


def mode(session: Session, message: Message) -> None:
    """Shows modes; none can be set."""
    target, changes = message.params[0], message.params[1] if len(message.params) > 1 else ""
    letters = changes.replace("+", "").replace("-", "")

    def user_mode(found: Whois | None) -> Iterator[bytes]:
        if found is None:
            yield session.numeric(Numeric.ERR_NOSUCHNICK, target)
        elif casefold(target) != casefold(session.nick):
            yield session.numeric(Numeric.ERR_USERSDONTMATCH)
        elif letters:
            yield session.numeric(Numeric.ERR_UMODEUNKNOWNFLAG)
        else:
            yield session.numeric(Numeric.RPL_UMODEIS, "+")

    def channel_mode(found: ChannelModes | None) -> Iterator[bytes]:
        if found is None or not letters:
            yield from answers.modes(session, target, found)
        elif letters == "b" and len(message.params) == 2:
            yield session.numeric(Numeric.RPL_ENDOFBANLIST, found.name)
        elif not found.operator:
            yield session.numeric(Numeric.ERR_CHANOPRIVSNEEDED, found.name)
        else:
            for letter in dict.fromkeys(letters):
                yield session.numeric(Numeric.ERR_UNKNOWNMODE, letter)

    if target.startswith("#"):
        session.submit(message, (), lambda chat: channel_modes(chat, session.number, target), channel_mode)
    else:
        session.submit(message, (), lambda chat: whois(chat, target), user_mode)


COMMANDS = (
    Command("WHO", who_, "[<mask>]", "Shows who is here, or in a channel.", pipelined=True),
    Command("WHOIS", whois_, "[<server>] <nick>", "Shows who somebody is.", pipelined=True),
    Command("MODE", mode, "<target> [<modes>]", "Shows the modes of a channel or of yourself.", 1, pipelined=True),
)
