"""What is no text and comes all the same: certificates and lists, in pieces, as the answers to CERT (ours).

Each of them is Base64 in pieces, as AUTHENTICATE has them (`irc.pieces`), and behind the last one stands a line that
ends the answer::

    << CERT AUTHORITY MIIB...        400 characters, so there is more
    << CERT AUTHORITY KoZI...        the last piece of the first certificate
    << CERT END AUTHORITY
"""

from typing import Final

from securechat.irc.errors import ProtocolError
from securechat.irc.pieces import PieceInbox

LARGEST: Final = 16_384
"""Bytes that one of them may have."""
MOST: Final = 32
"""How many there may be in one answer."""


class Arriving:
    """The things of one answer, until it has ended. A server that sends something else has sent nothing."""

    def __init__(self) -> None:
        self._kind = ""
        self._begin("")

    def add(self, kind: str, piece: str) -> None:
        """A piece of a thing of this kind (`AUTHORITY`, `ENROLLED`)."""
        if kind != self._kind:
            self._begin(kind)
        try:
            thing = self._inbox.add(piece)
        except ProtocolError:
            self._broken = True
            return
        if thing is not None:
            self._things.append(thing)
            self._broken = self._broken or len(self._things) > MOST
        if self._broken:
            self._things.clear()

    def end(self, kind: str) -> tuple[bytes, ...]:
        """All things of this kind, for they have come; none if something was wrong with one of them."""
        things = () if self._broken or kind != self._kind else tuple(self._things)
        self._begin("")
        return things

    def _begin(self, kind: str) -> None:
        self._kind = kind
        self._inbox = PieceInbox(LARGEST)
        self._things: list[bytes] = []
        self._broken = False
