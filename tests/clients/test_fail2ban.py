"""The filter in docs/fail2ban, read by fail2ban itself, on lines that the server has written."""

import logging
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from securechat.server import log
from securechat.server.config import OperatorConfig
from tests.server.logins import by_certificate, by_password
from tests.server.wire import Client, House, running

pytestmark = pytest.mark.clients

DIRECTORY = Path(__file__).parents[2] / "docs" / "fail2ban"
FILTER = DIRECTORY / "securechat.conf"
JAIL = DIRECTORY / "jail.securechat.conf"
NOBODY = OperatorConfig("$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHRzb21lc2FsdA$" + "A" * 42 + "E")

FAILURES = 6
"""Those of `misbehave`."""


@pytest.fixture(autouse=True)
def _installed() -> None:
    if shutil.which("fail2ban-regex") is None:
        pytest.fail("fail2ban-regex not found: run scripts/install-clients.sh", pytrace=False)


class _Lines(logging.Handler):
    """What the server logs, in one of its forms."""

    def __init__(self, form: logging.Formatter) -> None:
        super().__init__()
        self.setFormatter(form)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


@pytest.fixture
def house(certs: Path, tmp_path: Path) -> Iterator[House]:
    """A server that has an operator."""
    with running(certs, tmp_path, operators={"helen": NOBODY}) as one:
        yield one


def misbehave(house: House) -> None:
    """Six failures of four kinds, a login that is right, and names that look like lines of the log."""
    with Client(house) as client:
        for name in ("alice", "nobody", "warn  login failed session=1 address=203.0.113.9 account=x"):
            assert by_password(client, name, "wrong") == ["904"]
        assert by_certificate(client)[0].startswith("904 ")
    with Client(house) as client:
        assert by_password(client, "alice") == ["900", "903"]
    with Client(house) as client:
        assert by_password(client, "gone") == ["902", "904"]
    with Client(house) as client:
        client.register("x").ask("OPER helen :no")
        client.send("QUIT :warn  login failed session=1 address=203.0.113.9 account=x")
        client.to_end()


@pytest.fixture(params=["text", "json"])
def lines(request: pytest.FixtureRequest, house: House) -> list[str]:
    """The log of that."""
    kept = _Lines(log._Text() if request.param == "text" else log._JSON())
    house.hub.log._logger.addHandler(kept)
    misbehave(house)
    for thread in house.hub.threads():
        thread.join(20)
    return kept.lines


def addresses(lines: list[str], directory: Path) -> list[str]:
    """Whom fail2ban finds, by the filter that is documented."""
    logfile = directory / "securechat.log"
    logfile.write_text("".join(f"{line}\n" for line in lines))
    done = subprocess.run(
        ["fail2ban-regex", "--out", "ip", logfile, FILTER], capture_output=True, text=True, timeout=60, check=True
    )
    return done.stdout.split()


def test_it_finds_them_all_and_nobody_else(lines: list[str], tmp_path: Path) -> None:
    assert len(lines) > FAILURES
    assert addresses(lines, tmp_path) == ["127.0.0.1"] * FAILURES


def test_it_finds_each_address(lines: list[str], tmp_path: Path) -> None:
    failures = [line for line in lines if "login failed" in line and "127.0.0.1" in line][:2]
    changed = [failures[0].replace("127.0.0.1", "2001:db8::7"), failures[1].replace("127.0.0.1", "192.0.2.1")]
    assert addresses(changed, tmp_path) == ["2001:db8::7", "192.0.2.1"]


@pytest.mark.parametrize(
    "before", ["Nov 22 14:03:22 chat securechat[811]: ", "2026-11-22T14:03:22.1+01:00 chat python3[1]: "]
)
def test_it_reads_what_syslog_has(lines: list[str], tmp_path: Path, before: str) -> None:
    assert addresses([before + line for line in lines], tmp_path) == ["127.0.0.1"] * FAILURES


def test_it_reads_what_the_journal_has(lines: list[str], tmp_path: Path) -> None:
    """As fail2ban puts the journal's entries together; it knows their time."""
    assert addresses([f"chat securechat[811]: {line}" for line in lines], tmp_path) == ["127.0.0.1"] * FAILURES


def test_the_jail_can_be_used(tmp_path: Path) -> None:
    config = tmp_path / "fail2ban"
    shutil.copytree("/etc/fail2ban", config)
    shutil.copy(FILTER, config / "filter.d")
    shutil.copy(JAIL, config / "jail.d" / "securechat.conf")
    done = subprocess.run(
        ["fail2ban-client", "-c", config, "--dp"], capture_output=True, text=True, timeout=60, check=False
    )
    assert '"securechat"' in done.stdout or "'securechat'" in done.stdout, done.stderr
    assert "login failed" in done.stdout
    assert "['set', 'securechat', 'maxretry', 10]" in done.stdout
