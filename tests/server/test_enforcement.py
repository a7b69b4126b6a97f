"""What operators of the server do to others: KILL, WALLOPS, UBAN."""

from pathlib import Path

import pytest

from securechat.chat.model import BanKind
from securechat.chat.requests import AddBan
from securechat.server.bans import duration
from tests.server.wire import House, Opener, commands, one, params, plain, running, shown


@pytest.mark.parametrize("command", ["KILL guest :bye", "WALLOPS :hear", "UBAN LIST", "REHASH"])
def test_only_for_operators(opened: Opener, command: str) -> None:
    client = opened()
    assert commands(client.ask(command)) == ["481"]


def test_an_admin_is_an_operator_by_login(opened: Opener) -> None:
    boss = opened(account="boss")
    assert params(boss.ask("MODE boss"), "221") == [["boss", "+o"]]
    assert commands(boss.ask("WHOIS boss")).count("313") == 1


def test_no_member_is(opened: Opener) -> None:
    alice = opened(account="alice")
    assert params(alice.ask("MODE alice"), "221") == [["alice", "+"]]
    assert alice.ask("MODE alice +o") == []
    assert commands(alice.ask("WALLOPS :hello")) == ["481"]


def test_who_gives_it_up_is_none_any_more(opened: Opener) -> None:
    boss = opened(account="boss")
    assert [shown(m) for m in boss.ask("MODE boss -o")] == ["boss MODE boss :-o"]
    assert commands(boss.ask("WALLOPS :hello")) == ["481"]


def test_kill(opened: Opener) -> None:
    boss, (first, second) = opened(account="boss"), opened.pair("#kill")
    boss.ask(f"KILL {second.nick} :no reason")
    assert shown(first.expect("QUIT")) == f"{second.nick} QUIT :Killed (boss (no reason))"
    *_, kill, left, error = second.to_end()
    assert shown(kill) == f"boss KILL {second.nick} :no reason"
    assert shown(left) == f"{second.nick} QUIT :Killed (boss (no reason))"
    assert shown(error) == "ERROR :Closing link: Killed (boss (no reason))"
    assert commands(first.ask(f"WHOIS {second.nick}")) == ["401", "318"]


def test_kill_ends_all_connections_of_a_user(opened: Opener) -> None:
    boss, one_of, other = opened(account="boss"), opened(account="alice"), opened(account="alice")
    boss.ask("KILL alice :both")
    assert commands(one_of.to_end()[-3:]) == commands(other.to_end()[-3:]) == ["KILL", "QUIT", "ERROR"]


def test_an_operator_can_end_their_own_connection(opened: Opener) -> None:
    boss = opened(None, "message-tags", "account-tag", "labeled-response", "batch", account="boss")
    boss.send("@label=own KILL boss :enough")
    kill, left, acknowledged, error = boss.to_end()
    assert (kill.command, kill.params, kill.tags["account"]) == ("KILL", ["boss", "enough"], "boss")
    assert (left.command, left.tags["account"]) == ("QUIT", "boss")
    assert (acknowledged.command, acknowledged.tags) == ("ACK", {"label": "own"})
    assert error.command == "ERROR"


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("KILL", "461 boss KILL :Not enough parameters"),
        ("KILL somebody", "461 boss KILL :Not enough parameters"),
        ("KILL nobody-here :x", "401 boss nobody-here :No such nick/channel"),
        ("KILL irc.example.org :x", "483 boss :You cant kill a server!"),
        ("WALLOPS", "461 boss WALLOPS :Not enough parameters"),
        ("WALLOPS :", "461 boss WALLOPS :Not enough parameters"),
        ("UBAN", "461 boss UBAN :Not enough parameters"),
        ("UBAN ADD", "461 boss UBAN :Not enough parameters"),
        ("UBAN DEL", "461 boss UBAN :Not enough parameters"),
        ("UBAN HELP", "FAIL UBAN INVALID_PARAMS HELP :The parameters are not what this command needs"),
        ("UBAN ADD 0.0.0.0/0", "FAIL UBAN INVALID_BAN 0.0.0.0/0 :This is everybody"),
        ("UBAN ADD 300.1.1.1", "FAIL UBAN INVALID_BAN 300.1.1.1 :This is neither an address nor a network"),
        ("UBAN ADD boss", "FAIL UBAN INVALID_BAN boss :This is your own account"),
        ("UBAN DEL 192.0.2.77", "FAIL UBAN NO_SUCH_BAN 192.0.2.77 :There is no such ban"),
    ],
)
def test_mistakes(opened: Opener, line: str, answer: str) -> None:
    assert opened(account="boss").asked(line) == [answer]


