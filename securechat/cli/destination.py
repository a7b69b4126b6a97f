"""Which server is meant, who one is there, and by whom the server is verified: for every command that connects.

A saved server is meant where one fits all that was said (its name, or `--user`, `--host` and `--port`, each if given).
Where several do, one has to say which. Where none does, and with `--ca`, it is the server at `--host` and `--port`, by
default this machine, verified by `--ca`, by `certs/ca.pem` where that is there, or by the authorities of the system.
With `--fingerprint` it is the server that can show the authority whose fingerprint that is; it is saved then.
"""

from __future__ import annotations

import os
import shlex
import stat
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from cryptography import x509

from securechat.client import keyrings
from securechat.client.door import Door
from securechat.client.errors import ClientError, MistakeError
from securechat.client.first_contact import authority_with, described, offered_authorities
from securechat.client.logins import Certificate, Login, Password
from securechat.client.password import Kept, ask_password, given_password, others_can_read
from securechat.client.safe import safe_text
from securechat.client.saved_door import SavedDoor
from securechat.client.servers import MAX_DEVICE, SavedServer, SavedServers, parse_fingerprint, valid_device
from securechat.irc.links import plain_host
from securechat.irc.names import MAX_NICK, casefold, valid_nick
from securechat.tls.contexts import client_context
from securechat.tls.errors import TLSError, UnknownAuthority

DEFAULT_CA: Final = Path("certs/ca.pem")
DEFAULT_HOST: Final = "localhost"
DEFAULT_PORT: Final = 6697

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What was said of it on the command line; None, or empty, for nothing."""

    server: str | None = None
    user: str | None = None
    host: str | None = None
    port: int | None = None
    ca: Path | None = None
    fingerprint: str | None = None
    cert: Path | None = None
    device: str = ""


@dataclass(frozen=True, slots=True)
class Destination:
    """Where to go, and as whom. From `find`."""

    servers: SavedServers
    host: str
    port: int
    user: str
    login: str
    """What to log in as: the account, and the device behind an @."""
    certificate: Path | None
    """A file with one's own certificate, if there is one."""
    server: SavedServer | None = None
    """The saved server, or the one that is to be saved; None where it is neither."""
    authority: x509.Certificate | None = None
    """The one that `server` trusts; None where the system's decide."""
    saved: bool = False
    """Whether `server` is on the disk."""
    ca: Path | None = None
    """The file that verifies a server which is not saved; None: the system's authorities do."""
    pinned: bool = False
    """Whether the user has named that file."""

    def verified_by(self, door: Door) -> str:
        """For people: who vouches for the server. `door`: by which one came; another authority may be saved by now."""
        if not isinstance(door, SavedDoor):
            return str(self.ca or "an authority of this system")
        if self.authority is None:
            return f"an authority of this system, as saved under {door.server.name}"
        return f"the authority {door.server.trust[:16]}… that is saved under {door.server.name}"

    @property
    def own(self) -> bool:
        """Whether it is the account that the server was saved with."""
        return self.server is not None and casefold(self.server.user) == casefold(self.user)

    def announce(self, tell: Tell) -> None:
        """Say which server is meant, where it was not the user alone who said it."""
        if self.server is not None:
            called = "" if not self.saved or self.server.name == self.host else f", saved as {self.server.name}"
            tell(f"connecting to {safe_text(self.host)} port {self.port} as {self.user}{called}")

    def door(self, password_file: Path | None, tell: Tell, *, may_ask: bool, remember: bool = False) -> Door:
        """The way in, with one's certificate if there is one, and the password, where it is at hand or needed.

        Nobody types a password before the server has shown that it is the one (`Door.verify`).

        Raises what `find_password`, `door_of`, `Door.verify` and `Certificate.of` raise.
        """
        password = given_password(password_file, warn=tell, kept=self._kept(tell))
        otherwise = None if password is None else Password(self.login, password)
        if self.certificate is not None:
            if others_can_read(self.certificate):
                tell(f"others on this machine can read {self.certificate}, which lets them log in as you: chmod 600 it")
            return self.door_of(Certificate.of(self.certificate, self.login, otherwise), tell, remember=remember)
        door = self.door_of(otherwise, tell, remember=remember)
        if otherwise is None:
            if may_ask:
                door.verify()
            door.login = Password(self.login, ask_password(self.user, may_ask=may_ask))
        return door

    def _kept(self, tell: Tell) -> Kept | None:
        """The way to the password in the keyring, if it is there."""
        server = self.server
        if server is None or not self.own or not server.keyring:
            return None

        def kept() -> str | None:
            try:
                return keyrings.recall(server)
            except keyrings.KeyringError as error:
                tell(str(error))
                return None

        return kept

    def door_of(self, login: Login | None, tell: Tell, *, remember: bool = False) -> Door:
        """The way in with a login, or with one that is still to come.

        Raises `CertificateFileError`, and `MistakeError` for what is saved and damaged.
        """
        if self.server is None:
            context = client_context(self.ca, self.certificate)
            return Door(self.host, self.port, context, self.user, login)
        return SavedDoor(
            self.servers,
            self.server,
            self.authority,
            login,
            tell,
            certificate=self.certificate,
            saved=self.saved,
            remember=remember,
            user=self.user,
        )

    def how_to_go_on(self, error: Exception) -> Sequence[str]:
        """What somebody can do whose server has an authority that nobody here trusts; nothing for another error."""
        if self.server is not None or self.pinned or not isinstance(error, UnknownAuthority):
            return ()
        try:
            info = described(offered_authorities(self.host, self.port)[0])
        except (ClientError, TLSError):
            return ()
        if info is None:
            return ()
        digits = info.spki_fingerprint
        line = ["securechat", "connect", "--host", safe_text(self.host), "--port", str(self.port), "--user", self.user]
        line += [] if self.certificate is None else ["--cert", safe_text(str(self.certificate))]
        return (
            "Nothing was sent to it, no password either. Who answers there says that the server's authority is the one "
            "whose key has this fingerprint:",
            "",
            f"    {digits}",
            "",
            "Anybody could say so. Ask whoever runs the server, by another way than this connection: there, "
            "`securechat certs show` has it as the `authority key` of the server's certificate. Only if it is the "
            "same, go on with this line, which saves the server:",
            "",
            f"    {shlex.join([*line, '--fingerprint', digits])}",
            "",
            "Or ask for an invitation, a link that has all of this in it, for `securechat join`.",
        )


