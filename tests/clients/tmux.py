"""A tmux server of our own, and the terminals in it: what stands on the screen, what is typed, and waiting for it.

Nothing here sleeps. All that a program writes to its terminal also goes into a FIFO (`pipe-pane`); whoever waits for
something looks at the screen, and then again when the FIFO has more.
"""

import contextlib
import os
import re
import select
import shlex
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from tests.e2e.servers import LIMIT

_JUST_LOOK: Final = os.O_RDONLY | os.O_NOCTTY

# What stays behind the program: its status, and a terminal on which typing can be tried.
_RUN: Final = '"$@"; echo "ended with status $?"; exec cat'


class Tmux:
    """One tmux server. It listens in a directory of its own, and reads nobody's configuration."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._panes: list[Pane] = []

    def run(self, *arguments: str) -> str:
        """Run one tmux command; what it prints."""
        done = subprocess.run(
            ["tmux", "-u", "-S", str(self.directory / "socket"), "-f", "/dev/null", *arguments],
            capture_output=True,
            env={"PATH": os.environ["PATH"], "HOME": str(self.directory), "LC_ALL": "C.UTF-8", "SHELL": "/bin/sh"},
            timeout=LIMIT,
            check=False,
        )
        assert done.returncode == 0, f"tmux {arguments[0]}: {done.stderr.decode()}"
        return done.stdout.decode()

    def open(self, command: Sequence[str | Path], environment: Mapping[str, str], columns: int, rows: int) -> "Pane":
        """Start a program at a terminal of this size."""
        name = f"pane{len(self._panes)}"
        fifo = self.directory / name
        os.mkfifo(fifo, 0o600)
        output = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
        variables = [word for item in environment.items() for word in ("-e", "=".join(item))]
        size = ["-x", str(columns), "-y", str(rows)]
        words = ["sh", "-c", _RUN, "sh", *map(str, command)]
        self.run("new-session", "-d", "-s", name, *size, *variables, "--", *words)
        self.run("pipe-pane", "-t", name, f"exec cat >{shlex.quote(str(fifo))}")
        pane = Pane(self, name, output)
        self._panes.append(pane)
        return pane

    def end(self) -> None:
        """End all programs, and the server with them."""
        with contextlib.suppress(AssertionError):  # it has ended by itself
            for pid in self.run("list-panes", "-a", "-F", "#{pane_pid}").split():
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(int(pid), signal.SIGKILL)  # each terminal has a process group of its own
            self.run("kill-server")
        for pane in self._panes:
            pane.close()


class Pane:
    """A terminal. `raw`: the bytes that were written to it and that somebody has waited through, with escapes."""

    def __init__(self, tmux: Tmux, name: str, output: int) -> None:
        self.raw = b""
        self._tmux = tmux
        self._name = name
        self._output = output

    def close(self) -> None:
        os.close(self._output)

    def screen(self) -> str:
        """The rows in which something stands now, without spaces at their ends."""
        rows = self._tmux.run("capture-pane", "-p", "-t", self._name).splitlines()
        return "\n".join(row.rstrip() for row in rows if row.strip(" │"))

    def wait(self, found: Callable[[str], bool], what: str) -> str:
        """Wait until the screen is as wanted; give it. `what` was wanted, for the complaint if it never is."""
        deadline = time.monotonic() + LIMIT
        while not found(screen := self.screen()):
            ready, _, _ = select.select([self._output], [], [], max(0.0, deadline - time.monotonic()))
            data = os.read(self._output, 65536) if ready else b""
            assert data, f"no {what} on this screen:\n{screen}"
            self.raw += data
        return screen

    def expect(self, pattern: str) -> "re.Match[str]":
        """Wait until this regular expression is found on the screen; `^` and `$` are the ends of rows."""
        compiled = re.compile(pattern, re.MULTILINE)
        match = compiled.search(self.wait(lambda screen: compiled.search(screen) is not None, repr(pattern)))
        assert match is not None
        return match

    def type(self, text: str) -> None:
        """Type a text, without Enter."""
        self._tmux.run("send-keys", "-t", self._name, "-l", "--", text)

    def paste(self, text: str) -> None:
        """Paste a text, as a terminal does that tells programs so (bracketed paste)."""
        self._tmux.run("set-buffer", "-b", self._name, "--", text)
        self._tmux.run("paste-buffer", "-p", "-r", "-b", self._name, "-t", self._name)

    def press(self, *keys: str) -> None:
        """Press keys, by the names that tmux has for them: `Enter`, `C-c`."""
        self._tmux.run("send-keys", "-t", self._name, *keys)

    def enter(self, line: str) -> None:
        """Type a line."""
        self.type(line)
        self.press("Enter")

    def resize(self, columns: int, rows: int) -> None:
        """Give the terminal another size, and wait until it has it: tmux takes its time.

        The program must be one that writes something when it is told.
        """
        self._tmux.run("resize-window", "-t", self._name, "-x", str(columns), "-y", str(rows))
        tty = os.open(self._tmux.run("display-message", "-p", "-t", self._name, "#{pane_tty}").strip(), _JUST_LOOK)
        try:
            self.wait(lambda _: os.get_terminal_size(tty) == (columns, rows), "new size")
        finally:
            os.close(tty)

    def ended(self) -> int:
        """Wait until the program has ended; its status."""
        return int(self.expect(r"ended with status (\d+)$")[1])


@contextlib.contextmanager
def tmux_server() -> Iterator[Tmux]:
    """A server of one's own. The path of a Unix socket is short, so its directory is not under pytest's."""
    directory = Path(tempfile.mkdtemp(prefix="securechat-"))
    tmux = Tmux(directory)
    try:
        yield tmux
    finally:
        tmux.end()
        shutil.rmtree(directory)
