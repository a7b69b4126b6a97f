"""Answers in the outbox: iterators that the owner's thread turns into bytes as fast as the peer reads."""

import contextlib
import itertools
import threading
from collections.abc import Iterator

import pytest

from securechat.tls.link import LinkBroken
from tests.tls.support import (
    LIMIT,
    SMALL,
    Owner,
    Wire,
    Worker,
    each_role,
    each_wire,
    link_and_peer,
    two_links,
)

PIECE = 65536  # how much a link encrypts at a time


class Answer:
    """Lines from 0 to ``count``, and who has asked for them."""

    def __init__(self, count: int, size: int = 100, *, raising: BaseException | None = None) -> None:
        self.threads: set[int] = set()
        self.given = 0
        self.closed_by: int | None = None
        self._count = count
        self._size = size
        self._raising = raising

    def lines(self) -> Iterator[bytes]:
        try:
            for number in range(self._count):
                self.threads.add(threading.get_ident())
                self.given += 1
                yield self.line(number)
            if self._raising is not None:
                raise self._raising
        finally:
            self.closed_by = threading.get_ident()

    def line(self, number: int) -> bytes:
        return (b"%d " % number).ljust(self._size - 1, b".") + b"\n"

    def whole(self) -> bytes:
        return b"".join(map(self.line, range(self._count)))


@each_wire
@each_role
def test_an_answer_keeps_its_place_and_is_made_by_the_owner_alone(wire: Wire, server_side: bool) -> None:
    with link_and_peer(wire, server_side) as (link, peer):
        first, second = Answer(3000), Answer(2)
        link.send(b"before\n")
        link.send(first.lines())
        link.send(b"between\n")
        link.queue(second.lines())
        link.send(b"after\n")
        link.flush()
        assert first.given == 0
        assert peer.read_exactly(7) == b"before\n"
        owner = Owner(link)
        rest = first.whole() + b"between\n" + second.whole() + b"after\n"
        assert peer.read_exactly(len(rest)) == rest
        assert first.threads == second.threads == {owner.stop()}


@each_wire
def test_an_answer_is_made_only_as_the_peer_reads(wire: Wire) -> None:
    with link_and_peer(wire, buffer=SMALL) as (link, peer):
        answer = Answer(20_000, 100)
        link.send(answer.lines())
        owner = Owner(link)
        for read in range(0, 20_000, 500):
            assert peer.read_exactly(500 * 100) == b"".join(map(answer.line, range(read, read + 500)))
            # One piece waits for the sockets; the other covers what they hold, and what the peer has not decrypted.
            assert answer.given * 100 <= (read + 500) * 100 + 2 * PIECE
        owner.stop()
        assert answer.given == 20_000


@each_wire
def test_an_answer_without_end_costs_no_memory_and_no_other_link(wire: Wire) -> None:
    with link_and_peer(wire, outbox_limit=10_000) as (link, peer):
        answer = Answer(10**9)
        link.send(answer.lines())
        assert not link.wait(0.01)
        given = answer.given
        assert given > 0
        assert not link.wait(0.01), "a peer that reads nothing gets no more made"
        assert answer.given == given
        assert link.failure is None
        assert peer.read_exactly(100) == answer.line(0)


@each_wire
def test_what_is_queued_behind_an_answer_is_bounded(wire: Wire) -> None:
    with link_and_peer(wire, outbox_limit=10_000) as (link, _):
        link.send(Answer(10**9).lines())
        for _ in range(11):
            assert link.failure is None
            link.send(bytes(1000))
        assert link.failure == "outbox full"


@each_wire
def test_answers_that_wait_are_counted_and_their_end_ends_the_wait_under_back_pressure(wire: Wire) -> None:
    with link_and_peer(wire, buffer=SMALL) as (link, _):
        for answer in (Answer(1), Answer(2)):
            link.send(answer.lines())
        assert link.answers == 2
        assert not link.wait(None, read=False)
        assert link.answers == 0
        link.send(Answer(10**9).lines())
        for _ in range(3):
            link.wait(0, read=False)
        assert link.answers == 1
        link.fail("no more")
        link.flush(owner=True)
        assert link.answers == 0


