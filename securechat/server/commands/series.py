"""What a client sends in pieces over several lines (`securechat.irc.pieces`): CERT and PASSWD have such parameters.

One thing at a time, which belongs to the session: what begins another ends the one that was not whole.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from securechat.irc.pieces import PieceInbox

if TYPE_CHECKING:
    from securechat.server.session import Session

__all__ = ["Series", "gather"]


@dataclass(slots=True)
class Series:
    """Half of a thing. ``what``: it is for, as `gather` was told."""

    what: str
    inbox: PieceInbox


def gather(session: Session, what: str, piece: str, limit: int) -> bytes | None:
    """Put a piece to those before it; the whole, if that was the last one.

    ``limit``: bytes of all pieces together. Raises `securechat.irc.errors.PieceError`, and what there was is forgotten.
    """
    series, session.series = session.series, None
    if series is None or series.what != what:
        series = Series(what, PieceInbox(limit))
    whole = series.inbox.add(piece)
    if whole is None:
        session.series = series
    return whole
