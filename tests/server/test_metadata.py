"""METADATA and its subcommands (IRCv3 draft/metadata-3)."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from securechat.server.config import Limits
from tests.server.said import CAPS, inside, pair, told
from tests.server.wire import Client, House, Opener, running, shown


@pytest.fixture
def client(opened: Opener) -> Client:
    return opened(None, *CAPS)


# -- the capability ---------------------------------------------------------------------------------------------------


def test_the_capability_says_the_limits(opened: Opener) -> None:
    stranger = opened.stranger()
    offered = " ".join(message.params[-1] for message in stranger.ask("CAP LS 302")).split(" ")
    (value,) = [word.partition("=")[2] for word in offered if word.startswith("draft/metadata-3=")]
    assert value == "before-connect,max-subs=50,max-keys=30,max-key-bytes=40,max-value-bytes=300"


def test_other_versions_are_not_accepted(opened: Opener) -> None:
    stranger = opened.stranger()
    for other in ("draft/metadata-2", "metadata-notify", "metadata", "metadata-2"):
        assert stranger.asked(f"CAP REQ :batch draft/metadata-3 {other}") == [
            f"CAP * NAK :batch draft/metadata-3 {other}"
        ]


@pytest.mark.parametrize("caps", [(), ("batch",), ("draft/metadata-3",)])
def test_without_the_capability_and_batch_there_is_no_such_command(opened: Opener, caps: tuple[str, ...]) -> None:
    client = opened(None, *caps)
    assert client.asked("METADATA * LIST") == [f"421 {client.nick} METADATA :Unknown command"]


@pytest.mark.parametrize("gone", CAPS)
def test_subscriptions_go_with_the_capability(opened: Opener, client: Client, gone: str) -> None:
    client.ask("METADATA * SUB url", f"CAP REQ :-{gone}", f"CAP REQ :{gone}")
    assert inside(client.ask("METADATA * SUBS"), "metadata-subs") == []


# -- SET, GET, LIST, CLEAR --------------------------------------------------------------------------------------------


def test_what_one_sets_others_get(opened: Opener, client: Client) -> None:
    other = opened(None, *CAPS)
    nick = client.nick
    assert client.asked("METADATA * SET url :http://example.com/ä b") == [f"761 {nick} * url * :http://example.com/ä b"]
    assert client.asked(f"METADATA {nick.upper()} SET im.xmpp me@example.com") == [
        f"761 {nick} {nick} im.xmpp * :me@example.com"
    ]
    got = other.ask(f"METADATA {nick.upper()} GET none url $x im.xmpp")
    assert inside(got, "metadata", nick) == [
        f"766 {other.nick} {nick} none :Key not set",
        f"761 {other.nick} {nick} url * :http://example.com/ä b",
        "WARN METADATA INVALID_KEY $x :That can't be a key",
        f"761 {other.nick} {nick} im.xmpp * :me@example.com",
    ]
    assert inside(client.ask("METADATA * LIST"), "metadata", nick) == [
        f"761 {nick} {nick} url * :http://example.com/ä b",
        f"761 {nick} {nick} im.xmpp * :me@example.com",
    ]


@pytest.mark.parametrize("end", ["", " :"])
def test_without_a_value_a_key_is_removed_whether_it_is_there_or_not(client: Client, end: str) -> None:
    client.ask("METADATA * SET url x")
    for _ in range(2):
        assert client.asked(f"METADATA * SET url{end}") == [f"766 {client.nick} * url :Key not set"]
    assert inside(client.ask("METADATA * LIST"), "metadata", client.nick) == []


def test_clear_names_what_was_removed(client: Client) -> None:
    client.ask("METADATA * SET a 1", "METADATA * SET b 2")
    assert inside(client.ask("METADATA * CLEAR"), "metadata", client.nick) == [
        f"766 {client.nick} {client.nick} a :Key not set",
        f"766 {client.nick} {client.nick} b :Key not set",
    ]
    assert inside(client.ask("METADATA * CLEAR"), "metadata", client.nick) == []


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("METADATA", "INVALID_PARAMS *"),
        ("METADATA *", "INVALID_PARAMS *"),
        ("METADATA * :: hi!", "INVALID_PARAMS *"),
        ("METADATA * sneeze", "INVALID_PARAMS sneeze"),
        ("METADATA * GET", "INVALID_PARAMS GET"),
        ("METADATA * LIST x", "INVALID_PARAMS LIST"),
        ("METADATA * set", "INVALID_PARAMS set"),
        ("METADATA * SET url a b", "INVALID_PARAMS SET"),
        ("METADATA * CLEAR x", "INVALID_PARAMS CLEAR"),
        ("METADATA * SUB", "INVALID_PARAMS SUB"),
        ("METADATA * UNSUB", "INVALID_PARAMS UNSUB"),
        ("METADATA * SUBS x", "INVALID_PARAMS SUBS"),
        ("METADATA * SYNC x", "INVALID_PARAMS SYNC"),
        ("METADATA nobody GET url", "INVALID_TARGET nobody"),
        ("METADATA #nowhere GET url", "INVALID_TARGET #nowhere"),
        ("METADATA $a:user LIST", "INVALID_TARGET $a:user"),
        ("METADATA nobody SET url x", "INVALID_TARGET nobody"),
        ("METADATA :a b SET url x", "INVALID_PARAMS *"),
        ("METADATA nobody CLEAR", "INVALID_TARGET nobody"),
        ("METADATA nobody SYNC", "INVALID_TARGET nobody"),
        ("METADATA *all SYNC", "INVALID_TARGET *all"),
        ("METADATA nobody SUB url", "INVALID_TARGET nobody"),
        ("METADATA #lobby UNSUB url", "INVALID_TARGET #lobby"),
        ("METADATA alice SUBS", "INVALID_TARGET alice"),
        ("METADATA * SET $url$ x", "INVALID_KEY $url$"),
        ("METADATA * SET Url x", "INVALID_KEY Url"),
        ("METADATA * SET : x", "INVALID_KEY *"),
        (f"METADATA * SET {'k' * 41} x", f"INVALID_KEY {'k' * 41}"),
        (f"METADATA * SET url :{'x' * 301}", "INVALID_VALUE url"),
        (f"METADATA * SET url :{'ä' * 151}", "INVALID_VALUE url"),
        ("METADATA * SET display-name :\x1b[2Jx", "INVALID_VALUE display-name"),
        ("METADATA * SET display-name :a\tb", "INVALID_VALUE display-name"),
        ("METADATA * SET display-name :a\x9bb", "INVALID_VALUE display-name"),
        ("METADATA #lobby SET url x", "KEY_NO_PERMISSION #lobby url"),
        ("METADATA #LOBBY CLEAR", "KEY_NO_PERMISSION #lobby *"),
    ],
)
def test_refusals(client: Client, line: str, expected: str) -> None:
    (answer,) = client.asked(line)
    assert answer.startswith(f"FAIL METADATA {expected} :"), answer
    assert inside(client.ask("METADATA * LIST"), "metadata", client.nick) == []


def test_nobody_sets_what_is_said_of_others_but_operators(opened: Opener, client: Client) -> None:
    other = opened(None, *CAPS)
    boss = opened(None, *CAPS, account="boss")
    refused = client.asked(f"METADATA {other.nick} SET $url$ x", f"METADATA {other.nick} SET url x")
    assert [line.partition(" :")[0] for line in refused] == [
        "FAIL METADATA INVALID_KEY $url$",
        f"FAIL METADATA KEY_NO_PERMISSION {other.nick} url",
    ]
    assert boss.asked(f"METADATA {other.nick} SET url x") == [f"761 {boss.nick} {other.nick} url * :x"]


def test_a_channels_are_its_operators(opened: Opener) -> None:
    owner, member = pair(opened, "#tea")
    assert member.asked("METADATA #tea SET url x")[0].startswith("FAIL METADATA KEY_NO_PERMISSION #tea url :")
    assert owner.asked("METADATA #TEA SET url x") == [f"761 {owner.nick} #tea url * :x"]
    assert inside(member.ask("METADATA #Tea LIST"), "metadata", "#tea") == [f"761 {member.nick} #tea url * :x"]
    owner.ask(f"MODE #tea +o {member.nick}")
    member.sync()
    assert inside(member.ask("METADATA #tea CLEAR"), "metadata", "#tea") == [f"766 {member.nick} #tea url :Key not set"]


def test_who_is_not_in_a_secret_channel_learns_nothing_of_it(opened: Opener, client: Client) -> None:
    owner = opened(None, *CAPS, join="#hidden")
    owner.ask("MODE #hidden +s", "METADATA #hidden SET url x", "METADATA * SET url y")
    client.ask("METADATA * SUB url", f"MONITOR + #hidden,{owner.nick}")
    lines = ["GET url", "LIST", "SET url z", "CLEAR", "SYNC"]
    hidden = client.asked(*(f"METADATA #hidden {line}" for line in lines))
    missing = client.asked(*(f"METADATA #missing {line}" for line in lines))
    assert hidden == [line.replace("#missing", "#hidden") for line in missing]
    assert all(line.startswith("FAIL METADATA INVALID_TARGET #hidden ") for line in hidden)
    assert len(hidden) == len(lines)
    owner.ask("METADATA #hidden SET url other")
    assert told(client) == []
    assert not any("#hidden" in line for line in inside(client.ask("METADATA *ALL SYNC"), "metadata", "*ALL"))


# -- subscriptions ----------------------------------------------------------------------------------------------------


def test_sub_unsub_subs(client: Client) -> None:
    nick = client.nick
    first = client.ask("METADATA * SUB avatar url foo avatar")
    assert shown(first[0]) == f"770 {nick} avatar url :foo"
    assert inside(first, "metadata", "*ALL") == []
    assert client.asked(f"METADATA {nick} SUB avatar url") == [f"770 {nick} avatar :url"], "nothing of it is new"
    assert client.asked("METADATA * UNSUB foo $x none foo") == [
        f"771 {nick} foo :none",
        "WARN METADATA INVALID_KEY $x :That can't be a key",
    ]
    assert inside(client.ask("METADATA * SUBS"), "metadata-subs") == [f"772 {nick} avatar :url"]


def test_invalid_keys_do_not_keep_others_from_being_subscribed_to(client: Client) -> None:
    answer = client.ask("METADATA * SUB foo $url bar")
    assert [shown(message) for message in answer[:2]] == [
        f"770 {client.nick} foo :bar",
        "WARN METADATA INVALID_KEY $url :That can't be a key",
    ]
    assert inside(answer, "metadata", "*ALL") == []
    (warned,) = client.asked("METADATA * SUB $url")
    assert warned.startswith("WARN METADATA INVALID_KEY $url")


def test_many_keys_come_in_lines_that_all_can_read(client: Client) -> None:
    keys = [f"key{number}" for number in range(40)]
    answer = client.ask(f"METADATA * SUB {' '.join(keys)}")
    done = [message.params[1:] for message in answer if message.command == "770"]
    assert [key for some in done for key in some] == keys
    assert all(len(some) <= 13 for some in done)


@pytest.fixture(scope="module")
def narrow(certs: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A server with little room for metadata."""
    limits = Limits(throttle=False, metadata_keys=2, metadata_subscriptions=3, metadata_value_length=10)
    with running(certs, tmp_path_factory.mktemp("narrow"), limits=limits) as house:
        yield house
        house.everybody_out()


