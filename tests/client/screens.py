"""Screens: what a command needs of one, and `securechat connect` at a real terminal, as far as it can tell."""

import contextlib
import os
import pty
import re
import struct
import subprocess
import termios
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from fcntl import ioctl
from pathlib import Path

from securechat.client.commands import attempt
from securechat.client.connection import Client
from securechat.client.steady import Steady
from tests.client.clients import CONNECT
from tests.client.support import LIMIT, PASSWORD, Peer


@dataclass
class Screen:
    """What a command needs of a screen: it keeps what is shown."""

    chat: Steady
    current: str | None = "#c"
    leaving: str | None = None
    shown: list[str] = field(default_factory=list)
    heading_for: str = ""
    asked: list[str] = field(default_factory=list)
    then: Callable[[list[str]], None] | None = None

    @property
    def client(self) -> Client:
        return self.chat.client

    def head_for(self, channel: str) -> None:
        self.heading_for = channel

    def show(self, line: str) -> None:
        self.shown.append(line)

    def ask_hidden(self, questions: Sequence[str], then: Callable[[list[str]], None]) -> None:
        self.asked += questions
        self.then = then

    def answer(self, *answers: str) -> None:
        """Somebody types this."""
        assert self.then is not None
        then, self.then = self.then, None
        attempt(self, lambda: then(list(answers)))

    def meanwhile(self, work: Callable[[], None]) -> None:
        """At once, which shows the same."""
        attempt(self, work)


ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[>=]")


class Terminal:
    """A process at a terminal: what it printed, without its moves, and what is typed."""

    def __init__(
        self, port: int, ca: Path, *options: str, ask: bool = False, columns: int = 80, term: str = "xterm"
    ) -> None:
        self._near, far = pty.openpty()
        ioctl(far, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        environment = {**os.environ, "TERM": term, "PROMPT_TOOLKIT_NO_CPR": "1", "NO_COLOR": "1"}
        for name in ("COLUMNS", "LINES"):  # of another terminal, which would be believed
            environment.pop(name, None)
        environment["SECURECHAT_PASSWORD"] = "" if ask else PASSWORD
        # A session of its own takes the first terminal that it opens for its own, and with it Ctrl-C.
        opening = ["sh", "-c", 'exec "$@" <"$0" >"$0" 2>&1', os.ttyname(far)]
        command = [*opening, *CONNECT, "--user", "alice", "--port", str(port), "--ca", str(ca), *options]
        self.process = subprocess.Popen(command, env=environment, start_new_session=True)
        self._far: int | None = far
        self._raw = b""
        self._position = 0
        self._more = threading.Condition()
        self._ended = False
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        data = b"-"
        while data:
            try:
                data = os.read(self._near, 65536)
            except OSError:  # how Linux says that nobody has the terminal open any more
                data = b""
            with self._more:
                self._raw += data
                self._ended = not data
                self._more.notify_all()

    @property
    def raw(self) -> str:
        return self._raw.decode(errors="replace")

    @property
    def text(self) -> str:
        return ESCAPES.sub("", self.raw).replace("\r", "").replace("\n      ", " ")

    def wait_for(self, text: str) -> None:
        """Wait until it has printed this, after what was waited for before."""

        def found() -> bool:
            return text in self.text[self._position :] or self._ended

        with self._more:
            assert self._more.wait_for(found, LIMIT), self.text
            assert text in self.text[self._position :], self.text
            self._position = self.text.index(text, self._position) + len(text)

    def type(self, text: str) -> None:
        os.write(self._near, text.encode())

    def echoes(self) -> bool:
        """Whether the terminal shows by itself what is typed."""
        return bool(termios.tcgetattr(self._near)[3] & termios.ECHO)

    def end(self) -> int:
        """Wait until the process has ended, and all that it printed is read; its status."""
        status = self.process.wait(LIMIT)
        self._hang_up()
        return status

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        self._hang_up()
        os.close(self._near)

    def _hang_up(self) -> None:
        # Until the process has opened the terminal itself, ours is what keeps it from ending.
        if self._far is not None:
            os.close(self._far)
            self._far = None
        self._reader.join(LIMIT)


@contextlib.contextmanager
def at_screen(
    peer: Peer, ca: Path, *options: str, ask: bool = False, columns: int = 80, term: str = "xterm"
) -> Iterator[Terminal]:
    screen = Terminal(peer.port, ca, *options, ask=ask, columns=columns, term=term)
    try:
        yield screen
    finally:
        screen.close()
