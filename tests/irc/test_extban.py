"""Masks of ban lists, plain and extended."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from securechat.irc.extban import ACCOUNTEXTBAN, EXTBAN, MAX_MASK, BanMask, complete_mask


@pytest.mark.parametrize(
    ("text", "mask"),
    [
        ("bob", "bob!*@*"),
        ("b?b*", "b?b*!*@*"),
        ("bob!user", "bob!user@*"),
        ("user@host", "*!user@host"),
        ("~user@host", "*!~user@host"),
        ("bob!user@host", "bob!user@host"),
        ("bob!~user@host", "bob!~user@host"),
        ("bob@", "*!bob@*"),
        ("@host", "*!*@host"),
        ("!user", "*!user@*"),
        ("bob!", "bob!*@*"),
        ("bob!@host", "bob!*@host"),
        ("!@", "*!*@*"),
        ("bob!a@b@host", "bob!a@b@host"),  # the host follows the last one
        ("a@b!c", "*!a@b!c"),
        ("example.org", "*!*@example.org"),
        ("*.example.org", "*!*@*.example.org"),
        ("192.0.2.1", "*!*@192.0.2.1"),
        ("2001:db8::1", "*!*@2001:db8::1"),
        ("::1", "*!*@::1"),
        ("user/alice", "*!*@user/alice"),
        ("*", "*!*@*"),
        ("***!****@**", "*!*@*"),
        ("a**?**b", "a*?*b!*@*"),
        (r"a\**b", r"a\**b!*@*"),  # the first is the character itself
        (r"a\***b", r"a\**b!*@*"),
        ("[x]\\^", "[x]\\^!*@*"),
        ("Bob!é@Host", "Bob!é@Host"),
        ("~a:bob", "~a:bob"),
        ("~account:bob", "~a:bob"),
        ("~a:b**b?", "~a:b*b?"),
        ("~a:*", "~a:*"),
        ("~a:[x]\\^{}|`-_9", "~a:[x]\\^{}|`-_9"),
        ("~m:bob", "~m:bob!*@*"),
        ("~mute:192.0.2.*", "~m:*!*@192.0.2.*"),
        ("~m:~a:bob", "~m:~a:bob"),
        ("~mute:~account:bob", "~m:~a:bob"),
    ],
)
def test_what_is_meant(text: str, mask: str) -> None:
    assert complete_mask(text) == mask
    assert complete_mask(mask) == mask


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "a b", "a!b@c d", "a\tb", "a\0", "a\x7f", "a\x85", "a\u2028b", "a\u3000b", "a\udc80", "a\n",
        "~x:bob", "~A:bob", "~:bob", "~bob", "~bob!a@b", ":a!b@c", "~ab:bob",
        "~a:", "~a", "~a:a b", "~a:bob!u@h", "~a:~a:bob", "~a:é",
        "~m:", "~m", "~m:~m:bob", "~m:~mute:~m:bob", "~m:~x:bob", "~m:~a:", "~m: ",
    ],
)  # fmt: skip
def test_what_is_no_mask(text: str) -> None:
    assert complete_mask(text) is None


def test_the_length_of_what_it_becomes() -> None:
    fits = "x" * (MAX_MASK - len("!*@*"))
    assert complete_mask(fits) == fits + "!*@*"
    assert complete_mask(fits + "x") is None
    assert complete_mask("é" * 98) == "é" * 98 + "!*@*"
    assert complete_mask("é" * 99) is None
    assert complete_mask("*" * 1000) == "*!*@*"
    assert complete_mask("~m:" * 100_000) is None


def test_the_tokens_name_what_there_is() -> None:
    prefix, letters = EXTBAN.split(",")
    for letter in letters:
        assert complete_mask(f"{prefix}{letter}:bob") is not None
    for name in ACCOUNTEXTBAN.split(","):
        assert name in letters or len(name) > 1
        assert complete_mask(f"{prefix}{name}:bob") == "~a:bob"


def matches(text: str, source: str = "Bob!user@Host.example", account: str | None = None) -> bool:
    """Whether the mask, as typed, matches."""
    mask = complete_mask(text)
    assert mask is not None
    return BanMask.parse(mask).matches(source, account)


def test_plain_masks() -> None:
    assert matches("bob")
    assert matches("BOB")
    assert matches("user@host.*")
    assert matches("host.example")
    assert not matches("bo")
    assert not matches("host.example.org")
    assert not matches("Bob", account="Bob", source="alice!u@h")


def test_accounts() -> None:
    assert matches("~a:alice", account="Alice")
    assert matches("~a:ALICE", account="alice")
    assert matches("~a:a*e", account="alice")
    assert matches("~a:*", account="alice")
    assert not matches("~a:ali", account="alice")
    assert not matches("~a:alice", account="bob", source="alice!u@h")


@pytest.mark.parametrize("mask", ["~a:*", "~a:bob", "~a:?", "~m:~a:*"])
def test_no_account_is_matched_by_no_mask_of_accounts(mask: str) -> None:
    assert not matches(mask)
    assert not matches(mask, source="bob!bob@bob")


def test_mutes() -> None:
    for text, mute in (("~m:bob", True), ("~m:~a:bob", True), ("bob", False), ("~a:bob", False)):
        assert BanMask.parse(complete_mask(text) or "").mute is mute
    assert matches("~m:bob")
    assert matches("~m:~a:alice", account="alice")
    assert not matches("~m:~a:alice", account="bob")


def test_masks_are_values() -> None:
    assert BanMask.parse("~a:bob") == BanMask.parse("~a:bob") != BanMask.parse("~m:~a:bob")
    assert len({BanMask.parse("a!*@*"), BanMask.parse("a!*@*")}) == 1


_texts = st.text(st.sampled_from("~am:!@*?\\ab.é"), max_size=14)


@given(st.one_of(_texts, st.text(max_size=8)))
@settings(max_examples=400)
def test_what_is_completed_is_complete(text: str) -> None:
    mask = complete_mask(text)
    if mask is None:
        return
    assert complete_mask(mask) == mask
    assert len(mask.encode()) <= MAX_MASK
    assert mask[0] != ":"
    assert " " not in mask
    if not mask.startswith("~"):
        assert "!" in mask
        assert "@" in mask


@given(_texts, st.sampled_from(["a!b@a.b", "ab!a@b", "*!a@b", "\\!b@é"]), st.sampled_from([None, "a", "ab"]))
@settings(max_examples=300)
def test_completing_changes_nothing_about_a_whole_mask(text: str, source: str, account: str | None) -> None:
    """Runs of stars and long names mean the same before and after."""
    whole = f"{text or 'x'}!{text[::-1] or '*'}@{text or '**'}"
    if complete_mask(whole) is not None and "!" not in text and "@" not in text:
        assert BanMask.parse(whole).matches(source, account) == matches(whole, source, account)