def test_the_limit_of_subscriptions(narrow: House) -> None:
    client = Opener(narrow)(None, *CAPS)
    nick = client.nick
    client.ask("METADATA * SUB avatar url")
    answer = client.ask("METADATA * SUB foo url avatar $x")  # the specification's third example
    assert [shown(message) for message in answer[:2]] == [
        f"770 {nick} :foo",
        "FAIL METADATA LIMIT_REACHED url 3 :You can't subscribe to more keys",
    ]
    assert inside(answer, "metadata", "*ALL") == []
    assert client.asked("METADATA * SUB url bar") == [
        f"770 {nick} :url",
        "FAIL METADATA LIMIT_REACHED bar 3 :You can't subscribe to more keys",
    ], "what is there already needs no room, and nothing was new"
    assert inside(client.ask("METADATA * SUBS"), "metadata-subs") == [f"772 {nick} avatar url :foo"]


def test_the_limits_of_keys_and_values(narrow: House) -> None:
    client = Opener(narrow)(None, *CAPS)
    client.ask("METADATA * SET a 1", "METADATA * SET b 2")
    (full,) = client.asked("METADATA * SET c 3")
    assert full.startswith(f"FAIL METADATA LIMIT_REACHED {client.nick} 2 :")
    assert client.asked("METADATA * SET a :0123456789", "METADATA * SET c") == [
        f"761 {client.nick} * a * :0123456789",
        f"766 {client.nick} * c :Key not set",
    ]
    (long,) = client.asked("METADATA * SET a :0123456789x")
    assert long.startswith("FAIL METADATA INVALID_VALUE a :")


def test_the_limits_before_registration(narrow: House) -> None:
    stranger = Opener(narrow).stranger()
    stranger.ask("CAP REQ :batch draft/metadata-3")
    stranger.ask("METADATA * SET a 1", "METADATA * SET b 2")
    (full,) = stranger.asked("METADATA * SET c 3")
    assert full.startswith("FAIL METADATA LIMIT_REACHED * 2 :")
    assert stranger.asked("METADATA * SET a", "METADATA * SET c 3") == ["766 * * a :Key not set", "761 * * c * :3"]
    # What can be removed has an end, too.
    refused = stranger.asked(*(f"METADATA * SET key{number}" for number in range(9)))
    assert [line.split(" ")[0] for line in refused] == ["766"] + 8 * ["FAIL"]
