"""Messages of several lines, this client's side of it: made into batches, and batches made into one again.

IRCv3 Multiline. What a server sends is bounded here: a message that is longer than `MAX_TEXT` comes in several.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from securechat.irc.errors import MultilineError
from securechat.irc.message import Message
from securechat.irc.multiline import BATCH_TYPE, CONCAT_TAG, MultilineBatch
from securechat.irc.split import split_text

MAX_TEXT: Final = 65536
"""Characters of a message that are gathered, line ends among them."""


@dataclass(slots=True)
class Gathered:
    """The lines of a batch that is open. `opening`: its BATCH, which has the tags of the whole."""

    opening: Message
    _kind: str = ""
    _text: list[str] = field(default_factory=list)
    _size: int = 0

    def add(self, line: Message) -> Message | None:
        """One line of it. What there was before comes back as a message if there is no room for more with it."""
        text = line.params[1] if len(line.params) > 1 else ""
        whole = self.end() if self._size + len(text) >= MAX_TEXT else None
        joint = "" if CONCAT_TAG in line.tags or not self._text else "\n"
        self._kind = self._kind or line.command
        self._text.append(joint + text)
        self._size += len(text) + 1  # so that empty ones count, too
        return whole

    def end(self) -> Message | None:
        """All of it as one message, with LF between its lines; None if there is nothing."""
        target = self.opening.params[2] if len(self.opening.params) > 2 else ""
        kind, text = self._kind, "".join(self._text)
        self._kind, self._text, self._size = "", [], 0
        return Message(kind, [target, text], self.opening.source, self.opening.tags) if kind else None


def limits(value: str) -> tuple[int, int]:
    """The most bytes and lines of a message that a server takes, of the value of its capability.

    0 bytes where it does not say, for it has to; a number of lines that it does not say is not limited.
    """
    given = dict(word.partition("=")[::2] for word in value.split(","))
    most_bytes, most_lines = given.get("max-bytes", ""), given.get("max-lines", "")
    return _number(most_bytes) or 0, _number(most_lines) or MAX_TEXT


def composed(reference: str, target: str, lines: Sequence[str], room: int, value: str) -> list[Message] | None:
    """The batch that says these lines as one message; None if the server does not take as much at once.

    `room`: bytes of text in each of its messages. `value`: that of the server's capability. The tags of the whole are
    to be given to the first.
    """
    check = MultilineBatch(reference, target, *limits(value))
    messages = [Message("BATCH", [f"+{reference}", BATCH_TYPE, target])]
    try:
        for line in lines:
            for number, part in enumerate(split_text(line, room) or [""]):
                tags = {"batch": reference} | ({CONCAT_TAG: ""} if number else {})
                check.add("PRIVMSG", target, part, number > 0, tags)
                messages.append(Message("PRIVMSG", [target, part], tags=tags))
        check.finish()
    except MultilineError:
        return None
    return [*messages, Message("BATCH", [f"-{reference}"])]


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None
