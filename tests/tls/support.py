"""What the tests of the link stand on: certificates, wires, a peer of its own making, and threads that fail loudly.

Whatever waits here gives up after :data:`LIMIT` seconds with a failure. The limit is far above what any step needs, so
that no test depends on how fast the machine is.
"""

import contextlib
import datetime
import functools
import socket
import ssl
import struct
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, ParamSpec, TypeVar

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from securechat.tls.link import Link, LinkBroken

LIMIT = 20.0

P = ParamSpec("P")
T = TypeVar("T")
Wire = Callable[..., tuple[socket.socket, socket.socket]]


# -- certificates and contexts ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Identity:
    """One certificate that signed itself, for ``localhost``, good for either side."""

    pem: bytes  # the key, then the certificate
    certificate: bytes  # DER

    def load_into(self, context: ssl.SSLContext) -> None:
        with tempfile.TemporaryDirectory() as directory:
            path = Path(directory) / "identity.pem"
            path.touch(0o600)
            path.write_bytes(self.pem)
            context.load_cert_chain(path)


@functools.cache
def identity() -> Identity:
    """Made once for all tests: a key costs little, but not nothing."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "securechat tests")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return Identity(private + certificate.public_bytes(Encoding.PEM), certificate.public_bytes(Encoding.DER))


def make_context(server_side: bool, *, mutual: bool = False) -> ssl.SSLContext:
    """A context for TLS 1.3 only; ``mutual``: the server wants a client certificate, and the client has one."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER if server_side else ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    if server_side:
        context.num_tickets = 0
    if server_side or mutual:
        identity().load_into(context)
    if mutual:
        context.verify_mode = ssl.CERT_REQUIRED
    if mutual or not server_side:
        context.load_verify_locations(cadata=identity().certificate)
    return context


def make_link(sock: socket.socket, server_side: bool, **options: Any) -> Link:
    options.setdefault("server_hostname", None if server_side else "localhost")
    context = options.pop("context", None) or make_context(server_side)
    return Link(sock, context, server_side=server_side, **options)


# -- wires ------------------------------------------------------------------------------------------------------------


def over_socketpair(buffer: int | None = None) -> tuple[socket.socket, socket.socket]:
    """Two connected Unix sockets; ``buffer``: the size asked for in each direction, in bytes."""
    pair = socket.socketpair()
    for sock in pair:
        _shrink(sock, buffer)
    return pair


def over_tcp(buffer: int | None = None) -> tuple[socket.socket, socket.socket]:
    """The two ends of a TCP connection on loopback."""
    with socket.socket() as listener, contextlib.ExitStack() as stack:
        _shrink(listener, buffer)  # inherited, and needed before the connection agrees on its window
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        near = stack.enter_context(socket.socket())
        _shrink(near, buffer)
        near.settimeout(LIMIT)
        near.connect(listener.getsockname())
        near.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        far, _ = listener.accept()
        stack.pop_all()
        return far, near


def _shrink(sock: socket.socket, buffer: int | None) -> None:
    if buffer is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, buffer)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)


each_wire = pytest.mark.parametrize("wire", [over_socketpair, over_tcp], ids=["socketpair", "tcp"])
each_role = pytest.mark.parametrize("server_side", [True, False], ids=["server", "client"])
SMALL = 4096  # a buffer that a few lines fill


def often_switching(test: Callable[P, None]) -> Callable[P, None]:
    """Let the interpreter change threads at every chance, so that rare interleavings are not rare."""

    @functools.wraps(test)
    def switching(*arguments: P.args, **named: P.kwargs) -> None:
        interval = sys.getswitchinterval()
        sys.setswitchinterval(1e-6)
        try:
            test(*arguments, **named)
        finally:
            sys.setswitchinterval(interval)

    return switching


class Miser(socket.socket):
    """A socket that takes at most five bytes at a time, so that nothing goes out whole."""

    def send(self, data: Any, flags: int = 0, /) -> int:
        return super().send(data[:5], flags)


