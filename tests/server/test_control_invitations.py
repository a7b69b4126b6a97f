"""Invitations and certificates over the control socket, and the operator of a server that runs, who sees to them."""

import base64
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from securechat.chat.requests import AddCertificate
from securechat.irc.links import JoinLink
from securechat.pki import CertificateInfo
from securechat.server.control import OperatorError, Wish
from securechat.server.operator import HubOperator
from tests.server.codes import code_for, invited, state
from tests.server.controls import connected, line_from, serving
from tests.server.operators import CERTIFICATE, LINK, MemoryOperator
from tests.server.wire import PASSWORD, House, Opener, commands, running

NEW = "a whole new horse"


def test_all_that_can_be_asked(tmp_path: Path) -> None:
    operator = MemoryOperator()
    with serving(tmp_path / "control.sock", operator) as client:
        wishes = [Wish(), Wish("alice", True, True, 7, 60, "chat.example.org", 443, "AAAA")]
        made = [client.invite(wish) for wish in wishes]
        assert operator.wishes == wishes
        assert [one.link for one in made] == [LINK, LINK]
        assert [(one.name, one.admin, one.uses) for one in made] == [("", False, 1), ("alice", True, 7)]
        assert [one.warnings for one in made] == [["it may not work"], []]
        assert LINK not in repr(made)
        assert client.list_invitations() == operator.list_invitations() != []
        client.revoke_invitation("0123456789ab")
        assert operator.revoked == ["0123456789ab"]
        operator.add_account("alice", PASSWORD, admin=False)
        assert client.list_certificates("alice") == [CERTIFICATE]
        assert client.remove_certificate("alice", "abab") == CERTIFICATE.fingerprint
        with pytest.raises(OperatorError, match=r"^there is no account bob$"):
            client.list_certificates("bob")
        with pytest.raises(OperatorError, match=r"^alice has no such certificate$"):
            client.remove_certificate("alice", "cd")


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        (b'{"do": "invite"}\n', "a wish has other fields"),
        (
            b'{"do": "invite", "name": "", "admin": false, "reset": false, "uses": 1, "seconds": -1, "host": null, '
            b'"port": null, "authority": null}\n',
            "'seconds' is missing, or no whole number",
        ),
        (b'{"do": "revoke"}\n', "'id' is missing"),
        (b'{"do": "certificates", "name": null}\n', "'name' is missing"),
        (b'{"do": "remove certificate", "name": "a"}\n', "'fingerprint' is missing"),
    ],
)
def test_requests_that_make_no_sense(tmp_path: Path, said: bytes, answer: str) -> None:
    path = tmp_path / "control.sock"
    with serving(path, MemoryOperator()) as client:
        with connected(path) as sock:
            sock.sendall(said)
            reply = line_from(sock)
            assert isinstance(reply, dict)
            assert (reply["ok"], reply["fault"]) == (False, "server")
            assert answer in reply["error"]
        assert client.list_invitations() == []


# -- the operator of a server that runs -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def house(certs: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with running(certs, tmp_path_factory.mktemp("house"), guests=False) as one:
        yield one


@pytest.fixture
def operator(house: House) -> HubOperator:
    return HubOperator(house.hub)


def test_the_link_leads_to_where_it_listens(opened: Opener, house: House, operator: HubOperator, certs: Path) -> None:
    made = operator.invite(Wish(seconds=600))
    link = JoinLink.parse(made.link)
    assert (link.host, link.port) == ("localhost", house.port)
    assert link.fingerprint == CertificateInfo.read(certs / "ca.pem").spki_fingerprint
    assert "this machine only" in made.warnings[0]
    assert state(house, link.code).by == "the operator"
    assert commands(invited(opened, "linked", link.code).ask(f"REGISTER * * :{NEW}")) == ["REGISTER", "900"]
    (line,) = [line for line in operator.list_invitations() if line.id == made.id]
    assert (line.state, line.left, line.until) == ("used", 0, made.until)


