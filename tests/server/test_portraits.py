"""What a client makes of people by the lines that it is told is what WHO says of them: names, hosts, accounts, away.

As in `tests.server.test_pictures`: clients ask once, when they come into a channel, and never again.
"""

import random
from dataclasses import dataclass

import pytest

from securechat.irc.message import Message
from securechat.irc.names import split_source
from tests.server.wire import Client, House, Opener, plain

BASE = ("extended-join", "account-tag", "message-tags")
FULL = (*BASE, "away-notify", "account-notify", "chghost", "setname", "draft/channel-rename")
CAPS = (FULL, FULL[:-1], tuple(cap for cap in FULL if cap != "chghost"), tuple(cap for cap in FULL if cap != "setname"))
SPARE = tuple(f"spare{number}" for number in range(20))
"""Accounts to which those who are here log in."""


@dataclass
class Person:
    user: str
    host: str
    account: str
    realname: str
    away: bool


class Watcher:
    """A client, and whom it knows: by nick, those in its channels."""

    def __init__(self, client: Client, caps: tuple[str, ...]) -> None:
        self.client = client
        self.caps = caps
        self.nick = client.nick
        self.people: dict[str, Person] = {}
        self.channels: dict[str, set[str]] = {}
        self.unasked: set[str] = set()
        for line in client.lines:  # another device may be in channels already
            self.hear(Message.parse(line))

    def do(self, *lines: str) -> None:
        for message in self.client.ask(*lines):
            self.hear(message)
        while self.unasked:
            channel = self.unasked.pop()
            for message in self.client.ask(f"WHO {channel} %cuhnfar"):
                if message.command == "354":
                    nick, person = _person(message.params)
                    self.people[nick] = person
                    self.channels[channel].add(nick)
                else:
                    self.hear(message)

    def hear(self, message: Message) -> None:
        nick, user, host = split_source(message.source or "")
        words = message.params
        known = self.people.get(nick)
        if known is not None and message.command not in ("JOIN", "ACCOUNT"):
            assert (known.user, known.host) == (user, host), message
            assert message.tags.get("account", "0") in (known.account, "0"), message
        match message.command:
            case "JOIN" if nick == self.nick:
                self.channels[words[0].lower()] = set()
                self.unasked.add(words[0].lower())
            case "JOIN":
                assert nick not in self.channels[words[0].lower()]
                self.channels[words[0].lower()].add(nick)
                account = "0" if words[1] == "*" else words[1]
                person = Person(user, host, account, words[2], known.away if known else False)
                assert known in (None, person) or "setname" not in self.caps, (known, person)
                self.people[nick] = person
            case "PART" | "KICK":
                gone = nick if message.command == "PART" else words[1]
                if gone == self.nick:
                    del self.channels[words[0].lower()]
                    self.unasked.discard(words[0].lower())
                else:
                    self.channels[words[0].lower()].discard(gone)
                seen = set().union(*self.channels.values())
                self.people = {nick: person for nick, person in self.people.items() if nick in seen}
            case "QUIT":
                self.people.pop(nick, None)
                for members in self.channels.values():
                    members.discard(nick)
            case "NICK":
                if nick == self.nick:
                    self.nick = words[0]
                if known is not None:
                    self.people[words[0]] = self.people.pop(nick)
                for members in self.channels.values():
                    if nick in members:
                        members.remove(nick)
                        members.add(words[0])
            case "RENAME":
                self.channels[words[1].lower()] = self.channels.pop(words[0].lower())
            case "396" if self.nick in self.people:
                self.people[self.nick].host = words[1]
            case "AWAY":
                assert nick != self.nick
                if known is not None:
                    known.away = bool(words)
            case "ACCOUNT" if known is not None:
                known.account = "0" if words[0] == "*" else words[0]
            case "CHGHOST" if known is not None:
                known.user, known.host = words
            case "SETNAME" if known is not None:
                known.realname = words[0]
            case _:
                pass

    def check(self) -> None:
        self.do()
        for channel, members in list(self.channels.items()):
            answers = self.client.ask(f"WHO {channel} %cuhnfar")
            asked = dict(_person(message.params) for message in answers if message.command == "354")
            assert asked.keys() == members, channel
            for nick, person in asked.items():
                known = self.people[nick]
                if nick == self.nick:  # 305 and 306 tell of oneself, and that of one's own connection
                    person.away = known.away
                if "setname" not in self.caps:
                    person.realname = known.realname
                assert known == person, (channel, nick)


def _person(words: list[str]) -> tuple[str, Person]:
    _, _, user, host, nick, flags, account, realname = words
    return nick, Person(user, host, account, realname, flags[0] == "G")


def _lines(rng: random.Random, number: int, nick: str, spare: list[str]) -> list[str]:
    channel = rng.choice(["#pa", "#pb", "#pc"])
    choices = [
        [f"JOIN {channel}"],
        [f"PART {channel}"],
        [f"KICK {channel} {nick}"],
        [f"NICK nick{number}"],
        [f"AWAY :{number % 3}"],
        ["AWAY"],
        [f"SETNAME :name {number}"],
        [f"RENAME {channel} {rng.choice(['#pa', '#pc', '#PB'])}"],
        ["CAP REQ sasl", "AUTHENTICATE PLAIN", f"AUTHENTICATE {plain(spare[0])}"],
    ]
    lines = rng.choices(choices, [8, 3, 2, 2, 3, 2, 3, 1, 2 if len(spare) > 1 else 0])[0]
    if lines is choices[-1]:
        spare.pop(0)
    return lines


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_portraits_are_right(house: House, opened: Opener, seed: int) -> None:
    rng = random.Random(seed)
    spare = [f"{name}-{seed}" for name in SPARE]
    for name in spare:
        house.add_account(name)
    accounts = ["alice", "alice", "Bob", "Bob", None, None, None, None]
    watchers = [Watcher(opened(None, *caps, account=who), caps) for who in accounts for caps in [rng.choice(CAPS)]]
    for number in range(300):
        watcher = rng.choice(watchers)
        if rng.random() < 0.04:  # one goes, and another comes in its place
            watchers.remove(watcher)
            watcher.client.send("QUIT")
            watcher.client.to_end()
            caps = rng.choice(CAPS)
            watchers.append(Watcher(opened(None, *caps, account=rng.choice(["alice", "Bob", "carol", None])), caps))
            continue
        watcher.do()
        watcher.do(*_lines(rng, number, rng.choice(watchers).nick, spare))
        if number % 30 == 29:
            for each in watchers:
                each.check()
    for watcher in watchers:
        watcher.client.ask(*(f"OWNER {name} *" for name in ("#pa", "#pb", "#pc")), "JOIN 0")
