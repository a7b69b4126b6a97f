"""INVITATION: what a code is worth, and what operators do with invitations."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from securechat.chat.requests import EnableAccount, SetRules
from securechat.irc.links import JoinLink
from securechat.irc.message import Message
from securechat.pki import CertificateInfo
from securechat.server.config import InvitationsConfig, Limits, OperatorConfig, TLSConfig
from securechat.server.invitations import digest_of
from securechat.store.passwords import Hasher, Parameters
from tests.server.codes import code_for, invited, state
from tests.server.wire import NAME, PASSWORD, Client, House, Opener, commands, one, params, running

NOBODYS = "A" * 22
NEW = "a whole new horse"


@pytest.fixture(scope="module")
def house(certs: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    operators = {"helper": OperatorConfig(Hasher(Parameters(memory=8, passes=1)).hash(PASSWORD))}
    with running(certs, tmp_path_factory.mktemp("house"), operators=operators) as one:
        yield one


@pytest.fixture
def boss(opened: Opener) -> Client:
    """An administrator."""
    return opened(account="boss")


@pytest.fixture
def helper(opened: Opener) -> Client:
    """An operator by OPER, and no administrator."""
    client = opened()
    client.ask(f"OPER helper :{PASSWORD}")
    return client


def noted(messages: list[Message], verb: str = "NOTE") -> list[str]:
    """The parameters of the one reply behind INVITATION."""
    message = one(messages, verb)
    assert message.params[0] == "INVITATION"
    assert message.source == NAME
    return message.params[1:]


def refused(client: Client, line: str) -> list[str]:
    """The parameters, without the description, of the one FAIL that comes."""
    messages = client.ask(line)
    assert commands(messages) == ["FAIL"]
    return noted(messages, "FAIL")[:-1]


# -- CHECK ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("early", [True, False])
def test_what_a_code_is_worth(opened: Opener, house: House, early: bool) -> None:
    client = opened.stranger() if early else opened()
    for code, worth in (
        (code_for(house), ["VALID", "*", "account"]),
        (code_for(house, "Zoe"), ["VALID", "Zoe", "account"]),
        (code_for(house, admin=True), ["VALID", "*", "account"]),
        (code_for(house, "BOB", reset=True), ["VALID", "Bob", "reset"]),
    ):
        assert noted(client.ask(f"INVITATION CHECK {code}"))[:-1] == worth
        assert state(house, code).left == 1
    assert refused(client, f"invitation check {code_for(house, seconds=-1)}") == ["EXPIRED_CODE"]
    assert refused(client, f"INVITATION CHECK {NOBODYS}") == ["INVALID_CODE"]
    assert refused(client, "INVITATION CHECK :no code at all") == ["INVALID_CODE"]
    used = code_for(house, f"newcomer{early}")
    assert "REGISTER" in commands(invited(opened, f"newcomer{early}", used).ask(f"REGISTER * * :{NEW}"))
    assert refused(client, f"INVITATION CHECK {used}") == ["USED_CODE"]


def test_the_answer_has_its_label(opened: Opener, house: House) -> None:
    client = opened.stranger()
    client.ask("CAP REQ :labeled-response batch")
    (answer,) = client.ask(f"@label=c INVITATION CHECK {code_for(house)}")
    assert answer.tags["label"] == "c"


def test_what_makes_no_sense(opened: Opener, boss: Client) -> None:
    stranger, guest = opened.stranger(), opened()
    for client in (stranger, guest, boss):
        assert commands(client.ask("INVITATION")) == ["461"]
        assert commands(client.ask("INVITATION CHECK")) == ["461"]
        assert refused(client, "INVITATION MAKE") == ["INVALID_PARAMS", "MAKE"]
    for line in ("INVITATION NEW", "INVITATION LIST", "INVITATION REVOKE", "INVITATION REVOKE x"):
        assert commands(stranger.ask(line)) == ["451"]
        assert commands(guest.ask(line)) == ["481"]
    assert commands(boss.ask("INVITATION REVOKE")) == ["461"]


# -- guesses ----------------------------------------------------------------------------------------------------------


def test_who_guesses_is_sent_away(opened: Opener) -> None:
    client = opened.stranger()
    client.send(*(f"INVITATION CHECK {number:022}" for number in range(9)))
    answers = client.to_end()
    assert commands(answers) == ["FAIL"] * 5 + ["ERROR"]


def wait_of(house: House) -> float:
    """Seconds until another code would be looked at for who comes from here."""
    with house.hub.logins.attempt("invite:", "127.0.0.1", 0.0) as attempt:
        attempt.left_open()
        return attempt.wait


def test_guesses_are_throttled(certs: Path, tmp_path: Path) -> None:
    with running(certs, tmp_path, limits=Limits(throttle=True), guests=True) as house:
        opened = Opener(house)
        code, used = code_for(house), code_for(house, seconds=-1)
        client = opened.stranger()
        assert refused(client, f"INVITATION CHECK {NOBODYS}") == ["INVALID_CODE"]
        assert refused(client, f"INVITATION CHECK {NOBODYS}") == ["INVALID_CODE"]
        for stranger in (opened.stranger(), opened.stranger()):
            assert refused(stranger, f"INVITATION CHECK {used}") == ["EXPIRED_CODE"]
        assert not wait_of(house)
        assert refused(client, f"INVITATION CHECK {NOBODYS}") == ["INVALID_CODE"]
        assert wait_of(house), "codes that are known have not made the wrong ones good"
        for hours in range(1, 8):  # so many that nobody is kept waiting for it
            with house.hub.logins.attempt("invite:", "127.0.0.1", 1e9 + 100.0 * hours):
                pass
        for what in (NOBODYS, code):
            assert refused(opened.stranger(), f"INVITATION CHECK {what}") == ["TEMPORARILY_UNAVAILABLE"]
        client = opened()
        client.send(*[f"INVITATION CHECK {NOBODYS}"] * 9)
        assert commands(client.to_end()) == ["FAIL"] * 5 + ["ERROR"], "each was a line of the log"
        hopeful = invited(opened, "hopeful", code)
        (answer,) = hopeful.ask(f"REGISTER * * :{NEW}")
        assert answer.params[:-1] == ["REGISTER", "TEMPORARILY_UNAVAILABLE", "hopeful"]
        assert house.hub.chat.account_named("hopeful") is None


# -- NEW --------------------------------------------------------------------------------------------------------------


def made(client: Client, words: str = "") -> tuple[str, str, JoinLink]:
    """The id, the end and the link of a new one."""
    what, id, until, link = noted(client.ask(f"INVITATION NEW {words}".rstrip()))
    assert what == "LINK"
    return id, until, JoinLink.parse(link)


def test_a_link(opened: Opener, boss: Client, house: House, certs: Path) -> None:
    id, until, link = made(boss)
    assert (link.host, link.port) == ("localhost", house.port)
    assert link.fingerprint == CertificateInfo.read(certs / "ca.pem").spki_fingerprint
    code = state(house, link.code)
    assert (code.id, code.by, code.uses, code.admin, code.name) == (id, "boss", 1, False, "")
    assert until.endswith("Z")
    assert commands(invited(opened, "linked", link.code).ask(f"REGISTER * * :{NEW}")) == ["REGISTER", "900"]


def test_all_that_can_be_said_about_it(boss: Client, house: House) -> None:
    _, _, link = made(boss, "FOR=Zoe uses=1 expires=7d admin host=Chat.Example.org port=443")
    assert (link.host, link.port) == ("chat.example.org", 443)
    code = state(house, link.code)
    assert (code.name, code.uses, code.admin) == ("Zoe", 1, True)
    assert 6.9 < (code.until - code.made) / (1 << 21) / 86_400_000 < 7.1
    assert state(house, made(boss, "uses=1000")[2].code).uses == 1000


def test_what_may_be_wrong_with_a_link_is_said(boss: Client) -> None:
    (local,) = params(boss.ask("INVITATION NEW"), "WARN")
    assert local[:2] == ["INVITATION", "DOUBTFUL_LINK"]
    assert "this machine only" in local[-1]
    (other,) = params(boss.ask("INVITATION NEW host=chat.example.org"), "WARN")
    assert "certificate is not for chat.example.org" in other[-1]


@pytest.mark.parametrize(
    ("words", "refusal"),
    [
        ("for=", ["INVALID_PARAMS", "for="]),
        ("for=9lives", ["INVALID_PARAMS", "for=9lives"]),
        ("uses=0", ["INVALID_PARAMS", "uses=0"]),
        ("uses=1001", ["INVALID_PARAMS", "uses=1001"]),
        ("uses=²", ["INVALID_PARAMS", "uses=²"]),
        ("uses=" + "1" * 300, ["INVALID_PARAMS", "uses=" + "1" * 59]),
        ("expires=soon", ["INVALID_PARAMS", "expires=soon"]),
        ("expires=59s", ["INVALID_PARAMS", "expires=59s"]),
        ("expires=366d", ["INVALID_PARAMS", "expires=366d"]),
        ("admin=yes", ["INVALID_PARAMS", "admin=yes"]),
        ("admin admin", ["INVALID_PARAMS", "admin"]),
        ("port=0", ["INVALID_PARAMS", "port=0"]),
        ("port=65536", ["INVALID_PARAMS", "port=65536"]),
        ("host=", ["INVALID_PARAMS", "host="]),
        ("for=zoe uses=2", ["INVALID_PARAMS", "uses=2"]),
        ("colour=red", ["INVALID_PARAMS", "colour=red"]),
        (":for=zoe admin", ["INVALID_PARAMS", "*"]),
        ("host=-x-", ["TEMPORARILY_UNAVAILABLE"]),
        ("for=Alice", ["ACCOUNT_EXISTS", "alice"]),
    ],
)
def test_what_can_not_be(boss: Client, house: House, words: str, refusal: list[str]) -> None:
    before = len(house.hub.chat.invite_codes)
    assert refused(boss, f"INVITATION NEW {words}") == refusal
    assert len(house.hub.chat.invite_codes) == before


def test_administrators_are_made_by_administrators(helper: Client, house: House) -> None:
    before = len(house.hub.chat.invite_codes)
    assert params(helper.ask("INVITATION NEW admin"), "723") == [
        [helper.nick, "admin", "Insufficient oper privileges."]
    ]
    assert len(house.hub.chat.invite_codes) == before
    _, _, link = made(helper)
    assert state(house, link.code).by == helper.nick


def test_there_are_not_too_many(boss: Client, house: House) -> None:
    rules = house.hub.chat.rules
    for _ in range(9):  # more than go when there is no room
        code_for(house)
    house.do(SetRules(replace(rules, invite_codes=1)))
    try:
        assert refused(boss, "INVITATION NEW") == ["LIMIT_REACHED"]
    finally:
        house.do(SetRules(rules))


def configured(house: House, **changes: Any) -> None:
    house.hub.config = replace(house.hub.config, **changes)


def test_where_the_configuration_leads(boss: Client, house: House) -> None:
    config = house.hub.config
    try:
        configured(house, invitations=InvitationsConfig("chat.example.org", 1234))
        _, _, link = made(boss)
        assert (link.host, link.port) == ("chat.example.org", 1234)
        configured(house, tls=TLSConfig(cert=Path("gone.pem")))
        answer = one(boss.ask("INVITATION NEW"), "FAIL")
        assert "gone.pem does not exist" in answer.params[-1]
    finally:
        house.hub.config = config


# -- LIST and REVOKE --------------------------------------------------------------------------------------------------


def listed(client: Client) -> dict[str, list[str]]:
    """By id: what is said of each."""
    *lines, end = client.ask("INVITATION LIST")
    assert end.params[1] == "END_OF_INVITATIONS"
    assert all(line.params[:2] == ["INVITATION", "INVITED"] for line in lines)
    return {line.params[2]: line.params[3:] for line in lines}


def test_the_list(boss: Client, house: House) -> None:
    codes = {
        "open": code_for(house, uses=3),
        "named": code_for(house, "Zoe"),
        "admin": code_for(house, admin=True),
        "reset": code_for(house, "carol", reset=True),
        "expired": code_for(house, seconds=-1),
    }
    found = listed(boss)
    shown = {name: found[digest_of(code)[:12]] for name, code in codes.items()}
    assert {name: [line[0], *line[2:]] for name, line in shown.items()} == {
        "open": ["3/3", "*", "account", "made by the operator; open"],
        "named": ["1/1", "Zoe", "account", "made by the operator; open"],
        "admin": ["1/1", "*", "admin", "made by the operator; open"],
        "reset": ["1/1", "carol", "reset", "made by the operator; open"],
        "expired": ["1/1", "*", "account", "made by the operator; expired"],
    }
    assert not [code for code in codes.values() if code in "".join(boss.lines)]


def test_one_that_is_taken_back_opens_nothing(opened: Opener, helper: Client, house: House) -> None:
    code = code_for(house)
    id = digest_of(code)[:12]
    assert noted(helper.ask(f"INVITATION REVOKE {id.upper()}"))[:-1] == ["REVOKED", id]
    assert refused(opened.stranger(), f"INVITATION CHECK {code}") == ["INVALID_CODE"]
    assert refused(helper, f"INVITATION REVOKE {id}") == ["NO_SUCH_INVITATION", id]
    assert refused(helper, f"INVITATION REVOKE {code}") == ["NO_SUCH_INVITATION", code.lower()]
    assert id not in listed(helper)


def test_who_is_disabled_makes_none(opened: Opener, house: House) -> None:
    """Their session ends; so a line that was on its way is nobody's."""
    boss = opened(account="boss")
    house.do(EnableAccount("boss", False))
    try:
        boss.send("INVITATION NEW admin")
        assert not params(boss.to_end(), "NOTE")
    finally:
        house.do(EnableAccount("boss", True))
