"""Messages of several lines: what the rule makes of them. (The batches themselves are the server's.)"""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from securechat.chat.events import Said
from securechat.chat.refusals import Reason
from securechat.chat.requests import Say, SetModes
from securechat.irc.modes import ModeChange
from securechat.irc.multiline import logical, pieces
from tests.chat.room import Room

EXAMPLE = "hello\n\nhow is \reveryone?"


def several(session: int, target: str, text: str, kind: str = "PRIVMSG") -> Say:
    assert kind in ("PRIVMSG", "NOTICE")
    return Say(session, "NOTICE" if kind == "NOTICE" else "PRIVMSG", target, text, multiline=True)


@pytest.mark.parametrize("kind", ["PRIVMSG", "NOTICE"])
@pytest.mark.parametrize("target", ["#tea", "@#tea", "bob", "eve"])
def test_the_text_stays_in_its_pieces(kind: str, target: str) -> None:
    room = Room()
    ann = room.member("ann", "#tea")
    room.member("bob")
    room.account("eve")
    said = room.one(several(ann, target, EXAMPLE, kind), Said)
    assert (said.text, said.kind, said.multiline, said.cut) == (EXAMPLE, kind, True, False)
    assert said.alone == ("#" in target)
    assert said.held == (target == "eve")


@pytest.mark.parametrize("target", ["#tea", "bob"])
def test_a_single_line_is_a_message_like_others(target: str) -> None:
    room = Room()
    ann = room.member("ann", "#tea")
    room.member("bob")
    said = room.one(several(ann, target, "hello"), Said)
    assert (said.text, said.multiline, said.alone) == ("hello", False, False)


@pytest.mark.parametrize("target", ["#tea", "bob"])
def test_what_does_not_fit_becomes_two_pieces(target: str) -> None:
    room = Room()
    ann = room.member("ann", "#tea")
    room.member("bob")
    long = "word " * 100
    for text in (long, f"a\n{long}\nb", f"a\n{long}\rb", f"{long}\r{long}"):
        said = room.one(several(ann, target, text), Said)
        assert (said.multiline, said.cut) == (True, False)
        assert logical(said.text) == logical(text)
        assert all(len(f":{said.source} PRIVMSG {said.target} :{piece}") <= 510 for piece, _ in pieces(said.text))
        assert len(pieces(said.text)) == len(pieces(text)) + text.count(long)


def test_a_line_of_programs_is_not_to_be_hidden() -> None:
    room = Room()
    ann = room.member("ann", "#tea")
    room.do(SetModes(ann, "#tea", (ModeChange(True, "C"),)))
    for text in (
        "\x01VERSION\x01",
        "a\n\x01VERSION\x01",
        "a\r\x01PING 1\x01\nb",
        "a\n\x01\x01",
        "a\n\x01ACTIONS x\x01",
    ):
        room.refused(several(ann, "#tea", text), Reason.NO_CTCP, "#tea")
    for text in ("a\n\x01ACTION waves\x01", "\x01action waves\x01\nb", "a\n\x01ACTION\x01", "a\nb\x01VERSION\x01"):
        assert room.one(several(ann, "#tea", text), Said).text == text


_pieces = st.text(st.sampled_from("a é😀"), max_size=200) | st.builds(
    lambda c, n: c * n, st.sampled_from("xé😀"), st.integers(1, 510)
)
_texts = st.lists(st.tuples(_pieces, st.sampled_from("\r\n")), min_size=1, max_size=6).map(
    lambda parts: "".join(mark + piece for piece, mark in parts)[1:]
)


@given(_texts, st.sampled_from(["#tea", "@#tea", "bob"]))
@settings(max_examples=60, deadline=None)
def test_nothing_of_a_text_is_lost(text: str, target: str) -> None:
    room = Room()
    ann = room.member("ann", "#tea")
    room.member("bob")
    said = room.one(several(ann, target, text), Said)  # which the room tries on all laws of messages
    assert logical(said.text) == logical(text)
    lines = [piece for piece, concat in pieces(said.text) if not concat]
    assert len(lines) == text.count("\n") + 1
