"""SEARCH: what was said is found by those who may read it, and by nobody else."""

import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from securechat.irc.message import Message
from securechat.server.config import Config, Limits
from securechat.server.features import offers
from tests.server.wire import Client, Opener, params, running

CAPS = ("soju.im/search", "batch", "server-time", "message-tags", "echo-message")


@pytest.fixture
def alice(opened: Opener) -> Client:
    return opened(None, *CAPS, account="alice")


@pytest.fixture
def bob(opened: Opener) -> Client:
    return opened(None, *CAPS, account="Bob")


def found(client: Client, attributes: str) -> list[Message]:
    """The messages in the batch that answers; there must be one, and nothing but messages in it."""
    client.sync()  # what others have said meanwhile
    messages = client.ask(f"SEARCH :{attributes}")
    first, *inside, last = messages
    assert (first.command, first.params[1]) == ("BATCH", "soju.im/search"), messages
    reference = first.params[0].removeprefix("+")
    assert (last.command, last.params) == ("BATCH", [f"-{reference}"])
    assert all(message.tags["batch"] == reference for message in inside)
    return inside


def texts(client: Client, attributes: str) -> list[str]:
    return [message.params[-1] for message in found(client, attributes)]


def fails(client: Client, attributes: str) -> list[str]:
    """The code and the context of the FAIL that answers."""
    client.sync()
    (message,) = client.ask(f"SEARCH :{attributes}")
    assert message.command == "FAIL", message
    assert message.params[0] == "SEARCH"
    return message.params[1:-1]


def said(client: Client, target: str, *messages: str) -> list[Message]:
    """Say it; the echoes."""
    client.sync()
    echoes = [m for m in client.ask(*(f"PRIVMSG {target} :{text}" for text in messages)) if m.command == "PRIVMSG"]
    assert [echo.params[-1] for echo in echoes] == list(messages)
    return echoes


def test_what_was_said_is_found_as_it_was_shown(alice: Client, bob: Client) -> None:
    for client in (alice, bob):
        client.join("#shown")
    alice.sync()
    (echo,) = said(alice, "#shown", "The quick brown fox")
    (shown,) = found(bob, "in=#shown;text=quick")
    assert {key: value for key, value in shown.tags.items() if key != "batch"} == echo.tags
    assert (shown.source, shown.command, shown.params) == (echo.source, "PRIVMSG", ["#shown", "The quick brown fox"])


def test_attributes_narrow_what_is_found(alice: Client, bob: Client) -> None:
    for client in (alice, bob):
        client.join("#narrow", "#other")
    alice.sync()
    first, second = said(alice, "#narrow", "narrow one", "narrow two")
    (third,) = said(bob, "#narrow", "narrow three")
    said(bob, "#other", "narrow four")
    bob.ask("NOTICE #narrow :narrow notice")
    assert texts(alice, "text=narrow") == ["narrow one", "narrow two", "narrow three", "narrow four", "narrow notice"]
    assert texts(alice, "text=narrow;in=#NARROW;from=bOB") == ["narrow three", "narrow notice"]
    assert texts(alice, "in=#narrow;from=alice") == ["narrow one", "narrow two"]
    assert texts(alice, "in=#narrow;text=narrow\\stwo") == ["narrow two"]
    assert texts(alice, "in=#narrow;text=nar -two;from=alice") == []
    assert texts(alice, "in=#narrow;text=narrow -two;from=alice") == ["narrow one"]
    assert texts(alice, "in=#narrow;limit=2") == ["narrow three", "narrow notice"]
    assert texts(alice, "in=#narrow;limit=0") == []
    start, end = first.tags["time"], third.tags["time"]
    assert texts(alice, f"in=#narrow;after={start};limit=1") == ["narrow one"]
    assert "narrow one" not in texts(alice, "in=#narrow;after=2100-01-01T00:00:00.000Z")
    assert texts(alice, f"in=#narrow;before={end};after={start}")[:3] == ["narrow one", "narrow two", "narrow three"]
    assert texts(alice, "in=#narrow;before=2010-01-01T00:00:00.000Z") == []
    assert texts(alice, "in=#narrow;unknown=thing;text=two") == ["narrow two"]
    assert second.tags["msgid"] == found(alice, "in=#narrow;text=two")[0].tags["msgid"]


