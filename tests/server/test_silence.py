"""SILENCE: whose private messages somebody does not want (ISUPPORT ``SILENCE``)."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from securechat.server.config import Limits
from tests.server.wire import Client, House, Opener, commands, one, running

END = "End of silence list"


@pytest.fixture
def few(certs: Path, tmp_path: Path) -> Iterator[House]:
    """A server where lists have three entries."""
    with running(certs, tmp_path, limits=Limits(throttle=False, silence=3)) as house:
        yield house


def masks(client: Client) -> list[str]:
    """The client's list."""
    *lines, end = client.ask("SILENCE")
    assert (end.command, end.params) == ("272", [client.nick, END])
    assert {line.command for line in lines} <= {"271"}
    return [line.params[1] for line in lines]


def test_the_list(opened: Opener) -> None:
    client = opened()
    assert masks(client) == []
    (line,) = client.ask("SILENCE +troll")
    assert (line.command, line.params) == ("SILENCE", ["+troll!*@*"])
    assert (line.source or "").startswith(f"{client.nick}!")
    assert client.asked("SILENCE *!*@bad.host", "SILENCE +TROLL!*@*") == [f"{client.nick} SILENCE :+*!*@bad.host"]
    assert masks(client) == ["troll!*@*", "*!*@bad.host"]
    assert commands(client.ask(f"SILENCE {client.nick.upper()}")) == ["271", "271", "272"]
    assert client.asked("SILENCE -Troll", "SILENCE -nobody") == [f"{client.nick} SILENCE :-troll!*@*"]
    assert masks(client) == ["*!*@bad.host"]


def test_several_in_one_line(opened: Opener) -> None:
    client = opened()
    lines = client.asked("SILENCE +a,b,,-a,+~a:mallory")
    assert [line.partition(":")[2] for line in lines] == ["+a!*@*", "+b!*@*", "-a!*@*", "+~a:mallory"]
    assert masks(client) == ["b!*@*", "~a:mallory"]


@pytest.mark.parametrize("word", ["+", "-", "+~x:y", "+~m:a!*@*", f"+{'x' * 250}"])
def test_what_is_no_mask(opened: Opener, word: str) -> None:
    client = opened()
    (line,) = client.ask(f"SILENCE {word}")
    assert line.params[:2] == ["SILENCE", "INVALID_MASK"]
    assert masks(client) == []


def test_a_full_list(few: House) -> None:
    client = few.enter(Client(few)).register()
    lines = client.ask("SILENCE a,b,c,d,A,e")
    assert commands(lines) == ["SILENCE"] * 3 + ["511"] * 2
    assert [line.params for line in lines[3:]] == [
        [client.nick, "d!*@*", "Your silence list is full"],
        [client.nick, "e!*@*", "Your silence list is full"],
    ]
    assert "SILENCE=3" in " ".join(client.lines)
    assert masks(client) == ["a!*@*", "b!*@*", "c!*@*"]


def test_who_is_silenced_is_not_heard_in_private(opened: Opener) -> None:
    client, troll = opened.pair("#silence", "message-tags")
    client.ask("CAP REQ message-tags", f"SILENCE {troll.nick}")
    lines = (f"PRIVMSG {client.nick} x", f"NOTICE {client.nick} x", f"TAGMSG {client.nick}", "TOPIC #silence")
    assert commands(troll.ask(*lines)) == ["331"]  # they are not told
    assert client.sync() == []
    troll.ask("PRIVMSG #silence :in front of all")
    assert one(client.sync(), "PRIVMSG").params == ["#silence", "in front of all"]
    client.ask(f"SILENCE -{troll.nick}")
    troll.ask(f"PRIVMSG {client.nick} :better now")
    assert one(client.sync(), "PRIVMSG").params[1] == "better now"


def test_the_list_of_an_account_is_of_all_its_devices_and_stays(opened: Opener) -> None:
    phone, laptop = opened(account="dave"), opened(account="dave")
    phone.ask("SILENCE +~a:mallory")
    assert one(laptop.sync(), "SILENCE").params == ["+~a:mallory"]
    assert masks(laptop) == ["~a:mallory"]
    for device in (phone, laptop):
        device.send("QUIT")
        device.to_end()
    assert masks(opened(account="dave")) == ["~a:mallory"]


def test_labels(opened: Opener) -> None:
    client = opened(None, "labeled-response", "batch")
    for line, expected in (
        ("SILENCE +a", ["SILENCE"]),
        ("SILENCE +a", ["ACK"]),
        ("SILENCE", ["BATCH", "271", "272", "BATCH"]),
        ("SILENCE +b,+c", ["BATCH", "SILENCE", "SILENCE", "BATCH"]),
        ("SILENCE :,", ["BATCH", "271", "271", "271", "272", "BATCH"]),
    ):
        answers = client.ask(f"@label=one {line}")
        assert commands(answers) == expected, line
        assert [answer.tags.get("label") for answer in answers] == ["one"] + [None] * (len(expected) - 1)
