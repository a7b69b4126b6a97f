"""What every message of the server does to what is known, and what is told of it."""

from datetime import UTC, datetime

import pytest

from securechat.client import events
from securechat.client.capabilities import WANTED
from securechat.client.conversation import Conversation
from securechat.client.events import Kind, MessageReceived
from securechat.client.ignoring import MOST, Ignored
from securechat.client.state import Person
from securechat.irc.modes import ModeChange
from tests.client.conversations import ME, conversation_with, hear


@pytest.fixture
def modern() -> Conversation:
    """With a server that has all that the client understands."""
    return conversation_with(*WANTED)


# -- what is known ----------------------------------------------------------------------------------------------------


def _members(conversation: Conversation, channel: str) -> list[str]:
    """With their prefixes, in the order of their names."""
    state = conversation.state
    members = state.channels[channel].members
    return [members[nick] + state.people[nick].nick for nick in sorted(members)]


def test_channels_and_their_members(modern: Conversation) -> None:
    joined, names = hear(
        modern,
        f"{ME} JOIN #c * :Alice",
        ":s 353 alice = #c :@alice!a@host +bob!b@h",
        ":s 353 alice = #c :@+carol!c@h",
        ":s 366 alice #c :End",
    )
    assert joined == events.Joined("alice", "#c", own=True)
    assert names == events.Names("#c", ("@alice", "+bob", "@+carol"))
    assert modern.state.source == "alice!a@host"
    assert _members(modern, "#c") == ["@alice", "+bob", "@+carol"]
    assert hear(modern, ":dave!d@h JOIN #C dave :Dave", ":Bob!b@h PART #c :bye") == [
        events.Joined("dave", "#C", own=False, account="dave"),
        events.Parted("Bob", "#c", "bye", own=False),
    ]
    assert _members(modern, "#c") == ["@alice", "@+carol", "dave"]
    assert hear(modern, ":carol!c@h NICK caro", ":s KICK #c dave :out", ":caro!c@h QUIT :gone") == [
        events.NickChanged("carol", "caro", own=False),
        events.Kicked("dave", "#c", "s", "out", own=False),
        events.Quit("caro", "gone", ("#c",)),
    ]
    assert _members(modern, "#c") == ["@alice"]
    assert hear(modern, f"{ME} PART #c") == [events.Parted("alice", "#c", "", own=True)]
    assert (modern.state.channels, modern.state.people) == ({}, {})


def test_one_is_put_out(modern: Conversation) -> None:
    hear(modern, f"{ME} JOIN #c")
    (kicked,) = hear(modern, ":bob!b@h KICK #c ALICE :out")
    assert kicked == events.Kicked("ALICE", "#c", "bob", "out", own=True)
    assert modern.state.channels == {}


def test_ones_own_nick_and_source_follow(modern: Conversation) -> None:
    hear(modern, f"{ME} JOIN #c")
    (changed,) = hear(modern, f"{ME} NICK :Alicia")
    assert changed == events.NickChanged("alice", "Alicia", own=True)
    assert modern.state.nick == "Alicia"
    assert modern.state.source == "Alicia!a@host"
    assert _members(modern, "#c") == ["Alicia"]


def test_prefixes_follow_the_modes(modern: Conversation) -> None:
    hear(modern, ":s 005 alice PREFIX=(ohv)@%+ CHANMODES=beI,k,l,imnst :are supported")
    hear(modern, f"{ME} JOIN #c", ":s 353 alice = #c :@alice!a@host +bob!b@h", ":carol!c@h JOIN #c carol :Carol")
    (changed,) = hear(modern, "@time=2026-01-02T03:04:05.678Z :alice!a@host MODE #c +ok-v+h BOB key bob alice")
    assert changed == events.ModesChanged(
        "#c",
        "+ok-v+h BOB key bob alice",
        "alice",
        (
            ModeChange(True, "o", "BOB"),
            ModeChange(True, "k", "key"),
            ModeChange(False, "v", "bob"),
            ModeChange(True, "h", "alice"),
        ),
        time=datetime(2026, 1, 2, 3, 4, 5, 678000, UTC),
    )
    assert _members(modern, "#c") == ["@%alice", "@bob", "carol"]
    hear(modern, ":s MODE #c -o+v alice nobody", ":s MODE #other +v carol", ":bob!b@h NICK robert")
    assert _members(modern, "#c") == ["%alice", "carol", "@robert"]


def test_modes_that_were_not_announced_change_nothing(modern: Conversation) -> None:
    hear(modern, f"{ME} JOIN #c")
    (changed,) = hear(modern, ":s MODE #c +Zo x alice")
    assert changed == events.ModesChanged("#c", "+Zo x alice", "s")
    assert _members(modern, "#c") == ["alice"]


