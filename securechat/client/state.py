"""What a client knows of its chat: who it is, what the server supports, and who is in the channels that it is in."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from securechat.client.arriving import Arriving
from securechat.client.ignoring import Ignored
from securechat.irc import isupport
from securechat.irc.modes import ModeChange, ModeKind, parse_modes
from securechat.irc.names import casefold, split_source

_DEFAULTS: Final = {
    "ACCOUNTEXTBAN": "",
    "CASEMAPPING": "rfc1459",
    "CHANMODES": "beI,k,l,imnpst",
    "CHANTYPES": "#&",
    "CHATHISTORY": "",
    "EXTBAN": "",
    "MSGREFTYPES": "msgid,timestamp",
    "NETWORK": "",
    "PREFIX": "(ov)@+",
    "SILENCE": "",
}
"""What is used of 005, and what holds where the server does not say (Modern IRC, "RPL_ISUPPORT Parameters").

What is empty is not there, so the server has no `SILENCE` and no extended bans unless it says so.
"""

MOST_MARKERS: Final = 10_000
"""Conversations of which one knows how far they are read; no person has so many."""

_KINDS: Final = (ModeKind.LIST, ModeKind.KEYED, ModeKind.LIMITED, ModeKind.FLAG)  # in the order of CHANMODES
_MOST_MODES: Final = 500  # in one line, which has no room for so many

_RFC1459: Final = str.maketrans("[]\\~", "{}|^")

UNKNOWN_USER_AND_HOST: Final = len("!") + 32 + len("@") + 64
"""Bytes to reckon with for `!user@host` as long as one's own is not known; few servers allow more."""


@dataclass(slots=True)
class Person:
    """Somebody with whom one shares a channel; what the server has not told is empty or None."""

    nick: str
    user: str = ""
    host: str = ""
    account: str | None = None


class Channel:
    """A channel that one is in. `members`: folded nick to prefixes, like `@+`, the highest first; in no order."""

    __slots__ = ("members", "name", "topic")

    def __init__(self, name: str) -> None:
        self.name = name
        self.topic = ""
        self.members: dict[str, str] = {}


