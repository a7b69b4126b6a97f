"""What holds of every chat after every request, and of the events that a request has."""

from collections.abc import Sequence
from dataclasses import fields, is_dataclass

from securechat.chat.events import Event, Joined, NickChanged, Said, SessionsEnded
from securechat.chat.machine import MAX_EVENTS, Chat
from securechat.chat.model import Channel, User
from securechat.irc.names import casefold, valid_nick


def check_chat(chat: Chat) -> None:
    """What is said in two places is the same in both, and what must not be is not."""
    assert chat.accounts_by_id == {account.id: account for account in chat.accounts.values()}
    assert all(key == casefold(account.name) for key, account in chat.accounts.items())
    assert chat.held.keys() <= chat.accounts_by_id.keys()
    assert chat.sessions == {session: user for user in chat.users.values() for session in user.sessions}
    assert sum(len(user.sessions) for user in chat.users.values()) == len(chat.sessions)
    assert chat.users_by_account == {
        user.account_id: user for user in chat.users.values() if user.account_id is not None
    }
    assert len(chat.users_by_account) == sum(user.account_id is not None for user in chat.users.values())
    for key, user in chat.users.items():
        assert key == user.key
        _check_user(chat, user)
    for key, channel in chat.channels.items():
        assert key == channel.key
        _check_channel(chat, channel)
    if chat.channels:  # so it has started
        assert chat.channels[casefold(chat.rules.lobby)].founder == 0, "the lobby is there, and the server's"
    assert len({channel.id for channel in chat.channels.values()}) == len(chat.channels)


def _check_user(chat: Chat, user: User) -> None:
    assert user.key == casefold(user.nick)
    assert valid_nick(user.nick)
    assert user.source == f"{user.nick}!{user.username}@{user.host}"
    assert user.sessions, "a user goes with the last session"
    assert user.audience == tuple(user.sessions)
    assert all(chat.channels[key] is channel and user in channel.members for key, channel in user.channels.items())
    assert len(user.channels) <= chat.rules.channels_per_user
    owner = chat.accounts.get(user.key)
    assert owner is None or owner.id == user.account_id, "nobody but its owner wears an account's name"
    if user.account_id is None:
        assert user.account is None
        assert chat.rules.guests
    else:
        account = chat.accounts_by_id[user.account_id]
        assert account.enabled
        assert user.account == account.name
        assert chat.rules.guests or user.nick == account.name


def _check_channel(chat: Chat, channel: Channel) -> None:
    assert channel.key == casefold(channel.name)
    assert channel.members or channel.lasting, "an empty channel that belongs to nobody goes"
    assert channel.audience == tuple(session for user in channel.members for session in user.sessions)
    assert [(m.prefix, m.nick, m.source) for m in channel.roll] == [
        (membership.prefix, user.nick, user.source) for user, membership in channel.members.items()
    ]
    assert channel.founder is None or channel.founder == 0 or channel.founder in chat.accounts_by_id
    for user, membership in channel.members.items():
        assert chat.users[user.key] is user
        assert user.channels[channel.key] is channel
        assert not (channel.founder == 0 and membership.operator), "the server's channels are nobody else's"
        if channel.founder is not None and channel.founder == user.account_id:
            assert membership.operator, "its owner is always its operator"


def check_events(chat: Chat, before: set[int], stamp: int, events: Sequence[Event]) -> None:
    """Check the events of a request that has just been applied; ``before`` are the sessions before it.

    Whom an event names as a listener is on the chat after the request: who has gone hears of it only from
    :class:`SessionsEnded`, which names none that is still there.
    """
    assert [event.stamp for event in events] == [stamp + place for place in range(len(events))]
    assert len(events) <= MAX_EVENTS
    for event in events:
        for name in ("audience", "copies", "joiners", "own"):
            listeners: tuple[int, ...] = getattr(event, name, ())
            assert len(set(listeners)) == len(listeners), "nobody hears anything twice"
            assert chat.sessions.keys() >= set(listeners)
        match event:
            case SessionsEnded():
                assert event.sessions
                assert before.issuperset(event.sessions)
                assert chat.sessions.keys().isdisjoint(event.sessions)
            case Said():
                line = f":{event.source} {event.kind} {event.target} :{event.text}\r\n"
                assert len(line.encode()) <= 512
                assert event.origin in chat.sessions
                assert set(event.audience).isdisjoint(event.copies)
                assert not event.held or (event.audience == () and chat.held[event.target_id or 0] == stamp)
                if event.channel_id is not None:
                    channel = chat.channels[casefold(event.target)]
                    assert chat.sessions[event.origin] in channel.members
                    assert event.audience is channel.audience, "without a copy"
            case Joined():
                assert set(event.joiners) <= set(event.audience)
            case NickChanged():
                assert set(event.own) <= set(event.audience)


def normal(value: object) -> object:
    """An event without the order of its listeners, members and channels: nobody is promised one, and undo loses it."""
    if isinstance(value, tuple):
        return sorted(map(normal, value), key=repr)
    if is_dataclass(value) and not isinstance(value, type):
        return type(value), {field.name: normal(getattr(value, field.name)) for field in fields(value)}
    return value
