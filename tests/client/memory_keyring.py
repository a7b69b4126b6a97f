"""A keyring in a file, for tests: what `PYTHON_KEYRING_BACKEND=tests.client.memory_keyring.FileKeyring` names.

`KEYRING_FILE` says where. Where that is `locked` every use of it fails, as a keyring does that nobody unlocks.
"""

import json
import os
from pathlib import Path

from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked, PasswordDeleteError

BACKEND = "tests.client.memory_keyring.FileKeyring"


class FileKeyring(KeyringBackend):
    """All entries are in one file, as JSON."""

    priority = 1

    def get_password(self, service: str, username: str) -> str | None:
        found = self._entries().get(f"{service} {username}")
        return found if found is None else str(found)

    def set_password(self, service: str, username: str, password: str) -> None:
        self._write({**self._entries(), f"{service} {username}": password})

    def delete_password(self, service: str, username: str) -> None:
        entries = self._entries()
        if entries.pop(f"{service} {username}", None) is None:
            raise PasswordDeleteError
        self._write(entries)

    def _entries(self) -> dict[str, str]:
        path = self._path()
        return dict(json.loads(path.read_text())) if path.exists() else {}

    def _write(self, entries: dict[str, str]) -> None:
        self._path().write_text(json.dumps(entries))

    def _path(self) -> Path:
        name = os.environ["KEYRING_FILE"]
        if name == "locked":
            raise KeyringLocked("hunter2 is what nobody may see")
        return Path(name)