def test_a_limit_of_the_server(certs: Path, tmp_path: Path) -> None:
    with running(certs, tmp_path, limits=Limits(throttle=False, search_results=3)) as house:
        client = Opener(house)("one", *CAPS, join="#a")
        said(client, "#a", *(f"number {at}" for at in range(5)))
        assert texts(client, "text=number") == ["number 2", "number 3", "number 4"]
        assert texts(client, "text=number;limit=100") == ["number 2", "number 3", "number 4"]
        assert texts(client, "text=number;after=2020-01-01T00:00:00.000Z") == ["number 0", "number 1", "number 2"]


def test_who_is_not_in_a_channel_finds_nothing_of_it(alice: Client, bob: Client) -> None:
    alice.join("#private")
    said(alice, "#private", "hidden treasure")
    assert texts(bob, "text=treasure") == []
    assert (
        fails(bob, "in=#private;text=treasure") == fails(bob, "in=#nowhere;text=treasure") == ["INVALID_PARAMS", "in"]
    )
    bob.join("#private")
    assert texts(bob, "text=treasure") == ["hidden treasure"]
    bob.ask("PART #private")
    assert texts(bob, "text=treasure") == []


def test_what_was_said_before_the_right_to_be_there_is_not_found(alice: Client, bob: Client) -> None:
    alice.join("#closed")
    alice.ask("MODE #closed +i")
    said(alice, "#closed", "among ourselves")
    alice.ask("INVITE Bob #closed")
    bob.join("#closed")
    said(alice, "#closed", "for all ourselves")
    assert texts(bob, "text=ourselves") == ["for all ourselves"]
    assert texts(bob, "in=#closed") == ["for all ourselves"]
    assert texts(alice, "text=ourselves") == ["among ourselves", "for all ourselves"]


def test_private_messages_are_found_by_the_two(alice: Client, bob: Client, opened: Opener) -> None:
    carol = opened(None, *CAPS, account="carol")
    said(alice, "Bob", "secret plan one")
    said(bob, "alice", "secret plan two")
    said(carol, "alice", "secret plan three")
    assert texts(alice, "text=secret\\splan;in=bob") == ["secret plan one", "secret plan two"]
    assert texts(bob, "text=secret\\splan;in=ALICE") == ["secret plan one", "secret plan two"]
    assert texts(alice, "text=secret\\splan") == ["secret plan one", "secret plan two", "secret plan three"]
    assert texts(bob, "text=secret\\splan") == ["secret plan one", "secret plan two"]
    assert texts(carol, "text=secret\\splan") == ["secret plan three"]
    assert texts(carol, "text=secret\\splan;in=bob") == []
    assert fails(carol, "in=nobody-there") == ["INVALID_PARAMS", "in"]


def test_what_a_guest_wrote_is_not_found_by_another_of_that_name(opened: Opener, alice: Client) -> None:
    first = opened("wanderer", *CAPS)
    said(first, "alice", "from a wanderer")
    assert texts(first, "text=wanderer") == ["from a wanderer"]
    first.send("QUIT")
    first.to_end()
    alice.expect("PRIVMSG")
    second = opened("wanderer", *CAPS)
    assert texts(second, "text=wanderer") == []
    assert texts(second, "in=alice") == []
    assert texts(alice, "text=wanderer") == ["from a wanderer"]
    assert texts(alice, "in=wanderer") == []
    assert texts(alice, "from=wanderer") == ["from a wanderer"]
    second.send("QUIT")
    second.to_end()
    alice.sync()
    assert texts(alice, "in=wanderer") == ["from a wanderer"]


def test_what_was_said_to_operators_is_found_by_operators(alice: Client, bob: Client, opened: Opener) -> None:
    carol = opened(None, *CAPS, account="carol")
    for client in (alice, bob, carol):
        client.join("#status")
    alice.ask("MODE #status +o Bob")
    said(carol, "@#status", "dear operators")
    for client in (alice, bob, carol):
        assert texts(client, "in=#status;text=operators") == ["dear operators"]
    alice.ask("MODE #status -o Bob")
    assert texts(bob, "in=#status;text=operators") == []
    assert texts(alice, "text=operators") == ["dear operators"]


def test_what_was_taken_back_is_not_found(opened: Opener) -> None:
    alice = opened(None, *CAPS, "draft/message-redaction", account="alice", join="#back")
    said(alice, "#back", "a word taken", "a word left")
    first, _ = found(alice, "in=#back;text=word")
    assert [m.command for m in alice.ask(f"REDACT #back {first.tags['msgid']} :oops")] == ["REDACT"]
    assert texts(alice, "in=#back;text=word") == ["a word left"]


