"""The whole way of somebody new, with real processes: from `invite` into the chat, on a machine that knows nothing.

And as an attacker: somebody in between, other authorities, other names, links that were used; what is said to whom.
"""

import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from securechat.client.servers import SavedServers
from securechat.irc.links import JoinLink
from securechat.pki import Authority, CertificateInfo, Purpose, make_development_certs
from tests.cli.commands import Terminal, at_terminal, securechat
from tests.cli.saved import saved_in
from tests.e2e.attackers import impostor, showing
from tests.e2e.connects import connected
from tests.e2e.relay import relay
from tests.e2e.servers import MakePlace, Place, Server, running

NEW = "xyzzy a new horse"
GIVEN = {"SECURECHAT_PASSWORD": NEW}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Another machine: nothing is on it."""
    home = tmp_path / "home"
    home.mkdir()
    return home


@pytest.fixture
def moving(place: Place, tmp_path: Path) -> Place:
    """A place whose certificates may be changed."""
    shutil.copytree(place.certs, tmp_path / "certs")
    return Place(place.home, tmp_path / "certs")


def invite(server: Server, *options: str, port: int | None = None) -> str:
    """A link, as the operator makes it; `port`: where somebody else listens in the server's place."""
    place = server.place
    done = securechat(
        place.home, "invite", "--data", place.data.path, "--ca", place.ca, "--host", "localhost", *options
    )
    assert done.returncode == 0, done.stderr
    link = JoinLink.parse(done.stdout.strip())
    return JoinLink(link.host, port or link.port, link.code, link.fingerprint).format()


def reset(server: Server, name: str) -> str:
    place = server.place
    done = securechat(
        place.home, "user", "reset", name, "--data", place.data.path, "--ca", place.ca, "--host", "localhost"
    )
    assert done.returncode == 0, done.stderr
    found = re.search(r"securechat://\S+", done.stdout)
    assert found
    return found[0]


def join(home: Path, link: str, user: str = "zoe", *options: str, said: str = "") -> "subprocess.CompletedProcess[str]":
    return securechat(home, "join", "-", "--user", user, *options, stdin=f"{link}\n{said}", more=GIVEN)


def connect(home: Path, *options: str, said: str = "") -> "subprocess.CompletedProcess[str]":
    return securechat(home, "connect", *options, stdin=said, more=GIVEN)


def servers(home: Path) -> SavedServers:
    return saved_in(home)


def nothing_secret(server: Server, *secrets: str) -> bool:
    """Stop it, and look whether its log has one of them."""
    assert server.stop() == 0
    return not any(secret.encode() in server.output for secret in secrets)


# -- as a new user goes it --------------------------------------------------------------------------------------------


@contextmanager
def _typed(home: Path, link: str, name: str) -> Iterator[Terminal]:
    """Somebody who has typed all that is asked, and is in the chat."""
    with at_terminal(home, "join", link) as terminal:
        terminal.expect("Your name")
        terminal.type(f"{name}\n")
        terminal.expect(f"New password for {name}: ")
        terminal.type(f"{NEW}\n")
        terminal.expect("The same again: ")
        terminal.type(f"{NEW}\n")
        terminal.expect("the server is saved as localhost")
        terminal.expect("joined #lobby")
        yield terminal


def test_from_the_invitation_to_the_first_message(place: Place, home: Path) -> None:
    """With nothing on the machine before. It takes some seconds, and would take a person less than a minute."""
    with running(place) as server, connected(server, "alice") as alice:
        link = invite(server)
        with _typed(home, link, "zoe") as terminal:
            alice.out.expect("* zoe joined #lobby")
            terminal.type("good evening\r")
            assert alice.out.expect("<zoe>") == "<zoe> good evening"
            terminal.type("exit\r")
            assert terminal.end() == 0
            assert NEW not in terminal.screen
        with at_terminal(home, "connect") as terminal:  # from then on this alone is enough
            terminal.expect(f"connecting to localhost port {server.port} as zoe")
            terminal.expect("Password for zoe: ")
            terminal.type(f"{NEW}\n")
            terminal.expect("joined #lobby")
            terminal.type("back\r")
            assert alice.out.expect("<zoe>") == "<zoe> back"
            terminal.type("exit\r")
            assert terminal.end() == 0
        alice.leave()
        assert nothing_secret(server, NEW, link.rpartition("/")[2].partition("#")[0])


