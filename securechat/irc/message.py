"""One line of IRC as a value, and back: `Message` (Modern IRC, "Message Format").

`Message.parse` runs for each line that a client sends. Its way for a line without tags is two `partition`s and a
`split`, about a microsecond; keep it without regular expressions and without a look at each character.
"""

from collections.abc import Mapping
from typing import Self

from securechat.irc.errors import MalformedMessageError
from securechat.irc.tags import NO_TAGS, client_only, format_tags, parse_tags
from securechat.irc.words import UnsendableError, check_line, encode, is_word

# A colon before the last parameter means nothing when it is not needed, but plenty of clients look for one where
# RFC 1459 servers always wrote it: before text and lists.
_TEXT_LAST = frozenset(
    (
        "AWAY", "CAP", "ERROR", "FAIL", "INVITE", "KICK", "NOTE", "NOTICE", "PART", "PING", "PONG",
        "PRIVMSG", "QUIT", "SETNAME", "TOPIC", "USER", "WALLOPS", "WARN",
    )
)  # fmt: skip


class Message:
    """A message: `tags` (key to unescaped value), `source` (without its colon), `command` (upper case), `params`.

    `Message.parse(m.serialise()) == m` for every message that serialises, and every message that was parsed serialises.
    The repr shows neither parameters nor tags: they may be a password, and are what people say to each other.
    """

    __slots__ = ("command", "params", "source", "tags")

    def __init__(
        self, command: str, params: list[str], source: str | None = None, tags: Mapping[str, str] = NO_TAGS
    ) -> None:
        self.command = command.upper()
        self.params = params
        self.source = source
        self.tags = tags

    @classmethod
    def parse(cls, line: str) -> Self:
        """The message in a line without its end, as `lines.LineBuffer` gives it (no NUL, CR or LF in it).

        Takes what the rules ask readers to take: any number of parameters, several spaces where one would do, spaces at
        the end. Raises `MalformedMessageError` if there is no command, or something that can't be one.
        """
        tags = NO_TAGS
        source = None
        rest = line
        if rest[:1] == "@":
            section, _, rest = rest[1:].partition(" ")
            tags = parse_tags(section)
            rest = rest.lstrip(" ")
        if rest[:1] == ":":
            source, _, rest = rest[1:].partition(" ")
        head, colon, text = rest.partition(" :")
        params = head.split(" ")
        if "" in params:
            params = [param for param in params if param]
        if not params:
            raise MalformedMessageError("*", tags)
        command = params.pop(0)
        if not (command.isalnum() and command.isascii()):
            raise MalformedMessageError(command, tags)
        if colon:
            params.append(text)
        return cls(command, params, source or None, tags)

    def serialise(self) -> str:
        """The line, without CR LF. Its length is not looked at: see `split` for text that may be too long for one line.

        Raises `UnsendableError` rather than write a line that would be read as something else: a parameter before
        the last that is empty, has a space or begins with a colon; NUL, CR or LF anywhere but in a tag's value (CR
        and LF are escaped there); a source with a space; a command that is not ASCII letters and digits.
        """
        command = self.command
        if not (command.isalnum() and command.isascii()):
            raise UnsendableError("a command is ASCII letters and digits")
        parts = []
        if self.tags:
            parts.append("@" + format_tags(self.tags))
        if self.source is not None:
            if not self.source or " " in self.source:
                raise UnsendableError("a source can't be empty or hold a space")
            parts.append(":" + self.source)
        parts.append(command)
        if self.params:
            *words, last = self.params
            if not all(map(is_word, words)):
                raise UnsendableError("a parameter before the last can't be empty, hold a space or begin with ':'")
            parts += words
            parts.append(last if is_word(last) and command not in _TEXT_LAST else ":" + last)
        return check_line(" ".join(parts))

    def encode(self) -> bytes:
        """The line as it goes out, with CR LF. Raises `UnsendableError` like `serialise`, and for lone surrogates."""
        return encode(self.serialise() + "\r\n")

    @property
    def client_tags(self) -> str:
        """The client-only tags in their relayed form: see `tags.client_only`."""
        return client_only(self.tags)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Message):
            return NotImplemented
        return (
            self.command == other.command
            and self.params == other.params
            and self.source == other.source
            and self.tags == other.tags
        )

    __hash__ = None  # type: ignore[assignment]  # its parameters can change

    def __repr__(self) -> str:
        return f"<Message {self.command}, {len(self.params)} parameters>"
