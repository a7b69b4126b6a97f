"""Answers about the server itself, and about who is here: each an iterator that renders while it is sent."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import TYPE_CHECKING

from securechat import __version__
from securechat.chat.views_people import Presence
from securechat.irc.numerics import Numeric
from securechat.irc.split import pack_words
from securechat.server.answers import isupport

if TYPE_CHECKING:
    from securechat.server.session import Session

__all__ = ["admin", "info", "ison", "links", "server_time", "stats", "userhost", "version"]

_NOT_SAID = "-"

_ABOUT = (
    f"securechat {__version__}",
    "An encrypted, peer-authenticated, self-hosted chat that speaks IRC",
    "",
    "Copyright the securechat authors. Free software, under the MIT license.",
    "",
)


def version(session: Session) -> Iterator[bytes]:
    """351, and 005 as if it were asked for (Modern IRC, "VERSION message")."""
    first = session.numeric(Numeric.RPL_VERSION, f"securechat-{__version__}", session.hub.name, "IRCv3 over TLS 1.3")
    return chain((first,), isupport(session))


def admin(session: Session) -> Iterator[bytes]:
    """Who runs the server, as far as the configuration says (Modern IRC, "ADMIN message": always these four)."""
    about = session.hub.config.admin
    yield session.numeric(Numeric.RPL_ADMINME, session.hub.name)
    yield session.numeric(Numeric.RPL_ADMINLOC1, about.location or _NOT_SAID)
    yield session.numeric(Numeric.RPL_ADMINLOC2, about.organisation or _NOT_SAID)
    yield session.numeric(Numeric.RPL_ADMINEMAIL, about.email or _NOT_SAID)


def server_time(session: Session) -> Iterator[bytes]:
    """The local time of the server, with its distance from UTC, so that it means something elsewhere too."""
    yield session.numeric(
        Numeric.RPL_TIME, session.hub.name, time.strftime("%A %d %B %Y, %H:%M:%S %z", time.localtime())
    )


def info(session: Session) -> Iterator[bytes]:
    for line in (*_ABOUT, f"This server runs since {session.hub.started_text}"):
        yield session.numeric(Numeric.RPL_INFO, line)
    yield session.numeric(Numeric.RPL_ENDOFINFO)


def links(session: Session, *, shown: bool) -> Iterator[bytes]:
    """The one server that there is. ``shown``: whether it is among those that were asked for."""
    hub = session.hub
    if shown:
        yield session.numeric(Numeric.RPL_LINKS, hub.name, hub.name, "0", hub.config.server.network)
    yield session.numeric(Numeric.RPL_ENDOFLINKS)


def stats(session: Session, letter: str) -> Iterator[bytes]:
    """For ``u`` since when the server runs; of other letters there is nothing to say, and no error to make."""
    if letter == "u":
        minutes, seconds = divmod(max(int(time.time() - session.hub.started), 0), 60)
        hours, minutes = divmod(minutes, 60)
        days, hours = divmod(hours, 24)
        yield session.numeric(Numeric.RPL_STATSUPTIME, str(days), f"{hours}:{minutes:02}:{seconds:02}")
    yield session.numeric(Numeric.RPL_ENDOFSTATS, letter)


def userhost(session: Session, people: Iterable[Presence]) -> Iterator[bytes]:
    """302, in as many lines as it takes: five long names don't fit into one. Of nobody, one without a word."""
    words = (
        f"{person.nick}{'*' if person.operator else ''}={'-' if person.away else '+'}{person.username}@{person.host}"
        for person in people
    )
    return _packed(session, Numeric.RPL_USERHOST, words)


def ison(session: Session, people: Iterable[Presence]) -> Iterator[bytes]:
    """303: the nicks of those who are here, as they wear them."""
    return _packed(session, Numeric.RPL_ISON, (person.nick for person in people))


def _packed(session: Session, code: Numeric, words: Iterable[str]) -> Iterator[bytes]:
    room = 512 - len(session.numeric(code, ""))
    for some in pack_words(words, room) or [[]]:
        yield session.numeric(code, " ".join(some))
