"""REDACT: who may take back what, for how long, and who hears of it (IRCv3 draft/message-redaction)."""

import contextlib
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from securechat.chat.stamps import STEP_BITS, msgid, parse_msgid
from securechat.server.config import HistoryConfig
from tests.server.wire import Client, House, Opener, commands, one, running, shown

CAP = "draft/message-redaction"
CAPS = ("message-tags", "echo-message", "labeled-response", "batch", "server-time", "account-tag", CAP)
NEVER = "7zzzzzzzzzzzz"
"""What can be a msgid, and is none."""


def say(client: Client, target: str, text: str = "hello", kind: str = "PRIVMSG") -> str:
    """The msgid of what was said."""
    return one(client.ask(f"{kind} {target} :{text}"), kind).tags["msgid"]


def heard(client: Client) -> list[str]:
    return [shown(message) for message in client.sync()]


def refused(client: Client, line: str, *words: str) -> None:
    """It is answered with this FAIL and nothing else; with a label, with the label."""
    (told,) = client.ask(line)
    assert [told.command, *told.params[:-1]] == ["FAIL", "REDACT", *words]
    (told,) = client.ask(f"@label=l {line}")
    assert (told.command, told.tags["label"]) == ("FAIL", "l")


class Tea:
    """A channel with an operator, a half-operator, two members and somebody outside, an administrator."""

    def __init__(self, opened: Opener, channel: str) -> None:
        self.channel = channel
        self.operator = opened(None, *CAPS, join=channel)
        self.half, self.ann, self.bob = (opened(None, *CAPS, join=channel) for _ in range(3))
        self.boss = opened(None, *CAPS, account="boss")
        self.operator.ask(f"MODE {channel} +h {self.half.nick}")
        self.sync()

    def sync(self) -> None:
        for client in (self.operator, self.half, self.ann, self.bob, self.boss):
            client.sync()


# -- what is seen ------------------------------------------------------------------------------------------------------


def test_who_said_it_takes_it_back(opened: Opener) -> None:
    tea = Tea(opened, "#tea")
    old = opened(None, "message-tags", join="#tea")
    old.sync()
    id = say(tea.ann, "#tea")
    tea.sync()
    old.sync()
    (echo,) = tea.ann.ask(f"@label=l REDACT #TEA {id} :never mind")
    (told,) = tea.bob.sync()
    assert shown(told) == f"{tea.ann.nick} REDACT #tea {id} :never mind"
    assert told.tags.keys() == {"msgid", "time"}
    assert (told.tags["msgid"]) > id
    assert echo.tags == {**told.tags, "label": "l"}
    assert (echo.command, echo.params, echo.source) == (told.command, told.params, told.source)
    assert commands(tea.operator.sync()) == ["REDACT"]
    assert tea.boss.sync() == []
    assert old.sync() == [], "who has not asked for it is told nothing"
    (bare,) = tea.ann.ask(f"REDACT #tea {say(tea.ann, '#tea')}")
    assert len(bare.params) == 2, "no reason is made up"


def test_all_that_was_sent_before_is_known(opened: Opener) -> None:
    """A client need not wait; and what is taken back is that message and no other."""
    ann, bob = opened(None, *CAPS, join="#pipe"), opened(None, *CAPS, join="#pipe")
    bob.sync()
    id = say(ann, "#pipe", "one")
    ann.send(
        "PRIVMSG #pipe :two", f"REDACT #pipe {id}", "PRIVMSG #pipe :three", f"REDACT #pipe {id}", "PRIVMSG #pipe :four"
    )
    last = [message.command for message in ann.sync()]
    assert last == ["PRIVMSG", "REDACT", "PRIVMSG", "FAIL", "PRIVMSG"]
    assert heard(bob) == [
        f"{ann.nick} PRIVMSG #pipe :one",
        f"{ann.nick} PRIVMSG #pipe :two",
        f"{ann.nick} REDACT #pipe :{id}",
        f"{ann.nick} PRIVMSG #pipe :three",
        f"{ann.nick} PRIVMSG #pipe :four",
    ]


