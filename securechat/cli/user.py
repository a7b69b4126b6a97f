"""`securechat user`: the accounts of a chat, whether its server runs or not.

A server that runs is asked over its control socket. Without one the command takes the data directory's lock, as a
server would, and does the same to the store itself.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from getpass import getpass
from pathlib import Path
from typing import Annotated, Final, TypeVar

import typer

from securechat.cli.endings import FAILED, MISTAKE, complain, stop
from securechat.irc.names import MAX_NICK, valid_nick
from securechat.server import log
from securechat.server.config import Config, ConfigError, Limits, load, with_options
from securechat.server.control import AccountLine, ControlClient, NoServer, Operator, OperatorError, OperatorFailed
from securechat.store.datadir import DataDir, DataDirError, DataDirInUse, UnusableDataDirError

__all__ = ["user"]

T = TypeVar("T")

_PATIENCE: Final = 3.0  # seconds that a server may take to start or to stop
_PAUSE: Final = 0.05  # seconds between two looks
_LONGEST_LINE: Final = 8192  # bytes; no password is longer
_NOT_UTF8: Final = "the password is not UTF-8"

user = typer.Typer(
    help="Manage the accounts of a chat on this machine, whether its server runs or not.",
    epilog="Exit status: 0 done; 1 the server or the system could not do it; 2 something was typed wrongly.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
)

Name = Annotated[str, typer.Argument(metavar="NAME", help="The account.", show_default=False)]
Data = Annotated[
    Path | None,
    typer.Option(
        "--data",
        metavar="DIR",
        help="The server's data directory [default: the configuration's, else the user's own].",
        show_default=False,
    ),
]
ConfigFile = Annotated[
    Path | None,
    typer.Option("--config", metavar="FILE", help="The server's configuration, if it has one.", show_default=False),
]
PasswordStdin = Annotated[
    bool, typer.Option("--password-stdin", help="Take the first line of standard input as the password, for scripts.")
]


@user.command()
def add(
    name: Name,
    admin: Annotated[bool, typer.Option("--admin", help="Make it an administrator of the chat.")] = False,
    password_stdin: PasswordStdin = False,
    data: Data = None,
    config: ConfigFile = None,
) -> None:
    """Make an account. Asks twice for its password."""
    with _endings():
        place = _Place(name, data, config)
        password = _new_password(name, password_stdin)
        place.ask(lambda operator: operator.add_account(name, password, admin=admin))
    typer.echo(f"added {name}")


@user.command("list")
def list_accounts(
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, for scripts.")] = False,
    data: Data = None,
    config: ConfigFile = None,
) -> None:
    """Show all accounts."""
    with _endings():
        accounts = _Place(None, data, config).ask(lambda operator: operator.list_accounts())
    if as_json:
        typer.echo(json.dumps([asdict(account) for account in accounts], indent=2))
    elif accounts:
        typer.echo(_table(accounts))
    else:
        complain("there are no accounts yet: make one with `securechat user add NAME`")


@user.command()
def passwd(name: Name, password_stdin: PasswordStdin = False, data: Data = None, config: ConfigFile = None) -> None:
    """Give an account a new password. Ends its sessions."""
    with _endings():
        place = _Place(name, data, config)
        password = _new_password(name, password_stdin)
        place.ask(lambda operator: operator.set_password(name, password))
    typer.echo(f"changed the password of {name}")


@user.command()
def disable(name: Name, data: Data = None, config: ConfigFile = None) -> None:
    """Let an account log in no more. Ends its sessions; what it wrote stays."""
    with _endings():
        _Place(name, data, config).ask(lambda operator: operator.set_enabled(name, False))
    typer.echo(f"disabled {name}")


@user.command()
def enable(name: Name, data: Data = None, config: ConfigFile = None) -> None:
    """Let a disabled account log in again."""
    with _endings():
        _Place(name, data, config).ask(lambda operator: operator.set_enabled(name, True))
    typer.echo(f"enabled {name}")


@user.command()
def remove(
    name: Name,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask whether you are sure.")] = False,
    data: Data = None,
    config: ConfigFile = None,
) -> None:
    """Remove an account for good. Ends its sessions. At a terminal it asks first."""
    with _endings():
        place = _Place(name, data, config)
        if not yes and _at_terminal() and not _sure(name):
            stop("nothing was removed", FAILED)
        place.ask(lambda operator: operator.remove_account(name))
    typer.echo(f"removed {name}")


@user.command("hash")
def hash_(password_stdin: PasswordStdin = False) -> None:
    """Show the hash of a password, for an operator in the configuration. Changes no account.

    Asks twice for the password, unless it stands in SECURECHAT_PASSWORD.
    """
    # Here, since none of the other commands hashes anything while a server runs.
    from securechat.store.passwords import Hasher, PasswordRefusedError

    with _endings():
        given = None if password_stdin else os.environ.get("SECURECHAT_PASSWORD")
        password = _checked(given) if given is not None else _new_password(None, password_stdin)
        least = Limits().min_password_length
        if len(password) < least:
            raise _MistakeError(f"the password is too short: it needs at least {least} characters")
        try:
            shown = Hasher().hash(password)
        except PasswordRefusedError as error:
            raise _MistakeError(str(error)) from None
    typer.echo(shown)


class _MistakeError(Exception):
    """Something was typed wrongly; ``str()`` says what, without the full stop."""


@contextmanager
def _endings() -> Iterator[None]:
    """Every exception that is somebody's, and not ours, as its sentence and its status."""
    try:
        yield
    except (_MistakeError, ConfigError, OperatorError, UnusableDataDirError) as error:
        stop(error, MISTAKE)
    except (OperatorFailed, DataDirError) as error:
        stop(error, FAILED)


