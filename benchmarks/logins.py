"""Everybody comes at once: how long it takes, what memory it takes, and whether anybody is dropped.

A server starts, and as many accounts as `--accounts` log in at the same moment, each over a connection of its own, with
our own client (`securechat.client.Client`), from two other processes: first with passwords, each of which costs a hash.
Then all connections break, as in a network fault, and all come back: by then their logins are remembered. Then the same
with client certificates, on a server that was started anew. Limits are on, as in daily use, but for the number of
connections from one address.

    python benchmarks/logins.py
    python benchmarks/logins.py --accounts 500 --json

Exit status: 0 when everybody came in, 1 when somebody did not or a run failed, 2 for a wrong command line.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from case import BenchmarkError
from processes import workers
from procfs import cpu_seconds, memory
from servers import HOST, SERVERS, Server, Site, make_certificates, started

from securechat.chat.machine import Applied
from securechat.chat.requests import AddAccount
from securechat.client import connection
from securechat.client.connection import Client
from securechat.client.dial import dial
from securechat.client.logins import Certificate, Login, Password
from securechat.pki import Authority, Purpose
from securechat.server.assembly import build_hub
from securechat.server.config import Config
from securechat.server.log import EventLog
from securechat.store.datadir import DataDir
from securechat.store.passwords import DEFAULT, Hasher
from securechat.tls.contexts import client_context

_PASSWORD = "a password for the benchmark"
_PROCESSES = 2
_PATIENCE_S = 900.0
_DIALLING = 64
_STACK = 512 * 1024


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--accounts", type=int, default=2000, metavar="N", help="(default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    return parser


@dataclass(frozen=True, slots=True)
class Came:
    """How it went: seconds until the first, half, 99 of a hundred and all were in, who was not, and what it took.

    `cpu` is the server's, in seconds; `resident` and `peak` are bytes of its memory, the peak since its start.
    """

    what: str
    first: float
    half: float
    most: float
    all: float
    dropped: int
    why: tuple[str, ...]
    cpu: float
    resident: int
    peak: int


# -- the load processes -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Plan:
    """Whom one process has: the names, where they go, and how they log in (`people`: the directory of certificates)."""

    names: tuple[str, ...]
    port: int
    ca: Path
    people: Path | None


def _ignore(_: object) -> None:
    """What happens on the chat is not looked at."""


class _Crowd:
    """The clients of one process, each of which comes in a thread of its own."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._clients: list[Client] = []
        self._contexts = [client_context(plan.ca, self._file(name)) for name in plan.names] if plan.people else []
        self._context = client_context(plan.ca)

    def _file(self, name: str) -> Path | None:
        return self._plan.people / f"{name}.pem" if self._plan.people is not None else None

    def come(self, at: float) -> tuple[list[float], list[str]]:
        """All come at a moment of the monotonic clock: how long each took, and why the others are not here."""
        times: list[float] = []
        problems: list[str] = []
        self._clients = []
        crowd = [
            threading.Thread(target=self._one, args=(n, at, times, problems)) for n in range(len(self._plan.names))
        ]
        for thread in crowd:
            thread.start()
        for thread in crowd:
            thread.join()
        for client in self._clients:
            try:
                client.sync()
            except Exception as error:
                problems.append(f"{type(error).__name__}: {error}")
        return times, problems

    def _one(self, number: int, at: float, times: list[float], problems: list[str]) -> None:
        name, login, context = self._plan.names[number], self._login(number), self._context
        if self._contexts:
            context = self._contexts[number]
        client = Client(_ignore)
        time.sleep(max(at - time.monotonic(), 0.0))
        try:
            client.connect(HOST, self._plan.port, context, nick=name, login=login)
        except Exception as error:
            problems.append(f"{type(error).__name__}: {error}")
            return
        times.append(time.monotonic() - at)
        self._clients.append(client)

    def _login(self, number: int) -> Login:
        name = self._plan.names[number]
        path = self._file(name)
        return Certificate.of(path, name) if path is not None else Password(name, _PASSWORD)

    def vanish(self) -> None:
        """All connections break."""
        for client in self._clients:
            assert client._link is not None
            client._link.fail("the network is gone")


def _work(plan: Plan, control: Connection) -> None:
    """A load process: comes when it is told a moment, vanishes when it is told none."""
    # Elsewhere each client has a machine of its own. Here a thousand share one interpreter, so that a server would wait
    # for all of their handshakes at once, which each take milliseconds of it; so they take turns at that.
    turns = threading.BoundedSemaphore(_DIALLING)

    def in_turn(*arguments: Any) -> Any:
        with turns:
            return dial(*arguments)

    connection.dial = in_turn  # type: ignore[assignment, attr-defined]
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, hard), hard))
    threading.stack_size(_STACK)
    crowd = _Crowd(plan)
    control.send("ready")
    while True:
        try:
            at = control.recv()
        except EOFError:
            return
        if at is None:
            crowd.vanish()
            control.send("gone")
        else:
            control.send(crowd.come(at))


