"""Processes of securechat that start at once: forks of one that has imported everything already.

A fresh interpreter spends half a second of a core on imports, and the tests start thousands. So each process of pytest
keeps a nursery: one process with one thread that has imported all of securechat, and forks whenever a command is to be
run. What comes of it is a process like any other, with its own pid, streams, directory, environment and umask, a child
of pytest; only its imports are done, and its command line in the list of processes is the nursery's. Where these are
what a test is about it says `fresh`. A fresh interpreter is started, too, for any other command, and where the
environment has something that an interpreter reads before it runs anything.
"""

import atexit
import ctypes
import fcntl
import gc
import importlib
import importlib.util
import io
import json
import os
import pkgutil
import signal
import socket
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

_ROOT: Final = Path(__file__).parents[1]
_READ_AT_START: Final = ("PYTHON", "LANG", "LC_", "LD_", "GLIBC_", "MALLOC_", "OPENSSL_", "SSL_")
_LONGEST: Final = 1 << 20  # bytes of a request
_SET_CHILD_SUBREAPER: Final = 36  # PR_SET_CHILD_SUBREAPER of Linux's prctl.h

_AT_TERMINAL: Final = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.argv[1], sys.argv[1:])
"""


class Forked(subprocess.Popen[bytes]):
    """`subprocess.Popen`, but at once where it can be. ``terminal``: standard input is to be its terminal."""

    def __init__(self, command: list[str], *, terminal: bool = False, **options: Any) -> None:
        self._terminal = terminal
        super().__init__(command, **options)

    def _execute_child(self, *given: Any) -> None:
        """What starts the process in `subprocess.Popen` of Python 3.11 and later; the parameters are its own."""
        args, _, preexec, _, passed, cwd, env, _, _, _, stdin, stdin_near, stdout_near, stdout, stderr_near, stderr = (
            given[:16]
        )
        new_session = bool(given[21])
        environment = dict(os.environ if env is None else env)
        ours = sys.platform == "linux" and args[:3] == [sys.executable, "-m", "securechat"]
        if not ours or _as_usual or preexec is not None or passed or _starts_otherwise(environment):
            command = [sys.executable, "-c", _AT_TERMINAL, *args] if self._terminal else args
            super()._execute_child(command, *given[1:])  # type: ignore[misc]
            return
        request = {
            "arguments": args[3:],
            "cwd": str(cwd or Path.cwd()),
            "environment": environment,
            "umask": _umask(),
            "session": new_session,
            "terminal": self._terminal,
        }
        streams = [own if own != -1 else number for number, own in enumerate((stdin, stdout, stderr))]
        self.pid = _nursery().fork(json.dumps(request).encode(), streams)
        self._child_created = True
        near = (stdin, stdin_near, stdout_near, stdout, stderr_near, stderr)
        self._close_pipe_fds(*near)  # type: ignore[attr-defined]


def run(
    command: list[str], *, input: bytes, timeout: float, cwd: Path, env: Mapping[str, str]
) -> subprocess.CompletedProcess[bytes]:
    """As `subprocess.run` does with these, and ``capture_output``."""
    pipe = subprocess.PIPE
    with Forked(command, stdin=pipe, stdout=pipe, stderr=pipe, cwd=cwd, env=env) as process:
        try:
            out, err = process.communicate(input, timeout)
        except BaseException:
            process.kill()
            raise
    return subprocess.CompletedProcess(command, process.returncode, out, err)


@contextmanager
def fresh() -> Iterator[None]:
    """All processes that are started meanwhile have interpreters and command lines of their own. A decorator, too."""
    _as_usual.append(True)
    try:
        yield
    finally:
        _as_usual.pop()


_as_usual: list[bool] = []


def _starts_otherwise(environment: Mapping[str, str]) -> bool:
    """Whether the environment differs from ours in what is read before anything is run."""
    names = {name for name in (*environment, *os.environ) if name.startswith(_READ_AT_START)}
    return any(environment.get(name) != os.environ.get(name) for name in names)


def _umask() -> int:
    """Ours, looked at without changing it, for there may be other threads."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("Umask:"):
            return int(line.split()[1], 8)
    raise AssertionError("no Umask")


