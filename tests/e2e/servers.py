"""A `securechat server` as a process of its own: what it needs on the disk, its start, its log, its end."""

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from securechat.chat.machine import Applied
from securechat.chat.requests import AddAccount
from securechat.server.assembly import build_hub
from securechat.server.config import Config
from securechat.server.log import EventLog
from securechat.store.datadir import DataDir
from securechat.store.passwords import Hasher, Parameters
from tests.cli.commands import environment
from tests.forked import Forked

LIMIT: Final = 20.0
"""Seconds after which whatever waits here gives up: far more than anything needs."""

PASSWORD: Final = "correct horse"
PEOPLE: Final = ("alice", "bob", "carol", "dave", "erin", "frank", "grace", "heidi", "ivan", "judy")
"""The accounts that every place has, all with PASSWORD."""

UNHURRIED: Final = "[limits]\nthrottle = false\n"
"""The configuration of most tests: nothing is slowed down on purpose."""


@dataclass(frozen=True)
class Place:
    """Where a server lives: its certificates, and a directory with `data` and `config.toml` in it."""

    home: Path
    certs: Path

    @property
    def data(self) -> DataDir:
        return DataDir(self.home / "data")

    @property
    def ca(self) -> Path:
        return self.certs / "ca.pem"

    @property
    def cert(self) -> Path:
        return self.certs / "server.pem"

    def configure(self, text: str) -> Path:
        """Write the configuration file."""
        path = self.home / "config.toml"
        path.touch(0o600)
        path.write_text(text)
        return path


MakePlace = Callable[[], Place]


def make_people(data: DataDir) -> None:
    """Make a store with PEOPLE in it.

    The hashes are real Argon2id with the least parameters: with the usual ones each login takes some 50 ms, and there
    are hundreds of logins here. The tests of logins make accounts of their own, with `securechat user add`.
    """
    hasher = Hasher(Parameters(memory=8, passes=1))
    with data.lock():
        hub = build_hub(Config(), data, EventLog())
        outcomes, _ = hub.journal.ask([AddAccount(name, hasher.hash(PASSWORD)) for name in PEOPLE])
        hub.database.close()
    assert all(isinstance(outcome, Applied) for outcome in outcomes)


class Server:
    """One that runs. `port`, once it listens; `events`, its log so far."""

    def __init__(self, place: Place, process: subprocess.Popen[bytes]) -> None:
        self.place = place
        self.process = process
        self.port = 0
        self.events: list[dict[str, Any]] = []
        self.noise: list[str] = []
        """Lines on stderr that are not of the log: the sentence with which it ends, or a traceback."""
        self.output = b""
        """All that it wrote to stderr, as it came."""
        self.expects_errors = False
        """Set by tests that break something: else an event of level `error` is a failure."""
        # Guards events, noise and output, and is told when there is more.
        self._changed = threading.Condition()
        self._ended = False
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            with self._changed:
                self.output += line
                try:
                    self.events.append(json.loads(line))
                except ValueError:
                    self.noise.append(line.decode(errors="replace"))
                self._changed.notify_all()
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def logged(self, event: str, **values: Any) -> dict[str, Any]:
        """Wait until the log has such an event; the first one with these values."""

        def found() -> dict[str, Any] | None:
            return next((one for one in self.events if one["event"] == event and values.items() <= one.items()), None)

        with self._changed:
            self._changed.wait_for(lambda: found() is not None or self._ended, LIMIT)
            event_found = found()
            assert event_found is not None, f"no {event} {values}; the last are {self.events[-20:]} {self.noise[-20:]}"
            return event_found

    def errors(self) -> list[dict[str, Any]]:
        with self._changed:
            return [event for event in self.events if event["level"] == "error"]

    def memory(self) -> int:
        """What it has in memory now, in bytes."""
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
        raise AssertionError("no VmRSS")

    def limit_files(self, size: int) -> None:
        """Let it write no file beyond this size, as if the disk were full; -1 takes that back."""
        _, hard = resource.prlimit(self.process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(self.process.pid, resource.RLIMIT_FSIZE, (size, hard))

    @contextmanager
    def no_descriptors_but(self, number: int) -> Iterator[None]:
        """Let it open no more than so many files and sockets meanwhile."""
        used = {int(name) for name in os.listdir(f"/proc/{self.process.pid}/fd")}  # noqa: PTH208
        free = [descriptor for descriptor in range(len(used) + number) if descriptor not in used][:number]
        limits = resource.prlimit(self.process.pid, resource.RLIMIT_NOFILE)
        resource.prlimit(self.process.pid, resource.RLIMIT_NOFILE, (max(free) + 1, limits[1]))
        try:
            yield
        finally:
            resource.prlimit(self.process.pid, resource.RLIMIT_NOFILE, limits)

    def kill(self) -> None:
        """As `kill -9` does."""
        self.process.kill()
        self.wait()

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Ask it to stop; its status."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.wait()

    def wait(self) -> int:
        """Wait until it has ended; its status. All that it wrote is there then."""
        status = self.process.wait(LIMIT)
        self._reader.join(LIMIT)
        return status


def server_command(place: Place, *options: str | Path) -> list[str]:
    """The command line of a server in a place, on any free port."""
    usual = ["--cert", place.cert, "--data", place.data.path, "--port", "0"]
    return [sys.executable, "-m", "securechat", "server", *map(str, [*usual, *options])]


def attempt(place: Place, *options: str | Path, before: str = "") -> "subprocess.CompletedProcess[str]":
    """Run a server that is expected not to start. `before`: what the shell does first."""
    return subprocess.run(
        ["sh", "-c", f'{before}\nexec "$@"', "sh", *server_command(place, *options)],
        capture_output=True,
        text=True,
        cwd=place.home,
        env=environment(place.home),
        timeout=LIMIT,
        check=False,
    )


@contextmanager
def running(
    place: Place, *options: str | Path, config: str = UNHURRIED, log: Sequence[str] = ("--log-level", "debug")
) -> Iterator[Server]:
    """A server that listens. In the end it is stopped, if it still runs, with status 0 and nothing wrong in its log."""
    command = server_command(place, "--config", place.configure(config), "--log-format", "json", *log, *options)
    with Forked(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        cwd=place.home,
        env=environment(place.home),
    ) as process:
        server = Server(place, process)
        try:
            server.port = server.logged("listening")["port"]
            yield server
            if process.poll() is None:
                assert server.stop() == 0
            assert not server.noise
            assert server.expects_errors or not server.errors()
        finally:
            if process.poll() is None:
                process.kill()
            server.wait()


def copy_people(people: Path, place: Place) -> None:
    """Give a place the accounts that `make_people` made in another one."""
    shutil.copytree(people, place.data.path)
    os.chmod(place.data.path, 0o700)  # noqa: PTH101  (copytree keeps the mode, but pytest's umask may not)
