"""A disk that is full, read-only, broken or locked for a while: who speaks is refused, and told why; who reads goes on;
and when it is over so is the chat again, without a restart, and with nothing but what was acknowledged."""

import errno
import random
from pathlib import Path

import pytest

from securechat.irc.message import Message
from tests.crash.cuts import replayed
from tests.crash.disk_model import read, unlike, write
from tests.crash.outages import OUTAGES, Outage, fill
from tests.crash.records import Row, stored
from tests.crash.rounds import ROUND, Rounds, process
from tests.crash.traces import Tracer
from tests.crash.witness import HISTORY, Milestones
from tests.e2e.servers import Place, Server
from tests.e2e.wires import CAPABILITIES, Chatter, Wire, crowd, nick_of, texts

UNAVAILABLE = "TEMPORARILY_UNAVAILABLE"

TEN = 10


class Speaker:
    """Says things, and remembers what was acknowledged."""

    def __init__(self, chatter: Chatter) -> None:
        self.chatter = chatter
        self.acknowledged: list[str] = []
        self._number = 0

    def ten(self) -> set[str]:
        """Say ten things at once; the reasons for which some were refused. Each is answered, in the order of all."""
        first = self._number
        self._number += TEN
        said = [f"{number} {'x' * 350}" for number in range(first, first + TEN)]
        self.chatter.send(*(f"@label=l{text.partition(' ')[0]} PRIVMSG #lobby :{text}" for text in said))
        reasons: set[str] = set()
        answers = [message for message in self.chatter.sync() if message.tags.get("label", "").startswith("l")]
        assert [answer.tags["label"] for answer in answers] == [f"l{number}" for number in range(first, first + TEN)]
        refused = 0
        for text, answer in zip(said, answers, strict=True):
            if answer.command == "PRIVMSG":
                assert answer.params == ["#lobby", text]
                self.acknowledged.append(text)
            else:
                reasons.add(reason(answer, "PRIVMSG"))
                refused += 1
        self.all_refused = refused == TEN
        return reasons


def reason(message: Message, command: str) -> str:
    """Why something was refused."""
    assert [message.command, *message.params[:-1]] == ["FAIL", command, UNAVAILABLE], message
    words = message.params[-1]
    assert words.startswith("Nothing was done, because ")
    assert words.endswith("; try again later")
    return words.removeprefix("Nothing was done, because ").removesuffix("; try again later")


def offered(server: Server) -> list[str]:
    """The capabilities of a server."""
    with Wire(server) as wire:
        wire.send("CAP LS 302")
        return [name.partition("=")[0] for name in wire.expect("CAP", "*", "LS").params[-1].split()]


@pytest.mark.parametrize("outage", OUTAGES, ids=str)
def test_an_outage(outage: Outage, place: Place, shim: Path, tmp_path: Path) -> None:
    tracer, initial = Tracer(shim, place.data.path, tmp_path / "trace"), read(place.data.path)
    with outage.running(place, tracer) as stage:
        server = stage.server
        server.expects_errors = True
        history = [HISTORY] if HISTORY in offered(server) else []
        capabilities = [*CAPABILITIES, *history]
        nicks = ["alice", "bob", "carol"]
        with crowd(server, nicks, "#lobby", capabilities=capabilities) as (alice, bob, carol):
            speaker = Speaker(alice)
            assert speaker.ten() == set()
            assert texts(bob.sync()) == speaker.acknowledged

            with outage.during(stage):
                heard = speaker.acknowledged.copy()
                reasons = speaker.ten()
                assert reasons <= {outage.reason, outage.first} or outage.small
                while not speaker.all_refused:  # on a small disk SQLite finds some room for a while
                    assert outage.small
                    fill(stage)
                    reasons = speaker.ten()
                assert outage.small or speaker.acknowledged == heard
                if not outage.small:
                    assert speaker.ten() == {outage.reason}
                    refused_in_many_ways(alice, outage.reason)
                assert texts(bob.sync()) == speaker.acknowledged[len(heard) :]
                who_reads_goes_on(server, alice, bob, speaker.acknowledged if history else None)
                if not outage.small:
                    carol.quit()
                    assert nick_of(bob.expect("QUIT")) == "carol"

            assert speaker.ten() == set()
            assert texts(bob.sync()) == speaker.acknowledged[-TEN:]
            if history:
                assert read_history(bob) == speaker.acknowledged[-50:]
        log = stored(stage.data / "securechat.db")
        assert said(log) == speaker.acknowledged
        assert outage.small or ("QUIT", "carol") in [(row.command, row.nick) for row in log]
        assert "#new" not in [row.words[0] for row in log]
    assert "not stored" in {event["event"] for event in server.errors()}
    if outage.injected:
        and_after_a_power_cut(tracer, initial, place, tmp_path / "disk", speaker.acknowledged)
    if not outage.small:
        with process(place) as again:
            again.port = again.logged("listening")["port"]
            with crowd(again, ["alice", "bob"], "#lobby") as (alice, bob):
                assert Speaker(alice).ten() == set()
                assert len(texts(bob.sync())) == TEN


