"""How a link ends: a clean close, a peer that vanishes, garbage, an outbox that is full, and what is left after it."""

import contextlib
import socket
import ssl
import tracemalloc

import pytest

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
    over_socketpair,
    read_exactly,
    read_to_end,
    two_links,
    with_a_miser,
)

ALERT = 21  # the content type of an alert's record; inside TLS it looks like data, RFC 8446 section 5.2


def send_until_it_fails(link: Link, data: bytes) -> None:
    """From a thread that is not the owner's."""

    def send() -> None:
        for _ in range(10_000):
            if link.failure is not None:
                return
            link.send(data)
        pytest.fail("a link can't fail later than that")

    Worker(send).result()


@each_wire
@each_role
@pytest.mark.parametrize("together", [True, False], ids=["with the data", "after the data"])
def test_a_clean_close_is_the_end_and_nothing_was_cut(wire: Wire, server_side: bool, together: bool) -> None:
    with link_and_peer(wire, server_side) as (link, peer):
        last = peer.encrypt(b"QUIT\r\n")
        if together:
            peer.sock.sendall(last + peer.farewell())
        else:
            peer.sock.sendall(last)
            assert read_exactly(link, 6) == b"QUIT\r\n"
            peer.sock.sendall(peer.farewell())
        peer.sock.shutdown(socket.SHUT_WR)
        assert read_to_end(link) == (b"QUIT\r\n" if together else b"")
        assert link.truncated is False
        assert link.failure is None
        assert link.receive() is None


@each_wire
@each_role
def test_an_end_without_close_notify_is_a_truncation(wire: Wire, server_side: bool) -> None:
    with link_and_peer(wire, server_side) as (link, peer):
        peer.send(b"QUIT\r\n")
        peer.sock.shutdown(socket.SHUT_WR)
        assert read_to_end(link) == b"QUIT\r\n"
        assert link.truncated is True
        assert link.receive() is None


@each_wire
def test_an_end_inside_a_record_is_a_truncation(wire: Wire) -> None:
    with link_and_peer(wire) as (link, peer):
        peer.send(b"whole\r\n")
        peer.sock.sendall(peer.encrypt(b"PRIVMSG #lobby :half of it")[:-1])
        peer.sock.shutdown(socket.SHUT_WR)
        assert read_to_end(link) == b"whole\r\n"
        assert link.truncated is True


@each_wire
def test_a_close_notify_is_the_end_even_if_the_socket_stays_open(wire: Wire) -> None:
    """And what came with it is not forgotten: there is no further event on the socket."""
    with link_and_peer(wire) as (link, peer):
        peer.sock.sendall(peer.encrypt(b"QUIT\r\n") + peer.farewell())
        assert read_to_end(link) == b"QUIT\r\n"
        assert link.wait(LIMIT)
        assert link.receive() is None


@each_wire
@each_role
def test_the_other_direction_stays_open_after_the_peer_s_close_notify(wire: Wire, server_side: bool) -> None:
    """RFC 8446 section 6.1: each side closes its own direction."""
    with link_and_peer(wire, server_side, buffer=SMALL) as (link, peer):
        peer.sock.sendall(peer.farewell())
        assert read_to_end(link) == b""
        answer = b"here is what you asked for\r\n" * 4000
        link.send(answer)
        assert link.failure is None
        closing = Worker(link.close, LIMIT)
        received = bytearray()
        while len(received) < len(answer) + 1:
            chunk = peer.sock.recv(65536)
            if not chunk:
                break
            received += chunk
        closing.result()
        assert len(received) > len(answer)


@each_wire
def test_a_peer_that_vanishes_breaks_the_link(wire: Wire) -> None:
    with link_and_peer(wire) as (link, peer):
        link.send(b"unread")  # for which a Unix socket sends a reset too
        peer.reset()
        with pytest.raises(LinkBroken, match=r"^connection lost: Connection reset by peer$") as broken:
            read_to_end(link)
        assert isinstance(broken.value.__cause__, ConnectionResetError)
        with pytest.raises(LinkBroken, match="connection lost"):
            link.receive()
        assert link.wait(None), "nobody waits on a broken link"


