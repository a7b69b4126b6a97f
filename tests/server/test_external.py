"""SASL EXTERNAL: logging in with the certificate that the connection shows (RFC 4422, appendix A)."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from securechat.chat.requests import EnableAccount
from securechat.server.session import Session
from tests.server.logins import FAILED, Hashes, begin, by_certificate, by_password, log_of, responded
from tests.server.wire import Client, House, Opener, commands, one, running

OTHER = f"{FAILED}: your certificate is that of another account"


@pytest.fixture
def alice(house: House, opened: Opener) -> Client:
    """One that shows alice's certificate, and has said nothing."""
    return opened.stranger(house.client_certificate("alice"))


def session_of(house: House, client: Client) -> Session:
    """The server's side of the newest connection."""
    client.sync()
    return max(house.hub.all_sessions(), key=lambda session: session.number)


def proof_of(session: Session) -> bool:
    """Whether the session is here by its certificate."""
    assert session.certificate is not None
    assert session.proved in (None, session.certificate.fingerprint)
    return session.proved is not None


def test_a_login(house: House, alice: Client) -> None:
    session = session_of(house, alice)
    assert not proof_of(session)
    alice.send("CAP REQ :sasl", "NICK alice", "USER u 0 * :r")
    logged_in, success = by_certificate(alice)
    assert logged_in == "900 alice alice!u@user/alice alice :You are now logged in as alice"
    assert success == "903 alice :SASL authentication successful"
    assert proof_of(session)
    alice.send("CAP END")
    alice.expect("001", "alice")
    assert one(alice.ask("WHOIS alice"), "330").params[2] == "alice"


@pytest.mark.parametrize("authzid", ["alice", "ALICE", "alice@phone", "Alice@PHONE"])
def test_as_oneself(house: House, alice: Client, authzid: str) -> None:
    assert by_certificate(alice, authzid)[0].startswith("900 ")
    device = authzid.partition("@")[2].lower()
    assert session_of(house, alice).authentication.device == device


@pytest.mark.parametrize("authzid", ["Bob", "nobody", "@phone", "alice@", "alice@not one", "alice@a@b", "Bob@phone"])
def test_as_nobody_else(house: House, alice: Client, authzid: str) -> None:
    with log_of(house) as lines:
        assert by_certificate(alice, authzid) == [OTHER]
    failure = {"address": "127.0.0.1", "account": "alice", "how": "EXTERNAL", "why": "certificate"}
    assert ("login failed", failure) in lines
    assert session_of(house, alice).proved is None
    assert by_certificate(alice)[0].startswith("900 ")


@pytest.mark.parametrize("response", [b"al\xffice", b"al\0ice", b"a" * 256])
def test_what_is_no_name(alice: Client, response: bytes) -> None:
    begin(alice, "EXTERNAL")
    assert responded(alice, response) == [FAILED]
    assert by_certificate(alice)[0].startswith("900 ")


def test_no_base64(alice: Client) -> None:
    begin(alice, "EXTERNAL")
    assert alice.asked("AUTHENTICATE ???") == [FAILED]


def test_an_empty_response_can_be_written_in_two_ways(alice: Client) -> None:
    begin(alice, "EXTERNAL")
    assert alice.asked("AUTHENTICATE :")[0].startswith("900 ")


def test_without_a_certificate(house: House, opened: Opener) -> None:
    with log_of(house) as lines:
        answer = by_certificate(opened.stranger())
    assert answer == [f"{FAILED}: your connection shows no certificate"]
    failure = {"address": "127.0.0.1", "account": "unknown", "how": "EXTERNAL", "why": "certificate"}
    assert ("login failed", failure) in lines


def test_with_one_of_nobody(house: House, opened: Opener) -> None:
    client = opened.stranger(house.client_certificate("somebodyelse"))
    (answer,) = by_certificate(client)
    assert answer == f"{FAILED}: your certificate is nobody's here: there is no account of the name in it"
    assert session_of(house, client).proved is None
    assert by_password(client, "alice") == ["900", "903"]  # a password will do


def test_a_disabled_account(house: House, opened: Opener) -> None:
    client = opened.stranger(house.client_certificate("gone"))
    with log_of(house) as lines:
        assert by_certificate(client) == ["902 * :This account is disabled", FAILED]
    failure = {"address": "127.0.0.1", "account": "gone", "how": "EXTERNAL", "why": "disabled"}
    assert ("login failed", failure) in lines


