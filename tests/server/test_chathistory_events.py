"""What else happened, and messages that were taken back (draft/event-playback, draft/message-redaction)."""

from collections.abc import Iterable

import pytest

from securechat.irc.message import Message
from tests.server.batches import batch
from tests.server.pages import EVERYTHING, HISTORY, page, said, take_back, texts
from tests.server.test_chathistory import ALWAYS
from tests.server.wire import House, Opener, shown

EVENTS = ("draft/event-playback",)
CAPS = {
    "everything": EVERYTHING,
    "no tags": ("draft/chathistory", "batch", *EVENTS),
    "no drafts": (*HISTORY, *EVENTS, "account-tag"),
    "accounts": (*HISTORY, *EVENTS, "extended-join", "account-tag", "draft/multiline"),
}


def inner(lines: Iterable[str]) -> list[str]:
    """Lines of a page without the tag of its batch, which is the first; those of a batch in it are as they are."""
    outer = ""
    found = []
    for line in lines:
        tags, _, rest = line.partition(" ")
        names = tags.removeprefix("@").split(";") if tags.startswith("@") else []
        outer = outer or (names[0] if names and names[0].startswith("batch=") else "")
        if names and names[0] == outer:
            line = f"@{';'.join(names[1:])} {rest}" if names[1:] else rest
        found.append(line)
    return found


@pytest.mark.parametrize("caps", CAPS.values(), ids=CAPS)
def test_history_has_what_was_seen_live_as_it_was_seen(opened: Opener, caps: tuple[str, ...]) -> None:
    """But for a channel's key; the name that a channel has got since is the one that a client knows it by."""
    channel = f"#live-{opened.house.guest_name()}"
    owner = opened(None, "draft/multiline", "batch", "message-tags", account="alice")
    owner.join(channel)
    observer = opened(None, *caps)
    before = len(observer.lines)
    observer.join(channel)
    observer.sync()
    begin = len(observer.lines)
    own_join = next(line for line in observer.lines[before:] if " JOIN " in line)
    member = opened(None, "message-tags", join=channel)
    member.ask(
        "MODE " + member.nick + " +B", f"PRIVMSG {channel} :I am a program", f"@+x=y NOTICE {channel} :with a tag"
    )
    owner.ask(
        f"PRIVMSG {channel} :hello",
        f"MODE {channel} +ov {observer.nick} {member.nick}",
        f"MODE {channel} +bk-b *!*@nowhere sesame *!*@nowhere",
        f"MODE {channel} -k sesame",
        f"TOPIC {channel} :new: topic",
        f"TOPIC {channel} :",
        *batch(channel, "one", "two", "+more"),
        f"PRIVMSG @{channel} :to operators",
        f"KICK {channel} {member.nick} :out with you",
    )
    member.ask(f"JOIN {channel}", f"PART {channel}", f"JOIN {channel}", f"PART {channel} :bye then", f"JOIN {channel}")
    member.ask(f"NICK {member.nick}x")
    member.send("QUIT :gone")
    member.to_end()
    owner.send("AWAY :x", "AWAY")
    owner.sync()
    observer.sync()
    live = [own_join, *(line for line in observer.lines[begin:] if "PONG" not in line)]
    hidden = [line.replace("+bk-b *!*@nowhere sesame *!*@nowhere", "+bk-b *!*@nowhere * *!*@nowhere") for line in live]
    hidden = [line.replace("-k sesame", "-k *") for line in hidden]
    begin = len(observer.lines)
    asked = page(observer, "LATEST", channel, "*", "200")
    assert asked
    lines = [line for line in observer.lines[begin:] if "PONG" not in line][1:-1]
    lines = lines[next(at for at, line in enumerate(lines) if f" JOIN {channel}" in line and observer.nick in line) :]
    assert inner(lines) == hidden


def test_without_event_playback_there_is_only_what_was_said(opened: Opener) -> None:
    owner = opened(None, *EVERYTHING, join="#said")
    guest = opened(join="#said")
    owner.ask("TOPIC #said :x", f"MODE #said +v {guest.nick}", "PRIVMSG #said :one", f"KICK #said {guest.nick}")
    guest.ask("JOIN #said", "NOTICE #said :two")
    for caps in (HISTORY, [cap for cap in EVERYTHING if cap != "draft/event-playback"]):
        reader = opened(None, *caps, join="#said")
        assert texts(page(reader, "LATEST", "#said", "*", "50")) == ["one", "two"]
    owner.sync()
    assert len(page(owner, "LATEST", "#said", "*", "50")) > 2


