"""Who is told what others say of themselves, and when (IRCv3 draft/metadata-3, "Notifications")."""

import pytest

from securechat.server import metadata_sync
from tests.server.said import CAPS, inside, pair, told
from tests.server.wire import NAME, Client, Opener, one, plain, shown


@pytest.fixture
def client(opened: Opener) -> Client:
    return opened(None, *CAPS)


# -- changes ----------------------------------------------------------------------------------------------------------


def test_subscribers_in_the_same_channel_are_told(opened: Opener) -> None:
    owner, member = pair(opened, "#milk")
    unsubscribed = opened(None, *CAPS, join="#milk")
    plain_ = opened(join="#milk")
    stranger = opened(None, *CAPS)
    stranger.ask("METADATA * SUB url")
    member.ask("METADATA * SUB url")
    for client in (owner, member, unsubscribed, plain_):
        client.sync()
    owner.ask("METADATA * SET url a", "METADATA * SET other x", "METADATA #milk SET url b", "METADATA * SET url a")
    owner.ask("METADATA * SET url", "METADATA #milk CLEAR", "METADATA #milk CLEAR")
    assert told(member) == [
        f"761 {member.nick} {owner.nick} url * :a",
        f"761 {member.nick} #milk url * :b",
        f"766 {member.nick} {owner.nick} url :Key not set",
        f"766 {member.nick} #milk url :Key not set",
    ], "what is as it was is told to nobody"
    for client in (unsubscribed, plain_, stranger):
        assert told(client) == []
    member.ask("METADATA * UNSUB url")
    owner.ask("METADATA * SET url c")
    assert told(member) == []


def test_notices_come_from_the_server(opened: Opener) -> None:
    owner, member = pair(opened, "#source")
    member.ask("METADATA * SUB url")
    owner.ask("METADATA * SET url a")
    assert one(member.sync(), "761").source == NAME


def test_ones_own_other_connections_are_told_and_who_has_it_from_others_too(opened: Opener) -> None:
    first, second = opened(None, *CAPS, account="alice"), opened(None, *CAPS, account="alice")
    boss = opened(None, *CAPS, account="boss")
    first.ask("METADATA * SUB url")
    second.ask("METADATA * SUB url")
    assert first.asked("METADATA * SET url a") == ["761 alice * url * :a"]
    assert told(second) == ["761 alice alice url * :a"]
    boss.ask("METADATA alice SET url b")
    assert told(first) == told(second) == ["761 alice alice url * :b"]
    first.ask("METADATA * CLEAR")


def test_who_monitors_somebody_is_told(opened: Opener, client: Client) -> None:
    other = opened(None, *CAPS)
    other.ask("METADATA * SET url a")
    client.ask("METADATA * SUB url")
    answer = client.ask(f"MONITOR + {other.nick},nobody")
    assert [message.command for message in answer] == ["730", "731", "BATCH", "761", "BATCH"]
    assert inside(answer, "metadata", other.nick) == [f"761 {client.nick} {other.nick} url * :a"]
    assert inside(client.ask("MONITOR S"), "metadata", other.nick) == [f"761 {client.nick} {other.nick} url * :a"]
    other.ask("METADATA * SET url b")
    assert told(client) == [f"761 {client.nick} {other.nick} url * :b"]
    assert inside(client.ask("METADATA *ALL SYNC"), "metadata", "*ALL") == [f"761 {client.nick} {other.nick} url * :b"]
    client.ask(f"MONITOR - {other.nick}")
    other.ask("METADATA * SET url c")
    assert told(client) == []