def test_all_devices_see_it(opened: Opener) -> None:
    first, second = (opened(None, *CAPS, account="carol", join="#devices") for _ in range(2))
    dumb = opened(None, account="carol")
    id = say(first, "#devices")
    second.sync()
    dumb.sync()
    assert commands(second.ask(f"REDACT #devices {id}")) == ["REDACT"]
    (told,) = first.sync()
    assert (shown(told), told.tags["account"]) == (f"carol REDACT #devices :{id}", "carol")
    assert dumb.sync() == []


@pytest.mark.parametrize("kind", ["PRIVMSG", "NOTICE"])
def test_between_two(opened: Opener, kind: str) -> None:
    ann, bob, eve = (opened(None, *CAPS) for _ in range(3))
    device = opened(None, *CAPS, account="Bob")
    id = say(ann, bob.nick, kind=kind)
    bob.sync()
    refused(bob, f"REDACT {ann.nick} {id}", "REDACT_FORBIDDEN", ann.nick, id)
    refused(bob, f"REDACT {bob.nick} {id}", "REDACT_FORBIDDEN", bob.nick, id)
    for target in (ann.nick, bob.nick, "Bob"):
        refused(eve, f"REDACT {target} {id}", "UNKNOWN_MSGID", target, id)
    refused(eve, f"REDACT nobody {id}", "INVALID_TARGET", "nobody")
    refused(ann, f"REDACT Bob {id}", "UNKNOWN_MSGID", "Bob", id)
    (echo,) = ann.ask(f"REDACT {bob.nick.upper()} {id} :oops")
    assert shown(echo) == f"{ann.nick} REDACT {bob.nick} {id} :oops"
    assert heard(bob) == [shown(echo)]
    assert (eve.sync(), device.sync()) == ([], [])
    refused(ann, f"REDACT {bob.nick} {id}", "UNKNOWN_MSGID", bob.nick, id)
    ann.send(f"PRIVMSG {ann.nick} :a note")
    own = ann.expect("PRIVMSG", ann.nick).tags["msgid"]
    ann.sync()
    assert commands(ann.ask(f"REDACT {ann.nick} {own}")) == ["REDACT"]


def test_names_change(opened: Opener) -> None:
    """The one it was for is found by either name, but nobody else who wears it now."""
    ann, bob = opened(None, *CAPS), opened("Robert", *CAPS)
    ids = [say(ann, "Robert") for _ in range(3)]
    bob.ask("NICK Rob")
    assert shown(one(ann.ask(f"REDACT Rob {ids[0]}"), "REDACT")) == f"{ann.nick} REDACT Rob :{ids[0]}"
    assert commands(bob.sync())[-1] == "REDACT"
    other = opened("Robert", *CAPS)
    assert commands(ann.ask(f"REDACT Robert {ids[1]}")) == ["REDACT"]
    assert other.sync() == []
    bob.send("QUIT")
    bob.to_end()
    assert commands(ann.ask(f"REDACT Robert {ids[2]}")) == ["REDACT"]
    assert other.sync() == []


def test_what_waits_for_somebody_is_not_shown_to_them(opened: Opener) -> None:
    ann = opened(None, *CAPS)
    first, second = say(ann, "dave", "a secret"), say(ann, "dave", "hello dave")
    assert commands(ann.ask(f"REDACT dave {first} :reason")) == ["REDACT"]
    dave = opened(None, *CAPS, account="dave")
    assert not [line for line in dave.lines if "a secret" in line]
    assert [line for line in dave.lines if second in line]
    assert not [line for line in dave.lines if line.endswith("PRIVMSG dave :")]


# -- who may -----------------------------------------------------------------------------------------------------------


