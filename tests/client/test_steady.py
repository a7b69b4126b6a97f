"""A chat whose connections break: what was missed is told, once and in order; and what ends it."""

from pathlib import Path

import pytest

from securechat.client.errors import ConnectionLostError, LoginRefusedError, RegistrationRefusedError
from securechat.client.events import (
    Broken,
    Disconnected,
    Event,
    Joined,
    MessageReceived,
    MissedMore,
    Names,
    NewSince,
    NoHistory,
    Page,
    Redacted,
    Refused,
)
from securechat.client.steady import Steady
from securechat.irc.message import Message
from tests.client.archive import Archive
from tests.client.clients import steady
from tests.client.support import LIMIT, Session
from tests.client.told import BOB, Told, away


def test_what_was_missed_is_told_once_and_in_order(archive: Archive, chat: Steady, told: Told) -> None:
    archive.tell(BOB, "#lobby", "one")
    told.wait_for("one")
    away(archive, "two", "three")
    told.resumed()
    archive.tell(BOB, "#lobby", "four")
    told.wait_for("one", "two", "three", "four")
    assert told.count(Broken) == 1
    assert (told.count(Joined), told.count(Names)) == (1, 1)  # what one knows is not told again


def test_what_was_missed_before_anything_was_said(archive: Archive, chat: Steady, told: Told) -> None:
    away(archive, "one", "two")
    told.wait_for("one", "two")
    told.resumed()


