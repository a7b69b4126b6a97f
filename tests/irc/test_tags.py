"""Escaping, and what is read of badly formed tags."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from securechat.irc.tags import NO_TAGS, client_only, escape, format_tags, parse_tags, passing, unescape
from tests.irc.strategies import messages, texts


@pytest.mark.parametrize(
    ("value", "escaped"),
    [
        (";", r"\:"),
        (" ", r"\s"),
        ("\\", r"\\"),
        ("\r", r"\r"),
        ("\n", r"\n"),
        ("raw+:=,escaped; \\", r"raw+:=,escaped\:\s\\"),
        ("\\s", r"\\s"),
    ],
)
def test_the_table(value: str, escaped: str) -> None:
    assert escape(value) == escaped
    assert unescape(escaped) == value


@pytest.mark.parametrize(
    ("escaped", "value"), [("test\\", "test"), ("\\b", "b"), ("\\\\\\", "\\"), ("\\é\\", "é"), ("\\\n", "\n")]
)
def test_escapes_that_are_none(escaped: str, value: str) -> None:
    assert unescape(escaped) == value


@given(st.text(max_size=30))
@settings(max_examples=100)
def test_unescape_inverts_escape(value: str) -> None:
    assert unescape(escape(value)) == value
    assert not set(escape(value)) & set("; \r\n")


def test_missing_and_empty_values_are_the_same() -> None:
    assert parse_tags("a;b=") == {"a": "", "b": ""}
    assert format_tags({"a": "", "b": "x"}) == "a;b=x"


def test_the_last_of_several_counts() -> None:
    assert parse_tags("a=1;b=2;a=3") == {"a": "3", "b": "2"}
    assert parse_tags("a=1;a") == {"a": ""}


def test_a_tag_without_a_key_is_none() -> None:
    assert parse_tags(";;=x;a;") == {"a": ""}
    assert parse_tags("") == {}


def test_keys_are_opaque() -> None:
    assert parse_tags("ä!=1;+=2;A=3;a=4;x=y=z") == {"ä!": "1", "+": "2", "A": "3", "a": "4", "x": "y=z"}


@given(texts.map(lambda text: text.replace(" ", "")))
@settings(max_examples=100)
def test_relaying_keeps_client_only_tags_and_never_grows(section: str) -> None:
    tags = parse_tags(section)
    relayed = client_only(tags)
    assert parse_tags(relayed) == {key: value for key, value in tags.items() if key.startswith("+") and key != "+"}
    assert len(relayed) <= len(section)


def test_a_plus_alone_is_not_relayed() -> None:
    assert client_only(parse_tags("+;+=x;+a;++")) == "+a;++"


def test_ten_thousand_tags() -> None:
    assert parse_tags(";".join(["a"] * 10_000)) == {"a": ""}
    assert len(parse_tags(";".join(map(str, range(10_000))))) == 10_000


@given(messages)
@settings(max_examples=50)
def test_tags_survive_the_wire(message: object) -> None:
    tags = getattr(message, "tags", {})
    assert parse_tags(format_tags(tags)) == tags


def test_no_tags_can_not_be_changed() -> None:
    with pytest.raises(TypeError):
        NO_TAGS["a"] = "b"  # type: ignore[index]


def test_what_says_only_that_somebody_is_typing_passes() -> None:
    for tags in ("", "+typing=active", "+draft/typing=done;+typing=done"):
        assert passing(tags)
    for tags in ("+draft/react=x", "+typing=done;+a", "+typing2"):
        assert not passing(tags)
