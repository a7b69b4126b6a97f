"""CHATHISTORY in a channel: which messages, in which batch, and what is wrong with a question (draft/chathistory)."""

import pytest

from securechat.chat.stamps import STEP_BITS, msgid, parse_msgid
from securechat.irc.message import Message
from tests.server.batches import batch, taken_apart
from tests.server.pages import EVERYTHING, HISTORY, opened_batch, page, said, texts
from tests.server.wire import Client, Opener, shown

TEXTS = [str(number) for number in range(1, 8)]
LABELS = ("labeled-response",)


class Room:
    """A channel in which somebody has said 1 to 7, and somebody who asks for it."""

    def __init__(self, opened: Opener, channel: str) -> None:
        speaker = opened(None, *HISTORY, "echo-message", join=channel)
        self.messages = said(speaker, *(f"{channel} {text}" for text in TEXTS))
        assert texts(self.messages) == TEXTS
        self.channel = channel
        self.reader = opened(None, *HISTORY, *LABELS, join=channel)
        self.reader.sync()

    def id(self, text: str) -> str:
        return "msgid=" + self.messages[TEXTS.index(text)].tags["msgid"]

    def page(self, subcommand: str, *words: str) -> list[str]:
        """What a page says; a selector is a text."""
        selectors = [self.id(word) if word in TEXTS else word for word in words[:-1]]
        return texts(page(self.reader, subcommand, self.channel, *selectors, words[-1]))


@pytest.fixture
def talk(opened: Opener, request: pytest.FixtureRequest) -> Room:
    return Room(opened, f"#{request.node.name[:20].partition('[')[0]}{opened.house.guest_name()}")


# -- subcommands ------------------------------------------------------------------------------------------------------


def test_pages(talk: Room) -> None:
    for question, found in (
        (("LATEST", "*", "3"), "567"),
        (("LATEST", "*", "100"), "1234567"),
        (("LATEST", "4", "2"), "67"),
        (("LATEST", "4", "100"), "567"),
        (("LATEST", "7", "100"), ""),
        (("BEFORE", "4", "2"), "23"),
        (("BEFORE", "4", "100"), "123"),
        (("BEFORE", "1", "100"), ""),
        (("AFTER", "4", "2"), "56"),
        (("AFTER", "4", "100"), "567"),
        (("AFTER", "7", "100"), ""),
        (("AROUND", "4", "1"), "4"),
        (("AROUND", "4", "3"), "345"),
        (("AROUND", "4", "4"), "2345"),
        (("AROUND", "7", "3"), "567"),
        (("AROUND", "1", "3"), "123"),
        (("BETWEEN", "2", "6", "100"), "345"),
        (("BETWEEN", "6", "2", "100"), "345"),
        (("BETWEEN", "2", "6", "2"), "34"),
        (("BETWEEN", "6", "2", "2"), "45"),
        (("BETWEEN", "2", "3", "100"), ""),
        (("BETWEEN", "2", "2", "100"), ""),
    ):
        subcommand, *words = question
        assert "".join(talk.page(subcommand, *words)) == found, question


def test_the_moment_of_a_message_is_as_good_as_its_id(talk: Room) -> None:
    """Unless others were said in the same millisecond: none of those is before it, or after it."""
    times = [f"timestamp={message.tags['time']}" for message in talk.messages]
    for place, time in enumerate(times):
        before = [text for text, other in zip(TEXTS, times, strict=True) if other < time]
        after = [text for text, other in zip(TEXTS, times, strict=True) if other > time]
        assert talk.page("BEFORE", time, "100") == before
        assert talk.page("AFTER", time, "100") == after
        assert talk.page("LATEST", time, "100") == after
        assert TEXTS[place] in talk.page("AROUND", time, "100")
        assert talk.page("BETWEEN", time, times[-1], "100") == [
            text for text, other in zip(TEXTS, times, strict=True) if time < other < times[-1]
        ]


