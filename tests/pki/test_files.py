"""Writing so that nobody sees half a file, or a key that is not theirs."""

import errno
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType

import pytest

from securechat.pki import Authority, InvalidRequestError, Purpose, StorageError, make_development_certs
from securechat.pki.files import (
    lock_directory,
    make_directory,
    others_can_open,
    read_if_there,
    write_private,
    write_public,
)
from tests.pki.places import reachable_directory, without_privileges


@contextmanager
def umask(mask: int) -> Iterator[None]:
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


@contextmanager
def watched(look: Callable[[], None]) -> Iterator[None]:
    """Look before and after every single call that Python or C code makes, so between any two system calls."""

    def profile(frame: FrameType, event: str, argument: object) -> None:
        sys.setprofile(None)
        look()
        sys.setprofile(profile)

    sys.setprofile(profile)
    try:
        yield
    finally:
        sys.setprofile(None)


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o7777


def test_private_keys_are_private_from_the_first_byte(tmp_path: Path) -> None:
    seen: dict[int, set[tuple[int, bool]]] = {}  # inode: the modes that it had, and whether it was empty then

    def look() -> None:
        for path in tmp_path.rglob("*"):
            status = path.stat()
            seen.setdefault(status.st_ino, set()).add((status.st_mode & 0o7777, status.st_size == 0))

    with umask(0), watched(look):
        make_development_certs(tmp_path, clients=["alice"])
    private = [path for path in tmp_path.rglob("*") if path.is_file() and b"PRIVATE KEY" in path.read_bytes()]
    assert {path.name for path in private} == {"ca.key", "client-ca.key", "server.pem", "alice.pem"}
    for path in private:
        # It was looked at while it was still empty, and at no moment had it another mode.
        assert seen[path.stat().st_ino] == {(0o600, True), (0o600, False)}
    assert mode(tmp_path / "ca.pem") == 0o644


@pytest.mark.parametrize("mask", [0, 0o022, 0o077, 0o777])
def test_no_umask_changes_the_mode_of_a_key(tmp_path: Path, mask: int) -> None:
    with umask(mask):
        write_private(tmp_path / "key", b"secret")
        write_public(tmp_path / "certificate", b"public")
    assert mode(tmp_path / "key") == 0o600
    assert mode(tmp_path / "certificate") == 0o644 & ~mask
    assert (tmp_path / "key").read_bytes() == b"secret"


def test_a_file_is_replaced_whole_and_a_link_is_not_followed(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_bytes(b"not ours")
    elsewhere.chmod(0o644)
    link = tmp_path / "key"
    link.symlink_to(elsewhere)
    write_private(link, b"secret")
    assert elsewhere.read_bytes() == b"not ours"
    assert not link.is_symlink()
    assert mode(link) == 0o600
    assert sorted(path.name for path in tmp_path.iterdir()) == ["elsewhere", "key"]


def test_a_disk_that_refuses_leaves_what_was_there(tmp_path: Path) -> None:
    target = tmp_path / "key"
    target.write_bytes(b"before")
    code = (
        "import resource, sys, pathlib; from securechat.pki.files import write_private\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (10, 10))\n"
        "try: write_private(pathlib.Path(sys.argv[1]), b'secret' * 100)\n"
        "except Exception as error: print(type(error).__name__, error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, target], capture_output=True, text=True, check=True)
    assert done.stdout == f"StorageError can't write {target}: File too large\n"
    assert target.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [target]


def test_where_we_may_not_write_was_badly_chosen() -> None:
    with reachable_directory() as directory:
        directory.chmod(0o555)
        with without_privileges(), pytest.raises(InvalidRequestError, match=r"can't write .*key: Permission denied"):
            write_private(directory / "key", b"secret")
        with without_privileges(), pytest.raises(InvalidRequestError, match="can't make the directory"):
            make_directory(directory / "below", 0o755)
        directory.chmod(0o300)
        with without_privileges(), pytest.raises(InvalidRequestError, match="can't lock"), lock_directory(directory):
            pass
        directory.chmod(0o755)
        assert not list(directory.iterdir())


def test_a_file_system_that_takes_no_writes_was_badly_chosen_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*arguments: object) -> int:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(os, "open", refuse)  # there is no such file system that every machine has
    with pytest.raises(InvalidRequestError, match=r"can't write .*key: Read-only file system"):
        write_private(tmp_path / "key", b"secret")


def test_a_directory_that_is_something_else(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"")
    for path in (file, file / "below", file / "below" / "that"):
        with pytest.raises(InvalidRequestError, match="is not a directory"):
            make_directory(path, 0o755)


def test_a_directory_that_is_there_stays_as_it_is(tmp_path: Path) -> None:
    tmp_path.chmod(0o750)
    make_directory(tmp_path, 0o755)
    assert mode(tmp_path) == 0o750
    make_directory(tmp_path / "a" / "b", 0o700)
    assert mode(tmp_path / "a" / "b") == 0o700


def test_a_file_that_is_there_and_can_not_be_read() -> None:
    with reachable_directory() as directory:
        path = directory / "key"
        path.write_bytes(b"secret")
        path.chmod(0)
        with without_privileges(), pytest.raises(StorageError, match=r"can't read .*key: Permission denied"):
            read_if_there(path)
    assert read_if_there(path) is None
    with pytest.raises(StorageError, match=r"can't look at .*key: No such file"):
        others_can_open(path)


def test_the_second_process_waits_and_then_keeps_what_the_first_made(tmp_path: Path) -> None:
    code = (
        "import sys, pathlib; from securechat.pki import make_development_certs\n"
        "def hook(event, _):\n"
        "    if event == 'fcntl.flock': print('at the lock', flush=True)\n"
        "sys.addaudithook(hook)\n"
        "made = make_development_certs(pathlib.Path(sys.argv[1]))\n"
        "print(made.authority.outcome.value, made.client_authority.outcome.value, made.server.outcome.value)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code, tmp_path], stdout=subprocess.PIPE, text=True) as second:
        assert second.stdout is not None
        try:
            with lock_directory(tmp_path):
                assert second.stdout.readline() == "at the lock\n"
                for purpose in Purpose:
                    Authority.create(purpose, now=datetime.now(UTC)).save(tmp_path)
            assert second.stdout.read() == "kept kept made\n"
            assert second.wait() == 0
        finally:
            second.kill()
