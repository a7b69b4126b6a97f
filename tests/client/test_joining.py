"""The first look at an invitation: the right server, over a verified connection, and what it says of the code."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from securechat.client.errors import CodeRefusedError, RegistrationRefusedError
from securechat.client.joining import Invited, first_look
from securechat.irc.links import JoinLink
from securechat.pki import Authority, Purpose
from securechat.pki.certificate import spki_fingerprint
from securechat.tls.errors import UnknownAuthority, WrongHostName
from tests.client.posts import Post, authority_lines

CODE = "Zm9vYmFyYmF6cXV4cXV1eA"
ASKED = f"INVITATION CHECK {CODE}".encode()


@pytest.fixture(scope="module")
def authority(certs: Path) -> Authority:
    return Authority.load(certs, Purpose.SERVERS, now=datetime.now(UTC))


def _link(authority: Authority | None, port: int) -> JoinLink:
    known = None if authority is None else spki_fingerprint(authority.certificate.public_key())
    return JoinLink("localhost", port, CODE, known)


def _server(authority: Authority, said: str | None) -> Callable[[bytes], bytes | None]:
    def answer(line: bytes) -> bytes | None:
        if line == b"CERT AUTHORITY":
            return authority_lines([authority.certificate])
        return None if said is None else f":test.example {said}\r\n".encode()

    return answer


@pytest.fixture
def looking(certs: Path, authority: Authority) -> Callable[[str | None], Invited]:
    """Look at an invitation of which the server says this."""

    def look(said: str | None) -> Invited:
        with Post(certs / "server.pem", _server(authority, said)) as post:
            try:
                found, invited = first_look(_link(authority, post.port), None, datetime.now(UTC))
                assert found == authority.certificate
                return invited
            finally:
                assert [bytes(told) for told in post.told] == [b"CERT AUTHORITY\r\n", ASKED + b"\r\n"]

    return look


@pytest.mark.parametrize(
    ("said", "invited"),
    [
        ("NOTE INVITATION VALID * account :It is good", Invited("", False)),
        ("NOTE INVITATION VALID alice account :It is good", Invited("alice", False)),
        ("NOTE INVITATION VALID alice reset :It is good", Invited("alice", True)),
    ],
)
def test_what_it_is_good_for(looking: Callable[[str | None], Invited], said: str, invited: Invited) -> None:
    assert looking(said) == invited


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("FAIL INVITATION EXPIRED_CODE :It is too late", "has expired: ask for a new one"),
        ("FAIL INVITATION USED_CODE :It is used", "was used already"),
        ("FAIL INVITATION INVALID_CODE :No", "knows no such invitation"),
    ],
)
def test_what_is_good_no_more(looking: Callable[[str | None], Invited], said: str, words: str) -> None:
    with pytest.raises(CodeRefusedError, match=words):
        looking(said)


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("FAIL INVITATION TEMPORARILY_UNAVAILABLE :Too many wrong codes \x1b[2J", "Too many wrong codes"),
        ("421 * INVITATION :Unknown command", "knows no invitations"),
        ("ERROR :Closing link", "Closing link"),
        ("NOTE INVITATION VALID a!b account :It is good", "which is no account"),
        ("NOTE INVITATION VALID * reset :It is good", "which is no account"),
        (None, "does not answer"),
    ],
)
def test_a_server_that_does_not_say(looking: Callable[[str | None], Invited], said: str | None, words: str) -> None:
    with pytest.raises(RegistrationRefusedError, match=words) as caught:
        looking(said)
    assert str(caught.value).isprintable()
    assert CODE not in str(caught.value)


def test_somebody_in_between_who_repeats_the_authority(authority: Authority, tmp_path: Path) -> None:
    """The certificate of the authority is public; the code is told to nobody whom it has not signed."""
    other = tmp_path / "other.pem"
    Authority.create(Purpose.SERVERS, now=datetime.now(UTC)).issue_server(["localhost"], now=datetime.now(UTC)).save(
        other
    )
    opened = Post(other, _server(authority, "NOTE INVITATION VALID * account :Yes"))
    with opened as post, pytest.raises(UnknownAuthority, match="not the one that the link or fingerprint is from"):
        first_look(_link(authority, post.port), None, datetime.now(UTC))
    assert post.all == b"CERT AUTHORITY\r\n"


def test_the_right_authority_for_another_name(authority: Authority, tmp_path: Path) -> None:
    other = tmp_path / "other.pem"
    authority.issue_server(["elsewhere.example"], now=datetime.now(UTC)).save(other)
    opened = Post(other, _server(authority, "NOTE INVITATION VALID * account :Yes"))
    with opened as post, pytest.raises(WrongHostName):
        first_look(_link(authority, post.port), None, datetime.now(UTC))
    assert post.all == b"CERT AUTHORITY\r\n"


def test_another_authority(authority: Authority, tmp_path: Path) -> None:
    impostor = Authority.create(Purpose.SERVERS, now=datetime.now(UTC))
    impostor.issue_server(["localhost"], now=datetime.now(UTC)).save(tmp_path / "server.pem")
    opened = Post(tmp_path / "server.pem", _server(impostor, "NOTE INVITATION VALID * account :Yes"))
    with opened as post, pytest.raises(UnknownAuthority, match="somebody may be in between"):
        first_look(_link(authority, post.port), None, datetime.now(UTC))
    assert post.all == b"CERT AUTHORITY\r\n"


def test_a_link_that_leaves_it_to_the_system(certs: Path, authority: Authority) -> None:
    opened = Post(certs / "server.pem", _server(authority, "NOTE INVITATION VALID * account :Yes"))
    with opened as post, pytest.raises(UnknownAuthority, match="vouch for localhost, and they do not"):
        first_look(_link(None, post.port), None, datetime.now(UTC))
    assert post.all == b""


def test_a_certificate_of_ones_own_is_shown_to_the_verified_server_only(certs: Path, authority: Authority) -> None:
    with Post(certs / "server.pem", _server(authority, "NOTE INVITATION VALID * account :Yes")) as post:
        post.ask_for_certificates(certs / "client-ca.pem")
        first_look(_link(authority, post.port), certs / "clients" / "alice.pem", datetime.now(UTC))
        assert [certificate is not None for certificate in post.shown] == [False, True]
