"""The ways to get in over a connection: certificates, invitations, and waiting for one's turn."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from securechat.client.connection import Client
from securechat.client.dial import dial
from securechat.client.door import Door
from securechat.client.entry import LONGEST, enter
from securechat.client.errors import (
    ClientError,
    CodeRefusedError,
    ConnectionLostError,
    LoginRefusedError,
)
from securechat.client.events import Event, LoginWaiting, Resumed
from securechat.client.logins import Certificate, Invitation, Login, Password
from securechat.client.registration import Registration
from securechat.client.retrying import worth_another_try
from securechat.client.state import State
from securechat.client.steady import Steady
from securechat.irc.lines import LineBuffer
from securechat.irc.message import Message
from securechat.irc.sasl import External, Plain
from securechat.pki import Authority, CertificateInfo, Purpose
from securechat.tls.contexts import client_context, server_context
from securechat.tls.errors import ClientCertificateRefused
from tests.client.clients import run
from tests.client.support import LIMIT, PASSWORD, Peer, Recorder, Rule, Session
from tests.client.told import Told

CODE = "Zm9vYmFyYmF6cXV4cXV1eA"
NEW = "new horse battery"


def _nobody(_: Event) -> None:
    pass


def _connect(
    peer: Peer, ca: Path, login: Login, cert: Path | None = None, tell: Callable[[Event], None] = _nobody
) -> Client:
    client = Client(tell)
    client.connect("localhost", peer.port, client_context(ca, cert), nick="alice", login=login, timeout=LIMIT)
    client.leave()
    return client


# -- certificates -----------------------------------------------------------------------------------------------------


@pytest.fixture
def alice(certs: Path) -> Path:
    """Her certificate."""
    return certs / "clients" / "alice.pem"


def _asking(certs: Path, *, required: bool = False) -> Peer:
    """A server that asks for a certificate, and takes the one of `alice` for alice's."""
    context = server_context(certs / "server.pem")
    context.verify_mode = context.verify_mode.CERT_REQUIRED if required else context.verify_mode.CERT_OPTIONAL
    context.load_verify_locations(certs / "client-ca.pem")
    peer = Peer(context, {"sasl": "PLAIN,EXTERNAL"})
    peer.mechanisms = {"PLAIN": Plain, "EXTERNAL": External}
    peer.certificates = {CertificateInfo.read(certs / "clients" / "alice.pem").fingerprint: "alice"}
    return peer


def test_a_certificate_logs_in_without_a_password(certs: Path, ca: Path, alice: Path) -> None:
    with _asking(certs) as peer:
        client = _connect(peer, ca, Certificate.of(alice, "alice"), alice)
        assert client.proof == "EXTERNAL"
        assert peer.wait_for("AUTHENTICATE").params == ["EXTERNAL"]


def test_a_certificate_that_was_not_shown(certs: Path, ca: Path, alice: Path) -> None:
    with _asking(certs) as peer, pytest.raises(LoginRefusedError, match=r"alice\.pem .*/cert add"):
        _connect(peer, ca, Certificate.of(alice, "alice"))


def test_the_password_helps_where_the_certificate_is_not_known(certs: Path, ca: Path, alice: Path) -> None:
    with _asking(certs) as peer:
        peer.certificates = {}
        login = Certificate.of(alice, "alice", Password("alice", PASSWORD))
        client = _connect(peer, ca, login, alice)
        assert client.proof == "PLAIN"
        assert client.next_login == login


def test_somebody_elses_certificate(certs: Path, ca: Path, alice: Path) -> None:
    with _asking(certs) as peer, pytest.raises(LoginRefusedError, match="did not let bob in"):
        _connect(peer, ca, Certificate.of(alice, "bob"), alice)


def test_a_certificate_that_tls_wants(certs: Path, ca: Path) -> None:
    with (
        _asking(certs, required=True) as peer,
        pytest.raises(ClientCertificateRefused, match="wants a client certificate"),
    ):
        _connect(peer, ca, Password("alice", PASSWORD))


