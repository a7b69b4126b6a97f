"""`securechat invite`: links that let people onto a chat, whether its server runs or not (see `place`)."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Final

import typer

from securechat.cli.endings import complain
from securechat.cli.place import ConfigFile, Data, MistakeError, Place, endings
from securechat.cli.tables import AsJSON, show
from securechat.server.control_lines import Invitation, InvitationLine, Wish

__all__ = ["Authority", "Expires", "Host", "Port", "invite", "link_endings", "make", "moment", "wish_of"]

_USUAL: Final = "24h"

invite = typer.Typer(
    help="Make a link that lets somebody onto a chat on this machine, whether its server runs or not.",
    epilog="The link, which is a secret, is all there is on standard output. Exit status: 0 done; 1 the server or the "
    "system could not do it; 2 something was typed wrongly, or has to be said by an option.",
    invoke_without_command=True,
    add_completion=False,
    rich_markup_mode=None,
)

Host = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="The name or address by which others reach the server [default: the configuration's, else the "
        "certificate's].",
        show_default=False,
    ),
]
Port = Annotated[
    int | None,
    typer.Option(metavar="NUMBER", help="The port there [default: where the server listens].", show_default=False),
]
Authority = Annotated[
    Path | None,
    typer.Option(
        "--ca",
        metavar="FILE",
        help="The authority that signed the server's certificate [default: the one beside the certificate].",
        show_default=False,
    ),
]
Expires = Annotated[str, typer.Option(metavar="TIME", help="How long it is good: 30m, 24h, 7d, at most 365d.")]


@invite.callback()
def make_one(
    context: typer.Context,
    name: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="The name that the account is to get.", show_default=False),
    ] = None,
    admin: Annotated[bool, typer.Option("--admin", help="Make them administrators of the chat.")] = False,
    uses: Annotated[int, typer.Option(metavar="NUMBER", help="How many accounts can be made with it.")] = 1,
    expires: Expires = _USUAL,
    host: Host = None,
    port: Port = None,
    ca: Authority = None,
    data: Data = None,
    config: ConfigFile = None,
) -> None:
    """Make a link. Without a command behind it, that is what `securechat invite` does."""
    with link_endings():
        said = name is not None or admin or uses != 1 or expires != _USUAL
        if context.invoked_subcommand is not None:
            if said or any(option is not None for option in (host, port, ca, data, config)):
                raise MistakeError(f"options of `securechat invite {context.invoked_subcommand}` stand behind it")
            return
        wish = wish_of(name or "", expires, host, port, ca, admin=admin, uses=uses)
        if name == "":
            raise MistakeError("the name is empty")
        made = make(Place(data, config), wish)
        whom = made.name or (f"{made.uses} people" if made.uses > 1 else "one person")
        role = ", and makes administrators" if made.admin else ""
        complain(f"this link is for {whom}, until {moment(made.until)}{role}: they say `securechat join 'LINK'`")


@invite.command("list", short_help="Show those that there are, and were in the last 30 days.")
def list_invitations(
    as_json: AsJSON = False,
    data: Data = None,
    config: ConfigFile = None,
) -> None:
    """Show all invitations of the last time, the oldest first; the links themselves nobody has any more."""
    with endings():
        invitations = Place(data, config).ask(lambda operator: operator.list_invitations())
    show(invitations, _rows, "there are no invitations: make one with `securechat invite`", as_json)


@invite.command()
def revoke(
    id: Annotated[str, typer.Argument(metavar="ID", help="What the list shows in front.", show_default=False)],
    data: Data = None,
    config: ConfigFile = None,
) -> None:
    """Have an invitation open nothing any more."""
    with endings():
        Place(data, config).ask(lambda operator: operator.revoke_invitation(id))
    typer.echo(f"revoked {id}")


@contextmanager
def link_endings() -> Iterator[None]:
    """As `endings`, where a link is made."""
    # Here, since with a server that runs its half need not be loaded for anything else.
    from securechat.server.whereabouts import UnknownWhereaboutsError

    with endings():
        try:
            yield
        except UnknownWhereaboutsError as error:
            raise MistakeError(str(error)) from error


def wish_of(
    name: str,
    expires: str,
    host: str | None,
    port: int | None,
    ca: Path | None,
    *,
    admin: bool = False,
    reset: bool = False,
    uses: int = 1,
) -> Wish:
    """What the options ask for. Raises `MistakeError` and `UnknownWhereaboutsError`."""
    from securechat.server.invitations import lasting
    from securechat.server.whereabouts import named_authority

    seconds = lasting(expires)
    if seconds is None:
        raise MistakeError(f"{expires!r} is no such time: say it like 30m, 24h or 7d, from a minute to 365d")
    if uses < 1:
        raise MistakeError("an invitation has one use at least")
    if port is not None and not 1 <= port <= 65_535:
        raise MistakeError("a port is a number from 1 to 65535")
    authority = base64.b64encode(named_authority(ca)).decode() if ca is not None else None
    return Wish(name, admin, reset, uses, seconds, host, port, authority)


def make(place: Place, wish: Wish) -> Invitation:
    """Have it made, print the link, and say what may be wrong with it."""
    made = place.ask(lambda operator: operator.invite(wish))
    typer.echo(made.link)
    for warning in made.warnings:
        complain(warning)
    return made


def moment(text: str) -> str:
    """A time of the operator's as a person reads it: ``2026-11-22 14:03 UTC``."""
    return f"{text[:16].replace('T', ' ')} UTC"


def _rows(invitations: Sequence[InvitationLine]) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = [("ID", "STATE", "KIND", "FOR", "LEFT", "BY", "CREATED", "UNTIL")]
    for line in invitations:
        left = f"{line.left}/{line.uses}"
        rows.append((line.id, line.state, line.kind, line.name or "*", left, line.by, line.created, line.until))
    return rows
