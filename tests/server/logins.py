"""Logging in by each of the ways there are, and what the server does and says meanwhile."""

import base64
import importlib
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from securechat.chat.requests import SetPassword
from securechat.irc.sasl import chunks
from tests.server.wire import PASSWORD, Client, House, commands, plain

FAILED = "904 * :SASL authentication failed"


def begin(client: Client, mechanism: str) -> None:
    """Enable sasl, if it is not, and begin an exchange."""
    client.ask("CAP REQ :sasl")
    assert client.asked(f"AUTHENTICATE {mechanism}") == ["AUTHENTICATE :+"]


def responded(client: Client, data: bytes) -> list[str]:
    """What comes of a response."""
    return client.asked(*(f"AUTHENTICATE {part}" for part in chunks(data)))


def by_password(client: Client, login: str, password: str = PASSWORD) -> list[str]:
    """The commands that answer a login with PLAIN."""
    begin(client, "PLAIN")
    return commands(client.ask(f"AUTHENTICATE {plain(login, password)}"))


def by_certificate(client: Client, authzid: str = "") -> list[str]:
    """What answers a login with EXTERNAL."""
    begin(client, "EXTERNAL")
    return responded(client, authzid.encode())


def challenge(line: str) -> str:
    """What is in an AUTHENTICATE of the server."""
    word, _, text = line.partition(" :")
    assert word == "AUTHENTICATE", line
    return base64.b64decode(text).decode()


class ScramClient:
    """A client of SCRAM-SHA-256, with `scramp`."""

    def __init__(self, client: Client, login: str, password: str = PASSWORD) -> None:
        scramp: Any = importlib.import_module("scramp")
        self.client = client
        self.scram: Any = scramp.ScramClient(["SCRAM-SHA-256"], login, password)
        begin(client, "SCRAM-SHA-256")

    def first(self) -> str:
        """The server's first message."""
        (line,) = responded(self.client, self.scram.get_client_first().encode())
        self.scram.set_server_first(challenge(line))
        return challenge(line)

    def final(self) -> list[str]:
        """What answers the proof; the server's is checked."""
        lines = responded(self.client, self.scram.get_client_final().encode())
        if lines[0].startswith("AUTHENTICATE"):
            self.scram.set_server_final(challenge(lines[0]))
        return lines

    def log_in(self) -> list[str]:
        """All of it: what answers the last message that had to be sent."""
        self.first()
        lines = self.final()
        return responded(self.client, b"") if lines[0].startswith("AUTHENTICATE") else lines


def give_verifier(house: House, name: str, password: str = PASSWORD) -> None:
    """Set a password anew, so that there is a verifier of it."""
    account = house.hub.chat.accounts[name.lower()]
    verifier = house.hub.verifier(password)
    assert verifier
    credential = house.hub.hasher.hash(password) if password != PASSWORD else account.credential
    house.do(SetPassword(account.name, credential, scram=verifier))


class Hashes:
    """How many passwords were looked at."""

    def __init__(self, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
        self.number = 0
        verify = house.hub.hasher.verify_in_turn

        def counted(password: str, phc: str | None) -> bool:
            self.number += 1
            return verify(password, phc)

        monkeypatch.setattr(house.hub.hasher, "verify_in_turn", counted)


class _Kept(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.lines: list[tuple[str, dict[str, Any]]] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append((record.getMessage(), getattr(record, "fields", {})))


@contextmanager
def log_of(house: House) -> Iterator[list[tuple[str, dict[str, Any]]]]:
    """What the server logs meanwhile, when it is over: events and their fields, without the number of the session."""
    kept = _Kept()
    house.hub.log._logger.addHandler(kept)
    lines: list[tuple[str, dict[str, Any]]] = []
    try:
        yield lines
    finally:
        house.hub.log._logger.removeHandler(kept)
        lines += [(event, {k: v for k, v in fields.items() if k != "session"}) for event, fields in kept.lines]
