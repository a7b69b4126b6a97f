"""`securechat user`, with a server that runs and without: who can log in, and what becomes of those who are there."""

import json
from subprocess import CompletedProcess

import pytest

from tests.cli.commands import securechat
from tests.e2e.connects import connect
from tests.e2e.servers import PASSWORD, Place, Server, running
from tests.e2e.wires import Chatter, Wire, login_lines, nick_of

NEW = "another horse"


def user(place: Place, *arguments: str, stdin: str = "") -> "CompletedProcess[str]":
    done = securechat(place.home, "user", *arguments, "--data", place.data.path, stdin=stdin)
    assert done.returncode == 0, done.stderr
    return done


def refused(server: Server, name: str, password: str) -> None:
    """Try to log in, and fail."""
    with Wire(server) as wire:
        wire.send(*login_lines(name, password), f"NICK {name}", f"USER {name} 0 * :{name}")
        wire.expect("904")


def ended(wire: Wire, reason: str) -> None:
    """The server has ended this connection, and said why."""
    last = wire.to_end()[-1]
    assert (last.command, last.params) == ("ERROR", [f"Closing link: {reason}"])


def test_without_a_server(place: Place) -> None:
    """What is done is there when the server comes."""
    user(place, "add", "mallory", "--admin", "--password-stdin", stdin=f"{NEW}\n")
    user(place, "disable", "alice")
    with running(place) as server:
        with Chatter(server, "mallory", password=NEW) as mallory:
            mallory.send("WHOIS mallory")
            mallory.expect("313", "mallory", "mallory")
            accounts = {account["name"]: account for account in json.loads(user(place, "list", "--json").stdout)}
        assert (accounts["mallory"]["role"], accounts["mallory"]["online"]) == ("admin", True)
        assert (accounts["alice"]["enabled"], accounts["bob"]["enabled"]) == (False, True)
        refused(server, "mallory", PASSWORD)
        refused(server, "alice", PASSWORD)
        user(place, "enable", "alice")
        with Chatter(server, "alice") as alice:
            assert alice.nick == "alice"


def test_an_account_that_is_made_while_the_server_runs(server: Server) -> None:
    refused(server, "oscar", NEW)
    user(server.place, "add", "oscar", "--password-stdin", stdin=f"{NEW}\n")
    server.logged("account added", account="oscar")
    assert connect(server, "oscar", password=NEW).returncode == 0


@pytest.mark.parametrize(
    ("name", "command", "reason"),
    [
        ("carol", "disable", "The account was disabled"),
        ("dave", "remove", "The account was removed"),
        ("erin", "passwd", "The password was changed"),
    ],
)
def test_live_sessions_end_at_once(server: Server, name: str, command: str, reason: str) -> None:
    with Chatter(server, "bob", join="#lobby") as bob:
        with Chatter(server, name, join="#lobby") as one, Chatter(server, name) as two:
            bob.expect("JOIN", "#lobby", name)
            options = ["--password-stdin"] if command == "passwd" else []
            user(server.place, command, name, *options, stdin=f"{NEW}\n")
            for wire in (one, two):
                ended(wire, reason)
        assert nick_of(bob.expect("QUIT", reason)) == name
        assert bob.sync() == []  # and that only once
        refused(server, name, PASSWORD)
    if command == "passwd":
        with Chatter(server, name, password=NEW) as one:
            assert one.nick == name


def test_who_logs_in_while_the_account_changes(server: Server) -> None:
    """The password was right when it was looked at; by the time of CAP END it is not any more."""
    with Wire(server) as wire:
        wire.send("CAP LS 302", "NICK frank", "USER frank 0 * :frank", *login_lines("frank", PASSWORD))
        wire.expect("903")
        user(server.place, "passwd", "frank", "--password-stdin", stdin=f"{NEW}\n")
        wire.send("CAP END")
        wire.expect("FAIL", "*", "ACCOUNT_REQUIRED_TO_CONNECT")
        assert wire.to_end()[-1].command == "ERROR"


def test_a_removed_account_takes_what_was_its_own_with_it(server: Server) -> None:
    """Whoever gets the name next is somebody else."""
    with Chatter(server, "grace", join="#garden") as grace:
        grace.send("TOPIC #garden :roses")
        grace.expect("TOPIC")
    with Chatter(server, "bob") as bob:
        bob.send("PRIVMSG grace :for your eyes only")
        bob.expect("301", "bob", "grace")
    user(server.place, "remove", "grace")
    user(server.place, "add", "grace", "--password-stdin", stdin=f"{NEW}\n")
    with Chatter(server, "grace", password=NEW) as grace:
        assert not any("for your eyes only" in line for line in grace.lines)
        grace.send("TOPIC #garden")
        grace.expect("403", "grace", "#garden")
