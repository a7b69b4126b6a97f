"""A load process: some of the channel's members, read in one event loop, some of which send.

The first member of each process is its observer. It never sends; a message of this process counts as done when the
observer has received it, whatever the server does about echoes, and so all servers are measured alike. The observer
keeps what it saw, and the others are held against it when the load is over.
"""

from __future__ import annotations

import gc
import select
import time
from array import array
from collections import Counter
from dataclasses import dataclass
from itertools import cycle
from multiprocessing.connection import Connection
from pathlib import Path

from case import BenchmarkError, Case
from client import Client, tls_context
from stream import Reference, Stream, message, sender_field, senders_of, stamp_of

# Members that stay silent for so long after the load has ended have lost what they have not seen.
_QUIET_NS = 10_000_000_000
# In a closed loop one delivery in so many is timed: a prime, so that no member and no sender is favoured.
_CLOSED_LOOP_STRIDE = 61


@dataclass(frozen=True, slots=True)
class Plan:
    """What one load process does: it has the members whose number leaves `part` when divided by `parts`."""

    case: Case
    part: int
    parts: int
    address: tuple[str, int]
    ca: Path
    caps: str
    once: bool = False

    @property
    def members(self) -> range:
        """The numbers of this process's members; the first is its observer."""
        return range(self.part, self.case.members, self.parts)

    @property
    def senders(self) -> range:
        """The numbers of those members who send: the first ones after all the observers."""
        return range(self.parts + self.part, self.parts + self.case.senders, self.parts)


@dataclass(frozen=True, slots=True)
class Schedule:
    """When the load starts, and from when until when it is measured: nanoseconds of CLOCK_MONOTONIC."""

    start: int
    begin: int
    end: int


@dataclass(frozen=True, slots=True)
class Result:
    """What one load process saw. `latencies` are in nanoseconds; `cpu` is its own processor time, in seconds.

    `deliveries`, `latencies` and `cpu` are of the measured time only; the other numbers are of the whole run.
    """

    deliveries: int
    latencies: array[int]
    lost: int
    disordered: int
    log_crc: int
    cpu: float
    cipher: str


class _Member:
    """One client of the channel, what it has seen, and how many messages it has sent."""

    __slots__ = ("client", "number", "once", "sent", "stream")

    def __init__(self, number: int, client: Client, *, once: bool = False) -> None:
        self.number = number
        self.once = once
        self.client = client
        self.stream = Stream()
        self.sent = 0

    def say(self, count: int) -> None:
        """Send `count` messages, each by itself, as a client does that knows nothing of the next."""
        for number in range(self.sent, self.sent + count):
            self.client.send(message(self.number, number, time.monotonic_ns(), once=self.once))
        self.sent += count


