"""AUTHENTICATE, as its specifications and RFC 4616 have it."""

import base64

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from securechat.irc.errors import (
    ProtocolError,
    SaslAbortedError,
    SaslAlreadyError,
    SaslFailedError,
    SaslTooLongError,
    UnknownMechanismError,
)
from securechat.irc.sasl import (
    MAX_RESPONSE,
    Challenge,
    Credentials,
    External,
    ExternalCredentials,
    Plain,
    PlainClient,
    PlainCredentials,
    SaslClient,
    SaslServer,
    chunks,
)
from securechat.irc.words import UnsendableError

EMPTY = "+"


class Conversation:
    """A mechanism of several steps, in which the server speaks first and last, as SCRAM's does."""

    def __init__(self) -> None:
        self.step_number = 0

    def start(self) -> Challenge:
        """A greeting longer than a chunk."""
        return Challenge(b"h" * 400)

    def step(self, response: bytes) -> Challenge | Credentials:
        """Two responses: anything, then nothing, upon a challenge that says that all is well."""
        self.step_number += 1
        if self.step_number == 1 and response:
            return Challenge(b"well")
        if self.step_number == 2 and not response:
            return Credentials("me")
        raise SaslFailedError


class Broken:
    """A mechanism with a mistake of ours in it."""

    def start(self) -> Challenge:
        """As usual."""
        return Challenge()

    def step(self, response: bytes) -> Challenge:
        """Our mistake."""
        raise ZeroDivisionError


def server() -> SaslServer:
    """A session that knows all of these."""
    return SaslServer({"PLAIN": Plain, "EXTERNAL": External, "CONVERSATION": Conversation, "BROKEN": Broken})


def b64(data: bytes) -> str:
    """In Base64."""
    return base64.b64encode(data).decode()


def plain(session: SaslServer, response: bytes) -> object:
    """What a session says to `response` in PLAIN."""
    assert session.handle("PLAIN") == [EMPTY]
    outcomes = [session.handle(chunk) for chunk in chunks(response)]
    assert all(outcome == [] for outcome in outcomes[:-1])
    return outcomes[-1]


def test_the_specifications_example() -> None:
    session = server()
    assert session.handle("PLAIN") == ["+"]
    assert session.in_progress
    credentials = session.handle("amlsbGVzAGppbGxlcwBzZXNhbWU=")
    assert credentials == PlainCredentials("jilles", "jilles", "sesame")
    assert not session.in_progress


