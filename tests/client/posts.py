"""A server over real TLS that does nothing by itself: it keeps every byte that it is told, and says what it is to."""

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from securechat.irc.pieces import pieces
from securechat.tls.contexts import server_context
from securechat.tls.link import Link, LinkBroken
from tests.client.support import LIMIT

Answer = Callable[[bytes], bytes | None]
"""What to say to one line; None ends the connection."""


class Post:
    """`told`: what was said to it, one entry for each connection that came, in order."""

    def __init__(self, certificate: Path, answer: Answer = lambda _: b"") -> None:
        self._context = server_context(certificate)
        self._answer = answer
        self.told: list[bytearray] = []
        self.shown: list[bytes | None] = []
        """The certificates that clients showed, in DER."""
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._links: list[Link] = []
        self._threads = [threading.Thread(target=self._accept)]

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._threads[0].join(LIMIT)
        for link in self._links:
            link.fail("the test is over")
        for thread in self._threads[1:]:
            thread.join(LIMIT)

    def ask_for_certificates(self, authority: Path) -> None:
        """Ask those who come for one of their own, that this authority has signed."""
        self._context.load_verify_locations(authority)
        self._context.verify_mode = ssl.CERT_OPTIONAL

    @property
    def all(self) -> bytes:
        """All that it was ever told."""
        return b"".join(self.told)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                sock, _ = self._listener.accept()
                link, told = Link(sock, self._context, server_side=True), bytearray()
                self._links.append(link)
                self.told.append(told)
                self._threads.append(threading.Thread(target=self._serve, args=(link, told)))
                self._threads[-1].start()

    def _serve(self, link: Link, told: bytearray) -> None:
        try:
            link.handshake(LIMIT)
            self.shown.append(link.peer_certificate())
            answered = 0
            while True:
                data = link.receive() if link.wait(LIMIT) else b""
                if data is None:
                    break
                told += data
                while (end := told.find(b"\n", answered)) >= 0:
                    answer = self._answer(bytes(told[answered:end]).strip())
                    answered = end + 1
                    if answer is None:
                        link.close(LIMIT)
                        return
                    link.send(answer)
        except (LinkBroken, OSError):
            pass
        link.close()


def authority_lines(certificates: Iterable[x509.Certificate | bytes]) -> bytes:
    """The answer of our server to `CERT AUTHORITY`, with these certificates."""
    lines = []
    for certificate in certificates:
        der = certificate if isinstance(certificate, bytes) else certificate.public_bytes(Encoding.DER)
        lines += [f":test.example CERT AUTHORITY {piece}" for piece in pieces(der)]
    lines.append(":test.example CERT END AUTHORITY")
    return "".join(f"{line}\r\n" for line in lines).encode()