def test_when_one_who_is_monitored_comes_their_values_do(opened: Opener, client: Client) -> None:
    client.ask("METADATA * SUB url", "MONITOR + carol")
    carol = opened.stranger()
    carol.send("CAP REQ :sasl batch draft/metadata-3", "METADATA * SET url a")
    carol.send("NICK carol", "USER u 0 * :r", "AUTHENTICATE PLAIN", f"AUTHENTICATE {plain('carol')}", "CAP END")
    carol.expect("001")
    carol.ask("METADATA * SET url b")
    messages = client.sync()
    assert messages[0].command == "730"
    assert inside(messages, "metadata", "carol")[0].startswith(f"761 {client.nick} carol url * :")
    assert shown(messages[-1]) == f"761 {client.nick} carol url * :b"
    carol.ask("METADATA * CLEAR")
    assert told(client) == [f"766 {client.nick} carol url :Key not set"]


def test_sub_shows_what_is_there_already(opened: Opener) -> None:
    owner, member = pair(opened, "#eggs")
    owner.ask("METADATA #eggs SET url a", "METADATA * SET url b", "METADATA * SET foo c")
    member.ask("METADATA * SET url d")
    assert inside(member.ask("METADATA * SUB url"), "metadata", "*ALL") == [
        f"761 {member.nick} #eggs url * :a",
        f"761 {member.nick} {member.nick} url * :d",
        f"761 {member.nick} {owner.nick} url * :b",
    ]
    assert inside(member.ask("METADATA * SUB url foo"), "metadata", "*ALL") == [
        f"761 {member.nick} {owner.nick} foo * :c"
    ], "only of what is new"


def test_join_shows_the_channel_and_its_members(opened: Opener, client: Client) -> None:
    owner = opened(None, *CAPS, join="#salt")
    owner.ask("METADATA #salt SET url a", "METADATA * SET url b", "METADATA * SET foo c")
    client.ask("METADATA * SUB url")
    answer = client.ask("JOIN #salt")
    assert [message.command for message in answer] == ["JOIN", "353", "366", "BATCH", "761", "761", "BATCH"]
    values = inside(answer, "metadata", "#salt")
    assert values == [f"761 {client.nick} #salt url * :a", f"761 {client.nick} {owner.nick} url * :b"]
    assert inside(client.ask("METADATA #salt SYNC"), "metadata", "#salt") == values
    assert inside(client.ask(f"METADATA {owner.nick} SYNC"), "metadata", owner.nick) == values[1:]
    unsubscribed = opened(None, *CAPS)
    assert inside(unsubscribed.ask("JOIN #salt"), "metadata", "#salt") == [], "what SYNC would say"
    assert "BATCH" not in [message.command for message in opened(None, "batch").ask("JOIN #salt")]


def test_a_large_channel_is_synchronised_when_one_asks(
    opened: Opener, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metadata_sync, "MAX_AT_ONCE", 3)
    owner = opened(None, *CAPS, join="#crowd")
    owner.ask("METADATA #crowd SET url a")
    client.ask("METADATA * SUB url")
    assert inside(client.ask("JOIN #crowd"), "metadata", "#crowd") == [f"761 {client.nick} #crowd url * :a"]
    client.ask("PART #crowd")
    opened(join="#crowd")
    client.ask("METADATA * SUB url")
    answer = client.ask("JOIN #crowd")
    assert shown(answer[-1]) == f"774 {client.nick} #crowd 4 :Try again later"
    assert inside(client.ask("METADATA #crowd SYNC"), "metadata", "#crowd") == [f"761 {client.nick} #crowd url * :a"]
    client.ask("METADATA * UNSUB url")
    assert client.asked("METADATA * SUB url") == [
        f"770 {client.nick} :url",
        f"774 {client.nick} *ALL 4 :Try again later",
    ]
    assert inside(client.ask("METADATA *ALL SYNC"), "metadata", "*ALL") == [f"761 {client.nick} #crowd url * :a"]