def test_operators_of_the_channel_and_nobody_else(opened: Opener) -> None:
    tea = Tea(opened, "#rights")
    id = say(tea.ann, "#rights")
    tea.sync()
    for member in (tea.bob, tea.half):
        refused(member, f"REDACT #rights {id}", "REDACT_FORBIDDEN", "#rights", id)
    refused(tea.boss, f"REDACT #rights {id}", "INVALID_TARGET", "#rights")
    tea.boss.join("#rights")
    refused(tea.boss, f"REDACT #rights {id}", "REDACT_FORBIDDEN", "#rights", id)
    tea.sync()
    assert commands(tea.operator.ask(f"REDACT #rights {id} :spam")) == ["REDACT"]
    assert heard(tea.ann) == [f"{tea.operator.nick} REDACT #rights {id} :spam"]
    refused(tea.ann, f"REDACT #rights {id}", "UNKNOWN_MSGID", "#rights", id)
    own = say(tea.half, "#rights")
    assert commands(tea.half.ask(f"REDACT #rights {own}")) == ["REDACT"]


def test_only_who_is_in_the_channel(opened: Opener) -> None:
    tea = Tea(opened, "#left")
    id = say(tea.ann, "#left")
    tea.ann.ask("PART #left")
    refused(tea.ann, f"REDACT #left {id}", "INVALID_TARGET", "#left")
    assert tea.ann.ask(f"REDACT #left {id}")[0].params[-1] == "You cannot delete messages from #left"
    tea.ann.join("#left")
    assert commands(tea.ann.ask(f"REDACT #left {id}")) == ["REDACT"]


def test_what_is_for_some_is_no_message_for_the_others(opened: Opener) -> None:
    tea = Tea(opened, "#some")
    id, own = say(tea.operator, "%#some"), say(tea.bob, "%#some")
    tea.sync()
    for target in ("#some", "%#some", "@#some"):
        refused(tea.ann, f"REDACT {target} {id}", "UNKNOWN_MSGID", target, id)
        refused(tea.half, f"REDACT {target} {id}", "REDACT_FORBIDDEN", target, id)
        refused(tea.ann, f"REDACT {target} {own}", "UNKNOWN_MSGID", target, own)
    assert commands(tea.bob.ask(f"REDACT #some {own} :oops")) == ["REDACT"]
    assert heard(tea.half) == heard(tea.operator) == [f"{tea.bob.nick} REDACT %#some {own} :oops"]
    assert tea.ann.sync() == []
    assert commands(tea.operator.ask(f"REDACT %#some {id}")) == ["REDACT"]


@pytest.mark.parametrize("known", [False, True])
def test_nobody_learns_of_what_is_not_theirs(opened: Opener, known: bool) -> None:
    """The answers are the same, letter for letter, whether the message is there or not, and the channel."""
    hidden, gone = opened(None, *CAPS, join="#hidden"), opened(None, *CAPS, join="#other")
    hidden.ask("MODE #hidden +s")
    friend = opened(None, *CAPS)
    ids = (say(hidden, "#hidden"), say(hidden, friend.nick)) if known else (NEVER, NEVER)
    for id in ids:
        for target, answer in (
            ("#hidden", ["INVALID_TARGET", "#hidden"]),
            ("#nowhere", ["INVALID_TARGET", "#nowhere"]),
            ("#other", ["UNKNOWN_MSGID", "#other", id]),
            ("alice", ["UNKNOWN_MSGID", "alice", id]),
            (hidden.nick, ["UNKNOWN_MSGID", hidden.nick, id]),
            (friend.nick, ["UNKNOWN_MSGID", friend.nick, id]),
            (gone.nick, ["UNKNOWN_MSGID", gone.nick, id]),
            ("nobody", ["INVALID_TARGET", "nobody"]),
            ("*", ["INVALID_TARGET", "*"]),
        ):
            refused(gone, f"REDACT {target} {id}", *answer)


def test_what_was_said_before_one_could_read_it(opened: Opener) -> None:
    operator = opened(None, *CAPS, join="#closed")
    operator.ask("MODE #closed +i")
    id = say(operator, "#closed")
    guest = opened(None, *CAPS)
    operator.ask(f"INVITE {guest.nick} #closed")
    guest.join("#closed")
    refused(guest, f"REDACT #closed {id}", "UNKNOWN_MSGID", "#closed", id)
    operator.ask(f"MODE #closed +o {guest.nick}")
    guest.sync()
    refused(guest, f"REDACT #closed {id}", "UNKNOWN_MSGID", "#closed", id)
    assert commands(operator.ask(f"REDACT #closed {id}")) == ["REDACT"]


