"""A network between a client and a server that can be cut, at any byte, or lose what comes back."""

import contextlib
import socket
import threading
from collections.abc import Iterator


class Relay:
    """Hands on bytes between whoever connects to `port` and a server. `connections`: how many have come."""

    def __init__(self, server_port: int) -> None:
        self._server_port = server_port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.connections = 0
        # Guards what follows, and is told when something was handed on.
        self._changed = threading.Condition()
        self._open: list[socket.socket] = []
        self._all: list[socket.socket] = []
        self._deaf = False  # what the server says is thrown away
        self._left: int | None = None  # bytes of the server that are handed on before all is cut
        self._whole: int | None = None  # bytes of the server that are handed on before one is changed
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def cut(self) -> None:
        """Cut all connections. What comes next gets through again."""
        with self._changed:
            ended, self._open = self._open, []
            self._deaf, self._left = False, None
        for sock in ended:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    def swallow(self) -> None:
        """From now on the client hears nothing, until `cut()`."""
        with self._changed:
            self._deaf = True

    def cut_after(self, size: int) -> None:
        """Cut all connections when the server has sent so many more bytes, wherever that is."""
        with self._changed:
            self._left = size

    def damage_after(self, size: int) -> None:
        """Change one byte of what the server sends, when it has sent so many more."""
        with self._changed:
            self._whole = size

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._threads[0].join()
        self.cut()
        for thread in self._threads[1:]:
            thread.join()
        for sock in self._all:
            sock.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self.connections += 1
                try:
                    server = socket.create_connection(("127.0.0.1", self._server_port))
                except OSError:
                    client.close()
                    continue
                with self._changed:
                    self._open += [client, server]
                    self._all += [client, server]
                for source, sink, back in ((client, server, False), (server, client, True)):
                    thread = threading.Thread(target=self._hand_on, args=(source, sink, back))
                    self._threads.append(thread)
                    thread.start()

    def _hand_on(self, source: socket.socket, sink: socket.socket, back: bool) -> None:
        cut = False
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                if back:
                    with self._changed:
                        if self._deaf:
                            continue
                        if self._whole is not None:
                            data = self._damaged(data, self._whole)
                        if self._left is not None:
                            data, cut = data[: self._left], len(data) >= self._left
                            self._left -= len(data)
                sink.sendall(data)
                if cut:
                    self.cut()
        with contextlib.suppress(OSError):
            sink.shutdown(socket.SHUT_WR)

    def _damaged(self, data: bytes, whole: int) -> bytes:
        """The caller holds the lock."""
        if whole >= len(data):
            self._whole = whole - len(data)
            return data
        self._whole = None
        return data[:whole] + bytes([data[whole] ^ 0x40]) + data[whole + 1 :]


@contextlib.contextmanager
def relay(server_port: int) -> Iterator[Relay]:
    """A network, which is gone in the end."""
    one = Relay(server_port)
    try:
        yield one
    finally:
        one.close()
