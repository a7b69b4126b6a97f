"""irssi, WeeChat, a pipe and a terminal in one channel: everybody sees everything, and in the same order."""

import re
from pathlib import Path

import pytest

from tests.clients.programs import Irssi, WeeChat
from tests.clients.terminals import said, terminal
from tests.clients.tmux import Tmux
from tests.e2e.connects import connected
from tests.e2e.servers import Server

pytestmark = pytest.mark.clients

ROUNDS = 5
TALKERS = ("alice", "bob", "carol", "dave")


def test_all_see_the_same_in_the_same_order(server: Server, tmux: Tmux, tmp_path: Path) -> None:
    bob = Irssi(tmux, server, "bob", tmp_path / "bob")
    bob.look_at("#lobby")
    dave = WeeChat(tmux, server, "dave", tmp_path / "dave")
    dave.look_at("#lobby")
    carol = terminal(tmux, server, "carol", tmp_path / "carol", rows=60)
    with connected(server, "alice") as alice:
        said(carol, "* alice joined #lobby")
        for number in range(ROUNDS):
            alice.say(f"alice {number} ü🐟")
            bob.say(f"bob {number} ü🎈")
            carol.enter(f"carol {number} ü🐝")
            dave.say(f"dave {number} ü🦊")
        said_by_all = {f"{talker} {number}" for talker in TALKERS for number in range(ROUNDS)}

        def complete(screen: str) -> bool:
            return set(order(screen)) == said_by_all

        reference = order(carol.wait(complete, "complete conversation"))
        assert len(reference) == len(said_by_all)
        # The others show their own lines when they are typed, and not when they have come back.
        assert without("bob", order(bob.pane.wait(complete, "complete conversation"))) == without("bob", reference)
        assert without("dave", order(dave.pane.wait(complete, "complete conversation"))) == without("dave", reference)
        alice.out.expect("* alice joined")
        heard = [alice.out.next() for _ in without("alice", reference)]
        assert order("\n".join(heard)) == without("alice", reference)
        assert {*bob.names("#lobby", 4)} == {*dave.names("#lobby", 4)} == {*TALKERS}
        assert alice.leave() == 0
    said(carol, "* alice quit")
    bob.review()
    dave.review()
    bob.leave("das war's")
    said(carol, "* bob quit (das war's)")
    dave.look_at("#lobby")
    dave.sees("quit", nick="bob", reason="Quit: das war's")
    dave.leave("")
    carol.enter("exit")
    assert carol.ended() == 0


def order(screen: str) -> list[str]:
    """What was said, by whom and as the how manieth, from the top to the bottom; each as often as it is there."""
    line = r"(?:<[ @]?| )(\w+)(?:>| \|) (\1 \d) ü[🐟🎈🐝🦊](?:\s|$)"
    return [text for _, text in re.findall(line, screen, re.MULTILINE)]


def without(talker: str, lines: list[str]) -> list[str]:
    return [line for line in lines if not line.startswith(talker)]
