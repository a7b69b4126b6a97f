"""A certificate for one's own key: what is sent, and what of that which comes back is believed."""

import base64
import os
import stat
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

from securechat.client.certificate_files import Saved, keep, where_to_keep
from securechat.client.enrolling import EnrolmentError, certified, enrol
from securechat.client.errors import MistakeError, SaveError
from securechat.client.renewing import days_left_if_due, renew_if_due
from securechat.client.servers import SavedServer, SavedServers
from securechat.pki import Authority, CertificateInfo, Issued, Purpose, account_uri, make_request, new_key
from securechat.pki.certificate import spki_fingerprint
from securechat.tls.contexts import client_context
from tests.client.clients import connected
from tests.client.enrolment import Answer, Enroller, client_authority, signing
from tests.client.support import LIMIT, OLD, Peer, Recorder

NOW = datetime.now(UTC)


@pytest.fixture
def peer(certs: Path) -> Iterator[Peer]:
    with Peer(certs / "server.pem") as peer:
        yield peer


@pytest.fixture
def authority(certs: Path) -> Authority:
    return client_authority(certs)


def der(*certificates: x509.Certificate) -> list[bytes]:
    return [certificate.public_bytes(Encoding.DER) for certificate in certificates]


def received(peer: Peer) -> bytes:
    """All that was sent to a server."""
    messages = []
    while not peer.received.empty():
        messages.append(peer.received.get().encode())
    return b"".join(messages)


@pytest.mark.parametrize("account", ["alice", "Alice"])
def test_a_key_is_certified(peer: Peer, ca: Path, authority: Authority, account: str) -> None:
    peer.rules["CERT"] = Enroller(signing(authority))
    with connected(peer, ca, Recorder()) as client:
        issued = enrol(client, account)
    assert issued.authority == authority.certificate
    info = CertificateInfo.of(issued.certificate)
    assert (info.account, info.spki_fingerprint) == ("alice", spki_fingerprint(issued.key.public_key()))


def test_the_key_stays_here(peer: Peer, ca: Path, authority: Authority) -> None:
    """Neither the number that it is, nor any of its forms, is in what is sent: as it is, or in Base64 in pieces."""
    peer.rules["CERT"] = enroller = Enroller(signing(authority))
    with connected(peer, ca, Recorder()) as client:
        issued = enrol(client, "alice")
    secret = issued.key.private_numbers().private_value.to_bytes(32, "big")
    sent = received(peer)
    assert b"CERT ENROLL " in sent
    for form in (secret, secret.hex().encode(), base64.b64encode(secret)[:40], b"PRIVATE"):
        assert form.lower() not in sent.lower()
        assert form not in b"".join(enroller.requests)
    assert secret[::-1] not in b"".join(enroller.requests)


def test_a_server_that_gives_none(peer: Peer, ca: Path) -> None:
    with connected(peer, ca, Recorder()) as client:
        with pytest.raises(EnrolmentError, match="this server does not know CERT"):
            enrol(client, "alice")
        peer.rules["CERT"] = lambda *_: [":s FAIL CERT ENROLMENT_UNAVAILABLE :There is no authority \x1b[2J here"]
        with pytest.raises(EnrolmentError, match=r"^There is no authority ␛\[2J here$"):
            enrol(client, "alice")
        peer.rules["CERT"] = lambda *_: [":s FAIL CERT ENROLMENT_UNAVAILABLE :"]
        with pytest.raises(EnrolmentError, match="does not say why"):
            enrol(client, "alice")


def test_an_old_server(certs: Path, ca: Path) -> None:
    with (
        Peer(certs / "server.pem", OLD) as old,
        connected(old, ca, Recorder()) as client,
        pytest.raises(EnrolmentError, match="this server does not know CERT"),
    ):
        enrol(client, "alice")


def another_key(authority: Authority) -> Answer:
    return lambda _: signing(authority)(make_request(new_key(), "alice"))


def another_account(authority: Authority) -> Answer:
    return signing(authority, "bob")


def another_authority(authority: Authority) -> Answer:
    other = Authority.create(Purpose.CLIENTS, now=datetime.now(UTC))
    return lambda request: [signing(authority)(request)[0], *der(other.certificate)]


def nobody_in_it(authority: Authority) -> Answer:
    return lambda request: der(built(authority, request, san=False), authority.certificate)


def two_accounts(authority: Authority) -> Answer:
    return lambda request: der(built(authority, request, "alice", "bob"), authority.certificate)


def for_servers(authority: Authority) -> Answer:
    usage = ExtendedKeyUsageOID.SERVER_AUTH
    return lambda request: der(built(authority, request, usage=usage), authority.certificate)


def for_anything(authority: Authority) -> Answer:
    return lambda request: der(built(authority, request, usage=None), authority.certificate)


def an_authority(authority: Authority) -> Answer:
    return lambda request: der(built(authority, request, ca=True), authority.certificate)


