"""The handshake of a link: its deadline, peers that are something else, and the data that comes along with it."""

import contextlib
import ssl
import threading

import pytest

from securechat.tls.link import HandshakeTimeout, Link, LinkBroken
from tests.tls.support import (
    LIMIT,
    Peer,
    Wire,
    Worker,
    each_role,
    each_wire,
    identity,
    link_and_peer,
    make_context,
    make_link,
    often_switching,
    read_exactly,
    read_to_end,
    with_a_miser,
)

ALERT = 21  # the content type of an alert's record, RFC 8446 section 5.1
OUT_OF_PLACE = b"\x16\x03\x03\0\x04\x0d\0\0\0"  # a CertificateRequest, where a hello is due


@each_wire
@each_role
def test_an_idle_peer_runs_into_the_deadline(wire: Wire, server_side: bool) -> None:
    ours, theirs = wire()
    with theirs, contextlib.closing(make_link(ours, server_side)) as link, pytest.raises(HandshakeTimeout):
        link.handshake(0.05)


@each_wire
def test_a_peer_that_stops_halfway_runs_into_the_deadline(wire: Wire) -> None:
    ours, theirs = wire()
    peer = Peer(theirs, server_side=False)
    peer.step()
    with theirs, contextlib.closing(make_link(ours, True)) as link:
        theirs.sendall(peer.outgoing.read()[:40])
        with pytest.raises(HandshakeTimeout):
            link.handshake(0.05)


