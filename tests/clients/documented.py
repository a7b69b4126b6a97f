"""The settings of IRC clients as docs/clients.md tells them, so that what is tested is what is documented."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from tests.e2e.servers import PASSWORD, Server

_GUIDE: Final = Path(__file__).parents[2] / "docs" / "clients.md"


def settings(client: str, server: Server, user: str, ca: Path, password: str = PASSWORD) -> list[str]:
    """The lines to type into a client, with our values in place of those of the examples."""
    return settings_file(client, server, user, ca, password).splitlines()


def settings_file(client: str, server: Server, user: str, ca: Path, password: str = PASSWORD) -> str:
    """The same as one text: a file that a program reads."""
    return block(client, {**addresses(server, user, ca), "correct horse": password})


def addresses(server: Server, user: str, ca: Path) -> dict[str, str]:
    """What all settings have: the values of the examples, and ours."""
    return {
        "alice": user,
        "/path/to/ca.pem": str(ca),
        "chat.example.org": "localhost",
        "6697": str(server.port),
    }


def block(section: str, values: Mapping[str, str], number: int = 0) -> str:
    """One of the examples of a section, counted from 0, with our values in place of its own. All of them are in it."""
    text = _GUIDE.read_text().partition(f"\n## {section}\n")[2].partition("\n## ")[0]
    blocks: list[str] = re.findall(r"^```\w*\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    assert len(blocks) > number, f"{_GUIDE} has no example {number} in {section!r}"
    for value in values:
        assert value in blocks[number], f"example {number} in {section!r} says nothing of {value}"
    return re.sub("|".join(map(re.escape, values)) or "(?!)", lambda match: values[match[0]], blocks[number])
