"""Certificates whose files change are read again by themselves; nobody is sent away, and nothing half done is used."""

import os
import shutil
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from securechat.pki import Authority, CertificateInfo, Purpose, RevocationList, make_development_certs, revocation_path
from securechat.server.authorities import Places
from securechat.server.config import TLSConfig
from securechat.server.watching import Watching
from tests.server.wire import House, Opener, commands, running


class Clock:
    """Goes when it is told to."""

    def __init__(self) -> None:
        self.now = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def moving(tmp_path: Path) -> Path:
    """Certificates that a test may change."""
    directory = tmp_path / "certs"
    make_development_certs(directory, machine="localhost")
    return directory


@pytest.fixture
def house(moving: Path, tmp_path: Path) -> Iterator[House]:
    with running(moving, tmp_path) as one:
        yield one


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def watching(house: House, clock: Clock) -> Watching:
    """One that the test moves itself, beside that of the server, which looks every few seconds."""
    house.server.watching.stop(20)
    return Watching(house.hub, house.hub.reloader, clock=clock)


def look(watching: Watching) -> None:
    """Until a change has been seen twice."""
    watching.look()
    watching.look()


def has_authority(house: House) -> bool:
    """Of clients; with its key, where it is there."""
    identities = house.hub.identities
    assert identities.can_sign is (identities.authorities.clients is not None)
    return identities.can_sign


def renew(certs: Path) -> None:
    make_development_certs(certs, machine="localhost")


def test_nothing_has_changed(house: House, watching: Watching) -> None:
    context = house.hub.reloader.context
    look(watching)
    assert house.hub.reloader.context is context
    assert house.logged("certificates reloaded") == []


def test_a_renewed_certificate(house: House, watching: Watching, moving: Path) -> None:
    client = Opener(house)()
    context = house.hub.reloader.context
    renew(moving)
    watching.look()
    assert house.hub.reloader.context is context  # it may be half done
    watching.look()
    assert house.hub.reloader.context is not context
    look(watching)
    assert house.logged("certificates reloaded") == [{}]
    assert commands(client.ask("TIME")) == ["391"]


def test_who_is_still_writing_is_left_alone(house: House, watching: Watching, moving: Path) -> None:
    context = house.hub.reloader.context
    for _ in range(5):
        renew(moving)
        watching.look()
        assert house.hub.reloader.context is context
    watching.look()
    assert house.hub.reloader.context is not context


def test_what_does_not_fit_is_told_once_and_tried_again(
    house: House, watching: Watching, moving: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    make_development_certs(other, machine="localhost")
    good, context = (moving / "server.pem").read_bytes(), house.hub.reloader.context
    (moving / "server.pem").write_bytes(good[:200])
    for _ in range(5):
        look(watching)
    (refused,) = house.logged("certificates refused")
    assert "server.pem" in refused["why"]
    (moving / "server.pem").write_bytes((other / "server.pem").read_bytes())
    (moving / "client-ca.key").write_bytes((other / "client-ca.key").read_bytes())
    look(watching)
    assert len(house.logged("certificates refused")) == 2
    assert "is not the private key of" in house.logged("certificates refused")[-1]["why"]
    assert house.hub.reloader.context is context
    Opener(house)()
    for name in ("client-ca.pem", "ca.pem"):
        shutil.copy(other / name, moving / name)
    look(watching)
    assert house.hub.reloader.context is not context
    assert len(house.logged("certificates refused")) == 2
    assert len(house.logged("certificates reloaded")) == 1


def test_an_authority_of_clients_comes_and_goes(house: House, watching: Watching, moving: Path) -> None:
    path = moving / "client-ca.pem"
    path.rename(moving / "away")
    look(watching)
    assert not has_authority(house)
    (moving / "away").rename(path)
    look(watching)
    assert has_authority(house)


def test_a_list_of_what_was_revoked(house: House, watching: Watching, moving: Path) -> None:
    path = house.client_certificate("alice")
    opened = Opener(house)
    alice, bob = opened(certificate=path), opened()
    authority = Authority.load(moving, Purpose.CLIENTS, now=datetime.now(UTC))
    shown = next(s.certificate for s in house.hub.all_sessions() if s.certificate is not None)
    listed = RevocationList.make(authority, now=datetime.now(UTC), serials=[shown.info.serial])
    listed.save(revocation_path(moving / "client-ca.pem"))
    look(watching)
    assert alice.to_end()[-1].params == ["Closing link: Your certificate was revoked"]
    assert commands(bob.ask("TIME")) == ["391"]
    revocation_path(moving / "client-ca.pem").unlink()
    for _ in range(3):
        look(watching)
    assert "is gone" in house.logged("certificates refused")[0]["why"]
    assert len(house.logged("certificates refused")) == 1


def test_where_a_link_leads(tmp_path: Path) -> None:
    """So programs that fetch certificates from a public authority renew them."""
    for name in ("one", "two"):
        make_development_certs(tmp_path / name, machine="localhost")
    (tmp_path / "live").symlink_to(tmp_path / "one")
    places = Places.of(TLSConfig(cert=tmp_path / "live" / "server.pem"))
    assert places is not None
    before = places.look()
    assert places.look() == before
    os.replace(_link(tmp_path / "next", tmp_path / "two"), tmp_path / "live")  # noqa: PTH105
    assert places.look() != before


def _link(path: Path, target: Path) -> Path:
    path.symlink_to(target)
    return path


def test_all_files_are_looked_at(moving: Path) -> None:
    places = Places.of(TLSConfig(cert=moving / "server.pem"))
    assert places is not None
    assert {path.name for path in places.files()} == {
        "server.pem",
        "ca.pem",
        "ca.crl",
        "ca-history.pem",
        "client-ca.pem",
        "client-ca.key",
        "client-ca.crl",
    }
    named = TLSConfig(moving / "c.pem", moving / "k.pem", "off", moving / "x.pem", moving / "y.pem", moving / "z.key")
    places = Places.of(named)
    assert places is not None
    assert {path.name for path in places.files()} == {
        "c.pem", "k.pem", "x.pem", "x.crl", "x-history.pem", "y.pem", "y.crl", "z.key"
    }  # fmt: skip
    assert Places.of(TLSConfig()) is None


def test_what_expires_is_told_every_day(house: House, watching: Watching, clock: Clock, moving: Path) -> None:
    end = CertificateInfo.read(moving / "server.pem").not_after
    clock.now += timedelta(hours=23)
    look(watching)
    clock.now = end - timedelta(days=24, hours=12)
    look(watching)
    clock.now += timedelta(hours=23)
    look(watching)
    clock.now += timedelta(hours=2)
    look(watching)
    told = house.logged("certificate expires")
    assert [(Path(fields["file"]).name, fields["days"]) for fields in told] == [("server.pem", 24), ("server.pem", 23)]


def test_a_fault_does_not_end_the_thread(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    house.server.watching.stop(20)
    watching = Watching(house.hub, house.hub.reloader, seconds=0.001)
    looked: list[int] = []
    often = threading.Event()

    def look() -> None:
        looked.append(len(looked))
        if looked == [0]:
            raise RuntimeError("broken")
        often.set()

    monkeypatch.setattr(watching, "look", look)
    watching.start()
    assert often.wait(20)
    watching.stop(20)
    (fault,) = house.faults
    house.faults.clear()
    assert fault.startswith("watching has a fault")
    assert not [thread for thread in threading.enumerate() if thread.name == "watching"]
