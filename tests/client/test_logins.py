"""Each way to prove who one is, without the connection: what is said to what the server says."""

import base64
from pathlib import Path

import pytest

from securechat.client.errors import (
    ClientError,
    CodeRefusedError,
    InvitationRefusedError,
    LoginRefusedError,
    MistakeError,
    NameRefusedError,
    NewPasswordRefusedError,
    RegistrationRefusedError,
    ServerProofError,
)
from securechat.client.logins import Certificate, Invitation, Login, Password, login_of
from securechat.client.registration import Registration
from securechat.client.retrying import worth_another_try
from securechat.client.state import State
from securechat.irc.message import Message
from securechat.irc.words import UnsendableError
from securechat.pki import CertificateInfo

CODE = "Zm9vYmFyYmF6cXV4cXV1eA"
SECRET = "correct horse"
PASSWORD = Password("alice@phone", SECRET)
CERTIFICATE = Certificate("alice@phone", file="/home/alice/alice.pem", fingerprint="ab" * 32)
BOTH = Certificate("alice@phone", PASSWORD, "/home/alice/alice.pem", "ab" * 32)
INVITATION = Invitation(CODE, "alice", SECRET, "alice@phone")

REGISTER = "draft/account-registration=before-connect,custom-account-name"
PLAIN_RESPONSE = base64.b64encode(f"\0alice@phone\0{SECRET}".encode()).decode()
EXTERNAL_RESPONSE = base64.b64encode(b"alice@phone").decode()
NO = ":s 904 alice :SASL authentication failed"


def _registration(login: Login) -> Registration:
    return Registration(State("alice", "chat.example"), login)


def _words(messages: list[Message]) -> list[str]:
    return [" ".join((message.command, *message.params)) for message in messages]


def _say(registration: Registration, *lines: str) -> list[str]:
    return _words([answer for line in lines for answer in registration.handle(Message.parse(line))])


def _begun(login: Login, offer: str) -> tuple[Registration, list[str]]:
    """A registration whose capabilities are settled, and what it says then."""
    registration = _registration(login)
    registration.start()
    names = " ".join(name.partition("=")[0] for name in offer.split())
    return registration, _say(registration, f":s CAP * LS :{offer}", f":s CAP * ACK :{names}")[1:]


def _next(registration: Registration) -> Login | None:
    return registration.next_login


def _before(registration: Registration) -> int | None:
    return registration.waiting


# -- which mechanism --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("login", "offer", "chosen"),
    [
        (PASSWORD, "sasl=PLAIN,EXTERNAL", "PLAIN"),
        (PASSWORD, "sasl=plain", "PLAIN"),
        (PASSWORD, "sasl=PLAIN,EXTERNAL,SCRAM-SHA-256", "SCRAM-SHA-256"),
        (PASSWORD, "sasl=SCRAM-SHA-256", "SCRAM-SHA-256"),
        (Password("alice", SECRET, scram=False), "sasl=PLAIN,SCRAM-SHA-256", "PLAIN"),
        (Password("alice", "new \U0001fae8 face"), "sasl=PLAIN,SCRAM-SHA-256", "PLAIN"),  # younger than Unicode 3.2
        (PASSWORD, "sasl", "PLAIN"),
        (CERTIFICATE, "sasl=PLAIN,EXTERNAL,SCRAM-SHA-256", "EXTERNAL"),
        (CERTIFICATE, "sasl", "EXTERNAL"),
        (BOTH, "sasl=PLAIN,EXTERNAL", "EXTERNAL"),
        (BOTH, "sasl=PLAIN", "PLAIN"),
        (BOTH, "sasl", "EXTERNAL"),
    ],
)
def test_the_mechanism_that_is_begun(login: Login, offer: str, chosen: str) -> None:
    assert _begun(login, offer)[1] == [f"AUTHENTICATE {chosen}"]


