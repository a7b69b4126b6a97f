"""Who is not in a secret channel learns nothing of it.

Two chats are led through the same life, except that one of them has a secret channel, ``#den``, in which much happens.
Whatever somebody asks or does who is not in it has the same answer in both, and they hear the same. They are no
operator of the server, and nobody invites them or gives the channel to them: these are the ways to be told of it.

Named exceptions: who joins ``#den``, or gives this name to another channel, finds it taken; and how long somebody has
been silent is told wherever they last spoke.
"""

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, is_dataclass, replace
from types import ModuleType
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from securechat.chat import redaction, views, views_history, views_metadata, views_people
from securechat.chat.events import Event, Returned, SessionsEnded
from securechat.chat.machine import MAX_EVENTS, Applied, Chat
from securechat.chat.model import Role, Rules
from securechat.chat.refusals import Reason, Refusal
from securechat.chat.requests import (
    AddAccount,
    Arrive,
    ChangeNick,
    ClearMetadata,
    Collect,
    Depart,
    Invite,
    Join,
    Kick,
    MarkRead,
    Original,
    Part,
    Redact,
    RenameChannel,
    Request,
    Say,
    SetMetadata,
    SetModes,
    SetOwner,
    SetTopic,
    Silence,
    Start,
)
from securechat.irc.modes import ModeChange
from tests.chat import any_request
from tests.chat.any_request import made
from tests.chat.invariants import normal
from tests.chat.room import GUESTS, Room

ANN, BOB, EVE, CAT = 1, 2, 3, 4
"""The sessions of those who may be in the den, and of those who never are; Eve is the one who asks."""

STRANGER = 99
"""A session that is not on the chat."""

_NICKS = ["ann", "bob", "eve", "cat", "nobody"]
_CHANNELS = ["#den", "#DEN", "#lobby", "#fun", "#none"]

Question = Callable[[Chat, int], object]

QUESTIONS: dict[str, Question] = {
    "seen_channel": lambda chat, me: [views.seen_channel(chat, me, name) is None for name in _CHANNELS],
    "channel_view": lambda chat, me: [views.channel_view(chat, me, name) for name in _CHANNELS],
    "topic_of": lambda chat, me: [views.topic_of(chat, me, name) for name in _CHANNELS],
    "list_channels": lambda chat, me: [views.list_channels(chat, me, names) for names in (None, _CHANNELS)],
    "channel_modes": lambda chat, me: [views.channel_modes(chat, me, name, "beI") for name in _CHANNELS],
    "channel_names": views.channel_names,
    "invitations": views.invitations,
    "owner_of": lambda chat, me: [views.owner_of(chat, me, name) for name in _CHANNELS],
    "user_modes": lambda chat, me: [views.user_modes(chat, nick) for nick in _NICKS],
    "population": lambda chat, me: views.population(chat),
    "members": lambda chat, me: [_people(views_people.members(chat, me, name)) for name in _CHANNELS],
    "person": lambda chat, me: [_people(views_people.person(chat, me, nick)) for nick in _NICKS],
    "candidates": lambda chat, me: views_people.candidates(chat),
    "visible": lambda chat, me: _people(views_people.visible(chat, me, list(chat.users))),
    "whois": lambda chat, me: [_whois(chat, me, nick) for nick in _NICKS],
    "sources": lambda chat, me: views_people.sources(chat, _NICKS),
    "silenced": views_people.silenced,
    "present": lambda chat, me: views_people.present(chat, _NICKS),
    "is_here": lambda chat, me: [views_people.is_here(chat, name) for name in _NICKS + _CHANNELS],
    "described": lambda chat, me: [views_metadata.described(chat, me, name) for name in [*_NICKS, *_CHANNELS, "*"]],
    "members_described": lambda chat, me: [views_metadata.members_described(chat, me, name) for name in _CHANNELS],
    "all_described": lambda chat, me: views_metadata.all_described(chat, me, _NICKS),
    "past_of": lambda chat, me: [_past(views_history.past_of(chat, me, name)) for name in _NICKS + _CHANNELS],
    "all_pasts": lambda chat, me: _pasts(chat, me),
    "marker_of": lambda chat, me: [views_history.marker_of(chat, me, name) for name in _NICKS + _CHANNELS],
    "markers_of": views_history.markers_of,
    "names_of": lambda chat, me: views_history.names_of(chat, [(user.id, "eve") for user in chat.users.values()]),
}
"""Every question that there is, by the name of the function that answers it."""

