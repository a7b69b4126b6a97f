"""What a command is, and what it needs of the screen."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from securechat.client.connection import Client
from securechat.client.safe import safe_name, safe_text
from securechat.client.steady import Steady


class Screen(Protocol):
    """What a command needs of the screen."""

    chat: Steady
    current: str | None
    """The channel that text goes to."""
    leaving: str | None
    """Set to a reason, perhaps an empty one, to end."""

    @property
    def client(self) -> Client:
        """The connection of now, for questions; what is said goes by way of `chat`."""

    def head_for(self, channel: str) -> None:
        """Look at a channel as soon as one is in it."""

    def show(self, line: str) -> None:
        """Print a line that is fit for it."""

    def ask_hidden(self, questions: Sequence[str], then: Callable[[list[str]], None]) -> None:
        """Ask one after the other for what nobody may see, and then go on with the answers.

        `then` may raise what a command may. Nothing happens if somebody would rather not answer.
        """

    def meanwhile(self, work: Callable[[], None]) -> None:
        """Do something that waits for the server, while the screen goes on. `work` may raise what a command may."""


class UsageError(Exception):
    """A command was typed in a way that it can't be; the text says what is wrong."""


@dataclass(frozen=True, slots=True)
class Arguments:
    """What was typed behind the name of a command."""

    text: str
    """All of it, without spaces at the ends."""

    @property
    def words(self) -> list[str]:
        return self.text.split()

    def after(self, count: int) -> str:
        """The text without its first words."""
        rest = self.text
        for word in self.words[:count]:
            rest = rest.removeprefix(word).lstrip()
        return rest


@dataclass(frozen=True, slots=True)
class Command:
    """One command. `run(screen, arguments)` may raise `UsageError`, and `Misused` where the arguments don't fit.

    `forms`: where it is several commands in one, the parameters of each, and what that does.
    """

    name: str
    parameters: str
    about: str
    run: Callable[[Screen, Arguments], None]
    forms: tuple[tuple[str, str], ...] = ()

    @property
    def usage(self) -> str:
        return f"/{self.name} {self.parameters}".rstrip()


class Misused(Exception):  # noqa: N818 - it says what happened
    """The arguments are not those that the command takes: its usage is shown."""


def say(screen: Screen, target: str, text: str, *, act: bool = False, notice: bool = False) -> None:
    """Say something; while there is no connection, show that it is kept. Raises what `Steady.say` raises."""
    screen.chat.say(target, text, act=act, notice=notice)
    show_if_kept(screen, text)


def show_if_kept(screen: Screen, text: str) -> None:
    """What was said can't be heard yet: show that it is not lost."""
    if screen.chat.away:
        screen.show(f"-- kept until you are connected again: {safe_text(text)}")


def current(screen: Screen) -> str:
    """The channel that text goes to. Raises `UsageError` if there is none."""
    if screen.current is None:
        raise UsageError("you are in no channel: /join #channel first")
    return screen.current


def channel_of(screen: Screen, arguments: Arguments) -> tuple[str, str]:
    """The channel that the first word names, else the current one; and the text that remains."""
    words = arguments.words
    if words and is_channel(words[0]):
        return words[0], arguments.after(1)
    return current(screen), arguments.text


def is_channel(word: str) -> bool:
    return word.startswith(("#", "&"))


def channel(word: str, command: str) -> str:
    """`word`, if it can be the name of a channel. Raises `UsageError`."""
    if not is_channel(word) or "," in word:
        raise UsageError(f"the name of a channel begins with #: /{command} #{safe_name(word.lstrip('#'))}")
    return word


def one(arguments: Arguments) -> str:
    """The one word that there is. Raises `Misused`."""
    words = arguments.words
    if len(words) != 1 or words[0].startswith(":"):
        raise Misused
    return words[0]