def signed_by_no_authority(authority: Authority) -> Answer:
    issued = authority.issue_client("alice", now=datetime.now(UTC))
    person = replace(authority, certificate=issued.certificate, key=issued.key)
    return lambda request: der(built(person, request), issued.certificate)


def expired(authority: Authority) -> Answer:
    return lambda request: der(built(authority, request, ended=True), authority.certificate)


def alone(authority: Authority) -> Answer:
    return lambda request: signing(authority)(request)[:1]


def with_more(authority: Authority) -> Answer:
    return lambda request: [*signing(authority)(request), b"more"]


def nonsense(authority: Authority) -> Answer:
    return lambda _: [b"\x30\x03\x02\x01\x00", b""]


def nothing(authority: Authority) -> Answer:
    return lambda _: []


def built(
    authority: Authority,
    request: x509.CertificateSigningRequest,
    *accounts: str,
    usage: x509.ObjectIdentifier | None = ExtendedKeyUsageOID.CLIENT_AUTH,
    san: bool = True,
    ca: bool = False,
    ended: bool = False,
) -> x509.Certificate:
    """A certificate such as no authority of ours makes."""
    builder = (
        x509.CertificateBuilder()
        .subject_name(request.subject)
        .issuer_name(authority.certificate.subject)
        .public_key(request.public_key())
        .serial_number(1)
        .not_valid_before(NOW - timedelta(days=2))
        .not_valid_after(NOW + timedelta(days=-1 if ended else 1))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
    )
    if san:
        uris = [x509.UniformResourceIdentifier(account_uri(account)) for account in accounts or ("alice",)]
        builder = builder.add_extension(x509.SubjectAlternativeName(uris), critical=False)
    if usage is not None:
        builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
    return builder.sign(authority.key, hashes.SHA256())


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (another_key, "it is for another key"),
        (another_account, "it is for another account than alice"),
        (nobody_in_it, "it is for another account than alice"),
        (two_accounts, "it is for another account than alice"),
        (another_authority, "not signed by the authority"),
        (for_servers, "it is not for logging in"),
        (for_anything, "not well-formed"),
        (an_authority, "it is not that of a person"),
        (signed_by_no_authority, "it is not that of a person"),
        (expired, "it is not valid at this time"),
        (alone, "not well-formed"),
        (with_more, "not well-formed"),
        (nonsense, "not well-formed"),
        (nothing, "not well-formed"),
    ],
)
def test_what_is_not_believed(peer: Peer, ca: Path, authority: Authority, answer: object, why: str) -> None:
    assert callable(answer)
    peer.rules["CERT"] = Enroller(answer(authority))
    with connected(peer, ca, Recorder()) as client, pytest.raises(EnrolmentError, match=why):
        enrol(client, "alice")


def test_what_these_have_in_common_would_be_believed(authority: Authority) -> None:
    """Else the test above could not fail."""
    key = new_key()
    things = der(built(authority, make_request(key, "alice")), authority.certificate)
    assert certified(key, "alice", things, datetime.now(UTC)).key is key


@pytest.mark.parametrize(
    "lines",
    [
        ["ENROLLED !", "END ENROLLED"],
        ["ENROLLED " + "A" * 400] * 60 + ["END ENROLLED"],
        ["ENROLLED YQ=="] * 40 + ["END ENROLLED"],
        ["ENROLLED YQ==", "AUTHORITY YQ==", "END ENROLLED"],
        ["ENROLLED YQ==", "END AUTHORITY"],
        ["END ENROLLED"],
        ["ENROLLED"],
    ],
)
def test_a_server_that_can_t_count(peer: Peer, ca: Path, lines: Sequence[str]) -> None:
    peer.rules["CERT"] = lambda *_: [f":test.example CERT {line}" for line in lines]
    with connected(peer, ca, Recorder()) as client:
        with pytest.raises(EnrolmentError, match="not well-formed"):
            enrol(client, "alice")
        asked = client.ask("CERT", "AUTHORITY")
        assert asked.things == ()


def test_what_comes_for_others_than_this_is_there_too(peer: Peer, ca: Path) -> None:
    peer.rules["CERT"] = lambda *_: [":s CERT AUTHORITY YQ==", ":s CERT AUTHORITY YmM=", ":s CERT END AUTHORITY"]
    with connected(peer, ca, Recorder()) as client:
        assert client.ask("CERT", "AUTHORITY").things == (b"a", b"bc")


# -- keeping it -------------------------------------------------------------------------------------------------------


@pytest.fixture
def issued(authority: Authority) -> Issued:
    return authority.issue_client("alice", now=datetime.now(UTC), days=30)


@pytest.fixture
def servers(tmp_path: Path) -> SavedServers:
    servers = SavedServers(tmp_path / "servers")
    servers.put(SavedServer("test", "localhost", 6697, "alice", "system"), None)
    return servers