@pytest.mark.parametrize(
    ("login", "offer", "words"),
    [
        (PASSWORD, "sasl=EXTERNAL", "a name and a password"),
        (PASSWORD, "batch", "a name and a password"),
        (CERTIFICATE, "sasl=PLAIN,SCRAM-SHA-256", "a client certificate"),
        (BOTH, "sasl=OTHER", "a name and a password"),
        (INVITATION, "sasl=PLAIN", "makes no accounts"),
        (INVITATION, "draft/account-registration", "makes no accounts"),
        (INVITATION, "draft/account-registration=custom-account-name", "makes no accounts"),
        (INVITATION, f"{REGISTER},email-required", "an email address"),
    ],
)
def test_a_server_that_has_no_such_way(login: Login, offer: str, words: str) -> None:
    with pytest.raises(RegistrationRefusedError, match=words) as caught:
        _begun(login, offer)
    assert caught.value.final


def test_without_scramp_a_password_goes_by_plain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert _begun(PASSWORD, "sasl=PLAIN,SCRAM-SHA-256")[1] == ["AUTHENTICATE PLAIN"]


# -- a certificate ----------------------------------------------------------------------------------------------------


def test_a_certificate_logs_in() -> None:
    registration, _ = _begun(CERTIFICATE, "sasl=PLAIN,EXTERNAL")
    assert _say(registration, "AUTHENTICATE +") == [f"AUTHENTICATE {EXTERNAL_RESPONSE}"]
    assert registration.proof == ""
    assert _say(registration, ":s 900 alice a!a@h alice :in", ":s 903 alice :in") == ["CAP END"]
    assert registration.proof == "EXTERNAL"
    assert _next(registration) == CERTIFICATE


def test_a_certificate_that_is_refused_and_what_to_do() -> None:
    registration, _ = _begun(CERTIFICATE, "sasl=EXTERNAL,PLAIN")
    with pytest.raises(LoginRefusedError) as caught:
        _say(registration, "AUTHENTICATE +", NO)
    told = str(caught.value)
    for word in ("alice@phone", "client certificate /home/alice/alice.pem", "abababababababab", "/cert add", "failed)"):
        assert word in told
    assert not worth_another_try(caught.value)


def test_the_servers_reason_for_refusing_a_certificate_is_told() -> None:
    registration, _ = _begun(CERTIFICATE, "sasl=EXTERNAL")
    with pytest.raises(LoginRefusedError, match=r"\(Your certificate was revoked\)"):
        _say(registration, "AUTHENTICATE +", "FAIL AUTHENTICATE REVOKED :Your certificate was revoked", NO)


@pytest.mark.parametrize("reason", [[], ["FAIL AUTHENTICATE UNKNOWN_CERTIFICATE :Nobody has registered it"]])
def test_a_certificate_that_is_refused_and_then_the_password(reason: list[str]) -> None:
    registration, _ = _begun(BOTH, "sasl=EXTERNAL,PLAIN")
    assert _say(registration, "AUTHENTICATE +", *reason, NO) == [
        f"AUTHENTICATE {EXTERNAL_RESPONSE}",
        "AUTHENTICATE PLAIN",
    ]
    assert _say(registration, "AUTHENTICATE +", ":s 903 * :in") == [f"AUTHENTICATE {PLAIN_RESPONSE}", "CAP END"]
    assert registration.proof == "PLAIN"
    assert _next(registration) == BOTH  # it may be registered by then


def test_a_certificate_and_a_password_that_are_both_refused() -> None:
    registration, _ = _begun(BOTH, "sasl=EXTERNAL,PLAIN")
    with pytest.raises(LoginRefusedError, match=r"password is wrong.*alice\.pem .* was refused too"):
        _say(registration, "AUTHENTICATE +", NO, "AUTHENTICATE +", NO)


def test_a_mechanism_that_turns_out_not_to_be_there() -> None:
    registration, _ = _begun(BOTH, "sasl")
    assert _say(registration, ":s 908 alice PLAIN :are available", NO) == ["AUTHENTICATE PLAIN"]