def test_several_losses_and_a_line_that_breaks_off(
    archive: Archive, chat: Steady, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("securechat.client.retrying.SHORTEST", 0.0)
    said = []
    for number in range(4):
        archive.tell(BOB, "#lobby", f"{number} live")
        told.wait(lambda: told.texts()[-1:] == [f"{number} live"])  # noqa: B023 - it is waited for here
        half = archive.put(BOB, "#lobby", f"{number} half").lines()[0].encode()
        for session in list(archive.channels["#lobby"]):
            session.send_bytes(half[: len(half) // 2])
        away(archive, f"{number} away")
        told.resumed(number + 1)
        said += [f"{number} live", f"{number} half", f"{number} away"]
    told.wait_for(*said)


def test_what_comes_while_one_asks_is_told_behind_the_answer(archive: Archive, chat: Steady, told: Told) -> None:
    def talk_first(session: Session, message: Message) -> None:
        archive.rules.clear()
        archive.tell(BOB, "#lobby", "in both")  # it comes live, and is in the answer

    def talk_on(session: Session, message: Message) -> None:
        if message.params[0] == "TARGETS":
            return
        archive.rules["CHATHISTORY"] = talk_first
        archive.tell(BOB, "#lobby", "after the first")

    archive.tell(BOB, "#lobby", "before")
    told.wait_for("before")
    archive.rules["CHATHISTORY"] = talk_on
    away(archive, *(f"missed {number}" for number in range(15)))  # more than a page
    told.resumed()
    told.wait_for("before", *(f"missed {number}" for number in range(15)), "after the first", "in both")


def test_pages_are_asked_for_until_nothing_is_missing(archive: Archive, chat: Steady, told: Told) -> None:
    archive.tell(BOB, "#lobby", "before")
    told.wait_for("before")
    missed = [f"missed {number}" for number in range(95)]
    away(archive, *missed)
    told.resumed()
    told.wait_for("before", *missed)
    assert told.count(MissedMore) == 0


def test_more_than_anybody_wants_to_see(archive: Archive, ca: Path, told: Told) -> None:
    with steady(archive, ca, told, "#lobby", most=25) as chat:
        chat.wait_until_here()
        archive.tell(BOB, "#lobby", "before")
        told.wait_for("before")
        missed = [f"missed {number}" for number in range(40)]
        away(archive, *missed)
        told.resumed()
        told.wait_for("before", *missed[-25:])
        assert [type(event) for event in told.events if isinstance(event, MissedMore | MessageReceived)][:2] == [
            MessageReceived,
            MissedMore,
        ]
        chat.older("#lobby", 5)
        told.wait(lambda: told.count(Page) == 1)
        page = next(event for event in told.events if isinstance(event, Page))
        assert [entry.text for entry in page.entries if isinstance(entry, MessageReceived)] == missed[-30:-25]
        chat.older("#lobby", 1000)
        told.wait(lambda: told.count(Page) == 2)
        page = [event for event in told.events if isinstance(event, Page)][-1]
        assert [entry.text for entry in page.entries if isinstance(entry, MessageReceived)] == missed[-40:-30]


def test_a_message_of_which_the_history_is_gone(archive: Archive, chat: Steady, told: Told) -> None:
    """The server does not know the last message any more; its time will do."""

    def forget(session: Session, message: Message) -> list[str] | None:
        if message.params[0] == "LATEST" and message.params[2].startswith("msgid="):
            return ["FAIL CHATHISTORY INVALID_PARAMS LATEST :No such message"]
        return None

    archive.tell(BOB, "#lobby", "one")
    told.wait_for("one")
    archive.rules["CHATHISTORY"] = forget
    away(archive, "two")
    told.resumed()
    told.wait_for("one", "two")


def test_history_that_is_refused_is_told(archive: Archive, chat: Steady, told: Told) -> None:
    archive.tell(BOB, "#lobby", "one")
    told.wait_for("one")
    archive.rules["CHATHISTORY"] = lambda *_: ["FAIL CHATHISTORY MESSAGE_ERROR LATEST #lobby :The disk is gone"]
    away(archive, "two")
    told.resumed()
    refused = [event for event in told.events if isinstance(event, NoHistory)]
    assert {(event.target, event.text) for event in refused} == {
        ("#lobby", "The disk is gone"),
        ("people", "The disk is gone"),
    }
    archive.tell(BOB, "#lobby", "three")
    told.wait_for("one", "three")


def test_private_conversations_that_were_missed(archive: Archive, chat: Steady, told: Told) -> None:
    archive.put("carol!c@h", "alice", "long ago")
    archive.tell(BOB, "#lobby", "one")
    told.wait_for("one")
    away(archive)
    archive.put(BOB, "alice", "psst")
    archive.put("alice!alice@client.example", "bob", "from my phone")
    told.resumed()
    told.wait_for("one", "psst", "from my phone")


# -- the start --------------------------------------------------------------------------------------------------------


def test_the_last_lines_and_what_is_new(archive: Archive, ca: Path, told: Told) -> None:
    for number in range(40):
        archive.put(BOB, "#lobby", str(number))
    archive.markers["#lobby"] = "timestamp=" + archive.stored[34].time
    archive.put(BOB, "alice", "read")
    archive.markers["bob"] = "timestamp=" + archive.stored[-1].time
    archive.put("carol!c@h", "alice", "not read")
    with steady(archive, ca, told, "#lobby", history=25) as chat:
        chat.wait_until_here()
        told.wait_for(*map(str, range(15, 40)), "not read")
        (new,) = [index for index, event in enumerate(told.events) if isinstance(event, NewSince)]
        after = [event.text for event in told.events[new:] if isinstance(event, MessageReceived)]
        assert after == [*map(str, range(35, 40)), "not read"]


@pytest.mark.parametrize(("read", "more"), [(34, False), (35, False), (33, True), (9, True)])
def test_more_is_new_than_is_shown(archive: Archive, ca: Path, told: Told, read: int, more: bool) -> None:
    """Then it is said; and of what comes first nobody thinks that it is the first that is new."""
    for number in range(40):
        archive.put(BOB, "#lobby", str(number))
    archive.markers["#lobby"] = "timestamp=" + archive.stored[read].time
    with steady(archive, ca, told, "#lobby", history=5) as chat:
        chat.wait_until_here()
        told.wait_for(*map(str, range(35, 40)))
        begins = [type(event) for event in told.events if isinstance(event, NewSince | MissedMore)]
        assert begins == ([NewSince, MissedMore] if more else [NewSince])


def test_a_channel_that_one_comes_into_later(archive: Archive, ca: Path, told: Told) -> None:
    archive.put(BOB, "#tea", "before")
    with steady(archive, ca, told, "#lobby", history=5) as chat:
        chat.wait_until_here()
        chat.join("#tea")
        told.wait_for("before")
        archive.tell(BOB, "#tea", "after")
        told.wait_for("before", "after")


def test_what_was_taken_back(archive: Archive, ca: Path, told: Told) -> None:
    archive.put(BOB, "#lobby", "one")
    archive.put(BOB, "#lobby", "two")
    with steady(archive, ca, told, "#lobby", history=5) as chat:
        chat.wait_until_here()
        chat.client.request("REDACT", "#lobby", "m2", "no good")
        told.wait(lambda: told.count(Redacted) == 1)
        redacted = next(event for event in told.events if isinstance(event, Redacted))
        assert (redacted.by, redacted.author, redacted.reason, redacted.own) == ("alice", "bob", "no good", True)
        session = archive.came.get(timeout=LIMIT)
        session.send(":bob!b@h REDACT #other m1", ":bob!b@h REDACT #lobby unknown")
        told.wait(lambda: told.count(Redacted) == 2)
        assert [event for event in told.events if isinstance(event, Redacted)][1].author == ""  # the unknown one
        chat.older("#lobby", 5)
        assert chat.timeline.search(nick="bob", conversation="#lobby", words="") is not None
        found = chat.timeline.search(nick="BOB", conversation="#lobby", words="O")
        assert found is not None
        assert found.text == "one"


# -- the end ----------------------------------------------------------------------------------------------------------


def test_an_account_that_is_gone_ends_it(archive: Archive, chat: Steady, told: Told) -> None:
    del archive.accounts["alice"]
    archive.drop_all()
    told.wait(lambda: told.count(Disconnected) == 1)
    with pytest.raises(LoginRefusedError):
        chat.check()
    with pytest.raises(LoginRefusedError):
        chat.say("#lobby", "x")


def test_a_ban_ends_it(archive: Archive, chat: Steady, told: Told) -> None:
    archive.rules["AUTHENTICATE"] = lambda session, _: [f":s 465 {session.nick} :You are banned"]
    archive.drop_all()
    told.wait(lambda: told.count(Disconnected) == 1)
    with pytest.raises(RegistrationRefusedError, match="You are banned"):
        chat.check()


def test_a_server_that_is_busy_does_not(archive: Archive, chat: Steady, told: Told) -> None:
    def refuse(session: Session, message: Message) -> list[str]:
        del archive.rules["AUTHENTICATE"]
        session.send("FAIL * TEMPORARILY_UNAVAILABLE :Too many of you", "ERROR :Come later")
        session.quit()
        return []

    archive.rules["AUTHENTICATE"] = refuse
    archive.drop_all()
    told.wait(lambda: told.count(Broken) == 2)
    first, second = [event for event in told.events if isinstance(event, Broken)]
    assert (first.delay, first.again) == (0.0, False)
    assert second.again
    assert "Come later" in str(second.error)
    chat.hurry()
    told.resumed()


def test_nobody_waits_longer_than_they_want(certs: Path, ca: Path, told: Told) -> None:
    with Archive(certs / "server.pem") as archive, steady(archive, ca, told, "#lobby") as chat:
        chat.wait_until_here()
        archive.break_after = {"one"}
        archive.rules["CAP"] = lambda session, _: session.drop()
        chat.say("#lobby", "one")
        with pytest.raises(ConnectionLostError, match=r"in 0.01 seconds"):
            chat.settle(0.01)
        assert chat.unsaid() == ["one"]


def test_what_the_screen_raises_ends_it(archive: Archive, ca: Path) -> None:
    class BoomError(Exception):
        pass

    def screen(event: Event) -> None:
        if isinstance(event, MessageReceived):
            raise BoomError

    with steady(archive, ca, screen, "#lobby") as chat:
        chat.wait_until_here()
        archive.tell(BOB, "#lobby", "x")
        with pytest.raises(BoomError):
            chat._wait(lambda: False)


def test_a_channel_that_is_closed_meanwhile(archive: Archive, chat: Steady, told: Told) -> None:
    archive.rules["JOIN"] = lambda session, _: [f":s 474 {session.nick} #lobby :Cannot join channel (+b)"]
    archive.drop_all()
    told.resumed()
    refused = [event for event in told.events if isinstance(event, Refused)]
    assert [event.text for event in refused] == ["you are banned from #lobby"]
    archive.rules.clear()
    archive.drop_all()
    told.resumed(2)
    assert "#lobby" not in chat.client.channels()


def test_leaving_while_there_is_no_connection(archive: Archive, chat: Steady, told: Told) -> None:
    archive.rules["CAP"] = lambda session, _: session.drop()
    archive.drop_all()
    told.wait(lambda: told.count(Broken) >= 2)
    chat.leave()
    told.wait(lambda: told.count(Disconnected) == 1)
    assert told.events[-1] == Disconnected(None)
