"""What others wrote can't do anything to a screen, and what is sent can't become anything but text."""

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from securechat.client.safe import MAX_MARKS, MAX_NAME, safe_name, safe_text, sendable
from securechat.irc.message import Message

_NASTY = st.sampled_from(
    "\x00\x01\x02\x03\x04\x07\x08\t\n\x0b\x0c\r\x0e\x0f\x1b\x1c\x1f\x7f\x85\x9b\xad\u034f\u061c\u200b\u200c\u200d\u200e\u202a"
    "\u202e\u2028\u2029\u2060\u2066\u2069\u3164\ufe0f\ufeff\U000e0041\ud800\u0301\u0489[0;31m12,4é🏳"
)
TEXTS = st.one_of(st.text(), st.text(_NASTY), st.text(st.characters()))


def _is_harmless(text: str) -> bool:
    return len(text.splitlines()) <= 1 and not any(
        unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp")
        or unicodedata.bidirectional(character) in ("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI")
        for character in text
    )


@settings(max_examples=300)
@given(TEXTS)
def test_nothing_that_moves_the_cursor_comes_through(text: str) -> None:
    assert _is_harmless(safe_text(text))
    assert _is_harmless(safe_name(text))
    safe_text(text).encode()


@settings(max_examples=300)
@given(TEXTS)
def test_what_is_safe_stays_as_it_is(text: str) -> None:
    shown = safe_text(text)
    assert safe_text(shown) == shown


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126)))
def test_plain_text_is_left_alone(text: str) -> None:
    assert safe_text(text) == text


@given(TEXTS)
def test_a_name_is_one_word_that_is_there_and_ends(text: str) -> None:
    name = safe_name(text)
    assert 0 < len(name) <= MAX_NAME
    assert not any(character.isspace() for character in name)


@given(TEXTS)
def test_what_is_sendable_makes_one_line_and_no_request(text: str) -> None:
    clean = sendable(text)
    assert b"\r\n" not in Message("PRIVMSG", ["#lobby", clean]).encode()[:-2]
    assert "\x01" not in clean
    assert len(clean) == len(text)


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ("\x1b[2J\x1b[1;1Hgone", "␛[2J␛[1;1Hgone"),
        ("\x9b31mred", "\ufffd31mred"),
        ("one\r<bob> two", "one␍<bob> two"),
        ("one\u2028<bob> two", "one\u2424<bob> two"),
        ("one\x85two", "one\ufffdtwo"),
        ("a\tb", "a b"),
        ("rm \u202egpj.exe\u202c now", "rm gpj.exe now"),
        ("p\u200ba\u2060y\ufeff", "pay"),
        ("\x02bold\x02 \x0304,12red\x03 \x04ff0000,00ff00x\x0f.", "bold red x."),
        ("\x0312345", "345"),
        ("\x03,4", ",4"),
        ("\x031,x", ",x"),
        ("smuggled\U000e0068\U000e0069", "smuggled"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("👩\u200d👩\u200d👧", "👩\u200d👩\u200d👧"),
        ("a\u200db", "ab"),
        ("é\u200d\u200dé", "éé"),
        ("❤\ufe0f", "❤\ufe0f"),
        ("z" + "\u0301" * 50, "z" + "\u0301" * MAX_MARKS),
        ("\ud83d", "\ufffd"),
        ("été 中文 עברית", "été 中文 עברית"),
    ],
)
def test_examples(sent: str, shown: str) -> None:
    assert safe_text(sent) == shown


def test_names() -> None:
    assert safe_name("alice") == "alice"
    assert safe_name("a b\u3000c") == "a_b_c"
    assert safe_name("\u200b") == "?"
    assert safe_name("x" * 65) == "x" * 63 + "…"
