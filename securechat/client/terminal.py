"""`securechat connect` at a terminal: the main thread reads what is typed, the receiver thread prints what arrives.

prompt_toolkit keeps the two apart on the screen: what is printed goes above the line that is being typed. One event
loop runs for as long as one is connected, because a prompt that brings its own for each line loses what is printed
between two of them.
"""

import asyncio
import contextlib
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime
from typing import Final

from prompt_toolkit import PromptSession
from prompt_toolkit.formatted_text import AnyFormattedText
from prompt_toolkit.patch_stdout import patch_stdout

from securechat.client import answers, plain, status
from securechat.client.commands import attempt, obey
from securechat.client.connection import Client
from securechat.client.errors import ClientError, ConnectionLostError
from securechat.client.events import (
    Broken,
    ChannelRenamed,
    Disconnected,
    Event,
    Invited,
    Joined,
    Kicked,
    MessageReceived,
    NoHistory,
    Page,
    Parted,
    Redacted,
    Refused,
    Resumed,
    ServerSaid,
    Unsaid,
)
from securechat.client.hidden import NeverMind, hidden_prompt, shows_nothing
from securechat.client.history import iso
from securechat.client.password import ENDINGS
from securechat.client.reading import Reading
from securechat.client.resuming import READ_MARKER
from securechat.client.rows import BAR, INDENT, NARROW, columns, wrap
from securechat.client.safe import safe_name
from securechat.client.steady import Steady
from securechat.irc.names import casefold
from securechat.irc.numerics import Numeric

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


