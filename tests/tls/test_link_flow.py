"""Data over a link: any order of reads and writes, buffers that fill up, waits that wait."""

import contextlib
import threading
import time
from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from securechat.tls.link import Link
from tests.tls.support import (
    LIMIT,
    SMALL,
    Owner,
    Wire,
    Worker,
    each_role,
    each_wire,
    link_and_peer,
    read_exactly,
    two_links,
)

MEGABYTE = bytes(range(256)) * 4096


@dataclass
class Side:
    """One of two links in the hands of one thread, and what has to come out at the other."""

    link: Link
    sent: bytearray = field(default_factory=bytearray)
    received: bytearray = field(default_factory=bytearray)

    def do(self, action: str, data: bytes) -> None:
        if action in ("send", "queue"):
            self.sent += data
        match action:
            case "send":
                self.link.send(data)
            case "queue":
                self.link.queue(data)
            case "answer":
                self.sent += data + data
                self.link.queue(iter([data, b"", data]))
            case "flush":
                self.link.flush(owner=True)
            case "flush as another":
                self.link.flush()
            case "wake":
                self.link.wake()
            case "hold":
                self.link.wait(0, read=False)
            case "read":
                if self.link.wait(0):
                    self.received += self.link.receive() or b""


ACTIONS = st.sampled_from(["send", "queue", "answer", "flush", "flush as another", "wake", "hold", "read"])
SIZES = st.one_of(st.integers(0, 200), st.sampled_from([0, 1, 5_000, 16_384, 70_000]))


@each_wire
@settings(max_examples=25, deadline=None)
@given(steps=st.lists(st.tuples(st.booleans(), ACTIONS, SIZES), max_size=30))
def test_any_order_of_reads_and_writes(wire: Wire, steps: list[tuple[bool, str, int]]) -> None:
    with two_links(wire, buffer=SMALL) as links:
        sides = [Side(link) for link in links]
        for number, (which, action, size) in enumerate(steps):
            sides[which].do(action, bytes([number % 256]) * size)
        deadline = time.monotonic() + LIMIT
        while len(sides[0].sent) > len(sides[1].received) or len(sides[1].sent) > len(sides[0].received):
            assert time.monotonic() < deadline, "something was left behind"
            for side in sides:
                side.do("read", b"")
        assert sides[0].sent == sides[1].received
        assert sides[1].sent == sides[0].received


@each_wire
def test_both_directions_at_once_through_buffers_that_are_too_small(wire: Wire) -> None:
    with two_links(wire, buffer=SMALL) as (server, client):
        owners = [Owner(server), Owner(client)]
        server.send(MEGABYTE)
        client.send(MEGABYTE)
        for owner in owners:
            assert owner.expect(len(MEGABYTE)) == MEGABYTE
        for owner in owners:
            owner.stop()


@each_wire
@each_role
def test_what_the_socket_does_not_take_is_finished_by_the_owner(wire: Wire, server_side: bool) -> None:
    with link_and_peer(wire, server_side, buffer=SMALL) as (link, peer):
        owner = Owner(link)
        for number in range(40):  # each of which finds the owner asleep, waiting for the peer only
            if number % 2:
                link.send(MEGABYTE[:50_000])
            else:  # several at once take another way
                link.queue(MEGABYTE[:20_000])
                link.queue(MEGABYTE[20_000:50_000])
                link.flush()
            assert peer.read_exactly(50_000) == MEGABYTE[:50_000]
        owner.stop()