def test_moments_when_nothing_was_said(talk: Room) -> None:
    for early in ("1970-01-01T00:00:00.000Z", "2020-02-29T23:59:60.999Z", "0001-01-01T00:00:00Z"):
        assert talk.page("AFTER", f"timestamp={early}", "2") == ["1", "2"]
        assert talk.page("BEFORE", f"timestamp={early}", "2") == []
        assert talk.page("AROUND", f"timestamp={early}", "2") == ["1", "2"]
    for late in ("9999-12-31T23:59:59.999Z", "2150-01-01T00:00:00.000Z"):
        assert talk.page("AFTER", f"timestamp={late}", "2") == []
        assert talk.page("BEFORE", f"timestamp={late}", "2") == ["6", "7"]
        assert talk.page("AROUND", f"timestamp={late}", "2") == ["6", "7"]
        assert talk.page("BETWEEN", f"timestamp={late}", "timestamp=2020-01-01T00:00:00.000Z", "2") == ["6", "7"]
        assert talk.page("BETWEEN", "timestamp=2020-01-01T00:00:00.000Z", f"timestamp={late}", "2") == ["1", "2"]


def test_an_id_of_a_message_that_is_not_there_is_a_place(talk: Room) -> None:
    """It may have been said elsewhere, or be gone by now."""
    stamp = parse_msgid(talk.messages[3].tags["msgid"])
    assert stamp is not None
    assert talk.page("BEFORE", f"msgid={msgid(stamp + 1)}", "2") == ["3", "4"]
    assert talk.page("AFTER", f"msgid={msgid(stamp - 1)}", "2") == ["4", "5"]
    assert talk.page("AFTER", f"msgid={msgid(stamp + (9 << STEP_BITS << 20))}", "2") == []
    assert talk.page("BETWEEN", f"msgid={msgid(stamp - 1)}", f"msgid={msgid(stamp + 1)}", "2") == ["4"]


def test_scrolling_back_to_the_beginning(talk: Room) -> None:
    found: list[Message] = []
    at = "*"
    while some := page(talk.reader, "LATEST" if at == "*" else "BEFORE", talk.channel, at, "2"):
        found = some + found
        at = f"msgid={some[0].tags['msgid']}"
    assert texts(found) == TEXTS
    assert [message.tags["msgid"] for message in found] == [message.tags["msgid"] for message in talk.messages]


def test_messages_come_as_they_were(talk: Room) -> None:
    """With their time, their id, and from whom they were."""
    for message, original in zip(page(talk.reader, "LATEST", talk.channel, "*", "9"), talk.messages, strict=True):
        tags = dict(message.tags)
        del tags["batch"]
        assert tags == original.tags
        assert (message.source, message.command, message.params) == (original.source, "PRIVMSG", original.params)


# -- limits -----------------------------------------------------------------------------------------------------------


def test_a_page_has_no_more_than_the_server_says(opened: Opener) -> None:
    speaker = opened(join="#many")
    speaker.ask(*(f"PRIVMSG #many :{number}" for number in range(210)))
    reader = opened(None, *HISTORY, join="#many")
    reader.send("VERSION")
    tokens = [word for message in reader.sync() if message.command == "005" for word in message.params]
    assert "CHATHISTORY=200" in tokens
    assert "MSGREFTYPES=msgid,timestamp" in tokens
    for limit in ("200", "201", "0200", "9" * 300):
        found = texts(page(reader, "LATEST", "#many", "*", limit))
        assert found == [str(number) for number in range(10, 210)]
    assert len(page(reader, "AROUND", "#many", "timestamp=2150-01-01T00:00:00.000Z", "1000")) == 200


def test_nothing_is_not_much(talk: Room) -> None:
    for subcommand, *selectors in (
        ("LATEST", "*"),
        ("BEFORE", "4"),
        ("AFTER", "4"),
        ("AROUND", "4"),
        ("BETWEEN", "2", "6"),
    ):
        assert talk.page(subcommand, *selectors, "0") == []


# -- batches and labels -----------------------------------------------------------------------------------------------


