"""What reading the store costs who asks for it: so nobody keeps the server busy with it, nor others from it."""

from pathlib import Path

import pytest

from securechat.chat.machine import Chat
from securechat.chat.views_history import PrivatePast
from securechat.server import searching as searching_module
from securechat.server.config import Limits
from securechat.server.reader import EMPTY_READ
from securechat.server.searching import Searching, TooLongError
from securechat.server.throttle import TokenBucket
from tests.server.pages import HISTORY
from tests.server.wire import Client, House, Opener, commands, running


class _Purse(TokenBucket):
    """Never empty, and knows what was taken out of it besides the lines and the reads."""

    def __init__(self) -> None:
        super().__init__(1e6, 1_000_000)
        self.taken: list[float] = []

    def charge(self, now: float, tokens: float) -> float:
        if tokens not in (0, EMPTY_READ):
            self.taken.append(tokens)
        return super().charge(now, tokens)


def _purse(house: House, client: Client) -> _Purse:
    purse = _Purse()

    def give(_: Chat) -> None:
        next(session for session in house.hub.sessions.values() if session.nick == client.nick).bucket = purse

    house.ask(give)
    return purse


@pytest.mark.parametrize(
    "question",
    ["LATEST #some * 10", "LATEST nobody * 10", "TARGETS timestamp=2021-01-01T00:00:00.000Z "
     "timestamp=2021-01-02T00:00:00.000Z 10"],
)  # fmt: skip
def test_a_page_on_which_nothing_stands_costs_what_it_took_to_find_that_out(
    certs: Path, tmp_path: Path, question: str
) -> None:
    with running(certs, tmp_path, limits=Limits(throttle=True)) as house:
        opened = Opener(house)
        operator = opened(account="alice", join="#some")
        operator.ask(*["PRIVMSG @#some :among operators"] * 20)
        reader = opened(None, *HISTORY, account="Bob", join="#some")
        purse = _purse(house, reader)
        assert "PRIVMSG" not in commands(reader.ask(f"CHATHISTORY {question}"))
        assert purse.taken
        purse.taken.clear()
        reader.ask("MARKREAD #some")
        assert not purse.taken


def _searching(house: House) -> Searching:
    searching = house.hub.searching
    assert searching is not None
    return searching


def _search(house: House, party: int) -> None:
    past = PrivatePast("somebody", party, 0, (7,))
    _searching(house).search(past, None, nick="somebody", after=None, before=None, most=1)


def test_of_one_user_there_is_one_search_at_a_time(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    with _searching(house)._place(1):
        _search(house, 2)
        with _searching(house)._place(2):
            monkeypatch.setattr(searching_module, "SEARCH_SECONDS", 0.01)
            with pytest.raises(TooLongError):
                _search(house, 3)
        with pytest.raises(TooLongError):
            _search(house, 1)
    monkeypatch.undo()
    _search(house, 1)
