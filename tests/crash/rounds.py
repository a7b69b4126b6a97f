"""A server that is started and killed again and again on the same data, under people who talk."""

import os
import random
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager

from tests.cli.commands import environment
from tests.crash.checking import complaints, missed, none, unfinished
from tests.crash.records import SPOKEN, Account, Row, stored
from tests.crash.traces import Tracer
from tests.crash.witness import HISTORY, Connection, Milestones, Talking, Witness
from tests.e2e.servers import LIMIT, PEOPLE, UNHURRIED, Place, Server, server_command
from tests.forked import Forked

ROUND = 60.0
"""Seconds after which a round gives up."""

CHANNELS = ("#lobby", "#garden")

CONFIG = f"{UNHURRIED}[history]\nreplay = 1000\n"
"""Who asks for no history is shown all that they missed."""


OF_THE_DISK = {
    "not stored",
    "the search index can't be filled",
    "the search index can't be opened",
    "the search index can't be removed",
    "the search index failed",
}
"""What may be in the log where a disk fails."""


def seed() -> int:
    """Decides what people say and when the server is killed; what fails names it. SECURECHAT_CRASH_SEED sets it."""
    return int(os.environ.get("SECURECHAT_CRASH_SEED") or random.SystemRandom().getrandbits(32))


def rounds(usual: int) -> int:
    """How many rounds: so many, or what SECURECHAT_CRASH_ROUNDS says, for longer runs."""
    return int(os.environ.get("SECURECHAT_CRASH_ROUNDS") or usual)


@contextmanager
def process(
    place: Place, *options: str, more: Mapping[str, str] | None = None, before: Sequence[str] = ()
) -> Iterator[Server]:
    """A server that was started, and need not listen yet or ever; it does not outlive this. Nothing may be wrong in its
    log, as far as that goes. `before`: what its command line begins with."""
    config = place.configure(CONFIG)
    command = [*before, *server_command(place, "--config", config, "--log-format", "json", *options)]
    with Forked(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        cwd=place.home,
        env=environment(place.home, more),
    ) as child:
        server = Server(place, child)
        try:
            yield server
        finally:
            if child.poll() is None:
                child.kill()
            server.wait()
    assert not server.noise
    errors = {event["event"] for event in server.errors()}
    assert errors <= (OF_THE_DISK if server.expects_errors else set()), server.errors()


class Rounds:
    """Six people in two channels; one of them asks for no history, and is shown what they missed.

    `tracer` traces the server; `options` are the server's.
    """

    def __init__(self, place: Place, chance: random.Random, *options: str, tracer: Tracer | None = None) -> None:
        self.place = place
        self.chance = chance
        self.options = options
        self.tracer = tracer
        self.witnesses: list[Witness] = []
        nicks = PEOPLE[:6]
        for nick in nicks:
            channels = {"alice": CHANNELS[::-1], "erin": CHANNELS[:1], "frank": CHANNELS[1:]}.get(nick, CHANNELS)
            self.witnesses.append(Witness(nick, nicks, channels, random.Random(chance.random())))
        self.witnesses[1].history = False

    @property
    def accounts(self) -> list[Account]:
        return [witness.account for witness in self.witnesses]

    @contextmanager
    def started(self, at: int | None = None) -> Iterator[Server]:
        """`at`: where the tracer ends it."""
        more = {} if self.tracer is None else self.tracer.environment(at)
        with process(self.place, *self.options, more=more) as server:
            yield server

    def position(self) -> int:
        return 0 if self.tracer is None else self.tracer.position()

    def one(
        self, number: int, at: int | None = None, meanwhile: Callable[[Server, Milestones], None] | None = None
    ) -> None:
        """Start the server, and kill it when so much has been achieved; or let the tracer do it `at` some operation,
        if that comes first, even before it listens. `meanwhile` is called when all have begun."""
        milestones = Milestones()
        with self.started(at) as server:
            if not self._listens(server, may_fail=at is not None):
                return
            talking = [Talking(server, witness, milestones, self.position) for witness in self.witnesses]
            try:
                if meanwhile is not None:
                    meanwhile(server, milestones)
                milestones.wait(number, ROUND)
            finally:
                server.kill()
                for one in talking:
                    one.join()

    def _listens(self, server: Server, *, may_fail: bool) -> bool:
        try:
            server.port = server.logged("listening")["port"]
        except AssertionError:
            if may_fail and server.process.wait(LIMIT) < 0:
                return False
            raise
        return True

    def killed_at_start(self) -> None:
        """As soon as it listens."""
        with self.started() as server:
            self._listens(server, may_fail=False)
            server.kill()

    def last(self, number: int = 20) -> list[Row]:
        """Everybody sends again what they can, says a little more, and has all answers. The server stops as it should;
        then all is compared with the log, which is returned."""
        with self.started() as server:
            self._listens(server, may_fail=False)
            with ExitStack() as stack:
                people = [Connection(server, witness, Milestones(), self.position) for witness in self.witnesses]
                for one in people:
                    stack.callback(one.sock.close)
                for one in people:
                    one.arrive()
                for one in people:
                    one.send_again()
                for one in people:
                    one.talk(number)
                for one in people:
                    one.hear_all()
                log = stored(self.place.data.database)
                for one in people:
                    if HISTORY in one.offered:
                        self._compare(one, log)
            assert server.stop() == 0
        log = self.check()
        none(unfinished(self.accounts, log))
        for witness in self.witnesses:
            if not witness.history:
                none(missed(witness.account, witness.channels, log))
        return log

    def check(self) -> list[Row]:
        """While no server runs: what is in the file."""
        log = stored(self.place.data.database)
        none(complaints(self.accounts, log))
        return log

    def _compare(self, reader: Connection, log: list[Row]) -> None:
        """What CHATHISTORY has of each of somebody's conversations is what the log has, all of it, in order."""
        nick = reader.nick
        here = [row for row in log if row.command in SPOKEN]
        for channel in reader.channels:
            expected = [row.msgid for row in here if row.conversation == channel and row.command != "TOPIC"]
            assert reader.history(channel) == expected
        for other in PEOPLE[:6]:
            between = " ".join(sorted((nick, other)))
            if other != nick:
                expected = [row.msgid for row in here if row.conversation == between]
                assert reader.history(other) == expected
