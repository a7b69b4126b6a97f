"""CERT: what the server's authority has signed and revoked, and the certificates with which an account logs in."""

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from securechat.chat.events import Event
from securechat.chat.requests import AddCertificate, RemoveCertificate
from securechat.irc.pieces import pieces
from securechat.pki import Authority, Purpose, RevocationList, make_request, new_key
from securechat.pki.succession import appoint, history_path, save_history
from securechat.server.authorities import Authorities
from securechat.server.certificates import CertificateRefusedError, judge
from securechat.server.identity import Identities
from securechat.store.database import Database, NotStored
from securechat.store.rows import is_stored
from tests.pki.papers import CLIENT, DAY, NOW, SERVER, Paper, name, paper
from tests.server.certificates import cert, external, supplied, told, words
from tests.server.wire import House, Opener, commands, params, plain, running


def forget_all(house: House) -> None:
    """No account has registered any certificate."""
    for entry in list(house.hub.chat.certificates.values()):
        account = house.hub.chat.accounts_by_id[entry.account_id]
        house.do(RemoveCertificate(None, account.name, entry.fingerprint))


@pytest.fixture(autouse=True)
def as_it_was(house: House) -> Iterator[None]:
    """Every test leaves the accounts without certificates."""
    yield
    forget_all(house)


# -- for everybody ----------------------------------------------------------------------------------------------------


def test_the_authority_is_the_first_thing_that_can_be_asked_for(opened: Opener, certs: Path) -> None:
    authority = x509.load_pem_x509_certificate((certs / "ca.pem").read_bytes())
    stranger = opened.stranger()
    for line in ("CERT AUTHORITY", "cert authority", "CERT AUTHORITY whatever :follows it"):
        assert supplied(stranger.ask(line), "AUTHORITY") == [authority.public_bytes(Encoding.DER)]
    assert supplied(opened().ask("CERT AUTHORITY"), "AUTHORITY") == [authority.public_bytes(Encoding.DER)]


def test_as_one_answer_to_a_label(opened: Opener) -> None:
    client = opened(None, "labeled-response", "batch")
    opening, *lines, closing = client.ask("@label=a CERT AUTHORITY")
    assert (opening.command, opening.params[1], opening.tags["label"]) == ("BATCH", "labeled-response", "a")
    assert closing.command == "BATCH"
    assert len(supplied(lines, "AUTHORITY")) == 1


def test_successions_and_what_was_revoked(certs: Path, tmp_path: Path) -> None:
    """Behind the authority of today: how the one before it vouches for it."""
    place = tmp_path / "certs"
    shutil.copytree(certs, place)
    now = datetime.now(UTC)
    authority = Authority.load(place, Purpose.SERVERS, now=now)
    step = appoint(Authority.create(Purpose.SERVERS, now=now), authority, now=now)
    save_history(history_path(place / "ca.pem"), [step], now=now)
    revoked = RevocationList.make(authority, now=now, serials=range(1, 200))
    revoked.save(place / "ca.crl")
    with running(place, tmp_path) as house:
        stranger = Opener(house).stranger()
        found = supplied(stranger.ask("CERT AUTHORITY"), "AUTHORITY")
        assert found == [one.public_bytes(Encoding.DER) for one in (authority.certificate, step)]
        assert supplied(stranger.ask("CERT REVOKED"), "REVOKED") == [revoked.der()]


def test_where_there_is_no_authority_of_its_own(opened: Opener, house: House) -> None:
    stranger = opened.stranger()
    assert told(stranger.ask("CERT REVOKED")) == ["FAIL", "NO_LIST"]
    before, house.hub.identities = house.hub.identities, Identities("optional", Authorities())
    try:
        assert told(stranger.ask("CERT AUTHORITY")) == ["FAIL", "NO_AUTHORITY"]
    finally:
        house.hub.identities = before


