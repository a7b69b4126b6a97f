"""``securechat demo``: a chat on this machine, from nothing, with the same programs that everybody uses.

At a terminal you are in it, with somebody who answers. Without one, three clients have a short conversation, which is
printed. All of it lives in a temporary directory, and is gone at the end.
"""

from __future__ import annotations

import contextlib
import getpass
import json
import queue
import secrets
import signal
import ssl
import subprocess
import sys
import tempfile
import threading
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path

from securechat import pki
from securechat.cli.endings import FAILED, stop
from securechat.client import plain
from securechat.client.connection import Client
from securechat.client.door import Door
from securechat.client.errors import ClientError
from securechat.client.events import Disconnected, Event, Joined, MessageReceived, Quit
from securechat.client.logins import Password
from securechat.client.steady import Steady
from securechat.client.terminal import Terminal
from securechat.irc.names import valid_nick
from securechat.tls.contexts import client_context
from securechat.tls.errors import TLSError

__all__ = ["demo"]

LOBBY = "#lobby"
TALKER = "robin"
_PATIENCE = 30.0  # seconds for something that takes a tenth of one


def demo() -> None:
    """See it work: a chat on this machine, from nothing."""
    # A demo that is told to end (SIGTERM) cleans up, as it does after Ctrl-C.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        with tempfile.TemporaryDirectory(prefix="securechat-demo-") as place:
            _run(Path(place))
    except (ClientError, TLSError, _DemoFailed) as error:
        stop(f"the demo did not work: {error}", FAILED)
    _say_how_to_go_on()


class _DemoFailed(Exception):  # noqa: N818 - it says what happened
    """Something did not come that should have."""


def _run(place: Path) -> None:
    at_terminal = sys.stdin.isatty() and sys.stdout.isatty()
    print("-- making an authority and a certificate for localhost", flush=True)
    pki.make_development_certs(place / "certs")
    names = [_own_name(), TALKER] if at_terminal else ["alice", "bob", "carol"]
    passwords = {name: secrets.token_urlsafe(12) for name in names}
    print(f"-- making accounts for {', '.join(names)}", flush=True)
    for name, password in passwords.items():
        _securechat(place, "user", "add", name, "--password-stdin", typed=password)
    with _server(place) as port:
        print(f"-- a server listens on localhost port {port}, TLS 1.3 only", flush=True)
        context = client_context(place / "certs" / "ca.pem")
        if at_terminal:
            _chat(port, context, passwords)
        else:
            _converse(port, context, passwords)
    print("-- the server has stopped, and all that it wrote is gone", flush=True)


def _own_name() -> str:
    """The user's name on this machine, where it can be an account's."""
    with contextlib.suppress(Exception):  # there are machines on which nobody has a name
        name = getpass.getuser()
        if valid_nick(name) and name.lower() != TALKER:
            return name
    return "you"


# -- the server, as a process of its own ------------------------------------------------------------------------------


def _command(place: Path, *words: str) -> list[str]:
    return [sys.executable, "-m", "securechat", *words, "--data", str(place / "data")]


def _securechat(place: Path, *words: str, typed: str) -> None:
    done = subprocess.run(_command(place, *words), input=typed + "\n", capture_output=True, text=True, check=False)
    if done.returncode:
        raise _DemoFailed(done.stderr.strip())


@contextlib.contextmanager
def _server(place: Path) -> Iterator[int]:
    """A server on a free port, stopped at the end."""
    command = _command(place, "server", "--cert", str(place / "certs" / "server.pem"), "--port", "0")
    with subprocess.Popen(
        [*command, "--host", "localhost", "--log-format", "json"],
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,  # Ctrl-C is for the one at the terminal; the server is told by us
    ) as process:
        assert process.stderr is not None
        log = iter(process.stderr)
        # What the log says later is read and dropped, so that the server never has to wait for us.
        rest = threading.Thread(target=lambda: deque(log, maxlen=0), name="server-log")
        try:
            port = _port(log)
            rest.start()
            yield port
        finally:
            process.terminate()
            if rest.ident is not None:
                rest.join()


def _port(log: Iterator[str]) -> int:
    """The port that the server's log tells."""
    last = ""
    for line in log:
        last = line
        with contextlib.suppress(ValueError):
            entry = json.loads(line)
            if entry.get("event") == "listening":
                return int(entry["port"])
    raise _DemoFailed(f"the server did not start: {last.strip()}")


# -- at a terminal ----------------------------------------------------------------------------------------------------


