"""What a device has missed, as clients are shown it that can't ask."""

import re
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from securechat.irc.message import Message
from securechat.server import replay
from securechat.server.config import Limits
from tests.server.batches import EXAMPLE, batch, taken_apart
from tests.server.devices import answer_pings, arrive, come, cut_off, leave
from tests.server.wire import NAME, Client, Opener, commands, running, shown

BEGINNING = re.compile(r"This is what you missed, from \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC on:")
END = "That was what you missed."
PRIVATE_BEGINNING = re.compile(BEGINNING.pattern.replace("This is what", "These are the private messages that"))
ASKED, DONE = "\x01VERSION\x01", "\x01ACTION waves\x01"
PRIVATE_END = "Those were the private messages that you missed."


@pytest.fixture
def bob(opened: Opener) -> Iterator[Client]:
    """Who says things. In the end nobody is in any channel any more, nor has anything left to see."""
    client = opened(None, "echo-message", "message-tags", "server-time", account="Bob")
    yield client
    for account in ("Bob", "alice", "carol"):
        come(opened, account).ask("JOIN 0", "SETTINGS replay default")


def welcome(client: Client) -> list[Message]:
    """What comes behind the message of the day, to the PING at its end, which is answered; or to the end of it all."""
    client.expect("422")
    messages = []
    for message in client.sync():
        if message.command == "PING":
            answer_pings_of(client, message)
            break
        messages.append(message)
    return messages


def answer_pings_of(client: Client, ping: Message) -> None:
    client.ask(f"PONG :{ping.params[0]}")


def shown_to(opened: Opener, login: str, *caps: str) -> list[str]:
    """What somebody sees who comes: with the topics and names left out. They have gone again then."""
    client = arrive(opened, login, *caps)
    lines = [shown(message) for message in welcome(client) if message.command not in ("353", "366", "332", "333")]
    leave(client)
    return lines


def said(target: str, *texts: str, by: str = "Bob") -> list[str]:
    return [f"{by} PRIVMSG {target} :{text}" for text in texts]


def say(client: Client, target: str, *texts: str) -> list[Message]:
    """The echoes."""
    return client.ask(*(f"PRIVMSG {target} :{text}" for text in texts))


# -- channels ---------------------------------------------------------------------------------------------------------


def test_what_was_said_stands_behind_the_names(opened: Opener, bob: Client) -> None:
    leave(come(opened, "alice@phone").join("#replay"))
    say(bob.join("#replay"), "#replay", "one", "two")
    alice = arrive(opened, "alice@phone")
    messages = welcome(alice)
    lines = [shown(message) for message in messages]
    assert commands(messages) == ["JOIN", "353", "366", "NOTICE", "PRIVMSG", "PRIVMSG", "NOTICE"]
    assert lines[4:6] == said("#replay", "one", "two")
    (first, last) = (messages[3], messages[6])
    assert first.source == last.source == NAME
    assert first.params[0] == last.params[0] == "#replay"
    assert BEGINNING.fullmatch(first.params[1])
    assert last.params[1] == END
    say(bob, "#replay", "three")
    assert [shown(message) for message in alice.sync()] == said("#replay", "three")
    leave(alice)
    assert shown_to(opened, "alice@phone") == ["alice JOIN :#replay"]  # it has seen all


def test_as_it_was_with_its_tags_and_in_a_batch(opened: Opener, bob: Client) -> None:
    leave(come(opened, "alice@phone").join("#tags"))
    echoes = say(bob.join("#tags"), "#tags", "one", "two")
    (tagged,) = bob.ask("@+x=y NOTICE #tags :three")
    caps = ("server-time", "message-tags", "account-tag", "batch")
    messages = welcome(arrive(opened, "alice@phone", *caps))
    start, *inside, end = messages[3:]
    assert start.source == NAME
    assert start.params[1:] == ["chathistory", "#tags"]
    assert (end.command, end.params) == ("BATCH", ["-" + start.params[0][1:]])
    for message in inside:
        tags = dict(message.tags)
        assert (tags.pop("batch"), tags.pop("account")) == (start.params[0][1:], "Bob")
        message.tags = tags
    assert inside == [*echoes, tagged]


def test_only_what_was_said(opened: Opener, bob: Client) -> None:
    """Who came, left and changed the topic meanwhile is seen by how it is now; TAGMSG is not shown."""
    leave(come(opened, "alice@phone").join("#only"))
    bob.join("#only").ask("TOPIC #only :new", "@+draft/react=x TAGMSG #only", "PRIVMSG #only :one", "PART #only")
    assert shown_to(opened, "alice@phone", "server-time") == ["alice JOIN :#only", *said("#only", "one")]