def test_the_rest_is_not_for_strangers(opened: Opener, house: House) -> None:
    stranger, guest = opened.stranger(), opened()
    piece = pieces(paper().der)[-1]
    for line in ("CERT LIST", f"CERT ADD {piece}", "CERT ADD *", "CERT DEL 0123456789", f"CERT ENROLL {piece}"):
        assert commands(stranger.ask(line)) == ["451"]
    stranger.ask("CAP REQ :sasl", "AUTHENTICATE PLAIN", f"AUTHENTICATE {plain('alice')}")
    assert commands(stranger.ask("CERT LIST")) == ["451"]
    for answers in (
        guest.ask("CERT LIST"),
        guest.ask("CERT DEL 0123456789"),
        cert(guest, "ADD", paper().der),
        cert(guest, "ENROLL", make_request(new_key(), "alice").public_bytes(Encoding.DER)),
    ):
        assert told(answers) == ["FAIL", "ACCOUNT_REQUIRED"]
    assert told(guest.ask("CERT STEAL it")) == ["FAIL", "INVALID_PARAMS", "STEAL"]
    assert told(guest.ask(f"CERT {'x' * 300}")) == ["FAIL", "INVALID_PARAMS", "x" * 100]
    for line in ("CERT", "CERT ADD", "CERT DEL", "CERT ENROLL"):
        assert commands(guest.ask(line)) == ["461"]
    assert house.hub.chat.certificates == {}


# -- certificates of one's own ----------------------------------------------------------------------------------------


def test_one_is_added_and_logs_in(opened: Opener, tmp_path: Path) -> None:
    alice, mine = opened(account="alice"), paper("my irssi")
    assert told(cert(alice, "ADD", mine.der)) == ["NOTE", "ADDED", mine.fingerprint]
    there, outcome = external(opened, mine.save(tmp_path / "mine.pem"))
    assert outcome == ["900", "903"]
    there.send("NICK alice", "USER u 0 * :r", "CAP END")
    there.expect("001", "alice")
    entry, end = alice.ask("CERT LIST")
    fingerprint, added, expires, common = entry.params[2:]
    assert entry.params[:2] == ["CERT", "CERTIFICATE"]
    assert (fingerprint, common) == (mine.fingerprint, "my irssi")
    assert NOW - DAY < datetime.fromisoformat(added) < NOW + DAY
    assert datetime.fromisoformat(expires) == NOW + DAY
    assert told([end]) == ["NOTE", "END_OF_CERTIFICATES"]


def test_the_list_is_in_order_and_ones_own(opened: Opener) -> None:
    alice, bob = opened(account="alice"), opened(account="Bob")
    assert told(alice.ask("CERT LIST")) == ["NOTE", "END_OF_CERTIFICATES"]
    papers = [paper(common) for common in ("first", "\x1b[31m\u202ered\n  x", "second " + "x" * 57)]
    for one in papers:
        cert(alice, "ADD", one.der)
    names = [message.params[-1] for message in alice.ask("CERT LIST")]
    assert names[:2] == ["first", "?[31m?red? x"]
    assert names[2] == "second " + "x" * 57
    assert told(bob.ask("CERT LIST")) == ["NOTE", "END_OF_CERTIFICATES"]


