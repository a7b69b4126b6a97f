"""A server that does no more than shake hands, on a real socket."""

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress


@contextmanager
def listening(context: ssl.SSLContext | None, answer: bytes = b"") -> Iterator[int]:
    """Accept whoever comes, one after the other: in TLS, or without (None), with ``answer``. Yields the port."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    peer, _ = server.accept()
                except OSError:
                    return  # the end
                with peer, suppress(OSError):
                    peer.settimeout(20)
                    if context is None:
                        peer.sendall(answer)
                        while peer.recv(4096):
                            pass
                        continue
                    with context.wrap_socket(peer, server_side=True) as link:
                        link.recv(1)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield server.getsockname()[1]
        finally:
            with suppress(OSError):  # wakes accept() where closing does not
                server.shutdown(socket.SHUT_RDWR)
            server.close()
            thread.join()
