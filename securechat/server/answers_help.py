"""HELP, written from the registry of commands and the tables of modes (Modern IRC, "HELP message")."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from securechat.chat.modes import CHANNEL_MODES, MEMBER_MODES, USER_MODES
from securechat.irc.numerics import Numeric
from securechat.irc.split import pack_words
from securechat.server.commands.command import Command

if TYPE_CHECKING:
    from securechat.server.session import Session

__all__ = ["help_on"]

_WIDTH = 60
"""Characters of a line of names."""


def help_on(session: Session, subject: str) -> Iterator[bytes]:
    """704, an empty 705, more 705, and the last line as 706; 524 for what nobody knows anything about.

    ``subject``: a command, ``cmodes`` or ``umodes`` in any case, or nothing for an overview.
    """
    commands = session.hub.commands
    if not subject:
        title, lines = "What there is", _overview(commands)
    elif subject.upper() in commands:
        command = commands[subject.upper()]
        title, lines = f"The command {command.name}", _command(command)
    elif subject.lower() == "cmodes":
        title, lines = "Modes of channels and of their members", _channel_modes()
    elif subject.lower() == "umodes":
        title, lines = "Modes of users", _user_modes()
    else:
        yield session.numeric(Numeric.ERR_HELPNOTFOUND, subject)
        return
    named = subject or "*"
    yield session.numeric(Numeric.RPL_HELPSTART, named, f"** {title} **")
    *most, last = lines
    for line in ("", *most):
        yield session.numeric(Numeric.RPL_HELPTXT, named, line)
    yield session.numeric(Numeric.RPL_ENDOFHELP, named, last)


def _overview(commands: Mapping[str, Command]) -> list[str]:
    for_all = sorted(command.name for command in commands.values() if not command.operator)
    for_operators = sorted(command.name for command in commands.values() if command.operator)
    lines = ["Commands:", *_named(for_all)]
    if for_operators:
        lines += ["Commands of operators:", *_named(for_operators)]
    return [*lines, "Other subjects:", *_named(["cmodes", "umodes"]), "HELP <command or subject> tells more of one."]


def _named(names: list[str]) -> list[str]:
    return ["  " + " ".join(some) for some in pack_words(names, _WIDTH)]


def _command(command: Command) -> list[str]:
    who = f"For operators, {command.when.value}." if command.operator else f"For everybody, {command.when.value}."
    lines = [f"{command.name} {command.parameters}".rstrip(), command.help, who]
    if command.capability is not None:
        lines.append(f"It needs the capability {command.capability}.")
    if command.early is not None:
        lines.append(f"With the capability {command.early} before registration, too.")
    return lines


def _channel_modes() -> list[str]:
    lines = [f"{mode.letter}  {mode.about}" for mode in CHANNEL_MODES.values()]
    return [*lines, "Of members:", *(f"{mode.letter}  {mode.prefix} {mode.about}" for mode in MEMBER_MODES.values())]


def _user_modes() -> list[str]:
    return [f"{mode.letter}  {mode.about}" for mode in USER_MODES.values()]
