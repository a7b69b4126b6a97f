"""Somebody who talks without a pause on one connection after the other, and writes down what they learn."""

import base64
import random
import ssl
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress

from securechat.irc.message import Message
from tests.crash.records import LOGGED, SPOKEN, Account, Line, Seen, Visit, Words, nick_in
from tests.e2e.servers import PASSWORD, Server
from tests.e2e.wires import CAPABILITIES, Ended, Wire

HISTORY = "draft/chathistory"
CLIENT_ID = "securechat/client-id"


PAGE = 50
"""Messages that are asked for at a time."""


class Milestones:
    """Counts what has been achieved by all together: arrivals and acknowledgements."""

    def __init__(self) -> None:
        # Guards the number, and is told when it grows or somebody has ended.
        self._changed = threading.Condition()
        self._number = 0
        self._talking = 0
        self._present = 0

    def begin(self) -> None:
        with self._changed:
            self._talking += 1

    def end(self) -> None:
        with self._changed:
            self._talking -= 1
            self._changed.notify_all()

    def reached(self) -> None:
        with self._changed:
            self._number += 1
            self._changed.notify_all()

    def arrived(self) -> None:
        """Somebody is in all channels."""
        with self._changed:
            self._present += 1
            self._changed.notify_all()

    def wait_for_all(self, timeout: float) -> None:
        """Until everybody who is not gone has arrived."""
        with self._changed:
            assert self._changed.wait_for(lambda: self._present >= self._talking, timeout)

    def wait(self, number: int, timeout: float) -> None:
        """Until so many have been reached, or nobody is left."""
        with self._changed:
            assert self._changed.wait_for(lambda: self._number >= number or not self._talking, timeout)


class Witness:
    """`account` has all that they know. `chance` decides what they say.

    `history`: whether they ask for what they missed, by `draft/chathistory`, rather than to be shown it. `window`: how
    many lines they have on the way. `careful`: whether whatever they say may be refused.
    """

    def __init__(self, nick: str, others: Sequence[str], channels: Sequence[str], chance: random.Random) -> None:
        self.account = Account(nick)
        self.history = True
        self.careful = False
        self.window = chance.choice((1, 3, 12))
        self.open: dict[Words, str] = {}
        """What was sent under a client id and not answered yet, in order: the line."""
        self._others = [other for other in others if other != nick]
        self.channels = channels
        self._chance = chance
        self._number = 0

    def line(self, visit: Visit, *, may_name: bool) -> str:
        """Something to say, written down as sent."""
        chance, nick = self._chance, self.account.nick
        self._number += 1
        text = f"{nick} {self._number} " + "x" * chance.choice((0, 5, 80, chance.randint(0, 250)))
        kind = chance.random()
        command, targets = "PRIVMSG", [chance.choice(self.channels)]
        if kind < 0.2:
            targets = [chance.choice(self._others)]
        elif kind < 0.3 and not self.careful:
            targets = list(self.channels)
        elif kind < 0.4:
            command = "NOTICE"
        elif kind < 0.45 and targets[0] != "#lobby":
            command = "TOPIC"
        words = [(target, text) for target in targets]
        certain = kind >= 0.2 and command != "TOPIC" and not self.careful
        visit.sent.append(Line(tuple(words), certain))
        tags = []
        if not certain or chance.random() < 0.3:  # with a label a refusal says of what
            tags.append(f"label={self._number}")
        named = may_name and command != "TOPIC" and len(targets) == 1 and chance.random() < 0.7
        if named:
            tags.append(f"{CLIENT_ID}={nick}-{self._number}")
        line = f"{'@' * bool(tags)}{';'.join(tags)}{' ' * bool(tags)}{command} {','.join(targets)} :{text}"
        if named:
            self.open[words[0]] = line
            self.account.named.add(words[0])
        return line

    def lose(self, words: Words) -> None:
        self.open.pop(words, None)


