"""Whom one does not want to hear: masks, as SILENCE keeps them and as messages are compared with them here.

A server that has SILENCE keeps the list with the account, and lets through no private messages of those on it. What
they say in channels it delivers all the same, so that is hidden at this end.
"""

from typing import Final

from securechat.irc.extban import BanMask, complete_mask
from securechat.irc.names import casefold

MOST: Final = 1000
"""Masks that are kept; a server that says it has more is not believed."""


class Ignored:
    """The masks, in the order in which they came. Not safe for two threads at once."""

    def __init__(self) -> None:
        self._masks: dict[str, BanMask] = {}

    def add(self, mask: str) -> None:
        """One more. What can be no mask is left out, as is what there is no room for."""
        whole = complete_mask(mask)
        if whole is not None and len(self._masks) < MOST:
            self._masks[casefold(whole)] = BanMask.parse(whole)

    def remove(self, mask: str) -> None:
        """One that is there no more, or never was."""
        self._masks.pop(casefold(complete_mask(mask) or mask), None)

    def __contains__(self, mask: str) -> bool:
        return casefold(complete_mask(mask) or mask) in self._masks

    def masks(self) -> list[str]:
        """All of them, as they are written."""
        return [mask.text for mask in self._masks.values()]

    def hides(self, source: str, account: str | None) -> bool:
        """Whether one of them is about somebody: `source` is `nick!user@host`, `account` None where it isn't known."""
        return any(mask.matches(source, account) for mask in self._masks.values())