NO_QUESTIONS = {
    "snapshot": "for comparing chats in tests",
    "bans": "for operators only",
    "bound": "of the answers above; what is said elsewhere does not show in them",
}


def _people(found: list[views_people.Person]) -> list[views_people.Person]:
    """Without how long they have been silent."""
    return [person._replace(last_spoke=0) for person in found]


def _whois(chat: Chat, session: int, nick: str) -> views_people.Whois | None:
    answer = views_people.whois(chat, session, nick)
    return replace(answer, person=answer.person._replace(last_spoke=0)) if answer else None


def _past(past: views_history.Past | None) -> views_history.Past | None:
    """Without the stamp of what was asked last, of whatever."""
    return replace(past, last=0) if past else None


def _pasts(chat: Chat, session: int) -> object:
    found = views_history.all_pasts(chat, session)
    return found and (found.party, [_past(past) for past in found.channels])


def _functions(module: ModuleType) -> Iterator[str]:
    for name, function in inspect.getmembers(module, inspect.isfunction):
        if function.__module__ == module.__name__ and not name.startswith("_"):
            yield name


def test_no_question_is_left_out() -> None:
    names = [name for module in (views, views_people, views_metadata, views_history) for name in _functions(module)]
    assert sorted(names) == sorted([*QUESTIONS, *NO_QUESTIONS])


_channels = st.sampled_from(_CHANNELS)
_nicks = st.sampled_from(_NICKS)
_eve = st.just(EVE)
_keys = st.sampled_from(["url", "Bad Key"])
_by_eve: st.SearchStrategy[Request] = st.one_of(
    st.builds(Part, _eve, _channels),
    st.builds(Kick, _eve, _channels, _nicks),
    st.builds(Invite, _eve, _nicks, _channels),
    st.builds(SetTopic, _eve, _channels, any_request.texts),
    st.builds(SetModes, _eve, _channels, any_request.changes),
    st.builds(RenameChannel, _eve, _channels, st.sampled_from(["#fun", "#none", "bad"])),
    st.builds(SetOwner, _eve, _channels, _nicks | st.none()),
    st.builds(Say, _eve, any_request.kinds, _channels | _channels.map("@{}".format) | _nicks, any_request.texts),
    st.builds(SetMetadata, _eve, _channels | _nicks, _keys, st.sampled_from(["red", None])),
    st.builds(ClearMetadata, _eve, _channels | _nicks),
    st.builds(Join, _eve, st.sampled_from(["#lobby", "#fun"])),
    st.builds(Silence, _eve, st.booleans(), _nicks),
    st.builds(ChangeNick, _eve, st.sampled_from(["eve", "evelyn"])),
    st.builds(Collect, _eve, st.just(2**62)),
    st.builds(MarkRead, _eve, _channels | _nicks, any_request.times),
)


def _tells_nobody(request: Request) -> bool:
    """Whether it is none by which Eve is told of the channel it is about, on purpose."""
    match request:
        case Invite(nick="eve" | "Eve" | "evelyn") | SetOwner(account="eve") | RenameChannel():
            return False
        case SetModes():
            return ModeChange(False, "s") not in request.changes
    return True


_in_the_den = any_request.in_own_channel.filter(_tells_nobody)


@dataclass
class _Heard:
    kind: type
    what: dict[str, object]


def _heard(answer: Applied | Refusal, session: int) -> list[_Heard]:
    """What a session hears of what became of a request."""
    return [_Heard(type(event), _content(event, session)) for event in _events(answer) if session in _hearers(event)]


def _events(answer: Applied | Refusal) -> list[Event]:
    return answer.events if isinstance(answer, Applied) else []


_WHO_HEARS = {"audience", "copies", "joiners", "own", "watchers"}


def _hearers(event: Event) -> set[int]:
    if isinstance(event, SessionsEnded):
        return set(event.sessions)
    if isinstance(event, Returned):
        return {session for place in event.places for session in place.audience}
    return {session for name in _WHO_HEARS for session in getattr(event, name, ())}


