"""WHOWAS (Modern IRC, "WHOWAS message")."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from securechat.chat.events import Left, NickChanged
from securechat.irc.names import casefold
from securechat.server.whowas import WhoWas
from tests.server.wire import NAME, Client, Opener, commands, one, params

DATE = re.compile(r"\w{3} \w{3} \d\d \d\d:\d\d:\d\d 20\d\d")


def gone(client: Client) -> None:
    client.send("QUIT")
    client.to_end()


def test_who_has_left(opened: Opener) -> None:
    client, other = opened("Arthur"), opened()
    where = one(client.ask("WHOIS Arthur"), "311").params[3]
    assert other.asked("WHOWAS Arthur")[0] == f"406 {other.nick} Arthur :There was no such nickname"
    gone(client)
    answers = other.ask("WHOWAS aRTHUR")
    assert commands(answers) == ["314", "312", "369"]
    assert answers[0].params == [other.nick, "Arthur", "Arthur", where, "*", "Arthur the tester"]
    assert answers[1].params[:3] == [other.nick, "Arthur", NAME]
    assert DATE.fullmatch(answers[1].params[3])
    assert answers[2].params == [other.nick, "aRTHUR", "End of WHOWAS"]


def test_who_is_called_otherwise(opened: Opener) -> None:
    client = opened("earlier", "setname")
    client.ask("SETNAME :Somebody new", "NICK Earlier", "NICK later")
    answers = client.ask("WHOWAS earlier")
    assert commands(answers) == ["314", "312", "369"]  # a change of case is none
    assert one(answers, "314").params[1::4] == ["Earlier", "Somebody new"]
    assert commands(client.ask("WHOWAS later")) == ["406", "369"]


def test_an_account(opened: Opener) -> None:
    gone(opened(account="alice"))
    answers = opened().ask("WHOWAS alice 1")
    assert commands(answers) == ["314", "312", "330", "369"]
    assert one(answers, "330").params[1:3] == ["alice", "alice"]


def test_a_device_that_goes_has_not_left(opened: Opener) -> None:
    phone, laptop = opened(account="Bob"), opened(account="Bob")
    gone(phone)
    assert commands(laptop.ask("WHOWAS Bob")) == ["406", "369"]


def test_the_latest_first_and_so_many(opened: Opener) -> None:
    client = opened("counter", "setname")
    for number in range(3):
        client.ask(f"SETNAME {number}", "NICK elsewhere", "NICK counter")

    def names(line: str) -> str:
        return "".join(found[5] for found in params(client.ask(line), "314"))

    assert names("WHOWAS counter") == "210"
    for count, expected in (("1", "2"), ("2", "21"), ("3", "210"), ("9" * 100, "210")):
        assert names(f"WHOWAS counter {count}") == expected
    for count in ("0", "-1", "x", "1.5", "²", ":"):  # SHOULD be positive: "otherwise, a full search is done"
        assert names(f"WHOWAS counter {count}") == "210"


def test_what_came_before_is_known(opened: Opener) -> None:
    client = opened("swift1")
    assert commands(client.ask("NICK swift2", "WHOWAS swift1")) == ["NICK", "314", "312", "369"]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("WHOWAS", ["431 {} :No nickname given"]),
        ("WHOWAS :", ["431 {} :No nickname given"]),
        ("WHOWAS nobody,else", ["406 {} nobody :There was no such nickname", "369 {} nobody,else :End of WHOWAS"]),
        ("WHOWAS n*", ["406 {} n* :There was no such nickname", "369 {} n* :End of WHOWAS"]),
    ],
)
def test_errors(opened: Opener, line: str, expected: list[str]) -> None:
    client = opened()
    assert client.asked(line) == [answer.format(client.nick) for answer in expected]


def test_a_label(opened: Opener) -> None:
    client = opened(None, "labeled-response", "batch")
    answers = client.ask("@label=w WHOWAS nobody")
    assert commands(answers) == ["BATCH", "406", "369", "BATCH"]
    assert [answer.tags.get("label") for answer in answers] == ["w", None, None, None]


@settings(max_examples=60)
@given(st.lists(st.tuples(st.sampled_from("aAbc"), st.sampled_from("aABd_"))), st.integers(1, 6))
def test_the_last_so_many_are_remembered(changes: list[tuple[str, str]], most: int) -> None:
    """``_`` for a new nick: they leave."""
    whowas, expected = WhoWas(most), list[tuple[str, int]]()
    for stamp, (old, new) in enumerate(changes, 1):
        source = f"{old}!u@h"
        if new == "_":
            whowas.note(Left(stamp, source, None, None, "", (), (), realname="r"))
        else:
            whowas.note(NickChanged(stamp, source, None, None, new, (), (), realname="r"))
        if casefold(old) != casefold(new):
            expected.append((old, stamp))
    kept = expected[-most:]
    for nick in "abcd":
        found = [(entry.nick, entry.at) for entry in whowas.of(nick.upper())]
        assert found == [entry for entry in reversed(kept) if casefold(entry[0]) == nick]
        assert [(entry.nick, entry.at) for entry in whowas.of(nick, 1)] == found[:1]
