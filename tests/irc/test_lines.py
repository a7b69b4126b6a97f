"""Bytes in pieces, and what becomes of bad ones."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from securechat.irc.errors import (
    InvalidUTF8Error,
    LineTooLongError,
    MalformedMessageError,
    NullByteError,
    ProtocolError,
    TagsTooLongError,
)
from securechat.irc.lines import MAX_TAGS_FROM_CLIENT, MAX_TAGS_FROM_SERVER, LineBuffer
from securechat.irc.message import Message


def shown(items: list[str | ProtocolError]) -> list[object]:
    """Items in a form that can be compared: an error as its type, its answers and its tags."""
    return [item if isinstance(item, str) else (type(item), item.answers, dict(item.tags)) for item in items]


def feed(*pieces: bytes, max_tags: int = MAX_TAGS_FROM_CLIENT) -> list[object]:
    """What a new buffer makes of the pieces: lines, and the types of errors."""
    buffer = LineBuffer(max_tags)
    items = [item for piece in pieces for item in buffer.feed(piece)]
    return [item if isinstance(item, str) else type(item) for item in items]


def test_line_ends() -> None:
    assert feed(b"a\r\nb\nc\rd\r\n") == ["a", "b", "c", "d"]
    assert feed(b"\r\n\n\r\r\n\n") == []
    assert feed(b" \r\n  ", b" \n\t\n" + b" " * 510 + b"\n") == []
    assert feed(b" " * 511 + b"\n") == [LineTooLongError]
    assert feed(b"") == []


def test_a_line_may_come_in_any_pieces() -> None:
    assert feed(b"PI", b"NG", b" x", b"\r", b"\n", b"PONG\r\nQU", b"IT\n") == ["PING x", "PONG", "QUIT"]
    assert feed(b"no end yet") == []


def test_only_line_ends_end_lines() -> None:
    other = "a\vb\fc\x1cd\x85e\u2028f\u2029g"
    assert feed(other.encode() + b"\n") == [other]


def test_a_code_point_in_two_pieces() -> None:
    assert feed(b"h\xc3", b"\xa9\n") == ["hé"]


@pytest.mark.parametrize("end", [b"\r\n", b"\n", b"\r"])
def test_512_bytes_with_the_line_end(end: bytes) -> None:
    fits = b"PRIVMSG #a :" + b"x" * (510 - 12)
    assert feed(fits + end) == [fits.decode()]
    assert feed(fits + b"x" + end) == [LineTooLongError]
    assert feed(fits + b"xx" + end) == [LineTooLongError]
    assert feed(fits + b"xxx" + end) == [LineTooLongError]


def test_the_limit_counts_bytes() -> None:
    assert feed("é".encode() * 255 + b"\n") == ["é" * 255]
    assert feed("é".encode() * 256 + b"\n") == [LineTooLongError]


@pytest.mark.parametrize(("max_tags", "data"), [(MAX_TAGS_FROM_CLIENT, 4094), (MAX_TAGS_FROM_SERVER, 8189)])
def test_tags_have_their_own_limit(max_tags: int, data: int) -> None:
    body = b"X " + b"y" * 508
    for size, expected in ((data - 1, None), (data, None), (data + 1, TagsTooLongError), (data + 2, TagsTooLongError)):
        line = b"@" + b"t" * size + b" " + body
        assert feed(line + b"\r\nPING\r\n", max_tags=max_tags) == [expected or line.decode(), "PING"]
    tags = b"@" + b"t" * data + b" "
    assert feed(tags + body + b"y\r\nPING\r\n", max_tags=max_tags) == [LineTooLongError, "PING"]
    assert feed(tags[:-1] + b"\r\n", max_tags=max_tags) == [tags[:-1].decode()]  # no command; for parse() to say
    assert feed(b"@" + b"t" * (data + 1) + b"\r\nPING\r\n", max_tags=max_tags) == [TagsTooLongError, "PING"]


def test_a_long_line_without_tags_can_not_use_the_room_for_tags() -> None:
    assert feed(b"x" * 3000 + b"\nPING\n") == [LineTooLongError, "PING"]


def test_a_line_without_end_is_told_once_and_not_kept() -> None:
    buffer = LineBuffer()
    items = [item for _ in range(100) for item in buffer.feed(b"x" * 1000)]
    assert [type(item) for item in items] == [LineTooLongError]
    assert buffer.feed(b"xxx\r\nPING\r\n") == ["PING"]
    # Not even with all of it in one piece.
    assert [type(item) for item in buffer.feed(b"y" * 1_000_000)] == [LineTooLongError]
    assert buffer.feed(b"\n") == []
    assert buffer.feed(b"PING\n") == ["PING"]


def test_what_is_held_is_bounded() -> None:
    buffer = LineBuffer()
    for piece in (b"@" + b"x" * 4600, b"y" * 100_000, b"z", b"\n@", b"w" * 4605):
        buffer.feed(piece)
        assert len(buffer._partial) <= 4096 + 510


def test_nul_is_refused() -> None:
    assert feed(b"a\0b\nPING\n") == [NullByteError, "PING"]
    (error,) = LineBuffer().feed(b"@label=5 PRIVMSG #a :b\0c\r\n")
    assert isinstance(error, NullByteError)
    assert error.tags == {"label": "5"}
    assert error.answers[0].render("alice") == "400 alice * :A message can't hold a NUL byte"
    (error,) = LineBuffer().feed(b"@label=5\0 PRIVMSG #a :b\n")
    assert isinstance(error, NullByteError)
    assert error.tags == {}  # a label with NUL could not be sent back
    (error,) = LineBuffer().feed(b"@a=\0;label=5 PRIVMSG #a :b\n")
    assert isinstance(error, NullByteError)
    assert error.tags == {"label": "5"}


@pytest.mark.parametrize(
    ("line", "command", "tags"),
    [
        (b"PRIVMSG #a :\xff", "PRIVMSG", {}),
        (b"user u s e :\xe9", "USER", {}),
        (b"@label=x\\sy;+t=\xc3\xa9 :src PRIVMSG #a :\xed\xa0\x80", "PRIVMSG", {"label": "x y", "+t": "é"}),
        (b"@label=\xff PRIVMSG #a :b", "PRIVMSG", {}),
        (b"@+t=\xff;label=7;;+u PRIVMSG #a :b", "PRIVMSG", {"label": "7", "+u": ""}),  # what is bad is left out
        (b"@label=\xef\xbf\xbd NOTICE #a :\xc0\x80", "NOTICE", {"label": "\ufffd"}),  # a real U+FFFD is not made up
        (b"\xff\xfe", "*", {}),
        (b"@a=\xff", "*", {}),
        (b"PRIV\xffMSG #a :b", "*", {}),
    ],
)
def test_invalid_utf8(line: bytes, command: str, tags: dict[str, str]) -> None:
    before, error, after = LineBuffer().feed(b"ONE\r\n" + line + b"\r\nTWO\r\n")
    assert (before, after) == ("ONE", "TWO")
    assert isinstance(error, InvalidUTF8Error)
    assert error.command == command
    assert error.tags == tags
    (answer,) = error.answers
    assert answer.render("alice").startswith(f"FAIL {command} INVALID_UTF8 :")


def test_the_label_of_a_line_that_is_too_long() -> None:
    (error,) = LineBuffer().feed(b"@label=9 PRIVMSG #a :" + b"x" * 600 + b"\r\n")
    assert isinstance(error, LineTooLongError)
    assert error.tags == {"label": "9"}
    assert error.answers[0].render("alice") == "417 alice :Input line was too long"


_pieces = st.lists(
    st.one_of(
        st.sampled_from(
            [b"\n", b"\r", b"\r\n", b"@", b" ", b"@a=b;label=7 ", b"PRIVMSG #a :x", b"\0", b"\xff", b"\xc3", b"\xa9"]
        ),
        st.sampled_from([b"x" * 254, b"y" * 510, b"@" + b"t" * 2000, b"u" * 4094]),
        st.binary(max_size=8),
    ),
    max_size=24,
)


@given(_pieces, st.lists(st.integers(1, 700), min_size=1, max_size=5))
@example([b"@" + b"t" * 4094, b"\xc3\xa9", b"x" * 600, b"\n"], [1])
@example([b"x" * 510, b"\r\n", b"x" * 511, b"\r\n"], [511, 1])
@settings(max_examples=200)
def test_how_bytes_are_cut_makes_no_difference(pieces: list[bytes], sizes: list[int]) -> None:
    data = b"".join(pieces)
    whole = shown(LineBuffer().feed(data))
    buffer = LineBuffer()
    cut: list[str | ProtocolError] = []
    start = turn = 0
    while start < len(data):
        size = sizes[turn % len(sizes)]
        cut += buffer.feed(data[start : start + size])
        start, turn = start + size, turn + 1
    assert shown(cut) == whole


@given(st.one_of(st.binary(max_size=200), _pieces.map(b"".join)))
@settings(max_examples=300)
def test_only_the_peers_mistakes_come_of_bytes(data: bytes) -> None:
    for item in LineBuffer().feed(data + b"\n"):
        if isinstance(item, ProtocolError):
            assert [answer.render("alice") for answer in item.answers]
            # The tags that an error carries can be sent back.
            Message("ACK", [], tags=item.tags).serialise()
            continue
        assert item
        assert not set(item) & {"\0", "\r", "\n"}
        try:
            message = Message.parse(item)
        except MalformedMessageError:
            continue
        assert Message.parse(message.serialise()) == message
