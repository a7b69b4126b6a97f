"""Names, their folding, and masks."""

import itertools
import tracemalloc
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from securechat.irc.names import MASKS_CUT, Mask, casefold, match, split_source, valid_channel, valid_nick


def test_only_ascii_is_folded() -> None:
    assert casefold("AbC-Z[]\\~É\u0130\u212a") == "abc-z[]\\~É\u0130\u212a"
    # RFC 1459's pairs are no pairs here.
    assert casefold("[]\\~") != casefold("{}|^")


@given(st.text(max_size=20))
@settings(max_examples=100)
def test_folding_changes_nothing_but_a_to_z(name: str) -> None:
    folded = casefold(name)
    assert casefold(folded) == folded
    assert len(folded) == len(name)
    for old, new in zip(name, folded, strict=True):
        assert new == (chr(ord(old) + 32) if "A" <= old <= "Z" else old)


@pytest.mark.parametrize("nick", ["a", "Alice", "_x", "[x]", "a-1", r"\^{}|`", "x" * 32])
def test_nicks(nick: str) -> None:
    assert valid_nick(nick)


@pytest.mark.parametrize(
    "nick",
    ["", "1a", "-a", "x" * 33, "a b", "a!b", "a@b", "a.b", "é", "a\n", "#a", ":a", "a*", "a?", "a,b", "~a", "аlice"],
)
def test_no_nicks(nick: str) -> None:
    assert not valid_nick(nick)


def test_the_length_of_a_nick() -> None:
    assert valid_nick("abc", max_length=3)
    assert not valid_nick("abcd", max_length=3)


@pytest.mark.parametrize(
    "channel", ["#a", "##", "#lobby", "#caf\xe9", "#日本語", "#a:b", "#\U0001f600", "#ملتقى", "#" + "x" * 63]
)
def test_channels(channel: str) -> None:
    assert valid_channel(channel)


@pytest.mark.parametrize(
    "channel",
    [
        "", "#", "lobby", "&local", " #a", "#a b", "#a,b", "#a\x07", "#a\n", "#a\x7f", "#a\x9b", "#a\xa0b", "#a\xad",
        "#a\u200b", "#a\u200d", "#a\u202eb", "#a\u2066", "#a\u2028", "#a\u2029", "#a\u3000", "#a\ufeff", "#a\ud800",
        "#a\ufe0f", "#a\u3164", "#a\u034f", "#a\u2800", "#a\U000e0041", "#a\U000e0100", "#cafe\u0301", "#" + "x" * 64,
    ],
    ids=ascii,
)  # fmt: skip
def test_no_channels(channel: str) -> None:
    assert not valid_channel(channel)


def test_the_length_of_a_channel_is_in_bytes() -> None:
    assert valid_channel("#" + "é" * 31 + "x")
    assert not valid_channel("#" + "é" * 32)


@given(st.text(min_size=1, max_size=8))
@settings(max_examples=200)
def test_nothing_unseen_is_in_a_channel(rest: str) -> None:
    if valid_channel("#" + rest):
        assert not {unicodedata.category(c) for c in rest} & {"Cc", "Cf", "Zl", "Zp", "Zs", "Cs"}


def test_sources() -> None:
    assert split_source("irc.example.org") == ("irc.example.org", "", "")
    assert split_source("nick!us@er@host") == ("nick", "us@er", "host")
    assert split_source("") == ("", "", "")


@pytest.mark.parametrize(
    ("mask", "matches", "fails"),
    [
        ("", [""], ["a"]),
        ("*", ["", "a", "ab*"], []),
        ("?", ["a", "?"], ["", "ab"]),
        ("a?c", ["abc", "a?c"], ["ac", "abbc"]),
        ("a*c", ["ac", "abc", "accc"], ["acd", "bac", "a"]),
        ("a*a", ["aa", "aba"], ["a"]),
        ("*?*", ["a", "ab"], [""]),
        ("**a**", ["a", "bab"], ["b"]),
        ("*ab*ab*", ["abab", "xabxabx"], ["ab", "aab"]),
        ("*b?d*d", ["abcdd", "b1d2d"], ["abd", "bcd"]),
        ("A*[É]", ["ab[É]"], ["ab[é]"]),
        (r"\*", ["*"], ["a", "\\*", ""]),
        (r"a\?", ["a?"], ["ab"]),
        (r"a\b", ["a\\b", "A\\B"], ["ab"]),
        ("a\\", ["a\\"], ["a"]),
        (r"\\*", [r"\*"], [r"\x", "\\"]),  # the star has a backslash in front, so it is none
        ("a?", ["a\n", "a\U0001f600"], []),
        ("*.", ["x."], ["xy"]),
    ],
)
def test_masks(mask: str, matches: list[str], fails: list[str]) -> None:
    assert [text for text in matches if not match(mask, text)] == []
    assert [text for text in fails if match(mask, text)] == []


def slow_match(mask: str, text: str) -> bool:
    """The definition, without the backslash."""
    if not mask:
        return not text
    if mask[0] == "*":
        return any(slow_match(mask[1:], text[start:]) for start in range(len(text) + 1))
    return bool(text) and mask[0] in ("?", text[0]) and slow_match(mask[1:], text[1:])


def test_masks_do_what_the_definition_says() -> None:
    texts = ["".join(letters) for size in range(5) for letters in itertools.product("ab", repeat=size)]
    for size in range(5):
        for letters in itertools.product("ab*?", repeat=size):
            mask = Mask("".join(letters))
            for text in texts:
                assert mask.match(text) == slow_match("".join(letters), text), (letters, text)


def test_a_hostile_mask_comes_to_an_end() -> None:
    # Each of these would take a matcher that tries all ways longer than there is time.
    assert not match("*a" * 200 + "*b", "a" * 450)
    assert not match("*a?" * 100 + "*b", "a" * 450)
    assert not match("*" + "a?" * 200 + "b*", "a" * 450)


def test_hostile_masks_take_no_more_memory_than_their_texts() -> None:
    texts = [f"{number:05}" + "*?" * 95 for number in range(MASKS_CUT + 1000)]
    tracemalloc.start()
    try:
        masks = [Mask(text) for text in texts]
        before, _ = tracemalloc.get_traced_memory()
        assert before < len(masks) * 1000
        for mask in masks[:MASKS_CUT]:
            mask.match("x")
        ready = tracemalloc.get_traced_memory()[0] - before
        for mask in masks:
            mask.match("x")
        assert tracemalloc.get_traced_memory()[0] - before < ready * 1.1, "of others nothing is kept"
    finally:
        tracemalloc.stop()