def test_what_programs_asked_is_not_shown(opened: Opener, bob: Client) -> None:
    """Else programs would answer it whenever somebody comes. Who asks for the history gets it."""
    leave(come(opened, "alice@phone").join("#programs"))
    bob.join("#programs").ask(
        *(f"PRIVMSG {target} :{text}" for target in ("#programs", "alice") for text in (ASKED, "one", DONE)),
        f"NOTICE #programs :{ASKED}",
    )
    seen = shown_to(opened, "alice@phone", "server-time")
    assert seen == ["alice JOIN :#programs", *said("#programs", "one", DONE), *said("alice", "one", DONE)]
    page = bob.asked("CAP REQ :draft/chathistory", "CHATHISTORY LATEST alice * 3")
    assert page[-3:] == said("alice", ASKED, "one", DONE)


@pytest.mark.parametrize(
    ("missed", "left_out"),
    [(3, None), (4, "1 earlier message that you missed is"), (9, "6 earlier messages that you missed are")],
)
def test_the_newest_are_shown_and_how_many_are_not(
    opened: Opener, bob: Client, missed: int, left_out: str | None
) -> None:
    alice = come(opened, "alice@phone").join("#many")
    alice.ask("SETTINGS replay 3")
    leave(alice)
    texts = [str(number) for number in range(missed)]
    say(bob.join("#many"), "#many", *texts)
    _, *lines = shown_to(opened, "alice@phone", "server-time", "batch")
    if left_out is not None:
        notice = lines.pop(0)
        assert notice == f"NOTICE #many :{left_out} not shown; SETTINGS replay <number> shows more, up to 1000"
    assert lines[1:-1] == said("#many", *texts[-3:])


def test_what_nobody_can_count_is_not(opened: Opener, bob: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replay, "COUNTED", 5)
    alice = come(opened, "alice@phone").join("#count")
    alice.ask("SETTINGS replay 1000")
    leave(alice)
    bob.join("#count")
    for _ in range(3):
        say(bob, "#count", *["x"] * 335)
    _, notice, *lines = shown_to(opened, "alice@phone", "server-time")
    assert notice == (
        "NOTICE #count :5 or more earlier messages that you missed are not shown; "
        "clients with draft/chathistory can read on"
    )
    assert lines == said("#count", *["x"] * 1000)


def test_more_than_is_read_at_once(opened: Opener, bob: Client) -> None:
    alice = come(opened, "alice@phone").join("#pages")
    alice.ask("SETTINGS replay 1000")
    leave(alice)
    texts = [str(number) for number in range(2 * replay.PAGE)]
    say(bob.join("#pages"), "#pages", *texts)
    _, *lines = shown_to(opened, "alice@phone", "server-time")
    assert lines == said("#pages", *texts)


def test_none_for_who_wants_none(opened: Opener, bob: Client) -> None:
    """But what was kept is shown."""
    alice = come(opened, "alice@phone").join("#none")
    alice.ask("SETTINGS replay 0")
    leave(alice)
    say(bob.join("#none"), "#none", "one")
    say(bob, "alice", "kept")
    assert shown_to(opened, "alice@phone", "server-time") == ["alice JOIN :#none", *said("alice", "kept")]


def test_each_device_what_it_has_missed_itself(opened: Opener, bob: Client) -> None:
    leave(come(opened, "alice@phone").join("#each"))
    bob.join("#each")
    say(bob, "#each", "one")
    leave(come(opened, "alice@desk"))
    say(bob, "#each", "two")
    leave(come(opened, "alice"))
    say(bob, "#each", "three")
    join = "alice JOIN :#each"
    assert shown_to(opened, "alice@desk", "server-time") == [join, *said("#each", "two", "three")]
    assert shown_to(opened, "alice@phone", "server-time") == [join, *said("#each", "one", "two", "three")]
    say(bob, "#each", "four")
    assert shown_to(opened, "alice", "server-time") == [join, *said("#each", "four")]
    say(bob, "#each", "five")
    # One that nobody knows has missed what the account has; while another is there, that is nothing.
    assert shown_to(opened, "alice@new", "server-time") == [join, *said("#each", "five")]
    say(bob, "#each", "six")
    desk = come(opened, "alice@desk")
    say(bob, "#each", "seven")
    assert shown_to(opened, "alice@newer", "server-time") == [join]
    assert shown_to(opened, "alice", "server-time") == [join]
    assert shown_to(opened, "alice@phone", "server-time") == [join, *said("#each", "four", "five", "six", "seven")]
    leave(desk)


