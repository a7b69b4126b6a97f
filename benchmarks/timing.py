"""Whether the time that an answer takes tells which names there are.

A server is asked about names that exist and names that don't, in an order drawn by lot, and the times are compared:
wrong passwords (SASL PLAIN), first messages of SCRAM-SHA-256 (of accounts with a verifier, and without one), and
REGISTER where accounts are made by invitation. The Mann-Whitney test says how likely a difference as large as the one
that was seen is where there is none.

    python benchmarks/timing.py
    python benchmarks/timing.py --samples 5000 --passwords 1000

What is measured is what somebody on the same machine sees; over a network it is far less. Exit status: 0 when there
are figures, whatever they say; 1 when a run failed; 2 for a wrong command line.
"""

from __future__ import annotations

import argparse
import base64
import math
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from case import BenchmarkError
from client import Client, tls_context
from servers import HOST, SERVERS, Site, make_certificates, started

from securechat.chat.machine import Applied
from securechat.chat.requests import AddAccount
from securechat.server.assembly import build_hub
from securechat.server.config import AccountsConfig, Config
from securechat.server.log import EventLog
from securechat.store.datadir import DataDir

_NAMES = 20  # of each kind, all equally long
_FAILURES = 4  # on one connection; the fifth ends it
_QUESTIONS = 100
_ALPHA = 0.01
_Ask = Callable[[Client, str], float]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "--samples", type=int, default=2000, metavar="N", help="of each kind of name (default: %(default)s)"
    )
    parser.add_argument(
        "--passwords", type=int, default=300, metavar="N", help="the same for passwords (default: %(default)s)"
    )
    return parser


# -- statistics -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Comparison:
    """Medians of both samples in seconds, the difference that all pairs have in the middle, and how likely it is."""

    known: float
    unknown: float
    shift: float
    p: float


def compare(known: Sequence[float], unknown: Sequence[float]) -> Comparison:
    """The Mann-Whitney test, two-sided, by its normal approximation (fine from twenty of each on), with ties."""
    ranked = sorted([(value, True) for value in known] + [(value, False) for value in unknown])
    ranks, ties, start = 0.0, 0.0, 0
    while start < len(ranked):
        end = start
        while end < len(ranked) and ranked[end][0] == ranked[start][0]:
            end += 1
        same = end - start
        ranks += (start + 1 + end) / 2 * sum(is_known for _, is_known in ranked[start:end])
        ties += same**3 - same
        start = end
    n, m = len(known), len(unknown)
    u = ranks - n * (n + 1) / 2
    spread = math.sqrt(n * m / 12 * ((n + m + 1) - ties / ((n + m) * (n + m - 1))))
    z = (u - n * m / 2) / spread if spread else 0.0
    differences = (one - other for one in known[:1000] for other in unknown[:1000])
    return Comparison(
        statistics.median(known),
        statistics.median(unknown),
        statistics.median(differences),  # Hodges and Lehmann's estimate
        math.erfc(abs(z) / math.sqrt(2)),
    )


# -- questions --------------------------------------------------------------------------------------------------------


def _timed(client: Client, question: bytes, *answers: bytes) -> float:
    """Seconds from a question until one of the answers has begun to come."""
    client.unread = b""
    begun = time.perf_counter()
    client.send(question)
    while not any(answer in client.unread for answer in answers):
        client.unread += client.receive()
        if b"ERROR :" in client.unread:
            raise BenchmarkError(f"the server ended a connection: {client.unread!r}")
    took = time.perf_counter() - begun
    while not client.unread.endswith(b"\n"):
        client.unread += client.receive()
    return took


def _password(client: Client, name: str) -> float:
    response = base64.b64encode(f"\0{name}\0this is not it".encode())
    _timed(client, b"AUTHENTICATE PLAIN\r\n", b"AUTHENTICATE +\r\n")
    return _timed(client, b"AUTHENTICATE %b\r\n" % response, b" 904 ")


def _first_message(client: Client, name: str) -> float:
    response = base64.b64encode(f"n,,n={name},r=0123456789abcdef".encode())
    _timed(client, b"AUTHENTICATE SCRAM-SHA-256\r\n", b"AUTHENTICATE +\r\n")
    took = _timed(client, b"AUTHENTICATE %b\r\n" % response, b"AUTHENTICATE ")
    _timed(client, b"AUTHENTICATE *\r\n", b" 906 ")
    return took


