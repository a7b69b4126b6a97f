"""The data directory: who may use it, and that there is only one who does."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from securechat.store.datadir import DataDir, DataDirError, DataDirInUse, DataDirStorageError, UnusableDataDirError
from tests.pki.places import reachable_directory, without_privileges

HOLD = """
import sys
from pathlib import Path
from securechat.store.datadir import DataDir
with DataDir(Path(sys.argv[1])).lock():
    print("locked", flush=True)
    sys.stdin.read()
print("released", flush=True)
"""


@contextmanager
def holder(path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that has the lock."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "locked\n"
            yield process
        finally:
            process.kill()


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o7777


def test_the_names(tmp_path: Path) -> None:
    data = DataDir(tmp_path / "data")
    assert data.database == tmp_path / "data" / "securechat.db"
    assert data.lock_file == tmp_path / "data" / "lock"
    assert data.control_socket == tmp_path / "data" / "control.sock"
    assert not data.path.exists()


def test_the_default_is_the_users_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    path = DataDir().path
    assert path.name == "securechat"
    assert tmp_path in path.parents


def test_a_relative_path_stays_where_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    data = DataDir(Path("data"))
    monkeypatch.chdir("/")
    data.prepare()
    assert (tmp_path / "data").is_dir()


def test_it_is_made_with_all_above_it_and_nobody_else_gets_in(tmp_path: Path) -> None:
    data = DataDir(tmp_path / "a" / "b" / "data")
    data.prepare()
    assert mode(data.path) == 0o700
    data.prepare()
    assert mode(data.path) == 0o700


def test_one_that_is_there_and_empty_is_made_private(tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    DataDir(tmp_path).prepare()
    assert mode(tmp_path) == 0o700


@pytest.mark.parametrize("open_to_others", [0o777, 0o770, 0o720, 0o755, 0o704, 0o701])
def test_one_with_something_in_it_that_others_get_into_is_refused(tmp_path: Path, open_to_others: int) -> None:
    (tmp_path / "securechat.db").touch()
    tmp_path.chmod(open_to_others)
    with pytest.raises(UnusableDataDirError, match="chmod 700") as caught:
        DataDir(tmp_path).prepare()
    assert str(tmp_path) in str(caught.value)
    assert mode(tmp_path) == open_to_others


@pytest.mark.parametrize("fit", [0o700, 0o750])
def test_one_with_something_in_it_that_is_private(tmp_path: Path, fit: int) -> None:
    (tmp_path / "securechat.db").touch()
    tmp_path.chmod(fit)
    DataDir(tmp_path).prepare()
    assert mode(tmp_path) == fit


def test_a_file_is_no_directory(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("mine")
    for path in (file, file / "data", file / "data" / "deeper"):
        with pytest.raises(UnusableDataDirError, match="not a directory"):
            DataDir(path).prepare()
    assert file.read_text() == "mine"


def test_a_place_where_we_may_not_write() -> None:
    with reachable_directory() as directory:
        directory.chmod(0o555)
        with without_privileges(), pytest.raises(UnusableDataDirError, match="can't make"):
            DataDir(directory / "data").prepare()


def test_the_system_says_no(tmp_path: Path) -> None:
    with pytest.raises(DataDirStorageError, match="too long") as caught:
        DataDir(tmp_path / ("x" * 300)).prepare()
    assert isinstance(caught.value.__cause__, OSError)


def test_one_process_at_a_time(tmp_path: Path) -> None:
    data = DataDir(tmp_path / "data")
    with holder(data.path) as process:
        with pytest.raises(DataDirInUse) as caught, data.lock():
            raise AssertionError("two at once")
        assert caught.value.pid == process.pid
        assert str(caught.value) == f"the data directory {data.path} is in use by process {process.pid}"
        process.communicate()
    with data.lock():
        assert data.lock_file.read_text() == f"{os.getpid()}\n"


def test_nor_two_servers_in_one_process(tmp_path: Path) -> None:
    data = DataDir(tmp_path / "data")
    with data.lock(), pytest.raises(DataDirInUse), DataDir(data.path).lock():
        raise AssertionError("two at once")
    with data.lock():
        pass


def test_a_process_that_was_killed_leaves_no_lock(tmp_path: Path) -> None:
    data = DataDir(tmp_path / "data")
    with holder(data.path) as process:
        process.kill()
        process.wait()
        with data.lock():
            pass


def test_a_program_that_the_holder_starts_does_not_keep_the_lock(tmp_path: Path) -> None:
    data = DataDir(tmp_path / "data")
    with data.lock():
        child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    with child, data.lock():
        child.communicate(b"\n")


@pytest.mark.parametrize("content", [b"", b"nonsense\n", b"\xff" * 100])
def test_whatever_stands_in_the_lock_file(tmp_path: Path, content: bytes) -> None:
    data = DataDir(tmp_path / "data")
    with holder(data.path):
        data.lock_file.write_bytes(content)
        with pytest.raises(DataDirInUse, match="by another process") as caught, data.lock():
            raise AssertionError("two at once")
        assert caught.value.pid is None


def test_the_lock_file_is_private_and_not_followed(tmp_path: Path) -> None:
    data = DataDir(tmp_path / "data")
    with data.lock():
        assert mode(data.lock_file) == 0o600
    data.lock_file.unlink()
    precious = tmp_path / "precious"
    precious.write_text("mine")
    data.lock_file.symlink_to(precious)
    with pytest.raises(DataDirError), data.lock():
        raise AssertionError("followed")
    assert precious.read_text() == "mine"


def test_an_error_inside_gives_the_lock_back(tmp_path: Path) -> None:
    data = DataDir(tmp_path / "data")
    with pytest.raises(ZeroDivisionError), data.lock():
        _ = 1 // 0
    with data.lock():
        pass


def test_a_directory_that_is_made_is_synced_with_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a power cut soon after the first start takes all of it, whatever was acknowledged."""
    synced: list[Path] = []
    monkeypatch.setattr("securechat.store.datadir.sync", synced.append)
    data = DataDir(tmp_path / "new" / "data")
    data.prepare()
    assert set(synced) == {tmp_path, tmp_path / "new"}
    synced.clear()
    data.prepare()
    assert synced == []