def test_a_disabled_account_is_not_tried_again() -> None:
    registration, _ = _begun(BOTH, "sasl=EXTERNAL,PLAIN")
    with pytest.raises(LoginRefusedError, match="This account is disabled"):
        _say(registration, "AUTHENTICATE +", ":s 902 alice :This account is disabled", NO)


def test_a_file_says_which_certificate_it_is(certs: Path, tmp_path: Path) -> None:
    path = certs / "clients" / "alice.pem"
    login = Certificate.of(path, "alice")
    assert (login.file, login.fingerprint) == (str(path), CertificateInfo.read(path).fingerprint)
    (tmp_path / "none.pem").write_text("nothing")
    for name in ("none.pem", "missing.pem"):
        with pytest.raises(MistakeError, match=name):
            Certificate.of(tmp_path / name, "alice")


# -- a password -------------------------------------------------------------------------------------------------------


def test_a_server_that_says_one_is_in_before_it_has_asked_is_not_believed() -> None:
    for login in (PASSWORD, CERTIFICATE):
        registration, _ = _begun(login, "sasl=PLAIN,EXTERNAL")
        with pytest.raises(ServerProofError, match="has not finished the login") as caught:
            _say(registration, ":s 903 alice :in")
        assert not worth_another_try(caught.value)


def test_an_exchange_that_we_broke_off_is_not_followed_by_another() -> None:
    registration, _ = _begun(BOTH, "sasl=EXTERNAL,PLAIN")
    assert _say(registration, "AUTHENTICATE !") == ["AUTHENTICATE *"]
    with pytest.raises(LoginRefusedError):
        _say(registration, ":s 906 alice :aborted")


def test_nothing_of_the_login_is_answered_when_it_is_over() -> None:
    registration, _ = _begun(PASSWORD, "sasl=PLAIN")
    _say(registration, "AUTHENTICATE +", ":s 903 * :in")
    assert _say(registration, "AUTHENTICATE +", ":s 903 * :in", NO, "FAIL REGISTER X * :no") == []


# -- an invitation ----------------------------------------------------------------------------------------------------


def test_an_invitation_makes_the_account() -> None:
    registration = _registration(INVITATION)
    assert _words(registration.start()) == [
        "CAP LS 302",
        f"PASS invite:{CODE}",
        "NICK alice",
        "USER alice 0 * alice",
    ]
    assert _say(registration, f":s CAP * LS :{REGISTER} sasl=PLAIN") == ["CAP REQ draft/account-registration sasl"]
    assert _say(registration, ":s CAP * ACK :draft/account-registration sasl") == [f"REGISTER alice * {SECRET}"]
    assert _next(registration) == INVITATION
    assert _say(registration, ":s REGISTER SUCCESS alice :It is yours", ":s 900 alice a!a@h alice :in") == ["CAP END"]
    assert registration.proof == "REGISTER"
    assert _next(registration) == PASSWORD
    assert _say(registration, ":s REGISTER SUCCESS alice :It is yours", "AUTHENTICATE +") == []
    _say(registration, ":s 001 alice :Welcome")
    assert registration.done


def test_who_logs_in_has_nothing_to_do_with_making_accounts() -> None:
    registration = _registration(PASSWORD)
    assert _say(registration, f":s CAP * LS :{REGISTER} sasl=PLAIN") == ["CAP REQ sasl"]


