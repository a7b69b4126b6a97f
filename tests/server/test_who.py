"""WHO and WHOX (Modern IRC, "WHO message"; IRCv3 WHOX, bot-mode, multi-prefix)."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from securechat.irc.message import Message
from securechat.server.commands import queries
from securechat.server.config import Limits
from tests.server.wire import NAME, Client, House, Opener, commands, one, params, running


@pytest.fixture
def quiet(certs: Path, tmp_path: Path) -> Iterator[House]:
    """A server on which nobody is."""
    with running(certs, tmp_path) as house:
        yield house


def host(opened: Opener) -> str:
    """What guests from here have as their host."""
    client = opened()
    return str(one(client.ask(f"WHOIS {client.nick}"), "311").params[3])


def nicks(messages: list[Message]) -> list[str]:
    """Of whom the answers are."""
    return [line[5] for line in params(messages, "352")]


# -- channels ---------------------------------------------------------------------------------------------------------


def test_who_is_in_a_channel(opened: Opener) -> None:
    first, second = opened.pair("#Who")
    outsider, where = opened(), host(opened)
    answers = outsider.ask("WHO #wHO")
    assert commands(answers) == ["352", "352", "315"]
    assert [answer.params for answer in answers] == [
        [outsider.nick, "#Who", first.nick, where, NAME, first.nick, "H@", f"0 {first.nick} the tester"],
        [outsider.nick, "#Who", second.nick, where, NAME, second.nick, "H", f"0 {second.nick} the tester"],
        [outsider.nick, "#wHO", "End of WHO list"],
    ]


def test_flags_stand_in_their_order(opened: Opener) -> None:
    boss = opened(account="boss", join="#flags")
    other, more = opened(join="#flags"), opened(None, "multi-prefix", join="#flags")
    boss.ask("MODE boss +B", "AWAY x", "MODE #flags +v boss")
    assert [line[6] for line in params(other.ask("WHO #flags"), "352")] == ["G*@B", "H", "H"]
    assert [line[6] for line in params(more.ask("WHO #flags"), "352")] == ["G*@+B", "H", "H"]
    assert one(more.ask("WHO boss"), "352").params[6] == "G*@+B"
    assert one(opened().ask("WHO boss"), "352").params[6] == "G*B"
    boss.ask("MODE boss -Bo", "AWAY", "MODE #flags -ov boss boss")
    assert one(more.ask("WHO boss"), "352").params[6] == "H"


def test_a_secret_channel_is_not_there(opened: Opener) -> None:
    member, outsider = opened(join="#secretwho"), opened()
    member.ask("MODE #secretwho +s")
    assert nicks(member.ask("WHO #secretwho")) == [member.nick]
    for mask in ("#secretwho", "#nowhere", "#*"):
        assert outsider.asked(f"WHO {mask}") == [f"315 {outsider.nick} {mask} :End of WHO list"]
    assert one(outsider.ask(f"WHO {member.nick}"), "352").params[1] == "*"


# -- people -----------------------------------------------------------------------------------------------------------


def test_who_of_a_nick(opened: Opener) -> None:
    client = opened("Zaphod", join="#zz")
    other = opened()
    expected = [other.nick, "*", "Zaphod", host(opened), NAME, "Zaphod", "H", "0 Zaphod the tester"]
    for mask in ("zaphod", "ZAPHOD"):
        answers = other.ask(f"WHO {mask}")
        assert [answer.params for answer in answers] == [expected, [other.nick, mask, "End of WHO list"]]
    other.join("#zz")
    client.sync()
    assert one(other.ask("WHO zaphod"), "352").params[1:7] == ["#zz", "Zaphod", expected[3], NAME, "Zaphod", "H@"]
    assert other.asked("WHO nobody") == [f"315 {other.nick} nobody :End of WHO list"]


def test_masks(opened: Opener) -> None:
    client, other = opened("Trillian"), opened()
    client.send("AWAY :x")
    where = host(opened)
    whole = ("trillian!*@*", "T*!TRILLIAN@guest-*", "*!trill*@*")
    for mask in ("trill*", "*LLIAN", "?rill*n", "Trillian the te*", "*ian the*", "Trillia?", *whole):
        answers = other.ask(f"WHO :{mask}")
        assert nicks(answers) == ["Trillian"], mask
        assert answers[-1].params[1] == (mask if " " not in mask else "*")
    for mask in (f"*{where}", f"*!*@{where}", "guest-*", "*", "0", NAME, NAME.upper(), "irc.*.org"):
        assert {"Trillian", other.nick} <= set(nicks(other.ask(f"WHO {mask}"))), mask
    assert {"Trillian", other.nick} <= set(nicks(other.ask("WHO")))
    for mask in ("trillia", "trill?", "x*y", "the", "guest-", "irc.example", "trillian!", "!*@*"):
        assert nicks(other.ask(f"WHO {mask}")) == [], mask


def test_a_user_name_is_compared(opened: Opener) -> None:
    client = opened.stranger()
    client.send("NICK slarti", "USER bart.fast 0 * :r")
    client.expect("001")
    assert nicks(opened().ask("WHO bart.f*")) == ["slarti"]
    assert nicks(opened().ask("WHO bart.fast")) == ["slarti"]


def test_only_operators(opened: Opener) -> None:
    opened(account="boss", join="#opers")
    client = opened(join="#opers")
    for line in ("WHO #opers o", "WHO * o", "WHO boss o", "WHO #opers ox"):
        assert nicks(client.ask(line)) == ["boss"], line
    assert nicks(client.ask(f"WHO {client.nick} o")) == []
    assert len(nicks(client.ask("WHO #opers x"))) == 2


def test_the_invisible(opened: Opener) -> None:
    hidden, stranger, friend = opened("hidden"), opened(), opened(join="#hide")
    hidden.ask("MODE hidden +i")
    hidden.join("#hide")
    friend.sync()
    assert "hidden" in nicks(friend.ask("WHO hid*"))
    assert nicks(friend.ask("WHO #hide")) == [friend.nick, "hidden"]
    assert nicks(hidden.ask("WHO hid*")) == ["hidden"]
    for mask in ("hid*", "*", "*the tester"):
        assert "hidden" not in nicks(stranger.ask(f"WHO :{mask}"))
    assert nicks(stranger.ask("WHO #hide")) == [friend.nick]
    assert nicks(stranger.ask("WHO hidden")) == ["hidden"]  # who knows the nick
    hidden.ask("PART #hide")
    assert nicks(friend.ask("WHO hid*")) == []
    assert nicks(hidden.ask("WHO hid*")) == ["hidden"]


def test_a_mask_finds_so_many(quiet: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queries, "MOST_FOUND", 2)
    crowd = [quiet.enter(Client(quiet)).register(nick) for nick in ("crowd1", "crowd2", "crowd3", "crowd4")]
    for client in crowd[:2]:
        client.ask(f"MODE {client.nick} +i")
    assert nicks(crowd[3].ask("WHO crowd*")) == ["crowd3", "crowd4"]
    assert nicks(crowd[0].ask("WHO crowd*")) == ["crowd3", "crowd4"]
    crowd[3].join("#crowd")
    for client in crowd[:3]:
        client.join("#crowd")
    assert len(nicks(crowd[0].ask("WHO #crowd"))) == 4
    assert len(nicks(crowd[0].ask("WHO crowd*"))) == 2


def test_a_mask_costs_more_the_more_people_there_are(
    certs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queries, "COMPARED_A_LINE", 0.01)
    limits = Limits(lines_per_second=0.01, lines_burst=50)
    with running(certs, tmp_path, limits=limits) as house:
        client = house.enter(Client(house)).register("payer")
        (session,) = house.hub.sessions.values()
        bucket = session.bucket
        assert bucket is not None
        for line, waits in (("WHO payer", False), ("WHO #lobby", False), ("WHO x*", True)):
            client.send(line)
            client.expect("315")
            assert (bucket.charge(time.monotonic(), 0) > 0) is waits, line
        session.end("Enough")  # a QUIT would have to wait
        client.to_end()


# -- WHOX -------------------------------------------------------------------------------------------------------------


def test_the_fields_in_their_order(opened: Opener) -> None:
    client, other = opened("Ford", join="#whox"), opened(join="#whox")
    client.ask("AWAY x")
    answers = other.ask("WHO Ford %rolafdnshiuct,42")
    assert commands(answers) == ["354", "315"]
    idle = answers[0].params[10]
    assert idle.isdigit()
    assert answers[0].params == [
        other.nick, "42", "#whox", "Ford", "255.255.255.255", host(opened), NAME, "Ford", "G@", "0", idle, "0", "n/a",
        "Ford the tester",
    ]  # fmt: skip
    assert answers[1].params == [other.nick, "Ford", "End of WHO list"]


def test_only_what_was_asked_for(opened: Opener) -> None:
    alice, other = opened(account="alice", join="#x1"), opened(join="#x1")
    alice.sync()
    assert [line[1:] for line in params(other.ask("WHO #x1 %tna,7"), "354")] == [
        ["7", "alice", "alice"],
        ["7", other.nick, "0"],
    ]
    assert params(other.ask("WHO alice %nzZn!r"), "354") == [[other.nick, "alice", "alice the tester"]]
    assert params(other.ask("WHO alice %t"), "354") == [[other.nick, "0"]]
    assert params(other.ask("WHO alice %tn,12345"), "354") == [[other.nick, "0", "alice"]]
    assert params(opened().ask("WHO alice %c"), "354")[0][1] == "*"
    assert commands(other.ask("WHO alice %", "WHO alice %zz", "WHO alice n")) == ["352", "315"] * 3
    assert commands(other.ask("WHO nobody %n")) == ["315"]
    assert params(other.ask("WHO #x1 o%n"), "354") == []


def test_addresses_are_for_oneself_and_operators(opened: Opener) -> None:
    client, other, boss = opened(), opened(), opened(account="boss")
    for asker, shown in ((client, "127.0.0.1"), (boss, "127.0.0.1"), (other, "255.255.255.255")):
        assert params(asker.ask(f"WHO {client.nick} %i"), "354") == [[asker.nick, shown]]


def test_labels(opened: Opener) -> None:
    client = opened(None, "labeled-response", "batch")
    for line, expected in (
        (f"WHO {client.nick}", ["BATCH", "352", "315", "BATCH"]),
        (f"WHO {client.nick}*", ["BATCH", "352", "315", "BATCH"]),
        (f"WHO {client.nick} %n", ["BATCH", "354", "315", "BATCH"]),
        ("WHO nobody", ["315"]),
        ("WHO nobody*", ["315"]),
    ):
        answers = client.ask(f"@label=w {line}")
        assert commands(answers) == expected
        assert [answer.tags.get("label") for answer in answers] == ["w"] + [None] * (len(expected) - 1)
