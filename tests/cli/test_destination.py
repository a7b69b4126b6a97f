"""Which server `securechat connect` goes to, whom it trusts there, and that it tells nobody else anything."""

import os
import shlex
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from securechat.cli.destination import Destination, Wanted, find
from securechat.client.errors import MistakeError
from securechat.client.servers import SYSTEM, SavedServer, SavedServers
from securechat.irc.links import JoinLink
from securechat.irc.message import Message
from securechat.pki import Authority, Purpose, make_development_certs
from securechat.pki.certificate import spki_fingerprint
from securechat.tls.contexts import ask_clients, server_context
from tests.cli.commands import at_terminal, securechat
from tests.cli.saved import AUTHORITY, PUBLIC, WORK, save_two, saved_in
from tests.client.posts import Post, authority_lines
from tests.client.support import PASSWORD, Peer, Session

GIVEN = {"SECURECHAT_PASSWORD": PASSWORD}


@pytest.fixture(scope="module")
def certs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("certs")
    make_development_certs(directory, machine="localhost", clients=["alice"])
    return directory


@pytest.fixture
def servers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SavedServers:
    """Two, and no `certs` where we are."""
    monkeypatch.chdir(tmp_path)
    return save_two(tmp_path)


def where(found: Destination) -> tuple[str, int, str, SavedServer | None]:
    return found.host, found.port, found.login, found.server


WORK_THERE = ("chat.example.org", 6697, "alice", WORK)


@pytest.mark.parametrize(
    ("wanted", "there"),
    [
        (Wanted(server="work"), WORK_THERE),
        (Wanted(user="alice"), WORK_THERE),
        (Wanted(user="ALICE", port=6697), ("chat.example.org", 6697, "ALICE", WORK)),
        (Wanted(host="CHAT.example.org"), WORK_THERE),
        (Wanted(host="chat.example.org", user="carol"), ("chat.example.org", 6697, "carol", WORK)),
        (Wanted(server="work", user="carol", device="x"), ("chat.example.org", 6697, "carol@x", WORK)),
        (Wanted(port=7000), ("irc.example.net", 7000, "bob@phone", PUBLIC)),
        (Wanted(server="public", device="laptop"), ("irc.example.net", 7000, "bob@laptop", PUBLIC)),
        (Wanted(server="public", user="carol"), ("irc.example.net", 7000, "carol", PUBLIC)),
        (Wanted(user="carol"), ("localhost", 6697, "carol", None)),
        (Wanted(user="alice", host="localhost"), ("localhost", 6697, "alice", None)),
        (Wanted(user="alice", host="chat.example.org", port=1), ("chat.example.org", 1, "alice", None)),
        (Wanted(user="alice", ca=Path("x.pem")), ("localhost", 6697, "alice", None)),
    ],
)
def test_which_server_is_meant(
    servers: SavedServers, wanted: Wanted, there: tuple[str, int, str, SavedServer | None]
) -> None:
    found = find(wanted, servers)
    assert where(found) == there
    assert found.saved == (found.server is not None)
    assert found.authority == (AUTHORITY.certificate if found.server == WORK else None)
    assert found.ca == wanted.ca
    assert found.own == (found.server is not None and found.server.user == found.user.lower())


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        (Wanted(), r"several saved servers fit, .* `securechat connect public`: public \(bob on .*; work \(alice on"),
        (Wanted(server="home"), "no saved server of that name: there are public, work"),
        (Wanted(server="work", host="x"), "takes no --host"),
        (Wanted(server="work", ca=Path("x")), "takes no --ca"),
        (Wanted(host="localhost"), "no saved server fits"),
        (Wanted(ca=Path("x"), fingerprint="ab" * 32, user="alice"), "give one of them"),
        (Wanted(fingerprint="ab" * 31, user="alice"), "that is no fingerprint"),
        (Wanted(fingerprint="ab" * 32, user="alice", host="no host"), "is no host that can be saved"),
        (Wanted(user="a b"), "is no name of an account"),
        (Wanted(user="alice", device="a b"), "is no name of a device"),
    ],
)
def test_what_is_not_enough(servers: SavedServers, wanted: Wanted, words: str) -> None:
    with pytest.raises(MistakeError, match=words):
        find(wanted, servers)


