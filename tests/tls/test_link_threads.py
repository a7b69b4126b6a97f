"""Several threads on one link: nothing is left behind, nothing is mixed up, and a link that is closed hurts nobody."""

import contextlib
import os
import socket
import threading
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from securechat.tls.link import Link, LinkBroken
from tests.tls.support import (
    LIMIT,
    SMALL,
    Owner,
    Wire,
    Worker,
    each_role,
    each_wire,
    link_and_peer,
    make_link,
    often_switching,
    read_to_end,
    two_links,
)


def item(writer: int, number: int, size: int = 0) -> bytes:
    return b"%d %d %s\n" % (writer, number, b"." * size)


def check(arrived: bytes, sent: list[list[bytes]]) -> None:
    """Each writer's items are there, whole, in its order."""
    assert len(arrived) == sum(len(data) for items in sent for data in items)
    lines = arrived.splitlines(keepends=True)
    for writer, items in enumerate(sent):
        assert [line for line in lines if line.startswith(b"%d " % writer)] == items


@each_wire
@each_role
@often_switching
def test_nothing_is_left_behind_by_writers_that_meet(wire: Wire, server_side: bool) -> None:
    """The classical lost wake-up: I leave my line to the thread that is writing, and it has just stopped looking.

    After each burst nobody touches the link but the thread that reads at the other end: no later flush, no owner's
    turn, that would bring out what was left.
    """
    writers, bursts, length = 4, 150, 3
    with link_and_peer(wire, server_side) as (link, peer):
        barrier = threading.Barrier(writers + 1, timeout=LIMIT)

        def write(writer: int) -> None:
            for burst in range(bursts):
                barrier.wait()
                for number in range(length):
                    if number % 2:
                        link.send(item(writer, burst * length + number))
                    else:
                        link.queue(item(writer, burst * length + number))
                        link.flush()
                barrier.wait()

        threads = [Worker(write, writer) for writer in range(writers)]
        for burst in range(bursts):
            numbers = range(burst * length, (burst + 1) * length)
            sent = [[item(writer, number) for number in numbers] for writer in range(writers)]
            barrier.wait()
            barrier.wait()
            check(peer.read_exactly(sum(len(data) for items in sent for data in items)), sent)
        for thread in threads:
            thread.result()


@each_wire
@often_switching
def test_nothing_is_left_behind_by_the_owner(wire: Wire) -> None:
    """The same between a writer and the owner, who holds the lock while it decrypts, and then does something else."""
    with link_and_peer(wire) as (link, peer):
        for number in range(60):
            peer.sock.sendall(b"".join(peer.encrypt(b"!") for _ in range(500)))  # a while's work in one receive()
            assert link.wait(LIMIT)
            start = threading.Barrier(2, timeout=LIMIT)
            writing = Worker(send_at, start, link, item(0, number))
            start.wait()
            link.receive()
            writing.result()
            assert peer.read_exactly(len(item(0, number))) == item(0, number)


def send_at(start: threading.Barrier, link: Link, data: bytes) -> None:
    start.wait()
    link.send(data)


@each_wire
@often_switching
def test_a_socket_that_fills_up_loses_no_wake_up(wire: Wire) -> None:
    """Writers leave to the owner what the socket does not take, while it is about to wait for the peer only."""
    writers, count = 3, 250
    with link_and_peer(wire, buffer=SMALL, outbox_limit=100_000_000) as (link, peer):
        owner = Owner(link)

        def write(writer: int) -> None:
            for number in range(count):
                link.send(item(writer, number, 500))

        sent = [[item(writer, number, 500) for number in range(count)] for writer in range(writers)]
        threads = [Worker(write, writer) for writer in range(writers)]
        check(peer.read_exactly(sum(len(data) for items in sent for data in items)), sent)
        for thread in threads:
            thread.result()
        owner.stop()


Script = list[tuple[str, int]]
SCRIPTS = st.lists(
    st.lists(st.tuples(st.sampled_from(["send", "queue", "flush", "wake"]), st.integers(0, 3000)), max_size=12),
    min_size=1,
    max_size=3,
)


@each_wire
@settings(max_examples=15, deadline=None)
@given(ours=SCRIPTS, theirs=SCRIPTS)
def test_any_order_of_writes_from_several_threads_at_both_ends(
    wire: Wire, ours: list[Script], theirs: list[Script]
) -> None:
    with two_links(wire, buffer=SMALL) as links:
        owners = [Owner(link) for link in links]
        sent: list[list[list[bytes]]] = [[], []]
        threads = []
        for side, scripts in enumerate((ours, theirs)):
            for writer, script in enumerate(scripts):
                items = [item(writer, number, size) for number, (_, size) in enumerate(script)]
                sent[side].append(
                    [data for data, (action, _) in zip(items, script, strict=True) if action in ("send", "queue")]
                )
                threads.append(Worker(follow, links[side], script, items))
        for thread in threads:
            thread.result()
        for side, owner in enumerate(reversed(owners)):
            check(owner.expect(sum(len(data) for items in sent[side] for data in items)), sent[side])
        for owner in owners:
            owner.stop()


def follow(link: Link, script: Script, items: list[bytes]) -> None:
    for (action, _), data in zip(script, items, strict=True):
        match action:
            case "send":
                link.send(data)
            case "queue":
                link.queue(data)
            case "flush":
                link.flush()
            case "wake":
                link.wake()
    link.flush()  # who queues has to flush in the end


