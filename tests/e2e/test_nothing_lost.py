"""What was acknowledged is there, whatever happens to the server or its disk."""

import contextlib
import threading

import pytest

from securechat.store.rows import Kind
from tests.e2e.servers import LIMIT, PEOPLE, Place, attempt, running
from tests.e2e.stored import logged_events, logged_texts
from tests.e2e.talkers import Talker, check
from tests.e2e.wires import Chatter, crowd, nick_of, texts


def test_kill_9_while_people_talk(place: Place) -> None:
    enough = threading.Semaphore(0)
    with running(place) as server, contextlib.ExitStack() as stack:
        talkers = [Talker(chatter, enough) for chatter in stack.enter_context(crowd(server, PEOPLE[:6], "#lobby"))]
        for _ in range(300):
            assert enough.acquire(timeout=LIMIT)
        server.kill()
        for talker in talkers:
            talker.thread.join()

    with running(place) as server:
        stored = logged_texts(place)
        check(talkers, stored)
        with crowd(server, ["alice", "bob"], "#lobby") as (alice, bob):
            alice.say("#lobby", "where were we?")
            assert texts(bob.sync()) == ["where were we?"]
    assert logged_texts(place) == [*stored, "where were we?"]


def test_what_lasts(place: Place) -> None:
    """A channel with its topic and its owner; and msgids go on where they were."""
    with running(place) as server, Chatter(server, "alice", join="#garden") as alice:
        alice.send("TOPIC #garden :roses")
        before = alice.expect("TOPIC", "#garden", "roses").tags["msgid"]
        server.kill()
        alice.until_cut_off()
    with running(place) as server, Chatter(server, "bob", join="#garden") as bob:
        bob.send("TOPIC #garden", "TOPIC #garden :weeds")
        bob.expect("332", "bob", "#garden", "roses")
        bob.expect("482", "bob", "#garden")
        assert bob.say("#garden", "after").tags["msgid"] > before
        with Chatter(server, "alice", join="#garden") as alice:
            alice.send("NAMES #garden")
            assert set(alice.expect("353").params[-1].split()) == {"@alice", "bob"}


def test_a_full_disk(place: Place) -> None:
    with running(place) as server, crowd(server, ["alice", "bob", "carol"], "#lobby") as (alice, bob, carol):
        server.expects_errors = True
        alice.say("#lobby", "before")
        bob.expect("PRIVMSG", "#lobby", "before")

        server.limit_files(0)
        alice.send("@label=x PRIVMSG #lobby :during", "PRIVMSG bob :also", "JOIN #new", "NOTICE #lobby :quiet")
        failed = alice.next_is("FAIL", "PRIVMSG", "TEMPORARILY_UNAVAILABLE")
        assert failed.tags["label"] == "x"
        alice.next_is("FAIL", "PRIVMSG", "TEMPORARILY_UNAVAILABLE")
        alice.next_is("FAIL", "JOIN", "TEMPORARILY_UNAVAILABLE")
        assert alice.sync() == []
        server.logged("not stored")
        # Who only reads goes on, and who leaves is seen to leave.
        bob.send("NAMES #lobby")
        assert set(bob.next_is("353").params[-1].split()) == {"alice", "bob", "carol"}
        carol.quit()
        assert nick_of(bob.expect("QUIT")) == "carol"

        server.limit_files(-1)
        alice.say("#lobby", "after")
        assert texts(bob.sync()) == ["after"]
    assert logged_texts(place) == ["before", "after"]
    events = logged_events(place)
    assert (Kind.QUIT, "carol") in [(kind, nick) for kind, nick, _, _ in events]
    assert "#new" not in [target for _, _, target, _ in events]


@pytest.mark.parametrize("blocks", [0, 1])
def test_a_disk_that_is_full_from_the_beginning(place: Place, blocks: int) -> None:
    done = attempt(place, before=f"ulimit -f {blocks}")
    assert done.returncode == 1
    assert done.stderr.startswith("securechat: ")
    assert done.stderr.count("\n") == 1
