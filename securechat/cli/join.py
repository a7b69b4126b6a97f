"""`securechat join`: from an invitation, one line of text, into the chat, on a machine that knows nothing of it."""

from __future__ import annotations

import getpass
import os
import sys
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final

import typer
from cryptography import x509

from securechat.cli.chatting import (
    STATUSES,
    Cert,
    Channels,
    Device,
    History,
    Manner,
    PasswordFile,
    Patience,
    Reconnect,
    Remember,
    Visit,
    at_terminal,
    check_channels,
    descriptor,
    endings,
    tell,
)
from securechat.cli.destination import login_name, require_device, require_name
from securechat.client import keyrings
from securechat.client.errors import MistakeError, NameRefusedError, NewPasswordRefusedError
from securechat.client.joining import Invited, first_look
from securechat.client.logins import Invitation
from securechat.client.password import ask_new_password, given_password
from securechat.client.saved_door import SavedDoor
from securechat.client.servers import SYSTEM, SavedServer, SavedServers
from securechat.irc.links import JoinLink, LinkError
from securechat.irc.names import MAX_NICK, casefold, valid_nick
from securechat.irc.words import UnsendableError

_LONGEST: Final = 4096  # characters of a line that are looked at
_STDIN: Final = "-"


def join(
    link: Annotated[
        str,
        typer.Argument(
            metavar="LINK",
            help="The invitation, in quotes; - or nothing reads it from the input, which keeps it out of the list of "
            "processes that others can see, and out of the shell's history.",
            show_default=False,
        ),
    ] = _STDIN,
    user: Annotated[
        str | None,
        typer.Option("--user", metavar="NAME", help="The account to make; else it asks.", show_default=False),
    ] = None,
    save_as: Annotated[
        str | None,
        typer.Option(
            "--save-as", metavar="NAME", help="What to call the server here; else its host.", show_default=False
        ),
    ] = None,
    cert: Cert = None,
    channel: Channels = None,
    password_file: PasswordFile = None,
    remember: Remember = False,
    history: History = None,
    device: Device = "",
    reconnect: Reconnect = True,
    patience: Patience = 120.0,
) -> None:
    with endings():
        manner = Manner(check_channels(channel), history, reconnect, patience)
        if user is not None:
            require_name(user)
        require_device(device)
        invitation = _parsed(_from_input() if link == _STDIN else link)
        if remember:
            keyrings.require()
        given = given_password(password_file, warn=tell)
        authority, invited = first_look(invitation, cert, datetime.now(UTC))
        newcomer = _Newcomer(invitation, invited, authority, cert, device, save_as, remember)
        newcomer.choose_name(user)
        vouching = "an authority of this system" if authority is None else "the authority that the link is from"
        _enter(newcomer, manner, given, may_rename=user is None and not invited.name).run(vouching)


join.__doc__ = "\n\n".join(
    (
        "Come to a chat by an invitation: a link, securechat://HOST:PORT/CODE#FINGERPRINT, from somebody who runs it.",
        "It makes sure that the server is the one that the link is from, asks for a name and a password, makes the "
        "account, saves the server, and you are in the chat. From then on `securechat connect` is enough.",
        "A link for a new password asks for nothing but that. In a pipe nothing is asked: the password is that of "
        "SECURECHAT_PASSWORD or --password-file, and every line of the input (behind the link, if that comes there) is "
        "said in the first channel, as with `securechat connect`.",
        STATUSES,
    )
)


def _enter(newcomer: _Newcomer, manner: Manner, given: str | None, *, may_rename: bool) -> Visit:
    """Make the account, and come in with it; ask again for what the server does not take, if somebody typed it."""
    password = given
    while True:
        if password is None:
            password = ask_new_password(newcomer.name, may_ask=at_terminal(), tell=tell)
        visit = Visit(newcomer.door(password), manner)
        try:
            visit.connect()
        except NameRefusedError as error:
            if not (may_rename and at_terminal()):
                raise
            tell(str(error))
            if error.code == "ACCOUNT_EXISTS":
                tell(f"if that account is yours, leave with Ctrl-C, and log in: {newcomer.login_line()}")
            newcomer.ask_name()
        except NewPasswordRefusedError as error:
            if given is not None:
                raise
            tell(str(error))
            password = None
        except UnsendableError:
            if given is not None:
                raise MistakeError("the password is too long for this server") from None
            tell("the password is too long for this server")
            password = None
        else:
            return visit


