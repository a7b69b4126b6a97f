"""`securechat certs enroll`: a certificate by the server's authority, for a key that never leaves this machine."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from securechat.cli.chatting import STATUSES, Cert, PasswordFile, at_terminal, endings, tell
from securechat.cli.destination import Wanted, find
from securechat.cli.errands import CA, Host, Port, Server, User, on_event
from securechat.client.certificate_files import keep, where_to_keep
from securechat.client.enrolling import enrol
from securechat.client.errand import errand
from securechat.client.servers import SavedServers


def enroll(
    server: Server = None,
    user: User = None,
    host: Host = None,
    port: Port = None,
    ca: CA = None,
    cert: Cert = None,
    password_file: PasswordFile = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            metavar="FILE",
            help="A new file for key and certificate; else they are kept with the saved server.",
            show_default=False,
        ),
    ] = None,
) -> None:
    with endings():
        destination = find(Wanted(server, user, host, port, ca, cert=cert), SavedServers())
        saved = (destination.servers, destination.server) if destination.own and destination.server else None
        place = where_to_keep(out, saved)
        destination.announce(tell)
        with errand(destination.door(password_file, tell, may_ask=at_terminal()), on_event) as client:
            issued = enrol(client, destination.user)
        for line in keep(issued, place):
            typer.echo(line)


# The help: each paragraph is one line, which is broken where the terminal ends.
enroll.__doc__ = "\n\n".join(
    (
        "Make a key on this machine and have a server certify it: it logs you in from then on, without a password.",
        "You log in with your password, or with a certificate that you have already. The key stays here: only a "
        "request goes to the server, which has to have the authority of clients (`client-ca.key`). With a saved server "
        "the certificate is kept there, in the place of one before, and `securechat connect` uses it by itself.",
        STATUSES,
    )
)
