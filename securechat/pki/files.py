"""Files that are never seen half written, and keys that were never readable by others, not even for a moment."""

import os
import secrets
import stat
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from errno import EROFS
from pathlib import Path

from securechat.pki.errors import InvalidRequestError, StorageError

if sys.platform != "win32":
    import fcntl


def make_directory(path: Path, mode: int) -> None:
    """Make a directory, and those above it, unless it is there; ``mode`` is for the last one, less the umask.

    Raises:
        InvalidRequestError: something else has that name, or we may not.
        StorageError: the system refused.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.mkdir(mode=mode, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise InvalidRequestError(f"{error.filename or path} is there and is not a directory") from error
    except OSError as error:
        raise _refusal(f"can't make the directory {path}", error) from error


@contextmanager
def lock_directory(path: Path) -> Iterator[None]:
    """Hold ``path`` against other processes that make certificates in it; the second one waits.

    The lock is on the directory itself (``flock``), so it leaves no file behind and ends with its process.

    Raises:
        InvalidRequestError: there is no such directory, or we may not.
        StorageError: the system refused.
    """
    if sys.platform == "win32":
        yield  # certificates are made where servers run, which is not there
        return
    with ExitStack() as stack:
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
            stack.callback(os.close, descriptor)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        except OSError as error:
            if isinstance(error, FileNotFoundError | NotADirectoryError):
                raise InvalidRequestError(f"there is no directory {path}") from error
            raise _refusal(f"can't lock the directory {path}", error) from error
        yield


def read_if_there(path: Path) -> bytes | None:
    """The bytes of a file, or None if there is none.

    Raises:
        StorageError: it is there and can't be read.
    """
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StorageError(f"can't read {path}: {error.strerror}") from error


def is_there(path: Path) -> bool:
    """Whether there is something of that name, be it a link that leads nowhere."""
    return os.path.lexists(path)


def list_directory(path: Path) -> list[Path]:
    """What is in a directory, by name; nothing if there is none.

    Raises:
        StorageError: it is there and can't be read.
    """
    try:
        return sorted(path.iterdir())
    except FileNotFoundError:
        return []
    except OSError as error:
        raise StorageError(f"can't read {path}: {error.strerror}") from error


def others_can_open(path: Path) -> bool:
    """Whether its mode lets anybody but the owner read, change or run it; never where modes do not say that.

    Raises:
        StorageError: the system does not tell.
    """
    try:
        return sys.platform != "win32" and bool(stat.S_IMODE(path.stat().st_mode) & 0o077)
    except OSError as error:
        raise StorageError(f"can't look at {path}: {error.strerror}") from error


def write_private(path: Path, data: bytes) -> None:
    """Put ``data`` in the place of ``path`` as `write_public` does; nobody but its owner can ever read it (0600)."""
    _replace(path, data, 0o600, private=True)


def write_public(path: Path, data: bytes) -> None:
    """Put ``data`` in the place of ``path``: whole and on disk when this returns, or not at all. 0644 less the umask.

    A link at ``path`` is replaced, not followed.

    Raises:
        InvalidRequestError: we may not write in that directory.
        StorageError: the system refused; what was there before still is.
    """
    _replace(path, data, 0o644, private=False)


def remove(path: Path) -> None:
    """Take a file away for good, if it is there. Errors as `write_public`."""
    try:
        path.unlink(missing_ok=True)
        _sync_directory(path.parent)
    except OSError as error:
        raise _refusal(f"can't remove {path}", error) from error


def _replace(path: Path, data: bytes, mode: int, *, private: bool) -> None:
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}.tmp")
    try:
        # O_EXCL follows no link and opens no file that somebody prepared; the mode is there before the first byte.
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        try:
            with os.fdopen(descriptor, "wb") as file:
                if private and sys.platform != "win32":
                    os.fchmod(file.fileno(), mode)  # a umask can only take away; this gives the owner back what it took
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        except BaseException:
            with suppress(OSError):
                temporary.unlink()
            raise
        _sync_directory(path.parent)
    except OSError as error:
        raise _refusal(f"can't write {path}", error) from error


def _sync_directory(path: Path) -> None:
    """Make a rename last: without this a power cut may bring the old name back."""
    if sys.platform == "win32":
        return
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _refusal(what: str, error: OSError) -> InvalidRequestError | StorageError:
    """Where we may not write is a badly chosen place; anything else is the system's doing."""
    sentence = f"{what}: {error.strerror}"
    if isinstance(error, PermissionError) or error.errno == EROFS:
        return InvalidRequestError(sentence)
    return StorageError(sentence)
