"""IRCv3 metadata."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["MetadataChanged"]


@dataclass(slots=True)
class MetadataChanged:
    """``changes``: (key, value) of each that is other now, ``None`` where it was removed."""

    stamp: int
    session: int
    target: str
    """The nick or the channel."""
    owner_id: int | None
    """The account's or the channel's id; ``None``: it goes with the user or the channel."""
    changes: tuple[tuple[str, str | None], ...]
    audience: tuple[int, ...]
    """Who may be told, if they have subscribed to the key; not the session that made the change."""
    source: str = ""
