"""The doctor: everything that can be wrong with files and with running servers is found, and nothing else."""

import re
import shutil
import ssl
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat

from securechat.pki import Authority, Purpose, RevocationList, load_history, make_development_certs
from securechat.pki import probe as probing
from securechat.pki.bundle import authority_beside, bundle_path, read_bundle
from securechat.pki.certificate import parse_certificates
from securechat.pki.doctor import (
    Finding,
    Level,
    examine_authority,
    examine_client,
    examine_directory,
    examine_running,
    examine_server,
)
from securechat.pki.errors import BrokenFilesError, InvalidRequestError
from securechat.pki.holding import replaced_key_path
from securechat.pki.issuing import issue_client, issue_server
from securechat.pki.keys import key_pem, new_key
from securechat.pki.register import read_register, revoke
from securechat.pki.replacing import replace_authority
from securechat.tls.contexts import client_context
from tests.pki.listener import listening
from tests.pki.public import Public, certbot

NOW = datetime.now(UTC)
PUBLIC = Public()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("certs")
    make_development_certs(directory, hosts=["chat.example"], clients=["alice"], machine="box", now=NOW)
    return directory


@pytest.fixture
def directory(made: Path, tmp_path: Path) -> Path:
    return shutil.copytree(made, tmp_path / "certs")


def server(path: Path, ca: Path | None = None, *, key: Path | None = None, host: str | None = None) -> list[Finding]:
    authority = ca or authority_beside(path, Purpose.SERVERS)
    return examine_server(read_bundle(path, key), client_context(authority), authority, host=host, now=NOW)


def bad(findings: Iterable[Finding]) -> list[str]:
    """All that is not good, each in one line."""
    return [
        f"{finding.level.value}: {finding.what}: {finding.remedy}"
        for finding in findings
        if finding.level is not Level.GOOD
    ]


def certificate(path: Path) -> x509.Certificate:
    return parse_certificates(path.read_bytes(), path)[0]


def test_what_was_just_made_is_good(directory: Path) -> None:
    assert bad(examine_directory(directory, now=NOW)) == []
    findings = server(directory / "server.pem")
    assert bad(findings) == []
    (accepted,) = [finding.what for finding in findings if "clients accept" in finding.what]
    assert "localhost, 127.0.0.1, ::1, box, chat.example" in accepted
    assert accepted.endswith(f"verified by {directory / 'ca.pem'}")


def test_after_everything_that_can_be_done_it_is_still_good(directory: Path) -> None:
    replace_authority(directory, now=NOW)
    first = read_register(directory, now=NOW).of_account("alice")[0]
    issue_client(directory, "alice", now=NOW)
    revoke(directory, [first.certificate], now=NOW)
    issue_server(directory, ["chat.example"], now=NOW)
    assert bad([*examine_directory(directory, now=NOW), *server(directory / "server.pem")]) == []
    told = " ".join(finding.what for finding in examine_directory(directory, now=NOW))
    assert "client-ca.crl is signed by" in told
    assert "revoked: 1" in told
    assert "ca-history.pem leads to" in told


def break_dates(directory: Path, days: int) -> None:
    issue_server(directory, ["chat.example"], now=NOW, days=days)


def swap_key(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(key_pem(new_key()) + data[data.index(b"-----BEGIN CERTIFICATE") :])


def without_key(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data[data.index(b"-----BEGIN CERTIFICATE") :])


def encrypt_key(path: Path) -> None:
    data = path.read_bytes()
    key = new_key().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"x"))
    path.write_bytes(key + data[data.index(b"-----BEGIN CERTIFICATE") :])


def other_authority(path: Path) -> None:
    Authority.create(Purpose.SERVERS, now=NOW).issue_server(["chat.example"], now=NOW).save(path)


def for_clients(path: Path) -> None:
    shutil.copy(path.parent / "clients" / "alice.pem", path)


