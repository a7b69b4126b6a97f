"""Places for servers, as the end-to-end tests have them; the shim; and what is left to chance."""

import os
import random
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.crash.rounds import seed
from tests.crash.traces import compiled
from tests.e2e.conftest import certs, make_place, people, place

__all__ = ["certs", "chance", "make_place", "people", "place", "scratch", "shim"]


@pytest.fixture(scope="session")
def shim(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The power-cut shim, compiled."""
    return compiled(tmp_path_factory.mktemp("shim"))


@pytest.fixture
def chance() -> random.Random:
    number = seed()
    print(f"SECURECHAT_CRASH_SEED={number}")  # pytest shows it where a test fails
    return random.Random(number)


@pytest.fixture
def scratch() -> Iterator[Path]:
    """A directory for disks as they are after power cuts: in memory, where that is known to be, for there are many."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else None) as directory:
        yield Path(directory)