def test_in_pipes(place: Place, home: Path) -> None:
    with running(place) as server, connected(server, "alice") as alice:
        done = join(home, invite(server), said="hello\n")
        assert done.returncode == 0, done.stderr
        assert alice.out.expect("<zoe>") == "<zoe> hello"
        done = connect(home, said="again\n")
        assert done.returncode == 0, done.stderr
        assert alice.out.expect("<zoe>") == "<zoe> again"
        alice.leave()
        saved = servers(home).load("localhost")
        assert saved.trust == CertificateInfo.read(place.ca).spki_fingerprint
        everything = b"".join(file.read_bytes() for file in servers(home).path.rglob("*.*"))
        assert NEW.encode() not in everything
        assert nothing_secret(server, NEW)


def test_a_link_for_a_new_password(place: Place, home: Path) -> None:
    with running(place) as server:
        link = reset(server, "bob")
        done = securechat(home, "join", link, more=GIVEN)
        assert done.returncode == 0, done.stderr
        assert "this link lets you choose a new password for bob" in done.stderr
        assert connect(home).returncode == 0
        done = securechat(home, "join", link, more=GIVEN)
        assert done.returncode == 14
        assert "was used already" in done.stderr


def test_what_the_server_does_not_take(place: Place, home: Path) -> None:
    with running(place) as server:
        link = invite(server)
        done = securechat(home, "join", link, "--user", "zoe", more={"SECURECHAT_PASSWORD": "password"})
        assert done.returncode == 14, done.stderr
        done = join(home, link, "alice")
        assert done.returncode == 14
        assert "the name alice is taken" in done.stderr
        assert servers(home).names() == []
        assert join(home, link).returncode == 0  # the link is as good as it was


# -- links ------------------------------------------------------------------------------------------------------------


def test_a_link_is_good_once(place: Place, home: Path, tmp_path: Path) -> None:
    with running(place) as server:
        link = invite(server)
        assert join(home, link).returncode == 0
        (tmp_path / "thief").mkdir()
        done = join(tmp_path / "thief", link, "thief")
        assert done.returncode == 14
        assert "was used already" in done.stderr
        assert servers(tmp_path / "thief").names() == []


def test_a_link_that_is_not_whole(place: Place, home: Path) -> None:
    with running(place) as server:
        link = invite(server)
        where, _, fingerprint = link.partition("#")
        guessed = f"{where.rpartition('/')[0]}/{'A' * 22}#{fingerprint}"
        done = join(home, guessed)
        assert done.returncode == 14
        assert "knows no such invitation" in done.stderr
        assert join(home, link[:-1]).returncode == 2


def test_one_link_and_two_who_come_at_once(place: Place, tmp_path: Path) -> None:
    """Exactly one gets in, whoever it is."""
    with running(place) as server:
        link = invite(server)
        homes = [tmp_path / name for name in ("yasmin", "zoe")]
        for one in homes:
            one.mkdir()
        with ExitStack() as stack:
            both = [
                stack.enter_context(at_terminal(one, "join", link, "--user", one.name, "--channel", "#lobby"))
                for one in homes
            ]
            for terminal in both:  # each was told that it is good
                terminal.expect("New password")
                terminal.type(f"{NEW}\n")
                terminal.expect("again: ")
            for terminal in both:
                terminal.type(f"{NEW}\n")
            for terminal in both:
                terminal.expect("securechat: ")
            winner, loser = both if "is saved as" in both[0].screen else reversed(both)
            assert loser.end() == 14
            assert "this invitation has been used" in loser.screen
            winner.expect("joined #lobby")
            winner.type("exit\r")
            assert winner.end() == 0
        assert sorted(servers(one).names() for one in homes) == [[], ["localhost"]]


# -- somebody else answers --------------------------------------------------------------------------------------------


