"""One line as a value, and back."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from securechat.irc.errors import MalformedMessageError
from securechat.irc.message import Message
from securechat.irc.tags import NO_TAGS
from securechat.irc.words import UnsendableError
from tests.irc.strategies import messages, texts


@given(messages)
@settings(max_examples=150)
def test_a_message_survives_the_wire(message: Message) -> None:
    line = message.serialise()
    assert not {"\0", "\r", "\n"} & set(line)
    assert Message.parse(line) == message


@given(st.one_of(texts, st.lists(texts, max_size=6).map(" ".join)))
@example("")
@example(" ")
@example("@")
@example("@a")
@example(":")
@example(":a ")
@example(": PING")
@example("@=x;;=y PING")
@example(" @a PING")
@example("@a :b @c")
@settings(max_examples=300)
def test_every_line_is_a_message_or_the_peers_mistake(line: str) -> None:
    try:
        message = Message.parse(line)
    except MalformedMessageError:
        return
    assert Message.parse(message.serialise()) == message


def test_the_plain_case() -> None:
    message = Message.parse("privmsg #lobby :hello: there")
    assert (message.command, message.params) == ("PRIVMSG", ["#lobby", "hello: there"])
    assert message.source is None
    assert message.tags is NO_TAGS


def test_many_parameters_are_all_kept() -> None:
    words = [str(number) for number in range(40)]
    assert Message.parse("X " + " ".join(words)).params == words
    assert Message("X", words).serialise() == "X " + " ".join(words)


def test_spaces_where_one_would_do() -> None:
    message = Message.parse("@a=b   :source   CMD   one   two   :  three  ")
    assert message == Message("CMD", ["one", "two", "  three  "], "source", {"a": "b"})
    assert Message.parse("  PING  x  ") == Message("PING", ["x"])


@pytest.mark.parametrize("line", ["", "   ", "@a=b", "@a=b ", ":source", ":source :text", ":", "@a :b"])
def test_no_command(line: str) -> None:
    with pytest.raises(MalformedMessageError) as caught:
        Message.parse(line)
    assert caught.value.answers[0].render("alice").startswith("421 alice ")


# The dotless i is one of the characters that upper() turns into ASCII: no other command may come of it.
@pytest.mark.parametrize("word", ["prıvmsg", "PRIV-MSG", "é", "@x", "\x01A"])
def test_something_that_can_not_be_a_command(word: str) -> None:
    with pytest.raises(MalformedMessageError) as caught:
        Message.parse(f"@label=7 {word} #lobby :hello")
    assert caught.value.tags == {"label": "7"}
    assert caught.value.answers[0].render("alice") == f"421 alice {word} :Unknown command"


@pytest.mark.parametrize(
    "message",
    [
        Message("X", ["", "b"]),
        Message("X", ["a b", "c"]),
        Message("X", [":a", "b"]),
        Message("X", ["a\r\nQUIT"]),
        Message("X", ["a\n"]),
        Message("X", ["a\0"]),
        Message("", []),
        Message("A B", []),
        Message(":A", []),
        Message("@A", []),
        Message("É", []),
        Message("X\n", []),
        Message("X", [], source=""),
        Message("X", [], source="a b"),
        Message("X", [], source="a\nb"),
        Message("X", [], tags={"": "x"}),
        Message("X", [], tags={"a b": "x"}),
        Message("X", [], tags={"a=b": "x"}),
        Message("X", [], tags={"a;b": "x"}),
        Message("X", [], tags={"a\n": "x"}),
        Message("X", [], tags={"a": "\0"}),
    ],
    ids=lambda message: ascii((message.tags, message.source, message.command, message.params)),
)
def test_what_has_no_form_is_not_written(message: Message) -> None:
    with pytest.raises(UnsendableError):
        message.serialise()


def test_text_has_its_colon_where_old_clients_look_for_it() -> None:
    assert Message("PRIVMSG", ["#a", "hi"]).serialise() == "PRIVMSG #a :hi"
    assert Message("JOIN", ["#a"]).serialise() == "JOIN #a"


def test_encode() -> None:
    assert Message("PRIVMSG", ["#a", "é"]).encode() == b"PRIVMSG #a :\xc3\xa9\r\n"
    with pytest.raises(UnsendableError) as caught:
        Message("PRIVMSG", ["#a", "secret \udc80"]).encode()
    assert caught.value.__context__ is None  # it would carry the text


def test_the_repr_keeps_secrets() -> None:
    assert repr(Message.parse("@x=secret PASS :secret word")) == "<Message PASS, 1 parameters>"


def test_equality() -> None:
    message = Message("A", ["b"], "c", {"d": "e"})
    assert message == Message("a", ["b"], "c", {"d": "e"})
    for other in (
        Message("B", ["b"], "c", {"d": "e"}),
        Message("A", ["x"], "c", {"d": "e"}),
        Message("A", ["b"], None, {"d": "e"}),
        Message("A", ["b"], "c"),
        "A",
    ):
        assert message != other
    with pytest.raises(TypeError):
        hash(message)


def test_client_tags() -> None:
    message = Message.parse(r"@a=1;+b=x\sy\:\b;label=7;+c=;+vendor.example/d;+b=z\: TAGMSG #lobby")
    assert message.client_tags == r"+b=z\:;+c;+vendor.example/d"
    assert Message.parse("@a=1 TAGMSG #lobby").client_tags == ""
    assert Message.parse("TAGMSG #lobby").client_tags == ""
