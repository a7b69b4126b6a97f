"""The way to the hashes: how many at a time, in which order, and who leaves the line."""

import threading
from collections.abc import Callable
from contextlib import ExitStack

import pytest

from securechat.store.gate import Gate, HasherClosed
from tests.store.crowd import Crowd


class Line:
    """A waiter that tells how many are before it, each time that it is about to wait; waits until it is woken."""

    def __init__(self) -> None:
        self.before: list[int] = []
        self.waits = threading.Semaphore(0)
        self.gives_up = False
        self._woken = threading.Event()

    def wake(self) -> None:
        self._woken.set()

    def wait(self, before: int) -> None:
        self.before.append(before)
        self.waits.release()
        assert self._woken.wait(30)
        self._woken.clear()
        if self.gives_up:
            raise ConnectionError


class Guest:
    """A thread that goes through a gate, when it may. `done`: what it raised, or how many had been through before."""

    def __init__(
        self,
        gate: Gate,
        order: list["Guest"],
        *,
        waits: bool = True,
        origin: str = "",
        meanwhile: Callable[[], None] | None = None,
    ) -> None:
        self.line = Line()
        self.done: type[BaseException] | int | None = None
        self._order = order
        self._gate = gate
        self.origin = origin
        self._meanwhile = meanwhile
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        if waits:
            assert self.line.waits.acquire(timeout=30)

    def _run(self) -> None:
        try:
            with self._gate.turn(self.line, self.origin):
                self.done = len(self._order)
                self._order.append(self)
                if self._meanwhile is not None:
                    self._meanwhile()
        except (HasherClosed, ConnectionError) as error:
            self.done = type(error)

    def join(self) -> "Guest":
        self._thread.join(30)
        assert not self._thread.is_alive()
        return self


def test_a_gate_lets_so_many_through_and_no_more() -> None:
    gate, lock, pair = Gate(2), threading.Lock(), threading.Barrier(2)
    inside, most = 0, 0

    def work() -> None:
        nonlocal inside, most
        with gate.turn():
            with lock:
                inside += 1
                most = max(most, inside)
            pair.wait(30)  # passes only if two are inside at once
            with lock:
                inside -= 1
            pair.wait(30)

    assert Crowd(8, work).join() == [None] * 8
    assert most == 2


def test_first_come_first_served() -> None:
    gate, order = Gate(1), list[Guest]()
    with gate.turn():
        guests = [Guest(gate, order) for _ in range(20)]
        assert [guest.line.before for guest in guests] == [[number] for number in range(20)]
        assert gate.waiting() == 20
    assert [guest.join().done for guest in guests] == list(range(20))
    assert gate.waiting() == 0


def served(gate: Gate, origins: str) -> str:
    """Of whom each turn is, if one after the other comes from these while the gate is shut."""
    order = list[Guest]()
    with gate.turn():
        guests = [Guest(gate, order, origin=origin) for origin in origins]
    for guest in guests:
        guest.join()
    return "".join(guest.origin for guest in order)


@pytest.mark.parametrize(
    ("came", "order"),
    [
        ("aaa", "aaa"),
        ("aaaaaabab", "ababaaaaa"),
        ("aaabbc", "abcaba"),
        ("abcd", "abcd"),
        ("aaaaaaaaaab", "abaaaaaaaaa"),
    ],
)
def test_one_origin_after_the_other(came: str, order: str) -> None:
    gate = Gate(1)
    assert served(gate, came) == order
    assert served(gate, came) == order  # what was before is forgotten
    assert gate._origins == {}


def test_who_comes_later_waits_for_one_turn_of_each() -> None:
    gate, order, late = Gate(1), list[Guest](), list[Guest]()

    def come() -> None:
        late.append(Guest(gate, order, origin="b"))

    with gate.turn():
        guests = [Guest(gate, order, origin="a", meanwhile=come if number == 2 else None) for number in range(6)]
    for guest in (*guests, *late):
        guest.join()
    assert "".join(guest.origin for guest in order) == "aaabaaa"
    assert late[0].line.before == [0]


