"""SIGHUP: a server that runs reads its configuration and its certificate again, and nobody is sent away."""

import json
import os
import shutil
import signal
import ssl
import subprocess
import sys
from pathlib import Path

import pytest

from securechat.pki import make_development_certs
from tests.cli.commands import environment
from tests.e2e.servers import LIMIT, UNHURRIED, Place, Server, running, server_command
from tests.e2e.wires import Chatter, Wire

# The child makes the terminal its own, as a login does; then the server replaces it.
AT_TERMINAL = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.argv[1], sys.argv[1:])
"""


@pytest.fixture
def moving(place: Place, tmp_path: Path) -> Place:
    """A place whose certificate may be changed."""
    certs = tmp_path / "certs"
    shutil.copytree(place.certs, certs)
    return Place(place.home, certs)


@pytest.fixture
def other(tmp_path: Path) -> Path:
    """The certificates of another authority."""
    directory = tmp_path / "other"
    make_development_certs(directory, machine="localhost")
    return directory


def certificate(wire: Wire) -> bytes:
    """The server's, as this connection was shown it."""
    shown = wire.sock.getpeercert(binary_form=True)
    assert shown is not None
    return shown


def certificate_in(directory: Path) -> bytes:
    text = (directory / "server.pem").read_text()
    begin = text.index("-----BEGIN CERTIFICATE-----")
    end = text.index("-----END CERTIFICATE-----", begin)
    return ssl.PEM_cert_to_DER_cert(text[begin:end] + "-----END CERTIFICATE-----\n")


def hang_up(server: Server, event: str) -> None:
    """Have it read everything again, and wait until its log tells of that; once for each kind of event."""
    server.process.send_signal(signal.SIGHUP)
    server.logged(event, by="SIGHUP")


def test_a_new_certificate_is_for_new_connections(moving: Place, other: Path) -> None:
    old = certificate_in(moving.certs)
    with running(moving) as server, Chatter(server, "alice", join="#lobby") as alice:
        shutil.copy(other / "server.pem", moving.cert)
        shutil.copy(other / "ca.pem", moving.ca)
        hang_up(server, "configuration reloaded")
        with Chatter(server, "bob", join="#lobby") as bob:
            assert certificate(bob) == certificate_in(other) != old
            bob.say("#lobby", "new here")
            alice.sync()
            assert any("new here" in line for line in alice.lines)
        assert certificate(alice) == old


def test_a_broken_certificate_is_refused(moving: Place) -> None:
    old = certificate_in(moving.certs)
    pem = moving.cert.read_text()
    with running(moving) as server, Chatter(server, "alice") as alice:
        moving.cert.write_text(pem[: len(pem) // 2])
        moving.configure(f"{UNHURRIED}targets = 9\n")
        hang_up(server, "configuration refused")
        assert str(moving.cert) in server.logged("configuration refused")["why"]
        alice.sync()
        with Chatter(server, "bob") as bob:
            assert certificate(bob) == old
            assert not any("PRIVMSG:9" in line for line in bob.lines)  # nothing else has changed either
        moving.cert.write_text(pem)
        hang_up(server, "configuration reloaded")
        alice.sync()
        assert any(" 005 alice " in line and "PRIVMSG:9" in line for line in alice.lines)


def test_a_broken_configuration_is_refused(place: Place) -> None:
    with running(place) as server:
        place.configure("[limits]\ntargets = 0\n[server]\npassword = 'hunter2'\n")
        hang_up(server, "configuration refused")
        assert "[limits] targets" in server.logged("configuration refused")["why"]
        with Chatter(server, "alice"):  # and no password is needed
            pass
        place.configure("[server]\npassword = 'hunter2\n")
        server.process.send_signal(signal.SIGHUP)
        server.stop()
        assert sum(event["event"] == "configuration refused" for event in server.events) == 2
        assert b"hunter2" not in server.output


def test_the_command_line_still_wins_and_what_needs_a_restart_is_named(place: Place) -> None:
    with running(place, "--guests", config=f"[server]\nname = 'a.example'\n{UNHURRIED}") as server:
        place.configure(f"[server]\nname = 'b.example'\n[accounts]\nguests = false\n{UNHURRIED}")
        hang_up(server, "configuration reloaded")
        assert server.logged("restart needed")["key"] == "[server] name"
        with Chatter(server, "alice") as alice:
            assert any(line.startswith(":a.example 001 ") for line in alice.lines)
    assert [event["key"] for event in server.events if event["event"] == "restart needed"] == ["[server] name"]


def test_a_terminal_that_is_closed_ends_it(place: Place) -> None:
    command = server_command(place, "--config", place.configure(UNHURRIED), "--log-format", "json")
    master, slave = os.openpty()
    try:
        process = subprocess.Popen(
            [sys.executable, "-c", AT_TERMINAL, *command],
            stdin=slave,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            cwd=place.home,
            env=environment(place.home),
            start_new_session=True,
        )
    except BaseException:
        os.close(master)
        raise
    finally:
        os.close(slave)
    with process:
        try:
            assert process.stderr is not None
            try:
                events = (json.loads(line)["event"] for line in process.stderr)
                assert "listening" in events  # reads on until it comes
                process.send_signal(signal.SIGHUP)
                assert "configuration reloaded" in events
            finally:
                os.close(master)
            assert "stopped" in events
            assert process.wait(LIMIT) == 0
        finally:
            process.kill()
