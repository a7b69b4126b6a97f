"""Codes, passwords and keys of those who come: in no log, list of processes, file or traceback, however it ends."""

import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from securechat.irc.links import JoinLink
from securechat.irc.sasl import chunks
from tests.cli.commands import environment, securechat
from tests.cli.saved import saved_in
from tests.client.memory_keyring import BACKEND
from tests.e2e.connects import Lines
from tests.e2e.servers import Place, running
from tests.e2e.wires import Wire, login_lines
from tests.forked import fresh

DEBUG = {"SECURECHAT_DEBUG": "1", "PYTHONFAULTHANDLER": "1"}
CHECKOUT = Path(__file__).parents[2]


def invite(place: Place, *arguments: str) -> JoinLink:
    made = securechat(place.home, *(arguments or ["invite"]), "--data", place.data.path)
    assert made.returncode == 0, made.stderr
    return JoinLink.parse(made.stdout.strip())


def files(*directories: Path) -> Iterator[bytes]:
    for directory in directories:
        yield from (path.read_bytes() for path in directory.rglob("*") if path.is_file())


def listed(pid: int, what: str) -> str:
    """The command line or the environment of a process."""
    return Path(f"/proc/{pid}/{what}").read_bytes().replace(b"\0", b" ").decode()


def descendants(pid: int) -> set[int]:
    """The processes that it has started."""
    found: set[int] = set()
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in map(int, (task / "children").read_text().split()):
            found |= {child} | descendants(child)
    return found


@contextmanager
def joining(
    home: Path, link: JoinLink, user: str, password: str, *, piped: bool
) -> "Iterator[subprocess.Popen[bytes]]":
    """Somebody who has joined, and is in the chat."""
    with subprocess.Popen(
        [sys.executable, "-m", "securechat", "join", "-" if piped else link.format(), "--user", user],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        cwd=home,
        env=environment(home, {"SECURECHAT_PASSWORD": password}),
    ) as process:
        assert process.stdin is not None
        assert process.stderr is not None
        err = Lines(process.stderr)
        try:
            process.stdin.write(f"{link.format()}\n".encode() if piped else b"")
            process.stdin.flush()
            err.expect("in #lobby")
            yield process
        finally:
            process.kill()
            err.join()


@fresh()
def test_where_a_code_is_seen_while_somebody_joins(place: Place, tmp_path: Path) -> None:
    """On standard input it is nowhere. As an argument it is in the list of processes, as arguments are; but when one is
    in the chat it is used up."""
    with running(place) as server:
        link, other = invite(place), invite(place)
        with joining(tmp_path, link, "zoe", "xyzzy-one", piped=True) as process:
            line = listed(process.pid, "cmdline")
            assert "join - --user zoe" in line
            assert not any(secret in line for secret in (link.code, "xyzzy-one"))
            assert link.code not in listed(process.pid, "environ")
            assert not descendants(process.pid)  # to whom it would leave its environment
            assert not descendants(server.process.pid)
            assert os.stat(f"/proc/{process.pid}/environ").st_mode & 0o077 == 0  # noqa: PTH116
        with joining(tmp_path, other, "yan", "xyzzy-two", piped=False) as process:
            assert other.code in listed(process.pid, "cmdline")
            with Wire(server) as wire:
                wire.send(f"INVITATION CHECK {other.code}")
                wire.expect("FAIL", "INVITATION", "USED_CODE")
        assert server.stop() == 0
        secrets = [secret.encode() for secret in (link.code, other.code, "xyzzy-one", "xyzzy-two")]
        for content in (server.output, *files(tmp_path, place.data.path)):
            assert not [secret for secret in secrets if secret in content]


@fresh()
def test_what_comes_of_failures(place: Place, tmp_path: Path) -> None:
    """Of a client, asked for its tracebacks: wrong codes and passwords, on the way in and behind it."""
    said: list[str] = []

    def run(*arguments: str | Path, stdin: str = "", password: str = "", status: int) -> None:
        more = DEBUG | ({"SECURECHAT_PASSWORD": password} if password else {})
        done = securechat(tmp_path, *arguments, stdin=stdin, more=more)
        said.append(done.stdout + done.stderr)
        assert done.returncode == status, said[-1]

    with running(place, config="[limits]\nthrottle = false\n[accounts]\nscram = true\n") as server:
        link, reset = invite(place), invite(place, "user", "reset", "bob")
        wrong = JoinLink(link.host, link.port, "xyzzy-code-0123456789x", link.fingerprint)
        at = ("--user", "alice", "--port", str(server.port), "--ca", place.ca)
        run("join", wrong.format(), "--user", "zoe", password="xyzzy-three", status=14)
        run("join", wrong.format()[:-1], "--user", "zoe", password="xyzzy-three", status=2)
        run("join", stdin=f"x{link.format()}\n", password="xyzzy-three", status=2)
        run("join", "--user", "alice", stdin=f"{link.format()}\n", password="xyzzy-three", status=14)
        run("join", "--user", "zoe", stdin=f"{link.format()}\n", password="xyzzy-4", status=14)
        run("join", "--user", "zoe", stdin=f"{link.format()}\n", password="xyzzy-five", status=0)
        run("connect", password="xyzzy-six", status=9)  # by SCRAM
        run("join", stdin=f"{reset.format()}\n", password="xyzzy-seven", status=0)
        run("connect", *at, password="xyzzy-eight", status=9)
        run("passwd", *at, "--password-stdin", stdin="xyzzy-nine\nxyzzy-ten!\n", status=9)
        run("passwd", "localhost", "--password-stdin", stdin="xyzzy-five\nxyzzy-5\n", status=2)
        run("passwd", "localhost", "--password-stdin", stdin="xyzzy-five\nxyzzy-eleven\n", status=0)
        (tmp_path / "file").write_text("xyzzy-\udcfftwelve\n", errors="surrogateescape")
        run("connect", *at, "--password-file", tmp_path / "file", status=2)
        (tmp_path / "file").unlink()
        assert server.stop() == 0
    words = [link.code, reset.code, wrong.code, "xyzzy-"]
    assert not [word for word in words if word in "".join(said)], said
    assert "Traceback" not in "".join(said)
    for content in (server.output, *files(tmp_path, place.data.path)):
        assert not [word for word in words if word.encode() in content]


