"""Accounts that stay in their channels while no device is connected."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from securechat.chat.requests import EnableAccount, RemoveAccount
from tests.server.devices import arrive, come, cut_off, leave
from tests.server.wire import Client, House, Opener, commands, one, params, running, shown

NOBODY = "No device is connected"
KEPT = "your message is kept and shown when they come"


@pytest.fixture
def house(certs: Path, tmp_path: Path) -> Iterator[House]:
    """A house of one's own: who is always on stays in it."""
    with running(certs, tmp_path) as one:
        yield one


@pytest.fixture
def absent(opened: Opener) -> Client:
    """Somebody in #stay, in which alice is too, who is always on and has just left with her last device."""
    alice = come(opened, "alice").join("#stay")
    alice.ask("SETTINGS always-on on")
    other = opened("other", "away-notify", join="#stay")
    leave(alice)
    assert [shown(message) for message in other.sync()] == [f"alice AWAY :{NOBODY}"]
    return other


def names(client: Client, channel: str = "#stay") -> set[str]:
    return set(one(client.ask(f"NAMES {channel}"), "353").params[3].split())


def test_nobody_sees_them_leave_or_come(opened: Opener, absent: Client) -> None:
    assert names(absent) == {"@alice", "other"}
    alice = come(opened, "alice@phone")
    assert [shown(message) for message in absent.sync()] == ["alice AWAY"]
    assert [line for line in alice.lines if line.endswith(" JOIN #stay")]
    come(opened, "alice@desk")
    assert absent.sync() == []


def test_who_has_gone_without_a_word_is_away_as_well(opened: Opener, absent: Client) -> None:
    alice = come(opened, "alice")
    absent.sync()
    cut_off(alice)
    assert absent.expect("AWAY").params == [NOBODY]


def test_all_that_can_be_asked(opened: Opener, absent: Client) -> None:
    """They are there, and away."""
    whois = absent.ask("WHOIS alice")
    assert commands(whois) == ["311", "319", "312", "301", "330", "671", "317", "318"]
    assert one(whois, "301").params[1:] == ["alice", NOBODY]
    boss = opened(account="boss")
    assert commands(boss.ask("WHOIS alice")) == ["311", "319", "312", "301", "330", "379", "671", "317", "318"]
    assert one(boss.ask("WHO alice %cnfi"), "354").params[1:] == ["*", "255.255.255.255", "alice", "G"]
    assert one(absent.ask("WHO #stay o%n", "WHO alice"), "352").params[5:7] == ["alice", "G@"]
    assert one(absent.ask("ISON alice"), "303").params[1] == "alice"
    assert one(absent.ask("USERHOST alice"), "302").params[1] == "alice=-u@user/alice"
    assert commands(absent.ask("MONITOR + alice")) == ["730"]
    assert one(absent.ask("LUSERS"), "251").params[-1].startswith("There are 3 users")
    assert one(absent.ask("LIST #stay"), "322").params[2] == "2"
    assert commands(absent.ask("WHOWAS alice")) == ["406", "369"]


def test_what_is_written_to_them_is_kept(opened: Opener, absent: Client) -> None:
    assert absent.asked("PRIVMSG alice :are you there?") == [f"301 other alice :{KEPT}"]
    assert absent.asked("NOTICE alice :psst", "PRIVMSG #stay :all of you") == []
    alice = arrive(opened, "alice@phone", "server-time")
    shown_to_her = [shown(message) for message in alice.sync() if message.command in ("PRIVMSG", "NOTICE")]
    assert shown_to_her == [
        "other PRIVMSG #stay :all of you",
        "other PRIVMSG alice :are you there?",
        "other NOTICE alice :psst",
    ]


def test_their_nick_and_account_are_theirs(opened: Opener, absent: Client) -> None:
    client = opened.stranger()
    assert commands(client.ask("NICK alice", "USER u 0 * :r")) == ["433"]
    assert commands(absent.ask("NICK alice")) == ["433"]


def test_things_happen_to_them(opened: Opener, absent: Client) -> None:
    """They are kicked, and made operators, as anybody."""
    boss = opened(account="boss")
    boss.ask("OWNER #stay boss", "JOIN #stay")
    absent.sync()
    boss.ask("OWNER #stay boss")
    boss.ask("MODE #stay +v alice", "KICK #stay alice :out")
    assert names(absent) == {"@boss", "other"}
    alice = come(opened, "alice")
    assert not [line for line in alice.lines if line.endswith(" JOIN #stay")]


def test_off_again(opened: Opener, absent: Client) -> None:
    alice = come(opened, "alice")
    alice.ask("SETTINGS always-on off")
    leave(alice)
    assert [shown(message) for message in absent.sync()] == ["alice AWAY", "alice QUIT :Quit: bye"]
    come(opened, "alice")
    assert [shown(message) for message in absent.sync()] == ["alice JOIN :#stay", "MODE #stay +o :alice"]


def test_an_operator_sends_them_away(opened: Opener, absent: Client) -> None:
    boss = opened(account="boss")
    boss.ask("KILL alice :enough")
    (quit_,) = absent.sync()
    assert shown(quit_) == "alice QUIT :Killed (boss (enough))"
    assert commands(absent.ask("WHOIS alice")) == ["401", "318"]
    come(opened, "alice")
    assert commands(absent.sync()) == ["JOIN", "MODE"]


@pytest.mark.parametrize(
    ("request_", "why"),
    [
        (EnableAccount("alice", False), "The account was disabled"),
        (RemoveAccount("alice"), "The account was removed"),
        ("UBAN ADD alice 1h :enough", "You are banned: enough"),
    ],
)
def test_who_may_not_come_does_not_stay(
    house: House, opened: Opener, absent: Client, request_: EnableAccount | RemoveAccount | str, why: str
) -> None:
    if isinstance(request_, str):
        opened(account="boss").ask(request_)
    else:
        house.do(request_)
    (quit_,) = absent.sync()
    assert shown(quit_) == f"alice QUIT :{why}"
    assert names(absent) == {"other"}


def test_a_restart_changes_nothing(certs: Path, tmp_path: Path) -> None:
    home = tmp_path / "restarted"
    home.mkdir()
    with running(certs, home) as house:
        opened = Opener(house)
        alice = come(opened, "alice@phone").join("#stay")
        alice.ask("SETTINGS always-on on", "NICK alicia", "SETNAME :Alice Liddell", "SETTINGS always-on on")
        leave(alice)
    with running(certs, home, again=True) as house:
        opened = Opener(house)
        other = opened("other", join="#stay")
        assert names(other) == {"@alice", "other"}
        whois = other.ask("WHOIS alice")
        assert one(whois, "311").params[1:] == ["alice", "u", "user/alice", "*", "Alice Liddell"]
        assert one(whois, "301").params[2] == NOBODY
        assert other.asked("PRIVMSG alice :hello", "PRIVMSG #stay :here") == [f"301 other alice :{KEPT}"]
        alice = arrive(opened, "alice@phone", "server-time")
        texts = [message.params for message in alice.sync() if message.command == "PRIVMSG"]
        assert texts == [["#stay", "here"], ["alice", "hello"]]
        assert other.sync() == []


def test_who_watches_hears_of_nothing(opened: Opener, absent: Client) -> None:
    watcher = opened(None, "extended-monitor", "away-notify")
    assert params(watcher.ask("MONITOR + alice"), "730")
    alice = come(opened, "alice")
    leave(alice)
    assert [shown(message) for message in watcher.sync()] == ["alice AWAY", f"alice AWAY :{NOBODY}"]
