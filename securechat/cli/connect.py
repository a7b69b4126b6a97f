"""`securechat connect`: into a chat, at a terminal or in a pipe."""

import io
import sys
from operator import attrgetter
from pathlib import Path
from typing import Annotated, Final, TextIO

import typer

from securechat.client.door import Door
from securechat.client.errors import EXIT_STATUSES, ClientError, MistakeError, OutputClosedError, exit_status
from securechat.client.password import VARIABLE, find_password
from securechat.client.pipe import Pipe
from securechat.client.safe import safe_name, safe_text
from securechat.client.steady import Steady
from securechat.irc.names import MAX_CHANNEL, MAX_NICK, casefold, valid_channel, valid_nick
from securechat.tls.contexts import client_context
from securechat.tls.errors import TLSError

DEFAULT_CA: Final = Path("certs/ca.pem")
DEFAULT_CHANNEL: Final = "#lobby"
HISTORY: Final = 30
"""Lines of each conversation that a terminal shows at the start."""
MAX_DEVICE: Final = 32
MISSED: Final = 300
"""Messages of one conversation that a terminal shows when the connection is there again."""
MISSED_IN_A_PIPE: Final = 20_000
"""The same for a program that reads them, and doesn't tire."""


def connect(
    user: Annotated[str, typer.Option("--user", metavar="NAME", help="Your account.")],
    host: Annotated[str, typer.Option("--host", help="The server, under the name in its certificate.")] = "localhost",
    port: Annotated[int, typer.Option("--port", min=1, max=65535)] = 6697,
    ca: Annotated[
        Path | None,
        typer.Option(
            "--ca",
            metavar="FILE",
            help=f"The authority that signs the server; {DEFAULT_CA} if it is there, else the system's.",
            show_default=False,
        ),
    ] = None,
    cert: Annotated[
        Path | None, typer.Option("--cert", metavar="FILE", help="Your client certificate, with its key.")
    ] = None,
    channel: Annotated[
        list[str] | None,
        typer.Option(
            "--channel",
            metavar="NAME",
            help=f"A channel to join; {DEFAULT_CHANNEL} if none is named, several if repeated.",
            show_default=False,
        ),
    ] = None,
    password_file: Annotated[
        Path | None,
        typer.Option("--password-file", metavar="FILE", help=f"Its first line is the password; else {VARIABLE}."),
    ] = None,
    history: Annotated[
        int | None,
        typer.Option(
            "--history",
            metavar="N",
            min=0,
            max=1000,
            help=f"How many of the last lines of each conversation to show at the start; {HISTORY}, in a pipe none.",
            show_default=False,
        ),
    ] = None,
    device: Annotated[
        str,
        typer.Option(
            "--device",
            metavar="NAME",
            help="What this device is called: the server tells by it what it has missed.",
            show_default=False,
        ),
    ] = "",
    reconnect: Annotated[
        bool,
        typer.Option("--reconnect/--no-reconnect", help="Whether a connection that is lost is made again."),
    ] = True,
    patience: Annotated[
        float,
        typer.Option(
            "--patience",
            metavar="SECONDS",
            min=0,
            help="In a pipe: how long a lost connection is tried for, when the input has ended.",
        ),
    ] = 120.0,
) -> None:
    if ca is None and DEFAULT_CA.exists():
        ca = DEFAULT_CA
    try:
        channels = _check_names(user, channel or [DEFAULT_CHANNEL])
        login = _login(user, device)
        context = client_context(ca, cert)
        password = find_password(user, password_file, may_ask=_is_terminal(sys.stdin), warn=_complain)
        if _is_terminal(sys.stdin) and _is_terminal(sys.stdout):
            from securechat.client.terminal import Terminal  # takes a while, and a pipe has no use for it

            screen: Terminal | Pipe = Terminal(channels)
            lines, most = HISTORY if history is None else history, MISSED
        else:
            screen = Pipe(channels, _descriptor(sys.stdin), _descriptor(sys.stdout), _complain, patience)
            lines, most = history or 0, MISSED_IN_A_PIPE
        door = Door(host, port, context, user, login, password)
        chat = Steady(screen.on_event, door, channels, reconnects=reconnect, history=lines, most=most)
        reason = ""
        try:
            chat.connect()
            client = chat.client
            screen.greet(
                f"connected to {safe_text(host)} port {port}, verified by {ca or 'an authority of this system'} "
                f"({client.cipher}); it is {safe_name(client.server)}, you are {safe_name(client.nick)}"
            )
            reason = screen.run(chat)
        finally:
            chat.leave(reason)
            if not isinstance(screen, Pipe):  # which keeps account of its lines
                _tell_what_is_lost(chat.unsaid())
    except KeyboardInterrupt as interrupt:
        raise typer.Exit(exit_status(interrupt)) from None
    except (ClientError, TLSError) as error:
        if not isinstance(error, OutputClosedError):
            _complain(str(error))
        raise typer.Exit(exit_status(error)) from None


# The help: each paragraph is one line, which is broken where the terminal ends.
connect.__doc__ = "\n\n".join(
    (
        "Chat: at a terminal, or in a pipe.",
        "At a terminal, /help shows what can be typed; exit, Ctrl-C and Ctrl-D leave.",
        "In a pipe every line of the input is said in the first channel, whatever it says, and what others say comes "
        "out as lines: <alice> text. At the end of the input it leaves, when the server has acknowledged all of it.",
        # The \b keeps these lines as they are.
        "\b\nExit status:\n"
        + "\n".join(f"{entry.status:>3}  {entry.meaning}" for entry in sorted(EXIT_STATUSES, key=attrgetter("status"))),
    )
)


def _check_names(user: str, channels: list[str]) -> list[str]:
    """The channels, each once. Raises `MistakeError` for a name that can't be one."""
    if not valid_nick(user):
        raise MistakeError(
            f"{safe_text(user)!r} is no name of an account: it has up to {MAX_NICK} letters, digits and -_[]\\^{{}}|`, "
            "and does not begin with a digit or -"
        )
    for name in channels:
        if not valid_channel(name):
            raise MistakeError(
                f"{safe_text(name)!r} is no name of a channel: it begins with # (in a shell within quotes), "
                f"has no space and no comma, and up to {MAX_CHANNEL} bytes"
            )
    return list({casefold(name): name for name in reversed(channels)}.values())[::-1]


def _login(user: str, device: str) -> str:
    """What to log in as: the account, and the device behind an @. Raises `MistakeError`."""
    if not device:
        return user
    if len(device) > MAX_DEVICE or not all(c.isascii() and (c.isalnum() or c in "-_.") for c in device):
        raise MistakeError(
            f"{safe_text(device)!r} is no name of a device: it has up to {MAX_DEVICE} of a-z, 0-9 and -_."
        )
    return f"{user}@{device}"


def _tell_what_is_lost(unsaid: list[str]) -> None:
    """Tell who leaves what of theirs the server has not acknowledged."""
    for text in unsaid:
        _complain(f"not acknowledged, and perhaps not said: {text}")


def _is_terminal(stream: TextIO | None) -> bool:
    return stream is not None and stream.isatty()


def _descriptor(stream: TextIO | None) -> int | None:
    """The descriptor of a standard stream; None where the program was started without it.

    The number alone won't do: without a standard input, 0 is what was opened first, perhaps the connection.
    """
    try:
        return None if stream is None else stream.fileno()
    except io.UnsupportedOperation:  # something else than a file stands in for it
        return None


def _complain(sentence: str) -> None:
    """Tell the user something about this program itself."""
    if sys.stderr is not None:
        print(f"securechat: {safe_text(sentence)}", file=sys.stderr, flush=True)