def test_tags_without_a_text_are_there_but_not_that_somebody_is_typing(house: House, opened: Opener) -> None:
    """And only for who knows of tags; without draft/event-playback there is none, nor a conversation to be found."""
    one = opened(None, *EVERYTHING, join="#react")
    other = opened(None, *HISTORY)
    for target in ("#react", other.nick):
        (react,) = one.ask(f"@+reply=x;+draft/react=y TAGMSG {target}")
        one.ask(f"@+typing=active TAGMSG {target}", f"TAGMSG {target}")
        found = page(one, "LATEST", target, "*", "1")[0]
        assert (found.command, found.source) == ("TAGMSG", react.source)
        assert found.tags == {**react.tags, "batch": found.tags["batch"]}
    other.sync()
    assert page(other, "LATEST", one.nick, "*", "9") == []
    assert page(other, "TARGETS", *ALWAYS, "9") == []
    blind = opened(None, "draft/chathistory", "batch", *EVENTS, join="#react")
    assert "TAGMSG" not in texts(page(blind, "LATEST", "#react", "*", "9"))
    take_back(house, one, react.tags["msgid"], other.nick)
    one.sync()
    *_, empty, redact = page(one, "LATEST", other.nick, "*", "1")
    assert (empty.command, redact.command) == ("TAGMSG", "REDACT")
    assert not [tag for tag in empty.tags if tag.startswith("+")]


def test_events_count(opened: Opener) -> None:
    owner = opened(None, *EVERYTHING, join="#count")
    owner.ask("PRIVMSG #count :one", "TOPIC #count :a", "TOPIC #count :b", "PRIVMSG #count :two")
    assert texts(page(owner, "LATEST", "#count", "*", "3")) == ["TOPIC", "TOPIC", "two"]


def test_many_modes_are_several_lines(opened: Opener) -> None:
    """As live; the id is on the first."""
    owner = opened(None, *EVERYTHING, join="#modes")
    masks = [f"{'x' * 110}{number}!*@*" for number in range(4)]
    live = [m for m in owner.ask(f"MODE #modes +bbbb {' '.join(masks)}") if m.command == "MODE"]
    assert len(live) > 1
    found = page(owner, "LATEST", "#modes", "*", "1")
    assert [message.params for message in found] == [message.params for message in live]
    assert ["msgid" in message.tags for message in found] == [True] + [False] * (len(found) - 1)


def test_what_happens_in_several_channels_is_seen_in_each_and_in_no_other(opened: Opener) -> None:
    reader = opened(None, *EVERYTHING, join="#here,#there,#elsewhere")
    guest = opened(join="#here,#there")
    nick = guest.nick
    guest.ask(f"NICK {nick}y")
    guest.send("QUIT :so long")
    guest.to_end()
    reader.sync()
    for channel in ("#here", "#there"):
        found = [shown(m) for m in page(reader, "LATEST", channel, "*", "2")]
        assert found == [f"{nick} NICK :{nick}y", f"{nick}y QUIT :Quit: so long"]
    assert texts(page(reader, "LATEST", "#elsewhere", "*", "50")) == ["JOIN"]


def test_coming_back_is_a_join_in_each_channel(opened: Opener) -> None:
    reader = opened(None, *EVERYTHING, join="#home,#work")
    with opened.stranger() as carol:
        carol.register(account="carol")
        carol.join("#home", "#work")
    opened(account="carol")
    reader.sync()
    for channel in ("#home", "#work"):
        *_, last = page(reader, "LATEST", channel, "*", "50")
        assert shown(last) == f"carol JOIN {channel} carol :carol the tester"
        assert last.tags["account"] == "carol"


# -- another name -----------------------------------------------------------------------------------------------------


def test_after_a_renaming_all_is_in_the_channel_of_the_new_name(opened: Opener) -> None:
    owner = opened(None, *EVERYTHING, join="#old")
    owner.ask("PRIVMSG #old :before", "PRIVMSG @#old :to operators", "RENAME #old #new :better", "PRIVMSG #new :after")
    found = [shown(message) for message in page(owner, "LATEST", "#new", "*", "50")]
    assert found == [
        f"{owner.nick} JOIN #new * :{owner.nick} the tester",
        f"{owner.nick} PRIVMSG #new :before",
        f"{owner.nick} PRIVMSG @#new :to operators",
        f"{owner.nick} RENAME #old #new :better",
        f"{owner.nick} PRIVMSG #new :after",
    ]
    reader = opened(None, *HISTORY, *EVENTS, join="#new")
    assert texts(page(reader, "LATEST", "#new", "*", "3")) == ["before", "after", "JOIN"], (
        "no RENAME, and it is not missed"
    )


