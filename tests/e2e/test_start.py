"""Servers that do not start, each with one sentence and the right status; and what the options do for one that does."""

import os
import socket
import stat
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from securechat.pki import Authority, Purpose, RevocationList, make_development_certs, revocation_path
from securechat.pki.certificate import spki_fingerprint
from tests.cli.commands import environment
from tests.e2e.servers import LIMIT, UNHURRIED, Place, attempt, running, server_command
from tests.e2e.wires import Chatter, Wire

TYPED_WRONGLY = 2
REFUSED = 1


def fails(done: "subprocess.CompletedProcess[str]", status: int, *words: str) -> None:
    """It ended with this status, and one sentence with these words in it."""
    assert done.returncode == status, done.stderr
    assert done.stdout == ""
    assert done.stderr.startswith("securechat: ")
    assert done.stderr.count("\n") == 1, done.stderr
    for word in words:
        assert word in done.stderr


def test_a_second_server_on_the_same_data(place: Place) -> None:
    with running(place) as server, Chatter(server, "alice", join="#lobby") as alice:
        fails(attempt(place), REFUSED, f"{place.data.path} is in use by process {server.process.pid}")
        assert alice.say("#lobby", "the first one does not mind")


def test_a_port_that_is_in_use(place: Place) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        fails(attempt(place, "--port", str(port)), REFUSED, f"port {port} is in use", "--port")


def test_an_address_of_another_machine(place: Place) -> None:
    fails(attempt(place, "--host", "192.0.2.1"), REFUSED, "192.0.2.1")


def test_a_host_that_there_is_not(place: Place) -> None:
    fails(attempt(place, "--host", "no such host"), TYPED_WRONGLY, "no such host")


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """Certificates made last year for a month."""
    make_development_certs(tmp_path, machine="localhost", days=30, now=datetime.now(UTC) - timedelta(days=365))
    return tmp_path


def test_a_certificate_that_has_expired(place: Place, old: Path) -> None:
    fails(attempt(place, "--cert", old / "server.pem"), TYPED_WRONGLY, "server.pem expired on ", "securechat certs")


def test_a_certificate_that_is_not_there(place: Place) -> None:
    fails(attempt(place, "--cert", "nowhere.pem"), TYPED_WRONGLY, "nowhere.pem does not exist", "securechat certs")


def test_no_certificate(place: Place) -> None:
    command = server_command(place)
    del command[command.index("--cert") : command.index("--cert") + 2]
    done = subprocess.run(
        command, capture_output=True, text=True, cwd=place.home, env=environment(place.home), timeout=LIMIT, check=False
    )
    fails(done, TYPED_WRONGLY, "--cert", "securechat certs init")


def test_a_certificate_without_its_key(place: Place) -> None:
    fails(attempt(place, "--cert", place.ca), TYPED_WRONGLY, "ca.pem holds no private key")


def test_a_list_of_revoked_certificates_that_is_older_than_one_of_before(place: Place, tmp_path: Path) -> None:
    make_development_certs(tmp_path, machine="localhost")
    clients = Authority.load(tmp_path, Purpose.CLIENTS, now=datetime.now(UTC))
    RevocationList.make(clients, now=datetime.now(UTC)).save(revocation_path(tmp_path / "client-ca.pem"))
    place.data.crl_numbers.write_text(f"{spki_fingerprint(clients.certificate.public_key())} 2\n")
    done = attempt(place, "--cert", tmp_path / "server.pem")
    fails(done, TYPED_WRONGLY, "is older than the one before: put that back", f"remove {place.data.crl_numbers}")


def test_a_key_that_does_not_match(place: Place, tmp_path: Path) -> None:
    make_development_certs(tmp_path, machine="localhost")
    key = tmp_path / "server.pem"
    fails(attempt(place, "--key", key), TYPED_WRONGLY, f"the private key in {key} does not belong to", str(place.cert))


def test_what_is_no_certificate(place: Place) -> None:
    fails(attempt(place, "--cert", place.home), TYPED_WRONGLY, "can't be read: Is a directory")


# Root may read everything, so it becomes nobody; but only when all modules have been read, which the help sees to.
AS_NOBODY = """
import contextlib, io, os, sys
from securechat.cli import main
arguments = sys.argv[1:]
with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):
    sys.argv[1:] = ["server", "--help"]
    main()
if os.geteuid() == 0:
    os.seteuid(65534)
sys.argv[1:] = arguments
main()
"""


def test_a_certificate_that_may_not_be_read(place: Place, tmp_path: Path) -> None:
    secret = tmp_path / "secret.pem"
    secret.write_bytes(place.cert.read_bytes())
    secret.chmod(0)
    _, _, _, *arguments = server_command(place, "--cert", secret)
    done = subprocess.run(
        [sys.executable, "-c", AS_NOBODY, *arguments],
        capture_output=True, text=True, cwd="/", env=environment(place.home), timeout=LIMIT, check=False,
    )  # fmt: skip
    fails(done, TYPED_WRONGLY, "secret.pem can't be read by this user")


