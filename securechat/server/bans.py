"""What operators type about a ban of the server, with `UBAN` as with `securechat ban`: whom, for how long, and why."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable
from typing import Final

from securechat.chat.model import BanKind, ServerBan
from securechat.chat.stamps import stamp_at

__all__ = ["NO_REASON", "duration", "end_after", "in_force", "kind_of"]

NO_REASON: Final = "No reason was given"
"""What those who are kept off are told then."""

_DURATION: Final = re.compile(r"(?:(\d{1,4})w)?(?:(\d{1,4})d)?(?:(\d{1,5})h)?(?:(\d{1,6})m)?(?:(\d{1,7})s)?", re.ASCII)
_SECONDS: Final = (604_800, 86_400, 3_600, 60, 1)
_MOST: Final = 100 * 365 * 86_400


def duration(text: str) -> int | None:
    """The seconds that ``1w2d3h4m5s``, or some of it, stands for; ``None``: it is nothing of the kind.

    At most a hundred years: not much later the stamps end, in which the ends of bans are kept.
    """
    found = _DURATION.fullmatch(text)
    if found is None or not text:
        return None
    return min(sum(int(number or 0) * seconds for number, seconds in zip(found.groups(), _SECONDS, strict=True)), _MOST)


def end_after(seconds: int | None) -> int | None:
    """The stamp of the end of a ban that begins now, after a hundred years at the latest; ``None``: it has no end."""
    return stamp_at(int((time.time() + min(seconds, _MOST)) * 1000)) if seconds is not None else None


def kind_of(whom: str) -> BanKind:
    """What is meant: an account has no dot, no colon and no slash in its name, an address or a network has."""
    return BanKind.NETWORK if "." in whom or ":" in whom or "/" in whom else BanKind.ACCOUNT


def in_force(bans: Iterable[ServerBan]) -> list[ServerBan]:
    """Those that keep somebody out now, and so are shown; some that are over may still be stored."""
    now = stamp_at(int(time.time() * 1000))
    return [ban for ban in bans if ban.until is None or now < ban.until]