def test_the_batch_has_the_name_that_the_channel_has(opened: Opener) -> None:
    speaker = opened(None, *HISTORY, join="#CamelCase")
    speaker.ask("PRIVMSG #camelcase :hump")
    params, inside = opened_batch(speaker.ask("chathistory latest #CAMELcase * 5"), "chathistory")
    assert params == ["#CamelCase"]
    assert [shown(message) for message in inside] == [f"{speaker.nick} PRIVMSG #CamelCase :hump"]


def test_an_empty_page_is_an_empty_batch(opened: Opener) -> None:
    reader = opened(None, *HISTORY, join="#silent")
    assert opened_batch(reader.ask("CHATHISTORY LATEST #silent * 5"), "chathistory") == (["#silent"], [])


def test_without_batches_there_are_only_the_lines(talk: Room, opened: Opener) -> None:
    reader = opened(None, "draft/chathistory", join=talk.channel)
    reader.sync()
    reader.send(f"CHATHISTORY LATEST {talk.channel} * 2", "PING x")
    lines = [reader.line(), reader.line(), reader.line()]
    assert [line.partition(" ")[2] for line in lines[:2]] == [f"PRIVMSG {talk.channel} :{n}" for n in "67"]
    assert all(line.startswith(":") for line in lines), "and no tags, which were not asked for"
    assert reader.ask(f"CHATHISTORY LATEST {talk.channel} * 0") == []


def test_the_label_is_on_the_batch(talk: Room) -> None:
    first, *rest = talk.reader.ask(f"@label=L CHATHISTORY LATEST {talk.channel} * 2")
    assert first.tags == {"label": "L"}
    assert first.params[1:] == ["chathistory", talk.channel]
    assert all("label" not in message.tags for message in rest)
    assert texts(rest) == ["6", "7", "BATCH"]


def test_the_label_is_on_a_refusal(talk: Room) -> None:
    (answer,) = talk.reader.ask("@label=L CHATHISTORY LATEST #nowhere * 2")
    assert answer.tags == {"label": "L"}
    assert answer.command == "FAIL"


def test_questions_are_answered_in_order(talk: Room) -> None:
    talk.reader.send(*(f"CHATHISTORY LATEST {talk.channel} * {n}" for n in (1, 2, 3)), "NOTICE nobody :x", "PING end")
    sizes = []
    size = 0
    while (message := talk.reader.message()).command != "PONG":
        size += message.command == "PRIVMSG"
        if message.command == "BATCH" and message.params[0][0] == "-":
            sizes.append(size)
            size = 0
    assert sizes == [1, 2, 3]


def test_what_one_has_just_said_is_on_the_page(opened: Opener) -> None:
    """Whatever is acknowledged is there; and what is said before a question is answered before it."""
    speaker = opened(None, *HISTORY, "echo-message", join="#quick")
    speaker.send("PRIVMSG #quick :now", "CHATHISTORY LATEST #quick * 1")
    messages = speaker.sync()
    assert texts(messages) == ["now", "BATCH", "now", "BATCH"]
    assert messages[0].tags["msgid"] == messages[2].tags["msgid"]


def test_the_capability_is_needed(opened: Opener) -> None:
    client = opened(join="#without")
    assert [message.command for message in client.ask("CHATHISTORY LATEST #without * 1")] == ["421"]


# -- multi-line messages ----------------------------------------------------------------------------------------------


def test_a_message_of_several_lines_is_a_batch_in_the_batch(opened: Opener) -> None:
    speaker = opened(None, *EVERYTHING, join="#lines")
    live = speaker.ask(*batch("#lines", "one", "two", "+more"))
    page_ = page(speaker, "LATEST", "#lines", "msgid=" + "0" * 13, "9")
    found = [message for message in page_ if message.command != "JOIN"]
    opening, lines = taken_apart([_without_batch(m) if m.command == "BATCH" else m for m in found])
    assert lines == ["one", "two", "+more"]
    assert opening.tags == live[0].tags
    outer = found[0].tags["batch"]
    assert found[-1].tags == {"batch": outer}


def _without_batch(message: Message) -> Message:
    tags = {name: value for name, value in message.tags.items() if name != "batch"}
    return Message(message.command, message.params, message.source, tags)


