"""The laws of the chat, over any requests in any order.

Each request is first applied by a rule that fails when everything is done, then for real; some are taken back later.
"""

from dataclasses import dataclass

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from securechat.chat import machine
from securechat.chat.events import Event, Said
from securechat.chat.machine import MAX_EVENTS, Applied, Chat
from securechat.chat.model import Role, Rules
from securechat.chat.refusals import Refusal
from securechat.chat.requests import (
    AddAccount,
    Arrive,
    Collect,
    Depart,
    EnableAccount,
    ForgetIds,
    Join,
    LogIn,
    Redact,
    Registrant,
    Rehash,
    RemoveAccount,
    Request,
    Say,
    SetPassword,
    SetRules,
    Speech,
    Start,
)
from securechat.chat.stamps import STEP_BITS
from securechat.chat.views import snapshot
from tests.chat import any_request
from tests.chat.any_request import made
from tests.chat.event_laws import Before, check_events
from tests.chat.invariants import check_chat, normal
from tests.chat.story_keeping import original


@dataclass
class _Failing:
    """A request whose rule does all that ``request`` asks for, and then fails."""

    request: Request


class _DeliberateError(Exception):
    pass


@machine.rule(_Failing)
def _fail(chat: Chat, stamp: int, request: _Failing, applied: Applied) -> None:
    machine._rules[type(request.request)](chat, stamp, request.request, applied)
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
_moments = st.sampled_from([0, 1, 4, 20])


