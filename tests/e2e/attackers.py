"""What an attacker on the network has: servers that are not the one, and wires on which bytes are read and changed."""

import contextlib
import select
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from securechat.pki import Authority
from securechat.pki.authority import key_usage
from tests.e2e.relay import Relay
from tests.e2e.servers import LIMIT
from tests.pki.papers import SERVER, Paper

Answer = Callable[[str], list[str]]
"""What to say to one line, in lines."""

ALERT: Final = 21
HANDSHAKE: Final = 22
CIPHERTEXT: Final = 23
"""Types of TLS records (RFC 8446 section 5.1). In TLS 1.3 the last is whatever is encrypted."""


class Tap(Relay):
    """A network that keeps every byte, and can lead somewhere else. ``raw``: all that was sent, both ways."""

    def __init__(self, server_port: int) -> None:
        self.raw = bytearray()
        self.sent: list[bytearray] = []
        """What each client has sent, one after the other."""
        self._guard = threading.Lock()  # of these
        super().__init__(server_port)

    def lead_to(self, port: int) -> None:
        """Whoever connects from now on comes out there."""
        self._server_port = port

    def _hand_on(self, source: socket.socket, sink: socket.socket, back: bool) -> None:
        if back:
            super()._hand_on(_Heard(source, self.raw), sink, back)  # type: ignore[arg-type]
            return
        sent = bytearray()
        with self._guard:
            self.sent.append(sent)
        super()._hand_on(_Heard(source, self.raw, sent), sink, back)  # type: ignore[arg-type]


class _Heard:
    """One end of a wire: what is read from it is kept."""

    def __init__(self, source: socket.socket, *kept: bytearray) -> None:
        self._source = source
        self._kept = kept

    def recv(self, size: int) -> bytes:
        data = self._source.recv(size)
        for kept in self._kept:
            kept += data
        return data


class Tamperer(Relay):
    """A network that changes one byte: what ``change`` makes of a record.

    ``change(back, number, record)``: back: whether it comes from the server; number: how many came before it, that way
    and over this connection; the record with its header of 5 bytes, to be changed in its place. True: that was it, and
    no record is changed any more.
    """

    def __init__(self, server_port: int, change: Callable[[bool, int, bytearray], bool] | None = None) -> None:
        self.change = change
        self._guard = threading.Lock()  # of that
        self.changed = threading.Event()
        super().__init__(server_port)

    def _hand_on(self, source: socket.socket, sink: socket.socket, back: bool) -> None:
        rest, number = bytearray(), 0
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                rest += data
                while len(rest) >= 5 and len(rest) >= (size := 5 + int.from_bytes(rest[3:5], "big")):
                    record, rest = rest[:size], rest[size:]
                    with self._guard:
                        if self.change is not None and self.change(back, number, record):
                            self.change = None
                            self.changed.set()
                    number += 1
                    sink.sendall(record)
        with contextlib.suppress(OSError):
            sink.shutdown(socket.SHUT_WR)


def showing(certificate: Path, *, newest: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3) -> ssl.SSLContext:
    """A context for an `Impostor`, of Python's own making. ``certificate``: PEM, with its key and chain."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.maximum_version = newest
    context.load_cert_chain(certificate)
    return context


class Impostor:
    """A server that is not the one, and says what its clients want to hear; or, with ``upstream``, hands everything on
    to the real one at that port, which it does not verify. ``heard``: all that it could read of what clients said, one
    entry for each that spoke TLS with it."""

    def __init__(self, context: ssl.SSLContext, answer: Answer | None = None, *, upstream: int = 0) -> None:
        self._context = context
        self._answer = answer or (lambda _: [])
        self._upstream = upstream
        self.heard: list[bytearray] = []
        self._changed = threading.Condition()  # told when something was heard
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    @property
    def all(self) -> bytes:
        """All that it has read."""
        return b"".join(self.heard)

    def wait_for(self, words: bytes) -> None:
        """Wait until it has heard this."""
        with self._changed:
            assert self._changed.wait_for(lambda: words in self.all, LIMIT), self.all

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(LIMIT)

    def _hear(self, heard: bytearray, data: bytes) -> None:
        with self._changed:
            heard += data
            self._changed.notify_all()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                sock, _ = self._listener.accept()
                sock.settimeout(LIMIT)
                self._threads.append(threading.Thread(target=self._serve, args=(sock,)))
                self._threads[-1].start()

    def _serve(self, sock: socket.socket) -> None:
        with sock, contextlib.suppress(OSError), self._context.wrap_socket(sock, server_side=True) as client:
            heard = bytearray()
            self.heard.append(heard)
            if self._upstream:
                self._be_between(client, heard)
            else:
                self._talk(client, heard)

    def _talk(self, client: ssl.SSLSocket, heard: bytearray) -> None:
        answered = 0
        while data := client.recv(65536):
            self._hear(heard, data)
            while (end := heard.find(b"\n", answered)) >= 0:
                line = bytes(heard[answered:end]).strip().decode()
                answered = end + 1
                client.sendall("".join(f"{said}\r\n" for said in self._answer(line)).encode())

    def _be_between(self, client: ssl.SSLSocket, heard: bytearray) -> None:
        blind = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        blind.check_hostname = False
        blind.verify_mode = ssl.CERT_NONE
        with (
            socket.create_connection(("127.0.0.1", self._upstream), LIMIT) as sock,
            blind.wrap_socket(sock, server_hostname="localhost") as server,
        ):
            while True:
                ready, _, _ = select.select([client, server], [], [], LIMIT)
                for one in ready:
                    data = one.recv(65536)
                    if one is client:
                        self._hear(heard, data)
                    if not data:
                        return
                    (server if one is client else client).sendall(data)


def forged(
    by: Authority | Paper | None,
    *,
    host: str = "localhost",
    common: str = "localhost",
    usage: x509.ObjectIdentifier = SERVER,
    ca: bool = False,
    issuer: x509.Name | None = None,
    begin: timedelta = timedelta(hours=-1),
    end: timedelta = timedelta(days=1),
) -> Paper:
    """A certificate that keeps to RFC 5280 to the letter, so that nothing is wrong with it but what is meant to be.

    ``by``: None signs itself. ``begin`` and ``end``: from now. ``issuer``: who is said to have signed it.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    signer = key if by is None else by.key
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])
    now = datetime.now(UTC).replace(microsecond=0)
    own = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    their = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key())
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer or (name if by is None else by.certificate.subject))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + begin)
        .not_valid_after(now + end)
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .add_extension(key_usage(authority=ca), critical=True)
        .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .add_extension(own, critical=False)
        .add_extension(their, critical=False)
    )
    return Paper(builder.sign(signer, hashes.SHA256()), key)


@contextlib.contextmanager
def tap(port: int) -> Iterator[Tap]:
    one = Tap(port)
    try:
        yield one
    finally:
        one.close()


@contextlib.contextmanager
def tamperer(port: int, change: Callable[[bool, int, bytearray], bool] | None = None) -> Iterator[Tamperer]:
    one = Tamperer(port, change)
    try:
        yield one
    finally:
        one.close()


@contextlib.contextmanager
def impostor(context: ssl.SSLContext, answer: Answer | None = None, *, upstream: int = 0) -> Iterator[Impostor]:
    one = Impostor(context, answer, upstream=upstream)
    try:
        yield one
    finally:
        one.close()
