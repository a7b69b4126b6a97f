"""Client certificates over the wire: who is let in, what a client is told, and who has to go when one is revoked."""

import ssl
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from securechat.chat.requests import AddCertificate, RemoveCertificate
from securechat.pki import (
    Authority,
    CertificateInfo,
    Purpose,
    RevocationList,
    make_development_certs,
    revocation_path,
)
from securechat.server import reload as reloading
from securechat.server.anchors import Anchors
from securechat.server.reload import read_certificates
from securechat.server.session import Session
from tests.pki.papers import CLIENT, DAY, NOW, SERVER, Paper, paper
from tests.server.certificates import supplied, told
from tests.server.wire import Client, House, Opener, commands, one, params, running


@pytest.fixture
def moving(tmp_path: Path) -> Path:
    """Certificates that a test may change."""
    directory = tmp_path / "certs"
    make_development_certs(directory, machine="localhost")
    return directory


@pytest.fixture
def required(moving: Path, tmp_path: Path) -> Iterator[House]:
    with running(moving, tmp_path, client_cert="required") as one:
        yield one


@pytest.fixture
def changing(moving: Path, tmp_path: Path) -> Iterator[House]:
    """A server whose certificates a test may change."""
    with running(moving, tmp_path) as one:
        one.read_again = True
        yield one


def session_of(house: House, client: Client) -> Session:
    return next(one for one in house.hub.all_sessions() if one.nick == client.nick)


def register_certificate(house: House, client: Client, own: Paper) -> None:
    """As CERT ADD does."""
    info = CertificateInfo.of(own.certificate)
    expires = int(info.not_after.timestamp())
    house.do(AddCertificate(session_of(house, client).number, own.fingerprint, own.der, info.name, expires))
    assert house.hub.reloader.trust(own.der)


def revoke(certs: Path, path: Path) -> None:
    """What `securechat certs revoke` does."""
    authority = Authority.load(certs, Purpose.CLIENTS, now=datetime.now(UTC))
    listed = revocation_path(certs / "client-ca.pem")
    known = RevocationList.load(listed, authority.certificate) or RevocationList.make(authority, now=datetime.now(UTC))
    known.extend(authority, [CertificateInfo.read(path).serial], now=datetime.now(UTC)).save(listed)


def handshake_fails(house: House, certificate: Path) -> None:
    """The alert comes with the first read, when the client's handshake is over (RFC 8446 section 4.4.2.4)."""
    with pytest.raises(OSError), Client(house, certificate) as client:
        client.to_end()


# -- optional ---------------------------------------------------------------------------------------------------------


def test_a_certificate_of_the_authority(house: House, opened: Opener) -> None:
    path = house.client_certificate("alice")
    client = opened(certificate=path)  # as a guest, for it has not said that it wants to log in
    session = session_of(house, client)
    assert session.certificate is not None
    assert session.certificate.info == CertificateInfo.read(path)
    account, _ = house.hub.identities.account_of(session.certificate, house.hub.chat)
    assert account is not None
    assert account.name == "alice"
    assert session.proved is None


def test_none(house: House, opened: Opener) -> None:
    assert session_of(house, opened()).certificate is None


def test_ones_own_is_good_as_soon_as_it_is_registered(house: House, opened: Opener, tmp_path: Path) -> None:
    own = paper("irssi", ca=True)
    path = own.save(tmp_path / "own.pem")
    handshake_fails(house, path)
    register_certificate(house, opened(account="alice"), own)
    session = session_of(house, opened(certificate=path))
    assert session.certificate is not None
    assert session.certificate.fingerprint == own.fingerprint
    account, _ = house.hub.identities.account_of(session.certificate, house.hub.chat)
    assert account is not None
    assert account.name == "alice"
    house.do(RemoveCertificate(None, "alice", own.fingerprint))
    assert house.hub.identities.account_of(session.certificate, house.hub.chat)[0] is None


def test_what_a_registered_one_has_signed_is_nobodys(house: House, opened: Opener, tmp_path: Path) -> None:
    mallory = paper("mallory", ca=True)
    register_certificate(house, opened(account="Bob"), mallory)
    false = paper("alice", by=mallory, accounts=["alice"], usage=CLIENT).save(tmp_path / "false.pem", mallory)
    session = session_of(house, opened(certificate=false))
    assert session.certificate is not None
    assert session.certificate.info.account == "alice"
    assert house.hub.identities.account_of(session.certificate, house.hub.chat)[0] is None