def test_for_others_it_is_several_messages(opened: Opener) -> None:
    speaker = opened(None, *EVERYTHING, join="#fallback")
    speaker.ask(*batch("#fallback", "one", "", "two"), "PRIVMSG #fallback :three")
    reader = opened(None, *HISTORY, join="#fallback")
    found = page(reader, "LATEST", "#fallback", "*", "2")
    assert texts(found) == ["one", "two", "three"], "two messages"
    assert ["msgid" in message.tags for message in found] == [True, False, True]


# -- what is wrong ----------------------------------------------------------------------------------------------------

TIME = "timestamp=2026-01-01T00:00:00.000Z"


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("", "INVALID_PARAMS * :Insufficient parameters"),
        ("NONSENSE", "INVALID_PARAMS NONSENSE :Unknown command"),
        ("NONSENSE #a * 5", "INVALID_PARAMS NONSENSE :Unknown command"),
        ("LATEST", "INVALID_PARAMS LATEST :Insufficient parameters"),
        ("latest #a *", "INVALID_PARAMS latest :Insufficient parameters"),
        ("LATEST #a * 5 5", "INVALID_PARAMS LATEST :Too many parameters"),
        (f"BETWEEN #a {TIME} 5", "INVALID_PARAMS BETWEEN :Insufficient parameters"),
        (f"BETWEEN #a {TIME} {TIME} 5 5", "INVALID_PARAMS BETWEEN :Too many parameters"),
        (f"TARGETS {TIME} 5", "INVALID_PARAMS TARGETS :Insufficient parameters"),
        (f"TARGETS {TIME} {TIME} 5 5", "INVALID_PARAMS TARGETS :Too many parameters"),
        ("LATEST #a * many", "INVALID_PARAMS LATEST many :Invalid limit"),
        ("LATEST #a * -1", "INVALID_PARAMS LATEST -1 :Invalid limit"),
        ("LATEST #a * ٣", "INVALID_PARAMS LATEST ٣ :Invalid limit"),
        ("LATEST #a * :", "INVALID_PARAMS LATEST * :Invalid limit"),
        ("BEFORE #a * 5", "INVALID_PARAMS BEFORE * :Invalid timestamp"),
        ("BEFORE #a 2026-01-01T00:00:00.000Z 5", "INVALID_PARAMS BEFORE 2026-01-01T00:00:00.000Z :Invalid timestamp"),
        ("BEFORE #a timestamp=yesterday 5", "INVALID_PARAMS BEFORE timestamp=yesterday :Invalid timestamp"),
        (
            "BEFORE #a timestamp=2026-02-30T00:00:00.000Z 5",
            "INVALID_PARAMS BEFORE timestamp=2026-02-30T00:00:00.000Z :Invalid timestamp",
        ),
        ("BEFORE #a timestamp= 5", "INVALID_PARAMS BEFORE timestamp= :Invalid timestamp"),
        ("AFTER #a msgid=foobar 5", "INVALID_PARAMS AFTER msgid=foobar :Invalid msgid"),
        ("AFTER #a msgid= 5", "INVALID_PARAMS AFTER msgid= :Invalid msgid"),
        ("AFTER #a =x 5", "INVALID_PARAMS AFTER =x :Invalid timestamp"),
        (f"BETWEEN #a {TIME} * 5", "INVALID_PARAMS BETWEEN * :Invalid timestamp"),
        (f"TARGETS {TIME} msgid=0000000000000 5", "INVALID_PARAMS TARGETS msgid=0000000000000 :Invalid timestamp"),
        ("TARGETS * * 5", "INVALID_PARAMS TARGETS * :Invalid timestamp"),
    ],
)
def test_a_line_that_is_wrong(opened: Opener, line: str, answer: str) -> None:
    reader = opened(None, *HISTORY)
    assert reader.asked(f"CHATHISTORY {line}") == [f"FAIL CHATHISTORY {answer}"]


