"""`securechat passwd`: a new password for one's own account, on the server."""

from __future__ import annotations

import sys
from typing import Annotated, Final

import typer

from securechat.cli.chatting import STATUSES, Cert, at_terminal, endings, tell
from securechat.cli.destination import Wanted, find
from securechat.cli.errands import CA, Host, Port, Server, User, on_event
from securechat.client.errand import errand
from securechat.client.errors import MistakeError
from securechat.client.events import Event
from securechat.client.identity_words import CERTIFICATES_STAY, certificates_stay
from securechat.client.logins import Password
from securechat.client.password import hidden_line
from securechat.client.passwords import NEW_QUESTIONS, OLD_QUESTION, change, new_password, require_both, why_not
from securechat.client.servers import SavedServers

_LONGEST: Final = 8192  # bytes of a line; no password is longer


def passwd(
    server: Server = None,
    user: User = None,
    host: Host = None,
    port: Port = None,
    ca: CA = None,
    cert: Cert = None,
    password_stdin: Annotated[
        bool,
        typer.Option(
            "--password-stdin",
            help="Take the old password from the first line of standard input, and the new one from the second.",
        ),
    ] = False,
) -> None:
    with endings():
        destination = find(Wanted(server, user, host, port, ca, cert=cert), SavedServers())
        destination.announce(tell)
        given = _from_stdin() if password_stdin else None
        if given is None and not at_terminal():
            raise MistakeError("there is no terminal to ask for the passwords on: use --password-stdin")
        door = destination.door_of(None, tell)
        if given is None:
            door.verify()
        old, new = given or _asked()
        # The old one has to be known whatever else would let one in; and no device comes to the chat.
        door.login = Password(destination.user, old)
        events: list[Event] = []

        def keep(event: Event) -> None:
            on_event(event)
            events.append(event)

        with errand(door, keep) as client:
            request = change(client, old, new)
            client.wait(lambda: request.settled)
            if request.refusal is not None:
                raise why_not(request.refusal)
            door.password_changed(new)
    typer.echo(f"changed the password of {destination.user}; your other devices have to log in again")
    if any(map(certificates_stay, events)):
        typer.echo(f"{CERTIFICATES_STAY}, in the chat")


# The help: each paragraph is one line, which is broken where the terminal ends.
passwd.__doc__ = "\n\n".join(
    (
        "Change your own password, on the server: asks for the old one, and twice for the new one.",
        "Your other devices have to log in again then. In the chat, /passwd does the same. Whoever runs the server and "
        "wants to give somebody else a new password uses `securechat user passwd`, which needs no old one.",
        STATUSES,
    )
)


def _asked() -> tuple[str, str]:
    try:
        old = hidden_line(OLD_QUESTION)
        if not old:
            raise MistakeError("the old password is empty: nothing was changed")
        new, again = (hidden_line(question) for question in NEW_QUESTIONS)
        return old, new_password(new, again)
    except EOFError:
        raise MistakeError("no password was given: nothing was changed") from None
    except UnicodeDecodeError:
        pass  # that exception has in it what was typed, so ours is raised outside, where it is not chained to it
    raise MistakeError("what was typed is not UTF-8")


def _from_stdin() -> tuple[str, str]:
    lines = [sys.stdin.buffer.readline(_LONGEST).rstrip(b"\r\n") if sys.stdin is not None else b"" for _ in range(2)]
    try:
        old, new = (line.decode() for line in lines)
    except UnicodeDecodeError:
        pass  # as above
    else:
        if not old or not new:
            raise MistakeError("standard input has to have the old password on its first line, the new one behind it")
        require_both(old, new)
        return old, new
    raise MistakeError("the passwords on standard input are not UTF-8")
