"""Which list of revoked certificates was the newest: remembered over restarts, and nothing older is taken, nor none."""

import stat
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes

from securechat.pki import (
    Authority,
    PKIError,
    Purpose,
    RevocationList,
    make_development_certs,
    revocation_path,
)
from securechat.pki.certificate import spki_fingerprint
from securechat.pki.files import write_private
from securechat.server import crl_numbers
from securechat.server.authorities import Authorities
from securechat.server.crl_numbers import CrlNumbers
from securechat.server.log import EventLog
from securechat.server.reload import ReloadRefusedError, read_certificates
from securechat.server.server import Server
from securechat.store.datadir import DataDir
from securechat.tls.errors import CertificateFileError
from tests.server.wire import running

NOW = datetime.now(UTC).replace(microsecond=0)
CLIENTS, OTHERS = (Authority.create(Purpose.CLIENTS, now=NOW) for _ in range(2))
FIRST = RevocationList.make(CLIENTS, now=NOW, serials=[1])
SECOND = FIRST.extend(CLIENTS, [2], now=NOW)
OLDER = "the list of what the authority of clients has revoked is older than the one before: put that back"
GONE = "the list of what the authority of clients has revoked is gone: put it back"


def with_list(listed: RevocationList | None, clients: x509.Certificate = CLIENTS.certificate) -> Authorities:
    return Authorities(clients=clients, clients_revoked=listed)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "crl-numbers"


def kept(path: Path, *authorities: Authorities) -> CrlNumbers:
    """As a server leaves it with which these were in force, one after the other."""
    numbers = CrlNumbers(path)
    for one in authorities:
        numbers.note(one)
        numbers.keep()
    return numbers


def test_what_would_be_good_again(path: Path) -> None:
    none, first, second = map(with_list, (None, FIRST, SECOND))
    name, key = CLIENTS.certificate.subject, CLIENTS.key
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, NOW, NOW + timedelta(days=1))
    renewed = builder.sign(key, hashes.SHA256())
    running_still = kept(path, none, first, second)
    for numbers in (running_still, CrlNumbers(path)):
        assert numbers.lost(second) is None
        assert numbers.lost(with_list(SECOND.extend(CLIENTS, [3], now=NOW))) is None
        assert numbers.lost(first) == OLDER
        assert numbers.lost(none) == GONE
        # What the one before signed is good with a renewed certificate, too.
        assert numbers.lost(with_list(None, renewed)) == GONE
        # Nothing that this authority has signed is good with another one, or with none.
        assert numbers.lost(with_list(None, OTHERS.certificate)) is None
        assert numbers.lost(Authorities()) is None


def test_what_was_never_known_can_be_without_a_list(path: Path) -> None:
    numbers = kept(path, Authorities(), with_list(None))
    assert numbers.lost(with_list(None)) is None
    assert not path.exists()


def test_one_that_comes_back(path: Path) -> None:
    """It was away for a while: what it has revoked is not forgotten, also if no list of it was ever as old."""
    kept(path, with_list(SECOND), with_list(RevocationList.make(OTHERS, now=NOW), OTHERS.certificate))
    kept(path, with_list(FIRST))
    assert CrlNumbers(path).lost(with_list(FIRST)) == OLDER


def test_the_file(path: Path) -> None:
    kept(path, with_list(SECOND))
    assert path.read_text() == f"{spki_fingerprint(CLIENTS.certificate.public_key())} 2\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [one.name for one in path.parent.iterdir()] == [path.name]
    before = path.stat().st_ino
    kept(path, with_list(SECOND))
    assert path.stat().st_ino == before  # it is not written again for nothing


def test_it_stays_small(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crl_numbers, "_MOST", 2)
    third = Authority.create(Purpose.CLIENTS, now=NOW)
    huge = replace(RevocationList.make(third, now=NOW), number=10**5000)
    others = with_list(RevocationList.make(OTHERS, now=NOW), OTHERS.certificate)
    numbers = kept(path, with_list(SECOND), others, with_list(SECOND), with_list(huge, third.certificate))
    assert numbers.lost(with_list(huge, third.certificate)) is None
    assert CrlNumbers(path).lost(with_list(replace(huge, number=10**40), third.certificate)) == OLDER
    assert CrlNumbers(path).lost(with_list(FIRST)) == OLDER
    assert CrlNumbers(path).lost(replace(others, clients_revoked=None)) is None  # in force longest ago
    assert path.read_bytes().count(b"\n") == 2