def test_a_kind_of_reference_that_is_not_known(opened: Opener) -> None:
    reader = opened(None, *HISTORY)
    (found,) = reader.ask("CHATHISTORY AFTER #a number=7 5")
    assert found.params[:-1] == ["CHATHISTORY", "INVALID_MSGREFTYPE", "AFTER", "#a", "number=7"]


@pytest.mark.parametrize("target", ["#nowhere", "*", "@#lobby", "#lobby", "no/nick", "nobody", ",", "#"])
def test_a_target_that_is_none(opened: Opener, target: str) -> None:
    """Nor is a channel in which one is not; nobody learns which of the two it is."""
    reader = opened(None, *HISTORY)
    assert reader.asked(f"CHATHISTORY LATEST {target} * 5") == [
        f"FAIL CHATHISTORY INVALID_TARGET LATEST {target} :Messages could not be retrieved"
    ]


def test_history_that_can_not_be_read(opened: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk's fault is told to the operator; that it takes too long is the question's own."""
    reader = opened(None, *HISTORY, join="#broken")
    said(reader, "#broken x")
    monkeypatch.setattr("securechat.store.history.SECONDS", -1.0)
    monkeypatch.setattr("securechat.store.history._STEPS", 1)
    refused = ["FAIL CHATHISTORY MESSAGE_ERROR LATEST #broken :Messages could not be retrieved"]
    assert reader.asked("CHATHISTORY LATEST #broken * 5") == refused
    assert reader.asked(f"CHATHISTORY TARGETS {TIME} timestamp=2150-01-01T00:00:00Z 5") == [
        "FAIL CHATHISTORY MESSAGE_ERROR TARGETS :Messages could not be retrieved"
    ]
    monkeypatch.setattr("securechat.store.history.SECONDS", 1000.0)
    assert texts(page(reader, "LATEST", "#broken", "*", "5")) == ["x"]


# -- TARGETS ----------------------------------------------------------------------------------------------------------


def targets(client: Client, *words: str) -> list[list[str]]:
    found = page(client, "TARGETS", *words)
    assert all(message.command == "CHATHISTORY" and message.params[0] == "TARGETS" for message in found)
    return [message.params[1:] for message in found]


ALWAYS = ("timestamp=2020-01-01T00:00:00.000Z", "timestamp=2150-01-01T00:00:00.000Z")


def test_the_conversations_that_there_are(opened: Opener) -> None:
    asker = opened("asker", *HISTORY, "echo-message", join="#first,#second,#empty")
    friend = opened("Friend", "echo-message", "message-tags", "server-time")
    times = {}
    for name, who, target in (
        ("#first", asker, "#first"),
        ("Friend", friend, "asker"),
        ("#second", asker, "#second"),
        ("alice", asker, "ALICE"),
        ("asker", asker, "asker"),
    ):
        times[name] = said(who, f"{target} hello")[-1].tags["time"]
    in_order = sorted(times.items(), key=lambda item: item[1])
    found = targets(asker, *ALWAYS, "50")
    assert sorted(found) == sorted(map(list, times.items()))
    assert [time for _, time in found] == [time for _, time in in_order]
    assert targets(asker, *ALWAYS, "2") == found[:2]
    assert targets(asker, *reversed(ALWAYS), "2") == found[-2:], "counted from the first time, in order all the same"
    assert targets(asker, *ALWAYS, "0") == []
    first, last = (f"timestamp={found[place][1]}" for place in (0, -1))
    assert targets(asker, first, ALWAYS[1], "50") == [item for item in found if item[1] > found[0][1]]
    assert targets(asker, ALWAYS[0], last, "50") == [item for item in found if item[1] < found[-1][1]]
    assert targets(asker, first, first, "50") == []
    for name, time in found:
        assert page(asker, "LATEST", name, "*", "1")[0].tags["time"] == time, "by that name it is found"


def test_a_channel_that_one_has_left_is_none_of_them(opened: Opener) -> None:
    asker = opened(None, *HISTORY, join="#left")
    said(asker, "#left x")
    assert [name for name, _ in targets(asker, *ALWAYS, "9")] == ["#left"]
    asker.ask("PART #left")
    assert targets(asker, *ALWAYS, "9") == []
