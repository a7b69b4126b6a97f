"""The conditions of LIST: which channels somebody wants to see (Modern IRC, "LIST message" and "ELIST").

Names, masks and conditions may stand in any order, with commas between them::

    #lobby        that channel                          C<60    made less than 60 minutes ago
    #lob*  *a?    channels that match       (M)         C>60    made more than 60 minutes ago     (C)
    !#lob*        channels that do not      (N)         T<60    topic set less than 60 minutes ago
    <5     >5     fewer, more than 5 users  (U)         T>60    topic set more than 60 minutes ago (T)
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from securechat.irc.names import Mask, casefold

ELIST = "CMNTU"
"""The value of the ISUPPORT token."""

MAX_NUMBER = 1_000_000_000
"""Larger numbers mean this one: more minutes than there has been IRC, more users than there are."""

MAX_MASKS = 20
"""How many masks, and how many masks with `!`, are looked at. Each costs something for each channel there is."""

_CONDITION = re.compile(r"([CT]?)([<>])([0-9]+)", re.IGNORECASE | re.ASCII)
_MINUTE = 60
_KINDS = {"": "users", "C": "created", "T": "topic"}


@dataclass(frozen=True, slots=True)
class ListFilter:
    """What a LIST asks for. Conditions that are None, and tuples that are empty, leave everything in.

    - `names`, `masks`: one of them has to be, or match, the channel's name; texts as they were sent.
    - `not_masks`: none of them may match it.
    - `users_below`, `users_above`: bounds for the number of users, themselves not included.
    - `created_below`, `created_above`, `topic_below`, `topic_above`: the same for ages in seconds.
    """

    names: tuple[str, ...] = ()
    masks: tuple[str, ...] = ()
    not_masks: tuple[str, ...] = ()
    users_below: int | None = None
    users_above: int | None = None
    created_below: int | None = None
    created_above: int | None = None
    topic_below: int | None = None
    topic_above: int | None = None
    _folded: frozenset[str] = field(init=False, repr=False, compare=False)
    _masks: tuple[Mask, ...] = field(init=False, repr=False, compare=False)
    _not_masks: tuple[Mask, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_folded", frozenset(map(casefold, self.names)))
        object.__setattr__(self, "_masks", tuple(map(Mask, self.masks)))
        object.__setattr__(self, "_not_masks", tuple(map(Mask, self.not_masks)))

    def matches(self, name: str, users: int, created: int, topic_at: int | None, now: int) -> bool:
        """Whether a channel is asked for.

        `created`, `topic_at` (when its topic was set, None if it has none) and `now` are times in seconds since one
        beginning or another. A channel without a topic meets no condition about topics.
        """
        if not _within(users, self.users_below, self.users_above):
            return False
        if not _within(now - created, self.created_below, self.created_above):
            return False
        topic_age = None if topic_at is None else now - topic_at
        if not _within(topic_age, self.topic_below, self.topic_above):
            return False
        if (self._folded or self._masks) and casefold(name) not in self._folded and not _any(self._masks, name):
            return False
        return not _any(self._not_masks, name)


def parse_list(params: Sequence[str]) -> ListFilter:
    """The filter in the parameters of a LIST. Never fails.

    Only the first two count; a third would be a server. Of several conditions of one kind the strictest counts.
    Conditions that are none of the above are left out, with their number if that is what is wrong.
    """
    names: dict[str, None] = {}  # dictionaries for their order
    masks: dict[str, None] = {}
    not_masks: dict[str, None] = {}
    bounds: dict[str, int] = {}
    for word in ",".join(params[:2]).split(","):
        if word.startswith("#"):
            (masks if _has_wildcard(word) else names)[word] = None
        elif word.startswith("!"):
            not_masks[word[1:]] = None
        elif condition := _CONDITION.fullmatch(word):
            what, sign, digits = condition.groups()
            kind = _KINDS[what.upper()] + ("_below" if sign == "<" else "_above")
            number = _number(digits) * (_MINUTE if what else 1)
            known = bounds.get(kind, number)
            bounds[kind] = min(known, number) if sign == "<" else max(known, number)
        elif word and "<" not in word and ">" not in word:
            (masks if _has_wildcard(word) else names)[word] = None
    not_masks.pop("", None)
    return ListFilter(tuple(names), tuple(masks)[:MAX_MASKS], tuple(not_masks)[:MAX_MASKS], **bounds)


def _has_wildcard(word: str) -> bool:
    return "*" in word or "?" in word


def _number(digits: str) -> int:
    """What the digits say, at most `MAX_NUMBER`, without reading more of them than that takes."""
    return min(int(digits.lstrip("0")[:11] or "0"), MAX_NUMBER)


def _within(value: int | None, below: int | None, above: int | None) -> bool:
    """Whether `value` is inside the bounds. What has no value is inside of none."""
    if value is None:
        return below is None and above is None
    return (below is None or value < below) and (above is None or value > above)


def _any(masks: tuple[Mask, ...], name: str) -> bool:
    return any(mask.match(name) for mask in masks)
