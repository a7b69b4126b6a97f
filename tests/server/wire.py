"""A server in this process, and clients that speak raw IRC to it over TLS.

A client belongs to one thread and blocks until what it waits for has come. It synchronises as clients do: what the
server answers before the PONG to a PING is the answer to what was sent before the PING.
"""

import base64
import logging
import socket
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from securechat.chat.machine import Applied, Chat
from securechat.chat.model import Role
from securechat.chat.requests import AddAccount, EnableAccount, Request
from securechat.irc.message import Message
from securechat.irc.split import pack_words
from securechat.pki import Authority, Purpose, account_file_name
from securechat.server.config import (
    AccountsConfig,
    AdminConfig,
    ClientCert,
    Config,
    HistoryConfig,
    Limits,
    OperatorConfig,
    SearchConfig,
    ServerConfig,
    TLSConfig,
)
from securechat.server.log import EventLog
from securechat.server.reload import Loaded, read_certificates
from securechat.server.server import Server, bind
from securechat.store.datadir import DataDir
from securechat.store.passwords import Hasher, Parameters
from securechat.tls.contexts import client_context

LIMIT = 20.0
"""Seconds after which whatever waits here gives up: far more than anything needs."""

NAME = "irc.example.org"
PASSWORD = "correct horse"
ACCOUNTS = ("alice", "Bob", "carol", "dave")
"""All with PASSWORD; so have ``boss``, an administrator, and ``gone``, which is disabled."""

_hasher = Hasher(Parameters(memory=8, passes=1))


class House:
    """A server that runs, and the `context` with which clients trust it. `loaded`: what it finds when it reads its
    configuration again; an exception is raised. `certs`: the directory of its certificates and authorities;
    `read_again`: they are read, then, too."""

    def __init__(self, server: Server, certs: Path, home: Path, loaded: Loaded) -> None:
        self.loaded: Loaded | Exception = loaded
        self.server = server
        self.certs = certs
        self.read_again = False
        self._home = home
        self.faults: list[str] = []
        self.events: list[tuple[str, dict[str, Any]]] = []
        self.hub = server.hub
        self.housekeeping = server.housekeeping
        self.port = server.listeners[0].port
        self.context = client_context(certs / "ca.pem")
        self._journal = server.hub.journal
        self._stack = ExitStack()
        self._guests = 0

    def guest_name(self) -> str:
        """A nick that nobody has had here."""
        self._guests += 1
        return f"guest{self._guests}"

    def do(self, *requests: Request) -> None:
        """What the operator or the server itself wants; all of it must be accepted."""
        outcomes, _ = self._journal.ask(requests)
        assert all(isinstance(outcome, Applied) for outcome in outcomes)

    def ask(self, question: Callable[[Chat], Any]) -> None:
        """Have this called with the journal's turn."""
        self._journal.ask((), question)

    def add_account(self, name: str, password: str = PASSWORD, role: Role = Role.MEMBER) -> None:
        """The hash is real Argon2id with the least parameters: most tests log in, and the usual ones take 50 ms."""
        self.do(AddAccount(name, _hasher.hash(password), role))

    def client_certificate(self, account: str) -> Path:
        """A new certificate that the server's authority of clients made out to an account."""
        authority = Authority.load(self.certs, Purpose.CLIENTS, now=datetime.now(UTC))
        path = self._home / account_file_name(account)
        authority.issue_client(account, now=datetime.now(UTC)).save(path)
        return path

    def enter(self, client: "Client") -> "Client":
        """Have a client leave at the end of the test."""
        return self._stack.enter_context(client)

    def logged(self, event: str) -> list[dict[str, Any]]:
        """The fields of each such event so far."""
        return [fields for told, fields in self.events if told == event]

    def read(self) -> Loaded:
        """As a server reads its configuration again."""
        if isinstance(self.loaded, Exception):
            raise self.loaded
        return read_certificates(self.loaded.config) if self.read_again else self.loaded

    def everybody_out(self) -> None:
        self._stack.close()


