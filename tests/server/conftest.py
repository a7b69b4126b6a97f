"""One server for all tests of a file, with guests, and clients that leave when their test is over."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from securechat.pki import make_development_certs
from tests.server.wire import House, Opener, running


@pytest.fixture(scope="session")
def certs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with `ca.pem` and `server.pem`, for localhost."""
    directory = tmp_path_factory.mktemp("certs")
    make_development_certs(directory, machine="localhost")
    return directory


@pytest.fixture(scope="module")
def house(certs: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A server that the tests of a file share."""
    with running(certs, tmp_path_factory.mktemp("house")) as one:
        yield one


@pytest.fixture
def opened(house: House) -> Iterator[Opener]:
    """Opens clients of the server."""
    yield Opener(house)
    house.everybody_out()
