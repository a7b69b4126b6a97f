"""Of which metadata keys one session wants to hear (IRCv3 metadata, "Notifications")."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from securechat.chat.metadata import valid_key

__all__ = ["Subscribed", "Subscriptions"]


@dataclass(frozen=True, slots=True)
class Subscribed:
    """What became of a SUB or UNSUB. ``done``: the keys that are now (or are now not) subscribed to.

    ``new``: those among them that were not before. ``invalid``: what can't be a key. ``refused``: the first for which
    there was no room; it and what came behind it was not looked at.
    """

    done: tuple[str, ...]
    invalid: tuple[str, ...]
    new: tuple[str, ...] = ()
    refused: str | None = None


class Subscriptions:
    """The keys of one session, in the order in which it subscribed to them.

    Used inside the journal's turn alone, as `securechat.server.monitors` is, and before registration by the session's
    own thread.
    """

    __slots__ = ("_keys",)

    def __init__(self) -> None:
        self._keys: dict[str, None] = {}

    @property
    def keys(self) -> Collection[str]:
        """Of these it is to hear; not to be kept: see :meth:`now`."""
        return self._keys.keys()

    def now(self) -> tuple[str, ...]:
        """The keys as they are now."""
        return tuple(self._keys)

    def add(self, keys: Iterable[str], most: int) -> Subscribed:
        """Subscribe to these, from left to right, as long as there are not ``most`` already ("METADATA SUB")."""
        done: dict[str, None] = {}
        invalid: list[str] = []
        new: list[str] = []
        refused = None
        for key in keys:
            if not valid_key(key):
                invalid.append(key)
                continue
            # When it is this command that has come to the limit, all that is left of it was not done: the third
            # example of the specification wants it of a key, too, that needs no room.
            if len(self._keys) >= most and (new or key not in self._keys):
                refused = key
                break
            if key not in self._keys:
                self._keys[key] = None
                new.append(key)
            done[key] = None
        return Subscribed(tuple(done), tuple(invalid), tuple(new), refused)

    def remove(self, keys: Iterable[str]) -> Subscribed:
        """Hear of these no longer ("METADATA UNSUB")."""
        done: dict[str, None] = {}
        invalid: list[str] = []
        for key in keys:
            if valid_key(key):
                self._keys.pop(key, None)
                done[key] = None
            else:
                invalid.append(key)
        return Subscribed(tuple(done), tuple(invalid))

    def clear(self) -> None:
        self._keys.clear()
