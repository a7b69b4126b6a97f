"""WHOX: fields asked for, and fields sent."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from securechat.irc.message import Message
from securechat.irc.numerics import Numeric, numeric
from securechat.irc.whox import ORDER, WhoxFields, parse_whox, whox_words

VALUES = {letter: f"<{letter}>" for letter in ORDER if letter != "t"}


@pytest.mark.parametrize(
    ("text", "letters", "token"),
    [
        ("%cuhnar", "cuhnar", None),
        ("%afnt,42", "tnfa", "42"),
        ("%tcuihsnfdlaor,999", ORDER, "999"),
        ("%" + ORDER[::-1] + ",0", ORDER, "0"),
        ("%nnn", "n", None),
        ("%nXé!N", "n", None),
        ("o%n", "n", None),
        ("%n%a", "na", None),
        ("%tn", "tn", None),
        ("%tn,", "tn", None),
        ("%tn,1234", "tn", None),
        ("%tn,x", "tn", None),
        ("%tn,1,2", "tn", None),
        ("%tn,١", "tn", None),
        ("%tn,1\n", "tn", None),
        ("%n,7", "n", "7"),
    ],
)
def test_what_is_asked_for(text: str, letters: str, token: str | None) -> None:
    assert parse_whox(text) == WhoxFields(letters, token)


@pytest.mark.parametrize("text", ["", "%", "%,7", "o", "n", "%X", "cuhnar", ",", "n,7%"])
def test_a_plain_who(text: str) -> None:
    assert parse_whox(text) is None


def test_what_is_sent() -> None:
    fields = parse_whox("%raont,42")
    assert fields is not None
    assert whox_words(fields, {**VALUES, "t": "no"}) == ["42", "<n>", "<a>", "<o>", "<r>"]


def test_placeholders() -> None:
    fields = parse_whox("%ticao")
    assert fields is not None
    assert whox_words(fields, {}) == ["0", "*", "255.255.255.255", "0", "n/a"]
    assert whox_words(fields, {"c": "#a", "a": "bob"}) == ["0", "#a", "255.255.255.255", "bob", "n/a"]
    with pytest.raises(KeyError):
        whox_words(WhoxFields("n", None), {})


def test_the_specifications_examples() -> None:
    values = {"c": "#ircv3", "u": "~cooluser", "h": "coolhost", "n": "cooluser", "a": "coolaccount", "r": "Cool User"}
    fields = parse_whox("%cuhnar")
    assert fields is not None
    assert (
        numeric(Numeric.RPL_WHOSPCRPL, "mynick", *whox_words(fields, values))
        == "354 mynick #ircv3 ~cooluser coolhost cooluser coolaccount :Cool User"
    )


@given(st.text(st.sampled_from(ORDER + "xX%,1"), max_size=20))
@settings(max_examples=200)
def test_exactly_what_was_asked_for_in_the_order_of_the_specification(text: str) -> None:
    fields = parse_whox("%" + text)
    asked = text.split(",")[0]
    if fields is None:
        assert not set(asked) & set(ORDER)
        return
    assert set(fields.letters) == set(asked) & set(ORDER)
    assert list(fields.letters) == sorted(fields.letters, key=ORDER.index)
    line = numeric(Numeric.RPL_WHOSPCRPL, "alice", *whox_words(fields, VALUES))
    assert len(Message.parse(line).params) == 1 + len(fields.letters)
