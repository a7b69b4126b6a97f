"""What can be typed at the prompt: one entry for each command, with its parameters, its help and the function."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final, Protocol

from securechat.client.connection import Client
from securechat.client.safe import safe_name, sendable
from securechat.irc.words import UnsendableError

LEAVE_WORD: Final = "exit"
"""The one word without a slash that is not text."""


class Screen(Protocol):
    """What a command needs of the screen."""

    client: Client
    current: str | None
    """The channel that text goes to."""
    leaving: str | None
    """Set to a reason, perhaps an empty one, to end."""

    def show(self, line: str) -> None:
        """Print a line that is fit for it."""


@dataclass(frozen=True, slots=True)
class Command:
    """One command. `run(screen, words, rest)`: `words` of what follows its name, and all of that as it was typed."""

    name: str
    parameters: str
    about: str
    run: Callable[[Screen, list[str], str], None]

    @property
    def usage(self) -> str:
        return f"/{self.name} {self.parameters}".rstrip()


class UsageError(Exception):
    """A command was typed in a way that it can't be; the text says what is wrong."""


def obey(screen: Screen, typed: str) -> None:
    """Do what was typed: a command, `exit`, or text for the current channel; `//text` is the text `/text`.

    Several lines, which can only have been pasted, are text, each line of them. What can't be done is shown.
    """
    lines = [sendable(line) for line in typed.splitlines() if line.strip()]
    try:
        if len(lines) > 1:
            for line in lines:
                _say(screen, line)
        elif lines and lines[0].strip() == LEAVE_WORD:
            screen.leaving = ""
        elif lines and lines[0].startswith("/") and not lines[0].startswith("//"):
            name, _, rest = lines[0][1:].partition(" ")
            command = COMMANDS.get(name.lower())
            if command is None:
                raise UsageError(f"there is no command /{safe_name(name)}: /help shows all; //text says /text")
            command.run(screen, rest.split(), rest.strip())
        elif lines:
            _say(screen, lines[0].removeprefix("/"))
    except (UsageError, UnsendableError) as error:
        screen.show(f"! {error}")


def _say(screen: Screen, text: str, *, act: bool = False) -> None:
    screen.client.say(_current(screen), text, act=act)


def _current(screen: Screen) -> str:
    if screen.current is None:
        raise UsageError("you are in no channel: /join #channel first")
    return screen.current


def _quit(screen: Screen, _: list[str], rest: str) -> None:
    screen.leaving = rest


def _join(screen: Screen, words: list[str], _: str) -> None:
    channel = _one(words, "join")
    if not channel.startswith(("#", "&")) or "," in channel:
        raise UsageError(f"the name of a channel begins with #: /join #{safe_name(channel.lstrip('#'))}")
    if screen.client.is_in(channel):
        screen.current = channel
        screen.client.names(channel)
    else:
        screen.client.join(channel)


def _part(screen: Screen, words: list[str], rest: str) -> None:
    if words and words[0].startswith(("#", "&")):
        screen.client.part(words[0], rest.removeprefix(words[0]).strip())
    else:
        screen.client.part(_current(screen), rest)


def _msg(screen: Screen, words: list[str], rest: str) -> None:
    if len(words) < 2 or words[0].startswith(":") or "," in words[0]:
        raise UsageError(f"it is {COMMANDS['msg'].usage}")
    screen.client.say(words[0], rest.removeprefix(words[0]).lstrip())


def _me(screen: Screen, _: list[str], rest: str) -> None:
    if not rest:
        raise UsageError(f"it is {COMMANDS['me'].usage}")
    _say(screen, rest, act=True)


def _names(screen: Screen, words: list[str], _: str) -> None:
    screen.client.names(_one(words, "names") if words else _current(screen))


def _topic(screen: Screen, words: list[str], rest: str) -> None:
    channel = _current(screen)
    if words and words[0].startswith(("#", "&")):
        channel, rest = words[0], rest.removeprefix(words[0]).strip()
    screen.client.topic(channel, rest or None)


def _help(screen: Screen, _: list[str], __: str) -> None:
    width = max(len(command.usage) for command in COMMANDS.values())
    for command in COMMANDS.values():
        screen.show(f"  {command.usage:{width}}  {command.about}")
    screen.show(f"  {LEAVE_WORD:{width}}  leave, like Ctrl-C and Ctrl-D")
    screen.show(f"  {'//text':{width}}  say /text; anything else is said as it is")


def _one(words: list[str], name: str) -> str:
    if len(words) != 1 or words[0].startswith(":"):
        raise UsageError(f"it is {COMMANDS[name].usage}")
    return words[0]


def _table(commands: Iterable[Command]) -> dict[str, Command]:
    return {command.name: command for command in commands}


COMMANDS: Final = _table(
    (
        Command("join", "#channel", "go into a channel, or back to one that you are in", _join),
        Command("part", "[#channel] [reason]", "leave a channel", _part),
        Command("msg", "nick text", "say something to one person", _msg),
        Command("me", "text", "say what you do", _me),
        Command("names", "[#channel]", "who is in a channel", _names),
        Command("topic", "[#channel] [text]", "what a channel is about; with a text, set it", _topic),
        Command("help", "", "this", _help),
        Command("quit", "[reason]", "leave the chat", _quit),
    )
)
