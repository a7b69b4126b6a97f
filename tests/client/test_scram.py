"""SCRAM-SHA-256: an honest server gets a proof and gives one; any other gets neither the password nor our time."""

import base64
import hashlib
import hmac
from collections.abc import Callable
from pathlib import Path

import pytest

from securechat.client import scram
from securechat.client.connection import Client
from securechat.client.errors import LoginRefusedError, ServerProofError
from securechat.client.logins import Password
from securechat.client.registration import Registration
from securechat.client.scram import MAX_ROUNDS, MIN_ROUNDS, ScramClient, ScramRefusedError
from securechat.client.state import State
from securechat.irc.message import Message
from securechat.irc.sasl import Credentials, Plain, SaslClient, SaslServer
from securechat.irc.words import UnsendableError
from securechat.tls.contexts import client_context
from tests.client.scram_server import Lie, ScramServer
from tests.client.support import LIMIT, PASSWORD, Peer, Recorder

Replace = tuple[str, Callable[[str], str]]


def _talk(client: SaslClient, server: SaslServer) -> Credentials | None:
    """Carry every AUTHENTICATE to the other side, until there are credentials."""
    for_server = [client.start()]
    while True:
        for_client: list[str] = []
        for param in for_server:
            outcome = server.handle(param)
            if isinstance(outcome, Credentials):
                return outcome
            for_client += outcome
        for_server = [answer for param in for_client for answer in client.handle(param)]
        assert for_server


def _server(lies: dict[int, Lie] | None = None, password: str = PASSWORD) -> SaslServer:
    return SaslServer({"SCRAM-SHA-256": lambda: ScramServer({"alice": password}, lies)})


def _client() -> SaslClient:
    return SaslClient(ScramClient("alice", PASSWORD))


@pytest.mark.parametrize("password", [PASSWORD, "pass=word, with commas", "Päßwörd", "パスワード", "soft\u00adhyphen"])
def test_both_sides_prove_what_they_know(password: str) -> None:
    client = SaslClient(ScramClient("alice", password))
    assert _talk(client, _server(password=password)) == Credentials("alice")
    assert client.mechanism.finished


