"""MONITOR and extended-monitor (IRCv3 Monitor, Extended Monitor)."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from securechat.irc.message import Message
from securechat.server.config import Limits
from tests.server.wire import Client, House, Opener, commands, one, params, plain, running


@pytest.fixture
def few(certs: Path, tmp_path: Path) -> Iterator[House]:
    """A server where lists have three entries."""
    with running(certs, tmp_path, limits=Limits(throttle=False, monitor=3)) as house:
        yield house


def targets(messages: list[Message], numeric: str) -> list[str]:
    """Of all lines with this numeric, in order; sources are cut to nicks."""
    return [word.partition("!")[0] for line in params(messages, numeric) for word in line[-1].split(",")]


def gone(client: Client) -> None:
    client.send("QUIT")
    client.to_end()


# -- the command ------------------------------------------------------------------------------------------------------


def test_add(opened: Opener) -> None:
    client, here = opened(), opened("MonHere")
    answers = client.ask("MONITOR + monhere,MonGone")
    assert commands(answers) == ["730", "731"]
    nick, rest = one(answers, "730").params[1].split("!")
    assert one(answers, "730").params[0] == client.nick
    assert nick == "MonHere"
    assert rest.partition("@")[0] == here.nick[:20]
    assert one(answers, "731").params == [client.nick, "MonGone"]


def test_list_status_remove_and_clear(opened: Opener) -> None:
    client, here = opened(), opened()
    assert client.asked("MONITOR L", "MONITOR S") == [f"733 {client.nick} :End of MONITOR list"]
    client.ask(f"MONITOR + one,two,{here.nick.upper()}", "MONITOR + ONE,three,three")
    answers = client.ask("MONITOR L")
    assert commands(answers) == ["732", "733"]
    assert targets(answers, "732") == ["one", "two", here.nick.upper(), "three"]
    answers = client.ask("monitor s")
    assert targets(answers, "730") == [here.nick]
    assert targets(answers, "731") == ["one", "two", "three"]
    assert client.ask("MONITOR - TWO,three,never") == []
    assert targets(client.ask("MONITOR l"), "732") == ["one", here.nick.upper()]
    assert client.ask("MONITOR c") == []
    assert commands(client.ask("MONITOR L", "MONITOR S")) == ["733"]


def test_what_can_be_no_nick_is_left_out(opened: Opener) -> None:
    client = opened()
    assert targets(client.ask("MONITOR + ,*,a!b@c,9lives,#chan,good,x.y," + "n" * 33), "731") == ["good"]
    assert client.ask("MONITOR + ,*", "MONITOR - ,*") == []
    assert targets(client.ask("MONITOR L"), "732") == ["good"]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("MONITOR", "461 {} MONITOR :Not enough parameters"),
        ("MONITOR +", "461 {} MONITOR :Not enough parameters"),
        ("MONITOR -", "461 {} MONITOR :Not enough parameters"),
        ("MONITOR + :", "461 {} MONITOR :Not enough parameters"),
        ("MONITOR X nick", "400 {} MONITOR X :There is no such modifier of MONITOR"),
        ("MONITOR +nick", "400 {} MONITOR +nick :There is no such modifier of MONITOR"),
        ("MONITOR :", "400 {} MONITOR * :There is no such modifier of MONITOR"),
    ],
)
def test_mistakes(opened: Opener, line: str, expected: str) -> None:
    client = opened()
    assert client.asked(line) == [expected.format(client.nick)]


def test_a_full_list(few: House) -> None:
    client = few.enter(Client(few)).register()
    assert "MONITOR=3" in " ".join(client.lines)
    answers = client.ask("MONITOR + a,B,C1,D,E1,a")
    assert commands(answers) == ["731", "734"]
    assert targets(answers, "731") == ["a", "B", "C1"]
    assert one(answers, "734").params == [client.nick, "3", "D,E1", "Monitor list is full."]
    assert targets(client.ask("MONITOR L"), "732") == ["a", "B", "C1"]
    answers = client.ask("MONITOR + d,b")
    assert (targets(answers, "731"), one(answers, "734").params[2]) == (["b"], "d")
    client.ask("MONITOR - c1")
    assert targets(client.ask("MONITOR + d"), "731") == ["d"]


def test_long_lists_take_several_lines(opened: Opener) -> None:
    client = opened("x" * 32)
    nicks = [f"{number:a>31}" for number in range(100)]
    for start in range(0, 100, 14):
        client.ask(f"MONITOR + {','.join(nicks[start : start + 14])}")
    answers = client.ask("MONITOR L")
    assert targets(answers, "732") == nicks
    lines = commands(answers)
    assert lines == ["732"] * (len(lines) - 1) + ["733"]
    assert len(lines) == 9  # 14 to a line: none is sent half empty
    assert sorted(targets(client.ask("MONITOR S"), "731")) == sorted(nicks)
    full = client.ask("MONITOR + " + ",".join(f"{number:b>31}" for number in range(15)))
    assert commands(full) == ["734"] * 2
    assert len(",".join(line.params[2] for line in full).split(",")) == 15


# -- who comes and goes -----------------------------------------------------------------------------------------------


def test_coming_and_going(opened: Opener) -> None:
    watcher = opened()
    watcher.ask("MONITOR + Wanderer,other")
    client = opened("wanderer")
    (line,) = watcher.sync()
    assert line.command == "730"
    assert line.params[1].startswith("wanderer!wanderer@")
    gone(client)
    assert watcher.asked("TIME")[0] == f"731 {watcher.nick} :wanderer"
    watcher.ask("MONITOR - WANDERER")
    gone(opened("wanderer"))
    assert watcher.sync() == []
    watcher.ask("MONITOR + wanderer", "MONITOR C")
    gone(opened("wanderer"))
    assert watcher.sync() == []


def test_nicks_that_change(opened: Opener) -> None:
    watcher, client = opened(), opened("before")
    watcher.ask("MONITOR + before,after")
    client.ask("NICK After")
    offline, online = watcher.sync()
    assert (offline.command, offline.params[1]) == ("731", "before")
    assert online.command == "730"
    assert online.params[1].startswith("After!before@")
    client.ask("NICK aFTER")
    assert watcher.sync() == []  # the same nick
    client.ask("NICK elsewhere")
    assert targets(watcher.sync(), "731") == ["aFTER"]


def test_a_second_device_does_not_come_and_go(opened: Opener) -> None:
    watcher = opened()
    watcher.ask("MONITOR + alice")
    phone = opened(account="alice")
    assert targets(watcher.sync(), "730") == ["alice"]
    laptop = opened(account="alice")
    gone(phone)
    assert watcher.sync() == []
    gone(laptop)
    assert targets(watcher.sync(), "731") == ["alice"]


def test_oneself(opened: Opener) -> None:
    client = opened("narcissus", "batch", "labeled-response")
    assert targets(client.ask("MONITOR + narcissus,echo"), "730") == ["narcissus"]
    answers = client.ask("@label=x NICK echo")
    assert commands(answers) == ["NICK", "731", "730"]  # the numerics have the new nick, so it is known by then
    assert [answer.tags.get("label") for answer in answers] == ["x", None, None]
    assert {answer.params[0] for answer in answers[1:]} == {"echo"}


def test_lists_end_with_their_connection(house: House, opened: Opener) -> None:
    client = opened()
    client.ask("MONITOR + ghost1,ghost2")
    gone(client)
    seen: list[object] = []
    monitors = house.hub.monitors
    house.ask(lambda _: seen.extend([*monitors.watching("ghost1"), *monitors.watching("ghost2")]))
    assert seen == []


def test_labels(opened: Opener) -> None:
    client = opened(None, "batch", "labeled-response")
    for line, expected in (
        ("MONITOR + nobody1", ["731"]),
        (f"MONITOR + nobody2,{client.nick}", ["BATCH", "730", "731", "BATCH"]),
        ("MONITOR + *", ["ACK"]),
        ("MONITOR - nobody2", ["ACK"]),
        ("MONITOR L", ["BATCH", "732", "733", "BATCH"]),
        ("MONITOR S", ["BATCH", "730", "731", "BATCH"]),
        ("MONITOR C", ["ACK"]),
        ("MONITOR S", ["ACK"]),
        ("MONITOR L", ["733"]),
        ("MONITOR +", ["461"]),
    ):
        answers = client.ask(f"@label=one {line}")
        assert commands(answers) == expected, line
        assert [answer.tags.get("label") for answer in answers] == ["one"] + [None] * (len(expected) - 1)


# -- extended-monitor -------------------------------------------------------------------------------------------------

NOTIFIED = ("away-notify", "account-notify", "chghost", "setname")


def changes(client: Client) -> None:
    """Everything that extended-monitor tells of, of a guest; they become bob."""
    client.ask("AWAY :tea", "AWAY", "SETNAME :Another name")
    client.ask("CAP REQ sasl", "AUTHENTICATE PLAIN", f"AUTHENTICATE {plain('Bob')}")


def test_who_shares_no_channel_is_told(opened: Opener) -> None:
    client = opened("extended")
    watchers = {caps: opened(None, *caps) for caps in [(), ("extended-monitor",), NOTIFIED]}
    everything = opened(None, "extended-monitor", *NOTIFIED)
    some = opened(None, "extended-monitor", "setname")
    for watcher in (*watchers.values(), everything, some):
        watcher.ask("MONITOR + extended")
    changes(client)
    for caps, watcher in watchers.items():
        assert watcher.sync() == [], caps
    assert commands(some.sync()) == ["SETNAME"]
    answers = everything.sync()
    assert commands(answers) == ["AWAY", "AWAY", "SETNAME", "ACCOUNT", "CHGHOST"]
    assert [answer.params for answer in answers[:4]] == [["tea"], [], ["Another name"], ["Bob"]]
    assert {(answer.source or "").partition("!")[0] for answer in answers} == {"extended"}
    everything.ask("MONITOR C")
    client.ask("AWAY x")
    assert everything.sync() == []


def test_who_shares_a_channel_is_told_once(opened: Opener) -> None:
    client, watcher = opened.pair("#xmon", "extended-monitor", *NOTIFIED)
    watcher.ask(f"MONITOR + {client.nick}")
    changes(client)
    assert commands(watcher.sync()) == ["AWAY", "AWAY", "SETNAME", "ACCOUNT", "CHGHOST"]


def test_one_is_told_of_oneself_as_ever(opened: Opener) -> None:
    caps = ("extended-monitor", *NOTIFIED)
    phone, laptop = opened(None, *caps, account="carol"), opened(None, *caps, account="carol")
    for device in (phone, laptop):
        device.ask("MONITOR + carol")
    assert commands(phone.ask("AWAY x", "SETNAME y")) == ["306", "SETNAME"]
    assert commands(laptop.sync()) == ["SETNAME"]


def test_who_comes_and_is_away(opened: Opener) -> None:
    plainly, watcher = opened(), opened(None, "extended-monitor", "away-notify")
    for client in (plainly, watcher):
        client.ask("MONITOR + sleeper")
    sleeper = opened.stranger()
    sleeper.send("CAP REQ draft/pre-away", "AWAY :asleep")
    sleeper.register("sleeper")
    assert commands(plainly.sync()) == ["730"]
    online, away = watcher.sync()
    assert (online.command, away.command, away.params) == ("730", "AWAY", ["asleep"])