def test_a_channel_is_shown_by_its_name_of_now(alice: Client) -> None:
    alice.join("#before")
    said(alice, "#before", "said before")
    alice.ask("RENAME #before #after")
    assert [m.params for m in found(alice, "in=#after;text=before")] == [["#after", "said before"]]
    assert fails(alice, "in=#before;text=before") == ["INVALID_PARAMS", "in"]


def test_accents_and_characters_and_emoji(alice: Client) -> None:
    alice.join("#world")
    said(alice, "#world", "Ёлка", "東京都庁", "yes 👍🏽", "café")
    assert texts(alice, "in=#world;text=елка") == ["Ёлка"]
    assert texts(alice, "in=#world;text=京都") == ["東京都庁"]
    assert texts(alice, "in=#world;text=👍") == ["yes 👍🏽"]
    assert texts(alice, "in=#world;text=CAFE") == ["café"]


def test_a_message_of_several_lines_is_a_batch_in_the_batch(opened: Opener) -> None:
    alice = opened(None, *CAPS, "draft/multiline", account="alice", join="#lines")
    alice.ask(
        "BATCH +a draft/multiline #lines", "@batch=a PRIVMSG #lines :first cucumber", "@batch=a PRIVMSG #lines :second",
        "BATCH -a",
    )  # fmt: skip
    messages = alice.ask("SEARCH in=#lines;text=cucumber")
    assert [m.command for m in messages] == ["BATCH", "BATCH", "PRIVMSG", "PRIVMSG", "BATCH", "BATCH"]
    outer, inner = messages[0].params[0][1:], messages[1].params[0][1:]
    assert messages[1].tags["batch"] == outer
    assert [m.tags["batch"] for m in messages[2:4]] == [inner, inner]
    plain = opened(None, "soju.im/search", "batch", account="alice")
    assert texts(plain, "in=#lines;text=second") == ["first cucumber", "second"]


def test_without_batch_there_are_only_the_messages(opened: Opener) -> None:
    client = opened(None, "soju.im/search", join="#bare")
    client.ask("PRIVMSG #bare :plain words")
    assert client.asked("SEARCH text=plain;in=#bare") == [f"{client.nick} PRIVMSG #bare :plain words"]
    assert client.asked("SEARCH text=absent;in=#bare") == []


def test_with_a_label_the_batch_has_it(opened: Opener) -> None:
    client = opened(None, *CAPS, "labeled-response", join="#label")
    said(client, "#label", "some words")
    first, message, last = client.ask("@label=x SEARCH in=#label;text=words")
    assert (first.command, first.tags["label"]) == ("BATCH", "x")
    assert message.params[-1] == "some words"
    assert last.params == ["-" + first.params[0][1:]]
    (failed,) = client.ask("@label=y SEARCH limit=many")
    assert (failed.command, failed.tags["label"]) == ("FAIL", "y")


@pytest.mark.parametrize(
    ("attributes", "wrong"),
    [
        ("text=", "text"),
        ("text=...", "text"),
        ("text=-word", "text"),
        ("text=" + "a\\s" * 100, "text"),
        ("limit=-1", "limit"),
        ("limit=many", "limit"),
        ("limit=", "limit"),
        ("limit=²", "limit"),
        ("after=yesterday", "after"),
        ("before=2026-13-01T00:00:00.000Z", "before"),
        ("before=2026-01-01 00:00:00", "before"),
        ("before=", "before"),
        ("in=", "in"),
        ("from=", "from"),
        ("in=#", "in"),
        ("in=*", "in"),
    ],
)
def test_attributes_that_are_none(alice: Client, attributes: str, wrong: str) -> None:
    assert fails(alice, attributes) == ["INVALID_PARAMS", wrong]


@pytest.mark.parametrize(
    "attributes",
    [
        'text="',
        'text="a"b*"c',
        "text=NEAR(a\\sb)",
        "text=a:b^c{d}",
        "text=\\\\",
        "after=0001-01-01T00:00:00.000Z",
        "before=9999-12-31T23:59:59.999Z",
        "after=9999-12-31T23:59:59.999Z",
        "from=]\\[{}|^`",
        "from=*",
        "=;=;;",
        "",
        "limit=99999999999999999999999",
    ],
)
def test_strange_attributes_do_no_harm(alice: Client, attributes: str) -> None:
    messages = alice.ask(f"SEARCH :{attributes}")
    assert messages[0].command in ("FAIL", "BATCH")