def test_the_example_of_rfc_7677(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scramp.core.token_hex", lambda: "rOprNGfwEbeRWgbNEkqO")
    client = ScramClient("user", "pencil")
    assert client.respond(b"") == b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO"
    assert client.respond(
        b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
    ) == (b"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=")
    assert not client.finished
    assert client.respond(b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=") == b""
    assert client.finished


def _with(key: str, value: Callable[[str], str]) -> Lie:
    """One attribute of the message replaced by something else."""

    def lie(text: str) -> str:
        return ",".join(
            f"{part[:2]}{value(part[2:])}" if part.startswith(f"{key}=") else part for part in text.split(",")
        )

    return lie


@pytest.mark.parametrize(
    ("step", "lie", "words"),
    [
        (1, _with("r", lambda nonce: "x" + nonce), "nonce"),
        (1, _with("r", lambda nonce: nonce[:20]), "nonce"),
        (1, _with("i", lambda _: "1000000000"), "rounds"),
        (1, _with("i", lambda _: str(MAX_ROUNDS + 1)), f"wants {MAX_ROUNDS + 1} rounds"),
        (1, _with("i", lambda _: str(MIN_ROUNDS - 1)), f"wants {MIN_ROUNDS - 1} rounds"),
        (1, _with("i", lambda _: "1"), "wants 1 rounds"),
        (1, _with("i", lambda _: "0"), "wants 0 rounds"),
        (1, _with("i", lambda _: "-4096"), "rounds"),
        (1, _with("i", lambda _: "4096.0"), "rounds"),
        (1, _with("i", lambda _: "４０９６"), "rounds"),
        (1, _with("i", lambda _: "9" * 3000), "rounds"),
        (1, _with("i", lambda _: ""), "rounds"),
        (1, lambda text: text.rpartition(",")[0], "no number of rounds"),
        (1, lambda text: f"{text},i=5000", "Duplicate"),
        (1, _with("s", lambda _: ""), "wrong"),
        (1, _with("s", lambda _: "c2hvcnQ="), "salt"),
        (1, _with("s", lambda _: "!"), "64"),
        (1, lambda text: f"m=ext,{text}", "'m'"),
        (1, lambda _: "nonsense", "rounds"),
        (1, lambda _: "", "rounds"),
        (2, _with("v", lambda _: base64.b64encode(b"x" * 32).decode()), "signature"),
        (2, _with("v", lambda _: ""), "wrong"),
        (2, _with("v", lambda _: "é"), "64"),
        (2, lambda _: "", "wrong"),
        (2, lambda _: "n=1", "wrong"),
    ],
)
def test_what_no_honest_server_says(step: int, lie: Lie, words: str) -> None:
    client = _client()
    with pytest.raises(ServerProofError, match=words) as caught:
        _talk(client, _server({step: lie}))
    assert not client.mechanism.finished
    assert str(caught.value).isprintable()
    assert PASSWORD not in str(caught.value)


def test_a_number_of_rounds_that_is_too_high_is_not_run(monkeypatch: pytest.MonkeyPatch) -> None:
    def run(*_: object) -> bytes:
        raise AssertionError

    monkeypatch.setattr("hashlib.pbkdf2_hmac", run)
    client = ScramClient("alice", PASSWORD)
    nonce = client.respond(b"").decode().rpartition("r=")[2]
    with pytest.raises(ServerProofError, match="rounds"):
        client.respond(f"r={nonce}x,s={base64.b64encode(b'x' * 16).decode()},i=1000000000".encode())


def test_the_bounds_themselves_are_good() -> None:
    for rounds in (MIN_ROUNDS, MAX_ROUNDS):
        scram.check_rounds(f"r=x,s=y,i={rounds}")


@pytest.mark.parametrize("challenge", [b"\xff\xfe", b"r=\xff"])
def test_what_is_not_utf_8(challenge: bytes) -> None:
    client = ScramClient("alice", PASSWORD)
    client.respond(b"")
    with pytest.raises(ServerProofError, match="UTF-8"):
        client.respond(challenge)


def test_a_server_that_speaks_first_or_goes_on() -> None:
    with pytest.raises(ServerProofError, match="speaks first"):
        ScramClient("alice", PASSWORD).respond(b"r=x")
    client = _client()
    _talk(client, _server())
    with pytest.raises(ServerProofError, match="after its end"):
        client.mechanism.respond(b"")


@pytest.mark.parametrize("step", [1, 2])
def test_an_error_within_the_exchange_is_a_refusal(step: int) -> None:
    client = _client()
    with pytest.raises(ScramRefusedError, match="invalid-proof"):
        _talk(client, _server({step: lambda _: "e=invalid-proof"}))


@pytest.mark.parametrize("password", ["new \U0001fae8 face", "ctrl\x07", "\ud800", "\u0627x"])
def test_what_scram_has_no_form_for(password: str) -> None:
    with pytest.raises(UnsendableError) as caught:
        ScramClient("alice", password)
    assert password not in str(caught.value)


# -- as part of a login -----------------------------------------------------------------------------------------------


def _registration() -> Registration:
    registration = Registration(State("alice", "chat.example"), Password("alice", PASSWORD))
    assert _say(registration, ":s CAP * LS :sasl=PLAIN,SCRAM-SHA-256", ":s CAP * ACK :sasl")[1:] == [
        "AUTHENTICATE SCRAM-SHA-256"
    ]
    return registration


def _say(registration: Registration, *lines: str) -> list[str]:
    messages = [answer for line in lines for answer in registration.handle(Message.parse(line))]
    return [" ".join((message.command, *message.params)) for message in messages]


def _to_the_proof(registration: Registration) -> bytes:
    """Up to where the client has sent its proof; the right answer of the server to that."""
    (first,) = _say(registration, "AUTHENTICATE +")
    bare = base64.b64decode(first.split()[1]).decode().removeprefix("n,,")
    nonce, salt = bare.rpartition("r=")[2] + "server", b"s" * 16
    server_first = f"r={nonce},s={base64.b64encode(salt).decode()},i=4096"
    (final,) = _say(registration, f"AUTHENTICATE {base64.b64encode(server_first.encode()).decode()}")
    without_proof = base64.b64decode(final.split()[1]).decode().rpartition(",p=")[0]
    key = hmac.digest(hashlib.pbkdf2_hmac("sha256", PASSWORD.encode(), salt, 4096), b"Server Key", "sha256")
    signature = hmac.digest(key, f"{bare},{server_first},{without_proof}".encode(), "sha256")
    return b"v=" + base64.b64encode(signature)


def test_a_login_by_scram() -> None:
    registration = _registration()
    final = base64.b64encode(_to_the_proof(registration)).decode()
    assert _say(registration, f"AUTHENTICATE {final}", ":s 903 alice :in") == ["AUTHENTICATE +", "CAP END"]
    assert registration.proof == "SCRAM-SHA-256"
    assert registration.next_login == Password("alice", PASSWORD)


def test_a_success_without_the_servers_proof_is_none() -> None:
    registration = _registration()
    _to_the_proof(registration)
    with pytest.raises(ServerProofError, match="had to prove itself"):
        _say(registration, ":s 900 alice a!a@h alice :in", ":s 903 alice :in")
    assert registration.proof == ""


def test_a_welcome_without_the_servers_proof_is_none() -> None:
    registration = _registration()
    _to_the_proof(registration)
    with pytest.raises(Exception, match="no login"):
        _say(registration, ":s 001 alice :Welcome")


@pytest.mark.parametrize("line", ["AUTHENTICATE !", f"AUTHENTICATE {'x' * 401}", "AUTHENTICATE dj14"])
def test_a_mistake_within_the_exchange_gets_no_password(line: str) -> None:
    registration = _registration()
    _to_the_proof(registration)
    with pytest.raises(ServerProofError, match=r"chat\.example"):
        _say(registration, line)


def test_a_refusal_is_followed_by_plain_once() -> None:
    registration = _registration()
    _to_the_proof(registration)
    assert _say(registration, ":s 904 alice :failed") == ["AUTHENTICATE PLAIN"]
    secret = base64.b64encode(f"\0alice\0{PASSWORD}".encode()).decode()
    assert _say(registration, "AUTHENTICATE +") == [f"AUTHENTICATE {secret}"]
    with pytest.raises(LoginRefusedError, match="password is wrong"):
        _say(registration, ":s 904 alice :failed")
    assert registration.next_login == Password("alice", PASSWORD)


def test_who_was_let_in_by_plain_is_not_asked_for_scram_again() -> None:
    registration = _registration()
    _say(registration, ":s 904 alice :failed", "AUTHENTICATE +", ":s 903 alice :in")
    assert registration.proof == "PLAIN"
    assert registration.next_login == Password("alice", PASSWORD, scram=False)


@pytest.mark.parametrize(
    "line", ["FAIL AUTHENTICATE RATE_LIMITED :Too many attempts", ":s 902 alice :Too many attempts"]
)
def test_a_refusal_with_a_reason_is_not_followed_by_plain(line: str) -> None:
    registration = _registration()
    _to_the_proof(registration)
    with pytest.raises(LoginRefusedError, match="Too many attempts"):
        _say(registration, line, ":s 904 alice :failed")


def test_an_error_in_the_words_of_scram_is_told_and_not_followed_by_plain() -> None:
    registration = _registration()
    _to_the_proof(registration)
    with pytest.raises(LoginRefusedError, match="invalid-proof"):
        _say(registration, f"AUTHENTICATE {base64.b64encode(b'e=invalid-proof').decode()}")


# -- over a connection ------------------------------------------------------------------------------------------------


def _peer(certs: Path, lies: dict[int, Lie] | None = None, password: str = PASSWORD) -> Peer:
    peer = Peer(certs / "server.pem", {"sasl": "PLAIN,SCRAM-SHA-256"})
    peer.mechanisms = {"PLAIN": Plain, "SCRAM-SHA-256": lambda: ScramServer({"alice": password}, lies)}
    return peer


def _connect(peer: Peer, ca: Path) -> Client:
    client = Client(Recorder())
    client.connect("localhost", peer.port, client_context(ca), nick="alice", password=PASSWORD, timeout=LIMIT)
    client.leave()
    return client


def _sent(peer: Peer) -> list[str]:
    """What was sent with AUTHENTICATE, in plain text."""
    sent = []
    while not peer.received.empty():
        message = peer.received.get()
        if message.command == "AUTHENTICATE":
            (param,) = message.params
            sent.append(param if param in ("+", "PLAIN", "SCRAM-SHA-256") else base64.b64decode(param).decode())
    return sent


def test_the_password_does_not_go_over_the_connection(certs: Path, ca: Path) -> None:
    with _peer(certs) as peer:
        assert _connect(peer, ca).proof == "SCRAM-SHA-256"
        mechanism, first, final, end = _sent(peer)
        assert (mechanism, end) == ("SCRAM-SHA-256", "+")
        assert PASSWORD not in first + final


def test_a_server_without_a_verifier_gets_plain(certs: Path, ca: Path) -> None:
    with _peer(certs, password="another") as peer:
        client = _connect(peer, ca)
        assert client.proof == "PLAIN"
        assert client.next_login == Password("alice", PASSWORD, scram=False)
        assert _sent(peer)[-1] == f"\0alice\0{PASSWORD}"


@pytest.mark.parametrize(
    "lies",
    [
        {2: _with("v", lambda _: base64.b64encode(b"x" * 32).decode())},
        {2: lambda _: None},
        {1: lambda _: None},
        {1: _with("i", lambda _: "1000000000")},
    ],
)
def test_a_server_that_does_not_know_the_account_learns_nothing(certs: Path, ca: Path, lies: dict[int, Lie]) -> None:
    with _peer(certs, lies) as peer:
        with pytest.raises(ServerProofError, match="localhost"):
            _connect(peer, ca)
        assert not any(PASSWORD in sent for sent in _sent(peer))