def test_who_takes_no_answers_is_told_to_ask_later(
    opened: Opener, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened(None, *CAPS, join="#slow").ask("METADATA #slow SET url a")
    client.ask("METADATA * SUB url")
    monkeypatch.setattr(metadata_sync, "MAX_WAITING", 0)  # as if so many waited
    assert shown(client.ask("JOIN #slow")[-1]) == f"774 {client.nick} #slow 4 :Try again later"
    assert inside(client.ask("METADATA #slow SYNC"), "metadata", "#slow") == [f"761 {client.nick} #slow url * :a"]


def test_who_takes_a_nick_that_is_monitored_is_shown(opened: Opener, client: Client) -> None:
    client.ask("METADATA * SUB url", "METADATA * SET url own", "MONITOR + newcomer,myself")
    opened(None, *CAPS).ask("METADATA * SET url a", "NICK newcomer")
    messages = client.sync()
    assert [message.command for message in messages] == ["730", "BATCH", "761", "BATCH"]
    assert inside(messages, "metadata", "newcomer") == [f"761 {client.nick} newcomer url * :a"]
    own = client.ask("NICK myself")
    assert [message.command for message in own] == ["NICK", "730", "BATCH", "761", "BATCH"]
    assert inside(own, "metadata", "myself") == ["761 myself myself url * :own"]


def test_who_is_not_in_a_channel_does_not_see_the_invisible_in_it(opened: Opener, client: Client) -> None:
    owner = opened(None, *CAPS, join="#open")
    owner.ask(f"MODE {owner.nick} +i", "METADATA * SET url a", "METADATA #open SET url b")
    client.ask("METADATA * SUB url")
    assert inside(client.ask("METADATA #open SYNC"), "metadata", "#open") == [f"761 {client.nick} #open url * :b"]


def test_whois_shows_what_people_like_to_know(opened: Opener, client: Client) -> None:
    client.ask("METADATA * SET url a", "METADATA * SET display-name :A B", "METADATA * SET foo c")
    answer = [shown(m) for m in client.ask(f"WHOIS {client.nick}") if m.command == "760"]
    assert answer == [
        f"760 {client.nick} {client.nick} display-name * :A B",
        f"760 {client.nick} {client.nick} url * :a",
    ]
    assert not [m for m in opened().ask(f"WHOIS {client.nick}") if m.command == "760"]


# -- labels -----------------------------------------------------------------------------------------------------------


def test_a_batch_that_is_the_whole_answer_carries_the_label(opened: Opener) -> None:
    client = opened(None, *CAPS, "labeled-response")
    for line in ("METADATA * LIST", "METADATA * GET url", "METADATA * SYNC", "METADATA * SUBS", "METADATA * CLEAR"):
        start, *_, end = client.ask(f"@label=x {line}")
        assert start.command == end.command == "BATCH"
        assert start.tags == {"label": "x"}
        assert start.params[1] in ("metadata", "metadata-subs")
    for line in ("METADATA * SET url x", "METADATA * SET url", "METADATA", "METADATA * SET $ x"):
        (answer,) = client.ask(f"@label=y {line}")
        assert answer.tags == {"label": "y"}


@pytest.mark.parametrize(("line", "target"), [("METADATA * SUB url", "*ALL"), ("JOIN #labels", "#labels")])
def test_a_batch_is_nested_in_that_of_the_label(opened: Opener, line: str, target: str) -> None:
    client = opened(None, *CAPS, "labeled-response")
    client.ask("METADATA * SET url x", "METADATA * SUB foo", "METADATA * SET foo y")
    answer = client.ask(f"@label=x {line}")
    outer, end = answer[0], answer[-1]
    assert outer.tags == {"label": "x"}
    assert outer.params[1] == "labeled-response"
    reference = outer.params[0][1:]
    assert end.params == ["-" + reference]
    (start,) = [m for m in answer[1:] if m.command == "BATCH" and m.params[1:] == ["metadata", target]]
    inner = start.params[0][1:]
    assert start.tags["batch"] == reference
    values = [message for message in answer if message.command == "761"]
    assert [message.tags["batch"] for message in values] == [inner]
