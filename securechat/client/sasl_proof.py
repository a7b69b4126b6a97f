"""Logging in with SASL (IRCv3 SASL 3.1 and 3.2): one mechanism after the other, as few as make sense.

- EXTERNAL, for a `Certificate`. Where it is refused and there is a password too, that: the certificate may not be
  registered yet, and to register it one has to log in.
- SCRAM-SHA-256, for a password, where the server offers it and `scramp` is there.
- PLAIN. After SCRAM was refused it is tried once, for the operator may have switched SCRAM on later than the password
  was set, and a server that has no verifier for it can't say so without telling everybody which accounts exist. What
  that gives away: the password, to the server. So SCRAM keeps it from a server that is honest (its memory, its logs),
  not from one that refuses SCRAM in order to get it; that one has proved by its certificate that it is the one we
  want to tell it. A server that makes a mistake within SCRAM, which its owner would not, gets nothing more. And a wrong
  password counts twice where the server counts them.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from securechat.client.capabilities import Capabilities
from securechat.client.errors import LoginRefusedError, RegistrationRefusedError, ServerProofError
from securechat.client.logins import Certificate, Login, Password, name_of
from securechat.client.safe import safe_text
from securechat.client.scram import ScramClient, ScramRefusedError, available
from securechat.irc.message import Message
from securechat.irc.numerics import Numeric
from securechat.irc.sasl import ClientMechanism, ExternalClient, PlainClient, SaslClient
from securechat.irc.words import UnsendableError

_FAILED: Final = f"{Numeric.ERR_SASLFAIL:03}"
_REFUSALS: Final = frozenset(
    f"{code:03}"
    for code in (Numeric.ERR_NICKLOCKED, Numeric.ERR_SASLFAIL, Numeric.ERR_SASLTOOLONG, Numeric.ERR_SASLABORTED)
)
_SUCCESS: Final = f"{Numeric.RPL_SASLSUCCESS:03}"

COMMANDS: Final = frozenset(("AUTHENTICATE", "FAIL", _SUCCESS)) | _REFUSALS
"""The messages that are about it."""


class SaslProof:
    """With a password, or a certificate, or first with this and then with that."""

    capabilities: tuple[str, ...] = ()

    def __init__(self, login: Password | Certificate, server: Callable[[], str]) -> None:
        self.login: Login = login
        self.name = ""
        self._server = server
        self._certificate = login if isinstance(login, Certificate) else None
        self._password = login.otherwise if isinstance(login, Certificate) else login
        self._plain = PlainClient(self._password.login, self._password.password) if self._password else None
        self._external = ExternalClient(login.login) if isinstance(login, Certificate) else None
        self._ways: list[str] = []  # mechanisms to try, the next one first
        self._sasl: SaslClient | None = None  # the exchange that is under way, or was the last
        self._tried: list[str] = []
        self._broken_off = False  # by us: what follows is the answer to that
        self._words = ""  # what the server gave as a reason

    def first(self) -> list[Message]:
        """Nothing."""
        return []

    def begin(self, capabilities: Capabilities) -> list[Message]:
        """The first mechanism."""
        offered = capabilities.offered.get("sasl", "").upper().split(",")
        unknown = offered == [""]  # SASL 3.1: a server need not say which it has
        if self._external is not None and (unknown or "EXTERNAL" in offered):
            self._ways.append("EXTERNAL")
        if self._password is not None:
            if self._password.scram and ScramClient.name in offered and available():
                self._ways.append(ScramClient.name)
            if unknown or "PLAIN" in offered:
                self._ways.append("PLAIN")
        if "sasl" not in capabilities.enabled or not (begun := self._next()):
            raise self.not_asked_for()
        return begun

    def handle(self, message: Message) -> list[Message]:
        """One step of the exchange, or its end."""
        if message.command == "FAIL":
            if message.params[:1] == ["AUTHENTICATE"]:
                self._words = _sentence(message)
            return []
        if self._sasl is None or self.name:
            return []
        if message.command == "AUTHENTICATE":
            return self._challenged(self._sasl, message)
        if message.command == _SUCCESS:
            return self._accepted(self._sasl.mechanism)
        return self._refused(message) if message.command in _REFUSALS else []

    def not_asked_for(self) -> RegistrationRefusedError:
        """That there is no such login here."""
        way = "a name and a password (SASL PLAIN)" if self._password else "a client certificate (SASL EXTERNAL)"
        return RegistrationRefusedError(
            f"{self._server()} offers no login with {way}, so there is nothing to log in to", final=True
        )

    def _next(self) -> list[Message]:
        """Begin with the next mechanism; empty where there is none."""
        while self._ways:
            name = self._ways.pop(0)
            try:
                mechanism = self._mechanism(name)
            except UnsendableError:  # of SCRAM: PLAIN carries more
                continue
            self._sasl = SaslClient(mechanism)
            self._tried.append(name)
            return [Message("AUTHENTICATE", [self._sasl.start()])]
        return []

    def _mechanism(self, name: str) -> ClientMechanism:
        if name == ScramClient.name and self._password is not None:
            return ScramClient(self._password.login, self._password.password)
        mechanism: ClientMechanism | None = self._external if name == "EXTERNAL" else self._plain
        if mechanism is None:
            raise AssertionError("only ways for which there is something are begun")
        return mechanism

    def _challenged(self, sasl: SaslClient, message: Message) -> list[Message]:
        try:
            parts = sasl.handle(message.params[0] if message.params else "")
        except ScramRefusedError as error:
            self._words = self._words or safe_text(str(error))
            raise self._refusal() from None
        except ServerProofError as error:
            raise ServerProofError(f"{self._server()} is not to be trusted with this login: {error}") from None
        if parts == ["*"]:
            if isinstance(sasl.mechanism, ScramClient):
                raise ServerProofError(f"{self._server()} sent something in the login by SCRAM that is none of it")
            self._broken_off = True
        return [Message("AUTHENTICATE", [part]) for part in parts]

    def _accepted(self, mechanism: ClientMechanism) -> list[Message]:
        if not mechanism.finished:
            raise ServerProofError(
                f"{self._server()} says that you are logged in, but has not finished the login ({mechanism.name}) in "
                "which it had to prove itself: ask who runs the server"
            )
        self.name = mechanism.name
        if mechanism.name == "PLAIN" and ScramClient.name in self._tried and self._password is not None:
            known = replace(self._password, scram=False)
            self.login = replace(self._certificate, otherwise=known) if self._certificate else known
        return []

    def _refused(self, message: Message) -> list[Message]:
        """The next mechanism, where trying it makes sense.

        A reason that the server gives is about the account or the moment, and would be the same for SCRAM and PLAIN.
        """
        worth_it = self._tried[-1] == "EXTERNAL" or not self._words
        if message.command == _FAILED and not self._broken_off and worth_it and (begun := self._next()):
            self._words = ""
            return begun
        self._words = self._words or _sentence(message)
        raise self._refusal()

    def _refusal(self) -> LoginRefusedError:
        name, why = name_of(self.login), self._words or "no reason given"
        if self._certificate is None:
            which = ""
        else:
            known = [safe_text(self._certificate.file), _short(self._certificate.fingerprint)]
            which = " ".join(word for word in ("the client certificate", *known) if word)
        _, _, exactly = why.partition(": ")  # behind "SASL authentication failed", where the server tells more
        if self._tried[-1] == "EXTERNAL":
            perhaps = f"it is not registered for that account, was revoked, or the account is disabled ({why})"
            return LoginRefusedError(
                f"{self._server()} did not let {name} in with {which}: {exactly or perhaps}; log in with your password "
                "and register it with /cert add, or ask who runs the server"
            )
        also = f"; {which} was refused too" if "EXTERNAL" in self._tried else ""
        perhaps = f"the password is wrong, there is no such account, or it is disabled ({why})"
        return LoginRefusedError(
            f"{self._server()} did not let {name} in: {exactly or perhaps}; check name and password, or ask who runs "
            f"the server{also}"
        )


def _sentence(message: Message) -> str:
    """What the server says in words, fit for printing."""
    return safe_text(message.params[-1]) if message.params else ""


def _short(fingerprint: str) -> str:
    """The beginning of a fingerprint, enough to tell one's certificates apart; what /cert takes too."""
    return f"({fingerprint[:16]}…)" if fingerprint else ""