def test_an_expired_one_does_not_keep_its_owner_out(house: House, opened: Opener, tmp_path: Path) -> None:
    """They can still log in with a password, and see to a new one."""
    authority = Authority.load(house.certs, Purpose.CLIENTS, now=datetime.now(UTC))
    old = paper("alice", by=authority, accounts=["alice"], begin=NOW - 9 * DAY, end=NOW - DAY)
    client = opened(account="alice", certificate=old.save(tmp_path / "old.pem"))
    session = session_of(house, client)
    assert session.certificate is not None
    assert house.hub.identities.account_of(session.certificate, house.hub.chat)[1] == "it has expired"


def test_the_servers_own_certificate_is_nobodys(house: House) -> None:
    handshake_fails(house, house.certs / "server.pem")


def test_one_for_servers_that_is_registered_all_the_same(house: House, opened: Opener, tmp_path: Path) -> None:
    own = paper("irssi", usage=SERVER)
    assert house.hub.reloader.why_unfit(own.der) == "It is not a certificate for clients"
    register_certificate(house, opened(account="alice"), own)
    handshake_fails(house, own.save(tmp_path / "own.pem"))


def test_a_malformed_one_that_openssl_takes(house: House, opened: Opener, tmp_path: Path) -> None:
    """By somebody who can sign, for their own authority is registered."""
    mallory = paper("another mallory", ca=True)
    register_certificate(house, opened(account="Bob"), mallory)
    bent = paper("bent", by=mallory, bent=True)
    client = opened.stranger(bent.save(tmp_path / "bent.pem", mallory))
    assert [m.params for m in client.to_end()] == [["Closing link: Your certificate is malformed"]]


# -- off --------------------------------------------------------------------------------------------------------------


def test_who_is_not_asked(certs: Path, tmp_path: Path) -> None:
    with running(certs, tmp_path, client_cert="off") as house:
        opened = Opener(house)
        client = opened(certificate=house.client_certificate("alice"))
        assert session_of(house, client).certificate is None
        own = paper().save(tmp_path / "own.pem")
        assert session_of(house, opened(certificate=own)).certificate is None
        assert house.hub.reloader.trust(paper().der)  # there is nothing to do


# -- required ---------------------------------------------------------------------------------------------------------


def test_who_has_none_gets_a_sentence_and_no_alert(required: House) -> None:
    client = Opener(required).stranger()
    client.send("CAP LS 302", "NICK alice", "USER alice 0 * :alice")
    (error,) = client.to_end()
    assert error.command == "ERROR"
    assert "wants a client certificate" in error.params[0]
    assert "--cert" in error.params[0]


def test_the_sentence_arrives_however_much_the_client_says_meanwhile(required: House) -> None:
    """What is left unread in a socket that is closed makes a reset, which takes the last words with it."""
    client = Opener(required).stranger()
    for _ in range(50):
        try:
            client.send(*[f"PRIVMSG #lobby :{'x' * 400}"] * 20)
        except OSError:
            break  # it has gone, after its last words
    assert [message.command for message in client.to_end()] == ["ERROR"]


def test_who_has_one_comes(required: House) -> None:
    client = Opener(required)("guest", certificate=required.client_certificate("alice"))
    assert commands(client.ask("TIME")) == ["391"]


def test_an_expired_one_gets_a_sentence(required: House, tmp_path: Path) -> None:
    authority = Authority.load(required.certs, Purpose.CLIENTS, now=datetime.now(UTC))
    old = paper("alice", by=authority, accounts=["alice"], begin=NOW - 9 * DAY, end=NOW - DAY)
    (error,) = Opener(required).stranger(old.save(tmp_path / "old.pem")).to_end()
    assert f"Your certificate expired on {NOW - DAY:%Y-%m-%d}" in error.params[0]


# -- revoked ----------------------------------------------------------------------------------------------------------


