"""Whose a client's certificate is: what belongs to whom, and every way to wear somebody else's name."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from securechat.chat.machine import Chat
from securechat.chat.model import Account, Certificate, Role
from securechat.chat.stamps import seconds, stamp_at
from securechat.pki import (
    Authority,
    AuthorityMissingError,
    BrokenFilesError,
    CertificateInfo,
    InvalidRequestError,
    Purpose,
    RevocationList,
    StorageError,
    make_request,
)
from securechat.server.authorities import Authorities
from securechat.server.config import ClientCert
from securechat.server.identity import REVOKED, Identities, PeerCertificate, UnreadableCertificateError
from tests.pki.papers import CLIENT, DAY, NOW, SERVER, Paper, name, paper

CLIENTS = Authority.create(Purpose.CLIENTS, now=NOW - 30 * DAY)
OTHERS = Authority.create(Purpose.CLIENTS, now=NOW - 30 * DAY)
SERVERS = Authority.create(Purpose.SERVERS, now=NOW - 30 * DAY)


def stamp(moment: datetime) -> int:
    return stamp_at(int(moment.timestamp() * 1000))


ALICE = Account(1, "Alice", Role.MEMBER, True, stamp(NOW - 20 * DAY), "")
BOB = Account(2, "bob", Role.MEMBER, True, stamp(NOW - 20 * DAY), "")


def issued(account: str, authority: Authority = CLIENTS, now: datetime = NOW) -> PeerCertificate:
    """As `securechat certs issue` makes it."""
    return peer(authority.issue_client(account, now=now).certificate)


def peer(certificate: x509.Certificate) -> PeerCertificate:
    info = CertificateInfo.of(certificate)
    return PeerCertificate(info.fingerprint, certificate.public_bytes(Encoding.DER), info)


def shows(one: Paper) -> PeerCertificate:
    """What the server knows of a connection that shows it."""
    return peer(one.certificate)


def chat(*registered: tuple[Paper, Account], retired: Iterable[tuple[str, datetime]] = ()) -> Chat:
    """One with alice and bob, and certificates that are registered as theirs."""
    return Chat(
        accounts=[ALICE, BOB],
        certificates=[Certificate(one.fingerprint, account.id, one.der, "", 1, 2) for one, account in registered],
        retired=[(who, stamp(when)) for who, when in retired],
    )


def identities(
    mode: ClientCert = "optional", now: datetime = NOW, revoked: Iterable[int] = (), by: Authority = CLIENTS
) -> Identities:
    listed = RevocationList.make(by, now=NOW, serials=revoked)
    return Identities(mode, Authorities(clients=CLIENTS.certificate, clients_revoked=listed), lambda: now)


def whose(shown: PeerCertificate, there: Chat | None = None, **options: object) -> str | None:
    """The name of the account, or None; then there is a reason."""
    account, why = identities(**options).account_of(shown, there or chat())  # type: ignore[arg-type]
    assert (account is None) == bool(why)
    return account.name if account is not None else None


# -- what belongs to whom ---------------------------------------------------------------------------------------------


def test_what_our_authority_made_out() -> None:
    assert whose(issued("alice")) == "Alice"
    assert whose(issued("ALICE")) == "Alice"  # a name is the same in all spellings
    assert whose(issued("bob")) == "bob"


def test_what_is_registered() -> None:
    own = paper("irssi")
    assert whose(shows(own)) is None
    assert whose(shows(own), chat((own, BOB))) == "bob"


@pytest.mark.parametrize("ca", [True, False, None])
def test_what_openssl_makes_is_good_for_registering(ca: bool | None) -> None:
    own = paper("weechat", ca=ca)
    assert whose(shows(own), chat((own, ALICE))) == "Alice"


def test_registering_wins_over_the_name() -> None:
    """It was made out to alice, and she gave it to bob's account, or he got it from her: his it is, to log in with."""
    certificate = CLIENTS.issue_client("alice", now=NOW)
    shown = Paper(certificate.certificate, certificate.key)
    assert whose(shows(shown), chat((shown, BOB))) == "bob"


def test_one_that_says_nothing_of_its_use_or_allows_any() -> None:
    anything = x509.ObjectIdentifier("2.5.29.37.0")
    for usage in (None, CLIENT, anything):
        assert whose(shows(paper(by=CLIENTS, accounts=["alice"], usage=usage))) == "Alice"


# -- wearing somebody else's name -------------------------------------------------------------------------------------


def test_signed_by_a_registered_certificate() -> None:
    """The one that matters: OpenSSL takes the chain, since whose certificate is an anchor may sign."""
    mallory = paper("mallory", ca=True)
    there = chat((mallory, BOB))
    false = paper("alice", by=mallory, accounts=["alice"], usage=CLIENT)
    assert whose(shows(false), there) is None
    assert identities().account_of(shows(false), there)[1] == (
        "it is neither registered nor signed by the authority of clients"
    )


