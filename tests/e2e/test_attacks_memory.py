"""What can be read of secrets in the memory of a server, by whoever gets at it: in a core dump, or through a debugger.

Python can't wipe a string, so what was freed may still be there until something else takes its place; that nobody can
test. What is tested is that nothing of the server holds on to a secret when it has no more use for it.
"""

import base64
import gc
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import FrameType, FunctionType, ModuleType
from typing import Any

import pytest

from securechat.pki import make_development_certs
from tests.server.codes import code_for
from tests.server.logins import ScramClient, by_password
from tests.server.wire import House, Opener, plain, running


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    make_development_certs(tmp_path / "certs", machine="localhost")
    with running(tmp_path / "certs", tmp_path, guests=False, scram=True, registration=True) as one:
        yield one


def held(house: House) -> Iterator[Any]:
    """Everything that the server and its threads can reach; the code itself is left out."""
    frames = sys._current_frames()
    mine = threading.get_ident()
    todo: list[Any] = [house.server, *(frame for ident, frame in frames.items() if ident != mine)]
    seen: dict[int, Any] = {}
    while todo:
        thing = todo.pop()
        if id(thing) in seen or isinstance(thing, ModuleType | type):
            continue
        seen[id(thing)] = thing  # which also keeps it, so that no other gets its number
        if isinstance(thing, FrameType):
            todo += [*thing.f_locals.values(), *([thing.f_back] if thing.f_back else [])]
        elif isinstance(thing, FunctionType):
            todo += [thing.__closure__, thing.__defaults__]
        elif isinstance(thing, str | bytes | bytearray):
            yield thing
        elif thing is not house:  # which is the test's
            todo += gc.get_referents(thing)


def secrets_in(house: House, *secrets: str) -> set[str]:
    """Those of them that are there, as they are or in what SASL makes of them."""
    forms = {form: secret for secret in secrets for form in (secret, *_in_base64(secret))}
    found = set()
    for thing in held(house):
        text = thing if isinstance(thing, str) else bytes(thing).decode("latin-1")
        found |= {secret for form, secret in forms.items() if form in text}
    return found


def _in_base64(secret: str) -> Iterator[str]:
    """Wherever it stands in the whole."""
    for begin in range(3):
        encoded = base64.b64encode(b"\0" * begin + secret.encode()).decode()
        yield encoded[4 if begin else 0 : -4]


@pytest.fixture
def opened(house: House) -> Opener:
    return Opener(house)


def test_it_would_be_found(house: House, opened: Opener) -> None:
    """While the line in which it comes is not whole."""
    client = opened.stranger()
    client.send_bytes(b"PING x\r\nREGISTER * * xyzzy-half")
    client.expect("PONG")
    assert secrets_in(house, "xyzzy-half", "xyzzy-other") == {"xyzzy-half"}
    client.ask("")  # the rest of the line


def test_nothing_keeps_a_password_or_a_code(house: House, opened: Opener) -> None:
    """Right and wrong ones, in each of the ways in which they come; the sessions are still there."""
    secrets = {name: f"xyzzy-{name}-plugh" for name in ("first", "wrong", "code", "second", "third", "guess", "oper")}
    house.add_account("zed", secrets["first"])
    zed = opened.stranger()
    zed.send("CAP LS 302", "NICK zed", "USER u 0 * :z")
    assert by_password(zed, "zed", secrets["wrong"])[-1] == "904"
    assert by_password(zed, "zed", secrets["first"])[-1] == "903"
    zed.send("CAP END")
    zed.expect("001")
    zed.ask(f"PASSWD {secrets['wrong']} {secrets['second']}")
    zed.ask(f"PASSWD {secrets['first']} {secrets['second']}")
    zed.ask(f"OPER root {secrets['oper']}", f"AUTHENTICATE {plain('zed', secrets['wrong'])}")
    other = ScramClient(opened.stranger(), "zed", secrets["second"])
    assert other.log_in()[-1].startswith("903")
    code = code_for(house)
    newcomer = opened.stranger()
    newcomer.ask("CAP LS 302", f"PASS invite:{code}", "NICK newcomer")
    newcomer.ask(f"INVITATION CHECK {secrets['guess']}", f"INVITATION CHECK {code}")
    newcomer.ask(f"REGISTER * * {secrets['third']}")
    newcomer.send("USER u 0 * :n", "CAP END")
    newcomer.expect("001")
    for client in (zed, other.client, newcomer):
        client.sync()
    assert secrets_in(house, *secrets.values(), code) == set()
    assert secrets_in(house, "newcomer") == {"newcomer"}


def test_who_says_nothing_more(house: House, opened: Opener) -> None:
    """The login was the last thing that they sent, and the server waits for the next."""
    house.add_account("zed", "xyzzy-password")
    zed = opened.stranger()
    login = ["CAP REQ :sasl", "AUTHENTICATE PLAIN", f"AUTHENTICATE {plain('zed', 'xyzzy-password')}"]
    zed.send("CAP LS 302", "NICK zed", "USER u 0 * :z", *login, "CAP END")
    zed.expect("422")
    house.ask(lambda _: None)
    assert secrets_in(house, "xyzzy-password") == set()


def test_a_password_in_the_wrong_field(house: House, opened: Opener) -> None:
    """Many programs have one field for that of the server and that of the account."""
    client = opened.stranger()
    client.send("PASS xyzzy-password")
    client.register("alice", account="alice")
    assert secrets_in(house, "xyzzy-password") == set()
