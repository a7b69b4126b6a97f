"""The tokens of 005, both ways."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from securechat.irc.isupport import changes, token, token_lines, update
from securechat.irc.message import Message
from securechat.irc.numerics import Numeric, numeric
from securechat.irc.words import UnsendableError


def test_tokens() -> None:
    assert token("UTF8ONLY") == "UTF8ONLY"
    assert token("CASEMAPPING", "ascii") == "CASEMAPPING=ascii"
    assert token("NETWORK", r"a b=c\d") == r"NETWORK=a\x20b\x3Dc\x5Cd"


@pytest.mark.parametrize("name", ["", "lower", "A B", "A=B", "-A", "A" * 21, "É", "A\n"])
def test_names_that_are_none(name: str) -> None:
    with pytest.raises(UnsendableError):
        token(name, "x")


@pytest.mark.parametrize("value", ["a\nb", "a\rb", "a\0"])
def test_values_that_are_none(value: str) -> None:
    with pytest.raises(UnsendableError):
        token("A", value)


def test_thirteen_tokens_are_a_line() -> None:
    assert [len(line) for line in token_lines({f"T{number}": "" for number in range(27)}, 500)] == [13, 13, 1]


def test_bytes_are_limited_too() -> None:
    head = ":irc.example.org 005 alice "
    for size in range(1, 100):
        for line in token_lines({f"T{number}": "é" * size for number in range(14)}, 510 - len(head)):
            assert len((":irc.example.org " + numeric(Numeric.RPL_ISUPPORT, "alice", *line)).encode()) <= 510
    with pytest.raises(UnsendableError):
        token_lines({"A": "x" * 500}, 510 - len(head))


def test_update() -> None:
    known: dict[str, str] = {}
    update(known, ["UTF8ONLY", "NICKLEN=32", "EMPTY=", r"NETWORK=a\x20b\x3dc\x5C\x0A", "", "=x"])
    assert known == {"UTF8ONLY": "", "NICKLEN": "32", "EMPTY": "", "NETWORK": r"a b=c\\x0A"}
    update(known, ["-UTF8ONLY", "-NEVER", "NICKLEN=9"])
    assert known == {"NICKLEN": "9", "EMPTY": "", "NETWORK": r"a b=c\\x0A"}


TOKENS = st.dictionaries(
    st.text("ABC09./", min_size=1, max_size=20),
    st.text(st.characters(exclude_characters="\0\r\n", exclude_categories=["Cs"]), max_size=20),
    max_size=30,
)


def test_changes() -> None:
    before = {"A": "1", "B": "", "C": "x"}
    assert changes(before, before) == {}
    assert changes(before, {"C": "x", "A": "2", "D": ""}) == {"B": None, "A": "2", "D": ""}
    assert token_lines({"B": None, "A": "2", "D": ""}, 400) == [["-B", "A=2", "D"]]


@given(TOKENS, TOKENS)
@settings(max_examples=100)
def test_changes_bring_a_client_up_to_date(before: dict[str, str], after: dict[str, str]) -> None:
    known = dict(before)
    for line in token_lines(changes(before, after), 450):
        update(known, line)
    assert known == after


@given(TOKENS)
@settings(max_examples=100)
def test_the_client_knows_what_the_server_said(tokens: dict[str, str]) -> None:
    known: dict[str, str] = {}
    for line in token_lines(tokens, 450):
        message = Message.parse(numeric(Numeric.RPL_ISUPPORT, "alice", *line))
        update(known, message.params[1:-1])
    assert known == tokens
    assert list(known) == list(tokens)
