"""What can be typed at the prompt: one entry for each command, in a file with its family, with parameters and help."""

from typing import Final

from securechat.client.commands import channels, moderation, others, past, people, talking
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

__all__ = ["COMMANDS", "LEAVE_WORD", "Command", "Screen", "obey"]

LEAVE_WORD: Final = "exit"
"""The one word without a slash that is not text."""


def obey(screen: Screen, typed: str) -> None:
    """Do what was typed: a command, `exit`, or text for the current channel; `//text` is the text `/text`.

    Several lines, which can only have been pasted, are text, all of them. What can't be done is shown.
    """
    lines = [sendable(line) for line in typed.strip("\r\n").splitlines()]
    try:
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
    except (UsageError, UnsendableError, TooManyWaitError) as error:
        screen.show(f"! {error}")
    except ConnectionLostError:
        screen.show("! there is no connection at the moment: what you say is kept until there is, all else is not")


def _run(screen: Screen, typed: str) -> None:
    name, _, rest = typed.partition(" ")
    command = COMMANDS.get(name.lower())
    if command is None:
        raise UsageError(f"there is no command /{safe_name(name)}: /help shows all; //text says /text")
    try:
        command.run(screen, Arguments(rest.strip()))
    except Misused:
        raise UsageError(f"it is {command.usage}") from None


def _help(screen: Screen, _: Arguments) -> None:
    width = max(len(command.usage) for command in COMMANDS.values())
    for command in COMMANDS.values():
        screen.show(f"  {command.usage:{width}}  {command.about}")
    screen.show(f"  {LEAVE_WORD:{width}}  leave, like Ctrl-C and Ctrl-D")
    screen.show(f"  {'//text':{width}}  say /text; anything else is said as it is")


def _quit(screen: Screen, arguments: Arguments) -> None:
    screen.leaving = arguments.text


COMMANDS: Final = {
    command.name: command
    for command in (
        *channels.COMMANDS,
        *talking.COMMANDS,
        *past.COMMANDS,
        *people.COMMANDS,
        *moderation.COMMANDS,
        *others.COMMANDS,
        Command("help", "", "this", _help),
        Command("quit", "[reason]", "leave the chat", _quit),
    )
}