def test_ones_own_modes(modern: Conversation) -> None:
    (changed,) = hear(modern, f"{ME} MODE alice +iw-o")
    assert isinstance(changed, events.ModesChanged)
    assert changed.personal
    assert [change.letter for change in changed.changes] == ["i", "w", "o"]


def test_a_channel_is_renamed(modern: Conversation) -> None:
    hear(modern, f"{ME} JOIN #c", ":bob!b@h JOIN #c bob :Bob")
    (renamed,) = hear(modern, ":bob!b@h RENAME #C #d :better")
    assert renamed == events.ChannelRenamed("#C", "#d", "bob", "better")
    assert list(modern.state.channels) == ["#d"]
    assert modern.state.channels["#d"].name == "#d"
    assert _members(modern, "#d") == ["alice", "bob"]


def test_what_others_tell_of_themselves(modern: Conversation) -> None:
    hear(modern, f"{ME} JOIN #c", ":bob!b@h JOIN #c * :Bob")
    assert hear(
        modern,
        ":bob!b@h AWAY :lunch",
        ":bob!b@h AWAY",
        ":bob!b@h AWAY :",
        f"{ME} AWAY :oneself is told by 306",
        ":bob!b@h SETNAME :Robert",
        ":bob!b@h ACCOUNT rob",
        ":bob!b@h CHGHOST bb example.org",
    ) == [
        events.AwayChanged("bob", "lunch"),
        events.AwayChanged("bob", None),
        events.AwayChanged("bob", None),
        events.RealnameChanged("bob", "Robert"),
        events.AccountChanged("bob", "rob"),
    ]
    assert modern.state.people["bob"] == Person("bob", "bb", "example.org", "rob")
    assert hear(modern, ":bob!b@h ACCOUNT *") == [events.AccountChanged("bob", None)]
    assert modern.state.people["bob"].account is None
    hear(modern, f"{ME} CHGHOST al host.example")
    assert modern.state.source == "alice!al@host.example"


def test_people_are_forgotten_when_no_channel_is_shared(modern: Conversation) -> None:
    hear(modern, f"{ME} JOIN #c", f"{ME} JOIN #d", ":bob!b@h JOIN #c bob :Bob", ":bob!b@h JOIN #d bob :Bob")
    hear(modern, ":bob!b@h PART #c")
    assert "bob" in modern.state.people
    hear(modern, f"{ME} PART #d")
    assert list(modern.state.people) == ["alice"]


EXTBANS = ":s 005 alice EXTBAN=~,am ACCOUNTEXTBAN=a,account :are supported"


@pytest.mark.parametrize(
    ("lines", "mask"),
    [
        ([], "bob!*@*"),
        ([EXTBANS], "bob!*@*"),
        ([":bob!b@guest-1 JOIN #c"], "*!*@guest-1"),
        ([":bob!b@chat.example JOIN #c"], "bob!*@*"),
        ([":bob!b@h JOIN #c rob :Bob"], "bob!*@*"),
        ([EXTBANS, ":bob!b@h JOIN #c rob :Bob"], "~a:rob"),
        ([EXTBANS, ":bob!b@chat.example JOIN #c", "@account=rob :bob!b@h PRIVMSG #c :hi"], "~a:rob"),
        ([EXTBANS, ":s 353 alice = #c :bob!b@chat.example"], "bob!*@*"),
    ],
)
def test_the_mask_that_fits_somebody_best(modern: Conversation, lines: list[str], mask: str) -> None:
    hear(modern, f"{ME} JOIN #c", *lines)
    assert modern.state.mask_of("bob") == mask


def test_whom_one_ignores(modern: Conversation) -> None:
    hear(modern, ":s 271 alice *!*@bad.example", ":s 271 alice ~a:mallory", ":s 272 alice :End")
    assert modern.state.ignored.masks() == ["*!*@bad.example", "~a:mallory"]

    def ignored(line: str) -> bool:
        (event,) = hear(modern, line)
        assert isinstance(event, MessageReceived | events.Invited)
        return event.ignored

    assert ignored(":bob!b@BAD.example PRIVMSG #c :hi")
    assert ignored("@account=Mallory :eve!b@h NOTICE #c :hi")
    assert ignored(":bob!b@bad.example INVITE alice #c")
    assert not ignored(":bob!b@h PRIVMSG #c :hi")
    assert not ignored("@account=alice :alice!a@bad.example PRIVMSG #c :it is oneself")
    assert hear(modern, f"{ME} SILENCE -*!*@bad.example", f"{ME} SILENCE +bob!*@*") == [
        events.IgnoredChanged("*!*@bad.example", adding=False),
        events.IgnoredChanged("bob!*@*", adding=True),
    ]
    assert not ignored(":eve!b@bad.example PRIVMSG #c :hi")
    assert ignored(":bob!b@h PRIVMSG #c :hi")
    assert hear(modern, ":bob!b@h SILENCE -bob!*@*", f"{ME} SILENCE bob", f"{ME} SILENCE +") == []


