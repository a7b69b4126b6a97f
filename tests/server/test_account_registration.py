"""Making an account of one's own (IRCv3 account-registration)."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from securechat.chat.events import Event
from securechat.chat.model import BanKind
from securechat.chat.requests import AddBan, RemoveAccount
from securechat.irc.message import Message
from securechat.server.config import AccountsConfig, Limits
from securechat.server.reload import Loaded
from securechat.server.throttle import RegistrationThrottle
from securechat.store.database import Database, NotStored
from securechat.store.rows import is_stored
from tests.server.wire import NAME, Client, House, Opener, commands, one, params, plain, running

CAP = "draft/account-registration"
NEW = "a whole new horse"


@pytest.fixture(scope="module")
def house(certs: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """With guests."""
    with running(certs, tmp_path_factory.mktemp("house"), registration=True) as one:
        yield one


@pytest.fixture(scope="module")
def closed(certs: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Without guests, and with a password of the server."""
    with running(
        certs, tmp_path_factory.mktemp("closed"), registration=True, guests=False, password="open sesame"
    ) as one:
        yield one


@pytest.fixture
def inside(closed: House) -> Iterator[Opener]:
    yield Opener(closed)
    closed.everybody_out()


def failed(messages: list[Message]) -> list[str]:
    """The parameters, without the description, of the one FAIL that there is."""
    (message,) = messages
    assert message.command == "FAIL"
    assert message.source == NAME
    assert message.params[-1]
    return message.params[:-1]


def negotiating(opened: Opener, nick: str) -> Client:
    """Who has a nick, and is not registered yet."""
    client = opened.stranger()
    client.ask("CAP LS 302", "PASS :open sesame", f"NICK {nick}")
    return client


def login(client: Client, account: str, password: str) -> list[str]:
    client.ask("CAP REQ :sasl")
    return commands(client.ask("AUTHENTICATE PLAIN", f"AUTHENTICATE {plain(account, password)}"))[1:]


# -- what is offered --------------------------------------------------------------------------------------------------


def offered(client: Client) -> str | None:
    words = " ".join(m.params[-1] for m in client.ask("CAP LS 302") if m.command == "CAP").split()
    return next((word.partition("=")[2] for word in words if word.partition("=")[0] == CAP), None)


def test_what_is_offered(opened: Opener, inside: Opener) -> None:
    assert offered(opened.stranger()) == "before-connect,custom-account-name"
    assert offered(inside.stranger()) == "before-connect"


def test_who_needs_an_account_is_told(opened: Opener, inside: Opener) -> None:
    asked = ("CAP REQ :batch draft/extended-isupport", "ISUPPORT")
    tokens = [word for line in params(inside.stranger().ask(*asked), "005") for word in line]
    assert "draft/ACCOUNTREQUIRED" in tokens
    tokens = [word for line in params(opened.stranger().ask(*asked), "005") for word in line]
    assert "draft/ACCOUNTREQUIRED" not in tokens


def test_where_it_is_not_allowed_it_takes_an_invitation(certs: Path, tmp_path: Path) -> None:
    """Until the operator allows it. It is offered all the same, for those who have one."""
    with running(certs, tmp_path) as house:
        opened = Opener(house)
        stranger, guest = negotiating(opened, "stranger"), opened(None, "cap-notify")
        assert offered(stranger) == "before-connect,custom-account-name"
        assert commands(stranger.ask(f"CAP REQ :{CAP}")) == ["CAP"]
        for client in (stranger, guest):
            for name in (client.house.guest_name(), "alice", "9lives"):
                assert failed(client.ask(f"REGISTER {name} * :{NEW}")) == ["REGISTER", "REGISTRATION_CLOSED", name]
            assert failed(client.ask("VERIFY * x")) == ["VERIFY", "INVALID_CODE", "*"]
        assert isinstance(house.loaded, Loaded)
        config = house.loaded.config
        house.loaded = replace(house.loaded, config=replace(config, accounts=AccountsConfig(True, True)))
        house.hub.reloader.reload("a test")
        assert commands(guest.ask(f"REGISTER * * :{NEW}")) == ["396", "REGISTER", "900"]
        house.loaded = replace(house.loaded, config=config)
        house.hub.reloader.reload("a test")
        assert failed(stranger.ask(f"REGISTER * * :{NEW}")) == ["REGISTER", "REGISTRATION_CLOSED", "stranger"]