def test_one_without_a_name(opened: Opener) -> None:
    alice = opened(account="alice")
    key = ec.generate_private_key(ec.SECP256R1())
    nobody = x509.Name([])
    certificate = (
        x509.CertificateBuilder(nobody, nobody, key.public_key(), x509.random_serial_number(), NOW - DAY, NOW + DAY)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    assert told(cert(alice, "ADD", certificate.public_bytes(Encoding.DER)))[:2] == ["NOTE", "ADDED"]
    assert alice.ask("CERT LIST")[0].params[-1] == "A certificate of yours, without a name"


def test_one_is_one_accounts(opened: Opener) -> None:
    alice, bob, mine = opened(account="alice"), opened(account="Bob"), paper()
    cert(alice, "ADD", mine.der)
    for client, sentence in (
        (alice, "You have registered it already"),
        (bob, "Another account has registered it"),
    ):
        answers = cert(client, "ADD", mine.der)
        assert told(answers) == ["FAIL", "CERTIFICATE_EXISTS", mine.fingerprint]
        assert answers[0].params[-1] == sentence


def test_no_more_than_so_many(opened: Opener, house: House) -> None:
    alice = opened(account="alice")
    for number in range(house.hub.chat.rules.certificates):
        assert told(cert(alice, "ADD", paper(f"number {number}").der))[1] == "ADDED"
    assert told(cert(alice, "ADD", paper("too many").der)) == ["FAIL", "LIMIT_REACHED"]
    first = alice.ask("CERT LIST")[0].params[2]
    alice.ask(f"CERT DEL {first}")
    assert told(cert(alice, "ADD", paper("not too many").der))[1] == "ADDED"


def test_what_is_no_certificate_for_this(opened: Opener, house: House, certs: Path) -> None:
    alice = opened(account="alice")
    clients = Authority.load(certs, Purpose.CLIENTS, now=datetime.now(UTC))
    servers = Authority.load(certs, Purpose.SERVERS, now=datetime.now(UTC))
    weak = rsa.generate_private_key(65537, 1024)  # noqa: S505
    authority_name = clients.certificate.subject.rfc4514_string().removeprefix("CN=")
    for der, sentence in (
        (b"", "It is not a certificate that can be read"),
        (b"nonsense", "It is not a certificate that can be read"),
        (paper().der[:-1], "It is not a certificate that can be read"),
        (paper().der + b"x", "It is not a certificate that can be read"),
        (paper(end=NOW - timedelta(hours=1)).der, "It has expired"),
        (paper(begin=NOW + timedelta(hours=1)).der, "It is not valid yet"),
        (paper(usage=SERVER).der, "It is not a certificate for clients"),
        (_of(weak), "A key of the kind RSA 1024 can't be used: make one for P-256"),
        (_of(ec.generate_private_key(ec.SECP256K1())), "A key of the kind secp256k1 can't be used"),
        (clients.certificate.public_bytes(Encoding.DER), "It is that of an authority of this server"),
        (servers.certificate.public_bytes(Encoding.DER), "It is that of an authority of this server"),
        (
            paper(authority_name.upper(), ca=True).der,
            "It has the name of the authority of clients",
        ),
        (
            clients.issue_client("Bob", now=datetime.now(UTC)).certificate.public_bytes(Encoding.DER),
            "It was made out to somebody",
        ),
    ):
        assert words(cert(alice, "ADD", der)).startswith(sentence)
    assert house.hub.chat.certificates == {}


def _of(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> bytes:
    """A certificate for a key of this kind."""
    return (
        x509.CertificateBuilder(name("x"), name("x"), key.public_key(), 7, NOW - DAY, NOW + DAY)
        .sign(key, hashes.SHA256())
        .public_bytes(Encoding.DER)
    )


def test_one_that_was_made_out_to_oneself(opened: Opener, house: House, tmp_path: Path) -> None:
    """It can be registered, which changes nothing: what its authority takes back is taken back."""
    shown = house.client_certificate("alice")
    assert words(opened(account="alice").ask("CERT ADD *")) == "This connection shows no certificate"
    alice = opened(account="alice", certificate=shown)
    assert told(alice.ask("CERT ADD *"))[1] == "ADDED"
    assert external(opened, shown)[1] == ["900", "903"]
    certificate = x509.load_pem_x509_certificates(shown.read_bytes())[0]
    now = datetime.now(UTC)
    authority = Authority.load(house.certs, Purpose.CLIENTS, now=now)
    listed = RevocationList.make(authority, now=now, serials=[certificate.serial_number])
    before = house.hub.identities
    house.hub.identities = Identities("optional", replace(before.authorities, clients_revoked=listed))
    try:
        alice.ask(f"CERT DEL {certificate.fingerprint(hashes.SHA256()).hex()}")
        assert words(cert(alice, "ADD", certificate.public_bytes(Encoding.DER))) == "It was revoked"
    finally:
        house.hub.identities = before


def test_it_is_on_disk_before_it_is_added(opened: Opener, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    write = Database.write

    def full(database: Database, events: Sequence[Event]) -> None:
        if any(map(is_stored, events)):
            raise NotStored("the disk is full")
        write(database, events)

    alice, mine = opened(account="alice"), paper()
    monkeypatch.setattr(house.hub, "_not_stored_told", float("inf"))  # it is no defect of ours
    monkeypatch.setattr(Database, "write", full)
    (refused,) = cert(alice, "ADD", mine.der)
    assert refused.params[1] == "TEMPORARILY_UNAVAILABLE"
    assert "the disk is full" in refused.params[-1]
    monkeypatch.undo()
    assert told(alice.ask("CERT LIST")) == ["NOTE", "END_OF_CERTIFICATES"]
    assert told(cert(alice, "ADD", mine.der))[1] == "ADDED"


@pytest.mark.filterwarnings("ignore::cryptography.utils.CryptographyDeprecationWarning")  # it reads some bad ones yet
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    changes=st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 255)), max_size=4),
    cut=st.none() | st.integers(0, 500),
    which=st.integers(0, 2),
)
def test_whatever_is_added(house: House, changes: list[tuple[int, int]], cut: int | None, which: int) -> None:
    """A sentence for its owner, or what can be shown."""
    der = bytearray(SAMPLES[which].der[:cut])
    for place, value in changes:
        if der:
            der[place % len(der)] = value
    try:
        candidate = judge(house.hub, bytes(der), house.hub.chat.accounts["alice"])
        sentence = "It can be added"
    except CertificateRefusedError as error:
        candidate, sentence = None, str(error)
    assert sentence[0].isupper()
    assert sentence.isprintable()
    assert len(sentence) < 200
    assert candidate is None or (candidate.name.isprintable() and len(candidate.name.encode()) <= 100)