@each_wire
def test_an_answer_that_raises_breaks_the_link_for_its_owner_only(wire: Wire) -> None:
    with link_and_peer(wire) as (link, peer):
        answer = Answer(3, raising=KeyError("a secret"))
        link.send(answer.lines())  # not a word of it here
        link.send(b"behind it")
        assert link.wait(LIMIT)
        with pytest.raises(LinkBroken, match=r"^an answer failed: KeyError$") as broken:
            link.receive()
        assert isinstance(broken.value.__cause__, KeyError)
        assert link.failure == "an answer failed: KeyError"
        link.send(b"harmless")
        link.close(LIMIT)
        with pytest.raises(EOFError):  # no close_notify: the peer must not take it for the whole
            peer.read()


@each_wire
def test_an_answer_that_raises_a_socket_s_error_is_not_taken_for_the_connection(wire: Wire) -> None:
    with link_and_peer(wire) as (link, _):
        link.send(Answer(0, raising=BrokenPipeError("of another file")).lines())
        assert link.wait(LIMIT)
        with pytest.raises(LinkBroken, match=r"^an answer failed: BrokenPipeError$"):
            link.receive()


@each_wire
def test_an_answer_that_raises_while_the_link_says_goodbye(wire: Wire) -> None:
    with link_and_peer(wire) as (link, peer):
        link.queue(Answer(3, raising=ValueError()).lines())
        link.close(LIMIT)
        assert link.failure == "an answer failed: ValueError"
        with pytest.raises(EOFError):
            peer.read()


@each_wire
def test_an_answer_may_send_to_its_own_link(wire: Wire) -> None:
    with two_links(wire) as (server, client):

        def lines() -> Iterator[bytes]:
            yield b"1"
            server.send(b"4")
            server.send(iter([b"5"]))
            yield b"2"

        server.queue(lines())
        server.queue(b"3")
        owner, reader = Owner(server), Owner(client)
        assert reader.expect(5) == b"12345"
        owner.stop()
        reader.stop()


@each_wire
def test_empty_answers_and_empty_pieces_are_skipped(wire: Wire) -> None:
    with link_and_peer(wire) as (link, peer):
        for answer in (iter(()), iter([b""]), iter([b"", b"x", b""]), iter(())):
            link.send(answer)
        link.send(b"y")
        assert not link.wait(0)
        assert peer.read_exactly(2) == b"xy"


@each_wire
def test_an_answer_that_is_cut_off_is_ended_in_its_owner_s_thread(wire: Wire) -> None:
    """It may hold something that belongs to that thread: a cursor of SQLite does."""
    with link_and_peer(wire, buffer=SMALL, outbox_limit=10_000) as (link, _):
        answer = Answer(10**9)
        link.send(answer.lines())
        assert not link.wait(0)
        assert answer.given

        def overflow() -> None:
            for _ in range(100):
                link.send(bytes(1000))
            assert link.failure == "outbox full"
            link.send(b"and once more, on the failed link")

        Worker(overflow).result()
        assert answer.closed_by is None
        link.close()
        assert answer.closed_by == threading.get_ident()


@each_wire
def test_answers_and_lines_of_many_threads(wire: Wire) -> None:
    """Each thread's lines and answers arrive in its order, whoever writes them."""
    with two_links(wire, buffer=SMALL) as (server, client):
        owner, reader = Owner(server), Owner(client)
        rounds = 40

        def answer(name: int, number: int) -> list[bytes]:
            return [b"%d %d answer %d\n" % (name, number, part) for part in range(20)]

        def talk(name: int) -> None:
            for number in range(rounds):
                server.send(b"%d %d line\n" % (name, number))
                server.queue(iter(answer(name, number)))
                server.flush()

        for worker in [Worker(talk, name) for name in range(3)]:
            worker.result()
        expected = [
            [line for number in range(rounds) for line in (b"%d %d line\n" % (name, number), *answer(name, number))]
            for name in range(3)
        ]
        arrived = reader.expect(sum(map(len, itertools.chain(*expected)))).splitlines(keepends=True)
        for name, lines in enumerate(expected):
            assert [line for line in arrived if line.startswith(b"%d " % name)] == lines
        owner.stop()
        reader.stop()


@each_wire
def test_closing_delivers_an_answer(wire: Wire) -> None:
    with link_and_peer(wire, buffer=SMALL) as (link, peer):
        answer = Answer(5000)
        link.queue(b"first\n")
        link.queue(answer.lines())
        link.queue(b"last\n")
        reading = Worker(peer.read_to_end)
        with contextlib.closing(peer.sock):
            closing = Worker(link.close, LIMIT)
            assert reading.result() == b"first\n" + answer.whole() + b"last\n"
        closing.result()