def test_nothing_is_saved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, certs: Path) -> None:
    """As it was before there were saved servers: --user, and `certs/ca.pem` where that is."""
    monkeypatch.chdir(tmp_path)
    servers = saved_in(tmp_path)
    with pytest.raises(MistakeError, match="`securechat join` takes an invitation, or name your account with --user"):
        find(Wanted(), servers)
    found = find(Wanted(user="alice"), servers)
    assert (where(found), found.ca) == (("localhost", 6697, "alice", None), None)
    (tmp_path / "certs").mkdir()
    (tmp_path / "certs" / "ca.pem").write_bytes((certs / "ca.pem").read_bytes())
    assert find(Wanted(user="alice"), servers).ca == Path("certs/ca.pem")
    assert find(Wanted(user="alice", ca=Path("x")), servers).ca == Path("x")
    # Whoever could have put it there could be the server.
    for path in (tmp_path / "certs", tmp_path / "certs" / "ca.pem"):
        mode = path.stat().st_mode & 0o777
        path.chmod(mode | 0o002)
        with pytest.raises(MistakeError, match=f"{path.relative_to(tmp_path)} can be changed by others"):
            find(Wanted(user="alice"), servers)
        assert find(Wanted(user="alice", ca=Path("certs/ca.pem")), servers).ca == Path("certs/ca.pem")
        path.chmod(mode)
    if os.geteuid() == 0:
        os.chown(tmp_path / "certs" / "ca.pem", 65534, 0)
        with pytest.raises(MistakeError, match="can be changed by others"):
            find(Wanted(user="alice"), servers)


def test_one_that_is_damaged_stands_in_the_way_unless_another_one_is_named(servers: SavedServers) -> None:
    (servers.path / "public" / "server.json").write_text("{")
    with pytest.raises(MistakeError, match="saved server public is damaged"):
        find(Wanted(), servers)
    assert where(find(Wanted(server="work"), servers)) == WORK_THERE
    assert find(Wanted(user="alice", ca=Path("x")), servers).server is None


# -- as a process -----------------------------------------------------------------------------------------------------


@pytest.fixture
def stranger(certs: Path) -> Iterator[Post]:
    """A server that nobody here trusts, and that writes down all that it is told."""
    authority = Authority.load(certs, Purpose.SERVERS, now=datetime.now(UTC))
    with Post(certs / "server.pem", lambda _: authority_lines([authority.certificate])) as post:
        yield post


def test_a_server_that_is_not_trusted_is_told_nothing(stranger: Post, certs: Path, tmp_path: Path) -> None:
    fingerprint = spki_fingerprint(
        Authority.load(certs, Purpose.SERVERS, now=datetime.now(UTC)).certificate.public_key()
    )
    options = ["--host", "localhost", "--port", str(stranger.port), "--user", "alice"]
    done = securechat(tmp_path, "connect", *options, stdin="secret text\n", more=GIVEN)
    assert (done.returncode, done.stdout) == (5, "")
    assert stranger.all == b"CERT AUTHORITY\r\n"
    line = done.stderr.splitlines()[-3].strip()
    assert shlex.split(line) == ["securechat", "connect", *options, "--fingerprint", fingerprint]
    assert not list(tmp_path.iterdir())


def test_nor_at_a_terminal(stranger: Post, tmp_path: Path) -> None:
    with at_terminal(tmp_path, "connect", "--user", "alice", "--port", str(stranger.port)) as terminal:
        terminal.expect("signed by nobody who is trusted here")
        terminal.expect("Nothing was sent to it, no password either.")
        terminal.expect("Anybody could say so.")
        terminal.expect("--fingerprint")
        assert terminal.end() == 5
        assert "Password" not in terminal.screen  # nobody is asked for it for nothing
    assert stranger.all == b"CERT AUTHORITY\r\n"


