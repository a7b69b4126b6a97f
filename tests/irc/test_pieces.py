"""Base64 in pieces, as CERT has it."""

import base64

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from securechat.irc.errors import MalformedPieceError, PieceError, PiecesTooLongError
from securechat.irc.pieces import MAX_THING, PieceInbox, pieces

FULL = "A" * 400
"""A piece behind which there is another."""


def put_together(inbox: PieceInbox, parts: list[str]) -> bytes:
    """What an inbox makes of the pieces of one thing: nothing before the last."""
    *first, last = parts
    for part in first:
        assert inbox.add(part) is None
        assert inbox.begun
    whole = inbox.add(last)
    assert whole is not None
    assert not inbox.begun
    return whole


@settings(max_examples=100)
@given(things=st.lists(st.binary(max_size=1300), max_size=3))
@example(things=[b"", b"x" * 300, b"", b"x" * 299, b"x" * 301, b"x" * 600])
def test_what_is_taken_apart_comes_together(things: list[bytes]) -> None:
    """One after the other through the same inbox."""
    inbox = PieceInbox()
    for thing in things:
        parts = pieces(thing)
        assert all(len(part) == 400 for part in parts[:-1])
        assert 0 < len(parts[-1]) < 400
        assert put_together(inbox, parts) == thing


def test_examples() -> None:
    assert pieces(b"") == ["+"]
    assert pieces(b"hello") == ["aGVsbG8="]
    assert pieces(b"\0" * 300) == [FULL, "+"]
    assert pieces(b"\0" * 301) == [FULL, "AA=="]


@pytest.mark.parametrize("limit", [1, 2, 3, 298, 299, 300, 301, 302, 303, 600, 601, MAX_THING])
def test_the_longest(limit: int) -> None:
    """To the byte, wherever the pieces end; and then it takes another."""
    inbox = PieceInbox(limit)
    assert put_together(inbox, pieces(b"x" * limit)) == b"x" * limit
    with pytest.raises(PiecesTooLongError, match=f"{limit:,} bytes"):
        put_together(inbox, pieces(b"x" * (limit + 1)))
    assert not inbox.begun
    assert put_together(inbox, pieces(b"short"[:limit])) == b"short"[:limit]


def test_what_never_ends_is_not_kept() -> None:
    inbox = PieceInbox(1000)
    refused = 0
    for _ in range(100):
        try:
            assert inbox.add(FULL) is None
        except PiecesTooLongError:
            refused += 1
            assert not inbox.begun
        assert len(inbox._text) <= 1336
    assert refused == 25


@pytest.mark.parametrize(
    "piece",
    [
        "",
        "A",
        "AAA",
        "AA=",
        "=",
        "====",
        "AB==",
        "AA==AA==",
        "A A=",
        "é" * 4,
        "\ud800AAA",
        "AAA+A",
        "AAA-",
        "+AAA+",
        "A" * 401,
    ],
)
@pytest.mark.parametrize("before", [[], [FULL], [FULL, FULL]])
def test_what_is_no_piece(before: list[str], piece: str) -> None:
    inbox = PieceInbox()
    for part in before:
        assert inbox.add(part) is None
    with pytest.raises(MalformedPieceError) as caught:
        inbox.add(piece)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None, "which may quote a password"
    assert inbox.add("eA==") == b"x"


def test_padding_ends_it() -> None:
    inbox = PieceInbox()
    assert inbox.add("A" * 398 + "==") is None
    with pytest.raises(MalformedPieceError):
        inbox.add("AAAA")


@settings(max_examples=200)
@given(
    st.lists(st.text(max_size=5) | st.sampled_from(["+", FULL, "eA=="]) | st.binary(max_size=9).map(base64.b64encode))
)
def test_whatever_comes(parts: list[str | bytes]) -> None:
    """The peer's error or nothing."""
    inbox = PieceInbox(700)
    for part in parts:
        try:
            whole = inbox.add(part.decode() if isinstance(part, bytes) else part)
        except PieceError:
            whole = b""
            assert not inbox.begun
        assert whole is None or len(whole) <= 700
