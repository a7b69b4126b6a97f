"""What a chat has told, and a way of breaking its connection."""

import threading
from collections.abc import Callable

from securechat.client.events import Event, MessageReceived, Resumed
from securechat.irc.message import Message
from tests.client.archive import Archive
from tests.client.support import LIMIT, Session

BOB = "bob!bob@client.example"


class Told:
    """What was told, for whoever waits for some of it."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self._more = threading.Condition()

    def __call__(self, event: Event) -> None:
        with self._more:
            self.events.append(event)
            self._more.notify_all()

    def wait(self, found: Callable[[], bool]) -> None:
        with self._more:
            assert self._more.wait_for(found, LIMIT), self.events

    def count(self, kind: type[Event]) -> int:
        return sum(isinstance(event, kind) for event in self.events)

    def texts(self) -> list[str]:
        return [event.text for event in self.events if isinstance(event, MessageReceived)]

    def wait_for(self, *texts: str) -> None:
        """Wait until these, and nothing else, were said."""
        self.wait(lambda: len(self.texts()) >= len(texts))
        assert self.texts() == list(texts)

    def resumed(self, times: int = 1) -> None:
        self.wait(lambda: self.count(Resumed) >= times)


def away(archive: Archive, *said: str) -> None:
    """The connection breaks, and before the next one stands this is said."""

    def say_first(session: Session, message: Message) -> None:
        del archive.rules["CAP"]
        for text in said:
            archive.put(BOB, "#lobby", text)

    archive.rules["CAP"] = say_first
    archive.drop_all()
