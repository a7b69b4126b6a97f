"""`securechat ban`: who is kept off a chat, whether its server runs or not (see `place`).

It is what operators say with UBAN, and the way back in for one who has banned the network that they are in.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from securechat.cli.place import ConfigFile, Data, MistakeError, Place, endings
from securechat.cli.tables import AsJSON, show
from securechat.server.bans import NO_REASON, duration
from securechat.server.control import BanLine

__all__ = ["ban"]

ban = typer.Typer(
    help="Keep accounts, addresses and networks off a chat on this machine, whether its server runs or not.",
    epilog="Exit status: 0 done; 1 the server or the system could not do it; 2 something was typed wrongly.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
)

Whom = Annotated[
    str,
    typer.Argument(metavar="WHOM", help="An account, an address, or a network (192.0.2.0/24).", show_default=False),
]


@ban.command("list")
def list_bans(
    as_json: AsJSON = False,
    data: Data = None,
    config: ConfigFile = None,
) -> None:
    """Show all bans, the oldest first."""
    with endings():
        bans = Place(data, config).ask(lambda operator: operator.list_bans())
    show(bans, _rows, "there are no bans", as_json)


@ban.command()
def add(
    whom: Whom,
    lasting: Annotated[
        str | None,
        typer.Option(
            "--for", metavar="TIME", help="How long: 1w2d3h4m5s, or some of it [default: for good].", show_default=False
        ),
    ] = None,
    reason: Annotated[str, typer.Option(metavar="TEXT", help="What they are told.")] = NO_REASON,
    data: Data = None,
    config: ConfigFile = None,
) -> None:
    """Keep somebody off the chat, and end their connections. Replaces a ban of the same."""
    with endings():
        seconds = _seconds(lasting)
        Place(data, config).ask(lambda operator: operator.add_ban(whom, reason, seconds))
    typer.echo(f"banned {whom}")


@ban.command()
def remove(whom: Whom, data: Data = None, config: ConfigFile = None) -> None:
    """Lift a ban. WHOM is what the list shows."""
    with endings():
        Place(data, config).ask(lambda operator: operator.remove_ban(whom))
    typer.echo(f"lifted the ban of {whom}")


def _seconds(lasting: str | None) -> int | None:
    if lasting is None:
        return None
    seconds = duration(lasting)
    if seconds is None:
        raise MistakeError(f"{lasting!r} is no time: say it like 1w2d3h4m5s, or some of that")
    return seconds


def _rows(bans: Sequence[BanLine]) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = [("WHOM", "KIND", "BY", "CREATED", "UNTIL", "REASON")]
    for line in bans:
        # From UBAN it may have what would change the terminal.
        reason = line.reason if line.reason.isprintable() else ascii(line.reason)
        rows.append((line.whom, line.kind, line.by, line.created, line.until or "for good", reason))
    return rows
