"""Places for servers, and one server for all tests of a file that leave it as it was."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from securechat.pki import make_development_certs
from securechat.store.datadir import DataDir
from tests.e2e.servers import MakePlace, Place, Server, copy_people, make_people, running


@pytest.fixture(scope="session")
def certs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with `ca.pem` and `server.pem`, for localhost."""
    directory = tmp_path_factory.mktemp("certs")
    make_development_certs(directory, machine="localhost")
    return directory


@pytest.fixture(scope="session")
def people(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory with the accounts that everybody has; to be copied."""
    data = DataDir(tmp_path_factory.mktemp("people") / "data")
    make_people(data)
    return data.path


@pytest.fixture(scope="session")
def make_place(tmp_path_factory: pytest.TempPathFactory, certs: Path, people: Path) -> MakePlace:
    """Places for servers, each with its own data."""

    def make() -> Place:
        place = Place(tmp_path_factory.mktemp("place"), certs)
        copy_people(people, place)
        return place

    return make


@pytest.fixture
def place(make_place: MakePlace) -> Place:
    """A place of one's own."""
    return make_place()


@pytest.fixture(scope="module")
def server(make_place: MakePlace) -> Iterator[Server]:
    """A server that the tests of a file share; guests may come."""
    with running(make_place(), "--guests") as one:
        yield one
