"""The client on a real connection: the way in, events, acknowledgement, silence, and every kind of end."""

import threading
from pathlib import Path

import pytest

from securechat.client import events
from securechat.client.connection import Client
from securechat.client.errors import ConnectionLostError, LoginRefusedError, RegistrationRefusedError
from securechat.client.events import Acknowledged, Disconnected, Event, Joined, MessageReceived, Refused, ServerSaid
from securechat.irc.message import Message
from securechat.irc.words import UnsendableError
from securechat.tls.contexts import client_context
from tests.client.clients import connected
from tests.client.offers import PLAIN
from tests.client.support import LIMIT, OLD, PASSWORD, Peer, Recorder, Session


@pytest.fixture(params=["modern", "old"])
def peer(request: pytest.FixtureRequest, certs: Path) -> Peer:
    """A server that has everything, and one that has next to nothing: not started yet."""
    return Peer(certs / "server.pem", PLAIN if request.param == "modern" else OLD)


def test_a_conversation(peer: Peer, ca: Path) -> None:
    one, two = Recorder(), Recorder()
    with peer, connected(peer, ca, one) as alice, connected(peer, ca, two, "bob") as bob:
        assert (alice.nick, alice.server) == ("alice", "test.example")
        assert alice.cipher.startswith("TLSv1.3")
        joined = alice.join("#lobby")
        alice.settle()
        assert joined.done
        assert alice.network == "Test"
        bob.join("#lobby")
        assert one.wait_for(events.Names).names == ("alice",)
        came = one.wait_for(Joined)
        assert (came.nick, came.own) == ("bob", False)
        assert alice.channels() == {"#lobby": ["alice", "bob"]}
        assert alice.is_in("#LOBBY")
        (request,) = bob.say("#lobby", "hello alice")
        said = one.wait_for(MessageReceived)
        assert (said.source, said.text, said.own) == ("bob", "hello alice", False)
        own = two.wait_for(MessageReceived)
        assert (own.source, own.text, own.own, own.request) == ("bob", "hello alice", True, request)
        assert two.wait_for(Acknowledged).request is request
        bob.leave("bye")
        assert two.wait_for(Disconnected).error is None
        assert one.wait_for(events.Quit).nick == "bob"
        assert alice.channels() == {"#lobby": ["alice"]}


def test_refusals_reach_their_request(peer: Peer, ca: Path) -> None:
    recorder = Recorder()
    with peer, connected(peer, ca, recorder) as alice:
        (nobody,) = alice.say("nobody", "hello")
        (outside,) = alice.say("#lobby", "hello")
        alice.settle()
        assert nobody.refusal is not None
        assert (nobody.refusal.code, nobody.refusal.about) == ("401", "nobody")
        assert outside.refusal is not None
        assert recorder.wait_for(Refused).request is nobody
        assert recorder.wait_for(Refused).request is outside
        assert alice.unanswered() == 0


def test_what_is_said_comes_in_order_and_whole(peer: Peer, ca: Path) -> None:
    with peer, connected(peer, ca, Recorder()) as alice:
        alice.join("#lobby")
        alice.settle()
        text = "Grüße, 世界! " * 500
        pieces = alice.say("#lobby", text)
        for number in range(200):
            alice.wait_for_room(8)
            assert alice.unanswered() < 8
            pieces += alice.say("#lobby", str(number))
        alice.settle()
        assert all(request.done for request in pieces)
        assert "".join(peer.said) == text + "".join(map(str, range(200)))


