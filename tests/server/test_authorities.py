"""What lies beside the server's certificate: what is read, what is refused, and what is only told."""

import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from securechat.pki import (
    Authority,
    CertificateInfo,
    Purpose,
    RevocationList,
    history_path,
    make_development_certs,
    revocation_path,
)
from securechat.pki.succession import appoint, save_history
from securechat.server.authorities import Authorities, read_authorities
from securechat.server.config import TLSConfig
from securechat.tls.errors import CertificateFileError
from tests.pki.papers import paper
from tests.pki.places import reachable_directory, without_privileges


@pytest.fixture
def here(tmp_path: Path) -> Path:
    directory = tmp_path / "certs"
    make_development_certs(directory, machine="localhost")
    return directory


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """The files of others."""
    directory = tmp_path / "elsewhere"
    make_development_certs(directory, machine="localhost")
    return directory


def beside(directory: Path) -> TLSConfig:
    return TLSConfig(cert=directory / "server.pem")


def refusal(tls: TLSConfig) -> str:
    with pytest.raises(CertificateFileError) as refused:
        read_authorities(tls)
    return str(refused.value)


def test_everything(here: Path) -> None:
    old = Authority.create(Purpose.SERVERS, now=datetime.now(UTC) - timedelta(days=1))
    servers, clients = (Authority.load(here, purpose, now=datetime.now(UTC)) for purpose in Purpose)
    step = appoint(old, servers, now=datetime.now(UTC))
    save_history(history_path(here / "ca.pem"), [step], now=datetime.now(UTC))
    revoked = [RevocationList.make(authority, now=datetime.now(UTC), serials=[7]) for authority in (servers, clients)]
    for listed, name in zip(revoked, ("ca.pem", "client-ca.pem"), strict=True):
        listed.save(revocation_path(here / name))
    read = read_authorities(beside(here))
    assert read.servers == (servers.certificate.public_bytes(Encoding.DER), step.public_bytes(Encoding.DER))
    assert read.servers_fingerprint == CertificateInfo.of(servers.certificate).spki_fingerprint
    assert read.servers_revoked == revoked[0].der()
    assert read.clients == clients.certificate
    assert read.clients_revoked is not None
    assert read.clients_revoked.revoked(7)
    assert read.signer is not None
    assert read.signer.certificate == clients.certificate
    assert read.signed == here
    assert {path.name for path, _ in read.ends} == {"server.pem", "ca.pem", "client-ca.pem"}
    assert read.notes == ()
    assert "key" not in repr(read)


def test_nothing_but_the_certificate(here: Path) -> None:
    for path in here.iterdir():
        if path.is_file() and path.name != "server.pem":
            path.unlink()
    own, authority = x509.load_pem_x509_certificates((here / "server.pem").read_bytes())
    read = read_authorities(beside(here))
    assert read.servers == (authority.public_bytes(Encoding.DER),), "it stands behind the server's own"
    assert read.servers_fingerprint == CertificateInfo.of(authority).spki_fingerprint
    ends = tuple((here / "server.pem", end.not_valid_after_utc) for end in (own, authority))
    assert read == Authorities(read.servers, None, read.servers_fingerprint, ends=ends)
    assert read_authorities(TLSConfig()) == Authorities()


def test_not_even_an_authority(here: Path) -> None:
    for path in here.iterdir():
        if path.is_file() and path.name != "server.pem":
            path.unlink()
    key, own, _ = (here / "server.pem").read_text().split("-----BEGIN CERTIFICATE")
    (here / "server.pem").write_text(f"{key}-----BEGIN CERTIFICATE{own}")
    end = CertificateInfo.read(here / "server.pem").not_after
    assert read_authorities(beside(here)) == Authorities(ends=((here / "server.pem", end),))


def test_others_than_those_beside_it(here: Path, elsewhere: Path) -> None:
    named = TLSConfig(
        here / "server.pem",
        ca=here / "ca.pem",
        client_ca=elsewhere / "client-ca.pem",
        client_ca_key=elsewhere / "client-ca.key",
    )
    read = read_authorities(named)
    assert read.clients == Authority.load(elsewhere, Purpose.CLIENTS, now=datetime.now(UTC)).certificate
    assert read.signed == elsewhere
    (elsewhere / "client-ca.key").unlink()
    assert read_authorities(TLSConfig(here / "server.pem", client_ca=elsewhere / "client-ca.pem")).signer is None


