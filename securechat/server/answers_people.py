"""Answers about people: WHO, WHOX, WHOIS, WHOWAS, MONITOR, SILENCE. Each an iterator that renders while it is sent."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from securechat.chat.stamps import seconds
from securechat.chat.views_people import Person, Whois
from securechat.irc.numerics import Numeric
from securechat.irc.split import pack_words
from securechat.irc.whox import WhoxFields, whox_words
from securechat.server.whowas import WasHere

if TYPE_CHECKING:
    from securechat.server.session import Session

__all__ = ["monitored", "packed", "silenced", "who", "whois", "whowas"]


def who(session: Session, mask: str, fields: WhoxFields | None, people: Iterable[Person]) -> Iterator[bytes]:
    """352 for each, or 354 where ``fields`` were asked for (IRCv3 WHOX); ``mask`` is repeated as it was sent."""
    now = int(time.time())
    for person in people:
        if fields is None:
            yield session.numeric(
                Numeric.RPL_WHOREPLY,
                person.channel or "*",
                person.username,
                person.host,
                session.hub.name,
                person.nick,
                _flags(session, person),
                "0",
                person.realname,
            )
        else:
            yield session.numeric(Numeric.RPL_WHOSPCRPL, *whox_words(fields, _values(session, person, now)))
    yield session.numeric(Numeric.RPL_ENDOFWHO, mask)


def _flags(session: Session, person: Person) -> str:
    """In the order of Modern IRC, "RPL_WHOREPLY": away, operator, prefix in the channel, and modes."""
    away = "H" if person.away is None else "G"
    return away + ("*" if person.operator else "") + _prefix(session, person.prefix) + ("B" if person.bot else "")


def _prefix(session: Session, prefix: str) -> str:
    return prefix if "multi-prefix" in session.caps.enabled else prefix[:1]


def _values(session: Session, person: Person, now: int) -> dict[str, str]:
    values = {
        "c": person.channel or "*",
        "u": person.username,
        "h": person.host,
        "s": session.hub.name,
        "n": person.nick,
        "f": _flags(session, person),
        "d": "0",
        "l": str(_idle(person, now)),
        "a": person.account or "0",
        "r": person.realname,
    }
    if session.operator or session.number in person.sessions:
        addresses = _addresses(session, person)
        if addresses:
            values["i"] = addresses[0]
    return values


def _idle(person: Person, now: int) -> int:
    """Seconds since they have last said something."""
    return max(now - seconds(person.last_spoke), 0)


def _addresses(session: Session, person: Person) -> list[str]:
    """Where somebody's connections come from, each address once; those that have gone meanwhile are missing."""
    there = (session.hub.sessions.get(number) for number in person.sessions)
    # One with a colon in front would be the last parameter; "0::1" is the same (Modern IRC, "RPL_WHOISACTUALLY").
    return list(dict.fromkeys(("0" if s.address.startswith(":") else "") + s.address for s in there if s is not None))


def _fingerprints(session: Session, person: Person) -> list[str]:
    """Of the certificates that somebody's connections show, each once."""
    there = (session.hub.sessions.get(number) for number in person.sessions)
    return list(dict.fromkeys(s.certificate.fingerprint for s in there if s is not None and s.certificate is not None))


def whois(session: Session, found: Whois) -> Iterator[bytes]:
    """Without the end."""
    person = found.person
    nick = person.nick
    yield session.numeric(Numeric.RPL_WHOISUSER, nick, person.username, person.host, person.realname)
    channels = [_prefix(session, prefix) + name for prefix, name in found.channels]
    room = 512 - len(session.numeric(Numeric.RPL_WHOISCHANNELS, nick, ""))
    for some in pack_words(channels, room):
        yield session.numeric(Numeric.RPL_WHOISCHANNELS, nick, " ".join(some))
    yield session.numeric(Numeric.RPL_WHOISSERVER, nick, session.hub.name, session.hub.config.server.network)
    if person.away is not None:
        yield session.numeric(Numeric.RPL_AWAY, nick, person.away)
    if person.operator:
        yield session.numeric(Numeric.RPL_WHOISOPERATOR, nick)
    if person.account is not None:
        yield session.numeric(Numeric.RPL_WHOISACCOUNT, nick, person.account)
    if person.bot:
        yield session.numeric(Numeric.RPL_WHOISBOT, nick)
    if found.modes is not None:  # who asks may know
        for address in _addresses(session, person):
            yield session.numeric(Numeric.RPL_WHOISACTUALLY, nick, address)
        yield session.numeric(Numeric.RPL_WHOISMODES, nick, f"+{found.modes}")
    yield session.numeric(Numeric.RPL_WHOISSECURE, nick)
    if found.modes is not None:
        for fingerprint in _fingerprints(session, person):
            yield session.numeric(Numeric.RPL_WHOISCERTFP, nick, fingerprint)
    idle = _idle(person, int(time.time()))
    yield session.numeric(Numeric.RPL_WHOISIDLE, nick, str(idle), str(seconds(found.since)))


def whowas(session: Session, asked: str, nick: str, entries: Sequence[WasHere]) -> Iterator[bytes]:
    """The latest first. ``asked``: the parameter, which the end repeats."""
    for entry in entries:
        yield session.numeric(Numeric.RPL_WHOWASUSER, entry.nick, entry.username, entry.host, entry.realname)
        when = time.strftime("%a %b %d %H:%M:%S %Y", time.gmtime(seconds(entry.at)))
        yield session.numeric(Numeric.RPL_WHOISSERVER, entry.nick, session.hub.name, when)
        if entry.account is not None:
            yield session.numeric(Numeric.RPL_WHOISACCOUNT, entry.nick, entry.account)
    if not entries:
        yield session.numeric(Numeric.ERR_WASNOSUCHNICK, nick)
    yield session.numeric(Numeric.RPL_ENDOFWHOWAS, asked)


def monitored(session: Session, statuses: Iterable[tuple[str, str | None]]) -> Iterator[bytes]:
    """Who of these is on the chat (730), and who is not (731). ``statuses``: (nick, source or ``None``)."""
    online, offline = [], []
    for nick, source in statuses:
        if source is None:
            offline.append(nick)
        else:
            online.append(source)
    yield from packed(session, Numeric.RPL_MONONLINE, online)
    yield from packed(session, Numeric.RPL_MONOFFLINE, offline)


def packed(session: Session, code: Numeric, targets: Iterable[str], *before: str) -> Iterator[bytes]:
    """The targets, separated by commas, in as few lines of MONITOR as they need. ``before``: the values before them."""
    room = 512 - len(session.numeric(code, *before, "*")) + 1
    for some in pack_words(targets, room, ","):
        yield session.numeric(code, *before, ",".join(some))


def silenced(session: Session, masks: Iterable[str]) -> Iterator[bytes]:
    for mask in masks:
        yield session.numeric(Numeric.RPL_SILELIST, mask)
    yield session.numeric(Numeric.RPL_ENDOFSILELIST)