def _content(event: Event, session: int) -> dict[str, object]:
    """All that a hearer may learn of an event: not who else hears it, nor in which channels somebody is besides."""
    assert is_dataclass(event)
    if isinstance(event, Returned):
        event = replace(event, places=tuple(place for place in event.places if session in place.audience), forgotten=())
    names = {field.name for field in fields(event)} - _WHO_HEARS - {"channels", "channel_ids", "members"}
    return {name: normal(getattr(event, name)) for name in names}


class TwoChats(RuleBasedStateMachine):
    """One with a den, and one without."""

    def __init__(self) -> None:
        super().__init__()
        self.with_den, self.without = Chat(), Chat()
        self.stamp = 1_000_000

    def both(self, request: Request) -> None:
        """Something happens that has nothing to do with the den."""
        self.stamp += MAX_EVENTS
        one, other = (chat.apply(self.stamp, request) for chat in (self.with_den, self.without))
        assert _heard(one, EVE) == _heard(other, EVE)
        if getattr(request, "session", None) == EVE:
            assert type(one) is type(other)
            assert one == other or isinstance(one, Applied)
            assert list(map(normal, _events(one))) == list(map(normal, _events(other)))
        self.compare()

    def in_the_den(self, request: Request) -> None:
        self.stamp += MAX_EVENTS
        answer = self.with_den.apply(self.stamp, request)
        assert not _heard(answer, EVE)
        self.compare()

    def compare(self) -> None:
        for name, ask in QUESTIONS.items():
            for session in (EVE, STRANGER):
                assert ask(self.with_den, session) == ask(self.without, session), name

    @initialize(guests=st.booleans())
    def begin(self, guests: bool) -> None:
        self.both(Start(Rules(guests=guests)))
        for number, name in enumerate(("ann", "bob", "eve", "cat"), 1):
            self.both(AddAccount(name, "hash", Role.ADMIN if name == "ann" else Role.MEMBER))
            self.come(number)
            self.both(Join(number, "#lobby"))
        self.both(Join(EVE, "#fun"))
        for request in (Join(ANN, "#den"), SetModes(ANN, "#den", (ModeChange(True, "s"),))):
            self.stamp += MAX_EVENTS
            self.with_den.apply(self.stamp, request)
        self.in_the_den(Join(BOB, "#den"))

    def come(self, session: int) -> None:
        name = _NICKS[session - 1]
        account = self.without.accounts[name]
        self.both(Arrive(session, name, "~u", "h", "r", account.id, account.credential_set))

    @rule(request=_by_eve)
    def eve_does(self, request: Request) -> None:
        self.both(request)

    @rule(
        name=_channels | _channels.map("@{}".format) | _nicks,
        place=st.sampled_from(["#den", "#lobby", "#fun", None]),
        written=_channels | _channels.map("@{}".format) | _nicks,
        parties=st.tuples(_nicks, _nicks),
        ago=st.integers(0, 20),
    )
    def eve_takes_back(self, name: str, place: str | None, written: str, parties: tuple[str, str], ago: int) -> None:
        """Or wants to, a message of which she has the msgid, wherever it was said."""
        channel = self.with_den.channels.get(place) if place else None
        author, other = (self.with_den.accounts.get(nick) for nick in parties)
        message = Original(
            self.stamp - ago * MAX_EVENTS,
            author.id if author else None,
            channel.id if channel else None,
            written,
            other.id if other and not channel else None,
        )
        self.both(Redact(EVE, name, message, "gone"))
        answers = {redaction.unknown(chat, EVE, name, "x") for chat in (self.with_den, self.without)}
        assert len(answers) == 1

    @rule(requests=st.lists(_by_eve, min_size=1, max_size=8))
    def eve_does_much(self, requests: list[Request]) -> None:
        for request in requests:
            self.both(request)

    @rule(session=st.sampled_from([ANN, BOB]), requests=st.lists(_in_the_den, min_size=1, max_size=8))
    def act_in_the_den(self, session: int, requests: list[Request]) -> None:
        for request in requests:
            self.in_the_den(made(request, session, "#den", ["ann", "bob", "cat"]))

    @precondition(lambda self: "#den" in self.with_den.channels)  # else it would be made anew, for all to see
    @rule(session=st.sampled_from([ANN, BOB]))
    def join_the_den(self, session: int) -> None:
        self.in_the_den(Join(session, "#den", "key"))

    @rule(
        session=st.sampled_from([ANN, BOB, CAT]),
        request=any_request.of_oneself | any_request.of_operators | any_request.in_own_channel,
        channel=st.sampled_from(["#lobby", "#fun"]),
    )
    def act_elsewhere(self, session: int, request: Request, channel: str) -> None:
        self.both(made(request, session, channel, _NICKS))

    @rule(session=st.sampled_from([ANN, BOB, CAT]), channel=st.sampled_from(["#lobby", "#fun", "#tea"]))
    def join(self, session: int, channel: str) -> None:
        self.both(Join(session, channel))

    @rule(session=st.sampled_from([ANN, BOB, EVE, CAT]), coming=st.booleans())
    def come_or_go(self, session: int, coming: bool) -> None:
        if coming:
            self.come(session)
        else:
            self.both(Depart(session, "gone"))


