"""SEARCH: what was said, by its words, its place, its sender and its time (the vendor extension soju.im/search)."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from securechat.chat.stamps import stamp_at
from securechat.chat.views_history import ChannelPast, Past, Pasts, PrivatePast, all_pasts, past_of
from securechat.irc.message import Message
from securechat.irc.moments import parse_moment
from securechat.irc.standard_replies import Code, StandardReply, fail
from securechat.irc.tags import parse_tags
from securechat.server.commands.command import Command
from securechat.server.history_lines import render_row
from securechat.server.replies import Batch
from securechat.server.searching import TooLongError
from securechat.store.history import Record
from securechat.store.search_find import LAST
from securechat.store.search_text import Query, QueryError, parse_query

if TYPE_CHECKING:
    from collections.abc import Iterator

    from securechat.server.session import Session

CAPABILITY: Final = "soju.im/search"
"""The capability, and the type of the batch."""

LINES_A_SECOND: Final = 100
"""A second of searching counts as so many lines: in the long run a client may search half of the time."""


class _InvalidError(Exception):
    """An attribute that is none; what to tell the client."""

    def __init__(self, attribute: str, sentence: str) -> None:
        super().__init__(attribute)
        self.answer: StandardReply = fail(Code.INVALID_PARAMS, "SEARCH", attribute, description=sentence)


@dataclass(frozen=True, slots=True)
class _Wanted:
    """The attributes of a search. ``after`` and ``before``: stamps, the first and the last one."""

    target: str | None
    nick: str | None
    query: Query | None
    after: int | None
    before: int | None
    most: int


def search(session: Session, message: Message) -> None:
    """``SEARCH <attributes>``, which are written as tags are: ``in=#channel;from=nick;text=words``.

    Attributes that are not known are ignored, as tags are. With ``after`` the first messages that fit are shown, else
    the last ones.
    """
    hub = session.hub
    started = time.monotonic()
    try:
        wanted = _parse(parse_tags(message.params[0]), hub.config.limits.search_results)
        past = _past(session, wanted.target)
        if past is None:
            raise _InvalidError("in", "There is nothing of that name that you may read")
        assert hub.searching is not None  # else the capability is not there to be asked for
        found = hub.searching.search(
            past, wanted.query, nick=wanted.nick, after=wanted.after, before=wanted.before, most=wanted.most
        )
    except _InvalidError as error:
        session.reply(message, [session.answer(error.answer)])
        return
    except TooLongError:
        answer = fail(
            Code.INTERNAL_ERROR, "SEARCH", description="That takes too long: look for less, in fewer places or times"
        )
        session.reply(message, [session.answer(answer)])
        return
    except sqlite3.Error as error:
        hub.on_error("a search failed", error)
        answer = fail(Code.INTERNAL_ERROR, "SEARCH", description="The search could not be run")
        session.reply(message, [session.answer(answer)])
        return
    finally:
        session.charge((time.monotonic() - started) * LINES_A_SECOND)
    lines = _lines(session, past, found)
    session.reply(message, [Batch(session, CAPABILITY, lines) if session.caps.has("batch") else lines])


def _past(session: Session, target: str | None) -> Past | Pasts | None:
    """Whose past is to be searched. Raises ``sqlite3.Error``."""
    if target is None:
        return session.ask(lambda chat: all_pasts(chat, session.number))
    past = session.ask(lambda chat: past_of(chat, session.number, target))
    if isinstance(past, PrivatePast) and not past.others:
        return session.hub.history.with_those_gone(past)
    return past


def _lines(session: Session, past: Past | Pasts, found: list[Record]) -> Iterator[bytes]:
    """A channel may have another name now."""
    channels = past.channels if isinstance(past, Pasts) else (past,) if isinstance(past, ChannelPast) else ()
    names = {channel.channel_id: channel.name for channel in channels}
    for record in found:
        target = record.target if record.channel_id is None else names[record.channel_id]
        yield from render_row(session, record, target)


def _parse(attributes: Mapping[str, str], most: int) -> _Wanted:
    """Raises `_InvalidError`."""
    for name in ("in", "from"):
        if attributes.get(name) == "":
            raise _InvalidError(name, "It must have a name behind it")
    limit = attributes.get("limit")
    if limit is not None:
        if not limit.isascii() or not limit.isdigit():
            raise _InvalidError("limit", "It must be a number")
        most = min(most, int(limit[:9]))
    query = None
    if "text" in attributes:
        try:
            query = parse_query(attributes["text"])
        except QueryError as error:
            raise _InvalidError("text", f"That can't be searched for: {error}") from None
    after, before = _milliseconds("after", attributes), _milliseconds("before", attributes)
    return _Wanted(
        attributes.get("in"),
        attributes.get("from"),
        query,
        None if after is None else min(stamp_at(after), LAST),
        None if before is None else min(stamp_at(before + 1) - 1, LAST),
        most,
    )


def _milliseconds(name: str, attributes: Mapping[str, str]) -> int | None:
    """A time (IRCv3 server-time), in milliseconds since 1970."""
    text = attributes.get(name)
    if text is None:
        return None
    moment = parse_moment(text)
    if moment is None:
        raise _InvalidError(name, "It must be a time like 2026-11-22T14:03:23.123Z")
    return moment


COMMANDS = (
    Command(
        "SEARCH",
        search,
        "<attribute>[;<attribute>...]",
        "Finds what was said: in=, from=, after=, before=, text=, limit=.",
        least=1,
        large=True,
        capability=CAPABILITY,
    ),
)