def _chat(port: int, context: ssl.SSLContext, passwords: dict[str, str]) -> None:
    name = next(iter(passwords))
    with _Talker(port, context, passwords[TALKER]):
        screen = Terminal([LOBBY])
        door = Door("localhost", port, context, name, Password(name, passwords[name]))
        chat = Steady(screen.on_event, door, [LOBBY], reconnects=False)
        chat.connect()
        client = chat.client
        reason = ""
        try:
            screen.greet(f"you are {client.nick} on {client.server}, verified by its authority ({client.cipher})")
            reason = screen.run(chat)
        except KeyboardInterrupt:
            pass
        finally:
            chat.leave(reason)


class _Talker:
    """Somebody to talk to: greets who comes, and answers."""

    def __init__(self, port: int, context: ssl.SSLContext, password: str) -> None:
        self._events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self._client = Client(self._events.put)
        self._client.connect("localhost", port, context, nick=TALKER, password=password)
        self._thread = threading.Thread(target=self._talk, name=TALKER, daemon=True)

    def __enter__(self) -> None:
        self._client.join(LOBBY)
        self._client.settle()
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._client.leave("See you")
        self._thread.join()

    def _talk(self) -> None:
        while not isinstance(event := self._events.get(), Disconnected):
            with contextlib.suppress(ClientError):  # it has ended while we thought about an answer
                if isinstance(event, Joined) and not event.own:
                    self._client.say(LOBBY, f"Hello {event.nick}! Say something, or /help, or /msg {TALKER} psst")
                elif isinstance(event, MessageReceived) and not event.own:
                    self._answer(event)

    def _answer(self, event: MessageReceived) -> None:
        if event.private:
            self._client.say(event.source.partition("!")[0], "I won't tell anyone.")
        else:
            self._client.say(LOBBY, f"I read you: {len(event.text)} characters, and on the disk before I saw them.")


# -- without a terminal -----------------------------------------------------------------------------------------------


def _converse(port: int, context: ssl.SSLContext, passwords: dict[str, str]) -> None:
    """Three clients; what is printed is what the third one sees."""
    people = {name: _Person(name, print_for=name == "carol") for name in passwords}
    alice, bob, carol = people.values()
    try:
        for person in (carol, alice, bob):
            person.client.connect("localhost", port, context, nick=person.name, password=passwords[person.name])
            person.client.join(LOBBY)
            person.client.settle()
        print("-- what carol sees:", flush=True)
        _everyone_reads(people, alice, "Hello! Is this line encrypted?")
        _everyone_reads(people, bob, "TLS 1.3, and each of us has checked who the server is.")
        _everyone_reads(people, alice, "And if the server loses its power now? 🔌")
        _everyone_reads(people, bob, "What you see came back from its disk.")
        bob.client.say("carol", "Only you can read this.")
        carol.wait_for(lambda event: isinstance(event, MessageReceived) and event.private)
        alice.client.leave("Bye")
        carol.wait_for(lambda event: isinstance(event, Quit))
    finally:
        for person in people.values():
            person.client.leave()


def _everyone_reads(people: dict[str, _Person], speaker: _Person, text: str) -> None:
    speaker.client.say(LOBBY, text)
    for person in people.values():
        person.wait_for(lambda event: isinstance(event, MessageReceived) and event.text == text)


class _Person:
    """One of the three."""

    def __init__(self, name: str, *, print_for: bool) -> None:
        self.name = name
        self._prints = print_for
        self._events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self.client = Client(self._events.put)

    def wait_for(self, wanted: Callable[[Event], bool]) -> None:
        """Go through what has happened, printing it, up to what is wanted."""
        while True:
            try:
                event = self._events.get(timeout=_PATIENCE)
            except queue.Empty:
                raise _DemoFailed(f"{self.name} waited in vain") from None
            if self._prints and (line := plain.line(event, LOBBY)) and line.startswith(("<", "* ", "(")):
                print(f"   {line}", flush=True)
            if wanted(event):
                return
            if isinstance(event, Disconnected):
                raise _DemoFailed(f"{self.name} was disconnected: {event.error}")


def _say_how_to_go_on() -> None:
    in_checkout = Path("scripts/gen_certs.py").is_file()
    activate = Path(".venv/bin/activate")
    print("\nTo go on:\n")
    if activate.is_file() and Path(sys.prefix).resolve() == Path(".venv").resolve():
        print(f"    . {activate}")
    make = "python scripts/gen_certs.py" if in_checkout else f"{Path(sys.executable).name} -m securechat.pki"
    print(f"    {make:42} # an authority and certificates, into certs/")
    for command, about in (
        ("securechat user add alice", "an account; asks for a password"),
        ("securechat server --cert certs/server.pem", "the chat; Ctrl-C stops it"),
        ("securechat connect --user alice", "in another terminal"),
    ):
        print(f"    {command:42} # {about}")
    sys.stdout.flush()