def test_what_another_device_said_is_shown_too(opened: Opener, bob: Client) -> None:
    leave(come(opened, "alice@phone").join("#own"))
    desk = come(opened, "alice@desk")
    desk.ask("PRIVMSG #own :from my desk", "PRIVMSG Bob :to you")
    leave(desk)
    assert shown_to(opened, "alice@phone", "server-time") == [
        "alice JOIN :#own",
        *said("#own", "from my desk", by="alice"),
        *said("Bob", "to you", by="alice"),
    ]


def test_not_what_was_said_before_one_had_a_right_to_be_there(opened: Opener, bob: Client) -> None:
    leave(come(opened, "alice@phone"))
    desk = come(opened, "alice@desk")
    bob.join("#closed").ask("MODE #closed +i")
    say(bob, "#closed", "of her")
    bob.ask("INVITE alice #closed")
    say(bob, "#closed", "for her")
    desk.ask("JOIN #closed")
    say(bob, "#closed", "with her")
    leave(desk)
    assert shown_to(opened, "alice@phone", "server-time")[1:] == said("#closed", "for her", "with her")


def test_what_was_for_some_is_for_those(opened: Opener, bob: Client) -> None:
    leave(come(opened, "alice@phone").join("#some"))
    leave(come(opened, "carol@phone").join("#some"))
    bob.join("#some")
    alice = come(opened, "alice@desk")  # its owner
    alice.ask("MODE #some +o Bob")
    say(bob, "@#some", "for operators")
    say(bob, "#some", "for all")
    assert shown_to(opened, "carol@phone", "server-time")[1:] == said("#some", "for all")
    assert shown_to(opened, "alice@phone", "server-time")[1:] == [
        *said("@#some", "for operators"),
        *said("#some", "for all"),
    ]
    leave(alice)


def test_a_channel_with_another_name(opened: Opener, bob: Client) -> None:
    leave(come(opened, "alice@phone").join("#before"))
    say(bob.join("#before"), "#before", "one")
    desk = come(opened, "alice@desk")
    desk.ask("RENAME #before #behind", "PRIVMSG #behind :two")
    leave(desk)
    lines = shown_to(opened, "alice@phone", "server-time")
    assert lines == ["alice JOIN :#behind", *said("#behind", "one"), *said("#behind", "two", by="alice")]


def test_not_what_was_taken_back(opened: Opener, bob: Client) -> None:
    """Nor is it kept for who is not there."""
    leave(come(opened, "alice@phone").join("#taken"))
    bob.ask("CAP REQ :draft/message-redaction")
    for target in ("#taken", "alice"):
        bob.ask("JOIN #taken")
        first, _ = (message for message in say(bob, target, "wrong", "right") if message.command == "PRIVMSG")
        bob.ask(f"REDACT {target} {first.tags['msgid']}")
    lines = shown_to(opened, "alice@phone", "server-time")
    assert lines[1:] == [*said("#taken", "right"), *said("alice", "right")]


def test_of_several_lines(opened: Opener, bob: Client) -> None:
    leave(come(opened, "alice@phone").join("#lines"))
    writer = opened(None, "draft/multiline", "batch", join="#lines")
    writer.ask(*batch("#lines", *EXAMPLE))
    alice = arrive(opened, "alice@phone", "batch", "draft/multiline")
    _, _, _, _, outer, *inside, end, last = welcome(alice)
    assert outer.params[1:] == ["chathistory", "#lines"]
    assert end.params == ["-" + outer.params[0][1:]]
    assert last.params[1] == END
    for message in (inside[0], inside[-1]):
        assert message.tags == {"batch": outer.params[0][1:]}
        message.tags = {}
    assert taken_apart(inside)[1] == list(EXAMPLE)


# -- private messages -------------------------------------------------------------------------------------------------


