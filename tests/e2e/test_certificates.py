"""A server's certificates as its operator has to do with them: whom it lets in, and what it does when files change."""

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from securechat.pki import (
    Authority,
    CertificateInfo,
    Purpose,
    RevocationList,
    make_development_certs,
    revocation_path,
)
from tests.e2e.servers import Place, attempt, running
from tests.e2e.wires import Chatter, Wire


@pytest.fixture
def moving(place: Place, tmp_path: Path) -> Place:
    """A place whose certificates may be changed, with certificates for alice and bob."""
    certs = tmp_path / "certs"
    make_development_certs(certs, machine="localhost", clients=["alice", "bob"])
    return Place(place.home, certs)


def of(place: Place, name: str) -> Path:
    return place.certs / "clients" / f"{name}.pem"


def test_required(moving: Place) -> None:
    with running(moving, "--client-cert", "required") as server:
        with Wire(server) as nobody:
            nobody.send("CAP LS 302", "NICK alice", "USER alice 0 * :alice")
            (error,) = nobody.to_end()
            assert error.params[0].startswith("Closing link: This server wants a client certificate")
        assert "wants a client certificate" in server.logged("certificate refused")["why"]
        with Chatter(server, "alice", certificate=of(moving, "alice")) as alice:
            alice.send("WHOIS alice")
            fingerprint = CertificateInfo.read(of(moving, "alice")).fingerprint
            assert alice.expect("276").params[2] == f"has client certificate fingerprint {fingerprint}"
        with pytest.raises(AssertionError, match="no 001"):
            Chatter(server, "alice", certificate=of(moving, "bob"))  # with the right password


def test_changed_files_are_read_by_themselves(moving: Place) -> None:
    """A renewed certificate of the server, and a revoked one of a client; nobody else is sent away."""
    with (
        running(moving) as server,
        Chatter(server, "alice", certificate=of(moving, "alice")) as alice,
        Chatter(server, "bob", certificate=of(moving, "bob")) as bob,
    ):
        old = bob.sock.getpeercert(binary_form=True)
        servers, clients = (Authority.load(moving.certs, purpose, now=datetime.now(UTC)) for purpose in Purpose)
        servers.issue_server(["localhost"], now=datetime.now(UTC)).save(moving.cert)
        serial = CertificateInfo.read(of(moving, "alice")).serial
        RevocationList.make(clients, now=datetime.now(UTC), serials=[serial]).save(
            revocation_path(moving.certs / "client-ca.pem")
        )
        server.logged("certificates reloaded")
        assert alice.to_end()[-1].params == ["Closing link: Your certificate was revoked"]
        bob.sync()
        with Chatter(server, "carol") as carol:
            assert carol.sock.getpeercert(binary_form=True) != old
        with Wire(server, certificate=of(moving, "alice")) as again:
            assert again.to_end()[-1].params == ["Closing link: Your certificate was revoked"]


def test_chain_and_key_in_two_files(moving: Place) -> None:
    """Under the names that programs give them which fetch certificates from public authorities."""
    pem = moving.cert.read_text()
    begin = pem.index("-----BEGIN CERTIFICATE-----")
    chain, key = moving.certs / "fullchain.pem", moving.certs / "privkey.pem"
    chain.write_text(pem[begin:])
    key.touch(0o600)
    key.write_text(pem[:begin])
    for name in ("ca.key", "client-ca.pem", "client-ca.key", "server.pem"):
        (moving.certs / name).unlink()
    with running(moving, "--cert", chain, "--key", key) as server, Chatter(server, "alice"):
        assert not [event for event in server.events if event["event"] == "configuration"]


def test_an_authority_that_did_not_sign_it_is_not_handed_out(moving: Place, tmp_path: Path) -> None:
    make_development_certs(tmp_path / "other", machine="localhost")
    right = moving.ca.read_bytes()
    shutil.copy(tmp_path / "other" / "ca.pem", moving.ca)
    with running(moving) as server:
        assert "is not the authority that signed" in server.logged("configuration")["note"]
        moving.ca.write_bytes(right)
        server.logged("certificates reloaded")


@pytest.mark.parametrize(
    ("tls", "sentence"),
    [
        ("client_ca = 'nowhere.pem'", "nowhere.pem does not exist"),
        ("client_ca_key = 'nowhere.key'", "nowhere.key does not exist"),
        ("client_ca = '{certs}/server.pem'", "server.pem is not the certificate of an authority"),
        ("client_ca_key = '{certs}/ca.key'", "ca.key is not the private key of"),
        ("client_cert = 'maybe'", 'must be "required" or "optional" or "off"'),
    ],
)
def test_what_is_named_has_to_be_there_and_good(moving: Place, tls: str, sentence: str) -> None:
    config = moving.configure(f"[tls]\n{tls.format(certs=moving.certs)}\n")
    refused = attempt(moving, "--config", config)
    assert refused.returncode == 2
    assert sentence in refused.stderr
    assert len(refused.stderr.splitlines()) == 1


def test_what_is_about_to_expire_is_told(moving: Place) -> None:
    servers = Authority.load(moving.certs, Purpose.SERVERS, now=datetime.now(UTC))
    servers.issue_server(["localhost"], now=datetime.now(UTC) + timedelta(minutes=4), days=7).save(moving.cert)
    with running(moving) as server:
        told = server.logged("certificate expires")
        assert told["file"] == str(moving.cert)
        assert told["days"] == 7
