"""How to get into a chat on a server that is saved, or is to be saved once one has come in.

Besides what a `Door` does, each time:

- *An authority that was replaced* is followed (`pki.succession`): whoever trusted the old one trusts the new one that
  it has signed, which takes its place here. Without that signature the server is refused, as anybody could say that
  they have a new one.
- *What the authority has revoked* is asked for when one has come in (`CERT REVOKED`), and kept for the next connection.
- *The server* is saved when there is an account, not before, but then also if one did not come in.
- *The password* goes to the system's keyring, where the user asked for that.
"""

import ssl
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Final

from cryptography import x509

from securechat.client import keyrings
from securechat.client.certificate_files import Saved
from securechat.client.connection import Client
from securechat.client.door import Door
from securechat.client.errors import ClientError, MistakeError, SaveError, ServerNotThereError
from securechat.client.first_contact import described, not_the_server, offered_authorities
from securechat.client.logins import Certificate, Invitation, Login, Password
from securechat.client.requests import Request
from securechat.client.servers import SavedServer, SavedServers
from securechat.irc.names import casefold
from securechat.pki import PKIError
from securechat.pki.files import read_if_there
from securechat.pki.revocation import RevocationList
from securechat.pki.succession import follow
from securechat.tls.contexts import client_context
from securechat.tls.errors import TLSError, UnknownAuthority

_PATIENCE: Final = 2.0  # seconds for what is still to be written down when the chat is over