def test_it_is_a_command_of_the_capability(opened: Opener) -> None:
    assert params(opened().ask("SEARCH text=a"), "421")
    client = opened(None, "soju.im/search")
    assert params(client.ask("SEARCH"), "461")


def test_where_the_operator_wants_none_there_is_none(certs: Path, tmp_path: Path) -> None:
    assert "soju.im/search" in offers(Config())
    config = Config()
    config = replace(config, search=replace(config.search, enabled=False))
    assert "soju.im/search" not in offers(config)
    left = tmp_path / "data" / "search.db"
    left.parent.mkdir(mode=0o700)
    left.write_bytes(b"left from before")
    with running(certs, tmp_path, search=False) as house:
        client = Opener(house)("one", join="#a")
        assert params(client.ask("CAP REQ soju.im/search"), "CAP")[0][1] == "NAK"
        assert params(client.ask("SEARCH text=a"), "421")
        assert house.hub.searching is None
        assert not left.exists()


def test_after_a_restart_and_without_the_file_all_is_found(certs: Path, tmp_path: Path) -> None:
    with running(certs, tmp_path) as house:
        said(Opener(house)("one", *CAPS, join="#lobby"), "#lobby", "before the restart")
    with running(certs, tmp_path, again=True) as house:
        client = Opener(house)("two", *CAPS, join="#lobby")
        said(client, "#lobby", "after the restart")
        assert texts(client, "text=restart") == ["before the restart", "after the restart"]
    for path in (tmp_path / "data").glob("search.db*"):
        path.unlink()
    with running(certs, tmp_path, again=True) as house:
        client = Opener(house)("three", *CAPS, join="#lobby")
        assert texts(client, "text=restart") == ["before the restart", "after the restart"]


def test_an_index_that_knows_more_than_the_log_is_made_anew(certs: Path, tmp_path: Path) -> None:
    with running(certs, tmp_path) as house:
        said(Opener(house)("one", *CAPS, join="#lobby"), "#lobby", "kept words", "lost words")
    connection = sqlite3.connect(tmp_path / "data" / "securechat.db")
    connection.execute("DELETE FROM log WHERE stamp >= (SELECT stamp FROM log WHERE text = 'lost words')")
    connection.execute("UPDATE committed SET stamp = 0")
    connection.commit()
    connection.close()
    with running(certs, tmp_path, again=True) as house:
        client = Opener(house)("two", *CAPS, join="#lobby")
        assert texts(client, "text=words") == ["kept words"]
        assert house.hub.searching is not None
        assert house.hub.searching.index.messages() == 1


def test_an_index_that_breaks_is_made_anew(certs: Path, tmp_path: Path) -> None:
    with running(certs, tmp_path) as house:
        client = Opener(house)("one", *CAPS, join="#lobby")
        said(client, "#lobby", *(f"words {at}" for at in range(50)))
        assert len(texts(client, "text=words")) == 50
        file = tmp_path / "data" / "search.db"
        searching = house.hub.searching
        assert searching is not None
        assert searching.index.clean()  # so that all of it is in the file itself
        with file.open("r+b") as opened:
            opened.write(b"\xff" * file.stat().st_size)
        assert fails(client, "text=words") == ["INTERNAL_ERROR"]
        assert len(texts(client, "text=words")) == 50
        assert [fault.split()[0:3] for fault in house.faults] == [["a", "search", "failed"]]
        house.faults.clear()


def test_where_there_can_be_no_index_the_chat_goes_on(certs: Path, tmp_path: Path) -> None:
    in_its_place = tmp_path / "data" / "search.db"
    in_its_place.mkdir(mode=0o700, parents=True)
    in_its_place.parent.chmod(0o700)
    with running(certs, tmp_path) as house:
        client = Opener(house)("one", *CAPS, join="#a")
        said(client, "#a", "words all the same")
        assert fails(client, "text=words") == ["INTERNAL_ERROR"]
        in_its_place.rmdir()
        assert texts(client, "text=words") == ["words all the same"]
        assert any("can't be filled" in fault for fault in house.faults)
        house.faults.clear()