def test_conversations_both_ways(opened: Opener, bob: Client) -> None:
    """One after the other, the last one last, each in its order."""
    leave(come(opened, "alice@phone"))
    desk, guest = come(opened, "alice@desk"), opened("wanderer")
    for speaker, target, text in (
        (bob, "alice", "hello"), (guest, "alice", "who are you?"), (desk, "Bob", "hi"), (desk, "wanderer", "alice"),
        (bob, "alice", "there?"), (desk, "alice", "note to myself"),
    ):  # fmt: skip
        speaker.ask(f"PRIVMSG {target} :{text}")
    leave(desk)
    expected = {
        "wanderer": [*said("alice", "who are you?", by="wanderer"), *said("wanderer", "alice", by="alice")],
        "Bob": [*said("alice", "hello"), *said("Bob", "hi", by="alice"), *said("alice", "there?")],
        "alice": said("alice", "note to myself", by="alice"),
    }
    alice = arrive(opened, "alice@phone", "server-time", "batch")
    found: dict[str, list[str]] = {}
    for message in welcome(alice):
        if message.command == "BATCH" and message.params[0][0] == "+":
            inside = found[message.params[2]] = []
        elif message.command == "PRIVMSG":
            inside.append(shown(message))
    assert list(found.items()) == list(expected.items())
    leave(alice)
    assert shown_to(opened, "alice@phone", "server-time") == []


def test_marks_for_who_is_not_told_the_time(opened: Opener, bob: Client) -> None:
    leave(come(opened, "alice@phone"))
    say(bob, "alice", "one", "two")
    alice = arrive(opened, "alice@phone")
    first, *texts, last = [message for message in welcome(alice) if message.params[0] == "alice"]
    assert first.source == last.source == NAME
    assert PRIVATE_BEGINNING.fullmatch(first.params[1])
    assert [shown(message) for message in texts] == said("alice", "one", "two")
    assert last.params[1] == PRIVATE_END


def test_what_is_kept_is_shown_until_it_has_arrived(opened: Opener, bob: Client) -> None:
    """To whatever device comes, and all of it, be it more than is usual; what was not kept is left out before it."""
    alice = come(opened, "alice@phone")
    alice.ask("SETTINGS replay 2")
    leave(alice)
    desk = come(opened, "alice@desk")
    say(bob, "alice", "to desk 1", "to desk 2")
    leave(desk)
    texts = [f"kept {number}" for number in range(5)]
    say(bob, "alice", *texts)
    for login in ("alice@desk", "alice@tablet"):
        client = arrive(opened, login, "server-time")
        client.expect("PRIVMSG", "alice", texts[-1])
        client.expect("PING")
        cut_off(client)
        while opened().ask("WHOIS alice")[0].command != "401":
            pass
    phone = arrive(opened, "alice@phone", "server-time")
    lines = [shown(message) for message in welcome(phone) if message.params[0] == "alice"]
    assert lines[1:] == said("alice", *texts)
    assert lines[0] == (
        "NOTICE alice :2 earlier messages between you and Bob that you missed are not shown; "
        "SETTINGS replay <number> shows more, up to 1000"
    )
    leave(phone)
    assert not [line for line in shown_to(opened, "alice", "server-time") if "kept" in line]


def test_who_logs_in_on_the_chat_is_shown_what_was_kept(opened: Opener, bob: Client) -> None:
    say(bob, "carol", "kept")
    client = opened("somebody", "server-time")
    client.send("CAP REQ :sasl", "AUTHENTICATE PLAIN", "AUTHENTICATE AGNhcm9sAGNvcnJlY3QgaG9yc2U=")
    client.expect("903")
    assert [shown(m) for m in client.sync() if m.command == "PRIVMSG"] == said("carol", "kept")
    answer_pings(client)
    leave(client)


# -- who asks, and what goes wrong ------------------------------------------------------------------------------------


def test_who_can_ask_is_shown_nothing(opened: Opener, bob: Client) -> None:
    """And what was kept is kept no more."""
    leave(come(opened, "alice@phone").join("#ask"))
    say(bob.join("#ask"), "#ask", "one")
    say(bob, "alice", "two")
    caps = ("draft/chathistory", "batch", "server-time", "message-tags")
    assert shown_to(opened, "alice@phone", *caps) == ["alice JOIN :#ask"]
    assert shown_to(opened, "alice@phone", "server-time") == ["alice JOIN :#ask"]
    say(bob, "carol", "three")
    client = opened("somebody", "sasl", *caps)
    client.send("AUTHENTICATE PLAIN", "AUTHENTICATE AGNhcm9sAGNvcnJlY3QgaG9yc2U=")
    client.expect("903")
    assert commands(client.sync()) == []
    leave(client)
    assert shown_to(opened, "carol", "server-time") == []


def test_a_guest_has_missed_nothing(opened: Opener, bob: Client) -> None:
    bob.join("#guests")
    leave(opened("drifter", join="#guests"))
    say(bob, "#guests", "one")
    drifter = opened("drifter", join="#guests")
    assert not [line for line in drifter.lines if " PRIVMSG " in line or line.startswith("PING")]