def test_a_text_that_does_not_fit_behind_the_new_name_is_all_there(opened: Opener) -> None:
    owner = opened(None, *EVERYTHING, join="#o")
    text = "word " * 99
    (echo,) = said(owner, f"#o {text}")
    long = "#" + "n" * 60
    owner.ask(f"RENAME #o {long} :x")
    reader = opened(None, *HISTORY, join=long)
    found = page(reader, "LATEST", long, "*", "5")
    assert len(found) == 2
    assert "".join(texts(found)) == echo.params[1]


# -- messages that were taken back ------------------------------------------------------------------------------------


class Redacted:
    """A channel in which 1 to 5 were said, and 3 was taken back."""

    def __init__(self, house: House, opened: Opener, channel: str) -> None:
        self.owner = opened(None, *EVERYTHING, join=channel)
        self.messages = said(self.owner, *(f"{channel} {number}" for number in range(1, 6)))
        self.third = self.messages[2].tags["msgid"]
        take_back(house, self.owner, self.third, channel, "a slip")
        self.live = self.owner.sync()[-1]


def kinds(messages: Iterable[Message]) -> list[str]:
    return [m.params[1] if m.command == "PRIVMSG" else m.command for m in messages]


def test_who_does_not_know_of_redactions_does_not_see_the_message(house: House, opened: Opener) -> None:
    Redacted(house, opened, "#plain")
    for caps in (HISTORY, (*HISTORY, *EVENTS)):
        reader = opened(None, *caps, join="#plain")
        found = texts(page(reader, "LATEST", "#plain", "*", "50"))
        assert [text for text in found if text != "JOIN"] == ["1", "2", "4", "5"]


@pytest.mark.parametrize("events", [(), EVENTS])
def test_others_see_that_it_was_taken_back_and_by_whom(house: House, opened: Opener, events: tuple[str, ...]) -> None:
    """Which is not counted as one of the messages."""
    channel = f"#aware{len(events)}"
    room = Redacted(house, opened, channel)
    reader = opened(None, *HISTORY, *events, "draft/message-redaction")
    reader.join(channel)
    found = page(reader, "BEFORE", channel, f"msgid={room.messages[4].tags['msgid']}", "3")
    assert kinds(found) == ["2", "[taken back]", "REDACT", "4"]
    assert [message.tags["msgid"] for message in found[:2]] == [m.tags["msgid"] for m in room.messages[1:3]]
    redact = found[2]
    assert redact.params == [channel, room.third, "a slip"]
    assert redact.source == room.live.source
    assert redact.tags["msgid"] == room.live.tags["msgid"]
    assert redact.tags["draft/chathistory-context"] == ""
    assert "draft/chathistory-context" not in found[1].tags


def test_the_redaction_stands_in_its_own_place_where_the_message_is_not_on_the_page(
    house: House, opened: Opener
) -> None:
    room = Redacted(house, opened, "#apart")
    after = f"msgid={room.third}"
    found = page(room.owner, "AFTER", "#apart", after, "50")
    assert kinds(found) == ["4", "5", "REDACT"]
    assert "draft/chathistory-context" not in found[2].tags
    assert {**found[2].tags, "batch": ""} == {**room.live.tags, "batch": ""}
    reader = opened(None, *HISTORY, "draft/message-redaction", join="#apart")
    assert kinds(page(reader, "AFTER", "#apart", after, "50")) == ["4", "5"], "which is an event"


def test_a_private_message_that_was_taken_back(house: House, opened: Opener) -> None:
    author, reader = opened(None, *EVERYTHING), opened(None, *EVERYTHING)
    messages = said(author, f"{reader.nick} one", f"{reader.nick} two")
    take_back(house, author, messages[0].tags["msgid"], reader.nick)
    for client, other in ((author, reader), (reader, author)):
        client.sync()
        found = page(client, "LATEST", other.nick, "*", "5")
        assert kinds(found) == ["[taken back]", "REDACT", "two"]
        assert found[1].params == [reader.nick, messages[0].tags["msgid"]]


def test_a_message_of_several_lines_that_was_taken_back_is_one_line(house: House, opened: Opener) -> None:
    owner = opened(None, *EVERYTHING, join="#several")
    opening = owner.ask(*batch("#several", "one", "two"))[0]
    take_back(house, owner, opening.tags["msgid"], "#several")
    owner.sync()
    assert kinds(page(owner, "AFTER", "#several", "msgid=" + "0" * 13, "5"))[1:] == ["[taken back]", "REDACT"]