SERVER_TROUBLE: dict[str, tuple[Callable[[Path], object], list[str]]] = {
    "it ends soon": (lambda path: break_dates(path.parent, 20), ["warning: .*server.pem has 19 days left: .*renew"]),
    "another key": (swap_key, ["wrong: the private key in .*server.pem is not that of .*: give the two made together"]),
    "no key": (without_key, ["wrong: the private key of .*server.pem is not there: name its file with --key"]),
    "an encrypted key": (encrypt_key, ["wrong: .*server.pem is encrypted.*: an unencrypted key"]),
    "an open key": (lambda path: path.chmod(0o644), ["wrong: .* others can read or change: chmod 600 .*server.pem"]),
    "a group's key": (lambda path: path.chmod(0o640), ["warning: .* that its group can read: chmod 600"]),
    "another authority": (other_authority, ["wrong: .* it is not signed by .*ca.pem: .*renew server"]),
}


@pytest.mark.parametrize("trouble", SERVER_TROUBLE)
def test_what_is_wrong_with_a_server(directory: Path, trouble: str) -> None:
    damage, expected = SERVER_TROUBLE[trouble]
    path = directory / "server.pem"
    damage(path)
    found = bad(server(path))
    assert len(found) == len(expected), found
    for sentence, pattern in zip(found, expected, strict=True):
        assert re.match(pattern, sentence), sentence


def test_an_expired_server_is_told_once_with_its_date(directory: Path) -> None:
    past = NOW - timedelta(days=100)
    old = Authority.create(Purpose.SERVERS, now=past)
    old.save(directory)
    old.issue_server(["a.example", "b.example"], now=past, days=30).save(directory / "server.pem")
    (sentence,) = bad(server(directory / "server.pem"))
    assert sentence.startswith(f"wrong: {directory / 'server.pem'} expired on {past + timedelta(days=30):%Y-%m-%d} ")


def test_a_revoked_server(directory: Path) -> None:
    path = directory / "server.pem"
    revoke(directory, [certificate(path)], now=NOW)
    (sentence,) = bad(server(path))
    assert f"was revoked on {NOW:%Y-%m-%d}" in sentence
    assert "renew server" in sentence
    RevocationList.make(Authority.create(Purpose.SERVERS, now=NOW), now=NOW).save(directory / "ca.crl")
    (sentence,) = bad(server(path))
    assert "ca.crl is not signed by the authority" in sentence


def test_the_name_under_which_people_connect(directory: Path) -> None:
    path = directory / "server.pem"
    assert bad(server(path, host="chat.example")) == []
    (sentence,) = bad(server(path, host="irc.example"))
    assert f"wrong: {path}: it is not for irc.example: " in sentence
    assert "certs issue --server --host irc.example" in sentence
    (sentence,) = bad(server(path, host=".example"))
    assert "is not a name that anybody can connect to" in sentence


def test_an_authority_that_strict_clients_refuse(directory: Path) -> None:
    """As many a home-made one: without the extensions that RFC 5280 wants."""
    key, leaf_key = new_key(), new_key()
    name = certificate(directory / "ca.pem").subject
    times = (NOW - timedelta(days=1), NOW + timedelta(days=90))
    root = (
        x509.CertificateBuilder(name, name, key.public_key(), 1, *times)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=False)
        .sign(key, hashes.SHA256())
    )
    leaf = (
        x509.CertificateBuilder(name, x509.Name([]), leaf_key.public_key(), 2, *times)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("chat.example")]), critical=True)
        .sign(key, hashes.SHA256())
    )
    (directory / "ca.pem").write_bytes(root.public_bytes(Encoding.PEM))
    path = directory / "server.pem"
    path.write_bytes(key_pem(leaf_key) + leaf.public_bytes(Encoding.PEM))
    (sentence,) = bad(server(path))
    assert "clients that keep to RFC 5280 refuse it: " in sentence


