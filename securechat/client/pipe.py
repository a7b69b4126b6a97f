"""`securechat connect` without a terminal: a file goes into the chat, and what is said comes out as lines.

Every line of the input is text to the first channel, whatever it says. At its end the client leaves, but only when the
server has acknowledged all of it, or when somebody has put it out of its last channel. What comes from the chat goes to
standard output in the form of `plain`, each line at once, in UTF-8; one's own lines are not repeated there. What is
about the connection goes to standard error.

At most `WINDOW` messages are unanswered at once, so a file of any length takes no more memory than a short one.
"""

import os
import select
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from securechat.client import plain
from securechat.client.connection import WINDOW, Client
from securechat.client.errors import (
    ChannelRefusedError,
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
from securechat.client.requests import Request
from securechat.client.safe import safe_name, sendable
from securechat.irc.names import casefold


@dataclass(slots=True)
class _Line:
    """A line of the input on its way."""

    number: int
    unsettled: deque[Request] = field(default_factory=deque)  # what was said of it, oldest first
    refused: bool = False  # whether some of it was
    whole: bool = False  # whether all of it was said


class Pipe:
    """One run from the first line of the input to the last, or to the end of the connection.

    `source` and `sink` are descriptors, or None where the program was started without; `warn(sentence)` tells the
    user something that is not for the output.
    """

    def __init__(
        self, channels: Sequence[str], source: int | None, sink: int | None, warn: Callable[[str], None]
    ) -> None:
        self._channels = channels
        self._home = channels[0]
        self._feed = Feed(source)
        self._sink = sink
        self._warn = warn
        self._lines: deque[_Line] = deque()  # those that were begun and are not answered, oldest first
        self._acknowledged = 0  # lines of which all was
        self._refused = 0  # lines of which something was not
        self._mended = False
        self._in: set[str] = set()  # the channels that one is in, folded
        self._put_out: Kicked | None = None  # of the last of them

    def on_event(self, event: Event) -> None:
        """Print what is for the output. Called by the client."""
        if isinstance(event, Disconnected):
            self._feed.interrupt()
        elif isinstance(event, Refused):
            if event.request is None or event.request.command != "JOIN":
                self._warn(f"refused: {plain.refusal(event)}")
        else:
            self._follow(event)
            if not _is_noise(event):
                for line in plain.lines(event, self._home):
                    self._print(line)

    def greet(self, sentence: str) -> None:
        """Say with whom one speaks."""
        self._warn(sentence)

    def run(self, client: Client) -> str:
        """Join the channels, say every line, come back when all is acknowledged. The answer is what to say with QUIT.

        Raises:
            ChannelRefusedError: one of the channels, and nothing was said; or one was put out of the last one.
            ConnectionLostError: with the number of lines that were acknowledged, and of those that were not.
            NotAcknowledgedError: the server did not accept all lines.
            InputOutputError, OutputClosedError: at this end.
        """
        try:
            self._join(client)
            self._feed.start()
            for number, data, ended in self._feed.lines():
                self._say(client, number, data, ended)
            client.check()  # what has ended the connection, if that is why there are no more lines
            client.settle()
        except ConnectionLostError as error:
            raise ConnectionLostError(f"{error} ({self._account()})") from error
        except KeyboardInterrupt:
            self._warn(f"interrupted ({self._account()})")
            raise
        account = self._account()
        if (kicked := self._put_out) and not self._feed.finished:
            sentence = plain.line(kicked, None) or ""
            raise ChannelRefusedError(f"{sentence.removeprefix('* ')}: there is no channel left ({account})")
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
                    self._put_out = event
                    self._feed.interrupt()
            case ChannelRenamed(old=old, new=new):
                if casefold(old) in self._in:
                    self._in = self._in - {casefold(old)} | {casefold(new)}
                if casefold(old) == casefold(self._home):
                    self._home = new

    def _join(self, client: Client) -> None:
        requests = [client.join(channel) for channel in self._channels]
        client.settle()
        for request in requests:
            if refusal := request.refusal:
                event = Refused(request, refusal.code, refusal.about, refusal.text)
                raise ChannelRefusedError(
                    f"{safe_name(request.target)} can't be joined: {plain.refusal(event)}; nothing was sent"
                )
        for channel, members in client.channels().items():
            self._warn(f"in {safe_name(channel)}: {', '.join(map(safe_name, members))}")

    def _say(self, client: Client, number: int, data: bytes, ended: bool) -> None:
        """Say a line, or a part of one that is very long."""
        if not self._lines or self._lines[-1].number != number:
            if not data:
                return
            self._lines.append(_Line(number))
        line = self._lines[-1]
        for piece in client.pieces(self._home, self._mend(number, data)):
            client.wait_for_room(WINDOW)
            self._count()
            line.unsettled.append(client.request(*piece))
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