def find(wanted: Wanted, servers: SavedServers) -> Destination:
    """Which server is meant.

    Raises `MistakeError` where that can't be told; and for a fingerprint what `authority_with` raises, for then the
    server is asked for its authority.
    """
    named = [name for name in ("host", "port", "ca", "fingerprint") if getattr(wanted, name) is not None]
    if wanted.server is not None and named:
        raise MistakeError(f"a saved server has its own host, port and authority: it takes no --{named[0]}")
    if wanted.ca is not None and wanted.fingerprint is not None:
        raise MistakeError("--ca and --fingerprint are two ways to say who vouches for the server: give one of them")
    if wanted.user is not None:
        require_name(wanted.user)
    require_device(wanted.device)
    if wanted.fingerprint is not None:
        return _by_fingerprint(wanted, wanted.fingerprint, servers)
    saved = _saved(wanted, servers)
    return _unsaved(wanted, servers) if saved is None else _of_saved(saved, wanted, servers)


def require_name(user: str) -> None:
    """Raise `MistakeError` for what can't be the name of an account."""
    if not valid_nick(user):
        raise MistakeError(
            f"{safe_text(user)!r} is no name of an account: it has up to {MAX_NICK} letters, digits and -_[]\\^{{}}|`, "
            "and does not begin with a digit or -"
        )