def test_wallops_goes_to_operators_and_to_who_wants_it(opened: Opener) -> None:
    boss, wants, other = opened(account="boss"), opened(), opened()
    wants.ask(f"MODE {wants.nick} +w")
    assert boss.asked("WALLOPS :hear this") == ["boss WALLOPS :hear this"]
    assert [shown(m) for m in wants.sync()] == ["boss WALLOPS :hear this"]
    assert other.sync() == []


def test_an_account_is_banned(opened: Opener) -> None:
    boss, carol = opened(account="boss"), opened(account="carol")
    added = one(boss.ask("UBAN ADD Carol 1h :spam and more"), "NOTE")
    assert added.params[:5] == ["UBAN", "BANNED", "account", "carol", "boss"]
    assert added.params[-1] == "spam and more"
    assert carol.to_end()[-1].params == ["Closing link: You are banned: spam and more"]
    again = opened.stranger()
    again.send("CAP REQ :sasl", "NICK carol", "USER c 0 * :c", "AUTHENTICATE PLAIN", f"AUTHENTICATE {plain('carol')}")
    again.send("CAP END")
    end = again.to_end()
    assert "465" in commands(end)
    assert end[-1].params == ["Closing link: You are banned: spam and more"]
    listed = params(boss.ask("UBAN LIST"), "NOTE")
    assert [line[2:4] for line in listed[:-1]] == [["account", "carol"]]
    assert listed[-1][:3] == ["UBAN", "END_OF_BANS", "1"]
    assert one(boss.ask("UBAN DEL carol"), "NOTE").params[1] == "UNBANNED"
    opened(account="carol")


def test_a_ban_that_is_over_is_not_shown(house: House, opened: Opener) -> None:
    house.do(AddBan(None, BanKind.ACCOUNT, "dave", "it was long ago", 1))
    dave, boss = opened(account="dave"), opened(account="boss")
    assert commands(dave.ask("PING x")) == ["PONG"]
    assert [shown(message) for message in boss.ask("UBAN LIST")] == ["NOTE UBAN END_OF_BANS 0 :End of the list of bans"]
    assert one(boss.ask("UBAN DEL dave"), "NOTE").params[1] == "UNBANNED"


def test_a_network_is_banned_over_a_restart(certs: Path, tmp_path: Path) -> None:
    """The operator is in it as well, and goes with it: nobody else can be asked here."""
    with running(certs, tmp_path) as house:
        opened = Opener(house)
        boss, guest = opened(account="boss"), opened()
        boss.send("UBAN ADD 127.0.0.0/8 :not from here")
        assert guest.to_end()[-1].params == ["Closing link: You are banned: not from here"]
        assert boss.to_end()[-1].params == ["Closing link: You are banned: not from here"]
        _refused(house)
    with running(certs, tmp_path, again=True) as house:
        _refused(house)


def _refused(house: House) -> None:
    stranger = Opener(house).stranger()
    stranger.send("NICK somebody", "USER u 0 * :r")
    assert commands(stranger.to_end()) == ["465", "ERROR"]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1w2d3h4m5s", 788_645),
        ("90m", 5400),
        ("5s", 5),
        ("0s", 0),
        ("9999w", 3_153_600_000),
        ("", None),
        ("spam", None),
        ("1", None),
        ("1h1d", None),
    ],
)
def test_durations(text: str, seconds: int | None) -> None:
    assert duration(text) == seconds
