"""What `securechat passwd` and `securechat certs enroll` have in common: the options that say where, and as whom."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from securechat.cli.chatting import tell
from securechat.cli.destination import DEFAULT_CA, DEFAULT_HOST, DEFAULT_PORT
from securechat.client.events import Event, LoginWaiting
from securechat.client.status import sentence

Server = Annotated[
    str | None,
    typer.Argument(
        metavar="SERVER",
        help="A saved server (`securechat servers`); it need not be named where only one fits.",
        show_default=False,
    ),
]
User = Annotated[
    str | None,
    typer.Option("--user", metavar="NAME", help="Your account; that of the saved server.", show_default=False),
]
Host = Annotated[
    str | None,
    typer.Option("--host", help=f"The server, under the name in its certificate; {DEFAULT_HOST}.", show_default=False),
]
Port = Annotated[
    int | None,
    typer.Option("--port", min=1, max=65535, help=f"Its port; {DEFAULT_PORT}.", show_default=False),
]
CA = Annotated[
    Path | None,
    typer.Option(
        "--ca",
        metavar="FILE",
        help=f"The authority that signs the server; {DEFAULT_CA} if it is there, else the system's.",
        show_default=False,
    ),
]


def on_event(event: Event) -> None:
    """Tell who waits for a busy server how long it takes; nothing else of the chat is of interest here."""
    if isinstance(event, LoginWaiting) and (told := sentence(event)) is not None:
        tell(told)
