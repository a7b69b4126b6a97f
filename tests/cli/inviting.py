"""A server of the tests that makes accounts for those who have an invitation, as ours does."""

from pathlib import Path

from cryptography import x509

from securechat.irc.links import JoinLink
from securechat.irc.message import Message
from securechat.pki.certificate import spki_fingerprint
from tests.client.posts import authority_lines
from tests.client.support import Peer, Session

CODE = "Zm9vYmFyYmF6cXV4cXV1eA"
PLAIN = {"sasl": "PLAIN", "draft/account-registration": "before-connect", "standard-replies": "", "echo-message": ""}


class Inviting(Peer):
    """`certs` has `ca.pem` and `server.pem`. `check`: what it says of the invitation. Passwords of less than 8
    characters are too weak, and the names of `accounts` are taken, unless `resets`."""

    def __init__(self, certs: Path, check: str = "NOTE INVITATION VALID * account :It is good") -> None:
        super().__init__(certs / "server.pem", PLAIN)
        self.authority = x509.load_pem_x509_certificate((certs / "ca.pem").read_bytes())
        self.check = check
        self.resets = False
        self._codes: dict[Session, str] = {}
        self.rules |= {
            "CERT": self._cert,
            "INVITATION": self._invitation,
            "PASS": self._pass,
            "REGISTER": self._register,
        }

    @property
    def link(self) -> str:
        """The invitation."""
        return JoinLink("localhost", self.port, CODE, spki_fingerprint(self.authority.public_key())).format()

    def _cert(self, _: Session, message: Message) -> list[str]:
        if message.params != ["AUTHORITY"]:
            return [":test.example FAIL CERT NO_LIST :There is none"]
        return authority_lines([self.authority]).decode().split("\r\n")[:-1]

    def _invitation(self, _: Session, message: Message) -> list[str]:
        assert message.params == ["CHECK", CODE]
        return [f":test.example {self.check}"]

    def _pass(self, session: Session, message: Message) -> list[str]:
        self._codes[session] = message.params[0]
        return []

    def _register(self, session: Session, message: Message) -> list[str]:
        name, _, password = message.params
        assert self._codes[session] == f"invite:{CODE}"
        if name in self.accounts and not self.resets:
            return [f":test.example FAIL REGISTER ACCOUNT_EXISTS {name} :There is one already"]
        if len(password) < 8:
            return [f":test.example FAIL REGISTER WEAK_PASSWORD {name} :At least 8 characters"]
        self.accounts[name] = password
        session.account = name
        return [f":test.example REGISTER SUCCESS {name} :Made"]
