"""What can be typed at the prompt: one entry for each command, in a file with its family, with parameters and help."""

from collections.abc import Callable
from typing import Final

from securechat.client.commands import channels, identity, invitations, moderation, others, past, people, talking
from securechat.client.commands.command import (
    Arguments,
    Command,
    Misused,
    Screen,
    UsageError,
    current,
    say,
    show_if_kept,
)
from securechat.client.errors import ConnectionLostError, TooManyWaitError
from securechat.client.safe import safe_name, sendable
from securechat.irc.words import UnsendableError

__all__ = ["COMMANDS", "LEAVE_WORD", "Command", "Screen", "attempt", "obey"]

LEAVE_WORD: Final = "exit"
"""The one word without a slash that is not text."""


def obey(screen: Screen, typed: str) -> None:
    """Do what was typed: a command, `exit`, or text for the current channel; `//text` is the text `/text`.

    Several lines, which can only have been pasted, are text, all of them. What can't be done is shown.
    """
    attempt(screen, lambda: _obey(screen, typed))


def attempt(screen: Screen, what: Callable[[], None]) -> None:
    """Do something that may raise what commands raise; what can't be done is shown."""
    try:
        what()
    except (UsageError, UnsendableError, TooManyWaitError) as error:
        screen.show(f"! {error}")
    except ConnectionLostError:
        screen.show("! there is no connection at the moment: what you say is kept until there is, all else is not")


def _obey(screen: Screen, typed: str) -> None:
    lines = [sendable(line) for line in typed.strip("\r\n").splitlines()]
    if sum(1 for line in lines if line.strip()) > 1:
        screen.chat.say_lines(current(screen), lines)
        show_if_kept(screen, " | ".join(lines))
        return
    text = next((line for line in lines if line.strip()), "")
    if text.strip() == LEAVE_WORD:
        screen.leaving = ""
    elif text.startswith("/") and not text.startswith("//"):
        _run(screen, text[1:])
    elif text:
        say(screen, current(screen), text.removeprefix("/"))


def _run(screen: Screen, typed: str) -> None:
    name, _, rest = typed.partition(" ")
    command = COMMANDS.get(name.lower())
    if command is None:
        raise UsageError(f"there is no command /{safe_name(name)}: /help shows all; //text says /text")
    try:
        command.run(screen, Arguments(rest.strip()))
    except Misused:
        more = f": /help {command.name} tells more" if command.forms else ""
        raise UsageError(f"it is {command.usage}{more}") from None


def _help(screen: Screen, arguments: Arguments) -> None:
    if arguments.text:
        _help_with(screen, arguments.text.removeprefix("/"))
        return
    width = max(len(command.usage) for command in COMMANDS.values())
    for command in COMMANDS.values():
        screen.show(f"  {command.usage:{width}}  {command.about}")
    screen.show(f"  {LEAVE_WORD:{width}}  leave, like Ctrl-C and Ctrl-D")
    screen.show(f"  {'//text':{width}}  say /text; anything else is said as it is")


def _help_with(screen: Screen, name: str) -> None:
    command = COMMANDS.get(name.lower())
    if command is None:
        raise UsageError(f"there is no command /{safe_name(name)}: /help shows all")
    screen.show(f"  {command.usage}  {command.about}")
    width = max((len(parameters) for parameters, _ in command.forms), default=0)
    for parameters, about in command.forms:
        screen.show(f"  /{command.name} {parameters:{width}}  {about}")


def _quit(screen: Screen, arguments: Arguments) -> None:
    screen.leaving = arguments.text


COMMANDS: Final = {
    command.name: command
    for command in (
        *channels.COMMANDS,
        *talking.COMMANDS,
        *past.COMMANDS,
        *people.COMMANDS,
        *identity.COMMANDS,
        *invitations.COMMANDS,
        *moderation.COMMANDS,
        *others.COMMANDS,
        Command("help", "[command]", "this; or more about one of them", _help),
        Command("quit", "[reason]", "leave the chat", _quit),
    )
}