class _Nursery:
    """The nursery, as pytest sees it."""

    def __init__(self) -> None:
        # Whoever forks twice leaves a child to the next process above that takes such children: this one.
        if ctypes.CDLL(None, use_errno=True).prctl(_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), "PR_SET_CHILD_SUBREAPER")
        self._socket, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._lock = threading.Lock()  # guards the socket: one request and its answer after the other
        with far:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.forked", str(far.fileno())],
                stdin=subprocess.DEVNULL,  # pytest's may be closed, and then its number would be given out again
                cwd=_ROOT,
                pass_fds=[far.fileno()],
            )
        atexit.register(self.close)

    def fork(self, request: bytes, streams: list[int]) -> int:
        with self._lock:
            try:
                socket.send_fds(self._socket, [request], streams)
                pid = int(self._socket.recv(64))
                self._socket.recv(64)  # from now on it is our child
            except BaseException:  # it was killed, or Ctrl-C left an answer behind: the next one is of another nursery
                self.close()
                raise
            return pid

    def ended(self) -> bool:
        return self._process.poll() is not None

    def close(self) -> None:
        self._socket.close()
        self._process.wait()


_present: list[_Nursery] = []
_present_lock = threading.Lock()  # guards _present: tests start processes in threads, too


def _nursery() -> _Nursery:
    with _present_lock:
        if _present and _present[0].ended():
            _present.pop().close()
        if not _present:
            _present.append(_Nursery())
        return _present[0]


# -- in the nursery ---------------------------------------------------------------------------------------------------


def _import_everything() -> None:
    import securechat

    for module in pkgutil.walk_packages(securechat.__path__, "securechat."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    if importlib.util.find_spec("typer._adapters") is not None:  # which it imports at the first command
        importlib.import_module("typer._adapters")
    gc.collect()
    gc.freeze()  # so that the children share it for longer


def _serve(requests: socket.socket) -> None:
    """Fork whenever that is asked for. Returns in the children alone; ends the process when nobody asks any more."""
    while True:
        data, streams, _, _ = socket.recv_fds(requests, _LONGEST, 3)
        if not data:
            os._exit(0)
        between = os.fork()
        if not between:
            child = os.fork()
            if child:
                requests.send(str(child).encode())
                os._exit(0)
            requests.close()
            _become(json.loads(data), streams)
            return
        os.waitpid(between, 0)
        requests.send(b"done")
        for stream in streams:
            os.close(stream)


def _become(request: dict[str, Any], streams: list[int]) -> None:
    """What happens between fork and exec, and what an interpreter does before it runs anything."""
    if request["session"]:
        os.setsid()
    if request["terminal"]:
        fcntl.ioctl(streams[0], termios.TIOCSCTTY, 0)
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
    for stream in streams:
        os.close(stream)
    os.chdir(request["cwd"])
    os.umask(request["umask"])
    os.environ.clear()
    os.environ.update(request["environment"])
    time.tzset()
    sys.argv = [str(_ROOT / "securechat" / "__main__.py"), *request["arguments"]]
    # The old ones stay as sys.__stdin__ and so on: who dropped them would close what is underneath.
    sys.stdin = _text(0, "r", sys.__stdin__)
    sys.stdout = _text(1, "w", sys.__stdout__)
    sys.stderr = _text(2, "w", sys.__stderr__)


def _text(number: int, mode: str, like: io.TextIOWrapper | None) -> io.TextIOWrapper:
    assert like is not None
    binary = open(number, f"{mode}b", closefd=False)  # noqa: SIM115
    lines = number == 2 or os.isatty(number)
    return io.TextIOWrapper(binary, like.encoding, like.errors, line_buffering=lines)


if __name__ == "__main__":
    interrupt = signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for pytest, and its end is the nursery's
    _import_everything()
    _serve(socket.socket(fileno=int(sys.argv[1])))
    signal.signal(signal.SIGINT, interrupt)
    from securechat.cli import main

    main()
