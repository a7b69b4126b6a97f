"""The command line: `securechat connect`, `server`, and what operators do with a chat on their machine.

Each command is in a module of its name, which is imported when that command is asked for: who connects does not wait
for the server's half to be loaded. Exit statuses are in `endings`, those of `connect` in `securechat.client.errors`.
"""

from __future__ import annotations

import importlib
import os
import sys
import traceback
from typing import Annotated, Any, Final

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from securechat import __version__
from securechat.cli.endings import FAILED, FAULT, INTERRUPTED, complain, stop

__all__ = ["app", "main"]

_COMMANDS: Final = {
    "connect": "Join a chat, at a terminal or in a pipe.",
    "join": "Come to a chat by an invitation, and be in it.",
    "servers": "The servers that you have joined.",
    "passwd": "Change your own password.",
    "server": "Run a chat.",
    "invite": "Make a link that lets somebody onto a chat on this machine.",
    "user": "Manage the accounts of a chat on this machine.",
    "certs": "Make and manage certificates.",
    "ban": "Keep accounts, addresses and networks off a chat on this machine.",
    "backup": "Copy a chat's store to a file, while its server runs or not.",
    "restore": "Put a backup in the place of a chat's store.",
    "export": "Show what was said, as a log to read or as JSON.",
    "search": "Find what was said, while a chat's server runs or not.",
    "check": "Look whether a chat's store is whole.",
    "demo": "See it work: a chat on this machine, from nothing.",
}

_EVERYWHERE: Final = ("connect", "join", "servers", "passwd")

# What the server is made of: file locks, Unix sockets, poll.
_HAS_SERVER: Final = os.name == "posix"


class _Commands(TyperGroup):
    """The commands, each loaded when it is needed. Contexts are of a class that Typer does not name."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002
        return list(_COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> TyperCommand | TyperGroup | None:  # noqa: ARG002
        if cmd_name not in _COMMANDS:
            return None
        if cmd_name not in _EVERYWHERE and not _HAS_SERVER:
            return _command(cmd_name, _elsewhere, {"ignore_unknown_options": True, "allow_extra_args": True})
        found = getattr(importlib.import_module(f"securechat.cli.{cmd_name}"), cmd_name)
        return _command(cmd_name, found, {})

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            if sys.stderr.isatty():
                print(file=sys.stderr)  # what comes next does not stand behind the ^C
            raise typer.Exit(INTERRUPTED) from None


def _command(name: str, found: Any, settings: dict[str, Any]) -> TyperCommand | TyperGroup:
    """Typer's command for a function, or for an application of its own."""
    if not isinstance(found, typer.Typer):
        function, found = found, typer.Typer(add_completion=False, rich_markup_mode=None)
        found.command(name, help=function.__doc__ or _COMMANDS[name], context_settings=settings)(function)
    command = get_command(found)
    assert isinstance(command, TyperCommand | TyperGroup)
    command.short_help = _COMMANDS[name]
    return command


def _elsewhere(context: typer.Context) -> None:
    stop(f"`securechat {context.info_name}` needs Linux or macOS; here you can `securechat connect`", FAILED)


app = typer.Typer(
    cls=_Commands,
    help="An encrypted, peer-authenticated, self-hosted chat that speaks IRC.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"securechat {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    pass


def _leave_no_core() -> None:
    """A process that crashes is not to leave its memory in a file: passwords are in it, and messages, and keys."""
    if _HAS_SERVER:
        import resource

        _, most = resource.getrlimit(resource.RLIMIT_CORE)
        resource.setrlimit(resource.RLIMIT_CORE, (0, most))


def main() -> None:
    """Run the command that the command line asks for, and end the process with its status. No tracebacks."""
    if os.environ.get("SECURECHAT_DEBUG") != "1":
        _leave_no_core()
    try:
        app(prog_name="securechat")
    except Exception as error:
        if os.environ.get("SECURECHAT_DEBUG") == "1":
            traceback.print_exc()
        complain(
            f"this is a mistake in securechat {__version__}, and not yours ({type(error).__name__}): please report it "
            f"to its makers, with what you did and what comes when you do it again with SECURECHAT_DEBUG=1"
        )
        sys.exit(FAULT)
