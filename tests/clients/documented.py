"""The settings of IRC clients as docs/clients.md tells them, so that what is tested is what is documented."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from tests.e2e.servers import PASSWORD, Server

_GUIDE: Final = Path(__file__).parents[2] / "docs" / "clients.md"


def settings(client: str, server: Server, user: str, ca: Path, password: str = PASSWORD) -> list[str]:
    """The lines to type into a client, with our values in place of those of the examples."""
    section = _GUIDE.read_text().partition(f"\n## {client}\n")[2].partition("\n## ")[0]
    assert "```" in section, f"{_GUIDE} has no settings for {client}"
    values = {
        "alice": user,
        "correct horse": password,
        "/path/to/ca.pem": str(ca),
        "chat.example.org": "localhost",
        "6697": str(server.port),
    }
    return _filled(section.split("```\n")[1], values).splitlines()


def _filled(text: str, values: Mapping[str, str]) -> str:
    for example in values:
        assert example in text, f"the settings say nothing of {example}"
    return re.sub("|".join(map(re.escape, values)), lambda match: values[match[0]], text)
