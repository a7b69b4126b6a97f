"""One run of one case against one server: start it, load it from other processes, and take its measure."""

from __future__ import annotations

import time
from array import array
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

from case import BenchmarkError, Case
from load import Plan, Result, Schedule, work
from probe import Prober
from processes import workers
from procfs import cpu_seconds, memory
from servers import HOST, Server, started

# From the last "ready" to the load, and from the load to what is measured of it.
_NOTICE_S = 0.2
_WARM_UP_S = 1.0


@dataclass(frozen=True, slots=True)
class Setting:
    """What is the same for all runs: a directory with `certs`, load processes, durability, and whether to probe.

    `caps` is what securechat's clients ask for; `probe` is None for "securechat, under full load". `once`: its senders
    have accounts, and give each message an id.
    """

    base: Path
    processes: int
    durability: str
    caps: str
    probe: bool | None
    once: bool = False


@dataclass(frozen=True, slots=True)
class Run:
    """What was measured. Rates are per second, `cpu` and `client_cpu` in microseconds per delivery, latencies in ms.

    `cpu` is the server's, `client_cpu` that of the load processes together. `resident` and `peak` are bytes of memory.
    `lost` are deliveries that did not happen, `disordered` members who saw something else than the others.
    `registrations` are the seconds that new clients needed.
    """

    deliveries: float
    cpu: float
    client_cpu: float
    p50: float
    p99: float
    slowest: float
    lost: int
    disordered: int
    resident: int
    peak: int
    registrations: list[float]
    cipher: str


def measure(case: Case, server: Server, setting: Setting) -> Run:
    """Start the server anew, run the case against it, and stop it.

    Raises:
        BenchmarkError: the server did not start, refused clients, or ended; a load process failed.
    """
    ours = server.name == "securechat"
    caps = setting.caps if ours else ""
    probe = (ours and not case.rate) if setting.probe is None else setting.probe
    with started(server, setting.base, setting.durability) as (site, pid):
        address, ca = (HOST, site.port), setting.base / "certs" / "ca.pem"
        once = ours and setting.once
        plans = [Plan(case, part, setting.processes, address, ca, caps, once) for part in range(setting.processes)]
        with workers(work, plans) as controls:
            _answers(controls)
            schedule = _schedule(case.seconds)
            for control in controls:
                control.send(schedule)
            _sleep_until(schedule.begin)
            before = cpu_seconds(pid)
            prober = Prober(address, ca) if probe else None
            if prober:
                prober.start()
            _sleep_until(schedule.end)
            used = cpu_seconds(pid) - before
            registrations = prober.stop() if prober else []
            total = sum(_answers(controls))
            occupied = memory(pid)
            for control in controls:
                control.send(total)
            results: list[Result] = _answers(controls)
    deliveries = sum(result.deliveries for result in results)
    latencies = sorted(sum((result.latencies for result in results), array("q")))
    if not latencies:
        raise BenchmarkError(f"{server.name} delivered nothing")
    return Run(
        deliveries=deliveries / case.seconds,
        cpu=used * 1e6 / deliveries,
        client_cpu=sum(result.cpu for result in results) * 1e6 / deliveries,
        p50=latencies[len(latencies) // 2] / 1e6,
        p99=latencies[len(latencies) * 99 // 100] / 1e6,
        slowest=latencies[-1] / 1e6,
        lost=sum(result.lost for result in results),
        disordered=sum(result.disordered + (result.log_crc != results[0].log_crc) for result in results),
        resident=occupied.resident,
        peak=occupied.peak,
        registrations=registrations,
        cipher=results[0].cipher,
    )


def _answers(controls: list[Connection]) -> list[Any]:
    """The next word of each load process; whoever fails first is heard first."""
    answers: dict[Connection, Any] = {}
    while len(answers) < len(controls):
        for control in wait([control for control in controls if control not in answers]):
            assert isinstance(control, Connection)
            answers[control] = _answer(control)
    return [answers[control] for control in controls]


def _answer(control: Connection) -> Any:
    try:
        answer = control.recv()
    except (EOFError, OSError):
        raise BenchmarkError("a load process broke off") from None
    if isinstance(answer, BenchmarkError):
        raise answer
    return answer


def _schedule(seconds: float) -> Schedule:
    start = time.monotonic_ns() + int(_NOTICE_S * 1e9)
    begin = start + int(_WARM_UP_S * 1e9)
    return Schedule(start, begin, begin + int(seconds * 1e9))


def _sleep_until(moment: int) -> None:
    time.sleep(max(0, moment - time.monotonic_ns()) / 1e9)
