"""How much a server pays to deliver a message to everyone in a channel, beside other servers on the same machine.

`python benchmarks/fanout.py --all --peer ngircd --peer inspircd`; benchmarks/README.md says how to read what it prints.
Exit status: 0 for figures of servers that lost nothing, 1 if messages were lost or a run failed, 2 for what was
asked for wrongly, a peer that is not installed among it.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import signal
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from case import CASES, BenchmarkError, Case
from measure import Run, Setting, measure
from procfs import file_system
from report import Summary, document, text
from servers import SERVERS, Server, make_certificates

# Open files that a server may have besides its clients.
_OTHER_FILES = 512


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--case", choices=CASES, default="big", help="a case with a name (default: %(default)s)")
    which.add_argument("--all", action="store_true", help="all the cases that have a name")
    size = parser.add_argument_group("in place of what the case has")
    size.add_argument("--members", type=_count, metavar="N", help="clients in the channel")
    size.add_argument("--senders", type=_count, metavar="S", help="how many of them send")
    size.add_argument(
        "--outstanding", type=_count, metavar="W", help="messages that each keeps under way (closed loop)"
    )
    size.add_argument("--rate", type=_positive, metavar="N", help="messages a second from all together (open loop)")
    size.add_argument("--seconds", type=_positive, metavar="S", help="how long is measured")
    parser.add_argument(
        "--runs", type=_count, default=3, metavar="R", help="runs of each server, in turns (default: %(default)s)"
    )
    parser.add_argument(
        "--server", choices=SERVERS, default="securechat", help="whom to measure (default: %(default)s)"
    )
    parser.add_argument("--peer", choices=SERVERS, action="append", default=[], help="whom to compare it with")
    parser.add_argument("--durability", choices=("full", "normal"), default="full", help="of securechat")
    parser.add_argument("--caps", default="", metavar='"A B"', help="capabilities that clients of securechat ask for")
    parser.add_argument(
        "--once",
        action="store_true",
        help="securechat's senders have accounts and give each message an id; all ask for message-tags and "
        "securechat/client-id",
    )
    parser.add_argument(
        "--processes", type=_count, default=2, metavar="P", help="load processes (default: %(default)s)"
    )
    parser.add_argument(
        "--probe",
        action=argparse.BooleanOptionalAction,
        default=None,
        help="let a new client register once a second (default: with securechat, in a closed loop)",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    return parser


def _count(word: str) -> int:
    if not word.isdecimal() or int(word) < 1:
        raise argparse.ArgumentTypeError(f"{word!r} is not a whole number above 0")
    return int(word)


def _positive(word: str) -> float:
    try:
        number = float(word)
    except ValueError:
        number = 0
    if not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError(f"{word!r} is not a number above 0")
    return number


def _cases(arguments: argparse.Namespace) -> list[Case]:
    given = {
        name: value
        for name in ("members", "senders", "outstanding", "rate", "seconds")
        if (value := getattr(arguments, name)) is not None
    }
    sizes = given.keys() - {"seconds"}
    if "outstanding" in sizes:
        given.setdefault("rate", 0)
    # The goals belong to the cases as they are.
    changed = given | {"name": "custom", "goal": None, "rival": None} if sizes else given
    return [replace(case, **changed) for case in (CASES.values() if arguments.all else [CASES[arguments.case]])]


def _check(parser: argparse.ArgumentParser, arguments: argparse.Namespace, cases: list[Case]) -> list[Server]:
    """See that what was asked for can be done; the servers, the measured one first."""
    if arguments.all and any(case.name == "custom" for case in cases):
        parser.error("--all measures the cases as they are; choose one with --case to change its sizes")
    if arguments.rate is not None and arguments.outstanding is not None:
        parser.error("--rate is an open loop and --outstanding a closed one; choose one of them")
    if any(case.members < case.senders + arguments.processes for case in cases):
        parser.error(
            "there must be a member who does not send for each load process: more --members or fewer --senders"
        )
    names = [arguments.server, *arguments.peer]
    if len(set(names)) < len(names):
        parser.error("a server is compared with others, each named once")
    servers = [SERVERS[name] for name in names]
    for server in servers:
        if not server.installed:
            parser.exit(2, f"fanout.py: {server.name} is not installed: apt-get install {server.package}\n")
    return servers


def _measure_all(cases: list[Case], servers: list[Server], setting: Setting, count: int) -> list[list[Summary]]:
    """Each case with each server, the servers in turns, so that what the machine does meanwhile meets all alike."""
    summaries = []
    for case in cases:
        runs: dict[str, list[Run]] = {server.name: [] for server in servers}
        for number in range(1, count + 1):
            for server in servers:
                print(f"{case.name}, run {number} of {count}: {server.name}", file=sys.stderr, flush=True)
                runs[server.name].append(measure(case, server, setting))
        summaries.append([Summary.of(name, server_runs) for name, server_runs in runs.items()])
    return summaries


def _allow_files(count: int) -> None:
    """Raise what the shell allows, for the servers and the load processes too, which inherit it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY:
        count = min(count, hard)
    if soft != resource.RLIM_INFINITY and soft < count:
        resource.setrlimit(resource.RLIMIT_NOFILE, (count, hard))


def main(words: Sequence[str] | None = None) -> int:
    """Measure what the command line asks for, print it, and return the exit status."""
    parser = _parser()
    arguments = parser.parse_args(words)
    if arguments.once:
        arguments.caps = f"{arguments.caps} message-tags securechat/client-id".strip()
    cases = _cases(arguments)
    servers = _check(parser, arguments, cases)
    # A plain end on SIGTERM, so that the servers and the directory do not stay behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    _allow_files(max(case.members for case in cases) + _OTHER_FILES)
    try:
        with tempfile.TemporaryDirectory(prefix="fanout-") as name:
            base = Path(name)
            # Servers that refuse to run as root must reach their own directory in it, whose mode is 0700.
            base.chmod(0o711)
            make_certificates(base / "certs")
            setting = Setting(
                base, arguments.processes, arguments.durability, arguments.caps, arguments.probe, arguments.once
            )
            machine = {
                "python": platform.python_version(),
                "processors": os.cpu_count(),
                "file_system": file_system(base),
                "durability": arguments.durability,
                "caps": arguments.caps,
            }
            summaries = _measure_all(cases, servers, setting, arguments.runs)
    except BenchmarkError as error:
        print(f"fanout.py: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    results = list(zip(cases, summaries, strict=True))
    if arguments.json:
        print(json.dumps({"machine": machine, "cases": [document(*result) for result in results]}, indent=2))
    else:
        print(", ".join(f"{key.replace('_', ' ')}: {value or 'none'}" for key, value in machine.items()))
        for result in results:
            print(f"\n{text(*result)}")
    return 0 if all(summary.faultless for group in summaries for summary in group) else 1


if __name__ == "__main__":
    sys.exit(main())