def with_a_miser(wire: Wire) -> Wire:
    """The same wire, with a miser at the link's end."""

    def miserly(buffer: int | None = None) -> tuple[socket.socket, socket.socket]:
        ours, theirs = wire(buffer)
        return Miser(fileno=ours.detach()), theirs

    return miserly


# -- the other end ----------------------------------------------------------------------------------------------------


class Peer:
    """The other end of a link, in one blocking thread, and shown its own ciphertext so that it can cut it up."""

    def __init__(self, sock: socket.socket, server_side: bool, context: ssl.SSLContext | None = None) -> None:
        sock.settimeout(LIMIT)
        self.sock = sock
        self.incoming = ssl.MemoryBIO()
        self.outgoing = ssl.MemoryBIO()
        context = context or make_context(server_side)
        self.tls = context.wrap_bio(
            self.incoming, self.outgoing, server_side, server_hostname=None if server_side else "localhost"
        )

    def handshake(self, *, keep_last: bool = False) -> bytes:
        """Run the handshake; with ``keep_last`` the last ciphertext is returned instead of sent."""
        while not self.step():
            self.sock.sendall(self.outgoing.read())
            self.more()
        last = self.outgoing.read()
        if keep_last:
            return last
        self.sock.sendall(last)
        return b""

    def step(self) -> bool:
        """Go on with the handshake as far as what has arrived allows; whether it is done."""
        try:
            self.tls.do_handshake()
        except ssl.SSLWantReadError:
            return False
        except ssl.SSLError:
            self.sock.sendall(self.outgoing.read())  # the alert
            raise
        return True

    def more(self) -> None:
        """Wait for ciphertext."""
        data = self.sock.recv(65536)
        if not data:
            raise EOFError("the link hung up without a close_notify")
        self.incoming.write(data)

    def encrypt(self, data: bytes) -> bytes:
        self.tls.write(data)
        return self.outgoing.read()

    def send(self, data: bytes) -> None:
        self.sock.sendall(self.encrypt(data))

    def read(self, size: int = 65536) -> bytes:
        """Some plaintext, ``b""`` after a close_notify; raises ``EOFError`` at an end without one."""
        while True:
            try:
                return self.tls.read(size)
            except ssl.SSLWantReadError:
                if self.outgoing.pending:
                    self.sock.sendall(self.outgoing.read())
                self.more()
            except ssl.SSLZeroReturnError:
                return b""

    def read_exactly(self, size: int) -> bytes:
        data = bytearray()
        while len(data) < size:
            piece = self.read(min(size - len(data), 65536))
            assert piece, f"the link ended after {len(data)} of {size} bytes"
            data += piece
        return bytes(data)

    def read_to_end(self) -> bytes:
        """All up to the close_notify, then the end of the stream, which must not be a reset."""
        data = b"".join(iter(self.read, b""))
        assert self.sock.recv(1) == b"", "something came after the close_notify"
        return data

    def farewell(self) -> bytes:
        """The ciphertext of a close_notify."""
        with contextlib.suppress(ssl.SSLError):
            self.tls.unwrap()
        return self.outgoing.read()

    def reset(self) -> None:
        """Vanish. TCP sends a reset; a Unix socket does so if it has something unread."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()


@contextlib.contextmanager
def link_and_peer(
    wire: Wire, server_side: bool = True, *, buffer: int | None = None, **options: Any
) -> Iterator[tuple[Link, Peer]]:
    """A link in the given role and its peer, with their handshake done."""
    ours, theirs = wire(buffer)
    link = make_link(ours, server_side, **options)
    peer = Peer(theirs, not server_side)
    try:
        handshaking = Worker(link.handshake, LIMIT)
        peer.handshake()
        handshaking.result()
        yield link, peer
    finally:
        link.close()
        peer.sock.close()


@contextlib.contextmanager
def two_links(wire: Wire, *, buffer: int | None = None, **options: Any) -> Iterator[tuple[Link, Link]]:
    """A server's link and a client's over one wire, with their handshake done."""
    ours, theirs = wire(buffer)
    server, client = make_link(ours, True, **options), make_link(theirs, False, **options)
    try:
        handshaking = Worker(server.handshake, LIMIT)
        client.handshake(LIMIT)
        handshaking.result()
        yield server, client
    finally:
        server.close()
        client.close()


# -- the owner of a link ----------------------------------------------------------------------------------------------


def read_exactly(link: Link, size: int) -> bytes:
    """Be the owner until ``size`` bytes have come, and no more than that."""
    data = bytearray()
    deadline = time.monotonic() + LIMIT
    while len(data) < size:
        assert time.monotonic() < deadline, f"only {len(data)} of {size} bytes came"
        if link.wait(LIMIT):
            piece = link.receive()
            assert piece is not None, f"the peer ended after {len(data)} of {size} bytes"
            data += piece
    assert len(data) == size
    return bytes(data)


def read_to_end(link: Link) -> bytes:
    """Be the owner until the peer has said all."""
    data = bytearray()
    deadline = time.monotonic() + LIMIT
    while time.monotonic() < deadline:
        if link.wait(LIMIT):
            piece = link.receive()
            if piece is None:
                return bytes(data)
            data += piece
    pytest.fail("the peer's end was not seen")


class Owner:
    """A thread that owns a link as a session does, until it is told to stop, the peer ends, or the link breaks."""

    def __init__(self, link: Link, *, read: bool = True) -> None:
        self.link = link
        self.received = bytearray()
        self.waits = 0  # how often it was woken
        self.broken: str | None = None
        self._read = read
        self._over = False
        self._changed = threading.Condition()  # guards what is above; nothing is taken inside it
        self._stop = threading.Event()
        self._worker = Worker(self._run)

    def _run(self) -> int:
        try:
            while not self._stop.is_set():
                ready = self.link.wait(None, read=self._read)
                data = self.link.receive() if ready else b""
                with self._changed:
                    self.waits += 1
                    if data is None:
                        break
                    self.received += data
                    self._changed.notify_all()
        except LinkBroken as error:
            self.broken = str(error)
        finally:
            with self._changed:
                self._over = True
                self._changed.notify_all()
        return threading.get_ident()

    def expect(self, size: int) -> bytes:
        """Wait for ``size`` bytes; everything that has come until then."""
        with self._changed:
            assert self._changed.wait_for(lambda: self._over or len(self.received) >= size, LIMIT), (
                f"only {len(self.received)} of {size} bytes came"
            )
            assert len(self.received) >= size, f"only {len(self.received)} of {size} bytes came, then {self.broken}"
            return bytes(self.received)

    def stop(self) -> int:
        """Tell it to stop; the identity of its thread."""
        self._stop.set()
        self.link.wake()
        return self._worker.result()

    def finish(self) -> int:
        """Wait until the link ends by itself; the identity of its thread."""
        return self._worker.result()


class Worker(Generic[T]):
    """A thread with a result; what it raises is raised by :meth:`result`, and so is that it hangs."""

    def __init__(self, function: Callable[..., T], *arguments: Any) -> None:
        self._error: BaseException | None = None
        self._values: list[T] = []
        self._thread = threading.Thread(target=self._run, args=(function, arguments), daemon=True)
        self._thread.start()

    def _run(self, function: Callable[..., T], arguments: tuple[Any, ...]) -> None:
        try:
            self._values.append(function(*arguments))
        except BaseException as error:
            self._error = error

    def has_ended(self, patience: float) -> bool:
        self._thread.join(patience)
        return not self._thread.is_alive()

    def result(self) -> T:
        self._thread.join(LIMIT)
        if self._thread.is_alive():
            pytest.fail("a thread hangs")
        if self._error is not None:
            raise self._error
        return self._values[0]
