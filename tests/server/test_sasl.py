"""Logging in (IRCv3 SASL 3.1 and 3.2, PLAIN of RFC 4616)."""

import base64

import pytest

from tests.server.wire import NAME, PASSWORD, Client, House, Opener, commands, one, params, plain

FAILED = "904 * :SASL authentication failed"
UNKNOWN = ["908 * PLAIN,EXTERNAL :are available SASL mechanisms", FAILED]


@pytest.fixture
def client(opened: Opener) -> Client:
    """One that has enabled sasl, and said nothing else."""
    stranger = opened.stranger()
    stranger.ask("CAP REQ :sasl")
    return stranger


def credentials(data: bytes) -> str:
    return base64.b64encode(data).decode()


def begin(client: Client) -> None:
    assert client.asked("AUTHENTICATE PLAIN") == ["AUTHENTICATE :+"]


def assert_usable(client: Client, account: str = "alice") -> None:
    """Whatever happened before: the client can log in, and gets onto the chat."""
    begin(client)
    client.send(f"AUTHENTICATE {plain(account)}", f"NICK {account}", "USER u 0 * :r", "CAP END")
    client.expect("903")
    assert client.expect("001").params[0] == account


def test_a_login(client: Client) -> None:
    client.send("NICK alice", "USER user 0 * :r")
    begin(client)
    logged_in, success = client.ask(f"AUTHENTICATE {plain('aLICE')}")
    assert logged_in.source == success.source == NAME
    assert logged_in.params == ["alice", "alice!user@user/alice", "alice", "You are now logged in as alice"]
    assert [success.command, *success.params] == ["903", "alice", "SASL authentication successful"]
    client.send("CAP END")
    client.expect("001", "alice")
    assert one(client.ask("WHOIS alice"), "330").params == ["alice", "alice", "alice", "is logged in as"]


def test_a_login_before_anything_else(client: Client) -> None:
    begin(client)
    logged_in, _ = client.ask(f"AUTHENTICATE {plain('Bob')}")
    assert logged_in.params == ["*", "*!*@user/Bob", "Bob", "You are now logged in as Bob"]
    client.send("USER u 0 * :r", "NICK bob", "CAP END")
    client.expect("001", "Bob")  # as the account is written


@pytest.mark.parametrize("mechanism", ["PLAIN", "plain", "Plain", ":PLAIN"])
def test_mechanisms_in_any_case(client: Client, mechanism: str) -> None:
    assert client.asked(f"AUTHENTICATE {mechanism}") == ["AUTHENTICATE :+"]


@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-256", "EXTERNAL-PLUS", "FOO", "+", plain("alice"), ":"])
def test_an_unknown_mechanism(client: Client, mechanism: str) -> None:
    assert client.asked(f"AUTHENTICATE {mechanism}") == UNKNOWN
    assert_usable(client)


@pytest.mark.parametrize(
    "response",
    [
        plain("alice", "wrong"),
        plain("nobody"),
        plain("alice", PASSWORD, "Bob"),
        plain("alice", PASSWORD, "nobody"),
        plain("alice", ""),
        plain(""),
        credentials(b"alice\0" + PASSWORD.encode()),
        credentials(b"\0alice\0correct\0horse"),
        credentials(b"\0alice\0\xff\xfe"),
        credentials(b"\0al\xffice\0x"),
        credentials(b"\0" + b"a" * 256 + b"\0x"),
        "+",
        "PLAIN",
        "=",
        "AAA",
        ":two words",
        "é",
        ":",
    ],
)
def test_what_is_no_login(client: Client, response: str) -> None:
    begin(client)
    assert client.asked(f"AUTHENTICATE {response}") == [FAILED]
    assert_usable(client)


@pytest.mark.parametrize("authzid", ["", "alice", "ALICE"])
def test_one_may_act_as_oneself(client: Client, authzid: str) -> None:
    begin(client)
    assert commands(client.ask(f"AUTHENTICATE {plain('alice', PASSWORD, authzid)}")) == ["900", "903"]


def test_a_disabled_account(client: Client) -> None:
    begin(client)
    assert commands(client.ask(f"AUTHENTICATE {plain('gone')}")) == ["902", "904"]
    begin(client)
    assert commands(client.ask(f"AUTHENTICATE {plain('gone', 'wrong')}")) == ["904"]  # tells no stranger


def test_abort(client: Client) -> None:
    begin(client)
    assert client.asked("AUTHENTICATE *") == ["906 * :SASL authentication aborted"]
    begin(client)
    client.send("AUTHENTICATE " + "A" * 400)
    assert client.asked("AUTHENTICATE *") == ["906 * :SASL authentication aborted"]
    assert_usable(client)