@each_wire
def test_a_peer_that_vanishes_is_noticed_under_back_pressure(wire: Wire) -> None:
    with link_and_peer(wire) as (link, peer):
        link.send(b"unread")
        held = Owner(link, read=False)
        peer.reset()
        held.finish()
        assert held.broken == "connection lost: Connection reset by peer"


@each_wire
def test_a_writer_that_meets_the_peer_s_end_wakes_the_owner_who_still_reads_the_last_words(wire: Wire) -> None:
    with link_and_peer(wire) as (link, peer):
        peer.sock.sendall(peer.encrypt(b"ERROR :closing link\r\n") + peer.farewell())
        link.send(b"unread")
        peer.reset()

        send_until_it_fails(link, b"a line\r\n")
        assert link.failure is not None
        assert link.failure.startswith("connection lost: ")
        assert read_to_end(link) == b"ERROR :closing link\r\n"
        assert link.truncated is False


@each_wire
def test_a_peer_that_is_cut_off_while_we_write_breaks_the_link_after_its_last_words(wire: Wire) -> None:
    with link_and_peer(wire) as (link, peer):
        peer.send(b"half a conv")
        link.send(b"unread")
        peer.reset()

        send_until_it_fails(link, b"a line\r\n")
        assert read_exactly(link, 11) == b"half a conv"
        assert link.wait(None)
        with pytest.raises(LinkBroken, match=r"^connection lost: "):
            link.receive()
        with pytest.raises(LinkBroken, match=r"^connection lost: "):
            link.receive()


def test_a_write_that_fails_wakes_the_owner_even_if_the_socket_shows_nothing() -> None:
    with link_and_peer(over_socketpair) as (link, peer):
        owner = Owner(link)
        peer.send(b"!")
        owner.expect(1)
        peer.sock.shutdown(socket.SHUT_RD)  # from now on Unix sockets refuse what we write, and nothing is to be read
        link.send(b"a line\r\n")
        owner.finish()
        assert owner.broken == "connection lost: Broken pipe"


@each_wire
@each_role
def test_garbage_breaks_the_link_after_what_was_sound_and_the_peer_is_told(wire: Wire, server_side: bool) -> None:
    with link_and_peer(wire, server_side, buffer=SMALL) as (link, peer):
        link.queue(b"queued, but nobody has flushed")
        peer.sock.sendall(peer.encrypt(b"sound\r\n") + b"NICK mallory\r\n" * 3)
        assert link.wait(LIMIT)
        assert link.receive() == b"sound\r\n"
        with pytest.raises(LinkBroken, match=r"^TLS error: ") as broken:
            link.receive()
        assert isinstance(broken.value.__cause__, ssl.SSLError)
        assert peer.read_exactly(30) == b"queued, but nobody has flushed"
        with pytest.raises(ssl.SSLError, match="ALERT"):
            peer.read()


@each_wire
def test_a_record_that_was_tampered_with_breaks_the_link(wire: Wire) -> None:
    with link_and_peer(wire) as (link, peer):
        record = bytearray(peer.encrypt(b"PRIVMSG #lobby :pay 10 to bob"))
        record[9] ^= 1
        peer.sock.sendall(record)
        with pytest.raises(LinkBroken, match="BAD_RECORD_MAC"):
            read_to_end(link)


@each_wire
def test_a_fatal_alert_breaks_the_link(wire: Wire) -> None:
    with link_and_peer(wire) as (link, peer):
        peer.incoming.write(b"what is this?" * 10)
        with pytest.raises(ssl.SSLError):
            peer.read()
        peer.sock.sendall(peer.outgoing.read())
        with pytest.raises(LinkBroken, match="ALERT"):
            read_to_end(link)


