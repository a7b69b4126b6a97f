"""The server's half of SCRAM-SHA-256 for the tests, as a mechanism of `irc.sasl`: honest, unless told otherwise."""

import importlib
from collections.abc import Callable, Mapping
from typing import Any, Final

from securechat.irc.errors import SaslFailedError
from securechat.irc.sasl import Challenge, Credentials

scramp: Any = importlib.import_module("scramp")

Lie = Callable[[str], "str | None"]
"""What the server says in the place of what it should; None for no more, and that one is in."""


class ScramServer:
    """One exchange. `accounts`: name to password. `lies`: what it says otherwise, by the number of the message."""

    def __init__(self, accounts: Mapping[str, str], lies: Mapping[int, Lie] | None = None) -> None:
        self._accounts = accounts
        self._lies = dict(lies or {})
        self._server = scramp.ScramMechanism("SCRAM-SHA-256").make_server(self._verifier)
        self._name = ""
        self._step = 0

    def start(self) -> Challenge:
        """Nothing: the client speaks first."""
        return Challenge()

    def step(self, response: bytes) -> Challenge | Credentials:
        """The next message. An unknown name, or a wrong proof, is a `SaslFailedError`."""
        self._step += 1
        try:
            if self._step == 1:
                self._server.set_client_first(response.decode())
                return self._say(self._server.get_server_first())
            if self._step == 2:
                self._server.set_client_final(response.decode())
                return self._say(self._server.get_server_final())
        except scramp.ScramException:
            raise SaslFailedError from None
        if response:
            raise SaslFailedError
        return Credentials(self._name)

    def _say(self, text: str) -> Challenge | Credentials:
        told = self._lies[self._step](text) if self._step in self._lies else text
        return Credentials(self._name) if told is None else Challenge(told.encode())

    def _verifier(self, name: str) -> tuple[bytes, bytes, bytes, int] | None:
        self._name = name
        if name not in self._accounts:
            return None
        verifier: tuple[bytes, bytes, bytes, int] = scramp.ScramMechanism("SCRAM-SHA-256").make_auth_info(
            self._accounts[name], 4096, SALT
        )
        return verifier


SALT: Final = b"salt of the tests"
