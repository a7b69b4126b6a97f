"""How to get into a chat, as often as it takes."""

import ssl
from collections.abc import Iterable
from dataclasses import dataclass, field

from securechat.client.connection import Client


@dataclass(frozen=True, slots=True)
class Door:
    """How to get in: the server, and who one is there. See `Client.connect`."""

    host: str
    port: int
    context: ssl.SSLContext
    nick: str
    login: str
    password: str = field(repr=False)

    def open(self, client: Client, later: Iterable[str]) -> None:
        """Connect, verify the server, log in. Raises what `Client.connect` raises."""
        client.connect(
            self.host,
            self.port,
            self.context,
            nick=self.nick,
            login=self.login,
            password=self.password,
            later=later,
        )