@each_wire
@often_switching
def test_nothing_is_left_behind_when_the_owner_asks_who_the_peer_is(wire: Wire) -> None:
    with link_and_peer(wire) as (link, peer):
        for number in range(200):
            start = threading.Barrier(2, timeout=LIMIT)
            writing = Worker(send_at, start, link, item(0, number))
            start.wait()
            while not writing.has_ended(0):
                assert link.cipher().startswith("TLSv1.3")
                assert link.peer_certificate() is None
            assert peer.read_exactly(len(item(0, number))) == item(0, number)


@each_wire
def test_what_others_send_while_the_owner_closes_arrives_whole_or_not_at_all(wire: Wire) -> None:
    with two_links(wire, buffer=SMALL) as (server, client):
        go = threading.Barrier(4, timeout=LIMIT)

        def write(writer: int) -> None:
            go.wait()
            for number in range(300):
                server.send(item(writer, number, 100))

        def close() -> None:
            go.wait()
            server.close(LIMIT)

        threads = [Worker(write, writer) for writer in range(3)] + [Worker(close)]
        lines = read_to_end(client).splitlines(keepends=True)
        client.close(LIMIT)
        for thread in threads:
            thread.result()
        assert client.truncated is False
        assert server.failure is None
        for writer in range(3):
            numbers = [number for number in range(300) if item(writer, number, 100) in lines]
            assert numbers == list(range(len(numbers))), "a line is missing in the middle"
        assert all(line.endswith(b".\n") for line in lines)


# -- after the end ----------------------------------------------------------------------------------------------------

USES: list[Callable[[Link], object]] = [
    lambda link: link.send(b"a line"),
    lambda link: link.send(iter([b"an answer"])),
    lambda link: link.queue(b"a line"),
    lambda link: link.flush(),
    lambda link: link.wake(),
    lambda link: link.fail("too late"),
    lambda link: link.failure,
]


@each_wire
@each_role
@pytest.mark.parametrize("unsent", [0, 1_000_000])
def test_a_closed_link_touches_nobody_else_s_descriptors(wire: Wire, server_side: bool, unsent: int) -> None:
    """The numbers of its descriptors belong to others a moment later."""
    with link_and_peer(wire, server_side, buffer=SMALL) as (link, _):
        link.send(bytes(unsent))
        link.wake()  # a wake-up that is under way
        link.close()
        reader, writer = os.pipe()
        events = [os.eventfd(7, os.EFD_NONBLOCK) for _ in range(3)]
        others = socket.socketpair()
        try:
            Worker(lambda: [use(link) for use in USES * 2]).result()
            link.close()
            link.close(0.05)
            assert [os.eventfd_read(event) for event in events] == [7, 7, 7]
            for sock in others:
                sock.setblocking(False)
                with pytest.raises(BlockingIOError):
                    sock.recv(1)
            os.set_blocking(reader, False)
            with pytest.raises(BlockingIOError):
                os.read(reader, 1)
        finally:
            for descriptor in (reader, writer, *events):
                os.close(descriptor)
            for sock in others:
                sock.close()


@each_wire
def test_nobody_waits_on_a_closed_link(wire: Wire) -> None:
    with link_and_peer(wire) as (link, _):
        link.close()
        # Its numbers are others' now, of which nothing is to be heard.
        events = [os.eventfd(0, os.EFD_NONBLOCK) for _ in range(3)]
        try:
            assert link.wait(0.01)
            with pytest.raises(LinkBroken):
                link.receive()
        finally:
            for event in events:
                os.close(event)


@each_wire
@often_switching
def test_links_that_close_at_once_while_others_use_them(wire: Wire) -> None:
    """Descriptors are closed and given out again all the time; each new one must be nobody's but its owner's."""
    stop = threading.Event()
    current: list[Link] = []

    def disturb() -> None:
        while not stop.is_set():
            for link in list(current):
                for use in USES:
                    use(link)

    def watch() -> int:
        checked = 0
        while not stop.is_set():
            event = os.eventfd(0, os.EFD_NONBLOCK)
            ours, theirs = socket.socketpair()
            with ours, theirs:
                theirs.sendall(b"mine")
                assert ours.recv(100) == b"mine"
            with pytest.raises(BlockingIOError):
                os.eventfd_read(event)
            os.close(event)
            checked += 1
        return checked

    helpers = [Worker(disturb), Worker(disturb)]
    watching = Worker(watch)
    try:
        for _ in range(15):
            with two_links(wire) as (server, client):
                current[:] = [server, client]
                closing = [Worker(server.close, 0.0), Worker(client.close, 0.0)]
                for worker in closing:
                    worker.result()
    finally:
        stop.set()
    for helper in helpers:
        helper.result()
    assert watching.result()


@each_wire
def test_links_leave_no_descriptor_behind(wire: Wire) -> None:
    def count() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    before = count()
    for _ in range(5):
        with two_links(wire):
            pass
        ours, theirs = wire()
        with theirs, contextlib.closing(make_link(ours, True)):
            pass
    assert count() == before


def test_the_items_of_one_writer_differ() -> None:
    """What the tests above rest on."""
    assert all(first != second for first, second in pairwise(item(0, number) for number in range(20)))
