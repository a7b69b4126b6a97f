"""A channel of an account lasts: over the time when nobody is in it, and over the end of the server."""

import pytest

from tests.e2e.servers import MakePlace, running
from tests.e2e.wires import Chatter, Wire


def answers(wire: Wire, *lines: str) -> list[list[str]]:
    """Command and parameters of what comes until these lines are answered, without who is told."""
    wire.send(*lines)
    return [
        [message.command, *(message.params[1:] if message.command.isdigit() else message.params)]
        for message in wire.sync()
    ]


QUESTIONS = ("TOPIC #Home", "MODE #home", "MODE #home beI", "OWNER #home")


@pytest.mark.parametrize("killed", [False, True])
def test_all_of_a_channel_is_there_after_a_restart(make_place: MakePlace, killed: bool) -> None:
    place = make_place()
    with running(place) as server:
        with Chatter(server, "alice", join="#Home") as alice, Chatter(server, "bob", join="#home") as bob:
            with Chatter(server, "carol", join="#home"):
                alice.send("TOPIC #home :sweet", "MODE #home +mikl-n key 9")
                alice.send("MODE #home +bbeI troll ~m:~account:dave friend@example.org ~a:erin", "MODE #home -b TROLL")
                alice.send("MODE #home +hvo bob carol bob", "MODE #home -o bob", "MODE #home +b ~a:frank")
                alice.sync()
            bob.sync()
            alice.send("JOIN #gone", "OWNER #gone *", "JOIN #given", "JOIN #old", "RENAME #old #new")
            alice.sync()
            bob.send("JOIN #given")
            bob.sync()
            alice.send("OWNER #given bob")
            alice.sync()
            before = answers(alice, *QUESTIONS)
        if killed:
            server.kill()
        else:
            assert server.stop() == 0
    with running(place) as server:
        with Chatter(server, "dave") as dave:
            for line in ("JOIN #home", "JOIN #home key"):
                assert answers(dave, line) == [["473", "#Home", "Cannot join channel (+i)"]]
        with Chatter(server, "alice", join="#home") as alice:
            after = answers(alice, *QUESTIONS)
            assert after == before
            assert ["332", "#Home", "sweet"] in after
            assert ["324", "#Home", "+imtkl", "key", "9"] in after
            masks = [line[2] for line in after if line[0] in ("367", "348", "346")]
            assert masks == ["~m:~a:dave", "~a:frank", "*!friend@example.org", "~a:erin"]
            assert "@alice" in _names(alice, "#home")
            alice.send("MODE #home -i")
            with Chatter(server, "bob") as bob, Chatter(server, "carol") as carol:
                bob.send("JOIN #home key")
                bob.sync()
                assert alice.expect("MODE", "#Home", "+h").params[2] == "bob"
                carol.send("JOIN #home key")
                carol.sync()
                assert _names(bob, "#home") == ["@alice", "%bob", "+carol"]
                assert answers(bob, "OWNER #given")[0][1:5] == ["OWNER", "CHANNEL_OWNER", "#given", "bob"]
                assert _names(bob, "#given") == ["alice", "@bob"]  # in which both are again by themselves
                carol.join("#gone")  # which nobody owned any more, so it was made anew
                assert _names(carol, "#gone") == ["@carol"]
                assert answers(carol, "OWNER #new")[0][1:5] == ["OWNER", "CHANNEL_OWNER", "#new", "alice"]
                assert answers(carol, "OWNER #old") == [["403", "#old", "No such channel"]]
                # The lobby is the server's as before.
                carol.join("#lobby")
                assert _names(carol, "#lobby") == ["carol"]


def test_a_guests_channel_does_not_last(make_place: MakePlace) -> None:
    place = make_place()
    with (
        running(place, "--guests") as server,
        Chatter(server, "guest", password=None, join="#guests") as guest,
        Chatter(server, "alice", join="#guests") as alice,
    ):
        guest.send("TOPIC #guests :here", "MODE #guests +o alice")
        guest.sync()
        assert _names(alice, "#guests") == ["@guest", "@alice"]
        assert server.stop() == 0
        alice.to_end()
        guest.to_end()
    with running(place) as server, Chatter(server, "alice") as alice:
        assert answers(alice, "OWNER #guests") == [["403", "#guests", "No such channel"]]


def test_one_that_was_a_guests_lasts_once_it_is_given_to_somebody(make_place: MakePlace) -> None:
    place = make_place()
    with running(place, "--guests") as server:
        with (
            Chatter(server, "guest", password=None, join="#gift") as guest,
            Chatter(server, "alice", join="#gift") as alice,
        ):
            guest.send("TOPIC #gift :for alice", "MODE #gift +sb-t troll", "OWNER #gift alice")
            guest.sync()
        assert server.stop() == 0
    with running(place) as server, Chatter(server, "alice", join="#gift") as alice:
        assert answers(alice, "TOPIC #gift")[0] == ["332", "#gift", "for alice"]
        assert answers(alice, "MODE #gift")[0] == ["324", "#gift", "+ns"]
        assert answers(alice, "MODE #gift b")[0][:3] == ["367", "#gift", "troll!*@*"]
        assert _names(alice, "#gift") == ["@alice"]


def test_its_operators_get_in_after_a_restart_whatever_keeps_others_out(make_place: MakePlace) -> None:
    """Or the channel would be its owner's alone until they come."""
    place = make_place()
    with running(place) as server:
        with Chatter(server, "alice", join="#crew") as alice, Chatter(server, "bob", join="#crew") as bob:
            alice.send("MODE #crew +o bob", "MODE #crew +ikl key 1")
            alice.sync()
            bob.sync()
        assert server.stop() == 0
    with running(place) as server, Chatter(server, "bob", join="#crew") as bob, Chatter(server, "carol") as carol:
        assert _names(bob, "#crew") == ["@bob"]
        assert answers(carol, "JOIN #crew key") == [["473", "#crew", "Cannot join channel (+i)"]]


def test_a_ban_of_a_guests_host_is_one_after_a_restart(make_place: MakePlace) -> None:
    place = make_place()
    with running(place, "--guests") as server:
        with (
            Chatter(server, "alice", join="#calm") as alice,
            Chatter(server, "troll", password=None, join="#calm") as troll,
        ):
            (host,) = [line[3] for line in answers(alice, "WHO troll") if line[0] == "352"]
            assert host.startswith("guest-")
            alice.send(f"MODE #calm +b *!*@{host}")
            alice.sync()
            troll.sync()
        assert server.stop() == 0
    with running(place, "--guests") as server, Chatter(server, "another", password=None) as another:
        assert answers(another, "JOIN #calm") == [["474", "#calm", "Cannot join channel (+b)"]]


def _names(wire: Wire, channel: str) -> list[str]:
    return [name for line in answers(wire, f"NAMES {channel}") if line[0] == "353" for name in line[3].split()]
