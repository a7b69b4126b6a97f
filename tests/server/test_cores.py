"""How long a thread is let run, where there are many."""

import sys
from collections.abc import Iterator

import pytest

from securechat.server.cores import Cores, share_out


@pytest.fixture(autouse=True)
def _as_it_was() -> Iterator[None]:
    before = sys.getswitchinterval()
    yield
    sys.setswitchinterval(before)


@pytest.mark.parametrize(
    ("threads", "seconds"),
    [(0, 0.005), (1, 0.005), (399, 0.005), (400, 0.01), (2000, 0.05), (4000, 0.1), (10_000, 0.1)],
)
def test_the_more_there_are_the_longer_each_may(threads: int, seconds: float) -> None:
    assert share_out(threads) == pytest.approx(seconds)


def test_it_goes_up_and_down() -> None:
    cores = Cores(one=False)
    for threads in (2000, 10_000, 500, 10):
        cores.crowd(threads)
        assert sys.getswitchinterval() == pytest.approx(share_out(threads))


def test_what_somebody_else_has_chosen_stays_while_there_are_few() -> None:
    sys.setswitchinterval(0.001)
    cores = Cores(one=False)
    cores.crowd(1)
    cores.crowd(300)
    assert sys.getswitchinterval() == pytest.approx(0.001)
