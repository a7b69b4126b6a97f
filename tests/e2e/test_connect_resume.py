"""`securechat connect` when the server dies and the network breaks: nothing is missing, and nothing is there twice."""

import random
import shutil
from contextlib import ExitStack
from pathlib import Path

import pytest

from securechat.pki import make_development_certs
from tests.cli.commands import at_terminal, securechat
from tests.clients.restart import another
from tests.e2e.connects import Connected, connect, connected
from tests.e2e.relay import relay
from tests.e2e.servers import LIMIT, PASSWORD, Place, Server, running
from tests.e2e.stored import logged_texts
from tests.e2e.wires import Chatter


def _said_by(client: Connected, nick: str, last: str) -> list[str]:
    """What somebody has said, up to this, as the client prints it."""
    begin = f"<{nick}> "
    said: list[str] = []
    while not said or said[-1] != last:
        line = client.out.next()
        if line.startswith(begin):
            said.append(line.removeprefix(begin))
    return said


def test_a_server_that_is_killed_in_the_middle_of_a_conversation(place: Place) -> None:
    lines = [f"line {number}" for number in range(120)]
    with ExitStack() as stack:
        server = stack.enter_context(running(place))
        scribe = stack.enter_context(connected(server, "bob"))
        writer = stack.enter_context(connected(server, "alice"))
        for number in range(4):
            writer.say(*lines[number * 30 : number * 30 + 20])
            server.kill()
            writer.say(*lines[number * 30 + 20 : number * 30 + 30])
            server = stack.enter_context(another(server))
        writer.err.expect("connected again")
        assert _said_by(scribe, "alice", lines[-1]) == lines
        assert writer.leave() == 0
        assert scribe.leave() == 0
        assert not [line for line in writer.out.rest() if line.startswith("<alice>")]
    assert logged_texts(place) == lines


def test_a_network_that_breaks_anywhere(server: Server) -> None:
    """Both directions, at any byte: in the handshake, in the login, in the answer to a question for history."""
    chance = random.Random(4)
    lines = [f"line {number} {'x' * chance.randrange(300)}" for number in range(300)]
    with ExitStack() as stack:
        network = stack.enter_context(relay(server.port))
        through = ("--port", str(network.port), "--channel", "#anywhere")
        scribe = stack.enter_context(connected(server, "bob", *through))
        writer = stack.enter_context(connected(server, "alice", *through))
        for number in range(0, 300, 25):
            network.cut_after(chance.randrange(8000))
            writer.say(*lines[number : number + 25])
        network.cut()
        assert _said_by(scribe, "alice", lines[-1]) == lines
        assert writer.leave() == 0
        assert scribe.leave() == 0
        assert network.connections > 2
    assert [text for text in logged_texts(server.place) if text in lines] == lines


def test_an_acknowledgement_that_is_lost(server: Server) -> None:
    with ExitStack() as stack:
        network = stack.enter_context(relay(server.port))
        bob = stack.enter_context(Chatter(server, "carol", join="#lost"))
        alice = stack.enter_context(connected(server, "alice", "--port", str(network.port), "--channel", "#lost"))
        for number in range(3):
            network.swallow()
            alice.say(f"once {number}")
            bob.expect("PRIVMSG", "#lost", f"once {number}")  # so it is stored, and nobody has told alice
            network.cut()
            alice.err.expect("connected again")
        bob.send("PRIVMSG #lost :the end")
        assert alice.out.expect("<") == "<carol> the end"
        assert alice.leave() == 0
        bob.expect("PRIVMSG", "#lost", "the end")
    assert [text for text in logged_texts(server.place) if text.startswith("once")] == ["once 0", "once 1", "once 2"]


def test_what_was_said_to_one_alone_meanwhile(server: Server) -> None:
    with ExitStack() as stack:
        network = stack.enter_context(relay(server.port))
        bob = stack.enter_context(Chatter(server, "carol"))
        alice = stack.enter_context(connected(server, "alice", "--port", str(network.port)))
        network.swallow()
        bob.send("PRIVMSG alice :psst", "PRIVMSG alice :anybody?")
        bob.expect("PRIVMSG", "alice", "anybody?")
        network.cut()
        assert alice.out.expect("psst") == "(private) <carol> psst"
        assert alice.out.next() == "(private) <carol> anybody?"
        assert alice.leave() == 0


