"""AWAY, SETNAME (Modern IRC, "AWAY message"; IRCv3 away-notify, pre-away, setname)."""

from pathlib import Path

import pytest

from securechat.server.config import Limits
from tests.server.wire import Client, Opener, commands, one, params, plain, running

GONE = "You have been marked as being away"
BACK = "You are no longer marked as being away"


def registered(client: Client, nick: str, *before: str) -> Client:
    """On the chat, having said these lines before, with draft/pre-away."""
    client.send("CAP REQ draft/pre-away", *before, f"NICK {nick}", "USER u 0 * :r", "CAP END")
    client.nick = client.expect("001").params[0]
    client.sync()
    return client


# -- AWAY -------------------------------------------------------------------------------------------------------------


def test_away_and_back(opened: Opener) -> None:
    client = opened()
    assert client.asked("AWAY :gone fishing") == [f"306 {client.nick} :{GONE}"]
    assert client.asked("AWAY") == [f"305 {client.nick} :{BACK}"]
    assert client.asked("AWAY gone", "AWAY :") == [f"306 {client.nick} :{GONE}", f"305 {client.nick} :{BACK}"]
    assert client.asked("AWAY") == [f"305 {client.nick} :{BACK}"]


def test_away_is_told_to_who_asks_and_who_writes(opened: Opener) -> None:
    away, other = opened(), opened()
    away.ask("AWAY :gone fishing")
    assert one(other.ask(f"WHOIS {away.nick}"), "301").params[1:] == [away.nick, "gone fishing"]
    assert other.asked(f"PRIVMSG {away.nick} hello") == [f"301 {other.nick} {away.nick} :gone fishing"]
    assert other.asked(f"NOTICE {away.nick} hello", f"PRIVMSG {other.nick} hello")[:-1] == []
    assert one(other.ask(f"WHO {away.nick}"), "352").params[6] == "G"
    assert one(other.ask(f"USERHOST {away.nick}"), "302").params[1].startswith(f"{away.nick}=-")
    away.ask("AWAY")
    assert commands(other.ask(f"WHOIS {away.nick}", f"PRIVMSG {away.nick} x")).count("301") == 0
    assert one(other.ask(f"WHO {away.nick}"), "352").params[6] == "H"
    assert one(other.ask(f"USERHOST {away.nick}"), "302").params[1].startswith(f"{away.nick}=+")


def test_away_does_not_mute_a_channel(opened: Opener) -> None:
    away, other = opened.pair("#awaychan")
    away.ask("AWAY x")
    assert other.ask("PRIVMSG #awaychan hello") == []


def test_away_messages_have_a_length(certs: Path, tmp_path: Path) -> None:
    with running(certs, tmp_path, limits=Limits(throttle=False, away_length=10)) as house:
        client = house.enter(Client(house)).register("short")
        client.ask("AWAY :äöüäöü and more")
        assert one(client.ask("WHOIS short"), "301").params[2] == "äöüäö"


def test_an_invitation_and_a_join_tell_of_it(opened: Opener) -> None:
    watcher, away = opened(None, "away-notify", join="#ja"), opened()
    away.ask("AWAY :over there")
    assert watcher.asked(f"INVITE {away.nick} #ja") == [
        f"341 {watcher.nick} {away.nick} :#ja",
        f"301 {watcher.nick} {away.nick} :over there",
    ]
    away.join("#ja")
    assert commands(watcher.sync()) == ["JOIN", "AWAY"]


# -- pre-away ---------------------------------------------------------------------------------------------------------


def test_away_before_registration(opened: Opener) -> None:
    watcher, client = opened(None, "away-notify", join="#pre"), opened.stranger()
    client.send("CAP REQ draft/pre-away", "AWAY :not yet here")
    assert client.expect("306").params == ["*", GONE]
    registered(client, "prea")
    assert one(watcher.ask("WHOIS prea"), "301").params[2] == "not yet here"
    client.join("#pre")
    joined, away = watcher.sync()
    assert (joined.command, away.command, away.params) == ("JOIN", "AWAY", ["not yet here"])


def test_the_last_away_before_registration_counts(opened: Opener) -> None:
    registered(opened.stranger(), "preb", "AWAY one", "AWAY")
    client = registered(opened.stranger(), "prec", "AWAY one", "AWAY :two words")
    assert commands(client.ask("WHOIS preb")).count("301") == 0
    assert one(client.ask("WHOIS prec"), "301").params[2] == "two words"


def test_without_the_capability_away_waits_for_registration(opened: Opener) -> None:
    client = opened.stranger()
    assert commands(client.ask("AWAY x")) == ["451"]
    registered(client, "pred")
    assert commands(client.ask("WHOIS pred")).count("301") == 0


