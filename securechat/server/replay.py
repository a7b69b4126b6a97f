"""What a device has missed, for clients that can't ask: shown behind the welcome, before anything new.

It is what was said from the stamp on up to which the device has seen everything, up to the stamp of the arrival; what
comes behind that is shown live, so nothing is missing in between, and nothing is there twice. Clients with
``draft/chathistory`` ask for what they want, and are shown nothing.

Nor is CTCP shown, other than ACTION: the programs of those who come would answer today what was asked yesterday.

The end of it is a PING. Its PONG says that all of it has arrived: only then the messages that were kept for the account
are kept no more, and only then the device counts as having seen what was said before it came.

All of it is read from the store in pages, while it is sent, in the session's own thread. Where the store can't be read
the rest is not shown, and what was kept is kept.
"""

from __future__ import annotations

import sqlite3
from array import array
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Final, TypeVar

from securechat.chat.events import Arrived, Said
from securechat.chat.stamps import iso_time
from securechat.chat.talk import for_programs
from securechat.chat.views_history import ChannelPast, Past, Pasts, PrivatePast
from securechat.irc.names import split_source
from securechat.server.history_lines import render_row
from securechat.server.lines import TIME, said, said_in_lines
from securechat.server.replies import Batch

if TYPE_CHECKING:
    from securechat.server.session import Session
    from securechat.store.history import Partner

__all__ = ["Missed", "kept_messages", "missed"]

PAGE: Final = 100
"""Messages read from the store at a time."""

COUNTED: Final = 10_000
"""Messages that are left out are counted as far as this."""

Read = TypeVar("Read")


@dataclass(slots=True)
class _Kept:
    """Messages of somebody that are kept for the account, by their stamps."""

    nick: str
    stamps: array[int] = field(default_factory=lambda: array("q"))


def missed(session: Session, event: Arrived, pasts: Pasts | None) -> Missed | None:
    """What a session that has arrived is to be shown; ``None``: nothing, for it asks, or has no account.

    ``pasts``: what it may read, of the turn in which it arrived.
    """
    if pasts is None or event.account_id is None or session.asks_for_history:
        return None
    return Missed(session, pasts, event.missed_since, event.replay, event.held_up_to)


def kept_messages(session: Session, account_id: int, up_to: int) -> Iterator[bytes]:
    """What was kept for an account to which a session on the chat has logged in, and nothing else."""
    return Missed(session, Pasts(account_id, up_to, ()), None, 0, up_to).conversations()


