"""Who does not get in: what the client says, its exit status, and what the server's log says."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from securechat.pki import make_development_certs
from tests.cli.commands import securechat
from tests.e2e.connects import connect
from tests.e2e.servers import PASSWORD, UNHURRIED, MakePlace, Place, Server, running
from tests.e2e.wires import Chatter, Wire, login_lines

GATE = "open sesame"
NOT_LET_IN = "did not let {} in: the password is wrong, there is no such account, or it is disabled"


def test_a_wrong_password(server: Server) -> None:
    done = connect(server, "alice", password="incorrect horse")
    assert done.returncode == 9
    assert NOT_LET_IN.format("alice") in done.stderr
    assert done.stderr.count("\n") == 1
    assert server.logged("login failed", account="alice")["address"] == "127.0.0.1"


def test_an_unknown_user(server: Server) -> None:
    done = connect(server, "mallory", password=PASSWORD)
    assert done.returncode == 9
    assert NOT_LET_IN.format("mallory") in done.stderr
    server.logged("login failed", account="unknown")  # not by its name: people type their password there, too


def test_a_disabled_user(server: Server) -> None:
    securechat(server.place.home, "user", "disable", "judy", "--data", server.place.data.path)
    done = connect(server, "judy")
    assert done.returncode == 9
    assert NOT_LET_IN.format("judy") in done.stderr
    assert "This account is disabled" in done.stderr
    server.logged("login failed", account="judy", how="PLAIN", why="disabled")


def test_who_guesses_is_not_told_that_an_account_is_disabled(server: Server) -> None:
    securechat(server.place.home, "user", "disable", "ivan", "--data", server.place.data.path)
    done = connect(server, "ivan", password="incorrect horse")
    assert done.returncode == 9
    assert "This account is disabled" not in done.stderr


def test_five_failures_end_the_connection(server: Server) -> None:
    with Wire(server) as wire:
        wire.send("CAP LS 302")
        for number in range(5):
            wire.send(*login_lines(f"nobody{number}", "a guess"))
            wire.expect("904")
        assert wire.to_end()[-1].params == ["Closing link: Too many failed logins"]


def test_an_authority_that_the_client_does_not_trust(server: Server, tmp_path: Path) -> None:
    make_development_certs(tmp_path, machine="localhost")
    done = connect(server, "alice", "--ca", str(tmp_path / "ca.pem"))
    assert done.returncode == 5
    assert "the certificate of localhost is signed by nobody who is trusted here" in done.stderr
    server.logged(
        "handshake failed", why="the client does not trust the authority that signed this server's certificate"
    )


def test_a_host_name_that_is_not_in_the_certificate(place: Place) -> None:
    # 127.0.0.2 is this machine too, and in no certificate.
    with running(place, "--host", "127.0.0.2") as server:
        done = connect(server, "alice", "--host", "127.0.0.2")
        assert done.returncode == 4
        assert "the server has a certificate, but not for 127.0.0.2" in done.stderr
        why = server.logged("handshake failed")["why"]
        assert "did not find the host name that it asked for" in why


def test_a_server_that_is_not_there(server: Server) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    done = connect(server, "alice", "--port", str(port))
    assert done.returncode == 3
    assert f"nothing listens on localhost port {port}" in done.stderr


@pytest.fixture(scope="module")
def guarded(make_place: MakePlace) -> Iterator[Server]:
    """A server that wants a password of its own, besides that of the account."""
    with running(make_place(), config=f'{UNHURRIED}[server]\npassword = "{GATE}"\n') as one:
        yield one


@pytest.mark.parametrize("first", [[], ["PASS open-sesam"], ["PASS :"]])
def test_a_server_password_that_is_wrong_or_missing(guarded: Server, first: list[str]) -> None:
    with Wire(guarded) as wire:
        wire.send(*first, *login_lines("alice", PASSWORD), "NICK alice", "USER a 0 * :a", "CAP END")
        wire.expect("464")
        wire.next_is("ERROR", "Closing link: The password of the server is wrong or missing")
        assert wire.to_end() == []
        guarded.logged("server password wrong")


def test_a_server_password_and_an_account(guarded: Server) -> None:
    with Chatter(guarded, "alice", first=[f"PASS :{GATE}"]) as alice:
        assert alice.nick == "alice"


def test_a_server_password_is_no_account(guarded: Server) -> None:
    with Wire(guarded) as wire:
        wire.send(f"PASS :{GATE}", "NICK alice", "USER a 0 * :a")
        wire.expect("FAIL", "*", "ACCOUNT_REQUIRED_TO_CONNECT")
        assert wire.to_end()[-1].command == "ERROR"


def test_a_client_that_can_not_give_the_password_of_the_server(guarded: Server) -> None:
    done = connect(guarded, "alice")
    assert done.returncode == 10
    assert "wants a password for the server itself" in done.stderr
