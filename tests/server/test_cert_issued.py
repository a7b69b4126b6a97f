"""CERT LIST and DEL of what the server's authority of clients has signed: seen and taken back by whose it is."""

import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from securechat.chat.events import CertificateRemoved, Event
from securechat.chat.requests import RemoveAccount
from securechat.irc.pieces import pieces
from securechat.pki import (
    Authority,
    CertificateInfo,
    Issued,
    Purpose,
    RevocationList,
    StorageError,
    make_development_certs,
    make_request,
    new_key,
    record,
    revocation,
    revocation_path,
)
from securechat.pki.issuing import issue_client
from securechat.pki.register import State, read_register, revoke
from securechat.server.identity import Identities
from securechat.server.issued import IssuedCertificates
from securechat.store.database import Database, NotStored
from tests.pki.papers import CLIENT, DAY, NOW, SERVER, paper
from tests.server.certificates import cert, external, supplied, told
from tests.server.wire import PASSWORD, Client, House, Opener, running


@pytest.fixture(scope="module")
def certs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of this file's own, for what is signed and revoked stays so."""
    directory = tmp_path_factory.mktemp("own-certs")
    make_development_certs(directory, machine="localhost")
    return directory


@pytest.fixture(scope="module")
def house(certs: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """It does not look at its files by itself, for that may be in any moment."""
    with running(certs, tmp_path_factory.mktemp("house")) as one:
        one.server.watching.stop(20)
        yield one


@pytest.fixture
def own(tmp_path: Path) -> Iterator[House]:
    """A server whose files a test may change."""
    make_development_certs(tmp_path / "certs", machine="localhost")
    with running(tmp_path / "certs", tmp_path) as one:
        one.server.watching.stop(20)
        yield one


class Signed:
    """What CERT ENROLL has made, with its key in a file."""

    def __init__(self, client: Client, place: Path) -> None:
        key = new_key()
        request = make_request(key, "whatever").public_bytes(Encoding.DER)
        leaf, authority = map(x509.load_der_x509_certificate, supplied(cert(client, "ENROLL", request), "ENROLLED"))
        self.certificate = leaf
        self.info = CertificateInfo.of(leaf)
        self.fingerprint = self.info.fingerprint
        self.path = place / f"{leaf.serial_number:x}.pem"
        Issued(leaf, authority, key).save(self.path)


def listed(client: Client) -> list[str]:
    """The fingerprints in the list of those that were signed."""
    *entries, end = client.ask("CERT LIST")
    assert told([end]) == ["NOTE", "END_OF_CERTIFICATES"]
    return [entry.params[2] for entry in entries if entry.params[5] == "enrolled"]


def on_disk(certs: Path) -> RevocationList:
    """The list of what the authority of clients has revoked."""
    path = certs / "client-ca.pem"
    found = RevocationList.load(revocation_path(path), x509.load_pem_x509_certificate(path.read_bytes()))
    assert found is not None
    return found


def clear(client: Client) -> None:
    """Revoke all that others have left."""
    for fingerprint in listed(client):
        assert told(client.ask(f"CERT DEL {fingerprint}"))[:2] == ["NOTE", "REMOVED"]


def test_they_are_in_the_list(opened: Opener, house: House, tmp_path: Path) -> None:
    alice, bob = opened(account="alice"), opened(account="Bob")
    mine, registered = Signed(alice, tmp_path), paper("my irssi")
    cert(alice, "ADD", registered.der)
    issue_client(house.certs, "alice", now=datetime.now(UTC), path=tmp_path / "by-the-operator.pem")
    first, *others, end = alice.ask("CERT LIST")
    assert first.params[2::3] == [registered.fingerprint, "my irssi"], "as ever: four words and a name"
    (one,) = (entry for entry in others if entry.params[2] == mine.fingerprint)
    assert one.params[5] == "enrolled"
    assert [datetime.fromisoformat(time) for time in one.params[3:5]] == [mine.info.not_before, mine.info.not_after]
    assert one.params[6] == f"Signed for you by this server, serial number {mine.info.serial:x}"
    operators = CertificateInfo.read(tmp_path / "by-the-operator.pem").fingerprint
    assert {entry.params[2] for entry in others} == {mine.fingerprint, operators}
    assert told([end]) == ["NOTE", "END_OF_CERTIFICATES"]
    assert listed(bob) == []
    assert told(bob.ask(f"CERT DEL {mine.fingerprint}"))[:2] == ["FAIL", "NO_SUCH_CERTIFICATE"]
    alice.ask(f"CERT DEL {registered.fingerprint}")
    clear(alice)


def test_who_has_lost_one_takes_it_back(opened: Opener, house: House, tmp_path: Path) -> None:
    alice = opened(account="alice")
    lost, kept = Signed(alice, tmp_path), Signed(alice, tmp_path)
    thief, outcome = external(opened, lost.path)
    assert outcome == ["900", "903"]
    thief.send("NICK alice", "USER u 0 * :r", "CAP END")
    thief.expect("001")
    with_password = opened(account="alice", certificate=lost.path)
    other, _ = external(opened, kept.path)
    number = on_disk(house.certs).number if revocation_path(house.certs / "client-ca.pem").exists() else 0
    digits = lost.fingerprint[:12].upper()
    assert told(alice.ask(f"CERT DEL {digits[:6]}:{digits[6:]}")) == ["NOTE", "REMOVED", lost.fingerprint]
    for client in (thief, with_password):
        assert client.to_end()[-1].params == ["Closing link: Your certificate was revoked"]
    assert opened.stranger(lost.path).to_end()[-1].params == ["Closing link: Your certificate was revoked"]
    other.sync()
    assert external(opened, kept.path)[1] == ["900", "903"]
    assert listed(alice) == [kept.fingerprint]
    assert told(alice.ask(f"CERT DEL {lost.fingerprint}"))[:2] == ["FAIL", "NO_SUCH_CERTIFICATE"]
    after = on_disk(house.certs)
    assert after.number == number + 1
    assert after.revoked(lost.info.serial) is not None
    assert after.revoked(kept.info.serial) is None
    known = {one.info.fingerprint: one.state for one in read_register(house.certs, now=datetime.now(UTC)).known}
    assert (known[lost.fingerprint], known[kept.fingerprint]) == (State.REVOKED, State.VALID)
    assert house.logged("certificate revoked")[-1] == {
        "account": "alice", "fingerprint": lost.fingerprint, "serial": f"{lost.info.serial:x}"
    }  # fmt: skip
    clear(alice)


def test_with_the_one_that_is_shown(opened: Opener, tmp_path: Path) -> None:
    """The answer comes before the end."""
    mine = Signed(opened(account="alice"), tmp_path)
    phone, _ = external(opened, mine.path)
    phone.send("NICK alice", "USER u 0 * :r", "CAP END")
    phone.expect("001")
    phone.sync()
    phone.send(f"CERT DEL {mine.fingerprint}")
    *_, answer, error = phone.to_end()
    assert told([answer]) == ["NOTE", "REMOVED", mine.fingerprint]
    assert error.params == ["Closing link: Your certificate was revoked"]


def test_one_that_is_registered_besides(opened: Opener, house: House, tmp_path: Path) -> None:
    """It would go on logging in if only that ended."""
    alice = opened(account="alice")
    mine = Signed(alice, tmp_path)
    cert(alice, "ADD", mine.certificate.public_bytes(Encoding.DER))
    entry, _ = alice.ask("CERT LIST")
    assert entry.params[2] == mine.fingerprint
    assert len(entry.params) == 6, "it is there once, as registered"
    assert told(alice.ask(f"CERT DEL {mine.fingerprint}"))[1] == "REMOVED"
    assert on_disk(house.certs).revoked(mine.info.serial) is not None
    assert mine.fingerprint not in house.hub.chat.certificates
    assert opened.stranger(mine.path).to_end()[-1].params == ["Closing link: Your certificate was revoked"]


def test_one_that_is_shown_and_can_not_be_removed(
    opened: Opener, house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is revoked all the same, so that is the end of who shows it."""
    alice = opened(account="alice")
    mine = Signed(alice, tmp_path)
    cert(alice, "ADD", mine.certificate.public_bytes(Encoding.DER))
    shows = opened(account="alice", certificate=mine.path)
    write = Database.write

    def full(database: Database, events: Sequence[Event]) -> None:
        if any(isinstance(event, CertificateRemoved) for event in events):
            raise NotStored("the disk is full")
        write(database, events)

    monkeypatch.setattr(house.hub, "_not_stored_told", float("inf"))  # it is no defect of ours
    monkeypatch.setattr(Database, "write", full)
    shows.send(f"CERT DEL {mine.fingerprint}")
    *_, answer, error = shows.to_end()
    monkeypatch.undo()
    assert told([answer]) == ["FAIL", "TEMPORARILY_UNAVAILABLE"]
    assert error.params == ["Closing link: Your certificate was revoked"]
    assert told(alice.ask(f"CERT DEL {mine.fingerprint}"))[:2] == ["NOTE", "REMOVED"]


def test_where_somebody_else_has_the_key(opened: Opener, house: House, tmp_path: Path) -> None:
    alice = opened(account="alice")
    mine = Signed(alice, tmp_path)
    before = house.hub.identities
    house.hub.identities = Identities("optional", replace(before.authorities, signer=None))
    try:
        assert listed(alice) == [mine.fingerprint]
        (refused,) = alice.ask(f"CERT DEL {mine.fingerprint}")
        (unknown,) = alice.ask("CERT DEL 00000000")
    finally:
        house.hub.identities = before
    assert told([refused]) == ["FAIL", "REVOCATION_UNAVAILABLE", mine.fingerprint]
    assert refused.params[-1].startswith("Only whoever runs this server can")
    assert refused.params[-1].endswith(f"securechat certs revoke {mine.info.serial:x}")
    assert told([unknown]) == ["FAIL", "NO_SUCH_CERTIFICATE", "00000000"]
    assert unknown.params[-1].endswith("whoever runs this server can revoke what was signed: securechat certs revoke")
    assert listed(alice) == [mine.fingerprint]
    clear(alice)


def test_not_those_of_who_had_the_name_before(opened: Opener, house: House, tmp_path: Path) -> None:
    house.add_account("short")
    old = issue_client(house.certs, "short", now=datetime.now(UTC), path=tmp_path / "old.pem").info
    assert listed(opened(account="short")) == [old.fingerprint]
    house.do(RemoveAccount("short"))
    house.add_account("short")
    short = opened(account="short")
    new = Signed(short, tmp_path)
    assert listed(short) == [new.fingerprint]
    assert told(short.ask(f"CERT DEL {old.fingerprint}"))[:2] == ["FAIL", "NO_SUCH_CERTIFICATE"]
    assert listed(short) == [new.fingerprint]


def test_what_is_there_and_logs_nobody_in(own: House, tmp_path: Path) -> None:
    """What has expired, is for servers, or was signed by another; what is damaged; what was revoked, and all that the
    authority before has signed."""
    authority = Authority.load(own.certs, Purpose.CLIENTS, now=datetime.now(UTC))
    servers = Authority.load(own.certs, Purpose.SERVERS, now=datetime.now(UTC))
    alice = Opener(own)(account="alice")
    good = Signed(alice, tmp_path)
    for bad in (
        paper("alice", by=authority, accounts=["alice"], begin=NOW - 9 * DAY, end=NOW - DAY, usage=CLIENT),
        paper("alice", by=authority, accounts=["alice"], usage=SERVER),
        paper("alice", by=servers, accounts=["alice"], usage=CLIENT),
        paper("alice", by=authority, accounts=["alice", "bob"], usage=CLIENT),
    ):
        record(own.certs, bad.certificate)
    (own.certs / "issued" / "abc.pem").write_text("nonsense")
    (own.certs / "issued" / "another file").write_text("nonsense")
    assert listed(alice) == [good.fingerprint]
    revoke(own.certs, [good.certificate], now=datetime.now(UTC))
    own.hub.reloader.reload_certificates()
    assert listed(alice) == []
    last = Signed(alice, tmp_path)
    assert listed(alice) == [last.fingerprint]
    (own.certs / "issued" / f"{last.info.serial:x}.pem").unlink()
    assert listed(alice) == []
    record(own.certs, last.certificate)
    make_development_certs(own.certs, machine="localhost", force=True)
    own.hub.reloader.reload_certificates()
    assert listed(alice) == []


def test_several_at_once_and_the_operator(own: House, tmp_path: Path) -> None:
    """Each is on the list in the end."""
    opened = Opener(own)
    clients = [opened(account=name) for name in ("alice", "alice", "Bob", "carol")]
    signed = [Signed(client, tmp_path) for client in clients]
    operators = [Signed(clients[0], tmp_path) for _ in range(4)]
    barrier = threading.Barrier(len(clients) + 1)
    answers: list[list[str]] = []

    def take_back(client: Client, one: Signed) -> None:
        barrier.wait()
        answers.append(told(client.ask(f"CERT DEL {one.fingerprint}")))

    threads = [threading.Thread(target=take_back, args=both) for both in zip(clients, signed, strict=True)]
    for thread in threads:
        thread.start()
    barrier.wait()
    for one in operators:
        revoke(own.certs, [one.certificate], now=datetime.now(UTC))
    for thread in threads:
        thread.join()
    assert sorted(answers) == sorted(["NOTE", "REMOVED", one.fingerprint] for one in signed)
    after = on_disk(own.certs)
    assert {*after.entries} == {one.info.serial for one in (*signed, *operators)}
    assert after.number == len(after.entries)
    own.hub.reloader.reload_certificates()
    assert listed(clients[0]) == []


def test_a_full_disk(opened: Opener, house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    alice = opened(account="alice")
    mine = Signed(alice, tmp_path)
    shows = opened(account="alice", certificate=mine.path)

    def full(path: Path, _: bytes) -> None:
        raise StorageError(f"can't write {path}: No space left on device")

    monkeypatch.setattr(revocation, "write_public", full)
    (refused,) = alice.ask(f"CERT DEL {mine.fingerprint}")
    monkeypatch.undo()
    assert told([refused]) == ["FAIL", "REVOCATION_UNAVAILABLE", mine.fingerprint]
    assert refused.params[-1].startswith("Nothing was changed")
    assert house.faults.pop().startswith("a certificate could not be revoked")
    assert listed(shows) == [mine.fingerprint]
    clear(alice)


@pytest.mark.parametrize("what", ["gone", "older", "another authority"])
def test_a_list_that_is_not_the_one_that_was_there(own: House, tmp_path: Path, what: str) -> None:
    """Nothing is written over it, and what was revoked stays so."""
    path = revocation_path(own.certs / "client-ca.pem")
    alice = Opener(own)(account="alice")
    first, second, third = (Signed(alice, tmp_path) for _ in range(3))
    alice.ask(f"CERT DEL {first.fingerprint}")
    older = path.read_bytes()
    alice.ask(f"CERT DEL {second.fingerprint}")
    if what == "gone":
        path.unlink()
    elif what == "older":
        path.write_bytes(older)
    else:
        path.unlink()
        Authority.create(Purpose.CLIENTS, now=datetime.now(UTC)).save(own.certs)
    assert told(alice.ask(f"CERT DEL {third.fingerprint}"))[:2] == ["FAIL", "REVOCATION_UNAVAILABLE"]
    assert own.faults.pop().startswith("a certificate could not be revoked")
    assert listed(alice) == [third.fingerprint]
    assert (path.read_bytes() if path.exists() else None) == (older if what == "older" else None)


def test_what_was_signed_can_not_be_read(opened: Opener, house: House, tmp_path: Path) -> None:
    """A list that leaves something out would mislead; what is registered can be removed all the same."""
    alice, registered = opened(account="alice"), paper()
    cert(alice, "ADD", registered.der)
    (tmp_path / "issued").touch()
    before = house.hub.identities
    house.hub.identities = Identities("optional", replace(before.authorities, signed=tmp_path))
    try:
        assert told(alice.ask("CERT LIST")) == ["FAIL", "TEMPORARILY_UNAVAILABLE"]
        assert told(alice.ask("CERT DEL 00000000")) == ["FAIL", "TEMPORARILY_UNAVAILABLE"]
        assert told(alice.ask(f"CERT DEL {registered.fingerprint}"))[1] == "REMOVED"
    finally:
        house.hub.identities = before
    assert len(house.faults) == 3
    assert all(fault.startswith("certificates that were signed can't be read") for fault in house.faults)
    house.faults.clear()


def test_one_that_can_not_be_read_is_not_in_the_way_of_the_others(own: House, tmp_path: Path) -> None:
    """Whose it is nobody knows; but who has lost theirs can take it back."""
    alice = Opener(own)(account="alice")
    mine, damaged = Signed(alice, tmp_path), Signed(alice, tmp_path)
    unreadable = own.certs / "issued" / "abc.pem"
    unreadable.mkdir()
    assert told(alice.ask("CERT LIST")) == ["FAIL", "TEMPORARILY_UNAVAILABLE"]
    assert told(alice.ask("CERT DEL 00000000")) == ["FAIL", "TEMPORARILY_UNAVAILABLE"]
    assert told(alice.ask(f"CERT DEL {mine.fingerprint}"))[:2] == ["NOTE", "REMOVED"]
    assert all(fault.startswith("certificates that were signed can't be read") for fault in own.faults)
    own.faults.clear()
    unreadable.rmdir()
    path = own.certs / "issued" / f"{damaged.info.serial:x}.pem"
    whole = path.read_bytes()
    path.write_bytes(whole[:100])
    own.hub.issued = IssuedCertificates()  # as after a restart
    assert listed(alice) == []
    path.write_bytes(whole)
    assert listed(alice) == [damaged.fingerprint]


def test_a_new_password_says_how_many_stay(opened: Opener, tmp_path: Path) -> None:
    alice = opened(account="alice")

    def change(old: str, new: str) -> list[str]:
        (answer,) = alice.ask(*(f"PASSWD {piece}" for piece in pieces(f"{old}\0{new}".encode())))
        return answer.params[1:-1]

    mine, registered = Signed(alice, tmp_path), paper()
    cert(alice, "ADD", registered.der)
    assert change(PASSWORD, f"{PASSWORD} again") == ["CHANGED", "2"]
    for fingerprint in (mine.fingerprint, registered.fingerprint):
        alice.ask(f"CERT DEL {fingerprint}")
    assert change(f"{PASSWORD} again", PASSWORD) == ["CHANGED"]
