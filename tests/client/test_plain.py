"""The lines that people and programs read."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from securechat.client import plain
from securechat.client.events import (
    AccountChanged,
    Acknowledged,
    Away,
    AwayChanged,
    ChannelRenamed,
    Disconnected,
    Event,
    IgnoredChanged,
    Invited,
    Joined,
    Kicked,
    Kind,
    MessageReceived,
    ModesChanged,
    Names,
    NickChanged,
    Parted,
    Quit,
    RealnameChanged,
    Redacted,
    Refused,
    ServerSaid,
    TopicChanged,
    Wallops,
)
from securechat.client.requests import Request
from securechat.irc.modes import ModeChange
from tests.client.test_safe import TEXTS

HOME = "#lobby"


def _said(
    text: str = "hi",
    *,
    target: str = HOME,
    kind: Kind = Kind.MESSAGE,
    own: bool = False,
    private: bool = False,
    source: str = "alice",
) -> MessageReceived:
    return MessageReceived(source, target, text, kind, own=own, private=private)


@pytest.mark.parametrize(
    ("event", "line"),
    [
        (_said(), "<alice> hi"),
        (_said(target="#LOBBY"), "<alice> hi"),
        (_said(target="#other"), "#other <alice> hi"),
        (_said(target="me", private=True), "(private) <alice> hi"),
        (_said(target="bob", private=True, own=True), "(to bob) <alice> hi"),
        (_said(kind=Kind.ACTION), "* <alice> hi"),
        (_said(kind=Kind.ACTION, target="#other"), "#other * <alice> hi"),
        (_said(kind=Kind.NOTICE), "-alice- hi"),
        (_said(kind=Kind.CTCP, text="VERSION", private=True), "(private) -alice- CTCP VERSION"),
        (Joined("alice", HOME, own=False), "* alice joined #lobby"),
        (Parted("alice", HOME, "", own=False), "* alice left #lobby"),
        (Parted("alice", HOME, "bye", own=False), "* alice left #lobby (bye)"),
        (Kicked("alice", HOME, "bob", "spam", own=False), "* alice was put out of #lobby by bob (spam)"),
        (Quit("alice", "gone", ()), "* alice quit (gone)"),
        (Quit("alice", "Quit: bye", ()), "* alice quit (bye)"),
        (Quit("alice", "Quit: ", ()), "* alice quit"),
        (NickChanged("alice", "al", own=False), "* alice is now al"),
        (TopicChanged(HOME, "tea", "bob"), "* bob set the topic of #lobby: tea"),
        (TopicChanged(HOME, "", "bob"), "* bob took away the topic of #lobby"),
        (TopicChanged(HOME, "tea", None), "* the topic of #lobby is: tea"),
        (TopicChanged(HOME, "", None), "* #lobby has no topic"),
        (ModesChanged(HOME, "+Z alice", "bob"), "* bob set modes of #lobby: +Z alice"),
        (
            ModesChanged(HOME, "+ov alice al", "bob", (ModeChange(True, "o", "alice"), ModeChange(True, "v", "al"))),
            "* bob made alice an operator, gave al a voice in #lobby",
        ),
        (
            ModesChanged("alice", "+i", "alice", (ModeChange(True, "i"),), personal=True),
            "* alice set +i on alice (invisible to those who share no channel)",
        ),
        (ModesChanged("alice", "-i", "alice", (ModeChange(False, "i"),), personal=True), "* alice set -i on alice"),
        (ChannelRenamed("#tea", "#coffee", "bob", ""), "* bob renamed #tea to #coffee"),
        (ChannelRenamed("#tea", "#coffee", "bob", "better"), "* bob renamed #tea to #coffee (better)"),
        (AwayChanged("bob", "lunch"), "* bob is away (lunch)"),
        (AwayChanged("bob", None), "* bob is back"),
        (RealnameChanged("bob", "Robert B."), "* bob has the real name Robert B. now"),
        (AccountChanged("bob", "rob"), "* bob logged in as rob"),
        (AccountChanged("bob", None), "* bob logged out"),
        (Wallops("bob", "hear, hear"), "(to operators) -bob- hear, hear"),
        (IgnoredChanged("bob!*@*", adding=True), "* you ignore bob"),
        (IgnoredChanged("~a:bob", adding=False), "* you no longer ignore the account bob"),
        (Acknowledged(Request("1", "MODE", ("#c", "+m"), labelled=True), empty=True), "* nothing has changed"),
        (Acknowledged(Request("1", "MODE", ("#c", "+m"), labelled=True)), None),
        (Acknowledged(Request("1", "PART", ("#c",), labelled=True), empty=True), None),
        (Invited("alice", HOME, "bob"), "* bob invited alice to #lobby"),
        (Names(HOME, ("@alice", "bob")), "* in #lobby: @alice, bob"),
        (Names(HOME, ()), "* in #lobby: nobody"),
        (Away("bob", "reads it later"), "* bob is not there: reads it later"),
        (ServerSaid("chat.example", "372", ("- motd",)), "-chat.example- - motd"),
        (Acknowledged(Request("1", "JOIN", ("#c",), labelled=True)), None),
        (Disconnected(None), None),
    ],
)
def test_forms(event: Event, line: str | None) -> None:
    assert plain.line(event, HOME) == line


def test_a_message_of_several_lines() -> None:
    several = _said("one\n\n\x1b* bob quit", target="#other")
    assert plain.lines(several, HOME) == ["#other <alice> one", "#other <alice> ", "#other <alice> ␛* bob quit"]
    assert plain.block(several, HOME) == ["#other <alice> one", "", "␛* bob quit"]
    assert plain.lines(Joined("alice", HOME, own=False), HOME) == ["* alice joined #lobby"]
    assert plain.block(Disconnected(None), HOME) == []


def test_without_a_home_every_channel_is_named() -> None:
    assert plain.line(_said(), None) == "#lobby <alice> hi"


@given(TEXTS, st.sampled_from(Kind), st.booleans(), st.sampled_from([HOME, "#other", "me"]))
def test_nobody_can_pass_for_somebody_else_or_for_the_server(text: str, kind: Kind, own: bool, target: str) -> None:
    line = plain.line(_said(text, target=target, kind=kind, own=own, private=target == "me"), HOME)
    assert line is not None
    assert len(line.splitlines()) == 1
    assert re.match(r"(#other |\(private\) |\(to me\) )?(<alice>|\* <alice>|-alice-) ", line)


@given(TEXTS, st.sampled_from(Kind))
def test_no_line_of_a_message_is_without_its_name(text: str, kind: Kind) -> None:
    several = _said(f"{text}\n{text}", kind=kind)
    for line in plain.lines(several, HOME):
        assert re.match(r"(<alice>|\* <alice>|-alice-) ", line)
        assert len(line.splitlines()) == 1
    assert all(len(line.splitlines()) <= 1 for line in plain.block(several, HOME))


@given(TEXTS)
def test_no_event_makes_two_lines(text: str) -> None:
    for event in (
        Parted(text, text, text, own=False),
        Kicked(text, text, text, text, own=False),
        TopicChanged(text, text, text),
        Names(text, (text, text)),
        ServerSaid(text, f"X{text}", (text, text)),
        Invited(text, text, text),
        ModesChanged(text, text, text),
        ModesChanged(text, text, text, (ModeChange(True, "b", text),)),
        ModesChanged(text, text, text, (), personal=True),
        ChannelRenamed(text, text, text, text),
        AwayChanged(text, text),
        RealnameChanged(text, text),
        AccountChanged(text, text),
        Wallops(text, text),
        Redacted(text, text, text, text, own=False, private=False, author=text),
        replace(_said(text), taken_back=Redacted(text, text, text, text, own=True, private=True)),
        IgnoredChanged(text, adding=True),
        NickChanged(text, text, own=True),
    ):
        line = plain.line(event, HOME)
        assert line is not None
        assert len(line.splitlines()) == 1
        assert "\x1b" not in line


def test_refusals_say_what_was_not_said() -> None:
    said = Request("1", "PRIVMSG", ("#c", "hel\x1blo"), labelled=True)
    joined = Request("2", "JOIN", ("#c",), labelled=True)
    assert plain.refusal(Refused(said, "404", "#c", "Cannot send")) == "Cannot send (#c); not said: hel␛lo"
    assert plain.refusal(Refused(joined, "473", "#c", "Invite only")) == "Invite only (#c)"
    assert plain.refusal(Refused(None, "", "", "")) == "refused"


def test_what_was_taken_back() -> None:
    now = datetime(2026, 3, 2, 12, 30, tzinfo=UTC)
    own = Redacted("Alice", HOME, "m1", "", own=True, private=False, author="alice", said=now, time=now)
    assert plain.line(own, HOME) == f"* Alice took back a message from {now.astimezone():%H:%M}"
    other = replace(own, by="eve", target="#other", reason="no \x1b good", said=now - timedelta(days=3))
    when = (now - timedelta(days=3)).astimezone()
    assert plain.line(other, HOME) == (
        f"#other * eve took back a message of alice from {when:%Y-%m-%d %H:%M}: no ␛ good"
    )
    unknown = Redacted("bob", "me", "m1", "", own=False, private=True)
    assert plain.line(unknown, HOME) == "(private) * bob took back a message"
    assert plain.line(replace(unknown, own=True, target="carol"), HOME) == "(to carol) * bob took back a message"
    gone = replace(_said("one\ntwo"), taken_back=other)
    assert plain.lines(gone, HOME) == plain.block(gone, HOME) == ["* eve took back this message of alice: no ␛ good"]
    assert plain.line(replace(gone, target="#tea"), HOME) == ("#tea * eve took back this message of alice: no ␛ good")