@each_wire
@each_role
def test_half_a_record_is_no_news(wire: Wire, server_side: bool) -> None:
    with link_and_peer(wire, server_side) as (link, peer):
        record = peer.encrypt(b"a line\r\n")
        for cut in (3, len(record) // 2):  # in the header, and in the body
            first, rest = record[:cut], record[cut:]
            peer.sock.sendall(first)
            assert link.wait(LIMIT)
            assert link.receive() == b""
            assert not link.wait(0.01), "nothing more has come"
            peer.sock.sendall(rest)
            assert link.wait(LIMIT)
            assert link.receive() == b"a line\r\n"
            assert not link.wait(0.01)
            record = peer.encrypt(b"a line\r\n")


@each_wire
def test_an_owner_turns_once_for_a_wake_up_and_each_crumb_and_not_in_between(wire: Wire) -> None:
    with link_and_peer(wire) as (link, peer):
        turned = threading.Semaphore(0)
        turns = 0

        def own() -> bytes:
            nonlocal turns
            data = b""
            while not data:
                if link.wait(None):
                    data += link.receive() or b""
                turns += 1
                turned.release()
            return data

        link.wake()
        owner = Worker(own)
        assert turned.acquire(timeout=LIMIT)
        record = peer.encrypt(b"!")
        for byte in record:
            peer.sock.sendall(bytes([byte]))
            assert turned.acquire(timeout=LIMIT)
        assert owner.result() == b"!"
        assert turns == 1 + len(record)


@each_wire
def test_a_peer_that_does_not_read_does_not_wake_the_owner_for_every_line(wire: Wire) -> None:
    with link_and_peer(wire, buffer=SMALL) as (link, _):
        link.send(bytes(200_000))
        assert not link.wait(0)  # the owner knows now that there is something unsent
        waiting = Worker(link.wait, None)
        turns = 0
        for _ in range(30):
            link.send(b"a line\r\n")
            if waiting.has_ended(0.003):
                turns += 1
                waiting = Worker(link.wait, None)
        assert turns <= 5, "only what the sockets still move may wake it"
        link.wake()
        waiting.result()


@each_wire
def test_wake_ends_the_present_wait_or_the_next(wire: Wire) -> None:
    with link_and_peer(wire) as (link, _):
        link.wake()
        link.wake()
        assert not link.wait(None)
        assert not link.wait(0.01), "two calls before the wait are one"
        waiting = Worker(link.wait, None)
        link.wake()
        assert not waiting.result()


@each_wire
def test_back_pressure_leaves_the_peer_unread_and_still_writes(wire: Wire) -> None:
    with link_and_peer(wire, buffer=SMALL) as (link, peer):
        peer.send(b"one request too many\r\n")
        link.send(MEGABYTE)
        held = Owner(link, read=False)
        assert peer.read_exactly(len(MEGABYTE)) == MEGABYTE
        held.stop()
        assert held.received == b""
        assert not link.wait(0, read=False)
        assert read_exactly(link, 22) == b"one request too many\r\n"


@each_wire
def test_back_pressure_reaches_the_peer(wire: Wire) -> None:
    """A peer whose data nobody reads can't send for ever: it is kept in the sockets, not with us."""
    with link_and_peer(wire, buffer=SMALL) as (link, peer):
        held = Owner(link, read=False)
        peer.sock.setblocking(False)
        sent = 0
        with contextlib.suppress(BlockingIOError):
            while sent < len(MEGABYTE):
                sent += peer.sock.send(peer.encrypt(bytes(1000)))
        assert sent < len(MEGABYTE)
        held.stop()


@each_wire
def test_data_that_waits_in_the_buffer_is_not_read_under_back_pressure(wire: Wire) -> None:
    with link_and_peer(wire) as (link, peer):
        peer.send(b"later")
        assert not link.wait(0.01, read=False)
        assert not link.wait(0.01, read=False)
        assert read_exactly(link, 5) == b"later"


@each_wire
@each_role
def test_nothing_at_all_may_be_sent(wire: Wire, server_side: bool) -> None:
    with link_and_peer(wire, server_side) as (link, peer):
        link.send(b"")
        link.flush()
        link.flush(owner=True)
        for data in (b"", b"", b"x", b""):
            link.queue(data)
        link.flush()
        assert link.failure is None
        assert peer.read_exactly(1) == b"x"


@each_wire
def test_what_was_delivered_counts_no_more(wire: Wire) -> None:
    with link_and_peer(wire, buffer=SMALL, outbox_limit=50_000) as (link, peer):
        owner = Owner(link)
        for _ in range(10):
            for _ in range(4):
                link.queue(bytes(10_000))
            link.flush()
            peer.read_exactly(40_000)
        assert link.failure is None
        owner.stop()


@each_wire
def test_one_item_larger_than_everything(wire: Wire) -> None:
    with two_links(wire, outbox_limit=10_000) as (server, client):
        owner = Owner(server)
        server.send(MEGABYTE)
        assert read_exactly(client, len(MEGABYTE)) == MEGABYTE
        owner.stop()
