"""Answers of several lines, each as an iterator that renders while it is sent, in the session's own thread."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from securechat import __version__
from securechat.chat.events import Arrived, ChannelView
from securechat.chat.model import ServerBan
from securechat.chat.modes import ALL_KINDS, USER_MODES
from securechat.chat.stamps import iso_time, seconds
from securechat.chat.views import ChannelLine, ChannelModes, Population
from securechat.chat.views_history import Pasts
from securechat.irc.elist import ListFilter
from securechat.irc.isupport import token_lines
from securechat.irc.modes import ModeKind
from securechat.irc.names import split_source
from securechat.irc.numerics import Numeric
from securechat.irc.split import pack_words
from securechat.irc.standard_replies import Code, StandardReply, note
from securechat.server import answers_history, answers_metadata, replay
from securechat.server.lines import MARKERS, fitted, join_body, tags_of
from securechat.server.metadata_sync import AtArrival
from securechat.server.replies import Batch

if TYPE_CHECKING:
    from securechat.server.session import Session

__all__ = [
    "HELD",
    "ban",
    "channel",
    "channel_list",
    "invitations",
    "isupport",
    "lusers",
    "mode_list",
    "modes",
    "motd",
    "names",
    "owner",
    "topic",
    "welcome",
]

HELD = "your message is kept and shown when they come"


def welcome(
    session: Session,
    event: Arrived | None,
    there: Population,
    metadata: AtArrival | None,
    markers: Mapping[str, int | None],
    pasts: Pasts | None,
) -> Iterator[bytes]:
    """What a session is told when it is on the chat (Modern IRC, "Connection Registration").

    Then the channels in which its user is, and what its device has missed. ``markers``: by channel, up to when it has
    been read. ``pasts``: what it may read of what was said.
    """
    if event is None:  # it was refused
        return
    hub = session.hub
    config = hub.config
    yield session.numeric(Numeric.RPL_WELCOME, config.server.network, event.nick)
    yield session.numeric(Numeric.RPL_YOURHOST, hub.name, f"securechat-{__version__}")
    yield session.numeric(Numeric.RPL_CREATED, hub.started_text)
    version = f"securechat-{__version__}"
    with_parameter = "".join(sorted(letter for letter, kind in ALL_KINDS.items() if kind is not ModeKind.FLAG))
    all_modes = "".join(sorted(ALL_KINDS))
    yield session.numeric(Numeric.RPL_MYINFO, hub.name, version, "".join(USER_MODES), all_modes, with_parameter)
    yield from isupport(session)
    yield from lusers(session, there)
    if metadata is not None:
        yield from answers_metadata.own(session, metadata)
    yield from motd(session)
    if event.modes:
        yield session.numeric(Numeric.RPL_UMODEIS, f"+{event.modes}")
    missed = replay.missed(session, event, pasts)
    for channel_view in event.channels:
        yield _joined_before(session, event, channel_view)
        if session.flavour & MARKERS:
            yield answers_history.marker(session, channel_view.name, markers.get(channel_view.name))
        yield from channel(session, channel_view)
        if metadata is not None and channel_view.name in metadata.channels:
            yield from answers_metadata.sync(session, metadata.channels[channel_view.name])
        if missed is not None:
            yield from missed.of_channel(channel_view.name)
    if missed is not None:
        yield from missed.conversations()


def isupport(session: Session, changes: Mapping[str, str | None] | None = None) -> Iterator[bytes]:
    """All 005, or only some ``changes``, which may take tokens back (name to None).

    As a batch where the client wants it so (IRCv3 extended-isupport, "draft/isupport batch").
    """
    tokens_now = session.hub.isupport if changes is None else changes
    room = 510 - len(session.numeric(Numeric.RPL_ISUPPORT, ""))
    lines = (session.numeric(Numeric.RPL_ISUPPORT, *tokens) for tokens in token_lines(tokens_now, room))
    if session.caps.enabled >= {"batch", "draft/extended-isupport"}:
        return Batch(session, "draft/isupport", lines)
    return lines


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
    users = str(there.users + there.invisible)
    yield session.numeric(Numeric.RPL_LUSERCLIENT, str(there.users), str(there.invisible), "1")
    yield session.numeric(Numeric.RPL_LUSEROP, str(there.operators))
    yield session.numeric(Numeric.RPL_LUSERUNKNOWN, str(max(session.hub.connections() - there.sessions, 0)))
    yield session.numeric(Numeric.RPL_LUSERCHANNELS, str(there.channels))
    yield session.numeric(Numeric.RPL_LUSERME, users, "0")
    most = str(max(session.hub.most_users, there.users + there.invisible))
    yield session.numeric(Numeric.RPL_LOCALUSERS, users, most, users, most)
    yield session.numeric(Numeric.RPL_GLOBALUSERS, users, most, users, most)


def _joined_before(session: Session, event: Arrived, view: ChannelView) -> bytes:
    """With the tags of whatever a user does; without an id, for there are several of one stamp."""
    tags = tags_of(session.flavour, event.stamp, event.account, bot="B" in event.modes, first=False).encode()
    body = join_body(view.name, event.account, event.realname, session.flavour)
    return tags + fitted(f":{event.source} {body}")


def channel(session: Session, view: ChannelView) -> Iterator[bytes]:
    """What follows a JOIN: the topic, if there is one, and the names, unless the client asks for them itself."""
    if view.topic is not None:
        yield from topic(session, view)
    if session.caps.enabled.isdisjoint(("no-implicit-names", "draft/no-implicit-names")):
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
        symbol = "@" if view.secret else "="
        room = 512 - len(session.numeric(Numeric.RPL_NAMREPLY, symbol, view.name, ""))
        for some in pack_words(words, room):
            yield session.numeric(Numeric.RPL_NAMREPLY, symbol, view.name, " ".join(some))
    yield session.numeric(Numeric.RPL_ENDOFNAMES, view.name if view else name)


def channel_list(session: Session, wanted: ListFilter, lines: Iterable[ChannelLine]) -> Iterator[bytes]:
    now = int(time.time())
    yield session.numeric(Numeric.RPL_LISTSTART)
    for line in lines:
        topic_at = seconds(line.topic_at) if line.topic_at is not None else None
        if wanted.matches(line.name, line.members, seconds(line.created), topic_at, now):
            yield session.numeric(Numeric.RPL_LIST, line.name, str(line.members), line.topic)
    yield session.numeric(Numeric.RPL_LISTEND)


def modes(session: Session, found: ChannelModes) -> Iterator[bytes]:
    yield session.numeric(Numeric.RPL_CHANNELMODEIS, found.name, *found.words)
    yield session.numeric(Numeric.RPL_CREATIONTIME, found.name, str(seconds(found.created)))


_LISTS = {
    "b": (Numeric.RPL_BANLIST, Numeric.RPL_ENDOFBANLIST),
    "e": (Numeric.RPL_EXCEPTLIST, Numeric.RPL_ENDOFEXCEPTLIST),
    "I": (Numeric.RPL_INVEXLIST, Numeric.RPL_ENDOFINVEXLIST),
}


def mode_list(session: Session, found: ChannelModes, letter: str) -> Iterator[bytes]:
    """One of a channel's lists, with who and when."""
    line, end = _LISTS[letter]
    for entry in found.lists[letter]:
        yield session.numeric(line, found.name, entry.text, entry.by, str(seconds(entry.at)))
    yield session.numeric(end, found.name)


def invitations(session: Session, names: Iterable[str]) -> Iterator[bytes]:
    for name in names:
        yield session.numeric(Numeric.RPL_INVITELIST, name)
    yield session.numeric(Numeric.RPL_ENDOFINVITELIST)


def owner(channel: str, account: str | None) -> StandardReply:
    """Whose a channel is."""
    text = f"{channel} belongs to the account {account}" if account else f"{channel} belongs to nobody"
    return note(Code.CHANNEL_OWNER, "OWNER", channel, account or "*", description=text)


def ban(found: ServerBan, *, lifted: bool = False) -> StandardReply:
    """One ban: what it goes by, whom it keeps out, who set it, when, and until when."""
    until = iso_time(found.until) if found.until is not None else "*"
    code = Code.UNBANNED if lifted else Code.BANNED
    words = found.kind.value, found.mask, found.by, iso_time(found.at), until
    return note(code, "UBAN", *words, description=found.reason)
