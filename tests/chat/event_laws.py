"""What holds of the events of every request, and of who hears them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from securechat.chat.channel import Channel
from securechat.chat.devices import here
from securechat.chat.events import (
    Arrived,
    Event,
    Invited,
    Joined,
    Left,
    MarkerMoved,
    ModesChanged,
    NickChanged,
    OwnerChanged,
    Redacted,
    Returned,
    Said,
    SaidBefore,
    SessionsEnded,
)
from securechat.chat.machine import MAX_EVENTS, Chat
from securechat.chat.model import Role, User
from securechat.chat.modes import Rank
from securechat.chat.stamps import milliseconds
from securechat.irc.multiline import has_pieces, pieces
from securechat.irc.names import casefold

_LISTENERS = ("audience", "copies", "joiners", "own", "watchers")
"""The fields of events that say who hears of them."""


@dataclass
class Before:
    """What has to be known of the chat before a request in order to judge its events."""

    sessions: set[int]
    insiders: dict[str, set[int]]
    """The sessions in each secret channel."""
    founders: dict[int, int | None]
    """Of each channel, by its id."""
    sizes: dict[tuple[str, int], int]
    markers: dict[tuple[int, str], int]
    """By `User.id` and conversation."""

    @classmethod
    def of(cls, chat: Chat) -> Before:
        sizes: dict[tuple[str, int], int] = {}
        for whose, size, _ in _sizes(chat):
            sizes[whose] = max(size, sizes.get(whose, 0))
        for id, channels in chat.remembered.items():  # in which the account is, though its user may not be there
            sizes["channels", id] = max(len(channels), sizes.get(("channels", id), 0))
        founders = {channel.id: channel.founder for channel in chat.channels.values()}
        markers = {(user.id, key): ms for user in chat.users.values() for key, ms in user.markers.items()}
        return cls(set(chat.sessions), _insiders(chat), founders, sizes, markers)


def _insiders(chat: Chat) -> dict[str, set[int]]:
    return {key: set(channel.audience) for key, channel in chat.channels.items() if channel.secret}


def check_events(chat: Chat, before: Before, stamp: int, events: Sequence[Event]) -> None:
    """Check the events of a request that has just been applied.

    Whom an event names as a listener is on the chat after the request: who has gone hears of it only from
    :class:`SessionsEnded`, which names none that is still there.
    """
    assert [event.stamp for event in events] == [stamp + place for place in range(len(events))]
    assert len(events) <= MAX_EVENTS
    _check_growth(chat, before)
    for event in events:
        for name in _LISTENERS:
            listeners: tuple[int, ...] = getattr(event, name, ())
            assert len(set(listeners)) == len(listeners), "nobody hears anything twice"
            assert chat.sessions.keys() >= set(listeners)
        _check_secrecy(chat, before, event)
        match event:
            case SessionsEnded():
                assert event.sessions
                assert before.sessions.issuperset(event.sessions)
                assert chat.sessions.keys().isdisjoint(event.sessions)
            case Said():
                _check_said(chat, stamp, event)
            case Joined():
                assert set(event.joiners) <= set(event.audience)
                _check_joined(chat, event)
            case NickChanged():
                assert set(event.own) <= set(event.audience)
                assert chat.users[casefold(event.nick)].source == event.new_source
            case Arrived(first=True):
                account = chat.accounts_by_id.get(event.account_id) if event.account_id is not None else None
                admin = account is not None and account.role is Role.ADMIN
                assert event.modes == ("o" if admin else ""), "an administrator is an operator by login, nobody else"
            case ModesChanged():
                _check_modes_changed(chat, event)
            case Redacted():
                _check_redacted(chat, event)
            case MarkerMoved():
                _check_marker(chat, before, event, stamp)
            case Returned():
                _check_returned(chat, event)
            case SaidBefore():
                said = chat.client_ids[chat.sessions[event.session].id]
                assert event.original in said.values()
                assert events == [event], "nothing else happens"


def _named(event: Event) -> Iterator[str]:
    """The channels that whoever hears of an event learns of. A QUIT names none, whatever is written down of it."""
    if isinstance(event, Left):
        return
    for name in ("channel", "old", "target"):
        text = getattr(event, name, None)
        if isinstance(text, str) and "#" in text[:2]:
            yield casefold(text[text.index("#") :])


def _check_secrecy(chat: Chat, before: Before, event: Event) -> None:
    """Who is not in a secret channel hears of it only by being invited, or by having it given or taken as its owner."""
    insiders = _insiders(chat)
    kinds = set(_LISTENERS) - ({"audience"} if isinstance(event, Invited) else set())
    hearers = {session for name in kinds for session in getattr(event, name, ())}
    for name in _named(event):
        if name not in insiders and name not in before.insiders:
            continue
        outside = hearers - insiders.get(name, set()) - before.insiders.get(name, set())
        if isinstance(event, OwnerChanged):
            ids = {before.founders[event.channel_id], event.owner_id, event.account_id}
            outside = {s for s in outside if chat.sessions[s].account_id not in ids and not chat.sessions[s].operator}
        assert not outside, (event, outside)


def _sizes(chat: Chat) -> Iterator[tuple[tuple[str, int], int, int]]:
    """All that a client can make grow: what it is and whose, how large, and how large it may become."""
    rules = chat.rules
    for user in chat.users.values():
        yield ("sessions", user.since), len(user.sessions), rules.sessions_per_user
        whose = user.account_id or user.since
        yield ("channels", whose), len(user.channels), rules.channels_per_user
        yield ("silenced", whose), len(user.silenced), rules.silenced
        yield ("metadata", whose), len(user.metadata), rules.metadata_keys
        away = max((len((text or "").encode()) for text in user.sessions.values()), default=0)
        yield ("away", user.since), away, rules.away_length
    for channel in chat.channels.values():
        yield ("lists", channel.id), sum(map(len, channel.lists.values())), rules.list_entries
        yield ("metadata", channel.id), len(channel.metadata), rules.metadata_keys
        yield ("topic", channel.id), len(channel.topic.text.encode()) if channel.topic else 0, rules.topic_length
        yield ("key", channel.id), len((channel.join_key or "").encode()), rules.key_length
    owners: list[User | Channel] = [*chat.users.values(), *chat.channels.values()]
    for owner in owners:
        for value in owner.metadata.values():
            yield ("value", 0), len(value.encode()), rules.metadata_value_length
    markers = {user.id: user.markers for user in chat.users.values()} | chat.markers
    for id, marked in markers.items():
        yield ("markers", id), len(marked), rules.read_markers
    there = here(chat)
    for id, devices in chat.devices.items():
        absent = devices.keys() - there.get(id, {}).keys() - {""}
        yield ("devices", id), len(absent), rules.devices
    for id, channels in chat.remembered.items():
        yield ("remembered", id), len(channels), rules.channels_per_user
    for id, number in chat.founded.items():
        yield ("founded", id), number, rules.channels_founded
    for id, number in chat.held_numbers.items():
        yield ("held", id), number, rules.held_per_account


def _check_growth(chat: Chat, before: Before) -> None:
    """What grows stays within the rules. (What was there before they were made stricter may stay.)"""
    for whose, size, limit in _sizes(chat):
        assert size <= max(limit, before.sizes.get(whose, 0)), whose


def _channel(chat: Chat, name: str) -> Channel:
    return chat.channels[casefold(name)]


def _check_joined(chat: Chat, event: Joined) -> None:
    """An account that comes in is in it from now on whenever it comes, unless it is in too many channels already."""
    channel = _channel(chat, event.channel)
    assert event.resident is (event.account_id in channel.residents)
    if event.account_id is not None and not event.resident:
        assert len(chat.remembered[event.account_id]) >= chat.rules.channels_per_user
    lasts = channel.lasting and event.account_id is not None
    assert event.reads_from == (channel.readers[event.account_id or 0] if lasts else None)


def _check_returned(chat: Chat, event: Returned) -> None:
    """Others hear of it in the channels in which somebody is again; where they may not come it is forgotten."""
    assert event.places or event.forgotten
    user = chat.users_by_account[event.account_id or 0]
    by_id = {channel.id: channel for channel in chat.channels.values()}
    for place in event.places:
        channel = by_id[place.channel_id]
        assert channel.name == place.name
        assert user in channel.members
        assert set(channel.audience) - set(user.audience) == set(place.audience)
    for id in event.forgotten:
        assert by_id[id].is_banned(user)
        assert user.account_id not in by_id[id].residents


def _check_redacted(chat: Chat, event: Redacted) -> None:
    """Who takes a message back hears of it, and the others who do are in the channel."""
    sender = next(user for user in chat.users.values() if user.id == event.account_id)
    assert set(sender.audience) <= {*event.audience, *event.copies}
    assert set(event.audience).isdisjoint(event.copies)
    assert len(f":{event.source} REDACT {event.target} {'x' * 13} :{event.reason}\r\n".encode()) <= 512
    if event.channel_id is not None:
        channel = _channel(chat, event.target[event.target.index("#") :])
        assert channel.id == event.channel_id
        assert set(event.audience) <= set(channel.audience)
        assert sender in channel.members


def _check_marker(chat: Chat, before: Before, event: MarkerMoved, stamp: int) -> None:
    """A marker only moves forwards, and not into the future; nobody but its owner hears of it."""
    (user,) = {chat.sessions[session] for session in event.audience}
    assert event.ms == user.markers[event.key] <= max(milliseconds(stamp), before.markers.get((user.id, event.key), 0))
    was = before.markers.get((user.id, event.key))
    assert event.changed is (was is None or was < event.ms)
    assert not event.changed or event.key not in event.dropped


def _check_said(chat: Chat, stamp: int, event: Said) -> None:
    """A message fits into a line, comes back to who sent it, and was said by somebody who may speak there."""
    for piece, _ in pieces(event.text):
        line = f":{event.source} {event.kind} {event.target} :{piece}\r\n"
        assert len(line.encode()) <= 512
    assert has_pieces(event.text) or not event.multiline
    assert event.origin in chat.sessions
    assert set(event.audience).isdisjoint(event.copies)
    assert event.origin in event.audience or event.origin in event.copies
    assert not event.held or event.audience == ()
    assert not event.held or event.unheard or chat.held[event.target_id or 0] == stamp
    if event.channel_id is None:
        return
    channel = _channel(chat, event.target[event.target.index("#") :])
    sender = chat.sessions[event.origin]
    rank = channel.rank_of(sender)
    if rank is None:
        assert "n" not in channel.flags
        assert not channel.secret
    if rank is None or rank < Rank.VOICED:
        assert "m" not in channel.flags
        assert "M" not in channel.flags or sender.account_id is not None
        assert not channel.is_muted(sender)
    if event.target.startswith("#"):
        assert event.audience is channel.audience, "without a copy"
    else:
        assert set(event.audience) <= set(channel.audience)


def _check_modes_changed(chat: Chat, event: ModesChanged) -> None:
    """What is written down of a change of modes is what there is now."""
    channel = _channel(chat, event.channel)
    assert (event.flags, event.join_key, event.limit) == (channel.flags, channel.join_key, channel.limit)
    assert event.access == tuple((id, channel.access.get(id, "")) for id, _ in event.access)
    for letter, text in event.removed:
        entry = channel.lists[letter].get(casefold(text))
        assert entry is None or (letter, entry) in event.added, "what is set anew was removed before"
    for letter, entry in event.added:
        assert channel.lists[letter][casefold(entry.text)] == entry