class _Faults(logging.Handler):
    """Keeps what the server logs as an error: each is a defect."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.seen: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.seen.append(f"{record.getMessage()} {getattr(record, 'fields', '')}")


class _Told(logging.Handler):
    """Keeps all that the server logs: each event with its fields."""

    def __init__(self) -> None:
        super().__init__()
        self.events: list[tuple[str, dict[str, Any]]] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.events.append((record.getMessage(), getattr(record, "fields", {})))


@contextmanager
def running(
    certs: Path,
    home: Path,
    *,
    guests: bool = True,
    limits: Limits | None = None,
    password: str | None = None,
    motd: tuple[str, ...] = (),
    admin: AdminConfig | None = None,
    operators: Mapping[str, OperatorConfig] | None = None,
    registration: bool = False,
    scram: bool = False,
    search: bool = True,
    history: HistoryConfig | None = None,
    client_cert: ClientCert = "optional",
    again: bool = False,
) -> Iterator[House]:
    """A server with ACCOUNTS on any free port; whatever it logs as an error fails the test.

    `again`: it has run in the same place before.
    """
    config = Config(
        server=ServerConfig(name=NAME, network="ExampleNet", password=password, motd=motd),
        accounts=AccountsConfig(guests=guests, registration=registration, scram=scram),
        search=SearchConfig(enabled=search),
        history=history or HistoryConfig(),
        limits=limits or Limits(throttle=False),
        admin=admin or AdminConfig(),
        operators=operators or {},
        tls=TLSConfig(cert=certs / "server.pem", client_cert=client_cert),
    )
    faults = _Faults()
    logger = logging.Logger("tests.server")
    logger.addHandler(faults)
    told = _Told()
    logger.addHandler(told)
    data = DataDir(home / "data")
    sockets = bind(("127.0.0.1",), 0)
    loaded = read_certificates(config)
    with (
        data.lock(),
        Server(loaded, data, sockets, EventLog(logger), read=lambda: house.read()) as server,
    ):
        house = House(server, certs, home, loaded)
        house.faults = faults.seen
        house.events = told.events
        if not again:
            for name in (*ACCOUNTS, "gone"):
                house.add_account(name)
            house.add_account("boss", role=Role.ADMIN)
            house.do(EnableAccount("gone", False))
        try:
            yield house
        finally:
            house.everybody_out()
    assert faults.seen == []


class Client:
    """One connection. `lines` has all that has come so far. `certificate`: the PEM file of what it shows, with key."""

    def __init__(self, house: House, certificate: Path | None = None, address: str = "127.0.0.1") -> None:
        self.house = house
        self.nick = "*"
        self.lines: list[str] = []
        self._next = 0  # the first of them that has not been looked at
        self._rest = b""
        self._tokens = 0
        raw = socket.create_connection(("127.0.0.1", house.port), LIMIT, (address, 0))
        try:
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            context = house.context
            if certificate is not None:
                context = client_context(house.certs / "ca.pem")
                context.load_cert_chain(certificate)  # whatever is wrong with it
            self._sock = context.wrap_socket(raw, server_hostname="localhost")
        except BaseException:
            raw.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Leave so that nobody is left when this returns, whatever the test has done."""
        try:
            self._sock.sendall(b"QUIT\r\n")
            while self._sock.recv(65536):
                pass
        except OSError:
            pass
        finally:
            self._sock.close()

    def send(self, *lines: str) -> None:
        """Lines without their ends, as one write."""
        self.send_bytes("".join(f"{line}\r\n" for line in lines).encode())

    def send_bytes(self, data: bytes) -> None:
        self._sock.sendall(data)

    def line(self) -> str:
        """The next line, without its end. Every line that the server sends ends in CR LF and fits the protocol."""
        while self._next == len(self.lines):
            assert self._receive(), f"the connection ended after {self.lines[-5:]}"
        line = self.lines[self._next]
        self._next += 1
        return line

    def _receive(self) -> bool:
        data = self._sock.recv(65536)
        *lines, self._rest = (self._rest + data).split(b"\r\n")
        for line in lines:
            assert b"\r" not in line, line
            assert b"\n" not in line, line
            body = line.partition(b" ")[2] if line.startswith(b"@") else line
            assert len(body) <= 510, line
            self.lines.append(line.decode())
        return bool(data)

    def message(self) -> Message:
        """The next line, as a message."""
        return Message.parse(self.line())

    def expect(self, command: str, *params: str) -> Message:
        """The next message with this command and these first parameters; those before it are skipped."""
        while True:
            message = self.message()
            if message.command == command and message.params[: len(params)] == list(params):
                return message

    def sync(self) -> list[Message]:
        """What comes before the answer to a PING that is sent now."""
        self._tokens += 1
        token = f"sync-{self._tokens}"
        self.send(f"PING {token}")
        messages: list[Message] = []
        while True:
            message = self.message()
            if message.command == "PONG" and message.params[-1] == token:
                return messages
            messages.append(message)

    def ask(self, *lines: str) -> list[Message]:
        """Send lines; all that comes until they are answered."""
        self.send(*lines)
        return self.sync()

    def asked(self, *lines: str) -> list[str]:
        """As `ask`, with each message written anew: see `shown`."""
        return [shown(message) for message in self.ask(*lines)]

    def to_end(self) -> list[Message]:
        """All that still comes until the server closes the connection, properly (with a close_notify)."""
        while self._receive():
            pass
        rest = self.lines[self._next :]
        self._next = len(self.lines)
        return [Message.parse(line) for line in rest]

    def hang_up(self) -> None:
        """End the connection in TLS without a word in IRC."""
        self._sock.unwrap()

    def register(self, nick: str | None = None, caps: Iterable[str] = (), account: str | None = None) -> Self:
        """Get on the chat: as a guest, or logged in. Nothing of it is left unread."""
        nick = nick or account or self.house.guest_name()
        self.send("CAP LS 302", f"NICK {nick}", f"USER {nick[:20]} 0 * :{nick} the tester", *cap_req(caps))
        if account is not None:
            self.send("CAP REQ :sasl", "AUTHENTICATE PLAIN", f"AUTHENTICATE {plain(account)}")
        self.send("CAP END")
        self.nick = self.expect("001").params[0]
        self.sync()
        return self

    def join(self, *channels: str) -> Self:
        """Go into channels, if one is not in them; nothing of the answers is left unread."""
        answers = self.ask(*(f"JOIN {channel}" for channel in channels))
        assert not [message for message in answers if message.command.startswith("4")]
        return self


