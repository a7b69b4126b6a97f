"""The table, and that what is written from it is read as meant."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from securechat.irc.message import Message
from securechat.irc.numerics import Numeric, NumericReply, numeric
from securechat.irc.words import UnsendableError
from tests.irc.strategies import texts


@pytest.mark.parametrize("code", Numeric, ids=lambda code: code.name)
def test_each_numeric_is_read_as_its_usage_says(code: Numeric) -> None:
    words = [f"w{number}" for number in range(code.words)]
    places = [f"some text {number}" for number in range(code.places)]
    line = numeric(code, "alice", *words, *places)
    assert not set(line) & set("<>")
    message = Message.parse(line)
    assert message.command == f"{code.value:03}"
    assert message.params[0] == "alice"
    assert [param for param in message.params if param in words] == words
    if code.sentence:
        assert [place for place in places if place not in message.params[-1]] == []
    else:
        assert message.params[1:] == words


@pytest.mark.parametrize("code", Numeric, ids=lambda code: code.name)
def test_a_wrong_number_of_values_is_our_mistake(code: Numeric) -> None:
    values = ["x"] * (code.words + code.places)
    if values:
        with pytest.raises(TypeError):
            numeric(code, "alice", *values[1:])
    if not code.repeats:
        with pytest.raises(TypeError):
            numeric(code, "alice", *values, "x")


@pytest.mark.parametrize(
    ("code", "values", "line"),
    [
        (Numeric.RPL_WELCOME, ["Example", "al!u@h"], "001 alice :Welcome to the Example Network, al!u@h"),
        (Numeric.RPL_ISUPPORT, ["A=1", "B"], "005 alice A=1 B :are supported by this server"),
        (Numeric.RPL_WHOISUSER, ["bob", "u", "h", "Bob B."], "311 alice bob u h * :Bob B."),
        (Numeric.RPL_LISTSTART, [], "321 alice Channel :Users  Name"),
        (Numeric.RPL_CHANNELMODEIS, ["#a", "+kl", "key", "5"], "324 alice #a +kl key 5"),
        (Numeric.RPL_TOPIC, ["#a", ":-) 100%s"], "332 alice #a ::-) 100%s"),
        (Numeric.RPL_TOPICWHOTIME, ["#a", "bob", "1700000000"], "333 alice #a bob 1700000000"),
        (
            Numeric.RPL_WHOREPLY,
            ["#a", "u", "h", "s", "bob", "H@", "0", "Bob B."],
            "352 alice #a u h s bob H@ :0 Bob B.",
        ),
        (Numeric.RPL_WHOSPCRPL, ["7", "bob", "Bob B."], "354 alice 7 bob :Bob B."),
        (Numeric.RPL_SILELIST, ["a!*@*"], "271 alice a!*@*"),
        (Numeric.RPL_EXCEPTLIST, ["#a", "~a:bob", "al!u@h", "7"], "348 alice #a ~a:bob al!u@h 7"),
        (Numeric.ERR_BANLISTFULL, ["#a", "b!*@*"], "478 alice #a b!*@* :Channel list is full"),
        (Numeric.RPL_KEYVALUE, ["*", "url", "*", "http://x"], "761 alice * url * :http://x"),
        (Numeric.RPL_METADATASUBOK, ["avatar", "url"], "770 alice avatar url"),
        (Numeric.RPL_METADATASYNCLATER, ["#a", "4"], "774 alice #a 4 :Try again later"),
        (Numeric.ERR_UNKNOWNERROR, ["PACK", "BOX", "No box"], "400 alice PACK BOX :No box"),
        (Numeric.ERR_INVALIDCAPCMD, ["FOO"], "410 alice FOO :Invalid CAP command"),
        (Numeric.ERR_INPUTTOOLONG, [], "417 alice :Input line was too long"),
        (Numeric.ERR_INVALIDMODEPARAM, ["#a", "k", "", "Empty"], "696 alice #a k * :Empty"),
        (Numeric.RPL_MONONLINE, ["a!b@c,d"], "730 alice :a!b@c,d"),
        (Numeric.RPL_LOGGEDIN, ["a!b@c", "al", "al"], "900 alice a!b@c al :You are now logged in as al"),
        (Numeric.RPL_SASLMECHS, ["PLAIN,EXTERNAL"], "908 alice PLAIN,EXTERNAL :are available SASL mechanisms"),
    ],
    ids=lambda value: getattr(value, "name", None),
)
def test_what_is_written(code: Numeric, values: list[str], line: str) -> None:
    assert numeric(code, "alice", *values) == line
    assert NumericReply(code, *values).render("alice") == line


@pytest.mark.parametrize("hostile", ["", "a b", ":a", " ", "::"])
def test_what_a_peer_sent_can_not_move_parameters(hostile: str) -> None:
    assert numeric(Numeric.ERR_NOSUCHNICK, "alice", hostile) == "401 alice * :No such nick/channel"
    assert numeric(Numeric.RPL_ISUPPORT, "alice", "A", hostile) == "005 alice A * :are supported by this server"


@given(st.sampled_from(Numeric), st.lists(texts, min_size=12, max_size=12))
@settings(max_examples=200)
def test_any_text_leaves_the_number_of_parameters_alone(code: Numeric, values: list[str]) -> None:
    count = code.words + code.places
    harmless = Message.parse(numeric(code, "alice", *["x"] * count))
    message = Message.parse(numeric(code, "alice", *values[:count]))
    assert (message.command, len(message.params)) == (harmless.command, len(harmless.params))


@pytest.mark.parametrize("bad", ["a\r\nQUIT", "a\n", "\0"])
def test_no_value_can_end_a_line(bad: str) -> None:
    with pytest.raises(UnsendableError):
        numeric(Numeric.RPL_TOPIC, "alice", "#a", bad)
    with pytest.raises(UnsendableError):
        numeric(Numeric.ERR_NOSUCHNICK, "alice", bad)
    with pytest.raises(UnsendableError):
        numeric(Numeric.ERR_NOMOTD, bad)


def test_replies_are_values() -> None:
    reply = NumericReply(Numeric.RPL_TOPIC, "#a", "b")
    assert reply == NumericReply(Numeric.RPL_TOPIC, "#a", "b") != NumericReply(Numeric.RPL_TOPIC, "#a", "c")
    with pytest.raises(AttributeError):
        reply.code = Numeric.RPL_LIST  # type: ignore[misc]