SAMPLES = (
    paper("\x1b\u202e" * 15),
    paper(accounts=["alice"], usage=CLIENT, ca=False),
    paper(ca=True, uris=["https://example.org/"], by=paper("another")),
)

# -- the end of one ---------------------------------------------------------------------------------------------------


def test_who_logged_in_with_one_that_is_removed_is_sent_away(opened: Opener, tmp_path: Path) -> None:
    alice, mine = opened(account="alice"), paper()
    cert(alice, "ADD", mine.der)
    shown = mine.save(tmp_path / "mine.pem")
    phone, early = external(opened, shown)[0], external(opened, shown)[0]
    phone.send("NICK alice", "USER u 0 * :r", "CAP END")
    phone.expect("001")
    other = opened(account="alice", certificate=shown)  # with the password, whatever it shows
    digits = ":".join(mine.fingerprint[place : place + 2].upper() for place in range(0, 10, 2))
    assert told(alice.ask(f"CERT DEL {digits}")) == ["NOTE", "REMOVED", mine.fingerprint]
    for client in (phone, early):
        *_, error = client.to_end()
        assert error.params == ["Closing link: The certificate with which you logged in was removed"]
    assert told(other.ask("CERT LIST")) == ["NOTE", "END_OF_CERTIFICATES"]
    assert external(opened, shown)[1] == ["904"]


def test_who_removes_it_may_stay(opened: Opener, tmp_path: Path) -> None:
    mine = paper()
    cert(opened(account="alice"), "ADD", mine.der)
    phone, _ = external(opened, mine.save(tmp_path / "mine.pem"))
    phone.send("NICK alice", "USER u 0 * :r", "CAP END")
    phone.expect("001")
    phone.sync()
    assert told(phone.ask(f"CERT DEL {mine.fingerprint}")) == ["NOTE", "REMOVED", mine.fingerprint]
    assert told(phone.ask("CERT LIST")) == ["NOTE", "END_OF_CERTIFICATES"]


