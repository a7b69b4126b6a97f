"""JOIN, PART, TOPIC, NAMES and LIST (Modern IRC, "Channel Operations")."""

from pathlib import Path

import pytest

from securechat.server.config import Limits
from tests.server.wire import NAME, Opener, commands, one, params, running, shown


def test_a_join_shows_the_channel(opened: Opener) -> None:
    first = opened()
    join, names, end = first.ask("JOIN #New")
    assert (join.command, join.params) == ("JOIN", ["#New"])
    assert (join.source or "").startswith(f"{first.nick}!{first.nick}@")
    assert [names.command, *names.params] == ["353", first.nick, "=", "#New", f"@{first.nick}"]
    assert [end.command, *end.params] == ["366", first.nick, "#New", "End of /NAMES list"]
    first.ask("TOPIC #New :about it")
    second = opened()
    answers = second.ask("JOIN #nEW")
    assert commands(answers) == ["JOIN", "332", "333", "353", "366"]
    assert {
        message.params[0 if message.command == "JOIN" else 1] for message in answers if message.command != "353"
    } == {"#New"}
    assert one(answers, "332").params == [second.nick, "#New", "about it"]
    assert one(answers, "333").params[:3] == [second.nick, "#New", first.nick]
    assert one(answers, "333").params[3].isdecimal()
    assert one(answers, "353").params[3] == f"@{first.nick} {second.nick}"
    assert [shown(message) for message in first.sync()] == [f"{second.nick} JOIN :#New"]
    assert second.ask("JOIN #new") == []


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("JOIN", "461 {} JOIN :Not enough parameters"),
        ("JOIN :", "461 {} JOIN :Not enough parameters"),
        ("JOIN ,", "461 {} JOIN :Not enough parameters"),
        ("JOIN foo", "476 {} foo :Bad Channel Mask"),
        ("JOIN &local", "476 {} &local :Bad Channel Mask"),
        ("JOIN #", "476 {} # :Bad Channel Mask"),
        ("JOIN :#with space", "476 {} * :Bad Channel Mask"),
        ("JOIN #bell\x07", "476 {} #bell\x07 :Bad Channel Mask"),
        ("JOIN #" + "x" * 64, "476 {} #" + "x" * 64 + " :Bad Channel Mask"),
        ("PART", "461 {} PART :Not enough parameters"),
        ("PART :", "461 {} PART :Not enough parameters"),
        ("PART #nowhere", "403 {} #nowhere :No such channel"),
        ("PART foo :x", "403 {} foo :No such channel"),
        ("PART #LOBBY", "442 {} #lobby :You're not on that channel"),
        ("TOPIC", "461 {} TOPIC :Not enough parameters"),
        ("TOPIC #nowhere", "403 {} #nowhere :No such channel"),
        ("TOPIC #nowhere :x", "403 {} #nowhere :No such channel"),
        ("TOPIC #LOBBY", "442 {} #lobby :You're not on that channel"),
        ("TOPIC #LOBBY :x", "442 {} #lobby :You're not on that channel"),
        ("NAMES #NoWhere", "366 {} #NoWhere :End of /NAMES list"),
        ("NAMES foo", "366 {} foo :End of /NAMES list"),
        ("NAMES", "366 {} * :End of /NAMES list"),
    ],
)
def test_one_answer(opened: Opener, line: str, answer: str) -> None:
    client = opened()
    assert client.asked(line) == [answer.format(client.nick)]


@pytest.mark.parametrize("name", ["##", "#c++", "#" + "x" * 63, "#é✓", "#a#b", "#0", "#A:b", "#{|}"])
def test_names_of_channels(opened: Opener, name: str) -> None:
    client = opened()
    assert commands(client.ask(f"JOIN {name}")) == ["JOIN", "353", "366"]
    assert client.ask(f"PART {name}")[0].params == [name]


def test_case_is_folded_in_ascii_alone(opened: Opener) -> None:
    client = opened()
    for name in ("#É", "#é", "#[x]", "#{x}"):
        assert commands(client.ask(f"JOIN {name}")) == ["JOIN", "353", "366"]