def cap_req(caps: Iterable[str]) -> list[str]:
    """CAP REQ for all of these, in as many lines as that takes."""
    return [f"CAP REQ :{' '.join(some)}" for some in pack_words(caps, 400)]


def plain(authcid: str, password: str = PASSWORD, authzid: str = "") -> str:
    """A response of SASL PLAIN (RFC 4616) in Base64, of less than 400 characters."""
    return base64.b64encode("\0".join((authzid, authcid, password)).encode()).decode()


def shown(message: Message) -> str:
    """A message without tags, its source cut to the nick: ``alice PRIVMSG #a :hello``; the server's has no source."""
    nick = (message.source or "").partition("!")[0]
    *words, last = [message.command, *message.params]
    line = " ".join([*words, f":{last}"]) if message.params else last
    return line if nick in ("", NAME) else f"{nick} {line}"


def commands(messages: Iterable[Message]) -> list[str]:
    """Only the commands and numerics."""
    return [message.command for message in messages]


def params(messages: Iterable[Message], command: str) -> list[list[str]]:
    """The parameters of the messages with this command or numeric."""
    return [message.params for message in messages if message.command == command]


def one(messages: Iterable[Message], command: str) -> Message:
    """The message with this command or numeric, of which there must be one."""
    found = [message for message in messages if message.command == command]
    assert len(found) == 1, found
    return found[0]


class Opener:
    """What tests get as `opened`: clients of one server, on the chat, that leave when the test is over."""

    def __init__(self, house: House) -> None:
        self.house = house

    def __call__(
        self,
        nick: str | None = None,
        *caps: str,
        account: str | None = None,
        join: str = "",
        certificate: Path | None = None,
    ) -> Client:
        client = self.stranger(certificate).register(nick, caps, account)
        return client.join(*join.split(",")) if join else client

    def stranger(self, certificate: Path | None = None) -> Client:
        """One that has not said a word."""
        return self.house.enter(Client(self.house, certificate))

    def pair(self, channel: str, *caps: str, **options: Any) -> tuple[Client, Client]:
        """Two in a channel that know of each other, the first its operator; only the second has the capabilities."""
        first = self(join=channel)
        second = self(None, *caps, join=channel, **options)
        first.sync()
        return first, second
