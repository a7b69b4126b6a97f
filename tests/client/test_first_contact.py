"""The connection that verifies nothing: what it says, what it believes, and what it makes of hostile answers."""

import ast
import contextlib
import socket
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given, settings
from hypothesis import strategies as st

import securechat
from securechat.client.errors import ServerNotThereError
from securechat.client.first_contact import authority_with, offered_authorities, unverified_context
from securechat.irc.pieces import pieces
from securechat.pki import Authority, Purpose
from securechat.pki.certificate import spki_fingerprint
from securechat.pki.succession import appoint
from securechat.tls.errors import HandshakeFailed, UnknownAuthority
from tests.client.posts import Answer, Post, authority_lines
from tests.client.support import LIMIT

NOW = datetime.now(UTC)


@pytest.fixture(scope="module")
def authority(certs: Path) -> Authority:
    """The one that has signed `server.pem`."""
    return Authority.load(certs, Purpose.SERVERS, now=datetime.now(UTC))


def _fingerprint(authority: Authority) -> str:
    return spki_fingerprint(authority.certificate.public_key())


def _saying(data: bytes | None) -> Answer:
    """Answer `CERT AUTHORITY` with this."""
    return lambda line: data if line == b"CERT AUTHORITY" else b":test.example 421 * :no\r\n"


@contextlib.contextmanager
def _post(certs: Path, data: bytes | None) -> Iterator[Post]:
    with Post(certs / "server.pem", _saying(data)) as post:
        yield post


def test_it_asks_one_thing_and_takes_what_has_the_fingerprint(certs: Path, authority: Authority) -> None:
    with _post(certs, b":test.example NOTICE * :*** Hello\r\n" + authority_lines([authority.certificate])) as post:
        found = authority_with(_fingerprint(authority), "localhost", post.port, datetime.now(UTC), LIMIT)
        assert found == authority.certificate
    assert [bytes(told) for told in post.told] == [b"CERT AUTHORITY\r\n"]
    assert post.shown == [None]


def test_the_present_authority_comes_first_and_what_leads_to_it_behind(certs: Path, authority: Authority) -> None:
    new = Authority.create(Purpose.SERVERS, now=datetime.now(UTC))
    step = appoint(authority, new, now=datetime.now(UTC))
    with _post(certs, authority_lines([new.certificate, step])) as post:
        assert offered_authorities("localhost", post.port, LIMIT) == [new.certificate, step]
        # Neither is the old one, and a succession has the new key, but is not signed with it.
        with pytest.raises(UnknownAuthority, match="not the one"):
            authority_with(_fingerprint(authority), "localhost", post.port, datetime.now(UTC), LIMIT)
        assert authority_with(_fingerprint(new), "localhost", post.port, datetime.now(UTC), LIMIT) == new.certificate


def test_a_certificate_around_somebody_elses_key_is_not_taken(certs: Path, authority: Authority) -> None:
    """Its hash is right, but whoever made it could not sign it with that key."""
    mine = ec.generate_private_key(ec.SECP256R1())
    forged = (
        x509.CertificateBuilder()
        .subject_name(authority.certificate.subject)
        .issuer_name(authority.certificate.subject)
        .public_key(authority.certificate.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW)
        .not_valid_after(NOW + timedelta(days=36500))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(mine, hashes.SHA256())
    )
    assert spki_fingerprint(forged.public_key()) == _fingerprint(authority)
    with _post(certs, authority_lines([forged])) as post, pytest.raises(UnknownAuthority, match="not the one"):
        authority_with(_fingerprint(authority), "localhost", post.port, datetime.now(UTC), LIMIT)


def test_an_authority_that_has_expired(certs: Path, authority: Authority) -> None:
    with _post(certs, authority_lines([authority.certificate])) as post:
        later = authority.certificate.not_valid_after_utc + timedelta(seconds=1)
        with pytest.raises(UnknownAuthority, match="not valid now"):
            authority_with(_fingerprint(authority), "localhost", post.port, later, LIMIT)


@pytest.mark.parametrize(
    "answer",
    [
        b":test.example FAIL CERT NO_AUTHORITY :A public certificate\r\n",
        b":irc.example 421 * CERT :Unknown command\r\n",
        b":irc.example 451 * :You have not registered\r\n",
        b"ERROR :Closing link\r\n",
        b":test.example CERT END AUTHORITY\r\n",
        b":test.example CERT AUTHORITY AAAA\r\n:test.example CERT END REVOKED\r\n" * 2 + b"ERROR :x\r\n",
        b":test.example CERT AUTHORITY !!!!\r\n:test.example CERT END AUTHORITY\r\n",
        b":test.example CERT AUTHORITY\r\n:test.example CERT\r\nCERT END\r\nERROR :x\r\n",
        None,
    ],
)
def test_a_server_that_gives_none(certs: Path, answer: bytes | None) -> None:
    with _post(certs, answer) as post, pytest.raises(UnknownAuthority, match="does not say which authority"):
        offered_authorities("localhost", post.port, LIMIT)
    assert post.all == b"CERT AUTHORITY\r\n"


