"""The descriptor with which a thread's wait is ended, in every form it has on some system."""

import contextlib
import os
import select
import socket
import sys
import threading
from collections.abc import Iterator

import pytest

from securechat.tls.waker import READABLE, WRITABLE, Waker, wait_for
from tests.tls.support import LIMIT, SMALL, Owner, Worker, over_tcp, two_links


@pytest.fixture(params=["eventfd", "sockets"])
def kind(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """What a waker is made of: Linux' own, or what other systems have to do with."""
    if request.param == "sockets":
        monkeypatch.setattr(sys, "platform", "other")
    return str(request.param)


@pytest.fixture
def waker(kind: str) -> Iterator[Waker]:
    with contextlib.closing(Waker()) as waker:
        yield waker


@pytest.fixture(params=["poll", "select"])
def waiting(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """What is waited with: ``select()`` alone is everywhere."""
    if request.param == "select":
        monkeypatch.delattr(select, "poll")
    return str(request.param)


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


def is_set(waker: Waker) -> bool:
    return waker.fileno() in select.select([waker.fileno()], [], [], 0)[0]


def test_many_sets_are_one_and_one_clear_undoes_them(waker: Waker) -> None:
    assert not is_set(waker)
    for _ in range(3):
        waker.set()
    assert is_set(waker)
    waker.clear()
    assert not is_set(waker)
    waker.clear()
    waker.set()
    assert is_set(waker)


def test_a_set_between_the_wait_and_the_clear_is_covered_by_what_the_owner_looks_at_next(waker: Waker) -> None:
    """Setter: change, then set. Owner: clear, then look. So each change is seen or announced, whatever the order."""
    changes, seen = 0, 0
    count = 3000
    woken = select.poll()
    woken.register(waker.fileno(), select.POLLIN)
    done = threading.Event()

    def own() -> int:
        nonlocal seen
        turns = 0
        while seen < count:
            assert woken.poll(LIMIT * 1000), f"asleep with {changes - seen} changes unseen"
            waker.clear()
            seen = changes
            turns += 1
        done.set()
        return turns

    owner = Worker(own)
    for _ in range(count):
        changes += 1
        waker.set()
    assert done.wait(LIMIT)
    assert owner.result() <= count


def test_set_and_clear_after_close_touch_no_descriptor(waker: Waker) -> None:
    waker.set()  # under way when it is closed
    waker.close()
    with contextlib.ExitStack() as stack:
        events = [os.eventfd(7, os.EFD_NONBLOCK) for _ in range(3)]
        for event in events:
            stack.callback(os.close, event)
        others = socket.socketpair()
        for sock in others:
            stack.enter_context(sock)
            sock.sendall(b"x")
        waker.clear()
        waker.set()
        waker.clear()
        waker.close()
        assert [os.eventfd_read(event) for event in events] == [7, 7, 7]
        assert [sock.recv(10) for sock in others] == [b"x", b"x"]


def test_set_and_close_at_once(kind: str) -> None:
    for _ in range(200):
        waker = Waker()
        setting = Worker(waker.set)
        waker.close()
        setting.result()


@pytest.mark.usefixtures("waiting")
def test_waiting_ends_by_readability_writability_or_the_waker(
    waker: Waker, pair: tuple[socket.socket, socket.socket]
) -> None:
    ours, theirs = pair
    wait = wait_for(ours.fileno(), waker).wait
    assert wait(READABLE, 0) == 0
    assert wait(READABLE, 0.01) == 0
    assert wait(READABLE, -1.0) == 0, "a deadline that is over is no time"
    assert wait(WRITABLE, None) == WRITABLE
    assert wait(READABLE | WRITABLE, None) == WRITABLE
    theirs.sendall(b"x")
    assert wait(READABLE, None) == READABLE
    assert wait(READABLE | WRITABLE, None) == READABLE | WRITABLE
    assert wait(0, 0.01) == 0
    assert wait(READABLE, None) == READABLE
    ours.recv(1)
    waker.set()
    assert wait(READABLE, None) == 0
    assert wait(0, None) == 0, "until it is cleared"
    waker.clear()
    assert wait(READABLE, 0) == 0
    theirs.close()
    assert wait(READABLE, None) == READABLE


@pytest.mark.usefixtures("waiting")
def test_a_wait_that_has_begun_is_ended_from_another_thread(
    waker: Waker, pair: tuple[socket.socket, socket.socket]
) -> None:
    waiting = Worker(wait_for(pair[0].fileno(), waker).wait, READABLE, None)
    waker.set()
    assert waiting.result() == 0


def test_poll_tells_of_a_connection_that_failed_without_being_asked(waker: Waker) -> None:
    ours, theirs = over_tcp()
    with ours:
        wait = wait_for(ours.fileno(), waker).wait
        theirs.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        theirs.close()
        assert wait(0, None) == READABLE


@pytest.mark.usefixtures("kind", "waiting")
def test_a_link_does_its_work_with_each_of_them() -> None:
    data = bytes(range(256)) * 2000
    with two_links(over_tcp, buffer=SMALL) as (server, client):
        owners = [Owner(server), Owner(client)]
        server.send(data)
        client.send(iter([data]))
        client.wake()
        for owner in owners:
            assert owner.expect(len(data)) == data
        for owner in owners:
            owner.stop()
        server.fail("enough")