def _several(requests: st.SearchStrategy[Request]) -> st.SearchStrategy[list[Request]]:
    """So that there is more of these than of the rules which send people away."""
    return st.lists(requests, min_size=1, max_size=8)


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
            silent = isinstance(request, Depart) and request.silent
            assert answer.events or silent or snapshot(chat) == before, "nothing happens of which there is no event"
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

    def moment(self, ago: int) -> int:
        """A stamp so many requests ago; 0 stays 0."""
        return max(self.stamp - ago * MAX_EVENTS, 1) if ago else 0

    def own_channel(self, session: int, which: int) -> str:
        """One that the session is in, if it is in any."""
        user = self.chat.sessions.get(session)
        own = sorted(user.channels) if user else []
        return own[which % len(own)] if own else "#lobby"

    @initialize(
        rules=any_request.rules,
        known=st.lists(any_request.names, min_size=1, max_size=3, unique=True),
        guest=any_request.nicks,
    )
    def begin(self, rules: Rules, known: list[str], guest: str) -> None:
        self.ask(Start(Rules(lobby="#hall")))
        self.ask(Start(Rules()))
        self.ask(Start(rules))
        for name in known:
            self.login(name, guest, "#tea")
        self.visit(guest, "#fun")

    @rule(
        name=any_request.names,
        nick=any_request.nicks,
        channel=any_request.channels,
        away=st.sampled_from([None, "*"]),
        device=any_request.devices,
        seen=_moments,
        asks=st.booleans(),
    )
    def login(
        self,
        name: str,
        nick: str,
        channel: str,
        away: str | None = None,
        device: str = "",
        seen: int = 0,
        asks: bool = False,
    ) -> None:
        if self.chat.account_named(name) is None:
            self.ask(AddAccount(name, "hash"))
        account = self.chat.account_named(name)
        assert account is not None
        session = max(self.chat.sessions, default=0) + 1
        self.ask(
            Arrive(
                session,
                nick,
                "~u",
                "h",
                "r",
                account.id,
                account.credential_set,
                away=away,
                device=device,
                seen=self.moment(seen),
                asks=asks,
            )
        )
        self.ask(Join(session, channel))

    @rule(nick=any_request.nicks, channel=any_request.channels, address=any_request.addresses)
    def visit(self, nick: str, channel: str, address: str = "") -> None:
        session = max(self.chat.sessions, default=0) + 1
        self.ask(Arrive(session, nick, "~guest", "h", "r", address=address))
        self.ask(Join(session, channel))

    @_somebody_is_there
    @rule(who=_who, seen=_moments, silent=st.sampled_from([False, False, True]))
    def depart(self, who: int, seen: int, silent: bool) -> None:
        self.ask(Depart(self.session(who), "gone", self.moment(seen), silent))

    @rule(ms=st.sampled_from([1, 2000, 86_400_000]))
    def wait(self, ms: int) -> None:
        self.stamp += ms << STEP_BITS

    @_somebody_is_there
    @rule(who=_who, channel=any_request.channels, key=st.sampled_from(["key", ""]))
    def join(self, who: int, channel: str, key: str) -> None:
        self.ask(Join(self.session(who), channel, key))

    @_somebody_is_there
    @rule(who=_who, which=_who, requests=_several(any_request.in_own_channel))
    def act_in_a_channel(self, who: int, which: int, requests: list[Request]) -> None:
        session = self.session(who)
        for request in requests:
            self.ask(made(request, session, self.own_channel(session, which), sorted(self.chat.users)))

    @_somebody_is_there
    @rule(who=_who, requests=_several(any_request.in_own_channel))
    def act_with_rank(self, who: int, requests: list[Request]) -> None:
        """Operators of channels do something in them."""
        for number, request in enumerate(requests):
            able = sorted(
                (user.audience[0], key)
                for key, channel in self.chat.channels.items()
                for user, membership in channel.members.items()
                if membership.operator and user.audience
            )
            if able:
                session, channel = able[(who + number // 3) % len(able)]
                self.ask(made(request, session, channel, sorted(self.chat.users)))

    @_somebody_is_there
    @rule(who=_who, requests=_several(any_request.of_oneself))
    def say_of_oneself(self, who: int, requests: list[Request]) -> None:
        for request in requests:
            self.ask(made(request, self.session(who)))

    @_somebody_is_there
    @rule(who=_who, requests=_several(any_request.of_operators))
    def operate(self, who: int, requests: list[Request]) -> None:
        for request in requests:
            able = sorted(session for session, user in self.chat.sessions.items() if user.operator)
            session = able[who % len(able)] if able else self.session(who)
            self.ask(made(request, session, there=sorted(self.chat.users) or ["nobody"]))

    @_somebody_is_there
    @rule(who=_who, name=any_request.names)
    def log_in(self, who: int, name: str) -> None:
        account = self.chat.account_named(name)
        if account is not None:
            self.ask(LogIn(self.session(who), account.id, account.credential_set, "h2"))

    @_somebody_is_there
    @rule(who=_who, name=any_request.nicks)
    def register(self, who: int, name: str) -> None:
        self.ask(AddAccount(name, "hash", by=Registrant(self.session(who), "192.0.2.1", "h2")))

    @_somebody_is_there
    @rule(
        who=_who,
        kind=any_request.kinds,
        nick=any_request.names | any_request.nicks,
        text=any_request.texts,
        client_id=any_request.client_ids,
    )
    def say_to_a_nick(self, who: int, kind: Speech, nick: str, text: str, client_id: str) -> None:
        self.ask(Say(self.session(who), kind, nick, text, client_id=client_id))

    @_somebody_is_there
    @rule(who=_who, which=_who, name=st.none() | any_request.channels | any_request.nicks, text=any_request.texts)
    def take_a_message_back(self, who: int, which: int, name: str | None, text: str) -> None:
        """One that was said, by its author or by somebody who tries."""
        said = [event for step in self.steps[-50:] for event in step.events if isinstance(event, Said)]
        stored = [event for event in said if event.kind != "TAGMSG" and not event.unheard]
        if stored:
            event = stored[which % len(stored)]
            authors = [session for session in self.chat.sessions if self.chat.sessions[session].id == event.account_id]
            session = authors[0] if authors and who % 2 else self.session(who)
            self.ask(Redact(session, event.target if name is None else name, original(event), text))

    @_somebody_is_there
    @rule(who=_who, which=_who, again=st.booleans(), text=any_request.texts)
    def say_and_think_again(self, who: int, which: int, again: bool, text: str) -> None:
        """Say something, and say it again or take it back."""
        session = self.session(who)
        say = Say(session, "PRIVMSG", self.own_channel(session, which), text, client_id="c")
        self.ask(say)
        said = [event for event in self.steps[-1].events if isinstance(event, Said)]
        if again:
            self.ask(say)
        elif said:
            self.ask(Redact(session, said[0].target, original(said[0]), text))

    @precondition(lambda self: self.chat.users_by_account)
    @rule(who=_who, device=any_request.devices, seen=_moments, asks=st.booleans())
    def go_and_come_back(self, who: int, device: str, seen: int, asks: bool) -> None:
        """Somebody who has an account."""
        there = sorted(self.chat.users_by_account)
        id = there[who % len(there)]
        for session in list(self.chat.users_by_account[id].sessions):
            self.ask(Depart(session, "gone", self.moment(seen)))
        account = self.chat.accounts_by_id[id]
        session = max(self.chat.sessions, default=0) + 1
        self.ask(Arrive(session, account.name, "~u", "h", "r", id, account.credential_set, device=device, asks=asks))

    @precondition(lambda self: self.chat.held)
    @rule(who=_who, off=st.sampled_from([0, 1, -1]))
    def collect(self, who: int, off: int) -> None:
        """Somebody finds what was kept for them."""
        waiting = sorted(self.chat.held)
        id = waiting[who % len(waiting)]
        if id not in self.chat.users_by_account:
            self.login(self.chat.accounts_by_id[id].name, "other", "#lobby")
        user = self.chat.users_by_account.get(id)
        self.ask(Collect(user.audience[0] if user and user.audience else 1, self.chat.held[id] + off))

    @_somebody_is_there
    @rule(who=_who, ago=_moments)
    def catch_up(self, who: int, ago: int) -> None:
        """Somebody has been shown what they had missed."""
        behind = sorted(session for session, user in self.chat.sessions.items() if session in user.catching_up)
        self.ask(Collect(behind[who % len(behind)] if behind else self.session(who), self.moment(ago)))

    @rule(name=any_request.nicks, role=st.sampled_from(Role))
    def add_account(self, name: str, role: Role) -> None:
        self.ask(AddAccount(name, "hash", role))

    @rule(who=_who, name=any_request.names)
    def set_password(self, who: int, name: str) -> None:
        self.ask(SetPassword(name, "another hash", self.session(who)))

    @precondition(lambda self: self.chat.invite_codes)
    @rule(who=_who, name=any_request.nicks)
    def use_a_code(self, who: int, name: str) -> None:
        """For what it is for, or for something else."""
        code = self.chat.invite_codes[sorted(self.chat.invite_codes)[who % len(self.chat.invite_codes)]]
        account = self.chat.accounts_by_id.get(code.account_id)
        if account is not None and who % 4:
            self.ask(SetPassword(account.name, "another hash", code=code.digest))
        else:
            self.ask(AddAccount(code.name or name, "hash", code=code.digest))

    @rule(
        name=any_request.names,
        change=st.sampled_from(["disable", "enable", "remove", "password", "rehash", "restart", "rules", "forget"]),
        rules=any_request.rules,
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
                self.ask(Start(rules, self.moment(4)))
            case "rules":
                self.ask(SetRules(rules))
            case "forget":
                self.ask(ForgetIds(self.moment(4)))

    @rule(request=any_request.anything)
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
TestChats.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)
