"""The data directory: where the server keeps what lasts, and the lock that lets one process at a time write there.

::

    DataDirError
    ├── UnusableDataDirError   it can't be one, or others could get at it: the operator's to put right
    ├── DataDirInUse           another process has it
    └── DataDirStorageError    the system refused (the OSError is its ``__cause__``)

``str()`` of each is a sentence without the full stop.
"""

from __future__ import annotations

import contextlib
import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from errno import EROFS
from pathlib import Path
from typing import Final

import platformdirs

from securechat.store.files import sync

if sys.platform != "win32":
    import fcntl

__all__ = ["DataDir", "DataDirError", "DataDirInUse", "DataDirStorageError", "UnusableDataDirError"]

# What must be off: all for others, and writing for the group. A group that may read (0750) is the operator's decision,
# for backups; PostgreSQL draws the same line.
_FORBIDDEN: Final = stat.S_IWGRP | stat.S_IRWXO
_PRIVATE: Final = 0o700


class DataDirError(Exception):
    """The base of all that this module raises on purpose."""


class UnusableDataDirError(DataDirError):
    """Something else has that name, we may not go there, or others could read or change what lies in it."""


class DataDirInUse(DataDirError):  # noqa: N818  (it is what happened)
    """Another process holds the lock. ``pid`` is its process id, if it could be read."""

    def __init__(self, path: Path, pid: int | None) -> None:
        holder = f"process {pid}" if pid is not None else "another process"
        super().__init__(f"the data directory {path} is in use by {holder}")
        self.pid = pid


class DataDirStorageError(DataDirError):
    """The system refused to make, look at or lock it."""


class DataDir:
    """Names of the files in a data directory. Nothing on the disk is touched before `prepare` or `lock`.

    ``path``: made absolute at once, so that a later change of the working directory does not matter; by default the
    user's own (``platformdirs``; ``~/.local/share/securechat`` on most Linux systems).
    """

    def __init__(self, path: Path | None = None) -> None:
        self.path = (
            path if path is not None else platformdirs.user_data_path("securechat", appauthor=False)
        ).absolute()
        self.database = self.path / "securechat.db"
        self.search = self.path / "search.db"
        self.lock_file = self.path / "lock"
        self.control_socket = self.path / "control.sock"
        self.crl_numbers = self.path / "crl-numbers"

    def __repr__(self) -> str:
        return f"DataDir({str(self.path)!r})"

    def prepare(self) -> None:
        """Make the directory, with those above it, if it is not there (0700), and look whether it is fit for secrets.

        One that is there and empty is made private if it is not: somebody made it for us a moment ago. One that is not
        empty is left as it is.

        Raises:
            UnusableDataDirError: it is a file, we may not go there, or others may read it or write to it.
            DataDirStorageError: the system refused.
        """
        try:
            missing = [path for path in (self.path, *self.path.absolute().parents) if not path.exists()]
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.path.mkdir(mode=_PRIVATE, exist_ok=True)
            for (
                path
            ) in missing:  # a power cut takes what is in it, however well that is synced, with a name that is not
                with contextlib.suppress(OSError):  # which some file systems can't, or we may not
                    sync(path.absolute().parent)
        except (FileExistsError, NotADirectoryError) as error:
            raise UnusableDataDirError(f"{error.filename or self.path} is there and is not a directory") from error
        except OSError as error:
            raise self._refusal("make", error) from error
        try:
            if sys.platform != "win32":
                self._keep_private()
        except OSError as error:
            raise self._refusal("look into", error) from error

    def _keep_private(self) -> None:
        mode = stat.S_IMODE(self.path.stat().st_mode)
        if not mode & _FORBIDDEN:
            return
        if not any(self.path.iterdir()):
            self.path.chmod(_PRIVATE)
            return
        verb = "write to" if mode & (stat.S_IWGRP | stat.S_IWOTH) else "look into"
        raise UnusableDataDirError(
            f"others may {verb} the data directory {self.path}, which holds accounts and messages: "
            f"chmod 700 it, after a look at what is in it"
        )

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Be the only process that uses the directory, which is prepared first. Never waits.

        The lock (``flock``) goes with its process, however that ends. The file stays: to remove it would let two
        processes lock two files of the same name. Not twice in one process: the second one is refused too.

        Raises:
            DataDirInUse: another process is.
            UnusableDataDirError: see `prepare`; also where there is no ``flock`` (Windows).
            DataDirStorageError: the system refused.
        """
        if sys.platform == "win32":
            raise UnusableDataDirError("the server needs Linux or macOS")
        self.prepare()
        try:
            descriptor = os.open(self.lock_file, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        except OSError as error:
            raise self._refusal("lock", error) from error
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                os.ftruncate(descriptor, 0)
                os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
            except BlockingIOError:
                raise DataDirInUse(self.path, _read_pid(descriptor)) from None
            except OSError as error:
                raise self._refusal("lock", error) from error
            yield
        finally:
            os.close(descriptor)

    def _refusal(self, what: str, error: OSError) -> DataDirError:
        """Where we may not go is a badly chosen place; anything else is the system's doing."""
        sentence = f"can't {what} the data directory {self.path}: {error.strerror}"
        if isinstance(error, PermissionError) or error.errno == EROFS:
            return UnusableDataDirError(sentence)
        return DataDirStorageError(sentence)


def _read_pid(descriptor: int) -> int | None:
    """Who wrote the lock file, if it says so. Only for people: for a moment it may still be the holder before."""
    try:
        text = os.pread(descriptor, 32, 0).strip()
    except OSError:
        return None
    return int(text) if text.isdigit() else None
