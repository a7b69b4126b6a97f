"""`securechat connect` without a terminal: a file goes into the chat, and what is said comes out as lines.

Every line of the input is text to the first channel, whatever it says. At its end the client leaves, but only when the
server has acknowledged all of it, or when somebody has put it out of its last channel. What comes from the chat goes to
standard output in the form of `plain`, each line at once, in UTF-8; one's own lines are not repeated there. What is
about the connection goes to standard error.

At most `WINDOW` messages are unanswered at once, so a file of any length takes no more memory than a short one. While
there is no connection the rest of the input waits where it comes from. Once the input has ended, a connection that is
lost for longer than `patience` ends the program, with what is known of the lines that are not acknowledged.
"""

import os
import select
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from securechat.client import plain, status
from securechat.client.connection import WINDOW
from securechat.client.errors import (
    ChannelRefusedError,
    ClientError,
    ConnectionLostError,
    InputOutputError,
    NotAcknowledgedError,
    OutputClosedError,
)
from securechat.client.events import (
    Acknowledged,
    ChannelRenamed,
    Disconnected,
    Event,
    Joined,
    Kicked,
    MessageReceived,
    Names,
    Parted,
    Refused,
    ServerSaid,
    TopicChanged,
)
from securechat.client.feed import Feed
from securechat.client.outbox import Saying
from securechat.client.safe import safe_name, sendable
from securechat.client.steady import Steady
from securechat.irc.names import casefold
from securechat.tls.errors import TLSError


@dataclass(slots=True)
class _Line:
    """A line of the input on its way."""

    number: int
    unsettled: deque[Saying] = field(default_factory=deque)  # what was said of it, oldest first
    refused: bool = False  # whether some of it was
    whole: bool = False  # whether all of it was said


