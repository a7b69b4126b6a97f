"""Registration and CAP without a connection: what is said to what the server says, in order."""

import base64

import pytest

from securechat.client.capabilities import WANTED, Capabilities
from securechat.client.errors import LoginRefusedError, RegistrationRefusedError
from securechat.client.logins import Password
from securechat.client.registration import Registration
from securechat.client.state import State
from securechat.irc.message import Message
from securechat.irc.words import UnsendableError

OFFER = " ".join(name for name in WANTED if name != "sasl")


def _registration(password: str | None = "secret") -> Registration:
    return Registration(State("alice", "chat.example"), None if password is None else Password("alice", password))


def _words(messages: list[Message]) -> list[str]:
    return [" ".join((message.command, *message.params)) for message in messages]


def _say(registration: Registration, *lines: str) -> list[str]:
    return _words([answer for line in lines for answer in registration.handle(Message.parse(line))])


def _is_waiting(subject: Registration | Capabilities) -> bool:
    return not (subject.done if isinstance(subject, Registration) else subject.settled)


def _logged_in() -> Registration:
    registration = _registration()
    _say(registration, f":s CAP * LS :sasl=PLAIN {OFFER}", f":s CAP * ACK :{' '.join(WANTED)}", "AUTHENTICATE +")
    return registration


def test_everything_is_asked_for_and_the_password_last() -> None:
    registration = _registration()
    assert _words(registration.start()) == ["CAP LS 302", "NICK alice", "USER alice 0 * alice"]
    assert _say(registration, f":s CAP * LS * :{OFFER}") == []
    assert _say(registration, ":s CAP * LS :sasl=EXTERNAL,PLAIN draft/unknown") == [f"CAP REQ {' '.join(WANTED)}"]
    assert _say(registration, f":s CAP * ACK :{' '.join(WANTED)}") == ["AUTHENTICATE PLAIN"]
    secret = base64.b64encode(b"\0alice\0secret").decode()
    assert _say(registration, "AUTHENTICATE +") == [f"AUTHENTICATE {secret}"]
    assert _say(registration, ":s 900 * * alice :in", ":s 903 * :success") == ["CAP END"]
    assert _is_waiting(registration)
    assert _say(registration, ":chat.net 001 Alice :Welcome") == []
    assert registration.done
    assert registration.state.nick == "Alice"
    assert registration.state.server == "chat.net"
    assert registration.capabilities.enabled == set(WANTED)
    assert registration.capabilities.labels


def test_without_a_password_there_is_no_login() -> None:
    registration = _registration(None)
    assert _say(registration, ":s CAP * LS :echo-message", ":s CAP * ACK :echo-message") == [
        "CAP REQ echo-message",
        "CAP END",
    ]
    _say(registration, ":s 001 alice :Welcome")
    assert registration.done


def test_a_server_without_cap_is_fine_without_a_password() -> None:
    registration = _registration(None)
    assert _say(registration, ":s 421 * CAP :Unknown command", "PING :x", ":s 001 alice :Welcome") == ["PONG x"]
    assert registration.done


@pytest.mark.parametrize(
    "lines",
    [
        [":s 001 alice :Welcome"],
        [":s CAP * LS :echo-message", ":s CAP * ACK :echo-message"],
        [":s CAP * LS :"],
        [":s CAP * LS :sasl=EXTERNAL,SCRAM-SHA-1", ":s CAP * ACK :sasl"],
        [":s CAP * LS :sasl", ":s CAP * NAK :sasl"],
    ],
)
def test_who_gave_a_password_does_not_come_in_without_a_login(lines: list[str]) -> None:
    registration = _registration()
    with pytest.raises(RegistrationRefusedError, match="no login"):
        _say(registration, *lines)


@pytest.mark.parametrize("code", ["902", "904", "905", "906"])
def test_a_refused_login_is_told_with_the_servers_words(code: str) -> None:
    with pytest.raises(LoginRefusedError, match=r"chat\.example did not let alice in.*SASL failed") as caught:
        _say(_logged_in(), f":s {code} alice :SASL failed\x1b[2J")
    assert "\x1b" not in str(caught.value)
    assert "secret" not in str(caught.value)