def test_whom_nobody_wants_to_hear_is_not_heard_in_this_way(opened: Opener) -> None:
    operator, troll = opened(None, *CAPS, join="#quiet"), opened(None, *CAPS, join="#quiet")
    public, private = say(troll, "#quiet"), say(troll, operator.nick)
    operator.ask(f"MODE #quiet +b {troll.nick}", f"SILENCE +{troll.nick}!*@*")
    operator.sync()
    troll.sync()
    assert [len(message.params) for message in troll.ask(f"REDACT #quiet {public} :you fools")] == [2]
    assert [len(message.params) for message in troll.ask(f"REDACT {operator.nick} {private} :you fool")] == [2]
    assert [len(message.params) for message in operator.sync()] == [2, 2]


# -- what can't be taken back ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("id", [NEVER, NEVER.upper(), "x", "zzzzzzzzzzzzz", "0000000000000", "1" * 400, "ä", "';--"])
def test_what_is_no_message(opened: Opener, id: str) -> None:
    client = opened(None, *CAPS, join="#nothing")
    (told,) = client.ask(f"REDACT #nothing {id}")
    assert told.params[:3] == ["REDACT", "UNKNOWN_MSGID", "#nothing"]
    assert id.startswith(told.params[3])


def test_only_messages_and_only_where_they_were_said(opened: Opener) -> None:
    client = opened(None, *CAPS, join="#one,#two")
    client.send("TOPIC #one :cups")
    topic = client.expect("TOPIC").tags["msgid"]
    tag = one(client.ask("@+typing=active TAGMSG #one"), "TAGMSG").tags["msgid"]
    id = say(client, "#one")
    for target, other in (("#one", topic), ("#one", tag), ("#two", id), (client.nick, id), ("alice", id)):
        refused(client, f"REDACT {target} {other}", "UNKNOWN_MSGID", target, other)
    told = one(client.ask(f"REDACT #one {id}"), "REDACT")
    refused(client, f"REDACT #one {told.tags['msgid']}", "UNKNOWN_MSGID", "#one", told.tags["msgid"])


def test_tags_without_a_text(opened: Opener) -> None:
    """The specification's example; they are messages as well."""
    client = opened(None, *CAPS, join="#react")
    id = one(client.ask("@+reply=x;+draft/react=y TAGMSG #react"), "TAGMSG").tags["msgid"]
    assert client.asked(f"REDACT #react {id}") == [f"{client.nick} REDACT #react :{id}"]
    refused(client, f"REDACT #react {id}", "UNKNOWN_MSGID", "#react", id)


def test_a_channel_of_the_same_name_is_another(opened: Opener) -> None:
    client = opened(None, *CAPS, join="#again")
    id = say(client, "#again")
    client.ask("PART #again")
    client.join("#again")
    refused(client, f"REDACT #again {id}", "UNKNOWN_MSGID", "#again", id)
    owner = opened(None, *CAPS, account="alice", join="#alices")
    id = say(owner, "#alices")
    owner.ask("RENAME #alices #wonderland")
    (told,) = owner.ask(f"REDACT #wonderland {id}")
    assert told.params == ["#wonderland", id]


def test_the_command_is_there_for_who_has_asked_for_it(opened: Opener) -> None:
    for caps in ((), ("message-tags",), (CAP,)):
        client = opened(None, *caps, join="#lobby")
        assert commands(client.ask(f"REDACT #lobby {NEVER}")) == ["421"]
    client = opened(None, *CAPS)
    for line in ("REDACT", "REDACT #lobby"):
        assert commands(client.ask(line)) == ["461"]
    stranger = opened.stranger()
    stranger.send(f"CAP REQ :message-tags {CAP}", f"REDACT #lobby {NEVER}")
    stranger.expect("451")