def login_name(user: str, device: str) -> str:
    """What to log in as: the account, and the device behind an @. Raises `MistakeError`."""
    require_device(device)
    return f"{user}@{device}" if device else user


def require_device(device: str) -> None:
    """Raise `MistakeError` for what can't be the name of a device."""
    if not valid_device(device):
        raise MistakeError(
            f"{safe_text(device)!r} is no name of a device: it has up to {MAX_DEVICE} of a-z, 0-9 and -_."
        )


def _saved(wanted: Wanted, servers: SavedServers) -> SavedServer | None:
    """The saved server that is meant; None where none is."""
    if wanted.server is not None:
        return servers.load(wanted.server)
    if wanted.ca is not None:
        return None
    found = servers.find(wanted.host, wanted.port, wanted.user)
    if len(found) > 1:
        names = "; ".join(f"{server.name} ({server.where})" for server in found)
        raise MistakeError(
            f"several saved servers fit, so name one, as in `securechat connect {found[0].name}`: {names}"
        )
    return found[0] if found else None


def _of_saved(server: SavedServer, wanted: Wanted, servers: SavedServers) -> Destination:
    user = wanted.user or server.user
    own = casefold(user) == casefold(server.user)
    return Destination(
        servers,
        server.host,
        server.port,
        user,
        login_name(user, wanted.device or (server.device if own else "")),
        wanted.cert or (servers.certificate_file(server) if own else None),
        server,
        servers.authority(server),
        saved=True,
    )


def _by_fingerprint(wanted: Wanted, text: str, servers: SavedServers) -> Destination:
    fingerprint = parse_fingerprint(text)
    if fingerprint is None:
        raise MistakeError("that is no fingerprint: it has 64 digits of 0-9 and a-f, as `securechat certs show` has it")
    user = _require_user(wanted, servers)
    host, port = plain_host(wanted.host or DEFAULT_HOST), wanted.port or DEFAULT_PORT
    if host is None:
        raise MistakeError(f"{safe_text(wanted.host or '')!r} is no host that can be saved")
    name = servers.name_for(host, port, user)
    authority = authority_with(fingerprint, host, port, datetime.now(UTC))
    server = SavedServer(name, host, port, user, fingerprint, certificate=wanted.cert is not None, device=wanted.device)
    login = login_name(user, wanted.device)
    return Destination(servers, host, port, user, login, wanted.cert, server, authority)


def _unsaved(wanted: Wanted, servers: SavedServers) -> Destination:
    user = _require_user(wanted, servers)
    host, port = wanted.host or DEFAULT_HOST, wanted.port or DEFAULT_PORT
    ca = wanted.ca or _own_authority()
    pinned = wanted.ca is not None
    return Destination(servers, host, port, user, login_name(user, wanted.device), wanted.cert, ca=ca, pinned=pinned)


def _own_authority() -> Path | None:
    """`certs/ca.pem`, if it is there.

    Whoever could put it there could be the server for whoever stands in that directory, so it has to be one's own.
    """
    if not DEFAULT_CA.exists():
        return None
    for path in (DEFAULT_CA, DEFAULT_CA.parent):
        if _is_anybodys(path):
            raise MistakeError(
                f"{path} can be changed by others on this machine, so it may be anybody's: if it is the authority that "
                f"you trust, say --ca {DEFAULT_CA}"
            )
    return DEFAULT_CA


def _is_anybodys(path: Path) -> bool:
    """Whether others than this user and the administrator could have put it there."""
    if os.name != "posix":
        return False
    status = path.stat()
    return status.st_uid not in (0, os.geteuid()) or bool(status.st_mode & stat.S_IWOTH)


def _require_user(wanted: Wanted, servers: SavedServers) -> str:
    if wanted.user is not None:
        return wanted.user
    names = servers.names()
    raise MistakeError(
        f"no saved server fits (saved: {', '.join(names)}): name one, or your account with --user"
        if names
        else "no server is saved here: `securechat join` takes an invitation, or name your account with --user"
    )