def test_what_has_not_arrived_is_shown_again(opened: Opener, bob: Client) -> None:
    """A connection that broke before its client had it does not count, be it noticed or not."""
    leave(come(opened, "alice@phone").join("#again"))
    say(bob.join("#again"), "#again", "one")
    broken = arrive(opened, "alice@phone")  # whoever answers no PING has perhaps not seen it
    say(bob, "#again", "two")
    join = "alice JOIN :#again"
    assert shown_to(opened, "alice@phone", "server-time") == [join, *said("#again", "one", "two")]
    cut_off(broken)


def test_what_a_ghost_has_seen_is_not_shown_again(certs: Path, tmp_path: Path) -> None:
    with running(certs, tmp_path, limits=Limits(throttle=False, ping_interval=0.1)) as house:
        opened = Opener(house)
        bob, ghost = opened(None, "echo-message", account="Bob"), come(opened, "alice@phone").join("#ghost")
        bob.join("#ghost")
        say(bob, "#ghost", "seen")
        ghost.expect("PRIVMSG")
        ghost.send(f"PONG {NAME}")  # to whatever came before that
        for _ in range(2):  # the first may have been sent before that, too
            ghost.send(f"PONG :{ghost.expect('PING').params[0]}")
        ghost.sync()
        say(bob, "#ghost", "not seen")
        phone = arrive(opened, "alice@phone", "server-time")
        assert [shown(m) for m in welcome(phone) if m.command == "PRIVMSG"] == said("#ghost", "not seen")


def test_while_the_store_can_not_be_read_nothing_is_shown(certs: Path, tmp_path: Path) -> None:
    """The log says so; and nothing that was kept is lost."""
    with running(certs, tmp_path) as house:
        opened = Opener(house)
        leave(come(opened, "alice@phone").join("#broken"))
        bob = opened(None, "echo-message", account="Bob", join="#broken")
        say(bob, "#broken", "one")
        say(bob, "alice", "two")
        file = tmp_path / "data" / "securechat.db"
        file.rename(file.with_suffix(".away"))
        assert shown_to(opened, "alice@phone", "server-time") == ["alice JOIN :#broken"]
        file.with_suffix(".away").rename(file)
        assert sum("what was missed could not be read" in fault for fault in house.faults) == 1
        house.faults.clear()
        assert shown_to(opened, "alice@phone", "server-time")[-1:] == said("alice", "two")


def test_nothing_is_missing_and_nothing_there_twice(certs: Path, tmp_path: Path) -> None:
    """While others talk without a pause two devices come and quit again, with one set of capabilities after the other:
    each sees every message once, and in order, be it shown as missed, or live."""
    speakers, devices, targets = ("carol", "dave"), ("alice@a", "alice@b"), ("#load", "alice")
    limits = Limits(throttle=False, held_per_account=100_000)
    with running(certs, tmp_path, limits=limits) as house, ExitStack() as stack:
        opened = Opener(house)
        come(opened, "alice@a").join("#load").ask("SETTINGS replay 1000")
        leave(come(opened, "alice@b"))
        leave(come(opened, "alice@a"))
        clients = [opened(account=account, join="#load") for account in speakers]
        enough = threading.Event()
        numbers = dict.fromkeys(speakers, 0)

        def talk(speaker: str, client: Client) -> None:
            while not enough.is_set():
                numbers[speaker] += 1
                client.ask(*(f"PRIVMSG {target} :{numbers[speaker]}" for target in targets))

        threads = [threading.Thread(target=talk, args=one) for one in zip(speakers, clients, strict=True)]
        seen: dict[str, list[Message]] = {login: [] for login in devices}

        def visit(login: str, *caps: str, stay: int = 0) -> None:
            client = arrive(opened, login, *caps)
            for _ in range(stay):
                client.expect("PRIVMSG", "#load")
            leave(client)
            seen[login] += [m for m in map(Message.parse, client.lines) if m.command == "PRIVMSG"]

        for thread in threads:
            stack.callback(thread.join)
        stack.callback(enough.set)
        for thread in threads:
            thread.start()
        for caps in ((), ("batch",), ("server-time", "batch", "message-tags"), ("echo-message",)) * 5:
            for login in devices:
                visit(login, *caps, stay=5)
        stack.close()
        for login in devices:
            visit(login)
            for speaker in speakers:
                for target in targets:
                    said_by_one = [
                        m.params[1] for m in seen[login] if shown(m).startswith(f"{speaker} PRIVMSG {target} ")
                    ]
                    assert said_by_one == [str(number) for number in range(1, numbers[speaker] + 1)]
