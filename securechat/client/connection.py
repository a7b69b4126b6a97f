"""`Client`: one connection to one server, for a program or a screen on top of it.

Two threads. The one that calls `connect()` gets as far as 001 by itself; then a receiver thread owns the link: it
reads, answers PING, notices silence, and tells every event to `on_event`. Everyone else only says things, which never
waits for the network, and may wait for what the server says to them.
"""

import contextlib
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from securechat.client.conversation import Conversation
from securechat.client.dial import dial
from securechat.client.entry import enter, parsed
from securechat.client.errors import ClientError, ConnectionLostError
from securechat.client.events import Disconnected, Event
from securechat.client.knowledge import Knowledge
from securechat.client.logins import Login, login_of
from securechat.client.peer import Peer
from securechat.client.registration import Registration
from securechat.client.requests import Request
from securechat.client.safe import parting, safe_text
from securechat.client.state import State
from securechat.irc.errors import ProtocolError
from securechat.irc.lines import MAX_TAGS_FROM_SERVER, LineBuffer
from securechat.irc.message import Message
from securechat.tls.link import Link, LinkBroken

WINDOW: Final = 32
"""Messages that a program should have unanswered at once: enough to keep a server busy, few enough to forget none."""

_GOODBYE: Final = 1.0  # seconds for the end of TLS, when the chat has ended


