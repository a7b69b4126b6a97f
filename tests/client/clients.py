"""Our client on a server of the tests: as a library, and as a process."""

import contextlib
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from securechat.client.connection import Client
from securechat.client.door import Door
from securechat.client.events import Event
from securechat.client.logins import Password
from securechat.client.steady import Steady
from securechat.tls.contexts import client_context
from tests.client.support import LIMIT, PASSWORD, Peer
from tests.forked import Forked

CONNECT = [sys.executable, "-m", "securechat", "connect"]
"""`securechat connect` as a process."""


@contextlib.contextmanager
def connected(
    peer: Peer, ca: Path, on_event: Callable[[Event], None], nick: str = "alice", **options: Any
) -> Iterator[Client]:
    """A client that is logged in, and leaves in the end."""
    client = Client(on_event, **options)
    client.connect("localhost", peer.port, client_context(ca), nick=nick, password=PASSWORD, timeout=LIMIT)
    try:
        yield client
    finally:
        client.leave()


@contextlib.contextmanager
def steady(peer: Peer, ca: Path, on_event: Callable[[Event], None], *channels: str, **options: Any) -> Iterator[Steady]:
    """alice's chat, which has begun, and ends with the test."""
    door = Door("localhost", peer.port, client_context(ca), "alice", Password("alice", PASSWORD))
    chat = Steady(on_event, door, channels, **options)
    chat.connect()
    chat.start()
    try:
        yield chat
    finally:
        chat.leave()


@contextlib.contextmanager
def running(
    peer_port: int, ca: Path, *options: str, nick: str = "alice", password: str | None = PASSWORD, **popen: Any
) -> Iterator[subprocess.Popen[bytes]]:
    """`securechat connect` as a process, which is killed if it is still there in the end."""
    environment = {**os.environ, "SECURECHAT_PASSWORD": password or ""}
    command = [*CONNECT, "--user", nick, "--port", str(peer_port), "--ca", str(ca), *options]
    streams = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **popen}
    with Forked(command, env=environment, **streams) as process:
        try:
            yield process
        finally:
            process.kill()


def run(
    peer_port: int, ca: Path, *options: str, data: bytes = b"", **others: Any
) -> "subprocess.CompletedProcess[bytes]":
    """`securechat connect` with this input, to its end."""
    with running(peer_port, ca, *options, **others) as process:
        out, err = process.communicate(data, timeout=LIMIT)
        return subprocess.CompletedProcess(CONNECT, process.returncode, out, err)
