"""`securechat servers`: the servers that one has joined, as they are saved for oneself on this machine."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Annotated

import typer

from securechat.cli.endings import FAILED, MISTAKE, stop
from securechat.cli.tables import AsJSON, table
from securechat.client import keyrings
from securechat.client.errors import ClientError, MistakeError
from securechat.client.safe import safe_text
from securechat.client.servers import SYSTEM, SavedServer, SavedServers
from securechat.pki import CertificateInfo, PKIError
from securechat.pki.revocation import RevocationList

__all__ = ["servers"]

servers = typer.Typer(
    help="The servers that you have joined, as they are saved for you on this machine.",
    epilog="Exit status: 0 done; 1 the system could not do it; 2 something was typed wrongly, or what is saved is "
    "damaged.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
)

Name = Annotated[str, typer.Argument(metavar="NAME", help="What the server is called here.", show_default=False)]


@servers.command("list")
def list_servers(as_json: AsJSON = False) -> None:
    """Show all of them. What is damaged is told, and the others are shown."""
    saved, found, damaged = SavedServers(), [], []
    try:
        for name in saved.names():
            try:
                found.append(saved.load(name))
            except MistakeError as error:
                damaged.append(str(error))
    except MistakeError as error:
        stop(safe_text(str(error)), MISTAKE)
    if as_json:
        typer.echo(json.dumps([asdict(server) for server in found], indent=2))
    elif found:
        typer.echo(_table(found))
    elif not damaged:
        typer.echo("securechat: no server is saved here yet: `securechat join` takes an invitation", err=True)
    if damaged:
        stop(safe_text("; ".join(damaged)), MISTAKE)


@servers.command(short_help="Show where one is, who you are there, what verifies it.")
def show(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="NAME",
            help="What the server is called here; it need not be named where there is only one.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Show what is known of one: where it is, who you are there, and by what it is verified."""
    try:
        saved = SavedServers()
        rows = _facts(saved, saved.load(name.lower()) if name is not None else saved.only(), datetime.now(UTC))
    except MistakeError as error:
        stop(safe_text(str(error)), MISTAKE)
    width = max(len(title) for title, _ in rows)
    for title, text in rows:
        typer.echo(f"{title:{width}}  {safe_text(text)}")


@servers.command(short_help="Forget one, and all that is saved for it.")
def remove(
    name: Name, yes: Annotated[bool, typer.Option("--yes", help="Do not ask whether you are sure.")] = False
) -> None:
    """Forget one: its authority, your certificate for it, and your password, if the keyring has it.

    Your account on the server stays as it is. At a terminal it asks first.
    """
    saved, name = SavedServers(), name.lower()
    try:
        server = _readable(saved, name)
        if not yes and sys.stdin is not None and sys.stdin.isatty() and not _sure(name, server):
            stop("nothing was removed", FAILED)
        if server is not None and server.keyring:
            _forget(server)
        saved.remove(name)
    except ClientError as error:
        stop(safe_text(str(error)), MISTAKE if isinstance(error, MistakeError) else FAILED)
    typer.echo(f"removed {name}")


@servers.command("forget-password", short_help="Take your password out of the system's keyring.")
def forget_password(name: Name) -> None:
    """Take your password for a server out of the system's keyring."""
    try:
        saved = SavedServers()
        server = saved.load(name.lower())
        keyrings.forget(server)
        saved.change(replace(server, keyring=False))
    except ClientError as error:
        stop(safe_text(str(error)), MISTAKE if isinstance(error, MistakeError) else FAILED)
    typer.echo(f"the password for {server.name} is not in the keyring any more")


def _table(found: list[SavedServer]) -> str:
    rows = [("NAME", "HOST", "PORT", "ACCOUNT", "VERIFIED BY")]
    for server in found:
        trust = "the system" if server.trust == SYSTEM else f"{server.trust[:16]}…"
        rows.append((server.name, server.host, str(server.port), server.user, trust))
    return table(rows)


def _facts(saved: SavedServers, server: SavedServer, now: datetime) -> list[tuple[str, str]]:
    facts = [("name", server.name), ("server", f"{server.host} port {server.port}"), ("account", server.user)]
    if server.device:
        facts.append(("device", server.device))
    facts.append(("login", _login(saved, server, now)))
    authority = saved.authority(server)
    if authority is None:
        facts.append(("verified by", "an authority of this system"))
    else:
        info = CertificateInfo.of(authority)
        facts += [
            ("verified by", info.name),
            ("fingerprint", info.spki_fingerprint),
            ("valid until", f"{info.not_after:%Y-%m-%d} ({info.days_left(now)} days)"),
        ]
        if (found := saved.revoked(server)) is not None:
            try:
                known = RevocationList.parse(found, authority, "ca.crl")
            except PKIError as error:
                raise saved.damaged(server.name, str(error)) from None
            count = len(known.entries)
            facts.append(("revoked", f"{count} certificate{'' if count == 1 else 's'} (its list {known.number})"))
    return [*facts, ("kept in", str(saved.path / server.name))]


def _login(saved: SavedServers, server: SavedServer, now: datetime) -> str:
    password = "the password in the system's keyring" if server.keyring else "a password"
    file = saved.certificate_file(server)
    if file is None:
        return password
    try:
        info = CertificateInfo.read(file)
    except PKIError as error:
        raise saved.damaged(server.name, str(error)) from None
    return f"certificate {info.fingerprint} ({info.days_left(now)} days left), else {password}"


def _readable(saved: SavedServers, name: str) -> SavedServer | None:
    """What is saved under a name; None where that is damaged, which can be removed as well."""
    if name not in saved.names():
        return saved.load(name)  # which says that there is none
    try:
        return saved.load(name)
    except MistakeError:
        return None


def _forget(server: SavedServer) -> None:
    """Forget its password too, as far as that is possible."""
    try:
        keyrings.forget(server)
    except keyrings.KeyringError as error:
        typer.echo(f"securechat: {error}: look for `securechat` in the keyring itself", err=True)


def _sure(name: str, server: SavedServer | None) -> bool:
    what = f" ({server.where})" if server is not None else ""
    print(f"Forget {name}{what}? [y/N] ", end="", file=sys.stderr, flush=True)
    line = ""
    try:
        line = sys.stdin.readline()
    finally:
        if not line.endswith("\n"):  # Ctrl-C or Ctrl-D: what comes next would stand behind the question
            print(file=sys.stderr, flush=True)
    return line.strip().lower() in ("y", "yes")
