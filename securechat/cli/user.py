"""`securechat user`: the accounts of a chat, whether its server runs or not (see `place`)."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final

import typer

from securechat.cli.endings import FAILED, complain, stop
from securechat.cli.invite import Authority, Expires, Host, Port, link_endings, make, moment, wish_of
from securechat.cli.place import ConfigFile, Data, MistakeError, Place, endings
from securechat.cli.tables import AsJSON, show
from securechat.irc.names import MAX_NICK, casefold, valid_nick
from securechat.server.config import Limits
from securechat.server.control import AccountLine
from securechat.server.control_lines import CertificateLine

__all__ = ["user"]

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
    with endings():
        place = _place(name, data, config)
        if not password_stdin and _is_known(place, name) is True:
            raise MistakeError(f"there is an account {name} already")
        password = _new_password(name, password_stdin)
        place.ask(lambda operator: operator.add_account(name, password, admin=admin))
    typer.echo(f"added {name}")


@user.command("list")
def list_accounts(
    as_json: AsJSON = False,
    data: Data = None,
    config: ConfigFile = None,
) -> None:
    """Show all accounts."""
    with endings():
        accounts = Place(data, config).ask(lambda operator: operator.list_accounts())
    show(accounts, _rows, "there are no accounts yet: make one with `securechat user add NAME`", as_json)


@user.command()
def passwd(name: Name, password_stdin: PasswordStdin = False, data: Data = None, config: ConfigFile = None) -> None:
    """Give an account a new password. Ends its sessions."""
    with endings():
        place = _place(name, data, config)
        if not password_stdin and _is_known(place, name) is False:
            raise MistakeError(f"there is no account {name}")
        password = _new_password(name, password_stdin)
        place.ask(lambda operator: operator.set_password(name, password))
    typer.echo(f"changed the password of {name}")


@user.command(short_help="Make a link with which somebody sets a new password.")
def reset(
    name: Name,
    expires: Expires = "24h",
    host: Host = None,
    port: Port = None,
    ca: Authority = None,
    data: Data = None,
    config: ConfigFile = None,
) -> None:
    """Make a link with which somebody sets the password of their account anew.

    Until it is used the old one is good. It takes the place of the last such link.
    """
    with link_endings():
        place = _place(name, data, config)
        made = make(place, wish_of(name, expires, host, port, ca, reset=True))
    complain(
        f"with this link {made.name} sets a new password, until {moment(made.until)}: they say `securechat join "
        "'LINK'`; the old one is good until then"
    )


@user.command(short_help="Show an account's own certificates, or take one away.")
def certs(
    name: Name,
    remove: Annotated[
        str | None,
        typer.Option(
            metavar="FINGERPRINT",
            help="Take this one away, and end the sessions that logged in with it. The first 8 digits will do.",
            show_default=False,
        ),
    ] = None,
    as_json: AsJSON = False,
    data: Data = None,
    config: ConfigFile = None,
) -> None:
    """Show the certificates that an account has registered as its own, or take one away."""
    with endings():
        place = _place(name, data, config)
        if remove is not None:
            wanted = remove
            gone = place.ask(lambda operator: operator.remove_certificate(name, wanted))
            typer.echo(f"removed {gone}")
            return
        certificates = place.ask(lambda operator: operator.list_certificates(name))
    show(certificates, _certificate_rows, f"{name} has registered no certificates", as_json)


@user.command()
def disable(name: Name, data: Data = None, config: ConfigFile = None) -> None:
    """Let an account log in no more. Ends its sessions; what it wrote stays."""
    with endings():
        _place(name, data, config).ask(lambda operator: operator.set_enabled(name, False))
    typer.echo(f"disabled {name}")


@user.command()
def enable(name: Name, data: Data = None, config: ConfigFile = None) -> None:
    """Let a disabled account log in again."""
    with endings():
        _place(name, data, config).ask(lambda operator: operator.set_enabled(name, True))
    typer.echo(f"enabled {name}")


@user.command()
def remove(
    name: Name,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask whether you are sure.")] = False,
    data: Data = None,
    config: ConfigFile = None,
) -> None:
    """Remove an account for good. Ends its sessions. At a terminal it asks first."""
    with endings():
        place = _place(name, data, config)
        if not yes and _at_terminal() and not _sure(name):
            stop("nothing was removed", FAILED)
        place.ask(lambda operator: operator.remove_account(name))
    typer.echo(f"removed {name}")


@user.command("hash", short_help="Show the hash of a password, for the configuration.")
def hash_(password_stdin: PasswordStdin = False) -> None:
    """Show the hash of a password, for an operator in the configuration. Changes no account.

    Asks twice for the password, unless it stands in SECURECHAT_PASSWORD.
    """
    # Here, since none of the other commands hashes anything while a server runs.
    from securechat.server.password_rules import objection_to
    from securechat.store.passwords import Hasher

    with endings():
        given = None if password_stdin else os.environ.get("SECURECHAT_PASSWORD")
        password = _checked(given) if given is not None else _new_password(None, password_stdin)
        objection = objection_to(password, "", Limits().min_password_length)
        if objection is not None:
            raise MistakeError(objection.sentence[0].lower() + objection.sentence[1:])
        shown = Hasher().hash(password)
    typer.echo(shown)


def _place(name: str, data: Path | None, config: Path | None) -> Place:
    """The place in which an account of that name can be."""
    if not valid_nick(name):
        raise MistakeError(
            f"{name!r} can't be the name of an account: that is at most {MAX_NICK} ASCII letters, digits and "
            f"-_[]\\^{{}}|`, with no digit and no - in front"
        )
    return Place(data, config)


def _is_known(place: Place, name: str) -> bool | None:
    """Whether there is such an account, so that nobody thinks of a password for nothing; None: no server runs."""
    accounts = place.glance(lambda operator: operator.list_accounts())
    return None if accounts is None else casefold(name) in {casefold(account.name) for account in accounts}


def _new_password(name: str | None, from_stdin: bool) -> str:
    if from_stdin:
        return _first_line()
    if not _at_terminal():
        raise MistakeError("there is no terminal to ask for the password on: use --password-stdin")
    from securechat.client.password import hidden_line  # operators' commands have no use for the rest of the client

    try:
        password = hidden_line(f"New password for {name}: " if name is not None else "New password: ")
        again = hidden_line("The same again: ")
    except EOFError:
        raise MistakeError("no password was given") from None
    except UnicodeDecodeError:
        pass  # that exception has in it what was typed, so ours is raised outside, where it is not chained to it
    else:
        if password != again:
            raise MistakeError("the two passwords are not the same")
        return _checked(password)
    raise MistakeError(_NOT_UTF8)


def _first_line() -> str:
    line = sys.stdin.buffer.readline(_LONGEST_LINE) if sys.stdin is not None else b""
    # Bytes that are no UTF-8 become lone surrogates, which are refused.
    return _checked(line.rstrip(b"\r\n").decode(errors="surrogateescape"))


def _checked(password: str) -> str:
    """What is wrong with a password before anybody is asked; the rest is the operator's to say."""
    if not password:
        raise MistakeError("the password is empty")
    if any("\ud800" <= character <= "\udfff" for character in password):
        raise MistakeError(_NOT_UTF8)
    return password


def _sure(name: str) -> bool:
    print(f"Remove {name} for good? [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _at_terminal() -> bool:
    return sys.stdin is not None and sys.stdin.isatty()


def _shown(text: str) -> str:
    """What somebody else has written, so that it can't drive the terminal."""
    return text if text.isprintable() else ascii(text)


def _certificate_rows(certificates: Sequence[CertificateLine]) -> list[tuple[str, ...]]:
    rows = [(line.fingerprint, line.added, line.expires, _shown(line.name)) for line in certificates]
    return [("FINGERPRINT", "ADDED", "EXPIRES", "NAME"), *rows]


def _rows(accounts: Sequence[AccountLine]) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = [("NAME", "ROLE", "STATE", "ONLINE", "CREATED")]
    for line in accounts:
        state = "enabled" if line.enabled else "disabled"
        rows.append((line.name, line.role, state, "yes" if line.online else "no", line.created))
    return rows