def test_a_certificate_for_no_host(directory: Path, tmp_path: Path) -> None:
    key = new_key()
    live = certbot(tmp_path, PUBLIC, key, PUBLIC.leaf(key))
    root = tmp_path / "root.pem"
    root.write_bytes(PUBLIC.root.public_bytes(Encoding.PEM))
    (sentence,) = bad(server(live / "fullchain.pem", root))
    assert "fullchain.pem is for no host" in sentence


def test_a_clients_certificate_is_no_servers(directory: Path) -> None:
    path = directory / "server.pem"
    for_clients(path)
    (sentence,) = bad(server(path))
    assert "server.pem is for no host" in sentence


@pytest.mark.parametrize(
    "key", [rsa.generate_private_key(65537, 2048), ec.generate_private_key(ec.SECP384R1())], ids=["RSA", "EC"]
)
def test_what_certbot_leaves_is_understood(
    tmp_path: Path, key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    live = certbot(tmp_path, PUBLIC, key, PUBLIC.leaf(key, "chat.example", "*.chat.example"))
    path = bundle_path(live)
    assert path == live / "fullchain.pem"
    bundle = read_bundle(path)
    assert bundle.key_path == live / "privkey.pem"
    assert read_bundle(path.resolve()).key_path == (live / "privkey.pem").resolve()
    assert bundle.root() is None
    (tmp_path / "roots.pem").write_bytes(PUBLIC.root.public_bytes(Encoding.PEM))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "roots.pem"))  # the authorities of this system
    findings = server(path)
    assert bad(findings) == []
    assert "verified by an authority of this system" in findings[-1].what
    # Without the chain no client can know who signed it.
    (sentence,) = bad(server(live / "cert.pem"))
    assert "is not signed by an authority of this system" in sentence
    assert "fullchain.pem" in sentence
    # An authority of our own beside it is what the server would hand out.
    make_development_certs(tmp_path / "ours", machine="box", now=NOW)
    shutil.copy(tmp_path / "ours" / "ca.pem", live / "ca.pem")
    (sentence,) = bad(server(path))
    assert f"is not signed by {live / 'ca.pem'}" in sentence


def test_keys_are_found_where_they_are_named(directory: Path, tmp_path: Path) -> None:
    path = directory / "server.pem"
    data = path.read_bytes()
    without_key(path)
    key = tmp_path / "my.key"
    key.write_bytes(data)
    key.chmod(0o600)
    assert bad(server(path, key=key)) == []
    shutil.move(key, directory / "server.key")
    assert read_bundle(path).key_path == directory / "server.key"
    assert bad(server(path)) == []
    with pytest.raises(BrokenFilesError, match=r"nothing\.key does not exist"):
        read_bundle(path, tmp_path / "nothing.key")
    with pytest.raises(BrokenFilesError, match="does not exist"):
        read_bundle(tmp_path / "nothing.pem")
    with pytest.raises(InvalidRequestError, match="no certificate of a server in"):
        bundle_path(tmp_path)
    assert bundle_path(path) == path


def client(directory: Path) -> list[str]:
    path = directory / "clients" / "alice.pem"
    return bad(examine_client(read_bundle(path), authority_beside(path, Purpose.CLIENTS), now=NOW))


def test_what_is_wrong_with_a_client(directory: Path) -> None:
    path = directory / "clients" / "alice.pem"
    assert client(directory) == []
    path.chmod(0o640)
    assert ["others can read or change" in sentence for sentence in client(directory)] == [True]
    Authority.create(Purpose.CLIENTS, now=NOW).issue_client("alice", now=NOW).save(path)
    (sentence,) = client(directory)
    assert f"is not signed by {directory / 'client-ca.pem'}: `securechat certs issue alice`" in sentence
    issue_client(directory, "alice", now=NOW)
    revoke(directory, [certificate(path)], now=NOW)
    (sentence,) = client(directory)
    assert "was revoked on" in sentence
    (directory / "client-ca.pem").unlink()
    (sentence,) = client(directory)
    assert "name the authority with --ca" in sentence
    without_account = read_bundle(directory / "server.pem")
    (sentence,) = bad(examine_client(without_account, directory / "ca.pem", now=NOW))
    assert "names no account" in sentence