def test_the_specifications_example_of_a_long_password() -> None:
    # Chunks of the same lengths as there, 400 and 264.
    password = "p" * (664 * 3 // 4 - 2 - len("\0emersion\0"))
    sent = chunks(b"\0emersion\0" + password.encode())
    assert [len(chunk) for chunk in sent] == [400, 264]
    assert plain(server(), b"\0emersion\0" + password.encode()) == PlainCredentials("", "emersion", password)


def test_a_response_of_exactly_400_characters_is_ended_by_a_plus() -> None:
    response = b"\0a\0" + b"p" * 297
    assert [len(chunk) for chunk in chunks(response)] == [400, 1]
    assert plain(server(), response) == PlainCredentials("", "a", "p" * 297)
    session = server()
    session.handle("PLAIN")
    assert session.handle(b64(response)) == []
    assert session.in_progress
    assert session.handle("+") == PlainCredentials("", "a", "p" * 297)


def test_chunks() -> None:
    assert chunks(b"") == ["+"]
    assert chunks(b"a") == ["YQ=="]
    assert [len(chunk) for chunk in chunks(b"x" * 299)] == [400, 1]
    assert [len(chunk) for chunk in chunks(b"x" * 301)] == [400, 4]


def test_mechanism_names_in_any_case() -> None:
    assert server().handle("plain") == ["+"]


def test_unknown_mechanism() -> None:
    session = server()
    with pytest.raises(UnknownMechanismError) as caught:
        session.handle("DH-AES")
    assert [answer.render("al") for answer in caught.value.answers] == [
        "908 al PLAIN,EXTERNAL,CONVERSATION,BROKEN :are available SASL mechanisms",
        "904 al :SASL authentication failed",
    ]
    assert not session.in_progress
    assert session.handle("PLAIN") == ["+"]


def test_abort() -> None:
    session = server()
    session.handle("PLAIN")
    session.handle("x" * 400)
    with pytest.raises(SaslAbortedError):
        session.handle("*")
    assert not session.in_progress
    # What had come is forgotten.
    assert plain(session, b"\0a\0b") == PlainCredentials("", "a", "b")
    with pytest.raises(SaslAbortedError):
        session.handle("*")


def test_registration_ends_in_the_middle() -> None:
    session = server()
    session.abort()
    session.handle("PLAIN")
    with pytest.raises(SaslAbortedError):
        session.abort()
    assert not session.in_progress


def test_a_parameter_of_more_than_400() -> None:
    session = server()
    session.handle("PLAIN")
    with pytest.raises(SaslTooLongError):
        session.handle("x" * 401)
    assert not session.in_progress
    with pytest.raises(SaslTooLongError):
        session.handle("X" * 401)


def test_a_response_without_end() -> None:
    session = server()
    session.handle("PLAIN")
    for _ in range(MAX_RESPONSE // 300):
        assert session.handle("x" * 400) == []
    with pytest.raises(SaslTooLongError):
        session.handle("x" * 400)
    assert plain(session, b"\0a\0b") == PlainCredentials("", "a", "b")


@pytest.mark.parametrize("text", ["!", "YQ", "YQ=", "Y=Q=", "YQ==YQ==", "é", "YQ ==", "", "YQ==\t"])
def test_what_is_not_base64(text: str) -> None:
    session = server()
    session.handle("PLAIN")
    with pytest.raises(SaslFailedError):
        session.handle(text)
    assert not session.in_progress


@pytest.mark.parametrize(
    "response",
    [
        b"",
        b"a",
        b"a\0b",
        b"\0\0",
        b"a\0\0b",
        b"a\0b\0",
        b"\0a\0b\0",
        b"\0a\0b\0c",
        b"\0\xff\0b",
        b"\xc0\x80\0a\0b",
        b"\0a\0\xed\xa0\x80",
        b"\0" + b"a" * 256 + b"\0b",
        b"a" * 256 + b"\0a\0b",
    ],
)
def test_what_is_not_plain(response: bytes) -> None:
    with pytest.raises(SaslFailedError) as caught:
        plain(server(), response)
    # Nothing that holds the response hangs on it.
    assert caught.value.__context__ is None
    assert caught.value.__cause__ is None


def test_plain_at_its_limits() -> None:
    name = "é" * 127 + "x"
    password = "π" * 500
    response = f"{name}\0{name}\0{password}".encode()
    assert plain(server(), response) == PlainCredentials(name, name, password)


def test_passwords_are_not_in_the_repr() -> None:
    assert repr(PlainCredentials("z", "a", "hunter2")) == "PlainCredentials(authzid='z', authcid='a')"
    assert "hunter2" not in repr(PlainClient("a", "hunter2"))


def test_after_success_there_is_no_more() -> None:
    session = server()
    assert isinstance(plain(session, b"\0a\0b"), PlainCredentials)
    session.succeeded()
    for param in ("PLAIN", "*", "X" * 401):
        with pytest.raises(SaslAlreadyError):
            session.handle(param)
    session.reopen()
    assert plain(session, b"\0a\0c") == PlainCredentials("", "a", "c")


def test_after_a_failure_there_is_another_try() -> None:
    session = server()
    assert isinstance(plain(session, b"\0a\0wrong"), PlainCredentials)  # and the caller answers 904
    assert plain(session, b"\0a\0right") == PlainCredentials("", "a", "right")


@pytest.mark.parametrize(("response", "authzid"), [("+", ""), (b64(b"alice"), "alice")])
def test_external(response: str, authzid: str) -> None:
    session = server()
    assert session.handle("EXTERNAL") == ["+"]
    assert session.handle(response) == ExternalCredentials(authzid)


@pytest.mark.parametrize("response", [b"a\0b", b"\xff", b"x" * 256])
def test_what_is_not_external(response: bytes) -> None:
    session = server()
    session.handle("EXTERNAL")
    (chunk,) = chunks(response)
    with pytest.raises(SaslFailedError):
        session.handle(chunk)


def test_a_mechanism_of_several_steps() -> None:
    session = server()
    assert session.handle("CONVERSATION") == chunks(b"h" * 400)
    assert session.handle(b64(b"hello")) == [b64(b"well")]
    assert session.in_progress
    assert session.handle("+") == Credentials("me")
    # The next exchange starts from the beginning.
    assert session.handle("CONVERSATION") == chunks(b"h" * 400)
    with pytest.raises(SaslFailedError):
        session.handle("+")
    assert not session.in_progress


def test_our_own_mistake_ends_the_exchange_too() -> None:
    session = server()
    session.handle("BROKEN")
    with pytest.raises(ZeroDivisionError):
        session.handle("+")
    assert not session.in_progress


def talk(client: SaslClient, session: SaslServer) -> Credentials:
    """Carry every AUTHENTICATE to the other side until there are credentials."""
    for_server = [client.start()]
    while True:
        for_client: list[str] = []
        for param in for_server:
            outcome = session.handle(param)
            if isinstance(outcome, Credentials):
                return outcome
            for_client += outcome
        for_server = [answer for param in for_client for answer in client.handle(param)]
        assert for_server


_fields = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=60)


@given(_fields, _fields, st.just("") | _fields)
@settings(max_examples=100)
def test_both_sides_agree(authcid: str, password: str, authzid: str) -> None:
    assert talk(SaslClient(PlainClient(authcid, password, authzid)), server()) == PlainCredentials(
        authzid, authcid, password
    )


def test_a_client_with_a_long_password() -> None:
    client = SaslClient(PlainClient("a", "p" * 297))
    assert client.start() == "PLAIN"
    assert [len(param) for param in client.handle("+")] == [400, 1]
    assert talk(SaslClient(PlainClient("a", "p" * 2000)), server()) == PlainCredentials("", "a", "p" * 2000)


@pytest.mark.parametrize("challenge", ["!", b64(b"what?"), "x" * 401])
def test_a_client_breaks_off_what_it_does_not_understand(challenge: str) -> None:
    assert SaslClient(PlainClient("a", "b")).handle(challenge) == ["*"]


def test_a_client_sends_its_password_once() -> None:
    client = SaslClient(PlainClient("a", "b"))
    assert client.handle("+") == [b64(b"\0a\0b")]
    assert client.handle("+") == ["*"]


def test_a_challenge_in_chunks() -> None:
    class Echo:
        name = "ECHO"
        finished = False

        def respond(self, challenge: bytes) -> bytes:
            return challenge

    client = SaslClient(Echo())
    assert client.start() == "ECHO"
    first, last = chunks(b"x" * 310)
    assert client.handle(first) == []
    assert client.handle(last) == [first, last]


@pytest.mark.parametrize(("authcid", "password"), [("", "b"), ("a", ""), ("a\0", "b"), ("a", "b\0"), ("a", "\udc80")])
def test_a_client_does_not_send_what_plain_has_no_form_for(authcid: str, password: str) -> None:
    with pytest.raises(UnsendableError):
        PlainClient(authcid, password)


@given(
    st.lists(
        st.one_of(st.sampled_from(["PLAIN", "EXTERNAL", "CONVERSATION", "+", "*"]), st.text(max_size=20)), max_size=9
    )
)
@settings(max_examples=150)
def test_only_the_peers_mistakes_escape(params: list[str]) -> None:
    session = server()
    for param in params:
        try:
            outcome = session.handle(param)
        except ProtocolError:
            outcome = []
            assert not session.in_progress
        assert isinstance(outcome, list | Credentials)