def test_signed_by_one_that_has_the_name_of_our_authority() -> None:
    mimic = paper("mimic", ca=True)
    false = paper("alice", by=mimic, issuer=CLIENTS.certificate.subject, accounts=["alice"], usage=CLIENT)
    assert whose(shows(false), chat((mimic, BOB))) is None


def test_signed_by_what_our_authority_signed() -> None:
    """Bob's certificate is no authority; and if it were, what counts is who signed the one that is shown."""
    for ca in (True, False):
        bobs = paper("bob", by=CLIENTS, accounts=["bob"], ca=ca)
        assert whose(shows(paper("alice", by=bobs, accounts=["alice"])), chat((bobs, BOB))) is None


@pytest.mark.parametrize("authority", [OTHERS, SERVERS], ids=["another authority", "the authority of servers"])
def test_signed_by_another_authority(authority: Authority) -> None:
    assert whose(shows(paper("alice", by=authority, accounts=["alice"], usage=CLIENT))) is None


@pytest.mark.parametrize(
    ("accounts", "uris"),
    [
        (["alice", "bob"], []),
        (["bob", "alice"], []),
        ([], []),
        ([], ["securechat:account:Alice"]),  # spelt as we never do
        ([], ["https://example.org/alice"]),
        ([], ["securechat:account:"]),
    ],
)
def test_two_names_or_none(accounts: list[str], uris: list[str]) -> None:
    assert whose(shows(paper("alice", by=CLIENTS, accounts=accounts, uris=uris))) is None


def test_the_common_name_counts_for_nothing() -> None:
    assert whose(shows(paper("alice", by=CLIENTS))) is None
    assert whose(shows(paper("alice", by=CLIENTS, accounts=["bob"]))) == "bob"


def test_an_authority_that_names_an_account() -> None:
    assert whose(shows(paper("alice", by=CLIENTS, accounts=["alice"], ca=True))) is None


@pytest.mark.parametrize("registered", [True, False])
def test_a_servers_certificate(registered: bool) -> None:
    server = paper("alice", by=CLIENTS, accounts=["alice"], usage=SERVER)
    assert whose(shows(server), chat((server, ALICE)) if registered else chat()) is None


@pytest.mark.parametrize("registered", [True, False])
@pytest.mark.parametrize(
    ("begin", "end", "good"),
    [
        (NOW - DAY, NOW - timedelta(seconds=1), False),
        (NOW - DAY, NOW, True),
        (NOW, NOW + DAY, True),
        (NOW + timedelta(seconds=1), NOW + DAY, False),
    ],
)
def test_time(registered: bool, begin: datetime, end: datetime, good: bool) -> None:
    shown = paper("alice", by=CLIENTS, accounts=["alice"], begin=begin, end=end)
    assert (whose(shows(shown), chat((shown, ALICE)) if registered else chat()) == "Alice") is good


def test_the_authority_has_a_time_too() -> None:
    shown = paper("alice", by=CLIENTS, accounts=["alice"], end=NOW + 9999 * DAY)
    assert whose(shows(shown)) == "Alice"
    assert whose(shows(shown), now=NOW + 5000 * DAY) is None
    assert whose(shows(shown), chat((shown, ALICE)), now=NOW + 5000 * DAY) == "Alice"  # which needs no authority


# -- revoked ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("registered", [True, False])
def test_revoked(registered: bool) -> None:
    shown = paper("alice", by=CLIENTS, accounts=["alice"], serial=77)
    there = chat((shown, ALICE)) if registered else chat()
    assert whose(shows(shown), there, revoked=[76, 78]) == "Alice"
    assert whose(shows(shown), there, revoked=[77]) is None
    assert identities(revoked=[77]).closes(shows(shown)) == REVOKED
    assert identities(revoked=[78]).closes(shows(shown)) == ""


def test_the_same_number_from_another_is_another() -> None:
    own = paper("irssi", serial=77)
    assert whose(shows(own), chat((own, BOB)), revoked=[77]) == "bob"
    assert not identities(revoked=[77]).is_revoked(shows(own))


# -- accounts that are gone -------------------------------------------------------------------------------------------


def test_an_account_that_is_not_there() -> None:
    assert whose(issued("carol")) is None


def test_a_name_that_was_somebody_elses() -> None:
    old, new = issued("alice", now=NOW - 2 * DAY), issued("alice", now=NOW)
    there = chat(retired=[("alice", NOW - DAY)])
    assert whose(old, there) is None
    assert whose(new, there) == "Alice"
    assert whose(old, chat(retired=[("bob", NOW - DAY)])) == "Alice"


def test_an_account_that_is_disabled_is_still_who_it_is() -> None:
    there = chat()
    there.accounts["alice"] = replace(ALICE, enabled=False)
    account, _ = identities().account_of(issued("alice"), there)
    assert account is not None
    assert not account.enabled


# -- malformed --------------------------------------------------------------------------------------------------------


def test_what_can_not_be_read() -> None:
    own = paper()
    judged = identities().judge(own.der)
    assert judged == shows(own)
    assert "der" not in repr(judged)
    for der in (b"", b"\x30\x00", own.der[:-1], own.der + b"\0"):
        with pytest.raises(UnreadableCertificateError):
            identities().judge(der)


