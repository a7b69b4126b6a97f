"""How much one client may do in a time: lines, connections, attempts to log in.

There is no clock here: ``now`` is a number of seconds on any clock that never goes back (``time.monotonic``), and
nothing here waits. What is remembered of strangers is bounded: the longest unused is forgotten first.

Everything can be switched off with ``enabled=False`` (``[limits] throttle``), and then it remembers no failures and no
rates.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from enum import StrEnum
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from types import TracebackType
from typing import Final, Generic, TypeVar

from securechat.irc.names import MAX_NICK, casefold

__all__ = [
    "Attempt",
    "ConnectionThrottle",
    "LoginThrottle",
    "Refusal",
    "RegistrationThrottle",
    "TokenBucket",
    "network_of",
]

K = TypeVar("K")
V = TypeVar("V")

REMEMBERED: Final = 10_000
"""Addresses, or accounts at addresses, of which something is remembered at a time."""

# A wait is computed by subtraction, and after it the same sum may come out a hair smaller.
_HAIR: Final = 1e-6  # seconds


class TokenBucket:
    """At most ``burst`` at once and ``rate`` a second in the long run. For one thread; it has no lock.

    It keeps one number, the time at which the bucket will be full again (the "generic cell rate algorithm" of ATM).
    """

    __slots__ = ("_depth", "_full_at", "_interval")

    def __init__(self, rate: float, burst: int, *, enabled: bool = True) -> None:
        self._interval = 1 / rate if enabled else 0.0  # seconds in which one token comes back
        self._depth = (burst - 1) * self._interval
        self._full_at = float("-inf")

    def take(self, now: float) -> float:
        """Take a token and return 0.0; where there is none, take nothing and return in how many seconds there is."""
        wait = self._full_at - self._depth - now
        if wait > _HAIR:
            return wait
        self._full_at = max(self._full_at, now) + self._interval
        return 0.0

    def charge(self, now: float, tokens: float) -> float:
        """Take tokens, whether they are there or not; return in how many seconds there is one again."""
        self._full_at = max(self._full_at, now) + tokens * self._interval
        return max(self._full_at - self._depth - now, 0.0)


class Refusal(StrEnum):
    """Why a connection is not admitted: a sentence for its last line."""

    TOO_MANY = "Too many connections from your address"
    TOO_FAST = "Too many new connections from your address, wait a minute"


class ConnectionThrottle:
    """Connections from one address (IPv6: from one /64): at most ``limit`` at a time, and ``limit`` new ones a minute.

    An office behind one address can still come back all at once after a restart. Any thread may use it.
    """

    def __init__(self, limit: int, *, enabled: bool = True, remembered: int = REMEMBERED) -> None:
        # Guards all fields. No other lock is taken inside it.
        self._lock = threading.Lock()
        self._remembered = remembered
        self._present: dict[str, int] = {}  # grows with the connections that are there, which are bounded elsewhere
        self.change(limit, enabled=enabled)

    def change(self, limit: int, *, enabled: bool) -> None:
        """Let these hold from now on, also for those who are there; what was counted of new ones is forgotten."""
        with self._lock:
            self._limit = limit
            self._enabled = enabled
            self._recent: _Memory[str, TokenBucket] = _Memory(self._remembered, lambda: TokenBucket(limit / 60, limit))

    def admit(self, address: str, now: float) -> Refusal | None:
        """None: it is in, and counts until `release`. Else the reason why it is not."""
        network = network_of(address)
        with self._lock:
            # Counted in any case: it may be switched on while they are here.
            present = self._present.get(network, 0)
            if self._enabled and present >= self._limit:
                return Refusal.TOO_MANY
            if self._enabled and self._recent.get(network).take(now):
                return Refusal.TOO_FAST
            self._present[network] = present + 1
        return None

    def release(self, address: str) -> None:
        """A connection that was admitted has ended."""
        network = network_of(address)
        with self._lock:
            present = self._present[network] - 1
            if present:
                self._present[network] = present
            else:
                del self._present[network]


class RegistrationThrottle:
    """Accounts that are made from one address (IPv6: from one /64): at most 5 at once, and 5 an hour.

    Any thread may use it.
    """

    _ACCOUNTS: Final = 5
    _SECONDS: Final = 3600.0

    def __init__(self, *, enabled: bool = True, remembered: int = REMEMBERED) -> None:
        self.enabled = enabled
        """May be changed at any time."""
        # Guards the memory and all that is in it. No other lock is taken inside it.
        self._lock = threading.Lock()
        self._recent: _Memory[str, TokenBucket] = _Memory(
            remembered, lambda: TokenBucket(self._ACCOUNTS / self._SECONDS, self._ACCOUNTS)
        )

    def admit(self, address: str, now: float) -> bool:
        """Whether another account may be made from there; if so, it counts."""
        if not self.enabled:
            return True
        with self._lock:
            return not self._recent.get(network_of(address)).take(now)


class LoginThrottle:
    """How long an attempt to log in has to wait before the password is looked at. Any thread may use it.

    ::

        with throttle.attempt(account, address, now) as attempt:
            if attempt.wait:
                ...  # come back later
            elif hasher.verify(password, phc):
                attempt.succeeded()

    Three things are counted, each for itself (what has a colon at its end is the name of no account, and counts only
    where it comes from: ``invite:``):

    - failures for an account from one address (IPv6: /64): the fourth attempt waits 1 second after the third, then 2,
      4 and so on, at most 60;
    - failures from an address for whatever accounts, so that one guess at each of a thousand names is not free: the
      same, but only from the 21st attempt on;
    - failures for an account from wherever, so that a thousand addresses are not a thousand times as fast: from the
      21st on, and at most 5 seconds, since here the owner waits with the guessers.

    The last two do not count at an address from which this account has logged in before: no stranger can lock an owner
    out of home, nor a colleague out of the office.

    Where there have been that many failures, one attempt is looked at at a time, so that many at once are not all the
    next one. Before, several may be under way: after a restart all devices of one owner come back together. A success
    ends the count for that account at that address, and takes what was in it out of the others: these were slips of the
    owner's, or of their client's, which tries another way first. It does not end the address's, or who owns one account
    could guess at others for ever. An hour without an attempt ends each count.
    """

    def __init__(self, *, enabled: bool = True, remembered: int = REMEMBERED) -> None:
        self.enabled = enabled
        """May be changed at any time; attempts that are under way end as they began."""
        # Guards the four memories and all that is in them. No other lock is taken inside it, no password looked at.
        self._lock = threading.Lock()
        self._here: _Memory[tuple[str, str], _Failures] = _Memory(remembered, lambda: _Failures(3, 60.0, 16))
        self._of_address: _Memory[str, _Failures] = _Memory(remembered, lambda: _Failures(20, 60.0, 100))
        self._of_account: _Memory[str, _Failures] = _Memory(remembered, lambda: _Failures(20, 5.0, 100))
        self._homes: _Memory[tuple[str, str], None] = _Memory(remembered, lambda: None)

    def attempt(self, account: str, address: str, now: float) -> Attempt:
        """Ask whether the password may be looked at; use the answer in a ``with``.

        ``account`` is what the client says, whether there is one of that name or not.
        """
        if not self.enabled:
            return Attempt(self, None, [], 0.0, now)
        # Cut, because clients say what they like, and no account has a longer name.
        name, network = casefold(account[: MAX_NICK + 1]), network_of(address)
        with self._lock:
            here = (name, network)
            strange = here not in self._homes
            counted = strange and not name.endswith(":")
            known = [self._here.peek(here)]
            known += [self._of_address.peek(network)] * strange + [self._of_account.peek(name)] * counted
            wait = max((count.wait(now) for count in known if count is not None), default=0.0)
            if wait:  # who waits makes nothing be remembered: with enough names others' counts would be forgotten
                return Attempt(self, here, [], wait, now)
            counts = [self._here.get(here)]
            counts += [self._of_address.get(network)] * strange + [self._of_account.get(name)] * counted
            for count in counts:
                count.under_way += 1
        return Attempt(self, here, counts, 0.0, now)

    def _end(self, attempt: Attempt, right: bool | None) -> None:
        if attempt.place is None or attempt.wait:
            return
        with self._lock:
            for count in attempt.counts:
                count.under_way -= 1
                if right is False:
                    count.failed(attempt.now)
            if right:
                here, *others = attempt.counts
                for count in others:
                    count.number = max(count.number - here.number, 0)
                here.number = 0
                self._homes.get(attempt.place)

    def certified(self, account: str | None, address: str, now: float) -> None:
        """Somebody has shown a certificate: of this account, or of nobody.

        A key is not guessed at, so who has the right one never waits; who has none is counted for the address.
        """
        if not self.enabled:
            return
        network = network_of(address)
        with self._lock:
            if account is not None:
                self._homes.get((casefold(account), network))
            else:
                self._of_address.get(network).failed(now)


class Attempt:
    """One attempt to log in. ``wait``: 0.0, or the seconds after which to ask again, and this one does not count.

    One that is let through has failed when its ``with`` ends, however that ends, unless `succeeded` was called, or
    `left_open`.
    """

    __slots__ = ("_right", "_throttle", "counts", "now", "place", "wait")

    def __init__(
        self,
        throttle: LoginThrottle,
        place: tuple[str, str] | None,
        counts: list[_Failures],
        wait: float,
        now: float,
    ) -> None:
        self._throttle = throttle
        self._right: bool | None = False
        self.place = place  # the rest is the throttle's own
        self.counts = counts
        self.wait = wait
        self.now = now

    def succeeded(self) -> None:
        """The password was right."""
        self._right = True

    def left_open(self) -> None:
        """It was no guess, and proves nobody's right to guess again: all counts stay as they were."""
        self._right = None

    def __enter__(self) -> Attempt:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._throttle._end(self, self._right)