# -- success ----------------------------------------------------------------------------------------------------------


def test_before_registration(inside: Opener) -> None:
    client = negotiating(inside, "Fresh")
    success, logged_in = client.ask(f"REGISTER * * :{NEW}")
    assert [success.source, success.command, *success.params[:2]] == [NAME, "REGISTER", "SUCCESS", "Fresh"]
    assert success.params[2]
    assert [logged_in.command, *logged_in.params[:3]] == ["900", "Fresh", "Fresh!*@user/Fresh", "Fresh"]
    client.ask("CAP REQ :sasl")
    assert commands(client.ask("AUTHENTICATE PLAIN")) == ["907"]  # as if it had used SASL
    client.send("USER u 0 * :r", "CAP END")
    client.expect("001", "Fresh")
    assert one(client.ask("WHOIS Fresh"), "330").params[2] == "Fresh"
    again = inside.stranger()
    assert login(again, "fresh", NEW) == ["900", "903"]
    assert login(inside.stranger(), "fresh", NEW + "x") == ["904"]


def test_on_the_chat(opened: Opener) -> None:
    """A guest keeps the nick, and is the account's from then on; others see that."""
    watcher, guest = opened.pair("#here", "labeled-response", "batch", "account-notify")
    watcher.ask("CAP REQ :account-notify chghost")
    opening, *answers, _ = guest.ask(f"@label=r REGISTER {guest.nick} me@example.org :{NEW}")
    assert (opening.params[1], opening.tags) == ("labeled-response", {"label": "r"})
    assert commands(answers) == ["ACCOUNT", "396", "REGISTER", "900"]
    assert answers[2].params[:2] == ["SUCCESS", guest.nick]
    assert answers[3].params[1] == f"{guest.nick}!{guest.nick}@user/{guest.nick}"
    assert commands(watcher.sync()) == ["ACCOUNT", "CHGHOST"]
    assert one(watcher.ask(f"WHOIS {guest.nick}"), "330").params[2] == guest.nick
    assert failed(guest.ask(f"REGISTER other * :{NEW}")) == ["REGISTER", "ALREADY_AUTHENTICATED", "other"]
    assert login(opened.stranger(), guest.nick, NEW) == ["900", "903"]


def test_an_account_with_another_name(opened: Opener) -> None:
    guest = opened("strolling")
    assert commands(guest.ask(f"REGISTER Elsewhere * :{NEW}"))[-2:] == ["REGISTER", "900"]
    assert one(guest.ask("WHOIS strolling"), "330").params[2] == "Elsewhere"
    assert one(guest.ask("NICK elsewhere"), "NICK").params == ["elsewhere"]  # which is nobody else's now


def test_before_registration_where_a_nick_may_differ(opened: Opener) -> None:
    client = negotiating(opened, "early")
    assert commands(client.ask(f"REGISTER Later * :{NEW}")) == ["REGISTER", "900"]
    client.send("USER u 0 * :r", "CAP END")
    client.expect("001", "early")
    assert one(client.ask("WHOIS early"), "330").params[2] == "Later"


@pytest.mark.parametrize("password", ["::: colons first", "pässwörter mögen Umlaute", "a,b;c!*? \\ #", " " + "x" * 250])
def test_passwords_hold_anything(opened: Opener, house: House, password: str) -> None:
    guest = opened()
    assert "REGISTER" in commands(guest.ask(f"REGISTER * a@b :{password}"))
    assert login(opened.stranger(), guest.nick, password) == ["900", "903"]
    account = house.hub.chat.account_named(guest.nick)
    assert password not in repr(account)


# -- refusals ---------------------------------------------------------------------------------------------------------


def test_without_a_nick(opened: Opener) -> None:
    stranger = opened.stranger()
    assert failed(stranger.ask(f"REGISTER alice * :{NEW}")) == ["REGISTER", "NEED_NICK", "*"]
    stranger.ask("CAP LS 302", "NICK 9lives")
    assert failed(stranger.ask(f"REGISTER * * :{NEW}")) == ["REGISTER", "NEED_NICK", "*"]