def test_a_revoked_one_ends_its_sessions_and_no_others(changing: House, moving: Path) -> None:
    opened = Opener(changing)
    path, other = changing.client_certificate("alice"), changing.client_certificate("carol")
    alice, carol, bob = opened("a", certificate=path), opened("c", certificate=other), opened("b")
    revoke(moving, path)
    changing.hub.reloader.reload_certificates()
    (error,) = alice.to_end()
    assert error.params == ["Closing link: Your certificate was revoked"]
    assert commands(carol.ask("TIME")) == commands(bob.ask("TIME")) == ["391"]
    (again,) = opened.stranger(path).to_end()
    assert again.params == error.params


def test_a_reload_of_everything_does_the_same(changing: House, moving: Path) -> None:
    path = changing.client_certificate("alice")
    alice = Opener(changing)(certificate=path)
    revoke(moving, path)
    changing.hub.reloader.reload("a test")
    assert alice.to_end()[-1].params == ["Closing link: Your certificate was revoked"]


@pytest.mark.parametrize("what", ["gone", "older"])
def test_what_was_revoked_stays_so(changing: House, moving: Path, what: str) -> None:
    """Where the list is lost, or an older one takes its place, nothing is read."""
    listed = revocation_path(moving / "client-ca.pem")
    first, second = changing.client_certificate("alice"), changing.client_certificate("carol")
    revoke(moving, first)
    old = listed.read_bytes()
    revoke(moving, second)
    changing.hub.reloader.reload_certificates()
    if what == "gone":
        listed.unlink()
    else:
        listed.write_bytes(old)
    with pytest.raises(reloading.ReloadRefusedError, match=what):
        changing.hub.reloader.reload_certificates()
    with pytest.raises(reloading.ReloadRefusedError, match=what):
        changing.hub.reloader.reload("a test")
    assert "revoked" in Opener(changing).stranger(second).to_end()[0].params[0]


def test_what_was_revoked_stays_so_while_its_authority_is_away(changing: House, moving: Path) -> None:
    """Whoever changes the files one after the other does not let anybody in by that."""
    authority, listed = moving / "client-ca.pem", revocation_path(moving / "client-ca.pem")
    revoke(moving, changing.client_certificate("alice"))
    changing.hub.reloader.reload_certificates()
    kept = authority.read_bytes(), listed.read_bytes()
    authority.unlink()
    listed.unlink()
    changing.hub.reloader.reload_certificates()
    authority.write_bytes(kept[0])
    with pytest.raises(reloading.ReloadRefusedError, match="gone"):
        changing.hub.reloader.reload_certificates()
    listed.write_bytes(kept[1])
    changing.hub.reloader.reload_certificates()


# -- read again -------------------------------------------------------------------------------------------------------


def test_registered_ones_are_good_after_a_reload_and_a_restart(moving: Path, tmp_path: Path) -> None:
    own = paper("irssi")
    path = own.save(tmp_path / "own.pem")
    with running(moving, tmp_path) as house:
        house.read_again = True
        opened = Opener(house)
        register_certificate(house, opened(account="alice"), own)
        before = house.hub.reloader.context
        house.hub.reloader.reload_certificates()
        assert house.hub.reloader.context is not before
        opened(certificate=path)
    with running(moving, tmp_path, again=True) as house:
        Opener(house)(certificate=path)


def test_another_authority_of_clients(changing: House, moving: Path) -> None:
    old = changing.client_certificate("alice")
    Authority.create(Purpose.CLIENTS, now=datetime.now(UTC)).save(moving)
    changing.hub.reloader.reload_certificates()
    handshake_fails(changing, old)
    Opener(changing)(certificate=changing.client_certificate("alice"))


def test_the_mode_is_read_again(changing: House) -> None:
    loaded = changing.read()
    mode = replace(loaded.config.tls, client_cert="required")
    changing.read_again = False
    changing.loaded = read_certificates(replace(loaded.config, tls=mode))
    opened = Opener(changing)
    client = opened()
    changing.hub.reloader.reload("a test")
    stranger = opened.stranger()
    stranger.send("CERT AUTHORITY", "CERT REVOKED", "CERT LIST", "CAP LS 302")
    *public, none, end = stranger.to_end()
    assert supplied(public, "AUTHORITY") == list(changing.hub.identities.authorities.servers)
    assert told([none]) == ["FAIL", "NO_LIST"]
    assert "wants a client certificate" in end.params[0]
    assert commands(client.ask("TIME")) == ["391"]  # who is there stays
    assert changing.hub.identities.keeps_out(None, "alice", changing.hub.chat) == "without a certificate"