def test_an_extension_that_can_not_be_read() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    broken = x509.UnrecognizedExtension(x509.ExtendedKeyUsage.oid, b"\x04\x01x")
    certificate = (
        x509.CertificateBuilder(name("x"), name("x"), key.public_key(), 1, NOW - DAY, NOW + DAY)
        .add_extension(broken, critical=False)
        .sign(key, hashes.SHA256())
    )
    with pytest.raises(UnreadableCertificateError):
        identities().judge(certificate.public_bytes(Encoding.DER))


# -- where certificates are required ----------------------------------------------------------------------------------


def test_only_the_account_of_the_certificate_may_log_in() -> None:
    required = identities("required")
    alices, nobodys = issued("alice"), shows(paper())
    assert required.keeps_out(alices, "ALICE", chat()) == ""
    assert required.keeps_out(alices, "bob", chat()) == "with the certificate of another account"
    assert required.keeps_out(None, "alice", chat()) == "without a certificate"
    assert "nobody's" in required.keeps_out(nobodys, "alice", chat())
    assert "expired" in identities("required", now=NOW + 999 * DAY).keeps_out(alices, "alice", chat())


def test_an_account_that_is_about_to_be_made() -> None:
    required = identities("required")
    assert required.keeps_out(issued("carol"), "Carol", chat()) == ""
    assert required.keeps_out(issued("carol"), "dave", chat())
    assert required.keeps_out(shows(paper("carol", accounts=["carol"])), "carol", chat())
    old = issued("carol", now=NOW - 2 * DAY)
    assert required.keeps_out(old, "carol", chat(retired=[("carol", NOW - DAY)]))
    revoked = identities("required", revoked=[old.info.serial])
    assert revoked.keeps_out(old, "carol", chat())


@pytest.mark.parametrize("mode", ["optional", "off"])
def test_elsewhere_everybody_may(mode: ClientCert) -> None:
    for shown in (None, issued("bob"), shows(paper())):
        assert identities(mode).keeps_out(shown, "alice", chat()) == ""


def test_who_may_stay() -> None:
    required = identities("required")
    assert "wants a client certificate" in required.closes(None)
    assert required.closes(shows(paper())) == ""  # whose it is matters when somebody logs in
    assert "expired on" in identities("required", now=NOW + 2 * DAY).closes(shows(paper()))
    assert "not valid before" in identities("required", now=NOW - 2 * DAY).closes(shows(paper()))
    for shown in (None, shows(paper())):
        assert identities(now=NOW + 2 * DAY).closes(shown) == ""


# -- signing ----------------------------------------------------------------------------------------------------------


def signing(directory: Path | None, now: datetime = NOW) -> Identities:
    authorities = Authorities(clients=CLIENTS.certificate, signer=CLIENTS, signed=directory)
    return Identities("optional", authorities, lambda: now)


def csr(account: str = "mallory") -> tuple[bytes, ec.EllipticCurvePrivateKey]:
    key = ec.generate_private_key(ec.SECP256R1())
    return make_request(key, account).public_bytes(Encoding.DER), key


def test_what_is_signed_belongs_to_the_account_whatever_the_request_says(tmp_path: Path) -> None:
    server = signing(tmp_path)
    assert server.can_sign
    request, key = csr("bob")
    leaf, authority = map(x509.load_der_x509_certificate, server.sign(request, ALICE, 7))
    assert authority == CLIENTS.certificate
    assert leaf.public_key() == key.public_key()
    assert whose(peer(leaf)) == "Alice"
    assert leaf.not_valid_after_utc == NOW + 7 * DAY
    recorded = list((tmp_path / "issued").iterdir())
    assert [x509.load_pem_x509_certificate(path.read_bytes()) for path in recorded] == [leaf]


def test_a_certificate_is_not_older_than_its_account(tmp_path: Path) -> None:
    """An account of the same name was removed a moment before, and certificates begin five minutes ago."""
    new = replace(ALICE, created=stamp(NOW))
    (leaf, _) = signing(tmp_path).sign(csr()[0], new)
    there = chat(retired=[("alice", NOW)])
    assert seconds(new.created) == int(NOW.timestamp())
    assert whose(peer(x509.load_der_x509_certificate(leaf)), there) == "Alice"
    assert whose(issued("alice"), there) is None


def test_what_is_not_signed(tmp_path: Path) -> None:
    with pytest.raises(AuthorityMissingError):
        identities().sign(csr()[0], ALICE)
    assert not identities().can_sign
    for request in (b"", b"\x30\x00", csr()[0][:-1]):
        with pytest.raises(InvalidRequestError):
            signing(tmp_path).sign(request, ALICE)
    with pytest.raises(BrokenFilesError, match="expired"):
        signing(tmp_path, now=NOW + 5000 * DAY).sign(csr()[0], ALICE)
    blocked = tmp_path / "issued"
    blocked.write_text("in the way")
    with pytest.raises(StorageError):  # and not that the request is no good
        signing(tmp_path).sign(csr()[0], ALICE)
