"""Raw IRC over TLS: `Wire`, lines to and from a server, and `Chatter`, somebody who is logged in.

Each belongs to one thread, which blocks until what it waits for has come. An end that nobody expected is `Ended`.
"""

import base64
import socket
import ssl
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, Self, TypeVar

from securechat.irc.message import Message
from tests.e2e.servers import LIMIT, PASSWORD, Server

CAPABILITIES = (
    "account-tag",
    "batch",
    "echo-message",
    "extended-join",
    "labeled-response",
    "message-tags",
    "server-time",
    "standard-replies",
)
"""What a modern client asks for besides `sasl`."""


SocketType = TypeVar("SocketType", bound=socket.socket)


class Ended(Exception):  # noqa: N818  (it is what happened)
    """The server has closed the connection. `clean`: with a close_notify, so nothing is missing."""

    def __init__(self, clean: bool) -> None:
        super().__init__("the connection ended" if clean else "the connection was cut off")
        self.clean = clean


def dial(server: Server, *, host: str = "127.0.0.1", receive_buffer: int | None = None) -> socket.socket:
    """A TCP connection; `receive_buffer` in bytes makes it take little that is not read."""
    return _connected(_socket(host, receive_buffer), server, host)


def _socket(host: str, receive_buffer: int | None) -> socket.socket:
    sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    sock.settimeout(LIMIT)
    if receive_buffer is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    return sock


def _connected(sock: SocketType, server: Server, host: str) -> SocketType:
    try:
        sock.connect((host, server.port))
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except BaseException:
        sock.close()
        raise
    return sock


def trusting(server: Server, certificate: Path | None = None) -> ssl.SSLContext:
    """A context of Python's own making, and none of ours. `certificate`: what it shows, with the key (PEM)."""
    context = ssl.create_default_context(cafile=str(server.place.ca))
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    if certificate is not None:
        context.load_cert_chain(certificate)
    return context