class Pipe:
    """One run from the first line of the input to the last, or to the end of the chat.

    `source` and `sink` are descriptors, or None where the program was started without; `warn(sentence)` tells the
    user something that is not for the output. `patience`: seconds.
    """

    def __init__(
        self,
        channels: Sequence[str],
        source: int | None,
        sink: int | None,
        warn: Callable[[str], None],
        patience: float = 120.0,
    ) -> None:
        self._channels = channels
        self._home = channels[0]
        self._feed = Feed(source)
        self._sink = sink
        self._warn = warn
        self._patience = patience
        self._lines: deque[_Line] = deque()  # those that were begun and are not answered, oldest first
        self._acknowledged = 0  # lines of which all was
        self._refused = 0  # lines of which something was not
        self._mended = False
        self._in: set[str] = set()  # the channels that one is in, folded
        self._said_in = False  # whether one was in all of them once
        self._out: Kicked | Refused | None = None  # why one is in none of them any more, or not in the first

    def on_event(self, event: Event) -> None:
        """Print what is for the output. Called by the client."""
        if isinstance(event, Disconnected):
            self._feed.interrupt()
        elif isinstance(event, Refused):
            if event.request is None or event.request.command != "JOIN":
                self._warn(f"refused: {plain.refusal(event)}")
            else:
                self._not_let_in(event, event.request.target)
        elif sentence := status.sentence(event):
            self._warn(sentence)
        else:
            self._follow(event)
            if not _is_noise(event):
                for line in plain.lines(event, self._home):
                    self._print(line)

    def greet(self, sentence: str) -> None:
        """Say with whom one speaks."""
        self._warn(sentence)

    def run(self, chat: Steady) -> str:
        """Join the channels, say every line, come back when all is acknowledged. The answer is what to say with QUIT.

        Raises:
            ChannelRefusedError: one of the channels, and nothing was said; or one was put out of the last one.
            ConnectionLostError: with the number of lines that were acknowledged, and of those that were not.
            NotAcknowledgedError: the server did not accept all lines.
            InputOutputError, OutputClosedError: at this end.
        """
        try:
            self._join(chat)
            self._feed.start()
            for number, data, ended in self._feed.lines():
                self._say(chat, number, data, ended)
            chat.check()  # what has ended the chat, if that is why there are no more lines
            if self._feed.finished:
                chat.settle(self._patience)
        except (ClientError, TLSError) as error:
            if isinstance(error, ConnectionLostError):
                raise ConnectionLostError(f"{error} ({self._account()})") from error
            if self._lines:
                self._warn(self._account())
            raise
        except KeyboardInterrupt:
            self._warn(f"interrupted ({self._account()})")
            raise
        account = self._account()
        if (out := self._out) and not self._feed.finished:
            raise ChannelRefusedError(f"{self._why(out)} ({account})")
        if self._refused:
            raise NotAcknowledgedError(f"the server did not accept all lines ({account})")
        return ""

    def _follow(self, event: Event) -> None:
        """Which channels there are, and what the first is called."""
        match event:
            case Joined(own=True, channel=channel):
                self._in.add(casefold(channel))
            case Parted(own=True, channel=channel):
                self._in.discard(casefold(channel))
            case Kicked(own=True, channel=channel):
                self._in.discard(casefold(channel))
                if not self._in:
                    self._out = event
                    self._feed.interrupt()
            case ChannelRenamed(old=old, new=new):
                if casefold(old) in self._in:
                    self._in = self._in - {casefold(old)} | {casefold(new)}
                if casefold(old) == casefold(self._home):
                    self._home = new

    def _not_let_in(self, event: Refused, channel: str) -> None:
        """A channel could not be joined: at the start, or when the connection was made again."""
        self._in.discard(casefold(channel))
        if not self._said_in:
            self._out = self._out or event
        elif not self._in or casefold(channel) == casefold(self._home):
            self._out = event
            self._feed.interrupt()

    def _why(self, out: Kicked | Refused) -> str:
        if isinstance(out, Refused):
            channel = out.request.target if out.request else ""
            return f"{safe_name(channel)} can't be joined: {plain.refusal(out)}"
        return f"{(plain.line(out, None) or '').removeprefix('* ')}: there is no channel left"

    def _join(self, chat: Steady) -> None:
        chat.start()
        chat.wait_until_here()
        if isinstance(self._out, Refused):
            raise ChannelRefusedError(f"{self._why(self._out)}; nothing was sent")
        self._said_in = True
        for channel, members in chat.client.channels().items():
            self._warn(f"in {safe_name(channel)}: {', '.join(map(safe_name, members))}")

    def _say(self, chat: Steady, number: int, data: bytes, ended: bool) -> None:
        """Say a line, or a part of one that is very long."""
        if not self._lines or self._lines[-1].number != number:
            if not data:
                return
            self._lines.append(_Line(number))
        line = self._lines[-1]
        for piece in chat.client.pieces(self._home, self._mend(number, data)):
            chat.wait_for_room(WINDOW)
            self._count()
            line.unsettled.append(chat.put(piece))
        line.whole = ended

    def _mend(self, number: int, data: bytes) -> str:
        """The text of a line, with U+FFFD for what can't be said."""
        text = sendable(data.decode(errors="replace"))
        if not self._mended and text.encode() != data:
            self._mended = True
            self._warn(
                f"line {number} has something that can't be sent (bytes that are not UTF-8, NUL, CR or U+0001): "
                "it is replaced by U+FFFD, here and in the lines that follow"
            )
        return text

    def _count(self) -> None:
        """Take account of the lines that are answered, from the first on."""
        while self._lines:
            line = self._lines[0]
            while line.unsettled and line.unsettled[0].settled:
                line.refused |= line.unsettled.popleft().refusal is not None
            if line.unsettled or not line.whole:
                return
            self._lines.popleft()
            if line.refused:
                self._refused += 1
            else:
                self._acknowledged += 1

    def _account(self) -> str:
        self._count()
        parts = [_lines(self._acknowledged, "acknowledged")]
        if self._refused:
            parts.append(_lines(self._refused, "refused"))
        if self._lines:
            parts.append(_lines(len(self._lines), "not acknowledged, and may have been lost"))
        return "; ".join(parts)

    def _print(self, line: str) -> None:
        if self._sink is None:
            return
        data = memoryview(f"{line}{os.linesep}".encode())
        try:
            while data:
                try:
                    data = data[os.write(self._sink, data) :]
                except BlockingIOError:  # some programs hand on a pipe that does not block
                    select.select([], [self._sink], [])
        except BrokenPipeError as error:
            raise OutputClosedError("nobody reads the output any more") from error
        except OSError as error:
            raise InputOutputError(f"standard output can't be written to ({error.strerror})") from error


def _is_noise(event: Event) -> bool:
    """What a program that reads the output would only have to skip."""
    if isinstance(event, MessageReceived):
        return event.request is not None  # what it said itself
    if isinstance(event, TopicChanged):
        return event.by is None  # it is told, and has not changed
    return isinstance(event, Names | ServerSaid | Acknowledged)


def _lines(count: int, what: str) -> str:
    return f"{count:,} {'line' if count == 1 else 'lines'} {what}"
