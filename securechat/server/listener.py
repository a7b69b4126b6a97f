"""Accepts connections on one address, and does nothing else: the TLS handshake is the client's thread's."""

from __future__ import annotations

import errno
import socket
import threading
from collections.abc import Callable

from securechat.tls.waker import READABLE, Waker, wait_for

__all__ = ["Listener"]

_OUT_OF = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
_PAUSE = 0.2  # seconds to wait where the system has no descriptor left for a connection


class Listener:
    """``on_connection`` gets each socket and the peer's address, in the listener's thread: it must not block."""

    def __init__(
        self,
        sock: socket.socket,
        on_connection: Callable[[socket.socket, str], None],
        on_error: Callable[[str, BaseException], None],
    ) -> None:
        self._sock = sock
        self._sock.setblocking(False)
        self._on_connection = on_connection
        self._on_error = on_error
        self._waker = Waker()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name=f"listener-{self.port}", daemon=True)

    @property
    def address(self) -> str:
        return str(self._sock.getsockname()[0])

    @property
    def port(self) -> int:
        return int(self._sock.getsockname()[1])

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Accept no more; returns when the thread has ended."""
        self._stopping = True
        self._waker.set()
        self._thread.join()
        self._sock.close()
        self._waker.close()

    def _run(self) -> None:
        waiter = wait_for(self._sock.fileno(), self._waker)
        pause = False
        while not self._stopping:
            waiter.wait(0 if pause else READABLE, _PAUSE if pause else None)
            self._waker.clear()
            pause = False
            while not self._stopping and not pause:
                try:
                    client, address = self._sock.accept()
                except BlockingIOError:
                    break
                except OSError as error:  # the connection was gone already, or the system can't take it
                    pause = error.errno in _OUT_OF
                    if pause:
                        self._on_error("no more connections can be taken", error)
                    continue
                try:
                    self._on_connection(client, str(address[0]))
                except Exception as error:
                    client.close()
                    self._on_error("a connection could not be taken", error)
                    pause = isinstance(error, (OSError, RuntimeError))  # no thread could be started