@pytest.mark.parametrize(
    ("line", "refusal"),
    [
        (f"REGISTER ALICE * :{NEW}", ["ACCOUNT_EXISTS", "ALICE"]),
        (f"REGISTER 9lives * :{NEW}", ["BAD_ACCOUNT_NAME", "9lives"]),
        (f"REGISTER {'x' * 33} * :{NEW}", ["BAD_ACCOUNT_NAME", "x" * 33]),
        (f"REGISTER {'x' * 300} * :{NEW}", ["BAD_ACCOUNT_NAME", "x" * 64]),
        (f"REGISTER gähn * :{NEW}", ["BAD_ACCOUNT_NAME", "gähn"]),
        (f"REGISTER #lobby * :{NEW}", ["BAD_ACCOUNT_NAME", "#lobby"]),
        (f"REGISTER * example.org :{NEW}", ["INVALID_EMAIL", "me"]),
        (f"REGISTER * @ :{NEW}", ["INVALID_EMAIL", "me"]),
        ("REGISTER * * short", ["WEAK_PASSWORD", "me"]),
        ("REGISTER * * :", ["WEAK_PASSWORD", "me"]),
        ("REGISTER username * UserName", ["WEAK_PASSWORD", "username"]),
        ("REGISTER * * :control \x07 characters", ["UNACCEPTABLE_PASSWORD", "me"]),
        ("REGISTER * * passwords with spaces", ["UNACCEPTABLE_PASSWORD", "me"]),
    ],
)
@pytest.mark.parametrize("early", [True, False])
def test_what_is_refused(opened: Opener, line: str, refusal: list[str], early: bool) -> None:
    client = negotiating(opened, "me") if early else opened("me")
    assert failed(client.ask(line)) == ["REGISTER", *refusal]


def test_with_too_few_parameters(opened: Opener) -> None:
    for client in (opened.stranger(), opened("few")):
        for line in ("REGISTER", "REGISTER *", f"REGISTER * {NEW.split()[0]}", "VERIFY", "VERIFY *"):
            assert commands(client.ask(line)) == ["461"]


def test_the_name_is_the_nick_where_there_are_no_guests(inside: Opener) -> None:
    client = negotiating(inside, "Nicked")
    refused = failed(client.ask(f"REGISTER other * :{NEW}"))
    assert refused == ["REGISTER", "ACCOUNT_NAME_MUST_BE_NICK", "other"]
    assert one(client.ask(f"REGISTER nicked * :{NEW}"), "REGISTER").params[:2] == ["SUCCESS", "nicked"]


def test_nobody_takes_the_nick_of_another_guest(opened: Opener) -> None:
    """Only the operator does that."""
    wearer, thief = opened("wearer"), opened("thief")
    for client in (thief, negotiating(opened, "wearer")):
        refused = failed(client.ask(f"REGISTER Wearer * :{NEW}"))
        assert refused == ["REGISTER", "BAD_ACCOUNT_NAME", "Wearer"]
    assert wearer.sync() == []


def test_once_is_enough(inside: Opener) -> None:
    client = negotiating(inside, "alice")
    assert login(client, "alice", "correct horse") == ["900", "903"]
    refused = failed(client.ask(f"REGISTER * * :{NEW}"))
    assert refused == ["REGISTER", "ALREADY_AUTHENTICATED", "alice"]
    assert failed(client.ask("VERIFY alice 1234")) == ["VERIFY", "ALREADY_AUTHENTICATED", "alice"]


def test_there_is_nothing_to_verify(opened: Opener) -> None:
    for client in (opened.stranger(), opened()):
        assert failed(client.ask("VERIFY alice :1 2 3 4")) == ["VERIFY", "INVALID_CODE", "alice"]


def test_the_password_of_the_server_comes_first(inside: Opener, closed: House) -> None:
    client = inside.stranger()
    client.send("CAP LS 302", "NICK sneaky", f"REGISTER * * :{NEW}")
    assert commands(client.to_end())[-2:] == ["464", "ERROR"]
    assert closed.hub.chat.account_named("sneaky") is None


