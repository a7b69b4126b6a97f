"""MODE, of channels and of users."""

from __future__ import annotations

from typing import TYPE_CHECKING

from securechat.chat.modes import ALL_KINDS, CHANGES_MODES, USER_MODES
from securechat.chat.requests import SetModes, SetUserModes
from securechat.chat.views import ChannelModes, channel_modes, user_modes
from securechat.irc.message import Message
from securechat.irc.modes import ModeKind, parse_modes
from securechat.irc.names import casefold
from securechat.irc.numerics import Numeric
from securechat.server import answers
from securechat.server.commands.command import Command

if TYPE_CHECKING:
    from collections.abc import Iterator

    from securechat.server.session import Session

_USER_KINDS = dict.fromkeys(USER_MODES, ModeKind.FLAG)


def mode(session: Session, message: Message) -> None:
    if message.params[0].startswith("#"):
        _channel(session, message)
    else:
        _user(session, message)


def _channel(session: Session, message: Message) -> None:
    """Changes are made one after the other; then the lists that were asked for are shown."""
    name, number = message.params[0], session.number
    asked = parse_modes(ALL_KINDS, message.params[1:], session.hub.config.limits.modes)
    requests = (SetModes(number, name, asked.changes),) if asked.changes else ()

    def render(found: ChannelModes | None) -> Iterator[bytes]:
        if found is None:
            if not requests:  # else that has been said
                yield session.numeric(Numeric.ERR_NOSUCHCHANNEL, name)
            return
        for letter in asked.unknown:
            yield session.numeric(Numeric.ERR_UNKNOWNMODE, letter)
        if asked.incomplete and (found.rank is None or found.rank < CHANGES_MODES):
            if not requests:  # else that has been said
                yield session.numeric(Numeric.ERR_CHANOPRIVSNEEDED, found.name)
        else:
            why = "You must specify a parameter"
            for letter in asked.incomplete:
                yield session.numeric(Numeric.ERR_INVALIDMODEPARAM, found.name, letter, "*", why)
        for letter in asked.asked:
            yield from answers.mode_list(session, found, letter)
        if len(message.params) == 1 or not message.params[1]:
            yield from answers.modes(session, found)

    if asked.changes and not (asked.unknown or asked.incomplete or asked.asked):
        session.submit(message, requests)
    else:
        session.submit(message, requests, lambda chat: channel_modes(chat, number, name, asked.asked), render)


def _user(session: Session, message: Message) -> None:
    """Who makes themselves an operator like this is not answered (Modern IRC, "Oper User Mode")."""
    target, number = message.params[0], session.number
    asked = parse_modes(_USER_KINDS, message.params[1:2], 0)

    def render(found: str | None) -> Iterator[bytes]:
        if found is None:
            yield session.numeric(Numeric.ERR_NOSUCHNICK, target)
        elif not own:
            yield session.numeric(Numeric.ERR_USERSDONTMATCH)
        elif asked.unknown:
            yield session.numeric(Numeric.ERR_UMODEUNKNOWNFLAG)
        elif len(message.params) == 1 or not message.params[1]:
            yield session.numeric(Numeric.RPL_UMODEIS, f"+{found}")

    own = casefold(target) == casefold(session.nick)
    requests = (SetUserModes(number, asked.changes),) if own and asked.changes else ()
    session.submit(message, requests, lambda chat: user_modes(chat, target), render)


COMMANDS = (
    Command("MODE", mode, "<target> [<modes> [<parameter>...]]", "Shows or changes modes of a channel or of yourself.",
            1, pipelined=True),
)  # fmt: skip
