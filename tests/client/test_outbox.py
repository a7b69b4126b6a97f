"""What one has said is kept until it is answered, in order, over as many connections as that takes."""

import re

import pytest

from securechat.client.errors import TooManyWaitError
from securechat.client.outbox import MOST, Outbox, Saying
from securechat.client.requests import Refusal, Request


def _request(label: str) -> Request:
    return Request(label, "PRIVMSG", ("#c", "x"), labelled=True)


def test_ids_are_of_their_own_and_tell_nothing() -> None:
    ids = {Saying(("PRIVMSG", "#c", "x")).id for _ in range(1000)}
    assert len(ids) == 1000
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{22}", one) for one in ids)
    assert "secret" not in repr(Saying(("PRIVMSG", "#c", "secret"), ("secret",)))


def test_what_is_answered_is_forgotten() -> None:
    outbox = Outbox()
    one, two = Saying(("PRIVMSG", "#c", "one")), Saying(("PRIVMSG", "#c", "two"))
    outbox.add(one)
    outbox.add(two)
    first, second = _request("1"), _request("2")
    outbox.sent(one, first)
    assert outbox.unsent() == [two]
    outbox.sent(two, second)
    assert outbox.answered(_request("3")) is None
    second.refusal = Refusal("404", "#c", "no")
    assert outbox.answered(second) is two
    assert (two.settled, two.refusal) == (True, second.refusal)
    assert outbox.open() == [one]
    assert outbox.answered(first) is one
    assert (one.settled, one.refusal, len(outbox)) == (True, None, 0)
    assert outbox.answered(first) is None


def test_what_was_under_way_is_uncertain() -> None:
    outbox = Outbox()
    sayings = [Saying(("PRIVMSG", "#c", str(number))) for number in range(3)]
    for saying in sayings:
        outbox.add(saying)
    requests = [_request(str(number)) for number in range(2)]
    for saying, request in zip(sayings, requests, strict=False):
        outbox.sent(saying, request)
    outbox.lost()
    assert [saying.uncertain for saying in sayings] == [True, True, False]
    assert [saying.losses for saying in sayings] == [1, 0, 0]
    assert outbox.unsent() == sayings
    assert outbox.answered(requests[0]) is None  # an answer of a connection that is gone
    assert outbox.find_uncertain(lambda saying: saying.text == "1") is sayings[1]
    assert outbox.find_uncertain(lambda saying: saying.text == "2") is None
    outbox.settle(sayings[1])
    assert not sayings[1].uncertain
    assert outbox.open() == [sayings[0], sayings[2]]


def test_there_is_an_end_to_what_waits() -> None:
    outbox = Outbox()
    for _ in range(MOST):
        outbox.add(Saying(("PRIVMSG", "#c", "x")))
    with pytest.raises(TooManyWaitError, match="1,000 messages wait"):
        outbox.add(Saying(("PRIVMSG", "#c", "x")))
    assert len(outbox) == MOST