def test_a_user_whose_certificate_ended_is_in_nobodys_way(directory: Path) -> None:
    path = directory / "clients" / "alice.pem"
    revoke(directory, [certificate(path)], now=NOW)
    (sentence,) = bad(examine_directory(directory, now=NOW))
    assert sentence.startswith(f"warning: {path} was revoked on")


def history_of_another(directory: Path) -> None:
    replace_authority(directory, now=NOW)
    Authority.create(Purpose.SERVERS, now=NOW).save(directory)


DIRECTORY_TROUBLE: dict[str, tuple[Callable[[Path], object], str]] = {
    "an open key": (lambda place: (place / "ca.key").chmod(0o640), "wrong: .*ca.key is a private key that others"),
    "a key of another": (
        lambda place: shutil.copy(place / "ca.key", place / "client-ca.key"),
        "wrong: the private key in .*client-ca.key is not that of .*client-ca.pem",
    ),
    "a key alone": (lambda place: (place / "ca.pem").unlink(), "wrong: .*ca.key is there, but its certificate"),
    "no authority": (
        lambda place: (place / "ca.pem").write_bytes(b"nonsense"),
        "wrong: .*ca.pem holds no certificate in PEM form: put it right",
    ),
    "a damaged list": (lambda place: (place / "ca.crl").write_bytes(b"x"), "wrong: .*ca.crl holds no list"),
    "a damaged history": (
        lambda place: (place / "ca-history.pem").write_bytes(b"x"),
        "wrong: .*ca-history.pem holds no certificate",
    ),
    "a history of another": (
        history_of_another,
        "wrong: .*ca-history.pem does not lead to .*ca.pem",
    ),
    "a damaged copy": (
        lambda place: (place / "issued" / "1234.pem").write_bytes(b""),
        "warning: .*1234.pem holds no certificate in PEM form: remove it",
    ),
    "cut off": (
        lambda place: replaced_key_path(place).write_bytes(b""),
        "wrong: .*ca.key.replaced is there: a replacement of the authority was cut off",
    ),
}


@pytest.mark.parametrize("trouble", DIRECTORY_TROUBLE)
def test_what_is_wrong_with_a_directory(directory: Path, trouble: str) -> None:
    damage, pattern = DIRECTORY_TROUBLE[trouble]
    damage(directory)
    (sentence,) = bad(examine_directory(directory, now=NOW))
    assert re.match(pattern, sentence), sentence


def test_an_authority_grows_old(directory: Path) -> None:
    bundle = read_bundle(directory / "ca.pem")
    late = NOW + timedelta(days=3400)
    (sentence,) = bad(examine_authority(bundle, now=late))
    assert "250 days left, and what it signs can't live longer" in sentence or "249 days left" in sentence
    assert "init --replace-ca" in sentence
    (sentence,) = bad(examine_authority(read_bundle(directory / "client-ca.pem"), now=late))
    assert sentence.startswith("warning: ")
    (sentence,) = bad(examine_authority(bundle, now=NOW + timedelta(days=3700)))
    assert "expired on" in sentence
    assert "init --force" in sentence


def test_an_authoritys_key_may_be_somewhere_else(directory: Path) -> None:
    (directory / "ca.key").unlink()
    findings = examine_directory(directory, now=NOW)
    assert bad(findings) == []
    assert any("somewhere else, where it is safest" in finding.what for finding in findings)