def test_an_authority_that_did_not_sign_the_certificate(here: Path, elsewhere: Path) -> None:
    (here / "ca.pem").write_bytes((elsewhere / "ca.pem").read_bytes())
    read = read_authorities(beside(here))
    assert len(read.servers) == 1
    assert read.servers_fingerprint != CertificateInfo.read(here / "ca.pem").spki_fingerprint
    assert read.notes == (
        f"{here / 'ca.pem'} is not the authority that signed {here / 'server.pem'}: clients are not given it",
    )
    named = TLSConfig(here / "server.pem", ca=here / "ca.pem")
    assert refusal(named) == f"{here / 'ca.pem'} is not the authority that signed {here / 'server.pem'}"


def test_through_authorities_in_between(here: Path) -> None:
    root = paper("root", ca=True)
    middle = paper("middle", by=root, ca=True)
    lower = paper("lower", by=middle, ca=True)
    leaf = paper("leaf", by=lower)
    (here / "ca.pem").write_bytes(root.certificate.public_bytes(Encoding.PEM))
    leaf.save(here / "server.pem", middle, lower)
    assert read_authorities(beside(here)).servers == (root.der,)
    leaf.save(here / "server.pem", middle)
    assert read_authorities(beside(here)).servers == ()
    circle = paper("leaf", by=leaf)
    circle.save(here / "server.pem", leaf, circle, leaf)
    assert read_authorities(beside(here)).servers == ()


@pytest.mark.parametrize(
    ("name", "by", "sentence"),
    [
        ("ca.pem", b"", "holds no certificate in PEM form"),
        ("ca.pem", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "can't be read"),
        ("ca-history.pem", b"x", "holds no certificate"),
        ("ca.crl", b"x", "holds no list of revoked certificates"),
        ("client-ca.crl", b"x", "holds no list of revoked certificates"),
        ("client-ca.pem", b"x", "holds no certificate"),
        ("client-ca.key", b"x", "holds no private key"),
    ],
)
def test_damaged(here: Path, name: str, by: bytes, sentence: str) -> None:
    (here / name).write_bytes(by)
    assert f"{here / name}" in refusal(beside(here))
    assert sentence in refusal(beside(here))


def test_a_list_by_another_authority(here: Path, elsewhere: Path) -> None:
    other = Authority.load(elsewhere, Purpose.CLIENTS, now=datetime.now(UTC))
    RevocationList.make(other, now=datetime.now(UTC)).save(revocation_path(here / "client-ca.pem"))
    assert "is not signed by the authority" in refusal(beside(here))


def test_a_key_of_another(here: Path, elsewhere: Path) -> None:
    (here / "client-ca.key").write_bytes((elsewhere / "client-ca.key").read_bytes())
    assert refusal(beside(here)).endswith(f"client-ca.key is not the private key of {here / 'client-ca.pem'}")


def test_what_is_no_authority(here: Path) -> None:
    (here / "client-ca.key").unlink()
    for ca in (False, None):
        (here / "client-ca.pem").write_bytes(paper("x", ca=ca).certificate.public_bytes(Encoding.PEM))
        assert refusal(beside(here)).endswith("client-ca.pem is not the certificate of an authority")


def test_an_authority_of_others_can_be_that_of_clients_but_not_sign(here: Path) -> None:
    theirs = paper("The Company", ca=True)
    (here / "client-ca.pem").write_bytes(theirs.certificate.public_bytes(Encoding.PEM))
    theirs.save(here / "client-ca.key")
    assert "is not the certificate of an authority made by securechat" in refusal(beside(here))
    (here / "client-ca.key").unlink()
    assert read_authorities(beside(here)).clients == theirs.certificate


@pytest.mark.parametrize("name", ["server.pem", "client-ca.key"])
def test_a_key_that_others_can_read(here: Path, name: str) -> None:
    os.chmod(here / name, 0o604)  # noqa: PTH101
    (note,) = read_authorities(beside(here)).notes
    assert note.startswith(f"others can read {here / name}")
    assert note.endswith("chmod 600 it")


def test_a_key_that_the_server_may_not_read() -> None:
    """So it is kept where only the operator is to sign; then the server does without."""
    with reachable_directory() as directory:
        here = directory / "certs"
        make_development_certs(here, machine="localhost")
        for path in here.iterdir():
            path.chmod(0o755 if path.is_dir() else 0o644)
        (here / "client-ca.key").chmod(0o000)
        read_authorities(beside(here))
        with without_privileges():
            read = read_authorities(beside(here))
            named = refusal(replace(beside(here), client_ca_key=here / "client-ca.key"))
    assert read.clients is not None
    assert read.signer is None
    assert any("can't be read by this user, so the server signs no certificates" in note for note in read.notes)
    assert "client-ca.key: Permission denied" in named