def _register(client: Client, name: str) -> float:
    return _timed(client, f"REGISTER {name} * :a password like others\r\n".encode(), b"FAIL REGISTER ")


class _Asker:
    """Asks over connections that last as long as the server lets them."""

    def __init__(self, port: int, ca: Path) -> None:
        self._address = (HOST, port)
        self._context = tls_context(ca)

    def ask(self, question: _Ask, known: Sequence[str], unknown: Sequence[str], number: int, each: int) -> Comparison:
        """So many times of each kind of name, in an order drawn by lot; ``each``: on one connection."""
        order = [True, False] * number
        random.shuffle(order)
        times: dict[bool, list[float]] = {True: [], False: []}
        for first in range(0, len(order), each):
            client = self._connect()
            try:
                for is_known in order[first : first + each]:
                    times[is_known].append(question(client, random.choice(known if is_known else unknown)))
            finally:
                client.close()
        return compare(times[True], times[False])

    def _connect(self) -> Client:
        client = Client("somebody", self._address, self._context)
        try:
            _timed(client, b"CAP REQ :sasl standard-replies\r\nNICK somebody\r\n", b" ACK ")
            _timed(client, b"PING :ready\r\n", b":ready")
        except BaseException:
            client.close()
            raise
        return client


# -- the server -------------------------------------------------------------------------------------------------------


def _names(kind: str) -> list[str]:
    return [f"{kind}{number:02}" for number in range(_NAMES)]


def _configure(site: Site) -> list[str]:
    config = site.directory / "securechat.toml"
    config.write_text("[limits]\nthrottle = false\n[accounts]\nscram = true\n")
    data = DataDir(site.directory / "data")
    with data.lock():
        hub = build_hub(Config(accounts=AccountsConfig(scram=True)), data, EventLog())
        credential, verifier = hub.hasher.hash("the password"), hub.verifier("the password")
        requests = [AddAccount(name, credential, scram=verifier) for name in _names("have")]
        requests += [AddAccount(name, credential) for name in _names("hash")]
        outcomes, _ = hub.journal.ask(requests)
        hub.hasher.close()
        hub.database.close()
    if not all(isinstance(outcome, Applied) for outcome in outcomes):
        raise BenchmarkError("the accounts could not be made")
    where = ["--host", HOST, "--port", str(site.port), "--cert", str(site.certificate)]
    return ["-m", "securechat", "server", *where, "--data", str(data.path), "--config", str(config)]


def _report(what: str, found: Comparison) -> None:
    verdict = "not told apart" if found.p >= _ALPHA else "TOLD APART"
    print(
        f"{what:44}{found.known * 1e6:12,.1f}{found.unknown * 1e6:12,.1f}{found.shift * 1e6:+12.1f}{found.p:9.3f}"
        f"  {verdict}",
        flush=True,
    )


def _measure(base: Path, samples: int, passwords: int) -> None:
    server = replace(SERVERS["securechat"], configure=_configure)
    with started(server, base, "full") as (site, _):
        asker = _Asker(site.port, base / "certs" / "ca.pem")
        have, without, nobody = _names("have"), _names("hash"), _names("none")
        print(f"{'microseconds (medians)':44}{'known':>12}{'unknown':>12}{'difference':>12}{'p':>9}")
        _report("wrong passwords", asker.ask(_password, have, nobody, passwords, _FAILURES))
        _report("SCRAM, with a verifier", asker.ask(_first_message, have, nobody, samples, _QUESTIONS))
        _report("SCRAM, without one", asker.ask(_first_message, without, nobody, samples, _QUESTIONS))
        _report("REGISTER, by invitation only", asker.ask(_register, have, nobody, samples, _QUESTIONS))
        _report("nobody against nobody, as a check", asker.ask(_first_message, nobody, nobody, samples, _QUESTIONS))


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, and print."""
    options = _parser().parse_args(arguments)
    try:
        with tempfile.TemporaryDirectory() as directory:
            base = Path(directory)
            make_certificates(base / "certs")
            _measure(base, options.samples, options.passwords)
    except BenchmarkError as error:
        print(f"timing: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
