"""Client-only tags, and those that are denied (IRCv3 message-tags, "CLIENTTAGDENY"; typing, reply, react,
channel-context)."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from securechat.irc.tags import client_only
from securechat.server.reload import Loaded
from tests.server.wire import Client, House, Opener, commands, one, running

LABELS = ("labeled-response", "batch")
ALL = (
    "+typing=active",
    "+typing=paused",
    "+typing=done",
    "+reply=0123456789abc",
    "+draft/reply=0123456789abc",
    "+react=:)",
    "+draft/react=👋",
    "+draft/unreact=👋",
    "+channel-context=#tags",
    "+example.com/foo=bar",
    "+xn--e1afmkfd.org/foo",
    "+x",
    "+UPPER=Case",
)


@pytest.fixture
def strict(certs: Path, tmp_path: Path) -> Iterator[House]:
    """A server for one test, whose operator will deny some: see `deny`."""
    with running(certs, tmp_path) as one:
        yield one


def deny(house: House, *names: str) -> None:
    """Have the operator deny these from now on."""
    loaded = house.loaded
    assert isinstance(loaded, Loaded)
    server = replace(loaded.config.server, client_tags_denied=names)
    house.loaded = replace(loaded, config=replace(loaded.config, server=server))
    house.hub.reloader.reload("a test")


def tags_of(client: Client, kind: str) -> dict[str, str]:
    """The client-only tags of the only message that has come."""
    message = one(client.sync(), kind)
    return {key: value for key, value in message.tags.items() if key.startswith("+")}


@pytest.mark.parametrize("kind", ["PRIVMSG", "NOTICE", "TAGMSG"])
@pytest.mark.parametrize("private", [False, True])
@pytest.mark.parametrize("tag", ALL)
def test_all_pass_to_those_who_can_read_them(opened: Opener, kind: str, private: bool, tag: str) -> None:
    reader, blind, sender = opened(None, "message-tags"), opened(), opened(None, "message-tags", "echo-message")
    if not private:
        for client in (reader, blind, sender):
            client.join("#tags")
        for client in (reader, blind):
            client.sync()
    text = "" if kind == "TAGMSG" else " :x"
    (echo,) = sender.ask(f"@{tag} {kind} {reader.nick if private else '#tags'}{text}")
    (seen,) = reader.sync()
    key, _, value = tag.partition("=")
    assert seen.tags == echo.tags == {"msgid": seen.tags["msgid"], key: value}
    if private:
        sender.ask(f"@{tag} {kind} {blind.nick}{text}")
    assert [message.tags for message in blind.sync()] == ([] if kind == "TAGMSG" else [{}])


def test_together_and_for_all_devices(opened: Opener) -> None:
    reader = opened(None, "message-tags", account="alice")
    other = opened(None, "message-tags", account="alice")
    sender, device = (opened(None, "message-tags", account="carol") for _ in range(2))
    for client in (reader, other, sender, device):
        client.sync()
    sender.ask("@+reply=1;+draft/react=x;time=2001;account=boss;msgid=2;batch=3 TAGMSG alice")
    for client in (reader, other, device):
        assert tags_of(client, "TAGMSG") == {"+reply": "1", "+draft/react": "x"}


def test_server_tags_come_before_the_clients(opened: Opener) -> None:
    client = opened(None, "message-tags", "server-time", "account-tag", "echo-message", *LABELS, account="alice")
    client.ask("@+a=b;label=x;+c TAGMSG alice")
    *_, echo, _ = client.lines
    keys = [tag.partition("=")[0] for tag in echo.removeprefix("@").split(" ")[0].split(";")]
    assert keys == ["label", "time", "account", "msgid", "+a", "+c"]


@pytest.mark.parametrize("filler", ["x", "é", "\\s", "\\\\"])
def test_as_many_as_there_is_room_for(opened: Opener, filler: str) -> None:
    """4094 bytes of them with a text of 512 pass as they are; one more, and the line is refused."""
    client = opened(None, "message-tags", "server-time", "account-tag", "echo-message", *LABELS, account="alice")
    room = 4094 - len("label=" + "l" * 64 + ";+a=")
    size = len(filler.encode())
    value = filler * (room // size) + "y" * (room % size)
    line = f"@label={'l' * 64};+a={value} PRIVMSG alice :"
    (_, echo) = client.ask(line + "x" * 400)
    assert len(echo.params[1]) == 400
    assert f";+a={value} " in client.lines[-2]
    assert len(client.lines[-2].split(" ")[0].encode()) + 1 <= 8191
    (refused,) = client.ask("@+a=" + "x" * (4095 - 3) + " PRIVMSG alice :x")
    assert refused.command == "417"


# -- what is denied ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("denied", "left"),
    [
        (("typing",), {"+draft/react", "+example.com/foo", "+Typing", "+draft/typing"}),
        (("typing", "draft/react", "example.com/foo"), {"+Typing", "+draft/typing"}),
        (("*",), set()),
        (("*", "-draft/react"), {"+draft/react"}),
        (("*", "-typing", "-example.com/foo"), {"+typing", "+example.com/foo"}),
        (("Typing", "none"), {"+typing", "+draft/react", "+example.com/foo", "+draft/typing"}),
    ],
)
def test_which_are_left(strict: House, denied: tuple[str, ...], left: set[str]) -> None:
    opened = Opener(strict)
    reader = opened(None, "message-tags", join="#deny")
    sender = opened(None, "message-tags", "draft/multiline", "batch", join="#deny")
    deny(strict, *denied)
    sender.expect("005", sender.nick, "CLIENTTAGDENY=" + ",".join(denied))
    reader.sync()
    tags = "@+typing=1;+draft/react=2;+example.com/foo=3;+Typing=4;+draft/typing=5"
    for kind in ("PRIVMSG", "NOTICE"):
        sender.ask(f"{tags} {kind} #deny :x")
        assert tags_of(reader, kind).keys() == left
    sender.ask(f"{tags} TAGMSG #deny")
    if left:
        assert tags_of(reader, "TAGMSG").keys() == left
    sender.ask(
        f"{tags} BATCH +1 draft/multiline {reader.nick}",
        f"@batch=1 PRIVMSG {reader.nick} :x",
        f"@batch=1 PRIVMSG {reader.nick} :y",
        "BATCH -1",
    )
    first, _ = reader.sync()
    assert {key for key in first.tags if key.startswith("+")} == left


def test_a_tagmsg_of_which_nothing_is_left(strict: House) -> None:
    opened = Opener(strict)
    deny(strict, "typing")
    reader = opened(None, "message-tags", join="#deny")
    sender = opened(None, "message-tags", "echo-message", *LABELS, join="#deny")
    reader.sync()
    assert sender.ask("@+typing=active TAGMSG #deny", "@+typing=active TAGMSG #nowhere") == []
    (ack,) = sender.ask("@label=l;+typing=active TAGMSG #deny")
    assert (ack.command, ack.tags) == ("ACK", {"label": "l"})
    assert reader.sync() == []
    assert commands(sender.ask("TAGMSG #deny", "@+typing;+x TAGMSG #deny", "@+typing PRIVMSG #deny :x")) == [
        "TAGMSG", "TAGMSG", "PRIVMSG",
    ]  # fmt: skip
    assert len(reader.sync()) == 3
    deny(strict)
    sender.sync()
    assert commands(sender.ask("@+typing=active TAGMSG #deny")) == ["TAGMSG"]


def test_nothing_is_denied_by_default(opened: Opener) -> None:
    client = opened()
    assert not any("CLIENTTAGDENY" in line for line in client.lines)


def test_a_tag_with_no_name_is_none() -> None:
    assert client_only({"+": "x", "+a": ""}, ("*", "-a")) == "+a"
    assert client_only({"+": "x", "+a": ""}, ("*", "-")) == ""
    assert client_only({"+-a": "x"}, ("*", "-a")) == ""
    assert client_only({"a": "x"}, ("b",)) == ""
