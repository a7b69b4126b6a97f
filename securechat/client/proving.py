"""Proving who one is while one registers: the part of it that each kind of `Login` does in its own way.

A proof gives what goes before the nick, begins when the capabilities are settled, is handed every message that may be
about it, and has a `name` when the server has said that one is in. It has failed when it raises.
"""

from collections.abc import Callable
from typing import Final, Protocol

from securechat.client import invitation_proof, sasl_proof
from securechat.client.capabilities import Capabilities
from securechat.client.errors import RegistrationRefusedError
from securechat.client.logins import Invitation, Login
from securechat.irc.message import Message

COMMANDS: Final = invitation_proof.COMMANDS | sasl_proof.COMMANDS
"""The messages that a proof is given."""


class Proof(Protocol):
    """What is common to all ways."""

    name: str
    """How the server has let one in: the SASL mechanism, or `REGISTER`; empty until it has."""
    login: Login
    """What to log in with the next time, as far as one has come."""
    capabilities: tuple[str, ...]
    """What has to be asked for besides what this client always asks for."""

    def first(self) -> list[Message]:
        """What goes before NICK."""

    def begin(self, capabilities: Capabilities) -> list[Message]:
        """What to send now that these are settled. Raises `RegistrationRefusedError` where there is no such way."""

    def handle(self, message: Message) -> list[Message]:
        """What to answer to one of `COMMANDS`. Raises what has refused it."""

    def not_asked_for(self) -> RegistrationRefusedError:
        """The error for a server that lets one in as nobody, or has no such way."""


def proof_of(login: Login, server: Callable[[], str]) -> Proof:
    """The proof for a login. `server`: what the server is called, fit for printing.

    Raises `UnsendableError` for what can't be sent at all.
    """
    if isinstance(login, Invitation):
        return invitation_proof.InvitationProof(login, server)
    return sasl_proof.SaslProof(login, server)
