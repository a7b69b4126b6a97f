"""What a client makes of the lines that it is told is what the server says when it is asked: members, prefixes, modes.

Clients keep such a picture of each channel and never ask again; so a line that is missing leaves them wrong for good.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from securechat.irc.message import Message
from tests.server.wire import Client, Opener

PREFIXES = {"o": "@", "h": "%", "v": "+"}
WITH_PARAMETER = "beIk" + "".join(PREFIXES)


@dataclass
class Picture:
    """One channel as a client sees it. `modes`: letter to parameter, `""` where it has none."""

    members: dict[str, set[str]] = field(default_factory=dict)
    modes: dict[str, str] | None = None
    topic: str = ""


class Watcher:
    """A client that knows nothing but what it is told: no names but those that follow a JOIN."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.channels: dict[str, Picture] = {}
        self.nick = client.nick

    def do(self, line: str) -> None:
        for message in self.client.ask(line):
            self.hear(message)

    def hear(self, message: Message) -> None:
        source = (message.source or "").partition("!")[0]
        words = message.params
        match message.command:
            case "JOIN" if source == self.nick:
                self.channels[words[0].lower()] = Picture()
            case "JOIN":
                self.channels[words[0].lower()].members[source] = set()
            case "353" if words[2].lower() in self.channels:
                for name in words[3].split():
                    nick = name.lstrip("@%+")
                    self.channels[words[2].lower()].members[nick] = set(name[: len(name) - len(nick)])
            case "332":
                self.channels[words[1].lower()].topic = words[2]
            case "TOPIC":
                self.channels[words[0].lower()].topic = words[1]
            case "PART" | "KICK":
                gone = source if message.command == "PART" else words[1]
                if gone == self.nick:
                    del self.channels[words[0].lower()]
                else:
                    del self.channels[words[0].lower()].members[gone]
            case "NICK":
                self.nick = words[0] if source == self.nick else self.nick
                for picture in self.channels.values():
                    if source in picture.members:
                        picture.members[words[0]] = picture.members.pop(source)
            case "RENAME":
                self.channels[words[1].lower()] = self.channels.pop(words[0].lower())
            case "324":
                self.channels[words[1].lower()].modes = {}
                self._change(self.channels[words[1].lower()], words[2:])
            case "MODE" if words[0].startswith("#"):
                self._change(self.channels[words[0].lower()], words[1:])
            case _:
                pass

    def _change(self, picture: Picture, words: list[str]) -> None:
        parameters = iter(words[1:])
        adding = True
        for letter in words[0]:
            if letter in "+-":
                adding = letter == "+"
                continue
            parameter = next(parameters) if letter in WITH_PARAMETER or (letter == "l" and adding) else ""
            if letter in PREFIXES:
                prefixes = picture.members[parameter]
                assert (PREFIXES[letter] in prefixes) is not adding, "what is told is a change"
                (prefixes.add if adding else prefixes.remove)(PREFIXES[letter])
            elif letter not in "beI" and picture.modes is not None:
                if adding:
                    picture.modes[letter] = parameter
                else:
                    del picture.modes[letter]
        assert next(parameters, None) is None, "each parameter belongs to a letter"

    def check(self) -> None:
        """Ask, and compare."""
        for message in self.client.sync():
            self.hear(message)
        for name, picture in self.channels.items():
            answers = self.client.ask(f"NAMES {name}", f"MODE {name}", f"TOPIC {name}")
            asked = Watcher(self.client)
            asked.channels[name] = Picture()
            for message in answers:
                asked.hear(message)
            assert asked.channels[name].members == picture.members, name
            assert asked.channels[name].topic == picture.topic
            assert picture.modes is None or asked.channels[name].modes == picture.modes, name
            for message in self.client.ask(f"MODE {name}"):
                self.hear(message)  # from now on the changes


def _line(rng: random.Random, watcher: Watcher, nicks: list[str]) -> str:
    channel = rng.choice(["#a", "#b", "#B", "#c"])
    nick = rng.choice(nicks)
    modes = "".join(rng.choice("+-+-ovhovhmnstklCMRi") for _ in range(4))
    lines: list[Callable[[], str]] = [
        lambda: f"JOIN {channel} key",
        lambda: f"JOIN {channel},#d,#a key,,key",
        lambda: f"PART {channel} :bye",
        lambda: f"KICK {channel} {nick}",
        lambda: f"INVITE {nick} {channel}",
        lambda: f"TOPIC {channel} :{rng.random()}",
        lambda: f"MODE {channel} +{modes} {nick} {rng.choice(['key', '7'])} {rng.choice(nicks)} {nick}",
        lambda: f"MODE {channel} -{modes} {nick} {rng.choice(nicks)} key",
        lambda: f"MODE {channel} {rng.choice('+-')}o {nick}",
        lambda: f"MODE {channel} -iklR+be *!*@* *!*@*",
        lambda: f"RENAME {channel} {rng.choice(['#d', '#C', '#e'])} :why not",
        lambda: f"NICK {watcher.client.nick}{rng.choice(['', '_', '-'])}",
        lambda: f"PRIVMSG {channel} :hello",
        lambda: "JOIN 0",
    ]
    return rng.choices(lines, [6, 3, 2, 2, 1, 2, 6, 3, 5, 2, 2, 1, 1, 0.3])[0]()


@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_pictures_are_right(opened: Opener, seed: int) -> None:
    rng = random.Random(seed)
    everywhere = ("multi-prefix",)
    people = [
        opened("owner", *everywhere, account="alice"),
        opened("renamer", *everywhere, "draft/channel-rename", "message-tags", account="Bob"),
        opened("long", *everywhere, "extended-join", account="carol"),
        opened("guest", *everywhere),
        opened("guest2", *everywhere, "draft/channel-rename"),
    ]
    phone = opened("owner", *everywhere, account="alice")  # another device of the first
    assert phone.nick == "owner"
    watchers = [Watcher(client) for client in (*people, phone)]
    for watcher in watchers[:2]:
        watcher.do("JOIN #a,#b")
    for number in range(400):
        watcher = rng.choice(watchers)
        watcher.do(_line(rng, watcher, [person.nick for person in watchers]))
        if number % 80 == 79:
            for each in watchers:
                each.check()
    for client in people[:3]:  # whose channels last
        client.ask(*(f"OWNER {name} *" for name in ("#a", "#b", "#c", "#d", "#e")))
        client.send("QUIT")
        client.to_end()
