"""The log: what a line looks like, and that no peer writes lines of their own."""

import io
import json
import logging
import re
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from securechat.server.log import EventLog, Field, Format, Level, start


@pytest.fixture(autouse=True)
def quiet_again() -> Iterator[None]:
    logger = logging.getLogger("securechat")
    before = logger.handlers[:], logger.propagate, logger.level
    yield
    logger.handlers[:], logger.propagate = before[0], before[1]
    logger.setLevel(before[2])


def written(format: Format, event: str, /, **fields: Field) -> str:
    stream = io.StringIO()
    start(Level.DEBUG, format, stream).info(event, **fields)
    return stream.getvalue()


def test_a_line_of_text() -> None:
    line = written(Format.TEXT, "login", account="alice", address="127.0.0.1", port=6697)
    assert re.fullmatch(r"\d\d:\d\d:\d\d info  login account=alice address=127\.0\.0\.1 port=6697\n", line)


def test_a_line_of_json() -> None:
    line = written(Format.JSON, "login", account="alice", port=6697, guest=False, device=None)
    assert line.endswith("\n")
    content = json.loads(line)
    assert re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d\d\dZ", content.pop("time"))
    assert content == {
        "level": "info", "event": "login", "account": "alice", "port": 6697, "guest": False, "device": None,
    }  # fmt: skip


def test_the_time_of_an_event() -> None:
    stream = io.StringIO()
    start(Level.DEBUG, Format.JSON, stream)
    record = logging.LogRecord("securechat", logging.INFO, __file__, 1, "tick", None, None)
    record.created, record.msecs = 0.25, 250.0
    logging.getLogger("securechat").handle(record)
    assert json.loads(stream.getvalue())["time"] == "1970-01-01T00:00:00.250Z"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("alice", "alice"),
        ("#lobby", "#lobby"),
        ("::1", "::1"),
        ("café", "café"),
        ("", '""'),
        ("two words", '"two words"'),
        ("a=b", '"a=b"'),
        ('say "x"', r'"say \"x\""'),
        ("back\\slash", r'"back\\slash"'),
        ("one\nlogin account=root", r'"one\nlogin account=root"'),
        ("\r\t\0\x1b[31m\x85", r'"\r\t\u0000\u001b[31m\u0085"'),
        ("\u202egnp", r'"\u202egnp"'),
        ("\u2028", r'"\u2028"'),
        ("\ud800", r'"\ud800"'),
        ("\U000e0001", r'"\U000e0001"'),
        (None, "none"),
        (True, "true"),
        (1.5, "1.5"),
    ],
)
def test_values_in_text(value: Field, shown: str) -> None:
    assert written(Format.TEXT, "x", value=value).rstrip("\n").split(" x value=", 1)[1] == shown


@settings(max_examples=200)
@given(st.text(), st.text())
def test_nothing_from_a_peer_forges_a_line_or_a_field(one: str, other: str) -> None:
    line = written(Format.TEXT, "refused", nick=one, reason=other)
    assert line[:-1].isprintable()
    assert line[-1] == "\n"
    value = r'(?:[^\s"\'=\\]+|"(?:[^"\\]|\\.)*")'
    assert re.fullmatch(rf"\S+ info  refused nick={value} reason={value}\n", line)

    content = json.loads(written(Format.JSON, "refused", nick=one, reason=other))
    assert [*content] == ["time", "level", "event", "nick", "reason"]
    assert (content["nick"], content["reason"]) == (one, other)


def test_what_is_very_long_is_cut() -> None:
    for format in Format:
        assert 500 < len(written(format, "x", value="y" * 100_000)) < 700


@pytest.mark.parametrize(
    "name",
    ["password", "secret", "text", "join_code", "server_password", "text_of_message", "phc", "time", "level", "event"],
)
@pytest.mark.parametrize("format", Format)
def test_what_is_never_logged(name: str, format: Format) -> None:
    stream = io.StringIO()
    log = start(Level.DEBUG, format, stream)
    fields: dict[str, Any] = {"account": "alice", name: "hunter2"}
    for write in (log.debug, log.info, log.warning, log.error):
        with pytest.raises(ValueError, match=name):
            write("login", **fields)
    with pytest.raises(ValueError, match=name):
        log.fault("login", KeyError(), **fields)
    assert stream.getvalue() == ""


def test_levels() -> None:
    stream = io.StringIO()
    log = start(Level.WARNING, Format.TEXT, stream)
    log.debug("one")
    log.info("two")
    log.warning("three")
    log.error("four")
    assert [line.split(None, 1)[1] for line in stream.getvalue().splitlines()] == ["warn  three", "error four"]


def test_starting_again_replaces_the_first_choice() -> None:
    first, second = io.StringIO(), io.StringIO()
    log = start(Level.DEBUG, Format.TEXT, first)
    start(Level.ERROR, Format.JSON, second)
    log.info("lost")
    log.error("found")
    assert first.getvalue() == ""
    assert json.loads(second.getvalue())["event"] == "found"


def test_by_default_it_is_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    start()
    EventLog().info("hello")
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.endswith(" info  hello\n")


def broken(secret: str) -> None:
    nothing: dict[str, str] = {}
    try:
        nothing[secret]
    except KeyError as error:
        raise RuntimeError(f"no {secret}") from error


@pytest.mark.parametrize("format", Format)
def test_an_exception_is_shown_without_what_it_says(format: Format) -> None:
    stream = io.StringIO()
    log = start(Level.INFO, format, stream)
    try:
        broken("hunter2")
    except RuntimeError as error:
        log.fault("session failed", error, session=7)
    line = stream.getvalue()
    assert line.count("\n") == 1
    assert "hunter2" not in line
    assert "session failed" in line
    assert "RuntimeError from KeyError" in line
    assert re.search(r"server/test_log\.py:\d+ test_an_exception\w+ > server/test_log\.py:\d+ broken", line)


def test_a_chain_of_exceptions_that_bites_its_tail_ends() -> None:
    one, other = KeyError(), ValueError()
    one.__cause__, other.__cause__ = other, one
    stream = io.StringIO()
    start(Level.INFO, Format.TEXT, stream).fault("odd", one)
    assert "KeyError from ValueError from KeyError" in stream.getvalue()
