"""What `securechat connect` and `securechat join` have in common: the options of a chat, and the chat itself."""

from __future__ import annotations

import io
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, TextIO

import typer

from securechat.client.door import Door
from securechat.client.errors import (
    EXIT_STATUSES,
    ClientError,
    LoginRefusedError,
    MistakeError,
    OutputClosedError,
    RegistrationRefusedError,
    exit_status,
)
from securechat.client.logins import Certificate, Password
from securechat.client.password import VARIABLE, find_password
from securechat.client.pipe import Pipe
from securechat.client.renewing import renew_if_due
from securechat.client.safe import safe_name, safe_text
from securechat.client.saved_door import SavedDoor
from securechat.client.steady import Steady
from securechat.irc.names import MAX_CHANNEL, casefold, valid_channel
from securechat.tls.errors import TLSError

if TYPE_CHECKING:
    from securechat.client.terminal import Terminal

DEFAULT_CHANNEL: Final = "#lobby"
HISTORY: Final = 30
"""Lines of each conversation that a terminal shows at the start."""
MISSED: Final = 300
"""Messages of one conversation that a terminal shows when the connection is there again."""
MISSED_IN_A_PIPE: Final = 20_000
"""The same for a program that reads them, and doesn't tire."""
_PATIENCE: Final = 2.0  # seconds for a certificate that is being renewed when one leaves

Channels = Annotated[
    list[str] | None,
    typer.Option(
        "--channel",
        metavar="NAME",
        help=f"A channel to join; {DEFAULT_CHANNEL} if none is named, several if repeated.",
        show_default=False,
    ),
]
PasswordFile = Annotated[
    Path | None,
    typer.Option("--password-file", metavar="FILE", help=f"Its first line is the password; else {VARIABLE}."),
]
History = Annotated[
    int | None,
    typer.Option(
        "--history",
        metavar="N",
        min=0,
        max=1000,
        help=f"How many of the last lines of each conversation to show at the start; {HISTORY}, in a pipe none.",
        show_default=False,
    ),
]
Device = Annotated[
    str,
    typer.Option(
        "--device",
        metavar="NAME",
        help="What this device is called: the server tells by it what it has missed.",
        show_default=False,
    ),
]
Reconnect = Annotated[
    bool,
    typer.Option("--reconnect/--no-reconnect", help="Whether a connection that is lost is made again."),
]
Patience = Annotated[
    float,
    typer.Option(
        "--patience",
        metavar="SECONDS",
        min=0,
        help="In a pipe: how long a lost connection is tried for, when the input has ended.",
    ),
]
Remember = Annotated[
    bool,
    typer.Option("--remember", help="Keep the password in the system's keyring (the extra `keyring`)."),
]
Cert = Annotated[Path | None, typer.Option("--cert", metavar="FILE", help="Your client certificate, with its key.")]

STATUSES: Final = "\b\nExit status:\n" + "\n".join(  # the \b keeps these lines as they are
    f"{entry.status:>3}  {entry.meaning}" for entry in sorted(EXIT_STATUSES, key=attrgetter("status"))
)
"""The end of the help of what connects."""


@contextmanager
def endings() -> Iterator[None]:
    """Each error that can come as a sentence and its status; also Ctrl-C."""
    try:
        yield
    except KeyboardInterrupt as interrupt:
        raise typer.Exit(exit_status(interrupt)) from None
    except (ClientError, TLSError) as error:
        if not isinstance(error, OutputClosedError):
            tell(str(error))
        raise typer.Exit(exit_status(error)) from None


@dataclass(frozen=True, slots=True)
class Manner:
    """How one chats, as the options say it."""

    channels: list[str]
    history: int | None
    reconnect: bool
    patience: float


class Visit:
    """One chat: at a terminal, or in a pipe."""

    def __init__(self, door: Door, manner: Manner) -> None:
        self._door = door
        self._renewing: threading.Thread | None = None
        self._screen: Terminal | Pipe
        if at_terminal() and is_terminal(sys.stdout):
            from securechat.client.terminal import Terminal  # takes a while, and a pipe has no use for it

            self._screen = Terminal(manner.channels)
            lines, most = HISTORY if manner.history is None else manner.history, MISSED
        else:
            ends = descriptor(sys.stdin), descriptor(sys.stdout)
            self._screen = Pipe(manner.channels, *ends, tell, manner.patience)
            lines, most = manner.history or 0, MISSED_IN_A_PIPE
        self._chat = Steady(
            self._screen.on_event, door, manner.channels, reconnects=manner.reconnect, history=lines, most=most
        )

    def connect(self) -> None:
        """Come in. Whose certificate is not taken is asked for the password, where there is somebody to ask.

        Raises what `Client.connect` raises; then the visit is over.
        """
        try:
            try:
                self._chat.connect()
            except (LoginRefusedError, RegistrationRefusedError) as error:  # or there is no login by certificate here
                login = self._door.login
                if not isinstance(login, Certificate) or login.otherwise is not None or not at_terminal():
                    raise
                tell(str(error))
                password = find_password(self._door.account, None, may_ask=True, warn=tell)
                self._door.login = replace(login, otherwise=Password(login.login, password))
                self._chat.connect()
        except BaseException:
            self._end("")
            raise

    def run(self, verified_by: str) -> None:
        """Chat. Raises what has ended it, if something has."""
        client, reason = self._chat.client, ""
        try:
            self._screen.greet(
                f"connected to {safe_text(self._door.host)} port {self._door.port}, verified by {verified_by} "
                f"({client.cipher}); it is {safe_name(client.server)}, you are {safe_name(client.nick)}"
            )
            self._renewing = renew_if_due(client, self._door.saved, tell)
            reason = self._screen.run(self._chat)
        finally:
            self._end(reason)

    def _end(self, reason: str) -> None:
        if self._renewing is not None:
            self._renewing.join(_PATIENCE)
        self._chat.leave(reason)
        if isinstance(self._door, SavedDoor):
            self._door.finish()
        if not isinstance(self._screen, Pipe):  # which keeps account of its lines
            for text in self._chat.unsaid():
                tell(f"not acknowledged, and perhaps not said: {text}")


def check_channels(channels: list[str] | None) -> list[str]:
    """The channels, each once. Raises `MistakeError` for a name that can't be one."""
    wanted = channels or [DEFAULT_CHANNEL]
    for name in wanted:
        if not valid_channel(name):
            raise MistakeError(
                f"{safe_text(name)!r} is no name of a channel: it begins with # (in a shell within quotes), "
                f"has no space and no comma, and up to {MAX_CHANNEL} bytes"
            )
    return list({casefold(name): name for name in reversed(wanted)}.values())[::-1]


def at_terminal() -> bool:
    """Whether there is somebody to ask."""
    return is_terminal(sys.stdin)


def is_terminal(stream: TextIO | None) -> bool:
    """Whether a standard stream is one."""
    return stream is not None and stream.isatty()


def descriptor(stream: TextIO | None) -> int | None:
    """The descriptor of a standard stream; None where the program was started without it.

    The number alone won't do: without a standard input, 0 is what was opened first, perhaps the connection.
    """
    try:
        return None if stream is None else stream.fileno()
    except io.UnsupportedOperation:  # something else than a file stands in for it
        return None


def tell(sentence: str) -> None:
    """Tell the user something about this program itself."""
    if sys.stderr is not None:
        print(f"securechat: {safe_text(sentence)}", file=sys.stderr, flush=True)
