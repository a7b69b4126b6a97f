"""What the tests of the store share."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from securechat.store.datadir import DataDir
from tests.store.kinds import STORED, Kind, open_shop
from tests.store.shop import Shop, Table


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "securechat.db"


@pytest.fixture
def table(path: Path) -> Iterator[Table]:
    with Table(path) as table:
        yield table


@pytest.fixture(params=STORED, ids=lambda name: name.replace(" ", "-"))
def kind(request: pytest.FixtureRequest) -> Kind:
    return STORED[request.param]


@pytest.fixture
def new_shop(tmp_path: Path) -> Iterator[Callable[[], Shop]]:
    """Makes shops that are all alike."""
    made: list[Shop] = []

    def make() -> Shop:
        made.append(open_shop(tmp_path / f"{len(made)}.db"))
        return made[-1]

    yield make
    for shop in made:
        shop.database.close()


@pytest.fixture
def data(tmp_path: Path) -> DataDir:
    """A data directory, for a store that has something of everything."""
    directory = DataDir(tmp_path / "data")
    directory.prepare()
    return directory


@pytest.fixture
def shop(data: DataDir) -> Iterator[Shop]:
    """That store, with a server's connection that is open."""
    shop = open_shop(data.database)
    yield shop
    shop.database.close()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where a copy of it goes."""
    return tmp_path / "backup.db"
