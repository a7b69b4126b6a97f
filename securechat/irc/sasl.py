"""AUTHENTICATE, both sides, without the judgement (IRCv3 SASL 3.1 and 3.2; RFC 4422; PLAIN is RFC 4616).

Three layers. *Transport*: a message of the mechanism is bytes, in Base64, in parameters of 400 characters of which
the last is shorter (`chunks`, `_Inbox`). *Exchange*: `SaslServer` and `SaslClient`, one for each session, are given
the parameter of each AUTHENTICATE that arrives and say what to send back. *Mechanisms*: `Plain`, `External`, and
whatever else has their two methods; one with several steps, like SCRAM, keeps its state in itself and fits as well.

The server's side ends in `Credentials`. Whether they are right is for the caller to find out, at its leisure and on its
own thread; then it calls `succeeded()`, or answers with `SaslFailedError`. Passwords are in no repr and no exception.
"""

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Protocol

from securechat.irc.errors import (
    SaslAbortedError,
    SaslAlreadyError,
    SaslError,
    SaslFailedError,
    SaslTooLongError,
    UnknownMechanismError,
)
from securechat.irc.words import UnsendableError, encode

CHUNK = 400
"""Characters of Base64 in one AUTHENTICATE; a shorter one is the last."""

MAX_RESPONSE = 4096
"""Bytes that one response may have, all chunks together. PLAIN needs 3 * 255 + 2 at most by its RFC."""

MAX_NAME = 255
"""Bytes of an identity in PLAIN that everyone accepts (RFC 4616, section 2)."""


@dataclass(frozen=True, slots=True)
class Challenge:
    """What a mechanism sends to the client, often nothing, before it takes the next response."""

    data: bytes = b""


@dataclass(frozen=True, slots=True)
class Credentials:
    """What an exchange ends in, to be checked. `authzid`: who the client wants to be, `""` for who it proves to be."""

    authzid: str


@dataclass(frozen=True, slots=True)
class PlainCredentials(Credentials):
    """To be checked: is `password` that of `authcid`, and may that one act as `authzid`?"""

    authcid: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ExternalCredentials(Credentials):
    """To be checked: does the certificate of this connection belong to someone who may act as `authzid`?"""


class Mechanism(Protocol):
    """The server's half of one exchange in one mechanism."""

    def start(self) -> Challenge:
        """The challenge that opens the exchange; an empty one where the client speaks first."""

    def step(self, response: bytes) -> Challenge | Credentials:
        """What follows from a response: another challenge, or the end. Raises `SaslFailedError`."""


class Plain:
    """PLAIN: a name and a password in one response (RFC 4616). Only ever offered inside TLS.

    Strings are taken as they are: names are compared casefolded by whoever looks them up, passwords byte for byte.
    """

    name: ClassVar = "PLAIN"

    def start(self) -> Challenge:
        """Nothing: the client speaks first."""
        return Challenge()

    def step(self, response: bytes) -> PlainCredentials:
        """`[authzid] NUL authcid NUL passwd`, all UTF-8, the last two not empty, identities of at most 255 bytes."""
        parts = response.split(b"\0")
        if len(parts) != 3:
            raise SaslFailedError("PLAIN: not three fields")
        if len(parts[0]) > MAX_NAME or len(parts[1]) > MAX_NAME:
            raise SaslFailedError("PLAIN: an identity is too long")
        authzid, authcid, password = map(text_of, parts)
        if not authcid or not password:
            raise SaslFailedError("PLAIN: a field is empty")
        return PlainCredentials(authzid, authcid, password)


class External:
    """EXTERNAL: what proves the client is outside the exchange, here its TLS certificate (RFC 4422, appendix A)."""

    name: ClassVar = "EXTERNAL"

    def start(self) -> Challenge:
        """Nothing: the client speaks first."""
        return Challenge()

    def step(self, response: bytes) -> ExternalCredentials:
        """The response is who the client wants to be, or empty."""
        if b"\0" in response or len(response) > MAX_NAME:
            raise SaslFailedError("EXTERNAL: not an identity")
        return ExternalCredentials(text_of(response))