@dataclass(slots=True)
class _Newcomer:
    """Who comes, as far as it is known."""

    link: JoinLink
    invited: Invited
    authority: x509.Certificate | None
    cert: Path | None
    device: str
    save_as: str | None
    remember: bool
    name: str = ""

    def choose_name(self, user: str | None) -> None:
        """The name: that which the invitation is for, what was said, or what somebody types."""
        own = self.invited.name
        if own and user is not None and casefold(user) != casefold(own):
            raise MistakeError(f"this link is for {own}, and not for {user}")
        if own:
            what = "lets you choose a new password for" if self.invited.resets else "is an invitation for"
            tell(f"this link {what} {own}")
        if own or user is not None:
            self.name = own or user or ""
        elif at_terminal():
            self.ask_name()
        else:
            self.name = _system_name()
            if not self.name:
                raise MistakeError("which name shall the account have? Say it with --user")
            tell(f"the account will be {self.name}")
        self._saved_as()  # before anything is done: whether it can be saved under the name that was wished for

    def ask_name(self) -> None:
        """Ask until it is a name that can be one."""
        default = _system_name() if not self.name else ""
        while True:
            line = _line(f"Your name{f' [{default}]' if default else ''}: ")
            if valid_nick(name := line or default):
                self.name = name
                return
            tell(f"a name has up to {MAX_NICK} letters, digits and -_[]\\^{{}}|`, and no digit or - in front")

    def door(self, password: str) -> SavedDoor:
        """The way in, by which the account is made; then the server is saved."""
        servers, server = SavedServers(), self._server()
        login = Invitation(self.link.code, self.name, password, login_name(self.name, server.device))
        remember = self.remember or server.keyring
        return SavedDoor(
            servers, server, self.authority, login, tell, certificate=self.cert, saved=False, remember=remember
        )

    def login_line(self) -> str:
        """What somebody types who has the account already."""
        server = self._server()
        saved = SavedServers()
        known = server.name in saved.names() and saved.load(server.name).is_same(server.host, server.port, server.user)
        return f"securechat connect {server.name}" if known else server.again

    def _server(self) -> SavedServer:
        """What is to be saved: what is known of the same server already, and what is new of it."""
        name, servers = self._saved_as(), SavedServers()
        trust = SYSTEM if self.authority is None else self.link.fingerprint or SYSTEM
        server = SavedServer(name, self.link.host, self.link.port, self.name, trust, self.cert is not None, self.device)
        if name not in servers.names():
            return server
        known = servers.load(name)
        certificate, device = server.certificate or known.certificate, server.device or known.device
        return replace(server, certificate=certificate, device=device, keyring=known.keyring)

    def _saved_as(self) -> str:
        return SavedServers().name_for(self.link.host, self.link.port, self.name, self.save_as)


def _parsed(text: str) -> JoinLink:
    try:
        return JoinLink.parse(text.strip())
    except LinkError as error:
        raise MistakeError(f"that is no invitation: {error}") from None


def _from_input() -> str:
    """The first line of the input. What comes behind it in a pipe is left there: it is to be said in the chat."""
    if at_terminal():
        return _line("Your invitation, the whole link: ")
    source = descriptor(sys.stdin)
    line = b""
    if source is not None:
        try:
            while len(line) <= _LONGEST and not line.endswith(b"\n") and (byte := os.read(source, 1)):
                line += byte
        except OSError as error:
            raise MistakeError(f"the link can't be read from the input ({error.strerror})") from error
    if not line.strip():
        raise MistakeError("there is no link in the input: its first line has to be the invitation")
    return line.decode(errors="replace")


def _line(question: str) -> str:
    """What somebody types. Raises `MistakeError` where nothing comes any more."""
    line = ""
    try:
        print(question, end="", file=sys.stderr, flush=True)
        line = sys.stdin.readline(_LONGEST)
    finally:
        if not line.endswith("\n"):  # Ctrl-C or Ctrl-D: what comes next would stand behind the question
            print(file=sys.stderr, flush=True)
    if not line:
        raise MistakeError("nothing was typed")
    return line.strip()


def _system_name() -> str:
    """What the user is called on this machine, where that can be the name of an account."""
    try:
        name = getpass.getuser()
    except (OSError, KeyError, ImportError):
        return ""
    return name if valid_nick(name) else ""
