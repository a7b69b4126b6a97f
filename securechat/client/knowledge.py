"""What a client knows of its chat, for any thread that asks: nick, channels and members, features, whom one ignores.

It is the half of `connection.Client` that only looks.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from securechat.client.conversation import Conversation


class Knowledge:
    """The state of one connection, read under its lock."""

    def __init__(self) -> None:
        self._conversation: Conversation | None = None
        # Guards the conversation, and is told when it or something else of the connection changes.
        self._changed = threading.Condition()

    @property
    def nick(self) -> str:
        """One's own nick, as the server has it."""
        return self._chat.state.nick

    @property
    def server(self) -> str:
        """What the server calls itself."""
        return self._chat.state.server

    @property
    def network(self) -> str:
        """What the server calls the chat, or empty."""
        return self._chat.state.features["NETWORK"]

    def channels(self) -> dict[str, list[str]]:
        """The channels that one is in, each with its members' nicks, in alphabetical order."""
        with self._changed:
            return {name: sorted(members, key=str.lower) for name, members in self._members().items()}

    def members(self, channel: str) -> dict[str, str]:
        """Who is in a channel that one is in: nick to prefixes, like `@+`, the highest first; in no order."""
        with self._changed:
            known = self._chat.state.channels.get(self._chat.state.fold(channel))
            return self._members().get(known.name, {}) if known else {}

    def is_in(self, channel: str) -> bool:
        """Whether one is in that channel."""
        with self._changed:
            return self._chat.state.fold(channel) in self._chat.state.channels

    def supports(self, feature: str) -> bool:
        """Whether the server has said so in 005, of the features that this client uses (see `state`)."""
        with self._changed:
            return self._chat.state.features.get(feature, "") != ""

    def masks_of(self, whom: str) -> list[str]:
        """The masks that may stand for somebody in a list, the best first: `whom` is a nick, or a mask as it is."""
        if set(whom) & set("!@*?:."):
            return [whom]
        with self._changed:
            best = self._chat.state.mask_of(whom)
            account = self._chat.state.account_mask
        return list(dict.fromkeys([best, f"{whom}!*@*", *([account + whom] if account else [])]))

    def ignored(self) -> list[str]:
        """The masks of those whom one ignores."""
        with self._changed:
            return self._chat.state.ignored.masks()

    def ignores(self, mask: str) -> bool:
        """Whether one has this mask among them."""
        with self._changed:
            return mask in self._chat.state.ignored

    def unanswered(self) -> int:
        """How many requests the server has not answered yet."""
        with self._changed:
            return len(self._chat.outstanding)

    def features(self, name: str) -> str:
        """What the server has said of a feature in 005, or what holds where it does not say (see `state`)."""
        with self._changed:
            return self._chat.state.features.get(name, "")

    def has(self, capability: str) -> bool:
        """Whether a capability is in force."""
        with self._changed:
            return capability in self._chat.capabilities.enabled

    @property
    def has_history(self) -> bool:
        """Whether one may ask what was said."""
        with self._changed:
            return self._chat.capabilities.history

    def is_channel(self, target: str) -> bool:
        """Whether that can be the name of a channel here."""
        with self._changed:
            return self._chat.state.is_channel(target)

    def read_up_to(self, target: str) -> datetime | None:
        """Up to when one has read a conversation, as far as the server has told."""
        with self._changed:
            return self._chat.state.markers.get(self._chat.state.fold(target))

    @contextmanager
    def together(self) -> Iterator[None]:
        """What is asked meanwhile goes out without anything of another thread in between. Nothing may be waited for."""
        with self._changed:
            yield

    @property
    def _chat(self) -> Conversation:
        if self._conversation is None:
            raise RuntimeError("connect() comes first")
        return self._conversation

    def _members(self) -> dict[str, dict[str, str]]:
        """The members of all channels. The caller holds the lock."""
        state = self._chat.state
        return {
            channel.name: {state.people[folded].nick: prefixes for folded, prefixes in channel.members.items()}
            for channel in state.channels.values()
        }
