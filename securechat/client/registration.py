"""From the first line to 001: capabilities, login, nick (Modern IRC, "Connection Registration"; IRCv3 SASL 3.2).

Everything is sent that can be sent at once, so that a server without CAP gets on as well::

    >> CAP LS 302     >> NICK alice     >> USER alice 0 * :alice
    << CAP LS         >> CAP REQ
    << CAP ACK        >> AUTHENTICATE PLAIN
    << AUTHENTICATE + >> AUTHENTICATE <name and password>
    << 903            >> CAP END
    << 001            it is done

Whoever gave a password comes in with an account or not at all.
"""

from collections.abc import Callable, Iterable
from typing import ClassVar

from securechat.client.capabilities import Capabilities
from securechat.client.errors import LoginRefusedError, RegistrationRefusedError
from securechat.client.safe import safe_name, safe_text
from securechat.client.state import State
from securechat.irc.message import Message
from securechat.irc.numerics import Numeric
from securechat.irc.sasl import PlainClient, SaslClient


class Registration:
    """One registration, without the connection: give it each message that comes, send what it answers.

    It is over when `done`; then `state` has the nick that the server gave. It has failed when it raises.
    """

    def __init__(self, state: State, login: str, password: str | None, later: Iterable[str] = ()) -> None:
        self.state = state
        self.capabilities = Capabilities(later=later)
        self.done = False
        self.heard = False
        """Whether the server has said anything at all."""
        self._login = login
        self._sasl = SaslClient(PlainClient(login, password)) if password is not None else None
        self._asked = False  # whether the login has begun, or there is none and CAP has ended
        self._logged_in = False
        self._nick_refused = False
        self._words: list[str] = []  # what the server gave as reasons

    def start(self) -> list[Message]:
        """What to send first."""
        nick = self.state.nick
        return [self.capabilities.start(), Message("NICK", [nick]), Message("USER", [nick, "0", "*", nick])]

    def handle(self, message: Message) -> list[Message]:
        """What to send in answer to a message.

        Raises:
            LoginRefusedError: name and password are not accepted.
            RegistrationRefusedError: the server offers no such login, or lets one in not at all.
        """
        self.heard = True
        if handler := self._HANDLERS.get(message.command):
            return handler(self, message)
        return []

    def hung_up(self) -> RegistrationRefusedError | None:
        """The error for a server that closed the connection before it was done, if it said why."""
        return self._refusal() if self._words else None

    def _capabilities(self, message: Message) -> list[Message]:
        replies = self.capabilities.handle(message.params)
        if not self.capabilities.settled or self._asked:
            return replies
        self._asked = True
        if self._sasl is None:
            return [*replies, Message("CAP", ["END"])]
        mechanisms = self.capabilities.offered.get("sasl", "")
        if "sasl" not in self.capabilities.enabled or (mechanisms and "PLAIN" not in mechanisms.upper().split(",")):
            raise self._no_login()
        return [*replies, Message("AUTHENTICATE", [self._sasl.start()])]

    def _challenge(self, message: Message) -> list[Message]:
        if self._sasl is None or not self._asked or not message.params:
            return []
        return [Message("AUTHENTICATE", [part]) for part in self._sasl.handle(message.params[0])]

    def _login_accepted(self, _: Message) -> list[Message]:
        if self._logged_in or not self._asked:
            return []
        self._logged_in = True
        # A server that reserves nicks gives them out only now.
        again = [Message("NICK", [self.state.nick])] if self._nick_refused else []
        self._nick_refused = False
        return [*again, Message("CAP", ["END"])]

    def _login_refused(self, message: Message) -> list[Message]:
        words = self._words[-1] if self._words else _last(message)
        raise LoginRefusedError(
            f"{self._server} did not let {safe_name(self._login)} in: the password is wrong, there is no such account, "
            f"or it is disabled ({words or 'no reason given'}); check name and password, or ask who runs the server"
        )

    def _nick(self, message: Message) -> list[Message]:
        if self._sasl is not None and not self._logged_in:
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
        self._words.append(_last(message))
        raise self._refusal()

    def _fail(self, message: Message) -> list[Message]:
        self._words.append(_last(message))
        return []

    def _welcome(self, message: Message) -> list[Message]:
        if self._sasl is not None and not self._logged_in:
            raise self._no_login()
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

    def _no_login(self) -> RegistrationRefusedError:
        return RegistrationRefusedError(
            f"{self._server} offers no login with a name and a password (SASL PLAIN), so there is nothing to log in to",
            final=True,
        )

    def _refusal(self, *, final: bool = False) -> RegistrationRefusedError:
        return RegistrationRefusedError(
            f"{self._server} refused the connection: {self._words[-1] or 'no reason given'}", final=final
        )

    _HANDLERS: ClassVar[dict[str, Callable[["Registration", Message], list[Message]]]] = {
        "CAP": _capabilities,
        "AUTHENTICATE": _challenge,
        "PING": _ping,
        "FAIL": _fail,
        "ERROR": _ended,
    } | {
        f"{code:03}": handler
        for handler, codes in (
            (_welcome, [Numeric.RPL_WELCOME]),
            (_login_accepted, [Numeric.RPL_SASLSUCCESS]),
            (
                _login_refused,
                [Numeric.ERR_NICKLOCKED, Numeric.ERR_SASLFAIL, Numeric.ERR_SASLTOOLONG, Numeric.ERR_SASLABORTED],
            ),
            (_nick, [Numeric.ERR_ERRONEUSNICKNAME, Numeric.ERR_NICKNAMEINUSE, Numeric.ERR_NICKCOLLISION]),
            (_server_password, [Numeric.ERR_PASSWDMISMATCH]),
            (_banned, [Numeric.ERR_YOUREBANNEDCREEP]),
        )
        for code in codes
    }


def _last(message: Message) -> str:
    """The sentence of an error, fit for printing."""
    return safe_text(message.params[-1]) if message.params else ""