@pytest.mark.parametrize(
    "content", [b"x", b"\xff\n", b"\n", b"ab 1\n", b"%s -1\n" % (b"ab" * 32), b"%s 1\n" % (b"ab" * 32) * 200]
)
def test_one_that_somebody_has_changed(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(CertificateFileError, match=r"crl-numbers, .* is damaged: make sure that client-ca\.crl is"):
        CrlNumbers(path)
    path.unlink()
    path.mkdir()
    with pytest.raises(CertificateFileError, match="can't read"):
        CrlNumbers(path)


def test_what_can_not_be_written_counts_while_the_server_runs(path: Path) -> None:
    numbers = kept(path, with_list(FIRST))
    path.unlink()
    path.mkdir()
    numbers.note(with_list(SECOND))
    for _ in range(2):
        with pytest.raises(PKIError):
            numbers.keep()
    assert numbers.lost(with_list(FIRST)) == OLDER
    path.rmdir()
    numbers.keep()
    assert CrlNumbers(path).lost(with_list(FIRST)) == OLDER


def test_nobody_waits_for_the_disk(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = kept(path, with_list(FIRST))
    writing, go_on = threading.Event(), threading.Event()

    def slowly(where: Path, data: bytes) -> None:
        writing.set()
        assert go_on.wait(20)
        write_private(where, data)

    monkeypatch.setattr("securechat.server.crl_numbers.write_private", slowly)
    numbers.note(with_list(SECOND))
    thread = threading.Thread(target=numbers.keep)
    thread.start()
    assert writing.wait(20)
    numbers.note(with_list(SECOND))
    assert numbers.lost(with_list(FIRST)) == OLDER
    go_on.set()
    thread.join(20)
    assert not thread.is_alive()


# -- a server that starts again ---------------------------------------------------------------------------------------


def test_a_server_that_starts_again(tmp_path: Path) -> None:
    certs = tmp_path / "certs"
    make_development_certs(certs, machine="localhost")
    clients = Authority.load(certs, Purpose.CLIENTS, now=datetime.now(UTC))
    place = revocation_path(certs / "client-ca.pem")
    first = RevocationList.make(clients, now=datetime.now(UTC), serials=[1])
    first.save(place)
    with running(certs, tmp_path) as house:
        first.extend(clients, [2], now=datetime.now(UTC)).save(place)
        house.hub.reloader.reload_certificates()
        first.save(place)
        with pytest.raises(ReloadRefusedError, match=f"^{OLDER}$"):
            house.hub.reloader.reload_certificates()
        config = house.hub.config
    data = DataDir(tmp_path / "data")
    way_out = f"; or, if what it revoked is to be good again, remove {data.crl_numbers}"
    with data.lock():
        with pytest.raises(CertificateFileError, match=f"^{OLDER}{way_out}$"):
            Server(read_certificates(config), data, [], EventLog())
        place.unlink()
        with pytest.raises(CertificateFileError, match=f"^{GONE}{way_out}$"):
            Server(read_certificates(config), data, [], EventLog())
        data.crl_numbers.unlink()
    with running(certs, tmp_path, again=True):
        assert not data.crl_numbers.exists()  # there is no list


def test_the_log_says_that_it_can_not_be_written(tmp_path: Path) -> None:
    certs, numbers = tmp_path / "certs", tmp_path / "data" / "crl-numbers"
    make_development_certs(certs, machine="localhost")
    clients = Authority.load(certs, Purpose.CLIENTS, now=datetime.now(UTC))
    with running(certs, tmp_path) as house:
        numbers.mkdir()
        RevocationList.make(clients, now=datetime.now(UTC)).save(revocation_path(certs / "client-ca.pem"))
        house.hub.reloader.reload_certificates()
        (told,) = house.logged("newest list not remembered")
        assert str(numbers) in told["why"]
        numbers.rmdir()
        house.hub.reloader.reload_certificates()  # which finds nothing new, and yet it is written
        assert numbers.is_file()
        assert len(house.logged("newest list not remembered")) == 1
