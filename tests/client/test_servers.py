"""Saved servers: what is written, that it comes back, and what is said where somebody has been at the files."""

import itertools
import json
import os
import stat
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given, settings
from hypothesis import strategies as st

from securechat.client.errors import MistakeError, SaveError
from securechat.client.servers import SYSTEM, SavedServer, SavedServers, parse_fingerprint, valid_name
from securechat.pki import Authority, Purpose
from securechat.pki.certificate import spki_fingerprint

NOW = datetime.now(UTC)
AUTHORITY = Authority.create(Purpose.SERVERS, now=NOW).certificate
OTHER = Authority.create(Purpose.SERVERS, now=NOW).certificate
TRUST = spki_fingerprint(AUTHORITY.public_key())
WORK = SavedServer("work", "chat.example.org", 6697, "alice", TRUST)
PUBLIC = SavedServer("public", "irc.example.net", 7000, "bob", SYSTEM, device="phone")


@pytest.fixture
def servers(tmp_path: Path) -> SavedServers:
    return SavedServers(tmp_path / "securechat" / "servers")


@pytest.fixture
def saved(servers: SavedServers) -> SavedServers:
    """Two of them."""
    servers.put(WORK, AUTHORITY)
    servers.put(PUBLIC, None)
    return servers


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_nothing_is_saved_at_first(servers: SavedServers) -> None:
    assert servers.names() == []
    assert servers.all() == []
    with pytest.raises(MistakeError, match="none is saved yet"):
        servers.load("work")
    assert not servers.path.parent.exists()


def test_what_is_saved_comes_back(saved: SavedServers) -> None:
    assert saved.names() == ["public", "work"]
    assert saved.all() == [PUBLIC, WORK]
    assert saved.authority(WORK) == AUTHORITY
    assert saved.authority(PUBLIC) is None
    assert saved.revoked(WORK) is None


def test_only_the_owner_can_look(servers: SavedServers) -> None:
    before = os.umask(0)
    try:
        servers.put(replace(WORK, certificate=True), AUTHORITY, b"the key")
        servers.keep_revoked(WORK, b"a list")
    finally:
        os.umask(before)
    place = servers.path / "work"
    assert [_mode(path) for path in (servers.path.parent, servers.path, place)] == [0o700] * 3
    assert {path.name: _mode(path) for path in place.iterdir()} == dict.fromkeys(
        ("server.json", "ca.pem", "ca.crl", "client.pem"), 0o600
    )
    assert [path.name for path in servers.path.iterdir()] == ["work"]  # nothing temporary is left


def test_the_form_on_the_disk(saved: SavedServers) -> None:
    """Others may read it: the names of its keys are permanent."""
    assert json.loads((saved.path / "public" / "server.json").read_text()) == {
        "version": 1,
        "host": "irc.example.net",
        "port": 7000,
        "user": "bob",
        "trust": "system",
        "certificate": False,
        "device": "phone",
        "keyring": False,
    }


def test_saving_again_replaces_all_but_ones_own_certificate(saved: SavedServers) -> None:
    saved.change(replace(WORK, certificate=True))
    saved.keep_certificate(WORK, b"the key")
    saved.keep_revoked(WORK, b"a list of the old authority")
    new = replace(WORK, trust=spki_fingerprint(OTHER.public_key()), certificate=True)
    saved.put(new, OTHER)
    assert saved.load("work") == new
    assert saved.authority(new) == OTHER
    assert saved.revoked(new) is None
    file = saved.certificate_file(new)
    assert file is not None
    assert file.read_bytes() == b"the key"
    saved.put(WORK, AUTHORITY)
    assert not file.exists()


def test_an_authority_that_is_not_the_trusted_one_is_not_saved(servers: SavedServers) -> None:
    for server, authority in ((WORK, OTHER), (WORK, None), (PUBLIC, AUTHORITY)):
        with pytest.raises(ValueError, match="not the one that is trusted"):
            servers.put(server, authority)
    assert servers.names() == []


