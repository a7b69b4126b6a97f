"""Running securechat as a user does: a process of its own, with or without a terminal."""

import os
import select
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.forked import Forked, run

SECONDS = 60
"""What any command may take here before the test gives up."""


def environment(home: Path, more: Mapping[str, str] | None = None) -> dict[str, str]:
    """That of a user whose home this is."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("SECURECHAT_", "XDG_"))}
    return {**kept, "HOME": str(home), "TERM": "dumb", "COLUMNS": "200", **(more or {})}


def securechat(
    home: Path, *arguments: str | Path, stdin: str | bytes = b"", more: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run it to its end, in a pipe."""
    done = run(
        [sys.executable, "-m", "securechat", *map(str, arguments)],
        input=stdin.encode() if isinstance(stdin, str) else stdin,
        cwd=home,
        env=environment(home, more),
        timeout=SECONDS,
    )
    assert b"Traceback" not in done.stderr
    return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())


class Terminal:
    """A command at a terminal, and all that it has written there."""

    def __init__(self, master: int, process: subprocess.Popen[bytes]) -> None:
        self._master = master
        self._process = process
        self._seen = 0
        self.screen = ""

    def expect(self, words: str) -> None:
        """Wait until it has written these words, behind those that were expected before."""
        deadline = time.monotonic() + SECONDS
        while (at := self.screen.find(words, self._seen)) < 0:
            assert self._read(deadline), f"no {words!r} in {self.screen!r}"
        self._seen = at + len(words)

    def type(self, text: str) -> None:
        os.write(self._master, text.encode())

    def end(self) -> int:
        """Wait for its end; return its status."""
        deadline = time.monotonic() + SECONDS
        while self._read(deadline):
            pass
        return self._process.wait(SECONDS)

    def _read(self, deadline: float) -> bool:
        """Take what is there; False at the end."""
        ready, _, _ = select.select([self._master], [], [], max(0.0, deadline - time.monotonic()))
        assert ready, f"nothing more after {self.screen!r}"
        try:
            data = os.read(self._master, 4096)
        except OSError:  # EIO: nobody has the other end any more
            return False
        self.screen += data.decode(errors="replace")
        return bool(data)


@contextmanager
def at_terminal(home: Path, *arguments: str | Path) -> Iterator[Terminal]:
    """Run it with a terminal of its own as standard input, output and error."""
    master, slave = os.openpty()
    try:
        try:
            process = Forked(
                [sys.executable, "-m", "securechat", *map(str, arguments)],
                terminal=True,
                stdin=slave,
                stdout=slave,
                stderr=slave,
                cwd=home,
                env=environment(home),
                start_new_session=True,
            )
        finally:
            os.close(slave)
        with process:
            try:
                yield Terminal(master, process)
            finally:
                process.kill()
    finally:
        os.close(master)