def test_in_a_file_of_one_s_own(issued: Issued, tmp_path: Path, ca: Path) -> None:
    file = tmp_path / "alice.pem"
    old = os.umask(0)
    try:
        sentences = keep(issued, where_to_keep(file, None))
    finally:
        os.umask(old)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert sum(str(file) in sentence for sentence in sentences) == 3  # ours, irssi's and WeeChat's
    assert "for alice, until " in sentences[0]
    client_context(ca, file)  # which takes it as it is
    with pytest.raises(MistakeError, match="is there already"):
        where_to_keep(file, None)


def test_with_the_saved_server(issued: Issued, servers: SavedServers, ca: Path) -> None:
    saved = servers, servers.load("test")
    assert where_to_keep(None, saved) == saved
    sentences = keep(issued, saved)
    server = servers.load("test")
    file = servers.certificate_file(server)
    assert file is not None
    assert file.read_bytes() == issued.pem()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert "`securechat connect`" in sentences[1]
    client_context(ca, file)


def test_where_it_can_t_be_kept(issued: Issued, servers: SavedServers, tmp_path: Path) -> None:
    with pytest.raises(MistakeError, match="name a file"):
        where_to_keep(None, None)
    with pytest.raises(MistakeError, match="no directory"):
        where_to_keep(tmp_path / "none" / "alice.pem", None)
    with pytest.raises(SaveError):
        keep(issued, tmp_path / "none" / "alice.pem")
    saved = servers, servers.load("test")
    servers.remove("test")
    with pytest.raises(MistakeError):
        keep(issued, saved)


# -- renewing it ------------------------------------------------------------------------------------------------------


@pytest.fixture
def kept(authority: Authority, servers: SavedServers) -> Callable[[int], Saved]:
    """A saved server with a certificate of 30 days that was made so many days ago."""

    def keep_one(days: int) -> Saved:
        issued = authority.issue_client("alice", now=datetime.now(UTC) - timedelta(days=days), days=30)
        keep(issued, (servers, servers.load("test")))
        return servers, servers.load("test")

    # The tests' authority is as old as the tests.
    authority = Authority.create(Purpose.CLIENTS, now=datetime.now(UTC) - timedelta(days=100))
    return keep_one


@pytest.mark.parametrize(("days", "left"), [(0, None), (19, None), (21, 8), (29, 0), (31, -2)])
def test_when_it_is_time(kept: Callable[[int], Saved], days: int, left: int | None) -> None:
    servers, server = kept(days)
    file = servers.certificate_file(server)
    assert file is not None
    assert days_left_if_due(file, "ALICE", datetime.now(UTC)) == left
    assert days_left_if_due(file, "bob", datetime.now(UTC)) is None
    certificate = file.read_text().partition("-----BEGIN CERTIFICATE")[0]
    file.write_text(certificate)
    assert days_left_if_due(file, "alice", datetime.now(UTC)) is None
    file.unlink()
    assert days_left_if_due(file, "alice", datetime.now(UTC)) is None


def test_one_that_is_somebody_s_own_is_not_renewed(kept: Callable[[int], Saved]) -> None:
    servers, server = kept(29)
    file = servers.certificate_file(server)
    assert file is not None
    first = x509.load_pem_x509_certificates(file.read_bytes())[0]
    file.write_bytes(first.public_bytes(Encoding.PEM))  # without a chain
    assert days_left_if_due(file, "alice", datetime.now(UTC)) is None


def test_it_is_renewed(peer: Peer, ca: Path, authority: Authority, kept: Callable[[int], Saved]) -> None:
    peer.rules["CERT"] = Enroller(signing(authority))
    servers, server = kept(25)
    file = servers.certificate_file(server)
    assert file is not None
    before = file.read_bytes()
    told: list[str] = []
    with connected(peer, ca, Recorder()) as client:
        thread = renew_if_due(client, (servers, server), told.append)
        assert thread is not None
        thread.join(LIMIT)
        assert file.read_bytes() != before
        client_context(ca, file)
        assert told == [f"your certificate for test is renewed, until {NOW.astimezone() + timedelta(days=30):%Y-%m-%d}"]
        assert renew_if_due(client, (servers, server), told.append) is None
        assert renew_if_due(client, None, told.append) is None


@pytest.mark.parametrize(("days", "told"), [(21, 1), (31, 1), (-60, 0)])
def test_a_server_that_renews_nothing_is_told_of_when_it_is_urgent(
    peer: Peer, ca: Path, authority: Authority, servers: SavedServers, days: int, told: int
) -> None:
    old = Authority.create(Purpose.CLIENTS, now=datetime.now(UTC) - timedelta(days=1000))
    lifetime = 30 if days > 0 else 365
    issued = old.issue_client(
        "alice", now=datetime.now(UTC) - timedelta(days=days if days > 0 else 365 + days), days=lifetime
    )
    keep(issued, (servers, servers.load("test")))
    found: list[str] = []
    with connected(peer, ca, Recorder()) as client:
        thread = renew_if_due(client, (servers, servers.load("test")), found.append)
        assert thread is not None
        thread.join(LIMIT)
    assert len(found) == told
    assert all(line.endswith("could not be renewed: this server does not know CERT") for line in found)