# -- names ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", "../work", "a/b", "/etc", "a\\b", ".hidden", "-rf", "WORK", "a b", "a\0b", "ä", "x" * 65, "a\n"],
)
def test_names_that_lead_elsewhere_are_none(saved: SavedServers, name: str) -> None:
    assert not valid_name(name)
    with pytest.raises(ValueError):
        replace(WORK, name=name)
    with pytest.raises(MistakeError, match="no saved server"):
        saved.load(name)
    with pytest.raises(MistakeError, match="no saved server"):
        saved.remove(name)
    assert saved.names() == ["public", "work"]


@settings(max_examples=50)
@given(st.text(max_size=70))
def test_a_name_is_one_part_of_a_path(name: str) -> None:
    if valid_name(name):
        assert Path("servers", name).parts == ("servers", name)


def test_the_name_of_a_new_one(saved: SavedServers) -> None:
    assert saved.name_for("new.example.org", 6697, "alice") == "new.example.org"
    assert saved.name_for("::1", 6697, "alice") == "1"
    assert saved.name_for("::", 6697, "alice") == "system"
    assert saved.name_for("new.example.org", 6697, "alice", "Home") == "home"
    assert saved.name_for("chat.example.org", 6697, "ALICE") == "work"  # the same server
    assert saved.name_for("chat.example.org", 6697, "ALICE", "work") == "work"
    assert saved.name_for("chat.example.org", 6697, "carol") == "chat.example.org"
    with pytest.raises(MistakeError, match=r"work is saved already, as alice on chat\.example\.org"):
        saved.name_for("chat.example.org", 6697, "carol", "work")
    with pytest.raises(MistakeError, match="can't be the name"):
        saved.name_for("chat.example.org", 6697, "carol", "../x")


def test_a_name_that_is_taken_gets_a_number(servers: SavedServers) -> None:
    for number, user in enumerate(("alice", "bob", "carol"), 1):
        name = servers.name_for("chat.example.org", 6697, user)
        assert name == ("chat.example.org" if number == 1 else f"chat.example.org-{number}")
        servers.put(SavedServer(name, "chat.example.org", 6697, user, TRUST), AUTHORITY)


def test_which_one_is_meant(saved: SavedServers) -> None:
    assert saved.find(None, None, None) == [PUBLIC, WORK]
    assert saved.find(None, None, "Alice") == [WORK]
    assert saved.find(None, None, "carol") == []
    assert saved.find("CHAT.example.org", None, None) == [WORK]
    assert saved.find("chat.example.org", 6697, "carol") == [WORK]  # its authority is known
    assert saved.find("chat.example.org", 1, "alice") == []
    assert saved.find("no host", None, None) == []


# -- what others have left there --------------------------------------------------------------------------------------


def _json(**changes: object) -> Callable[[Path], None]:
    def damage(place: Path) -> None:
        file = place / "server.json"
        file.write_text(json.dumps({**json.loads(file.read_text()), **changes}))

    return damage


def _bytes(data: bytes, name: str = "server.json") -> Callable[[Path], None]:
    def damage(place: Path) -> None:
        (place / name).write_bytes(data)

    return damage


def _pipe(place: Path) -> None:
    (place / "server.json").unlink()
    os.mkfifo(place / "server.json")


def _directory(place: Path) -> None:
    (place / "ca.pem").unlink()
    (place / "ca.pem").mkdir()


