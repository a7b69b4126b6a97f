"""What one member of the channel receives: counted, hashed and checked with a few C-speed calls for each read.

Every member sees the same lines, but a sender not its own, unless it asked for an echo. So a running CRC of all that
a member saw is compared at the end with the CRC of what it should have seen, which the one member that keeps its lines
(the observer) knows. A message lost, doubled, changed or out of place changes the CRC.

A message is `SSSS NNNNNNNN TTTTTTTTTTTTTTTT filler`: the sender's number, its running number there, and the time of
sending in nanoseconds of CLOCK_MONOTONIC, in hexadecimal. As nicks have one width too, all messages have one length,
and that they are aligned in a block is one comparison of a slice.
"""

from __future__ import annotations

import zlib
from collections.abc import Collection

from case import CHANNEL, BenchmarkError

_FILLER = b"abcdefghij"
_COMMAND = b" PRIVMSG %b :" % CHANNEL
TEXT_SIZE = 4 + 1 + 8 + 1 + 16 + 1 + len(_FILLER)

# Where the fields are, counted from the end of a line, CR LF included.
_SENDER = slice(-TEXT_SIZE - 2, -TEXT_SIZE + 2)
_NUMBER = slice(-TEXT_SIZE + 3, -TEXT_SIZE + 11)
_STAMP_START = TEXT_SIZE + 2 - 14
_SENDER_START = TEXT_SIZE + 2
_COMMAND_PLACE = slice(-TEXT_SIZE - 2 - len(_COMMAND), -TEXT_SIZE - 2)


def sender_field(sender: int) -> bytes:
    """The number of a sender as it stands in its messages."""
    return b"%04d" % sender


def message(sender: int, number: int, stamp: int, *, once: bool = False) -> bytes:
    """The line with which `sender` sends its message `number` at `stamp` (ns of CLOCK_MONOTONIC).

    `once`: under an id, by which the server would know it if it came again.
    """
    if once:
        return b"@securechat/client-id=%014x%08d " % (stamp, number) + message(sender, number, stamp)
    return b"PRIVMSG %b :%04d %08d %016x %b\r\n" % (CHANNEL, sender, number, stamp, _FILLER)


class Stream:
    """The bytes that one member receives, cut into messages and the rest.

    `messages` and `crc` are of all messages so far; `size` is the length of a message line (0: none was seen yet).
    """

    __slots__ = ("_rest", "crc", "messages", "size")

    def __init__(self) -> None:
        self.messages = 0
        self.crc = 0
        self.size = 0
        self._rest = b""

    def feed(self, data: bytes) -> tuple[bytes, list[bytes]]:
        """Take what arrived; give the whole messages in it as one block, and the other lines (PING and such).

        Raises:
            BenchmarkError: messages differ in length, so the benchmark could not check them.
        """
        if self._rest:
            data = self._rest + data
        size = self.size
        others: list[bytes] = []
        count = len(data) // size if size else 0
        if count and data[size - 1 : count * size : size] == b"\n" * count:
            block = data if len(data) == count * size else data[: count * size]
            self._rest = data[count * size :]
        else:
            block, others = self._sort(data)
            count = len(block) // self.size if block else 0
        self.messages += count
        self.crc = zlib.crc32(block, self.crc)
        return block, others

    def _sort(self, data: bytes) -> tuple[bytes, list[bytes]]:
        """The slow way, for a block that has other lines between the messages."""
        messages: list[bytes] = []
        others: list[bytes] = []
        lines = data.splitlines(keepends=True)
        self._rest = lines.pop() if lines and not lines[-1].endswith(b"\n") else b""
        for line in lines:
            if line[_COMMAND_PLACE] != _COMMAND:
                others.append(line)
            elif len(line) == (self.size or len(line)):
                self.size = len(line)
                messages.append(line)
            else:
                raise BenchmarkError(f"the lines of messages differ in length ({self.size}): {line!r}")
        return b"".join(messages), others


def senders_of(block: bytes, size: int) -> list[bytes]:
    """The sender's number of each message in a block of lines of `size` bytes, as it stands there."""
    return [block[end - _SENDER_START : end - _SENDER_START + 4] for end in range(size, len(block) + 1, size)]


def stamp_of(block: bytes, size: int, index: int) -> int:
    """When the message at `index` of a block was sent, in nanoseconds of CLOCK_MONOTONIC."""
    start = (index + 1) * size - _STAMP_START
    return int(block[start : start + 16], 16)


class Reference:
    """All messages that the observer of a load process saw, in their order: what every other member is held against."""

    def __init__(self, blocks: list[bytes], size: int) -> None:
        log = b"".join(blocks)
        self._lines = [log[start : start + size] for start in range(0, len(log), size)] if size else []
        self.crc = zlib.crc32(log)

    def crc_without(self, sender: int) -> int:
        """The CRC of what `sender` should have seen: everything but its own messages."""
        own = sender_field(sender)
        return zlib.crc32(b"".join([line for line in self._lines if line[_SENDER] != own]))

    def out_of_sequence(self, senders: Collection[int]) -> set[int]:
        """Those of `senders` whose messages are not there as 0, 1, 2 and so on, each once and in this order."""
        following = {sender_field(sender): 0 for sender in senders}
        wrong = set()
        for line in self._lines:
            field = line[_SENDER]
            if field in following:
                if int(line[_NUMBER]) != following[field]:
                    wrong.add(int(field))
                following[field] += 1
        return wrong
