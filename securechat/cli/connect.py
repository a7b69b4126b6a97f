"""`securechat connect`: into a chat, at a terminal or in a pipe."""

from dataclasses import replace
from pathlib import Path
from shutil import get_terminal_size
from textwrap import fill
from typing import Annotated, Final

import typer

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
    endings,
    tell,
)
from securechat.cli.destination import Destination, Wanted, find
from securechat.cli.errands import CA, Host, Port, Server, User
from securechat.client import keyrings
from securechat.client.door import Door
from securechat.client.errors import MistakeError, exit_status
from securechat.client.logins import Certificate
from securechat.client.servers import SavedServers
from securechat.tls.errors import ClientCertificateRefused, UnknownAuthority

_WIDEST: Final = 100  # columns


def connect(
    server: Server = None,
    user: User = None,
    host: Host = None,
    port: Port = None,
    ca: CA = None,
    fingerprint: Annotated[
        str | None,
        typer.Option(
            "--fingerprint",
            metavar="HEX",
            help="That of the authority's key, in its place: the server gives its certificate, and is saved.",
            show_default=False,
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
        wanted = Wanted(server, user, host, port, ca, fingerprint, cert, device)
        destination = find(wanted, SavedServers())
        destination.announce(tell)
        if remember:
            _require_keyring(destination)
        try:
            visit, door = _come_in(destination, manner, password_file, remember)
        except UnknownAuthority as error:
            tell(str(error))
            for line in destination.how_to_go_on(error):
                typer.echo(_broken(line), err=True)
            raise typer.Exit(exit_status(error)) from None
        visit.run(destination.verified_by(door))


# The help: each paragraph is one line, which is broken where the terminal ends.
connect.__doc__ = "\n\n".join(
    (
        "Chat: at a terminal, or in a pipe.",
        "With a saved server (by `securechat join` or --fingerprint) that is all it takes; --user, --host and --port "
        "choose among several, and SERVER names one. Where none fits it is the server on this machine, or at --host.",
        "At a terminal, /help shows what can be typed; exit, Ctrl-C and Ctrl-D leave.",
        "In a pipe every line of the input is said in the first channel, whatever it says, and what others say comes "
        "out as lines: <alice> text. At the end of the input it leaves, when the server has acknowledged all of it.",
        STATUSES,
    )
)


def _come_in(
    destination: Destination, manner: Manner, password_file: Path | None, remember: bool
) -> tuple[Visit, Door]:
    """Come in; without one's certificate where the server has none of it, and there is a password or somebody to ask.

    (It was revoked, or the server has another authority: a saved one would else keep its owner out.)
    """
    door = destination.door(password_file, tell, may_ask=at_terminal(), remember=remember)
    login = door.login
    visit = Visit(door, manner)
    try:
        visit.connect()
    except ClientCertificateRefused as error:
        if not isinstance(login, Certificate) or (login.otherwise is None and not at_terminal()):
            raise
        tell(str(error))
        tell("going on without that certificate; in the chat, /cert enroll makes another")
        return _come_in(replace(destination, certificate=None), manner, password_file, remember)
    return visit, door


def _broken(line: str) -> str:
    """A line of text, broken where the terminal ends; one that is to be copied stays whole."""
    return line if line.startswith(" ") else fill(line, min(get_terminal_size().columns, _WIDEST))


def _require_keyring(destination: Destination) -> None:
    """Before a password is asked for: whether it could be kept."""
    if not destination.own:
        raise MistakeError(
            "--remember is for a saved server, and the account that it was saved with: `securechat join` saves one, "
            "and so does --fingerprint"
        )
    keyrings.require()
