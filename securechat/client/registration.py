"""From the first line to 001: capabilities, login, nick (Modern IRC, "Connection Registration"; IRCv3 SASL 3.2).

Everything is sent that can be sent at once, so that a server without CAP gets on as well::

    >> CAP LS 302     >> NICK alice     >> USER alice 0 * :alice
    << CAP LS         >> CAP REQ
    << CAP ACK        >> AUTHENTICATE PLAIN
    << AUTHENTICATE + >> AUTHENTICATE <name and password>
    << 903            >> CAP END
    << 001            it is done

What stands between the last CAP and CAP END is for each kind of login another: see `proving`. Whoever has a login
comes in with it or not at all.
"""

from collections.abc import Callable, Iterable
from typing import ClassVar

from securechat.client.capabilities import WANTED, Capabilities
from securechat.client.errors import RegistrationRefusedError
from securechat.client.logins import Login
from securechat.client.proving import COMMANDS, proof_of
from securechat.client.safe import parting, safe_name, safe_text
from securechat.client.state import State
from securechat.irc.message import Message
from securechat.irc.numerics import Numeric
from securechat.tls.errors import ClientCertificateRefused


class Registration:
    """One registration, without the connection: give it each message that comes, send what it answers.

    It is over when `done`; then `state` has the nick that the server gave. It has failed when it raises. `login` None:
    one comes as nobody. `arrives`: False, where there is a login, stops when that is done, before one is on the chat.
    """

    def __init__(self, state: State, login: Login | None, later: Iterable[str] = (), arrives: bool = True) -> None:
        self.state = state
        self._arrives = arrives
        self._proof = proof_of(login, lambda: self._server) if login is not None else None
        self.capabilities = Capabilities([*WANTED, *(self._proof.capabilities if self._proof else ())], later=later)
        self.done = False
        self.heard = False
        """Whether the server has said anything at all."""
        self.waiting: int | None = None
        """How many logins the server said last that it has to do before this one."""
        self._first = True  # whether this is the first that the server says
        self._asked = False  # whether the login has begun, or there is none and CAP has ended
        self._nick_refused = False
        self._words: list[str] = []  # what the server gave as reasons

    @property
    def proof(self) -> str:
        """How one has logged in: the SASL mechanism, or `REGISTER`; empty before that, and for nobody."""
        return self._proof.name if self._proof is not None else ""

    @property
    def next_login(self) -> Login | None:
        """What to log in with the next time, as far as one has come."""
        return self._proof.login if self._proof is not None else None

    def start(self) -> list[Message]:
        """What to send first."""
        nick = self.state.nick
        first = self._proof.first() if self._proof is not None else []
        return [self.capabilities.start(), *first, Message("NICK", [nick]), Message("USER", [nick, "0", "*", nick])]

    def handle(self, message: Message) -> list[Message]:
        """What to send in answer to a message.

        Raises:
            LoginRefusedError, InvitationRefusedError: what one proves it with is not accepted.
            ClientCertificateRefused: the server wants a client certificate, or not this one.
            ServerProofError: the server does not prove its part.
            RegistrationRefusedError: the server offers no such login, or lets one in not at all.
        """
        self._first = not self.heard
        self.heard = True
        handler = self._HANDLERS.get(message.command)
        answers = handler(self, message) if handler else []
        if message.command in COMMANDS and self._proof is not None and self._asked and not self.proof:
            answers += self._proof.handle(message)
            answers += self._logged_in() if self.proof else []
        return answers

    def hung_up(self) -> RegistrationRefusedError | None:
        """The error for a server that closed the connection before it was done, if it said why."""
        return self._refusal() if self._words else None

    def _capabilities(self, message: Message) -> list[Message]:
        replies = self.capabilities.handle(message.params)
        if not self.capabilities.settled or self._asked:
            return replies
        self._asked = True
        if self._proof is None:
            return [*replies, Message("CAP", ["END"])]
        return [*replies, *self._proof.begin(self.capabilities)]

    def _logged_in(self) -> list[Message]:
        if not self._arrives:
            self.done = True
            return []
        # A server that reserves nicks gives them out only now.
        again = [Message("NICK", [self.state.nick])] if self._nick_refused else []
        self._nick_refused = False
        return [*again, Message("CAP", ["END"])]

    def _nick(self, message: Message) -> list[Message]:
        if self._proof is not None and not self.proof:
            self._nick_refused = True
            return []
        self._words.append(_last(message))
        raise self._refusal(final=message.command == f"{Numeric.ERR_ERRONEUSNICKNAME:03}")

    def _server_password(self, _: Message) -> list[Message]:
        raise RegistrationRefusedError(
            f"{self._server} wants a password for the server itself besides your own, which this client can't give: "
            "ask who runs the server",
            final=True,
        )

    def _banned(self, message: Message) -> list[Message]:
        self._words.append(_last(message))
        raise self._refusal(final=True)

    def _ended(self, message: Message) -> list[Message]:
        words = parting(_last(message))
        self._words.append(words)
        # A server that has read nothing of ours yet has seen our certificate, or that there is none, and nothing else.
        if self._first and "certificate" in words.lower():
            raise ClientCertificateRefused(f"{self._server} refused the connection: {words}")
        raise self._refusal()

    def _fail(self, message: Message) -> list[Message]:
        self._words.append(_last(message))
        return []

    def _note(self, message: Message) -> list[Message]:
        _, code, *context = [*message.params[:-1], "", ""]
        if code == "WAITING" and context[0].isascii() and context[0].isdigit():
            self.waiting = int(context[0][:9])
        return []

    def _welcome(self, message: Message) -> list[Message]:
        if self._proof is not None and not self.proof:
            raise self._proof.not_asked_for()
        if message.params:
            self.state.nick = message.params[0]
        if message.source:
            self.state.server = message.source
        self.done = True
        return []

    def _ping(self, message: Message) -> list[Message]:
        return [Message("PONG", message.params[:1])]

    @property
    def _server(self) -> str:
        return safe_name(self.state.server)

    def _refusal(self, *, final: bool = False) -> RegistrationRefusedError:
        return RegistrationRefusedError(
            f"{self._server} refused the connection: {self._words[-1] or 'no reason given'}", final=final
        )

    _HANDLERS: ClassVar[dict[str, Callable[["Registration", Message], list[Message]]]] = {
        "CAP": _capabilities,
        "PING": _ping,
        "FAIL": _fail,
        "NOTE": _note,
        "ERROR": _ended,
    } | {
        f"{code:03}": handler
        for handler, codes in (
            (_welcome, [Numeric.RPL_WELCOME]),
            (_nick, [Numeric.ERR_ERRONEUSNICKNAME, Numeric.ERR_NICKNAMEINUSE, Numeric.ERR_NICKCOLLISION]),
            (_server_password, [Numeric.ERR_PASSWDMISMATCH]),
            (_banned, [Numeric.ERR_YOUREBANNEDCREEP]),
        )
        for code in codes
    }


def _last(message: Message) -> str:
    """The sentence of an error, fit for printing."""
    return safe_text(message.params[-1]) if message.params else ""
