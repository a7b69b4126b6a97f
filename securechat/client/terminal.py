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
from securechat.client.events import (
    ChannelRenamed,
    Disconnected,
    Event,
    Invited,
    Joined,
    Kicked,
    MessageReceived,
    Parted,
    Refused,
    ServerSaid,
)
from securechat.client.safe import safe_name
from securechat.irc.names import casefold
from securechat.irc.numerics import Numeric

_INDENT: Final = 6  # columns, those of the time: the second row of a message can't pass for another message
_BAR: Final = " " * _INDENT + "| "  # before the lines of a message that are its sender's own, all but the first
_NARROW: Final = 20  # columns; in less than that nothing is indented

_AT_THE_START: Final = frozenset(
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
        Numeric.ERR_NOMOTD,
    )
)
"""What servers say to everyone who comes, and nobody reads who has not asked for it."""

_TEDIOUS: Final = frozenset(
    f"{code:03}"
    for code in (
        Numeric.RPL_MOTDSTART,
        Numeric.RPL_ENDOFMOTD,
        Numeric.RPL_TOPICWHOTIME,
        Numeric.RPL_CREATIONTIME,
    )
)
"""What nobody reads."""


class Terminal:
    """The screen of one connection. Once its client is connected, `run()` it."""

    def __init__(self, channels: Sequence[str]) -> None:
        self.client: Client
        self.current: str | None = None
        self.leaving: str | None = None
        self._channels = channels
        self._in: dict[str, str] = {}  # the channels that one is in, by their folded names, in the order of coming in
        self._first = {casefold(channel) for channel in channels}  # those of the command line that are not joined yet
        self._loop: asyncio.AbstractEventLoop | None = None
        self._gone: asyncio.Event

    def on_event(self, event: Event) -> None:
        """Print what has happened. Called by the client."""
        if isinstance(event, Disconnected):
            self._call_off()
        elif isinstance(event, Refused):
            self._print(event, [f"! {plain.refusal(event)}"])
        elif not _is_noise(event):
            self._follow(event)
            narrow = _columns() < _NARROW
            if narrow:  # nothing is indented, so nothing may stand without a name in front
                for line in plain.lines(event, self.current):
                    self._print(event, [line])
            elif lines := plain.block(event, self.current):
                self._print(event, lines)

    def greet(self, sentence: str) -> None:
        """Say with whom one speaks."""
        self.show(f"-- {sentence}")
        self.show("-- /help shows what can be typed; exit leaves")

    def show(self, line: str) -> None:
        """Print a line that is fit for it."""
        self._write(wrap(line, _columns()))

    def _write(self, rows: list[str]) -> None:
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
            client.settle()  # by then the server has said what it supports
            client.fetch_ignored()
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
        match event:
            case Joined(own=True, channel=channel):
                folded = casefold(channel)
                self._in[folded] = channel
                if self.current is None or folded not in self._first:
                    self.current = channel
                self._first.discard(folded)
            case Parted(own=True, channel=channel) | Kicked(own=True, channel=channel):
                self._in.pop(casefold(channel), None)
                if self.current is not None and casefold(self.current) not in self._in:
                    self.current = next(iter(self._in.values()), None)
            case ChannelRenamed(old=old, new=new) if casefold(old) in self._in:
                looked_at = self.current is not None and casefold(self.current) == casefold(old)
                self._in = {
                    casefold(name): name
                    for name in (new if key == casefold(old) else name for key, name in self._in.items())
                }
                if looked_at:
                    self.current = new

    def _print(self, event: Event, lines: list[str]) -> None:
        """Print what has happened, with its time; all but the first of the lines stand behind a bar.

        For they are whatever somebody likes, `12:34 <carol> yes` as well, and are not to be taken for it.
        """
        moment = (event.time or datetime.now().astimezone()).astimezone()
        first, *others = lines
        columns = _columns()
        rows = wrap(f"{moment:%H:%M} {first}", columns)
        self._write(rows + [row for line in others for row in wrap(line, columns, _BAR, _BAR)])


def _columns() -> int:
    return shutil.get_terminal_size().columns


def _is_noise(event: Event) -> bool:
    """What is not worth a line, or not to be heard."""
    if isinstance(event, MessageReceived | Invited):
        return event.ignored
    if not isinstance(event, ServerSaid):
        return False
    return event.code in _TEDIOUS or (event.code in _AT_THE_START and not event.answers)


def wrap(line: str, columns: int, indent: str = "", then: str = " " * _INDENT) -> list[str]:
    """A line in rows of less than `columns` columns: `indent` stands before the first of them, `then` before others.

    Left to itself a terminal goes on at the left edge, where a text that is padded with spaces could look like a
    message of somebody else.
    """
    if columns < _NARROW:
        return [indent + line]
    rows: list[str] = []
    while True:
        fits = _fitting(line, columns - 1 - len(indent))
        if fits == len(line):
            return [*rows, indent + line]
        space = line.rfind(" ", fits // 2, fits + 1)
        cut = space if space > 0 else fits
        rows.append(indent + line[:cut])
        indent, line = then, line[cut:].lstrip(" ")


def _fitting(text: str, width: int) -> int:
    """How many characters of `text` fit into so many columns; at least one."""
    used = 0
    for index, character in enumerate(text):
        used += get_cwidth(character)
        if used > width:
            return max(index, 1)
    return len(text)
