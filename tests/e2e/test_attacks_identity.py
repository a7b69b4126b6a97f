"""Who says to be somebody else, with a certificate; and who is no longer what they were: disabled, removed, revoked."""

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from securechat.irc.pieces import pieces
from securechat.pki import Authority, Purpose, account_uri, make_development_certs
from tests.cli.commands import securechat
from tests.e2e.connects import connect, connected
from tests.e2e.servers import PASSWORD, UNHURRIED, MakePlace, Place, Server, running
from tests.e2e.wires import Chatter, Ended, Wire, login_lines
from tests.pki.papers import CLIENT, Paper, paper

NOW = datetime.now(UTC)


@pytest.fixture
def place(make_place: MakePlace, tmp_path: Path) -> Place:
    """One with authorities of its own."""
    make_development_certs(tmp_path / "certs", machine="localhost", clients=["alice", "zed"])
    return Place(make_place().home, tmp_path / "certs")


def clients(place: Place) -> Authority:
    return Authority.load(place.certs, Purpose.CLIENTS, now=datetime.now(UTC))


def of(place: Place, name: str) -> Path:
    return place.certs / "clients" / f"{name}.pem"


def user(place: Place, *arguments: str, stdin: str = "") -> None:
    done = securechat(place.home, "user", *arguments, "--data", place.data.path, stdin=stdin)
    assert done.returncode == 0, done.stderr


def external(server: Server, certificate: Path | None) -> str:
    """As whom EXTERNAL logs in: the account; empty: as nobody; ``alert``: TLS ended."""
    try:
        with Wire(server, certificate=certificate) as wire:
            wire.send("CAP LS 302", "CAP REQ :sasl", "AUTHENTICATE EXTERNAL", "AUTHENTICATE +")
            while (message := wire.message()).command not in ("900", "904", "ERROR"):
                pass
            if message.command == "ERROR":
                wire.to_end()
            return message.params[2] if message.command == "900" else ""
    except (Ended, OSError):
        return "alert"


def register(chatter: Chatter, own: Paper) -> list[str]:
    """CERT ADD; what it says."""
    chatter.send(*(f"CERT ADD {piece}" for piece in pieces(own.der)))
    while (message := chatter.message()).params[:1] != ["CERT"]:
        pass
    return [message.command, message.params[1]]


ALICE = account_uri("alice")
SPELLINGS: dict[str, list[str]] = {
    "in capitals": ["securechat:account:ALICE"],
    "with one capital": ["securechat:account:Alice"],
    "the scheme in capitals": ["SECURECHAT:account:alice"],
    "percent-encoded": ["securechat:account:%61lice"],
    "percent-encoded twice": ["securechat:account:%2561lice"],
    "with a NUL": ["securechat:account:alice%00"],
    "with a NUL and more": ["securechat:account:alice%00.example.org"],
    "with a space": ["securechat:account:alice%20"],
    "with a slash": ["securechat:account:alice/"],
    "with a query": ["securechat:account:alice?x"],
    "with a device": ["securechat:account:alice@phone"],
    "another scheme": ["https://alice", "xmpp:alice@localhost"],
    "two accounts": [ALICE, account_uri("bob")],
    "the same account twice": [ALICE, ALICE],
    "only in the common name": [],
}


def test_the_name_of_somebody_else(place: Place, tmp_path: Path) -> None:
    """In certificates of all those who can sign what the server's TLS believes, or might."""
    with ExitStack() as stack:
        server = stack.enter_context(running(place))
        bob = stack.enter_context(Chatter(server, "bob"))

        def shown_as(certificate: Paper, *chain: Paper | Authority) -> str:
            return external(server, certificate.save(tmp_path / "shown.pem", *chain))

        # What is right, or nothing of what follows would mean anything.
        assert external(server, of(place, "alice")) == "alice"
        assert shown_as(paper("x", by=clients(place), uris=[ALICE], usage=CLIENT)) == "alice"
        # Spelt otherwise, by the authority itself.
        for what, uris in SPELLINGS.items():
            assert shown_as(paper("alice", by=clients(place), uris=uris, usage=CLIENT)) == "", what
        # By other authorities: nobody's, that of servers, one of the same name.
        servers = Authority.load(place.certs, Purpose.SERVERS, now=datetime.now(UTC))
        other = Authority.create(Purpose.CLIENTS, now=datetime.now(UTC))
        same = paper("x", by=other, issuer=clients(place).certificate.subject, uris=[ALICE], usage=CLIENT)
        assert shown_as(paper("alice", by=servers, uris=[ALICE], usage=CLIENT), servers) == "alert"
        assert shown_as(paper("alice", by=other, uris=[ALICE], usage=CLIENT), other) == "alert"
        assert shown_as(same, clients(place)) == "alert"
        assert shown_as(paper("alice", uris=[ALICE])) == "alert"  # by itself
        # By one who has a certificate of the authority, and signs with it.
        own = paper("bob", by=clients(place), accounts=["bob"], usage=CLIENT)
        assert shown_as(paper("alice", by=own, uris=[ALICE], usage=CLIENT), own) == "alert"
        # By an authority that bob has registered as his own; and by one beneath it.
        ca = paper("bob's", ca=True, uris=[ALICE])
        assert register(bob, ca) == ["NOTE", "ADDED"]
        beneath = paper("beneath", by=ca, ca=True)
        assert shown_as(paper("alice", by=ca, uris=[ALICE], usage=CLIENT), ca) == ""
        assert shown_as(paper("alice", by=beneath, uris=[ALICE], usage=CLIENT), beneath, ca) == ""
        assert shown_as(ca) == "bob"  # whatever it says
        # Somebody else's: registered as one's own it would have them log in to the wrong account.
        _, _, chain = of(place, "alice").read_bytes().partition(b"END PRIVATE KEY-----")
        theirs = Paper(x509.load_pem_x509_certificate(chain), ca.key)
        assert register(bob, theirs) == ["FAIL", "INVALID_CERTIFICATE"]
        assert register(bob, Paper(clients(place).certificate, ca.key)) == ["FAIL", "INVALID_CERTIFICATE"]
        assert external(server, of(place, "alice")) == "alice"
        assert external(server, None) == ""


