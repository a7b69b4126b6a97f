"""What a client knows of its chat: who it is, what the server supports, and who is in the channels that it is in."""

from collections.abc import Iterable
from typing import Final

from securechat.irc import isupport
from securechat.irc.names import casefold, split_source

_DEFAULTS: Final = {"CASEMAPPING": "rfc1459", "CHANTYPES": "#&", "NETWORK": "", "PREFIX": "(ov)@+"}
"""What is used of 005, and what holds where the server does not say (Modern IRC, "RPL_ISUPPORT Parameters")."""

_RFC1459: Final = str.maketrans("[]\\~", "{}|^")

UNKNOWN_USER_AND_HOST: Final = len("!") + 32 + len("@") + 64
"""Bytes to reckon with for `!user@host` as long as one's own is not known; few servers allow more."""


class Channel:
    """A channel that one is in. `members`: their nicks, in no order; the keys are the folded ones."""

    __slots__ = ("members", "name", "topic")

    def __init__(self, name: str) -> None:
        self.name = name
        self.topic = ""
        self.members: dict[str, str] = {}


class State:
    """One's own nick and source, the server's name and features, the channels. Not safe for two threads at once."""

    def __init__(self, nick: str, server: str) -> None:
        self.nick = nick
        self.server = server
        self.source: str | None = None
        """`nick!user@host` as others see it, once the server has shown it."""
        self.channels: dict[str, Channel] = {}
        self.features = dict(_DEFAULTS)
        self._listed: dict[str, list[str]] = {}  # the names of an answer to NAMES that has not ended

    # -- names --------------------------------------------------------------------------------------------------------

    def fold(self, name: str) -> str:
        """The form in which two names are equal if this server takes them for one."""
        folded = casefold(name)
        return folded.translate(_RFC1459) if self.features["CASEMAPPING"] == "rfc1459" else folded

    def is_me(self, nick: str) -> bool:
        """Whether that is one's own nick."""
        return self.fold(nick) == self.fold(self.nick)

    def is_channel(self, target: str) -> bool:
        """Whether a message to `target` goes to a channel, or to those in it with a prefix (like `@#lobby`)."""
        name = target if target[:1] in self.features["CHANTYPES"] else target.lstrip(self._prefixes)
        return name != "" and name[0] in self.features["CHANTYPES"]

    def learn_source(self, source: str) -> None:
        """Take over what the server puts in front of one's own messages, if it is that."""
        nick, user, host = split_source(source)
        if user and host and self.is_me(nick):
            self.source = source

    def source_length(self) -> int:
        """Bytes of one's own source in messages to others, rather too many than too few."""
        if self.source is not None:
            return len(self.source.encode())
        return len(self.nick.encode()) + UNKNOWN_USER_AND_HOST

    def support(self, tokens: Iterable[str]) -> None:
        """Take over one line of RPL_ISUPPORT; only what is used of it, so that it can't grow."""
        told = dict(self.features)
        isupport.update(told, tokens)
        self.features = {name: told.get(name, default) for name, default in _DEFAULTS.items()}

    @property
    def _prefixes(self) -> str:
        return self.features["PREFIX"].partition(")")[2]

    # -- channels -----------------------------------------------------------------------------------------------------

    def joined(self, channel: str, nick: str) -> None:
        """Somebody has come into a channel; if it is oneself, it is a new one."""
        if self.is_me(nick):
            self.channels[self.fold(channel)] = Channel(channel)
        if known := self.channels.get(self.fold(channel)):
            known.members[self.fold(nick)] = nick

    def parted(self, channel: str, nick: str) -> None:
        """Somebody has left a channel, or was put out of it."""
        if self.is_me(nick):
            self.channels.pop(self.fold(channel), None)
        elif known := self.channels.get(self.fold(channel)):
            known.members.pop(self.fold(nick), None)

    def quit(self, nick: str) -> tuple[str, ...]:
        """Somebody has left the chat: the channels that they were in."""
        folded = self.fold(nick)
        left = [channel for channel in self.channels.values() if channel.members.pop(folded, None) is not None]
        return tuple(channel.name for channel in left)

    def renamed(self, old: str, new: str) -> None:
        """Somebody has another nick."""
        if self.is_me(old):
            self.nick = new
            if self.source is not None:
                self.source = new + self.source[self.source.index("!") :]
        for channel in self.channels.values():
            if channel.members.pop(self.fold(old), None) is not None:
                channel.members[self.fold(new)] = new

    def listed(self, channel: str, names: Iterable[str]) -> None:
        """A part of the answer to NAMES has come: names with prefixes, and `!user@host` where one has asked for it."""
        shown = self._listed.setdefault(self.fold(channel), [])
        known = self.channels.get(self.fold(channel))
        for name in names:
            source = name.lstrip(self._prefixes)
            nick = split_source(source)[0]
            shown.append(name[: len(name) - len(source)] + nick)
            self.learn_source(source)
            if known is not None:
                known.members[self.fold(nick)] = nick

    def list_ended(self, channel: str) -> tuple[str, ...]:
        """The answer to NAMES is whole: the names with their prefixes."""
        return tuple(self._listed.pop(self.fold(channel), ()))
