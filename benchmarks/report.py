"""From runs to what is printed: medians, a table, ratios, and how the goals were met."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from statistics import median

from case import Case
from measure import Run

# A new client is let in within this time, in seconds, while the server is under full load.
_REGISTRATION_GOAL_S = 1.0
_MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Summary:
    """The runs of one server in one case: medians, but for the faults (all of them) and for
    what was slowest or largest in any run.

    Units as in `Run`; `registration` is in seconds, None if none was tried.
    """

    server: str
    runs: list[Run]
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
    registration: float | None

    @classmethod
    def of(cls, server: str, runs: list[Run]) -> Summary:
        """Sum up at least one run."""
        return cls(
            server=server,
            runs=runs,
            deliveries=median(run.deliveries for run in runs),
            cpu=median(run.cpu for run in runs),
            client_cpu=median(run.client_cpu for run in runs),
            p50=median(run.p50 for run in runs),
            p99=median(run.p99 for run in runs),
            slowest=max(run.slowest for run in runs),
            lost=sum(run.lost for run in runs),
            disordered=sum(run.disordered for run in runs),
            resident=round(median(run.resident for run in runs)),
            peak=max(run.peak for run in runs),
            registration=max((time for run in runs for time in run.registrations), default=None),
        )

    @property
    def faultless(self) -> bool:
        """Whether everyone saw everything, once and in the same order."""
        return not self.lost and not self.disordered


def text(case: Case, summaries: list[Summary]) -> str:
    """The table of a case, the server first and then its peers, with what follows from it."""
    count = len(summaries[0].runs)
    heading = f"{case}, {'1 run' if count == 1 else f'median of {count} runs'}"
    columns = (
        f"{'':12}{'deliveries/s':>14}{'CPU us/delivery':>17}{'(client)':>10}{'p50 ms':>9}{'p99 ms':>9}{'max ms':>9}"
        f"{'lost':>6}{'disorder':>10}{'MiB':>7}{'peak':>7}{'new client ms':>15}"
    )
    return "\n".join([heading, columns, *map(_row, summaries), *_ratios(summaries), *_goals(case, summaries)])


def _row(summary: Summary) -> str:
    registration = "-" if summary.registration is None else f"{summary.registration * 1e3:.0f}"
    return (
        f"{summary.server:12}{summary.deliveries:>14,.0f}{summary.cpu:>17.3f}{summary.client_cpu:>10.3f}"
        f"{summary.p50:>9.2f}{summary.p99:>9.2f}{summary.slowest:>9.2f}{summary.lost:>6}{summary.disordered:>10}"
        f"{summary.resident / _MIB:>7.1f}{summary.peak / _MIB:>7.1f}{registration:>15}"
    )


def _ratios(summaries: list[Summary]) -> list[str]:
    server, *peers = summaries
    return [
        f"{server.server} needs {_ratio(server.cpu, peer.cpu):.2f} times the CPU of {peer.server} for a delivery, "
        f"and delivers {_ratio(server.deliveries, peer.deliveries):.2f} times as many a second"
        for peer in peers
    ]


def _ratio(one: float, other: float) -> float:
    return one / other if other else float("inf")


def _goals(case: Case, summaries: list[Summary]) -> list[str]:
    server, *peers = summaries
    if server.server != "securechat":
        return []
    lines = []
    rival = next((peer for peer in peers if peer.server == case.rival), None)
    if case.goal is not None and case.rival is None:
        lines.append(_goal(f"at most {case.goal:g} us of CPU for a delivery", server.cpu, case.goal))
    elif case.goal is not None and rival is not None:
        name = f"at most {case.goal:g} times the CPU of {rival.server}"
        lines.append(_goal(name, _ratio(server.cpu, rival.cpu), case.goal))
    if server.registration is not None:
        name = f"a new client registers within {_REGISTRATION_GOAL_S:g} s"
        lines.append(_goal(name, server.registration, _REGISTRATION_GOAL_S))
    lines.append(_goal("nothing lost, the same order for all", server.lost + server.disordered, 0))
    return lines


def _goal(name: str, value: float, limit: float) -> str:
    return f"goal: {name}: {'met' if value <= limit else 'NOT met'} ({value:.3g})"


def document(case: Case, summaries: list[Summary]) -> dict[str, object]:
    """The same for programs, with every single run."""
    server, *peers = summaries
    return {
        "case": asdict(case),
        "servers": [asdict(summary) for summary in summaries],
        "ratios": {
            peer.server: {
                "cpu": _ratio(server.cpu, peer.cpu),
                "deliveries": _ratio(server.deliveries, peer.deliveries),
            }
            for peer in peers
        },
    }
