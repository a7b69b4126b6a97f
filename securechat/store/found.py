"""What a look at a part of the store has found."""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["Found", "counted"]


@dataclass(slots=True)
class Found:
    """What was looked at, what is there in words, and what is wrong: sentences without the full stop."""

    what: str
    there: str = ""
    wrong: list[str] = field(default_factory=list)


def counted(number: int, what: str) -> str:
    """``1 account``, ``2 accounts``."""
    return f"{number} {what}{'' if number == 1 else 's'}"
