"""Sentences on how it stands: one line each, and safe to be printed."""

import pytest
from hypothesis import given

from securechat.client.errors import ConnectionLostError
from securechat.client.events import (
    Broken,
    Event,
    Joined,
    LoginWaiting,
    MissedMore,
    NewSince,
    NoHistory,
    Resumed,
    Unsaid,
)
from securechat.client.status import sentence
from tests.client.test_safe import TEXTS


@pytest.mark.parametrize(
    ("event", "shown"),
    [
        (Broken(ConnectionLostError("it is lost"), 0.0, again=False), "it is lost; connecting again"),
        (Broken(ConnectionLostError("no answer"), 1.2, again=True), "no answer; the next try is in 1 second"),
        (Broken(ConnectionLostError("no answer"), 59.7, again=True), "no answer; the next try is in 60 seconds"),
        (LoginWaiting(1312), "waiting: 1,312 logins are before yours"),
        (LoginWaiting(1), "waiting: 1 login is before yours"),
        (LoginWaiting(0), "waiting: your login is next"),
        (Resumed(), "connected again"),
        (MissedMore("#c"), "more was said in #c meanwhile; these are the last of it"),
        (NewSince("#c"), "new in #c since you were last here"),
        (NewSince("bob"), "new from bob since you were last here"),
        (NoHistory("#c", "no disk"), "what was said in #c can't be shown: no disk"),
        (Unsaid("#c", "a\nb"), "nobody knows whether the server has this; say it again if it is missing: a b"),
        (Joined("bob", "#c", own=False), None),
    ],
)
def test_sentences(event: Event, shown: str | None) -> None:
    assert sentence(event) == shown


@given(TEXTS)
def test_they_are_one_line(text: str) -> None:
    for event in (
        Broken(ConnectionLostError(text), 1.0, again=True),
        MissedMore(text),
        NewSince(text),
        NoHistory(text, text),
        Unsaid(text, text),
    ):
        shown = sentence(event)
        assert shown is not None
        assert len(shown.splitlines()) == 1
        assert "\x1b" not in shown
