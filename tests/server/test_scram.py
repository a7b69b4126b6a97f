"""SASL SCRAM-SHA-256 over the wire, what is kept for it, and that nobody can tell who has it."""

import base64
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from securechat.chat.model import Account, Role
from securechat.chat.requests import SetPassword
from securechat.server.config import AccountsConfig, Config, ConfigError, load
from securechat.server.reload import Loaded
from securechat.server.scram import ROUNDS, Scram, read, write
from tests.server.logins import FAILED, Hashes, ScramClient, begin, by_password, give_verifier, log_of, responded
from tests.server.wire import PASSWORD, Client, House, Opener, commands, running

NO_MECHANISM = ["908 * PLAIN,EXTERNAL :are available SASL mechanisms", FAILED]


@pytest.fixture(scope="module")
def house(certs: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A server that has SCRAM; alice has a verifier, and nobody else."""
    with running(certs, tmp_path_factory.mktemp("house"), scram=True) as one:
        give_verifier(one, "alice")
        yield one


@pytest.fixture
def client(opened: Opener) -> Client:
    """One that has said nothing."""
    return opened.stranger()


def test_a_login(house: House, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    hashes = Hashes(house, monkeypatch)
    client.send("CAP REQ :sasl", "NICK alice", "USER u 0 * :r")
    scram = ScramClient(client, "alice")
    scram.first()
    (line,) = scram.final()
    assert line.startswith("AUTHENTICATE ")
    logged_in, success = responded(client, b"")
    assert logged_in == "900 alice alice!u@user/alice alice :You are now logged in as alice"
    assert success == "903 alice :SASL authentication successful"
    client.send("CAP END")
    client.expect("001", "alice")
    assert hashes.number == 0


def test_it_is_offered(client: Client) -> None:
    assert "sasl=PLAIN,EXTERNAL,SCRAM-SHA-256" in " ".join(client.asked("CAP LS 302")).split()
    client.ask("CAP REQ :sasl")
    known = "908 * PLAIN,EXTERNAL,SCRAM-SHA-256 :are available SASL mechanisms"
    assert client.asked("AUTHENTICATE SCRAM-SHA-256-PLUS") == [known, FAILED]


def test_with_a_device(house: House, client: Client) -> None:
    assert ScramClient(client, "ALICE@Phone").log_in()[0].startswith("900 ")
    client.sync()
    newest = max(house.hub.all_sessions(), key=lambda session: session.number)
    assert newest.authentication.device == "phone"


@pytest.mark.parametrize(
    ("login", "password", "shown"),
    [
        ("alice", "wrong", "alice"),
        ("alice@no such", PASSWORD, "alice"),
        ("Bob", PASSWORD, "Bob"),
        ("nobody", PASSWORD, "unknown"),
    ],
    ids=["password", "device", "no verifier", "no account"],
)
def test_what_is_no_login(house: House, client: Client, login: str, password: str, shown: str) -> None:
    scram = ScramClient(client, login, password)
    scram.first()
    with log_of(house) as lines:
        assert scram.final() == [FAILED]
    failure = {"address": "127.0.0.1", "account": shown, "how": "SCRAM-SHA-256", "why": "wrong"}
    assert lines == [("login failed", failure)]
    assert ScramClient(client, "alice").log_in()[-1].startswith("903 ")


def test_salt_and_rounds_tell_nobody_who_is_here(house: House, client: Client) -> None:
    """They look alike, stay the same, and differ from one name to the next; also in another spelling."""
    said: dict[str, set[str]] = {}
    for name in ("alice", "Bob", "nobody", "noBODY@phone", "somebody", "ALICE@phone"):
        for _ in range(2):
            first = ScramClient(client, name).first()
            assert client.asked("AUTHENTICATE *")[0].startswith("906 ")
            nonce, salt, rounds = first.split(",")
            assert rounds == f"i={ROUNDS}"
            assert len(base64.b64decode(salt.removeprefix("s="))) == 16
            said.setdefault(name, set()).add(salt)
            assert len(nonce) > 60
    assert all(len(salts) == 1 for salts in said.values())
    assert said["alice"] == said["ALICE@phone"]
    assert said["nobody"] == said["noBODY@phone"]
    assert len({next(iter(salts)) for salts in said.values()}) == 4


def test_a_disabled_account(house: House, client: Client) -> None:
    give_verifier(house, "gone")
    assert [line[:4] for line in ScramClient(client, "gone").log_in()] == ["902 ", "904 "]
    assert ScramClient(client, "gone", "wrong").log_in() == [FAILED]


def test_a_password_that_is_changed_in_the_middle(house: House, client: Client) -> None:
    """The proof is right; but who arrives with it is not let in."""
    give_verifier(house, "carol")
    client.send("CAP REQ :sasl", "NICK carol", "USER u 0 * :r")
    scram = ScramClient(client, "carol")
    scram.first()
    assert scram.final()[0].startswith("AUTHENTICATE")
    give_verifier(house, "carol", "another horse")
    responded(client, b"")
    client.send("CAP END")
    assert "001" not in commands(client.to_end())


def test_a_password_set_without_a_verifier_takes_the_old_one_away(house: House, client: Client) -> None:
    give_verifier(house, "dave")
    assert ScramClient(client, "dave").log_in()[-1].startswith("903 ")
    house.do(SetPassword("dave", house.hub.chat.accounts["dave"].credential))
    other = Opener(house).stranger()
    assert ScramClient(other, "dave").log_in() == [FAILED]
    assert by_password(other, "dave") == ["900", "903"]


@pytest.mark.parametrize(
    "response",
    [b"", b"n,,n=alice", b"p=tls-exporter,,n=alice,r=x", b"\xff", b"n,,n=al\0ice,r=x", b"n,,n=,r=x", b"," * 2000],
)
def test_hostile_beginnings(client: Client, response: bytes) -> None:
    begin(client, "SCRAM-SHA-256")
    assert responded(client, response) == [FAILED]
    assert ScramClient(client, "alice").log_in()[-1].startswith("903 ")


@pytest.mark.parametrize("response", [b"", b"c=biws,r=x,p=AAAA", b"c=biws", b"\xff\xfe", b"p=" + b"A" * 3000])
def test_hostile_proofs(client: Client, response: bytes) -> None:
    ScramClient(client, "alice").first()
    assert responded(client, response) == [FAILED]
    assert ScramClient(client, "alice").log_in()[-1].startswith("903 ")


def test_the_end_can_not_be_left_out(client: Client) -> None:
    scram = ScramClient(client, "alice")
    scram.first()
    scram.final()
    assert client.asked("AUTHENTICATE *") == ["906 * :SASL authentication aborted"]
    client.send("NICK stranger", "USER u 0 * :r", "CAP END")
    client.expect("001")
    assert "330" not in commands(client.ask("WHOIS stranger"))


def test_the_end_is_empty(client: Client) -> None:
    scram = ScramClient(client, "alice")
    scram.first()
    scram.final()
    assert responded(client, b"more") == [FAILED]


def test_failures_are_counted(certs: Path, tmp_path: Path) -> None:
    """From the fourth on they wait, and those that would wait too long are not looked at."""
    with running(certs, tmp_path, scram=True) as house:
        give_verifier(house, "alice")
        house.hub.logins.enabled = True
        opened = Opener(house)
        client = opened.stranger()
        for _ in range(3):
            assert ScramClient(client, "alice", "wrong").log_in() == [FAILED]
        here = house.hub.logins._here.get(("alice", "127.0.0.1"))
        assert here.number == 3
        here.number = 20
        with log_of(house) as lines:
            assert ScramClient(client, "alice").log_in() == [FAILED]
        assert ("login failed", lines[-1][1] | {"why": "throttled"}) == lines[-1]
        here.number = 0
        assert ScramClient(client, "alice").log_in()[-1].startswith("903 ")


def test_it_is_off_unless_it_is_wanted(certs: Path, tmp_path: Path) -> None:
    with running(certs, tmp_path) as house:
        client = Opener(house).stranger()
        client.ask("CAP REQ :sasl")
        assert client.asked("AUTHENTICATE SCRAM-SHA-256") == NO_MECHANISM
        assert house.hub.verifier("a password") == ""


def test_it_can_be_turned_on_and_off(certs: Path, tmp_path: Path) -> None:
    with running(certs, tmp_path) as house:
        client = Opener(house).stranger()
        client.ask("CAP LS 302", "CAP REQ :sasl")
        for scram in (True, False):
            assert isinstance(house.loaded, Loaded)
            config = replace(house.loaded.config, accounts=AccountsConfig(guests=True, scram=scram))
            house.loaded = replace(house.loaded, config=config)
            house.hub.reloader.reload("a test")
            assert bool(house.hub.verifier("a password")) is scram
            offer = client.expect("CAP", "*", "NEW").params[-1].split()
            assert f"sasl=PLAIN,EXTERNAL{',SCRAM-SHA-256' if scram else ''}" in offer
            if scram:
                begin(client, "SCRAM-SHA-256")
                assert client.asked("AUTHENTICATE *")[0].startswith("906 ")
            else:
                assert client.asked("AUTHENTICATE SCRAM-SHA-256") == NO_MECHANISM


def test_it_needs_a_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    (tmp_path / "config.toml").write_text("[accounts]\nscram = true\n")
    with pytest.raises(ConfigError, match=r"\[accounts\] scram needs .*: pip install 'securechat\[scram\]'"):
        load(tmp_path / "config.toml")
    assert Config().accounts.scram is False


# -- what is kept -----------------------------------------------------------------------------------------------------


def broken(what: str, error: BaseException) -> None:
    raise AssertionError(what)


def account(scram: str) -> Account:
    return Account(1, "alice", Role.MEMBER, True, 1, "", 1, scram)


def test_the_form_of_rfc_5803() -> None:
    keys = (b"s" * 16, b"a" * 32, b"b" * 32, ROUNDS)
    stored, server = base64.b64encode(b"a" * 32).decode(), base64.b64encode(b"b" * 32).decode()
    assert write(keys) == f"SCRAM-SHA-256$600000:c3Nzc3Nzc3Nzc3Nzc3Nzcw==${stored}:{server}"
    assert read(write(keys)) == keys


GOOD = write((b"s" * 16, b"a" * 32, b"b" * 32, ROUNDS))


@pytest.mark.parametrize(
    "text",
    [
        "",
        GOOD + "\n",
        GOOD[:-1],
        GOOD.replace("256", "1"),
        GOOD.replace("600000", "4095"),
        GOOD.replace("600000", "10000001"),
        GOOD.replace("600000", "0600000"),
        GOOD.replace("c3N", "=3N"),
        write((b"s" * 11, b"a" * 32, b"b" * 32, ROUNDS)),
        write((b"s" * 16, b"a" * 31, b"b" * 32, ROUNDS)),
    ],
)
def test_what_is_none(text: str) -> None:
    with pytest.raises(ValueError, match="not a verifier") as caught:
        read(text)
    assert caught.value.__cause__ is caught.value.__context__ is None


def test_a_broken_one_looks_like_none_and_is_told_of() -> None:
    told: list[str] = []
    scram = Scram(b"secret", lambda what, error: told.append(what), enabled=True)
    assert scram.find("alice", account("broken")) == scram.find("alice", None)
    assert told == ["an account's SCRAM verifier is broken"]


def test_what_is_made_up_depends_on_the_server_alone() -> None:
    one, again, other = (Scram(secret, broken, enabled=True) for secret in (b"secret", b"secret", b"other"))
    assert one.find("Nobody", None) == again.find("nobody", account(""))
    assert one.find("nobody", None)[0] != other.find("nobody", None)[0]
    assert one.find("nobody", None)[0] != one.find("nobodx", None)[0]


def test_each_has_a_salt_of_its_own() -> None:
    scram = Scram(b"secret", broken, enabled=True)
    one, other = scram.make("a password"), scram.make("a password")
    assert read(one)[3] == ROUNDS
    assert read(one)[0] != read(other)[0]
    assert scram.find("alice", account(one)) == read(one)


def test_passwords_that_have_none() -> None:
    """SASLprep is of 2005, and so are its emoji. They log in by PLAIN."""
    assert Scram(b"secret", broken, enabled=True).make("👩‍🚀 to the moon") == ""
    assert Scram(b"secret", broken, enabled=False).make("a password") == ""