def test_who_comes_again_and_again_is_behind_who_waits() -> None:
    """Two addresses that guess one password after the other; of a third, two people want to log in."""
    gate, order, again = Gate(1), list[Guest](), list[Guest]()

    def come(origin: str) -> None:
        if len(order) < 20:
            again.append(Guest(gate, order, origin=origin, meanwhile=lambda: come(origin)))

    with gate.turn():
        first = Guest(gate, order, origin="a", meanwhile=lambda: come("a"))
        second = Guest(gate, order, origin="b", meanwhile=lambda: come("b"))
        people = [Guest(gate, order, origin="c") for _ in range(3)]
    for crowd in ([first, second, *people], again):  # which grows meanwhile
        for guest in crowd:
            guest.join()
    assert "".join(guest.origin for guest in order) == "abcc" + "abc" + "ab" * 7
    assert gate._origins == {}


def test_the_turns_of_who_leaves_are_others() -> None:
    gate, order = Gate(1), list[Guest]()
    with gate.turn():
        guests = [Guest(gate, order, origin=origin) for origin in "aaaabbb"]
        for guest in guests[:3]:
            guest.line.gives_up = True
            guest.line.wake()
            guest.join()
    assert sorted(guest.join().origin for guest in guests[3:]) == ["a", "b", "b", "b"]
    assert gate._origins == {}


def test_who_has_come_and_gone_holds_up_nobody_of_their_own() -> None:
    gate, order = Gate(1), list[Guest]()
    with gate.turn():
        stays = [Guest(gate, order, origin=origin) for origin in "abb"]
        for _ in range(5):
            goes = Guest(gate, order, origin="a")
            goes.line.gives_up = True
            goes.line.wake()
            goes.join()
        stays.append(Guest(gate, order, origin="a"))
    for guest in stays:
        guest.join()
    assert "".join(guest.origin for guest in order) == "abba"


def test_a_round_ends_also_if_there_is_always_somebody_new(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("securechat.store.gate._LONGEST_ROUND", 3)
    gate, order, new = Gate(1), list[Guest](), list[Guest]()

    def come() -> None:
        if len(new) < 20:
            new.append(Guest(gate, order, origin=f"n{len(new)}", meanwhile=come))

    with gate.turn():
        people = [Guest(gate, order, origin="a", meanwhile=come), Guest(gate, order, origin="a")]
    for crowd in (people, new):  # which grows meanwhile
        for guest in crowd:
            guest.join()
    assert order.index(people[1]) == 4
    assert len(order) == 22


def test_who_looks_up_early_learns_how_many_are_left() -> None:
    gate, order, left = Gate(1), list[Guest](), list[Guest]()
    with gate.turn():
        guests = [Guest(gate, order) for _ in range(5)]
        for number in (3, 0):
            guests[number].line.gives_up = True
            guests[number].line.wake()
            left.append(guests[number].join())
        assert [guest.done for guest in left] == [ConnectionError] * 2
        for number, before in ((1, 0), (2, 1), (4, 2)):
            guests[number].line.wake()
            assert guests[number].line.waits.acquire(timeout=30)
            assert guests[number].line.before[-1] == before
    assert [guests[number].join().done for number in (1, 2, 4)] == [0, 1, 2]


def test_who_gives_up_when_called_passes_the_turn_on() -> None:
    gate, order = Gate(1), list[Guest]()
    with gate.turn():
        first, second = Guest(gate, order), Guest(gate, order)
        first.line.gives_up = True
    assert first.join().done is ConnectionError
    assert second.join().done == 0
    with gate.turn():  # and nobody's place is lost, nor made twice
        assert Guest(gate, order).line.before == [0]


def test_who_comes_when_there_is_room_does_not_wait() -> None:
    gate, order = Gate(1), list[Guest]()
    assert Guest(gate, order, waits=False).join().line.before == []


def test_closing_sends_home_those_who_wait() -> None:
    gate, order = Gate(1), list[Guest]()
    with gate.turn():
        guests = [Guest(gate, order) for _ in range(20)]
        gate.close()
        assert [guest.join().done for guest in guests] == [HasherClosed] * 20  # although the place is still taken
        assert gate.waiting() == 0
    gate.close()
    with pytest.raises(HasherClosed), gate.turn():
        raise AssertionError("nobody gets in")


def test_an_exception_inside_gives_the_place_back() -> None:
    gate = Gate(1)
    with pytest.raises(ZeroDivisionError), gate.turn():
        _ = 1 // 0
    with gate.turn():
        pass


def test_many_places() -> None:
    gate = Gate(3)
    with ExitStack() as stack:
        for _ in range(3):
            stack.enter_context(gate.turn())
        guest = Guest(gate, [])
    assert guest.join().done == 0
    with ExitStack() as stack:
        for _ in range(3):
            stack.enter_context(gate.turn())
        assert gate.waiting() == 0
