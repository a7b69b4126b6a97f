"""Somebody in between who ends TLS: their own certificate for the client, and all is handed on, and written down.

They hand on what the true server says of its authority as well, for that is public.
"""

import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

from tests.e2e.servers import LIMIT


class Impostor:
    """`told`: all that clients have said to it, of each connection, in plain text."""

    def __init__(self, server_port: int, certificate: Path) -> None:
        self._server_port = server_port
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(certificate)
        self._blind = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self._blind.check_hostname = False
        self._blind.verify_mode = ssl.CERT_NONE
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.told: list[bytearray] = []
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(LIMIT)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                sock, _ = self._listener.accept()
                sock.settimeout(LIMIT)
                told = bytearray()
                self.told.append(told)
                self._threads.append(threading.Thread(target=self._serve, args=(sock, told)))
                self._threads[-1].start()

    def _serve(self, sock: socket.socket, told: bytearray) -> None:
        """One thread is enough: what a client asks here, it asks in one go."""
        with (
            contextlib.suppress(OSError),
            self._context.wrap_socket(sock, server_side=True) as client,
            socket.create_connection(("127.0.0.1", self._server_port), LIMIT) as far,
            self._blind.wrap_socket(far) as server,
        ):
            while data := client.recv(65536):
                told += data
                server.sendall(data)
                answer = b""
                while not answer.endswith(b"CERT END AUTHORITY\r\n") and (more := server.recv(65536)):
                    answer += more
                client.sendall(answer)
        sock.close()


@contextlib.contextmanager
def impostor(server_port: int, certificate: Path) -> Iterator[Impostor]:
    """Somebody in between, who is gone in the end."""
    one = Impostor(server_port, certificate)
    try:
        yield one
    finally:
        one.close()
