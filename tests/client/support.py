"""A small IRC server over real TLS for the client to talk to: accounts, channels, labels, and rules that tests set.

It knows what the client needs and no more. `rules` replace what it does with a command: a rule gets the session and the
message, and gives the lines of the answer, no line at all to say nothing, or None for the usual.
"""

import contextlib
import hashlib
import queue
import socket
import ssl
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Self, TypeVar

from securechat.client.events import Event
from securechat.irc.caps import Negotiation
from securechat.irc.errors import ProtocolError, SaslError
from securechat.irc.lines import MAX_TAGS_FROM_CLIENT, LineBuffer
from securechat.irc.message import Message
from securechat.irc.multiline import CONCAT_TAG, joined, logical
from securechat.irc.names import casefold
from securechat.irc.sasl import (
    Credentials,
    ExternalCredentials,
    Mechanism,
    Plain,
    PlainCredentials,
    SaslServer,
)
from securechat.irc.tags import format_tags
from securechat.tls.contexts import server_context
from securechat.tls.link import Link, LinkBroken
from tests.client.offers import PLAIN

LIMIT = 20.0
"""Seconds after which a test that waits gives up: far more than anything needs."""

PASSWORD = "correct horse"

E = TypeVar("E", bound=Event)
Rule = Callable[["Session", Message], "list[str] | None"]

OLD = {"sasl": "PLAIN"}
"""The capabilities of a server that has nothing but a login."""


class Session:
    """One connection, as the server sees it. Its thread owns the link."""

    def __init__(self, peer: "Peer", sock: socket.socket) -> None:
        self.peer = peer
        self.nick = "*"
        self.user = ""
        self.registered = False
        self.account: str | None = None
        self.caps = Negotiation(peer.offers)
        self.sasl = SaslServer(peer.mechanisms)
        self.error: BaseException | None = None
        self.opening = Message("BATCH", [])
        self.lines: list[Message] = []
        self._stop = False
        self._polite = True
        self._link = Link(sock, peer.context, server_side=True)
        self.thread = threading.Thread(target=self._run, daemon=True)

    @property
    def source(self) -> str:
        return f"{self.nick}!{self.user}@client.example"

    @property
    def fingerprint(self) -> str:
        """Of the certificate that the client shows: SHA-256, empty for none."""
        der = self._link.peer_certificate()
        return hashlib.sha256(der).hexdigest() if der else ""

    @property
    def gone(self) -> bool:
        return self._stop

    def send(self, *lines: str) -> None:
        """Lines as they are; for any thread."""
        self._link.send("".join(line + "\r\n" for line in lines).encode())

    def send_bytes(self, data: bytes) -> None:
        self._link.send(data)

    def drop(self) -> None:
        """End the connection without a word."""
        self._stop = True
        self._polite = False
        self._link.wake()

    def quit(self) -> None:
        """End the connection when what was sent is written."""
        self._stop = True
        self._link.wake()

    def _run(self) -> None:
        lines = LineBuffer(MAX_TAGS_FROM_CLIENT)
        try:
            self._link.handshake(LIMIT)
            while not self._stop:
                if not self._link.wait(LIMIT):
                    continue
                data = self._link.receive()
                if data is None:
                    break
                for item in lines.feed(data):
                    if self.gone:  # whoever has gone hears no more
                        break
                    assert not isinstance(item, ProtocolError), item
                    self.peer.handle(self, Message.parse(item))
        except (LinkBroken, OSError):
            pass
        except BaseException as error:
            self.error = error
            raise
        finally:
            self.peer.gone(self)
            self._link.close(LIMIT if self._polite else 0.0)


