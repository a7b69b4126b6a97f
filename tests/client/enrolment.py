"""A server's side of CERT ENROLL, for one that is none: it signs what is asked for, and may do it wrongly."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from securechat.irc.message import Message
from securechat.irc.pieces import PieceInbox, pieces
from securechat.pki import Authority, Purpose, parse_request
from tests.client.support import Session

Answer = Callable[[x509.CertificateSigningRequest], Sequence[bytes]]
"""What is given for a request: things in DER."""


def client_authority(certs: Path) -> Authority:
    """The one that signs clients."""
    return Authority.load(certs, Purpose.CLIENTS, now=datetime.now(UTC))


def signing(authority: Authority, account: str = "alice", days: int = 30) -> Answer:
    """As it should be: the certificate, and the authority's."""

    def sign(request: x509.CertificateSigningRequest) -> list[bytes]:
        signed = authority.sign_request(request, account, now=datetime.now(UTC), days=days)
        return [certificate.public_bytes(Encoding.DER) for certificate in (signed, authority.certificate)]

    return sign


class Enroller:
    """A rule for CERT (see `support`). `requests`: what was asked to be signed, DER."""

    def __init__(self, answer: Answer) -> None:
        self.requests: list[bytes] = []
        self._answer = answer
        self._inbox = PieceInbox()

    def __call__(self, session: Session, message: Message) -> list[str] | None:
        if message.params[0] != "ENROLL":
            return None
        request = self._inbox.add(message.params[1])
        if request is None:
            label = message.tags.get("label")
            return [f"@label={label} :test.example ACK"] if label else []
        self.requests.append(request)
        things = self._answer(parse_request(request))
        lines = [f":test.example CERT ENROLLED {piece}" for thing in things for piece in pieces(thing)]
        return [*lines, ":test.example CERT END ENROLLED"]
