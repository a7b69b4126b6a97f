"""How long what was said is kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from securechat.irc.names import casefold

__all__ = ["DAY_MS", "Keep", "Policy"]

DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class Keep:
    """How long a channel is kept, and how much of it: whatever is reached first. 0 of either: without an end."""

    days: int = 0
    megabytes: int = 0
    """Of 1,000,000 bytes."""


@dataclass(frozen=True, slots=True)
class Policy:
    """By default nothing is ever taken out.

    ``private_days``: of private messages. ``channels``: by their casefolded names, where the default is not meant.
    """

    default: Keep = Keep()
    private_days: int = 0
    channels: Mapping[str, Keep] = field(default_factory=dict)

    def of(self, channel: str) -> Keep:
        """What applies to the channel of this name."""
        return self.channels.get(casefold(channel), self.default)

    @property
    def all_(self) -> tuple[Keep, ...]:
        return (self.default, *self.channels.values())

    @property
    def endless(self) -> bool:
        """Whether it never takes anything out."""
        return not self.private_days and not any(keep.days or keep.megabytes for keep in self.all_)
