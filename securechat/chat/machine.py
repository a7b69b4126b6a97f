"""The state machine: requests in, events or refusals out, and a way back.

Everything is decided by the state, the request and its stamp, so the same requests with the same stamps give the same
chat on any machine and in any test. Whoever applies requests (the journal) does so one at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from securechat.chat.channel import Channel
from securechat.chat.events import Event
from securechat.chat.model import Account, BanKind, Certificate, InviteCode, Rules, ServerBan, Settings, User
from securechat.chat.refusals import Reason, Refusal, Refused
from securechat.chat.requests import Request
from securechat.irc.extban import BanMask
from securechat.irc.names import casefold

__all__ = ["MAX_EVENTS", "MAX_IDS", "Applied", "Chat", "put", "rule"]

K = TypeVar("K")
V = TypeVar("V")

MAX_EVENTS = 16
"""How many events one request can have; the stamps of two requests are at least so far apart."""


MAX_IDS = 4096
"""Ids that clients gave to messages, of one user, that are remembered; more take the places of the oldest."""


class Applied:
    """What an accepted request did: its events, in order, and the way back."""

    __slots__ = ("_undo", "events")

    def __init__(self) -> None:
        self.events: list[Event] = []
        self._undo: list[Callable[[], object]] | None = None

    def on_undo(self, step: Callable[[], object]) -> None:
        """Say how to take back the change that is about to be made. Steps are run in reverse.

        A rule may fail on any line (memory may be short), so a step is right whether its change was made, made by
        half, or not made at all.
        """
        if self._undo is None:
            self._undo = []
        self._undo.append(step)

    def undo(self) -> None:
        """Take back what the request did. Only in reverse order of the requests, and once."""
        if self._undo is not None:
            while self._undo:
                self._undo.pop()()
        self.events.clear()


def put(kept: dict[K, V], key: K, value: V | None, applied: Applied) -> None:
    """Have ``kept`` hold ``value`` under ``key``; ``None``: nothing."""
    was = kept.get(key)

    def hold(value: V | None) -> None:
        if value is None:
            kept.pop(key, None)
        else:
            kept[key] = value

    applied.on_undo(lambda: hold(was))
    hold(value)


_Rule = Callable[["Chat", int, Any, Applied], None]
_rules: dict[type, _Rule] = {}


def rule(kind: type) -> Callable[[_Rule], _Rule]:
    """Register the rule for one kind of request: ``(chat, stamp, request, applied)``; it may raise :class:`Refused`."""

    def register(function: _Rule) -> _Rule:
        _rules[kind] = function
        return function

    return register


class Chat:
    """Everybody and everything on the chat.

    ``accounts`` may be read by other threads: one look-up, of a record that never changes.
    """

    def __init__(
        self,
        *,
        accounts: Iterable[Account] = (),
        channels: Iterable[Channel] = (),
        held: Iterable[tuple[int, int, int]] = (),
        silenced: Iterable[tuple[int, str]] = (),
        metadata: Iterable[tuple[int, str, str]] = (),
        bans: Iterable[ServerBan] = (),
        settings: Iterable[tuple[int, Settings]] = (),
        devices: Iterable[tuple[int, str, int, bool]] = (),
        markers: Iterable[tuple[int, str, int]] = (),
        remembered: Iterable[tuple[int, int]] = (),
        client_ids: Iterable[tuple[int, int, str]] = (),
        certificates: Iterable[Certificate] = (),
        invite_codes: Iterable[InviteCode] = (),
        retired: Iterable[tuple[str, int]] = (),
    ) -> None:
        """``silenced``: (account id, mask). ``metadata``: (account id, key, value). ``devices``: (account id, name,
        stamp, whether it was there). ``markers``: (account id, target, ms). ``remembered``: (account id, channel id).
        ``client_ids``: (stamp, account id, id), in order. ``retired``: (casefolded name, stamp)."""
        self.rules = Rules()
        self.stamp = 0
        """Of the last event: all that has been said so far has a smaller one, or this."""
        self.accounts: dict[str, Account] = {casefold(account.name): account for account in accounts}
        self.accounts_by_id: dict[int, Account] = {account.id: account for account in self.accounts.values()}
        self.channels: dict[str, Channel] = {channel.key: channel for channel in channels}
        self.founded: dict[int, int] = {}
        """By account id: how many channels belong to it. They last, so their number has to have an end."""
        for channel in self.channels.values():
            if channel.founder:
                self.founded[channel.founder] = self.founded.get(channel.founder, 0) + 1
        self.users: dict[str, User] = {}
        """By casefolded nick."""
        self.users_by_account: dict[int, User] = {}
        self.sessions: dict[int, User] = {}
        self.held: dict[int, int] = {}
        """By account id: the stamp of the last message that waits for it."""
        self.held_numbers: dict[int, int] = {}
        """By account id: how many wait for it; not less, until all have been collected."""
        self.silenced: dict[int, dict[str, BanMask]] = {}
        """By account id: the masks of whose private messages it takes none."""
        for account_id, mask in silenced:
            self.silenced.setdefault(account_id, {})[mask] = BanMask.parse(mask)
        self.metadata: dict[int, dict[str, str]] = {}
        """By account id: what it says of itself, whether its user is there or not."""
        for account_id, key, value in metadata:
            self.metadata.setdefault(account_id, {})[key] = value
        self.bans: dict[tuple[BanKind, str], ServerBan] = {(ban.kind, casefold(ban.mask)): ban for ban in bans}
        """By kind and casefolded mask."""
        for account_id, last, number in held:
            self.held[account_id] = last
            self.held_numbers[account_id] = number
        self.settings: dict[int, Settings] = dict(settings)
        """By account id: what its owner has chosen, where that is anything."""
        self.devices: dict[int, dict[str, int]] = {}
        """By account id: up to which stamp each of its devices has seen what there was; the one without a name is the
        last session of the account, on whatever device."""
        self.left_behind: dict[int, dict[str, None]] = {}
        """By account id: devices that were there when the last server ended without a word."""
        for account_id, name, seen, here in devices:
            self.devices.setdefault(account_id, {})[name] = seen
            if here:
                self.left_behind.setdefault(account_id, {})[name] = None
        self.markers: dict[int, dict[str, int]] = {}
        """By account id: see `User.markers`."""
        for account_id, target, ms in markers:
            self.markers.setdefault(account_id, {})[target] = ms
        self.remembered: dict[int, dict[int, Channel]] = {}
        """By account id: the channels, by their ids, in which it is, or was when its last session ended."""
        by_id = {channel.id: channel for channel in self.channels.values()}
        for account_id, channel_id in remembered:
            self.remembered.setdefault(account_id, {})[channel_id] = by_id[channel_id]
            by_id[channel_id].residents[account_id] = None
        self.client_ids: dict[int, dict[str, int]] = {}
        """By `User.id`: the ids that clients gave to messages of the last day, with their stamps, in order."""
        for at, party, client_id in client_ids:
            ids = self.client_ids.setdefault(party, {})
            ids.pop(client_id, None)  # said anew a day later, it is the youngest
            ids[client_id] = at
            if len(ids) > MAX_IDS:
                del ids[next(iter(ids))]
        self.certificates: dict[str, Certificate] = {entry.fingerprint: entry for entry in certificates}
        """By fingerprint: with what people log in besides their passwords. Other threads may look one up."""
        self.invite_codes: dict[str, InviteCode] = {code.digest: code for code in invite_codes}
        """By digest. Other threads may look one up."""
        self.retired: dict[str, int] = dict(retired)
        """By casefolded name: when an account of that name was removed last. A certificate of before is not of whoever
        has the name now. Other threads may look one up."""
        self.taken_back: tuple[int, ...] = ()
        """The stamps of the messages that were taken back last (`securechat.chat.redaction`)."""

    def apply(self, stamp: int, request: Request) -> Applied | Refusal:
        """Apply one request. When it is refused, or its rule fails with an exception, nothing has changed."""
        applied = Applied()
        self.stamp = stamp
        try:
            _rules[type(request)](self, stamp, request, applied)
        except Refused as refused:
            applied.undo()
            return refused.refusal
        except BaseException:
            applied.undo()
            raise
        events = applied.events
        if len(events) > 1:  # each has a place of its own in the log
            for place, event in enumerate(events):
                event.stamp = stamp + place
            self.stamp = events[-1].stamp
        return applied

    def user_of(self, session: int) -> User:
        """Who a session belongs to. Raises :class:`Refused` when it is not on the chat (any more)."""
        user = self.sessions.get(session)
        if user is None:
            raise Refused(Reason.NO_SUCH_SESSION)
        return user

    def peers(self, user: User, *, own: bool) -> tuple[int, ...]:
        """The sessions of all who share a channel with a user, with or without their own."""
        channels = user.channels.values()
        found = dict.fromkeys(session for channel in channels for session in channel.audience)
        for session in user.sessions:
            if own:
                found[session] = None
            else:
                found.pop(session, None)
        return tuple(found)

    def account_named(self, name: str) -> Account | None:
        return self.accounts.get(casefold(name))

    def replace_account(self, new: Account | None, old: Account | None, applied: Applied) -> None:
        """Put ``new`` in the place of ``old``; either may be missing."""

        def put(new: Account | None, old: Account | None) -> None:
            if old is not None and new is None:
                self.accounts.pop(casefold(old.name), None)
                self.accounts_by_id.pop(old.id, None)
            if new is not None:
                self.accounts[casefold(new.name)] = new
                self.accounts_by_id[new.id] = new

        applied.on_undo(lambda: put(old, new))
        put(new, old)