def test_nor_is_a_password_asked_for_where_another_server_is_now(stranger: Post, tmp_path: Path) -> None:
    """As after `certs init --force`, say; or somebody is in between."""
    saved_in(tmp_path).put(replace(WORK, host="localhost", port=stranger.port), AUTHORITY.certificate)
    link = JoinLink("localhost", stranger.port, "x" * 22, WORK.trust).format()
    for command, sentence in (
        (["connect"], "not signed by the authority that is saved as work"),
        (["passwd"], "not signed by the authority that is saved as work"),
        (["join", link, "--user", "zoe"], "not the one that the link or fingerprint is from"),
    ):
        with at_terminal(tmp_path, *command) as terminal:
            terminal.expect(sentence)
            terminal.expect("nothing was sent to it")
            assert terminal.end() == 5
            assert "assword" not in terminal.screen
    assert stranger.all == b"CERT AUTHORITY\r\n" * 3


def test_one_may_take_ones_time_with_the_password(certs: Path, tmp_path: Path) -> None:
    """No connection waits meanwhile: it would be ended by the server."""
    with Peer(certs / "server.pem") as peer:
        where: list[str | Path] = ["--user", "alice", "--port", str(peer.port), "--ca", certs / "ca.pem"]
        with at_terminal(tmp_path, "connect", *where) as terminal:
            terminal.expect("Password for alice: ")
            peer.wait_for_nobody()
            terminal.type(f"{PASSWORD}\n")
            terminal.expect("joined #lobby")
            terminal.type("exit\r")
            assert terminal.end() == 0
        assert peer.connections == 2


def test_who_has_named_the_authority_is_not_led_to_another_one(stranger: Post, tmp_path: Path) -> None:
    make_development_certs(tmp_path / "other", machine="localhost")
    where = ["--user", "alice", "--port", str(stranger.port), "--ca", str(tmp_path / "other" / "ca.pem")]
    done = securechat(tmp_path, "connect", *where, more=GIVEN)
    assert done.returncode == 5
    assert "fingerprint" not in done.stderr
    assert stranger.all == b""


def test_a_server_that_says_something_strange_of_its_authority(certs: Path, tmp_path: Path) -> None:
    for answer in (b"ERROR :\x1b[2J\r\n", b":x CERT AUTHORITY !\r\n:x CERT END AUTHORITY\r\n", None):
        with Post(certs / "server.pem", lambda _, answer=answer: answer) as post:  # type: ignore[misc]
            done = securechat(tmp_path, "connect", "--user", "alice", "--port", str(post.port), more=GIVEN)
        assert done.returncode == 5
        assert done.stderr.count("\n") == 1
        assert done.stderr.strip().isprintable()


def test_a_fingerprint_saves_the_server(certs: Path, tmp_path: Path) -> None:
    authority = Authority.load(certs, Purpose.SERVERS, now=datetime.now(UTC)).certificate
    fingerprint = spki_fingerprint(authority.public_key())
    with Peer(certs / "server.pem", accounts=dict.fromkeys(("alice", "alice@phone", "bob"), PASSWORD)) as peer:
        lines = authority_lines([authority]).decode().split("\r\n")[:-1]
        peer.rules["CERT"] = lambda _, message: lines if message.params == ["AUTHORITY"] else None
        where = ["--user", "alice", "--port", str(peer.port), "--fingerprint", fingerprint.upper()]
        done = securechat(tmp_path, "connect", *where, more={"SECURECHAT_PASSWORD": "wrong"})
        assert done.returncode == 9
        assert saved_in(tmp_path).names() == []
        done = securechat(tmp_path, "connect", *where, "--device", "phone", stdin="hello\n", more=GIVEN)
        assert done.returncode == 0, done.stderr
        saved = SavedServer("localhost", "localhost", peer.port, "alice", fingerprint, device="phone")
        assert saved_in(tmp_path).all() == [saved]
        done = securechat(tmp_path, "connect", stdin="again\n", more=GIVEN)
        assert done.returncode == 0, done.stderr
        assert f"connecting to localhost port {peer.port} as alice\n" in done.stderr
        assert f"verified by the authority {fingerprint[:16]}… that is saved under localhost" in done.stderr
        assert peer.said == ["hello", "again"]
        # Another account there is verified by the same authority, and saves nothing.
        done = securechat(tmp_path, "connect", "localhost", "--user", "bob", stdin="bob\n", more=GIVEN)
        assert done.returncode == 0, done.stderr
        assert saved_in(tmp_path).all() == [saved]
        done = securechat(tmp_path, "connect", "localhost", "--user", "bob", "--remember", more=GIVEN)
        assert done.returncode == 2
        assert "--remember is for a saved server, and the account that it was saved with" in done.stderr


