"""The settings of IRC clients as docs/clients.md tells them, so that what is tested is what is documented."""

import re
from pathlib import Path
from typing import Final

from tests.e2e.servers import PASSWORD, Server

_GUIDE: Final = Path(__file__).parents[2] / "docs" / "clients.md"


def settings(client: str, server: Server, user: str, ca: Path, password: str = PASSWORD) -> list[str]:
    """The lines to type into a client, with our values in place of those of the examples."""
    return settings_file(client, server, user, ca, password).splitlines()


def settings_file(client: str, server: Server, user: str, ca: Path, password: str = PASSWORD) -> str:
    """The same as one text: a file that a program reads."""
    section = _GUIDE.read_text().partition(f"\n## {client}\n")[2].partition("\n## ")[0]
    block = re.search(r"^```\w*\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)
    assert block, f"{_GUIDE} has no settings for {client}"
    values = {
        "alice": user,
        "correct horse": password,
        "/path/to/ca.pem": str(ca),
        "chat.example.org": "localhost",
        "6697": str(server.port),
    }
    for example in values:
        assert example in block[1], f"the settings say nothing of {example}"
    return re.sub("|".join(map(re.escape, values)), lambda match: values[match[0]], block[1])
