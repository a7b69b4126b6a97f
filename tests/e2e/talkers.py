"""People who talk without a pause, and what must be true of it when the server has ended, however it ended."""

import contextlib
import threading
from collections.abc import Sequence

from tests.e2e.wires import Chatter, Ended, nick_of, texts

WINDOW = 8
"""Messages that somebody here has on the way at a time."""


class Talker:
    """Talks in #lobby in a thread of its own, until the server is gone."""

    def __init__(self, chatter: Chatter, enough: threading.Semaphore) -> None:
        self.chatter = chatter
        self.heard: list[str] = []
        self.said = 0
        self.acknowledged = 0
        self._enough = enough
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self) -> None:
        with contextlib.suppress(Ended, ConnectionError):
            self._say(WINDOW)
            while True:
                message = self.chatter.message()
                for text in texts([message]):
                    self.heard.append(text)
                    if nick_of(message) == self.chatter.nick:
                        self.acknowledged += 1
                        self._enough.release()
                        self._say(1)

    def _say(self, number: int) -> None:
        lines = [f"PRIVMSG #lobby :{self.chatter.nick} {self.said + n}" for n in range(number)]
        self.said += number
        self.chatter.send(*lines)


def is_part_of(some: Sequence[str], all_: Sequence[str]) -> bool:
    """Whether these stand in there in the same order, with nothing between them left out."""
    return not some or list(all_[all_.index(some[0]) :][: len(some)]) == list(some)


def check(talkers: Sequence[Talker], stored: Sequence[str]) -> None:
    """What these texts in the database must be, now that the talkers have ended."""
    assert len(stored) == len(set(stored)), "something is there twice"
    for talker in talkers:
        nick = talker.chatter.nick
        own = [text for text in stored if text.startswith(f"{nick} ")]
        assert own == [f"{nick} {number}" for number in range(len(own))], "not in order, or not without a gap"
        assert talker.acknowledged <= len(own) <= talker.said, "something acknowledged is not there"
        assert is_part_of(talker.heard, stored), "somebody saw another order"