class _Failures:
    """How often something failed, and when last; and how many attempts at it are under way."""

    __slots__ = ("_at_once", "_free", "_last", "_longest", "number", "under_way")

    _FORGOTTEN: Final = 3600.0  # seconds
    _BUSY: Final = 0.5  # seconds; about what it takes to look at a few passwords

    def __init__(self, free: int, longest: float, at_once: int) -> None:
        self._free = free  # failures that cost nothing
        self._longest = longest  # seconds
        self._at_once = at_once  # under way at a time, while failures cost nothing
        self._last = float("-inf")
        self.number = 0
        self.under_way = 0

    def wait(self, now: float) -> float:
        """Seconds before the next attempt."""
        if now - self._last > self._FORGOTTEN:
            self.number = 0
        if self.number < self._free:
            return self._BUSY if self.under_way >= self._at_once else 0.0
        # The exponent is bounded before it is used: 2.0**10000 is no number.
        delay = min(self._longest, 2.0 ** min(self.number - self._free, 10))
        wait = self._last + delay - now
        if wait > _HAIR:
            return wait
        return self._BUSY if self.under_way else 0.0

    def failed(self, now: float) -> None:
        self.number += 1
        self._last = max(self._last, now)


class _Memory(Generic[K, V]):
    """A dictionary of bounded size that makes what it does not have and forgets what was longest unused."""

    def __init__(self, size: int, make: Callable[[], V]) -> None:
        self._size = size
        self._make = make
        self._entries: OrderedDict[K, V] = OrderedDict()

    def __contains__(self, key: K) -> bool:
        if key not in self._entries:
            return False
        self._entries.move_to_end(key)
        return True

    def peek(self, key: K) -> V | None:
        """What there is, if anything is; it counts as used."""
        return self._entries[key] if key in self else None

    def get(self, key: K) -> V:
        if key in self._entries:
            self._entries.move_to_end(key)
            return self._entries[key]
        if len(self._entries) >= self._size:
            self._entries.popitem(last=False)
        value = self._entries[key] = self._make()
        return value


def network_of(address: str) -> str:
    """What counts as one place: an IPv4 address, or the /64 of an IPv6 one, which its owner has as a whole.

    An IPv4 address in IPv6 clothes (``::ffff:192.0.2.1``) is itself, and zones do not matter. What is no address stands
    for itself.
    """
    try:
        six = IPv6Address(address.partition("%")[0])
    except AddressValueError:
        try:
            return str(IPv4Address(address))
        except AddressValueError:
            return address
    if six.ipv4_mapped is not None:
        return str(six.ipv4_mapped)
    return f"{IPv6Address(int(six) >> 64 << 64)}/64"
