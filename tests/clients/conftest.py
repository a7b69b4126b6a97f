"""A server, a tmux of our own, and the clients. Where a program is missing the tests fail: they are not skipped."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from securechat.pki import make_development_certs
from securechat.store.datadir import DataDir
from tests.clients.programs import SERVER_NAME, IrcClient, Irssi, WeeChat
from tests.clients.tmux import Tmux, tmux_server
from tests.e2e.servers import UNHURRIED, Place, Server, copy_people, make_people, running

MOTD = "Grüße an alle, die zuhören 🎈"
CONFIG = f'[server]\nname = "{SERVER_NAME}"\nmotd = "{MOTD}"\n\n{UNHURRIED}'


@pytest.fixture(scope="session")
def programs() -> None:
    """What these tests drive is installed."""
    missing = [program for program in ("irssi", "tmux", "weechat") if shutil.which(program) is None]
    if missing:
        pytest.fail(f"{', '.join(missing)} not found: run scripts/install-clients.sh", pytrace=False)


@pytest.fixture(scope="session")
def certs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with `ca.pem` and `server.pem`, for localhost."""
    directory = tmp_path_factory.mktemp("certs")
    make_development_certs(directory, machine="localhost")
    return directory


@pytest.fixture(scope="session")
def other_ca(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An authority that has nothing to do with the server."""
    directory = tmp_path_factory.mktemp("other")
    make_development_certs(directory, machine="localhost")
    return directory / "ca.pem"


@pytest.fixture(scope="session")
def people(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory with accounts; to be copied."""
    data = DataDir(tmp_path_factory.mktemp("people") / "data")
    make_people(data)
    return data.path


@pytest.fixture
def place(certs: Path, people: Path, tmp_path: Path) -> Place:
    """Where the server of a test lives."""
    place = Place(tmp_path / "server", certs)
    place.home.mkdir()
    copy_people(people, place)
    return place


@pytest.fixture
def server(programs: None, place: Place) -> Iterator[Server]:
    """A server that nobody is on."""
    with running(place, config=CONFIG) as one:
        yield one


@pytest.fixture
def open_server(programs: None, place: Place) -> Iterator[Server]:
    """One that lets in guests."""
    with running(place, "--guests", config=CONFIG) as one:
        yield one


@pytest.fixture
def tmux(programs: None) -> Iterator[Tmux]:
    """Terminals, which end with the test."""
    with tmux_server() as one:
        yield one


@pytest.fixture(params=[Irssi, WeeChat], ids=["irssi", "weechat"])
def kind(request: pytest.FixtureRequest) -> type[IrcClient]:
    """One of the clients."""
    client: type[IrcClient] = request.param
    return client


@pytest.fixture
def bob(kind: type[IrcClient], server: Server, tmux: Tmux, tmp_path: Path) -> IrcClient:
    """bob, who uses that client, has come, and looks at #lobby."""
    client = kind(tmux, server, "bob", tmp_path / "bob")
    client.look_at("#lobby")
    return client