class State:
    """One's own nick and source, the server's name and features, the channels and who is in them, whom one ignores.

    Not safe for two threads at once.
    """

    def __init__(self, nick: str, server: str) -> None:
        self.nick = nick
        self.server = server
        self.source: str | None = None
        """`nick!user@host` as others see it, once the server has shown it."""
        self.channels: dict[str, Channel] = {}
        self.people: dict[str, Person] = {}
        """By folded nick: those who are in one of the channels."""
        self.ignored = Ignored()
        self.markers: dict[str, datetime] = {}
        """By folded channel or nick: up to when one has read it."""
        self.arriving = Arriving()
        self.features = dict(_DEFAULTS)
        self.counts: dict[str, int] = {}
        """By what ends a list, mostly a numeric: how many entries of it have come."""
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
    def account_mask(self) -> str | None:
        """What stands before the name of an account in a mask of this server; None if it has nothing of the kind."""
        sign, comma, _ = self.features["EXTBAN"].partition(",")
        letters = [name for name in self.features["ACCOUNTEXTBAN"].split(",") if len(name) == 1]
        return f"{sign}{letters[0]}:" if comma and letters else None

    def mode_changes(self, target: str, params: Sequence[str]) -> tuple[ModeChange, ...]:
        """The changes that a MODE tells of; none if there is one among them that the server has not announced."""
        kinds: Mapping[str, ModeKind]
        if self.is_channel(target):
            letters, _ = self._member_modes
            kinds = dict(zip(letters, [ModeKind.MEMBER] * len(letters), strict=True))
            for kind, some in zip(_KINDS, self.features["CHANMODES"].split(","), strict=False):
                kinds |= dict.fromkeys(some, kind)
        else:
            kinds = dict.fromkeys("".join(params).translate({ord("+"): None, ord("-"): None}), ModeKind.FLAG)
        parsed = parse_modes(kinds, params, _MOST_MODES)
        whole = not (parsed.unknown or parsed.asked or parsed.incomplete or parsed.surplus)
        return parsed.changes if whole else ()

    @property
    def _member_modes(self) -> tuple[str, str]:
        """The letters of the modes that members can have, the highest first, and the prefix of each."""
        letters, found, prefixes = self.features["PREFIX"].removeprefix("(").partition(")")
        return (letters, prefixes) if found and len(letters) == len(prefixes) else ("", "")

    @property
    def _prefixes(self) -> str:
        return self._member_modes[1]

    # -- channels -----------------------------------------------------------------------------------------------------

    def joined(self, channel: str, source: str, account: str | None) -> None:
        """Somebody has come into a channel; if it is oneself, it is a new one."""
        nick = split_source(source)[0]
        if self.is_me(nick):
            before = self.channels.get(self.fold(channel))
            self.channels[self.fold(channel)] = Channel(channel)
            self._forget(before.members if before else ())
        if known := self.channels.get(self.fold(channel)):
            known.members[self.fold(nick)] = ""
            self._meet(source)
            self.people[self.fold(nick)].account = account

    def parted(self, channel: str, nick: str) -> None:
        """Somebody has left a channel, or was put out of it."""
        folded = self.fold(nick)
        known = self.channels.get(self.fold(channel))
        if known is None:
            return
        gone = [folded]
        if self.is_me(nick):
            del self.channels[self.fold(channel)]
            gone = list(known.members)
        known.members.pop(folded, None)
        self._forget(gone)

    def quit(self, nick: str) -> tuple[str, ...]:
        """Somebody has left the chat: the channels that they were in."""
        folded = self.fold(nick)
        left = [channel for channel in self.channels.values() if channel.members.pop(folded, None) is not None]
        self._forget([folded])
        return tuple(channel.name for channel in left)

    def nick_changed(self, old: str, new: str) -> None:
        """Somebody has another nick."""
        if self.is_me(old):
            self.nick = new
            if self.source is not None:
                self.source = new + self.source[self.source.index("!") :]
        if person := self.people.pop(self.fold(old), None):
            person.nick = new
            self.people[self.fold(new)] = person
        for channel in self.channels.values():
            prefixes = channel.members.pop(self.fold(old), None)
            if prefixes is not None:
                channel.members[self.fold(new)] = prefixes

    def channel_renamed(self, old: str, new: str) -> None:
        """A channel has another name (IRCv3 channel-rename)."""
        if channel := self.channels.pop(self.fold(old), None):
            before = self.channels.get(self.fold(new))
            channel.name = new
            self.channels[self.fold(new)] = channel
            self._forget(before.members if before else ())

    def modes_changed(self, channel: str, changes: Iterable[ModeChange]) -> None:
        """The modes of a channel were changed: those of members show in their prefixes."""
        known = self.channels.get(self.fold(channel))
        letters, prefixes = self._member_modes
        for change in changes:
            folded = self.fold(change.parameter or "")
            if known is None or change.letter not in letters or folded not in known.members:
                continue
            prefix = prefixes[letters.index(change.letter)]
            has = set(known.members[folded]) - {prefix} | ({prefix} if change.adding else set())
            known.members[folded] = "".join(one for one in prefixes if one in has)

    def listed(self, channel: str, names: Iterable[str]) -> None:
        """A part of the answer to NAMES has come: names with prefixes, and `!user@host` where one has asked for it."""
        shown = self._listed.setdefault(self.fold(channel), [])
        known = self.channels.get(self.fold(channel))
        for name in names:
            source = name.lstrip(self._prefixes)
            nick = split_source(source)[0]
            prefixes = name[: len(name) - len(source)]
            shown.append(prefixes + nick)
            self.learn_source(source)
            if known is not None:
                known.members[self.fold(nick)] = prefixes
                self._meet(source)

    def list_ended(self, channel: str) -> tuple[str, ...]:
        """The answer to NAMES is whole: the names with their prefixes."""
        return tuple(self._listed.pop(self.fold(channel), ()))

    # -- people -------------------------------------------------------------------------------------------------------

    def logged_in(self, nick: str, account: str | None) -> None:
        """Somebody has logged in to an account, or out."""
        if person := self.people.get(self.fold(nick)):
            person.account = account

    def read_up_to(self, target: str, at: datetime | None) -> None:
        """One has read what was said there up to this time; with None it is not known."""
        self.markers.pop(self.fold(target), None)
        if at is not None and len(self.markers) < MOST_MARKERS:
            self.markers[self.fold(target)] = at

    def host_changed(self, nick: str, user: str, host: str) -> None:
        """Somebody has another user name or host (IRCv3 chghost)."""
        if person := self.people.get(self.fold(nick)):
            person.user, person.host = user, host
        if self.is_me(nick):
            self.source = f"{self.nick}!{user}@{host}"

    def mask_of(self, nick: str) -> str:
        """The mask that fits somebody best: their account, which they can't change, else their host, else the nick.

        The host says nothing where it is the server's name, as our server has it for all who have an account.
        """
        person = self.people.get(self.fold(nick))
        if person is not None and person.account and self.account_mask:
            return self.account_mask + person.account
        if person is not None and person.host and person.account is None and person.host != self.server:
            return f"*!*@{person.host}"
        return f"{nick}!*@*"

    def _meet(self, source: str) -> None:
        nick, user, host = split_source(source)
        person = self.people.setdefault(self.fold(nick), Person(nick))
        person.nick = nick
        person.user, person.host = user or person.user, host or person.host

    def _forget(self, gone: Iterable[str]) -> None:
        """Of these, forget those who are in none of the channels any more."""
        for folded in gone:
            if not any(folded in channel.members for channel in self.channels.values()):
                self.people.pop(folded, None)