def test_somebody_in_between(place: Place, home: Path, tmp_path: Path) -> None:
    """They can show the true authority, but nothing that it has signed: so they are told nothing."""
    other = make_development_certs(tmp_path / "other", machine="localhost").server.path
    with running(place) as server, impostor(showing(other), upstream=server.port) as between:
        done = join(home, invite(server, port=between.port))
        assert done.returncode == 5, done.stderr
        assert "somebody may be in between" in done.stderr
        assert between.all == b"CERT AUTHORITY\r\n"
        assert servers(home).names() == []
        # The same with a fingerprint, and with the saved server, by whose port somebody else is reached.
        fingerprint = CertificateInfo.read(place.ca).spki_fingerprint
        where = ["--host", "localhost", "--port", str(between.port)]
        done = connect(home, *where, "--user", "alice", "--fingerprint", fingerprint)
        assert done.returncode == 5
        assert "somebody may be in between" in done.stderr
        assert join(home, invite(server)).returncode == 0
        file = servers(home).path / "localhost" / "server.json"
        file.write_text(file.read_text().replace(str(server.port), str(between.port)))
        done = connect(home)
        assert done.returncode == 5
        assert "nor by one that this has appointed: somebody may be in between" in done.stderr
        assert {bytes(heard) for heard in between.heard} == {b"CERT AUTHORITY\r\n"}


@pytest.mark.parametrize("size", [3, 90, 400, 900, 1500, 2500])
def test_somebody_in_between_who_changes_a_byte(place: Place, home: Path, size: int) -> None:
    """It ends, in a sentence, and nothing is saved; or it did not matter, as the first connection proves nothing."""
    with running(place) as server, relay(server.port) as network:
        link = invite(server, port=network.port)
        network.damage_after(size)
        done = join(home, link)
        assert done.returncode in (5, 8, 10, 11), done.stderr
        assert done.stderr.count("\n") == 1
        assert done.stderr.strip().isprintable()
        assert servers(home).names() == []
        assert join(home, link).returncode == 0


def test_another_authority(moving: Place, home: Path) -> None:
    with running(moving) as server:
        assert join(home, invite(server)).returncode == 0
        port = server.port
    make_development_certs(moving.certs, machine="localhost", force=True)
    before = (servers(home).path / "localhost" / "ca.pem").read_bytes()
    with running(moving, "--port", str(port)) as server:
        done = connect(home)
        assert done.returncode == 5
        assert "nor by one that this has appointed: somebody may be in between" in done.stderr
        assert done.stderr.count("\n") == 2  # with whom it was to be, and why it was not
        assert (servers(home).path / "localhost" / "ca.pem").read_bytes() == before
        # An invitation says it by another way; the same server is updated.
        assert join(home, invite(server), "yasmin").returncode == 0
        assert join(home, reset(server, "zoe"), "zoe").returncode == 0
        assert servers(home).names() == ["localhost", "localhost-2"]
        assert connect(home, "localhost").returncode == 0


def test_the_same_authority_and_another_name(moving: Place, home: Path) -> None:
    with running(moving) as server:
        assert join(home, invite(server)).returncode == 0
        port = server.port
    authority = Authority.load(moving.certs, Purpose.SERVERS, now=datetime.now(UTC))
    authority.issue_server(["elsewhere.example"], now=datetime.now(UTC)).save(moving.cert)
    with running(moving, "--port", str(port)) as server:
        for done in (connect(home), join(home, invite(server), "yasmin")):
            assert done.returncode == 4, done.stderr
            assert "not for localhost" in done.stderr
        assert nothing_secret(server, NEW)


def test_an_authority_that_was_replaced_in_order(moving: Place, home: Path, tmp_path: Path) -> None:
    with running(moving) as server:
        assert join(home, invite(server)).returncode == 0
        port = server.port
    old = CertificateInfo.read(moving.ca).spki_fingerprint
    for _ in range(2):  # somebody was away while it happened twice
        done = securechat(tmp_path, "certs", "init", "--replace-ca", "--out", moving.certs)
        assert done.returncode == 0, done.stderr
    new = CertificateInfo.read(moving.ca).spki_fingerprint
    assert new != old
    with running(moving, "--port", str(port)):
        done = connect(home)
        assert done.returncode == 0, done.stderr
        assert "the authority of localhost was replaced" in done.stderr
        assert new in done.stderr
        assert f"verified by the authority {new[:16]}… that is saved under localhost" in done.stderr
        assert servers(home).load("localhost").trust == new
        done = connect(home)
        assert done.returncode == 0
        assert "was replaced" not in done.stderr