def test_masks_that_are_none_and_too_many_are_left_out() -> None:
    ignored = Ignored()
    for mask in ("", "~x:y", *(f"n{number}" for number in range(MOST + 1))):
        ignored.add(mask)
    ignored.remove("~x:y")
    assert len(ignored.masks()) == MOST
    assert "n0" in ignored
    assert "~x:y" not in ignored


def test_the_entries_of_a_list_are_counted(modern: Conversation) -> None:
    *entries, end, again = hear(
        modern,
        ":s 367 alice #c bob!*@* carol 1767225600",
        ":s 367 alice #c eve!*@*",
        ":s 368 alice #c :End",
        ":s 368 alice #c :End",
    )
    assert len(entries) == 2
    assert end == events.ServerSaid("s", "368", ("#c", "End"), count=2)
    assert again == events.ServerSaid("s", "368", ("#c", "End"))


def test_an_answer_names_its_question(modern: Conversation) -> None:
    modern.request("WHOIS", "bob")
    (said, _) = hear(modern, "@label=1 :s 311 alice bob b h * :Bob")
    assert said == events.ServerSaid("s", "311", ("bob", "b", "h", "*", "Bob"), answers="WHOIS")


def test_topics(modern: Conversation) -> None:
    hear(modern, f"{ME} JOIN #c")
    assert hear(modern, ":s 332 alice #c :tea", ":bob!b@h TOPIC #c :coffee", ":s 331 alice #c :none") == [
        events.TopicChanged("#c", "tea", None),
        events.TopicChanged("#c", "coffee", "bob"),
        events.TopicChanged("#c", "", None),
    ]
    hear(modern, ":s 332 alice #c :water")
    assert modern.state.channels["#c"].topic == "water"


@pytest.mark.parametrize(("mapping", "same"), [("ascii", False), ("rfc1459", True), (None, True)])
def test_the_server_says_when_two_names_are_one(modern: Conversation, mapping: str | None, same: bool) -> None:
    if mapping:
        hear(modern, f":s 005 alice CASEMAPPING={mapping} NETWORK=My\\x20Net :are supported")
        assert modern.state.features["NETWORK"] == "My Net"
    assert (modern.state.fold("[A]") == modern.state.fold("{a}")) is same


def test_kinds_of_messages(modern: Conversation) -> None:
    lines = [
        (":bob!b@h PRIVMSG alice :\x01ACTION waves\x01", Kind.ACTION, "waves", True),
        (":bob!b@h PRIVMSG #c :\x01ACTION waves", Kind.ACTION, "waves", False),
        (":bob!b@h PRIVMSG #c :\x01VERSION\x01", Kind.CTCP, "VERSION", False),
        (":bob!b@h NOTICE @#c :psst", Kind.NOTICE, "psst", False),
        ("@account=bob :bob!b@h PRIVMSG #c :hi", Kind.MESSAGE, "hi", False),
    ]
    for line, kind, text, private in lines:
        (said,) = hear(modern, line)
        assert isinstance(said, MessageReceived)
        assert (said.kind, said.text, said.private) == (kind, text, private)
        assert said.account == ("bob" if line.startswith("@") else None)


def test_what_the_server_says(modern: Conversation) -> None:
    assert hear(modern, ":s NOTICE alice :hello", ":s 372 alice :- motd", "WALLOPS :x", "NOTE A B :c") == [
        events.ServerSaid("s", "NOTICE", ("hello",)),
        events.ServerSaid("s", "372", ("- motd",)),
        events.Wallops("chat.example", "x"),
        events.ServerSaid("chat.example", "NOTE", ("A", "B", "c")),
    ]
    assert hear(modern, "PING :token", "PING a b", "@+typing=active :bob!b@h TAGMSG #c", "ERROR :bye") == []
    assert [message.params for message in modern.outgoing] == [["token"], ["a"]]
    assert modern.last_words == "bye"


@pytest.mark.parametrize(
    "time", ["", "yesterday", "2026-13-01T00:00:00Z", "2026-01-01T00:00:00", "0001-01-01T00:00:00Z"]
)
def test_times_that_are_none(modern: Conversation, time: str) -> None:
    (said,) = hear(modern, f"@time={time} :bob!b@h PRIVMSG #c :x")
    assert said.time is None
