"""CERT ENROLL: a certificate from the server, for a key that never leaves its machine."""

from dataclasses import replace
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from securechat.chat.requests import SetPassword
from securechat.irc.message import Message
from securechat.pki import Issued, account_uri, make_development_certs, make_request, new_key
from securechat.server.config import Limits
from securechat.server.identity import Identities
from tests.pki.papers import name, paper
from tests.server.certificates import cert, external, supplied, told
from tests.server.wire import Client, House, Opener, plain, running


@pytest.fixture(scope="module")
def certs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of this file's own: what is signed is written down there, and the same accounts are elsewhere."""
    directory = tmp_path_factory.mktemp("own-certs")
    make_development_certs(directory, machine="localhost")
    return directory


def enrolled(client: Client, key: ec.EllipticCurvePrivateKey, common: str = "whatever") -> list[Message]:
    request = x509.CertificateSigningRequestBuilder().subject_name(name(common)).sign(key, hashes.SHA256())
    return cert(client, "ENROLL", request.public_bytes(Encoding.DER))


def test_a_key_that_never_leaves_its_machine(opened: Opener, house: House, tmp_path: Path) -> None:
    alice, key = opened(account="alice"), new_key()
    leaf, authority = map(x509.load_der_x509_certificate, supplied(enrolled(alice, key, "Bob"), "ENROLLED"))
    leaf.verify_directly_issued_by(authority)
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert [*names] == [x509.UniformResourceIdentifier(account_uri("alice"))], "whatever was asked for"
    assert leaf.public_key() == key.public_key()
    Issued(leaf, authority, key).save(tmp_path / "mine.pem")
    there, outcome = external(opened, tmp_path / "mine.pem")
    assert outcome == ["900", "903"]
    there.send("NICK alice", "USER u 0 * :r", "CAP END")
    there.expect("001", "alice")
    recorded = house.certs / "issued" / f"{leaf.serial_number:x}.pem"
    assert x509.load_pem_x509_certificate(recorded.read_bytes()) == leaf
    assert house.hub.chat.certificates == {}, "it needs no registration"


def test_who_has_logged_in_need_not_come(opened: Opener, house: House) -> None:
    """Nobody sees them; but who logged in with a password that was replaced since gets nothing."""
    watcher, errand, late = opened("watcher"), opened.stranger(), opened.stranger()
    watcher.ask("MONITOR + alice")
    for client in (errand, late):
        client.ask("CAP REQ :sasl", "AUTHENTICATE PLAIN", f"AUTHENTICATE {plain('alice')}")
    assert len(supplied(enrolled(errand, new_key()), "ENROLLED")) == 2
    assert watcher.ask() == []
    house.do(SetPassword("alice", house.hub.chat.accounts["alice"].credential))
    assert told(enrolled(late, new_key())) == ["FAIL", "ACCOUNT_REQUIRED"]


@pytest.mark.parametrize("request_", [b"", b"nonsense", paper().der])
def test_what_is_no_request(opened: Opener, request_: bytes) -> None:
    assert told(cert(opened(account="alice"), "ENROLL", request_)) == ["FAIL", "INVALID_REQUEST"]


def test_a_request_for_somebody_elses_key(opened: Opener) -> None:
    """Only its owner can sign it."""
    der = bytearray(make_request(new_key(), "alice").public_bytes(Encoding.DER))
    der[-1] ^= 1
    assert told(cert(opened(account="alice"), "ENROLL", bytes(der))) == ["FAIL", "INVALID_REQUEST"]


def test_where_the_server_has_not_the_key_for_it(opened: Opener, house: House) -> None:
    alice = opened(account="alice")
    before = house.hub.identities
    house.hub.identities = Identities("optional", replace(before.authorities, signer=None))
    try:
        assert told(enrolled(alice, new_key())) == ["FAIL", "ENROLMENT_UNAVAILABLE"]
    finally:
        house.hub.identities = before


def test_what_can_not_be_written_down_is_not_given(opened: Opener, house: House, tmp_path: Path) -> None:
    """One that nobody knows of could not be revoked. The operator is told."""
    alice = opened(account="alice")
    (tmp_path / "issued").touch()
    before = house.hub.identities
    house.hub.identities = Identities("optional", replace(before.authorities, signed=tmp_path))
    try:
        assert told(enrolled(alice, new_key())) == ["FAIL", "ENROLMENT_UNAVAILABLE"]
    finally:
        house.hub.identities = before
    assert len(house.faults) == 1
    assert house.faults.pop().startswith("a certificate could not be signed")


def test_only_so_many_an_hour(certs: Path, tmp_path: Path) -> None:
    """For each account, wherever it is; what is no request counts as well."""
    with running(certs, tmp_path, limits=Limits(throttle=True, lines_per_second=1000, lines_burst=1000)) as house:
        opened = Opener(house)
        alice = opened(account="alice")
        assert told(cert(alice, "ENROLL", b"nonsense")) == ["FAIL", "INVALID_REQUEST"]
        for _ in range(4):
            assert len(supplied(enrolled(alice, new_key()), "ENROLLED")) == 2
        for client in (alice, opened(account="alice")):
            assert told(enrolled(client, new_key())) == ["FAIL", "LIMIT_REACHED"]
        assert len(supplied(enrolled(opened(account="Bob"), new_key()), "ENROLLED")) == 2