def test_a_key_that_others_can_read_is_told(place: Place, tmp_path: Path) -> None:
    loose = tmp_path / "loose.pem"
    loose.write_bytes(place.cert.read_bytes())
    loose.chmod(0o604)
    with running(place, "--cert", loose) as server:
        assert "others can read" in server.logged("configuration")["note"]
    with running(place) as server:
        assert not [event for event in server.events if event["event"] == "configuration"]


def test_a_configuration_with_a_key_that_there_is_not(place: Place) -> None:
    path = place.configure("[limits]\nthrotle = true\n")
    words = [str(path), "no key throtle in [limits]", "did you mean throttle?"]
    fails(attempt(place, "--config", path), TYPED_WRONGLY, *words)


def test_a_configuration_that_is_not_there(place: Place) -> None:
    fails(attempt(place, "--config", "nowhere.toml"), TYPED_WRONGLY, "nowhere.toml")


@pytest.mark.parametrize("option", [["--durability", "sometimes"], ["--port", "x"]])
def test_an_option_that_is_wrong(place: Place, option: list[str]) -> None:
    done = attempt(place, *option)
    assert done.returncode == TYPED_WRONGLY
    assert option[0] in done.stderr
    assert "Traceback" not in done.stderr


def test_a_data_directory_that_others_can_read(place: Place) -> None:
    place.data.path.chmod(0o755)
    fails(attempt(place), TYPED_WRONGLY, "others may look into the data directory", "chmod 700")


def test_a_database_that_is_none(place: Place) -> None:
    place.data.database.write_bytes(b"this is not a database, and it is longer than a header would be\n" * 20)
    fails(attempt(place), REFUSED, "securechat.db can't be opened")


def test_what_it_makes_is_for_its_owner_only(place: Place, tmp_path: Path) -> None:
    mask = os.umask(0)
    try:
        fresh = Place(tmp_path, place.certs)
        with running(fresh) as server, Wire(server):
            modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in fresh.data.path.iterdir()}
            assert stat.S_IMODE(fresh.data.path.stat().st_mode) == 0o700
    finally:
        os.umask(mask)
    assert modes.keys() >= {"securechat.db", "securechat.db-wal", "lock", "control.sock"}
    assert set(modes.values()) == {0o600}


def test_the_data_directory_by_default_is_the_users_own(place: Place) -> None:
    command = server_command(place)
    del command[command.index("--data") : command.index("--data") + 2]
    done = subprocess.run(
        ["sh", "-c", 'ulimit -f 0; exec "$@"', "sh", *command],
        capture_output=True, text=True, cwd="/", env=environment(place.home), timeout=LIMIT, check=False,
    )  # fmt: skip
    fails(done, REFUSED, f"data directory {place.home}/")


def has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as sock:
            sock.bind(("::1", 0))
    except OSError:
        return False
    return True


@pytest.mark.skipif(not has_ipv6(), reason="this machine has no ::1")
def test_ipv6(place: Place) -> None:
    with (
        running(place, "--host", "::1", "--host", "127.0.0.1") as server,
        Chatter(server, "alice", join="#lobby", host="::1") as alice,
        Chatter(server, "bob", join="#lobby") as bob,
    ):
        alice.say("#lobby", "over six")
        bob.expect("PRIVMSG", "#lobby", "over six")
        assert server.logged("login", account="alice")["address"] == "::1"
        assert {event["port"] for event in server.events if event["event"] == "listening"} == {server.port}


def test_the_log_for_people(place: Place) -> None:
    """What comes without --log-format: text, one event a line."""
    command = [*server_command(place), "--config", str(place.configure(UNHURRIED))]
    with subprocess.Popen(
        command, stderr=subprocess.PIPE, text=True, cwd=place.home, env=environment(place.home)
    ) as process:
        assert process.stderr is not None
        first = process.stderr.readline()
        process.terminate()
        rest = process.stderr.read()
        assert process.wait(LIMIT) == 0
    assert " info  listening address=127.0.0.1 port=" in first
    assert rest.splitlines()[-1].endswith(" info  stopped")


def test_a_name_a_network_and_a_message_of_the_day(place: Place) -> None:
    config = '[server]\nname = "chat.example.org"\nnetwork = "Example"\nmotd = "Welcome.\\nBe kind."\n'
    with running(place, "--durability", "normal", config=config) as server, Chatter(server, "alice") as alice:
        alice.send("MOTD", "VERSION")
        assert alice.expect("372").params[-1] == "Welcome."
        assert alice.expect("372").params[-1] == "Be kind."
        assert alice.expect("376").source == "chat.example.org"
        assert any(" NETWORK=Example " in line for line in alice.lines)