def test_a_certificate_by_nobody_that_the_server_knows(certs: Path, ca: Path, tmp_path: Path) -> None:
    now = datetime.now(UTC)
    other = Authority.create(Purpose.CLIENTS, now=now)
    other.issue_client("alice", now=now).save(tmp_path / "alice.pem")
    with _asking(certs) as peer, pytest.raises(ClientCertificateRefused, match="does not know the authority"):
        _connect(peer, ca, Certificate.of(tmp_path / "alice.pem", "alice"), tmp_path / "alice.pem")


@pytest.mark.parametrize(
    "sentence",
    [
        "This server lets nobody in without a client certificate: ask its operator for one",
        "Your client certificate was revoked",
    ],
)
def test_the_servers_own_sentence_about_certificates_is_told(certs: Path, ca: Path, sentence: str) -> None:
    def refuse(session: Session, _: Message) -> list[str]:
        session.send(f"ERROR :{sentence}")
        session.quit()
        return []

    with Peer(certs / "server.pem") as peer:
        peer.rules["CAP"] = refuse
        with pytest.raises(ClientCertificateRefused, match=sentence) as caught:
            _connect(peer, ca, Password("alice", PASSWORD))
        assert not worth_another_try(caught.value)


# -- invitations ------------------------------------------------------------------------------------------------------


def _inviting(certs: Path) -> Peer:
    """A server that makes an account for the one who has the code, once."""
    peer = Peer(certs / "server.pem", {"sasl": "PLAIN", "draft/account-registration": "before-connect"}, {})
    codes = {CODE}
    given: dict[Session, str] = {}

    def code(session: Session, message: Message) -> list[str]:
        given[session] = message.params[0].removeprefix("invite:")
        return []

    def register(session: Session, message: Message) -> list[str]:
        name, email, password = message.params
        assert email == "*"
        if given.get(session) not in codes:
            return [f"FAIL REGISTER USED_CODE {name} :It is used up"]
        codes.discard(given[session])
        peer.accounts[name] = password
        session.account = name
        return [f"REGISTER SUCCESS {name} :Made", f":test.example 900 {session.nick} * {name} :You are logged in"]

    peer.rules["PASS"], peer.rules["REGISTER"] = code, register
    return peer


def _invitation(code: str = CODE) -> Invitation:
    return Invitation(code, "alice", NEW)


def test_an_invitation_makes_the_account_and_is_a_password_then(certs: Path, ca: Path) -> None:
    with _inviting(certs) as peer:
        client = _connect(peer, ca, _invitation())
        assert client.proof == "REGISTER"
        assert peer.accounts == {"alice": NEW}
        assert client.next_login == Password("alice", NEW)
        with pytest.raises(CodeRefusedError, match="has been used: if that was you, log in"):
            _connect(peer, ca, _invitation())
        _connect(peer, ca, Password("alice", NEW))


def test_the_door_opens_with_the_password_after_the_invitation(certs: Path, ca: Path) -> None:
    with _inviting(certs) as peer:
        told = Told()
        door = Door("localhost", peer.port, client_context(ca), "alice", _invitation())
        chat = Steady(told, door, ["#lobby"])
        chat.connect()
        assert door.login == Password("alice", NEW)
        chat.start()
        try:
            chat.wait_until_here()
            peer.came.get(timeout=LIMIT).drop()
            told.wait(lambda: told.count(Resumed) == 1)
            assert chat.client.proof == "PLAIN"
        finally:
            chat.leave()


def test_an_account_that_was_made_before_the_connection_broke_is_not_forgotten(certs: Path, ca: Path) -> None:
    with _inviting(certs) as peer:
        made = peer.rules["REGISTER"]

        def register(session: Session, message: Message) -> list[str]:
            lines = made(session, message)
            assert lines
            session.send(*lines)
            session.quit()
            return []

        peer.rules["REGISTER"] = register
        door = Door("localhost", peer.port, client_context(ca), "alice", _invitation())
        with pytest.raises(ConnectionLostError):
            door.open(Client(_nobody), ())
        assert door.login == Password("alice", NEW)
        assert NEW not in repr(door)
        assert CODE not in repr(door)


