"""A control socket for tests: a server at it, and clients that are not ours."""

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from securechat.server.control import ControlClient, ControlServer, Operator


@contextmanager
def serving(path: Path, operator: Operator) -> Iterator[ControlClient]:
    server = ControlServer(path, operator)
    server.start()
    try:
        yield ControlClient(path)
    finally:
        server.stop()


@contextmanager
def connected(path: Path) -> Iterator[socket.socket]:
    """A client that is not ours, and has been greeted."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        sock.settimeout(30)
        sock.connect(str(path))
        assert line_from(sock) == {"securechat": 1}
        yield sock


def line_from(sock: socket.socket) -> object:
    """The next line, of which nothing follows yet; None at the end."""
    received = b""
    while not received.endswith(b"\n"):
        data = sock.recv(1)
        if not data:
            assert received == b""
            return None
        received += data
    return json.loads(received)