def test_too_long(client: Client) -> None:
    begin(client)
    assert client.asked("AUTHENTICATE " + "A" * 401) == ["905 * :SASL message too long"]
    begin(client)
    answers = client.ask(*["AUTHENTICATE " + "A" * 400] * 14)
    assert commands(answers)[0] == "905"
    assert_usable(client)


def test_once_is_enough(client: Client) -> None:
    client.send("NICK alice", "USER u 0 * :r")
    begin(client)
    client.ask(f"AUTHENTICATE {plain('alice')}")
    for parameter in ("PLAIN", plain("alice"), "FOO"):
        assert commands(client.ask(f"AUTHENTICATE {parameter}")) == ["907"]
    assert client.asked("AUTHENTICATE *") == ["907 alice :You have already authenticated using SASL"]


def test_reauthentication(opened: Opener) -> None:
    """Once it is registered a client may log in again (SASL 3.2), to the account that it has."""
    client = opened(None, account="alice")
    for _ in range(2):
        begin(client)
        logged_in, success = client.ask(f"AUTHENTICATE {plain('ALICE')}")
        assert logged_in.params[:3] == [client.nick, f"{client.nick}!{client.nick}@user/alice", "alice"]
        assert success.params == [client.nick, "SASL authentication successful"]
    begin(client)
    assert client.asked(f"AUTHENTICATE {plain('alice', 'wrong')}") == [FAILED.replace("*", client.nick)]
    assert client.asked("AUTHENTICATE FOO") == [line.replace("*", client.nick) for line in UNKNOWN]
    begin(client)
    assert client.asked("AUTHENTICATE *") == [f"906 {client.nick} :SASL authentication aborted"]
    assert one(client.ask(f"WHOIS {client.nick}"), "330").params[2] == "alice"


def test_what_was_kept_for_the_account_is_shown_after_a_later_login(opened: Opener) -> None:
    opened(account="alice").ask("PRIVMSG dave :are you there?")
    client = opened(None, "sasl")
    begin(client)
    client.send(f"AUTHENTICATE {plain('dave')}")
    client.expect("903")
    assert client.expect("PRIVMSG").params[1] == "are you there?"
    token = client.expect("PING").params[0]
    client.ask(f"PONG {token}")
    assert client.house.hub.chat.held == {}


def test_a_registered_client_is_sent_away_too(opened: Opener) -> None:
    client = opened(None, account="alice")
    client.send(*["AUTHENTICATE PLAIN", f"AUTHENTICATE {plain('alice', 'wrong')}"] * 6)
    *answers, error = client.to_end()
    assert commands(answers) == ["AUTHENTICATE", "904"] * 5
    assert error.params == ["Closing link: Too many failed logins"]


def test_with_the_username_of_the_user_that_one_has_joined(opened: Opener) -> None:
    """A second device is shown as the first."""
    first = opened("firstdev", account="carol")
    second = opened.stranger()
    second.ask("CAP REQ :sasl", "NICK carol", "USER other 0 * :r", "AUTHENTICATE PLAIN")
    second.send(f"AUTHENTICATE {plain('carol')}", "CAP END")
    second.sync()
    begin(second)
    assert second.ask(f"AUTHENTICATE {plain('carol')}")[0].params[1] == "firstdev!firstdev@user/carol"
    assert first.sync() == []


def test_an_exchange_ends_with_its_capability(opened: Opener) -> None:
    client = opened(None, "sasl")
    begin(client)
    client.ask("CAP REQ :-sasl")
    assert client.asked(f"AUTHENTICATE {plain('alice')}") == [f"904 {client.nick} :SASL authentication failed"]
    client.ask("CAP REQ :sasl")
    begin(client)


def test_sasl_has_to_be_enabled(opened: Opener) -> None:
    stranger = opened.stranger()
    assert stranger.asked("AUTHENTICATE PLAIN") == [FAILED]
    stranger.ask("CAP REQ :sasl", "CAP REQ :-sasl")
    assert stranger.asked("AUTHENTICATE PLAIN") == [FAILED]
    stranger.ask("CAP REQ :sasl")
    assert stranger.asked("AUTHENTICATE") == ["461 * AUTHENTICATE :Not enough parameters"]
    assert_usable(stranger)


