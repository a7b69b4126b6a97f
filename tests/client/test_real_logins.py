"""Our client gets into our server in each of its ways, and is told why where it does not."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from securechat.chat.requests import MakeInviteCode
from securechat.client.connection import Client
from securechat.client.door import Door
from securechat.client.errors import (
    CodeRefusedError,
    InvitationRefusedError,
    LoginRefusedError,
    NameRefusedError,
    NewPasswordRefusedError,
)
from securechat.client.events import Event
from securechat.client.logins import Certificate, Invitation, Login, Password
from securechat.tls.contexts import client_context
from securechat.tls.errors import ClientCertificateRefused
from tests.server.wire import PASSWORD, House, running

CODE = "Zm9vYmFyYmF6cXV4cXV1eA"
NEW = "a newt at the zoo 7"
LIMIT = 20.0


@pytest.fixture
def house(certs: Path, tmp_path: Path) -> Iterator[House]:
    """A server where nobody comes in without an account."""
    with running(certs, tmp_path, guests=False) as house:
        yield house


def _tell(_: Event) -> None:
    pass


def _connect(house: House, login: Login, nick: str = "alice", cert: Path | None = None) -> Client:
    client = Client(_tell)
    context = client_context(house.certs / "ca.pem", cert)
    client.connect("localhost", house.port, context, nick=nick, login=login, timeout=LIMIT)
    client.leave()
    return client


def _invite(house: House, code: str = CODE, name: str = "", uses: int = 1, *, reset: bool = False) -> None:
    digest = hashlib.sha256(code.encode()).hexdigest()
    until = house.hub.journal.delivered + (1 << 40)  # some minutes
    house.do(MakeInviteCode(None, digest, name, False, uses, until, reset))


# -- before there is a login ------------------------------------------------------------------------------------------


def test_who_only_makes_sure_of_the_server_is_one_line_in_its_log(house: House) -> None:
    door = Door("localhost", house.port, client_context(house.certs / "ca.pem"), "alice", None)
    before = len(house.events)
    door.verify()
    for thread in house.hub.threads():
        thread.join(LIMIT)
    assert [event for event, _ in house.events[before:]] == ["connected", "disconnected"]  # the first for debugging


# -- passwords and certificates ---------------------------------------------------------------------------------------


def test_a_password(house: House) -> None:
    client = _connect(house, Password("alice@phone", PASSWORD))
    assert client.proof == "PLAIN"
    assert client.peer.authority_fingerprint
    with pytest.raises(LoginRefusedError):
        _connect(house, Password("alice", "wrong horse"))


def test_a_certificate_of_the_authority(house: House) -> None:
    cert = house.client_certificate("alice")
    assert _connect(house, Certificate.of(cert, "alice@phone"), cert=cert).proof == "EXTERNAL"


def test_a_certificate_of_somebody_else(house: House) -> None:
    cert = house.client_certificate("bob")
    with pytest.raises(LoginRefusedError, match=r"did not let alice in with the client certificate .*another account"):
        _connect(house, Certificate.of(cert, "alice"), cert=cert)
    login = Certificate.of(cert, "alice", Password("alice", PASSWORD))
    assert _connect(house, login, cert=cert).proof == "PLAIN"


def test_no_certificate_where_one_is_wanted(certs: Path, tmp_path: Path) -> None:
    with running(certs, tmp_path, guests=False, client_cert="required") as house:
        with pytest.raises(ClientCertificateRefused, match="wants a client certificate"):
            _connect(house, Password("alice", PASSWORD))
        cert = house.client_certificate("alice")
        assert _connect(house, Certificate.of(cert, "alice"), cert=cert).proof == "EXTERNAL"
        assert _connect(house, Password("alice", PASSWORD), cert=cert).proof == "PLAIN"
        with pytest.raises(LoginRefusedError):
            _connect(house, Password("bob", PASSWORD), nick="bob", cert=cert)


def test_certificates_that_are_not_wanted(certs: Path, tmp_path: Path) -> None:
    with running(certs, tmp_path, guests=False, client_cert="off") as house:
        cert = house.client_certificate("alice")
        login = Certificate.of(cert, "alice", Password("alice", PASSWORD))
        assert _connect(house, login, cert=cert).proof == "PLAIN"


# -- invitations ------------------------------------------------------------------------------------------------------


def test_an_invitation(house: House) -> None:
    _invite(house)
    client = _connect(house, Invitation(CODE, "dora", NEW), nick="dora")
    assert client.proof == "REGISTER"
    assert client.nick == "dora"
    assert client.next_login == Password("dora", NEW)
    _connect(house, Password("dora", NEW), nick="dora")
    with pytest.raises(CodeRefusedError, match="has been used"):
        _connect(house, Invitation(CODE, "emil", NEW), nick="emil")


@pytest.mark.parametrize(
    ("invitation", "kind"),
    [
        (Invitation("x" * 22, "dora", NEW), CodeRefusedError),
        (Invitation(CODE, "alice", NEW), NameRefusedError),
        (Invitation(CODE, "dora", "password"), NewPasswordRefusedError),
        (Invitation(CODE, "dora", "short"), NewPasswordRefusedError),
    ],
)
def test_an_invitation_that_is_refused_is_not_used_up(
    house: House, invitation: Invitation, kind: type[InvitationRefusedError]
) -> None:
    _invite(house)
    with pytest.raises(kind) as caught:
        _connect(house, invitation, nick=invitation.account)
    assert type(caught.value) is kind
    _connect(house, Invitation(CODE, "dora", NEW), nick="dora")


def test_an_invitation_for_somebody_else(house: House) -> None:
    _invite(house, name="dora")
    with pytest.raises(NameRefusedError, match="dora"):
        _connect(house, Invitation(CODE, "emil", NEW), nick="emil")


def test_a_code_that_resets_a_password(house: House) -> None:
    _invite(house, name="alice", reset=True)
    assert _connect(house, Invitation(CODE, "alice", NEW)).proof == "REGISTER"
    _connect(house, Password("alice", NEW))
    with pytest.raises(LoginRefusedError):
        _connect(house, Password("alice", PASSWORD))


# -- SCRAM ------------------------------------------------------------------------------------------------------------


def test_scram_and_plain_for_who_has_no_verifier_yet(certs: Path, tmp_path: Path) -> None:
    with running(certs, tmp_path, guests=False, scram=True) as house:
        _invite(house)
        assert _connect(house, Invitation(CODE, "dora", NEW), nick="dora").proof == "REGISTER"
        assert _connect(house, Password("dora@phone", NEW), nick="dora").proof == "SCRAM-SHA-256"
        client = _connect(house, Password("alice", PASSWORD))  # from before it was switched on
        assert client.proof == "PLAIN"
        assert client.next_login == Password("alice", PASSWORD, scram=False)
        with pytest.raises(LoginRefusedError):
            _connect(house, Password("dora", "wrong horse"), nick="dora")
