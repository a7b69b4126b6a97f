"""The devices of an account: their names, up to where each has seen what was said; and all of them are one user."""

import base64
import threading
from pathlib import Path
from typing import Any

import pytest

from securechat.chat.machine import Applied, Chat
from securechat.chat.refusals import Refusal
from securechat.irc.message import Message
from securechat.server.config import Limits
from securechat.server.throttle import Attempt
from securechat.store.journal import Entry, Journal
from tests.server.devices import come, cut_off, leave
from tests.server.wire import LIMIT, NAME, PASSWORD, Client, House, Opener, commands, one, plain, running, shown

FAILED = "904 * :SASL authentication failed"


def log_in(client: Client, login: str, password: str = PASSWORD, authzid: str = "") -> list[str]:
    """How a login is answered."""
    return client.asked("CAP REQ :sasl", "AUTHENTICATE PLAIN", f"AUTHENTICATE {plain(login, password, authzid)}")[2:]


def devices(house: House, account: str = "alice") -> dict[str, int]:
    """Up to where the devices of an account have seen what was said."""
    found: list[dict[str, int]] = []

    def look(chat: Chat) -> None:
        found.append(dict(chat.devices.get(chat.accounts[account].id, {})))

    house.ask(look)
    return found[0]


def stamp(house: House) -> int:
    """Of what was said last."""
    found: list[int] = []
    house.ask(lambda chat: found.append(chat.stamp))
    return found[0]


def answer(client: Client) -> list[Message]:
    """What has come, but for PINGs."""
    return [message for message in client.sync() if message.command != "PING"]


def channels_of(client: Client) -> list[str]:
    """As WHOIS shows them."""
    return [
        word for line in client.ask(f"WHOIS {client.nick}") if line.command == "319" for word in line.params[2].split()
    ]


# -- names ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "login", ["alice@phone", "ALICE@Phone", "alice@p", "alice@a-Z_0.9", "alice@" + "x" * 32, "alice@-", "alice@."]
)
def test_a_login_may_name_a_device(opened: Opener, house: House, login: str) -> None:
    client = opened.stranger()
    assert log_in(client, login) == [
        "900 * *!*@user/alice alice :You are now logged in as alice",
        "903 * :SASL authentication successful",
    ]
    client.send("NICK alice", "USER u 0 * :r", "CAP END")
    assert client.expect("001").params[0] == "alice"
    assert set(devices(house)) >= {"", login.partition("@")[2].lower()}
    assert one(client.ask("WHOIS alice"), "330").params[2] == "alice"


@pytest.mark.parametrize(
    "login",
    [
        "alice@",
        "alice@" + "x" * 33,
        "alice@a@b",
        "alice@é",
        "alice@a b",
        "alice@a/b",
        "alice@*",
        "@phone",
        "@",
        "al@ice",
    ],
)
def test_what_can_not_name_one(opened: Opener, house: House, login: str) -> None:
    before = devices(house)
    assert log_in(opened.stranger(), login) == [FAILED]
    assert devices(house) == before


def test_the_wrong_password_is_wrong_on_every_device(opened: Opener) -> None:
    assert log_in(opened.stranger(), "alice@phone", "wrong") == [FAILED]
    assert log_in(opened.stranger(), "gone@phone")[0].startswith("902 ")
    assert log_in(opened.stranger(), "gone@", PASSWORD) == [FAILED]


@pytest.mark.parametrize("authzid", ["alice", "ALICE", "alice@phone", "Alice@PHONE"])
def test_one_may_act_as_oneself(opened: Opener, authzid: str) -> None:
    assert log_in(opened.stranger(), "alice@phone", authzid=authzid)[0].startswith("900 ")


@pytest.mark.parametrize("authzid", ["Bob", "alice@desk", "Bob@phone", "phone", "@phone"])
def test_and_as_nobody_else(opened: Opener, authzid: str) -> None:
    assert log_in(opened.stranger(), "alice@phone", authzid=authzid) == [FAILED]


def test_an_authzid_alone_names_no_device(opened: Opener) -> None:
    assert log_in(opened.stranger(), "alice", authzid="alice@phone") == [FAILED]


def test_the_password_never_stands_where_the_name_does(opened: Opener, house: House) -> None:
    """What is no login is not shown anywhere either; see also the tests of the log."""
    data = base64.b64encode(b"\0alice@pho\xffne\0x").decode()
    client = opened.stranger()
    client.ask("CAP REQ :sasl", "AUTHENTICATE PLAIN")
    assert client.asked(f"AUTHENTICATE {data}") == [FAILED]


