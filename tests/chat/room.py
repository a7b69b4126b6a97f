"""A chat to try things in."""

from typing import TypeVar

from securechat.chat.events import AccountAdded, Arrived, DevicesSeen, Event, ModesChanged, UserModesChanged
from securechat.chat.machine import MAX_EVENTS, Applied, Chat
from securechat.chat.model import Account, Role, Rules
from securechat.chat.modes import ALL_KINDS
from securechat.chat.refusals import Reason, Refusal
from securechat.chat.requests import AddAccount, Arrive, Depart, Join, Request, SetModes, SetUserModes, Start
from securechat.chat.stamps import STEP_BITS
from securechat.chat.views import snapshot
from securechat.irc.modes import ModeChange, parse_modes
from tests.chat.event_laws import Before, check_events
from tests.chat.invariants import check_chat, normal

E = TypeVar("E")

FIRST_STAMP = 1_000_000


def heard(events: list[Event]) -> list[Event]:
    """Without what the server only notes for itself: up to where devices have seen what was said."""
    return [event for event in events if not isinstance(event, DevicesSeen)]


class Room:
    """A chat that has started, whose stamps and session numbers rise by themselves.

    Every request is applied, taken back and applied again, so that each example shows that undo is exact, too.
    ``log`` holds what was asked, with the stamps; ``events`` what was accepted.
    """

    def __init__(self, rules: Rules | None = None) -> None:
        self.chat = Chat()
        self.stamp = FIRST_STAMP
        self.log: list[tuple[int, Request]] = []
        self.events: list[Event] = []
        self._session = 0
        self.do(Start(rules or Rules()))

    def do(self, request: Request) -> list[Event]:
        """The events of a request that is accepted."""
        chat, stamp = self.chat, self._next(request)
        before, known = snapshot(chat), Before.of(chat)
        first = chat.apply(stamp, request)
        assert isinstance(first, Applied), first
        events, after = first.events.copy(), snapshot(chat)
        check_chat(chat)
        check_events(chat, known, stamp, events)
        first.undo()
        assert snapshot(chat) == before
        check_chat(chat)
        second = chat.apply(stamp, request)
        assert isinstance(second, Applied)
        assert [normal(event) for event in second.events] == [normal(event) for event in events]
        assert snapshot(chat) == after
        self.events += events
        return events

    def one(self, request: Request, kind: type[E]) -> E:
        """The only event of a request that anybody hears of."""
        (event,) = heard(self.do(request))
        assert isinstance(event, kind)
        return event

    def refused(self, request: Request, reason: Reason, *context: str) -> None:
        """A request that is refused, and changes nothing."""
        before = snapshot(self.chat)
        assert self.chat.apply(self._next(request), request) == Refusal(reason, context)
        assert snapshot(self.chat) == before

    def account(self, name: str, role: Role = Role.MEMBER) -> Account:
        added = self.do(AddAccount(name, f"hash of {name}'s", role))[0]
        assert isinstance(added, AccountAdded)
        return added.account

    def login(self, account: Account, nick: str = "", *, device: str = "", seen: int = 0) -> Arrive:
        """The request of one more session of an account, as a client with the right password makes it."""
        self._session += 1
        name = account.name
        return Arrive(
            self._session,
            nick or name,
            f"~{name}",
            "host",
            f"{name}'s name",
            account.id,
            account.credential_set,
            device=device,
            seen=seen,
        )

    def visit(self, nick: str) -> Arrive:
        """The request of a session without an account."""
        self._session += 1
        return Arrive(self._session, nick, "~guest", "host", "a guest")

    def enter(self, who: Account | str, *channels: str, device: str = "", seen: int = 0) -> int:
        """The session of an account, or of a guest with this nick, that is on the chat and in these channels."""
        login = self.login(who, device=device, seen=seen) if isinstance(who, Account) else self.visit(who)
        event = self.do(login)[0]
        assert isinstance(event, Arrived)
        for channel in channels:
            self.do(Join(event.session, channel))
        return event.session

    def member(self, name: str, *channels: str) -> int:
        """The session of an account that is new, and there."""
        return self.enter(self.account(name), *channels)

    def mode(self, session: int, channel: str, *params: str) -> ModesChanged:
        """What becomes of a MODE with these parameters."""
        return self.one(SetModes(session, channel, parse_modes(ALL_KINDS, params, 100).changes), ModesChanged)

    def user_mode(self, session: int, letters: str) -> UserModesChanged:
        """What becomes of a MODE of oneself with these letters, all with the same sign."""
        changes = tuple(ModeChange(letters[0] == "+", letter) for letter in letters[1:])
        return self.one(SetUserModes(session, changes), UserModesChanged)

    def modes(self, channel: str) -> str:
        """A channel's modes, as a member sees them."""
        return " ".join(self.chat.channels[channel].mode_words(with_key=True))

    def wait(self, ms: int) -> None:
        """So much time goes by."""
        self.stamp += ms << STEP_BITS

    def leave(self, *sessions: int) -> None:
        for session in sessions:
            self.do(Depart(session, ""))

    def nicks(self, channel: str) -> dict[str, str]:
        """The members of a channel, with their prefixes."""
        return {user.nick: membership.prefix for user, membership in self.chat.channels[channel].members.items()}

    def _next(self, request: Request) -> int:
        self.stamp += MAX_EVENTS
        self.log.append((self.stamp, request))
        return self.stamp


GUESTS = Rules(guests=True)
