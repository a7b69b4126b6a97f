"""The tables of docs/protocol.md, written from the code that they are about.

``python -m securechat.server.reference`` rewrites, in a checkout, what stands between the two markers in that document.
"""

from __future__ import annotations

import ast
import tempfile
from collections.abc import Iterable, Iterator
from enum import Enum
from pathlib import Path

import securechat.irc.errors
from securechat.chat.modes import CHANNEL_MODES, MEMBER_MODES, USER_MODES
from securechat.irc.caps import CAPABILITIES
from securechat.irc.isupport import token
from securechat.irc.modes import ModeKind
from securechat.irc.numerics import Numeric
from securechat.irc.standard_replies import Code
from securechat.server.assembly import build_hub
from securechat.server.commands import registry
from securechat.server.config import Config
from securechat.server.log import EventLog
from securechat.store.datadir import DataDir

__all__ = ["BEGIN", "DOCUMENT", "END", "NoMarkersError", "renewed", "tables"]

DOCUMENT = Path(__file__).parents[2] / "docs" / "protocol.md"
"""The document, where this module lies in a checkout."""

BEGIN = "<!-- From here to the end marker it is written by `python -m securechat.server.reference`. -->\n"
END = "<!-- The end of what is written by `python -m securechat.server.reference`. -->\n"


class NoMarkersError(Exception):
    """The document lacks one of the markers, or has them in the wrong order."""


def renewed(document: str) -> str:
    """``document`` with the tables of today between its markers. Raises `NoMarkersError`."""
    before, begin, rest = document.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise NoMarkersError("the two markers of the generated tables are missing")
    return f"{before}{begin}\n{tables()}\n{end}{after}"


def tables() -> str:
    """All tables, in Markdown, with their headings and a line break at the end."""
    parts = (
        ("Commands", _table(("command", "when", "what it does"), _commands())),
        ("Modes of channels", _table(("mode", "parameter", "what it does"), _channel_modes())),
        ("Modes of members", _table(("mode", "prefix", "given and taken by", "what it is"), _member_modes())),
        ("Modes of users", _table(("mode", "set by", "what it does"), _user_modes())),
        ("Capabilities", _table(("capability", "with it"), _capabilities())),
        ("RPL_ISUPPORT", _isupport()),
        ("Numerics", _table(("number", "name", "parameters"), _numerics())),
        ("Codes of FAIL and WARN", _table(("code", "usual description"), _codes())),
    )
    return "\n\n".join(f"### {title}\n\n{content}" for title, content in parts) + "\n"


def _commands() -> Iterator[tuple[str, ...]]:
    for command in registry.values():
        when = ["operators only"] if command.operator else []
        when.append(command.when.value)
        when += [f"before it with `{command.early}`"] if command.early else []
        when += [f"with `{command.capability}`"] if command.capability else []
        yield f"`{command.name} {command.parameters}`".replace(" `", "`"), ", ".join(when), command.help


_PARAMETERS = {
    ModeKind.LIST: "a mask; without one it shows the list",
    ModeKind.KEYED: "the key, when it is set",
    ModeKind.LIMITED: "a number, when it is set",
    ModeKind.FLAG: "",
}


def _channel_modes() -> Iterator[tuple[str, ...]]:
    for mode in CHANNEL_MODES.values():
        yield f"`{mode.letter}`", _PARAMETERS[mode.kind], mode.about


def _member_modes() -> Iterator[tuple[str, ...]]:
    by_rank = {mode.rank: mode.about.partition(":")[0] for mode in MEMBER_MODES.values()}
    for mode in MEMBER_MODES.values():
        by = ", ".join(about + "s" for rank, about in by_rank.items() if rank >= mode.needs)
        yield f"`{mode.letter}`", f"`{mode.prefix}`", by, mode.about


def _user_modes() -> Iterator[tuple[str, ...]]:
    for mode in USER_MODES.values():
        yield f"`{mode.letter}`", "the user" if mode.settable else "the server", mode.about


def _capabilities() -> Iterator[tuple[str, ...]]:
    for capability in CAPABILITIES.values():
        value = f"={capability.value}" if capability.value else ""
        needs = f" (needs {', '.join(capability.requires)})" if capability.requires else ""
        yield f"[`{capability.name}{value}`]({capability.specification})", capability.about + needs


def _isupport() -> str:
    """The tokens of a server whose operator has configured nothing."""
    with tempfile.TemporaryDirectory() as place:
        hub = build_hub(Config(), DataDir(Path(place)), EventLog())
        hub.hasher.close()
        hub.database.close()
    return "\n".join(f"    {token(name, value)}" for name, value in hub.isupport.items())


def _numerics() -> Iterator[tuple[str, ...]]:
    used = _mentioned(Numeric)
    for numeric in sorted(Numeric):
        if numeric.name in used:
            yield f"{numeric:03}", numeric.name, f"`<client> {numeric.usage}`"


def _codes() -> Iterator[tuple[str, ...]]:
    used = _mentioned(Code)
    for code in Code:
        if code.name in used:
            yield f"`{code.value}`", code.description


def _mentioned(enumeration: type[Enum]) -> set[str]:
    """Which members of an enumeration the server's code names: what it never names it never sends."""
    sources = [*Path(__file__).parent.rglob("*.py"), Path(securechat.irc.errors.__file__)]
    return {
        node.attr
        for source in sources
        for node in ast.walk(ast.parse(source.read_bytes()))
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == enumeration.__name__
        and node.attr in enumeration.__members__
    }


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", r"\|") for cell in line) + " |" for line in lines)


if __name__ == "__main__":
    DOCUMENT.write_text(renewed(DOCUMENT.read_text()))
