r"""Bytes as they arrive, in pieces of any size, become lines: `LineBuffer`.

What is decided here:

- A line ends at LF, at CR LF, or at a CR alone, which Modern IRC allows ("Compatibility with incorrect software")
  and which leaves no line with a CR in it. Empty lines, and blank ones, are ignored.
- Behind its tags a line has at most 510 bytes, which with CR LF are the protocol's 512, whichever way it ended.
- NUL has no place in a message, so the line is refused. To drop the NUL would be to relay what nobody has written.
- Text is UTF-8 or refused (IRCv3 UTF8ONLY).

A line that breaks a rule costs its sender one answer and nothing else: its error stands among the lines in the
line's own place. Of a line that is too long no more is kept than what tells so; the rest is thrown away as it
comes, up to its end.
"""

from collections.abc import Mapping

from securechat.irc.errors import (
    InvalidUTF8Error,
    LineTooLongError,
    MalformedMessageError,
    NullByteError,
    ProtocolError,
    TagsTooLongError,
)
from securechat.irc.message import Message
from securechat.irc.tags import parse_tags

MAX_LINE = 512
"""Bytes of a message without its tags, CR LF included (Modern IRC, "Message Format")."""

MAX_BODY = MAX_LINE - 2

MAX_TAGS_FROM_CLIENT = 4096
"""Bytes of the tags that a client may send, `@` and the space behind included (Message Tags, "Size limit")."""

MAX_TAGS_FROM_SERVER = 8191
"""The same for a server, which adds its own to those of a client."""

_ENDS = (b"\n", b"\r")


class LineBuffer:
    """The lines of one peer. Holds at most `max_tags` + 510 bytes between two calls. Not safe for two threads at once.

    `max_tags`: the limit for the tags of what this peer sends, one of the two constants above.
    """

    __slots__ = ("_max_size", "_max_tags", "_overlong", "_partial")

    def __init__(self, max_tags: int = MAX_TAGS_FROM_CLIENT) -> None:
        self._max_tags = max_tags
        self._max_size = max_tags + MAX_BODY
        self._partial = bytearray()  # the beginning of a line whose end has not come yet
        self._overlong = False  # whether we are in a line that has had its error already

    def feed(self, data: bytes) -> list[str | ProtocolError]:
        """The lines that end in `data`, in order, each without its end, or the error that stands for it.

        How the bytes are cut into calls makes no difference, except that an overlong line is told as soon as it is
        known to be one. The cost is linear in what arrives.
        """
        lines = data.splitlines()  # of bytes: at LF, CR LF and CR, nothing else
        tail = lines.pop() if lines and not data.endswith(_ENDS) else b""
        if lines and self._overlong:
            self._overlong = False
            del lines[0]
        elif lines and self._partial:
            lines[0] = bytes(self._partial) + lines[0]
            self._partial.clear()
        items: list[str | ProtocolError] = []
        for line in filter(None, lines):  # a flood of empty ones is over soon
            if len(line) > MAX_BODY or b"\0" in line:
                items.append(self._judge(line))
            elif not line.isspace():
                try:
                    items.append(line.decode())
                except UnicodeDecodeError:
                    items.append(self._judge(line))
        if tail and not self._overlong:
            self._partial += tail[: self._max_size + 1 - len(self._partial)]
            if len(self._partial) > self._max_size:
                items.append(self._judge(bytes(self._partial)))
                self._partial.clear()
                self._overlong = True
        return items

    def _judge(self, line: bytes) -> str | ProtocolError:
        """A line that is not plainly good: itself, or what is wrong with it.

        For the first `max_size` + 1 bytes of a line that is longer than that, the answer is the same as for all of it.
        """
        size = 0  # of the tags, with '@' and the space behind
        if line.startswith(b"@"):
            size = line.find(b" ") + 1 or len(line) + 1  # the space counts, also where the line ends before it
            if size > self._max_tags:
                return TagsTooLongError()
        section, body = line[:size], line[size:]
        if len(body) > MAX_BODY:
            return LineTooLongError(_tags(section))
        if b"\0" in line:
            return NullByteError(_tags(section))
        try:
            return line.decode()
        except UnicodeDecodeError:
            return InvalidUTF8Error(_command(body), _tags(section))


def _tags(section: bytes) -> Mapping[str, str]:
    """The tags of a line that is refused, as far as they are good: the answer is to have its label."""
    tags: dict[str, str] = {}
    for tag in section[1:].rstrip(b" ").split(b";"):
        try:
            tags.update({} if b"\0" in tag else parse_tags(tag.decode()))
        except UnicodeDecodeError:
            continue
    return tags


def _command(body: bytes) -> str:
    """The command of a line that is not UTF-8, or `*`. What is made up for the bad bytes leaves nothing behind."""
    try:
        return Message.parse(body.decode(errors="replace")).command
    except MalformedMessageError:
        return "*"
