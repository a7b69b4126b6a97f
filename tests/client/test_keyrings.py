"""Passwords in the system's keyring: kept, found, forgotten; and one sentence where there is no keyring."""

import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import keyring
import pytest
from keyring.backends import fail, null

from securechat.client import keyrings
from securechat.client.servers import SYSTEM, SavedServer
from tests.client.memory_keyring import FileKeyring

SERVER = SavedServer("work", "chat.example.org", 6697, "Alice", SYSTEM)


@pytest.fixture(autouse=True)
def backend(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("KEYRING_FILE", str(tmp_path / "keyring.json"))
    before = keyring.get_keyring()
    keyring.set_keyring(FileKeyring())  # type: ignore[no-untyped-call]
    yield
    keyring.set_keyring(before)


def test_kept_found_forgotten(tmp_path: Path) -> None:
    assert keyrings.recall(SERVER) is None
    keyrings.forget(SERVER)  # nothing
    keyrings.remember(SERVER, "correct horse")
    assert keyrings.recall(SERVER) == "correct horse"
    assert "securechat alice@chat.example.org:6697" in (tmp_path / "keyring.json").read_text()
    other = SavedServer("work", "::1", 6697, "alice", SYSTEM)
    assert keyrings.recall(other) is None
    keyrings.remember(other, "another")
    keyrings.forget(SERVER)
    assert keyrings.recall(SERVER) is None
    assert keyrings.recall(other) == "another"


def test_no_keyring_on_this_system() -> None:
    for kind in (fail.Keyring, null.Keyring):
        keyring.set_keyring(kind())
        with pytest.raises(keyrings.KeyringError, match="has no keyring"):
            keyrings.require()
        with pytest.raises(keyrings.KeyringError, match="has no keyring"):
            keyrings.recall(SERVER)
        with pytest.raises(keyrings.KeyringError, match="has no keyring") as caught:
            keyrings.remember(SERVER, "correct horse")
        assert "horse" not in repr(caught.value.__context__)


def test_no_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keyring", None)
    with pytest.raises(ImportError):
        importlib.import_module("keyring")
    with pytest.raises(keyrings.KeyringError, match=r"securechat\[keyring\]"):
        keyrings.require()


def test_a_keyring_that_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEYRING_FILE", "locked")
    uses: list[Callable[[], object]] = [
        lambda: keyrings.recall(SERVER),
        lambda: keyrings.remember(SERVER, "x"),
        lambda: keyrings.forget(SERVER),
    ]
    for use in uses:
        with pytest.raises(keyrings.KeyringError, match=r"does not \w+ the password \(KeyringLocked\)") as caught:
            use()
        assert "hunter2" not in str(caught.value)
        assert caught.value.__context__ is None