def test_the_account_is_disabled_between_the_login_and_the_arrival(house: House, opened: Opener) -> None:
    client = opened.stranger(house.client_certificate("dave"))
    client.send("CAP REQ :sasl", "NICK dave", "USER u 0 * :r")
    assert by_certificate(client)[0].startswith("900 ")
    house.do(EnableAccount("dave", False))
    try:
        client.send("CAP END")
        assert "001" not in commands(client.to_end())
    finally:
        house.do(EnableAccount("dave", True))


def test_five_failures_are_enough(opened: Opener) -> None:
    client = opened.stranger()
    client.ask("CAP REQ :sasl")
    client.send(*["AUTHENTICATE EXTERNAL", "AUTHENTICATE +"] * 6)
    *answers, error = client.to_end()
    assert commands(answers) == ["AUTHENTICATE", "904"] * 5
    assert error.params == ["Closing link: Too many failed logins"]


def test_by_which_of_the_two_it_is_here(house: House, opened: Opener) -> None:
    """What a certificate has proved lasts until a password has."""
    client = opened("Bob", "sasl", account="Bob", certificate=house.client_certificate("Bob"))
    session = session_of(house, client)
    assert not proof_of(session)
    assert by_certificate(client)[-1].startswith("903 ")
    assert proof_of(session)
    assert by_password(client, "Bob", "wrong") == ["904"]
    assert proof_of(session)
    assert by_password(client, "Bob") == ["900", "903"]
    assert not proof_of(session)


def test_what_the_chat_refuses_is_not_proved(house: House, opened: Opener) -> None:
    """carol is there already, and two users can't become one."""
    opened(account="carol")
    client = opened(None, "sasl", account="dave", certificate=house.client_certificate("carol"))
    assert by_certificate(client)[0].startswith("904 ")
    assert session_of(house, client).proved is None


def test_no_hash_is_needed(house: House, alice: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    hashes = Hashes(house, monkeypatch)
    by_certificate(alice)
    assert hashes.number == 0


@pytest.fixture
def strict(certs: Path, tmp_path: Path) -> Iterator[House]:
    """A server on which everybody needs a certificate."""
    with running(certs, tmp_path, client_cert="required") as house:
        yield house


def test_where_certificates_are_required(strict: House, monkeypatch: pytest.MonkeyPatch) -> None:
    opened, hashes = Opener(strict), Hashes(strict, monkeypatch)
    client = opened.stranger(strict.client_certificate("alice"))
    for other in ("Bob", "nobody"):
        begin(client, "PLAIN")
        with log_of(strict) as lines:
            answer = responded(client, f"\0{other}\0correct horse".encode())
        assert answer == [f"{FAILED}: this server wants the certificate of the account that logs in"]
        shown = other if other == "Bob" else "unknown"
        failure = {"address": "127.0.0.1", "account": shown, "how": "PLAIN", "why": "certificate"}
        assert lines[-1] == ("login failed", failure)
    assert hashes.number == 0
    assert by_password(client, "alice@phone") == ["900", "903"]
    again = opened.stranger(strict.client_certificate("Bob"))
    assert by_certificate(again)[0].startswith("900 ")


def test_where_there_are_none(certs: Path, tmp_path: Path) -> None:
    with running(certs, tmp_path, client_cert="off") as house:
        client = Opener(house).stranger()
        assert "sasl=PLAIN" in " ".join(client.asked("CAP LS 302")).replace(":", "").split()
        client.ask("CAP REQ :sasl")
        assert client.asked("AUTHENTICATE EXTERNAL") == ["908 * PLAIN :are available SASL mechanisms", FAILED]


def test_failures_count_for_their_address(certs: Path, tmp_path: Path) -> None:
    with running(certs, tmp_path) as house:
        house.hub.logins.enabled = True
        opened = Opener(house)
        for _ in range(4):
            client = opened.stranger()
            client.ask("CAP REQ :sasl")
            client.send(*["AUTHENTICATE EXTERNAL", "AUTHENTICATE +"] * 5)
            assert commands(client.to_end()).count("904") == 5
        now = time.monotonic()
        with house.hub.logins.attempt("alice", "127.0.0.1", now) as attempt:
            assert attempt.wait
        with house.hub.logins.attempt("alice", "192.0.2.1", now) as attempt:
            assert not attempt.wait
            attempt.left_open()
        # Who has a certificate does not wait, and is at home from then on.
        client = opened.stranger(house.client_certificate("alice"))
        assert by_certificate(client)[0].startswith("900 ")
        with house.hub.logins.attempt("alice", "127.0.0.1", now) as attempt:
            assert not attempt.wait