def test_who_is_banned_makes_no_accounts(certs: Path, tmp_path: Path) -> None:
    with running(certs, tmp_path, registration=True) as house:
        opened = Opener(house)
        boss = opened("boss", account="boss")
        client = negotiating(opened, "early")
        (number,) = house.hub.chat.sessions
        house.do(AddBan(number, BanKind.ACCOUNT, "early", "not this one", None))
        refused = one(client.ask(f"REGISTER * * :{NEW}"), "465")
        assert refused.params[0] == "early"
        house.do(AddBan(number, BanKind.NETWORK, "127.0.0.0/8", "nobody from here", None))
        assert commands(client.ask(f"REGISTER other * :{NEW}")) == ["465"]
        assert house.hub.chat.account_named("other") is None
        assert boss.nick == "boss"


def test_while_nothing_can_be_stored(opened: Opener, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    write = Database.write

    def full(database: Database, events: Sequence[Event]) -> None:
        if any(map(is_stored, events)):
            raise NotStored("the disk is full")
        write(database, events)

    early, guest = negotiating(opened, "unlucky"), opened("hapless")
    monkeypatch.setattr(house.hub, "_not_stored_told", float("inf"))  # it is no defect of ours
    monkeypatch.setattr(Database, "write", full)
    for client, name in ((early, "unlucky"), (guest, "hapless")):
        (refused,) = client.ask(f"REGISTER * * :{NEW}")
        assert refused.params[:-1] == ["REGISTER", "TEMPORARILY_UNAVAILABLE", name]
        assert "the disk is full" in refused.params[-1]
    monkeypatch.undo()
    for client in (early, guest):
        assert "REGISTER" in commands(client.ask(f"REGISTER * * :{NEW}"))


# -- bounds and secrets -----------------------------------------------------------------------------------------------


def test_only_so_many_accounts_come_from_one_address(certs: Path, tmp_path: Path) -> None:
    with running(certs, tmp_path, registration=True, limits=Limits(throttle=True)) as house:
        opened = Opener(house)
        for number in range(5):
            assert commands(negotiating(opened, f"n{number}").ask(f"REGISTER * * :{NEW}")) == ["REGISTER", "900"]
        sixth = negotiating(opened, "n5")
        assert failed(sixth.ask("REGISTER * * weak")) == ["REGISTER", "WEAK_PASSWORD", "n5"]
        assert failed(sixth.ask(f"REGISTER * * :{NEW}")) == ["REGISTER", "TEMPORARILY_UNAVAILABLE", "n5"]
        assert house.hub.chat.account_named("n5") is None


def test_the_throttle() -> None:
    throttle = RegistrationThrottle(remembered=2)
    assert [throttle.admit("2001:db8::1", 0.0) for _ in range(6)] == [True] * 5 + [False]
    assert not throttle.admit("2001:db8::ffff", 700.0)
    assert throttle.admit("2001:db8:1::1", 700.0)
    assert throttle.admit("2001:db8::1", 721.0)
    assert not throttle.admit("2001:db8::1", 721.0)
    throttle.enabled = False
    assert throttle.admit("2001:db8::1", 721.0)
    throttle.enabled = True
    assert all(throttle.admit(f"192.0.2.{number}", 721.0) for number in range(2))
    assert throttle.admit("2001:db8::1", 721.0), "what was longest unused is forgotten"


def test_no_password_and_no_address_of_mail_is_kept(certs: Path, tmp_path: Path) -> None:
    secret, mail = "never-to-be-seen-again", "mailbox@example.org"
    with running(certs, tmp_path, registration=True) as house:
        opened = Opener(house)
        for client in (opened("discreet"), opened.stranger()):
            client.ask(f"REGISTER * {mail} {secret}", f"REGISTER * {mail} {secret}")
    content = b"".join(file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())
    assert b"discreet" in content
    assert secret.encode() not in content
    assert mail.encode() not in content


def test_an_account_that_was_removed_can_be_made_anew(opened: Opener, house: House) -> None:
    first = opened("phoenix")
    first.ask(f"REGISTER * * :{NEW}")
    house.do(RemoveAccount("phoenix"))
    first.to_end()
    second = opened("phoenix")
    assert "REGISTER" in commands(second.ask(f"REGISTER * * :another {NEW}"))
    assert login(opened.stranger(), "phoenix", NEW) == ["904"]