def test_several_channels_in_one_line(opened: Opener) -> None:
    first, second = opened(join="#s1"), opened()
    answers = second.ask("JOIN #s1,bad,#s2,#S1,#s2 key1,key2")
    assert commands(answers) == ["JOIN", "353", "366", "476", "JOIN", "353", "366"]
    assert params(answers, "JOIN") == [["#s1"], ["#s2"]]
    first.sync()
    parts = second.ask("PART #s1,#nowhere,#s2,#lobby :so long")
    assert [shown(message) for message in parts] == [
        f"{second.nick} PART #s1 :so long",
        f"403 {second.nick} #nowhere :No such channel",
        f"{second.nick} PART #s2 :so long",
        f"442 {second.nick} #lobby :You're not on that channel",
    ]
    assert [shown(message) for message in first.sync()] == [f"{second.nick} PART #s1 :so long"]


def test_as_many_as_a_line_holds(opened: Opener) -> None:
    client = opened()
    answers = client.ask("PART " + ",".join(f"#{number}" for number in range(100)))
    assert len(params(answers, "403")) == 100


def test_part_without_a_reason_and_with_a_long_one(opened: Opener) -> None:
    first, second = opened.pair("#part")
    assert second.ask("PART #PART")[0].params == ["#part"]
    assert first.sync()[0].params == ["#part"]
    second.join("#part")
    first.sync()
    second.ask("PART #part :" + "x" * 490)  # the client sees to it that no line is too long
    (seen,) = first.sync()
    assert set(seen.params[1]) == {"x"}
    assert second.asked("PART #part") == [f"442 {second.nick} #part :You're not on that channel"]


def test_join_0_leaves_all(opened: Opener) -> None:
    first, second = opened.pair("#z1")
    second.join("#z2", "#0")
    assert sorted(params(second.ask("JOIN 0"), "PART")) == [["#0"], ["#z1"], ["#z2"]]
    assert commands(first.sync()) == ["PART"]
    assert second.ask("JOIN 0") == []


def test_too_many_channels(certs: Path, tmp_path: Path) -> None:
    with running(certs, tmp_path, limits=Limits(throttle=False, channels_per_user=2, topic_length=10)) as house:
        client = Opener(house).stranger()
        client.send("NICK me", "USER u 0 * :r")
        tokens = " ".join(" ".join(message.params) for message in client.sync() if message.command == "005").split()
        assert "CHANLIMIT=#:2" in tokens
        assert "TOPICLEN=10" in tokens
        answers = client.ask("JOIN #a,#b,#c")
        assert params(answers, "405") == [["me", "#c", "You have joined too many channels"]]
        assert client.ask("TOPIC #a :0123456789abc")[0].params == ["#a", "0123456789"]
        client.ask("PART #a")
        assert commands(client.ask("JOIN #c")) == ["JOIN", "353", "366"]


def test_the_topic(opened: Opener) -> None:
    first, second = opened.pair("#Topic")
    assert second.asked("TOPIC #topic") == [f"331 {second.nick} #Topic :No topic is set"]
    assert first.asked("TOPIC #topic :new one") == [f"{first.nick} TOPIC #Topic :new one"]
    assert [shown(message) for message in second.sync()] == [f"{first.nick} TOPIC #Topic :new one"]
    shown_topic, who = second.ask("TOPIC #topic")
    assert shown_topic.params == [second.nick, "#Topic", "new one"]
    assert who.params[:3] == [second.nick, "#Topic", first.nick]
    refused = f"482 {second.nick} #Topic :You're not channel operator"
    assert second.asked("TOPIC #topic :mine") == [refused]
    assert second.asked("TOPIC #topic :") == [refused]
    assert first.asked("TOPIC #topic :") == [f"{first.nick} TOPIC #Topic :"]
    assert second.sync()[0].params == ["#Topic", ""]
    assert second.asked("TOPIC #topic") == [f"331 {second.nick} #Topic :No topic is set"]
    assert commands(opened().ask("JOIN #topic")) == ["JOIN", "353", "366"]


def test_a_topic_is_cut_between_characters(opened: Opener) -> None:
    client = opened(join="#cut")
    client.ask("TOPIC #cut :" + "é" * 240)
    assert one(client.ask("TOPIC #cut"), "332").params[2] == "é" * 153


def test_the_longest_topic_fits_into_every_line(opened: Opener) -> None:
    nick, channel, topic = "N" * 32, "#" + "c" * 63, "t" * 307
    client = opened(nick, account="alice", join=channel)
    assert client.nick == nick
    assert client.ask(f"TOPIC {channel} :{topic}")[0].params == [channel, topic]
    assert one(client.ask(f"TOPIC {channel}"), "332").params[2] == topic
    assert one(client.ask(f"LIST {channel}"), "322").params[3] == topic


