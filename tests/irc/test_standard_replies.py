"""FAIL, WARN and NOTE."""

import pytest

from securechat.irc.message import Message
from securechat.irc.standard_replies import Code, fail, note, warn
from securechat.irc.words import UnsendableError


def test_the_specifications_examples() -> None:
    text = "You need to be registered to continue"
    reply = fail(Code.NEED_REGISTRATION, description=text)
    assert reply.render() == "FAIL * NEED_REGISTRATION :You need to be registered to continue"
    assert (
        fail(Code.INVALID_UTF8, "PRIVMSG").render("alice").startswith("FAIL PRIVMSG INVALID_UTF8 :Message rejected, ")
    )
    assert warn(Code.MESSAGE_CUT, "JOIN", "#a", "#b", description="x").render() == "WARN JOIN MESSAGE_CUT #a #b :x"
    assert note(Code.MESSAGE_CUT, description="x y").render() == "NOTE * MESSAGE_CUT :x y"


@pytest.mark.parametrize("code", Code)
def test_each_code_has_its_own_name_and_a_sentence(code: Code) -> None:
    assert code == code.name == code.value
    message = Message.parse(fail(code).render())
    assert message.params == ["*", code.name, code.description]
    assert " " in code.description


def test_what_a_peer_sent_can_not_move_parameters() -> None:
    assert fail(Code.MESSAGE_CUT, "a b", "", ":c", description="x").render() == "FAIL * MESSAGE_CUT * * :x"
    with pytest.raises(UnsendableError):
        fail(Code.MESSAGE_CUT, description="x\r\nQUIT").render()
