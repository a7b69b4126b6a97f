"""`securechat connect` at a terminal: the main thread reads what is typed, the receiver thread prints what arrives.

prompt_toolkit keeps the two apart on the screen: what is printed goes above the line that is being typed. One event
loop runs for as long as one is connected, because a prompt that brings its own for each line loses what is printed
between two of them.
"""

import asyncio
import contextlib
import shutil
import sys
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from prompt_toolkit import PromptSession
from prompt_toolkit.formatted_text import AnyFormattedText
from prompt_toolkit.patch_stdout import patch_stdout
from prompt_toolkit.utils import get_cwidth

from securechat.client import plain
from securechat.client.commands import obey
from securechat.client.connection import Client
from securechat.client.errors import ConnectionLostError
from securechat.client.events import Disconnected, Event, Joined, Kicked, Parted, Refused, ServerSaid
from securechat.client.safe import safe_name
from securechat.irc.names import casefold
from securechat.irc.numerics import Numeric

_INDENT: Final = 6  # columns, those of the time: the second row of a message can't pass for another message
_NARROW: Final = 20  # columns; in less than that nothing is indented

_TEDIOUS: Final = frozenset(
    f"{code:03}"
    for code in (
        Numeric.RPL_YOURHOST,
        Numeric.RPL_CREATED,
        Numeric.RPL_MYINFO,
        Numeric.RPL_LUSERCLIENT,
        Numeric.RPL_LUSEROP,
        Numeric.RPL_LUSERUNKNOWN,
        Numeric.RPL_LUSERCHANNELS,
        Numeric.RPL_LUSERME,
        Numeric.RPL_LOCALUSERS,
        Numeric.RPL_GLOBALUSERS,
        Numeric.RPL_MOTDSTART,
        Numeric.RPL_ENDOFMOTD,
        Numeric.ERR_NOMOTD,
        Numeric.RPL_TOPICWHOTIME,
        Numeric.RPL_CREATIONTIME,
    )
)
"""What servers say to everyone who comes, and nobody reads."""


class Terminal:
    """The screen of one connection. Once its client is connected, `run()` it."""

    def __init__(self, channels: Sequence[str]) -> None:
        self.client: Client
        self.current: str | None = None
        self.leaving: str | None = None
        self._channels = channels
        self._first = {casefold(channel) for channel in channels}  # those of the command line that are not joined yet
        self._loop: asyncio.AbstractEventLoop | None = None
        self._gone: asyncio.Event

    def on_event(self, event: Event) -> None:
        """Print what has happened. Called by the client."""
        if isinstance(event, Disconnected):
            self._call_off()
        elif isinstance(event, Refused):
            self._print(event, f"! {plain.refusal(event)}")
        elif not (isinstance(event, ServerSaid) and event.code in _TEDIOUS):
            self._follow(event)
            if line := plain.line(event, self.current):
                self._print(event, line)

    def greet(self, sentence: str) -> None:
        """Say with whom one speaks."""
        self.show(f"-- {sentence}")
        self.show("-- /help shows what can be typed; exit leaves")

    def show(self, line: str) -> None:
        """Print a line that is fit for it."""
        rows = wrap(line, shutil.get_terminal_size().columns)
        sys.stdout.write("".join(f"{row}\n" for row in rows))  # in one piece: two threads print
        sys.stdout.flush()

    def run(self, client: Client) -> str:
        """Join the channels, read and obey until one wants to leave; what to say with QUIT.

        Raises what has ended the connection, if something has: `ConnectionLostError`.
        """
        self.client = client
        for channel in self._channels:
            client.join(channel)
        with contextlib.suppress(EOFError, KeyboardInterrupt):
            asyncio.run(self._converse())
        return self.leaving or ""

    async def _converse(self) -> None:
        session: PromptSession[str] = PromptSession(erase_when_done=True, interrupt_exception=EOFError)
        self._gone = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        gone = asyncio.create_task(self._gone.wait())
        # Between two prompts too the terminal shows nothing of what is typed: the next prompt does.
        with patch_stdout(), session.input.raw_mode():
            while self.leaving is None:
                self.client.check()
                typing = asyncio.create_task(session.prompt_async(self._prompt, handle_sigint=False))
                await asyncio.wait((typing, gone), return_when=asyncio.FIRST_COMPLETED)
                if not typing.done():
                    typing.cancel()
                    await asyncio.wait((typing,))
                    self.client.check()
                    raise ConnectionLostError("the connection has ended")
                obey(self, typing.result())
        gone.cancel()

    def _prompt(self) -> AnyFormattedText:
        return f"{safe_name(self.current) if self.current else '(no channel)'}> "

    def _call_off(self) -> None:
        """Wake up whoever waits for something to be typed; if nobody does yet, they will ask the client first."""
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop has ended, so nobody waits any more
                self._loop.call_soon_threadsafe(self._gone.set)

    def _follow(self, event: Event) -> None:
        """Look at a channel that one has come into, and away from one that one has left."""
        if isinstance(event, Joined) and event.own:
            if self.current is None or casefold(event.channel) not in self._first:
                self.current = event.channel
            self._first.discard(casefold(event.channel))
        elif isinstance(event, Parted | Kicked) and event.own and not self.client.is_in(self.current or ""):
            self.current = next(iter(self.client.channels()), None)

    def _print(self, event: Event, line: str) -> None:
        moment = (event.time or datetime.now().astimezone()).astimezone()
        self.show(f"{moment:%H:%M} {line}")


def wrap(line: str, columns: int) -> list[str]:
    """A line in rows of less than `columns` columns, all but the first indented.

    Left to itself a terminal goes on at the left edge, where a text that is padded with spaces could look like a
    message of somebody else.
    """
    if columns < _NARROW:
        return [line]
    rows: list[str] = []
    indent = ""
    while True:
        fits = _fitting(line, columns - 1 - len(indent))
        if fits == len(line):
            return [*rows, indent + line]
        space = line.rfind(" ", fits // 2, fits + 1)
        cut = space if space > 0 else fits
        rows.append(indent + line[:cut])
        indent, line = " " * _INDENT, line[cut:].lstrip(" ")


def _fitting(text: str, width: int) -> int:
    """How many characters of `text` fit into so many columns; at least one."""
    used = 0
    for index, character in enumerate(text):
        used += get_cwidth(character)
        if used > width:
            return max(index, 1)
    return len(text)
