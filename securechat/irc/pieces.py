"""Things that are no text, such as a certificate, in lines: Base64 in pieces, as AUTHENTICATE has its messages.

A thing goes in parameters of 400 characters of which the last is shorter; where nothing is left for that, it is a ``+``
(IRCv3 SASL 3.1, "The AUTHENTICATE Command"). CERT has such parameters, in both directions.
"""

from __future__ import annotations

import base64
from typing import Final

from securechat.irc.errors import MalformedPieceError, PiecesTooLongError
from securechat.irc.sasl import CHUNK, chunks

__all__ = ["MAX_THING", "PieceInbox", "pieces"]

MAX_THING: Final = 16 * 1024
"""Bytes that the largest thing may have that goes in pieces: a certificate has 500 to 3,000."""


def pieces(data: bytes) -> list[str]:
    """``data`` as the parameters of its lines, at least one."""
    return chunks(data)


class PieceInbox:
    """The pieces of one thing after the other, each of at most ``limit`` bytes, until it is whole."""

    __slots__ = ("_limit", "_text")

    def __init__(self, limit: int = MAX_THING) -> None:
        self._limit = limit
        self._text = ""

    @property
    def begun(self) -> bool:
        """Whether there are pieces of a thing of which the last has not come."""
        return bool(self._text)

    def add(self, piece: str) -> bytes | None:
        """The thing if ``piece`` is its last one, else None.

        Raises:
            MalformedPieceError: it is empty or over 400 characters, or all that came is no Base64.
            PiecesTooLongError: there is more of the thing than may be.

        With both, what has come of the thing is forgotten, and another may begin.
        """
        begun, self._text = self._text, ""
        if not 0 < len(piece) <= CHUNK:
            raise MalformedPieceError
        text = begun if piece == "+" else begun + piece
        if len(text) > (self._limit + 2) // 3 * 4:
            raise PiecesTooLongError(self._limit)
        if len(piece) == CHUNK:
            self._text = text
            return None
        data = _decoded(text)
        if data is None:
            raise MalformedPieceError
        if len(data) > self._limit:  # by a byte or two, in the same number of characters
            raise PiecesTooLongError(self._limit)
        return data


def _decoded(text: str) -> bytes | None:
    """None: it is no Base64. So that nothing that quotes it is chained to what is raised: it may hold a password."""
    try:
        data = base64.b64decode(text, validate=True)
    except ValueError:
        return None
    # Python takes some padding that stands for nothing, and bits that are left over.
    return data if base64.b64encode(data).decode() == text else None
