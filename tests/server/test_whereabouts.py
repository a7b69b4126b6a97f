"""Where the link of an invitation leads to, and by what one knows the server there."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from securechat.pki import Authority, Purpose
from securechat.pki.certificate import spki_fingerprint
from securechat.server.config import Config, InvitationsConfig, ListenConfig, TLSConfig
from securechat.server.whereabouts import (
    UnknownWhereaboutsError,
    Wanted,
    Whereabouts,
    named_authority,
    whereabouts,
)

PUBLIC = (("192.0.2.1", 7000), ("2001:db8::1", 7000))
LOCAL = (("127.0.0.1", 7000), ("::1", 7000))


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority.create(Purpose.SERVERS, now=datetime.now(UTC))


Make = Callable[..., Config]


@pytest.fixture
def make(authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Make:
    """Gives the configuration of a server with a certificate for such hosts, and its authority beside it."""
    monkeypatch.chdir(tmp_path)

    def config(*hosts: str, ca: bool = True) -> Config:
        directory = tmp_path / "certs"
        directory.mkdir()
        authority.issue_server(hosts, now=datetime.now(UTC)).save(directory / "server.pem")
        if ca:
            (directory / "ca.pem").write_bytes(authority.certificate.public_bytes(Encoding.PEM))
        return Config(tls=TLSConfig(cert=directory / "server.pem"))

    return config


def refusal(config: Config, wanted: Wanted | None = None, *, running: bool = False) -> str:
    with pytest.raises(UnknownWhereaboutsError) as caught:
        whereabouts(config, PUBLIC if running else (), wanted or Wanted())
    sentence = str(caught.value)
    assert not sentence.endswith(".")
    return sentence


@pytest.mark.parametrize(
    ("hosts", "host"),
    [
        (["localhost", "127.0.0.1", "::1", "chat.example.org", "other.example.org"], "chat.example.org"),
        (["localhost", "127.0.0.1", "::1", "box", "chat.example.org"], "chat.example.org"),
        (["localhost", "box", "192.0.2.7"], "192.0.2.7"),
        (["localhost", "127.0.0.1", "::1", "2001:db8::7"], "2001:db8::7"),
        (["localhost", "127.0.0.1", "::1", "box"], "box"),
        (["localhost", "127.0.0.1", "::1"], "localhost"),
        (["localhost.localdomain", "a.localhost", "box"], "box"),
    ],
)
def test_the_host_is_the_best_of_the_certificate(make: Make, hosts: list[str], host: str) -> None:
    found = whereabouts(make(*hosts), PUBLIC, Wanted())
    assert (found.host, found.port) == (host, 7000)
    assert [("this machine only" in warning) for warning in found.warnings] == [True] * (host == "localhost")


def test_who_listens_on_this_machine_only_is_nowhere_else(make: Make) -> None:
    found = whereabouts(make("localhost", "chat.example.org"), LOCAL, Wanted())
    assert (found.host, found.port) == ("localhost", 7000)
    (warning,) = found.warnings
    assert "this machine only" in warning


def test_what_is_said_wins(make: Make, authority: Authority) -> None:
    config = replace(make("localhost", "chat.example.org"), invitations=InvitationsConfig("chat.example.org", 8000))
    pin = spki_fingerprint(authority.certificate.public_key())
    assert whereabouts(config, LOCAL, Wanted()) == Whereabouts("chat.example.org", 8000, pin, ())
    found = whereabouts(config, LOCAL, Wanted("::1", 9000))
    assert (found.host, found.port) == ("::1", 9000)


def test_a_certificate_that_is_for_another_name(make: Make) -> None:
    config = make("localhost", "127.0.0.1", "::1", "chat.example.org")
    (warning,) = whereabouts(config, PUBLIC, Wanted("www.example.org")).warnings
    assert "not for www.example.org" in warning
    for right in ("Chat.Example.ORG", "chat.example.org", "127.0.0.1", "::1", "0:0:0::1"):
        warnings = whereabouts(config, PUBLIC, Wanted(right)).warnings
        assert not [warning for warning in warnings if "not for" in warning]


@pytest.mark.parametrize("host", ["", "-x-", "a b", "chat.example.org:6697", "[::1]", "fe80::1%eth0", "::", "x" * 300])
def test_hosts_that_are_none(make: Make, host: str) -> None:
    refusal(make("localhost"), Wanted(host), running=True)


@pytest.mark.parametrize("port", [-1, 65_536])
def test_ports_that_are_none(make: Make, port: int) -> None:
    assert "65535" in refusal(make("localhost"), Wanted(port=port))


# -- by what one knows it ---------------------------------------------------------------------------------------------


def test_the_authority_at_the_end_of_the_chain(make: Make, authority: Authority) -> None:
    """Also where nobody has its file."""
    found = whereabouts(make("localhost", ca=False), PUBLIC, Wanted())
    assert found.fingerprint == spki_fingerprint(authority.certificate.public_key())


def test_a_certificate_from_elsewhere(make: Make, tmp_path: Path) -> None:
    """Its chain does not end in anybody who vouches for themselves, as those of public authorities do not."""
    config = make("chat.example.org", ca=False)
    assert config.tls.cert is not None
    leaf = x509.load_pem_x509_certificates(config.tls.cert.read_bytes())[0]
    config.tls.cert.write_bytes(leaf.public_bytes(Encoding.PEM))
    assert whereabouts(config, PUBLIC, Wanted()) == Whereabouts("chat.example.org", 7000, None, ())
    other = Authority.create(Purpose.SERVERS, now=datetime.now(UTC))
    (config.tls.cert.parent / "ca.pem").write_bytes(other.certificate.public_bytes(Encoding.PEM))
    assert whereabouts(config, PUBLIC, Wanted()).fingerprint is None  # it has nothing to do with it
    named = replace(config, tls=TLSConfig(cert=config.tls.cert, ca=config.tls.cert.parent / "ca.pem"))
    assert "not the authority" in refusal(named, running=True)


def test_an_authority_that_is_named(make: Make, authority: Authority, tmp_path: Path) -> None:
    config = make("localhost", ca=False)
    der = authority.certificate.public_bytes(Encoding.DER)
    pin = spki_fingerprint(authority.certificate.public_key())
    assert whereabouts(config, PUBLIC, Wanted(authority=der)).fingerprint == pin
    other = Authority.create(Purpose.SERVERS, now=datetime.now(UTC)).certificate
    assert "--ca" in refusal(config, Wanted(authority=other.public_bytes(Encoding.DER)))
    assert "--ca" in refusal(config, Wanted(authority=b"nonsense"))
    file = tmp_path / "some.pem"
    file.write_bytes(authority.certificate.public_bytes(Encoding.PEM))
    assert named_authority(file) == der
    file.write_text("nothing")
    for path in (file, tmp_path / "gone.pem", tmp_path):
        with pytest.raises(UnknownWhereaboutsError):
            named_authority(path)


# -- without a server -------------------------------------------------------------------------------------------------


def test_without_a_server_and_without_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, authority: Authority
) -> None:
    monkeypatch.chdir(tmp_path)
    assert "--host" in refusal(Config())
    assert "--ca" in refusal(Config(), Wanted("chat.example.org"))
    assert "--port" in refusal(Config(listen=ListenConfig(port=0)), Wanted("chat.example.org"))
    der = authority.certificate.public_bytes(Encoding.DER)
    found = whereabouts(Config(), (), Wanted("chat.example.org", authority=der))
    assert (found.host, found.port) == ("chat.example.org", 6697)
    assert found.fingerprint == spki_fingerprint(authority.certificate.public_key())


def test_without_a_server_there_are_the_usual_files(make: Make, authority: Authority) -> None:
    pin = spki_fingerprint(authority.certificate.public_key())
    config = make("localhost", "chat.example.org")
    assert whereabouts(Config(), (), Wanted()) == Whereabouts("chat.example.org", 6697, pin, ())
    assert config.tls.cert is not None
    config.tls.cert.unlink()
    assert "--host" in refusal(Config())
    assert whereabouts(Config(), (), Wanted("chat.example.org")) == Whereabouts("chat.example.org", 6697, pin, ())


def test_a_server_that_runs_does_not_look_at_files_of_others(make: Make) -> None:
    make("localhost", "chat.example.org")
    assert "--host" in refusal(Config(), running=True)
