"""Coming back to a saved server: an authority that was replaced, what it has revoked, and what is kept when."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import keyring
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

from securechat.client.errors import ConnectionLostError, LoginRefusedError, MistakeError
from securechat.client.logins import Certificate, Invitation, Password
from securechat.client.servers import SYSTEM, SavedServer, SavedServers
from securechat.irc.message import Message
from securechat.irc.sasl import External
from securechat.pki import Authority, Purpose
from securechat.pki.revocation import RevocationList
from securechat.pki.succession import appoint
from securechat.tls.contexts import server_context
from securechat.tls.errors import CertificateFileError, CertificateRevoked, ServerUnverified, UnknownAuthority
from tests.client.memory_keyring import FileKeyring
from tests.client.posts import Post, authority_lines
from tests.client.support import PASSWORD, Peer, Session
from tests.client.visitors import CODE, NEW, NEWEST, NOW, OLD, STEPS, Visitor, certified, offering, server_by, trust_in


@pytest.fixture
def servers(tmp_path: Path) -> SavedServers:
    return SavedServers(tmp_path / "servers")


@pytest.fixture
def visitor(servers: SavedServers) -> Visitor:
    return Visitor(servers)


# -- an authority that was replaced -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("present", "steps"), [(NEW, STEPS[:1]), (NEWEST, STEPS), (NEWEST, STEPS[::-1])])
def test_an_authority_that_the_old_one_has_signed_takes_its_place(
    tmp_path: Path, visitor: Visitor, present: Authority, steps: Sequence[bytes]
) -> None:
    path, _ = certified(tmp_path, present)
    with Peer(path) as peer:
        peer.rules["CERT"] = offering(present.certificate, *steps)
        server = server_by(OLD, peer.port, device="phone")
        visitor.servers.put(server, OLD.certificate)
        visitor.servers.keep_revoked(server, RevocationList.make(OLD, now=NOW).pem())
        door = visitor.door(server, OLD)
        visitor.visit(door)
        (sentence,) = visitor.told
        assert "was replaced" in sentence
        assert trust_in(present) in sentence
        saved = visitor.servers.load("work")
        assert saved == replace(server, trust=trust_in(present)) == door.server
        assert visitor.servers.authority(saved) == present.certificate
        assert visitor.servers.revoked(saved) is None
        visitor.visit(door)
        visitor.visit(visitor.door(saved, present))
        assert len(visitor.told) == 1
        assert peer.connections == 5  # refused, asked, and three that came in


def test_an_authority_that_nobody_has_signed(tmp_path: Path, visitor: Visitor) -> None:
    """It may be an attack: nothing is said to it but that one question, and nothing is changed."""
    path, _ = certified(tmp_path, NEW)
    forged = appoint(Authority(Purpose.SERVERS, OLD.certificate, NEW.key), NEW, now=NOW)
    new, old = NEW.certificate, OLD.certificate
    answers: list[list[x509.Certificate | bytes]] = [[new], [new, forged], [new, STEPS[1]], [old], []]
    for offered in answers:
        answer = authority_lines(offered)
        with Post(path, lambda _, answer=answer: answer) as post:  # type: ignore[misc]
            server = server_by(OLD, post.port)
            visitor.servers.put(server, OLD.certificate)
            with pytest.raises(UnknownAuthority, match="somebody may be in between") as caught:
                visitor.visit(visitor.door(server, OLD))
            assert "saved as work" in str(caught.value)
        assert post.all == b"CERT AUTHORITY\r\n"
        assert visitor.servers.load("work") == server
    assert visitor.told == []


def test_somebody_who_repeats_the_true_successions(tmp_path: Path, visitor: Visitor) -> None:
    """They are public; the server has to be signed by the authority to which they lead."""
    path, _ = certified(tmp_path, Authority.create(Purpose.SERVERS, now=NOW))
    with Post(path, lambda _: authority_lines([NEW.certificate, STEPS[0]])) as post:
        server = server_by(OLD, post.port)
        visitor.servers.put(server, OLD.certificate)
        with pytest.raises(ServerUnverified):
            visitor.visit(visitor.door(server, OLD))
    assert post.all == b"CERT AUTHORITY\r\n"
    assert visitor.servers.load("work") == server
    assert visitor.told == []


def test_the_right_successor_for_another_name(tmp_path: Path, visitor: Visitor) -> None:
    path, _ = certified(tmp_path, NEW, "elsewhere.example")
    with Post(path, lambda _: authority_lines([NEW.certificate, STEPS[0]])) as post:
        server = server_by(OLD, post.port)
        visitor.servers.put(server, OLD.certificate)
        with pytest.raises(ServerUnverified):
            visitor.visit(visitor.door(server, OLD))
    assert visitor.servers.load("work") == server


def test_a_new_server_is_not_followed_anywhere(tmp_path: Path, visitor: Visitor) -> None:
    """With a fingerprint one has said which authority it is."""
    path, _ = certified(tmp_path, NEW)
    with Post(path, lambda _: authority_lines([NEW.certificate, STEPS[0]])) as post:
        door = visitor.door(server_by(OLD, post.port), OLD, saved=False)
        with pytest.raises(UnknownAuthority, match="not the one that the link or fingerprint is from"):
            visitor.visit(door)
    assert post.all == b""
    assert visitor.servers.names() == []


def test_where_the_systems_authorities_decide(tmp_path: Path, visitor: Visitor) -> None:
    path, _ = certified(tmp_path, NEW)
    with Post(path) as post:
        server = SavedServer("public", "localhost", post.port, "alice", SYSTEM)
        visitor.servers.put(server, None)
        with pytest.raises(UnknownAuthority, match="signed by nobody who is trusted"):
            visitor.visit(visitor.door(server, None))
    assert post.all == b""


# -- before somebody types a password ---------------------------------------------------------------------------------


def test_a_successor_is_followed_before_there_is_a_login(tmp_path: Path, visitor: Visitor) -> None:
    path, _ = certified(tmp_path, NEW)
    with Peer(path) as peer:
        peer.rules["CERT"] = offering(NEW.certificate, STEPS[0])
        server = server_by(OLD, peer.port)
        visitor.servers.put(server, OLD.certificate)
        door = visitor.door(server, OLD)
        door.login = None
        door.verify()
        assert visitor.servers.load("work").trust == trust_in(NEW)
        assert len(visitor.told) == 1
        door.login = Password("alice", PASSWORD)
        visitor.visit(door)
        assert len(visitor.told) == 1
        assert peer.connections == 4  # refused, asked, verified, and the one that came in


def test_one_that_was_revoked_is_no_server_to_give_a_password_to(tmp_path: Path, visitor: Visitor) -> None:
    path, serial = certified(tmp_path, OLD)
    with Post(path) as post:
        server = server_by(OLD, post.port)
        visitor.servers.put(server, OLD.certificate)
        visitor.door(server, OLD).verify()
        visitor.servers.keep_revoked(server, RevocationList.make(OLD, now=NOW, serials=[serial]).pem())
        with pytest.raises(CertificateRevoked, match="was revoked"):
            visitor.door(server, OLD).verify()
    assert post.all == b""


# -- what the authority has revoked -----------------------------------------------------------------------------------


def test_what_is_revoked_is_kept_and_counts_from_then_on(tmp_path: Path, visitor: Visitor) -> None:
    path, serial = certified(tmp_path, OLD)
    first = RevocationList.make(OLD, now=NOW, serials=[12345])
    second = first.extend(OLD, [serial], now=NOW)
    with Peer(path) as peer:
        server = server_by(OLD, peer.port)
        visitor.servers.put(server, OLD.certificate)
        for offered, kept in ((None, None), (first, first), (first, first), (second, second)):
            peer.rules["CERT"] = offering(crl=None if offered is None else offered.der())
            visitor.visit(visitor.door(server, OLD))
            assert visitor.servers.revoked(server) == (None if kept is None else kept.pem())
        peer.rules["CERT"] = offering(crl=first.der())
        with pytest.raises(CertificateRevoked, match="was revoked"):
            visitor.visit(visitor.door(server, OLD))
        assert visitor.servers.revoked(server) == second.pem()
    assert visitor.told == []


def test_an_older_list_does_not_replace_a_newer_one(tmp_path: Path, visitor: Visitor) -> None:
    path, _ = certified(tmp_path, OLD)
    first = RevocationList.make(OLD, now=NOW)
    second = first.extend(OLD, [12345], now=NOW)
    with Peer(path) as peer:
        server = server_by(OLD, peer.port)
        visitor.servers.put(server, OLD.certificate)
        for offered in (second, first):
            peer.rules["CERT"] = offering(crl=offered.der())
            visitor.visit(visitor.door(server, OLD))
        assert visitor.servers.revoked(server) == second.pem()


def test_a_list_by_somebody_else(tmp_path: Path, visitor: Visitor) -> None:
    path, _ = certified(tmp_path, OLD)
    with Peer(path) as peer:
        server = server_by(OLD, peer.port)
        visitor.servers.put(server, OLD.certificate)
        for data in (RevocationList.make(NEW, now=NOW).der(), b"nonsense"):
            peer.rules["CERT"] = offering(crl=data)
            visitor.visit(visitor.door(server, OLD))
        assert visitor.servers.revoked(server) is None
    assert len(visitor.told) == 2
    assert all("is not kept" in sentence for sentence in visitor.told)


def test_a_list_that_has_ended_keeps_nobody_out(tmp_path: Path, visitor: Visitor) -> None:
    """Not all authorities sign one that lasts as long as they do, and somebody may have been away."""
    path, serial = certified(tmp_path, OLD)
    entry = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(NOW - timedelta(days=40)).build()
    ended = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(OLD.certificate.subject)
        .last_update(NOW - timedelta(days=40))
        .next_update(NOW - timedelta(days=10))
        .add_extension(x509.CRLNumber(1), critical=False)
        .add_revoked_certificate(entry)
        .sign(OLD.key, hashes.SHA256())
    )
    with Peer(path) as peer:
        peer.rules["CERT"] = offering()
        server = server_by(OLD, peer.port)
        visitor.servers.put(server, OLD.certificate)
        visitor.servers.keep_revoked(server, ended.public_bytes(Encoding.PEM))
        visitor.visit(visitor.door(server, OLD))


def test_a_list_that_somebody_has_damaged(visitor: Visitor) -> None:
    server = server_by(OLD, 1)
    visitor.servers.put(server, OLD.certificate)
    for data in (b"nonsense", RevocationList.make(NEW, now=NOW).pem()):
        visitor.servers.keep_revoked(server, data)
        with pytest.raises(MistakeError, match="work is damaged"):
            visitor.door(server, OLD)


# -- what is saved, and when ------------------------------------------------------------------------------------------


def _registering(peer: Peer) -> None:
    def register(session: Session, message: Message) -> list[str]:
        name, _, password = message.params
        if len(password) < 8:
            return [f":test.example FAIL REGISTER WEAK_PASSWORD {name} :Too short"]
        peer.accounts[name] = password
        session.account = name
        return [
            f":test.example REGISTER SUCCESS {name} :Made",
            f":test.example 900 {session.nick} * {name} :You are in",
        ]

    peer.offers["draft/account-registration"] = "before-connect"
    peer.rules["PASS"] = lambda *_: []
    peer.rules["REGISTER"] = register


@pytest.fixture
def peer(tmp_path: Path) -> Iterator[Peer]:
    """One that the old authority has signed, and that takes invitations."""
    path, _ = certified(tmp_path, OLD)
    with Peer(path) as peer:
        _registering(peer)
        yield peer


def test_nothing_is_saved_before_there_is_an_account(peer: Peer, visitor: Visitor) -> None:
    server = server_by(OLD, peer.port, user="zoe")
    with pytest.raises(Exception, match="choose another password"):
        visitor.visit(visitor.door(server, OLD, Invitation(CODE, "zoe", "short"), saved=False))
    assert visitor.servers.names() == []
    door = visitor.door(server, OLD, Invitation(CODE, "zoe", PASSWORD), saved=False)
    before = door.saved
    assert before is None
    visitor.visit(door)
    assert visitor.servers.all() == [server]
    assert visitor.told == ["the server is saved as work: `securechat connect` comes back to it"]
    assert door.saved == (visitor.servers, server)
    assert door.login == Password("zoe", PASSWORD)


def test_an_account_whose_chat_failed_is_saved(peer: Peer, visitor: Visitor) -> None:
    made = peer.rules["REGISTER"]

    def register(session: Session, message: Message) -> list[str] | None:
        session.send(*(made(session, message) or []))
        session.quit()
        return []

    peer.rules["REGISTER"] = register
    server = server_by(OLD, peer.port, user="zoe")
    door = visitor.door(server, OLD, Invitation(CODE, "zoe", PASSWORD), saved=False)
    with pytest.raises(ConnectionLostError):
        visitor.visit(door)
    assert visitor.servers.all() == [server]
    peer.rules["REGISTER"] = made
    visitor.visit(door)  # by the password


def test_a_login_that_is_refused_saves_nothing(peer: Peer, visitor: Visitor) -> None:
    with pytest.raises(LoginRefusedError):
        visitor.visit(visitor.door(server_by(OLD, peer.port), OLD, Password("alice", "wrong"), saved=False))
    assert visitor.servers.names() == []


def test_a_disk_that_is_full_does_not_end_the_chat(peer: Peer, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    visitor = Visitor(SavedServers(tmp_path / "file" / "servers"))
    door = visitor.door(server_by(OLD, peer.port), OLD, saved=False)
    visitor.visit(door)
    sentence, remedy = visitor.told
    assert "can't be saved" in sentence
    assert remedy == (
        f"when that is put right, come back with: securechat connect --host localhost --port {peer.port} --user alice "
        f"--fingerprint {door.server.trust}"
    )
    assert door.saved is None  # so nothing else can be kept with it


def test_ones_own_certificate_is_saved_too(certs: Path, peer: Peer, visitor: Visitor) -> None:
    mine = certs / "clients" / "alice.pem"
    server = server_by(OLD, peer.port, certificate=True)
    login = Certificate.of(mine, "alice", Password("alice", PASSWORD))
    visitor.visit(visitor.door(server, OLD, login, certificate=mine, saved=False))
    kept = visitor.servers.certificate_file(visitor.servers.load("work"))
    assert kept is not None
    assert kept.read_bytes() == mine.read_bytes()
    (visitor.servers.path / "work" / "client.pem").write_bytes(b"nonsense")
    with pytest.raises(CertificateFileError):
        visitor.door(server, OLD, login, certificate=kept)


# -- the keyring ------------------------------------------------------------------------------------------------------


@pytest.fixture
def ring(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("KEYRING_FILE", str(tmp_path / "keyring.json"))
    before = keyring.get_keyring()
    keyring.set_keyring(FileKeyring())  # type: ignore[no-untyped-call]
    yield tmp_path / "keyring.json"
    keyring.set_keyring(before)


def test_a_password_is_remembered_once_it_is_the_right_one(peer: Peer, visitor: Visitor, ring: Path) -> None:
    server = server_by(OLD, peer.port)
    visitor.servers.put(server, OLD.certificate)
    with pytest.raises(LoginRefusedError):
        visitor.visit(visitor.door(server, OLD, Password("alice", "wrong"), remember=True))
    assert not ring.exists()
    door = visitor.door(server, OLD, remember=True)
    visitor.visit(door)
    entry = f"securechat alice@localhost:{peer.port}"
    assert json.loads(ring.read_text()) == {entry: PASSWORD}
    assert visitor.servers.load("work").keyring
    door.password_changed("another horse")
    assert json.loads(ring.read_text()) == {entry: "another horse"}


def test_a_password_goes_to_no_keyring_unasked(peer: Peer, visitor: Visitor, ring: Path) -> None:
    server = server_by(OLD, peer.port, keyring=True)
    visitor.servers.put(server, OLD.certificate)
    bob = visitor.door(server, OLD, Password("bob", PASSWORD), user="bob")
    assert bob.saved is None
    visitor.visit(bob)
    bob.password_changed("bob's own")
    visitor.visit(visitor.door(replace(server, keyring=False), OLD))
    assert not ring.exists()


def test_a_keyring_that_fails_does_not_end_the_chat(
    peer: Peer, visitor: Visitor, ring: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KEYRING_FILE", "locked")
    server = server_by(OLD, peer.port)
    visitor.servers.put(server, OLD.certificate)
    visitor.visit(visitor.door(server, OLD, remember=True))
    assert visitor.told == ["the system's keyring does not keep the password (KeyringLocked)"]
    assert not visitor.servers.load("work").keyring


def test_where_no_password_was_needed_there_is_none_to_remember(
    certs: Path, tmp_path: Path, visitor: Visitor, ring: Path
) -> None:
    mine = certs / "clients" / "alice.pem"
    path, _ = certified(tmp_path, OLD)
    context = server_context(path)
    context.load_verify_locations(certs / "client-ca.pem")
    context.verify_mode = context.verify_mode.CERT_OPTIONAL
    with Peer(context, {"sasl": "EXTERNAL"}) as peer:
        peer.mechanisms = {"EXTERNAL": External}
        login = Certificate.of(mine, "alice")
        peer.certificates = {login.fingerprint: "alice"}
        server = server_by(OLD, peer.port)
        visitor.servers.put(server, OLD.certificate)
        visitor.visit(visitor.door(server, OLD, login, certificate=mine, remember=True))
    assert visitor.told == ["nothing was put into the keyring, since no password was needed"]
    assert not ring.exists()
    assert visitor.servers.load("work") == server
