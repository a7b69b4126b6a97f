"""Ways in which a disk fails for a while under a server."""

import errno
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.crash.rounds import process
from tests.crash.traces import Tracer
from tests.e2e.servers import LIMIT, Place, Server

FAILED = "the server's disk has failed"
FULL = "the server's disk is full"
READ_ONLY = "the server's disk is read-only"
LOCKED = "the server's database is locked"


@dataclass(frozen=True)
class Stage:
    """A server that runs, and the directory of its data as we see it."""

    server: Server
    tracer: Tracer
    data: Path


@dataclass(frozen=True)
class Outage:
    """`reason`: what people are told, once everybody has noticed. `during`: a context in which it lasts."""

    name: str
    reason: str
    during: Callable[[Stage], AbstractContextManager[None]]
    first: str = ""
    """Who is refused first may be told another reason."""
    injected: bool = False
    """The shim does it, and can tell what is durable in the end."""
    small: bool = False
    """The data are on a small disk of their own."""

    def __str__(self) -> str:
        return self.name

    @contextmanager
    def running(self, place: Place, tracer: Tracer) -> Iterator[Stage]:
        """A server to which this can happen."""
        more = tracer.environment() if self.injected else {}
        before = _on_small_disk(place.data.path) if self.small else ()
        with process(place, more=more, before=before) as server:
            server.port = server.logged("listening")["port"]
            inside = Path(f"/proc/{server.process.pid}/root")
            data = inside / place.data.path.relative_to("/") if self.small else place.data.path
            yield Stage(server, tracer, data)
            assert server.stop() == 0


@contextmanager
def _no_file_may_grow(stage: Stage) -> Iterator[None]:
    stage.server.limit_files(0)
    yield
    stage.server.limit_files(-1)


def _injected(error: int, what: str) -> Callable[[Stage], AbstractContextManager[None]]:
    return lambda stage: stage.tracer.failing(error, what)


_LOCK = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=20)
connection.execute("BEGIN EXCLUSIVE")
print("locked", flush=True)
sys.stdin.read()
"""


@contextmanager
def _locked(stage: Stage) -> Iterator[None]:
    """Another process holds the lock for as long as this does its standard input."""
    with subprocess.Popen(
        [sys.executable, "-c", _LOCK, stage.data / "securechat.db"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdin is not None
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"locked\n"
        yield
        holder.stdin.close()
        assert holder.wait(LIMIT) == 0


def _on_small_disk(directory: Path) -> list[str]:
    """What a command begins with for which the directory, as it is, is on a file system in memory of 4 MB."""
    script = (
        'cp -a "$0" "$1" && mount -t tmpfs -o size=4m,mode=700 tmpfs "$0" && cp -a "$1/." "$0" && shift && exec "$@"'
    )
    inside = ["unshare", "--user", "--map-root-user", "--mount"]
    mounts = [*inside, "mount", "-t", "tmpfs", "tmpfs", str(directory)]
    if shutil.which("unshare") is None or subprocess.run(mounts, capture_output=True, check=False).returncode:
        pytest.skip("nothing can be mounted here")
    return [*inside, "sh", "-c", script, str(directory), f"{directory}.before"]


@contextmanager
def _full(stage: Stage) -> Iterator[None]:
    ballast = stage.data / "ballast"
    fill(stage)
    yield
    ballast.unlink()


def fill(stage: Stage) -> None:
    """Take what room there is left."""
    with (stage.data / "ballast").open("ab", buffering=0) as ballast:
        while True:
            try:
                ballast.write(bytes(4096))
            except OSError as error:
                if error.errno == errno.ENOSPC:
                    return
                raise


OUTAGES = (
    Outage("a file system that is full", FULL, _full, small=True),
    Outage("files that may not grow", FAILED, _no_file_may_grow),
    Outage("no space left", FULL, _injected(errno.ENOSPC, "w"), injected=True),
    Outage("a quota", FAILED, _injected(errno.EDQUOT, "w"), injected=True),
    Outage("read-only", READ_ONLY, _injected(errno.EROFS, "wo"), first=FAILED, injected=True),
    Outage("writes that fail", FAILED, _injected(errno.EIO, "w"), first=FAILED, injected=True),
    Outage("syncs that fail", FAILED, _injected(errno.EIO, "s"), injected=True),
    Outage("all fails", FAILED, _injected(errno.EIO, "ws"), injected=True),
    Outage("another process has locked it", LOCKED, _locked),
)