def _answers(controls: list[Connection]) -> list[Any]:
    answers = []
    for control in controls:
        if not control.poll(_PATIENCE_S):
            raise BenchmarkError(f"the clients were not done after {_PATIENCE_S:g} s")
        try:
            answers.append(control.recv())
        except EOFError:
            raise BenchmarkError("a load process broke off") from None
    return answers


# -- the server -------------------------------------------------------------------------------------------------------


def _names(accounts: int) -> list[str]:
    return [f"person{number}" for number in range(accounts)]


def _configure(accounts: int) -> Callable[[Site], list[str]]:
    def configure(site: Site) -> list[str]:
        config = site.directory / "securechat.toml"
        config.write_text(
            f"[limits]\nmax_connections_per_address = {4 * accounts}\n"
            f'[tls]\nclient_ca = "{site.certs / "client-ca.pem"}"\n'
        )
        data = DataDir(site.directory / "data")
        _fill(data, _names(accounts))
        where = ["--host", HOST, "--port", str(site.port), "--cert", str(site.certificate)]
        return ["-m", "securechat", "server", *where, "--data", str(data.path), "--config", str(config)]

    return configure


def _fill(data: DataDir, names: list[str]) -> None:
    """Make the accounts, with hashes that cost what they cost everywhere. It is one hash, so that it does not take as
    long as the logins; a server that looks one up can't tell."""
    hasher = Hasher()
    credential = hasher.hash(_PASSWORD)
    with data.lock():
        hub = build_hub(Config(), data, EventLog())
        outcomes, _ = hub.journal.ask([AddAccount(name, credential) for name in names])
        hub.hasher.close()
        hub.database.close()
    if not all(isinstance(outcome, Applied) for outcome in outcomes):
        raise BenchmarkError("the accounts could not be made")


def _issue(certs: Path, people: Path, names: list[str]) -> None:
    """A certificate for everybody, with its key."""
    now = datetime.now(UTC)
    authority = Authority.load(certs, Purpose.CLIENTS, now=now)
    people.mkdir(mode=0o700)
    for name in names:
        authority.issue_client(name, now=now).save(people / f"{name}.pem")


# -- a run ------------------------------------------------------------------------------------------------------------


def _measure(base: Path, accounts: int, people: Path | None) -> list[Came]:
    """A server, started anew, to which everybody comes twice."""
    server: Server = replace(SERVERS["securechat"], configure=_configure(accounts))
    names, how = _names(accounts), "passwords" if people is None else "certificates"
    came = []
    with started(server, base, "full") as (site, pid):
        ca = base / "certs" / "ca.pem"
        plans = [Plan(tuple(names[part::_PROCESSES]), site.port, ca, people) for part in range(_PROCESSES)]
        with workers(_work, plans) as controls:
            _answers(controls)
            came.append(_come(f"{how}, after a restart", accounts, controls, pid))
            for control in controls:
                control.send(None)
            _answers(controls)
            came.append(_come(f"{how}, after a network fault", accounts, controls, pid))
    return came


def _come(what: str, accounts: int, controls: list[Connection], pid: int) -> Came:
    before = cpu_seconds(pid)
    at = time.monotonic() + 0.5 + accounts / 1000  # so long the threads need to be there
    for control in controls:
        control.send(at)
    answers = _answers(controls)
    times = sorted(moment for found, _ in answers for moment in found)
    problems = [problem for _, found in answers for problem in found]
    if not times:
        raise BenchmarkError(f"nobody came in: {problems[0] if problems else 'nobody said why'}")
    occupied = memory(pid)
    return Came(
        what=what,
        first=times[0],
        half=statistics.median(times),
        most=times[len(times) * 99 // 100],
        all=times[-1],
        dropped=len(problems),
        why=tuple(sorted(set(problems))[:5]),
        cpu=cpu_seconds(pid) - before,
        resident=occupied.resident,
        peak=occupied.peak,
    )


def _report(came: Sequence[Came], accounts: int) -> None:
    mib = 1024 * 1024
    print(f"{accounts:,} accounts; a hash takes {DEFAULT.memory / 1024:.0f} MiB, one for each core at a time")
    print(f"{'seconds until they were in':36} first   half    99 %     all  dropped  CPU s    MiB   peak")
    for one in came:
        print(
            f"{one.what:36}{one.first:6.2f} {one.half:6.1f}  {one.most:6.1f}  {one.all:6.1f}  {one.dropped:7}"
            f"{one.cpu:7.1f}{one.resident / mib:7.0f}{one.peak / mib:7.0f}"
        )
        for problem in one.why:
            print(f"    {problem}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, and print."""
    options = _parser().parse_args(arguments)
    came: list[Came] = []
    try:
        with tempfile.TemporaryDirectory() as directory:
            base = Path(directory)
            make_certificates(base / "certs")
            came += _measure(base, options.accounts, None)
            people = base / "people"
            _issue(base / "certs", people, _names(options.accounts))
            came += _measure(base, options.accounts, people)
    except BenchmarkError as error:
        print(f"logins: {error}", file=sys.stderr)
        return 1
    if options.json:
        print(json.dumps([asdict(one) for one in came]))
    else:
        _report(came, options.accounts)
    return 1 if any(one.dropped for one in came) else 0


if __name__ == "__main__":
    sys.exit(main())