def test_away_for_no_reason_in_particular(opened: Opener) -> None:
    client = registered(opened.stranger(), "pree", "AWAY *")
    assert one(client.ask("WHOIS pree"), "301").params[2] == "*"


def login(opened: Opener, account: str, *before: str) -> Client:
    client = opened.stranger()
    sasl = ("CAP REQ sasl", "AUTHENTICATE PLAIN", f"AUTHENTICATE {plain(account)}")
    return registered(client, account, *sasl, *before)


def test_who_is_at_one_device_is_not_away(opened: Opener) -> None:
    watcher = opened(None, "away-notify", join="#devices")
    phone = login(opened, "alice", "AWAY *").join("#devices")
    assert commands(watcher.sync()) == ["JOIN", "AWAY"]
    laptop = login(opened, "alice")
    assert [(m.command, m.params) for m in watcher.sync()] == [("AWAY", [])]  # somebody is there
    laptop.ask("AWAY :at lunch")
    assert one(watcher.sync(), "AWAY").params == ["at lunch"]  # and not "*"
    assert commands(phone.ask("AWAY :on the train")) == ["306"]
    assert watcher.sync() == []  # what the last connection says stands
    phone.ask("AWAY")
    assert one(watcher.sync(), "AWAY").params == []
    laptop.ask("AWAY :still at lunch")
    assert watcher.sync() == []  # the phone is not away
    phone.send("QUIT")
    phone.to_end()
    assert one(watcher.sync(), "AWAY").params == ["still at lunch"]


def test_devices_are_not_told_of_themselves(opened: Opener) -> None:
    phone = opened(None, "away-notify", account="Bob", join="#own")
    laptop = opened(None, "away-notify", account="Bob")
    assert commands(phone.ask("AWAY x")) == ["306"]
    assert laptop.sync() == []


# -- SETNAME ----------------------------------------------------------------------------------------------------------


def test_a_new_real_name(opened: Opener) -> None:
    client, other = opened(None, "setname"), opened()
    (line,) = client.ask("SETNAME :Bruce Wayne <bruce@wayne.enterprises>")
    assert (line.command, line.params) == ("SETNAME", ["Bruce Wayne <bruce@wayne.enterprises>"])
    assert (line.source or "").startswith(f"{client.nick}!")
    assert one(other.ask(f"WHOIS {client.nick}"), "311").params[5] == "Bruce Wayne <bruce@wayne.enterprises>"
    assert one(other.ask(f"WHO {client.nick}"), "352").params[7] == "0 Bruce Wayne <bruce@wayne.enterprises>"


def test_without_the_capability_it_is_silent(opened: Opener) -> None:
    client = opened()
    assert client.ask("SETNAME Batman") == []
    assert one(client.ask(f"WHOIS {client.nick}"), "311").params[5] == "Batman"


@pytest.mark.parametrize("name", ["", "x" * 151, "ü" * 76])
def test_a_real_name_that_can_not_be(opened: Opener, name: str) -> None:
    for client in (opened(), opened(None, "setname")):
        assert client.asked(f"SETNAME :{name}") == ["FAIL SETNAME INVALID_REALNAME :Realname is not valid"]
        assert one(client.ask(f"WHOIS {client.nick}"), "311").params[5] == f"{client.nick} the tester"
        assert client.asked("SETNAME") == [f"461 {client.nick} SETNAME :Not enough parameters"]


def test_the_longest_real_name(certs: Path, tmp_path: Path) -> None:
    with running(certs, tmp_path, limits=Limits(throttle=False, realname_length=8)) as house:
        client = Client(house)
        house.enter(client)
        client.send("CAP REQ setname", "NICK longest", "USER u 0 * :ten  bytes", "CAP END")
        client.sync()
        assert "NAMELEN=8" in " ".join(client.lines)
        assert params(client.ask("WHOIS longest"), "311")[0][5] == "ten  byt"
        assert commands(client.ask("SETNAME :12345678", "SETNAME :123456789")) == ["SETNAME", "FAIL"]


def test_what_other_devices_of_an_account_see(opened: Opener) -> None:
    phone = opened(None, "setname", "extended-join", account="carol", join="#setname")
    laptop = opened(None, "setname", account="carol")
    phone.ask("SETNAME :Somebody else")
    assert one(laptop.sync(), "SETNAME").params == ["Somebody else"]
    tablet = opened.stranger()
    tablet.register(None, ("extended-join",), "carol")
    joins = [line for line in tablet.lines if " JOIN #setname" in line]
    assert [line.partition(" JOIN ")[2] for line in joins] == ["#setname carol :Somebody else"]
