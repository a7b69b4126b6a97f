"""Certificates for the tests of the client, and a chat on a server that keeps what is said."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from securechat.client.steady import Steady
from securechat.pki import make_development_certs
from tests.client.archive import Archive
from tests.client.clients import steady
from tests.client.told import Told


@pytest.fixture(scope="session")
def certs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with `ca.pem` and `server.pem`, for localhost."""
    directory = tmp_path_factory.mktemp("certs")
    make_development_certs(directory, machine="localhost", clients=["alice"])
    return directory


@pytest.fixture(scope="session")
def ca(certs: Path) -> Path:
    """The authority to trust."""
    return certs / "ca.pem"


@pytest.fixture
def archive(certs: Path) -> Iterator[Archive]:
    """A server that keeps what is said."""
    with Archive(certs / "server.pem") as archive:
        yield archive


@pytest.fixture
def told() -> Told:
    """For what is told."""
    return Told()


@pytest.fixture
def chat(archive: Archive, ca: Path, told: Told) -> Iterator[Steady]:
    """alice's, who is in #lobby."""
    with steady(archive, ca, told, "#lobby") as chat:
        chat.wait_until_here()
        yield chat