def test_which_one_is_removed(opened: Opener, house: House) -> None:
    alice, bob, mine = opened(account="alice"), opened(account="Bob"), paper()
    cert(alice, "ADD", mine.der)
    for digits in ("0" * 64, mine.fingerprint[:7], "nothexadecimal", mine.fingerprint + "0", "0::::::::1", "é" * 8):
        assert told(alice.ask(f"CERT DEL {digits}")) == ["FAIL", "NO_SUCH_CERTIFICATE", digits]
    assert told(bob.ask(f"CERT DEL {mine.fingerprint}"))[:2] == ["FAIL", "NO_SUCH_CERTIFICATE"]
    assert [*house.hub.chat.certificates] == [mine.fingerprint]


def test_first_digits_of_two(opened: Opener, house: House) -> None:
    alice = opened(account="alice")
    (number,) = (session for session, user in house.hub.chat.sessions.items() if user.account == "alice")
    for last in "ab":
        house.do(AddCertificate(number, "0" * 63 + last, paper().der, "", 0))
    (answer,) = alice.ask("CERT DEL 00000000")
    assert answer.params[1:] == ["NO_SUCH_CERTIFICATE", "00000000", "Several of yours begin like that"]
    assert told(alice.ask(f"CERT DEL {'0' * 63}a"))[1] == "REMOVED"


# -- pieces -----------------------------------------------------------------------------------------------------------


def long_paper() -> Paper:
    """One of several pieces."""
    return paper(uris=[f"https://example.org/{'x' * 900}"])


def test_a_label_for_each_piece(opened: Opener) -> None:
    alice, mine = opened(None, "labeled-response", "batch", account="alice"), long_paper()
    lines = [f"@label={number} CERT ADD {piece}" for number, piece in enumerate(pieces(mine.der))]
    *acks, answer = alice.ask(*lines)
    assert len(acks) > 1
    assert commands(acks) == ["ACK"] * len(acks)
    assert [message.tags["label"] for message in (*acks, answer)] == [str(number) for number in range(len(lines))]
    assert told([answer])[1] == "ADDED"


@pytest.mark.parametrize("between", ["CERT LIST", "CERT ADD *", "CERT AUTHORITY", "CERT NONSENSE", "CERT ENROLL eA=="])
def test_another_subcommand_ends_what_is_half_there(opened: Opener, between: str) -> None:
    alice = opened(account="alice")
    first, *others = pieces(long_paper().der)
    alice.ask(f"CERT ADD {first}", between)
    assert told(alice.ask(*(f"CERT ADD {piece}" for piece in others))) == ["FAIL", "INVALID_CERTIFICATE"]


def test_what_is_said_between_does_not(opened: Opener) -> None:
    alice, mine = opened(account="alice"), long_paper()
    first, *others = pieces(mine.der)
    assert alice.ask(f"CERT ADD {first}") == []
    alice.ask("JOIN #between", "PRIVMSG #between :and so on")
    opened(account="alice").ask(f"CERT ADD {first}")
    assert told(alice.ask(*(f"CERT ADD {piece}" for piece in others))) == ["NOTE", "ADDED", mine.fingerprint]


def test_what_is_no_piece_or_too_much(opened: Opener, house: House) -> None:
    alice = opened(account="alice")
    for line in ("CERT ADD !", "CERT ADD :", "CERT ADD :a b", f"CERT ADD {'A' * 401}"):
        assert words(alice.ask(line)).startswith("That is no Base64 in pieces")
    assert told(alice.ask("CERT ENROLL =")) == ["FAIL", "INVALID_REQUEST"]
    *acks, refused = alice.ask(*[f"CERT ADD {'A' * 400}"] * 55)
    assert acks == []
    assert words([refused]) == "That is too long: it can have 16,384 bytes at most"
    (session,) = (one for one in house.hub.all_sessions() if one.account is not None and one.account.name == "alice")
    assert session.series is None


def test_the_list_has_no_word_of_them_in_messages(opened: Opener) -> None:
    """CERT is the session's own: nobody else hears of it."""
    alice, bob = opened(account="alice", join="#here"), opened(account="Bob", join="#here")
    alice.sync()
    cert(alice, "ADD", paper().der)
    assert params(bob.sync(), "NOTE") == []