def test_failed_logins_count_for_the_account_whatever_the_device(
    house: House, opened: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that tries with ever new names is held up as any other."""
    seen: list[str] = []
    attempt = house.hub.logins.attempt

    def watched(account: str, address: str, now: float) -> Attempt:
        seen.append(account)
        return attempt(account, address, now)

    monkeypatch.setattr(house.hub.logins, "attempt", watched)
    for device in ("a", "b", "not one!"):
        assert log_in(opened.stranger(), f"dave@{device}", "wrong") == [FAILED]
    assert set(seen) == {"dave"}


def test_a_login_on_the_chat_changes_the_device_no_more(opened: Opener, house: House) -> None:
    """It is the same device as long as it is connected; a guest has none, and so has who was one."""
    client = come(opened, "carol@desk")
    assert log_in(client, "carol@sofa")[0].startswith("900 ")
    assert set(devices(house, "carol")) == {"", "desk"}
    guest = opened("somebody")
    assert log_in(guest, "dave@sofa")[-1].startswith("903 ")
    leave(guest)
    assert set(devices(house, "dave")) == {""}


# -- up to where each has seen ----------------------------------------------------------------------------------------


def test_who_quits_has_seen_all(opened: Opener, house: House) -> None:
    other = opened(join="#seen")
    phone = come(opened, "alice@phone").join("#seen")
    other.ask("PRIVMSG #seen :one")
    before = stamp(house)
    leave(phone)
    assert devices(house)["phone"] > before
    assert devices(house)[""] == devices(house)["phone"]


def test_who_closes_the_connection_in_order_has_seen_what_was_sent(opened: Opener, house: House) -> None:
    other = opened(join="#seen")
    phone = come(opened, "alice@phone").join("#seen")
    other.ask("PRIVMSG #seen :one")
    phone.expect("PRIVMSG")
    before = stamp(house)
    phone.hang_up()
    other.expect("QUIT")
    assert devices(house)["phone"] >= before


def test_who_is_cut_off_has_seen_what_it_has_answered_a_ping_behind(certs: Path, tmp_path: Path) -> None:
    """It is asked while it speaks, too; a guest is not, since nobody wants to know."""
    with running(certs, tmp_path, limits=Limits(throttle=False, ping_interval=0.1)) as house:
        opened = Opener(house)
        other, phone = opened(join="#seen"), come(opened, "alice@phone").join("#seen")
        other.ask("PRIVMSG #seen :one")
        one_said = stamp(house)
        ping = phone.expect("PING")  # which may have been sent before that
        phone.send(f"PONG :{ping.params[0]}")
        ping = phone.expect("PING")
        phone.send(f"PONG :{ping.params[0]}")
        phone.sync()
        confirmed = stamp(house)
        other.ask("PRIVMSG #seen :two")
        cut_off(phone)
        other.send("PRIVMSG #seen :three")
        while other.message().command != "QUIT":
            pass
        assert one_said <= devices(house)["phone"] <= confirmed


def test_who_never_answers_has_seen_nothing(certs: Path, tmp_path: Path) -> None:
    with running(certs, tmp_path, limits=Limits(throttle=False, ping_interval=0.1)) as house:
        opened = Opener(house)
        other, phone = opened(join="#seen"), come(opened, "alice@phone").join("#seen")
        before = stamp(house)
        other.ask("PRIVMSG #seen :one")
        phone.expect("PING")
        phone.sync()
        cut_off(phone)
        other.expect("QUIT")
        assert devices(house)["phone"] <= before


def test_a_strange_pong_says_nothing(opened: Opener, house: House) -> None:
    other, phone = opened(join="#seen"), come(opened, "alice@phone").join("#seen")
    before = stamp(house)
    other.ask("PRIVMSG #seen :one")
    phone.ask(f"PONG {NAME}", "PONG", "PONG :", "PONG kept-7fffffffffffffff")
    cut_off(phone)
    other.expect("QUIT")
    assert devices(house)["phone"] <= before


def test_a_client_that_does_not_read_has_not_seen_what_is_on_its_way(opened: Opener, house: House) -> None:
    """Whatever it says in the end."""
    other, phone = opened(join="#seen"), come(opened, "alice@phone").join("#seen")
    session = next(session for session in house.hub.all_sessions() if session.device == "phone")
    before = stamp(house)
    while session.link._unsent is None:  # the system keeps some of it
        other.ask(*[f"PRIVMSG #seen :{'x' * 400}"] * 200)
    phone.send("QUIT :bye")
    other.expect("QUIT")
    assert devices(house)["phone"] <= before


def test_a_stop_counts_what_was_sent_in_a_turn_that_has_not_ended(
    certs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The client has it, and the server stops in order: the next one does not show it again."""
    leaving = threading.Event()
    ask = Journal.ask

    def asked(journal: Journal, *given: Any, **named: Any) -> tuple[list[Applied | Refusal], object]:
        leaving.set()
        return ask(journal, *given, **named)

    with running(certs, tmp_path) as house:
        opened = Opener(house)
        other, phone = opened(join="#seen"), come(opened, "alice@phone").join("#seen")
        before = stamp(house)
        deliver = house.hub.journal._deliver

        def held(batch: list[Entry]) -> None:
            deliver(batch)
            assert leaving.wait(LIMIT)

        monkeypatch.setattr(house.hub.journal, "_deliver", held)
        other.send("PRIVMSG #seen :one")
        phone.expect("PRIVMSG")
        monkeypatch.setattr(Journal, "ask", asked)
        house.server.stop()
        monkeypatch.setattr(house.server, "stop", lambda: None)
    with running(certs, tmp_path, again=True) as house:
        assert devices(house)["phone"] > before


# -- one user ---------------------------------------------------------------------------------------------------------


def test_all_devices_are_one_user(opened: Opener) -> None:
    """One nick; joins and parts apply to all; away when all are; the last one that leaves is the leave."""
    desk, phone, other = come(opened, "Bob@desk"), come(opened, "Bob@phone"), opened(None, "away-notify")
    other.join("#one")
    assert desk.nick == phone.nick == "Bob"
    desk.ask("JOIN #one")
    assert [shown(message) for message in other.sync()] == ["Bob JOIN :#one"]
    assert [line for line in map(shown, answer(phone)) if "JOIN" in line] == ["Bob JOIN :#one"]
    desk.ask("AWAY :at lunch")
    assert other.sync() == []
    phone.ask("AWAY :gone too")
    assert [shown(message) for message in other.sync()] == ["Bob AWAY :gone too"]
    phone.ask("AWAY")
    assert [shown(message) for message in other.sync()] == ["Bob AWAY"]
    desk.sync()
    phone.ask("PART #one :enough")
    assert [shown(message) for message in other.sync()] == ["Bob PART #one :enough"]
    assert [line for line in map(shown, answer(desk)) if "PART" in line] == ["Bob PART #one :enough"]
    phone.ask("JOIN #one")
    other.sync()
    leave(phone)
    assert [shown(message) for message in other.sync()] == ["Bob AWAY :at lunch"]
    leave(desk)
    assert [shown(message) for message in other.sync()] == ["Bob QUIT :Quit: bye"]


def test_what_one_device_says_the_others_see(opened: Opener) -> None:
    """The one that said it sees it where it has echo-message."""
    desk, phone = come(opened, "Bob@desk", "echo-message"), come(opened, "Bob@phone")
    tablet, other = come(opened, "Bob@tablet"), opened(join="#copies")
    desk.join("#copies")
    for client in (phone, tablet):
        client.sync()
    phone.ask("PRIVMSG #copies :hello", f"NOTICE {other.nick} :psst", "PRIVMSG Bob :to myself")
    expected = ["Bob PRIVMSG #copies :hello", f"Bob NOTICE {other.nick} :psst", "Bob PRIVMSG Bob :to myself"]
    assert [shown(message) for message in desk.sync()] == expected
    assert [shown(message) for message in tablet.sync()] == expected
    desk.send("PRIVMSG #copies :here too")
    assert [shown(message) for message in desk.sync()] == ["Bob PRIVMSG #copies :here too"]
    assert [shown(message) for message in phone.sync()] == ["Bob PRIVMSG #copies :here too"]


def test_the_next_login_is_in_the_channels_again(opened: Opener) -> None:
    other = opened(join="#back")
    desk = come(opened, "Bob@desk").join("#back", "#left")
    desk.ask("PART #left")
    leave(desk)
    assert commands(other.sync()) == ["JOIN", "QUIT"]
    phone = come(opened, "Bob@phone")
    assert [shown(message) for message in other.sync()] == ["Bob JOIN :#back"]
    assert {word.lstrip("@") for word in channels_of(phone)} >= {"#back"}
    assert "#left" not in {word.lstrip("@") for word in channels_of(phone)}
    assert [line for line in phone.lines if line.endswith(" JOIN #back")]


def test_where_one_is_in_again_is_told_with_all_tags(opened: Opener) -> None:
    """IRCv3 account-tag: on all that a user does. The second session comes into where the user is already."""
    caps = "account-tag", "extended-join", "message-tags", "server-time"
    leave(come(opened, "Bob").join("#tagged"))
    for client in (come(opened, "Bob", *caps), come(opened, "Bob", *caps)):
        join = next(message for message in map(Message.parse, client.lines) if message.params[:1] == ["#tagged"])
        assert (join.command, join.params) == ("JOIN", ["#tagged", "Bob", "r"])
        assert join.tags["account"] == "Bob"
        assert set(join.tags) == {"account", "time"}


def test_not_where_they_are_banned_now(opened: Opener) -> None:
    other = opened(join="#banned")
    bob = come(opened, "Bob").join("#banned")
    leave(bob)
    other.ask("MODE #banned +b *!*@user/Bob")
    bob = come(opened, "Bob")
    assert commands(other.sync()) == []
    other.ask("MODE #banned -b *!*@user/Bob")
    leave(bob)
    come(opened, "Bob")
    assert commands(other.sync()) == []  # it is forgotten