def test_those_that_are_not_registered_any_more_come_to_an_end(
    changing: House, moving: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reloading, "SPARE_ANCHORS", 5)
    reloader = changing.hub.reloader
    first, broken = reloader.context, (moving / "server.pem").read_bytes()
    for _ in range(5):
        assert reloader.trust(paper().der)
    assert reloader.context is first
    (moving / "server.pem").write_text("")
    assert not reloader.trust(paper().der)  # it can't be read again
    (moving / "server.pem").write_bytes(broken)
    assert reloader.trust(paper().der)
    assert reloader.context is not first
    assert reloader.context.cert_store_stats()["x509"] == 2  # with the authority


# -- in the way of others ---------------------------------------------------------------------------------------------


def test_one_under_the_name_of_the_authority(house: House) -> None:
    """It would lock out everybody whose certificate that signed: OpenSSL looks for who signed by the name."""
    subject = Authority.load(house.certs, Purpose.CLIENTS, now=datetime.now(UTC)).certificate.subject
    (common,) = (str(part.value) for part in subject)
    for spelling in (common, common.upper(), f"  {common.replace(' ', '   ')} "):
        mimic = paper(spelling, ca=True)
        assert "the name of the authority of clients" in house.hub.reloader.why_unfit(mimic.der)
        assert not house.hub.reloader.trust(mimic.der)
    Opener(house)(certificate=house.client_certificate("alice"))
    house.everybody_out()


def test_one_under_the_name_of_who_signed_anothers() -> None:
    company = paper("The Company", ca=True)
    leaf = paper("leaf", by=company)
    mimics = [paper("the  company", ca=ca) for ca in (True, False)]
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.verify_mode = ssl.CERT_OPTIONAL
    anchors = Anchors(context, None)
    assert anchors.trust(leaf.der)
    for mimic in mimics:
        assert "who signed the certificate of another" in anchors.why_unfit(mimic.der)
        assert not anchors.trust(mimic.der)
    other = Anchors(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), None)
    other.context.verify_mode = ssl.CERT_OPTIONAL
    assert other.trust(mimics[0].der)
    assert "sign it yourself" in other.why_unfit(leaf.der)
    assert not other.trust(leaf.der)


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"begin": NOW - 9 * DAY, "end": NOW - DAY}, "It has expired"),
        ({"begin": NOW + DAY, "end": NOW + 9 * DAY}, "It is not valid yet"),
        ({"usage": SERVER}, "It is not a certificate for clients"),
        ({"bent": True}, "It is not a certificate that can be read"),
        ({}, ""),
        ({"ca": True, "usage": CLIENT}, ""),
    ],
)
def test_what_can_be_registered(house: House, options: dict[str, object], why: str) -> None:
    assert house.hub.reloader.why_unfit(paper("weechat", **options).der) == why  # type: ignore[arg-type]


def test_what_can_not_be_read_can_not_be_registered(house: House) -> None:
    for der in (b"", b"\x30\x00", paper().certificate.public_bytes(Encoding.PEM)):
        assert house.hub.reloader.why_unfit(der) == "It is not a certificate that can be read"
        assert not house.hub.reloader.trust(der)


# -- WHOIS ------------------------------------------------------------------------------------------------------------


def test_whois_shows_it_to_oneself_and_operators(house: House, opened: Opener) -> None:
    paths = [house.client_certificate("alice"), house.client_certificate("Bob")]
    prints = [CertificateInfo.read(path).fingerprint for path in paths]
    alice = opened(account="alice", certificate=paths[0])
    opened(account="alice")  # shows none
    opened(account="alice", certificate=paths[1])
    opened(account="alice", certificate=paths[0])
    expected = [[alice.nick, "alice", f"has client certificate fingerprint {shown}"] for shown in prints]
    answers = alice.ask("WHOIS alice")
    assert params(answers, "276") == expected
    found = commands(answers)
    assert found.index("276") == found.index("671") + 1
    boss = opened(account="boss")
    assert [line[2] for line in params(boss.ask("WHOIS alice"), "276")] == [line[2] for line in expected]
    other = opened(account="carol", certificate=house.client_certificate("carol"))
    assert params(other.ask("WHOIS alice"), "276") == []
    assert one(other.ask("WHOIS alice"), "311").params[1] == "alice"