def test_many_threads_may_speak(peer: Peer, ca: Path) -> None:
    with peer, connected(peer, ca, Recorder()) as alice:
        alice.join("#lobby")

        def talk(name: str) -> None:
            for number in range(50):
                alice.wait_for_room()
                alice.say("#lobby", f"{name} {number}")

        threads = [threading.Thread(target=talk, args=(name,)) for name in "abcd"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(LIMIT)
        alice.settle()
        for name in "abcd":
            assert [text for text in peer.said if text[0] == name] == [f"{name} {number}" for number in range(50)]


def test_the_window_opens_only_with_an_answer(certs: Path, ca: Path) -> None:
    held: list[tuple[Session, Message]] = []

    def hold(session: Session, message: Message) -> list[str]:
        held.append((session, message))
        return []

    with Peer(certs / "server.pem") as peer, connected(peer, ca, Recorder()) as alice:
        alice.join("#lobby")
        alice.settle()
        peer.rules["PRIVMSG"] = hold
        for text in "abc":
            alice.say("#lobby", text)
        waited = threading.Thread(target=alice.wait_for_room, args=(3,))
        waited.start()
        for _ in range(3):
            peer.wait_for("PRIVMSG")
        assert alice.unanswered() == 3
        assert waited.is_alive()
        session, message = held[0]
        session.send(f"@label={message.tags['label']} ACK")
        waited.join(LIMIT)
        assert not waited.is_alive()
        assert alice.unanswered() == 2


def test_a_server_that_forgets_an_answer_does_not_stop_us(certs: Path, ca: Path) -> None:
    with Peer(certs / "server.pem") as peer, connected(peer, ca, Recorder()) as alice:
        alice.join("#lobby")
        peer.rules["PRIVMSG"] = lambda *_: []
        (request,) = alice.say("#lobby", "hello")
        alice.settle()
        assert request.refusal is not None


# -- the way in -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("nick", "password"), [("alice", "hunter2"), ("nobody", PASSWORD)])
def test_a_login_that_is_refused(peer: Peer, ca: Path, nick: str, password: str) -> None:
    with peer, pytest.raises(LoginRefusedError, match=f"did not let {nick} in") as caught:
        Client(Recorder()).connect("localhost", peer.port, client_context(ca), nick=nick, password=password)
    assert password not in str(caught.value)


def test_a_server_without_logins(certs: Path, ca: Path) -> None:
    with Peer(certs / "server.pem", None) as peer:
        with pytest.raises(RegistrationRefusedError, match="no login"), connected(peer, ca, Recorder()):
            pass
        guest = Client(Recorder())
        guest.connect("localhost", peer.port, client_context(ca), nick="guest")
        guest.leave()


def test_a_server_that_says_why_it_hangs_up(certs: Path, ca: Path) -> None:
    def refuse(session: Session, _: Message) -> list[str]:
        session.send("FAIL * RATE_LIMITED :Too many of you")
        session.quit()
        return []

    with Peer(certs / "server.pem") as peer:
        peer.rules["AUTHENTICATE"] = refuse
        with pytest.raises(RegistrationRefusedError, match="Too many of you"), connected(peer, ca, Recorder()):
            pass


def test_a_server_that_never_finishes(certs: Path, ca: Path) -> None:
    with Peer(certs / "server.pem") as peer:
        peer.rules["AUTHENTICATE"] = lambda *_: []
        client = Client(Recorder())
        with pytest.raises(ConnectionLostError, match="did not finish the registration"):
            client.connect("localhost", peer.port, client_context(ca), nick="alice", password=PASSWORD, timeout=0.2)


def test_another_nick_may_be_given(certs: Path, ca: Path) -> None:
    def give(session: Session, message: Message) -> list[str] | None:
        message.params[0] = "alice"
        return None

    with Peer(certs / "server.pem") as peer:
        peer.rules["NICK"] = give
        client = Client(Recorder())
        client.connect("localhost", peer.port, client_context(ca), nick="Other", login="alice", password=PASSWORD)
        assert client.nick == "alice"
        client.leave()


def test_nothing_works_before_connect() -> None:
    client = Client(Recorder())
    with pytest.raises(RuntimeError):
        client.say("#lobby", "x")
    client.leave()


def test_what_cannot_be_sent_is_not_asked(certs: Path, ca: Path) -> None:
    with Peer(certs / "server.pem") as peer, connected(peer, ca, Recorder()) as alice:
        for params in (["#a b", "x"], ["#c", "one\ntwo"], ["", "x"], ["#c", "\ud800"]):
            with pytest.raises(UnsendableError):
                alice.request("PRIVMSG", *params)
        alice.settle()


# -- silence and the end ----------------------------------------------------------------------------------------------


def test_ping_is_answered(peer: Peer, ca: Path) -> None:
    with peer, connected(peer, ca, Recorder()):
        peer.came.get(timeout=LIMIT).send("PING :are you there")
        assert peer.wait_for("PONG").params == ["are you there"]


def test_a_silent_server_is_asked_and_is_fine_if_it_answers(peer: Peer, ca: Path) -> None:
    with peer, connected(peer, ca, Recorder(), ping_after=0.01) as alice:
        for _ in range(3):
            peer.wait_for("PING")
        alice.settle()


def test_a_server_that_stays_silent_is_lost(peer: Peer, ca: Path) -> None:
    recorder = Recorder()
    peer.rules["PING"] = lambda *_: []
    with peer, connected(peer, ca, recorder, ping_after=0.01, lost_after=0.05) as alice:
        error = recorder.wait_for(Disconnected).error
        assert isinstance(error, ConnectionLostError)
        assert "no sign of life" in str(error)
        assert alice.ended
        with pytest.raises(ConnectionLostError, match="no sign of life"):
            alice.say("#lobby", "x")


def test_a_server_that_does_not_answer_is_lost_sooner(peer: Peer, ca: Path) -> None:
    recorder = Recorder()
    peer.rules["PRIVMSG"] = peer.rules["PING"] = lambda *_: []
    with peer, connected(peer, ca, recorder, answer_after=0.01, lost_after=0.05) as alice:
        alice.say("nobody", "x")
        error = recorder.wait_for(Disconnected).error
        assert "no sign of life for 0 seconds" in str(error)


@pytest.mark.parametrize(
    ("polite", "words"), [(False, "was lost"), (True, "the server ended the connection: Shutting down␛")]
)
def test_a_connection_that_ends(peer: Peer, ca: Path, polite: bool, words: str) -> None:
    with peer, connected(peer, ca, Recorder()) as alice:
        session = peer.came.get(timeout=LIMIT)
        peer.rules["PRIVMSG"] = peer.rules["PING"] = lambda *_: []
        alice.say("#lobby", "x")
        if polite:
            session.send("ERROR :Shutting down\x1b")
            session.quit()
        else:
            session.drop()
        with pytest.raises(ConnectionLostError, match=words):
            alice.settle()
        with pytest.raises(ConnectionLostError, match=words):
            alice.check()


def test_one_leaves_even_if_the_server_does_not_let_go(peer: Peer, ca: Path) -> None:
    recorder = Recorder()
    peer.rules["QUIT"] = lambda *_: []
    with peer, connected(peer, ca, recorder) as alice:
        alice.leave("so long", timeout=0.05)
        assert peer.wait_for("QUIT").params == ["so long"]
        assert recorder.wait_for(Disconnected).error is None
        with pytest.raises(ConnectionLostError, match="at this end"):
            alice.say("#lobby", "x")


def test_all_that_was_said_arrives_before_the_end(peer: Peer, ca: Path) -> None:
    with peer:
        with connected(peer, ca, Recorder()) as alice:
            alice.join("#lobby")
            for number in range(300):
                alice.say("#lobby", str(number))
        assert peer.said == [str(number) for number in range(300)]


def test_an_error_of_the_listener_ends_the_connection_and_is_told(peer: Peer, ca: Path) -> None:
    class BoomError(Exception):
        pass

    def listen(event: Event) -> None:
        if isinstance(event, Joined):
            raise BoomError

    with peer, connected(peer, ca, listen) as alice:
        alice.join("#lobby")
        with pytest.raises(BoomError):
            alice.wait(lambda: False)


def test_a_listener_that_blocks_stops_the_reading_and_loses_nothing(certs: Path, ca: Path) -> None:
    told: list[str] = []
    go_on, blocked = threading.Event(), threading.Event()

    def listen(event: Event) -> None:
        if isinstance(event, ServerSaid) and event.code == "NOTICE":
            told.append(event.text)
            blocked.set()
            assert go_on.wait(LIMIT)

    with Peer(certs / "server.pem") as peer, connected(peer, ca, listen, ping_after=0.01) as alice:
        session = peer.came.get(timeout=LIMIT)
        session.send("NOTICE alice :one")
        assert blocked.wait(LIMIT)
        session.send("NOTICE alice :two", "NOTICE alice :three")
        peer.rules["PRIVMSG"] = lambda *_: ["ACK"]
        alice.request("PRIVMSG", "bob", "still sends")
        peer.wait_for("PRIVMSG")
        go_on.set()
        alice.settle()
        assert told == ["one", "two", "three"]


def test_lines_that_are_none_are_skipped(certs: Path, ca: Path) -> None:
    recorder = Recorder()
    with Peer(certs / "server.pem") as peer, connected(peer, ca, recorder) as alice:
        session = peer.came.get(timeout=LIMIT)
        session.send_bytes(
            b":s NOTICE alice :\xff\r\n@only-tags\r\n:s +++\r\n" + b"x" * 10_000 + b"\r\n:s NOTICE alice :ok\r\n"
        )
        alice.settle()
        assert [recorder.wait_for(ServerSaid).code, recorder.wait_for(ServerSaid).text] == ["422", "ok"]
