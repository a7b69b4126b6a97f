"""METADATA before registration, and after another login (IRCv3 draft/metadata-3, ``before-connect``)."""

from collections.abc import Sequence

import pytest

from securechat.chat.events import Event
from securechat.store.database import Database, NotStored
from securechat.store.rows import is_stored
from tests.server.said import CAPS, enter, inside, pair, told
from tests.server.wire import Client, House, Opener, one, plain


@pytest.fixture
def client(opened: Opener) -> Client:
    return opened(None, *CAPS)


def test_what_is_said_before_registration_holds_after_it(opened: Opener) -> None:
    client, answers, welcome = enter(
        opened,
        "METADATA * SUB display-name",
        "METADATA * SET display-name :a b c",
        "METADATA * SET url x",
        "METADATA * SET url",
    )
    assert answers == [
        "770 * :display-name",
        "761 * * display-name * :a b c",
        "761 * * url * :x",
        "766 * * url :Key not set",
    ]
    nick = client.nick
    value = f"761 {nick} {nick} display-name * :a b c"
    assert inside(welcome, "metadata", nick) == [value]
    order = [message.command for message in welcome]
    assert order.index("001") < order.index("BATCH") < order.index("422")
    assert order[-1] == "422", "nothing else is answered once more"
    assert inside(client.ask("METADATA * LIST"), "metadata", nick) == [value]
    assert inside(client.ask("METADATA * SUBS"), "metadata-subs") == [f"772 {nick} :display-name"]


def test_one_sees_oneself_before_registration(opened: Opener) -> None:
    client = opened.stranger()
    client.ask("CAP REQ :batch draft/metadata-3", "METADATA * SUB a b", "METADATA * SET a 1", "METADATA * SET c 2")
    assert inside(client.ask("METADATA * LIST"), "metadata", "*") == ["761 * * a * :1", "761 * * c * :2"]
    assert inside(client.ask("METADATA * GET a b"), "metadata", "*") == ["761 * * a * :1", "766 * * b :Key not set"]
    assert inside(client.ask("METADATA * SYNC"), "metadata", "*") == ["761 * * a * :1"]
    assert inside(client.ask("METADATA * CLEAR"), "metadata", "*") == [
        "766 * * a :Key not set",
        "766 * * c :Key not set",
    ]
    assert inside(client.ask("METADATA * LIST"), "metadata", "*") == []


@pytest.mark.parametrize("line", ["SET a b", "CLEAR", "SUB a", "UNSUB a", "SUBS", "GET a", "LIST", "SYNC"])
def test_before_registration_there_is_only_oneself(opened: Opener, line: str) -> None:
    client = opened.stranger()
    client.ask("CAP REQ :batch draft/metadata-3", "NICK somebody")
    for target in ("somebody", "#lobby", "alice", "*ALL"):
        (answer,) = client.asked(f"METADATA {target} {line}")
        assert answer.startswith(f"FAIL METADATA INVALID_TARGET {target} :")


def test_what_can_not_be_is_refused_before_registration_too(opened: Opener) -> None:
    client = opened.stranger()
    client.ask("CAP REQ :batch draft/metadata-3")
    answers = client.asked("METADATA * SET $a b", "METADATA * SET a :\x1b", "METADATA * SUB $a", "METADATA *")
    assert [line.partition(" :")[0] for line in answers] == [
        "FAIL METADATA INVALID_KEY $a",
        "FAIL METADATA INVALID_VALUE a",
        "WARN METADATA INVALID_KEY $a",
        "FAIL METADATA INVALID_PARAMS *",
    ]


def test_who_has_nothing_is_told_that(opened: Opener, client: Client) -> None:
    client, _, welcome = enter(opened)
    assert inside(welcome, "metadata", client.nick) == []


