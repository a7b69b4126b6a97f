"""`securechat connect` at a terminal of tmux."""

import re
from collections.abc import Mapping
from pathlib import Path

from tests.clients.tmux import Pane, Tmux
from tests.e2e.connects import connect_command
from tests.e2e.servers import PASSWORD, Server


def terminal(
    tmux: Tmux,
    server: Server,
    user: str,
    home: Path,
    *options: str,
    environment: Mapping[str, str] | None = None,
    columns: int = 100,
    rows: int = 40,
) -> Pane:
    """A user who has just come, and sees who is there."""
    home.mkdir()
    variables = {"HOME": str(home), "SECURECHAT_PASSWORD": PASSWORD, **(environment or {})}
    pane = tmux.open(connect_command(server, user, *options), variables, columns, rows)
    pane.expect(r"^\d\d:\d\d \* in #\S+: ")
    pane.expect(r"^#\S+>")
    return pane


def said(pane: Pane, line: str) -> None:
    """Wait until the screen has this line, behind its time."""
    pane.expect(rf"^\d\d:\d\d {re.escape(line)}$")