def test_what_is_no_certificate(certs: Path) -> None:
    answer = authority_lines([b"\x30\x03\x02\x01\x00"])
    with _post(certs, answer) as post, pytest.raises(UnknownAuthority, match="is none"):
        offered_authorities("localhost", post.port, LIMIT)


def test_a_server_that_says_nothing(certs: Path) -> None:
    with _post(certs, b"") as post, pytest.raises(UnknownAuthority, match="does not say"):
        offered_authorities("localhost", post.port, 0.2)


def test_a_server_that_never_ends(certs: Path, authority: Authority) -> None:
    """Neither memory nor time: a thing that has no end, and things without number."""
    endless = b":test.example CERT AUTHORITY " + b"A" * 400 + b"\r\n"
    (piece,) = pieces(b"x" * 30)
    many = f":test.example CERT AUTHORITY {piece}\r\n".encode()
    for data in (endless * 3000, many * 30_000, b"x" * 2_000_000):
        with _post(certs, data) as post, pytest.raises(UnknownAuthority, match="does not say"):
            offered_authorities("localhost", post.port, LIMIT)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.binary(max_size=300), max_size=8), st.binary(max_size=200))
def test_any_answer_is_an_authority_or_its_own_error(
    certs: Path, authority: Authority, things: list[bytes], noise: bytes
) -> None:
    with _post(certs, noise + b"\r\n" + authority_lines(things) + b"ERROR :end\r\n") as post:
        with contextlib.suppress(UnknownAuthority):
            offered_authorities("localhost", post.port, LIMIT)
        with pytest.raises(UnknownAuthority):
            authority_with(_fingerprint(authority), "localhost", post.port, datetime.now(UTC), LIMIT)
    assert set(map(bytes, post.told)) == {b"CERT AUTHORITY\r\n"}


def test_nobody_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(ServerNotThereError, match="nothing listens"):
        offered_authorities("localhost", port, LIMIT)


def test_no_tls() -> None:
    told = bytearray()

    def serve() -> None:
        sock, _ = listener.accept()
        with sock:
            told.extend(sock.recv(65536))
            sock.sendall(b":irc.example NOTICE * :plain\r\n")
            sock.shutdown(socket.SHUT_WR)
            while data := sock.recv(65536):
                told.extend(data)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        with pytest.raises(HandshakeFailed):
            offered_authorities("localhost", listener.getsockname()[1], LIMIT)
        thread.join(LIMIT)
    assert b"CERT" not in told


def test_it_speaks_nothing_older_than_tls_1_3() -> None:
    assert unverified_context().minimum_version.name == "TLSv1_3"


# -- what an auditor looks for ----------------------------------------------------------------------------------------

_UNVERIFYING = {"CERT_NONE", "_create_unverified_context", "_create_stdlib_context", "PROTOCOL_TLS", "wrap_socket"}


def _names(tree: ast.Module) -> Iterator[str]:
    """The names that a module uses, and those of attributes that it sets to False."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute | ast.Name):
            yield node.attr if isinstance(node, ast.Attribute) else node.id
        if isinstance(node, ast.Assign):
            yield from (f"{target.attr} =" for target in node.targets if isinstance(target, ast.Attribute))


def test_who_makes_a_context_that_verifies_nothing() -> None:
    """The first contact, and the doctor's probe, which sends nothing. The server looks whether it asks clients."""
    root = Path(securechat.__file__).parent
    found: dict[str, set[str]] = {}
    for path in root.rglob("*.py"):
        names = set(_names(ast.parse(path.read_text())))
        for name in names & (_UNVERIFYING | {"check_hostname =", "unverified_context", "open_link"}):
            found.setdefault(name, set()).add(path.relative_to(root).as_posix())
    assert found.pop("CERT_NONE") - {"server/anchors.py"} == {"client/first_contact.py", "pki/probe.py"}
    assert found.pop("check_hostname =") == {"client/first_contact.py", "pki/probe.py"}
    assert found.pop("unverified_context") == {"client/first_contact.py"}
    assert found.pop("open_link") == {"client/first_contact.py", "client/dial.py"}
    assert found.pop("wrap_socket") == {"pki/probe.py"}
    assert found == {}
