"""What the tests of the store share."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

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
