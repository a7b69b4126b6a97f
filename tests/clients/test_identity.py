"""irssi, WeeChat and a bot prove who they are: with certificates, with SCRAM, and the first time with an invitation."""

import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509

from securechat.irc.links import JoinLink
from securechat.pki import CertificateInfo, make_development_certs
from tests.cli.commands import securechat
from tests.clients.bot import bot
from tests.clients.conftest import CONFIG
from tests.clients.documented import addresses, block
from tests.clients.programs import STATUS, IrcClient, WeeChat
from tests.clients.tmux import Tmux
from tests.e2e.servers import LIMIT, Place, Server, running

pytestmark = pytest.mark.clients

NEW = "a whole new horse"
MISSING = (
    "This server wants a client certificate, and yours shows none: get one from whoever runs it, and have your client "
    "show it (securechat connect --cert FILE)"
)
REVOKED = "Your certificate was revoked"
INVITED = "You have been invited. Choose a password, and type: /quote REGISTER * * :the password"
USED = "The invitation has been used up: ask for another"
REPLIES = r"-!- NOTE |-!- REGISTER SUCCESS |command \"REGISTER\" not found: .* REGISTER SUCCESS "
"""What they have no words of their own for."""


@pytest.fixture
def certs(tmp_path: Path) -> Path:
    """Authorities of this test's own: it issues and revokes."""
    directory = tmp_path / "certs"
    make_development_certs(directory, machine="localhost")
    return directory


@pytest.fixture
def strict(programs: None, place: Place) -> Iterator[Server]:
    """A server on which nobody is without a certificate."""
    with running(place, "--client-cert", "required", config=CONFIG) as one:
        yield one


def issued(place: Place, user: str) -> Path:
    """A certificate, as whoever runs the server makes it."""
    done = securechat(place.home, "certs", "issue", user, "--out", place.certs)
    assert done.returncode == 0, done.stderr
    return place.certs / "clients" / f"{user}.pem"


def made_by_oneself(user: str, directory: Path) -> tuple[Path, list[str]]:
    """A certificate that nobody knows, and what is to be typed to have it registered."""
    values = {"alice": user, "/path/to": str(directory)}
    command = block("A certificate of your own", values)
    done = subprocess.run(["sh", "-euc", command], capture_output=True, text=True, timeout=LIMIT, check=False)
    assert done.returncode == 0, done.stderr
    pem = directory / f"{user}.pem"
    assert pem.stat().st_mode & 0o777 == 0o600
    return pem, done.stdout.splitlines()


def fingerprint(pem: Path) -> str:
    return CertificateInfo.of(x509.load_pem_x509_certificates(pem.read_bytes())[0]).fingerprint


def with_certificate(kind: type[IrcClient], server: Server, user: str, pem: Path) -> list[str]:
    """What is typed."""
    values = {**addresses(server, user, server.place.ca), "/path/to/alice.pem": str(pem)}
    return block(f"{kind.name} with a certificate", values).splitlines()


def certified(kind: type[IrcClient], tmux: Tmux, server: Server, user: str, home: Path, pem: Path) -> IrcClient:
    """A client that shows a certificate, and was told to connect."""
    return kind(tmux, server, user, home, typed=with_certificate(kind, server, user, pem))


def logged_in(client: IrcClient, server: Server, how: str) -> None:
    """Wait until it is on the chat, by that mechanism."""
    server.logged("login", account=client.user, how=how)
    client.look_at("#lobby")
    client.look_at(STATUS)
    client.sees("logged_in", nick=client.user)
    client.pane.expect("SASL authentication (?:succeeded|successful)")


def nobody_logged_in(server: Server) -> None:
    assert not [event for event in server.events if event["event"] == "login"]


# -- certificates -----------------------------------------------------------------------------------------------------