def test_an_authority_of_another_make_can_not_issue(directory: Path) -> None:
    key = new_key()
    name = certificate(directory / "ca.pem").subject
    root = (
        x509.CertificateBuilder(name, name, key.public_key(), 1, NOW - timedelta(days=1), NOW + timedelta(days=900))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    (directory / "ca.pem").write_bytes(root.public_bytes(Encoding.PEM))
    (directory / "ca.key").write_bytes(key_pem(key))
    (sentence,) = bad(examine_directory(directory, now=NOW))
    assert "not the certificate of an authority made by securechat: nothing can be issued with it" in sentence
    assert load_history(directory / "ca-history.pem") == []


def context_for(path: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.load_cert_chain(path)
    return context


def running(port: int, ca: Path, host: str = "localhost") -> list[Finding]:
    return examine_running("127.0.0.1", port, client_context(ca), ca, host=host, now=NOW)


def test_a_good_server_that_runs(directory: Path) -> None:
    revoke(
        directory,
        [Authority.load(directory, Purpose.SERVERS, now=NOW).issue_server(["x"], now=NOW).certificate],
        now=NOW,
    )
    with listening(context_for(directory / "server.pem")) as port:
        findings = running(port, directory / "ca.pem")
    assert bad(findings) == []
    told = " ".join(finding.what for finding in findings)
    assert f"localhost port {port} speaks TLS 1.3 (TLS_" in told
    assert "is for localhost, 127.0.0.1, ::1, box, chat.example" in told
    assert "364 days left" in told
    assert "is not revoked" in told


def test_a_server_with_another_name(directory: Path) -> None:
    with listening(context_for(directory / "server.pem")) as port:
        findings = running(port, directory / "ca.pem", "irc.example")
    (sentence,) = bad(findings)
    assert f"wrong: the certificate of irc.example port {port}: it is not for irc.example: " in sentence
    assert any("is for localhost, 127.0.0.1" in finding.what for finding in findings)


def test_a_server_of_another_authority(directory: Path, tmp_path: Path) -> None:
    make_development_certs(tmp_path / "other", machine="box", now=NOW)
    with listening(context_for(directory / "server.pem")) as port:
        (sentence,) = bad(running(port, tmp_path / "other" / "ca.pem"))
    assert f"it is not signed by {tmp_path / 'other' / 'ca.pem'}" in sentence


def test_an_expired_and_a_revoked_server(directory: Path) -> None:
    past = NOW - timedelta(days=100)
    old = Authority.create(Purpose.SERVERS, now=past)
    old.save(directory)
    issued = old.issue_server(["localhost"], now=past, days=30)
    issued.save(directory / "server.pem")
    with listening(context_for(directory / "server.pem")) as port:
        (sentence,) = bad(running(port, directory / "ca.pem"))
        assert "expired on" in sentence
    fresh = old.issue_server(["localhost"], now=NOW)
    fresh.save(directory / "server.pem")
    revoke(directory, [fresh.certificate], now=NOW)
    with listening(context_for(directory / "server.pem")) as port:
        (sentence,) = bad(running(port, directory / "ca.pem"))
        assert "was revoked on" in sentence


def test_old_tls_alone_and_beside_the_new(directory: Path) -> None:
    context = context_for(directory / "server.pem")
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    with listening(context) as port:
        (sentence,) = bad(running(port, directory / "ca.pem"))
    assert sentence.startswith(f"warning: localhost port {port} speaks TLS 1.2 as well")
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with listening(context) as port:
        (sentence,) = bad(running(port, directory / "ca.pem"))
    assert sentence.startswith("wrong: it does not speak TLS 1.3")


def test_what_is_no_server(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with listening(None, b"220 mail.example ESMTP\r\n") as port:
        (sentence,) = bad(running(port, directory / "ca.pem"))
        assert f"what listens at 127.0.0.1:{port} does not speak TLS" in sentence
    (sentence,) = bad(running(port, directory / "ca.pem"))
    assert f"nothing listens at 127.0.0.1:{port}" in sentence
    with listening(None) as port:
        monkeypatch.setattr(probing, "TIMEOUT", 0.3)
        (sentence,) = bad(running(port, directory / "ca.pem"))
        assert "did not answer in time" in sentence
    context = client_context(directory / "ca.pem")
    for address, words in (("a..b", "is not a host"), ("fe80::1", "can't connect to [fe80::1]:1: ")):
        (sentence,) = bad(examine_running(address, 1, context, None, host="localhost", now=NOW))
        assert words in sentence
