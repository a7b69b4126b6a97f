"""Lines from real descriptors: whole, in order, whatever the pieces are in which they come."""

import os
import socket
import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from securechat.client.errors import InputOutputError
from securechat.client.feed import LONGEST, Feed


def _read(data: bytes, piece: int = 1 << 20) -> list[tuple[int, bytes, bool]]:
    reader, writer = os.pipe()

    def write() -> None:
        for start in range(0, len(data), piece):
            os.write(writer, data[start : start + piece])
        os.close(writer)

    thread = threading.Thread(target=write)
    thread.start()
    feed = Feed(reader)
    feed.start()
    lines = list(feed.lines())
    thread.join()
    os.close(reader)
    return lines


@pytest.mark.parametrize(
    ("data", "lines"),
    [
        (b"", []),
        (b"one\ntwo\n", [b"one", b"two"]),
        (b"one\r\n\r\n\ntwo", [b"one", b"", b"", b"two"]),
        (b"one\rtwo\r\n", [b"one\rtwo"]),
        (b"\x00\xff\n", [b"\x00\xff"]),
    ],
)
def test_lines(data: bytes, lines: list[bytes]) -> None:
    assert _read(data) == [(number, line, True) for number, line in enumerate(lines, 1)]


@settings(max_examples=40)
@given(st.binary(max_size=50), st.integers(1, 5))
def test_the_pieces_make_no_difference(data: bytes, piece: int) -> None:
    assert _read(data, piece) == _read(data)


def test_a_very_long_line_comes_in_whole_characters() -> None:
    text = "aé€😀" * 60_000
    lines = _read(text.encode() + b"\nnext\n")
    *parts, (_, last, ended), following = lines
    assert following == (2, b"next", True)
    assert ended
    assert len(parts) > 1
    assert all((number, whole) == (1, False) for number, _, whole in parts)
    assert all(len(part) <= 2 * LONGEST for _, part, _ in parts)
    assert "".join(part.decode() for _, part, _ in [*parts, (1, last, True)]) == text


def test_a_very_long_line_that_is_no_text_comes_too() -> None:
    data = b"\x80" * (3 * LONGEST)
    assert b"".join(part for _, part, _ in _read(data)) == data


def test_the_end_of_a_long_line_is_not_torn() -> None:
    data = b"x" * (LONGEST - 1) + b"\r\nnext"
    assert [part for _, part, _ in _read(data, LONGEST)] == [b"x" * (LONGEST - 1), b"", b"next"]


def test_nothing_is_read_far_ahead(tmp_path: Path) -> None:
    file = tmp_path / "big"
    file.write_bytes(b"line\n" * 1_000_000)
    with file.open("rb") as opened:
        feed = Feed(opened.fileno())
        feed.start()
        lines = feed.lines()
        assert next(lines) == (1, b"line", True)
        assert os.lseek(opened.fileno(), 0, os.SEEK_CUR) <= 6 * LONGEST
        assert sum(1 for _ in lines) == 999_999


def test_whoever_waits_can_be_called_away() -> None:
    reader, writer = os.pipe()
    feed = Feed(reader)
    feed.start()
    os.write(writer, b"one\nhalf")
    lines = feed.lines()
    assert next(lines) == (1, b"one", True)
    feed.interrupt()
    assert list(lines) == []
    os.close(writer)


def test_a_program_without_input_has_no_lines() -> None:
    feed = Feed(None)
    feed.start()
    assert list(feed.lines()) == []


def test_what_cannot_be_read_is_told(tmp_path: Path) -> None:
    descriptor = os.open(tmp_path, os.O_RDONLY)
    feed = Feed(descriptor)
    feed.start()
    with pytest.raises(InputOutputError, match="standard input can't be read"):
        list(feed.lines())
    os.close(descriptor)


def test_a_descriptor_that_does_not_block_is_waited_for() -> None:
    near, far = socket.socketpair()
    near.setblocking(False)
    feed = Feed(near.fileno())
    feed.start()
    far.sendall(b"one\n")
    lines = feed.lines()
    assert next(lines) == (1, b"one", True)
    far.sendall(b"two\n")
    far.close()
    assert list(lines) == [(2, b"two", True)]
    near.close()