def test_logs_in_with_a_certificate_that_it_was_given(
    kind: type[IrcClient], strict: Server, tmux: Tmux, tmp_path: Path
) -> None:
    pem = issued(strict.place, "bob")
    bob = certified(kind, tmux, strict, "bob", tmp_path / "bob", pem)
    logged_in(bob, strict, "EXTERNAL")
    bob.say("/whois bob")
    bob.sees("account", nick="bob")
    bob.sees("fingerprint", nick="bob", fingerprint=fingerprint(pem))
    bob.review()
    bob.leave("")


def test_logs_in_with_one_of_its_own(kind: type[IrcClient], strict: Server, tmux: Tmux, tmp_path: Path) -> None:
    """It is registered with a client that has got in otherwise, and taken back with one that uses it."""
    own, lines = made_by_oneself("bob", tmp_path)
    digits = fingerprint(own)
    stranger = certified(kind, tmux, strict, "bob", tmp_path / "stranger", own)
    if stranger.name == "WeeChat":
        stranger.look_at(STATUS)
    stranger.sees("refused_certificate")
    strict.logged("handshake failed")
    stranger.leave("")
    nobody_logged_in(strict)

    before = certified(kind, tmux, strict, "bob", tmp_path / "before", issued(strict.place, "bob"))
    logged_in(before, strict, "EXTERNAL")
    before.told(lines)
    words = "This certificate logs you in from now on"
    before.sees("replied", kind="NOTE", command="CERT", context=f"ADDED {digits}", text=words)
    before.review(REPLIES)
    before.leave("")
    strict.logged("disconnected", nick="bob")

    bob = certified(kind, tmux, strict, "bob", tmp_path / "bob", own)
    bob.look_at("#lobby")
    bob.look_at(STATUS)
    bob.sees("logged_in", nick="bob")
    bob.say("/whois bob")
    bob.sees("fingerprint", nick="bob", fingerprint=digits)
    bob.say(f"/quote CERT DEL {digits[:8]}")
    bob.pane.expect(f"CERT.*REMOVED {digits}")
    bob.leave("")
    after = certified(kind, tmux, strict, "bob", tmp_path / "after", own)
    if after.name == "WeeChat":
        after.look_at(STATUS)
    after.sees("refused_password")
    after.leave("")


def test_is_told_that_it_needs_a_certificate(kind: type[IrcClient], strict: Server, tmux: Tmux, tmp_path: Path) -> None:
    bob = kind(tmux, strict, "bob", tmp_path / "bob")
    if bob.name == "WeeChat":
        bob.look_at(STATUS)
    bob.sees("closed", reason=MISSING)
    assert MISSING in block("Servers that want a certificate", {})
    bob.leave("")
    nobody_logged_in(strict)


def test_is_told_that_its_certificate_was_revoked(
    kind: type[IrcClient], strict: Server, tmux: Tmux, tmp_path: Path
) -> None:
    pem = issued(strict.place, "bob")
    bob = certified(kind, tmux, strict, "bob", tmp_path / "bob", pem)
    logged_in(bob, strict, "EXTERNAL")
    done = securechat(strict.place.home, "certs", "revoke", "bob", "--out", strict.place.certs)
    assert done.returncode == 0, done.stderr
    strict.process.send_signal(signal.SIGHUP)
    bob.sees("closed", reason=REVOKED)
    strict.logged("disconnected", nick="bob", why=REVOKED)
    strict.logged("certificate refused", why=REVOKED)  # it has come again
    bob.leave("")
    again = certified(kind, tmux, strict, "bob", tmp_path / "again", pem)
    if again.name == "WeeChat":
        again.look_at(STATUS)
    again.sees("closed", reason=REVOKED)
    again.leave("")
    assert len([event for event in strict.events if event["event"] == "login"]) == 1


def test_a_bot_logs_in_with_a_certificate(strict: Server, tmp_path: Path) -> None:
    with bot(strict, "judy", tmp_path / "judy", certificate=issued(strict.place, "judy")) as judy:
        judy.log.expect("SASL authentication successful")
        judy.log.expect("Join to #lobby on securechat synced")
        strict.logged("login", account="judy", how="EXTERNAL")
        assert judy.stop() == 0