def test_a_message_of_several_lines(opened: Opener) -> None:
    client, other = (opened(None, *CAPS, "draft/multiline", join="#lines") for _ in range(2))
    client.sync()
    client.send(
        "BATCH +1 draft/multiline #lines", "@batch=1 PRIVMSG #lines :a", "@batch=1 PRIVMSG #lines :b", "BATCH -1"
    )
    id = client.expect("BATCH").tags["msgid"]
    client.sync()
    other.sync()
    assert commands(client.ask(f"REDACT #lines {id}")) == ["REDACT"]
    assert commands(other.sync()) == ["REDACT"]


# -- time, restart, disk -----------------------------------------------------------------------------------------------


@pytest.fixture
def make(certs: Path, tmp_path: Path) -> Iterator[Callable[..., House]]:
    """Runs a server with this configuration; the one before is stopped."""
    contexts: list[object] = []

    def start(**options: object) -> House:
        stop()
        context = running(certs, tmp_path, **options)  # type: ignore[arg-type]
        contexts.append(context)
        return context.__enter__()

    def stop() -> None:
        while contexts:
            contexts.pop().__exit__(None, None, None)  # type: ignore[attr-defined]

    yield start
    stop()


def test_never_by_who_said_it(make: Callable[..., House]) -> None:
    opened = Opener(make(history=HistoryConfig(redact_seconds=0)))
    operator, client = opened(None, *CAPS, join="#tea"), opened(None, *CAPS, join="#tea")
    id = say(client, "#tea")
    refused(client, f"REDACT #tea {id}", "REDACT_WINDOW_EXPIRED", "#tea", id, "0")
    private = say(client, operator.nick)
    refused(client, f"REDACT {operator.nick} {private}", "REDACT_WINDOW_EXPIRED", operator.nick, private, "0")
    assert commands(operator.ask(f"REDACT #tea {id}"))[-1] == "REDACT"


def test_after_its_time(make: Callable[..., House]) -> None:
    """Of messages that are made older in the store. (For those in channels: `tests/chat/story_keeping.py`.)"""
    house = make(history=HistoryConfig(redact_seconds=3600))
    opened = Opener(house)
    client = opened(None, *CAPS, account="alice")
    ids = [say(client, "Bob"), say(client, "Bob")]
    older = [(parse_msgid(id) or 0) - (ms << STEP_BITS) for id, ms in zip(ids, (3_600_000, 3_590_000), strict=True)]
    moves = [(new, parse_msgid(id)) for new, id in zip(older, ids, strict=True)]
    house.ask(lambda _: house.hub.database.tidy([("UPDATE log SET stamp = ? WHERE stamp = ?", moves)]))
    late, early = map(msgid, older)
    refused(client, f"REDACT bob {late}", "REDACT_WINDOW_EXPIRED", "bob", late, "3600")
    assert commands(client.ask(f"REDACT bob {early}")) == ["REDACT"]


def test_while_it_can_not_be_stored(make: Callable[..., House], tmp_path: Path) -> None:
    house = make()
    client = Opener(house)(None, *CAPS, account="alice", join="#tea")
    id = say(client, "#tea", "still here")
    with contextlib.closing(sqlite3.connect(tmp_path / "data" / "securechat.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        (told,) = client.ask(f"@label=l REDACT #tea {id}")
        assert told.params[:2] == ["REDACT", "TEMPORARILY_UNAVAILABLE"]
        other.execute("ROLLBACK")
        assert other.execute("SELECT text FROM log WHERE stamp = ?", (parse_msgid(id),)).fetchone() == ("still here",)
    assert all(fault.startswith("not stored") for fault in house.faults)
    house.faults.clear()
    assert commands(client.ask(f"REDACT #tea {id}")) == ["REDACT"]


def test_after_a_restart(make: Callable[..., House]) -> None:
    opened = Opener(make())
    client = opened(None, *CAPS, account="alice", join="#tea")
    gone, kept = say(client, "#tea"), say(client, "#tea", "kept")
    client.ask(f"REDACT #tea {gone}")
    opened = Opener(make(again=True))
    client = opened(None, *CAPS, account="alice", join="#tea")
    refused(client, f"REDACT #tea {gone}", "UNKNOWN_MSGID", "#tea", gone)
    assert commands(client.ask(f"REDACT #tea {kept}")) == ["REDACT"]
