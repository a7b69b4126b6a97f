"""Certificates for the tests of the client."""

from pathlib import Path

import pytest

from securechat.pki import make_development_certs


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