def test_an_authority_of_which_it_knows(operator: HubOperator, certs: Path) -> None:
    authority = x509.load_pem_x509_certificate((certs / "ca.pem").read_bytes())
    der = base64.b64encode(authority.public_bytes(Encoding.DER)).decode()
    assert operator.invite(Wish(authority=der)).link
    other = x509.load_pem_x509_certificate((certs / "client-ca.pem").read_bytes())
    wrong = base64.b64encode(other.public_bytes(Encoding.DER)).decode()
    for said in (wrong, "no base64!"):
        with pytest.raises(OperatorError):
            operator.invite(Wish(authority=said))


@pytest.mark.parametrize(
    ("wish", "words"),
    [
        (Wish("9lives"), "can't be the name"),
        (Wish("alice"), "There is an account alice already"),
        (Wish(uses=0), "1 to 1000 uses"),
        (Wish(uses=1001), "1 to 1000 uses"),
        (Wish("zoe", uses=2), "one use"),
        (Wish(seconds=59), "a minute at least"),
        (Wish(seconds=366 * 86_400), "365 days"),
        (Wish(port=65_536), "65535"),
        (Wish(host="a b"), "No link can be made"),
        (Wish(reset=True), "can't be the name"),
        (Wish("nobody", reset=True), "There is no account nobody"),
    ],
)
def test_what_can_not_be(house: House, operator: HubOperator, wish: Wish, words: str) -> None:
    before = len(house.hub.chat.invite_codes)
    with pytest.raises(OperatorError, match=words):
        operator.invite(wish)
    assert len(house.hub.chat.invite_codes) == before


def test_what_is_revoked(house: House, operator: HubOperator) -> None:
    id = state(house, code_for(house)).id
    operator.revoke_invitation(id)
    assert id not in [line.id for line in operator.list_invitations()]
    with pytest.raises(OperatorError, match=f"no invitation '{id}'"):
        operator.revoke_invitation(id)


def test_passwords_are_judged_as_everywhere(operator: HubOperator) -> None:
    for password in ("short", "password123", "Newcomer"):
        with pytest.raises(OperatorError):
            operator.add_account("newcomer", password, admin=False)
        with pytest.raises(OperatorError):
            operator.set_password("newcomer", password)


def test_the_certificates_of_an_account(opened: Opener, house: House, operator: HubOperator) -> None:
    carol = opened(account="carol")
    (number,) = (number for number, user in house.hub.chat.sessions.items() if user.account == "carol")
    path = house.client_certificate("carol")
    info = CertificateInfo.read(path)
    der = x509.load_pem_x509_certificates(path.read_bytes())[0].public_bytes(Encoding.DER)
    house.do(AddCertificate(number, info.fingerprint, der, "her laptop", int(info.not_after.timestamp())))
    phone = opened.stranger(path)
    phone.ask("CAP LS 302", "CAP REQ :sasl")
    assert commands(phone.ask("AUTHENTICATE EXTERNAL", "AUTHENTICATE +"))[1:] == ["900", "903"]

    (line,) = operator.list_certificates("CAROL")
    assert (line.fingerprint, line.name) == (info.fingerprint, "her laptop")
    assert datetime.fromisoformat(line.expires) == info.not_after
    assert datetime.fromisoformat(line.added) <= datetime.now(UTC)
    for name, digits in (
        ("alice", line.fingerprint),
        ("carol", "0" * 64),
        ("carol", line.fingerprint[:7]),
        ("carol", "xy"),
    ):
        with pytest.raises(OperatorError):
            operator.remove_certificate(name, digits)
    with pytest.raises(OperatorError, match="no account nobody"):
        operator.remove_certificate("nobody", line.fingerprint)
    shown = ":".join(line.fingerprint[at : at + 2].upper() for at in range(0, 64, 2))
    assert operator.remove_certificate("carol", shown[:11]) == line.fingerprint
    assert "certificate" in phone.to_end()[-1].params[-1]
    assert operator.list_certificates("carol") == []
    assert commands(carol.ask("PING x")) == ["PONG"]
