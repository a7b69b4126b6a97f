"""Directories for tests about permissions, which mean nothing to root until it steps down."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_NOBODY = 65534


@contextmanager
def reachable_directory() -> Iterator[Path]:
    """A directory that every user can enter (pytest's own are closed to all but theirs)."""
    directory = Path(tempfile.mkdtemp())
    try:
        directory.chmod(0o755)
        yield directory
    finally:
        shutil.rmtree(directory)


@contextmanager
def without_privileges() -> Iterator[None]:
    """As root, be nobody for a moment; as anybody else, stay. Import and call once beforehand what is needed inside."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(_NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)