class _Load:
    """The members of one process, and the numbers that they make."""

    def __init__(self, plan: Plan, control: Connection) -> None:
        self._plan = plan
        self._control = control
        self._poll = select.epoll()
        self._by_descriptor: dict[int, _Member] = {}
        self._senders: dict[bytes, _Member] = {}
        self._observed: list[bytes] = []
        self._sending = False
        self._timing = False
        self._deliveries = 0
        self._latencies = array("q")
        self._stride = 1 if plan.case.rate else _CLOSED_LOOP_STRIDE
        self._skip = 0
        self._last_arrival = 0
        share = plan.case.rate * len(plan.senders) / plan.case.senders
        self._interval = int(1e9 / share) if share else 0

    def run(self) -> Result:
        """Connect, wait for the schedule, load the server, wait until all has arrived, and check it."""
        self._connect()
        self._control.send("ready")
        self._read_until_told()
        deliveries, cpu = self._apply_load(self._control.recv())
        self._control.send(sum(member.sent for member in self._senders.values()))
        self._read_until_told()
        total: int = self._control.recv()
        self._drain(total)
        return self._judge(total, deliveries, cpu)

    def _connect(self) -> None:
        context = tls_context(self._plan.ca)
        observer, *others = self._plan.members
        # Some servers serve those first who joined first, some last: in the middle the observer is nobody's favourite.
        half = len(others) // 2
        numbers = (*others[:half], observer, *others[half:])
        members = [
            _Member(number, Client(f"m{number:04d}", self._plan.address, context), once=self._plan.once)
            for number in numbers
        ]
        # All at once, as there is a server that lets in those who have come only once a second.
        for member in members:
            member.client.introduce(self._plan.caps)
        for member in members:
            member.client.await_welcome()
        for member in members:
            if member.once and member.number in self._plan.senders:
                member.client.register()
        for member in members:
            member.client.join()
            member.client.socket.setblocking(False)
            self._by_descriptor[member.client.socket.fileno()] = member
            self._poll.register(member.client.socket, select.EPOLLIN)
            if member.number in self._plan.senders:
                self._senders[sender_field(member.number)] = member
            if member.number == observer:
                self._observer = member
            self._take(member, member.client.unread)
        self._poll.register(self._control, select.EPOLLIN)

    def _read_until_told(self) -> None:
        while not self._turn(-1):
            pass

    def _turn(self, timeout: float) -> bool:
        """Read what is readable within `timeout` seconds (-1: however long it takes); true if the parent has spoken."""
        told = False
        for descriptor, _ in self._poll.poll(timeout):
            member = self._by_descriptor.get(descriptor)
            if member is None:
                told = True
            else:
                self._take(member, member.client.receive())
        return told

    def _take(self, member: _Member, data: bytes) -> None:
        stream = member.stream
        block, others = stream.feed(data)
        for line in others:
            member.client.answer(line)
        if not block:
            return
        size = stream.size
        count = len(block) // size
        self._last_arrival = now = time.monotonic_ns()
        self._deliveries += count
        if self._timing:
            for index in range(self._skip, count, self._stride):
                self._latencies.append(now - stamp_of(block, size, index))
            self._skip = (self._skip - count) % self._stride
        if member is self._observer:
            self._observed.append(block)
            if self._sending and not self._interval:
                self._replace(senders_of(block, size))

    def _replace(self, done: list[bytes]) -> None:
        """Closed loop: a new message of this process's senders for each that is done."""
        for field, count in Counter(done).items():
            sender = self._senders.get(field)
            if sender is not None:
                sender.say(count)

    def _apply_load(self, schedule: Schedule) -> tuple[int, float]:
        """The load from start to end; the deliveries and this process's own seconds of CPU between begin and end."""
        self._read_until(schedule.start)
        self._sending = True
        self._due = schedule.start
        self._turns = cycle(self._senders.values())
        if not self._plan.case.rate:
            for sender in self._senders.values():
                sender.say(self._plan.case.outstanding)
        self._read_until(schedule.begin)
        self._timing = True
        deliveries, cpu = self._deliveries, time.process_time()
        self._read_until(schedule.end)
        self._timing = self._sending = False
        return self._deliveries - deliveries, time.process_time() - cpu

    def _read_until(self, moment: int) -> None:
        while (now := time.monotonic_ns()) < moment:
            wake = moment
            if self._sending and self._interval:
                while self._due <= now:
                    next(self._turns).say(1)
                    self._due += self._interval
                wake = min(moment, self._due)
            if self._turn((wake - now) / 1e9):
                raise BenchmarkError("another load process failed")

    def _expected(self, member: _Member, total: int) -> int:
        """How many of `total` messages a member should see: all, but for its own if it is shown no echo."""
        return total if "echo-message" in self._plan.caps.split() else total - member.sent

    def _drain(self, total: int) -> None:
        """Read until every member has all that was sent, or nothing comes any more."""
        members = self._by_descriptor.values()
        self._last_arrival = time.monotonic_ns()
        while any(member.stream.messages < self._expected(member, total) for member in members):
            self._turn(1)
            if time.monotonic_ns() - self._last_arrival > _QUIET_NS:
                return

    def _judge(self, total: int, deliveries: int, cpu: float) -> Result:
        reference = Reference(self._observed, self._observer.stream.size)
        lost = disordered = 0
        for member in self._by_descriptor.values():
            expected = self._expected(member, total)
            lost += max(0, expected - member.stream.messages)
            crc = reference.crc if expected == total else reference.crc_without(member.number)
            disordered += member.stream.crc != crc
        disordered += len(reference.out_of_sequence(self._plan.senders))
        cipher = self._observer.client.cipher
        return Result(deliveries, self._latencies, lost, disordered, reference.crc, cpu, cipher)


def work(plan: Plan, control: Connection) -> None:
    """Be a load process. It says "ready", is sent a `Schedule`, says how many messages it sent, is sent how many all
    load processes sent, and says its `Result`. In place of any of these it may say a `BenchmarkError`, and ends.
    """
    # The loop makes no cycles, and the collector would only add to the latency.
    gc.disable()
    try:
        control.send(_Load(plan, control).run())
    except BenchmarkError as error:
        control.send(error)
    except (EOFError, BrokenPipeError, KeyboardInterrupt):
        pass  # the parent has gone, or is about to
