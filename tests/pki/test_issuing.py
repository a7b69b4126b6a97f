"""Issuing, renewing, recording and revoking in a directory, and replacing its authority."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from securechat.pki import (
    AUTHORITY_DAYS,
    Authority,
    AuthorityMissingError,
    BrokenFilesError,
    CertificateInfo,
    InvalidRequestError,
    Outcome,
    Purpose,
    RevocationList,
    StorageError,
    follow,
    load_history,
    make_development_certs,
    record,
)
from securechat.pki.certificate import parse_certificates
from securechat.pki.holding import hold, replaced_key_path
from securechat.pki.issued import issued_path, read_index
from securechat.pki.issuing import client_path, issue_client, issue_server, renew, server_path
from securechat.pki.keys import parse_own_key
from securechat.pki.register import Known, State, read_register, revoke
from securechat.pki.replacing import replace_authority

NOW = datetime.now(UTC)


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    make_development_certs(tmp_path, hosts=["chat.example"], machine="box", now=NOW)
    return tmp_path


def certificate(path: Path) -> x509.Certificate:
    return parse_certificates(path.read_bytes(), path)[0]


def key_numbers(path: Path) -> object:
    return parse_own_key(path.read_bytes(), path).private_numbers()


def known(directory: Path) -> dict[str, Known]:
    return {one.serial: one for one in read_register(directory, now=NOW).known}


def test_everything_that_is_issued_is_recorded_without_its_key(directory: Path) -> None:
    made = [issue_client(directory, "Alice", now=NOW), issue_server(directory, ["a.example"], now=NOW)]
    assert [file.outcome for file in made] == [Outcome.MADE, Outcome.REPLACED]
    for file in made:
        copy = issued_path(directory, file.info.serial)
        assert copy.name == f"{file.info.serial:x}.pem"
        assert CertificateInfo.read(copy) == file.info
    assert len(read_index(directory).certificates) == 3
    assert all(b"KEY" not in path.read_bytes() for path in (directory / "issued").iterdir())
    assert (directory / "issued").stat().st_mode & 0o777 == 0o700


def test_a_server_is_issued_for_exactly_its_hosts_and_where_one_wants(directory: Path, tmp_path: Path) -> None:
    path = tmp_path / "elsewhere.pem"
    made = issue_server(directory, ["b.example", "::1"], now=NOW, days=3, path=path)
    assert (made.path, made.outcome, made.info.hosts) == (path, Outcome.MADE, ("b.example", "::1"))
    assert path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(InvalidRequestError, match="at least one host"):
        issue_server(directory, [], now=NOW)


def test_who_has_no_authority_can_not_issue(tmp_path: Path) -> None:
    with pytest.raises(AuthorityMissingError, match=r"there is no client-ca\.pem"):
        issue_client(tmp_path, "alice", now=NOW)
    with pytest.raises(InvalidRequestError, match="there is no directory"):
        issue_client(tmp_path / "certs", "alice", now=NOW)
    assert list(tmp_path.iterdir()) == []


def test_a_certificate_from_before_the_index_is_recorded_when_it_is_replaced(directory: Path) -> None:
    before = certificate(server_path(directory))
    issued_path(directory, before.serial_number).unlink()
    make_development_certs(directory, machine="box", now=NOW)
    assert before in read_index(directory).certificates


@pytest.mark.parametrize("keep_key", [False, True])
@pytest.mark.parametrize("who", ["server", "Alice"])
def test_renewal_keeps_names_and_the_key_on_request(directory: Path, who: str, keep_key: bool) -> None:
    issue_client(directory, "Alice", now=NOW)
    path = server_path(directory) if who == "server" else client_path(directory, who)
    info, key = CertificateInfo.read(path), key_numbers(path)
    later = NOW + timedelta(days=100)
    done = renew(directory, path, now=later, days=30, keep_key=keep_key)
    assert done.before == info
    assert not done.other_authority
    assert not done.revoked
    after = CertificateInfo.read(path)
    assert done.file.info == after
    assert (after.name, after.hosts, after.account) == (info.name, info.hosts, info.account)
    assert after.serial != info.serial
    assert after.not_after == later.replace(microsecond=0) + timedelta(days=30)
    assert (after.spki_fingerprint == info.spki_fingerprint) is keep_key
    assert (key_numbers(path) == key) is keep_key
    assert path.stat().st_mode & 0o777 == 0o600
    assert certificate(path) in read_index(directory).certificates


def test_a_revoked_certificate_is_renewed_with_a_new_key_only(directory: Path) -> None:
    path = server_path(directory)
    revoke(directory, [certificate(path)], now=NOW)
    before = path.read_bytes()
    with pytest.raises(InvalidRequestError, match="its key should not be kept"):
        renew(directory, path, now=NOW, keep_key=True)
    assert path.read_bytes() == before
    assert renew(directory, path, now=NOW).revoked


def test_what_was_not_issued_here_is_not_renewed_here(directory: Path, tmp_path: Path) -> None:
    stranger = Authority.create(Purpose.SERVERS, now=NOW).issue_server(["chat.example"], now=NOW)
    path = tmp_path / "public.pem"
    stranger.save(path)
    before = path.read_bytes()
    with pytest.raises(InvalidRequestError, match="was not issued by the authority in"):
        renew(directory, path, now=NOW)
    assert path.read_bytes() == before
    # Nor does it help to have the serial number of one that was.
    copy = issued_path(directory, stranger.certificate.serial_number)
    copy.write_bytes(certificate(server_path(directory)).public_bytes(Encoding.PEM))
    with pytest.raises(InvalidRequestError, match="was not issued by the authority in"):
        renew(directory, path, now=NOW)
    with pytest.raises(BrokenFilesError, match="does not exist"):
        renew(directory, tmp_path / "nothing.pem", now=NOW)


def test_renewal_of_a_key_that_is_not_the_certificates(directory: Path) -> None:
    issue_client(directory, "alice", now=NOW)
    path, other = server_path(directory), client_path(directory, "alice").read_bytes()
    key = other[: other.index(b"-----BEGIN CERTIFICATE")]
    path.write_bytes(key + certificate(path).public_bytes(Encoding.PEM))
    with pytest.raises(BrokenFilesError, match="is not that of its certificate"):
        renew(directory, path, now=NOW, keep_key=True)


def test_renewal_follows_a_link(directory: Path, tmp_path: Path) -> None:
    link = tmp_path / "link.pem"
    link.symlink_to(server_path(directory))
    before = certificate(link)
    done = renew(directory, link, now=NOW)
    assert done.file.path == server_path(directory)
    assert link.is_symlink()
    assert certificate(link) != before


def test_the_register_knows_files_and_records_and_whose_they_are(directory: Path) -> None:
    first = issue_client(directory, "alice", now=NOW)
    second = issue_client(directory, "ALICE", now=NOW)
    signed = Authority.load(directory, Purpose.CLIENTS, now=NOW).issue_client("bob", now=NOW).certificate
    record(directory, signed)
    register = read_register(directory, now=NOW)
    assert register.broken == ()
    assert [one.path for one in register.of_server()] == [server_path(directory)]
    assert {(one.info.serial, one.path) for one in register.of_account("Alice")} == {
        (first.info.serial, None),
        (second.info.serial, client_path(directory, "alice")),
    }
    assert [one.certificate for one in register.of_account("bob")] == [signed]
    assert register.of_account("1up") == []
    assert {one.state for one in register.known} == {State.VALID}
    assert {one.state for one in read_register(directory, now=NOW + timedelta(days=366)).known} == {State.EXPIRED}
    assert {one.state for one in read_register(directory, now=NOW - timedelta(days=1)).known} == {State.EARLY}


def test_a_serial_number_is_found_by_its_beginning(directory: Path) -> None:
    register = read_register(directory, now=NOW)
    (server,) = register.known
    digits = server.serial
    with_colons = ":".join(f"{server.info.serial:040X}"[i : i + 2] for i in range(0, 40, 2))
    for text in (digits, digits.upper(), digits[:8], f"00{digits}", with_colons):
        assert register.of_serial(text) == [server]
    for text in ("", digits[:7], f"{digits}0", "zzzzzzzzz"):
        assert register.of_serial(text) == []


def test_the_register_needs_no_key_and_no_index(directory: Path) -> None:
    issue_client(directory, "alice", now=NOW)
    for path in [*directory.glob("*.key"), *(directory / "issued").iterdir()]:
        path.unlink()
    assert [one.info.name for one in read_register(directory, now=NOW).known] == ["securechat server", "alice"]


def test_what_is_broken_hides_nothing_else(directory: Path) -> None:
    issue_client(directory, "alice", now=NOW)
    (directory / "issued" / "12345678.pem").write_bytes(b"nonsense")
    (directory / "issued" / "README").write_bytes(b"not ours")
    (directory / "clients" / "bob.pem").write_bytes(b"")
    register = read_register(directory, now=NOW)
    assert len(register.known) == 2
    assert len(register.broken) == 2
    assert "12345678.pem" in register.broken[0]
    assert "bob.pem" in register.broken[1]
    (directory / "client-ca.crl").write_bytes(b"nonsense")
    with pytest.raises(BrokenFilesError, match=r"client-ca\.crl holds no list"):
        read_register(directory, now=NOW)


def test_an_index_that_can_not_be_read(tmp_path: Path) -> None:
    (tmp_path / "issued").write_bytes(b"")
    with pytest.raises(StorageError, match=r"can't read .*issued"):
        read_index(tmp_path)


def test_revoking_puts_each_on_the_list_of_its_own_authority(directory: Path) -> None:
    issue_client(directory, "alice", now=NOW)
    issue_client(directory, "bob", now=NOW)
    server, alice = (certificate(path) for path in (server_path(directory), client_path(directory, "alice")))
    changed = revoke(directory, [server, alice], now=NOW)
    assert changed == [directory / "ca.crl", directory / "client-ca.crl"]
    states = {one.info.name: one.state for one in read_register(directory, now=NOW).known}
    assert states == {"securechat server": State.REVOKED, "alice": State.REVOKED, "bob": State.VALID}
    of_servers = RevocationList.load(directory / "ca.crl", certificate(directory / "ca.pem"))
    assert of_servers is not None
    assert set(of_servers.entries) == {server.serial_number}
    before = (directory / "client-ca.crl").read_bytes()
    assert revoke(directory, [alice], now=NOW + timedelta(days=1)) == []
    assert (directory / "client-ca.crl").read_bytes() == before


def test_only_the_authority_that_signed_can_revoke(directory: Path) -> None:
    issue_client(directory, "alice", now=NOW)
    alice = certificate(client_path(directory, "alice"))
    stranger = Authority.create(Purpose.CLIENTS, now=NOW).issue_client("alice", now=NOW).certificate
    with pytest.raises(InvalidRequestError, match="was not signed by an authority in"):
        revoke(directory, [alice, stranger], now=NOW)
    assert not (directory / "client-ca.crl").exists()
    (directory / "client-ca.key").unlink()
    with pytest.raises(BrokenFilesError, match=r"its private key .*client-ca\.key is not"):
        revoke(directory, [certificate(server_path(directory)), alice], now=NOW)
    assert not (directory / "ca.crl").exists()  # all or nothing


def test_new_authorities_by_force_void_the_lists_and_the_history_of_the_old(directory: Path) -> None:
    issue_client(directory, "alice", now=NOW)
    revoke(directory, [one.certificate for one in known(directory).values()], now=NOW)
    replace_authority(directory, now=NOW)
    make_development_certs(directory, force=True, machine="box", now=NOW)
    assert not [*directory.glob("*.crl"), *directory.glob("*history*")]
    states = {one.path: one.state for one in read_register(directory, now=NOW).known}
    assert states.pop(server_path(directory)) is State.VALID
    assert set(states.values()) == {State.VOID}


def test_who_trusted_the_old_authority_follows_to_the_new_one(directory: Path) -> None:
    path = directory / "ca.pem"
    pinned = [certificate(path)]
    revoke(directory, [certificate(server_path(directory))], now=NOW)
    for _ in range(3):
        done = replace_authority(directory, now=NOW, hosts=["b.example"])
        assert done.before.fingerprint == CertificateInfo.of(pinned[-1]).fingerprint
        pinned.append(certificate(path))
    steps = load_history(directory / "ca-history.pem")
    assert len(steps) == 3
    for number, one in enumerate(pinned):
        assert follow(one, [pinned[-1], *steps], NOW) == steps[number:]
    assert done.server.info.hosts == ("localhost", "127.0.0.1", "::1", "box", "chat.example", "b.example")
    certificate(server_path(directory)).verify_directly_issued_by(pinned[-1])
    revocations = RevocationList.load(directory / "ca.crl", pinned[-1])
    assert revocations is not None
    assert not revocations.entries
    assert not replaced_key_path(directory).exists()
    Authority.load(directory, Purpose.SERVERS, now=NOW)


def test_a_mistake_replaces_nothing(directory: Path) -> None:
    before = {path: path.read_bytes() for path in directory.rglob("*") if path.is_file()}
    with pytest.raises(InvalidRequestError, match="neither a host name"):
        replace_authority(directory, now=NOW, hosts=["a b"])
    with pytest.raises(BrokenFilesError, match="expired on"):
        replace_authority(directory, now=NOW + timedelta(days=AUTHORITY_DAYS + 1))
    (directory / "ca-history.pem").write_bytes(b"nonsense")
    with pytest.raises(BrokenFilesError, match="holds no certificate"):
        replace_authority(directory, now=NOW)
    (directory / "ca-history.pem").unlink()
    assert {path: path.read_bytes() for path in directory.rglob("*") if path.is_file()} == before


def test_without_a_servers_certificate_it_is_made_for_this_machine(directory: Path) -> None:
    server_path(directory).unlink()
    assert replace_authority(directory, now=NOW).server.info.hosts[:3] == ("localhost", "127.0.0.1", "::1")


# Ends the process, as a power cut would, at the n-th time that a name in the directory changes.
CUT = """
import os, pathlib, sys
from datetime import datetime, UTC
from securechat.pki.replacing import replace_authority
left = int(sys.argv[2])
def hook(event, _):
    global left
    if event in ("os.rename", "os.remove"):
        left -= 1
        if left < 0:
            os._exit(9)