class SaslServer:
    """The server's side of AUTHENTICATE for one session.

    `mechanisms`: name to factory, those that are offered now; may be replaced at any time. A factory may be a closure
    over what its mechanism needs to look up. What a mechanism raises comes through, and ends the exchange.
    """

    __slots__ = ("_done", "_inbox", "_mechanism", "mechanisms")

    def __init__(self, mechanisms: Mapping[str, Callable[[], Mechanism]]) -> None:
        self.mechanisms = mechanisms
        self._mechanism: Mechanism | None = None
        self._inbox = _Inbox()
        self._done = False

    @property
    def in_progress(self) -> bool:
        """Whether an exchange has begun and not ended."""
        return self._mechanism is not None

    def handle(self, param: str) -> list[str] | Credentials:
        """Take the parameter of one AUTHENTICATE of the client.

        Gives the parameters of those to send back, none if more is to come first, or the credentials to check. Raises a
        `SaslError`, with which the exchange is over; the client may begin another.
        """
        try:
            outcome = self._advance(param)
        except Exception:
            self._end()
            raise
        if isinstance(outcome, Credentials):
            self._end()
        return outcome

    def succeeded(self) -> None:
        """The credentials were right: from now on every AUTHENTICATE raises `SaslAlreadyError` (SASL 3.1)."""
        self._done = True

    def reopen(self) -> None:
        """The client is registered: it may log in anew from now on (SASL 3.2, "SASL Reauthentication")."""
        self._done = False

    def abort(self) -> None:
        """Raise `SaslAbortedError` if an exchange is in progress: registration has ended in the middle of it."""
        if self.in_progress:
            self._end()
            raise SaslAbortedError

    def _advance(self, param: str) -> list[str] | Credentials:
        if self._done:
            raise SaslAlreadyError
        if param == "*":
            raise SaslAbortedError
        if len(param) > CHUNK:
            raise SaslTooLongError
        if self._mechanism is None:
            factory = self.mechanisms.get(param.upper())
            if factory is None:
                raise UnknownMechanismError(self.mechanisms)
            self._mechanism = factory()
            return chunks(self._mechanism.start().data)
        response = self._inbox.add(param)
        if response is None:
            return []
        outcome = self._mechanism.step(response)
        return chunks(outcome.data) if isinstance(outcome, Challenge) else outcome

    def _end(self) -> None:
        self._mechanism = None
        self._inbox = _Inbox()


class ClientMechanism(Protocol):
    """The client's half of one exchange in one mechanism."""

    name: str
    finished: bool
    """Whether the client has nothing more to hear from the server: a success that comes before that is none."""

    def respond(self, challenge: bytes) -> bytes:
        """The response to a challenge of the server. Raises `SaslFailedError` to break off the exchange."""


class PlainClient:
    """PLAIN: log in as `authcid`, to act as `authzid` (the same if it is empty). One response, then never again."""

    name = "PLAIN"

    def __init__(self, authcid: str, password: str, authzid: str = "") -> None:
        if not authcid or not password or "\0" in authcid + password + authzid:
            raise UnsendableError("PLAIN takes a name and a password, and neither can hold NUL")
        self.finished = False
        self._response: bytes | None = b"\0".join(map(encode, (authzid, authcid, password)))

    def respond(self, challenge: bytes) -> bytes:
        """The one response, to the empty challenge."""
        response, self._response = self._response, None
        if challenge or response is None:
            raise SaslFailedError("PLAIN: an unexpected challenge")
        self.finished = True
        return response


class ExternalClient:
    """EXTERNAL: log in with what proves the client outside of the exchange, as `authzid` or whoever that is."""

    name = "EXTERNAL"

    def __init__(self, authzid: str = "") -> None:
        if "\0" in authzid:
            raise UnsendableError("EXTERNAL takes a name that does not hold NUL")
        self.finished = False
        self._response = encode(authzid)

    def respond(self, challenge: bytes) -> bytes:
        """The one response, to the empty challenge."""
        if challenge or self.finished:
            raise SaslFailedError("EXTERNAL: an unexpected challenge")
        self.finished = True
        return self._response


class SaslClient:
    """The client's side of AUTHENTICATE: send `start()`, then what `handle()` says. The server's 903 or 904 ends it.

    `mechanism`: what it was made with. Whatever it raises that is no `SaslError` comes through.
    """

    __slots__ = ("_inbox", "mechanism")

    def __init__(self, mechanism: ClientMechanism) -> None:
        self.mechanism = mechanism
        self._inbox = _Inbox()

    def start(self) -> str:
        """The parameter of the first AUTHENTICATE."""
        return self.mechanism.name

    def handle(self, param: str) -> list[str]:
        """The parameters to send for one that came: none if more is to come first, `["*"]` to break off."""
        try:
            challenge = self._inbox.add(param)
            return [] if challenge is None else chunks(self.mechanism.respond(challenge))
        except SaslError:
            self._inbox = _Inbox()
            return ["*"]


def chunks(data: bytes) -> list[str]:
    """`data` as parameters of AUTHENTICATE, of which the last is shorter than 400: `+` if there is nothing more."""
    text = base64.b64encode(data).decode()
    parts = [text[start : start + CHUNK] for start in range(0, len(text), CHUNK)]
    if len(text) % CHUNK == 0:
        parts.append("+")
    return parts


class _Inbox:
    """The chunks of one message of the other side, until it is whole."""

    __slots__ = ("_text",)

    def __init__(self) -> None:
        self._text = ""

    def add(self, chunk: str) -> bytes | None:
        """The message if `chunk` is its last, else None. Raises `SaslTooLongError` and `SaslFailedError`."""
        if len(chunk) > CHUNK or len(self._text) + len(chunk) > MAX_RESPONSE * 4 // 3 + 4:
            raise SaslTooLongError
        if chunk != "+":
            self._text += chunk
            if len(chunk) == CHUNK:
                return None
        text, self._text = self._text, ""
        data = _decode(text)
        if data is None:
            raise SaslFailedError("not Base64")
        return data


# These two give None or raise outside of the handler, so that no exception that holds a password is chained to ours.
def _decode(text: str) -> bytes | None:
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        return None


def text_of(data: bytes) -> str:
    """What a peer means by these bytes; `SaslFailedError` for what is not UTF-8. It does not hold them."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        pass
    raise SaslFailedError("not UTF-8")