def test_the_reason_of_a_fail_is_better_than_that_of_904() -> None:
    with pytest.raises(LoginRefusedError, match="The account is disabled"):
        _say(_logged_in(), "FAIL AUTHENTICATE ACCOUNT_DISABLED :The account is disabled", ":s 904 * :SASL failed")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("ERROR :Closing link: too many connections", "too many connections"),
        (":s 465 alice :You are banned", "You are banned"),
        (":s 464 alice :Password incorrect", "a password for the server itself"),
    ],
)
def test_other_refusals(line: str, words: str) -> None:
    with pytest.raises(RegistrationRefusedError, match=words):
        _say(_registration(), line)


def test_an_error_that_names_a_certificate_later_on_is_about_something_else() -> None:
    with pytest.raises(RegistrationRefusedError, match="certificate"):
        _say(_registration(), ":s NOTICE * :hello", "ERROR :Closing link: the server gets a new certificate")


def test_a_nick_in_use_is_asked_for_again_after_the_login_and_then_is_an_error() -> None:
    registration = _registration()
    assert _say(registration, ":s 433 * alice :in use") == []
    _say(registration, ":s CAP * LS :sasl", ":s CAP * ACK :sasl", "AUTHENTICATE +")
    assert _say(registration, ":s 903 * :success") == ["NICK alice", "CAP END"]
    with pytest.raises(RegistrationRefusedError, match="in use"):
        _say(registration, ":s 433 * alice :in use")


def test_the_password_is_given_once_however_often_the_server_asks() -> None:
    registration = _logged_in()
    assert _say(registration, "AUTHENTICATE +") == ["AUTHENTICATE *"]


def test_no_challenge_gets_an_answer_before_a_login_was_begun() -> None:
    assert _say(_registration(), "AUTHENTICATE +") == []


def test_a_password_that_plain_cannot_carry_is_refused_at_once_and_not_repeated() -> None:
    with pytest.raises(UnsendableError) as caught:
        _registration("se\0cret")
    assert "cret" not in str(caught.value)


# -- CAP by itself ----------------------------------------------------------------------------------------------------


def _cap(capabilities: Capabilities, *params: str) -> list[str]:
    return _words(capabilities.handle(["*", *params]))


def test_a_request_that_is_refused_as_a_whole_is_made_again_in_parts() -> None:
    capabilities = Capabilities()
    assert _cap(capabilities, "LS", "batch sasl") == ["CAP REQ batch sasl"]
    assert _cap(capabilities, "NAK", "batch sasl") == ["CAP REQ batch", "CAP REQ sasl"]
    _cap(capabilities, "NAK", "batch")
    assert _is_waiting(capabilities)
    _cap(capabilities, "ACK", "sasl ")
    assert capabilities.settled
    assert capabilities.enabled == {"sasl"}


def test_a_request_may_be_granted_in_several_lines() -> None:
    capabilities = Capabilities()
    _cap(capabilities, "LS", "batch sasl")
    _cap(capabilities, "ACK", "batch")
    assert _is_waiting(capabilities)
    _cap(capabilities, "ACK", "sasl")
    assert capabilities.settled


def test_capabilities_come_and_go() -> None:
    capabilities = Capabilities()
    labels = []
    _cap(capabilities, "LS", "batch")
    _cap(capabilities, "ACK", "batch")
    assert _cap(capabilities, "NEW", "labeled-response=x unknown batch") == ["CAP REQ labeled-response"]
    labels.append(capabilities.labels)
    _cap(capabilities, "ACK", "labeled-response")
    labels.append(capabilities.labels)
    _cap(capabilities, "DEL", "batch unknown")
    labels.append(capabilities.labels)
    assert labels == [False, True, False]
    assert capabilities.enabled == {"labeled-response"}


@pytest.mark.parametrize("params", [[], ["*"], ["*", "LS"], ["*", "NAK", "x"], ["*", "ACK", "x"], ["*", "WHAT", "x"]])
def test_nonsense_is_ignored(params: list[str]) -> None:
    capabilities = Capabilities()
    assert capabilities.handle(params) == []
    assert not capabilities.enabled
