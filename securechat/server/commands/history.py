"""CHATHISTORY: what was said before, page by page (IRCv3 draft/chathistory)."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from securechat.chat.stamps import iso_time, parse_msgid, stamp_at
from securechat.chat.views_history import Past, PrivatePast, all_pasts, names_of, past_of
from securechat.irc.message import Message
from securechat.irc.moments import parse_moment
from securechat.irc.standard_replies import Code, fail
from securechat.server.commands.command import Command
from securechat.server.history_lines import render_row
from securechat.server.lines import REDACTION, RENAME, TAGS
from securechat.server.replies import Batch
from securechat.store.history import LAST, Record, Shown, took_too_long

if TYPE_CHECKING:
    from securechat.server.session import Session
    from securechat.store.history import History

CAPABILITY: Final = "draft/chathistory"
EVENTS: Final = "draft/event-playback"

RECORDS_A_LINE: Final = 25
"""So many records of a page count as a line more that the client has sent."""

LINES_A_SECOND: Final = 2000
"""So many lines a second of reading counts as, besides: what a page passes over (it was said to others, or taken back)
costs as well. A page of messages is read in a millisecond."""

NAMES: Final = 1000
"""Conversations that one TARGETS looks at, to find those that still have a name."""


class _RefusedError(Exception):
    """What is wrong with the line, or with what it asks for."""

    def __init__(self, code: Code, subcommand: str, *context: str, why: str | None = None) -> None:
        super().__init__(code)
        self.answer = fail(code, "CHATHISTORY", subcommand, *context, description=why)


@dataclass(frozen=True, slots=True)
class _Selector:
    """A message or a millisecond: the first and the last stamp that are it."""

    first: int
    last: int


_Reading = Callable[["History", Past, "list[_Selector]", int, Shown], "list[Record]"]


def _latest(history: History, past: Past, at: list[_Selector], most: int, shown: Shown) -> list[Record]:
    return history.page(past, at[0].last + 1 if at else 0, LAST, most, shown, newest=True)


def _before(history: History, past: Past, at: list[_Selector], most: int, shown: Shown) -> list[Record]:
    return history.page(past, 0, at[0].first - 1, most, shown, newest=True)


def _after(history: History, past: Past, at: list[_Selector], most: int, shown: Shown) -> list[Record]:
    return history.page(past, at[0].last + 1, LAST, most, shown)


def _around(history: History, past: Past, at: list[_Selector], most: int, shown: Shown) -> list[Record]:
    return history.around(past, at[0].first, most, shown)


def _between(history: History, past: Past, at: list[_Selector], most: int, shown: Shown) -> list[Record]:
    """Counted from the first one, into the past as well."""
    low, high = sorted(at, key=lambda selector: selector.first)
    return history.page(past, low.last + 1, high.first - 1, most, shown, newest=low is not at[0])


_READINGS: Final[dict[str, _Reading]] = {
    "LATEST": _latest,
    "BEFORE": _before,
    "AFTER": _after,
    "AROUND": _around,
    "BETWEEN": _between,
}


def chathistory(session: Session, message: Message) -> None:
    """``CHATHISTORY <subcommand> ...``: see `_READINGS` and `_targets`. Whether there is a target is looked at last."""
    try:
        kind, lines = _answer(session, message.params)
    except _RefusedError as error:
        session.reply(message, [session.answer(error.answer)])
        return
    session.reply(message, [Batch(session, kind, lines) if session.caps.has("batch") else lines])


def _answer(session: Session, params: list[str]) -> tuple[str, Iterator[bytes]]:
    """The type of the batch, with its parameters, and the lines in it. Raises `_RefusedError`."""
    subcommand = params[0].upper() if params else ""
    given = params[0] if params else "*"
    if subcommand != "TARGETS" and subcommand not in _READINGS:
        raise _RefusedError(Code.INVALID_PARAMS, given, why="Unknown command" if params else "Insufficient parameters")
    expected = 5 if subcommand == "BETWEEN" else 4
    if len(params) != expected:
        why = "Insufficient parameters" if len(params) < expected else "Too many parameters"
        raise _RefusedError(Code.INVALID_PARAMS, given, why=why)
    most = _limit(params, session.hub.config.history.page)
    if subcommand == "TARGETS":
        return "draft/chathistory-targets", _targets(session, params, most)
    selectors = [_selector(params, text) for text in params[2:-1] if (subcommand, text) != ("LATEST", "*")]
    records_of = _READINGS[subcommand]
    try:
        past = _past(session, params[1])
        if past is None:
            why = "Messages could not be retrieved"
            raise _RefusedError(Code.INVALID_TARGET, given, params[1], why=why)
        with _reading(session):
            records = records_of(session.hub.history, past, selectors, most, shown_to(session))
    except sqlite3.Error as error:
        raise _failed(session, error, given, params[1]) from error
    session.charge(len(records) / RECORDS_A_LINE)
    return f"chathistory {past.name}", _lines(session, past.name, records)


def _past(session: Session, target: str) -> Past | None:
    """Raises ``sqlite3.Error``."""
    past = session.ask(lambda chat: past_of(chat, session.number, target))
    if isinstance(past, PrivatePast) and not past.others:
        with _reading(session):
            return session.hub.history.with_those_gone(past)
    return past


@contextlib.contextmanager
def _reading(session: Session) -> Iterator[None]:
    """Count the time that reading takes: this thread's, and not while it asks the chat, for then it may be doing what
    others have asked for."""
    begun = time.thread_time()
    try:
        yield
    finally:
        session.charge((time.thread_time() - begun) * LINES_A_SECOND)


def shown_to(session: Session) -> Shown:
    """What of the past a session is shown, by its capabilities."""
    events = EVENTS in session.caps.enabled
    flavour = session.flavour
    return Shown(events, bool(flavour & REDACTION), bool(flavour & RENAME), events and bool(flavour & TAGS))


def _lines(session: Session, target: str, records: list[Record]) -> Iterator[bytes]:
    for record in records:
        yield from render_row(session, record, target)


def _targets(session: Session, params: list[str], most: int) -> Iterator[bytes]:
    """``CHATHISTORY TARGETS <timestamp> <timestamp> <limit>``: the channels and people of whom the last message is
    between the two, by its time; counted from the first one, into the past as well."""
    begin, end = (_selector(params, text, "timestamp") for text in params[1:3])
    low, high = sorted((begin, end), key=lambda selector: selector.first)
    pasts = session.ask(lambda chat: all_pasts(chat, session.number))
    if pasts is None:
        return iter(())
    history, shown = session.hub.history, shown_to(session)
    try:
        with _reading(session):
            channels, partners = history.ends(pasts, shown)
        session.charge((len(channels) + len(partners)) / RECORDS_A_LINE)
        partners = [partner for partner in partners if low.last < partner.last < high.first]
        partners.sort(key=lambda partner: partner.last, reverse=low is not begin)
        del partners[NAMES:]
        with _reading(session):
            nicks = history.nicks(pasts.party, partners)
    except sqlite3.Error as error:
        raise _failed(session, error, params[0]) from error
    who = [(partner.id, nick) for partner, nick in zip(partners, nicks, strict=True)]
    names = session.ask(lambda chat: names_of(chat, who))
    found = {past.name: last for past, last in channels.items() if low.last < last < high.first}
    for name, partner in zip(names, partners, strict=True):
        if name is not None:
            found[name] = max(partner.last, found.get(name, 0))
    order = sorted(found, key=found.__getitem__)
    chosen = order[:most] if low is begin else order[max(len(order) - most, 0) :]
    return (session.line(f"CHATHISTORY TARGETS {name} {iso_time(found[name])}") for name in chosen)


# -- parameters -------------------------------------------------------------------------------------------------------


def _limit(params: list[str], page: int) -> int:
    """The last parameter; more than a page is a page. Raises `_RefusedError`."""
    text = params[-1]
    if not (text.isascii() and text.isdigit()):
        raise _RefusedError(Code.INVALID_PARAMS, params[0], text, why="Invalid limit")
    return min(int(text), page)


def _selector(params: list[str], text: str, kind: str = "") -> _Selector:
    """``msgid=...`` or ``timestamp=...``; ``kind``: the only one that there may be. Raises `_RefusedError`.

    A msgid need not be of a message that is there, or that one may read: it is a place among the others all the same.
    """
    name, equals, value = text.partition("=")
    if name == "msgid" and kind in ("", name):
        stamp = parse_msgid(value)
        if stamp is None:
            raise _RefusedError(Code.INVALID_PARAMS, params[0], text, why="Invalid msgid")
        return _Selector(stamp, stamp)
    if name == "timestamp" and equals:
        ms = parse_moment(value)
        if ms is None:
            raise _RefusedError(Code.INVALID_PARAMS, params[0], text, why="Invalid timestamp")
        return _Selector(min(stamp_at(ms), LAST), min(stamp_at(ms + 1) - 1, LAST))
    if equals and not kind and name:
        why = "Messages are known by msgid and timestamp here"
        raise _RefusedError(Code.INVALID_MSGREFTYPE, params[0], params[1], text, why=why)
    raise _RefusedError(Code.INVALID_PARAMS, params[0], text, why="Invalid timestamp")


def _failed(session: Session, error: sqlite3.Error, *context: str) -> _RefusedError:
    if not took_too_long(error):
        session.hub.on_error("history could not be read", error)
    return _RefusedError(Code.MESSAGE_ERROR, *context)


COMMANDS = (
    Command("CHATHISTORY", chathistory,
            "LATEST|BEFORE|AFTER|AROUND <target> <message> <limit> | BETWEEN <target> <message> <message> <limit> | "
            "TARGETS <time> <time> <limit>",
            "Shows what was said (IRCv3).", large=True, capability=CAPABILITY),
)  # fmt: skip
