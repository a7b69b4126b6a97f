"""`securechat connect`: into a chat, at a terminal or in a pipe."""

from typing import Annotated

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
from securechat.client.errors import MistakeError, exit_status
from securechat.client.servers import SavedServers
from securechat.tls.errors import UnknownAuthority


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
        channels = check_channels(channel)
        wanted = Wanted(server, user, host, port, ca, fingerprint, cert, device)
        destination = find(wanted, SavedServers())
        destination.announce(tell)
        if remember:
            _require_keyring(destination)
        login = destination.login_with(password_file, may_ask=at_terminal(), tell=tell)
        door = destination.door(login, tell, remember=remember)
        visit = Visit(door, Manner(channels, history, reconnect, patience))
        try:
            visit.connect()
        except UnknownAuthority as error:
            tell(str(error))
            for line in destination.how_to_go_on(error):
                typer.echo(line, err=True)
            raise typer.Exit(exit_status(error)) from None
        visit.run(destination.verified_by)


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


def _require_keyring(destination: Destination) -> None:
    """Before a password is asked for: whether it could be kept."""
    if not destination.own:
        raise MistakeError(
            "--remember is for a saved server, and the account that it was saved with: `securechat join` saves one, "
            "and so does --fingerprint"
        )
    keyrings.require()
