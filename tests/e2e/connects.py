"""`securechat connect` as a process in a pipe, as a script uses it."""

import queue
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from tests.cli.commands import environment
from tests.e2e.servers import LIMIT, PASSWORD, Server
from tests.forked import Forked, run


def connect_command(server: Server, user: str, *options: str) -> list[str]:
    """The command line of a client. Options come last, so they win."""
    usual = ["--user", user, "--port", str(server.port), "--ca", str(server.place.ca)]
    return [sys.executable, "-m", "securechat", "connect", *usual, *options]


def connect_environment(server: Server, password: str) -> dict[str, str]:
    return environment(server.place.home, {"SECURECHAT_PASSWORD": password})


def connect(
    server: Server, user: str, *options: str, password: str = PASSWORD, said: bytes = b""
) -> "subprocess.CompletedProcess[str]":
    """Run one to its end: say these lines, and leave."""
    done = run(
        connect_command(server, user, *options),
        input=said,
        cwd=server.place.home,
        env=connect_environment(server, password),
        timeout=LIMIT,
    )
    return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())


class Lines:
    """What a process writes to a pipe, line by line, read by a thread so that the pipe never fills up."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._queue: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._read, args=(stream,))
        self._thread.start()

    def _read(self, stream: IO[bytes]) -> None:
        for line in stream:
            self._queue.put(line.decode().removesuffix("\n"))
        self._queue.put(None)

    def next(self) -> str:
        line = self._queue.get(timeout=LIMIT)
        assert line is not None, "there is no more"
        return line

    def expect(self, words: str) -> str:
        """The next line with these words in it; those before it are skipped."""
        while words not in (line := self.next()):
            pass
        return line

    def join(self) -> None:
        """Wait for the end; without that, whoever closes the stream may do so while it is read."""
        self._thread.join(LIMIT)

    def rest(self) -> list[str]:
        """All up to the end."""
        self.join()
        lines = []
        while (line := self._queue.get(timeout=LIMIT)) is not None:
            lines.append(line)
        return lines


class Connected:
    """A client that runs until its input ends."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        self.process = process
        self.out = Lines(process.stdout)
        self.err = Lines(process.stderr)
        self._stdin = process.stdin

    def say(self, *lines: str) -> None:
        self._stdin.write("".join(f"{line}\n" for line in lines).encode())
        self._stdin.flush()

    def leave(self) -> int:
        """End its input; its status."""
        self._stdin.close()
        return self.process.wait(LIMIT)


@contextmanager
def connected(server: Server, user: str, *options: str, password: str = PASSWORD) -> Iterator[Connected]:
    """A client that is in its channel."""
    with Forked(
        connect_command(server, user, *options),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=server.place.home,
        env=connect_environment(server, password),
    ) as process:
        client = Connected(process)
        try:
            client.err.expect("in #")
            yield client
        finally:
            process.kill()
            client.out.join()
            client.err.join()