class _Place:
    """The data directory that is meant, and the way to who can change what is in it.

    Made before a password is asked for, so that nobody types one for nothing. ``name`` is the account that the command
    line names, if any.
    """

    def __init__(self, name: str | None, data: Path | None, config: Path | None) -> None:
        if name is not None and not valid_nick(name):
            raise _MistakeError(
                f"{name!r} can't be the name of an account: that is at most {MAX_NICK} ASCII letters, digits and "
                f"-_[]\\^{{}}|`, with no digit and no - in front"
            )
        self._config: Config = with_options(load(config), data=data)
        self._data = DataDir(self._config.store.data)
        for warning in self._config.warnings:
            complain(warning)

    def ask(self, what: Callable[[Operator], T]) -> T:
        """Have the server do it, or do it in its place. `NoServer` means that nothing was done yet."""
        deadline = time.monotonic() + _PATIENCE
        while True:
            try:
                return what(ControlClient(self._data.control_socket))
            except NoServer:
                pass
            try:
                with self._data.lock(), self._operator() as operator:
                    return what(operator)
            except DataDirInUse:
                # By a server that starts and does not listen yet, or stops and does no more; or by another of these
                # commands. All of that is over in a moment.
                if time.monotonic() > deadline:
                    raise
                time.sleep(_PAUSE)

    @contextmanager
    def _operator(self) -> Iterator[Operator]:
        # Here, since with a server that runs the half of it need not be loaded.
        from securechat.server.operator import open_operator

        log.start(log.Level.WARNING)
        with open_operator(self._data, self._config) as operator:
            yield operator


def _new_password(name: str | None, from_stdin: bool) -> str:
    if from_stdin:
        return _first_line()
    if not _at_terminal():
        raise _MistakeError("there is no terminal to ask for the password on: use --password-stdin")
    try:
        password = getpass(f"New password for {name}: " if name is not None else "New password: ")
        again = getpass("The same again: ")
    except EOFError:
        raise _MistakeError("no password was given") from None
    except UnicodeDecodeError:
        pass  # that exception has in it what was typed, so ours is raised outside, where it is not chained to it
    else:
        if password != again:
            raise _MistakeError("the two passwords are not the same")
        return _checked(password)
    raise _MistakeError(_NOT_UTF8)


def _first_line() -> str:
    line = sys.stdin.buffer.readline(_LONGEST_LINE) if sys.stdin is not None else b""
    # Bytes that are no UTF-8 become lone surrogates, which are refused.
    return _checked(line.rstrip(b"\r\n").decode(errors="surrogateescape"))


def _checked(password: str) -> str:
    """What is wrong with a password before anybody is asked; the rest is the operator's to say."""
    if not password:
        raise _MistakeError("the password is empty")
    if any("\ud800" <= character <= "\udfff" for character in password):
        raise _MistakeError(_NOT_UTF8)
    return password


def _sure(name: str) -> bool:
    print(f"Remove {name} for good? [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _at_terminal() -> bool:
    return sys.stdin is not None and sys.stdin.isatty()


def _table(accounts: list[AccountLine]) -> str:
    rows = [("NAME", "ROLE", "STATE", "ONLINE", "CREATED")]
    for line in accounts:
        state = "enabled" if line.enabled else "disabled"
        rows.append((line.name, line.role, state, "yes" if line.online else "no", line.created))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )
