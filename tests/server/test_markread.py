"""MARKREAD: up to where somebody has read (draft/read-marker)."""

import contextlib
import sqlite3
from collections.abc import Iterable
from pathlib import Path

import pytest

from securechat.irc.message import Message
from tests.server.wire import Client, Opener, running

CAPS = ("draft/read-marker",)
EARLY, LATE = "timestamp=2019-01-04T14:33:26.123Z", "timestamp=2025-01-02T03:04:05.678Z"


def markers(messages: Iterable[Message]) -> list[str]:
    return [" ".join(message.params) for message in messages if message.command == "MARKREAD"]


def after_join(messages: list[Message], channel: str) -> list[str]:
    """What follows one's JOIN, the names included: the commands, and what a marker says."""
    begin = next(at for at, m in enumerate(messages) if m.command == "JOIN" and m.params[0] == channel)
    found: list[str] = []
    for message in messages[begin:]:
        if message.command == "JOIN" and found:
            break
        found.append(" ".join([message.command, *message.params]) if message.command == "MARKREAD" else message.command)
        if message.command == "366":
            break
    return found


# -- asking and telling -----------------------------------------------------------------------------------------------


def test_it_only_moves_forwards(opened: Opener) -> None:
    client = opened(None, *CAPS, join="#Marked")
    asked = client.asked
    assert asked("MARKREAD #marked") == ["MARKREAD #Marked :*"]
    assert asked(f"MARKREAD #marked {EARLY}") == [f"MARKREAD #Marked :{EARLY}"]
    assert asked("MARKREAD #MARKED") == [f"MARKREAD #Marked :{EARLY}"]
    assert asked(f"MARKREAD #marked {LATE}") == [f"MARKREAD #Marked :{LATE}"]
    assert asked(f"MARKREAD #marked {EARLY}") == [f"MARKREAD #Marked :{LATE}"]
    assert asked(f"MARKREAD #marked {LATE}") == [f"MARKREAD #Marked :{LATE}"]


def test_a_time_long_ago(opened: Opener) -> None:
    client = opened(None, *CAPS, join="#ages")
    for time, kept in (("0001-01-01T00:00:00.000", "1970-01-01T00:00:00.000"), ("1999-12-31T23:59:59.999",) * 2):
        assert markers(client.ask(f"MARKREAD #ages timestamp={time}Z")) == [f"#ages timestamp={kept}Z"]


def test_it_does_not_move_into_the_future(opened: Opener) -> None:
    """The last message that can have been read is the last that was said."""
    client = opened(None, *CAPS, join="#future")
    (found,) = markers(client.ask("MARKREAD #future timestamp=2150-01-01T00:00:00.000Z"))
    assert found < "#future timestamp=2100"


def test_a_conversation_with_somebody(opened: Opener) -> None:
    """Whoever that is; case does not matter."""
    client = opened(None, *CAPS)
    assert markers(client.ask("MARKREAD alice")) == ["alice *"]
    assert markers(client.ask(f"MARKREAD alice {EARLY}", "MARKREAD ALICE")) == [f"alice {EARLY}", f"ALICE {EARLY}"]
    assert markers(client.ask("MARKREAD Bob")) == ["Bob *"]


def test_the_label_is_on_the_answer(opened: Opener) -> None:
    client = opened(None, *CAPS, "labeled-response", "batch", join="#label")
    for line in (
        "MARKREAD #label",
        f"MARKREAD #label {EARLY}",
        f"MARKREAD #label {EARLY}",
        "MARKREAD #label x",
        "MARKREAD",
    ):
        (answer,) = client.ask(f"@label=7 {line}")
        assert answer.tags == {"label": "7"}


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("", "NEED_MORE_PARAMS :Missing parameters"),
        (":", "NEED_MORE_PARAMS :Missing parameters"),
        ("#lobby *", "INVALID_PARAMS #lobby * :Invalid parameters"),
        ("#lobby 2024-01-02T03:04:05.678Z", "INVALID_PARAMS #lobby 2024-01-02T03:04:05.678Z :Invalid parameters"),
        ("#lobby timestamp=then", "INVALID_PARAMS #lobby timestamp=then :Invalid parameters"),
        ("#lobby timestamp=", "INVALID_PARAMS #lobby timestamp= :Invalid parameters"),
        ("#lobby msgid=0000000000000", "INVALID_PARAMS #lobby msgid=0000000000000 :Invalid parameters"),
        ("#nowhere", "INVALID_PARAMS #nowhere :Invalid parameters"),
        (f"#nowhere {EARLY}", "INVALID_PARAMS #nowhere :Invalid parameters"),
        ("* ", "INVALID_PARAMS * :Invalid parameters"),
        (f"no/nick {EARLY}", "INVALID_PARAMS no/nick :Invalid parameters"),
    ],
)
def test_what_is_wrong(opened: Opener, line: str, answer: str) -> None:
    client = opened(None, *CAPS, "standard-replies")
    assert client.asked(f"MARKREAD {line}") == [f"FAIL MARKREAD {answer}"]


def test_a_channel_that_is_hidden_is_none(opened: Opener) -> None:
    owner, client = opened(join="#veiled"), opened(None, *CAPS)
    owner.ask("MODE #veiled +s")
    for line in ("MARKREAD #veiled", f"MARKREAD #veiled {EARLY}"):
        assert client.asked(line) == ["FAIL MARKREAD INVALID_PARAMS #veiled :Invalid parameters"]


def test_without_the_capability_who_asks_is_answered_and_else_nothing_comes(opened: Opener) -> None:
    """IRCv3 read-marker, "Implementation": it MAY be negotiated, and affects what the server sends."""
    client, other = opened(account="dave"), opened(None, *CAPS, account="dave")
    assert markers(client.ask("JOIN #bare")) == []
    assert client.asked("MARKREAD #bare") == ["MARKREAD #bare :*"]
    assert client.asked(f"MARKREAD #bare {EARLY}") == [f"MARKREAD #bare :{EARLY}"]
    assert client.asked("MARKREAD") == ["FAIL MARKREAD NEED_MORE_PARAMS :Missing parameters"]
    assert markers(other.sync())[-1] == f"#bare {EARLY}"
    other.ask(f"MARKREAD #bare {LATE}")
    assert client.sync() == []


# -- who is told ------------------------------------------------------------------------------------------------------


def test_all_clients_of_the_user_that_know_of_markers_are_told(opened: Opener) -> None:
    first, second = (opened(None, *CAPS, account="alice") for _ in range(2))
    plain = opened(account="alice")
    stranger = opened(None, *CAPS)
    first.join("#devices")
    stranger.join("#devices")
    everybody: list[Client] = [second, plain, stranger]
    for client in everybody:
        client.sync()
    first.ask(f"MARKREAD #devices {EARLY}")
    assert markers(second.sync()) == [f"#devices {EARLY}"]
    first.ask(f"MARKREAD #devices {EARLY}", f"MARKREAD bob {LATE}", "MARKREAD bob")
    assert markers(second.sync()) == [f"bob {LATE}"], "what is new"
    assert plain.sync() == stranger.sync() == []


def test_it_follows_a_join(opened: Opener) -> None:
    client = opened(None, *CAPS)
    messages = client.ask("JOIN #into")
    assert after_join(messages, "#into") == ["JOIN", "MARKREAD #into *", "353", "366"]
    client.ask(f"MARKREAD #into {EARLY}", "TOPIC #into :x", "JOIN #other", "PART #other")
    other = opened(join="#into")
    client.ask("PART #into")
    messages = client.ask("JOIN #INTO")
    assert after_join(messages, "#into") == ["JOIN", f"MARKREAD #into {EARLY}", "332", "333", "353", "366"]
    assert markers(other.sync()) == []


def test_without_names_too(opened: Opener) -> None:
    client = opened(None, *CAPS, "no-implicit-names")
    messages = client.ask("@label=1 JOIN #nameless")
    assert [message.command for message in messages] == ["JOIN", "MARKREAD"]


def test_it_is_part_of_the_labelled_answer(opened: Opener) -> None:
    client = opened(None, *CAPS, "labeled-response", "batch", "message-tags")
    messages = client.ask("@label=1 JOIN #labelled")
    assert messages[0].tags["label"] == "1"
    inside = [message for message in messages if "batch" in message.tags]
    assert [message.command for message in inside] == ["JOIN", "MARKREAD", "353", "366"]


def test_other_clients_of_who_joins_get_it_too(opened: Opener) -> None:
    first, second = (opened(None, *CAPS, account="carol") for _ in range(2))
    first.join("#together")
    assert after_join(second.sync(), "#together") == ["JOIN", "MARKREAD #together *", "353", "366"]


def test_and_who_comes_in_where_the_user_is_already(opened: Opener) -> None:
    first = opened(None, *CAPS, account="dave", join="#present,#other")
    first.ask(f"MARKREAD #present {EARLY}")
    with opened.stranger() as second:
        second.send("CAP LS 302", "NICK dave", "USER d 0 * :d", f"CAP REQ :{' '.join(CAPS)} sasl")
        second.send("AUTHENTICATE PLAIN", "AUTHENTICATE AGRhdmUAY29ycmVjdCBob3JzZQ==", "CAP END")
        second.expect("001")
        messages = second.sync()
    assert after_join(messages, "#present") == ["JOIN", f"MARKREAD #present {EARLY}", "353", "366"]
    assert after_join(messages, "#other") == ["JOIN", "MARKREAD #other *", "353", "366"]


def test_after_a_renaming_it_is_the_channel_s(opened: Opener) -> None:
    client = opened(None, *CAPS, join="#was")
    client.ask(f"MARKREAD #was {EARLY}")
    messages = client.ask("RENAME #was #is :x")
    assert after_join(messages, "#is") == ["JOIN", f"MARKREAD #is {EARLY}", "353", "366"]
    assert markers(client.ask("MARKREAD #is")) == [f"#is {EARLY}"]


# -- how long ---------------------------------------------------------------------------------------------------------


def test_of_a_guest_nothing_is_kept(opened: Opener) -> None:
    with opened.stranger() as guest:
        guest.register("reader1", CAPS)
        guest.join("#lobby")
        guest.ask(f"MARKREAD #lobby {EARLY}")
    again = opened("reader1", *CAPS)
    assert after_join(again.ask("JOIN #lobby"), "#lobby")[1] == "MARKREAD #lobby *"


def test_an_account_s_are_there_after_a_restart(certs: Path, tmp_path: Path) -> None:
    with running(certs, tmp_path) as house:
        client = Opener(house)(None, *CAPS, account="alice", join="#stays")
        client.ask(f"MARKREAD #stays {EARLY}", f"MARKREAD bob {LATE}")
    with running(certs, tmp_path, again=True) as house:
        client = Opener(house)(None, *CAPS, account="alice")
        assert markers(client.ask("MARKREAD #stays", "MARKREAD bob")) == [f"#stays {EARLY}", f"bob {LATE}"]


def test_while_it_can_not_be_stored(certs: Path, tmp_path: Path) -> None:
    """IRCv3 read-marker, "Errors and Warnings": the code for that names the target."""
    with running(certs, tmp_path) as house:
        client = Opener(house)(None, *CAPS, account="alice", join="#full")
        client.ask(f"MARKREAD #full {EARLY}")
        with contextlib.closing(sqlite3.connect(tmp_path / "data" / "securechat.db", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            (told,) = client.ask(f"MARKREAD #full {LATE}")
            assert [told.command, *told.params[:-1]] == ["FAIL", "MARKREAD", "INTERNAL_ERROR", "#full"]
            other.execute("ROLLBACK")
        assert all(fault.startswith("not stored") for fault in house.faults)
        house.faults.clear()
        assert markers(client.ask("MARKREAD #full")) == [f"#full {EARLY}"]
