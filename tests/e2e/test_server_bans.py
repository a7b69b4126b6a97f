"""`securechat ban`, with a server that runs and without: who is sent away, and who comes back."""

import json
from subprocess import CompletedProcess

from tests.cli.commands import securechat
from tests.e2e.servers import Place, Server, running
from tests.e2e.wires import Chatter, Wire, login_lines, nick_of


def ban(place: Place, *arguments: str) -> "CompletedProcess[str]":
    done = securechat(place.home, "ban", *arguments, "--data", place.data.path)
    assert done.returncode == 0, done.stderr
    return done


def told(wire: Wire, reason: str) -> None:
    """The server has ended this connection, because of a ban."""
    last = wire.to_end()[-1]
    assert (last.command, last.params) == ("ERROR", [f"Closing link: You are banned: {reason}"])


def kept_out(server: Server, name: str, reason: str) -> None:
    """Try to come, and fail."""
    with Wire(server) as wire:
        wire.send("CAP LS 302", *login_lines(name, "correct horse"), f"NICK {name}", f"USER {name} 0 * :x", "CAP END")
        wire.expect("465", name)
        told(wire, reason)


def test_an_account_that_is_connected(server: Server) -> None:
    with Chatter(server, "bob", join="#lobby") as bob:
        with Chatter(server, "carol", join="#lobby") as one, Chatter(server, "carol") as two:
            bob.expect("JOIN", "#lobby", "carol")
            ban(server.place, "add", "Carol", "--for", "1h", "--reason", "too loud")
            told(one, "too loud")
            told(two, "too loud")
        server.logged("ban added", target="Carol")
        assert nick_of(bob.expect("QUIT")) == "carol"
        kept_out(server, "carol", "too loud")
        ban(server.place, "remove", "carol")
        server.logged("ban lifted", target="carol")
        with Chatter(server, "carol", join="#lobby"):
            bob.expect("JOIN", "#lobby", "carol")


def test_the_way_back_in_when_nobody_can_connect(place: Place) -> None:
    """An operator has banned the network that everybody is in, themselves included."""
    securechat(place.home, "user", "add", "boss", "--admin", "--password-stdin", "--data", place.data.path,
               stdin="correct horse\n")  # fmt: skip
    with running(place) as server:
        with Chatter(server, "boss") as boss, Chatter(server, "alice") as alice:
            boss.send("UBAN ADD 127.0.0.1/8 :a slip of the finger")
            told(boss, "a slip of the finger")
            told(alice, "a slip of the finger")
        kept_out(server, "boss", "a slip of the finger")
        (line,) = json.loads(ban(place, "list", "--json").stdout)
        assert (line["whom"], line["kind"], line["by"]) == ("127.0.0.0/8", "network", "boss")
        ban(place, "remove", line["whom"])
        with Chatter(server, "boss") as boss:
            assert boss.nick == "boss"


def test_a_network_while_people_are_here(place: Place) -> None:
    with running(place) as server:
        with Chatter(server, "alice") as alice:
            ban(place, "add", "127.0.0.1", "--reason", "not from here")
            told(alice, "not from here")
        kept_out(server, "alice", "not from here")


def test_without_a_server(place: Place) -> None:
    """What is done is there when the server comes."""
    ban(place, "add", "alice")
    ban(place, "add", "bob")
    ban(place, "remove", "bob")
    with running(place) as server:
        kept_out(server, "alice", "No reason was given")
        with Chatter(server, "bob") as bob:
            assert bob.nick == "bob"
    ban(place, "remove", "alice")
    with running(place) as server, Chatter(server, "alice") as alice:
        assert alice.nick == "alice"
