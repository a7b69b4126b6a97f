"""Coming in with an invitation: `PASS invite:CODE`, and `REGISTER` before CAP END (IRCv3 account-registration)."""

from collections.abc import Callable
from typing import Final

from securechat.client.capabilities import Capabilities
from securechat.client.errors import (
    CodeRefusedError,
    InvitationRefusedError,
    NameRefusedError,
    NewPasswordRefusedError,
    RegistrationRefusedError,
)
from securechat.client.logins import Invitation, Login, name_of
from securechat.client.safe import safe_text
from securechat.irc.lines import MAX_LINE
from securechat.irc.message import Message
from securechat.irc.words import UnsendableError

ACCOUNT_REGISTRATION: Final = "draft/account-registration"

COMMANDS: Final = frozenset(("REGISTER", "FAIL"))
"""The messages that are about it."""


class InvitationProof:
    """With an invitation: one is in when the account is made."""

    capabilities: tuple[str, ...] = (ACCOUNT_REGISTRATION,)

    def __init__(self, invitation: Invitation, server: Callable[[], str]) -> None:
        self.login: Login = invitation
        self.name = ""
        self._invitation = invitation
        self._server = server
        self._pass = Message("PASS", [f"invite:{invitation.code}"])
        self._register = Message("REGISTER", [invitation.account, "*", invitation.password])
        for message in (self._pass, self._register):
            if len(message.encode()) > MAX_LINE:
                raise UnsendableError(f"{message.command} takes less than that")
        self._begun = False

    def first(self) -> list[Message]:
        """The code."""
        return [self._pass]

    def begin(self, capabilities: Capabilities) -> list[Message]:
        """The account."""
        keys = [key.partition("=")[0] for key in capabilities.offered.get(ACCOUNT_REGISTRATION, "").split(",")]
        if ACCOUNT_REGISTRATION not in capabilities.enabled or "before-connect" not in keys:
            raise self.not_asked_for()
        if "email-required" in keys:
            raise RegistrationRefusedError(
                f"{self._server()} wants an email address for an account, which this client does not ask for: "
                "ask who runs the server to make the account",
                final=True,
            )
        self._begun = True
        return [self._register]

    def handle(self, message: Message) -> list[Message]:
        """What the server says of the account."""
        if not self._begun or self.name or not message.params:
            return []
        if message.command == "REGISTER":
            if message.params[0].upper() == "SUCCESS":
                self.name = "REGISTER"
                self.login = self._invitation.used()
            else:
                raise InvitationRefusedError(
                    f"{self._server()} does not make the account without more than this client can give: "
                    f"{_sentence(message)}",
                    message.params[0],
                )
        elif message.command == "FAIL" and message.params[0].upper() == "REGISTER" and len(message.params) > 1:
            raise self._refusal(message)
        return []

    def not_asked_for(self) -> RegistrationRefusedError:
        """That nobody makes accounts here."""
        return RegistrationRefusedError(
            f"{self._server()} makes no accounts for those who come with an invitation "
            f"({ACCOUNT_REGISTRATION}, before-connect): ask who runs the server for an account",
            final=True,
        )

    def _refusal(self, message: Message) -> InvitationRefusedError:
        code, words = message.params[1].upper(), _sentence(message) or "no reason given"
        kind, sentence = _REGISTER_FAILURES.get(code, (InvitationRefusedError, "{server} does not make the account"))
        said = sentence.format(server=self._server(), name=name_of(self._invitation))
        return kind(f"{said} ({words})", code)


_REGISTER_FAILURES: Final[dict[str, tuple[type[InvitationRefusedError], str]]] = {
    "INVALID_CODE": (
        CodeRefusedError,
        "{server} knows no invitation with this code: copy the whole link once more, or ask for another one",
    ),
    "EXPIRED_CODE": (CodeRefusedError, "this invitation has expired: ask for another one"),
    "USED_CODE": (
        CodeRefusedError,
        "this invitation has been used: if that was you, log in with the name and the password that you chose; "
        "else ask for another one, and tell who gave it to you",
    ),
    "REGISTRATION_CLOSED": (
        CodeRefusedError,
        "{server} makes accounts by invitation alone, and has not taken this one: ask for another one",
    ),
    "ACCOUNT_EXISTS": (NameRefusedError, "the name {name} is taken: choose another one"),
    "BAD_ACCOUNT_NAME": (NameRefusedError, "the name {name} can't be had: choose another one"),
    "ACCOUNT_NAME_MUST_BE_NICK": (NameRefusedError, "the name {name} can't be had: choose another one"),
    "WEAK_PASSWORD": (NewPasswordRefusedError, "choose another password"),
    "UNACCEPTABLE_PASSWORD": (NewPasswordRefusedError, "this password can't be used: choose another one"),
    "TEMPORARILY_UNAVAILABLE": (
        InvitationRefusedError,
        "{server} can't make the account at the moment: try again later, the invitation is not used up",
    ),
}
"""For each code of FAIL REGISTER what it means for who was invited. The server's own words follow it."""


def _sentence(message: Message) -> str:
    """What the server says in words, fit for printing."""
    return safe_text(message.params[-1]) if message.params else ""