class Wire:
    """A TLS connection to a server, in lines."""

    def __init__(
        self,
        server: Server,
        *,
        host: str = "127.0.0.1",
        receive_buffer: int | None = None,
        certificate: Path | None = None,
    ) -> None:
        # Wrapped before it is connected: `wrap_socket` leaves a connection open that was reset meanwhile.
        wrapped = trusting(server, certificate).wrap_socket(_socket(host, receive_buffer), server_hostname="localhost")
        self.sock = _connected(wrapped, server, host)
        self.server = server
        self.lines: list[str] = []
        """All that has come so far."""
        self._read = 0  # so many of them have been returned
        self._rest = b""
        self._ended = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Leave politely, so that the next test finds nobody here; unless it is over already, or has gone wrong."""
        try:
            if kind is None and not self._ended and self.sock.fileno() >= 0:
                self.quit()
        finally:
            self.sock.close()

    def send_bytes(self, data: bytes) -> None:
        try:
            self.sock.sendall(data)
        except (ssl.SSLEOFError, ConnectionError):  # which of them depends on the version of Python
            self._ended = True
            raise Ended(clean=False) from None

    def send(self, *lines: str) -> None:
        """Lines without their ends, as one write."""
        self.send_bytes("".join(f"{line}\r\n" for line in lines).encode())

    def line(self) -> str:
        """The next line, without its end."""
        while self._read == len(self.lines):
            self._receive()
        self._read += 1
        return self.lines[self._read - 1]

    def _receive(self) -> None:
        try:
            data = self.sock.recv(65536)
        except (ssl.SSLEOFError, ConnectionError):
            self._ended = True
            raise Ended(clean=False) from None
        if not data:
            self._ended = True
            raise Ended(clean=True)
        *lines, self._rest = (self._rest + data).split(b"\r\n")
        self.lines += [line.decode() for line in lines]

    def message(self) -> Message:
        """The next line, as a message."""
        return Message.parse(self.line())

    def expect(self, command: str, *params: str) -> Message:
        """The next message with this command and these first parameters; those before it are skipped."""
        start = self._read
        try:
            while True:
                message = self.message()
                if message.command == command and message.params[: len(params)] == list(params):
                    return message
        except (Ended, TimeoutError) as error:
            raise AssertionError(f"no {command} {params}, but {error!r} after {cut(self.lines[start:])}") from error

    def next_is(self, command: str, *params: str) -> Message:
        """The very next message, which must be this."""
        message = self.message()
        assert [message.command, *message.params[: len(params)]] == [command, *params], self.lines[self._read - 1]
        return message

    def sync(self) -> list[Message]:
        """Wait until the server has answered all that was sent so far; what came meanwhile."""
        token = f"sync-{len(self.lines)}"
        self.send(f"PING {token}")
        messages: list[Message] = []
        while True:
            message = self.message()
            if message.command == "PONG" and message.params[-1] == token:
                return messages
            messages.append(message)

    def to_end(self) -> list[Message]:
        """All that still comes, up to a clean end."""
        try:
            while True:
                self._receive()
        except Ended as ended:
            if not ended.clean:
                raise AssertionError(f"cut off after {cut(self.lines)}") from ended
        start, self._read = self._read, len(self.lines)
        return parsed(self.lines[start:])

    def until_cut_off(self) -> None:
        """Wait until the connection is gone, however it ends."""
        with suppress(Ended):
            while True:
                self.line()

    def quit(self) -> list[Message]:
        """Leave. The server says ERROR when everybody has been told; what came before that."""
        self.send("QUIT :bye")
        *messages, error = self.to_end()
        assert error.command == "ERROR"
        return messages


def login_lines(account: str, password: str, login: str | None = None) -> list[str]:
    """SASL PLAIN (RFC 4616), in the hope that it is granted."""
    credentials = f"\0{login or account}\0{password}".encode()
    return ["CAP REQ :sasl", "AUTHENTICATE PLAIN", f"AUTHENTICATE {base64.b64encode(credentials).decode()}"]


class Chatter(Wire):
    """Somebody on the chat.

    `password`: None comes as a guest. `first`: lines to send before anything else. All of the registration is one
    write; the server has to take that.
    """

    def __init__(
        self,
        server: Server,
        nick: str,
        *,
        password: str | None = PASSWORD,
        capabilities: Iterable[str] = CAPABILITIES,
        join: str | None = None,
        first: Iterable[str] = (),
        host: str = "127.0.0.1",
        receive_buffer: int | None = None,
        device: str = "",
        certificate: Path | None = None,
    ) -> None:
        super().__init__(server, host=host, receive_buffer=receive_buffer, certificate=certificate)
        try:
            login = [] if password is None else login_lines(nick, password, f"{nick}@{device}" if device else None)
            wanted = " ".join(capabilities)
            caps = [f"CAP REQ :{wanted}"] if wanted else []
            self.send("CAP LS 302", *first, f"NICK {nick}", f"USER {nick} 0 * :{nick}", *caps, *login, "CAP END")
            self.nick = self.expect("001").params[0]
            self.welcome = [self.lines[-1], *(message.serialise() for message in self.sync())]
            if join is not None:
                self.join(join)
        except BaseException:
            self.sock.close()
            raise

    def join(self, channel: str) -> None:
        """Go into a channel, and wait until one is in it (another session of the same account may have been before)."""
        self.send(f"JOIN {channel}")
        self.sync()

    def say(self, target: str, text: str) -> Message:
        """Say something, and wait for the echo."""
        self.send(f"PRIVMSG {target} :{text}")
        return self.expect("PRIVMSG", target, text)


def cut(lines: list[str]) -> list[str]:
    """What of these lines can be shown to people."""
    return [line[:200] for line in lines[-10:]]


def nick_of(message: Message) -> str:
    """Who a message is from."""
    return (message.source or "").partition("!")[0]


def parsed(lines: Iterable[str]) -> list[Message]:
    """Lines as messages."""
    return [Message.parse(line) for line in lines]


def texts(messages: Iterable[Message]) -> list[str]:
    """What was said in these messages."""
    return [message.params[1] for message in messages if message.command == "PRIVMSG"]


@contextmanager
def crowd(server: Server, nicks: Iterable[str], join: str, **options: Any) -> Iterator[list[Chatter]]:
    """Several people in one channel; all of them know of each other, and nothing is left unread."""
    with ExitStack() as stack:
        people = [stack.enter_context(Chatter(server, nick, join=join, **options)) for nick in nicks]
        for chatter in people:
            chatter.sync()
        yield people
