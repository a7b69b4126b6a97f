"""Somebody who comes to a saved server again and again, and servers that different authorities have signed."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from securechat.client.connection import Client
from securechat.client.events import Event
from securechat.client.logins import Login, Password
from securechat.client.saved_door import SavedDoor
from securechat.client.servers import SavedServer, SavedServers
from securechat.irc.message import Message
from securechat.irc.pieces import pieces
from securechat.pki import Authority, Purpose
from securechat.pki.certificate import spki_fingerprint
from securechat.pki.succession import appoint
from tests.client.posts import authority_lines
from tests.client.support import PASSWORD, Rule, Session

NOW = datetime.now(UTC)
OLD = Authority.create(Purpose.SERVERS, now=NOW)
NEW = Authority.create(Purpose.SERVERS, now=NOW)
NEWEST = Authority.create(Purpose.SERVERS, now=NOW)
STEPS = [
    appoint(OLD, NEW, now=NOW).public_bytes(Encoding.DER),
    appoint(NEW, NEWEST, now=NOW).public_bytes(Encoding.DER),
]
CODE = "Zm9vYmFyYmF6cXV4cXV1eA"


def trust_in(authority: Authority) -> str:
    return spki_fingerprint(authority.certificate.public_key())


def server_by(authority: Authority, port: int, **more: object) -> SavedServer:
    return replace(SavedServer("work", "localhost", port, "alice", trust_in(authority)), **more)  # type: ignore[arg-type]


def certified(tmp_path: Path, authority: Authority, *hosts: str) -> tuple[Path, int]:
    """The file of a server that an authority has certified, and the certificate's serial number."""
    path = tmp_path / f"{trust_in(authority)[:8]}.pem"
    issued = authority.issue_server(hosts or ("localhost",), now=NOW)
    issued.save(path)
    return path, issued.certificate.serial_number


def offering(*certificates: x509.Certificate | bytes, crl: bytes | None = None) -> Rule:
    """What CERT answers: AUTHORITY with these, REVOKED with a list."""

    def cert(_: Session, message: Message) -> list[str]:
        if message.params == ["AUTHORITY"]:
            return authority_lines(certificates).decode().split("\r\n")[:-1]
        if crl is None:
            return [":test.example FAIL CERT NO_LIST :There is none"]
        lines = [f":test.example CERT REVOKED {piece}" for piece in pieces(crl)]
        return [*lines, ":test.example CERT END REVOKED"]

    return cert


class Visitor:
    """Somebody who comes to a saved server: what they are told, and what is saved then."""

    def __init__(self, servers: SavedServers) -> None:
        self.servers = servers
        self.told: list[str] = []

    def door(
        self, server: SavedServer, authority: Authority | None, login: Login | None = None, **more: object
    ) -> SavedDoor:
        vouching = None if authority is None else authority.certificate
        login = login or Password("alice", PASSWORD)
        return SavedDoor(self.servers, server, vouching, login, self.told.append, **more)  # type: ignore[arg-type]

    def visit(self, door: SavedDoor) -> Client:
        """Come in, and go."""
        client = Client(_nobody)
        try:
            door.open(client, ())
            client.sync()
        finally:
            client.leave()
            door.finish()
        return client


def _nobody(_: Event) -> None:
    pass