# -- SCRAM ------------------------------------------------------------------------------------------------------------


def test_logs_in_with_scram(place: Place, tmux: Tmux, tmp_path: Path) -> None:
    with running(place, config=f"{CONFIG}[accounts]\nscram = true\n") as server:
        done = securechat(
            place.home, "user", "passwd", "bob", "--password-stdin", "--data", place.data.path, stdin=f"{NEW}\n"
        )
        assert done.returncode == 0, done.stderr
        bob = WeeChat(tmux, server, "bob", tmp_path / "bob", password=NEW)
        logged_in(bob, server, "PLAIN")
        bob.told(block("WeeChat with SCRAM", {}).splitlines())
        server.logged("login", account="bob", how="SCRAM-SHA-256")
        bob.look_at("#lobby")
        bob.say("ganz ohne Passwort 🔑")
        bob.sees("said", nick="bob", text="ganz ohne Passwort 🔑")
        bob.review(r"=!= \| irc: (?:disconnect|reading)")
        bob.leave("")
        lines = block("WeeChat with SCRAM", {}).splitlines()
        wrong = WeeChat(tmux, server, "bob", tmp_path / "wrong", password="wrong horse")
        wrong.told(lines)
        wrong.look_at(STATUS)
        wrong.sees("refused_password")
        server.logged("login failed", account="bob", how="SCRAM-SHA-256")
        wrong.leave("")


# -- invitations ------------------------------------------------------------------------------------------------------


def invitation(server: Server, *options: str) -> JoinLink:
    place = server.place
    done = securechat(
        place.home, "invite", *options, "--data", place.data.path, "--host", "localhost", "--port", str(server.port),
        "--ca", place.ca,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return JoinLink.parse(done.stdout.strip())


def by_invitation(kind: type[IrcClient], server: Server, user: str, link: JoinLink) -> tuple[list[str], list[str]]:
    """What is typed first, and what then."""
    section = f"{kind.name}, by invitation"
    first = block(section, {**addresses(server, user, server.place.ca), "CODE": link.code})
    return first.splitlines(), block(section, {"alice": user, "correct horse": NEW}, 1).splitlines()


def test_comes_by_invitation(kind: type[IrcClient], server: Server, tmux: Tmux, tmp_path: Path) -> None:
    link = invitation(server)
    first, then = by_invitation(kind, server, "nora", link)
    nora = kind(tmux, server, "nora", tmp_path / "nora", typed=first)
    if nora.name == "WeeChat":
        nora.look_at(STATUS)
    nora.sees("notice", text=INVITED)
    nora.told(then)
    server.logged("invitation used", account="nora")
    nora.look_at("#lobby")
    nora.look_at(STATUS)
    nora.sees("logged_in", nick="nora")
    nora.review(REPLIES)
    nora.look_at(STATUS)
    nora.disconnect()
    server.logged("disconnected", nick="nora")

    # The code is used up, and still what the client gives as the password of the server.
    nora.say(first[-1])
    logged_in(nora, server, "PLAIN")
    nora.look_at("#lobby")
    nora.say("wieder da 🎈")
    nora.sees("said", nick="nora", text="wieder da 🎈")
    nora.leave("")

    late = kind(tmux, server, "late", tmp_path / "late", typed=by_invitation(kind, server, "late", link)[0])
    if late.name == "WeeChat":
        late.look_at(STATUS)
    late.sees("replied", kind="FAIL", command="REGISTER", context="USED_CODE late", text=USED)
    late.leave("")


def test_the_link_tells_which_authority_it_is(server: Server) -> None:
    link = invitation(server)
    command = block("By invitation", {"/path/to/ca.pem": str(server.place.ca)})
    done = subprocess.run(["sh", "-euc", command], capture_output=True, text=True, timeout=LIMIT, check=True)
    assert done.stdout.split()[0] == link.fingerprint