@each_wire
@pytest.mark.parametrize(("late", "looked_at"), [(1.5, True), (2.5, False)])
def test_what_came_in_time_is_looked_at_late(
    wire: Wire, late: float, looked_at: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The thread gets round to it only when a second was over, but not if it was two. It reads it in many pieces."""
    ours, theirs = wire()
    peer = Peer(theirs, server_side=False)
    peer.step()
    clock = iter([0.0])
    monkeypatch.setattr("securechat.tls.link._RECEIVE", 16)
    with theirs, contextlib.closing(make_link(ours, True)) as link:
        theirs.sendall(peer.outgoing.read())
        monkeypatch.setattr("securechat.tls.link.time.monotonic", lambda: next(clock, late))
        with pytest.raises(HandshakeTimeout):
            link.handshake(1.0)
        monkeypatch.undo()
        theirs.setblocking(False)
        if looked_at:
            assert theirs.recv(100)[:1] == b"\x16"  # the server's hello
        else:
            with pytest.raises(BlockingIOError):
                theirs.recv(100)


@each_wire
@each_role
def test_a_handshake_in_crumbs_succeeds(wire: Wire, server_side: bool) -> None:
    ours, theirs = wire()
    peer = Peer(theirs, not server_side)
    with theirs, contextlib.closing(make_link(ours, server_side)) as link:
        handshaking = Worker(link.handshake, LIMIT)
        done = False
        while not done:
            done = peer.step()
            for byte in peer.outgoing.read():
                theirs.sendall(bytes([byte]))
            if not done:
                peer.more()
        handshaking.result()
        peer.send(b"here")
        assert read_exactly(link, 4) == b"here"


@each_wire
@each_role
@pytest.mark.parametrize(
    "greeting", [b"NICK alice\r\nUSER alice 0 * :Alice\r\n", b"GET / HTTP/1.1\r\n\r\n", bytes(200)]
)
def test_a_peer_that_is_not_tls_is_refused(wire: Wire, server_side: bool, greeting: bytes) -> None:
    ours, theirs = wire()
    with theirs, contextlib.closing(make_link(ours, server_side)) as link:
        theirs.sendall(greeting)
        with pytest.raises(ssl.SSLError):
            link.handshake(LIMIT)


@each_wire
@each_role
def test_a_peer_with_nothing_newer_than_tls_1_2_is_refused_and_told(wire: Wire, server_side: bool) -> None:
    ours, theirs = wire()
    context = make_context(not server_side)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    peer = Peer(theirs, not server_side, context)
    with theirs, contextlib.closing(make_link(ours, server_side)) as link:
        handshaking = Worker(peer.handshake)
        with pytest.raises(ssl.SSLError) as refusal:
            link.handshake(LIMIT)
        assert "PROTOCOL" in (refusal.value.reason or "")
        with pytest.raises(ssl.SSLError, match="PROTOCOL"):
            handshaking.result()


@each_wire
def test_a_server_under_another_name_is_refused_and_told(wire: Wire) -> None:
    ours, theirs = wire()
    peer = Peer(theirs, server_side=True)
    with theirs, contextlib.closing(make_link(ours, False, server_hostname="chat.example")) as link:
        talking = Worker(lambda: (peer.handshake(), peer.read()))
        with pytest.raises(ssl.SSLCertVerificationError):
            link.handshake(LIMIT)
        with pytest.raises(ssl.SSLError, match="ALERT_BAD_CERTIFICATE"):
            talking.result()


@each_wire
@each_role
def test_the_alert_of_a_refusal_survives_what_was_left_unread(wire: Wire, server_side: bool) -> None:
    """Closing with something unread resets the connection; ``close(timeout)`` reads it first."""
    ours, theirs = wire()
    theirs.settimeout(LIMIT)
    with theirs, contextlib.closing(make_link(ours, server_side)) as link:
        theirs.sendall(OUT_OF_PLACE + bytes(100_000))
        with pytest.raises(ssl.SSLError, match="UNEXPECTED_MESSAGE"):
            link.handshake(LIMIT)
        link.send(b"what was queued by others is of no use now")
        closing = Worker(link.close, LIMIT)
        told = b"".join(iter(lambda: theirs.recv(65536), b""))
        theirs.close()
        closing.result()
        alert = 0 if server_side else 5 + int.from_bytes(told[3:5], "big")  # behind the ClientHello
        assert told[alert] == ALERT
        assert len(told) == alert + 7


@each_wire
@each_role
def test_a_peer_that_hangs_up_during_the_handshake_breaks_the_link(wire: Wire, server_side: bool) -> None:
    ours, theirs = wire()
    peer = Peer(theirs, not server_side)
    with contextlib.closing(make_link(ours, server_side)) as link:
        handshaking = Worker(link.handshake, LIMIT)
        if not peer.step():
            theirs.sendall(peer.outgoing.read())
        peer.more()  # the link is in the middle of it
        theirs.close()
        with pytest.raises(LinkBroken, match=r"hung up|connection lost") as broken:
            handshaking.result()
        assert not isinstance(broken.value, HandshakeTimeout)
        assert isinstance(broken.value.__cause__, OSError)  # from which a client can say more


@each_wire
@each_role
def test_a_peer_that_resets_during_the_handshake_breaks_the_link(wire: Wire, server_side: bool) -> None:
    ours, theirs = wire()
    peer = Peer(theirs, not server_side)
    with contextlib.closing(make_link(ours, server_side)) as link:
        peer.reset()
        with pytest.raises(LinkBroken, match=r"hung up|connection lost"):
            link.handshake(LIMIT)


@each_wire
@each_role
def test_fail_ends_a_handshake(wire: Wire, server_side: bool) -> None:
    ours, theirs = wire()
    with theirs, contextlib.closing(make_link(ours, server_side)) as link:
        handshaking = Worker(link.handshake, LIMIT)
        link.fail("the server is closing")
        with pytest.raises(LinkBroken, match="the server is closing"):
            handshaking.result()


@each_wire
@each_role
def test_what_is_sent_before_and_during_the_handshake_arrives_after_it(wire: Wire, server_side: bool) -> None:
    ours, theirs = wire()
    peer = Peer(theirs, not server_side)
    with theirs, contextlib.closing(make_link(ours, server_side)) as link:
        link.send(b"before, ")
        handshaking = Worker(link.handshake, LIMIT)
        if not peer.step():
            theirs.sendall(peer.outgoing.read())
        peer.more()  # the link has spoken: it is in the middle of it
        link.queue(iter([b"an answer, "]))
        link.send(b"during")
        assert link.failure is None
        peer.handshake()
        handshaking.result()
        assert peer.read_exactly(25) == b"before, an answer, during"


@each_wire
@each_role
@often_switching
def test_others_may_finish_what_the_handshake_has_to_say(wire: Wire, server_side: bool) -> None:
    for _ in range(5):
        done = threading.Event()
        ours, theirs = with_a_miser(wire)()
        peer = Peer(theirs, not server_side)
        with theirs, contextlib.closing(make_link(ours, server_side)) as link:
            helping = Worker(flush_until, done, link)
            handshaking = Worker(link.handshake, LIMIT)
            peer.handshake()
            handshaking.result()
            done.set()
            helping.result()


def flush_until(done: threading.Event, link: Link) -> None:
    while not done.is_set():
        link.flush()


@each_wire
def test_what_is_sent_before_the_handshake_is_bounded(wire: Wire) -> None:
    ours, theirs = wire()
    with theirs, contextlib.closing(make_link(ours, True, outbox_limit=10_000)) as link:
        for _ in range(11):
            link.send(bytes(1000))
        assert link.failure == "outbox full"
        with pytest.raises(LinkBroken, match="outbox full"):
            link.handshake(LIMIT)


@each_wire
def test_a_client_s_first_data_that_comes_with_its_finished_is_seen_without_another_event(wire: Wire) -> None:
    ours, theirs = wire()
    peer = Peer(theirs, server_side=False)
    with theirs, contextlib.closing(make_link(ours, True)) as link:
        handshaking = Worker(link.handshake, LIMIT)
        finished = peer.handshake(keep_last=True)
        theirs.sendall(finished + peer.encrypt(b"NICK alice\r\n") + peer.encrypt(b"USER alice\r\n"))
        handshaking.result()
        assert link.wait(LIMIT)
        assert link.receive() == b"NICK alice\r\nUSER alice\r\n"
        assert not link.wait(0)


@each_wire
@each_role
def test_who_the_peer_is(wire: Wire, server_side: bool) -> None:
    with link_and_peer(wire, server_side) as (link, _):
        assert link.cipher().startswith("TLSv1.3, TLS_")
        assert link.peer_certificate() == (None if server_side else identity().certificate)


@each_wire
def test_a_client_that_shows_a_certificate(wire: Wire) -> None:
    ours, theirs = wire()
    server = make_link(ours, True, context=make_context(True, mutual=True))
    client = make_link(theirs, False, context=make_context(False, mutual=True))
    with contextlib.closing(server), contextlib.closing(client):
        handshaking = Worker(server.handshake, LIMIT)
        client.handshake(LIMIT)
        handshaking.result()
        assert server.peer_certificate() == identity().certificate


@each_wire
def test_a_client_hears_that_its_missing_certificate_was_refused_even_if_it_wrote_first(wire: Wire) -> None:
    """In TLS 1.3 its handshake succeeds before the server has judged it (RFC 8446 section 4.4.2.4)."""
    ours, theirs = wire()
    server: Link = make_link(ours, True, context=make_context(True, mutual=True))
    client: Link = make_link(theirs, False)
    with contextlib.closing(server), contextlib.closing(client):
        handshaking = Worker(server.handshake, LIMIT)
        client.handshake(LIMIT)
        with pytest.raises(ssl.SSLError, match="PEER_DID_NOT_RETURN_A_CERTIFICATE"):
            handshaking.result()
        server.close()
        client.send(b"NICK alice\r\n")  # to somebody who has gone: TCP answers with a reset
        client.send(b"USER alice\r\n")
        assert client.wait(LIMIT)
        with pytest.raises(LinkBroken, match="CERTIFICATE_REQUIRED") as broken:
            read_to_end(client)
        assert isinstance(broken.value.__cause__, ssl.SSLError)
