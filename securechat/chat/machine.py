"""The state machine: requests in, events or refusals out, and a way back.

Everything is decided by the state, the request and its stamp, so the same requests with the same stamps give the same
chat on any machine and in any test. Whoever applies requests (the journal) does so one at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from securechat.chat.channel import Channel
from securechat.chat.events import Event
from securechat.chat.model import Account, BanKind, Rules, ServerBan, User
from securechat.chat.refusals import Reason, Refusal, Refused
from securechat.chat.requests import Request
from securechat.irc.extban import BanMask
from securechat.irc.names import casefold

__all__ = ["MAX_EVENTS", "Applied", "Chat", "rule"]


MAX_EVENTS = 16
"""How many events one request can have; the stamps of two requests are at least so far apart."""


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
    ) -> None:
        """``silenced``: (account id, mask). ``metadata``: (account id, key, value)."""
        self.rules = Rules()
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

    def apply(self, stamp: int, request: Request) -> Applied | Refusal:
        """Apply one request. When it is refused, or its rule fails with an exception, nothing has changed."""
        applied = Applied()
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
