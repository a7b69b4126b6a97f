"""Coming to a server by an invitation: whom it is for, and whether it is still good, before anybody is asked anything.

What an invitation does itself, make an account, is a login (`logins.Invitation`).
"""

import ssl
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from cryptography import x509

from securechat.client.asking import ask
from securechat.client.dial import dial
from securechat.client.errors import CodeRefusedError, RegistrationRefusedError
from securechat.client.first_contact import PATIENCE, authority_with, not_the_server
from securechat.client.safe import parting, safe_name, safe_text
from securechat.irc.links import JoinLink
from securechat.irc.message import Message
from securechat.irc.names import valid_nick
from securechat.tls.contexts import client_context
from securechat.tls.errors import ClientCertificateRefused, UnknownAuthority

_GOODBYE: Final = 1.0  # seconds for the end of TLS
_NO_SUCH_COMMAND: Final = frozenset(("421", "451"))
_REFUSALS: Final = {
    "EXPIRED_CODE": "this invitation has expired: ask for a new one",
    "USED_CODE": "this invitation was used already: if that was by you, `securechat connect` is enough; else ask for "
    "another one",
    "INVALID_CODE": "the server knows no such invitation: it was taken back, or is not copied whole; ask for a new one",
}


@dataclass(frozen=True, slots=True)
class Invited:
    """What an invitation is good for."""

    name: str
    """The account that it is for; empty for any."""
    resets: bool
    """Whether that account is there already, and gets a new password."""


def first_look(link: JoinLink, certificate: Path | None, now: datetime) -> tuple[x509.Certificate | None, Invited]:
    """Find the server of a link, make sure that it is the one, and ask it about the invitation.

    `certificate`: a file with one's own, to be shown to the server. `now`: aware. Gives the authority that vouches for
    the server, None where the system's do, and what the invitation is good for.

    Raises as `check_invitation`, and `UnknownAuthority` where it is another server.
    """
    vouching = None
    if link.fingerprint is not None:
        vouching = authority_with(link.fingerprint, link.host, link.port, now)
    try:
        return vouching, check_invitation(link, client_context(vouching, certificate, now=now))
    except UnknownAuthority as error:
        if vouching is not None:
            raise not_the_server(link.host, link.port) from error
        raise UnknownAuthority(
            f"the link says that the authorities of this system vouch for {safe_name(link.host)}, and they do not: ask "
            "who gave it to you, by another way than this, for one with a fingerprint"
        ) from error


def check_invitation(link: JoinLink, context: ssl.SSLContext, timeout: float = PATIENCE) -> Invited:
    """Ask the server about an invitation. `context` verifies; the code is a secret, and goes to no other server.

    Raises:
        CodeRefusedError: it is good no more, or never was.
        RegistrationRefusedError: the server does not say.
        ClientCertificateRefused: the server wants a client certificate, or not this one.
        ServerNotThereError, TLSError: as `dial`.
    """
    connection = dial(link.host, link.port, context, timeout)
    host = safe_name(link.host)
    why = ""
    try:
        for message in ask(connection, Message("INVITATION", ["CHECK", link.code]), timeout):
            match message.command, message.params:
                case "NOTE", ["INVITATION", "VALID", name, kind, *_]:
                    return _invited(host, name, kind)
                case "FAIL", ["INVITATION", code, *_, text]:
                    if sentence := _REFUSALS.get(code):
                        raise CodeRefusedError(sentence, code)
                    why = safe_text(text)
                    break
                case "ERROR", [*_, text]:
                    why = parting(safe_text(text))
                    if "certificate" in why.lower():  # as in a registration: it has seen nothing else of us
                        raise ClientCertificateRefused(f"{host} refused the connection: {why}")
                    break
                case command, _ if command in _NO_SUCH_COMMAND:
                    why = "it knows no invitations"
                    break
    finally:
        connection.close(_GOODBYE)
    raise RegistrationRefusedError(
        f"{host} does not say whether the invitation is good ({why or 'it does not answer'})"
    )


def _invited(host: str, name: str, kind: str) -> Invited:
    resets = kind == "reset"
    if name == "*" and not resets:
        return Invited("", False)
    if not valid_nick(name):
        raise RegistrationRefusedError(f"{host} says that the invitation is for {safe_name(name)}, which is no account")
    return Invited(name, resets)