DAMAGE: dict[str, Callable[[Path], None]] = {
    "empty": _bytes(b" "),
    "not json": _bytes(b"{"),
    "not UTF-8": _bytes(b'{"host": "\xff"}'),
    "no object": _bytes(b"[]"),
    "deep": _bytes(b"[" * 60_000),
    "a number without end": _bytes(b'{"version": ' + b"9" * 50_000 + b"}"),
    "large": _bytes(b" " * 70_000),
    "missing": lambda place: (place / "server.json").unlink(),
    "a pipe": _pipe,
    "another version": _json(version=2),
    "too much": _json(color="red"),
    "host": _json(host="../x"),
    "host with an escape": _json(host="\x1b[2J"),
    "port": _json(port=0),
    "port as text": _json(port="6697"),
    "port as truth": _json(port=True),
    "user": _json(user="a b"),
    "trust": _json(trust="none"),
    "device": _json(device="a b"),
    "another trust": _json(trust="0" * 64),
    "the system's": _json(trust=None),
    "no authority": lambda place: (place / "ca.pem").unlink(),
    "authority is a directory": _directory,
    "authority is none": _bytes(b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "ca.pem"),
    "another authority": _bytes(OTHER.public_bytes(Encoding.PEM), "ca.pem"),
    "one authority more": _bytes(AUTHORITY.public_bytes(Encoding.PEM) + OTHER.public_bytes(Encoding.PEM), "ca.pem"),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_what_is_damaged(saved: SavedServers, damage: Callable[[Path], None]) -> None:
    damage(saved.path / "work")
    with pytest.raises(MistakeError, match="saved server work is damaged") as caught:
        saved.load("work")
    assert "securechat servers remove work" in str(caught.value)
    assert str(caught.value).isprintable()
    assert caught.value.__cause__ is None
    with pytest.raises(MistakeError):
        saved.all()
    assert saved.load("public") == PUBLIC
    saved.remove("work")
    assert saved.names() == ["public"]


@pytest.mark.parametrize("mode", [0o707, 0o770, 0o755, 0o702])
@pytest.mark.parametrize("where", ["", "work"])
def test_what_others_could_have_changed(saved: SavedServers, where: str, mode: int) -> None:
    (saved.path / where).chmod(mode)
    with pytest.raises(MistakeError, match=r"others on this machine can open .* chmod 700"):
        saved.load("work")


def test_a_list_of_revoked_certificates_without_end(saved: SavedServers) -> None:
    saved.keep_revoked(WORK, b"x" * 2_000_000)
    with pytest.raises(MistakeError, match="too large"):
        saved.revoked(WORK)


def test_links_are_not_followed_out_of_the_directory(saved: SavedServers, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir(0o700)
    (elsewhere / "server.json").write_text("{}")
    (saved.path / "link").symlink_to(elsewhere)
    with pytest.raises(MistakeError, match="is no directory"):
        saved.load("link")
    saved.remove("link")
    assert (elsewhere / "server.json").exists()
    assert saved.names() == ["public", "work"]


def test_other_things_in_the_directory_are_passed_over(saved: SavedServers) -> None:
    (saved.path / ".work.1234.tmp").mkdir()
    (saved.path / "README.TXT").write_text("hello")
    assert saved.names() == ["public", "work"]


def test_where_nothing_can_be_saved(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    servers = SavedServers(tmp_path / "file" / "servers")
    with pytest.raises(SaveError, match="can't be saved"):
        servers.put(WORK, AUTHORITY)


def test_what_was_there_stays_where_saving_fails(saved: SavedServers, monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk is full at any of the steps: the old one is still whole, and nothing is left behind."""
    real = os.fsync
    for failing in range(4):
        calls = itertools.count()

        def broken(descriptor: int, calls: "itertools.count[int]" = calls, failing: int = failing) -> None:
            if next(calls) == failing:
                raise OSError(28, "No space left on device")
            real(descriptor)

        monkeypatch.setattr(os, "fsync", broken)
        with pytest.raises(SaveError, match="No space left"):
            saved.put(replace(WORK, user="carol"), AUTHORITY)
        monkeypatch.setattr(os, "fsync", real)
        assert saved.load("work") == WORK
        assert sorted(path.name for path in saved.path.iterdir()) == ["public", "work"]


@pytest.mark.parametrize(
    ("text", "digits"),
    [
        ("AB" * 32, "ab" * 32),
        (":".join(["ab"] * 32), "ab" * 32),
        (" ".join(["abab"] * 16) + "\n", "ab" * 32),
        ("ab" * 31, None),
        ("xy" * 32, None),
        ("", None),
        ("٠" * 64, None),
    ],
)
def test_a_fingerprint_as_people_write_it(text: str, digits: str | None) -> None:
    assert parse_fingerprint(text) == digits