@contextlib.contextmanager
def _told_to_end(task: asyncio.Task[None] | None, soon: Callable[[Callable[[], object]], None]) -> Iterator[None]:
    """Who is told to end (SIGTERM), or whose window is closed (SIGHUP), leaves in order: else the terminal would be
    left as it is while one types, and show nothing of what is typed next. A second time is the end at once.

    ``task``: what is cancelled then, by way of ``soon``. Raises `SystemExit` with the status of the signal, as a shell
    has it.
    """
    told: list[int] = []

    def leave(number: int, _: object) -> None:
        signal.signal(number, signal.SIG_DFL)
        told.append(number)
        if task is not None:
            soon(task.cancel)

    mine = ENDINGS if threading.current_thread() is threading.main_thread() else ()
    before = {number: signal.signal(number, leave) for number in mine}
    try:
        yield
    except asyncio.CancelledError:
        if told:
            raise SystemExit(128 + told[0]) from None
        raise
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class Terminal:
    """The screen of one chat. Once the chat is connected, `run()` it."""

    def __init__(self, channels: Sequence[str]) -> None:
        self.chat: Steady
        self.current: str | None = None
        self.leaving: str | None = None
        self._in: dict[str, str] = {}  # the channels that one is in, by their folded names, in the order of coming in
        self._first = [casefold(channel) for channel in channels]  # one looks at the first of them that one gets into
        self._heading_for = ""  # the channel to look at as soon as one is in it
        self._away = False  # whether the connection is broken
        self._loop: asyncio.AbstractEventLoop | None = None
        self._gone: asyncio.Event
        self._session: PromptSession[str] | None = None
        self._asking: tuple[Sequence[str], Callable[[list[str]], None]] | None = None  # what nobody may see
        self._day: date = datetime.now().astimezone().date()  # that of the line that was printed last
        self._reading = Reading()
        self._marking: asyncio.TimerHandle | None = None

    @property
    def client(self) -> Client:
        """The connection of now."""
        return self.chat.client

    def on_event(self, event: Event) -> None:
        """Print what has happened. Called by the chat."""
        if isinstance(event, Disconnected):
            self._call_off()
        elif isinstance(event, Page):
            self._print_page(event)
        elif sentence := status.sentence(event):
            self.show(f"{'!' if isinstance(event, NoHistory | Unsaid) else '--'} {sentence}")
            if isinstance(event, Broken | Resumed):
                self._away = isinstance(event, Broken)
                self._redraw()
        elif not _is_noise(event):
            self._follow(event)
            self._print(event)
            self._in_the_loop(self._plan_to_mark)

    def greet(self, sentence: str) -> None:
        """Say with whom one speaks."""
        self.show(f"-- {sentence}")
        self.show("-- /help shows what can be typed; exit leaves")

    def show(self, line: str) -> None:
        """Print a line that is fit for it."""
        self._write(wrap(line, columns()))

    def ask_hidden(self, questions: Sequence[str], then: Callable[[list[str]], None]) -> None:
        """Ask, as soon as the line that was typed is done with, for what nobody may see; go on with the answers."""
        self._asking = questions, then

    def meanwhile(self, work: Callable[[], None]) -> None:
        """Do something that waits for the server, in a thread of its own that ends with the program."""
        threading.Thread(target=attempt, args=(self, work), name="meanwhile", daemon=True).start()

    def _write(self, rows: list[str]) -> None:
        sys.stdout.write("".join(f"{row}\n" for row in rows))  # in one piece: two threads print
        sys.stdout.flush()

    def run(self, chat: Steady) -> str:
        """Join the channels, read and obey until one wants to leave; what to say with QUIT.

        Raises what has ended the chat, if something has.
        """
        self.chat = chat
        chat.start()
        with contextlib.suppress(EOFError, KeyboardInterrupt):
            asyncio.run(self._converse())
        self._mark()
        return self.leaving or ""

    async def _converse(self) -> None:
        session: PromptSession[str] = PromptSession(erase_when_done=True, interrupt_exception=EOFError)
        session.default_buffer.on_text_changed += lambda _: self._typed()
        self._gone = asyncio.Event()
        self._session = session
        self._loop = asyncio.get_running_loop()
        gone = asyncio.create_task(self._gone.wait())
        # prompt_toolkit lets the terminal echo while a line is printed above the prompt: that would show a password.
        session.input.cooked_mode = contextlib.nullcontext  # type: ignore[method-assign]
        # Between two prompts too the terminal shows nothing of what is typed: the next prompt does.
        with _told_to_end(asyncio.current_task(), self._in_the_loop), patch_stdout(), session.input.raw_mode():
            while self.leaving is None:
                obey(self, await self._line(session, self._prompt, gone))
                if self._asking is not None:
                    await self._ask(*self._asking, gone)
        gone.cancel()

    async def _line(self, session: PromptSession[str], prompt: AnyFormattedText, gone: asyncio.Task[bool]) -> str:
        """The next line that is typed. Raises what has ended the chat, if that comes first."""
        self.chat.check()
        typing = asyncio.create_task(session.prompt_async(prompt, handle_sigint=False))
        try:
            await asyncio.wait((typing, gone), return_when=asyncio.FIRST_COMPLETED)
        finally:  # also where a signal ends all: the prompt gives the terminal back before we do, who had it before
            came = typing.done()
            if not came:
                typing.cancel()
                await asyncio.wait((typing,))
        if not came:
            self.chat.check()
            raise ConnectionLostError("the connection has ended")
        line = typing.result()
        self._typed()
        return line

    async def _ask(self, questions: Sequence[str], then: Callable[[list[str]], None], gone: asyncio.Task[bool]) -> None:
        self._asking = None
        session = hidden_prompt()
        try:
            found = []
            for question in questions:
                if shows_nothing():
                    self.show(question)
                # A paste may have the end of its line with it.
                found.append((await self._line(session, question, gone)).strip("\r\n"))
        except NeverMind:
            self.show("-- never mind, then: nothing was changed")
            return
        attempt(self, lambda: then(found))

    def _prompt(self) -> AnyFormattedText:
        where = safe_name(self.current) if self.current else "(no channel)"
        return f"{where}> " if not self._away else f"{where} (not connected)> "

    def _typed(self) -> None:
        """Somebody is there: they want the connection back, and have read what stands on the screen."""
        self._reading.present(time.monotonic())
        if self._away:
            self.chat.hurry()
        self._plan_to_mark()

    # -- how far one has read -----------------------------------------------------------------------------------------

    def _plan_to_mark(self) -> None:
        """Tell the server how far one has read, when it is time."""
        delay = self._reading.wait(time.monotonic())
        if self._loop is not None and self._marking is None and delay is not None:
            self._marking = self._loop.call_later(delay, self._mark)

    def _mark(self) -> None:
        self._marking = None
        if not self.chat.here or not self.client.has(READ_MARKER) or self._reading.wait(time.monotonic()) is None:
            return
        with contextlib.suppress(ClientError):  # it has ended, and will be told the next time
            for name, read in self._reading.news(self.chat.timeline.shown(), time.monotonic()):
                known = self.client.read_up_to(name)
                if known is None or known < read:
                    self.client.request("MARKREAD", name, f"timestamp={iso(read)}", quiet=True)

    # -- the loop, from other threads ---------------------------------------------------------------------------------

    def _in_the_loop(self, do: Callable[[], object]) -> None:
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop has ended
                self._loop.call_soon_threadsafe(do)

    def _redraw(self) -> None:
        """The prompt has changed."""
        if self._session is not None:
            self._session.app.invalidate()

    def _call_off(self) -> None:
        """Wake up whoever waits for something to be typed; if nobody does yet, they will ask the client first."""
        self._in_the_loop(lambda: self._gone.set())

    def head_for(self, channel: str) -> None:
        """Look at a channel as soon as one is in it."""
        self._heading_for = casefold(channel)
        self._first = []

    def _follow(self, event: Event) -> None:
        """Look at the channel that one has wanted to come into, and away from one that one has left."""
        match event:
            case Joined(own=True, channel=channel):
                folded = casefold(channel)
                self._in[folded] = channel
                looked_at = casefold(self.current or "")
                if folded in self._first and looked_at in self._first:
                    nearer = self._first.index(folded) < self._first.index(looked_at)
                else:
                    nearer = folded in self._first or folded == self._heading_for
                if self.current is None or nearer:
                    self.current = channel
            case Parted(own=True, channel=channel) | Kicked(own=True, channel=channel):
                self._look_away(channel)
            case Refused(request=request) if request is not None and request.command == "JOIN":
                self._look_away(request.target)
            case ChannelRenamed(old=old, new=new) if casefold(old) in self._in:
                looks = self.current is not None and casefold(self.current) == casefold(old)
                self._in = {
                    casefold(name): name
                    for name in (new if key == casefold(old) else name for key, name in self._in.items())
                }
                if looks:
                    self.current = new

    def _look_away(self, channel: str) -> None:
        self._in.pop(casefold(channel), None)
        if self.current is not None and casefold(self.current) not in self._in:
            self.current = next(iter(self._in.values()), None)

    def _print(self, event: Event) -> None:
        """Print what has happened, with its time; all but the first of the lines stand behind a bar.

        For they are whatever somebody likes, `12:34 <carol> yes` as well, and are not to be taken for it.
        """
        width = columns()
        if isinstance(event, Refused):
            lines = [f"! {plain.refusal(event)}"]
        elif width < NARROW:  # nothing is indented, so nothing may stand without a name in front
            lines = plain.lines(event, self.current)
        else:
            lines = plain.block(event, self.current)
        if not lines:
            return
        moment = (event.time or datetime.now().astimezone()).astimezone()
        rows = []
        if moment.date() != self._day and isinstance(event, MessageReceived | Redacted):
            self._day = moment.date()
            rows.append(f"-- {moment:%A, %Y-%m-%d}")
        first, *others = lines
        link = answers.link(event) if isinstance(event, ServerSaid) else None
        rows += wrap(f"{moment:%H:%M} {first.removesuffix(link) if link else first}", width)
        rows += [link] if link else []  # whole, since it is to be copied
        for line in others:
            rows += [f"{moment:%H:%M} {line}"] if width < NARROW else wrap(line, width, BAR, BAR)
        self._write(rows)

    def _print_page(self, page: Page) -> None:
        """Print what one has asked for: older messages, or what was found."""
        found = [entry for entry in page.entries if isinstance(entry, MessageReceived) and not entry.ignored]
        searched = page.request.command == "SEARCH"
        name = "" if searched else page.request.params[1]
        between = "in" if name.startswith(("#", "&")) else "between you and"
        where = f" {between} {safe_name(name)}" if name else ""
        if not found:
            self.show("-- nothing was found" if searched else f"-- there is nothing older{where}")
            return
        messages = "message" if len(found) == 1 else "messages"
        self.show(f"-- {len(found)} {messages} found:" if searched else f"-- {len(found)} older {messages}{where}:")
        today = datetime.now().astimezone().date()
        for message in found:
            said = plain.lines(message, None)
            moment = (message.time or datetime.now().astimezone()).astimezone()
            stamp = f"{moment:%H:%M}" if moment.date() == today else f"{moment:%Y-%m-%d %H:%M}"
            for line in said:
                self._write(wrap(f"   {stamp} {line}", columns(), then=" " * (INDENT + 3)))


def _is_noise(event: Event) -> bool:
    """What is not worth a line, or not to be heard."""
    if isinstance(event, MessageReceived | Invited):
        return event.ignored
    if not isinstance(event, ServerSaid):
        return False
    return event.code in _TEDIOUS or (event.code in _AT_THE_START and not event.answers)
