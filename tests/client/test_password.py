"""Where the password comes from, and what is said when there is none."""

import os
from pathlib import Path

import pytest

from securechat.client.errors import MistakeError
from securechat.client.password import VARIABLE, ask_new_password, find_password, given_password


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "password"
    file.touch(0o600)
    return file


def _find(file: Path | None) -> tuple[str, list[str]]:
    warnings: list[str] = []
    return find_password("alice", file, may_ask=False, warn=warnings.append), warnings


@pytest.mark.parametrize("data", [b"hor se \n", b"hor se \r\nmore\n", b"hor se "])
def test_the_first_line_of_the_file(file: Path, monkeypatch: pytest.MonkeyPatch, data: bytes) -> None:
    monkeypatch.setenv(VARIABLE, "other")
    file.write_bytes(data)
    assert _find(file) == ("hor se ", [])


def test_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "horse")
    assert _find(None) == ("horse", [])


@pytest.mark.parametrize("mode", [0o604, 0o640, 0o644])
def test_a_file_that_others_can_read_is_warned_of(file: Path, mode: int) -> None:
    file.write_text("horse")
    file.chmod(mode)
    password, (warning,) = _find(file)
    assert password == "horse"
    assert "others on this machine can read" in warning
    assert "horse" not in warning


@pytest.mark.parametrize(
    ("data", "words"),
    [(b"", "is empty"), (b"\nhorse", "is empty"), (b"ho\xffrse", "not UTF-8"), (b"ho\0rse", "no password can have")],
)
def test_what_is_no_password(file: Path, data: bytes, words: str) -> None:
    file.write_bytes(data)
    with pytest.raises(MistakeError, match=words) as caught:
        _find(file)
    assert "rse" not in str(caught.value).replace(str(file), "")
    assert caught.value.__context__ is None


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(MistakeError, match=r"password file .* can't be read \(No such file"):
        _find(tmp_path / "none")


@pytest.mark.parametrize("value", [None, ""])
def test_without_any_it_says_what_to_do(monkeypatch: pytest.MonkeyPatch, value: str | None) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    if value is not None:
        monkeypatch.setenv(VARIABLE, value)
    with pytest.raises(MistakeError, match=f"--password-file, or set {VARIABLE}"):
        _find(None)


def test_bytes_in_the_environment_that_are_not_utf8(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(os.environ, VARIABLE, os.fsdecode(b"ho\xff"))
    with pytest.raises(MistakeError, match="no password can have"):
        _find(None)


def test_what_the_keyring_has_comes_behind_what_was_given(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    assert given_password(None, warn=pytest.fail, kept=lambda: "kept") == "kept"
    assert given_password(None, warn=pytest.fail, kept=lambda: None) is None
    assert given_password(None, warn=pytest.fail) is None
    assert find_password("alice", None, may_ask=False, warn=pytest.fail, kept=lambda: "kept") == "kept"
    monkeypatch.setenv(VARIABLE, "horse")
    assert given_password(None, warn=pytest.fail, kept=lambda: pytest.fail("nobody has asked for it")) == "horse"
    file.write_text("from the file")
    assert given_password(file, warn=pytest.fail, kept=lambda: pytest.fail("nor here")) == "from the file"


def test_a_new_one_takes_somebody_to_ask() -> None:
    with pytest.raises(MistakeError, match=f"--password-file, or set {VARIABLE}"):
        ask_new_password("alice", may_ask=False, tell=pytest.fail)
