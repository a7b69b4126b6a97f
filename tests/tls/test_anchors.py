"""Clients' certificates in the handshake: what OpenSSL lets through, also while more is being trusted."""

import ssl
import threading
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from securechat.pki import Authority, Purpose
from securechat.tls.contexts import add_anchor, ask_clients, client_context, server_context
from securechat.tls.errors import AnchorRefused
from tests.pki.handshake import Pair
from tests.pki.papers import CLIENT, DAY, NOW, SERVER, Paper, paper
from tests.tls.support import Worker

SERVERS = Authority.create(Purpose.SERVERS, now=NOW)
CLIENTS = Authority.create(Purpose.CLIENTS, now=NOW)
AUTHORITY = CLIENTS.certificate.public_bytes(Encoding.DER)


@pytest.fixture
def server_pem(tmp_path: Path) -> Path:
    path = tmp_path / "server.pem"
    SERVERS.issue_server(["localhost"], now=NOW).save(path)
    (tmp_path / "ca.pem").write_bytes(SERVERS.certificate.public_bytes(Encoding.PEM))
    return path


def asking(server_pem: Path, *anchors: bytes) -> ssl.SSLContext:
    context = server_context(server_pem)
    ask_clients(context, anchors)
    return context


def showing(server_pem: Path, *chain: Paper | Authority) -> ssl.SSLContext:
    """A client's context with a certificate, and what leads to its authority."""
    context = client_context(server_pem.with_name("ca.pem"))
    if chain:
        first, *others = chain
        assert isinstance(first, Paper)
        context.load_cert_chain(first.save(server_pem.with_name(f"{first.fingerprint}.pem"), *others))
    return context


def shown(server: ssl.SSLContext, client: ssl.SSLContext) -> bytes | None:
    """What the server knows of the client when the handshake is done."""
    pair = Pair(server, client)
    pair.shake()
    pair.exchange()
    return pair.server.getpeercert(binary_form=True)


def refused(server: ssl.SSLContext, client: ssl.SSLContext) -> str:
    """What the server has against the client's certificate."""
    _, error = Pair(server, client).attempt()
    assert isinstance(error, ssl.SSLCertVerificationError)
    return error.verify_message


def test_who_is_not_asked_shows_none(server_pem: Path) -> None:
    own = paper()
    assert shown(server_context(server_pem), showing(server_pem, own)) is None


def test_who_has_none_comes_all_the_same(server_pem: Path) -> None:
    assert shown(asking(server_pem, AUTHORITY), showing(server_pem)) is None


def test_what_the_authority_signed(server_pem: Path) -> None:
    alice = paper("alice", by=CLIENTS, accounts=["alice"], usage=CLIENT)
    assert shown(asking(server_pem, AUTHORITY), showing(server_pem, alice)) == alice.der
    assert shown(asking(server_pem, AUTHORITY), showing(server_pem, alice, CLIENTS)) == alice.der


@pytest.mark.parametrize("ca", [True, False, None])
def test_an_anchor_of_ones_own(server_pem: Path, ca: bool | None) -> None:
    own = paper(ca=ca)
    server, client = asking(server_pem, AUTHORITY), showing(server_pem, own)
    assert refused(server, client) in ("self-signed certificate", "self signed certificate")
    add_anchor(server, own.der)
    assert shown(server, client) == own.der
    add_anchor(server, own.der)  # which is there already
    assert shown(server, client) == own.der


def test_an_anchor_that_another_signed(server_pem: Path) -> None:
    """Whose authority we don't know."""
    theirs = paper("somebody's authority", ca=True)
    leaf = paper("leaf", by=theirs)
    assert shown(asking(server_pem, leaf.der), showing(server_pem, leaf)) == leaf.der
    assert shown(asking(server_pem, leaf.der), showing(server_pem, leaf, theirs)) == leaf.der


def test_many_of_the_same_name(server_pem: Path) -> None:
    """As whoever follows the same guide has."""
    owns = [paper("irssi", ca=True) for _ in range(5)]
    server = asking(server_pem, AUTHORITY, *(own.der for own in owns))
    for own in owns:
        assert shown(server, showing(server_pem, own)) == own.der


def test_the_time_is_not_looked_at(server_pem: Path) -> None:
    for begin, end in ((NOW - 9 * DAY, NOW - DAY), (NOW + DAY, NOW + 9 * DAY)):
        own = paper(begin=begin, end=end)
        assert shown(asking(server_pem, own.der), showing(server_pem, own)) == own.der
        alice = paper("alice", by=CLIENTS, begin=begin, end=end)
        assert shown(asking(server_pem, AUTHORITY), showing(server_pem, alice)) == alice.der


def test_what_is_not_for_clients(server_pem: Path) -> None:
    own = paper(usage=SERVER)
    assert "purpose" in refused(asking(server_pem, own.der), showing(server_pem, own))


def test_what_the_authority_of_servers_signed(server_pem: Path) -> None:
    other = paper("alice", by=SERVERS, usage=CLIENT)
    assert refused(asking(server_pem, AUTHORITY), showing(server_pem, other))


def test_what_an_anchor_signed_gets_through(server_pem: Path) -> None:
    """So a handshake proves nothing of a name: see securechat.server.identity."""
    mallory = paper("mallory", ca=True)
    false = paper("alice", by=mallory, accounts=["alice"], usage=CLIENT)
    assert shown(asking(server_pem, AUTHORITY, mallory.der), showing(server_pem, false, mallory)) == false.der


@pytest.mark.parametrize("der", [b"", b"\x30\x00", AUTHORITY[:-1]])
def test_what_openssl_can_not_read(der: bytes) -> None:
    with pytest.raises(AnchorRefused):
        add_anchor(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), der)


def test_anchors_are_added_while_others_shake_hands(server_pem: Path) -> None:
    """And those that came before are found as well as those that came since."""
    own, alice = paper("irssi", ca=True), paper("alice", by=CLIENTS, usage=CLIENT)
    server = asking(server_pem, AUTHORITY, own.der)
    clients = [(showing(server_pem, one), one.der) for one in (own, alice)] * 2
    more = [paper("irssi", ca=True) for _ in range(150)]
    done = threading.Event()

    def shake(client: ssl.SSLContext, der: bytes) -> int:
        times = 0
        while not done.is_set() or not times:
            assert shown(server, client) == der
            times += 1
        return times

    workers = [Worker(shake, client, der) for client, der in clients]
    try:
        for one in more:
            add_anchor(server, one.der)
            assert shown(server, showing(server_pem, one)) == one.der
    finally:
        done.set()
    assert all(worker.result() > 0 for worker in workers)