def test_a_certificate_without_a_password(certs: Path, tmp_path: Path) -> None:
    """At a terminal one is asked for the password only where the certificate is not enough."""
    mine = certs / "clients" / "alice.pem"
    with Peer(certs / "server.pem") as peer:  # it has no EXTERNAL
        where: list[str | Path] = ["--user", "alice", "--port", str(peer.port)]
        where += ["--ca", certs / "ca.pem", "--cert", mine]
        with at_terminal(tmp_path, "connect", *where) as terminal:
            terminal.expect("offers no login with a client certificate")
            terminal.expect("Password for alice: ")
            terminal.type(f"{PASSWORD}\n")
            terminal.expect("joined #lobby")
            terminal.type("exit\r")
            assert terminal.end() == 0
        done = securechat(tmp_path, "connect", *where)
        assert done.returncode == 10
        assert securechat(tmp_path, "connect", *where, more=GIVEN).returncode == 0


def test_nobody_is_asked_for_the_password_of_a_server_that_is_not_there(certs: Path, tmp_path: Path) -> None:
    mine = certs / "clients" / "alice.pem"
    with Peer(certs / "server.pem") as peer:
        pass
    where: list[str | Path] = ["--user", "alice", "--port", str(peer.port), "--ca", certs / "ca.pem"]
    for options in (where, [*where, "--cert", mine]):
        with at_terminal(tmp_path, "connect", *options) as terminal:
            terminal.expect("nothing listens on localhost")
            assert terminal.end() == 3
            assert "Password" not in terminal.screen


def test_a_certificate_that_the_server_refuses_keeps_nobody_out(certs: Path, tmp_path: Path) -> None:
    """It was revoked, say: with a password one comes in all the same, and can have another one made."""
    mine = tmp_path / "mine.pem"
    mine.write_bytes((certs / "clients" / "alice.pem").read_bytes())
    mine.chmod(0o644)
    context = server_context(certs / "server.pem")
    authority = x509.load_pem_x509_certificate((certs / "client-ca.pem").read_bytes())
    ask_clients(context, [authority.public_bytes(Encoding.DER)])

    def refuse(session: Session, _: Message) -> list[str] | None:
        if not session.fingerprint:
            return None
        session.send("ERROR :Closing link: Your certificate was revoked")
        session.quit()
        return []

    with Peer(context) as peer:
        peer.rules["CAP"] = refuse
        where: list[str | Path] = ["--user", "alice", "--port", str(peer.port), "--ca", certs / "ca.pem"]
        where += ["--cert", mine]
        done = securechat(tmp_path, "connect", *where)
        assert done.returncode == 7
        assert done.stderr.splitlines() == [
            f"securechat: others on this machine can read {mine}, which lets them log in as you: chmod 600 it",
            "securechat: localhost refused the connection: Your certificate was revoked",
        ]
        done = securechat(tmp_path, "connect", *where, stdin="hello\n", more=GIVEN)
        assert done.returncode == 0, done.stderr
        assert "going on without that certificate" in done.stderr
        with at_terminal(tmp_path, "connect", *where) as terminal:
            terminal.expect("Your certificate was revoked")
            terminal.expect("Password for alice: ")
            terminal.type(f"{PASSWORD}\n")
            terminal.expect("joined #lobby")
            terminal.type("exit\r")
            assert terminal.end() == 0


def test_what_is_saved_with_the_system(tmp_path: Path, certs: Path) -> None:
    servers = saved_in(tmp_path)
    with Post(certs / "server.pem") as post:
        servers.put(SavedServer("public", "localhost", post.port, "alice", SYSTEM), None)
        done = securechat(tmp_path, "connect", more=GIVEN)
    assert done.returncode == 5
    assert "--fingerprint" not in done.stderr
    assert post.all == b""
