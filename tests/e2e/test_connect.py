"""The real job: people at terminals, and files that go into the chat and come out of it, whole and in order."""

import subprocess
from contextlib import ExitStack
from pathlib import Path

from tests.cli.commands import at_terminal
from tests.e2e.connects import connect_command, connect_environment, connected
from tests.e2e.servers import LIMIT, PASSWORD, Place, Server, running
from tests.e2e.stored import logged_texts
from tests.e2e.wires import Chatter, nick_of


def test_three_clients_talk(server: Server) -> None:
    with connected(server, "alice") as alice, connected(server, "bob") as bob:
        assert "joined #lobby" in alice.out.expect("* bob ")
        with connected(server, "carol") as carol:
            assert alice.out.next() == "* carol joined #lobby"
            bob.out.expect("* carol joined #lobby")
            carol.say("hello from carol", "and again")
            for listener in (alice, bob):
                assert listener.out.next() == "<carol> hello from carol"
                assert listener.out.next() == "<carol> and again"
            bob.say("exit", "/quit")
            assert alice.out.next() == "<bob> exit"
            assert alice.out.next() == "<bob> /quit"
            carol.out.expect("<bob> /quit")
            assert carol.leave() == 0
        assert alice.out.next().startswith("* carol quit")
        assert (bob.leave(), alice.leave()) == (0, 0)


def test_a_file_goes_in_and_comes_out(place: Place, tmp_path: Path) -> None:
    """2,000 lines, read by one process and written down by another."""
    lines = [f"{number}: {'ünïcödé ☃ ' * (number % 7)}/quit exit".strip() for number in range(2000)]
    file = tmp_path / "file.txt"
    file.write_text("".join(f"{line}\n" for line in lines))
    with running(place) as server, connected(server, "bob", "--channel", "#files") as bob:
        with file.open("rb") as stream:
            done = subprocess.run(
                connect_command(server, "alice", "--channel", "#files"),
                stdin=stream,
                capture_output=True,
                env=connect_environment(server, PASSWORD),
                timeout=LIMIT,
                check=False,
            )
        assert done.returncode == 0, done.stderr
        bob.out.expect("* alice joined #files")
        assert [bob.out.next() for _ in lines] == [f"<alice> {line}" for line in lines]
        assert bob.out.next().startswith("* alice quit")
        assert bob.leave() == 0
    assert logged_texts(place) == lines


def test_a_server_that_dies_while_a_file_is_sent(place: Place) -> None:
    """The status says that not all has arrived; how much has, is said and true."""
    with ExitStack() as stack:
        server = stack.enter_context(running(place))
        alice = stack.enter_context(connected(server, "alice", "--no-reconnect"))
        bob = stack.enter_context(Chatter(server, "bob", join="#lobby"))
        alice.say(*(f"line {number}" for number in range(100)))
        bob.expect("PRIVMSG", "#lobby", "line 99")
        server.kill()
        bob.until_cut_off()
        assert alice.process.wait(LIMIT) == 11  # its input has not ended: it may have been acknowledged whole
        account = alice.err.expect("acknowledged")
        assert "was lost" in account
        acknowledged = int(account.split("(")[-1].split()[0])
    assert acknowledged <= 100
    assert logged_texts(place) == [f"line {number}" for number in range(100)]


def test_two_people_at_two_terminals(server: Server) -> None:
    def arguments(user: str) -> list[str]:
        port, ca = str(server.port), str(server.place.ca)
        return ["connect", "--user", user, "--port", port, "--ca", ca, "--channel", "#table"]

    with ExitStack() as stack:
        alice = stack.enter_context(at_terminal(server.place.home, *arguments("alice")))
        alice.expect("Password for alice: ")
        alice.type(f"{PASSWORD}\n")
        alice.expect("joined #table")
        bob = stack.enter_context(at_terminal(server.place.home, *arguments("bob")))
        bob.expect("Password for bob: ")
        bob.type(f"{PASSWORD}\n")
        alice.expect("bob joined #table")
        bob.expect("in #table: ")  # on so simple a terminal the prompt may still be that of before
        bob.type("good evening\r")
        alice.expect("<bob> good evening")
        alice.type("/me nods\r")
        bob.expect("* <alice> nods")
        alice.type("exit\r")
        bob.expect("alice quit")
        assert alice.end() == 0
        bob.type("/quit\r")
        assert bob.end() == 0
        for terminal in (alice, bob):
            assert PASSWORD not in terminal.screen
            assert "Traceback" not in terminal.screen


def test_an_irc_client_and_ours(server: Server) -> None:
    with Chatter(server, "carol", join="#mixed") as carol, connected(server, "dave", "--channel", "#mixed") as dave:
        assert nick_of(carol.expect("JOIN", "#mixed", "dave")) == "dave"
        dave.say("from ours")
        assert nick_of(carol.expect("PRIVMSG", "#mixed", "from ours")) == "dave"
        carol.send("PRIVMSG #mixed :from theirs", "PRIVMSG dave :psst", "NOTICE #mixed :beep")
        assert dave.out.expect("theirs") == "<carol> from theirs"
        assert dave.out.next() == "(private) <carol> psst"
        assert dave.out.next() == "-carol- beep"
        assert dave.leave() == 0
