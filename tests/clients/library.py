"""Somebody who uses the Python library `irc`: connected as docs/clients.md says, hearing what its handlers are told."""

import base64
import runpy
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import irc.client  # type: ignore[import-untyped]

from tests.clients.documented import settings_file
from tests.e2e.servers import LIMIT, PASSWORD, Server

NAME: Final = "Python: irc"
"""What the guide calls it."""

NotConnectedError: Final[type[Exception]] = irc.client.ServerConnectionError
"""What the library raises when it can't connect."""


class Person:
    """One connection. `connection` is the library's; `heard` is what no test has asked for yet.

    The library has no types of its own, so its objects are `Any` here. An event has a `type` (a command or the name of
    a numeric), a `source`, a `target` and `arguments`.
    """

    def __init__(self, program: str, place: Path) -> None:
        """`program` is what the guide gives as an example: it makes `reactor` and `connection`."""
        place.write_text(program)
        names = runpy.run_path(str(place))
        self.connection: Any = names["connection"]
        self._reactor: Any = names["reactor"]
        self.heard: list[Any] = []
        self._reactor.add_global_handler("all_events", lambda _, event: self.heard.append(event))

    def until(self, kind: str, wanted: Callable[[Any], bool] = lambda _: True) -> list[Any]:
        """Wait for an event of this type, the first as wanted; all up to it, which are forgotten then."""
        deadline = time.monotonic() + LIMIT
        looked_at = 0
        while True:
            for number in range(looked_at, len(self.heard)):
                if self.heard[number].type == kind and wanted(self.heard[number]):
                    events = self.heard[: number + 1]
                    del self.heard[: number + 1]
                    return events
            looked_at = len(self.heard)
            left = deadline - time.monotonic()
            assert left > 0, f"no {kind} in {[str(event) for event in self.heard]}"
            self._reactor.process_once(left)

    def expect(self, kind: str, wanted: Callable[[Any], bool] = lambda _: True) -> Any:
        """Wait for an event of this type, the first as wanted."""
        return self.until(kind, wanted)[-1]

    def answer(self, kind: str, end: str) -> list[list[str]]:
        """The arguments of all events of this type, up to the one that ends the answer."""
        return [event.arguments for event in self.until(end) if event.type == kind]

    def said(self, nick: str, text: str, kind: str = "pubmsg") -> None:
        """Wait until somebody has said it."""
        self.expect(kind, lambda event: event.source.nick == nick and event.arguments[-1] == text)

    def join(self, channel: str, members: set[str]) -> None:
        """Enter a channel, and be told that these are there, with `@` before operators."""
        self.connection.join(channel)
        self.expect("join", lambda event: event.target == channel)
        assert self.names(channel) == members

    def names(self, channel: str) -> set[str]:
        """Who is in the channel, as the answer that comes next tells it."""
        events = self.until("endofnames", lambda event: event.arguments[0] == channel)
        rows = [event.arguments for event in events if event.type == "namreply"]
        return {name for row in rows if row[1] == channel for name in row[2].split()}

    def whois(self, nick: str) -> dict[str, list[str]]:
        """Ask who somebody is: the arguments of all numerics of the answer, by their names."""
        self.connection.whois([nick])
        events = self.until("endofwhois", lambda event: event.arguments[0] == nick)
        return {event.type: event.arguments for event in events}

    def close(self) -> None:
        """Leave, if it has not left."""
        if self.connection.is_connected():
            self.connection.disconnect()

    def log_in(self, account: str, password: str = PASSWORD) -> None:
        """Of somebody who is on the chat already; the library knows only the logging in that comes first."""
        self.connection.cap("REQ", "sasl")
        self.expect("cap")
        self.connection.send_raw("AUTHENTICATE PLAIN")
        self.expect("authenticate")
        secret = base64.b64encode(f"\0{account}\0{password}".encode()).decode()
        self.connection.send_raw(f"AUTHENTICATE {secret}")
        self.expect("saslsuccess")


@contextmanager
def person(
    server: Server, user: str, home: Path, *, ca: Path | None = None, password: str = PASSWORD
) -> Iterator[Person]:
    """Somebody who has just connected, and has not looked yet at what the server says."""
    one = Person(settings_file(NAME, server, user, ca or server.place.ca, password), home / f"{user}.py")
    try:
        yield one
    finally:
        one.close()


@contextmanager
def guest(server: Server, nick: str, home: Path) -> Iterator[Person]:
    """Somebody without an account, in the same way."""
    login = f'    "{PASSWORD}",\n    sasl_login="{nick}",\n'
    program = settings_file(NAME, server, nick, server.place.ca)
    assert login in program
    one = Person(program.replace(login, ""), home / f"{nick}.py")
    try:
        yield one
    finally:
        one.close()