def test_a_server_whose_certificate_was_revoked(moving: Place, home: Path, tmp_path: Path) -> None:
    """Whoever was there after that knows it, and the thief of the key is refused."""
    stolen = tmp_path / "stolen.pem"
    shutil.copy(moving.cert, stolen)
    with running(moving) as server:
        assert join(home, invite(server)).returncode == 0
        port = server.port
    done = securechat(tmp_path, "certs", "revoke", "server", "--out", moving.certs)
    assert done.returncode == 0, done.stderr
    Authority.load(moving.certs, Purpose.SERVERS, now=datetime.now(UTC)).issue_server(
        ["localhost"], now=datetime.now(UTC)
    ).save(moving.cert)
    with running(moving, "--port", str(port)):
        assert connect(home).returncode == 0
        done = securechat(home, "servers", "show", "localhost")
        assert "1 certificate (its list" in done.stdout
    shutil.copy(stolen, moving.cert)
    with running(moving, "--port", str(port)):
        done = connect(home)
        assert done.returncode == 6, done.stderr
        assert "was revoked by its authority" in done.stderr


# -- without an invitation --------------------------------------------------------------------------------------------


def test_an_unknown_authority_is_shown_and_how_to_check_it(place: Place, home: Path, make_place: MakePlace) -> None:
    with running(place) as server:
        where = ["--host", "localhost", "--port", str(server.port), "--user", "alice"]
        done = securechat(home, "connect", *where, more={"SECURECHAT_PASSWORD": "correct horse"})
        assert done.returncode == 5
        shown = securechat(home, "certs", "show", place.ca).stdout
        fingerprint = CertificateInfo.read(place.ca).spki_fingerprint
        assert fingerprint in shown
        assert f"\n    {fingerprint}\n" in done.stderr
        assert "Anybody could say so." in done.stderr
        (line,) = [line.strip() for line in done.stderr.splitlines() if line.startswith("    securechat ")]
        assert line == f"securechat connect {' '.join(where)} --fingerprint {fingerprint}"
        assert servers(home).names() == []
        done = securechat(home, *line.split()[1:], more={"SECURECHAT_PASSWORD": "correct horse"})
        assert done.returncode == 0, done.stderr
        assert servers(home).load("localhost").trust == fingerprint
        done = securechat(home, "connect", stdin="hello\n", more={"SECURECHAT_PASSWORD": "correct horse"})
        assert done.returncode == 0, done.stderr
        # The server was told no password before it was verified: there is no login but those that came in.
        assert server.stop() == 0
        assert [event["event"] for event in server.events].count("login") == 2


def test_a_fingerprint_that_is_not_the_servers(place: Place, home: Path) -> None:
    with running(place) as server:
        where = ["--host", "localhost", "--port", str(server.port), "--user", "alice"]
        done = connect(home, *where, "--fingerprint", "ab" * 32)
        assert done.returncode == 5
        assert "is not the one that the link or fingerprint is from" in done.stderr
        assert connect(home, *where, "--fingerprint", "ab").returncode == 2
        assert servers(home).names() == []


def test_a_checkout_without_saved_servers_works_as_ever(moving: Place, home: Path) -> None:
    (home / "certs").mkdir()
    shutil.copy(moving.ca, home / "certs" / "ca.pem")
    with running(moving) as server:
        where = ["--user", "alice", "--port", str(server.port)]
        done = securechat(home, "connect", *where, stdin="hi\n", more={"SECURECHAT_PASSWORD": "correct horse"})
        assert done.returncode == 0
        first, *_ = done.stderr.splitlines()
        assert first.startswith(
            f"securechat: connected to localhost port {server.port}, verified by certs/ca.pem (TLSv1.3, "
        )
        assert not (home / ".local").exists()


def test_a_public_certificate(place: Place, home: Path) -> None:
    """The link ends in `#system`, and the system's authorities decide, among which this machine has another one now."""
    public = GIVEN | {"SSL_CERT_FILE": str(place.ca)}
    with running(place) as server:
        found = JoinLink.parse(invite(server))
        link = JoinLink(found.host, found.port, found.code, None).format()
        assert link.endswith("#system")
        refused = join(home, link)
        assert refused.returncode == 5, refused.stderr
        done = securechat(home, "join", "-", "--user", "zoe", stdin=f"{link}\nhello\n", more=public)
        assert (done.returncode, done.stdout) == (0, "* zoe joined #lobby\n"), done.stderr
        assert securechat(home, "connect", more=public).returncode == 0
        assert connect(home).returncode == 5