def test_names(opened: Opener) -> None:
    first, second = opened.pair("#Names")
    outsider = opened()
    answers = outsider.ask("NAMES #names,#nowhere,#NAMES")
    assert commands(answers) == ["353", "366", "366", "353", "366"]
    assert answers[0].params == [outsider.nick, "=", "#Names", f"@{first.nick} {second.nick}"]
    assert params(answers, "366")[0][1] == "#Names"
    assert params(answers, "366")[1][1] == "#nowhere"


def test_names_in_several_lines(opened: Opener) -> None:
    people = [opened(f"{'long' * 7}{number:04}", join="#crowd") for number in range(20)]
    people[0].sync()
    answers = people[0].ask("NAMES #crowd")
    lines = params(answers, "353")
    assert len(lines) > 1
    assert commands(answers) == ["353"] * len(lines) + ["366"]
    names = " ".join(line[3] for line in lines).split()
    assert [name.lstrip("@") for name in names] == [person.nick for person in people]


def test_the_operator_is_who_made_the_channel(opened: Opener) -> None:
    first, second = opened.pair("#op")
    first.ask("PART #op")
    second.ask("PART #op")
    assert one(second.ask("JOIN #op"), "353").params[3] == f"@{second.nick}"  # it was gone, and is made anew
    assert one(second.ask("JOIN #LOBBY"), "353").params[3] == second.nick  # which is the server's own
    owner = opened(account="alice", join="#owned")
    owner.ask("TOPIC #owned :stays", "PART #owned")
    guest = opened()
    answers = guest.ask("JOIN #owned")
    assert one(answers, "353").params[3] == guest.nick
    assert one(answers, "332").params[2] == "stays"
    assert one(owner.ask("JOIN #owned"), "353").params[3] == f"{guest.nick} @alice"


def test_list(opened: Opener) -> None:
    first, second = opened.pair("#List1")
    first.join("#list2")
    first.ask("TOPIC #list2 :a topic")
    answers = second.ask("LIST")
    assert commands(answers) == ["321", "322", "322", "323"]
    assert answers[0].params == [second.nick, "Channel", "Users  Name"]
    one_, two = [second.nick, "#List1", "2", ""], [second.nick, "#list2", "1", "a topic"]
    assert params(answers, "322") == [one_, two]
    assert answers[-1].params == [second.nick, "End of /LIST"]
    assert params(second.ask("LIST #LIST2"), "322") == [two]
    assert params(second.ask("LIST #list2,#nowhere,#list1"), "322") == [two, one_]
    for nothing in ("LIST #nowhere", "LIST foo", "LIST >0"):
        assert commands(second.ask(nothing)) == ["321", "323"]
    assert params(second.ask("LIST :"), "322") == [one_, two]


def test_who_is_gone_from_the_chat_is_gone_from_the_channel(opened: Opener) -> None:
    first, second = opened.pair("#gone")
    second.join("#gone2")
    first.join("#gone2")
    second.sync()
    second.send("QUIT :bye")
    second.to_end()
    assert [shown(message) for message in first.sync()] == [f"{second.nick} QUIT :Quit: bye"]  # once for both channels
    assert one(first.ask("NAMES #gone"), "353").params[3] == f"@{first.nick}"


def test_two_devices_are_one_member(opened: Opener) -> None:
    watcher = opened(join="#dev")
    phone = opened(account="carol", join="#dev")
    assert commands(watcher.sync()) == ["JOIN"]
    laptop = opened.stranger()
    laptop.register(account="carol")
    start = next(number for number, line in enumerate(laptop.lines) if " JOIN #dev" in line)
    assert laptop.lines[start].startswith(f":carol!carol@{NAME} JOIN #dev")
    assert watcher.sync() == []
    laptop.ask("JOIN #dev2")
    assert commands(phone.sync()) == ["JOIN", "353", "366"]
    phone.ask("PRIVMSG #dev :from the phone")
    assert [shown(message) for message in laptop.sync()] == ["carol PRIVMSG #dev :from the phone"]
    phone.send("QUIT")
    phone.to_end()
    assert commands(watcher.sync()) == ["PRIVMSG"]
    laptop.send("QUIT")
    laptop.to_end()
    assert commands(watcher.sync()) == ["QUIT"]