@pytest.mark.parametrize("account", [None, "Bob"])
def test_logging_in_on_the_chat(opened: Opener, house: House, account: str | None) -> None:
    """As a guest, or to another account (SASL 3.2, "SASL Reauthentication")."""
    client = opened(house.guest_name(), "sasl", account=account)
    begin(client)
    logged_in, success = (m for m in client.ask(f"AUTHENTICATE {plain('alice')}") if m.command in ("900", "903"))
    mask = f"{client.nick}!{client.nick}@user/alice"
    assert logged_in.params == [client.nick, mask, "alice", "You are now logged in as alice"]
    assert success.params == [client.nick, "SASL authentication successful"]
    assert one(client.ask(f"WHOIS {client.nick}"), "330").params[2] == "alice"
    begin(client)
    assert commands(client.ask(f"AUTHENTICATE {plain('alice')}")) == ["900", "903"]


def test_an_account_that_is_on_the_chat_already_is_not_for_a_second_user(opened: Opener) -> None:
    opened(account="alice")
    client = opened(None, "sasl", "labeled-response", "batch")
    begin(client)
    (failed,) = client.ask(f"@label=x AUTHENTICATE {plain('alice')}")
    assert [failed.command, *failed.params] == ["904", client.nick, "SASL authentication failed"]
    assert failed.tags == {"label": "x"}
    assert params(client.ask(f"WHOIS {client.nick}"), "330") == []
    begin(client)
    opening, *inside, _ = client.ask(f"@label=y AUTHENTICATE {plain('carol')}")
    assert opening.tags == {"label": "y"}
    assert commands(inside)[-2:] == ["900", "903"]


def test_the_name_of_the_account_that_one_leaves_stays_behind(opened: Opener) -> None:
    client = opened("Bob", "sasl", account="Bob")
    begin(client)
    answers = client.ask(f"AUTHENTICATE {plain('dave')}")
    assert one(answers, "NICK").params == ["dave"]
    assert one(answers, "900").params[:3] == ["dave", "dave!Bob@user/dave", "dave"]


def test_others_see_who_somebody_is_now(opened: Opener) -> None:
    watcher, client = opened.pair("#login", "sasl")
    watcher.ask("CAP REQ :account-tag")
    begin(client)
    client.ask(f"AUTHENTICATE {plain('alice')}")
    watcher.sync()
    client.ask("PRIVMSG #login :it is me")
    assert one(watcher.sync(), "PRIVMSG").tags == {"account": "alice"}


def test_registration_that_ends_in_the_middle(client: Client) -> None:
    client.send("NICK halfway", "USER u 0 * :r")
    begin(client)
    answers = client.ask("CAP END")
    assert commands(answers)[:2] == ["906", "001"]
    assert answers[1].params[0] == "halfway"
    assert "330" not in commands(client.ask("WHOIS halfway"))


def test_no_credentials_without_end(opened: Opener) -> None:
    stranger = opened.stranger()
    stranger.ask("CAP REQ :sasl")
    for _ in range(5):
        stranger.send("AUTHENTICATE PLAIN", f"AUTHENTICATE {plain('alice', 'wrong')}")
    *answers, error = stranger.to_end()
    assert commands(answers) == ["AUTHENTICATE", "904"] * 5
    assert error.command == "ERROR"


def test_labels(opened: Opener) -> None:
    client = opened.stranger()
    client.ask("CAP REQ :sasl labeled-response batch")
    (challenge,) = client.ask("@label=a AUTHENTICATE PLAIN")
    assert (challenge.command, challenge.tags) == ("AUTHENTICATE", {"label": "a"})
    opening, failed_one, failed_two, end = client.ask("@label=b AUTHENTICATE *", "@label=c AUTHENTICATE FOO")[1:]
    assert opening.tags == {"label": "c"}
    assert commands([failed_one, failed_two, end]) == ["908", "904", "BATCH"]
    client.ask("AUTHENTICATE PLAIN")
    assert commands(client.ask(f"@label=d AUTHENTICATE {plain('alice')}")) == ["BATCH", "900", "903", "BATCH"]


@pytest.mark.parametrize("length", [100, 290, 291, 293, 294, 593, 1000])
def test_a_long_password_comes_in_parts(house: House, client: Client, length: int) -> None:
    """With 291, 293 and 593 bytes the last chunk of 400 is full, so that an empty one must follow."""
    password = "x" * length
    house.add_account(f"l{length:04}", password)
    text = credentials(f"\0l{length:04}\0{password}".encode())
    chunks = [text[at : at + 400] for at in range(0, len(text), 400)]
    if len(text) % 400 == 0:
        chunks.append("+")
    assert (chunks[-1] == "+") is (length in (291, 293, 593))
    begin(client)
    for chunk in chunks[:-1]:
        assert client.ask(f"AUTHENTICATE {chunk}") == []
    assert commands(client.ask(f"AUTHENTICATE {chunks[-1]}")) == ["900", "903"]
