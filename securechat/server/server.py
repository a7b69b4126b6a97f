"""Puts the parts together; starts, and stops in order."""

from __future__ import annotations

import errno
import socket
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

from securechat.chat.machine import Applied
from securechat.chat.requests import Start
from securechat.server.assembly import build_hub
from securechat.server.control import ControlServer
from securechat.server.cores import Cores
from securechat.server.crl_numbers import CrlNumbers
from securechat.server.housekeeping import Housekeeping
from securechat.server.listener import Listener
from securechat.server.log import EventLog
from securechat.server.memory import give_back
from securechat.server.operator import HubOperator
from securechat.server.reload import Loaded, Reloader
from securechat.server.rules import rules_of
from securechat.server.searching import discard
from securechat.server.session import Session
from securechat.server.watching import SECONDS, Watching
from securechat.store.datadir import DataDir
from securechat.tls.link import Link

__all__ = ["Server", "bind"]

STOP_SECONDS = 5.0
"""How long a stop waits for clients to take what is queued for them."""

_STACK = 1024 * 1024
"""Bytes of address space for a client's thread; what it does not touch costs nothing. A quarter of that is enough for
CPython 3.11, and too little for 3.13, which crashes there."""


def bind(hosts: tuple[str, ...], port: int) -> list[socket.socket]:
    """A listening socket for each address of each host. Raises ``OSError``.

    With port 0 the first one's port is taken for all.
    """
    sockets: list[socket.socket] = []
    seen = set()
    try:
        for host in hosts:
            for family, _, _, _, address in socket.getaddrinfo(
                host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
            ):
                if (family, address[0]) in seen or family not in (socket.AF_INET, socket.AF_INET6):
                    continue
                seen.add((family, address[0]))
                try:
                    sock = socket.socket(family, socket.SOCK_STREAM)
                except OSError:  # a family that this machine has switched off
                    continue
                sockets.append(sock)
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                if family == socket.AF_INET6:
                    sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                chosen = port or (sockets[0].getsockname()[1] if len(sockets) > 1 else 0)
                try:
                    sock.bind((address[0], chosen, *address[2:]))
                except OSError as error:
                    # "localhost" names ::1 on machines without any IPv6 address. One that is in use is an error.
                    if error.errno == errno.EADDRNOTAVAIL and address[0] == "::1" and len(sockets) > 1:
                        sockets.pop().close()
                        continue
                    raise
                sock.listen(1024)
    except BaseException:
        for sock in sockets:
            sock.close()
        raise
    return sockets


class Server:
    """A running server, as a context: left, it has stopped, and all that it started has ended.

    ``read``: how ``loaded`` can be read again; without it a reload finds it as it is. ``watching_seconds``: how often
    it is looked whether the files of certificates have changed.

    Raises `CertificateFileError` where what was revoked would be good again; then nothing has been opened.
    """

    def __init__(
        self,
        loaded: Loaded,
        data: DataDir,
        sockets: list[socket.socket],
        log: EventLog,
        cores: Cores | None = None,
        read: Callable[[], Loaded] | None = None,
        watching_seconds: float = SECONDS,
    ) -> None:
        self._log = log
        self._data = data
        self._stack_before = 0
        numbers = CrlNumbers(data.crl_numbers)
        numbers.require(loaded.authorities)
        self.hub = build_hub(loaded.config, data, log)
        self.reloader = self.hub.reloader = Reloader(self.hub, loaded, read or (lambda: loaded), numbers)
        if cores is not None:
            self.hub.cores = cores
        self.listeners = [Listener(sock, self._on_connection, self.hub.on_error) for sock in sockets]
        self.hub.listening = tuple((listener.address, listener.port) for listener in self.listeners)
        self.housekeeping = Housekeeping(self.hub, data)
        self.watching = Watching(self.hub, self.reloader, watching_seconds)
        self._control = ControlServer(data.control_socket, HubOperator(self.hub), log)

    def __enter__(self) -> Self:
        (outcome,), _ = self.hub.journal.ask([Start(rules_of(self.hub.config), self.hub.seen)])
        if not isinstance(outcome, Applied):
            raise OSError(f"The store refuses to be written: {', '.join(outcome.context) or outcome.reason.name}")
        self._stack_before = threading.stack_size(_STACK)
        give_back()
        self.hub.cores.settle()
        if self.hub.searching is not None:
            self.hub.searching.start()
        else:
            discard(self._data.search, self.hub.on_error)
        self.housekeeping.start()
        self.reloader.warn(datetime.now(UTC))
        self.watching.start()
        self._control.start()
        for listener in self.listeners:
            listener.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Take no more connections, tell everybody, write what is queued, end all threads, close the store."""
        hub = self.hub
        for listener in self.listeners:
            listener.stop()
        hub.stopping = True
        hub.hasher.close()  # before the operator's end is waited for, who may stand in line behind thousands
        self._control.stop()
        self.watching.stop(STOP_SECONDS)
        for session in hub.all_sessions():
            session.end("The server is stopping")
        deadline = time.monotonic() + STOP_SECONDS
        for thread in hub.threads():
            thread.join(max(deadline - time.monotonic(), 0.0))
        left = hub.threads()
        if left:
            self._log.warning("clients did not end in time", number=len(left))
        self.housekeeping.stop(STOP_SECONDS)
        hub.journal.stop(STOP_SECONDS)
        if hub.searching is not None:
            hub.searching.stop(STOP_SECONDS)
        hub.database.close()
        threading.stack_size(self._stack_before)
        self._log.info("stopped")

    def _on_connection(self, sock: socket.socket, address: str) -> None:
        """In the listener's thread: give the connection a thread of its own."""
        hub = self.hub
        why = hub.admit(address)
        if why is not None:
            self._log.info("connection refused", address=address, why=why)
            sock.close()
            return
        try:
            link = Link(sock, self.reloader.context, server_side=True, outbox_limit=hub.config.limits.outbox)
        except BaseException:  # no descriptor is left for its waker, say; it was admitted, and is not there after all
            hub.arrivals.release(address)
            raise
        try:
            hub.start(Session(hub, hub.next_number(), link, address))
        except BaseException:
            link.close()
            raise