class Peer:
    """The server. `received` has every message that came, in order; `came` every session that registered."""

    def __init__(
        self,
        certificate: Path | ssl.SSLContext,
        offers: Mapping[str, str] | None = PLAIN,
        accounts: Mapping[str, str] | None = None,
    ) -> None:
        self.context = certificate if isinstance(certificate, ssl.SSLContext) else server_context(certificate)
        self.offers = dict(offers) if offers is not None else {}
        self.has_caps = offers is not None
        self.mechanisms: dict[str, Callable[[], Mechanism]] = {"PLAIN": Plain}
        self.certificates: dict[str, str] = {}
        """Whom EXTERNAL logs in: fingerprint to account."""
        self.accounts = dict.fromkeys(("alice", "bob", "carol"), PASSWORD) if accounts is None else dict(accounts)
        self.rules: dict[str, Rule] = {}
        self.received: queue.SimpleQueue[Message] = queue.SimpleQueue()
        self.came: queue.SimpleQueue[Session] = queue.SimpleQueue()
        self.connections = 0
        self.said: list[str] = []  # every text that was relayed, in order
        self.channels: dict[str, dict[Session, str]] = {}
        self._sessions: list[Session] = []
        self._msgids = 0
        self._lock = threading.RLock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._acceptor = threading.Thread(target=self._accept, daemon=True)

    def __enter__(self) -> Self:
        self._acceptor.start()
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._acceptor.join(LIMIT)
        for session in self._sessions:
            session.drop()
            session.thread.join(LIMIT)
            assert session.error is None, session.error

    def wait_for_nobody(self) -> None:
        """Until all connections that have come are over."""
        for session in self._sessions:
            session.thread.join(LIMIT)
            assert not session.thread.is_alive()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                sock, _ = self._listener.accept()
                self.connections += 1
                session = Session(self, sock)
                self._sessions.append(session)
                session.thread.start()

    def handle(self, session: Session, message: Message) -> None:
        with self._lock:
            self.received.put(message)
            rule = self.rules.get(message.command)
            answer = rule(session, message) if rule else None
            if answer is None:
                answer = getattr(self, f"_on_{message.command.lower()}", self._unknown)(session, message)
            elif not answer:
                return
            if answer is not None:
                self.answer(session, message, answer)

    def answer(self, session: Session, message: Message, lines: list[str]) -> None:
        """Send an answer, labelled if the question was."""
        label = message.tags.get("label")
        if label is None or not session.caps.has("labeled-response"):
            session.send(*lines)
        elif not lines:
            session.send(f"@label={label} :test.example ACK")
        elif len(lines) == 1:
            session.send(tagged(lines[0], f"label={label}"))
        else:
            session.send(
                f"@label={label} :test.example BATCH +{label}x labeled-response",
                *(tagged(line, f"batch={label}x") for line in lines),
                f":test.example BATCH -{label}x",
            )

    def gone(self, session: Session) -> None:
        with self._lock:
            for members in self.channels.values():
                if members.pop(session, None) is not None:
                    for other in members:
                        other.send(f":{session.source} QUIT :gone")

    def wait_for(self, command: str) -> Message:
        """The next message with this command, once it is answered; those before it are forgotten."""
        while True:
            message = self.received.get(timeout=LIMIT)
            if message.command == command:
                with self._lock:
                    return message

    # -- commands -----------------------------------------------------------------------------------------------------

    def _unknown(self, session: Session, message: Message) -> list[str]:
        return [f":test.example 421 {session.nick} {message.command} :Unknown command"]

    def _on_cap(self, session: Session, message: Message) -> list[str]:
        if not self.has_caps:
            return self._unknown(session, message)
        lines = [
            Message("CAP", [session.nick, *params], source="test.example").serialise()
            for params in session.caps.handle(message.params, 450)
        ]
        return lines + self._welcome(session)

    def _on_authenticate(self, session: Session, message: Message) -> list[str]:
        try:
            outcome = session.sasl.handle(message.params[0])
        except SaslError as error:
            return [f":test.example {answer.render(session.nick)}" for answer in error.answers]
        if isinstance(outcome, list):
            return [f"AUTHENTICATE {part}" for part in outcome]
        account = self._proved(session, outcome)
        if account is None:
            return [f":test.example 904 {session.nick} :SASL authentication failed"]
        session.account = account
        return [
            f":test.example 900 {session.nick} {session.source} {session.account} :You are now logged in",
            f":test.example 903 {session.nick} :SASL authentication successful",
        ]

    def _proved(self, session: Session, given: Credentials) -> str | None:
        """Whose account these are for."""
        if isinstance(given, PlainCredentials):
            return given.authcid if self.accounts.get(given.authcid) == given.password else None
        if isinstance(given, ExternalCredentials):
            account = self.certificates.get(session.fingerprint, "")
            return account if given.authzid in ("", account) and account else None
        return given.authzid  # whoever has these has proved it within the exchange

    def _on_nick(self, session: Session, message: Message) -> list[str]:
        old = session.source
        session.nick = message.params[0]
        if not session.registered:
            return self._welcome(session)
        self._to_all(session, f":{old} NICK {session.nick}")
        return [f":{old} NICK {session.nick}"]

    def _on_user(self, session: Session, message: Message) -> list[str]:
        session.user = message.params[0]
        return self._welcome(session)

    def _welcome(self, session: Session) -> list[str]:
        if session.registered or session.nick == "*" or not session.user or session.caps.negotiating:
            return []
        session.registered = True
        self.came.put(session)
        nick = session.nick
        return [
            f":test.example 001 {nick} :Welcome to the Test Network, {nick}",
            f":test.example 005 {nick} CASEMAPPING=ascii CHANTYPES=# NETWORK=Test PREFIX=(ov)@+ :are supported",
            f":test.example 422 {nick} :MOTD File is missing",
        ]

    def _on_join(self, session: Session, message: Message) -> list[str]:
        channel = message.params[0]
        members = self.channels.setdefault(casefold(channel), {})
        if session in members:
            return []
        members[session] = channel
        self._to_all(session, f":{session.source} JOIN {channel}", channel)
        return [f":{session.source} JOIN {channel}", *self._on_names(session, message)]

    def _on_names(self, session: Session, message: Message) -> list[str]:
        channel = message.params[0]
        names = " ".join(member.nick for member in self.channels.get(casefold(channel), {}))
        return [
            f":test.example 353 {session.nick} = {channel} :{names}",
            f":test.example 366 {session.nick} {channel} :End of /NAMES list",
        ]

    def _on_part(self, session: Session, message: Message) -> list[str]:
        channel = message.params[0]
        line = f":{session.source} PART {channel} :{' '.join(message.params[1:])}"
        if self.channels.get(casefold(channel), {}).pop(session, None) is None:
            return [f":test.example 442 {session.nick} {channel} :You're not on that channel"]
        self._to_all(session, line, channel)
        return [line]

    def _on_topic(self, session: Session, message: Message) -> list[str]:
        channel, *topic = message.params
        if not topic:
            return [f":test.example 331 {session.nick} {channel} :No topic is set"]
        self._to_all(session, f":{session.source} TOPIC {channel} :{topic[0]}", channel)
        return [f":{session.source} TOPIC {channel} :{topic[0]}"]

    def _on_batch(self, session: Session, message: Message) -> None:
        """A message of several lines; told to everyone as it came, since all have the same capabilities."""
        if message.params[0].startswith("+"):
            session.lines, session.opening = [], message
            return
        opening, lines, source = session.opening, session.lines, session.source
        target = opening.params[2]
        whole = [f":{source} BATCH {opening.params[0]} draft/multiline {target}"]
        whole += [f"@{format_tags(line.tags)} :{source} PRIVMSG {target} :{line.params[1]}" for line in lines]
        whole += [f":{source} BATCH {message.params[0]}"]
        self.said.append(logical(joined((line.params[1], CONCAT_TAG in line.tags) for line in lines)))
        for line in whole:
            self._to_all(session, line, target)
        session.send(tagged(whole[0], f"label={opening.tags['label']}"), *whole[1:])

    def _on_privmsg(self, session: Session, message: Message) -> list[str] | None:
        target, text = message.params
        if "batch" in message.tags:
            session.lines.append(message)
            return None
        self._msgids += 1
        line = f"@msgid={self._msgids};account={session.account} :{session.source} {message.command} {target} :{text}"
        if target.startswith("#"):
            if session not in self.channels.get(casefold(target), {}):
                return [f":test.example 404 {session.nick} {target} :Cannot send to channel"]
            self._to_all(session, line, target)
        else:
            others = [other for other in self._sessions if casefold(other.nick) == casefold(target)]
            if not others:
                return [f":test.example 401 {session.nick} {target} :No such nick/channel"]
            for other in others:
                other.send(line)
        self.said.append(text)
        return [line] if session.caps.has("echo-message") else []

    _on_notice = _on_privmsg

    def _on_ping(self, session: Session, message: Message) -> list[str]:
        return [f":test.example PONG test.example :{message.params[0]}"]

    def _on_pong(self, session: Session, message: Message) -> list[str]:
        return []

    def _on_quit(self, session: Session, message: Message) -> list[str]:
        session.quit()
        return ["ERROR :Closing link"]

    def _to_all(self, session: Session, line: str, channel: str | None = None) -> None:
        for name, members in self.channels.items():
            if session in members and (channel is None or name == casefold(channel)):
                for other in members:
                    if other is not session:
                        other.send(line)


def tagged(line: str, tag: str) -> str:
    """A line with one tag more."""
    return f"@{tag};{line[1:]}" if line.startswith("@") else f"@{tag} {line}"


class Recorder:
    """An `on_event` that keeps what it is told."""

    def __init__(self) -> None:
        self.events: queue.SimpleQueue[Event] = queue.SimpleQueue()

    def __call__(self, event: Event) -> None:
        self.events.put(event)

    def wait_for(self, kind: type[E]) -> E:
        """The next event of a kind; those before it are forgotten."""
        while True:
            event = self.events.get(timeout=LIMIT)
            if isinstance(event, kind):
                return event
