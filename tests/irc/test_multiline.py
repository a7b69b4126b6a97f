"""Batches of lines become one text, and a text its lines again."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from securechat.irc.caps import CAPABILITIES
from securechat.irc.errors import MultilineError, MultilineInvalidError
from securechat.irc.message import Message
from securechat.irc.multiline import (
    CONCAT_TAG,
    MAX_BYTES,
    MAX_LINES,
    MultilineBatch,
    capability_value,
    joined,
    logical,
    pieces,
    valid_reference,
)
from securechat.irc.words import UnsendableError

TAGS = {"batch": "123"}


def batch(max_bytes: int = 100, max_lines: int = 10, target: str = "#channel") -> MultilineBatch:
    """An open one, without lines."""
    return MultilineBatch("123", target, max_bytes, max_lines)


def send(to: MultilineBatch, *lines: str) -> None:
    """Lines as a client sends them."""
    for line in lines:
        message = Message.parse(line)
        to.add(message.command, message.params[0], message.params[-1], CONCAT_TAG in message.tags, message.tags)


def refused(to: MultilineBatch, *lines: str) -> str:
    """The answer to the last of these lines, which is wrong."""
    send(to, *lines[:-1])
    with pytest.raises(MultilineError) as caught:
        send(to, lines[-1])
    (answer,) = caught.value.answers
    return answer.render("alice")


def test_the_specifications_example() -> None:
    open_ = batch()
    send(
        open_,
        "@batch=123 PRIVMSG #channel hello",
        "@batch=123 PRIVMSG #channel :",
        "@batch=123 privmsg #channel :how is ",
        "@batch=123;draft/multiline-concat PRIVMSG #channel :everyone?",
    )
    text = open_.finish()
    assert (open_.kind, open_.target, open_.reference) == ("PRIVMSG", "#channel", "123")
    assert text == "hello\n\nhow is \reveryone?"
    assert logical(text) == "hello\n\nhow is everyone?"
    assert pieces(text) == [("hello", False), ("", False), ("how is ", False), ("everyone?", True)]


def test_notices() -> None:
    open_ = batch(target="@#Channel")
    send(open_, "@batch=123 NOTICE @#channel :a", "@batch=123 NOTICE @#CHANNEL :b")
    assert open_.finish() == "a\nb"
    assert open_.kind == "NOTICE"


def test_one_line_is_a_message_too() -> None:
    open_ = batch()
    send(open_, "@batch=123 PRIVMSG #channel :a")
    assert open_.finish() == "a"


def test_there_is_nothing_that_the_first_line_could_be_joined_to() -> None:
    open_ = batch()
    send(open_, "@batch=123;draft/multiline-concat PRIVMSG #channel :a", "@batch=123 PRIVMSG #channel :b")
    assert open_.finish() == "a\nb"


def test_tags_that_do_not_belong_are_ignored() -> None:
    open_ = batch()
    send(open_, "@batch=123;+draft/reply=x;label=7 PRIVMSG #channel :a")
    assert open_.finish() == "a"


@pytest.mark.parametrize("lines", [[], [""], ["", ""]])
def test_a_message_of_nothing(lines: list[str]) -> None:
    open_ = batch()
    for line in lines:
        open_.add("PRIVMSG", "#channel", line, False, TAGS)
    with pytest.raises(MultilineInvalidError) as caught:
        open_.finish()
    assert (
        caught.value.answers[0].render("al")
        == "FAIL BATCH MULTILINE_INVALID :Invalid multiline batch with blank lines only"
    )


def test_blank_lines_are_kept_where_there_is_text() -> None:
    open_ = batch()
    for line in ("", "", "a", "", " ", ""):
        open_.add("PRIVMSG", "#channel", line, False, TAGS)
    assert open_.finish() == "\n\na\n\n \n"


def test_a_blank_line_can_not_be_joined() -> None:
    assert (
        refused(batch(), "@batch=123 PRIVMSG #channel :a ", "@batch=123;draft/multiline-concat PRIVMSG #channel :")
        == "FAIL BATCH MULTILINE_INVALID :Invalid multiline batch with concatenated blank line"
    )


def test_another_target() -> None:
    assert (
        refused(batch(target="#foo"), "@batch=123 PRIVMSG #bar hello")
        == "FAIL BATCH MULTILINE_INVALID_TARGET #foo #bar :Invalid multiline target"
    )
    refused(batch(), "@batch=123 PRIVMSG #channel :a", "@batch=123 PRIVMSG @#channel :a")
    long = refused(batch(target="#" + "é" * 200), f"@batch=123 PRIVMSG {'x' * 400} :a")
    assert len(long.encode()) < 300


@pytest.mark.parametrize(("first", "second"), [("PRIVMSG", "NOTICE"), ("NOTICE", "PRIVMSG"), ("PRIVMSG", "TAGMSG")])
def test_another_command(first: str, second: str) -> None:
    assert (
        refused(batch(), f"@batch=123 {first} #channel :a", f"@batch=123 {second} #channel :b")
        == "FAIL BATCH MULTILINE_INVALID :Invalid multiline batch"
    )


def test_a_command_that_is_no_message() -> None:
    refused(batch(), "@batch=123 JOIN #channel")
    refused(batch(), "@batch=123 TAGMSG #channel")


@pytest.mark.parametrize("tags", ["", "@batch=124 ", "@batch ", "@+batch=123 "])
def test_a_line_of_no_batch_or_of_another(tags: str) -> None:
    assert refused(batch(), f"{tags}PRIVMSG #channel :a").startswith("FAIL BATCH MULTILINE_INVALID :")


def test_bytes_are_those_of_the_texts_and_of_what_stands_between_lines() -> None:
    lines = ("@batch=123 PRIVMSG #channel :éé", "@batch=123;draft/multiline-concat PRIVMSG #channel :é")
    send(batch(max_bytes=6), *lines)
    assert refused(batch(max_bytes=5), *lines) == "FAIL BATCH MULTILINE_MAX_BYTES 5 :Multiline batch max-bytes exceeded"
    two = ("@batch=123 PRIVMSG #channel :éé", "@batch=123 PRIVMSG #channel :é")
    send(batch(max_bytes=7), *two)
    refused(batch(max_bytes=6), *two)
    blank = ("@batch=123 PRIVMSG #channel :a", "@batch=123 PRIVMSG #channel :")
    send(batch(max_bytes=2), *blank)
    refused(batch(max_bytes=1), *blank)


def test_lines_are_counted_whether_joined_or_not() -> None:
    lines = (
        "@batch=123 PRIVMSG #channel :a",
        "@batch=123;draft/multiline-concat PRIVMSG #channel :b",
        "@batch=123 PRIVMSG #channel :",
    )
    send(batch(max_lines=3), *lines)
    assert refused(batch(max_lines=2), *lines) == "FAIL BATCH MULTILINE_MAX_LINES 2 :Multiline batch max-lines exceeded"


def test_a_line_that_was_refused_leaves_no_trace() -> None:
    open_ = batch(max_bytes=3)
    send(open_, "@batch=123 PRIVMSG #channel :a")
    for line in ("@batch=123 NOTICE #channel :b", "@batch=123 PRIVMSG #channel :bbb", "@batch=123 PRIVMSG #x :b"):
        refused(open_, line)
    assert open_.finish() == "a"


def test_a_text_with_an_end_of_line_is_our_mistake() -> None:
    for text in ("a\nb", "a\rb", "\0"):
        with pytest.raises(UnsendableError):
            batch().add("PRIVMSG", "#channel", text, False, TAGS)


def test_the_capability_says_the_limits() -> None:
    assert capability_value(40000, 10) == "max-bytes=40000,max-lines=10"
    assert CAPABILITIES["draft/multiline"].value == f"max-bytes={MAX_BYTES},max-lines={MAX_LINES}"


def test_references() -> None:
    assert all(map(valid_reference, ("1", "yXNAbvnRHTRBv", "a-B-3", "-")))
    assert not any(map(valid_reference, ("", "a b", "a_b", "é", "a\n", "٣", "a;b", "+1")))


_texts = st.text(st.characters(exclude_characters="\0\r\n", exclude_categories=["Cs"]), max_size=6)
_parts = st.lists(st.tuples(_texts, st.booleans()), min_size=1, max_size=12)


@given(st.text(st.sampled_from("ab \r\n"), max_size=20))
@settings(max_examples=150)
def test_a_text_is_what_its_pieces_make(text: str) -> None:
    assert joined(pieces(text)) == text
    assert logical(text) == "".join(("" if concat else "\n") + piece for piece, concat in pieces(text))[1:]


@given(_parts)
@settings(max_examples=150)
def test_pieces_are_what_was_joined(parts: list[tuple[str, bool]]) -> None:
    parts = [(parts[0][0], False), *parts[1:]]
    assert pieces(joined(parts)) == parts


@given(_parts, st.integers(0, 40), st.integers(0, 14))
@settings(max_examples=200)
def test_a_batch_is_its_pieces_or_an_error(parts: list[tuple[str, bool]], max_bytes: int, max_lines: int) -> None:
    open_ = batch(max_bytes, max_lines)
    try:
        for text, concat in parts:
            open_.add("PRIVMSG", "#channel", text, concat, TAGS)
        text = open_.finish()
    except MultilineError:
        whole = logical(joined(parts))
        assert (
            len(whole.encode()) > max_bytes
            or len(parts) > max_lines
            or any(concat and not piece for piece, concat in parts[1:])
            or not any(piece for piece, _ in parts)
        )
        return
    assert pieces(text) == [(parts[0][0], False), *parts[1:]]
    assert len(logical(text).encode()) <= max_bytes
    assert len(parts) <= max_lines
