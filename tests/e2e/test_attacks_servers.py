"""Whoever answers in the place of the server: what the client says to them, which is nothing that they could use.

The attacker has the network: `Tap` leads the address that somebody joined, or has saved, to whom the attacker likes,
and keeps every byte. Each client is a process of its own, with a home of its own. What an attacker may learn is that
somebody asks for an authority's certificate.
"""

import base64
import socket
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from subprocess import CompletedProcess

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from securechat.client.dial import dial
from securechat.irc.links import JoinLink
from securechat.irc.pieces import pieces
from securechat.pki import (
    Authority,
    CertificateInfo,
    Purpose,
    RevocationList,
    make_development_certs,
    revocation_path,
)
from securechat.pki.succession import appoint
from securechat.tls.contexts import client_context
from securechat.tls.errors import HandshakeFailed, TLSError
from securechat.tls.link import LinkBroken
from tests.cli.commands import environment, securechat
from tests.e2e.attackers import CIPHERTEXT, Answer, Tap, forged, impostor, showing, tamperer, tap
from tests.e2e.connects import connected
from tests.e2e.servers import LIMIT, PASSWORD, MakePlace, Place, Server, running
from tests.e2e.wires import Chatter
from tests.forked import Forked
from tests.pki.papers import CLIENT, DAY, Paper

ASKED = b"CERT AUTHORITY\r\n"
"""All that an unverified server may hear."""
NEW = "xyzzy a new horse"
NAME = "zenobia"


@dataclass(frozen=True)
class Scene:
    """A server, the network in front of it, and what the attacker can make."""

    server: Server
    network: Tap
    servers: Authority
    stolen: Paper
    """A certificate of this very server, with its key, that was revoked since."""

    @property
    def fingerprint(self) -> str:
        return CertificateInfo.read(self.server.place.ca).spki_fingerprint


