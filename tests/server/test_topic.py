"""TOPIC (Modern IRC, "TOPIC message")."""

from pathlib import Path

import pytest

from securechat.server.config import Limits
from tests.server.wire import Opener, commands, one, params, running, shown


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("TOPIC", "461 {} TOPIC :Not enough parameters"),
        ("TOPIC :", "403 {} * :No such channel"),
        ("TOPIC foo", "403 {} foo :No such channel"),
        ("TOPIC #nowhere", "403 {} #nowhere :No such channel"),
        ("TOPIC #nowhere :x", "403 {} #nowhere :No such channel"),
        ("TOPIC #lobby,#lobby", "403 {} #lobby,#lobby :No such channel"),
        ("TOPIC #LOBBY", "442 {} #lobby :You're not on that channel"),
        ("TOPIC #LOBBY :x", "442 {} #lobby :You're not on that channel"),
        ("TOPIC #LOBBY :", "442 {} #lobby :You're not on that channel"),
    ],
)
def test_one_answer(opened: Opener, line: str, answer: str) -> None:
    client = opened()
    assert client.asked(line) == [answer.format(client.nick)]


def test_the_topic(opened: Opener) -> None:
    first, second = opened.pair("#Topic")
    assert second.asked("TOPIC #topic") == [f"331 {second.nick} #Topic :No topic is set"]
    assert first.asked("TOPIC #topic :new one") == [f"{first.nick} TOPIC #Topic :new one"]
    assert [shown(message) for message in second.sync()] == [f"{first.nick} TOPIC #Topic :new one"]
    shown_topic, who = second.ask("TOPIC #topic")
    assert [shown_topic.command, *shown_topic.params] == ["332", second.nick, "#Topic", "new one"]
    assert [who.command, *who.params[:3]] == ["333", second.nick, "#Topic", first.nick]
    assert abs(int(who.params[3]) - int(one(first.ask("MODE #topic"), "329").params[2])) < 60
    assert len(who.params) == 4


def test_a_topic_is_cleared(opened: Opener) -> None:
    first, second = opened.pair("#Topic")
    first.ask("TOPIC #topic :new one")
    second.sync()
    assert first.asked("TOPIC #topic :") == [f"{first.nick} TOPIC #Topic :"]
    assert second.sync()[0].params == ["#Topic", ""]
    assert second.asked("TOPIC #topic") == [f"331 {second.nick} #Topic :No topic is set"]
    assert commands(opened().ask("JOIN #topic")) == ["JOIN", "353", "366"]


def test_a_topic_of_colons_and_spaces(opened: Opener) -> None:
    client = opened(join="#odd")
    for topic in (":", " ", "::a  b ", "\x02bold\x0f", "x"):
        assert client.ask(f"TOPIC #odd :{topic}")[0].params == ["#odd", topic]
        assert one(client.ask("TOPIC #odd"), "332").params[2] == topic
    assert client.ask("TOPIC #odd word")[0].params == ["#odd", "word"]


def test_with_t_the_topic_is_the_operators(opened: Opener) -> None:
    op, member = opened.pair("#t")
    refused = f"482 {member.nick} #t :You're not channel operator"
    assert member.asked("TOPIC #t :mine", "TOPIC #t :") == [refused, refused]
    op.ask(f"MODE #t +v {member.nick}")
    member.sync()
    assert member.asked("TOPIC #t :mine") == [refused]
    op.ask(f"MODE #t -v+h {member.nick} {member.nick}")
    member.sync()
    assert commands(member.ask("TOPIC #t :mine")) == ["TOPIC"]
    op.ask(f"MODE #t -h-t {member.nick}")
    member.sync()
    assert commands(member.ask("TOPIC #t :still mine")) == ["TOPIC"]
    op.sync()
    assert op.asked("TOPIC #t")[0] == f"332 {op.nick} #t :still mine"
    outside = opened()
    assert outside.asked("TOPIC #t :x") == [f"442 {outside.nick} #t :You're not on that channel"]


def test_a_topic_that_is_no_other_is_told_as_any(opened: Opener) -> None:
    first, second = opened.pair("#same")
    first.ask("TOPIC #same :it", "TOPIC #same :it")
    assert params(second.sync(), "TOPIC") == [["#same", "it"]] * 2


def test_a_topic_is_cut_between_characters(certs: Path, tmp_path: Path, opened: Opener) -> None:
    client = opened(join="#cut")
    client.ask("TOPIC #cut :" + "é" * 240)
    assert one(client.ask("TOPIC #cut"), "332").params[2] == "é" * 153
    with running(certs, tmp_path, limits=Limits(throttle=False, topic_length=10)) as house:
        other = Opener(house)(join="#a")
        assert any(" TOPICLEN=10 " in line for line in other.asked("ISUPPORT"))
        assert other.ask("TOPIC #a :0123456789abc")[0].params == ["#a", "0123456789"]
        assert one(other.ask("TOPIC #a"), "332").params[2] == "0123456789"


def test_the_longest_topic_fits_into_every_line(opened: Opener) -> None:
    nick, channel, topic = "N" * 32, "#" + "c" * 63, "t" * 307
    client = opened(nick, account="alice", join=channel)
    assert client.nick == nick
    assert client.ask(f"TOPIC {channel} :{topic}")[0].params == [channel, topic]
    assert one(client.ask(f"TOPIC {channel}"), "332").params[2] == topic
    assert one(client.ask(f"LIST {channel}"), "322").params[3] == topic