@pytest.mark.parametrize(
    ("code", "kind", "words"),
    [
        ("INVALID_CODE", CodeRefusedError, "copy the whole link"),
        ("EXPIRED_CODE", CodeRefusedError, "has expired: ask for another"),
        ("USED_CODE", CodeRefusedError, "has been used: if that was you, log in"),
        ("REGISTRATION_CLOSED", CodeRefusedError, "by invitation alone"),
        ("ACCOUNT_EXISTS", NameRefusedError, "alice is taken: choose another"),
        ("BAD_ACCOUNT_NAME", NameRefusedError, "alice can't be had"),
        ("ACCOUNT_NAME_MUST_BE_NICK", NameRefusedError, "alice can't be had"),
        ("WEAK_PASSWORD", NewPasswordRefusedError, "choose another password"),
        ("UNACCEPTABLE_PASSWORD", NewPasswordRefusedError, "can't be used"),
        ("TEMPORARILY_UNAVAILABLE", InvitationRefusedError, "try again later"),
        ("SOMETHING_ELSE", InvitationRefusedError, "does not make the account"),
    ],
)
def test_what_a_server_says_no_to(code: str, kind: type[ClientError], words: str) -> None:
    registration, _ = _begun(INVITATION, REGISTER)
    with pytest.raises(InvitationRefusedError, match=words) as caught:
        _say(registration, f"FAIL REGISTER {code} alice :In the server's words\x1b[2J")
    assert type(caught.value) is kind
    assert caught.value.code == code
    assert "In the server's words" in str(caught.value)
    assert str(caught.value).isprintable()
    assert CODE not in str(caught.value)
    assert SECRET not in str(caught.value)
    assert _next(registration) == INVITATION
    assert not worth_another_try(caught.value)


def test_an_account_that_wants_a_verification_first() -> None:
    registration, _ = _begun(INVITATION, REGISTER)
    with pytest.raises(InvitationRefusedError, match="a code was sent to you"):
        _say(registration, "REGISTER VERIFICATION_REQUIRED alice :a code was sent to you")


@pytest.mark.parametrize("line", ["FAIL REGISTER", "FAIL", "REGISTER", "FAIL NICK X :no", ":s 904 alice :failed"])
def test_what_is_no_answer_to_an_invitation(line: str) -> None:
    registration, _ = _begun(INVITATION, REGISTER)
    assert _say(registration, line) == []
    assert registration.proof == ""


def test_an_answer_that_comes_before_the_question() -> None:
    registration = _registration(INVITATION)
    assert _say(registration, "REGISTER SUCCESS alice :yes", "FAIL REGISTER INVALID_CODE alice :no") == []
    with pytest.raises(RegistrationRefusedError, match="makes no accounts"):
        _say(registration, ":s 001 alice :Welcome")


# -- what can't be, and what is not shown -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "login",
    [
        Password("alice", "se\0cret"),
        Password("", "secret"),
        Certificate("al\0ice"),
        Certificate("alice", Password("alice", "")),
        Invitation(CODE, "alice", "se\ncret"),
        Invitation(CODE, "al ice", "secret"),
        Invitation("co\rde", "alice", "secret"),
        Invitation(CODE, "alice", "secret" * 100),
    ],
)
def test_what_cannot_be_sent_is_refused_at_once_and_not_repeated(login: Login) -> None:
    with pytest.raises(UnsendableError) as caught:
        _registration(login)
    assert "cret" not in str(caught.value)


def test_no_secret_is_in_a_repr() -> None:
    for login in (PASSWORD, BOTH, INVITATION, INVITATION.used()):
        assert SECRET not in repr(login)
        assert CODE not in repr(login)
        assert "alice" in repr(login)


def test_the_short_form() -> None:
    assert login_of("alice", None, None) is None
    assert login_of("alice", None, "x") == Password("alice", "x")
    assert login_of("alice", "bob", "x") == Password("bob", "x")
    assert login_of("alice", CERTIFICATE, None) is CERTIFICATE
    with pytest.raises(ValueError, match="no password beside it"):
        login_of("alice", CERTIFICATE, "x")


# -- waiting ----------------------------------------------------------------------------------------------------------


def test_how_many_are_before_us() -> None:
    registration, _ = _begun(PASSWORD, "sasl=PLAIN")
    assert _before(registration) is None
    assert _say(registration, "NOTE AUTHENTICATE WAITING 1200 :logins are before yours") == []
    assert _before(registration) == 1200
    for nonsense in ("NOTE", "NOTE AUTHENTICATE WAITING", "NOTE AUTHENTICATE WAITING x :y", "NOTE A WAITING ² :y"):
        _say(registration, nonsense)
    assert _before(registration) == 1200
    _say(registration, f"NOTE AUTHENTICATE WAITING {'9' * 400} :y")
    assert _before(registration) == 999_999_999
