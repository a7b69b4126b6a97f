"""A search index that is taken away, or breaks and can't be mended, while the server runs."""

from pathlib import Path

from securechat.server.searching import Searching
from tests.server.test_search import CAPS, fails, said, texts
from tests.server.wire import House, Opener, running


def _searching(house: House) -> Searching:
    searching = house.hub.searching
    assert searching is not None
    return searching


def _faults(house: House) -> list[str]:
    found = [" ".join(fault.split()[:5]) for fault in house.faults]
    house.faults.clear()
    return found


def test_an_index_that_somebody_has_removed_is_made_anew(certs: Path, tmp_path: Path) -> None:
    with running(certs, tmp_path) as house:
        client = Opener(house)("one", *CAPS, join="#lobby")
        said(client, "#lobby", *(f"words {at}" for at in range(50)))
        assert len(texts(client, "text=words")) == 50
        for file in (tmp_path / "data").glob("search.db*"):
            file.unlink()
        assert fails(client, "text=words") == ["INTERNAL_ERROR"]
        said(client, "#lobby", "words again")
        assert len(texts(client, "text=words")) == 51
        assert len(_faults(house)) == 1


def test_one_that_can_not_be_mended_costs_nobody_the_connection(certs: Path, tmp_path: Path) -> None:
    with running(certs, tmp_path) as house:
        client = Opener(house)("one", *CAPS, join="#lobby")
        said(client, "#lobby", "words")
        assert texts(client, "text=words") == ["words"]
        _searching(house).stop(20)
        file, beside = tmp_path / "data" / "search.db", tmp_path / "data" / "search.db-wal"
        file.unlink()
        beside.unlink(missing_ok=True)
        beside.mkdir()
        assert fails(client, "text=words") == ["INTERNAL_ERROR"]
        assert _faults(house) == ["the search index can't be", "a search failed {'error': 'OperationalError',"]
        beside.rmdir()
        assert fails(client, "text=words") == ["INTERNAL_ERROR"]  # after which there is one again
        assert texts(client, "text=words") == []
        assert _searching(house).index.messages() == 0
        house.faults.clear()