@each_wire
@each_role
def test_a_peer_that_never_reads_fills_the_outbox_and_no_more(wire: Wire, server_side: bool) -> None:
    limit = 200_000
    with link_and_peer(wire, server_side, buffer=SMALL, outbox_limit=limit) as (link, _):
        owner = Owner(link)
        sent = 0
        while link.failure is None:
            assert sent < limit + 200_000, "the limit, the piece under way, and what the sockets hold"
            link.send(bytes(1000))
            sent += 1000
        assert link.failure == "outbox full"
        assert sent > limit
        owner.finish()
        assert owner.broken == "outbox full"


@each_wire
def test_a_failed_link_writes_no_more(wire: Wire) -> None:
    with link_and_peer(wire) as (link, peer):
        link.send(b"before")
        link.fail("no more")
        link.send(b"after")
        link.close(LIMIT)
        assert peer.read_exactly(6) == b"before"
        with pytest.raises(EOFError):
            peer.read()


@each_wire
def test_a_failed_link_keeps_nothing_of_what_is_sent(wire: Wire) -> None:
    with link_and_peer(wire) as (link, _):
        link.send(b"x")  # what the first call allocates is not the matter
        link.fail("no more")
        tracemalloc.start()
        try:
            before, _peak = tracemalloc.get_traced_memory()
            for _ in range(100):
                link.send(bytes(100_000))
            after, _peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert after - before < 200_000


@each_wire
@each_role
def test_close_delivers_what_is_queued_and_says_goodbye(wire: Wire, server_side: bool) -> None:
    with link_and_peer(wire, server_side, buffer=SMALL) as (link, peer):
        peer.send(b"unread: a close that does not read it would reset the connection\r\n" * 20)
        link.queue(b"first\n")
        link.send(bytes(500_000))
        link.queue(b"ERROR :closing link\r\n")
        closing = Worker(link.close, LIMIT)
        with contextlib.closing(peer.sock):
            assert peer.read_to_end() == b"first\n" + bytes(500_000) + b"ERROR :closing link\r\n"
        closing.result()
        assert link.failure is None


@each_wire
@each_role
def test_not_even_the_goodbye_may_fit_into_the_socket(wire: Wire, server_side: bool) -> None:
    with link_and_peer(with_a_miser(wire), server_side) as (link, peer):
        link.send(b"a line that goes out in pieces, ")
        link.queue(iter([b"an answer too, "]))
        link.queue(b"and the close_notify")
        closing = Worker(link.close, LIMIT)
        with contextlib.closing(peer.sock):
            assert peer.read_to_end() == b"a line that goes out in pieces, an answer too, and the close_notify"
        closing.result()


@each_wire
def test_close_gives_up_on_a_peer_that_does_not_read(wire: Wire) -> None:
    with link_and_peer(wire, buffer=SMALL) as (link, peer):
        link.send(bytes(1_000_000))
        link.close(0.05)
        with pytest.raises((EOFError, ConnectionResetError)):
            peer.read_exactly(1_000_000)


@each_wire
def test_close_gives_up_on_a_peer_that_does_not_close(wire: Wire) -> None:
    with link_and_peer(wire) as (link, peer):
        link.send(b"bye")
        link.close(0.05)
        assert peer.read_to_end() == b"bye"


@each_wire
def test_close_without_time_says_no_goodbye(wire: Wire) -> None:
    with link_and_peer(wire) as (link, peer):
        link.close()
        with pytest.raises(EOFError):
            peer.read()


@each_wire
def test_two_links_that_close_at_once_both_end_cleanly(wire: Wire) -> None:
    with two_links(wire) as (server, client):
        server.queue(b"bye from the server")
        client.queue(b"bye from the client")
        closing = [Worker(server.close, LIMIT), Worker(client.close, LIMIT)]
        for worker in closing:
            worker.result()
        assert server.failure is None
        assert client.failure is None


@each_wire
def test_fail_wakes_the_owner_and_the_first_reason_stays(wire: Wire) -> None:
    with link_and_peer(wire) as (link, _):
        owner = Owner(link)
        link.fail("killed by the operator")
        link.fail("something else")
        owner.finish()
        assert owner.broken == link.failure == "killed by the operator"
