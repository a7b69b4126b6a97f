"""Answers of several lines, each as an iterator that renders while it is sent, in the session's own thread."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from securechat import __version__
from securechat.chat.events import Arrived, ChannelView
from securechat.chat.model import Role
from securechat.chat.stamps import seconds
from securechat.chat.views import ChannelLine, ChannelModes, Person, Population, Whois
from securechat.irc.isupport import token_lines
from securechat.irc.names import split_source
from securechat.irc.numerics import Numeric
from securechat.irc.split import pack_words
from securechat.server.lines import EXTENDED_JOIN, said

if TYPE_CHECKING:
    from securechat.server.session import Session

__all__ = [
    "CHANNEL_MODES",
    "HELD",
    "MEMBER_MODES",
    "USER_MODES",
    "channel",
    "channel_list",
    "isupport",
    "lusers",
    "modes",
    "motd",
    "names",
    "topic",
    "user_modes",
    "welcome",
    "who",
    "whois",
]

HELD_AT_ONCE = 100
"""Kept messages read from the store at a time: nobody knows how many there are, and their owner may read slowly."""

HELD = "your message is kept and shown when they come"

CHANNEL_MODES = "nt"
"""What all channels have: only members speak, and only operators set the topic."""

MEMBER_MODES = "o"
"""The modes of a member that have a prefix."""

USER_MODES = "o"
"""What a user can have: administrators are the operators of IRC."""


def welcome(session: Session, event: Arrived | None, there: Population) -> Iterator[bytes]:
    """What a session is told when it is on the chat (Modern IRC, "Connection Registration").

    Then the channels in which its user is already, with another session, and what was kept for its account.
    """
    if event is None:  # it was refused
        return
    hub = session.hub
    config = hub.config
    yield session.numeric(Numeric.RPL_WELCOME, config.server.network, event.nick)
    yield session.numeric(Numeric.RPL_YOURHOST, hub.name, f"securechat-{__version__}")
    yield session.numeric(Numeric.RPL_CREATED, hub.started_text)
    all_modes = "".join(sorted(CHANNEL_MODES + MEMBER_MODES))
    version = f"securechat-{__version__}"
    yield session.numeric(Numeric.RPL_MYINFO, hub.name, version, USER_MODES, all_modes, MEMBER_MODES)
    yield from isupport(session)
    yield from lusers(session, there)
    yield from motd(session)
    if session.account is not None and session.account.role is Role.ADMIN:
        yield user_modes(session, admin=True)
    for channel_view in event.channels:
        yield _joined_before(session, event, channel_view)
        yield from channel(session, channel_view)
    if event.held_up_to and event.account_id is not None:
        yield from _held(session, event.account_id, event.held_up_to)


def isupport(session: Session) -> Iterator[bytes]:
    room = 510 - len(session.numeric(Numeric.RPL_ISUPPORT, ""))
    for tokens in token_lines(session.hub.isupport, room):
        yield session.numeric(Numeric.RPL_ISUPPORT, *tokens)


def motd(session: Session) -> Iterator[bytes]:
    lines = session.hub.config.server.motd
    if not lines:
        yield session.numeric(Numeric.ERR_NOMOTD)
        return
    yield session.numeric(Numeric.RPL_MOTDSTART, session.hub.name)
    for line in lines:
        yield session.numeric(Numeric.RPL_MOTD, line)
    yield session.numeric(Numeric.RPL_ENDOFMOTD)


def lusers(session: Session, there: Population) -> Iterator[bytes]:
    users = str(there.users)
    yield session.numeric(Numeric.RPL_LUSERCLIENT, users, "0", "1")
    yield session.numeric(Numeric.RPL_LUSEROP, str(there.admins))
    yield session.numeric(Numeric.RPL_LUSERUNKNOWN, str(max(session.hub.connections() - there.sessions, 0)))
    yield session.numeric(Numeric.RPL_LUSERCHANNELS, str(there.channels))
    yield session.numeric(Numeric.RPL_LUSERME, users, "0")
    most = str(max(session.hub.most_users, there.users))
    yield session.numeric(Numeric.RPL_LOCALUSERS, users, most, users, most)
    yield session.numeric(Numeric.RPL_GLOBALUSERS, users, most, users, most)


def _joined_before(session: Session, event: Arrived, view: ChannelView) -> bytes:
    if session.flavour & EXTENDED_JOIN:
        return session.raw(f":{event.source} JOIN {view.name} {event.account or '*'} :{session.realname}")
    return session.raw(f":{event.source} JOIN {view.name}")


def _held(session: Session, account_id: int, up_to: int) -> Iterator[bytes]:
    """What was kept, and a PING: its PONG says that all before it has arrived, and only then is it kept no more."""
    after = 0
    while True:
        try:
            messages = session.hub.database.held_messages(account_id, up_to, after=after, most=HELD_AT_ONCE)
        except sqlite3.Error as error:
            session.hub.on_error("kept messages could not be read", error)
            return
        for message in messages:
            yield said(message, session.flavour)
        if len(messages) < HELD_AT_ONCE:
            break
        after = messages[-1].stamp
    yield session.raw(f"PING :{session.collecting(up_to)}")


def channel(session: Session, view: ChannelView) -> Iterator[bytes]:
    """What follows a JOIN: the topic, if there is one, and the names."""
    if view.topic is not None:
        yield from topic(session, view)
    yield from names(session, view.name, view)


def topic(session: Session, view: ChannelView) -> Iterator[bytes]:
    if view.topic is None:
        yield session.numeric(Numeric.RPL_NOTOPIC, view.name)
        return
    yield session.numeric(Numeric.RPL_TOPIC, view.name, view.topic.text)
    nick, _, _ = split_source(view.topic.by)
    yield session.numeric(Numeric.RPL_TOPICWHOTIME, view.name, nick, str(seconds(view.topic.at)))


def names(session: Session, name: str, view: ChannelView | None) -> Iterator[bytes]:
    if view is not None:
        long, multi = "userhost-in-names" in session.caps.enabled, "multi-prefix" in session.caps.enabled
        words = (
            (member.prefix if multi else member.prefix[:1]) + (member.source if long else member.nick)
            for member in view.members
        )
        room = 512 - len(session.numeric(Numeric.RPL_NAMREPLY, "=", view.name, ""))
        for some in pack_words(words, room):
            yield session.numeric(Numeric.RPL_NAMREPLY, "=", view.name, " ".join(some))
    yield session.numeric(Numeric.RPL_ENDOFNAMES, view.name if view else name)


def who(session: Session, mask: str, people: Iterable[Person]) -> Iterator[bytes]:
    multi = "multi-prefix" in session.caps.enabled
    for person in people:
        flags = "H" + ("*" if person.admin else "") + (person.prefix if multi else person.prefix[:1])
        yield session.numeric(
            Numeric.RPL_WHOREPLY,
            person.channel or "*",
            person.username,
            person.host,
            session.hub.name,
            person.nick,
            flags,
            "0",
            person.realname,
        )
    yield session.numeric(Numeric.RPL_ENDOFWHO, mask)


def whois(session: Session, found: Whois, now: int) -> Iterator[bytes]:
    """Without the end. ``now``: seconds since 1970."""
    person = found.person
    yield session.numeric(Numeric.RPL_WHOISUSER, person.nick, person.username, person.host, person.realname)
    multi = "multi-prefix" in session.caps.enabled
    channels = [(prefix if multi else prefix[:1]) + name for prefix, name in found.channels]
    room = 512 - len(session.numeric(Numeric.RPL_WHOISCHANNELS, person.nick, ""))
    for some in pack_words(channels, room):
        yield session.numeric(Numeric.RPL_WHOISCHANNELS, person.nick, " ".join(some))
    yield session.numeric(Numeric.RPL_WHOISSERVER, person.nick, session.hub.name, session.hub.config.server.network)
    if person.admin:
        yield session.numeric(Numeric.RPL_WHOISOPERATOR, person.nick)
    if person.account is not None:
        yield session.numeric(Numeric.RPL_WHOISACCOUNT, person.nick, person.account)
    yield session.numeric(Numeric.RPL_WHOISSECURE, person.nick)
    idle = max(now - seconds(found.last_spoke), 0)
    yield session.numeric(Numeric.RPL_WHOISIDLE, person.nick, str(idle), str(seconds(found.since)))


def channel_list(session: Session, lines: Iterable[ChannelLine]) -> Iterator[bytes]:
    yield session.numeric(Numeric.RPL_LISTSTART)
    for line in lines:
        yield session.numeric(Numeric.RPL_LIST, line.name, str(line.members), line.topic)
    yield session.numeric(Numeric.RPL_LISTEND)


def user_modes(session: Session, *, admin: bool) -> bytes:
    return session.numeric(Numeric.RPL_UMODEIS, "+" + USER_MODES if admin else "+")


def modes(session: Session, name: str, found: ChannelModes | None) -> Iterator[bytes]:
    if found is None:
        yield session.numeric(Numeric.ERR_NOSUCHCHANNEL, name)
        return
    yield session.numeric(Numeric.RPL_CHANNELMODEIS, found.name, "+" + CHANNEL_MODES)
    yield session.numeric(Numeric.RPL_CREATIONTIME, found.name, str(seconds(found.created)))