# -- waiting ----------------------------------------------------------------------------------------------------------


def _waiting(*numbers: int) -> Rule:
    """A rule for AUTHENTICATE: so many logins are before this one, and then it is done."""

    def rule(session: Session, message: Message) -> list[str] | None:
        if message.params != ["PLAIN"]:
            session.send(*(f"NOTE AUTHENTICATE WAITING {number} :Others are before you" for number in numbers))
        return None

    return rule


def test_how_many_are_before_us_is_told(certs: Path, ca: Path) -> None:
    recorder = Recorder()
    with Peer(certs / "server.pem") as peer:
        peer.rules["AUTHENTICATE"] = _waiting(12)
        _connect(peer, ca, Password("alice", PASSWORD), tell=recorder)
        assert recorder.wait_for(LoginWaiting) == LoginWaiting(12)


def test_a_program_in_a_pipe_says_that_it_waits(certs: Path, ca: Path) -> None:
    with Peer(certs / "server.pem") as peer:
        peer.rules["AUTHENTICATE"] = _waiting(3)
        done = run(peer.port, ca)
        assert done.returncode == 0, done.stderr
        assert b"waiting: 3 logins are before yours" in done.stderr


def test_it_is_told_before_the_chat_has_begun(certs: Path, ca: Path) -> None:
    told = Told()
    with Peer(certs / "server.pem") as peer:
        peer.rules["AUTHENTICATE"] = _waiting(3)
        door = Door("localhost", peer.port, client_context(ca), "alice", Password("alice", PASSWORD))
        chat = Steady(told, door, [])
        chat.connect()
        assert told.events == [LoginWaiting(3)]
        chat.leave()


class _Clock:
    """In the place of the module `time`: it goes when it is told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


def _wait_in_line(certs: Path, ca: Path, clock: _Clock, seconds: float) -> list[Event]:
    """Get in, where five others are before us who take so long each; what is told."""
    told: list[Event] = []
    heard = threading.Semaphore(0)

    def tell(event: Event) -> None:
        told.append(event)
        clock.now += seconds
        heard.release()

    def rule(session: Session, message: Message) -> list[str] | None:
        if message.params != ["PLAIN"]:
            for number in (5, 4, 3, 2, 1):
                session.send(f"NOTE AUTHENTICATE WAITING {number} :Others are before you")
                if not heard.acquire(timeout=LIMIT):
                    return []
        return None

    with Peer(certs / "server.pem") as peer:
        peer.rules["AUTHENTICATE"] = rule
        link = dial("localhost", peer.port, client_context(ca), LIMIT)
        registration = Registration(State("alice", "localhost"), Password("alice", PASSWORD))
        try:
            enter(link, registration, LineBuffer(), "localhost", 30.0, tell)
        finally:
            for _ in range(5):
                heard.release()
            link.close()
    return told


def test_who_hears_something_now_and_then_waits_longer_than_one_silence(
    certs: Path, ca: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = _Clock()
    monkeypatch.setattr("securechat.client.entry.time", clock)
    assert _wait_in_line(certs, ca, clock, 25.0) == [LoginWaiting(number) for number in (5, 4, 3, 2, 1)]


def test_who_hears_something_now_and_then_does_not_wait_for_ever(
    certs: Path, ca: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = _Clock()
    monkeypatch.setattr("securechat.client.entry.time", clock)
    with pytest.raises(ConnectionLostError, match="did not finish the registration in 10 minutes"):
        _wait_in_line(certs, ca, clock, LONGEST / 4)


def test_who_does_not_want_to_wait_ends_the_try(certs: Path, ca: Path) -> None:
    class EnoughError(ClientError):
        pass

    def tell(event: Event) -> None:
        raise EnoughError

    with Peer(certs / "server.pem") as peer:
        peer.rules["AUTHENTICATE"] = _waiting(3)
        with pytest.raises(EnoughError):
            _connect(peer, ca, Password("alice", PASSWORD), tell=tell)