sys.addaudithook(hook)
replace_authority(pathlib.Path(sys.argv[1]), now=datetime.now(UTC))
"""


def test_wherever_it_is_cut_off_one_can_go_on(directory: Path) -> None:
    path = directory / "ca.pem"
    revoke(directory, [certificate(server_path(directory))], now=NOW)
    pinned = [certificate(path)]
    for moment in range(20):
        done = subprocess.run([sys.executable, "-c", CUT, directory, str(moment)], timeout=60, check=False)
        with hold(directory):
            pass
        now = datetime.now(UTC)
        # The authority is whole, be it the old one or the new one; and who trusted any before comes to it.
        present = Authority.load(directory, Purpose.SERVERS, now=now).certificate
        assert not replaced_key_path(directory).exists()
        if present != pinned[-1]:
            pinned.append(present)
        steps = load_history(directory / "ca-history.pem")
        assert all(follow(one, [present, *steps], now) is not None for one in pinned)
        if done.returncode == 0:
            break
        assert done.returncode == 9
    assert moment >= 7  # history, old key, key, certificate, server, index, list, old key away
    assert len(pinned) > 3
    assert done.returncode == 0


def test_a_leftover_that_is_no_key_is_left_alone(directory: Path) -> None:
    replaced_key_path(directory).write_bytes(b"nonsense")
    before = (directory / "ca.key").read_bytes()
    with hold(directory):
        pass
    assert (directory / "ca.key").read_bytes() == before
    assert replaced_key_path(directory).exists()
