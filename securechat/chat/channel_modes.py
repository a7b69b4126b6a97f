"""The rule for the modes and lists of channels. Which modes there are stands in :mod:`securechat.chat.modes`."""

from __future__ import annotations

from dataclasses import replace

from securechat.chat.channel import Channel, ListEntry, Membership
from securechat.chat.channels import existing
from securechat.chat.events import ModesChanged
from securechat.chat.machine import Applied, Chat, rule
from securechat.chat.model import User
from securechat.chat.modes import ALL_KINDS, CHANGES_MODES, MEMBER_MODES, Rank
from securechat.chat.refusals import Reason, Refusal, Refused
from securechat.chat.requests import SetModes
from securechat.irc.extban import BanMask, complete_mask
from securechat.irc.modes import ModeChange, ModeKind
from securechat.irc.names import casefold

MAX_LIMIT = 999_999
"""Of the mode ``l``."""

MAX_ACCESS = 1000
"""How many accounts can be something in one channel whenever they come."""

_Lists = dict[str, dict[str, ListEntry]]


@rule(SetModes)
def set_modes(chat: Chat, stamp: int, request: SetModes, applied: Applied) -> None:
    user = chat.user_of(request.session)
    channel = existing(chat, user, request.channel)
    lists = _keep(channel, applied)
    open_since = channel.open_since
    changes = _Changes(chat, stamp, channel, user, applied)
    problems: dict[Refusal, None] = {}
    for change in request.changes:
        try:
            changes.make(change)
        except Refused as refused:
            problems[refused.refusal] = None
    if channel.closed is (open_since is not None):
        channel.open_since = None if channel.closed else stamp
    applied.events.append(
        ModesChanged(
            stamp,
            channel.id,
            channel.name,
            user.source,
            user.account,
            user.account_id,
            tuple(changes.made),
            tuple(problems),
            channel.audience,
            channel.lasting,
            channel.flags,
            channel.join_key,
            channel.limit,
            _missing(channel.lists, lists),
            tuple((letter, entry.text) for letter, entry in _missing(lists, channel.lists)),
            tuple((id, channel.access.get(id, "")) for id in changes.access),
            user.bot,
            channel.open_since,
        )
    )


def _keep(channel: Channel, applied: Applied) -> _Lists:
    """The channel's own modes and its lists come back when a change is undone. Its members are too many to copy.

    Returns the lists.
    """
    flags, join_key, limit, open_since = channel.flags, channel.join_key, channel.limit, channel.open_since
    lists = {letter: dict(entries) for letter, entries in channel.lists.items()}

    def restore() -> None:
        channel.lists = lists
        channel.open_since = open_since
        channel.set_modes(flags, join_key, limit)

    applied.on_undo(restore)
    return lists


def _missing(here: _Lists, there: _Lists) -> tuple[tuple[str, ListEntry], ...]:
    """What stands in the lists ``here``, and not, or not as it is here, in those ``there``."""
    return tuple(
        (letter, entry)
        for letter, entries in here.items()
        for key, entry in entries.items()
        if there[letter].get(key) is not entry
    )