def test_a_terminal_while_the_server_is_killed(place: Place) -> None:
    with ExitStack() as stack:
        server = stack.enter_context(running(place))
        port, ca = str(server.port), str(server.place.ca)
        screen = stack.enter_context(at_terminal(place.home, "connect", "--user", "alice", "--port", port, "--ca", ca))
        screen.expect("Password for alice: ")
        screen.type(f"{PASSWORD}\n")
        screen.expect("joined #lobby")
        bob = stack.enter_context(connected(server, "bob"))
        bob.say("before")
        screen.expect("<bob> before")
        screen.type("half a sen")
        screen.expect("half a sen")
        server.kill()
        screen.expect("connecting again")
        bob.say("bob waits")
        screen.type("tence\r")
        screen.expect("-- kept until you are connected again: half a sentence")
        screen.type("/topic tea\r")
        screen.expect("! there is no connection at the moment")
        server = stack.enter_context(another(server))
        screen.expect("connected again")
        screen.expect("<alice> half a sentence")
        bob.out.expect("<alice> half a sentence")
        bob.say("after")
        screen.expect("<bob> after")
        screen.type("/quit\r")
        assert screen.end() == 0
        assert bob.leave() == 0
        assert PASSWORD not in screen.screen
        for text in ("<bob> before", "<alice> half a sentence", "<bob> bob waits", "<bob> after"):
            assert screen.screen.count(text) == 1, screen.screen
    assert sorted(logged_texts(place)) == ["after", "before", "bob waits", "half a sentence"]


def test_the_lines_of_before_and_what_is_new(server: Server) -> None:
    port, ca = str(server.port), str(server.place.ca)
    arguments = ["connect", "--user", "dave", "--port", port, "--ca", ca, "--channel", "#tea", "--history", "2"]
    with Chatter(server, "carol", join="#tea") as carol:
        carol.send("PRIVMSG #tea :one", "PRIVMSG #tea :two", "PRIVMSG #tea :three")
        carol.expect("PRIVMSG", "#tea", "three")
        for before, after in ((["two", "three"], "four"), (["three", "four"], "five")):
            with at_terminal(server.place.home, *arguments) as screen:
                screen.expect("Password for dave: ")
                screen.type(f"{PASSWORD}\n")
                for text in before[:-1]:
                    screen.expect(f"<carol> {text}")
                if after == "five":
                    screen.expect("-- new in #tea since you were last here")
                screen.expect(f"<carol> {before[-1]}")
                assert "<carol> one" not in screen.screen
                screen.type("/history 1\r")
                screen.expect("-- 1 older message in #tea:")
                screen.type("exit\r")
                assert screen.end() == 0
            carol.send(f"PRIVMSG #tea :{after}")
            carol.expect("PRIVMSG", "#tea", after)


# -- what ends it -----------------------------------------------------------------------------------------------------


def test_nobody_waits_for_ever_at_the_end_of_the_input(place: Place) -> None:
    with running(place) as server, connected(server, "alice", "--patience", "0.2") as alice:
        alice.say("heard")
        alice.say("heard, too")
        with Chatter(server, "bob", join="#lobby") as bob:
            alice.say("heard by bob")
            bob.expect("PRIVMSG", "#lobby", "heard by bob")
            bob.send("PRIVMSG #lobby :and answered")  # alice has her acknowledgements before it
            alice.out.expect("<bob> and answered")
            server.kill()
            bob.until_cut_off()
        alice.err.expect("connecting again")
        alice.say("not heard")
        assert alice.leave() == 11
        account = alice.err.expect("could not be made again in 0.2 seconds")
        assert "(3 lines acknowledged; 1 line not acknowledged, and may have been lost)" in account
    assert "not heard" not in logged_texts(place)


def test_a_password_that_is_changed_meanwhile(place: Place) -> None:
    with running(place) as server, connected(server, "alice") as alice:
        words = ("user", "passwd", "alice", "--password-stdin", "--data", str(place.data.path))
        assert securechat(place.home, *words, stdin="another one\n").returncode == 0
        assert "did not let alice in" in alice.err.expect("did not let")
        assert alice.process.wait(LIMIT) == 9


def test_another_server_in_its_place(place: Place, tmp_path: Path) -> None:
    """The connection is not made to whoever listens there: the certificate has to be right each time."""
    with running(place) as server, connected(server, "alice") as alice:
        server.kill()
        alice.err.expect("connecting again")
        other = tmp_path / "other"
        make_development_certs(other, machine="localhost")
        shutil.copytree(place.home, tmp_path / "home", ignore=shutil.ignore_patterns("*.sock"))
        with running(Place(tmp_path / "home", other), "--port", str(server.port)):
            assert "signed by nobody who is trusted" in alice.err.expect("signed by")
            assert alice.process.wait(LIMIT) == 5


def test_a_script_may_want_to_fail(place: Place) -> None:
    with running(place) as server, connected(server, "alice", "--no-reconnect") as alice:
        server.kill()
        assert alice.process.wait(LIMIT) == 11
        assert "was lost" in alice.err.expect("was lost")


@pytest.mark.parametrize("name", ["a b", "x" * 33, "ä", "a@b"])
def test_a_name_that_no_device_can_have(server: Server, name: str) -> None:
    done = connect(server, "alice", "--device", name)
    assert (done.returncode, done.stdout) == (2, "")
    assert "is no name of a device" in done.stderr


def test_devices(server: Server) -> None:
    with (
        connected(server, "alice", "--device", "phone") as phone,
        connected(server, "alice", "--device", "desk") as desk,
    ):
        phone.say("from the phone")
        assert desk.out.expect("<alice>") == "<alice> from the phone"
        assert phone.leave() == 0
        assert desk.leave() == 0
