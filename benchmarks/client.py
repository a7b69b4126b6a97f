"""A plain IRC client over TLS 1.3, without capabilities unless they are asked for.

It connects and registers in blocking steps, and is then read by whoever polls its socket. `SSLObject` over memory BIOs
takes all that the socket has with one system call, where `SSLSocket` needs two for each record.
"""

from __future__ import annotations

import socket
import ssl
from pathlib import Path

from case import CHANNEL, BenchmarkError

_RECORD = 16384
_SOCKET_BUFFER = 1 << 16
_TIMEOUT_S = 30.0
_NO_MOTD = b"422"


def tls_context(ca: Path) -> ssl.SSLContext:
    """TLS 1.3, and a server whose certificate `ca` has signed, as any careful client has it."""
    context = ssl.create_default_context(cafile=ca)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    return context


class Client:
    """One connection. Not for use by two threads.

    `unread` is what came after the line that `await_welcome` or `join` waited for.

    Raises:
        BenchmarkError: from every method, when the server refuses, closes or stops answering.
    """

    __slots__ = ("_incoming", "_outgoing", "_tls", "nick", "socket", "unread")

    def __init__(self, nick: str, address: tuple[str, int], context: ssl.SSLContext) -> None:
        self.nick = nick
        self.unread = b""
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=address[0])
        try:
            self.socket = socket.create_connection(address, timeout=_TIMEOUT_S)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._handshake()
        except OSError as error:
            raise BenchmarkError(f"{nick} could not connect: {error}") from error

    def _handshake(self) -> None:
        while True:
            try:
                self._tls.do_handshake()
            except ssl.SSLWantReadError:
                self._flush()
                self._fill()
            else:
                self._flush()
                return

    @property
    def cipher(self) -> str:
        """The cipher suite that was agreed on."""
        cipher = self._tls.cipher()
        return cipher[0] if cipher else "none"

    def introduce(self, caps: str = "") -> None:
        """Send NICK and USER, and before them the request for the capabilities `caps` (blanks between them)."""
        hello = b"NICK %b\r\nUSER bench 0 * :benchmark\r\n" % self.nick.encode()
        self.send(b"CAP REQ :%b\r\n%bCAP END\r\n" % (caps.encode(), hello) if caps else hello)
        if caps:
            self._expect(b" ACK ", b" NAK ")

    def await_welcome(self) -> None:
        """Wait for 001, the end of the registration."""
        self._expect(b" 001 ", b"ERROR ")

    def register(self) -> None:
        """Make an account of the nick's name, and have it from now on."""
        self.send(b"REGISTER * * a-password-for-the-benchmark\r\n")
        self._expect(b"REGISTER SUCCESS ", b"FAIL REGISTER ")

    def join(self) -> None:
        """Join the channel and wait for the end of its list of names."""
        self.send(b"JOIN %b\r\n" % CHANNEL)
        self._expect(b" 366 ", b"ERROR ")

    def _expect(self, wanted: bytes, refused: bytes) -> None:
        """Read up to a line with `wanted`. The lines before it are of no interest, but PING is answered."""
        while True:
            line, end, rest = self.unread.partition(b"\n")
            if not end:
                try:
                    self.unread += self.receive()
                except TimeoutError:
                    reason = f"{self.nick} waited {_TIMEOUT_S:g} s for{wanted.decode()}in vain"
                    raise BenchmarkError(reason) from None
                continue
            self.unread = rest
            if wanted in line:
                return
            if refused in line:
                raise BenchmarkError(f"the server refused {self.nick}: {line!r}")
            self.answer(line)

    def answer(self, line: bytes) -> None:
        """Answer a line that is not a message of the channel: PING with PONG; a refusal ends the benchmark."""
        words = line.split(maxsplit=2)
        command = words[1] if words and words[0].startswith(b":") and len(words) > 1 else words[0] if words else b""
        if command == b"PING":
            self.send(b"PONG" + line[line.index(b"PING") + 4 :].rstrip() + b"\r\n")
        elif command in (b"ERROR", b"FAIL") or (b"400" <= command <= b"599" and command != _NO_MOTD):
            raise BenchmarkError(f"the server refused {self.nick}: {line!r}")

    def send(self, data: bytes) -> None:
        """Send `data`. What is under way from one client is so little that the socket always takes it."""
        self._tls.write(data)
        self._flush()

    def _flush(self) -> None:
        data = self._outgoing.read()
        if data:
            try:
                sent = self.socket.send(data)
            except BlockingIOError:
                sent = 0
            except OSError as error:
                raise BenchmarkError(f"{self.nick} lost the connection: {error}") from error
            if sent < len(data):
                raise BenchmarkError(f"the server has stopped reading from {self.nick}")

    def _fill(self) -> None:
        data = self.socket.recv(_SOCKET_BUFFER)
        if not data:
            raise BenchmarkError(f"the server closed the connection of {self.nick}")
        self._incoming.write(data)

    def receive(self) -> bytes:
        """All that the socket has, decrypted; may be empty. Call it when the socket is readable, or to wait for that.

        Raises:
            TimeoutError: nothing came (only before the socket was made non-blocking).
        """
        tls, incoming = self._tls, self._incoming
        parts: list[bytes] = []
        try:
            self._fill()
            while incoming.pending or tls.pending():
                part = tls.read(_RECORD)
                if not part:
                    raise BenchmarkError(f"the server ended the connection of {self.nick}")
                parts.append(part)
        except ssl.SSLWantReadError:
            pass  # the rest of a record is still to come
        except (ssl.SSLError, ConnectionError) as error:
            raise BenchmarkError(f"{self.nick} lost the connection: {error}") from error
        if self._outgoing.pending:
            self._flush()
        return b"".join(parts)

    def close(self) -> None:
        """Leave without a farewell."""
        self.socket.close()
