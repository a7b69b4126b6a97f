"""The laws of the chat, over any requests in any order.

The requests are made over so few names, channels and sessions that they meet. Each is first applied by a rule that
fails when everything is done, then for real; some are taken back later.
"""

from dataclasses import dataclass

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from securechat.chat import accounts, channels, machine, presence, talk
from securechat.chat.events import Event
from securechat.chat.machine import MAX_EVENTS, Applied, Chat
from securechat.chat.model import Role, Rules
from securechat.chat.refusals import Refusal
from securechat.chat.requests import (
    AddAccount,
    Arrive,
    ChangeNick,
    Collect,
    Depart,
    EnableAccount,
    Join,
    Part,
    Rehash,
    RemoveAccount,
    Request,
    Say,
    SetPassword,
    SetTopic,
    Speech,
    Start,
)
from securechat.chat.views import snapshot
from tests.chat.event_laws import Before, check_events
from tests.chat.invariants import check_chat, normal

_RULE_OF = {
    Start: presence.start,
    Arrive: presence.arrive,
    Depart: presence.depart,
    ChangeNick: presence.change_nick,
    Join: channels.join,
    Part: channels.part,
    SetTopic: channels.set_topic,
    Say: talk.say,
    Collect: talk.collect,
    AddAccount: accounts.add_account,
    SetPassword: accounts.set_password,
    Rehash: accounts.rehash,
    EnableAccount: accounts.enable_account,
    RemoveAccount: accounts.remove_account,
}


@dataclass
class _Failing:
    """A request whose rule does all that ``request`` asks for, and then fails."""

    request: Request


class _DeliberateError(Exception):
    pass


@machine.rule(_Failing)
def _fail(chat: Chat, stamp: int, request: _Failing, applied: Applied) -> None:
    _RULE_OF[type(request.request)](chat, stamp, request.request, applied)
    raise _DeliberateError


@dataclass
class _Step:
    """What was asked, and what became of it."""

    stamp: int
    request: Request
    before: dict[str, object]
    """The snapshot."""
    answer: Applied | Refusal
    events: list[Event]


_who = st.integers(0, 7)
_names = st.sampled_from(["ann", "bob", "eve"])
_nicks = st.sampled_from(["ann", "BOB", "eve", "Eve", "guest", "Guest", "other"])
_channels = st.sampled_from(["#lobby", "#tea", "#Tea", "#fun", "#hall"])
_texts = st.sampled_from(["hello", "", "é" * 20, "\U0001f600" * 64, "\U0001f600" * 120, "x" * 500])
_kinds: st.SearchStrategy[Speech] = st.sampled_from(["PRIVMSG", "NOTICE", "TAGMSG"])
_rules = st.builds(
    Rules,
    guests=st.sampled_from([True, True, False]),
    lobby=st.sampled_from(["#lobby", "#Hall"]),
    channels_per_user=st.sampled_from([100, 2]),
    topic_length=st.sampled_from([390, 10]),
)

# What may make no sense.
_sessions = st.integers(1, 9)
_any_nick = _nicks | st.sampled_from(["", "9", "a b", "x" * 33, "#tea"])
_any_channel = _channels | st.sampled_from(["", "#", "tea", "#a,b", "#" + "x" * 70])
_ids = st.sampled_from([None, 0, 5])
_anything: st.SearchStrategy[Request] = st.one_of(
    st.builds(
        Arrive, _sessions, _any_nick, st.just("~u"), st.just("h"), st.just("r"), _ids, _ids.map(lambda n: n or 0)
    ),
    st.builds(Depart, _sessions, _texts),
    st.builds(Join, _sessions, _any_channel),
    st.builds(Part, _sessions, _any_channel),
    st.builds(SetTopic, _sessions, _any_channel, _texts),
    st.builds(ChangeNick, _sessions, _any_nick),
    st.builds(Say, _sessions, _kinds, _any_channel | _any_nick, _texts),
    st.builds(Collect, _sessions, st.integers(0, 2**63)),
    st.builds(AddAccount, _any_nick, st.just("hash")),
    st.builds(SetPassword, _any_nick, st.just("hash"), st.none() | _sessions),
    st.builds(Rehash, _ids.map(lambda n: n or 0), _ids.map(lambda n: n or 0), st.just("hash")),
    st.builds(EnableAccount, _any_nick, st.booleans()),
    st.builds(RemoveAccount, _any_nick),
)