def test_the_keyring_has_the_password_and_no_file_has(place: Place, tmp_path: Path) -> None:
    """And a key that was made for somebody is in one file of theirs, and not with the server."""
    kept, home = tmp_path / "keyring.json", tmp_path / "home"
    home.mkdir()
    more = {"PYTHON_KEYRING_BACKEND": BACKEND, "KEYRING_FILE": str(kept), "PYTHONPATH": str(CHECKOUT)} | DEBUG
    with running(place) as server:
        given = more | {"SECURECHAT_PASSWORD": "xyzzy-one"}
        done = securechat(home, "join", "--user", "zoe", "--remember", stdin=f"{invite(place).format()}\n", more=given)
        assert done.returncode == 0, done.stderr
        assert b"xyzzy-one" in kept.read_bytes()
        assert securechat(home, "connect", more=more).returncode == 0
        assert not [content for content in files(home, place.data.path) if b"xyzzy-one" in content]
        locked = securechat(home, "connect", more=more | {"KEYRING_FILE": "locked"})
        assert locked.returncode == 2
        assert "hunter2" not in locked.stdout + locked.stderr
        done = securechat(home, "certs", "enroll", more=more)
        assert done.returncode == 0, done.stderr
        (own,) = saved_in(home).path.rglob("client.pem")
        key = own.read_text().partition("-----END PRIVATE KEY")[0].splitlines()[1:]
        assert server.stop() == 0
        assert own.stat().st_mode & 0o777 == 0o600
        assert b"xyzzy" not in server.output
        for content in (server.output, done.stdout.encode(), *files(place.data.path, place.certs)):
            assert not any(line.encode() in content for line in key)
        holders = [path for path in home.rglob("*") if path.is_file() and key[1].encode() in path.read_bytes()]
        assert holders == [own]


def test_secrets_in_all_the_wrong_places(place: Place) -> None:
    """Whatever somebody types where, with the server's log at its most talkative."""
    code = "xyzzy-code-0123456789x"
    with running(place, "--guests", config="[limits]\nthrottle = false\n[accounts]\nscram = true\n") as server:
        for lines in _mistakes(code):
            with Wire(server) as wire:
                wire.send(*lines)
                wire.sync()
        assert server.stop() == 0
    for content in (server.output, *files(place.data.path)):
        assert b"xyzzy" not in content


def test_a_crash_leaves_no_core(place: Place) -> None:
    """There are keys and messages in the memory of a server, and now and then a password."""
    before = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (before[1], before[1]))
    try:
        with running(place) as server:
            (line,) = [line for line in listed(server.process.pid, "limits").splitlines() if "core file" in line]
            assert line.split()[4] == "0"
    finally:
        resource.setrlimit(resource.RLIMIT_CORE, before)


def test_a_password_where_the_nick_should_be(place: Place) -> None:
    with running(place) as server:
        with Wire(server) as wire:
            wire.send("CAP LS 302", "NICK xyzzy-password")
            wire.quit()
        server.logged("disconnected")
        assert server.stop() == 0
    assert b"xyzzy" not in server.output


def _mistakes(code: str) -> Iterator[list[str]]:
    begin = ["CAP LS 302", "CAP REQ :sasl"]
    yield [f"PASS {code}", f"PASS invite: {code}", f"PASS :invite:{code}", f"REGISTER * * {code}"]
    yield [f"PASS invite:{code}", f"NICK {code}", "NICK q", f"REGISTER {code} {code} {code}", f"REGISTER * * :{code} x"]
    yield [f"INVITATION CHECK {code}", f"INVITATION {code}", f"INVITATION REVOKE {code}", f"INVITE {code}"]
    yield [*begin, f"AUTHENTICATE {code}", "AUTHENTICATE PLAIN", f"AUTHENTICATE {code}"]
    yield [
        *begin,
        *login_lines("xyzzy-name", "xyzzy-password"),
        *login_lines("alice", "xyzzy-password", "xyzzy-authzid"),
    ]
    yield [*begin, "AUTHENTICATE SCRAM-SHA-256", *(f"AUTHENTICATE {x}" for x in chunks(b"n,,n=xyzzy,r=xyzzy"))]
    yield [*begin, "AUTHENTICATE EXTERNAL", *(f"AUTHENTICATE {x}" for x in chunks(b"xyzzy-password"))]
    yield ["NICK q", "USER q 0 * :q", "PASSWD xyzzy-old xyzzy-new", "PASSWD :xyzzy-old xyzzy-new", "OPER xyzzy xyzzy"]
    yield [
        "NICK q",
        "USER q 0 * :q",
        "CERT ADD xyzzy",
        "CERT ENROLL xyzzy",
        "CERT DEL xyzzy",
        "xyzzy-password",
        "PASSWD",
    ]
