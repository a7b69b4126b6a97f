r"""Messages of several lines: a client's batch becomes one text, and the text its lines again (IRCv3 Multiline).

A text is one string. `"\n"` stands between its lines, and `"\r"` where a line was sent in two pieces, the second with
the concat tag. Neither can be in a piece, so nothing needs escaping; and what was sent can be shown in the same pieces
to everyone, which the specification asks for ("SHOULD maintain the line composition").
"""

import re
from collections.abc import Iterable, Mapping

from securechat.irc.errors import (
    MultilineInvalidError,
    MultilineTargetError,
    MultilineTooLongError,
    MultilineTooManyLinesError,
)
from securechat.irc.names import casefold
from securechat.irc.words import check_line, encode

BATCH_TYPE = "draft/multiline"

CONCAT_TAG = "draft/multiline-concat"

MAX_BYTES = 4096
"""Bytes of a message's lines together, where nothing else is configured."""

MAX_LINES = 100
"""How many lines a message has at most, where nothing else is configured."""

_LINE, _JOINT = "\n", "\r"
_SEPARATOR = re.compile(f"([{_LINE}{_JOINT}])")
_REFERENCE = re.compile(r"[A-Za-z0-9-]+")


class MultilineBatch:
    """A batch of one client, from its opening to its end. Holds at most `max_bytes` and `max_lines` of it.

    `reference`: its tag. `target`: whom it is for, as written when it was opened. `kind`: PRIVMSG or NOTICE, `""`
    before the first line. Whoever holds it drops it at the first error.
    """

    __slots__ = ("_bytes", "_max_bytes", "_max_lines", "_pieces", "kind", "reference", "target")

    def __init__(self, reference: str, target: str, max_bytes: int, max_lines: int) -> None:
        self.reference = reference
        self.target = target
        self.kind = ""
        self._max_bytes = max_bytes
        self._max_lines = max_lines
        self._bytes = 0
        self._pieces: list[tuple[str, bool]] = []

    def add(self, kind: str, target: str, text: str, concat: bool, tags: Mapping[str, str]) -> None:
        """One line: its command, its first and its last parameter, whether it has the concat tag, and its tags.

        Raises a `MultilineError` for a line that can't be part of this batch. Its `batch` tag has to be the
        reference; other tags, which belong to the opening, are ignored, as other servers do. The first line has nothing
        to be joined to, so there the concat tag means nothing.
        """
        if tags.get("batch") != self.reference:
            raise MultilineInvalidError("Invalid multiline batch with a line of another batch")
        if kind not in ("PRIVMSG", "NOTICE") or self.kind not in ("", kind):
            raise MultilineInvalidError
        if casefold(target) != casefold(self.target):
            raise MultilineTargetError(self.target, target)
        concat = concat and bool(self._pieces)
        if concat and not text:
            raise MultilineInvalidError("Invalid multiline batch with concatenated blank line")
        size = len(encode(check_line(text))) + (bool(self._pieces) and not concat)
        if self._bytes + size > self._max_bytes:
            raise MultilineTooLongError(self._max_bytes)
        if len(self._pieces) >= self._max_lines:
            raise MultilineTooManyLinesError(self._max_lines)
        self.kind = kind
        self._bytes += size
        self._pieces.append((text, concat))

    def finish(self) -> str:
        """The text, at the end of the batch. Raises `MultilineInvalidError` if there is none."""
        if not any(piece for piece, _ in self._pieces):
            raise MultilineInvalidError("Invalid multiline batch with blank lines only")
        return joined(self._pieces)


def capability_value(max_bytes: int = MAX_BYTES, max_lines: int = MAX_LINES) -> str:
    """What stands behind `draft/multiline` in CAP LS: the limits of a `MultilineBatch`."""
    return f"max-bytes={max_bytes},max-lines={max_lines}"


def valid_reference(text: str) -> bool:
    """Whether `text` can be a batch's reference tag (Batch, "The BATCH verb"); if not, FAIL BATCH INVALID_REFTAG."""
    return _REFERENCE.fullmatch(text) is not None


def joined(parts: Iterable[tuple[str, bool]]) -> str:
    """The text of these pieces: the inverse of `pieces`. The second value of the first one means nothing."""
    words = []
    for piece, concat in parts:
        words += [_JOINT if concat else _LINE, piece]
    return "".join(words[1:])


def pieces(text: str) -> list[tuple[str, bool]]:
    """The pieces in which a text was sent, each with whether it has the concat tag. At least one.

    For those who do not know of several lines, leave out the pieces that are empty.
    """
    first, *rest = _SEPARATOR.split(text)
    separators, others = rest[::2], rest[1::2]
    return [(first, False), *((piece, mark == _JOINT) for mark, piece in zip(separators, others, strict=True))]


def has_pieces(text: str) -> bool:
    """Whether a text is more than one piece, so that it needs a batch to be shown as it was sent."""
    return _LINE in text or _JOINT in text


def logical(text: str) -> str:
    r"""The text as people read it: lines with `"\n"` between them, and no joints."""
    return text.replace(_JOINT, "")