def refused_in_many_ways(alice: Chatter, why: str) -> None:
    alice.send(
        "PRIVMSG bob :also", "JOIN #new", "TOPIC #lobby :x", "@label=n NOTICE #lobby :loud", "NOTICE #lobby :quiet"
    )
    answers = alice.sync()
    assert [reason(answer, answer.params[0]) for answer in answers if answer.command == "FAIL"] == [why] * 3
    assert [answer.params[0] for answer in answers if answer.command == "FAIL"] == ["PRIVMSG", "JOIN", "NOTICE"]


def who_reads_goes_on(server: Server, alice: Chatter, bob: Chatter, past: list[str] | None) -> None:
    """And what is not kept goes through, and people come in."""
    bob.send("NAMES #lobby", "WHO #lobby", "WHOIS alice", "LIST", "MODE #lobby")
    answers = [message.command for message in bob.sync()]
    assert {"353", "352", "311", "322", "324"} <= set(answers)
    assert "FAIL" not in answers
    if past is not None:
        assert read_history(bob) == past[-50:]
    alice.send("@+typing=active TAGMSG #lobby")
    bob.expect("TAGMSG", "#lobby")
    with Chatter(server, "dave") as dave:
        dave.send("JOIN #lobby", "PING 1")
        assert dave.message().command == "FAIL"


def read_history(reader: Chatter) -> list[str]:
    reader.send("CHATHISTORY LATEST #lobby * 50")
    return texts(reader.sync())


def said(log: list[Row]) -> list[str]:
    return [row.words[1] for row in log if row.command == "PRIVMSG"]


def and_after_a_power_cut(
    tracer: Tracer, initial: dict[str, bytes], place: Place, image: Path, expected: list[str]
) -> None:
    """After syncs have failed the system takes for written what is not. All that was acknowledged is there."""
    disk = replayed(tracer, initial)
    assert disk.live() == read(place.data.path), "the shim has not seen everything"
    for seed in (None, *range(10)):
        write(disk.pessimistic() if seed is None else disk.by_chance(random.Random(seed)), image)
        assert said(stored(image / "securechat.db")) == expected


FAULTS = ((errno.ENOSPC, "w"), (errno.EIO, "s"), (errno.EROFS, "wo"), (errno.EIO, "ws"), (errno.ENOSPC, "ws"))


def test_under_load(place: Place, shim: Path, chance: random.Random, tmp_path: Path) -> None:
    """The disk fails now and then, while people talk; then the power is cut. What was acknowledged is there, and
    nothing that was refused."""
    tracer, initial = Tracer(shim, place.data.path, tmp_path / "trace"), read(place.data.path)
    people = Rounds(place, chance, tracer=tracer)
    for witness in people.witnesses:
        witness.careful = True

    def fail_now_and_then(server: Server, milestones: Milestones) -> None:
        server.expects_errors = True
        milestones.wait_for_all(ROUND)
        number = 300
        for fault in [*FAULTS, *chance.choices(FAULTS, k=5)]:
            milestones.wait(number, ROUND)
            with tracer.failing(*fault):
                milestones.wait(number := number + chance.randint(5, 60), ROUND)
            number += chance.randint(20, 100)

    people.one(2500, meanwhile=fail_now_and_then)
    assert any(account.refused for account in people.accounts)
    disk = replayed(tracer, initial)
    assert len(unlike(disk.live(), read(place.data.path))) <= 1
    people.check()
    for image in (disk.pessimistic(), disk.by_chance(chance)):
        write(image, place.data.path)
        people.check()
    people.tracer = None
    people.last()