TestSecrecy = TwoChats.TestCase
TestSecrecy.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)


@pytest.fixture
def room() -> Room:
    """Ann, 1, is in the den, which is hers; Eve, 2, is not."""
    room = Room(GUESTS)
    room.member("ann", "#den")
    room.member("eve", "#fun")
    room.mode(1, "#den", "+s")
    return room


_NAMED = "#name"

_ALL_BUT_JOIN: list[Request] = [
    Part(2, _NAMED),
    Kick(2, _NAMED, "ann"),
    Kick(2, _NAMED, "nobody"),
    Invite(2, "ann", _NAMED),
    Invite(2, "eve", _NAMED),
    SetTopic(2, _NAMED, "x"),
    SetModes(2, _NAMED, (ModeChange(True, "o", "eve"),)),
    SetModes(2, _NAMED, (ModeChange(False, "o", "eve"),)),
    SetModes(2, _NAMED, (ModeChange(True, "Z"),)),
    SetModes(2, _NAMED, ()),
    RenameChannel(2, _NAMED, "#tea"),
    SetOwner(2, _NAMED, "eve"),
    SetOwner(2, _NAMED, "nobody"),
    Say(2, "PRIVMSG", _NAMED, "hello?"),
    Say(2, "PRIVMSG", "@" + _NAMED, "hello?"),
    SetMetadata(2, _NAMED, "url", "x"),
    SetMetadata(2, _NAMED, "Bad Key", "x"),
    ClearMetadata(2, _NAMED),
    MarkRead(2, _NAMED, 1),
    *(
        Redact(2, prefix + _NAMED, Original(1_000_100, author, channel, _NAMED, None), "x")
        for prefix in ("", "@")
        for author in (None, 1_000_032)
        for channel in (None, 1_000_064)
    ),
]


@pytest.mark.parametrize("request_", _ALL_BUT_JOIN, ids=repr)
def test_a_secret_channel_is_as_one_that_is_not_there(room: Room, request_: Request) -> None:
    def about(name: str) -> Refusal:
        found: dict[str, Any] = {
            field.name: value.replace(_NAMED, name)
            for field in fields(request_)
            if isinstance(value := getattr(request_, field.name), str)
        }
        answer = room.chat.apply(room.stamp + MAX_EVENTS, replace(request_, **found))
        assert isinstance(answer, Refusal)
        return Refusal(answer.reason, tuple(word.replace(name, _NAMED) for word in answer.context))

    assert about("#den") == about("#none")
    assert about("#den").reason in (
        Reason.NO_SUCH_CHANNEL, Reason.METADATA_TARGET, Reason.NO_SUCH_NICK, Reason.REDACT_TARGET,
    )  # fmt: skip


def test_the_exceptions(room: Room) -> None:
    """A name can't be two channels', and who comes in is in it: so much is learned by trying."""
    room.refused(RenameChannel(2, "#fun", "#DEN"), Reason.CHANNEL_NAME_IN_USE, "#fun", "#DEN")
    room.do(Join(2, "#den"))
    assert room.nicks("#den") == {"ann": "@", "eve": ""}


def test_an_operator_of_the_server_may_give_it_away(room: Room) -> None:
    boss = room.enter(room.account("boss", Role.ADMIN))
    assert views.owner_of(room.chat, boss, "#den") == ("#den", "ann")
    assert views.owner_of(room.chat, 2, "#den") is None
    room.do(SetOwner(boss, "#den", "eve"))
    assert room.chat.channels["#den"].founder == room.chat.accounts["eve"].id
    room.refused(Kick(boss, "#den", "ann"), Reason.NO_SUCH_CHANNEL, "#den")