@pytest.fixture(scope="module")
def scene(make_place: MakePlace, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    certs = tmp_path_factory.mktemp("own")
    make_development_certs(certs, machine="localhost")
    servers = Authority.load(certs, Purpose.SERVERS, now=datetime.now(UTC))
    stolen = forged(servers)
    listed = RevocationList.make(servers, now=datetime.now(UTC), serials=[stolen.certificate.serial_number])
    listed.save(revocation_path(certs / "ca.pem"))
    place = Place(make_place().home, certs)
    with running(place) as server, tap(server.port) as network:
        yield Scene(server, network, servers, stolen)


@pytest.fixture
def network(scene: Scene) -> Iterator[Tap]:
    """In the end it leads to the real server again."""
    yield scene.network
    scene.network.lead_to(scene.server.port)


@pytest.fixture(scope="module")
def home(scene: Scene, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """That of alice, who was here before: her client has saved the server, and knows what was revoked."""
    home = tmp_path_factory.mktemp("alice")
    at = ("--host", "localhost", "--port", str(scene.network.port), "--user", "alice")
    done = securechat(home, "connect", *at, "--fingerprint", scene.fingerprint, more={"SECURECHAT_PASSWORD": PASSWORD})
    assert done.returncode == 0, done.stderr
    assert list(home.rglob("ca.crl"))
    return home


def back(home: Path) -> "CompletedProcess[str]":
    """She comes back, with something to say."""
    return securechat(home, "connect", stdin="a secret\n", more={"SECURECHAT_PASSWORD": PASSWORD})


@contextmanager
def process(home: Path, *arguments: str) -> "Iterator[subprocess.Popen[bytes]]":
    """One that runs meanwhile."""
    with Forked(
        [sys.executable, "-m", "securechat", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=home,
        env=environment(home, {"SECURECHAT_PASSWORD": PASSWORD}),
    ) as one:
        try:
            yield one
        finally:
            one.kill()


def luring(*authorities: Authority | x509.Certificate) -> Answer:
    """Say whatever makes a client go on; these are the certificates of the authority."""
    certificates = [one.certificate if isinstance(one, Authority) else one for one in authorities]
    ders = [one.public_bytes(Encoding.DER) for one in certificates]

    def answer(line: str) -> list[str]:
        match line.split():
            case ["CERT", "AUTHORITY"]:
                told = [f":x CERT AUTHORITY {piece}" for der in ders for piece in pieces(der)]
                return [*told, ":x CERT END AUTHORITY"]
            case ["CERT", *_]:
                return [":x FAIL CERT NO_AUTHORITY :None"]
            case ["INVITATION", *_]:
                return [":x NOTE INVITATION VALID * account :It is good"]
            case ["CAP", "LS", *_]:
                return [":x CAP * LS :sasl=PLAIN draft/account-registration=before-connect standard-replies"]
            case ["CAP", "REQ", *caps]:
                return [f":x CAP * ACK {' '.join(caps)}"]
            case ["AUTHENTICATE", "PLAIN"]:
                return ["AUTHENTICATE +"]
        return []

    return answer


# -- who can show a certificate, but not the right one ----------------------------------------------------------------

Forger = Callable[[Scene], tuple[Paper, tuple[Paper | Authority, ...], Answer]]
"""Makes a certificate, the chain that is shown with it, and what the false server answers."""


def good(scene: Scene) -> tuple[Paper, tuple[Paper | Authority, ...], Answer]:
    """With nothing wrong: that one is believed, or the others would show nothing."""
    return forged(scene.servers), (), luring(scene.servers)


def another_authority(_: Scene) -> tuple[Paper, tuple[Paper | Authority, ...], Answer]:
    own = Authority.create(Purpose.SERVERS, now=datetime.now(UTC))
    return forged(own), (own,), luring(own)


def another_authority_of_the_same_name(scene: Scene) -> tuple[Paper, tuple[Paper | Authority, ...], Answer]:
    own = forged(None, ca=True)
    return forged(own, issuer=scene.servers.certificate.subject), (scene.servers,), luring(scene.servers)


def one_that_appoints_itself(scene: Scene) -> tuple[Paper, tuple[Paper | Authority, ...], Answer]:
    """As one that took the other's place, in the other's name and with its own signature."""
    own = Authority.create(Purpose.SERVERS, now=datetime.now(UTC))
    liar = Authority(Purpose.SERVERS, scene.servers.certificate, own.key)
    return forged(own), (own,), luring(own, appoint(liar, own, now=datetime.now(UTC)))


def the_authority_of_clients(scene: Scene) -> tuple[Paper, tuple[Paper | Authority, ...], Answer]:
    """Its key is on the server, and signs every day."""
    clients = Authority.load(scene.server.place.certs, Purpose.CLIENTS, now=datetime.now(UTC))
    return forged(clients), (clients,), luring(scene.servers)


def a_servers_key(scene: Scene) -> tuple[Paper, tuple[Paper | Authority, ...], Answer]:
    """The authority has signed a server, which signs another."""
    elsewhere = forged(scene.servers, host="elsewhere.example", common="elsewhere")
    return forged(elsewhere), (elsewhere,), luring(scene.servers)


def for_a_client(scene: Scene) -> tuple[Paper, tuple[Paper | Authority, ...], Answer]:
    return forged(scene.servers, usage=CLIENT), (), luring(scene.servers)


def another_name(scene: Scene) -> tuple[Paper, tuple[Paper | Authority, ...], Answer]:
    """The common name is the right one, and does not count."""
    return forged(scene.servers, host="elsewhere.example"), (), luring(scene.servers)


def expired(scene: Scene) -> tuple[Paper, tuple[Paper | Authority, ...], Answer]:
    return forged(scene.servers, begin=-3 * DAY, end=-DAY), (), luring(scene.servers)


def revoked(scene: Scene) -> tuple[Paper, tuple[Paper | Authority, ...], Answer]:
    return scene.stolen, (), luring(scene.servers)


SENTENCES = {
    another_authority: (5, "is not signed by the authority that is saved as localhost"),
    another_authority_of_the_same_name: (5, "is not signed by the authority that is saved as localhost"),
    one_that_appoints_itself: (5, "is not signed by the authority that is saved as localhost"),
    the_authority_of_clients: (5, "is not signed by the authority that is saved as localhost"),
    a_servers_key: (8, ""),
    for_a_client: (8, ""),
    another_name: (4, "the server has a certificate, but not for localhost"),
    expired: (6, "has expired"),
    revoked: (6, "was revoked"),
}


@pytest.mark.parametrize("forger", SENTENCES)
def test_a_false_server(scene: Scene, network: Tap, home: Path, tmp_path: Path, forger: Forger) -> None:
    certificate, chain, answer = forger(scene)
    before = {path: path.read_bytes() for path in home.rglob("*") if path.is_file()}
    with impostor(showing(certificate.save(tmp_path / "false.pem", *chain)), answer) as false:
        network.lead_to(false.port)
        done = back(home)
    status, sentence = SENTENCES[forger]
    assert done.returncode == status, done.stderr
    assert sentence in done.stderr
    assert set(map(bytes, false.heard)) <= {b"", ASKED}
    assert {path: path.read_bytes() for path in home.rglob("*") if path.is_file()} == before


def test_a_certificate_that_is_good_would_be_believed(scene: Scene, network: Tap, home: Path, tmp_path: Path) -> None:
    """So what the others are refused for is what is wrong with them, and what they hear is all that they could."""
    certificate, _, answer = good(scene)
    with impostor(showing(certificate.save(tmp_path / "good.pem")), answer) as false:
        network.lead_to(false.port)
        with process(home, "connect") as client:
            false.wait_for(base64.b64encode(f"\0alice\0{PASSWORD}".encode()))
            client.kill()


# -- somebody in between ----------------------------------------------------------------------------------------------


def in_between(scene: Scene, path: Path) -> ssl.SSLContext:
    """With a certificate of their own, as like the real one as can be."""
    own = forged(None, ca=True)
    return showing(forged(own, issuer=scene.servers.certificate.subject).save(path, own))


def test_who_ends_the_encryption_in_between(scene: Scene, network: Tap, home: Path, tmp_path: Path) -> None:
    with impostor(in_between(scene, tmp_path / "false.pem"), upstream=scene.server.port) as between:
        network.lead_to(between.port)
        done = back(home)
        assert done.returncode == 5, done.stderr
        assert "somebody may be in between, so nothing was sent to it" in done.stderr
        assert set(map(bytes, between.heard)) <= {b"", ASKED}
        # With nothing saved, and no authority at hand.
        at = ("--host", "localhost", "--port", str(network.port), "--user", NAME)
        done = securechat(tmp_path, "connect", *at, more={"SECURECHAT_PASSWORD": PASSWORD})
        assert done.returncode == 5, done.stderr
        assert "Nothing was sent to it, no password either." in done.stderr
        assert set(map(bytes, between.heard)) <= {b"", ASKED}
    assert not any(secret in network.raw for secret in (PASSWORD.encode(), NAME.encode(), b"alice"))


def invited(scene: Scene) -> JoinLink:
    """A link that leads over the network."""
    place = scene.server.place
    made = securechat(place.home, "invite", "--port", str(scene.network.port), "--data", place.data.path)
    assert made.returncode == 0, made.stderr
    return JoinLink.parse(made.stdout.strip())


def join(link: JoinLink, home: Path) -> "CompletedProcess[str]":
    """The link comes from a pipe, and what is said behind it."""
    said = f"{link.format()}\na secret\n"
    return securechat(home, "join", "--user", NAME, stdin=said, more={"SECURECHAT_PASSWORD": NEW})


def test_who_is_in_between_when_somebody_joins(scene: Scene, network: Tap, tmp_path: Path) -> None:
    """The first contact is not verified; and all that is said there is a question that everybody asks."""
    link = invited(scene)
    secrets = [secret.encode() for secret in (link.code, NEW, NAME, "a secret")]
    own = Authority.create(Purpose.SERVERS, now=datetime.now(UTC))
    (tmp_path / "home").mkdir()
    home = tmp_path / "home"
    contexts = in_between(scene, tmp_path / "a.pem"), showing(forged(own).save(tmp_path / "b.pem", own))
    with (
        impostor(contexts[0], upstream=scene.server.port) as between,  # hands on the real authority
        impostor(contexts[1], luring(own)) as false,  # gives its own
        impostor(contexts[1], luring(scene.servers)) as mimic,  # gives the real one
    ):
        for attacker in (between, false, mimic):
            network.lead_to(attacker.port)
            done = join(link, home)
            assert done.returncode == 5, done.stderr
            assert "is not the one that the link or fingerprint is from" in done.stderr
            assert ASKED in set(map(bytes, attacker.heard)) <= {b"", ASKED}
    assert not [secret for secret in secrets if secret in network.raw]
    assert not [path for path in home.rglob("*") if path.is_file()]
    network.lead_to(scene.server.port)
    done = join(link, home)  # it is as good as before
    assert done.returncode == 0, done.stderr
    assert not [secret for secret in secrets if secret in network.raw]


# -- an older TLS -----------------------------------------------------------------------------------------------------


def test_a_server_that_knows_only_tls_1_2(scene: Scene, network: Tap, home: Path, tmp_path: Path) -> None:
    """With the best of certificates."""
    context = showing(forged(scene.servers).save(tmp_path / "good.pem"), newest=ssl.TLSVersion.TLSv1_2)
    with impostor(context, luring(scene.servers)) as old:
        network.lead_to(old.port)
        done = back(home)
        assert done.returncode == 8, done.stderr
        assert "TLS 1.3" in done.stderr
        done = join(JoinLink("localhost", network.port, "x" * 22, scene.fingerprint), tmp_path)
        assert done.returncode == 8, done.stderr
    assert old.heard == []


def test_a_client_that_knows_only_tls_1_2(scene: Scene) -> None:
    """Or one whom somebody in between has made so: the server speaks to neither."""
    context = ssl.create_default_context(cafile=str(scene.server.place.ca))
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with (
        socket.create_connection(("127.0.0.1", scene.server.port), LIMIT) as sock,
        pytest.raises(ssl.SSLError, match="ALERT_PROTOCOL_VERSION"),
    ):
        context.wrap_socket(sock, server_hostname="localhost")


def test_a_hello_from_which_tls_1_3_is_struck(scene: Scene) -> None:
    """The client's list of versions (RFC 8446 section 4.2.1) is made unreadable on its way."""

    def strike(back: bool, number: int, record: bytearray) -> bool:
        versions = record.find(b"\x00\x2b\x00\x03\x02\x03\x04")
        if back or number or versions < 0:
            return False
        record[versions : versions + 2] = b"\x7a\x7a"
        return True

    with tamperer(scene.server.port, strike) as between, pytest.raises(HandshakeFailed):
        speak(scene, between.port)
    assert between.changed.is_set()


# -- bytes that are changed -------------------------------------------------------------------------------------------


def speak(scene: Scene, port: int) -> bytes:
    """Connect as our client does, and ask for an answer."""
    link = dial("localhost", port, client_context(scene.server.place.ca), LIMIT)
    try:
        link.send(b"PING x\r\n")
        heard = b""
        while b"PONG" not in heard:
            assert link.wait(LIMIT)
            data = link.receive()
            if data is None:
                raise HandshakeFailed("hung up")
            heard += data
        return heard
    finally:
        link.close(LIMIT)


HEADER_TYPE, HEADER_LENGTH, FIRST, RANDOM, LAST = 0, 4, 5, 11, -1
BACK, FORTH = True, False
PLACES = [
    (FORTH, 0, RANDOM),
    (FORTH, 0, LAST),
    (BACK, 0, FIRST),
    (BACK, 0, RANDOM),
    (BACK, 0, LAST),
    *[(BACK, number, at) for number in range(2, 6) for at in (HEADER_TYPE, HEADER_LENGTH, FIRST, LAST)],
    *[(FORTH, number, at) for number in range(2, 4) for at in (HEADER_TYPE, HEADER_LENGTH, FIRST, LAST)],
]


@pytest.mark.parametrize(("back", "number", "at"), PLACES)
def test_a_bit_of_the_handshake_is_changed(scene: Scene, back: bool, number: int, at: int) -> None:
    """Of the hellos, and of each encrypted record (headers too: RFC 8446 section 5.2): nobody gets an answer."""

    def flip(backwards: bool, position: int, record: bytearray) -> bool:
        if (backwards, position) != (back, number):
            return False
        record[at] ^= 1
        return True

    with tamperer(scene.server.port, flip) as between, pytest.raises((TLSError, LinkBroken)):
        speak(scene, between.port)
    assert between.changed.is_set()


def test_without_that_there_is_an_answer(scene: Scene) -> None:
    with tamperer(scene.server.port) as between:
        assert b"PONG" in speak(scene, between.port)


@pytest.mark.parametrize("back", [BACK, FORTH])
def test_a_bit_of_what_is_said_is_changed(scene: Scene, back: bool) -> None:
    """It is not heard otherwise than it was said, nor twice, nor not at all: the connection ends, and is made again."""

    def flip(backwards: bool, _: int, record: bytearray) -> bool:
        if backwards is not back or record[0] != CIPHERTEXT:
            return False
        record[len(record) // 2] ^= 1
        return True

    server = scene.server
    with (
        tamperer(server.port) as between,
        Chatter(server, "bob", join="#bits") as bob,
        connected(server, "alice", "--port", str(between.port), "--channel", "#bits") as alice,
    ):
        bob.sync()
        between.change = flip
        text = f"pay a hundred {back}"
        if back:
            bob.say("#bits", text)
        else:
            alice.say(text)
            bob.expect("PRIVMSG", "#bits", text)
        alice.err.expect("connected again")
        bob.say("#bits", "the end")
        said: list[str] = []
        while not said or not said[-1].endswith("the end"):
            line = alice.out.next()
            said += [line] if line.startswith("<") else []
        assert between.changed.is_set()
        assert said == ([f"<bob> {text}"] if back else []) + ["<bob> the end"]
        assert bob.sync() == []
        assert alice.leave() == 0