class Client(Knowledge):
    """A connection to a chat.

    `on_event(event)` is called in the receiver thread (during `connect()`, in its caller's), with one event after the
    other. While it has not returned nothing more is read, so it may block: the server waits. It must not call a method
    that waits. If it raises, the connection is ended, and who waits for something gets that exception.

    All times are in seconds. `ping_after`: how long the server may be silent before it is asked for a sign of life;
    `answer_after`: how long it may be so while something is not answered, which is what people notice;
    `lost_after`: how long the answer may take before the connection counts as lost.
    `arrives`: False stops at the login, so that nobody on the chat sees one come and go: see `errand`.
    """

    def __init__(
        self,
        on_event: Callable[[Event], None],
        *,
        ping_after: float = 60.0,
        answer_after: float = 15.0,
        lost_after: float = 30.0,
        arrives: bool = True,
    ) -> None:
        super().__init__()
        self._on_event = on_event
        self._ping_after = ping_after
        self._answer_after = answer_after
        self._lost_after = lost_after
        self._arrives = arrives
        self._link: Link | None = None
        self._host = ""
        self._peer: Peer | None = None
        self._proof = ""
        self._next_login: Login | None = None
        self._thread: threading.Thread | None = None
        # The lock guards these five as well. The link's own may be taken inside it, so that lines go out in the order
        # in which they were asked for.
        self._waiting_since: float | None = None  # when something was asked while nothing was outstanding
        self._leaving = False  # we have said QUIT
        self._stopping = False  # the receiver thread is to end whatever the server says
        self._ended = False
        self._error: BaseException | None = None

    # -- beginning and end --------------------------------------------------------------------------------------------

    def connect(
        self,
        host: str,
        port: int,
        context: ssl.SSLContext,
        *,
        nick: str,
        login: Login | str | None = None,
        password: str | None = None,
        later: Iterable[str] = (),
        timeout: float = 30.0,
    ) -> None:
        """Connect, verify the server, log in, and come back when the server has said 001. Once for each `Client`.

        Args:
            context: from `securechat.tls.contexts.client_context`.
            nick: the nick to ask for; `nick` tells which one it became.
            login: how to log in: a `Password`, a `Certificate` or an `Invitation` (see `logins`); or, with `password`,
                the name alone, if it is not the nick. None without a password logs in as nobody.
            password: the short form of a `Password`. It is sent only when the server is verified.
            later: capabilities to do without until one asks for them with `enable`.
            timeout: for reaching the server and the handshake, and again for how long it may be silent until one is in.
                While the login waits for its turn a server tells so (`LoginWaiting`); all of it may take ten minutes.

        Raises:
            ServerNotThereError, TLSError: there is no such server, or it can't be verified.
            LoginRefusedError, InvitationRefusedError, RegistrationRefusedError: it does not let one in.
            ServerProofError: it does not prove that it knows the account.
            ConnectionLostError: it hung up, or did not answer.
            ValueError: `context` does not verify; or a name or password can't be sent at all (`UnsendableError`).
        """
        registration = Registration(State(nick, host), login_of(nick, login, password), later, self._arrives)
        lines = LineBuffer(MAX_TAGS_FROM_SERVER)
        self._host = safe_text(host)
        link = dial(host, port, context, timeout)
        try:
            self._peer = Peer.of(host, port, link, context)
            rest = enter(link, registration, lines, self._host, timeout, self._on_event)
        except BaseException:
            link.close(_GOODBYE)
            raise
        finally:
            self._next_login = registration.next_login
        self._proof = registration.proof
        self._link = link
        self._conversation = Conversation(registration.state, registration.capabilities)
        self._thread = threading.Thread(target=self._receive, args=(lines, rest), name="receiver", daemon=True)
        self._thread.start()

    def leave(self, reason: str = "", *, timeout: float = 5.0) -> None:
        """Say QUIT, give the server `timeout` seconds to take all that was sent and hang up, and end the connection."""
        with self._changed:
            if self._thread is None:
                return
            self._leaving = True
            if not self._ended:
                self._send([Message("QUIT", [reason] if reason else [])])
                self._changed.wait_for(lambda: self._ended, timeout)
            self._stopping = True
        self._the_link.wake()
        self._thread.join(_GOODBYE + 1.0)

    @property
    def peer(self) -> Peer:
        """With whom one speaks: the server's certificate, and who vouches for it."""
        if self._peer is None:
            raise RuntimeError("connect() comes first")
        return self._peer

    @property
    def cipher(self) -> str:
        """The version and cipher suite of TLS."""
        return f"{self._peer.tls}, {self._peer.cipher}" if self._peer is not None else ""

    @property
    def proof(self) -> str:
        """How one has logged in: the name of the SASL mechanism, `REGISTER` for an invitation, empty for nobody."""
        return self._proof

    @property
    def next_login(self) -> Login | None:
        """What logs in the next time, as far as one has come, also where `connect` failed; None: there is no login."""
        return self._next_login

    @property
    def ended(self) -> bool:
        """Whether the connection is over; `check()` says why."""
        return self._ended

    def check(self) -> None:
        """Raise what has ended the connection, if something has: `ConnectionLostError`, or what `on_event` raised."""
        with self._changed:
            self._require_alive()

    # -- what one says ------------------------------------------------------------------------------------------------

    def request(self, command: str, *params: str, client_id: str = "", quiet: bool = False) -> Request:
        """Ask anything of the server.

        `client_id`: one's own id for a message; where the server has our capability for it, one that is sent again
        with the same id is not said twice. `quiet`: the answer is not told as events.

        Raises `ConnectionLostError` when the connection is over, and `UnsendableError` for parameters that a line
        can't hold.
        """
        Message(command, list(params)).encode()  # what can't be sent must not be counted as asked
        with self._changed:
            self._require_alive()
            request = self._chat.request(command, *params, client_id=client_id, quiet=quiet)
            self._send_outgoing()
            return request

    def ask(self, command: str, *params: str) -> Request:
        """Ask for history, quietly, and wait for the answer: a `page`, or a `refusal`."""
        request = self.request(command, *params, quiet=True)
        self.wait(lambda: request.settled)
        return request

    def pieces(self, target: str, text: str, *, act: bool = False, notice: bool = False) -> list[tuple[str, ...]]:
        """The requests that say `text` (one line; `safe.sendable` makes one): as many as it takes, in order.

        For those who want to wait between them; each is for `request(*piece)`. `act`: as `/me` does.
        """
        with self._changed:
            return self._chat.pieces(target, text, act=act, notice=notice)

    def say(self, target: str, text: str, *, act: bool = False, notice: bool = False) -> list[Request]:
        """Say `text` to a channel or nick, in as many messages as it takes; see `pieces`."""
        return [self.request(*piece) for piece in self.pieces(target, text, act=act, notice=notice)]

    def say_lines(self, target: str, lines: Sequence[str]) -> list[Request]:
        """Say several lines: as one message if the server takes such, and so many at once; else one by one."""
        if (whole := self.say_whole(target, lines)) is not None:
            return [whole]
        return [request for line in lines if line.strip() for request in self.say(target, line)]

    def takes_whole(self, target: str, lines: Sequence[str]) -> bool:
        """Whether the server takes these lines as one message."""
        with self._changed:
            return self._chat.whole(target, lines) is not None

    def say_whole(self, target: str, lines: Sequence[str], client_id: str = "") -> Request | None:
        """Say several lines as one message; None, and nothing is said, where the server does not take that."""
        Message("PRIVMSG", [target, ""]).encode()  # what can't be sent must not be counted as asked
        with self._changed:
            self._require_alive()
            whole = self._chat.say_lines(target, lines, client_id)
            self._send_outgoing()
            return whole

    def join(self, channel: str, key: str = "") -> Request:
        """Go into a channel."""
        return self.request("JOIN", channel, *([key] if key else []))

    def part(self, channel: str, reason: str = "") -> Request:
        """Leave a channel."""
        return self.request("PART", channel, *([reason] if reason else []))

    def topic(self, channel: str, topic: str | None = None) -> Request:
        """Ask for the topic of a channel, or set it."""
        return self.request("TOPIC", channel, *([] if topic is None else [topic]))

    def names(self, channel: str) -> Request:
        """Ask who is in a channel."""
        return self.request("NAMES", channel)

    def enable(self, *capabilities: str) -> None:
        """Ask for capabilities, where the server offers them, and wait until it has answered."""
        with self._changed:
            self._require_alive()
            self._chat.enable(capabilities)
            self._send_outgoing()
        self.sync()

    def sync(self) -> None:
        """Wait until the server has said all that it had to say by now, asked or not."""
        answer = self.request("PING", "sync", quiet=True)
        self.wait(lambda: answer.settled)

    def fetch_ignored(self) -> None:
        """Ask for the list of whom one ignores, where the server keeps it; from then on it is what `ignored` gives."""
        if self.supports("SILENCE"):
            self.request("SILENCE", quiet=True)

    def ignore(self, mask: str, *, adding: bool = True) -> Request | None:
        """Hear no more of those whom a mask matches, or, not `adding`, hear them again. See `ignoring`.

        None where the server keeps no such list: then it is done at this end alone, until the connection ends.
        """
        if self.supports("SILENCE"):
            return self.request("SILENCE", f"{'+' if adding else '-'}{mask}")
        with self._changed:
            ignored = self._chat.state.ignored
            if adding:
                ignored.add(mask)
            else:
                ignored.remove(mask)
        return None

    # -- waiting ------------------------------------------------------------------------------------------------------

    def wait(self, done: Callable[[], bool]) -> None:
        """Wait until `done()`, which is asked again whenever the server has answered something.

        Raises what has ended the connection (`check`), if that comes first.
        """
        with self._changed:
            while not done():
                self._require_alive()
                self._changed.wait()

    def wait_for_room(self, window: int = WINDOW) -> None:
        """Wait until fewer than `window` requests are unanswered."""
        self.wait(lambda: len(self._chat.outstanding) < window)

    def settle(self) -> None:
        """Wait until the server has answered everything that was asked so far.

        A request on which it says nothing counts as refused, once it has answered something that was asked later.
        """
        with self._changed:
            self._require_alive()
            self._chat.ping()
            self._send_outgoing()
        self.wait(lambda: not len(self._chat.outstanding))

    # -- inside: whoever calls ----------------------------------------------------------------------------------------

    @property
    def _the_link(self) -> Link:
        if self._link is None:
            raise RuntimeError("connect() comes first")
        return self._link

    def _require_alive(self) -> None:
        """Raise if the connection is over. The caller holds the lock."""
        if self._ended or self._leaving:
            raise self._error or ConnectionLostError("the connection was ended at this end")

    def _send(self, messages: Iterable[Message]) -> None:
        if data := b"".join(message.encode() for message in messages):
            self._the_link.send(data)

    def _send_outgoing(self) -> None:
        messages, self._chat.outgoing = self._chat.outgoing, []
        self._send(messages)
        if not len(self._chat.outstanding):
            self._waiting_since = None
        elif self._waiting_since is None:
            self._waiting_since = time.monotonic()
            self._the_link.wake()  # the receiver thread has to look at the clock sooner

    # -- inside: the receiver thread ----------------------------------------------------------------------------------

    def _receive(self, lines: LineBuffer, rest: list[str | ProtocolError]) -> None:
        error: BaseException | None = None
        try:
            self._take(rest)
            self._listen(lines)
        except LinkBroken as broken:
            error = self._lost(str(broken))
        except BaseException as raised:  # it is for the one who waits, not for the end of a thread
            error = raised
        with self._changed:
            self._error = None if self._leaving and isinstance(error, ClientError) else error
            self._ended = True
            self._changed.notify_all()
        self._the_link.close(_GOODBYE)
        with contextlib.suppress(Exception):  # there is nobody left to be told
            self._on_event(Disconnected(self._error))

    def _listen(self, lines: LineBuffer) -> None:
        """Read until the server hangs up (then raise, unless we left) or we stop."""
        link = self._the_link
        heard = time.monotonic()
        asked: float | None = None  # when we asked for a sign of life
        while not self._stopping:
            deadline = self._silent_until(heard) if asked is None else asked + self._lost_after
            if link.wait(max(deadline - time.monotonic(), 0.0)):
                data = link.receive()
                if data is None:
                    if self._leaving:
                        return
                    raise self._lost("it was cut off" if link.truncated else "the server hung up")
                if data:
                    self._take(lines.feed(data))
                    heard, asked = time.monotonic(), None
            elif time.monotonic() >= deadline:
                if asked is not None:
                    raise self._lost(f"no sign of life for {time.monotonic() - heard:.0f} seconds")
                asked = time.monotonic()
                with self._changed:
                    self._chat.ping()
                    self._send_outgoing()

    def _silent_until(self, heard: float) -> float:
        """When the server is to be asked for a sign of life, if it says nothing until then."""
        with self._changed:
            waiting = self._waiting_since
        usual = heard + self._ping_after
        return usual if waiting is None else min(usual, max(heard, waiting) + self._answer_after)

    def _take(self, items: list[str | ProtocolError]) -> None:
        for item in items:
            message = parsed(item)
            if message is None:
                continue
            with self._changed:
                events = self._chat.receive(message)
                self._send_outgoing()
                self._changed.notify_all()
            for event in events:
                self._on_event(event)

    def _lost(self, why: str) -> ConnectionLostError:
        if words := self._chat.last_words:
            return ConnectionLostError(f"the server ended the connection: {parting(safe_text(words))}")
        return ConnectionLostError(f"the connection to {self._host} was lost ({why})")