class _Changes:
    """What is made of the changes that somebody asked for, one after the other."""

    def __init__(self, chat: Chat, stamp: int, channel: Channel, user: User, applied: Applied) -> None:
        self._chat = chat
        self._applied = applied
        self._stamp = stamp
        self._channel = channel
        self._user = user
        self.made: list[ModeChange] = []
        self.access: dict[int, None] = {}
        """The accounts whose lasting modes are others now."""

    def make(self, change: ModeChange) -> None:
        """Raises :class:`Refused`. What is already as it is wanted is no change."""
        kind = ALL_KINDS.get(change.letter)
        if kind is None:
            raise Refused(Reason.UNKNOWN_MODE, change.letter)
        if kind is ModeKind.MEMBER:
            self._member(change)
            return
        self._require(CHANGES_MODES)
        match kind:
            case ModeKind.LIST:
                self._list(change)
            case ModeKind.KEYED:
                self._key(change)
            case ModeKind.LIMITED:
                self._limit(change)
            case ModeKind.FLAG:
                self._flag(change)

    def _require(self, needed: Rank) -> None:
        rank = self._channel.rank_of(self._user)
        if rank is None or rank < needed:
            raise Refused(Reason.NOT_OPERATOR, self._channel.name)

    def _bad(self, change: ModeChange, why: str) -> Refused:
        return Refused(Reason.BAD_MODE_PARAMETER, self._channel.name, change.letter, change.parameter or "*", why)

    def _flag(self, change: ModeChange) -> None:
        channel = self._channel
        if (change.letter in channel.flags) is change.adding:
            return
        letters = set(channel.flags) ^ {change.letter}
        channel.set_modes("".join(sorted(letters)), channel.join_key, channel.limit)
        self.made.append(ModeChange(change.adding, change.letter))

    def _key(self, change: ModeChange) -> None:
        channel = self._channel
        key = change.parameter or ""
        if not change.adding:
            if channel.join_key is not None:
                self.made.append(ModeChange(False, change.letter, channel.join_key))
                channel.set_modes(channel.flags, None, channel.limit)
                self._begin_expecting()
            return
        if not _valid_key(key, self._chat.rules.key_length):
            raise self._bad(change, "A key is a word without a comma, and not too long")
        if key != channel.join_key:
            channel.set_modes(channel.flags, key, channel.limit)
            self.made.append(ModeChange(True, change.letter, key))

    def _limit(self, change: ModeChange) -> None:
        channel = self._channel
        if not change.adding:
            if channel.limit is not None:
                channel.set_modes(channel.flags, channel.join_key, None)
                self.made.append(ModeChange(False, change.letter))
            return
        text = change.parameter or ""
        number = int(text) if text.isascii() and text.isdigit() and len(text) <= 6 else 0
        if not 0 < number <= MAX_LIMIT:
            raise self._bad(change, f"A limit is a number from 1 to {MAX_LIMIT}")
        if number != channel.limit:
            channel.set_modes(channel.flags, channel.join_key, number)
            self.made.append(ModeChange(True, change.letter, str(number)))

    def _list(self, change: ModeChange) -> None:
        channel = self._channel
        mask = complete_mask(change.parameter or "")
        if mask is None:
            raise self._bad(change, "This is no mask")
        entries = channel.lists[change.letter]
        key = casefold(mask)
        if not change.adding:
            entry = entries.pop(key, None)
            if entry is not None:
                channel.changed()
                self.made.append(ModeChange(False, change.letter, entry.text))
                if change.letter == "b":
                    self._begin_expecting()
            return
        if key in entries:
            return
        if sum(map(len, channel.lists.values())) >= self._chat.rules.list_entries:
            raise Refused(Reason.LIST_FULL, channel.name, mask)
        entries[key] = ListEntry(BanMask.parse(mask), mask, self._user.source, self._stamp)
        channel.changed()
        self.made.append(ModeChange(True, change.letter, mask))
        if change.letter == "e":
            self._begin_expecting()

    def _begin_expecting(self) -> None:
        """A key or a ban keeps people out no more, maybe some that are in the list ``I``. From now on they might come
        in, and not before: so what was said until now is not for them (`securechat.chat.channels.join`)."""
        entries = self._channel.lists["I"]
        for key, entry in entries.items():
            entries[key] = replace(entry, at=self._stamp)

    def _member(self, change: ModeChange) -> None:
        channel, mode = self._channel, MEMBER_MODES[change.letter]
        target = self._chat.users.get(casefold(change.parameter or ""))
        own = target is self._user and (channel.owned_by(target) or not change.adding)
        if not own:  # what one has one can always give back, and an owner take again
            self._require(mode.needs)
        if (target is None or target not in channel.members) and not change.adding and self._take_from_absent(change):
            return
        if target is None:
            raise Refused(Reason.NO_SUCH_NICK, change.parameter or "")
        membership = channel.members.get(target)
        if membership is None:
            raise Refused(Reason.NOT_IN_CHANNEL, target.nick, channel.name)
        if (change.letter in membership.modes) is not change.adding:
            self._applied.on_undo(lambda: channel.promote(target, membership))
            channel.promote(target, Membership.of(set(membership.modes) ^ {change.letter}))
            self.made.append(ModeChange(change.adding, change.letter, target.nick))
        self._make_last(change, target.account_id)

    def _take_from_absent(self, change: ModeChange) -> bool:
        """Take from an account that is not here what it would be when it comes. Whether it would be that."""
        account = self._chat.account_named(change.parameter or "")
        if account is None or change.letter not in self._channel.access.get(account.id, ""):
            return False
        self._make_last(change, account.id)
        self.made.append(ModeChange(False, change.letter, account.name))
        return True

    def _make_last(self, change: ModeChange, id: int | None) -> None:
        """Where an account is made something, it is that again whenever it comes.

        Of more than there is room for it is true only until they go, as of guests.
        """
        channel = self._channel
        if id is None or not channel.lasting:
            return
        before = channel.access.get(id, "")
        if (change.letter in before) is change.adding or (not before and len(channel.access) >= MAX_ACCESS):
            return

        def put(modes: str) -> None:
            if modes:
                channel.access[id] = modes
            else:
                channel.access.pop(id, None)

        self._applied.on_undo(lambda: put(before))
        put(Membership.of(set(before) ^ {change.letter}).modes)
        self.access[id] = None


def _valid_key(key: str, length: int) -> bool:
    """A key is one of several in a list, and a word of a line: so it has no comma and no space."""
    fit = 0 < len(key.encode()) <= length and not key.startswith(":")
    return fit and "," not in key and key.isprintable() and " " not in key