def test_a_certificate_of_another_time(place: Place, tmp_path: Path) -> None:
    with running(place) as server:
        for begin, end in ((-3, -1), (1, 3)):
            time = NOW + timedelta(days=begin), NOW + timedelta(days=end)
            stale = paper("alice", by=clients(place), accounts=["alice"], usage=CLIENT, begin=time[0], end=time[1])
            assert external(server, stale.save(tmp_path / "stale.pem")) == ""


def by_password(server: Server, account: str, password: str) -> str:
    """What the last answer to a login is called."""
    with Wire(server) as wire:
        wire.send("CAP LS 302", *login_lines(account, password))
        while (message := wire.message()).command not in ("900", "902", "904"):
            pass
        return message.command


@pytest.fixture
def scram(place: Place) -> Iterator[Server]:
    """A server of which zed, who is made while it runs, has a verifier."""
    with running(place, config=f"{UNHURRIED}[accounts]\nscram = true\n") as server:
        user(place, "add", "zed", "--password-stdin", stdin=f"{PASSWORD}\n")
        yield server


@pytest.mark.parametrize(("command", "reason"), [("disable", "disabled"), ("remove", "removed")])
def test_who_is_put_out_is_out(scram: Server, tmp_path: Path, command: str, reason: str) -> None:
    """However they came, and whatever is remembered: all sessions end, and none of the ways leads in any more."""
    server, place = scram, scram.place
    own = paper("of zed's own", ca=True)
    path = own.save(tmp_path / "own.pem")
    with Chatter(server, "zed") as first:
        assert register(first, own) == ["NOTE", "ADDED"]
    with ExitStack() as stack:
        wires: list[Wire] = [
            stack.enter_context(Chatter(server, "zed")),
            stack.enter_context(Chatter(server, "zed")),  # by what is remembered of the first
        ]
        for file in (of(place, "zed"), path):
            wire = stack.enter_context(Wire(server, certificate=file))
            wire.send("CAP LS 302", "CAP REQ :sasl", "AUTHENTICATE EXTERNAL", "AUTHENTICATE +", "NICK zed")
            wire.send("USER u 0 * :z", "CAP END")
            wire.expect("001", "zed")
            wires.append(wire)
        client = stack.enter_context(connected(server, "zed"))
        assert server.logged("login", account="zed", how="SCRAM-SHA-256")
        user(place, command, "zed")
        for wire in wires:
            assert f"The account was {reason}" in wire.to_end()[-1].params[0]
        assert client.process.wait(20) == 9  # it comes back, and is told
    assert by_password(server, "zed", PASSWORD) == ("902" if command == "disable" else "904")
    assert external(server, of(place, "zed")) == external(server, path) == ""
    assert connect(server, "zed").returncode == 9
    if command == "disable":
        user(place, "enable", "zed")
        assert by_password(server, "zed", PASSWORD) == "900"
        return
    # Somebody else gets the name.
    user(place, "add", "zed", "--password-stdin", stdin="another horse\n")
    assert by_password(server, "zed", PASSWORD) == "904"
    assert external(server, of(place, "zed")) == external(server, path) == ""
    assert connect(server, "zed").returncode == 9
    assert by_password(server, "zed", "another horse") == "900"
    # What was their own can be another's now, and is not zed's.
    with Chatter(server, "bob") as bob:
        assert register(bob, own) == ["NOTE", "ADDED"]
    assert external(server, path) == "bob"


def test_a_revoked_certificate_with_an_open_session(place: Place) -> None:
    with running(place) as server:
        certificate = of(place, "zed")
        user(place, "add", "zed", "--password-stdin", stdin=f"{PASSWORD}\n")
        with connected(server, "zed", "--cert", str(certificate), password="") as client:
            done = securechat(place.home, "certs", "revoke", "zed", "--out", place.certs)
            assert done.returncode == 0, done.stderr
            client.err.expect("revoked")
            assert client.process.wait(20) == 7
        assert external(server, certificate) == ""
        with Chatter(server, "zed"):  # the password is good
            pass


def test_where_certificates_are_required_nobody_becomes_another_by_a_code(place: Place) -> None:
    """Not by one that makes an account, nor by one that resets a password."""
    with running(place, "--client-cert", "required") as server:
        for arguments in (["invite", "--name", "mallory"], ["user", "reset", "bob"]):
            made = securechat(place.home, *arguments, "--data", place.data.path)
            code = made.stdout.split("/")[3].partition("#")[0]
            name = arguments[-1]
            with Wire(server, certificate=of(place, "alice")) as wire:
                wire.send("CAP LS 302", f"PASS invite:{code}", f"NICK {name}", "REGISTER * * :a newt at the zoo 7")
                wire.send("USER u 0 * :r", "CAP END")
                assert not [message for message in wire.sync() if message.command in ("REGISTER", "900", "001")], name