class SavedDoor(Door):
    """One way into one saved server.

    `authority`: the one that `server` trusts; None where the system's decide. `tell(sentence)`: for the user, from any
    thread. `certificate`: a file with one's own, that is shown to the server. `saved`: whether `server` is on the disk
    already. `login`: None until there is one. `remember`: whether the password is to be kept in the keyring. `user`:
    the account, where it is another than that of `server`.
    """

    def __init__(
        self,
        servers: SavedServers,
        server: SavedServer,
        authority: x509.Certificate | None,
        login: Login | None,
        tell: Callable[[str], None],
        *,
        certificate: Path | None = None,
        saved: bool = True,
        remember: bool = False,
        user: str = "",
    ) -> None:
        self.server = server
        self._servers = servers
        self._authority = authority
        self._tell = tell
        self._certificate = certificate
        self._saved = saved
        self._on_disk = saved  # not always, where it was to be saved
        self._remember = remember
        self._revoked = self._known_list() if saved else None
        self._learning: threading.Thread | None = None
        self._invited = isinstance(login, Invitation)
        super().__init__(server.host, server.port, self._context(), user or server.user, login)

    def verify(self) -> None:
        """As `Door.verify`: also what is revoked counts, and an authority that was replaced is followed."""
        try:
            super().verify()
        except UnknownAuthority as error:
            self._follow(error, super().verify)

    def open(self, client: Client, later: Iterable[str]) -> None:
        """Connect, verify the server, log in. Raises what `Client.connect` raises."""
        later = tuple(later)
        came = False
        try:
            try:
                super().open(client, later)
            except UnknownAuthority as error:
                self._follow(error, partial(super().open, client, later))
            came = True
        finally:
            if not self._saved and (came or self._has_account()):
                self._save()
        self._keep_password()
        if self._on_disk and self._authority is not None and client.peer.authority_fingerprint == self.server.trust:
            with suppress(ClientError):  # the connection has ended: the next one will do it
                # Asked before anything else is, so that the answer has come when all else is answered.
                asked = client.request("CERT", "REVOKED", quiet=True)
                learn = threading.Thread(target=self._learn, args=(client, asked, self._authority), daemon=True)
                learn.start()
                self._learning = learn

    def finish(self) -> None:
        """The chat is over: wait for what is still written down, though not long."""
        if self._learning is not None:
            self._learning.join(_PATIENCE)

    def password_changed(self, password: str) -> None:
        """The account has another password now; the keyring is to have it as well, if it has the old one."""
        super().password_changed(password)
        self._remember = self._remember or (self.server.keyring and self._own)
        self._keep_password()

    @property
    def saved(self) -> Saved | None:
        """The saved server that it leads to; None as long as it is not on the disk, and for another account."""
        return (self._servers, self.server) if self._on_disk and self._own else None

    @property
    def _own(self) -> bool:
        """Whether it is for the account that the server is saved with."""
        return casefold(self.account) == casefold(self.server.user)

    # -- whom one trusts ----------------------------------------------------------------------------------------------

    def _context(self) -> ssl.SSLContext:
        revoked = None if self._revoked is None else self._revoked.der()
        return client_context(self._authority, self._certificate, crl=revoked)

    def _follow(self, error: UnknownAuthority, connect: Callable[[], None]) -> None:
        """The server has another authority: take it over if ours has signed it, and `connect`; raise `error` if not."""
        if self._authority is None:
            raise error
        if not self._saved:
            raise not_the_server(self.host, self.port) from error
        try:
            present, *steps = offered_authorities(self.host, self.port)
            trusted = follow(self._authority, [present, *steps], datetime.now(UTC))
            info = described(present)
        except (TLSError, ServerNotThereError):
            trusted = info = None
        if not trusted or info is None:
            raise UnknownAuthority(
                f"what answers at {self.host} port {self.port} is not signed by the authority that is saved as "
                f"{self.server.name}, nor by one that this has appointed: somebody may be in between, so nothing was "
                "sent to it; ask whoever runs the server, by another way, and only if they have made a new authority "
                "use an invitation or the fingerprint that they give you"
            ) from error
        self._authority, self._revoked = present, None
        self.server = replace(self.server, trust=info.spki_fingerprint)
        self.context = self._context()
        connect()
        try:
            # What is on the disk may have changed meanwhile, by a command or another window.
            self._servers.put(replace(self._servers.load(self.server.name), trust=self.server.trust), present)
        except (MistakeError, SaveError) as failed:
            self._tell(str(failed))
        self._tell(
            f"the authority of {self.server.name} was replaced: the one that you trusted has signed the new one, which "
            f"is trusted from now on; its fingerprint is {self.server.trust}"
        )

    def _known_list(self) -> RevocationList | None:
        """What is known to be revoked, if the list is still good: one that has ended would keep every server out."""
        found = None if self._authority is None else self._servers.revoked(self.server)
        if self._authority is None or found is None:
            return None
        try:
            known = RevocationList.parse(found, self._authority, "ca.crl")
        except PKIError as error:
            raise self._servers.damaged(self.server.name, str(error)) from None
        end = known.crl.next_update_utc
        return known if end is not None and end > datetime.now(UTC) else None

    def _learn(self, client: Client, asked: Request, authority: x509.Certificate) -> None:
        """Keep what `authority` has revoked, if it is news. A thread of its own, for it has to wait for the answer."""
        with suppress(ClientError):
            client.wait(lambda: asked.settled)
            if asked.refusal is not None or len(asked.things) != 1:
                return
            try:
                news = RevocationList.parse(asked.things[0], authority, "what the server gave")
                # It may have been replaced meanwhile; and an older list would give back what was taken away.
                if authority is not self._authority or (self._revoked and news.number <= self._revoked.number):
                    return
                self._servers.keep_revoked(self.server, news.pem())
            except (PKIError, SaveError) as error:
                self._tell(f"the list of certificates that were revoked is not kept: {error}")
                return
            self._revoked = news
            with suppress(TLSError):  # it says when the next connection is made
                self.context = self._context()

    # -- what is kept -------------------------------------------------------------------------------------------------

    def _has_account(self) -> bool:
        """Whether an invitation has been taken, even if the connection broke just then."""
        return self._invited and not isinstance(self.login, Invitation)

    def _save(self) -> None:
        self._saved = True
        own = None
        try:
            if self.server.certificate and self._certificate is not None:
                own = read_if_there(self._certificate)
            self._servers.put(self.server, self._authority, own)
            alone = self._servers.names() == [self.server.name]
        except (ClientError, PKIError) as error:
            self._tell(str(error))
            made = "your account is there all the same; when" if self._has_account() else "when"
            self._tell(f"{made} that is put right, come back with: {self.server.again}")
        else:
            self._on_disk = True
            again = "securechat connect" if alone else f"securechat connect {self.server.name}"
            self._tell(f"the server is saved as {self.server.name}: `{again}` comes back to it")

    def _keep_password(self) -> None:
        if not self._remember:
            return
        self._remember = False
        if (password := _password_of(self.login)) is None:
            self._tell("nothing was put into the keyring, since no password was needed")
            return
        try:
            keyrings.remember(self.server, password)
            if not self.server.keyring:
                self.server = replace(self._servers.load(self.server.name), keyring=True)
                self._servers.change(self.server)
        except (MistakeError, SaveError) as error:
            self._tell(str(error))


def _password_of(login: Login | None) -> str | None:
    match login:
        case Password(password=password) | Certificate(otherwise=Password(password=password)):
            return password
    return None