_somebody_is_there = precondition(lambda self: self.chat.sessions)


class Chats(RuleBasedStateMachine):
    """Makes requests, and holds the chat to its laws."""

    def __init__(self) -> None:
        super().__init__()
        self.chat = Chat()
        self.stamp = 999_000
        self.steps: list[_Step] = []
        self.lawful = True  # until a step fails: then there is nothing to look at in the end

    def ask(self, request: Request) -> None:
        self.lawful = False
        chat, stamp = self.chat, self.stamp
        self.stamp += MAX_EVENTS
        before, known = snapshot(chat), Before.of(chat)
        self._ask_in_vain(stamp, request)
        answer = chat.apply(stamp, request)
        if isinstance(answer, Applied):
            check_chat(chat)
            check_events(chat, known, stamp, answer.events)
            self.steps.append(_Step(stamp, request, before, answer, answer.events.copy()))
        else:
            assert snapshot(chat) == before
            assert type(request) is not Depart
            self.steps.append(_Step(stamp, request, before, answer, []))
        self.lawful = True

    def _ask_in_vain(self, stamp: int, request: Request) -> None:
        before = snapshot(self.chat)
        try:
            answer = self.chat.apply(stamp, _Failing(request))  # type: ignore[arg-type]
        except _DeliberateError:
            pass
        else:
            assert isinstance(answer, Refusal)
        assert snapshot(self.chat) == before

    def take_back_last(self) -> None:
        self.lawful = False
        step = self.steps.pop()
        if isinstance(step.answer, Applied):
            step.answer.undo()
        assert snapshot(self.chat) == step.before
        check_chat(self.chat)
        self.lawful = True

    def session(self, who: int) -> int:
        """One that is on the chat, if any is."""
        there = sorted(self.chat.sessions)
        return there[who % len(there)] if there else 1

    def own_channel(self, session: int, which: int) -> str:
        """One that the session is in, if it is in any."""
        user = self.chat.sessions.get(session)
        own = sorted(user.channels) if user else []
        return own[which % len(own)] if own else "#lobby"

    @initialize(rules=_rules, known=st.lists(_names, min_size=1, max_size=3, unique=True), guest=_nicks)
    def begin(self, rules: Rules, known: list[str], guest: str) -> None:
        self.ask(Start(Rules(lobby="#hall")))
        self.ask(Start(Rules()))
        self.ask(Start(rules))
        for name in known:
            self.login(name, guest, "#tea")
        self.visit(guest, "#fun")

    @rule(name=_names, nick=_nicks, channel=_channels)
    def login(self, name: str, nick: str, channel: str) -> None:
        if self.chat.account_named(name) is None:
            self.ask(AddAccount(name, "hash"))
        account = self.chat.account_named(name)
        assert account is not None
        session = max(self.chat.sessions, default=0) + 1
        self.ask(Arrive(session, nick, "~u", "h", "r", account.id, account.credential_set))
        self.ask(Join(session, channel))

    @rule(nick=_nicks, channel=_channels)
    def visit(self, nick: str, channel: str) -> None:
        session = max(self.chat.sessions, default=0) + 1
        self.ask(Arrive(session, nick, "~guest", "h", "r"))
        self.ask(Join(session, channel))

    @_somebody_is_there
    @rule(who=_who)
    def depart(self, who: int) -> None:
        self.ask(Depart(self.session(who), "gone"))

    @_somebody_is_there
    @rule(who=_who, channel=_channels)
    def join(self, who: int, channel: str) -> None:
        self.ask(Join(self.session(who), channel))

    @_somebody_is_there
    @rule(who=_who, which=_who)
    def part(self, who: int, which: int) -> None:
        session = self.session(who)
        self.ask(Part(session, self.own_channel(session, which)))

    @_somebody_is_there
    @rule(who=_who, which=_who, text=_texts)
    def set_topic(self, who: int, which: int, text: str) -> None:
        session = self.session(who)
        self.ask(SetTopic(session, self.own_channel(session, which), text))

    @_somebody_is_there
    @rule(who=_who, nick=_nicks)
    def change_nick(self, who: int, nick: str) -> None:
        self.ask(ChangeNick(self.session(who), nick))

    @_somebody_is_there
    @rule(who=_who, which=_who, kind=_kinds, text=_texts)
    def say_to_a_channel(self, who: int, which: int, kind: Speech, text: str) -> None:
        session = self.session(who)
        self.ask(Say(session, kind, self.own_channel(session, which), text))

    @_somebody_is_there
    @rule(who=_who, kind=_kinds, nick=_names | _nicks, text=_texts)
    def say_to_a_nick(self, who: int, kind: Speech, nick: str, text: str) -> None:
        self.ask(Say(self.session(who), kind, nick, text))

    @precondition(lambda self: self.chat.held)
    @rule(who=_who, off=st.sampled_from([0, 1, -1]))
    def collect(self, who: int, off: int) -> None:
        """Somebody finds what was kept for them."""
        waiting = sorted(self.chat.held)
        id = waiting[who % len(waiting)]
        if id not in self.chat.users_by_account:
            self.login(self.chat.accounts_by_id[id].name, "other", "#lobby")
        user = self.chat.users_by_account.get(id)
        self.ask(Collect(user.audience[0] if user else 1, self.chat.held[id] + off))

    @rule(name=_nicks, role=st.sampled_from(Role))
    def add_account(self, name: str, role: Role) -> None:
        self.ask(AddAccount(name, "hash", role))

    @rule(who=_who, name=_names)
    def set_password(self, who: int, name: str) -> None:
        self.ask(SetPassword(name, "another hash", self.session(who)))

    @rule(
        name=_names,
        change=st.sampled_from(["disable", "enable", "remove", "password", "rehash", "restart"]),
        rules=_rules,
    )
    def interfere(self, name: str, change: str, rules: Rules) -> None:
        match change:
            case "disable" | "enable":
                self.ask(EnableAccount(name, change == "enable"))
            case "remove":
                self.ask(RemoveAccount(name))
            case "password":
                self.ask(SetPassword(name, "another hash"))
            case "rehash":
                if (account := self.chat.account_named(name)) is not None:
                    self.ask(Rehash(account.id, account.credential_set, "the same, anew"))
            case "restart":
                self.ask(Start(rules))

    @rule(request=_anything)
    def whatever(self, request: Request) -> None:
        self.ask(request)

    @rule(count=st.integers(1, 5))
    def take_back(self, count: int) -> None:
        """As when a batch can't be stored. Not the starts with which it begins."""
        for _ in range(min(count, len(self.steps) - 3)):
            self.take_back_last()

    def teardown(self) -> None:
        """The same requests give the same chat and the same events, and the way back leads to the empty chat."""
        if not self.lawful:
            return
        first, second = Chat(), Chat()
        for step in self.steps:
            one, other = first.apply(step.stamp, step.request), second.apply(step.stamp, step.request)
            if isinstance(one, Applied):
                assert isinstance(other, Applied)
                assert one.events == other.events
                assert [normal(event) for event in one.events] == [normal(event) for event in step.events]
            else:
                assert one == other == step.answer
            assert snapshot(first) == snapshot(second)
        assert snapshot(first) == snapshot(self.chat)
        while self.steps:
            self.take_back_last()
        assert snapshot(self.chat) == snapshot(Chat())


TestChats = Chats.TestCase
TestChats.settings = settings(max_examples=250, stateful_step_count=40, deadline=None)