def test_what_an_account_says_lasts(opened: Opener) -> None:
    client, _, welcome = enter(opened, "METADATA * SET url x", account="dave")
    assert inside(welcome, "metadata", "dave") == ["761 dave dave url * :x"]
    client.send("QUIT")
    client.to_end()
    again, answers, welcome = enter(opened, "METADATA * LIST", "METADATA * SET foo y", account="dave")
    assert answers[1] == "761 * * url * :x", "so it can be seen before registration"
    assert inside(welcome, "metadata", "dave") == ["761 dave dave url * :x", "761 dave dave foo * :y"]
    device, _, welcome = enter(opened, "METADATA * CLEAR", "METADATA * SET bar z", account="dave")
    assert inside(welcome, "metadata", "dave") == ["761 dave dave bar * :z"]
    assert inside(again.ask("METADATA * LIST"), "metadata", "dave") == ["761 dave dave bar * :z"]
    device.ask("METADATA * CLEAR")


def test_a_second_connection_is_told_of_the_channels_it_is_in(opened: Opener) -> None:
    first = opened(None, *CAPS, account="Bob", join="#bobs")
    first.ask("METADATA #bobs SET url x")
    _, _, welcome = enter(opened, "METADATA * SUB url", account="Bob")
    assert inside(welcome, "metadata", "#bobs") == ["761 Bob #bobs url * :x"]


def test_who_is_not_let_in_is_not_told_of_metadata(opened: Opener) -> None:
    client = opened.stranger()
    client.ask("CAP LS 302", "CAP REQ :batch draft/metadata-3", "METADATA * SET url x")
    assert client.asked("NICK alice", "USER u 0 * :r", "CAP END") == ["433 * alice :Nickname is already in use"]
    nick = opened.house.guest_name()
    assert inside(client.ask(f"NICK {nick}"), "metadata", nick) == [f"761 {nick} {nick} url * :x"]


def test_while_nothing_can_be_stored_one_comes_in_without_it(
    opened: Opener, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = opened.stranger()
    client.ask("CAP LS 302", "CAP REQ :sasl batch draft/metadata-3", "AUTHENTICATE PLAIN")
    client.ask(f"AUTHENTICATE {plain('carol')}", "METADATA * SET url x", "NICK carol", "USER u 0 * :r")

    def full(_: Database, events: Sequence[Event], *__: object) -> None:
        if any(map(is_stored, events)):
            raise NotStored("the disk is full")

    monkeypatch.setattr(house.hub, "_not_stored_told", float("inf"))  # it is no defect of ours
    monkeypatch.setattr(Database, "write", full)
    welcome = client.ask("CAP END")
    refused = one(welcome, "FAIL")
    assert refused.params[:2] == ["METADATA", "TEMPORARILY_UNAVAILABLE"]
    assert "the disk is full" in refused.params[-1]
    assert one(welcome, "001").params[0] == "carol"
    assert inside(welcome, "metadata", "carol") == []


# -- logging in later -------------------------------------------------------------------------------------------------


def test_who_logs_in_is_what_the_account_says(opened: Opener) -> None:
    account, _, _ = enter(opened, "METADATA * SET url account", "METADATA * SET foo x", account="dave")
    account.send("QUIT")
    account.to_end()
    guest, other = pair(opened, "#later")
    guest.ask("METADATA * SET url guest", "METADATA * SET bar y", "METADATA * SUB bar url", "CAP REQ sasl")
    other.ask("METADATA * SUB bar url")
    answer = guest.asked("AUTHENTICATE PLAIN", f"AUTHENTICATE {plain('dave')}")
    expected = [f"766 {{}} {guest.nick} bar :Key not set", f"761 {{}} {guest.nick} url * :account"]
    assert [line for line in answer if line[:2] == "76"] == [line.format(guest.nick) for line in expected]
    assert [line for line in told(other) if line[:2] == "76"] == [line.format(other.nick) for line in expected]
    assert guest.asked("METADATA * CLEAR")[1:-1] == [
        f"766 {guest.nick} {guest.nick} {key} :Key not set" for key in ("url", "foo")
    ]