class Connection(Wire):
    """A witness on one connection. `position`: how long the server's trace is."""

    def __init__(self, server: Server, witness: Witness, milestones: Milestones, position: Callable[[], int]) -> None:
        self.nick = witness.account.nick
        self.channels = witness.channels
        self._witness = witness
        self._milestones = milestones
        self._position = position
        self._positions: list[int] = []
        self._labels: dict[str, Words] = {}
        self._waiting = 0  # so many answers
        self._expected: set[Words] = set()  # of these
        self._live = False
        self.offered: set[str] = set()
        self.visit = Visit()
        witness.account.visits.append(self.visit)
        super().__init__(server)

    def _receive(self) -> None:
        super()._receive()
        position = self._position()
        self._positions += [position] * (len(self.lines) - len(self._positions))

    def hear(self) -> Message:
        """The next message, written down."""
        message = self.message()
        account = self._witness.account
        if message.command == "PING":
            self.send(f"PONG :{message.params[-1]}")
        if message.command == "CAP" and message.params[1] == "ACK":
            self.offered.update(message.params[2].split())
        if message.command in LOGGED and "msgid" in message.tags:
            target, text = (*message.params, "", "")[:2]
            nick = nick_in(message.source)
            position = self._positions[self._read - 1]
            seen = Seen(message.tags["msgid"], message.command, nick, (target, text), self._live, position)
            self.visit.seen.append(seen)
            if nick == account.nick and message.command in SPOKEN and seen.words in self._expected:
                account.acknowledged[seen.words] = seen
                self._answered(seen.words)
        refused = self._labels.get(message.tags.get("label", "")) if message.command not in SPOKEN else None
        if refused is not None and message.command != "BATCH":
            account.refused.add(refused)
            self._answered(refused)
        else:
            # PONG tells that held messages have come, and that can't be written down either.
            failed = message.params[0] if message.command == "FAIL" else None
            assert failed is None or (failed == "PONG" and self._witness.careful), message.serialise()
        return message

    def _answered(self, words: Words) -> None:
        self._expected.remove(words)
        self._waiting -= 1
        self._witness.lose(words)
        self._milestones.reached()

    def arrive(self) -> None:
        """Log in, be in the channels, and have all that belongs to it."""
        witness = self._witness
        nick = witness.account.nick
        optional = [CLIENT_ID, *([HISTORY] if witness.history else [])]
        login = base64.b64encode(f"\0{nick}\0{PASSWORD}".encode()).decode()
        self.send(
            "CAP LS 302",
            f"NICK {nick}",
            f"USER {nick} 0 * :{nick}",
            f"CAP REQ :{' '.join(CAPABILITIES)}",
            *(f"CAP REQ :{name}" for name in optional),
            "CAP REQ :sasl",
            "AUTHENTICATE PLAIN",
            f"AUTHENTICATE {login}",
            "CAP END",
        )
        self.until("001")
        self._milestones.reached()
        self.send(f"JOIN {','.join(witness.channels)}", "PING :all of it")
        self.until("PONG")
        self._live = True
        self._milestones.arrived()

    def until(self, command: str) -> Message:
        while True:
            message = self.hear()
            if message.command == command:
                return message

    def send_again(self) -> None:
        """What may have been stored, and what was not answered."""
        if CLIENT_ID in self.offered and self._witness.open:
            self.visit.again.update(self._witness.open)
            self.say([((words,), line) for words, line in self._witness.open.items()])

    def say(self, lines: Sequence[tuple[Sequence[Words], str]]) -> None:
        for said, line in lines:
            self._waiting += len(said)
            self._expected.update(said)
            label = Message.parse(line).tags.get("label")
            if label is not None:
                self._labels[label] = said[0]
        self.send(*(line for _, line in lines))

    def talk(self, number: int | None = None) -> None:
        """Send so many lines, a window of them at a time, and have all of them answered; or without an end."""
        window = self._witness.window
        while number is None or number > 0 or self._waiting > 0:
            if self._waiting <= window // 2 and (number is None or number > 0):
                count = window if number is None else min(window, number)
                lines = [self._witness.line(self.visit, may_name=CLIENT_ID in self.offered) for _ in range(count)]
                self.say([(said.words, line) for said, line in zip(self.visit.sent[-count:], lines, strict=True)])
                number = None if number is None else number - count
            self.hear()

    def hear_all(self) -> None:
        """What others have said so far."""
        self.send("PING :so far")
        self.until("PONG")

    def history(self, target: str) -> list[str]:
        """The msgids of all that was said there, as CHATHISTORY tells it page by page."""
        pages: list[list[str]] = []
        before = ""
        while not pages or pages[-1]:
            self.send(f"CHATHISTORY {f'BEFORE {target} msgid={before}' if before else f'LATEST {target} *'} {PAGE}")
            page: list[str] = []
            start = self.next_is("BATCH")
            assert start.params[1:] == ["chathistory", target]
            while (message := self.message()).command != "BATCH":
                assert message.tags["batch"] == start.params[0][1:]
                assert message.command in ("PRIVMSG", "NOTICE"), message
                page.append(message.tags["msgid"])
            pages.append(page)
            before = page[0] if page else ""
        return [msgid for page in reversed(pages) for msgid in page]


class Talking:
    """A witness who talks in a thread of their own, until the server is gone."""

    def __init__(self, server: Server, witness: Witness, milestones: Milestones, position: Callable[[], int]) -> None:
        self._arguments = (server, witness, milestones, position)
        self._milestones = milestones
        self.failure: BaseException | None = None
        milestones.begin()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        try:
            with suppress(Ended, ConnectionError, ssl.SSLError):
                self._talk()
        except BaseException as failure:  # for the test to raise
            self.failure = failure
        finally:
            self._milestones.end()

    def _talk(self) -> None:
        connection = Connection(*self._arguments)
        try:
            connection.arrive()
            connection.send_again()
            connection.talk()
        finally:
            connection.sock.close()

    def join(self) -> None:
        """Wait until the connection is over. Raises what went wrong with it."""
        self._thread.join()
        if self.failure is not None:
            raise self.failure