class Missed:
    """``since``: the stamp up to which its device has seen all; ``None``: it has missed nothing. ``most``: so many
    messages of a conversation are shown, the newest. ``kept_up_to``: the stamp of the last message that is kept for
    the account, or 0; these are shown in any case."""

    def __init__(self, session: Session, pasts: Pasts, since: int | None, most: int, kept_up_to: int) -> None:
        self._session = session
        self._history = session.hub.history
        self._pasts = pasts
        self._since = since if most else None
        self._most = most
        self._kept_up_to = kept_up_to
        self._by_name = {past.name: past for past in pasts.channels}
        self._found: tuple[dict[ChannelPast, int], list[Partner]] | None = None
        self._shown = False
        self._failed = False

    def of_channel(self, name: str) -> Iterator[bytes]:
        """What stands behind the names of a channel."""
        past, since = self._by_name.get(name), self._since
        if past is None or since is None or self._ends()[0].get(past, 0) <= since:
            return
        start, left_out = self._begin(past, since)
        if start is None:
            return
        self._shown = True
        if left_out:
            yield self._notice(name, f"{_messages(left_out)} that you missed {self._hint(left_out)}")
        yield from self._marked(
            name, ("This is", "That was", "what"), start, self._batch(name, self._lines(past, start))
        )

    def conversations(self) -> Iterator[bytes]:
        """The private messages, both ways, those with one after those with another; and the PING behind all."""
        session = self._session
        words = "These are", "Those were", "the private messages that"
        yield from self._marked(session.nick, words, self._first_private(), self._private())
        if self._failed:
            return
        up_to = self._pasts.last
        if self._shown or self._kept_up_to:
            yield session.ping(f"kept-{up_to:x}", up_to, up_to)
        else:
            session.seen = max(session.seen, up_to)
            session.collect(up_to)

    # -- private messages ---------------------------------------------------------------------------------------------

    def _private(self) -> Iterator[bytes]:
        kept, of_old = self._kept()
        partners = {partner.id: partner for partner in self._partners()}
        nicks = self._read(partial(self._history.nicks, self._pasts.party, partners.values())) or ()
        names = {id: one.nick for id, one in kept.items()} | dict(zip(partners, nicks, strict=False))
        last = {id: one.stamps[-1] for id, one in kept.items()} | {id: one.last for id, one in partners.items()}
        yield from of_old
        for id in sorted(names, key=last.__getitem__):
            past = PrivatePast(names[id], self._pasts.party, self._pasts.last, (id,))
            yield from self._conversation(past, id in partners, kept[id].stamps if id in kept else array("q"))

    def _conversation(self, past: PrivatePast, missed: bool, kept: array[int]) -> Iterator[bytes]:
        """``missed``: whether there is something besides what was ``kept``; that is part of it as well."""
        start, left_out = self._begin(past, self._since) if missed and self._since is not None else (None, 0)
        older = array("q", [stamp for stamp in kept if start is None or stamp < start])
        if start is None and not older:
            return
        self._shown = True
        if left_out < COUNTED:
            left_out -= sum(stamp > (self._since or 0) for stamp in older)
        if left_out > 0:
            what = f"{_messages(left_out)} between you and {past.name} that you missed"
            yield self._notice(self._session.nick, f"{what} {self._hint(left_out)}")
        shown_in_any_case = self._lines(past, older[0], frozenset(older)) if older else iter(())
        newest = self._lines(past, start) if start is not None else iter(())
        yield from self._batch(past.name, chain(shown_in_any_case, newest))

    def _partners(self) -> list[Partner]:
        """With whom there is something that was missed."""
        since = self._since
        return [partner for partner in self._ends()[1] if partner.last > since] if since is not None else []

    def _kept(self) -> tuple[dict[int, _Kept], list[bytes]]:
        """What is kept for the account: by `User.id` of who said it; and, in lines, what guests said at a time when
        they had no such number."""
        kept: dict[int, _Kept] = {}
        of_old: list[bytes] = []
        for message in self._kept_messages():
            nick, _, _ = split_source(message.source)
            if message.account_id is None:
                flavour = self._session.flavour
                of_old += said_in_lines(message, flavour) if message.multiline else (said(message, flavour),)
            else:
                kept.setdefault(message.account_id, _Kept(nick)).stamps.append(message.stamp)
        return kept, of_old

    def _kept_messages(self) -> Iterator[Said]:
        database, account_id, up_to = self._session.hub.database, self._pasts.party, self._kept_up_to
        after = 0
        while after < up_to:
            page = self._read(partial(database.held_messages, account_id, up_to, after=after, most=PAGE)) or []
            yield from page
            if len(page) < PAGE:
                return
            after = page[-1].stamp

    def _first_private(self) -> int | None:
        """From when on the private messages are; ``None``: there are none to show."""
        kept = next(self._kept_messages(), None)
        firsts = [kept.stamp] if kept is not None else []
        if self._since is not None and self._partners():
            firsts.append(self._since)
        return min(firsts, default=None)

    # -- reading ------------------------------------------------------------------------------------------------------

    def _read(self, ask: Callable[[], Read]) -> Read | None:
        """``None`` where the store can't be read, now or before."""
        if self._failed:
            return None
        try:
            return ask()
        except sqlite3.Error as error:
            self._failed = True
            self._session.hub.on_error("what was missed could not be read", error)
            return None

    def _ends(self) -> tuple[dict[ChannelPast, int], list[Partner]]:
        """The last messages of all channels and of all private conversations."""
        if self._found is None:
            self._found = self._read(partial(self._history.ends, self._pasts)) or ({}, [])
        return self._found

    def _begin(self, past: Past, since: int) -> tuple[int | None, int]:
        """The stamp of the first message to show, and how many are left out before it."""
        return self._read(partial(self._history.newest, past, since + 1, self._most, COUNTED)) or (None, 0)

    def _lines(self, past: Past, start: int, among: frozenset[int] | None = None) -> Iterator[bytes]:
        """What was said from this stamp on; ``among``: of these stamps only."""
        end = max(among) if among else past.last
        while start <= end:
            page = self._read(partial(self._history.page, past, start, end, PAGE)) or []
            for record in page:
                if (among is None or record.stamp in among) and not for_programs(record.text):
                    yield from render_row(self._session, record, past.name)
            if len(page) < PAGE:
                return
            start = page[-1].stamp + 1

    # -- what stands around it ----------------------------------------------------------------------------------------

    def _batch(self, name: str, lines: Iterator[bytes]) -> Iterator[bytes]:
        return Batch(self._session, f"chathistory {name}", lines) if self._session.caps.has("batch") else lines

    def _marked(
        self, target: str, words: tuple[str, str, str], start: int | None, lines: Iterable[bytes]
    ) -> Iterator[bytes]:
        """Who is not told the time of each message is told where the past begins, and where it ends. ``start``: its
        beginning; ``None``: there is nothing. ``words``: what begins, what ends, and what it is."""
        if start is None:
            return
        begins, ends, what = words
        marks = not self._session.flavour & TIME
        if marks:
            time = iso_time(start)
            yield self._notice(target, f"{begins} {what} you missed, from {time[:10]} {time[11:19]} UTC on:")
        yield from lines
        if marks:
            yield self._notice(target, f"{ends} {what} you missed.")

    def _notice(self, target: str, text: str) -> bytes:
        return self._session.line(f"NOTICE {target} :{text}")

    def _hint(self, left_out: int) -> str:
        verb = "is" if left_out == 1 else "are"
        most = self._session.hub.config.history.replay_most
        if self._most < most:
            return f"{verb} not shown; SETTINGS replay <number> shows more, up to {most}"
        return f"{verb} not shown; clients with draft/chathistory can read on"


def _messages(number: int) -> str:
    if number == 1:
        return "1 earlier message"
    return f"{number} earlier messages" if number < COUNTED else f"{COUNTED} or more earlier messages"
