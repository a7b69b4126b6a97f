"""What is measured: the sizes of a run, and the three cases that have a name."""

from __future__ import annotations

from dataclasses import dataclass

CHANNEL = b"#bench"


class BenchmarkError(Exception):
    """A run that gives no figures; the text says why, in one sentence for the person at the terminal."""


@dataclass(frozen=True, slots=True)
class Case:
    """One channel, and how it is talked in.

    With `rate` 0 it is a closed loop: each sender keeps `outstanding` messages under way and sends the next one when
    one of them has been seen. With a `rate` it is an open loop: that many messages a second, all senders together,
    whatever the server does. `goal` is what securechat's CPU per delivery is held to: microseconds, or, when `rival`
    is named, multiples of that peer's.
    """

    name: str
    members: int
    senders: int
    outstanding: int
    rate: float
    seconds: float
    goal: float | None = None
    rival: str | None = None

    def __str__(self) -> str:
        senders = "1 sender" if self.senders == 1 else f"{self.senders} senders"
        how = f"{self.rate:g} messages a second" if self.rate else f"{self.outstanding} messages outstanding each"
        return f"{self.name}: {self.members} members, {senders}, {how}, {self.seconds:g} s"


CASES = {
    case.name: case
    for case in (
        Case("big", members=200, senders=50, outstanding=16, rate=0, seconds=10, goal=0.3),
        Case("small", members=50, senders=10, outstanding=4, rate=0, seconds=10, goal=1.3),
        Case("calm", members=100, senders=1, outstanding=1, rate=50, seconds=10, goal=1.8, rival="ngircd"),
    )
}
